"""Where to open sites that can take only so many: capacitated covering and p-median.

Each demand point goes whole to one open site (single sourcing), or to none:

- :func:`capacitated_covering`: the most weight served (Current & Storbeck 1988; Pirkul & Schilling
  1991);
- :func:`capacitated_median`: the least travel, who finds no room paying ``beyond`` (Sridharan 1995).

With x_ij = 1 when i goes to j, y_j = 1 when j is open, l_i the load of i and c_j the room of j:

    sum_j x_ij <= 1,   x_ij <= y_j,   sum_i l_i x_ij <= c_j y_j,   sum_ij l_i x_ij <= C,
    sum_j y_j <= p.

No plan does better than the best one without capacities: when that one fits, it is the answer. Else
it is filled nearest first, and the exact solver goes on from there.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.routers.impedance import CostMatrix, Positions
from geoguichet.coverage.siting import mixed_integer
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.median import p_median
from geoguichet.coverage.siting.problem import (
    Capacity,
    Floats,
    KioskPlan,
    Problem,
    SiteRules,
    Status,
    Watch,
    amounts,
    apply,
    weights,
)


def capacitated_covering(
    costs: CostMatrix,
    weight: npt.ArrayLike,
    p: int,
    capacity: Capacity,
    *,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Choose at most ``p`` sites, and who goes to which, so that the greatest weight is served.

    Existing sites are settled first: they take the most that they can alone, and keep it
    (``already``). ``value``, ``bound`` and ``gains`` count what new sites serve; ``assigned`` says
    who goes where, existing sites included.

    Parameters
    ----------
    costs
        Demand x candidates, the pairs within reach.
    weight
        Weight of each demand point (people), not negative.
    capacity
        Loads and rooms in one unit.

    Raises
    ------
    SitingError
        The rules contradict each other, or a number is missing, infinite or negative.
    """
    watch = Watch(time_limit_s, cancel)
    people, rules = weights(weight, costs.shape[0]), rules or SiteRules()
    capacity = _checked(capacity, costs)
    settled = np.full(costs.shape[0], -1)
    old = np.isin(costs.destination, rules.existing)
    if rules.existing:
        own, only = _pairs(costs, old), SiteRules(existing=rules.existing)
        alone = _Assignment(own, people[own.origin], capacity, only, 0)
        settled = alone.solve((), float(people[np.unique(own.origin)].sum()), gap, watch)[0]
    taken = settled >= 0
    new = ~old & ~taken[costs.origin]
    left = _pairs(costs, new)
    start = maximal_covering(
        left.within(np.inf),
        people,
        p,
        rules=rules,
        time_limit_s=watch.left_s / 2,  # the other half is for what does not fit
        gap=gap,
        cancel=cancel,
    )
    rest = replace(capacity, together=capacity.together - float(capacity.load[taken].sum()))
    search = _Assignment(left, people[left.origin], rest, rules, p)
    found, opened, bound, status, how = search.solve(start.sites, start.bound, gap, watch)
    sites, gains = _ranked(found, opened, people, rules)
    return replace(
        start,
        model="capacitated covering (Current & Storbeck 1988)",
        sites=sites,
        gains=gains,
        value=float(people[found >= 0].sum()),
        bound=bound,
        status=status,
        method=f"{start.method}; {how}",
        seconds=watch.seconds,
        cost=float(len(sites)),
        already=float(people[taken].sum()),
        assigned=tuple(np.where(taken, settled, found).tolist()),
    )


