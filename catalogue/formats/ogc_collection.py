"""A collection of OGC API Features (or Records, Coverages ...) read as the record of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe, time_of
from geoguichet.catalogue.record import Extent, Link, Record

MAPPING = (
    Mapped("id", "id", "in"),
    Mapped("title", "title", "in"),
    Mapped("description", "description", "in"),
    Mapped("keywords", "keywords", "in"),
    Mapped("license", "license", "in", "and the link of relation license"),
    Mapped("rights", "attribution", "in"),
    Mapped("geometry", "extent.spatial.bbox", "in"),
    Mapped("time", "extent.temporal.interval", "in"),
    Mapped("crs", "storageCrs", "in", "else crs"),
    Mapped("links", "links", "in"),
)


def claims(document: Any) -> bool:
    """Say whether a JSON document is a collection of an OGC API."""
    return (
        isinstance(document, Mapping)
        and "id" in document
        and isinstance(document.get("links"), list)
        and ("itemType" in document or "extent" in document or "crs" in document)
        and document.get("type") not in ("Feature", "FeatureCollection")
    )


def read_document(document: Mapping[str, Any]) -> Record:
    """Read one collection; its identifier is the address of its own page when it tells it."""
    links = [
        item
        for item in document.get("links") or ()
        if isinstance(item, Mapping) and item.get("href")
    ]
    own = next(
        (str(item["href"]).partition("?")[0] for item in links if item.get("rel") == "self"), ""
    )
    licences = [
        str(document.get("license") or ""),
        *(str(item["href"]) for item in links if item.get("rel") == "license"),
    ]
    extent = document.get("extent") or {}
    unreadable: list[dict[str, Any]] = []
    systems = (
        [document.get("storageCrs")] if document.get("storageCrs") else document.get("crs") or ()
    )
    return describe(
        {
            "id": own or str(document["id"]),
            "type": "dataset",
            "title": str(document.get("title") or document["id"]),
            "description": str(document.get("description") or ""),
            "keywords": tuple(map(str, document.get("keywords") or ())),
            "license": next(
                (spdx for text in licences if text and (spdx := codes.licence(text))),
                "other" if any(licences) else "",
            ),
            "rights": str(document.get("attribution") or ""),
            "geometry": _geometry(extent, unreadable),
            "time": time_of(list(_periods(extent))),
            "crs": [codes.crs(str(system)) for system in systems if isinstance(system, str)][:20],
            "links": tuple(
                _link(item) for item in links if item.get("rel") not in ("self", "root", "parent")
            ),
            "externalIds": (),
            "unreadable": unreadable,
        }
    )


def _link(item: Mapping[str, Any]) -> Link:
    return Link(
        str(item["href"]),
        str(item.get("rel") or ""),
        str(item.get("type") or ""),
        str(item.get("title") or ""),
    )


def _geometry(extent: Mapping[str, Any], unreadable: list[dict[str, Any]]) -> dict[str, Any] | None:
    pieces: list[dict[str, Any]] = []
    spatial = extent.get("spatial")
    for box in (spatial.get("bbox") or ()) if isinstance(spatial, Mapping) else ():
        try:
            half = len(box) // 2
            pieces += geometries.as_pieces(
                Extent(float(box[0]), float(box[1]), float(box[half]), float(box[half + 1]))
            )
        except (RecordError, ValueError, TypeError, IndexError) as error:
            unreadable.append(
                {
                    "member": "geometry",
                    "path": "extent.spatial",
                    "text": str(box),
                    "reason": str(error),
                }
            )
    return geometries.gathered(pieces)


def _periods(extent: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    temporal = extent.get("temporal")
    for interval in (temporal.get("interval") or ()) if isinstance(temporal, Mapping) else ():
        if isinstance(interval, list) and len(interval) == 2:
            first, last = (codes.moment(str(moment or "")) or ".." for moment in interval)
            yield first, last
