"""Capabilities of OGC services (WMS, WFS, WMTS, CSW, WPS, SOS): a record for the service, one per
layer it offers.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import Mapped, describe
from geoguichet.catalogue.formats.xml import (
    HREF,
    Element,
    child,
    children,
    content,
    down,
    every,
    name,
    parse,
)
from geoguichet.catalogue.record import Contact, ContactPoint, Extent, Link, Record

MAPPING = (
    Mapped(
        "id",
        "OnlineResource",
        "in",
        "worked out from the address of the service and the name of the layer",
    ),
    Mapped("type", "Layer", "in", "service, and dataset for a layer"),
    Mapped("serviceType", "Service/Name", "in"),
    Mapped("title", "Title", "in"),
    Mapped("description", "Abstract", "in"),
    Mapped("keywords", "KeywordList", "in", "Keywords of OWS"),
    Mapped("contacts", "ContactInformation", "in", "ServiceProvider of OWS"),
    Mapped("rights", "AccessConstraints", "in", "and Fees"),
    Mapped("license", "AccessConstraints", "in", "the first known licence that is named"),
    Mapped(
        "geometry",
        "EX_GeographicBoundingBox",
        "in",
        "WGS84BoundingBox, LatLonBoundingBox, LatLongBoundingBox",
    ),
    Mapped("crs", "CRS", "in", "SRS, DefaultCRS, DefaultSRS"),
    Mapped("links", "OnlineResource", "in", "and MetadataURL"),
    Mapped("parent", "Layer", "in", "the service of a layer"),
)
_KINDS = {
    "WMS_Capabilities": ("WMS", "view"),
    "WMT_MS_Capabilities": ("WMS", "view"),
    "WFS_Capabilities": ("WFS", "download"),
}
_NAMESPACES = {
    "/wmts/": ("WMTS", "view"),
    "/wfs": ("WFS", "download"),
    "/wcs": ("WCS", "download"),
    "/csw": ("CSW", "discovery"),
    "/wps": ("WPS", "other"),
    "/sos": ("SOS", "download"),
}


def claims(root: Element) -> bool:
    """Say whether an element is the capabilities of a service."""
    return name(root).endswith("Capabilities")


def read(document: bytes, *, address: str = "") -> list[Record]:
    """Read the service and its layers; ``address`` is where it was asked, when the document does
    not say it.
    """
    return read_element(parse(document), address=address)


def read_element(root: Element, *, address: str = "") -> list[Record]:
    """Read the service and its layers."""
    kind, use = _kind(root)
    service = child(root, "Service")
    service = child(root, "ServiceIdentification") if service is None else service
    href = address.partition("?")[0] or _address(root, service)
    title = content(child(service, "Title"))
    digest = blake2b((href or title).encode(), digest_size=8).hexdigest()
    link = Link(
        href,
        "service",
        title=title,
        extra={"protocol": f"OGC:{kind}", "operation": "GetCapabilities"},
    )
    rights = [
        text
        for tag in ("AccessConstraints", "Fees")
        if (text := content(child(service, tag))).lower() not in ("", "none")
    ]
    members: dict[str, Any] = {
        "id": f"{kind.lower()}-{digest}",
        "type": "service",
        "serviceType": use,
        "title": title or f"Service {kind}",
        "description": content(child(service, "Abstract")),
        "keywords": tuple(_keywords(service)),
        "contacts": tuple(_contacts(root, service)),
        "rights": "\n".join(rights),
        "license": next((spdx for text in rights if (spdx := codes.licence(text))), ""),
        "links": (link,) if href else (),
    }
    layers = [_layer(node, members, kind, href, inherited) for node, inherited in _layers(root)]
    known = {record.id: record for record in layers}
    return [describe(members), *known.values()]


def _kind(root: Element) -> tuple[str, str]:
    if name(root) in _KINDS:
        return _KINDS[name(root)]
    return next(
        (kind for part, kind in _NAMESPACES.items() if part in str(root.tag).lower()),
        ("OWS", "other"),
    )


def _address(root: Element, service: Element | None) -> str:
    """Return the address of the service: that of its operations, else the one it gives for
    itself.
    """
    steps = (
        ("Capability", "Request", "GetMap", "DCPType", "HTTP", "Get", "OnlineResource"),
        ("OperationsMetadata", "Operation", "DCP", "HTTP", "Get"),
    )
    for operation in (found for path in steps for found in every(root, *path)):
        if href := operation.get(HREF):
            return href.rstrip("?&")
    node = child(service, "OnlineResource")
    return "" if node is None else (node.get(HREF) or content(node)).rstrip("?&")


def _keywords(service: Element | None) -> Iterator[str]:
    for path in (("KeywordList", "Keyword"), ("Keywords", "Keyword")):
        for node in every(service, *path):
            if content(node):
                yield content(node)
    alone = child(service, "Keywords")
    if alone is not None and not len(alone):
        yield from (word.strip() for word in content(alone).split(",") if word.strip())


def _contacts(root: Element, service: Element | None) -> Iterator[Contact]:
    information = child(service, "ContactInformation")
    provider = child(root, "ServiceProvider")
    organization = content(
        down(information, "ContactPersonPrimary", "ContactOrganization")
    ) or content(child(provider, "ProviderName"))
    person = content(down(information, "ContactPersonPrimary", "ContactPerson")) or content(
        down(provider, "ServiceContact", "IndividualName")
    )
    address = down(provider, "ServiceContact", "ContactInfo", "Address", "ElectronicMailAddress")
    email = content(child(information, "ContactElectronicMailAddress")) or content(address)
    if organization or person or email:
        yield Contact(
            organization=organization,
            name=person,
            roles=("pointOfContact",),
            emails=(ContactPoint(email),) if email else (),
        )


def _layers(root: Element) -> Iterator[tuple[Element, Element | None]]:
    """Yield every layer with a name, and the layer above whose box it inherits."""
    for layer in every(root, "Capability", "Layer"):
        yield from _nested(layer, None)
    for path in (
        ("Contents", "Layer"),
        ("FeatureTypeList", "FeatureType"),
        ("Contents", "CoverageSummary"),
    ):
        for node in every(root, *path):
            yield node, None


def _nested(layer: Element, above: Element | None) -> Iterator[tuple[Element, Element | None]]:
    if child(layer, "Name") is not None:
        yield layer, above
    boxed = layer if _has_box(layer) else above
    for nested in children(layer, "Layer"):
        yield from _nested(nested, boxed)


_BOXES = ("EX_GeographicBoundingBox", "LatLonBoundingBox", "WGS84BoundingBox", "LatLongBoundingBox")


def _has_box(layer: Element) -> bool:
    return any(child(layer, tag) is not None for tag in _BOXES)


def _layer(
    node: Element, service: dict[str, Any], kind: str, href: str, above: Element | None
) -> Record:
    named = content(child(node, "Name")) or content(child(node, "Identifier"))
    systems = [
        content(found)
        for tag in ("CRS", "SRS", "DefaultCRS", "DefaultSRS", "OtherCRS", "OtherSRS")
        for found in children(node, tag)
    ]
    links = [Link(href, "service", title=named, extra={"protocol": f"OGC:{kind}"})] if href else []
    for holder in [*children(node, "MetadataURL"), *children(node, "DataURL")]:
        found = child(holder, "OnlineResource")
        address = content(holder) or holder.get(HREF, "") if found is None else found.get(HREF, "")
        if address:
            links.append(
                Link(
                    address,
                    "describedby" if name(holder) == "MetadataURL" else "related",
                    content(child(holder, "Format")),
                )
            )
    members: dict[str, Any] = {
        "id": f"{service['id']}-{named}",
        "type": "dataset",
        "title": content(child(node, "Title")) or named,
        "description": content(child(node, "Abstract")),
        "keywords": tuple(dict.fromkeys(_keywords(node))),
        "contacts": service["contacts"],
        "rights": service["rights"],
        "license": service["license"],
        "crs": list(dict.fromkeys(codes.crs(text) for part in systems for text in part.split()))[
            :50
        ],
        "links": tuple(links),
        "parent": service["id"],
        "externalIds": (),
    }
    return describe(members | _extent(node if _has_box(node) or above is None else above))


def _extent(node: Element) -> dict[str, Any]:
    for tag in _BOXES:
        box = child(node, tag)
        if box is None:
            continue
        sides = [box.get(side, "") for side in ("minx", "miny", "maxx", "maxy")]
        if tag == "EX_GeographicBoundingBox":
            sides = [
                content(child(box, side))
                for side in (
                    "westBoundLongitude",
                    "southBoundLatitude",
                    "eastBoundLongitude",
                    "northBoundLatitude",
                )
            ]
        elif tag == "WGS84BoundingBox":
            sides = [
                part
                for corner in ("LowerCorner", "UpperCorner")
                for part in content(child(box, corner)).split()[:2]
            ]
        numbers = [codes.number(side) for side in sides]
        try:
            west, south, east, north = (float(number) for number in numbers if number is not None)
            return {
                "geometry": geometries.gathered(
                    list(geometries.as_pieces(Extent(west, south, east, north)))
                )
            }
        except (ValueError, RecordError) as error:
            return {
                "unreadable": [
                    {
                        "member": "geometry",
                        "path": tag,
                        "text": " ".join(sides),
                        "reason": str(error),
                    }
                ]
            }
    return {}
