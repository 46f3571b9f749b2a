"""Edits over HTTP: who may, what is changed, and what is refused because it changed meanwhile."""

import doctest
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests

from geoguichet.catalogue.errors import StaleRecordError
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.api import editing

RECORD = {
    "type": "Feature",
    "id": "bois",
    "geometry": None,
    "properties": {"type": "dataset", "title": "Forêts"},
}


@pytest.fixture(scope="module")
def http(editor: requests.Session) -> requests.Session:
    """Who edits, and reads by the same token."""
    return editor


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory, serve) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("editable"), editable=True) as url:
        yield f"{url}/collections/catalogue/items"


@pytest.fixture
def record(items: str, http: requests.Session) -> Iterator[str]:
    assert http.post(items, json=RECORD).status_code == 201
    yield f"{items}/bois"
    http.delete(f"{items}/bois")


def test_docstrings_are_true() -> None:
    assert doctest.testmod(editing).failed == 0


def test_some_members_are_changed_and_others_taken_away(
    record: str, http: requests.Session
) -> None:
    kind = {"Content-Type": "application/merge-patch+json"}
    patch = '{"properties": {"title": "Bois", "rights": "tous"}}'
    assert http.patch(record, data=patch.encode(), headers=kind).status_code == 204
    assert http.get(record).json()["properties"] == {
        "type": "dataset",
        "title": "Bois",
        "rights": "tous",
    }
    assert (
        http.patch(record, data=b'{"properties": {"rights": null}}', headers=kind).status_code
        == 204
    )
    assert "rights" not in http.get(record).json()["properties"]
    for wrong in (b'{"properties": {"title": null}}', b'{"id": "autre"}', b"[]", b"3", b"{"):
        assert http.patch(record, data=wrong, headers=kind).status_code == 400
    assert http.patch(f"{record}-autre", data=b"{}", headers=kind).status_code == 404
    assert http.patch(record, data=b"{}", headers={"Content-Type": "text/csv"}).status_code == 415


def test_pages_show_an_edit_at_once_to_whoever_reads_them_next(
    record: str, http: requests.Session
) -> None:
    everybody = requests.Session()
    everybody.headers["Accept"] = "text/html"
    titles = ("Forêts", "Bois", "Landes")
    for title in titles:
        edit = {**RECORD, "properties": {"type": "dataset", "title": title}}
        assert http.put(record, json=edit).status_code == 204
        pages = [everybody.get(page).text for page in (record, record.rpartition("/")[0])]
        pages.append(http.get(record, params={"f": "html"}).text)
        assert all(
            [each in page for each in titles] == [each == title for each in titles]
            for page in pages
        )


def test_an_edit_of_what_has_changed_is_refused(record: str, http: requests.Session) -> None:
    read = http.get(record, headers={"Accept-Language": "en"}).headers["ETag"]
    other = http.post(record.rpartition("/")[0], json={**RECORD, "id": "autre"})
    assert other.status_code == 201  # another record's edit changes nothing to this one
    changed = {**RECORD, "properties": {"type": "dataset", "title": "Bois"}}
    assert http.put(record, json=changed, headers={"If-Match": f'"x", {read}'}).status_code == 204
    for method, body in (
        ("PUT", RECORD),
        ("PATCH", {"properties": {"title": "Non"}}),
        ("DELETE", None),
    ):
        refused = http.request(method, record, json=body, headers={"If-Match": read})
        assert refused.status_code == 412 and "If-Match" in refused.json()["description"]
    assert http.get(record).json()["properties"]["title"] == "Bois"
    assert http.delete(record, headers={"If-Match": "*"}).status_code == 204
    assert http.delete(record, headers={"If-Match": "*"}).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_precondition_is_held(record: str, http: requests.Session, method: str) -> None:
    answered = http.get(record)
    tag, at = answered.headers["ETag"], answered.headers["Last-Modified"]
    for told in (
        {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"If-None-Match": "*"},
        {"If-None-Match": tag.removeprefix("W/")},
        {"If-Match": '"autre"', "If-Unmodified-Since": at},
    ):
        refused = http.request(method, record, json=RECORD, headers=told)
        assert refused.status_code == 412 and next(iter(told)) in refused.json()["description"]
    kept = {"If-Unmodified-Since": at, "If-None-Match": '"autre"'}
    assert http.request(method, record, json=RECORD, headers=kept).status_code == 204


