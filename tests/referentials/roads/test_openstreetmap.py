"""Access, barriers, ferries and turn restrictions of OpenStreetMap."""

import gzip
from itertools import pairwise, product
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.floor.errors import LayerError
from geoguichet.referentials.roads.junctions import turn_seconds
from geoguichet.referentials.roads.network_file import FRANCE, ROAD_CLASSES, read_network
from geoguichet.referentials.roads.openstreetmap import _duration
from geoguichet.referentials.roads.sources import make_network
from geoguichet.referentials.roads.words import not_understood

WEST, MIDDLE, EAST, NORTH = (1.0, 44.0), (1.01, 44.0), (1.02, 44.0), (1.01, 44.01)

#: Seconds of a turn at a right angle: 7.5 / (1 + e^0.941), and 7.5 / (1 + e^-0.941) with the wait for
#: who comes, 2 / (1 + e^-3.25), in 64ths.
RIGHT, LEFT = 135 / 64, 468 / 64

CROSS = {1: WEST, 2: MIDDLE, 3: EAST, 4: NORTH}


def extract(
    path: Path,
    ways: dict[int, tuple[list[int], dict[str, str]]],
    *,
    nodes: dict[int, dict[str, str]] | None = None,
    relations: list[tuple[dict[str, str], list[tuple[str, str, int]]]] = [],  # noqa: B006
) -> Path:
    """Write an extract of the cross of four places."""

    def tagged(tags: dict[str, str]) -> str:
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())

    parts = [
        f'<node id="{n}" lon="{x}" lat="{y}">{tagged((nodes or {}).get(n, {}))}</node>'
        for n, (x, y) in CROSS.items()
    ]
    for number, (refs, tags) in ways.items():
        inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        parts.append(f'<way id="{number}">{inside}{tagged(tags)}</way>')
    for number, (tags, members) in enumerate(relations):
        inside = "".join(f'<member type="{t}" ref="{r}" role="{role}"/>' for role, t, r in members)
        parts.append(f'<relation id="{number + 1}">{inside}{tagged(tags)}</relation>')
    path.write_text(f'<osm version="0.6">{"".join(parts)}</osm>', encoding="utf-8")
    return path


def reached(path: Path, out: Path, mode: int = 0) -> dict[tuple, set]:
    """Which places are reached from which, driving (0), cycling (1) or walking (2)."""
    make_network([path], out)
    arrays = read_network(out)[0]
    place = list(zip(arrays["node_lon"].tolist(), arrays["node_lat"].tolist(), strict=True))
    after: dict[int, set[int]] = {}
    sides = ("edge_from", "edge_to", "edge_back_from", "edge_back_to", "edge_access")
    for a, b, back_a, back_b, bits in zip(*(arrays[side] for side in sides), strict=True):
        if bits >> mode & 1:
            after.setdefault(int(a), set()).add(int(b))
        if bits >> (mode + 3) & 1:
            after.setdefault(int(back_a), set()).add(int(back_b))
    found: dict[tuple, set] = {}
    for node in range(len(place)):
        seen, waiting = {node}, [node]
        while waiting:
            waiting += [
                n for n in after.get(waiting.pop(), ()) if n not in seen and not seen.add(n)
            ]
        found.setdefault(place[node], set()).update(place[n] for n in seen)
    name = {(round(x * 1e7), round(y * 1e7)): key for key, (x, y) in CROSS.items()}
    return {name[a]: {name[b] for b in to} for a, to in found.items()}


STREETS = {
    10: ([1, 2], {"highway": "tertiary"}),
    11: ([2, 3], {"highway": "tertiary"}),
    12: ([2, 4], {"highway": "tertiary"}),
}


