"""The whole chain of a study, readable in one screen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import (
    demand_points,
    name_by_commune,
    people_of_cells,
)
from geoguichet.coverage.access.rules import add_metres, measure, slack_at, white
from geoguichet.coverage.access.supplements import baseline, beside, lacking_table
from geoguichet.coverage.access.supply import supply_points
from geoguichet.coverage.kiosks.prospects import (
    candidate_hosts,
    kiosk_table,
    no_kiosks,
    prospect,
    site_rules,
    solve,
)
from geoguichet.coverage.kiosks.ranking import SAVINGS, Ranking, once_open, rank
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.routers.impedance import CostMatrix, Router
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.choices import open_router
from geoguichet.coverage.study.study import Study
from geoguichet.coverage.zones.drawing import draw_zones, with_hosts
from geoguichet.floor.words import Message
from geoguichet.referentials.territories.territory import Territory

type OnStep = Callable[[str], None]

#: The steps of :func:`run`, in order, as shown to the user.
STEPS = (
    Message("lecture des couches"),
    Message("demande et services"),
    Message("distances"),
    Message("zones blanches"),
    Message("plan des visioguichets"),
    Message("bilan"),
)


def run(
    study: Study,
    *,
    router: Router | None = None,
    workspace: Path | None = None,
    on_step: OnStep = lambda _: None,
) -> CoverageResult:
    """Answer a study: who is served, the white zones, and the kiosk plan with its bound.

    The ``workspace`` may hold referentials of networks that exist already (France services, La
    Poste): what they would change is told beside the answer.
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
        noticed += [*more, *(() if fine is None else fine.findings)]
    with clock.step(STEPS[2]):
        demand = measure(communes if fine is None else fine.demand, services, study, router)
        for need in study.needs:
            places, named = services.geometry, f"{need.key}_service"
            demand = add_metres(demand, router, places, named=named, column=f"{need.key}_m")
        coarse = None if fine is None else measure(communes, services, study, router)
        demand, told = beside(
            demand, services, data.services, coarse, data.territory, study, router
        )
        epci = inputs.epci_names(inputs.source_path(study))
        there = baseline(demand, data.services, data.territory, study, router, workspace)
        told = replace(
            told,
            lacking=lacking_table(demand, data.territory, study, epci),
            baseline=there,
        )
    with clock.step(STEPS[3]):
        slack = partial(slack_at, services=services, study=study, router=router)
        outlines = None if fine is None else fine.shapes
        drawn = draw_zones(
            study, data.territory, _settled(demand), slack, router, outlines=outlines
        )
        demand["zone"], undrawn = drawn.zone_of, drawn.findings
        zones = drawn.zones if fine is None else name_by_commune(drawn.zones, demand)
    with clock.step(STEPS[4]):
        sited = _sited(data, communes, demand, study, router)
        counters |= sited.counters
    with clock.step(STEPS[5]):
        demand, kiosks = sited.demand, sited.kiosks
        zones = with_hosts(zones, _settled(demand), sited.hosts, sited.near)
        left = demand[~demand["served_after"]].groupby("zone")["people"].sum()
        zones["people_after"] = left.reindex(zones.index, fill_value=0).astype(np.int64)
        summary = summarise(demand, kiosks, data.territory)
    counters |= _counters(demand, zones) | told.counters
    unknown = int(data.territory.communes[study.demand.weight].isna().sum())
    counters |= {"communes_without_population": unknown} if unknown and fine is None else {}
    counters |= {} if fine is None else fine.counters
    return CoverageResult(
        study=study,
        territory=data.territory,
        demand=demand,
        services=services.loc[
            services["needs"] != "", [c for c in services.columns if c in _SERVICE_COLUMNS]
        ],
        white_zones=zones,
        kiosks=kiosks,
        summary=summary,
        plan=sited.plan,
        inputs=(
            *data.layers,
            *(() if fine is None else (fine.input,)),
            *inputs.network_layer(study),
            *there.inputs,
        ),
        findings=tuple(sorted({*data.findings, *noticed, *undrawn, *told.findings})),
        counters=dict(sorted(counters.items())),
        timings=clock.timings,
        ranking=sited.ranking,
        beside=told,
        surface=drawn.surface,
    )


