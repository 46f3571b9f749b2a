"""The solver portfolio: cheap answers first, dear proofs only when they are needed, the best of
both kept.

Reduce, lazy greedy, swap, Lagrangian bound, a short search, then the proof: cuts, exclusion and the
exact solver (:mod:`~geoguichet.coverage.siting.proof`). What is too large for that gets a longer
search and a better bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting import bounds, heuristics, mixed_integer, proof
from geoguichet.coverage.siting.incumbent import Best, status
from geoguichet.coverage.siting.plan import KioskPlan, Watch
from geoguichet.coverage.siting.problem import (
    Floats,
    Problem,
    Stated,
    admissible,
    components,
    dominated_rows,
    reduced,
)

_TOO_LARGE = 600_000
"""Above so many entries no MIP solver was seen to leave its root relaxation in useful time
(docs/benchmarks.md).
"""

_ROUNDS, _FEW = 600, 40_000
"""Rounds of the first search of a problem of fewer entries than that; a larger one gets a third."""


def most(stated: Stated, gap: float, watch: Watch) -> KioskPlan:
    """Run the portfolio on a problem that maximises: greedy, swap, bound, search, exact; each only
    if it is needed.
    """
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
    if not best.closed and entries > mixed_integer.TINY:
        best.tighten(
            bounds.lagrangian(problem, iterations=600, good_enough=best.settling, watch=watch)
        )
        rounds = _ROUNDS if entries < _FEW else _ROUNDS // 3
        best.offer(
            "search",
            heuristics.search(problem, best.start, rounds=rounds, enough=best.bound, watch=watch),
        )
    if not best.closed and (entries <= _TOO_LARGE or not best.found):
        proof.settle(best, watch)
    elif not best.closed:
        _search_longer(best, watch)
    return _plan(stated, best, watch)


def _search_longer(best: Best, watch: Watch) -> None:
    """Spend a fixed amount of work, about what the time limit allows, on a better bound and a
    better plan.
    """
    problem, limit_s = best.problem, watch.limit_s
    best.tighten(
        bounds.lagrangian(
            problem,
            iterations=_iterations(problem, limit_s),
            good_enough=best.settling,
            watch=watch,
        )
    )
    rounds = heuristics.rounds(problem, limit_s)
    best.offer(
        "search",
        heuristics.search(problem, best.start, rounds=rounds, enough=best.bound, watch=watch),
    )


def _iterations(problem: Problem, limit_s: float) -> int:
    """How many iterations of the bound take at most about a third of the time limit: a fixed amount
    of work.
    """
    return max(400, min(6000, int(0.35 * limit_s / (5e-5 + 5e-9 * problem.cover.nnz))))


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
    """Run the portfolio on a problem that minimises; covering everybody is one problem per
    component.
    """
    everything = problem.value(np.arange(problem.columns))
    whole = _least(problem, gap)
    if wanted < everything:
        _minimise(whole, wanted, False, watch)
        return _plan(stated, whole, watch)
    parts = components(problem)
    if len(parts) == 1:
        _minimise(whole, everything, True, watch)
        return _plan(stated, whole, watch)
    chosen: list[int] = []
    bound, steps, all_found = 0.0, [f"{len(parts)} components"], True
    for where, part in parts:
        best = _least(part, gap)
        _minimise(best, part.everything, True, watch)
        chosen += [int(column) for column in where[best.start]]
        bound, all_found = bound + best.bound, all_found and best.found
        steps += best.steps if part.cover.nnz > mixed_integer.TINY else []
        whole.ending = best.ending or whole.ending
    if all_found:
        whole.offer("together", chosen)
    whole.steps = steps
    whole.limit(bound)
    return _plan(stated, whole, watch)


def _least(problem: Problem, gap: float) -> Best:
    return Best(
        problem,
        gap,
        sense="min",
        measure=lambda columns: float(problem.cost[columns].sum()),
        whole=bool(np.all(problem.cost % 1 == 0)),
        bound=0.0,
    )


def _minimise(best: Best, wanted: float, everyone: bool, watch: Watch) -> None:
    """Greedy, one site fewer as long as that works, bound, cuts, exact; each only if it is
    needed.
    """
    problem = best.problem
    chosen = _without_useless(problem, heuristics.greedy(problem, enough=wanted), wanted)
    if problem.value(chosen) >= wanted - 1e-9 * problem.everything:
        best.offer("greedy", chosen)
    uniform = bool(np.all(problem.cost == 1.0))
    if uniform and best.found and problem.cover.nnz > mixed_integer.TINY:
        prices = bounds.lagrangian(
            replace(problem, count=len(best.start)), iterations=600, watch=watch
        )
        enough = np.flatnonzero(
            bounds.by_count(problem, prices.price, problem.columns) >= wanted * (1 - 1e-9)
        )
        best.tighten(bounds.Bound(float(enough.min(initial=problem.columns)), prices.price))
        _one_fewer(best, wanted, watch)
    if best.closed:
        return
    program = (
        mixed_integer.set_covering(problem)
        if everyone
        else mixed_integer.partial_covering(problem, wanted)
    )
    if program.matrix.nnz > mixed_integer.TINY:
        relaxed = mixed_integer.relax(
            program, enough=best.value - best.grain if best.found else np.inf, watch=watch
        )
        best.cut(relaxed)
        program = mixed_integer.with_cuts(program, relaxed.cuts, relaxed.limit)
    if best.closed or best.ending == "lost":
        return
    start = _fewest_start(problem, best.start, everyone) if best.found else None
    grain = best.grain if best.found else 1e-6
    best.hear(
        mixed_integer.solve(program, start=start, gap=best.gap, absolute_gap=grain, watch=watch),
        np.arange(problem.columns),
    )


@dataclass(frozen=True, slots=True)
class CoverAll:
    """Columns that together cover every row, or the proof that none do, or neither when the time
    was too short.
    """

    columns: list[int] | None = None
    impossible: bool = False


def cover_all(problem: Problem, watch: Watch) -> CoverAll:
    """Decide whether an admissible choice covers every row that weighs something."""
    weighing = np.flatnonzero(problem.first > 0)
    if (np.diff(sparse.csr_array(problem.cover).indptr)[weighing] == 0).any():
        return CoverAll(impossible=True)
    small = essential(problem)
    found = _cover_all_quickly(small, watch)
    if found is None and small.cover.nnz > mixed_integer.TINY:
        bound = bounds.lagrangian(
            small, iterations=400, good_enough=small.everything - 0.5, watch=watch
        )
        if bound.value < small.everything * (1 - 1e-9) - 1e-6:
            return CoverAll(impossible=True)
    if found is None:
        outcome = mixed_integer.solve(mixed_integer.set_covering(small), gap=np.inf, watch=watch)
        if outcome.ending == "infeasible":
            return CoverAll(impossible=True)
        found = None if outcome.chosen is None else list(outcome.chosen)
    if found is None:
        return CoverAll()
    return CoverAll(
        [int(column) for column in np.searchsorted(problem.rules.column, small.rules.column[found])]
    )


def _cover_all_quickly(problem: Problem, watch: Watch) -> list[int] | None:
    columns = heuristics.greedy(problem)
    if problem.value(columns) < problem.everything and problem.cover.nnz > mixed_integer.TINY:
        columns = heuristics.search(
            problem, columns, rounds=100, enough=problem.everything, watch=watch
        )
    return (
        columns
        if problem.value(columns) >= problem.everything and admissible(problem, columns)
        else None
    )


def _one_fewer(best: Best, wanted: float, watch: Watch) -> None:
    """Look for a plan of one site fewer, again and again, until the search finds none that obeys
    the rules.
    """
    while not best.closed and not watch.over:
        fewer = replace(best.problem, count=len(best.start) - 1)
        if fewer.count < len(fewer.rules.required):
            return
        start = heuristics.greedy(fewer)
        found = heuristics.search(fewer, start, rounds=300, enough=wanted * (1 - 1e-9), watch=watch)
        if fewer.value(found) < wanted * (1 - 1e-9) or not admissible(fewer, found):
            return
        best.offer("search", _without_useless(fewer, found, wanted))


def _without_useless(problem: Problem, chosen: list[int], wanted: float) -> list[int]:
    """Close, dearest first, what can be closed with ``wanted`` still reached and the rules still
    kept.
    """
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
            "aucun plan trouvé dans le temps accordé : augmentez la limite de temps ou "
            "assouplissez les règles."
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
    """Order columns, each adding as much as it can after those before it; drop those that neither
    add nor must be.
    """
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
        i
        for i, column in enumerate(order)
        if gains[i] > 0 or column in must or problem.rules.floor_of[column] >= 0
    ]
    return [order[i] for i in kept], tuple(gains[i] for i in kept)
