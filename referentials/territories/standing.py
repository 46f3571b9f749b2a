"""In which commune a row stands: by its code, its point and its name, each row for itself."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import LONLAT, metric_of
from geoguichet.referentials.territories.gazetteer import plain

#: Outlines are simplified: a point this near a commune, and in none, is taken for one of its own.
STANDING_M = 50
#: First figures of the codes of municipal arrondissements -> the commune they are parts of.
CITIES: Mapping[str, str] = MappingProxyType({"751": "75056", "132": "13055", "6938": "69123"})
_ARRONDISSEMENTS = re.compile(r"(751[0-2]\d|132[01]\d|6938[1-9])")
#: What the post writes after the name of a commune, and the rank of an arrondissement.
_AFTER_THE_NAME = re.compile(r" (cedex.*|\d{1,2}(er|e|eme)?( arrondissement)?)$")


def city_of(code: str) -> str:
    """Return the commune of a municipal arrondissement of Paris, Marseille or Lyon; empty for
    another code.

    >>> city_of("75101"), city_of("13216"), city_of("69381"), city_of("31555")
    ('75056', '13055', '69123', '')
    """
    if not _ARRONDISSEMENTS.fullmatch(code):
        return ""
    return next(city for first, city in CITIES.items() if code.startswith(first))


def counted_twice(codes: pd.Series, *, layer: str) -> list[Finding]:
    """Return a finding for each city that a table counts beside its arrondissements
    (``part-and-whole``).
    """
    known = set(codes.dropna())
    parts: dict[str, list[str]] = {}
    for code in sorted(known):
        if city_of(code) in known:
            parts.setdefault(city_of(code), []).append(code)
    return [
        Finding(
            "part-and-whole",
            layer,
            city,
            Message(
                "{city} est compté avec ses arrondissements municipaux ({own}) : leurs nombres le "
                "sont deux fois.",
                city=city,
                own=", ".join(own),
            ),
            "error",
            column="code",
            remedy=Message("Gardez {city}, ou ses arrondissements, mais pas les deux.", city=city),
        )
        for city, own in parts.items()
    ]


def plain_place(name: str) -> str:
    """Return the name of a commune as the post writes it, folded, without CEDEX or arrondissement.

    >>> plain_place("TOULOUSE CEDEX 9"), plain_place("Lyon 3e Arrondissement")
    ('toulouse', 'lyon')
    """
    return _AFTER_THE_NAME.sub("", plain(name))


def standing_in(
    points: gpd.GeoSeries, outlines: gpd.GeoSeries, *, within_m: float = STANDING_M
) -> pd.Series:
    """Return the code of the commune that each point (EPSG:4326) stands in, missing where none.

    A point on a common border is of the first commune by code; one that is in none is of the
    nearest within `within_m` metres.

    Parameters
    ----------
    outlines
        By code, in EPSG:4326; missing ones are left aside.
    """
    known = gpd.GeoDataFrame(geometry=outlines.dropna().sort_index(), crs=LONLAT)
    known.index.name = "code"
    located = gpd.GeoDataFrame(geometry=points[points.notna() & ~points.is_empty], crs=LONLAT)
    inside = located.sjoin(known, predicate="intersects")["code"].groupby(level=0).min()
    outside = located[~located.index.isin(inside.index)]
    systems = [metric_of(bounds) for bounds in shapely.bounds(outside.geometry.array)]
    for metric, some in outside.groupby(pd.Series(systems, outside.index, dtype=object)):
        # degrees first: metres of all France for a few points would be long
        around = shapely.union_all(shapely.buffer(some.geometry.array, 0.01))
        near = known[known.intersects(around)]
        if near.empty:  # such as a point that is nowhere on Earth, whose system is none either
            continue
        beside = some.to_crs(metric).sjoin_nearest(near.to_crs(metric), max_distance=within_m)
        inside = pd.concat([inside, beside["code"].groupby(level=0).min()])
    return inside.reindex(points.index)


def named_communes(rows: pd.DataFrame, communes: pd.DataFrame) -> pd.Series:
    """Return the code of the only commune that bears the name each row says, in the département
    that it says; missing where none or several do.

    Parameters
    ----------
    rows
        commune_name, departement (missing where unknown).
    communes
        code, name, departement.
    """
    names = communes["name"].map(plain_place)
    alone = communes["code"].where(~names.duplicated(keep=False)).set_axis(names)
    scoped = names + "/" + communes["departement"]
    by_place = communes["code"].where(~scoped.duplicated(keep=False)).set_axis(scoped)
    asked = rows["commune_name"].fillna("").map(plain_place)
    place = asked + "/" + rows["departement"].fillna("")
    found = place.map(by_place.dropna().to_dict())
    return found.where(rows["departement"].notna(), asked.map(alone.dropna().to_dict()))
