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
from geoguichet.coverage.outputs.wording import n_kiosks, n_people, zone_class
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.study.study import Study
from geoguichet.coverage.zones.exact import polygonal, simplified
from geoguichet.floor.figures import cost, distance, measure, number
from geoguichet.floor.words import _, ngettext, pgettext
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


def notes(result: CoverageResult) -> list[str]:
    """Say what a reader must know of the zones: how people are counted, and which zones rest on
    little.
    """
    zones, smooth = result.white_zones, result.study.zones.kind == "smooth"
    drawn, minor = zones.geometry.notna(), zones["minor"]
    single = zones[(zones["communes"] == 1) & drawn & ~minor & (not smooth)]
    small = zones[minor & (zones["communes"] > 0)]
    land = zones[(zones["communes"] == 0) & ~minor]
    told = [
        _(
            "Les habitants d’une zone sont ceux des communes non desservies ; son dessin ne les "
            "compte pas."
        ),
        smooth
        and _(
            "Le contour est la ligne où la marge au seuil s’annule, calculée tous les {cell} et "
            "quatre fois plus finement là où elle passe. Il ne suit donc pas les limites des "
            "communes : une mairie desservie peut avoir autour d’elle des terres qui ne le sont "
            "pas, et l’inverse.",
            cell=distance(result.study.zones.cell_m),
        ),
        len(single)
        and ngettext(
            "{n} zone ({people}) tient à une seule commune, donc à un seul point : quelques "
            "centaines de mètres ou une minute peuvent la faire disparaître.",
            "{n} zones ({people}) tiennent chacune à une seule commune, donc à un seul point : "
            "quelques centaines de mètres ou une minute peuvent les faire disparaître.",
            len(single),
            people=n_people(int(single["people"].sum())),
        ),
        len(small)
        and ngettext(
            "{n} zone trop petite pour être montrée ({people}) reste dans les comptes et dans les "
            "fichiers.",
            "{n} zones trop petites pour être montrées ({people}) restent dans les comptes et dans "
            "les fichiers.",
            len(small),
            people=n_people(int(small["people"].sum())),
        ),
        len(land)
        and ngettext(
            "{n} étendue blanche ne contient aucun point de population : elle est dessinée, "
            "personne n’y est compté.",
            "{n} étendues blanches ne contiennent aucun point de population : elles sont "
            "dessinées, personne n’y est compté.",
            len(land),
        ),
        not drawn.all()
        and _(
            "{people} en zone blanche n’ont pas de contour à dessiner ; ils sont comptés.",
            people=n_people(int(zones.loc[~drawn, "people"].sum())),
        ),
    ]
    return [sentence for sentence in told if isinstance(sentence, str)]


def hosts(zone: dict[str, Any], study: Study, *, brief: bool = False) -> str:
    """Say the candidate hosts best placed for a zone and how far each is on average; empty when
    there is none.
    """
    pairs = zip(zone["host_names"].split(","), zone["host_costs"].split(","), strict=True)
    told = [(name, cost(float(far), study.unit)) for name, far in pairs if name]
    if brief:
        return ", ".join(f"{name} ({far})" for name, far in told)
    return ", ".join(_("{name} ({cost} en moyenne)", name=name, cost=far) for name, far in told)


def area(zone: dict[str, Any]) -> str:
    """Say the extent of a zone."""
    decimals = 1 if zone["area_km2"] < 10 else 0
    return _("Étendue : {area}", area=measure(zone["area_km2"], "km²", decimals))


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


def map_picture(result: CoverageResult) -> str:
    """Return the map: départements, white zones by people, numbered kiosks, legend, scale bar and
    north.
    """
    outlines = departement_outlines(result)
    frame = _Frame(outlines.geometry)
    legend = _legend(result)
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
        _north(),
        '<g transform="translate(0 '
        f'{frame.height:.1f})">{legend}{_scale_bar(frame.units_per_m)}</g>',
    ]
    return _svg(height, map_caption(result), parts)


