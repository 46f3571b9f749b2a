"""Answers show themselves: briefly, as a picture, a map, a file."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from geoguichet import (
    CoverageResult,
    GeoguichetError,
    compare,
    isochrones,
    reach,
    site_kiosks,
    white_zones,
)
from geoguichet.floor.words import speaking


@pytest.fixture(scope="module")
def answers(result: CoverageResult) -> dict[str, Any]:
    people = gpd.GeoDataFrame(
        {"nom": ["Foix", "Ax", "Luzenac"], "pop": [9_500, 1_200, 500]},
        geometry=gpd.points_from_xy([1.605, 1.838, 1.763], [42.966, 42.719, 42.763]),
        crs=4326,
    ).to_crs(2154)
    lacking = white_zones(people, people.iloc[[0]], within="10 km")
    plan = site_kiosks(lacking, people, reach="10 km", count=1)
    ways = reach(people, people, within="9 km")
    change = compare(lacking, plan)
    rings = isochrones(people, "2 km")
    answers = {"study": result, "lacking": lacking, "plan": plan, "ways": ways, "change": change}
    return answers | {"rings": rings}


NAMES = ("study", "lacking", "plan", "ways", "change", "rings")


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_one_line_and_a_notebook_shows_its_table_and_its_picture(
    answers: dict[str, Any], name: str
) -> None:
    answer = answers[name]
    assert len(repr(answer)) < 300 and "\n" not in repr(answer)
    html = answer._repr_html_()
    assert "<table" in html and "<svg" in html
    ElementTree.fromstring(str(answer.plot()))


def test_a_headline_is_said_in_the_readers_language(answers: dict[str, Any]) -> None:
    with speaking("fr"):
        french = [answers[name].headline for name in NAMES]
    with speaking("en"):
        english = [answers[name].headline for name in NAMES]
    assert not {*french} & {*english}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_every_row_of_every_layer(
    answers: dict[str, Any], name: str, tmp_path: Path
) -> None:
    answer = answers[name]
    path = answer.to_file(tmp_path / "answer.gpkg")
    for layer, frame in answer.layers.items():
        written = pyogrio.read_dataframe(path, layer=layer)
        assert len(written) == len(frame)
        assert written.crs == frame.crs
    assert [file.name for file in tmp_path.iterdir()] == ["answer.gpkg"]


def test_a_column_called_id_is_kept_beside_the_labels(tmp_path: Path) -> None:
    people = gpd.GeoDataFrame(
        {"id": ["x", "y"], "pop": [1, 2]},
        index=["a", "b"],
        geometry=gpd.points_from_xy([1.6, 1.8], [42.9, 42.7]),
        crs=4326,
    )
    path = white_zones(people, people.iloc[[0]], within="1 km").to_file(tmp_path / "own.gpkg")
    written = pyogrio.read_dataframe(path, layer="people")
    assert written["id"].tolist() == ["x", "y"] and written["label"].tolist() == ["a", "b"]


def test_another_kind_of_file_or_a_layer_that_is_not_there_is_refused(
    answers: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(GeoguichetError, match=r"essayez : zones\.gpkg"):
        answers["lacking"].to_file(tmp_path / "zones.shp")
    with pytest.raises(GeoguichetError, match="aucune couche ne s'appelle 'zone'"):
        answers["lacking"].plot("zone")
    assert list(tmp_path.iterdir()) == []


def test_a_map_has_each_layer_and_asks_for_no_background_when_told_so(
    answers: dict[str, Any],
) -> None:
    page = answers["plan"].explore(tiles=None).get_root().render()
    assert all(f"{layer} :" in page or f'"{layer}"' in page for layer in answers["plan"].layers)
    assert "tile.openstreetmap.org" not in page
    assert "tile.openstreetmap.org" in answers["plan"].explore().get_root().render()
    only = answers["plan"].explore("kiosks", tiles=None).get_root().render()
    assert "kiosks" in only and "served_after" not in only


def test_a_folder_that_cannot_be_is_told_and_nothing_is_left(
    answers: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    for write, name in (
        (answers["lacking"].to_file, "zones.gpkg"),
        (answers["ways"].to_parquet, "ways.parquet"),
        (answers["rings"].to_cog, "cost.tif"),
    ):
        with pytest.raises(GeoguichetError, match="n'a pas pu être écrit"):
            write(tmp_path / "file" / name)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_ways_are_written_to_parquet(answers: dict[str, Any], tmp_path: Path) -> None:
    path = answers["ways"].to_parquet(tmp_path / "ways.parquet")
    assert pd.read_parquet(path).equals(answers["ways"].pairs)
