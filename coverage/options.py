"""What a study may add to its question: finer people, rules of law, measures of access; their tables, checked."""

from __future__ import annotations

from dataclasses import dataclass

from geoguichet.coverage.study_table import StudyTable

LEGAL_RULES = ("la_poste", "france_services_30", "france_services_20")
"""Rules of law and promises that can be asked by name; :mod:`geoguichet.coverage.legal` says what each demands."""

MEASURES = ("cumulative", "2sfca", "e2sfca")


@dataclass(frozen=True, slots=True)
class CellsChoice:
    """People finer than communes: a GeoTIFF of people a cell, or a layer or a table of points or polygons."""

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
    """Side of the squares whose centres a CSV or a layer of points gives; without it, points are drawn as points."""
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
    """What a service supplies: ``count`` (1 each) or ``hours_per_week`` (unknown hours supply nothing)."""
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
        raise table.error("crs", "le système de coordonnées d'un CSV est attendu", 'crs = "EPSG:3035"')
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
        kinds=tuple(table.known(kind, MEASURES, "kinds") for kind in table.texts("kinds", default=MEASURES)),
        supply=table.one_of("supply", ("count", "hours_per_week"), default="count"),
        poverty_line=table.number("poverty_line", low=0.01, high=10.0, default=0.5) or 0.5,
    )
    if not choice.kinds:
        raise table.error("kinds", "au moins une mesure est attendue", f'kinds = ["{MEASURES[0]}"]')
    table.refuse_unknown()
    return choice
