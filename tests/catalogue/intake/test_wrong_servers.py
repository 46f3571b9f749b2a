"""A bench of servers that answer wrongly, as real ones do: each is seen whole in spite of it, or it
is told that it was not, and nothing that it gave before is deleted.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from geoguichet.catalogue.errors import HarvestError
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.exchange import every_record
from geoguichet.catalogue.intake.harvest import source as reading
from geoguichet.catalogue.intake.harvest.run import Summary, harvest
from geoguichet.catalogue.intake.harvest.source import (
    Ckan,
    DcatCatalogue,
    OgcFeatures,
    OgcRecords,
    Source,
    Udata,
)
from geoguichet.catalogue.intake.harvest.xml_protocols import Csw, OaiPmh
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.cli import main
from geoguichet.floor.http import Client
from geoguichet.floor.viewer import MACHINE

#: Records of every source, asked for in pages of ten.
N = 37
SIZE = 10
HASTY = Client(timeout_s=2, total_s=5, tries=1, pause_s=0, largest=1_000_000)

type Answer = tuple[int, bytes]


@dataclass
class Asked:
    """A request: its method, its path, its parameters (names in small letters), its body."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    base: str = ""

    @property
    def text(self) -> str:
        return self.body + urlencode(self.query)


@dataclass
class Server:
    """A server of the test's own, whose answers can be changed while it runs."""

    respond: Callable[[Asked], Answer] = field(default=lambda _: (404, b""))
    address: str = ""
    asked: list[Asked] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("GET")

        def do_POST(self) -> None:
            self.answer("POST")

        def answer(self, method: str) -> None:
            parts = urlsplit(self.path)
            query = {name.lower(): value for name, value in parse_qsl(parts.query)}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked = Asked(method, parts.path, query, body, state.address)
            state.asked.append(asked)
            status, content = state.respond(asked)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def made(number: int) -> Record:
    return Record(id=f"jeu-{number:03}", type="dataset", title=f"Jeu {number}")


ISO = [re.sub(rb"<\?xml[^>]*\?>", b"", iso19139.write(made(number))) for number in range(5 * N)]
JSON = [made(number).to_geojson() for number in range(N)]


def ids(workspace: Path) -> set[str]:
    with SQLiteStore(store_path(workspace)) as store:
        return {record.id for record in every_record(store, viewer=MACHINE)}


def run(source: Source, workspace: Path, **options: Any) -> Summary:
    return harvest(source, workspace, name="essai", kind="test", **options)


# CSW.

_ENVELOPE = (
    '<csw:GetRecordsResponse xmlns:csw="http://www.opengis.net/cat/csw/2.0.2"><csw:SearchResults '
    'numberOfRecordsMatched="{matched}" numberOfRecordsReturned="{n}" nextRecord="{following}">'
)
_REFUSED = b"<ows:ExceptionReport xmlns:ows='http://www.opengis.net/ows'/>"


def csw(asked: Asked, **faults: Any) -> Answer:
    """Answer as a right CSW does, but for the faults."""
    if asked.query.get("request") == "GetCapabilities":
        return faults.get("capabilities", (404, b""))
    if asked.method in faults.get("deaf_to", ()):
        return faults.get("deaf_answer", (405, b"405"))
    if any(word not in asked.text for word in faults.get("wants", ())):
        return faults.get("unless", (200, page([], N, 11)))
    if any(word in asked.text for word in faults.get("refuses", ())):
        return faults.get("refused", (200, _REFUSED))
    place = {name.lower(): int(value) for name, value in
             re.findall(r'(startPosition|maxRecords)=["]?(\d+)', asked.body)}  # fmt: skip
    place |= {name: int(asked.query[name]) for name in ("startposition", "maxrecords")
              if name in asked.query}  # fmt: skip
    start, size = place["startposition"] - 1, min(place["maxrecords"], faults.get("most", 1000))
    if faults.get("strict_end") and start >= N:
        return 400, _REFUSED
    start = faults.get("moves", lambda at: at)(start)
    there = [at for at in range(start, min(start + size, faults.get("holds", N)))
             if at not in faults.get("hidden", ())]  # fmt: skip
    following = start + size + 1 if start + size < faults.get("holds", N) else 0
    following = faults.get("following", lambda _start, _size, usual: usual)(start, size, following)
    matched = faults.get("matched", lambda there: N)(there)
    return 200, page([ISO[at] for at in faults.get("order", list)(there)], matched, following)


