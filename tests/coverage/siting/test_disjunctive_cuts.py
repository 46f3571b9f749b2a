"""Disjunctive cuts: what holds whether none of some sites is opened or one is, and what half a site
does not obey.
"""

from itertools import product

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geoguichet.coverage.siting import highs, mixed_integer, separation
from geoguichet.coverage.siting.problem import SiteRules, Watch, state


def cuts_of(
    rows: separation.Rows,
    x: np.ndarray,
    integers: int,
    held: list[separation.Cut] | None = None,
) -> list[separation.Cut]:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    random = np.random.default_rng(0)
    return separation.disjunctive_cuts(
        rows, held or [], x, integers, solver=solver, random=random, off=highs.never
    )


def ring(towns: int, each: int, others: np.ndarray) -> tuple[separation.Rows, np.ndarray]:
    """As many sites as towns on a ring, each town covered by the next ``each`` and by ``others``:
    z_i <= their sum.
    """
    sites = (np.arange(towns) - np.arange(towns)[:, None]) % towns < each
    cover = np.hstack([sites, others]).astype(np.int64)
    matrix = sparse.csr_array(np.hstack([-cover, np.eye(towns, dtype=np.int64)]))
    return separation.Rows(
        matrix.indptr, matrix.indices, matrix.data, np.zeros(towns, dtype=np.int64)
    ), cover


def shared_out(towns: int, each: int, others: int) -> np.ndarray:
    """An equal part of a site everywhere on the ring covers every town once."""
    return np.concatenate([np.full(towns, 1 / each), np.zeros(others), np.ones(towns)])


def test_a_fifth_of_a_site_everywhere_is_cut_off() -> None:
    rows, _ = ring(7, 5, np.zeros((7, 0), dtype=bool))
    x = shared_out(7, 5, 0)
    cuts = cuts_of(rows, x, 7)
    assert cuts and all(cut.data @ x[cut.indices] > cut.limit for cut in cuts)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([(6, 4), (7, 5), (8, 5)]), st.data())
def test_no_cut_removes_a_whole_solution(size: tuple[int, int], data: st.DataObject) -> None:
    towns, each = size
    columns = data.draw(
        st.lists(st.lists(st.booleans(), min_size=towns, max_size=towns), max_size=3)
    )
    rows, cover = ring(towns, each, np.array(columns, dtype=bool).reshape(-1, towns).T)
    sites, x = cover.shape[1], shared_out(towns, each, len(columns))
    first = cuts_of(rows, x, sites)
    for cut in [*first, *cuts_of(rows, x, sites, first)]:
        assert cut.data @ x[cut.indices] > cut.limit
        coefficient = np.zeros(sites + towns)
        coefficient[cut.indices] = cut.data
        for values in product((0, 1), repeat=sites):
            covered = cover @ np.array(values) > 0
            worst = coefficient[:sites] @ values + np.maximum(coefficient[sites:], 0)[covered].sum()
            assert worst <= cut.limit


def test_they_tighten_what_zero_half_cuts_leave_and_stay_above_the_optimum() -> None:
    rng = np.random.default_rng(5)
    cover, weight = (
        sparse.csr_array(rng.random((60, 30)) < 0.12),
        rng.integers(1, 1000, 60).astype(float),
    )
    program = mixed_integer.covering(state(cover, weight, count=6, rules=SiteRules()).problem)
    before = mixed_integer.relax(program, enough=-np.inf, watch=Watch(60))
    after, again = (
        mixed_integer.relax(program, enough=-np.inf, hard=True, watch=Watch(60)) for _ in range(2)
    )
    best = mixed_integer.solve(program, watch=Watch(60))
    assert best.bound - 1e-6 <= after.bound < before.bound
    assert after.bound == again.bound and np.array_equal(after.x, again.x), (
        "equal inputs give equal answers"
    )
    cut = mixed_integer.with_cuts(program, after.cuts, after.limit)
    assert mixed_integer.solve(cut, watch=Watch(60)).bound == pytest.approx(best.bound)
