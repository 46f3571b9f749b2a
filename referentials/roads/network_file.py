"""Roads of any source, made into one compact network file that programs map into memory instead of
reading.

The file is Arrow IPC: one row whose columns are the arrays of :data:`COLUMNS`, and the manifest in
the schema. Nodes stand in Z-order and edges in order of their ends, so the bytes do not depend on
the order of the source's rows.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyproj import Geod
from scipy import sparse
from scipy.sparse import csgraph

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import refused, whole
from geoguichet.floor.findings import Unread
from geoguichet.floor.words import _

type Floats = npt.NDArray[np.float64]

#: The classes of the network file, in the words of OpenStreetMap's ``highway`` key; a class is
#: stored as its rank.
ROAD_CLASSES = (
    "motorway",
    "motorway_link",
    "trunk",
    "trunk_link",
    "primary",
    "primary_link",
    "secondary",
    "secondary_link",
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "track",
    "pedestrian",
    "cycleway",
    "footway",
    "path",
    "steps",
    "ferry",
)

#: Who may use a class: bit 0 car, bit 1 bicycle, bit 2 foot.
ROAD, CYCLE, WALK = 0b111, 0b110, 0b100

#: Modes of the classes that are not open to all three.
CLASS_MODES = {
    "motorway": 0b001,
    "motorway_link": 0b001,
    "trunk": ROAD,
    "pedestrian": CYCLE,
    "cycleway": CYCLE,
    "footway": WALK,
    "path": CYCLE,
    "steps": WALK,
}


@dataclass(frozen=True, slots=True)
class SpeedTable:
    """Average speeds in km/h by road class, and the share of a posted limit that is driven on
    average.
    """

    name: str
    version: str
    car_kmh: dict[str, float]
    #: The classes that are slower in built-up places.
    town_kmh: dict[str, float]
    limit_share: float
    #: Seconds that the sharpest turn loses at a junction of three roads or more, where the source does
    #: not say how fast one drives but at most how fast one may (:func:`.junctions.turn_seconds`).
    junction_s: float
    #: Seconds lost at traffic lights, where the source says where they are.
    signal_s: float
    foot_kmh: float
    bicycle_kmh: float

    def car_speeds(self, *, town: bool = False) -> Floats:
        """Return the car's speed of each class of :data:`ROAD_CLASSES`, in km/h."""
        kmh = self.car_kmh | self.town_kmh if town else self.car_kmh
        return np.array([kmh[name] for name in ROAD_CLASSES])


#: Ours: legal limits (Code de la route R413-2, R413-3: 130, 110, 80, 50 km/h) lowered to what is
#: driven outside towns.
#:
#: A walk takes 5 km/h, as OSRM and Valhalla have it. The car's speeds are set by hand, not fitted
#: to measured journeys: a source's own speeds always come first. In town they are IGN's (BD TOPO,
#: ``vitesse_moyenne_vl`` by ``importance`` where ``urbain``); the seconds of turns and lights are OSRM's.
FRANCE = SpeedTable(
    name="geoguichet-france",
    version="4",
    car_kmh={
        "motorway": 110.0,
        "motorway_link": 55.0,
        "trunk": 90.0,
        "trunk_link": 50.0,
        "primary": 70.0,
        "primary_link": 45.0,
        "secondary": 60.0,
        "secondary_link": 40.0,
        "tertiary": 50.0,
        "tertiary_link": 35.0,
        "unclassified": 40.0,
        "residential": 25.0,
        "living_street": 10.0,
        "service": 15.0,
        "track": 12.0,
        "pedestrian": 5.0,
        "cycleway": 5.0,
        "footway": 5.0,
        "path": 5.0,
        "steps": 5.0,
        "ferry": 10.0,
    },
    town_kmh={
        "trunk": 50.0,
        "trunk_link": 45.0,
        "primary": 45.0,
        "primary_link": 40.0,
        "secondary": 45.0,
        "tertiary": 40.0,
        "unclassified": 30.0,
    },
    limit_share=0.9,
    junction_s=7.5,
    signal_s=2.0,
    foot_kmh=5.0,
    bicycle_kmh=15.0,
)

TABLES = {table.name: table for table in (FRANCE,)}


FORMAT, VERSION = "geoguichet-roads", 1
#: Coordinates are stored as whole ten-millionths of a degree (1 cm), OpenStreetMap's own precision.
DEGREE = 10_000_000

