"""STAC items, collections and catalogues in JSON, read as records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe, made_identifier, time_of
from geoguichet.catalogue.record import Contact, Extent, Link, Record

MAPPING = (
    Mapped("id", "id", "in"),
    Mapped("type", "type", "in", "dataset for an item, series for a collection or catalogue"),
    Mapped("title", "title", "in", "properties.title of an item"),
    Mapped("description", "description", "in"),
    Mapped("keywords", "keywords", "in"),
    Mapped("license", "license", "in"),
    Mapped("contacts", "providers", "in"),
    Mapped("geometry", "geometry", "in", "extent.spatial.bbox of a collection"),
    Mapped("time", "properties.datetime", "in", "extent.temporal.interval of a collection"),
    Mapped("links", "assets", "in", "and links"),
    Mapped("parent", "collection", "in"),
    Mapped("created", "properties.created", "in"),
    Mapped("updated", "properties.updated", "in"),
)


def claims(document: Any) -> bool:
    """Say whether a JSON document is of STAC."""
    if not isinstance(document, Mapping):
        return False
    items = document.get("features")
    return "stac_version" in document or (
        isinstance(items, list) and bool(items) and "stac_version" in items[0]
    )


def read_documents(document: Mapping[str, Any]) -> list[Record]:
    """Read an item, a collection, a catalogue, or every item of a page."""
    items = document.get("features") if document.get("type") == "FeatureCollection" else None
    return [_read(item) for item in items] if isinstance(items, list) else [_read(document)]


def _read(document: Mapping[str, Any]) -> Record:
    told = document.get("properties") or {}
    told = {**document, **told} if isinstance(told, Mapping) else dict(document)
    item = document.get("type") == "Feature"
    extent = document.get("extent") or {}
    unreadable: list[dict[str, Any]] = []
    licence = str(told.get("license") or "")
    members: dict[str, Any] = {
        "id": str(document.get("id") or ""),
        "type": "dataset" if item else "series",
        "title": str(told.get("title") or document.get("id") or ""),
        "description": str(told.get("description") or ""),
        "keywords": tuple(map(str, told.get("keywords") or ())),
        "license": codes.licence(licence) or ("other" if licence else ""),
        "contacts": tuple(_providers(told.get("providers") or ())),
        "geometry": _geometry(document, extent, unreadable),
        "time": time_of(list(_periods(told, extent))),
        "links": tuple(_links(document)),
        "parent": str(document.get("collection") or ""),
        "created": codes.timestamp(str(told.get("created") or "")),
        "updated": codes.timestamp(str(told.get("updated") or "")),
        "unreadable": unreadable,
    }
    return describe(members | {"id": members["id"] or made_identifier(members)})


def _providers(providers: Any) -> Iterator[Contact]:
    roles = {
        "host": "distributor",
        "licensor": "owner",
        "producer": "author",
        "processor": "processor",
    }
    for provider in providers:
        if isinstance(provider, Mapping) and provider.get("name"):
            links = (Link(str(provider["url"]), "related"),) if provider.get("url") else ()
            names = tuple(roles.get(str(role), str(role)) for role in provider.get("roles") or ())
            yield Contact(organization=str(provider["name"]), roles=names, links=links)


def _geometry(
    document: Mapping[str, Any], extent: Mapping[str, Any], unreadable: list[dict[str, Any]]
) -> dict[str, Any] | None:
    geometry = document.get("geometry")
    boxes = (
        (extent.get("spatial") or {}).get("bbox") or ()
        if isinstance(extent.get("spatial"), Mapping)
        else ()
    )
    pieces: list[dict[str, Any]] = []
    try:
        if isinstance(geometry, dict):
            return geometries.checked(geometry)
        for box in boxes:
            half = len(box) // 2
            pieces += geometries.as_pieces(
                Extent(float(box[0]), float(box[1]), float(box[half]), float(box[half + 1]))
            )
    except (RecordError, ValueError, TypeError, IndexError) as error:
        unreadable.append(
            {
                "member": "geometry",
                "path": "geometry",
                "text": str(geometry or boxes)[:200],
                "reason": str(error),
            }
        )
    return geometries.gathered(pieces)


def _periods(told: Mapping[str, Any], extent: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    start, end = (
        codes.moment(str(told.get(f"{side}_datetime") or "")) for side in ("start", "end")
    )
    instant = codes.moment(str(told.get("datetime") or ""))
    if start or end:
        yield start or "..", end or ".."
    elif instant:
        yield instant, instant
    temporal = extent.get("temporal")
    for interval in (temporal.get("interval") or ()) if isinstance(temporal, Mapping) else ():
        first, last = (codes.moment(str(moment or "")) or ".." for moment in interval[:2])
        yield first, last


def _links(document: Mapping[str, Any]) -> Iterator[Link]:
    assets = document.get("assets") or {}
    for key, asset in assets.items() if isinstance(assets, Mapping) else ():
        if isinstance(asset, Mapping) and asset.get("href"):
            relation = (
                "preview"
                if "thumbnail" in (asset.get("roles") or ()) or key == "thumbnail"
                else "enclosure"
            )
            yield Link(
                str(asset["href"]),
                relation,
                str(asset.get("type") or ""),
                str(asset.get("title") or key),
            )
    for link in document.get("links") or ():
        if isinstance(link, Mapping) and link.get("href"):
            yield Link(
                str(link["href"]),
                str(link.get("rel") or ""),
                str(link.get("type") or ""),
                str(link.get("title") or ""),
            )
