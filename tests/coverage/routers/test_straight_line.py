"""Straight-line routing, compared with the geodesic on every pair."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.impedance import StraightLine

longitude, latitude = st.floats(-4.5, 8.0), st.floats(42.3, 51.0)
near = st.tuples(st.floats(1.0, 1.4), st.floats(43.4, 43.7))
anywhere = st.tuples(longitude, latitude)
places = st.lists(st.one_of(near, anywhere, st.none()), min_size=1, max_size=12)


def series(rows: list[tuple[float, float] | None]) -> gpd.GeoSeries:
    filled = gpd.GeoSeries(
        gpd.points_from_xy(*zip(*[row or (0.0, 0.0) for row in rows], strict=True)), crs="EPSG:4326"
    )
    filled[[row is None for row in rows]] = None
    return filled


def every_pair(origins: list, destinations: list) -> np.ndarray:
    geod, table = Geod(ellps="WGS84"), np.full((len(origins), len(destinations)), np.nan)
    for i, a in enumerate(origins):
        for j, b in enumerate(destinations):
            if a and b:
                table[i, j] = geod.inv(*a, *b)[2]
    return table


@settings(deadline=None, max_examples=100)
@given(places, places)
def test_nearest_is_the_smallest_of_every_pair(origins: list, destinations: list) -> None:
    table = every_pair(origins, destinations)
    found = StraightLine().nearest(series(origins), series(destinations))
    for i in range(len(origins)):
        if np.isnan(table[i]).all():
            assert found.destination[i] == -1 and np.isnan(found.cost[i])
        else:
            assert abs(found.cost[i] - np.nanmin(table[i])) < 1e-3
            assert found.destination[i] == int(np.flatnonzero(table[i] == np.nanmin(table[i]))[0])


@settings(deadline=None, max_examples=100)
@given(places, places, st.floats(1.0, 300_000.0))
def test_pairs_within_a_limit_are_exactly_those(
    origins: list, destinations: list, limit: float
) -> None:
    table = every_pair(origins, destinations)
    matrix = StraightLine().costs(series(origins), series(destinations), limit=limit)
    expected = np.argwhere(table <= limit)
    assert np.column_stack([matrix.origin, matrix.destination]).tolist() == expected.tolist()
    assert (matrix.within(limit).toarray() == (table <= limit)).all()


def test_more_destinations_never_lengthen() -> None:
    rng = np.random.default_rng(1)
    origins = gpd.GeoSeries(
        gpd.points_from_xy(rng.uniform(0, 3, 300), rng.uniform(43, 45, 300)), crs="EPSG:4326"
    )
    destinations = gpd.GeoSeries(
        gpd.points_from_xy(rng.uniform(0, 3, 90), rng.uniform(43, 45, 90)), crs="EPSG:4326"
    )
    few = StraightLine().nearest(origins, destinations.iloc[:40]).cost
    assert (StraightLine().nearest(origins, destinations).cost <= few).all()


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (
            gpd.GeoSeries(gpd.points_from_xy([43.6], [1.44]), crs="EPSG:4326"),
            "longitude et latitude sont peut-être inversées",
        ),
        (
            gpd.GeoSeries(gpd.points_from_xy([574000], [6279000]), crs="EPSG:2154"),
            "EPSG:4326 sont attendus",
        ),
        (gpd.GeoSeries(gpd.points_from_xy([1.44], [43.6])), "aucun système de coordonnées"),
    ],
)
def test_misplaced_points_are_refused(points: gpd.GeoSeries, said: str) -> None:
    with pytest.raises(RoutingError, match=said):
        StraightLine().nearest(points, points)


@pytest.mark.parametrize("lonlat", [(55.5, -21.1), (-61.0, 14.6), (-53.0, 4.0), (45.2, -12.8)])
def test_metres_overseas_are_metres_too(lonlat: tuple[float, float]) -> None:
    lon, lat = lonlat
    here = gpd.GeoSeries(gpd.points_from_xy([lon], [lat]), crs="EPSG:4326")
    there = gpd.GeoSeries(gpd.points_from_xy([lon + 0.1, lon], [lat, lat + 0.05]), crs="EPSG:4326")
    found = StraightLine().nearest(here, there)
    expected = Geod(ellps="WGS84").inv(lon, lat, lon, lat + 0.05)[2]
    assert (found.destination[0], found.cost[0]) == (1, pytest.approx(expected, abs=1e-6))
    assert len(StraightLine().costs(here, there, limit=expected).cost) == 1


def test_a_table_given_for_its_points_is_told_to_give_them() -> None:
    table = gpd.GeoDataFrame(geometry=gpd.points_from_xy([1.6], [42.9]), crs="EPSG:4326")
    with pytest.raises(RoutingError, match=r"un GeoDataFrame est donné ; essayez \.geometry"):
        StraightLine().nearest(table, table.geometry)
