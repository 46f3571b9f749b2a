"""How good any plan could be: a Lagrangian bound, without a linear-programming solver.

Give each row a price u_i (what covering it once is worth). Then no plan brings more than

    L(u) = sum_i [ max(0, w_i - u_i) + max(0, s_i - u_i) ]  +  max { sum_j y_j sum_i a_ij u_i : y
    admissible },

w and s being the first and second weights (Galvão & ReVelle 1996). Every u gives a valid bound; the
best one equals that of the linear relaxation. It is looked for by the primal-dual hybrid gradient
method (Chambolle & Pock 2011), with diagonal steps (Pock & Chambolle 2011) and restarts from the
average (Applegate et al. 2021): two sparse products an iteration.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from scipy import sparse

from geoguichet.coverage.siting.plan import Watch
from geoguichet.coverage.siting.problem import Floats, Mask, Problem

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
        for price in (search.price, search.average_price):
            best = min(best, Bound(bound_at(problem, price), price), key=attrgetter("value"))
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


def cannot_open(problem: Problem, bound: Bound, value: float) -> Mask:
    """Mark candidates that no plan better than ``value`` opens: forcing one in takes the bound
    below it.
    """
    nobody = np.zeros(problem.columns, dtype=bool)
    if np.isfinite(problem.budget) or problem.count >= problem.columns:
        return nobody
    # Forcing a candidate in pushes out the least of those that the bound counts (reduced cost).
    earned = worth(problem, bound.price)
    threshold = np.partition(earned, -problem.count)[-problem.count]
    loosest = _unpriced(problem, bound.price) + np.sort(earned)[-problem.count :].sum()
    hopeless: Mask = loosest - (threshold - earned) <= value
    hopeless[problem.rules.required] = False
    return hopeless


def _unpriced(problem: Problem, price: Floats) -> float:
    return float(
        np.maximum(problem.first - price, 0).sum() + np.maximum(problem.second - price, 0).sum()
    )


def _best_choice(problem: Problem, earned: Floats) -> float:
    """Return the most that an admissible choice of columns can earn, or a little more."""
    if not np.isfinite(problem.budget):
        return _best_count(problem, earned)
    return min(_best_knapsack(problem, earned), _best_count(problem, earned))


def _best_count(problem: Problem, earned: Floats) -> float:
    must = problem.rules.required
    others, left = earned.copy(), problem.count - len(must)
    others[must] = 0.0
    others = np.delete(_one_per_pack(problem, others), must)
    top = np.partition(others, -left)[-left:] if 0 < left < len(others) else others[: max(0, left)]
    return float(earned[must].sum() + top.sum())


def _one_per_pack(problem: Problem, earned: Floats) -> Floats:
    """Keep, of exclusive sets that share no column, the best earner each (an EPCI opens one site
    only).
    """
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


def _best_knapsack(problem: Problem, earned: Floats) -> float:
    """Fill the budget by earnings per cost, the last column in part (Dantzig 1957)."""
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
        budget = np.isfinite(problem.budget)
        self._uses = problem.cost if budget else np.ones(problem.columns)
        self._total = problem.budget if budget else float(problem.count)
        self._choice_step = 1.0 / np.maximum(self._columns @ problem.first, 1e-12)
        self._price_step = problem.first / np.maximum(np.diff(self._rows.indptr), 1)
        self._choice = np.zeros(problem.columns)
        self._covered = np.zeros(len(problem.first))
        self.price = np.zeros(len(problem.first))
        self._length = 40
        self._forget()

    @property
    def average_price(self) -> Floats:
        """The mean price since the last restart."""
        return np.asarray(self._prices / max(1, self._steps))

    def step(self) -> None:
        """Move the choice towards what the prices pay, then the prices towards what is not
        covered.
        """
        # A step of the choice up the worth of its rows, brought back to what may be opened; then one
        # of the prices, each pulled towards what is not covered (taken a step ahead of the choice,
        # which makes the method converge) and stopped at the weights, where L bends.
        wanted = self._choice + self._choice_step * (self._columns @ self.price)
        choice = _project(wanted, self._choice_step * self._uses, self._uses, self._total)
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

    def restart_when_due(self) -> None:
        """Start again from the average, each time after a longer stretch."""
        if self._steps < self._length:
            return
        self._choice = self._choices / self._steps
        self.price = self._prices / self._steps
        self._covered = self._rows @ self._choice
        self._length = min(400, int(1.3 * self._length))
        self._forget()

    def _forget(self) -> None:
        self._steps = 0
        self._choices = np.zeros(self.problem.columns)
        self._prices = np.zeros(len(self.problem.first))


def _project(wanted: Floats, slope: Floats, uses: Floats, total: float) -> Floats:
    """Return the nearest choice between 0 and 1 that uses at most ``total``, by bisection on its
    price.
    """
    inside: Floats = np.clip(wanted, 0.0, 1.0)
    if inside @ uses <= total:
        return inside
    low, high = 0.0, float((wanted[slope > 0] / slope[slope > 0]).max())
    for _ in range(30):
        middle = (low + high) / 2
        if np.clip(wanted - middle * slope, 0.0, 1.0) @ uses > total:
            low = middle
        else:
            high = middle
    return np.clip(wanted - high * slope, 0.0, 1.0)
