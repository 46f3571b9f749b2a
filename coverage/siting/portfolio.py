"""The solver portfolio: cheap answers first, dear proofs only when they are needed, the best of
both kept.

Reduce, lazy greedy, swap, Lagrangian bound, a short search, then the proof: relax, cut, exclude,
try what the relaxation proposes, and only then branch. What is too large for that gets a longer
search and a better bound.

The linear relaxation of a covering problem is nearly whole, and zero-half cuts make it nearer still
(:func:`~geoguichet.coverage.siting.highs.relax`). Its prices exclude candidates (reduced-cost
fixing, Dantzig, Fulkerson & Johnson 1954); without them more rows are alike and the next relaxation
is smaller. The candidates that it opens in part, and those of the best plan, make a small problem
of their own whose best plan is seldom far from the best of all (relaxation-induced neighbourhood,
after Danna, Rothberg & Le Pape 2005). Branch and bound has the last word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting import bounds, mixed_integer
from geoguichet.coverage.siting.problem import (
    Floats,
    KioskPlan,
    Mask,
    Problem,
    Sense,
    Stated,
    Status,
    Watch,
    admissible,
    components,
    dominated_rows,
    keep_columns,
    merge_rows,
    reduced,
)

#: Above so many entries no MIP solver was seen to leave its root relaxation in useful time
#: (docs/benchmarks.md).
_TOO_LARGE = 600_000

#: Rounds of the first search of a problem of fewer entries than that; a larger one gets a third.
_ROUNDS, _FEW = 600, 40_000

#: A plan that covers this share of all that can be covered is searched around before it is bounded.
_NEARLY_ALL = 0.995
#: When a first bound leaves no more entries than that, the proof is done before a search would be.
_FEW_LEFT = 4_000

#: Steps of the search for fewer sites that cover everyone, by row and candidate.
_STEPS = 5

#: Relaxations at most; each but the first is of a smaller problem.
_TURNS = 6
#: A relaxation is solved again, its cuts found anew, when no more than this share of its candidates
#: is left; a small program, of which branching is soon done, only for the second share.
_SMALLER, _MUCH_SMALLER = 0.9, 0.75
#: When the relaxation leaves no more than this share of the candidates, branching needs no better
#: plan first.
_NEARLY = 0.5
#: Branching on more candidates than that was seen to close next to nothing in a minute.
_MANY = 1_500
#: Rounds of cuts and nodes given to the small problem of the candidates that the relaxation opens:
#: counted, not timed, so that equal inputs give equal answers.
_TRIED_ROUNDS, _TRIED_NODES = 15, 200
#: A program of more entries takes a second a round of cuts: the plan is looked for before, not with
#: what they leave.
_VAST = 200_000


class Best:
    """The best plan and the best bound known, and how they came about."""

    def __init__(
        self,
        problem: Problem,
        gap: float,
        *,
        sense: Sense,
        measure: Callable[[list[int]], float],
        whole: bool,
        bound: float,
    ) -> None:
        self.problem, self.gap, self.sense, self.measure = problem, gap, sense, measure
        self.bound, self.steps = bound, list[str]()
        self.columns: list[int] | None = None
        #: The most that a plan which opens each candidate can bring, by what was proved of it.
        self.if_opened: Floats = np.full(problem.columns, np.inf)
        self.ending: mixed_integer.Ending | None = None
        self._sign = 1.0 if sense == "max" else -1.0
        self.value = -self._sign * np.inf
        #: How much better a plan must at least be, to be better: people, metres and sites often
        #: come whole.
        self.grain = 0.999 if whole else 1e-6

    @property
    def found(self) -> bool:
        """Whether any plan is known."""
        return self.columns is not None

    @property
    def start(self) -> list[int]:
        """The columns of the best plan, none when no plan is known."""
        return self.columns or []

    @property
    def settling(self) -> float:
        """The upper bound that would settle a question that maximises."""
        if not self.found:
            return -np.inf
        return max(self.value + self.grain, self.value / max(1e-9, 1.0 - self.gap))

    @property
    def closed(self) -> bool:
        """Whether the plan is as good as was asked for."""
        room = self._sign * (self.bound - self.value)
        large = max(abs(self.bound), abs(self.value))
        return self.found and room <= max(1e-6, 1e-9 * large, self.gap * large)

    @property
    def proved(self) -> bool:
        """Whether the plan is proved optimal."""
        room = self._sign * (self.bound - self.value)
        return self.found and room <= 1e-6 * max(1.0, abs(self.value))

    def offer(self, step: str, columns: list[int]) -> None:
        """Keep the columns if they obey the rules and are better than those known."""
        if not admissible(self.problem, columns):
            return
        value = self.measure(columns)
        self.steps.append(f"{step} {value:.10g}")
        if self._sign * value > self._sign * self.value or not self.found:
            self.columns, self.value = list(columns), value

    def tighten(self, value: float, if_opened: Floats | float = np.inf) -> None:
        """Keep a bound, and one for each candidate if it is opened, where they say more than those
        known.
        """
        self.steps.append(f"bound {value:.10g}")
        self.if_opened = np.minimum(self.if_opened, if_opened)
        self.limit(value)

    @property
    def worth_opening(self) -> Mask:
        """Mark the candidates that a better plan may open, and those of the best plan."""
        worth: Mask = self.if_opened > self.value + self.grain - 1e-6
        worth[[*self.start, *self.problem.rules.required]] = True
        return worth

    def hear(self, outcome: mixed_integer.Outcome, where: npt.NDArray[np.int64]) -> None:
        """Take what the exact solver found and proved on the columns ``where``."""
        self._refuse_contradiction(outcome.ending)
        self.steps.append(outcome.how)
        self.ending = outcome.ending
        if outcome.chosen is not None:
            self.offer("exact", [int(column) for column in where[list(outcome.chosen)]])
        self.limit(outcome.bound)
        if outcome.ending == "solved" and self.found:
            self.bound = self.value

    def cut(self, relaxed: mixed_integer.Relaxed) -> None:
        """Take the bound of a relaxation of what is left to be decided."""
        self._refuse_contradiction(relaxed.ending)
        self.steps.append(f"{relaxed.how}, bound {relaxed.bound:.10g}")
        if relaxed.ending != "solved":
            self.ending = relaxed.ending
        self.limit(relaxed.bound)

    def _refuse_contradiction(self, ending: mixed_integer.Ending) -> None:
        if ending == "infeasible" and not self.found:
            raise SitingError(
                "les règles se contredisent : aucun choix de lieux ne respecte à la fois le "
                "nombre ou le budget, les "
                "lieux imposés, un lieu par groupe, l'espacement et les minimums ; assouplissez "
                "l'une d'elles."
            )

    def limit(self, bound: float) -> None:
        """Keep the number that no plan can better, if it says more than the one known."""
        # what comes whole cannot end between two whole numbers: the bound is rounded to the nearer
        # of them, a millionth forgiven for the sums of the solver
        if self.grain > 0.5:
            bound = np.floor(bound + 1e-6) if self.sense == "max" else np.ceil(bound - 1e-6)
        self.bound = self._sign * max(
            min(self._sign * bound, self._sign * self.bound), self._sign * self.value
        )


def status(best: Best, watch: Watch) -> Status:
    """Say how the search ended."""
    if best.proved or best.closed:
        return "optimal" if best.proved else "gap_reached"
    if watch.cancelled or best.ending == "lost":
        return "interrupted" if watch.cancelled else "solver_lost"
    return "time_limit" if watch.over or best.ending == "stopped" else "work_limit"


# The most people: a problem that maximises.


def most(model: str, stated: Stated, gap: float, watch: Watch) -> KioskPlan:
    """Run the portfolio on a problem that maximises: greedy, swap, bound, search, exact; each only
    if it is needed. ``model`` is the name the plan gives to the question.
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
    best.offer("greedy", bounds.greedy(problem))
    best.offer("swap", bounds.swap(problem, best.start, watch))
    entries = int(problem.cover.nnz)
    if not best.closed and best.value > _NEARLY_ALL * best.bound:
        _search(best, _ROUNDS // 6, watch)
    if not best.closed and entries > mixed_integer.TINY:
        _bound(best, watch)
        if np.diff(problem.cover.indptr)[best.worth_opening].sum() > _FEW_LEFT:
            _search(best, _ROUNDS if entries < _FEW else _ROUNDS // 3, watch)
    if not best.closed and (entries <= _TOO_LARGE or not best.found):
        settle(best, watch)
    elif not best.closed:
        # Too large to be proved: a better bound, then a better plan, each for a fixed amount of
        # work that takes about a third, then half, of the time limit. Counted, not timed, so that
        # equal inputs give equal answers.
        iterations = max(400, min(6000, int(0.35 * watch.limit_s / (5e-5 + 5e-9 * entries))))
        _bound(best, watch, iterations=iterations)
        _search(best, bounds.rounds(problem, watch.limit_s), watch)
    return _plan(model, stated, best, watch)


# Bound the best plan: by the linear relaxation where the simplex has it at once, else by prices.
def _bound(best: Best, watch: Watch, *, iterations: int = 600) -> None:
    problem = best.problem
    if problem.cover.nnz > mixed_integer.SMALL:
        proof = bounds.lagrangian(
            problem, iterations=iterations, good_enough=best.settling, watch=watch
        )
        best.tighten(proof.value, bounds.if_opened(problem, proof))
        return
    relaxed = mixed_integer.relax(
        mixed_integer.covering(problem), enough=best.settling, rounds=0, watch=watch
    )
    if relaxed.ending == "solved":
        open_one = relaxed.bound + np.minimum(0.0, relaxed.reduced[: problem.columns])
        best.tighten(relaxed.bound, open_one)
        if not best.closed:
            _try(
                best, _Core.of(best, np.ones(problem.columns, dtype=bool)), relaxed, watch, nodes=1
            )


# Look for a better plan around the best one.
def _search(best: Best, rounds: int, watch: Watch) -> None:
    best.offer(
        "search",
        bounds.search(best.problem, best.start, rounds=rounds, enough=best.bound, watch=watch),
    )


# The proof.


def settle(best: Best, watch: Watch) -> None:
    """Prove the best plan optimal, or find a better one that is, within the time that the watch
    leaves.
    """
    kept = best.worth_opening
    core = _Core.of(best, kept)
    program = core.program
    for turn in range(_TURNS if program.matrix.nnz > mixed_integer.TINY else 0):
        # even the relaxation of a vast program takes long
        vast = core.hard and core.program.matrix.nnz > _VAST
        relaxed = _relax(best, core, watch, searching=vast and turn == 0)
        best.cut(relaxed)
        if relaxed.ending != "solved" or best.closed:
            return
        program = mixed_integer.with_cuts(core.program, relaxed.cuts, relaxed.limit)
        if (
            best.found
            and turn == 0
            and len(core.worth_opening(relaxed, best)) > _NEARLY * core.problem.columns
        ):
            _try(best, core, relaxed, watch)
        if best.ending == "lost":
            return
        left = core.worth_opening(relaxed, best)
        if best.closed or watch.over or len(left) > core.worth_again * core.problem.columns:
            break
        core = _Core.of(best, np.isin(np.arange(len(kept)), core.where[left]))
        program = core.program
    if core.hard:
        _search_long(best, watch)
    if not best.closed and not watch.over:
        best.hear(
            mixed_integer.solve(
                program,
                start=core.start(best),
                gap=best.gap,
                absolute_gap=best.grain,
                watch=watch,
            ),
            core.where,
        )


def _relax(best: Best, core: _Core, watch: Watch, *, searching: bool) -> mixed_integer.Relaxed:
    """Relax the problem in the child, and look for a better plan here meanwhile when that takes
    long.

    Both are counted and both are waited for: the answer does not depend on which is done first.
    """
    if not searching:
        return mixed_integer.relax(core.program, enough=best.settling, hard=core.hard, watch=watch)
    called_off = threading.Event()
    with ThreadPoolExecutor(1) as other:
        relaxing = other.submit(
            mixed_integer.relax,
            core.program,
            enough=best.settling,
            hard=core.hard,
            watch=watch.until(called_off),
        )
        try:
            _search_long(best, watch)
            return relaxing.result()
        finally:  # an interruption must not wait for the relaxation
            called_off.set()


# Look for a better plan for about half of the time limit, counted in rounds.
def _search_long(best: Best, watch: Watch) -> None:
    if best.found and not best.closed:
        _search(best, bounds.rounds(best.problem, watch.limit_s), watch)


@dataclass(frozen=True, slots=True, eq=False)
class _Core:
    """The problem on the candidates that are left, its equal rows merged."""

    problem: Problem
    #: The position of each candidate in the problem at large.
    where: np.ndarray
    program: mixed_integer.Program

    # Keep these candidates and those of the best plan.
    @classmethod
    def of(cls, best: Best, kept: Mask) -> _Core:
        kept = kept.copy()
        kept[best.start] = True
        problem = merge_rows(keep_columns(best.problem, kept)) if not kept.all() else best.problem
        return cls(problem, np.flatnonzero(kept), mixed_integer.covering(problem))

    # Whether branching would take long: a good plan is then looked for first.
    @property
    def hard(self) -> bool:
        return self.program.matrix.nnz > mixed_integer.SMALL and self.problem.columns > _MANY

    # What share of the candidates may be left for another relaxation to be worth its while.
    @property
    def worth_again(self) -> float:
        return _SMALLER if self.program.matrix.nnz > mixed_integer.SMALL else _MUCH_SMALLER

    # Return the best plan known as a solution of the program.
    def start(self, best: Best) -> Floats | None:
        if not best.found:
            return None
        chosen = np.isin(self.where, best.start)
        times = self.problem.cover @ chosen.astype(np.int64)
        return np.concatenate([chosen, times >= 1, times[self.problem.second > 0] >= 2]).astype(
            np.float64
        )

    # Return the candidates that a better plan may open.
    def worth_opening(self, relaxed: mixed_integer.Relaxed, best: Best) -> np.ndarray:
        count = self.problem.columns
        if not best.found:
            return np.arange(count)
        open_one = relaxed.bound + np.minimum(0.0, relaxed.reduced[:count])
        return np.flatnonzero(open_one > best.value + best.grain - 1e-6)


# Look for a better plan among the candidates that the relaxation opens, wholly or in part.
def _try(
    best: Best,
    core: _Core,
    relaxed: mixed_integer.Relaxed,
    watch: Watch,
    nodes: int = _TRIED_NODES,
) -> None:
    x = relaxed.x[: core.problem.columns]
    most = np.argsort(-x, kind="stable")[: 4 * core.problem.count + 60]
    opened = core.where[most[x[most] > 1e-6]]
    if len(opened) > _SMALLER * core.problem.columns:
        return
    small = _Core.of(best, np.isin(np.arange(best.problem.columns), opened))
    tight = mixed_integer.relax(
        small.program, enough=best.settling, rounds=_TRIED_ROUNDS, watch=watch
    )
    outcome = mixed_integer.solve(
        mixed_integer.with_cuts(small.program, tight.cuts, tight.limit),
        start=small.start(best),
        gap=best.gap,
        absolute_gap=best.grain,
        nodes=nodes,
        watch=watch,
    )
    ending: mixed_integer.Ending = "lost" if "lost" in (tight.ending, outcome.ending) else "stopped"
    best.hear(replace(outcome, bound=np.inf, ending=ending), small.where)


# The fewest sites: a problem that minimises.


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


def fewest(
    model: str, stated: Stated, problem: Problem, wanted: float, gap: float, watch: Watch
) -> KioskPlan:
    """Run the portfolio on a problem that minimises; covering everybody is one problem per
    component. ``model`` is the name the plan gives to the question.
    """
    everything = problem.value(np.arange(problem.columns))
    whole, everyone = _least(problem, gap), wanted >= everything
    parts = components(problem) if everyone and problem.cover.nnz > _FEW_LEFT else []
    if len(parts) < 2:
        _minimise(whole, min(wanted, everything), everyone, watch)
        return _plan(model, stated, whole, watch)
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
    return _plan(model, stated, whole, watch)


def _least(problem: Problem, gap: float) -> Best:
    return Best(
        problem,
        gap,
        sense="min",
        measure=lambda columns: float(problem.cost[columns].sum()),
        whole=bool(np.all(problem.cost % 1 == 0)),
        bound=0.0,
    )


# Greedy, bound, fewer sites as long as that works, cuts, exact; each only if it is needed.
def _minimise(best: Best, wanted: float, everyone: bool, watch: Watch) -> None:
    problem = best.problem
    chosen = _without_useless(problem, bounds.greedy(problem, enough=wanted), wanted)
    if problem.value(chosen) >= wanted - 1e-9 * problem.everything:
        best.offer("greedy", chosen)
    moderate = problem.cover.nnz <= 3 * mixed_integer.SMALL
    written = (
        mixed_integer.set_covering(problem)
        if everyone
        else mixed_integer.partial_covering(problem, wanted)
    )
    program = replace(written, plain=moderate)
    if everyone and moderate and problem.cover.nnz > mixed_integer.TINY:
        best.cut(mixed_integer.relax(program, enough=0.0, rounds=0, watch=watch))
    elif np.all(problem.cost == 1) and best.found and problem.cover.nnz > _FEW_LEFT:
        # the prices of one count bound every count: fewer sites than the first that could bring
        # what is wanted cannot do
        prices = bounds.lagrangian(
            replace(problem, count=len(best.start)), iterations=600, watch=watch
        )
        enough = np.flatnonzero(
            bounds.by_count(problem, prices.price, problem.columns) >= wanted * (1 - 1e-9)
        )
        best.tighten(float(enough.min(initial=problem.columns)))
    _fewer(best, wanted, everyone, watch)
    if not best.closed and best.ending != "lost" and (everyone or not moderate):
        relaxed = mixed_integer.relax(
            program, enough=best.value - best.grain if best.found else np.inf, watch=watch
        )
        best.cut(relaxed)
        program = _without_dear(program, relaxed, best)
    if best.closed or best.ending == "lost":
        return
    best.hear(
        mixed_integer.solve(
            program,
            start=_fewest_start(problem, best.start, everyone) if best.found else None,
            gap=best.gap,
            absolute_gap=best.grain if best.found else 1e-6,
            watch=watch,
        ),
        np.arange(problem.columns),
    )


# Take the cuts of a relaxation, and forbid the columns that it proves no better plan to have.
def _without_dear(
    program: mixed_integer.Program, relaxed: mixed_integer.Relaxed, best: Best
) -> mixed_integer.Program:
    program = mixed_integer.with_cuts(program, relaxed.cuts, relaxed.limit)
    if relaxed.ending != "solved" or not best.found:
        return program
    sites, upper = best.problem.columns, program.upper.copy()
    least = relaxed.bound + np.maximum(0.0, relaxed.reduced[:sites])
    dear = least > best.value - best.grain + 1e-6
    dear[[*best.start, *best.problem.rules.required]] = False
    upper[:sites][dear] = 0.0
    return replace(program, upper=upper)


# Look for a plan of fewer sites.
def _fewer(best: Best, wanted: float, everyone: bool, watch: Watch) -> None:
    problem = best.problem
    if (
        best.closed
        or not best.found
        or np.any(problem.cost != 1)
        or problem.cover.nnz <= mixed_integer.TINY
    ):
        return
    if everyone:
        steps = _STEPS * sum(problem.cover.shape)
        found = bounds.fewer(problem, best.start, enough=best.bound, steps=steps, watch=watch)
        best.offer("weights", found)
    elif problem.cover.nnz > _FEW_LEFT:
        _one_fewer(best, wanted, watch)


def cover_all(problem: Problem, watch: Watch) -> tuple[list[int] | None, bool]:
    """Decide whether an admissible choice covers every row that weighs something.

    Returns columns that do, else whether it is proved that none do; neither when the time was too
    short.
    """
    if (np.diff(sparse.csr_array(problem.cover).indptr)[problem.first > 0] == 0).any():
        return None, True
    small = essential(problem)
    everything, tiny = small.everything, small.cover.nnz <= mixed_integer.TINY
    found = bounds.greedy(small)
    if small.value(found) < everything and not tiny:
        found = bounds.search(small, found, rounds=100, enough=everything, watch=watch)
    if small.value(found) < everything or not admissible(small, found):
        if not tiny:
            bound = bounds.lagrangian(
                small, iterations=400, good_enough=everything - 0.5, watch=watch
            )
            if bound.value < everything * (1 - 1e-9) - 1e-6:
                return None, True
        outcome = mixed_integer.solve(mixed_integer.set_covering(small), gap=np.inf, watch=watch)
        if outcome.chosen is None:
            return None, outcome.ending == "infeasible"
        found = list(outcome.chosen)
    chosen = small.rules.column[found]
    return np.searchsorted(problem.rules.column, chosen).tolist(), False


# Look for a plan of one site fewer, again and again, until the search finds none that obeys the
# rules.
def _one_fewer(best: Best, wanted: float, watch: Watch) -> None:
    while not best.closed and not watch.over:
        fewer = replace(best.problem, count=len(best.start) - 1)
        if fewer.count < len(fewer.rules.required):
            return
        found = bounds.search(
            fewer, bounds.greedy(fewer), rounds=300, enough=wanted * (1 - 1e-9), watch=watch
        )
        if fewer.value(found) < wanted * (1 - 1e-9) or not admissible(fewer, found):
            return
        best.offer("search", _without_useless(fewer, found, wanted))


# Close, dearest first, what can be closed with ``wanted`` still reached and the rules still kept.
def _without_useless(problem: Problem, chosen: list[int], wanted: float) -> list[int]:
    opening = bounds.Opening(problem, chosen)
    for column in sorted(chosen, key=lambda column: (-problem.cost[column], opening.added[column])):
        opening.close(column)
        if opening.value < wanted * (1 - 1e-9) or not opening.keeps_the_rules():
            opening.open(column)
    return opening.columns


def _fewest_start(problem: Problem, columns: list[int], everyone: bool) -> Floats:
    chosen = np.isin(np.arange(problem.columns), columns)
    return (
        chosen
        if everyone
        else np.concatenate([chosen, problem.cover @ chosen.astype(np.int64) > 0])
    ).astype(np.float64)


# Give the answer in the planner's terms: original positions, ranked, with what each adds.
def _plan(model: str, stated: Stated, best: Best, watch: Watch) -> KioskPlan:
    if best.columns is None:
        raise SitingError(
            "aucun plan trouvé dans le temps accordé : augmentez la limite de temps ou "
            "assouplissez les règles."
        )
    order, gains = ranked(
        stated.problem,
        np.searchsorted(stated.problem.rules.column, best.problem.rules.column[best.columns]),
    )
    return KioskPlan(
        model=model,
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
    opening = bounds.Opening(problem)
    left, must = sorted(columns.tolist()), set(problem.rules.required.tolist())
    gains: dict[int, float] = {}
    while left:
        column = max(left, key=lambda candidate: (opening.added[candidate], -candidate))
        gain = max(0.0, float(opening.added[column]))
        if gain > 0 or column in must or problem.rules.floor_of[column] >= 0:
            gains[column] = gain
        opening.open(column)
        left.remove(column)
    return list(gains), tuple(gains.values())
