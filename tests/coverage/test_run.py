"""The answer to the shipped study, found again without any of our code: every pair, measured on the
ellipsoid.
"""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from pyproj import Geod
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from geoguichet.coverage.access.rules import white
from geoguichet.coverage.errors import FrameError, SitingError, StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.run import STEPS, find_white_zones, run
from geoguichet.coverage.study.study import Study
from geoguichet.referentials.layers import sample_path


def every_distance(origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> np.ndarray:
    x0, x1 = np.meshgrid(origins.x, destinations.x, indexing="ij")
    y0, y1 = np.meshgrid(origins.y, destinations.y, indexing="ij")
    return np.asarray(Geod(ellps="WGS84").inv(x0, y0, x1, y1)[2])


@pytest.fixture(scope="module")
def brute(result: CoverageResult) -> pd.DataFrame:
    """Distance of each commune to the nearest State counter and open town hall, from the raw layer
    and every pair.
    """
    services = pyogrio.read_dataframe(sample_path(), layer="services")
    services = services[services.geometry.notna() & ~services["id"].isin(_not_believed(services))]
    state = services[services["type"].isin(["prefecture", "sous_prefecture"])]
    halls = services[(services["type"] == "town_hall") & (services["hours_per_week"] >= 28)]
    unsure = services[(services["type"] == "town_hall") & services["hours_per_week"].isna()]
    points = result.demand.geometry
    table = pd.DataFrame({"people": result.demand["people"]})
    table["etat"] = every_distance(points, state.geometry).min(axis=1)
    table["mairie"] = every_distance(points, halls.geometry).min(axis=1)
    table["white"] = (table["etat"] > 25_000) | (table["mairie"] > 8_000)
    perhaps = every_distance(points, unsure.geometry).min(axis=1) <= 8_000
    table["unsure"] = (table["etat"] <= 25_000) & (table["mairie"] > 8_000) & perhaps
    table["helped"] = (table["etat"] > 25_000) & (table["mairie"] <= 8_000)
    return table


def _not_believed(services: gpd.GeoDataFrame) -> list[str]:
    """Points more than 3 km from the outline of their own commune."""
    communes = (
        pyogrio.read_dataframe(sample_path(), layer="communes")
        .set_index("code")
        .to_crs("EPSG:2154")
        .geometry
    )
    inside = services[services["commune"].isin(communes.dropna().index)]
    own = gpd.GeoSeries(
        communes.loc[inside["commune"]].to_numpy(), index=inside.index, crs="EPSG:2154"
    )
    return list(inside.loc[inside.geometry.to_crs("EPSG:2154").distance(own) > 3000, "id"])


def test_white_zone_people_equal_an_independent_count(
    result: CoverageResult, brute: pd.DataFrame
) -> None:
    assert brute["people"].sum() == 3_034_719
    assert (brute["white"] == ~result.demand["served"]).all()
    assert (brute["unsure"] == result.demand["undecided"]).all() and brute["unsure"].any()
    known = brute.loc[brute["white"] & ~brute["unsure"], "people"].sum()
    assert result.summary.iloc[-1]["white_before"] == known == result.white_zones["people"].sum()
    unsure = brute.loc[brute["unsure"], "people"].sum()
    assert result.summary.iloc[-1]["undecided"] == unsure == 2_754
    assert known + unsure == 427_847


def test_distances_equal_every_pair(result: CoverageResult, brute: pd.DataFrame) -> None:
    for need in ("etat", "mairie"):
        assert np.abs(result.demand[f"{need}_m"] - brute[need]).max() < 1e-3
    slack = np.minimum(25_000 - brute["etat"], 8_000 - brute["mairie"])
    assert np.abs(result.demand["slack_m"] - slack).max() < 1e-3


def test_the_plan_covers_what_it_says_and_is_proved(
    best: CoverageResult, brute: pd.DataFrame
) -> None:
    assert best.plan is not None and best.plan.status == "optimal" and best.plan.gap == 0
    near = (every_distance(best.demand.geometry, best.kiosks.geometry) <= 8_000).any(axis=1)
    gained = brute["helped"] & near
    assert best.plan.value == best.plan.bound == brute.loc[gained, "people"].sum()
    assert best.kiosks["people_cumulated"].iloc[-1] == best.plan.value
    assert len(best.kiosks) == 80 and best.kiosks["people_added"].is_monotonic_decreasing
    left = brute.loc[brute["white"] & ~brute["unsure"] & ~gained, "people"].sum()
    assert best.summary.iloc[-1]["white_after"] == left == best.white_zones["people_after"].sum()


def test_each_kiosk_adds_what_the_list_says(result: CoverageResult, brute: pd.DataFrame) -> None:
    near = every_distance(result.demand.geometry, result.kiosks.geometry) <= 8_000
    first = near.argmax(axis=1)
    helped = brute["helped"].to_numpy() & near.any(axis=1)
    added = np.bincount(first[helped], weights=brute["people"][helped], minlength=80)
    assert added.tolist() == result.kiosks["people_added"].tolist()


def test_a_kiosk_is_open_when_its_host_is_and_lengthens_no_hours(
    best: CoverageResult, brute: pd.DataFrame
) -> None:
    services = pyogrio.read_dataframe(sample_path(), layer="services").set_index("id")
    assert (services.loc[best.kiosks["host_id"], "hours_per_week"] >= 14).all()
    assert best.counters["hosts"] == 1_151 and best.counters["hosts_closed"] == 1_715
    assert set(best.kiosks["needs"]) == {"etat"}
    assert not best.demand.loc[brute["mairie"] > 8_000, "served_after"].any()
    assert (
        best.plan is not None
        and best.plan.value == 264_974 == brute["people"][brute["helped"]].sum()
    )


def test_the_hosts_are_those_of_an_independent_program(
    best: CoverageResult, result: CoverageResult
) -> None:
    """Of the plans that serve as many, the hours of the hosts are the most that another solver's
    program finds; 1 % given up gains more, and no kiosk of the list is useless.
    """
    assert best.study.kiosks is not None and best.plan is not None and best.plan.hosts is not None
    hosts = pyogrio.read_dataframe(sample_path(), layer="services")
    believed = best.demand.index[best.demand["point_source"] == "town_hall"]
    hosts = hosts[(hosts["type"] == "town_hall") & hosts["commune"].isin(believed)]
    hosts = hosts.sort_values("id")
    hosts = hosts[~hosts.get_coordinates().round(5).duplicated()]  # one host a place
    hosts = hosts[hosts["hours_per_week"] >= 14]
    assert len(hosts) == best.counters["hosts"]
    white = best.demand[best.demand["unserved_reason"].isin(["not_chosen", ""])]
    white = white[~white["served"] & ~white["undecided"]]
    reached = every_distance(white.geometry, hosts.geometry) <= 8_000
    near = sparse.csr_array(reached[:, reached.any(axis=0)])  # others would add nobody
    people = white["people"].to_numpy(float)
    hours = hosts.loc[reached.any(axis=0), "hours_per_week"].to_numpy(float)
    rows, columns = near.shape
    found = milp(
        np.concatenate([-hours, np.zeros(rows)]),
        integrality=np.concatenate([np.ones(columns), np.zeros(rows)]),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(sparse.hstack([-near.astype(float), sparse.eye_array(rows)]), ub=0),
            LinearConstraint(np.concatenate([np.zeros(columns), people]), lb=best.plan.value - 0.5),
            LinearConstraint(np.concatenate([np.ones(columns), np.zeros(rows)]), ub=80),
        ],
    )
    told = best.plan.hosts.criteria[0]
    assert told.after == told.bound == pytest.approx(-found.fun) and told.after > told.before
    assert best.kiosks["hours_per_week"].sum() == told.after
    assert result.plan is not None and result.plan.hosts is not None and result.plan.hosts.proved
    assert result.plan.hosts.best == result.plan.bound == best.plan.value
    assert result.plan.status == "gap_reached" and 0.99 * result.plan.bound <= result.plan.value
    assert result.plan.given_up and not best.plan.given_up and result.ranking is not None
    assert result.ranking.curve["best_known"].iloc[-1] == best.plan.value
    assert result.kiosks["hours_per_week"].sum() > told.after
    assert (result.kiosks["people_added"] > 0).all()


