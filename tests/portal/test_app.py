import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
import requests
from owslib.ogcapi.features import Features
from owslib.ogcapi.records import Records

from geoguichet.catalogue.record import Contact, Link, Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.portal.app import listen, serve
from geoguichet.portal.errors import PortalError, PortInUseError
from geoguichet.portal.jobs.contract import JobError
from geoguichet.portal.jobs.worker import Tender

PAGES = [
    "/", "/collections", "/collections/catalogue", "/collections/catalogue/items",
    "/collections/catalogue/items?q=foret",
    "/collections/catalogue/items/forets", "/collections/white-zones",
    "/collections/white-zones/items",
    "/collections/white-zones/items/essai.zb-001", "/collections/kiosks/items?sortby=-rank&limit=5",
    "/collections/communes/items", "/collections/communes/items/31555",
    "/collections/services/schema",
    "/collections/services/queryables", "/conformance", "/processes", "/processes/white-zones",
    "/openapi?f=html", "/jobs",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "word"), [("fr", "Données"), ("en", "Data")])
def test_each_page_is_readable_in_both_languages(
    url: str, http: requests.Session, path: str, language: str, word: str
) -> None:
    by_header = http.get(url + path, headers={"Accept": "text/html", "Accept-Language": language})
    assert by_header.status_code == 200
    assert f'<html lang="{language}"' in by_header.text
    assert f">{word}</a>" in by_header.text
    by_name = http.get(
        f"{url}{path}{'&' if '?' in path else '?'}lang={language}", headers={"Accept": "text/html"}
    )
    assert f'<html lang="{language}"' in by_name.text


def test_french_is_the_language_when_none_is_asked(url: str, http: requests.Session) -> None:
    assert '<html lang="fr"' in http.get(url, headers={"Accept": "text/html"}).text
    assert http.get(f"{url}/collections/communes").json()["title"] == "Communes"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_another_host(url: str, http: requests.Session, path: str) -> None:
    page = http.get(url + path, headers={"Accept": "text/html"}).text
    loaded = re.findall(
        r"""<(?:script|img|link rel="(?:icon|stylesheet)")[^>]*?(?:src|href)="([^"]+)""", page
    )
    assert loaded and all(address.startswith(url) for address in loaded)
    assert not re.search(r"<script(?![^>]*(src=|type=\"application/(?:ld\+)?json\"))", page)


def test_text_is_escaped_where_it_is_shown(url: str, http: requests.Session) -> None:
    page = http.get(
        f"{url}/collections/catalogue/items/forets", headers={"Accept": "text/html"}
    ).text
    assert "&lt;1:25 000&gt;" in page and "<1:25 000>" not in page
    attack = '"><script>alert(1)</script>'
    search = http.get(
        f"{url}/collections/catalogue/items", params={"q": attack}, headers={"Accept": "text/html"}
    )
    assert "<script>alert" not in search.text


@pytest.mark.parametrize(
    "scheme", ["javascript:", "JavaScript:", " javascript:", "java\tscript:", "data:", "vbscript:"]
)
def test_no_link_of_a_record_is_a_script(
    scheme: str, tmp_path: Path, serve, http: requests.Session
) -> None:
    script, site = (
        Link(f"{scheme}alert(1)", title="Piège"),
        Link("https://exemple.fr/", title="Site"),
    )
    hostile = Record(
        id="a",
        type="dataset",
        title="A",
        contacts=(Contact(organization="B", links=(script, site)),),
        links=(script, replace(script, rel="license"), replace(script, rel="enclosure"), site),
        license="etalab-2.0",
    )
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.upsert(hostile)
    with serve(tmp_path) as url:
        page = http.get(
            f"{url}/collections/catalogue/items/a", headers={"Accept": "text/html"}
        ).text
    assert "Piège" in page and page.count('href="https://exemple.fr/"') == 2
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', page)
    assert [one for one in addresses if "alert(1)" in one] == []


def test_errors_are_pages_too(url: str, http: requests.Session) -> None:
    refused = http.get(
        f"{url}/collections/communes/items?couleur=2", headers={"Accept": "text/html"}
    )
    assert refused.status_code == 400
    assert '<html lang="fr"' in refused.text and "couleur" in refused.text


def test_a_page_says_which_of_its_words_are_of_another_language(
    url: str, http: requests.Session
) -> None:
    english = http.get(f"{url}/collections/catalogue/items/forets?f=html&lang=en").text
    assert '<h1 lang="fr">Forêts' in english
    assert '<h1 lang="fr">' not in http.get(f"{url}/collections/catalogue/items/forets?f=html").text
    refused = http.get(f"{url}/collections/catalogue/items/rien?f=html&lang=en").text
    assert "<h1>Not found</h1>" in refused and '<html lang="en"' in refused
    assert "<h1>Introuvable</h1>" in http.get(f"{url}/collections/catalogue/items/rien?f=html").text


