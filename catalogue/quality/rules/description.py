"""What a rule is, and the rules of what the resource is (title, abstract, type, theme), where and
when (extent, reference system, resolution, dates).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY, said
from geoguichet.catalogue.record import Concept, Extent, Record
from geoguichet.catalogue.text import instant_keys
from geoguichet.catalogue.text import words as words_of
from geoguichet.floor.findings import Severity
from geoguichet.floor.words import SOURCE, Message, language


class Told(NamedTuple):
    """What something outside told in French alone, and what we say of it in any other language."""

    french: str
    otherwise: str | Message

    def __str__(self) -> str:
        return self.french if language() == SOURCE else str(self.otherwise)


class Fault(NamedTuple):
    """What is wrong at a very place: its path in the document of the record, and in the XML it came
    from if known.
    """

    path: str
    message: Message
    xpath: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a check knows beside the record: the day, and the boxes of places a title may name."""

    today: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))
    #: Folded names of communes and départements, and their boxes; a name borne by two places is
    #: left out.
    places: Mapping[str, Extent] = field(default_factory=dict)


#: Yields what it finds; a `Fault` when that is not about the whole member of its rule.
type Check = Callable[[Record, Context], Iterable[Message | Fault]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks at, for which types of records, what it weighs, and what a person
    should know.
    """

    name: str
    #: What the rule wants, named as a list would: « la licence ».
    label: Message
    member: str
    weight: int
    severity: Severity
    check: Check
    why: Message
    remedy: Message
    #: Types of records it applies to; all when empty.
    types: tuple[str, ...] = ()


#: The types that the rules of INSPIRE for data are about.
DATA = ("dataset", "series")


def needs(member: str, missing: Message) -> Check:
    """Make the check of a member that must say something."""
    return lambda record, _: [] if said(record, member) else [missing]


def holds(told: Callable[[Record], object], missing: Message) -> Check:
    """Make the check of a record that must hold something."""
    return lambda record, _: [] if told(record) else [missing]


def asked(requirement: str, reason: Message | None = None) -> Message:
    """Return why a rule matters: the reason, if any, then the requirement of INSPIRE's technical
    guidance.
    """
    if reason is None:
        return Message(
            "Demandé par INSPIRE (guide technique 2.0, exigence {requirement}).",
            requirement=requirement,
        )
    return Message(
        "{reason} ; demandé par INSPIRE (guide technique 2.0, exigence {requirement}).",
        reason=reason,
        requirement=requirement,
    )


# What the resource is: its title, abstract, type, identifier, languages, category, theme and
# keywords.


def _title(record: Record, _: Context) -> Iterator[Message]:
    title = record.title.strip()
    if title and (len(title) < 8 or ("_" in title and " " not in title)):
        yield Message(
            "le titre « {title} » ressemble à un nom de fichier ou de couche.", title=title[:60]
        )
    elif len(title) > 20 and title.isupper():
        yield Message("le titre est tout en capitales.")


_PLACEHOLDER = re.compile(
    r"^--|--$|lorem ipsum|\btodo\b|à compléter|a completer|\bxxx+\b|titre du jeu", re.IGNORECASE
)


def _placeholders(record: Record, _: Context) -> Iterator[Fault]:
    for member, text, still in (
        (
            "title",
            record.title,
            Message("le titre est resté celui d'un modèle : « {text} ».", text=record.title[:60]),
        ),
        (
            "description",
            record.description,
            Message(
                "le résumé est resté celui d'un modèle : « {text} ».", text=record.description[:60]
            ),
        ),
    ):
        if _PLACEHOLDER.search(text):
            yield Fault(f"properties.{member}", still)


def _abstract(record: Record, _: Context) -> Iterator[Message]:
    text = record.description.strip()
    if text and text.casefold() == record.title.strip().casefold():
        yield Message("le résumé ne fait que répéter le titre.")
    elif text and len(text) < 40:
        yield Message(
            "le résumé ({n} caractères) est trop court pour dire ce que contient la ressource.",
            n=len(text),
        )


# Return the concepts of a vocabulary in a record, each with its place.
def _concepts(record: Record, scheme: str) -> list[tuple[str, Concept]]:
    return [
        (f"properties.themes[{at}].concepts[{number}]", concept)
        for at, theme in enumerate(record.themes)
        if theme.scheme == scheme
        for number, concept in enumerate(theme.concepts)
    ]


def _topic(record: Record, _: Context) -> Iterator[Message | Fault]:
    topics = _concepts(record, TOPIC_CATEGORY)
    if not topics:
        yield Message("aucune catégorie thématique ISO 19115.")
    for path, topic in topics:
        if topic.id not in codes.TOPIC_CATEGORIES:
            unknown = Message(
                "« {topic} » n'est pas une catégorie thématique ISO 19115.", topic=topic.id[:60]
            )
            yield Fault(path, unknown)


def _theme(record: Record, _: Context) -> Iterator[Message | Fault]:
    themes = _concepts(record, INSPIRE_THEME)
    if not themes and not any(codes.inspire_theme(word) for word in record.keywords):
        yield Message("aucun thème INSPIRE.")
    for path, item in themes:
        if not codes.inspire_theme(item.id) and not codes.inspire_theme(item.title):
            name = (item.title or item.id)[:60]
            yield Fault(
                path, Message("« {name} » n'est pas l'un des 34 thèmes INSPIRE.", name=name)
            )


WHAT: tuple[Rule, ...] = (
    Rule(
        "title",
        Message("le titre"),
        "title",
        10,
        "error",
        needs("title", Message("la fiche n'a pas de titre.")),
        asked("C.8", Message("Le titre est ce qu'on voit en premier")),
        Message("Donner un titre court et parlant : quoi, où, quand."),
    ),
    Rule(
        "title-readable",
        Message("un titre lisible"),
        "title",
        3,
        "warning",
        _title,
        Message("Un titre que seul son auteur comprend n'est pas trouvé."),
        Message("Écrire le titre en mots, avec le lieu."),
    ),
    Rule(
        "placeholder",
        Message("de vrais textes"),
        "description",
        3,
        "error",
        _placeholders,
        Message("Un texte de modèle trompe le lecteur."),
        Message("Remplacer le texte du modèle par le vrai."),
    ),
    Rule(
        "abstract",
        Message("le résumé"),
        "description",
        8,
        "error",
        needs("description", Message("la fiche n'a pas de résumé.")),
        asked("C.9", Message("Le résumé dit si la donnée convient")),
        Message("Dire en quelques phrases le contenu, l'usage, le territoire et la source."),
    ),
    Rule(
        "abstract-long",
        Message("un résumé qui en dit assez"),
        "description",
        3,
        "warning",
        _abstract,
        Message("Un résumé d'une ligne ne permet pas de choisir."),
        Message("Écrire au moins deux phrases."),
    ),
    Rule(
        "type",
        Message("le type de ressource"),
        "type",
        2,
        "error",
        needs("type", Message("le type de ressource n'est pas dit.")),
        asked("1.1", Message("Le type décide des règles")),
        Message("Choisir dataset, series ou service."),
    ),
    Rule(
        "resource-identifier",
        Message("l'identifiant de la ressource"),
        "externalIds",
        4,
        "warning",
        holds(
            lambda record: record.external_ids,
            Message("la ressource n'a pas d'identifiant unique."),
        ),
        asked("1.3", Message("L'identifiant relie la fiche à la donnée")),
        Message("Donner un identifiant unique, de préférence une adresse."),
        DATA,
    ),
    Rule(
        "resource-language",
        Message("la langue de la ressource"),
        "resourceLanguages",
        1,
        "warning",
        needs("resourceLanguages", Message("la langue de la ressource n'est pas dite.")),
        asked("1.6"),
        Message("Donner la langue de la donnée, par exemple fre."),
        DATA,
    ),
    Rule(
        "topic-category",
        Message("la catégorie thématique"),
        "themes.topicCategory",
        3,
        "error",
        _topic,
        asked("1.5", Message("Les portails classent par catégorie")),
        Message(
            "Choisir l'une des catégories ISO 19115, par exemple boundaries, environment, "
            "transportation."
        ),
        DATA,
    ),
    Rule(
        "inspire-theme",
        Message("le thème INSPIRE"),
        "themes",
        3,
        "warning",
        _theme,
        asked("1.4", Message("Pour les données des annexes de la directive")),
        Message("Choisir le thème dans la liste INSPIRE (GEMET)."),
        DATA,
    ),
    Rule(
        "keywords",
        Message("les mots-clés"),
        "keywords",
        3,
        "warning",
        holds(lambda record: record.keywords or record.themes, Message("aucun mot-clé.")),
        Message("Les mots-clés font trouver la fiche."),
        Message("Ajouter les mots que taperait un usager."),
    ),
)


# Where and when: extent, reference system, resolution, dates and how fresh the data is.


def _extent(record: Record, _: Context) -> Iterator[Message]:
    box = record.extent
    if box is None:
        return
    if (
        box.west == box.east
        and box.south == box.north
        and record.geometry
        and record.geometry["type"] != "Point"
    ):
        yield Message("l'emprise est réduite à un point.")
    if (box.west, box.south, box.east, box.north) == (-180, -90, 180, 90):
        yield Message("l'emprise est le monde entier.")
    if box.west == box.south == box.east == box.north == 0:
        yield Message("l'emprise est le point zéro (0° N, 0° E).")


_CAPITALISED = re.compile(r"(?<!\w)[A-ZÀ-ÖØ-Þ]\w*")


# Compare the extent with the place that the title names, the longest name first.
def _named_place(record: Record, context: Context) -> Iterator[Message]:
    box = record.extent
    if box is None or not context.places:
        return
    title = words_of(record.title)
    names = {
        word for text in _CAPITALISED.findall(record.title) for word in words_of(text)
    }  # « issus » is no commune
    for length in range(min(6, len(title)), 0, -1):
        for start in range(len(title) - length + 1):
            place = " ".join(title[start : start + length])
            if place in context.places and len(place) > 3 and title[start] in names:
                there = context.places[place]
                if not box.intersects(there):
                    yield Message(
                        "l'emprise ne touche pas « {place} », que le titre nomme.", place=place
                    )
                elif _dwarfs(box, there):
                    yield Message(
                        "l'emprise déborde largement de « {place} », que le titre nomme.",
                        place=place,
                    )
                return


def _dwarfs(box: Extent, place: Extent) -> bool:
    """Say whether a box is so much larger than a place that it cannot be that of something in it.

    Four times as wide or high, and 0.2 degrees: boxes are drawn generously, and neighbours are
    often shown too.
    """
    sides = (
        (box.east - box.west, place.east - place.west),
        (box.north - box.south, place.north - place.south),
    )
    return any(mine > 4 * theirs + 0.2 for mine, theirs in sides)


_KINDS = {
    "creation": Message("création"),
    "publication": Message("publication"),
    "revision": Message("révision"),
}


def _dated(record: Record, _: Context) -> Iterator[Message]:
    if not {item.get("type") for item in said(record, "dates") or ()} & _KINDS.keys():
        yield Message("aucune date de création, de publication ou de révision de la ressource.")


def _dates_in_order(record: Record, context: Context) -> Iterator[Message | Fault]:
    listed = said(record, "dates") or ()
    dates = {item.get("type"): item["date"] for item in listed}
    for before, after in (
        ("creation", "publication"),
        ("creation", "revision"),
        ("publication", "revision"),
    ):
        if before in dates and after in dates and first(dates[before]) > _last(dates[after]):
            yield Message(
                "la date de {one} ({first}) suit celle de {other} ({second}).",
                one=_KINDS[before],
                first=dates[before],
                other=_KINDS[after],
                second=dates[after],
            )
    for at, item in enumerate(listed):
        if first(item["date"])[:10] > context.today:
            kind = str(item.get("type"))
            coming = Message(
                "la date de {kind} ({date}) est à venir.",
                kind=_KINDS.get(kind, kind),
                date=item["date"],
            )
            yield Fault(f"properties.dates[{at}].date", coming)
    if record.time is not None and record.time.extra.get("reversed"):
        yield Fault(
            "time.interval",
            Message("la période couverte finit avant de commencer."),
        )


def first(date: str) -> str:
    """Return the first instant of a date or moment; empty when it is none."""
    try:
        return instant_keys(date)[0]
    except RecordError:
        return ""


def _last(date: str) -> str:
    try:
        return instant_keys(date)[1]
    except RecordError:
        return "~"


def _crs(record: Record, _: Context) -> Iterator[Message | Fault]:
    systems = said(record, "crs") or ()
    if not systems:
        yield Message("aucun système de coordonnées.")
    for at, system in enumerate(systems):
        if not system.startswith("EPSG:") or not _known_crs(system):
            unknown = Message(
                "« {system} » n'est pas un système de coordonnées connu.", system=system[:60]
            )
            yield Fault(f"properties.crs[{at}]", unknown)


@lru_cache(maxsize=1024)
def _known_crs(code: str) -> bool:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(code)
    except CRSError:
        return False
    return True


def _fresh(record: Record, context: Context) -> Iterator[Message]:
    frequency = (said(record, "maintenance") or {}).get("frequency", "")
    if not frequency:
        yield Message("la fréquence de mise à jour n'est pas dite.")
        return
    days = codes.FREQUENCIES.get(frequency, ("", 0))[1]
    dates = [
        first(item["date"]) for item in said(record, "dates") or () if item.get("type") in _KINDS
    ]
    if days and dates and max(dates):
        limit = datetime.fromisoformat(context.today) - timedelta(days=2 * days)
        if max(dates)[:10] < limit.strftime("%Y-%m-%d"):
            yield Message(
                "mise à jour annoncée {often}, mais la dernière date est {date}.",
                often=_FREQUENCIES.get(frequency, frequency),
                date=max(dates)[:10],
            )


_FREQUENCIES = {
    "continual": Message("en continu"),
    "daily": Message("chaque jour"),
    "weekly": Message("chaque semaine"),
    "fortnightly": Message("tous les quinze jours"),
    "monthly": Message("chaque mois"),
    "quarterly": Message("chaque trimestre"),
    "biannually": Message("deux fois par an"),
    "annually": Message("chaque année"),
    "biennially": Message("tous les deux ans"),
}


WHERE_AND_WHEN: tuple[Rule, ...] = (
    Rule(
        "extent",
        Message("l'emprise"),
        "geometry",
        8,
        "error",
        needs("geometry", Message("aucune emprise géographique.")),
        asked("1.7", Message("Sans emprise, la fiche n'est pas trouvée sur la carte")),
        Message("Donner le rectangle englobant, en degrés."),
        DATA,
    ),
    Rule(
        "extent-plausible",
        Message("une emprise plausible"),
        "geometry",
        4,
        "warning",
        _extent,
        Message("Une emprise fausse fait trouver la fiche là où elle n'est pas."),
        Message("Corriger le rectangle englobant."),
    ),
    Rule(
        "extent-place",
        Message("l'emprise et le lieu du titre"),
        "geometry",
        3,
        "warning",
        _named_place,
        Message("Le titre et l'emprise se contredisent."),
        Message("Corriger l'emprise ou le titre."),
    ),
    Rule(
        "date",
        Message("une date"),
        "dates",
        4,
        "error",
        _dated,
        asked("C.14"),
        Message("Donner au moins une date de la ressource."),
    ),
    Rule(
        "dates-order",
        Message("des dates dans l'ordre"),
        "dates",
        3,
        "warning",
        _dates_in_order,
        Message("Des dates en désordre font douter de toutes."),
        Message("Corriger les dates."),
    ),
    Rule(
        "crs",
        Message("le système de coordonnées"),
        "crs",
        3,
        "warning",
        _crs,
        asked("2.1", Message("Sans système connu, la donnée ne se superpose pas à d'autres")),
        Message("Donner un code EPSG, par exemple EPSG:2154."),
        DATA,
    ),
    Rule(
        "resolution",
        Message("la résolution ou l'échelle"),
        "resolution",
        2,
        "info",
        needs("resolution", Message("la résolution spatiale n'est pas dite.")),
        asked("1.9"),
        Message("Donner une échelle ou une distance."),
        DATA,
    ),
    Rule(
        "freshness",
        Message("la fréquence de mise à jour"),
        "maintenance",
        3,
        "info",
        _fresh,
        Message("Une donnée annoncée à jour et qui ne l'est pas trompe."),
        Message("Dire la fréquence de mise à jour, et la tenir ou la corriger."),
    ),
)
