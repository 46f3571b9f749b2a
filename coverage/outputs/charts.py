"""The report's pictures, drawn as SVG from the result: the map, and the curve of people gained."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geoguichet.coverage.outputs.page import departement_outlines, name_places
from geoguichet.coverage.outputs.style import (
    BORDER,
    INK,
    KIOSK,
    LAND,
    ZONE_EDGE,
    zone_classes,
    zone_colour,
)
from geoguichet.coverage.outputs.wording import NARROW, Wording
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.zones.exact import polygonal, simplified
from geoguichet.referentials.layers import LONLAT, METRIC

# White zones as the map and the report show them: which, how straight their borders, and what
# must be said of them.


def shown(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return the zones that map and report show: those that have a polygon and are not minor."""
    zones = result.white_zones
    return zones[zones.geometry.notna() & ~zones.geometry.is_empty & ~zones["minor"]]


def for_map(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return the zones shown, their borders straightened if the study asks for it.

    All of the territory is simplified at once, served ground included, so that neither gap nor
    overlap appears.
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
    """Say what a reader must know of the zones: how people are counted, and which zones rest on
    little.
    """
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
        told.append(
            say("zones_undrawn", people=say("people", n=int(zones.loc[~drawn, "people"].sum())))
        )
    return told


def hosts(zone: dict[str, Any], say: Wording, *, key: str = "host_at") -> str:
    """Say the candidate hosts best placed for a zone, each by the message ``key``; empty when there
    is none.
    """
    pairs = zip(zone["host_names"].split(","), zone["host_costs"].split(","), strict=True)
    return ", ".join(
        say(key, name=name, cost=say.cost(float(cost))) for name, cost in pairs if name
    )


def area(zone: dict[str, Any], say: Wording) -> str:
    """Say the extent of a zone."""
    return say(
        "popup_zone_area",
        area=say.number(zone["area_km2"], 1 if zone["area_km2"] < 10 else 0),
        narrow=NARROW,
    )


WIDTH = 1000.0
"""Width of a picture in its own units; the page scales it."""
_MARGIN = 14.0
_TOLERANCE = 0.4
"""Outlines are simplified to under half a unit, which no eye or printer tells apart."""


class _Frame:
    """Turns longitudes and latitudes into picture units: equal-area, centred on the territory,
    north up.
    """

    def __init__(self, extent: gpd.GeoSeries) -> None:
        west, south, east, north = extent.total_bounds
        self._crs = (
            f"+proj=laea +lon_0={(west + east) / 2:.3f} +lat_0={(south + north) / 2:.3f} "
            "+datum=WGS84 +units=m"
        )
        left, bottom, right, top = extent.to_crs(self._crs).total_bounds
        self.units_per_m = (WIDTH - 2 * _MARGIN) / (right - left)
        self.height = (top - bottom) * self.units_per_m + 2 * _MARGIN
        scale = self.units_per_m
        self._matrix = [scale, 0, 0, -scale, _MARGIN - left * scale, _MARGIN + top * scale]

    def place(self, shapes: gpd.GeoSeries) -> gpd.GeoSeries:
        """Return the shapes in picture units."""
        return shapes.to_crs(self._crs).affine_transform(self._matrix)


def map_picture(result: CoverageResult, say: Wording) -> str:
    """Return the map: départements, white zones by people, numbered kiosks, legend, scale bar and
    north.
    """
    outlines = departement_outlines(result)
    frame = _Frame(outlines.geometry)
    legend = _legend(result, say)
    height = frame.height + _LEGEND_HEIGHT
    names = frame.place(name_places(outlines))
    parts = [
        f'<rect width="{WIDTH:.0f}" height="{height:.1f}" fill="#ffffff"/>',
        *(_path(shape, f'fill="{LAND}"') for shape in frame.place(outlines.geometry)),
        *_zones(result, frame),
        *(
            _path(
                shape, f'fill="none" stroke="{BORDER}" stroke-width="1.6" stroke-linejoin="round"'
            )
            for shape in frame.place(outlines.geometry)
        ),
        *(
            _departement_name(point, name)
            for point, name in zip(names, outlines["name"], strict=True)
        ),
        *_kiosks(result, frame),
        _north(say),
        '<g transform="translate(0 '
        f'{frame.height:.1f})">{legend}{_scale_bar(frame.units_per_m, say)}</g>',
    ]
    key = "figure_map" if len(result.kiosks) else "figure_map_no_kiosk"
    return _svg(height, say(key, territory=result.territory.name), parts)


def gain_curve(result: CoverageResult, say: Wording, *, small: bool = False) -> str:
    """Return the curve of people gained against the number of kiosks, under its proved bound and
    the plan's maximum.

    A ``small`` one is meant for a quarter of the width: its words are larger and fewer.
    """
    proposed = result.kiosks[result.kiosks["rank"] > 0]
    gained = [0.0, *proposed["people_added"].cumsum().astype(float)]
    bounds = [0.0, *(result.ranking.curve["bound"] if result.ranking is not None else [])]
    bound = bounds[-1] if len(bounds) > 1 else gained[-1]
    top = _round_above(max(bound, *gained, 1.0))
    left, right, upper, lower = (
        (190.0, WIDTH - 40.0, 34.0, 480.0) if small else (104.0, WIDTH - 24.0, 34.0, 330.0)
    )

    def x(number: float) -> float:
        return left + (right - left) * number / max(len(gained) - 1, 1)

    def y(people: float) -> float:
        return lower - (lower - upper) * people / top

    line = " ".join(f"{x(number):.1f},{y(people):.1f}" for number, people in enumerate(gained))
    count = say("kiosks", n=len(gained) - 1)
    above = " ".join(f"{x(number):.1f},{y(people):.1f}" for number, people in enumerate(bounds))
    stop = result.ranking.stop_at if result.ranking is not None else None
    told = say("curve_bound", kiosks=count, bound=say.number(math.floor(bound + 1e-6)))
    levels = [top * step / 4 for step in range(0, 5, 2 if small else 1)]
    numbers = _ticks(len(gained) - 1)[:: 5 if small else 1]
    parts = [
        *(_level(y(people), left, right, say.number(people)) for people in levels),
        *(
            _tick(x(number), lower + (50 if small else 26), say.number(number))
            for number in numbers
        ),
        f'<polygon points="{left:.1f},{lower:.1f} {line} {right:.1f},{lower:.1f}" fill="{KIOSK}" '
        'fill-opacity="0.09"/>',
        f'<polyline points="{line}" fill="none" stroke="{KIOSK}" stroke-width="3" '
        'stroke-linejoin="round"/>',
        f'<polyline points="{above}" fill="none" stroke="{KIOSK}" stroke-width="1.5" '
        'stroke-dasharray="2 4"/>',
        f'<circle cx="{right:.1f}" cy="{y(gained[-1]):.1f}" r="5" fill="{KIOSK}"/>',
        *(
            [
                _stop(
                    x(stop), y(gained[stop]), lower, say("curve_stop", kiosks=say("kiosks", n=stop))
                )
            ]
            if stop
            else []
        ),
        f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y(bound):.1f}" y2="{y(bound):.1f}" '
        'stroke="#b2182b" '
        'stroke-width="1.6" stroke-dasharray="7 5"/>',
    ]
    if not small:
        parts += [
            f'<text x="{left + 8:.1f}" y="{y(bound) + 19:.1f}" class="t b">{escape(told)}</text>',
            f'<text x="{(left + right) / 2:.1f}" y="{lower + 52:.0f}" text-anchor="middle" '
            'class="t">'
            f"{escape(say('curve_x'))}</text>",
        ]
    return _svg(lower + 66, say("figure_curve"), parts, words=40 if small else 15)


