"""What the JSON schema of a record asks (OGC API Records, 20-004r1, clause 7 and recordGeoJSON), restated as rules.

Each rule yields where it is not kept in the document as it is served, as a JSON path, and what is wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

type Fault = tuple[str, str]
"""A path in the document, and what is wrong there."""

_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIMESTAMP = rf"{_DATE}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?Z"
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?")


def core(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``type`` is Feature, ``id`` a text, ``properties`` an object whose ``type`` and ``title`` are texts."""
    if document.get("type") != "Feature":
        yield "type", "« Feature » est attendu."
    if not _is_text(document.get("id")):
        yield "id", "un texte est attendu."
    properties = document.get("properties")
    if not isinstance(properties, Mapping):
        yield "properties", "un objet est attendu."
        return
    for name in ("type", "title"):
        if not _is_text(properties.get(name)):
            yield f"properties.{name}", "un texte est attendu."
    for name in ("description", "license", "rights"):
        if name in properties and not isinstance(properties[name], str):
            yield f"properties.{name}", "un texte est attendu."


def geometry(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``geometry`` is there: null, or a GeoJSON geometry whose positions are in degrees."""
    if "geometry" not in document:
        yield "geometry", "ce membre est attendu, null quand la ressource n'a pas de lieu."
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
        yield f"{path}.type", f"un type de géométrie GeoJSON est attendu, reçu « {str(kind)[:30]} »."
    elif not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in _positions(shape.get("coordinates"))):
        yield f"{path}.coordinates", "des longitudes et latitudes en degrés sont attendues."


def _positions(coordinates: Any) -> Iterator[tuple[float, float]]:
    """Yield longitude and latitude of every position; what is no position yields one that is out of bounds."""
    if not isinstance(coordinates, list | tuple) or not coordinates:
        yield 999.0, 999.0
    elif all(isinstance(number, int | float) for number in coordinates):
        yield (coordinates[0], coordinates[1]) if len(coordinates) in (2, 3) else (999.0, 999.0)
    else:
        for part in coordinates:
            yield from _positions(part)


def time(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``time`` is null, or says a date, a timestamp (UTC) or an interval of two of them, ``..`` where it is open."""
    told = document.get("time")
    if told is None:
        return
    if not isinstance(told, Mapping):
        yield "time", "null ou un objet est attendu."
        return
    for name, pattern in (("date", _DATE), ("timestamp", _TIMESTAMP)):
        if name in told and not _matches(pattern, told[name]):
            shape = "AAAA-MM-JJ" if name == "date" else "AAAA-MM-JJThh:mm:ssZ"
            yield f"time.{name}", f"{shape} est attendu, reçu « {str(told[name])[:30]} »."
    if "interval" in told:
        ends = _listed(told["interval"])
        if len(ends) != 2:
            yield "time.interval", "deux bornes sont attendues."
        for number, end in enumerate(ends):
            if not _matches(rf"{_DATE}|{_TIMESTAMP}|\.\.", end):
                yield f"time.interval[{number}]", f"une date, un instant UTC ou « .. » est attendu, reçu « {end} »."


def keywords(document: Mapping[str, Any]) -> Iterator[Fault]:
    """``keywords`` are texts, none twice."""
    seen: set[str] = set()
    for path, word in _each(document, "keywords"):
        if not _is_text(word):
            yield path, "un texte est attendu."
        elif word in seen:
            yield path, f"« {word[:60]} » est donné deux fois."
        else:
            seen.add(word)


def themes(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``themes`` names its scheme and at least one concept, by its id."""
    for path, theme in _each(document, "themes"):
        if not isinstance(theme, Mapping):
            yield path, "un objet est attendu."
            continue
        if not _is_text(theme.get("scheme")):
            yield f"{path}.scheme", "le vocabulaire des concepts n'est pas nommé."
        concepts = _listed(theme.get("concepts"))
        if not concepts:
            yield f"{path}.concepts", "au moins un concept est attendu."
        for number, concept in enumerate(concepts):
            if not isinstance(concept, Mapping) or not _is_text(concept.get("id")):
                yield f"{path}.concepts[{number}].id", "un identifiant est attendu."


def contacts(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``contacts`` has a name or an organization, and roles; e-mails and telephones have a value."""
    for path, contact in _each(document, "contacts"):
        if not isinstance(contact, Mapping):
            yield path, "un objet est attendu."
            continue
        if not (_is_text(contact.get("name")) or _is_text(contact.get("organization"))):
            yield path, "un nom ou un organisme est attendu."
        roles = contact.get("roles")
        if not _listed(roles) or not all(map(_is_text, _listed(roles))):
            yield f"{path}.roles", "au moins un rôle est attendu."
        for kind in ("emails", "phones"):
            for number, point in enumerate(_listed(contact.get(kind))):
                if not isinstance(point, Mapping) or not _is_text(point.get("value")):
                    yield f"{path}.{kind}[{number}].value", "un texte est attendu."


def links(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``links`` has an address and a relation; its type is a media type, its length a number of bytes."""
    for number, link in enumerate(_listed(document.get("links"))):
        path = f"links[{number}]"
        if not isinstance(link, Mapping):
            yield path, "un objet est attendu."
            continue
        for name in ("href", "rel"):
            if not _is_text(link.get(name)):
                yield f"{path}.{name}", "un texte est attendu."
        if link.get("type") and not _MEDIA_TYPE.fullmatch(str(link["type"])):
            yield f"{path}.type", f"un type de média est attendu, reçu « {str(link['type'])[:40]} »."
        if "length" in link and (not isinstance(link["length"], int) or link["length"] < 0):
            yield f"{path}.length", "un nombre d'octets est attendu."


def formats(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``formats`` has a name or a media type."""
    for path, form in _each(document, "formats"):
        if not isinstance(form, Mapping) or not (_is_text(form.get("name")) or _is_text(form.get("mediaType"))):
            yield path, "un nom ou un type de média est attendu."


def identifiers(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Each of ``externalIds`` has a value; ``language`` has a code."""
    for path, other in _each(document, "externalIds"):
        if not isinstance(other, Mapping) or not _is_text(other.get("value")):
            yield f"{path}.value", "un texte est attendu."
    language = _properties(document).get("language")
    if language is not None and not (isinstance(language, Mapping) and _is_text(language.get("code"))):
        yield "properties.language.code", "un code de langue est attendu (RFC 5646)."


SCHEMA: tuple[tuple[str, str, Callable[[Mapping[str, Any]], Iterator[Fault]], str, str], ...] = (
    ("ogc-core", "id", core, "un type, un identifiant et un titre", "Compléter la fiche."),
    ("ogc-geometry", "geometry", geometry, "une géométrie GeoJSON, ou null", "Corriger la géométrie."),
    ("ogc-time", "time", time, "une date, un instant ou un intervalle", "Écrire AAAA-MM-JJ, ou « .. » si ouvert."),
    ("ogc-keywords", "keywords", keywords, "des mots-clés tous différents", "Retirer les mots-clés répétés."),
    ("ogc-themes", "themes", themes, "le vocabulaire et les concepts d'un thème", "Nommer le vocabulaire du thème."),
    ("ogc-contacts", "contacts", contacts, "un nom ou un organisme, et un rôle", "Compléter le contact."),
    ("ogc-link-members", "links", links, "href et rel dans chaque lien", "Dire à quoi sert chaque lien (rel)."),
    ("ogc-formats", "formats", formats, "un nom ou un type de média", "Nommer le format."),
    ("ogc-identifiers", "externalIds", identifiers, "une valeur et un code de langue", "Compléter l'identifiant."),
)
"""Name of the rule, member, check, what the standard asks for (in French), how to mend it."""


def _properties(document: Mapping[str, Any]) -> Mapping[str, Any]:
    told = document.get("properties")
    return told if isinstance(told, Mapping) else {}


def _each(document: Mapping[str, Any], member: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each item of a list in the properties; what is no list is one item."""
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
