"""Walking over the relief: each step between cells of an elevation raster costs what its slope and
ground cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.errors
import shapely
from pyproj import Geod, Transformer

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers import network
from geoguichet.coverage.routers.impedance import (
    CostMatrix,
    Floats,
    Nearest,
    Router,
    located_points,
)
from geoguichet.coverage.routers.network import Doors, Graph
from geoguichet.floor.words import Unit
from geoguichet.referentials.roads.network_file import QUANTUM, quantised

type Rule = Literal["tobler", "langmuir"]

_SIDES = ((0, 1), (1, 0), (1, 1), (1, -1))
_KNIGHTS = ((1, 2), (2, 1), (2, -1), (1, -2))
#: Half of the moves (row, column); the others go back. With 8 neighbours a straight way is up to
#: 8.2 % too long, with 16 (the knight's moves too) 2.8 %.
STEPS = {8: _SIDES, 16: (*_SIDES, *_KNIGHTS)}

#: Slopes are cut here (76 degrees): beyond, nobody walks and the exponential overflows.
_STEEPEST = 4.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Elevations in metres (rows from the north), and what multiplies walking time: 1 on a path,
    infinite at a barrier.

    A cell without elevation (NaN) is a barrier.
    """

    elevation_m: npt.NDArray[np.float64]
    transform: rasterio.Affine
    crs: str
    factor: npt.NDArray[np.float64]


def read_relief(path: Path) -> Ground:
    """Read an elevation raster (GeoTIFF, SRTM ``.hgt`` ...), no land cover; the scale and the offset
    of its band are heard.

    Raises
    ------
    RoutingError
        The file is missing, unreadable, or has no CRS.
    """
    try:
        with rasterio.open(path) as raster:
            elevation = raster.read(1, masked=True).astype(np.float64).filled(np.nan)
            elevation = elevation * raster.scales[0] + raster.offsets[0]
            crs, transform = raster.crs, raster.transform
    except rasterio.errors.RasterioIOError as error:
        raise RoutingError(
            f"{path} : ce relief est illisible ({error}) ; un GeoTIFF est attendu."
        ) from error
    if crs is None:
        raise RoutingError(
            f"{path} : ce relief n'a pas de système de coordonnées ; donnez-lui le sien dans QGIS."
        )
    return Ground(elevation, transform, crs.to_string(), np.ones_like(elevation))


def covered(ground: Ground, cover: npt.NDArray[np.float64], factors: dict[int, float]) -> Ground:
    """Return the ground with land cover: ``cover`` holds a class per cell, ``factors`` what a class
    multiplies time by.

    A class that is not in ``factors`` is a barrier.

    Raises
    ------
    RoutingError
        The land cover is not on the same cells.
    """
    if cover.shape != ground.elevation_m.shape:
        raise RoutingError(
            f"l'occupation du sol a {cover.shape} cellules, le relief {ground.elevation_m.shape} ; "
            "rééchantillonnez-la sur la grille du relief."
        )
    factor = np.full(cover.shape, np.inf)
    for kind, times in factors.items():
        factor[cover == kind] = times
    return replace(ground, factor=factor)


def tobler_s(run_m: Floats, rise_m: Floats) -> Floats:
    """Return walking seconds (Tobler 1993): 6 exp(-3.5 |slope + 0.05|) km/h, fastest on a slight
    descent.
    """
    return np.asarray(
        run_m * 0.6 * np.exp(3.5 * np.minimum(np.abs(rise_m / run_m + 0.05), _STEEPEST))
    )


def langmuir_s(run_m: Floats, rise_m: Floats) -> Floats:
    """Return walking seconds (Naismith 1892, corrected by Aitken 1977 and Langmuir 1984, as in
    GRASS r.walk).

    0.72 s a metre, 6 s more a metre climbed, 2 s less a metre of easy descent, 2 s more beyond a
    slope of 21.25 %.
    """
    slope = rise_m / run_m
    down = np.where(slope < -0.2125, -1.9998, 1.9998)
    return np.asarray(0.72 * run_m + np.where(rise_m > 0, 6.0 * rise_m, down * rise_m))


