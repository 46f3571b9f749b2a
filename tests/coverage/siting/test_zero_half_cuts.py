"""Zero-half cuts: what whole solutions obey and fractions do not."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geoguichet.coverage.siting import mixed_integer, separation
from geoguichet.coverage.siting.problem import SiteRules, Watch, components, state


def triangle() -> separation.Rows:
    """Three sites, three towns, each covered by two of the sites: z_i <= the sum of its sites."""
    rows = np.array([[-1, -1, 0, 1, 0, 0], [0, -1, -1, 0, 1, 0], [-1, 0, -1, 0, 0, 1]])
    matrix = sparse.csr_array(rows)
    return separation.Rows(matrix.indptr, matrix.indices, matrix.data, np.zeros(3, dtype=np.int64))


def test_half_a_site_everywhere_is_cut_off() -> None:
    half = np.array([0.5, 0.5, 0.5, 1.0, 1.0, 1.0])
    (cut,) = separation.zero_half_cuts(triangle(), half, np.random.default_rng(0))
    assert sorted(zip(cut.indices, cut.data, strict=True)) == [
        (0, -1),
        (1, -1),
        (2, -1),
        (3, 1),
        (4, 1),
        (5, 1),
    ]
    assert cut.limit == 1, "three towns covered take two sites: z1 + z2 + z3 <= y1 + y2 + y3 + 1"


def test_a_whole_solution_is_never_cut_off() -> None:
    assert not separation.zero_half_cuts(
        triangle(), np.array([1.0, 0, 0, 1, 0, 1]), np.random.default_rng(0)
    )


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(-2, 2), min_size=6, max_size=6), min_size=2, max_size=6),
    st.data(),
)
def test_no_cut_removes_a_whole_solution(matrix: list[list[int]], data: st.DataObject) -> None:
    limits = np.array(
        data.draw(st.lists(st.integers(-2, 4), min_size=len(matrix), max_size=len(matrix)))
    )
    tenths = data.draw(
        st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=6, max_size=6)
    )
    table = sparse.csr_array(np.array(matrix))
    rows = separation.Rows(table.indptr, table.indices, table.data, limits)
    for cut in separation.zero_half_cuts(rows, np.array(tenths), np.random.default_rng(0)):
        assert cut.data @ np.array(tenths)[cut.indices] > cut.limit
        for whole in product((0, 1), repeat=6):
            x = np.array(whole)
            assert (np.array(matrix) @ x > limits).any() or cut.data @ x[cut.indices] <= cut.limit


def test_cuts_tighten_the_relaxation_and_stay_above_the_optimum() -> None:
    rng = np.random.default_rng(3)
    cover, weight = (
        sparse.csr_array(rng.random((80, 40)) < 0.1),
        rng.integers(1, 1000, 80).astype(float),
    )
    problem = state(cover, weight, count=8, rules=SiteRules()).problem
    program = mixed_integer.covering(problem)
    relaxed = mixed_integer.relax(program, enough=-np.inf, watch=Watch(60))
    best = mixed_integer.solve(program, watch=Watch(60))
    assert relaxed.ending == "solved" and best.ending == "solved"
    assert relaxed.bound >= best.bound - 1e-6
    cut = mixed_integer.with_cuts(program, relaxed.cuts, relaxed.limit)
    assert len(relaxed.limit) and mixed_integer.solve(cut, watch=Watch(60)).bound == pytest.approx(
        best.bound
    )
    assert best.chosen is not None
    worth = relaxed.bound + np.minimum(0, relaxed.reduced[: problem.columns])
    assert (worth[list(best.chosen)] >= best.bound - 1e-6).all(), (
        "no column of the best plan may be excluded"
    )


def test_components_share_no_row_and_lose_none() -> None:
    near = sparse.block_diag(
        [sparse.csr_array(np.ones(shape)) for shape in ((3, 2), (2, 4), (1, 1))], format="csr"
    )
    problem = state(near, np.ones(6), rules=SiteRules()).problem
    parts = components(problem)
    assert [part.columns for _, part in parts] == [2, 4, 1]
    assert sorted(np.concatenate([where for where, _ in parts])) == list(range(7))
    assert sum(part.everything for _, part in parts) == 6
    together = state(near, np.ones(6), rules=SiteRules(apart=((0, 2),))).problem
    assert len(components(together)) == 1
