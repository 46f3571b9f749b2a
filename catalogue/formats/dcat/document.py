"""DCAT-AP 3 and GeoDCAT-AP in RDF (RDF/XML, Turtle, JSON-LD): datasets, series and data services of
a catalogue.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from rdflib import Graph, URIRef
from rdflib import Literal as Text
from rdflib.compare import to_canonical_graph
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, XSD
from rdflib.term import Node

from geoguichet.catalogue.formats import codes, licences, links
from geoguichet.catalogue.formats.dcat.agents import IN_VCARD, address_of, agent
from geoguichet.catalogue.formats.dcat.rdf import (
    ADMS,
    AGENTS,
    BASE,
    CLASSES,
    DATES,
    DCAT,
    DCATAP,
    DQV,
    ELI,
    FILE_TYPE,
    FREQUENCY,
    GEODCAT,
    GEODCAT_ROLES,
    GSP,
    HVD,
    HVD_REGULATION,
    HYDRA,
    INSPIRE,
    LANGUAGE,
    LOCN,
    MEDIA,
    NOTHING,
    NOWHERE,
    RELATIVE,
    ROLE,
    Form,
    NumberedGraph,
    Thing,
    Told,
    load,
    tail,
    tell,
    term,
)
from geoguichet.catalogue.formats.dcat.reading import MAPPING, part_of, subjects_of
from geoguichet.catalogue.formats.mapping import (
    TOPIC_CATEGORY,
    Conformity,
    Format,
    Members,
    Part,
    Place,
    Resolution,
    Written,
    beyond,
    read_by,
    said,
)
from geoguichet.catalogue.record import Concept, Contact, Extent, Link, Record, Theme, Time


def parts(document: bytes, address: str = "") -> Iterator[tuple[Part, bytes]]:
    """Yield every dataset, series and service of a document, to be read by `read_by`'s mapping,
    each with the part of the graph that it is (the whole when it is alone).

    ``address`` is that of the document; FormatError when it is no RDF.
    """
    graph = load(document, address)
    subjects = subjects_of(graph)
    for subject in subjects:
        alone = len(subjects) == 1
        yield (
            part_of(graph, subject),
            document if alone else _part(graph, subject, set(subjects)),
        )


def next_page(document: bytes, address: str = "") -> str:
    """Return the address of the page after this one, as Hydra says it; empty at the last."""
    return page_of(document, address)[0]


def page_of(document: bytes, address: str = "") -> tuple[str, int, int]:
    """Return the address of the page after this one (empty at the last), how many records this one
    holds, and how many Hydra says that there are in all (0 when it does not).
    """
    graph = load(document, address)
    totals = [str(total) for total in graph.objects(None, HYDRA.totalItems)]
    total = max((int(one) for one in totals if one.isdecimal()), default=0)
    return _following(graph, address), len(subjects_of(graph)), total


def _following(graph: Graph, address: str) -> str:
    following = (*graph.objects(None, HYDRA.next), *graph.objects(None, HYDRA.nextPage))
    there = str(following[0]).removeprefix(NOWHERE) if following else ""
    page = address.partition("?")[0]
    folder = page.rpartition("/")[0]
    # rdflib forgets the file before a query alone (`<?page=2>`).
    return page + there.removeprefix(f"{folder}/") if there.startswith(f"{folder}/?") else there


# Return, in Turtle, what a graph says of a subject and of what it names, but for the other
# subjects.
def _part(graph: Graph, subject: Node, subjects: set[Node]) -> bytes:
    part = Graph()
    waiting, met = [subject, *graph.subjects(FOAF.primaryTopic, subject)], set[Node]()
    while waiting:
        node = waiting.pop()
        met.add(node)
        for predicate, value in graph.predicate_objects(node):
            part.add((node, predicate, value))
            known = value in met or value in subjects or (value, RDF.type, DCAT.Catalog) in graph
            if not known and not isinstance(value, Text):
                waiting.append(value)
    named = NumberedGraph()
    for prefix, namespace in graph.namespaces():
        named.bind(prefix, namespace, override=False)
    named += to_canonical_graph(
        part
    )  # blank nodes named by what is said of them: read again, the part is the same
    return named.written("turtle")


def claims_json(document: Any) -> bool:
    """Say whether a JSON document is JSON-LD about DCAT."""
    return any(
        isinstance(node, Mapping) and ("@context" in node or "@graph" in node or "@id" in node)
        for node in (document if isinstance(document, list) else [document])
    )


def write(record: Record, *, form: Form = "turtle", base: str = "") -> bytes:
    """Return one record as DCAT-AP; its address begins with ``base``, else it is a URN."""
    graph = NumberedGraph()
    add_record(graph, record, base or BASE)
    return serialized(graph, form)


def write_catalogue(
    records: Iterable[Record],
    *,
    title: str,
    publisher: str,
    form: Form = "turtle",
    base: str = BASE,
    address: str = "urn:x-geoguichet:catalogue",
    page: int = 1,
    pages: int = 1,
    total: int = 0,
    page_address: Callable[[int], str] | None = None,
) -> bytes:
    """Return a page of a whole catalogue; with several pages, Hydra says which comes next, at
    ``page_address``.
    """
    graph = NumberedGraph()
    catalogue = URIRef(address)
    about = {
        RDF.type: DCAT.Catalog,
        DCTERMS.title: title,
        DCTERMS.description: title,
        DCTERMS.publisher: agent(Contact(organization=publisher)),
    }
    tell(graph, catalogue, about)
    for record in records:
        kind = DCAT.service if record.type == "service" else DCAT.dataset
        graph.add((catalogue, kind, add_record(graph, record, base)))
    if pages > 1:
        at = page_address or (lambda number: f"{address}?page={number}")
        numbers = {
            HYDRA.firstPage: 1,
            HYDRA.lastPage: pages,
            HYDRA.previousPage: page - 1,
            HYDRA.nextPage: page + 1,
        }
        there = {name: at(number) for name, number in numbers.items() if 1 <= number <= pages}
        view = {RDF.type: HYDRA.PagedCollection, HYDRA.totalItems: Text(total)} | there
        tell(graph, URIRef(at(page)), view)
    return serialized(graph, form)


def _form(name: str, label: str, media: str, suffix: str, form: Form) -> Written:
    return Written(
        name,
        f"DCAT-AP ({label})",
        media,
        suffix,
        lambda record, base="", **_: write(record, form=form, base=base),
        lambda records, **page: write_catalogue(records, form=form, **page),
    )


FORMAT = Format(
    "dcat",
    "DCAT-AP 3 / GeoDCAT-AP",
    MAPPING,
    "rdf",
    claims_json,
    read=partial(read_by, MAPPING),
    written=(
        _form("dcat-ttl", "Turtle", "text/turtle", "ttl", "turtle"),
        _form("dcat-rdf", "RDF/XML", "application/rdf+xml", "rdf", "xml"),
        _form("dcat-jsonld", "JSON-LD", "application/ld+json", "jsonld", "json-ld"),
    ),
)


# Records written into a graph of DCAT-AP 3 / GeoDCAT-AP.


def serialized(graph: NumberedGraph, form: Form) -> bytes:
    """Write a graph; what is only named in it (a parent, a concept) gets the texts that DCAT-AP
    makes mandatory.
    """
    services = set(graph.subjects(RDF.type, DCAT.DataService))
    for layer, service in list(graph.subject_objects(DCAT.inSeries)):
        if service in services:  # what is part of a service of this page is one of its layers
            graph.remove((layer, DCAT.inSeries, service))
            graph.remove((service, RDF.type, DCAT.DatasetSeries))
            graph.add((layer, DCTERMS.isPartOf, service))
    for layer, service in list(graph.subject_objects(DCTERMS.isPartOf)):
        if service in services:
            graph.add((service, DCAT.servesDataset, layer))
    for concept in graph.subjects(RDF.type, SKOS.Concept):
        if (concept, SKOS.prefLabel, None) not in graph:
            graph.add((concept, SKOS.prefLabel, Text(tail(str(concept)) or NOTHING)))
    for series in graph.subjects(RDF.type, DCAT.DatasetSeries):
        for wanted in (DCTERMS.title, DCTERMS.description):
            if (series, wanted, None) not in graph:
                graph.add((series, wanted, Text(NOTHING)))
    return graph.written(form)


def subject_of(record: Record, base: str) -> URIRef:
    """Return the address of the resource that a record describes."""
    if record.id.startswith(("http://", "https://")) and str(address_of(record.id)) == record.id:
        return URIRef(record.id)
    return URIRef(base + quote(record.id, safe=""))


def add_record(graph: NumberedGraph, record: Record, base: str) -> URIRef:
    """Add a record to a graph; its subject is returned."""
    subject, told = subject_of(record, base), beyond(record)
    for part in (
        _named(record, told),
        *_contacts(record),
        _where_and_when(record, told),
        *(_theme(theme, concept) for theme in record.themes for concept in theme.concepts),
        _rights(record),
        *_links(record, subject),
        _facts(record, told, base),
        {FOAF.isPrimaryTopicOf: _catalogue_record(record, told, subject)},
    ):
        tell(graph, subject, part)
    return subject


def _named(record: Record, told: Members) -> Told:
    special = record.type not in ("", "dataset", "series", "service")
    return {
        RDF.type: [
            DCAT.Resource,
            CLASSES.get(record.type, DCAT.Dataset),
            DCAT.Dataset if record.type == "series" else None,  # one of its catalogue's datasets
        ],
        DCTERMS.type: _concept(f"{INSPIRE}ResourceType/{quote(record.type)}") if special else None,
        DCTERMS.identifier: record.id,
        **{
            term(f"dct:{member}"): [
                _texts(record, member)[0] or NOTHING,
                *_texts(record, member)[1:],
            ]
            for member in ("title", "description")
        },
        DCTERMS.alternative: told.get("alternateTitles"),
        DCAT.keyword: list(record.keywords),
    }


_TAG = re.compile(r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*")


# Return a text of a record, then what it is in other languages.
def _texts(record: Record, member: str) -> list[Text | str]:
    told = beyond(record)
    main, others = told.get("language", {}).get("code", ""), told.get("translations", {})
    text = said(record, member) or ""
    return [
        _in_language(text, main) if text else "",
        *(_in_language(texts[member], code) for code, texts in others.items() if member in texts),
    ]


# Return a text with its language, without one when RDF cannot say it.
def _in_language(text: str, language: str) -> Text:
    return Text(text, lang=language if _TAG.fullmatch(language) else None)


def _concept(address: str) -> Thing:
    return Thing(SKOS.Concept, address=URIRef(address))


# Return what stands at an address; None where there is none.
def _at(kind: URIRef, address: str, label: str = "") -> Thing | None:
    return Thing(kind, {RDFS.label: label}, address_of(address)) if address else None


def _labelled(kind: URIRef, label: str) -> Thing:
    return Thing(kind, {RDFS.label: label})


# --- who ------------------------------------------------------------------------------------------


# Yield who answers for the resource, by role; DCAT-AP wants one publisher at most.
def _contacts(record: Record) -> Iterator[Told]:
    published = False
    for contact in record.contacts:
        role = "".join(contact.roles[:1])
        if contact.extra.get("about") == "metadata":
            continue
        if role in ("", "pointOfContact"):
            yield {DCAT.contactPoint: agent(contact, IN_VCARD)}
        elif role in AGENTS and not (role == "publisher" and published):
            published |= role == "publisher"
            yield {AGENTS[role]: agent(contact)}
        else:
            had_role = Thing(DCAT.Role, address=URIRef(ROLE + quote(role)))
            attributed = {PROV.agent: agent(contact), DCAT.hadRole: had_role}
            yield {PROV.qualifiedAttribution: Thing(PROV.Attribution, attributed)}
            if role in GEODCAT_ROLES:  # those who know DCAT alone read the attribution
                yield {GEODCAT[role]: agent(contact)}


# --- where and when -------------------------------------------------------------------------------


def _where_and_when(record: Record, told: Members) -> Told:
    return {
        DCTERMS.spatial: [
            *map(_place, codes.boxes_and_shapes(record.geometry)),
            *map(_named_place, told.get("places", ())),
        ],
        **{
            about: _latest(
                item["date"] for item in told.get("dates", ()) if item.get("type") == kind
            )
            for kind, about in DATES.items()
        },
        DCTERMS.temporal: _period(record.time) if record.time else None,
    }


def _place(part: Extent | Mapping[str, Any]) -> Thing:
    geometry = part.as_geometry() if isinstance(part, Extent) else part
    literal = Text(codes.as_wkt(geometry), datatype=GSP.wktLiteral)
    if isinstance(part, Extent):
        return Thing(DCTERMS.Location, {DCAT.bbox: literal})
    box = Extent.from_geometry(part)  # the shape is read where it can be, its box elsewhere
    around = Text(codes.as_wkt(box.as_geometry()), datatype=GSP.wktLiteral) if box else None
    shape = Thing(LOCN.Geometry, {GSP.asWKT: literal})
    return Thing(DCTERMS.Location, {DCAT.bbox: around, LOCN.geometry: shape})


def _named_place(place: Place) -> Thing:
    code = place["code"]
    address = place.get("href") or (code if code.startswith("http") else "")
    label = code if code != address else ""
    return Thing(
        DCTERMS.Location, {SKOS.prefLabel: label}, address_of(address) if address else None
    )


def _latest(dates: Iterable[str]) -> Text | None:
    return _date(max(dates, default=""))


# Return a period; midnight beside a day is that day: udata cannot compare ends of two kinds.
def _period(time: Time) -> Thing:
    with_days = any(len(end) == len("2020-01-01") for end in time.ends)
    ends = (end.removesuffix("T00:00:00Z") if with_days else end for end in time.ends)
    start, end = (_date(end.removeprefix("..")) for end in ends)
    return Thing(DCTERMS.PeriodOfTime, {DCAT.startDate: start, DCAT.endDate: end})


# Return a date, of the precision that it has; None when there is none, a text when it is no date.
def _date(text: str) -> Text | None:
    kind = {4: XSD.gYear, 7: XSD.gYearMonth, 10: XSD.date}.get(len(text), XSD.dateTime)
    if not codes.moment(text):
        return Text(text) if text else None
    return Text(text, datatype=kind, normalize=False)


# --- themes, rights and links ---------------------------------------------------------------------


def _theme(theme: Theme, concept: Concept) -> Told:
    if theme.scheme == TOPIC_CATEGORY:
        return {GEODCAT.topicCategory: _concept(f"{TOPIC_CATEGORY}/{quote(concept.id)}")}
    known = concept.id.startswith(("http://", "https://"))
    title = theme.extra.get("title")
    said_there = {
        SKOS.prefLabel: concept.title or ("" if known else concept.id),
        SKOS.inScheme: Thing(
            SKOS.ConceptScheme,
            {DCTERMS.title: title or theme.scheme},
            address_of(theme.scheme) if ":" in theme.scheme else None,
        )
        if theme.scheme or title
        else None,
    }
    thing = Thing(SKOS.Concept, said_there, address_of(concept.id) if known else None)
    if concept.id.startswith(HVD):
        return {
            DCAT.theme: thing,  # which data.gouv.fr reads
            DCATAP.hvdCategory: thing,
            DCATAP.applicableLegislation: _law(HVD_REGULATION),
        }
    return {DCAT.theme: thing}


def _law(address: str) -> Thing:
    return Thing(ELI.LegalResource, address=address_of(address))


def _rights(record: Record) -> Told:
    address, title = _licence(record), licences.title_of(record.license)
    # data.gouv.fr takes a label for the title of one of its list, else reads the address.
    named = DCTERMS.title if title == record.license else RDFS.label
    return {
        DCTERMS.license: address and Thing(DCTERMS.LicenseDocument, {named: title}, address),
        DCTERMS.rights: [
            _labelled(DCTERMS.RightsStatement, line)
            for line in record.rights.split("\n")
            if line.strip()
        ],
    }


def _licence(record: Record) -> URIRef | None:
    address = licences.address_of(licences.asserted(record))
    return address_of(address) if address else None


# Yield the distributions, endpoints, sources and pages. A harvester drops the whole record for one
# distribution whose address leads nobody there (``http://...``, ``file:``): it is a page.
def _links(record: Record, subject: URIRef) -> Iterator[Told]:
    service = record.type == "service"
    if service and not any(map(_is_endpoint, record.links)):
        # An endpoint is mandatory; its own address says that none is known.
        yield {DCAT.endpointURL: Thing(RDFS.Resource, address=subject)}
    kinds: defaultdict[tuple[str, str], set[links.Kind | None]] = defaultdict(set)
    for link in record.links:
        kinds[link.href, link.title].add(links.service_of(link))
    for link in record.links:
        address, told = _reference(link.href), {DCTERMS.title: link.title}
        is_page = link.type.startswith("text/html")
        if link.rel == "preview" and not is_page:
            yield {FOAF.depiction: address}
        elif link.rel == "license" and not _licence(record):
            named = {RDFS.label: link.title}
            yield {DCTERMS.license: Thing(DCTERMS.LicenseDocument, named, address)}
        elif link.rel in _SOURCES:
            yield {PROV.wasDerivedFrom: Thing(PROV.Entity, told, address)}
        elif service and _is_endpoint(link):
            yield {DCAT.endpointURL: Thing(RDFS.Resource, address=address)}
        elif (
            service
            or link.rel in _PAGES
            or "operatesOn" in link.extra
            or (is_page and link.rel in ("preview", "related"))
            or not links.leads_anyone(link)
        ):
            yield {FOAF.page: Thing(FOAF.Document, told, address)}
        else:
            kind = links.service_of(link)
            # Services at one address under one title are taken for one: each has its kind too.
            apart = kind.name if kind and len(kinds[link.href, link.title]) > 1 else ""
            title = f"{link.title} ({apart})" if link.title and apart else link.title or apart
            yield {DCAT.distribution: _distribution(record, link, address, title)}


_PAGES = ("about", "describedby", "alternate", "license")
_SOURCES = ("via", "source", "derivedfrom")


# Return the address of a link; RDF knows no relative one, so those get a scheme that `_href` takes
# away.
def _reference(href: str) -> URIRef:
    relative = ":" not in href.strip().partition("/")[0]
    return URIRef(RELATIVE + quote(href.strip())) if relative else address_of(href)


def _is_endpoint(link: Link) -> bool:
    return links.leads_anyone(link) and (
        link.rel == "service" or (link.rel != "preview" and "operation" in link.extra)
    )


def _distribution(record: Record, link: Link, address: URIRef, title: str) -> Thing:
    protocol, media = link.extra.get("protocol"), links.media_of(link)
    return Thing(
        DCAT.Distribution,
        {
            DCAT.accessURL: Thing(RDFS.Resource, address=address),
            DCAT.downloadURL: address if link.rel == "enclosure" else None,
            DCTERMS.title: title,
            DCTERMS.description: link.extra.get("description"),
            DCTERMS.format: _format(record, link),
            DCAT.mediaType: _at(DCTERMS.MediaType, media and MEDIA + media),
            DCTERMS.conformsTo: _labelled(DCTERMS.Standard, protocol) if protocol else None,
            DCAT.accessService: _access_service(link, address),
            DCTERMS.license: _licence(record),
            DCATAP.applicableLegislation: _law(HVD_REGULATION) if _high_value(record) else None,
        },
    )


def _high_value(record: Record) -> bool:
    concepts = (concept for theme in record.themes for concept in theme.concepts)
    return any(concept.id.startswith(HVD) for concept in concepts)


# Return the kind of file or of service by its name, and by the EU's code where it has one; of a
# download that tells none, the format of the record where it says one alone.
def _format(record: Record, link: Link) -> Thing | None:
    kind, formats = links.kind_of(link), beyond(record).get("formats", ())
    if kind is None and link.rel == "enclosure" and len(formats) == 1:
        kind = links.Kind(formats[0].get("name", ""))
    if kind is None or not kind.name:
        return None
    code = URIRef(FILE_TYPE + kind.code) if kind.code else None
    return Thing(DCTERMS.MediaTypeOrExtent, {RDFS.label: kind.name}, code)


# Return the service that a distribution is got from; its title and description are mandatory.
def _access_service(link: Link, address: URIRef) -> Thing | None:
    kind = links.service_of(link)
    if kind is None:
        return None
    title = link.title or kind.name
    return Thing(
        DCAT.DataService,
        {
            DCTERMS.title: title,
            DCTERMS.description: link.extra.get("description") or title,
            DCAT.endpointURL: Thing(RDFS.Resource, address=address),
            DCTERMS.conformsTo: _at(DCTERMS.Standard, links.standard_of(kind), kind.name),
            GEODCAT.serviceProtocol: _at(DCTERMS.Standard, links.protocol_of(kind)),
        },
    )


# --- facts about the resource, and about its record -----------------------------------------------


def _facts(record: Record, told: Members, base: str) -> Told:
    kind, parent, lineage = told.get("serviceType"), told.get("parent"), _texts(record, "lineage")
    frequency = told.get("maintenance", {}).get("frequency", "")
    period, _days = codes.FREQUENCIES.get(frequency, ("", 0))
    metres, measures = _resolutions(told.get("resolution", ()))
    return {
        DCTERMS.provenance: Thing(DCTERMS.ProvenanceStatement, {RDFS.label: lineage})
        if any(lineage)
        else None,
        DCAT.spatialResolutionInMeters: metres,
        DQV.hasQualityMeasurement: measures,
        GEODCAT.referenceSystem: [
            Thing(DCTERMS.Standard, address=address_of(codes.crs_address(system)))
            for system in told.get("crs", ())
            if system.startswith("EPSG:")
        ],
        DCTERMS.conformsTo: [
            _standard(item) for item in told.get("conformity", ()) if item.get("pass")
        ],
        DCATAP.applicableLegislation: [_law(address) for address in told.get("legislation", ())],
        DCTERMS.accrualPeriodicity: _at(DCTERMS.Frequency, period and FREQUENCY + period),
        **(_parent(record, parent, base) if parent and parent.strip() else {}),
        DCTERMS.language: [_language(item["code"]) for item in told.get("resourceLanguages", ())],
        GEODCAT.serviceType: _concept(f"{INSPIRE}SpatialDataServiceType/{quote(kind)}")
        if kind
        else None,
        ADMS.identifier: [
            Thing(ADMS.Identifier, {SKOS.notation: item.value, ADMS.schemaAgency: item.scheme})
            for item in record.external_ids
        ],
    }


# Say what a resource is part of: a series, but for the layer of a service, which is no series.
def _parent(record: Record, parent: str, base: str) -> Told:
    address = subject_of(Record(id=parent), base)
    names = {f"{parent}-{link.title}" for link in record.links if link.rel == "service"}
    if record.id in names:
        return {DCTERMS.isPartOf: address}
    return {DCAT.inSeries: Thing(DCAT.DatasetSeries, address=address)}


def _standard(item: Conformity) -> Thing:
    date, address = item.get("date", ""), item.get("href", "")
    issued = {DCTERMS.title: item.get("title"), DCTERMS.issued: _date(date)}
    return Thing(DCTERMS.Standard, issued, address_of(address) if address else None)


def _language(code: str) -> Thing:
    address = URIRef(LANGUAGE + quote(codes.language_eu(code)))
    return Thing(DCTERMS.LinguisticSystem, address=address)


_METRES = {"m": 1, "km": 1000, "cm": 0.01}


# Return the distance in metres, which DCAT-AP wants alone, and as measurements the other distances
# and the scales.
def _resolutions(items: Iterable[Resolution]) -> tuple[Text | None, list[Thing]]:
    metres = [
        item["distance"] * _METRES[unit]
        for item in items
        if "scale" not in item and (unit := str(item.get("unit", "m"))) in _METRES
    ]
    measures = [(GEODCAT.spatialResolutionAsDistance, distance) for distance in metres[1:]]
    measures += [
        (GEODCAT.spatialResolutionAsScale, 1 / item["scale"]) for item in items if "scale" in item
    ]
    return Text(str(metres[0]), datatype=XSD.decimal) if metres else None, [
        Thing(
            DQV.QualityMeasurement,
            {DQV.isMeasurementOf: Thing(DQV.Metric, address=metric), DQV.value: Text(number)},
        )
        for metric, number in measures
    ]


# Make what is about the record itself: its dates, language and contacts.
def _catalogue_record(record: Record, told: Members, subject: URIRef) -> Thing | None:
    contacts = [contact for contact in record.contacts if contact.extra.get("about") == "metadata"]
    language = told.get("language", {}).get("code", "")
    modified = record.updated or record.created
    if not (modified or contacts or language):
        return None
    return Thing(
        # DCAT-AP wants a date of any dcat:CatalogRecord.
        DCAT.CatalogRecord if modified else None,
        {
            DCTERMS.modified: _date(modified),
            FOAF.primaryTopic: subject,
            DCTERMS.identifier: record.id,
            DCTERMS.issued: _date(record.created),
            DCTERMS.language: _language(language) if language else None,
            DCAT.contactPoint: [agent(contact, IN_VCARD) for contact in contacts],
        },
    )
