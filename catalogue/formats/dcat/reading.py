"""Datasets, series and services of a DCAT graph read into records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import unquote

from rdflib import BNode, Graph, URIRef
from rdflib import Literal as Text
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS
from rdflib.term import Node

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.dcat.rdf import (
    ADMS,
    AGENTS,
    BASE,
    CLASSES,
    DATES,
    DCAT,
    DQV,
    GEODCAT,
    GSP,
    LOCN,
    LOCN_ADDRESS,
    NOTHING,
    ORG,
    RELATIVE,
    SCHEMA,
    VCARD,
    VCARD_ADDRESS,
    tail,
)
from geoguichet.catalogue.formats.mapping import (
    INSPIRE_THEME,
    TOPIC_CATEGORY,
    Conformity,
    Distributed,
    Maintenance,
    Members,
    Place,
    Resolution,
    Unreadable,
    describe,
    filled,
    made_identifier,
    time_of,
)
from geoguichet.catalogue.formats.xml import parse
from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    Extent,
    ExternalId,
    Link,
    Record,
    Theme,
    Time,
)


def subjects_of(graph: Graph) -> list[Node]:
    """Return what the graph describes, in a stable order; services named only inside a distribution
    are left there.
    """
    found: dict[Node, str] = {}
    inside = set(graph.objects(None, DCAT.accessService))
    for kind in (DCAT.Dataset, DCAT.DatasetSeries, DCAT.DataService):
        for subject in graph.subjects(RDF.type, kind):
            titles = {str(title) for title in graph.objects(subject, DCTERMS.title)} - {NOTHING}
            described = titles or (subject, DCTERMS.identifier, None) in graph
            if described and not (kind == DCAT.DataService and subject in inside):
                found[subject] = str(graph.value(subject, DCTERMS.identifier) or subject)
    return sorted(
        found, key=lambda subject: (found[subject], str(graph.value(subject, DCTERMS.title)))
    )


class _About:
    """What a graph says about one subject, in a stable order."""

    def __init__(self, graph: Graph, subject: Node) -> None:
        self.graph, self.subject = graph, subject

    def nodes(self, term: URIRef) -> list[Node]:
        """Return the objects of a property."""
        return sorted(
            self.graph.objects(self.subject, term),
            key=lambda node: (isinstance(node, BNode), self._key(node)),
        )

    def _key(self, node: Node) -> str:
        if not isinstance(node, BNode):
            return str(node)
        return "|".join(
            sorted(
                f"{term} {value}"
                for term, value in self.graph.predicate_objects(node)
                if not isinstance(value, BNode)
            )
        )

    def texts(self, term: URIRef) -> list[str]:
        """Return the objects of a property as texts, trimmed."""
        return [
            text
            for node in self.nodes(term)
            if not isinstance(node, BNode) and (text := str(node).strip())
        ]

    def text(self, *terms: URIRef) -> str:
        """Return the first text of the first property that has one."""
        return next((text for term in terms for text in self.texts(term)), "")

    def all(self, term: URIRef) -> list[_About]:
        """Return the objects of a property as subjects in their turn."""
        return [_About(self.graph, node) for node in self.nodes(term)]


def read_subject(graph: Graph, subject: Node) -> Record:
    """Read what a graph describes."""
    about = _About(graph, subject)
    record = graph.value(subject, FOAF.isPrimaryTopicOf) or graph.value(
        None, FOAF.primaryTopic, subject
    )
    described = _About(graph, record) if record is not None else None
    identifier = (described.text(DCTERMS.identifier) if described else "") or about.text(
        DCTERMS.identifier
    )
    identifier = identifier or ("" if isinstance(subject, BNode) else str(subject))
    links, formats = _links(about)
    members: Members = {
        "type": _type(about),
        "alternateTitles": about.texts(DCTERMS.alternative),
        "contacts": tuple(_contacts(about, described)),
        "time": _time(about),
        "dates": [
            {"date": date, "type": kind}
            for kind, term in DATES.items()
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
            {"code": code}
            for code in dict.fromkeys(map(codes.language, about.texts(DCTERMS.language)))
        ],
        "serviceType": about.text(GEODCAT.serviceType).rpartition("/")[2],
        "externalIds": tuple(_external_ids(about, identifier)),
    }
    if described:
        language = described.text(DCTERMS.language)
        members["language"] = {"code": codes.language(language)} if language else {}
        members["updated"] = codes.timestamp(described.text(DCTERMS.modified))
        members["created"] = codes.timestamp(described.text(DCTERMS.issued))
    members |= (
        _spatial(about)
        | _rights(about)
        | _standards(about)
        | _titles(about, members.get("language", {}).get("code", "fr"))
    )
    members["id"] = identifier or made_identifier(members)
    return describe(members)


def _titles(about: _About, language: str) -> Members:
    """Return title and description: in the language of the record, French or none first; others
    translate it.
    """
    said_so: dict[str, str] = {}
    others: dict[str, dict[str, str]] = {}
    for member, term in (("title", DCTERMS.title), ("description", DCTERMS.description)):
        texts = [
            node for node in about.nodes(term) if isinstance(node, Text) and str(node).strip(" —")
        ]
        texts.sort(
            key=lambda text: (
                text.language != language,
                text.language not in ("fr", None),
                str(text),
            )
        )
        if texts:
            said_so[member] = str(texts[0]).strip()
        for text in texts[1:]:
            if text.language and text.language != texts[0].language:
                others.setdefault(text.language, {})[member] = str(text).strip()
    return cast(Members, said_so | {"translations": others})


def _type(about: _About) -> str:
    types = set(about.nodes(RDF.type))
    for kind, term in CLASSES.items():
        if term in types:
            return kind
    said_type = [
        text
        for term in (GEODCAT.resourceType, DCTERMS.type)
        for text in about.texts(term)
        if "ResourceType/" in text
    ]
    return said_type[0].rpartition("/")[2] if said_type else "dataset"


def _identifier_of(about: _About, term: URIRef) -> str:
    for other in about.all(term):
        address = "" if isinstance(other.subject, BNode) else str(other.subject)
        ours = unquote(address.removeprefix(BASE)) if address.startswith(BASE) else address
        return other.text(DCTERMS.identifier) or ours
    return ""


def _external_ids(about: _About, identifier: str) -> Iterator[ExternalId]:
    for other in about.all(ADMS.identifier):
        value = other.text(SKOS.notation) or (
            "" if isinstance(other.subject, BNode) else str(other.subject)
        )
        if value:
            yield ExternalId(value, other.text(DCTERMS.creator, ADMS.schemaAgency))
    for text in about.texts(DCTERMS.identifier):
        if text != identifier:
            yield ExternalId(text)


def _contacts(about: _About, described: _About | None) -> Iterator[Contact]:
    """Yield who answers for the resource, then for its record."""
    for kind in about.all(DCAT.contactPoint):
        yield from _contact(kind, "pointOfContact")
    for role, term in AGENTS.items():
        for agent in about.all(term):
            yield from _contact(agent, role)
    for attribution in about.all(PROV.qualifiedAttribution):
        role = attribution.text(DCAT.hadRole).rpartition("/")[2]
        for agent in attribution.all(PROV.agent):
            yield from _contact(agent, role)
    for kind in described.all(DCAT.contactPoint) if described else ():
        yield from _contact(kind, "pointOfContact", about="metadata")


def _contact(agent: _About, role: str, **extra: str) -> Iterator[Contact]:
    organization = _organization(agent)
    named = isinstance(agent.subject, URIRef) and str(agent.subject).startswith(
        ("http://", "https://")
    )
    identifier = agent.text(DCTERMS.identifier) or (str(agent.subject) if named else "")
    label = agent.text(VCARD.fn, FOAF.name, RDFS.label, SKOS.prefLabel).removeprefix(NOTHING)
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
    pages = [
        text
        for term in (VCARD.hasURL, FOAF.homepage, FOAF.workplaceHomepage, FOAF.page)
        for text in agent.texts(term)
    ]
    contact = Contact(
        organization=organization if person else organization or label,
        name=label if person else "",
        position=agent.text(VCARD.role, VCARD.title),
        roles=(role,) if role else (),
        emails=tuple(
            ContactPoint(text.removeprefix("mailto:")) for text in dict.fromkeys(emails) if text
        ),
        phones=tuple(
            ContactPoint(text.removeprefix("tel:")) for text in dict.fromkeys(phones) if text
        ),
        links=tuple(Link(text, "related") for text in dict.fromkeys(pages)),
        extra=({"identifier": identifier} if identifier else {}) | _addresses(agent) | extra,
    )
    if contact.organization or contact.name or contact.emails:
        yield contact
    elif isinstance(agent.subject, URIRef | Text):
        yield Contact(organization=str(agent.subject), roles=contact.roles, extra=contact.extra)


def _organization(agent: _About) -> str:
    """Return the name of the organization of a person; GeoNetwork spells the term of vCard in its
    own way.
    """
    names = [
        agent.text(VCARD["organization-name"]),
        *(
            held.text(VCARD["organization-name"], VCARD["organisation-name"])
            for held in agent.all(VCARD.org)
        ),
        *(held.text(FOAF.name) for held in agent.all(ORG.memberOf)),
    ]
    return next(filter(None, names), "")


def _addresses(agent: _About) -> dict[str, Any]:
    """Return the postal addresses of a contact, as its ``addresses``; nothing when it has none."""
    found = []
    for place, terms in ((VCARD.hasAddress, VCARD_ADDRESS), (LOCN.address, LOCN_ADDRESS)):
        for held in agent.all(place):
            said = {name: held.text(term) for name, term in terms.items()}
            found.append(
                {
                    name: [text] if name == "deliveryPoint" else text
                    for name, text in said.items()
                    if text
                }
            )
    return {"addresses": kept} if (kept := list(filter(None, found))) else {}


def _spatial(about: _About) -> Members:
    """Return the geometry and the named places, with what of them cannot be read."""
    pieces: list[dict[str, Any]] = []
    places: list[Place] = []
    unreadable: list[Unreadable] = []
    for place in about.all(DCTERMS.spatial):
        literals = [
            node
            for term in (DCAT.bbox, LOCN.geometry, DCAT.centroid)
            for node in (
                *place.nodes(term),
                *(held for shape in place.all(term) for held in shape.nodes(GSP.asWKT)),
            )
            if isinstance(node, Text)
        ]
        shapes = [shape for node in literals if (shape := _shape(node, unreadable))]
        pieces += [dict(part) for shape in shapes[:1] for part in geometries.simple(shape)]
        label = place.text(SKOS.prefLabel, RDFS.label, LOCN.geographicName)
        address = str(place.subject) if isinstance(place.subject, URIRef | Text) else ""
        if (label or address) and not address.startswith(BASE):
            places.append(filled(Place(code=label or address, href=address if label else "")))
    unique = [piece for at, piece in enumerate(pieces) if piece not in pieces[:at]]
    return {"geometry": geometries.gathered(unique), "places": places, "unreadable": unreadable}


def _shape(literal: Text, unreadable: list[Unreadable]) -> dict[str, Any] | None:
    """Read a geometry written as WKT, GeoJSON or a GML envelope."""
    text = str(literal).strip()
    geometry: dict[str, Any] | None
    try:
        if text.startswith("{"):
            geometry = geometries.checked(json.loads(text))
        elif (
            text.startswith("<") and "gml" in text.lower() and not text.lower().startswith("<http")
        ):
            geometry = _envelope(text)
        else:
            geometry = geometries.from_wkt(text)
            geometry = geometry and geometries.checked(geometry)
    except (ValueError, RecordError, KeyError, TypeError) as error:
        unreadable.append(
            {"member": "geometry", "path": "dct:spatial", "text": text[:200], "reason": str(error)}
        )
        return None
    return geometry


def _envelope(text: str) -> dict[str, Any] | None:
    root = parse(text.replace("<gml:", "<").replace("</gml:", "</").encode())
    corners = [
        [float(part) for part in (node.text or "").split()[:2]]
        for node in root.iter("lowerCorner", "upperCorner")
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
    return time_of(periods)


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
            known = "" if identifier != label and label == tail(identifier) else label
            groups.setdefault(scheme, []).append(Concept(identifier, known))
    for scheme, concepts in groups.items():
        title = titles.get(scheme, "")
        yield Theme(tuple(concepts), scheme, {"title": title} if title else {})
    topics = [
        tail(text)
        for term in (GEODCAT.topicCategory, DCTERMS.subject)
        for text in about.texts(term)
        if "TopicCategory/" in text
    ]
    if topics:
        yield Theme(tuple(Concept(code) for code in dict.fromkeys(topics)), TOPIC_CATEGORY)


def _rights(about: _About) -> Members:
    holders = [about, *about.all(DCAT.distribution)]
    licences = [
        text
        for holder in holders
        for text in [*holder.texts(DCTERMS.license), *_labels(holder, DCTERMS.license)]
    ]
    rights = [
        text
        for holder in holders
        for term in (DCTERMS.rights, DCTERMS.accessRights)
        for text in _labels(holder, term)
    ]
    known = next((spdx for text in [*licences, *rights] if (spdx := codes.licence(text))), "")
    words = [*rights, *(text for text in licences if not codes.licence(text))]
    return {
        "license": known or ("other" if licences else ""),
        "rights": "\n".join(dict.fromkeys(words)),
    }


def _labels(about: _About, term: URIRef) -> list[str]:
    """Return the texts of a property: of its literals, or of the labels of its objects, or their
    addresses.
    """
    found = []
    for other in about.all(term):
        label = other.text(RDFS.label, DCTERMS.description, DCTERMS.title, SKOS.prefLabel)
        found.append(
            label or ("" if isinstance(other.subject, BNode) else str(other.subject).strip())
        )
    return [text for text in found if text]


def _links(about: _About) -> tuple[list[Link], list[Distributed]]:
    """Return the links and the formats of the distributions, endpoints and pages."""
    links: list[Link] = []
    formats: list[Distributed] = []
    for part in about.all(DCAT.distribution):
        if link := _distribution(part):
            links.append(link)
        label = (_labels(part, DCTERMS["format"]) or [""])[0].rpartition("/")[2]
        if label and {"name": label} not in formats:
            formats.append({"name": label})
    endpoints = [href for href in about.texts(DCAT.endpointURL) if href != str(about.subject)]
    links += [
        Link(_href(href), "service", extra={"operation": "GetCapabilities"}) for href in endpoints
    ]
    for term, rel in (
        (DCAT.landingPage, "about"),
        (FOAF.page, "about"),
        (FOAF.depiction, "preview"),
    ):
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
        extra["protocol"] = extra["protocol"] or service.text(
            GEODCAT.serviceProtocol, DCTERMS.conformsTo
        )
    extra = {name: text for name, text in extra.items() if text}
    kind = (part.text(DCAT.mediaType) or next(iter(_labels(part, DCAT.mediaType)), "")).partition(
        "media-types/"
    )
    relation = "enclosure" if download else codes.relation(extra)
    return Link(
        _href(href),
        relation,
        kind[2] or (kind[0] if "/" in kind[0] and ":" not in kind[0] else ""),
        part.text(DCTERMS.title),
        extra=extra,
    )


def _resolutions(about: _About) -> Iterator[Resolution]:
    for text in about.texts(DCAT.spatialResolutionInMeters):
        if number := codes.number(text):
            yield {"distance": number, "unit": "m"}
    for measure in about.all(DQV.hasQualityMeasurement):
        number = codes.number(measure.text(DQV.value))
        metric = measure.text(DQV.isMeasurementOf)
        if number and metric == str(GEODCAT.spatialResolutionAsScale):
            yield {"scale": round(1 / number)}
        elif number and metric == str(GEODCAT.spatialResolutionAsDistance):
            yield {"distance": number, "unit": "m"}


def _maintenance(about: _About) -> Maintenance:
    text = about.text(DCTERMS.accrualPeriodicity)
    code = codes.frequency(text) if text else ""
    return {"frequency": code} if code else {}


def _standards(about: _About) -> Members:
    systems = [codes.crs(text) for text in about.texts(GEODCAT.referenceSystem)]
    conformity: list[Conformity] = []
    for standard in about.all(DCTERMS.conformsTo):
        address = "" if isinstance(standard.subject, BNode) else str(standard.subject)
        if codes.crs(address).startswith("EPSG:"):
            systems.append(codes.crs(address))
            continue
        title = standard.text(DCTERMS.title, RDFS.label, SKOS.prefLabel)
        if title or address:
            date = codes.moment(standard.text(DCTERMS.issued))
            dated = Conformity(date=date, dateType="publication") if date else Conformity()
            passed: Conformity = {"pass": True}
            conformity.append(filled(Conformity(title=title, href=address)) | dated | passed)
    return {"crs": list(dict.fromkeys(systems)), "conformity": conformity}


def _href(text: str) -> str:
    """Return the link that an address stands for."""
    return unquote(text.removeprefix(RELATIVE)) if text.startswith(RELATIVE) else text
