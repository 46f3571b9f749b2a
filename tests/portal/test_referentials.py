"""The referentials of a workspace are collections of features, and directories have feeds."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
from lxml import etree

from geoguichet.portal.referentials import collections
from geoguichet.referentials.readers.formats import FORMATS
from geoguichet.referentials.store import ReferentialStore

HEADER = "id,category,name,email,phone,wheelchair_access,latitude,longitude,geoloc_precision,address\n"
ROW = '"mairie-{0}-01","mairie","Mairie {0}","","","",{1},1.6,"8","1 rue du Pont, 09000, Foix"\n'


def put(workspace: Path, *places: tuple[str, float]) -> None:
    path = workspace / f"annuaire-{len(places)}.csv"
    path.write_text(HEADER + "".join(ROW.format(*place) for place in places), encoding="utf-8")
    store = ReferentialStore(workspace / "referentials")
    store.put("annuaire", FORMATS["dila-2020"].read(path), origin=path, reader="dila-2020")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("referentials")
    put(folder, ("09122", 42.9), ("09123", 42.95))
    return folder


@pytest.fixture(scope="module")
def url(workspace: Path, serve: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    with serve(workspace) as address:
        yield address


def test_the_newest_version_is_a_collection(url: str, workspace: Path, http: requests.Session) -> None:
    about = http.get(f"{url}/collections/referentiel-annuaire?f=json").json()
    assert about["extent"]["spatial"]["bbox"] == [[1.6, 42.9, 1.6, 42.95]]
    assert {link["href"] for link in about["links"] if "/feeds/" in link["href"]} == {
        f"{url}/feeds/annuaire.{suffix}" for suffix in ("atom", "json", "csv")
    }
    items = f"{url}/collections/referentiel-annuaire/items?f=json"
    assert http.get(items).json()["numberMatched"] == 2
    found = http.get(f"{items}&commune=09123").json()["features"]
    assert [feature["id"] for feature in found] == ["mairie-09123-01"]
    put(workspace, ("09122", 42.9), ("09124", 42.97), ("09125", 42.99))
    assert http.get(items).json()["numberMatched"] == 3  # a new version is served with no restart
    assert http.get(f"{items}&bbox=1,42.96,2,43").json()["numberMatched"] == 2


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="GDAL's ogr2ogr is not installed")
def test_gdal_reads_it(url: str, tmp_path: Path) -> None:
    out = tmp_path / "out.geojson"
    asked = ["ogr2ogr", "-f", "GeoJSON", str(out), f"OAPIF:{url}/collections/referentiel-annuaire"]
    subprocess.run(asked, check=True, capture_output=True)
    assert out.read_text(encoding="utf-8").count('"Feature"') >= 2


def test_the_changes_are_told_over_http(url: str, http: requests.Session) -> None:
    answer = http.get(f"{url}/feeds/annuaire.atom?since=2020-01-01&limit=2")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    root = etree.fromstring(answer.content)
    links = {link.get("rel"): link.get("href") for link in root.findall("{*}link")}
    assert links["self"] == answer.url
    following = http.get(str(links["next"]))
    assert following.status_code == 200
    again = http.get(answer.url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    items = http.get(f"{url}/feeds/annuaire.json?since=2020-01-01").json()["items"]
    assert {item["tags"][0] for item in items} == {"opened", "closed"}
    assert http.get(f"{url}/feeds/annuaire.csv").text.count("\n") == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [("annuaire.atom?since=hier", 400), ("annuaire.rss", 404), ("rien.atom", 404), ("annuaire.atom?limit=0", 400),
     ("annuaire.atom?couleur=bleu", 400), ("%2E%2E.atom", 404)],
)  # fmt: skip
def test_a_bad_question_is_one_sentence(path: str, status: int, url: str, http: requests.Session) -> None:
    answer = http.get(f"{url}/feeds/{path}")
    assert answer.status_code == status
    assert answer.json()["description"]


def test_a_workspace_without_referentials_has_no_collection_of_them(tmp_path: Path) -> None:
    assert collections(tmp_path, "http://x") == {}


def test_a_referential_taken_away_does_not_take_the_portal_with_it(
    tmp_path: Path, serve: Callable[..., AbstractContextManager[str]], http: requests.Session
) -> None:
    put(tmp_path, ("09122", 42.9))
    with serve(tmp_path) as address:
        shutil.rmtree(tmp_path / "referentials")
        assert http.get(f"{address}/openapi?f=json").status_code == 200
        assert http.get(f"{address}/collections?f=json").status_code == 200
        answer = http.get(f"{address}/collections/referentiel-annuaire/items?f=json")
        assert answer.status_code >= 400
        assert "introuvable" in answer.json()["description"]
