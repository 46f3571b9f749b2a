"""The question a planner asks: every table of a study's file, declared once.

From this come the reading of the file and its refusals, its JSON Schema (``geoguichet coverage
schema``), the manifest, and the table of keys of docs/planning.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.study.choices import (
    KINDS,
    Asked,
    ExtensionChoice,
    KioskChoice,
    RouterChoice,
    names_of_needs,
    threshold,
)
from geoguichet.coverage.study.siting_models import AnyModel
from geoguichet.floor import declaration
from geoguichet.floor.declaration import (
    About,
    BadKeyError,
    Listed,
    Table,
    Taken,
    Written,
    day,
    flag,
    number,
    one_of,
    quantity,
    seen_by,
    shortened,
    slug,
    text,
    texts,
    whole,
)
from geoguichet.floor.errors import UsageError
from geoguichet.floor.files import read_toml
from geoguichet.floor.words import Cost, Message, Unit
from geoguichet.referentials.directory.hours import Moment
from geoguichet.referentials.directory.services import SERVICE_TYPES

type RuleKind = Literal["all", "any", "at_least", "all_and_at_least"]

#: Value of ``data.source`` that stands for the embedded sample.
SAMPLE = "sample"
#: Rules of law and promises that can be asked by name; :mod:`geoguichet.coverage.access.rules` says
#: what each demands.
LEGAL_RULES = ("la_poste", "france_services_30", "france_services_20")
MEASURES = ("cumulative", "2sfca", "e2sfca")
#: Not for needs: ``kiosk_m``, ``slack_m`` and ``unserved_reason`` already mean something else.
RESERVED = ("kiosk", "slack", "unserved")
_CELL_M = (20.0, 20_000.0)


# Take a moment of an ordinary week, such as ``"samedi 10h"``.
def _moment() -> Taken:
    def read(value: Any, asked: Asked) -> Moment | None:
        written = text(blank=True).read(value, asked)
        try:
            return Moment.parse(written) if written else None
        except UsageError as error:
            raise BadKeyError(
                "un jour de la semaine et une heure sont attendus, {value} est donné",
                '{key} = "samedi 10h"',
                value=shortened(value),
            ) from error

    return Taken(read, {"type": "string", "examples": ["samedi 10h"]}, written=str)


@dataclass(frozen=True, kw_only=True)
class Heading(Table):
    """What a study is called."""

    id: Annotated[str, slug(), About("nom du dossier des résultats")]
    title: Annotated[str, text(), About("titre de la carte et du rapport")]
    abstract: Annotated[str, text(blank=True), About("résumé, pour la fiche de catalogue")] = ""
    language: Annotated[str, one_of(("fr", "en")), About("langue de la carte et du rapport")] = "fr"
    date: Annotated[str, day(), About("jour où l'étude est établie, montré sur ses pages")] = ""
    visibility: Annotated[
        str | tuple[str, ...],
        seen_by(),
        About("qui la voit au portail : draft, partners, public, ou une liste de SIREN"),
    ] = "public"


@dataclass(frozen=True, kw_only=True)
class DataChoice(Table):
    """Where the layers are."""

    source: Annotated[
        str,
        text(blank=True),
        About("« sample » (l'échantillon livré), ou un GeoPackage près de ce fichier"),
    ] = SAMPLE
    services_layer: Annotated[str, text(blank=True), About("couche des services")] = "services"
    stops_layer: Annotated[
        str, text(blank=True), About("couche des arrêts des services itinérants")
    ] = ""


@dataclass(frozen=True, slots=True)
class StudyContact(Table):
    """Who answers for a study; shown in its catalogue record and its report."""

    organization: Annotated[str, text(blank=True), About("organisme qui répond de l'étude")] = ""
    email: Annotated[str, text(blank=True), About("son adresse")] = ""


@dataclass(frozen=True, slots=True)
class TerritoryChoice(Table):
    """The territory studied, a union of communes, and how far beyond its border services are looked
    for.
    """

    name: Annotated[str, text(), About("nom du territoire")]
    departements: Annotated[
        tuple[str, ...], texts(empty=False), About("départements, par leurs codes INSEE")
    ] = ()
    buffer_m: Annotated[
        float,
        quantity("length", zero=True),
        About("jusqu'où les services des voisins comptent au-delà de la limite"),
    ] = 0.0
    epci: Annotated[
        tuple[str, ...], texts(empty=False), About("intercommunalités, par leurs numéros SIREN")
    ] = ()
    arrondissements: Annotated[
        tuple[str, ...], texts(empty=False), About("arrondissements, là où les communes les disent")
    ] = ()
    polygon: Annotated[
        str,
        text(),
        About(
            "fichier de surfaces : les communes dont le contour y a un point (près de ce fichier)"
        ),
    ] = ""

    @property
    def of_departements(self) -> bool:
        """Whether the territory is whole départements and nothing else."""
        return not (self.epci or self.arrondissements or self.polygon)

    def check(self, asked: Asked) -> None:
        """Refuse a territory of nothing."""
        if self.of_departements and not self.departements:
            raise self.lacking("departements", {})


@dataclass(frozen=True, slots=True)
class CellsChoice(Table):
    """People finer than communes: a GeoTIFF of people a cell, or a layer or a table of points or
    polygons.
    """

    file: Annotated[
        str,
        text(),
        About("GeoTIFF, CSV de centres, ou couche de points ou de surfaces (près de ce fichier)"),
    ]
    layer: Annotated[str, text(blank=True), About("couche du fichier, s'il en a plusieurs")] = ""
    weight: Annotated[
        str, text(blank=True), About("colonne qui compte les habitants ; un GeoTIFF n'en a pas")
    ] = "population"
    x: Annotated[str, text(blank=True), About("colonne des abscisses d'un CSV")] = "x"
    y: Annotated[str, text(blank=True), About("colonne des ordonnées d'un CSV")] = "y"
    crs: Annotated[
        str, text(blank=True), About("système des coordonnées d'un CSV, comme EPSG:3035")
    ] = ""
    side_m: Annotated[
        float | None,
        quantity("length"),
        About("côté des carreaux dont on a les centres ; sans lui, des points sont dessinés"),
    ] = None
    band: Annotated[int, whole(1, 1000), About("bande d'un GeoTIFF")] = 1

    def check(self, asked: Asked) -> None:
        """Refuse coordinates whose system nobody knows."""
        if self.file.lower().endswith((".csv", ".csv.gz")) and not self.crs:
            raise BadKeyError(
                "le système de coordonnées d'un CSV est attendu", 'crs = "EPSG:3035"', key="crs"
            )


@dataclass(frozen=True, slots=True)
class DemandChoice(Table):
    """Where the people are: a layer of communes, the column that counts them, and the point that
    stands for them.
    """

    layer: Annotated[str, text(blank=True), About("couche des communes")] = "communes"
    weight: Annotated[str, text(blank=True), About("colonne qui compte les habitants")] = (
        "population"
    )
    at: Annotated[
        str,
        one_of((*SERVICE_TYPES, "representative_point")),
        About("où on les suppose dans leur commune : à ce service, sinon en un point intérieur"),
    ] = "town_hall"
    groups: Annotated[
        tuple[str, ...], texts(), About("colonnes de groupes d'habitants, comptés aussi")
    ] = ()
    tolerance_m: Annotated[
        float,
        quantity("length"),
        About("un service plus loin que cela de sa propre commune n'est pas cru"),
    ] = 3000.0
    cells: Annotated[
        CellsChoice | None,
        About("des habitants par carreaux ; les communes ne disent plus qu'où est chacun"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need(Table):
    """One thing a citizen must find: services of some types, open enough, within a distance or a
    time.
    """

    #: The name of its table.
    key: Annotated[str, Field(alias="<key>")] = ""
    label: Annotated[str, text(blank=True), About("le besoin, tel qu'on le lit")] = ""
    types: Annotated[
        tuple[str, ...],
        texts(SERVICE_TYPES, empty=False),
        About("types de service qui y répondent"),
    ]
    within: Annotated[Cost, threshold(), About("distance ou temps accepté")]
    min_hours_per_week: Annotated[
        float | None, number(0.0, 168.0), About("heures d'ouverture par semaine, au moins")
    ] = None
    open_at: Annotated[
        Moment | None, _moment(), About("ne comptent que les guichets ouverts à ce moment")
    ] = None
    unknown_hours: Annotated[
        str,
        one_of(("undecided", "closed", "open")),
        About("ce pour quoi est tenu un guichet dont on ignore les horaires"),
    ] = "undecided"

    @property
    def asks_hours(self) -> bool:
        """Whether opening hours decide which counters count."""
        return self.open_at is not None or self.min_hours_per_week is not None


def _needs(tables: dict[str, Need], asked: Asked) -> tuple[Need, ...]:
    if not tables:
        raise BadKeyError(
            "au moins un service est attendu, aucun n'est donné",
            Message("ajoutez une table [services.mairie]"),
        )
    return tuple(replace(need, key=key, label=need.label or key) for key, need in tables.items())


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


_NEEDS = texts(names_of_needs, empty=False)


@dataclass(frozen=True, slots=True)
class RuleTable(Table):
    """A rule as a file writes it: ``all``, ``any``, ``at_least`` with ``of``, or ``all`` too."""

    all: Annotated[tuple[str, ...] | None, _NEEDS, About("tous ces besoins")] = None
    any: Annotated[tuple[str, ...] | None, _NEEDS, About("un seul de ces besoins suffit")] = None
    at_least: Annotated[
        int | None,
        Taken(
            lambda value, asked: whole(1, len(asked.needs)).read(value, asked), whole(1, 99).schema
        ),
        About("au moins tant des besoins de of ; tous ceux de all aussi"),
    ] = None
    of: Annotated[
        tuple[str, ...] | None,
        texts(names_of_needs),
        About(
            "les besoins que compte at_least ; sans cette clé, tous ceux qui ne sont pas dans all"
        ),
    ] = None

    def rule(self, asked: Asked) -> Rule:
        """Return the rule, refused when it says nothing or two things at once."""
        given = [key for key in ("all", "any", "at_least") if getattr(self, key) is not None]
        if len(given) != 1 and given != ["all", "at_least"]:
            raise BadKeyError(
                "une seule clé parmi all, any, at_least est attendue (ou all avec at_least), "
                "{n} sont données",
                f"all = {list(asked.needs)!r}",
                n=str(len(given)),
            )
        if self.at_least is not None:
            return self._some(self.at_least, self.all or (), asked)
        if self.of is not None:
            raise self.unknown("of", given)
        return (
            Rule("any", 1, self.any)
            if self.any
            else Rule("all", len(self.all or ()), self.all or ())
        )

    @classmethod
    def of_rule(cls, rule: Rule) -> RuleTable:
        """Return a rule as a file writes it: the inverse of :meth:`rule`."""
        if rule.kind == "all":
            return cls(all=rule.needs)
        if rule.kind == "any":
            return cls(any=rule.needs)
        return cls(all=rule.required or None, at_least=rule.k, of=rule.needs)

    def _some(self, least: int, required: tuple[str, ...], asked: Asked) -> Rule:
        others = tuple(key for key in asked.needs if key not in required)
        named = others if self.of is None else self.of
        twice = [name for name in named if name in required]
        if twice:
            raise BadKeyError(
                "{name} est déjà dans all",
                Message("gardez-le dans une seule des deux listes"),
                key="of",
                name=twice[0],
            )
        if not named:
            raise BadKeyError(
                "au moins un besoin est attendu", f"of = {list(others or asked.needs)!r}", key="of"
            )
        if least > len(named):
            raise BadKeyError(
                "un entier de {low} à {high} est attendu, {value} est donné",
                "at_least = 1",
                key="at_least",
                **{"low": "1", "high": str(len(named)), "value": str(least)},
            )
        return Rule("all_and_at_least" if required else "at_least", least, named, required)


@dataclass(frozen=True, slots=True)
class LegalChoice:
    """A rule of law, and the need whose types of service it speaks of."""

    rule: str
    need: str


@dataclass(frozen=True, slots=True)
class MeasuresChoice(Table):
    """Which measures of access are told for each need, beside who is served."""

    kinds: Annotated[
        tuple[str, ...],
        texts(MEASURES),
        About("à portée (cumulative), ou partagé entre ceux qui l'ont à portée"),
    ] = MEASURES
    supply: Annotated[
        str,
        one_of(("count", "hours_per_week")),
        About("ce qu'offre un service : un, ou ses heures (inconnues : rien)"),
    ] = "count"
    poverty_line: Annotated[
        float, number(0.01, 10.0), About("part de l'accès moyen sous laquelle on en manque")
    ] = 0.5

    def check(self, asked: Asked) -> None:
        """Refuse to measure nothing."""
        if not self.kinds:
            raise BadKeyError(
                "au moins une mesure est attendue", f'kinds = ["{MEASURES[0]}"]', key="kinds"
            )


@dataclass(frozen=True, slots=True)
class ZoneChoice(Table):
    """How the white zones are drawn. It never changes who is served: people are counted from the
    demand points.
    """

    kind: Annotated[
        str,
        one_of(("exact", "smooth")),
        About(
            "les communes ou carreaux eux-mêmes, ou la ligne où la marge s'annule sur le terrain"
        ),
    ] = "exact"
    cell_m: Annotated[
        float, quantity("length"), About("pas de la grille d'une zone lissée et de la surface")
    ] = 500.0
    surface: Annotated[
        bool,
        flag(),
        About("écrire la marge en chaque lieu ; les zones lissées l'écrivent toujours"),
    ] = False
    simplify_m: Annotated[
        float,
        quantity("length", zero=True),
        About("de combien la carte redresse les contours ; les couches n'en changent pas"),
    ] = 0.0
    min_area_m2: Annotated[
        float,
        quantity("area", zero=True),
        About("en dessous, une zone n'est ni sur la carte ni au rapport ; elle reste comptée"),
    ] = 0.0
    min_people: Annotated[int, whole(0, 10_000_000), About("de même, par ses habitants")] = 0

    @property
    def with_surface(self) -> bool:
        """Whether the slack is computed on the grid."""
        return self.surface or self.kind == "smooth"

    def check(self, asked: Asked) -> None:
        """Refuse a grid too fine or too coarse, or asked of a distant server."""
        low, high = _CELL_M
        if not low <= self.cell_m <= high:
            raise BadKeyError(
                "un pas de {low} à {high} est attendu",
                'cell = "500 m"',
                key="cell",
                **{"low": f"{low:g} m", "high": f"{high:g} m"},
            )
        if self.with_surface and KINDS[asked.router].distant:
            raise BadKeyError(
                "une surface demande des centaines de milliers de trajets, trop pour un serveur "
                "{router}",
                Message('kind = "exact", ou un routeur "road", "relief" ou "straight_line"'),
                key="kind",
                router=asked.router,
            )


@dataclass(frozen=True, slots=True)
class Opening(Table):
    """A counter that does not exist yet: its type, its place (degrees), its hours in
    OpenStreetMap's form.
    """

    type: Annotated[str, one_of(SERVICE_TYPES), About("type du guichet ouvert")]
    lon: Annotated[float, number(-180.0, 180.0), About("sa longitude")]
    lat: Annotated[float, number(-90.0, 90.0), About("sa latitude")]
    hours: Annotated[str, text(blank=True), About("ses horaires, comme Mo-Fr 09:00-12:00")] = ""
    name: Annotated[str, text(blank=True), About("son nom")] = ""


def _pairs[T](table: dict[str, T], asked: Asked) -> tuple[tuple[str, T], ...]:
    return tuple(table.items())


@dataclass(frozen=True, slots=True)
class Changes(Table):
    """What the study changes in the services before it asks: counters opened, their hours set,
    counters closed.
    """

    open: Annotated[tuple[Opening, ...], Listed(), About("guichets qui n'existent pas encore")] = ()
    hours: Annotated[
        tuple[tuple[str, str], ...],
        Written(dict[str, Annotated[str, text()]], _pairs),
        About("horaires d'un guichet, par son identifiant ; « off » : aucun"),
    ] = ()
    close: Annotated[
        tuple[str, ...], texts(), About("guichets fermés, par leurs identifiants")
    ] = ()

    def then(self, more: Changes) -> Changes:
        """Return both, these first."""
        return Changes(self.open + more.open, self.hours + more.hours, self.close + more.close)


@dataclass(frozen=True, kw_only=True)
class _Tables(Table):
    """The tables that a study keeps as its file has them."""

    contact: Annotated[StudyContact, About("qui répond de l'étude")] = StudyContact()
    territory: Annotated[TerritoryChoice, About("l'union de toutes les communes nommées")]
    demand: Annotated[DemandChoice, About("les habitants")] = DemandChoice()
    router: Annotated[RouterChoice, About("comment les chemins sont mesurés")] = field(
        default_factory=RouterChoice
    )
    needs: Annotated[
        tuple[Need, ...],
        Written(
            dict[Annotated[str, slug(RESERVED)], Need],
            _needs,
            unbuilt=lambda needs: {need.key: need for need in needs},
        ),
        Field(alias="services"),
        About("les besoins, une table chacun : [services.mairie]"),
    ]
    rule: Annotated[
        Rule,
        Written(RuleTable, RuleTable.rule, unbuilt=RuleTable.of_rule),
        About("comment ils se combinent"),
    ]
    legal: Annotated[
        tuple[LegalChoice, ...],
        Written(
            dict[Annotated[str, one_of(LEGAL_RULES)], Annotated[str, one_of(names_of_needs)]],
            lambda table, asked: tuple(LegalChoice(*pair) for pair in table.items()),
            unbuilt=lambda legal: {one.rule: one.need for one in legal},
        ),
        About("des règles de droit, chacune avec le besoin dont elle parle"),
    ] = ()
    measures: Annotated[MeasuresChoice | None, About("des mesures d'accès")] = None
    zones: Annotated[ZoneChoice, About("comment les zones blanches sont dessinées")] = ZoneChoice()
    kiosks: Annotated[KioskChoice | None, AnyModel(), About("les visioguichets demandés")] = None
    extensions: Annotated[
        ExtensionChoice | None,
        About("quels guichets ouvrir plus longtemps, pour qui ne manque que d'heures"),
    ] = None
    changes: Annotated[
        Changes, About("ce qui change dans les services avant que la question soit posée")
    ] = Changes()


@dataclass(frozen=True, kw_only=True)
class StudyFile(_Tables):
    """A study as its file has it."""

    study: Annotated[Heading, About("le nom de l'étude")]
    data: Annotated[DataChoice, About("où sont les couches")] = DataChoice()


@dataclass(frozen=True, kw_only=True)
class Study(Heading, DataChoice, _Tables):
    """The whole question, of :func:`~geoguichet.read_study` or :func:`~geoguichet.parse_study`;
    two equal studies on equal inputs give equal results.

    Its fields are the tables of the file (docs/planning.md has every key, its unit and its range):
    id, title, abstract, language, date, visibility; source, services_layer, stops_layer; contact,
    territory, demand, router, needs, rule, legal, measures, zones, kiosks (None: none is sited),
    extensions, changes; and ``path``, the file it came from. Lengths are metres, durations seconds,
    money euros; a threshold is a number with its ``unit``. Its errors are those of who reads it.

    Examples
    --------
    After the example of :func:`~geoguichet.parse_study`:

    >>> study
    <Study ariege : Un guichet de l'État à 25 km>
    >>> study.needs[0].types, study.need("etat").within, study.unit.name
    (('prefecture', 'sous_prefecture'), 25000.0, 'METRES')
    >>> study.kiosks.count, study.territory.departements
    (3, ('09',))
    """

    #: The file it came from.
    path: Path | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} : {self.title}>"

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read and check a study file, as :func:`read_study` does."""
        return read_study(path)

    @property
    def unit(self) -> Unit:
        """The unit of costs, thresholds and slack."""
        return self.router.unit

    @property
    def where(self) -> str:
        """The file the study came from, for messages."""
        return str(self.path) if self.path else "l'étude"

    def refusal(self, key: str, what: object, remedy: object) -> StudyError:
        """Return the error that says what is wrong at a key of the study, and what to try."""
        return StudyError(declaration.refusal(self.where, key, what, remedy))

    def need(self, key: str) -> Need:
        """Return the need of that key."""
        return next(need for need in self.needs if need.key == key)


