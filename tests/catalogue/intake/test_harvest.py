"""Harvests of servers that the tests start: what is right is stored, what is wrong is told, nothing
hangs.
"""

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from geoguichet.catalogue.errors import CatalogueError, HarvestError
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.exchange import Originals, every_record, originals_path
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.intake.harvest.kinds import KINDS, open_source
from geoguichet.catalogue.intake.harvest.run import Summary, harvest
from geoguichet.catalogue.intake.harvest.source import (
    Capabilities,
    Ckan,
    DcatCatalogue,
    Folder,
    OgcFeatures,
    OgcRecords,
    Source,
    Udata,
)
from geoguichet.catalogue.intake.harvest.xml_protocols import Csw, OaiPmh
from geoguichet.catalogue.record import Extent, ExternalId, Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.http import Client, HttpError, UnreachableError
from geoguichet.floor.viewer import MACHINE

type Answer = tuple[int, dict[str, str], bytes]
type Respond = Callable[[str, dict[str, list[str]], bytes, dict[str, str]], Answer]


@dataclass
class Server:
    """A server of the test's own: what it answers can be changed while it runs."""

    respond: Respond = field(default=lambda *_: (404, {}, b""))
    address: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        def answer(self, body: bytes) -> None:
            state.asked.append(self.path)
            parts = urlsplit(self.path)
            status, headers, content = state.respond(
                parts.path, parse_qs(parts.query), body, dict(self.headers)
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
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


HASTY = Client(timeout_s=0.5, total_s=2, tries=2, pause_s=0, largest=1_000_000)


def dataset(number: int, title: str = "") -> Record:
    box = Extent(number / 100, 43, number / 100 + 1, 44)
    return Record(
        id=f"jeu-{number:03}",
        type="dataset",
        title=title or f"Jeu {number}",
        geometry=box.as_geometry(),
    )


def csw(records: list[bytes], **faults: Any) -> Respond:
    """A CSW that gives these documents, with faults: positions that break, a wrong count, pages
    that repeat.
    """

    def respond(
        path: str, query: dict[str, list[str]], body: bytes, headers: dict[str, str]
    ) -> Answer:
        if query.get("request") == ["GetCapabilities"]:
            return faults.get("capabilities", (404, {}, b""))
        start = int(re.search(rb'startPosition="(\d+)"', body)[1]) - 1  # type: ignore[index]
        size = int(re.search(rb'maxRecords="(\d+)"', body)[1])  # type: ignore[index]
        if faults.get("no_sort") and b"SortBy" in body:
            return 200, {}, b"<ows:ExceptionReport xmlns:ows='http://www.opengis.net/ows'/>"
        start = 0 if faults.get("repeat") else start
        span = range(start, min(start + size, len(records)))
        if broken := [at for at in span if at in faults.get("breaks", ())]:
            return faults.get("answer", lambda _: (500, {}, b"oups"))(broken)
        parts = b"".join(re.sub(rb"<\?xml[^>]*\?>", b"", records[at]) for at in span)
        matched = faults.get("matched", len(records))
        page = (
            f'<csw:SearchResults numberOfRecordsMatched="{matched}" '
            f'numberOfRecordsReturned="{len(span)}">'
        ).encode()
        opening = b"<csw:GetRecordsResponse xmlns:csw='http://www.opengis.net/cat/csw/2.0.2'>"
        return 200, {}, opening + page + parts + b"</csw:SearchResults></csw:GetRecordsResponse>"

    return respond


def documents(count: int) -> list[bytes]:
    return [iso19139.write(dataset(number)) for number in range(count)]


def run(source: Source, workspace: Path, name: str = "essai") -> Summary:
    return harvest(source, workspace, name=name, kind="test")


def stored(workspace: Path) -> dict[str, str]:
    with SQLiteStore(store_path(workspace)) as store:
        return {record.id: record.title for record in every_record(store, viewer=MACHINE)}


def generation(workspace: Path) -> int:
    with SQLiteStore(store_path(workspace)) as store:
        return store.generation(viewer=MACHINE)


def test_a_csw_is_harvested_and_harvested_again_without_a_write(
    server: Server, tmp_path: Path
) -> None:
    server.respond = csw(documents(25), no_sort=True)
    first = run(Csw(server.address, HASTY, size=10), tmp_path)
    assert (first.status, first.counts["new"], first.counts["refused"]) == ("complete", 25, 0)
    before = generation(tmp_path)
    second = run(Csw(server.address, HASTY, size=7), tmp_path)
    assert (second.status, second.counts["unchanged"], second.counts["new"]) == ("complete", 25, 0)
    assert generation(tmp_path) == before
    original = Originals(originals_path(tmp_path)).get("jeu-003")
    assert original is not None
    [record] = registry.read_document(original.document).records
    assert record.title == "Jeu 3"


def test_a_csw_is_asked_in_a_schema_that_its_capabilities_name(
    server: Server, tmp_path: Path
) -> None:
    """One that has no ISO is not asked for it; one whose capabilities say nothing is tried."""
    told = """<csw:Capabilities xmlns:csw="http://www.opengis.net/cat/csw/2.0.2"
      xmlns:ows="http://www.opengis.net/ows"><ows:OperationsMetadata>
      <ows:Operation name="GetRecords"><ows:Parameter name="outputSchema">
        <ows:Value>http://www.opengis.net/cat/csw/2.0.2</ows:Value></ows:Parameter></ows:Operation>
      </ows:OperationsMetadata></csw:Capabilities>"""
    asked: list[bytes] = []

    def respond(*request: Any) -> Answer:
        asked.append(request[2])
        return csw(documents(3), capabilities=(200, {}, told.encode()))(*request)

    server.respond = respond
    assert run(Csw(server.address, HASTY), tmp_path).counts["new"] == 3
    assert {b"www.isotc211.org" in body for body in asked} == {False}
    told = "<html>Service</html>"
    asked.clear()
    assert run(Csw(server.address, HASTY), tmp_path).counts["unchanged"] == 3
    assert [b"www.isotc211.org" in body for body in asked[:2]] == [False, True]


RECORDED = re.compile(rb"<(?:\w+:)?GetRecordsResponse\b")


def test_recorded_answers_are_replayed(
    server: Server, tmp_path: Path, made_or_real: str, metadata: Path
) -> None:
    """What real catalogues answered, each as the first page of a source: every document in it is
    stored or told.
    """
    answered = [file for file in sorted((metadata / "csw-responses").iterdir())
                if RECORDED.search(file.read_bytes())]  # fmt: skip
    assert len(answered) > (50 if made_or_real == "real" else 0)
    read = new = refused = 0
    for file in answered:
        body, end = file.read_bytes(), csw([])

        def replay(
            path: str, query: dict[str, list[str]], sent: bytes, headers: dict[str, str],
            body: bytes = body, end: Respond = end,
        ) -> Answer:  # fmt: skip
            return (
                (200, {}, body) if b'startPosition="1"' in sent else end(path, query, sent, headers)
            )

        server.respond = replay
        done = run(Csw(server.address, HASTY), tmp_path / file.stem, name=file.stem)
        expected = registry.read_document(body)
        assert done.status in ("complete", "partial"), file.name
        assert done.counts["read"] == len(expected.records), file.name
        assert done.counts["new"] == len({record.id for record in expected.records}), file.name
        read, new, refused = (was + done.counts[name] for was, name in
                              ((read, "read"), (new, "new"), (refused, "refused")))  # fmt: skip
    if made_or_real == "real":  # refused: entries of Atom, brief answers with no title
        assert read > 200 and new > 200 and refused < 40
    else:
        assert (read, new, refused) == (2, 2, 0)


if "GEOGUICHET_PYCSW" in os.environ:  # a Python that has pycsw: an extra, as published data are

    def test_a_real_pycsw_is_harvested(shared_data: Path) -> None:
        script = Path(__file__).parents[3] / "benchmarks" / "catalogue" / "pycsw_source.py"
        command = [
            sys.executable,
            script,
            os.environ["GEOGUICHET_PYCSW"],
            shared_data / "metadata" / "iso19139",
        ]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert "in pycsw alone: [] ; here alone: []" in told
        taken = int(re.search(r"pycsw took (\d+)", told)[1])  # type: ignore[index]
        assert taken > 50 and f"'new': {taken}" in told and f"'unchanged': {taken}" in told


def test_changes_are_stored_and_what_is_gone_is_deleted(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(6))
    run(Csw(server.address, HASTY), tmp_path)
    server.respond = csw([*documents(4), iso19139.write(dataset(4, "Renommé"))])
    done = run(Csw(server.address, HASTY), tmp_path)
    assert (done.counts["changed"], done.counts["gone"]) == (1, 1)
    assert stored(tmp_path) == {f"jeu-{n:03}": f"Jeu {n}" for n in range(4)} | {
        "jeu-004": "Renommé"
    }


GZIPPED = gzip.compress(b"<a>" + b"x" * 5_000_000)

FAULTS: dict[str, Callable[[list[int]], Answer]] = {
    "500": lambda _: (500, {}, b"oups"),
    "truncated": lambda _: (200, {"Content-Length": "5000"}, b"<csw:GetRecordsResponse"),
    "half an XML": lambda _: (
        200,
        {},
        b"<csw:GetRecordsResponse xmlns:csw='http://www.opengis.net/cat/csw/2.0.2'><a>",
    ),
    "HTML": lambda _: (
        200,
        {"Content-Type": "text/html"},
        b"<html><body>Maintenance</body></html>",
    ),
    "exception": lambda _: (
        200,
        {},
        b"<ows:ExceptionReport xmlns:ows='http://www.opengis.net/ows'/>",
    ),
    "endless": lambda _: (200, {}, b"<a>" + b"x" * 2_000_000),
    "gzip bomb": lambda _: (200, {"Content-Encoding": "gzip"}, GZIPPED),
    "entity bomb": lambda _: (200, {}, _bomb()),
    "another host": lambda _: (302, {"Location": "http://198.51.100.7/csw"}, b""),
    "an inner address": lambda _: (
        302,
        {"Location": "http://169.254.169.254/latest/meta-data"},
        b"",
    ),
    "a file": lambda _: (302, {"Location": "file:///etc/passwd"}, b""),
}


def _bomb() -> bytes:
    levels = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    return f'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{levels}]><a>&m;</a>'.encode()


@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_record_never_stops_the_rest(fault: str, server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(30), breaks={13}, answer=FAULTS[fault])
    done = run(Csw(server.address, HASTY, size=16), tmp_path)
    assert (done.status, done.counts["new"], done.counts["refused"]) == ("partial", 29, 1)
    assert "n° 14" in next(finding.item for finding in done.findings if finding.rule == "refused")


def test_nothing_is_deleted_after_a_partial_run(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(10))
    run(Csw(server.address, HASTY), tmp_path)
    server.respond = csw(documents(8), breaks={2})
    assert run(Csw(server.address, HASTY), tmp_path).counts["gone"] == 0
    server.respond = csw([])
    assert run(Csw(server.address, HASTY), tmp_path).status == "partial"
    assert len(stored(tmp_path)) == 10


def test_a_count_too_high_and_repeated_pages_are_partial(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(5), matched=50)
    assert run(Csw(server.address, HASTY, size=5), tmp_path).status == "partial"
    server.respond = csw(documents(5), repeat=True, matched=50)
    done = run(Csw(server.address, HASTY, size=5), tmp_path / "autre")
    assert (
        done.status == "partial"
        and "répète" in str(done.findings[-1].message)
        and done.counts["new"] == 5
    )


def test_a_count_too_low_hides_nothing(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(12), matched=7)
    assert run(Csw(server.address, HASTY, size=5), tmp_path).counts["new"] == 12


def test_an_identifier_given_twice_is_told(server: Server, tmp_path: Path) -> None:
    server.respond = csw([*documents(3), iso19139.write(dataset(1, "Un autre"))])
    done = run(Csw(server.address, HASTY), tmp_path)
    assert done.counts["duplicates"] == 1 and stored(tmp_path)["jeu-001"] == "Jeu 1"


def test_two_sources_do_not_overwrite_each_other(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(3))
    run(Csw(server.address, HASTY), tmp_path, "premier")
    twin = replace(dataset(0), id="jumeau")
    server.respond = csw([iso19139.write(dataset(1, "Volé")), iso19139.write(twin)])
    done = run(Csw(server.address, HASTY), tmp_path, "second")
    assert {finding.rule for finding in done.findings} == {"duplicate", "lookalike"}
    assert stored(tmp_path)["jeu-001"] == "Jeu 1" and stored(tmp_path)["jumeau"] == "Jeu 0"
    again = run(Csw(server.address, HASTY), tmp_path, "second")
    assert (again.counts["duplicates"], again.counts["unchanged"]) == (1, 1)  # told at each harvest
    server.respond = csw([iso19139.write(dataset(0))])
    harvest(Csw(server.address, HASTY), tmp_path, name="premier", kind="test", max_shrink=1)
    assert "jeu-001" not in stored(tmp_path)
    server.respond = csw([iso19139.write(dataset(1, "Volé")), iso19139.write(twin)])
    assert run(Csw(server.address, HASTY), tmp_path, "second").counts["new"] == 1
    assert stored(tmp_path)["jeu-001"] == "Volé"  # its first holder gave it up


def test_a_source_lost_on_the_way_keeps_what_it_gave(server: Server, tmp_path: Path) -> None:
    whole = csw(documents(25))

    def respond(path: str, query: Any, body: bytes, headers: dict[str, str]) -> Answer:
        return (
            whole(path, query, body, headers)
            if b'startPosition="1"' in body
            else (302, {"Location": "//b/"}, b"")
        )

    server.respond = respond
    done = run(Csw(server.address, HASTY, size=10), tmp_path)
    assert (done.status, done.counts["new"], len(stored(tmp_path))) == ("partial", 10, 10)


def test_a_name_stands_for_one_source(server: Server, tmp_path: Path) -> None:
    """Another address under the same name is refused: what it does not give would be taken for
    gone.
    """
    server.respond = csw(documents(3))
    run(Csw(f"{server.address}/un", HASTY), tmp_path)
    with pytest.raises(HarvestError, match="--moved"):
        run(Csw(f"{server.address}/deux", HASTY), tmp_path)
    assert len(stored(tmp_path)) == 3
    done = harvest(
        Csw(f"{server.address}/deux", HASTY), tmp_path, name="essai", kind="test", moved=True
    )
    assert (done.status, done.counts["unchanged"]) == ("complete", 3)


def test_a_source_that_changes_while_it_is_read_deletes_nothing(
    server: Server, tmp_path: Path
) -> None:
    """Five records leave the first page after it was read: five of the second were never seen, and
    are not gone.
    """
    server.respond = csw(documents(30))
    run(Csw(server.address, HASTY, size=10), tmp_path)
    before, after = csw(documents(30)), csw(documents(30)[5:])
    server.respond = lambda path, query, body, headers: (
        before if b'startPosition="1"' in body else after
    )(path, query, body, headers)
    done = run(Csw(server.address, HASTY, size=10), tmp_path)
    assert (done.status, done.counts["gone"]) == ("partial", 0)
    assert "change" in str(done.findings[-1].message)
    server.respond = after
    assert run(Csw(server.address, HASTY, size=10), tmp_path).counts["gone"] == 5


def test_an_old_interruption_is_not_taken_up(tmp_path: Path) -> None:
    journal = Journal(journal_path(tmp_path))
    first = journal.open_run("ici", "csw", "http://a/").number
    assert journal.open_run("ici", "csw", "http://a/").number == first
    with closing(sqlite3.connect(journal_path(tmp_path))) as database, database:
        database.execute("UPDATE run SET started = '2020-01-01T00:00:00Z'")
    assert journal.open_run("ici", "csw", "http://a/").number != first


def test_the_same_resource_in_two_sources_is_told(server: Server, tmp_path: Path) -> None:
    """By the identifier of the resource first; titles and extents may differ."""
    resource = ExternalId("https://exemple.fr/jeux/routes")
    one, other = (
        replace(dataset(1), external_ids=(resource,)),
        replace(dataset(2), external_ids=(resource,)),
    )
    server.respond = csw([iso19139.write(one)])
    run(Csw(server.address, HASTY), tmp_path, "premier")
    server.respond = csw([iso19139.write(other)])
    done = run(Csw(server.address, HASTY), tmp_path, "second")
    [finding] = done.findings
    assert (finding.rule, finding.item) == (
        "namesake",
        "jeu-002",
    ) and "« jeu-001 »" in str(finding.message)
    assert stored(tmp_path) == {"jeu-001": "Jeu 1", "jeu-002": "Jeu 2"}  # told, not merged


def test_a_harvest_does_not_take_the_records_that_others_made(
    server: Server, tmp_path: Path
) -> None:
    """A neighbour who runs the same demonstration has a study of the same name; what was imported
    is taken over.
    """
    with SQLiteStore(store_path(tmp_path)) as store:
        store.upsert(dataset(0, "Notre étude"), by="geoguichet")
        store.upsert(dataset(1, "Importée"), by="import")
    server.respond = csw(documents(3))
    done = run(Csw(server.address, HASTY), tmp_path, "voisin")
    assert (done.counts["new"], done.counts["changed"], done.counts["duplicates"]) == (1, 1, 1)
    assert stored(tmp_path) == {"jeu-000": "Notre étude", "jeu-001": "Jeu 1", "jeu-002": "Jeu 2"}
    server.respond = csw([])
    run(Csw(server.address, HASTY), tmp_path, "voisin")
    assert "jeu-000" in stored(tmp_path)


def test_a_time_out_is_told(server: Server, tmp_path: Path) -> None:
    release = threading.Event()

    def respond(*_: Any) -> Answer:
        release.wait(10)
        return 500, {}, b""

    server.respond = respond
    try:
        done = run(DcatCatalogue(server.address, replace(HASTY, timeout_s=0.1)), tmp_path)
    finally:
        release.set()
    assert done.status == "failed" and "délai" in done.findings[-1].message


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_opens_and_fails_in_a_sentence(kind: str, tmp_path: Path) -> None:
    place = str(tmp_path) if KINDS[kind].is_local else "http://127.0.0.1:9/"
    source = open_source(kind, place, "essai")
    assert source.address == place and KINDS[kind].title
    with pytest.raises((HttpError, CatalogueError)):
        list(source.records())


def test_a_server_that_is_not_there_fails_at_once(tmp_path: Path) -> None:
    done = run(Csw("http://127.0.0.1:9/csw", HASTY), tmp_path)
    assert done.status == "failed" and "refuse la connexion" in done.findings[0].message
    with pytest.raises(UnreachableError):
        HASTY.get("http://127.0.0.1:9/")


def test_credentials_come_from_the_environment_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[str] = []

    def respond(path: str, query: Any, body: bytes, headers: dict[str, str]) -> Answer:
        got.append(headers.get("Authorization", ""))
        return 200, {}, b"{}"

    server.respond = respond
    monkeypatch.setenv("GEOGUICHET_HARVEST_MON_SDI_AUTHORIZATION", "Basic c2VjcmV0")
    source = open_source("ckan", server.address, "mon-sdi")
    assert "c2VjcmV0" not in repr(source)
    with pytest.raises(HttpError):
        list(source.records())
    assert set(got) == {"Basic c2VjcmV0"}
    with pytest.raises(HttpError, match="mot de passe"):
        HASTY.get("http://moi:secret@exemple.fr/")


def pages(
    listed: list[dict[str, Any]],
    shape: Callable[[list[dict[str, Any]], int], Any],
    *,
    start: str,
    size: str,
) -> Respond:
    def respond(path: str, query: dict[str, list[str]], *_: Any) -> Answer:
        span, at = int(query.get(size, ["10"])[0]), int(query.get(start, ["0"])[0])
        at = (at - 1) * span if start == "page" else at
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps(shape(listed[at : at + span], len(listed))).encode(),
        )

    return respond


