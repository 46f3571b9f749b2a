"""The same question put to a peer (networkit, pandana), in its own environment: cpu seconds to
build and to answer.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np


def networkit(data: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """One super-source per type on the reversed graph; networkit has no multi-source Dijkstra."""
    import networkit as nk

    nodes, answers, build, search = len(data["lon"]), [], 0.0, 0.0
    for chosen in data["chosen"]:
        clock = time.process_time()
        tail = np.concatenate([data["head"], np.full(len(chosen), nodes)]).astype(np.uint64)
        head = np.concatenate([data["tail"], chosen]).astype(np.uint64)
        cost = np.concatenate([data["cost"], np.zeros(len(chosen))])
        graph = nk.GraphFromCoo((cost, (tail, head)), n=nodes + 1, weighted=True, directed=True)
        build += time.process_time() - clock
        clock = time.process_time()
        run = nk.distance.Dijkstra(graph, nodes, False)
        run.run()
        answers.append(float(np.asarray(run.getDistances(asarray=True))[:nodes].sum()))
        search += time.process_time() - clock
    total = sum(answers)
    return {
        f"networkit {nk.__version__}, search only": {"cpu_s": search, "total": total},
        f"networkit {nk.__version__}, graph build and search": {
            "cpu_s": build + search,
            "total": total,
            "peak_mb": peak(),
        },
    }


def pandana(data: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Contraction hierarchy, then nearest point of interest of each type."""
    import pandana as pdna
    import pandas as pd

    clock = time.process_time()
    lon, lat = pd.Series(data["lon"]), pd.Series(data["lat"])
    edges = pd.DataFrame({"cost": data["cost"]})
    network = pdna.Network(
        lon, lat, pd.Series(data["tail"]), pd.Series(data["head"]), edges, twoway=False
    )
    build = time.process_time() - clock
    clock, total = time.process_time(), 0.0
    for number, chosen in enumerate(data["chosen"]):
        network.set_pois(str(number), 1e7, 1, lon.iloc[chosen], lat.iloc[chosen])
        total += float(network.nearest_pois(1e7, str(number), num_pois=1)[1].sum())
    query = time.process_time() - clock
    return {
        f"pandana {pdna.__version__}, query only": {"cpu_s": query, "total": total},
        f"pandana {pdna.__version__}, build and query": {
            "cpu_s": build + query,
            "total": total,
            "peak_mb": peak(),
        },
    }


def peak() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    with np.load(sys.argv[2]) as stored:
        arrays = {name: stored[name] for name in stored.files}
    answer = {"networkit": networkit, "pandana": pandana}[sys.argv[1]](arrays)
    Path(sys.argv[3]).write_text(json.dumps(answer), encoding="utf-8")  # pandana prints on stdout