def page(documents: list[bytes], matched: int, following: int | str) -> bytes:
    opening = _ENVELOPE.format(matched=matched, n=len(documents), following=following)
    closing = b"</csw:SearchResults></csw:GetRecordsResponse>"
    return opening.encode() + b"".join(documents) + closing


#: What each server does wrong; whether all of it is seen all the same, and how many records are.
WRONG_CSW: Mapping[str, tuple[dict[str, Any], bool, int]] = {
    "nothing wrong": ({}, True, N),
    "an empty page in the middle": ({"hidden": range(10, 20)}, False, N - 10),
    "two empty pages in a row": ({"hidden": range(10, 30)}, False, N - 20),
    "two records that it cannot write": ({"hidden": (4, 25)}, False, N - 2),
    "pages smaller than asked, passed as if whole": (
        {"most": 4, "following": lambda start, _size, usual: usual and start + SIZE + 1}, True, N),
    "pages smaller than asked": ({"most": 3}, True, N),
    "says that nothing follows, each time": ({"following": lambda *_: 0}, True, N),
    "says nothing of what follows": ({"following": lambda *_: ""}, True, N),
    "goes back to the first": ({"following": lambda *_: 1}, True, N),
    "counts what follows from zero": (
        {"following": lambda start, size, usual: usual and start + size}, True, N),
    "says that more follows, at the end": ({"following": lambda s, n, _: s + n + 1}, True, N),
    "refuses what is beyond the end": (
        {"following": lambda s, n, _: s + n + 1, "strict_end": True}, True, N),
    "counts the page, not the catalogue": ({"matched": len}, False, N),
    "counts the page, and says nothing of what follows": (
        {"matched": len, "following": lambda *_: ""}, False, N),
    "a count that a page reaches": ({"matched": lambda _: SIZE, "following": lambda *_: ""},
                                    False, N),
    "a count too high": ({"matched": lambda _: N + 5}, False, N),
    "no count": ({"matched": lambda _: ""}, True, N),
    "no count, nothing of what follows": (
        {"matched": lambda _: "", "following": lambda *_: ""}, True, N),
    "the first page, always": ({"moves": lambda _: 0}, False, SIZE),
    "the first page, always, and no count": (
        {"moves": lambda _: 0, "matched": lambda _: ""}, False, SIZE),
    "two pages in a circle": ({"moves": lambda at: at % (2 * SIZE)}, False, 2 * SIZE),
    "an order that moves": ({"moves": lambda at: at - 3 if at == 20 else at}, False, N - 3),
    "records without end": ({"holds": 5 * N, "matched": lambda _: 1,
                             "following": lambda s, n, _: s + n + 1}, False, 120),
    "no POST": ({"deaf_to": ["POST"]}, True, N),
    "a page for people at POST": (
        {"deaf_to": ["POST"], "deaf_answer": (200, b"<html><body>CSW</body></html>")}, True, N),
    "no GET": ({"deaf_to": ["GET"]}, True, N),
    "nothing without a condition": ({"wants": ["onstraint"]}, True, N),
    "nothing but its own type": ({"wants": ["gmd:MD_Metadata"], "deaf_to": ["GET"]}, True, N),
    "no records of another type": (
        {"wants": ["MD_Metadata"], "unless": (200, page([], 0, 0))}, True, N),
    "refuses to sort": ({"refuses": ["ortBy"]}, True, N),
    "refuses to sort, with a status": ({"refuses": ["ortBy"], "refused": (400, b"")}, True, N),
    "ill-made capabilities": ({"capabilities": (200, b"""<c xmlns="http://www.opengis.net/ows">
      <OperationsMetadata><Operation name="GetRecords"><Parameter/></Operation>
      </OperationsMetadata></c>""")}, True, N),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_CSW)
