"""Whether the sites of a plan hold: each scenario is a study of its own, and no choice of as many
sites gains more on average than the robust plan.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geoguichet.cli import main
from geoguichet.coverage.errors import SensitivityError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.robustness import robustness
from geoguichet.coverage.run import run
from geoguichet.coverage.sensitivity import Sensitivity, sensitivity
from geoguichet.coverage.study.hypotheses import Throughput
from geoguichet.coverage.study.study import CellsChoice, Study, read_study
from geoguichet.floor.words import Cost, Unit

FACTORS = (0.8, 1.0, 1.3)


@pytest.fixture(scope="module")
def told(small_path: Path) -> Sensitivity:
    return sensitivity(read_study(small_path), thresholds=FACTORS)


def under(study: Study, factor: float) -> Study:
    assert study.kiosks is not None
    return replace(
        study,
        needs=tuple(
            replace(need, within=Cost(need.within * factor, Unit.METRES)) for need in study.needs
        ),
        kiosks=replace(study.kiosks, reach=Cost(study.kiosks.reach * factor, Unit.METRES)),
    )


def test_each_scenario_asks_for_the_plan_of_a_study_of_its_own(
    told: Sensitivity, small: CoverageResult
) -> None:
    assert told.plan is not None
    chosen: dict[str, list[bool]] = {code: [] for code in told.plan.sites["commune"]}
    for row in told.plan.scenarios.to_dict("records"):
        alone = run(under(small.study, row["thresholds"]))
        assert alone.plan is not None and row["best"] == alone.kiosks["people_added"].sum()
        for code, times in chosen.items():
            times.append(code in set(alone.kiosks["commune"]))
    assert told.plan.sites["chosen"].tolist() == [np.mean(times) for times in chosen.values()]
    assert all(any(times) or robust for times, robust in zip(
        chosen.values(), told.plan.sites["robust"], strict=True))  # fmt: skip
    ranks = told.plan.sites.dropna(subset="rank").set_index("rank")["commune"].sort_index()
    assert ranks.tolist() == small.kiosks["commune"].tolist()


def test_no_choice_of_as_many_sites_gains_more_on_average(
    told: Sensitivity, small: CoverageResult
) -> None:
    """Against every choice of the hosts that gain anyone, as straight lines and thresholds say."""
    assert told.plan is not None and told.plan.plan is not None
    host_layer = small.services[small.services["type"] == "town_hall"]
    hosts = host_layer[host_layer["inside"]].to_crs(2154).drop_duplicates("commune")
    covers, people = [], []
    for factor in FACTORS:
        asked = under(small.study, factor)
        bare = run(replace(asked, kiosks=None))
        white = bare.demand[~(bare.demand["served"] | bare.demand["undecided"])]
        points = white.to_crs(2154).geometry
        reach = 0.0 if asked.kiosks is None else asked.kiosks.reach
        covers.append(np.column_stack([points.distance(host) <= reach for host in hosts.geometry]))
        people.append(white["people"].to_numpy())
    cover, weight = np.vstack(covers), np.concatenate(people) / len(FACTORS)
    useful = np.argsort(-(weight @ cover))[:25]  # every triple of them, and a bound on the others
    best = max(
        weight[cover[:, three].any(axis=1)].sum() for three in map(list, combinations(useful, 3))
    )
    assert told.plan.plan.status == "optimal"
    assert told.plan.plan.value >= best * 0.999  # metres of a projection, not of the ground
    mean = told.plan.scenarios["robust"].mean()
    assert mean == pytest.approx(told.plan.plan.value)
    assert mean >= told.plan.scenarios["own"].mean()
    assert (told.plan.scenarios["robust"] <= told.plan.scenarios["best"]).all()


def test_an_alternative_stands_for_a_site_alone_and_loses_what_is_told(
    told: Sensitivity, small: CoverageResult
) -> None:
    """Each is tried: the study again, the other sites and the alternative required."""
    assert told.plan is not None and small.study.kiosks is not None
    sites = told.plan.sites.dropna(subset="rank").set_index("commune")
    gained = small.kiosks["people_added"].sum()
    code = sites.index[sites["alternatives"] != ""][0]
    names = small.demand["name"]
    for place, name in enumerate(sites.loc[code, "alternatives"].split(", ")):
        others = {*sites.index} - {code} | {str(names.index[names == name][0])}
        choice = replace(small.study.kiosks, required=tuple(sorted(others)))
        again = run(replace(small.study, kiosks=choice)).kiosks["people_added"].sum()
        assert gained - again <= 0.01 * gained
        assert place or gained - again == sites.loc[code, "alternative_loss"]


def test_other_data_are_a_scenario_more(small_path: Path, tmp_path: Path, capsys) -> None:
    other = small_path.parent / "ariege.gpkg"
    command = ["coverage", "sensitivity", str(small_path), "--thresholds", "1", "--quiet"]
    more = ["--data", str(other), "--out", str(tmp_path), "--json"]
    assert main([*command, *more]) == 0
    answer = json.loads(capsys.readouterr().out)
    same, again = answer["plans"]
    assert (same["data"], again["data"]) == ("", "ariege.gpkg") and again["robust"] is None
    assert same["best"] == same["own"] == again["own"] == again["best"]
    assert {row["chosen"] for row in answer["sites"] if row["rank"]} == {1.0}
    sites = gpd.read_file(tmp_path / "sensitivity.gpkg", layer="sites")
    assert sites["commune"].tolist() == [row["commune"] for row in answer["sites"]]
    assert main([*command, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "choisies dans tous les scénarios" in printed and "prouvé le meilleur" in printed


def test_other_years_of_the_population_are_scenarios_of_the_plan_that_holds(
    small: CoverageResult, small_path: Path, tmp_path: Path, capsys
) -> None:
    years = ("population_2021", "population_2023")
    told = sensitivity(small.study, thresholds=(1.0,), vintages=[Path(year) for year in years]).plan
    assert told is not None and told.plan is not None
    assert told.scenarios["data"].tolist() == ["", *years]
    sites = set(small.kiosks["commune"])
    for row in told.scenarios.tail(2).to_dict("records"):
        asked = replace(small.study, demand=replace(small.study.demand, weight=row["data"]))
        alone = run(asked)
        assert row["best"] == alone.kiosks["people_added"].sum()
        held = replace(small.study.kiosks, required=tuple(sorted(sites)))
        assert row["own"] == run(replace(asked, kiosks=held)).kiosks["people_added"].sum()
        assert row["unknown"] == small.territory.communes[row["data"]].isna().sum()
    assert told.scenarios["robust"].mean() == pytest.approx(told.plan.value)
    assert told.plan.value >= told.scenarios["own"].mean()
    command = ["coverage", "sensitivity", str(small_path), "--thresholds", "1", "--quiet"]
    assert main([*command, "--data", years[1], "--out", str(tmp_path)]) == 0
    assert "Avec population_2023 (0 commune inconnue), le plan refait" in capsys.readouterr().out
    assert main([*command, "--data", "population_1999", "--out", str(tmp_path)]) == 2
    assert "n'a pas de colonne numérique 'population_1999'" in capsys.readouterr().err


def test_a_column_of_the_communes_says_nothing_of_squares(small: CoverageResult) -> None:
    asked = replace(
        small.study, demand=replace(small.study.demand, cells=CellsChoice(file="x.csv"))
    )
    assert asked.kiosks is not None
    with pytest.raises(SensitivityError, match="par carreaux, non par une colonne"):
        robustness(asked, asked.kiosks, {}, (1.0,), vintages=[Path("population_2021")])


def altered(
    small_path: Path, to: Path, alter: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]
) -> Path:
    """Copy the GeoPackage of the small study, its services altered."""
    for layer in ("communes", "departements", "services"):
        frame = gpd.read_file(small_path.parent / "ariege.gpkg", layer=layer)
        (alter(frame) if layer == "services" else frame).to_file(to, layer=layer)
    return to


def test_a_commune_of_other_data_that_has_two_hosts_counts_for_one_kiosk(
    small: CoverageResult, small_path: Path, tmp_path: Path
) -> None:
    """The kiosk stands at the host that the study would take for the commune's code."""

    def with_annexes(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        halls = frame[
            frame["commune"].isin(small.kiosks["commune"]) & (frame["type"] == "town_hall")
        ]
        moved = halls.to_crs(2154).geometry.translate(2_900, 0).to_crs(frame.crs)
        annexes = halls.assign(
            id=halls["id"] + "-annexe", type="town_hall_annex", geometry=moved, hours_per_week=1.0
        )
        return gpd.GeoDataFrame(pd.concat([frame, annexes], ignore_index=True), crs=frame.crs)

    other = altered(small_path, tmp_path / "autre.gpkg", with_annexes)
    assert small.study.kiosks is not None
    choice = replace(small.study.kiosks, candidates=("town_hall", "town_hall_annex"))
    asked = replace(small.study, kiosks=choice)
    told = sensitivity(asked, thresholds=(1.0,), vintages=(other,)).plan
    assert told is not None
    there = replace(choice, required=tuple(small.kiosks["commune"]))
    alone = run(replace(asked, source=str(other), kiosks=there)).kiosks["people_added"].sum()
    assert told.scenarios.set_index("data").loc["autre.gpkg", "own"] == alone


def test_where_kiosks_fill_a_plan_gains_those_who_have_room(small: CoverageResult) -> None:
    assert small.study.kiosks is not None
    choice = replace(small.study.kiosks, capacity=Throughput(0.05, weeks_per_year=40.0))
    asked = replace(small.study, kiosks=choice)
    alone = run(asked)
    gained = alone.kiosks["people_added"].sum()
    assert 0 < gained < small.kiosks["people_added"].sum()
    told = sensitivity(asked, thresholds=(0.8, 1.0)).plan
    assert told is not None and told.plan is None
    rows = told.scenarios.set_index("thresholds")
    assert rows.loc[1.0, "best"] == rows.loc[1.0, "own"] == gained
    assert np.isnan(rows.loc[0.8, "own"]) and set(told.sites["alternatives"]) == {""}


def test_no_alternative_costs_more_than_the_budget_leaves(
    small: CoverageResult, small_path: Path, told: Sensitivity, tmp_path: Path
) -> None:
    """Elsewhere a kiosk costs twice as much: the plan is the same, and nothing can stand for it."""
    communes = small.kiosks["commune"]

    def priced(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame.assign(prix=np.where(frame["commune"].isin(communes), 10_000.0, 20_000.0))

    source = altered(small_path, tmp_path / "prix.gpkg", priced)
    assert small.study.kiosks is not None and told.plan is not None
    choice = small.study.kiosks.asked_with(count=None, budget_eur=30_000.0, site_cost_column="prix")
    asked = replace(small.study, source=str(source), kiosks=choice)
    plan = sensitivity(asked, thresholds=(1.0,)).plan
    assert plan is not None and set(plan.sites["commune"]) == set(communes)
    assert (told.plan.sites["alternatives"] != "").any()
    assert set(plan.sites["alternatives"]) == {""}


def test_other_data_say_nothing_of_a_study_without_a_plan(small: CoverageResult) -> None:
    with pytest.raises(SensitivityError, match="n'en demande pas"):
        sensitivity(replace(small.study, kiosks=None), vintages=(Path("autre.gpkg"),))
