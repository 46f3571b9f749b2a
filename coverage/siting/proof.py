"""The proof of a covering plan: relax, cut, exclude, try what the relaxation proposes, and only
then branch.

The linear relaxation of a covering problem is nearly whole, and zero-half cuts make it nearer still
(:func:`~geoguichet.coverage.siting.highs.relax`). Its prices exclude candidates (reduced-cost
fixing, Dantzig, Fulkerson & Johnson 1954); without them more rows are alike and the next relaxation
is smaller. The candidates that it opens in part, and those of the best plan, make a small problem
of their own whose best plan is seldom far from the best of all (relaxation-induced neighbourhood,
after Danna, Rothberg & Le Pape 2005). Branch and bound has the last word.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from geoguichet.coverage.siting import bounds, heuristics, mixed_integer
from geoguichet.coverage.siting.incumbent import Best
from geoguichet.coverage.siting.plan import Watch
from geoguichet.coverage.siting.problem import Floats, Mask, Problem, keep_columns, merge_rows

_TURNS = 6
"""Relaxations at most; each but the first is of a smaller problem."""
_SMALLER, _MUCH_SMALLER = 0.9, 0.75
"""A relaxation is solved again, its cuts found anew, when no more than this share of its candidates
is left; a small program, of which branching is soon done, only for the second share."""
_NEARLY = 0.5
"""When the relaxation leaves no more than this share of the candidates, branching needs no better
plan first.
"""
_MANY = 1_500
"""Branching on more candidates than that was seen to close next to nothing in a minute."""
_ROUNDS, _NODES = 15, 200
"""Rounds of cuts and nodes given to the small problem of the candidates that the relaxation opens:
counted, not timed, so that equal inputs give equal answers."""
_VAST = 200_000
"""A program of more entries takes a second a round of cuts: the plan is looked for before, not with
what they leave.
"""


def settle(best: Best, watch: Watch) -> None:
    """Prove the best plan optimal, or find a better one that is, within the time that the watch
    leaves.
    """
    kept = np.ones(best.problem.columns, dtype=bool)
    if best.found and best.proof is not None:
        kept &= ~bounds.cannot_open(best.problem, best.proof, best.value + best.grain)
    core = _Core.of(best, kept)
    program = core.program
    for turn in range(_TURNS if core.large else 0):
        relaxed = _relax(best, core, watch, searching=core.vast and turn == 0)
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
        _search(best, watch)
    if not best.closed and not watch.over:
        start = core.start(best)
        best.hear(
            mixed_integer.solve(
                program, start=start, gap=best.gap, absolute_gap=best.grain, watch=watch
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
        until = watch.until(called_off)
        relaxing = other.submit(
            mixed_integer.relax, core.program, enough=best.settling, hard=core.hard, watch=until
        )
        try:
            _search(best, watch)
            return relaxing.result()
        except BaseException:
            called_off.set()
            raise


def _search(best: Best, watch: Watch) -> None:
    """Look for a better plan for about half of the time limit, counted in rounds."""
    if best.found and not best.closed:
        rounds = heuristics.rounds(best.problem, watch.limit_s)
        best.offer(
            "search",
            heuristics.search(
                best.problem, best.start, rounds=rounds, enough=best.bound, watch=watch
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Core:
    """The problem on the candidates that are left, its equal rows merged."""

    problem: Problem
    where: np.ndarray
    """The position of each candidate in the problem at large."""
    program: mixed_integer.Program

    @classmethod
    def of(cls, best: Best, kept: Mask) -> _Core:
        """Keep these candidates and those of the best plan."""
        kept = kept.copy()
        kept[best.start] = True
        problem = merge_rows(keep_columns(best.problem, kept)) if not kept.all() else best.problem
        return cls(problem, np.flatnonzero(kept), mixed_integer.covering(problem))

    @property
    def large(self) -> bool:
        """Whether a relaxation is worth its while before branching."""
        return self.program.matrix.nnz > mixed_integer.TINY

    @property
    def hard(self) -> bool:
        """Whether branching would take long: a good plan is then looked for first."""
        return self.program.matrix.nnz > mixed_integer.SMALL and self.problem.columns > _MANY

    @property
    def worth_again(self) -> float:
        """What share of the candidates may be left for another relaxation to be worth its while."""
        return _SMALLER if self.program.matrix.nnz > mixed_integer.SMALL else _MUCH_SMALLER

    @property
    def vast(self) -> bool:
        """Whether even its relaxation takes long."""
        return self.hard and self.program.matrix.nnz > _VAST

    def start(self, best: Best) -> Floats | None:
        """Return the best plan known as a solution of the program."""
        if not best.found:
            return None
        chosen = np.isin(self.where, best.start)
        times = self.problem.cover @ chosen.astype(np.int64)
        return np.concatenate([chosen, times >= 1, times[self.problem.second > 0] >= 2]).astype(
            np.float64
        )

    def worth_opening(self, relaxed: mixed_integer.Relaxed, best: Best) -> np.ndarray:
        """Return the candidates that a better plan may open."""
        count = self.problem.columns
        if not best.found:
            return np.arange(count)
        open_one = relaxed.bound + np.minimum(0.0, relaxed.reduced[:count])
        return np.flatnonzero(open_one > best.value + best.grain - 1e-6)


def _try(best: Best, core: _Core, relaxed: mixed_integer.Relaxed, watch: Watch) -> None:
    """Look for a better plan among the candidates that the relaxation opens, wholly or in part."""
    x = relaxed.x[: core.problem.columns]
    most = np.argsort(-x, kind="stable")[: 4 * core.problem.count + 60]
    opened = core.where[most[x[most] > 1e-6]]
    if len(opened) > _SMALLER * core.problem.columns:
        return
    small = _Core.of(best, np.isin(np.arange(best.problem.columns), opened))
    tight = mixed_integer.relax(small.program, enough=best.settling, rounds=_ROUNDS, watch=watch)
    program = mixed_integer.with_cuts(small.program, tight.cuts, tight.limit)
    outcome = mixed_integer.solve(
        program,
        start=small.start(best),
        gap=best.gap,
        absolute_gap=best.grain,
        nodes=_NODES,
        watch=watch,
    )
    ending: mixed_integer.Ending = "lost" if "lost" in (tight.ending, outcome.ending) else "stopped"
    best.hear(replace(outcome, bound=np.inf, ending=ending), small.where)
