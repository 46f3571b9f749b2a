"""The white zones of a study, drawn as it asks; how they are drawn changes nobody's answer."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.study.study import Study
from geoguichet.coverage.zones.exact import find_zones
from geoguichet.coverage.zones.smooth import find_smooth_zones
from geoguichet.coverage.zones.surface import Slack, Surface, slack_surface
from geoguichet.floor.findings import Finding
from geoguichet.referentials.territories.territory import Territory


@dataclass(frozen=True, slots=True, eq=False)
class DrawnZones:
    """The zones, the zone of each demand row (empty when served), who cannot be drawn, the surface
    when asked for.
    """

    zones: gpd.GeoDataFrame
    zone_of: pd.Series
    findings: list[Finding]
    surface: Surface | None


def draw_zones(
    study: Study,
    territory: Territory,
    demand: gpd.GeoDataFrame,
    slack: Slack,
    router: Router,
    *,
    outlines: gpd.GeoSeries | None = None,
) -> DrawnZones:
    """Draw the zones of a measured demand, exact or smooth.

    ``slack`` answers the study's question at any points; ``outlines`` are the ground of each demand
    row where it is not that of the communes.

    Raises
    ------
    ZoneError
        The grid asked for is too fine for the territory.
    """
    choice, groups, surface = study.zones, study.demand.groups, None
    if choice.with_surface:
        surface = slack_surface(
            territory.boundary,
            slack,
            cell_m=choice.cell_m,
            router=router,
            probes=demand.geometry,
        )
    if surface is not None and choice.kind == "smooth":
        return DrawnZones(
            *find_smooth_zones(territory, demand, surface, choice=choice, groups=groups), surface
        )
    return DrawnZones(
        *find_zones(
            territory, demand, unit=study.unit, choice=choice, groups=groups, outlines=outlines
        ),
        surface,
    )
