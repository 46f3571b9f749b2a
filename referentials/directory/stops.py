"""The stops of itinerant counters, read in what is published of them: which commune, which days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.territories.gazetteer import plain

#: Letters below which a commune's name is a word of the language first (Us, Oust but not Y).
SHORTEST = 4
_CLAUSE = re.compile(r"[,;\n/.]|\bet\b")
_DAY = rf"\b({'|'.join(WEEKDAYS_FR)})s?\b"
_DAYS, _RANGE = re.compile(_DAY), re.compile(rf"{_DAY}\s*(?:au|à|-)\s*{_DAY}")
_TWO_DAYS = re.compile(rf"{_DAY}\s*(?:,|et)\s*(?:les? )?(?={_DAY})")
COLUMNS = ("id", "service", "name", "commune", "commune_name", "days", "text", "geometry")


@dataclass(frozen=True, slots=True)
class Stop:
    """One commune where an itinerant counter says it stops."""

    commune: str
    #: French weekdays; empty when the text tells none for it.
    days: tuple[str, ...]
    #: The words it was read in.
    text: str


def read_stops(text: str, names: Mapping[str, str]) -> list[Stop]:
    """Return the stops told in a text: each commune named, with the days of its clause or, failing
    that, of the last.

    Parameters
    ----------
    names Plain name (``gazetteer.plain``) -> code, of the communes it may mean: those of the
        département.

    >>> [(stop.commune, stop.days) for stop in read_stops("lundis à Oust", {"oust": "09223"})]
    [('09223', ('lundi',))]
    """
    found: dict[str, Stop] = {}
    days: tuple[str, ...] = ()
    for clause in filter(
        None, map(str.strip, _CLAUSE.split(_TWO_DAYS.sub(r"\1 ", text.casefold())))
    ):
        days = _days(clause) or days
        for code in _communes(plain(clause), names):
            known = found.get(code)
            merged = tuple(
                day for day in WEEKDAYS_FR if day in {*(known.days if known else ()), *days}
            )
            found[code] = Stop(
                code, merged, clause if known is None else f"{known.text} ; {clause}"
            )
    return list(found.values())


def _days(clause: str) -> tuple[str, ...]:
    """Return the weekdays of a clause, ``du lundi au mercredi`` being three."""
    told = set(_DAYS.findall(clause))
    for first, last in _RANGE.findall(clause):
        told |= set(WEEKDAYS_FR[WEEKDAYS_FR.index(first) : WEEKDAYS_FR.index(last) + 1])
    return tuple(day for day in WEEKDAYS_FR if day in told)


def _communes(words: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the codes of the names in a clause, the longest names first, none inside another."""
    left = f" {words} "
    for name in sorted((each for each in names if f" {each} " in left), key=len, reverse=True):
        if len(name) >= SHORTEST and f" {name} " in left:
            left = left.replace(f" {name} ", "  ")
            yield names[name]


def stops_of(
    services: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, points: gpd.GeoSeries
) -> gpd.GeoDataFrame:
    """Return a row a stop of the itinerant rows of a directory, at the point of its commune.

    Parameters
    ----------
    communes
        code, name, departement.
    points
        Where each commune's stop is put, by code, in EPSG:4326: its town hall.
    """
    by_departement = {
        departement: dict(zip(rows["name"].map(plain), rows["code"], strict=True))
        for departement, rows in communes.groupby("departement")
    }
    labels = communes.set_index("code")["name"]
    rows = [
        (f"{service.id}/{stop.commune}", service.id, service.name, stop.commune,
        labels[stop.commune],
         " ".join(stop.days), stop.text, points.get(stop.commune))
        for service in services[services["itinerant"] & services["stops"].notna()].itertuples()
        for stop in read_stops(service.stops, by_departement.get(service.departement, {}))
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    geometry = [point if isinstance(point, shapely.Point) else None for point in frame["geometry"]]
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=geometry, crs=LONLAT)
