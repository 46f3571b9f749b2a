"""The line where a field on a grid changes sign, as polygons (marching squares, Lorensen & Cline 1987)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

type Field = npt.NDArray[np.float32]
type Nodes = npt.NDArray[np.int64]
type Shapes = npt.NDArray[np.object_]

_NEAREST_TO_A_NODE = 0.02
"""The line keeps away from the nodes by this share of a step, so that no two of its corners meet there."""

_CROSSED: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 0), (1, 2)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((0, 1), (2, 3)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}
"""Sides of a square (top 0, right 1, bottom 2, left 3) that the line joins, by its negative corners: north-west 1,
north-east 2, south-east 4, south-west 8. Two opposite negative corners are kept apart."""


def sign_faces(field: Field, *, left: float, top: float, step: float) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Return the faces that the line where the field is 0 encloses, and which of them are negative.

    The field is linear between neighbouring nodes; row 0 is the northernmost, node (0, 0) stands at ``left``, ``top``.
    A node at 0 is positive, and so is everything beyond the grid. The faces are valid and share their borders exactly;
    those that are positive are the holes of the others. Each holds a node, so it has one sign.
    """
    field = np.pad(field, 1, constant_values=1.0)
    left, top = left - step, top + step
    negative = field < 0
    ends = _segments(negative)
    if not len(ends):
        return np.empty(0, dtype=object), np.empty(0, dtype=bool)
    lines = shapely.linestrings(_placed(ends, field, left, top, step))
    faces = shapely.get_parts(shapely.polygonize(lines))
    beside = np.flatnonzero(_beside_a_crossing(negative))
    columns = field.shape[1]
    nodes = shapely.points(left + beside % columns * step, top - beside // columns * step)
    below = np.zeros(len(faces), dtype=bool)
    below[shapely.STRtree(nodes).query(faces, predicate="contains")[0]] = True
    return faces, below


def _segments(negative: npt.NDArray[np.bool_]) -> Nodes:
    """Return the segments of the line as pairs of grid sides, each by its two nodes: an array (n, 2, 2)."""
    columns = negative.shape[1]
    corner = [negative[:-1, :-1], negative[:-1, 1:], negative[1:, 1:], negative[1:, :-1]]
    case = sum((part.astype(np.uint8) << bit for bit, part in enumerate(corner)), np.zeros((), dtype=np.uint8))
    squares = np.flatnonzero((case > 0) & (case < 15))
    kind = np.asarray(case).ravel()[squares]
    north_west = squares // (columns - 1) * columns + squares % (columns - 1)
    sides = np.array([[0, 1], [1, columns + 1], [columns, columns + 1], [0, columns]])
    parts = [
        north_west[kind == number, None, None] + sides[list(joined)]
        for number, segments in _CROSSED.items()
        for joined in segments
    ]
    return np.concatenate(parts).astype(np.int64)


def _placed(ends: Nodes, field: Field, left: float, top: float, step: float) -> npt.NDArray[np.float64]:
    """Return where the line crosses each side: computed from the side alone, so alike from both squares beside it."""
    values = field.ravel().astype(np.float64)
    first, second = values[ends[..., 0]], values[ends[..., 1]]
    share = np.clip(first / (first - second), _NEAREST_TO_A_NODE, 1 - _NEAREST_TO_A_NODE)
    column, row = ends % field.shape[1], ends // field.shape[1]
    x = left + (column[..., 0] + share * (column[..., 1] - column[..., 0])) * step
    y = top - (row[..., 0] + share * (row[..., 1] - row[..., 0])) * step
    return np.stack([x, y], axis=-1)


def _beside_a_crossing(negative: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the negative nodes that have a positive neighbour (the pad guarantees that no node is on the rim)."""
    around = np.ones_like(negative)
    around[1:-1, 1:-1] = negative[:-2, 1:-1] & negative[2:, 1:-1] & negative[1:-1, :-2] & negative[1:-1, 2:]
    return np.asarray(negative & ~around)
