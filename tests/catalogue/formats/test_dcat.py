"""DCAT read as RDF: graphs, bases, languages, OWL-Time; rights as evidence."""

import json

import pytest

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.dcat.document import next_page
from geoguichet.catalogue.record import Record

PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix time: <http://www.w3.org/2006/time#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix hydra: <http://www.w3.org/ns/hydra/core#> .
"""
PAGE = "https://portail.test/a/catalogue.ttl"


def read(turtle: str, address: str = "") -> tuple[Record, ...]:
    answer = registry.read_document((PREFIXES + turtle).encode(), address=address)
    assert answer.findings == ()
    return answer.records


def one(about: str) -> Record:
    [record] = read(f'<urn:x> a dcat:Dataset ; dct:title "X" ; {about} .')
    return record


# --- addresses, graphs and entities ---------------------------------------------------------------

RELATIVE = (
    '<jeu/1> a dcat:Dataset ; dct:title "Un" ; dcat:landingPage </pages/1> ;'
    " dcat:distribution [ dcat:accessURL <../voir?x=1> ; dcat:downloadURL <f.zip> ] ."
)


def test_relative_addresses_are_those_of_the_page_they_were_read_on() -> None:
    [record] = read(RELATIVE, PAGE)
    assert record.id == "https://portail.test/a/jeu/1"
    assert {link.href for link in record.links} == {
        "https://portail.test/a/f.zip",
        "https://portail.test/voir?x=1",
        "https://portail.test/pages/1",
    }


@pytest.mark.parametrize("address", ["", "/home/anne/a.ttl", "file:///srv/b/a.ttl"])
def test_in_a_file_relative_addresses_stay_relative_and_are_told(address: str) -> None:
    [record] = read(RELATIVE, address)
    assert (record.id, record.links[0].href) == ("jeu/1", "f.zip")
    assert "relative" in record.extra_properties["unreadable"][0]["reason"]
    assert not {"file:", "invalid"} & set(str(record.to_geojson()).split('"'))


def test_a_base_that_the_document_says_is_the_one() -> None:
    [record] = read("@base <https://autre.test/b/> . " + RELATIVE, PAGE)
    assert record.id == "https://autre.test/b/jeu/1"


def test_the_page_after_is_relative_to_this_one() -> None:
    page = (PREFIXES + "<> hydra:next <?page=2> .").encode()
    assert next_page(page, PAGE) == PAGE + "?page=2"
    assert next_page(page) == "?page=2"


def test_every_graph_of_a_dataset_is_read() -> None:
    context = {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"}
    kind = {"@type": "dcat:Dataset"}
    document = {
        "@context": context,
        "@graph": [
            {"@id": "urn:g1", "@graph": [{"@id": "urn:a", **kind, "dct:title": "A"}]},
            {"@id": "urn:g2", "@graph": [{"@id": "urn:b", **kind, "dct:identifier": "b"}]},
            {"@id": "urn:b", "dct:title": "B, d'un autre graphe"},
        ],
    }
    told = registry.read_document(json.dumps(document).encode()).records
    assert [(record.id, record.title) for record in told] == [
        ("b", "B, d'un autre graphe"),
        ("urn:a", "A"),
    ]
    trig = '<urn:g> { <urn:t> a dcat:Dataset ; dct:title "TriG" }'
    assert [record.title for record in read(trig)] == ["TriG"]
    quads = (
        "<urn:q> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
        "<http://www.w3.org/ns/dcat#Dataset> <urn:g> .\n"
        '<urn:q> <http://purl.org/dc/terms/title> "N-Quads" <urn:g> .\n'
    )
    assert [record.title for record in registry.read_document(quads.encode()).records] == [
        "N-Quads"
    ]


XML = """<?xml version="1.0"?><!DOCTYPE rdf:RDF [ {} ]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dct="http://purl.org/dc/terms/"
 xmlns:dcat="http://www.w3.org/ns/dcat#"><dcat:Dataset rdf:about="&d;1"><dct:title>A</dct:title>
 <dct:issued rdf:datatype="&xsd;date">2020-01-02</dct:issued></dcat:Dataset></rdf:RDF>"""


def test_the_entities_of_rdf_xml_are_read_and_no_other() -> None:
    own = '<!ENTITY xsd "http://www.w3.org/2001/XMLSchema#"> <!ENTITY d "https://d.test/">'
    [record] = registry.read_document(XML.format(own).encode()).records
    assert record.id == "https://d.test/1"
    assert record.extra_properties["dates"] == [{"date": "2020-01-02", "type": "publication"}]
    outside = '<!ENTITY xsd SYSTEM "file:///etc/hostname"> <!ENTITY d "https://d.test/">'
    answer = registry.read_document(XML.format(outside).encode())
    assert not answer.records and answer.findings[0].severity == "error"


def test_entities_that_grow_without_end_are_refused() -> None:
    grown = '<!ENTITY e0 "https://d.test/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"> ' + " ".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 9)
    )
    own = grown + ' <!ENTITY d "&e8;"> <!ENTITY xsd "x">'
    answer = registry.read_document(XML.format(own).encode())
    assert not answer.records and "XML mal formé" in answer.findings[0].message


@pytest.mark.parametrize(
    "document",
    [
        PREFIXES + "<urn:a> a dcat:Dataset ; dct:title ",
        '{"@context": {"a": {"@id": 3}}, "@id": "urn:a", "@type": "a"}',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:li rdf:ID="1 2"/></rdf:RDF>',
    ],
)
def test_what_is_no_rdf_is_told_in_a_sentence(document: str) -> None:
    answer = registry.read_document(document.encode(), address="ici")
    assert not answer.records and len(answer.findings) == 1


def test_one_bad_dataset_does_not_take_the_others_away() -> None:
    good = '<urn:b> a dcat:Dataset ; dct:title "B" .'
    deep = '{"type": "Polygon", "coordinates": ' + "[" * 3000 + "]" * 3000 + "}"
    bad = f"<urn:a> a dcat:Dataset ; dct:title \"A\" ; dct:spatial [ dcat:bbox '{deep}' ] ."
    answer = registry.read_document((PREFIXES + good + bad).encode())
    assert "B" in [record.title for record in answer.records]
    assert len(answer.records) + len(answer.findings) == 2


# --- languages --------------------------------------------------------------------------------------


def test_every_text_is_french_first_whatever_says_it() -> None:
    record = one(
        'dct:publisher [ a foaf:Organization ; foaf:name "Agency"@en, "Agence"@fr-FR ] ;'
        ' dcat:keyword "road"@en, "route"@fr, "Straße"@de ;'
        ' dct:rights [ rdfs:label "Free"@en, "Libre"@fr ] ;'
        ' dct:provenance "From photos"@en, "Des photos"@fr ;'
        ' dcat:theme [ a skos:Concept ; skos:prefLabel "Soil"@en, "Sol"@fr ] ;'
        ' dcat:distribution [ dcat:downloadURL <https://a.test/f> ; dct:title "File"@en, "Fichier"@fr ]'
    )
    assert record.contacts[0].organization == "Agence"
    assert record.keywords[0] == "route" and set(record.keywords) == {"route", "road", "Straße"}
    assert record.rights == "Libre"
    assert record.links[0].title == "Fichier"
    assert [theme.concepts[0].id for theme in record.themes] == ["Sol"]
    assert record.extra_properties["lineage"] == "Des photos"
    assert record.extra_properties["translations"]["en"]["lineage"] == "From photos"


def test_a_record_that_speaks_english_is_read_in_english() -> None:
    [record] = read(
        '<urn:x> a dcat:Dataset ; dct:title "Sols"@fr, "Soils"@en ;'
        ' dct:publisher [ foaf:name "Agence"@fr, "Agency"@en ] ;'
        ' foaf:isPrimaryTopicOf [ dct:language "en" ; dct:identifier "x" ] .'
    )
    assert (record.title, record.contacts[0].organization) == ("Soils", "Agency")
    assert record.extra_properties["translations"] == {"fr": {"title": "Sols"}}


def test_a_text_without_a_language_is_kept_before_one_in_another() -> None:
    assert one('dct:description "Anonyme", "English"@en').description == "Anonyme"
    lineage = one('dct:provenance "Levé", "Relevé"@fr, "Survey"@en').extra_properties["lineage"]
    assert lineage == "Levé\n\nRelevé" or lineage == "Relevé"


def test_what_a_record_does_not_say_is_a_dash_that_is_not_read_back() -> None:
    written = registry.rewrite(Record(id="x", type="dataset"), "dcat-ttl", b"")
    assert 'dct:description "—"'.encode() in written and 'dct:title "—"'.encode() in written
    [back] = registry.read_document(written).records
    assert (back.title, back.description) == ("", "")


def test_the_lineage_in_another_language_comes_back() -> None:
    record = one('dct:provenance [ rdfs:label "Des photos"@fr, "From photos"@en ]')
    written = registry.rewrite(record, "dcat-ttl", b"")
    [back] = registry.read_document(written).records
    for member in ("lineage", "translations"):
        assert back.extra_properties[member] == record.extra_properties[member]


# --- time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "right"),
    [
        (
            '[ time:hasBeginning [ time:inXSDgYear "2011"^^xsd:gYear ] ;'
            ' time:hasEnd [ time:inXSDgYearMonth "2014-06"^^xsd:gYearMonth ] ]',
            {"interval": ["2011", "2014-06"]},
        ),
        (
            '[ time:hasBeginning [ time:inXSDDateTimeStamp "2011-01-01T00:00:00Z"^^xsd:dateTimeStamp ] ]',
            {"interval": ["2011-01-01T00:00:00Z", ".."]},
        ),
        (
            '[ dcat:startDate "2010-01-01+01:00"^^xsd:date ; dcat:endDate "2011-01-01"^^xsd:date ]',
            {"interval": ["2010-01-01", "2011-01-01"]},
        ),
        ('"start=2001-02; end=2003; scheme=W3C-DTF"', {"interval": ["2001-02", "2003"]}),
        ('"2001/2003"', {"interval": ["2001", "2003"]}),
        ('"2001"', {"date": "2001"}),
    ],
)
def test_a_period_is_read_however_it_is_said(period: str, right: dict[str, object]) -> None:
    assert one(f"dct:temporal {period}").to_geojson()["time"] == right


def test_a_period_that_is_none_is_told() -> None:
    record = one('dct:temporal [ dcat:startDate "au printemps" ]')
    assert record.time is None
    assert record.extra_properties["unreadable"][0]["text"] == "au printemps/"


@pytest.mark.parametrize(
    "period",
    ['"2019/tôt"', '[ dcat:startDate "2019" ; dcat:endDate "tôt" ]', '"start=2019; end=tôt"'],
)
def test_an_end_that_is_not_understood_is_told_and_not_open_silently(period: str) -> None:
    record = one(f"dct:temporal {period}")
    assert record.to_geojson()["time"] == {"interval": ["2019", ".."]}
    assert record.extra_properties["unreadable"][0]["text"] == "2019/tôt"
    assert "unreadable" not in one('dct:temporal "2019/.."').extra_properties
    dublin = (
        '<csw:Record xmlns:csw="http://www.opengis.net/cat/csw/2.0.2"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dct="http://purl.org/dc/terms/">'
        "<dc:identifier>x</dc:identifier><dct:temporal>2019/tôt</dct:temporal></csw:Record>"
    )
    [record] = registry.read_document(dublin.encode()).records
    assert record.to_geojson()["time"] == {"interval": ["2019", ".."]}
    assert record.extra_properties["unreadable"][0]["text"] == "2019/tôt"
    [record] = registry.read_document(dublin.replace("tôt", "2018").encode()).records
    assert record.time is None and record.extra_properties["unreadable"][0]["text"] == "2019/2018"
    mcf = (
        "mcf: {version: 1.0}\nmetadata: {identifier: x}\nidentification:\n  title: X\n"
        "  extents: {temporal: [{begin: 2019, end: tôt}]}\n"
    )
    [record] = registry.read_document(mcf.encode()).records
    assert record.to_geojson()["time"] == {"interval": ["2019", ".."]}
    assert record.extra_properties["unreadable"][0]["text"] == "2019/tôt"


# --- links ------------------------------------------------------------------------------------------


def test_the_file_and_the_page_of_a_distribution_are_two_links() -> None:
    record = one(
        'dcat:distribution [ dcat:accessURL <https://a.test/p> ; dct:title "F" ;'
        " dcat:downloadURL <https://a.test/1.zip>, <https://a.test/2.zip> ]"
    )
    assert [(link.href, link.rel) for link in record.links] == [
        ("https://a.test/1.zip", "enclosure"),
        ("https://a.test/2.zip", "enclosure"),
        ("https://a.test/p", "related"),
    ]
    same = one(
        "dcat:distribution [ dcat:accessURL <https://a.test/f> ; dcat:downloadURL <https://a.test/f> ]"
    )
    assert [link.rel for link in same.links] == ["enclosure"]


@pytest.mark.parametrize(
    "literal",
    [
        "<http://www.opengis.net/def/crs/EPSG/0/2154> POINT(574357.8 6279642.9)",
        '<gml:Point srsName=\\"urn:ogc:def:crs:EPSG::4171\\"><gml:pos>43.604 1.444</gml:pos></gml:Point>',
        '<?xml version=\\"1.0\\"?><g:Point xmlns:g=\\"http://www.opengis.net/gml\\" '
        'srsName=\\"EPSG:2154\\"><g:coordinates>574357.8,6279642.9</g:coordinates></g:Point>',
        '{\\"type\\":\\"Point\\",\\"coordinates\\":[1.444,43.604]}',
    ],
)
def test_a_place_is_read_in_any_system_and_syntax(literal: str) -> None:
    geometry = one(f'dct:spatial [ dcat:centroid "{literal}" ]').geometry
    assert geometry is not None
    assert geometry["coordinates"] == pytest.approx([1.444, 43.604], abs=0.001)
