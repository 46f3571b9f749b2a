"""The cost from every demand point to its nearest service of each need, and the slack the rule leaves there."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from geoguichet.coverage.impedance import Floats, Router
from geoguichet.coverage.rules import is_served, slack_under
from geoguichet.coverage.study import Study


def measure(demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, study: Study, router: Router) -> gpd.GeoDataFrame:
    """Add to each demand point its nearest service per need, the slack the rule leaves, and whether it is served."""
    table = demand.copy()
    located = demand.geometry.notna() & ~demand.geometry.is_empty
    for need in study.needs:
        able = able_services(services, need.key)
        nearest = router.nearest(demand.geometry, able.geometry)
        found = nearest.destination >= 0
        names = np.full(len(demand), "", dtype=object)
        names[found] = able.index.to_numpy()[nearest.destination[found]]
        table[f"{need.key}_{study.unit}"] = nearest.cost
        table[f"{need.key}_service"] = names
        told = np.where(located, "no_service", "not_located") if nearest.reason is None else nearest.reason
        table[f"{need.key}_reason"] = np.where(found, "", told)
    slack = slack_under(study.rule, margins_of(table, study))
    table[f"slack_{study.unit}"], table["served"] = slack, is_served(slack)
    return table


def slack_at(points: gpd.GeoSeries, *, services: gpd.GeoDataFrame, study: Study, router: Router) -> Floats:
    """Return the slack at any points, by the very answer that demand points get."""
    frame = gpd.GeoDataFrame(geometry=points.reset_index(drop=True))
    return measure(frame, services, study, router)[f"slack_{study.unit}"].to_numpy(dtype=np.float64)


def margins_of(demand: gpd.GeoDataFrame, study: Study) -> dict[str, Floats]:
    """Return, for each need, the threshold minus the cost at each point (NaN when unreachable)."""
    return {need.key: need.within - demand[f"{need.key}_{study.unit}"].to_numpy() for need in study.needs}


def able_services(services: gpd.GeoDataFrame, need: str) -> gpd.GeoDataFrame:
    """Return the services that meet a need (column ``needs`` of ``supply.supply_points``)."""
    return services[np.array([need in str(keys).split(",") for keys in services["needs"]], dtype=bool)]
