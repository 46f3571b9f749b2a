"""A tile, read back by GDAL: which features it has, where they are drawn, what it leaves to one."""

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.floor.viewer import PUBLIC
from geoguichet.portal.providers import tiles
from geoguichet.portal.providers.features import FeatureQuery, GeoPackageProvider
from geoguichet.portal.providers.tiles import COUNT, Address, at, cut
from geoguichet.referentials.layers import sample_path


def layer(path: Path, shapes: list) -> GeoPackageProvider:
    frame = gpd.GeoDataFrame(
        {"id": [f"r{n}" for n in range(len(shapes))], "people": range(len(shapes))},
        geometry=shapes,
        crs="EPSG:4326",
    )
    frame.to_file(path, layer="places", engine="pyogrio")
    return GeoPackageProvider(
        {"name": "x", "type": "feature", "data": str(path), "table": "places", "id_field": "id"}
    )


def read(provider: GeoPackageProvider, tile: Address, folder: Path) -> gpd.GeoDataFrame:
    drawn = cut(provider, FeatureQuery(), tile, name="places", columns={"people": "integer"},
                viewer=PUBLIC)  # fmt: skip
    file = folder / str(tile.z) / str(tile.x) / f"{tile.y}.pbf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(drawn.body)
    options = {"X": str(tile.x), "Y": str(tile.y), "Z": str(tile.z), "CLIP": "NO"}
    return pyogrio.read_dataframe(f"MVT:{file}", layer="places", **options)


def test_features_are_drawn_where_they_are(tmp_path: Path) -> None:
    shapes = [shapely.Point(1.44, 43.6), shapely.Point(1.45, 43.61), None,
              shapely.Point(9, 48), shapely.box(1.4, 43.5, 1.5, 43.7)]  # fmt: skip
    provider = layer(tmp_path / "x.gpkg", shapes)
    tile = at((1.44, 43.6, 1.44, 43.6), 10)[0]
    found = read(provider, tile, tmp_path).set_index("id").sort_index()
    assert [*found.index] == ["r0", "r1", "r4"] and [*found.people] == [0, 1, 4]
    drawn = found.set_crs("EPSG:3857", allow_override=True).to_crs("EPSG:4326").geometry
    unit = 360 / 2**10 / 4096
    for own, shape in (("r0", shapes[0]), ("r1", shapes[1])):
        assert drawn[own].distance(shape) < unit
    west, south, east, north = tile.box(0)
    assert drawn["r4"].intersection(shapely.box(west, south, east, north)).area == pytest.approx(
        shapes[4].intersection(shapely.box(west, south, east, north)).area, rel=0.01
    )


def test_no_area_vanishes_where_areas_are_small(tmp_path: Path) -> None:
    provider = GeoPackageProvider(
        {"name": "x", "type": "feature", "data": "sample", "table": "communes", "id_field": "code"}
    )
    tile = at((1.44, 43.6, 1.44, 43.6), 5)[0]
    drawn = cut(provider, FeatureQuery(), tile, name="x", columns={}, viewer=PUBLIC)
    (tmp_path / f"{tile.y}.pbf").write_bytes(drawn.body)
    options = {"X": str(tile.x), "Y": str(tile.y), "Z": "5"}
    found = pyogrio.read_dataframe(f"MVT:{tmp_path / f'{tile.y}.pbf'}", **options)
    communes = gpd.read_file(sample_path(), layer="communes")
    meets = communes.intersects(shapely.box(*tile.box(0)))
    assert set(found["id"]) >= set(communes.loc[meets, "code"]) and meets.sum() > 2800


def test_a_tile_where_nothing_is_is_empty(tmp_path: Path) -> None:
    provider = layer(tmp_path / "x.gpkg", [shapely.Point(1.44, 43.6)])
    drawn = cut(provider, FeatureQuery(), Address(3, 0, 0), name="x", columns={}, viewer=PUBLIC)
    assert (drawn.body, drawn.matched, drawn.told) == (b"", 0, 0)


@pytest.mark.parametrize("is_area", [False, True])
def test_a_tile_too_full_says_for_how_many_each_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_area: bool
) -> None:
    monkeypatch.setattr(tiles, "SQUARES", 4)
    draw = np.random.default_rng(3)
    places = draw.uniform((1.45, 43.5), (1.7, 43.7), (60, 2))
    shapes = [
        shapely.box(x, y, x + side, y + side) if is_area else shapely.Point(x, y)
        for (x, y), side in zip(places, draw.uniform(0.001, 0.01, 60), strict=True)
    ]
    provider = layer(tmp_path / "x.gpkg", shapes)
    found = read(provider, at((1.5, 43.6, 1.5, 43.6), 8)[0], tmp_path)
    assert 0 < len(found) <= 16 and found[COUNT].sum() == 60
    whole = cut(provider, FeatureQuery(equal={"people": "7"}), at((1.5, 43.6, 1.5, 43.6), 8)[0],
                name="x", columns={}, viewer=PUBLIC)  # fmt: skip
    assert (whole.matched, whole.told) == (1, 1)


@given(st.floats(-179.9, 179.9), st.floats(-85, 85), st.integers(0, 22))
def test_a_place_is_in_the_box_of_its_tile(longitude: float, latitude: float, z: int) -> None:
    first, last = at((longitude, latitude, longitude, latitude), z)
    west, south, east, north = first.box(1e-9)
    assert first == last and 0 <= first.x < 2**z and 0 <= first.y < 2**z
    assert west - 1e-6 <= longitude <= east + 1e-6 and south - 1e-6 <= latitude <= north + 1e-6


def test_the_world_is_one_tile() -> None:
    west, south, east, north = Address(0, 0, 0).box(0)
    assert (west, east) == (-180, 180)
    edge = math.degrees(math.atan(math.sinh(math.pi)))
    assert (south, north) == pytest.approx((-edge, edge))