def _features(part: list[dict[str, Any]], total: int) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": part, "numberMatched": total}


def test_ogc_records_are_harvested(server: Server, tmp_path: Path) -> None:
    listed = [dataset(number).to_geojson() for number in range(23)]
    server.respond = pages(
        listed,
        _features,
        start="offset",
        size="limit",
    )
    done = run(OgcRecords(f"{server.address}/collections/cat", HASTY, size=10), tmp_path)
    assert (done.status, done.counts["new"]) == ("complete", 23)
    assert (
        run(OgcRecords(f"{server.address}/collections/cat", HASTY, size=5), tmp_path).counts[
            "unchanged"
        ]
        == 23
    )


def test_ckan_and_udata_are_harvested(server: Server, tmp_path: Path) -> None:
    packages = [
        {"id": f"p{n}", "name": f"paquet-{n}", "title": f"Paquet {n}", "resources": [], "notes": ""}
        for n in range(12)
    ]
    server.respond = pages(
        packages,
        lambda part, n: {"result": {"results": part, "count": n}},
        start="start",
        size="rows",
    )
    assert run(Ckan(server.address, HASTY, size=5), tmp_path, "ckan").counts["new"] == 12
    datasets = [
        {"id": f"d{n}", "slug": f"jeu-{n}", "title": f"Jeu {n}", "resources": [], "tags": []}
        for n in range(13)
    ]
    server.respond = pages(
        datasets, lambda part, n: {"data": part, "total": n}, start="page", size="page_size"
    )
    assert run(Udata(server.address, HASTY, size=5), tmp_path, "udata").counts["new"] == 13


