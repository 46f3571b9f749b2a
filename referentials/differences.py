"""What changed between two versions of a directory: opened, closed, moved, renamed; a table, layers and a map."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.region import write_layers
from geoguichet.referentials.taxonomy import SERVICE_TYPES

MOVED_M = 500
"""A service whose point changed by less is where it was: geocoders differ by that much."""
KINDS: Mapping[str, tuple[str, str]] = {
    "opened": ("ouverts", "#1b7837"),
    "closed": ("fermés", "#b2182b"),
    "moved": ("déplacés", "#2166ac"),
    "changed": ("changés de type", "#b35806"),
}
"""Kind of change: French plural, colour on the map."""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """The changes from a version to a later one."""

    changes: gpd.GeoDataFrame
    """id, kind (a key of ``KINDS``), type, type_before, name, commune, departement, distance_m, geometry (point)."""
    moves: gpd.GeoDataFrame
    """id, name, type, distance_m, geometry: a line from the old point to the new."""
    same: int
    """Services found in both and unchanged."""

    def counts(self) -> pd.DataFrame:
        """Return how many changes of each kind each type has: one row a type, one column a kind, most changed first."""
        table = pd.crosstab(self.changes["type"], self.changes["kind"]).reindex(columns=list(KINDS), fill_value=0)
        ordered: pd.DataFrame = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
        return ordered


def compare(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, moved_m: float = MOVED_M) -> Difference:
    """Return what changed between two versions of one directory, services matched by identifier.

    A service of the same type, name and commune under another identifier is the same one: it is matched too, so that
    a renumbering is not taken for a closure and an opening.
    """
    pairs = _matched(before, after)
    old = before.set_index("id").loc[pairs.index]
    new = after.set_index("id").loc[pairs]
    distance = old.geometry.to_crs(METRIC).distance(new.geometry.to_crs(METRIC).set_axis(old.index), align=False)
    retyped = (old["type"].to_numpy() != new["type"].to_numpy()) & (new["type"] != "other_service").to_numpy()
    displaced = (distance > moved_m).to_numpy() & ~retyped
    parts = [
        _rows(after[~after["id"].isin(pairs)].set_index("id"), "opened"),
        _rows(before[~before["id"].isin(pairs.index)].set_index("id"), "closed"),
        _rows(new[displaced], "moved").assign(distance_m=distance[displaced].to_numpy()),
        _rows(new[retyped], "changed").assign(type_before=old.loc[retyped, "type"].to_numpy()),
    ]
    filled = [part for part in parts if len(part)] or parts[:1]
    changes = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=LONLAT).reindex(columns=COLUMNS)
    lines = [
        shapely.LineString([start, end])
        for start, end in zip(old.geometry[displaced], new.geometry[displaced], strict=True)
    ]
    moves = gpd.GeoDataFrame(
        new.loc[displaced, ["name", "type"]].assign(distance_m=distance[displaced].to_numpy()).reset_index(),
        geometry=lines,
        crs=LONLAT,
    )
    return Difference(changes, moves, int((~displaced & ~retyped).sum()))


COLUMNS = ("id", "kind", "type", "type_before", "name", "commune", "departement", "distance_m", "geometry")


def _matched(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.Series:
    """Return the identifiers of `after` indexed by those of `before`, one to one."""
    same = before["id"][before["id"].isin(after["id"])]
    left = before[~before["id"].isin(same)]
    right = after[~after["id"].isin(same)]
    keyed = _keys(left).merge(_keys(right), on=["type", "name", "place"], suffixes=("_before", "_after"))
    ids = pd.concat([same, keyed["id_before"]], ignore_index=True)
    return pd.Series(pd.concat([same, keyed["id_after"]], ignore_index=True).to_numpy(), index=ids)


def _keys(rows: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return id, type, folded name and place of the rows that these three tell apart."""
    place = rows["commune"].fillna(rows["postcode"]).fillna(rows["commune_name"])
    keys = pd.DataFrame({"id": rows["id"], "type": rows["type"], "name": rows["name"].str.casefold(), "place": place})
    return keys[keys["place"].notna() & ~keys.duplicated(["type", "name", "place"], keep=False)]


