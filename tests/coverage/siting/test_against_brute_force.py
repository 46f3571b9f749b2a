"""Every model under every rule, compared with trying every choice of sites."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting import bounds, mixed_integer
from geoguichet.coverage.siting.covering import (
    backup_covering,
    budget_covering,
    maximal_covering,
    p_center,
    partial_covering,
    set_covering,
)
from geoguichet.coverage.siting.median import p_median
from geoguichet.coverage.siting.problem import (
    KioskPlan,
    Quality,
    SiteRules,
    Watch,
    admissible,
    reduced,
    state,
)

LABELS = ("", "A", "B")


@pytest.fixture(
    scope="module", params=[mixed_integer.TINY, 0], ids=["at once", "by every step"], autouse=True
)
def tiny(request: pytest.FixtureRequest) -> Iterator[None]:
    """Problems this small go to the solver at once; the second time bound, search and cuts are
    asked too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixed_integer, "TINY", request.param)
        yield


@dataclass(frozen=True)
class Case:
    distance: np.ndarray
    weight: np.ndarray
    cost: np.ndarray
    p: int
    rules: SiteRules

    @property
    def cover(self) -> np.ndarray:
        return self.distance <= 4

    @property
    def reach(self) -> CostMatrix:
        """Pairs within 7; farther is out of reach."""
        origin, destination = np.nonzero(self.distance <= 7)
        return CostMatrix(
            origin,
            destination,
            self.distance[origin, destination].astype(float),
            self.distance.shape,
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    numbers = st.integers(0, 9)
    distance = np.array(
        draw(
            st.lists(
                st.lists(numbers, min_size=columns, max_size=columns), min_size=rows, max_size=rows
            )
        )
    )
    weight = np.array(draw(st.lists(st.integers(0, 30), min_size=rows, max_size=rows)), dtype=float)
    cost = np.array(
        draw(st.lists(st.integers(0, 5), min_size=columns, max_size=columns)), dtype=float
    )
    return Case(distance, weight, cost, draw(st.integers(1, columns)), draw(rules(columns)))


@st.composite
def rules(draw: st.DrawFn, columns: int) -> SiteRules:
    kinds = draw(
        st.lists(
            st.sampled_from(["free", "free", "free", "existing", "required", "forbidden"]),
            min_size=columns,
            max_size=columns,
        )
    )
    where = {kind: tuple(j for j, name in enumerate(kinds) if name == kind) for kind in set(kinds)}
    if set(kinds) == {"forbidden"}:  # refused, and tested elsewhere
        where = {"forbidden": where["forbidden"][1:]}
    labels = st.lists(st.sampled_from(LABELS), min_size=columns, max_size=columns)
    pairs = list(combinations(range(columns), 2))
    return SiteRules(
        existing=where.get("existing", ()),
        required=where.get("required", ())[:1],
        forbidden=where.get("forbidden", ()),
        one_per=draw(st.none() | labels),
        apart=draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else (),
        floor_of=(floor_of := draw(st.none() | labels)),
        floors={}
        if floor_of is None
        else draw(st.dictionaries(st.sampled_from(LABELS[1:]), st.integers(0, 2))),
    )


def choices(
    case: Case, *, at_most: int | None = None, budget: float = np.inf
) -> Iterator[tuple[int, ...]]:
    """Every set of new sites that obeys the rules, found by reading them literally."""
    rules, columns = case.rules, case.distance.shape[1]
    new = [j for j in range(columns) if j not in rules.existing and j not in rules.forbidden]
    for count in range(0, (len(new) if at_most is None else min(at_most, len(new))) + 1):
        for chosen in combinations(new, count):
            open_now = {*chosen, *rules.existing}
            if obeys(rules, set(chosen), open_now) and case.cost[list(chosen)].sum() <= budget:
                yield chosen


def obeys(rules: SiteRules, chosen: set[int], open_now: set[int]) -> bool:
    """Existing sites may break the rules among themselves; a new one may break none with any."""
    if not set(rules.required) <= open_now:
        return False
    for a in chosen:
        for b in open_now - {a}:
            if (
                rules.one_per is not None
                and rules.one_per[a]
                and rules.one_per[a] == rules.one_per[b]
            ):
                return False
            if any({a, b} == set(pair) for pair in rules.apart):
                return False
    return all(
        sum(rules.floor_of[j] == name for j in open_now) >= least
        for name, least in rules.floors.items()
    )


def covered(case: Case, sites: tuple[int, ...] | list[int]) -> np.ndarray:
    """How many open sites, existing ones included, cover each row."""
    return case.cover[:, sorted({*sites, *case.rules.existing})].sum(axis=1)


def people(case: Case, sites: tuple[int, ...]) -> float:
    return float(
        case.weight[covered(case, sites) >= 1].sum() - case.weight[covered(case, ()) >= 1].sum()
    )


def check(
    plan: KioskPlan, case: Case, *, at_most: int | None = None, budget: float = np.inf
) -> None:
    assert plan.status == "optimal", plan
    assert plan.value == pytest.approx(plan.bound)
    assert tuple(sorted(plan.sites)) in {
        tuple(sorted(sites)) for sites in choices(case, at_most=at_most, budget=budget)
    }


def answer_or_refusal(ask, possible: list) -> KioskPlan | None:
    """The plan, or none when it is refused; refused exactly when nothing is possible."""
    try:
        plan = ask()
    except SitingError as error:
        assert not possible, f"refused ({error}) though {possible[0]} is possible"
        return None
    assert possible, f"answered {plan.sites} though nothing is possible"
    return plan


@settings(deadline=None, max_examples=60)
@given(cases())
def test_maximal_covering(case: Case) -> None:
    possible = list(choices(case, at_most=case.p))
    plan = answer_or_refusal(
        lambda: maximal_covering(
            sparse.csr_array(case.cover), case.weight, case.p, rules=case.rules
        ),
        possible,
    )
    if plan is not None:
        check(plan, case, at_most=case.p)
        assert (
            plan.value == max(people(case, sites) for sites in possible) == people(case, plan.sites)
        )
        assert plan.already == case.weight[covered(case, ()) >= 1].sum()


@settings(deadline=None, max_examples=60)
@given(cases(), st.integers(0, 12), st.booleans())
def test_budget_covering(case: Case, budget: int, counted: bool) -> None:
    p = case.p if counted else None
    possible = list(choices(case, at_most=p, budget=budget))
    plan = answer_or_refusal(
        lambda: budget_covering(
            sparse.csr_array(case.cover), case.weight, case.cost, budget, p=p, rules=case.rules
        ),
        possible,
    )
    if plan is not None:
        check(plan, case, at_most=p, budget=budget)
        assert (
            plan.value == max(people(case, sites) for sites in possible) == people(case, plan.sites)
        )
        assert plan.cost == case.cost[list(plan.sites)].sum() <= budget


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([0.0, 0.5, 1.0]))
def test_backup_covering(case: Case, second: float) -> None:
    def value(sites: tuple[int, ...]) -> float:
        times, before = covered(case, sites), covered(case, ())
        gained = (
            (times >= 1).astype(float)
            - (before >= 1)
            + second * ((times >= 2).astype(float) - (before >= 2))
        )
        return float(case.weight @ gained)

    possible = list(choices(case, at_most=case.p))
    plan = answer_or_refusal(
        lambda: backup_covering(
            sparse.csr_array(case.cover), case.weight, case.p, second=second, rules=case.rules
        ),
        possible,
    )
    if plan is not None:
        check(plan, case, at_most=case.p)
        assert plan.value == pytest.approx(max(map(value, possible)))
        assert plan.value == pytest.approx(value(plan.sites))


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.0]), st.booleans())
def test_partial_covering(case: Case, share: float, costly: bool) -> None:
    cost = case.cost if costly else np.ones(len(case.cost))
    enough = share * case.weight.sum() - 1e-9
    possible = [
        sites for sites in choices(case) if case.weight[covered(case, sites) >= 1].sum() >= enough
    ]
    plan = answer_or_refusal(
        lambda: partial_covering(
            sparse.csr_array(case.cover),
            case.weight,
            share,
            cost=case.cost if costly else None,
            rules=case.rules,
        ),
        possible,
    )
    if plan is not None:
        check(plan, case)
        assert case.weight[covered(case, plan.sites) >= 1].sum() >= enough
        assert (
            plan.value
            == min(cost[list(sites)].sum() for sites in possible)
            == cost[list(plan.sites)].sum()
        )


