"""The slack of a study over its whole ground, on a grid: finer where served and unserved land
meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from rasterio import Affine
from rasterio.features import rasterize

from geoguichet.coverage.errors import ZoneError
from geoguichet.coverage.routers.impedance import Floats, Router
from geoguichet.floor.units import Unit
from geoguichet.referentials.layers import LONLAT, METRIC

type Bools = npt.NDArray[np.bool_]
#: The slack the rule leaves at points in EPSG:4326, NaN where it cannot be met at any threshold.
type Slack = Callable[[gpd.GeoSeries], Floats]

#: How many steps of the fine grid make one of the coarse grid.
FINER = 4
_MOST_NODES = 4_000_000
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Surface:
    """The slack at the middles of square cells in EPSG:2154, row 0 northernmost.

    ``slack`` is in the study's unit, NaN where nothing is known; ``inside`` tells the cells whose
    middle lies in the territory. ``fine`` holds the sign's field on a grid :data:`FINER` times
    finer, whose every ``FINER``-th node is the middle of a cell: exact where served and unserved
    land meet, interpolated elsewhere, positive outside.
    """

    slack: npt.NDArray[np.float32]
    inside: Bools
    fine: npt.NDArray[np.float32]
    #: Easting of the westernmost middles.
    left: float
    #: Northing of the northernmost middles.
    top: float
    cell_m: float
    unit: Unit
    #: Points whose slack was computed.
    asked: int

    @property
    def transform(self) -> Affine:
        """The affine transform of the raster: its corner is half a cell from the first middle."""
        half = self.cell_m / 2
        return Affine(self.cell_m, 0, self.left - half, 0, -self.cell_m, self.top + half)


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
    grid = _grid(boundary, cell_m)
    near, inside = _masks(boundary, grid)
    coarse = np.full(near.shape, np.nan, dtype=np.float32)
    rows, columns = np.nonzero(near)
    coarse[rows, columns] = slack(grid.points(rows, columns))
    cap = router.steepness * cell_m
    field = _signed(coarse, cap)
    field[~near] = cap
    told = _probes(router, probes, cell_m / 2)
    mixed = _mixed(field) | _doubtful(field, cap * np.sqrt(0.5))
    if len(told):
        mixed |= _contradicted(field, grid, told, slack(told))
    fine, asked = _refined(field, mixed, _all_four(near), grid, slack, cap)
    return Surface(
        np.where(near, coarse, np.float32("nan")),
        inside,
        fine,
        grid.left,
        grid.top,
        cell_m,
        router.unit,
        len(rows) + asked + len(told),
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    left: float
    top: float
    step: float
    shape: tuple[int, int]

    def points(self, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> gpd.GeoSeries:
        """Return nodes as points in EPSG:4326."""
        x, y = self.left + columns * self.step, self.top - rows * self.step
        return gpd.GeoSeries(shapely.points(*_TO_LONLAT.transform(x, y)), crs=LONLAT)

    def finer(self) -> _Grid:
        rows, columns = ((length - 1) * FINER + 1 for length in self.shape)
        return _Grid(self.left, self.top, self.step / FINER, (rows, columns))


_TO_LONLAT = Transformer.from_crs(METRIC, LONLAT, always_xy=True)
_TO_METRES = Transformer.from_crs(LONLAT, METRIC, always_xy=True)


def _grid(boundary: shapely.MultiPolygon, cell_m: float) -> _Grid:
    """Return the grid of the middles, at odd multiples of half a cell, two cells larger than the
    territory.
    """
    west, south, east, north = gpd.GeoSeries([boundary], crs=LONLAT).to_crs(METRIC).total_bounds
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
            f'attendues ; essayez zones.cell = "{np.ceil(least / 10) * 10:.0f} m".'
        )
    return _Grid(
        float(first[0] + 0.5) * cell_m,
        float(last[1] - 0.5) * cell_m,
        cell_m,
        (int(rows), int(columns)),
    )


def _masks(boundary: shapely.MultiPolygon, grid: _Grid) -> tuple[Bools, Bools]:
    """Return the middles within a cell of the territory, and those in it."""
    shape = gpd.GeoSeries([boundary], crs=LONLAT).to_crs(METRIC).iloc[0]
    half = grid.step / 2
    transform = Affine(grid.step, 0, grid.left - half, 0, -grid.step, grid.top + half)
    burnt = [
        rasterize([shape], grid.shape, transform=transform, all_touched=touched)
        for touched in (True, False)
    ]
    touched, inside = (part.astype(bool) for part in burnt)
    around = np.pad(touched, 1)
    near = np.zeros_like(touched)
    for row in range(3):
        for column in range(3):
            near |= around[row : row + touched.shape[0], column : column + touched.shape[1]]
    return near, inside


def _signed(values: npt.NDArray[np.float32], cap: float) -> npt.NDArray[np.float32]:
    """Return the values cut to what places the border; what cannot be met at all is as far below 0
    as can be.
    """
    return np.clip(np.nan_to_num(values, nan=-cap), -cap, cap).astype(np.float32)


def _all_four(mask: Bools) -> Bools:
    return np.asarray(mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:])


def _mixed(field: npt.NDArray[np.float32]) -> Bools:
    """Return the squares between four nodes whose signs differ."""
    negative = field < 0
    some = negative[:-1, :-1] | negative[1:, :-1] | negative[:-1, 1:] | negative[1:, 1:]
    return np.asarray(some & ~_all_four(negative))


def _doubtful(field: npt.NDArray[np.float32], least: float) -> Bools:
    """Return the squares with a corner so near to 0 that an islet of the other sign may hide
    between the corners.
    """
    near = np.abs(field) < least
    return np.asarray(near[:-1, :-1] | near[1:, :-1] | near[:-1, 1:] | near[1:, 1:])


def _probes(router: Router, probes: gpd.GeoSeries | None, step_m: float) -> gpd.GeoSeries:
    """Return the located probes, and points along every way that the router knows."""
    ways = router.along_ways(step_m)
    if probes is None:
        return ways
    located = probes[~(probes.isna() | probes.is_empty)]
    return gpd.GeoSeries(np.concatenate([located.to_numpy(), ways.to_numpy()]), crs=LONLAT)


def _contradicted(
    field: npt.NDArray[np.float32], grid: _Grid, probes: gpd.GeoSeries, slack: Floats
) -> Bools:
    """Return the squares that hold a probe of another sign than one of their corners."""
    x, y = _TO_METRES.transform(probes.x.to_numpy(), probes.y.to_numpy())
    row, column = (
        np.floor((grid.top - y) / grid.step).astype(int),
        np.floor((x - grid.left) / grid.step).astype(int),
    )
    found = np.zeros((grid.shape[0] - 1, grid.shape[1] - 1), dtype=bool)
    known = (row >= 0) & (row < found.shape[0]) & (column >= 0) & (column < found.shape[1])
    row, column, below = row[known], column[known], ~(slack[known] >= 0)
    for down in (0, 1):
        for right in (0, 1):
            other = (field[row + down, column + right] < 0) != below
            found[row[other], column[other]] = True
    return found


def _refined(
    field: npt.NDArray[np.float32], mixed: Bools, near: Bools, grid: _Grid, slack: Slack, cap: float
) -> tuple[npt.NDArray[np.float32], int]:
    """Return the field on the fine grid, asked in the mixed squares and where the line goes on from
    them.
    """
    finer = grid.finer()
    fine = _interpolated(field)
    known = np.zeros(fine.shape, dtype=bool)
    done, asked = np.zeros_like(mixed), 0
    for _ in range(_ROUNDS):
        rows, columns = np.nonzero(mixed & near & ~done)
        if not len(rows):
            break
        done |= mixed
        wanted = np.zeros(fine.shape, dtype=bool)
        for down in range(FINER + 1):
            for right in range(FINER + 1):
                wanted[rows * FINER + down, columns * FINER + right] = True
        rows, columns = np.nonzero(wanted & ~known)
        fine[rows, columns] = _signed(slack(finer.points(rows, columns)).astype(np.float32), cap)
        known |= wanted
        asked += len(rows)
        mixed = _squares_crossed(fine, mixed.shape)
    return fine, asked


def _interpolated(field: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the field on the fine grid, bilinear."""
    share = np.arange(FINER, dtype=np.float32) / FINER
    for axis in (0, 1):
        low, high = (
            np.take(field, part, axis=axis)
            for part in (range(field.shape[axis] - 1), range(1, field.shape[axis]))
        )
        between = np.stack([low + (high - low) * part for part in share], axis=axis + 1)
        shape = list(field.shape)
        shape[axis] = (field.shape[axis] - 1) * FINER
        last = np.take(field, [field.shape[axis] - 1], axis=axis)
        field = np.concatenate([between.reshape(shape), last], axis=axis)
    return field


def _squares_crossed(fine: npt.NDArray[np.float32], shape: tuple[int, int]) -> Bools:
    """Return the coarse squares in which the line passes on the fine grid."""
    crossed = _mixed(fine)
    return np.asarray(crossed.reshape(shape[0], FINER, shape[1], FINER).any(axis=(1, 3)))
