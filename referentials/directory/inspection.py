"""Inspect communes and services: say what is missing, misplaced, outdated or odd, and change
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.floor.findings import Finding, Severity, grouped
from geoguichet.referentials.directory.services import SERVICE_TYPES, weekly_hours
from geoguichet.referentials.layers import METRIC
from geoguichet.referentials.territories.territory import Territory

# --------------------------------------------------------------------------------------------
# communes

CENSUS_COLUMNS = ("population_2021", "pop_65_plus", "pop_under_20", "dwellings", "second_homes")
GAP_M2 = 10_000
"""Ground that no commune covers is reported from one hectare up; less is the rounding of outlines.
"""
SHIFT_RATIO = 0.25
SHIFT_PEOPLE = 100
"""A population is called outdated when it moved by more than both of these."""


def commune_findings(territory: Territory, *, layer: str = "communes") -> list[Finding]:
    """Return what is wrong with a territory's communes: outline, census, population, ground left
    over.

    Rules: ``no-geometry``, ``no-census``, ``population-shift``, ``uncovered-ground``.
    """
    communes = territory.communes
    return [
        *_communes_without_outline(communes, layer),
        *_communes_without_census(communes, layer),
        *_outdated_populations(communes, layer),
        *_uncovered_ground(territory, layer),
    ]


def _communes_without_outline(communes: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    for row in communes[_is_missing(communes)].itertuples():
        message = (
            f"{row.name} n'a pas de contour : elle est comptée, mais ne peut pas être dessinée."
        )
        yield Finding("no-geometry", layer, row.code, message)


def _communes_without_census(communes: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    present = [column for column in CENSUS_COLUMNS if column in communes.columns]
    for row in communes[communes[present].isna().any(axis="columns")].itertuples():
        message = (
            f"{row.name} : les codes du recensement de 2021 ne correspondent plus à cette "
            "commune ; "
            "ses groupes d'âge et ses logements restent inconnus."
        )
        yield Finding("no-census", layer, row.code, message)


def _outdated_populations(communes: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    if "population_2023" not in communes.columns:
        return
    change = (communes["population_2023"] - communes["population"]).abs()
    moved = (change > SHIFT_PEOPLE) & (change > SHIFT_RATIO * communes["population"])
    for row in communes[moved].itertuples():
        message = (
            f"{row.name} compte {grouped(row.population_2023)} habitants en 2023, contre "
            f"{grouped(row.population)} "
            "dans la population employée : celle-ci est dépassée."
        )
        yield Finding("population-shift", layer, row.code, message, "info")


def _uncovered_ground(territory: Territory, layer: str) -> Iterator[Finding]:
    """Report the parts of the territory that no commune's outline covers, largest first."""
    covered = shapely.union_all(territory.polygons.dropna().array)
    bare = shapely.get_parts(territory.boundary.difference(covered))
    gaps = gpd.GeoSeries(bare, crs=territory.communes.crs)
    area_m2 = gaps.to_crs(METRIC).area
    for position in area_m2[area_m2 >= GAP_M2].sort_values(ascending=False).index:
        place = _lonlat(gaps[position].representative_point())
        message = (
            f"Aucun contour de commune ne couvre {grouped(area_m2[position] / 10_000)} ha autour "
            f"de {place} : "
            "le contour d'une commune manque, ou date d'avant une fusion."
        )
        yield Finding("uncovered-ground", layer, "", message)


# --------------------------------------------------------------------------------------------
# services

HOURLESS_TYPES = frozenset({"prefecture", "sous_prefecture"})
"""Types whose hours no source gives; that one lacks them is no news."""
OUTLINE_TOLERANCE_M = 200
"""Outlines are simplified: a point this near its commune is worth a word, not a warning."""


def service_findings(
    services: gpd.GeoDataFrame, territory: Territory, *, buffer_m: float, layer: str = "services"
) -> list[Finding]:
    """Return what is wrong with service points: position, hours.

    Parameters
    ----------
    services Frame of ``services.check_services``. The sample's columns ``hours_raw`` (the source's
        week, in JSON) and ``point_source`` are examined too where they are.
    territory Where they should be; a service is compared with the outline of its own commune when
        it is known.
    buffer_m
        How far beyond the border services are expected, in metres.

    Rules: ``no-point``, ``outside-territory``, ``beyond-buffer``, ``outside-commune``,
    ``shared-point``, ``approximate-point``, ``no-hours``, ``unreadable-hours``, ``blank-weekday``,
    ``overlapping-hours``.
    """
    return [
        *_services_without_point(services, layer),
        *_services_outside_territory(services, territory, buffer_m, layer),
        *_services_outside_commune(services, territory, layer),
        *_shared_points(services, layer),
        *_approximate_points(services, layer),
        *_services_without_hours(services, layer),
        *_odd_source_weeks(services, layer),
    ]


def distance_to_commune_m(services: gpd.GeoDataFrame, territory: Territory) -> pd.Series:
    """Return how far each service is from the outline of its own commune, in metres.

    0 inside; NaN when the service has no point, or its commune no outline in the territory.
    """
    outlines = (
        territory.polygons.to_crs(METRIC).reindex(services["commune"]).set_axis(services.index)
    )
    distance_m: pd.Series = services.geometry.to_crs(METRIC).distance(outlines, align=False)
    return distance_m


