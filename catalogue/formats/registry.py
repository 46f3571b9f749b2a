"""Every format: a document of any of them, read into the records it holds, each with the part it
came from; a record written in any of them.

Reading never stops at one bad record: what cannot be read is a finding with its line and reason.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from lxml import etree

from geoguichet.catalogue.errors import FormatError, RecordError
from geoguichet.catalogue.formats import (
    capabilities,
    ckan,
    csv_table,
    dublin_core,
    fgdc,
    geojson,
    isogeo,
    mcf,
    ogc_collection,
    qmd,
    schema_org,
    stac,
    udata,
)
from geoguichet.catalogue.formats.dcat import document as dcat
from geoguichet.catalogue.formats.iso import iso19110, iso19115_3, iso19139
from geoguichet.catalogue.formats.mapping import (
    MEMBERS,
    Format,
    JsonPart,
    Mapped,
    Syntax,
    Written,
    as_table,
    read_by,
    shaped,
)
from geoguichet.catalogue.formats.xml import Element, XmlPart, line_of, name, parse
from geoguichet.catalogue.record import Record
from geoguichet.floor.findings import Finding

#: Every format by its name; of two that know a document as theirs, the first reads it.
FORMATS: Mapping[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        geojson,
        iso19139,
        iso19115_3,
        dcat,
        schema_org,
        dublin_core,
        udata,
        ckan,
        mcf,
        csv_table,
        fgdc,
        iso19110,
        capabilities,
        stac,  # a collection of STAC is one of OGC too
        ogc_collection,
        isogeo,
        qmd,
    )
}


# Return what writes a form, made to write every record: it is given of each what has the shape that
# it looks for.
def _proof(written: Written) -> Written:
    together = written.together
    return replace(
        written,
        write=lambda record, **given: written.write(shaped(record), **given),
        together=together and (lambda records, **page: together(map(shaped, records), **page)),
    )


#: Every form that records are written in; GeoJSON is the record, whatever it holds.
WRITERS: Mapping[str, Written] = {
    written.name: written if form is geojson.FORMAT else _proof(written)
    for form in FORMATS.values()
    for written in form.written
}


@dataclass(frozen=True, slots=True)
class Described:
    """A record with the document it came from, or its part of a larger document, and that
    document's format.
    """

    record: Record
    format: str
    source: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a document holds: its records, and what in it could not be read."""

    described: tuple[Described, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """The records alone."""
        return tuple(item.record for item in self.described)


def read_document(document: bytes | str, *, address: str = "") -> Answer:
    """Return every record of a ``document`` whatever its format (ISO 19139, DCAT, OGC Records, Dublin
    Core ...), and the findings, in which ``address`` names it. Never raises.

    Examples
    --------
    After the example of :func:`~geoguichet.Record`:

    >>> answer = read_document(record.to_bytes())
    >>> answer.records[0].title, answer.findings
    ('Arrêts de bus', ())
    >>> read_document(b"<html/>").findings[0].severity
    'error'
    """
    described: list[Described] = []
    findings: list[Finding] = []
    try:
        for form, part, source in _open(
            document.encode() if isinstance(document, str) else document, address
        ):
            try:
                described.append(Described(_record(form, part), form.name, source))
            except (FormatError, RecordError) as error:
                findings.append(_unreadable(error, address))
    except (FormatError, RecordError) as error:
        findings.append(_unreadable(error, address))
    if not described and not findings:
        findings.append(Finding("no-record", address, "", "aucune fiche dans ce document.", "info"))
    return Answer(tuple(described), tuple(findings))


# Return the record that a part of a document is; FormatError or RecordError when none.
def _record(form: Format, part: Any) -> Record:
    if isinstance(part, Record):
        return part
    try:
        if form.read:
            return form.read(part)
        return read_by(form.mapping, XmlPart(part) if form.syntax == "xml" else JsonPart(part))
    except (
        *(KeyError, IndexError, TypeError, ValueError, AttributeError),
        *(ArithmeticError, RecursionError),
    ) as error:
        raise FormatError(f"membre inattendu ({type(error).__name__} : {error}).") from error


def _unreadable(error: FormatError | RecordError, address: str) -> Finding:
    line = getattr(error, "line", 0)
    return Finding(
        "unreadable",
        address,
        f"ligne {line}" if line else "",
        f"fiche illisible : {error}",
        "error",
    )


def rewrite(record: Record, form: str, source: bytes, *, base: str = "") -> bytes:
    """Return a record in a form, into the document of that form it came from where it can be.

    What that document says and the format does not know is then kept. The addresses of records
    begin with ``base``; FormatError when nothing is written in that form.
    """
    if form not in WRITERS:
        raise FormatError(f"format : « {form} » ne s'écrit pas ; attendu {', '.join(WRITERS)}.")
    return WRITERS[form].write(record, source=source, base=base)


def mappings() -> dict[str, tuple[Mapped, ...]]:
    """Return the mapping table of every format that has one, by its title."""
    return {form.title: form.mapping for form in FORMATS.values() if form.mapping}


# --- documents and what they hold ---------------------------------------------------------------

#: A record to be read: its format, the part of the document that it is, and what is kept of it.
type Held = tuple[Format, Any, bytes]


# Return the format that a document is of, by the first syntax that knows it.
def _claiming(document: Any, *syntaxes: Syntax) -> Format | None:
    formats = (form for syntax in syntaxes for form in FORMATS.values() if form.syntax == syntax)
    return next((form for form in formats if form.claims(document)), None)


# Yield what each record of a document is.
def _open(document: bytes, address: str) -> Iterator[Held]:
    head = document.lstrip(b"\xef\xbb\xbf \t\r\n")[:512]
    if not head:
        raise FormatError("le document est vide.")
    if head.startswith(b"<") and not head.startswith((b"<http", b"<urn:")):
        yield from _open_xml(document, address)
    elif head[:1] in (b"{", b"["):
        yield from _open_values("JSON", _json(document), document, address)
    elif b"mcf:" in document[:20_000] and b"identification:" in document:
        yield from _open_values("YAML", _yaml(document), document, address)
    elif any(mark in document for mark in (b"@prefix", b"PREFIX", b"<http", b"@base")):
        yield from _open_rdf(document, address)
    else:
        raise FormatError("ce document n'est ni du XML, ni du JSON, ni du RDF, ni du MCF.")


def _open_rdf(document: bytes, address: str) -> Iterator[Held]:
    yield from ((dcat.FORMAT, part, source) for part, source in dcat.parts(document, address))


def _open_xml(document: bytes, address: str) -> Iterator[Held]:
    root = parse(document, blanks=False)
    if form := _claiming(root, "xml"):
        yield from ((form, part, document) for part in (form.parts(root) if form.parts else [root]))
        return
    root = parse(document)  # what stands around its records is given back as it came
    if name(root) == "RDF":
        yield from _open_rdf(document, address)
        return
    elements = list(elements_of(root))
    for element in elements:
        if name(element) == "RDF":
            yield from _open_rdf(etree.tostring(element, with_tail=False), address)
        else:
            source = etree.tostring(
                element, encoding="UTF-8", xml_declaration=True, with_tail=False
            )
            yield _claiming(element, "xml") or _UNKNOWN, element, source
    if not elements and name(root) not in _CONTAINERS:
        _refuse(root)


def _refuse(element: Element) -> Record:
    raise FormatError(
        f"<{name(element)}> n'est pas une fiche d'un format connu.", line=line_of(element)
    )


#: What stands for the format of an element among records that is none.
_UNKNOWN = Format("", "", read=_refuse)

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


#: Elements whose every child is a record.
_HOLDERS = frozenset({"SearchResults", "GetRecordByIdResponse"})


def elements_of(root: Element) -> Iterator[Element]:
    """Yield the elements that are records, in the document or in the answer of a catalogue, however
    deep.
    """
    if _claiming(root, "xml"):
        yield root
        return
    for node in root:
        if name(node) == "RDF" or (name(root) in _HOLDERS and name(node)):
            yield node
        elif name(node) in _CONTAINERS or name(node) in ("record", "metadata"):
            yield from elements_of(node)


def _open_values(syntax: str, value: Any, document: bytes, address: str) -> Iterator[Held]:
    form = _claiming(value, "yaml") if syntax == "YAML" else _claiming(value, "json", "rdf")
    if form is None:
        raise FormatError(f"ce {syntax} n'est pas une fiche d'un format connu.")
    if form.syntax == "rdf":
        yield from _open_rdf(document, address)
        return
    parts = form.parts(value) if form.parts else [value]
    for part in parts:
        alone = len(parts) == 1
        yield form, part, document if alone else json.dumps(part, ensure_ascii=False).encode()


def _json(document: bytes) -> Any:
    try:
        return json.loads(document.lstrip(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise FormatError(f"JSON mal formé, ligne {line} : {error}.", line=line) from error


def _yaml(document: bytes) -> Any:
    try:
        return yaml.safe_load(document)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise FormatError(f"YAML mal formé, ligne {line}.", line=line) from error


# Return the page that lists what each format maps.
def _page() -> str:
    rows = "\n".join(f"| {member} | {meaning} |" for member, meaning in MEMBERS.items())
    return f"""# Formats

Made from the mapping tables of the code by `python -m geoguichet.catalogue.formats.registry`; a
test keeps it true. → is read, ← is written, ↔ both. OGC API Records (GeoJSON) is the record itself.

The document a record came from is kept: unedited, it is given back byte for byte; edited, ISO 19139
and ISO 19115-3 rewrite only what changed in it and keep what they do not know. What cannot be
understood is told in the member `unreadable`, with its line and why; `catalogue check` shows it.

In the tables of formats of JSON, YAML and short XML the paths are what reads and writes them:
`a.b` and `a/b` go from one member to the next, `*` is every member, `@a` an attribute, `a[b=c]`
those whose b is c, `a, b` the first that says something, `a + b` both.

## What consumers read

{_consumers()}

## Members

| member | meaning |
| --- | --- |
{rows}

{as_table(mappings())}"""


# Return the tables of those who read us, which `tests/consumers` makes, as they stand.
def _consumers() -> str:
    _, mark, rest = _PAGE.read_text(encoding="utf-8").partition("<!-- consumers -->")
    return mark + rest.partition("## Members")[0].rstrip()


_PAGE = Path("docs/formats.md")

if __name__ == "__main__":
    _PAGE.write_text(_page(), encoding="utf-8")
