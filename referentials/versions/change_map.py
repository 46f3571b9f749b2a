"""The changes between two versions of a directory as a page: a map, its legend that hides and
shows, tables.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.referentials.directory.taxonomy import SERVICE_TYPES
from geoguichet.referentials.layers import METRIC
from geoguichet.referentials.regions.region import write_layers
from geoguichet.referentials.versions.differences import KINDS, Difference

MARKS: Mapping[str, str] = {
    "opened": (
        '<path id="opened" d="M0-4.4L4-.2V3.4H-4V-.2Z" fill="#1b7837" stroke="#fff" '
        'stroke-width=".8"/>'
    ),
    "closed": '<path id="closed" d="M-3-3L3 3M-3 3L3-3" stroke="#c51b2b" stroke-width="1.9"/>',
    "moved": '<circle id="moved" r="2.9" fill="#2166ac" stroke="#fff" stroke-width=".8"/>',
    "changed": (
        '<path id="changed" d="M0-4L4 0L0 4L-4 0Z" fill="#e08214" stroke="#fff" stroke-width=".8"/>'
    ),
    "corrected": '<circle id="corrected" r="1.6" fill="none" stroke="#7a8794" stroke-width=".9"/>',
}
"""Each kind has its shape, so that colours alone do not tell: a house, a cross, a dot, a lozenge, a
ring.
"""
DRAWN = ("corrected", "changed", "moved", "opened", "closed")
"""From the bottom up: a cross over a house is a counter replaced by another."""
HIDDEN = frozenset({"corrected"})
"""Kinds shown on demand: they tell of geocoders, not of services."""


def write_difference(
    difference: Difference, folder: Path, *, title: str, outlines: gpd.GeoSeries
) -> list[Path]:
    """Write ``changes.gpkg`` (layers changes and moves) and ``changes.html`` (the map); return the
    two files.

    `outlines` (EPSG:4326) is the ground the map is drawn on.
    """
    data, page = folder / "changes.gpkg", folder / "changes.html"
    layers = {"changes": difference.changes}
    write_layers(layers, data)
    if len(difference.moves):
        difference.moves.to_file(data, layer="moves", mode="a")
    page.write_text(draw_changes(difference, title=title, outlines=outlines), encoding="utf-8")
    return [data, page]


type _Positions = Callable[[np.ndarray], np.ndarray]


def draw_changes(
    difference: Difference, *, title: str, outlines: gpd.GeoSeries, width: int = 1000
) -> str:
    """Return a page with a map of the changes on the ground of `outlines`; no script, no network.

    The index of `outlines` names them where it is text. What lies off the ground is counted beneath
    the map.
    """
    ground = outlines.to_crs(METRIC)
    west, south, east, north = ground.total_bounds
    margin = 0.02 * (east - west)
    west, south, east, north = west - margin, south - margin, east + margin, north + margin
    scale = width / (east - west)

    def position(xy: np.ndarray) -> np.ndarray:
        placed: np.ndarray = np.column_stack(
            [(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale]
        )
        return placed

    area = shapely.box(west, south, east, north)
    changes = difference.changes[difference.changes.geometry.notna()].to_crs(METRIC)
    seen = changes[changes.geometry.within(area)]
    layers = [
        f'<g class="{kind}">{"".join(_lines(difference, area, position)) if kind == "moved" else ""}'
        f"{''.join(_marks(seen[seen['kind'] == kind], kind, position))}</g>"
        for kind in DRAWN
    ]
    height = (north - south) * scale
    return _PAGE.format(
        title=html.escape(title),
        width=width,
        height=round(height),
        shapes="".join(MARKS.values()),
        ground="".join(_ground(ground, position)),
        marks="".join(layers),
        switches="".join(_switch(kind) for kind in KINDS),
        rules="".join(
            f"#show-{kind}:not(:checked) ~ svg .{kind} {{ display: none }} " for kind in KINDS
        ),
        legend="".join(_legend(difference, kind) for kind in KINDS),
        same=_number(difference.same),
        away=_away(len(difference.changes) - len(seen)),
        table=_table(difference.counts()),
    )


def _ground(ground: gpd.GeoSeries, position: _Positions) -> Iterator[str]:
    """Yield the outlines, then the names where they are widest."""
    for shape in ground.simplify(300):
        for part in shapely.get_parts(shape):
            ring = " ".join(
                f"{x:.1f},{y:.1f}" for x, y in position(shapely.get_coordinates(part.exterior))
            )
            yield f'<polygon points="{ring}"/>'
    for name, shape in ground.items():
        if isinstance(name, str):
            x, y = position(shapely.get_coordinates(shape.representative_point()))[0]
            yield f'<text x="{x:.0f}" y="{y:.0f}">{html.escape(name)}</text>'


def _lines(difference: Difference, area: shapely.Geometry, position: _Positions) -> Iterator[str]:
    for line in difference.moves.to_crs(METRIC).geometry:
        if line is not None and line.within(area):
            (x1, y1), (x2, y2) = position(shapely.get_coordinates(line))
            yield f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _marks(rows: gpd.GeoDataFrame, kind: str, position: _Positions) -> Iterator[str]:
    for (x, y), row in zip(
        position(shapely.get_coordinates(rows.geometry.array)), rows.itertuples(), strict=True
    ):
        far = f", {_length(row.distance_m)}" if pd.notna(row.distance_m) else ""
        label = html.escape(f"{row.name} ({SERVICE_TYPES[row.type].label_fr}{far})")
        yield f'<use href="#{kind}" x="{x:.1f}" y="{y:.1f}"><title>{label}</title></use>'


def _switch(kind: str) -> str:
    return f'<input type="checkbox" id="show-{kind}"{"" if kind in HIDDEN else " checked"}>'


def _legend(difference: Difference, kind: str) -> str:
    count = int((difference.changes["kind"] == kind).sum())
    mark = f'<svg class="key" viewBox="-5 -5 10 10"><use href="#{kind}"/></svg>'
    return f'<li><label for="show-{kind}">{mark} {_number(count)} {KINDS[kind]}</label></li>'


def _away(count: int) -> str:
    if not count:
        return ""
    return (
        f"<p>{_number(count)} changement(s) sans position, ou situés hors de la carte, sont "
        "dans le tableau seul.</p>"
    )


def _table(counts: pd.DataFrame) -> str:
    heads = "".join(f"<th>{KINDS[kind]}</th>" for kind in counts.columns)
    lines: Sequence[str] = [
        f"<tr><td>{html.escape(SERVICE_TYPES[str(key)].plural_fr)}</td>"
        + "".join(f"<td>{_number(count) if count else '·'}</td>" for count in row)
        + "</tr>"
        for key, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    total = "".join(f"<td>{_number(count)}</td>" for count in counts.sum())
    return f"<table><tr><th>Type</th>{heads}</tr>{''.join(lines)}<tr><td>Ensemble</td>{total}</tr></table>"


def _number(count: float) -> str:
    return f"{int(count):,}".replace(",", "\u202f")


def _length(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km".replace(".", ",")


_PAGE = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 1040px; padding: 0 1em; color: #222 }}
input[type=checkbox] {{ position: absolute; opacity: 0 }}
svg.map {{ width: 100%; height: auto; background: #f3f6f9 }}
svg.map polygon {{ fill: #fff; stroke: #9aa5b1; stroke-width: 1 }}
svg.map text {{ font-size: 15px; fill: #8a94a0; text-anchor: middle; letter-spacing: .06em }}
svg.map line {{ stroke: #2166ac; stroke-width: 1.1; opacity: .75 }}
.key {{ width: 1.15em; height: 1.15em; vertical-align: -.2em; overflow: visible }}
ul {{ list-style: none; padding: 0; display: flex; gap: .4em 1.6em; flex-wrap: wrap }}
label {{ cursor: pointer; border-bottom: 1px dotted #888 }}
{rules}
table {{ border-collapse: collapse; margin-top: 1.2em }}
td, th {{ padding: .15em .8em; text-align: right; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }}
td:first-child, th:first-child {{ text-align: left }}
tr:last-child {{ font-weight: 600 }}
</style></head><body><h1>{title}</h1>
<p>{same} services n'ont pas changé. Un clic sur un mot de la légende montre ou cache ses points ; le trait d'un service
déplacé part de son ancien lieu. Une position est dite corrigée quand l'adresse est la même, ou quand le point a
sauté hors de sa commune : le géocodage a changé, pas le service.</p>
{switches}<ul>{legend}</ul>
<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-label="{title}"><defs>{shapes}</defs>
{ground}{marks}</svg>
{away}{table}</body></html>
"""
