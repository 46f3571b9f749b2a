"""Six people, each at the task they come for, on a served workspace: a citizen, a commune, a GIS
officer, an elected official, a developer, and those who read from their own tools.

No page says an error nor asks anything of a third host; the developers' examples run as the page
shows them.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import lxml.html
import pandas as pd
import pytest
import requests

from geoguichet.catalogue.record import Link, Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.outputs.style import VENDOR
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import read_study

LIBRARIES = Path(__file__).parents[2] / "node_modules"
WHOLE = "GEOGUICHET_PAGES" in os.environ
SYSTEM_PYTHON = "/usr/bin/python3"
#: What a page of a developer carries beside the example, from npm: by example.
HEADS = {
    "leaflet": ["leaflet/dist/leaflet.css", "leaflet/dist/leaflet.js"],
    "leaflet-tiles": [
        "leaflet/dist/leaflet.css", "leaflet/dist/leaflet.js",
        "leaflet.vectorgrid/dist/Leaflet.VectorGrid.bundled.js",
    ],
    "openlayers": ["ol/ol.css", "ol/dist/ol.js"],
    "openlayers-tiles": ["ol/ol.css", "ol/dist/ol.js"],
    "maplibre": ["maplibre-gl/dist/maplibre-gl.css", "maplibre-gl/dist/maplibre-gl.mjs"],
}  # fmt: skip
#: The share of a picture that is not of its commonest colour.
DRAWN = """async (told) => {
  const sent = await fetch(`data:image/png;base64,${told}`);
  const image = await createImageBitmap(await sent.blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  return 1 - Math.max(...counts.values()) / pixels.length;
}"""


@pytest.fixture(scope="module")
def url(
    tmp_path_factory, small_path: Path, write_study, records_of_the_tests, serve
) -> Iterator[str]:
    """The portal of a workspace that has a study, records, and one record that leads to a layer."""
    workspace = tmp_path_factory.mktemp("six")
    write_study(workspace, "essai")
    write_all(run(replace(read_study(small_path), id="ariege")), workspace / "studies" / "ariege")
    records_of_the_tests(workspace)
    links = (Link("collections/kiosks/items", rel="items", type="application/geo+json"),)
    with SQLiteStore(workspace / "catalogue.sqlite") as store:
        store.upsert(Record(id="kiosques", type="dataset", title="Les kiosques", links=links))
    with serve(workspace) as address:
        yield address


class Elsewhere(BaseHTTPRequestHandler):
    """A site of another origin: pages by path, and what npm brought under `/npm/`."""

    pages: dict[str, str]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        kinds = {".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript"}
        file = LIBRARIES / path.removeprefix("/npm/")
        if path in self.pages:
            body, kind = self.pages[path].encode(), "text/html; charset=utf-8"
        elif path.startswith("/npm/") and file.is_file():
            body, kind = file.read_bytes(), kinds.get(file.suffix, "application/octet-stream")
        else:
            body, kind = b"", "image/x-icon"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a site of another origin, and its pages, to fill."""
    pages: dict[str, str] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Site", (Elsewhere,), {"pages": pages}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visit(browser, url: str, site) -> Iterator[Callable[..., object]]:
    """Open a page that fails its test on an error, a refused answer, or a request to a third host."""
    ours, wrong, contexts = (url, site[0], "data:", "blob:"), [], []

    def guard(route) -> None:
        if route.request.url.startswith(ours):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    def told(message) -> None:
        if message.type == "error":
            wrong.append(message.text)

    def opened(address: str, *, width: int = 1280):
        context = browser.new_context(
            viewport={"width": width, "height": 844}, locale="fr-FR", accept_downloads=True
        )
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        page.on("console", told)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "response",
            lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None,
        )
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def matched(url: str, name: str = "communes") -> int:
    """Return how many features a collection says it has."""
    asked = f"{url}/collections/{name}/items?f=json&limit=1"
    return int(requests.get(asked, timeout=30).json()["numberMatched"])


# --- a citizen, a commune -------------------------------------------------------------------------


def test_a_citizen_finds_an_open_counter_in_three_taps(visit, url: str) -> None:
    page = visit(url, width=390)
    page.get_by_role("link", name="Trouver un guichet").first.click()
    page.get_by_label("Où ?").fill("Saint-Girons")
    page.get_by_label("Jour").select_option("sam")
    page.get_by_label("Heure").select_option("10:30")
    page.get_by_role("button", name="Chercher").click()
    first = page.locator("ol.liste article").first
    assert "Ouvert jusqu" in first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_commune_embeds_its_counters(visit, url: str, site) -> None:
    address, pages = site
    script = f'<script src="{url}/widget.js" data-commune="09122"></script>'
    pages["/mairie"] = f'<!doctype html><html lang="fr"><title>Foix</title><main>{script}</main>'
    page = visit(f"{address}/mairie", width=390)
    frame = page.frame_locator("iframe")
    assert "Foix" in frame.locator("h1").inner_text()
    frame.locator(".gu").first.wait_for()
    assert frame.locator(".gu").count() >= 3


