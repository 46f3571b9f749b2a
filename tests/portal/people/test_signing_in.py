"""Coming in and going out: sessions, fixation, enumeration, forms of other sites, links."""

import logging
import re
from urllib.parse import unquote

import pytest
import requests

from geoguichet.portal.people import accounts, links, passwords, signing_in
from geoguichet.portal.people.store import PeopleError

PASSWORD = "quatre chevaux lents bleus"
HOST, OTHER = "200053791", "130025265"


def test_a_person_signs_in_and_out_and_the_journal_says_so(portal) -> None:
    browser = portal.browser()
    assert "Se connecter" in browser.show("/").text
    person = portal.opened("ada@essai.example", name="Ada L")
    answer = browser.sign_in(" ADA@essai.example ", next="/collections")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/collections")
    page = browser.show("/collections").text
    assert "Ada L" in page and "Se connecter" not in page
    assert browser.fill("/deconnexion").status_code == 303
    assert "Se connecter" in browser.show("/collections").text
    told = portal.asked("SELECT did FROM journal WHERE who = ? ORDER BY number", person.pseudonym)
    assert [did for (did,) in told][-2:] == ["signed in", "signed out"]


def test_a_session_that_was_closed_serves_no_more(portal) -> None:
    browser = portal.browser("fin@essai.example")
    kept = dict(browser.cookies)
    browser.fill("/deconnexion")
    answer = requests.get(f"{portal.url}/compte", cookies=kept)
    assert answer.status_code == 401


def test_signing_in_makes_a_new_session_whatever_the_browser_had(portal) -> None:
    browser = portal.browser()
    browser.cookies.set("geoguichet", "chosen-by-an-attacker", domain="127.0.0.1", path="/")
    portal.opened("fix@essai.example")
    assert browser.sign_in("fix@essai.example").status_code == 303
    first = {cookie.value for cookie in browser.cookies}
    assert "chosen-by-an-attacker" not in first
    assert browser.sign_in("fix@essai.example").status_code == 303
    second = {cookie.value for cookie in browser.cookies}
    assert not first & second
    stolen = requests.get(f"{portal.url}/compte", cookies={"geoguichet": first.pop()})
    assert stolen.status_code == 401, "the session before was ended"


def test_what_is_kept_of_a_session_is_not_its_secret(portal) -> None:
    browser = portal.browser("garde@essai.example")
    held = browser.cookies["geoguichet"].encode()
    for file in portal.workspace.glob("people.sqlite*"):
        assert held not in file.read_bytes()


@pytest.mark.parametrize("column", ["expires", "seen"])
def test_a_session_ends_idle_or_old(portal, column: str) -> None:
    browser = portal.browser("age@essai.example")
    assert browser.show("/compte").status_code == 200
    portal.asked(f"UPDATE session SET {column} = 0")
    answer = browser.show("/compte")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connexion?suite=/compte")


def test_the_cookie_is_for_this_host_by_tls_and_for_no_script(portal) -> None:
    answer = portal.browser().show("/connexion")
    assert re.fullmatch(
        r"geoguichet-form=\S+; HttpOnly; Path=/; SameSite=lax", answer.headers["Set-Cookie"]
    )
    from starlette.responses import Response

    from geoguichet.portal.people.forms import keep

    class Site:
        url = "https://sig.region.example"

    response = Response()
    keep(response, Site(), "s")  # type: ignore[arg-type]
    told = response.headers["Set-Cookie"]
    assert told == "__Host-geoguichet=s; HttpOnly; Path=/; SameSite=lax; Secure"


@pytest.mark.parametrize(
    ("state", "password"),
    [("none", "x"), ("active", "x"), ("suspended", PASSWORD), ("odd", "x"), ("elsewhere", "x")],
)
def test_every_failure_says_the_same(portal, state: str, password: str) -> None:
    email = f"{state}@essai.example"
    if state in ("active", "suspended", "elsewhere"):
        person = portal.opened(email)
        kept = "" if state == "elsewhere" else person.password
        state = "suspended" if state == "suspended" else "active"
        portal.asked(
            "UPDATE person SET state = ?, password = ? WHERE email = ?", state, kept, email
        )
    given = "pas-une-adresse" if email.startswith("odd") else email
    answer = portal.browser().sign_in(given, password)
    page = re.sub(r'value="[^"]*"', "", answer.text)
    assert answer.status_code == 403
    assert "Adresse ou mot de passe incorrect." in page
    other = portal.browser().sign_in("personne@essai.example", "x")
    assert page == re.sub(r'value="[^"]*"', "", other.text)
    assert {*answer.headers} == {*other.headers}