def test_a_wrong_csw_is_seen_whole_or_told(wrong: str, server: Server, tmp_path: Path) -> None:
    faults, whole, count = WRONG_CSW[wrong]
    server.respond = partial(csw, **faults)
    done = run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path / "new")
    assert (done.status, done.whole) == (("complete", True) if whole else ("partial", False))
    assert len(ids(tmp_path / "new")) == count
    assert whole or any("annoncée" in str(one.message) or "répète" in str(one.message)
                        for one in done.findings)  # fmt: skip
    server.respond = csw
    assert run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path).counts["new"] == N
    server.respond = partial(csw, **faults)
    again = run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path)
    assert again.counts["gone"] == 0 and {made(at).id for at in range(N)} <= ids(tmp_path)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(405, b"405"), (200, b"<html/>"), (401, b""), (500, b""), (200, _REFUSED), (200, b"")],
)
def test_a_csw_that_gives_nothing_fails_in_one_finding(
    status: int, answer: bytes, server: Server, tmp_path: Path
) -> None:
    server.respond = lambda _: (status, answer)
    done = run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path)
    assert (done.status, len(done.findings)) == ("failed", 1)


def test_a_csw_is_asked_where_its_capabilities_say(server: Server, tmp_path: Path) -> None:
    """The address that was given first; one on another host, never."""
    told = """<c xmlns="http://www.opengis.net/ows" xmlns:x="http://www.w3.org/1999/xlink">
      <OperationsMetadata><Operation name="GetRecords"><DCP><HTTP>
      <Post x:href="http://198.51.100.7/csw"/><Get x:href="{base}/ailleurs?map=a"/>
      </HTTP></DCP></Operation></OperationsMetadata></c>"""

    def respond(asked: Asked) -> Answer:
        if asked.query.get("request") == "GetCapabilities":
            return 200, told.format(base=server.address).encode()
        return csw(asked) if asked.query.get("map") == "a" else (404, b"")

    server.respond = respond
    address = f"{server.address}/csw?service=CSW&request=GetCapabilities"
    assert run(Csw(address, HASTY, size=SIZE), tmp_path).counts["new"] == N
    assert {one.query["request"] for one in server.asked if one.method == "GET"} == {
        "GetCapabilities", "GetRecords"}  # fmt: skip
    assert {one.query.get("request") for one in server.asked if one.method == "POST"} == {None}


def test_a_csw_is_not_asked_where_it_wants_soap(server: Server, tmp_path: Path) -> None:
    """As GeoNetwork tells its two addresses: each with the encoding it takes."""
    post = """<Post x:href="{base}/{place}"><Constraint name="PostEncoding"><Value>{kind}</Value>
      </Constraint></Post>"""
    told = """<c xmlns="http://www.opengis.net/ows" xmlns:x="http://www.w3.org/1999/xlink">
      <OperationsMetadata><Operation name="GetRecords"><DCP><HTTP>{posts}</HTTP></DCP>
      <Parameter name="typeNames"><Value>gmd:MD_Metadata</Value></Parameter>
      </Operation></OperationsMetadata></c>"""

    def respond(asked: Asked) -> Answer:
        if asked.query.get("request") == "GetCapabilities":
            posts = (post.format(base=server.address, place=place, kind=place.upper())
                     for place in ("soap", "xml"))  # fmt: skip
            return 200, told.format(posts="".join(posts)).encode()
        return csw(asked) if asked.path == "/xml" else (404, b"")

    server.respond = respond
    assert run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path).counts["new"] == N
    assert {one.path for one in server.asked} == {"/csw", "/xml"}
    assert all("gmd:MD_Metadata" in one.text for one in server.asked if one.path == "/xml")


