"""Equity measures, each beside a naive twin that counts people one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.access.rules import gini, palma, poverty
from geoguichet.coverage.errors import FrameError

places = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), min_size=1, max_size=8)


def both(rows: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Access and people by place, and the access of each person."""
    access, people = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return access, people, np.sort(np.repeat(access, people.astype(int)))


@settings(deadline=None)
@given(places)
def test_gini_is_half_the_mean_difference(rows: list) -> None:
    access, people, each = both(rows)
    apart = np.abs(each[:, None] - each[None, :]).mean()
    expected = apart / (2 * each.mean()) if each.mean() else 0.0
    assert gini(access, people) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(places)
def test_palma_counts_people(rows: list) -> None:
    access, people, each = both(rows)
    tenths = np.repeat(each, 10)  # ten parts a person: any number of people has tenths
    low, high = tenths[: 4 * len(each)].sum(), tenths[9 * len(each) :].sum()
    expected = high / low if low else (1.0 if high == 0 else np.inf)
    assert palma(access, people) == pytest.approx(expected, rel=1e-9)


@settings(deadline=None)
@given(places, st.integers(1, 40), st.sampled_from([0.0, 1.0, 2.0]))
def test_poverty_counts_people(rows: list, line: int, alpha: float) -> None:
    access, people, each = both(rows)
    expected = sum(((line - a) / line) ** alpha for a in each if a < line) / len(each)
    assert poverty(access, people, line=line, alpha=alpha) == pytest.approx(expected, abs=1e-12)


def test_known_values() -> None:
    assert gini(np.array([1.0, 1.0]), np.array([3.0, 5.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 10.0]), np.array([9.0, 1.0])) == pytest.approx(0.9)
    assert palma(np.array([1.0]), np.array([10.0])) == pytest.approx(0.25)
    assert palma(np.array([0.0, 5.0]), np.array([9.0, 1.0])) == np.inf


@pytest.mark.parametrize("access", [[np.nan, 1.0], [-1.0, 1.0], [1.0]])
def test_a_missing_access_is_refused(access: list) -> None:
    with pytest.raises(FrameError):
        gini(np.array(access), np.array([1.0, 1.0]))
    with pytest.raises(FrameError, match="seuil positif"):
        poverty(np.ones(1), np.ones(1), line=0)
