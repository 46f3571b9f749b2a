"""OR-Library and Swain: every p-center, p-median and set cover against its known optimum."""

from __future__ import annotations

import csv
import os
import sys
from itertools import islice
from pathlib import Path

import numpy as np
from measure import Measured, machine, measured
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting.covering import p_center, set_covering
from geoguichet.coverage.siting.median import p_median
from geoguichet.coverage.siting.problem import KioskPlan

SHARED = (
    Path(os.environ.get("GEOGUICHET_SHARED", Path(__file__).parents[3] / "shared" / "data"))
    / "benchmarks"
)


def say(name: str, known: str, found: Measured[KioskPlan]) -> None:
    plan = found.answer
    print(
        f"| {name} | {known} | {plan.value:g} | {plan.bound:g} | {100 * plan.gap:.3f} % | "
        f"{plan.status} "
        f"| {found.clock_s:.1f} | {found.cpu_s:.1f} |",
        flush=True,
    )


def pmed(row: dict[str, str]) -> CostMatrix:
    nodes = int(row["nodes"])
    graph = np.zeros((nodes, nodes))
    for a, b, length in np.loadtxt(
        SHARED / "orlib_pmed" / f"{row['instance']}.txt", skiprows=1, dtype=int
    ):
        graph[a - 1, b - 1] = graph[b - 1, a - 1] = length
    distance = dijkstra(sparse.csr_array(graph), directed=False)
    return CostMatrix(
        np.repeat(np.arange(nodes), nodes),
        np.tile(np.arange(nodes), nodes),
        distance.ravel(),
        distance.shape,
    )


def cover(name: str) -> tuple[sparse.csr_array, list[int]]:
    numbers = iter(
        [int(number) for number in (SHARED / "setcover" / f"{name}.txt").read_text().split()]
    )
    rows, columns = next(numbers), next(numbers)
    cost = [next(numbers) for _ in range(columns)]
    matrix = np.zeros((rows, columns), dtype=bool)
    for row in range(rows):
        for _ in range(next(numbers)):
            matrix[row, next(numbers) - 1] = True
    return sparse.csr_array(matrix), cost


def main(at_most: int) -> None:
    print(machine(), end="\n\n")
    print("| problem | known optimum | value | bound | gap | status | s clock | s CPU |")
    print("| --- |" + " ---: |" * 7)
    with (SHARED / "orlib_pmed" / "optima.csv").open() as stream:
        for row in islice(csv.DictReader(stream), at_most):
            costs, p = pmed(row), int(row["p"])
            weight = np.ones(costs.shape[0])
            say(
                f"{row['instance']} p-center",
                row["pcenter_opt"],
                measured(lambda c=costs, p=p: p_center(c, p)),
            )
            say(
                f"{row['instance']} p-median",
                row["pmedian_opt"],
                measured(lambda c=costs, w=weight, p=p: p_median(c, w, p)),
            )
    with (SHARED / "setcover" / "optima.csv").open() as stream:
        for row in islice(csv.DictReader(stream), at_most):
            matrix, cost = cover(row["instance"])
            say(
                f"{row['instance']} set cover",
                row["optimum"],
                measured(lambda m=matrix, c=cost: set_covering(m, cost=c)),
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 99)
