"""The model of ISO 19115 written, whole or into the document a record came from."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, cast

from lxml import etree

from geoguichet.catalogue.formats import codes, licences
from geoguichet.catalogue.formats.conversions import topic_codes
from geoguichet.catalogue.formats.iso import reading, values
from geoguichet.catalogue.formats.iso.making import (
    Dialect,
    Maker,
    Property,
    Value,
    dated,
    extent_of,
    found,
    identifier,
    lineage_of,
    locale,
    missing,
    reference,
    says,
)
from geoguichet.catalogue.formats.links import FUNCTIONS, told_in_iso
from geoguichet.catalogue.formats.mapping import (
    INSPIRE_THEME,
    TOPIC_CATEGORY,
    Conformity,
    Constraint,
    FeatureCatalogue,
    Maintenance,
    Mapped,
    Measure,
    Members,
    Resolution,
    Words,
    beyond,
    describe,
    said,
)
from geoguichet.catalogue.formats.xml import HREF, LOCAL, Element, parse, serialize
from geoguichet.catalogue.record import Concept, Contact, ExternalId, Link, Record, Theme

# Keywords, thesauri and constraints of ISO 19115 written.


def keyword_groups(make: Maker, record: Record) -> Iterator[Element]:
    """Yield a group per type of free keywords, then one per thesaurus."""
    types = beyond(record).get("keywordTypes", {})
    for kind in dict.fromkeys(types.get(word, "") for word in record.keywords):
        free = [Concept(word, word) for word in record.keywords if types.get(word, "") == kind]
        yield _group(make, free, kind)
    for theme in (*record.themes, *_other_topics(make, record)):
        if theme.scheme != TOPIC_CATEGORY or theme.extra:
            kind = theme.extra.get("type", "")
            yield _group(make, theme.concepts, kind, _thesaurus(make, theme))


def _group(
    make: Maker, concepts: Iterable[Concept], kind: str, thesaurus: Element | None = None
) -> Element:
    return make.object(
        "MD_Keywords",
        (
            "keyword",
            [
                make.text(item.title or item.id, item.id if item.title not in ("", item.id) else "")
                for item in concepts
            ],
        ),
        ("type", make.code("MD_KeywordTypeCode", kind)),
        ("thesaurusName", thesaurus),
    )


# Return, as a thesaurus of its own, the topic categories of a profile that the schema does not
# list.
def _other_topics(make: Maker, record: Record) -> list[Theme]:
    concepts = tuple(
        Concept(code) for code in topic_codes(record) if code not in known_topics(make)
    )
    return [Theme(concepts, TOPIC_CATEGORY, {"title": "MD_TopicCategoryCode"})] if concepts else []


def _thesaurus(make: Maker, theme: Theme) -> Element:
    inspire = theme.scheme == INSPIRE_THEME
    named = "GEMET - INSPIRE themes, version 1.0" if inspire else theme.scheme or "thesaurus"
    address = theme.extra.get("address", "") if inspire else theme.scheme
    date = theme.extra.get("date", "2008-06-01" if inspire and "date" not in theme.extra else "")

    return make.object(
        "CI_Citation",
        ("title", theme.extra.get("title") or named),
        (
            "date",
            dated(make, date, theme.extra.get("dateType") or "publication") if date else missing(),
        ),
        ("identifier", identifier(make, address) if address else None),
    )


def constraints_of(record: Record) -> list[Constraint]:
    """Return the constraints, with what the licence and the rights say that they do not say yet."""
    constraints = list(beyond(record).get("constraints", ()))
    licence = licences.asserted(record)
    if licence and reading.licence_of(constraints) != licence:
        constraints.insert(0, licensing(licence))
    known = reading.rights_of(constraints).split("\n")
    more = [line for line in record.rights.split("\n") if line.strip() and line not in known]
    if more:
        constraints.append({"kind": "use", "limitations": [{"text": line} for line in more]})
    return constraints


def licensing(licence: str) -> Constraint:
    """Return the constraint that a licence is: told by its title and its address, of one that is
    known.
    """
    legal: Constraint = {"kind": "legal", "use": ["license"]}
    if licence != "other":
        told = {"text": licences.title_of(licence), "href": licences.address_of(licence)}
        legal["other"] = [cast(Words, told)]
    return legal


def constraint(make: Maker, said_there: Constraint) -> Element:
    """Make the constraints of one kind."""

    def texts(listed: Iterable[Words]) -> list[Value]:
        return [make.text(item.get("text", ""), item.get("href", "")) for item in listed]

    def codes_of(listed: Iterable[str]) -> list[Value]:
        return [make.code("MD_RestrictionCode", text) for text in listed]

    limits: Property = ("useLimitation", texts(said_there.get("limitations", ())))
    if said_there.get("kind") == "security":
        code = make.required("MD_ClassificationCode", said_there.get("classification", ""))
        return make.object("MD_SecurityConstraints", limits, ("classification", code))
    legal: list[Property] = [
        ("accessConstraints", codes_of(said_there.get("access", ()))),
        ("useConstraints", codes_of(said_there.get("use", ()))),
        ("otherConstraints", texts(said_there.get("other", ()))),
    ]
    if said_there.get("kind") == "legal" or says(legal):
        return make.object("MD_LegalConstraints", limits, *legal)
    return make.object("MD_Constraints", limits)


def known_topics(make: Maker) -> frozenset[str]:
    """Return the topic categories that the schema of an encoding lists; the others are written as
    keywords.
    """
    added_in_2014 = {"extraTerrestrial", "disaster"}
    return frozenset(codes.TOPIC_CATEGORIES) - (added_in_2014 if make.older else set())


# Contacts, links, operations of services and distribution of ISO 19115 written.


def distribution_of(make: Maker, record: Record) -> Element | None:
    """Make the distribution; None when there is nothing to say."""
    online = [online_of(make, told_in_iso(link)) for link in aspect(record, "links")]
    said_there: list[Property] = [
        (
            "distributionFormat",
            [make.dialect.format(make, item) for item in beyond(record).get("formats", ())],
        ),
        (
            "distributor",
            [
                make.object("MD_Distributor", ("distributorContact", party_of(make, contact)))
                for contact in answering(record, "distribution")
            ],
        ),
        (
            "transferOptions",
            make.object("MD_DigitalTransferOptions", ("onLine", online)) if online else None,
        ),
    ]
    return make.object("MD_Distribution", *said_there) if says(said_there) else None


def distributed(link: Link) -> bool:
    """Say whether a link is about getting the content; previews and operations of services stand
    elsewhere.
    """
    return (
        link.rel != "preview" and "operation" not in link.extra and "operatesOn" not in link.extra
    )


def online_of(make: Maker, link: Link) -> Element:
    """Make a ``CI_OnlineResource``."""
    return make.object(
        "CI_OnlineResource",
        ("linkage", make.leaf("gmd", "URL", _as_uri(link.href)) if make.older else link.href),
        (
            "protocol",
            make.text(link.extra.get("protocol", ""), link.extra.get("protocolAddress", "")),
        ),
        ("applicationProfile", link.type or link.extra.get("applicationProfile", "")),
        ("name", link.title),
        ("description", link.extra.get("description", "")),
        ("function", make.code("CI_OnLineFunctionCode", _function(link))),
    )


# Return an address with its brackets escaped unless they enclose an IPv6 host: ``xs:anyURI``
# refuses them.
def _as_uri(address: str) -> str:
    scheme, mark, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    if not mark or not slash or not ("[" in path or "]" in path):
        return address
    return f"{scheme}{mark}{host}{slash}{path.replace('[', '%5B').replace(']', '%5D')}"


# Return the ISO function of a link; one that its protocol already tells is not added.
def _function(link: Link) -> str:
    if "function" in link.extra or codes.relation(link.extra) == link.rel:
        return str(link.extra.get("function", ""))
    return FUNCTIONS.get(link.rel, "")


def _preview(make: Maker, link: Link) -> Element:
    return make.object(
        "MD_BrowseGraphic",
        ("fileName", link.href),
        ("fileDescription", link.title),
        ("fileType", link.extra.get("fileType", "")),
    )


def _operation(make: Maker, link: Link) -> Element:

    return make.object(
        "SV_OperationMetadata",
        ("operationName", link.extra.get("operation", "") or missing()),
        (
            "DCP" if make.older else "distributedComputingPlatform",
            make.code("DCPList", "WebServices"),
        ),
        ("connectPoint", online_of(make, told_in_iso(link))),
    )


def service_of(make: Maker, record: Record) -> list[Property]:
    """Return what only the identification of a service has."""
    kind = "LocalName" if make.older else "ScopedName"
    operations = [_operation(make, link) for link in record.links if "operation" in link.extra]
    coupled = [link for link in record.links if "operatesOn" in link.extra]
    return [
        ("serviceType", make.leaf("gco", kind, beyond(record).get("serviceType", "other"))),
        ("couplingType", make.code("SV_CouplingType", "tight" if coupled else "loose")),
        ("containsOperations", operations or [missing()]),
        (
            "operatesOn",
            [reference({HREF: link.href, "uuidref": link.extra["operatesOn"]}) for link in coupled],
        ),
    ]


def answering(record: Record, what: str) -> list[Contact]:
    """Return who answers for the metadata, the citation or the distribution; with nothing named,
    for the resource.
    """
    return [contact for contact in record.contacts if contact.extra.get("about", "") == what]


def party_of(make: Maker, contact: Contact) -> Element:
    """Make who answers for something."""
    postal = (contact.extra.get("addresses") or [{}])[0]
    address: list[Property] = [
        *((name, postal.get(name, "")) for name in values.POSTAL),
        ("electronicMailAddress", [point.value for point in contact.emails]),
    ]
    links = contact.links[:1] if make.older else contact.links  # a contact has one page there
    details: list[Property] = [
        ("address", make.object("CI_Address", *address) if says(address) else None),
        ("onlineResource", [online_of(make, link) for link in links]),
        ("hoursOfService", contact.extra.get("hoursOfService", "")),
        ("contactInstructions", contact.extra.get("contactInstructions", "")),
    ]
    return make.dialect.party(make, contact, details)


def build(record: Record, dialect: Dialect) -> Element:
    """Make the whole metadata element of a record."""
    make, told = Maker(dialect), beyond(record)
    root = make.object(
        "MD_Metadata",
        *dialect.metadata(make, record),
        (
            "contact",
            [party_of(make, contact) for contact in answering(record, "metadata")] or [missing()],
        ),
        ("referenceSystemInfo", [_reference_system(make, code) for code in told.get("crs", ())]),
        ("identificationInfo", _identification(make, record)),
        (
            "contentInfo",
            [_feature_catalogue(make, item) for item in told.get("featureCatalogue", ())],
        ),
        ("distributionInfo", distribution_of(make, record)),
        ("dataQualityInfo", _quality(make, record)),
    )
    etree.cleanup_namespaces(root, keep_ns_prefixes=["gco"])
    return root


def _identification(make: Maker, record: Record) -> Element:
    service, told = is_service(record), beyond(record)
    maintenance = told.get("maintenance")

    return make.object(
        "SV_ServiceIdentification" if service else "MD_DataIdentification",
        ("citation", _citation(make, record)),
        ("abstract", record.description or missing()),
        ("purpose", told.get("purpose")),
        ("status", [make.code("MD_ProgressCode", text) for text in told.get("status", ())]),
        ("pointOfContact", [party_of(make, contact) for contact in answering(record, "")]),
        ("resourceMaintenance", _maintenance(make, maintenance) if maintenance else None),
        ("graphicOverview", [_preview(make, link) for link in aspect(record, "links.preview")]),
        ("descriptiveKeywords", list(keyword_groups(make, record))),
        ("resourceConstraints", [constraint(make, item) for item in constraints_of(record)]),
        ("extent", extent_of(make, record)),
        *(service_of(make, record) if service else _data(make, told, topic_codes(record))),
    )


def is_service(record: Record) -> bool:
    """Say whether a record is written as a service: by its members, else by its type."""
    if said(record, "serviceType") or aspect(record, "links.operations"):
        return True
    of_data = ("themes.topicCategory", "representation", "resolution", "resourceLanguages")
    return record.type == "service" and not any(aspect(record, member) for member in of_data)


def _data(make: Maker, told: Members, topics: list[str]) -> list[Property]:
    kind, topic = "MD_SpatialRepresentationTypeCode", "MD_TopicCategoryCode"
    prefix, known = make.dialect.prefix_of(topic), known_topics(make)
    return [
        (
            "spatialRepresentationType",
            [make.code(kind, text) for text in told.get("representation", ())],
        ),
        ("spatialResolution", [_resolution(make, item) for item in told.get("resolution", ())]),
        *_languages(make, [item["code"] for item in told.get("resourceLanguages", ())]),
        ("topicCategory", [make.leaf(prefix, topic, code) for code in topics if code in known]),
    ]


def _languages(make: Maker, languages: list[str]) -> list[Property]:
    if make.older:
        return [("language", [make.language(code) for code in languages] or [missing()])]
    locales = [locale(make, code) for code in languages]
    return [("defaultLocale", locales[:1]), ("otherLocale", locales[1:])]


def resource_identifiers(record: Record) -> tuple[ExternalId, ...]:
    """Return the identifiers of the resource; that of the record where it says none: what DCAT is
    made of ISO by leaves out a resource without one, and INSPIRE asks for one.
    """
    return record.external_ids or (ExternalId(record.id),)


def _citation(make: Maker, record: Record) -> Element:
    told = beyond(record)
    return make.object(
        "CI_Citation",
        ("title", record.title or missing()),
        ("alternateTitle", told.get("alternateTitles")),
        (
            "date",
            [dated(make, item["date"], item.get("type", "")) for item in told.get("dates", ())]
            or [missing()],
        ),
        (
            "identifier",
            [identifier(make, item.value, item.scheme) for item in resource_identifiers(record)],
        ),
        (
            "citedResponsibleParty",
            [party_of(make, contact) for contact in answering(record, "citation")],
        ),
    )


_FREE_TEXT = "{http://www.w3.org/2001/XMLSchema-instance}type"


def translate(make: Maker, record: Record, root: Element) -> None:
    """Add the other languages of the title and the abstract to the elements that say them."""
    namespace = make.dialect.prefix_of("PT_FreeText")
    for code, texts in beyond(record).get("translations", {}).items():
        for member, wanted in (
            ("title", "identificationInfo/*/citation/*/title"),
            ("description", "identificationInfo/*/abstract"),
        ):
            for holder in found(root, wanted) if member in texts else ():
                free = holder.find("{*}PT_FreeText")
                if free is None:
                    holder.set(_FREE_TEXT, f"{namespace}:PT_FreeText_PropertyType")
                    free = etree.SubElement(holder, make.tag(namespace, "PT_FreeText"))
                etree.SubElement(free, make.tag(namespace, "textGroup")).append(
                    make.leaf(
                        namespace,
                        "LocalisedCharacterString",
                        texts[member],
                        locale=f"#{code.upper()}",
                    )
                )


def _maintenance(make: Maker, maintenance: Maintenance) -> Element:
    return make.object(
        "MD_MaintenanceInformation",
        (
            "maintenanceAndUpdateFrequency",
            make.code("MD_MaintenanceFrequencyCode", maintenance.get("frequency", "unknown")),
        ),
        ("maintenanceNote", maintenance.get("note", "")),
    )


def _resolution(make: Maker, resolution: Resolution) -> Element:
    if "scale" in resolution:
        fraction: Property = ("denominator", make.leaf("gco", "Integer", str(resolution["scale"])))
        return make.object(
            "MD_Resolution", ("equivalentScale", make.object("MD_RepresentativeFraction", fraction))
        )
    unit = codes.writable(resolution.get("unit", "m"))
    distance = make.leaf("gco", "Distance", str(resolution["distance"]), uom=unit)
    return make.object("MD_Resolution", ("distance", distance))


def _reference_system(make: Maker, code: str) -> Element:
    address = codes.crs_address(code)
    return make.object(
        "MD_ReferenceSystem",
        (
            "referenceSystemIdentifier",
            make.object(
                "RS_Identifier" if make.older else "MD_Identifier",
                ("code", make.text(code, address if address != code else "")),
            ),
        ),
    )


def _feature_catalogue(make: Maker, item: FeatureCatalogue) -> Element:
    types = [make.leaf("gco", "LocalName", text) for text in item.get("featureTypes", ())]
    if not make.older:
        types = [make.object("MD_FeatureTypeInfo", ("featureTypeName", name)) for name in types]
    element = make.object(
        "MD_FeatureCatalogueDescription",
        ("includedWithDataset", make.leaf("gco", "Boolean", "false")),
        ("featureTypes", types),
        (
            "featureCatalogueCitation",
            make.object(
                "CI_Citation",
                ("title", item.get("title") or missing()),
                ("date", missing()),
                ("identifier", identifier(make, item["id"]) if item.get("id") else None),
            ),
        ),
    )
    if item.get("href"):
        element[-1].set(HREF, codes.writable(item["href"]))
    return element


def _quality(make: Maker, record: Record) -> Element | None:
    reports = [_conformance(make, item) for item in beyond(record).get("conformity", ())]
    reports += [_measure(make, item) for item in _measured(record)]
    lineage = lineage_of(make, record) if make.older else None
    if not reports and lineage is None:
        return None
    return make.object(
        "DQ_DataQuality",
        (
            "scope",
            make.object(
                "DQ_Scope" if make.older else "MD_Scope",
                ("level", make.code("MD_ScopeCode", codes.scope(record.type or "dataset"))),
            ),
        ),
        ("report", reports),
        ("lineage", lineage),
    )


# Yield the measures that are elements of ISO 19157: a record of others may call something else its
# quality.
def _measured(record: Record) -> Iterator[Measure]:
    told: object = beyond(record).get("quality")
    for item in told if isinstance(told, list) else ():
        if isinstance(item, dict) and item.get("element") in values.ELEMENTS and "value" in item:
            yield cast(Measure, item)


# Make a report of one value; ISO 19157 says the measure in an object of its own, and its unit is
# optional.
def _measure(make: Maker, item: Measure) -> Element:
    result = make.object(
        "DQ_QuantitativeResult",
        ("valueUnit", missing("inapplicable") if make.older else None),
        ("value", make.leaf("gco", "Record", str(item["value"]))),
    )
    about: list[Property] = [
        ("nameOfMeasure", str(item.get("name") or item.get("rule", ""))),
        ("measureDescription", values.description(item)),
    ]
    element = str(item["element"])
    if make.older:
        return make.object(element, *about, ("result", result))
    newer = {was: now for now, was in values.NAMES_2003.items()}
    measure = make.object("DQ_MeasureReference", *about) if says(about) else None
    return make.object(newer.get(element, element), ("measure", measure), ("result", result))


def _conformance(make: Maker, item: Conformity) -> Element:
    date = dated(make, item["date"], item.get("dateType", "")) if item.get("date") else missing()
    title = make.text(item.get("title", ""), item.get("href", ""))
    verdict = item.get("pass")
    passed = make.leaf("gco", "Boolean", str(verdict).lower())
    result = make.object(
        "DQ_ConformanceResult",
        (
            "specification",
            make.object(
                "CI_Citation", ("title", missing() if title == "" else title), ("date", date)
            ),
        ),
        ("explanation", item.get("explanation") or missing()),
        ("pass", missing("unknown") if verdict is None else passed),
    )
    return make.object("DQ_DomainConsistency", ("result", result))


def aspect(record: Record, member: str) -> Any:
    """Return what a record says about a member, or the part of it that a dotted name means."""
    if member.startswith("contacts"):
        return answering(record, member.partition(".")[2])
    if member in _ASPECTS:
        return _ASPECTS[member](record)
    return said(record, member) or None


_ASPECTS: Mapping[str, Callable[[Record], Any]] = {
    "links": lambda record: [link for link in record.links if distributed(link)],
    "links.preview": lambda record: [link for link in record.links if link.rel == "preview"],
    "links.operations": lambda record: [
        link for link in record.links if not distributed(link) and link.rel != "preview"
    ],
    "externalIds": resource_identifiers,
    "themes.topicCategory": topic_codes,
    "themes": lambda record: [theme for theme in record.themes if theme.scheme != TOPIC_CATEGORY],
}


# An edited record written into the document it came from: only what changed, in the order of the
# schema.


def write(record: Record, dialect: Dialect, mapping: Iterable[Mapped], source: bytes) -> bytes:
    """Return the record's document: the source itself when nothing changed, else with the changed
    parts replaced.
    """
    fresh = build(record, dialect)
    translate(Maker(dialect), record, fresh)
    if not source:
        return serialize(fresh)
    root = parse(source)
    known = reading.members(root)
    before = describe(known | {"id": known.get("id") or record.id})
    rows = [row for row in mapping if row.ways != "in"]
    changed = {
        row.member for row in rows if aspect(before, row.member) != aspect(record, row.member)
    }
    if not changed:
        return source
    if "contacts.distribution" in changed:
        changed |= {"links", "formats"}
    for row in rows:
        if row.member in changed:
            graft(root, fresh, row.path, dialect)
    return serialize(root, whole=True)


def graft(root: Element, fresh: Element, path: str, dialect: Dialect) -> None:
    """Replace what a path means in the source by what it means in the fresh document."""
    old, new = found(root, path), found(fresh, path)
    place = _place_of(old[0]) if old else None
    for element in old:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    if not new:
        return
    parent, at = place or _home(root, fresh, new[0], dialect)
    for element in reversed(new):
        parent.insert(at, deepcopy(element))


def _place_of(element: Element) -> tuple[Element, int]:
    parent = element.getparent()
    if parent is None:
        raise ValueError("the root of a document is nobody's property")
    return parent, parent.index(element)


# Return where an element goes in the source, making the objects that should hold it.
def _home(root: Element, fresh: Element, new: Element, dialect: Dialect) -> tuple[Element, int]:
    parent = root
    for node in reversed([node for node in new.iterancestors() if node is not fresh]):
        same = [child for child in parent if LOCAL[child.tag] == LOCAL[node.tag]]
        if not same and LOCAL[parent.tag][:1].islower() and len(parent):  # a property: its object
            same = [child for child in parent if isinstance(child.tag, str)]
        if not same:
            made = etree.Element(node.tag, {str(name): str(text) for name, text in node.items()})
            parent.insert(rank(parent, LOCAL[node.tag], dialect), made)
            parent.attrib.pop(f"{{{dialect.namespaces['gco']}}}nilReason", "")
            same = [made]
        parent = same[0]
    return parent, rank(parent, LOCAL[new.tag], dialect)


def rank(parent: Element, name: str, dialect: Dialect) -> int:
    """Return the position of a property among its siblings, in the order of the schema."""
    kind = re.sub(r"^(?:CHE|MI|LE|QE)_(?:MD_|CI_)?", "MD_", LOCAL[parent.tag])
    order = dialect.order.get(LOCAL[parent.tag]) or dialect.order.get(kind) or ()
    if name not in order:
        return len(parent)
    before = set(order[: order.index(name) + 1])
    positions = [at for at, child in enumerate(parent) if LOCAL[child.tag] in before]
    return positions[-1] + 1 if positions else 0
