"""How the resource can be used: by whom, under which licence, from which address, and by any client
of OGC API Records (20-004r1): what the JSON schema of a record asks, restated as rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from geoguichet.catalogue.formats import licences
from geoguichet.catalogue.formats.links import leads_somewhere
from geoguichet.catalogue.formats.mapping import beyond, said
from geoguichet.catalogue.quality.rules.description import (
    DATA,
    Check,
    Context,
    Fault,
    Rule,
    Told,
    asked,
    first,
    holds,
    needs,
)
from geoguichet.catalogue.record import Contact, Record
from geoguichet.floor.words import Message


def _access(record: Record, _: Context) -> Iterator[Message]:
    if (
        not any(
            item.get("access") or item.get("other") for item in said(record, "constraints") or ()
        )
        and not record.rights
    ):
        yield Message(
            "les restrictions d'accès public ne sont pas dites (« pas de restriction » se dit "
            "aussi)."
        )


def _licence(record: Record, _: Context) -> Iterator[Message]:
    named = record.license
    if not named and not record.rights:
        yield Message("aucune licence ni condition d'utilisation.")
    elif not named or not licences.exact(named):
        told = (named if named not in ("", "other") else record.rights)[:60]
        yield (
            Message(
                "la licence n'est pas reconnue (ni SPDX, ni Licence Ouverte) : « {told} ».",
                told=told,
            )
            if told
            else Message("la licence n'est pas reconnue (ni SPDX, ni Licence Ouverte).")
        )
    elif said(record, "licenseStatus"):
        yield Message(
            "la licence {licence} est à confirmer : elle n'est que proposée, par les mots "
            "« {told} ».",
            licence=named,
            told=record.rights[:60],
        )


def _responsible(record: Record, _: Context) -> Iterator[Message | Fault]:
    yield from _reachable(
        [(at, item) for at, item in enumerate(record.contacts) if not item.extra.get("about")],
        Message("responsable de la ressource"),
    )


def _metadata_contact(record: Record, _: Context) -> Iterator[Message | Fault]:
    contacts = [
        (at, item)
        for at, item in enumerate(record.contacts)
        if item.extra.get("about") == "metadata"
    ]
    yield from _reachable(contacts, Message("contact pour la fiche"))


#: Somebody at a place with a dot inside; no two parts can share a character, so that a long text
#: is read once.
_MAIL = re.compile(r"[^@\s]++@[^@\s][^@\s.]*+\.[^@\s]++")


def _reachable(contacts: list[tuple[int, Contact]], what: Message) -> Iterator[Message | Fault]:
    if not contacts:
        yield Message("aucun {what}.", what=what)
    elif not any(contact.organization and contact.emails for _, contact in contacts):
        yield Message(
            "aucun {what} n'a à la fois un organisme et une adresse électronique.", what=what
        )
    for at, contact in contacts:
        for number, point in enumerate(contact.emails):
            if not _MAIL.fullmatch(point.value):
                wrong = Message(
                    "« {address} » n'est pas une adresse électronique.", address=point.value[:60]
                )
                yield Fault(f"properties.contacts[{at}].emails[{number}].value", wrong)


_DATE = Message("une date AAAA-MM-JJ est attendue")
#: Member -> what was expected there; in French the reader of the format says it.
_EXPECTED = {
    "geometry": Message("des degrés (WGS 84) sont attendus : ouest, sud, est, nord"),
    **dict.fromkeys(("time", "dates", "updated", "created"), _DATE),
}
_UNCLEAR = Message("cela n'a pas pu être compris")


def _unreadable(record: Record, _: Context) -> Iterator[Fault]:
    for part in beyond(record).get("unreadable", ()):
        member, place = str(part.get("member", "")), str(part.get("path", ""))
        told = {
            "place": place,
            "text": str(part.get("text", ""))[:60],
            "reason": Told(str(part.get("reason", "")), _EXPECTED.get(member, _UNCLEAR)),
        }
        yield Fault(
            member if member in ("geometry", "time") else f"properties.{member}",
            Message(
                "ligne {line} : {place} dit « {text} » : {reason}.", line=str(part["line"]), **told
            )
            if part.get("line")
            else Message("{place} dit « {text} » : {reason}.", **told),
            place,
        )


USE: tuple[Rule, ...] = (
    Rule(
        "lineage",
        Message("la généalogie"),
        "lineage",
        5,
        "error",
        needs("lineage", Message("la généalogie n'est pas dite.")),
        asked("1.10", Message("On ne se fie qu'à une donnée dont on sait l'origine")),
        Message("Dire les sources et les traitements."),
        DATA,
    ),
    Rule(
        "conformity",
        Message("la conformité"),
        "conformity",
        3,
        "warning",
        needs("conformity", Message("la conformité n'est pas dite.")),
        asked("1.11", Message("Même « non évaluée » se dit")),
        Message("Citer le règlement 1089/2010 et le résultat."),
        DATA,
    ),
    Rule(
        "access",
        Message("les restrictions d'accès"),
        "constraints",
        4,
        "warning",
        _access,
        asked("C.17"),
        Message("Dire les restrictions, ou qu'il n'y en a pas."),
    ),
    Rule(
        "licence",
        Message("la licence"),
        "license",
        6,
        "warning",
        _licence,
        Message("Sans licence claire, la donnée ne peut pas être réutilisée."),
        Message(
            "Choisir une licence connue : Licence Ouverte 2.0 (etalab-2.0), ODbL-1.0, CC-BY-4.0."
        ),
    ),
    Rule(
        "responsible",
        Message("le responsable et son courriel"),
        "contacts",
        6,
        "error",
        _responsible,
        asked("C.10", Message("Il faut savoir à qui s'adresser")),
        Message("Donner organisme, courriel et rôle."),
    ),
    Rule(
        "metadata-contact",
        Message("le contact pour la fiche"),
        "contacts.metadata",
        2,
        "warning",
        _metadata_contact,
        asked("C.6", Message("Une erreur dans la fiche se signale à quelqu'un")),
        Message("Donner l'organisme et le courriel de qui tient la fiche."),
    ),
    Rule(
        "metadata-date",
        Message("la date de la fiche"),
        "updated",
        2,
        "warning",
        needs("updated", Message("la date de la fiche n'est pas dite.")),
        asked("C.7"),
        Message("Dater la fiche."),
    ),
    Rule(
        "metadata-language",
        Message("la langue de la fiche"),
        "language",
        1,
        "warning",
        needs("language", Message("la langue de la fiche n'est pas dite.")),
        asked("C.5"),
        Message("Donner la langue de la fiche, par exemple fr."),
    ),
    Rule(
        "format",
        Message("le format"),
        "formats",
        2,
        "info",
        needs("formats", Message("le format de distribution n'est pas dit.")),
        asked("2.3"),
        Message("Donner le format et sa version."),
        DATA,
    ),
    Rule(
        "location",
        Message("un lien vers la ressource"),
        "links",
        5,
        "warning",
        holds(
            lambda record: any(
                link.rel not in ("preview", "icon", "self", "alternate", "license")
                for link in record.links
            ),
            Message("aucun lien vers la ressource."),
        ),
        Message("Une fiche sans lien ne mène à rien."),
        Message("Ajouter l'adresse du téléchargement ou du service."),
    ),
    Rule(
        "service-type",
        Message("le type de service"),
        "serviceType",
        4,
        "error",
        needs("serviceType", Message("le type de service n'est pas dit.")),
        asked("3.4"),
        Message("Choisir view, download, discovery ou transformation."),
        ("service",),
    ),
    Rule(
        "unreadable",
        Message("ce qui n'a pu être lu"),
        "unreadable",
        5,
        "error",
        _unreadable,
        Message("Ce que la source dit là n'a pas pu être compris ; la fiche ne le dit donc pas."),
        Message("Corriger le document d'origine."),
    ),
)


# What the JSON schema of a record asks (OGC API Records, 20-004r1, clause 7 and recordGeoJSON),
# restated as rules. Each rule yields where it is not kept in the document as it is served, as a
# JSON path, and what is wrong there.


#: Yields where a document, as it is served, does not keep the schema.
type Faults = Callable[[Mapping[str, Any]], Iterator[Fault]]

_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIMESTAMP = rf"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?Z"
_PHONE = r"\+[1-9][0-9]{3,14}"
_MEDIA_TYPE = r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?"


# --- what is wanted, and where it is not there --------------------------------------------------


class _Wanted(NamedTuple):
    """What a member should be, and what is told when it is not."""

    #: From what holds it; empty for that itself.
    path: str
    holds: Callable[[Any], bool]
    otherwise: Message
    #: Characters told of what came, where the message has a ``{got}``.
    most: int = 30


class _Each(NamedTuple):
    """A list, and what is wanted of each of its items."""

    path: str
    wanted: tuple[_Wanted | _Each, ...]


_ABSENT, _NOWHERE = object(), object()


# Return what stands at a path: `_ABSENT` when it is not there, `_NOWHERE` when nothing is to hold
# it.
def _at(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        if value is None or value in (_ABSENT, _NOWHERE):
            return _NOWHERE
        value = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    return value


def _faults(place: str, value: Any, wanted: tuple[_Wanted | _Each, ...]) -> Iterator[Fault]:
    for row in wanted:
        found, path = _at(value, row.path), ".".join(filter(None, (place, row.path)))
        if found is _NOWHERE:
            continue
        if isinstance(row, _Wanted):
            if not row.holds(found):
                got = str(found)[: row.most]
                yield Fault(path, Message(row.otherwise.text, **row.otherwise.values, got=got))
        elif isinstance(found, list | tuple):
            for number, item in enumerate(found):
                yield from _faults(f"{path}[{number}]", item, row.wanted)
        elif found is not None and found is not _ABSENT:
            yield from _faults(path, None, row.wanted)


def _reader(*wanted: _Wanted | _Each) -> Faults:
    return lambda document: _faults("", document, wanted)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _unless(absent: Callable[[Any], bool], holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: absent(value) or holds(value)


def _optional(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is _ABSENT or holds(value)


def _is_named(value: Any, *names: str) -> bool:
    return _is_object(value) and any(_is_text(value.get(name)) for name in names)


def _is_filled(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value)


_TEXT = Message("un texte est attendu.")
_OBJECT = _Wanted("", _is_object, Message("un objet est attendu."))


# --- the rules ------------------------------------------------------------------------------------


def _geometry(path: str, shape: Any) -> Iterator[Fault]:
    kind = shape.get("type") if isinstance(shape, Mapping) else None
    if kind == "GeometryCollection":
        for number, part in enumerate(shape.get("geometries") or ()):
            yield from _geometry(f"{path}.geometries[{number}]", part)
    elif kind not in _GEOMETRIES:
        told = Message(
            "un type de géométrie GeoJSON est attendu, reçu « {got} ».", got=str(kind)[:30]
        )
        yield Fault(f"{path}.type", told)
    elif not all(
        -180 <= x <= 180 and -90 <= y <= 90 for x, y in _positions(shape.get("coordinates"))
    ):
        told = Message("des longitudes et latitudes en degrés sont attendues.")
        yield Fault(f"{path}.coordinates", told)


# Yield longitude and latitude of every position; what is no position yields one that is out of
# bounds.
def _positions(coordinates: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list | tuple) or not coordinates:
        yield 999.0, 999.0
    elif all(isinstance(number, int | float) for number in coordinates):
        yield (coordinates[0], coordinates[1]) if len(coordinates) in (2, 3) else (999.0, 999.0)
    else:
        for part in coordinates:
            yield from _positions(part)


def _geometry_or_null(document: Mapping[str, Any]) -> Iterator[Fault]:
    missing = Message("ce membre est attendu, null quand la ressource n'a pas de lieu.")
    if "geometry" not in document:
        yield Fault("geometry", missing)
    elif document["geometry"] is not None:
        yield from _geometry("geometry", document["geometry"])


def _keywords(document: Mapping[str, Any]) -> Iterator[Fault]:
    words = _at(document, "properties.keywords")
    listed = words if isinstance(words, list | tuple) else ()
    yield from _reader(_Each("properties.keywords", (_Wanted("", _is_text, _TEXT),)))(document)
    for number, word in enumerate(listed):
        if _is_text(word) and word in listed[:number]:
            twice = Message("« {word} » est donné deux fois.", word=word[:60])
            yield Fault(f"properties.keywords[{number}]", twice)


_POINTS = tuple(
    _Each(kind, (_Wanted("value", _is_text, _TEXT), *more))
    for kind, more in (
        ("emails", ()),
        (
            "phones",
            (
                _Wanted(
                    "value",
                    _unless(lambda value: not _is_text(value), _matches(_PHONE)),
                    Message(
                        "un numéro international sans espace est attendu (+33561000000), reçu « "
                        "{got} »."
                    ),
                ),
            ),
        ),
    )
)

#: Rule -> what reads a document for it.
SCHEMA: Mapping[str, Faults] = MappingProxyType(
    {
        "ogc-core": _reader(
            _Wanted("type", lambda value: value == "Feature", Message("« Feature » est attendu.")),
            _Wanted("id", _is_text, _TEXT),
            _OBJECT._replace(path="properties"),
            _Wanted("properties.type", _is_text, _TEXT),
            _Wanted("properties.title", _is_text, _TEXT),
            *(
                _Wanted(
                    f"properties.{name}", _optional(lambda value: isinstance(value, str)), _TEXT
                )
                for name in ("description", "license", "rights")
            ),
        ),
        "ogc-geometry": _geometry_or_null,
        "ogc-time": _reader(
            _Wanted(
                "time",
                lambda value: value is None or value is _ABSENT or _is_object(value),
                Message("null ou un objet est attendu."),
            ),
            _Wanted(
                "time.date",
                _optional(_matches(_DAY)),
                Message("AAAA-MM-JJ est attendu, reçu « {got} »."),
            ),
            _Wanted(
                "time.timestamp",
                _optional(_matches(_TIMESTAMP)),
                Message("AAAA-MM-JJThh:mm:ssZ est attendu, reçu « {got} »."),
            ),
            _Wanted(
                "time.interval",
                _optional(lambda value: isinstance(value, list | tuple) and len(value) == 2),
                Message("deux bornes sont attendues."),
            ),
            _Each(
                "time.interval",
                (
                    _Wanted(
                        "",
                        _matches(rf"{_DAY}|{_TIMESTAMP}|\.\."),
                        Message("une date, un instant UTC ou « .. » est attendu, reçu « {got} »."),
                    ),
                ),
            ),
        ),
        "ogc-keywords": _keywords,
        "ogc-themes": _reader(
            _Each(
                "properties.themes",
                (
                    _OBJECT,
                    _Wanted(
                        "scheme",
                        _is_text,
                        Message("le vocabulaire des concepts n'est pas nommé."),
                    ),
                    _Wanted("concepts", _is_filled, Message("au moins un concept est attendu.")),
                    _Each(
                        "concepts",
                        (_Wanted("id", _is_text, Message("un identifiant est attendu.")),),
                    ),
                ),
            )
        ),
        "ogc-contacts": _reader(
            _Each(
                "properties.contacts",
                (
                    _Wanted(
                        "",
                        lambda contact: _is_named(contact, "name", "organization"),
                        Message("un nom ou un organisme est attendu."),
                    ),
                    _Wanted(
                        "roles",
                        lambda roles: _is_filled(roles) and all(map(_is_text, roles)),
                        Message("au moins un rôle est attendu."),
                    ),
                    *_POINTS,
                ),
            )
        ),
        "ogc-link-members": _reader(
            _Each(
                "links",
                (
                    _OBJECT,
                    _Wanted("href", _is_text, _TEXT),
                    _Wanted("rel", _is_text, _TEXT),
                    _Wanted(
                        "type",
                        _unless(lambda kind: kind is _ABSENT or not kind, _matches(_MEDIA_TYPE)),
                        Message("un type de média est attendu, reçu « {got} »."),
                        40,
                    ),
                    _Wanted(
                        "length",
                        _optional(lambda length: isinstance(length, int) and length >= 0),
                        Message("un nombre d'octets est attendu."),
                    ),
                ),
            )
        ),
        "ogc-formats": _reader(
            _Each(
                "properties.formats",
                (
                    _Wanted(
                        "",
                        lambda form: _is_named(form, "name", "mediaType"),
                        Message("un nom ou un type de média est attendu."),
                    ),
                ),
            )
        ),
        "ogc-identifiers": _reader(
            _Each("properties.externalIds", (_Wanted("value", _is_text, _TEXT),)),
            _Wanted(
                "properties.language.code",
                _is_text,
                Message("un code de langue est attendu (RFC 5646)."),
            ),
        ),
    }
)


def _moments(record: Record, _: Context) -> Iterator[Fault]:
    for name, text in (("created", record.created), ("updated", record.updated)):
        if text and (not first(text) or "T" not in text):
            wrong = Message(
                "{name} : « {text} » n'est pas une date et heure RFC 3339.",
                name=name,
                text=text[:40],
            )
            yield Fault(f"properties.{name}", wrong)


def _addresses(record: Record, _: Context) -> Iterator[Fault]:
    for at, link in enumerate(record.links):
        if not _ADDRESS.match(link.href) or not leads_somewhere(link):
            wrong = Message("« {href} » n'est pas une adresse.", href=link.href[:60])
            yield Fault(f"links[{at}].href", wrong)


#: In full, or from the root of the portal (`record.Link`); ``www.example.org/x`` is neither.
_ADDRESS = re.compile(r"(?:https?|ftp|mailto|urn|file|data):|/|\.|[A-Za-z0-9_-]+/[^\s\\]*$")


# Make a check of one that reads the document of a record.
def _as_served(faults: Faults) -> Check:
    return lambda record, _: [
        Fault(path, Message("{path} : {fault}", path=path, fault=message))
        for path, message, _xpath in faults(record.to_geojson())
    ]


def _rule(name: str, label: Message, member: str, wanted: Message, remedy: Message) -> Rule:
    why = Message(
        "OGC API Records (20-004r1) demande {wanted} : sans cela, un client peut ne pas lire la "
        "fiche.",
        wanted=wanted,
    )
    return Rule(name, label, member, 1, "error", _as_served(SCHEMA[name]), why, remedy)


SERVED: tuple[Rule, ...] = (
    Rule(
        "ogc-moments",
        Message("OGC : dates et heures"),
        "updated",
        1,
        "error",
        _moments,
        Message("OGC API Records demande des dates RFC 3339."),
        Message("Écrire AAAA-MM-JJThh:mm:ssZ."),
    ),
    Rule(
        "ogc-links",
        Message("OGC : adresses des liens"),
        "links",
        2,
        "error",
        _addresses,
        Message("OGC API Records demande que href soit une adresse."),
        Message("Corriger ou retirer le lien."),
    ),
    _rule(
        "ogc-core",
        Message("OGC : type, identifiant, titre"),
        "id",
        Message("un type, un identifiant et un titre"),
        Message("Compléter la fiche."),
    ),
    _rule(
        "ogc-geometry",
        Message("OGC : géométrie"),
        "geometry",
        Message("une géométrie GeoJSON, ou null"),
        Message("Corriger la géométrie."),
    ),
    _rule(
        "ogc-time",
        Message("OGC : période"),
        "time",
        Message("une date, un instant ou un intervalle"),
        Message("Écrire AAAA-MM-JJ, ou « .. » du côté ouvert."),
    ),
    _rule(
        "ogc-keywords",
        Message("OGC : mots-clés"),
        "keywords",
        Message("des mots-clés tous différents"),
        Message("Retirer les mots-clés répétés."),
    ),
    _rule(
        "ogc-themes",
        Message("OGC : thèmes"),
        "themes",
        Message("le vocabulaire et les concepts d'un thème"),
        Message("Nommer le vocabulaire du thème."),
    ),
    _rule(
        "ogc-contacts",
        Message("OGC : contacts"),
        "contacts",
        Message("un nom ou un organisme, et un rôle"),
        Message("Compléter ou corriger le contact."),
    ),
    _rule(
        "ogc-link-members",
        Message("OGC : rôle des liens"),
        "links",
        Message("href et rel dans chaque lien"),
        Message("Dire à quoi sert chaque lien (rel)."),
    ),
    _rule(
        "ogc-formats",
        Message("OGC : formats"),
        "formats",
        Message("un nom ou un type de média"),
        Message("Nommer le format."),
    ),
    _rule(
        "ogc-identifiers",
        Message("OGC : identifiants et langue"),
        "externalIds",
        Message("une valeur et un code de langue"),
        Message("Compléter l'identifiant ou la langue."),
    ),
)
