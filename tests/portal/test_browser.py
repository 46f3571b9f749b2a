"""The pages in a real browser: no error, no request to another host, the map drawn, the search
usable.
"""

import os
from collections.abc import Iterator

import pytest

from geoguichet.benchmarks.portal.maps import LONGEST, panned, ready, tasks
from geoguichet.coverage.outputs.style import VENDOR

with_maps = pytest.mark.skipif(
    not (VENDOR / "maplibre-gl").is_dir(), reason="MapLibre (npm, make front-end) is not installed"
)
#: The objects that the first map of a page shows, each once.
SHOWN = """() => [...new Set(document.querySelector('.map').map.queryRenderedFeatures().map(
  (one) => one.layer.id + JSON.stringify(one.properties)))]"""


def until(page, told: str) -> None:
    """Wait until an expression is true; the page's policy lets no page evaluate it by itself."""
    for _time in range(100):
        if page.evaluate(told):
            return
        page.wait_for_timeout(100)
    raise AssertionError(told)


@pytest.fixture
def page(browser, url: str) -> Iterator:
    """A page that fails its test on a console error, a script error or a request to another
    host.
    """
    opened = browser.new_page(viewport={"width": 1200, "height": 850}, locale="fr-FR")
    wrong: list[str] = []
    opened.on(
        "console",
        lambda message: (
            wrong.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request",
        lambda sent: wrong.append(sent.url) if not sent.url.startswith((url, "data:")) else None,
    )
    opened.on(
        "response",
        lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None,
    )
    yield opened
    opened.close()
    assert wrong == []


#: The pages with a map; GEOGUICHET_PAGES asks for those that other tests look at too.
MAPS = [
    ("/collections/catalogue/items/forets", "Forêts publiques"),
    ("/collections/white-zones/items", "Zones blanches"),
    ("/collections/kiosks/items/essai.k-002", "L'Hôtel n°1"),
    ("/collections/catalogue/items", "Catalogue"),
    ("/collections/communes", "Communes"),
]


@with_maps
@pytest.mark.parametrize(
    ("path", "heading"), MAPS if "GEOGUICHET_PAGES" in os.environ else MAPS[:3]
)
def test_a_page_with_a_map(page, url: str, path: str, heading: str) -> None:
    page.goto(url + path)
    page.locator(".map[data-ready]").first.wait_for()
    assert heading in page.locator("h1").inner_text()
    assert len(page.evaluate(SHOWN)) >= 8
    assert "les flèches la déplacent" in page.locator(".map canvas").get_attribute("aria-label")


@with_maps
def test_a_whole_layer_is_on_its_map_and_leads_to_its_objects(page, url: str) -> None:
    """Tiles are asked with the filters of the page; the rows of the table stand out."""
    page.goto(f"{url}/collections/services/items?type=prefecture&inside=true")
    page.locator(".map[data-ready]").wait_for()
    points = [one for one in page.evaluate(SHOWN) if one.startswith("services-point")]
    assert len(points) == 8 and all("prefecture" in one for one in points)
    assert len([one for one in page.evaluate(SHOWN) if one.startswith("services-row")]) == 8
    row = page.locator("tr[data-object]").first
    row.locator("a").focus()
    page.wait_for_function(
        f"({SHOWN})().filter((one) => one.startsWith('services-row')).length == 1"
    )
    told = row.get_attribute("data-object")
    place = page.evaluate(
        """(id) => { const { map } = document.querySelector('.map');
        const one = map.queryRenderedFeatures().find((each) => each.properties.id === id);
        return map.project(one.geometry.coordinates); }""",
        told,
    )
    page.locator(".map canvas").click(position=place)
    assert told in page.locator(".maplibregl-popup a").get_attribute("href")


@with_maps
def test_a_map_takes_the_colours_that_a_reader_chooses(page, url: str) -> None:
    page.goto(f"{url}/collections/communes")
    page.locator(".map[data-ready]").wait_for()
    out = "document.querySelector('.map').map.getPaintProperty('out', 'background-color')"
    assert page.evaluate(out) == "#E7E3D9"
    page.get_by_role("button", name="Sombre").click()
    until(page, f"{out} == '#14191A'")


def test_a_drawing_stays_where_maps_are_not_to_be_had(browser, url: str) -> None:
    with browser.new_context(locale="fr-FR") as context:
        page = context.new_page()
        page.route("**/maplibre-gl.mjs", lambda route: route.abort())
        page.goto(f"{url}/collections/services/items")
        page.locator(".map[data-failed]").wait_for()
        assert page.locator(".map > svg .c-pt").is_visible()
        assert page.get_by_text("La carte ne peut pas bouger ici").count() == 1


def test_the_home_page_is_light_and_comes_with_its_map(page, url: str) -> None:
    received: list[int] = []
    page.on("response", lambda got: received.append(len(got.body())))
    page.goto(url, wait_until="networkidle")
    assert "Les services publics" in page.locator("h1").inner_text()
    assert page.locator(".cadre svg .c-dep").count() == 1
    assert sum(received) < 150_000 and page.locator("canvas").count() == 0


def test_lines_are_suggested_while_one_types(page, url: str) -> None:
    page.goto(url)
    field = page.get_by_role("combobox")
    field.press_sequentially("st giro")
    page.get_by_role("option", name="Saint-Girons Ariège").wait_for()
    assert field.get_attribute("aria-expanded") == "true"
    field.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    field.press("Escape")
    assert page.get_by_role("listbox").count() == 0
    field.fill("")
    field.press_sequentially("saint-girons")
    page.get_by_role("option").first.wait_for()
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url("**/09261*")
    assert "Saint-Girons" in page.locator("h1").inner_text()


def test_a_reader_chooses_the_colours(page, url: str) -> None:
    page.goto(f"{url}/mentions-legales?f=html")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(251, 250, 247)"
    page.get_by_role("button", name="Sombre").click()
    page.goto(f"{url}/accessibilite?f=html")
    assert page.evaluate(ground) == "rgb(20, 25, 26)"
    page.get_by_role("button", name="Système").click()
    assert page.evaluate(ground) == "rgb(251, 250, 247)"


@with_maps
def test_a_rectangle_drawn_on_the_map_is_searched(page, url: str) -> None:
    page.goto(f"{url}/collections/catalogue/items")
    page.locator(".map[data-ready]").wait_for()
    page.get_by_role("button", name="Dessiner un rectangle").click()
    box = page.locator(".map").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 160, steps=4)
    page.mouse.up()
    page.wait_for_url("**bbox=*")
    assert page.locator(".puce", has_text="Zone dessinée").count() == 1


