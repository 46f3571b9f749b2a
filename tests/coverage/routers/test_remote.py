"""OSRM and Valhalla: a stub that speaks their formats over real HTTP, then the engines themselves
in this process.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.remote import (
    OsrmRouter,
    ValhallaRouter,
    osrm_in_process,
    valhalla_in_process,
)
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.referentials.roads.sources import make_network

SEA, ISLAND = -4.0, 5.0  # longitudes: no road there; a road that leads nowhere


class Stub(BaseHTTPRequestHandler):
    """A country where 0.01 degree of longitude is a minute eastward, two minutes westward, and
    roads are 50 m away.
    """

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.asked.append(self.path)
        places = [
            tuple(map(float, place.split(","))) for place in url.path.split("/")[-1].split(";")
        ]
        query = parse_qs(url.query)
        pick = {
            side: [places[int(i)] for i in query[side][0].split(";")]
            for side in ("sources", "destinations")
        }
        if len(places) > 100:
            return self.answer(400, {"code": "TooBig", "message": "Too many table coordinates"})
        for number, (lon, _) in enumerate(places):
            if lon == SEA:
                said = f"Could not find a matching segment for coordinate {number}"
                return self.answer(400, {"code": "NoSegment", "message": said})
        body = {
            "code": "Ok",
            "durations": [[seconds(a, b) for b in pick["destinations"]] for a in pick["sources"]],
            **{
                side: [
                    {
                        "hint": "",
                        "location": list(p),
                        "distance": 5000.0 if p[0] == 9.0 else 50.0,
                        "name": "",
                    }
                    for p in some
                ]
                for side, some in pick.items()
            },
        }
        return self.answer(200, body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(json.dumps(body))
        assert self.path == "/sources_to_targets" and body["costing"] == "auto"
        sides = [
            [(place["lon"], place["lat"]) for place in body[side]]
            for side in ("sources", "targets")
        ]
        if any(lon == SEA for side in sides for lon, _ in side):
            error = {
                "error_code": 171,
                "error": "No suitable edges near location",
                "status_code": 400,
                "status": "Bad Request",
            }
            return self.answer(400, error)
        rows = [
            [
                {
                    "from_index": i,
                    "to_index": j,
                    "time": seconds(a, b),
                    "distance": None if seconds(a, b) is None else 1.0,
                }
                for j, b in enumerate(sides[1])
            ]
            for i, a in enumerate(sides[0])
        ]
        return self.answer(200, {"sources_to_targets": rows, "units": "kilometers"})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def seconds(a: tuple[float, float], b: tuple[float, float]) -> float | None:
    if (a[0] == ISLAND) != (b[0] == ISLAND):
        return None
    east = (b[0] - a[0]) * 100
    return round(60 * east if east >= 0 else -120 * east, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stub) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def row(*lon: float | None) -> gpd.GeoSeries:
    return gpd.GeoSeries(
        [None if x is None else shapely.Point(x, 44.0) for x in lon], crs="EPSG:4326"
    )


@pytest.mark.parametrize("kind", [OsrmRouter, ValhallaRouter])
def test_both_servers_answer_as_our_routers_do(kind: Any, server: str) -> None:
    router = kind(server)
    walk = 2 * 50 * 3.6 / 4 if kind is OsrmRouter else 0.0
    origins, services = row(1.00, 1.05, None, SEA, ISLAND), row(1.02, 1.01, SEA)
    found = router.nearest(origins, services)
    assert found.destination.tolist() == [1, 0, -1, -1, -1]
    assert np.allclose(found.cost[:2], [60 + walk, 360 + walk]) and np.isnan(found.cost[2:]).all()
    assert found.reason.tolist() == ["", "", "not_located", "no_path", "no_path"]
    matrix = router.costs(origins, services, limit=120.0 + walk)
    assert list(zip(matrix.origin, matrix.destination, strict=True)) == [(0, 0), (0, 1)], (
        "the limit itself is reached"
    )
    assert (
        router.nearest(origins, services, limit=100.0 + walk).reason.tolist()[1] == "beyond_limit"
    )
    assert router.nearest(origins, row(None)).reason.tolist()[0] == "no_service"


def test_requests_stay_under_the_servers_limit(server: str) -> None:
    Stub.asked.clear()
    found = OsrmRouter(server).nearest(row(*np.linspace(1, 2, 120)), row(*np.linspace(1, 2, 70)))
    assert (found.destination >= 0).all() and len(Stub.asked) == 3 * 2
    assert (
        Stub.asked[0].startswith("/table/v1/driving/1.000000,44.000000;")
        and "annotations=duration" in Stub.asked[0]
    )
    with pytest.raises(RoutingError, match="TooBig"):
        OsrmRouter(server, block=300).nearest(
            row(*np.linspace(1, 2, 120)), row(*np.linspace(1, 2, 70))
        )


def test_a_point_far_from_any_road_is_not_moved_there(server: str) -> None:
    """OSRM snaps at any distance: a point 5 km from its road gets no time."""
    found = OsrmRouter(server, max_access_m=1500).nearest(row(9.0, 1.0), row(1.0))
    assert np.isnan(found.cost[0]) and found.cost[1] == pytest.approx(90.0)


def test_a_server_that_does_not_answer_is_one_sentence(server: str) -> None:
    with pytest.raises(RoutingError, match="ne répond pas"):
        OsrmRouter("http://127.0.0.1:9").nearest(row(1.0), row(1.0))
    with pytest.raises(RoutingError, match="est la forme attendue"):
        ValhallaRouter("localhost:8002").nearest(row(1.0), row(1.0))
    with pytest.raises(RoutingError, match="table de 1 × 1"):
        OsrmRouter(lambda *_: {"code": "Ok", "durations": [[1, 2]], "sources": [{"distance": 0}],
        "destinations": [{"distance": 0}]}).nearest(row(1.0), row(1.0))  # fmt: skip
    with pytest.raises(RoutingError, match="illisible"):
        ValhallaRouter(lambda *_: {"sources_to_targets": [[{"time": "soon"}]]}).nearest(
            row(1.0), row(1.0)
        )


# --- the engines themselves, on Andorra
# ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def andorra(ground: Path) -> Path:
    return ground / "network" / "osm" / "andorra-2025-01-19.osm.pbf"


@pytest.fixture(scope="module")
def towns(andorra: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Ten junctions of Andorra's main roads, and our own router there."""
    path = tmp_path_factory.mktemp("andorra") / "andorra.roads"
    make_network([andorra], path)
    network = Network.open(path)
    router = RoadRouter(network)
    main = np.flatnonzero(
        np.isin(network.arrays["edge_class"], [2, 4, 6])
    )  # trunk, primary, secondary
    nodes = np.unique(network.arrays["edge_from"][main])[::60][:12]
    return SimpleNamespace(points=network.node_points().iloc[nodes], ours=router)


