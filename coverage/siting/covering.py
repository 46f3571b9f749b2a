"""Where to open sites so that people are covered: five textbook questions on one table of who
reaches what.

With a_ij = 1 when candidate j covers demand i, of weight w_i, and y_j = 1 when j is opened:

- :func:`maximal_covering`: the most people with p sites;
- :func:`budget_covering`: the most people with a budget, each site having its cost;
- :func:`partial_covering`: the fewest (cheapest) sites for a share of the people;
- :func:`set_covering`: the fewest (cheapest) sites for everybody who can be reached;
- :func:`backup_covering`: people covered once, and a second time.

Every answer says how good it is proved to be. Positions are those of the table given, whatever was
reduced in between.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting import mixed_integer, portfolio
from geoguichet.coverage.siting.hosts import Enough, choose
from geoguichet.coverage.siting.mixed_integer import Program, at_least
from geoguichet.coverage.siting.problem import (
    Floats,
    KioskPlan,
    Mask,
    Problem,
    Quality,
    SiteRules,
    Stated,
    Watch,
    amounts,
    apply,
    just_under,
    merge_rows,
    nearest_open,
    reduced,
    state,
    weights,
    with_hosts,
)


def maximal_covering(
    cover: sparse.sparray,
    weight: npt.ArrayLike,
    p: int,
    *,
    required: tuple[int, ...] = (),
    excluded: tuple[int, ...] = (),
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    quality: Quality | None = None,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Choose at most ``p`` candidates that cover the greatest weight (MCLP, Church & ReVelle 1974).

        maximise  sum_i w_i z_i    subject to  z_i <= sum_j a_ij y_j,   sum_j y_j <= p,   y binary,
        0 <= z <= 1.

    Parameters
    ----------
    cover
        Demand x candidates, true where the candidate covers the demand point.
    weight
        Weight of each demand point (people), not negative.
    p
        Number of sites. When fewer candidates add anything, fewer are opened.
    required, excluded
        Positions of candidates that must, or must not, be opened; added to those of ``rules``.
    rules
        Existing sites, one site per group, spacing, floors.
    time_limit_s, gap
        The search stops at this wall-clock time or proven relative gap, whichever comes first.
    quality
        Of the plans that are good enough, which is chosen (:mod:`~geoguichet.coverage.siting.hosts`);
        without it, the best found.
    cancel
        Set it from another thread to stop; the best plan known is returned.

    Raises
    ------
    SitingError There is no candidate, more sites are required than ``p``, or the rules contradict
        each other.
    """
    watch = Watch(time_limit_s, cancel)
    rules = rules or SiteRules()
    stated = state(
        cover,
        weights(weight, cover.shape[0]),
        count=p,
        rules=replace(
            rules, required=(*rules.required, *required), forbidden=(*rules.forbidden, *excluded)
        ),
    )
    _check_count(stated.problem, p)
    return _most("maximal covering (Church & ReVelle 1974)", stated, gap, quality, watch)


