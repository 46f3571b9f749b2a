"""Who is there: tokens as bearer and as password, their scope and end, other sites, caches."""

import asyncio
import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer
from geoguichet.portal.people import tokens
from geoguichet.portal.people.presence import Knowing
from geoguichet.portal.people.store import People
from geoguichet.portal.viewing import viewer_of

TOKEN = "jeton-été"


@dataclass
class Site:
    token: str
    url: str = "http://here.example"
    refused: int | str = 0

    async def refuse(self, _request: Request, refusal: Exception) -> Response:
        self.refused = getattr(refusal, "status", type(refusal).__name__)
        return Response()


def looked(
    workspace: Path, token: str, *, bearing: bytes = b"", accounts: People | None = None
) -> Viewer | int | str:
    """Who looks, or the status that refuses."""
    seen: list[Viewer] = []

    async def door(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(viewer_of(Request(scope)))

    async def ignored(_message: object) -> None:
        pass

    headers = [(b"authorization", bearing)] if bearing else []
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    site = Site(token)
    knowing = Knowing(door, site=site, people=accounts or People(workspace))  # type: ignore[arg-type]
    asyncio.run(knowing(scope, None, ignored))  # type: ignore[arg-type]
    return seen[0] if seen else site.refused


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_who_bears_the_token_is_the_machine_and_accents_do_not_matter(
    coding: str, tmp_path: Path
) -> None:
    bearing = "Bearer secret é".encode(coding)
    assert looked(tmp_path, "secret é", bearing=bearing) == MACHINE
    decomposed = "Bearer secret e\u0301".encode()
    assert looked(tmp_path, "secret é", bearing=decomposed) == MACHINE


@pytest.mark.parametrize("bearing", [b"", b"Basic secret", b"Digest x"])
def test_anyone_else_sees_what_is_public(bearing: bytes, tmp_path: Path) -> None:
    """What another server before this one asked for is not ours."""
    for token in ("secret", "€", ""):
        assert looked(tmp_path, token, bearing=bearing) == PUBLIC


@pytest.mark.parametrize("bearing", [b"Bearer", b"Bearer ?", b"Bearer \xff\xfe"])
def test_a_wrong_token_is_refused_where_there_is_one(bearing: bytes, tmp_path: Path) -> None:
    for token in ("secret", "€"):
        assert looked(tmp_path, token, bearing=bearing) == 401
    assert looked(tmp_path, "", bearing=bearing) == PUBLIC


def test_guesses_of_the_token_are_slowed_without_accounts_too(
    tmp_path: Path, caplog, frozen
) -> None:
    accounts = People(tmp_path)
    with caplog.at_level(logging.WARNING, "geoguichet.security"):
        told = [
            looked(tmp_path, "secret", bearing=b"Bearer %d" % turn, accounts=accounts)
            for turn in range(22)
        ]
    assert told[:20] == [401] * 20 and told[-1] == 429
    assert looked(tmp_path, "secret", bearing=b"Bearer secret", accounts=accounts) == 429
    assert len(caplog.records) == len([one for one in told if one == 401]), "a line each, no flood"
    assert not [*tmp_path.iterdir()], "nothing is written where there are no accounts"


def test_accounts_that_cannot_be_read_let_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "people.sqlite").write_bytes(b"damaged" * 999)
    assert looked(tmp_path, "secret", bearing=b"Bearer x") == "PeopleError"
    assert looked(tmp_path, "secret") == PUBLIC


# --- personal tokens -----------------------------------------------------------------------------


@pytest.fixture
def token(portal) -> Callable[..., str]:
    def made(email: str, scope: str = "read", role: str = "editor") -> str:
        person = portal.opened(email, role)
        with portal.people.write() as base:
            return tokens.make(base, person, "essai", scope, 30)

    return made


def by_password(name: str, password: str) -> dict[str, str]:
    told = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {told}"}


def test_a_token_is_taken_as_bearer_and_as_password_of_any_name(portal, token) -> None:
    made = token("outil@essai.example")
    for headers in (
        {"Authorization": f"Bearer {made}"},
        by_password("outil@essai.example", made),
        by_password("", made),
        by_password("qgis", made),
    ):
        answer = requests.get(f"{portal.url}/compte", headers=headers)
        assert answer.json()["email"] == "outil@essai.example"
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert portal.asked("SELECT used FROM token WHERE used > 0")