# OGC API Records.


def records(asked: Asked, **faults: Any) -> Answer:
    """Answer as a right OGC API does, whose position is called ``startindex``, but for the
    faults.
    """
    name = faults.get("position", "startindex")
    known = {"limit", name, "f", "type", "bbox"} | ({"sortby"} if faults.get("sorts") else set())
    if faults.get("strict") and set(asked.query) - known:
        return 400, b"{}"
    size = min(int(asked.query.get("limit", 10)), faults.get("most", 1000))
    at = int(asked.query.get(name, 0))
    every = [one for number, one in enumerate(JSON) if "type" not in asked.query or number % 2]
    part = every[at : at + size]
    part = [one for one in part if int(one["id"][-3:]) not in faults.get("hidden", ())]
    links = []
    if at + size < len(every) or faults.get("always"):
        query = {**asked.query, "limit": size, name: at + size}
        base = faults.get("base", asked.base)
        links = [{"rel": "next", "href": f"{base}{asked.path}?{urlencode(query)}"}]
    answer = {"type": "FeatureCollection", "features": part, "links": links}
    answer |= {"numberMatched": len(every)} if faults.get("counts", True) else {}
    return 200, json.dumps(faults.get("changes", lambda answer, at: answer)(answer, at)).encode()


WRONG_RECORDS: Mapping[str, tuple[dict[str, Any], bool, int]] = {
    "nothing wrong": ({}, True, N),
    "refuses what it does not know": ({"strict": True}, True, N),
    "pages smaller than asked": ({"most": 4}, True, N),
    "no count": ({"counts": False}, True, N),
    "links of a host behind it": ({"base": "http://10.0.0.7:8080"}, True, N),
    "an empty page in the middle": ({"hidden": range(10, 20)}, False, N - 10),
    "an empty page in the middle, no count": (
        {"hidden": range(10, 20), "counts": False}, True, N - 10),
    "a link after the last page": ({"always": True}, True, N),
    "no link at all": (
        {"position": "offset", "changes": lambda answer, _: answer | {"links": []}}, True, N),
    "no link, and a position of its own": (
        {"changes": lambda answer, _: answer | {"links": []}}, False, SIZE),
    "a link to the page itself": (
        {"changes": lambda answer, _: answer | {"links": [{"rel": "next", "href": "?limit=10"}]}},
        False, SIZE),
    "links cut short": (
        {"changes": lambda answer, at: answer | ({"links": []} if at else {})}, False, 2 * SIZE),
    "a count that changes": (
        {"changes": lambda answer, at: answer | {"numberMatched": N + (at < 20)}}, False, N),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_RECORDS)
def test_a_wrong_ogc_api_is_seen_whole_or_told(wrong: str, server: Server, tmp_path: Path) -> None:
    faults, whole, count = WRONG_RECORDS[wrong]
    server.respond = partial(records, **faults)
    collection = f"{server.address}/collections/c"
    done = run(OgcRecords(collection, HASTY, size=SIZE), tmp_path / "new")
    assert (done.status, len(ids(tmp_path / "new"))) == ("complete" if whole else "partial", count)
    server.respond = records
    run(OgcRecords(collection, HASTY, size=SIZE), tmp_path)
    server.respond = partial(records, **faults)
    if len(ids(tmp_path / "new")) < 0.8 * N or not whole:
        again = run(OgcRecords(collection, HASTY, size=SIZE), tmp_path)
        assert again.counts["gone"] == 0 and len(ids(tmp_path)) == N


def test_a_linked_source_is_gone_on_with_where_it_was(server: Server) -> None:
    """The link is in the cursor: a server that knows no ``offset`` is not read from its start."""
    server.respond = records
    items = list(OgcRecords(f"{server.address}/collections/c", HASTY, size=SIZE).records())
    cursor = items[25].cursor
    rest = list(
        OgcRecords(f"{server.address}/collections/c", HASTY, size=SIZE).records(cursor=cursor)
    )
    assert [one.body for one in rest] == [one.body for one in items[20:]]  # type: ignore[union-attr]