def test_a_plan_of_one_site_fewer_that_misses_a_floor_is_not_looked_for_for_ever() -> None:
    """Nobody must be covered, but somewhere in B must open: no site at all brings enough and breaks
    the rules.
    """
    rules = SiteRules(floor_of=["B"], floors={"B": 1})
    plan = partial_covering(sparse.csr_array([[True]]), [21.0], 0.0, rules=rules, time_limit_s=30)
    assert (plan.status, plan.sites, plan.value) == ("optimal", (0,), 1.0)
    assert plan.seconds < 10, "an endless search ends with the time limit alone"


@settings(deadline=None, max_examples=60)
@given(cases(), st.booleans())
def test_set_covering(case: Case, costly: bool) -> None:
    cost = case.cost if costly else np.ones(len(case.cost))
    new = [j for j in range(case.distance.shape[1]) if j not in case.rules.forbidden]
    try:
        plan = set_covering(
            sparse.csr_array(case.cover), cost=case.cost if costly else None, rules=case.rules
        )
    except SitingError:
        reach = case.cover[:, new].any(axis=1)
        for sites in choices(case):
            assert not (covered(case, sites) >= 1)[reach].all()
        return
    coverable = np.setdiff1d(np.arange(len(case.weight)), plan.uncoverable)
    possible = [sites for sites in choices(case) if (covered(case, sites)[coverable] >= 1).all()]
    check(plan, case)
    assert (covered(case, plan.sites)[list(plan.uncoverable)] == 0).all()
    assert all((covered(case, sites)[list(plan.uncoverable)] == 0).all() for sites in choices(case))
    assert (
        plan.value
        == min(cost[list(sites)].sum() for sites in possible)
        == cost[list(plan.sites)].sum()
    )


