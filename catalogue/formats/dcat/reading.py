"""Datasets, series and services of a DCAT graph read into records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from rdflib import BNode, Graph, URIRef
from rdflib import Literal as Text
from rdflib.namespace import DCTERMS, FOAF, RDF
from rdflib.term import Node

from geoguichet.catalogue.errors import FormatError, RecordError
from geoguichet.catalogue.formats import codes, coordinates, licences, links
from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.dcat.rdf import (
    BASE,
    CLASSES,
    DCAT,
    GEODCAT,
    GEODCAT_ROLES,
    HVD,
    HVD_CATEGORIES,
    LOCN_ADDRESS,
    NOTHING,
    NOWHERE,
    RELATIVE,
    VCARD,
    VCARD_ADDRESS,
    tail,
    term,
)
from geoguichet.catalogue.formats.mapping import (
    INSPIRE_THEME,
    Conformity,
    Distributed,
    Mapped,
    Part,
    Place,
    Reader,
    Resolution,
    filled,
    time_of,
)
from geoguichet.catalogue.formats.xml import parse
from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    ExternalId,
    Link,
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


#: What goes to the record of a resource, which speaks of itself.
_RECORD = "foaf:isPrimaryTopicOf"


class _About(Part):
    """A node of a graph: a term by its name (``dct:title``) goes to what the graph says of the node,
    in a stable order, the texts in the language of the record first; its record is one, said either
    way.
    """

    __slots__ = ("graph", "language")
    separator = "/"
    graph: Graph
    #: That of the record, which each of its texts is wanted in.
    language: str

    def _child(self, node: Node, where: str) -> _About:
        child = _About(node, where, self.refused)
        child.graph, child.language = self.graph, self.language
        return child

    def _said(self, node: Node) -> str:
        return "" if isinstance(node, BNode) else str(node).strip().removeprefix(NOWHERE)

    def _to(self, node: Node, name: str) -> list[Node]:
        found = list(self.graph.objects(node, term(name)))
        if name == _RECORD and not found:
            found = list(self.graph.subjects(FOAF.primaryTopic, node))
        found.sort(key=lambda node: (isinstance(node, BNode), self.foreign(node), self._key(node)))
        return found[:1] if name == _RECORD else found

    def foreign(self, node: Node) -> int:
        """Return how far a node is from the language of the record: 0 is in it, 1 in French or in
        none that is said, 2 in English, 3 in another.
        """
        told = node.language.partition("-")[0] if isinstance(node, Text) and node.language else ""
        near = {"": 1, "fr": 1, "en": 2, self.language: 0}
        return near.get(told, 3)

    def _key(self, node: Node) -> str:
        if not isinstance(node, BNode):
            return str(node)
        return "|".join(
            sorted(
                f"{term} {value}"
                for term, value in self.graph.predicate_objects(node)
                if not isinstance(value, BNode) and term != DCTERMS.format
            )
        )


def part_of(graph: Graph, subject: Node) -> Part:
    """Return what a graph describes as a part that `MAPPING` reads."""
    about = _About(subject)
    about.graph, about.language = graph, "fr"
    about.language = codes.language(about.text(f"{_RECORD}/dct:language")) or "fr"
    return about


#: Where a node has its words: of its label, else those that it is.
_LABEL = "rdfs:label, dct:description, dct:title, skos:prefLabel, "


# Return the words of each thing that a path leads to; of texts in several languages, those in the
# one nearest to the record's.
def _labels(part: Part, path: str) -> list[str]:
    items = part.at(path)
    nearest = min((_foreign(item) for item in items if isinstance(item.node, Text)), default=0)
    return [
        text
        for item in items
        if not isinstance(item.node, Text) or _foreign(item) == nearest
        if (text := item.text(_LABEL))
    ]


def _foreign(part: Part) -> int:
    return part.foreign(part.node) if isinstance(part, _About) else 0


# --- what it is -----------------------------------------------------------------------------------

_IDENTIFIER = f"{_RECORD}/dct:identifier, dct:identifier, "


def _type(part: Part, path: str) -> str:
    types = {item.node for item in part.at(path)}
    return next((kind for kind, term in CLASSES.items() if term in types), "")


# Make a reader of the last part of the first address that has something in it.
def _last(within: str) -> Reader:
    return lambda part, path: next(
        (text.rpartition("/")[2] for text in part.texts(path) if within in text), ""
    )


# Return a text in every language it is said in, that of the record first.
def _words(part: Part, path: str) -> list[Text]:
    return [
        item.node
        for item in part.at(path)
        if isinstance(item.node, Text) and item.said().strip(NOTHING)
    ]


def _main_text(part: Part, path: str) -> str:
    return next((str(text).strip() for text in _words(part, path)), "")


#: Where the texts that are kept in other languages stand.
_TRANSLATED = {
    "title": "dct:title",
    "description": "dct:description",
    "lineage": "dct:provenance/rdfs:label + dct:provenance/dct:description + dct:provenance",
}


def _translations(part: Part, _path: str) -> dict[str, dict[str, str]]:
    others: dict[str, dict[str, str]] = {}
    for member, path in _TRANSLATED.items():
        texts = _words(part, path)
        for text in texts[1:]:
            if text.language and text.language != texts[0].language:
                others.setdefault(text.language, {}).setdefault(member, str(text).strip())
    return others


def _parent(part: Part, path: str) -> str:
    for item in part.at(path):
        address = item.said()
        ours = unquote(address.removeprefix(BASE)) if address.startswith(BASE) else address
        return item.text("dct:identifier") or ours
    return ""


def _other_identifiers(part: Part, path: str) -> tuple[ExternalId, ...]:
    own = part.text(_IDENTIFIER)
    return tuple(ExternalId(text) for text in part.texts(path) if text != own)


# Return one theme per scheme of concepts.
def _themes(part: Part, path: str) -> tuple[Theme, ...]:
    groups: dict[str, dict[str, Concept]] = {}
    titles: dict[str, str] = {}
    for concept in part.at(path):
        label = concept.text("skos:prefLabel, rdfs:label")
        identifier = concept.said() or label
        scheme = concept.text("skos:inScheme")
        for holder in concept.at("skos:inScheme"):
            titles[scheme] = holder.text("dct:title, rdfs:label, skos:prefLabel")
        if codes.inspire_theme(identifier):
            scheme = INSPIRE_THEME
        elif identifier.startswith(HVD):
            scheme = HVD_CATEGORIES
        elif not scheme and identifier.startswith("http"):
            scheme = identifier.rpartition("/")[0]
        if identifier:
            known = "" if identifier != label and label == tail(identifier) else label
            groups.setdefault(scheme, {})[identifier] = Concept(identifier, known)
    return tuple(
        Theme(tuple(concepts.values()), scheme, filled({"title": titles.get(scheme, "")}))
        for scheme, concepts in groups.items()
    )


# --- who ------------------------------------------------------------------------------------------


def _agents(role: str, **extra: str) -> Reader:
    return lambda part, path: tuple(
        contact for agent in part.at(path) for contact in _contact(agent, role, **extra)
    )


# Read who has another role, by the property that GeoDCAT-AP 3 has for it or by an attribution: of
# what is said both ways, once.
def _attributed(part: Part, path: str) -> tuple[Contact, ...]:
    found = [
        contact
        for attribution in part.at(path)
        for agent in attribution.at("prov:agent")
        for contact in _contact(agent, attribution.text("dcat:hadRole").rpartition("/")[2])
    ]
    for role in GEODCAT_ROLES:
        for agent in part.at(f"geodcatap:{role}"):
            found += [contact for contact in _contact(agent, role) if contact not in found]
    return tuple(found)


_ORGANIZATION = ", ".join(
    (
        "vcard:organization-name",
        "vcard:org/vcard:organization-name",
        "vcard:org/vcard:organisation-name",  # as GeoNetwork spells it
        "org:memberOf/foaf:name",
    )
)


_PEOPLE = frozenset(map(str, (FOAF.Person, VCARD.Individual)))


def _contact(agent: Part, role: str, **extra: str) -> Iterator[Contact]:
    organization, types = agent.text(_ORGANIZATION), agent.texts("rdf:type")
    named = isinstance(agent.node, URIRef) and agent.said().startswith(("http://", "https://"))
    identifier = agent.text("dct:identifier") or (agent.said() if named else "")
    label = agent.text("vcard:fn, foaf:name, rdfs:label, skos:prefLabel").removeprefix(NOTHING)
    person = not _PEOPLE.isdisjoint(types) or (organization and label != organization)
    pages = agent.texts("vcard:hasURL + foaf:homepage + foaf:workplaceHomepage + foaf:page")
    contact = Contact(
        organization=organization if person else organization or label,
        name=label if person else "",
        position=agent.text("vcard:role, vcard:title"),
        roles=(role,) if role else (),
        emails=_points(
            agent, "vcard:hasEmail + foaf:mbox + vcard:hasEmail/vcard:hasValue", "mailto:"
        ),
        phones=_points(
            agent, "vcard:hasTelephone + foaf:phone + vcard:hasTelephone/vcard:hasValue", "tel:"
        ),
        links=tuple(Link(text, "related") for text in dict.fromkeys(pages)),
        extra=filled({"identifier": identifier, "addresses": _addresses(agent)}) | extra,
    )
    if contact.organization or contact.name or contact.emails:
        yield contact
    elif agent.said():
        yield Contact(organization=agent.said(), roles=contact.roles, extra=contact.extra)


def _points(agent: Part, path: str, scheme: str) -> tuple[ContactPoint, ...]:
    texts = dict.fromkeys(agent.texts(path))
    return tuple(ContactPoint(text.removeprefix(scheme)) for text in texts)


def _addresses(agent: Part) -> list[dict[str, Any]]:
    found = []
    for place, terms in (("vcard:hasAddress", VCARD_ADDRESS), ("locn:address", LOCN_ADDRESS)):
        for held in agent.at(place):
            told: dict[str, Any] = {name: held.text(way) for name, way in terms.items()}
            line = told["deliveryPoint"]
            found.append(filled(told | {"deliveryPoint": [line] if line else []}))
    return list(filter(None, found))


# --- where and when -------------------------------------------------------------------------------

_SHAPES = " + ".join(
    f"{term}{held}"
    for term in ("locn:geometry", "dcat:bbox", "dcat:centroid")
    for held in ("", "/gsp:asWKT")
)


# Return the shapes of the places; of several writings of one, the first that can be read.
def _geometry(part: Part, path: str) -> dict[str, Any] | None:
    pieces: list[dict[str, Any]] = []
    for place in part.at(path):
        literals = [item.said() for item in place.at(_SHAPES) if isinstance(item.node, Text)]
        shape = next(filter(None, (_shape(place, text) for text in literals)), None)
        pieces += map(dict, codes.simple(shape) if shape else ())
    return codes.gathered([piece for at, piece in enumerate(pieces) if piece not in pieces[:at]])


def _places(part: Part, path: str) -> list[Place]:
    found = []
    for place in part.at(path):
        label, address = place.text("skos:prefLabel, rdfs:label, locn:geographicName"), place.said()
        if (label or address) and not address.startswith(BASE):
            found.append(filled(Place(code=label or address, href=address if label else "")))
    return found


# Read a geometry written as WKT, GeoJSON or GML.
def _shape(place: Part, text: str) -> dict[str, Any] | None:
    start = text[:5].lower()
    try:
        if text.startswith("<") and start not in ("<http", "<urn:"):
            return _gml(text)
        shape = json.loads(text) if start.startswith("{") else coordinates.from_wkt(text)
        return shape and codes.checked(shape)
    except (ValueError, RecordError, FormatError, KeyError, TypeError) as error:
        place.refuse(text, str(error))
        return None


_GML = 'xmlns:gml="http://www.opengis.net/gml/3.2"'


def _gml(text: str) -> dict[str, Any] | None:
    body = text.partition("?>")[2] if text.startswith("<?") else text
    root = parse(f"<shape {_GML}>{body}</shape>".encode())
    return codes.gathered(
        [
            piece
            for shape in coordinates.shapes_of(root)
            for piece in map(dict, codes.simple(coordinates.from_gml(shape)))
        ]
    )


#: Where an end of a period stands: DCAT, schema.org, OWL-Time (an instant, in any of its forms).
_ENDS = tuple(
    ", ".join(
        (
            f"dcat:{side}Date",
            f"schema:{side}Date",
            *(
                f"time:{bound}/time:{form}"
                for form in (
                    *("inXSDDate", "inXSDDateTimeStamp", "inXSDDateTime"),
                    *("inXSDgYearMonth", "inXSDgYear", "inDateTime/time:year"),
                )
            ),
            f"time:{bound}",
        )
    )
    for side, bound in (("start", "hasBeginning"), ("end", "hasEnd"))
)
_DCMI_PERIOD = re.compile(r"\b(start|end)\s*=\s*([^;]+)")


def _time(part: Part, path: str) -> Time | None:
    periods = []
    for item in part.at(path):
        ends = [item.text(end) for end in _ENDS]
        if isinstance(item.node, Text):
            named = dict(_DCMI_PERIOD.findall(item.said()))
            start, _, end = item.said().partition("/")
            ends = [start, end or start]
            if named:
                ends = [named.get("start", ""), named.get("end", "")]
        periods.append(to.period(item, *ends))
    return time_of(periods)


# --- how to use it --------------------------------------------------------------------------------


# Return the words of the rights, and of the licences that are none that is known, or not the one.
def _rights(part: Part, path: str) -> str:
    rights = [
        text for holder in (part, *part.at("dcat:distribution")) for text in _labels(holder, path)
    ]
    named = _licences(part, "dct:license")
    one = len({spdx for text in named if (spdx := licences.exact(text))}) == 1
    rights += (text for text in named if not (one and licences.exact(text)))
    return "\n".join(dict.fromkeys(rights))


def _licences(part: Part, path: str) -> list[str]:
    return [
        text
        for holder in (part, *part.at("dcat:distribution"))
        for item in holder.at(path)
        for text in dict.fromkeys([item.said(), item.text(_LABEL)])
        if text
    ]


# Return the addresses of the licences that are none of the lists.
def _licence_pages(part: Part, path: str) -> tuple[Link, ...]:
    pages = [page for holder in (part, *part.at("dcat:distribution")) for page in holder.at(path)]
    titles = {
        page.said(): page.text("rdfs:label, dct:title")
        for page in pages
        if isinstance(page.node, URIRef)
        if not any(map(licences.exact, (page.said(), page.text(_LABEL))))
    }
    return tuple(Link(_href(place), "license", title=title) for place, title in titles.items())


def _licence(part: Part, path: str) -> str:
    named = _licences(part, path)
    found = licences.licence_of(named) or licences.licence_of(_rights(part, _RIGHTS).split("\n"))
    return found or ("other" if named else "")


_RIGHTS = "dct:rights + dct:accessRights"


# Return the link that an address stands for.
def _href(text: str) -> str:
    return unquote(text.removeprefix(RELATIVE)) if text.startswith(RELATIVE) else text


# Yield the files of a distribution, then its page or service when that is at another address.
def _distribution(part: Part) -> Iterator[Link]:
    files, pages = part.texts("dcat:downloadURL"), part.texts("dcat:accessURL")
    protocol = next(iter(_labels(part, "dct:conformsTo")), "") or part.text(
        "dcat:accessService/geodcatap:serviceProtocol, dcat:accessService/dct:conformsTo"
    )
    for href in files + pages:
        if ":" not in href.partition("/")[0]:
            part.refuse(href, "adresse relative, dans un document dont l'adresse n'est pas connue")
    title = part.text("dct:title")
    extra = filled({"description": part.text("dct:description"), "protocol": protocol})
    media = part.text("dcat:mediaType") or next(iter(_labels(part, "dcat:mediaType")), "")
    named, _, kind = media.partition("media-types/")
    kind = kind or (named if "/" in named and ":" not in named else "")
    yield from (
        _of_format(Link(_href(href), "enclosure", kind, title, extra=extra), part) for href in files
    )
    others = [href for href in pages if href not in files]
    kind = "" if files else kind
    relation = codes.relation(extra)
    pages_told = (Link(_href(href), relation, kind, title, extra=extra) for href in others)
    yield from pages_told if files else (_of_format(link, part) for link in pages_told)


# Return a link with the format that its distribution says, where the link does not tell it.
def _of_format(link: Link, part: Part) -> Link:
    said = next(iter(_labels(part, "dct:format")), "").rpartition("/")[2]
    known = links.kind_of(link)
    if not said or (known and known.name.lower() == said.lower()):
        return link
    return replace(link, extra={**link.extra, "format": said})


def _endpoints(part: Part, path: str) -> tuple[Link, ...]:
    return tuple(
        Link(_href(href), "service", extra={"operation": "GetCapabilities"})
        for href in part.texts(path)
        if href != part.said()
    )


def _pages(relation: str) -> Reader:
    return lambda part, path: tuple(
        Link(_href(page.said()), relation, title=page.text("dct:title"))
        for page in part.at(path)
        if page.said()
    )


def _formats(part: Part, path: str) -> list[Distributed]:
    labels = (next(iter(_labels(item, path)), "") for item in part.at("dcat:distribution"))
    names = (label.rpartition("/")[2] for label in labels)
    return [{"name": name} for name in dict.fromkeys(names) if name]


def _measured(part: Part, path: str) -> list[Resolution]:
    found: list[Resolution] = []
    for measure in part.at(path):
        number, metric = (
            codes.number(measure.text("dqv:value")),
            measure.text("dqv:isMeasurementOf"),
        )
        if number and metric == str(GEODCAT.spatialResolutionAsScale):
            found.append({"scale": round(1 / number)})
        elif number and metric == str(GEODCAT.spatialResolutionAsDistance):
            found.append({"distance": number, "unit": "m"})
    return found


def _systems(part: Part, path: str) -> list[str]:
    conform = (codes.crs(text) for text in part.texts("dct:conformsTo"))
    told = [*to.systems(part, path), *(code for code in conform if code.startswith("EPSG:"))]
    return list(dict.fromkeys(told))


def _conformity(part: Part, path: str) -> list[Conformity]:
    found: list[Conformity] = []
    for standard in part.at(path):
        title, address = standard.text("dct:title, rdfs:label, skos:prefLabel"), standard.said()
        if (title or address) and not codes.crs(address).startswith("EPSG:"):
            date = codes.moment(standard.text("dct:issued"))
            dated = Conformity(date=date, dateType="publication") if date else Conformity()
            passed: Conformity = {"pass": True}
            found.append(filled(Conformity(title=title, href=address)) | dated | passed)
    return found


_DASH = "a dash where the record says none: DCAT-AP wants one; it is not read back"
MAPPING = (
    Mapped("id", _IDENTIFIER, note="that of the dcat:CatalogRecord when there is one"),
    Mapped(
        "type",
        "rdf:type",
        note="dcat:Dataset, dcat:DatasetSeries, dcat:DataService; dct:type when it says more",
        read=_type,
    ),
    Mapped("type", "geodcatap:resourceType + dct:type", "in", read=_last("ResourceType/")),
    Mapped("type", "", "in", "else dataset", to.always("dataset")),
    Mapped("alternateTitles", "dct:alternative", read=to.texts),
    Mapped(
        "contacts",
        "dcat:contactPoint",
        note="pointOfContact; with vcard:hasAddress",
        read=_agents("pointOfContact"),
    ),
    Mapped(
        "contacts",
        "dct:publisher",
        note="with locn:address, as every agent",
        read=_agents("publisher"),
    ),
    Mapped("contacts", "dct:creator", note="author", read=_agents("author")),
    Mapped("contacts", "dct:rightsHolder", note="owner", read=_agents("owner")),
    Mapped(
        "contacts",
        "prov:qualifiedAttribution",
        note="every other role; by geodcatap:custodian and its like too",
        read=_attributed,
    ),
    Mapped(
        "contacts.metadata",
        f"{_RECORD}/dcat:contactPoint",
        read=_agents("pointOfContact", about="metadata"),
    ),
    Mapped("time", "dct:temporal", read=_time),
    Mapped("dates", "dct:issued", note="publication", read=to.dates("publication")),
    Mapped("dates", "dct:modified", note="revision", read=to.dates("revision")),
    Mapped("dates", "dct:created", note="creation", read=to.dates("creation")),
    Mapped("keywords", "dcat:keyword", note="French first", read=to.words()),
    Mapped("themes", "dcat:theme + dcatap:hvdCategory", read=_themes),
    Mapped(
        "legislation",
        "dcatap:applicableLegislation",
        note="regulation 2023/138 is told of what has an HVD category",
        read=lambda part, path: sorted(set(part.texts(path))),
    ),
    Mapped(
        "themes.topicCategory",
        "geodcatap:topicCategory + dct:subject",
        read=lambda part, path: to.topics_of(
            dict.fromkeys(tail(text) for text in part.texts(path) if "TopicCategory/" in text)
        ),
    ),
    Mapped(
        "links",
        "dcat:distribution",
        note="download when it has a downloadURL",
        read=lambda part, path: tuple(
            link for item in part.at(path) for link in _distribution(item)
        ),
    ),
    Mapped("links", "dcat:endpointURL", note="of services", read=_endpoints),
    Mapped("links.about", "dcat:landingPage", "in", read=_pages("about")),
    Mapped("links.about", "foaf:page", read=_pages("about")),
    Mapped("links.via", "dct:source + prov:wasDerivedFrom", read=_pages("via")),
    Mapped("links.license", "dct:license", note="of no licence that is known", read=_licence_pages),
    Mapped("links.preview", "foaf:depiction", read=_pages("preview")),
    Mapped("formats", "dct:format", "in", "of each distribution", _formats),
    Mapped(
        "lineage",
        "dct:provenance",
        read=lambda part, path: "\n\n".join(_labels(part, path)),
    ),
    Mapped("resolution", "dcat:spatialResolutionInMeters", read=to.distances()),
    Mapped(
        "resolution", "dqv:hasQualityMeasurement", note="scales, other distances", read=_measured
    ),
    Mapped("maintenance", "dct:accrualPeriodicity", read=to.frequency),
    Mapped("parent", "dcat:inSeries, dct:isPartOf", read=_parent),
    Mapped("resourceLanguages", "dct:language", read=to.languages()),
    Mapped("serviceType", "geodcatap:serviceType", read=_last("")),
    Mapped(
        "externalIds",
        "adms:identifier",
        read=to.identifiers(value="skos:notation, ", by="dct:creator, adms:schemaAgency"),
    ),
    Mapped("externalIds", "dct:identifier", "in", "the others", _other_identifiers),
    Mapped("language", f"{_RECORD}/dct:language", read=to.language),
    Mapped("updated", f"{_RECORD}/dct:modified", read=to.stamp),
    Mapped("created", f"{_RECORD}/dct:issued", read=to.stamp),
    Mapped(
        "geometry",
        "dct:spatial",
        note="dcat:bbox for boxes; other shapes in locn:geometry/gsp:asWKT, or as a text there",
        read=_geometry,
    ),
    Mapped("places", "dct:spatial", note="addresses of places", read=_places),
    Mapped("license", "dct:license", note="of the dataset and of each distribution", read=_licence),
    Mapped("rights", _RIGHTS, note="the first is written", read=_rights),
    Mapped("crs", "geodcatap:referenceSystem", note="dct:conformsTo is read too", read=_systems),
    Mapped("conformity", "dct:conformsTo", note="what passed", read=_conformity),
    Mapped("title", "dct:title", note=_DASH, read=_main_text),
    Mapped("description", "dct:description", note=_DASH, read=_main_text),
    Mapped(
        "translations",
        "dct:title",
        note="and dct:description, in other languages",
        read=_translations,
    ),
)
