"""Small road networks for the tests, and a Dijkstra that shares no code with ours."""

import heapq
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoguichet.coverage.routers.network import Network
from geoguichet.referentials.roads.network_file import RoadSource, assemble, write_network
from geoguichet.referentials.roads.sources import from_frame

ORIGIN = (1.0, 44.0)
STEP = 0.01  # degrees: about 800 m east, 1,111 m north

FIELDS = {
    field: field
    for field in ("class", "name", "oneway", "access", "speed_kmh", "length_m", "seconds")
}


def at(x: float, y: float) -> tuple[float, float]:
    return ORIGIN[0] + x * STEP, ORIGIN[1] + y * STEP


def points(*places: tuple[float, float] | None) -> gpd.GeoSeries:
    return gpd.GeoSeries(
        [None if place is None else shapely.Point(at(*place)) for place in places], crs="EPSG:4326"
    )


def make_network(path: Path, roads: Iterable[dict[str, Any]]) -> Network:
    """Write and open a network; a road is its ``line`` of grid places and any of the fields."""
    table = pd.DataFrame(list(roads))
    geometry = [shapely.LineString([at(*place) for place in line]) for line in table.pop("line")]
    table = table.reindex(columns=list(FIELDS))
    frame = gpd.GeoDataFrame(table, geometry=geometry, crs="EPSG:4326")
    lines = from_frame(frame, mapping=FIELDS, where="test")
    write_network(path, *assemble(lines, sources=[RoadSource("test", "", "test")]))
    return Network.open(path)


def dijkstra(arcs: Iterable[tuple[Any, Any, float]], sources: Iterable[Any]) -> dict[Any, float]:
    """Cost from every node to its nearest source along the arcs (tail, head, cost): a plain heap,
    no numpy. Sources with costs (a mapping) begin at them.
    """
    into: dict[Any, list[tuple[Any, float]]] = {}
    for tail, head, cost in arcs:
        into.setdefault(head, []).append((tail, cost))
    done: dict[Any, float] = {}
    first = dict(sources) if isinstance(sources, dict) else dict.fromkeys(sources, 0.0)
    heap = [(cost, number, source) for number, (source, cost) in enumerate(first.items())]
    heapq.heapify(heap)
    count = len(heap)
    while heap:
        cost, _, node = heapq.heappop(heap)
        if node in done:
            continue
        done[node] = cost
        for tail, more in into.get(node, ()):
            if tail not in done:
                count += 1
                heapq.heappush(heap, (cost + more, count, tail))
    return done


def in_stages(
    free: list[tuple[Any, Any, float]],
    held: list[tuple[Any, Any, float]],
    sources: Iterable[Any],
    behind: Iterable[Any] = (),
) -> dict[Any, float]:
    """Cost from every node to its nearest source where held arcs are followed at the two ends alone:
    some held ones, then free ones, then held ones; held arcs lead to the sources ``behind``.
    """
    last = dijkstra(held, behind)
    middle = dijkstra(free, last | dict.fromkeys(sources, 0.0))
    return dijkstra(held, middle)


def position_of_nodes(net: Network) -> dict[tuple[int, int], int]:
    """Node number by its coordinates in ten-millionths of a degree."""
    pairs = zip(net.arrays["node_lon"].tolist(), net.arrays["node_lat"].tolist(), strict=True)
    return {pair: number for number, pair in enumerate(pairs)}


def stored(lon: float, lat: float) -> tuple[int, int]:
    return int(np.round(lon * 1e7)), int(np.round(lat * 1e7))


@pytest.fixture(scope="session")
def lab() -> SimpleNamespace:
    """What these tests build with: test modules do not import each other."""
    tools = (at, points, make_network, dijkstra, in_stages, position_of_nodes, stored)
    return SimpleNamespace(STEP=STEP, **{tool.__name__: tool for tool in tools})


@pytest.fixture(scope="session")
def regional(region_roads: Path) -> Network:
    """Return all A, N and D roads of Midi-Pyrénées and its neighbours."""
    return Network.open(region_roads)