@settings(deadline=None, max_examples=60)
@given(cases())
def test_fewer_sites_cover_everyone_under_the_rules(case: Case) -> None:
    """From the plan of most sites, the search ends at one that obeys, and at the best when told."""
    alike = replace(case, cost=np.ones(len(case.cost)))
    try:
        stated = state(sparse.csr_array(case.cover), np.ones(len(case.weight)), rules=case.rules)
    except SitingError:
        return
    reach = case.cover[:, stated.problem.rules.column].any(axis=1)
    possible = [sites for sites in choices(alike) if (covered(case, sites) >= 1)[reach].all()]
    if not possible or not stated.problem.columns:
        return
    problem = reduced(replace(stated.problem, first=np.where(stated.problem.first > 0, 1.0, 0.0)))
    kept = problem.rules.column
    starts = [sites for sites in possible if set(sites) <= set(kept.tolist())]
    start = np.searchsorted(kept, max(starts, key=len)).tolist()
    least = min(len(sites) for sites in starts)
    found = bounds.fewer(problem, start, enough=least, steps=200, watch=Watch(60))
    assert admissible(problem, found)
    assert problem.value(found) == problem.everything
    assert least <= len(found) <= len(start)
    assert found == bounds.fewer(problem, start, enough=least, steps=200, watch=Watch(60))


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([None, 12.0]))
def test_p_median(case: Case, beyond: float | None) -> None:
    far = np.where(case.distance <= 7, case.distance, np.inf).astype(float)

    def value(sites: tuple[int, ...], out_of_reach: set[int]) -> float:
        total = 0.0
        for row in range(len(case.weight)):
            nearest = far[row, [*sites, *case.rules.existing]].min(initial=np.inf)
            if beyond is not None:
                total += case.weight[row] * min(nearest, beyond)
            elif row not in out_of_reach:
                total += np.inf if np.isinf(nearest) else case.weight[row] * nearest
        return total

    plans = list(choices(case, at_most=case.p))
    try:
        plan = p_median(case.reach, case.weight, case.p, beyond=beyond, rules=case.rules)
    except SitingError:
        usable = [j for j in range(case.distance.shape[1]) if j not in case.rules.forbidden]
        lost = {row for row in range(len(case.weight)) if np.isinf(far[row, usable]).all()}
        assert all(np.isinf(value(sites, lost)) for sites in plans)
        return
    check(plan, case, at_most=case.p)
    values = [value(sites, set(plan.uncoverable)) for sites in plans]
    assert plan.value == pytest.approx(min(values))
    assert plan.value == pytest.approx(value(plan.sites, set(plan.uncoverable)))
    open_now = {*plan.sites, *case.rules.existing}
    for row, site in enumerate(plan.assigned):
        assert site == -1 or (
            site in open_now and far[row, site] == far[row, sorted(open_now)].min()
        )


