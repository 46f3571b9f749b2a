"""Documents of every format, real ones: what is well-formed is read, what is not is a finding that
says why.
"""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import pyshacl
import pytest
import rdflib
import shapely
from rdflib import DCTERMS, RDFS, SKOS

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats import licences, registry
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.formats.mapping import MEMBERS, TOPIC_CATEGORY, as_table
from geoguichet.catalogue.formats.xml import parse
from geoguichet.catalogue.intake.exchange import KeptDocument, Originals
from geoguichet.catalogue.record import Extent, Record

ROOT = Path(__file__).parents[3]

NOT_RECORDS = {
    "csw-client--records-hits-basic.xml": "an answer that only counts",
    "pycsw--get_GetRecords-all.xml": "an answer that only counts",
    "pycsw--get_b81c3595-06d6-4693-82ea-1ff8650755ac.xml": "no match",
    "pycsw--get_f1223a49-6d08-44ff-97fe-4c32cbbfad82.xml": "no match",
    "pycsw--post_0c976d98-c896-4b10-b1fe-a22ef50434e7.xml": "no match",
    "pycsw--post_34a019a9-1581-42cb-9827-fbfdda2773b7.xml": "no match",
    "pycsw--post_GetRecords-all-resulttype-hits.xml": "an answer that only counts",
    "pycsw--get_6c375703-9c00-4aef-bec7-d2e964f849eb.xml": "Atom",
    "pycsw--post_7c89cdf5-0def-4cfb-8c55-2b8ffea5d92f.xml": "Atom",
    "pycsw--post_GetRecords-filter-bbox-eefb33.xml": "GM03, a Swiss format",
    "pycsw--post_GetRecords-filter-bbox-full.xml": "ebRIM",
    "pycsw--post_csw2-GetRecords-all-xslt.xml": "a schema made up by a test",
    "pycsw--post_csw3-GetRecords-all-xslt.xml": "a schema made up by a test",
    "ckanext-dcat--dcat-ap_2.1.1_shacl_range.ttl": "SHACL shapes",
    "ckanext-dcat--dcat-ap_3_shacl_shapes.ttl": "SHACL shapes",
    "metadata-postgresql--shape.ttl": "SHACL shapes",
    "OWSLib--wms_mesonet-caps-130_bom.xml": "a mark of UTF-16 before eight-bit text",
}


@pytest.fixture(scope="module")
def answers(metadata: Path) -> list[tuple[Path, bytes, registry.Answer]]:
    """Every file of the real set, its bytes, and what is read in it."""
    files = [file for file in sorted(metadata.rglob("*")) if file.is_file()]
    return [
        (file, body := file.read_bytes(), registry.read_document(body, address=file.name))
        for file in files
    ]


def test_every_well_formed_file_is_read(
    made_or_real: str, metadata: Path, answers: list[tuple[Path, bytes, registry.Answer]]
) -> None:
    if made_or_real == "real":
        with (metadata / "MANIFEST.csv").open(encoding="utf-8", newline="") as table:
            rows = list(csv.reader(table, delimiter=";"))[1:]
        well_formed = {Path(row[0]).name for row in rows if row[8] == "oui"}
        assert len(answers) > 580
    else:
        well_formed = {file.name for file, _, _ in answers}
        assert len(answers) > 20
    for file, _, answer in answers:
        if file.name in NOT_RECORDS:
            assert not answer.described, f"{file.name} is read now: take it off the list"
        elif file.name in well_formed or file.parent.name == "stac":
            assert answer.described, (file.name, answer.findings)
        if not answer.described:
            assert answer.findings and all(
                finding.message and finding.layer == file.name for finding in answer.findings
            )


def test_every_document_is_given_back_byte_for_byte(
    answers: list[tuple[Path, bytes, registry.Answer]], tmp_path: Path
) -> None:
    """Of every format that is read: the file, when it holds one record, else the part of it that
    the record is.

    One part in four of each document is read again; all of them with GEOGUICHET_ALL_SHAPES.
    """
    step = 1 if os.environ.get("GEOGUICHET_ALL_SHAPES") else 4
    originals, met = Originals(tmp_path / "originals.sqlite"), set[str]()
    for file, document, answer in answers:
        described = {one.record.id: one for one in answer.described}.values()
        originals.keep([KeptDocument.of(one, file.name, one.record.digest()) for one in described])
        for one in [*described][::step]:
            assert originals.document(one.record) == one.source, file.name
            assert (
                one.source == document or one.record in registry.read_document(one.source).records
            ), file.name
        met |= {one.format for one in described}
    assert met >= set(registry.FORMATS) - {
        "schema-org",
        "csv",
        "mcf",
        "ogc-collection",
        "udata",
        "qmd",
    }


