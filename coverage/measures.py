"""Measures of access beside who is served: what each place reaches, its fair share of it, and how unequal that is."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.accessibility import LUO_QI_S, Bands, cumulative, two_step
from geoguichet.coverage.equity import gini, palma, poverty
from geoguichet.coverage.impedance import Floats, Router
from geoguichet.coverage.measuring import able_services
from geoguichet.coverage.options import MeasuresChoice
from geoguichet.coverage.study import Need, Study
from geoguichet.referentials.territories import Territory

PER_PEOPLE = 10_000
"""The catchment measures are told for as many people."""

COLUMNS = ("need", "kind", "code", "name", "people", "mean", "nothing", "gini", "palma", "poverty", "poverty_depth")
"""Of the table of :func:`measure_access`: ``mean`` weighted by people; ``nothing``: people who reach nothing at all;
``palma`` missing when the four tenths of people with least reach nothing; ``poverty`` and ``poverty_depth``: share of
people under the poverty line, and how far under on average (Foster, Greer & Thorbecke 1984, orders 0 and 1)."""


def measure_access(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, territory: Territory, study: Study, router: Router
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a column of access per need and kind at each demand point, and the table by département and in all.

    The catchment of a need is its threshold. ``cumulative`` counts what is within it; ``2sfca`` shares each service
    among those within it (Luo & Wang 2003), ``e2sfca`` with the weights 1, 0.68, 0.22 for its thirds (Luo & Qi 2009),
    both for :data:`PER_PEOPLE` people. The poverty line is a share of the territory's mean, the same everywhere.
    """
    choice = study.measures or MeasuresChoice()
    people = demand["people"].to_numpy(float)
    columns: dict[str, Floats] = {}
    rows: list[dict[str, object]] = []
    for need in study.needs:
        able = able_services(services, need.key)
        supply = _supply(able, choice)
        matrix = router.costs(demand.geometry, able.geometry, limit=need.within)
        for kind in choice.kinds:
            if kind == "cumulative":
                access = cumulative(matrix, supply, limit=need.within)
            else:
                access = two_step(matrix, people, supply, bands=bands(need, kind)) * PER_PEOPLE
            columns[f"{need.key}_{kind}"] = access
            rows += _rows(need.key, kind, access, demand, territory, choice)
    return pd.DataFrame(columns, index=demand.index), pd.DataFrame(rows, columns=list(COLUMNS))


def bands(need: Need, kind: str) -> Bands:
    """Return the bands of a floating catchment: the whole threshold, or its thirds with Luo & Qi's weights."""
    if kind == "2sfca":
        return ((need.within, 1.0),)
    whole = LUO_QI_S[-1][0]
    return tuple((need.within * limit / whole, weight) for limit, weight in LUO_QI_S)


def _supply(services: gpd.GeoDataFrame, choice: MeasuresChoice) -> Floats:
    if choice.supply == "count":
        return np.ones(len(services))
    return services["hours_per_week"].fillna(0.0).to_numpy(float)


def _rows(
    need: str, kind: str, access: Floats, demand: gpd.GeoDataFrame, territory: Territory, choice: MeasuresChoice
) -> Iterator[dict[str, object]]:
    people = demand["people"].to_numpy(float)
    if not people.sum() > 0:
        return
    line = choice.poverty_line * float(np.average(access, weights=people))
    places = [*territory.departements[["code", "name"]].itertuples(index=False), ("", territory.name)]
    for code, name in places:
        here = (demand["departement"] == code).to_numpy() if code else np.ones(len(demand), dtype=bool)
        held, weight = access[here], people[here]
        if not weight.sum() > 0:
            continue
        share = palma(held, weight)
        yield {
            "need": need,
            "kind": kind,
            "code": str(code),
            "name": str(name),
            "people": int(weight.sum()),
            "mean": float(np.average(held, weights=weight)),
            "nothing": int(weight[held == 0].sum()),
            "gini": gini(held, weight),
            "palma": share if np.isfinite(share) else np.nan,
            "poverty": poverty(held, weight, line=line) if line > 0 else np.nan,
            "poverty_depth": poverty(held, weight, line=line, alpha=1.0) if line > 0 else np.nan,
        }
