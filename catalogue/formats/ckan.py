"""CKAN packages in JSON, as ``package_show`` and ``package_search`` answer them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe, made_identifier, time_of
from geoguichet.catalogue.record import (
    Contact,
    ContactPoint,
    Extent,
    ExternalId,
    Link,
    Record,
    Time,
)

MAPPING = (
    Mapped("id", "id", "in"),
    Mapped("externalIds", "name", "in", "and identifier"),
    Mapped("title", "title", "in", "in French first, when there are several languages"),
    Mapped("description", "notes", "in", "description is read too"),
    Mapped("keywords", "tags", "in"),
    Mapped("themes", "groups", "in"),
    Mapped("contacts", "organization", "in", "publisher"),
    Mapped("contacts", "author", "in"),
    Mapped("contacts", "maintainer", "in", "pointOfContact"),
    Mapped("contacts", "contact_point", "in"),
    Mapped("license", "license_id", "in", "license_title and license_url are read too"),
    Mapped("rights", "license_title", "in", "when it names no known licence"),
    Mapped("links", "resources", "in"),
    Mapped("formats", "resources", "in"),
    Mapped("geometry", "extras.spatial", "in", "GeoJSON; bbox-west-long ... are read too"),
    Mapped("time", "extras.temporal_start", "in"),
    Mapped("dates", "issued", "in", "and modified"),
    Mapped("maintenance", "frequency", "in"),
    Mapped("lineage", "provenance", "in"),
    Mapped("resourceLanguages", "language", "in"),
    Mapped("created", "metadata_created", "in"),
    Mapped("updated", "metadata_modified", "in"),
)


def claims(document: Any) -> bool:
    """Say whether a JSON document is a package of CKAN, a list of them or an answer that holds
    them.
    """
    return any(
        isinstance(item, Mapping) and "resources" in item and ("notes" in item or "name" in item)
        for item in packages(document)
    )


def packages(document: Any) -> list[Mapping[str, Any]]:
    """Return the packages of a document: one, a list, or the result of an answer."""
    if isinstance(document, Mapping) and "result" in document:
        return packages(document["result"])
    if isinstance(document, Mapping) and isinstance(document.get("results"), list):
        return packages(document["results"])
    listed = document if isinstance(document, list) else [document]
    return [
        package
        for item in listed
        for package in (item if isinstance(item, list) else [item])
        if isinstance(package, Mapping)
    ]


def read(document: bytes) -> list[Record]:
    """Read every package of a document."""
    return [read_package(package) for package in packages(json.loads(document))]


def read_package(package: Mapping[str, Any]) -> Record:
    """Read one package."""
    told = {
        **{
            item["key"]: item.get("value")
            for item in package.get("extras") or ()
            if isinstance(item, Mapping)
        },
        **package,
    }
    resources = [item for item in told.get("resources") or () if isinstance(item, Mapping)]
    links = [link for item in resources if (link := _link(item))]
    licence = [
        text
        for name in ("license_id", "license_url", "license_title", "license")
        if (text := _text(told.get(name)))
    ]
    known = next((spdx for text in licence if (spdx := codes.licence(text))), "")
    title = _text(told.get("license_title"))
    unreadable: list[dict[str, Any]] = []
    members: dict[str, Any] = {
        "type": "service" if told.get("type") == "service" else "dataset",
        "title": _text(told.get("title")) or _text(told.get("name")),
        "description": _text(told.get("notes")) or _text(told.get("description")),
        "keywords": tuple(
            dict.fromkeys(
                text for item in told.get("tags") or () if (text := _text(_name_of(item)))
            )
        ),
        "contacts": tuple(_contacts(told)),
        "license": known or ("other" if licence else ""),
        "rights": title if title and not codes.licence(title) else "",
        "links": tuple(links),
        "formats": [
            {"name": text}
            for text in dict.fromkeys(_text(item.get("format")) for item in resources)
            if text
        ],
        "geometry": _geometry(told, unreadable),
        "time": _time(told),
        "dates": [
            {"date": date, "type": kind}
            for name, kind in (
                ("created", "creation"),
                ("issued", "publication"),
                ("modified", "revision"),
            )
            if (date := codes.moment(_text(told.get(name))))
        ],
        "lineage": _text(told.get("provenance")),
        "resourceLanguages": [
            {"code": code}
            for code in dict.fromkeys(map(codes.language, _list(told.get("language"))))
        ],
        "created": codes.timestamp(_text(told.get("metadata_created"))),
        "updated": codes.timestamp(_text(told.get("metadata_modified"))),
        "externalIds": tuple(
            ExternalId(text)
            for name in ("identifier", "name")
            if (text := _text(told.get(name))) and text != told.get("id")
        ),
        "unreadable": unreadable,
    }
    frequency = codes.frequency(
        next(iter(_list(told.get("frequency") or told.get("accrual_periodicity"))), "")
    )
    members["maintenance"] = {"frequency": frequency} if frequency else {}
    members["id"] = _text(told.get("id")) or _text(told.get("name")) or made_identifier(members)
    return describe(members)


def _name_of(item: Any) -> Any:
    return (item.get("display_name") or item.get("name")) if isinstance(item, Mapping) else item


def _text(value: Any) -> str:
    """Return a text: itself, or the French one of several languages."""
    if isinstance(value, Mapping):
        return _text(value.get("fr") or value.get("label") or next(iter(value.values()), ""))
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    return "" if value is None else str(value).strip()


def _list(value: Any) -> list[str]:
    """Return the texts of a list, of a list written as JSON, or of one text."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    values = value if isinstance(value, list) else [value]
    return [
        text
        for item in values
        if (text := _text(item.get("uri") if isinstance(item, Mapping) and "uri" in item else item))
    ]


