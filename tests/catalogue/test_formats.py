"""Documents of every format, real ones: what is well-formed is read, what is not is a finding that says why."""

import csv
import json
from pathlib import Path

import pyshacl
import pytest
import rdflib

from geoguichet.catalogue import dcat, formats
from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.mapping import MEMBERS, as_table
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.xml import parse

ROOT = Path(__file__).parents[2]

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


def test_every_well_formed_file_is_read(shared_data: Path) -> None:
    folder = shared_data / "metadata"
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.reader(table, delimiter=";"))[1:]
    well_formed = {Path(row[0]).name for row in rows if row[8] == "oui"}
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "MANIFEST.csv"]
    assert len(files) > 580
    for file in files:
        answer = formats.read(file.read_bytes(), address=file.name)
        if file.name in NOT_RECORDS:
            assert not answer.described, f"{file.name} is read now: take it off the list"
        elif file.name in well_formed or file.parent.name == "stac":
            assert answer.described, (file.name, answer.findings)
        if not answer.described:
            assert answer.findings and all(
                finding.message and finding.layer == file.name for finding in answer.findings
            )


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
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"x" * 100 + b'">]><a>&b;</a>', "ligne 1", "format connu"),
    ],
)
def test_what_cannot_be_read_is_a_finding(document: bytes, where: str, reason: str) -> None:
    [finding] = formats.read(document, address="ici").findings
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
    document = {"@context": "http://127.0.0.1:9/context", "@type": "dcat:Dataset", "title": "Un jeu", "identifier": "1"}
    [record] = dcat.read_all(json.dumps(document).encode())
    assert record.title == "Un jeu"


def test_the_page_of_formats_is_true() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert page.endswith(as_table(formats.mappings())), (
        "run `python -m geoguichet.catalogue.formats` and commit docs/formats.md"
    )
    for title, mapping in formats.mappings().items():
        known = set(MEMBERS) | {"fields"}
        assert {row.member.partition(".")[0] for row in mapping} <= known, title


def test_dcat_passes_the_shapes_of_dcat_ap(shared_data: Path, full_record: Record) -> None:
    shapes = rdflib.Graph().parse(shared_data / "metadata" / "dcat-ttl" / "ckanext-dcat--dcat-ap_3_shacl_shapes.ttl")
    page = dcat.write_catalogue([full_record], title="Catalogue", publisher="Région")
    graph = rdflib.Graph().parse(data=page, format="turtle")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes)
    assert conforms, text
