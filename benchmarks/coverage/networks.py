"""Nearest service of 12 types on a generated road network: ours, bare scipy, and the peers, in one
run.

python benchmarks/coverage/networks.py --nodes 1000000 --edges 1500000 --peers PYTHON_OF_THE_PEERS
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from generated import road_lines
from scipy import sparse
from scipy.sparse import csgraph

from geoguichet.coverage.routers.network import Doors, Graph, Network, nearest_place
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.referentials.roads.network_file import DEGREE, RoadSource, assemble, write_network

TYPES, SERVICES = 12, 3_000


def main() -> None:
    """Build, measure, print one JSON object and a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--edges", type=int, default=1_500_000)
    parser.add_argument(
        "--peers",
        type=Path,
        help="the Python of an environment with benchmarks/coverage/requirements.txt",
    )
    parser.add_argument(
        "--engines", nargs="*", default=["networkit", "pandana"], help="peers to run"
    )
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(asked, Path(folder))
    print(json.dumps(rows, indent=1))
    base = rows["scipy, search only"]["cpu_s"]
    print("| engine | CPU s | ratio to bare scipy | peak MB |\n| --- | ---: | ---: | ---: |")
    for name, row in rows.items():
        if "cpu_s" in row:
            print(
                f"| {name} | {row['cpu_s']:.2f} | {row['cpu_s'] / base:.2f} | "
                f"{row.get('peak_mb', float('nan')):.0f} |"
            )


def measured(asked: argparse.Namespace, folder: Path) -> dict[str, dict[str, float]]:
    """Return CPU seconds (median of the rounds, interleaved) of each engine for all 12 types."""
    rows: dict[str, dict[str, float]] = {}
    lines = road_lines(asked.nodes, asked.edges)
    clock = time.process_time()
    arrays, names, manifest = assemble(lines, sources=[RoadSource("generated", "", "generated")])
    path = folder / "generated.roads"
    write_network(path, arrays, names, manifest)
    rows["(network file, once)"] = {
        "assemble_cpu_s": time.process_time() - clock,
        "mb": path.stat().st_size / 1e6,
    }
    del lines, arrays
    network = Network.open(path)
    rng = np.random.default_rng(5)
    chosen = [np.sort(rng.choice(network.nodes, SERVICES, replace=False)) for _ in range(TYPES)]
    points = network.node_points()
    router = RoadRouter(network, access_kmh=4.0)
    clock = time.process_time()
    reverse = router._reverse
    build = time.process_time() - clock
    rows["(our graph)"] = {
        "build_cpu_s": build,
        "mb": reverse.nbytes / 1e6,
        "arcs": len(reverse.node),
    }
    shuffled, renamed = scrambled(reverse, rng)
    times: dict[str, list[float]] = {}
    totals = {}
    for _ in range(asked.rounds):
        for name, call in {
            "scipy, search only": lambda: [bare(reverse, one) for one in chosen],
            "scipy, nodes in random order": lambda: [
                bare(shuffled, renamed[one]) for one in chosen
            ],
            "ours, search": lambda: [ours(reverse, one) for one in chosen],
        }.items():
            clock = time.process_time()
            totals[name] = float(np.sum([cost.sum() for cost in call()]))
            times.setdefault(name, []).append(time.process_time() - clock)
    for name, seconds in times.items():
        rows[name] = {"cpu_s": float(np.median(seconds)), "total": totals[name]}
    clock = time.process_time()
    fresh = RoadRouter(network)
    total = sum(float(np.nansum(fresh.node_costs(points.iloc[one])[0])) for one in chosen)
    rows["ours, graph build, snapping and search"] = {
        "cpu_s": time.process_time() - clock,
        "total": total,
    }
    rows["(memory of one search)"] = one_search_memory(path)
    if asked.peers:
        rows |= peers(asked.engines, asked.peers, network, reverse, chosen, folder)
    return rows


def bare(graph: Graph, sources: np.ndarray) -> np.ndarray:
    """Return scipy's own multi-source answer."""
    matrix = sparse.csr_array((graph.cost, graph.node, graph.start), shape=(len(graph), len(graph)))
    return csgraph.dijkstra(matrix, indices=sources, min_only=True, return_predecessors=True)[0]


def ours(graph: Graph, sources: np.ndarray) -> np.ndarray:
    """Return our answer, nearest service of every node and ties given to the first included."""
    node = np.column_stack([sources, sources]).astype(np.int32)
    cost = np.column_stack([np.zeros(len(sources)), np.full(len(sources), np.inf)])
    return nearest_place(graph, Doors(node, cost))[0]


def scrambled(graph: Graph, rng: np.random.Generator) -> tuple[Graph, np.ndarray]:
    """Return the same graph with its nodes in random order, and each node's new number."""
    new = rng.permutation(len(graph))
    row = np.repeat(np.arange(len(graph)), np.diff(graph.start))
    matrix = sparse.csr_array(
        (graph.cost, (new[row], new[graph.node])), shape=(len(graph), len(graph))
    )
    start, node = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    return Graph(start, node, matrix.data), new


def one_search_memory(path: Path) -> dict[str, float]:
    """Return the MB of the graph and what one search adds to it at its peak, ours and bare scipy's
    (Linux).
    """
    code = """
import ctypes, gc, sys
from pathlib import Path
import numpy as np
from scipy.sparse import csgraph
from geoguichet.coverage.routers.network import Network, as_matrix
from geoguichet.coverage.routers import search
from geoguichet.coverage.routers.road import RoadRouter

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

graph = RoadRouter(Network.open(Path(sys.argv[1])))._reverse
sources = np.arange(0, len(graph), len(graph) // 3000, dtype=np.int32)
doors = search.Doors(np.column_stack([sources] * 2), np.tile([0.0, np.inf], (len(sources), 1)))
gc.collect()
ctypes.CDLL("libc.so.6").malloc_trim(0)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
if sys.argv[2] == "ours":
    kept = search.nearest_place(graph, doors)
else:
    kept = csgraph.dijkstra(as_matrix(graph), indices=sources, min_only=True, return_predecessors=True)
print(graph.nbytes / 2**20, status("VmHWM") - before)
"""
    row = {}
    for name in ("ours", "scipy"):
        command = [sys.executable, "-c", code, str(path), name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        row["graph_mb"], row[f"{name}_adds_mb"] = map(float, done.stdout.split())
    return row


def peers(
    engines: list[str],
    python: Path,
    network: Network,
    graph: Graph,
    chosen: list[np.ndarray],
    folder: Path,
) -> dict[str, dict[str, float]]:
    """Run each peer in a process of its own on the same arcs and services."""
    row = np.repeat(np.arange(len(graph), dtype=np.int32), np.diff(graph.start))
    lon, lat = network.arrays["node_lon"] / DEGREE, network.arrays["node_lat"] / DEGREE
    np.savez(
        folder / "graph.npz",
        tail=graph.node,
        head=row,
        cost=graph.cost,
        lon=lon,
        lat=lat,
        chosen=np.array(chosen),
    )
    rows = {}
    for name in engines:
        command = [str(python), str(Path(__file__).with_name("peers.py")), name]
        command += [str(folder / "graph.npz"), str(folder / "answer.json")]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=dict(os.environ)
        )
        if done.returncode:
            print(f"{name}: {done.stderr[-800:]}", file=sys.stderr)
            continue
        rows |= json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return rows


if __name__ == "__main__":
    main()
