"""One maximal covering by one engine in its own process: ``one_run.py ENGINE instance.npz`` prints
JSON.

Runs in our environment (``geoguichet``) or in that of the peers (``spopt-cbc``, ``spopt-highs``).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def ours(data: dict[str, np.ndarray]) -> Callable[[], float]:
    from scipy import sparse

    from geoguichet.coverage.siting.covering import maximal_covering

    cover = sparse.csr_array(
        (np.ones(len(data["row"]), dtype=bool), (data["row"], data["column"])), data["shape"]
    )
    return lambda: maximal_covering(cover, data["weight"], int(data["p"]), time_limit_s=600).value


def spopt(data: dict[str, np.ndarray], solver: str) -> Callable[[], float]:
    import pulp
    from spopt.locate import MCLP

    cost = np.full(data["shape"], 2.0)
    cost[data["row"], data["column"]] = 1.0

    def work() -> float:
        model = MCLP.from_cost_matrix(cost, data["weight"], 1.5, p_facilities=int(data["p"]))
        model = model.solve(
            pulp.PULP_CBC_CMD(msg=False) if solver == "cbc" else pulp.HiGHS(msg=False)
        )
        return float(pulp.value(model.problem.objective))

    return work


def main(engine: str, path: str) -> None:
    """Time and memory are those of the work: imports, and the matrix that each engine asks for,
    come before.
    """
    with np.load(path) as arrays:
        data = dict(arrays)
    work = ours(data) if engine == "geoguichet" else spopt(data, engine.removeprefix("spopt-"))
    held_mb, cpu, started = resident_mb(), cpu_s(), time.monotonic()
    answer = {
        "value": work(),
        "clock_s": time.monotonic() - started,
        "cpu_s": cpu_s() - cpu,
        "held_mb": held_mb,
    }
    print(json.dumps(answer))


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
