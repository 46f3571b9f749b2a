"""ISO 19139: ISO 19115:2003 in XML, what INSPIRE and the French portals exchange."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lxml import etree

from geoguichet.catalogue.formats import codes, licences
from geoguichet.catalogue.formats.iso import reading, values, writing
from geoguichet.catalogue.formats.iso.making import (
    GML,
    Dialect,
    Maker,
    Property,
    found,
    locale,
    missing,
    names_of,
    role_of,
    says,
)
from geoguichet.catalogue.formats.links import FUNCTIONS
from geoguichet.catalogue.formats.mapping import Constraint, Format, Mapped, Words, Written, beyond
from geoguichet.catalogue.formats.xml import (
    HREF,
    XLINK,
    Element,
    child,
    children,
    content,
    down,
    inner,
    name,
    parse,
    serialize,
)
from geoguichet.catalogue.record import Contact, Record

MAPPING = (
    Mapped("id", "fileIdentifier"),
    Mapped("type", "hierarchyLevel", note="of the list of ISO; `study` is a name of a dataset"),
    Mapped("parent", "parentIdentifier"),
    Mapped("language", "language"),
    Mapped("updated", "dateStamp"),
    Mapped("contacts.metadata", "contact"),
    Mapped(
        "crs", "referenceSystemInfo", note="EPSG codes in any of their writings become EPSG:code"
    ),
    Mapped("title", "identificationInfo/*/citation/*/title"),
    Mapped("alternateTitles", "identificationInfo/*/citation/*/alternateTitle"),
    Mapped("dates", "identificationInfo/*/citation/*/date"),
    Mapped("externalIds", "identificationInfo/*/citation/*/identifier"),
    Mapped("contacts.citation", "identificationInfo/*/citation/*/citedResponsibleParty"),
    Mapped("description", "identificationInfo/*/abstract"),
    Mapped(
        "translations",
        "identificationInfo/*/citation/*/title[PT_FreeText]",
        note="and the abstract's",
    ),
    Mapped("purpose", "identificationInfo/*/purpose"),
    Mapped("status", "identificationInfo/*/status"),
    Mapped("contacts", "identificationInfo/*/pointOfContact"),
    Mapped("maintenance", "identificationInfo/*/resourceMaintenance"),
    Mapped("links.preview", "identificationInfo/*/graphicOverview"),
    Mapped(
        "keywords", "identificationInfo/*/descriptiveKeywords", note="groups without a thesaurus"
    ),
    Mapped("keywordTypes", "identificationInfo/*/descriptiveKeywords"),
    Mapped(
        "themes",
        "identificationInfo/*/descriptiveKeywords",
        note="groups with a thesaurus; INSPIRE themes get their address",
    ),
    Mapped("themes.topicCategory", "identificationInfo/*/topicCategory"),
    Mapped("constraints", "identificationInfo/*/resourceConstraints"),
    Mapped(
        "license",
        "identificationInfo/*/resourceConstraints",
        note="that of the lists (SPDX, EU, data.gouv.fr); of prose to confirm",
    ),
    Mapped("rights", "identificationInfo/*/resourceConstraints", note="their words"),
    Mapped("representation", "identificationInfo/*/spatialRepresentationType"),
    Mapped("resolution", "identificationInfo/*/spatialResolution"),
    Mapped("resourceLanguages", "identificationInfo/*/language"),
    Mapped("extentDescription", "identificationInfo/*/extent/*/description"),
    Mapped(
        "geometry",
        "identificationInfo/*/extent/*/geographicElement",
        note="boxes and polygons; points and lines are written as boxes",
    ),
    Mapped(
        "places", "identificationInfo/*/extent/*/geographicElement", note="EX_GeographicDescription"
    ),
    Mapped("time", "identificationInfo/*/extent/*/temporalElement"),
    Mapped("serviceType", "identificationInfo/*/serviceType"),
    Mapped("links.operations", "identificationInfo/*/containsOperations"),
    Mapped("links.operations", "identificationInfo/*/operatesOn"),
    Mapped("featureCatalogue", "contentInfo[MD_FeatureCatalogueDescription]"),
    Mapped("formats", "distributionInfo/*/distributionFormat"),
    Mapped("contacts.distribution", "distributionInfo/*/distributor"),
    Mapped(
        "links",
        "distributionInfo/*/transferOptions/*/onLine",
        note="`protocolAddress` is that of its anchor",
    ),
    Mapped("conformity", "dataQualityInfo/*/report[DQ_ConformanceResult]"),
    Mapped(
        "quality",
        "dataQualityInfo/*/report[DQ_QuantitativeResult]",
        note="counts and rates, without their unit",
    ),
    Mapped("lineage", "dataQualityInfo/*/lineage/*/statement"),
    Mapped("processSteps", "dataQualityInfo/*/lineage/*/processStep"),
    Mapped("sources", "dataQualityInfo/*/lineage/*/source"),
)


def claims(root: Element) -> bool:
    """Say whether an element is a metadata of ISO 19139 or of one of its profiles."""
    return name(root) in reading.ROOTS and not reading.is_of_2014(root)


def write(record: Record, *, source: bytes = b"") -> bytes:
    """Return the record as ISO 19139. With its source, only what changed is rewritten there."""
    return writing.write(record, DIALECT, MAPPING, source)


def _metadata(make: Maker, record: Record) -> list[Property]:
    told, stamp = beyond(record), record.updated.removesuffix("T00:00:00Z")
    return [
        ("fileIdentifier", record.id),
        ("language", make.language(told.get("language", {}).get("code", ""))),
        ("characterSet", make.code("MD_CharacterSetCode", "utf8")),
        ("parentIdentifier", told.get("parent", "")),
        ("hierarchyLevel", make.code("MD_ScopeCode", codes.scope(record.type))),
        ("hierarchyLevelName", record.type if record.type not in codes.SCOPES else ""),
        ("dateStamp", make.date(stamp) if stamp else missing()),
        ("metadataStandardName", "ISO 19115"),
        ("metadataStandardVersion", "2003/Cor.1:2006"),
        ("locale", [locale(make, code, id=code.upper()) for code in told.get("translations", {})]),
    ]


def _party(make: Maker, contact: Contact, details: list[Property]) -> Element:
    voices = [point.value for point in contact.phones if "fax" not in point.roles]
    faxes = [point.value for point in contact.phones if "fax" in point.roles]
    phone: list[Property] = [("voice", voices), ("facsimile", faxes)]
    info = [("phone", make.object("CI_Telephone", *phone) if says(phone) else None), *details]
    person, organization = names_of(make, contact)
    return make.object(
        "CI_ResponsibleParty",
        ("individualName", person),
        ("organisationName", organization),
        ("positionName", contact.position),
        ("contactInfo", make.object("CI_Contact", *info) if says(info) else None),
        ("role", role_of(make, contact)),
    )


_COMMON = (
    "citation",
    "abstract",
    "purpose",
    "credit",
    "status",
    "pointOfContact",
    "resourceMaintenance",
    "graphicOverview",
    "resourceFormat",
    "descriptiveKeywords",
    "resourceSpecificUsage",
    "resourceConstraints",
    "aggregationInfo",
)
_SERVICE = (
    "serviceType",
    "serviceTypeVersion",
    "accessProperties",
    "restrictions",
    "keywords",
    "extent",
    "coupledResource",
    "couplingType",
    "containsOperations",
    "operatesOn",
)

DIALECT = Dialect(
    namespaces={
        "gmd": "http://www.isotc211.org/2005/gmd",
        "gco": "http://www.isotc211.org/2005/gco",
        "gmx": "http://www.isotc211.org/2005/gmx",
        "srv": "http://www.isotc211.org/2005/srv",
        "gml": GML,
        "xlink": XLINK,
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    },
    prefix_of=lambda kind: "srv" if kind.startswith(("SV_", "DCP")) else "gmd",
    exceptions={("SV_ServiceIdentification", property_): "gmd" for property_ in _COMMON},
    order={
        "MD_Metadata": (
            "fileIdentifier",
            "language",
            "characterSet",
            "parentIdentifier",
            "hierarchyLevel",
            "hierarchyLevelName",
            "contact",
            "dateStamp",
            "metadataStandardName",
            "metadataStandardVersion",
            "dataSetURI",
            "locale",
            "spatialRepresentationInfo",
            "referenceSystemInfo",
            "metadataExtensionInfo",
            "identificationInfo",
            "contentInfo",
            "distributionInfo",
            "dataQualityInfo",
            "portrayalCatalogueInfo",
            "metadataConstraints",
            "applicationSchemaInfo",
            "metadataMaintenance",
        ),
        "MD_DataIdentification": (
            *_COMMON,
            "spatialRepresentationType",
            "spatialResolution",
            "language",
            "characterSet",
            "topicCategory",
            "environmentDescription",
            "extent",
            "supplementalInformation",
        ),
        "SV_ServiceIdentification": (*_COMMON, *_SERVICE),
        "SV_OperationMetadata": (
            "operationName",
            "DCP",
            "operationDescription",
            "invocationName",
            "parameters",
            "connectPoint",
        ),
        "CI_Citation": (
            "title",
            "alternateTitle",
            "date",
            "edition",
            "editionDate",
            "identifier",
            "citedResponsibleParty",
            "presentationForm",
            "series",
            "otherCitationDetails",
            "collectiveTitle",
        ),
        "CI_ResponsibleParty": (
            "individualName",
            "organisationName",
            "positionName",
            "contactInfo",
            "role",
        ),
        "CI_Contact": (
            "phone",
            "address",
            "onlineResource",
            "hoursOfService",
            "contactInstructions",
        ),
        "EX_Extent": ("description", "geographicElement", "temporalElement", "verticalElement"),
        "MD_Distribution": ("distributionFormat", "distributor", "transferOptions"),
        "MD_DigitalTransferOptions": ("unitsOfDistribution", "transferSize", "onLine", "offLine"),
        "DQ_DataQuality": ("scope", "report", "lineage"),
        "LI_Lineage": ("statement", "processStep", "source"),
        "LI_ProcessStep": ("description", "rationale", "dateTime"),
        "LI_Source": ("description", "scaleDenominator", "sourceReferenceSystem", "sourceCitation"),
        "MD_FeatureCatalogueDescription": (
            "complianceCode",
            "language",
            "includedWithDataset",
            "featureTypes",
            "featureCatalogueCitation",
        ),
        "RS_Identifier": ("authority", "code", "codeSpace", "version"),
    },
    anchor="gmx",
    metadata=_metadata,
    party=_party,
    format=lambda make, item: make.object(
        "MD_Format",
        ("name", item["name"]),
        ("version", item.get("version", "") or missing("unknown")),
    ),
)

_OF_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_OF_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d\S*)?)?)?")
#: The functions of links that ISO 19115:2003 lists.
_FUNCTIONS = ("download", "information", "offlineAccess", "order", "search")
_ZONE = re.compile(r"(?<=^\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)$")
_CITATION = "identificationInfo/*/citation/*/"
_LANGUAGES = ("language", "identificationInfo/*/language")
_ONLINE = (
    "distributionInfo/*/transferOptions/*/onLine/CI_OnlineResource",
    "distributionInfo/*/distributor/*/distributorTransferOptions/*/onLine/CI_OnlineResource",
)
_DATES = ("dateStamp", f"{_CITATION}date/*/date")


def profiled(document: bytes, record: Record) -> bytes:
    """Return a document of a record as the ISO profile of CSW has it: as it is when it says all that
    harvesters need, else with what it lacks written by us; one of another class (a profile of ISO
    19139) is written anew. What makes DCAT of ISO (SEMIC's stylesheet, data.gouv.fr) drops a record
    of another root, without an identifier, a title or a level that it knows, or whose language or
    dates are none, and a link without a function. A level that nobody tells is that of ISO 19115,
    dataset.
    """
    root = parse(document)
    if root.tag != f"{{{DIALECT.namespaces['gmd']}}}MD_Metadata":
        document = write(record)
        root = parse(document)
    told = _tell_functions(root, record) | _tell_licence(root, record)
    if paths := [path for path in _lacking(root) if record.title or not path.endswith("/title")]:
        fresh = writing.build(_as_profiled(record), DIALECT)
        for path in paths:
            writing.graft(root, fresh, path, DIALECT)
    return serialize(root, whole=True) if told or paths else document


# Yield the paths of what a document does not say as a harvester reads it.
def _lacking(root: Element) -> Iterator[str]:
    if values.code_of(child(root, "hierarchyLevel")) not in codes.SCOPES_2003:
        yield "hierarchyLevel"
    languages = (values.code_of(one) for path in _LANGUAGES for one in found(root, path))
    if not all(map(_OF_LANGUAGE.fullmatch, filter(None, languages))):
        yield from _LANGUAGES
    dates = (content(inner(one)) for path in _DATES for one in found(root, path))
    if not all(map(_OF_DATE.fullmatch, filter(None, dates))):
        yield from ("dateStamp", f"{_CITATION}date")
    for path in (f"{_CITATION}title", f"{_CITATION}identifier/*/code"):
        if not any(content(inner(one)) for one in found(root, path)):
            yield path.removesuffix("/*/code")


# Tell the function of the links that have none of ISO, as the record understands them; say whether
# there were some.
def _tell_functions(root: Element, record: Record) -> bool:
    functions = {
        link.href: FUNCTIONS[link.rel]
        for link in record.links
        if link.rel in FUNCTIONS and writing.distributed(link)
    }
    make, told = Maker(DIALECT), False
    for online in (online for path in _ONLINE for online in found(root, path)):
        function = functions.get(content(down(online, "linkage", "*")))
        if function and values.code_of(child(online, "function")) not in _FUNCTIONS:
            for other in children(online, "function"):
                online.remove(other)
            code = make.code("CI_OnLineFunctionCode", function)
            online.append(make.object("CI_OnlineResource", ("function", code))[0])
            told = True
    return told


# Tell the licence of a record by its address where the document tells it in other words; say whether
# it did.
def _tell_licence(root: Element, record: Record) -> bool:
    licence = licences.asserted(record)
    address = licences.address_of(licence)
    told = found(root, "identificationInfo/*/resourceConstraints/*/otherConstraints/Anchor")
    if not address or address in [one.get(HREF, "").strip() for one in told]:
        return False
    words: Words = {"text": licences.title_of(licence), "href": address}
    said: Constraint = {"kind": "legal", "use": ["license"], "other": [words]}
    holder = etree.Element(Maker(DIALECT).tag("gmd", "resourceConstraints"))
    holder.append(writing.constraint(Maker(DIALECT), said))
    for about in found(root, "identificationInfo/*")[:1]:
        about.insert(writing.rank(about, "resourceConstraints", DIALECT), holder)
    return True


# Return a record with the level, the languages and the dates that a harvester takes.
def _as_profiled(record: Record) -> Record:
    told: dict[str, Any] = {**beyond(record)}
    if not _OF_LANGUAGE.fullmatch(told.get("language", {}).get("code", "")):
        told.pop("language", None)
    spoken = told.get("resourceLanguages", ())
    told["resourceLanguages"] = [one for one in spoken if _OF_LANGUAGE.fullmatch(one["code"])]
    days = ({**one, "date": _ZONE.sub("", one["date"])} for one in told.get("dates", ()))
    told["dates"] = [one for one in days if _OF_DATE.fullmatch(one["date"])]
    return replace(record, type=codes.scope_2003(record.type), extra_properties=told)


FORMAT = Format(
    "iso19139",
    "ISO 19139",
    MAPPING,
    "xml",
    claims,
    reading.read_element,
    written=(
        Written(
            "iso19139",
            "ISO 19139",
            "application/vnd.iso.19139+xml",
            "xml",
            lambda record, source=b"", **_: write(record, source=source),
        ),
    ),
)
