"""The best hosts, by a core of sites and by the whole program."""

import numpy as np
import pytest
from scipy import sparse

from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting import mixed_integer
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.mixed_integer import covering, solve
from geoguichet.coverage.siting.problem import KioskPlan, Quality, SiteRules, Watch, state


def plan_of(seed: int) -> KioskPlan:
    """Return the plan of 12 of 160 hosts on a plane, open 5 to 40 hours, many of them alike."""
    rng = np.random.default_rng(seed)
    points, hosts = rng.uniform(0, 30, (120, 2)), rng.uniform(0, 30, (160, 2))
    hosts[80:] = hosts[:80] + rng.uniform(-0.1, 0.1, (80, 2))
    far = np.hypot(*(points[:, None] - hosts[None]).transpose(2, 0, 1))
    row, column = np.nonzero(far <= 4)
    weight = rng.integers(1, 500, 120).astype(float)
    costs = CostMatrix(row, column, far[row, column], far.shape)
    hours, size = rng.integers(20, 160, 160) / 4.0, rng.integers(1, 9, 160) * 100.0
    quality = Quality(0.02, hours, size, costs, weight)
    return maximal_covering(sparse.csr_array(far <= 4), weight, 12, quality=quality)


@pytest.mark.parametrize("seed", range(4))
def test_a_core_of_sites_finds_the_hosts_of_the_whole_program(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = []
    for tiny in (0, 10**9):  # so small a program is not relaxed: it is solved whole
        monkeypatch.setattr(mixed_integer, "TINY", tiny)
        plans.append(plan_of(seed))
    by_core, whole = (plan.hosts for plan in plans)
    assert by_core is not None and by_core.proved
    assert by_core == whole


def test_a_start_of_the_sites_alone_leaves_the_bound_true() -> None:
    rng = np.random.default_rng(3)
    cover = sparse.csr_array(rng.random((60, 40)) < 0.08)
    problem = state(
        cover, rng.integers(1, 90, 60).astype(float), count=4, rules=SiteRules()
    ).problem
    program, watch = covering(problem), Watch(20.0)
    best = solve(program, presolved=True, watch=watch)
    poor = np.zeros(problem.columns)
    poor[:1] = 1.0
    again = solve(program, start=poor, presolved=True, watch=watch)
    assert again.ending == "solved" and abs(again.bound - best.bound) < 1e-6