def test_the_collections_of_an_ogc_api_become_records(server: Server, tmp_path: Path) -> None:
    collection = {
        "id": "communes",
        "title": "Communes",
        "links": [{"rel": "items", "href": "https://exemple.fr/items"}],
        "extent": {"spatial": {"bbox": [[0, 42, 3, 45]]}},
        "itemType": "feature",
    }
    server.respond = lambda *_: (200, {}, json.dumps({"collections": [collection]}).encode())
    assert run(OgcFeatures(server.address, HASTY), tmp_path).counts["new"] == 1
    assert stored(tmp_path) == {"communes": "Communes"}


def test_capabilities_are_asked_again_only_when_they_changed(
    server: Server, tmp_path: Path, made_or_real: str, metadata: Path
) -> None:
    published = "geonetwork-ui--insee-wms-getcapabilities.xml"
    name = published if made_or_real == "real" else "capabilities.xml"
    document = (metadata / "ogc-capabilities" / name).read_bytes()

    def respond(
        path: str, query: dict[str, list[str]], body: bytes, headers: dict[str, str]
    ) -> Answer:
        return (
            (304, {}, b"")
            if headers.get("If-None-Match") == '"1"'
            else (200, {"ETag": '"1"'}, document)
        )

    server.respond = respond
    first = run(Capabilities(server.address, HASTY, service="wms"), tmp_path)
    second = run(Capabilities(server.address, HASTY, service="wms"), tmp_path)
    assert first.counts["new"] > (3 if made_or_real == "real" else 1) and first.status == "complete"
    assert second.counts["unchanged"] == first.counts["new"] and second.status == "complete"
    assert len(stored(tmp_path)) == first.counts["new"]


