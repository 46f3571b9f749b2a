"""The catalogue as CSW 2.0.2 (OGC 07-006r1) with the ISO application profile, read only: what other
catalogues harvest. `catalogue.formats.csw` reads what is asked.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.catalogue.errors import RecordNotFoundError
from geoguichet.catalogue.formats import csw
from geoguichet.catalogue.formats.csw import Asked, CswError
from geoguichet.catalogue.formats.dublin_core import CSW, DC, DCT, OWS
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.query import FacetRequest, RecordQuery
from geoguichet.catalogue.search.tables import FACETS
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message
from geoguichet.portal import answers
from geoguichet.portal.api.records import Encodings
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

VERSION = "2.0.2"
PATH = "/csw"
GMD = "http://www.isotc211.org/2005/gmd"
XLINK = "http://www.w3.org/1999/xlink"
OGC = "http://www.opengis.net/ogc"
XML_SCHEMA = "http://www.w3.org/XML/Schema"
MOST = 1000

#: What is answered in each output schema: the form that records are written in.
SCHEMAS: Mapping[str, str] = {GMD: "iso19139", CSW: "dublin-core"}
TYPES = ("csw:Record", "gmd:MD_Metadata")
SETS = ("brief", "summary", "full")


def route(site: Site) -> Route:
    """Return what answers at ``/csw``, by GET (KVP) and by POST (XML)."""
    service = _Service(site)

    async def answered(request: Request) -> Response:
        try:
            body = await _body_of(request)
            asked = csw.of_body(body) if body else csw.of_address(request.query_params)
            made = await run_in_threadpool(service.answer, asked, viewer_of(request))
            return Response(made, media_type="application/xml")
        except CswError as error:
            return Response(_exception(error), 400, media_type="application/xml")

    return Route(PATH, answered, methods=["GET", "POST"])


async def _body_of(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > answers.MAXIMUM_BODY:
            raise CswError(Message("une demande plus courte est attendue."), "request")
    return body


def _exception(error: CswError) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ows:ExceptionReport xmlns:ows="{OWS}" '
        f'version="1.2.0"><ows:Exception exceptionCode="{error.code}" '
        f"locator={quoteattr(error.locator)}><ows:ExceptionText>{escape(str(error))}"
        "</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
    )


# Answers.


class _Service:
    """What the operations answer, each as a document."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.url = f"{site.url}{PATH}"
        self.encodings = Encodings(site)
        self.operations: Mapping[str, Callable[[Asked, Viewer], bytes]] = {
            "GetCapabilities": self.capabilities,
            "DescribeRecord": self.describe,
            "GetRecords": self.records,
            "GetRecordById": self.by_id,
            "GetDomain": self.domain,
        }

    def answer(self, asked: Asked, viewer: Viewer) -> bytes:
        """Return the answer to a request of a viewer."""
        known = {operation.lower(): made for operation, made in self.operations.items()}
        if asked.operation.lower() not in known:
            message = Message(
                "request : « {given} » n'est pas servi ; attendu {expected}.",
                given=asked.operation[:40],
                expected=", ".join(self.operations),
            )
            raise CswError(message, "request", "OperationNotSupported")
        asked.choice("service", ("CSW",), "CSW")
        versions = asked.given.get("acceptversions") or asked.given.get("version") or VERSION
        if VERSION not in versions.split(","):
            message = Message("version : {version} est attendu.", version=VERSION)
            raise CswError(message, "version", "VersionNegotiationFailed")
        return known[asked.operation.lower()](asked, viewer)

    def capabilities(self, _asked: Asked, _viewer: Viewer) -> bytes:
        """Say who serves what, and how it is asked."""
        about = self.site.told["metadata"]
        called = about["identification"]
        contact = self.site.contact
        keywords = "".join(
            f"<ows:Keyword>{escape(one)}</ows:Keyword>" for one in called["keywords"]
        )
        mail = contact.get("email", "")
        made = "".join(
            f'<ows:Operation name="{operation}"><ows:DCP><ows:HTTP>'
            f"<ows:Get xlink:href={quoteattr(self.url)}/><ows:Post xlink:href={quoteattr(self.url)}/>"
            "</ows:HTTP></ows:DCP>"
            + "".join(
                _listed("ows:Parameter", key, values) for key, values in DOMAINS[operation].items()
            )
            + "</ows:Operation>"
            for operation in self.operations
        )
        operators = "".join(
            f"<ogc:ComparisonOperator>{one.removeprefix('PropertyIs').replace('Null', 'NullCheck')}"
            "</ogc:ComparisonOperator>"
            for one in (*csw.COMPARISONS, *csw.LIKE_THINGS)
        )
        shapes = "".join(f'<ogc:SpatialOperator name="{one}"/>' for one in csw.SPATIAL)
        return _document(
            "Capabilities",
            f"<ows:ServiceIdentification><ows:Title>{escape(called['title'])}</ows:Title>"
            f"<ows:Abstract>{escape(called['description'])}</ows:Abstract>"
            f"<ows:Keywords>{keywords}</ows:Keywords><ows:ServiceType>CSW</ows:ServiceType>"
            f"<ows:ServiceTypeVersion>{VERSION}</ows:ServiceTypeVersion>"
            "</ows:ServiceIdentification><ows:ServiceProvider>"
            f"<ows:ProviderName>{escape(about['provider']['name'])}</ows:ProviderName>"
            "<ows:ServiceContact><ows:ContactInfo><ows:Address><ows:ElectronicMailAddress>"
            f"{escape(mail)}</ows:ElectronicMailAddress></ows:Address></ows:ContactInfo>"
            "</ows:ServiceContact></ows:ServiceProvider>"
            f"<ows:OperationsMetadata>{made}"
            + _listed("ows:Parameter", "service", ["CSW"])
            + _listed("ows:Parameter", "version", [VERSION])
            + _listed("ows:Constraint", "IsoProfiles", [GMD])
            + _listed("ows:Constraint", "PostEncoding", ["XML"])
            + "</ows:OperationsMetadata><ogc:Filter_Capabilities><ogc:Spatial_Capabilities>"
            "<ogc:GeometryOperands><ogc:GeometryOperand>gml:Envelope</ogc:GeometryOperand>"
            f"</ogc:GeometryOperands><ogc:SpatialOperators>{shapes}</ogc:SpatialOperators>"
            "</ogc:Spatial_Capabilities><ogc:Scalar_Capabilities><ogc:LogicalOperators/>"
            f"<ogc:ComparisonOperators>{operators}</ogc:ComparisonOperators>"
            "</ogc:Scalar_Capabilities><ogc:Id_Capabilities><ogc:EID/></ogc:Id_Capabilities>"
            "</ogc:Filter_Capabilities>",
        )

    def describe(self, _asked: Asked, _viewer: Viewer) -> bytes:
        """Say what records are made of: the schemas that OGC publishes."""
        places = {
            CSW: "http://schemas.opengis.net/csw/2.0.2/record.xsd",
            GMD: "http://schemas.opengis.net/iso/19139/20070417/gmd/gmd.xsd",
        }
        return _document(
            "DescribeRecordResponse",
            "".join(
                f'<csw:SchemaComponent targetNamespace="{space}" schemaLanguage="{XML_SCHEMA}">'
                f'<xs:schema xmlns:xs="{XML_SCHEMA}"><xs:import namespace="{space}" '
                f'schemaLocation="{place}"/></xs:schema></csw:SchemaComponent>'
                for space, place in places.items()
            ),
        )

    def domain(self, asked: Asked, viewer: Viewer) -> bytes:
        """Say which values a parameter takes, or records have."""
        told = []
        for parameter in asked.names("ParameterName", len(csw.PROPERTIES)):
            operation, _dot, key = parameter.partition(".")
            values = DOMAINS.get(operation, {}).get(key, ())
            told.append(_domain("ParameterName", parameter, values))
        for qualified in asked.names("PropertyName", len(csw.PROPERTIES)):
            found = csw.property_of(qualified)
            values = ()
            if found in FACETS:
                wanted = (FacetRequest(found, 1000, "value_asc"),)
                query = RecordQuery(limit=0, facets=wanted)
                [counts] = self.site.store.search(query, viewer=viewer).facets
                values = tuple(bucket.value for bucket in counts.buckets)
            told.append(_domain("PropertyName", qualified, values))
        if not told:
            message = Message("PropertyName ou ParameterName est attendu.")
            raise CswError(message, "PropertyName", "MissingParameterValue")
        return _document("GetDomainResponse", "".join(told))

    def records(self, asked: Asked, viewer: Viewer) -> bytes:
        """Answer a page of the records that a filter keeps, in the order asked for."""
        schema = self._schema(asked)
        part = asked.choice("ElementSetName", SETS, "summary")
        kind = asked.choice("resultType", ("results", "hits"), "hits")
        for typename in filter(None, re.split(r"[ ,]+", asked.given.get("typenames", ""))):
            if csw.bare(typename) not in map(csw.bare, TYPES):
                message = Message("typeNames : « {name} » est inconnu ; attendu {expected}.")
                told = message.given(name=typename[:60], expected=", ".join(TYPES))
                raise CswError(told, "typeNames")
        start = asked.number("startPosition", 1, 1)
        size = min(asked.number("maxRecords", 10, 0), MOST) * (kind == "results")
        page = self.site.store.search(csw.query_of(asked, size, start - 1), viewer=viewer)
        documents = [self._written(record, schema, part) for record in page.records]
        further = start + len(page.items)
        following = further if further <= page.number_matched else 0
        head = (
            f'<csw:SearchStatus timestamp="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"/>'
            f'<csw:SearchResults numberOfRecordsMatched="{page.number_matched}" '
            f'numberOfRecordsReturned="{len(documents)}" nextRecord="{following}" '
            f'recordSchema="{schema}" elementSet="{part}">'
        )
        return _document("GetRecordsResponse", head, *documents, "</csw:SearchResults>")

    def by_id(self, asked: Asked, viewer: Viewer) -> bytes:
        """Answer records by their identifiers; those that are not there are left out."""
        schema = self._schema(asked)
        part = asked.choice("ElementSetName", SETS, "summary")
        if not asked.given.get("id"):
            raise CswError(Message("id est attendu."), "id", "MissingParameterValue")
        found = []
        # An identifier may hold a comma: the whole is tried first.
        for identifier in dict.fromkeys([asked.given["id"], *asked.names("id", MOST)]):
            try:
                body = self.site.store.document(identifier, viewer=viewer)
            except RecordNotFoundError:
                continue
            found.append(self._written(Record.from_geojson(json.loads(body)), schema, part))
        return _document("GetRecordByIdResponse", *found)

    def _schema(self, asked: Asked) -> str:
        return asked.choice("outputSchema", tuple(SCHEMAS), CSW)

    def _written(self, record: Record, schema: str, part: str) -> bytes:
        if schema == CSW:
            return csw.shortened(self.encodings.one(record, SCHEMAS[schema]), part)
        return csw.embedded(self.encodings.profiled(record))


