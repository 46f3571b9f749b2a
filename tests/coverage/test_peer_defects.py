"""Every defect seen in the peers' code, and the test that fails on it; tests with no other home are
here.
"""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy import sparse

from geoguichet.coverage.access.rules import cumulative, measure
from geoguichet.coverage.routers.impedance import CostMatrix, StraightLine
from geoguichet.coverage.siting.covering import maximal_covering, p_center, set_covering
from geoguichet.coverage.siting.problem import SiteRules
from geoguichet.coverage.study.study import parse_study
from geoguichet.floor.words import Cost, Unit

TESTS = Path(__file__).parents[1]

DEFECTS = {
    "GOSTnets: existing facilities are constrained after the solve, without effect": (
        "coverage/test_peer_defects.py::test_what_exists_counts_before_the_solve",
        "coverage/siting/test_covering.py::test_required_and_excluded_are_obeyed",
    ),
    "GOSTnets: unreachable is -1, which passes `<= threshold` and is covered": (
        "coverage/routers/test_peer_defects.py::test_unreachable_is_never_a_number",
        "coverage/test_peer_defects.py::test_unreachable_covers_nobody",
    ),
    "GOSTnets: `od[a][b]` indexes rows twice": (
        "coverage/routers/test_peer_defects.py::test_to_the_service_is_not_from_the_service",
    ),
    "GOSTnets: snapping distance in EPSG:3857, 1.38 times too long": (
        "coverage/routers/test_peer_defects.py::test_access_is_measured_on_the_earth_not_in_mercator",
    ),
    "GOSTnets: the destination's snapping time is computed and never added": (
        "coverage/routers/test_peer_defects.py::test_the_walk_counts_at_both_ends",
    ),
    "spopt: `== p`, so that more sites than there are is infeasible": (
        "coverage/test_peer_defects.py::test_more_kiosks_than_places_is_no_error",
    ),
    "spopt: one radius for all services": (
        "coverage/test_peer_defects.py::test_each_need_has_its_own_threshold",
    ),
    "spopt: the objective comes back through CBC's text file, four decimals": (
        "coverage/test_peer_defects.py::test_the_value_of_a_plan_is_a_cost_of_the_matrix",
    ),
    "spopt: no cost, no budget, no bound in the result": (
        "coverage/siting/test_against_brute_force.py::test_budget_covering",
        "coverage/siting/test_against_brute_force.py::test_no_bound_is_below_a_feasible_value",
    ),
    "pandana: points of interest and demand stand on the nearest node, with no access cost": (
        "coverage/routers/test_peer_defects.py::test_points_snap_to_edges_not_to_the_nearest_junction",
    ),
    "pandana: attributes in float32, weights in whole thousandths": (
        "coverage/routers/test_peer_defects.py::test_an_hour_is_an_hour",
    ),
    "pandana: the nearest of the unreachable is at the search distance": (
        "coverage/routers/test_peer_defects.py::test_the_limit_is_not_the_answer",
    ),
    "pandana: AGPL": ("coverage/test_peer_defects.py::test_nothing_we_depend_on_is_agpl",),
    "r5py: a dense table of every pair": (
        "coverage/routers/test_peer_defects.py::test_only_pairs_within_the_limit_are_kept",
    ),
    "r5py: whole minutes": ("coverage/routers/test_peer_defects.py::test_an_hour_is_an_hour",),
    "R5: no accessibility beyond 120 minutes": (
        "coverage/test_peer_defects.py::test_a_threshold_may_be_three_hours",
    ),
    "R5: no stable programming interface": (
        "test_architecture.py::test_a_room_imports_only_rooms_to_its_left",
    ),
    "AccessMod: travel times in 16-bit integers": (
        "coverage/routers/test_peer_defects.py::test_times_do_not_overflow_sixteen_bits",
    ),
    "AccessMod: scaling up looks at the most suitable cells alone, with no bound": (
        "coverage/siting/test_against_brute_force.py::test_maximal_covering",
        "coverage/siting/test_against_brute_force.py::test_no_bound_is_below_a_feasible_value",
    ),
    "access: no supply in reach is NaN, and white zones vanish from means": (
        "coverage/access/test_accessibility.py::test_no_access_is_zero_not_missing",
    ),
    "pygeoapi: cancelling forgets the job while its computation goes on": (
        "coverage/siting/test_mixed_integer.py::test_cancelling_stops_the_child_at_once",
        "coverage/siting/test_mixed_integer.py::test_ctrl_c_leaves_no_child_behind",
    ),
}
"""Section 4b of the research, in its order."""


