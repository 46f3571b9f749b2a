"""The solver portfolio: cheap answers first, dear proofs only when they are needed, the best of both kept.

Reduce, lazy greedy, swap, Lagrangian bound, a short search, then the exact solver on what the bound could not exclude.
While the solver works in a process of its own, a longer search and a better bound are worked out here.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting import bounds, exact, formulations, heuristics
from geoguichet.coverage.siting.best import Best, status
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.siting.problem import (
    Floats,
    Problem,
    Stated,
    admissible,
    dominated_rows,
    keep_columns,
    merge_rows,
    reduced,
)
from geoguichet.coverage.siting.watch import Watch

_TOO_LARGE = 600_000
"""Above so many entries no MIP solver was seen to leave its root relaxation in useful time (docs/benchmarks.md)."""


def most(stated: Stated, gap: float, watch: Watch) -> KioskPlan:
    """Run the portfolio on a problem that maximises: greedy, swap, bound, search, exact; each only if it is needed."""
    problem = reduced(stated.problem)
    best = Best(
        problem,
        gap,
        sense="max",
        measure=problem.value,
        whole=problem.whole,
        bound=problem.value(np.arange(problem.columns)),
    )
    best.offer("greedy", heuristics.greedy(problem))
    best.offer("swap", heuristics.swap(problem, best.start, watch))
    entries = int(problem.cover.nnz)
    if not best.closed and entries > exact.TINY:
        best.tighten(bounds.lagrangian(problem, iterations=600, good_enough=best.settling, watch=watch))
        best.offer("search", heuristics.search(problem, best.start, rounds=200, enough=best.bound, watch=watch))
    if not best.closed and entries <= exact.TINY:
        _prove(best, watch)
    elif not best.closed and (entries <= _TOO_LARGE or not best.found):
        _prove_while_searching(best, watch)
    elif not best.closed:
        _search_longer(best, watch.limit_s, watch)
    return _plan(stated, best, watch)


def _search_longer(best: Best, limit_s: float, watch: Watch) -> None:
    """Spend a fixed amount of work, about what ``limit_s`` allows, on a better bound and a better plan."""
    problem = best.problem
    best.tighten(
        bounds.lagrangian(problem, iterations=_iterations(problem, limit_s), good_enough=best.settling, watch=watch)
    )
    rounds = _rounds(problem, limit_s)
    best.offer("search", heuristics.search(problem, best.start, rounds=rounds, enough=best.bound, watch=watch))


def _prove_while_searching(best: Best, watch: Watch) -> None:
    """Search here while the exact solver works in its process.

    When the solver settles the question its answer is the one kept, so that it does not matter who was faster.
    """
    settled, off = threading.Event(), threading.Event()
    proof = Best.like(best)
    solver_watch = watch.slice(or_when=off)

    def prove() -> None:
        try:
            _prove(proof, solver_watch)
        finally:
            settled.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(prove)
        try:
            searching = Best.like(best)
            if best.found:
                _search_longer(searching, watch.limit_s, watch.slice(or_when=settled))
            future.result()
        finally:
            off.set()
    best.join(proof)
    if proof.ending not in {"solved", "gap"}:
        best.join(searching)


def _rounds(problem: Problem, limit_s: float) -> int:
    """How many rounds of search take about half of the time limit on one core of the 2020s: a fixed amount of work."""
    each_s = 1e-3 + 4e-7 * problem.cover.nnz / max(1, problem.count)
    return max(200, int(0.5 * limit_s / each_s))


def _iterations(problem: Problem, limit_s: float) -> int:
    """How many iterations of the bound take at most about a third of the time limit: a fixed amount of work."""
    return max(400, min(6000, int(0.35 * limit_s / (5e-5 + 5e-9 * problem.cover.nnz))))


def _prove(best: Best, watch: Watch) -> None:
    """Drop the candidates that no better plan opens, and let the solver decide among the others."""
    kept = np.ones(best.problem.columns, dtype=bool)
    if best.found and best.proof is not None:
        kept = ~bounds.cannot_open(best.problem, best.proof, best.value + best.grain)
        kept[best.start] = True
    problem = merge_rows(keep_columns(best.problem, kept)) if not kept.all() else best.problem
    where = np.flatnonzero(kept)
    start = _covering_start(problem, np.isin(where, best.start)) if best.found else None
    program = formulations.covering(problem)
    best.hear(exact.solve(program, start=start, gap=best.gap, absolute_gap=best.grain, watch=watch), where)


def _covering_start(problem: Problem, chosen: npt.NDArray[np.bool_]) -> Floats:
    times = problem.cover @ chosen.astype(np.int64)
    twice = problem.second > 0
    return np.concatenate([chosen, times >= 1, times[twice] >= 2]).astype(np.float64)


def essential(problem: Problem) -> Problem:
    """Reduce a problem of which every row must be covered: rows that others imply go too."""
    small = reduced(problem)
    while (implied := dominated_rows(small.cover)).any():
        kept = np.flatnonzero(~implied)
        small = reduced(
            replace(
                small,
                cover=sparse.csc_array(sparse.csr_array(small.cover)[kept]),
                first=small.first[kept],
                second=small.second[kept],
            )
        )
    return small


def fewest(stated: Stated, problem: Problem, wanted: float, gap: float, watch: Watch) -> KioskPlan:
    """Run the portfolio on a problem that minimises: greedy, one site fewer as long as that works, bound, exact."""
    everything = problem.value(np.arange(problem.columns))
    everyone, wanted = wanted >= everything, min(wanted, everything)
    best = Best(
        problem,
        gap,
        sense="min",
        measure=lambda columns: float(problem.cost[columns].sum()),
        whole=bool(np.all(problem.cost % 1 == 0)),
        bound=0.0,
    )
    chosen = _without_useless(problem, heuristics.greedy(problem, enough=wanted), wanted)
    if problem.value(chosen) >= wanted - 1e-9 * everything:
        best.offer("greedy", chosen)
    uniform = bool(np.all(problem.cost == 1.0))
    if uniform and best.found and problem.cover.nnz > exact.TINY:
        proof = bounds.lagrangian(replace(problem, count=len(best.start)), iterations=600, watch=watch)
        enough = np.flatnonzero(bounds.by_count(problem, proof.price, problem.columns) >= wanted * (1 - 1e-9))
        best.tighten(bounds.Bound(float(enough.min(initial=problem.columns)), proof.price))
        _one_fewer(best, wanted, watch)
    if not best.closed:
        program = formulations.set_covering(problem) if everyone else formulations.partial_covering(problem, wanted)
        start = _fewest_start(problem, best.start, everyone) if best.found else None
        grain = best.grain if best.found else 1e-6
        best.hear(
            exact.solve(program, start=start, gap=gap, absolute_gap=grain, watch=watch), np.arange(problem.columns)
        )
    return _plan(stated, best, watch)


@dataclass(frozen=True, slots=True)
class CoverAll:
    """Columns that together cover every row, or the proof that none do, or neither when the time was too short."""

    columns: list[int] | None = None
    impossible: bool = False


def cover_all(problem: Problem, watch: Watch) -> CoverAll:
    """Decide whether an admissible choice covers every row that weighs something."""
    weighing = np.flatnonzero(problem.first > 0)
    if (np.diff(sparse.csr_array(problem.cover).indptr)[weighing] == 0).any():
        return CoverAll(impossible=True)
    small = essential(problem)
    found = _cover_all_quickly(small, watch)
    if found is None and small.cover.nnz > exact.TINY:
        bound = bounds.lagrangian(small, iterations=400, good_enough=small.everything - 0.5, watch=watch)
        if bound.value < small.everything * (1 - 1e-9) - 1e-6:
            return CoverAll(impossible=True)
    if found is None:
        outcome = exact.solve(formulations.set_covering(small), gap=np.inf, watch=watch)
        if outcome.ending == "infeasible":
            return CoverAll(impossible=True)
        found = None if outcome.chosen is None else list(outcome.chosen)
    if found is None:
        return CoverAll()
    return CoverAll([int(column) for column in np.searchsorted(problem.rules.column, small.rules.column[found])])


def _cover_all_quickly(problem: Problem, watch: Watch) -> list[int] | None:
    columns = heuristics.greedy(problem)
    if problem.value(columns) < problem.everything and problem.cover.nnz > exact.TINY:
        columns = heuristics.search(problem, columns, rounds=100, enough=problem.everything, watch=watch)
    return columns if problem.value(columns) >= problem.everything and admissible(problem, columns) else None


def _one_fewer(best: Best, wanted: float, watch: Watch) -> None:
    """Look for a plan of one site fewer, again and again, until the search finds none."""
    while not best.closed and not watch.over:
        fewer = replace(best.problem, count=len(best.start) - 1)
        if fewer.count < len(fewer.rules.required):
            return
        start = heuristics.greedy(fewer)
        found = heuristics.search(fewer, start, rounds=300, enough=wanted * (1 - 1e-9), watch=watch)
        if fewer.value(found) < wanted * (1 - 1e-9):
            return
        best.offer("search", _without_useless(fewer, found, wanted))


def _without_useless(problem: Problem, chosen: list[int], wanted: float) -> list[int]:
    """Close, dearest first, what can be closed with ``wanted`` still reached and the rules still kept."""
    opening = heuristics.Opening(problem)
    for column in chosen:
        opening.open(column)
    for column in sorted(chosen, key=lambda column: (-problem.cost[column], opening.added[column])):
        opening.close(column)
        if opening.value < wanted * (1 - 1e-9) or not opening.keeps_the_rules():
            opening.open(column)
    return opening.columns


def _fewest_start(problem: Problem, columns: list[int], everyone: bool) -> Floats:
    chosen = np.isin(np.arange(problem.columns), columns)
    covered = problem.cover @ chosen.astype(np.int64) > 0
    return (chosen if everyone else np.concatenate([chosen, covered])).astype(np.float64)


def _plan(stated: Stated, best: Best, watch: Watch) -> KioskPlan:
    """Give the answer in the planner's terms: original positions, ranked, with what each adds."""
    if best.columns is None:
        raise SitingError(
            "aucun plan trouvé dans le temps accordé : augmentez la limite de temps ou assouplissez les règles."
        )
    chosen = best.problem.rules.column[best.columns]
    columns = np.searchsorted(stated.problem.rules.column, chosen)
    order, gains = ranked(stated.problem, columns)
    return KioskPlan(
        model="",
        sites=tuple(int(stated.problem.rules.column[column]) for column in order),
        gains=gains,
        value=float(sum(gains)) if best.sense == "max" else best.value,
        bound=float(best.bound),
        status=status(best, watch),
        method=f"{stated.problem.size} reduced to {best.problem.size}; " + "; ".join(best.steps),
        seconds=watch.seconds,
        sense=best.sense,
        cost=float(stated.problem.cost[order].sum()),
        already=stated.already,
        uncoverable=tuple(int(row) for row in stated.uncoverable),
    )


def ranked(problem: Problem, columns: npt.NDArray[np.int64]) -> tuple[list[int], tuple[float, ...]]:
    """Order columns, each adding as much as it can after those before it; drop those that neither add nor must be."""
    opening = heuristics.Opening(problem)
    left, order, gains = sorted(int(column) for column in columns), [], []
    while left:
        column = max(left, key=lambda candidate: (opening.added[candidate], -candidate))
        gains.append(max(0.0, float(opening.added[column])))
        order.append(column)
        opening.open(column)
        left.remove(column)
    must = set(problem.rules.required.tolist())
    kept = [
        i for i, column in enumerate(order) if gains[i] > 0 or column in must or problem.rules.floor_of[column] >= 0
    ]
    return [order[i] for i in kept], tuple(gains[i] for i in kept)