# Filters in the address.


def test_the_filters_of_an_address_are_kept(server: Server, tmp_path: Path) -> None:
    server.respond = records
    for number, address in enumerate(("c/items?type=dataset", "c?type=dataset&limit=3&f=html")):
        source = OgcRecords(f"{server.address}/collections/{address}", HASTY, size=SIZE)
        assert run(source, tmp_path / str(number)).counts["new"] == N // 2


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("?fq=organization:x", {"fq": "organization:x"}),
        ("/api/3/action/package_search?q=eau&rows=5", {"q": "eau"}),
        ("/dataset/?organization=x&tags=eau&page=3", {"fq": 'organization:"x" tags:"eau"'}),
        ("/ckan/dataset?fq=a:b&groups=g", {"fq": 'a:b groups:"g"'}),
    ],
)
def test_the_filters_of_a_ckan_are_kept(
    address: str, asked: dict[str, str], server: Server
) -> None:
    server.respond = lambda _: (200, json.dumps({"result": {"results": [], "count": 0}}).encode())
    assert list(Ckan(server.address + address, HASTY).records()) == []
    paging = {"rows": "100", "start": "0", "sort": "id asc"}
    assert server.asked[0].path.endswith("/api/3/action/package_search")
    assert server.asked[0].query == asked | paging


def test_a_filter_that_ckan_would_leave_out_is_refused() -> None:
    with pytest.raises(HarvestError) as refusal:
        list(Ckan("http://127.0.0.1:9/dataset?organisation=x").records())
    assert "« organisation »" in str(refusal.value) and "organization" in str(refusal.value)


@pytest.mark.parametrize("path", ["/fr/datasets/", "/datasets", "/api/1/datasets/", "", "/"])
def test_the_filters_of_a_udata_are_kept(path: str, server: Server) -> None:
    answer = {"data": [{"id": "a"}], "total": 1, "next_page": None}
    server.respond = lambda _: (200, json.dumps(answer).encode())
    source = Udata(f"{server.address}{path}?organization=x", HASTY)
    assert len(list(source.records())) == 1
    [asked] = server.asked
    assert (asked.path, asked.query["organization"]) == ("/api/1/datasets/", "x")


# CKAN, udata, OAI-PMH, DCAT, collections.


def test_an_empty_page_of_a_ckan_is_not_the_end(server: Server, tmp_path: Path) -> None:
    """Packages that this reader may not see leave a hole: what comes after is read."""
    packages = [
        {"id": f"p{n:02}", "name": f"p{n}", "title": f"P {n}", "resources": [], "notes": ""}
        for n in range(N)
    ]

    def respond(asked: Asked) -> Answer:
        at = int(asked.query["start"])
        part = [] if 10 <= at < 20 else packages[at : at + SIZE]
        return 200, json.dumps({"result": {"results": part, "count": N}}).encode()

    server.respond = respond
    done = run(Ckan(server.address, HASTY, size=SIZE), tmp_path)
    assert (done.status, done.counts["new"], done.expected) == ("partial", N - 10, N)
    assert f"{N} fiches annoncées, {N - 10} données" in str(done.findings[-1].message)


def test_a_udata_that_hides_some_is_read_to_its_end(server: Server, tmp_path: Path) -> None:
    datasets = [
        {"id": f"d{n:02}", "slug": f"d{n}", "title": f"D {n}", "resources": [], "tags": []}
        for n in range(N)
    ]

    def respond(asked: Asked) -> Answer:
        size = int(asked.query["page_size"])
        at = (int(asked.query["page"]) - 1) * size
        part = [one for one in datasets[at : at + size] if one["id"] != "d03"]
        more = "suite" if at + size < N else None
        return 200, json.dumps({"data": part, "total": N, "next_page": more}).encode()

    server.respond = respond
    done = run(Udata(server.address, HASTY, size=SIZE), tmp_path)
    assert (done.status, done.counts["new"]) == ("partial", N - 1)


