"""The question a planner asks, read from a TOML file and checked once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date as day
from pathlib import Path
from typing import Any, Literal

from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.study.kiosks import KioskChoice, read_kiosks
from geoguichet.coverage.study.options import (
    CellsChoice,
    LegalChoice,
    MeasuresChoice,
    ZoneChoice,
    read_cells,
    read_legal,
    read_measures,
    read_zones,
)
from geoguichet.coverage.study.router import RouterChoice, read_choice
from geoguichet.coverage.study.table import StudyTable, shortened
from geoguichet.floor.errors import UsageError
from geoguichet.floor.units import Cost, Unit
from geoguichet.referentials.directory.hours import Moment
from geoguichet.referentials.directory.services import SERVICE_TYPES

type RuleKind = Literal["all", "any", "at_least", "all_and_at_least"]

SAMPLE = "sample"
"""Value of ``data.source`` that stands for the embedded sample."""

_RESERVED = (
    "kiosk",
    "slack",
    "unserved",
)  # ``kiosk_m``, ``slack_m`` and ``unserved_reason`` already mean something else


@dataclass(frozen=True, slots=True)
class TerritoryChoice:
    """The territory studied, a union of communes, and how far beyond its border services are looked
    for.
    """

    name: str
    departements: tuple[str, ...]
    buffer_m: float
    epci: tuple[str, ...] = ()
    """SIREN codes of intercommunalities."""
    arrondissements: tuple[str, ...] = ()
    polygon: str = ""
    """File of surfaces, relative to the study's file: the communes that have a point of their
    outline in it.
    """

    @property
    def of_departements(self) -> bool:
        """Whether the territory is whole départements and nothing else."""
        return not (self.epci or self.arrondissements or self.polygon)


@dataclass(frozen=True, slots=True)
class DemandChoice:
    """Where the people are: a layer of communes, the column that counts them, and the point that
    stands for them.
    """

    layer: str
    weight: str
    at: str
    groups: tuple[str, ...]
    tolerance_m: float
    """A service point farther than this outside its own commune is not believed."""
    cells: CellsChoice | None = None
    """Finer people, counted instead of the communes; those then only tell where each cell is."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing a citizen must find: services of some types, open enough, within a distance or a
    time.
    """

    key: str
    label: str
    types: tuple[str, ...]
    within: Cost
    """How far or how long, in the unit of the study's router."""
    min_hours_per_week: float | None
    open_at: Moment | None = None
    """Only the counters open at this moment of the week count."""
    unknown_hours: str = "closed"
    """What a counter whose hours nobody gives is taken for: ``closed`` (it never counts) or
    ``open``.
    """

    @property
    def asks_hours(self) -> bool:
        """Whether opening hours decide which counters count."""
        return self.open_at is not None or self.min_hours_per_week is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """How the needs combine: ``k`` of the named needs must be met, and all those required."""

    kind: RuleKind
    k: int
    needs: tuple[str, ...]
    required: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """Every need the rule names, those required first."""
        return (*self.required, *self.needs)


@dataclass(frozen=True, slots=True)
class Opening:
    """A counter that does not exist yet: its type, its place (degrees), its hours in
    OpenStreetMap's form.
    """

    type: str
    lon: float
    lat: float
    hours: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What the study changes in the services before it asks: counters opened, their hours set,
    counters closed.
    """

    open: tuple[Opening, ...] = ()
    hours: tuple[tuple[str, str], ...] = ()
    """Service identifier and its new hours; none at all is written ``off``."""
    close: tuple[str, ...] = ()

    def then(self, more: Changes) -> Changes:
        """Return both, these first."""
        return Changes(self.open + more.open, self.hours + more.hours, self.close + more.close)


@dataclass(frozen=True, slots=True)
class StudyContact:
    """Who answers for a study; shown in its catalogue record and its report."""

    organization: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """The whole question. Two equal studies on equal inputs give equal results."""

    id: str
    title: str
    abstract: str
    language: str
    territory: TerritoryChoice
    source: str
    services_layer: str
    demand: DemandChoice
    needs: tuple[Need, ...]
    rule: Rule
    kiosks: KioskChoice | None
    contact: StudyContact = StudyContact()
    changes: Changes = Changes()
    router: RouterChoice = field(default_factory=RouterChoice)
    stops_layer: str = ""
    """Layer of the stops of itinerant services; empty when none is told."""
    legal: tuple[LegalChoice, ...] = ()
    measures: MeasuresChoice | None = None
    zones: ZoneChoice = field(default_factory=ZoneChoice)
    date: str = ""
    """The day the study is drawn up, ``2026-11-22``, shown on its map and report; empty when it
    does not say.
    """
    path: Path | None = field(default=None, compare=False)

    @property
    def unit(self) -> Unit:
        """The unit of costs, thresholds and slack."""
        return self.router.unit

    @property
    def where(self) -> str:
        """The file the study came from, for messages."""
        return str(self.path) if self.path else "l'étude"

    def refusal(self, key: str, what: str, remedy: str) -> StudyError:
        """Return the error that says what is wrong at a key of the study, and what to try."""
        return StudyError(f"{self.where}, clé « {key} » : {what} ; essayez : {remedy}.")

    def need(self, key: str) -> Need:
        """Return the need of that key."""
        return next(need for need in self.needs if need.key == key)


def read_study(path: Path) -> Study:
    """Read and check a study file.

    Raises
    ------
    StudyError The file is missing, is not TOML, or a key is unknown, missing, of the wrong kind or
        out of range.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise StudyError(
            f"{path} : ce fichier d'étude n'existe pas ; « geoguichet coverage init {path} » en "
            "crée un à compléter."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            f"{path} : fichier d'étude illisible ({error}) ; un fichier texte TOML en UTF-8 est "
            "attendu."
        ) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(
            f"{path} : ce n'est pas du TOML valide ({error}) ; corrigez la ligne indiquée."
        ) from error
    return parse_study(document, path=path)