def named() -> Iterator[tuple[str, str]]:
    for tests in DEFECTS.values():
        for name in tests:
            file, _, function = name.partition("::")
            yield file, function


@pytest.mark.parametrize(("file", "function"), sorted(set(named())))
def test_each_defect_has_its_test(file: str, function: str) -> None:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_exists_counts_before_the_solve() -> None:
    """Two sites cover all; a third, useless, exists: it must be kept, and the cover completed
    around it.
    """
    cover = sparse.csr_array(np.array([[1, 0, 0], [0, 1, 0]], dtype=bool))
    plan = set_covering(cover, rules=SiteRules(existing=(2,)))
    assert set(plan.sites) | {2} == {0, 1, 2}
    one = sparse.csr_array(np.array([[1, 1], [1, 1]], dtype=bool))
    assert not set(set_covering(one, rules=SiteRules(existing=(0,))).sites) - {0}, (
        "nothing more is needed"
    )


def test_unreachable_covers_nobody() -> None:
    unreachable = CostMatrix(np.array([0]), np.array([0]), np.array([5.0]), (2, 1))
    assert unreachable.within(1e9).toarray().tolist() == [[True], [False]]
    plan = maximal_covering(unreachable.within(1e9), [1.0, 100.0], 1)
    assert plan.value == 1.0


def test_more_kiosks_than_places_is_no_error() -> None:
    cover = sparse.csr_array(np.eye(3, dtype=bool))
    plan = maximal_covering(cover, [1.0, 2.0, 0.0], 10)
    assert sorted(plan.sites) == [0, 1] and plan.value == 3.0 and plan.status == "optimal"


def test_each_need_has_its_own_threshold() -> None:
    document = {
        "study": {"id": "e", "title": "E"},
        "territory": {"name": "E", "departements": ["46"]},
        "services": {
            "near": {"types": ["post_office"], "within": "2 km"},
            "far": {"types": ["court"], "within": "60 km"},
        },
        "rule": {"all": ["near", "far"]},
    }
    study = parse_study(document)
    here = gpd.GeoDataFrame({"people": [1]}, geometry=[shapely.Point(1.4, 44.4)], crs="EPSG:4326")
    there = [shapely.Point(1.41, 44.4), shapely.Point(1.9, 44.4)]  # 800 m and 40 km
    services = gpd.GeoDataFrame(
        {"needs": ["near", "far"]}, geometry=there, crs="EPSG:4326", index=["a", "b"]
    )
    assert measure(here, services, study, StraightLine())["served"].tolist() == [True]
    swapped = services.assign(needs=["far", "near"])
    assert measure(here, swapped, study, StraightLine())["served"].tolist() == [False]


def test_the_value_of_a_plan_is_a_cost_of_the_matrix() -> None:
    rng = np.random.default_rng(5)
    cost = rng.uniform(0, 1e4, (12, 5))
    i, j = np.indices(cost.shape).reshape(2, -1)
    plan = p_center(CostMatrix(i, j, cost.ravel(), cost.shape), 2)
    worst = cost[:, list(plan.sites)].min(axis=1).max()
    assert plan.value == worst and plan.value in cost, "to the last bit"


def test_nothing_we_depend_on_is_agpl() -> None:
    lock = (TESTS.parent / "requirements.lock").read_text(encoding="utf-8")
    names = {line.split("==")[0].strip().lower() for line in lock.splitlines() if "==" in line}
    assert len(names) > 50 and not names & {"pandana", "urbanaccess"}


def test_a_threshold_may_be_three_hours() -> None:
    document = {
        "study": {"id": "e", "title": "E"},
        "territory": {"name": "E", "departements": ["46"]},
        "services": {"chu": {"types": ["hospital"], "within": "3 h"}},
        "rule": {"all": ["chu"]},
        "router": {"kind": "road", "network": "x"},
    }
    assert parse_study(document).needs[0].within == 10_800.0
    matrix = CostMatrix(np.array([0, 0]), np.array([0, 1]), np.array([7_201.0, 10_800.0]), (1, 2))
    assert cumulative(matrix, np.ones(2), limit=10_800.0).tolist() == [2.0]
    assert (
        replace(parse_study(document).needs[0], within=Cost(36_000.0, Unit.SECONDS)).within
        == 36_000.0
    )
