"""A comparison on disk: a map that shows the change, and a GeoPackage of the communes and of the
areas.
"""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geoguichet.coverage.access.supply import NEW_ID
from geoguichet.coverage.compare import Comparison, Side
from geoguichet.coverage.outputs.folder import write_database, write_text, write_together
from geoguichet.coverage.outputs.page import (
    MapPage,
    Placed,
    borders,
    collection,
    ground,
    located,
    rows_of,
    titled,
)
from geoguichet.coverage.outputs.style import (
    BORDER,
    CHANGE_COLOURS,
    KIOSK,
    MOVED_COLOURS,
    filled,
    how_measured,
    n_people,
)
from geoguichet.coverage.study.study import Opening
from geoguichet.floor.words import Message, _, cost, day, listed, number, speaking
from geoguichet.referentials.directory.hours import hours_told
from geoguichet.referentials.directory.services import service_name

_PANES = {"ground": 350, "areas": 400, "borders": 410, "people": 420, "names": 425, "services": 610}
#: Radius in pixels of a commune that has no outline.
_POINT_RADIUS = 4.0


def write(comparison: Comparison, folder: Path) -> tuple[Path, ...]:
    """Write ``compare.html`` and ``compare.gpkg`` to a folder, made if need be; return their paths.

    They are written beside and renamed, so that a file is the previous one or the new one.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    writers = {
        "compare.html": lambda path: write_text(path, render(comparison)),
        "compare.gpkg": lambda path: write_layers(comparison, path),
    }
    refused = Message(
        "{folder} : la comparaison n'a pas été écrite ({why}) ; choisissez un autre dossier avec "
        "--out."
    )
    return write_together(folder, writers, refused)


def write_layers(comparison: Comparison, path: Path) -> None:
    """Write the layer ``changes`` (communes, with its style) and the table ``areas`` to a new
    GeoPackage.
    """
    communes = comparison.communes.reset_index(names="id")
    polygons = communes[communes.geom_type.isin(["Polygon", "MultiPolygon"])]
    kept, kind = (polygons, "MultiPolygon") if len(polygons) else (communes, "Point")
    write_database(
        path,
        {
            "changes": (kept, kind),
            "areas": (pd.DataFrame(comparison.areas.astype({"code": str, "name": str})), ""),
        },
    )


def render(comparison: Comparison) -> str:
    """Return the map of the change as HTML, in the language of the second study."""
    territory = comparison.before.study.territory.name
    with speaking(comparison.after.study.language, typeset=True):
        page = MapPage(
            _("Ce qui change : {territory}", territory=territory),
            panes=_PANES,
            panel=_panel(comparison),
            css=_CSS,
        )
        known = comparison.before.territory or comparison.after.territory
        if known is not None:
            outlines = known.departements.set_index("code")[["name", "geometry"]].sort_index()
            page.add(*ground(outlines), borders(outlines, "borders"))
        people = _people(comparison)
        page.add(_communes(comparison), people, *_counters(comparison))
        return page.render(comparison.communes.total_bounds, people)


_MARK = "box-sizing:border-box;width:12px;height:12px;"
_EDGE = "border:2px solid #fff;box-shadow:0 0 2px rgb(0 0 0/60%)"
_GAINED, _LOST = MOVED_COLOURS["gained"], MOVED_COLOURS["lost"]
_CSS = (
    f".counter{{{_MARK}{_EDGE}}}.opened{{background:{_GAINED}}}.closed{{background:{_LOST}}}"
    f".disc{{{_MARK}border-radius:50%;{_EDGE};background:{KIOSK}}}.disc.gone{{background:{_LOST}}}"
    f".disc.new{{background:{_GAINED}}}.disc.kept{{background:#55626b}}"
    f".swatch{{border-color:{BORDER}}}"
)

#: What becomes of a commune, by the value of its column ``change``.
CHANGES = {
    "gained": Message("Gagne l’accès"),
    "lost": Message("Perd l’accès"),
    "nearer": Message("Plus près, sans changer de côté"),
    "farther": Message("Plus loin, sans changer de côté"),
    "undecided": Message("Non tranché d’un côté seulement"),
    "same": Message("Sans changement"),
}
#: The kiosks on both sides, on the first alone, on the second alone: the layer, and one of them.
_KIOSKS = {
    "kept": (
        Message("Visioguichets des deux côtés"),
        Message("Visioguichet des deux côtés : {host}"),
    ),
    "gone": (
        Message("Visioguichets d’avant seulement"),
        Message("Visioguichet avant seulement : {host}"),
    ),
    "new": (
        Message("Visioguichets d’après seulement"),
        Message("Visioguichet après seulement : {host}"),
    ),
}


def _panel(comparison: Comparison) -> str:
    return filled(
        "compare_panel.html",
        territory=comparison.before.study.territory.name,
        lead=lead(comparison),
        sides=[
            _("Avant : {title}", title=side_told(comparison.before, among=comparison)),
            _("Après : {title}", title=side_told(comparison.after, among=comparison)),
        ],
        dates=_dates(comparison),
        limits=how_measured(comparison.after.study),
        inputs=list(dict.fromkeys((*comparison.before.inputs, *comparison.after.inputs))),
        kiosks=[
            (state, _KIOSKS[state][0]) for state, table in _kiosks(comparison).items() if len(table)
        ],
        changed=changes_told(comparison),
        colours=[
            (CHANGES[key], colour)
            for key, colour in CHANGE_COLOURS.items()
            if key != "undecided" or comparison.total["undecided"]
        ],
        moved=_GAINED,
    )


def lead(comparison: Comparison) -> str:
    """Say how many people gain and lose, and how many are undecided when some are."""
    total = comparison.total
    told = _(
        "Sur {people}, {gained} gagnent l’accès et {lost} le perdent : {before}"
        " en zone blanche avant, {after} après.",
        people=n_people(int(total["people"])),
        gained=number(total["gained"]),
        lost=number(total["lost"]),
        before=number(total["white_before"]),
        after=number(total["white_after"]),
    )
    if not total["undecided_before"] and not total["undecided_after"]:
        return told
    return told + _(
        " Ni desservis ni en zone blanche, faute de savoir : {before} avant, {after} après.",
        before=number(total["undecided_before"]),
        after=number(total["undecided_after"]),
    )


def side_told(side: Side, *, among: Comparison) -> str:
    """Say which study a side is (its identifier, where two studies share a title), and whether its
    kiosks count.
    """
    before, after = among.before.study, among.after.study
    named = f"{side.study.id}, " if before.title == after.title and before.id != after.id else ""
    counted = _("ses visioguichets comptés") if side.kiosks else _("guichets seuls")
    return f"{side.study.title} ({named}{counted})"


# Say the day the studies were drawn up: one day for both, or each its own.
def _dates(comparison: Comparison) -> str:
    days = dict.fromkeys(side.study.date for side in (comparison.before, comparison.after))
    told = listed(day(date) for date in days if date)
    return _("Établi le {date}", date=told) if told else ""


# Return the kiosks on both sides, those of the first side alone, and those of the second, by their
# host.
def _kiosks(comparison: Comparison) -> dict[str, gpd.GeoDataFrame]:
    before, after = comparison.before.placed, comparison.after.placed
    hosts = [set() if table is None else set(table["host_id"]) for table in (before, after)]
    both = hosts[0] & hosts[1]
    parts = {
        "kept": (after, both),
        "gone": (before, hosts[0] - both),
        "new": (after, hosts[1] - both),
    }
    return {
        state: table[table["host_id"].isin(ids)]
        for state, (table, ids) in parts.items()
        if table is not None
    }


def changes_told(comparison: Comparison) -> list[str]:
    """Say what the second study changes that the first does not: counters, hours, thresholds."""
    before, after = comparison.before.study, comparison.after.study
    names = {**comparison.before.services["name"], **comparison.after.services["name"]}
    ids = [NEW_ID.format(n=n + 1) for n in range(len(after.changes.open))]
    known = comparison.after.services.index
    openings = (
        (_OPENING if name in known else _IDLE_OPENING).format(name=_name(one))
        for name, one in zip(ids, after.changes.open, strict=True)
        if one not in before.changes.open and name not in after.changes.close
    )
    closings = (
        _("fermeture de {name}", name=names.get(name, name))
        for name in after.changes.close
        if name not in before.changes.close and name not in ids
    )
    rehoured = (
        _(
            "{name}, nouveaux horaires : {hours}",
            name=names.get(name, name),
            hours=hours_told(hours),
        )
        for name, hours in after.changes.hours
        if (name, hours) not in before.changes.hours
    )
    moved = (
        _(
            "{need} : seuil de {before} à {after}",
            need=after.need(key).label,
            before=cost(before.need(key).within, comparison.unit),
            after=cost(after.need(key).within, comparison.unit),
        )
        for key in comparison.needs
        if before.need(key).within != after.need(key).within
    )
    return [*openings, *closings, *rehoured, *moved]


_OPENING = Message("ouverture : {name}")
_IDLE_OPENING = Message(
    "ouverture sans effet : {name}, qui ne répond à aucun besoin (type, ou horaires inconnus ou "
    "trop courts)"
)


def _name(one: Opening) -> str:
    return one.name or f"{service_name(one.type)} ({number(one.lon, 3)} ; {number(one.lat, 3)})"


# Return the communes coloured by their change; those without outline are left to the circles.
def _communes(comparison: Comparison) -> Placed:
    table = comparison.communes
    drawn = table[table.geom_type.isin(["Polygon", "MultiPolygon"])]
    told = [
        {
            "title": titled(row),
            "colour": CHANGE_COLOURS[row["change"]],
            "lines": _lines(row, comparison),
        }
        for row in rows_of(drawn)
    ]
    return Placed(
        "areas",
        collection(drawn, told),
        "#ffffff",
        "areas",
        name=_("Communes, selon le changement"),
    )


# Return a circle for each commune that changes sides, its area in proportion to its people.
def _people(comparison: Comparison) -> Placed:
    table = comparison.communes
    moved = table[
        table.geometry.notna()
        & (table["change"].isin(["gained", "lost"]) | (table.geom_type == "Point"))
    ]
    moved = moved.sort_values("people", ascending=False, kind="stable")
    moved = moved.set_geometry(moved.geometry.representative_point())
    colours = list(CHANGE_COLOURS)
    rows = [
        [*place, _radius(row), colours.index(row["change"]), titled(row), _lines(row, comparison)]
        for place, row in located(moved)
    ]
    return Placed(
        "circles",
        rows,
        list(MOVED_COLOURS.values()),
        "people",
        name=_("Habitants qui gagnent ou perdent l’accès"),
    )


def _radius(row: dict[str, Any]) -> float:
    return (
        round(max(2.5, 0.09 * math.sqrt(row["people"])), 1)
        if row["change"] in ("gained", "lost")
        else _POINT_RADIUS
    )


def _lines(row: dict[str, Any], comparison: Comparison) -> list[str]:
    unit = comparison.unit
    needs = [
        _(
            "{need} : {before}, puis {after}",
            need=comparison.after.study.need(key).label,
            before=cost(row[unit.column(f"{key}_before")], unit),
            after=cost(row[unit.column(f"{key}_after")], unit),
        )
        for key in comparison.needs
        if row["change"] in ("gained", "lost") or abs(row[unit.column(f"{key}_change")]) >= 1
    ]
    return [f"{n_people(int(row['people']))}, {str(CHANGES[row['change']]).lower()}", *needs]


# Return the counters that open and those that close, as squares, and the kiosks of both sides, as
# discs.
def _counters(comparison: Comparison) -> list[Placed]:
    before, after = comparison.before.services, comparison.after.services
    changes = comparison.after.study.changes
    ids = {NEW_ID.format(n=n + 1) for n in range(len(changes.open))}
    opened = after[after.index.isin(ids - set(before.index))]
    closed = before[before.index.isin(changes.close)]
    layers = {
        (f"counter {mark}", name): [
            [*place, "", popup.format(name=row["name"]), [row["commune_name"]]]
            for place, row in located(table)
        ]
        for mark, name, popup, table in (
            ("opened", _("Guichets ouverts"), Message("Ouvert : {name}"), opened),
            ("closed", _("Guichets fermés"), Message("Fermé : {name}"), closed),
        )
    }
    for state, table in _kiosks(comparison).items():
        layer, popup = _KIOSKS[state]
        layers[f"disc {state}", str(layer)] = [
            [*place, "", titled(row), [popup.format(host=row["host"])]]
            for place, row in located(table)
        ]
    return [
        Placed("marks", rows, mark, 12, "services", name=name)
        for (mark, name), rows in layers.items()
        if rows
    ]
