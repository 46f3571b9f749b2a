"""Extents of ISO 19115 read: boxes, polygons, named places, periods."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from geoguichet.catalogue import codes, geometries
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.iso_values import Members, Reading, href_of, value, values
from geoguichet.catalogue.mapping import time_of
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.xml import (
    LOCAL,
    Element,
    Holder,
    child,
    children,
    content,
    down,
    inner,
)


def extents(reading: Reading, identification: Holder) -> Members:
    """Return where and when the resource is about."""
    pieces: list[dict[str, Any]] = []
    periods: list[tuple[str, str]] = []
    places: list[dict[str, str]] = []
    words: list[str] = []
    for holder in children(identification, "extent"):
        extent = inner(holder)
        words += values(extent, "description")
        elements = [node for node in map(inner, children(extent, "geographicElement")) if node is not None]
        pieces += _pieces(reading, elements)
        for node in elements:
            if LOCAL[node.tag] == "EX_GeographicDescription":
                places += _place(child(node, "geographicIdentifier"))
        for temporal in children(extent, "temporalElement"):
            periods += _periods(reading, temporal)
    return {
        "geometry": geometries.gathered([piece for at, piece in enumerate(pieces) if piece not in pieces[:at]]),
        "places": places,
        "extentDescription": "\n".join(dict.fromkeys(words)),
        "time": time_of(periods),
    }


def _place(holder: Element | None) -> list[dict[str, str]]:
    identifier = inner(holder)
    code = child(identifier, "code")
    said = {
        "code": value(code),
        "href": href_of(code),
        "scheme": value(child(identifier, "codeSpace")) or value(down(identifier, "authority", "*", "title")),
    }
    return [{name: text for name, text in said.items() if text}] if said["code"] else []


def _pieces(reading: Reading, elements: list[Element]) -> Iterator[dict[str, Any]]:
    """Yield the geometries of one extent; a box that only repeats the envelope of a polygon is left aside."""
    boxes = [box for node in elements if LOCAL[node.tag].endswith("BoundingBox") if (box := _box(reading, node))]
    polygons = [node for node in elements if LOCAL[node.tag] == "EX_BoundingPolygon"]
    found = [rings for node in polygons for rings in _polygons(reading, node, boxes)]
    envelopes = [_envelope(rings) for rings in found]
    envelopes += [_envelope([ring for rings in found for ring in rings])] if len(found) > 1 else []
    alone = [box for box in boxes if not any(_same_box(box, envelope) for envelope in envelopes)]
    polygons_found = [{"type": "Polygon", "coordinates": rings} for rings in found]
    if alone and len(alone) + len(found) > 2 and _same_box(alone[0], _hull(alone[1:], polygons_found)):
        del alone[0]
    for box in alone:
        yield from geometries.as_pieces(box)
    yield from polygons_found


def _hull(boxes: list[Extent], polygons: list[dict[str, Any]]) -> Extent | None:
    """Return the box around boxes and polygons."""
    return Extent.from_geometry(
        geometries.gathered([*(piece for box in boxes for piece in geometries.as_pieces(box)), *polygons]) or {}
    )


def _envelope(rings: list[Any]) -> Extent:
    longitudes = [position[0] for ring in rings for position in ring]
    latitudes = [position[1] for ring in rings for position in ring]
    return Extent(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def _same_box(one: Extent, other: Extent | None) -> bool:
    if other is None:
        return False
    pairs = ((one.west, other.west), (one.south, other.south), (one.east, other.east), (one.north, other.north))
    return all(abs(a - b) < 1e-6 for a, b in pairs)


_SIDES = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")


def _box(reading: Reading, element: Element) -> Extent | None:
    texts = {LOCAL[node.tag]: value(node) for node in element}
    sides = [texts.get(side, "") for side in _SIDES]
    if not any(sides):
        return None
    numbers = [codes.number(side) for side in sides]
    west, south, east, north = numbers
    if west is None or south is None or east is None or north is None:
        reading.refuse("geometry", element, " ".join(sides), "quatre nombres sont attendus")
        return None
    try:
        return Extent(float(west), float(south), float(east), float(north))
    except RecordError as error:
        reading.refuse("geometry", element, " ".join(sides), str(error))
        return None


def _polygons(reading: Reading, element: Element, boxes: list[Extent]) -> Iterator[list[Any]]:
    for polygon in element.iter("{*}Polygon"):
        rings = [_ring(node, polygon, boxes) for node in polygon.iter("{*}LinearRing")]
        if not rings or any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
            reading.refuse("geometry", polygon, "", "un polygone fermé d'au moins quatre positions est attendu")
        elif not all(_in_degrees(ring) for ring in rings):
            reading.refuse("geometry", polygon, "", "des positions en degrés WGS 84 sont attendues")
        else:
            yield rings


def _in_degrees(ring: list[list[float]]) -> bool:
    return all(-180.0 <= x <= 180.0 and -90.0 <= y <= 90.0 for x, y in ring)


def _ring(ring: Element, polygon: Element, boxes: list[Extent]) -> list[list[float]]:
    """Return the positions of a ring, longitude first: as the box beside it shows, else as its CRS says."""
    listed = [node.text or "" for node in ring.iter("{*}posList", "{*}pos", "{*}coordinates")]
    flat = _numbers(" ".join(listed))
    holders = [ring, polygon, *ring.iter("{*}posList")]
    dimension = next((int(d) for node in holders if (d := node.get("srsDimension", "")).isdigit()), 2) or 2
    first, second = flat[::dimension], flat[1::dimension]
    pairs = [list(pair) for pair in zip(first, second, strict=False)]
    if boxes and pairs:
        turned = _inside(boxes, second, first) and not _inside(boxes, first, second)
        return [pair[::-1] for pair in pairs] if turned else pairs
    names = [node.get("srsName", "") for node in holders]
    turned = any("4326" in name or "4258" in name for name in names if name.startswith(("urn:", "http")))
    return [pair[::-1] for pair in pairs] if turned else pairs


def _numbers(text: str) -> list[float]:
    """Return the numbers of a list of coordinates; none when one of them is not a finite number."""
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _inside(boxes: list[Extent], xs: list[float], ys: list[float], margin: float = 1.0) -> bool:
    """Say whether positions stand within a degree of the hull of boxes."""
    west, east = min(box.west for box in boxes) - margin, max(box.east for box in boxes) + margin
    south, north = min(box.south for box in boxes) - margin, max(box.north for box in boxes) + margin
    return west <= min(xs) and max(xs) <= east and south <= min(ys) and max(ys) <= north


_OPEN = frozenset({"now", "unknown", "after", "before"})


def _periods(reading: Reading, temporal: Element) -> Iterator[tuple[str, str]]:
    for period in temporal.iter("{*}TimePeriod"):
        yield _bound(reading, period, "begin"), _bound(reading, period, "end")
    for instant in temporal.iter("{*}TimeInstant"):
        parent, position = instant.getparent(), child(instant, "timePosition")
        if position is None or parent is None or LOCAL[parent.tag] in ("begin", "end"):
            continue
        if written := _position(reading, position):
            yield written, written


def _bound(reading: Reading, period: Element, side: str) -> str:
    position = child(period, f"{side}Position")
    if position is None:
        position = down(period, side, "*", "timePosition")
    return ".." if position is None else _position(reading, position) or ".."


def _position(reading: Reading, position: Element) -> str:
    text = content(position)
    if not text or (position.get("indeterminatePosition") in _OPEN and not codes.moment(text)):
        return ""
    written = codes.moment(text)
    if not written:
        reading.refuse("time", position, text, "ce n'est pas une date AAAA-MM-JJ")
    return written
