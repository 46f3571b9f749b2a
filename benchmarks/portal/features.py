"""Features of 61,507 points: CPU of the server a request, ours beside stock pygeoapi with its
GeoPackage provider, datasette and tipg over PostGIS where they are installed, over the same rows in
the same run.

    python benchmarks/portal/features.py [--file DIRECTORY.csv] [--pygeoapi PYTHON]
        [--datasette PROGRAM] [--tipg PYTHON --database postgresql://... --postmaster PID] [--gdal]

Without ``--file`` (the directory of the DILA as published in 2020) the points are made here.
``--gdal`` copies the whole collection by ogr2ogr too, which pages by ten before GDAL 3.7.
``--pygeoapi`` is a Python that has pygeoapi, starlette and uvicorn, and whose sqlite3 loads
Debian's libsqlite3-mod-spatialite. Each peer reads a copy of the file, for pygeoapi's provider
writes into it. Each question is asked once before it is measured; ``-`` is what a peer does not
answer, or answers with other rows than ours. ``--tipg`` is a Python that has tipg and uvicorn;
its rows are put by ogr2ogr into the table ``services`` of ``--database``, which has PostGIS, and the CPU
of the children of ``--postmaster`` is counted with its own.
"""

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import permutations
from pathlib import Path

import requests
import yaml

from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.versions.store import ReferentialStore

ROWS, NAME = 61_507, "annuaire"
HEADER = (
    "id,category,name,email,phone,wheelchair_access,latitude,longitude,geoloc_precision,address\n"
)
KINDS = ("mairie", "gendarmerie", "caf", "cpam", "pole_emploi", "prefecture", "tresorerie")
ASKED: Mapping[str, Mapping[str, str]] = {
    "10 rows": {"limit": "10"},
    "1,000 rows": {"limit": "1000"},
    "10 rows after 50,000": {"limit": "10", "offset": "50000"},
    "10 rows in a box of France": {"limit": "10", "bbox": "-5.6,41.2,9.8,51.3"},
    "1,000 rows in a box of a city": {"limit": "1000", "bbox": "1.3,43.4,1.6,43.8"},
    "10 rows of a type": {"limit": "10", "type": "gendarmerie"},
    "10 rows sorted by name": {"limit": "10", "sortby": "name"},
    "10 rows of a type, sorted": {"limit": "10", "type": "gendarmerie", "sortby": "-name"},
    "10 rows of a filter": {
        "limit": "10", "filter": "type = 'gendarmerie' AND name LIKE '%rmerie%'",
    },
    "10 rows with a word": {"limit": "10", "q": "gendarmerie"},
}  # fmt: skip
#: What people ask of each peer, by its name; what it has not is left out.
PAGES: Mapping[str, Mapping[str, str]] = {
    "home, as a page": {"ours": "/", "pygeoapi": "/?f=html", "datasette": "/", "tipg": "/?f=html"},
    "ten rows, as a page": {
        "ours": f"/collections/referentiel-{NAME}/items?f=html",
        "pygeoapi": f"/collections/{NAME}/items?f=html&limit=10",
        "datasette": "/data/services?_size=10",
        "tipg": "/collections/public.services/items?f=html&limit=10",
    },
    "suggestions": {"ours": "/suggestions?q=saint"},
}
#: What a tile tells of each, unless it is asked for other columns.
COLUMNS = ("name", "type", "hours_per_week", "itinerant", "inside", "source_row")
#: Tiles: of the world, of half of France, of a département, of a commune.
TILES = ("0/0/0", "5/11/16", "8/93/129", "11/749/1032")


def made(path: Path) -> Path:
    draw = random.Random(17)
    with path.open("w", encoding="utf-8") as rows:
        rows.write(HEADER)
        for number in range(ROWS):
            kind, commune = draw.choice(KINDS), f"{draw.randint(1, 95):02}{draw.randint(1, 600):03}"
            place = f"{draw.uniform(42.5, 50.8):.5f},{draw.uniform(-4, 7.5):.5f}"
            rows.write(
                f'"{kind}-{commune}-{number}","{kind}","{kind.title()} {draw.random():.6f}","","",'
                f'"",{place},"8","{number} rue du Pont, {commune[:2]}000, Ville {commune}"\n'
            )
    return path


