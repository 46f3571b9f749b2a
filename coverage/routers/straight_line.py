"""Straight-line distance along the ellipsoid: a k-d tree in Lambert-93 proposes, the geodesic
decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod, Transformer
from scipy.spatial import cKDTree

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.impedance import (
    CostMatrix,
    Floats,
    Nearest,
    Positions,
    Router,
    located_points,
)
from geoguichet.floor.units import Unit

# Lambert-93 lengths differ from the geodesic by -0.095 % to +0.292 % over metropolitan France (41.4
# to 51.1 degrees
# north). Candidates are taken with this margin, so that no pair the geodesic would accept is left
# out.
_LAMBERT_MARGIN = 0.005
_AREA = (-9.9, 41.1, 10.4, 51.6)  # EPSG:2154 area of use: west, south, east, north
_BLOCK = 200_000
_PAIRS = 20_000_000
_NEAR_M = 1_000.0  # nearer pairs say little of a detour


@dataclass(frozen=True, slots=True)
class Detour:
    """How much longer a real way is than the straight line, measured on pairs of points with a
    router.
    """

    #: Median ratio; in ``unit`` per metre.
    factor: float
    #: One pair in ten has a smaller ratio.
    low: float
    #: One pair in ten has a larger ratio.
    high: float
    #: Pairs measured: those that both ways of measuring can tell.
    pairs: int
    #: Unit of the router that was measured.
    unit: Unit = Unit.METRES


class StraightLine(Router):
    """Geodesic distance on the WGS 84 ellipsoid (Karney 2013, through pyproj), for metropolitan
    France.

    Costs are metres; with a ``detour`` they are multiplied by its factor and have its unit.
    """

    def __init__(self, *, detour: Detour | None = None) -> None:
        self.detour = detour
        self.unit = detour.unit if detour else Unit.METRES
        self._factor = detour.factor if detour else 1.0
        self._geod = Geod(ellps="WGS84")
        self._to_metres = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True)

    def nearest(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float = np.inf
    ) -> Nearest:
        """Return the geodesically nearest destination of every origin, and why if none.

        Both series hold points in EPSG:4326; missing or empty points reach nothing and are reached
        by none.

        Raises
        ------
        RoutingError
            A series has another CRS, or a point lies outside metropolitan France.
        """
        destination = np.full(len(origins), -1, dtype=np.int64)
        cost, reason = (
            np.full(len(origins), np.nan),
            np.full(len(origins), "not_located", dtype="U16"),
        )
        start, end = self._located(origins), self._located(destinations)
        reason[start] = "" if len(end) else "no_service"
        if len(start) and len(end):
            here, there = self._degrees(origins, start), self._degrees(destinations, end)
            tree = cKDTree(self._planar(there))
            for block in _blocks(len(start)):
                chosen, metres = self._nearest(tree, here[block], there)
                cost[start[block]] = metres * self._factor
                destination[start[block]] = end[chosen]
        return Nearest.found(destination, cost, reason, limit)

    def _nearest(self, tree: cKDTree, here: Floats, there: Floats) -> tuple[Positions, Floats]:
        """Return the nearest of ``there`` from each of ``here``, and metres; equal metres go to the
        first.

        The two planar nearest are asked for; where the second is too near to be ruled out by the
        projection's error, the neighbours are doubled until one is far enough, and the geodesic
        chooses among them.
        """
        planar = self._planar(here)
        count = min(2, tree.n)
        apart, found = (
            np.asarray(got).reshape(len(here), -1) for got in tree.query(planar, k=count)
        )
        chosen = found[:, 0].astype(np.int64)
        metres = self._metres(here, there[chosen])
        reach = apart[:, 0] * (1 + 2 * _LAMBERT_MARGIN) + 1.0
        open_ = np.flatnonzero(apart[:, -1] <= reach) if count > 1 else np.empty(0, dtype=np.int64)
        while len(open_):
            count = min(2 * count, tree.n)
            apart, found = tree.query(planar[open_], k=count)
            complete = (apart[:, -1] > reach[open_]) | (count == tree.n)
            rows, near, apart = open_[complete], found[complete], apart[complete]
            pair, column = np.nonzero(apart <= reach[rows, None])
            j = near[pair, column]
            distance = self._metres(here[rows[pair]], there[j])
            order = np.lexsort((j, distance, pair))
            first = order[np.unique(pair[order], return_index=True)[1]]
            chosen[rows], metres[rows] = j[first], distance[first]
            open_ = open_[~complete]
        return chosen, metres

    def costs(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float
    ) -> CostMatrix:
        """Return every pair at a cost ``<= limit``. Same input and errors as :meth:`nearest`."""
        start, end = self._located(origins), self._located(destinations)
        found = []
        if len(start) and len(end):
            here, there = self._degrees(origins, start), self._degrees(destinations, end)
            reach = min(limit / self._factor * (1 + _LAMBERT_MARGIN) + 1.0, 1e8)
            tree = cKDTree(self._planar(there))
            for block in _blocks(len(start), size=max(1, _PAIRS // len(end))):
                near = cKDTree(self._planar(here[block])).sparse_distance_matrix(
                    tree, reach, output_type="ndarray"
                )
                i, j = near["i"], near["j"]
                cost = self._metres(here[block][i], there[j]) * self._factor
                kept = cost <= limit
                found.append((start[block][i[kept]], end[j[kept]], cost[kept]))
        return CostMatrix.of(found, (len(origins), len(destinations)))

    def calibrated(
        self, router: Router, origins: gpd.GeoSeries, destinations: gpd.GeoSeries
    ) -> StraightLine:
        """Return a straight line whose ``detour`` is measured by a router, from each origin to its
        nearest destination.

        The factor is the median of cost over straight metres, so in the router's unit; pairs nearer
        than 1 km, where the walk to the road decides, and pairs that have no way are left out.

        Raises
        ------
        RoutingError
            No pair can be measured.
        """
        by_road = router.nearest(origins, destinations)
        found = np.flatnonzero(by_road.destination >= 0)
        chosen = destinations.to_numpy()[by_road.destination[found]]
        ends = shapely.get_coordinates(origins.to_numpy()[found]), shapely.get_coordinates(chosen)
        straight = self._metres(*ends)
        far = straight >= _NEAR_M
        if not far.any():
            raise RoutingError(
                "aucune paire d'au moins 1 km pour mesurer le détour ; donnez d'autres points."
            )
        ratio = by_road.cost[found][far] / straight[far]
        low, middle, high = np.quantile(ratio, [0.1, 0.5, 0.9])
        return StraightLine(
            detour=Detour(float(middle), float(low), float(high), int(far.sum()), router.unit)
        )

    def _located(self, points: gpd.GeoSeries) -> Positions:
        located = located_points(points)
        x, y = shapely.get_x(points.to_numpy()[located]), shapely.get_y(points.to_numpy()[located])
        west, south, east, north = _AREA
        outside = ~((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise RoutingError(
                f"{int(outside.sum())} point(s) hors de la France métropolitaine, dont "
                f"{points.index[located[first]]} "
                f"(longitude {x[first]:.5f}, latitude {y[first]:.5f}) ; longitude et latitude "
                "sont peut-être inversées."
            )
        return located

    def _degrees(self, points: gpd.GeoSeries, which: Positions) -> Floats:
        return np.asarray(shapely.get_coordinates(points.to_numpy()[which]), dtype=np.float64)

    def _planar(self, degrees: Floats) -> Floats:
        return np.column_stack(self._to_metres.transform(degrees[:, 0], degrees[:, 1]))

    def _metres(self, here: Floats, there: Floats) -> Floats:
        return np.asarray(
            self._geod.inv(here[:, 0], here[:, 1], there[:, 0], there[:, 1])[2], dtype=np.float64
        )


def _blocks(length: int, size: int = _BLOCK) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