def test_an_unknown_address_costs_the_work_of_a_known_one(people, monkeypatch) -> None:
    looked: list[str] = []
    hasher = passwords.HASHER

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            looked.append(kept.rsplit("$", 2)[0])
            return hasher.verify(kept, password)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

        def check_needs_rehash(self, kept: str) -> bool:
            return False

    with people.write() as base:
        hashed = passwords.hashed(PASSWORD)
        accounts.add(base, "a@b.example", "A", hashed, siren=HOST, role="partner")
    monkeypatch.setattr(passwords, "HASHER", Counting())
    for email in ("a@b.example", "no@b.example", "odd"):
        with pytest.raises(PeopleError, match="incorrect"):
            signing_in.proved(people, email, "wrong", "192.0.2.1")
    assert len(looked) == 3 and len(set(looked)) == 1, "one look each, of the same parameters"


def test_tries_in_vain_are_slowed_and_told_even_after_a_restart(portal, caplog, frozen) -> None:
    portal.opened("lent@essai.example")
    browser = portal.browser()
    with caplog.at_level(logging.WARNING, "geoguichet.security"):
        for _try in range(5):
            assert browser.sign_in("lent@essai.example", "faux").status_code == 403
        portal.asked("UPDATE tries SET failures = 9")
        answer = browser.sign_in("lent@essai.example")
    assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 16
    assert "Trop d'essais" in answer.text.replace("&#39;", "'")
    refused = [record.getMessage() for record in caplog.records]
    assert sum("refused" in one for one in refused) == 5
    assert not [one for one in refused if "faux" in one or "lent@" in one]
    portal.asked("UPDATE tries SET last = last - 1000")
    assert browser.sign_in("lent@essai.example").status_code == 303
    assert portal.asked("SELECT max(failures) FROM tries") == [(9,)], "the address is still counted"


def test_an_account_that_is_none_is_slowed_too(portal, frozen) -> None:
    browser = portal.browser()
    for _try in range(6):
        browser.sign_in("fantome@essai.example", "faux")
    assert browser.sign_in("fantome@essai.example", "faux").status_code == 429


def test_a_form_of_another_site_does_nothing(portal) -> None:
    portal.opened("csrf@essai.example")
    browser = portal.browser()
    page = browser.show("/connexion").text
    form = re.findall(r'name="form" value="([^"]+)"', page)[0]
    fields = {"email": "csrf@essai.example", "password": PASSWORD}
    address = f"{portal.url}/connexion"
    for headers in (
        {"Origin": "https://ailleurs.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": portal.url},
        {"Origin": "null"},
    ):
        answer = browser.post(address, {**fields, "form": form}, headers=headers)
        assert answer.status_code == 403 and "geoguichet" not in answer.cookies
    for wrong in ("", "x.y", form[:-1] + "?", portal.browser().show("/connexion").text[:40]):
        assert browser.fill("/connexion", wrong, **fields).status_code == 403
    stranger = portal.browser()
    assert stranger.fill("/connexion", form, **fields).status_code == 403, "of another browser"
    assert browser.fill("/connexion", form, **fields).status_code == 303