def parse_study(document: Mapping[str, Any], *, path: Path | None = None) -> Study:
    """Check a study given as nested mappings (the TOML document) and return it.

    Raises
    ------
    StudyError A key is unknown, missing, of the wrong kind or out of range; the message names the
        file and the key.
    """
    root = StudyTable(document, str(path) if path else "étude", "")
    head = root.table("study")
    data = root.table("data", optional=True)
    router = read_choice(root.table("router", optional=True))
    needs = _needs(root.table("services"), router.unit)
    demand = _demand(root.table("demand", optional=True))
    study = Study(
        id=head.slug("id"),
        title=head.text("title"),
        abstract=head.text("abstract", default=""),
        language=head.one_of("language", ("fr", "en"), default="fr"),
        territory=_territory(root.table("territory")),
        source=data.text("source", default=SAMPLE),
        services_layer=data.text("services", default="services"),
        demand=demand,
        needs=needs,
        rule=_rule(root.table("rule"), needs),
        kiosks=_kiosks(root.table("kiosks"), needs, router.unit, demand)
        if "kiosks" in document
        else None,
        router=router,
        zones=read_zones(root.table("zones", optional=True), router=router),
        contact=_contact(root.table("contact", optional=True)),
        changes=_changes(root.table("changes", optional=True)),
        stops_layer=data.text("stops", default=""),
        legal=read_legal(root.table("legal", optional=True), [need.key for need in needs]),
        measures=read_measures(root.table("measures")) if "measures" in document else None,
        date=_day(head),
        path=path,
    )
    for table in (head, data, root):
        table.refuse_unknown()
    return study


def _day(head: StudyTable) -> str:
    """Return a day given as a TOML date or as text."""
    value = head.get("date", "")
    try:
        return day.fromisoformat(str(value)).isoformat() if value != "" else ""
    except ValueError as error:
        what = f"un jour est attendu, {shortened(value)} est donné"
        raise head.error("date", what, "date = 2026-11-22") from error


def _territory(table: StudyTable) -> TerritoryChoice:
    given = table.keys()
    alone = not {"epci", "arrondissements", "polygon"} & set(given)
    choice = TerritoryChoice(
        name=table.text("name"),
        departements=table.texts("departements") if alone or "departements" in given else (),
        buffer_m=table.quantity("buffer", "length", default=0.0, zero=True),
        epci=table.texts("epci") if "epci" in given else (),
        arrondissements=table.texts("arrondissements") if "arrondissements" in given else (),
        polygon=table.text("polygon") if "polygon" in given else "",
    )
    table.refuse_unknown()
    return choice


def _demand(table: StudyTable) -> DemandChoice:
    choice = DemandChoice(
        layer=table.text("layer", default="communes"),
        weight=table.text("weight", default="population"),
        at=table.one_of("at", (*SERVICE_TYPES, "representative_point"), default="town_hall"),
        groups=table.texts("groups", default=()),
        tolerance_m=table.quantity("tolerance", "length", default=3000.0),
        cells=read_cells(table.table("cells")) if "cells" in table.keys() else None,
    )
    table.refuse_unknown()
    return choice


