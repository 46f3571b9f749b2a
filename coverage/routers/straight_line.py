"""Straight-line distance along the ellipsoid: a k-d tree in Lambert-93 proposes, the geodesic decides."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod, Transformer
from scipy.spatial import cKDTree

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.impedance import CostMatrix, Floats, Nearest, Positions

# Lambert-93 lengths differ from the geodesic by -0.095 % to +0.292 % over metropolitan France (41.4 to 51.1 degrees
# north). Candidates are taken with this margin, so that no pair the geodesic would accept is left out.
_LAMBERT_MARGIN = 0.005
_AREA = (-9.9, 41.1, 10.4, 51.6)  # EPSG:2154 area of use: west, south, east, north
_BLOCK = 200_000


class StraightLine:
    """Geodesic distance in metres on the WGS 84 ellipsoid (Karney 2013, through pyproj), for metropolitan France."""

    unit = "m"

    def __init__(self) -> None:
        self._geod = Geod(ellps="WGS84")
        self._to_metres = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True)

    def nearest(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Nearest:
        """Return the geodesically nearest destination of every origin.

        Both series hold points in EPSG:4326; missing or empty points reach nothing and are reached by none.

        Raises
        ------
        RoutingError
            A series has another CRS, or a point lies outside metropolitan France.
        """
        destination = np.full(len(origins), -1, dtype=np.int64)
        cost = np.full(len(origins), np.nan)
        start, end = self._located(origins), self._located(destinations)
        if not len(start) or not len(end):
            return Nearest(destination, cost)
        here, there = self._planar(origins, start), self._planar(destinations, end)
        tree = cKDTree(there)
        planar, _ = tree.query(here)
        for block in _blocks(len(start)):
            near = tree.query_ball_point(here[block], planar[block] * (1 + 2 * _LAMBERT_MARGIN) + 1.0)
            i, j = _pairs(near)
            metres = self._geodesic(origins, start[block][i], destinations, end[j])
            best = np.lexsort((end[j], metres, i))
            first = best[np.unique(i[best], return_index=True)[1]]
            destination[start[block][i[first]]] = end[j[first]]
            cost[start[block][i[first]]] = metres[first]
        return Nearest(destination, cost)

    def costs(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float) -> CostMatrix:
        """Return every pair at a geodesic distance ``<= limit`` metres. Same input and errors as :meth:`nearest`."""
        start, end = self._located(origins), self._located(destinations)
        rows, columns, metres = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
        if len(start) and len(end):
            here, there = self._planar(origins, start), self._planar(destinations, end)
            tree = cKDTree(there)
            for block in _blocks(len(start), size=max(1, _BLOCK // 50)):
                i, j = _pairs(tree.query_ball_point(here[block], limit * (1 + _LAMBERT_MARGIN) + 1.0))
                distance = self._geodesic(origins, start[block][i], destinations, end[j])
                kept = distance <= limit
                rows.append(start[block][i[kept]])
                columns.append(end[j[kept]])
                metres.append(distance[kept])
        origin, destination, cost = np.concatenate(rows), np.concatenate(columns), np.concatenate(metres)
        order = np.lexsort((destination, origin))
        return CostMatrix(origin[order], destination[order], cost[order], (len(origins), len(destinations)))

    def _located(self, points: gpd.GeoSeries) -> Positions:
        if points.crs is None or not points.crs.equals("EPSG:4326"):
            raise RoutingError(
                f"des points en EPSG:4326 sont attendus, {points.crs or 'aucun système de coordonnées'} est donné."
            )
        located = np.flatnonzero(~(points.isna() | points.is_empty).to_numpy())
        x, y = shapely.get_x(points.to_numpy()[located]), shapely.get_y(points.to_numpy()[located])
        west, south, east, north = _AREA
        outside = ~((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise RoutingError(
                f"{int(outside.sum())} point(s) hors de la France métropolitaine, dont {points.index[located[first]]} "
                f"(longitude {x[first]:.5f}, latitude {y[first]:.5f}) ; longitude et latitude sont peut-être inversées."
            )
        return located

    def _planar(self, points: gpd.GeoSeries, which: Positions) -> Floats:
        chosen = points.to_numpy()[which]
        return np.column_stack(self._to_metres.transform(shapely.get_x(chosen), shapely.get_y(chosen)))

    def _geodesic(self, origins: gpd.GeoSeries, i: Positions, destinations: gpd.GeoSeries, j: Positions) -> Floats:
        a, b = origins.to_numpy()[i], destinations.to_numpy()[j]
        metres = self._geod.inv(shapely.get_x(a), shapely.get_y(a), shapely.get_x(b), shapely.get_y(b))[2]
        return np.asarray(metres, dtype=np.float64)


def _blocks(length: int, size: int = _BLOCK) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def _pairs(near: np.ndarray) -> tuple[Positions, Positions]:
    """Flatten a k-d tree's lists of neighbours into two arrays of positions."""
    counts = np.fromiter((len(found) for found in near), dtype=np.int64, count=len(near))
    flat = np.concatenate([np.asarray(found, dtype=np.int64) for found in near]) if len(near) else np.empty(0, np.int64)
    return np.repeat(np.arange(len(near)), counts), flat
