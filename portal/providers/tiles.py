"""One tile of a layer, cut when it is asked for: Mapbox Vector Tiles in the tile matrix set
WebMercatorQuad (`mvt` writes them).

A tile holds so many features at most: past that, one stands for those of its square of the tile,
the largest, and says how many they are (``point_count``). Nothing is left out in silence.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import shapely

from geoguichet.floor.viewer import Viewer
from geoguichet.portal.providers import mvt
from geoguichet.portal.providers.features import (
    FeatureQuery,
    LayerProvider,
    Match,
    Shape,
)
from geoguichet.portal.providers.geopackage import Box, geometries
from geoguichet.portal.providers.mvt import EXTENT

#: Squares that a tile is parted in, on a side, where it has too many features: as many at most as
#: there are squares.
SQUARES = 64
#: How many times a tile may be parted in four.
DEEPEST = 22
#: Units of a tile that are drawn around it.
_BUFFER = 64
#: Half the side of the world (metres of EPSG:3857).
HALF = math.pi * 6378137
COUNT = "point_count"


class Address(NamedTuple):
    """Where a tile stands: its level, its row from the north and its column from the west."""

    z: int
    y: int
    x: int

    @property
    def side(self) -> float:
        """Its side (metres of EPSG:3857)."""
        return 2 * HALF / 2**self.z

    @property
    def corner(self) -> tuple[float, float]:
        """Its west and its south (metres of EPSG:3857)."""
        return self.x * self.side - HALF, HALF - (self.y + 1) * self.side

    def box(self, around: float = _BUFFER / EXTENT) -> Box:
        """Return its box in degrees, with a share of its side around it."""
        west, south = self.corner
        more = self.side * around
        (w, s), (e, n) = (
            _degrees(west - more, south - more),
            _degrees(west + self.side + more, south + self.side + more),
        )
        return max(w, -180.0), s, min(e, 180.0), n


def _degrees(x: float, y: float) -> tuple[float, float]:
    return math.degrees(x / HALF * math.pi), math.degrees(math.atan(math.sinh(y / HALF * math.pi)))


def at(box: Box, z: int) -> tuple[Address, Address]:
    """Return the tiles of a level at the north-west and the south-east of a box in degrees."""
    corners = _metres(np.array([[box[0], box[3]], [box[2], box[1]]]))
    side, last = 2 * HALF / 2**z, 2**z - 1
    found = [
        Address(
            z, *(min(max(int(each), 0), last) for each in ((HALF - y) / side, (x + HALF) / side))
        )
        for x, y in corners
    ]
    return found[0], found[1]


# Return longitudes and latitudes as metres of EPSG:3857; the poles are as far as its square.
def _metres(degrees: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    latitude = np.radians(np.clip(degrees[:, 1], -85.06, 85.06))
    return np.column_stack(
        [degrees[:, 0] / 180 * HALF, np.arcsinh(np.tan(latitude)) / math.pi * HALF]
    )


class Drawn(NamedTuple):
    """A tile, empty where nothing is; features that met it, and those that are in it."""

    body: bytes
    matched: int
    told: int


def cut(
    provider: LayerProvider,
    query: FeatureQuery,
    tile: Address,
    *,
    name: str,
    columns: Mapping[str, str],
    viewer: Viewer,
) -> Drawn:
    """Return one tile of the rows that a question selects, as a layer of a name, with columns of so
    many JSON types.
    """
    asked = replace(query, boxes=(tile.box(),), limit=SQUARES**2)
    page = provider.ask(asked, viewer=viewer)
    matches, counts = page.matches, [1] * len(page.matches)
    if page.matched > len(matches):
        matches, counts = _thinned(provider, asked, tile, viewer)
    made: dict[str, list[Any]] = {column: [] for column in ("id", *columns)}
    blobs: list[bytes | None] = []
    for ids, some, told in provider.told(matches, Shape(names=tuple(columns))):
        blobs += some
        for column, values in made.items():
            values += map(str, ids) if column == "id" else [one[column] for one in told]
    if not blobs:
        return Drawn(b"", page.matched, 0)
    if max(counts) > 1:
        made[COUNT] = counts
    body = mvt.layer(name, _placed(geometries(blobs), tile), made)
    return Drawn(body, page.matched, len(matches))


# Return, for each square of a tile that has any, its largest feature and how many it has.
def _thinned(
    provider: LayerProvider, asked: FeatureQuery, tile: Address, viewer: Viewer
) -> tuple[list[Match], list[int]]:
    # without what is around it: a point of a neighbour stands for none of its own
    parts = provider.envelopes(replace(asked, boxes=(tile.box(0),)), viewer=viewer)
    rows = np.concatenate([rows for _part, rows in parts])
    owners = np.repeat(np.arange(len(parts)), [len(rows) for _part, rows in parts])
    size = (rows[:, 3] - rows[:, 1]) * (rows[:, 4] - rows[:, 2])
    order = np.argsort(-size, kind="stable")
    rows, owners = rows[order], owners[order]
    middle = _metres((rows[:, 1:3] + rows[:, 3:5]) / 2)
    squares = np.clip((middle - tile.corner) / (tile.side / SQUARES), 0, SQUARES - 1).astype(int)
    found = np.unique(squares @ [1, SQUARES], return_index=True, return_counts=True)
    kept = sorted(zip(found[1], found[2], strict=True), key=lambda one: (owners[one[0]], one[0]))
    matches = [Match(parts[owners[n]][0], int(rows[n, 0])) for n, _count in kept]
    return matches, [int(count) for _n, count in kept]


# Return shapes in units of a tile, from its north-west corner: what is drawn of them, and a little
# around it.
def _placed(shapes: np.ndarray[Any, Any], tile: Address) -> np.ndarray[Any, Any]:
    west, south = tile.corner
    unit = tile.side / EXTENT

    def placed(degrees: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return (_metres(degrees) - (west, south + tile.side)) / (unit, -unit)

    made = shapely.transform(shapely.force_2d(shapes), placed)
    wide = shapely.get_dimensions(made) > 0
    made[wide] = _whole(shapely.clip_by_rect(made[wide], *[-_BUFFER] * 2, *[EXTENT + _BUFFER] * 2))
    return made


# Simplify shapes and put them on whole units; those that cross themselves, or that this spoils, are
# mended, for readers that refuse them. One smaller than a unit is left without area.
def _whole(shapes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    crossed = ~shapely.is_valid(shapes)
    shapes[crossed] = shapely.make_valid(shapes[crossed])
    simple = shapely.simplify(shapes, EXTENT / 1024, preserve_topology=False)
    lost = shapely.is_empty(simple)
    simple[lost] = shapes[lost]
    made = shapely.transform(simple, np.rint)
    wrong = np.flatnonzero(~shapely.is_valid(made))
    mended = shapely.set_precision(simple[wrong], 1)
    made[wrong] = np.where(shapely.is_empty(mended), made[wrong], mended)
    return made