@settings(deadline=None, max_examples=60)
@given(cases())
def test_p_center(case: Case) -> None:
    far = np.where(case.distance <= 7, case.distance, np.inf).astype(float)

    def value(sites: tuple[int, ...], rows: np.ndarray) -> float:
        return float(
            far[np.ix_(rows, [*sites, *case.rules.existing])]
            .min(axis=1, initial=np.inf)
            .max(initial=0.0)
        )

    plans = list(choices(case, at_most=case.p))
    try:
        plan = p_center(case.reach, case.p, rules=case.rules)
    except SitingError:
        usable = [j for j in range(case.distance.shape[1]) if j not in case.rules.forbidden]
        rows = np.flatnonzero(np.isfinite(far[:, usable]).any(axis=1))
        assert not len(rows) or all(np.isinf(value(sites, rows)) for sites in plans)
        return
    rows = np.setdiff1d(np.arange(len(case.weight)), plan.uncoverable)
    check(plan, case, at_most=case.p)
    assert plan.value == min(value(sites, rows) for sites in plans) == value(plan.sites, rows)


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([0.0, 0.5]))
def test_no_bound_is_below_a_feasible_value(case: Case, second: float) -> None:
    plans = list(choices(case, at_most=case.p))
    try:
        problem = state(
            sparse.csr_array(case.cover),
            case.weight,
            second=second * case.weight,
            count=case.p,
            rules=case.rules,
        ).problem
    except SitingError:
        return
    small = reduced(problem)
    assert small.columns == 0 or bounds.lagrangian(small, iterations=60, watch=Watch(60)).value >= 0
    proof = bounds.lagrangian(problem, iterations=60, watch=Watch(60))
    values = [problem.value(np.searchsorted(problem.rules.column, sites)) for sites in plans]
    assert all(value <= proof.value + 1e-6 for value in values)
    by_count = bounds.by_count(problem, proof.price, problem.columns)
    assert all(
        value <= by_count[len(sites)] + 1e-6 for sites, value in zip(plans, values, strict=True)
    )
    best = max(values, default=0.0)
    closed = bounds.if_opened(problem, proof) <= best - 0.5
    closed[problem.rules.required] = False
    hopeless = problem.rules.column[closed] if plans else ()
    for sites, value in zip(plans, values, strict=True):
        assert value < best - 1e-9 or not set(sites) & set(hopeless)


@settings(deadline=None, max_examples=60)
@given(cases())
def test_the_search_obeys_the_rules_and_never_worsens(case: Case) -> None:
    try:
        problem = state(
            sparse.csr_array(case.cover), case.weight, count=case.p, rules=case.rules
        ).problem
    except SitingError:
        return
    obeying = {tuple(sorted(sites)) for sites in choices(case, at_most=case.p)}
    first = bounds.greedy(problem)
    watch = Watch(60)
    swapped = bounds.swap(problem, first, watch)
    searched = bounds.search(problem, swapped, rounds=8, enough=np.inf, watch=watch)
    if tuple(problem.rules.column[first]) in obeying:
        assert {
            tuple(problem.rules.column[swapped]),
            tuple(problem.rules.column[searched]),
        } <= obeying
        assert problem.value(first) <= problem.value(swapped) <= problem.value(searched)
    opening = bounds.Opening(problem)
    for column in searched:
        opening.open(column)
    assert opening.value == problem.value(searched)