def test_words_that_stand_apart_are_found_by_the_page(url: str, http: requests.Session) -> None:
    asked = {"q": "ariège forêts", "f": "html"}
    page = http.get(f"{url}/collections/catalogue/items", params=asked).text
    assert "n'a ces mots côte à côte" in page.replace("&#39;", "'") and "/items/forets" in page
    assert (
        http.get(f"{url}/collections/catalogue/items", params={"q": "ariège forêts"}).json()[
            "numberMatched"
        ]
        == 0
    )
    apart = {"q": "ariège forêts", "q-words": "anywhere"}
    assert http.get(f"{url}/collections/catalogue/items", params=apart).json()["numberMatched"] == 1


def test_the_headers_of_a_public_site(url: str, http: requests.Session) -> None:
    page = http.get(url, headers={"Accept": "text/html"})
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        http.get(f"{url}/collections", headers={"Origin": "https://x.org"}).headers[
            "Access-Control-Allow-Origin"
        ]
        == "*"
    )


def test_only_files_of_studies_are_given_out(url: str, http: requests.Session) -> None:
    assert http.get(f"{url}/studies/essai/result.gpkg").status_code == 200
    for path in (
        "/studies/",
        "/studies/essai/",
        "/studies/essai/rien",
        "/studies/%2e%2e/catalogue.sqlite",
    ):
        assert http.get(url + path).status_code == 404
    assert http.get(f"{url}/background.geojson").json()["features"]
    assert http.get(f"{url}/favicon.ico").headers["Content-Type"] == "image/svg+xml"


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"{port}.*--port {port + 1}"):
            serve(tmp_path, port=port)
    for wrong in (99_999_999, -1):
        with pytest.raises(PortalError):
            listen("127.0.0.1", wrong)
    with pytest.raises(PortalError):
        listen("nulle.part.invalid", 0)


def test_owslib_reads_records_and_features(url: str) -> None:
    records = Records(url)
    assert records.records() == ["catalogue"]
    assert records.collection_items("catalogue", q="forêt")["features"][0]["id"] == "forets"
    assert records.collection_item("catalogue", "etude")["properties"]["type"] == "study"
    features = Features(url)
    assert set(features.feature_collections()) >= {"communes", "services", "white-zones", "kiosks"}
    assert features.collection_items("kiosks", bbox=[0.9, 42.9, 1.25, 43.25])["numberMatched"] == 3
    assert "people" in features.collection_queryables("white-zones")["properties"]


@pytest.mark.skipif(
    shutil.which("ogr2ogr") is None, reason="ogr2ogr (Debian: gdal-bin) is not installed"
)
@pytest.mark.parametrize(("collection", "count"), [("white-zones", 3), ("kiosks", 12)])
def test_ogr2ogr_copies_the_results(url: str, tmp_path: Path, collection: str, count: int) -> None:
    target = tmp_path / "copy.gpkg"
    command = [
        "ogr2ogr",
        "-f",
        "GPKG",
        str(target),
        f"OAPIF:{url}",
        collection,
        "-oo",
        "PAGE_SIZE=5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    copied = gpd.read_file(target)
    assert len(copied) == count
    assert copied.crs.to_epsg() == 4326


def test_a_server_that_ends_leaves_nothing_of_the_catalogue_open(
    tmp_path: Path,
    serve: Callable[..., AbstractContextManager[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[SQLiteStore] = []
    close = SQLiteStore.close
    monkeypatch.setattr(SQLiteStore, "close", lambda self: (closed.append(self), close(self)))
    with serve(tmp_path) as url:
        assert requests.get(f"{url}/collections/catalogue/items?f=json", timeout=30).ok
        assert not closed
    assert [store.path.name for store in closed] == ["catalogue.sqlite"]


def test_a_server_that_ends_leaves_no_scratch_file(
    tmp_path: Path, serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with serve(tmp_path / "workspace") as url:
        for path in ("/collections", "/collections/communes/items?f=fgb&limit=1"):
            assert requests.get(url + path, timeout=30).status_code == 200
        assert list(scratch.iterdir())
    assert not list(scratch.iterdir())


def test_a_worker_that_cannot_begin_now_is_begun_later(
    tmp_path: Path, serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, again = iter((BlockingIOError(11, "no process"), JobError("in use"))), threading.Event()

    def look(_tender: Tender) -> None:
        for refused in tries:
            raise refused
        again.set()

    monkeypatch.setattr(Tender, "look", look)
    with serve(tmp_path):
        assert again.wait(20)
