"""What a study may add to its question: finer people, rules of law, measures of access; their
tables, checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from geoguichet.coverage.study.router import RouterChoice
from geoguichet.coverage.study.table import StudyTable

# How white zones are drawn: the ``[zones]`` table of a study.

type ZoneKind = Literal["exact", "smooth"]

KINDS: tuple[ZoneKind, ...] = ("exact", "smooth")
_AREA = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?(ha|km2|km²)")
_M2 = {"ha": 1e4, "km2": 1e6, "km²": 1e6}


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """How the white zones are drawn. It never changes who is served: people are counted from the
    demand points.
    """

    kind: str = "exact"
    """``exact``: the unserved communes (or cells) themselves; ``smooth``: the line where the ground
    has no slack.
    """
    cell_m: float = 500.0
    """Step of the grid of a smooth zone and of the surface."""
    surface: bool = False
    """Write the slack on that grid (``surface.tif``); smooth zones always do."""
    simplify_m: float = 0.0
    """How much the map may straighten the borders, all of them at once; the layers keep them as
    they are.
    """
    min_area_m2: float = 0.0
    min_people: int = 0
    """A zone under one of these is minor: kept in the layers and the counts, left out of the map
    and the report.
    """

    @property
    def with_surface(self) -> bool:
        """Whether the slack is computed on the grid."""
        return self.surface or self.kind == "smooth"


def read_zones(table: StudyTable, *, router: RouterChoice) -> ZoneChoice:
    """Return the ``[zones]`` table, checked; an empty one draws exact zones.

    Raises
    ------
    StudyError
        A key is unknown or out of range, or a surface is asked of a distant server.
    """
    usual = ZoneChoice()
    choice = ZoneChoice(
        kind=table.one_of("kind", cast(tuple[str, ...], KINDS), default=usual.kind),
        cell_m=table.quantity("cell", "length", default=usual.cell_m),
        surface=table.flag("surface", default=usual.surface),
        simplify_m=table.quantity("simplify", "length", default=usual.simplify_m, zero=True),
        min_area_m2=_area(table),
        min_people=table.integer("min_people", low=0, high=10_000_000, default=usual.min_people),
    )
    if not _CELLS_M[0] <= choice.cell_m <= _CELLS_M[1]:
        low, high = (f"{limit:g} m" for limit in _CELLS_M)
        raise table.error("cell", f"un pas de {low} à {high} est attendu", 'cell = "500 m"')
    if choice.with_surface and router.of_kind.distant:
        what = (
            "une surface demande des centaines de milliers de trajets, trop pour un serveur "
            f"{router.kind}"
        )
        raise table.error(
            "kind", what, 'kind = "exact", ou un routeur "road", "relief" ou "straight_line"'
        )
    table.refuse_unknown()
    return choice


_CELLS_M = (20.0, 20_000.0)


def _area(table: StudyTable) -> float:
    text = table.text("min_area", default="0 ha")
    match = _AREA.fullmatch(text.strip()) if len(text) < 40 else None
    if match is None:
        raise table.error(
            "min_area", f"une surface en ha ou km2 est attendue, {text!r} est donné", '"5 km2"'
        )
    return float(match[1].replace(",", ".")) * _M2[match[2]]


LEGAL_RULES = ("la_poste", "france_services_30", "france_services_20")
"""Rules of law and promises that can be asked by name; :mod:`geoguichet.coverage.access.legal` says
what each demands.
"""

MEASURES = ("cumulative", "2sfca", "e2sfca")


@dataclass(frozen=True, slots=True)
class CellsChoice:
    """People finer than communes: a GeoTIFF of people a cell, or a layer or a table of points or
    polygons.
    """

    file: str
    """Relative to the study's file."""
    layer: str = ""
    """Layer of the file, when it has several."""
    weight: str = "population"
    """Column that counts people (a GeoTIFF has none)."""
    x: str = "x"
    y: str = "y"
    """Columns of the centres, in a CSV."""
    crs: str = ""
    """System of a CSV's coordinates."""
    side_m: float | None = None
    """Side of the squares whose centres a CSV or a layer of points gives; without it, points are
    drawn as points.
    """
    band: int = 1
    """Band of a GeoTIFF."""


@dataclass(frozen=True, slots=True)
class LegalChoice:
    """A rule of law, and the need whose types of service it speaks of."""

    rule: str
    need: str


@dataclass(frozen=True, slots=True)
class MeasuresChoice:
    """Which measures of access are told for each need, beside who is served."""

    kinds: tuple[str, ...] = MEASURES
    supply: str = "count"
    """What a service supplies: ``count`` (1 each) or ``hours_per_week`` (unknown hours supply
    nothing).
    """
    poverty_line: float = 0.5
    """Share of the territory's mean access under which a person is poor in access."""


def read_cells(table: StudyTable) -> CellsChoice:
    """Return the ``[demand.cells]`` table, checked.

    Raises
    ------
    StudyError
        A key is unknown, missing, or out of range.
    """
    file = table.text("file")
    choice = CellsChoice(
        file=file,
        layer=table.text("layer", default=""),
        weight=table.text("weight", default="population"),
        x=table.text("x", default="x"),
        y=table.text("y", default="y"),
        crs=table.text("crs", default=""),
        side_m=table.quantity("side", "length", default=None),
        band=table.integer("band", low=1, high=1000, default=1),
    )
    if file.lower().endswith((".csv", ".csv.gz")) and not choice.crs:
        raise table.error(
            "crs", "le système de coordonnées d'un CSV est attendu", 'crs = "EPSG:3035"'
        )
    table.refuse_unknown()
    return choice


def read_legal(table: StudyTable, needs: list[str]) -> tuple[LegalChoice, ...]:
    """Return the ``[legal]`` table, checked: one key a rule, whose value is a need of the study."""
    rules = []
    for key in table.keys():
        table.known(key, LEGAL_RULES, key)
        rules.append(LegalChoice(key, table.known(table.text(key), needs, key)))
    table.refuse_unknown()
    return tuple(rules)


def read_measures(table: StudyTable) -> MeasuresChoice:
    """Return the ``[measures]`` table, checked."""
    choice = MeasuresChoice(
        kinds=tuple(
            table.known(kind, MEASURES, "kinds") for kind in table.texts("kinds", default=MEASURES)
        ),
        supply=table.one_of("supply", ("count", "hours_per_week"), default="count"),
        poverty_line=table.number("poverty_line", low=0.01, high=10.0, default=0.5) or 0.5,
    )
    if not choice.kinds:
        raise table.error("kinds", "au moins une mesure est attendue", f'kinds = ["{MEASURES[0]}"]')
    table.refuse_unknown()
    return choice