@settings(deadline=None, max_examples=40)
@given(cases())
def test_adding_a_candidate_never_lowers_coverage(case: Case) -> None:
    cover = sparse.csr_array(case.cover)
    fewer = sparse.csr_array(case.cover[:, :-1])
    if fewer.shape[1] == 0:
        return
    assert (
        maximal_covering(fewer, case.weight, case.p).value
        <= maximal_covering(cover, case.weight, case.p).value
    )


@settings(deadline=None, max_examples=40)
@given(cases())
def test_the_ranking_sums_to_what_its_first_sites_cover(case: Case) -> None:
    plan = maximal_covering(sparse.csr_array(case.cover), case.weight, case.p)
    for count in range(len(plan.sites) + 1):
        within = case.cover[:, list(plan.sites[:count])].any(axis=1)
        assert sum(plan.gains[:count]) == case.weight[within].sum()


@st.composite
def qualities(draw: st.DrawFn, case: Case) -> Quality:
    columns = case.distance.shape[1]
    numbers = st.lists(st.integers(0, 3), min_size=columns, max_size=columns)
    return Quality(
        within=draw(st.sampled_from([0.0, 0.1, 0.5])),
        hours=np.array(draw(numbers), dtype=float),
        size=np.array(draw(numbers), dtype=float),
        costs=case.reach,
        weight=case.weight,
        existing=case.rules.existing,
    )


def merits(case: Case, quality: Quality, sites: tuple[int, ...]) -> tuple[float, float, float]:
    """What the hosts are worth, one criterion after the other, more being better."""
    far = np.where(case.distance <= 7, case.distance, np.inf).astype(float)
    longest = float(case.reach.cost.max(initial=0.0))
    ways = far[:, sorted({*sites, *case.rules.existing})].min(axis=1, initial=longest)
    chosen = list(sites)
    return quality.hours[chosen].sum(), quality.size[chosen].sum(), -float(case.weight @ ways)


def check_hosts(ask, case: Case, quality: Quality, good, measure) -> None:
    """The plan is the best by hours, size and nearness of those that are good enough: no more sites
    than the best of all, each adding something to the others unless a rule wants it.
    """
    try:
        best, plan = ask(None), ask(quality)
    except SitingError:
        return
    must = {*case.rules.required, *(() if case.rules.floor_of is None else (
        j for j, label in enumerate(case.rules.floor_of) if label in case.rules.floors
    ))}  # fmt: skip

    def useful(sites: tuple[int, ...]) -> bool:
        return all(
            j in must or measure(tuple(k for k in sites if k != j)) != measure(sites) for j in sites
        )

    possible = [
        sites
        for sites in choices(case, at_most=len(best.sites))
        if good(sites, best) and useful(sites)
    ]
    assert plan.hosts is not None and plan.bound == best.bound and plan.hosts.best == best.value
    told = merits(case, quality, plan.sites)
    assert tuple(sorted(plan.sites)) in {tuple(sorted(sites)) for sites in possible}
    assert told == pytest.approx(max(merits(case, quality, sites) for sites in possible))
    if best.sites:
        assert plan.hosts.proved
        hours, size, _near = plan.hosts.criteria
        assert (hours.after, size.after) == told[:2] == (hours.bound, size.bound)
        assert hours.before == quality.hours[list(best.sites)].sum()
    assert plan.status == ("optimal" if plan.value == best.value else "gap_reached")


@settings(deadline=None, max_examples=15)
@given(st.data(), st.sampled_from([0.0, 0.5]), st.booleans())
def test_best_hosts_of_maximal_coverings(data: st.DataObject, second: float, paid: bool) -> None:
    case = data.draw(cases())
    quality, cover = data.draw(qualities(case)), sparse.csr_array(case.cover)

    def measure(sites: tuple[int, ...]) -> float:
        times = covered(case, sites)
        return float(case.weight @ ((times >= 1) + second * (times >= 2) * (not paid)))

    def ask(wanted: Quality | None) -> KioskPlan:
        given = {"rules": case.rules, "quality": wanted}
        if paid:
            return budget_covering(cover, case.weight, case.cost, 6.0, p=case.p, **given)
        if second:
            return backup_covering(cover, case.weight, case.p, second=second, **given)
        return maximal_covering(cover, case.weight, case.p, **given)

    def good(sites: tuple[int, ...], best: KioskPlan) -> bool:
        least = (1 - quality.within) * best.value - 1e-6
        cheap = not paid or case.cost[list(sites)].sum() <= 6
        return cheap and measure(sites) - measure(()) >= least

    check_hosts(ask, case, quality, good, measure)


