"""Geometries of GeoJSON taken apart and put together: the boxes and shapes that formats write one
by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent, Record


def as_pieces(box: Extent) -> Iterator[dict[str, Any]]:
    """Yield the polygons of a box (two across the antimeridian), or its point when it is flat."""
    if (box.west, box.south) == (box.east, box.north):
        yield {"type": "Point", "coordinates": [box.west, box.south]}
        return
    geometry = box.as_geometry()
    for coordinates in (
        [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    ):
        yield {"type": "Polygon", "coordinates": coordinates}


def simple(geometry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the points, lines and polygons that a geometry is made of."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from simple(part)
    elif kind.startswith("Multi"):
        for coordinates in geometry["coordinates"]:
            yield {"type": kind.removeprefix("Multi"), "coordinates": coordinates}
    else:
        yield geometry


def checked(geometry: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry that is one, in degrees; RecordError says why it is not."""
    try:
        json.dumps(geometry, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise RecordError("geometry : des nombres finis sont attendus.") from error
    if not isinstance(geometry, dict) or Record(id="-", geometry=geometry).extent is None:
        raise RecordError("geometry : une géométrie GeoJSON avec des positions est attendue.")
    return geometry


def gathered(pieces: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return one geometry made of points, lines and polygons; None when there are none."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    kinds = {piece["type"] for piece in pieces}
    if len(kinds) == 1:
        return {
            "type": f"Multi{kinds.pop()}",
            "coordinates": [piece["coordinates"] for piece in pieces],
        }
    return {"type": "GeometryCollection", "geometries": pieces}


def boxes_and_shapes(geometry: Mapping[str, Any] | None) -> list[Extent | Mapping[str, Any]]:
    """Return the parts of a geometry, rectangles as boxes; two halves cut at the antimeridian are
    one box.
    """
    parts = [] if geometry is None else list(simple(geometry))
    shapes: list[Extent | Mapping[str, Any]] = [_rectangle(part) or part for part in parts]
    if len(shapes) == 2:
        first, second = shapes
        if not isinstance(first, Extent) or not isinstance(second, Extent):
            return shapes
        if (
            first.east == 180
            and second.west == -180
            and (first.south, first.north) == (second.south, second.north)
        ):
            return [Extent(first.west, first.south, second.east, first.north)]
    return shapes


def boxes(geometry: Mapping[str, Any] | None) -> list[Extent]:
    """Return the boxes around the parts of a geometry; two halves cut at the antimeridian are
    one.
    """
    parts = boxes_and_shapes(geometry)
    found = (part if isinstance(part, Extent) else Extent.from_geometry(part) for part in parts)
    return [box for box in found if box is not None]


def _rectangle(part: Mapping[str, Any]) -> Extent | None:
    """Return the box that a polygon is; None for any other shape."""
    if (
        part["type"] != "Polygon"
        or len(part["coordinates"]) != 1
        or len(part["coordinates"][0]) != 5
    ):
        return None
    ring = [tuple(position[:2]) for position in part["coordinates"][0]]
    xs, ys = {x for x, _ in ring}, {y for _, y in ring}
    if ring[0] != ring[-1] or len(xs) > 2 or len(ys) > 2 or len(set(ring)) != len(xs) * len(ys):
        return None
    return Extent(min(xs), min(ys), max(xs), max(ys))


def from_wkt(text: str) -> dict[str, Any] | None:
    """Read WKT, after the address of its reference system when it names one; ValueError when it is
    none.
    """
    import shapely

    crs = ""
    if text.startswith("<"):
        crs, _, text = text[1:].partition(">")
    try:
        shape = shapely.from_wkt(text.split(";")[-1].strip())
    except shapely.errors.ShapelyError as error:
        raise ValueError(f"WKT illisible ({error})") from error
    if shape is None or shape.is_empty:
        return None
    if "4326" in crs or "4258" in crs:
        shape = shapely.transform(shape, lambda positions: positions[:, ::-1])
    return cast(dict[str, Any], json.loads(shapely.to_geojson(shape)))


def as_wkt(geometry: Mapping[str, Any]) -> str:
    """Write a point, line or polygon with every digit of its numbers."""

    def row(positions: Any) -> str:
        return ", ".join(f"{float(x)!r} {float(y)!r}" for x, y, *_ in positions)

    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        return f"POINT ({row([coordinates])})"
    if kind == "LineString":
        return f"LINESTRING ({row(coordinates)})"
    if kind == "MultiPolygon":
        return (
            "MULTIPOLYGON ("
            + ", ".join(
                "(" + ", ".join(f"({row(ring)})" for ring in part) + ")" for part in coordinates
            )
            + ")"
        )
    return "POLYGON (" + ", ".join(f"({row(ring)})" for ring in coordinates) + ")"
