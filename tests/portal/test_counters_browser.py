"""« Trouver un guichet » in a real browser: three taps on a telephone, no script, the keyboard, the
frame on another site.
"""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

ANSWER = "/guichet?ou=Saint-Girons&quoi=mairie&quand=sam-10:30"


@pytest.fixture
def phone(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    wrong: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def test_a_citizen_finds_an_open_counter_in_three_taps(phone, url: str) -> None:
    phone.goto(f"{url}/guichet")
    phone.get_by_label("Où ?").fill("Saint-Girons")
    phone.get_by_label("Pour quoi faire ?").select_option("mairie")
    phone.get_by_label("Jour").select_option("sam")
    phone.get_by_label("Heure").select_option("10:30")
    phone.get_by_role("button", name="Chercher").click()
    first = phone.locator("ol.liste article").first
    assert "Mairie de Saint-Lizier" in first.inner_text()
    assert "Ouvert jusqu" in first.inner_text()
    assert phone.locator("#plan svg .c-disque").count() >= 3


def test_it_answers_without_a_script(browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(f"{url}/guichet")
    assert not page.get_by_role("button", name="Utiliser ma position").is_visible()
    page.get_by_label("Où ?").fill("Foix")
    page.keyboard.press("Enter")
    assert "Foix (09)" in page.locator(".resume").inner_text()
    assert page.locator(".gu").count() >= 3
    context.close()


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("path", ["/guichet", ANSWER, ANSWER.replace("?", "/widget?")])
def test_nothing_goes_beyond_the_screen(phone, url: str, path: str, width: int) -> None:
    phone.set_viewport_size({"width": width, "height": 800})
    phone.goto(url + path)
    assert phone.evaluate("document.documentElement.scrollWidth") <= width
    assert phone.locator("h1").count() == 1


def test_the_position_is_asked_for_only_when_tapped(browser, url: str) -> None:
    context = browser.new_context(
        locale="fr-FR",
        permissions=["geolocation"],
        geolocation={"longitude": 1.1414, "latitude": 42.9856},
    )
    page = context.new_page()
    page.goto(f"{url}/guichet")
    page.get_by_role("button", name="Utiliser ma position").click()
    page.wait_for_url("**ou=1.141**")
    assert "votre position" in page.locator(".resume").inner_text()
    context.close()


def test_a_position_that_is_refused_is_no_error(phone, url: str) -> None:
    phone.goto(f"{url}/guichet")
    phone.get_by_role("button", name="Utiliser ma position").click()
    phone.get_by_text("Position non partagée").wait_for()


class _Town(BaseHTTPRequestHandler):
    """The site of a commune, of another origin."""

    home = ""

    def do_GET(self) -> None:
        script = f'<script src="{self.home}/widget.js" data-commune="09122"></script>'
        body = f'<!doctype html><html lang="fr"><title>Foix</title><main>{script}</main>'.encode()
        self.send_response(200 if self.path == "/" else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if self.path == "/":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_commune_puts_its_counters_on_its_own_site(phone, url: str) -> None:
    town = HTTPServer(("127.0.0.1", 0), type("Town", (_Town,), {"home": url}))
    thread = threading.Thread(target=town.serve_forever, daemon=True)
    thread.start()
    try:
        phone.goto(f"http://127.0.0.1:{town.server_port}/")
        frame = phone.frame_locator("iframe")
        assert "Foix" in frame.locator("h1").inner_text()
        assert frame.locator(".gu").count() >= 3
        phone.wait_for_function("parseInt(document.querySelector('iframe').style.height) > 700")
        link = frame.get_by_role("link", name="Chercher un autre guichet")
        assert link.get_attribute("target") == "_top"
        assert phone.context.cookies() == []
    finally:
        town.shutdown()
        town.server_close()
        thread.join()


def test_every_counter_is_reached_by_keyboard(phone, url: str) -> None:
    phone.goto(url + ANSWER)
    reached: set[str] = set()
    for _step in range(45):
        phone.keyboard.press("Tab")
        reached.add(phone.evaluate("document.activeElement.textContent.trim()"))
    assert {"Fermés à ce moment", "Chercher"} <= reached
    assert sum(told.startswith("Y aller") for told in reached) >= 3


def test_the_page_of_a_commune_is_printed_on_one_sheet(phone, url: str) -> None:
    phone.goto(f"{url}/communes/09032")
    sheets = re.findall(rb"/Type\s*/Page\b(?!s)", phone.pdf(format="A4"))
    assert len(sheets) == 1 and phone.locator("table.semaine").count() == 1
