"""A comparison on disk: a map that shows the change, and a GeoPackage of the communes and of the
areas.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from folium.map import Layer
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from geoguichet.coverage.access.supply import NEW_ID
from geoguichet.coverage.compare import Comparison, Side
from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs import geopackage
from geoguichet.coverage.outputs.folder import written_beside
from geoguichet.coverage.outputs.page import (
    MapPage,
    Placed,
    borders,
    collection,
    filled,
    ground,
    latlon,
)
from geoguichet.coverage.outputs.style import BORDER, CHANGE_COLOURS, KIOSK, MOVED_COLOURS
from geoguichet.coverage.outputs.wording import Wording
from geoguichet.coverage.study.study import Opening

_PANES = {"ground": 350, "areas": 400, "borders": 410, "people": 420, "names": 425, "services": 610}
_POINT_RADIUS = 4.0
"""Radius in pixels of a commune that has no outline."""


def write(comparison: Comparison, folder: Path) -> tuple[Path, ...]:
    """Write ``compare.html`` and ``compare.gpkg`` to a folder, made if need be; return their paths.

    They are written beside and renamed, so that a file is the previous one or the new one.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    names = ("compare.html", "compare.gpkg")
    try:
        with written_beside(folder, names) as (page, layers):
            page.write_text(render(comparison), encoding="utf-8", newline="\n")
            write_layers(comparison, layers)
    except OSError as error:
        raise OutputError(
            f"{folder} : la comparaison n'a pas été écrite ({error.strerror}) ; choisissez un "
            "autre dossier avec --out."
        ) from error
    return tuple(folder / name for name in names)


def write_layers(comparison: Comparison, path: Path) -> None:
    """Write the layer ``changes`` (communes, with its style) and the table ``areas`` to a new
    GeoPackage.
    """
    communes = comparison.communes.reset_index(names="id")
    polygons = communes[communes.geom_type.isin(["Polygon", "MultiPolygon"])]
    kept, kind = (polygons, "MultiPolygon") if len(polygons) else (communes, "Point")
    areas = comparison.areas.astype({"code": str, "name": str})
    try:
        with geopackage.fixed_clock():
            pyogrio.write_dataframe(
                kept,
                path,
                layer="changes",
                driver="GPKG",
                geometry_type=kind,
                promote_to_multi=kind != "Point",
            )
            pyogrio.write_dataframe(
                pd.DataFrame(areas), path, layer="areas", driver="GPKG", append=True
            )
        with closing(sqlite3.connect(path)) as database:
            geopackage.check_whole(database, {"changes": len(kept), "areas": len(areas)}, path)
    except (DataSourceError, DataLayerError, FeatureError, sqlite3.Error) as error:
        raise OutputError(f"{path.name} : la base n'a pas pu être écrite ({error})") from error


def render(comparison: Comparison) -> str:
    """Return the map of the change as HTML, in the language of the second study."""
    say = Wording(comparison.after.study.language, comparison.unit)
    territory = comparison.before.study.territory.name
    page = MapPage(
        say("compare_title", territory=territory),
        say,
        panes=_PANES,
        panel=_panel(comparison, say),
        css=_CSS,
    )
    known = comparison.before.territory or comparison.after.territory
    if known is not None:
        outlines = known.departements.set_index("code")[["name", "geometry"]].sort_index()
        page.add(*ground(outlines), borders(outlines, "borders"))
    people = _people(comparison, say)
    page.add(_communes(comparison, say), people, *_counters(comparison, say))
    return page.render(comparison.communes.total_bounds, people)


_CSS = (
    ".counter{box-sizing:border-box;width:12px;height:12px;border:2px solid #fff;box-shadow:0 "
    "0 2px rgb(0 0 0/60%)}"
)
_CSS += (
    f".opened{{background:{MOVED_COLOURS['gained']}}}.closed{{background:{MOVED_COLOURS['lost']}}}"
)
_CSS += (
    ".disc{box-sizing:border-box;width:12px;height:12px;border-radius:50%;border:2px solid #fff;"
)
_CSS += (
    "box-shadow:0 0 2px rgb(0 0 "
    f"0/60%);background:{KIOSK}}}.disc.gone{{background:{MOVED_COLOURS['lost']}}}"
)
_CSS += f".disc.new{{background:{MOVED_COLOURS['gained']}}}.disc.kept{{background:#55626b}}"
_CSS += f".swatch{{border-color:{BORDER}}}"


