"""A document of any format, read: which format it is, the records it holds, each with the part it
came from.

Reading never stops at one bad record: what cannot be read is a finding with its line and reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lxml import etree

from geoguichet.catalogue.errors import FormatError, RecordError
from geoguichet.catalogue.formats import (
    capabilities,
    ckan,
    csv_table,
    dublin_core,
    fgdc,
    isogeo,
    mcf,
    ogc_collection,
    qmd,
    schema_org,
    stac,
    udata,
)
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.formats.iso import iso19110, iso19115_3, iso19139, reading
from geoguichet.catalogue.formats.mapping import MEMBERS, Mapped, as_table
from geoguichet.catalogue.formats.xml import Element, line_of, name, parse
from geoguichet.catalogue.record import Record
from geoguichet.floor.findings import Finding

FORMATS: Mapping[str, tuple[str, ModuleType]] = {
    "iso19139": ("ISO 19139", iso19139),
    "iso19115-3": ("ISO 19115-3", iso19115_3),
    "dcat": ("DCAT-AP 3 / GeoDCAT-AP", dcat),
    "schema-org": ("schema.org", schema_org),
    "dublin-core": ("Dublin Core (CSW record)", dublin_core),
    "ckan": ("CKAN", ckan),
    "udata": ("udata", udata),
    "mcf": ("MCF (pygeometa)", mcf),
    "csv": ("CSV", csv_table),
    "fgdc": ("FGDC CSDGM and DIF", fgdc),
    "iso19110": ("ISO 19110", iso19110),
    "capabilities": ("Capabilities of OGC services", capabilities),
    "ogc-collection": ("Collection of an OGC API", ogc_collection),
    "stac": ("STAC", stac),
    "isogeo": ("Isogeo", isogeo),
    "qmd": ("QMD (QGIS)", qmd),
}
"""Every format with its name; OGC API Records is the record itself."""

_XML = (
    ("iso19115-3", iso19115_3.claims, reading.read_element),
    ("iso19139", iso19139.claims, reading.read_element),
    ("dublin-core", dublin_core.claims, dublin_core.read_element),
    ("iso19110", iso19110.claims, iso19110.read_element),
    ("fgdc", fgdc.claims, fgdc.read_element),
    ("qmd", qmd.claims, qmd.read_element),
)

WRITERS: Mapping[str, tuple[str, Callable[[Record], bytes]]] = {
    "geojson": (
        "json",
        lambda record: json.dumps(record.to_geojson(), ensure_ascii=False, indent=2).encode(),
    ),
    "iso19139": ("xml", iso19139.write),
    "iso19115-3": ("xml", iso19115_3.write),
    "dcat-ttl": ("ttl", lambda record: dcat.write(record, form="turtle")),
    "dcat-rdf": ("rdf", lambda record: dcat.write(record, form="xml")),
    "dcat-jsonld": ("jsonld", lambda record: dcat.write(record, form="json-ld")),
    "schema-org": ("jsonld", schema_org.write),
    "dublin-core": ("xml", dublin_core.write),
    "mcf": ("yml", mcf.write),
    "csv": ("csv", lambda record: csv_table.write([record])),
}
"""Formats a record is written in: the ending of the file, and what writes it."""

_REWRITERS = {"iso19139": iso19139.write, "iso19115-3": iso19115_3.write}
"""Formats whose edited records are written into the document they came from."""


@dataclass(frozen=True, slots=True)
class Described:
    """A record with the document it came from, or its part of a larger document, and that
    document's format.
    """

    record: Record
    format: str
    source: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a document holds: its records, and what in it could not be read."""

    described: tuple[Described, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """The records alone."""
        return tuple(item.record for item in self.described)


def read(document: bytes, *, address: str = "") -> Answer:
    """Read every record of a document whatever its format; ``address`` names it in the findings.
    Never raises.
    """
    described: list[Described] = []
    findings: list[Finding] = []
    try:
        for item in _open(document):
            try:
                described.append(item())
            except (FormatError, RecordError) as error:
                findings.append(_unreadable(error, address))
    except (FormatError, RecordError) as error:
        findings.append(_unreadable(error, address))
    if not described and not findings:
        findings.append(Finding("no-record", address, "", "aucune fiche dans ce document.", "info"))
    return Answer(tuple(described), tuple(findings))


def _unreadable(error: FormatError | RecordError, address: str) -> Finding:
    line = getattr(error, "line", 0)
    return Finding(
        "unreadable",
        address,
        f"ligne {line}" if line else "",
        f"fiche illisible : {error}",
        "error",
    )


def rewrite(record: Record, form: str, source: bytes) -> bytes:
    """Return an edited record in the format of its source, what is unknown kept where the format
    allows it.
    """
    if form in _REWRITERS:
        return _REWRITERS[form](record, source=source)
    if form in WRITERS:
        return WRITERS[form][1](record)
    raise FormatError(f"format : « {form} » ne s'écrit pas ; attendu {', '.join(WRITERS)}.")


def mappings() -> dict[str, tuple[Mapped, ...]]:
    """Return the mapping table of every format, by its name."""
    return {title: module.MAPPING for title, module in FORMATS.values()}


# --- documents and what they hold
# ------------------------------------------------------------------------------------


def _open(document: bytes) -> Iterator[Callable[[], Described]]:
    """Yield a reader for each record of a document."""
    head = document.lstrip(b"\xef\xbb\xbf \t\r\n")[:512]
    if not head:
        raise FormatError("le document est vide.")
    if head.startswith(b"<") and not head.startswith(b"<http"):
        yield from _open_xml(document)
    elif head[:1] in (b"{", b"["):
        yield from _open_json(document)
    elif b"mcf:" in document[:20_000] and b"identification:" in document:
        yield lambda: Described(mcf.read(document), "mcf", document)
    elif any(mark in document for mark in (b"@prefix", b"PREFIX", b"<http", b"@base")):
        yield from _open_rdf(document)
    else:
        raise FormatError("ce document n'est ni du XML, ni du JSON, ni du RDF, ni du MCF.")


def _open_rdf(document: bytes) -> Iterator[Callable[[], Described]]:
    for record, part in dcat.read_parts(document):
        yield _ready(record, "dcat", part)


def _ready(record: Record, form: str, source: bytes) -> Callable[[], Described]:
    return lambda: Described(record, form, source)


def _open_xml(document: bytes) -> Iterator[Callable[[], Described]]:
    root = parse(document, blanks=False)
    if any(claims(root) for _, claims, _ in _XML):
        yield _element_reader(root, document)
        return
    root = parse(document)  # what stands around its records is given back as it came
    if name(root) == "RDF":
        yield from _open_rdf(document)
        return
    if capabilities.claims(root):
        for record in capabilities.read_element(root):
            yield _ready(record, "capabilities", document)
        return
    elements = list(elements_of(root))
    for element in elements:
        if name(element) == "RDF":
            yield from _open_rdf(etree.tostring(element, with_tail=False))
        else:
            yield _element_reader(element, b"")
    if not elements and name(root) not in _CONTAINERS:
        raise FormatError(
            f"<{name(root)}> n'est pas une fiche d'un format connu.", line=line_of(root)
        )


_CONTAINERS = frozenset(
    {
        "GetRecordsResponse",
        "GetRecordByIdResponse",
        "OAI-PMH",
        "ListRecords",
        "GetRecord",
        "SearchResults",
    }
)


_HOLDERS = frozenset({"SearchResults", "GetRecordByIdResponse"})
"""Elements whose every child is a record."""


def elements_of(root: Element) -> Iterator[Element]:
    """Yield the elements that are records, in the document or in the answer of a catalogue, however
    deep.
    """
    if any(claims(root) for _, claims, _ in _XML):
        yield root
        return
    for node in root:
        if name(node) == "RDF" or (name(root) in _HOLDERS and name(node)):
            yield node
        elif name(node) in _CONTAINERS or name(node) in ("record", "metadata"):
            yield from elements_of(node)


def _element_reader(element: Element, document: bytes) -> Callable[[], Described]:
    form, reader = next(
        ((form, reader) for form, claims, reader in _XML if claims(element)), ("", None)
    )

    def read_it() -> Described:
        if reader is None:
            raise FormatError(
                f"<{name(element)}> n'est pas une fiche d'un format connu.", line=line_of(element)
            )
        record = reader(element)
        return Described(
            record,
            form,
            document
            or etree.tostring(element, encoding="UTF-8", xml_declaration=True, with_tail=False),
        )

    return read_it


def _open_json(document: bytes) -> Iterator[Callable[[], Described]]:
    try:
        told = json.loads(document.lstrip(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise FormatError(f"JSON mal formé, ligne {line} : {error}.", line=line) from error
    if stac.claims(told):
        records, form = stac.read_documents(told), "stac"
    elif udata.claims(told):
        yield from _parts("udata", udata.datasets(told), udata.read_dataset, document)
        return
    elif ckan.claims(told):
        yield from _parts("ckan", ckan.packages(told), ckan.read_package, document)
        return
    elif isogeo.claims(told):
        records, form = [isogeo.read_document(told)], "isogeo"
    elif isinstance(told, Mapping) and told.get("type") in ("Feature", "FeatureCollection"):
        features = told.get("features", []) if told["type"] == "FeatureCollection" else [told]
        yield from _parts("geojson", features, Record.from_geojson, document)
        return
    elif ogc_collection.claims(told):
        yield from _parts("ogc-collection", [told], ogc_collection.read_document, document)
        return
    elif dcat.claims_json(told):
        yield from _open_rdf(document)
        return
    else:
        raise FormatError("ce JSON n'est pas une fiche d'un format connu.")
    for record in records:
        yield _ready(record, form, document)


def _parts(
    form: str, parts: list[Any], reader: Callable[[Any], Record], document: bytes
) -> Iterator[Callable[[], Described]]:
    for part in parts:
        source = document if len(parts) == 1 else json.dumps(part, ensure_ascii=False).encode()

        def read_it(part: Any = part, source: bytes = source) -> Described:
            try:
                return Described(reader(part), form, source)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise FormatError(
                    f"membre inattendu ({type(error).__name__} : {error})."
                ) from error

        yield read_it


def _page() -> str:
    """Return the page that lists what each format maps."""
    rows = "\n".join(f"| {member} | {meaning} |" for member, meaning in MEMBERS.items())
    return (
        "# Formats\n\n"
        "Made from the mapping tables of the code by `python -m "
        "geoguichet.catalogue.formats.registry`; a test keeps it true.\n"
        "→ is read, ← is written, ↔ both. OGC API Records (GeoJSON) is the record itself.\n\n"
        "The document a record came from is kept: unedited, it is given back byte for byte; "
        "edited, ISO 19139 and\n"
        "ISO 19115-3 rewrite only what changed in it and keep what they do not know. What "
        "cannot be\n"
        "understood is told in the member `unreadable`, with its line and why; `catalogue check` "
        "shows it.\n\n"
        f"## Members\n\n| member | meaning |\n| --- | --- |\n{rows}\n\n{as_table(mappings())}"
    )


if __name__ == "__main__":
    Path("docs/formats.md").write_text(_page(), encoding="utf-8")
