"""What changed between two versions of a directory: opened, closed, moved, renamed; as a table,
layers, and a page with a map whose legend hides and shows.
"""

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from geoguichet.floor.words import distance, number, speaking
from geoguichet.referentials.directory.ground import within_territory
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.layers import LONLAT, metric_of
from geoguichet.referentials.readers.column_names import folded
from geoguichet.referentials.regions.region import write_layers
from geoguichet.referentials.territories.territory import territory_of
from geoguichet.referentials.versions.store import ReferentialStore

#: A service whose point changed by less is where it was: geocoders differ by that much.
MOVED_M = 500
#: A service that stays in its commune does not move by more: its point was wrong, before or after.
CORRECTED_M = 5_000
#: Kind of change: French plural.
KINDS: Mapping[str, str] = {
    "opened": "ouverts",
    "closed": "fermés",
    "moved": "déplacés",
    "changed": "changés de type",
    "corrected": "positions corrigées",
}


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """The changes from a version to a later one.

    A service ``moved`` when its point did, and its commune or address with it or by no more than
    its commune is wide; it was ``corrected`` when its address is the same, or its point jumped out
    of the commune it says it is in.
    """

    #: id, kind (a key of ``KINDS``), type, type_before, name, commune, departement, distance_m,
    #: geometry (point).
    changes: gpd.GeoDataFrame = field(repr=False)
    #: id, name, type, distance_m, geometry: a line from the old point to the new, for what moved.
    moves: gpd.GeoDataFrame = field(repr=False)
    #: Services found in both and unchanged.
    same: int

    def counts(self) -> pd.DataFrame:
        """Return how many changes of each kind each type has: one row a type, one column a kind,
        most changed first.
        """
        table = pd.crosstab(self.changes["type"], self.changes["kind"]).reindex(
            columns=list(KINDS), fill_value=0
        )
        return table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]


def compare_directories(
    before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, moved_m: float = MOVED_M
) -> Difference:
    """Return what changed between two versions of one directory, services matched by identifier.

    A service of the same type, name and commune under another identifier is the same one: it is
    matched too, so that a renumbering is not taken for a closure and an opening. Rows that
    keep the contract of ``schema.check_directory`` are never refused.

    Parameters
    ----------
    before, after
        Rows of a directory (:func:`~geoguichet.read_published`), points in EPSG:4326.
    moved_m
        Metres below which a point has not changed, along the ellipsoid (Karney 2013).

    Returns
    -------
    Difference
        Its ``changes`` and ``moves`` (frames, metres), how many are the ``same``, ``counts()``.

    Examples
    --------
    After the example of :func:`~geoguichet.read_published`:

    >>> north = reading.rows.assign(geometry=reading.rows.translate(yoff=0.02), address="2 rue Neuve")
    >>> difference = compare_directories(reading.rows, north)
    >>> difference
    Difference(same=0)
    >>> difference.changes[["kind", "name", "distance_m"]].round().values.tolist()
    [['moved', 'France services', 2222.0]]
    """
    pairs = _matched(before, after)
    old = before.set_index("id").loc[pairs.index]
    new = after.set_index("id").loc[pairs]
    away_m = pd.Series(
        Geod(ellps="WGS84").inv(old.geometry.x, old.geometry.y, new.geometry.x, new.geometry.y)[2],
        index=old.index,
    )
    retyped = (old["type"].to_numpy() != new["type"].to_numpy()) & (
        new["type"] != "other_service"
    ).to_numpy()
    displaced = (away_m > moved_m).to_numpy() & ~retyped
    settled = _same(old, new, "commune") & (
        _same(old, new, "address") | (away_m > CORRECTED_M).to_numpy()
    )
    moved, corrected = displaced & ~settled, displaced & settled
    parts = [
        _rows(after[~after["id"].isin(pairs)].set_index("id"), "opened"),
        _rows(before[~before["id"].isin(pairs.index)].set_index("id"), "closed"),
        _rows(new[moved], "moved").assign(distance_m=away_m[moved].to_numpy()),
        _rows(new[corrected], "corrected").assign(distance_m=away_m[corrected].to_numpy()),
        _rows(new[retyped], "changed").assign(type_before=old.loc[retyped, "type"].to_numpy()),
    ]
    changes = gpd.GeoDataFrame(
        pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True), crs=LONLAT
    ).reindex(columns=COLUMNS)
    lines = [
        shapely.LineString([start, end])
        for start, end in zip(old.geometry[moved], new.geometry[moved], strict=True)
    ]
    moves = gpd.GeoDataFrame(
        new.loc[moved, ["name", "type"]].assign(distance_m=away_m[moved].to_numpy()).reset_index(),
        geometry=lines,
        crs=LONLAT,
    )
    return Difference(changes, moves, int((~displaced & ~retyped).sum()))