def _contacts(told: Mapping[str, Any]) -> Iterator[Contact]:
    organization = told.get("organization")
    if isinstance(organization, Mapping) and (
        name := _text(organization.get("title")) or _text(organization.get("name"))
    ):
        yield Contact(organization=name, roles=("publisher",))
    for field, role in (("author", "author"), ("maintainer", "pointOfContact")):
        name, email = _text(told.get(field)), _text(told.get(f"{field}_email"))
        if name or email:
            yield Contact(
                organization=name, roles=(role,), emails=(ContactPoint(email),) if email else ()
            )
    points = told.get("contact_point") or told.get("contact") or ()
    for item in points if isinstance(points, list) else [points]:
        if isinstance(item, Mapping):
            name, email = _text(item.get("name")), _text(item.get("email"))
            if name or email:
                emails = (ContactPoint(email.removeprefix("mailto:")),) if email else ()
                yield Contact(organization=name, roles=("pointOfContact",), emails=emails)


def _link(resource: Mapping[str, Any]) -> Link | None:
    href = next(
        (
            text
            for name in ("url", "download_url", "access_url")
            if (text := _text(resource.get(name)))
        ),
        "",
    )
    if not href:
        return None
    extra = {
        "description": _text(resource.get("description")),
        "protocol": _text(resource.get("resource_locator_protocol")),
    }
    extra = {name: text for name, text in extra.items() if text}
    kind = _text(resource.get("mimetype"))
    service = _text(resource.get("format")).upper() in ("WMS", "WFS", "WMTS", "API")
    size = resource.get("size")
    length = int(size) if isinstance(size, int | float) and size > 0 else 0
    return Link(
        href,
        "service" if service else "enclosure",
        kind,
        _text(resource.get("name")),
        length=length,
        extra=extra,
    )


def _geometry(told: Mapping[str, Any], unreadable: list[dict[str, Any]]) -> dict[str, Any] | None:
    spatial = told.get("spatial")
    sides = [
        told.get(f"bbox-{side}") for side in ("west-long", "south-lat", "east-long", "north-lat")
    ]
    try:
        if isinstance(spatial, str) and spatial.strip().startswith("{"):
            spatial = json.loads(spatial)
        if isinstance(spatial, dict) and "coordinates" in spatial:
            return geometries.checked(spatial)
        if all(side not in (None, "") for side in sides):
            west, south, east, north = (float(str(side)) for side in sides)
            return Extent(west, south, east, north).as_geometry()
    except (ValueError, RecordError) as error:
        unreadable.append(
            {
                "member": "geometry",
                "path": "spatial",
                "text": str(spatial)[:200],
                "reason": str(error),
            }
        )
    return None


def _time(told: Mapping[str, Any]) -> Time | None:
    start = codes.moment(_text(told.get("temporal_start") or told.get("temporal-extent-begin")))
    end = codes.moment(_text(told.get("temporal_end") or told.get("temporal-extent-end")))
    return time_of([(start or "..", end or "..")])