# Return the demand as the zones are drawn from it: the undecided are in none.
def _settled(demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return demand.assign(served=~white(demand))


def _check_unit(router: Router, study: Study) -> None:
    if router.unit != study.unit:
        what = (
            f"le routeur donné compte en {router.unit}, les seuils de l'étude sont en {study.unit}"
        )
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
    """Answer a study without siting any kiosk (what the API process does). Same errors as
    :func:`run`.
    """
    return run(replace(study, kiosks=None), router=router)


@dataclass(frozen=True, slots=True, eq=False)
class _Sited:
    """The demand once the kiosks are open, the kiosks, and what surrounds them."""

    demand: gpd.GeoDataFrame
    kiosks: gpd.GeoDataFrame
    plan: KioskPlan | None = None
    ranking: Ranking | None = None
    counters: dict[str, int] = field(default_factory=dict)
    hosts: gpd.GeoDataFrame | None = None
    #: Unserved points x hosts that would serve them.
    near: CostMatrix | None = None


# Choose where the kiosks stand, when the study asks for some, and rank them.
def _sited(
    data: inputs.StudyData,
    communes: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    study: Study,
    router: Router,
) -> _Sited:
    choice = study.kiosks
    if choice is None:
        empty = no_kiosks().assign(**dict.fromkeys((*SAVINGS, "zones"), pd.Series(dtype=object)))
        return _Sited(once_open(demand, empty, None, study, router), empty)
    found = candidate_hosts(data.territory, data.services, communes, study, choice)
    hosts, counters = found.eligible, found.counters
    rules = site_rules(hosts, communes, data.territory, study)
    prospects = prospect(study, choice, demand, found, rules, router)
    plan = solve(study, choice, prospects, demand)
    kiosks = kiosk_table(prospects, plan, choice)
    demand = once_open(demand, kiosks, prospects, study, router)
    kiosks, demand, ranking = rank(study, choice, demand, prospects, kiosks, plan)
    counters["demand_out_of_every_reach"] = len(plan.uncoverable)
    return _Sited(
        demand, kiosks, plan, ranking, counters, hosts, prospects.costs.up_to(choice.reach)
    )


def summarise(
    demand: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, territory: Territory
) -> pd.DataFrame:
    """Return the table of the study: one row per département in order of code, then the
    territory.
    """
    rows = [
        _row(
            code,
            name,
            demand[demand["departement"] == code],
            int((kiosks["departement"] == code).sum()),
        )
        for code, name in zip(
            territory.departements["code"], territory.departements["name"], strict=True
        )
    ]
    return pd.DataFrame([*rows, _row("", territory.name, demand, len(kiosks))])


def _row(code: str, name: str, demand: gpd.GeoDataFrame, kiosks: int) -> dict[str, object]:
    people = int(demand["people"].sum())
    in_zone = demand[white(demand)]
    before = int(in_zone["people"].sum())
    after = int(in_zone.loc[~in_zone["served_after"], "people"].sum())
    return {
        "code": code,
        "name": name,
        "people": people,
        "white_before": before,
        "white_before_share": before / people if people else 0.0,
        "white_after": after,
        "white_after_share": after / people if people else 0.0,
        "undecided": int(demand.loc[demand["undecided"], "people"].sum()),
        "zones": int(in_zone["zone"].nunique()),
        "kiosks": int(kiosks),
    }


def _counters(demand: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> dict[str, int]:
    by_source = {
        f"demand_at_{source}": int(count)
        for source, count in demand["point_source"].value_counts().items()
    }
    return by_source | {
        "communes": demand["commune"].nunique() if "commune" in demand.columns else len(demand),
        "people": int(demand["people"].sum()),
        "people_not_located": int(demand.loc[demand["point_source"] == "none", "people"].sum()),
        ("communes_unserved" if "commune" not in demand.columns else "cells_unserved"): int(
            white(demand).sum()
        ),
        "people_undecided": int(demand.loc[demand["undecided"], "people"].sum()),
        "white_zones": int((zones["communes"] > 0).sum()),
    }


class _Clock:
    """Announces each step and keeps its seconds."""

    def __init__(self, on_step: OnStep) -> None:
        self.timings: dict[str, float] = {}
        self._on_step = on_step

    @contextmanager
    def step(self, name: Message) -> Iterator[None]:
        self._on_step(str(name))
        started = time.monotonic()
        yield
        self.timings[name.text] = round(time.monotonic() - started, 3)
