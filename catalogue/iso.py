"""What ISO 19139 and ISO 19115-3 share: the model of ISO 19115, read by local names whatever the encoding.

National profiles (Swiss, GEMINI, RNDT, HNAP ...) and extensions (ISO 19115-2) only add names or namespaces, so they
are read here too. `Maker` writes the same model; a `Dialect` says in which namespaces.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from geoguichet.catalogue import codes, quality_measures
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.mapping import INSPIRE_THEME, TOPIC_CATEGORY
from geoguichet.catalogue.record import Concept, Contact, ContactPoint, Extent, ExternalId, Link, Record, Theme, Time
from geoguichet.catalogue.xml import (
    HREF,
    LOCAL,
    Element,
    Holder,
    child,
    children,
    content,
    down,
    every,
    grouped,
    inner,
    line_of,
    named,
    path_of,
)

type Members = dict[str, Any]

_HOLDERS = frozenset({"CharacterString", "Anchor", "MimeFileType", "FileName", "URL", "LanguageCode", "Country"})


@dataclass(slots=True)
class Reading:
    """One metadata element being read: its parts, its other languages, and what in it could not be understood."""

    root: dict[str, list[Element]]
    locales: Mapping[str, str] = field(default_factory=dict)
    unreadable: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, member: str, element: Element, text: str, reason: str) -> None:
        """Note a part that says nothing readable; the rest of the record is read all the same."""
        self.unreadable.append(
            {
                "member": member,
                "path": path_of(element),
                "line": line_of(element),
                "text": text[:200],
                "reason": reason,
            }
        )

    def moment(self, member: str, element: Element | None) -> str:
        """Return the date that a property holds; one that is none is noted."""
        text = value(element)
        written = codes.moment(text) if text else ""
        if text and not written and element is not None:
            self.refuse(member, element, text, "ce n'est pas une date AAAA-MM-JJ")
        return written


def members(root: Element) -> Members:
    """Return what a metadata element says, under the names of `mapping.MEMBERS`."""
    met = tuple(root.iter())  # kept while reading: lxml then gives the same objects again instead of making new ones
    parts = grouped(root)
    reading = Reading(parts, _locales(parts))
    identification = grouped(inner(child(parts, "identificationInfo")))
    citation = grouped(inner(child(identification, "citation")))
    said = _of_metadata(reading) | _of_citation(reading, citation) | _of_resource(reading, identification)
    said |= _of_distribution(parts, identification) | _of_quality(parts)
    said["contacts"] = tuple(_contacts(parts, identification, citation))
    said["translations"] = _translations(reading, citation, identification)
    said["unreadable"] = reading.unreadable
    del met
    return said


# --- values ----------------------------------------------------------------------------------------------------------


def value(holder: Element | None) -> str:
    """Return the text that a property holds: a string, an anchor, a date, a number or a code."""
    if holder is None:
        return ""
    localised = ""
    for node in holder:
        kind = LOCAL[node.tag]
        if not kind:
            continue
        if kind == "PT_FreeText":
            localised = localised or next((text for _, text in _localised(node)), "")
            continue
        text = node.text.strip() if node.text else ""
        if not text or kind not in _HOLDERS:
            text = node.get("codeListValue", "").strip() or text
        if text:
            return text
    return localised or content(holder)


def _code(holder: Element | None) -> str:
    node = inner(holder)
    return content(holder) if node is None else (node.get("codeListValue") or node.text or "").strip()


def _href(holder: Element | None) -> str:
    node = inner(holder)
    return "" if node is None else node.get(HREF, "").strip()


def _values(parent: Holder, name: str) -> list[str]:
    return [text for text in map(value, children(parent, name)) if text]


def _localised(free_text: Element) -> Iterator[tuple[str, str]]:
    for node in every(free_text, "textGroup", "LocalisedCharacterString"):
        if text := content(node):
            yield node.get("locale", "").removeprefix("#"), text


def _locales(root: Holder) -> dict[str, str]:
    """Return the language of each locale that the document declares, by its identifier."""
    found: dict[str, str] = {}
    for name in ("locale", "otherLocale", "defaultLocale"):
        for locale in every(root, name, "PT_Locale"):
            code = _code(child(locale, "languageCode")) or _code(child(locale, "language"))
            found[locale.get("id", "")] = codes.language(code)
    return found


def _translations(reading: Reading, citation: Holder, identification: Holder) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for member, holder in (("title", child(citation, "title")), ("description", child(identification, "abstract"))):
        for locale, text in (pair for node in children(holder, "PT_FreeText") for pair in _localised(node)):
            language = reading.locales.get(locale) or codes.language(locale)
            if language and text != value(holder):
                found.setdefault(language, {})[member] = text
    return found


# --- the metadata itself ---------------------------------------------------------------------------------------------


def _of_metadata(reading: Reading) -> Members:
    root = reading.root
    said: Members = {
        "id": value(child(root, "fileIdentifier")) or value(down(root, "metadataIdentifier", "*", "code")),
        "type": _code(child(root, "hierarchyLevel")) or _code(down(root, "metadataScope", "*", "resourceScope")),
        "parent": _parent(child(root, "parentIdentifier"))
        or _parent(down(root, "parentMetadata", "*", "identifier", "*", "code"))
        or _uuidref(child(root, "parentMetadata")),
        "crs": _reference_systems(root),
        "featureCatalogue": [
            found for node in children(root, "contentInfo") if (found := _feature_catalogue(inner(node)))
        ],
    }
    language = _code(child(root, "language")) or _code(down(root, "defaultLocale", "*", "language"))
    if language:
        said["language"] = {"code": codes.language(language)}
    said |= _metadata_dates(reading)
    return said


def _parent(holder: Element | None) -> str:
    return value(holder) or _uuidref(holder)


def _uuidref(holder: Element | None) -> str:
    return "" if holder is None else holder.get("uuidref", "").strip()


def _metadata_dates(reading: Reading) -> Members:
    said: Members = {}
    stamp = child(reading.root, "dateStamp")
    if stamp is not None:
        said["updated"] = codes.timestamp(reading.moment("updated", stamp))
    for holder in children(reading.root, "dateInfo"):
        date = inner(holder)
        kind = {"creation": "created", "revision": "updated"}.get(_code(child(date, "dateType")))
        if kind:
            said[kind] = codes.timestamp(reading.moment(kind, child(date, "date")))
    return said


def _reference_systems(root: Holder) -> list[str]:
    found: list[str] = []
    for holder in children(root, "referenceSystemInfo"):
        identifier = down(holder, "*", "referenceSystemIdentifier", "*")
        code = child(identifier, "code")
        text = (
            codes.crs(_href(code))
            if "EPSG" in _href(code)
            else codes.crs(value(code), value(child(identifier, "codeSpace")))
        )
        if text:
            found.append(text)
    return list(dict.fromkeys(found))


def _feature_catalogue(description: Element | None) -> Members:
    if description is None or "FeatureCatalogue" not in LOCAL[description.tag]:
        return {}
    holder = child(description, "featureCatalogueCitation")
    citation = inner(holder)
    types = [text for text in map(value, every(description, "featureTypes")) if text]
    types += [text for text in map(value, every(description, "featureTypes", "*", "featureTypeName")) if text]
    said = {
        "id": _uuidref(holder) or value(down(citation, "identifier", "*", "code")),
        "title": value(child(citation, "title")),
        "href": "" if holder is None else holder.get(HREF, ""),
        "featureTypes": types,
    }
    return {name: text for name, text in said.items() if text}


# --- the resource ----------------------------------------------------------------------------------------------------


def _of_citation(reading: Reading, citation: Holder) -> Members:
    dates = []
    for holder in children(citation, "date"):
        date = inner(holder)
        if written := reading.moment("dates", child(date, "date")):
            dates.append({"date": written, "type": _code(child(date, "dateType"))})
    return {
        "title": value(child(citation, "title")),
        "alternateTitles": _values(citation, "alternateTitle"),
        "dates": dates,
        "externalIds": tuple(_external_ids(citation)),
    }


def _external_ids(citation: Holder) -> Iterator[ExternalId]:
    for holder in children(citation, "identifier"):
        identifier = inner(holder)
        code = child(identifier, "code")
        if text := value(code) or _href(code):
            yield ExternalId(text, value(child(identifier, "codeSpace")))


def _of_resource(reading: Reading, identification: Holder) -> Members:
    said: Members = {
        "description": value(child(identification, "abstract")),
        "purpose": value(child(identification, "purpose")),
        "status": [text for text in map(_code, children(identification, "status")) if text],
        "representation": [text for text in map(_code, children(identification, "spatialRepresentationType")) if text],
        "serviceType": value(child(identification, "serviceType")),
        "resourceLanguages": _resource_languages(identification),
        "maintenance": _maintenance(inner(child(identification, "resourceMaintenance"))),
        "resolution": [
            found for node in children(identification, "spatialResolution") if (found := _resolution(inner(node)))
        ],
    }
    constraints = [
        found for node in children(identification, "resourceConstraints") if (found := _constraint(inner(node)))
    ]
    said["constraints"] = constraints
    said["license"], said["rights"] = licence_of(constraints), rights_of(constraints)
    return said | _keywords(identification) | _extents(reading, identification)


def _resource_languages(identification: Holder) -> list[dict[str, str]]:
    holders = children(identification, "language")
    for name in ("defaultLocale", "otherLocale"):
        holders += every(identification, name, "PT_Locale", "language")
    found = dict.fromkeys(codes.language(text) for text in map(_code, holders) if text)
    return [{"code": code} for code in found]


def _maintenance(information: Element | None) -> dict[str, str]:
    said = {
        "frequency": _code(child(information, "maintenanceAndUpdateFrequency")),
        "note": "\n".join(_values(information, "maintenanceNote")),
    }
    return {name: text for name, text in said.items() if text}


def _resolution(resolution: Element | None) -> dict[str, Any]:
    denominator = down(resolution, "equivalentScale", "*", "denominator")
    if scale := number(value(denominator)):
        return {"scale": scale}
    measure = inner(child(resolution, "distance"))
    if measure is not None and (distance := number(content(measure))):
        return {"distance": distance, "unit": measure.get("uom", "").rpartition("#")[2] or "m"}
    return {}


def number(text: str) -> int | float | None:
    """Return the finite number that a text writes, with a comma or a point; None when it writes none."""
    try:
        written = float(text.replace(",", ".").replace(" ", ""))
    except ValueError:
        return None
    if not math.isfinite(written):
        return None
    return int(written) if written == int(written) else written


def _constraint(constraint: Element | None) -> Members:
    if constraint is None:
        return {}
    kind, parts = LOCAL[constraint.tag], grouped(constraint)
    said: Members = {
        "limitations": _texts_with_address(parts, "useLimitation"),
        "access": [text for text in map(_code, children(parts, "accessConstraints")) if text],
        "use": [text for text in map(_code, children(parts, "useConstraints")) if text],
        "other": _texts_with_address(parts, "otherConstraints"),
        "classification": _code(child(parts, "classification")),
    }
    said = {name: text for name, text in said.items() if text}
    return said and {"kind": "legal" if "Legal" in kind else "security" if "Security" in kind else "use"} | said


def _texts_with_address(parent: Holder, name: str) -> list[dict[str, str]]:
    found = []
    for holder in children(parent, name):
        text, address = value(holder), _href(holder)
        if text or address:
            found.append({"text": text or address} | ({"href": address} if address else {}))
    return found


def licence_of(constraints: Iterable[Mapping[str, Any]]) -> str:
    """Return the SPDX identifier of the first known licence that is named, else ``other`` when one is."""
    said = [item for constraint in constraints for item in _said_texts(constraint)]
    for item in said:
        if known := codes.licence(item.get("href", "")) or codes.licence(item["text"]):
            return known
    use = [constraint for constraint in constraints if "license" in constraint.get("use", ())]
    return "other" if use else ""


def rights_of(constraints: Iterable[Mapping[str, Any]]) -> str:
    """Return the words of the constraints, each once."""
    return "\n".join(dict.fromkeys(item["text"] for constraint in constraints for item in _said_texts(constraint)))


def _said_texts(constraint: Mapping[str, Any]) -> list[dict[str, str]]:
    return [*constraint.get("other", ()), *constraint.get("limitations", ())]


# --- keywords --------------------------------------------------------------------------------------------------------


def _keywords(identification: Holder) -> Members:
    """Return free keywords, and one theme per thesaurus; topic categories are a theme too."""
    free: list[str] = []
    types: dict[str, str] = {}
    themes: list[Theme] = []
    others: list[Concept] = []
    for holder in children(identification, "descriptiveKeywords"):
        group = grouped(inner(holder))
        concepts = [_concept(node) for node in children(group, "keyword")]
        concepts = [concept for concept in concepts if concept.id]
        kind = _code(child(group, "type"))
        thesaurus = inner(child(group, "thesaurusName"))
        if not concepts:
            continue
        if thesaurus is not None and (title := value(child(thesaurus, "title"))):
            theme = _theme(concepts, thesaurus, title, kind)
            if theme.scheme == TOPIC_CATEGORY:
                others += [Concept(concept.id) for concept in theme.concepts]
            else:
                themes.append(theme)
        else:
            free += [concept.title or concept.id for concept in concepts]
            types |= {concept.title or concept.id: kind for concept in concepts if kind}
    topics = [Concept(code) for code in map(_code, children(identification, "topicCategory")) if code]
    if topics := [*topics, *(concept for concept in others if concept not in topics)]:
        themes.append(Theme(tuple(topics), TOPIC_CATEGORY))
    return {"keywords": tuple(dict.fromkeys(free)), "keywordTypes": types, "themes": tuple(themes)}


def _concept(holder: Element) -> Concept:
    text = value(holder)
    node = inner(holder)
    address = "" if node is None else node.get(HREF, "").strip()
    return Concept(address, text) if address else Concept(text, text)


def _theme(concepts: list[Concept], thesaurus: Element, title: str, kind: str) -> Theme:
    extra: Members = {"title": title}
    date = inner(child(thesaurus, "date"))
    if written := codes.moment(value(child(date, "date"))):
        extra |= {"date": written, "dateType": _code(child(date, "dateType"))}
    if kind:
        extra["type"] = kind
    address = _href(child(thesaurus, "title")) or value(down(thesaurus, "identifier", "*", "code"))
    if "inspire" in title.lower() and "theme" in title.lower().replace("thème", "theme"):
        known = [codes.inspire_theme(concept.id) or codes.inspire_theme(concept.title) for concept in concepts]
        if any(known):
            extra |= {"address": address} if address and address != INSPIRE_THEME else {}
            pairs = zip(known, concepts, strict=True)
            concepts = [Concept(f"{INSPIRE_THEME}/{code}" if code else item.id, item.title) for code, item in pairs]
            return Theme(tuple(concepts), INSPIRE_THEME, extra)
    return Theme(tuple(concepts), address, extra)


# --- extents ---------------------------------------------------------------------------------------------------------


def _extents(reading: Reading, identification: Holder) -> Members:
    pieces: list[dict[str, Any]] = []
    periods: list[tuple[str, str]] = []
    places: list[dict[str, str]] = []
    words: list[str] = []
    for holder in children(identification, "extent"):
        extent = inner(holder)
        words += _values(extent, "description")
        elements = [node for node in map(inner, children(extent, "geographicElement")) if node is not None]
        pieces += _pieces(reading, elements)
        for node in elements:
            if LOCAL[node.tag] == "EX_GeographicDescription":
                places += _place(child(node, "geographicIdentifier"))
        for temporal in children(extent, "temporalElement"):
            periods += _periods(reading, temporal)
    return {
        "geometry": gathered([piece for at, piece in enumerate(pieces) if piece not in pieces[:at]]),
        "places": places,
        "extentDescription": "\n".join(dict.fromkeys(words)),
        "time": time_of(periods),
    }


def _place(holder: Element | None) -> list[dict[str, str]]:
    identifier = inner(holder)
    code = child(identifier, "code")
    said = {
        "code": value(code),
        "href": _href(code),
        "scheme": value(child(identifier, "codeSpace")) or value(down(identifier, "authority", "*", "title")),
    }
    return [{name: text for name, text in said.items() if text}] if said["code"] else []


def _pieces(reading: Reading, elements: list[Element]) -> Iterator[dict[str, Any]]:
    """Yield the geometries of one extent; a box that only repeats the envelope of a polygon is left aside."""
    boxes = [box for node in elements if LOCAL[node.tag].endswith("BoundingBox") if (box := _box(reading, node))]
    polygons = [node for node in elements if LOCAL[node.tag] == "EX_BoundingPolygon"]
    found = [rings for node in polygons for rings in _polygons(reading, node, boxes)]
    envelopes = [_envelope(rings) for rings in found]
    envelopes += [_envelope([ring for rings in found for ring in rings])] if len(found) > 1 else []
    alone = [box for box in boxes if not any(_same_box(box, envelope) for envelope in envelopes)]
    polygons_found = [{"type": "Polygon", "coordinates": rings} for rings in found]
    if alone and len(alone) + len(found) > 2 and _same_box(alone[0], _hull(alone[1:], polygons_found)):
        del alone[0]
    for box in alone:
        yield from as_pieces(box)
    yield from polygons_found


def _hull(boxes: list[Extent], polygons: list[dict[str, Any]]) -> Extent | None:
    """Return the box around boxes and polygons."""
    return Extent.from_geometry(gathered([*(piece for box in boxes for piece in as_pieces(box)), *polygons]) or {})


def as_pieces(box: Extent) -> Iterator[dict[str, Any]]:
    """Yield the polygons of a box (two across the antimeridian), or its point when it is flat."""
    if (box.west, box.south) == (box.east, box.north):
        yield {"type": "Point", "coordinates": [box.west, box.south]}
        return
    geometry = box.as_geometry()
    for coordinates in [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]:
        yield {"type": "Polygon", "coordinates": coordinates}


def _envelope(rings: list[Any]) -> Extent:
    longitudes = [position[0] for ring in rings for position in ring]
    latitudes = [position[1] for ring in rings for position in ring]
    return Extent(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def _same_box(one: Extent, other: Extent | None) -> bool:
    if other is None:
        return False
    pairs = ((one.west, other.west), (one.south, other.south), (one.east, other.east), (one.north, other.north))
    return all(abs(a - b) < 1e-6 for a, b in pairs)


_SIDES = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")


def _box(reading: Reading, element: Element) -> Extent | None:
    texts = {LOCAL[node.tag]: value(node) for node in element}
    sides = [texts.get(side, "") for side in _SIDES]
    if not any(sides):
        return None
    numbers = [number(side) for side in sides]
    west, south, east, north = numbers
    if west is None or south is None or east is None or north is None:
        reading.refuse("geometry", element, " ".join(sides), "quatre nombres sont attendus")
        return None
    try:
        return Extent(float(west), float(south), float(east), float(north))
    except RecordError as error:
        reading.refuse("geometry", element, " ".join(sides), str(error))
        return None


def _polygons(reading: Reading, element: Element, boxes: list[Extent]) -> Iterator[list[Any]]:
    for polygon in element.iter("{*}Polygon"):
        rings = [_ring(node, polygon, boxes) for node in polygon.iter("{*}LinearRing")]
        if not rings or any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
            reading.refuse("geometry", polygon, "", "un polygone fermé d'au moins quatre positions est attendu")
        elif not all(_in_degrees(ring) for ring in rings):
            reading.refuse("geometry", polygon, "", "des positions en degrés WGS 84 sont attendues")
        else:
            yield rings


def _in_degrees(ring: list[list[float]]) -> bool:
    return all(-180.0 <= x <= 180.0 and -90.0 <= y <= 90.0 for x, y in ring)


def _ring(ring: Element, polygon: Element, boxes: list[Extent]) -> list[list[float]]:
    """Return the positions of a ring, longitude first: as the box beside it shows, else as its CRS says."""
    listed = [node.text or "" for node in ring.iter("{*}posList", "{*}pos", "{*}coordinates")]
    flat = _numbers(" ".join(listed))
    holders = [ring, polygon, *ring.iter("{*}posList")]
    dimension = next((int(d) for node in holders if (d := node.get("srsDimension", "")).isdigit()), 2) or 2
    first, second = flat[::dimension], flat[1::dimension]
    pairs = [list(pair) for pair in zip(first, second, strict=False)]
    if boxes and pairs:
        turned = _inside(boxes, second, first) and not _inside(boxes, first, second)
        return [pair[::-1] for pair in pairs] if turned else pairs
    names = [node.get("srsName", "") for node in holders]
    turned = any("4326" in name or "4258" in name for name in names if name.startswith(("urn:", "http")))
    return [pair[::-1] for pair in pairs] if turned else pairs


def _numbers(text: str) -> list[float]:
    """Return the numbers of a list of coordinates; none when one of them is not a finite number."""
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _inside(boxes: list[Extent], xs: list[float], ys: list[float], margin: float = 1.0) -> bool:
    """Say whether positions stand within a degree of the hull of boxes."""
    west, east = min(box.west for box in boxes) - margin, max(box.east for box in boxes) + margin
    south, north = min(box.south for box in boxes) - margin, max(box.north for box in boxes) + margin
    return west <= min(xs) and max(xs) <= east and south <= min(ys) and max(ys) <= north


def simple(geometry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the points, lines and polygons that a geometry is made of."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from simple(part)
    elif kind.startswith("Multi"):
        for coordinates in geometry["coordinates"]:
            yield {"type": kind.removeprefix("Multi"), "coordinates": coordinates}
    else:
        yield geometry


def checked(geometry: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry that is one, in degrees; RecordError says why it is not."""
    try:
        json.dumps(geometry, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise RecordError("geometry : des nombres finis sont attendus.") from error
    if not isinstance(geometry, dict) or Record(id="-", geometry=geometry).extent is None:
        raise RecordError("geometry : une géométrie GeoJSON avec des positions est attendue.")
    return geometry


def gathered(pieces: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return one geometry made of points, lines and polygons; None when there are none."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    kinds = {piece["type"] for piece in pieces}
    if len(kinds) == 1:
        return {"type": f"Multi{kinds.pop()}", "coordinates": [piece["coordinates"] for piece in pieces]}
    return {"type": "GeometryCollection", "geometries": pieces}


def boxes_and_shapes(geometry: Mapping[str, Any] | None) -> list[Extent | Mapping[str, Any]]:
    """Return the parts of a geometry, rectangles as boxes; two halves cut at the antimeridian are one box."""
    parts = [] if geometry is None else list(simple(geometry))
    shapes: list[Extent | Mapping[str, Any]] = [_rectangle(part) or part for part in parts]
    if len(shapes) == 2:
        first, second = shapes
        if not isinstance(first, Extent) or not isinstance(second, Extent):
            return shapes
        if first.east == 180 and second.west == -180 and (first.south, first.north) == (second.south, second.north):
            return [Extent(first.west, first.south, second.east, first.north)]
    return shapes


def _rectangle(part: Mapping[str, Any]) -> Extent | None:
    """Return the box that a polygon is; None for any other shape."""
    if part["type"] != "Polygon" or len(part["coordinates"]) != 1 or len(part["coordinates"][0]) != 5:
        return None
    ring = [tuple(position[:2]) for position in part["coordinates"][0]]
    xs, ys = {x for x, _ in ring}, {y for _, y in ring}
    if ring[0] != ring[-1] or len(xs) > 2 or len(ys) > 2 or len(set(ring)) != len(xs) * len(ys):
        return None
    return Extent(min(xs), min(ys), max(xs), max(ys))


_OPEN = frozenset({"now", "unknown", "after", "before"})


def _periods(reading: Reading, temporal: Element) -> Iterator[tuple[str, str]]:
    for period in temporal.iter("{*}TimePeriod"):
        yield _bound(reading, period, "begin"), _bound(reading, period, "end")
    for instant in temporal.iter("{*}TimeInstant"):
        parent, position = instant.getparent(), child(instant, "timePosition")
        if position is None or parent is None or LOCAL[parent.tag] in ("begin", "end"):
            continue
        if written := _position(reading, position):
            yield written, written


def _bound(reading: Reading, period: Element, side: str) -> str:
    position = child(period, f"{side}Position")
    if position is None:
        position = down(period, side, "*", "timePosition")
    return ".." if position is None else _position(reading, position) or ".."


def _position(reading: Reading, position: Element) -> str:
    text = content(position)
    if not text or (position.get("indeterminatePosition") in _OPEN and not codes.moment(text)):
        return ""
    written = codes.moment(text)
    if not written:
        reading.refuse("time", position, text, "ce n'est pas une date AAAA-MM-JJ")
    return written


def time_of(periods: list[tuple[str, str]]) -> Time | None:
    """Return one interval around every period; the periods themselves are kept when there are several."""
    known = [period for period in dict.fromkeys(periods) if period != ("..", "..")]
    if not known:
        return None
    extra = {"periods": [list(period) for period in known]} if len(known) > 1 else {}
    start = min((first for first, _ in known), key=lambda text: "" if text == ".." else text)
    end = max((last for _, last in known), key=lambda text: "~" if text == ".." else text)
    try:
        if start == end:
            return Time(timestamp=start, extra=extra) if "T" in start else Time(date=start, extra=extra)
        return Time(interval=(start, end), extra=extra)
    except RecordError:
        return Time(interval=(end, start), extra=extra | {"reversed": True})


# --- contacts --------------------------------------------------------------------------------------------------------


def _contacts(root: Holder, identification: Holder, citation: Holder) -> Iterator[Contact]:
    distribution = inner(child(root, "distributionInfo"))
    places = (
        ("", children(identification, "pointOfContact")),
        ("citation", children(citation, "citedResponsibleParty")),
        ("distribution", list(every(distribution, "distributor", "*", "distributorContact"))),
        ("metadata", children(root, "contact")),
    )
    for about, holders in places:
        for holder in holders:
            if found := contact(inner(holder), about):
                yield found


def contact(party: Element | None, about: str) -> Contact | None:
    """Read a ``CI_ResponsibleParty`` (ISO 19139) or a ``CI_Responsibility`` (ISO 19115-3)."""
    if party is None:
        return None
    if (plain := _plain_contact(party, about)) is not None:
        return plain
    parts = named(party)
    body = inner(parts.get("party"))
    if body is None:
        body, held = party, parts
        organization, position = value(parts.get("organisationName")), value(parts.get("positionName"))
        name = value(parts.get("individualName")) or _split_name(parts)
    else:
        held = named(body)
        individual = held if LOCAL[body.tag] == "CI_Individual" else named(inner(held.get("individual")))
        organization = "" if individual is held else value(held.get("name"))
        name = value(individual.get("name"))
        position = value(individual.get("positionName")) or value(held.get("positionName"))
        held = individual | held
    address = inner(held.get("contactInfo"))
    role = _code(parts.get("role"))
    said = _contact_details(address)
    extra = said.pop("extra") | ({"about": about} if about else {})
    found = Contact(
        organization=organization, name=name, position=position, roles=(role,) if role else (), extra=extra, **said
    )
    return found if organization or name or position or said["emails"] or said["links"] or said["phones"] else None


def _plain_contact(party: Element, about: str) -> Contact | None:
    """Read a ``CI_ResponsibleParty`` in one pass over its texts, whose names say enough; None when they do not.

    Contacts are a third of the reading of a record; translated ones and those of ISO 19115-3 take the longer way.
    """
    if not LOCAL[party.tag].endswith("CI_ResponsibleParty"):
        return None
    said: dict[str, list[str]] = {}
    holder = role = ""
    for node in party.iter():
        kind = LOCAL[node.tag]
        if kind in _CONTACT_TEXTS:
            if (text := node.text) and (text := text.strip()):
                said.setdefault(holder, []).append(text)
        elif holder == "role":
            role, holder = role or (node.get("codeListValue") or node.text or "").strip(), kind
        elif kind:
            holder = kind
    if "textGroup" in said or "individualLastName" in said:
        return None
    organization, name = said.get("organisationName", _NONE)[0], said.get("individualName", _NONE)[0]
    if not organization and not name:
        return None
    online = party.iter("{*}CI_OnlineResource") if "linkage" in said else ()
    extra = _plain_details(said) if len(said) > 1 else {}
    role = role or said.get("role", _NONE)[0]
    return Contact(
        organization=organization,
        name=name,
        position=said.get("positionName", _NONE)[0],
        roles=(role,) if role else (),
        emails=tuple(map(ContactPoint, said.get("electronicMailAddress", ()))),
        phones=(
            *map(ContactPoint, said.get("voice", ())),
            *(ContactPoint(text, ("fax",)) for text in said.get("facsimile", ())),
        ),
        links=tuple(link for node in online if (link := _online(node, "about")) is not None),
        extra=extra | ({"about": about} if about else {}),
    )


def _plain_details(said: Mapping[str, list[str]]) -> Members:
    postal: Members = {name: said[name][0] for name in _ADDRESS if name in said}
    if "deliveryPoint" in said:
        postal = {"deliveryPoint": said["deliveryPoint"]} | postal
    extra: Members = {"addresses": [postal]} if postal else {}
    return extra | {name: said[name][0] for name in ("hoursOfService", "contactInstructions") if name in said}


_CONTACT_TEXTS = frozenset({"CharacterString", "Anchor", "URL", "Country", "LocalisedCharacterString"})
_NONE = ("",)
_ADDRESS = ("city", "administrativeArea", "postalCode", "country")


def _split_name(party: Mapping[str, Element]) -> str:
    parts = (value(party.get("individualFirstName")), value(party.get("individualLastName")))
    return " ".join(part for part in parts if part)


def _contact_details(contact: Element | None) -> Members:
    parts = grouped(contact)
    lines = grouped(inner(child(parts, "address")))
    online = [node for node in map(inner, children(parts, "onlineResource")) if node is not None]
    extra: Members = {}
    written = {
        "deliveryPoint": _values(lines, "deliveryPoint"),
        "city": value(child(lines, "city")),
        "administrativeArea": value(child(lines, "administrativeArea")),
        "postalCode": value(child(lines, "postalCode")),
        "country": value(child(lines, "country")),
    }
    if any(written.values()):
        extra["addresses"] = [{name: text for name, text in written.items() if text}]
    for name in ("hoursOfService", "contactInstructions"):
        if text := value(child(parts, name)):
            extra[name] = text
    return {
        "emails": tuple(ContactPoint(text) for text in _values(lines, "electronicMailAddress")),
        "phones": tuple(_phones(parts)),
        "links": tuple(link for link in map(_online, online) if link is not None),
        "extra": extra,
    }


def _phones(contact: Holder) -> Iterator[ContactPoint]:
    for holder in children(contact, "phone"):
        telephone = grouped(inner(holder))
        for text in _values(telephone, "voice"):
            yield ContactPoint(text)
        for text in _values(telephone, "facsimile"):
            yield ContactPoint(text, ("fax",))
        kind = _code(child(telephone, "numberType"))
        for text in _values(telephone, "number"):
            yield ContactPoint(text, ("fax",) if kind in ("facsimile", "fax") else ())


# --- distribution and quality ----------------------------------------------------------------------------------------


def _of_distribution(root: Holder, identification: Holder) -> Members:
    links: list[Link] = []
    formats: list[dict[str, str]] = []
    for holder in children(root, "distributionInfo"):
        distribution = inner(holder)
        sources = [distribution, *every(distribution, "distributor", "*")]
        for source in sources:
            for name in ("distributionFormat", "distributorFormat"):
                formats += [found for node in children(source, name) if (found := _format(inner(node)))]
            for name in ("transferOptions", "distributorTransferOptions"):
                online = every(source, name, "*", "onLine", "*")
                links += [link for node in online if (link := _online(node)) is not None]
    formats += [found for node in children(identification, "resourceFormat") if (found := _format(inner(node)))]
    links += _operations(identification)
    links += [
        link for node in children(identification, "graphicOverview") if (link := _preview(inner(node))) is not None
    ]
    unique = [found for at, found in enumerate(formats) if found not in formats[:at]]
    return {"links": tuple(links), "formats": unique}


def _format(element: Element | None) -> dict[str, str]:
    citation = inner(child(element, "formatSpecificationCitation"))
    said = {
        "name": value(child(element, "name")) or value(child(citation, "title")),
        "version": value(child(element, "version")) or value(child(citation, "edition")),
    }
    return {name: text for name, text in said.items() if text} if said["name"] else {}


def _online(resource: Element | None, rel: str = "") -> Link | None:
    """Read a ``CI_OnlineResource``; the relation, where none is given, follows from its function and protocol."""
    parts = named(resource)
    href = value(parts.get("linkage"))
    if not href:
        return None
    texts = (
        ("protocol", value(parts.get("protocol"))),
        ("function", _code(parts.get("function"))),
        ("description", value(parts.get("description"))),
        ("applicationProfile", value(parts.get("applicationProfile"))),
    )
    extra = {name: text for name, text in texts if text}
    label = parts.get("name")
    mime = inner(label)
    kind = mime.get("type", "") if mime is not None and LOCAL[mime.tag] == "MimeFileType" else ""
    return Link(href, rel or relation(extra), kind or ("text/html" if rel else ""), value(label), extra=extra)


def relation(extra: Mapping[str, str]) -> str:
    """Return the relation of a link from its ISO function and protocol."""
    return _relation(extra.get("protocol", ""), extra.get("function", ""))


@lru_cache(maxsize=4096)
def _relation(protocol: str, function: str) -> str:
    protocol = protocol.upper()
    if function in ("download", "fileAccess") or "DOWNLOAD" in protocol:
        return "enclosure"
    if protocol.startswith(("OGC:", "ESRI:", "GLG:")) or "OPENGIS.NET/DEF/SERVICETYPE" in protocol:
        return "service"
    return "about" if function == "information" else "related"


def _operations(identification: Holder) -> Iterator[Link]:
    for operation in every(identification, "containsOperations", "*"):
        named = value(child(operation, "operationName"))
        for node in every(operation, "connectPoint", "*"):
            if link := _online(node):
                yield Link(link.href, "service", link.type, link.title, extra={**link.extra, "operation": named})
    for holder in children(identification, "operatesOn"):
        href, uuid = holder.get(HREF, "").strip(), _uuidref(holder)
        if href or uuid:
            yield Link(href or f"urn:uuid:{uuid}", "related", extra={"operatesOn": uuid})


def _preview(graphic: Element | None) -> Link | None:
    href = value(child(graphic, "fileName")) or value(down(graphic, "linkage", "*", "linkage"))
    if not href:
        return None
    kind = value(child(graphic, "fileType"))
    extra = {"fileType": kind} if kind else {}
    return Link(href, "preview", "", value(child(graphic, "fileDescription")), extra=extra)


def _of_quality(root: Holder) -> Members:
    conformity: list[Members] = []
    measured: list[Members] = []
    statements: list[str] = []
    for quality in every(root, "dataQualityInfo", "*"):
        results = every(quality, "report", "*", "result", "DQ_ConformanceResult")
        conformity += [found for result in results if (found := _conformance(result))]
        measured += [found for report in every(quality, "report", "*") for found in _measures(report)]
        statements += _values(inner(child(quality, "lineage")), "statement")
    statements += [text for node in every(root, "resourceLineage", "*", "statement") if (text := value(node))]
    return {"conformity": conformity, "quality": measured, "lineage": "\n\n".join(dict.fromkeys(statements))}


def _measures(report: Element) -> Iterator[Members]:
    """Yield the counts and rates that a report gives, one a value, under the names of ISO 19139."""
    element = quality_measures.NAMES_2003.get(name_of := LOCAL[report.tag], name_of)
    if element not in quality_measures.ELEMENTS:
        return
    about = inner(child(report, "measure"))
    about = report if about is None else about
    name, description = value(child(about, "nameOfMeasure")), value(child(about, "measureDescription"))
    for result in every(report, "result", "DQ_QuantitativeResult"):
        for text in _values(result, "value"):
            said: Members = {"element": element, "name": name, "value": quality_measures.number(text)}
            told = said | quality_measures.described(description)
            yield {key: what for key, what in told.items() if what != ""}


_PASS = {"true": True, "1": True, "false": False, "0": False}


def _conformance(result: Element) -> Members:
    holder = child(result, "specification")
    citation = inner(holder)
    date = inner(child(citation, "date"))
    said: Members = {
        "title": value(child(citation, "title")),
        "href": _href(child(citation, "title")) or ("" if holder is None else holder.get(HREF, "")),
        "date": codes.moment(value(child(date, "date"))),
        "dateType": _code(child(date, "dateType")),
        "explanation": value(child(result, "explanation")),
    }
    if not said["date"]:
        del said["dateType"]
    said = {name: text for name, text in said.items() if text}
    return said and said | {"pass": _PASS.get(value(child(result, "pass")).lower())}


def made_identifier(said: Mapping[str, Any]) -> str:
    """Return the identifier of a record that has none: the same for the same title, abstract and identifiers."""
    parts = [said.get("title", ""), said.get("description", "")]
    parts += [item.value for item in said.get("externalIds", ())]
    return f"sans-identifiant-{blake2b('|'.join(parts).encode(), digest_size=8).hexdigest()}"