_RULES = {"tobler": tobler_s, "langmuir": langmuir_s}


class Relief(Router):
    """Walking seconds over a :class:`Ground`; up and down differ. Points are served from the cell
    they stand in.

    Parameters
    ----------
    ground
        Relief, land cover and barriers.
    rule
        ``tobler`` or ``langmuir``.
    neighbours
        8 or 16; 8 only to compare with tools that have no more.
    """

    unit = Unit.SECONDS

    def __init__(self, ground: Ground, *, rule: Rule = "tobler", neighbours: int = 16) -> None:
        if rule not in _RULES or neighbours not in STEPS:
            raise RoutingError(
                f"règle {rule!r}, {neighbours} voisins : essayez « tobler » ou « langmuir », 8 ou "
                "16 voisins."
            )
        self.ground, self.rule, self.neighbours = ground, rule, neighbours
        self._to_ground = Transformer.from_crs("EPSG:4326", ground.crs, always_xy=True)

    def nearest(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float = np.inf
    ) -> Nearest:
        """Return the destination that is nearest from every origin on foot, and why if none.

        Raises
        ------
        RoutingError
            A series has another CRS than EPSG:4326.
        """
        (start, reason), (end, _) = self._doors(origins), self._doors(destinations)
        node_cost, place = network.nearest_place(self._reverse, end)
        cost = start.cost[:, 0] + node_cost[start.node[:, 0]]
        reason[np.isinf(cost) & (reason == "")] = (
            "no_path" if np.isfinite(end.cost[:, 0]).any() else "no_service"
        )
        return Nearest.found(place[start.node[:, 0]], cost, reason, limit)

    def costs(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float
    ) -> CostMatrix:
        """Return every pair whose cost is ``<= limit`` seconds, searched in blocks of bounded
        size.
        """
        (start, _), (end, _) = self._doors(origins), self._doors(destinations)
        able = np.flatnonzero(np.isfinite(end.cost[:, 0]))
        size = max(1, network.BLOCK_BYTES // (8 * (len(self._reverse) + 2 * len(origins))))
        found = []
        for begin in range(0, len(able), size):
            block = able[begin : begin + size]
            cost = (
                network.from_each(self._reverse, end.take(block), limit=limit)[:, start.node[:, 0]]
                + start.cost[:, 0]
            )
            row, i = np.nonzero(np.isfinite(cost) & (cost <= limit))
            found.append((i, block[row], cost[row, i]))
        return CostMatrix.of(found, (len(origins), len(destinations)))

    # Return the cell of each point and the walk to its middle, and why a point has none.
    def _doors(self, points: gpd.GeoSeries) -> tuple[Doors, npt.NDArray[np.str_]]:
        located = located_points(points)
        reason = np.full(len(points), "not_located", dtype="U16")
        node, cost = np.zeros((len(points), 2), np.int32), np.full((len(points), 2), np.inf)
        lon, lat = shapely.get_coordinates(points.to_numpy()[located]).T
        x, y = self._to_ground.transform(lon, lat)
        column, row = _applied(~self.ground.transform, x, y)
        row, column = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
        rows, columns = self.ground.elevation_m.shape
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        inside[inside] = self._open[row[inside], column[inside]]
        reason[located] = np.where(inside, "", "not_snapped")
        kept, row, column = located[inside], row[inside], column[inside]
        metres = Geod(ellps="WGS84").inv(lon[inside], lat[inside], *self._middle(row, column))[2]
        flat = _RULES[self.rule](np.ones(1), np.zeros(1))[0] * self.ground.factor[row, column]
        node[kept, 0] = row * columns + column
        cost[kept, 0] = np.round(np.asarray(metres) * flat / QUANTUM) * QUANTUM
        return Doors(node, cost), reason

    def _middle(self, row: Any, column: Any) -> tuple[Floats, Floats]:
        x, y = _applied(self.ground.transform, np.asarray(column) + 0.5, np.asarray(row) + 0.5)
        return self._to_ground.transform(x, y, direction="INVERSE")

    @cached_property
    def _open(self) -> npt.NDArray[np.bool_]:
        return np.isfinite(self.ground.elevation_m) & np.isfinite(self.ground.factor)

    # The arcs by the cell they reach, each with the seconds of walking into it.
    @cached_property
    def _reverse(self) -> Graph:
        rows, columns = self.ground.elevation_m.shape
        moves = [move for step in STEPS[self.neighbours] for move in (step, (-step[0], -step[1]))]
        seconds = np.full((len(moves), rows, columns), np.inf)
        for number, (down, right) in enumerate(moves):
            if abs(down) >= rows or abs(right) >= columns:
                continue
            here, there = _shifted(rows, columns, down, right)
            seconds[number][here] = self._step_seconds(here, there, down, right)
        flat = seconds.reshape(len(moves), -1).T
        keep = np.isfinite(flat)
        node = (
            np.arange(rows * columns)[:, None]
            + np.array([down * columns + right for down, right in moves])
        )[keep].astype(np.int32)
        return Graph(
            np.append(0, np.cumsum(keep.sum(axis=1))).astype(np.int32), node, quantised(flat[keep])
        )

    # Return the seconds of walking from ``there`` into ``here``, infinite where a barrier stands
    # between.
    def _step_seconds(self, here: _Window, there: _Window, down: int, right: int) -> Floats:
        elevation = self.ground.elevation_m
        run = self._runs(down, right)[here[0]][:, None]
        rise = elevation[here] - elevation[there]
        factor, passable = self._crossed(here, down, right)
        seconds = _RULES[self.rule](np.broadcast_to(run, rise.shape), rise) * factor
        return np.where(passable & np.isfinite(seconds), seconds, np.inf)

    # Return the mean factor of the cells a move crosses, and whether it may: no squeezing between
    # two barriers.
    def _crossed(
        self, here: _Window, down: int, right: int
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        ends, between = [(0, 0), (down, right)], _between(down, right)
        crossed = [*ends, *between] if abs(down) + abs(right) == 3 else ends
        total = np.zeros((here[0].stop - here[0].start, here[1].stop - here[1].start))
        passable = np.ones(total.shape, dtype=bool)
        for r, c in crossed:
            window = _moved(here, r, c)
            total += self.ground.factor[window]
            passable &= self._open[window]
        if abs(down) == abs(right) == 1:
            corner, other = (self._open[_moved(here, r, c)] for r, c in between)
            passable &= corner | other
        return total / len(crossed), passable

    # Return the ground metres of a move by row: cells in degrees are narrower in the north.
    def _runs(self, down: int, right: int) -> Floats:
        rows, columns = self.ground.elevation_m.shape
        row, column = np.arange(rows), np.full(rows, columns // 2)
        here, there = self._middle(row, column), self._middle(row + down, column + right)
        return np.asarray(Geod(ellps="WGS84").inv(*here, *there)[2], dtype=np.float64)


type _Window = tuple[slice, slice]


# Return the cells that have a neighbour at a move, and those neighbours.
def _shifted(rows: int, columns: int, down: int, right: int) -> tuple[_Window, _Window]:
    here = (
        slice(max(0, -down), rows - max(0, down)),
        slice(max(0, -right), columns - max(0, right)),
    )
    return here, _moved(here, down, right)


def _moved(window: _Window, down: int, right: int) -> _Window:
    return (
        slice(window[0].start + down, window[0].stop + down),
        slice(window[1].start + right, window[1].stop + right),
    )


# Return the two cells beside a diagonal move, or under a knight's move.
def _between(down: int, right: int) -> list[tuple[int, int]]:
    across, along = (1 if right > 0 else -1), (1 if down > 0 else -1)
    if abs(down) == abs(right) == 1:
        return [(down, 0), (0, right)]
    return [(along, 0) if abs(down) == 2 else (0, across), (along, across)]


def _applied(transform: rasterio.Affine, x: Any, y: Any) -> tuple[Floats, Floats]:
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )
