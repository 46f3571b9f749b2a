"""What ISO 19139 and ISO 19115-3 share: the model of ISO 19115, read by local names whatever the
encoding.

National profiles (Swiss, GEMINI, RNDT, HNAP ...) and extensions (ISO 19115-2) only add names or
namespaces, so they are read here too. Contacts and links are read beside (`values`); `writing`
writes the same model, whole or into the document that a record came from.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, coordinates, licences
from geoguichet.catalogue.formats.iso.values import (
    ELEMENTS,
    NAMES_2003,
    Reading,
    code_of,
    codes_of,
    contacts,
    described,
    distribution,
    each_once,
    found_in,
    href_of,
    localised,
    number,
    uuidref,
    value,
    values,
)
from geoguichet.catalogue.formats.mapping import (
    INSPIRE_THEME,
    TOPIC_CATEGORY,
    Conformity,
    Constraint,
    Dated,
    FeatureCatalogue,
    Language,
    Maintenance,
    Measure,
    Members,
    Place,
    Resolution,
    Source,
    Step,
    Words,
    describe,
    filled,
    made_identifier,
    time_of,
)
from geoguichet.catalogue.formats.xml import (
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
)
from geoguichet.catalogue.record import Concept, Extent, ExternalId, Record, Theme

# Extents of ISO 19115 read: boxes, polygons, named places, periods.


def extents(reading: Reading, identification: Holder) -> Members:
    """Return where and when the resource is about; what an extent excludes is taken away."""
    pieces: list[dict[str, Any]] = []
    taken: list[Element] = []
    periods: list[tuple[str, str]] = []
    places: list[Place] = []
    words: list[str] = []
    for holder in children(identification, "extent"):
        extent = inner(holder)
        words += values(extent, "description")
        elements = [
            node for node in map(inner, children(extent, "geographicElement")) if node is not None
        ]
        pieces += _pieces(reading, [node for node in elements if not _is_excluded(node)])
        taken += filter(_is_excluded, elements)
        for node in elements:
            if LOCAL[node.tag] == "EX_GeographicDescription":
                named = _place(child(node, "geographicIdentifier"))
                if node in taken:
                    words += [f"Sauf : {place['code']}" for place in named]
                else:
                    places += named
        for temporal in children(extent, "temporalElement"):
            periods += _periods(reading, temporal)
    geometry = codes.gathered(each_once(pieces))
    away = codes.gathered(each_once(list(_pieces(reading, taken)))) if taken else None
    if geometry and away:
        geometry = coordinates.without(geometry, away)
    elif away:
        reason = "une emprise exclue (extentTypeCode 0) ne dit pas ce qui est couvert"
        reading.refuse("geometry", taken[0], "", reason)
    return {
        "geometry": geometry,
        "places": places,
        "extentDescription": "\n".join(dict.fromkeys(words)),
        "time": time_of(periods),
    }


# Say whether an element is what the resource does not cover (``extentTypeCode`` 0).
def _is_excluded(element: Element) -> bool:
    return value(child(element, "extentTypeCode")).lower() in ("0", "false")


def _place(holder: Element | None) -> list[Place]:
    identifier = inner(holder)
    code = child(identifier, "code")
    authority = down(identifier, "authority", "*", "title")
    scheme = value(child(identifier, "codeSpace")) or value(authority)
    said = Place(code=value(code), href=href_of(code), scheme=scheme)
    return [filled(said)] if said["code"] else []


# Yield the geometries of one extent; a box that only repeats the envelope of a polygon is left
# aside.
def _pieces(reading: Reading, elements: list[Element]) -> Iterator[dict[str, Any]]:
    boxes = [
        box
        for node in elements
        if LOCAL[node.tag].endswith("BoundingBox")
        if (box := _box(reading, node))
    ]
    found = [
        shape
        for node in elements
        if LOCAL[node.tag] == "EX_BoundingPolygon"
        for shape in _shapes(reading, node, boxes)
    ]
    envelopes = [_hull([], [shape]) for shape in found]
    envelopes += [_hull([], found)] if len(found) > 1 else []
    alone = [box for box in boxes if not any(_same_box(box, envelope) for envelope in envelopes)]
    if alone and len(alone) + len(found) > 2 and _same_box(alone[0], _hull(alone[1:], found)):
        del alone[0]
    for box in alone:
        yield from codes.as_pieces(box)
    yield from found


# Return the box around boxes and polygons.
def _hull(boxes: list[Extent], polygons: list[dict[str, Any]]) -> Extent | None:
    return Extent.from_geometry(
        codes.gathered([*(piece for box in boxes for piece in codes.as_pieces(box)), *polygons])
        or {}
    )


def _same_box(one: Extent, other: Extent | None) -> bool:
    sides = ("west", "south", "east", "north")
    return other is not None and all(
        abs(getattr(one, side) - getattr(other, side)) < 1e-6 for side in sides
    )


_SIDES = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")


def _box(reading: Reading, element: Element) -> Extent | None:
    texts = {LOCAL[node.tag]: value(node) for node in element}
    sides = [texts.get(side, "") for side in _SIDES]
    if not any(sides):
        return None
    west, south, east, north = map(codes.number, sides)
    if west is None or south is None or east is None or north is None:
        reading.refuse("geometry", element, " ".join(sides), "quatre nombres sont attendus")
        return None
    numbers = [float(side) for side in (west, south, east, north)]
    try:
        if max(map(abs, numbers)) <= 180:
            return Extent(*numbers)
        return coordinates.box_in_degrees(numbers, _reference_systems(reading.root))
    except RecordError as error:
        reading.refuse("geometry", element, " ".join(sides), str(error))
        return None


def _shapes(reading: Reading, element: Element, boxes: list[Extent]) -> Iterator[dict[str, Any]]:
    systems = _reference_systems(reading.root)
    for shape in coordinates.shapes_of(element):
        try:
            found = coordinates.from_gml(shape, beside=boxes, systems=systems)
        except ValueError as error:
            reading.refuse("geometry", shape, "", str(error))
        else:
            yield from map(dict, codes.simple(found))


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


ROOTS = frozenset({"MD_Metadata", "MI_Metadata", "CHE_MD_Metadata"})


def is_of_2014(root: Element) -> bool:
    """Say whether a metadata element is encoded by ISO 19115-3; a profile's own root may only hold
    what is.
    """
    return any(
        "standards.iso.org/iso/19115/-3" in str(node.tag)
        for node in (root, inner(root))
        if node is not None
    )


def read_element(root: Element) -> Record:
    """Read one metadata element; without an identifier it gets that of its title."""
    told = members(root)
    return describe(told | {"id": told["id"] or made_identifier(told)})


def members(root: Element) -> Members:
    """Return what a metadata element says, under the names of `mapping.MEMBERS`."""
    met = tuple(
        root.iter()
    )  # kept while reading: lxml then gives the same objects again instead of making new ones
    parts = grouped(root)
    reading = Reading(parts, _locales(parts))
    identification = grouped(inner(child(parts, "identificationInfo")))
    citation = grouped(inner(child(identification, "citation")))
    said = (
        _of_metadata(reading)
        | _of_citation(reading, citation)
        | _of_resource(reading, identification)
        | distribution(parts, identification)
        | _of_quality(parts)
        | {
            "contacts": tuple(contacts(parts, identification, citation)),
            "translations": _translations(reading, citation, identification),
            "unreadable": reading.unreadable,
        }
    )
    del met
    if said["externalIds"][:1] == (ExternalId(said["id"]),):  # that of the record says nothing more
        said["externalIds"] = said["externalIds"][1:]
    return said


# Return the language of each locale that the document declares, by its identifier.
def _locales(root: Holder) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("locale", "otherLocale", "defaultLocale"):
        for locale in every(root, name, "PT_Locale"):
            code = code_of(child(locale, "languageCode")) or code_of(child(locale, "language"))
            found[locale.get("id", "")] = codes.language(code)
    return found


def _translations(
    reading: Reading, citation: Holder, identification: Holder
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for member, holder in (
        ("title", child(citation, "title")),
        ("description", child(identification, "abstract")),
    ):
        for locale, text in (
            pair for node in children(holder, "PT_FreeText") for pair in localised(node)
        ):
            language = reading.locales.get(locale) or codes.language(locale)
            if language and text != value(holder):
                found.setdefault(language, {})[member] = text
    return found


def _of_metadata(reading: Reading) -> Members:
    root = reading.root
    language = code_of(child(root, "language")) or code_of(
        down(root, "defaultLocale", "*", "language")
    )
    called = value(child(root, "hierarchyLevelName")) or value(
        down(root, "metadataScope", "*", "name")
    )
    said: Members = {
        "id": value(child(root, "fileIdentifier"))
        or value(down(root, "metadataIdentifier", "*", "code")),
        "type": called
        if called in codes.OWN_TYPES
        else _level(child(root, "hierarchyLevel"))
        or code_of(down(root, "metadataScope", "*", "resourceScope")),
        "parent": _parent(child(root, "parentIdentifier"))
        or _parent(down(root, "parentMetadata", "*", "identifier", "*", "code"))
        or uuidref(child(root, "parentMetadata")),
        "crs": _reference_systems(root),
        "featureCatalogue": found_in(_feature_catalogue, root, "contentInfo"),
        "language": {"code": codes.language(language)} if language else {},
    }
    return said | _metadata_dates(reading)


# Return the level of a document; that which its words tell where its code is of another register
# (``RI_622``, « dataset; jeuDonnées », of the North American Profile).
def _level(holder: Element | None) -> str:
    code, node = code_of(holder), inner(holder)
    told = content(node).partition(";")[0].strip()
    return told if code not in codes.SCOPES and told in codes.SCOPES else code


def _parent(holder: Element | None) -> str:
    return value(holder) or uuidref(holder)


def _metadata_dates(reading: Reading) -> Members:
    said: Members = {}
    stamp = child(reading.root, "dateStamp")
    if stamp is not None:
        said["updated"] = codes.timestamp(reading.moment("updated", stamp))
    for holder in children(reading.root, "dateInfo"):
        date = inner(holder)
        match code_of(child(date, "dateType")):
            case "creation":
                said["created"] = codes.timestamp(reading.moment("created", child(date, "date")))
            case "revision":
                said["updated"] = codes.timestamp(reading.moment("updated", child(date, "date")))
    return said


def _reference_systems(root: Holder) -> list[str]:
    found: list[str] = []
    for holder in children(root, "referenceSystemInfo"):
        identifier = down(holder, "*", "referenceSystemIdentifier", "*")
        code = child(identifier, "code")
        text = (
            codes.crs(href_of(code))
            if "EPSG" in href_of(code)
            else codes.crs(value(code), value(child(identifier, "codeSpace")))
        )
        if text:
            found.append(text)
    return list(dict.fromkeys(found))


def _feature_catalogue(description: Element | None) -> FeatureCatalogue:
    if description is None or "FeatureCatalogue" not in LOCAL[description.tag]:
        return {}
    holder = child(description, "featureCatalogueCitation")
    citation = inner(holder)
    types = [
        *every(description, "featureTypes"),
        *every(description, "featureTypes", "*", "featureTypeName"),
    ]
    return filled(
        FeatureCatalogue(
            id=uuidref(holder) or value(down(citation, "identifier", "*", "code")),
            title=value(child(citation, "title")),
            href="" if holder is None else holder.get(HREF, ""),
            featureTypes=list(filter(None, map(value, types))),
        )
    )


def _of_citation(reading: Reading, citation: Holder) -> Members:
    dates: list[Dated] = []
    for holder in children(citation, "date"):
        date = inner(holder)
        if written := reading.moment("dates", child(date, "date")):
            dates.append({"date": written, "type": code_of(child(date, "dateType"))})
    return {
        "title": value(child(citation, "title")),
        "alternateTitles": values(citation, "alternateTitle"),
        "dates": dates,
        "externalIds": tuple(_external_ids(citation)),
    }


def _external_ids(citation: Holder) -> Iterator[ExternalId]:
    for holder in children(citation, "identifier"):
        identifier = inner(holder)
        code = child(identifier, "code")
        if text := value(code) or href_of(code):
            yield ExternalId(text, value(child(identifier, "codeSpace")))


def _of_resource(reading: Reading, identification: Holder) -> Members:
    said: Members = {
        "description": value(child(identification, "abstract")),
        "purpose": value(child(identification, "purpose")),
        "status": codes_of(identification, "status"),
        "representation": codes_of(identification, "spatialRepresentationType"),
        "serviceType": value(child(identification, "serviceType")),
        "resourceLanguages": _resource_languages(identification),
        "maintenance": _maintenance(inner(child(identification, "resourceMaintenance"))),
        "resolution": found_in(_resolution, identification, "spatialResolution"),
    }
    constraints = found_in(_constraint, identification, "resourceConstraints")
    said["constraints"] = constraints
    said["license"], said["rights"] = licence_of(constraints), rights_of(constraints)
    return said | _keywords(identification) | extents(reading, identification)


def _resource_languages(identification: Holder) -> list[Language]:
    holders = children(identification, "language")
    for name in ("defaultLocale", "otherLocale"):
        holders += every(identification, name, "PT_Locale", "language")
    told = filter(None, map(code_of, holders))
    return [{"code": code} for code in dict.fromkeys(map(codes.language, told))]


def _maintenance(information: Element | None) -> Maintenance:
    return filled(
        Maintenance(
            frequency=code_of(child(information, "maintenanceAndUpdateFrequency")),
            note="\n".join(values(information, "maintenanceNote")),
        )
    )


def _resolution(resolution: Element | None) -> Resolution:
    if scale := codes.number(value(down(resolution, "equivalentScale", "*", "denominator"))):
        return {"scale": scale}
    measure = inner(child(resolution, "distance"))
    if measure is not None and (distance := codes.number(content(measure))):
        return {"distance": distance, "unit": measure.get("uom", "").rpartition("#")[2] or "m"}
    return {}


def _constraint(constraint: Element | None) -> Constraint:
    if constraint is None:
        return {}
    kind, parts = LOCAL[constraint.tag], grouped(constraint)
    said = filled(
        Constraint(
            limitations=_texts_with_address(parts, "useLimitation"),
            access=codes_of(parts, "accessConstraints"),
            use=codes_of(parts, "useConstraints"),
            other=_texts_with_address(parts, "otherConstraints"),
            classification=code_of(child(parts, "classification")),
        )
    )
    return said and (
        Constraint(kind="legal" if "Legal" in kind else "security" if "Security" in kind else "use")
        | said
    )


def _texts_with_address(parent: Holder, name: str) -> list[Words]:
    return [
        filled(Words(text=text or address, href=address))
        for text, address in ((value(node), href_of(node)) for node in children(parent, name))
        if text or address
    ]


def licence_of(constraints: Sequence[Constraint]) -> str:
    """Return the licence that constraints name (see `licences.licence_of`), else ``other`` when one
    is.
    """
    told = [item for constraint in constraints for item in _said_texts(constraint)]
    texts = [text for item in told for text in (item.get("href", ""), item.get("text", "")) if text]
    other = any("license" in constraint.get("use", ()) for constraint in constraints)
    return licences.licence_of(texts) or ("other" if other else "")


def rights_of(constraints: Sequence[Constraint]) -> str:
    """Return the words of the constraints, each once."""
    return "\n".join(
        dict.fromkeys(
            text
            for constraint in constraints
            for item in _said_texts(constraint)
            if (text := item.get("text"))
        )
    )


def _said_texts(constraint: Constraint) -> list[Words]:
    return [*constraint.get("other", ()), *constraint.get("limitations", ())]


# Return free keywords, and one theme per thesaurus; topic categories are a theme too.
def _keywords(identification: Holder) -> Members:
    free: list[str] = []
    types: dict[str, str] = {}
    themes: list[Theme] = []
    others: list[Concept] = []
    for holder in children(identification, "descriptiveKeywords"):
        group = grouped(inner(holder))
        concepts = [concept for concept in map(_concept, children(group, "keyword")) if concept.id]
        kind = code_of(child(group, "type"))
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
    topics = [
        Concept(code) for code in map(code_of, children(identification, "topicCategory")) if code
    ]
    if topics := [*topics, *(concept for concept in others if concept not in topics)]:
        themes.append(Theme(tuple(topics), TOPIC_CATEGORY))
    return {"keywords": tuple(dict.fromkeys(free)), "keywordTypes": types, "themes": tuple(themes)}


def _concept(holder: Element) -> Concept:
    text, address = value(holder), href_of(holder)
    return Concept(address, text) if address else Concept(text, text)


def _theme(concepts: list[Concept], thesaurus: Element, title: str, kind: str) -> Theme:
    extra: dict[str, Any] = {"title": title}
    date = inner(child(thesaurus, "date"))
    if written := codes.moment(value(child(date, "date"))):
        extra |= {"date": written, "dateType": code_of(child(date, "dateType"))}
    extra |= filled({"type": kind})
    address = href_of(child(thesaurus, "title")) or value(
        down(thesaurus, "identifier", "*", "code")
    )
    if "inspire" in title.lower() and "theme" in title.lower().replace("thème", "theme"):
        known = [
            codes.inspire_theme(concept.id) or codes.inspire_theme(concept.title)
            for concept in concepts
        ]
        if any(known):
            extra |= {"address": address} if address and address != INSPIRE_THEME else {}
            addressed = (
                Concept(f"{INSPIRE_THEME}/{code}" if code else item.id, item.title)
                for code, item in zip(known, concepts, strict=True)
            )
            return Theme(tuple(addressed), INSPIRE_THEME, extra)
    return Theme(tuple(concepts), address, extra)


def _of_quality(root: Holder) -> Members:
    reports = every(root, "dataQualityInfo", "*", "report", "*")
    said: Members = {
        "conformity": _each(_conformance, reports, "result", "DQ_ConformanceResult"),
        "quality": [measure for report in reports for measure in _measures(report)],
    }
    return said | _lineage(root)


def _lineage(root: Holder) -> Members:
    lineages = [
        *every(root, "dataQualityInfo", "*", "lineage", "*"),
        *every(root, "resourceLineage", "*"),
    ]
    statements = (text for lineage in lineages for text in values(lineage, "statement"))
    return {
        "lineage": "\n\n".join(dict.fromkeys(statements)),
        "processSteps": _each(_step, lineages, "processStep", "*"),
        "sources": _each(_source, lineages, "source", "*"),
    }


# Return what is read in every element that local names lead to from some, but what is blank.
def _each[Shape](
    read: Callable[[Element], Shape], elements: list[Element], *steps: str
) -> list[Shape]:
    found = (node for element in elements for node in every(element, *steps))
    return list(filter(None, map(read, found)))


def _step(step: Element) -> Step:
    date = value(child(step, "dateTime")) or content(
        down(step, "stepDateTime", "*", "timePosition")
    )
    return filled(
        Step(
            description=value(child(step, "description")),
            rationale=value(child(step, "rationale")),
            date=codes.moment(date).removesuffix("T00:00:00"),
        )
    )


def _source(source: Element) -> Source:
    return filled(
        Source(
            title=value(down(source, "sourceCitation", "*", "title")),
            description=value(child(source, "description")),
        )
    )


# Yield the counts and rates that a report gives, one a value, under the names of ISO 19139.
def _measures(report: Element) -> Iterator[Measure]:
    element = NAMES_2003.get(name_of := LOCAL[report.tag], name_of)
    if element not in ELEMENTS:
        return
    about = inner(child(report, "measure"))
    about = report if about is None else about
    name, description = (
        value(child(about, "nameOfMeasure")),
        value(child(about, "measureDescription")),
    )
    for result in every(report, "result", "DQ_QuantitativeResult"):
        for text in values(result, "value"):
            named: Measure = {"name": name} if name else {}
            yield Measure(element=element, **named, value=number(text)) | described(description)


_PASS = {"true": True, "1": True, "false": False, "0": False}


def _conformance(result: Element) -> Conformity:
    holder = child(result, "specification")
    citation = inner(holder)
    date = inner(child(citation, "date"))
    day = codes.moment(value(child(date, "date")))
    said: Conformity = {
        "title": value(child(citation, "title")),
        "href": href_of(child(citation, "title"))
        or ("" if holder is None else holder.get(HREF, "")),
        "date": day,
        "dateType": code_of(child(date, "dateType")) if day else "",
        "explanation": value(child(result, "explanation")),
    }
    passed: Conformity = {"pass": _PASS.get(value(child(result, "pass")).lower())}
    return filled(said) | passed if any(said.values()) else {}