#: Seconds and metres are whole multiples of this: float64 sums are exact, in any order, up to 97
#: days or 8,388 km.
QUANTUM = 2.0**-30

CAR, BICYCLE, FOOT = 0, 1, 2
#: Bit ``mode`` of ``access`` opens an edge in its drawn direction to all comers, bit ``mode + 3``
#: against it. The same bits of ``ends`` say who may follow it, let in or not, but only where a
#: journey begins or ends.
MODES = {"car": CAR, "bicycle": BICYCLE, "foot": FOOT}

#: The arrays of the file. Arc ``2 e`` follows edge ``e`` as drawn, ``2 e + 1`` goes against it, from
#: ``edge_back_from`` to ``edge_back_to``: where who arrives may not turn as he likes, who leaves
#: begins at another node of the same place;
#: ``forward_arc`` lists arcs by the node they leave, ``reverse_arc`` by the node they reach.
#: ``names`` (text) completes them.
COLUMNS: dict[str, Any] = {
    "node_key": np.int64,
    "node_lon": np.int32,
    "node_lat": np.int32,
    "node_component": np.int32,
    "edge_from": np.int32,
    "edge_to": np.int32,
    "edge_back_from": np.int32,
    "edge_back_to": np.int32,
    "edge_length_m": np.float64,
    "edge_car_s": np.float64,
    "edge_access": np.uint8,
    "edge_ends": np.uint8,
    "edge_class": np.uint8,
    "edge_name": np.int32,
    "shape_start": np.int64,
    "shape_lon": np.int32,
    "shape_lat": np.int32,
    "forward_start": np.int32,
    "forward_arc": np.int32,
    "reverse_start": np.int32,
    "reverse_arc": np.int32,
}

#: What networks lack that were made before it was known who may go only to the ends, and turns.
_LATER = ("edge_ends", "edge_back_from", "edge_back_to")

type Ints = npt.NDArray[np.int64]

#: The keys of the parts of a split junction begin here: no source's key nor coordinate key is near.
SPLIT = -(2**60)


