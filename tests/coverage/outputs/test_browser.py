"""The pages in a real browser: nothing in its console, nothing asked of the network, and what one
sees is there.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from shapely.affinity import translate

from geoguichet.coverage.outputs import report, web_map

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed (make install)"
)
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not here (Debian: apt install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser, tmp_path):
    """Open a page written to a file; on leaving, nothing may have gone wrong nor been fetched."""
    pages, wrong, asked = [], [], []

    def open_page(render, result, **options):
        path = tmp_path / "page.html"
        path.write_text(render(result), encoding="utf-8")
        page = browser.new_page(**options)
        page.on(
            "console",
            lambda message: (
                wrong.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []
    assert [url for url in asked if not url.endswith("/page.html")] == []


def test_the_map_shows_zones_people_services_and_kiosks(show, result):
    page = show(web_map.render, result)
    assert page.locator("b.kiosk").all_inner_texts() == ["2", "1"]
    assert page.locator(".leaflet-zones-pane path").count() == 2
    assert page.locator(".leaflet-people-pane path").count() == 7
    assert page.locator("b.service").count() == 3
    assert page.locator(".panel h1").inner_text().endswith("Autour de Cahors")
    assert page.locator(".leaflet-control-scale-line").inner_text() == "10 km"


def test_a_kiosk_tells_its_figures(show, result):
    page = show(web_map.render, result)
    page.locator("b.kiosk", has_text="1").click()
    told = (
        page.locator(".leaflet-popup-content")
        .inner_text()
        .replace("\u202f", " ")
        .replace("\u00a0", " ")
    )
    assert "Visioguichet n° 1 : Montcuq-en-Quercy-Blanc (46)" in told
    assert "1 990 habitants de plus desservis" in told
    assert "43,6 %" in told


def test_layers_are_switched_on_and_off(show, result):
    page = show(web_map.render, result)
    assert page.locator(".leaflet-reach-pane path").count() == 0
    page.get_by_text("Rayon d’action").click()
    assert page.locator(".leaflet-reach-pane path").count() == 2
    page.get_by_text("Zones blanches", exact=True).click()
    assert page.locator(".leaflet-zones-pane path").count() == 0


def test_the_map_stands_without_zone_or_kiosk_and_in_english(show, bare, english):
    page = show(web_map.render, bare)
    assert page.locator("b.kiosk").count() == 0
    page = show(web_map.render, english)
    assert "White zones" in page.locator(".panel").inner_text()
    assert page.locator(".leaflet-control-zoom-in").get_attribute("title") == "Zoom in"


def test_the_map_suits_a_narrow_screen(show, result):
    page = show(web_map.render, result, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("details[open]").count() == 0


def test_the_report_prints(show, result, tmp_path):
    page = show(report.render, result, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert len(printed) > 20_000


def test_kiosks_that_touch_are_dots_until_one_zooms_in(show, result):
    """The better ranked keeps its number."""
    near = result.kiosks.geometry.copy()
    near.iloc[1] = translate(near.iloc[0], 0.004)
    page = show(web_map.render, replace(result, kiosks=result.kiosks.set_geometry(near)))
    crowded = page.locator("b.kiosk.crowded")
    assert crowded.all_inner_texts() == ["2"]
    for _ in range(12):  # a click while the map still moves counts for nothing
        if crowded.count():
            page.locator(".leaflet-control-zoom-in").click()
            page.wait_for_timeout(300)
    assert crowded.count() == 0


def test_the_panel_holds_the_plan(show, result):
    page = show(web_map.render, result)
    page.get_by_text("Plan des visioguichets").click()
    told = page.locator("details.plan").inner_text().replace("\u202f", " ").replace("\u00a0", " ")
    for said in (
        "2 840 habitants de plus",
        "Le plan <d'avant>",
        "0,03 recours",
        "1 719 habitants, 1 commune",
    ):
        assert said in told, said
    assert page.locator("details.plan svg").count() == 1


def test_on_paper_the_panel_is_whole_and_the_report_says_the_rest(show, result):
    page = show(web_map.render, result)
    page.emulate_media(media="print")
    page.get_by_text("plus de 2 900 habitants de plus").wait_for(
        state="visible"
    )  # the page opens its folds by itself
    assert not page.locator(".panel .further").is_visible()
    assert page.evaluate(
        "(() => { const p = document.querySelector('.panel'); return p.scrollHeight <= "
        "p.clientHeight; })()"
    )
