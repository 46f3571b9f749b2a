"""DCAT-AP 3 and GeoDCAT-AP in RDF (RDF/XML, Turtle, JSON-LD): datasets, series and data services of a catalogue."""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, cast
from urllib.parse import quote, unquote

from rdflib import BNode, Graph, Namespace, URIRef
from rdflib import Literal as Text
from rdflib.exceptions import ParserError
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, XSD
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Node

from geoguichet.catalogue import codes, iso
from geoguichet.catalogue.errors import FormatError, RecordError
from geoguichet.catalogue.mapping import INSPIRE_THEME, TOPIC_CATEGORY, Mapped, describe, said
from geoguichet.catalogue.record import Concept, Contact, ContactPoint, Extent, ExternalId, Link, Record, Theme, Time
from geoguichet.catalogue.xml import parse, serialize

type Form = Literal["turtle", "xml", "json-ld"]

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DQV = Namespace("http://www.w3.org/ns/dqv#")
GEODCAT = Namespace("http://data.europa.eu/930/")
GSP = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
SCHEMA = Namespace("http://schema.org/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")

_BASE = "urn:x-geoguichet:record:"
_RELATIVE = "urn:x-geoguichet:link:"
_NOTHING = "—"
"""What stands for a mandatory text that the record does not say; it is not read back."""
_INSPIRE = "http://inspire.ec.europa.eu/metadata-codelist/"
_ROLE = f"{_INSPIRE}ResponsiblePartyRole/"
_FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
_LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
_MEDIA = "http://www.iana.org/assignments/media-types/"
_DATES = {"publication": DCTERMS.issued, "revision": DCTERMS.modified, "creation": DCTERMS.created}
_AGENTS = {"publisher": DCTERMS.publisher, "author": DCTERMS.creator, "owner": DCTERMS.rightsHolder}
_CLASSES = {"series": DCAT.DatasetSeries, "service": DCAT.DataService}

MAPPING = (
    Mapped("id", "dct:identifier", note="that of the dcat:CatalogRecord when there is one"),
    Mapped("type", "rdf:type", note="dcat:Dataset, dcat:DatasetSeries, dcat:DataService; dct:type when it says more"),
    Mapped("title", "dct:title"),
    Mapped("translations", "dct:title", note="and dct:description, in other languages"),
    Mapped("alternateTitles", "dct:alternative"),
    Mapped("description", "dct:description"),
    Mapped("contacts", "dcat:contactPoint", note="pointOfContact"),
    Mapped("contacts", "dct:publisher"),
    Mapped("contacts", "dct:creator", note="author"),
    Mapped("contacts", "dct:rightsHolder", note="owner"),
    Mapped("contacts", "prov:qualifiedAttribution", note="every other role"),
    Mapped("contacts.metadata", "foaf:isPrimaryTopicOf/dcat:contactPoint"),
    Mapped(
        "geometry", "dct:spatial/dcat:bbox", note="boxes; other shapes in locn:geometry/gsp:asWKT, or as a text there"
    ),
    Mapped("places", "dct:spatial", note="addresses of places"),
    Mapped("time", "dct:temporal"),
    Mapped("dates", "dct:issued", note="publication"),
    Mapped("dates", "dct:modified", note="revision"),
    Mapped("dates", "dct:created", note="creation"),
    Mapped("keywords", "dcat:keyword"),
    Mapped("themes", "dcat:theme"),
    Mapped("themes.topicCategory", "geodcatap:topicCategory"),
    Mapped("license", "dct:license", note="of the dataset and of each distribution"),
    Mapped("rights", "dct:rights", note="dct:accessRights is read too"),
    Mapped("links", "dcat:distribution", note="download when it has a downloadURL; dcat:endpointURL for services"),
    Mapped("links.about", "foaf:page", note="dcat:landingPage is read too"),
    Mapped("links.preview", "foaf:depiction"),
    Mapped("formats", "dcat:distribution/dct:format", "in"),
    Mapped("lineage", "dct:provenance"),
    Mapped("resolution", "dcat:spatialResolutionInMeters", note="scales: dqv:hasQualityMeasurement"),
    Mapped("crs", "geodcatap:referenceSystem", note="dct:conformsTo is read too"),
    Mapped("conformity", "dct:conformsTo", note="what passed"),
    Mapped("maintenance", "dct:accrualPeriodicity"),
    Mapped("parent", "dcat:inSeries", note="dct:isPartOf is read too"),
    Mapped("language", "foaf:isPrimaryTopicOf/dct:language"),
    Mapped("resourceLanguages", "dct:language"),
    Mapped("serviceType", "geodcatap:serviceType"),
    Mapped("created", "foaf:isPrimaryTopicOf/dct:issued"),
    Mapped("updated", "foaf:isPrimaryTopicOf/dct:modified"),
    Mapped("externalIds", "adms:identifier"),
)


# --- reading ---------------------------------------------------------------------------------------------------------


def read_all(document: bytes) -> list[Record]:
    """Read every dataset, series and service of a graph; FormatError when it is no RDF."""
    graph = load(document)
    return [_read(graph, subject) for subject in _subjects(graph)]


def read_parts(document: bytes) -> list[tuple[Record, bytes]]:
    """Read every description of a graph, each with the part of the graph that it is; the whole when it is alone."""
    graph = load(document)
    subjects = _subjects(graph)
    if len(subjects) == 1:
        return [(_read(graph, subjects[0]), document)]
    return [(_read(graph, subject), _part(graph, subject, set(subjects))) for subject in subjects]


def next_page(document: bytes) -> str:
    """Return the address of the page after this one, as Hydra says it; empty at the last."""
    graph = load(document)
    for term in (HYDRA.next, HYDRA.nextPage):
        for value in graph.objects(None, term):
            return str(value)
    return ""


