"""Layers of vector tiles, read back by GDAL: what is drawn where, with which attributes."""

import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.portal.providers import mvt
from geoguichet.portal.providers.tiles import _whole

WORLD = 20037508.342789244
unit = 2 * WORLD / mvt.EXTENT


def read(body: bytes) -> gpd.GeoDataFrame:
    """Return a tile of the world in units of a tile, southward."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "0.pbf"
        file.write_bytes(body)
        found = pyogrio.read_dataframe(f"MVT:{file}", X="0", Y="0", Z="0", CLIP="NO")
    found.geometry = shapely.transform(
        found.geometry.array, lambda xy: (xy - (-WORLD, WORLD)) / (unit, -unit)
    )
    return found


def array(*shapes: shapely.Geometry | None) -> np.ndarray:
    made = np.empty(len(shapes), object)
    made[:] = shapes
    return made


def test_attributes_of_every_kind_come_back() -> None:
    columns = {
        "id": ["é « œ »", "", "c", "d"],
        "whole": [0, -1, 2**53, -(2**40)],
        "real": [1.5, -0.1, 1e300, None],
        "true": [True, False, None, True],
        "none": [None] * 4,
    }
    points = [shapely.Point(n * 100, 4096 - n) for n in range(4)]
    found = read(mvt.layer("couche é", array(*points), columns))
    assert [*found["id"]] == columns["id"] and [*found["whole"]] == columns["whole"]
    assert [*found["real"]][:3] == columns["real"][:3] and np.isnan(found["real"][3])
    assert [*found["true"].astype(object)][:2] == [True, False] and found["true"].isna()[2]
    assert "none" not in found or found["none"].isna().all()
    assert [one.equals_exact(two, 1e-6) for one, two in zip(found.geometry, points, strict=True)]


def test_all_kinds_of_shapes_stand_in_one_layer() -> None:
    hole = shapely.box(10, 10, 90, 90).difference(shapely.box(30, 30, 60, 60))
    shapes = [
        shapely.MultiPoint([(1, 2), (3, 4)]),
        shapely.LineString([(0, 0), (50, 0), (50, 70)]),
        shapely.MultiLineString([[(0, 0), (9, 9)], [(5, 0), (5, 9)]]),
        hole,
        shapely.MultiPolygon([shapely.box(200, 200, 220, 230), hole]),
    ]
    body = mvt.layer("x", array(*shapes, None, shapely.Polygon()), {"n": [*range(7)]})
    found = read(body)
    assert [*found["n"]] == [0, 1, 2, 3, 4]
    for drawn, shape in zip(found.geometry, shapes, strict=True):
        assert shapely.get_dimensions(drawn) == shapely.get_dimensions(shape)
        assert drawn.hausdorff_distance(shape) < 1e-6 and drawn.area == pytest.approx(shape.area)


def test_nothing_vanishes_and_no_area_crosses_itself() -> None:
    draw = np.random.default_rng(5)
    small = [shapely.Point(xy).buffer(0.3) for xy in draw.uniform(0, 4000, (40, 2))]
    stars = [
        shapely.Polygon(draw.normal(2000, spread, (9, 2))) for spread in np.geomspace(2, 900, 60)
    ]
    line = shapely.LineString([(7.1, 7.1), (7.2, 7.2)])
    shapes = array(*small, *stars, line)
    found = read(mvt.layer("x", _whole(shapes), {"n": [*range(len(shapes))]}))
    assert [*found["n"]] == [*range(len(shapes))]
    areas = found.geometry[:-1]
    assert areas.is_valid.all() and (areas.area > 0).all()
    far = [
        drawn.distance(shape.representative_point())
        for drawn, shape in zip(areas, [*small, *map(shapely.make_valid, stars)], strict=True)
    ]
    assert max(far) < 6


places = st.tuples(st.integers(-64, 4160), st.integers(-64, 4160))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(places, min_size=3, max_size=7, unique=True), min_size=1, max_size=6))
def test_any_areas_are_drawn_as_they_are(rings: list[list[tuple[int, int]]]) -> None:
    shapes = [shapely.convex_hull(shapely.MultiPoint(ring)) for ring in rings]
    shapes = [one for one in shapes if one.area > 0]
    if shapes:
        found = read(mvt.layer("x", array(*shapes), {}))
        drawn = shapely.transform(found.geometry.array, np.rint)  # units are whole
        assert shapely.equals(drawn, shapes).all()