def _stop(x: float, y: float, lower: float, label: str) -> str:
    """Mark on the curve where the study would stop."""
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{lower:.1f}" stroke="{INK}" '
        'stroke-width="1.2"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#ffffff" stroke="{INK}" stroke-width="2"/>'
        f'<text x="{x - 9:.1f}" y="{lower - 14:.1f}" text-anchor="end" '
        f'class="t">{escape(label)}</text>'
    )


def _zones(result: CoverageResult, frame: _Frame) -> Iterable[str]:
    unit, zones = result.study.unit, shown(result)
    for shape, mean in zip(frame.place(zones.geometry), zones[f"mean_{unit}"], strict=True):
        yield _path(
            shape,
            f'fill="{zone_colour(mean, unit)}" stroke="{ZONE_EDGE}" stroke-width="0.6" '
            'stroke-linejoin="round"',
        )


def _kiosks(result: CoverageResult, frame: _Frame) -> Iterable[str]:
    """Numbered discs, the first ranks on top."""
    discs = list(zip(frame.place(result.kiosks.geometry), result.kiosks["rank"], strict=True))
    for point, rank in reversed(discs):
        if point is not None and not point.is_empty:
            yield _disc(point.x, point.y, str(rank) if rank else "•")


def _disc(x: float, y: float, text: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="{KIOSK}" stroke="#ffffff" '
        'stroke-width="1.5"/>'
        f'<text x="{x:.1f}" y="{y + 3.8:.1f}" text-anchor="middle" class="k">{text}</text>'
    )


