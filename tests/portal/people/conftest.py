"""A portal with accounts, and browsers that sign in; passwords cost little here."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import argon2
import pytest
import requests

from geoguichet.floor.viewer import Role
from geoguichet.portal.people import accounts, passwords, slowing
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.store import People

HOST, OTHER = "200053791", "130025265"
PASSWORD = "quatre chevaux lents bleus"
TOKEN = "jeton-été"


@pytest.fixture(scope="session", autouse=True)
def cheap() -> Iterator[None]:
    """Argon2 with as little work as it takes."""
    with pytest.MonkeyPatch.context() as patch:
        cheapest = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "HASHER", cheapest)
        yield


class Portal:
    """A workspace with accounts, and where it is served."""

    def __init__(self, workspace: Path, url: str, people: People) -> None:
        self.workspace, self.url, self.people = workspace, url, people

    @staticmethod
    def with_accounts(workspace: Path) -> People:
        """Make the accounts of a workspace: two organisations, the first of which is the host."""
        people = People(workspace)
        people.create()
        with people.write() as base:
            accounts.add_organisation(base, HOST, "Région Essai", "region", "73", by="machine")
            accounts.add_organisation(base, OTHER, "CC de l'Essai", "epci", "", by="machine")
        return people

    def opened(
        self, email: str, role: Role = "contributor", siren: str = HOST, name: str = "Jean Pré"
    ) -> Person:
        """An account, opened unless it is."""
        with self.people.write() as base:
            found = accounts.of_email(base, email)
            return found or accounts.add(
                base, email, name, passwords.hashed(PASSWORD), siren=siren, role=role
            )

    def browser(self, email: str = "", role: Role = "contributor", siren: str = HOST) -> "Browser":
        """A browser, signed in by an address."""
        browser = Browser(self.url)
        if email:
            self.opened(email, role, siren)
            answer = browser.sign_in(email)
            assert answer.status_code == 303, answer.text
        return browser

    def asked(self, sql: str, *given: object) -> list[tuple[Any, ...]]:
        """What the file of the accounts answers."""
        with self.people.write() as base:
            return [tuple(row) for row in base.execute(sql, given)]


class Browser(requests.Session):
    """What a browser does: it keeps cookies, shows pages, sends their forms from here."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.headers["Accept"] = "text/html"

    def show(self, path: str, **given: Any) -> requests.Response:
        return self.get(self.url + path, allow_redirects=False, **given)

    def fill(self, path: str, form: str | None = None, **fields: str) -> requests.Response:
        """Send the form of a page, its token read from it unless another is given."""
        if form is None:
            form = re.findall(r'name="form" value="([^"]+)"', self.show(path).text)[0]
        return self.post(
            self.url + path,
            data={"form": form, **fields},
            headers={"Origin": self.url},
            allow_redirects=False,
        )

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> requests.Response:
        return self.fill("/connexion", email=email, password=password, **fields)


@pytest.fixture(scope="session")
def portal(
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., AbstractContextManager[str]],
    records_of_the_tests: Callable[[Path], None],
) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("people")
    records_of_the_tests(folder)
    made = Portal.with_accounts(folder)
    (folder / "studies" / "essai").mkdir(parents=True)
    with serve(folder, editable=True, token=TOKEN) as url:
        yield Portal(folder, url, made)


@pytest.fixture(autouse=True)
def no_try(request: pytest.FixtureRequest) -> None:
    """No test is slowed by the tries of another."""
    for name in {"portal", "federated"} & {*request.fixturenames}:
        request.getfixturevalue(name).asked("DELETE FROM tries")


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of tries stands still: no wait ends because the machine is slow."""
    moment = slowing.now()
    monkeypatch.setattr(slowing, "now", lambda: moment)


@pytest.fixture
def people(tmp_path: Path) -> People:
    """Accounts that nobody serves: two organisations."""
    return Portal.with_accounts(tmp_path)
