"""DCAT-AP 3 and GeoDCAT-AP in RDF (RDF/XML, Turtle, JSON-LD): datasets, series and data services of
a catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rdflib import Graph, URIRef
from rdflib import Literal as Text
from rdflib.compare import to_canonical_graph
from rdflib.namespace import DCTERMS, FOAF, RDF
from rdflib.term import Node

from geoguichet.catalogue.formats.dcat.rdf import BASE, DCAT, HYDRA, Form, NumberedGraph, load
from geoguichet.catalogue.formats.dcat.reading import MAPPING, read_subject, subjects_of
from geoguichet.catalogue.formats.dcat.writing import add_record, agent, serialized, tell
from geoguichet.catalogue.formats.format import Format, Written
from geoguichet.catalogue.record import Contact, Record


def read_all(document: bytes) -> list[Record]:
    """Read every dataset, series and service of a graph; FormatError when it is no RDF."""
    graph = load(document)
    return [read_subject(graph, subject) for subject in subjects_of(graph)]


def read_parts(document: bytes) -> list[tuple[Record, bytes]]:
    """Read every description of a graph, each with the part of the graph that it is; the whole when
    it is alone.
    """
    graph = load(document)
    subjects = subjects_of(graph)
    if len(subjects) == 1:
        return [(read_subject(graph, subjects[0]), document)]
    return [
        (read_subject(graph, subject), _part(graph, subject, set(subjects))) for subject in subjects
    ]


def next_page(document: bytes) -> str:
    """Return the address of the page after this one, as Hydra says it; empty at the last."""
    graph = load(document)
    for term in (HYDRA.next, HYDRA.nextPage):
        for value in graph.objects(None, term):
            return str(value)
    return ""


def _part(graph: Graph, subject: Node, subjects: set[Node]) -> bytes:
    """Return, in Turtle, what a graph says of a subject and of what it names, but for the other
    subjects.
    """
    part = Graph()
    waiting, met = [subject, *graph.subjects(FOAF.primaryTopic, subject)], set[Node]()
    while waiting:
        node = waiting.pop()
        met.add(node)
        for term, value in graph.predicate_objects(node):
            part.add((node, term, value))
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
    nodes = document if isinstance(document, list) else [document]
    return any(
        isinstance(node, Mapping) and ("@context" in node or "@graph" in node or "@id" in node)
        for node in nodes
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
    about = {RDF.type: DCAT.Catalog, DCTERMS.title: title, DCTERMS.description: title}
    tell(graph, catalogue, about | {DCTERMS.publisher: agent(Contact(organization=publisher))})
    for record in records:
        subject = add_record(graph, record, base)
        term = {"service": DCAT.service}.get(record.type, DCAT.dataset)
        graph.add((catalogue, term, subject))
    if pages > 1:
        at = page_address or (lambda number: f"{address}?page={number}")
        numbers = {
            HYDRA.firstPage: 1,
            HYDRA.lastPage: pages,
            HYDRA.previousPage: page - 1,
            HYDRA.nextPage: page + 1,
        }
        there = {term: at(number) for term, number in numbers.items() if 1 <= number <= pages}
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
    written=(
        _form("dcat-ttl", "Turtle", "text/turtle", "ttl", "turtle"),
        _form("dcat-rdf", "RDF/XML", "application/rdf+xml", "rdf", "xml"),
        _form("dcat-jsonld", "JSON-LD", "application/ld+json", "jsonld", "json-ld"),
    ),
)