def oai(asked: Asked, **faults: Any) -> Answer:
    """Answer as a strict OAI-PMH repository does: beside a token nothing is taken."""
    opening = "<OAI-PMH xmlns='http://www.openarchives.org/OAI/2.0/'>"
    if asked.query["verb"] == "ListMetadataFormats":
        prefix = "<metadataFormat><metadataPrefix>iso19139</metadataPrefix></metadataFormat>"
        said = f"<ListMetadataFormats>{prefix}</ListMetadataFormats>"
        return 200, f"{opening}{said}</OAI-PMH>".encode()
    if "resumptiontoken" in asked.query and set(asked.query) != {"verb", "resumptiontoken"}:
        return 200, f"{opening}<error code='badArgument'>trop</error></OAI-PMH>".encode()
    at = int(asked.query.get("resumptiontoken", 0))
    there = range(at, min(at + SIZE, N)) if at not in faults.get("empty", ()) else []
    listed = "".join(f"<record><header><identifier>{n}</identifier></header><metadata>"
                     f"{ISO[n].decode()}</metadata></record>" for n in there)  # fmt: skip
    following = at + SIZE if at + SIZE < faults.get("until", N) else ""
    size = f' completeListSize="{faults.get("size", N)}"'
    said = f"{listed}<resumptionToken{size}>{following}</resumptionToken>"
    return 200, f"{opening}<ListRecords>{said}</ListRecords></OAI-PMH>".encode()


@pytest.mark.parametrize(
    ("faults", "whole", "count"),
    [
        ({}, True, N),
        ({"empty": [10], "size": N - 10}, True, N - 10),
        ({"empty": [10]}, False, N - 10),
        ({"until": 20}, False, 20),
        ({"size": N - 5}, False, N),
    ],
)
def test_a_wrong_oai_repository_is_seen_whole_or_told(
    faults: dict[str, Any], whole: bool, count: int, server: Server, tmp_path: Path
) -> None:
    server.respond = partial(oai, **faults)
    done = run(OaiPmh(f"{server.address}/oai?set=eau", HASTY), tmp_path)
    assert (done.status, done.counts["new"]) == ("complete" if whole else "partial", count)
    assert [one.query["set"] for one in server.asked if "set" in one.query] == ["eau", "eau"]


@pytest.mark.parametrize(
    ("said", "total", "count", "whole"),
    [(b"hydra:next", 2, 2, True), (b"hydra:next", 9, 2, False), (b"hydra:other", 2, 1, False)],
)
def test_an_empty_page_of_dcat_is_not_the_end_nor_is_a_page_without_a_next(
    said: bytes, total: int, count: int, whole: bool, server: Server, tmp_path: Path
) -> None:
    def respond(asked: Asked) -> Answer:
        at = int(asked.query.get("page", 1))
        body = dcat.write_catalogue(
            [] if at == 2 else [made(at)], title="C", publisher="R", page=at, pages=3, total=total,
            address=f"{server.address}/d",
        )  # fmt: skip
        return 200, body.replace(b"hydra:next", said)

    server.respond = respond
    done = run(DcatCatalogue(f"{server.address}/d", HASTY), tmp_path)
    assert (done.status, done.counts["new"]) == ("complete" if whole else "partial", count)