def test_who_overwrites_without_asking_is_told_what(record: str, http: requests.Session) -> None:
    """The history keeps it; nothing is told to who asked for the current state, or changed
    nothing.
    """
    at = http.get(record, headers={"Accept": "application/geo+json"})
    changed = {**RECORD, "properties": {"type": "dataset", "title": "Bois"}}
    put = http.put(record, json=changed)
    assert put.headers["Previous-ETag"] == at.headers["ETag"]
    first = int(put.headers["Previous-Version"])
    assert "Previous-ETag" in put.headers["Access-Control-Expose-Headers"]
    patched = http.patch(record, json={"properties": {"title": "Bosquets"}})
    assert int(patched.headers["Previous-Version"]) == first + 1
    now = http.get(record).headers["ETag"]
    for quiet in (
        http.patch(record, json={"properties": {"title": "Bosquets"}}),
        http.put(record, json=changed, headers={"If-Match": now}),
    ):
        assert quiet.status_code == 204 and "Previous-Version" not in quiet.headers


def test_a_record_was_last_modified_when_it_was(
    items: str, record: str, http: requests.Session
) -> None:
    """Not when another was: who was told so may go on."""
    at = http.get(record).headers["Last-Modified"]
    time.sleep(1.1)
    assert http.post(items, json={**RECORD, "id": "plus-tard"}).status_code == 201
    assert http.get(f"{items}/plus-tard").headers["Last-Modified"] != at
    assert http.get(record).headers["Last-Modified"] == at
    kept = http.put(record, json=RECORD, headers={"If-Unmodified-Since": at})
    assert kept.status_code == 204 and http.delete(f"{items}/plus-tard").status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        lambda tag: tag,
        lambda tag: tag.removeprefix("W/"),
        lambda tag: tag[:-1] + '-gzip"',
        lambda tag: f'"x" , {tag}',
        lambda _tag: "*",
    ],
)
def test_a_tag_is_known_again_whatever_the_servers_on_the_way_did(
    record: str, http: requests.Session, change
) -> None:
    told = change(http.get(record).headers["ETag"])
    known = http.get(record, headers={"If-None-Match": told})
    assert known.status_code == 304 and known.headers["Access-Control-Allow-Origin"] == "*"
    assert http.put(record, json=RECORD, headers={"If-Match": told}).status_code == 204


def test_what_has_not_changed_since_is_not_sent_again(record: str, http: requests.Session) -> None:
    at = http.get(record).headers["Last-Modified"]
    assert http.get(record, headers={"If-Modified-Since": at}).status_code == 304
    for told in (
        {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"If-Modified-Since": "hier"},
        {"If-Modified-Since": at, "If-None-Match": '"autre"'},
    ):
        assert http.get(record, headers=told).status_code == 200


@pytest.mark.parametrize(
    "identifier",
    ["10.9999/zz.1", "https://x.test/jeu?a=1&b=2#c", "urn:a:b c", "à côté", "a%2Fb", "/a//b/"],
)
def test_every_identifier_can_be_edited(
    items: str, http: requests.Session, identifier: str
) -> None:
    made = http.post(items, json={**RECORD, "id": identifier})
    address = made.headers["Location"]
    assert made.status_code == 201 and http.get(address).json()["id"] == identifier
    patch = {"properties": {"title": "Mieux"}}
    assert http.patch(address, json=patch).status_code == 204
    assert http.put(address, json=http.get(address).json()).status_code == 204
    assert http.get(address).json()["properties"]["title"] == "Mieux"
    assert http.delete(address).status_code == 204


