"""The slack of a study over its whole ground, on a grid: finer where served and unserved land
meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geoguichet.coverage.errors import ZoneError
from geoguichet.coverage.routers.impedance import Bools, Floats, Positions, Router
from geoguichet.floor.words import Unit
from geoguichet.referentials.layers import LONLAT, metric_of

if TYPE_CHECKING:
    from rasterio import Affine

type Field = npt.NDArray[np.float32]
type Shapes = npt.NDArray[np.object_]
#: The slack the rule leaves at points in EPSG:4326, NaN where it cannot be met at any threshold.
type Slack = Callable[[gpd.GeoSeries], Floats]

#: How many steps of the fine grid make one of the coarse grid.
FINER = 4
_MOST_NODES = 4_000_000
_ROUNDS = 4
#: A degree of longitude is longer than that wherever we measure.
_LEAST_DEGREE_M = 60_000.0


@dataclass(frozen=True, slots=True)
class Surface:
    """The slack at the middles of square cells in the metres of ``crs``, row 0 northernmost.

    ``slack`` is in the study's unit, NaN where nothing is known; ``inside`` tells the cells whose
    middle lies in the territory. ``fine`` holds the sign's field on a grid :data:`FINER` times
    finer, whose every ``FINER``-th node is the middle of a cell: exact where served and unserved
    land meet, interpolated elsewhere, positive outside.
    """

    slack: Field
    inside: Bools
    fine: Field
    #: Easting of the westernmost middles.
    left: float
    #: Northing of the northernmost middles.
    top: float
    #: The territory's own system: ``EPSG:2154`` in metropolitan France.
    crs: str
    cell_m: float
    unit: Unit
    #: Points whose slack was computed.
    asked: int

    @property
    def transform(self) -> Affine:
        """The affine transform of the raster: its corner is half a cell from the first middle."""
        return _affine(self.left, self.top, self.cell_m)


# Few studies draw a surface: what burns and reads rasters is imported by those that do.
def _affine(left: float, top: float, step: float) -> Affine:
    from rasterio import Affine

    return Affine(step, 0, left - step / 2, 0, -step, top + step / 2)


def slack_surface(
    boundary: shapely.MultiPolygon,
    slack: Slack,
    *,
    cell_m: float,
    router: Router,
    probes: gpd.GeoSeries | None = None,
) -> Surface:
    """Compute the slack over a territory (``boundary`` in EPSG:4326), each value by the very answer
    a person gets.

    Every middle of a cell within a cell of the territory is asked first. Then some squares between
    four middles are asked on the fine grid: where the sign changes, where it could (a corner is
    nearer to 0 than what half a diagonal changes), where a probe has another sign than a corner,
    and where the line goes on from those. Probes are the ``probes`` given (the demand) and, by
    road, points along every edge: what is narrower than a cell lies along a road.

    Raises
    ------
    ZoneError
        The grid would have more than 4 million cells.
    """
    grid = grid_over(boundary, cell_m)
    near, inside = masks(boundary, grid)
    coarse = np.full(near.shape, np.nan, dtype=np.float32)
    rows, columns = np.nonzero(near)
    coarse[rows, columns] = slack(grid.points(rows, columns))
    cap = router.steepness * cell_m
    field = _signed(coarse, cap)
    field[~near] = cap
    told = _beside(boundary, _probes(router, probes, cell_m / 2), cell_m)
    # a corner so near to 0 that an islet of the other sign may hide between the corners
    mixed = _mixed(field) | np.logical_or.reduce(_corners(np.abs(field) < cap * np.sqrt(0.5)))
    if len(told):
        mixed |= _contradicted(field, grid, told, slack(told))
    fine, asked = _refined(field, mixed, np.logical_and.reduce(_corners(near)), grid, slack, cap)
    return Surface(
        np.where(near, coarse, np.float32("nan")),
        inside,
        fine,
        grid.left,
        grid.top,
        grid.crs,
        cell_m,
        router.unit,
        len(rows) + asked + len(told),
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """The middles of square cells, in the metres of ``crs``; row 0 is the northernmost."""

    left: float
    top: float
    step: float
    shape: tuple[int, int]
    crs: str

    def points(self, rows: Positions, columns: Positions) -> gpd.GeoSeries:
        """Return nodes as points in EPSG:4326."""
        x, y = self.left + columns * self.step, self.top - rows * self.step
        return gpd.GeoSeries(shapely.points(x, y), crs=self.crs).to_crs(LONLAT)

    @property
    def transform(self) -> Affine:
        """The affine transform of its cells: its corner is half a cell from the first middle."""
        return _affine(self.left, self.top, self.step)

    def finer(self) -> Grid:
        """Return the grid of :data:`FINER` times as many steps, whose nodes hold these."""
        rows, columns = ((length - 1) * FINER + 1 for length in self.shape)
        return Grid(self.left, self.top, self.step / FINER, (rows, columns), self.crs)


def grid_over(boundary: shapely.MultiPolygon, cell_m: float) -> Grid:
    """Return the grid of the middles, at odd multiples of half a cell, two cells larger than the
    territory (in EPSG:4326).

    Raises
    ------
    ZoneError
        It would have more than 4 million cells.
    """
    crs = metric_of(boundary.bounds)
    west, south, east, north = gpd.GeoSeries([boundary], crs=LONLAT).to_crs(crs).total_bounds
    first, last = (
        np.floor(np.array([west, south]) / cell_m) - 2,
        np.ceil(np.array([east, north]) / cell_m) + 2,
    )
    columns, rows = (last - first).astype(int)
    if rows * columns > _MOST_NODES:
        least = cell_m * np.sqrt(rows * columns / _MOST_NODES)
        raise ZoneError(
            f"une grille de {cell_m:g} m aurait {rows * columns} mailles sur ce territoire, 4 "
            "millions au plus sont "
            f'attendues ; essayez cell = "{np.ceil(least / 10) * 10:.0f} m".'
        )
    return Grid(
        float(first[0] + 0.5) * cell_m,
        float(last[1] - 0.5) * cell_m,
        cell_m,
        (int(rows), int(columns)),
        crs,
    )


def masks(boundary: shapely.MultiPolygon, grid: Grid) -> tuple[Bools, Bools]:
    """Return the middles within a cell of the territory, and those in it."""
    from rasterio.features import rasterize
    from scipy.ndimage import binary_dilation

    shape = gpd.GeoSeries([boundary], crs=LONLAT).to_crs(grid.crs).iloc[0]
    touched, inside = (
        rasterize([shape], grid.shape, transform=grid.transform, all_touched=all_touched).astype(
            bool
        )
        for all_touched in (True, False)
    )
    return binary_dilation(touched, np.ones((3, 3), dtype=bool)), inside


# Return the values cut to what places the border; what cannot be met at all is as far below 0 as
# can be.
def _signed(values: Field, cap: float) -> Field:
    return np.clip(np.nan_to_num(values, nan=-cap), -cap, cap).astype(np.float32)


# Return what is known of the four nodes around each square: north-west, north-east, south-east,
# south-west.
def _corners(nodes: Bools) -> tuple[Bools, Bools, Bools, Bools]:
    return nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]


# Return the squares between four nodes whose signs differ.
def _mixed(field: Field) -> Bools:
    negative = _corners(field < 0)
    return np.asarray(np.logical_or.reduce(negative) & ~np.logical_and.reduce(negative))


# Return the located probes, and points along every way that the router knows.
def _probes(router: Router, probes: gpd.GeoSeries | None, step_m: float) -> gpd.GeoSeries:
    ways = router.along_ways(step_m)
    if probes is None:
        return ways
    return gpd.GeoSeries(
        np.concatenate([probes[~(probes.isna() | probes.is_empty)].to_numpy(), ways.to_numpy()]),
        crs=LONLAT,
    )


# Return the probes that lie near enough to the ground to say anything of it.
def _beside(boundary: shapely.MultiPolygon, probes: gpd.GeoSeries, cell_m: float) -> gpd.GeoSeries:
    west, south, east, north = boundary.bounds
    around = 3 * cell_m / _LEAST_DEGREE_M
    return probes.cx[west - around : east + around, south - around : north + around]


# Return the squares that hold a probe of another sign than one of their corners.
def _contradicted(field: Field, grid: Grid, probes: gpd.GeoSeries, slack: Floats) -> Bools:
    x, y = shapely.get_coordinates(probes.to_crs(grid.crs).to_numpy()).T
    row = np.floor((grid.top - y) / grid.step).astype(int)
    column = np.floor((x - grid.left) / grid.step).astype(int)
    found = np.zeros((grid.shape[0] - 1, grid.shape[1] - 1), dtype=bool)
    known = (row >= 0) & (row < found.shape[0]) & (column >= 0) & (column < found.shape[1])
    row, column, below = row[known], column[known], ~(slack[known] >= 0)
    for corner in _corners(field < 0):
        other = corner[row, column] != below
        found[row[other], column[other]] = True
    return found


# Return the field on the fine grid, asked in the mixed squares and where the line goes on from
# them.
def _refined(
    field: Field, mixed: Bools, near: Bools, grid: Grid, slack: Slack, cap: float
) -> tuple[Field, int]:
    finer, steps = grid.finer(), np.arange(FINER + 1)
    fine = _interpolated(field)
    known = np.zeros(fine.shape, dtype=bool)
    done, asked = np.zeros_like(mixed), 0
    for _ in range(_ROUNDS):
        rows, columns = np.nonzero(mixed & near & ~done)
        if not len(rows):
            break
        done |= mixed
        wanted = np.zeros(fine.shape, dtype=bool)
        south, east = rows[:, None, None] * FINER, columns[:, None, None] * FINER
        wanted[south + steps[:, None], east + steps] = True
        rows, columns = np.nonzero(wanted & ~known)
        fine[rows, columns] = _signed(slack(finer.points(rows, columns)).astype(np.float32), cap)
        known |= wanted
        asked += len(rows)
        # the coarse squares in which the line passes on the fine grid
        blocks = (mixed.shape[0], FINER, mixed.shape[1], FINER)
        mixed = _mixed(fine).reshape(blocks).any(axis=(1, 3))
    return fine, asked


# Return the field on the fine grid, bilinear.
def _interpolated(field: Field) -> Field:
    share = np.arange(FINER, dtype=np.float32) / FINER
    for axis in (0, 1):
        low, high = (
            np.take(field, part, axis=axis)
            for part in (range(field.shape[axis] - 1), range(1, field.shape[axis]))
        )
        between = np.stack([low + (high - low) * part for part in share], axis=axis + 1)
        shape = list(field.shape)
        shape[axis] = (field.shape[axis] - 1) * FINER
        field = np.concatenate(
            [between.reshape(shape), np.take(field, [field.shape[axis] - 1], axis=axis)], axis=axis
        )
    return field


# The line where a field on a grid changes sign, as polygons (marching squares, Lorensen & Cline
# 1987).

#: The line keeps away from the nodes by this share of a step, so that no two of its corners meet
#: there.
_NEAREST_TO_A_NODE = 0.02

#: Sides of a square (top 0, right 1, bottom 2, left 3) that the line joins, by its negative
#: corners: north-west 1, north-east 2, south-east 4, south-west 8. Two opposite negative corners
#: are kept apart.
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


def sign_faces(field: Field, *, left: float, top: float, step: float) -> tuple[Shapes, Bools]:
    """Return the faces that the line where the field is 0 encloses, and which of them are negative.

    The field is linear between neighbouring nodes; row 0 is the northernmost, node (0, 0) stands at
    ``left``, ``top``. A node at 0 is positive, and so is everything beyond the grid. The faces are
    valid and share their borders exactly; those that are positive are the holes of the others. Each
    holds a node, so it has one sign.
    """
    field = np.pad(field, 1, constant_values=1.0)
    left, top = left - step, top + step
    negative = field < 0
    ends = _segments(negative)
    if not len(ends):
        return np.empty(0, dtype=object), np.empty(0, dtype=bool)
    faces = shapely.get_parts(
        shapely.polygonize(shapely.linestrings(_placed(ends, field, left, top, step)))
    )
    beside = np.flatnonzero(_beside_a_crossing(negative))
    columns = field.shape[1]
    nodes = shapely.points(left + beside % columns * step, top - beside // columns * step)
    below = np.zeros(len(faces), dtype=bool)
    below[shapely.STRtree(nodes).query(faces, predicate="contains")[0]] = True
    return faces, below


# Return the segments of the line as pairs of grid sides, each by its two nodes: an array (n, 2, 2).
def _segments(negative: Bools) -> Positions:
    columns = negative.shape[1]
    case = sum(
        (part.astype(np.uint8) << bit for bit, part in enumerate(_corners(negative))),
        np.zeros((), dtype=np.uint8),
    )
    squares = np.flatnonzero((case > 0) & (case < 15))
    kind = np.asarray(case).ravel()[squares]
    north_west = squares // (columns - 1) * columns + squares % (columns - 1)
    sides = np.array([[0, 1], [1, columns + 1], [columns, columns + 1], [0, columns]])
    return np.concatenate(
        [
            north_west[kind == number, None, None] + sides[list(joined)]
            for number, segments in _CROSSED.items()
            for joined in segments
        ]
    ).astype(np.int64)


# Return where the line crosses each side: computed from the side alone, so alike from both squares
# beside it.
def _placed(ends: Positions, field: Field, left: float, top: float, step: float) -> Floats:
    values = field.ravel().astype(np.float64)
    first, second = values[ends[..., 0]], values[ends[..., 1]]
    share = np.clip(first / (first - second), _NEAREST_TO_A_NODE, 1 - _NEAREST_TO_A_NODE)
    column, row = ends % field.shape[1], ends // field.shape[1]
    x = left + (column[..., 0] + share * (column[..., 1] - column[..., 0])) * step
    y = top - (row[..., 0] + share * (row[..., 1] - row[..., 0])) * step
    return np.stack([x, y], axis=-1)


# Return the negative nodes that have a positive neighbour (the pad guarantees that no node is on
# the rim).
def _beside_a_crossing(negative: Bools) -> Bools:
    around = np.ones_like(negative)
    around[1:-1, 1:-1] = (
        negative[:-2, 1:-1] & negative[2:, 1:-1] & negative[1:-1, :-2] & negative[1:-1, 2:]
    )
    return np.asarray(negative & ~around)
