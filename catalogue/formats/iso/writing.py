"""The model of ISO 19115 written whole; `iso_grafting` writes it into the document a record came
from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lxml import etree

from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.iso import quality_measures, reading
from geoguichet.catalogue.formats.iso.making import (
    GML,
    Dialect,
    Maker,
    Property,
    Value,
    dated,
    found,
    identifier,
    lineage_of,
    locale,
    missing,
    says,
    told,
)
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY, said
from geoguichet.catalogue.formats.xml import HREF, Element
from geoguichet.catalogue.record import Concept, Contact, Extent, Link, Record, Theme

# Extents of ISO 19115 written: boxes, polygons, named places, periods.


def extent_of(make: Maker, record: Record) -> Element | None:
    """Make the extent; None when there is nothing to say and nothing is asked."""
    geographic = [
        *_geographic(make, record),
        *(_place(make, place) for place in told(record, "places")),
    ]
    temporal = [
        make.object("EX_TemporalExtent", ("extent", period)) for period in _periods(make, record)
    ]
    words = told(record, "extentDescription")
    if not geographic and not temporal and not words:
        return _no_extent(make)
    return make.object(
        "EX_Extent",
        ("description", words),
        ("geographicElement", geographic),
        ("temporalElement", temporal),
    )


def _no_extent(make: Maker) -> Element | None:
    """Return what stands for the extent in ISO 19139: readers of it stumble over a resource that
    has none.
    """
    return missing() if "gmd" in make.dialect.namespaces else None


def _place(make: Maker, place: Mapping[str, str]) -> Element:
    code = identifier(make, place["code"], place.get("scheme", ""), place.get("href", ""))
    return make.object("EX_GeographicDescription", ("geographicIdentifier", code))


def _geographic(make: Maker, record: Record) -> Iterator[Element]:
    """Yield a box per rectangle, and for other shapes their box and their polygon.

    Several parts come after the box around all of them: most readers take the first box for the
    whole extent.
    """
    parts = geometries.boxes_and_shapes(record.geometry)
    if len(parts) > 1 and record.extent is not None:
        yield _box(make, record.extent)
    for part in parts:
        extent = part if isinstance(part, Extent) else Extent.from_geometry(part)
        if extent is not None:
            yield _box(make, extent)
        if not isinstance(part, Extent) and part["type"] == "Polygon":
            yield make.object(
                "EX_BoundingPolygon",
                ("polygon", _gml_polygon(make, part["coordinates"], record.id)),
            )


def _box(make: Maker, box: Extent) -> Element:
    sides = (box.west, box.east, box.south, box.north)
    names = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
    decimals = [make.leaf("gco", "Decimal", _decimal(side)) for side in sides]
    return make.object("EX_GeographicBoundingBox", *zip(names, decimals, strict=True))


def _decimal(number: float) -> str:
    """Return the shortest text without exponent that reads back as the same number."""
    return format(Decimal(repr(float(number))), "f").removesuffix(".0")


def _gml_polygon(make: Maker, rings: list[Any], name: str) -> Element:
    polygon = etree.Element(
        f"{{{GML}}}Polygon", {f"{{{GML}}}id": _gml_id(name, repr(rings[0][:3]))}, nsmap={"gml": GML}
    )
    polygon.set("srsName", "urn:ogc:def:crs:OGC:1.3:CRS84")
    for at, ring in enumerate(rings):
        side = etree.SubElement(polygon, f"{{{GML}}}{'interior' if at else 'exterior'}")
        positions = etree.SubElement(
            etree.SubElement(side, f"{{{GML}}}LinearRing"), f"{{{GML}}}posList"
        )
        positions.text = " ".join(f"{_decimal(x)} {_decimal(y)}" for x, y, *_ in ring)
    return polygon


def _gml_id(*parts: str) -> str:
    """Return an XML identifier that is the same for the same parts."""
    return "g" + blake2b("|".join(parts).encode(), digest_size=8).hexdigest()


def _periods(make: Maker, record: Record) -> Iterator[Element]:
    time = record.time
    if time is None:
        return
    periods = [tuple(period) for period in time.extra.get("periods", ())]
    if not periods:
        periods = [time.interval or (time.timestamp or time.date,) * 2]
    if time.extra.get("reversed"):
        periods = [period[::-1] for period in periods]
    for start, end in periods:
        if start == end:
            instant = etree.Element(
                f"{{{GML}}}TimeInstant",
                {f"{{{GML}}}id": _gml_id(record.id, start)},
                nsmap={"gml": GML},
            )
            etree.SubElement(instant, f"{{{GML}}}timePosition").text = start
            yield instant
            continue
        period = etree.Element(
            f"{{{GML}}}TimePeriod",
            {f"{{{GML}}}id": _gml_id(record.id, start, end)},
            nsmap={"gml": GML},
        )
        for name, text in (("beginPosition", start), ("endPosition", end)):
            position = etree.SubElement(period, f"{{{GML}}}{name}")
            if text == "..":
                position.set("indeterminatePosition", "unknown")
            else:
                position.text = text
        yield period


# Keywords, thesauri and constraints of ISO 19115 written.


def topics_of(record: Record) -> list[str]:
    """Return the topic categories of ISO 19115 among the themes."""
    return [
        concept.id
        for theme in record.themes
        if theme.scheme == TOPIC_CATEGORY
        for concept in theme.concepts
    ]


def keyword_groups(make: Maker, record: Record) -> Iterator[Element]:
    """Yield a group per type of free keywords, then one per thesaurus."""
    types = dict(told(record, "keywordTypes"))
    for kind in dict.fromkeys(types.get(word, "") for word in record.keywords):
        concepts = [Concept(word, word) for word in record.keywords if types.get(word, "") == kind]
        yield make.object(
            "MD_Keywords",
            ("keyword", _words(make, concepts)),
            ("type", make.code("MD_KeywordTypeCode", kind)),
        )
    for theme in (*record.themes, *_other_topics(make, record)):
        if theme.scheme != TOPIC_CATEGORY or theme.extra:
            kind = make.code("MD_KeywordTypeCode", theme.extra.get("type", ""))
            yield make.object(
                "MD_Keywords",
                ("keyword", _words(make, theme.concepts)),
                ("type", kind),
                ("thesaurusName", _thesaurus(make, theme)),
            )


def _other_topics(make: Maker, record: Record) -> list[Theme]:
    """Return, as a thesaurus of its own, the topic categories of a profile that the schema does not
    list.
    """
    concepts = tuple(Concept(code) for code in topics_of(record) if code not in known_topics(make))
    return [Theme(concepts, TOPIC_CATEGORY, {"title": "MD_TopicCategoryCode"})] if concepts else []


def _words(make: Maker, concepts: Iterable[Concept]) -> list[Value]:
    return [
        make.text(item.title or item.id, item.id if item.id != item.title and item.title else "")
        for item in concepts
    ]


def _thesaurus(make: Maker, theme: Theme) -> Element:
    inspire = theme.scheme == INSPIRE_THEME
    title = theme.extra.get("title") or (
        "GEMET - INSPIRE themes, version 1.0" if inspire else theme.scheme or "thesaurus"
    )
    address = theme.extra.get("address", "") if inspire else theme.scheme
    date = theme.extra.get("date", "2008-06-01" if inspire and "date" not in theme.extra else "")
    kind = theme.extra.get("dateType", "") or ("publication" if date else "")
    return make.object(
        "CI_Citation",
        ("title", title),
        ("date", dated(make, date, kind) if date else missing()),
        ("identifier", identifier(make, address) if address else None),
    )


def constraints_of(record: Record) -> list[Mapping[str, Any]]:
    """Return the constraints, with what the licence and the rights say that they do not say yet."""
    constraints: list[Mapping[str, Any]] = list(told(record, "constraints"))
    if record.license and reading.licence_of(constraints) != record.license:
        name = {"text": record.license, "href": codes.licence_address(record.license)}
        other = {"other": [name]} if record.license != "other" else {}
        constraints.insert(0, {"kind": "legal", "use": ["license"], **other})
    known = reading.rights_of(constraints).split("\n")
    more = [line for line in record.rights.split("\n") if line.strip() and line not in known]
    if more:
        constraints.append({"kind": "use", "limitations": [{"text": line} for line in more]})
    return constraints


def constraint(make: Maker, said_there: Mapping[str, Any]) -> Element:
    """Make the constraints of one kind."""
    texts = {
        name: [make.text(item["text"], item.get("href", "")) for item in said_there.get(name, ())]
        for name in ("limitations", "other")
    }
    limits: list[Property] = [("useLimitation", texts["limitations"])]
    if said_there.get("kind") == "security":
        code = make.required("MD_ClassificationCode", said_there.get("classification", ""))
        return make.object("MD_SecurityConstraints", *limits, ("classification", code))
    restrictions: list[Property] = [
        (
            f"{name}Constraints",
            [make.code("MD_RestrictionCode", text) for text in said_there.get(name, ())],
        )
        for name in ("access", "use")
    ]
    if (
        said_there.get("kind") == "legal"
        or texts["other"]
        or any(values for _, values in restrictions)
    ):
        return make.object(
            "MD_LegalConstraints", *limits, *restrictions, ("otherConstraints", texts["other"])
        )
    return make.object("MD_Constraints", *limits)


def known_topics(make: Maker) -> frozenset[str]:
    """Return the topic categories that the schema of an encoding lists; the others are written as
    keywords.
    """
    added = {"extraTerrestrial", "disaster"} if "gmd" in make.dialect.namespaces else set()
    return frozenset(codes.TOPIC_CATEGORIES) - added


# Contacts, links, operations of services and distribution of ISO 19115 written.


def distribution_of(make: Maker, record: Record) -> Element | None:
    """Make the distribution; None when there is nothing to say."""
    formats = [make.dialect.format(make, item) for item in told(record, "formats")]
    distributors = [
        make.object("MD_Distributor", ("distributorContact", party_of(make, contact)))
        for contact in answering(record, "distribution")
    ]
    online = [_online(make, link) for link in record.links if distributed(link)]
    transfer = make.object("MD_DigitalTransferOptions", ("onLine", online)) if online else None
    if not formats and not distributors and transfer is None:
        return None
    return make.object(
        "MD_Distribution",
        ("distributionFormat", formats),
        ("distributor", distributors),
        ("transferOptions", transfer),
    )


def distributed(link: Link) -> bool:
    """Say whether a link is about getting the content; previews and operations of services stand
    elsewhere.
    """
    return (
        link.rel != "preview" and "operation" not in link.extra and "operatesOn" not in link.extra
    )


_FUNCTIONS = {
    "enclosure": "download",
    "item": "download",
    "about": "information",
    "describedby": "information",
}


def _online(make: Maker, link: Link) -> Element:
    """Make a ``CI_OnlineResource``."""
    url = (
        make.leaf("gmd", "URL", _as_uri(link.href))
        if "gmd" in make.dialect.namespaces
        else link.href
    )
    named: Value = link.title
    if link.type:
        named = make.leaf(
            make.dialect.anchor,
            "MimeFileType",
            link.title or link.type,
            type=codes.writable(link.type),
        )
    return make.object(
        "CI_OnlineResource",
        ("linkage", url),
        (
            "protocol",
            make.text(link.extra.get("protocol", ""), link.extra.get("protocolAddress", "")),
        ),
        ("applicationProfile", link.extra.get("applicationProfile", "")),
        ("name", named),
        ("description", link.extra.get("description", "")),
        ("function", make.code("CI_OnLineFunctionCode", _function(link))),
    )


def _as_uri(address: str) -> str:
    """Return an address with its brackets escaped unless they enclose an IPv6 host: ``xs:anyURI``
    refuses them.
    """
    scheme, mark, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    if not mark or not slash or not ("[" in path or "]" in path):
        return address
    return f"{scheme}{mark}{host}{slash}{path.replace('[', '%5B').replace(']', '%5D')}"


def _function(link: Link) -> str:
    """Return the ISO function of a link; one that its protocol already tells is not added."""
    if "function" in link.extra or codes.relation(link.extra) == link.rel:
        return str(link.extra.get("function", ""))
    return _FUNCTIONS.get(link.rel, "")


def preview_of(make: Maker, link: Link) -> Element:
    """Make a ``MD_BrowseGraphic``."""
    kind = link.extra.get("fileType", "")
    return make.object(
        "MD_BrowseGraphic",
        ("fileName", link.href),
        ("fileDescription", link.title),
        ("fileType", kind),
    )


def _operation(make: Maker, link: Link) -> Element:
    platform = "DCP" if "gmd" in make.dialect.namespaces else "distributedComputingPlatform"
    return make.object(
        "SV_OperationMetadata",
        ("operationName", link.extra.get("operation", "") or missing()),
        (platform, make.code("DCPList", "WebServices")),
        ("connectPoint", _online(make, link)),
    )


def _reference(attributes: Mapping[str, str]) -> Element:
    return etree.Element(
        "reference", {name: codes.writable(text) for name, text in attributes.items() if text}
    )


def service_of(make: Maker, record: Record) -> list[Property]:
    """Return what only the identification of a service has."""
    kind = make.leaf(
        "gco",
        "LocalName" if "gmd" in make.dialect.namespaces else "ScopedName",
        told(record, "serviceType") or "other",
    )
    operations = [link for link in record.links if "operation" in link.extra]
    coupled = [link for link in record.links if "operatesOn" in link.extra]
    return [
        ("serviceType", kind),
        ("couplingType", make.code("SV_CouplingType", "tight" if coupled else "loose")),
        ("containsOperations", [_operation(make, link) for link in operations] or [missing()]),
        (
            "operatesOn",
            [
                _reference({HREF: link.href, "uuidref": link.extra["operatesOn"]})
                for link in coupled
            ],
        ),
    ]


def answering(record: Record, what: str) -> list[Contact]:
    """Return who answers for the metadata, the citation or the distribution; with nothing named,
    for the resource.
    """
    return [contact for contact in record.contacts if contact.extra.get("about", "") == what]


def party_of(make: Maker, contact: Contact) -> Element:
    """Make who answers for something."""
    addresses = contact.extra.get("addresses") or [{}]
    postal = addresses[0]
    emails = [point.value for point in contact.emails]
    older = "gmd" in make.dialect.namespaces  # a contact has one page there
    address = None
    if postal or emails:
        lines = ("city", "administrativeArea", "postalCode", "country")
        address = make.object(
            "CI_Address",
            ("deliveryPoint", postal.get("deliveryPoint", [])),
            *((name, postal.get(name, "")) for name in lines),
            ("electronicMailAddress", emails),
        )
    details: list[Property] = [
        ("address", address),
        (
            "onlineResource",
            [_online(make, link) for link in (contact.links[:1] if older else contact.links)],
        ),
        ("hoursOfService", contact.extra.get("hoursOfService", "")),
        ("contactInstructions", contact.extra.get("contactInstructions", "")),
    ]
    return make.dialect.party(make, contact, details)


def build(record: Record, dialect: Dialect) -> Element:
    """Make the whole metadata element of a record."""
    make = Maker(dialect)
    contacts = [party_of(make, contact) for contact in answering(record, "metadata")]
    root = make.object(
        "MD_Metadata",
        *dialect.metadata(make, record),
        ("contact", contacts or [missing()]),
        ("referenceSystemInfo", [_reference_system(make, code) for code in told(record, "crs")]),
        ("identificationInfo", _identification(make, record)),
        (
            "contentInfo",
            [_feature_catalogue(make, item) for item in told(record, "featureCatalogue")],
        ),
        ("distributionInfo", distribution_of(make, record)),
        ("dataQualityInfo", _quality(make, record)),
    )
    etree.cleanup_namespaces(root, keep_ns_prefixes=["gco"])
    return root


def _identification(make: Maker, record: Record) -> Element:
    service = is_service(record)
    kind = "SV_ServiceIdentification" if service else "MD_DataIdentification"
    maintenance = told(record, "maintenance")
    properties: list[Property] = [
        ("citation", _citation(make, record)),
        ("abstract", _main_text(make, record, "description")),
        ("purpose", told(record, "purpose")),
        ("status", [make.code("MD_ProgressCode", text) for text in told(record, "status")]),
        ("pointOfContact", [party_of(make, contact) for contact in answering(record, "")]),
        ("resourceMaintenance", _maintenance(make, maintenance) if maintenance else None),
        (
            "graphicOverview",
            [preview_of(make, link) for link in record.links if link.rel == "preview"],
        ),
        ("descriptiveKeywords", list(keyword_groups(make, record))),
        ("resourceConstraints", [constraint(make, item) for item in constraints_of(record)]),
        ("extent", extent_of(make, record)),
    ]
    properties += service_of(make, record) if service else _data(make, record)
    return make.object(kind, *properties)


def is_service(record: Record) -> bool:
    """Say whether a record is written as a service: by its members, else by its type."""
    if said(record, "serviceType") or aspect(record, "links.operations"):
        return True
    members = ("representation", "resolution", "resourceLanguages")
    return (
        record.type == "service"
        and not topics_of(record)
        and not any(said(record, member) for member in members)
    )


def _data(make: Maker, record: Record) -> list[Property]:
    kinds = told(record, "representation")
    languages = [item["code"] for item in told(record, "resourceLanguages")]
    return [
        (
            "spatialRepresentationType",
            [make.code("MD_SpatialRepresentationTypeCode", text) for text in kinds],
        ),
        ("spatialResolution", [_resolution(make, item) for item in told(record, "resolution")]),
        *_languages(make, languages),
        (
            "topicCategory",
            [
                make.leaf(
                    make.dialect.prefix_of("MD_TopicCategoryCode"), "MD_TopicCategoryCode", code
                )
                for code in topics_of(record)
                if code in known_topics(make)
            ],
        ),
    ]


def _languages(make: Maker, languages: list[str]) -> list[Property]:
    if "defaultLocale" not in make.dialect.order["MD_DataIdentification"]:
        return [("language", [make.language(code) for code in languages] or [missing()])]
    locales = [locale(make, code) for code in languages]
    return [("defaultLocale", locales[:1]), ("otherLocale", locales[1:])]


def _citation(make: Maker, record: Record) -> Element:
    dates = [dated(make, item["date"], item.get("type", "")) for item in told(record, "dates")]
    identifiers = [identifier(make, item.value, item.scheme) for item in record.external_ids]
    return make.object(
        "CI_Citation",
        ("title", _main_text(make, record, "title")),
        ("alternateTitle", told(record, "alternateTitles")),
        ("date", dates or [missing()]),
        ("identifier", identifiers),
        (
            "citedResponsibleParty",
            [party_of(make, contact) for contact in answering(record, "citation")],
        ),
    )


def _main_text(make: Maker, record: Record, member: str) -> Value:
    """Return a text that `translate` gives its other languages; mandatory, so never absent."""
    text = said(record, member)
    if not text:
        return missing()
    return str(text)


def translate(make: Maker, record: Record, root: Element) -> None:
    """Add the other languages of the title and the abstract to the elements that say them."""
    namespace = make.dialect.prefix_of("PT_FreeText")
    for member, wanted in (
        ("title", "identificationInfo/*/citation/*/title"),
        ("description", "identificationInfo/*/abstract"),
    ):
        for holder in found(root, wanted):
            groups = [
                (code, texts[member])
                for code, texts in dict(told(record, "translations")).items()
                if member in texts
            ]
            if groups:
                holder.set(
                    "{http://www.w3.org/2001/XMLSchema-instance}type",
                    f"{namespace}:PT_FreeText_PropertyType",
                )
                free = etree.SubElement(holder, make.tag(namespace, "PT_FreeText"))
                for code, text in groups:
                    group = etree.SubElement(free, make.tag(namespace, "textGroup"))
                    localised = make.leaf(
                        namespace, "LocalisedCharacterString", text, locale=f"#{code.upper()}"
                    )
                    group.append(localised)


def _maintenance(make: Maker, maintenance: Mapping[str, str]) -> Element:
    frequency = make.code(
        "MD_MaintenanceFrequencyCode", maintenance.get("frequency", "") or "unknown"
    )
    return make.object(
        "MD_MaintenanceInformation",
        ("maintenanceAndUpdateFrequency", frequency),
        ("maintenanceNote", maintenance.get("note", "")),
    )


def _resolution(make: Maker, resolution: Mapping[str, Any]) -> Element:
    if "scale" in resolution:
        scale = make.leaf("gco", "Integer", str(resolution["scale"]))
        return make.object(
            "MD_Resolution",
            ("equivalentScale", make.object("MD_RepresentativeFraction", ("denominator", scale))),
        )
    distance = make.leaf(
        "gco",
        "Distance",
        str(resolution["distance"]),
        uom=codes.writable(resolution.get("unit", "m")),
    )
    return make.object("MD_Resolution", ("distance", distance))


def _reference_system(make: Maker, code: str) -> Element:
    address = codes.crs_address(code)
    written = make.object(
        "RS_Identifier" if "gmd" in make.dialect.namespaces else "MD_Identifier",
        ("code", make.text(code, address if address != code else "")),
    )
    return make.object("MD_ReferenceSystem", ("referenceSystemIdentifier", written))


def _feature_catalogue(make: Maker, item: Mapping[str, Any]) -> Element:
    identifiers = identifier(make, item["id"]) if item.get("id") else None
    citation = make.object(
        "CI_Citation",
        ("title", item.get("title", "") or missing()),
        ("date", missing()),
        ("identifier", identifiers),
    )
    names = [make.leaf("gco", "LocalName", text) for text in item.get("featureTypes", ())]
    types: list[Value] = list(names)
    if "gmd" not in make.dialect.namespaces:
        types = [make.object("MD_FeatureTypeInfo", ("featureTypeName", name)) for name in names]
    included = make.leaf("gco", "Boolean", "false")
    element = make.object(
        "MD_FeatureCatalogueDescription",
        ("includedWithDataset", included),
        ("featureTypes", types),
        ("featureCatalogueCitation", citation),
    )
    if item.get("href"):
        element[-1].set(HREF, codes.writable(item["href"]))
    return element


def _quality(make: Maker, record: Record) -> Element | None:
    reports = [_conformance(make, item) for item in told(record, "conformity")]
    reports += [_measure(make, item) for item in _measured(record)]
    lineage = lineage_of(make, record) if "gmd" in make.dialect.namespaces else None
    if not reports and lineage is None:
        return None
    scope = "DQ_Scope" if "gmd" in make.dialect.namespaces else "MD_Scope"
    level = make.code("MD_ScopeCode", record.type or "dataset")
    return make.object(
        "DQ_DataQuality",
        ("scope", make.object(scope, ("level", level))),
        ("report", reports),
        ("lineage", lineage),
    )


def _measured(record: Record) -> Iterator[Mapping[str, Any]]:
    """Yield the measures of ``catalogue.quality_measures`` that are elements of ISO 19157."""
    told = record.extra_properties.get("quality")
    for item in told if isinstance(told, list) else ():
        if (
            isinstance(item, Mapping)
            and item.get("element") in quality_measures.ELEMENTS
            and "value" in item
        ):
            yield item


def _measure(make: Maker, item: Mapping[str, Any]) -> Element:
    """Make a report of one value; ISO 19157 says the measure in an object of its own, and its unit
    is optional.
    """
    older, element = "gmd" in make.dialect.namespaces, str(item["element"])
    unit = ("valueUnit", missing("inapplicable") if older else None)
    result = make.object(
        "DQ_QuantitativeResult", unit, ("value", make.leaf("gco", "Record", str(item["value"])))
    )
    name = str(item.get("name") or item.get("rule", ""))
    about: list[Property] = [
        ("nameOfMeasure", name),
        ("measureDescription", quality_measures.description(item)),
    ]
    if older:
        return make.object(element, *about, ("result", result))
    newer = {was: now for now, was in quality_measures.NAMES_2003.items()}
    measure = make.object("DQ_MeasureReference", *about) if says(about) else None
    return make.object(newer.get(element, element), ("measure", measure), ("result", result))


def _conformance(make: Maker, item: Mapping[str, Any]) -> Element:
    date = dated(make, item["date"], item.get("dateType", "")) if item.get("date") else missing()
    title = make.text(item.get("title", ""), item.get("href", ""))
    citation = make.object(
        "CI_Citation", ("title", missing() if title == "" else title), ("date", date)
    )
    passed = (
        missing("unknown")
        if item.get("pass") is None
        else make.leaf("gco", "Boolean", str(item["pass"]).lower())
    )
    result = make.object(
        "DQ_ConformanceResult",
        ("specification", citation),
        ("explanation", item.get("explanation", "") or missing()),
        ("pass", passed),
    )
    return make.object("DQ_DomainConsistency", ("result", result))


def aspect(record: Record, member: str) -> Any:
    """Return what a record says about a member, or the part of it that a dotted name means."""
    if member.startswith("contacts"):
        return answering(record, member.partition(".")[2])
    if member == "links":
        return [link for link in record.links if distributed(link)]
    if member == "links.preview":
        return [link for link in record.links if link.rel == "preview"]
    if member == "links.operations":
        return [link for link in record.links if not distributed(link) and link.rel != "preview"]
    if member == "themes.topicCategory":
        return topics_of(record)
    if member == "themes":
        return [theme for theme in record.themes if theme.scheme != TOPIC_CATEGORY]
    return said(record, member) or None
