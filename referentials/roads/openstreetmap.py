"""Roads of an OpenStreetMap extract (``.osm.pbf``, ``.osm``, ``.osm.gz``), read with pyosmium."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium
import shapely
from pyproj import Geod
from scipy import sparse
from scipy.sparse import csgraph

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import open_bytes, refused
from geoguichet.floor.findings import Unread
from geoguichet.floor.words import Message
from geoguichet.referentials.roads.junctions import junctions_of
from geoguichet.referentials.roads.network_file import (
    DEGREE,
    FRANCE,
    ROAD_CLASSES,
    SPLIT,
    Floats,
    Ints,
    RoadLines,
    SpeedTable,
    access_of,
    only_at_ends,
)
from geoguichet.referentials.roads.words import (
    NO_ROAD,
    UNKNOWN,
    UNSAID,
    Reading,
    at_ends,
    folded,
    vocabulary,
)

SUFFIXES = (".pbf", ".osm", ".osm.gz", ".osm.bz2")
LICENCE = "ODbL 1.0, © les contributeurs d'OpenStreetMap"

#: Who says whether a car, a bicycle, a walker may pass: the most precise key first.
_KEYS: tuple[tuple[str, ...], ...] = (
    ("motorcar", "motor_vehicle", "vehicle", "access"),
    ("bicycle", "vehicle", "access"),
    ("foot", "access"),
)
_FERRY = ROAD_CLASSES.index("ferry")

#: The bytes of a packed extract that are counted at once.
_BLOCK = 1 << 20

#: The roads that may meet at a junction: each is looked at with each. So these pairs are counted in
#: the whole file too, to so many a road's end (Andorra and Helsinki have three, streets that all
#: cross at right angles four) beyond those that any file may have.
_MOST_ROADS = 100
_PAIRS_AN_END, _ANY_PAIRS = 8, 250_000

#: The grounds (``landuse``) where a road is in town.
_BUILT_UP = ("residential", "commercial", "retail", "industrial")


@dataclass(frozen=True, slots=True)
class _Turn:
    """A restriction at a node: who comes by one of the ways may not (or only) go on by another."""

    only: bool
    come: frozenset[int]
    go: frozenset[int]
    #: Bits of the modes that it binds: car, bicycle.
    modes: int

    def is_clear(self, ways: Sequence[int]) -> bool:
        """Say whether its ways end at the node, given those of each road there; one that passes
        through comes from two sides.
        """
        bound = self.come if self.only else self.come | self.go
        return all(ways.count(way) < 2 for way in bound)


@dataclass(slots=True)
class _Extract:
    """What an extract holds of roads, as it stands there."""

    where: Path
    ways: list[int] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    #: Node, longitude and latitude of every way end to end, and where each way starts.
    nodes: list[tuple[int, int, int]] = field(default_factory=list)
    start: list[int] = field(default_factory=lambda: [0])
    #: Tags of the nodes that have a barrier.
    barriers: dict[int, dict[str, str]] = field(default_factory=dict)
    turns: dict[int, list[_Turn]] = field(default_factory=dict)
    #: What ``highway`` holds that we do not know: how many ways, and the first.
    strange: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: Nodes with traffic lights, and the outlines of built-up grounds.
    signals: list[int] = field(default_factory=list)
    grounds: list[list[tuple[int, int]]] = field(default_factory=list)
    skipped: dict[str, int] = field(
        default_factory=lambda: {"highway_not_a_road": 0, "node_missing": 0}
    )

    def skip(self, reason: str, count: int = 1) -> None:
        """Count what is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + count


