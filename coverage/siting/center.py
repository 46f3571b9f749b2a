"""Where to open p sites so that the farthest person is as near as possible: the p-center problem.

Hakimi (1964): minimise r subject to every demand point having an open site within r, with p sites.
As Minieka (1970) showed, r is one of the distances, and whether p sites suffice for it is a set
covering question: so r is found by bisection over the distances, each step answered by the covering
portfolio. Unweighted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting import portfolio
from geoguichet.coverage.siting.plan import KioskPlan, Watch
from geoguichet.coverage.siting.problem import Floats, Mask, SiteRules, apply, nearest_open, state


def p_center(
    costs: CostMatrix,
    p: int,
    *,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Open at most ``p`` candidates so that the greatest cost from a demand point to its nearest
    open site is least.

    ``value`` is that cost, ``bound`` the greatest cost below which no plan is possible. Demand that
    no admissible candidate nor existing site reaches within the router's limit is listed in
    ``uncoverable`` and left out. ``gains`` are the numbers of demand points that each site serves
    within ``value`` after the ones before it.

    Raises
    ------
    SitingError The rules contradict each other, or p sites cannot serve everybody within the
        router's limit.
    """
    watch = Watch(time_limit_s, cancel)
    rules = rules or SiteRules()
    nearest = _nearest_allowed(costs, rules)
    served = np.isfinite(nearest)
    if not served.any():
        raise SitingError(
            "aucun point de demande n'est à portée d'un lieu : augmentez la limite de trajet."
        )
    steps = np.unique(costs.cost[costs.cost >= nearest[served].max()])
    found = _bisect(costs, p, rules, served, steps, watch)
    if found.sites is None and found.low == len(steps):
        raise SitingError(
            f"{p} lieux ne suffisent pas à desservir tout le monde dans la limite de trajet de "
            f"{steps[-1]:g} : "
            "augmentez le nombre de lieux ou la limite."
        )
    if found.sites is None:
        raise SitingError("aucun plan trouvé dans le temps accordé : augmentez la limite de temps.")
    return _plan(costs, rules, served, steps, found, watch)


@dataclass(frozen=True, slots=True)
class _Found:
    """No plan serves everybody within less than ``steps[low]``; ``sites`` do within
    ``steps[high]``.
    """

    low: int
    high: int
    sites: tuple[int, ...] | None
    tried: int


def _nearest_allowed(costs: CostMatrix, rules: SiteRules) -> Floats:
    """Return the cost from each row to the nearest site that is or may be open, infinite for
    none.
    """
    usable = np.isin(
        costs.destination, np.union1d(apply(rules, costs.shape[1]).column, rules.existing)
    )
    nearest = np.full(costs.shape[0], np.inf)
    np.minimum.at(nearest, costs.origin[usable], costs.cost[usable])
    return nearest


def _bisect(
    costs: CostMatrix, p: int, rules: SiteRules, served: Mask, steps: Floats, watch: Watch
) -> _Found:
    """Halve the interval of distances until it is closed or the time is over.

    A distance that its share of the time does not decide counts as too short for the search, but
    not for the proof.
    """
    low, from_, high, sites, tried = 0, 0, len(steps), None, 0
    while from_ < high and not watch.over:
        middle = (from_ + high) // 2
        rows = sparse.csr_array(costs.within(steps[middle]))[np.flatnonzero(served)]
        stated = state(rows, np.ones(rows.shape[0]), count=p, rules=rules)
        answer = portfolio.cover_all(stated.problem, watch.slice(0.5))
        tried += 1
        if answer.columns is not None:
            sites, high = (
                tuple(int(site) for site in stated.problem.rules.column[answer.columns]),
                middle,
            )
            continue
        from_ = middle + 1
        low = from_ if answer.impossible else low
    return _Found(low, high, sites, tried)


def _plan(
    costs: CostMatrix, rules: SiteRules, served: Mask, steps: Floats, found: _Found, watch: Watch
) -> KioskPlan:
    opened = np.union1d(
        np.asarray(found.sites, dtype=np.int64), np.asarray(rules.existing, dtype=np.int64)
    )
    assigned, cost = nearest_open(costs, opened)
    value = float(cost[served].max())
    stated = state(costs.within(value), np.ones(len(served)), rules=rules)
    columns = np.searchsorted(stated.problem.rules.column, np.asarray(found.sites, dtype=np.int64))
    order, gains = portfolio.ranked(stated.problem, columns)
    bound = min(value, float(steps[min(found.low, found.high)]))
    return KioskPlan(
        model="p-center (Hakimi 1964; Minieka 1970)",
        sites=tuple(int(stated.problem.rules.column[column]) for column in order),
        gains=gains,
        value=value,
        bound=bound,
        status="optimal" if value <= bound else "interrupted" if watch.cancelled else "time_limit",
        method=f"bisection over {len(steps)} distances, {found.tried} set coverings",
        seconds=watch.seconds,
        sense="min",
        cost=float(len(order)),
        uncoverable=tuple(int(row) for row in np.flatnonzero(~served)),
        assigned=tuple(int(site) for site in assigned),
    )