def _part(graph: Graph, subject: Node, subjects: set[Node]) -> bytes:
    """Return, in Turtle, what a graph says of a subject and of what it names, but for the other subjects."""
    part = _graph()
    waiting, met = [subject, *graph.subjects(FOAF.primaryTopic, subject)], set[Node]()
    while waiting:
        node = waiting.pop()
        met.add(node)
        for term, value in graph.predicate_objects(node):
            part.add((node, term, value))
            known = value in met or value in subjects or (value, RDF.type, DCAT.Catalog) in graph
            if not known and not isinstance(value, Text):
                waiting.append(value)
    with _silence():
        return part.serialize(format="turtle", encoding="utf-8")


def load(document: bytes) -> Graph:
    """Read RDF in the form it is written in, without opening any address that it names."""
    graph = Graph()
    head = document.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    with _silence():
        return _loaded(graph, document, head)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep rdflib from a page of log for each literal that is not of its type, and from warning of its own ways."""
    logger = logging.getLogger("rdflib")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


def _loaded(graph: Graph, document: bytes, head: bytes) -> Graph:
    try:
        if (head == b"<" and b"<rdf:RDF" in document) or (head == b"<" and b"rdf-syntax-ns" in document[:4000]):
            return graph.parse(data=_without_doctype(document), format="xml")
        if head in (b"{", b"["):
            return graph.parse(data=_without_remote_context(document), format="json-ld")
        return graph.parse(data=document, format="turtle")
    except BadSyntax as error:
        line = int(error.lines) + 1
        raise FormatError(f"Turtle mal formé, ligne {line} : {error.message}.", line=line) from error
    except (ParserError, ValueError, UnicodeDecodeError, TypeError, LookupError, AttributeError) as error:
        raise FormatError(f"RDF illisible : {str(error)[:200]}.") from error


def _without_doctype(document: bytes) -> bytes:
    root = parse(document)
    return serialize(root)


_CONTEXT = {
    "adms": str(ADMS),
    "dcat": str(DCAT),
    "dct": str(DCTERMS),
    "dcterms": str(DCTERMS),
    "foaf": str(FOAF),
    "vcard": str(VCARD),
    "skos": str(SKOS),
    "schema": str(SCHEMA),
    "org": "http://www.w3.org/ns/org#",
    "pod": "https://project-open-data.cio.gov/v1.1/schema#",
    "@vocab": "https://project-open-data.cio.gov/v1.1/schema#",
    "title": "dct:title",
    "description": "dct:description",
    "identifier": "dct:identifier",
    "keyword": "dcat:keyword",
    "issued": "dct:issued",
    "modified": "dct:modified",
    "dataset": "dcat:dataset",
    "publisher": "dct:publisher",
    "distribution": "dcat:distribution",
    "contactPoint": "dcat:contactPoint",
    "fn": "vcard:fn",
    "name": "foaf:name",
    "hasEmail": {"@id": "vcard:hasEmail", "@type": "@id"},
    "accessURL": {"@id": "dcat:accessURL", "@type": "@id"},
    "downloadURL": {"@id": "dcat:downloadURL", "@type": "@id"},
    "license": {"@id": "dct:license", "@type": "@id"},
    "landingPage": {"@id": "dcat:landingPage", "@type": "@id"},
    "mediaType": "dcat:mediaType",
    "format": "dct:format",
    "spatial": "dct:spatial",
    "temporal": "dct:temporal",
    "theme": "dcat:theme",
    "language": "dct:language",
    "accrualPeriodicity": "dct:accrualPeriodicity",
    "rights": "dct:rights",
    "conformsTo": {"@id": "dct:conformsTo", "@type": "@id"},
}


def _without_remote_context(document: bytes) -> bytes:
    """Put our own context where a document names the address of one: nothing is fetched."""
    said_there = json.loads(document)
    nodes = said_there if isinstance(said_there, list) else [said_there]
    for node in nodes:
        if isinstance(node, dict) and "@context" in node:
            listed = node["@context"] if isinstance(node["@context"], list) else [node["@context"]]
            node["@context"] = [_CONTEXT if isinstance(item, str) else item for item in listed]
    return json.dumps(said_there).encode()


def claims_json(document: Any) -> bool:
    """Say whether a JSON document is JSON-LD about DCAT."""
    nodes = document if isinstance(document, list) else [document]
    return any(
        isinstance(node, Mapping) and ("@context" in node or "@graph" in node or "@id" in node) for node in nodes
    )


def _subjects(graph: Graph) -> list[Node]:
    """Return what the graph describes, in a stable order; services named only inside a distribution are left there."""
    found: dict[Node, str] = {}
    inside = set(graph.objects(None, DCAT.accessService))
    for kind in (DCAT.Dataset, DCAT.DatasetSeries, DCAT.DataService):
        for subject in graph.subjects(RDF.type, kind):
            titles = {str(title) for title in graph.objects(subject, DCTERMS.title)} - {_NOTHING}
            described = titles or (subject, DCTERMS.identifier, None) in graph
            if described and not (kind == DCAT.DataService and subject in inside):
                found[subject] = str(graph.value(subject, DCTERMS.identifier) or subject)
    return sorted(found, key=lambda subject: (found[subject], str(graph.value(subject, DCTERMS.title))))


def _read(graph: Graph, subject: Node) -> Record:
    about = _About(graph, subject)
    record = graph.value(subject, FOAF.isPrimaryTopicOf) or graph.value(None, FOAF.primaryTopic, subject)
    described = _About(graph, record) if record is not None else None
    identifier = (described.text(DCTERMS.identifier) if described else "") or about.text(DCTERMS.identifier)
    identifier = identifier or ("" if isinstance(subject, BNode) else str(subject))
    links, formats = _links(about)
    members: dict[str, Any] = {
        "type": _type(about),
        "alternateTitles": about.texts(DCTERMS.alternative),
        "contacts": tuple(_contacts(about, described)),
        "time": _time(about),
        "dates": [
            {"date": date, "type": kind}
            for kind, term in _DATES.items()
            for date in map(codes.moment, about.texts(term))
            if date
        ],
        "keywords": tuple(about.texts(DCAT.keyword)),
        "themes": tuple(_themes(about)),
        "links": tuple(links),
        "formats": formats,
        "lineage": "\n\n".join(_labels(about, DCTERMS.provenance)),
        "resolution": list(_resolutions(about)),
        "maintenance": _maintenance(about),
        "parent": _identifier_of(about, DCAT.inSeries) or _identifier_of(about, DCTERMS.isPartOf),
        "resourceLanguages": [
            {"code": code} for code in dict.fromkeys(map(codes.language, about.texts(DCTERMS.language)))
        ],
        "serviceType": about.text(GEODCAT.serviceType).rpartition("/")[2],
        "externalIds": tuple(_external_ids(about, identifier)),
    }
    if described:
        language = described.text(DCTERMS.language)
        members["language"] = {"code": codes.language(language)} if language else None
        members["updated"] = codes.timestamp(described.text(DCTERMS.modified))
        members["created"] = codes.timestamp(described.text(DCTERMS.issued))
    members |= (
        _spatial(about)
        | _rights(about)
        | _standards(about)
        | _titles(about, (members.get("language") or {}).get("code", "fr"))
    )
    members["id"] = identifier or iso.made_identifier(members)
    return describe(members)


class _About:
    """What a graph says about one subject, in a stable order."""

    def __init__(self, graph: Graph, subject: Node) -> None:
        self.graph, self.subject = graph, subject

    def nodes(self, term: URIRef) -> list[Node]:
        """Return the objects of a property."""
        return sorted(
            self.graph.objects(self.subject, term), key=lambda node: (isinstance(node, BNode), self._key(node))
        )

    def _key(self, node: Node) -> str:
        if not isinstance(node, BNode):
            return str(node)
        return "|".join(
            sorted(
                f"{term} {value}" for term, value in self.graph.predicate_objects(node) if not isinstance(value, BNode)
            )
        )

    def texts(self, term: URIRef) -> list[str]:
        """Return the objects of a property as texts, trimmed."""
        return [text for node in self.nodes(term) if not isinstance(node, BNode) and (text := str(node).strip())]

    def text(self, *terms: URIRef) -> str:
        """Return the first text of the first property that has one."""
        return next((text for term in terms for text in self.texts(term)), "")

    def all(self, term: URIRef) -> list[_About]:
        """Return the objects of a property as subjects in their turn."""
        return [_About(self.graph, node) for node in self.nodes(term)]


def _titles(about: _About, language: str) -> dict[str, Any]:
    """Return title and description: in the language of the record, French or none first; others translate it."""
    said_so: dict[str, Any] = {}
    others: dict[str, dict[str, str]] = {}
    for member, term in (("title", DCTERMS.title), ("description", DCTERMS.description)):
        texts = [node for node in about.nodes(term) if isinstance(node, Text) and str(node).strip(" —")]
        texts.sort(key=lambda text: (text.language != language, text.language not in ("fr", None), str(text)))
        if texts:
            said_so[member] = str(texts[0]).strip()
        for text in texts[1:]:
            if text.language and text.language != texts[0].language:
                others.setdefault(text.language, {})[member] = str(text).strip()
    return said_so | {"translations": others}


def _type(about: _About) -> str:
    types = set(about.nodes(RDF.type))
    for kind, term in _CLASSES.items():
        if term in types:
            return kind
    said_type = [
        text for term in (GEODCAT.resourceType, DCTERMS.type) for text in about.texts(term) if "ResourceType/" in text
    ]
    return said_type[0].rpartition("/")[2] if said_type else "dataset"


def _identifier_of(about: _About, term: URIRef) -> str:
    for other in about.all(term):
        address = "" if isinstance(other.subject, BNode) else str(other.subject)
        ours = unquote(address.removeprefix(_BASE)) if address.startswith(_BASE) else address
        return other.text(DCTERMS.identifier) or ours
    return ""


def _external_ids(about: _About, identifier: str) -> Iterator[ExternalId]:
    for other in about.all(ADMS.identifier):
        value = other.text(SKOS.notation) or ("" if isinstance(other.subject, BNode) else str(other.subject))
        if value:
            yield ExternalId(value, other.text(DCTERMS.creator, ADMS.schemaAgency))
    for text in about.texts(DCTERMS.identifier):
        if text != identifier:
            yield ExternalId(text)


def _contacts(about: _About, described: _About | None) -> Iterator[Contact]:
    for kind in about.all(DCAT.contactPoint):
        yield from _contact(kind, "pointOfContact")
    for role, term in _AGENTS.items():
        for agent in about.all(term):
            yield from _contact(agent, role)
    for attribution in about.all(PROV.qualifiedAttribution):
        role = attribution.text(DCAT.hadRole).rpartition("/")[2]
        for agent in attribution.all(PROV.agent):
            yield from _contact(agent, role)
    for kind in described.all(DCAT.contactPoint) if described else ():
        yield from _contact(kind, "pointOfContact", about="metadata")


def _contact(agent: _About, role: str, **extra: str) -> Iterator[Contact]:
    organization = agent.text(VCARD["organization-name"])
    label = agent.text(VCARD.fn, FOAF.name, RDFS.label, SKOS.prefLabel).removeprefix(_NOTHING)
    person = (
        FOAF.Person in agent.nodes(RDF.type)
        or VCARD.Individual in agent.nodes(RDF.type)
        or (organization and label != organization)
    )
    emails = [
        *agent.texts(VCARD.hasEmail),
        *agent.texts(FOAF.mbox),
        *(point.text(VCARD.hasValue) for point in agent.all(VCARD.hasEmail)),
    ]
    phones = [
        *agent.texts(VCARD.hasTelephone),
        *agent.texts(FOAF.phone),
        *(point.text(VCARD.hasValue) for point in agent.all(VCARD.hasTelephone)),
    ]
    pages = [*agent.texts(VCARD.hasURL), *agent.texts(FOAF.homepage), *agent.texts(FOAF.page)]
    contact = Contact(
        organization=organization if person else organization or label,
        name=label if person else "",
        position=agent.text(VCARD.role, VCARD.title),
        roles=(role,) if role else (),
        emails=tuple(ContactPoint(text.removeprefix("mailto:")) for text in dict.fromkeys(emails) if text),
        phones=tuple(ContactPoint(text.removeprefix("tel:")) for text in dict.fromkeys(phones) if text),
        links=tuple(Link(text, "related") for text in dict.fromkeys(pages)),
        extra={"about": extra["about"]} if extra else {},
    )
    if contact.organization or contact.name or contact.emails:
        yield contact
    elif isinstance(agent.subject, URIRef | Text):
        yield Contact(organization=str(agent.subject), roles=contact.roles, extra=contact.extra)


def _spatial(about: _About) -> dict[str, Any]:
    pieces: list[dict[str, Any]] = []
    places: list[dict[str, str]] = []
    unreadable: list[dict[str, Any]] = []
    for place in about.all(DCTERMS.spatial):
        literals = [
            node
            for term in (DCAT.bbox, LOCN.geometry, DCAT.centroid)
            for node in (*place.nodes(term), *(held for shape in place.all(term) for held in shape.nodes(GSP.asWKT)))
            if isinstance(node, Text)
        ]
        shapes = [shape for node in literals if (shape := _shape(node, unreadable))]
        pieces += [dict(part) for shape in shapes[:1] for part in iso.simple(shape)]
        label = place.text(SKOS.prefLabel, RDFS.label, LOCN.geographicName)
        address = str(place.subject) if isinstance(place.subject, URIRef | Text) else ""
        if (label or address) and not address.startswith(_BASE):
            places.append({"code": label or address} | ({"href": address} if label and address else {}))
    unique = [piece for at, piece in enumerate(pieces) if piece not in pieces[:at]]
    return {"geometry": iso.gathered(unique), "places": places, "unreadable": unreadable}


def _shape(literal: Text, unreadable: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Read a geometry written as WKT, GeoJSON or a GML envelope."""
    text = str(literal).strip()
    geometry: dict[str, Any] | None
    try:
        if text.startswith("{"):
            geometry = iso.checked(json.loads(text))
        elif text.startswith("<") and "gml" in text.lower() and not text.lower().startswith("<http"):
            geometry = _envelope(text)
        else:
            geometry = _wkt(text)
            geometry = geometry and iso.checked(geometry)
    except (ValueError, RecordError, KeyError, TypeError) as error:
        unreadable.append({"member": "geometry", "path": "dct:spatial", "text": text[:200], "reason": str(error)})
        return None
    return geometry