def budget_covering(
    cover: sparse.sparray,
    weight: npt.ArrayLike,
    cost: npt.ArrayLike,
    budget: float,
    *,
    p: int | None = None,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    quality: Quality | None = None,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Choose candidates that cover the greatest weight within a budget (Khuller, Moss & Naor 1999).

        maximise  sum_i w_i z_i    subject to  z_i <= sum_j a_ij y_j,   sum_j c_j y_j <= B,   sum_j
        y_j <= p if given.

    ``cost`` and ``budget`` are in one unit, costs not negative. Otherwise as
    :func:`maximal_covering`.
    """
    watch = Watch(time_limit_s, cancel)
    stated = state(
        cover,
        weights(weight, cover.shape[0]),
        cost=_costs(cost, cover),
        count=p,
        budget=float(budget),
        rules=rules or SiteRules(),
    )
    _check_count(stated.problem, p)
    if stated.problem.cost[stated.problem.rules.required].sum() > budget:
        raise SitingError(
            f"les lieux imposés coûtent plus que le budget de {budget:g} : augmentez le budget."
        )
    name = "budgeted maximal covering (Khuller, Moss & Naor 1999)"
    return _most(name, stated, gap, quality, watch)


def backup_covering(
    cover: sparse.sparray,
    weight: npt.ArrayLike,
    p: int,
    *,
    second: float = 0.5,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    quality: Quality | None = None,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Choose at most ``p`` candidates that cover people once and, for a share of the credit, twice.

    The weighted form of the backup coverage model (BACOP2, Hogan & ReVelle 1986):

        maximise  sum_i w_i (z_i + second s_i)    subject to  z_i + s_i <= sum_j a_ij y_j,   sum_j
        y_j <= p.

    ``second`` is between 0 (maximal covering) and 1 (a second site is worth as much as the first).
    """
    if not 0 <= second <= 1:
        raise SitingError(
            f"la part donnée à la deuxième couverture va de 0 à 1, et non {second:g}."
        )
    watch = Watch(time_limit_s, cancel)
    first = weights(weight, cover.shape[0])
    stated = state(cover, first, second=second * first, count=p, rules=rules or SiteRules())
    _check_count(stated.problem, p)
    return _most("backup covering (Hogan & ReVelle 1986)", stated, gap, quality, watch)


def partial_covering(
    cover: sparse.sparray,
    weight: npt.ArrayLike,
    share: float,
    *,
    cost: npt.ArrayLike | None = None,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    quality: Quality | None = None,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Choose the fewest candidates (the cheapest, when costs are given) that cover a share of the
    whole weight.

    Partial set covering (Daskin & Owen 1999):

        minimise  sum_j c_j y_j    subject to  z_i <= sum_j a_ij y_j,   sum_i w_i z_i >= share *
        sum_i w_i.

    What existing sites cover counts towards the share.

    Raises
    ------
    SitingError Even with every admissible candidate the share is out of reach; the message says
        what is possible.
    """
    watch = Watch(time_limit_s, cancel)
    people = weights(weight, cover.shape[0])
    stated = state(cover, people, cost=_costs(cost, cover), rules=rules or SiteRules())
    wanted = share * people.sum() - stated.already
    reachable = stated.problem.value(np.arange(stated.problem.columns))
    if wanted > reachable * (1 + 1e-12):
        possible = (reachable + stated.already) / people.sum()
        raise SitingError(
            f"{share:.1%} des habitants ne peuvent être couverts : les lieux possibles en "
            "couvrent au plus "
            f"{possible:.1%} ; ajoutez des lieux ou baissez la part."
        )
    least = min(wanted, reachable)
    plan = portfolio.fewest(
        "partial set covering (Daskin & Owen 1999)",
        stated,
        reduced(stated.problem),
        least,
        gap,
        watch,
    )
    return _of_best_hosts(
        plan,
        stated,
        lambda problem, most: _cheap_enough(
            problem, mixed_integer.partial_covering(problem, least), most
        ),
        quality,
        watch,
    )


def set_covering(
    cover: sparse.sparray,
    *,
    weight: npt.ArrayLike | None = None,
    cost: npt.ArrayLike | None = None,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    gap: float = 0.0,
    quality: Quality | None = None,
    cancel: threading.Event | None = None,
) -> KioskPlan:
    """Choose the fewest candidates (the cheapest, when costs are given) that cover every demand
    point in reach.

    Location set covering (LSCP, Toregas, Swain, ReVelle & Bergman 1971):

        minimise  sum_j c_j y_j    subject to  sum_j a_ij y_j >= 1 for every i that some candidate
        covers.

    Demand out of every reach is listed in ``uncoverable`` and left out; demand of weight 0 is left
    out too. ``gains`` are in ``weight`` (1 each when not given).
    """
    watch = Watch(time_limit_s, cancel)
    matrix = sparse.csc_array(cover, dtype=bool)
    people = np.ones(matrix.shape[0]) if weight is None else weights(weight, matrix.shape[0])
    somebody = (people > 0).astype(np.float64)  # where nobody lives, nobody is to be covered
    everybody = state(matrix, somebody, cost=_costs(cost, matrix), rules=rules or SiteRules())
    stated = replace(
        everybody,
        problem=replace(
            everybody.problem, first=np.where(everybody.problem.first > 0, people, 0.0)
        ),
        already=float(people.sum() - people[everybody.problem.first > 0].sum()),
    )
    plan = portfolio.fewest(
        "location set covering (Toregas, Swain, ReVelle & Bergman 1971)",
        stated,
        portfolio.essential(everybody.problem),
        np.inf,
        gap,
        watch,
    )
    return _of_best_hosts(plan, stated, _covering_everyone, quality, watch)


# Return the plans of a maximal covering that bring a value at least.
def _enough_covered(problem: Problem, value: float) -> Enough:
    twice = problem.second > 0
    row = np.concatenate([np.zeros(problem.columns), problem.first, problem.second[twice]])
    program = at_least(mixed_integer.covering(problem), row, just_under(value, problem))
    return Enough(problem, program, sparse.csr_array(problem.cover), 1 + twice.astype(np.int64))


# Return the plans of a covering, written as a program, that cost at most so much.
def _cheap_enough(problem: Problem, program: Program, most: float) -> Enough:
    row = np.concatenate([problem.cost, np.zeros(len(program.cost) - problem.columns)])
    program = at_least(program, -row, -most - 1e-7 * max(1.0, most))
    rows = sparse.csr_array(problem.cover)
    return Enough(problem, program, rows, np.ones(rows.shape[0], dtype=np.int64))


def _covering_everyone(problem: Problem, most: float) -> Enough:
    return _cheap_enough(problem, mixed_integer.set_covering(problem), most)


# Run the portfolio on a problem that maximises, then choose the hosts.
def _most(
    model: str, stated: Stated, gap: float, quality: Quality | None, watch: Watch
) -> KioskPlan:
    plan = portfolio.most(model, stated, gap, watch)
    return _of_best_hosts(plan, stated, _enough_covered, quality, watch)


# Choose the plan of the best hosts among those that are good enough: ``enough`` tells them, given the
# problem and the value that is.
def _of_best_hosts(
    plan: KioskPlan,
    stated: Stated,
    enough: Callable[[Problem, float], Enough],
    quality: Quality | None,
    watch: Watch,
) -> KioskPlan:
    if quality is None:
        return plan
    rules, most = stated.problem.rules, plan.sense == "max"
    value = plan.value * (1.0 - quality.within if most else 1.0 + quality.within)
    columns, hosts = choose(
        enough(merge_rows(stated.problem), value),
        quality,
        np.searchsorted(rules.column, np.asarray(plan.sites, dtype=np.int64)).tolist(),
        plan.value,
        watch,
    )
    order, gains = portfolio.ranked(stated.problem, np.asarray(columns, dtype=np.int64))
    cost = float(stated.problem.cost[order].sum())
    return with_hosts(
        plan,
        hosts,
        sites=tuple(int(rules.column[column]) for column in order),
        gains=gains,
        value=float(sum(gains)) if most else cost,
        cost=cost,
        seconds=watch.seconds,
    )


def _costs(cost: npt.ArrayLike | None, cover: sparse.sparray) -> Floats | None:
    if cost is None:
        return None
    count = cover.shape[1]
    refusal = f"un coût fini et non négatif est attendu pour chacun des {count} lieux."
    return amounts(cost, count, refusal)


def _check_count(problem: Problem, p: int | None) -> None:
    required, owed = len(problem.rules.required), int(problem.rules.floor.sum())
    if p is not None and required > p:
        raise SitingError(
            f"{required} lieux imposés pour {p} kiosques : augmentez le nombre de kiosques."
        )
    if p is not None and owed > p:
        raise SitingError(
            f"les minimums par groupe demandent {owed} lieux pour {p} kiosques : augmentez ce "
            "nombre."
        )


# Where to open p sites so that the farthest person is as near as possible: the p-center problem.
# Hakimi (1964): minimise r subject to every demand point having an open site within r, with p
# sites. As Minieka (1970) showed, r is one of the distances, and whether p sites suffice for it
# is a set covering question: so r is found by bisection over the distances, each step answered by
# the covering portfolio. Unweighted.


def p_center(
    costs: CostMatrix,
    p: int,
    *,
    rules: SiteRules | None = None,
    time_limit_s: float = 60.0,
    quality: Quality | None = None,
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
    if served.size and not served.any():
        raise SitingError(
            "aucun point de demande n'est à portée d'un lieu : augmentez la limite de trajet."
        )
    farthest = nearest[served].max(initial=0.0)  # 0 where nobody is to be served
    steps = np.unique([farthest, *costs.cost[costs.cost >= farthest]])
    low, high, sites, tried = _bisect(costs, p, rules, served, steps, watch)
    if sites is None and low == len(steps):
        raise SitingError(
            f"{p} lieux ne suffisent pas à desservir tout le monde dans la limite de trajet de "
            f"{steps[-1]:g} : "
            "augmentez le nombre de lieux ou la limite."
        )
    if sites is None:
        raise SitingError("aucun plan trouvé dans le temps accordé : augmentez la limite de temps.")
    method = f"bisection over {len(steps)} distances, {tried} set coverings"
    plan = _plan(costs, rules, served, sites, float(steps[min(low, high)]), method, watch)
    if quality is None:
        return plan
    radius = plan.value * (1.0 + quality.within)
    rows = sparse.csr_array(costs.within(radius * (1.0 + 1e-12)))[np.flatnonzero(served)]
    stated = state(rows, np.ones(rows.shape[0]), rules=rules)
    problem = merge_rows(stated.problem)
    columns, hosts = choose(
        _covering_everyone(problem, float(problem.columns)),
        quality,
        np.searchsorted(problem.rules.column, np.asarray(plan.sites, dtype=np.int64)).tolist(),
        plan.value,
        watch,
    )
    sites = tuple(int(site) for site in problem.rules.column[columns])
    chosen = _plan(costs, rules, served, sites, plan.bound, method, watch)
    return with_hosts(replace(chosen, status=plan.status), hosts)


# Return the cost from each row to the nearest site that is or may be open, infinite for none.
def _nearest_allowed(costs: CostMatrix, rules: SiteRules) -> Floats:
    usable = np.isin(
        costs.destination, np.union1d(apply(rules, costs.shape[1]).column, rules.existing)
    )
    nearest = np.full(costs.shape[0], np.inf)
    np.minimum.at(nearest, costs.origin[usable], costs.cost[usable])
    return nearest


def _bisect(
    costs: CostMatrix, p: int, rules: SiteRules, served: Mask, steps: Floats, watch: Watch
) -> tuple[int, int, tuple[int, ...] | None, int]:
    """Halve the interval of distances until it is closed or the time is over.

    Returns low, high, sites and how many steps were tried: no plan serves everybody within less
    than ``steps[low]``; ``sites`` do within ``steps[high]``.

    A distance that its share of the time does not decide counts as too short for the search, but
    not for the proof.
    """
    low, from_, high, sites, tried = 0, 0, len(steps), None, 0
    while from_ < high and not watch.over:
        middle = (from_ + high) // 2
        rows = sparse.csr_array(costs.within(steps[middle]))[np.flatnonzero(served)]
        stated = state(rows, np.ones(rows.shape[0]), count=p, rules=rules)
        columns, impossible = portfolio.cover_all(stated.problem, watch.slice(0.5))
        tried += 1
        if columns is not None:
            sites, high = (
                tuple(int(site) for site in stated.problem.rules.column[columns]),
                middle,
            )
            continue
        from_ = middle + 1
        low = from_ if impossible else low
    return low, high, sites, tried


def _plan(
    costs: CostMatrix,
    rules: SiteRules,
    served: Mask,
    sites: tuple[int, ...],
    bound: float,
    method: str,
    watch: Watch,
) -> KioskPlan:
    assigned, cost = nearest_open(
        costs,
        np.union1d(np.asarray(sites, dtype=np.int64), np.asarray(rules.existing, dtype=np.int64)),
    )
    value = float(cost[served].max(initial=0.0))
    stated = state(costs.within(value), np.ones(len(served)), rules=rules)
    order, gains = portfolio.ranked(
        stated.problem,
        np.searchsorted(stated.problem.rules.column, np.asarray(sites, dtype=np.int64)),
    )
    return KioskPlan(
        model="p-center (Hakimi 1964; Minieka 1970)",
        sites=tuple(int(stated.problem.rules.column[column]) for column in order),
        gains=gains,
        value=value,
        bound=min(value, bound),
        status="optimal" if value <= bound else "interrupted" if watch.cancelled else "time_limit",
        method=method,
        seconds=watch.seconds,
        sense="min",
        cost=float(len(order)),
        uncoverable=tuple(int(row) for row in np.flatnonzero(~served)),
        assigned=tuple(int(site) for site in assigned),
    )