def read_osm(path: Path, *, speeds: SpeedTable = FRANCE) -> RoadLines:
    """Return the highways and ferries of an extract, cut where they meet; nodes keep
    OpenStreetMap's identifiers as keys.

    A posted ``maxspeed`` counts for ``speeds.limit_share`` of itself, a ferry takes its
    ``duration``; roads on built-up grounds (closed ways whose ``landuse`` says so) are in town, and
    lights delay. Junctions with a barrier or a turn restriction are split (see
    :class:`RoadLines`). Restrictions by way, conditional ones and opening hours of roads are not
    read.

    Raises
    ------
    LayerError
        The file is missing or is no OpenStreetMap file.
    """
    extract = _read(path)
    reading = Reading(path.name, extract.ways, of=len(extract.ways))
    table = np.array(extract.nodes, dtype=np.int64).reshape(-1, 3)
    refs, start = table[:, 0], np.array(extract.start, dtype=np.int64)
    columns = _described(extract.tags, speeds, reading)
    blocked = _blocked(extract.barriers, reading)
    cut = _cuts(refs, start, [*blocked, *extract.turns])
    first, way = cut[:-1], np.searchsorted(start, cut[:-1], side="right") - 1
    inside = first + 1 < start[way + 1]  # a cut at a way's end opens no line
    first, last, way = first[inside], cut[1:][inside], way[inside]
    offsets = np.append(0, np.cumsum(last - first + 1))
    vertices = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], np.diff(offsets))
    lines = RoadLines(
        start=offsets,
        lon=table[vertices, 1].astype(np.int32),
        lat=table[vertices, 2].astype(np.int32),
        from_key=refs[first],
        to_key=refs[last],
        seconds=np.full(len(first), np.nan),
        length_m=np.full(len(first), np.nan),
        town=_in_town(table[(first + last) // 2, 1:], extract.grounds),
        delay_s=_waits(refs[vertices], offsets, extract.signals) * speeds.signal_s,
        **{column: values[way] for column, values in columns.items()},
    )
    _sail(lines, way, extract)
    numbers = np.array(extract.ways, dtype=np.int64)[way]
    lines = _split(lines, numbers, blocked, extract, speeds)
    of = len(extract.ways) + sum(rows for rows, _ in extract.strange.values())
    strange = [
        Unread(path.name, "road", "highway", word, rows, first, of)
        for word, (rows, first) in sorted(extract.strange.items())
    ]
    return replace(lines, skipped=extract.skipped, unread=(*reading.unread, *strange))


def _read(path: Path) -> _Extract:
    if not path.is_file():
        raise LayerError(f"{path} : fichier introuvable ; vérifiez le chemin.")
    extract, roads = _Extract(path), vocabulary("class")
    with refused(
        RuntimeError,
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        osmium.InvalidLocationError,
        say=lambda error: f"{path} : ce n'est pas un fichier OpenStreetMap lisible ({error}).",
    ):
        if path.suffix in (".gz", ".bz2"):  # osmium knows no budget of what it unpacks
            with open_bytes(path) as file:
                while file.read(_BLOCK):
                    pass
        objects: Any = osmium.FileProcessor(str(path)).with_locations()
        for found in objects.with_filter(
            osmium.filter.KeyFilter("highway", "route", "barrier", "restriction", "landuse")
        ):
            if found.is_way():
                _take_way(found, extract, roads)
                if found.tags.get("landuse") in _BUILT_UP and found.is_closed():
                    at = [node.location for node in found.nodes if node.location.valid()]
                    extract.grounds.append([(place.x, place.y) for place in at])
            elif found.is_node():
                if "barrier" in found.tags:
                    extract.barriers[found.id] = {tag.k: tag.v for tag in found.tags}
                if found.tags.get("highway") == "traffic_signals":
                    extract.signals.append(found.id)
            elif found.is_relation() and "restriction" in found.tags:
                _take_turn(found, extract)
    return extract


def _take_way(way: Any, extract: _Extract, roads: Mapping[str, str]) -> None:
    kind = way.tags.get("highway") or ("ferry" if way.tags.get("route") == "ferry" else "")
    if not kind:
        return
    if roads.get(folded(kind), UNSAID) == UNSAID or way.tags.get("area") == "yes":
        extract.skip("highway_not_a_road")
        if folded(kind) not in roads and folded(kind) not in NO_ROAD:
            rows, first = extract.strange.get(kind, (0, way.id))
            extract.strange[kind] = rows + 1, first
        return
    found = [
        (node.ref, node.location.x, node.location.y) for node in way.nodes if node.location.valid()
    ]
    extract.skip("node_missing", len(way.nodes) - len(found))
    if len(found) >= 2:
        extract.nodes += found
        extract.start.append(len(extract.nodes))
        extract.ways.append(way.id)
        extract.tags.append({tag.k: tag.v for tag in way.tags} | {"highway": kind})


# Keep a restriction whose "via" is one node.
def _take_turn(relation: Any, extract: _Extract) -> None:
    parts: dict[str, list[tuple[str, int]]] = {"from": [], "via": [], "to": []}
    for member in relation.members:
        parts.get(member.role, []).append((member.type, member.ref))
    kind, free = relation.tags["restriction"], relation.tags.get("except", "").split(";")
    modes = 0b001 * ("motorcar" not in free) | 0b010 * ("bicycle" not in free)
    come, go = (frozenset(ref for _, ref in parts[role]) for role in ("from", "to"))
    via = parts["via"]
    if len(via) != 1 or via[0][0] != "n" or not kind.startswith(("no_", "only_")):
        extract.skip("turn_not_at_a_node")
        return
    turn = _Turn(kind.startswith("only_"), come, go, modes)
    extract.turns.setdefault(via[0][1], []).append(turn)


# Return the places where lines begin or end: ends of ways, and nodes that several ways (or turns)
# share, or that not everybody may pass.
def _cuts(refs: Ints, start: Ints, split: Sequence[int]) -> Ints:
    _, inverse, counts = np.unique(refs, return_inverse=True, return_counts=True)
    cut = (counts[inverse] > 1) | np.isin(refs, np.array(split, dtype=np.int64))
    cut[start[:-1]] = True
    cut[start[1:] - 1] = True
    return np.flatnonzero(cut)


def _described(tags: list[dict[str, str]], speeds: SpeedTable, reading: Reading) -> dict[str, Any]:
    sense = reading.words("class", "highway", [way["highway"] for way in tags])
    road_class = np.array([ROAD_CLASSES.index(name) for name in sense], dtype=np.uint8)
    said = reading.words("oneway", "oneway", [way.get("oneway", "") for way in tags])
    # roundabouts and motorways are one-way unless told otherwise
    round_ = [way.get("junction") in ("roundabout", "circular") for way in tags]
    implied = (np.array(round_, dtype=bool) | (sense == "motorway")) & (said == UNSAID)
    way = (implied | (said == "forward")).astype(np.int8) - (said == "backward")
    bits = access_of(road_class, way)
    bits[said == "closed"] &= 0b100100
    # who is let in where his like is not may go as the others do
    one_way = np.select(
        [said == "closed", way > 0, way < 0], [0b100100, 0b100111, 0b111100], 0b111111
    )
    access, ends = _allowed(tags, bits, one_way.astype(np.uint8), road_class, reading)
    return {
        "road_class": road_class,
        "access": access,
        "ends": ends,
        "speed_kmh": reading.numbers(
            "speed_kmh", "maxspeed", [way.get("maxspeed", "") for way in tags]
        )
        * speeds.limit_share,
        "name": np.array([way.get("ref") or way.get("name", "") for way in tags], dtype=object),
    }


# Return, for each mode, what the access of each object means, and whether it lets pass only where a
# journey begins or ends.
def _heard(
    tags: Sequence[Mapping[str, str]], reading: Reading
) -> list[tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]]:
    by_key = {}
    for key in dict.fromkeys(key for keys in _KEYS for key in keys):
        said = [one.get(key, "") for one in tags]
        there = np.array([key in one for one in tags], dtype=bool)
        by_key[key] = there, reading.words("access", key, said), at_ends(said)
    heard = []
    for keys in _KEYS:
        sense: np.ndarray = np.full(len(tags), UNSAID, dtype=object)
        held = np.zeros(len(tags), dtype=bool)
        for there, meant, ends in (by_key[key] for key in reversed(keys)):
            sense, held = np.where(there, meant, sense), np.where(there, ends, held)
        heard.append((sense, held))
    return heard


# Return the bits of access and of ends once the access tags are heard: the most precise key speaks
# for each mode.
def _allowed(
    tags: list[dict[str, str]],
    bits: npt.NDArray[np.uint8],
    one_way: npt.NDArray[np.uint8],
    road_class: npt.NDArray[np.uint8],
    reading: Reading,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    ferry, ends = road_class == _FERRY, np.zeros_like(bits)
    heard = _heard(tags, reading)
    passengers = np.array(["foot" in way or "bicycle" in way for way in tags], dtype=bool)
    for mode, keys in enumerate(_KEYS):
        (sense, held), both = heard[mode], np.uint8(0b001001 << mode)
        opening = keys[:-2] or keys[:1]
        precise = np.array([any(key in way for key in opening) for way in tags], dtype=bool)
        let_in = (sense == "open") & precise & (bits & both == 0)
        bits = np.where(let_in, bits | (both & one_way), bits)
        if mode == 0:
            held = only_at_ends(road_class, sense, held)
        ends |= np.where(held, bits & both, 0).astype(np.uint8)
        bits[sense == "closed"] &= ~both
        if mode == 0:  # a ferry of which only walkers or bicycles are said takes no car
            bits[ferry & passengers & (sense == UNSAID)] &= ~both
    against = np.array([way.get("oneway:bicycle") == "no" for way in tags], dtype=bool)
    bits[against & (bits & 0b010010 > 0)] |= 0b010010
    return bits, ends


# Return how many lights each line passes: those at its ends are half its own.
def _waits(refs: Ints, start: Ints, signals: Sequence[int]) -> Floats:
    here = np.isin(refs, np.array(signals, dtype=np.int64)).astype(np.float64)
    here[start[:-1]] /= 2
    here[start[1:] - 1] /= 2
    return np.add.reduceat(here, start[:-1]) if len(refs) else np.empty(0)


# Return which places (longitude and latitude as they are stored) lie on the grounds.
def _in_town(places: Ints, grounds: Sequence[Sequence[tuple[int, int]]]) -> npt.NDArray[np.bool_]:
    outlines = [shapely.Polygon(ground) for ground in grounds if len(ground) >= 4]
    found = shapely.STRtree(outlines).query(shapely.points(places), predicate="intersects")
    return np.isin(np.arange(len(places)), found[0])


# Give the lines of a ferry its duration, each its share of the length.
def _sail(lines: RoadLines, way: Ints, extract: _Extract) -> None:
    for ferry in np.unique(way[lines.road_class == _FERRY]):
        total = _duration(extract.tags[ferry].get("duration", ""))
        own = np.arange(*np.searchsorted(way, (ferry, ferry + 1)))  # lines stand by way
        if np.isnan(total):
            extract.skip("ferry_without_duration")
            continue
        ends = [slice(lines.start[line], lines.start[line + 1]) for line in own]
        length = [
            Geod(ellps="WGS84").line_length(lines.lon[at] / DEGREE, lines.lat[at] / DEGREE)
            for at in ends
        ]
        lines.seconds[own] = total * np.array(length) / max(sum(length), 1e-9)


# Return seconds of "20", "00:20", "1:30:00", "PT1H20M" (ISO 8601), NaN for anything else.
def _duration(text: str) -> float:
    iso = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text.strip())
    if iso and any(iso.groups()):
        return float(np.dot([int(part or 0) for part in iso.groups()], (86400, 3600, 60, 1)))
    clock = re.fullmatch(r"(?:(\d+):)?(\d+)(?::(\d+))?(?: ?min)?", text.strip())
    return (
        float(int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0))
        if clock
        else np.nan
    )


