"""RDF read safely in any of its forms, without opening an address that it names, and written the
same twice.
"""

import json
import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote
from xml.sax import SAXException

from rdflib import BNode, Dataset, Graph, Namespace, URIRef
from rdflib import Literal as Term
from rdflib.exceptions import Error as RdfError
from rdflib.exceptions import ParserError
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, TIME
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Node

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats.xml import parse, serialize

# The vocabularies of DCAT-AP 3 and GeoDCAT-AP, and the addresses that stand for what RDF cannot
# say.

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
DQV = Namespace("http://www.w3.org/ns/dqv#")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
GEODCAT = Namespace("http://data.europa.eu/930/")
GSP = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
ORG = Namespace("http://www.w3.org/ns/org#")
SCHEMA = Namespace("http://schema.org/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
BASE = "urn:x-geoguichet:record:"
RELATIVE = "urn:x-geoguichet:link:"
#: What relative addresses are resolved against where a document has no address of its own (a file):
#: they are relative again once read, and no path of this machine is published (RFC 3986, 5.1.4).
NOWHERE = "http://relative.invalid/"
#: What stands for a mandatory text that the record does not say; it is not read back.
NOTHING = "—"
INSPIRE = "http://inspire.ec.europa.eu/metadata-codelist/"
ROLE = f"{INSPIRE}ResponsiblePartyRole/"
FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
MEDIA = "https://www.iana.org/assignments/media-types/"
FILE_TYPE = "http://publications.europa.eu/resource/authority/file-type/"
#: The categories of high-value datasets, and the regulation that names them (2023/138).
HVD = "http://data.europa.eu/bna/"
HVD_CATEGORIES = f"{HVD}asd487ae75"
HVD_REGULATION = "http://data.europa.eu/eli/reg_impl/2023/138/oj"
DATES = {"publication": DCTERMS.issued, "revision": DCTERMS.modified, "creation": DCTERMS.created}
#: The roles of ISO 19115 that GeoDCAT-AP 3 has a property for.
GEODCAT_ROLES = (
    *("custodian", "distributor", "originator", "principalInvestigator", "processor"),
    *("resourceProvider", "user"),
)
AGENTS = {"publisher": DCTERMS.publisher, "author": DCTERMS.creator, "owner": DCTERMS.rightsHolder}
CLASSES = {"series": DCAT.DatasetSeries, "service": DCAT.DataService}

#: The prefixes of what we write.
PREFIXES: Mapping[str, Any] = {
    "adms": ADMS,
    "dcat": DCAT,
    "dcatap": DCATAP,
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
_READ = {**PREFIXES, "org": ORG, "rdf": RDF, "rdfs": RDFS, "schema": SCHEMA, "time": TIME}


@cache
def term(name: str) -> URIRef:
    """Return a term by its name with its prefix, such as ``dct:title``."""
    prefix, _, local = name.partition(":")
    return URIRef(_READ[prefix][local])


VCARD_ADDRESS = {
    "deliveryPoint": "vcard:street-address",
    "city": "vcard:locality",
    "administrativeArea": "vcard:region",
    "postalCode": "vcard:postal-code",
    "country": "vcard:country-name",
}
#: Parts of a postal address, by the names that contacts have for them.
LOCN_ADDRESS = {
    "deliveryPoint": "locn:thoroughfare",
    "city": "locn:postName",
    "administrativeArea": "locn:adminUnitL2",
    "postalCode": "locn:postCode",
    "country": "locn:adminUnitL1",
}


def tail(address: str) -> str:
    """Return the last part of an address: what names a concept that has no other name."""
    return unquote(address.rstrip("/").rpartition("/")[2])


type Form = Literal["turtle", "xml", "json-ld"]


def load(document: bytes, address: str = "") -> Graph:
    """Read RDF in the form it is written in, without opening any address that it names: all its
    graphs, named or not, seen as one.

    Relative addresses are resolved against that of the document; FormatError when it is no RDF.
    """
    base = address if address.startswith(("http://", "https://")) else NOWHERE
    with silence():
        return _loaded(document, base)


@contextmanager
def silence() -> Iterator[None]:
    """Keep rdflib from a page of log for each literal that is not of its type, and from warning of
    its own ways.
    """
    logger = logging.getLogger("rdflib")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


# What rdflib and the libraries under it raise, each in its own words, of what is no RDF.
_NO_RDF = (
    *(ParserError, SAXException, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, AssertionError, RecursionError, RdfError),
)


def _loaded(document: bytes, base: str) -> Graph:
    head = document.lstrip(b"\xef\xbb\xbf \t\r\n")[:5]
    try:
        if head[:1] == b"<" and head not in (b"<http", b"<urn:"):
            told = serialize(parse(document, entities=True))  # without its DTD
            return Graph().parse(data=told, format="xml", publicID=base)
        if head[:1] in (b"{", b"["):
            return _as_one(_without_remote_context(document), "json-ld", base)
        try:
            return Graph().parse(data=document, format="turtle", publicID=base)
        except BadSyntax:
            for form in ("trig", "nquads"):
                with suppress(BadSyntax, *_NO_RDF):
                    return _as_one(document, form, base)
            raise
    except BadSyntax as error:
        line = int(error.lines) + 1
        raise FormatError(
            f"Turtle mal formé, ligne {line} : {error.message}.", line=line
        ) from error
    except _NO_RDF as error:
        raise FormatError(f"RDF illisible : {str(error)[:200]}.") from error


# Read every graph of a dataset into one: what is said in a named graph is said all the same.
def _as_one(document: bytes, form: str, base: str) -> Graph:
    dataset, one = Dataset(), Graph()
    dataset.parse(data=document, format=form, publicID=base)
    for prefix, namespace in dataset.namespaces():
        one.bind(prefix, namespace)
    for subject, predicate, value, _ in dataset.quads():
        one.add((subject, predicate, value))
    return one


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


# Put our own context where a document names the address of one: nothing is fetched.
def _without_remote_context(document: bytes) -> bytes:
    said_there = json.loads(document)
    for node in said_there if isinstance(said_there, list) else [said_there]:
        if isinstance(node, dict) and "@context" in node:
            listed = node["@context"] if isinstance(node["@context"], list) else [node["@context"]]
            node["@context"] = [_CONTEXT if isinstance(item, str) else item for item in listed]
    return json.dumps(said_there).encode()


class NumberedGraph(Graph):
    """A graph that numbers its blank nodes: the same records are the same bytes, today and
    tomorrow.
    """

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()
        for prefix, namespace in PREFIXES.items():
            self.bind(prefix, namespace)

    def subjects(self, *asked: Any, **options: Any) -> Generator[Node]:
        """Yield subjects sorted: rdflib's order is that of a set, which changes from one process to
        the next.
        """
        yield from sorted(super().subjects(*asked, **options), key=str)

    def blank(self) -> BNode:
        """Return a blank node that it does not hold yet."""
        return BNode(f"b{next(self._numbers):06}")

    def written(self, form: Form) -> bytes:
        """Write it, the same in every process."""
        with silence():
            told = self.serialize(
                format="pretty-xml" if form == "xml" else form, encoding="utf-8", auto_compact=True
            )
        return _IN_ORDER[form](told)


# Sort the prefixes that rdflib declares in the order of a set.
def _prefixes_in_order(document: bytes) -> bytes:
    lines = document.split(b"\n")
    at = [number for number, line in enumerate(lines[:40]) if line.startswith(b"  xmlns:")]
    lines[at[0] : at[-1] + 1] = sorted(lines[at[0] : at[-1] + 1])
    return b"\n".join(lines)


# Sort the nodes that rdflib writes in the order of a set.
def _nodes_in_order(document: bytes) -> bytes:
    told = json.loads(document)
    if "@graph" in told:
        told["@graph"].sort(key=lambda node: node["@id"])
    return json.dumps(told, ensure_ascii=False, indent=2).encode()


_IN_ORDER: Mapping[Form, Callable[[bytes], bytes]] = {
    "turtle": bytes,
    "xml": _prefixes_in_order,
    "json-ld": _nodes_in_order,
}


# What is said of a resource is made as a tree, as Turtle would write it, then put into the graph.

#: What is said of a node: a value, or a list of them, for each property; blank ones say nothing.
type Told = Mapping[URIRef, Any]


class Thing(NamedTuple):
    """A node and what is said of it; without an address it is blank."""

    kind: URIRef | None
    told: Told = MappingProxyType({})
    address: URIRef | None = None


def tell(graph: NumberedGraph, subject: Node, told: Told) -> None:
    """Put what is said of a node into a graph, in the order it is said: blank nodes are numbered
    by it.
    """
    for about, value in told.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Thing):
                node = item.address or graph.blank()
                tell(graph, subject, {about: node})
                tell(graph, node, {RDF.type: item.kind})
                tell(graph, node, item.told)
            elif item not in (None, ""):
                graph.add((subject, about, Term(item) if type(item) is str else item))
