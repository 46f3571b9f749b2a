"""The page of administrators: what it does, and how far each one's hand reaches."""

import re

import requests

from geoguichet.portal.people.journal import DID

HOST, OTHER = "200053791", "130025265"


def link_in(page: str) -> str:
    (path,) = re.findall(r"https?://[^/]+(/acces/[\w-]{43})", page)
    return path


def test_an_administrator_invites_and_the_person_comes_in(portal) -> None:
    chief = portal.browser("chef@essai.example", "administrator")
    page = chief.fill(
        "/administration", action="invite", email="Recrue@Essai.example", siren=OTHER, role="editor"
    ).text
    path = link_in(page)
    waiting = chief.show("/administration").text
    assert path not in waiting and "recrue@essai.example" in waiting
    recruit = portal.browser()
    assert recruit.fill(path, name="Recrue", password="cinq poules rousses ici").status_code == 303
    told = recruit.get(f"{portal.url}/compte?f=json").json()
    assert [(one["siren"], one["role"]) for one in told["roles"]] == [(OTHER, "editor")]


def test_an_invitation_is_withdrawn_or_replaced_by_the_next(portal) -> None:
    chief = portal.browser("chef@essai.example", "administrator")
    asked = {"action": "invite", "email": "bis@essai.example", "siren": HOST, "role": "partner"}
    first, second = (link_in(chief.fill("/administration", **asked).text) for _time in range(2))
    assert portal.browser().show(first).status_code == 404
    told = chief.get(f"{portal.url}/administration?f=json").json()
    number = next(one["number"] for one in told["invitations"] if one["email"].startswith("bis"))
    chief.fill("/administration", action="withdraw", number=str(number))
    assert portal.browser().show(second).status_code == 404


def test_a_person_is_suspended_restored_reset_and_erased(portal) -> None:
    chief = portal.browser("chef@essai.example", "administrator")
    browser = portal.browser("sujet@essai.example")
    who = portal.opened("sujet@essai.example").pseudonym
    assert chief.fill("/administration", action="suspend", person=who).status_code == 200
    assert browser.show("/compte").status_code == 303
    assert portal.browser().sign_in("sujet@essai.example").status_code == 403
    chief.fill("/administration", action="restore", person=who)
    assert portal.browser().sign_in("sujet@essai.example").status_code == 303
    path = link_in(chief.fill("/administration", action="reset", person=who).text)
    assert portal.browser().sign_in("sujet@essai.example").status_code == 403
    assert portal.browser().show(path).status_code == 200
    assert chief.fill("/administration", action="erase", person=who).status_code == 400, "not sure"
    assert chief.fill("/administration", action="erase", person=who, sure="1").status_code == 200
    page = chief.show("/administration").text
    assert "sujet@essai.example" not in page and who in page, "the journal keeps the pseudonym"
    assert portal.browser().show(path).status_code == 404


def test_roles_are_given_and_taken_at_once(portal) -> None:
    chief = portal.browser("chef@essai.example", "administrator")
    browser = portal.browser("role@essai.example", "partner")
    who = portal.opened("role@essai.example").pseudonym
    chief.fill("/administration", action="role", person=who, siren=OTHER, role="editor")
    told = browser.get(f"{portal.url}/compte?f=json").json()["roles"]
    assert {(one["siren"], one["role"]) for one in told} == {(HOST, "partner"), (OTHER, "editor")}
    chief.fill("/administration", action="role", person=who, siren=HOST, role="")
    told = browser.get(f"{portal.url}/compte?f=json").json()["roles"]
    assert [(one["siren"], one["role"]) for one in told] == [(OTHER, "editor")]
    for odd in ({"role": "king"}, {"siren": "1"}, {"person": "p0"}, {"person": "x"}):
        asked = {"person": who, "siren": OTHER, "role": "editor"} | odd
        assert chief.fill("/administration", action="role", **asked).status_code == 400


def test_only_administrators_find_the_page(portal) -> None:
    answer = portal.browser().show("/administration")
    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/connexion?suite=/administration",
    )  # fmt: skip
    for role in ("partner", "contributor", "editor"):
        browser = portal.browser(f"{role}@essai.example", role)
        assert browser.show("/administration").status_code == 404
        form = re.findall(r'name="form" value="([^"]+)"', browser.show("/compte").text)[0]
        asked = {"action": "invite", "email": "x@y.z", "siren": HOST, "role": "administrator"}
        assert browser.fill("/administration", form, **asked).status_code == 404
        assert 'href="' + portal.url + '/administration"' not in browser.show("/compte").text


