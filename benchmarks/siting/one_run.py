"""One question by one engine in its own process: ``one_run.py ENGINE instance.npz`` prints JSON.

Runs in our environment (``geoguichet``; ``plain``: the textbook program put to HiGHS as it comes)
or in that of the peers (``spopt-cbc``, ``spopt-highs``). The arrays are those of :mod:`real`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Data = dict[str, np.ndarray]  # as older Pythons, of peers, read it too


def ours(data: Data) -> Callable[[], float]:
    from scipy import sparse

    from geoguichet.coverage.routers.impedance import CostMatrix
    from geoguichet.coverage.siting import capacitated, covering, median, problem

    labels = set(data["floor_of"].tolist()) - {""}
    rules = problem.SiteRules(
        existing=tuple(data["existing"].tolist()),
        required=tuple(data["required"].tolist()),
        one_per=data["one_per"].tolist(),
        apart=data["apart"],
        floor_of=data["floor_of"].tolist(),
        floors={label: int(data["floor"]) for label in labels},
    )
    shape = (int(data["shape"][0]), int(data["shape"][1]))
    cover = sparse.csr_array(
        (np.ones(len(data["row"]), dtype=bool), (data["row"], data["column"])), shape
    )
    costs = CostMatrix(data["row"], data["column"], data["metres"], shape)
    weight, p, limit = data["weight"], int(data["p"]), {"rules": rules, "time_limit_s": 600}
    beyond, full = float(data["beyond"]), bool(np.isfinite(data["room"]).any())
    room = problem.Capacity(weight, data["room"])
    asked: dict[str, Callable[[], problem.KioskPlan]] = {
        "maximal_covering": lambda: (
            capacitated.capacitated_covering(costs, weight, p, room, **limit)
            if full
            else covering.maximal_covering(cover, weight, p, **limit)
        ),
        "budget_covering": lambda: covering.budget_covering(
            cover, weight, data["price"], float(data["budget"]), p=None if p < 0 else p, **limit
        ),
        "backup_covering": lambda: covering.backup_covering(
            cover, weight, p, second=float(data["second"]), **limit
        ),
        "partial_covering": lambda: covering.partial_covering(
            cover, weight, float(data["share"]), **limit
        ),
        "set_covering": lambda: covering.set_covering(cover, weight=weight, **limit),
        "p_median": lambda: (
            capacitated.capacitated_median(costs, weight, p, room, beyond=beyond, **limit)
            if full
            else median.p_median(costs, weight, p, beyond=beyond or None, **limit)
        ),
        "p_center": lambda: covering.p_center(costs, p, **limit),
    }

    def work() -> float:
        plan = asked[str(data["model"])]()
        if plan.status != "optimal":
            raise SystemExit(f"not proved: {plan.status}, {plan.value} <= {plan.bound}")
        return plan.value + (plan.already if plan.sense == "max" else 0.0)

    return work


def plain(data: Data) -> Callable[[], float]:
    from textbook import solve

    return lambda: solve(data)


def spopt(data: Data, solver: str) -> Callable[[], float]:
    import pulp
    from spopt.locate import LSCP, MCLP, PCenter, PMedian

    model, p, weight = str(data["model"]), int(data["p"]), data["weight"]
    far = float(data["beyond"]) or (1e7 if model == "p_center" else 2.0)
    cost = np.full(data["shape"], far)
    measured = model in {"p_median", "p_center"}
    cost[data["row"], data["column"]] = data["metres"] if measured else 1.0
    asked: dict[str, Callable[[], object]] = {
        "maximal_covering": lambda: MCLP.from_cost_matrix(cost, weight, 1.5, p_facilities=p),
        "set_covering": lambda: LSCP.from_cost_matrix(cost, 1.5),
        "p_median": lambda: PMedian.from_cost_matrix(cost, weight, p_facilities=p),
        "p_center": lambda: PCenter.from_cost_matrix(cost, p_facilities=p),
    }

    def work() -> float:
        stated = asked[model]()
        solved = stated.solve(  # type: ignore[attr-defined]
            pulp.PULP_CBC_CMD(msg=False) if solver == "cbc" else pulp.HiGHS(msg=False)
        )
        return float(pulp.value(solved.problem.objective))

    return work


def spopt_states(data: Data) -> bool:
    """Whether spopt has such a question: it knows neither budgets, shares, backup nor these rules,
    its capacities split people, and it covers everyone, reached or not, inhabited or not.
    """
    everyone = str(data["model"]) != "set_covering" or (
        len(np.unique(data["row"])) == len(data["weight"]) and bool((data["weight"] > 0).all())
    )
    ruled = len(data["existing"]) + len(data["required"]) + len(data["apart"]) + int(data["floor"])
    known = {"maximal_covering", "set_covering", "p_median", "p_center"}
    return (
        str(data["model"]) in known
        and everyone
        and not ruled
        and not (data["one_per"] != "").any()
        and not np.isfinite(data["room"]).any()
    )


def main(engine: str, path: str) -> None:
    """Time and memory are those of the work: imports, and the matrix that each engine asks for,
    come before.
    """
    with np.load(path) as arrays:
        data = dict(arrays)
    makers = {"geoguichet": ours, "plain": plain}
    work = makers[engine](data) if engine in makers else spopt(data, engine.removeprefix("spopt-"))
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