# Return the modes that each barrier stops (no car by a bollard, others as its own tags say), and, three
# bits higher, those that pass it only where a journey begins or ends.
def _blocked(barriers: Mapping[int, dict[str, str]], reading: Reading) -> dict[int, int]:
    reading.lines, tags = np.array(list(barriers), dtype=np.int64), list(barriers.values())
    reading.of = len(tags)
    kind = reading.words("barrier", "barrier", [node["barrier"] for node in tags])
    stopped = np.zeros(len(tags), dtype=np.int64)
    for mode, (sense, held) in enumerate(_heard(tags, reading)):
        shut = np.isin(sense, (UNSAID, UNKNOWN)) & (kind == "closed") & (mode == 0)
        stopped |= np.where(shut | (sense == "closed"), 1 << mode, 0)
        stopped |= np.where(held, 8 << mode, 0)
    pairs = zip(barriers, stopped.tolist(), strict=True)
    return {node: modes for node, modes in pairs if modes}


# Split the junctions where not everybody may go on as he likes, or where streets cross, and join
# their parts by lines without length; who turns loses seconds at them, or at the ends of lines.
def _split(
    lines: RoadLines,
    ways: Ints,
    blocked: Mapping[int, int],
    extract: _Extract,
    speeds: SpeedTable,
) -> RoadLines:
    keys = np.concatenate([lines.from_key, lines.to_key])
    _refuse_stars(keys, extract.where)
    turns = _clear_turns(keys, np.tile(ways, 2), extract)
    beside = _beside(lines, set(turns), [node for node, modes in blocked.items() if modes & 0b001])
    order = np.lexsort((np.arange(len(keys)), np.tile(lines.start[:-1], 2), np.tile(ways, 2), keys))
    apart = np.isin(keys, np.array(sorted({*blocked, *turns, *beside}), dtype=np.int64))
    roads = junctions_of(lines, order, apart, speeds)
    waits = roads.wait_s.reshape(2, -1).sum(axis=0)
    lines = replace(lines, delay_s=waits if lines.delay_s is None else lines.delay_s + waits)
    ends = order[(apart | (roads.street >= 0))[order]]
    if not len(ends):
        return lines
    place = np.zeros(len(keys), dtype=np.int64)
    place[ends] = np.arange(len(ends))
    stands = SPLIT + np.where(roads.street >= 0, place[roads.street], place)
    stands = np.where(roads.main, keys, stands)[ends]  # the first street keeps the junction's key
    joints: list[tuple[int, int, int, int]] = []
    seconds: list[float] = []
    turning = np.zeros(len(ends), dtype=bool)
    _, begin = np.unique(keys[ends], return_index=True)
    for one, after in pairwise([*begin.tolist(), len(ends)]):
        node = int(keys[ends[one]])
        if roads.street[ends[one]] >= 0:
            continue
        come = [int(way) for way in ways[ends[one:after] % len(lines)]]
        stopped, held = blocked.get(node, 0) & 0b111, blocked.get(node, 0) >> 3
        turning[one:after] = node in turns or node in beside
        extract.skip("junctions_split", node not in beside)
        for i, j in product(range(after - one), repeat=2):
            go = _may(turns.get(node, ()), come[i], come[j])
            if i == j and node in beside:
                go &= 0b100
            if turning[one]:
                joints.append((one + i, one + j, go & ~stopped, go & held))
                seconds.append(roads.turn_s(*ends[[one + i, one + j]].tolist()))
            elif i < j and (~stopped | held) & 0b111:
                joints.append((one + i, one + j, 0b1001 * (~stopped & 0b111), 0b1001 * held))
                seconds.append(0.0)
    table = np.array(joints, dtype=np.int64).reshape(-1, 4)
    led = np.flatnonzero(table[:, 2] | table[:, 3])
    one, other, between = roads.crossings
    crossed = np.column_stack(
        [place[one], place[other], np.full(len(one), 0b111111), np.zeros(len(one))]
    ).astype(np.int64)
    return _joined_by(
        lines,
        (ends, stands, turning),
        np.concatenate([table[led], crossed]),
        np.concatenate([np.array(seconds)[led], between]),
    )


