"""Both ends of the gap: how good any plan could be, by a Lagrangian bound without a
linear-programming solver, and good plans found by heuristics.

Give each row a price u_i (what covering it once is worth). Then no plan brings more than

    L(u) = sum_i [ max(0, w_i - u_i) + max(0, s_i - u_i) ]  +  max { sum_j y_j sum_i a_ij u_i : y
    admissible },

w and s being the first and second weights (Galvão & ReVelle 1996). Every u gives a valid bound; the
best one equals that of the linear relaxation. It is looked for by the primal-dual hybrid gradient
method (Chambolle & Pock 2011), with diagonal steps (Pock & Chambolle 2011) and restarts from the
average (Applegate et al. 2021): two sparse products an iteration.
"""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.routers.impedance import Positions
from geoguichet.coverage.siting.problem import (
    Floats,
    Mask,
    Problem,
    SiteRules,
    Watch,
    reduced,
    state,
)

_CHECK_EVERY = 20


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A proved upper bound, and the price of each row that proves it."""

    value: float
    price: Floats


def lagrangian(
    problem: Problem, *, iterations: int, good_enough: float = -np.inf, watch: Watch
) -> Bound:
    """Return the best bound found; stops early when ``good_enough`` or when 400 iterations brought
    next to nothing.
    """
    if not problem.columns or not len(problem.first):
        return Bound(problem.everything if problem.columns else 0.0, problem.first)
    search = _PrimalDual(problem)
    best = Bound(bound_at(problem, problem.first), problem.first)
    before = np.inf
    for number in range(1, iterations + 1):
        search.step()
        if number % _CHECK_EVERY:
            continue
        found = (Bound(bound_at(problem, u), u) for u in (search.price, search.average_price))
        best = min(best, *found, key=attrgetter("value"))
        search.restart_when_due()
        if best.value <= good_enough or watch.over:
            break
        if number % 400 == 0:
            if before - best.value < 1e-6 * best.value:
                break
            before = best.value
    return min(best, Bound(problem.everything, 0 * problem.first), key=attrgetter("value"))


def bound_at(problem: Problem, price: Floats) -> float:
    """Return L(price): no admissible plan brings more."""
    return _unpriced(problem, price) + _best_choice(problem, worth(problem, price))


def worth(problem: Problem, price: Floats) -> Floats:
    """Return what each column is worth when its rows are paid at these prices."""
    return np.asarray(problem.cover.T.astype(np.float64) @ price)


def by_count(problem: Problem, price: Floats, counts: int) -> Floats:
    """Return, for 0, 1, ... ``counts`` sites, a bound on what that many can bring; one price vector
    serves them all.
    """
    best_first = np.sort(_one_per_pack(problem, worth(problem, price)))[::-1][:counts]
    bounds = np.full(counts + 1, _unpriced(problem, price) + best_first.sum())
    bounds[: len(best_first)] = _unpriced(problem, price) + np.concatenate(
        [[0.0], np.cumsum(best_first)[:-1]]
    )
    return np.minimum(bounds, problem.everything)


def if_opened(problem: Problem, bound: Bound) -> Floats:
    """Return, for each candidate, a bound on the plans that open it (infinite with a budget)."""
    if np.isfinite(problem.budget) or problem.count >= problem.columns:
        return np.full(problem.columns, np.inf)
    # Forcing a candidate in pushes out the least of those that the bound counts (reduced cost).
    earned = worth(problem, bound.price)
    threshold = np.partition(earned, -problem.count)[-problem.count]
    loosest = _unpriced(problem, bound.price) + np.sort(earned)[-problem.count :].sum()
    return np.asarray(loosest - np.maximum(0.0, threshold - earned))


#: Numbers of sites that the prices of a curve are aimed at, at most, the first nine beside.
_AIMS = 100
#: Subgradient steps for each; more would tighten the bounds by less than they cost.
_ROUNDS = 30
#: First step, as a share of Polyak's (1969), and what each round keeps of it.
_STEP, _SLOWER = 1.5, 0.93


def coverage_bounds(cover: sparse.sparray, weight: npt.ArrayLike, start: npt.ArrayLike) -> Floats:
    """Return for each number of sites 1..p a weight that no choice of as many can exceed.

    Lagrangian relaxation of the covering constraints (Galvao & ReVelle 1996), once the problem is
    reduced. With multipliers 0 <= m <= w, for every k at once: ``sum(w - m)`` plus the k largest of
    ``cover.T @ m`` is a proven upper bound; the best over subgradient steps aimed at some k (in
    multipliers scaled by the square root of the weight) is kept.

    Parameters
    ----------
    cover
        Demand x candidates, true where the candidate covers the demand.
    weight
        Weight of each demand, not negative.
    start Weight reached by some choice of 1..p sites; sets the length of the steps and is a floor
        of the bounds.
    """
    given, reached = np.asarray(weight, dtype=np.float64), np.asarray(start, dtype=np.float64)
    if not len(reached) or not cover.shape[1]:
        return reached
    problem = reduced(state(cover, given, rules=SiteRules()).problem)
    if not problem.columns:
        return reached
    rows = sparse.csr_array(problem.cover, dtype=np.float64)
    columns, people = sparse.csr_array(rows.T), problem.first
    bounds, price = np.full(len(reached), people.sum()), 0.5 * people
    # the multipliers m = w: sites that never overlap
    plain = np.cumsum(np.sort(columns @ people)[::-1][: len(reached)])
    bounds[: len(plain)] = np.minimum(bounds[: len(plain)], plain)
    spread = np.linspace(1, len(reached), min(_AIMS, len(reached))).round().astype(np.int64)
    for k in np.union1d(spread, np.arange(1, min(10, len(reached) + 1)))[::-1]:
        for step in range(_ROUNDS):
            gain = columns @ price
            order = np.argsort(-gain, kind="stable")[: len(reached)]
            told = (people - price).sum() + np.cumsum(gain[order])
            bounds[: len(told)] = np.minimum(bounds[: len(told)], told)
            opened = np.zeros(columns.shape[0])
            opened[order[:k]] = 1.0
            slope = rows @ opened - 1.0
            # do not push against the box
            slope[(slope > 0) & (price <= 0) | (slope < 0) & (price >= people)] = 0.0
            length, over = float(slope**2 @ people), told[min(k, len(told)) - 1] - reached[k - 1]
            if length <= 0 or over <= 0:
                break
            price = np.clip(
                price - _STEP * _SLOWER**step * over / length * slope * people, 0.0, people
            )
    whole = np.floor(bounds + 1e-6) if problem.whole else bounds
    return np.maximum(np.minimum.accumulate(whole[::-1])[::-1], reached)


def _unpriced(problem: Problem, price: Floats) -> float:
    return float(
        np.maximum(problem.first - price, 0).sum() + np.maximum(problem.second - price, 0).sum()
    )


# Return the most that an admissible choice of columns can earn, or a little more.
def _best_choice(problem: Problem, earned: Floats) -> float:
    count = _best_count(problem, earned)
    return min(_best_knapsack(problem, earned), count) if np.isfinite(problem.budget) else count


def _best_count(problem: Problem, earned: Floats) -> float:
    must = problem.rules.required
    others, left = earned.copy(), problem.count - len(must)
    others[must] = 0.0
    others = np.delete(_one_per_pack(problem, others), must)
    top = np.partition(others, -left)[-left:] if 0 < left < len(others) else others[: max(0, left)]
    return float(earned[must].sum() + top.sum())


# Keep, of exclusive sets that share no column, the best earner each (an EPCI opens one site only).
def _one_per_pack(problem: Problem, earned: Floats) -> Floats:
    packs, kept = problem.rules.packs, earned.copy()
    # A column in two sets would be counted for both: such sets are left out, and the bound is a
    # little looser.
    once = np.diff(sparse.csc_array(packs).indptr) <= 1
    for row in range(packs.shape[0]):
        members = packs.indices[packs.indptr[row] : packs.indptr[row + 1]]
        if once[members].all():
            kept[members] = 0.0
            kept[members[0]] = earned[members].max()
    return kept


# Fill the budget by earnings per cost, the last column in part (Dantzig 1957).
def _best_knapsack(problem: Problem, earned: Floats) -> float:
    must = problem.rules.required
    rest = np.setdiff1d(np.flatnonzero(earned > 0), must)
    order = rest[np.argsort(-earned[rest] / np.maximum(problem.cost[rest], 1e-12), kind="stable")]
    left = problem.budget - problem.cost[must].sum()
    spent = np.cumsum(problem.cost[order])
    whole = int(np.searchsorted(spent, left, side="right"))
    total = earned[must].sum() + earned[order[:whole]].sum()
    if whole < len(order):
        room = left - (spent[whole - 1] if whole else 0.0)
        total += earned[order[whole]] * max(0.0, room) / problem.cost[order[whole]]
    return float(total)


class _PrimalDual:
    """The iterates of the primal-dual hybrid gradient method: a fractional choice and a price per
    row.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._rows = sparse.csr_array(problem.cover, dtype=np.float64)
        self._columns = sparse.csr_array(problem.cover.T, dtype=np.float64)
        self._uses, self._total = (
            (problem.cost, problem.budget)
            if np.isfinite(problem.budget)
            else (np.ones(problem.columns), float(problem.count))
        )
        self._choice_step = 1.0 / np.maximum(self._columns @ problem.first, 1e-12)
        self._price_step = problem.first / np.maximum(np.diff(self._rows.indptr), 1)
        self._choice, self.price = np.zeros(problem.columns), np.zeros(len(problem.first))
        self._covered, self._length = np.zeros(len(problem.first)), 40
        self._forget()

    # The mean price since the last restart.
    @property
    def average_price(self) -> Floats:
        return np.asarray(self._prices / max(1, self._steps))

    # Move the choice towards what the prices pay, then the prices towards what is not covered.
    def step(self) -> None:
        # A step of the choice up the worth of its rows, brought back to what may be opened; then one
        # of the prices, each pulled towards what is not covered (taken a step ahead of the choice,
        # which makes the method converge) and stopped at the weights, where L bends.
        choice = _project(
            self._choice + self._choice_step * (self._columns @ self.price),
            self._choice_step * self._uses,
            self._uses,
            self._total,
        )
        covered = self._rows @ choice
        pulled = self.price - self._price_step * (2 * covered - self._covered)
        step, first, second = self._price_step, self.problem.first, self.problem.second
        self.price = np.maximum(
            np.maximum(np.minimum(pulled + 2 * step, second), np.minimum(pulled + step, first)), 0
        )
        self._choice, self._covered = choice, covered
        self._choices += choice
        self._prices += self.price
        self._steps += 1

    # Start again from the average, each time after a longer stretch.
    def restart_when_due(self) -> None:
        if self._steps < self._length:
            return
        self._choice, self.price = self._choices / self._steps, self.average_price
        self._covered = self._rows @ self._choice
        self._length = min(400, int(1.3 * self._length))
        self._forget()

    def _forget(self) -> None:
        self._steps, self._choices = 0, np.zeros(self.problem.columns)
        self._prices = np.zeros(len(self.problem.first))