def map_caption(result: CoverageResult) -> str:
    """Say what the picture of the map shows."""
    territory = result.territory.name
    if not len(result.kiosks):
        return _("Zones blanches : {territory}.", territory=territory)
    return _(
        "Zones blanches et visioguichets proposés : {territory}. Les numéros sont ceux du tableau "
        "des visioguichets.",
        territory=territory,
    )


def gain_curve(result: CoverageResult, *, small: bool = False) -> str:
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

    def x(kiosks: float) -> float:
        return left + (right - left) * kiosks / max(len(gained) - 1, 1)

    def y(people: float) -> float:
        return lower - (lower - upper) * people / top

    line = " ".join(f"{x(kiosks):.1f},{y(people):.1f}" for kiosks, people in enumerate(gained))
    above = " ".join(f"{x(kiosks):.1f},{y(people):.1f}" for kiosks, people in enumerate(bounds))
    stop = result.ranking.stop_at if result.ranking is not None else None
    levels = [top * step / 4 for step in range(0, 5, 2 if small else 1)]
    counts = _ticks(len(gained) - 1)[:: 5 if small else 1]
    parts = [
        *(_level(y(people), left, right, number(people)) for people in levels),
        *(_tick(x(count), lower + (50 if small else 26), number(count)) for count in counts),
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
                    x(stop),
                    y(gained[stop]),
                    lower,
                    _("s’arrêter ici ? {kiosks}", kiosks=n_kiosks(stop)),
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
        told = _(
            "maximum prouvé pour {kiosks} : {bound}",
            kiosks=n_kiosks(len(gained) - 1),
            bound=number(math.floor(bound + 1e-6)),
        )
        parts += [
            f'<text x="{left + 8:.1f}" y="{y(bound) + 19:.1f}" class="t b">{escape(told)}</text>',
            f'<text x="{(left + right) / 2:.1f}" y="{lower + 52:.0f}" text-anchor="middle" '
            'class="t">'
            f"{escape(_('nombre de visioguichets'))}</text>",
        ]
    return _svg(
        lower + 66,
        _(
            "Habitants desservis en plus selon le nombre de visioguichets, ouverts "
            "dans l’ordre du tableau"
        ),
        parts,
        words=40 if small else 15,
    )


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


def _legend(result: CoverageResult) -> str:
    unit, title = result.study.unit, escape(_("Zone blanche, selon l’écart moyen au seuil"))
    parts = [f'<text x="{_MARGIN}" y="26" class="h">{title}</text>']
    for place, (low, high, colour) in enumerate(zone_classes(unit)):
        x, y = _MARGIN + place * 178, 40
        parts.append(
            f'<rect x="{x:.0f}" y="{y}" width="24" height="16" fill="{colour}" '
            f'stroke="{ZONE_EDGE}"/>'
            f'<text x="{x + 32:.0f}" y="{y + 13}" '
            f'class="t">{escape(zone_class(low, high, unit))}</text>'
        )
    if len(result.kiosks):
        parts.append(
            f'{_disc(_MARGIN + 12, 80, "1")}<text x="{_MARGIN + 32:.0f}" y="85" class="t">'
            f"{escape(_('Visioguichet et son rang'))}</text>"
        )
    return "".join(parts)


def _scale_bar(units_per_m: float) -> str:
    kilometres = _round_below(0.2 * WIDTH / units_per_m / 1000)
    length = kilometres * 1000 * units_per_m
    right = WIDTH - _MARGIN
    return (
        f'<path d="M{right - length:.1f} 62v10h{length:.1f}v-10" fill="none" stroke="{INK}" '
        'stroke-width="1.6"/>'
        f'<text x="{right - length / 2:.1f}" y="60" text-anchor="middle" class="t">'
        f"{number(kilometres)} km</text>"
    )


def _north() -> str:
    x = WIDTH - _MARGIN - 18
    return (
        f'<g role="img" aria-label="{escape(_("Nord"))}"><path d="M{x} 20l10 30l-10 -7l-10 7z" '
        f'fill="{INK}"/>'
        f'<text x="{x}" y="68" text-anchor="middle" class="h">{pgettext("north", "N")}</text></g>'
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
