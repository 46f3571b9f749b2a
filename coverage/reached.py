"""The demand once the kiosks are open: which one reaches each point, and who is served then."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.impedance import Router
from geoguichet.coverage.kiosk_plan import Prospect, positions, served_by
from geoguichet.coverage.metres import add_metres
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.coverage.study import Study


def once_open(
    demand: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, prospects: Prospect | None, study: Study, router: Router
) -> gpd.GeoDataFrame:
    """Add the kiosk that reaches each point, the way to it, and whether the point is served once the kiosks are open.

    The kiosk is the nearest within reach; for a point that kiosks serve, the nearest that serves it: where hours count
    (``hours_count``), a nearer one may not open what the point lacks.
    """
    table = demand.copy()
    name, cost = np.full(len(demand), "", dtype=object), np.full(len(demand), np.nan)
    if study.kiosks is not None and len(kiosks):
        nearest = router.nearest(demand.geometry, kiosks.geometry)
        reached = nearest.cost <= study.kiosks.reach
        name[reached] = kiosks.index.to_numpy()[nearest.destination[reached]]
        cost[reached] = nearest.cost[reached]
    table["kiosk"], table[f"kiosk_{study.unit}"] = name, cost
    gained = demand.index[:0] if prospects is None else served_by(prospects, kiosks)
    table["served_after"] = demand["served"] | demand.index.isin(gained)
    table["unserved_reason"] = ""
    table = add_metres(table, router, kiosks.geometry, named="kiosk", column="kiosk_m")
    if prospects is not None and study.kiosks is not None and study.kiosks.hours_count:
        table = _beyond_the_nearest(table, kiosks, prospects, study, router)
    return table


def _beyond_the_nearest(
    table: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, prospects: Prospect, study: Study, router: Router
) -> gpd.GeoDataFrame:
    """Name the nearest kiosk that serves each point gained, where the nearest of all opens too little for it."""
    place = np.full(len(prospects.hosts), -1, dtype=np.int64)
    place[positions(prospects, kiosks)] = np.arange(len(kiosks))
    ways, within = prospects.costs, study.kiosks.reach if study.kiosks is not None else 0.0
    pairs = pd.DataFrame({"origin": ways.origin, "kiosk": place[ways.destination], "cost": ways.cost})
    pairs = pairs[(pairs["kiosk"] >= 0) & (pairs["cost"] <= within)].sort_values(["origin", "cost", "kiosk"])
    best = pairs.drop_duplicates("origin")
    serving = pd.DataFrame(
        {"kiosk": kiosks.index.to_numpy()[best["kiosk"]], "cost": best["cost"].to_numpy()},
        index=prospects.white.index[best["origin"]],
    )
    moved = serving[serving["cost"] > table.loc[serving.index, f"kiosk_{study.unit}"]]
    table.loc[moved.index, "kiosk"] = moved["kiosk"]
    table.loc[moved.index, f"kiosk_{study.unit}"] = moved["cost"]
    if isinstance(router, RoadRouter) and "kiosk_m" in table.columns and study.unit == "s":
        for kiosk, members in moved.groupby("kiosk"):
            points = table.loc[members.index].geometry
            table.loc[members.index, "kiosk_m"] = router.metres(points, kiosks.geometry.loc[[kiosk]])
    return table