@pytest.mark.parametrize(
    ("document", "where", "reason"),
    [
        (b"<a>\n<b>\n</a>", "ligne 3", "XML mal form"),
        (b"<html><body>Erreur 500", "ligne 1", "page HTML"),
        (b"", "", "vide"),
        (b"{\n bad", "ligne 2", "JSON mal form"),
        (b"{}", "", "d'un format connu"),
        (b"@prefix a: <http://b> .\na:b a:c .\n", "ligne 2", "Turtle mal form"),
        (b"bonjour", "", "ni du XML"),
        (b"\xff\xfe<a/>", "", "ni du XML"),
        (
            b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"x" * 100 + b'">]><a>&b;</a>',
            "ligne 1",
            "format connu",
        ),
    ],
)
def test_what_cannot_be_read_is_a_finding(document: bytes, where: str, reason: str) -> None:
    [finding] = registry.read_document(document, address="ici").findings
    assert finding.item.startswith(where) and reason in finding.message and finding.layer == "ici"


def test_entities_stay_closed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    opened = f'<!DOCTYPE a [<!ENTITY file SYSTEM "{secret.as_uri()}">]><a>&file;</a>'.encode()
    assert "secret" not in "".join(parse(opened).itertext())
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(12)
    )
    with pytest.raises(FormatError, match="amplification"):
        parse(bomb + b"]><a>&m;</a>")


def test_no_context_of_json_ld_is_fetched() -> None:
    document = {
        "@context": "http://127.0.0.1:9/context",
        "@type": "dcat:Dataset",
        "title": "Un jeu",
        "identifier": "1",
    }
    [record] = registry.read_document(json.dumps(document).encode()).records
    assert record.title == "Un jeu"


def test_the_page_of_formats_is_true() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert page.endswith(as_table(registry.mappings())), (
        "run `python -m geoguichet.catalogue.formats.registry` and commit docs/formats.md"
    )
    for title, mapping in registry.mappings().items():
        known = set(MEMBERS) | {"fields"}
        assert {row.member.partition(".")[0] for row in mapping} <= known, title


DCAT, GEODCAT = rdflib.DCAT, rdflib.Namespace("http://data.europa.eu/930/")
DCATAP = rdflib.Namespace("http://data.europa.eu/r5r/")
FOAF, PROV, VCARD = rdflib.FOAF, rdflib.PROV, rdflib.Namespace("http://www.w3.org/2006/vcard/ns#")
LOCN, GSP = (
    rdflib.Namespace(base)
    for base in ("http://www.w3.org/ns/locn#", "http://www.opengis.net/ont/geosparql#")
)


@pytest.fixture(scope="module")
def numbered(answers: list[tuple[Path, bytes, registry.Answer]]) -> list[Record]:
    """Every record of the real set, whatever its format, told apart by a number before its
    identifier.
    """
    records = (record for _, _, answer in answers for record in answer.records)
    return [replace(record, id=f"{number}/{record.id}") for number, record in enumerate(records)]


@pytest.fixture(scope="module")
def graph(numbered: list[Record]) -> rdflib.Graph:
    page = dcat.write_catalogue(numbered, title="Catalogue", publisher="Région")
    return rdflib.Graph().parse(data=page, format="turtle")


def texts(graph: rdflib.Graph, subject: rdflib.term.Node, *terms: rdflib.URIRef) -> set[str]:
    return {str(node) for term in terms for node in graph.objects(subject, term)}


def read_by_rdflib(graph: rdflib.Graph, subject: rdflib.term.Node) -> dict[str, set[str]]:
    """What a reader who only knows RDF and the vocabulary of DCAT finds."""
    agents = [DCTERMS.publisher, DCTERMS.creator, DCTERMS.rightsHolder, DCAT.contactPoint]
    people = [node for term in agents for node in graph.objects(subject, term)]
    for attribution in graph.objects(subject, PROV.qualifiedAttribution):
        people += graph.objects(attribution, PROV.agent)
    parts = list(graph.objects(subject, DCAT.distribution))
    themes = [*graph.objects(subject, DCAT.theme), *graph.objects(subject, DCATAP.hvdCategory)]
    rights = [
        label
        for node in graph.objects(subject, DCTERMS.rights)
        for label in texts(graph, node, RDFS.label)
    ]
    named = (FOAF.name, VCARD.fn, VCARD["organization-name"], FOAF.mbox, VCARD.hasEmail)
    return {
        "title": texts(graph, subject, DCTERMS.title),
        "description": texts(graph, subject, DCTERMS.description),
        "identifier": texts(graph, subject, DCTERMS.identifier),
        "licence": texts(graph, subject, DCTERMS.license),
        "rights": set(rights),
        "contacts": {text for node in people for text in texts(graph, node, *named)},
        "addresses": texts(graph, subject, DCAT.endpointURL, FOAF.page, FOAF.depiction)
        | texts(graph, subject, PROV.wasDerivedFrom, DCTERMS.license)
        | {text for node in parts for text in texts(graph, node, DCAT.accessURL)},
        "themes": {str(node) for node in themes}
        | {text for node in themes for text in texts(graph, node, SKOS.prefLabel)}
        | {unquote(text) for text in texts(graph, subject, GEODCAT.topicCategory)},
        "keywords": texts(graph, subject, DCAT.keyword),
    }


