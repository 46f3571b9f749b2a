"""Extents of ISO 19115 written: boxes, polygons, named places, periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lxml import etree

from geoguichet.catalogue import geometries
from geoguichet.catalogue.iso_making import (
    GML,
    Maker,
    identifier,
    missing,
    told,
)
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.xml import Element


def extent_of(make: Maker, record: Record) -> Element | None:
    """Make the extent; None when there is nothing to say and nothing is asked."""
    geographic = [*_geographic(make, record), *(_place(make, place) for place in told(record, "places"))]
    temporal = [make.object("EX_TemporalExtent", ("extent", period)) for period in _periods(make, record)]
    words = told(record, "extentDescription")
    if not geographic and not temporal and not words:
        return _no_extent(make)
    return make.object(
        "EX_Extent", ("description", words), ("geographicElement", geographic), ("temporalElement", temporal)
    )


def _no_extent(make: Maker) -> Element | None:
    """Return what stands for the extent in ISO 19139: readers of it stumble over a resource that has none."""
    return missing() if "gmd" in make.dialect.namespaces else None


def _place(make: Maker, place: Mapping[str, str]) -> Element:
    code = identifier(make, place["code"], place.get("scheme", ""), place.get("href", ""))
    return make.object("EX_GeographicDescription", ("geographicIdentifier", code))


def _geographic(make: Maker, record: Record) -> Iterator[Element]:
    """Yield a box per rectangle, and for other shapes their box and their polygon.

    Several parts come after the box around all of them: most readers take the first box for the whole extent.
    """
    parts = geometries.boxes_and_shapes(record.geometry)
    if len(parts) > 1 and record.extent is not None:
        yield _box(make, record.extent)
    for part in parts:
        extent = part if isinstance(part, Extent) else Extent.from_geometry(part)
        if extent is not None:
            yield _box(make, extent)
        if not isinstance(part, Extent) and part["type"] == "Polygon":
            yield make.object("EX_BoundingPolygon", ("polygon", _gml_polygon(make, part["coordinates"], record.id)))


def _box(make: Maker, box: Extent) -> Element:
    sides = (box.west, box.east, box.south, box.north)
    names = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
    decimals = [make.leaf("gco", "Decimal", _decimal(side)) for side in sides]
    return make.object("EX_GeographicBoundingBox", *zip(names, decimals, strict=True))


def _decimal(number: float) -> str:
    """Return the shortest text without exponent that reads back as the same number."""
    return format(Decimal(repr(float(number))), "f").removesuffix(".0")


def _gml_polygon(make: Maker, rings: list[Any], name: str) -> Element:
    polygon = etree.Element(
        f"{{{GML}}}Polygon", {f"{{{GML}}}id": _gml_id(name, repr(rings[0][:3]))}, nsmap={"gml": GML}
    )
    polygon.set("srsName", "urn:ogc:def:crs:OGC:1.3:CRS84")
    for at, ring in enumerate(rings):
        side = etree.SubElement(polygon, f"{{{GML}}}{'interior' if at else 'exterior'}")
        positions = etree.SubElement(etree.SubElement(side, f"{{{GML}}}LinearRing"), f"{{{GML}}}posList")
        positions.text = " ".join(f"{_decimal(x)} {_decimal(y)}" for x, y, *_ in ring)
    return polygon


def _gml_id(*parts: str) -> str:
    """Return an XML identifier that is the same for the same parts."""
    return "g" + blake2b("|".join(parts).encode(), digest_size=8).hexdigest()


def _periods(make: Maker, record: Record) -> Iterator[Element]:
    time = record.time
    if time is None:
        return
    periods = [tuple(period) for period in time.extra.get("periods", ())]
    if not periods:
        periods = [time.interval or (time.timestamp or time.date,) * 2]
    if time.extra.get("reversed"):
        periods = [period[::-1] for period in periods]
    for start, end in periods:
        if start == end:
            instant = etree.Element(
                f"{{{GML}}}TimeInstant", {f"{{{GML}}}id": _gml_id(record.id, start)}, nsmap={"gml": GML}
            )
            etree.SubElement(instant, f"{{{GML}}}timePosition").text = start
            yield instant
            continue
        period = etree.Element(
            f"{{{GML}}}TimePeriod", {f"{{{GML}}}id": _gml_id(record.id, start, end)}, nsmap={"gml": GML}
        )
        for name, text in (("beginPosition", start), ("endPosition", end)):
            position = etree.SubElement(period, f"{{{GML}}}{name}")
            if text == "..":
                position.set("indeterminatePosition", "unknown")
            else:
                position.text = text
        yield period
