"""What it costs to go from here to there: the protocol every router speaks, and the sparse table it
returns.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import RoutingError
from geoguichet.floor.units import Unit
from geoguichet.floor.words import Message

type Floats = npt.NDArray[np.float64]
type Bools = npt.NDArray[np.bool_]
type Positions = npt.NDArray[np.int64]
type Reasons = npt.NDArray[np.str_]

#: Why a cost is missing: the point has no position; there is nothing to go to; no road near enough;
#: a closed road stands between; no road leads there; farther than the limit. Empty where the cost
#: is known.
REASONS = ("", "not_located", "no_service", "not_snapped", "closed", "no_path", "beyond_limit")


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
class NearestFew:
    """The ``k`` nearest destinations of every origin, a row each, nearest first; -1 and NaN where
    there are fewer.
    """

    destination: Positions
    cost: Floats


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
        ones = np.ones(int(kept.sum()), dtype=bool)
        return sparse.csr_array(
            (ones, (self.origin[kept], self.destination[kept])), shape=self.shape
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

    def strays(self, points: gpd.GeoSeries) -> list[Stray]:
        """Return the points that are measured badly, or not at all, kind by kind."""
        return []


def located_points(points: gpd.GeoSeries) -> Positions:
    """Return the positions of the points that are there, in EPSG:4326.

    Raises
    ------
    RoutingError
        The series has another CRS or none.
    """
    if points.crs is None or not points.crs.equals("EPSG:4326"):
        raise RoutingError(
            "des points en EPSG:4326 sont attendus, "
            f"{points.crs or 'aucun système de coordonnées'} est donné."
        )
    return np.flatnonzero(~(points.isna() | points.is_empty).to_numpy())


def nearest_few(
    router: Router, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, k: int
) -> NearestFew:
    """Return the ``k`` nearest destinations of every origin, by pairs within a limit that grows
    until all are found.

    Works on any router. Equal costs go to the destinations that come first.
    """
    few = NearestFew(
        np.full((len(origins), k), -1, dtype=np.int64), np.full((len(origins), k), np.nan)
    )
    reached = np.flatnonzero(router.nearest(origins, destinations).destination >= 0)
    limit = _FIRST_LIMIT[router.unit]
    while len(reached):
        matrix = router.costs(origins.iloc[reached], destinations, limit=limit)
        order = np.lexsort((matrix.destination, matrix.cost, matrix.origin))
        row, count = matrix.origin[order], np.bincount(matrix.origin, minlength=len(reached))
        place = np.arange(len(order)) - np.repeat(np.append(0, np.cumsum(count)[:-1]), count)
        done = (count >= k) | np.isinf(limit)
        keep = done[row] & (place < k)
        few.destination[reached[row[keep]], place[keep]] = matrix.destination[order][keep]
        few.cost[reached[row[keep]], place[keep]] = matrix.cost[order][keep]
        reached = reached[~done]
        limit = limit * 2 if limit < _LAST_LIMIT else np.inf
    return few


_FIRST_LIMIT = {Unit.SECONDS: 600.0, Unit.METRES: 10_000.0}
_LAST_LIMIT = 150_000.0  # beyond, the search without limit costs no more