# Return the nearest choice between 0 and 1 that uses at most ``total``, by bisection on its price.
def _project(wanted: Floats, slope: Floats, uses: Floats, total: float) -> Floats:
    inside: Floats = np.clip(wanted, 0.0, 1.0)
    if inside @ uses <= total:
        return inside
    low, high = 0.0, float((wanted[slope > 0] / slope[slope > 0]).max())
    for _ in range(30):
        middle = (low + high) / 2
        cheap = np.clip(wanted - middle * slope, 0.0, 1.0) @ uses > total
        low, high = (middle, high) if cheap else (low, middle)
    return np.clip(wanted - high * slope, 0.0, 1.0)


# Good plans quickly: lazy greedy, swap, and ruin and recreate with restarts. Everything here is
# deterministic: the random numbers have a fixed seed and the work is counted in rounds, so equal
# problems give equal plans as long as the watch does not stop them.


#: A value must rise by more than this share to count as better (sums of floats wobble).
_BETTER = 1e-9

_STARTS = 3


class Opening:
    """Some open columns of a problem, what they bring, and what every other column would add.

    Opening or closing a column touches only the candidates that meet a row whose state it changes.
    """

    def __init__(self, problem: Problem, opened: Iterable[int] = ()) -> None:
        self.problem = problem
        self._rows = sparse.csr_array(problem.cover)
        self._sets, self._packs = problem.rules.packs, sparse.csc_array(problem.rules.packs)
        self._marginal = np.stack([problem.first, problem.second, np.zeros(len(problem.first))])
        self._times = np.zeros(len(problem.first), dtype=np.int64)
        self._blocked = np.zeros(problem.columns, dtype=np.int64)
        self._floor_left = problem.rules.floor.copy()
        self.is_open: Mask = np.zeros(problem.columns, dtype=bool)
        self.added: Floats = problem.cover.T.astype(np.float64) @ problem.first
        self._levels = 2 if problem.second.any() else 1
        self.opened, self.value, self.cost = 0, 0.0, 0.0
        for column in opened:
            self.open(column)

    @property
    def columns(self) -> list[int]:
        """The open columns, in order of position."""
        return [int(column) for column in np.flatnonzero(self.is_open)]

    def open(self, column: int) -> None:
        """Open a column."""
        self._change(column, +1)

    def close(self, column: int) -> None:
        """Close a column."""
        self._change(column, -1)

    def become(self, wanted: Mask) -> None:
        """Close and open columns until exactly ``wanted`` is open."""
        for column in np.flatnonzero(self.is_open & ~wanted):
            self.close(int(column))
        for column in np.flatnonzero(wanted & ~self.is_open):
            self.open(int(column))

    def may_open(self) -> Mask:
        """Mark the closed columns that the rules, the count and the budget still let open."""
        problem = self.problem
        left = problem.count - self.opened
        if left <= 0:
            return np.zeros(problem.columns, dtype=bool)
        allowed: Mask = ~self.is_open & (self._blocked == 0)
        if np.isfinite(problem.budget):
            allowed &= problem.cost <= problem.budget - self.cost + 1e-9
        if len(self._floor_left) and np.maximum(self._floor_left, 0).sum() >= left:
            allowed &= np.append(self._floor_left > 0, False)[problem.rules.floor_of]
        return allowed

    def keeps_the_rules(self) -> bool:
        """Whether required columns are open and every floor is met (the other rules hold by
        construction).
        """
        return bool(
            (self._floor_left <= 0).all() and self.is_open[self.problem.rules.required].all()
        )

    def exchanging(self, column: int) -> float:
        """Return the most that opening one other column instead of this open one could gain, rules
        apart.

        Infinite when closing it makes room for more than one.
        """
        if self.opened < self.problem.count or np.isfinite(self.problem.budget):
            return np.inf
        rows, fewer = self._changing(column, -1)
        brought = self._marginal[fewer, rows]
        columns, each = self._neighbours(rows, brought - self._marginal[fewer + 1, rows])
        added = self.added + np.bincount(columns, weights=each, minlength=self.problem.columns)
        added[self.is_open] = -np.inf
        return float(added.max(initial=-np.inf) - brought.sum())

    def near(self, column: int) -> list[int]:
        """Return the other open columns that share a row with a candidate meeting this one."""
        met = np.zeros(self.problem.columns, dtype=bool)
        met[_slices(self._rows, self.problem.rows(column))[0]] = True
        touched = np.zeros(len(self._times), dtype=bool)
        touched[_slices(self.problem.cover, np.flatnonzero(met))[0]] = True
        beside = np.zeros(self.problem.columns, dtype=bool)
        beside[_slices(self._rows, np.flatnonzero(touched))[0]] = True
        beside[column] = False
        return np.flatnonzero(beside & self.is_open).tolist()

    def _change(self, column: int, step: int) -> None:
        rows, fewer = self._changing(column, step)
        self._times[self.problem.rows(column)] += step
        brought = self._marginal[fewer, rows]
        self.value += step * float(brought.sum())
        columns, each = self._neighbours(rows, step * (self._marginal[fewer + 1, rows] - brought))
        if 4 * len(columns) < self.problem.columns:
            np.add.at(self.added, columns, each)
        else:
            self.added += np.bincount(columns, weights=each, minlength=self.problem.columns)
        self.opened += step
        self.is_open[column] = step > 0
        self.cost += step * float(self.problem.cost[column])
        for pack in self._packs.indices[
            self._packs.indptr[column] : self._packs.indptr[column + 1]
        ]:
            self._blocked[
                self._sets.indices[self._sets.indptr[pack] : self._sets.indptr[pack + 1]]
            ] += step
        if (group := self.problem.rules.floor_of[column]) >= 0:
            self._floor_left[group] -= step

    # Return the rows whose worth opening (1) or closing (-1) a column changes, and how often others
    # cover them.
    def _changing(
        self, column: int, step: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        rows = self.problem.rows(column)
        fewer = self._times[rows] if step > 0 else self._times[rows] - 1
        touched = np.flatnonzero(fewer < self._levels)
        return rows[touched], fewer[touched]

    def _neighbours(
        self, rows: npt.NDArray[np.int32], change: Floats
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        columns, lengths = _slices(self._rows, rows)
        return columns, np.repeat(change, lengths)


def greedy(problem: Problem, *, enough: float = np.inf) -> list[int]:
    """Open the column that adds most, again and again (lazily, Minoux 1978); ties go to the first
    candidate.

    With unequal costs, the one that adds most per unit of cost (Khuller, Moss & Naor 1999).
    Required columns come first. Stops once ``enough`` is brought. The answer may miss a floor, when
    nothing that counts for it can still be opened.
    """
    opening = Opening(problem, problem.rules.required.tolist())
    # What a column adds never grows as others open (coverage is submodular): a stale figure is an
    # upper bound, so the first of the queue whose figure is still true is the best of all.
    price = _prices(problem)
    queue = [(-opening.added[column] / price[column], column) for column in range(problem.columns)]
    heapq.heapify(queue)
    held: list[tuple[float, int]] = []
    while queue and not (opening.value >= enough * (1 - _BETTER) and opening.keeps_the_rules()):
        negative, column = heapq.heappop(queue)
        now = -opening.added[column] / price[column]
        if opening.is_open[column]:
            continue
        if now > negative and queue and (now, column) > queue[0]:
            heapq.heappush(queue, (now, column))
            continue
        if now == 0 and opening.keeps_the_rules():
            break
        if opening.may_open()[column]:
            opening.open(column)
            queue, held = queue + held, []
            heapq.heapify(queue)
        else:
            held.append((now, column))
    return opening.columns


def swap(problem: Problem, start: Iterable[int], watch: Watch) -> list[int]:
    """Exchange one open column for a better closed one until none is (Teitz & Bart 1968)."""
    opening = Opening(problem, start)
    _improve(opening, opening.columns, watch)
    return opening.columns


def search(
    problem: Problem, start: Iterable[int], *, rounds: int, enough: float, watch: Watch
) -> list[int]:
    """Ruin and recreate (Schrimpf et al. 2000), record-to-record acceptance (Dueck 1993): return
    the best plan seen.

    Each round closes an open column and some of its neighbours, opens others greedily on jittered
    gains, and swaps around them. A round may end a little lower than the best: by less than the
    least useful open column at first, by nothing at the end; then it starts again from the best,
    three times in all. Stops after ``rounds``, at the value ``enough``, or when the watch says so.
    """
    random = np.random.default_rng(0)
    opening = Opening(problem, start)
    best, best_value = opening.is_open.copy(), opening.value
    tolerance, stretch = _least_useful(opening), -(-rounds // _STARTS)
    free = np.setdiff1d(np.arange(problem.columns), problem.rules.required)
    for number in range(rounds):
        if number % stretch == 0:
            opening.become(best)
        movable = free[opening.is_open[free]]
        if best_value >= enough or watch.over or not len(movable):
            break
        before, value = opening.is_open.copy(), opening.value
        _ruin_and_recreate(opening, int(random.choice(movable)), random, watch)
        floor = min(value, best_value - tolerance * (1 - number % stretch / stretch))
        if not opening.keeps_the_rules() or opening.value < floor * (1 - _BETTER):
            opening.become(before)
        elif opening.value > best_value * (1 + _BETTER):
            best, best_value = opening.is_open.copy(), opening.value
    return [int(column) for column in np.flatnonzero(best)]


def fewer(
    problem: Problem, start: Iterable[int], *, enough: float, steps: int, watch: Watch
) -> list[int]:
    """Cover every row, and meet every floor, with fewer columns than ``start`` does, if a search by
    weights finds how (Gao, Weise & Li 2015).

    A plan is left by closing what is missed least; then, step by step, what is missed least is
    closed and, for a row that is left out, what covers most is opened. A row weighs one more each
    time it is left out. Columns cost the same. Stops at ``enough`` columns,
    after so many steps, or when the watch says so.
    """
    weighed, random = _Weighed(problem, start), np.random.default_rng(0)
    best = np.flatnonzero(weighed.is_open)
    for step in range(steps):
        left = weighed.left
        if not len(left):
            best = np.flatnonzero(weighed.is_open)
        if len(best) <= enough or (step % 200 == 0 and watch.over):
            break
        weighed.weight[left] += 1.0
        while np.count_nonzero(weighed.is_open) > len(best) - 2 and weighed.closed_one(step):
            pass
        left = weighed.left
        if len(left):
            weighed.opened_one(int(random.choice(left)), left, step)
    return [int(column) for column in best]


class _Weighed:
    """Open columns, the rows and floors that they leave out, and what each of these weighs."""

    def __init__(self, problem: Problem, opened: Iterable[int]) -> None:
        rules, columns = problem.rules, problem.columns
        counted = np.flatnonzero(rules.floor_of >= 0)
        floors = sparse.csr_array(
            (np.ones(len(counted), dtype=bool), (rules.floor_of[counted], counted)),
            shape=(len(rules.floor), columns),
        )
        self._rows = sparse.csr_array(sparse.vstack([problem.cover, floors]))
        self._columns = sparse.csc_array(self._rows)
        self._need = np.concatenate([np.ones(problem.cover.shape[0], dtype=np.int64), rules.floor])
        self._several = np.flatnonzero(self._need > 1)
        self.weight = np.ones(len(self._need))
        self.is_open = np.zeros(columns, dtype=bool)
        self._times = np.zeros(len(self._need), dtype=np.int64)
        #: The sum of the open columns of each row: where it is one, which.
        self._whose = np.zeros(len(self._need), dtype=np.int64)
        #: What may be opened: not what was closed last, unless something near it has changed since.
        self._free = np.ones(columns, dtype=bool)
        self._since = np.zeros(columns, dtype=np.int64)
        bare = np.flatnonzero(np.diff(self._rows.indptr) <= self._need)
        self._kept = np.isin(np.arange(columns), rules.required)
        self._kept[_slices(self._rows, bare)[0]] = True
        self._packs, self._sets = rules.packs, sparse.csc_array(rules.packs)
        self._barred = np.zeros(columns, dtype=np.int64)
        self._last, self._near = -1, dict[int, npt.NDArray[np.int32]]()
        for column in opened:
            self._change(column, +1, 0)

    @property
    def left(self) -> Positions:
        """The rows that are left out."""
        return np.flatnonzero(self._times < self._need)

    def closed_one(self, step: int) -> bool:
        """Close what is missed least, of equal ones what stands longest; say whether one was."""
        once = np.flatnonzero((self._times == 1) & (self._need == 1))
        lost = np.zeros(len(self.is_open))  # what bincount makes of nothing is whole numbers
        np.add.at(lost, self._whose[once], self.weight[once])
        for row in self._several[self._times[self._several] == self._need[self._several]]:
            lost[self._of(row)] += self.weight[row]
        where = np.flatnonzero(self.is_open & ~self._kept)
        where = where[where != self._last]
        if not len(where):
            return False
        column = int(where[np.lexsort((self._since[where], lost[where]))[0]])
        self._change(column, -1, step)
        self._free[column] = False
        return True

    def opened_one(self, row: int, left: Positions, step: int) -> None:
        """Open, of those that cover a row, what covers most of what is ``left`` out."""
        columns, lengths = _slices(self._rows, left)
        gain = np.bincount(
            columns, weights=np.repeat(self.weight[left], lengths), minlength=len(self.is_open)
        )
        where = self._of(row)
        where = where[self._free[where] & ~self.is_open[where] & (self._barred[where] == 0)]
        if len(where):
            self._last = int(where[np.lexsort((self._since[where], -gain[where]))[0]])
            self._change(self._last, +1, step)

    def _of(self, row: int) -> npt.NDArray[np.int32]:
        return self._rows.indices[self._rows.indptr[row] : self._rows.indptr[row + 1]]

    def _change(self, column: int, by: int, step: int) -> None:
        start, stop = self._columns.indptr[column : column + 2]
        rows = self._columns.indices[start:stop]
        self._times[rows] += by
        self._whose[rows] += by * column
        self.is_open[column], self._since[column] = by > 0, step
        if column not in self._near:
            self._near[column] = np.unique(_slices(self._rows, rows)[0])
        self._free[self._near[column]] = True
        start, stop = self._sets.indptr[column : column + 2]
        if stop > start:
            self._barred[_slices(self._packs, self._sets.indices[start:stop])[0]] += by


def rounds(problem: Problem, limit_s: float) -> int:
    """How many rounds of search take about half of the time limit on one core of the 2020s: a fixed
    amount of work.
    """
    each_s = 1e-3 + 4e-7 * problem.cover.nnz / max(1, problem.count)
    return max(200, int(0.5 * limit_s / each_s))


def _ruin_and_recreate(
    opening: Opening, column: int, random: np.random.Generator, watch: Watch
) -> None:
    near = [other for other in opening.near(column) if other not in opening.problem.rules.required]
    random.shuffle(near)
    for closing in [column, *near[: int(random.integers(0, 6))]]:
        opening.close(closing)
    _improve(opening, [*_refill(opening, jitter=random), *near[:8]], watch)


# Open what adds most until nothing may open or nothing adds; return what was opened.
def _refill(opening: Opening, *, jitter: np.random.Generator | None = None) -> list[int]:
    price = _prices(opening.problem)
    opened = []
    while (allowed := opening.may_open()).any():
        worth = opening.added / price
        worth = worth * jitter.uniform(0.75, 1.0, len(worth)) if jitter is not None else worth
        column = int(np.where(allowed, worth, -1.0).argmax())
        if opening.added[column] <= 0 and opening.keeps_the_rules():
            break
        opening.open(column)
        opened.append(column)
    return opened


# Swap the columns of ``around``, each for what adds most once it is closed, until a whole turn
# brings nothing.
def _improve(opening: Opening, around: list[int], watch: Watch) -> None:
    fixed = set(opening.problem.rules.required.tolist())
    turn = deque(column for column in around if column not in fixed)
    in_vain = 0
    while in_vain < len(turn) and not watch.over:
        column = turn.popleft()
        better = _exchange(opening, column) if opening.is_open[column] else []
        turn.extend(better or ([column] if opening.is_open[column] else []))
        in_vain = 0 if better else in_vain + 1


# Close a column and open what adds most instead, if that is better; return what was opened.
def _exchange(opening: Opening, column: int) -> list[int]:
    if opening.exchanging(column) <= 0:
        return []
    value, kept = opening.value, opening.keeps_the_rules()
    opening.close(column)
    opened = _refill(opening)
    if opening.value > value * (1 + _BETTER) and opening.keeps_the_rules() >= kept:
        return opened
    if opened != [column]:
        for other in opened:
            opening.close(other)
        opening.open(column)
    return []


# What closing the least useful open column would lose.
def _least_useful(opening: Opening) -> float:
    lost = []
    for column in opening.columns:
        value = opening.value
        opening.close(column)
        lost.append(value - opening.value)
        opening.open(column)
    return min(lost, default=0.0)


# What a column uses up: its cost under a budget (next to nothing when it is free), else one of the
# count.
def _prices(problem: Problem) -> Floats:
    if not np.isfinite(problem.budget):
        return np.ones(problem.columns)
    return np.maximum(problem.cost, 1e-9 * max(1.0, float(problem.cost.max(initial=0.0))))


# Return the indices of several rows (or columns) one after the other, and how many each has.
def _slices(
    matrix: sparse.csr_array | sparse.csc_array, major: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    start = matrix.indptr[major].astype(np.int64)
    lengths = matrix.indptr[np.asarray(major) + 1] - start
    offset = np.repeat(start - np.cumsum(lengths) + lengths, lengths)
    return matrix.indices[offset + np.arange(len(offset))], lengths