def test_the_token_of_a_form_is_another_each_time(portal) -> None:
    browser = portal.browser()
    found = [
        re.findall(r'name="form" value="([^"]+)"', browser.show("/connexion").text)[0]
        for _time in range(2)
    ]
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "body",
    [b"a=1&a=2", b"\xff", b"email=%ff", b"&".join(b"a%d=1" % n for n in range(30)), b"x" * 30_000],
)
def test_an_odd_form_is_refused(portal, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(f"{portal.url}/connexion", body, headers=kind)
    assert answer.status_code in (400, 403, 413)
    assert requests.post(f"{portal.url}/connexion", json={}).status_code == 415


@pytest.mark.parametrize("path", ["/é?q=à", "/œuvre", "/🎉"])
def test_one_goes_on_to_any_address_of_the_portal(portal, path: str) -> None:
    portal.opened("suite@essai.example")
    answer = portal.browser().sign_in("suite@essai.example", next=path)
    assert (answer.status_code, unquote(answer.headers["Location"])) == (303, path)


@pytest.mark.parametrize(
    "path", ["//ailleurs.example", "https://ailleurs.example", "/\\ailleurs", "x", "/a\r\nX: y", ""]
)
def test_one_goes_on_within_the_portal_alone(portal, path: str) -> None:
    portal.opened("suite@essai.example")
    answer = portal.browser().sign_in("suite@essai.example", next=path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte")


# --- links ---------------------------------------------------------------------------------------


def invited(portal, email: str, siren: str = HOST, role: str = "editor") -> str:
    with portal.people.write() as base:
        return links.invite(base, email, siren, role, by="machine")


def test_an_invitation_opens_an_account_once(portal) -> None:
    key = invited(portal, "neuf@essai.example")
    browser = portal.browser()
    page = browser.show(f"/acces/{key}").text
    assert "Éditeur pour Région Essai" in page and "neuf@essai.example" in page
    weak = browser.fill(f"/acces/{key}", name="Neuf", password="motdepasse123")
    assert weak.status_code == 400 and "Mot de passe" in weak.text
    answer = browser.fill(f"/acces/{key}", name="Neuf", password="quatre moutons jaunes ici")
    assert answer.status_code == 303
    assert "Éditeur pour Région Essai" in browser.show("/compte").text
    for again in (browser, portal.browser()):
        assert again.show(f"/acces/{key}").status_code == 404


def test_an_invitation_ends_and_what_is_none_says_the_same(portal) -> None:
    key = invited(portal, "tard@essai.example")
    portal.asked("UPDATE link SET expires = 0 WHERE email = 'tard@essai.example'")
    ended, none = portal.browser().show(f"/acces/{key}"), portal.browser().show("/acces/rien")
    assert ended.status_code == none.status_code == 404
    assert ended.text.replace(key, "") == none.text.replace("rien", "")


@pytest.mark.parametrize("end", ["suspend", "erase", "give"])
def test_what_an_administrator_handed_out_ends_with_its_power(portal, end: str) -> None:
    by = portal.opened(f"chef-{end}@essai.example", "administrator", OTHER)
    portal.opened(f"sujet-{end}@essai.example", "editor", OTHER)
    with portal.people.write() as base:
        subject = accounts.of_email(base, f"sujet-{end}@essai.example")
        invitation = links.invite(
            base, f"{end}-ami@essai.example", OTHER, "administrator", by=by.pseudonym
        )
        reset = links.reset(base, subject, by=by.pseudonym)
    for key in (invitation, reset):
        assert portal.browser().show(f"/acces/{key}").status_code == 200
    with portal.people.write() as base:
        if end == "give":
            accounts.give(base, by, OTHER, "editor", by="machine")
        else:
            getattr(accounts, end)(base, by, by="machine")
    for key in (invitation, reset):
        assert portal.browser().show(f"/acces/{key}").status_code == 404


def test_an_invitation_for_a_known_address_sets_no_password(portal) -> None:
    portal.opened("connu@essai.example")
    key = invited(portal, "connu@essai.example", OTHER)
    thief = portal.browser("voleur@essai.example")
    assert "Connectez-vous" in thief.show(f"/acces/{key}").text
    form = re.findall(r'name="form" value="([^"]+)"', thief.show("/compte").text)[0]
    assert thief.fill(f"/acces/{key}", form, password="x" * 20).status_code == 400
    owner = portal.browser("connu@essai.example")
    assert owner.fill(f"/acces/{key}").status_code == 303
    told = owner.show("/compte").text.replace("&#39;", "'")
    assert "Éditeur pour CC de l'Essai" in told and "Contributeur pour Région Essai" in told


def test_a_reset_closes_all_that_was_held_and_gives_a_new_password(portal) -> None:
    browser = portal.browser("perdu@essai.example")
    person = portal.opened("perdu@essai.example")
    with portal.people.write() as base:
        key = links.reset(base, person, by="machine")
    assert browser.show("/compte").status_code == 303
    assert portal.browser().sign_in("perdu@essai.example").status_code == 403
    other = portal.browser()
    assert other.fill(f"/acces/{key}", password="cinq moutons verts ici").status_code == 303
    assert portal.browser().sign_in("perdu@essai.example", "cinq moutons verts ici").ok
    assert other.show(f"/acces/{key}").status_code == 404


def test_these_pages_are_kept_nowhere_and_speak_both_languages(portal) -> None:
    key = invited(portal, "langue@essai.example")
    for path, word in (("/connexion", "Sign in"), (f"/acces/{key}", "Accept"), ("/compte", "")):
        answer = portal.browser("moi@essai.example").show(path + "?lang=en")
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Access-Control-Allow-Origin"] == portal.url, "no other site"
        assert '<html lang="en"' in answer.text and word in answer.text


def test_a_workspace_without_accounts_has_no_such_page(url: str, http) -> None:
    for path in ("/connexion", "/deconnexion", "/compte", "/administration", "/acces/x"):
        assert http.get(url + path, headers={"Accept": "text/html"}).status_code == 404
    assert "Se connecter" not in http.get(url, headers={"Accept": "text/html"}).text