# Refuse a junction of more roads than any has, and more crowded junctions than any file has: each
# road is looked at with each.
def _refuse_stars(keys: Ints, where: Path) -> None:
    if not len(keys):
        return
    node, roads = np.unique(keys, return_counts=True)
    most, pairs = int(roads.max()), int((roads**2).sum())
    star = {"where": where, "roads": most, "node": str(node[roads == most][-1])}
    if most > _MOST_ROADS:
        raise LayerError(
            Message(
                "{where} : {roads} routes se rejoignent au nœud {node} ; {most} au plus sont "
                "attendues.",
                **star,
                most=_MOST_ROADS,
            )
        )
    if pairs > (expected := _PAIRS_AN_END * len(keys) + _ANY_PAIRS):
        raise LayerError(
            Message(
                "{where} : trop de routes se rejoignent aux mêmes nœuds ({roads} au nœud {node}) : "
                "{pairs} passages de l'une à l'autre, {most} au plus sont attendus ; essayez un "
                "extrait d'OpenStreetMap tel qu'il est publié.",
                **star,
                pairs=pairs,
                most=expected,
            )
        )


# Return the restrictions of each node whose ways end there.
def _clear_turns(keys: Ints, ways: Ints, extract: _Extract) -> dict[int, list[_Turn]]:
    clear = {}
    at = np.flatnonzero(np.isin(keys, np.array([*extract.turns], dtype=np.int64)))
    come: dict[int, list[int]] = {}
    for key, way in zip(keys[at].tolist(), ways[at].tolist(), strict=True):
        come.setdefault(key, []).append(way)
    for node, several in extract.turns.items():
        kept = [turn for turn in several if turn.is_clear(come.get(node, ()))]
        extract.skip("turn_not_at_a_node", not kept)
        if kept:
            clear[node] = kept
    return clear


