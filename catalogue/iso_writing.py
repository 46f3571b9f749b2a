"""The model of ISO 19115 written whole; `iso_grafting` writes it into the document a record came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from geoguichet.catalogue import codes, quality_measures
from geoguichet.catalogue.iso_extent_writing import extent_of
from geoguichet.catalogue.iso_keyword_writing import constraint, constraints_of, keyword_groups, known_topics, topics_of
from geoguichet.catalogue.iso_making import (
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
from geoguichet.catalogue.iso_party_writing import (
    answering,
    distributed,
    distribution_of,
    party_of,
    preview_of,
    service_of,
)
from geoguichet.catalogue.mapping import TOPIC_CATEGORY, said
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.xml import HREF, Element


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
        ("contentInfo", [_feature_catalogue(make, item) for item in told(record, "featureCatalogue")]),
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
        ("graphicOverview", [preview_of(make, link) for link in record.links if link.rel == "preview"]),
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
    return record.type == "service" and not topics_of(record) and not any(said(record, member) for member in members)


def _data(make: Maker, record: Record) -> list[Property]:
    kinds = told(record, "representation")
    languages = [item["code"] for item in told(record, "resourceLanguages")]
    return [
        ("spatialRepresentationType", [make.code("MD_SpatialRepresentationTypeCode", text) for text in kinds]),
        ("spatialResolution", [_resolution(make, item) for item in told(record, "resolution")]),
        *_languages(make, languages),
        (
            "topicCategory",
            [
                make.leaf(make.dialect.prefix_of("MD_TopicCategoryCode"), "MD_TopicCategoryCode", code)
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
        ("citedResponsibleParty", [party_of(make, contact) for contact in answering(record, "citation")]),
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
                (code, texts[member]) for code, texts in dict(told(record, "translations")).items() if member in texts
            ]
            if groups:
                holder.set("{http://www.w3.org/2001/XMLSchema-instance}type", f"{namespace}:PT_FreeText_PropertyType")
                free = etree.SubElement(holder, make.tag(namespace, "PT_FreeText"))
                for code, text in groups:
                    group = etree.SubElement(free, make.tag(namespace, "textGroup"))
                    localised = make.leaf(namespace, "LocalisedCharacterString", text, locale=f"#{code.upper()}")
                    group.append(localised)


def _maintenance(make: Maker, maintenance: Mapping[str, str]) -> Element:
    frequency = make.code("MD_MaintenanceFrequencyCode", maintenance.get("frequency", "") or "unknown")
    return make.object(
        "MD_MaintenanceInformation",
        ("maintenanceAndUpdateFrequency", frequency),
        ("maintenanceNote", maintenance.get("note", "")),
    )


def _resolution(make: Maker, resolution: Mapping[str, Any]) -> Element:
    if "scale" in resolution:
        scale = make.leaf("gco", "Integer", str(resolution["scale"]))
        return make.object(
            "MD_Resolution", ("equivalentScale", make.object("MD_RepresentativeFraction", ("denominator", scale)))
        )
    distance = make.leaf(
        "gco", "Distance", str(resolution["distance"]), uom=codes.writable(resolution.get("unit", "m"))
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
        "CI_Citation", ("title", item.get("title", "") or missing()), ("date", missing()), ("identifier", identifiers)
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
        if isinstance(item, Mapping) and item.get("element") in quality_measures.ELEMENTS and "value" in item:
            yield item


def _measure(make: Maker, item: Mapping[str, Any]) -> Element:
    """Make a report of one value; ISO 19157 says the measure in an object of its own, and its unit is optional."""
    older, element = "gmd" in make.dialect.namespaces, str(item["element"])
    unit = ("valueUnit", missing("inapplicable") if older else None)
    result = make.object("DQ_QuantitativeResult", unit, ("value", make.leaf("gco", "Record", str(item["value"]))))
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
    citation = make.object("CI_Citation", ("title", missing() if title == "" else title), ("date", date))
    passed = missing("unknown") if item.get("pass") is None else make.leaf("gco", "Boolean", str(item["pass"]).lower())
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
