"""Against spopt: the same problems, each engine in a process of its own, ratios within this run.

python benchmarks/siting/peers.py PEERS_PYTHON [problems]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from instances import towns, within
from measure import machine
from scipy import sparse

HERE = Path(__file__).parent
LIMIT_S = 1800


def run(python: str, engine: str, path: Path) -> dict[str, float] | None:
    """Run an engine; ``mb`` is the most that its processes held, each at its own peak, less what
    its imports held.
    """
    command = [python, str(HERE / "one_run.py"), engine, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        peaks: dict[int, float] = {}
        started = time.monotonic()
        while process.poll() is None:
            for pid in family(process.pid):
                peaks[pid] = max(peaks.get(pid, 0.0), peak_mb(pid))
            if time.monotonic() - started > LIMIT_S:
                process.kill()
                return None
            time.sleep(0.02)
        assert process.stdout is not None
        found = json.loads(process.stdout.read().splitlines()[-1])
    return found | {"mb": sum(peaks.values()) - found["held_mb"]}


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    try:
        children = [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return [pid]
    return [pid, *(other for child in children for other in family(int(child)))]


def peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def problems() -> Iterator[tuple[str, sparse.csc_array, np.ndarray, int]]:
    place, people, _ = towns()
    rng = np.random.default_rng(0)
    demand = np.sort(rng.permutation(len(place))[:2000])
    hosts = np.sort(rng.permutation(len(place))[:200])
    yield (
        "2,000 x 200, 15 km, p = 20",
        within(place[demand], place[hosts], 15_000),
        people[demand],
        20,
    )
    yield (
        f"{len(place):,} x {len(place):,}, 10 km, p = 20",
        within(place, place, 10_000),
        people,
        20,
    )


def covering(pairs: sparse.coo_array, people: np.ndarray, p: int) -> dict[str, np.ndarray]:
    """Write a maximal covering without rules as :mod:`one_run` reads it."""
    nothing, hosts = np.array([], dtype=np.int64), pairs.shape[1]
    return {
        "model": np.array("maximal_covering"),
        "shape": np.array(pairs.shape),
        "row": pairs.row.astype(np.int64),
        "column": pairs.col.astype(np.int64),
        "metres": np.zeros(pairs.nnz),
        "weight": people,
        "p": np.array(p),
        "beyond": np.array(0.0),
        "existing": nothing,
        "required": nothing,
        "apart": nothing.reshape(-1, 2),
        "one_per": np.full(hosts, ""),
        "floor_of": np.full(hosts, ""),
        "floor": np.array(0),
    }


def main(peers: str, at_most: int) -> None:
    print(machine(), end="\n\n")
    print("| problem | engine | value | s clock | s CPU | MB | CPU ratio | memory ratio |")
    print("| --- | --- |" + " ---: |" * 6)
    with tempfile.TemporaryDirectory() as folder:
        for name, cover, people, p in islice(problems(), at_most):
            path = Path(folder) / "instance.npz"
            pairs = cover.tocoo()
            np.savez(path, **covering(pairs, people, p))
            own = run(sys.executable, "geoguichet", path)
            assert own is not None
            for engine in ("geoguichet", "spopt-cbc", "spopt-highs"):
                found = own if engine == "geoguichet" else run(peers, engine, path)
                if found is None:
                    print(f"| {name} | {engine} | none in {LIMIT_S} s | | | | | |", flush=True)
                    continue
                print(
                    f"| {name} | {engine} | {found['value']:,.0f} | {found['clock_s']:.1f} | "
                    f"{found['cpu_s']:.1f} "
                    f"| {found['mb']:.0f} | {found['cpu_s'] / own['cpu_s']:.0f} | "
                    f"{found['mb'] / own['mb']:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 99)
