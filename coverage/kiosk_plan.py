"""The kiosks of a study: what each host could do, and the table of those that ``kiosk_models`` opens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from geoguichet.coverage import candidates
from geoguichet.coverage.impedance import CostMatrix, Positions, Router
from geoguichet.coverage.kiosk_choice import KioskChoice
from geoguichet.coverage.measuring import margins_of
from geoguichet.coverage.rules import met_with
from geoguichet.coverage.siting.constraints import SiteRules
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.study import Study

PLAN_COLUMNS = ("model", "status", "value", "bound", "gap")
"""What every kiosk says of the plan it belongs to, so that the layer can be read alone."""

KIOSK_COLUMNS = (
    "rank",
    "standing",
    "commune",
    "name",
    "departement",
    "host",
    "host_id",
    "type",
    "needs",
    "hours",
    "hours_per_week",
    "people_added",
    "people_cumulated",
    "share_cumulated",
    "gain",
    "cost_eur",
    *PLAN_COLUMNS,
)


@dataclass(frozen=True, slots=True, eq=False)
class Prospect:
    """What a kiosk in each host could do for the points that counters leave unserved."""

    white: gpd.GeoDataFrame
    """Rows of the demand that are not served."""
    hosts: gpd.GeoDataFrame
    rules: SiteRules
    costs: CostMatrix
    """White points x hosts, the pairs within the limit of the model."""
    near: sparse.csr_array
    """White points x hosts: within reach, whatever the host opens."""
    serves: sparse.csr_array
    """White points x hosts: a kiosk there is within reach and would serve the point."""
    refused: npt.NDArray[np.bool_]
    """White points within reach of a host that a condition of the study turns down."""
    helps: npt.NDArray[np.bool_]
    """White points that a kiosk on the spot would serve, open as long as one likes."""
    opened: list[frozenset[str]]
    """Needs that a kiosk in each host opens."""

    @property
    def reachable(self) -> npt.NDArray[np.bool_]:
        """White points that some host which may be opened would serve."""
        allowed = np.ones(len(self.hosts), dtype=np.int64)
        allowed[list(self.rules.forbidden)] = 0
        some: npt.NDArray[np.bool_] = self.serves.astype(np.int64) @ allowed > 0
        return some


def prospect(
    study: Study,
    choice: KioskChoice,
    demand: gpd.GeoDataFrame,
    found: candidates.Hosts,
    rules: SiteRules,
    router: Router,
) -> Prospect:
    """Measure the way from every unserved point to every eligible host, and say which would serve which."""
    hosts = found.eligible
    white = demand[~demand["served"]]
    margins = margins_of(white, study)
    limit = choice.farthest if choice.question in ("median", "center") else choice.reach
    costs = router.costs(white.geometry, hosts.geometry, limit=limit)
    opened = candidates.needs_opened(hosts, study, choice)
    kinds = {needs: met_with(study.rule, margins, needs) for needs in dict.fromkeys(opened)}
    number = {needs: code for code, needs in enumerate(kinds)}
    of_host = np.array([number[needs] for needs in opened], dtype=np.int64)
    useful = np.array(list(kinds.values()))[of_host[costs.destination], costs.origin]
    kept = replace(costs, origin=costs.origin[useful], destination=costs.destination[useful], cost=costs.cost[useful])
    return Prospect(
        white=white,
        hosts=hosts,
        rules=rules,
        costs=kept,
        near=costs.within(choice.reach),
        serves=kept.within(choice.reach),
        refused=_reached(white, found.refused, choice, router),
        helps=met_with(study.rule, margins, frozenset(choice.offers)),
        opened=opened,
    )


def _reached(
    white: gpd.GeoDataFrame, places: gpd.GeoDataFrame, choice: KioskChoice, router: Router
) -> npt.NDArray[np.bool_]:
    """Say which points have one of the places within the reach of a kiosk."""
    if places.empty:
        return np.zeros(len(white), dtype=bool)
    near: npt.NDArray[np.bool_] = router.nearest(white.geometry, places.geometry).cost <= choice.reach
    return near


def first_serving(serves: sparse.sparray, opened: list[int]) -> Positions:
    """Return for each row the first of the opened columns, in their order, that serves it; -1 where none does."""
    table = sparse.csr_array(sparse.csr_array(serves)[:, opened]) if opened else sparse.csr_array((serves.shape[0], 0))
    table.sort_indices()
    first = np.full(table.shape[0], -1, dtype=np.int64)
    some = np.diff(table.indptr) > 0
    first[some] = table.indices[table.indptr[:-1][some]]
    return first


def kiosk_table(prospect: Prospect, plan: KioskPlan, choice: KioskChoice) -> gpd.GeoDataFrame:
    """Return the kiosks, those that exist first (rank 0), then those of the plan in its order.

    People are counted once, with the first kiosk of the table that serves them, whatever the model counts; ``gain`` is
    what the plan says each adds in the model's own measure.
    """
    existing, opened = list(prospect.rules.existing), [*prospect.rules.existing, *plan.sites]
    hosts, old = prospect.hosts.iloc[opened], len(existing)
    people = prospect.white["people"].to_numpy(float)
    first = first_serving(prospect.serves, opened)
    added = pd.Series(
        np.bincount(first[first >= 0], weights=people[first >= 0], minlength=len(opened)).round().astype(np.int64)
    )
    required = set(prospect.rules.required)
    standing = ["existing"] * old + ["required" if site in required else "proposed" for site in plan.sites]
    gains = np.array([np.nan] * old + list(plan.gains), dtype=float)
    keys = [f"e-{number:03d}" for number in range(1, old + 1)]
    keys += [f"k-{number:03d}" for number in range(1, len(plan.sites) + 1)]
    frame = gpd.GeoDataFrame(
        {
            "rank": [0] * old + list(range(1, len(plan.sites) + 1)),
            "standing": standing,
            "commune": hosts["commune"].to_numpy(),
            "name": hosts["commune_name"].to_numpy(),
            "departement": hosts["departement"].to_numpy(),
            "host": hosts["name"].to_numpy(),
            "host_id": hosts.index.to_numpy(),
            "type": hosts["type"].to_numpy(),
            "needs": [",".join(key for key in choice.offers if key in prospect.opened[site]) for site in opened],
            "hours": hosts["hours"].to_numpy(),
            "hours_per_week": hosts["hours_per_week"].to_numpy(float),
            "people_added": added.to_numpy(),
            "people_cumulated": added.cumsum().to_numpy(),
            "share_cumulated": (added.cumsum() / people.sum() if people.sum() else added * 0.0).to_numpy(),
            "gain": np.where(np.isfinite(gains), gains, np.nan),
            "cost_eur": np.where(np.arange(len(opened)) < old, 0.0, candidates.costs_eur(hosts, choice)),
            "model": choice.model,
            "status": plan.status,
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
        },
        geometry=hosts.geometry.to_numpy(),
        crs="EPSG:4326",
        index=pd.Index(keys, name="id", dtype=object),
    )
    return frame[[*KIOSK_COLUMNS, "geometry"]]


def served_by(prospect: Prospect, kiosks: gpd.GeoDataFrame) -> pd.Index:
    """Return the white points that some kiosk of the table serves."""
    first = first_serving(prospect.serves, positions(prospect, kiosks))
    return prospect.white.index[first >= 0]


def positions(prospect: Prospect, kiosks: gpd.GeoDataFrame) -> list[int]:
    """Return the positions in the hosts of the kiosks of the table, in its order."""
    return [int(place) for place in prospect.hosts.index.get_indexer(kiosks["host_id"])]


def no_kiosks() -> gpd.GeoDataFrame:
    """Return the table of a study that asks for none."""
    return gpd.GeoDataFrame(
        columns=list(KIOSK_COLUMNS), geometry=[], crs="EPSG:4326", index=pd.Index([], name="id", dtype=object)
    )