def _wkt(text: str) -> dict[str, Any] | None:
    import shapely

    crs = ""
    if text.startswith("<"):
        crs, _, text = text[1:].partition(">")
    try:
        shape = shapely.from_wkt(text.split(";")[-1].strip())
    except shapely.errors.ShapelyError as error:
        raise ValueError(f"WKT illisible ({error})") from error
    if shape is None or shape.is_empty:
        return None
    if "4326" in crs or "4258" in crs:
        shape = shapely.transform(shape, lambda positions: positions[:, ::-1])
    return cast(dict[str, Any], json.loads(shapely.to_geojson(shape)))


def _envelope(text: str) -> dict[str, Any] | None:
    root = parse(text.replace("<gml:", "<").replace("</gml:", "</").encode())
    corners = [
        [float(part) for part in (node.text or "").split()[:2]] for node in root.iter("lowerCorner", "upperCorner")
    ]
    if len(corners) != 2:
        return None
    if "4326" in root.get("srsName", "") or "4258" in root.get("srsName", ""):
        corners = [corner[::-1] for corner in corners]
    (west, south), (east, north) = corners
    return Extent(west, south, east, north).as_geometry()


def _time(about: _About) -> Time | None:
    periods = []
    for period in about.all(DCTERMS.temporal):
        start = codes.moment(period.text(DCAT.startDate, SCHEMA.startDate)) or ".."
        end = codes.moment(period.text(DCAT.endDate, SCHEMA.endDate)) or ".."
        if isinstance(period.subject, Text) and "/" in str(period.subject):
            first, _, last = str(period.subject).partition("/")
            start, end = codes.moment(first) or "..", codes.moment(last) or ".."
        periods.append((start, end))
    return iso.time_of(periods)


