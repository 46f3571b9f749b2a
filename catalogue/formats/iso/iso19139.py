"""ISO 19139: ISO 19115:2003 in XML, what INSPIRE and the French portals exchange."""

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.iso import reading, writing
from geoguichet.catalogue.formats.iso.making import (
    GML,
    Dialect,
    Maker,
    Property,
    locale,
    missing,
    names_of,
    role_of,
    says,
)
from geoguichet.catalogue.formats.mapping import Format, Mapped, Written, beyond
from geoguichet.catalogue.formats.xml import XLINK, Element, name
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