@contextmanager
def started(url: str, *command: object, **environment: str) -> Iterator[int]:
    said = subprocess.DEVNULL
    server = subprocess.Popen(
        [*map(str, command)], env=os.environ | environment, stdout=said, stderr=said
    )
    try:
        for _attempt in range(600):
            try:
                requests.get(url, timeout=30)
                break
            except requests.ConnectionError:
                if server.poll() is not None:
                    sys.exit(f"{' '.join(map(str, command))} did not start")
                time.sleep(0.1)
        yield server.pid
    finally:
        server.terminate()
        server.wait(30)


def spent(process: int, *, families: bool = False) -> float:
    """Return the seconds of CPU of a process; of its children too, and those that ended, if asked."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(map(int, told[11 : 15 if families else 13]))
    own = ticks / os.sysconf("SC_CLK_TCK")
    if not families:
        return own
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return own + sum(spent(int(child)) for child in children)


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def measured(
    spent: Callable[[], float],
    ask: Callable[[], object],
    times: int = 60,
    *,
    expected: object = None,
) -> str:
    try:
        if expected not in (None, ask()):
            return "-"
    except (requests.RequestException, ValueError, KeyError):
        return "-"
    before = spent()
    for _time in range(times):
        ask()
    return f"{(spent() - before) / times * 1000:.1f}"


class Peer:
    """A server of the points: how it is asked a page, and for all of them."""

    def __init__(self, name: str, process: int, items: str) -> None:
        self.name, self.process, self.items = name, process, items
        self.postmaster = 0
        self.session = requests.Session()
        self.session.headers["Accept-Encoding"] = "identity"

    def spent(self) -> float:
        """Return the CPU of all that answers (seconds)."""
        other = spent(self.postmaster, families=True) if self.postmaster else 0.0
        return spent(self.process) + other

    def get(self, address: str, **parameters: str) -> dict:
        answer = self.session.get(address, params=parameters, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def read(self, address: str) -> int:
        return self.session.get(
            address, headers={"Accept": "text/html,*/*"}, timeout=600
        ).status_code

    def page(self, asked: Mapping[str, str]) -> list[str]:
        page = self.get(self.items, f="json", **asked)
        return [one["properties"]["name"] for one in page["features"]]

    def copy(self) -> str:
        before, rows, address = self.spent(), 0, f"{self.items}?f=json&limit=10000"
        while address:
            page = self.get(address)
            rows += len(page["features"])
            steps = [one["href"] for one in page["links"] if one["rel"] == "next"]
            address = steps[0] if steps and page["features"] else ""
        return f"{self.spent() - before:.1f} s ({rows:,} rows)"


class Tipg(Peer):
    """OGC API Features over PostGIS."""

    def page(self, asked: Mapping[str, str]) -> list[str]:
        if "q" in asked:
            raise ValueError(asked)
        told = dict(asked) | ({"filter-lang": "cql2-text"} if "filter" in asked else {})
        page = self.get(self.items, f="geojson", **told)
        return [one["properties"]["name"] for one in page["features"]]

    def copy(self) -> str:
        before, rows = self.spent(), 0
        while page := self.get(self.items, f="geojson", limit="10000", offset=str(rows))[
            "features"
        ]:
            rows += len(page)
        return f"{self.spent() - before:.1f} s ({rows:,} rows)"


class Datasette(Peer):
    def page(self, asked: Mapping[str, str]) -> list[str]:
        if not asked.keys() <= {"limit", "type", "sortby"}:
            raise ValueError(asked)
        told = {"_size": asked["limit"], "_shape": "objects"}
        told |= {"type": asked["type"]} if "type" in asked else {}
        if order := asked.get("sortby"):
            told["_sort_desc" if order.startswith("-") else "_sort"] = order.lstrip("-")
        return [one["name"] for one in self.get(self.items, **told)["rows"]]

    def copy(self) -> str:
        before, rows = self.spent(), 0
        address, told = self.items, {"_size": "1000"}
        while address:
            page = self.get(address, **told)
            rows += len(page["rows"])
            address, told = page.get("next_url") or "", {}
        return f"{self.spent() - before:.1f} s ({rows:,} rows)"


def stock(python: Path, folder: Path, data: Path, port: int) -> dict[str, str]:
    root = Path(__file__).parents[2]
    config = yaml.safe_load((root / "pygeoapi-config.yml").read_text("utf-8"))
    config["server"] |= {"url": f"http://127.0.0.1:{port}", "languages": ["en-US"]}
    config["server"].pop("manager")
    config["resources"] = {
        NAME: {
            "type": "collection", "title": NAME, "description": NAME, "keywords": [NAME],
            "links": [], "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
            "providers": [
                {"type": "feature", "name": "SQLiteGPKG", "data": str(data), "id_field": "fid",
                 "table": "services", "geom_field": "geometry"}
            ],
        }
    }  # fmt: skip
    (folder / "stock.yml").write_text(yaml.safe_dump(config), "utf-8")
    environment = {
        "PYGEOAPI_CONFIG": str(folder / "stock.yml"),
        "PYGEOAPI_OPENAPI": str(folder / "openapi.yml"),
    }
    program = python.parent / "pygeoapi"
    generating = [program, "openapi", "generate", folder / "stock.yml", "--output-file",
                  folder / "openapi.yml"]  # fmt: skip
    subprocess.run(generating, env=os.environ | environment, check=True, capture_output=True)
    return environment


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path)
    parser.add_argument("--pygeoapi", type=Path)
    parser.add_argument("--datasette")
    parser.add_argument("--tipg", type=Path)
    parser.add_argument("--database")
    parser.add_argument("--postmaster", type=int, default=0)
    parser.add_argument("--gdal", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = given.file or made(folder / "annuaire.csv")
        store = ReferentialStore(folder / "ours" / "referentials")
        reading = FORMATS["dila-2020"].read(source)
        version = store.put(NAME, reading, origin=source, reader="dila-2020")
        data = store.path(version)
        urls = [f"http://127.0.0.1:{free()}" for _ in range(4)]
        ports = [url.rpartition(":")[2] for url in urls]
        serving = [sys.executable, "-m", "geoguichet.cli", "serve", "--workspace", folder / "ours",
                   "--port", ports[0]]  # fmt: skip
        with ExitStack() as servers:
            ours = servers.enter_context(started(urls[0], *serving))
            peers = [Peer("ours", ours, f"{urls[0]}/collections/referentiel-{NAME}/items")]
            if given.pygeoapi:
                command = [given.pygeoapi, "-m", "uvicorn", "pygeoapi.starlette_app:APP", "--port",
                           ports[1], "--log-level", "error"]  # fmt: skip
                copied = shutil.copy(data, folder / "pygeoapi.gpkg")
                told = stock(given.pygeoapi, folder, copied, int(ports[1]))
                process = servers.enter_context(started(urls[1], *command, **told))
                peers.append(Peer("pygeoapi", process, f"{urls[1]}/collections/{NAME}/items"))
            if given.datasette:
                copied = shutil.copy(data, folder / "data.gpkg")
                command = [given.datasette, "serve", copied, "-p", ports[2]]
                process = servers.enter_context(started(urls[2], *command))
                peers.append(Datasette("datasette", process, f"{urls[2]}/data/services.json"))
            if given.tipg:
                into = ["ogr2ogr", "-f", "PostgreSQL", f"PG:{given.database}", data, "services", "-nln",
                        "services", "-overwrite", "-lco", "GEOMETRY_NAME=geometry"]  # fmt: skip
                subprocess.run(into, check=True, capture_output=True)
                indexes = (
                    "CREATE INDEX ON services (type); CREATE INDEX ON services (name); ANALYZE"
                )
                subprocess.run(
                    ["psql", given.database, "-c", indexes], check=True, capture_output=True
                )
                command = [given.tipg, "-m", "uvicorn", "tipg.main:app", "--port", ports[3],
                           "--log-level", "error"]  # fmt: skip
                told = {"DATABASE_URL": given.database, "TIPG_MAX_FEATURES_PER_QUERY": "10000"}
                process = servers.enter_context(started(urls[3], *command, **told))
                peers.append(Tipg("tipg", process, f"{urls[3]}/collections/public.services/items"))
                peers[-1].postmaster = given.postmaster
            table(peers)
            if given.gdal:
                by_gdal(ours, urls[0])


def table(peers: list[Peer]) -> None:
    print(f"{'ms of CPU a request':32}" + "".join(f"{peer.name:>24}" for peer in peers))
    for name, asked in ASKED.items():
        expected = peers[0].page(asked)
        told = [
            measured(peer.spent, lambda p=peer, a=asked: p.page(a), expected=expected)
            for peer in peers
        ]
        print(f"{name:32}" + "".join(f"{one:>24}" for one in told), flush=True)
    print(f"{'full copy':32}" + "".join(f"{peer.copy():>24}" for peer in peers), flush=True)
    for name, addresses in PAGES.items():
        told = []
        for peer in peers:
            address = peer.items.partition("/collections")[0].partition("/data")[0]
            asked = address + addresses.get(peer.name, "")
            ask = partial(peer.read, asked)
            told.append(measured(peer.spent, ask, expected=200) if peer.name in addresses else "-")
        print(f"{name:32}" + "".join(f"{one:>24}" for one in told), flush=True)
    # a tile of ours is new when its columns come in another order; tipg keeps none
    ours = peers[0]
    tile = f"{ours.items.removesuffix('items')}tiles/WebMercatorQuad"
    for place in TILES:
        orders = map(",".join, permutations(COLUMNS))
        cold = measured(ours.spent, partial(new_tile, ours, f"{tile}/{place}", orders), 20)
        warm = measured(ours.spent, partial(ours.read, f"{tile}/{place}"))
        size = len(ours.session.get(f"{tile}/{place}").content)
        told = f"tile {place:27}{cold:>17} cold{warm:>7} warm ms{size:>9,} bytes"
        for peer in peers:
            if isinstance(peer, Tipg):
                z, y, x = place.split("/")
                address = f"{peer.items.removesuffix('items')}tiles/WebMercatorQuad/{z}/{x}/{y}"
                size = len(peer.session.get(address).content)
                told += (
                    f"   tipg {measured(peer.spent, partial(peer.read, address), 20)} ms{size:>9,}"
                )
        print(told, flush=True)


def new_tile(peer: Peer, address: str, orders: Iterator[str]) -> int:
    return peer.read(f"{address}?properties={next(orders)}")


def by_gdal(process: int, url: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        started_at, before = time.monotonic(), spent(process)
        asked = ["ogr2ogr", "-f", "GPKG", f"{scratch}/x.gpkg", f"OAPIF:{url}",
                 f"referentiel-{NAME}"]  # fmt: skip
        subprocess.run(asked, check=True)
        counted = subprocess.run(
            ["ogrinfo", "-so", "-al", f"{scratch}/x.gpkg"], capture_output=True, check=True
        ).stdout.decode()
        rows = counted.partition("Feature Count: ")[2].partition("\n")[0]
        version = subprocess.run(["ogrinfo", "--version"], capture_output=True, check=True)
        told = time.monotonic() - started_at
        print(
            f"{version.stdout.decode().partition(',')[0]}: {rows} rows in {told:.0f} s, of which "
            f"{spent(process) - before:.0f} s of CPU of the server"
        )


if __name__ == "__main__":
    main()