def _themes(about: _About) -> Iterator[Theme]:
    """Yield one theme per scheme of concepts, and the topic categories."""
    groups: dict[str, list[Concept]] = {}
    titles: dict[str, str] = {}
    for concept in about.all(DCAT.theme):
        label = concept.text(SKOS.prefLabel, RDFS.label)
        identifier = label if isinstance(concept.subject, BNode) else str(concept.subject)
        scheme = concept.text(SKOS.inScheme)
        for holder in concept.all(SKOS.inScheme):
            titles[scheme] = holder.text(DCTERMS.title, RDFS.label, SKOS.prefLabel)
        if codes.inspire_theme(identifier):
            scheme = INSPIRE_THEME
        elif not scheme and identifier.startswith("http"):
            scheme = identifier.rpartition("/")[0]
        if identifier:
            known = "" if identifier != label and label == _tail(identifier) else label
            groups.setdefault(scheme, []).append(Concept(identifier, known))
    for scheme, concepts in groups.items():
        title = titles.get(scheme, "")
        yield Theme(tuple(concepts), scheme, {"title": title} if title else {})
    topics = [
        _tail(text)
        for term in (GEODCAT.topicCategory, DCTERMS.subject)
        for text in about.texts(term)
        if "TopicCategory/" in text
    ]
    if topics:
        yield Theme(tuple(Concept(code) for code in dict.fromkeys(topics)), TOPIC_CATEGORY)


def _rights(about: _About) -> dict[str, str]:
    holders = [about, *about.all(DCAT.distribution)]
    licences = [
        text for holder in holders for text in [*holder.texts(DCTERMS.license), *_labels(holder, DCTERMS.license)]
    ]
    rights = [
        text for holder in holders for term in (DCTERMS.rights, DCTERMS.accessRights) for text in _labels(holder, term)
    ]
    known = next((spdx for text in [*licences, *rights] if (spdx := codes.licence(text))), "")
    words = [*rights, *(text for text in licences if not codes.licence(text))]
    return {"license": known or ("other" if licences else ""), "rights": "\n".join(dict.fromkeys(words))}