def _panel(comparison: Comparison, say: Wording) -> str:
    return filled(
        "compare_panel.html",
        say=say,
        territory=comparison.before.study.territory.name,
        lead=lead(comparison, say),
        sides=[
            say("compare_before", title=side_told(comparison.before, say, among=comparison)),
            say("compare_after", title=side_told(comparison.after, say, among=comparison)),
        ],
        dates=_dates(comparison, say),
        limits=_limits(comparison, say),
        inputs=list(dict.fromkeys((*comparison.before.inputs, *comparison.after.inputs))),
        kiosks=[
            (state, say(f"layer_kiosks_{state}"))
            for state, table in _kiosks(comparison).items()
            if len(table)
        ],
        changed=changes_told(comparison, say),
        colours=list(CHANGE_COLOURS.items()),
        moved=MOVED_COLOURS["gained"],
    )


def lead(comparison: Comparison, say: Wording) -> str:
    """Say in one sentence how many people gain and lose."""
    total = comparison.total
    return say(
        "compare_lead",
        people=say("people", n=int(total["people"])),
        gained=say.number(total["gained"]),
        lost=say.number(total["lost"]),
        before=say.number(total["white_before"]),
        after=say.number(total["white_after"]),
    )


def side_told(side: Side, say: Wording, *, among: Comparison) -> str:
    """Say which study a side is (its identifier, where two studies share a title), and whether its
    kiosks count.
    """
    before, after = among.before.study, among.after.study
    named = f"{side.study.id}, " if before.title == after.title and before.id != after.id else ""
    return (
        f"{side.study.title} "
        f"({named}{say('compare_kiosks' if side.kiosks else 'compare_counters')})"
    )


def _dates(comparison: Comparison, say: Wording) -> str:
    """Say the day the studies were drawn up: one day for both, or each its own."""
    days = list(
        dict.fromkeys(
            side.study.date for side in (comparison.before, comparison.after) if side.study.date
        )
    )
    return say("dated", date=say.listed([say.day(day) for day in days])) if days else ""


def _limits(comparison: Comparison, say: Wording) -> str:
    straight = comparison.after.study.router.kind == "straight_line"
    return say("map_limits" if straight else "map_limits_router")


def _kiosks(comparison: Comparison) -> dict[str, gpd.GeoDataFrame]:
    """Return the kiosks on both sides, those of the first side alone, and those of the second, by
    their host.
    """
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


def changes_told(comparison: Comparison, say: Wording) -> list[str]:
    """Say what the second study changes that the first does not: counters, hours, thresholds."""
    before, after = comparison.before.study, comparison.after.study
    names = {**comparison.before.services["name"], **comparison.after.services["name"]}
    ids = [NEW_ID.format(n=n) for n, _ in enumerate(after.changes.open, start=1)]
    sentences = [
        say(
            "changed_open" if name in comparison.after.services.index else "changed_open_idle",
            name=_name(one, say),
        )
        for name, one in zip(ids, after.changes.open, strict=True)
        if one not in before.changes.open and name not in after.changes.close
    ]
    sentences += [
        say("changed_close", name=names.get(name, name))
        for name in after.changes.close
        if name not in before.changes.close and name not in ids
    ]
    sentences += [
        say("changed_hours", name=names.get(name, name), hours=say.hours(hours))
        for name, hours in after.changes.hours
        if (name, hours) not in before.changes.hours
    ]
    for key in comparison.needs:
        was, is_now = before.need(key), after.need(key)
        if was.within != is_now.within:
            sentences.append(
                say(
                    "changed_within",
                    need=is_now.label,
                    before=say.cost(was.within),
                    after=say.cost(is_now.within),
                )
            )
    return sentences


def _name(one: Opening, say: Wording) -> str:
    return (
        one.name or f"{say.service(one.type)} ({say.number(one.lon, 3)} ; {say.number(one.lat, 3)})"
    )


