"""Where points enter a network: the nearest piece that they can leave and be reached by."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from pyproj import Geod

from geoguichet.coverage.routers.impedance import REASONS
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


@pytest.mark.parametrize("closed", [(), (0,)], ids=["", "a road is closed elsewhere"])
def test_a_point_cut_off_in_the_data_is_told_from_one_without_a_way(
    lab: SimpleNamespace, tmp_path: Path, closed: tuple
) -> None:
    """An aisle that nothing in reach joins is cut off; an island of its own roads has no way; a
    one-way that leads out has one.
    """
    island = {"line": [(0, 9), (1, 9)], "length_m": 900.0}
    aisle = {"line": [(5, 0), (5.1, 0)], "length_m": 80.0}
    way_out = {"line": [(5, 3), (2, 3)], "oneway": 1, "seconds": 60.0, "length_m": 2400.0}
    street = {"line": [(0, 3), (2, 3)], "seconds": 200.0, "length_m": 2000.0}
    other = {"line": [(-9, -9), (-8, -9)], "length_m": 10.0}
    net = lab.make_network(tmp_path / "n.roads", [other, island, aisle, way_out, street])
    edge = [int(np.argmin(abs(net.arrays["edge_length_m"] - 10)))] if closed else []
    router = RoadRouter(net, closed=edge)
    where = (5, 0), (0.5, 9), (4, 3), (0, 3), None
    reasons = router.nearest(lab.points(*where), lab.points((1, 3))).reason.tolist()
    assert reasons == ["cut_off", "no_path", "", "", "not_located"]
    assert set(reasons) < set(REASONS)
    cut = router.nearest(lab.points((1, 3)), lab.points((5, 0), None)).reason.tolist()
    assert cut == ["cut_off"], "all that there is to go to is cut off"
    some = router.nearest(lab.points((1, 3)), lab.points((5, 0), (0.5, 9))).reason.tolist()
    assert some == ["no_path"]


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


#: A street in two halves that only a private lane joins, and a detour that is slower.
GATED = [
    {"line": [(0, 0), (1, 0)], "name": "west", "seconds": 100.0},
    {"line": [(1, 0), (2, 0)], "name": "lane", "seconds": 10.0, "access": "private"},
    {"line": [(2, 0), (3, 0)], "name": "east", "seconds": 100.0},
    {"line": [(1, 0), (1, 1), (2, 1), (2, 0)], "name": "detour", "seconds": 500.0},
]


@pytest.mark.parametrize(
    "word", ["private", "destination", "customers", "riverains", "Restreint aux ayants droit"]
)
def test_a_private_way_is_for_the_two_ends_of_a_journey(
    lab: SimpleNamespace, tmp_path: Path, word: str
) -> None:
    roads = [road | {"access": word} if "access" in road else road for road in GATED]
    router = RoadRouter(lab.make_network(tmp_path / "n.roads", roads))
    middle, west, east = lab.points((1.5, 0)), lab.points((0, 0)), lab.points((3, 0))
    for a, b, seconds in [
        (west, east, 700.0),  # round, not through
        (west, middle, 105.0),  # in
        (middle, east, 105.0),  # out
        (middle, west, 105.0),
        (lab.points((1.25, 0)), lab.points((1.75, 0)), 5.0),  # inside
        (
            lab.points((1, 0)),
            lab.points((2, 0)),
            500.0,
        ),  # from its one door, in the street, to its other
    ]:
        found = router.nearest(a, b)
        assert found.cost[0] == pytest.approx(seconds, abs=0.05)
        assert router.costs(a, b, limit=1e6).cost[0] == found.cost[0]
    assert router.path(west.iloc[0], east.iloc[0]).roads == ("west", "detour", "east")
    assert router.path(west.iloc[0], middle.iloc[0]).roads == ("west", "lane")
    walker = RoadRouter(router.network, mode="foot")
    assert "lane" in walker.path(west.iloc[0], east.iloc[0]).roads


@pytest.mark.parametrize(
    ("said", "through"), [({}, False), ({"access": "yes"}, True), ({"access": "private"}, False)]
)
def test_a_track_of_which_nothing_is_said_is_no_through_road(
    lab: SimpleNamespace, tmp_path: Path, said: dict, through: bool
) -> None:
    roads = [GATED[0], {**GATED[1], "access": None, "class": "track", **said}, *GATED[2:]]
    router = RoadRouter(lab.make_network(tmp_path / "n.roads", roads))
    cost = router.nearest(lab.points((0, 0)), lab.points((3, 0))).cost[0]
    assert cost == pytest.approx(210.0 if through else 700.0)
    assert router.nearest(lab.points((0, 0)), lab.points((1.5, 0))).cost[0] < 110


def test_a_street_that_private_ways_alone_lead_to_is_as_private_as_they_are(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    """A closed estate: its streets are public in the source, and nobody drives through."""
    far = {"line": [(0, 0), (0, -5), (-5, -5)], "length_m": 40_000.0, "seconds": 2000.0}
    estate = [
        {"line": [(1, 0), (1.3, 0)], "seconds": 10.0, "access": "private"},
        {"line": [(1.3, 0), (1.7, 0)], "seconds": 10.0, "length_m": 100.0},
        {"line": [(1.7, 0), (2, 0)], "seconds": 10.0, "access": "private"},
    ]
    roads = [GATED[0], *estate, *GATED[2:], far]
    router = RoadRouter(lab.make_network(tmp_path / "n.roads", roads))
    inside, west, east = lab.points((1.5, 0)), lab.points((0, 0)), lab.points((3, 0))
    assert not router.snap(inside).moved.any()
    for a, b, seconds in ((west, inside, 115), (inside, east, 115), (west, east, 700)):
        assert router.nearest(a, b).cost[0] == pytest.approx(seconds, abs=0.05)


def test_a_public_one_way_whose_way_back_is_private_is_driven_through(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    """Between two large pieces, or into a closed estate and out of it; who stands on it may also leave,
    and be reached, by the private way.
    """
    west = {"line": [(0, 0), (1, 0)], "seconds": 100.0, "length_m": 60_000.0}
    east = {"line": [(2, 0), (3, 0)], "seconds": 100.0, "length_m": 60_000.0}
    there = {"line": [(1, 0), (1.5, 0), (2, 0)], "seconds": 20.0, "oneway": 1}
    back = {"line": [(2, 0), (2, -1), (1, -1), (1, 0)], "seconds": 60.0, "access": "private"}
    router = RoadRouter(lab.make_network(tmp_path / "n.roads", [west, east, there, back]))
    a, on, b = lab.points((0, 0)), lab.points((1.5, 0)), lab.points((3, 0))
    for start, end, seconds in (
        (a, b, 220),
        (a, on, 110),
        (on, b, 110),
        (on, a, 170),
        (b, on, 170),
    ):
        assert router.nearest(start, end).cost[0] == pytest.approx(seconds, abs=0.05)
        assert router.costs(start, end, limit=1e6).cost[0] == pytest.approx(seconds, abs=0.05)
    assert router.path(a.iloc[0], b.iloc[0]) is not None
    assert router.nearest(b, a).reason[0] == "private_way", "not crossed, and said"


def test_pieces_that_a_private_way_alone_joins_are_told(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    """Two pieces that each lead somewhere stay apart, and the reason names what stands between."""
    west = {"line": [(0, 0), (1, 0)], "length_m": 60_000.0}
    east = {"line": [(2, 0), (3, 0)], "length_m": 60_000.0}
    lane = {"line": [(1, 0), (2, 0)], "class": "track"}
    far = {"line": [(0, 9), (1, 9)], "length_m": 60_000.0}
    router = RoadRouter(lab.make_network(tmp_path / "n.roads", [west, east, lane, far]))
    reasons = router.nearest(lab.points((3, 0), (1, 9), (1.5, 0)), lab.points((0, 0))).reason
    assert reasons.tolist() == ["private_way", "no_path", ""]
    assert "private_way" in REASONS


def test_no_private_way_is_crossed_whatever_the_network(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    """Against a twin that searches the held ways, the free ones and the held ones, one after the
    other, every road cut at the two points.
    """
    rng, shut = np.random.default_rng(7), 0
    for _ in range(30):
        ends = rng.integers(0, 4, (14, 4)).tolist()
        rows = [
            {
                "line": [(a, b), (c, d)],
                "seconds": float(rng.integers(1, 50)),
                "oneway": int(rng.integers(-1, 2)),
                "access": str(rng.choice(["yes", "private", "destination"], p=[0.5, 0.3, 0.2])),
            }
            for a, b, c, d in ends
            if (a, b) != (c, d)
        ]
        net: Network = lab.make_network(tmp_path / "r.roads", rows)
        router = RoadRouter(net, max_access_m=2_000)
        none = np.zeros(net.edges, dtype=bool)
        held = router._halls.held if router._halls else none
        through = ~held | router._halls.shared if router._halls else ~none
        points = lab.points(*[tuple(at) for at in rng.uniform(0, 3, (5, 2))], (1, 1), (2, 2))
        snapped, arrays = router.snap(points), net.arrays
        found = router.costs(points, points, limit=1e9)
        table = np.full((len(points),) * 2, np.inf)
        table[found.origin, found.destination] = found.cost
        for i, j in np.ndindex(*table.shape):
            free: list = []
            private: list = []
            for e in range(net.edges):
                cuts = [(0.0, int(arrays["edge_from"][e])), (1.0, int(arrays["edge_to"][e]))]
                cuts += [(snapped.fraction[i], "here")] * int(snapped.edge[i] == e)
                cuts += [(snapped.fraction[j], "there")] * int(snapped.edge[j] == e)
                cuts.sort(key=lambda cut: cut[0])
                ahead, back = (bool(way[e]) for way in router._open)
                for (f, u), (g, v) in pairwise(cuts):
                    step = (g - f) * float(arrays["edge_car_s"][e])
                    arcs = [(u, v, step)] * bool(ahead or f == g)
                    arcs += [(v, u, step)] * bool(back or f == g)
                    private.extend(arcs * bool(held[e]))
                    free.extend(arcs * bool(through[e]))
            where = (["there"], []) if not held[snapped.edge[j]] else ([], ["there"])
            walks = (snapped.access_m[i] + snapped.access_m[j]) * 0.9
            right = lab.in_stages(free, private, *where).get("here", np.inf) + walks
            assert table[i, j] == pytest.approx(right, abs=1e-6)
            across = lab.dijkstra(free + private, ["there"]).get("here", np.inf) + walks
            shut += across < right - 1e-6
    assert shut > 20, "pairs of which the way across is shorter, or the only one"


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
