"""Real ISO records: read, given back byte for byte, edited without loss, understood by others once rewritten."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lxml import etree
from owslib.iso import MD_Metadata

from geoguichet.catalogue import iso19115_3, iso19139
from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.mapping import MEMBERS, said, with_members
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.xml import every, parse

FOLDERS = ("iso19139", "iso19139.che", "iso19115-2", "iso19115-3", "odd-or-invalid", "csw-responses")


@pytest.fixture(scope="module")
def elements(shared_data: Path) -> list[tuple[str, bytes, ModuleType]]:
    """Every metadata element of the real set: its file, its bytes, the format that claims it."""
    return list(_elements(shared_data / "metadata"))


def _elements(folder: Path) -> Iterator[tuple[str, bytes, ModuleType]]:
    for file in (file for name in FOLDERS for file in sorted((folder / name).glob("*.xml"))):
        try:
            root = parse(file.read_bytes())
        except FormatError:
            continue
        for node in [root, *every(root, "SearchResults", "*"), *every(root, "*")]:
            for iso in (iso19139, iso19115_3):
                if iso.claims(node):
                    yield file.name, file.read_bytes() if node is root else etree.tostring(node), iso


def told(record: Record, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: said(record, name) for name in MEMBERS if said(record, name) and name not in without}


def test_every_real_record_is_read_and_given_back(elements: list[tuple[str, bytes, ModuleType]]) -> None:
    assert len(elements) > 300
    for name, document, iso in elements:
        record = iso.read(document)
        assert record.id, name
        assert iso.write(record, source=document) == document, name


def test_an_edited_title_changes_the_title_alone(elements: list[tuple[str, bytes, ModuleType]]) -> None:
    for name, document, iso in elements:
        record = iso.read(document)
        edited = iso.read(iso.write(with_members(record, title="Un autre titre"), source=document))
        assert edited.title == "Un autre titre", name
        ours = ("title", "translations", "unreadable", *(("id",) if record.id.startswith("sans-") else ()))
        assert told(edited, without=ours) == told(record, without=ours), name


def test_unknown_elements_survive_an_edit() -> None:
    source = iso19139.write(Record(id="a", title="Avant", description="Un résumé"))
    kept = b"<gmd:credit xmlns:gmd='http://www.isotc211.org/2005/gmd'><x:note xmlns:x='urn:x'>ici</x:note></gmd:credit>"
    source = source.replace(b"</gmd:abstract>", b"</gmd:abstract>" + kept)
    written = iso19139.write(Record(id="a", title="Après", description="Un résumé"), source=source)
    assert b"urn:x" in written and b"ici" in written and "Après".encode() in written


def text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def read_by_owslib(document: bytes) -> dict[str, Any]:
    """What OWSLib understands of a document, in the parts that matter."""
    root = etree.fromstring(document)
    metadata = MD_Metadata(root)
    part = metadata.identification[0]
    box = getattr(getattr(part, "extent", None), "boundingBox", None)
    links = metadata.distribution.online if metadata.distribution else []
    return {
        "title": " ".join(text(part.title).split()),
        "contacts": sorted(text(contact.organization) for contact in part.contact),
        "extent": None if box is None else [float(side) for side in (box.minx, box.miny, box.maxx, box.maxy)],
        "links": [text(link.url) for link in links if text(link.url)],
        "dates": sorted((text(date.date), text(date.type)) for date in part.date if text(date.date)),
        "keywords": sorted(text(word.name) for group in part.keywords for word in group.keywords if text(word.name)),
    }


def ours(record: Record) -> dict[str, Any]:
    """What the same parts of our record are."""
    words = [*record.keywords]
    words += [item.title or item.id for theme in record.themes if theme.extra for item in theme.concepts]
    return {
        "title": " ".join(record.title.split()),
        "contacts": sorted(contact.organization for contact in record.contacts if not contact.extra.get("about")),
        "links": [
            link.href
            for link in record.links
            if link.rel != "preview" and not {"operation", "operatesOn"} & set(link.extra)
        ],
        "dates": sorted((date["date"], date["type"]) for date in said(record, "dates") or ()),
        "keywords": sorted(words),
    }


def test_owslib_understands_what_we_write(elements: list[tuple[str, bytes, ModuleType]]) -> None:
    for name, document, iso in elements:
        record = iso.read(document)
        read = read_by_owslib(iso19139.write(record))
        extent = read.pop("extent")
        assert read == ours(record), name
        if record.extent and extent:
            box = record.extent
            assert box.south <= extent[1] <= extent[3] <= box.north, name
            if record.geometry == box.as_geometry():
                assert extent == [box.west, box.south, box.east, box.north], name
        assert (extent is None) == (record.geometry is None), name


def test_pygeometa_understands_what_we_write(elements: list[tuple[str, bytes, ModuleType]]) -> None:
    from pygeometa.schemas.iso19139 import ISO19139OutputSchema

    schema = ISO19139OutputSchema()
    for name, document, iso in elements:
        record = iso.read(document)
        if record.geometry is None and record.time is None:
            continue  # pygeometa stumbles over any record without an extent
        mcf = schema.import_(iso19139.write(record).decode())
        said_there = mcf["identification"]
        assert " ".join(text(said_there["title"]).split()) == " ".join(record.title.split()), name
        hrefs = {text(link["url"]) for link in mcf["distribution"].values()}
        assert set(ours(record)["links"]) <= hrefs, name
        boxes = said_there["extents"]["spatial"][0]["bbox"]
        assert (not boxes) == (record.geometry is None) or not boxes, name
        assert len(said_there.get("keywords", {})) >= bool(ours(record)["keywords"]), name
