"""The models and rules a study may ask of its kiosks, on the Ariège: what they choose, what they
refuse, in words.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import demand_points
from geoguichet.coverage.access.rules import measure
from geoguichet.coverage.access.supply import supply_points
from geoguichet.coverage.errors import SitingError, StudyError
from geoguichet.coverage.kiosks import prospects as hosts
from geoguichet.coverage.kiosks.prospects import (
    Prospect,
    first_serving,
    positions,
    prospect,
    solve,
)
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.plan_text import plan_sentences, rule_sentences
from geoguichet.coverage.routers.impedance import StraightLine
from geoguichet.coverage.run import run
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.coverage.study.hypotheses import Broadband, Throughput
from geoguichet.coverage.study.siting_models import BudgetCovering, SetCovering
from geoguichet.coverage.study.study import Study, parse_study, read_study
from geoguichet.floor.words import Cost, Unit, speaking

type Ask = Callable[..., CoverageResult]
NONE: dict[str, Any] = {"count": None, "budget_eur": None}


@pytest.fixture(scope="module")
def ask(small_path: Path) -> Ask:
    study = read_study(small_path)
    assert study.kiosks is not None
    kiosks = study.kiosks
    return lambda **keys: run(replace(study, kiosks=kiosks.asked_with(**keys)))


@pytest.fixture(scope="module")
def stakes(
    small_path: Path,
) -> Callable[..., tuple[Study, KioskChoice, Prospect, gpd.GeoDataFrame]]:
    """What hosts could do in the Ariège, under keys that change: data are read and measured
    once.
    """
    study, router = read_study(small_path), StraightLine()
    data = inputs.read(study)
    points, _ = demand_points(data.territory, data.services, study)
    supply, _, _ = supply_points(data.territory, data.services, study)
    demand = measure(points, supply, study, router)

    def with_keys(**keys: Any) -> tuple[Study, KioskChoice, Prospect, gpd.GeoDataFrame]:
        assert study.kiosks is not None
        choice = study.kiosks.asked_with(**keys)
        asked = replace(study, kiosks=choice)
        services = data.services.assign(fibre=data.services.index.str.endswith("2"), price=2_000.0)
        found = hosts.candidate_hosts(data.territory, services, demand, asked, choice)
        rules = hosts.site_rules(found.eligible, points, data.territory, asked)
        return asked, choice, prospect(asked, choice, demand, found, rules, router), demand

    return with_keys


def sites(
    study: Study, choice: KioskChoice, prospects: Prospect, demand: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    return prospects.hosts.iloc[list(solve(study, choice, prospects, demand).sites)]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"weight": "pop_65_plus"},
        {"model": "backup"},
        {"model": "p_median"},
        {"model": "p_center", "count": 12},
        {"model": "set_covering", **NONE},
        {"share": 0.95, **NONE},
        {"count": None, "budget_eur": 45_000.0, "user_side_cost_eur": 10_000.0},
        {"existing": ("09122", "09225"), "one_per": "epci", "spacing_m": 6_000.0},
        {"hours_count": True, "count": 6},
    ],
)
def test_prefix_sums_of_the_list_equal_what_its_kiosks_serve(ask: Ask, keys: dict) -> None:
    answer = ask(**keys)
    assert answer.plan is not None and answer.ranking is not None
    assert answer.plan.status == "optimal" or answer.plan.gap < 0.01
    gained = answer.demand.loc[
        ~answer.demand["served"] & answer.demand["served_after"], "people"
    ].sum()
    assert (
        answer.kiosks["people_cumulated"].iloc[-1] == answer.kiosks["people_added"].sum() == gained
    )
    curve = answer.ranking.curve
    assert len(curve) == len(answer.plan.sites) == (answer.kiosks["rank"] > 0).sum()
    assert (curve["people"] <= curve["bound"]).all() and (curve["gap"] >= 0).all()
    assert (answer.kiosks["status"] == answer.plan.status).all() and (
        answer.kiosks["bound"] == answer.plan.bound
    ).all()
    told = " ".join(plan_sentences(answer, answer.plan))
    assert "prouvé" in told and "{" not in told
    with speaking("en"):
        assert "prove" in " ".join(plan_sentences(answer, answer.plan))


def test_every_prefix_serves_what_it_says(stakes) -> None:
    study, choice, prospects, demand = stakes(count=5)
    plan = solve(study, choice, prospects, demand)
    people = prospects.white["people"].to_numpy()
    for k in range(1, len(plan.sites) + 1):
        served = first_serving(prospects.serves, list(plan.sites[:k])) >= 0
        naive = [
            any(prospects.serves[row, site] for site in plan.sites[:k])
            for row in range(len(people))
        ]
        assert (served == naive).all() and people[served].sum() == pytest.approx(
            sum(plan.gains[:k])
        )


def test_a_group_is_better_served_when_it_is_the_one_that_counts(stakes) -> None:
    totals = {}
    for weight in ("", "pop_65_plus"):
        study, choice, prospects, demand = stakes(count=2, weight=weight)
        plan = solve(study, choice, prospects, demand)
        served = first_serving(prospects.serves, list(plan.sites)) >= 0
        totals[weight] = prospects.white.loc[served, ["people", "pop_65_plus"]].sum()
    assert totals["pop_65_plus"]["pop_65_plus"] >= totals[""]["pop_65_plus"]
    assert totals[""]["people"] >= totals["pop_65_plus"]["people"]


def test_rules_hold_in_the_plan(stakes) -> None:
    study, choice, prospects, demand = stakes(
        count=6,
        one_per="epci",
        spacing_m=9_000.0,
        required=("09122",),
        excluded=("09225",),
        min_hours_per_week=12.0,
    )
    chosen = sites(study, choice, prospects, demand)
    assert "09122" in set(chosen["commune"]) and "09225" not in set(chosen["commune"])
    assert (chosen["hours_per_week"] >= 12).all()
    assert not chosen["commune"].map(demand["epci"]).duplicated().any()
    places = chosen.to_crs(2154).geometry
    assert all(one.distance(other) >= 9_000 for one, other in combinations(places, 2))


def test_a_host_is_eligible_by_its_columns_and_has_its_price(stakes) -> None:
    _, choice, prospects, _ = stakes(
        broadband=Broadband("fibre"),
        site_cost_column="price",
        budget_eur=9_000.0,
    )
    assert len(prospects.hosts) and prospects.hosts.index.str.endswith("2").all()
    assert (hosts.costs_eur(prospects.hosts, choice) == 2_000).all()
    with pytest.raises(StudyError, match=r"kiosks.broadband.*colonne 'adsl'.*fibre"):
        stakes(broadband=Broadband("adsl"))
    with pytest.raises(SitingError, match=r"kiosks.min_hours_per_week.*il n'en reste aucun"):
        stakes(min_hours_per_week=160.0)
    with pytest.raises(
        StudyError, match=r"kiosks.required.*ne remplit pas la condition « min_hours_per_week »"
    ):
        stakes(min_hours_per_week=160.0, required=("09122",))


def test_of_several_types_in_one_place_the_first_listed_is_the_host(stakes) -> None:
    """The sample's sous-préfectures stand where their town halls do."""
    kinds = ("town_hall", "prefecture", "sous_prefecture")
    first, last = (stakes(candidates=order)[2].hosts for order in (kinds, kinds[::-1]))
    assert len(first) == len(last) and set(first["type"]) == {"town_hall"}
    assert last["type"].value_counts().to_dict() == {
        "town_hall": len(first) - 3,
        "sous_prefecture": 2,
        "prefecture": 1,
    }
    assert not last.geometry.get_coordinates().round(6).duplicated().any()