def read_study(path: str | Path) -> Study:
    """Read and check a study file (TOML, at ``path``), and return the study.

    Raises
    ------
    StudyError
        The file is missing, is not TOML, or a key is unknown, missing, of the wrong kind or out of
        range.

    Examples
    --------
    >>> from importlib.resources import files
    >>> study = read_study(files("geoguichet.data") / "studies" / "visioguichets.toml")
    >>> study.kiosks.count, study.router.unit.name
    (80, 'METRES')
    """
    try:
        document = read_toml(Path(path), kind=StudyError)
    except FileNotFoundError as error:
        told = Message(
            "{file} : ce fichier d'étude n'existe pas ; « geoguichet coverage init {file} » en "
            "crée un à compléter.",
            file=path,
        )
        raise StudyError(told) from error
    return parse_study(document, path=Path(path))


def parse_study(document: Mapping[str, Any], *, path: str | Path | None = None) -> Study:
    """Check a study given as nested mappings (the TOML ``document``) and return it; ``path`` is the
    file that names in it are relative to, and that messages name.

    Raises
    ------
    StudyError
        A key is unknown, missing, of the wrong kind or out of range; the message names the file and
        the key.

    Examples
    --------
    >>> ariege = {
    ...     "study": {"id": "ariege", "title": "Un guichet de l'État à 25 km"},
    ...     "territory": {"name": "Ariège", "departements": ["09"]}, "rule": {"all": ["etat"]},
    ...     "services": {"etat": {"types": ["prefecture", "sous_prefecture"], "within": "25 km"}},
    ...     "kiosks": {"count": 3, "candidates": ["town_hall"], "reach": "8 km"}}
    >>> study = parse_study(ariege)
    >>> study.need("etat").within
    25000.0
    """
    file = str(path) if path else "étude"

    def table[T](kind: type[T], name: str) -> T:
        return declaration.read(
            kind, document.get(name, {}), Asked(), file, name, refused=StudyError
        )

    # What the other tables may say depends on these two, and on how the needs are called.
    router, demand = table(RouterChoice, "router"), table(DemandChoice, "demand")
    services = document.get("services")
    asked = Asked(
        router.unit,
        router.kind,
        tuple(services) if isinstance(services, Mapping) else (),
        demand.groups,
    )
    read = declaration.read(StudyFile, document, asked, file, refused=StudyError)
    return Study(
        **vars(read.study),
        **vars(read.data),
        **{one.name: getattr(read, one.name) for one in fields(_Tables)},
        path=Path(path) if path else None,
    )


def a_study(given: Study) -> Study:
    """Return what is given, a study; StudyError when it is its file, its tables or its answer."""
    expected = Message(
        "une étude est attendue, {came} est donné ; essayez Study.read(…) ou parse_study(…)."
    )
    return of_kind(given, Study, expected)


def of_kind[Given](given: object, kind: type[Given], expected: Message) -> Given:
    """Return what is given when it is of a kind; StudyError says what was ``expected`` and ``came``."""
    if not isinstance(given, kind):
        raise StudyError(expected.given(came=type(given).__name__))
    return given


def threshold_of(need: str, given: str, where: str, *, unit: Unit) -> Cost:
    """Return a need's threshold with its unit, such as ``8 km`` (``20 min`` for the unit ``s``),
    given outside a file.

    Raises
    ------
    StudyError
        It is not a positive number followed by one of the units; the message begins with ``where``.
    """
    try:
        cost: Cost = threshold().read(given, Asked(unit))
    except BadKeyError as wrong:
        raise StudyError(wrong.at(where, need)) from wrong
    return cost
