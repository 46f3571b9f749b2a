"""Real ISO records: read, given back byte for byte, edited without loss, understood by others once
rewritten.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest
from lxml import etree
from owslib.iso import MD_Metadata
from pygeometa.schemas.iso19139 import ISO19139OutputSchema

from geoguichet.catalogue.errors import FormatError
from geoguichet.catalogue.formats import codes, registry
from geoguichet.catalogue.formats.conversions import topic_codes
from geoguichet.catalogue.formats.iso import iso19115_3, iso19139, values
from geoguichet.catalogue.formats.iso.writing import distributed
from geoguichet.catalogue.formats.mapping import MEMBERS, TOPIC_CATEGORY, said, with_members
from geoguichet.catalogue.formats.xml import every, parse
from geoguichet.catalogue.record import Record

FOLDERS = (
    "iso19139",
    "iso19139.che",
    "iso19115-2",
    "iso19115-3",
    "odd-or-invalid",
    "csw-responses",
)


@pytest.fixture(scope="module")
def elements(metadata: Path) -> list[tuple[str, bytes, ModuleType]]:
    """Every metadata element of the real set: its file, its bytes, the format that claims it."""
    return list(_elements(metadata))


def _elements(folder: Path) -> Iterator[tuple[str, bytes, ModuleType]]:
    for file in (file for name in FOLDERS for file in sorted((folder / name).glob("*.xml"))):
        try:
            root = parse(file.read_bytes())
        except FormatError:
            continue
        for node in [root, *every(root, "SearchResults", "*"), *every(root, "*")]:
            for iso in (iso19139, iso19115_3):
                if iso.claims(node):
                    yield (
                        file.name,
                        file.read_bytes() if node is root else etree.tostring(node),
                        iso,
                    )


def read(document: bytes) -> Record:
    [record] = registry.read_document(document).records
    return record


def told(record: Record, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        name: said(record, name) for name in MEMBERS if said(record, name) and name not in without
    }


def test_every_real_record_is_read_and_given_back(
    made_or_real: str, elements: list[tuple[str, bytes, ModuleType]]
) -> None:
    assert len(elements) > (300 if made_or_real == "real" else 7)
    for name, document, iso in elements:
        record = read(document)
        assert record.id, name
        assert iso.write(record, source=document) == document, name


def test_the_short_way_reads_contacts_as_the_long_one(
    elements: list[tuple[str, bytes, ModuleType]], monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly = [read(document).contacts for _, document, _ in elements]
    monkeypatch.setattr(values, "_plain_contact", lambda _party, _about: None)
    for (name, document, _), contacts in zip(elements, quickly, strict=True):
        assert contacts == read(document).contacts, name


def test_an_edited_title_changes_the_title_alone(
    elements: list[tuple[str, bytes, ModuleType]],
) -> None:
    for name, document, iso in elements:
        record = read(document)
        edited = read(iso.write(with_members(record, title="Un autre titre"), source=document))
        assert edited.title == "Un autre titre", name
        ours = (
            "title",
            "translations",
            "unreadable",
            *(("id",) if record.id.startswith("sans-") else ()),
        )
        assert told(edited, without=ours) == told(record, without=ours), name


def test_unknown_elements_survive_an_edit() -> None:
    source = iso19139.write(Record(id="a", title="Avant", description="Un résumé"))
    kept = b"<gmd:credit xmlns:gmd='http://www.isotc211.org/2005/gmd'><x:note xmlns:x='urn:x'>ici</x:note></gmd:credit>"
    source = source.replace(b"</gmd:abstract>", b"</gmd:abstract>" + kept)
    written = iso19139.write(Record(id="a", title="Après", description="Un résumé"), source=source)
    assert b"urn:x" in written and b"ici" in written and "Après".encode() in written


def text(value: Any) -> str:
    return "" if value is None else str(value).strip()


@pytest.fixture(scope="module")
def written(metadata: Path) -> list[tuple[str, Record, bytes]]:
    """Every record of the real set, whatever its format, with the ISO 19139 we write of it."""
    files = [file for file in sorted(metadata.rglob("*")) if file.is_file()]
    records = [
        (file.name, record)
        for file in files
        for record in registry.read_document(file.read_bytes()).records
    ]
    return [(name, record, iso19139.write(record)) for name, record in records]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """The public schemas of ISO 19139 (EDEN's copy, with GML 3.2.1), out of the package that `make
    schemas` fetches.
    """
    packages = sorted((Path(sys.prefix) / "schemas").glob("ckanext_spatial-*.whl"))
    if not packages:
        pytest.skip("the XML schemas of ISO 19139 are not here (make schemas)")
    folder = tmp_path_factory.mktemp("schemas")
    with ZipFile(packages[0]) as package:
        package.extractall(
            folder, [name for name in package.namelist() if "/iso19139eden/" in name]
        )
    (entry,) = folder.rglob("gmx_and_srv.xsd")
    namespaces = {"gmd": "gmd/gmd.xsd", "gmx": "gmx/gmx.xsd", "srv": "srv/srv.xsd"}
    imports = "".join(
        f'<import namespace="http://www.isotc211.org/2005/{name}" schemaLocation="{file}"/>'
        for name, file in namespaces.items()
    )
    entry.write_text(f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>')
    return etree.XMLSchema(file=str(entry))


def test_what_we_write_is_valid(
    written: list[tuple[str, Record, bytes]], schema: etree.XMLSchema
) -> None:
    for name, _, document in written:
        assert schema.validate(etree.fromstring(document)), (name, str(schema.error_log)[:500])


def addresses(record: Record) -> list[str]:
    return [
        link.href.replace("[", "%5B").replace("]", "%5D")
        for link in record.links
        if distributed(link)
    ]


def periods(record: Record) -> list[tuple[str, str]]:
    return sorted((date["date"], date.get("type") or "") for date in said(record, "dates") or ())


def keywords(record: Record) -> list[str]:
    words = [*record.keywords]
    for theme in record.themes:
        words += [
            item.title or item.id for item in theme.concepts if theme.scheme != TOPIC_CATEGORY
        ]
    listed = codes.TOPIC_CATEGORIES
    return sorted([*words, *(code for code in topic_codes(record) if code not in listed)])


def responsible(record: Record) -> list[tuple[str, str]]:
    mine = [contact for contact in record.contacts if not contact.extra.get("about")]
    return [(contact.roles[0] if contact.roles else "", contact.organization) for contact in mine]


def sides(record: Record) -> list[float] | None:
    box = record.extent
    return None if box is None else [box.west, box.south, box.east, box.north]


def test_owslib_reads_what_we_wrote_of_every_record(
    made_or_real: str, written: list[tuple[str, Record, bytes]]
) -> None:
    assert len(written) > (1000 if made_or_real == "real" else 20)
    for name, record, document in written:
        metadata = MD_Metadata(etree.fromstring(document))
        part = metadata.identification[0]
        links = metadata.distribution.online if metadata.distribution else []
        box = part.extent.boundingBox if part.extent else None
        found = {
            "title": " ".join(text(part.title).split()),
            "contacts": [
                (text(contact.role), text(contact.organization)) for contact in part.contact
            ],
            "extent": None
            if box is None
            else [float(side) for side in (box.minx, box.miny, box.maxx, box.maxy)],
            "links": [text(link.url) for link in links],
            "dates": sorted(
                (text(date.date), text(date.type)) for date in part.date if text(date.date)
            ),
            "keywords": sorted(
                text(word.name) for group in part.keywords for word in group.keywords
            ),
        }
        assert found == {
            "title": " ".join(record.title.split()),
            "contacts": responsible(record),
            "extent": sides(record),
            "links": addresses(record),
            "dates": periods(record),
            "keywords": keywords(record),
        }, name


def test_pygeometa_reads_what_we_wrote_of_every_record(
    written: list[tuple[str, Record, bytes]],
) -> None:
    """MCF keeps one date of each type and one contact of each role, the last."""
    schema = ISO19139OutputSchema()
    for name, record, document in written:
        mcf = schema.import_(document.decode())
        resource = mcf["identification"]
        groups = resource.get("keywords", {}).values()
        dates = {
            text(kind): text(date) for kind, date in resource.get("dates", {}).items() if text(date)
        }
        found = {
            "title": " ".join(text(resource["title"]).split()),
            "contacts": {
                text(role): text(party.get("organization"))
                for role, party in mcf["contact"].items()
            },
            "extent": resource["extents"]["spatial"][0]["bbox"] or None,
            "links": [text(link["url"]) for link in mcf["distribution"].values()],
            "dates": dates,
            "keywords": sorted(text(word) for group in groups for word in group["keywords"]),
        }
        assert found == {
            "title": " ".join(record.title.split()),
            "contacts": dict(responsible(record)),
            "extent": sides(record),
            "links": addresses(record),
            "dates": {date.get("type") or "": date["date"] for date in said(record, "dates") or ()},
            "keywords": keywords(record),
        }, name


def test_addresses_written_in_several_languages_are_read() -> None:
    """Swiss profiles give a link no address but those of its languages; anchors name people and
    organizations.
    """
    urls = (
        "<gmd:linkage><che:PT_FreeURL>"
        + "".join(
            "<che:URLGroup><che:LocalisedURL "
            f"locale='#{code}'>https://exemple.ch/{code}</che:LocalisedURL></che:URLGroup>"
            for code in ("DE", "FR")
        )
        + "</che:PT_FreeURL></gmd:linkage>"
    )
    document = f"""<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd" xmlns:gmx="http://www.isotc211.org/2005/gmx"
        xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:che="http://www.geocat.ch/2008/che">
      <gmd:contact><gmd:CI_ResponsibleParty>
        <gmd:individualName><gmx:Anchor xlink:href="https://orcid.org/1">Anne Puig</gmx:Anchor></gmd:individualName>
        <gmd:organisationName><gmx:Anchor xlink:href="https://ror.org/1">Office</gmx:Anchor></gmd:organisationName>
        <gmd:contactInfo><gmd:CI_Contact><gmd:onlineResource><gmd:CI_OnlineResource>{urls}</gmd:CI_OnlineResource>
        </gmd:onlineResource></gmd:CI_Contact></gmd:contactInfo></gmd:CI_ResponsibleParty></gmd:contact>
      <gmd:distributionInfo><gmd:MD_Distribution><gmd:transferOptions><gmd:MD_DigitalTransferOptions><gmd:onLine>
        <gmd:CI_OnlineResource>{urls}</gmd:CI_OnlineResource>
      </gmd:onLine></gmd:MD_DigitalTransferOptions></gmd:transferOptions></gmd:MD_Distribution></gmd:distributionInfo>
    </gmd:MD_Metadata>"""
    record = read(document.encode())
    assert [link.href for link in record.links] == ["https://exemple.ch/DE"]
    (contact,) = record.contacts
    assert [link.href for link in contact.links] == ["https://exemple.ch/DE"]
    assert (contact.extra["identifier"], contact.extra["organizationIdentifier"]) == (
        "https://orcid.org/1",
        "https://ror.org/1",
    )


def test_an_edited_statement_leaves_the_rest_of_the_lineage(
    elements: list[tuple[str, bytes, ModuleType]],
) -> None:
    stepped = [
        item for item in elements if b":LI_ProcessStep>" in item[1] or b":LI_Source>" in item[1]
    ]
    assert stepped
    for name, document, iso in stepped:
        record = read(document)
        edited = iso.write(with_members(record, lineage="Une autre généalogie."), source=document)
        assert said(read(edited), "lineage") == "Une autre généalogie.", name
        assert steps(edited) == steps(document), name


def steps(document: bytes) -> list[bytes]:
    kinds = ("{*}LI_ProcessStep", "{*}LI_Source")
    return [
        etree.tostring(node, method="c14n", with_tail=False)
        for node in parse(document).iter(*kinds)
    ]
