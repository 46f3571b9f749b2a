"""What is missing, wrong or doubtful in a record: ISO 19115, INSPIRE (technical guidance 2.0), OGC Records, and sense.

Every rule says what it found, where, why it matters and how to mend it; the score is the share of the weights of the
rules that apply to the record and find nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from geoguichet.catalogue import codes, iso19139
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.mapping import INSPIRE_THEME, TOPIC_CATEGORY, said
from geoguichet.catalogue.record import Contact, Extent, Record, instant_keys
from geoguichet.catalogue.record_schema import SCHEMA, Fault
from geoguichet.catalogue.text import words
from geoguichet.referentials.quality import Finding, Severity


@dataclass(frozen=True, slots=True, order=True)
class RecordFinding(Finding):
    """A finding in a record: where in its JSON and in ISO 19139, why it matters, how to mend it."""

    where: str = ""
    xpath: str = ""
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How complete and sound a record is: 0 to 100, with what each rule gave of what it could give."""

    value: int
    parts: tuple[tuple[str, int, int], ...]
    """Rule, points given, points possible."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A record's findings and score."""

    id: str
    findings: tuple[RecordFinding, ...]
    score: Score

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        parts = [{"rule": rule, "points": points, "possible": possible} for rule, points, possible in self.score.parts]
        findings = [finding.as_dict() for finding in self.findings]
        return {"id": self.id, "score": self.score.value, "parts": parts, "findings": findings}

    def as_text(self) -> str:
        """Return it in words: the score, then each finding with where, why and how to mend it."""
        lines = [f"{self.id} : {self.score.value}/100"]
        marks = {"error": "erreur", "warning": "avertissement", "info": "à savoir"}
        for finding in self.findings:
            lines.append(f"  [{marks[finding.severity]}] {finding.message}")
            lines.append(f"      où : {finding.where}" + (f" ({finding.xpath})" if finding.xpath else ""))
            lines.append(f"      pourquoi : {finding.why}")
            lines.append(f"      remède : {finding.remedy}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Context:
    """What a check knows beside the record: the day, and the boxes of places a title may name."""

    today: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))
    places: Mapping[str, Extent] = field(default_factory=dict)
    """Folded names of communes and départements, and their boxes; a name borne by two places is left out."""


type Check = Callable[[Record, Context], Iterable[str | Fault]]
"""Yields what it finds; with the path where in the document when that is not the whole member of its rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks at, for which types of records, what it weighs, and what a person should know."""

    name: str
    member: str
    weight: int
    severity: Severity
    check: Check
    why: str
    remedy: str
    types: tuple[str, ...] = ()
    """Types of records it applies to; all when empty."""


def check(record: Record, *, context: Context | None = None, more: Iterable[RecordFinding] = ()) -> Checked:
    """Check a record against every rule that applies to its type; ``more`` are findings made elsewhere (its links)."""
    context = context or Context()
    findings: list[RecordFinding] = []
    parts: list[tuple[str, int, int]] = []
    for rule in RULES:
        if rule.types and (record.type or "dataset") not in rule.types:
            continue
        messages = list(rule.check(record, context))
        findings += [_finding(record, rule, message) for message in messages]
        parts.append((rule.name, 0 if messages else rule.weight, rule.weight))
    findings += more
    total = sum(weight for _, _, weight in parts)
    given = sum(points for _, points, _ in parts)
    findings.sort(key=lambda finding: ("error", "warning", "info").index(finding.severity))
    return Checked(record.id, tuple(findings), Score(round(100 * given / total), tuple(parts)))


def totals(records: Iterable[tuple[str, Checked]]) -> list[dict[str, Any]]:
    """Return, per group (an organisation, a source), how many records, their mean score, errors and warnings."""
    groups: dict[str, list[Checked]] = {}
    for group, checked in records:
        groups.setdefault(group, []).append(checked)
    return [
        {
            "group": group,
            "records": len(listed),
            "score": round(sum(item.score.value for item in listed) / len(listed)),
            "errors": sum(finding.severity == "error" for item in listed for finding in item.findings),
            "warnings": sum(finding.severity == "warning" for item in listed for finding in item.findings),
        }
        for group, listed in sorted(groups.items())
    ]


def organisation_of(record: Record) -> str:
    """Return who answers for a record: its publisher, else its point of contact, else nobody."""
    named = [contact for contact in record.contacts if contact.organization and not contact.extra.get("about")]
    published = [contact.organization for contact in named if "publisher" in contact.roles]
    return next(iter([*published, *(contact.organization for contact in named)]), "")


