"""What it costs to go from here to there: the protocol every router speaks, and the sparse table it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from scipy import sparse

type Floats = npt.NDArray[np.float64]
type Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest destination of every origin.

    ``destination[i]`` is a position in the destinations, -1 when origin ``i`` reaches none; ``cost[i]`` is then NaN.
    Equal costs go to the destination that comes first.
    """

    destination: Positions
    cost: Floats


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """The pairs within a limit: three equally long arrays, sorted by origin, destination. Absent is out of reach."""

    origin: Positions
    destination: Positions
    cost: Floats
    shape: tuple[int, int]

    def within(self, limit: float) -> sparse.csr_array:
        """Return who reaches whom at a cost ``<= limit``, as a boolean origins x destinations matrix."""
        kept = self.cost <= limit
        ones = np.ones(int(kept.sum()), dtype=bool)
        return sparse.csr_array((ones, (self.origin[kept], self.destination[kept])), shape=self.shape)


class Router(Protocol):
    """A way to measure costs between points. Costs are floats in ``unit``; a missing point reaches nothing."""

    unit: str
    """``m`` or ``s``."""

    def nearest(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Nearest:
        """Return the nearest destination of every origin."""
        ...

    def costs(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float) -> CostMatrix:
        """Return every pair whose cost is ``<= limit``."""
        ...