def test_hours_count_only_where_the_host_is_open_enough(stakes) -> None:
    study, choice, prospects, _ = stakes(hours_count=True)
    least = study.need("mairie").min_hours_per_week
    for opened, weekly in zip(prospects.opened, prospects.hosts["hours_per_week"], strict=True):
        assert opened == ({"etat", "mairie"} if weekly >= least else {"etat"})
    _, _, freely, _ = stakes()
    assert (freely.serves - prospects.serves.multiply(freely.serves)).nnz > 0
    lacking = prospects.white["mairie_m"] > study.need("mairie").within
    short = np.flatnonzero(~(prospects.hosts["hours_per_week"] >= least))
    assert prospects.serves[np.flatnonzero(lacking)][:, short].nnz == 0
    assert choice.hours_count


def test_existing_kiosks_come_first_and_cost_nothing(ask: Ask) -> None:
    first = ask(count=1)
    host = first.kiosks["host_id"].iloc[0]
    second = ask(count=1, existing=(host,))
    assert list(second.kiosks.index) == ["e-001", "k-001"] and list(second.kiosks["standing"]) == [
        "existing",
        "proposed",
    ]
    assert second.kiosks["people_added"].iloc[0] == first.kiosks["people_added"].iloc[0]
    assert second.kiosks["cost_eur"].iloc[0] == 0 and second.kiosks["host_id"].iloc[1] != host
    assert second.plan is not None and second.plan.value == second.kiosks["people_added"].iloc[1]
    assert "1 lieu existe déjà" in rule_sentences(second)


