"""How a server bears a crowd, a rate and slow clients: here, at an earlier commit, and stock pygeoapi.

    git worktree add ../then 3a38662
    python benchmarks/server/load.py ../then WORKSPACE crowd        (about 5 minutes)
    python benchmarks/server/load.py ../then WORKSPACE rates slow   (about 5 minutes)

WORKSPACE was made by the ``geoguichet demo`` of the earlier commit; each server has a copy of it, with
2,000 records more (those of benchmarks/catalogue/records.py), and is alone while it is measured.

- ``crowd``: 200 clients who ask a light thing every 5 s, for 60 s, while ten others download a whole
  layer again and again, and harvests and studies of the same commit run one after the other beside.
  Prints what half and 99 in 100 of them took.
- ``rates``: requests begun at a steady rate, whatever is answered, 4 s each; the most a second with all
  of them answered and 99 in 100 under 250 ms, the second time if not the first, by one process and by
  two. pygeoapi has the same records in its TinyDBCatalogue and the same kiosks in a file of GeoJSON.
- ``slow``: 99 in 100 of 20 requests a second for 10 s, without and with 1,100 clients who send their
  headers a byte a second.

What a request takes is counted from when it was to begin. Everything shares the cores of one machine.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HERE / "benchmarks" / "catalogue"))
from records import documents  # noqa: E402

RECORDS, CLIENTS, EACH_S, FOR_S = 2000, 200, 5.0, 60.0
SLOW, BOUND_S = 1100, 0.25
#: Requests a second, until a server bears no more.
RATES = (1, 2, 8, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
ITEMS = "/collections/catalogue/items"
#: Ten download without a pause: 5,033 counters.
DOWNLOADS, HEAVY = 10, "/collections/services/items?f={form}"
ONE, PAGE = f"{ITEMS}/fr-00000042?f=json", f"{ITEMS}?f=json&limit=10"
KIOSKS = "/collections/kiosks/items?f=json&limit=10"
CROWD = (ONE, PAGE, f"{ITEMS}?f=json&q=eau", KIOSKS, "/?f=json", "/collections?f=json")
_FILL = """
import json, sys
from pathlib import Path
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import Catalogue
with Catalogue(Path(sys.argv[1])) as store:
    store.bulk_upsert(map(Record.from_geojson, json.loads(Path(sys.argv[2]).read_text())))
"""
_OPENAPI = """
import sys, yaml
from pathlib import Path
from pygeoapi.openapi import get_oas
config = yaml.safe_load(Path(sys.argv[1]).read_text())
Path(sys.argv[2]).write_text(yaml.safe_dump(get_oas(config, fail_on_invalid_collection=False)))
"""


# --- the servers ----------------------------------------------------------------------------------


class Bench:
    """What is served, in a folder that is removed."""

    def __init__(self, workspace: Path, folder: Path) -> None:
        self.workspace, self.folder, self.numbers = workspace, folder, itertools.count()
        self.told = list(documents(RECORDS))
        (folder / "records.json").write_text(json.dumps(self.told))

    def path(self, tree: Path) -> dict[str, str]:
        """Return the environment in which a tree of the project is the one that runs."""
        place = self.folder / f"path-{tree.resolve().name}"
        place.mkdir(exist_ok=True)
        if not (place / "geoguichet").exists():
            (place / "geoguichet").symlink_to(tree.resolve())
        return os.environ | {"PYTHONPATH": str(place), "PYTHONWARNINGS": "ignore"}

    @contextmanager
    def ours(self, tree: Path, *words: str) -> Iterator[tuple[int, Path]]:
        """Serve a copy of the workspace by a tree; yield the port and the copy."""
        home = self.folder / f"workspace-{next(self.numbers)}"
        shutil.copytree(self.workspace, home)
        given = self.path(tree)
        filling = [sys.executable, "-c", _FILL, str(home), str(self.folder / "records.json")]
        subprocess.run(filling, env=given, check=True)
        port = free_port()
        command = [sys.executable, "-m", "geoguichet.cli", "serve", "--workspace", str(home)]
        with running([*command, "--port", str(port), *words], given, port):
            yield port, home

    @contextmanager
    def stock(self, workers: int) -> Iterator[tuple[int, Path]]:
        """Serve the same records and kiosks by pygeoapi as it is."""
        import geopandas as gpd

        folder, port = self.folder / f"stock-{next(self.numbers)}", free_port()
        folder.mkdir()
        (study,) = (self.workspace / "studies").iterdir()
        kiosks = gpd.read_file(study / "result.gpkg", layer="kiosks").to_crs(4326)
        kiosks.to_file(folder / "kiosks.geojson", driver="GeoJSON")
        held = {str(number): one for number, one in enumerate(self.told, 1)}
        (folder / "tinydb.json").write_text(json.dumps({"_default": held}))
        written, openapi = folder / "stock.json", folder / "openapi.yml"
        written.write_text(json.dumps(stock_configuration(folder, port)))
        subprocess.run([sys.executable, "-c", _OPENAPI, str(written), str(openapi)], check=True)
        given = os.environ | {
            "PYGEOAPI_CONFIG": str(written), "PYGEOAPI_OPENAPI": str(openapi), "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "pygeoapi.starlette_app:APP",
            "--port",
            str(port),
        ]
        quiet = ["--log-level", "error", "--no-access-log", "--workers", str(workers)]
        with running([*command, *quiet], given, port):
            yield port, folder


def stock_configuration(folder: Path, port: int) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}"
    world = {"bbox": [-180, -90, 180, 90], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    told = {
        "type": "collection",
        "description": "d",
        "keywords": ["k"],
        "links": [],
        "extents": {"spatial": world},
    }
    records = {"type": "record", "name": "TinyDBCatalogue", "data": str(folder / "tinydb.json"),
               "id_field": "externalId", "time_field": "created", "title_field": "title"}  # fmt: skip
    kiosks = {
        "type": "feature",
        "name": "GeoJSON",
        "data": str(folder / "kiosks.geojson"),
        "id_field": "id",
    }
    return {
        "server": {"bind": {"host": "127.0.0.1", "port": port}, "url": url, "mimetype": "application/json",
                   "encoding": "utf-8", "language": "en-US", "map": {"url": "x", "attribution": ""},
                   "limits": {"default_items": 10, "max_items": 10000}},
        "logging": {"level": "ERROR"},
        "metadata": {"identification": {"title": "t", "description": "d", "keywords": ["k"],
                     "keywords_type": "theme", "terms_of_service": url, "url": url},
                     "license": {"name": "l", "url": url}, "provider": {"name": "p", "url": url},
                     "contact": {"name": "c"}},
        "resources": {"catalogue": {**told, "title": "c", "providers": [records]},
                      "kiosks": {**told, "title": "k", "providers": [kiosks]}},
    }  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    """Run a server while its context lasts, once it has answered what is made once."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            time.sleep(0.2)
        for _time in range(4):
            asyncio.run(steady(port, (ONE, PAGE, KIOSKS), 6, 1))
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


type Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# --- the clients ----------------------------------------------------------------------------------


class Clients:
    """Connections that are kept, and what each request took (seconds; None for one that failed)."""

    def __init__(self, port: int) -> None:
        self.port, self.took, self.idle = port, list[float | None](), list[Pair]()

    async def ask(self, path: str, due_s: float) -> None:
        """Put a request that was to begin at a moment of the loop's clock."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(60):
                is_well = await self._asked(path)
        except (OSError, EOFError, TimeoutError, ValueError):
            self.took.append(None)
        else:
            self.took.append(loop.time() - due_s if is_well else None)

    # As browsers do: a connection that the server closed while nobody used it is no failure.
    async def _asked(self, path: str) -> bool:
        while self.idle:
            with suppress(OSError, EOFError):
                return await self._answered(self.idle.pop(), path)
        return await self._answered(await self._connected(), path)

    async def _connected(self) -> Pair:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def _answered(self, pair: Pair, path: str) -> bool:
        reader, writer = pair
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        else:
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        if b"connection: close" in head:
            writer.close()
        else:
            self.idle.append(pair)
        return head.startswith(b"http/1.1 200")

    def close(self) -> None:
        for _reader, writer in self.idle:
            writer.close()


async def steady(
    port: int, paths: tuple[str, ...], rate: float, for_s: float
) -> list[float | None]:
    """Begin so many requests a second, whatever is answered; return what they took."""
    clients, loop = Clients(port), asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * for_s)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(clients.ask(paths[number % len(paths)], due))
    clients.close()
    return clients.took


async def crowd(port: int) -> tuple[list[float | None], int]:
    """Have the clients look around while others download; return what the requests of those who look
    around took, and how many downloads ended.
    """
    clients, loop, chance = Clients(port), asyncio.get_running_loop(), random.Random(18)
    heavy = Clients(port)
    end = loop.time() + FOR_S

    async def download(form: str) -> None:
        while loop.time() < end:
            await heavy.ask(HEAVY.format(form=form), loop.time())
            await asyncio.sleep(0.1)  # one that is refused tries again

    async def one(first_s: float) -> None:
        due = loop.time() + first_s
        while due < end:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await clients.ask(chance.choice(CROWD), due)
            due = max(due + EACH_S, loop.time())

    async with asyncio.TaskGroup() as group:
        for _client in range(CLIENTS):
            group.create_task(one(chance.random() * EACH_S))
        for number in range(DOWNLOADS):
            group.create_task(download(("csv", "xlsx", "geojson")[number % 3]))
    clients.close()
    heavy.close()
    return clients.took, sum(one is not None for one in heavy.took)


def told(took: list[float | None]) -> tuple[float, float, int]:
    """Return the median and the 99th percentile of what was answered (ms), and how many were not."""
    well = sorted(one for one in took if one is not None)
    failed = len(took) - len(well)
    if not well:
        return float("inf"), float("inf"), failed
    return (
        well[len(well) // 2] * 1000,
        well[min(len(well) - 1, int(len(well) * 0.99))] * 1000,
        failed,
    )


@contextmanager
def slow_clients(port: int) -> Iterator[None]:
    over, clients = threading.Event(), list[socket.socket]()

    def trickle() -> None:
        while not over.wait(1):
            for one in clients:
                with suppress(OSError):
                    one.send(b"a")

    for _client in range(SLOW):
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-a:")
        clients.append(client)
    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for one in clients:
            one.close()


# --- what is measured -----------------------------------------------------------------------------


@contextmanager
def work_beside(bench: Bench, tree: Path, home: Path) -> Iterator[Callable[[], tuple[int, int]]]:
    """Run harvests and studies of a tree one after the other, both at once, in the workspace that is
    served; lends what says how many ended.
    """
    folder, over, ended = bench.folder / "harvested", threading.Event(), [0, 0]
    if not folder.exists():
        folder.mkdir()
        for number, one in enumerate(documents(RECORDS)):
            (folder / f"{number}.json").write_text(json.dumps({**one, "id": f"moisson-{number}"}))
    study = tree / "data" / "studies" / "visioguichets.toml"
    commands = (
        ["catalogue", "harvest", "folder", str(folder)],
        ["coverage", "run", str(study)],
    )

    def repeat(which: int) -> None:
        while not over.is_set():
            if which == 0:  # as if all of it were new
                for one in folder.iterdir():
                    one.write_text(one.read_text().replace('"title": "', '"title": "Encore ', 1))
            line = [
                sys.executable,
                "-m",
                "geoguichet.cli",
                *commands[which],
                "--workspace",
                str(home),
            ]
            process = subprocess.Popen(
                line, env=bench.path(tree), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while process.poll() is None:
                if over.wait(0.2):
                    process.kill()
            process.wait()
            ended[which] += process.returncode == 0

    threads = [threading.Thread(target=repeat, args=(which,)) for which in range(2)]
    for one in threads:
        one.start()
    try:
        yield lambda: (ended[0], ended[1])
    finally:
        over.set()
        for one in threads:
            one.join()


def measure_crowd(bench: Bench, then: Path) -> None:
    for name, tree, words in (
        ("then", then, ()),
        ("now, 1 process", HERE, ()),
        ("now, 2 processes", HERE, ("--workers", "2")),
    ):
        with bench.ours(tree, *words) as (port, home), work_beside(bench, tree, home) as ended:
            took, downloads = asyncio.run(crowd(port))
            median, most, failed = told(took)
            harvests, studies = ended()
            print(f"crowd | {name} | {median:.0f} ms | {most:.0f} ms | {failed} failed | "
                  f"{harvests} harvests, {studies} studies, {downloads} downloads ended | "
                  f"load {os.getloadavg()[0]:.1f}",
                  flush=True)  # fmt: skip


def measure_rates(bench: Bench) -> None:
    kinds = {"records": (ONE, PAGE), "features": (KIOSKS,)}
    servers: dict[str, Callable[[], object]] = {
        "ours, 1 process": lambda: bench.ours(HERE),
        "ours, 2 processes": lambda: bench.ours(HERE, "--workers", "2"),
        "pygeoapi, 1 process": lambda: bench.stock(1),
        "pygeoapi, 2 processes": lambda: bench.stock(2),
    }
    for name, begun in servers.items():
        with begun() as (port, _home):
            for kind, paths in kinds.items():
                borne, last = 0.0, (0.0, 0.0, 0)
                for rate in RATES:
                    last = told(asyncio.run(steady(port, paths, rate, 4)))
                    if last[2] or last[1] >= BOUND_S * 1000:
                        last = told(asyncio.run(steady(port, paths, rate, 4)))  # others' noise
                        if last[2] or last[1] >= BOUND_S * 1000:
                            break
                    borne = rate
                print(f"rates | {name} | {kind} | {borne:g} a second | then {last[1]:.0f} ms, "
                      f"{last[2]} failed | load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip


def measure_slow(bench: Bench, then: Path) -> None:
    for name, tree in (("then", then), ("now", HERE)):
        with bench.ours(tree) as (port, _home):
            alone = told(asyncio.run(steady(port, (ONE, PAGE), 20, 10)))
            with slow_clients(port):
                beside = told(asyncio.run(steady(port, (ONE, PAGE), 20, 10)))
        print(f"slow | {name} | alone {alone[0]:.0f} and {alone[1]:.0f} ms | with {SLOW} slow clients "
              f"{beside[0]:.0f} and {beside[1]:.0f} ms, {beside[2]} failed", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("then", type=Path, help="the earlier commit, checked out")
    parser.add_argument("workspace", type=Path, help="made by geoguichet demo, then")
    parser.add_argument("what", nargs="+", choices=("crowd", "rates", "slow"))
    given = parser.parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(given.workspace, Path(scratch))
        for what in given.what:
            if what == "crowd":
                measure_crowd(bench, given.then)
            elif what == "rates":
                measure_rates(bench)
            else:
                measure_slow(bench, given.then)


if __name__ == "__main__":
    main()