def test_the_table_adds_up(result: CoverageResult) -> None:
    rows, whole = result.summary.iloc[:-1], result.summary.iloc[-1]
    for column in ("people", "white_before", "white_after", "kiosks"):
        assert rows[column].sum() == whole[column]
    assert list(rows["code"]) == ["09", "12", "31", "32", "46", "65", "81", "82"]
    assert whole["zones"] == len(result.white_zones)


def test_zones_are_valid_disjoint_and_hold_their_communes(result: CoverageResult) -> None:
    drawn = result.white_zones[result.white_zones.geometry.notna()]
    assert drawn.geometry.is_valid.all()
    flat = drawn.to_crs("EPSG:2154").geometry
    assert abs(flat.union_all().area - flat.area.sum()) < 1e-6 * flat.area.sum()
    assert (result.demand["zone"] != "").equals(white(result.demand))
    assert (
        result.demand[result.demand["zone"] != ""]
        .groupby("zone")["people"]
        .sum()
        .sort_index()
        .equals(result.white_zones["people"].sort_index().rename_axis("zone"))
    )


def test_known_defects_stay_visible(result: CoverageResult) -> None:
    rules = {finding.rule for finding in result.findings}
    assert rules >= {"no-geometry", "no-point", "implausible-point", "no-demand-point"}
    assert (
        result.counters["people_not_located"] == 0
        and result.counters["services_without_point"] == 5
    )


