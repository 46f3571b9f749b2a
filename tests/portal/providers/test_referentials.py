"""The referentials of a workspace are collections of features, and directories have feeds."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
from lxml import etree

from geoguichet.portal.providers.referentials import collections

type PutDirectory = Callable[..., None]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, put_directory: PutDirectory) -> Path:
    folder = tmp_path_factory.mktemp("referentials")
    put_directory(folder, ("09122", 42.9), ("09123", 42.95))
    return folder


@pytest.fixture(scope="module")
def url(workspace: Path, serve: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    with serve(workspace) as address:
        yield address


def test_the_newest_version_is_a_collection(
    url: str, workspace: Path, http: requests.Session, put_directory: PutDirectory
) -> None:
    about = http.get(f"{url}/collections/referentiel-annuaire?f=json").json()
    assert about["extent"]["spatial"]["bbox"] == [[1.6, 42.9, 1.6, 42.95]]
    assert {link["href"] for link in about["links"] if "/feeds/" in link["href"]} == {
        f"{url}/feeds/annuaire.{suffix}" for suffix in ("atom", "json", "csv")
    }
    items = f"{url}/collections/referentiel-annuaire/items?f=json"
    assert http.get(items).json()["numberMatched"] == 2
    found = http.get(f"{items}&commune=09123").json()["features"]
    assert [feature["id"] for feature in found] == ["mairie-09123-01"]
    put_directory(workspace, ("09122", 42.9), ("09124", 42.97), ("09125", 42.99))
    box = http.get(f"{url}/collections/referentiel-annuaire?f=json").json()["extent"]["spatial"][
        "bbox"
    ]
    assert box == [[1.6, 42.9, 1.6, 42.99]], "nor is its extent the old one"
    assert http.get(items).json()["numberMatched"] == 3  # a new version is served with no restart
    assert http.get(f"{items}&bbox=1,42.96,2,43").json()["numberMatched"] == 2


def test_the_page_of_a_directory_leads_to_its_record_and_its_feeds(
    url: str, http: requests.Session
) -> None:
    for lang, told in (("fr", "Fiche de cette version"), ("en", "Record of this version")):
        page = http.get(f"{url}/collections/referentiel-annuaire?f=html&lang={lang}").text
        assert told in page and "/collections/catalogue/items/referentiel-annuaire-" in page
        assert ("Changements (Atom)" if lang == "fr" else "Changes (Atom, in French)") in page


def test_a_new_name_is_served_without_a_restart(
    url: str, workspace: Path, http: requests.Session, put_directory: PutDirectory
) -> None:
    for lang in ("fr", "en"):
        assert http.get(f"{url}/collections/referentiel-nouveau?lang={lang}").status_code == 404
    put_directory(workspace, ("09122", 42.9), name="nouveau")
    for lang, title in (("fr", "Référentiel nouveau"), ("en", "Referential nouveau")):
        about = http.get(f"{url}/collections/referentiel-nouveau?lang={lang}&f=json").json()
        assert about["title"] == title
        page = http.get(f"{url}/collections/referentiel-nouveau?lang={lang}&f=html")
        assert page.status_code == 200 and title in page.text
    assert (
        http.get(f"{url}/collections/referentiel-nouveau/items?f=json").json()["numberMatched"] == 1
    )
    assert http.get(f"{url}/collections?q=nouveau&f=json").json()["numberMatched"] == 1
    described = http.get(f"{url}/openapi?f=json").json()
    assert "/collections/referentiel-nouveau/items" in described["paths"]
    assert described["paths"]["/feeds/{directory}.atom"]["get"]["parameters"][0]["schema"][
        "enum"
    ] == [
        "annuaire",
        "nouveau",
    ]
    shutil.rmtree(workspace / "referentials" / "nouveau")
    assert http.get(f"{url}/collections/referentiel-nouveau?f=json").status_code == 404
    listed = http.get(f"{url}/collections?f=json").json()["collections"]
    assert "referentiel-nouveau" not in [each["id"] for each in listed]


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
    [("annuaire.atom?since=hier", 400), ("annuaire.rss", 404), ("rien.atom", 404),
    ("annuaire.atom?limit=0", 400),
     ("annuaire.atom?couleur=bleu", 400), ("annuaire.atom?f=json", 400),
     ("annuaire.atom?limit=1&limit=2", 400),
     ("annuaire.atom?type=chateau", 400), ("%2E%2E.atom", 404)],
)  # fmt: skip
def test_a_bad_question_is_one_sentence(
    path: str, status: int, url: str, http: requests.Session
) -> None:
    answer = http.get(f"{url}/feeds/{path}")
    assert answer.status_code == status
    assert answer.json()["description"]


def test_a_workspace_without_referentials_has_no_collection_of_them(tmp_path: Path) -> None:
    assert collections(tmp_path, "http://x") == {}


def test_a_referential_taken_away_does_not_take_the_portal_with_it(
    tmp_path: Path,
    serve: Callable[..., AbstractContextManager[str]],
    http: requests.Session,
    put_directory: PutDirectory,
) -> None:
    put_directory(tmp_path, ("09122", 42.9))
    with serve(tmp_path) as address:
        shutil.rmtree(tmp_path / "referentials")
        assert http.get(f"{address}/openapi?f=json").status_code == 200
        assert http.get(f"{address}/collections?f=json").status_code == 200
        answer = http.get(f"{address}/collections/referentiel-annuaire/items?f=json")
        assert answer.status_code == 404