# --- a GIS officer --------------------------------------------------------------------------------

#: How the rows of each form are read, by its label in the menu.
READERS: dict[str, Callable[[Path], object]] = {
    "CSV": pd.read_csv,
    "XLSX": gpd.read_file,
    "GeoJSON": gpd.read_file,
    "GeoPackage": gpd.read_file,
    "FlatGeobuf": gpd.read_file,
    "GeoParquet": gpd.read_parquet,
}


def test_a_gis_officer_finds_a_record_and_takes_every_row(visit, url: str, tmp_path: Path) -> None:
    page = visit(url)
    page.get_by_role("combobox").fill("kiosques")
    page.get_by_role("button", name="Chercher").click()
    page.get_by_role("link", name="Les kiosques").first.click()
    page.get_by_role("heading", name="Aperçu des données").wait_for()
    assert page.locator("section[aria-labelledby=preview] tbody tr").count() == 8
    page.get_by_text("Télécharger", exact=True).click()
    offered, count = page.locator(".tel-menu a"), matched(url, "kiosks")
    assert count > 12
    assert [told.split()[0] for told in offered.all_inner_texts()] == list(READERS)
    for number, (label, read) in enumerate(READERS.items()):
        assert f"{count} objets" in offered.nth(number).inner_text()
        with page.expect_download() as taken:
            offered.nth(number).click()
        file = tmp_path / taken.value.suggested_filename
        taken.value.save_as(file)
        assert len(read(file)) == count, label


# --- an elected official --------------------------------------------------------------------------


def test_an_elected_official_reads_a_study(visit, url: str) -> None:
    page = visit(f"{url}/etudes", width=390)
    page.locator("main h2 a").click()
    told = requests.get(f"{url}/etudes/ariege?f=json", timeout=30).json()
    page.locator("section[aria-labelledby=carte-h]").wait_for()
    assert page.locator("h1").inner_text() == told["title"]
    assert page.locator("section[aria-labelledby=carte-h] svg path").count() > 8
    assert page.locator("section[aria-labelledby=plan] tbody tr").count() >= 3
    if (VENDOR / "maplibre-gl").is_dir():
        page.locator(".map").scroll_into_view_if_needed()
        page.locator(".map[data-ready]").wait_for()
        shown = """() => document.querySelector('.map').map.queryRenderedFeatures()
          .filter((one) => one.layer.metadata === 'c-etat').length"""
        assert page.evaluate(shown) > 8
        page.locator("[data-couche=c-etat]").uncheck()
        left = (page.wait_for_timeout(100) or page.evaluate(shown) for _time in range(100))
        assert 0 in left
    files = page.locator("ul.liste a[href*='/studies/ariege/']").evaluate_all(
        "all => all.map(a => a.href)"
    )
    assert len(files) >= 3
    for address in files:
        assert requests.get(address, timeout=30, stream=True).status_code == 200, address
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# --- a developer ----------------------------------------------------------------------------------


def shown(url: str) -> dict[str, str]:
    """Return the examples, as the developers' page shows them."""
    page = lxml.html.fromstring(requests.get(f"{url}/developpeurs?f=html", timeout=30).content)
    return {code.get("id"): code.text_content() for code in page.xpath("//pre[@id]")}


@pytest.mark.parametrize("key", HEADS if WHOLE else ("leaflet", "openlayers-tiles"))
def test_a_developer_draws_a_layer_from_another_origin(visit, url: str, site, key: str) -> None:
    missing = [name for name in HEADS[key] if not (LIBRARIES / name).is_file()]
    if missing:
        pytest.skip(f"{missing[0]} (npm ci) is not installed")
    address, pages = site
    kinds = {
        ".css": '<link rel="stylesheet" href="/npm/{0}">',
        ".js": '<script src="/npm/{0}"></script>',
        ".mjs": '<script type="importmap">{{"imports": {{"maplibre-gl": "/npm/{0}"}}}}</script>',
    }
    heads = "".join(kinds[Path(name).suffix].format(name) for name in HEADS[key])
    pages[f"/{key}"] = (
        f'<!doctype html><html lang="fr"><meta charset="utf-8"><title>{key}</title>{heads}'
        '<div id="map" style="width: 500px; height: 500px"></div>'
        f'<script type="module">{shown(url)[key]}</script>'
    )
    page = visit("about:blank")
    tiles: list[int] = []
    page.on("response", lambda got: tiles.append(got.status) if "/tiles/" in got.url else None)
    page.goto(f"{address}/{key}", wait_until="networkidle")
    for _try in range(40):
        picture = base64.b64encode(page.locator("#map").screenshot()).decode()
        if (share := page.evaluate(DRAWN, picture)) > 0.05:
            break
        page.wait_for_timeout(250)
    assert share > 0.05
    assert (200 in tiles) == (key not in ("leaflet", "openlayers"))