def test_equal_studies_give_equal_tables(small: CoverageResult) -> None:
    again = run(small.study)
    for name in ("demand", "services", "white_zones", "kiosks", "summary"):
        assert getattr(again, name).to_csv() == getattr(small, name).to_csv()
    assert again.findings == small.findings and again.counters == small.counters


def test_steps_are_announced_in_order(small: CoverageResult) -> None:
    heard: list[str] = []
    run(dataclasses.replace(small.study, kiosks=None), on_step=heard.append)
    assert heard == [str(step) for step in STEPS]


def test_without_kiosks_the_zones_are_the_same(small: CoverageResult) -> None:
    alone = find_white_zones(small.study)
    assert alone.plan is None and alone.kiosks.empty
    of_kiosks = ["people_after", "hosts", "host_names", "host_costs"]
    assert alone.white_zones.drop(columns=of_kiosks).equals(
        small.white_zones.drop(columns=of_kiosks)
    )
    assert (alone.demand["served_after"] == alone.demand["served"]).all()


def test_required_and_excluded_communes(small: CoverageResult) -> None:
    assert small.study.kiosks is not None
    last, first = small.kiosks["commune"].iloc[-1], small.kiosks["commune"].iloc[0]
    far = next(
        code
        for code in small.demand.index[small.demand["served"]]
        if code not in set(small.kiosks["commune"])
    )
    kiosks = dataclasses.replace(small.study.kiosks, required=(far, last), excluded=(first,))
    other = run(dataclasses.replace(small.study, kiosks=kiosks))
    assert {far, last} <= set(other.kiosks["commune"]) and first not in set(other.kiosks["commune"])
    assert (
        other.plan is not None and small.plan is not None and other.plan.value <= small.plan.value
    )


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"required": ("75056",)}, StudyError, "kiosks.required.*'75056' est inconnue"),
        ({"excluded": ("75056",)}, StudyError, "kiosks.excluded.*'75056' est inconnue"),
        (
            {"candidates": ("prefecture",), "required": ("09001",)},
            StudyError,
            "n'a pas de lieu d'accueil",
        ),
    ],
)
def test_communes_of_the_study_are_checked(
    small: CoverageResult, change: dict, error: type[Exception], said: str
) -> None:
    study = small.study
    assert study.kiosks is not None
    with pytest.raises(error, match=said):
        run(dataclasses.replace(study, kiosks=dataclasses.replace(study.kiosks, **change)))


def test_a_need_nobody_meets_is_refused(small: CoverageResult) -> None:
    study = small.study
    needs = (dataclasses.replace(study.needs[1], min_hours_per_week=167.0),)
    rule = dataclasses.replace(study.rule, k=1, needs=("mairie",))
    with pytest.raises(FrameError, match="aucun service town_hall ouvert au moins 167 h"):
        run(dataclasses.replace(study, needs=needs, rule=rule, kiosks=None))


def test_hosts_that_do_not_exist_are_refused(study: Study) -> None:
    assert study.kiosks is not None
    territory = dataclasses.replace(study.territory, departements=("09",))
    kiosks = dataclasses.replace(study.kiosks, excluded=())
    few = run(dataclasses.replace(study, territory=territory, kiosks=kiosks))
    assert len(few.kiosks) <= 80 and few.plan is not None and few.plan.status == "optimal"
    everyone = tuple(few.demand.index[few.demand["point_source"] == "town_hall"])
    with pytest.raises(SitingError, match="aucun lieu"):
        run(
            dataclasses.replace(
                study, territory=territory, kiosks=dataclasses.replace(kiosks, excluded=everyone)
            )
        )