def _contact(table: StudyTable) -> StudyContact:
    contact = StudyContact(table.text("organization", default=""), table.text("email", default=""))
    table.refuse_unknown()
    return contact


def _changes(table: StudyTable) -> Changes:
    hours = table.table("hours", optional=True)
    changes = Changes(
        open=tuple(_opening(one) for one in table.tables("open")),
        hours=tuple((key, hours.text(key)) for key in hours.keys()),
        close=table.texts("close", default=()),
    )
    table.refuse_unknown()
    return changes


def _opening(table: StudyTable) -> Opening:
    opening = Opening(
        type=table.known(table.text("type"), SERVICE_TYPES, "type"),
        lon=table.number("lon", low=-180.0, high=180.0) or 0.0,
        lat=table.number("lat", low=-90.0, high=90.0) or 0.0,
        hours=table.text("hours", default=""),
        name=table.text("name", default=""),
    )
    table.refuse_unknown()
    return opening


def _needs(services: StudyTable, unit: Unit) -> tuple[Need, ...]:
    needs = []
    for key in services.keys():
        table = services.table(key)
        needs.append(
            Need(
                key=_need_key(services, key),
                label=table.text("label", default=key),
                types=tuple(
                    table.known(name, SERVICE_TYPES, "types") for name in table.texts("types")
                ),
                within=table.cost("within", unit),
                min_hours_per_week=table.number(
                    "min_hours_per_week", low=0.0, high=168.0, default=None
                ),
                open_at=_moment(table, "open_at"),
                unknown_hours=table.one_of("unknown_hours", ("closed", "open"), default="closed"),
            )
        )
        table.refuse_unknown()
    if not needs:
        raise services.error(
            "",
            "au moins un service est attendu, aucun n'est donné",
            "ajoutez une table [services.mairie]",
        )
    return tuple(needs)


def _moment(table: StudyTable, key: str) -> Moment | None:
    text = table.text(key, default="")
    if not text:
        return None
    try:
        return Moment.parse(text)
    except UsageError as error:
        raise table.error(
            key,
            f"un jour de la semaine et une heure sont attendus, {shortened(text)} est donné",
            f'{key} = "samedi 10h"',
        ) from error


def _need_key(services: StudyTable, key: str) -> str:
    if key in _RESERVED:
        raise services.error(key, "ce nom de besoin est réservé", f'"{key}_public"')
    return services.check_slug(key)


def _rule(table: StudyTable, needs: tuple[Need, ...]) -> Rule:
    keys = [need.key for need in needs]
    kinds = [kind for kind in ("all", "any", "at_least") if kind in table.keys()]
    both = kinds == ["all", "at_least"]
    if len(kinds) != 1 and not both:
        raise table.error(
            "",
            "une seule clé parmi all, any, at_least est attendue (ou all avec at_least), "
            f"{len(kinds)} sont données",
            f"all = {keys!r}",
        )
    required = tuple(table.known(name, keys, "all") for name in table.texts("all")) if both else ()
    if "at_least" in kinds:
        others = tuple(key for key in keys if key not in required)
        named = tuple(table.known(name, keys, "of") for name in table.texts("of", default=others))
        twice = [name for name in named if name in required]
        if twice:
            raise table.error(
                "of", f"{twice[0]} est déjà dans all", "gardez-le dans une seule des deux listes"
            )
        if not named:
            raise table.error(
                "of", "au moins un besoin est attendu", f"of = {list(others) or keys!r}"
            )
        k = table.integer("at_least", low=1, high=len(named))
        rule = Rule("all_and_at_least" if both else "at_least", k, named, required)
    else:
        kind = kinds[0]
        named = tuple(table.known(name, keys, kind) for name in table.texts(kind))
        rule = Rule("all" if kind == "all" else "any", len(named) if kind == "all" else 1, named)
    table.refuse_unknown()
    return rule


def _kiosks(
    table: StudyTable, needs: tuple[Need, ...], unit: Unit, demand: DemandChoice
) -> KioskChoice:
    return read_kiosks(table, [need.key for need in needs], unit, demand.groups)


def threshold_of(need: str, text: str, where: str, *, unit: Unit) -> Cost:
    """Return a need's threshold with its unit, such as ``8 km`` (``20 min`` for the unit ``s``),
    given outside a file.

    Raises
    ------
    StudyError
        It is not a positive number followed by one of the units; the message begins with ``where``.
    """
    cost: Cost = StudyTable({need: text}, where, "").cost(need, unit)
    return cost