# --- everyone ---------------------------------------------------------------------------------------

PAGES = [
    "/", "/guichet", "/communes/09122", "/etudes/ariege", "/collections/kiosks/items", "/developpeurs",
    *(
        ["/guichet?ou=Saint-Girons&quoi=mairie", "/communes", "/etudes", "/collections", "/quality",
         "/collections/catalogue/items", "/collections/catalogue/items/kiosques", "/processes",
         "/collections/catalogue/items/forets", "/collections/communes/items/09122", "/conformance",
         "/collections/white-zones/items", "/processes/nearest", "/recherche?q=mairie", "/jobs",
         "/openapi?f=html", "/mentions-legales", "/accessibilite", "/donnees-personnelles"]
        if WHOLE else []
    ),
]  # fmt: skip


def test_no_page_says_an_error_or_leads_nowhere(visit, url: str) -> None:
    page, leads = visit("about:blank"), {}
    for path in PAGES:
        page.goto(url + path, wait_until="networkidle")
        found = page.locator("a[href]").evaluate_all("all => all.map(a => a.href.split('#')[0])")
        leads |= {address: path for address in found if address.startswith(url)}
    for address, path in leads.items() if WHOLE else list(leads.items())[::4]:
        with requests.get(address, timeout=60, stream=True) as answered:
            assert answered.status_code < 400, f"{path} leads to {address}"


# --- those who read from their own tools ----------------------------------------------------------


def asked_of(command: list[str], **options) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_of_python_reads_every_feature(url: str) -> None:
    # GDAL holds the interpreter that also serves
    told = asked_of([sys.executable, "-c", f"{shown(url)['geopandas']}print(len(layer))"])
    assert int(told) == matched(url)


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="ogr2ogr (gdal-bin) is not installed")
def test_gdal_reads_features_and_tiles(url: str, tmp_path: Path) -> None:
    asked_of(shown(url)["gdal"].split(), cwd=tmp_path)
    assert len(gpd.read_file(tmp_path / "communes.gpkg")) == matched(url)
    tile = tmp_path / "tile.pbf"
    asked = f"{url}/collections/communes/tiles/WebMercatorQuad/7/46/64"
    tile.write_bytes(requests.get(asked, timeout=30).content)
    placed = [text for one in ("X=64", "Y=46", "Z=7") for text in ("-oo", one)]
    told = asked_of(["ogrinfo", "-so", "-al", f"MVT:{tile}", *placed])
    count = int(told.partition("Feature Count: ")[2].split()[0])
    assert "Layer name: communes" in told and 500 < count <= matched(url)


QGIS = """
import json, os
from qgis.core import *
from qgis.PyQt.QtCore import QSize

application = QgsApplication([], False)
application.initQgis()
{example}
settings = QgsMapSettings()
settings.setLayers([tiles])
settings.setDestinationCrs(tiles.crs())
settings.setExtent(QgsRectangle(0, 5311971, 313086, 5635549))
settings.setOutputSize(QSize(200, 200))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
picture = job.renderedImage()
colours = {picture.pixel(x, y) for x in range(200) for y in range(200)}
told = [layer.isValid(), tiles.isValid(), len(list(layer.getFeatures())), len(colours)]
print(json.dumps(told), flush=True)
os._exit(0)  # PyQGIS takes itself down in an order of its own, sometimes through a null pointer
"""


def test_qgis_reads_features_and_tiles(url: str, tmp_path: Path) -> None:
    asked = [SYSTEM_PYTHON, "-c", "import qgis.core"]
    if (
        not Path(SYSTEM_PYTHON).exists()
        or subprocess.run(asked, check=False, capture_output=True).returncode
    ):
        pytest.skip("QGIS (Debian: python3-qgis) is not installed")
    script = tmp_path / "ask.py"
    script.write_text(QGIS.replace("{example}", shown(url)["qgis"]), encoding="utf-8")
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    environment["XDG_RUNTIME_DIR"] = str(tmp_path)
    told = json.loads(asked_of([SYSTEM_PYTHON, str(script)], env=environment))
    assert told[:3] == [True, True, matched(url)] and told[3] > 10


def test_a_partner_reads_the_records_through_csw(url: str) -> None:
    csw = pytest.importorskip("owslib.csw", reason="OWSLib is not installed")
    catalogue = csw.CatalogueServiceWeb(f"{url}/csw", timeout=30)
    catalogue.getrecords2(maxrecords=20, esn="summary")
    assert catalogue.results["matches"] == len(catalogue.records) == 16
    assert catalogue.records["kiosques"].title == "Les kiosques"
