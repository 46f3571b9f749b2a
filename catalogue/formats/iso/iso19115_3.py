"""ISO 19115-3: ISO 19115-1:2014 in XML, the successor of ISO 19139."""

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.iso import iso19139, reading, writing
from geoguichet.catalogue.formats.iso.making import (
    GML,
    Dialect,
    Maker,
    Property,
    dated,
    identifier,
    lineage_of,
    locale,
    missing,
    names_of,
    role_of,
    says,
)
from geoguichet.catalogue.formats.mapping import Format, Mapped, Written, beyond
from geoguichet.catalogue.formats.xml import XLINK, Element, name
from geoguichet.catalogue.record import Contact, Record

_ELSEWHERE = {
    "id": "metadataIdentifier",
    "type": "metadataScope",
    "parent": "parentMetadata",
    "language": "defaultLocale",
    "updated": "dateInfo",
    "lineage": "resourceLineage/*/statement",
    "processSteps": "resourceLineage/*/processStep",
    "sources": "resourceLineage/*/source",
    "resourceLanguages": "identificationInfo/*/defaultLocale",
}
MAPPING = (
    *(
        Mapped(row.member, _ELSEWHERE.get(row.member, row.path), row.ways, row.note)
        for row in iso19139.MAPPING
    ),
    Mapped("created", "dateInfo"),
    Mapped("resourceLanguages", "identificationInfo/*/otherLocale"),
)


def claims(root: Element) -> bool:
    """Say whether an element is a metadata of ISO 19115-3, in any of its versions."""
    return name(root) in reading.ROOTS and reading.is_of_2014(root)


def write(record: Record, *, source: bytes = b"") -> bytes:
    """Return the record as ISO 19115-3. With its source, only what changed is rewritten there."""
    return writing.write(record, DIALECT, MAPPING, source)


def _metadata(make: Maker, record: Record) -> list[Property]:
    told = beyond(record)
    language, parent = told.get("language", {}).get("code", ""), told.get("parent", "")
    dates = [
        dated(make, text.removesuffix("T00:00:00Z"), kind)
        for text, kind in ((record.created, "creation"), (record.updated, "revision"))
        if text
    ]
    scope: tuple[Property, ...] = (
        ("resourceScope", make.code("MD_ScopeCode", codes.scope(record.type))),
        ("name", record.type if record.type not in codes.SCOPES else ""),
    )
    return [
        ("metadataIdentifier", identifier(make, record.id)),
        ("defaultLocale", locale(make, language) if language else None),
        (
            "parentMetadata",
            make.object(
                "CI_Citation", ("title", missing()), ("identifier", identifier(make, parent))
            )
            if parent
            else None,
        ),
        ("metadataScope", make.object("MD_MetadataScope", *scope) if record.type else None),
        ("dateInfo", dates or missing()),
        (
            "metadataStandard",
            make.object("CI_Citation", ("title", "ISO 19115-1"), ("edition", "2014")),
        ),
        (
            "otherLocale",
            [locale(make, code, id=code.upper()) for code in told.get("translations", {})],
        ),
        ("resourceLineage", lineage_of(make, record)),
    ]


def _party(make: Maker, contact: Contact, details: list[Property]) -> Element:
    phones = [
        make.object(
            "CI_Telephone",
            ("number", point.value),
            (
                "numberType",
                make.code("CI_TelephoneTypeCode", "facsimile" if "fax" in point.roles else "voice"),
            ),
        )
        for point in contact.phones
    ]
    told: list[Property] = [("phone", phones), *details]
    info: Property = ("contactInfo", make.object("CI_Contact", *told) if says(told) else None)
    person, organization = names_of(make, contact)
    somebody: list[Property] = [("name", person), ("positionName", contact.position)]
    if contact.organization or not says(somebody):
        individual = make.object("CI_Individual", *somebody) if says(somebody) else None
        body = make.object(
            "CI_Organisation", ("name", organization), info, ("individual", individual)
        )
    else:
        body = make.object("CI_Individual", info, *somebody)
    return make.object("CI_Responsibility", ("role", role_of(make, contact)), ("party", body))


_PREFIXES = {
    "mdb": ("MD_Metadata", "MD_MetadataScope"),
    "mcc": (
        "MD_Identifier",
        "MD_Scope",
        "MD_ScopeCode",
        "MD_ProgressCode",
        "MD_SpatialRepresentationTypeCode",
        "MD_BrowseGraphic",
    ),
    "mri": (
        "MD_DataIdentification",
        "MD_Keywords",
        "MD_KeywordTypeCode",
        "MD_Resolution",
        "MD_RepresentativeFraction",
        "MD_TopicCategoryCode",
    ),
    "mco": (
        "MD_LegalConstraints",
        "MD_SecurityConstraints",
        "MD_Constraints",
        "MD_RestrictionCode",
        "MD_ClassificationCode",
    ),
    "mrd": ("MD_Distribution", "MD_Distributor", "MD_DigitalTransferOptions", "MD_Format"),
    "mrs": ("MD_ReferenceSystem",),
    "mrc": ("MD_FeatureCatalogueDescription", "MD_FeatureTypeInfo"),
    "mrl": ("LI_Lineage", "LI_ProcessStep", "LI_Source"),
    "mmi": ("MD_MaintenanceInformation", "MD_MaintenanceFrequencyCode"),
    "lan": ("PT_Locale", "PT_FreeText", "LanguageCode", "MD_CharacterSetCode"),
}
_PREFIX_OF = {kind: prefix for prefix, kinds in _PREFIXES.items() for kind in kinds}
_BY_START = {"CI": "cit", "EX": "gex", "DQ": "mdq", "SV": "srv", "DC": "srv"}

