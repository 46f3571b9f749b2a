"""How much each place can reach: opportunities within a limit, and services shared among those who compete for them.

Every measure takes a :class:`CostMatrix` and gives one number per origin. Where nothing is in reach it is 0, never
missing: a white zone has no access, and it counts as such in every mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.impedance import CostMatrix, Floats

type Bands = Sequence[tuple[float, float]]
"""Upper limits of cost, increasing, each with the weight of what lies within it (and beyond the one before)."""

LUO_QI_S: Bands = ((600.0, 1.0), (1_200.0, 0.68), (1_800.0, 0.22))
"""Luo & Qi (2009): 10, 20 and 30 minutes, slow decay."""


def cumulative(matrix: CostMatrix, opportunities: Floats, *, limit: float) -> Floats:
    """Return what each origin reaches at a cost ``<= limit``: the sum of the opportunities (Hansen 1959, cut-off)."""
    _check("opportunités", opportunities, matrix.shape[1])
    return np.asarray(_weights(matrix, ((limit, 1.0),)) @ opportunities)


def two_step(matrix: CostMatrix, people: Floats, supply: Floats, *, bands: Bands) -> Floats:
    """Return the supply per person within reach, by the two-step floating catchment area.

    One band of weight 1 is the 2SFCA (Luo & Wang 2003), several are the E2SFCA (Luo & Qi 2009). First each service
    divides its supply by the weighted people who reach it, then each origin adds the weighted ratios it reaches.

    The sum over origins of people times access is the supply of the services that anybody reaches: nothing is lost.

    Raises
    ------
    FrameError
        People or supply are missing, negative, or not as many as the matrix has; bands do not increase.
    """
    _check("habitants", people, matrix.shape[0])
    _check("offre", supply, matrix.shape[1])
    weight = _weights(matrix, bands)
    demanded = weight.T @ people
    ratio = np.divide(supply, demanded, out=np.zeros(len(supply)), where=demanded > 0)
    return np.asarray(weight @ ratio)


def _weights(matrix: CostMatrix, bands: Bands) -> sparse.csr_array:
    """Return the weight of each pair, 0 beyond the last band."""
    limits = np.array([limit for limit, _ in bands])
    if not len(limits) or (np.diff(limits) <= 0).any():
        raise FrameError(f"des limites croissantes sont attendues, {limits.tolist()} est donné.")
    band = np.searchsorted(limits, matrix.cost, side="left")  # a cost equal to a limit is within it
    value = np.append([weight for _, weight in bands], 0.0)[band]
    return sparse.csr_array((value, (matrix.origin, matrix.destination)), shape=matrix.shape)


def _check(what: str, values: Floats, length: int) -> None:
    if len(values) != length or not np.isfinite(values).all() or (values < 0).any():
        raise FrameError(f"{what} : {length} nombres finis et positifs ou nuls sont attendus.")
