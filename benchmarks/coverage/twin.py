"""Our seconds by car beside those of a twin that shares no code with the search nor the import: roads
of OpenStreetMap followed way by way, in plain Python.

python benchmarks/coverage/twin.py EXTRACT.osm.pbf [--pairs 48000] [--seed 1]

The twin reads the extract itself, keeps every turn apart (a state is a road, its direction and how far
the journey is: on private ways at its beginning, on public ones, on private ones at its end), and knows
barriers, restrictions, ferries, lights, and what junctions cost by their angles. It takes from us the
tables (speeds, words) and where a point meets a road. Prints ``identical N of N``.
"""

from __future__ import annotations

import argparse
import heapq
import math
import re
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import product
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import shapely
from pyproj import Geod

from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.referentials.roads.network_file import CLASS_MODES, FRANCE, ROAD_CLASSES
from geoguichet.referentials.roads.sources import make_network

Q = 2.0**-30
GEOD = Geod(ellps="WGS84")
WORDS = tomllib.loads(
    files("geoguichet.referentials.roads").joinpath("words.toml").read_text("utf-8")
)
CAR_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
Tags = Mapping[str, str]
#: A road and its direction: 1 as drawn, -1 against.
type Arc = tuple[int, int]
#: A road and which of its ends: 0 its first node, -1 its last.
type Arm = tuple[int, int]


def quantum(value: float) -> float:
    """Return a whole number of quanta, one at least."""
    return max(round(value / Q), 1) * Q


def plain(word: str) -> str:
    """Return a word as the table has it."""
    return " ".join(word.casefold().replace("_", " ").split())


def meaning(tags: Tags, keys: tuple[str, ...] = CAR_KEYS) -> tuple[str, bool]:
    """Return what the most precise key says (open, closed, nothing), and whether only for the ends."""
    said = next((tags[key] for key in keys if key in tags), "")
    parts = [part.strip() for part in plain(said).split(";")]
    open_, closed, held = WORDS["access"]["open"], WORDS["access"]["closed"], WORDS["ends"]["held"]
    ends = any(p in held for p in parts) and not any(p in open_ and p not in held for p in parts)
    if any(p in open_ for p in parts):
        return "open", ends
    return ("closed" if parts[0] and all(p in closed for p in parts) else ""), ends


@dataclass(slots=True)
class Road:
    """A way between two junctions."""

    way: int
    nodes: list[int]
    tags: Tags
    cost: float = 0.0
    length: float = 0.0
    #: Directions that a car may follow, through or at the ends.
    ways: set[int] = field(default_factory=set)
    #: Only where a journey begins or ends.
    held: bool = False
    #: Public, but it leads somewhere by private ones alone: for every part of a journey.
    behind: bool = False

    def end(self, direction: int) -> int:
        """Return the node that a direction reaches."""
        return self.nodes[-1 if direction > 0 else 0]


