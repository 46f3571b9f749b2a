"""Itinerant services: a bus counts where and when it stops, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.study import Study
from geoguichet.referentials.hours import DAY_MINUTES, WEEKDAYS_FR, Week, osm_week, weekly_hours
from geoguichet.referentials.layers import LONLAT, check_columns, check_text, list_layers, read_layer
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.territories import Territory

COLUMNS = ("service", "hours")
"""What a layer of stops must have; ``name`` and ``commune`` (INSEE code) are read where they are. In place of ``hours``
it may have ``days`` (French weekdays): the stop is then open in the hours of its service on those days."""


def with_stops(
    services: gpd.GeoDataFrame, study: Study, path: Path, territory: Territory
) -> tuple[gpd.GeoDataFrame, int, list[Finding]]:
    """Return the services (indexed by id), each itinerant one replaced by its stops, the stops read, what was noticed.

    A stop is a counter of its service's type, open on its own days (``hours``, in OpenStreetMap's form), at its own
    point, else at the town hall of its commune. The point that a directory gives to the service itself (a garage, a
    seat) then serves nobody.

    Raises
    ------
    StudyError
        The layer of stops is not in the file.
    LayerError
        It lacks a column.
    """
    if not study.stops_layer:
        return services, 0, []
    present = list_layers(path)
    if study.stops_layer not in present:
        what = f"la couche {study.stops_layer!r} n'existe pas dans {path.name}"
        raise study.refusal("data.stops", what, ", ".join(present))
    where = f"{path}, couche « {study.stops_layer} »"
    stops = read_layer(path, layer=study.stops_layer, columns=COLUMNS[:1])
    if "hours" not in stops.columns and "days" in stops.columns:
        check_text(stops, ("service", "days"), where=where)
        stops = stops.assign(hours=_hours_on(stops, services["hours"]))
    check_columns(stops, COLUMNS, where=where)
    check_text(stops, COLUMNS, where=where)
    known = stops["service"].isin(services.index)
    findings = [
        Finding("stop-without-service", study.stops_layer, str(service), f"{service} : aucun service de ce nom.")
        for service in dict.fromkeys(stops.loc[~known, "service"])
    ]
    read, stops = len(stops), stops[known].reset_index(drop=True)
    if stops.empty:
        return services, read, findings
    placed = _placed(stops, services, territory)
    rows = _as_services(placed, services, territory)
    findings += _remarks(rows, study.stops_layer)
    replaced = services.index.isin(stops["service"])
    table = gpd.GeoDataFrame(pd.concat([services[~replaced], rows]), geometry="geometry", crs=LONLAT)
    kinds = {name: kind for name, kind in services.dtypes.items() if name != "geometry"}
    return table.astype(kinds).sort_index().rename_axis(services.index.name), read, findings


def _hours_on(stops: gpd.GeoDataFrame, hours: pd.Series) -> list[str | None]:
    """Return the hours of the service of each stop on the days of the stop; None when either is not known."""
    told: list[str | None] = []
    for service, days in zip(stops["service"], stops["days"], strict=True):
        week = osm_week(hours.get(service))
        chosen = [number for number, day in enumerate(WEEKDAYS_FR) if day in str(days or "").split()]
        if week is None or not chosen:
            told.append(None)
            continue
        kept = Week(tuple(span for span in week.spans if span[0] // DAY_MINUTES in chosen))
        told.append(kept.osm or "off")
    return told


def _placed(stops: gpd.GeoDataFrame, services: gpd.GeoDataFrame, territory: Territory) -> gpd.GeoDataFrame:
    """Give each stop its commune and its point: its own, else that of the town hall of its commune."""
    outlines = territory.polygons.dropna().rename("geometry").to_frame()
    commune = stops["commune"] if "commune" in stops.columns else pd.Series(None, index=stops.index, dtype=object)
    located = stops.geometry.notna() & ~stops.geometry.is_empty
    standing = stops.loc[located, ["geometry"]].sjoin(outlines, predicate="within")["code"].groupby(level=0).first()
    commune = commune.where(commune.notna(), standing.reindex(stops.index)).fillna("")
    halls = services[(services["type"] == "town_hall") & services.geometry.notna()].drop_duplicates("commune")
    hall = gpd.GeoSeries(halls.set_index("commune").geometry.reindex(commune), crs=LONLAT).set_axis(stops.index)
    return stops.assign(commune=commune).set_geometry(stops.geometry.where(located, hall))


def _as_services(stops: gpd.GeoDataFrame, services: gpd.GeoDataFrame, territory: Territory) -> gpd.GeoDataFrame:
    """Return the stops as services: those of their service, but for what is their own."""
    number = stops.groupby("service").cumcount() + 1
    names = territory.communes.set_index("code")
    parents = services.loc[stops["service"]].reset_index(drop=True)
    place = names["name"].reindex(stops["commune"]).reset_index(drop=True)
    own = stops["name"].notna() & (stops["name"] != parents["name"]) if "name" in stops.columns else None
    told = place if own is None else stops["name"].where(own, place)
    rows = parents.assign(
        name=parents["name"] + told.map(lambda at: f", arrêt {at}" if isinstance(at, str) and at else ", arrêt"),
        commune=stops["commune"],
        commune_name=place.fillna(""),
        departement=names["departement"].reindex(stops["commune"]).fillna("").to_numpy(),
        hours=stops["hours"],
        hours_per_week=pd.to_numeric(pd.Series([weekly_hours(text) for text in stops["hours"]])),
        inside=stops["commune"].isin(names.index),
    )
    frame = gpd.GeoDataFrame(rows, geometry=stops.geometry.to_numpy(), crs=LONLAT)
    return frame.set_axis(pd.Index(stops["service"] + "@" + number.astype(str), name=services.index.name))


def _remarks(rows: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    missing = rows.index[rows.geometry.isna()]
    unread = rows.index[rows["hours_per_week"].isna()]
    return [
        *(
            Finding("stop-without-point", layer, str(item), f"{rows.at[item, 'name']} : ni point, ni mairie localisée.")
            for item in missing
        ),
        *(
            Finding("unreadable-hours", layer, str(item), f"{rows.at[item, 'name']} : horaires d'arrêt non compris.")
            for item in unread
        ),
    ]
