"""The account: identity, tokens shown once, sessions closed, password changed."""

import re

import requests

PASSWORD = "quatre chevaux lents bleus"


def test_the_page_tells_who_one_is_in_words(portal) -> None:
    browser = portal.browser("qui@essai.example", "editor")
    page = browser.show("/compte").text
    assert "Éditeur pour Région Essai" in page and "qui@essai.example" in page
    told = browser.get(f"{portal.url}/compte?f=json").json()
    assert told["roles"] == [
        {"siren": "200053791", "role": "editor", "told": "Éditeur pour Région Essai"}
    ]
    assert set(told) == {
        "person", "name", "email", "hasPassword", "roles", "tokens", "sessions", "journal"
    }  # fmt: skip
    assert "password" not in str(told).casefold().replace("haspassword", "")


def test_who_contributes_finds_what_waits_to_be_reviewed(portal) -> None:
    for role, found in (("partner", False), ("contributor", True), ("administrator", True)):
        browser = portal.browser(f"liste-{role}@essai.example", role)
        assert (f'href="{portal.url}/a-relire"' in browser.show("/compte").text) is found
        assert (browser.show("/a-relire").status_code == 200) is found


def test_a_token_is_shown_once_and_revoked(portal) -> None:
    browser = portal.browser("jeton@essai.example")
    page = browser.fill("/compte", action="token", name="QGIS", scope="read", days="30").text
    (made,) = re.findall(r"geoguichet_[\w-]{43}", page)
    headers = {"Authorization": f"Bearer {made}"}
    assert requests.get(f"{portal.url}/compte", headers=headers).status_code == 200
    page = browser.show("/compte").text
    assert made not in page and "QGIS" in page
    (number,) = re.findall(
        r'value="revoke">\s*<input type="hidden" name="number" value="(\d+)"', page
    )
    stranger = portal.browser("autre@essai.example")
    stranger.fill("/compte", action="revoke", number=number)
    assert requests.get(f"{portal.url}/compte", headers=headers).status_code == 200
    browser.fill("/compte", action="revoke", number=number)
    assert requests.get(f"{portal.url}/compte", headers=headers).status_code == 401


def test_what_a_token_is_asked_to_be_is_checked(portal) -> None:
    browser = portal.browser("bornes@essai.example")
    for odd in ({"scope": "all"}, {"days": "9999"}, {"days": "-1"}, {"days": "²"}, {"name": ""}):
        asked = {"name": "x", "scope": "read", "days": "30"} | odd
        assert browser.fill("/compte", action="token", **asked).status_code == 400
    for _token in range(20):
        browser.fill("/compte", action="token", name="x", scope="read", days="30")
    answer = browser.fill("/compte", action="token", name="x", scope="read", days="30")
    assert answer.status_code == 400 and "20" in answer.text
    assert browser.fill("/compte", action="drop").status_code == 400


def test_other_sessions_are_closed_one_by_one_or_together(portal) -> None:
    first, second, third = (portal.browser("trois@essai.example") for _browser in range(3))
    told = first.get(f"{portal.url}/compte?f=json").json()["sessions"]
    assert [one["here"] for one in told].count(True) == 1
    other = next(one for one in told if not one["here"])
    portal.browser("autre@essai.example").fill(
        "/compte", action="close", number=str(other["number"])
    )
    assert len(first.get(f"{portal.url}/compte?f=json").json()["sessions"]) == 3
    first.fill("/compte", action="close", number=str(other["number"]))
    assert len(first.get(f"{portal.url}/compte?f=json").json()["sessions"]) == 2
    first.fill("/compte", action="close")
    assert first.show("/compte").status_code == 200
    assert {second.show("/compte").status_code, third.show("/compte").status_code} == {303}


def test_a_new_password_asks_for_the_old_one_and_closes_every_session(portal) -> None:
    browser, other = (portal.browser("change@essai.example") for _browser in range(2))
    before = browser.cookies["geoguichet"]
    new = "sept canards noirs contents"
    wrong = browser.fill("/compte", action="password", current="faux", password=new)
    assert wrong.status_code == 400
    weak = browser.fill("/compte", action="password", current=PASSWORD, password="court")
    assert weak.status_code == 400
    answer = browser.fill("/compte", action="password", current=PASSWORD, password=new)
    assert answer.status_code == 303
    assert browser.show("/compte").status_code == 200 and browser.cookies["geoguichet"] != before
    assert other.show("/compte").status_code == 303
    assert portal.browser().sign_in("change@essai.example").status_code == 403
    assert portal.browser().sign_in("change@essai.example", new).status_code == 303


def test_guesses_of_the_current_password_are_slowed(portal, frozen) -> None:
    browser = portal.browser("vol@essai.example")
    for _try in range(6):
        browser.fill("/compte", action="password", current="faux", password=PASSWORD)
    answer = browser.fill("/compte", action="password", current=PASSWORD, password=PASSWORD)
    assert answer.status_code == 429 and answer.headers["Retry-After"]