_PROPERTIES = frozenset({"id", "geometry", "time", "links"})
_XPATHS = {row.member: f"/MD_Metadata/{row.path}" for row in reversed(iso19139.MAPPING)}


def _finding(record: Record, rule: Rule, found: str | Fault) -> RecordFinding:
    member = rule.member.partition(".")[0]
    where, message = found if isinstance(found, tuple) else ("", found)
    where = where or (member if member in _PROPERTIES else f"properties.{member}")
    xpath = _XPATHS.get(rule.member) or _XPATHS.get(member, "")
    return RecordFinding(
        rule.name,
        "catalogue",
        record.id,
        message,
        rule.severity,
        where=where,
        xpath=xpath,
        why=rule.why,
        remedy=rule.remedy,
    )


# --- what must be there ----------------------------------------------------------------------------------------------


def _needs(member: str, message: str) -> Check:
    return lambda record, _: [] if said(record, member) else [message]


def _title(record: Record, _: Context) -> Iterator[str]:
    title = record.title.strip()
    if title and (len(title) < 8 or ("_" in title and " " not in title)):
        yield f"le titre « {title[:60]} » ressemble à un nom de fichier ou de couche."
    elif len(title) > 20 and title.isupper():
        yield "le titre est tout en capitales."


_PLACEHOLDER = re.compile(r"^--|--$|lorem ipsum|\btodo\b|à compléter|a completer|\bxxx+\b|titre du jeu", re.IGNORECASE)


def _placeholders(record: Record, _: Context) -> Iterator[str]:
    for name, text in (("titre", record.title), ("résumé", record.description)):
        if _PLACEHOLDER.search(text):
            yield f"le {name} est resté celui d'un modèle : « {text[:60]} »."


def _abstract(record: Record, _: Context) -> Iterator[str]:
    text = record.description.strip()
    if text and (len(text) < 40 or text.casefold() == record.title.strip().casefold()):
        yield "le résumé est trop court pour dire ce que contient la ressource."


def _dated(record: Record, _: Context) -> Iterator[str]:
    kinds = {item.get("type") for item in said(record, "dates") or ()}
    if not kinds & {"creation", "publication", "revision"}:
        yield "aucune date de création, de publication ou de révision de la ressource."


def _topic(record: Record, _: Context) -> Iterator[str]:
    topics = [item.id for theme in record.themes if theme.scheme == TOPIC_CATEGORY for item in theme.concepts]
    if not topics:
        yield "aucune catégorie thématique ISO 19115."
    for topic in topics:
        if topic not in codes.TOPIC_CATEGORIES:
            yield f"« {topic} » n'est pas une catégorie thématique ISO 19115."


def _theme(record: Record, _: Context) -> Iterator[str]:
    themes = [item for theme in record.themes if theme.scheme == INSPIRE_THEME for item in theme.concepts]
    if not themes and not any(codes.inspire_theme(word) for word in record.keywords):
        yield "aucun thème INSPIRE."
    for item in themes:
        if not codes.inspire_theme(item.id) and not codes.inspire_theme(item.title):
            yield f"« {item.title or item.id} » n'est pas l'un des 34 thèmes INSPIRE."


def _responsible(record: Record, _: Context) -> Iterator[str]:
    yield from _reachable(
        [item for item in record.contacts if not item.extra.get("about")], "responsable de la ressource"
    )


def _metadata_contact(record: Record, _: Context) -> Iterator[str]:
    yield from _reachable(
        [item for item in record.contacts if item.extra.get("about") == "metadata"], "contact pour la fiche"
    )


def _reachable(contacts: list[Contact], what: str) -> Iterator[str]:
    if not contacts:
        yield f"aucun {what}."
    elif not any(contact.organization and contact.emails for contact in contacts):
        yield f"aucun {what} n'a à la fois un organisme et une adresse électronique."
    for contact in contacts:
        for point in contact.emails:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", point.value):
                yield f"« {point.value[:60]} » n'est pas une adresse électronique."


def _access(record: Record, _: Context) -> Iterator[str]:
    constraints = said(record, "constraints") or ()
    if not any(item.get("access") or item.get("other") for item in constraints) and not record.rights:
        yield "les restrictions d'accès public ne sont pas dites (« pas de restriction » se dit aussi)."


def _licence(record: Record, _: Context) -> Iterator[str]:
    if not record.license and not record.rights:
        yield "aucune licence ni condition d'utilisation."
    elif record.license in ("", "other"):
        yield "la licence n'est pas reconnue (ni SPDX, ni Licence Ouverte)."