@dataclass(frozen=True, slots=True)
class RoadLines:
    """The lines of one source, before they become a network: equal keys at their ends join them.

    A junction that not everybody may cross as he likes is split. At a barrier each of its roads ends
    at a node of its own (keys from :data:`SPLIT` on), and lines without length join them; at a turn
    restriction each road has two, one where it arrives and one where it leaves, so that two turns
    in a row do not make a third.

    Line ``i`` has the vertices ``start[i]:start[i + 1]``; NaN in ``length_m``, ``speed_kmh`` or
    ``seconds`` means that the source does not say. ``speed_kmh`` is driven, not posted.
    """

    start: Ints
    lon: npt.NDArray[np.int32]
    lat: npt.NDArray[np.int32]
    from_key: Ints
    to_key: Ints
    road_class: npt.NDArray[np.uint8]
    #: Whether it lies in a built-up place.
    town: npt.NDArray[np.bool_]
    access: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.uint8]
    speed_kmh: Floats
    seconds: Floats
    length_m: Floats
    name: npt.NDArray[np.object_]
    #: Seconds lost on each line besides, none where it is None.
    delay_s: Floats | None = None
    #: The keys between which a line is followed against its drawing (the first at its end), where
    #: they are not ``to_key`` and ``from_key``.
    back_keys: tuple[Ints, Ints] | None = None
    #: How many rows of the source were left out, or heard of, by reason.
    skipped: dict[str, int] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    #: How many rows say nothing, by field: each has the default of its field.
    unsaid: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.from_key)

    @property
    def keys(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Where a line begins and ends as drawn, then against the drawing."""
        return self.from_key, self.to_key, *(self.back_keys or (self.to_key, self.from_key))


@dataclass(frozen=True, slots=True)
class RoadSource:
    """Where lines came from, for the manifest."""

    name: str
    sha256: str
    reader: str
    licence: str = ""


def access_of(
    road_class: npt.NDArray[np.uint8], oneway: npt.NDArray[np.int8]
) -> npt.NDArray[np.uint8]:
    """Return the access bits of a class; ``oneway`` is 1 as drawn, -1 against, 0 both. People on
    foot ignore it.
    """
    modes = np.array([CLASS_MODES.get(name, ROAD) for name in ROAD_CLASSES], dtype=np.uint8)[
        road_class
    ]
    wheels, foot = modes & 0b011, modes & 0b100
    ahead = np.where(oneway >= 0, wheels, 0) | foot
    back = np.where(oneway <= 0, wheels, 0) | foot
    return np.asarray(ahead | (back << 3), dtype=np.uint8)


def only_at_ends(
    road_class: npt.NDArray[np.uint8],
    let: npt.NDArray[np.object_],
    held: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Return where cars may pass only at the two ends of a journey: on private ways (``held`` by
    their words), and on tracks of which nothing is said (``let`` is what their access means).
    """
    track = road_class == ROAD_CLASSES.index("track")
    return np.asarray(held | (track & ~np.isin(let, ("open", "closed"))))


def quantised(values: Floats) -> Floats:
    """Return the values rounded to whole quanta, at least one: sums of them are exact in any
    order.
    """
    return np.asarray(np.maximum(np.round(values / QUANTUM), 1.0) * QUANTUM)


# -- lines to network


def assemble(
    lines: RoadLines, *, sources: Iterable[RoadSource], speeds: SpeedTable = FRANCE
) -> tuple[dict[str, np.ndarray], list[str], dict[str, Any]]:
    """Return the arrays of :data:`COLUMNS`, the names of the roads, and the manifest.

    Lengths are the source's, else geodesic (WGS 84; Karney 2013); car seconds are the source's
    seconds, else length over the source's speed, else over the class's speed in ``speeds``.

    Raises
    ------
    LayerError
        There is no line at all.
    """
    if not len(lines):
        raise LayerError(
            "aucune route dans cette source ; vérifiez le fichier et les colonnes indiquées."
        )
    keys, vertex, ends = _nodes(lines)
    order = _canonical_order(lines, *ends[:2])
    lines, ends = _taken(lines, order), ends[:, order]
    length = quantised(np.where(np.isnan(lines.length_m), _geodesic_lengths(lines), lines.length_m))
    by_class = np.where(
        lines.town,
        speeds.car_speeds(town=True)[lines.road_class],
        speeds.car_speeds()[lines.road_class],
    )
    kmh = np.where(np.isnan(lines.speed_kmh), by_class, lines.speed_kmh)
    lane = (lines.ends > 0) & (lines.access & 0b001001 == 0) & np.isnan(lines.speed_kmh)
    kmh = np.where(lane, np.minimum(kmh, speeds.car_kmh["service"]), kmh)
    driven = length * 3.6 / kmh + (0.0 if lines.delay_s is None else lines.delay_s)
    seconds = quantised(np.where(np.isnan(lines.seconds), driven, lines.seconds))
    names, name = np.unique(lines.name.astype(str), return_inverse=True)
    arrays = {
        "node_key": keys,
        "node_lon": vertex[0],
        "node_lat": vertex[1],
        "edge_from": ends[0],
        "edge_to": ends[1],
        "edge_back_from": ends[2],
        "edge_back_to": ends[3],
        "edge_length_m": length,
        "edge_car_s": seconds,
        "edge_access": lines.access,
        "edge_ends": lines.ends,
        "edge_class": lines.road_class,
        "edge_name": name,
        "shape_start": lines.start,
        "shape_lon": lines.lon,
        "shape_lat": lines.lat,
        **_csr(ends, lines.access | lines.ends, len(keys)),
    }
    arrays["node_component"] = _components(arrays, len(keys))
    typed = {
        column: np.ascontiguousarray(arrays[column], dtype=kind) for column, kind in COLUMNS.items()
    }
    return typed, [str(text) for text in names], _manifest(typed, lines, sources, speeds)


# What a line says of itself, its ends and its shape aside.
_DESCRIBED = ("road_class", "town", "access", "ends", "speed_kmh", "seconds", "length_m", "name")


def joined(parts: Sequence[RoadLines]) -> RoadLines:
    """Return several sources as one; their lines then meet where the coordinates of their ends are
    equal.
    """
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(int(part.start[-1]) for part in parts)])
    skipped, unsaid = Counter[str](), Counter[str]()
    for part in parts:
        skipped.update(part.skipped)
        unsaid.update(part.unsaid)
    stacked: dict[str, Any] = {
        column: np.concatenate([getattr(part, column) for part in parts])
        for column in ("lon", "lat", *_DESCRIBED)
    }
    start = np.concatenate(
        [part.start[:-1] + offset for part, offset in zip(parts, offsets, strict=False)]
    )
    start = np.append(start, offsets[-1])
    ends = coordinate_keys(stacked["lon"], stacked["lat"])
    nth = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    met = []
    for vertex, own in zip(
        (start[:-1], start[1:] - 1, start[1:] - 1, start[:-1]),
        map(np.concatenate, zip(*(part.keys for part in parts), strict=True)),
        strict=True,
    ):  # the parts of a split junction stay apart
        apart = (own >= SPLIT) & (own < SPLIT + 2**40)
        met.append(np.where(apart, own + nth * 2**40, ends[vertex]))
    return RoadLines(
        start=start,
        from_key=met[0],
        to_key=met[1],
        back_keys=(met[2], met[3]),
        skipped=dict(sorted(skipped.items())),
        delay_s=np.concatenate(
            [np.zeros(len(part)) if part.delay_s is None else part.delay_s for part in parts]
        ),
        unread=tuple(unread for part in parts for unread in part.unread),
        unsaid=dict(sorted(unsaid.items())),
        **stacked,
    )


