"""The second objective: of all plans that are good enough, the one whose hosts are open longest, then
stand in the largest communes, then are nearest to people.

Lexicographic (Isermann 1982): the first objective becomes a constraint, within a share of the best
value known; each criterion in turn is the objective of a program, then a constraint of the next. No
plan opens more sites than the best one did, and none opens a site that adds nothing, which may be
open only because its hours are long: a site whose demand other open sites cover as often as counts is
cut off as it is met (Dantzig, Fulkerson & Johnson 1954). Sites that must open, or that count for a
floor, may add nothing.

The prices of a relaxation say how much a plan loses at least for each site that it opens or leaves
closed against them. Only the sites that lose little are left to the solver, as the core of a knapsack
is (Balas & Zemel 1980): what it finds is proved when no other site could do better, and else the core
is widened by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import sparse

from geoguichet.coverage.routers.impedance import Positions
from geoguichet.coverage.siting import mixed_integer
from geoguichet.coverage.siting.mixed_integer import Outcome, Program, Relaxed, at_least, with_cuts
from geoguichet.coverage.siting.problem import (
    Criterion,
    Floats,
    HostChoice,
    Mask,
    Problem,
    Quality,
    Watch,
    cliques,
    excludes_no_more,
    meetings,
    rings,
)

#: Above so many entries the plans that are good enough are not compared: a relaxation takes a minute.
_COMPARED = 200_000
#: Rounds of cuts at most for a criterion, and for its relaxation.
_CUTS, _TIGHTENED = 200, 15
#: A core of more sites is tried first within an eighth of what the best plan found may miss.
_CORE, _NARROWER = 400, 8
#: What a sum of criteria, each at most one a site, may miss for the numbers of the solver.
_SLACK = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Enough:
    """The plans that are good enough, as a program whose first columns are those of the problem."""

    problem: Problem
    program: Program
    #: Demand x columns, and how many open sites count for each row of it.
    rows: sparse.csr_array
    times: Positions


def choose(
    enough: Enough, quality: Quality, columns: list[int], best: float, watch: Watch
) -> tuple[list[int], HostChoice]:
    """Return the plan of the best hosts among those that are good enough, and how it was chosen.

    ``columns`` are a plan that is, of the value ``best``; none has more sites.
    """
    if enough.program.matrix.nnz > _COMPARED or not columns:
        return columns, HostChoice(quality.within, best, len(columns), ())
    asked = _Asked(enough)
    count = np.concatenate(
        [np.ones(asked.columns), np.zeros(len(enough.program.cost) - asked.columns)]
    )
    first, fixed, found = columns, list[tuple[_Merit, float]](), list[Criterion]()
    column = enough.problem.rules.column
    hours, size = quality.hours[column], quality.size[column]
    closed = asked.idle | asked.surpassed(hours, size)
    program = asked.without(at_least(enough.program, -count, -len(columns)), closed)
    columns = asked.pruned(columns, hours)
    merits: dict[Literal["hours", "size", "nearness"], _Merit] = {
        "hours": _Merit(hours, _unit(hours[~asked.idle])),
        "size": _Merit(size, _unit(size[~asked.idle])),
        "nearness": _near(quality, column),
    }
    for name, merit in merits.items():
        if name == "nearness" and asked.alone(program, columns, watch):
            value = merit.worth(columns)
            found.append(Criterion(name, merit.worth(first), value, value))
            break
        wider, objective = merit.over(program)
        worth = merit.worth(columns) / merit.unit
        chosen, bound, program = asked.best(wider, objective, columns, worth, watch)
        kept = all(one.worth(chosen) >= least for one, least in fixed)
        if chosen and kept and merit.worth(chosen) > merit.worth(columns):
            columns = chosen
        value = merit.worth(columns)
        most = min(bound * merit.unit, merit.most(len(first)))
        # what the solver leaves itself is no better plan
        most = value if most - value <= 1e-6 * max(1.0, abs(value)) else most
        found.append(Criterion(name, merit.worth(first), value, most))
        if not found[-1].proved:
            break
        fixed.append((merit, value - _SLACK * merit.unit))
        program = at_least(program, objective, value / merit.unit - _SLACK)
    return columns, HostChoice(quality.within, best, len(first), tuple(found))


@dataclass(frozen=True, slots=True, eq=False)
class _Merit:
    """What is to be had most of: of the open sites, or of the rows that they cover."""

    gain: Floats
    #: What stands for one in a program, whose numbers are then alike.
    unit: float
    cover: sparse.csr_array | None = None

    def worth(self, columns: list[int]) -> float:
        if self.cover is None:
            return float(self.gain[columns].sum())
        chosen = np.zeros(self.cover.shape[1])
        chosen[columns] = 1.0
        return float(self.gain[self.cover @ chosen > 0].sum())

    # What so many sites can be worth, whatever they are.
    def most(self, sites: int) -> float:
        return float(
            self.gain.sum() if self.cover is not None else np.sort(self.gain)[::-1][:sites].sum()
        )

    # Return the program with what this merit needs, and its objective.
    def over(self, program: Program) -> tuple[Program, Floats]:
        gain = self.gain / self.unit
        if self.cover is None:
            return program, np.concatenate([gain, np.zeros(len(program.cost) - len(gain))])
        rows, columns = self.cover.shape
        before = len(program.cost)
        wide = sparse.csr_array((rows, before - columns))
        linking = sparse.hstack([-self.cover.astype(np.float64), wide, sparse.eye_array(rows)])
        none = sparse.csc_array((program.matrix.shape[0], rows))
        wider = replace(
            program,
            matrix=sparse.csc_array(sparse.hstack([program.matrix, none])),
            cost=np.concatenate([program.cost, np.zeros(rows)]),
            lower=np.concatenate([program.lower, np.zeros(rows)]),
            upper=np.concatenate([program.upper, np.ones(rows)]),
        )
        held = with_cuts(wider, sparse.csr_array(linking), np.zeros(rows))
        return held, np.concatenate([np.zeros(before), gain])


# Return the ways saved by being near: of everyone, those unserved too, beside the longest there is.
def _near(quality: Quality, column: Positions) -> _Merit:
    costs, place = quality.costs, np.full(quality.costs.shape[1], -1)
    place[column] = np.arange(len(column))
    paid = costs.cost * quality.weight[costs.origin]
    there = np.isin(costs.destination, quality.existing)
    alone = quality.weight * float(costs.cost.max(initial=0.0))
    np.minimum.at(alone, costs.origin[there], paid[there])
    kept = (place[costs.destination] >= 0) & (paid < alone[costs.origin])
    cover, step, _most = rings(
        costs.origin[kept], place[costs.destination[kept]], paid[kept], alone, len(column)
    )
    return _Merit(step, _unit(step), cover)


def _unit(gain: Floats) -> float:
    return max(1e-9, float(gain.max(initial=0.0)))


class _Asked:
    """The plans that are good enough, and what keeps a site of them from adding nothing."""

    def __init__(self, enough: Enough) -> None:
        self.columns = enough.problem.columns
        self._rows, self._times = enough.rows, enough.times
        self._turned = sparse.csc_array(enough.rows.astype(np.int64))
        self._problem = enough.problem
        self._free: Mask = enough.problem.rules.floor_of < 0
        self._free[enough.problem.rules.required] = False
        #: What covers nothing and need not open.
        self.idle: Mask = self._free & (np.diff(self._turned.indptr) == 0)

    # Solve the core again and again, until no site of the plan adds nothing and none left out could
    # do better; ``known`` is a plan, ``worth`` so much.
    def best(
        self, program: Program, objective: Floats, known: list[int], worth: float, watch: Watch
    ) -> tuple[list[int], float, Program]:
        program = replace(program, cost=objective, maximise=True)
        relaxed = _Small.of(program).relax(watch)
        program = with_cuts(program, relaxed.cuts, relaxed.limit)
        start, room = self._first(program, relaxed, known, worth, watch)
        chosen, bound = list[int](), relaxed.bound
        for _round in range(_CUTS):
            outcome = _Small.of(self._core(program, relaxed, room)).solve(watch, start=start)
            if outcome.chosen is None:
                if outcome.ending != "infeasible" or room > np.abs(relaxed.reduced).max():
                    break
                room *= _NARROWER
                continue
            chosen = list(outcome.chosen)
            outside = -np.inf if room == np.inf else relaxed.bound - room
            bound = min(bound, max(outcome.bound, outside))
            if outcome.ending != "solved":
                break
            missing = _missing(relaxed, outcome.bound)
            if cuts := self._useless(chosen):
                program, start = self._cut_off(program, cuts), known
            elif room < missing:
                room, start = missing, chosen
            else:
                return chosen, bound, self._core(program, relaxed, missing)
        return self.pruned(chosen, objective[: self.columns]), bound, program

    # Return a plan to start from, and how much worse than the relaxation the sites of the core are at
    # most, to begin with: by what the sites that the relaxation opens can do among themselves.
    def _first(
        self, program: Program, relaxed: Relaxed, known: list[int], worth: float, watch: Watch
    ) -> tuple[list[int], float]:
        if relaxed.ending != "solved":
            return known, np.inf
        upper = program.upper.copy()
        upper[: self.columns][relaxed.x[: self.columns] <= 1e-6] = 0.0
        few = _Small.of(replace(program, upper=np.maximum(upper, program.lower)))
        outcome = few.solve(watch)
        if outcome.ending != "solved" or outcome.bound <= worth:
            return known, _missing(relaxed, worth)
        room = _missing(relaxed, outcome.bound)
        many = (np.abs(relaxed.reduced[: self.columns]) <= room).sum() > _CORE
        return list(outcome.chosen or ()), room / _NARROWER if many else room

    # Decide the sites without which, or with which, a plan loses more than so much.
    def _core(self, program: Program, relaxed: Relaxed, room: float) -> Program:
        if room == np.inf:
            return program
        here, gain = slice(self.columns), relaxed.reduced[: self.columns]
        lower, upper = program.lower.copy(), program.upper.copy()
        undecided = lower[here] < upper[here]
        upper[here][undecided & (gain < -room)] = 0.0
        lower[here][undecided & (gain > room)] = 1.0
        return replace(program, lower=lower, upper=upper)

    # Say whether a program is proved to have no plan but this one, by the most sites that another may
    # have changed: nothing is left to choose then.
    def alone(self, program: Program, columns: list[int], watch: Watch) -> bool:
        other = np.zeros(len(program.cost))
        other[: self.columns] = 1.0
        other[columns] = -1.0
        asked = _Small.of(replace(program, cost=other, maximise=True))
        outcome = asked.solve(watch, start=columns, absolute_gap=0.999)
        return outcome.bound < 1.0 - len(columns) - 1e-6

    # Close the sites that add nothing, those of least merit first.
    def pruned(self, columns: list[int], merit: Floats) -> list[int]:
        left = list(columns)
        while useless := self._useless(left):
            left.remove(min((column for column, _others in useless), key=lambda c: (merit[c], c)))
        return left

    # Return each site that adds nothing to the others, with some others that make it so.
    def _useless(self, columns: list[int]) -> list[tuple[int, list[int]]]:
        table = sparse.csr_array(self._turned[:, columns])
        left = table.sum(axis=1) - self._times
        found = []
        for place, column in enumerate(columns):
            rows = self._of(column)
            if self._free[column] and (left[rows] >= 1).all():
                found.append((column, self._others(table, rows, columns, place)))
        return found

    # Return the rows that a column covers.
    def _of(self, column: int) -> Positions:
        start, stop = self._turned.indptr[column : column + 2]
        return np.asarray(self._turned.indices[start:stop], dtype=np.int64)

    # Return few of the other open sites that cover these rows as often as counts, those of most
    # rows first.
    def _others(
        self, table: sparse.csr_array, rows: Positions, columns: list[int], place: int
    ) -> list[int]:
        among = np.asarray(table[rows].todense()) > 0
        among[:, place] = False
        owed, others = self._times[rows].copy(), list[int]()
        while (owed > 0).any():
            best = int((among & (owed > 0)[:, None]).sum(axis=0).argmax())
            others.append(columns[best])
            owed -= among[:, best]
            among[:, best] = False
        return others

    def _cut_off(self, program: Program, cuts: list[tuple[int, list[int]]]) -> Program:
        return self._at_most_but_one(program, [[column, *others] for column, others in cuts])

    # Forbid the sites of each set to be open all together, or two of them where ``pairs``.
    def _at_most_but_one(
        self, program: Program, sets: list[list[int]], *, pairs: bool = False
    ) -> Program:
        lengths = [len(members) for members in sets]
        rows = sparse.csr_array(
            (
                np.ones(sum(lengths)),
                np.concatenate([np.zeros(0), *sets]).astype(np.int64),
                np.cumsum([0, *lengths]),
            ),
            shape=(len(sets), len(program.cost)),
        )
        most = np.ones(len(sets)) if pairs else np.array(lengths, dtype=np.float64) - 1.0
        return with_cuts(program, rows, most)

    # Mark what another site can always stand for: it covers the very same, is open longer, or as long
    # in a larger commune, costs no more and excludes no more.
    def surpassed(self, hours: Floats, size: Floats) -> Mask:
        marked = np.zeros(self.columns, dtype=bool)
        if self._times.max(initial=1) > 1:
            return marked
        best = dict[bytes, int]()
        for column in np.lexsort((size, hours)).tolist():  # the best comes last
            best[self._of(column).tobytes()] = column
        first = np.array([best[self._of(column).tobytes()] for column in range(self.columns)])
        every, cost = np.arange(self.columns), self._problem.cost
        better = (hours[first] > hours) | (size[first] > size)
        exclusive = excludes_no_more(self._problem.rules.packs, every, first)
        return np.asarray(better & self._free & (cost[first] <= cost) & exclusive, dtype=bool)

    # Close some sites, and forbid a site beside one that covers all that it does.
    def without(self, program: Program, closed: Mask) -> Program:
        upper = program.upper.copy()
        upper[: self.columns][closed] = 0.0
        program = replace(program, upper=np.maximum(upper, program.lower))
        if self._times.max(initial=1) > 1:
            return program
        left = np.flatnonzero(~closed)
        one, other, both = meetings(sparse.csc_array(self._rows[:, left]))
        size = np.diff(self._turned.indptr)[left]
        inside = (one != other) & (both == size[one]) & self._free[left[one]]
        pairs = np.unique(np.sort(left[np.column_stack([one, other])[inside]], axis=1), axis=0)
        return self._at_most_but_one(program, cliques(pairs), pairs=True)


# Return what any plan may gain on one that is worth so much, and the numbers of the solver.
def _missing(relaxed: Relaxed, worth: float) -> float:
    return relaxed.bound - worth + 20 * _SLACK * max(1.0, abs(worth))


@dataclass(frozen=True, slots=True, eq=False)
class _Small:
    """A program without the columns that are decided, nor the rows that hold nothing any more."""

    program: Program
    #: Which columns of the whole are left, and what the others are.
    left: Positions
    decided: Floats
    #: What the decided bring to the objective, and which sites they open.
    brought: float
    opened: tuple[int, ...]

    @classmethod
    def of(cls, whole: Program) -> _Small:
        left = np.flatnonzero(whole.lower < whole.upper)
        left = left if len(left) else np.array([0])  # the solver wants one at least
        decided = whole.lower.copy()
        decided[left] = 0.0
        rows = sparse.csr_array(whole.matrix[:, left])
        settled = whole.matrix @ decided
        row_lower, row_upper = whole.row_lower - settled, whole.row_upper - settled
        lower, upper = whole.lower[left], whole.upper[left]
        up, down = rows.maximum(0), rows.minimum(0)
        holding = up @ upper + down @ lower > row_upper + 1e-9
        holding |= up @ lower + down @ upper < row_lower - 1e-9
        program = replace(
            whole,
            matrix=sparse.csc_array(rows[holding]),
            cost=whole.cost[left],
            lower=lower,
            upper=upper,
            row_lower=row_lower[holding],
            row_upper=row_upper[holding],
            integers=int(np.searchsorted(left, whole.integers)),
        )
        opened = np.flatnonzero(decided[: whole.integers] > 0.5)
        return cls(program, left, decided, float(whole.cost @ decided), tuple(opened.tolist()))

    # Solve it from a plan where one is known, and answer of the whole.
    def solve(
        self, watch: Watch, *, start: list[int] | None = None, absolute_gap: float = 1e-6
    ) -> Outcome:
        first = self.left[: self.program.integers]
        outcome = mixed_integer.solve(
            self.program,
            start=None if start is None else np.isin(first, start).astype(np.float64),
            absolute_gap=absolute_gap,
            presolved=True,
            watch=watch,
        )
        chosen = outcome.chosen
        if chosen is not None:
            chosen = tuple(sorted([*self.opened, *self.left[list(chosen)].tolist()]))
        return replace(outcome, chosen=chosen, bound=outcome.bound + self.brought)

    # Relax it, and answer of the whole; one so small that it is solved at once is not.
    def relax(self, watch: Watch) -> Relaxed:
        x, reduced, none = self.decided.copy(), np.zeros(len(self.decided)), np.zeros(0)
        empty = sparse.csr_array((0, len(x)))
        if self.program.matrix.nnz <= mixed_integer.TINY:
            return Relaxed("stopped", np.inf, x, reduced, empty, none, "")
        told = mixed_integer.relax(self.program, enough=-np.inf, rounds=_TIGHTENED, watch=watch)
        if told.ending != "solved":
            return Relaxed(told.ending, np.inf, x, reduced, empty, none, told.how)
        x[self.left], reduced[self.left] = told.x, told.reduced
        held = (told.cuts.data, self.left[told.cuts.indices], told.cuts.indptr)
        cuts = sparse.csr_array(held, shape=(told.cuts.shape[0], len(x)))
        bound = told.bound + self.brought
        return replace(told, bound=bound, x=x, reduced=reduced, cuts=cuts)
