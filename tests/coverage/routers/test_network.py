"""Where points enter a network: the nearest piece that they can leave and be reached by."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from pyproj import Geod

from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.referentials.roads.network_file import DEGREE, ROAD_CLASSES

STREET = {"line": [(0, 0), (1, 0), (2, 0)], "name": "D1", "seconds": 200.0}

#: Pieces beside the street, nearer than it to a point 0.1 north of its middle.
NOWHERE = {
    "an aisle": [{"line": [(0.9, 0.1), (1.1, 0.1)], "name": "aisle"}],
    "a one-way with no way out": [
        {"line": [(1, 0), (1, 0.1)], "name": "trap", "oneway": 1},
        {"line": [(1, 0.1), (1.1, 0.1)], "name": "trap", "oneway": 1},
    ],
    "a one-way with no way in": [{"line": [(1.1, 0.1), (1, 0.1), (1, 0)], "oneway": 1}],
    "two aisles": [
        {"line": [(0.9, 0.1), (1.0, 0.1)], "name": "aisle"},
        {"line": [(1.0, 0.11), (1.1, 0.11)], "name": "other"},
    ],
}


@pytest.mark.parametrize("beside", NOWHERE.values(), ids=NOWHERE)
def test_a_point_joins_the_nearest_road_that_leads_somewhere(
    lab: SimpleNamespace, tmp_path: Path, beside: list
) -> None:
    net = lab.make_network(tmp_path / "n.roads", [STREET, {"line": [(0, 0), (0, 3)]}, *beside])
    router, point, far = RoadRouter(net), lab.points((1.0, 0.1)), lab.points((2, 0))
    snapped = router.snap(point)
    assert net.names[net.arrays["edge_name"][snapped.edge[0]]] == "D1" and snapped.moved.all()
    walk = Geod(ellps="WGS84").inv(*lab.at(1.0, 0.1), *lab.at(1.0, 0))[2]
    for a, b in ((point, far), (far, point)):
        assert router.nearest(a, b).cost[0] == pytest.approx(100 + walk * 0.9, abs=0.1)
    told = {stray.rule: stray.which.tolist() for stray in router.strays(point)}
    assert told["road-leads-nowhere"] == [True] and told["road-island"] == [False]


def test_nobody_is_moved_beyond_the_distance_or_from_a_good_road(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    roads = [
        STREET,
        {"line": [(0, 0), (0, 3)]},
        {"line": [(0.9, 0.1), (1.1, 0.1)], "name": "aisle"},
    ]
    net = lab.make_network(tmp_path / "n.roads", roads)
    points = lab.points((1.0, 0.1), (1.0, 0.01), None)
    near = RoadRouter(net, max_access_m=100.0).snap(points)
    names = [net.names[net.arrays["edge_name"][edge]] for edge in near.edge[:2]]
    assert names == ["aisle", "D1"] and not near.moved.any()
    assert RoadRouter(net).snap(points).moved.tolist() == [True, False, False]


def test_an_island_of_its_own_roads_leads_somewhere(lab: SimpleNamespace, tmp_path: Path) -> None:
    island = {"line": [(0, 0.5), (1, 0.5)], "name": "island", "length_m": 900.0}
    net = lab.make_network(tmp_path / "n.roads", [STREET | {"length_m": 2000.0}, island])
    snapped = RoadRouter(net).snap(lab.points((0.5, 0.45)))
    assert net.names[net.arrays["edge_name"][snapped.edge[0]]] == "island"
    assert not snapped.moved.any(), "45 % of the street's length"


@pytest.mark.parametrize("mode", ["car", "bicycle", "foot"])
def test_each_mode_has_its_own_pieces(lab: SimpleNamespace, tmp_path: Path, mode: str) -> None:
    """A lane behind steps is a piece of its own for a car, not for a walker."""
    roads = [
        STREET,
        {"line": [(1, 0), (1, 0.1)], "class": "steps"},
        {"line": [(1, 0.1), (1.1, 0.1)], "name": "lane", "class": "service"},
    ]
    net = lab.make_network(tmp_path / "n.roads", roads)
    snapped = RoadRouter(net, mode=mode).snap(lab.points((1.05, 0.1)))
    name = net.names[net.arrays["edge_name"][snapped.edge[0]]]
    assert name == ("lane" if mode == "foot" else "D1")


def test_the_naive_choice_is_the_same(lab: SimpleNamespace, tmp_path: Path) -> None:
    """Against every edge measured one by one, on networks drawn at random."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        ends = rng.integers(0, 4, (12, 4)).tolist()
        rows = [
            {"line": [(a, b), (c, d)], "oneway": int(rng.integers(-1, 2))}
            for a, b, c, d in ends
            if (a, b) != (c, d)
        ]
        net: Network = lab.make_network(tmp_path / "r.roads", rows)
        router = RoadRouter(net, max_access_m=2_000)
        points = lab.points(*[tuple(at) for at in rng.uniform(0, 3, (8, 2))])
        snapped, good = router.snap(points), router._leading
        metres = points.to_crs(2154).to_numpy()[:, None]
        apart = shapely.distance(metres, net._lines[None, :])
        for i in range(len(points)):
            best = min(apart[i, good], default=np.inf)
            if best < 1_990:
                assert good[snapped.edge[i]]
                assert apart[i, snapped.edge[i]] == pytest.approx(best, abs=1e-6)
                assert snapped.moved[i] == (min(apart[i]) < best - 1e-6)


def test_nobody_boards_a_ferry_at_sea_and_its_time_is_everybodys(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    roads = [STREET, {"line": [(2, 0), (4, 0)], "class": "Bac", "seconds": 1200.0},
             {"line": [(4, 0), (5, 0)], "name": "D9", "seconds": 100.0}]  # fmt: skip
    net = lab.make_network(tmp_path / "n.roads", roads)
    assert (net.arrays["edge_class"] == ROAD_CLASSES.index("ferry")).sum() == 1
    for mode in ("car", "foot"):
        router = RoadRouter(net, mode=mode)
        assert router.nearest(lab.points((2, 0)), lab.points((4, 0))).cost[0] == 1200.0
    assert RoadRouter(net).snap(lab.points((3, 0.1))).reason.tolist() == [""]
    assert RoadRouter(net, max_access_m=700).snap(lab.points((3, 0))).reason[0] == "not_snapped"


@pytest.mark.parametrize(
    ("lon", "lat"),
    [(55.5, -21.1), (-61.5, 16.2), (-52.3, 4.9), (45.15, -12.8), (2.4, 48.8), (9.1, 42.2)],
    ids=["La Réunion", "Guadeloupe", "Guyane", "Mayotte", "Paris", "Corse"],
)
def test_the_metres_of_a_network_are_metres(lon: float, lat: float) -> None:
    at = np.array([[lon, lat], [lon + 0.01, lat + 0.01]])
    columns = (at * DEGREE).astype(np.int32).T
    net = Network(
        {
            "node_lon": columns[0],
            "node_lat": columns[1],
            "shape_lon": columns[0],
            "shape_lat": columns[1],
            "shape_start": np.array([0, 2]),
            "edge_from": np.array([0]),
        },
        ("",),
        {},
    )
    right = Geod(ellps="WGS84").inv(*at[0], *at[1])[2]
    assert net._lines[0].length == pytest.approx(right, rel=3e-3)
