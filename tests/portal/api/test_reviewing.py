"""Drafts over HTTP: who writes what, who reviews it, and what others see of it meanwhile: nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.providers.records import store_of

HOST, OTHER = "200053791", "130025265"
RECORD = {
    "type": "Feature",
    "id": "bois",
    "geometry": None,
    "properties": {"type": "dataset", "title": "Forêts"},
}


class Portal:
    """A portal with accounts; each of its sessions bears the token of a person."""

    def __init__(self, url: str, workspace: Path, sessions: dict[str, requests.Session]) -> None:
        self.items, self.url = f"{url}/collections/catalogue/items", url
        self.workspace, self.sessions = workspace, sessions

    def asks(self, who: str, method: str, path: str = "", **given: Any) -> requests.Response:
        return self.sessions[who].request(method, self.items + path, timeout=30, **given)

    def posts(self, who: str, name: str, visibility: Any = None, **more: Any) -> int:
        told = {} if visibility is None else {"visibility": visibility}
        document = {**RECORD, "id": name, "properties": {**RECORD["properties"], **told}}
        return self.asks(who, "POST", json=document, **more).status_code

    def steps(self, who: str, name: str, step: str, **more: Any) -> int:
        asked = {"step": step, **more}
        return self.asks(who, "POST", f"/{name}/review", json=asked).status_code

    def seen_by(self, name: str) -> set[str]:
        return {who for who in self.sessions if self.asks(who, "GET", f"/{name}").ok}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, serve, open_accounts) -> Iterator[Portal]:
    workspace = tmp_path_factory.mktemp("reviews")
    sessions = {"nobody": requests.Session(), **open_accounts(workspace)}
    sessions["token"] = requests.Session()
    sessions["token"].headers["Authorization"] = "Bearer entier"
    with serve(workspace, editable=True, token="entier") as url:
        yield Portal(url, workspace, sessions)
    store_of(workspace.absolute()).close()
    for session in sessions.values():
        session.close()


EVERYONE = {"nobody", "partner", "contributor", "editor", "administrator", "neighbour", "token"}


@pytest.mark.parametrize(
    ("who", "visibility", "status", "seen"),
    [
        ("nobody", None, 401, set()),
        ("partner", None, 403, set()),
        ("contributor", None, 201, {"contributor", "editor", "administrator", "token"}),
        ("contributor", "draft", 201, {"contributor", "editor", "administrator", "token"}),
        ("contributor", "public", 403, set()),
        ("contributor", "partners", 403, set()),
        ("contributor", [HOST], 403, set()),
        ("editor", None, 201, EVERYONE),
        ("editor", "partners", 201, EVERYONE - {"nobody"}),
        ("editor", [OTHER], 201, {"neighbour", "token"}),
        ("editor", "draft", 201, {"editor", "administrator", "token"}),
        ("token", None, 201, EVERYONE),
        ("token", "draft", 201, {"token"}),
        ("token", [OTHER], 201, {"neighbour", "token"}),
        ("editor", "secret", 400, set()),
        ("editor", [], 400, set()),
        ("editor", {"a": 1}, 400, set()),
        ("editor", ["12"] * 3, 400, set()),
    ],
)
def test_what_is_posted_is_shown_as_its_author_may_show_it(
    portal: Portal, who: str, visibility: Any, status: int, seen: set[str]
) -> None:
    name = (
        f"{HOST}-{who}-{visibility}".replace("'", "")
        .replace(" ", "")
        .replace("{", "")
        .replace("}", "")
    )
    assert portal.posts(who, name, visibility) == status
    assert portal.seen_by(name) == seen


def test_a_draft_is_reviewed_and_published_and_each_step_is_attributed(portal: Portal) -> None:
    name = f"{HOST}-chemin"
    assert portal.posts("contributor", name) == 201
    assert portal.steps("contributor", name, "submit") == 204
    assert portal.steps("contributor", name, "submit") == 409
    assert portal.steps("contributor", name, "publish") == 403
    assert portal.steps("neighbour", name, "publish") == 404
    assert portal.steps("nobody", name, "publish") == 401
    assert portal.steps("editor", name, "comment", comment=" Le titre ? ") == 204
    listed = portal.sessions["editor"].get(f"{portal.url}/a-relire?f=json").json()["records"]
    [waiting] = [one for one in listed if one["id"] == name]
    assert [step["change"] for step in waiting["history"]] == ["created", "submitted", "commented"]
    assert waiting["history"][2]["comment"] == "Le titre ?"
    assert waiting["history"][2]["name"] == "Anne editor"
    assert portal.steps("editor", name, "send_back") == 204
    assert portal.steps("editor", name, "send_back") == 409
    titled = {"properties": {"title": "Forêts publiques"}}
    merging = {"Content-Type": "application/merge-patch+json"}
    assert portal.asks("contributor", "PATCH", f"/{name}", json=titled, headers=merging).ok
    shown = {"properties": {"visibility": "public"}}
    refused = portal.asks("contributor", "PATCH", f"/{name}", json=shown, headers=merging)
    assert refused.status_code == 403
    assert portal.steps("contributor", name, "submit") == 204
    assert portal.seen_by(name) == {"contributor", "editor", "administrator", "token"}
    assert portal.steps("administrator", name, "publish") == 204
    assert portal.seen_by(name) == EVERYONE
    assert "visibility" not in portal.asks("nobody", "GET", f"/{name}").json()["properties"]
    assert portal.asks("contributor", "PATCH", f"/{name}", json=titled).status_code == 403
    assert portal.asks("neighbour", "DELETE", f"/{name}").status_code == 403
    assert portal.steps("editor", name, "withdraw") == 204
    assert portal.seen_by(name) == {"editor", "administrator", "token"}
    with SQLiteStore(store_path(portal.workspace)) as store:
        history = store.history(name, viewer=MACHINE)
    people = [one.by for one in history]
    assert [one.change for one in history] == [
        "created", "submitted", "commented", "sent_back", "updated", "submitted", "published",
        "withdrawn",
    ]  # fmt: skip
    author, editor, administrator = people[0], people[2], people[6]
    assert len({author, editor, administrator}) == 3
    assert people == [author, author, editor, editor, author, author, administrator, editor]


def test_the_identifier_of_a_hidden_record_is_refused_as_one_that_nobody_has(
    portal: Portal,
) -> None:
    hidden, free = f"{OTHER}-travaux", f"{OTHER}-libre"
    assert portal.posts("neighbour", hidden, "draft") == portal.posts("neighbour", "vu") == 201
    answers = []
    for name in (hidden, free, "vu", "libre"):
        answer = portal.asks("contributor", "POST", json={**RECORD, "id": name})
        answers.append((answer.status_code, {**answer.json(), "requestId": ""}))
    assert answers == [answers[0]] * 4 and answers[0][0] == 403
    assert f"« {HOST}- »" in answers[0][1]["description"]
    assert portal.posts("contributor", f"{HOST}-libre") == 201
    assert portal.posts("contributor", f"{HOST}-libre") == 409
    made = portal.asks("contributor", "POST", json={**RECORD, "id": ""})
    assert made.status_code == 201 and made.headers["Location"].startswith(portal.items)


def test_a_put_that_says_nothing_of_it_shows_the_record_to_nobody_else(portal: Portal) -> None:
    assert portal.posts("editor", "réservé", "partners") == 201
    document = {**RECORD, "id": "réservé", "properties": {"type": "map", "title": "Autre"}}
    assert portal.asks("editor", "PUT", "/réservé", json=document).status_code == 204
    assert portal.seen_by("réservé") == EVERYONE - {"nobody"}
    read = portal.asks("editor", "GET", "/réservé").json()
    assert read["properties"]["visibility"] == "partners"
    put = portal.asks("editor", "PUT", "/réservé", json=read)
    assert put.status_code == 204 and "Previous-Version" not in put.headers
    read["properties"]["visibility"] = "public"
    assert portal.asks("editor", "PUT", "/réservé", json=read).status_code == 204
    assert portal.seen_by("réservé") == EVERYONE


def test_what_the_command_line_brought_is_reviewed_by_any_editor(portal: Portal) -> None:
    assert portal.posts("token", "importé") == 201
    assert portal.steps("contributor", "importé", "comment", comment="?") == 403
    assert portal.steps("neighbour", "importé", "withdraw") == 204
    assert portal.seen_by("importé") == {"neighbour", "token"}
    assert portal.steps("neighbour", "importé", "publish", visibility=[HOST]) == 204
    assert portal.seen_by("importé") == {
        "partner", "contributor", "editor", "administrator", "token"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400), ([], 400), ({"step": "leap"}, 400), ({"step": ["submit"]}, 400),
        ({"step": "comment"}, 400), ({"step": "comment", "comment": 3}, 400),
        ({"step": "comment", "comment": "x" * 4_001}, 400),
        ({"step": "comment", "comment": "x" * 70_000}, 413),
        ({"step": "send_back"}, 409), ({"step": "withdraw"}, 409),
        ({"step": "publish", "visibility": "draft"}, 409),
        ({"step": "publish", "visibility": "secret"}, 400),
    ],
)  # fmt: skip
def test_a_step_that_is_none_is_refused(portal: Portal, asked: Any, status: int) -> None:
    portal.posts("editor", "pas", "draft")
    answer = portal.asks("editor", "POST", "/pas/review", json=asked)
    assert answer.status_code == status and answer.json()["description"]


def test_the_list_is_for_those_who_contribute(portal: Portal) -> None:
    for who, status in (("nobody", 401), ("partner", 403), ("contributor", 200), ("editor", 200)):
        page = portal.sessions[who].get(f"{portal.url}/a-relire", headers={"Accept": "text/html"})
        assert page.status_code == status
        assert "public" not in page.headers.get("Cache-Control", "private")


def test_who_contributes_for_several_says_for_which(
    portal: Portal, tmp_path: Path, serve, open_accounts
) -> None:
    from geoguichet.portal.people import accounts
    from geoguichet.portal.people.store import People

    with People(portal.workspace).write() as base:
        person = accounts.of_email(base, "partner@essai.example")
        assert person is not None
        for siren in (HOST, OTHER):
            accounts.give(base, person, siren, "contributor", by="machine")
    try:
        name = f"{OTHER}-où"
        assert portal.posts("partner", name) == 400
        assert portal.posts("partner", name, params={"organisation": "552100554"}) == 403
        assert portal.posts("partner", name, params={"organisation": HOST}) == 403
        for odd in ("x public", "20005379"):  # keys of its own making, by who may write for any
            assert portal.posts("token", name, "draft", params={"organisation": odd}) == 400
        assert portal.posts("partner", name, params={"organisation": OTHER}) == 201
        assert portal.seen_by(name) == {"partner", "neighbour", "token"}
    finally:
        with People(portal.workspace).write() as base:
            accounts.give(base, person, OTHER, "", by="machine")
            accounts.give(base, person, HOST, "partner", by="machine")
