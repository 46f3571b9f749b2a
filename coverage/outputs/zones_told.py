"""White zones as the map and the report show them: which, how straight their borders, and what must be said of them."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geoguichet.coverage.outputs.wording import NARROW, Wording
from geoguichet.coverage.partition import polygonal, simplified
from geoguichet.coverage.result import CoverageResult
from geoguichet.referentials.layers import LONLAT, METRIC


def shown(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return the zones that map and report show: those that have a polygon and are not minor."""
    zones = result.white_zones
    return zones[zones.geometry.notna() & ~zones.geometry.is_empty & ~zones["minor"]]


def for_map(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return the zones shown, their borders straightened if the study asks for it.

    All of the territory is simplified at once, served ground included, so that neither gap nor overlap appears.
    """
    zones, tolerance_m = shown(result), result.study.zones.simplify_m
    if not tolerance_m or zones.empty:
        return zones
    metric = zones.geometry.to_crs(METRIC).to_numpy()
    whole = gpd.GeoSeries([result.territory.boundary], crs=LONLAT).to_crs(METRIC).iloc[0]
    rest = shapely.get_parts(shapely.difference(whole, shapely.union_all(metric)))
    straight = simplified(np.concatenate([metric, rest]), tolerance_m)[: len(metric)]
    shapes = gpd.GeoSeries([polygonal(shape) for shape in straight], index=zones.index, crs=METRIC)
    return zones.set_geometry(shapes.to_crs(LONLAT))


def notes(result: CoverageResult, say: Wording) -> list[str]:
    """Say what a reader must know of the zones: how people are counted, and which zones rest on little."""
    zones = result.white_zones
    drawn = zones.geometry.notna()
    smooth = result.study.zones.kind == "smooth"
    told = [say("zones_people")]
    if smooth:
        told.append(say("zones_smooth", cell=say.distance(result.study.zones.cell_m)))
    for key, which in (
        ("zones_single", (zones["communes"] == 1) & drawn & ~zones["minor"] & (not smooth)),
        ("zones_minor", zones["minor"] & (zones["communes"] > 0)),
        ("zones_land", (zones["communes"] == 0) & ~zones["minor"]),
    ):
        if which.any():
            people = say("people", n=int(zones.loc[which, "people"].sum()))
            told.append(say(key, n=int(which.sum()), people=people))
    if (~drawn).any():
        told.append(say("zones_undrawn", people=say("people", n=int(zones.loc[~drawn, "people"].sum()))))
    return told


def hosts(zone: dict[str, Any], say: Wording, *, key: str = "host_at") -> str:
    """Say the candidate hosts best placed for a zone, each by the message ``key``; empty when there is none."""
    pairs = zip(zone["host_names"].split(","), zone["host_costs"].split(","), strict=True)
    return ", ".join(say(key, name=name, cost=say.cost(float(cost))) for name, cost in pairs if name)


def area(zone: dict[str, Any], say: Wording) -> str:
    """Say the extent of a zone."""
    return say("popup_zone_area", area=say.number(zone["area_km2"], 1 if zone["area_km2"] < 10 else 0), narrow=NARROW)