def test_collections_are_paged_by_the_next_link(server: Server, tmp_path: Path) -> None:
    def respond(asked: Asked) -> Answer:
        at = int(asked.query.get("startindex", 0))
        links = [{"rel": "next", "href": f"/collections?startindex={at + 2}"}] if at < 4 else []
        items = [{"rel": "items", "href": "https://exemple.fr/items"}]
        part = [{"id": f"c{n}", "title": f"C {n}", "links": items, "itemType": "feature"}
                for n in range(at, at + 2)]  # fmt: skip
        return 200, json.dumps({"collections": part, "links": links, "numberMatched": 6}).encode()

    server.respond = respond
    done = run(OgcFeatures(server.address, HASTY), tmp_path)
    assert (done.status, done.counts["new"]) == ("complete", 6)
    rest = list(OgcFeatures(server.address, HASTY).records(cursor="3"))
    assert len(rest) == 3


# What a run that was not whole says, and what a person accepts.


def test_a_source_that_shrinks_too_much_deletes_nothing(server: Server, tmp_path: Path) -> None:
    def holding(count: int) -> None:
        server.respond = partial(csw, holds=count, matched=lambda _: count)

    def again(**options: Any) -> Summary:
        return run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path, **options)

    holding(30)
    again()
    holding(23)
    done = again()
    assert (done.status, done.counts["gone"], done.findings[-1].rule) == ("partial", 0, "shrink")
    assert "7 fiches sur 30" in str(done.findings[-1].message)
    assert "--max-shrink 0.24" in str(done.findings[-1].message)
    assert again(max_shrink=0.24).counts["gone"] == 7
    holding(22)
    assert again().counts["gone"] == 1
    assert again(max_shrink=0).status == "complete"
    with pytest.raises(HarvestError):
        again(max_shrink=20)


def test_new_identifiers_for_all_do_not_delete_the_old(server: Server, tmp_path: Path) -> None:
    server.respond = partial(csw, holds=20, matched=lambda _: 20)
    run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path)
    server.respond = partial(csw, holds=60, matched=lambda _: 20, moves=lambda at: at + 40)
    done = run(Csw(f"{server.address}/csw", HASTY, size=SIZE), tmp_path)
    assert (done.status, done.counts["new"], len(ids(tmp_path))) == ("partial", 20, 40)


@pytest.mark.parametrize(
    ("faults", "options", "code", "said"),
    [
        ({}, [], 0, ""),
        ({"hidden": range(10, 20)}, [], 1, "27 fiches lues, 37 annoncées"),
        ({"holds": 0, "matched": lambda _: 0}, [], 1, "une au moins est attendue"),
        ({}, ["--max-shrink", "2"], 2, "une part de 0 à 1"),
        ({}, ["--max-shrink", "peu"], 2, "une part de 0 à 1"),
        ({"hidden": range(10, 20)}, ["--dry-run"], 1, "37 annoncées"),
        ({"deaf_to": ["POST", "GET"]}, ["--dry-run"], 1, "incomplète"),
    ],
)
def test_the_exit_code_says_whether_the_source_was_seen_whole(
    faults: dict[str, Any], options: list[str], code: int, said: str, server: Server,
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(reading, "PAGE_SIZE", SIZE)
    server.respond = partial(csw, **faults)
    asked = ["catalogue", "harvest", "csw", f"{server.address}/csw", "--name", "s", *options]
    assert main([*asked, "--workspace", str(tmp_path)]) == code
    assert said in capsys.readouterr().err


def test_the_share_that_a_source_may_lose_stands_in_the_file(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That of the command line comes first."""
    file = tmp_path / "harvest.toml"
    table = f'[[source]]\nname = "s"\nkind = "csw"\nurl = "{server.address}/csw"\nmax_shrink = {{}}'
    asked = ["catalogue", "harvest", "--config", str(file), "--workspace", str(tmp_path / "w")]
    server.respond = csw
    file.write_text(table.format("0.5"))
    assert main(asked) == 0
    server.respond = partial(csw, holds=20, matched=lambda _: 20)
    assert main([*asked, "--max-shrink", "0.1"]) == 1
    assert main(asked) == 0 and len(ids(tmp_path / "w")) == 20
    file.write_text(table.format("50"))
    assert main(asked) == 1 and "max_shrink" in capsys.readouterr().err
