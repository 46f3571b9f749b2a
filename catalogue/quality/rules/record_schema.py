"""What the JSON schema of a record asks (OGC API Records, 20-004r1, clause 7 and recordGeoJSON),
restated as rules.

Each rule yields where it is not kept in the document as it is served, as a JSON path, and what is
wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from geoguichet.catalogue.quality.rules.place_and_time import first
from geoguichet.catalogue.quality.rules.rule import Check, Context, Fault, Rule, Words
from geoguichet.catalogue.record import Record

type Faults = Callable[[Mapping[str, Any]], Iterator[Fault]]
"""Yields where a document, as it is served, does not keep the schema."""

_TEXT = Words("un texte est attendu.", "a text is expected.")
_OBJECT = Words("un objet est attendu.", "an object is expected.")
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIMESTAMP = rf"{_DATE}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?Z"
_PHONE = r"\+[1-9][0-9]{3,14}"
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?")


def core(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``type`` is Feature, ``id`` a text, ``properties`` an object whose ``type`` and ``title`` are
    texts.
    """
    if document.get("type") != "Feature":
        yield Fault("type", Words("« Feature » est attendu.", "“Feature” is expected."))
    if not _is_text(document.get("id")):
        yield Fault("id", _TEXT)
    properties = document.get("properties")
    if not isinstance(properties, Mapping):
        yield Fault("properties", _OBJECT)
        return
    for name in ("type", "title"):
        if not _is_text(properties.get(name)):
            yield Fault(f"properties.{name}", _TEXT)
    for name in ("description", "license", "rights"):
        if name in properties and not isinstance(properties[name], str):
            yield Fault(f"properties.{name}", _TEXT)


