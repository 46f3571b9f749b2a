"""What the page of a record shows of the data it leads to, where the portal serves them: a map, the
first rows, how a figure is spread.
"""

import bisect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

import shapely
from pygeoapi.plugin import load_plugin
from pygeoapi.provider.base import ProviderGenericError

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import language, number
from geoguichet.portal.answers import digest
from geoguichet.portal.drawn import drawn
from geoguichet.portal.filters import key_columns, label
from geoguichet.portal.site import COLLECTION, Site
from geoguichet.portal.viewing import across

#: Rows of the table, and the most objects that are drawn.
ROWS, DRAWN = 8, 3_000
#: Beyond so many, a surface is drawn as a point.
_SURFACES = 300
_COLUMNS = 5
#: Columns whose spread is worth showing, the first that is there.
_MEASURES = ("population", "people", "people_added", "hours_per_week")


def preview(
    site: Site, links: Iterable[Mapping[str, Any]], viewer: Viewer
) -> dict[str, Any] | None:
    """Return what is shown of the first collection of the portal that a record leads to; None where it
    leads to none, or to an empty one.
    """
    seen = site.collections_of(viewer)
    found = (_layer(site, one["href"]) for one in links if one.get("rel") in ("items", "data"))
    for name, asked in filter(None, found):
        if name in seen:
            made = _made(site, name, tuple(asked.items()), viewer, language(), _state(site))
            if made is not None:
                return made
    return None


# Return what tells that the data of the portal changed: its territory, its studies, its referentials.
def _state(site: Site) -> tuple[int, ...]:
    files = [*site.workspace.glob("studies/*/result.gpkg"), site.territory.data]
    times = (file.stat().st_mtime_ns for file in files if file is not None and file.exists())
    return (site.renewals, *times)


@lru_cache(maxsize=32)
def _made(
    site: Site,
    name: str,
    asked: tuple[tuple[str, str], ...],
    viewer: Viewer,
    _spoken: str,
    state: tuple[int, ...],
) -> dict[str, Any] | None:
    resource = site.told["resources"][name]
    try:
        with across(viewer):
            provider = load_plugin("provider", dict(resource["providers"][0]))
            answered = provider.query(limit=DRAWN, properties=list(asked))
    except ProviderGenericError:
        return None
    features = answered["features"]
    if not features:
        return None
    home = f"{site.url}/collections/{name}"
    return {
        "key": digest(repr((name, asked, viewer, state)).encode()),
        "name": name,
        "asked": dict(asked),
        "title": resource["providers"][0].get("title_field"),
        "bounds": resource["extents"]["spatial"]["bbox"],
        "home": home,
        "href": f"{home}/items?{urlencode(asked)}" if asked else f"{home}/items",
        "colour": resource.get("colour"),
        "total": answered["numberMatched"],
        "shown": len(features),
        "drawn": drawn(site.territory, _shapes(features)),
        **_table(resource, features),
        **_spread(features),
    }


# Return the collection of features that an address of ours is of, and what is asked of it.
def _layer(site: Site, href: str) -> tuple[str, dict[str, str]] | None:
    match = re.fullmatch(
        r"/?collections/([\w-]+)/items(?:\?(.*))?", href.removeprefix(site.url), re.ASCII
    )
    if match is None or match[1] == COLLECTION:
        return None
    asked = dict(parse_qsl(match[2] or ""))
    return match[1], {key: value for key, value in asked.items() if key not in ("f", "limit")}


def _shapes(features: Sequence[Mapping[str, Any]]) -> dict[str, list[shapely.Geometry]]:
    shapes = [
        shapely.from_geojson(json.dumps(one["geometry"])) for one in features if one["geometry"]
    ]
    if len(shapes) > _SURFACES:
        shapes = [shape.representative_point() for shape in shapes]
    dots = "c-pt c-petit" if len(shapes) > _SURFACES else "c-pt"
    return {
        "c-couche": [shape for shape in shapes if shape.geom_type != "Point"],
        dots: [shape for shape in shapes if shape.geom_type == "Point"],
    }


# Return the first rows, by the columns that the region shows first, else the first there are.
def _table(resource: Mapping[str, Any], features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = features[0]["properties"]
    told = resource.get("columns") or {}
    named = resource["providers"][0].get("title_field")
    first = [*told] or key_columns(known, named)
    columns = [(key, told.get(key) or label(key)) for key in first if key in known][:_COLUMNS]
    rows = [{"id": one["id"], "told": one["properties"]} for one in features[:ROWS]]
    return {"columns": columns, "rows": rows}


# Return how many objects stand in each of five classes of the first measure there is.
def _spread(features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    for name in _MEASURES:
        told = (one["properties"].get(name) for one in features)
        values = sorted(value for value in told if isinstance(value, int | float))
        fifths = [values[len(values) * part // 5] for part in (1, 2, 3, 4)] if values else []
        edges = sorted({_round(value) for value in fifths} - {0})
        if len(edges) > 1:
            cuts = [0, *(bisect.bisect_left(values, edge) for edge in edges), len(values)]
            counts = [after - before for before, after in pairwise(cuts)]
            labels = [f"< {number(edges[0])}"]
            labels += [f"{number(low)} - {number(high)}" for low, high in pairwise(edges)]
            labels.append(f"≥ {number(edges[-1])}")
            most = max(counts)
            bars = [(at, round(100 * n / most), n) for at, n in zip(labels, counts, strict=True)]
            return {"measured": label(name), "bars": bars}
    return {}


# Return a number with one significant digit.
def _round(value: float) -> int:
    size = 10 ** max(len(str(int(abs(value)))) - 1, 0)
    return int(round(value / size) * size)