@pytest.mark.parametrize(
    ("tags", "modes"),
    [
        ({"motor_vehicle": "agricultural;forestry"}, 0b110),
        ({"access": "forestry"}, 0b000),
        ({"access": "no", "motor_vehicle": "destination;delivery"}, 0b001),
        ({"vehicle": "private"}, 0b100),
        ({"motorcar": "permit;no", "bicycle": "no"}, 0b101),
        ({"motor_vehicle": "zzz"}, 0b111),
    ],
)
def test_lists_of_access_words(tmp_path: Path, tags: dict[str, str], modes: int) -> None:
    path = extract(tmp_path / "m.osm", {10: ([1, 2], {"highway": "service"} | tags)})
    manifest = make_network([path], tmp_path / "m.roads", max_unknown=1.0)
    assert read_network(tmp_path / "m.roads")[0]["edge_access"].tolist() == [modes | modes << 3]
    named = [unread["word"] for unread in manifest["unknown_words"]]
    assert named == ([] if "zzz" not in tags.values() else ["zzz"])


@pytest.mark.parametrize(
    ("tags", "cars", "feet"),
    [
        ({"barrier": "bollard"}, False, True),
        ({"barrier": "gate"}, True, True),
        ({"barrier": "gate", "access": "private"}, False, False),
        ({"barrier": "lift_gate", "motor_vehicle": "no"}, False, True),
        ({"barrier": "block", "motor_vehicle": "yes"}, True, True),
        ({"barrier": "toll_booth"}, True, True),
        ({"barrier": "chain", "foot": "no"}, False, False),
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["in a way", "between two"])
def test_a_barrier_stops_who_cannot_pass(
    tmp_path: Path, tags: dict[str, str], cars: bool, feet: bool, whole: bool
) -> None:
    ways = {10: ([1, 2, 3], {"highway": "tertiary"})} if whole else dict(list(STREETS.items())[:2])
    path = extract(tmp_path / "m.osm", ways, nodes={2: tags})
    assert (3 in reached(path, tmp_path / "m.roads")[1]) == cars
    assert (3 in reached(path, tmp_path / "m.roads", 2)[1]) == feet


@pytest.mark.parametrize(
    ("tags", "to", "may"),
    [
        ({"restriction": "no_left_turn"}, 12, {11}),
        ({"restriction": "only_straight_on"}, 11, {11}),
        ({"restriction": "only_left_turn"}, 12, {12}),
        ({"restriction": "no_left_turn", "except": "motorcar;bicycle"}, 12, {11, 12}),
        ({"restriction:hgv": "no_left_turn"}, 12, {11, 12}),
        ({"restriction": "no_u_turn"}, 10, {11, 12}),
    ],
)
def test_a_turn_restriction_binds_wheels_at_its_junction(
    tmp_path: Path, tags: dict[str, str], to: int, may: set[int]
) -> None:
    members = [("from", "way", 10), ("via", "node", 2), ("to", "way", to)]
    path = extract(tmp_path / "m.osm", STREETS, relations=[(tags, members)])
    make_network([path], tmp_path / "m.roads")
    turns = turned(tmp_path / "m.roads")
    assert {go for come, go in turns if come == 10} == may
    assert turns >= {(11, 10), (11, 12), (12, 10), (12, 11)}, "who comes by another road is free"
    assert reached(path, tmp_path / "m.roads", 2)[1] == {1, 2, 3, 4}, "walkers are"


@pytest.mark.parametrize(
    ("tags", "let_in", "ends"),
    [
        ({"highway": "service", "access": "private"}, 0b000000, 0b111111),
        ({"highway": "service", "access": "private", "foot": "yes"}, 0b100100, 0b011011),
        ({"highway": "residential", "motor_vehicle": "destination"}, 0b111111, 0b001001),
        ({"highway": "service", "vehicle": "private;no", "oneway": "yes"}, 0b100100, 0b000011),
        ({"highway": "pedestrian", "motor_vehicle": "delivery"}, 0b111111, 0b001001),
        ({"highway": "footway", "motor_vehicle": "private"}, 0b100100, 0),
        ({"highway": "track"}, 0b111111, 0b001001),
        ({"highway": "track", "motor_vehicle": "yes"}, 0b111111, 0),
        ({"highway": "track", "motor_vehicle": "agricultural"}, 0b110110, 0),
        ({"highway": "track", "access": "yes;private"}, 0b111111, 0),
        ({"highway": "service", "access": "no"}, 0, 0),
        ({"highway": "footway", "motor_vehicle": "yes", "oneway": "yes"}, 0b100101, 0),
        ({"highway": "service", "motor_vehicle": "yes", "oneway": "reversible"}, 0b100100, 0),
    ],
)
def test_private_ways_and_tracks_are_for_the_ends_of_a_journey(
    tmp_path: Path, tags: dict[str, str], let_in: int, ends: int
) -> None:
    manifest = make_network(
        [extract(tmp_path / "m.osm", {10: ([1, 2], tags)})], tmp_path / "m.roads"
    )
    arrays = read_network(tmp_path / "m.roads")[0]
    assert (arrays["edge_access"].tolist(), arrays["edge_ends"].tolist()) == ([let_in], [ends])
    assert manifest["only_at_ends"] == bool(ends & 0b001001)


@pytest.mark.parametrize(
    ("tags", "let_in", "ends"),
    [
        ({"barrier": "gate", "access": "private"}, 0, 0b111111),
        ({"barrier": "lift_gate", "motor_vehicle": "destination"}, 0b111111, 0b001001),
        ({"barrier": "bollard", "motor_vehicle": "private", "foot": "no"}, 0b010010, 0b001001),
    ],
)
def test_a_private_gate_is_passed_at_the_ends_of_a_journey(
    tmp_path: Path, tags: dict[str, str], let_in: int, ends: int
) -> None:
    path = extract(tmp_path / "m.osm", dict(list(STREETS.items())[:2]), nodes={2: tags})
    assert make_network([path], tmp_path / "m.roads")["only_at_ends"] == 0, "a gate is no road"
    arrays = read_network(tmp_path / "m.roads")[0]
    gate = arrays["edge_length_m"] < 1e-6
    assert arrays["edge_access"][gate].tolist() == ([let_in])
    assert arrays["edge_ends"][gate].tolist() == [ends] and not arrays["edge_ends"][~gate].any()


def test_a_lane_without_a_limit_is_driven_no_faster_than_a_service_road(tmp_path: Path) -> None:
    for tags, kmh in (({}, 15.0), ({"maxspeed": "30"}, 27.0)):
        way = {"highway": "tertiary", "access": "private"} | tags
        make_network([extract(tmp_path / "m.osm", {10: ([1, 2], way)})], tmp_path / "m.roads")
        arrays = read_network(tmp_path / "m.roads")[0]
        assert arrays["edge_length_m"] / arrays["edge_car_s"] * 3.6 == pytest.approx(kmh)


@pytest.mark.parametrize(
    ("tags", "may"),
    [({"restriction": "no_u_turn"}, {11, 12}), ({"restriction": "no_left_turn"}, set())],
)
def test_who_may_not_turn_back_does_not(tmp_path: Path, tags: dict, may: set[int]) -> None:
    members = [("from", "way", 10), ("via", "node", 2), ("to", "way", 10 if may else 12)]
    path = extract(tmp_path / "m.osm", STREETS, relations=[(tags, members)])
    make_network([path], tmp_path / "m.roads")
    turns = turned(tmp_path / "m.roads", back=True)
    assert ((10, 10) in turns) == (not may) and (11, 11) in turns
    assert turns >= {(10, way) for way in may}


def test_nobody_turns_as_he_may_not_by_turning_back_a_little_farther(tmp_path: Path) -> None:
    """A zebra crossing beside a junction is no place to turn back; the next junction is."""
    zebra = {13: ([1, 5], {"highway": "footway"})} | STREETS
    zebra[11] = ([2, 5, 3], {"highway": "tertiary"})
    members = [("from", "way", 10), ("via", "node", 2), ("to", "way", 12)]
    CROSS[5] = (1.011, 44.0)
    try:
        path = extract(
            tmp_path / "m.osm", zebra, relations=[({"restriction": "no_left_turn"}, members)]
        )
        assert reached(path, tmp_path / "m.roads")[1] == {1, 2, 3, 4, 5}
    finally:
        del CROSS[5]
    net = Network.open(tmp_path / "m.roads")
    a, b = (gpd.GeoSeries([shapely.Point(at)], crs=4326) for at in (WEST, NORTH))
    seconds = RoadRouter(net).nearest(a, b).cost[0]
    length = Geod(ellps="WGS84").line_length([1.0, 1.02], [44.0, 44.0]) + Geod(
        ellps="WGS84"
    ).line_length([1.02, 1.01, 1.01], [44.0, 44.0, 44.01])
    driven = length * 3.6 / FRANCE.car_kmh["tertiary"]
    assert seconds == pytest.approx(driven + RIGHT, abs=0.1), "straight on, back at 3, then right"


def test_unknown_words_are_named_by_their_own_key_and_share(tmp_path: Path) -> None:
    """Of the key they stand in, once; of barriers among barriers; of roads among roads."""
    ways = {
        10: ([1, 2], {"highway": "tertiary", "access": "zzz"}),
        11: ([2, 3], {"highway": "tertiry"}),
        12: ([2, 4], {"highway": "proposed"}),
    }
    nodes = {2: {"barrier": "rideau"}, 1: {"barrier": "gate", "vehicle": "yyy"}}
    path = extract(tmp_path / "m.osm", ways, nodes=nodes)
    manifest = make_network([path], tmp_path / "m.roads", max_unknown=1.0)
    named = [(u["field"], u["column"], u["word"], u["rows"], u["line"], u["of"])
             for u in manifest["unknown_words"]]  # fmt: skip
    assert named == [
        ("access", "access", "zzz", 1, 10, 1),
        ("barrier", "barrier", "rideau", 1, 2, 2),
        ("access", "vehicle", "yyy", 1, 1, 2),
        ("road", "highway", "tertiry", 1, 11, 2),
    ]
    assert manifest["skipped"]["highway_not_a_road"] == 2
    with pytest.raises(
        LayerError, match=r"m\.osm, colonne « access » .*« zzz » \(1, dont la ligne 10"
    ):
        make_network([path], tmp_path / "n.roads")
    ways[10][1].pop("access")
    nodes[1].pop("vehicle")
    for word, part in (("rideau", "barrier"), ("tertiry", "highway")):
        with pytest.raises(LayerError, match=rf"colonne « {part} » .*« {word} »"):
            make_network([extract(tmp_path / "m.osm", ways, nodes=nodes)], tmp_path / "n.roads")
        nodes[2] = {"barrier": "bollard"}
    said = str(not_understood(manifest["unknown_words"][3]))
    assert "« tertiry » n'est pas compris" in said and "laissée hors du réseau" in said


@pytest.mark.parametrize(
    ("landuse", "tags", "kmh"),
    [
        ("residential", {"highway": "tertiary"}, 40.0),
        ("industrial", {"highway": "secondary"}, 45.0),
        ("forest", {"highway": "tertiary"}, 50.0),
        ("residential", {"highway": "tertiary", "maxspeed": "80"}, 72.0),
        ("residential", {"highway": "residential"}, 25.0),
    ],
)
def test_a_road_without_a_limit_is_slower_in_town(
    tmp_path: Path, landuse: str, tags: dict, kmh: float
) -> None:
    """West of the middle lies the ground, and its road; the road to the east is in open country."""
    CROSS.update({5: (0.99, 43.99), 6: (1.0099, 43.99), 7: (1.0099, 44.01)})
    try:
        ground = ([5, 6, 7, 5], {"landuse": landuse})
        ways = {9: ground, 10: ([1, 2], tags), 11: ([2, 3], {"highway": "tertiary"})}
        manifest = make_network([extract(tmp_path / "m.osm", ways)], tmp_path / "m.roads")
    finally:
        for number in (5, 6, 7):
            del CROSS[number]
    arrays = read_network(tmp_path / "m.roads")[0]
    speed = arrays["edge_length_m"] / arrays["edge_car_s"] * 3.6
    west = int(arrays["shape_lon"][arrays["shape_start"][:-1]].argmin())
    assert speed[west] == pytest.approx(kmh) and speed[1 - west] == pytest.approx(50.0)
    assert manifest["in_town"] == (landuse != "forest")


def test_lights_delay_who_passes_them_each_once(tmp_path: Path) -> None:
    """Lights on the way, at a junction and before it: two seconds each, whichever lines meet there."""
    lit = {2: {"highway": "traffic_signals"}}
    for nodes, seconds in ((lit, 2.0), (lit | {1: lit[2]}, 3.0), ({}, 0.0)):
        for ways in ({10: ([1, 2, 3], STREETS[10][1])}, dict(list(STREETS.items())[:2])):
            make_network([extract(tmp_path / "m.osm", ways, nodes=nodes)], tmp_path / "m.roads")
            arrays = read_network(tmp_path / "m.roads")[0]
            driven = arrays["edge_length_m"].sum() * 3.6 / FRANCE.car_kmh["tertiary"]
            assert arrays["edge_car_s"].sum() - driven == pytest.approx(seconds, abs=1e-6)


def turned(out: Path, *, back: bool = False) -> set[tuple[int, int]]:
    """Which turns at the middle a car may make: from way 10, 11 or 12 into another, or ``back``."""
    arrays = read_network(out)[0]
    far = {round(x * 1e7): way for (x, _), way in ((WEST, 10), (EAST, 11))}
    ways: dict[int, set[int]] = {}
    arcs = []
    sides = ("edge_from", "edge_to", "edge_back_from", "edge_back_to", "edge_access")
    for a, b, back_a, back_b, bits in zip(*(arrays[side] for side in sides), strict=True):
        if arrays["node_lon"][a] == arrays["node_lon"][b] and (
            arrays["node_lat"][a] == arrays["node_lat"][b]
        ):
            arcs += [(int(a), int(b))] * int(bits & 1)
            arcs += [(int(back_a), int(back_b))] * int(bits >> 3 & 1)
            continue
        pairs = ((a, b), (b, a), (back_a, back_b), (back_b, back_a))
        for here, there in [(int(u), int(v)) for u, v in pairs]:
            if (arrays["node_lon"][here], arrays["node_lat"][here]) == (10_100_000, 440_000_000):
                ways.setdefault(here, set()).add(far.get(int(arrays["node_lon"][there]), 12))
    reached_by = {u for u, _ in arcs}
    assert not reached_by & {v for _, v in arcs}, "two turns in a row would make a third"
    free = {(u, v) for at in ways.values() for u in at for v in at if u != v}
    turns = {(u, v) for a, b in arcs for u in ways[a] for v in ways[b]}
    return free | {(u, v) for u, v in turns if u != v or back}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 1200),
        ("00:20", 1200),
        ("1:30", 5400),
        ("01:05:30", 3930),
        ("PT1H20M", 4800),
        ("PT45M", 2700),
        ("P1DT2H", 93600),
        ("20 min", 1200),
        ("", None),
        ("longtemps", None),
        ("PT", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    read = _duration(text)
    assert np.isnan(read) if seconds is None else read == seconds


def test_a_ferry_takes_its_time_and_only_who_may_embark(tmp_path: Path) -> None:
    def ferry(**tags: str) -> dict:
        path = extract(
            tmp_path / "m.osm",
            {10: ([1, 2], {"highway": "tertiary"}), 20: ([2, 3], {"route": "ferry"} | tags)},
        )
        manifest = make_network([path], tmp_path / "m.roads")
        arrays = read_network(tmp_path / "m.roads")[0]
        boat = int(arrays["edge_class"].argmax())
        return {
            "s": arrays["edge_car_s"][boat],
            "modes": int(arrays["edge_access"][boat]) & 0b111,
            "unsaid": manifest["skipped"].get("ferry_without_duration", 0),
            "m": arrays["edge_length_m"][boat],
        }

    assert ferry(duration="00:35") | {"m": 0} == {"s": 2100, "modes": 0b111, "unsaid": 0, "m": 0}
    assert ferry(duration="10", foot="yes")["modes"] == 0b110
    assert ferry(duration="10", foot="yes", motor_vehicle="yes")["modes"] == 0b111
    assert ferry(motor_vehicle="no")["modes"] == 0b110
    slow = ferry()
    assert slow["unsaid"] == 1 and slow["s"] == pytest.approx(slow["m"] * 0.36), "10 km/h"


def test_split_junctions_stay_split_beside_another_source(tmp_path: Path) -> None:
    path = extract(
        tmp_path / "m.osm",
        {10: ([1, 2, 3], {"highway": "tertiary"})},
        nodes={2: {"barrier": "bollard"}},
    )
    line = gpd.GeoDataFrame(geometry=[shapely.LineString([EAST, (1.05, 44.0)])], crs=4326)
    line.to_file(tmp_path / "more.gpkg")
    counts = make_network([path, tmp_path / "more.gpkg"], tmp_path / "m.roads")["counts"]
    assert (counts["nodes"], counts["edges"], counts["components"]) == (5, 4, 1)
    arrays = read_network(tmp_path / "m.roads")[0]
    alone = arrays["edge_length_m"] < 1e-6
    assert alone.sum() == 1 and arrays["edge_access"][alone].tolist() == [0b110110]


def test_who_turns_where_three_roads_for_cars_meet_loses_seconds(tmp_path: Path) -> None:
    """Not at a bend, not where a path crosses, not who goes straight on, not on the way of a ferry."""
    footway = {12: ([2, 4], {"highway": "footway"})}
    boat = {12: ([2, 4], {"route": "ferry", "duration": "10"})}
    for ways, lost in (
        (STREETS, (RIGHT + LEFT) / 2),
        (STREETS | footway, 0.0),
        (STREETS | boat, 0.0),
    ):
        make_network([extract(tmp_path / "m.osm", ways)], tmp_path / "m.roads")
        arrays = read_network(tmp_path / "m.roads")[0]
        road = np.flatnonzero(arrays["edge_class"] == ROAD_CLASSES.index("tertiary"))
        driven = arrays["edge_length_m"][road] * 3.6 / FRANCE.car_kmh["tertiary"]
        north = arrays["node_lat"][arrays["edge_to"][road]] > 440_000_000
        assert arrays["edge_car_s"][road] - driven == pytest.approx(north * lost, abs=1e-6)
    ferry = arrays["edge_class"] == ROAD_CLASSES.index("ferry")
    assert arrays["edge_car_s"][ferry].tolist() == [600.0]


def test_streets_that_cross_cost_nothing_straight_on_and_a_turn_from_one_into_the_other(
    tmp_path: Path,
) -> None:
    """By car; who walks turns as he likes. A one-way is turned into on one side only."""
    CROSS[5] = (1.01, 43.99)
    try:
        for tags, turn in (({}, (RIGHT + LEFT) / 2), ({"oneway": "yes"}, (RIGHT + LEFT) / 2)):
            ways = {
                10: ([1, 2, 3], {"highway": "tertiary"} | tags),
                11: ([5, 2, 4], {"highway": "tertiary"} | tags),
            }
            make_network([extract(tmp_path / "m.osm", ways)], tmp_path / "m.roads")
            net = Network.open(tmp_path / "m.roads")
            assert (net.nodes, net.edges, int(net.turns.sum())) == (6, 5, 1)
            places = {n: gpd.GeoSeries([shapely.Point(CROSS[n])], crs=4326) for n in CROSS}
            for begin, end, lost in ((1, 3, 0.0), (5, 4, 0.0), (1, 4, turn)):
                metres = sum(
                    Geod(ellps="WGS84").line_length(*zip(CROSS[n], MIDDLE, strict=True))
                    for n in (begin, end)
                )
                for mode, kmh, more in (("car", 50.0, lost), ("foot", 5.0, 0.0)):
                    cost = RoadRouter(net, mode=mode).nearest(places[begin], places[end]).cost[0]
                    assert cost == pytest.approx(metres * 3.6 / kmh + more, abs=0.05)
    finally:
        del CROSS[5]


def test_what_a_turn_costs_is_osrm_s() -> None:
    """Its sigmoids, written out: 7.5 s of the sharpest turn, two more to cross who comes."""
    for degrees, seconds in ((0, 0.0), (90, RIGHT), (-90, LEFT), (179, 477 / 64), (-179, 608 / 64)):
        lost = turn_seconds(np.array([200.0]), np.array([20.0 + degrees]), 7.5)
        assert lost.tolist() == [seconds]


def test_what_an_extract_may_become_is_bounded(tmp_path: Path) -> None:
    """A file that unpacks to a thousand times itself, and a barrier where everything meets."""
    blank = '<osm version="0.6">' + " " * (70 << 20) + "</osm>"
    path = tmp_path / "m.osm.gz"
    for content, why in (
        (gzip.compress(blank.encode(), 1), "compressés donnent plus de .* Mo"),
        (gzip.compress(blank[:1000].encode(), 1)[:-9], "pas un fichier OpenStreetMap lisible"),
    ):
        path.write_bytes(content)
        with pytest.raises(LayerError, match=why):
            make_network([path], tmp_path / "m.roads")
    star = {n: ([2, 1], {"highway": "service"}) for n in range(10, 120)}
    path = extract(tmp_path / "m.osm", star, nodes={2: {"barrier": "bollard"}})
    with pytest.raises(LayerError, match=r"110 routes se rejoignent au nœud 2.* 100 au plus"):
        make_network([path], tmp_path / "m.roads")


def test_many_crowded_junctions_are_refused_and_the_worst_is_named(tmp_path: Path) -> None:
    """Each of 40 places is joined to each of 90: every junction is allowed, their sum is not."""
    places = {n: (1.0 + n * 1e-5, 44.0) for n in range(1_000, 1_130)}
    CROSS.update(places)
    try:
        sides = product(range(1_000, 1_040), range(1_040, 1_130))
        ways = {n: ([*both], {"highway": "service"}) for n, both in enumerate(sides, 10)}
        path = extract(tmp_path / "m.osm", ways)
    finally:
        for place in places:
            del CROSS[place]
    assert (40 * 90**2 + 90 * 40**2, 8 * 2 * 40 * 90 + 250_000) == (468_000, 307_600)
    with pytest.raises(LayerError, match=r"90 au nœud 1039\) : 468.000 .* 307.600 au plus"):
        make_network([path], tmp_path / "m.roads")
    assert not (tmp_path / "m.roads").exists()


def test_a_chain_beside_a_restriction_is_followed_to_its_end(tmp_path: Path) -> None:
    """Nobody turns back on 3,000 places between two ways, whatever their number costs."""
    far = {n: (1.01 + (n - 99) * 1e-6, 44.0) for n in range(100, 3_100)}
    CROSS.update(far)
    try:
        chain = [2, *far, 3]
        ways = {1_000 + n: ([a, b], STREETS[11][1]) for n, (a, b) in enumerate(pairwise(chain))}
        ways |= {10: STREETS[10], 12: STREETS[12]}
        members = [("from", "way", 10), ("via", "node", 2), ("to", "way", 12)]
        relations = [({"restriction": "no_left_turn"}, members)]
        path = extract(tmp_path / "m.osm", ways, relations=relations)
        manifest = make_network([path], tmp_path / "m.roads")
    finally:
        for number in far:
            del CROSS[number]
    arrays = read_network(tmp_path / "m.roads")[0]
    apart = (arrays["edge_back_from"] != arrays["edge_to"]) | (
        arrays["edge_back_to"] != arrays["edge_from"]
    )
    long = arrays["edge_length_m"] > 1e-6
    assert (long & apart).sum() == len(chain) - 1 + 2 and manifest["skipped"][
        "junctions_split"
    ] == 1
