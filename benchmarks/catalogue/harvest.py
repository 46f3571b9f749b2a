"""A harvest of many records, then the same again: the second must write nothing to the catalogue.

    python benchmarks/catalogue/harvest.py [--records 10000]

The records are made here, served as pages of CSW by a server of the script's own, in a folder that
is removed.
"""

import argparse
import re
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.harvest.run import harvest
from geoguichet.catalogue.intake.harvest.xml_protocols import Csw
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path


def made(number: int) -> bytes:
    box = Extent(number % 100 / 50, 43, number % 100 / 50 + 0.1, 43.1)
    record = Record(
        id=f"jeu-{number:06}",
        type="dataset",
        title=f"Jeu {number}",
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    server = serve([made(number) for number in range(parser.parse_args().records)])
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        for name in ("first", "second"):
            start, cpu = time.perf_counter(), time.process_time()
            source = Csw(f"http://127.0.0.1:{server.server_port}/")
            done = harvest(source, workspace, name="banc", kind="csw")
            with SQLiteStore(store_path(workspace)) as store:
                generation = store.generation()
            wall, spent = time.perf_counter() - start, time.process_time() - cpu
            print(
                f"{name}: {wall:.1f} s ({spent:.1f} s CPU), {dict(done.counts)}, {done.status}, "
                f"generation {generation}"
            )
    server.shutdown()


if __name__ == "__main__":
    main()
