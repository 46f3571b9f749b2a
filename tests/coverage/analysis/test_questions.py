"""The questions on the analyst's own frames answer what a study of the same data does, and what naive
twins do.
"""

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import Geod
from shapely import Point

from geoguichet import (
    GeoguichetError,
    compare,
    isochrones,
    nearest,
    reach,
    site_kiosks,
    white_zones,
)
from geoguichet.coverage.manifest import CoverageResult

RANDOM = np.random.default_rng(15)


@pytest.fixture(autouse=True)
def each_test_begins_with_the_same_numbers() -> None:
    RANDOM.bit_generator.state = np.random.default_rng(15).bit_generator.state


def scattered(n: int, **columns: object) -> gpd.GeoDataFrame:
    x, y = RANDOM.uniform(0.5, 1.5, n), RANDOM.uniform(43.0, 44.0, n)
    frame = gpd.GeoDataFrame(columns, index=range(n), geometry=gpd.points_from_xy(x, y), crs=4326)
    return frame.to_crs(2154)


def metres(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> np.ndarray:
    """Every distance along the ellipsoid, rows x rows."""
    a, b = (frame.to_crs(4326).geometry for frame in (one, other))
    pairs = [(p.x, p.y, q.x, q.y) for p in a for q in b]
    return np.array(Geod(ellps="WGS84").inv(*zip(*pairs, strict=True))[2]).reshape(len(a), len(b))


@pytest.fixture(scope="module")
def own(result: CoverageResult) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The people and the counters of the shipped study, as an analyst might hold them."""
    people = result.demand.set_geometry(result.demand.geometry, crs=4326)
    people = people[["name", "people", "geometry"]].rename(columns={"people": "hab"}).to_crs(2154)
    rows = [
        result.services[result.services["needs"].str.contains(need)].assign(nature=need)
        for need in ("etat", "mairie")
    ]
    counters = pd.concat(rows)[["name", "nature", "geometry"]].reset_index(drop=True)
    return people, counters.to_crs(3857)


def test_the_shipped_study_asked_of_frames_has_the_same_answer(
    result: CoverageResult, own: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]
) -> None:
    within = {"etat": "25 km", "mairie": "8 km"}
    found = white_zones(*own, within=within, weight="hab", type="nature")
    settled = ~result.demand["undecided"]
    assert found.people.loc[settled, "served"].equals(result.demand.loc[settled, "served"])
    np.testing.assert_allclose(found.people["etat_m"], result.demand["etat_m"], atol=1e-3)
    assert found.zones["people"].sum() == found.table.loc["rule", "white"]


def test_who_is_served_and_who_is_nearest_are_those_of_brute_force() -> None:
    people, counters = scattered(60, pop=RANDOM.integers(1, 900, 60)), scattered(9)
    apart = metres(people, counters)
    found = white_zones(people, counters, within="15 km")
    assert found.people["served"].tolist() == (apart.min(axis=1) <= 15_000).tolist()
    assert found.table.loc["rule", "white"] == people["pop"][apart.min(axis=1) > 15_000].sum()
    three = nearest(people, counters, k=3)
    assert three["rank"].tolist() == [1, 2, 3] * 60
    order = np.argsort(apart, axis=1)[:, :3]
    assert three["counter"].tolist() == order.ravel().tolist()
    np.testing.assert_allclose(three["cost_m"], np.sort(apart, axis=1)[:, :3].ravel(), atol=1e-3)
    ways = reach(people, counters, within="20 km", weight="pop")
    assert len(ways.pairs) == (apart <= 20_000).sum()
    assert ways.people["reached"].tolist() == (apart <= 20_000).sum(axis=1).tolist()
    assert (
        ways.counters["people_reaching"].tolist()
        == ((apart <= 20_000).T @ people["pop"].to_numpy()).tolist()
    )


def test_kiosks_are_those_of_brute_force_and_every_total_adds_up() -> None:
    people, counters = scattered(40, pop=RANDOM.integers(1, 900, 40)), scattered(2)
    hosts = scattered(9).set_axis(list("abcdefghi"))
    lacking = white_zones(people, counters, within="15 km")
    plan = site_kiosks(lacking, hosts, reach="12 km", count=3)
    near = metres(people, hosts) <= 12_000
    white = (~lacking.people["served"]).to_numpy()
    pop = people["pop"].to_numpy()
    best = max(
        pop[white & near[:, list(three)].any(axis=1)].sum()
        for three in itertools.combinations(range(9), 3)
    )
    assert (plan.plan.value, plan.plan.status) == (best, "optimal")
    assert plan.kiosks["host"].isin(hosts.index).all()
    assert plan.kiosks["people_added"].sum() == plan.table["gained"].item() == best
    row = plan.table.iloc[0]
    assert row["white_before"] == row["gained"] + row["white_after"]
    assert plan.zones["people_after"].sum() == row["white_after"]
    first = plan.kiosks["host"].iloc[0]
    without = site_kiosks(lacking, hosts, reach="12 km", count=3, excluded=[first])
    assert first not in set(without.kiosks["host"]) and without.plan.value <= best
    change = compare(lacking, plan)
    assert change.total["gained"] == best and change.total["lost"] == 0


def test_unknown_hours_leave_people_undecided_in_no_zone_and_in_no_plan() -> None:
    people = scattered(3, pop=[10, 20, 40])
    hours = ["Mo-Fr 09:00-17:00", "Mo 09:00-12:00", None]
    counters = people.assign(horaires=hours)[["horaires", "geometry"]]
    found = white_zones(people, counters, within="1 km", min_hours_per_week=20)
    assert found.people["served"].tolist() == [True, False, False]
    assert found.people["undecided"].tolist() == [False, False, True]
    assert found.people["counter_reason"].tolist() == ["", "", "hours_unknown"]
    row = found.table.loc["rule"]
    assert (row["served"], row["white"], row["undecided"]) == (10, 20, 40)
    assert row["white_share_most"] == pytest.approx(60 / 70)
    plan = site_kiosks(found, counters, reach="1 km", count=3, hours_count=False)
    assert plan.kiosks["people_added"].sum() == 20


def test_a_rule_of_several_types_and_surfaces_for_people() -> None:
    people = scattered(8, pop=[1, 2, 4, 8, 16, 32, 64, 128])
    squares = people.set_geometry(people.buffer(500, cap_style="square"))
    kinds = people.assign(type=["a", "a", "b", "b", "a", "b", "c", "c"]).iloc[:6]
    kinds = pd.concat([kinds, kinds.iloc[:1].assign(type="b")], ignore_index=True)
    within = {"a": "500 m", "b": "500 m"}
    every, some = (white_zones(squares, kinds, within=within, rule=rule) for rule in ("all", 1))
    assert every.people["served"].tolist() == [True] + [False] * 7
    assert some.people["served"].tolist() == [True] * 6 + [False] * 2
    assert some.zones["area_km2"].sum() == pytest.approx(2.0, rel=0.01)
    assert some.zones["places"].sum() == 2


def test_points_share_the_area_given_and_the_zones_lie_in_it() -> None:
    people, counters = scattered(30, pop=[1] * 30), scattered(3)
    area = gpd.GeoDataFrame(geometry=[people.union_all().convex_hull.buffer(2000)], crs=2154)
    found = white_zones(people, counters, within="20 km", area=area)
    shapes, whole = found.zones.geometry, area.geometry.iloc[0]
    assert shapes.union_all().difference(whole.buffer(1)).is_empty
    assert shapes.area.sum() == pytest.approx(shapes.union_all().area)
    nobody = white_zones(people, counters, within="2000 km", area=area)
    assert nobody.zones.empty and nobody.table.loc["rule", "white"] == 0


def test_people_at_one_place_are_in_one_zone() -> None:
    people = scattered(6, pop=[1, 2, 4, 8, 16, 32])
    people.loc[3, "geometry"] = people.geometry[1]
    found = white_zones(people, people.iloc[[0]], within="1 m")
    assert found.people["zone"][3] == found.people["zone"][1] != ""
    assert found.zones["people"].sum() == 62 and found.zones.geometry.notna().all()


def test_places_that_are_nowhere_are_said_to_be_so() -> None:
    people = scattered(3, pop=[1, 2, 4])
    people = people.set_geometry([people.geometry[0], Point(), people.geometry[2]], crs=2154)
    near = nearest(people, people)
    assert near["reason"].tolist() == ["", "not_located", ""]
    assert near["counter"].tolist()[::2] == [0, 2] and pd.isna(near["counter"].iloc[1])
    far = nearest(people, people.iloc[[0]], within="1 m")
    assert far["reason"].tolist() == ["", "not_located", "beyond_limit"]
    assert white_zones(people, people, within="1 km").people["undecided"].tolist() == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"cout": 3}, "cette clé est inconnue"),
        ({"count": 3, "required": ["z"]}, "aucun lieu ne s'appelle z"),
        ({"count": 3, "required": 2}, "kiosks.required"),
        ({"count": 3, "excluded": "abc"}, "kiosks.excluded"),
        ({"count": 3, "one_per": "commune"}, "one_per demande une colonne commune"),
        ({"count": 3, "floor_per_departement": 1}, "demande une colonne departement"),
        ({"count": 3, "candidates": ["mairie"]}, "retirez candidates"),
        ({"count": 3, "reach": 12}, 'reach = "8 km"'),
        ({"count": 3, "min_hours_per_week": 99}, "aucune colonne d'horaires n'est reconnue"),
    ],
)
def test_a_mistaken_key_of_the_kiosks_is_one_sentence(keys: dict[str, object], words: str) -> None:
    people = scattered(5, pop=[1, 2, 3, 4, 5])
    lacking = white_zones(people, people.iloc[[0]], within="1 km")
    with pytest.raises(GeoguichetError) as refused:
        site_kiosks(lacking, people, **{"reach": "5 km"} | keys)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_conditions_on_hosts_read_the_analysts_own_columns() -> None:
    people = scattered(4, pop=[1, 2, 4, 8])
    hours = [None, "Mo-Fr 09:00-17:00", "Mo 09:00-10:00", "Mo-Fr 09:00-17:00"]
    hosts = people.assign(horaires=hours, cout=[100, 200, 100, 900])
    lacking = white_zones(people, scattered(1), within="1 m")
    opened = site_kiosks(lacking, hosts, reach="1 m", count=4, min_hours_per_week=20)
    assert sorted(opened.kiosks["host"]) == [1, 3]
    prices = {"site_cost": {"column": "cout"}, "budget": "300 EUR"}
    cheap = site_kiosks(lacking, hosts, reach="1 m", **prices)
    assert sorted(cheap.kiosks["host"]) == [1, 2]
    assert cheap.kiosks["cost_eur"].sum() == 300


PHASES = {"phases": [{"name": n, "budget": "20000 EUR"} for n in ("2026", "2027")]}


@pytest.mark.parametrize(
    "keys",
    [
        {"count": 4, "host_quality_within": 0.05},
        {"count": 4, "capacity": {"uses_per_hour": 0.1}},
        {"count": 4, "user_side_cost": "10000 EUR", "programme": PHASES},
        {"count": 4, "model": "p_median", "spacing": "5 km"},
        {"count": 4, "model": "p_center", "farthest": "200 km"},
        {"count": 4, "model": "backup"},
        {"count": 4, "floor_per_epci": 2},
        {"model": "set_covering"},
        {"share": "60 %"},
    ],
    ids=",".join,
)
def test_every_question_that_a_study_may_put_is_put_of_frames(keys: dict[str, Any]) -> None:
    people = scattered(40, pop=RANDOM.integers(1, 900, 40))
    hosts = scattered(12, hours=["Mo-Fr 09:00-12:00"] * 12, epci=["x", "y"] * 6)
    hosts["commune"] = [f"c{row}" for row in range(12)]
    plan = site_kiosks(
        white_zones(people, people[:3], within="15 km"), hosts, reach="15 km", **keys
    )
    assert plan.plan.status == "optimal" or plan.plan.gap <= 0.05
    assert set(plan.kiosks["host"]) <= set(hosts.index) and len(plan.kiosks)
    assert plan.kiosks["people_added"].sum() == plan.table["gained"].item()


def test_what_is_no_answer_and_no_threshold_are_told() -> None:
    people = scattered(3, pop=[1, 2, 4])
    with pytest.raises(GeoguichetError, match="la réponse de white_zones est attendue"):
        site_kiosks(people, people, reach="1 km", count=1)  # type: ignore[arg-type]
    with pytest.raises(GeoguichetError, match="un nombre suivi de son unité"):
        isochrones(people, [])
    with pytest.raises(GeoguichetError, match="k vaut au moins 1"):
        nearest(people, people, k=0)
    with pytest.raises(GeoguichetError, match="un entier est attendu, '2' est donné"):
        nearest(people, people, k="2")  # type: ignore[call-overload]
    with pytest.raises(GeoguichetError, match="n'a de sens que d'une étude"):
        nearest(people, people, "etat")  # type: ignore[call-overload]
    with pytest.raises(GeoguichetError, match="router : un routeur"):
        white_zones(people, people, within="1 km", router=3)  # type: ignore[arg-type]
    for hours in (-1.0, 169.0, "14"):
        with pytest.raises(GeoguichetError, match="min_hours_per_week"):
            white_zones(people, people, within="1 km", min_hours_per_week=hours)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys",
    [
        {"count": 2},
        {"count": 2, "model": "p_center"},
        {"count": 2, "model": "p_median"},
        {"count": 2, "capacity": {"uses_per_hour": 0.1}},
        {"count": 2, "user_side_cost": "10000 EUR", "programme": PHASES},
    ],
    ids=",".join,
)
def test_no_kiosk_is_asked_for_where_everyone_is_served(keys: dict[str, Any]) -> None:
    people = scattered(5, pop=[1, 2, 3, 4, 5])
    hosts = people.assign(hours="Mo-Fr 09:00-12:00")
    served = white_zones(people, people, within="1 km")
    plan = site_kiosks(served, hosts, reach="5 km", **keys)
    assert plan.kiosks.empty and plan.plan.status == "optimal" and plan.plan.value == 0


def test_columns_may_be_numbers() -> None:
    people = scattered(3, pop=[1, 2, 4])
    numbered = people.rename(columns={"pop": 3})
    found = white_zones(numbered, people.iloc[[0]], within="1 m", weight="3", name="3")
    assert found.table.loc["rule", "people"] == 7 and 3 in found.people.columns


def test_the_order_of_the_rows_changes_nothing_and_more_counters_serve_no_fewer() -> None:
    people, counters = scattered(40, pop=RANDOM.integers(1, 900, 40)), scattered(8)
    one = white_zones(people, counters, within="20 km")
    other = white_zones(people.sample(frac=1, random_state=3), counters[::-1], within="20 km")
    assert other.people.loc[people.index, one.people.columns].equals(one.people)
    assert other.zones.drop(columns="geometry").equals(one.zones.drop(columns="geometry"))
    fewer = white_zones(people, counters.iloc[:5], within="20 km").people["served"]
    wider = white_zones(people, counters, within="25 km").people["served"]
    assert not (fewer & ~one.people["served"]).any() and not (one.people["served"] & ~wider).any()


def test_rules_by_commune_read_the_columns_of_the_hosts() -> None:
    people = scattered(12, pop=range(1, 13))
    hosts = people.assign(commune=["x", "y", "z"] * 4, departement="09")
    lacking = white_zones(people, scattered(1), within="1 km")
    plan = site_kiosks(lacking, hosts, reach="1 km", count=3, one_per="commune")
    assert plan.kiosks["people_added"].sum() == 10 + 11 + 12
    assert len({hosts.loc[host, "commune"] for host in plan.kiosks["host"]}) == 3


def test_a_way_by_road_is_in_seconds_and_a_network_may_be_given_by_its_path(
    region_roads: object, result: CoverageResult
) -> None:
    demand = result.demand[["people", "geometry"]].iloc[::40]
    people = gpd.GeoDataFrame(demand, geometry="geometry", crs=4326).to_crs(2154)
    halls = result.services[result.services["type"] == "prefecture"]
    found = white_zones(people, halls, within="45 min", router=str(region_roads))
    assert {"counter_s", "slack_s"} <= {*found.people.columns}
    near = nearest(people, halls, router={"kind": "road", "network": str(region_roads)})
    np.testing.assert_array_equal(near["cost_s"], found.people["counter_s"])
    ways = reach(people, halls, within="45 min", router=str(region_roads))
    served = ways.people["reached"] > 0
    assert served.tolist() == found.people["served"].tolist()
    with pytest.raises(GeoguichetError, match='within = "20 min"'):
        reach(people, halls, within="8 km", router=str(region_roads))
