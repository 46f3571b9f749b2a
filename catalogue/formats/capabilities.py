"""Capabilities of OGC services (WMS, WFS, WMTS, CSW, WPS, SOS): a record for the service, one per
layer it offers.
"""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, coordinates
from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import Format, Mapped, Part, read_by
from geoguichet.catalogue.formats.xml import Element, XmlPart, child, name
from geoguichet.catalogue.record import Link, Record

#: Root element -> the protocol, and the type of the service in INSPIRE.
_KINDS = {
    "WMS_Capabilities": ("WMS", "view"),
    "WMT_MS_Capabilities": ("WMS", "view"),
    "WFS_Capabilities": ("WFS", "download"),
}
#: What the namespace of the root says -> the same, for those whose root says nothing.
_NAMESPACES = {
    "/wmts/": ("WMTS", "view"),
    "/wfs": ("WFS", "download"),
    "/wcs": ("WCS", "download"),
    "/csw": ("CSW", "discovery"),
    "/wps": ("WPS", "other"),
    "/sos": ("SOS", "download"),
}


def _kind(root: Element) -> tuple[str, str]:
    told = (kind for part, kind in _NAMESPACES.items() if part in str(root.tag).lower())
    return _KINDS.get(name(root)) or next(told, ("OWS", "other"))


_SAID = ("Service", "ServiceIdentification")


# Return where both shapes of capabilities (WMS, OWS Common) say something of the service.
def _of_service(*paths: str) -> str:
    return " + ".join(f"{holder}/{path}" for path in paths for holder in _SAID)


#: The address of the service: that of its operations, else the one it gives for itself.
_ADDRESSES = ", ".join(
    (
        "Capability/Request/GetMap/DCPType/HTTP/Get/OnlineResource/@href",
        "OperationsMetadata/Operation/DCP/HTTP/Get/@href",
        *(f"{holder}/OnlineResource/@href" for holder in _SAID),
        *(f"{holder}/OnlineResource" for holder in _SAID),
    )
)
_PERSON = "Service/ContactInformation"
_PROVIDER = "ServiceProvider/ServiceContact"
_CONTACT = to.contacts(
    "pointOfContact",
    organization=f"{_PERSON}/ContactPersonPrimary/ContactOrganization, "
    "ServiceProvider/ProviderName",
    name=f"{_PERSON}/ContactPersonPrimary/ContactPerson, {_PROVIDER}/IndividualName",
    emails=f"{_PERSON}/ContactElectronicMailAddress, "
    f"{_PROVIDER}/ContactInfo/Address/ElectronicMailAddress",
)


# Read keywords that stand in one text, between commas.
def _said_words(part: Part, path: str) -> tuple[str, ...]:
    return tuple(
        word for text in part.texts(path) for item in text.split(",") if (word := item.strip())
    )


def _licence(part: Part, path: str) -> str:
    return "" if (found := to.licence(part, path)) == "other" else found


def _systems(part: Part, path: str) -> list[str]:
    return list(dict.fromkeys(map(codes.crs, " ".join(part.texts(path)).split())))[:50]


_BOXES = "EX_GeographicBoundingBox, LatLonBoundingBox, WGS84BoundingBox, LatLongBoundingBox"
_BOX = to.box(
    "westBoundLongitude, @minx",
    "southBoundLatitude, @miny",
    "eastBoundLongitude, @maxx",
    "northBoundLatitude, @maxy",
    listed="LowerCorner + UpperCorner",
)


# Read the box of a layer, else of the nearest layer above it that has one.
def _inherited_box(part: Part, path: str) -> Any:
    for layer in (part.node, *part.node.iterancestors("{*}Layer")):
        above = XmlPart(layer, refused=part.refused)
        if boxes := above.at(path):
            return _BOX(boxes[0], "")
        if boxes := [box for box in above.at("BoundingBox") if box.text("@minx")]:
            return _in_its_system(boxes[0])
    return None


# Read a box in the system that it names: in the order of its axes since WMS 1.3 (``CRS``), easting
# first before (``SRS``).
def _in_its_system(box: Part) -> Any:
    sides = [box.text(f"@{side}") for side in ("minx", "miny", "maxx", "maxy")]
    system = box.text("@CRS")
    try:
        west, south, east, north = map(float, sides)
        if system and not system.upper().startswith("CRS:"):
            there = f"urn:ogc:def:crs:EPSG::{system.rpartition(':')[2]}"
            return coordinates.between([west, south], [east, north], there).as_geometry()
        named = box.text("@SRS") or "OGC:CRS84"
        return coordinates.box_in_degrees([west, south, east, north], [named]).as_geometry()
    except (ValueError, RecordError) as error:
        box.refuse(" ".join(sides), str(error))
        return None


