"""The whole chain of a study, readable in one screen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import (
    FineDemand,
    demand_points,
    name_by_commune,
    people_of_cells,
)
from geoguichet.coverage.access.rules import (
    add_metres,
    lacking_table,
    measure,
    slack_at,
    white,
)
from geoguichet.coverage.access.supplements import Beside, baseline, beside
from geoguichet.coverage.access.supply import supply_points
from geoguichet.coverage.kiosks.prospects import candidate_hosts, site_rules
from geoguichet.coverage.kiosks.ranking import SAVINGS, Sited, no_kiosks, once_open, site
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.study.choices import open_router
from geoguichet.coverage.study.study import Study, a_study
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
    workspace: str | Path | None = None,
    on_step: OnStep = lambda _: None,
) -> CoverageResult:
    """Return the answer to a study: who is served, the white zones, the kiosk plan with its bound.

    Served by the rule of Toregas et al. (1971); kiosks by the models of Church & ReVelle (1974) and
    Hakimi (1964), proved or with the gap that is left.

    Parameters
    ----------
    study
        Of :func:`~geoguichet.read_study` or :func:`~geoguichet.parse_study`.
    router
        Who measures the ways; that of the study when left out.
    workspace
        Where referentials of networks that exist already may be (France services, La Poste): what
        they would change is told beside the answer.
    on_step
        Called with the name of each step (one of :data:`STEPS`) as it starts.

    Returns
    -------
    CoverageResult
        Layers in EPSG:4326, costs in metres or seconds as the study counts.

    Raises
    ------
    GeoguichetError
        The study or its data is refused; one sentence says what, where, and what to try.

    Examples
    --------
    After the example of :func:`~geoguichet.parse_study`:

    >>> result = run(study)
    >>> result.summary[["people", "white_before", "white_after"]].values.tolist()[-1]
    [153153, 11287, 2106]
    >>> result.plan.status
    'optimal'
    """
    study = a_study(study)
    router = router or open_router(study.router, beside=study.path.parent if study.path else None)
    _check_unit(router, study)
    clock = _Clock(on_step)
    with clock.step(STEPS[0]):
        data = inputs.read(study)
    territory = data.territory
    with clock.step(STEPS[1]):
        communes, noticed = demand_points(territory, data.services, study)
        fine = people_of_cells(study, territory)
        services, counters, more = supply_points(territory, data.services, study)
        noticed += [*more, *(fine.findings if fine else ())]
    with clock.step(STEPS[2]):
        demand, told = _measured(data, communes, fine, services, study, router, workspace)
    with clock.step(STEPS[3]):
        slack = partial(slack_at, services=services, study=study, router=router)
        outlines = fine.shapes if fine else None
        drawn = draw_zones(study, territory, _settled(demand), slack, router, outlines=outlines)
        demand["zone"] = drawn.zone_of
        zones = name_by_commune(drawn.zones, demand) if fine else drawn.zones
    with clock.step(STEPS[4]):
        sited, counted = _sited(data, communes, demand, study, router)
    with clock.step(STEPS[5]):
        demand, zones = sited.demand, _after_the_plan(zones, sited)
        summary = summarise(demand, sited.kiosks, territory)
        counters |= counted | _counters(demand, zones) | told.counters
        counters |= fine.counters if fine else _without_people(territory, study)
    return CoverageResult(
        study=study,
        territory=territory,
        demand=demand,
        services=services.loc[
            services["needs"] != "", [c for c in services.columns if c in _SERVICE_COLUMNS]
        ],
        white_zones=zones,
        kiosks=sited.kiosks,
        summary=summary,
        plan=sited.plan,
        inputs=_read(data, fine, told, study),
        findings=tuple(sorted({*data.findings, *noticed, *drawn.findings, *told.findings})),
        counters=dict(sorted(counters.items())),
        timings=clock.timings,
        ranking=sited.ranking,
        beside=told,
        surface=drawn.surface,
    )


# Measure the ways of everyone, and what is told beside the answer.
def _measured(
    data: inputs.StudyData,
    communes: gpd.GeoDataFrame,
    fine: FineDemand | None,
    services: gpd.GeoDataFrame,
    study: Study,
    router: Router,
    workspace: str | Path | None,
) -> tuple[gpd.GeoDataFrame, Beside]:
    demand = measure(fine.demand if fine else communes, services, study, router)
    for need in study.needs:
        places, named = services.geometry, f"{need.key}_service"
        demand = add_metres(demand, router, places, named=named, column=f"{need.key}_m")
    coarse = measure(communes, services, study, router) if fine else None
    demand, told = beside(demand, services, data.services, coarse, data.territory, study, router)
    epci = inputs.epci_names(inputs.source_path(study))
    lacking = lacking_table(demand, data.territory, study, epci)
    there = baseline(demand, data.services, data.territory, study, router, workspace)
    return demand, replace(told, lacking=lacking, baseline=there)


# Count the communes whose people nobody knows, when there are some.
def _without_people(territory: Territory, study: Study) -> dict[str, int]:
    unknown = int(territory.communes[study.demand.weight].isna().sum())
    return {"communes_without_population": unknown} if unknown else {}


# Return all that was read to answer.
def _read(
    data: inputs.StudyData, fine: FineDemand | None, told: Beside, study: Study
) -> tuple[inputs.InputLayer, ...]:
    return (
        *data.layers,
        *((fine.input,) if fine else ()),
        *inputs.network_layer(study),
        *(told.baseline.inputs if told.baseline else ()),
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
    """Return the answer to a study, no kiosk sited (what the API process does); ``study``,
    ``router``, units and answer are those of :func:`run`. Same errors as :func:`run`.

    Examples
    --------
    After the example of :func:`~geoguichet.parse_study`:

    >>> result = find_white_zones(study)
    >>> int(result.white_zones["people"].sum()), len(result.kiosks)
    (11287, 0)
    """
    return run(replace(a_study(study), kiosks=None), router=router)


# Choose where the kiosks stand, when the study asks for some, and rank them.
def _sited(
    data: inputs.StudyData,
    communes: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    study: Study,
    router: Router,
) -> tuple[Sited, dict[str, int]]:
    choice = study.kiosks
    if choice is None:
        empty = no_kiosks().assign(**dict.fromkeys((*SAVINGS, "zones"), pd.Series(dtype=object)))
        return Sited(once_open(demand, empty, None, study, router), empty), {}
    found = candidate_hosts(data.territory, data.services, communes, study, choice)
    rules = site_rules(found.eligible, communes, data.territory, study)
    sited = site(study, choice, demand, found, rules, router)
    left = 0 if sited.plan is None else len(sited.plan.uncoverable)
    return sited, found.counters | {"demand_out_of_every_reach": left}


# Add to the zones their best placed hosts, and who is still unserved once the kiosks are open.
def _after_the_plan(zones: gpd.GeoDataFrame, sited: Sited) -> gpd.GeoDataFrame:
    zones = with_hosts(zones, _settled(sited.demand), sited.hosts, sited.near)
    left = sited.demand[~sited.demand["served_after"]].groupby("zone")["people"].sum()
    zones["people_after"] = left.reindex(zones.index, fill_value=0).astype(np.int64)
    return zones


def summarise(
    demand: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, territory: Territory
) -> pd.DataFrame:
    """Return the table of the study: one row per département in order of code, then the
    territory.
    """
    counted = ["departement", "people", "served", "undecided", "served_after", "zone"]
    plain = pd.DataFrame(demand[counted])
    rows = [
        _row(
            code,
            name,
            plain[plain["departement"] == code],
            int((kiosks["departement"] == code).sum()),
        )
        for code, name in zip(
            territory.departements["code"], territory.departements["name"], strict=True
        )
    ]
    return pd.DataFrame([*rows, _row("", territory.name, plain, len(kiosks))])


def _row(code: str, name: str, demand: pd.DataFrame, kiosks: int) -> dict[str, object]:
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
