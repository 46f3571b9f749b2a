"""Sites that can take only so many, compared with trying every choice and every way to fill it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting.capacitated import capacitated_covering, capacitated_median
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.problem import Capacity
from tests.coverage.siting.test_against_brute_force import Case, answer_or_refusal, cases, choices

BEYOND = 9.0


def best(worth: np.ndarray, load: np.ndarray, room: dict[int, float], together: float) -> float:
    """The most that rows are worth when each goes whole to one site with room for it."""
    sites = sorted(room)
    states = {(tuple(room[site] for site in sites), together): 0.0}
    for row in range(len(load)):
        after = dict(states)
        for (left, desk), value in states.items():
            for place, site in enumerate(sites):
                if worth[row, site] > 0 and load[row] <= min(left[place], desk):
                    key = (
                        (*left[:place], left[place] - load[row], *left[place + 1 :]),
                        desk - load[row],
                    )
                    after[key] = max(after.get(key, 0.0), value + worth[row, site])
        states = after
    return max(states.values())


def kept(plan, case: Case, capacity: Capacity) -> None:
    """Nobody goes where nothing is open, and no site nor the desk takes more than it can."""
    goes = np.asarray(plan.assigned)
    assert {*goes[goes >= 0]} <= {*plan.sites, *case.rules.existing}
    loads = np.bincount(
        goes[goes >= 0], weights=capacity.load[goes >= 0], minlength=len(capacity.room)
    )
    assert (loads <= capacity.room + 1e-9).all() and loads.sum() <= capacity.together + 1e-9
    sites = tuple(sorted(plan.sites))
    assert sites in {tuple(sorted(one)) for one in choices(case, at_most=case.p)}


@st.composite
def limited(draw: st.DrawFn) -> tuple[Case, Capacity]:
    case = draw(cases())
    rows = min(5, len(case.weight))
    small = Case(case.distance[:rows], case.weight[:rows], case.cost, case.p, case.rules)
    load = np.array(draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows)), float)
    columns = len(case.cost)
    room = np.array(draw(st.lists(st.integers(0, 9), min_size=columns, max_size=columns)), float)
    return small, Capacity(load, room, draw(st.sampled_from([np.inf, 10.0, 5.0])))


def reach(case: Case) -> CostMatrix:
    origin, destination = np.nonzero(case.cover)
    cost = case.distance[origin, destination].astype(float)
    return CostMatrix(origin, destination, cost, case.distance.shape)


@settings(deadline=None, max_examples=80)
@given(limited())
def test_the_most_people_with_sites_that_fill(asked: tuple[Case, Capacity]) -> None:
    case, capacity = asked
    possible = list(choices(case, at_most=case.p))
    plan = answer_or_refusal(
        lambda: capacitated_covering(reach(case), case.weight, case.p, capacity, rules=case.rules),
        possible,
    )
    if plan is None:
        return
    kept(plan, case, capacity)
    worth = case.cover * case.weight[:, None]
    old = {site: capacity.room[site] for site in case.rules.existing}
    assert plan.already == best(worth, capacity.load, old, capacity.together)
    goes = np.asarray(plan.assigned)
    settled = np.isin(goes, case.rules.existing)
    desk = capacity.together - capacity.load[settled].sum()
    left = np.where(settled[:, None], 0.0, worth)
    values = [
        best(left, capacity.load, {site: capacity.room[site] for site in sites}, desk)
        for sites in possible
    ]
    assert plan.status == "optimal" and plan.value == pytest.approx(plan.bound)
    assert plan.value == pytest.approx(max(values)) == pytest.approx(sum(plan.gains))


@settings(deadline=None, max_examples=80)
@given(limited())
def test_the_least_way_to_sites_that_fill(asked: tuple[Case, Capacity]) -> None:
    case, capacity = asked
    possible = list(choices(case, at_most=case.p))
    plan = answer_or_refusal(
        lambda: capacitated_median(
            case.reach, case.weight, case.p, capacity, beyond=BEYOND, rules=case.rules
        ),
        possible,
    )
    if plan is None:
        return
    kept(plan, case, capacity)
    saved = case.weight[:, None] * np.where(case.distance <= 7, BEYOND - case.distance, 0.0)
    most = max(
        best(
            saved,
            capacity.load,
            {site: capacity.room[site] for site in {*sites, *case.rules.existing}},
            capacity.together,
        )
        for sites in possible
    )
    assert plan.status == "optimal" and plan.value == pytest.approx(plan.bound)
    assert plan.value == pytest.approx(case.weight.sum() * BEYOND - most)


@settings(deadline=None, max_examples=30)
@given(cases())
def test_room_for_everyone_changes_nothing(case: Case) -> None:
    try:
        free = maximal_covering(case.cover, case.weight, case.p, rules=case.rules)
    except SitingError:
        return
    room = Capacity(case.weight, np.full(len(case.cost), case.weight.sum()))
    plan = capacitated_covering(reach(case), case.weight, case.p, room, rules=case.rules)
    assert plan.value == free.value and "as far as any plan" in plan.method


@pytest.mark.parametrize(
    ("load", "room", "wanted"),
    [
        ([1.0, np.nan], [1.0], "2 points"),
        ([1.0, 1.0], [-1.0], "1 lieux"),
        ([1.0], [1.0], "2 points"),
    ],
)
def test_loads_and_rooms_are_numbers(load: list, room: list, wanted: str) -> None:
    costs = CostMatrix(np.array([0, 1]), np.array([0, 0]), np.array([1.0, 1.0]), (2, 1))
    with pytest.raises(SitingError, match=wanted):
        capacitated_covering(costs, [1.0, 1.0], 1, Capacity(np.array(load), np.array(room)))


def test_a_search_cut_short_keeps_a_plan_and_its_bound() -> None:
    random = np.random.default_rng(3)
    place = random.uniform(0, 60, (120, 2))
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    origin, destination = np.nonzero(distance <= 15)
    costs = CostMatrix(origin, destination, distance[origin, destination], (120, 120))
    people = random.integers(50, 400, 120).astype(float)
    capacity = Capacity(people, np.full(120, 700.0))
    plan = capacitated_covering(costs, people, 10, capacity, time_limit_s=0.05, gap=0.0)
    assert plan.value <= plan.bound <= 7000 and len(plan.sites) <= 10
    loads = np.bincount(
        np.asarray(plan.assigned)[np.asarray(plan.assigned) >= 0],
        weights=people[np.asarray(plan.assigned) >= 0],
        minlength=120,
    )
    assert plan.value > 0 and (loads <= 700).all()