class Twin:
    """The roads of an extract for cars."""

    def __init__(self, extract: Path) -> None:
        self.at: dict[int, tuple[int, int]] = {}
        self.barriers: dict[int, tuple[bool, bool]] = {}
        self.turns: dict[int, list[tuple[bool, set[int], set[int]]]] = defaultdict(list)
        self.lights: set[int] = set()
        self.grounds: list[shapely.Polygon] = []
        ways: list[tuple[int, list[int], dict[str, str]]] = []
        for found in osmium.FileProcessor(str(extract)).with_locations():
            tags = {tag.k: tag.v for tag in found.tags}
            if found.is_node():
                self._node(found.id, tags)
            elif found.is_way():
                at = {
                    n.ref: (n.location.x, n.location.y) for n in found.nodes if n.location.valid()
                }
                refs = [n.ref for n in found.nodes if n.ref in at]
                built = tags.get("landuse") in ("residential", "commercial", "retail", "industrial")
                if built and found.is_closed() and len(refs) >= 4:
                    self.grounds.append(shapely.Polygon([at[ref] for ref in refs]))
                kind = tags.get("highway") or ("ferry" if tags.get("route") == "ferry" else "")
                if class_of(kind) and tags.get("area") != "yes" and len(refs) > 1:
                    self.at |= at
                    ways.append((found.id, refs, tags | {"highway": kind}))
            else:
                self._relation(found, tags)
        self.roads = list(self._cut(ways))
        self._directions()
        self._join()
        self._meet()
        self._describe()
        self._close()

    def _node(self, number: int, tags: Tags) -> None:
        if "barrier" in tags:
            sense, held = meaning(tags)
            shut = plain(tags["barrier"]) in WORDS["barrier"]["closed"] and not sense
            stops_others = any(meaning(tags, keys)[0] == "closed" or meaning(tags, keys)[1]
                               for keys in (("bicycle", "vehicle", "access"), ("foot", "access")))  # fmt: skip
            if shut or sense == "closed" or held or stops_others:
                self.barriers[number] = (shut or sense == "closed", held)
        if tags.get("highway") == "traffic_signals":
            self.lights.add(number)

    def _relation(self, relation: osmium.osm.Relation, tags: Tags) -> None:
        kind = tags.get("restriction", "")
        ends = {
            role: [m for m in relation.members if m.role == role] for role in ("from", "via", "to")
        }
        via = ends["via"]
        if kind.startswith(("no_", "only_")) and len(via) == 1 and via[0].type == "n":
            bound = "motorcar" not in tags.get("except", "").split(";")
            come, go = ({m.ref for m in ends[role]} for role in ("from", "to"))
            # one that binds no car may bind a bicycle: the junction is split all the same
            self.turns[via[0].ref].append((kind.startswith("only_"), come, go if bound else {-1}))
            if not bound:
                self.turns[via[0].ref][-1] = (False, come, set())

    def _cut(self, ways: list[tuple[int, list[int], dict[str, str]]]) -> Iterator[Road]:
        times = Counter(ref for _, refs, _ in ways for ref in refs)
        for number, refs, tags in ways:
            inside = [
                i for i in range(1, len(refs) - 1)
                if times[refs[i]] > 1 or refs[i] in self.barriers or refs[i] in self.turns
            ]  # fmt: skip
            for a, b in zip([0, *inside], [*inside, len(refs) - 1], strict=True):
                yield Road(number, refs[a : b + 1], tags)

    def _describe(self) -> None:
        tree = shapely.STRtree(self.grounds)
        whole: dict[int, float] = defaultdict(float)
        for road in self.roads:
            x, y = np.array([self.at[ref] for ref in road.nodes]).T / 1e7
            road.length = quantum(float(np.sum(GEOD.inv(x[:-1], y[:-1], x[1:], y[1:])[2])))
            whole[road.way] += GEOD.line_length(x, y)
        for number, road in enumerate(self.roads):
            name = class_of(road.tags["highway"])
            minutes = re.fullmatch(r"(?:(\d+):)?(\d+)", road.tags.get("duration", ""))
            if name == "ferry" and minutes:
                total = 3600.0 * int(minutes[1] or 0) + 60.0 * int(minutes[2])
                road.cost = quantum(total * self._metres(road) / whole[road.way])
                continue
            kmh = posted(road.tags.get("maxspeed", ""))
            if np.isnan(kmh):
                middle = self.at[road.nodes[(len(road.nodes) - 1) // 2]]
                town = len(tree.query(shapely.Point(middle), predicate="intersects")) > 0
                kmh = (FRANCE.car_kmh | FRANCE.town_kmh if town else FRANCE.car_kmh)[name]
                if road.held and meaning(road.tags)[0] == "closed":
                    kmh = min(kmh, FRANCE.car_kmh["service"])
            lit = [node in self.lights for node in road.nodes]
            waits = sum(lit) - (lit[0] + lit[-1]) / 2
            turned = sum(self.wait.get((number, side), 0.0) for side in (0, -1))
            lost = turned + waits * FRANCE.signal_s
            road.cost = quantum(road.length * 3.6 / kmh + lost)

    def _metres(self, road: Road) -> float:
        x, y = np.array([self.at[ref] for ref in road.nodes]).T / 1e7
        return float(GEOD.line_length(x, y))

    def _directions(self) -> None:
        for road in self.roads:
            tags, name = road.tags, class_of(road.tags["highway"])
            sense, held = meaning(tags)
            said = plain(tags.get("oneway", ""))
            round_ = tags.get("junction") in ("roundabout", "circular") or name == "motorway"
            one = "forward" if said == "" and round_ else next(
                (sense for sense, words in WORDS["oneway"].items() if said in words), "")  # fmt: skip
            usual = CLASS_MODES.get(name, 1) & 1
            let_in = sense == "open" and {"motorcar", "motor_vehicle"} & set(tags)
            if one != "closed" and (usual or let_in):
                road.ways = {"forward": {1}, "backward": {-1}}.get(one, {1, -1})
            if name == "ferry" and {"foot", "bicycle"} & set(tags) and not sense:
                road.ways = set()
            road.held = held or (name == "track" and sense == "")
            if sense == "closed" and not road.held:
                road.ways = set()

    def _join(self) -> None:
        self.leave: dict[int, list[Arc]] = defaultdict(list)
        self.touching = touching = defaultdict[int, list[Arm]](list)
        for number, road in enumerate(self.roads):
            for direction in road.ways:
                self.leave[road.end(-direction)].append((number, direction))
            for side in (0, -1):
                touching[road.nodes[side]].append((number, side))
        for node in [*self.turns]:
            ways = [self.roads[number].way for number, _ in touching[node]]
            self.turns[node] = [
                (only, come, go) for only, come, go in self.turns[node]
                if all(ways.count(way) < 2 for way in (come if only else come | go))
            ]  # fmt: skip
            if not self.turns[node]:
                del self.turns[node]
        self.beside: set[int] = set()
        waiting = [*self.turns]
        while waiting:
            for number, side in touching[waiting.pop()]:
                road = self.roads[number]
                other = road.nodes[-1 - side]
                cars = [self.roads[n] for n, _ in touching[other] if self.roads[n].ways]
                if (len(road.ways) == 2 and road.nodes[0] != road.nodes[-1] and len(cars) == 2
                    and all(len(car.ways) == 2 for car in cars)
                    and other not in self.turns and other not in self.beside
                    and not self.barriers.get(other, (False, False))[0]):  # fmt: skip
                    self.beside.add(other)
                    waiting.append(other)

    # Look at each junction where three roads or more meet that cars drive through: which two go on into
    # each other, and what is lost beside them, on them, and between them.
    def _meet(self) -> None:
        self.wait: dict[Arm, float] = {}
        self.many: set[int] = set()
        self.street: dict[Arm, Arm] = {}
        self.between: dict[tuple[Arm, Arm], float] = {}
        for node, all_ in self.touching.items():
            arms = sorted((arm for arm in all_ if self.roads[arm[0]].ways and not self.roads[arm[0]].held),
                          key=lambda arm: (self.roads[arm[0]].way, arm[0], arm[1] == -1))  # fmt: skip
            if len(arms) < 3:
                continue
            self.many.add(node)
            if node in self.turns or node in self.beside or node in self.barriers:
                continue
            cost = {(a, b): mean(self._moves([a], [b])) for a in arms for b in arms if a != b}
            best = {a: min((b for b in arms if b != a), key=lambda b: cost[a, b]) for a in arms}
            paired = {a for a in arms if best[best[a]] == a and cost[a, best[a]] < math.inf}
            streets: dict[Arm, list[Arm]] = {}
            for a in arms:
                least, other = cost[a, best[a]], best[a]
                if a in paired:
                    self.wait[a] = least / 2
                    streets.setdefault(next(b for b in arms if b in (a, other)), []).append(a)
                elif least < math.inf:
                    half = cost[other, best[other]] / 2 if other in paired else 0.0
                    self.wait[a] = max(least - half, 0.0)
            if len(streets) < 2:
                continue
            of = {a: first for first, both in streets.items() for a in both}
            of |= {a: of.get(best[a], next(iter(streets))) for a in arms if a not in of}
            self.street |= {a: of.get(a, of[arms[0]]) for a in all_}
            short = {(a, b): quantum(round(mean(self._moves(streets[a], streets[b])) * 64) / 64)
                     for a in streets for b in streets if a != b}  # fmt: skip
            for via, a, b in product(streets, repeat=3):  # by a third street, where that is less
                if len({via, a, b}) == 3:
                    short[a, b] = min(short[a, b], short[a, via] + short[via, b])
            self.between |= short

    # Return the seconds of each turn that cars may make from some roads into others, and back.
    def _moves(self, some: list[Arm], others: list[Arm]) -> list[float]:
        both = [(a, b) for a in some for b in others]
        return [self._turn(a, b) for a, b in both + [(b, a) for a, b in both]
                if (1 if a[1] else -1) in self.roads[a[0]].ways
                and (-1 if b[1] else 1) in self.roads[b[0]].ways]  # fmt: skip

    def _turn(self, come: Arm, go: Arm) -> float:
        if come == go:
            return FRANCE.junction_s + 20.0
        degrees = (self._bearing(go) - self._bearing(come) + 180.0) % 360.0
        if degrees < 180.0:
            lost = FRANCE.junction_s / (1 + math.exp(6.5 * 1.075 - 13 / 1.075 * degrees / 180))
        else:
            degrees = 360.0 - degrees
            lost = FRANCE.junction_s / (1 + math.exp(6.5 / 1.075 - 13 * 1.075 * degrees / 180))
            lost += 2.0 / (1 + math.exp(3.25 - 13 * degrees / 180))
        return round(lost * 64) / 64

    def _bearing(self, arm: Arm) -> float:
        nodes = self.roads[arm[0]].nodes
        (x, y), *rest = (self.at[node] for node in (nodes[::-1] if arm[1] else nodes))
        for to in rest:
            east = (to[0] - x) / 1e7 * math.cos(math.radians(y / 1e7))
            north = (to[1] - y) / 1e7
            if math.hypot(east, north) * 111_195.0 >= 10.0:
                break
        return math.degrees(math.atan2(east, north))

    # A public road that leads somewhere by private ones alone serves the ends of a journey too.
    def _close(self) -> None:
        public, every = self._leading(free=True), self._leading(free=False)
        for number in every - public:
            self.roads[number].behind = not self.roads[number].held

    def _leading(self, *, free: bool) -> set[int]:
        arcs = [(n, d) for n, road in enumerate(self.roads) for d in road.ways
                if not (free and road.held)]  # fmt: skip
        known = set(arcs)
        after = {arc: [b for b, at_end, _ in self._next(arc) if b in known and not (free and at_end)]
                 for arc in arcs}  # fmt: skip
        before: dict[Arc, list[Arc]] = defaultdict(list)
        for arc, several in after.items():
            for other in several:
                before[other].append(arc)
        piece = pieces(arcs, after, before)
        size = Counter(piece.values())
        whole = {arc: label for arc, label in piece.items() if size[label] > 1 or arc in after[arc]}
        metres: dict[int, float] = defaultdict(float)
        for number, road in enumerate(self.roads):
            label = next((whole[number, d] for d in (1, -1) if (number, d) in whole), None)
            if label is not None:
                metres[label] += road.length
        enough = min(50_000.0, 0.1 * max(metres.values(), default=0.0))
        return {n for (n, _), label in whole.items() if metres[label] >= enough}

    # Yield the arcs that may follow an arc: each, whether a private gate stands between, and the cost.
    def _next(self, arc: Arc) -> Iterator[tuple[Arc, bool, float]]:
        number, direction = arc
        road = self.roads[number]
        node = road.end(direction)
        stopped, gated = self.barriers.get(node, (False, False))
        turning = node in self.turns or node in self.beside
        split = turning or node in self.barriers
        here: Arm = (number, -1 if direction > 0 else 0)
        for other in self.leave[node]:
            there: Arm = (other[0], 0 if other[1] > 0 else -1)
            back = here == there
            if back and node in self.beside:
                continue
            if any(road.way in come and (self.roads[other[0]].way in go) != only
                   for only, come, go in self._bound(node)):  # fmt: skip
                continue
            turn = self._turn(here, there) if turning and node in self.many else 0.0
            if not split:
                streets = self.street.get(here), self.street.get(there)
                yield other, False, self.between.get(streets, 0.0)  # type: ignore[arg-type]
            elif back and not turning:  # at a barrier one turns without passing it
                yield other, False, 0.0
            elif not stopped or gated:
                yield other, gated, quantum(turn)

    def _bound(self, node: int) -> list[tuple[bool, set[int], set[int]]]:
        return [turn for turn in self.turns.get(node, ()) if turn[0] or turn[2]]

    def search(self, number: int, share: float, access: float) -> dict[tuple[int, int, int], float]:
        """Return the cost at which every (road, direction, part of the journey) is entered."""
        road = self.roads[number]
        before = round(road.cost * share / Q) * Q
        heap = [
            (
                access + (road.cost - before if d > 0 else before),
                number,
                d,
                0 if road.held or road.behind else 1,
                True,
            )
            for d in road.ways
        ]
        heapq.heapify(heap)
        done: dict[tuple[int, int, int], float] = {}
        while heap:
            cost, number, direction, part, begun = heapq.heappop(heap)
            if not begun:
                if (number, direction, part) in done:
                    continue
                done[number, direction, part] = cost
                cost += self.roads[number].cost
            for (n, d), gated, more in self._next((number, direction)):
                next_ = self.roads[n]
                parts = (0, 1, 2) if next_.behind else (0, 2) if next_.held else (1,)
                for gate in onward(part, (0, 2)) if gated else (part,):
                    for then in onward(gate, parts):
                        heapq.heappush(heap, (cost + more, n, d, then, False))
        return done


def mean(seconds: list[float]) -> float:
    """Return the mean, without end of none."""
    return sum(seconds) / len(seconds) if seconds else math.inf


def onward(part: int, parts: tuple[int, ...]) -> list[int]:
    """Return which parts of a journey, of those that a road may belong to, come after another: 0 its
    beginning and 2 its end, on private ones, 1 between, on public ones.
    """
    return [then for then in parts if then >= part]


def pieces(
    arcs: list[Arc], after: Mapping[Arc, list[Arc]], before: Mapping[Arc, list[Arc]]
) -> dict[Arc, int]:
    """Number the strongly connected pieces (Kosaraju 1978)."""
    order: list[Arc] = []
    seen: set[Arc] = set()
    for first in arcs:
        if first in seen:
            continue
        seen.add(first)
        stack = [(first, iter(after[first]))]
        while stack:
            arc, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                order.append(arc)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(after[following])))
    piece: dict[Arc, int] = {}
    for label, first in enumerate(reversed(order)):
        waiting = [] if first in piece else [first]
        while waiting:
            arc = waiting.pop()
            if arc not in piece:
                piece[arc] = label
                waiting += before.get(arc, ())
    return piece


