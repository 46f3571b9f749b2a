"""The whole chain of a study, readable in one screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage import candidates, inputs, white_zones
from geoguichet.coverage.beside import Beside, beside
from geoguichet.coverage.cells import FineDemand, name_by_commune, people_of_cells
from geoguichet.coverage.demand import demand_points
from geoguichet.coverage.edge import edge_findings
from geoguichet.coverage.impedance import Router
from geoguichet.coverage.measuring import margins_of, measure, slack_at
from geoguichet.coverage.metres import add_metres
from geoguichet.coverage.ranking import SAVINGS, rank
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.router_choice import open_router, travel_counters, travel_findings
from geoguichet.coverage.rules import met_with
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.study import KioskChoice, Study
from geoguichet.coverage.supply import supply_points
from geoguichet.coverage.zone_drawing import draw_zones
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.territories import Territory

type OnStep = Callable[[str], None]

STEPS = (
    "lecture des couches",
    "demande et services",
    "distances",
    "zones blanches",
    "plan des visioguichets",
    "bilan",
)
"""The steps of :func:`run`, in order, as shown to the user."""


def run(study: Study, *, router: Router | None = None, on_step: OnStep = lambda _: None) -> CoverageResult:
    """Answer a study: who is served, the white zones, and the kiosk plan with its bound.

    ``on_step`` is called with the name of each step (one of :data:`STEPS`) as it starts.

    Raises
    ------
    GeoguichetError
        The study or its data is refused; one sentence says what, where, and what to try.
    """
    router = router or open_router(study.router, beside=study.path.parent if study.path else None)
    _check_unit(router, study)
    clock = _Clock(on_step)
    with clock.step(STEPS[0]):
        data = inputs.read(study)
    with clock.step(STEPS[1]):
        communes, noticed = demand_points(data.territory, data.services, study)
        fine = people_of_cells(study, data.territory)
        services, counters, more = supply_points(data.territory, data.services, study)
    with clock.step(STEPS[2]):
        demand = measure(communes if fine is None else fine.demand, services, study, router)
        for need in study.needs:
            places, named = services.geometry, f"{need.key}_service"
            demand = add_metres(demand, router, places, named=named, column=f"{need.key}_m")
        noticed += travel_findings(router, demand, services)
        coarse = None if fine is None else measure(communes, services, study, router)
        demand, told = beside(demand, services, data.services, coarse, data.territory, study, router)
    with clock.step(STEPS[3]):
        slack = partial(slack_at, services=services, study=study, router=router)
        outlines = None if fine is None else fine.shapes
        drawn = draw_zones(study, data.territory, demand, slack, router, outlines=outlines)
        demand["zone"], undrawn = drawn.zone_of, drawn.findings
        zones = drawn.zones if fine is None else name_by_commune(drawn.zones, demand)
    with clock.step(STEPS[4]):
        hosts, plan, near = None, None, None
        if study.kiosks is not None:
            hosts = candidates.candidate_hosts(data.territory, data.services, communes, study, study.kiosks)
            plan = _plan(demand, hosts, study, study.kiosks, router)
        kiosks = _kiosk_table(hosts, plan, demand)
        demand = _after(demand, kiosks, study, router)
        demand = add_metres(demand, router, kiosks.geometry, named="kiosk", column="kiosk_m")
        ranking = None
        if study.kiosks is not None and hosts is not None and plan is not None:
            kiosks, demand, ranking = rank(study, study.kiosks, demand, hosts, kiosks, plan, router)
        if study.kiosks is not None and hosts is not None:
            near = router.costs(demand[~demand["served"]].geometry, hosts.geometry, limit=study.kiosks.reach)
    with clock.step(STEPS[5]):
        zones = white_zones.with_hosts(zones, demand, hosts, near)
        zones["people_after"] = _people_after(zones, demand)
        summary = summarise(demand, kiosks, data.territory)
    counters |= _counters(demand, zones) | travel_counters(router, demand, services)
    counters |= {} if fine is None else fine.counters
    return CoverageResult(
        study=study,
        territory=data.territory,
        demand=demand,
        services=services.drop(columns=[c for c in services.columns if c not in _SERVICE_COLUMNS]),
        white_zones=zones,
        kiosks=kiosks,
        summary=summary,
        plan=plan,
        inputs=data.layers if fine is None else (*data.layers, fine.input),
        findings=tuple(sorted({*data.findings, *noticed, *more, *undrawn, *_told(fine, told, study)})),
        counters=dict(sorted(counters.items())),
        timings=clock.timings,
        ranking=ranking,
        beside=told,
        surface=drawn.surface,
    )


def _told(fine: FineDemand | None, told: Beside, study: Study) -> list[Finding]:
    """Return the findings of the cells and of the edge."""
    warned = [] if told.edge is None else edge_findings(told.edge, study)
    return [*(() if fine is None else fine.findings), *warned]


def _check_unit(router: Router, study: Study) -> None:
    if router.unit != study.unit:
        what = f"le routeur donné compte en {router.unit}, les seuils de l'étude sont en {study.unit}"
        raise study.refusal("router", what, "un routeur et des seuils de même unité")


_SERVICE_COLUMNS = (
    "type",
    "name",
    "commune",
    "commune_name",
    "departement",
    "hours",
    "hours_per_week",
    "inside",
    "needs",
    "geometry",
)


def find_white_zones(study: Study, *, router: Router | None = None) -> CoverageResult:
    """Answer a study without siting any kiosk (what the API process does). Same errors as :func:`run`."""
    return run(replace(study, kiosks=None), router=router)


def _helped(demand: gpd.GeoDataFrame, study: Study, kiosks: KioskChoice) -> np.ndarray:
    """Unserved points that a kiosk within reach would serve."""
    return met_with(study.rule, margins_of(demand, study), frozenset(kiosks.offers)) & ~demand["served"].to_numpy()


def _plan(
    demand: gpd.GeoDataFrame, hosts: gpd.GeoDataFrame, study: Study, kiosks: KioskChoice, router: Router
) -> KioskPlan:
    wanting = demand[_helped(demand, study, kiosks)]
    reach = router.costs(wanting.geometry, hosts.geometry, limit=kiosks.reach)
    return maximal_covering(
        reach.within(kiosks.reach),
        wanting["people"],
        kiosks.count,
        required=candidates.positions(hosts, kiosks.required),
        excluded=candidates.positions(hosts, kiosks.excluded),
        time_limit_s=kiosks.time_limit_s,
        gap=kiosks.gap,
    )


def _kiosk_table(hosts: gpd.GeoDataFrame | None, plan: KioskPlan | None, demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if hosts is None or plan is None:
        columns = [
            "rank",
            "commune",
            "name",
            "departement",
            "host",
            "hours",
            "hours_per_week",
            "zones",
            "people_added",
            "people_cumulated",
            "share_cumulated",
            *SAVINGS,
        ]
        return gpd.GeoDataFrame(
            columns=columns, geometry=[], crs="EPSG:4326", index=pd.Index([], name="id", dtype=object)
        )
    chosen = hosts.iloc[list(plan.sites)]
    white = demand.loc[~demand["served"], "people"].sum()
    added = pd.Series(np.asarray(plan.gains), dtype=float).round().astype(np.int64)
    return gpd.GeoDataFrame(
        {
            "rank": np.arange(1, len(chosen) + 1),
            "commune": chosen["commune"].to_numpy(),
            "name": chosen["commune_name"].to_numpy(),
            "departement": chosen["departement"].to_numpy(),
            "host": chosen["name"].to_numpy(),
            "hours": chosen["hours"].to_numpy(),
            "people_added": added.to_numpy(),
            "people_cumulated": added.cumsum().to_numpy(),
            "share_cumulated": (added.cumsum() / white if white else added * 0.0).to_numpy(),
        },
        geometry=chosen.geometry.to_numpy(),
        crs="EPSG:4326",
        index=pd.Index([f"k-{rank:03d}" for rank in range(1, len(chosen) + 1)], name="id", dtype=object),
    )


def _after(demand: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, study: Study, router: Router) -> gpd.GeoDataFrame:
    """Add the kiosk that reaches each point, and whether the point is served once the kiosks are open."""
    table = demand.copy()
    name, cost = np.full(len(demand), "", dtype=object), np.full(len(demand), np.nan)
    if study.kiosks is not None and len(kiosks):
        nearest = router.nearest(demand.geometry, kiosks.geometry)
        reached = nearest.cost <= study.kiosks.reach
        name[reached] = kiosks.index.to_numpy()[nearest.destination[reached]]
        cost[reached] = nearest.cost[reached]
    table["kiosk"], table[f"kiosk_{study.unit}"] = name, cost
    helped = _helped(demand, study, study.kiosks) if study.kiosks is not None else np.zeros(len(demand), dtype=bool)
    table["served_after"] = demand["served"].to_numpy() | (helped & (name != ""))
    table["unserved_reason"] = ""
    return table


def _people_after(zones: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> pd.Series:
    left = demand[~demand["served_after"]].groupby("zone")["people"].sum()
    return left.reindex(zones.index, fill_value=0).astype(np.int64)


def summarise(demand: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, territory: Territory) -> pd.DataFrame:
    """Return the table of the study: one row per département in order of code, then the territory."""
    rows = [
        _row(code, name, demand[demand["departement"] == code], int((kiosks["departement"] == code).sum()))
        for code, name in zip(territory.departements["code"], territory.departements["name"], strict=True)
    ]
    return pd.DataFrame([*rows, _row("", territory.name, demand, len(kiosks))])


def _row(code: str, name: str, demand: gpd.GeoDataFrame, kiosks: int) -> dict[str, object]:
    people = int(demand["people"].sum())
    before = int(demand.loc[~demand["served"], "people"].sum())
    after = int(demand.loc[~demand["served_after"], "people"].sum())
    return {
        "code": code,
        "name": name,
        "people": people,
        "white_before": before,
        "white_before_share": before / people if people else 0.0,
        "white_after": after,
        "white_after_share": after / people if people else 0.0,
        "zones": int(demand.loc[~demand["served"], "zone"].nunique()),
        "kiosks": int(kiosks),
    }


def _counters(demand: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> dict[str, int]:
    by_source = {f"demand_at_{source}": int(count) for source, count in demand["point_source"].value_counts().items()}
    return by_source | {
        "communes": demand["commune"].nunique() if "commune" in demand.columns else len(demand),
        "people": int(demand["people"].sum()),
        "people_not_located": int(demand.loc[demand["point_source"] == "none", "people"].sum()),
        ("communes_unserved" if "commune" not in demand.columns else "cells_unserved"): int((~demand["served"]).sum()),
        "white_zones": int((zones["communes"] > 0).sum()),
    }


class _Clock:
    """Announces each step and keeps its seconds."""

    def __init__(self, on_step: OnStep) -> None:
        self.timings: dict[str, float] = {}
        self._on_step = on_step

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._on_step(name)
        started = time.monotonic()
        yield
        self.timings[name] = round(time.monotonic() - started, 3)
