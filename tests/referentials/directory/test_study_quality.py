"""Each rule finds what it is for in rows of hand size, and nothing in rows that are right."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.quality import (
    commune_findings,
    distance_to_commune_m,
    service_findings,
)
from geoguichet.referentials.layers import mended
from geoguichet.referentials.territories.territory import Territory

WEST, EAST = shapely.box(1.0, 43.0, 1.1, 43.1), shapely.box(1.1, 43.0, 1.2, 43.1)
WEEK = '[["lundi","lundi",[["09:00:00","12:00:00"]]]]'


def territory(**columns: object) -> Territory:
    communes = gpd.GeoDataFrame(
        {
            "code": ["31001", "31002"],
            "name": ["Ouest", "Est"],
            "departement": ["31", "31"],
            "epci": ["1", "1"],
            "population": [1000, 500],
            "population_2023": [1010, 480],
            "population_2021": [1005.0, 490.0],
            **columns,
        },
        geometry=columns.pop("geometry", [WEST, EAST]),
        crs="EPSG:4326",
    )
    whole = shapely.MultiPolygon([shapely.box(1.0, 43.0, 1.2, 43.1)])
    departements = gpd.GeoDataFrame(
        {"code": ["31"], "name": ["Haute-Garonne"]}, geometry=[whole], crs="EPSG:4326"
    )
    return Territory(name="Essai", departements=departements, communes=communes, boundary=whole)


def services(**columns: object) -> gpd.GeoDataFrame:
    geometry = columns.pop("geometry", [shapely.Point(1.05, 43.05), shapely.Point(1.15, 43.05)])
    return gpd.GeoDataFrame(
        {
            "id": ["a", "b"],
            "type": ["town_hall", "town_hall"],
            "name": ["Mairie d'Ouest", "Mairie d'Est"],
            "commune": ["31001", "31002"],
            "inside": [True, True],
            "hours": ["Mo 09:00-12:00"] * 2,
            "hours_per_week": [3.0, 3.0],
            "hours_raw": [WEEK] * 2,
            **columns,
        },
        geometry=geometry,
        crs="EPSG:4326",
    )


def inspect(**columns: object) -> list[Finding]:
    return service_findings(services(**columns), territory(), buffer_m=10_000)


def brief(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.item, finding.severity) for finding in findings]


def test_right_rows_have_no_findings() -> None:
    assert commune_findings(territory()) == []
    assert inspect() == []


def test_a_missing_outline_is_seen_in_the_row_and_on_the_ground() -> None:
    found = commune_findings(territory(geometry=[WEST, None]))
    assert brief(found) == [
        ("no-geometry", "31002", "warning"),
        ("uncovered-ground", "", "warning"),
    ]
    assert "9" in str(found[1].message)
    assert "43,0500 N ; 1,1500 E" in str(found[1].message)


def test_a_mended_outline_is_told_by_its_code() -> None:
    bow = shapely.Polygon([(1.1, 43.0), (1.2, 43.1), (1.2, 43.0), (1.1, 43.1)])
    ground = territory(geometry=[WEST, bow])
    communes = mended(ground.communes)
    assert communes.geometry.is_valid.all() and mended(communes) is communes
    told = commune_findings(replace(ground, communes=communes))
    assert ("mended-outline", "31002", "warning") in brief(told)
    assert "31002" in str(next(one for one in told if one.rule == "mended-outline").message)


def test_a_missing_census_is_seen() -> None:
    found = commune_findings(territory(population_2021=[1005.0, None]))
    assert brief(found) == [("no-census", "31002", "warning")]


@pytest.mark.parametrize(("people", "told"), [(1240, False), (1260, True), (740, True)])
def test_an_outdated_population_is_seen(people: int, told: bool) -> None:
    found = commune_findings(territory(population_2023=[people, 500]))
    assert brief(found) == ([("population-shift", "31001", "info")] if told else [])


def test_a_missing_or_empty_point_is_seen() -> None:
    found = inspect(geometry=[None, shapely.Point()])
    assert brief(found) == [("no-point", "a", "warning"), ("no-point", "b", "warning")]


def test_a_point_far_away_is_out_of_the_territory_and_of_its_commune() -> None:
    found = inspect(geometry=[shapely.Point(1.05, 48.4), shapely.Point(1.15, 43.05)])
    assert brief(found) == [
        ("outside-territory", "a", "error"),
        ("outside-commune", "a", "warning"),
    ]
    assert "48,4000 N ; 1,0500 E" in str(found[0].message)


@pytest.mark.parametrize(("longitude", "severity"), [(1.101, "info"), (1.11, "warning")])
def test_a_point_outside_its_commune_is_measured(longitude: float, severity: str) -> None:
    points = [shapely.Point(longitude, 43.05), shapely.Point(1.15, 43.05)]
    assert brief(inspect(geometry=points)) == [("outside-commune", "a", severity)]
    distance_m = distance_to_commune_m(services(geometry=points), territory())
    one_degree_m = 111_320 * 0.7307  # cosine of 43.05 degrees
    assert distance_m.tolist() == pytest.approx([(longitude - 1.1) * one_degree_m, 0], rel=0.01)


def test_the_distance_is_unknown_without_point_commune_or_outline() -> None:
    frame = services(geometry=[None, shapely.Point(1, 43)], commune=["31001", "99999"])
    assert distance_to_commune_m(frame, territory()).isna().all()


def test_town_halls_at_the_same_place_are_seen() -> None:
    shared = [
        finding
        for finding in inspect(geometry=[shapely.Point(1.1, 43.05)] * 2)
        if finding.rule == "shared-point"
    ]
    assert brief(shared) == [("shared-point", "a", "warning"), ("shared-point", "b", "warning")]
    assert (
        inspect(
            type=["town_hall", "prefecture"], commune=["31001"] * 2, geometry=[WEST.centroid] * 2
        )
        == []
    )


def test_counters_at_a_town_hall_are_told_once() -> None:
    found = inspect(point_source=["town_hall", "town_hall"], type=["sous_prefecture"] * 2)
    assert brief(found) == [("approximate-point", "", "info")]
    assert str(found[0].message).startswith("2 sous-préfectures sont placées à la mairie")


def test_unknown_hours_are_seen_where_hours_are_expected() -> None:
    nothing = {"hours": [None, None], "hours_per_week": [None, None], "hours_raw": [None, None]}
    assert brief(inspect(**nothing)) == [("no-hours", "a", "warning"), ("no-hours", "b", "warning")]
    assert inspect(**nothing, type=["prefecture", "sous_prefecture"]) == []


def test_unreadable_hours_are_quoted() -> None:
    found = inspect(hours=["sur rendez-vous", "Mo 09:00-12:00"], hours_per_week=[float("nan"), 3.0])
    assert brief(found) == [("unreadable-hours", "a", "warning")]
    assert "« sur rendez-vous »" in str(found[0].message)


def test_odd_weeks_of_the_source_are_seen() -> None:
    blank = '[["vendredi","",[["09:00:00","12:00:00"]]]]'
    twice = (
        '[["lundi","mardi",[["09:00:00","12:00:00"]]],["mardi","mardi",[["11:00:00","13:00:00"]]]]'
    )
    found = inspect(hours_raw=[blank, twice])
    assert brief(found) == [("blank-weekday", "a", "warning"), ("overlapping-hours", "b", "info")]
    assert inspect(hours_raw=["rien", "[1]"]) == []


def test_nothing_is_changed() -> None:
    frame, ground = services(), territory()
    before, communes = frame.copy(), ground.communes.copy()
    service_findings(frame, ground, buffer_m=0)
    commune_findings(ground)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(ground.communes, communes)
