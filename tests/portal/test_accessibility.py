"""Every kind of page against axe's rules (WCAG 2.0 to 2.2, A and AA, and good practice), at three
widths, by day and by night, in both languages; no page scrolls sideways at 320 pixels.
"""

import os
from pathlib import Path

import pytest

from geoguichet.coverage.study.study import read_study

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="axe-core (npm ci) is not installed")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FEW = ["/", "/collections/catalogue/items", "/collections/catalogue/items/forets"]
ALL = [
    *FEW, "/collections", "/collections/catalogue", "/collections/catalogue/items?q=rien",
    "/collections/catalogue/items/etude", "/collections/white-zones/items",
    "/collections/communes/items", "/collections/communes/items/09122",
    "/collections/services/schema", "/collections/services/queryables", "/conformance",
    "/processes", "/processes/white-zones", "/openapi?f=html", "/jobs", "/quality",
    "/recherche?q=mairie", "/mentions-legales", "/accessibilite", "/donnees-personnelles",
    "/developpeurs", "/rien", "/connexion", "/etudes", "/collections/services/items",
    "/collections/services/items?q=foix&type=town_hall", "/etudes/nouvelle",
    "/etudes/nouvelle?etape=2", "/etudes/nouvelle?etape=3", "/etudes/nouvelle?etape=4",
    "/etudes/nouvelle?etape=2&b1.seuil=huit&b1.nom=Mairie",
]  # fmt: skip
COUNTERS = [
    "/", "/etudes", "/guichet", "/guichet?ou=09122&quand=lun-10:30", "/guichet?ou=saint",
    "/guichet/widget?ou=09122", "/communes", "/communes/09122", "/communes/09122/widget",
    "/collections/demand/items", "/collections/kiosks/items",
]  # fmt: skip
SEEN = [(320, "dark", "fr"), (1280, "light", "en"), (390, "light", "fr"), (1280, "dark", "fr")]
WHOLE = "GEOGUICHET_PAGES" in os.environ


def _broken(browser, url: str, paths: list[str], seen: tuple[int, str, str]) -> None:
    width, scheme, language = seen
    with browser.new_context(
        viewport={"width": width, "height": 900},
        locale=language,
        color_scheme=scheme,
        bypass_csp=True,
    ) as context:
        page = context.new_page()
        for path in paths:
            page.goto(url + path, wait_until="networkidle")
            over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(over) <= 0, path
            page.evaluate(AXE.read_text("utf-8"))
            asked = {"runOnly": RULES}
            broken = page.evaluate("(asked) => axe.run(document, asked)", asked)["violations"]
            told = [(rule["id"], rule["nodes"][0]["html"]) for rule in broken]
            assert told == [], path


@pytest.mark.parametrize("seen", SEEN if WHOLE else SEEN[:2])
def test_no_rule_is_broken(browser, url: str, seen: tuple[int, str, str]) -> None:
    _broken(browser, url, ALL if WHOLE else FEW, seen)


@pytest.mark.skipif(not WHOLE, reason="GEOGUICHET_PAGES asks for every page")
@pytest.mark.parametrize("seen", SEEN)
def test_no_rule_is_broken_by_studies_communes_and_counters(
    browser, studies: str, small_path: Path, seen: tuple[int, str, str]
) -> None:
    of_study = ["", f"?besoin={read_study(small_path).needs[0].key}", "/comparer/plus-pres"]
    _broken(browser, studies, [*(f"/etudes/ariege{one}" for one in of_study), *COUNTERS], seen)


def test_suggestions_and_the_menu_break_none_either(browser, url: str) -> None:
    with browser.new_context(
        viewport={"width": 390, "height": 900}, locale="fr-FR", bypass_csp=True
    ) as context:
        page = context.new_page()
        page.goto(url)
        page.get_by_role("combobox").press_sequentially("saint")
        page.get_by_role("option").first.wait_for()
        page.evaluate(AXE.read_text("utf-8"))
        open_list = page.evaluate("(asked) => axe.run(document, asked)", {"runOnly": RULES})
        assert open_list["violations"] == []
        page.get_by_text("Menu", exact=True).click()
        open_menu = page.evaluate("(asked) => axe.run(document, asked)", {"runOnly": RULES})
        assert open_menu["violations"] == []