def _labels(about: _About, term: URIRef) -> list[str]:
    """Return the texts of a property: of its literals, or of the labels of its objects, or their addresses."""
    found = []
    for other in about.all(term):
        label = other.text(RDFS.label, DCTERMS.description, DCTERMS.title, SKOS.prefLabel)
        found.append(label or ("" if isinstance(other.subject, BNode) else str(other.subject).strip()))
    return [text for text in found if text]


def _links(about: _About) -> tuple[list[Link], list[dict[str, str]]]:
    links: list[Link] = []
    formats: list[dict[str, str]] = []
    for part in about.all(DCAT.distribution):
        if link := _distribution(part):
            links.append(link)
        label = (_labels(part, DCTERMS["format"]) or [""])[0].rpartition("/")[2]
        if label and {"name": label} not in formats:
            formats.append({"name": label})
    endpoints = [href for href in about.texts(DCAT.endpointURL) if href != str(about.subject)]
    links += [Link(_href(href), "service", extra={"operation": "GetCapabilities"}) for href in endpoints]
    for term, rel in ((DCAT.landingPage, "about"), (FOAF.page, "about"), (FOAF.depiction, "preview")):
        for page in about.all(term):
            if isinstance(page.subject, URIRef | Text):
                links.append(Link(_href(str(page.subject)), rel, title=page.text(DCTERMS.title)))
    return links, formats


def _distribution(part: _About) -> Link | None:
    download, access = part.text(DCAT.downloadURL), part.text(DCAT.accessURL)
    href = download or access
    if not href:
        return None
    extra = {
        "description": part.text(DCTERMS.description),
        "protocol": next(iter(_labels(part, DCTERMS.conformsTo)), ""),
    }
    for service in part.all(DCAT.accessService):
        extra["protocol"] = extra["protocol"] or service.text(GEODCAT.serviceProtocol, DCTERMS.conformsTo)
    extra = {name: text for name, text in extra.items() if text}
    kind = (part.text(DCAT.mediaType) or next(iter(_labels(part, DCAT.mediaType)), "")).partition("media-types/")
    relation = "enclosure" if download else iso.relation(extra)
    return Link(
        _href(href),
        relation,
        kind[2] or (kind[0] if "/" in kind[0] and ":" not in kind[0] else ""),
        part.text(DCTERMS.title),
        extra=extra,
    )


def _resolutions(about: _About) -> Iterator[dict[str, Any]]:
    for text in about.texts(DCAT.spatialResolutionInMeters):
        if number := iso.number(text):
            yield {"distance": number, "unit": "m"}
    for measure in about.all(DQV.hasQualityMeasurement):
        number = iso.number(measure.text(DQV.value))
        metric = measure.text(DQV.isMeasurementOf)
        if number and metric == str(GEODCAT.spatialResolutionAsScale):
            yield {"scale": round(1 / number)}
        elif number and metric == str(GEODCAT.spatialResolutionAsDistance):
            yield {"distance": number, "unit": "m"}


def _maintenance(about: _About) -> dict[str, str]:
    text = about.text(DCTERMS.accrualPeriodicity)
    code = codes.frequency(text) if text else ""
    return {"frequency": code} if code else {}


def _standards(about: _About) -> dict[str, Any]:
    systems = [codes.crs(text) for text in about.texts(GEODCAT.referenceSystem)]
    conformity = []
    for standard in about.all(DCTERMS.conformsTo):
        address = "" if isinstance(standard.subject, BNode) else str(standard.subject)
        if codes.crs(address).startswith("EPSG:"):
            systems.append(codes.crs(address))
            continue
        title = standard.text(DCTERMS.title, RDFS.label, SKOS.prefLabel)
        found = {"title": title, "href": address, "date": codes.moment(standard.text(DCTERMS.issued))}
        if title or address:
            kept = {name: text for name, text in found.items() if text}
            conformity.append(kept | ({"dateType": "publication"} if found["date"] else {}) | {"pass": True})
    return {"crs": list(dict.fromkeys(systems)), "conformity": conformity}


# --- writing ---------------------------------------------------------------------------------------------------------


def write(record: Record, *, form: Form = "turtle", base: str = _BASE, source: bytes = b"") -> bytes:
    """Return one record as DCAT-AP; its source when that describes it alone and still says the same."""
    if source and read_all(source) == [record]:
        return source
    graph = _graph()
    _add(graph, record, base)
    return _serialized(graph, form)


def write_catalogue(
    records: Iterable[Record],
    *,
    title: str,
    publisher: str,
    form: Form = "turtle",
    base: str = _BASE,
    address: str = "urn:x-geoguichet:catalogue",
    page: int = 1,
    pages: int = 1,
    total: int = 0,
    page_address: Callable[[int], str] | None = None,
) -> bytes:
    """Return a page of a whole catalogue; with several pages, Hydra says which comes next, at ``page_address``."""
    graph = _graph()
    catalogue = URIRef(address)
    graph.add((catalogue, RDF.type, DCAT.Catalog))
    graph.add((catalogue, DCTERMS.title, Text(title)))
    graph.add((catalogue, DCTERMS.description, Text(title)))
    agent = _agent(graph, Contact(organization=publisher))
    graph.add((catalogue, DCTERMS.publisher, agent))
    for record in records:
        subject = _add(graph, record, base)
        term = {"service": DCAT.service}.get(record.type, DCAT.dataset)
        graph.add((catalogue, term, subject))
    if pages > 1:
        _add_pages(graph, page_address or (lambda number: f"{address}?page={number}"), page, pages, total)
    return _serialized(graph, form)


def _add_pages(graph: Graph, address: Callable[[int], str], page: int, pages: int, total: int) -> None:
    view = URIRef(address(page))
    graph.add((view, RDF.type, HYDRA.PagedCollection))
    graph.add((view, HYDRA.totalItems, Text(total)))
    numbers = {HYDRA.firstPage: 1, HYDRA.lastPage: pages, HYDRA.previousPage: page - 1, HYDRA.nextPage: page + 1}
    for term, number in numbers.items():
        if 1 <= number <= pages:
            graph.add((view, term, Text(address(number))))


