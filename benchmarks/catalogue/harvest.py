"""A harvest of many records, then the same again: the second must write nothing to the catalogue.

    python benchmarks/catalogue/harvest.py [--records 10000] [--portal]

The records are made here, served as pages of CSW by a server of the script's own (with
``--portal``, by a portal that they were imported into), in a folder that is removed. Meanwhile a
process of its own searches the catalogue that is being filled, ten times a second: half of its
searches, and 99 in 100, take no longer than is printed; so does the memory of the harvest.
"""

import argparse
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.exchange import import_files
from geoguichet.catalogue.intake.harvest.run import harvest
from geoguichet.catalogue.intake.harvest.xml_protocols import Csw
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.viewer import MACHINE


def made(number: int) -> bytes:
    return written(number % 100).replace(b"NUMBER", f"{number:06}".encode())


@lru_cache
def written(place: int) -> bytes:
    box = Extent(place / 50, 43, place / 50 + 0.1, 43.1)
    record = Record(
        id="jeu-NUMBER",
        type="dataset",
        title="Jeu NUMBER",
        description="Un jeu. " * 40,
        geometry=box.as_geometry(),
    )
    return re.sub(rb"<\?xml[^>]*\?>", b"", iso19139.write(record))


def serve(documents: list[bytes]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            start = int(re.search(rb'startPosition="(\d+)"', body)[1]) - 1  # type: ignore[index]
            size = int(re.search(rb'maxRecords="(\d+)"', body)[1])  # type: ignore[index]
            page = b"".join(documents[start : start + size])
            opening = b"<csw:GetRecordsResponse xmlns:csw='http://www.opengis.net/cat/csw/2.0.2'>"
            opening += f'<csw:SearchResults numberOfRecordsMatched="{len(documents)}">'.encode()
            answer = opening + page + b"</csw:SearchResults></csw:GetRecordsResponse>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@contextmanager
def portal(documents: list[bytes], folder: Path) -> Iterator[str]:
    """Serve them by a portal of ours, in a process of its own; yield the address of its CSW."""
    (folder / "records").mkdir()
    for number, document in enumerate(documents):
        (folder / "records" / f"{number}.xml").write_bytes(document)
    import_files(folder / "records", folder / "served")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-u", "-m", "geoguichet.cli", "serve", "--port", port]
    asked = [*command, "--workspace", str(folder / "served")]
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True)
    next(line for line in process.stdout or () if port in line)  # it says when it is ready
    try:
        yield f"http://127.0.0.1:{port}/csw"
    finally:
        process.terminate()
        _, process.returncode, used = os.wait4(process.pid, 0)
        spent = used.ru_utime + used.ru_stime
        print(f"portal: {used.ru_maxrss // 1024} MB, {spent:.1f} s CPU from its start to its end")


#: Searches the catalogue of a workspace until its input ends; prints how many, their median and
#: their 99th percentile in milliseconds.
SEARCHES = """
import random, statistics, sys, threading, time
from pathlib import Path
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import Catalogue
from geoguichet.floor.viewer import MACHINE

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
store, took = Catalogue(Path(sys.argv[1])), []
while not ended.wait(0.1):
    asked = {"q": f"jeu {random.randrange(100_000):06}", "facets": "type", "limit": "10"}
    began = time.perf_counter()
    store.search(RecordQuery.from_parameters(asked), viewer=MACHINE)
    took.append((time.perf_counter() - began) * 1000)
cuts = statistics.quantiles(took, n=100, method="inclusive")
print(f"{len(took)} searches: median {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
"""


@contextmanager
def searched(workspace: Path) -> Iterator[None]:
    """Search a workspace meanwhile; print how long the searches took."""
    command = [sys.executable, "-c", SEARCHES, str(workspace)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        print(process.communicate("")[0].strip())


@contextmanager
def script(documents: list[bytes], _folder: Path) -> Iterator[str]:
    """Serve them as they are; yield the address."""
    server = serve(documents)
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--portal", action="store_true")
    asked = parser.parse_args()
    documents = [made(number) for number in range(asked.records)]
    serving = portal if asked.portal else script
    with tempfile.TemporaryDirectory() as folder, serving(documents, Path(folder)) as address:
        workspace = Path(folder) / "harvested"
        for name in ("first", "second"):
            start, cpu = time.perf_counter(), time.process_time()
            source = Csw(address)
            with searched(workspace):
                done = harvest(source, workspace, name="banc", kind="csw")
            with SQLiteStore(store_path(workspace)) as store:
                generation = store.generation(viewer=MACHINE)
            wall, spent = time.perf_counter() - start, time.process_time() - cpu
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{name}: {peak} MB, {wall:.1f} s ({spent:.1f} s CPU), {dict(done.counts)}, {done.status}, "
                f"generation {generation}"
            )


if __name__ == "__main__":
    main()