def _communes(comparison: Comparison, say: Wording) -> Layer:
    """Return the communes coloured by their change; those without outline are left to the
    circles.
    """
    table = comparison.communes
    drawn = table[table.geom_type.isin(["Polygon", "MultiPolygon"])]
    told = [
        {
            "title": f"{row['name']} ({row['departement']})",
            "colour": CHANGE_COLOURS[row["change"]],
            "lines": lines,
        }
        for row, lines in _rows(drawn, comparison, say)
    ]
    return Placed("areas", collection(drawn, told), "#ffffff", "areas", name=say("layer_changes"))


def _people(comparison: Comparison, say: Wording) -> Placed:
    """Return a circle for each commune that changes sides, its area in proportion to its people."""
    table = comparison.communes
    flat = table.geom_type == "Point"
    moved = table[table.geometry.notna() & (table["change"].isin(["gained", "lost"]) | flat)]
    moved = moved.sort_values("people", ascending=False, kind="stable")
    colours = list(CHANGE_COLOURS)
    rows = [
        [
            *latlon(point),
            _radius(row),
            colours.index(row["change"]),
            f"{row['name']} ({row['departement']})",
            lines,
        ]
        for point, (row, lines) in zip(
            moved.geometry.representative_point(), _rows(moved, comparison, say), strict=True
        )
    ]
    return Placed(
        "circles", rows, list(MOVED_COLOURS.values()), "people", name=say("layer_people_moved")
    )


def _radius(row: dict[str, Any]) -> float:
    if row["change"] in ("gained", "lost"):
        return round(max(2.5, 0.09 * math.sqrt(row["people"])), 1)
    return _POINT_RADIUS


def _rows(
    table: gpd.GeoDataFrame, comparison: Comparison, say: Wording
) -> list[tuple[dict[str, Any], list[str]]]:
    rows = table.drop(columns=table.geometry.name).to_dict("records")
    return [(row, _lines(row, comparison, say)) for row in rows]


def _lines(row: dict[str, Any], comparison: Comparison, say: Wording) -> list[str]:
    needs = [
        say(
            "popup_change_need",
            need=comparison.after.study.need(key).label,
            before=say.cost(row[f"{key}_before_{say.unit}"]),
            after=say.cost(row[f"{key}_after_{say.unit}"]),
        )
        for key in comparison.needs
        if row["change"] in ("gained", "lost") or abs(row[f"{key}_change_{say.unit}"]) >= 1
    ]
    return [
        f"{say('people', n=int(row['people']))}, {say('change_' + row['change']).lower()}",
        *needs,
    ]


def _closed(comparison: Comparison) -> gpd.GeoDataFrame:
    """Return the counters of the first side that the second study closes."""
    return _among(comparison.before.services, comparison.after.study.changes.close)


def _opened(comparison: Comparison) -> gpd.GeoDataFrame:
    """Return the counters that the second study opens, and that the first side does not have."""
    names = [NEW_ID.format(n=n) for n, _ in enumerate(comparison.after.study.changes.open, start=1)]
    return _among(
        comparison.after.services,
        [name for name in names if name not in comparison.before.services.index],
    )


def _among(services: gpd.GeoDataFrame, names: Iterable[str]) -> gpd.GeoDataFrame:
    return services[services.index.isin(list(names))]


def _counters(comparison: Comparison, say: Wording) -> list[Layer]:
    """Return the counters that open and those that close, as squares, and the kiosks of both sides,
    as discs.
    """
    layers: list[Layer] = []
    for state, table in (("opened", _opened(comparison)), ("closed", _closed(comparison))):
        located = table[table.geometry.notna()]
        rows = [
            [*latlon(point), "", say(f"popup_{state}", name=name), [commune]]
            for point, name, commune in zip(
                located.geometry, located["name"], located["commune_name"], strict=True
            )
        ]
        if rows:
            layers.append(
                Placed(
                    "marks", rows, f"counter {state}", 12, "services", name=say(f"layer_{state}")
                )
            )
    for state, table in _kiosks(comparison).items():
        located = table[table.geometry.notna()]
        rows = [
            [
                *latlon(point),
                "",
                f"{name} ({departement})",
                [say(f"popup_kiosks_{state}", host=host)],
            ]
            for point, name, departement, host in zip(
                located.geometry,
                located["name"],
                located["departement"],
                located["host"],
                strict=True,
            )
        ]
        if rows:
            layers.append(
                Placed(
                    "marks",
                    rows,
                    f"disc {state}",
                    12,
                    "services",
                    name=say(f"layer_kiosks_{state}"),
                )
            )
    return layers