@settings(deadline=None, max_examples=15)
@given(st.data(), st.sampled_from([0.3, 0.9, None]), st.booleans())
def test_best_hosts_of_coverings_that_must_be(
    data: st.DataObject, share: float | None, costly: bool
) -> None:
    case = data.draw(cases())
    quality, cover = data.draw(qualities(case)), sparse.csr_array(case.cover)
    cost = case.cost if costly else np.ones(len(case.cost))
    weight = case.weight if share is not None else np.ones(len(case.weight))

    def ask(wanted: Quality | None) -> KioskPlan:
        given = {"rules": case.rules, "quality": wanted, "cost": case.cost if costly else None}
        if share is not None:
            return partial_covering(cover, case.weight, share, **given)
        return set_covering(cover, **given)

    def measure(sites: tuple[int, ...]) -> float:
        return float(weight[covered(case, sites) >= 1].sum())

    def good(sites: tuple[int, ...], best: KioskPlan) -> bool:
        wanted = len(weight) - len(best.uncoverable) if share is None else share * weight.sum()
        cheap = cost[list(sites)].sum() <= (1 + quality.within) * best.value + 1e-6
        return cheap and measure(sites) >= wanted - 1e-9

    check_hosts(ask, case, quality, good, measure)


@settings(deadline=None, max_examples=15)
@given(st.data(), st.sampled_from([None, 12.0]))
def test_best_hosts_of_medians(data: st.DataObject, beyond: float | None) -> None:
    case = data.draw(cases())
    quality = data.draw(qualities(case))
    far = np.where(case.distance <= 7, case.distance, np.inf).astype(float)

    def ask(wanted: Quality | None) -> KioskPlan:
        given = {"beyond": beyond, "rules": case.rules, "quality": wanted}
        return p_median(case.reach, case.weight, case.p, **given)

    try:
        lost = list(ask(None).uncoverable) if beyond is None else []
    except SitingError:
        return

    def measure(sites: tuple[int, ...]) -> float:
        open_now = sorted({*sites, *case.rules.existing})
        ways = far[:, open_now].min(axis=1, initial=np.inf if beyond is None else beyond)
        ways[lost] = 0.0
        served = np.isfinite(ways)
        return float((case.weight[served] * ways[served]).sum()) if served.all() else np.inf

    def good(sites: tuple[int, ...], best: KioskPlan) -> bool:
        return measure(sites) <= (1 + quality.within) * best.value + 1e-6

    check_hosts(ask, case, quality, good, measure)


@settings(deadline=None, max_examples=15)
@given(st.data())
def test_best_hosts_of_centers(data: st.DataObject) -> None:
    case = data.draw(cases())
    quality = data.draw(qualities(case))
    far = np.where(case.distance <= 7, case.distance, np.inf).astype(float)

    def ask(wanted: Quality | None) -> KioskPlan:
        return p_center(case.reach, case.p, rules=case.rules, quality=wanted)

    def ways(sites: tuple[int, ...]) -> np.ndarray:
        return far[:, sorted({*sites, *case.rules.existing})].min(axis=1, initial=np.inf)

    try:
        best = ask(None)
    except SitingError:
        return
    served = np.setdiff1d(np.arange(len(case.weight)), best.uncoverable)
    radius = (1 + quality.within) * best.value + 1e-9

    def measure(sites: tuple[int, ...]) -> float:
        return float((ways(sites)[served] <= radius).sum())

    check_hosts(ask, case, quality, lambda sites, _best: measure(sites) == len(served), measure)
