"""Accessibility measures, each beside a naive twin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.access.rules import LUO_QI_S, cumulative, two_step
from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.routers.impedance import CostMatrix

sizes = st.tuples(st.integers(1, 6), st.integers(1, 5))


@st.composite
def situations(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, m = draw(sizes)
    cost = st.one_of(st.floats(0, 3000), st.sampled_from([600.0, 1200.0, 1800.0, np.nan]))
    table = np.array(draw(st.lists(cost, min_size=n * m, max_size=n * m))).reshape(n, m)
    people = np.array(draw(st.lists(st.integers(0, 1000), min_size=n, max_size=n)), dtype=float)
    supply = np.array(draw(st.lists(st.integers(0, 50), min_size=m, max_size=m)), dtype=float)
    return table, people, supply


def matrix(table: np.ndarray) -> CostMatrix:
    i, j = np.nonzero(~np.isnan(table))
    return CostMatrix(i, j, table[i, j], table.shape)


def weight(cost: float, bands: list[tuple[float, float]]) -> float:
    return next((w for limit, w in bands if cost <= limit), 0.0)  # NaN is within nothing


@settings(deadline=None)
@given(situations(), st.sampled_from([((900.0, 1.0),), LUO_QI_S]))
def test_two_step_is_its_naive_twin(situation: tuple, bands: tuple) -> None:
    table, people, supply = situation
    n, m = table.shape
    ratio = []
    for j in range(m):
        demanded = sum(weight(table[i, j], bands) * people[i] for i in range(n))
        ratio.append(supply[j] / demanded if demanded else 0.0)
    expected = [sum(weight(table[i, j], bands) * ratio[j] for j in range(m)) for i in range(n)]
    found = two_step(matrix(table), people, supply, bands=bands)
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-12) and np.isfinite(found).all()
    reached = [any(weight(table[i, j], bands) * people[i] for i in range(n)) for j in range(m)]
    assert (found * people).sum() == pytest.approx(supply[reached].sum(), rel=1e-9), (
        "nothing is lost"
    )


@settings(deadline=None)
@given(situations(), st.floats(0, 3000))
def test_cumulative_is_its_naive_twin(situation: tuple, limit: float) -> None:
    table, _, supply = situation
    expected = [sum(s for c, s in zip(row, supply, strict=True) if c <= limit) for row in table]
    found = cumulative(matrix(table), supply, limit=limit)
    assert np.allclose(found, expected, rtol=1e-12, atol=0)
    assert (cumulative(matrix(table), supply, limit=limit + 100) >= found).all()


def test_no_access_is_zero_not_missing() -> None:
    """PySAL access gives NaN there, and white zones vanish from the means."""
    table = np.array([[100.0], [np.nan]])
    found = two_step(matrix(table), np.array([10.0, 10.0]), np.array([5.0]), bands=((600.0, 1.0),))
    assert found.tolist() == [0.5, 0.0] and found.mean() == 0.25


def test_what_makes_no_sense_is_refused() -> None:
    table = matrix(np.array([[1.0]]))
    with pytest.raises(FrameError, match="croissantes"):
        two_step(table, np.ones(1), np.ones(1), bands=((600.0, 1.0), (300.0, 0.5)))
    for people in (np.ones(2), np.array([np.nan]), np.array([-1.0])):
        with pytest.raises(FrameError, match="habitants"):
            two_step(table, people, np.ones(1), bands=LUO_QI_S)