def _departement_name(point: shapely.Point, name: str) -> str:
    return (
        f'<text x="{point.x:.1f}" y="{point.y:.1f}" text-anchor="middle" '
        f'class="d">{escape(name)}</text>'
    )


def _path(shape: shapely.Geometry | None, style: str) -> str:
    if shape is None or shape.is_empty:
        return ""
    simple = shape.simplify(_TOLERANCE)
    polygons = [part for part in shapely.get_parts(simple) if part.geom_type == "Polygon"]
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    data = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings
    )
    return f'<path d="{data}" fill-rule="evenodd" {style}/>'


_LEGEND_HEIGHT = 100.0


def _legend(result: CoverageResult, say: Wording) -> str:
    parts = [f'<text x="{_MARGIN}" y="26" class="h">{escape(say("legend_zones"))}</text>']
    for number, (low, high, colour) in enumerate(zone_classes(result.study.unit)):
        x, y = _MARGIN + number * 178, 40
        parts.append(
            f'<rect x="{x:.0f}" y="{y}" width="24" height="16" fill="{colour}" '
            f'stroke="{ZONE_EDGE}"/>'
            f'<text x="{x + 32:.0f}" y="{y + 13}" '
            f'class="t">{escape(say.zone_class(low, high))}</text>'
        )
    if len(result.kiosks):
        parts.append(
            _disc(_MARGIN + 12, 80, "1") + f'<text x="{_MARGIN + 32:.0f}" y="85" class="t">'
        )
        parts.append(f"{escape(say('legend_kiosk'))}</text>")
    return "".join(parts)


def _scale_bar(units_per_m: float, say: Wording) -> str:
    kilometres = _round_below(0.2 * WIDTH / units_per_m / 1000)
    length = kilometres * 1000 * units_per_m
    right = WIDTH - _MARGIN
    return (
        f'<path d="M{right - length:.1f} 62v10h{length:.1f}v-10" fill="none" stroke="{INK}" '
        'stroke-width="1.6"/>'
        f'<text x="{right - length / 2:.1f}" y="60" text-anchor="middle" class="t">'
        f"{escape(say('scale_km', n=kilometres))}</text>"
    )


def _north(say: Wording) -> str:
    x = WIDTH - _MARGIN - 18
    return (
        f'<g role="img" aria-label="{escape(say("north"))}"><path d="M{x} 20l10 30l-10 -7l-10 7z" '
        f'fill="{INK}"/>'
        f'<text x="{x}" y="68" text-anchor="middle" class="h">{say("north_letter")}</text></g>'
    )


def _level(y: float, left: float, right: float, label: str) -> str:
    return (
        f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d5dadd" '
        'stroke-width="1"/>'
        f'<text x="{left - 10:.1f}" y="{y:.1f}" dy=".34em" text-anchor="end" '
        f'class="t">{label}</text>'
    )


def _tick(x: float, y: float, label: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.0f}" text-anchor="middle" class="t">{label}</text>'


def _ticks(last: int) -> list[int]:
    step = max(1, math.ceil(_round_below(max(last, 1)) / 10))
    return list(range(0, last + 1, step))


def _round_below(value: float) -> int:
    """Return the largest of 1, 2, 5, 10, 20, 50 ... that is not above the value (1 at least)."""
    power = 10 ** max(0, math.floor(math.log10(max(value, 1.0))))
    return next(int(power * digit) for digit in (5, 2, 1) if power * digit <= max(value, 1.0))


def _round_above(value: float) -> float:
    """Return a round number, easily cut in four, that leaves room above the value."""
    power = 10.0 ** (math.floor(math.log10(value)) - 1)
    return next(
        power * digit
        for digit in (12, 16, 20, 24, 32, 40, 60, 80, 100, 120)
        if power * digit >= value * 1.04
    )


def _svg(height: float, title: str, parts: Iterable[str], *, words: int = 15) -> str:
    style = (
        f"text{{font-family:inherit;fill:{INK}}}.t{{font-size:{words}px}}.h{{font-size:16px;font-weight:600}}"
        ".b{fill:#b2182b}.k{font-size:10.5px;font-weight:700;fill:#fff}"
        ".d{font-size:17px;fill:#59646c;letter-spacing:.06em;paint-order:stroke;stroke:#fff;stroke-width:3px;"
        "stroke-opacity:.7}"
    )
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.1f}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title><style>{style}</style>'
        + "".join(parts)
        + "</svg>"
    )
