"""Dublin Core in XML: the records of CSW 2.0.2 and 3.0, and ``oai_dc``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe, made_identifier, said
from geoguichet.catalogue.formats.xml import (
    LOCAL,
    Element,
    child,
    children,
    content,
    name,
    parse,
    serialize,
)
from geoguichet.catalogue.record import Contact, Extent, ExternalId, Link, Record, Time

CSW = "http://www.opengis.net/cat/csw/2.0.2"
DC = "http://purl.org/dc/elements/1.1/"
DCT = "http://purl.org/dc/terms/"
OWS = "http://www.opengis.net/ows"

MAPPING = (
    Mapped("id", "identifier", note="the first"),
    Mapped("externalIds", "identifier", note="the others"),
    Mapped("title", "title"),
    Mapped("alternateTitles", "alternative"),
    Mapped("type", "type"),
    Mapped("description", "abstract", note="description, when there is no abstract"),
    Mapped("keywords", "subject", note="themes and topic categories are written as words too"),
    Mapped("contacts", "creator", note="author"),
    Mapped("contacts", "publisher"),
    Mapped("contacts", "contributor"),
    Mapped("formats", "format"),
    Mapped("resourceLanguages", "language"),
    Mapped("rights", "rights"),
    Mapped("license", "rights", "in", "the first known licence that is named"),
    Mapped("license", "license", "out"),
    Mapped("lineage", "source"),
    Mapped("parent", "isPartOf"),
    Mapped("updated", "modified"),
    Mapped("dates", "date", note="creation, when nothing tells"),
    Mapped("places", "spatial"),
    Mapped("time", "temporal"),
    Mapped("geometry", "BoundingBox", note="one box per polygon"),
    Mapped("crs", "BoundingBox", "in", "the system the box is in, when it is not degrees"),
    Mapped("links", "URI", note="references is read too"),
)
_ROOTS = frozenset({"Record", "SummaryRecord", "BriefRecord", "dc", "simpledc"})
_ROLES = {"creator": "author", "publisher": "publisher", "contributor": "contributor"}


def claims(root: Element) -> bool:
    """Say whether an element is a record of Dublin Core."""
    return name(root) in _ROOTS and (
        "/cat/csw/" in str(root.tag) or any("purl.org/dc/" in str(node.tag) for node in root)
    )


def read(document: bytes) -> Record:
    """Read one record; FormatError when it is not XML."""
    return read_element(parse(document))


def read_element(root: Element) -> Record:
    """Read one record element; without an identifier it gets that of its title."""
    identifiers = _texts(root, "identifier")
    rights = _texts(root, "rights") + _texts(root, "accessRights") + _texts(root, "license")
    known = [spdx for text in rights if (spdx := codes.licence(text))]
    unreadable: list[dict[str, Any]] = []
    members: dict[str, Any] = {
        "title": next(iter(_texts(root, "title")), ""),
        "alternateTitles": _texts(root, "alternative") + _texts(root, "title")[1:],
        "type": next(iter(_texts(root, "type")), "").rpartition("/")[2].lower(),
        "description": "\n\n".join(_texts(root, "abstract") or _texts(root, "description")),
        "keywords": tuple(dict.fromkeys(_texts(root, "subject"))),
        "contacts": tuple(
            Contact(organization=text, roles=(role,))
            for tag, role in _ROLES.items()
            for text in _texts(root, tag)
        ),
        "formats": [{"name": text} for text in dict.fromkeys(_texts(root, "format"))],
        "resourceLanguages": [
            {"code": code} for code in dict.fromkeys(map(codes.language, _texts(root, "language")))
        ],
        "rights": "\n".join(dict.fromkeys(rights)),
        "license": known[0] if known else "",
        "lineage": "\n\n".join(_texts(root, "source")),
        "parent": next(iter(_texts(root, "isPartOf")), ""),
        "updated": next((codes.timestamp(text) for text in _texts(root, "modified")), ""),
        "dates": list(_dates(root, unreadable)),
        "places": [{"code": text} for text in _texts(root, "spatial") if "=" not in text],
        "time": _time(root),
        "externalIds": tuple(ExternalId(text) for text in identifiers[1:]),
        "links": tuple(_links(root)),
    }
    members |= _boxes(root, unreadable)
    members["unreadable"] = unreadable
    members["id"] = identifiers[0] if identifiers else made_identifier(members)
    return describe(members)


def _texts(root: Element, tag: str) -> list[str]:
    return [text for text in map(content, children(root, tag)) if text]


def _dates(root: Element, unreadable: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    kinds = {
        "date": "creation",
        "created": "creation",
        "issued": "publication",
        "dateSubmitted": "publication",
    }
    for tag, kind in kinds.items():
        for text in _texts(root, tag):
            if written := codes.moment(text):
                yield {"date": written, "type": kind}
            else:
                unreadable.append(
                    {
                        "member": "dates",
                        "path": tag,
                        "text": text,
                        "reason": "ce n'est pas une date AAAA-MM-JJ",
                    }
                )


def _time(root: Element) -> Time | None:
    for text in _texts(root, "temporal"):
        start, slash, end = text.partition("/")
        first, last = codes.moment(start), codes.moment(end)
        try:
            if slash and (first or last):
                return Time(interval=(first or "..", last or ".."))
            if first:
                return Time(timestamp=first) if "T" in first else Time(date=first)
        except RecordError:
            continue
    return None


def _links(root: Element) -> Iterator[Link]:
    for node in children(root, "URI"):
        if href := content(node):
            extra = {
                key: text for key in ("protocol", "description") if (text := node.get(key, ""))
            }
            yield Link(href, codes.relation(extra), title=node.get("name", ""), extra=extra)
    for node in children(root, "references"):
        if href := content(node):
            scheme = node.get("scheme", "")
            extra = {"protocol": scheme} if scheme else {}
            yield Link(href, codes.relation(extra), extra=extra)


def _boxes(root: Element, unreadable: list[dict[str, Any]]) -> dict[str, Any]:
    boxes: list[Extent] = []
    crs: list[str] = []
    for node in [*children(root, "BoundingBox"), *children(root, "WGS84BoundingBox")]:
        system = codes.crs(node.get("crs", ""))
        try:
            lower, upper = (
                [float(part) for part in content(child(node, f"{side}Corner")).split()[:2]]
                for side in ("Lower", "Upper")
            )
            if system in ("EPSG:4326", "EPSG:4258") and LOCAL[node.tag] == "BoundingBox":
                lower, upper = lower[::-1], upper[::-1]
            boxes.append(
                Extent(lower[0], min(lower[1], upper[1]), upper[0], max(lower[1], upper[1]))
            )
        except (ValueError, IndexError, RecordError) as error:
            unreadable.append(
                {
                    "member": "geometry",
                    "path": LOCAL[node.tag],
                    "text": content(node),
                    "reason": str(error),
                }
            )
        if system.startswith("EPSG:") and system != "EPSG:4326":
            crs.append(system)
    pieces = [piece for box in dict.fromkeys(boxes) for piece in geometries.as_pieces(box)]
    return {"geometry": geometries.gathered(pieces), "crs": crs}


def write(record: Record, *, source: bytes = b"") -> bytes:
    """Return the record as a ``csw:Record``; its source, when that is Dublin Core and still says
    the same.
    """
    if source and read(source) == record:
        return source
    return serialize(build(record))


def build(record: Record) -> Element:
    """Make the ``csw:Record`` of a record."""
    root = etree.Element(f"{{{CSW}}}Record", nsmap={"csw": CSW, "dc": DC, "dct": DCT, "ows": OWS})
    for namespace, tag, texts in _written(record):
        for text in texts:
            if text:
                etree.SubElement(root, f"{{{namespace}}}{tag}").text = codes.writable(text)
    for link in record.links:
        attributes = {
            "protocol": link.extra.get("protocol", ""),
            "name": link.title,
            "description": link.extra.get("description", ""),
        }
        node = etree.SubElement(
            root,
            f"{{{DC}}}URI",
            {key: codes.writable(text) for key, text in attributes.items() if text},
        )
        node.text = codes.writable(link.href)
    for box in boxes_of(record):
        node = etree.SubElement(root, f"{{{OWS}}}BoundingBox", crs="urn:ogc:def:crs:EPSG::4326")
        etree.SubElement(node, f"{{{OWS}}}LowerCorner").text = f"{box.south!r} {box.west!r}"
        etree.SubElement(node, f"{{{OWS}}}UpperCorner").text = f"{box.north!r} {box.east!r}"
    return root


def _written(record: Record) -> list[tuple[str, str, list[str]]]:
    roles: dict[str, list[str]] = {"creator": [], "publisher": [], "contributor": []}
    for contact in record.contacts:
        tag = {"author": "creator", "publisher": "publisher", "owner": "creator"}.get(
            "".join(contact.roles[:1]), "contributor"
        )
        roles[tag].append(contact.organization or contact.name)
    concepts = [item.title or item.id for theme in record.themes for item in theme.concepts]
    licence = [codes.licence_address(record.license)] if record.license not in ("", "other") else []
    return [
        (DC, "identifier", [record.id, *(item.value for item in record.external_ids)]),
        (DC, "title", [record.title]),
        (DCT, "alternative", list(said(record, "alternateTitles") or ())),
        (DC, "type", [record.type]),
        (DC, "subject", list(dict.fromkeys([*record.keywords, *concepts]))),
        (DC, "format", [item["name"] for item in said(record, "formats") or ()]),
        *((DC, tag, list(dict.fromkeys(names))) for tag, names in roles.items()),
        (
            DC,
            "language",
            [codes.language_iso(item["code"]) for item in said(record, "resourceLanguages") or ()],
        ),
        (DC, "rights", record.rights.split("\n")),
        (DCT, "license", licence),
        (DC, "source", [said(record, "lineage") or ""]),
        (DC, "date", [item["date"] for item in said(record, "dates") or ()][:1]),
        (DCT, "isPartOf", [said(record, "parent") or ""]),
        (DCT, "modified", [record.updated]),
        (DCT, "abstract", [record.description]),
        (DCT, "spatial", [item["code"] for item in said(record, "places") or ()]),
        (DCT, "temporal", [_period(record.time)] if record.time else []),
    ]


def _period(time: Time) -> str:
    return (
        "/".join("" if end == ".." else end for end in time.interval)
        if time.interval
        else time.timestamp or time.date
    )


def boxes_of(record: Record) -> list[Extent]:
    """Return the box of each part of the geometry."""
    if record.geometry is None:
        return []
    parts = [Extent.from_geometry(part) for part in geometries.simple(record.geometry)]
    return [part for part in parts if part is not None]