# Return the nodes, on the roads that leave those, where cars can go on or turn back and nothing else:
# who turned back there would have turned as he may not. Where cars are stopped, they turn back.
def _beside(lines: RoadLines, nodes: set[int], stopped: Sequence[int]) -> set[int]:
    cars = (lines.access | lines.ends) & 0b001001
    keys, end = np.unique(np.concatenate([lines.from_key, lines.to_key]), return_inverse=True)
    driven, two_way = (
        np.bincount(end, np.tile(which, 2), minlength=len(keys))
        for which in (cars > 0, cars == 0b1001)
    )
    barred = np.isin(keys, np.array(sorted(nodes), dtype=np.int64))
    able = (driven == 2) & (two_way == 2) & ~barred
    able &= ~np.isin(keys, np.array(stopped, dtype=np.int64))
    start, stop = end[: len(lines)], end[len(lines) :]
    both = (cars == 0b001001) & (start != stop)
    inner = both & able[start] & able[stop]
    chain = csgraph.connected_components(
        sparse.coo_array(
            (np.ones(inner.sum()), (start[inner], stop[inner])), shape=(len(keys),) * 2
        )
    )[1]
    first = np.concatenate([stop[both & barred[start]], start[both & barred[stop]]])
    near = np.isin(chain, chain[first[able[first]]])
    return set(keys[able & near].tolist())