def test_a_dcat_catalogue_is_read_page_after_page(server: Server, tmp_path: Path) -> None:
    def respond(path: str, query: dict[str, list[str]], *_: Any) -> Answer:
        page = int(query.get("page", ["1"])[0])
        body = dcat.write_catalogue(
            [dataset(2 * page), dataset(2 * page + 1)],
            title="C",
            publisher="R",
            address=server.address + "/dcat",
            page=page,
            pages=3,
        )
        return 200, {"Content-Type": "text/turtle"}, body

    server.respond = respond
    done = run(DcatCatalogue(f"{server.address}/dcat", HASTY), tmp_path)
    assert (done.status, done.counts["new"]) == ("complete", 6)


def test_oai_pmh_gives_and_deletes(server: Server, tmp_path: Path) -> None:
    opening = "<OAI-PMH xmlns='http://www.openarchives.org/OAI/2.0/'>"
    deleted: set[int] = set()

    def respond(path: str, query: dict[str, list[str]], *_: Any) -> Answer:
        if query["verb"] == ["ListMetadataFormats"]:
            registry = "".join(
                f"<metadataFormat><metadataPrefix>{p}</metadataPrefix></metadataFormat>"
                for p in ("oai_dc", "iso19139")
            )
            return (
                200,
                {},
                f"{opening}<ListMetadataFormats>{registry}</ListMetadataFormats></OAI-PMH>".encode(),
            )
        start = int(query.get("resumptionToken", ["0"])[0])
        records = []
        for number in range(start, start + 2):
            status = ' status="deleted"' if number in deleted else ""
            header = f"<header{status}><identifier>jeu-{number:03}</identifier></header>"
            body = re.sub(r"<\?xml[^>]*\?>", "", iso19139.write(dataset(number)).decode())
            records.append(
                f"<record>{header}{'' if number in deleted else f'<metadata>{body}</metadata>'}</record>"
            )
        token = f"<resumptionToken>{start + 2}</resumptionToken>" if start < 4 else ""
        return (
            200,
            {},
            f"{opening}<ListRecords>{''.join(records)}{token}</ListRecords></OAI-PMH>".encode(),
        )

    server.respond = respond
    assert run(OaiPmh(server.address, HASTY), tmp_path).counts["new"] == 6
    deleted.add(3)
    done = run(OaiPmh(server.address, HASTY), tmp_path)
    assert (done.counts["gone"], len(stored(tmp_path))) == (1, 5)
    with SQLiteStore(store_path(tmp_path)) as store:
        store.upsert(replace(dataset(3), title="Celle d'un autre"), by="anne")
    assert (
        run(OaiPmh(server.address, HASTY), tmp_path).counts["gone"] == 0
    )  # it is told again, but is not the source's
    assert stored(tmp_path)["jeu-003"] == "Celle d'un autre"


