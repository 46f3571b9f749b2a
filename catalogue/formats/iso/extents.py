"""Extents of ISO 19115 written: boxes, polygons, named places, periods."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lxml import etree

from geoguichet.catalogue.formats import geometries
from geoguichet.catalogue.formats.iso.making import (
    GML,
    Maker,
    Property,
    identifier,
    missing,
    says,
)
from geoguichet.catalogue.formats.mapping import Place, beyond
from geoguichet.catalogue.formats.xml import Element
from geoguichet.catalogue.record import Extent, Record


def extent_of(make: Maker, record: Record) -> Element | None:
    """Make the extent; None when there is nothing to say and nothing is asked."""
    told = beyond(record)
    properties: list[Property] = [
        ("description", told.get("extentDescription")),
        (
            "geographicElement",
            [*_geographic(make, record), *(_place(make, item) for item in told.get("places", ()))],
        ),
        (
            "temporalElement",
            [make.object("EX_TemporalExtent", ("extent", period)) for period in _periods(record)],
        ),
    ]
    if says(properties):
        return make.object("EX_Extent", *properties)
    return missing() if make.older else None  # readers of ISO 19139 stumble where there is none


def _place(make: Maker, place: Place) -> Element:
    code = identifier(make, place["code"], place.get("scheme", ""), place.get("href", ""))
    return make.object("EX_GeographicDescription", ("geographicIdentifier", code))


def _geographic(make: Maker, record: Record) -> Iterator[Element]:
    """Yield a box per rectangle, and for other shapes their box and their polygon.

    Several parts come after the box around all of them: most readers take the first box for the
    whole extent.
    """
    parts = geometries.boxes_and_shapes(record.geometry)
    if len(parts) > 1 and record.extent is not None:
        yield _box(make, record.extent)
    for part in parts:
        extent = part if isinstance(part, Extent) else Extent.from_geometry(part)
        if extent is not None:
            yield _box(make, extent)
        if not isinstance(part, Extent) and part["type"] == "Polygon":
            polygon = _polygon(part["coordinates"], record.id)
            yield make.object("EX_BoundingPolygon", ("polygon", polygon))


def _box(make: Maker, box: Extent) -> Element:
    sides = {
        "westBoundLongitude": box.west,
        "eastBoundLongitude": box.east,
        "southBoundLatitude": box.south,
        "northBoundLatitude": box.north,
    }
    decimals = ((name, make.leaf("gco", "Decimal", _decimal(side))) for name, side in sides.items())
    return make.object("EX_GeographicBoundingBox", *decimals)


def _decimal(number: float) -> str:
    """Return the shortest text without exponent that reads back as the same number."""
    return format(Decimal(repr(float(number))), "f").removesuffix(".0")


def _gml(kind: str, *said: str) -> Element:
    """Make an object of GML, whose identifier is the same for the same things said."""
    name = "g" + blake2b("|".join(said).encode(), digest_size=8).hexdigest()
    return etree.Element(f"{{{GML}}}{kind}", {f"{{{GML}}}id": name}, nsmap={"gml": GML})


def _inside(holder: Element, *path: str) -> Element:
    """Put elements of GML one in the other, and return the innermost."""
    for name in path:
        holder = etree.SubElement(holder, f"{{{GML}}}{name}")
    return holder


def _polygon(rings: list[Any], name: str) -> Element:
    polygon = _gml("Polygon", name, repr(rings[0][:3]))
    polygon.set("srsName", "urn:ogc:def:crs:OGC:1.3:CRS84")
    for at, ring in enumerate(rings):
        side = "interior" if at else "exterior"
        positions = " ".join(f"{_decimal(x)} {_decimal(y)}" for x, y, *_ in ring)
        _inside(polygon, side, "LinearRing", "posList").text = positions
    return polygon


def _periods(record: Record) -> Iterator[Element]:
    time = record.time
    for start, end in time.periods() if time else ():
        if start == end:
            instant = _gml("TimeInstant", record.id, start)
            _inside(instant, "timePosition").text = start
            yield instant
            continue
        first, last = (end, start) if time and time.extra.get("reversed") else (start, end)
        period = _gml("TimePeriod", record.id, first, last)
        for name, text in (("beginPosition", first), ("endPosition", last)):
            position = _inside(period, name)
            if text == "..":
                position.set("indeterminatePosition", "unknown")
            else:
                position.text = text
        yield period