def _graph() -> Graph:
    graph = Graph()
    prefixes = {
        "adms": ADMS,
        "dcat": DCAT,
        "dct": DCTERMS,
        "dqv": DQV,
        "foaf": FOAF,
        "geodcatap": GEODCAT,
        "gsp": GSP,
        "hydra": HYDRA,
        "locn": LOCN,
        "prov": PROV,
        "skos": SKOS,
        "vcard": VCARD,
    }
    for prefix, namespace in prefixes.items():
        graph.bind(prefix, namespace)
    return graph


def _serialized(graph: Graph, form: Form) -> bytes:
    """Write a graph; what is only named in it (a parent, a concept) gets the texts that DCAT-AP makes mandatory."""
    for concept in set(graph.subjects(RDF.type, SKOS.Concept)):
        if (concept, SKOS.prefLabel, None) not in graph:
            graph.add((concept, SKOS.prefLabel, Text(_tail(str(concept)) or _NOTHING)))
    for series in set(graph.subjects(RDF.type, DCAT.DatasetSeries)):
        for term in (DCTERMS.title, DCTERMS.description):
            if (series, term, None) not in graph:
                graph.add((series, term, Text(_NOTHING)))
    with _silence():
        return graph.serialize(format="pretty-xml" if form == "xml" else form, encoding="utf-8", auto_compact=True)


def subject_of(record: Record, base: str) -> URIRef:
    """Return the address of the resource that a record describes."""
    if record.id.startswith(("http://", "https://")) and not set(record.id) & set(' <>"{}|\\^`'):
        return URIRef(record.id)
    return URIRef(base + quote(record.id, safe=""))


def _add(graph: Graph, record: Record, base: str) -> URIRef:
    subject = subject_of(record, base)
    say: Callable[[URIRef, Node], Any] = lambda term, value: graph.add((subject, term, value))  # noqa: E731
    say(RDF.type, DCAT.Resource)
    say(RDF.type, _CLASSES.get(record.type, DCAT.Dataset))
    if record.type == "series":
        say(RDF.type, DCAT.Dataset)  # a series is a dataset of its catalogue
    if record.type not in ("", "dataset", "series", "service"):
        say(DCTERMS.type, _typed(graph, URIRef(f"{_INSPIRE}ResourceType/{quote(record.type)}"), SKOS.Concept))
    say(DCTERMS.identifier, Text(record.id))
    language = (said(record, "language") or {}).get("code", "")
    for member, term in (("title", DCTERMS.title), ("description", DCTERMS.description)):
        text = said(record, member)
        say(term, _in_language(text, language) if text else Text(_NOTHING))
        for code, texts in (said(record, "translations") or {}).items():
            if member in texts:
                say(term, _in_language(texts[member], code))
    for text in said(record, "alternateTitles") or ():
        say(DCTERMS.alternative, Text(text))
    for word in record.keywords:
        say(DCAT.keyword, Text(word))
    _add_contacts(graph, subject, record)
    _add_places(graph, subject, record)
    _add_dates(graph, subject, record)
    _add_themes(graph, subject, record)
    _add_rights(graph, subject, record)
    _add_links(graph, subject, record)
    _add_facts(graph, subject, record, base)
    _add_catalogue_record(graph, subject, record)
    return subject