def test_what_no_plan_can_reach_is_told_first(ask: Ask) -> None:
    answer = ask(
        model="set_covering", reach=Cost(1_500.0, Unit.METRES), min_hours_per_week=20.0, **NONE
    )
    assert answer.plan is not None and answer.plan.uncoverable
    reasons = answer.demand["unserved_reason"]
    refused = answer.demand[reasons == "host_refused"]
    assert len(refused)  # their own town hall is within reach, and open less than 20 hours a week
    assert set(refused.index) <= set(
        answer.demand.index[answer.demand["point_source"] == "town_hall"]
    )
    assert not set(refused.index) & set(answer.kiosks["commune"])
    out = answer.demand[reasons.isin(("no_candidate", "host_refused"))]
    assert len(out) == len(answer.plan.uncoverable) == answer.counters["demand_out_of_every_reach"]
    assert plan_sentences(answer, answer.plan)[0].startswith("D’abord, ce qu’aucun plan ne peut")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"one_per": "departement", "floor": (("09", 2),)},
            "si l'on assouplit « floor » ou « one_per »",
        ),
        (
            {"spacing_m": 200_000.0, "required": ("09122", "09225")},
            "si l'on assouplit « spacing » ou « required »",
        ),
        (
            {"model": "p_center", "count": 1, "farthest": Cost(9_000.0, Unit.METRES)},
            "1 visioguichet ne suffit pas .* à moins de 9 km ; augm",
        ),
        (
            {"share": 0.999999, "reach": Cost(10.0, Unit.METRES), **NONE},
            "kiosks.share.*desservent au plus",
        ),
        (
            {"model": "set_covering", "one_per": "epci", **NONE},
            "qui respecte « one_per » ne dessert tous ceux",
        ),
        ({"share": 0.01, **NONE}, "kiosks.share.*déjà desservis"),
        ({"floor": (("31", 1),)}, "kiosks.floor.*'31' est inconnu"),
        (
            {"count": None, "budget_eur": 9_000.0, "user_side_cost_eur": 10_000.0, "experts": 0},
            "kiosks.budget.*reste 9000 EUR .* le moins cher coûte 10000 EUR ; essayez : budget = "
            '"10000 EUR" ou plus',
        ),
    ],
)
def test_a_contradiction_names_the_rule_at_fault(stakes, keys: dict, said: str) -> None:
    with pytest.raises((SitingError, StudyError), match=said):
        solve(*stakes(**keys))


BASE = """
[study]
id = "petite"
title = "Petite"
[territory]
name = "Ariège"
departements = ["09"]
[demand]
groups = ["pop_65_plus"]
[services.mairie]
types = ["town_hall"]
within = "8 km"
[rule]
all = ["mairie"]
[kiosks]
reach = "8 km"
"""


def kiosks(text: str) -> KioskChoice:
    import tomllib

    choice = parse_study(tomllib.loads(BASE + text)).kiosks
    assert choice is not None
    return choice


def test_the_keys_of_the_table_are_read() -> None:
    choice = kiosks(
        'model = "maximal_covering"\nbudget = "300 kEUR"\nuser_side_cost = "10000 EUR"\nweight = '
        '"pop_65_plus"\n'
        'candidates = ["town_hall", "post_office"]\none_per = "epci"\nspacing = "5 '
        'km"\nmin_hours_per_week = 12\n'
        'broadband = { column = "fibre", at_least = 1 }\nfloor = { "09" = 5 }\nsite_cost = { '
        'post_office = "4 kEUR" }\n'
    )
    assert (
        isinstance(choice, BudgetCovering) and choice.sites_budget_eur == 300_000 and choice.priced
    )
    assert choice.broadband == Broadband("fibre", 1.0) and choice.floor == (("09", 5),)
    assert choice.spacing_m == 5_000 and choice.site_cost == (("post_office", 4_000.0),)
    assert kiosks('share = "90 %"').share == pytest.approx(0.9)
    assert kiosks('model = "p_median"\ncount = 3').search_radius == 24_000
    assert isinstance(kiosks('model = "set_covering"'), SetCovering)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "kiosks.budget.*ni count ni budget"),
        ('model = "p_median"', "kiosks.count.*attendue et manque"),
        ('model = "p_mediane"\ncount = 3', 'kiosks.model.*"p_median"'),
        ('model = "set_covering"\ncount = 3', "kiosks.count.*retirez count"),
        ('share = "90 %"\ncount = 3', "kiosks.count.*combien"),
        ('share = "190 %"', "kiosks.share.*au plus 100 %"),
        ('share = "90"', 'kiosks.share.*"90 %"'),
        (
            'count = 3\nmodel = "p_center"\nfarthest = "2 km"',
            "kiosks.farthest.*moins loin que reach",
        ),
        ("count = 3\nsecond = 0.3", "kiosks.second.*ne lit pas"),
        ('count = 3\nmodel = "p_center"\nweight = "pop_65_plus"', "kiosks.weight.*ne lit pas"),
        ('count = 3\nweight = "pop_90_plus"', "kiosks.weight.*groups"),
        ('count = 3\none_per = "canton"', "kiosks.one_per"),
        ('count = 3\nhours_count = "oui"', "kiosks.hours_count.*true ou false"),
        ('count = 3\nfloor = { "09" = 5 }', "kiosks.floor.*en permet 3"),
        ('count = 3\nexisting = ["09122"]\nexcluded = ["09122"]', "kiosks.excluded.*existing"),
        ('budget = "10 kEUR"', "kiosks.user_side_cost.*coûte un kiosque"),
        (
            'count = 3\nbudget = "10 kEUR"\nexperts = 3\nexpert_side_cost = "7 kEUR"',
            "kiosks.budget.*plus que le budget",
        ),
        ('count = 3\nsite_cost = { poste = "4 kEUR" }', "kiosks.site_cost.poste.*inconnu"),
        ('count = 3\nsite_cost = { post_office = "4 kEUR" }', "kiosks.budget.*coûts par lieu"),
    ],
)
def test_wrong_keys_are_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        kiosks(text)


