"""Where to open p sites so that people travel least in all: the p-median problem.

Hakimi (1964), ReVelle & Swain (1970), on the pairs within a limit:

    minimise  sum_ij w_i d_ij x_ij    subject to  sum_j x_ij = 1,   x_ij <= y_j,   sum_j y_j = p.

Demand that no open site reaches costs ``beyond`` per unit of weight, when that is given; otherwise
everybody in reach of some candidate must be served.

Paying u_i to serve i gives the bound  sum_i u_i + min { sum_j y_j sum_i min(0, w_i d_ij - u_i) }
(Cornuejols, Fisher & Nemhauser 1977), improved by subgradient steps (Held, Wolfe & Crowder 1974).
It also says which candidates no better plan opens; the exact solver decides among the others.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import CostMatrix, Positions
from geoguichet.coverage.siting import mixed_integer
from geoguichet.coverage.siting.bounds import Opening
from geoguichet.coverage.siting.hosts import Enough, choose
from geoguichet.coverage.siting.mixed_integer import at_least
from geoguichet.coverage.siting.portfolio import Best, status
from geoguichet.coverage.siting.problem import (
    Floats,
    KioskPlan,
    Mask,
    Problem,
    Quality,
    SiteRules,
    Watch,
    apply,
    just_under,
    keep_columns,
    merge_rows,
    nearest_open,
    rings,
    weights,
    with_hosts,
)

#: Above so many pairs, once candidates are excluded, the exact solver is not called.
_TOO_LARGE = 400_000

#: Rings of more entries a pair than that are left for the plain program.
_SPREAD = 12

#: The relaxation is solved again without the candidates it excludes when they are more than this
#: share.
_SMALLER = 0.1


def p_median(
    costs: CostMatrix,
    weight: npt.ArrayLike,
    p: int,
    *,
    beyond: float | None = None,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    quality: Quality | None = None,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Open at most ``p`` candidates so that the sum of weight times cost to the nearest open site
    is least.

    ``value`` is that sum; ``gains`` are what each site saves after the ones before it (infinite for
    the first when nothing served some demand before); ``assigned`` says who serves whom.

    Parameters
    ----------
    costs
        Demand x candidates, the pairs within the router's limit.
    weight
        Weight of each demand point (people), not negative.
    beyond Cost per unit of weight of demand that no open site reaches. Without it all demand must
        be served, except that which no candidate reaches: it is listed in ``uncoverable`` and left
        out.

    Raises
    ------
    SitingError
        The rules contradict each other, or no p sites serve everybody and ``beyond`` is not given.
    """
    watch = Watch(time_limit_s, cancel)
    problem = _state(costs, weights(weight, costs.shape[0]), p, beyond, rules or SiteRules())
    best = Best(
        problem.sites,
        gap,
        sense="min",
        measure=lambda columns: float(_paid(problem, columns).sum()),
        whole=problem.whole,
        bound=0.0,
    )
    _offer(best, "greedy", _greedy(problem))
    _offer(best, "swap", _interchange(problem, best.start or _greedy(problem), watch))
    hopeless = _lagrangian(problem, best, watch)
    if not best.closed and not watch.over:
        _prove(problem, best, hopeless, watch)
    plan = _plan(problem, best, watch)
    if quality is not None:
        plan = _of_best_hosts(problem, plan, quality, watch)
    assigned, cost = nearest_open(costs, (*plan.sites, *(rules.existing if rules else ())))
    return replace(
        plan,
        assigned=tuple(
            int(site)
            for site in np.where(cost <= (np.inf if beyond is None else beyond), assigned, -1)
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Median:
    """Who may serve whom at what weighted cost: equally long arrays, sorted by row; only what beats
    ``alone``.
    """

    row: Positions
    column: Positions
    cost: Floats
    #: What each row costs when no site is opened: its nearest existing site, or ``beyond``, or
    #: infinite.
    alone: Floats
    #: The choice of sites and its rules, without any row.
    sites: Problem
    uncoverable: Positions

    # Whether every cost comes whole, and so does every sum of them.
    @property
    def whole(self) -> bool:
        return bool(
            np.all(self.cost % 1 == 0) and np.all(self.alone[np.isfinite(self.alone)] % 1 == 0)
        )

    # More than any plan can cost: stands for infinite where sums are compared.
    @property
    def much(self) -> float:
        return 1.0 + 2.0 * float(self.cost.sum())


def _state(
    costs: CostMatrix, people: Floats, p: int, beyond: float | None, rules: SiteRules
) -> _Median:
    rows, candidates = costs.shape
    allowed = apply(rules, candidates)
    if max(len(allowed.required), int(allowed.floor.sum())) > p:
        raise SitingError(
            f"les lieux imposés et les minimums dépassent {p} kiosques : augmentez ce nombre."
        )
    paid = people[costs.origin] * costs.cost
    place = np.full(candidates, -1)
    place[allowed.column] = np.arange(len(allowed.column))
    reached = np.isin(np.arange(rows), costs.origin[(place[costs.destination] >= 0)])
    alone = np.where(reached, np.inf if beyond is None else people * (beyond or 0.0), np.inf)
    exists = np.isin(costs.destination, rules.existing)
    np.minimum.at(alone, costs.origin[exists], paid[exists])
    unserved = np.ones(rows, dtype=bool)
    unserved[costs.origin[exists]] = False
    out_of_reach = ~reached & unserved
    alone[out_of_reach] = 0.0 if beyond is None else people[out_of_reach] * beyond
    useful = (place[costs.destination] >= 0) & (paid < alone[costs.origin])
    count = len(allowed.column)
    return _Median(
        row=costs.origin[useful],
        column=place[costs.destination[useful]],
        cost=paid[useful],
        alone=alone,
        sites=Problem(
            cover=sparse.csc_array((0, count), dtype=bool),
            first=np.zeros(0),
            second=np.zeros(0),
            cost=np.ones(count),
            count=min(p, count),
            budget=np.inf,
            rules=allowed,
        ),
        uncoverable=np.flatnonzero(out_of_reach),
    )


# Return what each row costs when these columns are open.
def _paid(problem: _Median, columns: list[int]) -> Floats:
    is_open = np.zeros(problem.sites.columns, dtype=bool)
    is_open[columns] = True
    pairs = is_open[problem.column]
    paid = problem.alone.copy()
    np.minimum.at(paid, problem.row[pairs], problem.cost[pairs])
    return paid


# Return what opening each column would save, given what each row pays now.
def _saving(problem: _Median, paid: Floats) -> Floats:
    finite = np.where(np.isfinite(paid), paid, problem.much)
    return np.bincount(
        problem.column,
        weights=np.maximum(finite[problem.row] - problem.cost, 0.0),
        minlength=problem.sites.columns,
    )


def _total(problem: _Median, paid: Floats) -> float:
    return float(np.where(np.isfinite(paid), paid, problem.much).sum())


def _offer(best: Best, step: str, columns: list[int]) -> None:
    if np.isfinite(best.measure(columns)):
        best.offer(step, columns)


# Open the column that saves most, again and again.
def _greedy(problem: _Median) -> list[int]:
    opening = Opening(problem.sites, problem.sites.rules.required.tolist())
    while (allowed := opening.may_open()).any():
        opening.open(
            int(np.where(allowed, _saving(problem, _paid(problem, opening.columns)), -1.0).argmax())
        )
    return opening.columns


# Exchange one open column for a better closed one until none is (Teitz & Bart 1968).
def _interchange(problem: _Median, columns: list[int], watch: Watch) -> list[int]:
    opening = Opening(problem.sites, columns)
    total = _total(problem, _paid(problem, columns))
    free = set(range(problem.sites.columns)) - set(problem.sites.rules.required.tolist())
    moved = True
    while moved and not watch.over:
        moved = False
        for column in [column for column in opening.columns if column in free]:
            opening.close(column)
            paid = _paid(problem, opening.columns)
            saving = np.where(opening.may_open(), _saving(problem, paid), -np.inf)
            better = int(saving.argmax())
            after = _total(problem, paid) - saving[better]
            if better != column and after < total * (1 - 1e-12):
                total, moved = after, True
                opening.open(better)
            else:
                opening.open(column)
    return opening.columns


def _lagrangian(problem: _Median, best: Best, watch: Watch, *, iterations: int = 3000) -> Mask:
    """Improve the bound by subgradient steps, and mark the columns that no better plan opens.

    Every three hundred steps the columns that the relaxed problem opens are improved by swaps and
    offered as a plan.
    """
    hopeless = np.zeros(problem.sites.columns, dtype=bool)
    price = _second_cheapest(problem, best.start)
    best_price, top, step, since = price, -np.inf, 1.0, 0
    for number in range(iterations):
        relaxed = _Relaxed.at(problem, price)
        since = 0 if relaxed.value > top + 1e-7 * abs(relaxed.value) else since + 1
        if relaxed.value > top:
            best_price, top = price, relaxed.value
            best.limit(relaxed.value)
        if best.found:
            hopeless |= relaxed.hopeless(problem.sites, best.value - best.grain)
        if number % 300 == 0:
            _offer(best, "swap", _interchange(problem, _completed(problem, relaxed.chosen), watch))
        if best.closed or watch.over or step < 1e-5:
            break
        if since >= 20:
            step, since, price = step / 1.6, 0, best_price
            continue
        slope = relaxed.slope(problem, price)
        reach = (best.value if best.found else 1.2 * relaxed.value) - relaxed.value
        length = step * 1.05 * reach / max(1e-12, float(slope @ slope))
        price = np.minimum(price + length * slope, problem.alone)
    best.steps.append(f"bound {top:.10g}, {int(hopeless.sum())} candidates excluded")
    return hopeless


@dataclass(frozen=True, slots=True, eq=False)
class _Relaxed:
    """The problem solved when each row may be served any number of times, at its price."""

    value: float
    #: What each column saves at these prices (negative, or zero).
    earned: Floats
    chosen: list[int]

    # Solve the relaxed problem at given prices: the count and the required columns hold, the other
    # rules not.
    @classmethod
    def at(cls, problem: _Median, price: Floats) -> _Relaxed:
        earned = np.bincount(
            problem.column,
            weights=np.minimum(0.0, problem.cost - price[problem.row]),
            minlength=problem.sites.columns,
        ).astype(np.float64)
        first = earned.copy()
        first[problem.sites.rules.required] = -np.inf
        chosen = np.argsort(first, kind="stable")[: problem.sites.count]
        return cls(
            float(price.sum() + earned[chosen].sum()), earned, [int(column) for column in chosen]
        )

    # Mark the columns that cannot be open in a plan of at most ``value``.
    def hopeless(self, sites: Problem, value: float) -> Mask:
        if sites.count >= sites.columns:
            return np.zeros(sites.columns, dtype=bool)
        marked: Mask = (
            self.value - max(self.earned[column] for column in self.chosen) + self.earned
            > value + 1e-6
        )
        marked[[*self.chosen, *sites.rules.required]] = False
        return marked

    # Return how the value changes with the prices: 1 for a row not served, less for one served more
    # than once.
    def slope(self, problem: _Median, price: Floats) -> Floats:
        is_open = np.zeros(problem.sites.columns, dtype=bool)
        is_open[self.chosen] = True
        served = np.bincount(
            problem.row[is_open[problem.column] & (problem.cost < price[problem.row])],
            minlength=len(price),
        )
        return np.where(price >= problem.alone, np.minimum(0.0, 1.0 - served), 1.0 - served)


# Return first prices: between what each row pays in a plan and a little more.
def _second_cheapest(problem: _Median, columns: list[int]) -> Floats:
    paid = _paid(problem, columns)
    known = paid[np.isfinite(paid)]
    return np.minimum(
        np.where(np.isfinite(paid), 1.2 * paid, 2 * known.mean() if len(known) else 1.0),
        problem.alone,
    )


# Return the columns that may be open together, filled up to the count.
def _completed(problem: _Median, columns: list[int]) -> list[int]:
    opening = Opening(problem.sites)
    for column in [*problem.sites.rules.required.tolist(), *columns]:
        if opening.may_open()[column]:
            opening.open(column)
    while (allowed := opening.may_open()).any():
        opening.open(int(allowed.argmax()))
    return opening.columns


# Let the exact solver decide among the candidates that are left.
def _prove(problem: _Median, best: Best, hopeless: Mask, watch: Watch) -> None:
    kept = ~hopeless
    kept[best.start] = True
    pairs = np.flatnonzero(kept[problem.column])
    if len(pairs) > _TOO_LARGE and best.found:
        best.steps.append(f"{len(pairs)} pairs left, too many for the exact solver")
        return
    if _merged_entries(problem, pairs) > _SPREAD * len(pairs):
        program, most = _assignment(problem, kept, pairs), _most(problem, pairs)
        _hear(problem, best, program, most, np.flatnonzero(kept), watch)
        return
    near, most = _rings(problem, kept, pairs)
    program = mixed_integer.covering(near, must=_must_serve(problem, kept, pairs))
    wanted = most - (best.value - best.grain) if best.found else -np.inf
    relaxed = mixed_integer.relax(program, enough=wanted, watch=watch)
    if relaxed.ending == "solved":
        best.steps.append(relaxed.how)
        best.limit(most - relaxed.bound)
        program = mixed_integer.with_cuts(program, relaxed.cuts, relaxed.limit)
        useless = relaxed.bound + np.minimum(0.0, relaxed.reduced[: near.columns]) < wanted - 1e-6
        useless &= ~np.isin(np.flatnonzero(kept), best.start)
        if useless.sum() > _SMALLER * near.columns and not best.closed and not watch.over:
            hopeless = hopeless.copy()
            hopeless[np.flatnonzero(kept)[useless]] = True
            _prove(problem, best, hopeless, watch)
            return
    if relaxed.ending == "lost" or best.closed or watch.over:
        best.ending = relaxed.ending if relaxed.ending != "solved" else best.ending
        return
    _hear(problem, best, program, most, np.flatnonzero(kept), watch)


# Have the exact solver save what can be saved of ``most``, and hear what it found.
def _hear(
    problem: _Median,
    best: Best,
    program: mixed_integer.Program,
    most: float,
    where: Positions,
    watch: Watch,
) -> None:
    outcome = mixed_integer.solve(
        program, gap=0.0, absolute_gap=max(best.grain, best.gap * best.value), watch=watch
    )
    if outcome.ending == "infeasible" and not best.found:
        raise SitingError(
            f"aucun choix de {problem.sites.count} lieux ne dessert tout le monde dans la limite "
            "de trajet : augmentez "
            "le nombre de lieux ou la limite, ou donnez un coût aux personnes hors de portée."
        )
    best.hear(replace(outcome, bound=most - outcome.bound), where)


# Write the problem as covering: rows alike are merged, which makes this far smaller than a variable
# per pair (Elloumi 2010).
def _rings(problem: _Median, kept: Mask, pairs: Positions) -> tuple[Problem, float]:
    place = (np.cumsum(kept) - 1)[problem.column[pairs]]
    cover, step, most = rings(
        problem.row[pairs], place, problem.cost[pairs], problem.alone, int(kept.sum())
    )
    written = replace(
        keep_columns(problem.sites, kept),
        cover=sparse.csc_array(cover),
        first=step,
        second=np.zeros(len(step)),
    )
    return merge_rows(written), most


# Return how many entries the rings have once those alike are merged: sums of random numbers tell
# them apart, so that none need be written out.
def _merged_entries(problem: _Median, pairs: Positions) -> int:
    order = pairs[np.lexsort((problem.cost[pairs], problem.row[pairs]))]
    row, cost = problem.row[order], problem.cost[order]
    mark = np.random.default_rng(0).integers(1 << 62, size=problem.sites.columns)
    total = np.append(0, np.cumsum(mark[problem.column[order]]))
    ends = np.flatnonzero(np.append((row[1:] != row[:-1]) | (cost[1:] != cost[:-1]), True))
    starts = np.searchsorted(row, row[ends])
    _, alike = np.unique(total[ends + 1] - total[starts], return_index=True)
    return int((ends - starts + 1)[alike].sum())


# Return what the rows cost at most: the dearest of the pairs, where nothing else serves them.
def _most(problem: _Median, pairs: Positions) -> float:
    return float(
        np.where(np.isfinite(problem.alone), problem.alone, _dearest(problem, pairs)).sum()
    )


def _dearest(problem: _Median, pairs: Positions) -> Floats:
    dearest = np.zeros(len(problem.alone))
    np.maximum.at(dearest, problem.row[pairs], problem.cost[pairs])
    return dearest


def _assignment(problem: _Median, kept: Mask, pairs: Positions) -> mixed_integer.Program:
    """Write the problem plainly, a variable per pair (ReVelle & Swain 1970): what is saved of the
    most that it can cost.

    Where few rows have many candidates each, all at other costs, the rings of those rows are as
    many and hardly alike: this is then the smaller program by far.
    """
    row, place = problem.row[pairs], (np.cumsum(kept) - 1)[problem.column[pairs]]
    must, number = np.isinf(problem.alone), np.arange(len(pairs))
    dearest = np.where(must, _dearest(problem, pairs), problem.alone)
    sites = keep_columns(problem.sites, kept)
    limits, lower, upper = mixed_integer.limits_on_sites(sites)
    ones = np.ones(len(pairs))
    open_ = sparse.csr_array((-ones, (number, place)), shape=(len(pairs), sites.columns))
    once = sparse.csr_array((ones, (row, number)), shape=(len(must), len(pairs)))
    return mixed_integer.Program(
        matrix=sparse.csc_array(
            sparse.block_array(
                [[open_, sparse.eye_array(len(pairs))], [None, once], [limits, None]]
            )
        ),
        cost=np.concatenate([np.zeros(sites.columns), dearest[row] - problem.cost[pairs]]),
        lower=np.concatenate(
            [np.isin(np.arange(sites.columns), sites.rules.required), 0 * ones]
        ).astype(np.float64),
        upper=np.ones(sites.columns + len(pairs)),
        row_lower=np.concatenate([np.full(len(pairs), -np.inf), must.astype(np.float64), lower]),
        row_upper=np.concatenate([0 * ones, np.ones(len(must)), upper]),
        integers=sites.columns,
        maximise=True,
        plain=True,
    )


# Return, for every row that must be served, who can serve it.
def _must_serve(problem: _Median, kept: Mask, pairs: Positions) -> sparse.csr_array:
    must = np.isinf(problem.alone)
    number = np.cumsum(must) - 1
    inside = pairs[must[problem.row[pairs]]]
    return sparse.csr_array(
        (
            np.ones(len(inside)),
            (number[problem.row[inside]], (np.cumsum(kept) - 1)[problem.column[inside]]),
        ),
        shape=(int(must.sum()), int(kept.sum())),
    )


def _plan(problem: _Median, best: Best, watch: Watch) -> KioskPlan:
    if not best.found:
        raise SitingError(
            "aucun plan trouvé dans le temps accordé : augmentez la limite de temps, le nombre de "
            "lieux ou la limite "
            "de trajet."
        )
    order, gains = _ranked(problem, best.start)
    sites = problem.sites.rules.column[order]
    return KioskPlan(
        model="p-median (Hakimi 1964; ReVelle & Swain 1970)",
        sites=tuple(int(site) for site in sites),
        gains=gains,
        value=best.value,
        bound=float(best.bound),
        status=status(best, watch),
        method=f"{len(problem.cost)} pairs; " + "; ".join(best.steps),
        seconds=watch.seconds,
        sense="min",
        cost=float(len(sites)),
        uncoverable=tuple(int(row) for row in problem.uncoverable),
    )


# Choose the plan of the best hosts among those whose ways are little longer.
def _of_best_hosts(problem: _Median, plan: KioskPlan, quality: Quality, watch: Watch) -> KioskPlan:
    kept, pairs = np.ones(problem.sites.columns, dtype=bool), np.arange(len(problem.cost))
    near, most = _rings(problem, kept, pairs)
    least = most - plan.value * (1.0 + quality.within)
    column = problem.sites.rules.column
    must = _must_serve(problem, kept, pairs)
    program = mixed_integer.covering(near, must=must)
    row = np.concatenate([np.zeros(near.columns), near.first])
    rows = sparse.csr_array(sparse.vstack([sparse.csr_array(near.cover), must]))
    enough = Enough(
        problem=near,
        program=at_least(program, row, just_under(least, near)),
        rows=rows,
        times=np.ones(rows.shape[0], dtype=np.int64),
    )
    columns, hosts = choose(
        enough,
        quality,
        np.searchsorted(column, np.asarray(plan.sites, dtype=np.int64)).tolist(),
        plan.value,
        watch,
    )
    order, gains = _ranked(problem, columns)
    return with_hosts(
        plan,
        hosts,
        sites=tuple(int(site) for site in column[order]),
        gains=gains,
        value=float(_paid(problem, order).sum()),
        cost=float(len(order)),
        seconds=watch.seconds,
    )


# Order the sites, each saving as much as it can after those before it.
def _ranked(problem: _Median, columns: list[int]) -> tuple[list[int], tuple[float, ...]]:
    order: list[int] = []
    gains = []
    while left := [column for column in columns if column not in order]:
        before = _paid(problem, order)
        saving = _saving(problem, before)
        order.append(max(left, key=lambda column: (saving[column], -column)))
        gains.append(
            float(before.sum() - _paid(problem, order).sum())
            if np.isfinite(before).all()
            else np.inf
        )
    return order, tuple(gains)
