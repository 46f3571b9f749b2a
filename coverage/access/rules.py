"""The cost from every demand point to its nearest service of each need, and the slack the rule
leaves there.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.routers.impedance import Floats, Router
from geoguichet.coverage.study.study import Rule, Study
from geoguichet.floor.units import Unit

# From distances to an answer: how much slack a rule leaves at each demand point, and so who is
# served.


def slack_under(rule: Rule, margins: dict[str, Floats]) -> Floats:
    """Return the slack of a rule at each demand point: the k-th largest margin among its needs, or,
    where it is smaller, the smallest margin of those required.

    ``margins[need]`` is the threshold minus the cost at each point (NaN when unreachable), so a
    point is served exactly when its slack is ``>= 0``. With "all" the slack is the smallest margin,
    with "any" the largest. The result is NaN where the rule cannot be met at any threshold (fewer
    than k needs reachable, or a required one not).
    """
    slack = _kth_largest([margins[need] for need in rule.needs], rule.k)
    if rule.required:
        slack = np.minimum(
            slack, _kth_largest([margins[need] for need in rule.required], len(rule.required))
        )
    slack[np.isneginf(slack)] = np.nan
    return slack


# Return the k-th largest of the margins at each point, what is missing counted below all others.
def _kth_largest(margins: list[Floats], k: int) -> Floats:
    table = np.column_stack(margins)
    ordered: Floats = np.sort(np.where(np.isnan(table), -np.inf, table), axis=1)[:, ::-1]
    return ordered[:, k - 1].copy()


def is_served(slack: Floats) -> np.ndarray:
    """Return True where the slack is known and not negative: a point exactly at its threshold is
    served.
    """
    return np.asarray(slack >= 0)


def met_with(rule: Rule, margins: dict[str, Floats], offered: frozenset[str]) -> np.ndarray:
    """Return the points where the rule would hold if the ``offered`` needs were met on the spot."""
    given = {
        need: np.full_like(margin, np.inf) if need in offered else margin
        for need, margin in margins.items()
    }
    return is_served(slack_under(rule, given))


def measure(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, study: Study, router: Router
) -> gpd.GeoDataFrame:
    """Add to each demand point its nearest service per need, the slack the rule leaves, and whether
    it is served.
    """
    table = demand.copy()
    located = demand.geometry.notna() & ~demand.geometry.is_empty
    for need in study.needs:
        able = able_services(services, need.key)
        nearest = router.nearest(demand.geometry, able.geometry)
        found = nearest.destination >= 0
        names = np.full(len(demand), "", dtype=object)
        names[found] = able.index.to_numpy()[nearest.destination[found]]
        table[study.unit.column(need.key)] = nearest.cost
        table[f"{need.key}_service"] = names
        table[f"{need.key}_reason"] = np.where(
            found,
            "",
            np.where(located, "no_service", "not_located")
            if nearest.reason is None
            else nearest.reason,
        )
    slack = slack_under(study.rule, margins_of(table, study))
    table[study.unit.column("slack")], table["served"] = slack, is_served(slack)
    return table


def add_metres(
    demand: gpd.GeoDataFrame, router: Router, places: gpd.GeoSeries, *, named: str, column: str
) -> gpd.GeoDataFrame:
    """Add the metres behind the minutes: those of the fastest way from each demand point to the
    place that its column ``named`` names, for what is counted in kilometres.

    Only where the router counts seconds and knows its ways; another study is returned as it is.
    NaN where no place is named. Each named place is the nearest to its point, so it is the nearest
    among those that are named.
    """
    if router.unit is Unit.METRES:
        return demand
    metres = router.metres(
        demand.geometry,
        gpd.GeoSeries(places.reindex(sorted(set(demand[named]) - {""})), crs=places.crs),
    )
    return (
        demand
        if metres is None
        else demand.assign(
            **{column: pd.Series(metres, index=demand.index).where(demand[named] != "")}
        )
    )


def slack_at(
    points: gpd.GeoSeries, *, services: gpd.GeoDataFrame, study: Study, router: Router
) -> Floats:
    """Return the slack at any points, by the very answer that demand points get."""
    return measure(
        gpd.GeoDataFrame(geometry=points.reset_index(drop=True)), services, study, router
    )[study.unit.column("slack")].to_numpy(dtype=np.float64)


def margins_of(demand: gpd.GeoDataFrame, study: Study) -> dict[str, Floats]:
    """Return, for each need, the threshold minus the cost at each point (NaN when unreachable)."""
    return {
        need.key: need.within - demand[study.unit.column(need.key)].to_numpy()
        for need in study.needs
    }


def able_services(services: gpd.GeoDataFrame, need: str) -> gpd.GeoDataFrame:
    """Return the services that meet a need (column ``needs`` of ``supply.supply_points``)."""
    return services[
        np.array([need in str(keys).split(",") for keys in services["needs"]], dtype=bool)
    ]