_COMMON = (
    "citation",
    "abstract",
    "purpose",
    "credit",
    "status",
    "pointOfContact",
    "spatialRepresentationType",
    "spatialResolution",
    "temporalResolution",
    "topicCategory",
    "extent",
    "additionalDocumentation",
    "processingLevel",
    "resourceMaintenance",
    "graphicOverview",
    "resourceFormat",
    "descriptiveKeywords",
    "resourceSpecificUsage",
    "resourceConstraints",
    "associatedResource",
)
_SERVICE = (
    "serviceType",
    "serviceTypeVersion",
    "accessProperties",
    "couplingType",
    "coupledResource",
    "operatedDataset",
    "profile",
    "serviceStandard",
    "containsOperations",
    "operatesOn",
    "containsChain",
)

DIALECT = Dialect(
    namespaces={
        **{
            prefix: f"http://standards.iso.org/iso/19115/-3/{prefix}/{version}"
            for prefix, version in {
                "mdb": "2.0",
                "cit": "2.0",
                "mri": "1.0",
                "gex": "1.0",
                "mcc": "1.0",
                "mco": "1.0",
                "mrd": "1.0",
                "mrs": "1.0",
                "mrc": "2.0",
                "mrl": "2.0",
                "mmi": "1.0",
                "lan": "1.0",
                "gco": "1.0",
                "gcx": "1.0",
                "srv": "2.0",
            }.items()
        },
        "mdq": "http://standards.iso.org/iso/19157/-2/mdq/1.0",
        "gml": GML,
        "xlink": XLINK,
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    },
    prefix_of=lambda kind: _PREFIX_OF.get(kind) or _BY_START[kind[:2]],
    exceptions={("SV_ServiceIdentification", property_): "mri" for property_ in _COMMON},
    order={
        "MD_Metadata": (
            "metadataIdentifier",
            "defaultLocale",
            "parentMetadata",
            "metadataScope",
            "contact",
            "dateInfo",
            "metadataStandard",
            "metadataProfile",
            "alternativeMetadataReference",
            "otherLocale",
            "metadataLinkage",
            "spatialRepresentationInfo",
            "referenceSystemInfo",
            "metadataExtensionInfo",
            "identificationInfo",
            "contentInfo",
            "distributionInfo",
            "dataQualityInfo",
            "resourceLineage",
            "portrayalCatalogueInfo",
            "metadataConstraints",
            "applicationSchemaInfo",
            "metadataMaintenance",
            "acquisitionInformation",
        ),
        "MD_DataIdentification": (
            *_COMMON,
            "defaultLocale",
            "otherLocale",
            "environmentDescription",
            "supplementalInformation",
        ),
        "SV_ServiceIdentification": (*_COMMON, *_SERVICE),
        "SV_OperationMetadata": (
            "operationName",
            "distributedComputingPlatform",
            "operationDescription",
            "connectPoint",
        ),
        "LI_Lineage": ("statement", "scope", "additionalDocumentation", "processStep", "source"),
        "LI_ProcessStep": ("description", "rationale"),
        "LI_Source": (
            "description",
            "sourceSpatialResolution",
            "sourceReferenceSystem",
            "sourceCitation",
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
        ),
        "CI_Contact": (
            "phone",
            "address",
            "onlineResource",
            "hoursOfService",
            "contactInstructions",
        ),
        "EX_Extent": ("description", "geographicElement", "temporalElement", "verticalElement"),
        "MD_Distribution": ("description", "distributionFormat", "distributor", "transferOptions"),
        "MD_DigitalTransferOptions": ("unitsOfDistribution", "transferSize", "onLine", "offLine"),
        "DQ_DataQuality": ("scope", "standaloneQualityReport", "report"),
        "CI_Responsibility": ("role", "extent", "party"),
        "CI_Organisation": ("name", "contactInfo", "partyIdentifier", "logo", "individual"),
        "CI_Individual": ("name", "contactInfo", "partyIdentifier", "positionName"),
        "MD_FeatureCatalogueDescription": (
            "complianceCode",
            "locale",
            "includedWithDataset",
            "featureTypes",
            "featureCatalogueCitation",
        ),
    },
    anchor="gcx",
    metadata=_metadata,
    party=_party,
    format=lambda make, item: make.object(
        "MD_Format",
        (
            "formatSpecificationCitation",
            make.object(
                "CI_Citation", ("title", item["name"]), ("edition", item.get("version", ""))
            ),
        ),
    ),
)

FORMAT = Format(
    "iso19115-3",
    "ISO 19115-3",
    MAPPING,
    "xml",
    claims,
    reading.read_element,
    written=(
        Written(
            "iso19115-3",
            "ISO 19115-3",
            "application/vnd.iso.19115-3+xml",
            "xml",
            lambda record, source=b"", **_: write(record, source=source),
        ),
    ),
)