def _resource_identifier(record: Record, _: Context) -> Iterator[str]:
    if not record.external_ids:
        yield "la ressource n'a pas d'identifiant unique."


def _located(record: Record, _: Context) -> Iterator[str]:
    if not any(link.rel not in ("preview", "icon", "self", "alternate") for link in record.links):
        yield "aucun lien vers la ressource."


# --- what must make sense --------------------------------------------------------------------------------------------


def _extent(record: Record, _: Context) -> Iterator[str]:
    box = record.extent
    if box is None:
        return
    if box.west == box.east and box.south == box.north and record.geometry and record.geometry["type"] != "Point":
        yield "l'emprise est réduite à un point."
    if (box.west, box.south, box.east, box.north) == (-180, -90, 180, 90):
        yield "l'emprise est le monde entier."
    if box.west == box.south == box.east == box.north == 0:
        yield "l'emprise est le point zéro."


def _named_place(record: Record, context: Context) -> Iterator[str]:
    """Compare the extent with the place that the title names, the longest name first."""
    box = record.extent
    if box is None or not context.places:
        return
    title = words(record.title)
    for length in range(min(6, len(title)), 0, -1):
        for start in range(len(title) - length + 1):
            place = " ".join(title[start : start + length])
            if place in context.places and len(place) > 3:
                if not box.intersects(context.places[place]):
                    yield f"l'emprise ne touche pas « {place} », que le titre nomme."
                return


def _dates_in_order(record: Record, context: Context) -> Iterator[str]:
    dates = {item.get("type"): item["date"] for item in said(record, "dates") or ()}
    for before, after in (("creation", "publication"), ("creation", "revision"), ("publication", "revision")):
        if before in dates and after in dates and _first(dates[before]) > _last(dates[after]):
            yield f"la date de {_KINDS[before]} ({dates[before]}) suit celle de {_KINDS[after]} ({dates[after]})."
    for kind, date in dates.items():
        if _first(date)[:10] > context.today:
            yield f"la date de {_KINDS.get(str(kind), str(kind))} ({date}) est à venir."
    if record.time is not None and record.time.extra.get("reversed"):
        yield "la période couverte finit avant de commencer."


_KINDS = {"creation": "création", "publication": "publication", "revision": "révision"}


def _first(date: str) -> str:
    try:
        return instant_keys(date)[0]
    except RecordError:
        return ""


def _last(date: str) -> str:
    try:
        return instant_keys(date)[1]
    except RecordError:
        return "~"


def _crs(record: Record, _: Context) -> Iterator[str]:
    systems = said(record, "crs") or ()
    if not systems:
        yield "aucun système de coordonnées."
    for system in systems:
        if not system.startswith("EPSG:") or not _known_crs(system):
            yield f"« {system[:60]} » n'est pas un système de coordonnées connu."


def _known_crs(code: str) -> bool:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(code)
    except CRSError:
        return False
    return True


def _fresh(record: Record, context: Context) -> Iterator[str]:
    frequency = (said(record, "maintenance") or {}).get("frequency", "")
    if not frequency:
        yield "la fréquence de mise à jour n'est pas dite."
        return
    days = codes.FREQUENCIES.get(frequency, ("", 0))[1]
    dates = [_first(item["date"]) for item in said(record, "dates") or () if item.get("type") in _KINDS]
    if days and dates and max(dates):
        limit = datetime.fromisoformat(context.today) - timedelta(days=2 * days)
        if max(dates)[:10] < limit.strftime("%Y-%m-%d"):
            yield f"mise à jour annoncée « {frequency} », mais la dernière date est {max(dates)[:10]}."


def _unreadable(record: Record, _: Context) -> Iterator[str]:
    for part in said(record, "unreadable") or ():
        line = f"ligne {part['line']} : " if part.get("line") else ""
        yield f"{line}{part.get('path', '')} dit « {str(part.get('text', ''))[:60]} » : {part.get('reason', '')}."


def _moments(record: Record, _: Context) -> Iterator[str]:
    for name, text in (("created", record.created), ("updated", record.updated)):
        if text and (not _first(text) or "T" not in text):
            yield f"{name} : « {text[:40]} » n'est pas une date et heure RFC 3339."


def _addresses(record: Record, _: Context) -> Iterator[str]:
    for link in record.links:
        if not _ADDRESS.match(link.href):
            yield f"« {link.href[:60]} » n'est pas une adresse."


