"""Travel by road, compared with a Dijkstra that shares no code with it, and with times worked out
by hand.
"""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.referentials.roads.sources import make_network

GEOD = Geod(ellps="WGS84")
small = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def cross(lab: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A west-east road of 100 s, its drawn direction east; a one-way loop back; a pass; and an
    island.
    """
    return lab.make_network(
        tmp_path_factory.mktemp("cross") / "cross.roads",
        [
            {"line": [(0, 0), (1, 0)], "name": "D1", "seconds": 100.0, "length_m": 1000.0},
            {
                "line": [(1, 0), (2, 0)],
                "name": "D2",
                "seconds": 50.0,
                "length_m": 400.0,
                "oneway": 1,
            },
            {
                "line": [(2, 0), (2, 1), (1, 1), (1, 0)],
                "name": "D3",
                "seconds": 300.0,
                "length_m": 3000.0,
                "oneway": 1,
            },
            {"line": [(0, 0), (0, 3)], "name": "D918", "seconds": 600.0, "length_m": 5000.0},
            {"line": [(9, 9), (9, 10)], "name": "C9", "seconds": 60.0, "length_m": 1000.0},
            {
                "line": [(0, -1), (2, -1)],
                "name": "A64",
                "class": "autoroute",
                "seconds": 40.0,
                "length_m": 1600.0,
            },
        ],
    )


def cost(router: RoadRouter, a: gpd.GeoSeries, b: gpd.GeoSeries) -> float:
    return float(router.nearest(a, b).cost[0])


def test_partial_edges_are_exact_at_both_ends(cross: Network, lab: SimpleNamespace) -> None:
    router = RoadRouter(cross)
    for a, b, seconds in [
        ((0.25, 0), (0.75, 0), 50.0),  # along one edge
        ((0.75, 0), (0.25, 0), 50.0),  # and back
        ((0.5, 0), (1.5, 0), 75.0),  # from the middle of one to the middle of the next
        ((1.25, 0), (1.75, 0), 25.0),  # along a one-way edge
        ((1.75, 0), (1.25, 0), 12.5 + 300.0 + 12.5),  # against it: all the way round
        ((0.5, 0), (0.5, 0), 0.0),  # here
        ((1, 0), (2, 0), 50.0),  # node to node
        ((2, 0), (1, 0), 300.0),  # node to node, the other way
    ]:
        assert cost(router, lab.points(a), lab.points(b)) == pytest.approx(seconds, abs=0.05), (
            a,
            b,
        )


def test_a_point_pays_its_walk_to_the_road_and_from_it(
    cross: Network, lab: SimpleNamespace
) -> None:
    walk = GEOD.inv(*lab.at(0.5, 0.1), *lab.at(0.5, 0))[2]
    router = RoadRouter(cross, access_kmh=3.6)
    assert cost(router, lab.points((0.5, 0.1)), lab.points((0.75, 0))) == pytest.approx(
        walk + 25.0, abs=0.05
    )
    assert cost(router, lab.points((0.75, 0)), lab.points((0.5, 0.1))) == pytest.approx(
        walk + 25.0, abs=0.05
    )
    there_and_back = cost(router, lab.points((0.5, 0.1)), lab.points((0.5, 0.1)))
    assert there_and_back == pytest.approx(2 * walk, abs=0.05), (
        "the road lies between them, even in front of the door"
    )


def test_congestion_slows_the_car_and_not_the_walk(cross: Network, lab: SimpleNamespace) -> None:
    a, b = lab.points((0.5, 0.1)), lab.points((0.75, 0))
    once, twice = cost(RoadRouter(cross), a, b), cost(RoadRouter(cross, congestion=2.0), a, b)
    assert twice - once == pytest.approx(25.0, abs=0.05)


def test_metres_and_modes(cross: Network, lab: SimpleNamespace) -> None:
    a, b = lab.points((0, 0)), lab.points((2, 0))
    assert cost(RoadRouter(cross, metric="length"), a, b) == 1400.0
    assert RoadRouter(cross, metric="length").unit == "m" and RoadRouter(cross).unit == "s"
    assert cost(RoadRouter(cross, mode="foot"), a, b) == pytest.approx(1400 / 5 * 3.6)
    assert cost(RoadRouter(cross, mode="foot"), b, a) == pytest.approx(1400 / 5 * 3.6), (
        "people on foot ignore one-way"
    )
    assert cost(RoadRouter(cross, mode="bicycle"), b, a) == pytest.approx(4000 / 15 * 3.6)
    with pytest.raises(RoutingError, match="essayez : car, bicycle, foot"):
        RoadRouter(cross, mode="mule")


def test_every_missing_cost_has_its_reason(cross: Network, lab: SimpleNamespace) -> None:
    origins = lab.points((0.5, 0), None, (5, 5), (9, 9.5), (0, 3))
    found = RoadRouter(cross).nearest(origins, lab.points((0.25, 0)), limit=400.0)
    assert found.reason is not None
    assert found.reason.tolist() == ["", "not_located", "not_snapped", "no_path", "beyond_limit"]
    assert found.destination.tolist() == [0, -1, -1, -1, -1]
    assert np.isnan(found.cost[1:]).all() and found.cost[0] == pytest.approx(25.0, abs=0.05)
    nowhere = RoadRouter(cross).nearest(origins, lab.points(None, (5, 5)))
    assert nowhere.reason is not None and nowhere.reason.tolist()[0] == "no_service"
    closed = RoadRouter(cross, closed=cross.edges_named("d 918")).nearest(
        origins, lab.points((0.25, 0))
    )
    assert closed.reason is not None
    assert closed.reason.tolist() == ["", "not_located", "not_snapped", "no_path", "closed"]


def test_a_threshold_is_met_exactly_at_it(cross: Network, lab: SimpleNamespace) -> None:
    a, b = lab.points((0, 0)), lab.points((1, 0))
    assert RoadRouter(cross).nearest(a, b, limit=100.0).cost[0] == 100.0
    assert RoadRouter(cross).costs(a, b, limit=100.0).cost.tolist() == [100.0]
    assert not len(RoadRouter(cross).costs(a, b, limit=np.nextafter(100.0, 0)).cost)


def test_people_on_islands_and_far_from_roads_are_said(
    cross: Network, lab: SimpleNamespace
) -> None:
    router, people = RoadRouter(cross), lab.points((0.5, 0), (9, 9.5), (5, 5))
    assert router.on_island(people).tolist() == [False, True, False]
    assert router.snap(people).reason.tolist() == ["", "", "not_snapped"]
    assert cost(router, lab.points((9, 9.25)), lab.points((9, 9.75))) == pytest.approx(
        30.0, abs=0.05
    )


def test_nobody_enters_a_motorway_from_a_field(cross: Network, lab: SimpleNamespace) -> None:
    snapped = RoadRouter(cross, max_access_m=3000).snap(lab.points((0.5, -0.9)))
    assert cross.names[cross.arrays["edge_name"][snapped.edge[0]]] == "D1"


def test_the_path_is_the_cost(cross: Network, lab: SimpleNamespace) -> None:
    path = RoadRouter(cross).path(shapely.Point(lab.at(1.75, 0)), shapely.Point(lab.at(0.5, 0)))
    assert path is not None
    assert path.cost == pytest.approx(12.5 + 300 + 50, abs=0.05) and path.roads == (
        "D2",
        "D3",
        "D1",
    )
    assert path.length_m == pytest.approx(100 + 3000 + 500, abs=1)
    along = [
        tuple(np.round((np.array(vertex) - lab.at(0, 0)) / lab.STEP, 2))
        for vertex in path.geometry.coords
    ]
    assert along[0] == (1.75, 0) and along[-1] == (0.5, 0) and (2, 1) in along and (1, 1) in along
    assert RoadRouter(cross).path(shapely.Point(lab.at(9, 9)), shapely.Point(lab.at(0, 0))) is None
    same = RoadRouter(cross).path(shapely.Point(lab.at(0.25, 0)), shapely.Point(lab.at(0.75, 0)))
    assert same is not None and same.roads == ("D1",) and same.length_m == pytest.approx(500, abs=1)


# --- random small networks
# -------------------------------------------------------------------------------------------

place = st.tuples(st.integers(0, 3), st.integers(0, 3))
road = st.tuples(place, place, st.integers(1, 400), st.sampled_from([-1, 0, 0, 1])).filter(
    lambda r: r[0] != r[1]
)
roads = st.lists(road, min_size=1, max_size=14)
spot = st.tuples(st.floats(0, 3, allow_subnormal=False), st.floats(0, 3, allow_subnormal=False))
spots = st.lists(spot, min_size=1, max_size=6)


def drawn(lab: SimpleNamespace, folder: Path, rows: list) -> Network:
    table = [{"line": [a, b], "seconds": float(s), "oneway": w} for a, b, s, w in rows]
    return lab.make_network(folder / "drawn.roads", table)


def every_pair(router: RoadRouter, a: gpd.GeoSeries, b: gpd.GeoSeries) -> np.ndarray:
    """Costs worked out arc by arc: each pair gets a graph of its own in which the edges are cut at
    the two points.
    """
    net, table = router.network, np.full((len(a), len(b)), np.inf)
    arrays, (ahead, back) = net.arrays, net.allowed(router.mode, closed=router.closed)
    seconds = net.costs(router.mode, router.metric)
    here, there = router.snap(a), router.snap(b)
    for i in range(len(a)):
        for j in range(len(b)):
            if here.edge[i] < 0 or there.edge[j] < 0:
                continue
            arcs: list = []
            for e in range(net.edges):
                cuts = [(0.0, int(arrays["edge_from"][e])), (1.0, int(arrays["edge_to"][e]))]
                cuts += [(here.fraction[i], "here")] if here.edge[i] == e else []
                cuts += [(there.fraction[j], "there")] if there.edge[j] == e else []
                cuts.sort(key=lambda cut: cut[0])
                for (f, u), (g, v) in pairwise(cuts):
                    step = (g - f) * seconds[e]
                    arcs += [(u, v, step)] * bool(ahead[e] or f == g) + [(v, u, step)] * bool(
                        back[e] or f == g
                    )
            found = shortest(arcs).get("here", np.inf)
            table[i, j] = found + (here.access_m[i] + there.access_m[j]) * 3.6 / 4.0
    return table


def shortest(arcs: list) -> dict:
    import heapq

    into: dict = {}
    for tail, head, more in arcs:
        into.setdefault(head, []).append((tail, more))
    done: dict = {}
    heap: list = [(0.0, 0, "there")]
    count = 0
    while heap:
        so_far, _, node = heapq.heappop(heap)
        if node in done:
            continue
        done[node] = so_far
        for tail, more in into.get(node, ()):
            count += 1
            heapq.heappush(heap, (so_far + more, count, tail))
    return done


@small
@given(roads, spots, spots, st.floats(1, 2000))
def test_nearest_and_pairs_are_those_of_a_naive_twin(
    lab: SimpleNamespace, tmp_path: Path, rows: list, a: list, b: list, limit: float
) -> None:
    router = RoadRouter(drawn(lab, tmp_path, rows), max_access_m=900)
    start, end = lab.points(*a), lab.points(*b)
    table = every_pair(router, start, end)
    best, found = table.min(axis=1), router.nearest(start, end)
    assert np.allclose(np.nan_to_num(found.cost, nan=np.inf), best, rtol=0, atol=1e-6)
    for i, j in enumerate(found.destination):
        assert (j == -1) == np.isinf(best[i]) and (j == -1 or table[i, j] - best[i] < 1e-6)
    pairs = router.costs(start, end, limit=limit)
    assert pairs.shape == (len(a), len(b)) and (pairs.cost <= limit).all()
    assert np.allclose(table[pairs.origin, pairs.destination], pairs.cost, rtol=0, atol=1e-6)
    assert abs(len(pairs.cost) - (table <= limit).sum()) <= (abs(table - limit) < 1e-6).sum()


def test_the_metres_are_those_of_the_fastest_way(regional: Network) -> None:
    """Against the path of each pair, drawn edge by edge; and never shorter than the shortest
    way.
    """
    router = RoadRouter(regional, access_kmh=20.0, max_access_m=5_000.0)
    rng = np.random.default_rng(2)
    spots = [
        gpd.GeoSeries.from_xy(rng.uniform(0.2, 2.2, n), rng.uniform(43.0, 44.7, n), crs=4326)
        for n in (60, 5)
    ]
    metres, nearest = router.metres(*spots), router.nearest(*spots)
    assert (np.isnan(metres) == np.isnan(nearest.cost)).all() and np.isfinite(metres).sum() > 50
    walks = [router.snap(points).access_m for points in spots]
    for i in np.flatnonzero(np.isfinite(metres)):
        path = router.path(spots[0][i], spots[1][nearest.destination[i]])
        assert path is not None
        assert (
            abs(path.length_m + walks[0][i] + walks[1][nearest.destination[i]] - metres[i]) < 1e-3
        )
    shortest = RoadRouter(regional, metric="length", max_access_m=5_000.0)
    assert (shortest.metres(*spots) <= metres + 1e-6)[np.isfinite(metres)].all()
    nothing = gpd.GeoSeries([], crs=4326)
    assert np.isnan(router.metres(spots[0], nothing)).all() and not len(
        router.metres(nothing, spots[1])
    )


@small
@given(roads, spots, spots)
def test_invariants(lab: SimpleNamespace, tmp_path: Path, rows: list, a: list, b: list) -> None:
    net = drawn(lab, tmp_path, rows)
    start, end = lab.points(*a), lab.points(*b)
    router = RoadRouter(net)
    whole = router.nearest(start, end)
    some = router.nearest(start, end.iloc[: max(1, len(b) // 2)])
    known = ~np.isnan(some.cost)
    assert (whole.cost[known] <= some.cost[known]).all(), "more services never lengthen a time"
    shut = RoadRouter(net, closed=(0,))
    without = shut.nearest(start, end)
    held = ~np.isnan(without.cost)
    assert (whole.cost[held] <= without.cost[held]).all(), "closing a road never shortens a time"
    again = RoadRouter(net, closed=()).nearest(start, end)
    assert (
        again.cost.tobytes() == whole.cost.tobytes()
        and again.destination.tolist() == whole.destination.tolist()
    )
    order = np.random.default_rng(len(rows)).permutation(len(b))
    turned = router.nearest(start, end.iloc[order])
    assert turned.cost.tobytes() == whole.cost.tobytes(), (
        "the order of the services changes no byte of a cost"
    )
    back = np.random.default_rng(len(rows)).permutation(len(rows))
    other = drawn(lab, tmp_path / "..", [rows[i] for i in back])
    for column in net.arrays:
        assert other.arrays[column].tobytes() == net.arrays[column].tobytes(), column


def test_ties_go_to_the_first(lab: SimpleNamespace, tmp_path: Path) -> None:
    net = lab.make_network(
        tmp_path / "ties.roads",
        [{"line": [(x, 0), (x + 1, 0)], "seconds": 60.0} for x in range(8)],
    )
    services = lab.points((8, 0), (0, 0), (0, 0), (8, 0))
    found = RoadRouter(net).nearest(
        gpd.GeoSeries(sorted(net.node_points(), key=lambda p: p.x), crs="EPSG:4326"), services
    )
    assert found.destination.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0], (
        "in the middle, 4 roads from both, the first wins"
    )
    pairs = RoadRouter(net).costs(lab.points((4, 0)), services, limit=np.inf)
    assert pairs.destination.tolist() == [0, 1, 2, 3] and len(set(pairs.cost)) == 1


# --- real networks
# ---------------------------------------------------------------------------------------------------


def test_every_node_of_the_region_is_an_independent_dijkstra(
    made_or_real: str, ground: Path, regional: Network, lab: SimpleNamespace
) -> None:
    """The twin reads the CSV itself: edges as they stand, D roads at 60 km/h, and so on, both
    ways.
    """
    kmh = {"autoroute": 110.0, "nationale": 70.0, "departementale": 60.0, "metropolitaine": 60.0}
    arcs = []
    for part in ("midi-pyrenees", "voisins-11-47-48-15"):
        table = pd.read_csv(ground / "network" / "travelmapping" / f"{part}-edges.csv.gz", sep=";")
        lines = shapely.from_wkt(table["geom_wkt"])
        for line, length, kind in zip(lines, table["length_m"], table["classe"], strict=True):
            a, b = lab.stored(*line.coords[0]), lab.stored(*line.coords[-1])
            arcs += [(a, b, length * 3.6 / kmh[kind]), (b, a, length * 3.6 / kmh[kind])]
    counts = regional.nodes, regional.manifest["counts"]["nodes_in_largest_component"]
    islands = 57 if made_or_real == "real" else 4
    assert counts == (len({a for a, _, _ in arcs}), regional.nodes - islands)
    assert made_or_real == "made" or regional.nodes == 16_788
    _agrees(RoadRouter(regional), arcs, lab)


def test_every_node_of_toulouse_is_an_independent_dijkstra(
    made_or_real: str, ground: Path, lab: SimpleNamespace, tmp_path: Path
) -> None:
    folder = ground / "network" / "insa"
    mapping = {
        "from": "from",
        "to": "to",
        "name": "name",
        "length_m": "length_m",
        "speed_kmh": "vmax_kmh",
        "oneway": "oneway",
    }
    make_network(
        [folder / "toulouse-arcs.csv.gz"],
        tmp_path / "toulouse.roads",
        mapping=mapping,
        nodes=folder / "toulouse-nodes.csv.gz",
    )
    net = Network.open(tmp_path / "toulouse.roads")
    nodes = pd.read_csv(folder / "toulouse-nodes.csv.gz", sep=";")
    key = {n: lab.stored(x, y) for n, x, y in nodes.itertuples(index=False)}
    table = pd.read_csv(folder / "toulouse-arcs.csv.gz", sep=";")
    arcs = []
    for row in table.itertuples(index=False):
        a, b, cost = key[row[0]], key[row[1]], row.length_m * 3.6 / row.vmax_kmh
        arcs += [(a, b, cost)] if row.oneway else [(a, b, cost), (b, a, cost)]
    assert net.nodes == len(nodes) and (made_or_real == "made" or net.nodes == 39_858)
    _agrees(RoadRouter(net), arcs, lab)


def test_every_node_of_andorra_is_an_independent_dijkstra(
    made_or_real: str, ground: Path, lab: SimpleNamespace, tmp_path: Path
) -> None:
    """Streets of OpenStreetMap with their one-ways (how they are read is tested in
    ``referentials``): same search.
    """
    make_network(
        [ground / "network" / "osm" / "andorra-2025-01-19.osm.pbf"], tmp_path / "andorra.roads"
    )
    net = Network.open(tmp_path / "andorra.roads")
    router = RoadRouter(net)
    held = np.zeros(net.edges, dtype=bool) if router._halls is None else router._halls.held
    through = ~held if router._halls is None else ~held | router._halls.shared
    arcs: list = []
    private: list = []
    rows = zip(
        *net.ends,
        net.costs("car", "time"),
        *net.allowed("car"),
        held,
        through,
        net.turns,
        strict=True,
    )
    # a turn is of the roads it joins: of private ones too
    both = np.logical_or(*net.allowed("car"))
    touched = set(np.concatenate([nodes[held & both] for nodes in net.ends]).tolist())
    for a, b, back_a, back_b, cost, ahead, back, at_ends, public, turn in rows:
        for u, v in [(a, b)] * bool(ahead) + [(back_a, back_b)] * bool(back):
            within = at_ends or (turn and {int(u), int(v)} <= touched)
            private += [(u, v, float(cost))] * bool(within)
            arcs += [(u, v, float(cost))] * bool(public)
    # the parts of a split junction stand at one place: nodes are told apart by number, and no
    # service stands there
    at = np.stack([net.arrays["node_lon"], net.arrays["node_lat"]])
    _, where, many = np.unique(at, axis=1, return_inverse=True, return_counts=True)
    split = many[where] > 1
    assert split.any()  # both have streets that cross
    assert held.any() == (made_or_real == "real")
    place = {n: n for n in range(net.nodes)}
    _agrees(router, arcs, lab, place, set(np.flatnonzero(split)), private)


def _agrees(
    router: RoadRouter,
    arcs: list,
    lab: SimpleNamespace,
    position: dict | None = None,
    barred: set = frozenset(),
    private: list = [],  # noqa: B006
) -> None:
    """Compare every node of the network with the twin's, services standing on 25 nodes."""
    position = position or lab.position_of_nodes(router.network)
    chosen = sorted(position)[:: len(position) // 25]
    chosen = [node for node in chosen if position[node] in set(_enterable(router)) - barred]
    services = router.network.node_points().iloc[[position[node] for node in chosen]]
    found, _ = router.node_costs(services)
    behind = set()
    if router._halls:
        edge = router.snap(services).edge
        behind = {node for node, e in zip(chosen, edge, strict=True) if router._halls.held[e]}
    expected = lab.in_stages(arcs, private, set(chosen) - behind, behind)
    for node, number in position.items():
        if node in expected:
            assert abs(found[number] - expected[node]) < 1e-6
        else:
            assert np.isnan(found[number]), "a number on a node that cannot get there"
    assert 0 < len(expected) < len(position), "these networks have islands"


def _enterable(router: RoadRouter) -> list[int]:
    """Nodes where a point snaps exactly."""
    snapped = router.snap(router.network.node_points())
    return np.flatnonzero((snapped.edge >= 0) & (snapped.access_m < 1e-6)).tolist()


def test_the_osm_sample_is_exact(made_or_real: str, ground: Path, lab: SimpleNamespace) -> None:
    """Expected distances of benchmarks/network_osm_sample (pandana's own sample, recomputed
    exactly).
    """
    from geoguichet.coverage.routers.network import Doors, Graph, nearest_place

    folder = ground / "benchmarks" / "network_osm_sample"
    nodes, edges = pd.read_csv(folder / "nodes.csv"), pd.read_csv(folder / "edges.csv")
    number = pd.Series(np.arange(len(nodes)), index=nodes["id"])
    tail = number[[*edges["from"], *edges["to"]]].to_numpy()
    head = number[[*edges["to"], *edges["from"]]].to_numpy()
    order = np.argsort(tail, kind="stable")
    start = np.append(0, np.cumsum(np.bincount(tail, minlength=len(nodes)))).astype(np.int32)
    graph = Graph(
        start, head[order].astype(np.int32), np.tile(edges["weight"].to_numpy(float), 2)[order]
    )
    sources = number[pd.read_csv(folder / "sources.csv")["source_id"]].to_numpy(np.int32)
    doors = Doors(np.column_stack([sources, sources]), np.tile([0.0, np.inf], (len(sources), 1)))
    found, place = nearest_place(graph, doors)
    expected = (
        pd.read_csv(folder / "expected_nearest.csv").set_index("id")["dist"].reindex(nodes["id"])
    )
    reachable = np.isfinite(expected.to_numpy(float))
    assert (~reachable).sum() == (1019 if made_or_real == "real" else 30)
    assert (found[reachable] == expected.to_numpy(float)[reachable]).all()
    assert np.isinf(found[~reachable]).all() and (place[~reachable] == -1).all()


def test_a_pass_closed_in_winter_lengthens_and_opens_again(regional: Network) -> None:
    """The Tourmalet (D918) between Barèges and La Mongie: 20 minutes in summer, round the mountains
    in winter.
    """
    bareges, mongie = shapely.Point(0.0642, 42.8966), shapely.Point(0.1795, 42.9110)
    summer = RoadRouter(regional, max_access_m=3000).path(bareges, mongie)
    summit = regional.edges_near(0.145, 42.908, within_m=1500)
    winter = RoadRouter(regional, max_access_m=3000, closed=summit).path(bareges, mongie)
    assert summer is not None and winter is not None
    assert any("D918" in road for road in summer.roads) and winter.cost > 3 * summer.cost
    again = RoadRouter(regional, max_access_m=3000, closed=()).path(bareges, mongie)
    assert again == summer