_TAG = re.compile(r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*")


def _in_language(text: str, language: str) -> Text:
    """Return a text with its language, without one when RDF cannot say it."""
    return Text(text, lang=language if _TAG.fullmatch(language) else None)


def _typed(graph: Graph, node: Node, kind: URIRef) -> Node:
    graph.add((node, RDF.type, kind))
    return node


def _add_contacts(graph: Graph, subject: URIRef, record: Record) -> None:
    published = False
    for contact in record.contacts:
        role = "".join(contact.roles[:1])
        if contact.extra.get("about") == "metadata":
            continue
        if role in ("", "pointOfContact"):
            graph.add((subject, DCAT.contactPoint, _vcard(graph, contact)))
        elif role in _AGENTS and not (role == "publisher" and published):
            graph.add((subject, _AGENTS[role], _agent(graph, contact)))
            published |= role == "publisher"
        else:
            attribution = _typed(graph, BNode(), PROV.Attribution)
            graph.add((subject, PROV.qualifiedAttribution, attribution))
            graph.add((attribution, PROV.agent, _agent(graph, contact)))
            graph.add((attribution, DCAT.hadRole, _typed(graph, URIRef(_ROLE + quote(role)), DCAT.Role)))


def _vcard(graph: Graph, contact: Contact) -> Node:
    node = _typed(graph, BNode(), VCARD.Individual if contact.name else VCARD.Organization)
    graph.add((node, RDF.type, VCARD.Kind))
    graph.add((node, VCARD.fn, Text(contact.name or contact.organization or _NOTHING)))
    if contact.name and contact.organization:
        graph.add((node, VCARD["organization-name"], Text(contact.organization)))
    if contact.position:
        graph.add((node, VCARD.role, Text(contact.position)))
    for term, points, scheme in (
        (VCARD.hasEmail, contact.emails, "mailto:"),
        (VCARD.hasTelephone, contact.phones, "tel:"),
    ):
        for point in points:
            graph.add((node, term, _address(scheme + point.value)))
    for link in contact.links:
        graph.add((node, VCARD.hasURL, _address(link.href)))
    return node


def _agent(graph: Graph, contact: Contact) -> Node:
    node = _typed(graph, BNode(), FOAF.Person if contact.name else FOAF.Organization)
    graph.add((node, RDF.type, FOAF.Agent))
    graph.add((node, FOAF.name, Text(contact.name or contact.organization or _NOTHING)))
    if contact.name and contact.organization:
        graph.add((node, VCARD["organization-name"], Text(contact.organization)))
    if contact.position:
        graph.add((node, VCARD.role, Text(contact.position)))
    for point in contact.emails:
        graph.add((node, FOAF.mbox, _address(f"mailto:{point.value}")))
    for point in contact.phones:
        graph.add((node, FOAF.phone, _address(f"tel:{point.value}")))
    for link in contact.links:
        graph.add((node, FOAF.homepage, _address(link.href)))
    return node


_UNSAFE = ' <>"{}|\\^`\n\r\t'


def _address(text: str) -> URIRef:
    """Return an address that RDF may hold: what it may not is percent-encoded."""
    return URIRef("".join(quote(letter) if letter in _UNSAFE else letter for letter in text.strip()))


def _tail(address: str) -> str:
    """Return the last part of an address: what names a concept that has no other name."""
    return unquote(address.rstrip("/").rpartition("/")[2])


def _reference(href: str) -> URIRef:
    """Return the address of a link; RDF knows no relative one, so those get a scheme that `_href` takes away."""
    relative = ":" not in href.strip().partition("/")[0]
    return URIRef(_RELATIVE + quote(href.strip())) if relative else _address(href)


def _href(text: str) -> str:
    return unquote(text.removeprefix(_RELATIVE)) if text.startswith(_RELATIVE) else text


def _add_places(graph: Graph, subject: URIRef, record: Record) -> None:
    for part in iso.boxes_and_shapes(record.geometry):
        place = _typed(graph, BNode(), DCTERMS.Location)
        graph.add((subject, DCTERMS.spatial, place))
        geometry = part.as_geometry() if isinstance(part, Extent) else part
        literal = Text(_as_wkt(geometry), datatype=GSP.wktLiteral)
        if isinstance(part, Extent):
            graph.add((place, DCAT.bbox, literal))
        else:
            shape = _typed(graph, BNode(), LOCN.Geometry)
            graph.add((place, LOCN.geometry, shape))
            graph.add((shape, GSP.asWKT, literal))
    for item in said(record, "places") or ():
        address = item.get("href") or (item["code"] if item["code"].startswith("http") else "")
        place = _typed(graph, _address(address) if address else BNode(), DCTERMS.Location)
        graph.add((subject, DCTERMS.spatial, place))
        if item["code"] != address:
            graph.add((place, SKOS.prefLabel, Text(item["code"])))


def _as_wkt(geometry: Mapping[str, Any]) -> str:
    """Write a point, line or polygon with every digit of its numbers."""

    def row(positions: Any) -> str:
        return ", ".join(f"{float(x)!r} {float(y)!r}" for x, y, *_ in positions)

    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        return f"POINT ({row([coordinates])})"
    if kind == "LineString":
        return f"LINESTRING ({row(coordinates)})"
    if kind == "MultiPolygon":
        return (
            "MULTIPOLYGON ("
            + ", ".join("(" + ", ".join(f"({row(ring)})" for ring in part) + ")" for part in coordinates)
            + ")"
        )
    return "POLYGON (" + ", ".join(f"({row(ring)})" for ring in coordinates) + ")"


def _add_dates(graph: Graph, subject: URIRef, record: Record) -> None:
    for kind, term in _DATES.items():
        written = [item["date"] for item in said(record, "dates") or () if item.get("type") == kind]
        if written:
            graph.add((subject, term, _date(max(written))))
    time = record.time
    if time is not None:
        period = _typed(graph, BNode(), DCTERMS.PeriodOfTime)
        graph.add((subject, DCTERMS.temporal, period))
        for term, end in zip(
            (DCAT.startDate, DCAT.endDate), time.interval or (time.timestamp or time.date,) * 2, strict=True
        ):
            if end != "..":
                graph.add((period, term, _date(end)))


def _date(text: str) -> Text:
    kinds = {4: XSD.gYear, 7: XSD.gYearMonth, 10: XSD.date}
    return Text(text, datatype=kinds.get(len(text), XSD.dateTime), normalize=False)


def _add_themes(graph: Graph, subject: URIRef, record: Record) -> None:
    for theme in record.themes:
        for concept in theme.concepts:
            if theme.scheme == TOPIC_CATEGORY:
                topic = URIRef(f"{TOPIC_CATEGORY}/{quote(concept.id)}")
                graph.add((subject, GEODCAT.topicCategory, _typed(graph, topic, SKOS.Concept)))
                continue
            known = concept.id.startswith(("http://", "https://"))
            node = _typed(graph, _address(concept.id) if known else BNode(), SKOS.Concept)
            graph.add((subject, DCAT.theme, node))
            label = concept.title or ("" if known else concept.id)
            if label:
                graph.add((node, SKOS.prefLabel, Text(label)))
            if theme.scheme or theme.extra.get("title"):
                scheme = _typed(graph, _address(theme.scheme) if ":" in theme.scheme else BNode(), SKOS.ConceptScheme)
                graph.add((node, SKOS.inScheme, scheme))
                graph.add((scheme, DCTERMS.title, Text(theme.extra.get("title") or theme.scheme)))


def _add_rights(graph: Graph, subject: Node, record: Record) -> None:
    if record.license not in ("", "other"):
        address = URIRef(codes.licence_address(record.license))
        licence = _typed(graph, address, DCTERMS.LicenseDocument)
        graph.add((subject, DCTERMS.license, licence))
        graph.add((licence, RDFS.label, Text(record.license)))
    for line in record.rights.split("\n"):
        if line.strip():
            statement = _typed(graph, BNode(), DCTERMS.RightsStatement)
            graph.add((subject, DCTERMS.rights, statement))
            graph.add((statement, RDFS.label, Text(line)))


def _add_links(graph: Graph, subject: URIRef, record: Record) -> None:
    if record.type == "service" and not any(_is_endpoint(link) for link in record.links):
        graph.add(
            (subject, DCAT.endpointURL, _typed(graph, subject, RDFS.Resource))
        )  # mandatory; its own address says that none is known
    for link in record.links:
        if link.rel == "preview":
            graph.add((subject, FOAF.depiction, _reference(link.href)))
        elif record.type == "service" and _is_endpoint(link):
            graph.add((subject, DCAT.endpointURL, _typed(graph, _reference(link.href), RDFS.Resource)))
        elif (
            link.rel in ("about", "describedby", "alternate") or record.type == "service" or "operatesOn" in link.extra
        ):
            page = _typed(graph, _reference(link.href), FOAF.Document)
            graph.add((subject, FOAF.page, page))
            if link.title:
                graph.add((page, DCTERMS.title, Text(link.title)))
        else:
            _add_distribution(graph, subject, record, link)


def _is_endpoint(link: Link) -> bool:
    return link.rel == "service" or (link.rel != "preview" and "operation" in link.extra)


def _add_distribution(graph: Graph, subject: URIRef, record: Record, link: Link) -> None:
    part = _typed(graph, BNode(), DCAT.Distribution)
    graph.add((subject, DCAT.distribution, part))
    graph.add((part, DCAT.accessURL, _typed(graph, _reference(link.href), RDFS.Resource)))
    if link.rel == "enclosure":
        graph.add((part, DCAT.downloadURL, _reference(link.href)))
    for term, text in ((DCTERMS.title, link.title), (DCTERMS.description, link.extra.get("description", ""))):
        if text:
            graph.add((part, term, Text(text)))
    if link.type:
        graph.add((part, DCAT.mediaType, _typed(graph, _address(_MEDIA + link.type), DCTERMS.MediaType)))
    if protocol := link.extra.get("protocol"):
        standard = _typed(graph, BNode(), DCTERMS.Standard)
        graph.add((part, DCTERMS.conformsTo, standard))
        graph.add((standard, RDFS.label, Text(protocol)))
    if record.license not in ("", "other"):
        graph.add((part, DCTERMS.license, URIRef(codes.licence_address(record.license))))


def _add_facts(graph: Graph, subject: URIRef, record: Record, base: str) -> None:
    say: Callable[[URIRef, Node], Any] = lambda term, value: graph.add((subject, term, value))  # noqa: E731
    if lineage := said(record, "lineage"):
        statement = _typed(graph, BNode(), DCTERMS.ProvenanceStatement)
        say(DCTERMS.provenance, statement)
        graph.add((statement, RDFS.label, Text(lineage)))
    _add_resolutions(graph, subject, said(record, "resolution") or ())
    for system in said(record, "crs") or ():
        if system.startswith("EPSG:"):
            say(GEODCAT.referenceSystem, _typed(graph, URIRef(codes.crs_address(system)), DCTERMS.Standard))
    for item in said(record, "conformity") or ():
        if item.get("pass"):
            standard = _typed(graph, _address(item["href"]) if item.get("href") else BNode(), DCTERMS.Standard)
            say(DCTERMS.conformsTo, standard)
            if item.get("title"):
                graph.add((standard, DCTERMS.title, Text(item["title"])))
            if item.get("date"):
                graph.add((standard, DCTERMS.issued, _date(item["date"])))
    frequency = (said(record, "maintenance") or {}).get("frequency", "")
    if frequency in codes.FREQUENCIES:
        say(
            DCTERMS.accrualPeriodicity,
            _typed(graph, URIRef(_FREQUENCY + codes.FREQUENCIES[frequency][0]), DCTERMS.Frequency),
        )
    if parent := said(record, "parent"):
        series = subject_of(Record(id=parent), base)
        say(DCAT.inSeries, _typed(graph, series, DCAT.DatasetSeries))
    for item in said(record, "resourceLanguages") or ():
        language = URIRef(_LANGUAGE + quote(codes.language_eu(item["code"])))
        say(DCTERMS.language, _typed(graph, language, DCTERMS.LinguisticSystem))
    if kind := said(record, "serviceType"):
        say(GEODCAT.serviceType, _typed(graph, URIRef(f"{_INSPIRE}SpatialDataServiceType/{quote(kind)}"), SKOS.Concept))
    for item in record.external_ids:
        other = _typed(graph, BNode(), ADMS.Identifier)
        say(ADMS.identifier, other)
        graph.add((other, SKOS.notation, Text(item.value)))
        if item.scheme:
            graph.add((other, ADMS.schemaAgency, Text(item.scheme)))


def _add_resolutions(graph: Graph, subject: URIRef, items: Iterable[Mapping[str, Any]]) -> None:
    """Add the distance in metres, which DCAT-AP wants alone, and as measurements the other distances and the scales."""
    factors = {"m": 1, "km": 1000, "cm": 0.01}
    metres = [
        item["distance"] * factors[unit]
        for item in items
        if "scale" not in item and (unit := str(item.get("unit", "m"))) in factors
    ]
    for distance in metres[:1]:
        graph.add((subject, DCAT.spatialResolutionInMeters, Text(str(distance), datatype=XSD.decimal)))
    measures = [(GEODCAT.spatialResolutionAsDistance, distance) for distance in metres[1:]]
    measures += [(GEODCAT.spatialResolutionAsScale, 1 / item["scale"]) for item in items if "scale" in item]
    for metric, number in measures:
        measure = _typed(graph, BNode(), DQV.QualityMeasurement)
        graph.add((subject, DQV.hasQualityMeasurement, measure))
        graph.add((measure, DQV.isMeasurementOf, _typed(graph, metric, DQV.Metric)))
        graph.add((measure, DQV.value, Text(number)))


def _add_catalogue_record(graph: Graph, subject: URIRef, record: Record) -> None:
    """Add what is about the record itself: its dates, language and contacts."""
    contacts = [contact for contact in record.contacts if contact.extra.get("about") == "metadata"]
    language = (said(record, "language") or {}).get("code", "")
    if not (record.updated or record.created or contacts or language):
        return
    node = BNode()
    if modified := record.updated or record.created:  # DCAT-AP wants a date of any dcat:CatalogRecord
        _typed(graph, node, DCAT.CatalogRecord)
        graph.add((node, DCTERMS.modified, _date(modified)))
    graph.add((subject, FOAF.isPrimaryTopicOf, node))
    graph.add((node, FOAF.primaryTopic, subject))
    graph.add((node, DCTERMS.identifier, Text(record.id)))
    if record.created:
        graph.add((node, DCTERMS.issued, _date(record.created)))
    if language:
        address = URIRef(_LANGUAGE + quote(codes.language_eu(language)))
        graph.add((node, DCTERMS.language, _typed(graph, address, DCTERMS.LinguisticSystem)))
    for contact in contacts:
        graph.add((node, DCAT.contactPoint, _vcard(graph, contact)))
