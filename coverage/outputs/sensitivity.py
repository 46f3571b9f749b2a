"""How sure the white zones are, on disk: a map with its curve, a GeoPackage, and the curve as a
table.
"""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from markupsafe import Markup

from geoguichet.coverage.outputs.folder import write_database, write_text, write_together
from geoguichet.coverage.outputs.page import (
    MapPage,
    Placed,
    borders,
    collection,
    departement_outlines,
    ground,
    located,
    picture,
    rows_of,
    titled,
)
from geoguichet.coverage.outputs.style import (
    INK,
    SURENESS_COLOURS,
    filled,
    how_measured,
    n_people,
    nonempty,
)
from geoguichet.coverage.sensitivity import SURENESS, Sensitivity
from geoguichet.coverage.zones.drawing import polygonal, simplified
from geoguichet.floor.words import (
    NARROW,
    Message,
    Unit,
    _,
    cost,
    day,
    listed,
    ngettext,
    number,
    percent,
    signed,
    speaking,
)
from geoguichet.referentials.layers import LONLAT, metric_of

#: How much the page straightens the outlines of communes: a pixel of a region on a screen.
_STRAIGHT_M = 400.0
_PANES = {"ground": 350, "areas": 400, "borders": 410, "people": 420, "names": 425}
#: What people count in: how many seconds or metres, and its symbol.
_UNIT = {Unit.SECONDS: (60.0, "min"), Unit.METRES: (1000.0, "km")}
SURENESS_TOLD = {
    "certain": Message("Zone blanche certaine, dans tous les scénarios"),
    "likely": Message("Zone blanche probable, dans la moitié au moins"),
    "possible": Message("Zone blanche possible, dans quelques-uns"),
    "never": Message("Jamais en zone blanche"),
}