def said_by(record: Record) -> dict[str, set[str]]:
    """What must be found of a record there."""
    resource = [contact for contact in record.contacts if contact.extra.get("about") != "metadata"]
    told = {text for contact in resource for text in (contact.organization, contact.name)}
    mails = {f"mailto:{point.value}" for contact in resource for point in contact.emails}
    concepts = [(theme, concept) for theme in record.themes for concept in theme.concepts]
    return {
        "title": {record.title},
        "description": {record.description},
        "identifier": {record.id},
        "licence": set()
        if licences.asserted(record) in ("", "other")
        else {licences.address_of(record.license)},
        "rights": {line for line in record.rights.split("\n") if line.strip()},
        "contacts": {encoded(text) for text in mails} | told,
        "addresses": {absolute(link.href) for link in record.links},
        "themes": {
            unquote(f"{TOPIC_CATEGORY}/{quote(item.id)}")
            if theme.scheme == TOPIC_CATEGORY
            else item.title or (encoded(item.id) if "://" in item.id else item.id)
            for theme, item in concepts
        },
        "keywords": set(record.keywords),
    }


def absolute(address: str) -> str:
    """An address as RDF holds it, which knows no relative one."""
    relative = ":" not in address.partition("/")[0]
    return f"urn:x-geoguichet:link:{quote(address)}" if relative else encoded(address)


def encoded(address: str) -> str:
    return "".join(
        quote(letter) if letter in ' <>"{}|\\^`\n\r\t' else letter for letter in address.strip()
    )


def extent_in(graph: rdflib.Graph, subject: rdflib.term.Node) -> Extent | None:
    literals: list[str] = []
    for place in graph.objects(subject, DCTERMS.spatial):
        shapes = [
            str(held)
            for node in graph.objects(place, LOCN.geometry)
            for held in graph.objects(node, GSP.asWKT)
        ]
        literals += [*texts(graph, place, DCAT.bbox), *shapes]
    pieces = [json.loads(shapely.to_geojson(shapely.from_wkt(text))) for text in literals]
    return (
        Extent.from_geometry({"type": "GeometryCollection", "geometries": pieces})
        if pieces
        else None
    )


def test_rdflib_finds_everything_in_the_dcat_of_every_record(
    made_or_real: str, numbered: list[Record], graph: rdflib.Graph
) -> None:
    assert len(numbered) > (1000 if made_or_real == "real" else 20)
    for record in numbered:
        subject = dcat.subject_of(record, "urn:x-geoguichet:record:")
        found, told = read_by_rdflib(graph, subject), said_by(record)
        lost = {name: told[name] - found[name] - {""} for name in told}
        assert not any(lost.values()), (record.id, lost)
        assert extent_in(graph, subject) == record.extent, record.id


def test_the_dcat_of_real_records_passes_the_shapes_of_dcat_ap(
    made_or_real: str, metadata: Path, numbered: list[Record], graph: rdflib.Graph
) -> None:
    """The shapes of DCAT-AP 3 as published, on one record in twelve; on all with
    GEOGUICHET_ALL_SHAPES. Ours pass those restated below.
    """
    shapes = rdflib.Graph().parse(data=SHAPES, format="turtle")
    if made_or_real == "real":
        published = metadata / "dcat-ttl" / "ckanext-dcat--dcat-ap_3_shacl_shapes.ttl"
        shapes = rdflib.Graph().parse(published)
    if made_or_real == "real" and not os.environ.get("GEOGUICHET_ALL_SHAPES"):
        page = dcat.write_catalogue(numbered[::12], title="Catalogue", publisher="Région")
        graph = rdflib.Graph().parse(data=page, format="turtle")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes)
    assert conforms, text[:2000]