COLUMNS = (
    "id",
    "kind",
    "type",
    "type_before",
    "name",
    "commune",
    "departement",
    "distance_m",
    "geometry",
)


# Return the identifiers of `after` indexed by those of `before`, one to one.
def _matched(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.Series:
    same = before["id"][before["id"].isin(after["id"])]
    keyed = _keys(before[~before["id"].isin(same)]).merge(
        _keys(after[~after["id"].isin(same)]),
        on=["type", "name", "place"],
        suffixes=("_before", "_after"),
    )
    return pd.Series(
        pd.concat([same, keyed["id_after"]], ignore_index=True).to_numpy(),
        index=pd.concat([same, keyed["id_before"]], ignore_index=True),
    )


# Return id, type, folded name and place of the rows that these three tell apart.
def _keys(rows: gpd.GeoDataFrame) -> pd.DataFrame:
    keys = pd.DataFrame(
        {
            "id": rows["id"],
            "type": rows["type"],
            "name": rows["name"].str.casefold(),
            "place": rows["commune"].fillna(rows["postcode"]).fillna(rows["commune_name"]),
        }
    )
    return keys[keys["place"].notna() & ~keys.duplicated(["type", "name", "place"], keep=False)]


# Return where a text is known and the same in both, capitals and punctuation aside.
def _same(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, column: str) -> np.ndarray:
    before, after = (rows[column].fillna("").map(folded).to_numpy() for rows in (old, new))
    return (before == after) & (before != "")


def _rows(rows: gpd.GeoDataFrame, kind: str) -> gpd.GeoDataFrame:
    return (
        rows[["type", "name", "commune", "departement", "geometry"]]
        .reset_index(names="id")
        .assign(kind=kind)
    )


def difference_of(
    store: ReferentialStore, before: str, after: str, *, territory: str
) -> tuple[Difference, str, gpd.GeoSeries]:
    """Return the changes between two stored directories in a territory, a title, and the ground to
    draw them on.
    """
    versions = [store.find(name) for name in (before, after)]
    ground = territory_of(territory)
    first, second = (
        rows[within_territory(rows, ground)].reset_index(drop=True)
        for rows in map(store.rows, versions)
    )
    same = versions[0].name == versions[1].name
    said = [
        f"{each.name} ({each.origin.split('.')[0]})" if same else each.name for each in versions
    ]
    return (
        compare_directories(first, second),
        f"{ground.name} : de {said[0]} à {said[1]}",
        ground.departements.set_index("name").geometry,
    )


# -- the page

#: Each kind has its shape, so that colours alone do not tell: a house, a cross, a dot, a lozenge, a
#: ring.
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
#: From the bottom up: a cross over a house is a counter replaced by another.
DRAWN = ("corrected", "changed", "moved", "opened", "closed")
#: Kinds shown on demand: they tell of geocoders, not of services.
HIDDEN = frozenset({"corrected"})


def write_difference(
    difference: Difference, folder: Path, *, title: str, outlines: gpd.GeoSeries
) -> list[Path]:
    """Write ``changes.gpkg`` (layers changes and moves) and ``changes.html`` (the map); return the
    two files.

    `outlines` (EPSG:4326) is the ground the map is drawn on.
    """
    data, page = folder / "changes.gpkg", folder / "changes.html"
    write_layers({"changes": difference.changes}, data)
    if len(difference.moves):
        difference.moves.to_file(data, layer="moves", mode="a")
    page.write_text(draw_changes(difference, title=title, outlines=outlines), encoding="utf-8")
    return [data, page]


type _Positions = Callable[[np.ndarray], np.ndarray]


@speaking("fr", typeset=True)
def draw_changes(
    difference: Difference, *, title: str, outlines: gpd.GeoSeries, width: int = 1000
) -> str:
    """Return a page (HTML) called ``title`` with a map of the changes of a ``difference`` on the
    ground of ``outlines``, ``width`` pixels wide; no script, no network.

    The index of ``outlines`` (surfaces of any CRS) names them where it is text. What lies off the
    ground is counted beneath the map. A difference is never refused.

    Examples
    --------
    After the example of :func:`~geoguichet.compare_directories`:

    >>> around = reading.rows.to_crs("EPSG:2154").set_index("commune").buffer(10_000)
    >>> page = draw_changes(difference, title="Foix", outlines=around)
    >>> page[:15], "<title>Foix</title>" in page
    ('<!DOCTYPE html>', True)
    """
    ground = outlines.to_crs(metric_of(outlines.to_crs(LONLAT).total_bounds))
    west, south, east, north = ground.total_bounds
    margin = 0.02 * (east - west)
    west, south, east, north = west - margin, south - margin, east + margin, north + margin
    scale = width / (east - west)

    def position(xy: np.ndarray) -> np.ndarray:
        return np.column_stack([(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale])

    area = shapely.box(west, south, east, north)
    changes = difference.changes[difference.changes.geometry.notna()].to_crs(ground.crs)
    seen = changes[changes.geometry.within(area)]
    layers = [
        f'<g class="{kind}">{"".join(_lines(difference.moves.to_crs(ground.crs), area, position, kind))}'
        f"{''.join(_marks(seen[seen['kind'] == kind], kind, position))}</g>"
        for kind in DRAWN
    ]
    return _PAGE.format(
        title=html.escape(title),
        width=width,
        height=round((north - south) * scale),
        shapes="".join(MARKS.values()),
        ground="".join(_ground(ground, position)),
        marks="".join(layers),
        switches="".join(
            f'<input type="checkbox" id="show-{kind}"{"" if kind in HIDDEN else " checked"}>'
            for kind in KINDS
        ),
        rules="".join(
            f"#show-{kind}:not(:checked) ~ svg .{kind} {{ display: none }} " for kind in KINDS
        ),
        legend="".join(_legend(difference, kind) for kind in KINDS),
        same=number(difference.same),
        away=_away(len(difference.changes) - len(seen)),
        table=_table(difference.counts()),
    )


# Yield the outlines, then the names where they are widest.
def _ground(ground: gpd.GeoSeries, position: _Positions) -> Iterator[str]:
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


# Yield the way of each service that moved.
def _lines(
    moves: gpd.GeoDataFrame, area: shapely.Geometry, position: _Positions, kind: str
) -> Iterator[str]:
    if kind != "moved":
        return
    for line in moves.geometry:
        if line is not None and line.within(area):
            (x1, y1), (x2, y2) = position(shapely.get_coordinates(line))
            yield f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _marks(rows: gpd.GeoDataFrame, kind: str, position: _Positions) -> Iterator[str]:
    for (x, y), row in zip(
        position(shapely.get_coordinates(rows.geometry.array)), rows.itertuples(), strict=True
    ):
        far = f", {distance(row.distance_m)}" if pd.notna(row.distance_m) else ""
        label = html.escape(f"{row.name} ({SERVICE_TYPES[row.type].label_fr}{far})")
        yield f'<use href="#{kind}" x="{x:.1f}" y="{y:.1f}"><title>{label}</title></use>'


def _legend(difference: Difference, kind: str) -> str:
    count = int((difference.changes["kind"] == kind).sum())
    mark = f'<svg class="key" viewBox="-5 -5 10 10"><use href="#{kind}"/></svg>'
    return f'<li><label for="show-{kind}">{mark} {number(count)} {KINDS[kind]}</label></li>'


def _away(count: int) -> str:
    return (
        f"<p>{number(count)} changement(s) sans position, ou situés hors de la carte, sont "
        "dans le tableau seul.</p>"
        if count
        else ""
    )


def _table(counts: pd.DataFrame) -> str:
    heads = "".join(f"<th>{KINDS[kind]}</th>" for kind in counts.columns)
    lines: Sequence[str] = [
        f"<tr><td>{html.escape(SERVICE_TYPES[str(key)].plural_fr)}</td>"
        + "".join(f"<td>{number(count) if count else '·'}</td>" for count in row)
        + "</tr>"
        for key, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    total = "".join(f"<td>{number(count)}</td>" for count in counts.sum())
    body = f"{''.join(lines)}<tr><td>Ensemble</td>{total}</tr>"
    return f"<table><tr><th>Type</th>{heads}</tr>{body}</table>"


_PAGE = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; color: #222;
  margin: 2em auto; max-width: 1040px; padding: 0 1em }}
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
td, th {{ padding: .15em .8em; text-align: right; border-bottom: 1px solid #ddd;
  font-variant-numeric: tabular-nums }}
td:first-child, th:first-child {{ text-align: left }}
tr:last-child {{ font-weight: 600 }}
</style></head><body><h1>{title}</h1>
<p>{same} services n'ont pas changé. Un clic sur un mot de la légende montre ou cache ses points ;
le trait d'un service déplacé part de son ancien lieu. Une position est dite corrigée quand
l'adresse est la même, ou quand le point a sauté hors de sa commune : le géocodage a changé, pas le
service.</p>
{switches}<ul>{legend}</ul>
<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">
<defs>{shapes}</defs>{ground}{marks}</svg>
{away}{table}</body></html>
"""