def write(told: Sensitivity, folder: Path) -> tuple[Path, ...]:
    """Write ``sensitivity.html``, ``sensitivity.gpkg`` and ``curve.csv`` to a folder; return their
    paths.

    They are written beside and renamed, so that a file is the previous one or the new one.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    writers = {
        "sensitivity.html": lambda path: write_text(path, render(told)),
        "sensitivity.gpkg": lambda path: write_layers(told, path),
        "curve.csv": lambda path: curve_table(told).to_csv(path, index=False, lineterminator="\n"),
    }
    refused = Message(
        "{folder} : la sensibilité n'a pas été écrite ({why}) ; choisissez un autre dossier avec "
        "--out."
    )
    return write_together(folder, writers, refused)


def curve_table(told: Sensitivity) -> pd.DataFrame:
    """Return the curve as people read it: labels, and x in minutes (``x_min``) or kilometres
    (``x_km``).
    """
    size, symbol = _UNIT[told.study.unit]
    labels = {need.key: need.label for need in told.study.needs} | {"rule": told.study.title}
    curve, x = told.curve, f"x_{symbol}"
    table = curve.assign(
        **{
            "label": curve["curve"].map(labels),
            "share": curve["share"].round(6),
            x: curve["x"] / size,
        }
    )
    return table[["curve", "label", "congestion", x, "people", "share"]]


def write_layers(told: Sensitivity, path: Path) -> None:
    """Write the layers ``demand`` and ``areas``, and the tables ``scenarios`` and ``classes``, to a
    new GeoPackage; the layer ``sites`` and the table ``plans`` where the study asks for a plan.
    """
    columns = [
        "name",
        "departement",
        "people",
        *told.study.demand.groups,
        f"slack_{told.study.unit}",
        "share",
        "sureness",
    ]
    tables = {
        "demand": (told.demand[[*columns, "geometry"]].reset_index(names="id"), "Point"),
        "areas": (_areas(told), "MultiPolygon"),
        "scenarios": (pd.DataFrame(told.scenarios), ""),
        "classes": (pd.DataFrame(told.classes), ""),
    }
    if told.plan is not None:
        tables |= {"sites": (told.plan.sites, "Point"), "plans": (told.plan.scenarios, "")}
    write_database(path, tables)


# Return one multipolygon a sureness, from the outlines of its communes.
def _areas(told: Sensitivity) -> gpd.GeoDataFrame:
    outlines, classes = told.ground, told.classes.set_index("sureness")
    shapes = {
        kind: outlines[(told.demand["sureness"] == kind) & outlines.notna()].to_numpy()
        for kind in SURENESS[:3]
    }
    rows = [
        {
            "sureness": kind,
            **{str(key): value for key, value in classes.loc[kind].items()},
            "geometry": polygonal(shapely.union_all(grounds)),
        }
        for kind, grounds in shapes.items()
        if len(grounds)
    ]
    return gpd.GeoDataFrame(
        rows,
        columns=["sureness", *classes.columns, "geometry"],
        geometry="geometry",
        crs="EPSG:4326",
    )


def render(told: Sensitivity) -> str:
    """Return the map as HTML, in the language of the study: communes by sureness, figures, the
    curve of the rule.
    """
    with speaking(told.study.language, typeset=True):
        page = MapPage(_title(told), panes=_PANES, panel=_panel(told))
        outlines, people = departement_outlines(told.result), _people(told)
        page.add(*ground(outlines), borders(outlines, "borders"), _communes(told), people)
        return page.render(outlines.total_bounds, people)


def _title(told: Sensitivity) -> str:
    return _(
        "Zones blanches, à quel point est\u2011ce sûr : {territory}",
        territory=told.study.territory.name,
    )


def _panel(told: Sensitivity) -> str:
    figures = {row["sureness"]: row for row in told.classes.to_dict("records")}
    shares = {kind: percent(row["share"]) for kind, row in figures.items()}
    classes = [
        (
            SURENESS_TOLD[kind],
            SURENESS_COLOURS[kind],
            f"{n_people(figures[kind]['people'])} ({shares[kind]})",
        )
        for kind in SURENESS
    ]
    driven = told.scenarios["congestion"].notna().all()
    return filled(
        "sensitivity_panel.html",
        title=_title(told),
        lead=told.headline,
        classes=classes,
        curve_title=_curve_title(told),
        curve=Markup(curve_picture(told)),  # noqa: S704  drawn here, every word escaped
        spread=_("La bande va de la circulation la plus fluide à la plus lente.") if driven else "",
        said=[*said(told), *plan_said(told)],
        date=_("Établi le {date}", date=day(told.study.date)) if told.study.date else "",
        limits=how_measured(told.study),
        inputs=told.result.inputs,
    )


def said(told: Sensitivity) -> list[str]:
    """Say which assumptions were varied."""
    slower = sorted(set(told.scenarios["congestion"].dropna()))
    return nonempty(
        _("Étude : {title}", title=told.study.title),
        _(
            "Les seuils sont pris à {thresholds} de ceux de l’étude.",
            thresholds=listed(
                percent(value, 0) for value in sorted(set(told.scenarios["thresholds"]))
            ),
        ),
        slower
        and _(
            "Les temps de voiture sont pris à {factors} ; chaque seuil est croisé avec chaque "
            "vitesse.",
            factors=listed(percent(value, 0) for value in slower),
        ),
    )


def plan_said(told: Sensitivity) -> list[str]:
    """Say how many of the plan's sites hold, and what the plan that holds best gives up and gains."""
    robust = told.plan
    if robust is None:
        return []
    own = robust.sites[robust.sites["rank"].notna()]
    always, often = int((own["chosen"] == 1).sum()), int((own["chosen"] >= 0.5).sum())
    sentences = [
        _(
            "Des {sites} communes où le plan de l’étude ouvre, {always} sont choisies dans tous les "
            "scénarios, {often} dans la moitié au moins.",
            sites=len(own),
            always=always,
            often=often,
        )
    ]
    sentences += [
        ngettext(
            "Avec {column} ({n} commune inconnue), le plan refait gagne {best} habitants et celui de "
            "l’étude {own}.",
            "Avec {column} ({n} communes inconnues), le plan refait gagne {best} habitants et celui de "
            "l’étude {own}.",
            int(row["unknown"]),
            column=row["data"],
            best=round(row["best"]),
            own=round(row["own"]),
        )
        for row in robust.scenarios[robust.scenarios["data"] != ""].to_dict("records")
    ]
    alike = robust.scenarios[robust.scenarios["robust"].notna()]
    if robust.plan is None or alike.empty:
        return sentences
    base = alike[(alike["thresholds"] == 1) & (alike["congestion"] == 1)].iloc[0]
    lost = {name: (alike["best"] - alike[name]).max() for name in ("own", "robust")}
    kept = int(own["robust"].sum())
    return [
        *sentences,
        _(
            "Le plan qui tient le mieux, en moyenne sur les scénarios, garde {kept} de ces communes : "
            "il gagne {robust} habitants sous les hypothèses de l’étude, où le sien en gagne {own}.",
            kept=kept,
            robust=round(float(base["robust"])),
            own=round(float(base["own"])),
        ),
        _(
            "Au pire des scénarios il gagne {robust} habitants de moins que le plan fait pour ce "
            "scénario, et le plan de l’étude {own} de moins.",
            robust=round(float(lost["robust"])),
            own=round(float(lost["own"])),
        ),
        (
            _("Ce plan est prouvé le meilleur en moyenne.")
            if robust.plan.status == "optimal"
            else _(
                "Aucun ne peut faire mieux de plus de {gap} en moyenne.",
                gap=percent(robust.plan.gap, 2),
            )
        ),
    ]


