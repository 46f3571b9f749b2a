"""The pages in a real browser: no error, no request to another host, the map drawn, the search
usable.
"""

import shutil
from collections.abc import Iterator

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium (Debian: chromium) is not installed"
)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        opened = engine.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


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


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Qui est loin"),
        ("/collections/catalogue/items", "Catalogue"),
        ("/collections/catalogue/items/forets", "Forêts publiques"),
        ("/collections/white-zones/items", "Zones blanches"),
        ("/collections/kiosks/items/essai.k-002", "L'Hôtel n°1"),
        ("/collections/communes", "Communes"),
    ],
)
def test_a_page_with_a_map(page, url: str, path: str, heading: str) -> None:
    page.goto(url + path)
    page.locator(".map[data-ready]").first.wait_for()
    assert heading in page.locator("h1").inner_text()
    assert page.locator(".map path.leaflet-interactive, .map path").count() >= 8


def test_the_description_of_the_api(page, url: str) -> None:
    page.goto(f"{url}/openapi?f=html")
    page.get_by_text("/collections/catalogue/items", exact=True).first.wait_for()


def test_a_search_by_words_then_by_the_map(page, url: str) -> None:
    page.goto(url)
    page.get_by_role("searchbox").fill("forets")
    page.get_by_role("button", name="Chercher").click()
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