def class_of(kind: str) -> str:
    """Return the class of a value of ``highway``, or nothing."""
    word = plain(kind)
    if word.replace(" ", "_") in ROAD_CLASSES:
        return word.replace(" ", "_")
    return next((name for name, words in WORDS["class"].items() if word in words), "")


def posted(text: str) -> float:
    """Return what is driven of a posted limit, NaN if it says nothing."""
    first = text.split(";")[0].strip()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(.*)", first)
    if found:
        kmh = float(found[1]) * (WORDS["units"]["speed_kmh"][plain(found[2])] if found[2] else 1.0)
        return kmh * FRANCE.limit_share if kmh > 0 else float("nan")
    word = plain(text)
    if word in WORDS["unsaid"]:
        return float("nan")
    return WORDS["limits"].get(word.partition(":")[2] or word, float("nan")) * FRANCE.limit_share


def compare(extract: Path, out: Path, *, pairs: int, seed: int) -> tuple[int, int, float, int]:
    """Return how many pairs have the same seconds, of how many, the largest difference, and how many
    have a way.
    """
    make_network([extract], out, max_unknown=1.0)
    network = Network.open(out)
    router, twin = RoadRouter(network), Twin(extract)
    rng = np.random.default_rng(seed)
    known: dict[tuple, list[int]] = defaultdict(list)
    for number, road in enumerate(twin.roads):
        known[tuple(twin.at[ref] for ref in road.nodes)].append(number)
    start = network.arrays["shape_start"]
    shape = list(
        zip(network.arrays["shape_lon"].tolist(), network.arrays["shape_lat"].tolist(), strict=True)
    )

    def on_roads(count: int) -> tuple[gpd.GeoSeries, list[tuple[int, float, float]]]:
        able = np.flatnonzero(router._leading & ~network.turns)
        points = gpd.GeoSeries(
            [
                shapely.Point(network.piece(int(edge), 0.0, float(share))[-1])
                for edge, share in zip(
                    rng.choice(able, 4 * count), rng.uniform(0.05, 0.95, 4 * count), strict=True
                )
            ],
            crs="EPSG:4326",
        )
        snapped = router.snap(points)
        twins = [known[tuple(shape[start[edge] : start[edge + 1]])] for edge in snapped.edge]
        kept = [i for i, found in enumerate(twins) if len(found) == 1][:count]
        walks = np.round(snapped.access_m * 0.9 / Q) * Q
        placed = [(twins[i][0], float(snapped.fraction[i]), float(walks[i])) for i in kept]
        return points.iloc[kept], placed

    side = int(np.ceil(np.sqrt(pairs)))
    (origins, here), (ends, there) = on_roads(side), on_roads(-(-pairs // side))
    found = router.costs(origins, ends, limit=1e9)
    ours = np.full((len(here), len(there)), np.inf)
    ours[found.origin, found.destination] = found.cost
    theirs = np.full_like(ours, np.inf)
    for i, (number, share, walk) in enumerate(here):
        entered = twin.search(number, share, walk)
        for j, (end, at, last) in enumerate(there):
            road = twin.roads[end]
            before = round(road.cost * at / Q) * Q
            for direction in road.ways:
                part = before if direction > 0 else road.cost - before
                for phase in range(3):
                    cost = entered.get((end, direction, phase), np.inf) + part + last
                    theirs[i, j] = min(theirs[i, j], cost)
            mine = round(road.cost * share / Q) * Q
            if end == number and (1 if before > mine else -1) in road.ways:
                theirs[i, j] = min(theirs[i, j], walk + abs(before - mine) + last)
    ours, theirs = ours.ravel()[:pairs], theirs.ravel()[:pairs]
    same = ours == theirs
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(ours - theirs))
    return int(same.sum()), len(same), float(apart.max()), int(np.isfinite(ours).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extract", type=Path)
    parser.add_argument("--pairs", type=int, default=48_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        same, of, apart, ways = compare(
            chosen.extract, Path(folder) / "n.roads", pairs=chosen.pairs, seed=chosen.seed
        )
    print(f"identical {same} of {of} pairs ({ways} with a way); largest difference {apart:.3g} s")


if __name__ == "__main__":
    main()