def coordinate_keys(lon: npt.NDArray[np.int32], lat: npt.NDArray[np.int32]) -> Ints:
    """Return one whole number per position, equal where the positions are."""
    return np.asarray(
        (lon.astype(np.int64) + 2**31) << 32 | (lat.astype(np.int64) + 2**31), dtype=np.int64
    )


# Return the nodes' keys and positions, in Z-order, and the nodes of each line: four rows, as its keys.
def _nodes(lines: RoadLines) -> tuple[Ints, tuple[np.ndarray, np.ndarray], Ints]:
    first_vertex, last_vertex = lines.start[:-1], lines.start[1:] - 1
    vertices = np.concatenate([first_vertex, last_vertex, last_vertex, first_vertex])
    keys, first, inverse = np.unique(
        np.concatenate(lines.keys), return_index=True, return_inverse=True
    )
    lon, lat = lines.lon[vertices[first]], lines.lat[vertices[first]]
    order = np.lexsort((keys, _z_order(lon, lat)))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys))
    return keys[order], (lon[order], lat[order]), rank[inverse].reshape(4, -1)


# Interleave the bits of longitude and latitude (Morton 1966): neighbours on the ground stay close
# in memory.
def _z_order(lon: np.ndarray, lat: np.ndarray) -> npt.NDArray[np.uint64]:
    return _spread(lon) | (_spread(lat) << np.uint64(1))


def _spread(values: np.ndarray) -> npt.NDArray[np.uint64]:
    bits = (values.astype(np.int64) + 2**31).astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


# Order the lines by their ends, then by all that tells parallel lines apart.
def _canonical_order(lines: RoadLines, start: Ints, stop: Ints) -> Ints:
    middle = (lines.start[:-1] + lines.start[1:]) // 2
    numbers = (lines.length_m, lines.speed_kmh, lines.seconds)
    others = (
        lines.lat[middle],
        lines.lon[middle],
        np.diff(lines.start),
        *(np.nan_to_num(column, nan=-1.0) for column in numbers),
        lines.ends,
        lines.access,
        lines.road_class,
        lines.town,
        np.unique(lines.name.astype(str), return_inverse=True)[1],
    )
    return np.asarray(np.lexsort((*others, stop, start)), dtype=np.int64)


# Return the lines in another order, vertices included.
def _taken(lines: RoadLines, order: Ints) -> RoadLines:
    counts = np.diff(lines.start)[order]
    start = np.append(0, np.cumsum(counts))
    vertices = np.arange(start[-1]) + np.repeat(lines.start[:-1][order] - start[:-1], counts)
    moved: dict[str, Any] = {
        column: getattr(lines, column)[order] for column in ("from_key", "to_key", *_DESCRIBED)
    }
    if lines.delay_s is not None:
        moved["delay_s"] = lines.delay_s[order]
    if lines.back_keys is not None:
        moved["back_keys"] = tuple(keys[order] for keys in lines.back_keys)
    return replace(lines, start=start, lon=lines.lon[vertices], lat=lines.lat[vertices], **moved)


def _geodesic_lengths(lines: RoadLines) -> Floats:
    lon, lat = lines.lon / DEGREE, lines.lat / DEGREE
    step = Geod(ellps="WGS84").inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]
    within = np.append(np.asarray(step, dtype=np.float64), 0.0)
    within[lines.start[1:] - 1] = 0.0  # the step from one line's end to the next line's start
    return np.asarray(np.add.reduceat(within, lines.start[:-1]), dtype=np.float64)


