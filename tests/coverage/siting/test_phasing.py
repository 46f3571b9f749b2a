"""The order of the sites of a plan, compared with trying every order that the budgets pay for."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting.phasing import phases


@st.composite
def programmes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows, sites, count = draw(st.integers(1, 7)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    cells = st.lists(st.booleans(), min_size=sites, max_size=sites)
    cover = np.array(draw(st.lists(cells, min_size=rows, max_size=rows)))
    people = np.array(draw(st.lists(st.integers(0, 30), min_size=rows, max_size=rows)), float)
    cost = np.array(draw(st.lists(st.integers(0, 5), min_size=sites, max_size=sites)), float)
    budgets = np.array(draw(st.lists(st.integers(0, 8), min_size=count, max_size=count)), float)
    budgets[-1] += max(0.0, cost.sum() - budgets.sum())
    return cover, people, cost, budgets


def reached(cover: np.ndarray, people: np.ndarray, phase: tuple[int, ...], count: int) -> list:
    return [
        people[cover[:, [j for j, one in enumerate(phase) if one <= t]].any(axis=1)].sum()
        for t in range(count)
    ]


@settings(deadline=None, max_examples=120)
@given(programmes())
def test_no_order_that_the_budgets_pay_for_reaches_more_people_sooner(
    asked: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    cover, people, cost, budgets = asked
    count, paid = len(budgets), np.cumsum(budgets)
    possible = [
        phase
        for phase in product(range(count), repeat=len(cost))
        if all(
            sum(c for c, one in zip(cost, phase, strict=True) if one <= t) <= paid[t]
            for t in range(count - 1)
        )
    ]
    found = phases(sparse.csr_array(cover), people, cost, budgets)
    assert tuple(found.phase) in possible
    assert list(found.reached) == reached(cover, people, tuple(found.phase), count)
    best = max(sum(reached(cover, people, phase, count)) for phase in possible)
    assert found.status == "optimal" and found.gap == pytest.approx(0)
    assert found.value == pytest.approx(best) == pytest.approx(found.bound)


def test_budgets_that_do_not_pay_for_the_plan_are_refused() -> None:
    with pytest.raises(SitingError, match=r"les phases paient 5 EUR.* coûtent 6"):
        phases(sparse.csr_array([[True, True]]), [1.0], [3.0, 3.0], [2.0, 3.0])


def test_a_search_cut_short_keeps_an_order_and_its_bound() -> None:
    random = np.random.default_rng(5)
    cover = sparse.csr_array(random.random((400, 60)) < 0.06)
    people, cost = random.integers(1, 900, 400).astype(float), random.integers(5, 20, 60) * 1.0
    budgets = np.full(5, cost.sum() / 5)
    found = phases(cover, people, cost, budgets, time_limit_s=0.01)
    assert 0 < found.value <= found.bound
    for t, money in enumerate(np.cumsum(budgets)[:-1]):
        assert cost[found.phase <= t].sum() <= money + 1e-9
