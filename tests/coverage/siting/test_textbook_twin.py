"""Real questions against the plain model, written out apart and put to HiGHS as it comes."""

import os

import geopandas as gpd
import numpy as np
import pytest
from pyproj import Geod
from scipy import optimize, sparse

from geoguichet.benchmarks.siting.one_run import ours
from geoguichet.benchmarks.siting.real import QUESTIONS, instance
from geoguichet.benchmarks.siting.textbook import solve
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.referentials.layers import sample_path

#: Twenty of the sixty, of the sample alone and soon solved; every model but the p-center.
TWENTY = (11, 43, 52, 1, 2, 5, 21, 23, 27, 31, 32, 33, 34, 35, 38, 41, 44, 47, 50, 53)


@pytest.mark.parametrize("number", TWENTY[: int(os.environ.get("GEOGUICHET_TWINS", "3"))])
def test_a_real_question_has_the_value_of_its_plain_model(number: int) -> None:
    data = instance(*QUESTIONS[number - 1])
    assert ours(data)() == pytest.approx(solve(data), rel=1e-9)


def test_the_plan_of_the_shipped_study_is_that_of_an_independent_program(
    result: CoverageResult,
) -> None:
    """Communes too far from the State's counters that have an open town hall; hosts open 14 hours.

    Distances, who is to be gained and the program are all written here, from points and hours.
    """
    demand, services = result.demand, gpd.read_file(sample_path(), layer="services").set_index("id")
    halls = services[services["type"] == "town_hall"]
    state = services[services["type"].isin(["prefecture", "sous_prefecture"])]
    opened = halls[halls["hours_per_week"] >= 28]
    lonely = ~within(demand, state, 25_000).any(axis=1) & within(demand, opened, 8_000).any(axis=1)
    asking = demand[lonely]
    hosts = halls[(halls["hours_per_week"] >= 14) & halls["inside"]]
    cover = sparse.csr_array(within(asking, hosts, 8_000).astype(float))
    rows, columns = cover.shape
    people = asking["people"].to_numpy(float)
    at_most = [sparse.csr_array(np.ones((1, columns))), None]
    links, room = [[-cover, sparse.eye_array(rows)], at_most], [*np.zeros(rows), 80.0]
    most = -best(np.concatenate([np.zeros(columns), -people]), links, room, columns)
    assert result.plan is not None
    assert result.plan.bound == round(most)
    # of the plans within a hundredth of it, those whose hosts are open longest; ours has no site
    # that is there for its hours alone (decision 146), and may have a few hours less
    hours = hosts["hours_per_week"].to_numpy(float)
    links, room = [*links, [None, sparse.csr_array(-people[None, :])]], [*room, -0.99 * most]
    longest = -best(np.concatenate([-hours, np.zeros(rows)]), links, room, columns)
    chosen = hosts.index.isin(result.kiosks["host_id"])
    assert chosen.sum() == len(result.kiosks) == 80
    assert 0.97 * longest <= hours[chosen].sum() <= longest + 1e-6
    only = cover[:, np.flatnonzero(chosen)].toarray() * (cover @ chosen.astype(float) == 1)[:, None]
    assert (people @ only > 0).all()
    gained = people[(cover @ chosen.astype(float)) > 0].sum()
    assert gained == result.plan.value >= 0.99 * most


def best(cost: np.ndarray, links: list, room: list, integers: int) -> float:
    """Return the least cost of what keeps the links at most at their room, all between 0 and 1."""
    found = optimize.milp(
        cost,
        constraints=optimize.LinearConstraint(sparse.block_array(links), -np.inf, room),
        integrality=np.arange(len(cost)) < integers,
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 1e-7},
    )
    assert found.success
    return float(found.fun)


def within(origins, destinations, metres: float) -> np.ndarray:
    """Mark the pairs of points at most so many metres apart on the ellipsoid."""
    geod, here = Geod(ellps="WGS84"), origins.geometry
    near = np.zeros((len(origins), len(destinations)), dtype=bool)
    known = here.notna().to_numpy() & ~here.is_empty.to_numpy()
    x, y = here.x.to_numpy(), here.y.to_numpy()
    for number, point in enumerate(destinations.geometry):
        if point is None or point.is_empty:
            continue
        close = np.flatnonzero(known & (np.abs(y - point.y) < 0.3) & (np.abs(x - point.x) < 0.45))
        lon, lat = np.full(len(close), point.x), np.full(len(close), point.y)
        near[close, number] = geod.inv(x[close], y[close], lon, lat)[2] <= metres
    return near
