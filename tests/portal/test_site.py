"""What the pages of a portal share: one made for everybody is made once while its data stand."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import PUBLIC, Viewer
from geoguichet.portal import site as sites
from geoguichet.portal.answers import digest
from geoguichet.portal.site import SIGNED_IN, Site

PAGE = b"<p>" + 3000 * b"Foix "
BROWSER = {"accept": "text/html"}


@pytest.fixture
def made() -> list[str]:
    return []


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, url="http://portal")


@pytest.fixture
def ask(site: Site, made: list[str]) -> Callable[..., Response]:
    """Ask for a page whose making is counted, and which tells what was asked of it."""

    async def endpoint(request: Request) -> Response:
        made.append(request.url.query)
        kind = "text/html" if "html" in request.headers.get("accept", "") else "application/json"
        own = {} if "untagged" in request.url.query else {"ETag": 'W/"1"'}
        return Response(PAGE, media_type=kind, headers=own)

    answered = site.remembering(endpoint)

    def asked(query: str = "", viewer: Viewer = PUBLIC, **headers: str) -> Response:
        told = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
        scope = {
            "type": "http", "method": "GET", "path": "/", "query_string": query.encode(),
            "headers": [(b"host", b"portal"), *told], "viewer": viewer,
        }  # fmt: skip
        return asyncio.run(answered(Request(scope)))  # type: ignore[arg-type]

    return asked


def test_a_page_is_made_once_for_each_question(
    ask: Callable[..., Response], made: list[str]
) -> None:
    first, again, other = (ask(query, **BROWSER) for query in ("q=foix", "q=foix", "q=pau"))
    assert first.body == again.body == other.body == PAGE
    assert again.headers["ETag"] == 'W/"1"'
    assert again.headers["Content-Type"].startswith("text/html")
    assert made == ["q=foix", "q=pau"]


def test_it_is_packed_once_for_who_reads_that(
    ask: Callable[..., Response], made: list[str]
) -> None:
    packed = [ask(accept_encoding="br, gzip", **BROWSER) for _time in range(2)]
    assert {gzip.decompress(bytes(one.body)) for one in packed} == {PAGE}
    assert all(one.headers["Content-Encoding"] == "gzip" for one in packed)
    assert all(int(one.headers["Content-Length"]) == len(one.body) for one in packed)
    assert ask(**BROWSER).body == PAGE
    assert len(made) == 2


def test_its_tag_is_of_the_page_however_it_is_sent(ask: Callable[..., Response]) -> None:
    packed, plain = (ask("untagged", accept_encoding=how, **BROWSER) for how in ("gzip", "br"))
    assert packed.body != plain.body
    assert packed.headers["ETag"] == plain.headers["ETag"] == f'W/"{digest(PAGE)}"'


def test_the_first_account_is_seen_on_pages_at_once(
    ask: Callable[..., Response], made: list[str]
) -> None:
    ask(**BROWSER)
    said = SIGNED_IN.set("")  # there are accounts, and nobody is signed in
    ask(**BROWSER)
    SIGNED_IN.reset(said)
    assert len(made) == 2


def test_what_is_for_one_is_remembered_for_nobody(
    ask: Callable[..., Response], made: list[str]
) -> None:
    for _time in range(2):
        ask(viewer=Viewer("p-1"), **BROWSER)
        ask(accept="application/json")
        ask(if_none_match='"2"', **BROWSER)
        said = SIGNED_IN.set("Ada")
        ask(**BROWSER)
        SIGNED_IN.reset(said)
    assert len(made) == 8


def test_it_is_made_anew_when_records_change_and_when_a_minute_passed(
    ask: Callable[..., Response], made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_800_000_000.0]
    monkeypatch.setattr(sites.time, "time", lambda: now[0])
    ask(**BROWSER)
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.upsert(Record(id="a", type="dataset", title="A"))
    ask(**BROWSER)
    now[0] += 61
    ask(**BROWSER)
    assert len(made) == 3


def test_only_the_last_pages_are_remembered(
    ask: Callable[..., Response], made: list[str], site: Site
) -> None:
    site.remembered.most_bytes = 2 * len(PAGE)
    for query in ("q=1", "q=2", "q=3", "q=3", "q=1"):
        ask(query, **BROWSER)
    assert made == ["q=1", "q=2", "q=3", "q=1"]