def test_dcat_passes_the_shapes_restated(full_record: Record) -> None:
    """What DCAT-AP 3 makes mandatory, restated here: holds without the published shapes, for the
    barest record too.
    """
    shapes = rdflib.Graph().parse(data=SHAPES, format="turtle")
    bare = [Record(id=kind, type=kind) for kind in ("dataset", "series", "service")]
    page = dcat.write_catalogue([full_record, *bare], title="Catalogue", publisher="Région")
    conforms, _, text = pyshacl.validate(
        rdflib.Graph().parse(data=page, format="turtle"), shacl_graph=shapes
    )
    assert conforms, text


SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> . @prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> . @prefix locn: <http://www.w3.org/ns/locn#> .
@prefix : <urn:shape:> .
:resource sh:targetClass dcat:Dataset, dcat:DataService, dcat:DatasetSeries, dcat:Catalog ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:nodeKind sh:Literal ],
    [ sh:path dct:description ; sh:minCount 1 ; sh:nodeKind sh:Literal ],
    [ sh:path dct:publisher ; sh:maxCount 1 ; sh:class foaf:Agent ],
    [ sh:path dcat:contactPoint ; sh:class vcard:Kind ], [ sh:path dct:spatial ; sh:class dct:Location ],
    [ sh:path dct:temporal ; sh:class dct:PeriodOfTime ], [ sh:path dct:license ; sh:class dct:LicenseDocument ] .
:dataset sh:targetClass dcat:Dataset ; sh:property [ sh:path dcat:distribution ; sh:class dcat:Distribution ],
  [ sh:path dct:accrualPeriodicity ; sh:maxCount 1 ; sh:class dct:Frequency ] .
:service sh:targetClass dcat:DataService ;
  sh:property [ sh:path dcat:endpointURL ; sh:minCount 1 ; sh:nodeKind sh:IRI ] .
:distribution sh:targetClass dcat:Distribution ;
  sh:property [ sh:path dcat:accessURL ; sh:minCount 1 ; sh:nodeKind sh:IRI ],
    [ sh:path dcat:downloadURL ; sh:nodeKind sh:IRI ], [ sh:path dct:license ; sh:maxCount 1 ] .
:location sh:targetClass dct:Location ; sh:property [ sh:path dcat:bbox ; sh:maxCount 1 ; sh:nodeKind sh:Literal ],
  [ sh:path locn:geometry ; sh:maxCount 1 ; sh:class locn:Geometry ] .
:period sh:targetClass dct:PeriodOfTime ; sh:property [ sh:path dcat:startDate ; sh:maxCount 1 ],
  [ sh:path dcat:endDate ; sh:maxCount 1 ] .
:entry sh:targetClass dcat:CatalogRecord ; sh:property [ sh:path foaf:primaryTopic ; sh:minCount 1 ; sh:maxCount 1 ],
  [ sh:path dct:modified ; sh:minCount 1 ; sh:maxCount 1 ] .
:agent sh:targetClass foaf:Agent ; sh:property [ sh:path foaf:name ; sh:minCount 1 ; sh:nodeKind sh:Literal ] .
:catalogue sh:targetClass dcat:Catalog ; sh:property [ sh:path dct:publisher ; sh:minCount 1 ],
  [ sh:path dcat:dataset ; sh:class dcat:Dataset ], [ sh:path dcat:service ; sh:class dcat:DataService ] .
"""


TWO_DATASETS = """
@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> . @prefix ogc: <urn:ogc#> .
<urn:a> a dcat:Dataset ; dct:title "A" ; dct:spatial [ a ogc:P ; dct:title "ici" ], [ dct:title "là" ] .
[] a dcat:Dataset ; dct:title "B" ; dct:spatial [ a ogc:P ], [ dct:title "là-bas" ] ; dcat:keyword "b" .
"""
WRITING = """
import hashlib, json, sys
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.record import Record
told = json.load(sys.stdin)
records = [Record.from_geojson(told["record"]), Record(id="autre", type="service", title="Autre")]
parts = [part for _, part in dcat.parts(told["graph"].encode())]
pages = [dcat.write_catalogue(records, title="C", publisher="P", form=form) for form in ("turtle", "xml", "json-ld")]
print([hashlib.sha256(written).hexdigest() for written in parts + pages])
"""


def test_two_processes_write_the_same_rdf(full_record: Record) -> None:
    """rdflib names blank nodes at random and keeps much in sets, whose order is another in each
    process.
    """
    told = json.dumps({"record": full_record.to_geojson(), "graph": TWO_DATASETS})
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]
    one, other = (process.communicate(told, timeout=60)[0] for process in running)
    assert one == other
    assert one.count("'") == 10
