"""« Trouver un guichet »: the page, and the same in a frame of another site."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import shapely

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, weekdays
from geoguichet.portal.answers import Refusal
from geoguichet.portal.counters import answered
from geoguichet.portal.drawn import Drawing, drawn, visible
from geoguichet.portal.errors import PortalError
from geoguichet.portal.kept import Index, index_of
from geoguichet.portal.pages.home import ZonesOf, zone_parts
from geoguichet.portal.site import Asked, Page, Site, an_object
from geoguichet.portal.territory import Territory, layer_of
from geoguichet.referentials.directory.hours import WEEKDAYS_FR

#: What the question is made of.
PARAMETERS = ("ou", "quoi", "quand", "jour", "heure")
#: Degrees shown around a place at the least.
_LEAST = 0.06
#: The hours that the form offers, in minutes.
_HOURS = range(7 * 60, 20 * 60 + 30, 30)


def index_for(site: Site, viewer: Viewer) -> Index:
    """Return the index of the counters. Refusal (404) for who may not see them, and where there are
    none.
    """
    try:
        return index_of(site.workspace, site.region, site.territory, viewer=viewer)
    except PortalError as error:
        raise Refusal(404, error) from error


def _answer(site: Site, asked: Asked, *, has_map: bool) -> dict[str, Any]:
    index = index_for(site, asked.viewer)
    document = answered(index, asked.given)
    if asked.form != "html":
        return document
    numbered = [(str(n), *spot(one)) for n, one in enumerate(document["open"], 1)]
    numbered += [(f"?{n}", *spot(one)) for n, one in enumerate(document["uncertain"], 1)]
    more = {
        "days": [(day[:3], name) for day, name in zip(WEEKDAYS_FR, weekdays(), strict=True)],
        "hours": [f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in _HOURS],
        "drawn": None,
        "pages": index.codes if any(page.path == "/communes/{code}" for page in site.pages) else (),
    }
    question = document["question"]
    here = index.place(question["ou"]) if has_map and "place" in question else None
    if here is not None:
        more["drawn"] = around(
            site.territory,
            question["commune"],
            here,
            tuple(numbered),
            tuple(map(spot, document["closed"])),
        )
    return document | more


#: Where a counter stands on a map: the name of its commune, its longitude and latitude.
type Spot = tuple[str, float, float]


def spot(counter: Mapping[str, Any]) -> Spot:
    """Return where a counter that is told stands."""
    return counter["commune_name"], counter["lon"], counter["lat"]


@lru_cache(maxsize=256)
def around(
    territory: Territory,
    code: str,
    here: tuple[float, float] | None,
    numbered: tuple[tuple[str, str, float, float], ...],
    others: tuple[Spot, ...] = (),
    zones: ZonesOf | None = None,
) -> Drawing:
    """Return the map around a commune or a point: the outlines of communes, numbered counters under
    their commune's name, the others as dots, where one starts from; ``zones`` lie beneath.

    It does not tell the hour: pages of another minute show the same.
    """
    start = [] if here is None else [shapely.Point(here)]
    numbers = {told: shapely.Point(at) for told, _name, *at in numbered}
    points = [shapely.Point(at) for _name, *at in others]
    shapes, outlines = outlines_of_communes(territory)
    own = [shapes[code]] if code in shapes else []
    held = [*numbers.values(), *own, *(start or points[:1])]
    west, south, east, north = shapely.total_bounds(held)
    wide, high = (max(_LEAST - (b - a) / 2, 0) + 0.01 for a, b in ((west, east), (south, north)))
    box = (west - wide, south - high, east + wide, north + high)
    frame = visible(box)
    dots = [one for one in points if one.within(frame)]
    cut = {
        kind: shapely.clip_by_rect(some.geometries[np.sort(some.query(frame))], *frame.bounds)
        for kind, some in (zone_parts(*zones) if zones else {}).items()
    }
    near = outlines.geometries[outlines.query(frame, predicate="intersects")]
    layers = {
        **cut,
        "c-com": near,
        "c-moi": own,
        "c-mini h": dots,
        "c-mini": dots,
        "c-vous": start,
    }
    ground = near if len(near) else None
    made = drawn(territory, layers, numbers=numbers, box=box, ground=ground)
    known = {told: name for told, name, *_at in numbered}
    names = [(known[told], x, y - 18) for told, x, y in made.numbers if told in known]
    return replace(made, names=names)


@lru_cache(maxsize=2)
def outlines_of_communes(
    territory: Territory,
) -> tuple[Mapping[str, shapely.Geometry], shapely.STRtree]:
    """Return the outlines of communes, simplified for a map of some of them: by code, by place."""
    found = layer_of(territory, "communes")
    if found is None:
        return {}, shapely.STRtree([])
    found = found[found.geometry.notna()]
    drawn = found.geometry.simplify(0.0005).array
    return dict(zip(found["code"], drawn, strict=True)), shapely.STRtree(drawn)


_TEXT = {"type": "string"}
_COUNTERS = {"type": "array", "items": {"type": "object"}}
_DOCUMENT = an_object(
    {
        "question": {"type": "object"},
        "needs": _COUNTERS,
        "title": _TEXT,
        "message": _TEXT,
        "choices": _COUNTERS,
        **dict.fromkeys(("open", "uncertain", "closed"), _COUNTERS),
    },
    "question", "needs", "message", "choices", "open", "uncertain", "closed",
)  # fmt: skip
_page = partial(
    Page,
    title=Message("Trouver un guichet"),
    document=lambda _site, _viewer: {},
    parameters=PARAMETERS,
    schema="Counters",
)
PAGES = (
    _page(path="/guichet", summary="The nearest counters for a need, at a moment",
          template="guichet.html", menu="main", schemas={"Counters": _DOCUMENT},
          more=partial(_answer, has_map=True)),
    _page(path="/guichet/widget", summary="The same, to be framed by another site",
          template="guichet-widget.html", more=partial(_answer, has_map=False)),
)  # fmt: skip