def geometry(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``geometry`` is there: null, or a GeoJSON geometry whose positions are in degrees."""
    if "geometry" not in document:
        yield Fault(
            "geometry",
            Words(
                "ce membre est attendu, null quand la ressource n'a pas de lieu.",
                "this member is expected, null when the resource has no place.",
            ),
        )
        return
    shape = document["geometry"]
    if shape is not None:
        yield from _geometry("geometry", shape)


def _geometry(path: str, shape: Any) -> Iterator[Fault]:
    kind = shape.get("type") if isinstance(shape, Mapping) else None
    if kind == "GeometryCollection":
        for number, part in enumerate(_listed(shape.get("geometries"))):
            yield from _geometry(f"{path}.geometries[{number}]", part)
    elif kind not in _GEOMETRIES:
        yield Fault(
            f"{path}.type",
            Words(
                f"un type de géométrie GeoJSON est attendu, reçu « {str(kind)[:30]} ».",
                f"a type of GeoJSON geometry is expected, got “{str(kind)[:30]}”.",
            ),
        )
    elif not all(
        -180 <= x <= 180 and -90 <= y <= 90 for x, y in _positions(shape.get("coordinates"))
    ):
        yield Fault(
            f"{path}.coordinates",
            Words(
                "des longitudes et latitudes en degrés sont attendues.",
                "longitudes and latitudes in degrees are expected.",
            ),
        )


def _positions(coordinates: Any) -> Iterator[tuple[float, float]]:
    """Yield longitude and latitude of every position; what is no position yields one that is out of
    bounds.
    """
    if not isinstance(coordinates, list | tuple) or not coordinates:
        yield 999.0, 999.0
    elif all(isinstance(number, int | float) for number in coordinates):
        yield (coordinates[0], coordinates[1]) if len(coordinates) in (2, 3) else (999.0, 999.0)
    else:
        for part in coordinates:
            yield from _positions(part)


def time(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``time`` is null, or says a date, a timestamp (UTC) or an interval of two of them, ``..``
    where it is open.
    """
    told = document.get("time")
    if told is None:
        return
    if not isinstance(told, Mapping):
        yield Fault(
            "time", Words("null ou un objet est attendu.", "null or an object is expected.")
        )
        return
    for name, pattern in (("date", _DATE), ("timestamp", _TIMESTAMP)):
        if name in told and not _matches(pattern, told[name]):
            shape = (
                ("AAAA-MM-JJ", "YYYY-MM-DD")
                if name == "date"
                else ("AAAA-MM-JJThh:mm:ssZ", "YYYY-MM-DDThh:mm:ssZ")
            )
            yield Fault(
                f"time.{name}",
                Words(
                    f"{shape[0]} est attendu, reçu « {str(told[name])[:30]} ».",
                    f"{shape[1]} is expected, got “{str(told[name])[:30]}”.",
                ),
            )
    if "interval" in told:
        ends = _listed(told["interval"])
        if len(ends) != 2:
            yield Fault(
                "time.interval", Words("deux bornes sont attendues.", "two ends are expected.")
            )
        for number, end in enumerate(ends):
            if not _matches(rf"{_DATE}|{_TIMESTAMP}|\.\.", end):
                yield Fault(
                    f"time.interval[{number}]",
                    Words(
                        "une date, un instant UTC ou « .. » est attendu, reçu « "
                        f"{str(end)[:30]} ».",
                        f"a date, an instant in UTC or “..” is expected, got “{str(end)[:30]}”.",
                    ),
                )


def keywords(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``keywords`` are texts, none twice."""
    seen: set[str] = set()
    for path, word in _each(document, "keywords"):
        if not _is_text(word):
            yield Fault(path, _TEXT)
        elif word in seen:
            yield Fault(
                path,
                Words(f"« {word[:60]} » est donné deux fois.", f"“{word[:60]}” is given twice."),
            )
        else:
            seen.add(word)


def themes(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``themes`` names its scheme and at least one concept, by its id."""
    for path, theme in _each(document, "themes"):
        if not isinstance(theme, Mapping):
            yield Fault(path, _OBJECT)
            continue
        if not _is_text(theme.get("scheme")):
            yield Fault(
                f"{path}.scheme",
                Words(
                    "le vocabulaire des concepts n'est pas nommé.",
                    "the vocabulary of the concepts is not named.",
                ),
            )
        concepts = _listed(theme.get("concepts"))
        if not concepts:
            yield Fault(
                f"{path}.concepts",
                Words("au moins un concept est attendu.", "at least one concept is expected."),
            )
        for number, concept in enumerate(concepts):
            if not isinstance(concept, Mapping) or not _is_text(concept.get("id")):
                yield Fault(
                    f"{path}.concepts[{number}].id",
                    Words("un identifiant est attendu.", "an identifier is expected."),
                )


def contacts(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``contacts`` has a name or an organization, and roles; e-mails and (international)
    telephones a value.
    """
    for path, contact in _each(document, "contacts"):
        if not isinstance(contact, Mapping):
            yield Fault(path, _OBJECT)
            continue
        if not (_is_text(contact.get("name")) or _is_text(contact.get("organization"))):
            yield Fault(
                path,
                Words(
                    "un nom ou un organisme est attendu.", "a name or an organisation is expected."
                ),
            )
        roles = contact.get("roles")
        if not _listed(roles) or not all(map(_is_text, _listed(roles))):
            yield Fault(
                f"{path}.roles",
                Words("au moins un rôle est attendu.", "at least one role is expected."),
            )
        for kind in ("emails", "phones"):
            for number, point in enumerate(_listed(contact.get(kind))):
                told = point.get("value") if isinstance(point, Mapping) else None
                if not _is_text(told):
                    yield Fault(f"{path}.{kind}[{number}].value", _TEXT)
                elif kind == "phones" and not _matches(_PHONE, told):
                    words = Words(
                        "un numéro international sans espace est attendu (+33561000000), reçu « "
                        f"{str(told)[:30]} ».",
                        "an international number without spaces is expected (+33561000000), got "
                        f"“{str(told)[:30]}”.",
                    )
                    yield Fault(f"{path}.{kind}[{number}].value", words)


def links(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``links`` has an address and a relation; its type is a media type, its length a
    number of bytes.
    """
    for number, link in enumerate(_listed(document.get("links"))):
        path = f"links[{number}]"
        if not isinstance(link, Mapping):
            yield Fault(path, _OBJECT)
            continue
        for name in ("href", "rel"):
            if not _is_text(link.get(name)):
                yield Fault(f"{path}.{name}", _TEXT)
        if link.get("type") and not _MEDIA_TYPE.fullmatch(str(link["type"])):
            yield Fault(
                f"{path}.type",
                Words(
                    f"un type de média est attendu, reçu « {str(link['type'])[:40]} ».",
                    f"a media type is expected, got “{str(link['type'])[:40]}”.",
                ),
            )
        if "length" in link and (not isinstance(link["length"], int) or link["length"] < 0):
            yield Fault(
                f"{path}.length",
                Words("un nombre d'octets est attendu.", "a number of bytes is expected."),
            )


def formats(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``formats`` has a name or a media type."""
    for path, form in _each(document, "formats"):
        if not isinstance(form, Mapping) or not (
            _is_text(form.get("name")) or _is_text(form.get("mediaType"))
        ):
            yield Fault(
                path,
                Words(
                    "un nom ou un type de média est attendu.", "a name or a media type is expected."
                ),
            )


def identifiers(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``externalIds`` has a value; ``language`` has a code."""
    for path, other in _each(document, "externalIds"):
        if not isinstance(other, Mapping) or not _is_text(other.get("value")):
            yield Fault(f"{path}.value", _TEXT)
    language = _properties(document).get("language")
    if language is not None and not (
        isinstance(language, Mapping) and _is_text(language.get("code"))
    ):
        yield Fault(
            "properties.language.code",
            Words(
                "un code de langue est attendu (RFC 5646).",
                "a language code is expected (RFC 5646).",
            ),
        )


def _moments(record: Record, _: Context) -> Iterator[Fault]:
    for name, text in (("created", record.created), ("updated", record.updated)):
        if text and (not first(text) or "T" not in text):
            words = Words(
                f"{name} : « {text[:40]} » n'est pas une date et heure RFC 3339.",
                f"{name}: “{text[:40]}” is no date and time of RFC 3339.",
            )
            yield Fault(f"properties.{name}", words)


def _addresses(record: Record, _: Context) -> Iterator[Fault]:
    for at, link in enumerate(record.links):
        if not _ADDRESS.match(link.href):
            words = Words(
                f"« {link.href[:60]} » n'est pas une adresse.", f"“{link.href[:60]}” is no address."
            )
            yield Fault(f"links[{at}].href", words)


_ADDRESS = re.compile(r"(?:https?|ftp|mailto|urn|file|data):|/|\.|[A-Za-z0-9_-]+/[^\s\\]*$")
"""In full, or from the root of the portal (`record.Link`); ``www.example.org/x`` is neither."""


def _as_served(faults: Faults) -> Check:
    """Make a check of one that reads the document of a record."""
    return lambda record, _: [
        Fault(path, Words(f"{path} : {words.fr}", f"{path}: {words.en}"))
        for path, words, _xpath in faults(record.to_geojson())
    ]


SCHEMA: Mapping[str, Faults] = MappingProxyType(
    {
        "ogc-core": core,
        "ogc-geometry": geometry,
        "ogc-time": time,
        "ogc-keywords": keywords,
        "ogc-themes": themes,
        "ogc-contacts": contacts,
        "ogc-link-members": links,
        "ogc-formats": formats,
        "ogc-identifiers": identifiers,
    }
)
"""Rule -> what reads a document for it."""


def _rule(name: str, label: Words, member: str, wanted: Words, remedy: Words) -> Rule:
    why = Words(
        f"OGC API Records (20-004r1) demande {wanted.fr} : sans cela, un client peut ne pas lire "
        "la fiche.",
        f"OGC API Records (20-004r1) asks for {wanted.en}: without, a client may be unable to "
        "read the record.",
    )
    return Rule(name, label, member, 1, "error", _as_served(SCHEMA[name]), why, remedy)


RULES: tuple[Rule, ...] = (
    Rule(
        "ogc-moments",
        Words("OGC : dates et heures", "OGC: dates and times"),
        "updated",
        1,
        "error",
        _moments,
        Words(
            "OGC API Records demande des dates RFC 3339.",
            "OGC API Records asks for dates of RFC 3339.",
        ),
        Words("Écrire AAAA-MM-JJThh:mm:ssZ.", "Write YYYY-MM-DDThh:mm:ssZ."),
    ),
    Rule(
        "ogc-links",
        Words("OGC : adresses des liens", "OGC: addresses of links"),
        "links",
        2,
        "error",
        _addresses,
        Words(
            "OGC API Records demande que href soit une adresse.",
            "OGC API Records asks that href be an address.",
        ),
        Words("Corriger ou retirer le lien.", "Correct the link, or take it away."),
    ),
    _rule(
        "ogc-core",
        Words("OGC : type, identifiant, titre", "OGC: type, identifier, title"),
        "id",
        Words("un type, un identifiant et un titre", "a type, an identifier and a title"),
        Words("Compléter la fiche.", "Complete the record."),
    ),
    _rule(
        "ogc-geometry",
        Words("OGC : géométrie", "OGC: geometry"),
        "geometry",
        Words("une géométrie GeoJSON, ou null", "a GeoJSON geometry, or null"),
        Words("Corriger la géométrie.", "Correct the geometry."),
    ),
    _rule(
        "ogc-time",
        Words("OGC : période", "OGC: period"),
        "time",
        Words("une date, un instant ou un intervalle", "a date, an instant or an interval"),
        Words(
            "Écrire AAAA-MM-JJ, ou « .. » du côté ouvert.",
            "Write YYYY-MM-DD, or “..” at the open end.",
        ),
    ),
    _rule(
        "ogc-keywords",
        Words("OGC : mots-clés", "OGC: keywords"),
        "keywords",
        Words("des mots-clés tous différents", "keywords that all differ"),
        Words("Retirer les mots-clés répétés.", "Take away the repeated keywords."),
    ),
    _rule(
        "ogc-themes",
        Words("OGC : thèmes", "OGC: themes"),
        "themes",
        Words(
            "le vocabulaire et les concepts d'un thème",
            "the vocabulary and the concepts of a theme",
        ),
        Words("Nommer le vocabulaire du thème.", "Name the vocabulary of the theme."),
    ),
    _rule(
        "ogc-contacts",
        Words("OGC : contacts", "OGC: contacts"),
        "contacts",
        Words("un nom ou un organisme, et un rôle", "a name or an organisation, and a role"),
        Words("Compléter ou corriger le contact.", "Complete or correct the contact."),
    ),
    _rule(
        "ogc-link-members",
        Words("OGC : rôle des liens", "OGC: what links are for"),
        "links",
        Words("href et rel dans chaque lien", "href and rel in each link"),
        Words("Dire à quoi sert chaque lien (rel).", "Say what each link is for (rel)."),
    ),
    _rule(
        "ogc-formats",
        Words("OGC : formats", "OGC: formats"),
        "formats",
        Words("un nom ou un type de média", "a name or a media type"),
        Words("Nommer le format.", "Name the format."),
    ),
    _rule(
        "ogc-identifiers",
        Words("OGC : identifiants et langue", "OGC: identifiers and language"),
        "externalIds",
        Words("une valeur et un code de langue", "a value and a language code"),
        Words("Compléter l'identifiant ou la langue.", "Complete the identifier or the language."),
    ),
)


def _properties(document: Mapping[str, Any]) -> Mapping[str, Any]:
    told = document.get("properties")
    return told if isinstance(told, Mapping) else {}


def _each(document: Mapping[str, Any], member: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each item of a list in the properties; what is no list is one
    item.
    """
    told = _properties(document).get(member)
    if told is None:
        return
    if not isinstance(told, list | tuple):
        yield f"properties.{member}", None
        return
    for number, item in enumerate(told):
        yield f"properties.{member}[{number}]", item


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
