"""What peers get wrong about travel (research, section 4b and 2b): each of these fails on that
behaviour.
"""

from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from geoguichet.coverage.access.rules import is_served
from geoguichet.coverage.routers.impedance import CostMatrix, StraightLine
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter


@pytest.fixture(scope="module")
def street(lab: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """One long street of an hour and a tenth of a second, a one-way bypass, and an island."""
    return lab.make_network(
        tmp_path_factory.mktemp("street") / "street.roads",
        [
            {"line": [(0, 0), (1, 0)], "seconds": 3599.96},
            {"line": [(1, 0), (2, 0)], "seconds": 100.4},
            {"line": [(2, 0), (2, 1), (0, 1), (0, 0)], "seconds": 30.0, "oneway": 1},
            {"line": [(8, 8), (8, 9)], "seconds": 10.0},
        ],
    )


def test_unreachable_is_never_a_number(street: Network, lab: SimpleNamespace) -> None:
    """Pandana: 4294967.295 or the search distance; GOSTnets: -1, which then passes ``<= threshold``
    as covered.
    """
    found = RoadRouter(street).nearest(lab.points((8, 8)), lab.points((0, 0)))
    assert np.isnan(found.cost[0]) and found.destination[0] == -1 and found.reason is not None
    assert found.reason[0] == "no_path" and not is_served(600.0 - found.cost)[0]
    matrix = RoadRouter(street).costs(lab.points((8, 8)), lab.points((0, 0)), limit=1e12)
    assert len(matrix.cost) == 0 and not matrix.within(1e12).toarray().any()
    nodes, place = RoadRouter(street).node_costs(lab.points((0, 0)))
    assert (
        np.isnan(nodes).sum() == 2 == (place == -1).sum()
        and not (nodes < 0).any()
        and np.nanmax(nodes) < 1e4
    )


def test_the_limit_is_not_the_answer(street: Network, lab: SimpleNamespace) -> None:
    """Pandana's nearest_pois answers the search distance itself when nothing is within it."""
    found = RoadRouter(street).nearest(lab.points((1, 0)), lab.points((0, 0)), limit=60.0)
    assert (
        np.isnan(found.cost[0]) and found.reason is not None and found.reason[0] == "beyond_limit"
    )


def test_a_far_point_has_no_spurious_zero(street: Network, lab: SimpleNamespace) -> None:
    """UDST/pandana#170 and conveyal/r5#934: points far from any road were at zero; here they are
    said, not moved.
    """
    person = lab.points((0.5, -1.5))  # 1.7 km from the street
    router = RoadRouter(street)
    assert router.nearest(person, lab.points((0.5, 0))).reason.tolist() == ["not_snapped"]  # type: ignore[union-attr]
    assert (
        RoadRouter(street, max_access_m=2000).nearest(person, lab.points((0.5, 0))).cost[0] > 1400
    )


def test_the_walk_counts_at_both_ends(street: Network, lab: SimpleNamespace) -> None:
    """GOSTnets computes the destination's snapping time and never adds it; pandana has none at
    either end.
    """
    on, off = (0.5, 0), (0.5, 0.2)
    walk = Geod(ellps="WGS84").inv(*lab.at(*on), *lab.at(*off))[2] * 3.6 / 4
    router = RoadRouter(street)
    assert router.nearest(lab.points(off), lab.points(on)).cost[0] == pytest.approx(walk, abs=0.05)
    assert router.nearest(lab.points(on), lab.points(off)).cost[0] == pytest.approx(walk, abs=0.05)


def test_access_is_measured_on_the_earth_not_in_mercator(
    street: Network, lab: SimpleNamespace
) -> None:
    """GOSTnets measures it in EPSG:3857, 1.38 times too long here."""
    metres = RoadRouter(street).snap(lab.points((0.5, 0.3))).access_m[0]
    assert metres == pytest.approx(
        Geod(ellps="WGS84").inv(*lab.at(0.5, 0.3), *lab.at(0.5, 0))[2], abs=0.05
    )


def test_points_snap_to_edges_not_to_the_nearest_junction(
    street: Network, lab: SimpleNamespace
) -> None:
    """Pandana, R5 and GOSTnets put a point at a node: the middle of a long street would be at its
    end, at no cost.
    """
    half = RoadRouter(street).nearest(lab.points((0.5, 0)), lab.points((0, 0))).cost[0]
    assert half == pytest.approx(3599.96 / 2, abs=0.1)


def test_an_hour_is_an_hour(street: Network, lab: SimpleNamespace) -> None:
    """AccessMod: 60 minutes mean 59 (accessmod#393); r5py: whole minutes; pandana: thousandths
    rounded edge by edge.
    """
    router = RoadRouter(street)
    here, there = lab.points((2, 0)), lab.points((0, 0))
    there_and_on = RoadRouter(street, mode="car").nearest(there, here).cost[0]
    assert there_and_on == pytest.approx(3700.36, abs=1e-6), "seconds add up as given"
    assert not (RoadRouter(street).nearest(lab.points((1, 0)), there).cost[0] > 3600)
    exact = router.nearest(there, lab.points((1, 0))).cost[0]
    matrix = router.costs(there, lab.points((1, 0)), limit=exact)
    assert matrix.within(exact).toarray().tolist() == [[True]], (
        "a cost equal to the threshold is within it"
    )
    assert matrix.within(np.nextafter(exact, 0)).toarray().tolist() == [[False]]


def test_times_do_not_overflow_sixteen_bits(lab: SimpleNamespace, tmp_path: Path) -> None:
    """AccessMod keeps travel time in 16-bit integers."""
    net = lab.make_network(
        tmp_path / "long.roads", [{"line": [(0, 0), (3, 0)], "seconds": 100_000.5}]
    )
    assert RoadRouter(net).nearest(lab.points((0, 0)), lab.points((3, 0))).cost[0] == pytest.approx(
        100_000.5, abs=1e-6
    )


def test_to_the_service_is_not_from_the_service(street: Network, lab: SimpleNamespace) -> None:
    """ipeaGIT/r5r#425: "to" asked as "from". The bypass is one-way: 30 s out of town, an hour and
    more back.
    """
    home, service = lab.points((2, 0)), lab.points((0, 0))
    assert RoadRouter(street).nearest(home, service).cost[0] == pytest.approx(30, abs=1e-6)
    assert RoadRouter(street).nearest(service, home).cost[0] == pytest.approx(3700.36, abs=1e-6)
    matrix = RoadRouter(street).costs(home, service, limit=1e6)
    assert matrix.cost[0] == pytest.approx(30, abs=1e-6), (
        "the matrix has origins in rows (GOSTnets indexes rows twice)"
    )


def test_time_to_oneself_is_zero(street: Network, lab: SimpleNamespace) -> None:
    """r5py#254: non-zero time to itself."""
    spot = lab.points((0.3, 0))
    assert RoadRouter(street).nearest(spot, spot).cost[0] == pytest.approx(0, abs=0.05)
    assert StraightLine().nearest(spot, spot).cost[0] == 0


def test_every_service_is_found_every_time(street: Network, lab: SimpleNamespace) -> None:
    """UDST/pandana#73 and #43: repeated queries differ, points of interest are missing when several
    share a node.
    """
    services = lab.points((1, 0), (1, 0), (0, 0), (1, 0))
    router = RoadRouter(street)
    first = router.costs(lab.points((1, 0)), services, limit=np.inf)
    assert sorted(first.destination) == [0, 1, 2, 3]
    again = router.costs(lab.points((1, 0)), services, limit=np.inf)
    assert (
        again.destination.tolist() == first.destination.tolist()
        and again.cost.tobytes() == first.cost.tobytes()
    )


def test_only_pairs_within_the_limit_are_kept(regional: Network) -> None:
    """r5py and spopt keep every pair: here the region's 16,788 nodes to 300 hosts is a table of
    those within 10 min.
    """
    nodes = regional.node_points()
    hosts = nodes.iloc[::56]
    matrix = RoadRouter(regional).costs(nodes, hosts, limit=600.0)
    assert isinstance(matrix, CostMatrix) and len(matrix.cost) < 0.02 * len(nodes) * len(hosts)
    best = np.full(len(nodes), np.inf)
    np.minimum.at(best, matrix.origin, matrix.cost)
    nearest = RoadRouter(regional).nearest(nodes, hosts, limit=600.0).cost
    assert (np.nan_to_num(nearest, nan=np.inf) == best).all()


def test_roads_are_longer_than_the_straight_line(regional: Network) -> None:
    """What a detour multiplies is the straight metres, and a road's are between 1.1 and 1.6 of
    them here.
    """
    nodes = regional.node_points()
    some, fewer = nodes.iloc[:: len(nodes) // 400], nodes.iloc[:: len(nodes) // 24]
    by_road = RoadRouter(regional, metric="length").nearest(some, fewer)
    reached = np.flatnonzero(by_road.destination >= 0)
    ends = fewer.iloc[by_road.destination[reached]].to_crs(2154).to_numpy()
    straight_m = shapely.distance(some.iloc[reached].to_crs(2154).to_numpy(), ends)
    far = straight_m >= 1_000  # nearer, the walk to the road decides
    ratio = by_road.cost[reached][far] / straight_m[far]
    low, factor, high = np.quantile(ratio, [0.1, 0.5, 0.9])
    assert far.sum() > 200 and 1.1 < factor < 1.6 and 1.0 < low < factor < high
    winding = StraightLine(detour=float(factor))
    pair = nodes.iloc[[0]], gpd.GeoSeries([shapely.Point(1.4442, 43.6047)], crs="EPSG:4326")
    straight, wound = StraightLine().nearest(*pair).cost[0], winding.nearest(*pair).cost[0]
    assert winding.unit == "m" and wound == pytest.approx(straight * factor)
    assert len(winding.costs(*pair, limit=wound).cost) == 1 and not len(
        winding.costs(*pair, limit=wound * 0.999).cost
    )
