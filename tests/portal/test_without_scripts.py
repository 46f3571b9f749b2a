"""Every kind of page where no script runs: all it says is there, its forms work, nothing shown is dead;
and what of it comes before its map is light.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import lxml.html
import pytest
import requests

#: The kinds, each with what of its content is looked for.
KINDS = {
    "/": ".cadre svg .c-dep", "/recherche?q=foix": "main .liste a",
    "/guichet": "form select[name=quoi]", "/guichet?ou=09122&quand=lun-10:30": ".gu",
    "/guichet/widget?ou=09122": ".gu", "/guichet?ou=saint": "main .liste a",
    "/communes": "main .puce", "/communes?departement=09": "main a[href*='/communes/09122']",
    "/communes/09122": ".semaine td",
    "/communes/09122/widget": ".semaine td",
    "/etudes": "main li h2 a", "/etudes/ariege": "main table td",
    "/etudes/ariege/comparer/plus-pres": "main table td", "/etudes/nouvelle": "form.pile button",
    "/etudes/nouvelle?etape=2": ".histo rect", "/etudes/nouvelle?etape=3": "form.pile button",
    "/etudes/nouvelle?etape=4": "form.pile button",
    "/collections": "main a", "/collections/services": "main li",
    "/collections/services/items": "main tbody td", "/collections/ariege-white-zones/items": "main td",
    "/collections/communes/items/09122": "main td", "/collections/services/schema": "main tbody td",
    "/collections/catalogue": "main li", "/collections/catalogue/items": ".result",
    "/collections/catalogue/items/forets": "dl dd", "/quality": "main tbody td",
    "/processes": "main li a", "/processes/nearest": "main td", "/openapi?f=html": "main tbody td",
    "/conformance": "main li", "/jobs": "main p", "/developpeurs": "main pre",
    "/mentions-legales": "main p", "/accessibilite": "main p", "/donnees-personnelles": "main p",
    "/rien": "main p",
}  # fmt: skip
#: Those that are looked at though no form leads there; GEOGUICHET_PAGES asks for every one.
FEW = (
    "/guichet?ou=09122&quand=lun-10:30", "/guichet/widget?ou=09122", "/collections/services/items",
    "/collections/catalogue/items/forets", "/etudes/ariege/comparer/plus-pres",
    "/etudes/nouvelle?etape=2", "/rien",
)  # fmt: skip
WHOLE = "GEOGUICHET_PAGES" in os.environ
#: What is shown and does nothing without a script: a button that sends no form, a field of no form, a
#: link to nowhere, a part that waits to be filled, a map without its drawing. The layers of a map are
#: ticked by style alone.
DEAD = """() => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  const dead = {
    "button": (one) => !one.form || one.type !== "submit",
    "input, select, textarea": (one) => !one.form && one.dataset.couche === undefined,
    "a": (one) => !one.hasAttribute("href") || one.getAttribute("href") === "#",
    "tbody, ul, ol, main": (one) => !one.textContent.trim(),
    ".map": (one) => !one.querySelector("svg"),
    "[data-position], [data-copied], [data-theme-choice], [type=range]": () => true,
  };
  return Object.entries(dead).flatMap(([which, is]) =>
    [...document.querySelectorAll(which)].filter(shown).filter(is).map((one) => one.outerHTML.slice(0, 90)));
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with browser.new_context(java_script_enabled=False, locale="fr-FR") as context:
        yield context.new_page()


def look_at(page: Any, kind: str) -> None:
    """Look at a page: its content is there, nothing on it is dead."""
    assert page.locator("main h1").first.is_visible()
    assert page.locator(KINDS[kind]).first.is_visible()
    assert page.evaluate(DEAD) == []


@pytest.mark.parametrize("path", KINDS if WHOLE else FEW)
def test_all_is_there_and_nothing_is_dead(page: Any, studies: str, path: str) -> None:
    page.goto(studies + path)
    look_at(page, path)


def test_the_forms_work(page: Any, studies: str) -> None:
    page.goto(f"{studies}/")
    look_at(page, "/")
    page.get_by_role("searchbox").fill("foix")
    page.get_by_role("button", name="Chercher").click()
    look_at(page, "/recherche?q=foix")
    assert page.get_by_role("link", name="Mairie de Foix", exact=True).count() == 1
    page.goto(f"{studies}/collections/catalogue/items")
    page.get_by_label("Ordre").select_option("title")
    page.get_by_role("button", name="Chercher").click()
    look_at(page, "/collections/catalogue/items")
    told = [one.split("\n")[-1] for one in page.locator(".result h2").all_inner_texts()]
    assert len(told) == 10 and told == sorted(told)
    page.goto(f"{studies}/etudes/nouvelle?depuis=ariege")
    look_at(page, "/etudes/nouvelle")
    for step in ("besoins et règle", "visioguichets", "vérifier et lancer"):
        page.get_by_role("button", name=step).click()
        look_at(page, "/etudes/nouvelle")
        if step == "besoins et règle":
            page.locator("input[name$='.seuil']").first.fill("9")
    assert (
        "9 km" in page.locator("dl").inner_text().replace("\u202f", " ")
        and page.get_by_role("button", name="Lancer").count()
    )


def test_folded_rows_are_printed(page: Any, studies: str) -> None:
    page.goto(f"{studies}/etudes/ariege")
    look_at(page, "/etudes/ariege")
    folded = page.locator("details.plus:not([open]) tbody tr").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible() and not page.locator("footer nav").first.is_visible()
    page.goto(f"{studies}/communes/09122")
    assert not page.locator("details.ecran code").first.is_visible()
    page.emulate_media(media="screen")
    look_at(page, "/communes/09122")


#: Bytes of a page as it travels, its sheets, scripts and pictures; and of one drawing as it is written.
LIGHT, DRAWING = 150_000, 45_000


@pytest.fixture(scope="module")
def sent(http: requests.Session) -> Callable[[str], int]:
    """The bytes that travel of what stands at an address; what pages share is asked for once."""

    @cache
    def asked(address: str) -> int:
        with http.get(address, headers={"Accept": "text/html,*/*"}, stream=True) as answered:
            return len(answered.raw.read())

    return asked


@pytest.mark.parametrize("path", KINDS)
def test_a_page_is_light_before_its_map(
    studies: str, http: requests.Session, sent: Callable[[str], int], path: str
) -> None:
    shown = lxml.html.fromstring(http.get(studies + path, headers={"Accept": "text/html"}).content)
    beside = shown.xpath("//link[@rel='stylesheet']/@href | //script/@src | //img/@src")
    assert beside and sent(studies + path) + sum(map(sent, beside)) < LIGHT
    drawings = shown.xpath("//main//svg[@role='img']")
    assert all(len(lxml.html.tostring(one)) < DRAWING for one in drawings)
