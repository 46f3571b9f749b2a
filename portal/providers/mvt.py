"""A layer of a Mapbox Vector Tile (specification 2.1, Mapbox 2016), written in bulk: the geometries of
all its features at once by numpy, their attributes by column.

https://github.com/mapbox/vector-tile-spec/tree/master/2.1
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

type Array = np.ndarray[Any, np.dtype[Any]]

#: Units of a tile.
EXTENT = 4096
_POINT, _LINE, _POLYGON = 1, 2, 3
#: What a line or a ring smaller than a unit is drawn as, so that nothing vanishes.
_LEAST = {
    _LINE: np.array([[0, 0], [1, 0]]),
    _POLYGON: np.array([[0, 0], [1, 0], [1, 1], [0, 1]]),
}
_MOVE, _DRAW, _CLOSE = 1, 2, 15


def layer(name: str, shapes: Array, columns: Mapping[str, Sequence[object]]) -> bytes:
    """Return a tile of one layer.

    Parameters
    ----------
    name
        Of the layer.
    shapes
        Geometries in units of the tile, from its north-west corner, southward.
    columns
        Values of each attribute, a feature each: texts, numbers, booleans; None where there is none.
    """
    drawn: list[tuple[int, bytes]] = [(0, b"")] * len(shapes)
    dimensions = np.where(shapely.is_empty(shapes), -1, shapely.get_dimensions(shapes))
    for kind in {*dimensions.tolist()} - {-1}:
        own = np.flatnonzero(dimensions == kind)
        for place, told in zip(own, _drawn(shapes[own], kind + 1), strict=True):
            drawn[place] = kind + 1, told
    tags, values = _tags(columns, len(shapes))
    features = [
        b"\x12%b%b\x18%b\x22%b%b" % (_varint(len(tag)), tag, bytes([kind]), _varint(len(one)), one)
        for tag, (kind, one) in zip(tags, drawn, strict=True)
        if one
    ]
    head = b"\x0a" + _sized(name.encode())
    keys = b"".join(b"\x1a" + _sized(key.encode()) for key in columns)
    ends = b"".join(b"\x22" + _sized(value) for value in values)
    body = b"".join(b"\x12" + _sized(feature) for feature in features)
    tail = b"\x28" + _varint(EXTENT) + b"\x78\x02"
    return b"\x1a" + _sized(head + body + keys + ends + tail)


# --- geometries -----------------------------------------------------------------------------------


# Yield the commands that draw shapes of one kind, a shape each.
def _drawn(shapes: Array, kind: int) -> Iterator[bytes]:
    places, paths, owners = _vertices(shapes, kind)
    start = np.flatnonzero(np.diff(paths, prepend=-1))
    count = np.diff(start, append=len(paths))
    owner = owners[paths]
    steps = np.diff(places, axis=0, prepend=np.zeros((1, 2), int))
    anew = np.flatnonzero(np.diff(owner, prepend=-1))
    steps[anew] = places[anew]
    # where each command stands among the vertices: a ring is closed before the next is begun there
    each = np.ones_like(count)
    at, commands = [start, start + 1], [each * 8 | _MOVE, (count - 1) << 3 | _DRAW]
    if kind == _POINT:
        at, commands = [start], [count << 3 | _MOVE]
    elif kind == _POLYGON:
        at, commands = [start + count, *at], [each * _CLOSE, *commands]
    before = np.concatenate(at) * 2
    whose = np.insert(np.repeat(owner, 2), before, np.tile(owner[start], len(at)))
    zigzag = ((steps << 1) ^ (steps >> 63)).ravel()
    yield from _parted(np.insert(zigzag, before, np.concatenate(commands)), whose, len(shapes))


# Return the vertices of shapes as whole units, the path of each, and the shape of each path. What would
# vanish is drawn as small as can be; a hole that would is left out.
def _vertices(shapes: Array, kind: int) -> tuple[Array, Array, Array]:
    if kind == _POINT:
        found, owners = shapely.get_coordinates(shapes, return_index=True)
        return np.rint(found).astype(int), owners, np.arange(len(shapes))
    paths, owners = shapely.get_parts(shapes, return_index=True)
    own = (shapely.get_dimensions(paths) == kind - 1) & ~shapely.is_empty(paths)
    paths, owners = paths[own], owners[own]
    outer = np.ones(len(paths), bool)
    if kind == _POLYGON:  # clockwise as it is seen, so counter-clockwise where y goes down
        turned = shapely.orient_polygons(paths)
        paths, part = shapely.get_rings(turned, return_index=True)
        owners, outer = owners[part], np.diff(part, prepend=-1) > 0
    found, path = shapely.get_coordinates(paths, return_index=True)
    places = np.rint(found).astype(int)
    if kind == _POLYGON:
        closing = np.diff(path, append=-1) != 0
        places, path = places[~closing], path[~closing]
    first = np.flatnonzero(np.diff(path, prepend=-1))
    still = (np.diff(places, axis=0, prepend=places[:1]) == 0).all(axis=1)
    still[first] = False
    following = np.roll(places, -1, axis=0)
    ends = np.append(first[1:], len(path)) - 1
    following[ends] = places[first]
    if kind == _POLYGON:
        still[ends] |= (places[ends] == following[ends]).all(axis=1)
        twice = places[:, 0] * following[:, 1] - following[:, 0] * places[:, 1]
        size = np.bincount(path, twice, len(paths))
        small, gone = (size <= 0) & outer, (size >= 0) & ~outer
    else:
        small, gone = np.bincount(path, ~still, len(paths)) < 2, ~outer
    keep = ~still & ~small[path] & ~gone[path]
    least = (places[first][small][:, None] + _LEAST[kind]).reshape(-1, 2)
    of_least = np.repeat(np.flatnonzero(small), len(_LEAST[kind]))
    order = np.argsort(both := np.concatenate([path[keep], of_least]), kind="stable")
    return np.concatenate([places[keep], least])[order], both[order], owners


# --- attributes -----------------------------------------------------------------------------------


# Return the tags of each feature, and the values that they point at.
def _tags(columns: Mapping[str, Sequence[object]], many: int) -> tuple[list[bytes], list[bytes]]:
    known: dict[tuple[type, object], int] = {}
    told = np.full((many, len(columns), 2), -1)
    for place, values in enumerate(columns.values()):
        told[:, place, 0] = place
        told[:, place, 1] = [
            -1 if one is None else known.setdefault((type(one), one), len(known)) for one in values
        ]
    has = told[:, :, 1] >= 0
    whose = np.repeat(np.arange(many), has.sum(axis=1) * 2)
    return [*_parted(told[has].ravel(), whose, many)], [_VALUES[kind](one) for kind, one in known]


#: How a value is told, by its type.
_VALUES: Mapping[type, Callable[[Any], bytes]] = {
    bool: lambda one: b"\x38\x01" if one else b"\x38\x00",
    int: lambda one: b"\x30" + _varint(one << 1 if one >= 0 else ~one << 1 | 1),
    float: lambda one: b"\x19" + struct.pack("<d", one),
    str: lambda one: b"\x0a" + _sized(one.encode("utf-8", "replace")),
}


# --- numbers --------------------------------------------------------------------------------------


# Yield numbers as varints, those of each owner (in order) together.
def _parted(numbers: Array, owners: Array, many: int) -> Iterator[bytes]:
    shifts = np.arange(0, 35, 7)
    left = numbers[:, None] >> shifts
    there = left > 0
    there[:, 0] = True
    more = np.roll(there, -1, axis=1)
    more[:, -1] = False
    body = ((left & 127) | (more << 7)).astype(np.uint8)[there].tobytes()
    ends = np.cumsum(np.bincount(owners, there.sum(axis=1), many)).astype(int)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        yield body[start:end]


def _varint(number: int) -> bytes:
    more = _varint(number >> 7) if number > 127 else b""
    return bytes([number & 127 | (128 if more else 0)]) + more


def _sized(body: bytes) -> bytes:
    return _varint(len(body)) + body
