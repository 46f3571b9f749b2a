"""When each kiosk of a plan opens, and how evenly the plan serves."""

import doctest
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from geoguichet.coverage.errors import SitingError, StudyError
from geoguichet.coverage.kiosks import ranking
from geoguichet.coverage.manifest import CoverageResult, study_of, study_parameters
from geoguichet.coverage.outputs.report import sections
from geoguichet.coverage.run import run
from geoguichet.coverage.study.hypotheses import Phase, Programme
from geoguichet.coverage.study.study import Study, read_study

PHASES = (Phase("2027", 17_000.0), Phase("2028", 3_000.0), Phase("2029", 10_000.0))
SHARES = (("État", 0.6), ("Région", 0.4))


def asking(study: Study, **keys: object) -> Study:
    choice = study.kiosks
    assert choice is not None
    more = {"user_side_cost_eur": 10_000.0, "programme": Programme(PHASES, SHARES)} | keys
    return replace(study, kiosks=replace(choice, **more))


@pytest.fixture(scope="module")
def sited(small: CoverageResult) -> CoverageResult:
    return run(asking(small.study))


def test_docstrings_are_true() -> None:
    assert doctest.testmod(ranking).failed == 0


def test_each_phase_is_paid_and_no_other_order_serves_sooner(sited: CoverageResult) -> None:
    steps = sited.ranking.programme if sited.ranking is not None else None
    assert steps is not None and steps.status == "optimal"
    paid = np.cumsum([phase.budget_eur for phase in PHASES])
    table = steps.table
    assert (table["spent_eur"].cumsum() <= paid).all() and table["kiosks"].sum() == 3
    assert [sum(shares.values()) for shares in table["shares"]] == list(table["spent_eur"])
    new, demand = sited.kiosks, sited.demand
    assert set(new["phase"]) <= {phase.name for phase in PHASES}
    white, reach = demand[~demand["served"]], sited.study.kiosks.reach
    metric = white.geometry.to_crs(2154)
    near = np.column_stack([metric.distance(point) <= reach for point in new.to_crs(2154).geometry])
    people = white["people"].to_numpy()
    sums = [
        sum(people[near[:, np.array(order) <= t].any(axis=1)].sum() for t in range(3))
        for order in product(range(3), repeat=3)
        if all(10_000 * sum(one <= t for one in order) <= paid[t] for t in range(3))
    ]
    assert steps.value == max(sums) == table["people"].sum()


def test_the_report_tells_the_phases_and_who_pays(sited: CoverageResult) -> None:
    told = {section.key: section for section in sections(sited)}
    sentence, table = told["programme"].parts
    assert "prouvé" in sentence and table.header[4:6] == ("État", "Région")
    assert [row[0] for row in table.rows] == ["2027", "2028", "2029"]
    assert "Gini" in told["equity"].parts[0]


def test_a_programme_is_kept_by_the_manifest(sited: CoverageResult) -> None:
    assert study_of(study_parameters(sited.study)) == replace(sited.study, path=None)


def test_experts_are_paid_first_and_existing_kiosks_are_of_no_phase(small: CoverageResult) -> None:
    host = small.kiosks["host_id"].iloc[0]
    asked = asking(
        small.study,
        existing=(host,),
        experts=2,
        expert_side_cost_eur=7_000.0,
        programme=Programme((Phase("un", 20_000.0), Phase("deux", 40_000.0))),
    )
    found = run(asked)
    assert found.ranking is not None and found.ranking.programme is not None
    table = found.ranking.programme.table
    assert list(table["kiosks"]) == [0, 3] and table["spent_eur"].iloc[0] == 14_000
    assert (found.kiosks.loc[found.kiosks["rank"] == 0, "phase"] == "").all()


def test_the_index_of_equity_is_half_the_mean_difference_over_the_mean(
    result: CoverageResult,
) -> None:
    assert result.ranking is not None and result.ranking.equity is not None
    table = result.ranking.equity
    people = table["people"].to_numpy(float)
    assert people.sum() == result.demand.loc[result.demand["epci"] != "", "people"].sum()
    for when in ("before", "after"):
        share = table[when].to_numpy()
        apart = sum(
            w * (people * np.abs(share - s)).sum() for w, s in zip(people, share, strict=True)
        )
        mean = (share * people).sum() / people.sum()
        assert ranking.gini(share, people) == pytest.approx(
            apart / (2 * people.sum() ** 2 * mean), abs=1e-12
        )
    assert ranking.gini(table["after"], people) < ranking.gini(table["before"], people)
    assert (table["after"] >= table["before"]).all() and table["after"].is_monotonic_increasing
    assert ranking.gini([0.0, 0.0], [1, 2]) == 0.0, "nobody is served, evenly"


def test_each_intercommunality_has_its_kiosks(small: CoverageResult) -> None:
    assert small.study.kiosks is not None
    epci = small.territory.communes["epci"].nunique()
    choice = replace(small.study.kiosks, floor_per_epci=1, count=epci + 2)
    found = run(replace(small.study, kiosks=choice))
    of_kiosk = found.kiosks["commune"].map(found.demand["epci"])
    assert of_kiosk.nunique() == epci


PHASE = '[[kiosks.programme.phases]]\nname = "{}"\nbudget = "{} EUR"\n'


@pytest.mark.parametrize(
    ("keys", "programme", "wanted"),
    [
        ("", PHASE.format("a", 90000), "coûte un kiosque"),
        ("cost", PHASE.format("a", 20000), "paient 20000 EUR .* coûte 30000"),
        ("cost", PHASE.format("a", 90000) * 2, "noms différents"),
        ("cost", PHASE.format("a", 90000) + "[kiosks.programme.shares]\nA = '60 %'\n", "60,0 %"),
        ("cost", "[kiosks.programme]\npriority = 'x'\n" + PHASE.format("a", 90000), "groupes"),
        ("cost", "[kiosks.programme]\nphases = []\n", "une au moins"),
        ("experts", PHASE.format("a", 5000) + PHASE.format("b", 90000), "première phase"),
        ("floors", "", "l'un des deux"),
    ],
)
def test_phases_that_contradict_each_other_are_refused(
    small_path: Path, tmp_path: Path, keys: str, programme: str, wanted: str
) -> None:
    written = {
        "": "",
        "cost": 'user_side_cost = "10000 EUR"\n',
        "experts": 'user_side_cost = "1 EUR"\nexperts = 1\nexpert_side_cost = "7000 EUR"\n',
        "floors": "floor_per_epci = 1\nfloor_per_departement = 1\n",
    }[keys]
    path = tmp_path / "etude.toml"
    path.write_text(small_path.read_text("utf-8") + written + programme, encoding="utf-8")
    with pytest.raises(StudyError, match=wanted):
        read_study(path)


def test_a_plan_that_the_phases_do_not_pay_for_is_refused(small: CoverageResult) -> None:
    asked = asking(small.study, programme=Programme((Phase("2027", 20_000.0),)))
    with pytest.raises(SitingError, match="paient 20000 EUR"):
        run(asked)