_SERVICE = (
    Mapped("description", _of_service("Abstract"), "in"),
    Mapped(
        "keywords", _of_service("KeywordList/Keyword", "Keywords/Keyword"), "in", read=to.words()
    ),
    Mapped("keywords", _of_service("Keywords"), "in", "between commas", _said_words),
    Mapped("contacts", f"{_PERSON} + ServiceProvider", "in", read=to.whole(_CONTACT)),
    Mapped(
        "rights",
        _of_service("AccessConstraints", "Fees"),
        "in",
        read=lambda part, path: "\n".join(
            text for text in part.texts(path) if text.lower() != "none"
        ),
    ),
    Mapped(
        "license",
        _of_service("AccessConstraints", "Fees"),
        "in",
        "that of the lists (SPDX, EU, data.gouv.fr); of prose to confirm",
        _licence,
    ),
)
_LAYER = (
    Mapped("title", "Title, Name, Identifier", "in"),
    Mapped("description", "Abstract", "in"),
    Mapped("keywords", "KeywordList/Keyword + Keywords/Keyword", "in", read=to.words()),
    Mapped("keywords", "Keywords", "in", "between commas", _said_words),
    Mapped(
        "crs",
        "CRS + SRS + DefaultCRS + DefaultSRS + OtherCRS + OtherSRS",
        "in",
        read=_systems,
    ),
    Mapped(
        "links",
        "MetadataURL",
        "in",
        read=to.links("describedby", href="OnlineResource/@href, @href, ", type="Format"),
    ),
    Mapped(
        "links",
        "DataURL",
        "in",
        read=to.links("related", href="OnlineResource/@href, @href, ", type="Format"),
    ),
    Mapped(
        "geometry",
        _BOXES,
        "in",
        "else BoundingBox in its system; that of a layer above, when it has none",
        _inherited_box,
    ),
)

MAPPING = (
    Mapped("id", "OnlineResource", "in", "worked out from its address, and a layer's name"),
    Mapped("type", "", "in", "service, and dataset for a layer"),
    Mapped("serviceType", "", "in", "from the name of the root"),
    Mapped("title", _of_service("Title"), "in"),
    Mapped("links", _ADDRESSES, "in"),
    *_SERVICE,
    Mapped("parent", "", "in", "of a layer: its service; contacts, rights and licence too"),
    *_LAYER,
)


def read(root: Element) -> list[Record]:
    """Read the service, and its layers; of two layers of one name the last is kept."""
    part, (kind, use) = XmlPart(root), _kind(root)
    href, title = part.text(_ADDRESSES).rstrip("?&"), part.text(_of_service("Title"))
    digest = blake2b((href or title).encode(), digest_size=8).hexdigest()
    protocol = f"OGC:{kind}"
    service = read_by(
        _SERVICE,
        part,
        id=f"{kind.lower()}-{digest}",
        type="service",
        serviceType=use,
        title=title or f"Service {kind}",
        links=(
            Link(
                href,
                "service",
                title=title,
                extra={"protocol": protocol, "operation": "GetCapabilities"},
            ),
        )
        if href
        else (),
    )
    layers: dict[str, Record] = {}
    for node in root.iter("{*}Layer", "{*}FeatureType", "{*}CoverageSummary"):
        if child(node, "Name") is not None or child(node, "Identifier") is not None:
            layer = XmlPart(node)
            named = layer.text("Name, Identifier")
            record = read_by(
                _LAYER,
                layer,
                id=f"{service.id}-{named}",
                type="dataset",
                contacts=service.contacts,
                rights=service.rights,
                license=service.license,
                parent=service.id,
            )
            link = Link(href, "service", title=named, extra={"protocol": protocol})
            links = (link, *record.links) if href else record.links
            layers[record.id] = replace(record, links=links)
    return [service, *layers.values()]


FORMAT = Format(
    "capabilities",
    "Capabilities of OGC services",
    MAPPING,
    "xml",
    claims=lambda root: name(root).endswith("Capabilities"),
    parts=read,
)
