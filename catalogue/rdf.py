"""RDF read safely, whatever the form it is written in: no address that it names is opened."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rdflib import Graph
from rdflib.exceptions import ParserError
from rdflib.namespace import DCTERMS, FOAF, SKOS
from rdflib.plugins.parsers.notation3 import BadSyntax

from geoguichet.catalogue.dcat_vocabulary import (
    ADMS,
    DCAT,
    SCHEMA,
    VCARD,
)
from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.xml import parse, serialize

type Form = Literal["turtle", "xml", "json-ld"]


def load(document: bytes) -> Graph:
    """Read RDF in the form it is written in, without opening any address that it names."""
    graph = Graph()
    head = document.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    with silence():
        return _loaded(graph, document, head)


@contextmanager
def silence() -> Iterator[None]:
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