def test_of_many_who_make_one_record_at_once_one_does(items: str, http: requests.Session) -> None:
    def make(number: int) -> int:
        document = {**RECORD, "id": "ensemble", "properties": {"type": "map", "title": str(number)}}
        headers = dict(http.headers)
        return requests.post(items, json=document, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(25) as pool:
        assert sorted(pool.map(make, range(25))) == [201, *[409] * 24]
    http.delete(f"{items}/ensemble")


def test_pages_of_other_sites_see_what_editing_needs(record: str, http: requests.Session) -> None:
    exposed = http.get(record).headers["Access-Control-Expose-Headers"]
    assert {"ETag", "Last-Modified", "Link", "Location"} <= set(exposed.split(", "))
    allowed = http.options(record).headers["Access-Control-Allow-Headers"]
    assert {"If-Match", "If-None-Match", "If-Unmodified-Since"} <= set(allowed.split(", "))


def test_the_store_refuses_to_write_over_another_document(tmp_path: Path) -> None:
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        first, second = Record(id="a", title="un"), Record(id="a", title="deux")
        store.upsert(first)
        assert store.upsert(second, instead_of=first.to_bytes()) == "updated"
        with pytest.raises(StaleRecordError):
            store.upsert(Record(id="a", title="trois"), instead_of=first.to_bytes())
        with pytest.raises(StaleRecordError):
            store.delete("a", instead_of=first.to_bytes())
        assert store.get("a", viewer=MACHINE) == second
        store.delete("a", instead_of=second.to_bytes())


@pytest.mark.parametrize("token", [None, ""])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Origin": "https://ailleurs.example"},
        {"Via": "1.1 proxy"},
    ],
)
def test_without_an_account_or_a_token_nobody_edits(
    tmp_path: Path, serve, headers: dict[str, str], token: str | None
) -> None:
    """Not from this machine either, whatever headers are absent, and where there is no token."""
    with serve(tmp_path, editable=True, token=token) as url:
        items = f"{url}/collections/catalogue/items"
        for method, address in (
            ("POST", items),
            ("PUT", f"{items}/bois"),
            ("PATCH", f"{items}/bois"),
            ("DELETE", f"{items}/bois"),
            ("POST", f"{items}/bois/review"),
        ):
            refused = requests.request(method, address, json=RECORD, headers=headers, timeout=10)
            assert refused.status_code == 401 and "GEOGUICHET_TOKEN" in refused.text
            assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert requests.get(f"{items}/bois", timeout=10).status_code == 404


def test_with_a_token_who_bears_it_edits(
    tmp_path: Path, http: requests.Session, serve: Callable[..., AbstractContextManager[str]]
) -> None:
    with serve(tmp_path, editable=True, token="secret é") as url:
        items = f"{url}/collections/catalogue/items"
        for given in (
            {"Authorization": None},
            {"Authorization": "Bearer autre"},
            {"Authorization": "Basic c2VjcmV0"},
        ):
            refused = http.post(items, json=RECORD, headers=given)
            assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
        bearing = {"Authorization": b"Bearer secret \xe9", "X-Forwarded-For": "10.0.0.1"}
        assert http.post(items, json=RECORD, headers=bearing).status_code == 201
        assert http.delete(f"{items}/bois", headers=bearing).status_code == 204


#: Links that a record may hold: a file of the portal, a page of it, others' pages and services.
LINKS = [
    {"href": "studies/essai/result.gpkg", "rel": "enclosure"},
    {"href": "collections/catalogue/items/autre?f=html", "rel": "alternate", "type": "text/html"},
    {"href": "https://exemple.fr/collection", "rel": "describes"},
    {"href": "https://exemple.fr/bois?f=html", "rel": "alternate"},
]


@pytest.mark.parametrize("identifier", ["bois", "bois été", "a:b"])
def test_what_was_added_to_be_served_is_not_stored(
    identifier: str, tmp_path: Path, serve, http: requests.Session
) -> None:
    """A record that is read and put back is the same record; at another address, none of its links
    leads to the old one.
    """
    stored = {**RECORD, "id": identifier, "links": LINKS}
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.upsert(Record.from_geojson(stored))
        before = store.document(identifier, viewer=MACHINE)
    for _move in range(2):  # each time on another port
        with serve(tmp_path, editable=True) as url:
            address = f"{url}/collections/catalogue/items/{identifier}"
            for _time in range(2):
                served = http.get(address).json()
                assert http.put(address, json=served).status_code == 204
            assert {one["href"].startswith((url, "https://exemple.fr", "http://www.opengis.net"))
                    for one in served["links"]} == {True}  # fmt: skip
        with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
            assert (
                store.document(identifier, viewer=MACHINE) == before
                and len(store.history(identifier, viewer=MACHINE)) == 1
            )
