"""Isogeo resources in JSON, as its API exports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, Mapped, describe, time_of
from geoguichet.catalogue.record import Concept, Contact, ContactPoint, Extent, Link, Record, Theme

MAPPING = (
    Mapped("id", "_id", "in"),
    Mapped("type", "type", "in"),
    Mapped("title", "title", "in"),
    Mapped("alternateTitles", "name", "in"),
    Mapped("description", "abstract", "in"),
    Mapped("keywords", "keywords", "in"),
    Mapped("themes", "keywords", "in", "INSPIRE themes"),
    Mapped("contacts", "contacts", "in"),
    Mapped("geometry", "envelope.bbox", "in"),
    Mapped("time", "validFrom", "in"),
    Mapped("dates", "created", "in", "and published, modified"),
    Mapped("crs", "coordinate-system", "in"),
    Mapped("resolution", "scale", "in", "and distance"),
    Mapped("links", "links", "in"),
    Mapped("formats", "format", "in"),
    Mapped("lineage", "collectionMethod", "in"),
    Mapped("conformity", "specifications", "in"),
    Mapped("license", "conditions", "in"),
    Mapped("language", "language", "in"),
    Mapped("fields", "feature-attributes", "in"),
    Mapped("updated", "_modified", "in"),
)


def claims(document: Any) -> bool:
    """Say whether a JSON document is a resource of Isogeo."""
    return (
        isinstance(document, Mapping)
        and "_id" in document
        and "_creator" in document
        and "title" in document
    )


def read_document(document: Mapping[str, Any]) -> Record:
    """Read one resource."""
    sides = (document.get("envelope") or {}).get("bbox") or ()
    system = document.get("coordinate-system") or {}
    dates = (("created", "creation"), ("published", "publication"), ("modified", "revision"))
    start, end = (
        codes.moment(str(document.get(name) or "")) or ".." for name in ("validFrom", "validTo")
    )
    words = [item for item in document.get("keywords") or () if isinstance(item, Mapping)]
    inspire = [
        str(item["code"])
        for item in words
        if str(item.get("_tag", "")).startswith("keyword:inspire-theme")
    ]
    licences = [
        str((item.get("license") or {}).get("name") or "")
        for item in document.get("conditions") or ()
    ]
    concepts = tuple(Concept(f"{INSPIRE_THEME}/{_theme(code)}", code) for code in inspire)
    return describe(
        {
            "id": str(document["_id"]),
            "type": "service"
            if document.get("type") == "service"
            else "series"
            if document.get("series")
            else "dataset",
            "title": str(document.get("title") or ""),
            "alternateTitles": [str(document["name"])] if document.get("name") else [],
            "description": str(document.get("abstract") or ""),
            "keywords": tuple(
                str(item.get("text"))
                for item in words
                if str(item.get("_tag", "")).startswith("keyword:isogeo")
            ),
            "themes": (Theme(concepts, INSPIRE_THEME),) if concepts else (),
            "contacts": tuple(_contacts(document.get("contacts") or ())),
            "dates": [
                {"date": date, "type": kind}
                for name, kind in dates
                if (date := codes.moment(str(document.get(name) or "")))
            ],
            "time": time_of([(start, end)]),
            "crs": [f"EPSG:{system['code']}"] if system.get("code") else [],
            "resolution": list(_resolution(document)),
            "links": tuple(_links(document.get("links") or ())),
            "formats": [{"name": str(document["format"])}] if document.get("format") else [],
            "lineage": str(document.get("collectionMethod") or ""),
            "conformity": list(_conformity(document.get("specifications") or ())),
            "license": next(
                (spdx for text in licences if (spdx := codes.licence(text))),
                "other" if any(licences) else "",
            ),
            "rights": "\n".join(dict.fromkeys(text for text in licences if text)),
            "language": {"code": codes.language(str(document["language"]))}
            if document.get("language")
            else None,
            "fields": [
                {"name": str(item.get("name")), "type": str(item.get("dataType") or "")}
                for item in document.get("feature-attributes") or ()
            ],
            "created": codes.timestamp(str(document.get("_created") or "")),
            "updated": codes.timestamp(str(document.get("_modified") or "")),
            **_box(sides),
        }
    )


def _theme(code: str) -> str:
    return codes.inspire_theme(code) or code


def _box(sides: Any) -> dict[str, Any]:
    try:
        west, south, east, north = map(float, sides)
        return {
            "geometry": geometries.gathered(
                list(geometries.as_pieces(Extent(west, south, east, north)))
            )
        }
    except (ValueError, TypeError, RecordError):
        return {}


def _contacts(contacts: Any) -> Iterator[Contact]:
    for item in contacts:
        contact = item.get("contact") or {}
        email = str(contact.get("email") or "")
        yield Contact(
            organization=str(contact.get("organization") or ""),
            name=str(contact.get("name") or ""),
            roles=(str(item.get("role") or "pointOfContact"),),
            emails=(ContactPoint(email),) if email else (),
        )


def _resolution(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if scale := codes.number(str(document.get("scale") or "")):
        yield {"scale": scale}
    if distance := codes.number(str(document.get("distance") or "")):
        yield {"distance": distance, "unit": "m"}


def _links(links: Any) -> Iterator[Link]:
    for item in links:
        if item.get("url"):
            relation = "enclosure" if "download" in (item.get("actions") or ()) else "related"
            yield Link(
                str(item["url"]),
                relation,
                title=str(item.get("title") or ""),
                extra={"protocol": str(item.get("kind") or "")},
            )


def _conformity(specifications: Any) -> Iterator[dict[str, Any]]:
    for item in specifications:
        named = item.get("specification") or {}
        if named.get("name"):
            date = codes.moment(str(named.get("published") or ""))
            dated = {"date": date, "dateType": "publication"} if date else {}
            yield {"title": str(named["name"]), **dated, "pass": item.get("conformant")}
