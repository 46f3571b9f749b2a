"""Maximal covering, compared with trying every choice of sites."""

import time
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting import problem as siting_plan
from geoguichet.coverage.siting.covering import maximal_covering, set_covering


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    cover = np.array(
        draw(
            st.lists(
                st.lists(st.booleans(), min_size=columns, max_size=columns),
                min_size=rows,
                max_size=rows,
            )
        )
    )
    weight = np.array(draw(st.lists(st.integers(0, 50), min_size=rows, max_size=rows)), dtype=float)
    return cover, weight, draw(st.integers(1, columns))


def covered(cover: np.ndarray, weight: np.ndarray, sites: tuple[int, ...]) -> float:
    return float(weight[cover[:, list(sites)].any(axis=1)].sum()) if sites else 0.0


def best(
    cover: np.ndarray,
    weight: np.ndarray,
    p: int,
    required: tuple[int, ...] = (),
    excluded: tuple[int, ...] = (),
) -> float:
    allowed = [j for j in range(cover.shape[1]) if j not in excluded]
    choices = (set(sites) | set(required) for sites in combinations(allowed, min(p, len(allowed))))
    return max(
        (covered(cover, weight, tuple(sites)) for sites in choices if len(sites) <= p), default=0.0
    )


@settings(deadline=None, max_examples=150)
@given(problems())
def test_equals_trying_every_choice(problem: tuple[np.ndarray, np.ndarray, int]) -> None:
    cover, weight, p = problem
    plan = maximal_covering(sparse.csr_array(cover), weight, p)
    assert plan.status == "optimal"
    assert plan.value == plan.bound == best(cover, weight, p)
    assert covered(cover, weight, plan.sites) == plan.value
    assert len(plan.sites) <= p and len(set(plan.sites)) == len(plan.sites)


@settings(deadline=None, max_examples=40)
@given(problems())
def test_gains_are_what_each_site_adds(problem: tuple[np.ndarray, np.ndarray, int]) -> None:
    cover, weight, p = problem
    plan = maximal_covering(sparse.csr_array(cover), weight, p)
    for count in range(1, len(plan.sites) + 1):
        assert sum(plan.gains[:count]) == covered(cover, weight, plan.sites[:count])
    assert list(plan.gains) == sorted(plan.gains, reverse=True)


@settings(deadline=None, max_examples=40)
@given(problems(), st.data())
def test_required_and_excluded_are_obeyed(
    problem: tuple[np.ndarray, np.ndarray, int], data: st.DataObject
) -> None:
    cover, weight, p = problem
    if cover.shape[1] < 2:
        return
    required, excluded = data.draw(st.permutations(range(cover.shape[1])))[:2]
    plan = maximal_covering(
        sparse.csr_array(cover), weight, p, required=(required,), excluded=(excluded,)
    )
    assert required in plan.sites and excluded not in plan.sites
    assert plan.value == best(cover, weight, p, (required,), (excluded,))


def test_a_large_problem_says_how_good_it_is_when_time_is_short() -> None:
    rng = np.random.default_rng(7)
    points = rng.random((900, 2))
    cover = sparse.csr_array(
        np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1)) < 0.12
    )
    weight = rng.integers(1, 1000, 900).astype(float)
    plan = maximal_covering(cover, weight, 20, time_limit_s=0.05)
    assert plan.value <= plan.bound <= weight.sum()
    assert plan.value == covered(cover.toarray(), weight, plan.sites)
    assert plan.status in {"time_limit", "optimal"} and 0 <= plan.gap < 0.5


def test_equal_inputs_give_equal_answers_however_slow_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit is far away: a clock that runs twelve times faster changes nothing."""
    rng = np.random.default_rng(5)
    cover = sparse.csr_array(rng.random((120, 40)) < 0.08)
    weight = rng.integers(1, 1000, 120).astype(float)
    first = maximal_covering(cover, weight, 9, time_limit_s=1e5)
    hurried = SimpleNamespace(monotonic=lambda: 12 * time.monotonic())
    monkeypatch.setattr(siting_plan, "time", hurried)
    second = maximal_covering(cover, weight, 9, time_limit_s=1e5)
    assert first.status == second.status == "optimal"
    assert "zero-half" in first.method, "more than the search alone"
    assert first == replace(second, seconds=first.seconds)


def test_demand_out_of_reach_is_listed_and_the_rest_covered() -> None:
    cover = np.array([[True, False], [False, False], [False, True], [False, False]])
    plan = set_covering(sparse.csr_array(cover))
    assert plan.uncoverable == (1, 3) and set(plan.sites) == {0, 1} and plan.status == "optimal"
    nobody = set_covering(sparse.csr_array(np.zeros((2, 1), dtype=bool)))
    assert nobody.uncoverable == (0, 1) and nobody.sites == () and nobody.value == 0


def test_no_candidate_is_refused_in_one_sentence() -> None:
    with pytest.raises(SitingError, match="aucun lieu"):
        maximal_covering(
            sparse.csr_array(np.zeros((3, 1), dtype=bool)), np.ones(3), 1, excluded=(0,)
        )


def test_gap_option_stops_early_and_says_so() -> None:
    rng = np.random.default_rng(7)
    points = rng.random((400, 2))
    cover = sparse.csr_array(
        np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1)) < 0.1
    )
    weight = rng.integers(1, 1000, 400).astype(float)
    plan = maximal_covering(cover, weight, 15, gap=0.5)
    assert plan.gap <= 0.5 and plan.status in {"gap_reached", "optimal"}


@pytest.mark.parametrize(
    ("people", "sites"), [([100.0, 0.0], 1), ([0.0, 3.0], 1), ([1.0, 1.0], 2), ([0.0, 0.0], 0)]
)
def test_nobody_s_commune_asks_for_no_site(people: list[float], sites: int) -> None:
    plan = set_covering(sparse.csr_array(np.eye(2, dtype=bool)), weight=people)
    assert (len(plan.sites), plan.value) == (sites, sites)