_ADDRESS = re.compile(r"(?:https?|ftp|mailto|urn|file|data):|/|\.|[A-Za-z0-9_-]+/[^\s\\]*$")
"""In full, or from the root of the portal (`record.Link`); ``www.example.org/x`` is neither."""


def _as_served(faults: Callable[[Mapping[str, Any]], Iterable[Fault]]) -> Check:
    """Make a check of one that reads the document of a record."""
    return lambda record, _: [(path, f"{path} : {message}") for path, message in faults(record.to_geojson())]


_DATA = ("dataset", "series")
_INSPIRE = "demandé par INSPIRE (guide technique 2.0)"
_ASKED = f"D{_INSPIRE[1:]}"

RULES: tuple[Rule, ...] = (
    Rule(
        "title",
        "title",
        10,
        "error",
        _needs("title", "la fiche n'a pas de titre."),
        f"Le titre est ce qu'on voit en premier ; {_INSPIRE}, TG C.8.",
        "Donner un titre court et parlant : quoi, où, quand.",
    ),
    Rule(
        "title-readable",
        "title",
        3,
        "warning",
        _title,
        "Un titre que seul son auteur comprend n'est pas trouvé.",
        "Écrire le titre en mots, avec le lieu.",
    ),
    Rule(
        "placeholder",
        "description",
        3,
        "error",
        _placeholders,
        "Un texte de modèle trompe le lecteur.",
        "Remplacer le texte du modèle.",
    ),
    Rule(
        "abstract",
        "description",
        8,
        "error",
        _needs("description", "la fiche n'a pas de résumé."),
        f"Le résumé dit si la donnée convient ; {_INSPIRE}, TG C.9.",
        "Dire le contenu, l'usage, le territoire, la source.",
    ),
    Rule(
        "abstract-long",
        "description",
        3,
        "warning",
        _abstract,
        "Un résumé d'une ligne ne permet pas de choisir.",
        "Écrire au moins deux phrases.",
    ),
    Rule(
        "type",
        "type",
        2,
        "error",
        _needs("type", "le type de ressource n'est pas dit."),
        f"Le type décide des règles ; {_INSPIRE}, TG C.5.",
        "Choisir dataset, series ou service.",
    ),
    Rule(
        "resource-identifier",
        "externalIds",
        4,
        "warning",
        _resource_identifier,
        f"L'identifiant relie la fiche à la donnée ; {_INSPIRE}, TG 1.3.",
        "Donner un identifiant unique, de préférence une adresse.",
        _DATA,
    ),
    Rule(
        "resource-language",
        "resourceLanguages",
        1,
        "warning",
        _needs("resourceLanguages", "la langue de la ressource n'est pas dite."),
        f"{_ASKED}, TG 1.6.",
        "Donner la langue, par exemple fre.",
        _DATA,
    ),
    Rule(
        "topic-category",
        "themes.topicCategory",
        3,
        "error",
        _topic,
        f"Les portails classent par catégorie ; {_INSPIRE}, TG 1.5.",
        "Choisir une catégorie ISO 19115.",
        _DATA,
    ),
    Rule(
        "inspire-theme",
        "themes",
        3,
        "warning",
        _theme,
        f"{_ASKED}, TG 1.4, pour les données des annexes.",
        "Choisir le thème dans la liste INSPIRE (GEMET).",
        _DATA,
    ),
    Rule(
        "keywords",
        "keywords",
        3,
        "warning",
        lambda record, _: [] if record.keywords or record.themes else ["aucun mot-clé."],
        "Les mots-clés font trouver la fiche.",
        "Ajouter des mots-clés.",
    ),
    Rule(
        "extent",
        "geometry",
        8,
        "error",
        _needs("geometry", "aucune emprise géographique."),
        f"Sans emprise, la fiche n'est pas trouvée sur la carte ; {_INSPIRE}, TG 1.7.",
        "Donner le rectangle englobant en degrés.",
        _DATA,
    ),
    Rule(
        "extent-plausible",
        "geometry",
        4,
        "warning",
        _extent,
        "Une emprise fausse fait trouver la fiche là où elle n'est pas.",
        "Corriger le rectangle.",
    ),
    Rule(
        "extent-place",
        "geometry",
        3,
        "warning",
        _named_place,
        "Titre et emprise se contredisent.",
        "Corriger l'emprise ou le titre.",
    ),
    Rule(
        "date",
        "dates",
        4,
        "error",
        _dated,
        f"{_ASKED}, TG C.14.",
        "Donner au moins une date de la ressource.",
    ),
    Rule(
        "dates-order",
        "dates",
        3,
        "warning",
        _dates_in_order,
        "Des dates en désordre font douter de toutes.",
        "Corriger les dates.",
    ),
    Rule(
        "lineage",
        "lineage",
        5,
        "error",
        _needs("lineage", "la généalogie n'est pas dite."),
        f"On ne se fie qu'à une donnée dont on sait l'origine ; {_INSPIRE}, TG 1.10.",
        "Dire les sources et les traitements.",
        _DATA,
    ),
    Rule(
        "resolution",
        "resolution",
        2,
        "info",
        _needs("resolution", "la résolution spatiale n'est pas dite."),
        f"{_ASKED}, TG 1.9.",
        "Donner une échelle ou une distance.",
        _DATA,
    ),
    Rule(
        "conformity",
        "conformity",
        3,
        "warning",
        _needs("conformity", "la conformité n'est pas dite."),
        f"{_ASKED}, TG 1.11 : même « non évaluée » se dit.",
        "Citer le règlement 1089/2010 et le résultat.",
        _DATA,
    ),
    Rule(
        "access",
        "constraints",
        4,
        "warning",
        _access,
        f"{_ASKED}, TG C.17.",
        "Dire les restrictions, ou qu'il n'y en a pas.",
    ),
    Rule(
        "licence",
        "license",
        6,
        "warning",
        _licence,
        "Sans licence claire, la donnée ne peut pas être réutilisée.",
        "Choisir une licence : Licence Ouverte 2.0, ODbL...",
    ),
    Rule(
        "responsible",
        "contacts",
        6,
        "error",
        _responsible,
        f"Il faut savoir à qui s'adresser ; {_INSPIRE}, TG C.10.",
        "Donner organisme, courriel et rôle.",
    ),
    Rule(
        "metadata-contact",
        "contacts.metadata",
        2,
        "warning",
        _metadata_contact,
        f"{_ASKED}, TG C.6.",
        "Donner le contact de la fiche.",
    ),
    Rule(
        "metadata-date",
        "updated",
        2,
        "warning",
        _needs("updated", "la date de la fiche n'est pas dite."),
        f"{_ASKED}, TG C.7.",
        "Dater la fiche.",
    ),
    Rule(
        "metadata-language",
        "language",
        1,
        "warning",
        _needs("language", "la langue de la fiche n'est pas dite."),
        f"{_ASKED}, TG C.5.",
        "Donner la langue de la fiche.",
    ),
    Rule(
        "crs",
        "crs",
        3,
        "warning",
        _crs,
        f"{_ASKED}, TG 2.1 : sans système connu, la donnée ne se superpose pas.",
        "Donner un code EPSG.",
        _DATA,
    ),
    Rule(
        "format",
        "formats",
        2,
        "info",
        _needs("formats", "le format de distribution n'est pas dit."),
        f"{_ASKED}, TG 2.3.",
        "Donner le format et sa version.",
        _DATA,
    ),
    Rule(
        "location",
        "links",
        5,
        "warning",
        _located,
        "Une fiche sans lien ne mène à rien.",
        "Ajouter l'adresse du téléchargement ou du service.",
    ),
    Rule(
        "service-type",
        "serviceType",
        4,
        "error",
        _needs("serviceType", "le type de service n'est pas dit."),
        f"{_ASKED}, TG 3.4.",
        "Choisir view, download, discovery ou transformation.",
        ("service",),
    ),
    Rule(
        "freshness",
        "maintenance",
        3,
        "info",
        _fresh,
        "Une donnée annoncée à jour et qui ne l'est pas trompe.",
        "Mettre à jour la donnée, ou la fréquence.",
    ),
    Rule(
        "unreadable",
        "unreadable",
        5,
        "error",
        _unreadable,
        "Ce que la source dit là n'a pas pu être compris.",
        "Corriger le document d'origine.",
    ),
    Rule(
        "ogc-moments",
        "updated",
        1,
        "error",
        _moments,
        "OGC API Records demande des dates RFC 3339.",
        "Écrire AAAA-MM-JJThh:mm:ssZ.",
    ),
    Rule(
        "ogc-links",
        "links",
        2,
        "error",
        _addresses,
        "OGC API Records demande que href soit une adresse.",
        "Corriger ou retirer le lien.",
    ),
    *(
        Rule(name, member, 1, "error", _as_served(faults), f"OGC API Records (20-004r1) demande {wanted}.", remedy)
        for name, member, faults, wanted, remedy in SCHEMA
    ),
)
"""Every rule, in the order it is told."""