def _alike(router: Any, towns: SimpleNamespace) -> None:
    """Other speeds, other costs of turning; the same country all the same."""
    theirs = router.costs(towns.points, towns.points, limit=1e6)
    ours = towns.ours.costs(towns.points, towns.points, limit=1e6)
    both = {
        (i, j): c for i, j, c in zip(theirs.origin, theirs.destination, theirs.cost, strict=True)
    }
    pairs = [
        (c, both[i, j])
        for i, j, c in zip(ours.origin, ours.destination, ours.cost, strict=True)
        if (i, j) in both and c > 300
    ]
    assert len(pairs) > 50
    ratio = np.median([their / our for our, their in pairs])
    assert 0.6 < ratio < 1.7
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.9


def test_osrm_itself(andorra: Path, towns: SimpleNamespace, tmp_path: Path) -> None:
    osrm = pytest.importorskip("osrm", reason="osrm-bindings (extra osrm) is not installed")
    room = Path(osrm.__file__).parent
    profile = next(room.rglob("car.lua"))
    (tmp_path / "x.osm.pbf").write_bytes(andorra.read_bytes())
    for tool, *rest in (
        ("osrm-extract", "-p", str(profile), str(tmp_path / "x.osm.pbf")),
        ("osrm-partition", str(tmp_path / "x.osrm")),
        ("osrm-customize", str(tmp_path / "x.osrm")),
    ):
        subprocess.run(
            [str(room / "bin" / tool), "-t", "1", *rest], check=True, capture_output=True
        )
    router = OsrmRouter(osrm_in_process(tmp_path / "x.osrm"))
    _alike(router, towns)
    far = gpd.GeoSeries([shapely.Point(1.30, 42.75)], crs="EPSG:4326")  # no road for kilometres
    assert np.isnan(router.nearest(far, towns.points).cost[0])


def test_valhalla_itself(andorra: Path, towns: SimpleNamespace, tmp_path: Path) -> None:
    valhalla = pytest.importorskip(
        "valhalla", reason="pyvalhalla (extra valhalla) is not installed"
    )
    config = valhalla.get_config(tile_extract="", tile_dir=str(tmp_path))
    config["mjolnir"]["concurrency"] = 1
    config["mjolnir"]["logging"] = {"type": ""}
    for part in ("loki", "thor", "odin", "meili"):
        config.get(part, {}).get("logging", {}).update(type="")
    (tmp_path / "v.json").write_text(json.dumps(config))
    build = Path(valhalla.__file__).parent / "bin" / "valhalla_build_tiles"
    subprocess.run(
        [str(build), "-c", str(tmp_path / "v.json"), str(andorra)], check=True, capture_output=True
    )
    router = ValhallaRouter(valhalla_in_process(config))
    _alike(router, towns)
    far = gpd.GeoSeries([shapely.Point(1.30, 42.75)], crs="EPSG:4326")
    assert np.isnan(router.nearest(far, towns.points).cost[0])
