"""What becomes of a plan once it is known: who goes to which of its kiosks where these fill, and in
which phase each opens.
"""

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.kiosks.prospects import Prospect, first_serving, positions
from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting.phasing import phases
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.coverage.study.hypotheses import Programme
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import _


def settled(prospect: Prospect, plan: KioskPlan) -> Prospect:
    """Return a prospect whose hosts, those of the plan, serve the points that the plan sends there,
    and no other.
    """
    goes, ways = np.asarray(plan.assigned), prospect.costs
    opened = [*prospect.rules.existing, *plan.sites]
    kept = ~np.isin(ways.destination, opened) | (goes[ways.origin] == ways.destination)
    elsewhere = np.isin(np.arange(ways.shape[1]), opened, invert=True)
    rows = np.flatnonzero(goes >= 0)
    sent = sparse.csr_array((np.ones(len(rows), bool), (rows, goes[rows])), ways.shape)
    serves = prospect.serves.multiply(elsewhere[None, :]) + prospect.serves.multiply(sent)
    return replace(
        prospect,
        costs=CostMatrix(ways.origin[kept], ways.destination[kept], ways.cost[kept], ways.shape),
        serves=sparse.csr_array(serves),
        unlimited=prospect.serves,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Phased:
    """The phases of a programme, and how good their order is.

    ``table``: one row per phase, in order; columns phase, budget_eur, spent_eur (of the phase alone,
    experts in the first), kiosks (opened in it), people (gained by the end of it, of the group that
    has priority where there is one) and ``shares``, what each funder pays of ``spent_eur``.
    """

    table: pd.DataFrame
    #: People summed over the phases, and what no other order can exceed.
    value: float
    bound: float
    gap: float
    status: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "phases": self.table.to_dict("records"),
            "value": self.value,
            "bound": self.bound,
            "status": self.status,
        }


def phased(
    study: Study,
    choice: KioskChoice,
    asked: Programme,
    white: gpd.GeoDataFrame,
    prospect: Prospect,
    kiosks: gpd.GeoDataFrame,
) -> tuple[gpd.GeoDataFrame, Phased]:
    """Return the kiosks with the ``phase`` that each opens in (empty for those that exist), and the
    phases.

    Raises
    ------
    SitingError
        The phases together do not pay for the plan.
    """
    new = np.flatnonzero(kiosks["rank"] > 0)
    place = np.asarray(positions(prospect, kiosks), dtype=np.int64)
    left = first_serving(prospect.serves, list(prospect.rules.existing)) < 0
    weight = white[asked.priority or "people"].fillna(0).to_numpy(float)[left]
    cost = kiosks["cost_eur"].to_numpy(float)[new]
    budget = np.array([phase.budget_eur for phase in asked.phases])
    budget[0] -= choice.experts_eur
    cover = sparse.csr_array(prospect.serves[left][:, place[new]])
    try:
        found = phases(cover, weight, cost, budget, time_limit_s=choice.time_limit_s)
    except SitingError as error:
        where = _("{file}, table « kiosks.programme » : {why}", file=study.where, why=error)
        raise SitingError(where) from error
    count = len(asked.phases)
    names = np.array([phase.name for phase in asked.phases], dtype=object)
    spent = np.bincount(found.phase, weights=cost, minlength=count)
    spent[0] += choice.experts_eur
    phase = np.full(len(kiosks), "", dtype=object)
    phase[new] = names[found.phase]
    table = pd.DataFrame(
        {
            "phase": names,
            "budget_eur": [phase.budget_eur for phase in asked.phases],
            "spent_eur": spent,
            "kiosks": np.bincount(found.phase, minlength=count),
            "people": found.reached,
            "shares": [
                {name: share * sum_eur for name, share in asked.shares} for sum_eur in spent
            ],
        }
    )
    kiosks = kiosks.assign(phase=phase)
    told = [name for name in kiosks.columns if name != kiosks.geometry.name]
    return kiosks[[*told, kiosks.geometry.name]], Phased(
        table, found.value, found.bound, found.gap, found.status
    )