# List the arcs by the node they leave and by the node they reach.
def _csr(ends: Ints, access: np.ndarray, nodes: int) -> dict[str, np.ndarray]:
    ahead, back = np.flatnonzero(access & 0b000111), np.flatnonzero(access & 0b111000)
    arc = np.concatenate([2 * ahead, 2 * back + 1])
    rows = {}
    for name, node in (
        ("forward", np.concatenate([ends[0, ahead], ends[2, back]])),
        ("reverse", np.concatenate([ends[1, ahead], ends[3, back]])),
    ):
        rows[f"{name}_start"] = np.append(0, np.cumsum(np.bincount(node, minlength=nodes)))
        rows[f"{name}_arc"] = arc[np.lexsort((arc, node))]
    return rows


# Number the pieces of the network that no road joins: 0 is the piece with most nodes.
def _components(arrays: dict[str, np.ndarray], nodes: int) -> Ints:
    start, stop = (
        np.concatenate([arrays[side], arrays[f"edge_back_{side[5:]}"]])
        for side in ("edge_from", "edge_to")
    )
    graph = sparse.coo_array(
        (np.ones(len(start), dtype=np.int8), (start, stop)), shape=(nodes, nodes)
    )
    _, label = csgraph.connected_components(graph, directed=False)
    _, first, inverse, size = np.unique(
        label, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(len(size))
    return np.asarray(rank[inverse], dtype=np.int64)


def _manifest(
    arrays: dict[str, np.ndarray],
    lines: RoadLines,
    sources: Iterable[RoadSource],
    speeds: SpeedTable,
) -> dict[str, Any]:
    access, component = arrays["edge_access"], arrays["node_component"]
    by_class = access_of(lines.road_class, np.zeros(len(lines), dtype=np.int8))
    road = lines.length_m != 0  # not a turn at a split junction
    return {
        "format": FORMAT,
        "version": VERSION,
        "sources": [
            {
                "name": source.name,
                "sha256": source.sha256,
                "reader": source.reader,
                "licence": source.licence,
            }
            for source in sorted(sources, key=lambda source: (source.name, source.sha256))
        ],
        "speeds": {
            "name": speeds.name,
            "version": speeds.version,
            "junction_s": speeds.junction_s,
            "signal_s": speeds.signal_s,
            "foot_kmh": speeds.foot_kmh,
            "bicycle_kmh": speeds.bicycle_kmh,
            "edges_with_source_speed": int(
                ((~np.isnan(lines.speed_kmh) | ~np.isnan(lines.seconds)) & road).sum()
            ),
        },
        "counts": {
            "nodes": len(component),
            "edges": len(access),
            "arcs": len(arrays["forward_arc"]),
            "oneway_edges": int(((access & 1) != (access >> 3 & 1)).sum()),
            "components": int(component.max()) + 1,
            "nodes_in_largest_component": int((component == 0).sum()),
            "length_km": round(float(arrays["edge_length_m"].sum()) / 1000, 3),
        },
        "skipped": lines.skipped,
        "closed_to_cars": int((by_class & 1 & ~(access | access >> 3) & road).sum()),
        "turns": int((~road).sum()),
        "in_town": int((lines.town & road).sum()),
        "only_at_ends": int(((lines.ends & 0b001001 > 0) & road).sum()),
        "unsaid": {field: rows for field, rows in lines.unsaid.items() if rows},
        "unknown_words": [asdict(unread) for unread in lines.unread],
    }


# -- the file


def write_network(
    path: Path, arrays: dict[str, np.ndarray], names: Sequence[str], manifest: dict[str, Any]
) -> None:
    """Write a network file: equal networks give equal bytes.

    Raises
    ------
    LayerError
        The file cannot be written.
    """
    columns = [pa.array(arrays[column]) for column in COLUMNS] + [pa.array(names, type=pa.string())]
    rows = [
        pa.LargeListArray.from_arrays(pa.array([0, len(column)], type=pa.int64()), column)
        for column in columns
    ]
    table = pa.record_batch(
        rows,
        schema=pa.schema(
            [pa.field(name, row.type) for name, row in zip((*COLUMNS, "names"), rows, strict=True)],
            metadata={FORMAT: json.dumps(manifest, ensure_ascii=False, sort_keys=True)},
        ),
    )
    with (
        refused(
            OSError,
            say=lambda error: (
                f"{path} ne peut pas être écrit ({error}) ; choisissez un autre dossier."
            ),
        ),
        whole(path) as draft,
        pa.OSFile(str(draft), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_batch(table)


def read_network(path: Path) -> tuple[dict[str, np.ndarray], list[str], dict[str, Any]]:
    """Map a network file into memory: the arrays (read only, nothing is copied), the names and the
    manifest.

    Raises
    ------
    LayerError
        The file is missing, is no network file, or was written by another version.
    """
    with (
        refused(
            OSError,
            KeyError,
            ValueError,
            pa.ArrowInvalid,
            say=lambda error: (
                f"{path} : ce n'est pas un réseau routier de Géoguichet ; « geoguichet "
                "referentials roads » en prépare un."
            ),
        ),
        refused(
            FileNotFoundError,
            say=lambda error: (
                f"{path} : ce réseau n'existe pas ; « geoguichet referentials roads » le prépare."
            ),
        ),
    ):
        batch = pa.ipc.open_file(pa.memory_map(str(path), "r")).get_batch(0)
        batch.validate(full=True)  # offsets that lead out of the file would end the process
        manifest = dict(json.loads((batch.schema.metadata or {})[FORMAT.encode()]))
        manifest["speeds"], manifest["sources"] = (
            dict(manifest["speeds"]),
            list(manifest["sources"]),
        )
    if manifest.get("version") != VERSION:
        raise LayerError(
            f"{path} : réseau de version {manifest.get('version')}, la version {VERSION} est "
            "attendue ; "
            "préparez-le de nouveau."
        )
    with refused(
        KeyError, ValueError, TypeError, AttributeError, pa.ArrowInvalid, say=_damaged(path)
    ):
        arrays = {
            name: batch.column(name)[0].values.to_numpy(zero_copy_only=True)
            for name in COLUMNS
            if name in batch.schema.names or name not in _LATER
        }
        names = [str(name) for name in batch.column("names")[0].as_py()]
        _check(arrays, len(names))
        for mode in ("bicycle_kmh", "foot_kmh"):
            if not 0 < manifest["speeds"][mode] < np.inf:
                raise ValueError(mode)
    arrays.setdefault("edge_ends", np.zeros_like(arrays["edge_access"]))
    arrays.setdefault("edge_back_from", arrays["edge_to"])
    arrays.setdefault("edge_back_to", arrays["edge_from"])
    return arrays, names, manifest


def _damaged(path: Path) -> Callable[[Exception], str]:
    return lambda error: _(
        "{path} : ce réseau routier est abîmé ({error}) ; « geoguichet referentials roads » en refait un.",
        path=path,
        error=error,
    )


# Refuse numbers that no network has: a search would follow them out of its arrays.
def _check(arrays: dict[str, np.ndarray], names: int) -> None:
    nodes, edges = len(arrays["node_key"]), len(arrays["edge_from"])
    vertices, arcs = len(arrays["shape_lon"]), len(arrays["forward_arc"])
    long = {"node": nodes, "edge": edges, "forward_start": nodes + 1, "reverse_start": nodes + 1,
            "shape_start": edges + 1, "shape": vertices, "forward": arcs, "reverse": arcs}  # fmt: skip
    below = {"node_component": nodes, "edge_class": len(ROAD_CLASSES), "edge_name": names,
             "forward_arc": 2 * edges, "reverse_arc": 2 * edges}  # fmt: skip
    below |= dict.fromkeys(("edge_from", "edge_to", "edge_back_from", "edge_back_to"), nodes)
    last = {"forward_start": arcs, "reverse_start": arcs, "shape_start": vertices}
    below |= {"node_lon": 180 * DEGREE + 1, "node_lat": 90 * DEGREE + 1} | {
        "shape_lon": 180 * DEGREE + 1, "shape_lat": 90 * DEGREE + 1}  # fmt: skip
    for name, values in arrays.items():
        top, ends = below.get(name), last.get(name)
        least = -below.get(name, 0) if name.endswith(("lon", "lat")) else 0
        right = (
            len(values) == long.get(name, long[name.partition("_")[0]])
            and values.dtype.kind == np.dtype(COLUMNS[name]).kind
            and (top is None or not len(values) or least <= values.min() <= values.max() < top)
            and (ends is None or (values[0] == 0 and values[-1] == ends))
            and (ends is None or not np.any(np.diff(values) < 0))
            and (values.dtype.kind != "f" or (values.min() > 0 and values.max() < np.inf))
        )
        if not (right and nodes and edges):
            raise ValueError(name)
    if np.any(np.diff(arrays["shape_start"]) < 2):
        raise ValueError("shape_start")