def test_the_administrator_of_another_organisation_reaches_its_own_alone(portal) -> None:
    chief = portal.opened("chef@essai.example", "administrator")
    shared = portal.opened("partage@essai.example", "partner", OTHER)
    with portal.people.write() as base:
        from geoguichet.portal.people import accounts

        accounts.give(base, shared, HOST, "partner", by="machine")
    own = portal.opened("leur@essai.example", "partner", OTHER)
    local = portal.browser("maire@essai.example", "administrator", OTHER)
    told = local.get(f"{portal.url}/administration?f=json").json()
    assert {one["siren"] for one in told["organisations"]} == {OTHER} and not told["everything"]
    assert "chef@essai.example" not in str(told["people"])
    assert {line["siren"] for line in told["journal"]} <= {OTHER}
    assert "Région Essai" not in str(told["people"])

    def done(**asked: str) -> int:
        return local.fill("/administration", **asked).status_code

    beyond = [
        {"action": "invite", "email": "a@b.example", "siren": HOST, "role": "administrator"},
        {"action": "role", "person": chief.pseudonym, "siren": HOST, "role": ""},
        {"action": "role", "person": chief.pseudonym, "siren": OTHER, "role": "partner"},
        {"action": "role", "person": own.pseudonym, "siren": HOST, "role": "administrator"},
        {"action": "organisation", "siren": "356000000", "name": "X", "kind": "other"},
        *(
            {"action": action, "person": who.pseudonym, "sure": "1"}
            for action in ("suspend", "restore", "reset", "erase")
            for who in (chief, shared)
        ),
    ]
    assert [done(**asked) for asked in beyond] == [400] * len(beyond)
    assert done(action="role", person=shared.pseudonym, siren=OTHER, role="editor") == 200
    assert done(action="suspend", person=own.pseudonym) == 200


def test_the_last_administrator_of_the_portal_stays(tmp_path, people) -> None:
    import pytest

    from geoguichet.portal.people import accounts
    from geoguichet.portal.people.store import PeopleError

    with people.write() as base:
        chief = accounts.add(base, "c@b.example", "C", "", siren=HOST, role="administrator")
        for alone in (
            lambda: accounts.suspend(base, chief, by="x"),
            lambda: accounts.erase(base, chief, by="x"),
            lambda: accounts.give(base, chief, HOST, "editor", by="x"),
        ):
            with pytest.raises(PeopleError, match="administrateur"):
                alone()
        accounts.add(base, "d@b.example", "D", "", siren=HOST, role="administrator")
        accounts.suspend(base, chief, by="x")


def test_an_organisation_has_a_siren_that_checks(portal) -> None:
    chief = portal.browser("chef@essai.example", "administrator")
    asked = {"action": "organisation", "name": "Commune d'Essai", "kind": "commune"}
    for siren in ("", "200053792", "20005379", "abcdefghi", "٢٠٠٠٥٣٧٩١", HOST):
        assert chief.fill("/administration", siren=siren, **asked).status_code == 400
    assert chief.fill("/administration", siren="210 900 019", **asked).status_code in (200, 400)
    assert chief.fill("/administration", siren="356 000 000", **asked).status_code == 200
    assert "Commune d" in chief.show("/administration").text


def test_all_that_the_journal_tells_has_words(portal) -> None:
    told = {did for (did,) in portal.asked("SELECT DISTINCT did FROM journal")}
    assert told <= set(DID) and len(told) > 5


def test_what_is_typed_is_escaped_where_it_is_shown(portal) -> None:
    portal.opened("xss@essai.example", name="<script>alert(1)</script>")
    page = portal.browser("chef@essai.example", "administrator").show("/administration").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_nothing_is_told_to_a_page_of_another_site(portal) -> None:
    answer = requests.get(f"{portal.url}/administration", headers={"Origin": "https://x.example"})
    assert answer.status_code == 401 and "people" not in answer.json()
