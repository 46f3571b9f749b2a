"""CPU milliseconds a request, over HTTP, of our portal and of its peers: same records, same run,
turn by turn.

    python benchmarks/catalogue/run.py --records 100000 --peer-records 10000
    python benchmarks/catalogue/run.py --records 1000000 --peer-records 0    (ours alone)

Every server is a process of its own on this machine; what is counted is the processor time of that
process. Our portal is asked at both sizes, pygeoapi's TinyDBCatalogue at the smaller one: it parses
its whole file each time. "q, other words" is a word that this server was not asked before, each
time: ours remembers what its index of words answered until the next change. Given `--pycsw URL
--pycsw-pid PID`, a pycsw already loaded with the same records is asked the same questions.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from records import documents

REPETITIONS = 4
ITEM = "fr-00000042"
OURS = {
    "item": f"/items/{ITEM}",
    "list": "/items?limit=10",
    "q=forêt": "/items?q=forêt",
    "q=rivière": "/items?q=riviere",
    "q=commune (common)": "/items?q=commune",
    "q, other words": "/items?q=WORD",
    "bbox": "/items?bbox=1,43,1.5,43.5",
    "q+bbox+type": "/items?q=eau&bbox=0,42,3,45&type=dataset",
    "keyword": "/items?keywords=biodiversité",
    "filter": "/items?filter=title LIKE 'Forêt%25' AND S_INTERSECTS(geometry,BBOX(1,43,2,44))",
    "sort by title": "/items?sortby=title",
    "offset 9000": "/items?offset=9000",
    "q + 5 facets": "/items?q=forêt&facets=type,keywords,themes,organization,license",
    "common q + 5 facets": "/items?q=commune&facets=type,keywords,themes,organization,license",
    "5 facets": "/items?facets=type,keywords,themes,organization,license",
    "page (HTML)": "/items?q=forêt&f=html",
}
TINYDB = {
    name: OURS[name]
    for name in (
        "item",
        "list",
        "q=forêt",
        "q=rivière",
        "q, other words",
        "bbox",
        "offset 9000",
        "page (HTML)",
    )
}
TINYDB |= {
    "q+bbox+type": "/items?q=eau&bbox=0,42,3,45&type=dataset",
    "sort by title": "/items?sortby=title",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--peer-records", type=int, default=10_000)
    parser.add_argument(
        "--folder", type=Path, help="keep the loaded stores here and use them again"
    )
    parser.add_argument(
        "--pycsw", help="the address of a collection of a pycsw, …/collections/metadata:main"
    )
    parser.add_argument("--pycsw-pid", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(
            given.folder or Path(folder),
            given.records,
            given.peer_records,
            given.pycsw,
            given.pycsw_pid,
        )


def compare(folder: Path, many: int, few: int, pycsw: str | None, pycsw_pid: int | None) -> None:
    for count in filter(None, (many, few)):
        load(folder / str(count), count)
    if not few:
        with served(ours(folder / str(many))) as server:
            column = f"ours {many}"
            print(
                table(asked_in_turn({column: (server, OURS, "/collections/catalogue")}), [column])
            )
            print(f"\nmemory of our server at {many} records: {memory_mb(server[0]):.0f} MB")
        return
    write_tinydb(folder / "tinydb.json", few)
    with (
        served(ours(folder / str(many))) as large,
        served(ours(folder / str(few))) as small,
        served(stock(folder)) as tinydb,
    ):
        columns = {
            f"ours {many}": (large, OURS, "/collections/catalogue"),
            f"ours {few}": (small, OURS, "/collections/catalogue"),
            f"TinyDB {few}": (tinydb, TINYDB, "/collections/catalogue"),
        }
        if pycsw:
            columns["pycsw"] = (
                (pycsw_pid, pycsw.partition("/collections")[0]),
                TINYDB,
                pycsw[pycsw.index("/collections") :],
            )
        times = asked_in_turn(columns)
        print(table(times, list(columns)))
        print(f"\nmemory of our server at {many} records: {memory_mb(large[0]):.0f} MB")


def asked_in_turn(columns: dict) -> dict[str, dict[str, float]]:
    """Return the median CPU ms of each question on each server; slow ones are asked less often."""
    times: dict[str, dict[str, list[float]]] = {
        name: {column: [] for column in columns} for name in OURS
    }
    words = {column: iter(other_words()) for column in columns}
    for turn in range(REPETITIONS + 1):
        for name in OURS:
            for column, ((pid, url), paths, home) in columns.items():
                slow = times[name][column] and times[name][column][0] > 300 and turn > 2
                if name not in paths or slow:
                    continue
                spent = cost_ms(pid, url + home + paths[name], words[column])
                if turn:  # the first answer warms up
                    times[name][column].append(spent)
    return {
        name: {c: statistics.median(v) for c, v in row.items() if v} for name, row in times.items()
    }


def other_words() -> list[str]:
    """Return frequent words, one of each stem, those that other questions ask left out."""
    from geoguichet.catalogue.text import stems

    head = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))["head"]
    by_stem = {stems(word): word for word in head if stems(word)}
    return [
        word
        for stem, word in by_stem.items()
        if stem not in map(stems, ("commune", "forêt", "rivière", "eau"))
    ]


def cost_ms(pid: int, address: str, words: Iterator[str]) -> float:
    repeats = 5
    before, clock = cpu_s(pid), time.perf_counter()
    done = 0
    while done < repeats and time.perf_counter() - clock < 1.5:
        asked = address.replace("WORD", next(words)) if "WORD" in address else address
        got = urllib.request.Request(
            urllib.parse.quote(asked, safe=":/?&=%,()'"), headers={"Accept": "*/*"}
        )
        with urllib.request.urlopen(got, timeout=300) as answer:
            answer.read()
        done += 1
    return (cpu_s(pid) - before) / done * 1000


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, to the microsecond where Linux tells it."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0]) / 1e9
    return total


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1000


def load(workspace: Path, count: int) -> None:
    from geoguichet.catalogue.record import Record
    from geoguichet.catalogue.search.store import SQLiteStore, store_path

    path = store_path(workspace)
    if path.exists():
        return
    making = 0.0

    def made() -> Iterator[Record]:
        nonlocal making
        generated = documents(count)
        while True:
            before = time.process_time()
            document = next(generated, None)
            making += time.process_time() - before
            if document is None:
                return
            yield Record.from_geojson(document)

    before, clock = time.process_time(), time.perf_counter()
    with SQLiteStore(path) as store:
        store.bulk_upsert(made())
    spent = time.process_time() - before - making
    clock = time.perf_counter() - clock
    print(f"{count} records: {count / spent:.0f} parsed and loaded a CPU second ({clock:.0f} s with making them), "
          f"{path.stat().st_size / count:.0f} bytes a record", flush=True)  # fmt: skip


def write_tinydb(path: Path, count: int) -> None:
    if not path.exists():
        path.write_text(
            json.dumps({"_default": {str(n): d for n, d in enumerate(documents(count), 1)}})
        )


def ours(workspace: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "geoguichet.cli",
        "serve",
        "--workspace",
        str(workspace),
        "--port",
        "{port}",
    ]


def stock(folder: Path) -> list[str]:
    """Return the command of an unchanged pygeoapi on its TinyDBCatalogue, by its Starlette
    application.
    """
    script = folder / "stock.py"
    script.write_text(STOCK.replace("FOLDER", str(folder)))
    return [sys.executable, str(script), "{port}"]


STOCK = """
import os, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import yaml
port = sys.argv[1]
url = f"http://127.0.0.1:{port}"
config = {
    "server": {"bind": {"host": "127.0.0.1", "port": int(port)}, "url": url, "mimetype": "application/json",
               "encoding": "utf-8", "language": "en-US", "map": {"url": "x", "attribution": ""},
               "limits": {"default_items": 10, "max_items": 10000}},
    "logging": {"level": "ERROR"},
    "metadata": {"identification": {"title": "t", "description": "d", "keywords": ["k"], "keywords_type": "theme",
                 "terms_of_service": url, "url": url}, "license": {"name": "l", "url": url},
                 "provider": {"name": "p", "url": url}, "contact": {"name": "c"}},
    "resources": {"catalogue": {"type": "collection", "title": "c", "description": "d", "keywords": ["k"], "links": [],
        "extents": {"spatial": {"bbox": [-180, -90, 180, 90], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [{"type": "record", "name": "TinyDBCatalogue", "data": "FOLDER/tinydb.json",
                       "id_field": "externalId", "time_field": "created", "title_field": "title"}]}},
}
Path("FOLDER/stock.yml").write_text(yaml.safe_dump(config))
from pygeoapi.openapi import get_oas
Path("FOLDER/stock-openapi.yml").write_text(yaml.safe_dump(get_oas(config, fail_on_invalid_collection=False)))
os.environ["PYGEOAPI_CONFIG"], os.environ["PYGEOAPI_OPENAPI"] = "FOLDER/stock.yml", "FOLDER/stock-openapi.yml"
import uvicorn
from pygeoapi.starlette_app import APP
uvicorn.run(APP, port=int(port), log_level="error", access_log=False)
"""


@contextmanager
def served(command: list[str]) -> Iterator[tuple[int, str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [part.format(port=port) for part in command], stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/conformance?f=json", timeout=60).close()
                break
            except OSError:
                time.sleep(0.2)
        yield process.pid, url
    finally:
        process.terminate()
        process.wait()


def table(times: dict[str, dict[str, float]], columns: list[str]) -> str:
    ours_small = columns[min(1, len(columns) - 1)]
    peers = columns[2:]
    lines = [
        "| question | "
        + " | ".join(columns)
        + " | "
        + " | ".join(f"{p} ÷ ours" for p in peers)
        + " |"
    ]
    lines.append("|" + " --- |" * (1 + len(columns) + len(peers)))
    for name, row in times.items():
        cells = [f"{row[column]:.2f}" if column in row else "" for column in columns]
        same = columns[0] if "pycsw" in peers else ours_small
        ratios = [
            f"{row[p] / row[ours_small if 'TinyDB' in p else same]:.0f}" if p in row else ""
            for p in peers
        ]
        lines.append(f"| {name} | " + " | ".join(cells + ratios) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