def _services_without_point(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    for row in services[_is_missing(services)].itertuples():
        message = f"{row.name} : pas de coordonnées ; ce service ne dessert personne."
        yield Finding("no-point", layer, row.id, message)


def _services_outside_territory(
    services: gpd.GeoDataFrame, territory: Territory, buffer_m: float, layer: str
) -> Iterator[Finding]:
    boundary = gpd.GeoSeries([territory.boundary], crs=services.crs).to_crs(METRIC).iloc[0]
    distance_m = services.geometry.to_crs(METRIC).distance(boundary)
    beyond = distance_m > buffer_m
    strayed = beyond & services["commune"].isin(territory.polygons.index)
    for index, metres in distance_m[strayed].items():
        row = services.loc[index]
        message = (
            f"{row['name']} : point situé en {_lonlat(row['geometry'])}, à {_length(metres)} du "
            "territoire ; "
            f"au-delà de {_length(buffer_m)}, ce service n'est pas compté."
        )
        yield Finding("outside-territory", layer, row["id"], message, "error")
    others = int((beyond & ~strayed).sum())
    if others:
        message = (
            f"Services d'autres territoires situés à plus de {_length(buffer_m)} : "
            f"{grouped(others)} ; "
            "ils ne sont pas comptés."
        )
        yield Finding("beyond-buffer", layer, "", message, "info")


def _services_outside_commune(
    services: gpd.GeoDataFrame, territory: Territory, layer: str
) -> Iterator[Finding]:
    distance_m = distance_to_commune_m(services, territory)
    for index, metres in distance_m[distance_m > 0].items():
        row = services.loc[index]
        severity: Severity = "warning" if metres > OUTLINE_TOLERANCE_M else "info"
        message = (
            f"{row['name']} : point situé à {_length(metres)} du contour (simplifié) de sa commune."
        )
        yield Finding("outside-commune", layer, row["id"], message, severity)


def _shared_points(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Report the services of one type that stand at the very same point in different communes."""
    located = services[~_is_missing(services)]
    places = located.groupby([located["type"], located.geometry.to_wkb()])
    for row in located[places["commune"].transform("nunique") > 1].itertuples():
        place = _lonlat(row.geometry)
        message = f"{row.name} : mêmes coordonnées que le service d'une autre commune ({place})."
        yield Finding("shared-point", layer, row.id, message)


def _approximate_points(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Report once per type how many services stand at a town hall, for want of their own
    address.
    """
    if "point_source" not in services.columns:
        return
    for key, rows in services[services["point_source"] == "town_hall"].groupby("type"):
        kinds = SERVICE_TYPES[key].plural_fr
        message = f"{len(rows)} {kinds} sont placées à la mairie de leur commune, faute d'adresse."
        yield Finding("approximate-point", layer, "", message, "info")


def _services_without_hours(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    unknown = services["hours_per_week"].isna() & ~services["type"].isin(HOURLESS_TYPES)
    for row in services[unknown].itertuples():
        texts = (row.hours, getattr(row, "hours_raw", None))
        written = next((text for text in texts if isinstance(text, str) and text.strip()), None)
        if written is None:
            message = (
                f"{row.name} : horaires inconnus ; ce service n'est pas compté parmi les ouverts."
            )
            yield Finding("no-hours", layer, row.id, message)
        elif weekly_hours(written) is None:
            message = f"{row.name} : horaires illisibles (« {written} »), tenus pour inconnus."
            yield Finding("unreadable-hours", layer, row.id, message)


def _odd_source_weeks(services: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Report what is odd in the source's own weeks, before their conversion."""
    if "hours_raw" not in services.columns:
        return
    for row in services[services["hours_raw"].notna()].itertuples():
        week = _source_week(row.hours_raw)
        if any(not first or not last for first, last, _ in week):
            message = (
                f"{row.name} : un jour de la semaine est vide dans la source ; horaires non "
                "convertis."
            )
            yield Finding("blank-weekday", layer, row.id, message)
        if _overlaps(week):
            message = (
                f"{row.name} : des plages horaires se chevauchent dans la source ; elles "
                "sont réunies."
            )
            yield Finding("overlapping-hours", layer, row.id, message, "info")


_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

type _Week = list[tuple[str, str, list[tuple[str, str]]]]


def _source_week(text: str) -> _Week:
    """Return the source's week: rows of first day, last day, spans; empty when it is written
    otherwise.
    """
    try:
        return [
            (first, last, [(opens, closes) for opens, closes in spans])
            for first, last, spans in json.loads(text)
        ]
    except (TypeError, ValueError):
        return []


def _overlaps(week: _Week) -> bool:
    """Return whether a weekday of the source's week has two spans that overlap."""
    days: dict[int, list[tuple[str, str]]] = {}
    for first, last, spans in week:
        if first in _WEEKDAYS and last in _WEEKDAYS:
            for day in range(_WEEKDAYS.index(first), _WEEKDAYS.index(last) + 1):
                days.setdefault(day, []).extend(spans)
    ordered = [sorted(spans) for spans in days.values()]
    return any(later[0] < earlier[1] for spans in ordered for earlier, later in pairwise(spans))


# ---------------------------------------------------------------------------------------------
# wording


def _is_missing(frame: gpd.GeoDataFrame) -> pd.Series:
    """Return which rows have no geometry, or an empty one."""
    missing: pd.Series = frame.geometry.isna() | frame.geometry.is_empty
    return missing


def _length(metres: float) -> str:
    """Return a length as ``950 m`` or ``2,6 km``."""
    if metres < 1000:
        return f"{metres:.0f} m"
    return f"{metres / 1000:.1f}".removesuffix(".0").replace(".", ",") + " km"


def _lonlat(point: shapely.Point) -> str:
    """Return a point as ``48,3762 N; 0,2990 E``."""
    east = "E" if point.x >= 0 else "O"
    north = "N" if point.y >= 0 else "S"
    return f"{abs(point.y):.4f} {north} ; {abs(point.x):.4f} {east}".replace(".", ",")
