"""``geoguichet admin``: accounts from the machine that holds the workspace."""

import io
import json
from pathlib import Path

import argon2
import pytest

from geoguichet.cli import main
from geoguichet.commands.arguments import COMMANDS
from geoguichet.portal.people import accounts, passwords
from geoguichet.portal.people.store import People

PASSWORD = "quatre chevaux lents bleus"
CREATE = (
    "admin", "create", "ada@region.example", "--name", "Ada L", "--siren", "200 053 791",
    "--organisation", "Région Essai", "--password-stdin",
)  # fmt: skip


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cheapest = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", cheapest)
    monkeypatch.setenv("GEOGUICHET_WORKSPACE", str(tmp_path / "w"))


def run(monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = PASSWORD) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
    return main(words)


def test_the_first_administrator_is_made_with_its_organisation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *CREATE) == 0
    assert run(monkeypatch, "admin", "list", "--json") == 0
    printed = capsys.readouterr().out
    assert PASSWORD not in printed
    (person,) = json.loads(printed[printed.index("[") :])
    assert person["roles"] == {"200053791": "administrator"}
    assert person["email"] == "ada@region.example" and person["state"] == "active"
    assert run(monkeypatch, "admin", "list") == 0
    assert "Administrateur de Région Essai" in capsys.readouterr().out
    with People(tmp_path / "w").read() as base:
        kept = accounts.people(base)[0].password
        assert accounts.organisations(base)["200053791"].host
    assert passwords.verified(kept, PASSWORD)


@pytest.mark.parametrize(
    ("words", "typed", "code"),
    [
        (CREATE, "court", 1),
        (CREATE, "motdepasse123", 1),
        ((*CREATE[:2], "ada", *CREATE[3:]), PASSWORD, 1),
        ((*CREATE[:6], "200053792", *CREATE[7:]), PASSWORD, 2),
        ((*CREATE[:7], "--password-stdin"), PASSWORD, 2),
        ((*CREATE, "--kind", "royaume"), PASSWORD, 2),
        ((*CREATE, "--password", PASSWORD), PASSWORD, 2),
    ],
)
def test_what_is_refused_makes_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], typed: str, code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run(monkeypatch, *words, typed=typed) == code
    told = capsys.readouterr().err
    assert (told.count("\n") == 1 and typed not in told.replace(PASSWORD, "")) or typed == PASSWORD
    assert not (tmp_path / "w").exists()


def test_the_password_is_asked_for_twice_unseen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = iter((PASSWORD, PASSWORD + "x", PASSWORD, PASSWORD))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(asked))
    assert main(CREATE[:-1]) == 2 and "diffèrent" in capsys.readouterr().err
    assert main(CREATE[:-1]) == 0


def test_a_person_is_suspended_reset_and_erased(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, *CREATE)
    assert run(monkeypatch, "admin", "suspend", "ada@region.example") == 1, "the last one stays"
    second = (*CREATE[:2], "bob@region.example", *CREATE[3:7], "--password-stdin")
    assert run(monkeypatch, *second) == 0
    assert run(monkeypatch, "admin", "suspend", "BOB@region.example") == 0
    capsys.readouterr()
    url = "https://sig.region.example/"
    assert run(monkeypatch, "admin", "reset", "bob@region.example", "--url", url) == 0
    link = capsys.readouterr().out.splitlines()[-1]
    assert link.startswith("https://sig.region.example/acces/") and len(link) > 70
    with People(tmp_path / "w").read() as base:
        bob = accounts.of_email(base, "bob@region.example")
    assert bob is not None and (bob.state, bob.password) == ("active", "")
    assert run(monkeypatch, "admin", "erase", "bob@region.example") == 0
    for verb in ("suspend", "reset", "erase"):
        assert run(monkeypatch, "admin", verb, "bob@region.example") == 2
    with People(tmp_path / "w").read() as base:
        who = {row["who"] for row in base.execute("SELECT who FROM journal")}
    assert who == {"machine"}


@pytest.mark.parametrize("verb", ["suspend", "reset", "erase"])
def test_without_accounts_one_sentence_says_how_to_open_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "admin", verb, "a@b.example") == 2
    assert "admin create" in capsys.readouterr().err and not (tmp_path / "w").exists()
    assert run(monkeypatch, "admin", "list", "--json") == 0


def test_the_kinds_that_the_command_takes_are_those_of_the_page() -> None:
    (kind,) = (one for one in COMMANDS["admin create"].arguments if one[0] == ("--kind",))
    assert kind[1]["choices"] == tuple(accounts.KINDS)
