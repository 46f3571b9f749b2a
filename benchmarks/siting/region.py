"""Maximal covering on the sample: 300-800 communes proved, 2,939 communes to a proven gap, and
150,000 cells.

python benchmarks/siting/region.py [communes | cells | departements] [time limit in seconds]
[problems]

The limit is 60 s when not given; the cells get five times that and stop at a gap of 1 %.
``problems`` keeps the first so many, to try the script.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice

import numpy as np
from instances import cells, towns, within
from measure import machine, measured, peak_mb
from scipy import sparse

from geoguichet.coverage.siting import bounds
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.problem import SiteRules, Watch, reduced, state

LIMIT_S = 60.0
HEAD = (
    "| problem | pairs | p | greedy (% below bound) | first answer (s CPU, % below bound) "
    "| value | bound | gap | status | s clock | s CPU |"
)


def row(
    name: str, demand: np.ndarray, people: np.ndarray, hosts: np.ndarray, radius_m: float, p: int
) -> None:
    cover = within(demand, hosts, radius_m)
    first = measured(lambda: quick(cover, people, p))
    large = len(demand) > len(hosts)
    limit_s, gap = (5 * LIMIT_S, 0.01) if large else (LIMIT_S, 0.0)
    full = measured(lambda: maximal_covering(cover, people, p, time_limit_s=limit_s, gap=gap))
    plan = full.answer
    by_hand = greedy(cover, people, p)
    print(
        f"| {name}, {radius_m / 1000:g} km | {cover.nnz:,} | {p} | "
        f"{100 * (1 - by_hand / plan.bound):.2f} "
        f"| {first.cpu_s:.2f}, {100 * (1 - first.answer / plan.bound):.2f} "
        f"| {plan.value:,.0f} | {plan.bound:,.0f} | {100 * plan.gap:.3f} % | {plan.status} | "
        f"{full.clock_s:.1f} "
        f"| {full.cpu_s:.1f} |",
        flush=True,
    )


def quick(cover: sparse.csc_array, people: np.ndarray, p: int) -> float:
    problem = reduced(state(cover, people, count=p, rules=SiteRules()).problem)
    return problem.value(bounds.swap(problem, bounds.greedy(problem), Watch(60)))


def greedy(cover: sparse.csc_array, people: np.ndarray, p: int) -> float:
    """What AccessMod's scale-up does, and every planner by hand: open where it adds most, take away
    who is covered.
    """
    problem = state(cover, people, count=p, rules=SiteRules()).problem
    return problem.value(bounds.greedy(problem))


def problems(which: str) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray, float, int]]:
    place, people, departement = towns()
    if which == "departements":
        for codes in (("09",), ("31",), ("65", "82"), ("12", "46", "81")):
            inside = np.isin(departement, codes)
            name = f"{inside.sum()} communes ({'+'.join(codes)})"
            for radius_m, p in ((5_000, 10), (10_000, 10), (10_000, 20), (15_000, 10)):
                yield name, place[inside], people[inside], place[inside], radius_m, p
    elif which == "communes":
        for radius_m in (5_000, 10_000, 20_000):
            for p in (10, 20, 40, 80):
                yield f"{len(place)} communes", place, people, place, radius_m, p
    else:
        points, inhabitants = cells()
        for radius_m, p in ((10_000, 80), (5_000, 80)):
            yield f"{len(points):,} cells x {len(place)}", points, inhabitants, place, radius_m, p


def main(which: str, at_most: int) -> None:
    print(machine(), end="\n\n")
    print(HEAD)
    print("| --- |" + " ---: |" * 10)
    for problem in islice(problems(which), at_most):
        row(*problem)
    print(f"\npeak memory {peak_mb():.0f} MB")


if __name__ == "__main__":
    which, limit_s, at_most = [*sys.argv[1:], *("communes", "60", "99")[len(sys.argv) - 1 :]]
    LIMIT_S = float(limit_s)
    main(which, int(at_most))
