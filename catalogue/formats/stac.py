"""STAC items, collections and catalogues in JSON, read as records."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import Format, Mapped, Part
from geoguichet.catalogue.record import Contact


def _claims(document: Any) -> bool:
    parts = _items(document) if isinstance(document, Mapping) else []
    return isinstance(document, Mapping) and any(
        isinstance(part, Mapping) and "stac_version" in part for part in (document, *parts[:1])
    )


# Return every item of a page, or the item, collection or catalogue that a document is.
def _items(document: Mapping[str, Any]) -> list[Any]:
    items = document.get("features")
    return items if isinstance(items, list) else [document]


_ROLES = {"host": "distributor", "licensor": "owner", "producer": "author"}
_NAMED = to.contacts(organization="name", roles="roles", links="url")


# Read providers, whose roles have other names in ISO 19115.
def _providers(part: Part, path: str) -> tuple[Contact, ...]:
    return tuple(
        replace(contact, roles=tuple(_ROLES.get(role, role) for role in contact.roles))
        for contact in _NAMED(part, path)
    )


_ASSETS = to.links(
    lambda part: "preview" if "thumbnail" in part.texts("roles + @") else "enclosure",
    href="href",
    type="type",
    title="title, @",
)


_START = "properties.start_datetime, properties.datetime"
_END = "properties.end_datetime, properties.datetime"

MAPPING = (
    Mapped("id", "id", "in"),
    Mapped(
        "type",
        "type",
        "in",
        "dataset for an item, series for a collection or catalogue",
        to.coded("series", Feature="dataset"),
    ),
    Mapped("title", "properties.title, title, id", "in"),
    Mapped("description", "properties.description, description", "in"),
    Mapped("keywords", "properties.keywords, keywords", "in", read=to.words()),
    Mapped("license", "properties.license, license", "in", read=to.licence),
    Mapped("contacts", "properties.providers, providers", "in", read=_providers),
    Mapped("geometry", "geometry", "in", read=to.geojson),
    Mapped("geometry", "extent.spatial.bbox", "in", read=to.box()),
    Mapped("time", f"{_START} + {_END}", "in", read=to.whole(to.periods(_START, _END))),
    Mapped("time", "extent.temporal.interval", "in", read=to.intervals),
    Mapped("links", "assets.*", "in", read=_ASSETS),
    Mapped("links", "links", "in", read=to.OGC_LINKS),
    Mapped("parent", "collection", "in"),
    Mapped("created", "properties.created, created", "in", read=to.stamp),
    Mapped("updated", "properties.updated, updated", "in", read=to.stamp),
)

FORMAT = Format("stac", "STAC", MAPPING, "json", _claims, parts=_items)