def _rows(rows: gpd.GeoDataFrame, kind: str) -> gpd.GeoDataFrame:
    return rows[["type", "name", "commune", "departement", "geometry"]].reset_index(names="id").assign(kind=kind)


def write_difference(difference: Difference, folder: Path, *, title: str, outlines: gpd.GeoSeries) -> list[Path]:
    """Write ``changes.gpkg`` (layers changes and moves) and ``changes.html`` (the map); return the two files.

    `outlines` (EPSG:4326) is the ground the map is drawn on.
    """
    data, page = folder / "changes.gpkg", folder / "changes.html"
    layers = {"changes": difference.changes}
    write_layers(layers, data)
    if len(difference.moves):
        difference.moves.to_file(data, layer="moves", mode="a")
    page.write_text(draw(difference, title=title, outlines=outlines), encoding="utf-8")
    return [data, page]


def draw(difference: Difference, *, title: str, outlines: gpd.GeoSeries, width: int = 1000) -> str:
    """Return a page with a map of the changes on the ground of `outlines`; no script, no network."""
    ground = outlines.to_crs(METRIC)
    west, south, east, north = ground.total_bounds
    scale = width / (east - west)

    def position(xy: np.ndarray) -> np.ndarray:
        placed: np.ndarray = np.column_stack([(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale])
        return placed

    shapes = []
    for shape in ground.simplify(300):
        for part in shapely.get_parts(shape):
            ring = " ".join(f"{x:.1f},{y:.1f}" for x, y in position(shapely.get_coordinates(part.exterior)))
            shapes.append(f'<polygon points="{ring}"/>')
    marks = []
    changes = difference.changes[difference.changes.geometry.notna()].to_crs(METRIC)
    area = shapely.box(west, south, east, north)
    for kind in reversed(list(KINDS)):
        colour = KINDS[kind][1]
        rows = changes[(changes["kind"] == kind) & changes.geometry.within(area)]
        for (x, y), row in zip(position(shapely.get_coordinates(rows.geometry.array)), rows.itertuples(), strict=True):
            label = html.escape(f"{row.name} ({SERVICE_TYPES[row.type].label_fr})")
            marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"><title>{label}</title></circle>')
    lines = []
    for line in difference.moves.to_crs(METRIC).geometry:
        if line.within(area):
            (x1, y1), (x2, y2) = position(shapely.get_coordinates(line))
            lines.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    height = (north - south) * scale
    return _PAGE.format(
        title=html.escape(title),
        width=width,
        height=round(height),
        ground="".join(shapes),
        lines="".join(lines),
        marks="".join(marks),
        legend="".join(_legend(difference, kind) for kind in KINDS),
        table=_table(difference.counts()),
    )


def _legend(difference: Difference, kind: str) -> str:
    label, colour = KINDS[kind]
    count = int((difference.changes["kind"] == kind).sum())
    return f'<li><span style="background:{colour}"></span>{count} {label}</li>'


def _table(counts: pd.DataFrame) -> str:
    heads = "".join(f"<th>{KINDS[kind][0]}</th>" for kind in counts.columns)
    lines: Sequence[str] = [
        f"<tr><td>{html.escape(SERVICE_TYPES[str(key)].plural_fr)}</td>"
        + "".join(f"<td>{count}</td>" for count in row)
        + "</tr>"
        for key, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    return f"<table><tr><th>Type</th>{heads}</tr>{''.join(lines)}</table>"


_PAGE = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 1040px; color: #222 }}
svg {{ width: 100%; height: auto; background: #f7f9fb }}
svg polygon {{ fill: #fff; stroke: #8a94a0; stroke-width: 1 }}
svg line {{ stroke: #2166ac; stroke-width: .8; opacity: .6 }}
svg circle {{ opacity: .8 }}
ul {{ list-style: none; padding: 0; display: flex; gap: 1.5em; flex-wrap: wrap }}
ul span {{ display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em }}
table {{ border-collapse: collapse }} td, th {{ padding: .15em .8em; text-align: right; border-bottom: 1px solid #ddd }}
td:first-child, th:first-child {{ text-align: left }}
</style></head><body><h1>{title}</h1><ul>{legend}</ul>
<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">{ground}{lines}{marks}</svg>
{table}</body></html>
"""