def _communes(told: Sensitivity) -> Placed:
    table = told.demand.assign(geometry=_straightened(told))
    drawn = table[table.geometry.notna() & (table["share"] > 0)]
    rows = [
        {
            "title": titled(row),
            "colour": SURENESS_COLOURS[row["sureness"]],
            "lines": _lines(row, told),
        }
        for row in rows_of(drawn)
    ]
    return Placed(
        "areas",
        collection(drawn, rows),
        "#ffffff",
        "areas",
        name=_("Communes, selon les scénarios"),
    )


# Return the outlines of the communes as the page draws them: all straightened at once, squares as
# they are.
def _straightened(told: Sensitivity) -> gpd.GeoSeries:
    ground, shapes = told.ground, told.ground.dropna()
    if told.study.demand.cells is not None or shapes.empty:
        return ground
    metric = shapes.to_crs(metric_of(shapes.total_bounds))
    straight = gpd.GeoSeries(
        simplified(metric.to_numpy(), _STRAIGHT_M), index=shapes.index, crs=metric.crs
    )
    return straight.to_crs(LONLAT).reindex(ground.index)


# Return a circle for each unsure or unserved point, its area in proportion to its people.
def _people(told: Sensitivity) -> Placed:
    table = told.demand[told.demand["share"] > 0]
    table = table.sort_values("people", ascending=False, kind="stable")
    colours = list(SURENESS_COLOURS)
    rows = [
        [
            *place,
            round(max(1.5, 0.04 * math.sqrt(row["people"])), 1),
            colours.index(row["sureness"]),
            titled(row),
            _lines(row, told),
        ]
        for place, row in located(table)
    ]
    return Placed(
        "circles",
        rows,
        ["#5c1420", "#96402c", "#a77b1e", INK],
        "people",
        name=_("Communes, selon leur population"),
    )


def _lines(row: dict[str, Any], told: Sensitivity) -> list[str]:
    unit = told.study.unit
    return [
        f"{n_people(int(row['people']))}, {str(SURENESS_TOLD[row['sureness']]).lower()}",
        _("En zone blanche dans {share} des scénarios", share=percent(row["share"], 0)),
        _("Marge sous la règle de l’étude : {slack}", slack=cost(row[unit.column("slack")], unit)),
    ]


_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 298.0, 10.0, 160.0


def curve_picture(told: Sensitivity) -> str:
    """Return the curve of the rule as SVG: people unserved against what is added to every
    threshold.
    """
    curve = told.curve[told.curve["curve"] == "rule"]
    span = min(need.within for need in told.study.needs)
    curve = curve[curve["x"].between(-span, span)]
    table = curve.assign(slow=curve["congestion"].fillna(1.0)).pivot_table(
        index="x", columns="slow", values="people"
    )
    table = table.sort_index().ffill().bfill()
    size, unit = _UNIT[told.study.unit]
    added, most = table.index.to_numpy() / size, max(float(table.to_numpy().max()), 1.0)

    def x(more: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (more - added[0]) / max(added[-1] - added[0], 1e-9)

    def y(people: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * people / most

    def line(people: pd.Series) -> list[str]:
        return [f"{x(more):.1f},{y(many):.1f}" for more, many in zip(added, people, strict=True)]

    return picture(
        "sureness.svg",
        title=_curve_title(told),
        left=_LEFT,
        right=_RIGHT,
        top=_TOP,
        bottom=_BOTTOM,
        band=" ".join([*line(table.iloc[:, 0]), *reversed(line(table.iloc[:, -1]))]),
        band_colour=SURENESS_COLOURS["likely"],
        line=" ".join(line(table[1.0])),
        zero=x(0.0),
        ticks=[(x(more), f"{signed(more)}{NARROW}{unit}") for more in (added[0], 0.0, added[-1])],
        levels=[(y(most * part), number(most * part)) for part in (0.5, 1.0)],
    )


def _curve_title(told: Sensitivity) -> str:
    return (
        _("Habitants en zone blanche si tous les seuils changeaient d’autant de minutes")
        if told.study.unit is Unit.SECONDS
        else _("Habitants en zone blanche si tous les seuils changeaient d’autant de kilomètres")
    )
