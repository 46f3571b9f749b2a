"""The services that count: of the right type, located, near enough to the territory, open enough."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.opening import open_enough
from geoguichet.coverage.study import Need, Study
from geoguichet.referentials.inspection import distance_to_commune_m
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.territories import Territory


def supply_points(
    territory: Territory, services: gpd.GeoDataFrame, study: Study
) -> tuple[gpd.GeoDataFrame, dict[str, int], list[Finding]]:
    """Return the services that meet at least one need, with a column ``needs`` (comma-separated keys).

    The counters say how many could not be counted (see :func:`near_services`).

    Raises
    ------
    FrameError
        No service at all is left for a need.
    """
    wanted = services[services["type"].isin({kind for need in study.needs for kind in need.types})]
    near, strayed = near_services(territory, wanted, study)
    findings = [
        Finding(
            "implausible-point", study.services_layer, item, f"{name} : situé loin de sa commune, il n'est pas compté."
        )
        for item, name in strayed["name"].items()
    ]
    counters = {
        "services_without_point": int((wanted.geometry.isna() | wanted.geometry.is_empty).sum()),
        "services_not_believed": len(strayed),
        "services_hours_unknown": int(near["hours_per_week"].isna().sum()),
    }
    for need in study.needs:
        _refuse_unmet(near, need, study)
    return meeting(near, study), counters, findings


def near_services(
    territory: Territory, services: gpd.GeoDataFrame, study: Study
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the services that can be counted, and those inside the territory that are not believed.

    A service without a point, or farther than the study's buffer beyond the border, cannot be counted; one whose own
    point lies farther than ``demand.tolerance`` from its commune is not believed.
    """
    located = services[services.geometry.notna() & ~services.geometry.is_empty]
    believed = ~(distance_to_commune_m(located, territory) > study.demand.tolerance_m)
    near = located[located.geometry.within(territory.buffer(study.territory.buffer_m)) & believed]
    return near, located[located["inside"] & ~located.index.isin(near.index)]


def meeting(services: gpd.GeoDataFrame, study: Study) -> gpd.GeoDataFrame:
    """Return the services that meet at least one need of a study, with a column ``needs``, by id."""
    services = services.assign(needs=pd.Series(_needs_met(services, study.needs), services.index, dtype=object))
    return services[services["needs"] != ""].sort_index()


def _refuse_unmet(services: gpd.GeoDataFrame, need: Need, study: Study) -> None:
    """Refuse a need that no service at all meets: nobody could be served, and the question is likely mistyped."""
    if meets(services, need).any():
        return
    least = need.min_hours_per_week
    hours = f" ouvert au moins {least:g} h par semaine" if least else ""
    hours += f" ouvert {need.open_at}" if need.open_at is not None else ""
    raise FrameError(
        f"{study.where}, service « {need.key} » : aucun service {', '.join(need.types)}{hours} dans la couche "
        f"{study.services_layer} à moins de {study.territory.buffer_m / 1000:g} km du territoire ; "
        "vérifiez la couche ou le seuil."
    )


def meets(services: gpd.GeoDataFrame, need: Need) -> pd.Series:
    """Return True for the services of the need's types whose hours are enough (see :func:`open_enough`)."""
    return services["type"].isin(need.types) & open_enough(services, need)


def _needs_met(services: gpd.GeoDataFrame, needs: tuple[Need, ...]) -> list[str]:
    """Return, for each service, the keys of the needs it meets."""
    met = {need.key: meets(services, need).to_numpy() for need in needs}
    return [",".join(key for key, yes in met.items() if yes[row]) for row in range(len(services))]
