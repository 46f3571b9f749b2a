"""The metres behind the minutes: how long the fastest way is, for what is counted in kilometres."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.impedance import Router
from geoguichet.coverage.routers.road import RoadRouter


def add_metres(
    demand: gpd.GeoDataFrame, router: Router, places: gpd.GeoSeries, *, named: str, column: str
) -> gpd.GeoDataFrame:
    """Add the metres of the fastest way from each demand point to the place that its column ``named`` names.

    Only where the router counts seconds and knows its roads; another study is returned as it is. NaN where no place
    is named. Each named place is the nearest to its point, so it is the nearest among those that are named.
    """
    if not isinstance(router, RoadRouter) or router.unit != "s":
        return demand
    chosen = places.reindex(sorted(set(demand[named]) - {""}))
    metres = router.metres(demand.geometry, gpd.GeoSeries(chosen, crs=places.crs))
    return demand.assign(**{column: pd.Series(metres, index=demand.index).where(demand[named] != "")})
