"""What it costs to go from here to there: the protocol every router speaks, the sparse table it
returns, and the plainest router, as the crow flies.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod, Transformer
from scipy import sparse
from scipy.spatial import cKDTree

from geoguichet.coverage.errors import RoutingError
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message, Unit
from geoguichet.referentials.layers import METRIC_SYSTEMS

type Floats = npt.NDArray[np.float64]
type Bools = npt.NDArray[np.bool_]
type Positions = npt.NDArray[np.int64]
type Reasons = npt.NDArray[np.str_]

#: Why a cost is missing: the point has no position; there is nothing to go to; no road near enough;
#: a closed road stands between; no road leads there; the roads around the point, or around all there
#: is to go to, lead nowhere in the data; a private way, which nobody crosses, alone leads there; farther
#: than the limit. Empty where the cost is known.
REASONS = (
    "", "not_located", "no_service", "not_snapped", "closed", "no_path", "cut_off", "private_way",
    "beyond_limit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest destination of every origin.

    ``destination[i]`` is a position in the destinations, -1 when origin ``i`` reaches none;
    ``cost[i]`` is then NaN. Equal costs go to the destination that comes first.
    """

    destination: Positions
    cost: Floats
    #: One of :data:`REASONS` for each origin, from the routers that can tell.
    reason: Reasons | None = None

    @classmethod
    def found(cls, destination: Positions, cost: Floats, reason: Reasons, limit: float) -> Nearest:
        """Return what was found where no ``reason`` stands against it, up to a limit of cost."""
        reason = np.where((reason == "") & (cost > limit), "beyond_limit", reason)
        known = reason == ""
        return cls(np.where(known, destination, -1), np.where(known, cost, np.nan), reason)


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """The pairs within a limit: three equally long arrays, sorted by origin, destination. Absent is
    out of reach.
    """

    origin: Positions
    destination: Positions
    cost: Floats
    shape: tuple[int, int]

    @classmethod
    def of(
        cls, blocks: Iterable[tuple[Positions, Positions, Floats]], shape: tuple[int, int]
    ) -> CostMatrix:
        """Gather blocks of origins, destinations and costs; of equal pairs the least costly."""
        nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        i, j, cost = (np.concatenate(column) for column in zip(nothing, *blocks, strict=True))
        order = np.lexsort((cost, j, i))
        i, j, cost = i[order], j[order], cost[order]
        first = np.ones(len(i), dtype=bool)
        first[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
        return cls(i[first], j[first], cost[first], shape)

    def within(self, limit: float) -> sparse.csr_array:
        """Return who reaches whom at a cost ``<= limit``, as a boolean origins x destinations
        matrix.
        """
        kept = self.cost <= limit
        return sparse.csr_array(
            (np.ones(int(kept.sum()), dtype=bool), (self.origin[kept], self.destination[kept])),
            shape=self.shape,
        )

    def up_to(self, limit: float) -> CostMatrix:
        """Return the pairs whose cost is ``<= limit`` alone."""
        kept = self.cost <= limit
        return CostMatrix(self.origin[kept], self.destination[kept], self.cost[kept], self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Stray:
    """Points that a router measures badly, or not at all, and why."""

    which: Bools
    #: Name of the rule in the findings, such as ``far-from-roads``.
    rule: str
    #: End of the name of the counters, such as ``far_from_roads``.
    counted: str
    #: What is said of a point, by its ``name``.
    why: Message


class Router(Protocol):
    """A way to measure costs between points. Costs are floats in ``unit``; a missing point reaches
    nothing.

    A router has ``unit``, ``nearest`` and ``costs``; by inheriting from this class it says of the
    rest that it knows nothing of ways.
    """

    unit: Unit
    #: How much a cost may change over a metre of ground, at most, where the ground is plain.
    steepness: float = 1.0

    @abstractmethod
    def nearest(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Nearest:
        """Return the nearest destination of every origin."""

    @abstractmethod
    def costs(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float
    ) -> CostMatrix:
        """Return every pair whose cost is ``<= limit``."""

    def metres(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Floats | None:
        """Return the metres of the way from every origin to its nearest destination; None when the
        router does not know its ways.
        """
        return None

    def along_ways(self, step_m: float) -> gpd.GeoSeries:
        """Return points along the ways, at most a step apart: what is narrower than a cell of the
        ground lies there.
        """
        return gpd.GeoSeries([], crs="EPSG:4326")

    def findings(self) -> list[Finding]:
        """Return what is not understood of the ways themselves."""
        return []

    def strays(self, points: gpd.GeoSeries) -> list[Stray]:
        """Return the points that are measured badly, or not at all, kind by kind."""
        return []


def located_points(points: gpd.GeoSeries) -> Positions:
    """Return the positions of the points that are there, in EPSG:4326.

    Raises
    ------
    RoutingError
        It is no series, or has another CRS or none.
    """
    if not isinstance(points, gpd.GeoSeries):
        came = type(points).__name__
        told = Message(
            "une GeoSeries de points est attendue, un {came} est donné ; essayez .geometry.",
            came=came,
        )
        raise RoutingError(told)
    if points.crs is None or not points.crs.equals("EPSG:4326"):
        raise RoutingError(
            "des points en EPSG:4326 sont attendus, "
            f"{points.crs or 'aucun système de coordonnées'} est donné."
        )
    return np.flatnonzero(~(points.isna() | points.is_empty).to_numpy())


# Straight-line distance along the ellipsoid: a k-d tree of the points in space proposes, by the
# chord, which is never longer than the geodesic; the geodesic decides. So no pair is left out, in
# any territory.


_CHORD_ERROR_M = 0.001  # of coordinates of 6,000 km in double precision, generously
_BLOCK = 200_000
_PAIRS = 20_000_000


class StraightLine(Router):
    """Geodesic distance on the WGS 84 ellipsoid (Karney 2013, through pyproj), in
    metropolitan France and its five overseas regions.

    Costs are metres, times the ``detour``.
    """

    unit = Unit.METRES

    def __init__(self, *, detour: float = 1.0) -> None:
        self._detour = detour
        self._geod = Geod(ellps="WGS84")
        self._to_space = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)

    def nearest(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float = np.inf
    ) -> Nearest:
        """Return the geodesically nearest destination of every origin, and why if none.

        Both series hold points in EPSG:4326; missing or empty points reach nothing and are reached
        by none.

        Raises
        ------
        RoutingError
            A series has another CRS, or a point lies outside France.
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
            tree = cKDTree(self._in_space(there))
            for block in _blocks(len(start)):
                chosen, metres = self._nearest(tree, here[block], there)
                cost[start[block]] = metres * self._detour
                destination[start[block]] = end[chosen]
        return Nearest.found(destination, cost, reason, limit)

    def _nearest(self, tree: cKDTree, here: Floats, there: Floats) -> tuple[Positions, Floats]:
        """Return the nearest of ``there`` from each of ``here``, and metres; equal metres go to the
        first.

        The two nearest in space are asked for; where the second's chord is no longer than the
        first's geodesic, the neighbours are doubled until one's is, and the geodesic chooses among
        them.
        """
        space = self._in_space(here)
        count = min(2, tree.n)
        apart, found = (
            np.asarray(got).reshape(len(here), -1) for got in tree.query(space, k=count)
        )
        chosen = found[:, 0].astype(np.int64)
        metres = self._metres(here, there[chosen])
        reach = metres + _CHORD_ERROR_M
        open_ = np.flatnonzero(apart[:, -1] <= reach) if count > 1 else np.empty(0, dtype=np.int64)
        while len(open_):
            count = min(2 * count, tree.n)
            apart, found = tree.query(space[open_], k=count)
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
            reach = min(limit / self._detour + _CHORD_ERROR_M, 1e8)
            tree = cKDTree(self._in_space(there))
            for block in _blocks(len(start), size=max(1, _PAIRS // len(end))):
                near = cKDTree(self._in_space(here[block])).sparse_distance_matrix(
                    tree, reach, output_type="ndarray"
                )
                i, j = near["i"], near["j"]
                cost = self._metres(here[block][i], there[j]) * self._detour
                kept = cost <= limit
                found.append((start[block][i[kept]], end[j[kept]], cost[kept]))
        return CostMatrix.of(found, (len(origins), len(destinations)))

    def _located(self, points: gpd.GeoSeries) -> Positions:
        located = located_points(points)
        x, y = shapely.get_x(points.to_numpy()[located]), shapely.get_y(points.to_numpy()[located])
        outside = np.ones(len(located), dtype=bool)
        for west, south, east, north in METRIC_SYSTEMS.values():
            outside &= ~((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise RoutingError(
                f"{int(outside.sum())} point(s) hors de France, dont "
                f"{points.index[located[first]]} "
                f"(longitude {x[first]:.5f}, latitude {y[first]:.5f}) ; longitude et latitude "
                "sont peut-être inversées."
            )
        return located

    def _degrees(self, points: gpd.GeoSeries, which: Positions) -> Floats:
        return np.asarray(shapely.get_coordinates(points.to_numpy()[which]), dtype=np.float64)

    def _in_space(self, degrees: Floats) -> Floats:
        lon, lat = degrees.T
        return np.column_stack(self._to_space.transform(lon, lat, np.zeros(len(degrees))))

    def _metres(self, here: Floats, there: Floats) -> Floats:
        return np.asarray(
            self._geod.inv(here[:, 0], here[:, 1], there[:, 0], there[:, 1])[2], dtype=np.float64
        )


def _blocks(length: int, size: int = _BLOCK) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