def test_positions_follow_the_table(ask: Ask, stakes) -> None:
    answer = ask(count=3)
    _, _, prospects, _ = stakes(count=3)
    assert answer.plan is not None and positions(prospects, answer.kiosks) == list(
        answer.plan.sites
    )


@pytest.fixture(scope="module")
def filled(small: CoverageResult) -> CoverageResult:
    """The small study, each kiosk taking two uses in a hundred open hours, its desk twenty a year."""
    limit = Throughput(uses_per_hour=0.02, desk_uses_per_hour=0.02, desk_hours_per_week=35.0)
    assert small.study.kiosks is not None
    choice = replace(small.study.kiosks, capacity=limit, experts=3)
    return run(replace(small.study, kiosks=choice))


def test_no_kiosk_nor_the_desk_takes_more_than_it_can(filled: CoverageResult) -> None:
    uses, hours = filled.kiosks["uses_per_year"], filled.kiosks["hours_per_week"]
    assert (uses <= hours * 0.02 * 47 + 1e-9).all() and (uses > 0).any()
    assert uses.sum() <= 3 * 0.02 * 35 * 47
    demand = filled.demand
    gained = demand[demand["served_after"] & ~demand["served"]]
    per_kiosk = gained.groupby("kiosk")["people"].sum()
    told = filled.kiosks["people_added"]
    assert per_kiosk.reindex(told.index, fill_value=0).tolist() == told.tolist()
    assert filled.plan is not None and filled.plan.value == told.sum()
    assert filled.plan.status == "optimal" and filled.plan.bound == filled.plan.value


def test_who_finds_no_room_is_told_so(filled: CoverageResult, small: CoverageResult) -> None:
    full = filled.demand[filled.demand["unserved_reason"] == "full"]
    assert len(full) and not full["served_after"].any()
    reach = small.study.kiosks.reach if small.study.kiosks is not None else 0
    assert (full["kiosk_m"] <= reach).all(), "a kiosk is near, and named"
    assert filled.ranking is not None and "full" in set(filled.ranking.unserved["reason"])
    curve = filled.ranking.curve
    assert (curve["people"] <= curve["bound"]).all()
    assert "full" not in set(small.demand["unserved_reason"])


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("capacity = { uses_per_hour = 0 }", "capacity.uses_per_hour"),
        ("capacity = { desk_uses_per_hour = 3 }", "capacity.uses_per_hour"),
        ("capacity = { uses_per_hour = 2, desk_uses_per_hour = 3 }", "il n'y en a aucun"),
        (
            "capacity = { uses_per_hour = 2 }\nuse = { uses_per_person = 0 }",
            "usage supposé est nul",
        ),
        ('capacity = { uses_per_hour = 2 }\nmodel = "p_center"', "p_center"),
        (
            'capacity = { uses_per_hour = 2 }\nreference = { label = "a", count = 1, cost = "1 EUR" }',
            "reference",
        ),
    ],
)
def test_a_capacity_without_supply_is_refused(
    small_path: Path, tmp_path: Path, written: str, wanted: str
) -> None:
    path = tmp_path / "etude.toml"
    path.write_text(small_path.read_text("utf-8") + written + "\n", encoding="utf-8")
    with pytest.raises(StudyError, match=wanted):
        read_study(path)