#: The operations, and the values that their parameters take.
DOMAINS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "GetCapabilities": {"sections": ("ServiceIdentification", "ServiceProvider",
                                     "OperationsMetadata", "Filter_Capabilities")},
    "DescribeRecord": {"typeName": TYPES, "outputFormat": ("application/xml",),
                       "schemaLanguage": (XML_SCHEMA,)},
    "GetRecords": {
        "typeNames": TYPES, "outputFormat": ("application/xml",), "outputSchema": tuple(SCHEMAS),
        "resultType": ("hits", "results"), "ElementSetName": SETS,
        "CONSTRAINTLANGUAGE": ("FILTER", "CQL_TEXT"),
    },
    "GetRecordById": {"outputSchema": tuple(SCHEMAS), "outputFormat": ("application/xml",),
                      "ElementSetName": SETS},
    "GetDomain": {},
}  # fmt: skip


def _listed(element: str, called: str, values: Sequence[str]) -> str:
    told = "".join(f"<ows:Value>{escape(value)}</ows:Value>" for value in values)
    return f'<{element} name="{called}">{told}</{element}>'


def _domain(element: str, called: str, values: Sequence[str]) -> str:
    told = "".join(f"<csw:Value>{escape(value)}</csw:Value>" for value in values)
    listed = f"<csw:ListOfValues>{told}</csw:ListOfValues>" if values else ""
    head = f"<csw:{element}>{escape(called)}</csw:{element}>"
    return f'<csw:DomainValues type="csw:Record">{head}{listed}</csw:DomainValues>'


def _document(element: str, *parts: str | bytes) -> bytes:
    version = "" if element in ("DescribeRecordResponse", "GetDomainResponse",
                                "GetRecordByIdResponse") else f' version="{VERSION}"'  # fmt: skip
    opening = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<csw:{element} xmlns:csw="{CSW}" '
        f'xmlns:ows="{OWS}" xmlns:ogc="{OGC}" xmlns:gml="http://www.opengis.net/gml" '
        f'xmlns:dc="{DC}" xmlns:dct="{DCT}" xmlns:xlink="{XLINK}"{version}>'
    )
    held = (part if isinstance(part, bytes) else part.encode() for part in parts)
    return b"".join([opening.encode(), *held, f"</csw:{element}>".encode()])