def test_the_catalogues_token_is_taken_as_password_where_there_are_accounts(portal) -> None:
    for coded in (TOKEN.encode(), TOKEN.encode("latin-1")):
        told = base64.b64encode(b"x:" + coded).decode()
        answer = requests.get(portal.url, headers={"Authorization": f"Basic {told}"})
        assert answer.status_code == 200
    refused = requests.get(portal.url, headers=by_password("x", "faux"))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="geoguichet"'


def test_a_wrong_or_ended_token_is_refused_and_sees_nothing(portal, token) -> None:
    made = token("fini@essai.example")
    portal.asked("UPDATE token SET expires = 1 WHERE name = 'essai'")
    for told in (made, made[:-1], "geoguichet_", "x" * 5000):
        answer = requests.get(
            f"{portal.url}/collections", headers={"Authorization": f"Bearer {told}"}
        )
        assert answer.status_code == 401 and "collections" not in answer.json()
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_suspended_person_has_neither_token_nor_session(portal, token) -> None:
    made = token("puni@essai.example")
    browser = portal.browser("puni@essai.example", "editor")
    portal.asked("UPDATE person SET state = 'suspended' WHERE email = 'puni@essai.example'")
    headers = {"Authorization": f"Bearer {made}"}
    assert requests.get(portal.url, headers=headers).status_code == 401
    assert browser.show("/compte").status_code == 303


WRITES = [
    ("POST", "/collections/catalogue/items"), ("PUT", "/collections/catalogue/items/forets"),
    ("PATCH", "/collections/catalogue/items/forets"),
    ("DELETE", "/collections/catalogue/items/forets"),
    ("POST", "/compte"), ("POST", "/administration"), ("POST", "/nouvelle-porte"),
    ("POST", "/processes/study/execution"), ("POST", "/processes/harvest/execution"),
    ("POST", "/processes/import/execution"), ("DELETE", "/jobs/0"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_token_that_reads_never_writes(portal, token, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {token('lecteur@essai.example')}"}
    answer = requests.request(method, portal.url + path, headers=headers, json={})
    assert answer.status_code == 403 and "lire" in answer.json()["description"]


@pytest.mark.parametrize("path", ["/csw", "/processes/white-zones/execution"])
def test_a_token_that_reads_may_ask_by_post(portal, token, path: str) -> None:
    headers = {"Authorization": f"Bearer {token('lecteur@essai.example')}"}
    answer = requests.post(portal.url + path, headers=headers, json={"inputs": 3})
    assert answer.status_code != 403


def test_a_token_changes_nothing_of_an_account_whatever_its_scope(portal, token) -> None:
    made = token("chef@essai.example", "write", "administrator")
    headers = {"Authorization": f"Bearer {made}"}
    for path in ("/compte", "/administration"):
        fields = {"action": "token", "name": "x", "scope": "write", "days": "30"}
        answer = requests.post(portal.url + path, data=fields, headers=headers)
        assert answer.status_code in (403, 404)
    assert requests.get(f"{portal.url}/administration", headers=headers).status_code == 404


# --- sessions and other sites --------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://ailleurs.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_an_edit_by_cookie_comes_from_a_page_of_ours_alone(portal, headers) -> None:
    browser = portal.browser("pages@essai.example", "editor")
    before = browser.get(f"{portal.url}/collections/catalogue/items/forets?f=json").content
    for method in ("DELETE", "PATCH", "PUT"):
        answer = browser.request(
            method, f"{portal.url}/collections/catalogue/items/forets", headers=headers, json={}
        )
        assert answer.status_code == 403
    assert browser.get(f"{portal.url}/collections/catalogue/items/forets?f=json").content == before


def test_what_is_told_to_who_is_known_is_kept_by_no_cache(portal) -> None:
    path = "/collections/catalogue/items?f=json"
    anyone = requests.get(portal.url + path)
    assert "public" in anyone.headers["Cache-Control"] and "Cookie" in anyone.headers["Vary"]
    browser = portal.browser("cache@essai.example")
    known = browser.show(path, headers={"If-None-Match": anyone.headers["ETag"]})
    assert known.status_code == 200, "what is in the cache may be another's"
    assert known.headers["Cache-Control"] == "private, no-store"


def test_a_cookie_that_is_none_is_nobody(portal) -> None:
    answer = requests.get(portal.url, cookies={"geoguichet": "x"})
    assert answer.status_code == 200 and "public" in answer.headers.get("Cache-Control", "public")
