"""The file of the accounts: its journal, its erasure, its form; no secret is in it, nor in a log."""

import logging
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.portal.people import accounts, links, sessions, tokens
from geoguichet.portal.people.store import (
    SECURITY_LOG,
    People,
    PeopleError,
    note,
    tell_security,
)

HOST = "200053791"
PASSWORD = "quatre chevaux lents bleus"


def test_the_file_is_its_owners_alone_and_is_made_once(tmp_path: Path) -> None:
    people = People(tmp_path)
    assert not people.exist
    people.create()
    assert stat.S_IMODE(people.path.stat().st_mode) == 0o600
    with people.write() as base:
        note(base, "machine", "organisation")
    people.create()
    assert people.exist and [file.name for file in tmp_path.glob("*.new")] == []
    with people.read() as base:
        assert base.execute("SELECT count(*) FROM journal").fetchone()[0] == 1


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM journal",
        "UPDATE journal SET who = 'x'",
        "INSERT OR REPLACE INTO journal VALUES (1, 2, '', '', '', '', '')",
    ],
)
def test_the_journal_is_only_added_to(people: People, sql: str) -> None:
    with people.read() as base:
        before = base.execute("SELECT * FROM journal").fetchall()
    with pytest.raises(PeopleError, match="only added to"), people.write() as base:
        base.execute(sql)
    with people.read() as base:
        assert base.execute("SELECT * FROM journal").fetchall() == before != []


def test_who_is_erased_leaves_a_pseudonym_and_nothing_in_the_files(people: People) -> None:
    with people.write() as base:
        accounts.add(base, "chef@essai.example", "Chef", "", siren=HOST, role="administrator")
        person = accounts.add(
            base, "zoe@unique.example", "Zoé Unique", "h", siren=HOST, role="editor"
        )
        sessions.open_one(base, person, client="Navigateur unique")
        tokens.make(base, person, "outil unique", "read", 30)
        links.invite(base, "zoe@unique.example", HOST, "editor", by=person.pseudonym)
        base.execute("INSERT INTO subject VALUES ('i', 'sujet unique', ?)", (person.number,))
    with people.write() as base:
        accounts.erase(base, person, by="machine")
    people.forget()
    left = b"".join(file.read_bytes() for file in people.path.parent.glob("people.sqlite*"))
    assert b"unique" not in left and b"Unique" not in left
    with people.write() as base:
        assert person.pseudonym not in accounts.names(base)
        told = base.execute("SELECT did FROM journal WHERE whom = ?", (person.pseudonym,))
        assert [row["did"] for row in told] == ["account", "role", "erased"]
        again = accounts.add(base, "zoe@unique.example", "Z", "", siren=HOST, role="partner")
    assert again.pseudonym != person.pseudonym, "a pseudonym is never given again"


@pytest.mark.parametrize("made", ["other", "newer", "damaged", "folder"])
def test_a_file_that_is_not_ours_is_refused_in_one_sentence(tmp_path: Path, made: str) -> None:
    people = People(tmp_path)
    if made == "other":
        with closing(sqlite3.connect(people.path)) as base:
            base.execute("CREATE TABLE x (y)")
    elif made == "newer":
        people.create()
        with closing(sqlite3.connect(people.path)) as base:
            base.execute("PRAGMA user_version = 9")
    elif made == "damaged":
        people.path.write_bytes(b"not a database at all" * 99)
    else:
        people = People(tmp_path / "file" / "below")
        (tmp_path / "file").write_text("x")
    with pytest.raises(PeopleError) as refused:
        if made == "folder":
            people.create()
        with people.write():
            pass
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("http://127.0.0.1:5000", False),
        ("http://[::1]:5000", False),
        ("http://localhost", False),
        ("https://sig.region.example", False),
        ("http://sig.region.example", True),
        ("http://10.0.0.7:5000", True),
    ],
)
def test_passwords_in_the_clear_are_told_where_there_are_accounts(
    people: People, url: str, clear: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert people.in_the_clear(url) is clear
    assert not People(tmp_path_factory.mktemp("empty")).in_the_clear(url)


def test_a_change_that_fails_changes_nothing(people: People) -> None:
    with pytest.raises(PeopleError), people.write() as base:
        accounts.add(base, "a@b.example", "A", "", siren=HOST, role="partner")
        accounts.add(base, "A@b.example", "B", "", siren=HOST, role="partner")
    with people.read() as base:
        assert accounts.people(base) == []


@settings(deadline=None)
@given(siren=st.text("0123456789", min_size=8, max_size=8))
def test_one_last_figure_alone_makes_a_siren(siren: str) -> None:
    """Luhn, counted anew: each second figure from the right doubled, its figures added."""

    def luhn(number: str) -> int:
        doubled = (int(f) * (2 if place % 2 else 1) for place, f in enumerate(reversed(number)))
        return sum(sum(map(int, str(value))) for value in doubled)

    ended = [f"{siren}{last}" for last in range(10)]
    assert [accounts.is_siren(one) for one in ended] == [luhn(one) % 10 == 0 for one in ended]
    assert sum(map(accounts.is_siren, ended)) == 1


def test_the_security_log_is_said_whatever_pygeoapi_made_of_logs(capsys) -> None:
    before, level = [*SECURITY_LOG.handlers], SECURITY_LOG.level
    try:
        SECURITY_LOG.handlers[:] = []
        for _twice in range(2):
            tell_security()
        SECURITY_LOG.warning("sign-in refused: person=%s", "p7")
    finally:
        SECURITY_LOG.handlers[:] = before
        SECURITY_LOG.setLevel(level)
        SECURITY_LOG.propagate = True
    told = capsys.readouterr().err
    assert told.count("geoguichet.security sign-in refused: person=p7\n") == 1
    assert told.startswith("20")


def test_no_secret_is_in_a_log_a_refusal_or_the_files(portal, caplog) -> None:
    """Whatever is done with them: signed in, refused, guessed, shown once, asked for again."""
    password, seen = "sept otaries roses dansent", []
    with portal.people.write() as base:
        key = links.invite(base, "secret@essai.example", HOST, "administrator", by="machine")
    browser = portal.browser()
    with caplog.at_level(logging.DEBUG):
        browser.fill(f"/acces/{key}", name="Secret", password=password)
        page = browser.fill("/compte", action="token", name="x", scope="write", days="30").text
        token = page[page.index("geoguichet_") :][:54]
        held = browser.cookies["geoguichet"]
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("/compte", "/administration", "/collections", "/rien", f"/acces/{key}"):
            for form in ("json", "html"):
                asked = f"{portal.url}{path}?f={form}"
                seen += [
                    requests.get(asked, cookies={"geoguichet": held}),
                    requests.get(asked, headers=headers),
                ]
        portal.browser().sign_in("secret@essai.example", password + "x")
        portal.browser().sign_in(password, password)
        seen.append(requests.post(f"{portal.url}/compte", headers=headers))
    hashes = [kept for (kept,) in portal.asked("SELECT password FROM person WHERE password <> ''")]
    logged = "\n".join(
        record.getMessage() for record in caplog.records if "geoguichet" in record.name
    )
    told = logged + "".join(answer.text for answer in seen)
    for secret in (password, token, held, *hashes):
        assert secret not in told
    assert key not in logged and "secret@" not in logged
    files = b"".join(file.read_bytes() for file in portal.workspace.rglob("*") if file.is_file())
    for secret in (password, token, held, key):
        assert secret.encode() not in files
