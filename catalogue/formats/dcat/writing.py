"""Records written into a graph of DCAT-AP 3 / GeoDCAT-AP."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from rdflib import Graph, URIRef
from rdflib import Literal as Text
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, XSD
from rdflib.term import Node

from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.dcat.rdf import (
    ADMS,
    AGENTS,
    CLASSES,
    DATES,
    DCAT,
    DQV,
    FREQUENCY,
    GEODCAT,
    GSP,
    INSPIRE,
    LANGUAGE,
    LOCN,
    LOCN_ADDRESS,
    MEDIA,
    NOTHING,
    RELATIVE,
    ROLE,
    VCARD,
    VCARD_ADDRESS,
    Form,
    NumberedGraph,
    tail,
)
from geoguichet.catalogue.formats.mapping import TOPIC_CATEGORY, said
from geoguichet.catalogue.record import Contact, Extent, Link, Record


def serialized(graph: NumberedGraph, form: Form) -> bytes:
    """Write a graph; what is only named in it (a parent, a concept) gets the texts that DCAT-AP
    makes mandatory.
    """
    for concept in graph.subjects(RDF.type, SKOS.Concept):
        if (concept, SKOS.prefLabel, None) not in graph:
            graph.add((concept, SKOS.prefLabel, Text(tail(str(concept)) or NOTHING)))
    for series in graph.subjects(RDF.type, DCAT.DatasetSeries):
        for term in (DCTERMS.title, DCTERMS.description):
            if (series, term, None) not in graph:
                graph.add((series, term, Text(NOTHING)))
    return graph.written(form)


def subject_of(record: Record, base: str) -> URIRef:
    """Return the address of the resource that a record describes."""
    if record.id.startswith(("http://", "https://")) and not set(record.id) & set(' <>"{}|\\^`'):
        return URIRef(record.id)
    return URIRef(base + quote(record.id, safe=""))


def add_record(graph: NumberedGraph, record: Record, base: str) -> URIRef:
    """Add a record to a graph; its subject is returned."""
    subject = subject_of(record, base)

    def say(term: URIRef, value: Node) -> None:
        graph.add((subject, term, value))

    say(RDF.type, DCAT.Resource)
    say(RDF.type, CLASSES.get(record.type, DCAT.Dataset))
    if record.type == "series":
        say(RDF.type, DCAT.Dataset)  # a series is a dataset of its catalogue
    if record.type not in ("", "dataset", "series", "service"):
        say(
            DCTERMS.type,
            _typed(graph, URIRef(f"{INSPIRE}ResourceType/{quote(record.type)}"), SKOS.Concept),
        )
    say(DCTERMS.identifier, Text(record.id))
    language = (said(record, "language") or {}).get("code", "")
    for member, term in (("title", DCTERMS.title), ("description", DCTERMS.description)):
        text = said(record, member)
        say(term, _in_language(text, language) if text else Text(NOTHING))
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
    """Say of what class a node is, and return it."""
    graph.add((node, RDF.type, kind))
    return node


def _add_contacts(graph: NumberedGraph, subject: URIRef, record: Record) -> None:
    """Add who answers for the resource, by role."""
    published = False
    for contact in record.contacts:
        role = "".join(contact.roles[:1])
        if contact.extra.get("about") == "metadata":
            continue
        if role in ("", "pointOfContact"):
            graph.add((subject, DCAT.contactPoint, agent_of(graph, contact, _VCARD)))
        elif role in AGENTS and not (role == "publisher" and published):
            graph.add((subject, AGENTS[role], agent_of(graph, contact)))
            published |= role == "publisher"
        else:
            attribution = _typed(graph, graph.blank(), PROV.Attribution)
            graph.add((subject, PROV.qualifiedAttribution, attribution))
            graph.add((attribution, PROV.agent, agent_of(graph, contact)))
            graph.add(
                (attribution, DCAT.hadRole, _typed(graph, URIRef(ROLE + quote(role)), DCAT.Role))
            )


class _Terms(NamedTuple):
    """How a vocabulary says who somebody is."""

    person: URIRef
    organization: URIRef
    kind: URIRef
    name: URIRef
    email: URIRef
    phone: URIRef
    page: URIRef
    address: URIRef
    postal: URIRef
    lines: Mapping[str, URIRef]


_VCARD = _Terms(
    *(
        VCARD.Individual,
        VCARD.Organization,
        VCARD.Kind,
        VCARD.fn,
        VCARD.hasEmail,
        VCARD.hasTelephone,
        VCARD.hasURL,
    ),
    *(VCARD.hasAddress, VCARD.Address, VCARD_ADDRESS),
)
_FOAF = _Terms(
    *(FOAF.Person, FOAF.Organization, FOAF.Agent, FOAF.name, FOAF.mbox, FOAF.phone, FOAF.homepage),
    *(LOCN.address, LOCN.Address, LOCN_ADDRESS),
)


def agent_of(graph: NumberedGraph, contact: Contact, terms: _Terms = _FOAF) -> Node:
    """Add an agent, and return it."""
    node = _typed(graph, graph.blank(), terms.person if contact.name else terms.organization)
    graph.add((node, RDF.type, terms.kind))
    graph.add((node, terms.name, Text(contact.name or contact.organization or NOTHING)))
    if contact.name and contact.organization:
        graph.add((node, VCARD["organization-name"], Text(contact.organization)))
    if contact.position:
        graph.add((node, VCARD.role, Text(contact.position)))
    if identifier := contact.extra.get("identifier"):
        graph.add((node, DCTERMS.identifier, Text(identifier)))
    for point in contact.emails:
        graph.add((node, terms.email, _address(f"mailto:{point.value}")))
    for point in contact.phones:
        graph.add((node, terms.phone, _address(f"tel:{point.value}")))
    for link in contact.links:
        graph.add((node, terms.page, _address(link.href)))
    for postal in contact.extra.get("addresses") or ():
        place = _typed(graph, graph.blank(), terms.postal)
        graph.add((node, terms.address, place))
        for name, term in terms.lines.items():
            if said_there := postal.get(name):
                text = said_there if isinstance(said_there, str) else ", ".join(said_there)
                graph.add((place, term, Text(text)))
    return node


_UNSAFE = ' <>"{}|\\^`\n\r\t'


def _address(text: str) -> URIRef:
    """Return an address that RDF may hold: what it may not is percent-encoded."""
    return URIRef(
        "".join(quote(letter) if letter in _UNSAFE else letter for letter in text.strip())
    )


def _reference(href: str) -> URIRef:
    """Return the address of a link; RDF knows no relative one, so those get a scheme that `_href`
    takes away.
    """
    relative = ":" not in href.strip().partition("/")[0]
    return URIRef(RELATIVE + quote(href.strip())) if relative else _address(href)


def _add_places(graph: NumberedGraph, subject: URIRef, record: Record) -> None:
    """Add the boxes, shapes and named places."""
    for part in geometries.boxes_and_shapes(record.geometry):
        place = _typed(graph, graph.blank(), DCTERMS.Location)
        graph.add((subject, DCTERMS.spatial, place))
        geometry = part.as_geometry() if isinstance(part, Extent) else part
        literal = Text(geometries.as_wkt(geometry), datatype=GSP.wktLiteral)
        if isinstance(part, Extent):
            graph.add((place, DCAT.bbox, literal))
        else:
            shape = _typed(graph, graph.blank(), LOCN.Geometry)
            graph.add((place, LOCN.geometry, shape))
            graph.add((shape, GSP.asWKT, literal))
    for item in said(record, "places") or ():
        address = item.get("href") or (item["code"] if item["code"].startswith("http") else "")
        place = _typed(graph, _address(address) if address else graph.blank(), DCTERMS.Location)
        graph.add((subject, DCTERMS.spatial, place))
        if item["code"] != address:
            graph.add((place, SKOS.prefLabel, Text(item["code"])))


def _add_dates(graph: NumberedGraph, subject: URIRef, record: Record) -> None:
    for kind, term in DATES.items():
        written = [item["date"] for item in said(record, "dates") or () if item.get("type") == kind]
        if written:
            graph.add((subject, term, _date(max(written))))
    time = record.time
    if time is not None:
        period = _typed(graph, graph.blank(), DCTERMS.PeriodOfTime)
        graph.add((subject, DCTERMS.temporal, period))
        for term, end in zip(
            (DCAT.startDate, DCAT.endDate),
            time.interval or (time.timestamp or time.date,) * 2,
            strict=True,
        ):
            if end != "..":
                graph.add((period, term, _date(end)))


def _date(text: str) -> Text:
    """Return a date, of the precision that it has."""
    kinds = {4: XSD.gYear, 7: XSD.gYearMonth, 10: XSD.date}
    return Text(text, datatype=kinds.get(len(text), XSD.dateTime), normalize=False)


def _add_themes(graph: NumberedGraph, subject: URIRef, record: Record) -> None:
    for theme in record.themes:
        for concept in theme.concepts:
            if theme.scheme == TOPIC_CATEGORY:
                topic = URIRef(f"{TOPIC_CATEGORY}/{quote(concept.id)}")
                graph.add((subject, GEODCAT.topicCategory, _typed(graph, topic, SKOS.Concept)))
                continue
            known = concept.id.startswith(("http://", "https://"))
            node = _typed(graph, _address(concept.id) if known else graph.blank(), SKOS.Concept)
            graph.add((subject, DCAT.theme, node))
            label = concept.title or ("" if known else concept.id)
            if label:
                graph.add((node, SKOS.prefLabel, Text(label)))
            if theme.scheme or theme.extra.get("title"):
                scheme = _typed(
                    graph,
                    _address(theme.scheme) if ":" in theme.scheme else graph.blank(),
                    SKOS.ConceptScheme,
                )
                graph.add((node, SKOS.inScheme, scheme))
                graph.add((scheme, DCTERMS.title, Text(theme.extra.get("title") or theme.scheme)))


def _add_rights(graph: NumberedGraph, subject: Node, record: Record) -> None:
    if record.license not in ("", "other"):
        address = URIRef(codes.licence_address(record.license))
        licence = _typed(graph, address, DCTERMS.LicenseDocument)
        graph.add((subject, DCTERMS.license, licence))
        graph.add((licence, RDFS.label, Text(record.license)))
    for line in record.rights.split("\n"):
        if line.strip():
            statement = _typed(graph, graph.blank(), DCTERMS.RightsStatement)
            graph.add((subject, DCTERMS.rights, statement))
            graph.add((statement, RDFS.label, Text(line)))


def _add_links(graph: NumberedGraph, subject: URIRef, record: Record) -> None:
    """Add the distributions, endpoints and pages."""
    if record.type == "service" and not any(_is_endpoint(link) for link in record.links):
        graph.add(
            (subject, DCAT.endpointURL, _typed(graph, subject, RDFS.Resource))
        )  # mandatory; its own address says that none is known
    for link in record.links:
        if link.rel == "preview":
            graph.add((subject, FOAF.depiction, _reference(link.href)))
        elif record.type == "service" and _is_endpoint(link):
            graph.add(
                (subject, DCAT.endpointURL, _typed(graph, _reference(link.href), RDFS.Resource))
            )
        elif (
            link.rel in ("about", "describedby", "alternate")
            or record.type == "service"
            or "operatesOn" in link.extra
        ):
            page = _typed(graph, _reference(link.href), FOAF.Document)
            graph.add((subject, FOAF.page, page))
            if link.title:
                graph.add((page, DCTERMS.title, Text(link.title)))
        else:
            _add_distribution(graph, subject, record, link)


def _is_endpoint(link: Link) -> bool:
    return link.rel == "service" or (link.rel != "preview" and "operation" in link.extra)


def _add_distribution(graph: NumberedGraph, subject: URIRef, record: Record, link: Link) -> None:
    part = _typed(graph, graph.blank(), DCAT.Distribution)
    graph.add((subject, DCAT.distribution, part))
    graph.add((part, DCAT.accessURL, _typed(graph, _reference(link.href), RDFS.Resource)))
    if link.rel == "enclosure":
        graph.add((part, DCAT.downloadURL, _reference(link.href)))
    for term, text in (
        (DCTERMS.title, link.title),
        (DCTERMS.description, link.extra.get("description", "")),
    ):
        if text:
            graph.add((part, term, Text(text)))
    if link.type:
        graph.add(
            (part, DCAT.mediaType, _typed(graph, _address(MEDIA + link.type), DCTERMS.MediaType))
        )
    if protocol := link.extra.get("protocol"):
        standard = _typed(graph, graph.blank(), DCTERMS.Standard)
        graph.add((part, DCTERMS.conformsTo, standard))
        graph.add((standard, RDFS.label, Text(protocol)))
    if record.license not in ("", "other"):
        graph.add((part, DCTERMS.license, URIRef(codes.licence_address(record.license))))


def _add_facts(graph: NumberedGraph, subject: URIRef, record: Record, base: str) -> None:

    def say(term: URIRef, value: Node) -> None:
        graph.add((subject, term, value))

    if lineage := said(record, "lineage"):
        statement = _typed(graph, graph.blank(), DCTERMS.ProvenanceStatement)
        say(DCTERMS.provenance, statement)
        graph.add((statement, RDFS.label, Text(lineage)))
    _add_resolutions(graph, subject, said(record, "resolution") or ())
    for system in said(record, "crs") or ():
        if system.startswith("EPSG:"):
            say(
                GEODCAT.referenceSystem,
                _typed(graph, URIRef(codes.crs_address(system)), DCTERMS.Standard),
            )
    for item in said(record, "conformity") or ():
        if item.get("pass"):
            standard = _typed(
                graph,
                _address(item["href"]) if item.get("href") else graph.blank(),
                DCTERMS.Standard,
            )
            say(DCTERMS.conformsTo, standard)
            if item.get("title"):
                graph.add((standard, DCTERMS.title, Text(item["title"])))
            if item.get("date"):
                graph.add((standard, DCTERMS.issued, _date(item["date"])))
    frequency = (said(record, "maintenance") or {}).get("frequency", "")
    if frequency in codes.FREQUENCIES:
        say(
            DCTERMS.accrualPeriodicity,
            _typed(graph, URIRef(FREQUENCY + codes.FREQUENCIES[frequency][0]), DCTERMS.Frequency),
        )
    if parent := said(record, "parent"):
        series = subject_of(Record(id=parent), base)
        say(DCAT.inSeries, _typed(graph, series, DCAT.DatasetSeries))
    for item in said(record, "resourceLanguages") or ():
        language = URIRef(LANGUAGE + quote(codes.language_eu(item["code"])))
        say(DCTERMS.language, _typed(graph, language, DCTERMS.LinguisticSystem))
    if kind := said(record, "serviceType"):
        say(
            GEODCAT.serviceType,
            _typed(graph, URIRef(f"{INSPIRE}SpatialDataServiceType/{quote(kind)}"), SKOS.Concept),
        )
    for item in record.external_ids:
        other = _typed(graph, graph.blank(), ADMS.Identifier)
        say(ADMS.identifier, other)
        graph.add((other, SKOS.notation, Text(item.value)))
        if item.scheme:
            graph.add((other, ADMS.schemaAgency, Text(item.scheme)))


def _add_resolutions(
    graph: NumberedGraph, subject: URIRef, items: Iterable[Mapping[str, Any]]
) -> None:
    """Add the distance in metres, which DCAT-AP wants alone, and as measurements the other
    distances and the scales.
    """
    factors = {"m": 1, "km": 1000, "cm": 0.01}
    metres = [
        item["distance"] * factors[unit]
        for item in items
        if "scale" not in item and (unit := str(item.get("unit", "m"))) in factors
    ]
    for distance in metres[:1]:
        graph.add(
            (subject, DCAT.spatialResolutionInMeters, Text(str(distance), datatype=XSD.decimal))
        )
    measures = [(GEODCAT.spatialResolutionAsDistance, distance) for distance in metres[1:]]
    measures += [
        (GEODCAT.spatialResolutionAsScale, 1 / item["scale"]) for item in items if "scale" in item
    ]
    for metric, number in measures:
        measure = _typed(graph, graph.blank(), DQV.QualityMeasurement)
        graph.add((subject, DQV.hasQualityMeasurement, measure))
        graph.add((measure, DQV.isMeasurementOf, _typed(graph, metric, DQV.Metric)))
        graph.add((measure, DQV.value, Text(number)))


def _add_catalogue_record(graph: NumberedGraph, subject: URIRef, record: Record) -> None:
    """Add what is about the record itself: its dates, language and contacts."""
    contacts = [contact for contact in record.contacts if contact.extra.get("about") == "metadata"]
    language = (said(record, "language") or {}).get("code", "")
    if not (record.updated or record.created or contacts or language):
        return
    node = graph.blank()
    if (
        modified := record.updated or record.created
    ):  # DCAT-AP wants a date of any dcat:CatalogRecord
        _typed(graph, node, DCAT.CatalogRecord)
        graph.add((node, DCTERMS.modified, _date(modified)))
    graph.add((subject, FOAF.isPrimaryTopicOf, node))
    graph.add((node, FOAF.primaryTopic, subject))
    graph.add((node, DCTERMS.identifier, Text(record.id)))
    if record.created:
        graph.add((node, DCTERMS.issued, _date(record.created)))
    if language:
        address = URIRef(LANGUAGE + quote(codes.language_eu(language)))
        graph.add((node, DCTERMS.language, _typed(graph, address, DCTERMS.LinguisticSystem)))
    for contact in contacts:
        graph.add((node, DCAT.contactPoint, agent_of(graph, contact, _VCARD)))
