"""Who goes where, once it is known which sites are open."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geoguichet.coverage.impedance import CostMatrix
from geoguichet.coverage.siting.constraints import Positions
from geoguichet.coverage.siting.problem import Floats


def nearest_open(costs: CostMatrix, opened: npt.ArrayLike) -> tuple[Positions, Floats]:
    """Return the open site nearest to each row and its cost: -1 and infinite for none; of equal ones the first."""
    pairs = np.flatnonzero(np.isin(costs.destination, opened))
    order = pairs[np.lexsort((costs.destination[pairs], costs.cost[pairs], costs.origin[pairs]))]
    rows, first = np.unique(costs.origin[order], return_index=True)
    site, cost = np.full(costs.shape[0], -1), np.full(costs.shape[0], np.inf)
    site[rows], cost[rows] = costs.destination[order[first]], costs.cost[order[first]]
    return site, cost