def capacitated_median(
    costs: CostMatrix,
    weight: npt.ArrayLike,
    p: int,
    capacity: Capacity,
    *,
    beyond: float,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Open at most ``p`` sites, and say who goes to which, so that the sum of weight times cost is
    least.

    A unit of weight that finds no room within ``beyond`` costs that. Existing sites take people as
    the new ones do. Same parameters and errors as :func:`capacitated_covering`; ``gains`` are what
    each site saves of what its people would cost at ``beyond``.
    """
    watch = Watch(time_limit_s, cancel)
    people, rules = weights(weight, costs.shape[0]), rules or SiteRules()
    capacity = _checked(capacity, costs)
    start = p_median(
        costs,
        people,
        p,
        beyond=beyond,
        rules=rules,
        time_limit_s=watch.left_s / 2,  # the other half is for what does not fit
        gap=gap,
        cancel=cancel,
    )
    near = costs.up_to(beyond)
    saved = people[near.origin] * (beyond - near.cost)
    most = float(people.sum() * beyond)
    search = _Assignment(near, saved, capacity, rules, p)
    found, opened, bound, status, how = search.solve(start.sites, most - start.bound, gap, watch)
    per_row = search.worth_of(found)
    sites, gains = _ranked(found, opened, per_row, rules)
    return replace(
        start,
        model="capacitated p-median (Sridharan 1995)",
        sites=sites,
        gains=gains,
        value=most - float(per_row.sum()),
        bound=most - bound,
        status=status,
        method=f"{start.method}; {how}",
        seconds=watch.seconds,
        cost=float(len(sites)),
        assigned=tuple(found.tolist()),
    )


def _checked(capacity: Capacity, costs: CostMatrix) -> Capacity:
    rows, columns = costs.shape
    return Capacity(
        amounts(
            capacity.load,
            rows,
            f"une charge finie et non négative est attendue pour chacun des {rows} points.",
        ),
        amounts(
            capacity.room,
            columns,
            f"une capacité finie et non négative est attendue pour chacun des {columns} lieux.",
        ),
        capacity.together,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Assignment:
    """Who may go where, what each pair is worth, what fits, and how many new sites may open."""

    costs: CostMatrix
    worth: Floats
    capacity: Capacity
    rules: SiteRules
    p: int

    def solve(
        self, sites: tuple[int, ...], most: float, gap: float, watch: Watch
    ) -> tuple[Positions, Positions, float, Status, str]:
        """Return the site of each row (-1 for none), the sites opened, the proved bound, the status
        and how.

        ``sites`` are those of the best plan without capacities, ``most`` its proved bound.
        """
        most = min(most, self._most_that_fits())
        found, opened = self._filled((*sites, *self.rules.existing)), np.asarray(sites, np.int64)
        value = float(self.worth_of(found).sum())
        if value >= most * (1 - 1e-12):
            return found, opened, most, "optimal", "filled as far as any plan"
        program, pairs, column = self._program()
        if not len(pairs):  # nobody fits anywhere, and the solver has nothing to solve
            return found, opened, value, "optimal", "no room for anyone"
        start = np.zeros(len(program.cost))
        start[np.flatnonzero(np.isin(column, sites))] = 1.0
        goes = found[self.costs.origin[pairs]] == self.costs.destination[pairs]
        start[len(column) :] = goes
        # what comes whole is better by one at least
        grain = 0.999 if np.all(self.worth % 1 == 0) else 1e-6
        outcome = mixed_integer.solve(
            program, start=start, gap=gap, absolute_gap=grain, watch=watch
        )
        chosen = np.asarray(outcome.chosen or (), dtype=np.int64)
        better = pairs[chosen[chosen >= len(column)] - len(column)]
        if float(self.worth[better].sum()) > value:
            found = np.full(len(found), -1)
            found[self.costs.origin[better]] = self.costs.destination[better]
            opened = column[chosen[chosen < len(column)]]
            value = float(self.worth[better].sum())
        bound = outcome.bound if grain < 0.5 else float(np.floor(outcome.bound + 1e-6))
        bound = max(value, min(most, bound))
        status = "optimal" if bound <= value * (1 + 1e-12) else outcome.status
        return found, opened, bound, status, outcome.how

    def worth_of(self, found: Positions) -> Floats:
        """Return what each row is worth where it goes."""
        goes = found[self.costs.origin] == self.costs.destination
        return np.bincount(
            self.costs.origin[goes], weights=self.worth[goes], minlength=len(found)
        ).astype(np.float64)

    # Bound what fits by each row where it is worth most, and by the fullest rooms, filled with what
    # is worth most by unit of load.
    def _most_that_fits(self) -> float:
        load = self.capacity.load[self.costs.origin]
        fits = load <= np.minimum(
            self.capacity.room[self.costs.destination], self.capacity.together
        )
        alone = np.zeros(self.costs.shape[0])
        np.maximum.at(alone, self.costs.origin[fits], self.worth[fits])
        dearest = np.divide(self.worth, load, out=np.full(len(load), np.inf), where=load > 0)
        existing = np.isin(np.arange(self.costs.shape[1]), self.rules.existing)
        new = np.sort(self.capacity.room[~existing])[::-1][: self.p].sum()
        room = min(float(self.capacity.room[existing].sum() + new), self.capacity.together)
        most = float(dearest.max(initial=0.0))
        return min(float(alone.sum()), most * room if np.isfinite(most) else np.inf)

    # Send each row to one of these sites while there is room, the nearest pairs first.
    def _filled(self, sites: tuple[int, ...]) -> Positions:
        room, together = self.capacity.room.copy(), self.capacity.together
        found = np.full(self.costs.shape[0], -1)
        pairs = np.flatnonzero(np.isin(self.costs.destination, sites) & (self.worth > 0))
        for pair in pairs[np.lexsort((self.costs.origin[pairs], self.costs.cost[pairs]))]:
            row, site = self.costs.origin[pair], self.costs.destination[pair]
            load = self.capacity.load[row]
            if found[row] < 0 and load <= room[site] and load <= together:
                found[row] = site
                room[site] -= load
                together -= load
        return found

    # Write the program out; with it, the pairs and the candidates that its columns stand for.
    def _program(self) -> tuple[mixed_integer.Program, Positions, Positions]:
        rows, candidates = self.costs.shape
        allowed = apply(self.rules, candidates)
        column, load, room = allowed.column, self.capacity.load, self.capacity.room
        place = np.full(candidates, -1)
        place[column] = np.arange(len(column))
        origin, site = self.costs.origin, self.costs.destination
        useful = (place[site] >= 0) | np.isin(site, self.rules.existing)
        pairs = np.flatnonzero(useful & (self.worth > 0) & (load[origin] <= room[site]))
        i, j, at, count = origin[pairs], site[pairs], place[site[pairs]], len(pairs)
        number = np.arange(count)
        new = np.flatnonzero(at >= 0)
        sites = Problem(
            cover=sparse.csc_array((0, len(column)), dtype=bool),
            first=np.zeros(0),
            second=np.zeros(0),
            cost=np.ones(len(column)),
            count=min(self.p, len(column)),
            budget=np.inf,
            rules=allowed,
        )
        on_sites, lower, upper = mixed_integer.limits_on_sites(sites)
        ones = np.ones(count)
        opened = sparse.csr_array(
            (-ones[new], (np.arange(len(new)), at[new])), (len(new), len(column))
        )
        goes = sparse.csr_array((ones[new], (np.arange(len(new)), new)), (len(new), count))
        once = sparse.csr_array((ones, (i, number)), (rows, count))
        within = sparse.csr_array((load[i], (j, number)), (candidates, count))
        rooms = sparse.csr_array(
            (-room[column], (column, np.arange(len(column)))), (candidates, len(column))
        )
        desk = sparse.csr_array(load[i][None, :])
        blocks = [
            [opened, goes],
            [None, once],
            [rooms, within],
            [None, desk],
            [on_sites, None],
        ]
        exists = np.isin(np.arange(candidates), self.rules.existing)
        tops = [
            np.zeros(len(new)),
            np.ones(rows),
            np.where(exists, room, 0.0),
            np.array([self.capacity.together]),
            upper,
        ]
        bottoms = np.full(len(new) + rows + candidates + 1, -np.inf)
        integers = len(column) + count
        must = np.isin(np.arange(integers), allowed.required).astype(np.float64)
        return (
            mixed_integer.Program(
                matrix=sparse.csc_array(sparse.block_array(blocks)),
                cost=np.concatenate([np.zeros(len(column)), self.worth[pairs]]),
                lower=must,
                upper=np.ones(integers),
                row_lower=np.concatenate([bottoms, lower]),
                row_upper=np.concatenate(tops),
                integers=integers,
                maximise=True,
                plain=True,  # presolve and every heuristic are worth their time
            ),
            pairs,
            column,
        )


# Return the new sites that someone goes to or that a rule asks for, those that bring most first.
def _ranked(
    found: Positions, opened: Positions, worth: Floats, rules: SiteRules
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    asked = opened if rules.floors else np.asarray(rules.required, dtype=np.int64)
    used = np.setdiff1d(np.union1d(found[found >= 0], asked), rules.existing)
    brought = np.array([worth[found == site].sum() for site in used], dtype=np.float64)
    order = np.lexsort((used, -brought))
    return tuple(used[order].tolist()), tuple(brought[order].tolist())


def _pairs(costs: CostMatrix, kept: npt.NDArray[np.bool_]) -> CostMatrix:
    return CostMatrix(costs.origin[kept], costs.destination[kept], costs.cost[kept], costs.shape)