def test_the_description_of_the_api(page, url: str) -> None:
    page.goto(f"{url}/openapi?f=html")
    page.get_by_text("/collections/catalogue/items", exact=True).first.wait_for()


@with_maps
def test_a_search_by_words_then_by_the_map(page, url: str) -> None:
    page.goto(url)
    page.get_by_role("combobox").fill("forets")
    page.get_by_role("button", name="Chercher").click()
    assert page.get_by_role("link", name="Forêts publiques").count() == 1
    page.get_by_role("link", name="Chercher dans tout le catalogue").click()
    page.locator(".map[data-ready]").wait_for()
    assert page.locator(".count").inner_text() == "1 fiche trouvée"
    page.get_by_label("Seulement ce que montre la carte").check()
    page.get_by_role("button", name="Chercher").click()
    page.locator(".map[data-ready]").wait_for()
    assert "bbox=" in page.url and page.locator(".result").count() == 1
    page.get_by_role("link", name="English").click()
    assert page.locator(".count").inner_text() == "1 record found"
    page.get_by_role("link", name="Forêts publiques").click()
    assert page.locator("h2", has_text="Files and data").count() == 1


def test_paging_without_scripts(browser, url: str) -> None:
    with browser.new_context(java_script_enabled=False, locale="fr-FR") as context:
        page = context.new_page()
        page.goto(f"{url}/collections/catalogue/items")
        assert page.locator(".result").count() == 10
        page.get_by_role("link", name="Suivant").click()
        assert page.locator(".result").count() == 5
        page.get_by_role("link", name="Précédent").click()
        assert page.locator(".result").count() == 10


def test_a_layer_is_filtered_without_a_script(browser, url: str) -> None:
    """The page of a layer holds all it shows where nothing runs; its form is a plain one."""
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(f"{url}/collections/services/items")
    page.get_by_label("Type").select_option("prefecture")
    page.get_by_role("button", name="Filtrer").click()
    assert "type=prefecture" in page.url
    assert page.locator("figure svg .c-pt").count() == 1
    assert "Préfecture" in page.locator("tbody").inner_text()
    context.close()


@with_maps
def test_a_map_is_panned_without_a_long_task(page, browser, url: str) -> None:
    """A small instance of ``benchmarks/portal/maps.py``; by CPU, for the clock is that of the machine."""
    page.goto(f"{url}/collections/services/items")
    ready(page)
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    browser.start_tracing(page=page, categories=["toplevel"])
    panned(page, 2)
    found = [own for _clock, own in tasks(browser.stop_tracing())]
    assert len(found) > 100 and 0 < max(found) < LONGEST
    assert asked and all("/tiles/WebMercatorQuad/" in one for one in asked)