def test_a_folder_of_files_is_harvested(tmp_path: Path) -> None:
    folder = tmp_path / "fiches"
    folder.mkdir()
    for number, document in enumerate(documents(5)):
        (folder / f"{number}.xml").write_bytes(document)
    (folder / "abime.xml").write_bytes(b"<a")
    done = run(Folder(str(folder)), tmp_path)
    assert (done.counts["new"], done.counts["refused"], done.status) == (5, 1, "partial")
    again = run(Folder(str(folder)), tmp_path)  # what was refused is refused again, and told again
    assert (again.counts["unchanged"], again.counts["refused"], again.status) == (5, 1, "partial")
    assert [finding.message for finding in again.findings] == [
        finding.message for finding in done.findings
    ]
    (folder / "abime.xml").write_bytes(documents(6)[5])
    assert run(Folder(str(folder)), tmp_path).status == "complete"


def test_a_rehearsal_writes_nothing(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(4))
    done = harvest(Csw(server.address, HASTY), tmp_path, name="essai", kind="csw", dry_run=True)
    assert done.counts["new"] == 4 and list(tmp_path.iterdir()) == []


def test_the_journal_tells_the_runs(server: Server, tmp_path: Path) -> None:
    server.respond = csw(documents(2))
    run(Csw(server.address, HASTY), tmp_path)
    run(Csw(server.address, HASTY), tmp_path)
    [(name, kind, address, runs)] = Journal(journal_path(tmp_path)).sources()
    assert (name, kind, address) == ("essai", "test", server.address)
    assert [(one.status, one.counts["new"]) for one in runs] == [("complete", 0), ("complete", 2)]
