"""QMD: the metadata that QGIS keeps beside a layer (``.qmd``), read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import (
    TOPIC_CATEGORY,
    Mapped,
    describe,
    made_identifier,
    time_of,
)
from geoguichet.catalogue.formats.xml import Element, child, children, content, down, every, name
from geoguichet.catalogue.record import Concept, Contact, ContactPoint, Extent, Link, Record, Theme

MAPPING = (
    Mapped("id", "identifier", "in"),
    Mapped("parent", "parentidentifier", "in"),
    Mapped("language", "language", "in"),
    Mapped("type", "type", "in"),
    Mapped("title", "title", "in"),
    Mapped("description", "abstract", "in"),
    Mapped("keywords", "keywords", "in"),
    Mapped("themes.topicCategory", "keywords[@vocabulary=gmd:topicCategory]", "in"),
    Mapped("contacts", "contact", "in"),
    Mapped("links", "links/link", "in"),
    Mapped("lineage", "history", "in", "every line of it"),
    Mapped("license", "license", "in"),
    Mapped("rights", "rights", "in", "and fees, constraints"),
    Mapped("crs", "crs/spatialrefsys/authid", "in"),
    Mapped("geometry", "extent/spatial", "in", "in degrees only"),
    Mapped("time", "extent/temporal/period", "in"),
)


def claims(root: Element) -> bool:
    """Say whether an element is QGIS's metadata of a layer (its styles have the same root, and no
    title).
    """
    return name(root) == "qgis" and child(root, "title") is not None


def read_element(root: Element) -> Record:
    """Read the metadata of a layer; without an identifier it gets that of its title."""
    groups = [
        (node.get("vocabulary", ""), _texts(node, "keyword")) for node in children(root, "keywords")
    ]
    topics = [
        code for vocabulary, texts in groups for code in texts if vocabulary == "gmd:topicCategory"
    ]
    words = [
        text for vocabulary, texts in groups for text in texts if vocabulary != "gmd:topicCategory"
    ]
    licences, rights = _texts(root, "license"), _texts(root, "rights")
    system = content(down(root, "crs", "spatialrefsys", "authid"))
    language = content(child(root, "language"))
    said: dict[str, Any] = {
        "id": content(child(root, "identifier")),
        "parent": content(child(root, "parentidentifier")),
        "language": {"code": codes.language(language)} if language else None,
        "type": content(child(root, "type")) or "dataset",
        "title": content(child(root, "title")),
        "description": content(child(root, "abstract")),
        "keywords": tuple(dict.fromkeys(words)),
        "themes": (Theme(tuple(map(Concept, topics)), TOPIC_CATEGORY),) if topics else (),
        "contacts": tuple(_contacts(root)),
        "links": tuple(_links(root)),
        "lineage": "\n".join(_texts(root, "history")),
        "license": next(
            (known for text in licences if (known := codes.licence(text))),
            "other" if licences else "",
        ),
        "rights": "\n".join(
            dict.fromkeys([*licences, *rights, *_texts(root, "fees"), *_texts(root, "constraints")])
        ),
        "crs": [codes.crs(system)] if system else [],
        "geometry": _geometry(root),
        "time": time_of(list(_periods(root))),
    }
    return describe(said | {"id": said["id"] or made_identifier(said)})


def _texts(holder: Element, wanted: str) -> list[str]:
    return [text for text in map(content, children(holder, wanted)) if text]


def _contacts(root: Element) -> Iterator[Contact]:
    for node in children(root, "contact"):
        said = {
            part: content(child(node, part))
            for part in ("name", "organization", "position", "role")
        }
        if said["name"] or said["organization"]:
            yield Contact(
                organization=said["organization"],
                name=said["name"],
                position=said["position"],
                roles=(said["role"],) if said["role"] else (),
                emails=tuple(map(ContactPoint, _texts(node, "email"))),
                phones=tuple(map(ContactPoint, _texts(node, "voice"))),
            )


def _links(root: Element) -> Iterator[Link]:
    for node in every(root, "links", "link"):
        told = {"protocol": node.get("type", ""), "description": node.get("description", "")}
        extra = {part: text for part, text in told.items() if text}
        if href := node.get("url", "").strip():
            yield Link(
                href,
                codes.relation(extra),
                node.get("mimeType", ""),
                node.get("name", ""),
                extra=extra,
            )


def _geometry(root: Element) -> dict[str, Any] | None:
    pieces = []
    for node in every(root, "extent", "spatial"):
        sides = [codes.number(node.get(side, "")) for side in ("minx", "miny", "maxx", "maxy")]
        if (
            node.get("crs", "") in ("EPSG:4326", "OGC:CRS84", "EPSG:4258")
            and None not in sides
            and any(sides)
        ):
            try:
                pieces += list(geometries.as_pieces(Extent(*(float(side or 0) for side in sides))))
            except RecordError:
                continue  # QGIS writes the greatest numbers for an extent that is not known
    return geometries.gathered(pieces)


def _periods(root: Element) -> Iterator[tuple[str, str]]:
    for period in every(root, "extent", "temporal", "period"):
        start, end = (codes.moment(content(child(period, side))) for side in ("start", "end"))
        yield start or "..", end or ".."