# Return the lines with the ends of some of them at other nodes (ends, keys, and where they are
# ``turning``: who leaves begins at another node than who arrives), and the lines that join these: rows
# of two ends, access and ends of a journey, and the seconds lost. A joint of a turning node leads from
# its first end to its second alone.
def _joined_by(
    lines: RoadLines,
    split: tuple[Ints, Ints, npt.NDArray[np.bool_]],
    joints: Ints,
    seconds: Floats,
) -> RoadLines:
    ends, arrive, turning = split
    leave = arrive + np.where(turning, len(ends), 0)
    count, at_stop = len(lines), ends >= len(lines)
    drawn = np.concatenate([lines.from_key, lines.to_key])
    against = drawn.copy()
    drawn[ends], against[ends] = np.where(at_stop, (arrive, leave), (leave, arrive))
    vertex = np.concatenate([lines.start[:-1], lines.start[1:] - 1])[ends]
    first, second, access, held = joints.T
    unnamed: np.ndarray = np.full(len(first), "", dtype=object)
    unknown = np.full(len(first), np.nan)
    grown = {
        "lon": np.repeat(lines.lon[vertex[first]], 2),
        "lat": np.repeat(lines.lat[vertex[first]], 2),
        "road_class": lines.road_class[ends[first] % count],
        "town": lines.town[ends[first] % count],
        "access": access.astype(np.uint8),
        "ends": held.astype(np.uint8),
        "speed_kmh": unknown,
        "seconds": seconds,
        "length_m": np.zeros(len(first)),
        "name": unnamed,
        "delay_s": np.zeros(len(first)),
        "start": lines.start[-1] + 2 * np.arange(1, len(first) + 1),
    }
    described: dict[str, Any] = {
        name: np.concatenate([getattr(lines, name), more]) for name, more in grown.items()
    }
    return RoadLines(
        from_key=np.concatenate([drawn[:count], arrive[first]]),
        to_key=np.concatenate([drawn[count:], leave[second]]),
        back_keys=(
            np.concatenate([against[count:], leave[second]]),
            np.concatenate([against[:count], arrive[first]]),
        ),
        **described,
    )


# Return the modes that may turn from a way into another.
def _may(turns: Sequence[_Turn], come: int, go: int) -> int:
    modes = 0b111
    for turn in turns:
        if come in turn.come and (go in turn.go) != turn.only:
            modes &= ~turn.modes
    return modes
