import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.floor.errors import LayerError
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.providers.geopackage import (
    Box,
    Chosen,
    Layer,
    geojson_texts,
    layer_schema,
    open_layer,
    read_geometry,
    typed,
)
from geoguichet.referentials.layers import sample_path


def matches(layer: Layer, boxes: list[Box] | None = None, values: tuple[str, ...] = ()) -> list:
    """Key, then these values, of the rows that meet one of the boxes."""
    keys = [key for (key,) in layer.keys(Chosen(tuple(boxes or ())))]
    return [(row[0], *row[2:]) for row in layer.rows(keys, values, geometry=False)]


def features(layer: Layer, keys: list[int]) -> list[dict]:
    """The rows of these keys, as they are told."""
    rows = layer.rows(keys)
    drawn = map(json.loads, geojson_texts([row[1] for row in rows]))
    told = layer.properties(rows, tuple(layer.schema.columns))
    return [{"geometry": one, "properties": of} for one, of in zip(drawn, told, strict=True)]


def test_a_layer_says_what_it_is_made_of() -> None:
    schema = layer_schema(sample_path(), "services")
    assert (schema.key, schema.geometry, schema.indexed) == ("fid", "geometry", True)
    assert schema.columns["inside"] == "boolean"
    assert schema.columns["hours_per_week"] == "number"
    assert layer_schema(sample_path(), "communes").columns["population"] == "integer"


def test_rows_come_out_as_geopandas_reads_them() -> None:
    read = gpd.read_file(sample_path(), layer="services").head(40)
    with open_layer(sample_path(), "services") as layer:
        found = features(layer, [key for (key,) in matches(layer)[:40]])
    for feature, row in zip(found, read.itertuples(), strict=True):
        assert feature["properties"]["id"] == row.id
        assert feature["properties"]["inside"] == row.inside
        if feature["geometry"]:
            assert shapely.from_geojson(json.dumps(feature["geometry"])).equals(row.geometry)


@pytest.fixture(scope="module")
def communes() -> gpd.GeoDataFrame:
    return gpd.read_file(sample_path(), layer="communes")


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.5, 3.5), st.floats(42.4, 45.2), st.floats(0, 1), st.floats(0, 1))
def test_a_box_is_met_by_the_geometry_itself(
    communes: gpd.GeoDataFrame, west: float, south: float, width: float, height: float
) -> None:
    area = (west, south, west + width, south + height)
    expected = set(communes.loc[communes.intersects(shapely.box(*area)), "code"])
    with open_layer(sample_path(), "communes") as layer:
        assert {code for _, code in matches(layer, [area], ("code",))} == expected


def test_two_boxes_are_either(communes: gpd.GeoDataFrame) -> None:
    boxes = [(-0.5, 42.0, 0.0, 44.0), (3.0, 44.0, 4.0, 45.0)]
    with open_layer(sample_path(), "communes") as layer:
        both = len(matches(layer, boxes))
        assert both == sum(len(matches(layer, [one])) for one in boxes)


def test_a_layer_without_index_answers_the_same(tmp_path: Path, communes: gpd.GeoDataFrame) -> None:
    communes.head(200).to_file(tmp_path / "x.gpkg", layer="communes", SPATIAL_INDEX="NO")
    area = (1.2, 42.8, 1.7, 43.1)
    with open_layer(tmp_path / "x.gpkg", "communes") as layer:
        assert not layer.schema.indexed
        found = len(matches(layer, [area]))
    assert found == communes.head(200).intersects(shapely.box(*area)).sum() > 0


@pytest.mark.parametrize("content", [None, b"", b"pas un GeoPackage" * 99])
def test_a_bad_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.gpkg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LayerError, match=r"x\.gpkg"), open_layer(path, "communes"):
        pass


def test_a_missing_layer_is_named() -> None:
    with pytest.raises(LayerError, match="routes"), open_layer(sample_path(), "routes"):
        pass


def test_geometry_blobs() -> None:
    assert read_geometry(None) is None
    assert read_geometry(b"GP\x00\x11\xe6\x10\x00\x00") is None
    with pytest.raises(LayerError):
        read_geometry(b"GP\x00\x01\xe6\x10\x00\x00\x01\x01")


def test_filters_are_read_as_the_column_is() -> None:
    assert typed("n", "12", "integer") == 12
    assert typed("n", "1.5", "number") == 1.5
    assert typed("n", "true", "boolean") is True
    assert typed("n", "12", "string") == "12"
    for text, kind in (
        ("douze", "integer"),
        ("x", "number"),
        ("nan", "number"),
        ("1e999", "number"),
        ("oui", "boolean"),
    ):
        with pytest.raises(ParameterError, match=r"^n"):
            typed("n", text, kind)
