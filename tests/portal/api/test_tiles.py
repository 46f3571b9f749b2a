"""The tiles of collections over HTTP: from the collection to a tile, by links alone."""

from pathlib import Path
from types import SimpleNamespace

import pyogrio
import pytest
import requests

from geoguichet.portal.api.tiles import TilesApi
from geoguichet.portal.providers.tiles import Drawn
from geoguichet.portal.site import OTHERS

HOME = "/collections/communes/tiles"
TOULOUSE = f"{HOME}/WebMercatorQuad/10/373/515"


def linked(document: dict, rel: str) -> str:
    return next(one["href"] for one in document["links"] if one["rel"].rpartition("/")[2] == rel)


def test_a_tile_is_found_by_links(url: str, http: requests.Session) -> None:
    assert any("ogcapi-tiles-1" in one for one in OTHERS)
    listed = http.get(linked(http.get(f"{url}/collections/communes").json(), "tilesets-vector"))
    (one,) = listed.json()["tilesets"]
    described = http.get(linked(one, "self")).json()
    matrix = http.get(linked(one, "tiling-scheme")).json()
    assert matrix["id"] == "WebMercatorQuad" and matrix["tileMatrices"][0]["matrixWidth"] == 1
    assert matrix["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.028717)
    limits = described["tileMatrixSetLimits"][10]
    assert limits["minTileRow"] <= 373 <= limits["maxTileRow"]
    template = linked(described, "item")
    place = {"{tileMatrix}": "10", "{tileRow}": "373", "{tileCol}": "515"}
    for name, value in place.items():
        template = template.replace(name, value)
    tile = http.get(template)
    assert tile.headers["Content-Type"] == "application/vnd.mapbox-vector-tile" and tile.content
    assert tile.headers["OGC-NumberMatched"] == tile.headers["OGC-NumberReturned"]


def test_a_tile_is_kept_by_its_tag(url: str, http: requests.Session) -> None:
    tile = http.get(url + TOULOUSE)
    known = http.get(url + TOULOUSE, headers={"If-None-Match": tile.headers["ETag"]})
    assert known.status_code == 304
    assert http.get(url + TOULOUSE).content == tile.content


def test_a_client_that_reads_tilejson_draws_what_a_filter_selects(
    url: str, http: requests.Session, tmp_path: Path
) -> None:
    asked = {"f": "tilejson", "filter": "name = 'Toulouse'"}
    told = http.get(f"{url}{HOME}/WebMercatorQuad", params=asked).json()
    assert told["tilejson"] == "3.0.0" and told["vector_layers"][0]["id"] == "communes"
    assert set(told["vector_layers"][0]["fields"]) >= {"id", "name", "population"}
    address = told["tiles"][0]
    for name, value in {"{z}": "10", "{y}": "373", "{x}": "515"}.items():
        address = address.replace(name, value)
    (tmp_path / "373.pbf").write_bytes(http.get(address).content)
    drawn = pyogrio.read_dataframe(f"MVT:{tmp_path / '373.pbf'}", X="515", Y="373", Z="10")
    assert drawn["id"].tolist() == ["31555"] and drawn["population"].iloc[0] > 400_000


def test_a_style_draws_the_tiles_of_a_collection(url: str, http: requests.Session) -> None:
    style = http.get(f"{url}{HOME}/WebMercatorQuad?f=style").json()
    assert style["version"] == 8
    sources = {layer.get("source") for layer in style["layers"]} - {None}
    assert sources == set(style["sources"])
    for source in style["sources"].values():
        assert http.get(source.get("url") or source["data"]).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["10/373/1024", "23/0/0", "-1/0/0", "a/0/0", "10/373/5_15", "1/0/999999999"],
)
def test_there_is_no_tile_elsewhere(url: str, http: requests.Session, path: str) -> None:
    refused = http.get(f"{url}{HOME}/WebMercatorQuad/{path}")
    assert refused.status_code == 404
    assert refused.json()["description"].startswith("Aucune tuile à cette adresse")


def test_what_cannot_be_asked_of_a_tile_is_refused(url: str, http: requests.Session) -> None:
    assert http.get(f"{url}{TOULOUSE}?couleur=1").status_code == 400
    assert http.get(f"{url}{TOULOUSE}?filter=couleur=1").status_code == 400
    assert http.get(f"{url}{TOULOUSE}?properties=couleur").status_code == 400
    assert http.get(f"{url}/collections/catalogue/tiles").status_code == 404
    assert http.get(f"{url}{HOME}/WebMercatorQuad/10/0/0").status_code == 204


def test_the_tiles_asked_last_are_kept() -> None:
    kept = TilesApi(SimpleNamespace(site=SimpleNamespace(url="")))._kept
    kept.most, kept.most_bytes = 3, 20
    for tag in ("a", "b", "c", "a", "d"):
        if kept.get(tag) is None:
            kept.keep(tag, Drawn(b"12345", 1, 1), 5)
    assert [*kept._made] == ["c", "a", "d"] and kept._held == 15
    kept.keep("e", Drawn(b"123456789012345678", 1, 1), 18)
    assert [*kept._made] == ["e"] and kept._held == 18
    kept.keep("e", Drawn(b"12345", 1, 1), 5)
    assert [*kept._made] == ["e"] and kept._held == 5
