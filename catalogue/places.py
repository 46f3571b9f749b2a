"""Places as words of the full-text index: cells of a quadtree of the globe. One index answers words and place."""

from __future__ import annotations

import math
from collections.abc import Iterator

from geoguichet.catalogue.record import Extent

_DEEPEST = 10
"""Level 10 has 1024 x 1024 cells, 0.35 by 0.18 degrees."""


def tokens_of(extent: Extent) -> list[str]:
    """Return the tokens of a record's place: the few cells that cover it, and the cells those lie in."""
    cells = {cell for box in extent.boxes() for cell in _cover(box, 4)}
    around = {above for cell in cells for above in _ancestors(cell)}
    return [_cell_token("c", cell) for cell in sorted(cells)] + [_cell_token("i", cell) for cell in sorted(around)]


def tokens_touching(extent: Extent) -> list[str]:
    """Return the tokens of which a record has at least one if it touches the box (and of some that do not)."""
    cells = {cell for box in extent.boxes() for cell in _cover(box, 12)}
    around = {above for cell in cells for above in _ancestors(cell)}
    return [_cell_token("c", cell) for cell in sorted(cells | around)] + [_cell_token("i", c) for c in sorted(cells)]


type _Cell = tuple[int, int, int]
"""Level, column from the west, row from the south."""


def _cover(box: tuple[float, float, float, float], most: int) -> list[_Cell]:
    """Return the cells of the deepest level at which no more than ``most`` are needed to cover a box."""
    for level in range(_DEEPEST, 0, -1):
        west, south, east, north = _grid(box, level)
        if (east - west + 1) * (north - south + 1) <= most:
            return [(level, x, y) for x in range(west, east + 1) for y in range(south, north + 1)]
    return [(0, 0, 0)]


def _grid(box: tuple[float, float, float, float], level: int) -> tuple[int, int, int, int]:
    """Return the cells of the corners of a box, west, south, east and north."""
    side = 1 << level
    west, east = ((longitude + 180.0) / 360.0 * side for longitude in (box[0], box[2]))
    south, north = ((latitude + 90.0) / 180.0 * side for latitude in (box[1], box[3]))
    # a corner on a line between cells belongs to both, so that boxes that only touch meet in a cell
    low = (max(0, math.ceil(edge) - 1) for edge in (west, south))
    high = (min(side - 1, math.floor(edge)) for edge in (east, north))
    (first, second), (third, fourth) = low, high
    return first, second, third, fourth


def _ancestors(cell: _Cell) -> Iterator[_Cell]:
    level, x, y = cell
    while level:
        level, x, y = level - 1, x >> 1, y >> 1
        yield level, x, y


def _cell_token(kind: str, cell: _Cell) -> str:
    return f"q{kind}{cell[0]}x{cell[1]}x{cell[2]}"
