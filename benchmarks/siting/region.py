"""Maximal covering on the sample: 300-800 communes proved, 2,939 communes to a proven gap, and 150,000 cells.

python benchmarks/siting/region.py [communes | cells | departements] [time limit in seconds]

The limit is 60 s when not given; the cells get five times that, in CPU seconds.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import numpy as np
from instances import cells, towns, within
from measure import machine, measured, peak_mb
from scipy import sparse

from geoguichet.coverage.siting import heuristics, watch
from geoguichet.coverage.siting.constraints import SiteRules
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.problem import reduced, state
from geoguichet.coverage.siting.watch import Watch

HEAD = (
    "| problem | pairs | p | greedy (% below bound) | first answer (s CPU, % below bound) "
    "| value | bound | gap | status | s clock | s CPU |"
)


def row(
    name: str, demand: np.ndarray, people: np.ndarray, hosts: np.ndarray, radius_m: float, p: int, limit: float
) -> None:
    cover = within(demand, hosts, radius_m)
    first = measured(lambda: quick(cover, people, p))
    full = measured(lambda: maximal_covering(cover, people, p, time_limit_s=limit))
    plan = full.answer
    by_hand = greedy(cover, people, p)
    print(
        f"| {name}, {radius_m / 1000:g} km | {cover.nnz:,} | {p} | {100 * (1 - by_hand / plan.bound):.2f} "
        f"| {first.cpu_s:.2f}, {100 * (1 - first.answer / plan.bound):.2f} "
        f"| {plan.value:,.0f} | {plan.bound:,.0f} | {100 * plan.gap:.3f} % | {plan.status} | {full.clock_s:.1f} "
        f"| {full.cpu_s:.1f} |",
        flush=True,
    )


def quick(cover: sparse.csc_array, people: np.ndarray, p: int) -> float:
    problem = reduced(state(cover, people, count=p, rules=SiteRules()).problem)
    return problem.value(heuristics.swap(problem, heuristics.greedy(problem), Watch(60)))


def greedy(cover: sparse.csc_array, people: np.ndarray, p: int) -> float:
    """What AccessMod's scale-up does, and every planner by hand: open where it adds most, take away who is covered."""
    problem = state(cover, people, count=p, rules=SiteRules()).problem
    return problem.value(heuristics.greedy(problem))


def main(which: str, limit_s: float) -> None:
    print(machine(), end="\n\n")
    print(HEAD)
    print("| --- |" + " ---: |" * 10)
    place, people, departement = towns()
    if which == "departements":
        for codes in (("09",), ("31",), ("65", "82"), ("12", "46", "81")):
            inside = np.isin(departement, codes)
            name = f"{inside.sum()} communes ({'+'.join(codes)})"
            for radius_m, p in ((5_000, 10), (10_000, 10), (10_000, 20), (15_000, 10)):
                row(name, place[inside], people[inside], place[inside], radius_m, p, limit_s)
    elif which == "communes":
        for radius_m in (5_000, 10_000, 20_000):
            for p in (10, 20, 40, 80):
                row(f"{len(place)} communes", place, people, place, radius_m, p, limit_s)
    else:
        # So many cells are answered in this process alone: on a shared machine its CPU seconds are the honest clock.
        watch.time = SimpleNamespace(monotonic=time.process_time)
        points, inhabitants = cells()
        for radius_m, p in ((5_000, 80), (10_000, 80)):
            row(f"{len(points):,} cells x {len(place)}", points, inhabitants, place, radius_m, p, 5 * limit_s)
    print(f"\npeak memory {peak_mb():.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "communes", float(sys.argv[2]) if len(sys.argv) > 2 else 60.0)
