"""udata datasets in JSON (data.gouv.fr), as ``/api/1/datasets/`` answers them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe, made_identifier, time_of
from geoguichet.catalogue.record import Contact, ContactPoint, ExternalId, Link, Record

MAPPING = (
    Mapped("id", "id", "in"),
    Mapped("externalIds", "slug", "in", "and those of the portals it was harvested from"),
    Mapped("title", "title", "in"),
    Mapped("alternateTitles", "acronym", "in"),
    Mapped("description", "description", "in"),
    Mapped("keywords", "tags", "in"),
    Mapped("contacts", "organization", "in", "publisher"),
    Mapped("contacts", "owner", "in"),
    Mapped("contacts", "contact_points", "in"),
    Mapped("license", "license", "in"),
    Mapped("links", "resources", "in"),
    Mapped("links.about", "page", "in"),
    Mapped("formats", "resources", "in"),
    Mapped("geometry", "spatial.geom", "in"),
    Mapped("places", "spatial.zones", "in"),
    Mapped("time", "temporal_coverage", "in"),
    Mapped("maintenance", "frequency", "in"),
    Mapped("created", "created_at", "in"),
    Mapped("updated", "last_modified", "in"),
)


def claims(document: Any) -> bool:
    """Say whether a JSON document is a dataset of udata or a page of them."""
    return any(
        "resources" in item and "slug" in item and "tags" in item for item in datasets(document)
    )


def datasets(document: Any) -> list[Mapping[str, Any]]:
    """Return the datasets of a document: one, a list, or a page."""
    listed = document.get("data", [document]) if isinstance(document, Mapping) else document
    return (
        [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    )


def read(document: bytes) -> list[Record]:
    """Read every dataset of a document."""
    return [read_dataset(item) for item in datasets(json.loads(document))]


def read_dataset(dataset: Mapping[str, Any]) -> Record:
    """Read one dataset."""
    resources = [item for item in dataset.get("resources") or () if isinstance(item, Mapping)]
    links = [_link(item) for item in resources if item.get("url")]
    if page := dataset.get("page"):
        links.append(Link(str(page), "about"))
    spatial = dataset.get("spatial") or {}
    period = dataset.get("temporal_coverage") or {}
    bounds = (
        codes.moment(str(period.get("start") or "")) or "..",
        codes.moment(str(period.get("end") or "")) or "..",
    )
    licence = str(dataset.get("license") or "")
    unreadable: list[dict[str, Any]] = []
    members: dict[str, Any] = {
        "id": str(dataset.get("id") or dataset.get("slug") or ""),
        "type": "dataset",
        "title": str(dataset.get("title") or ""),
        "alternateTitles": [str(dataset["acronym"])] if dataset.get("acronym") else [],
        "description": str(dataset.get("description") or ""),
        "keywords": tuple(map(str, dataset.get("tags") or ())),
        "contacts": tuple(_contacts(dataset)),
        "license": _LICENCES.get(licence)
        or codes.licence(licence)
        or ("other" if licence and licence != "notspecified" else ""),
        "links": tuple(links),
        "formats": [
            {"name": text}
            for text in dict.fromkeys(str(item.get("format") or "") for item in resources)
            if text
        ],
        "geometry": _geometry(spatial.get("geom"), unreadable),
        "places": [{"code": str(_zone(zone))} for zone in spatial.get("zones") or ()],
        "time": time_of([bounds]),
        "created": codes.timestamp(str(dataset.get("created_at") or "")),
        "updated": codes.timestamp(
            str(dataset.get("last_modified") or dataset.get("last_update") or "")
        ),
        "externalIds": tuple(_external_ids(dataset)),
        "unreadable": unreadable,
    }
    frequency = codes.frequency(str(dataset.get("frequency") or ""))
    members["maintenance"] = {"frequency": frequency} if frequency else {}
    return describe(members | {"id": members["id"] or made_identifier(members)})


_LICENCES = {
    "lov2": "etalab-2.0",
    "fr-lo": "etalab-2.0",
    "odc-odbl": "ODbL-1.0",
    "cc-zero": "CC0-1.0",
}
"""Licences by the identifiers of data.gouv.fr, whose ``fr-lo`` is now the version 2.0."""


def _zone(zone: Any) -> Any:
    return (zone.get("id") or zone.get("name")) if isinstance(zone, Mapping) else zone


def _external_ids(dataset: Mapping[str, Any]) -> Iterator[ExternalId]:
    if dataset.get("slug"):
        yield ExternalId(str(dataset["slug"]), "https://www.data.gouv.fr/datasets")
    harvest = dataset.get("harvest") or {}
    for name in ("remote_id", "dct_identifier"):
        if harvest.get(name):
            yield ExternalId(str(harvest[name]), str(harvest.get("domain") or ""))


def _contacts(dataset: Mapping[str, Any]) -> Iterator[Contact]:
    organization = dataset.get("organization") or {}
    if name := organization.get("name"):
        page = organization.get("page")
        yield Contact(
            organization=str(name),
            roles=("publisher",),
            links=(Link(str(page), "related"),) if page else (),
        )
    owner = dataset.get("owner") or {}
    if owner:
        yield Contact(
            name=f"{owner.get('first_name', '')} {owner.get('last_name', '')}".strip() or "—",
            roles=("owner",),
        )
    for item in dataset.get("contact_points") or ():
        if isinstance(item, Mapping) and (item.get("name") or item.get("email")):
            emails = (ContactPoint(str(item["email"])),) if item.get("email") else ()
            yield Contact(
                organization=str(item.get("name") or ""), roles=("pointOfContact",), emails=emails
            )


def _link(resource: Mapping[str, Any]) -> Link:
    extra = {"description": str(resource["description"])} if resource.get("description") else {}
    relation = (
        "service"
        if str(resource.get("format") or "").lower() in ("wms", "wfs", "wmts", "api")
        else "enclosure"
    )
    size = resource.get("filesize")
    return Link(
        str(resource["url"]),
        relation,
        str(resource.get("mime") or ""),
        str(resource.get("title") or ""),
        length=size if isinstance(size, int) and size > 0 else 0,
        extra=extra,
    )


def _geometry(geometry: Any, unreadable: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not isinstance(geometry, dict):
        return None
    try:
        return geometries.checked(geometry)
    except RecordError as error:
        unreadable.append(
            {
                "member": "geometry",
                "path": "spatial.geom",
                "text": str(geometry)[:200],
                "reason": str(error),
            }
        )
        return None
