"""What a study changes in the services before it asks its question: counters opened, hours set, counters closed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.coverage.study import Opening, Study
from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.services import SERVICE_TYPES, weekly_hours
from geoguichet.referentials.territories import Territory

NEW_ID = "nouveau-{n}"
"""Identifier of the n-th counter that the changes open."""


def changed(services: gpd.GeoDataFrame, study: Study, territory: Territory) -> gpd.GeoDataFrame:
    """Return the services (indexed by id) with the study's changes made: opened, then hours set, then closed.

    A counter opened then closed leaves the table as it was.

    Raises
    ------
    StudyError
        A change names a service that is not there, stands too far from the territory, or has hours nobody can read.
    """
    changes = study.changes
    opened = [
        _opened(one, NEW_ID.format(n=n), study, territory, services) for n, one in enumerate(changes.open, start=1)
    ]
    table = _joined(services, opened)
    for service, hours in changes.hours:
        table = _with_hours(table, service, hours, study)
    for service in changes.close:
        _require(table, service, "changes.close", study)
    return table.drop(index=list(dict.fromkeys(changes.close))).sort_index()


def _joined(services: gpd.GeoDataFrame, opened: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return both, columns of the kind they were."""
    if not opened:
        return services
    table = gpd.GeoDataFrame(pd.concat([services, *opened]), geometry="geometry", crs=LONLAT)
    return table.astype({name: kind for name, kind in services.dtypes.items() if name != "geometry"})


def _opened(
    opening: Opening, name: str, study: Study, territory: Territory, services: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the one-row table of a counter that opens, in the commune it stands in."""
    point = shapely.Point(opening.lon, opening.lat)
    buffer_m = study.territory.buffer_m
    here, ground = gpd.GeoSeries([point, territory.boundary], crs=LONLAT).to_crs(METRIC)
    if not here.distance(ground) <= buffer_m:  # an impossible point is at no distance at all
        what = f"le point {opening.lon:g},{opening.lat:g} est à plus de {buffer_m / 1000:g} km du territoire"
        raise study.refusal("changes.open", what, "longitude puis latitude en degrés, comme 1.605,42.966")
    outlines = territory.polygons
    inside = outlines.index[outlines.notna() & outlines.contains(point)]
    commune = str(inside[0]) if len(inside) else ""
    row = territory.communes.set_index("code").loc[commune] if commune else None
    place = "" if row is None else str(row["name"])
    label = opening.name or f"{SERVICE_TYPES[opening.type].label_fr.capitalize()} ouverte, {place or 'hors territoire'}"
    values = {
        "type": opening.type,
        "name": label,
        "commune": commune,
        "commune_name": place,
        "departement": "" if row is None else str(row["departement"]),
        "hours": opening.hours or None,
        "hours_per_week": _readable(opening.hours, "changes.open", study) if opening.hours else None,
        "inside": bool(commune),
        "geometry": point,
    }
    blank = dict.fromkeys(services.columns) | values
    frame = gpd.GeoDataFrame([blank], index=pd.Index([name], name=services.index.name), geometry="geometry", crs=LONLAT)
    return frame[list(services.columns)].astype({"hours_per_week": float, "inside": bool})


def _with_hours(table: gpd.GeoDataFrame, service: str, hours: str, study: Study) -> gpd.GeoDataFrame:
    _require(table, service, "changes.hours", study)
    weekly = _readable(hours, "changes.hours", study)
    at = table.index == service
    return table.assign(
        hours=table["hours"].astype(object).mask(at, hours), hours_per_week=table["hours_per_week"].mask(at, weekly)
    )


def _readable(hours: str, key: str, study: Study) -> float:
    weekly = 0.0 if hours.strip() == "off" else weekly_hours(hours)
    if weekly is None:
        raise study.refusal(key, f"les horaires {hours!r} ne se lisent pas", '"Mo-Fr 09:00-12:00,14:00-17:00"')
    return weekly


def _require(table: gpd.GeoDataFrame, service: str, key: str, study: Study) -> None:
    if service not in table.index:
        remedy = ", ".join(_resembling(service, table)) or "un identifiant donné par « geoguichet coverage nearest »"
        raise study.refusal(key, f"aucun service n'a l'identifiant {service!r}", remedy)


def _resembling(text: str, table: gpd.GeoDataFrame) -> Iterable[str]:
    """Return up to three identifiers close to the text, or whose service's name holds it."""
    named = table.index[table["name"].str.contains(text, case=False, regex=False, na=False)]
    return list(named[:3]) or difflib.get_close_matches(text, list(table.index), n=3)
