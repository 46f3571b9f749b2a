"""Coordinates of any reference system put in degrees of WGS 84, longitude first: GML, WKT, boxes.

The order of the axes is that of the system (OGC 09-048r5): a system named by a URN or by an address
of ``/def/crs/`` has the axes of its authority (EPSG:4171 is latitude first), one that is only named
(``EPSG:2154``, an SRID) has the easting first, as every tool writes it.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats.xml import LOCAL, Element
from geoguichet.catalogue.record import Extent
from geoguichet.floor.words import _

#: Degrees that are those of WGS 84 to a metre: the system, and whether latitude comes first there.
_DEGREES = {
    "OGC:CRS84": False,
    **dict.fromkeys(("EPSG:4326", "EPSG:4258", "EPSG:4171", "EPSG:4979"), True),
}
_CODE = re.compile(r"(EPSG|IGNF|ESRI|OGC)(?:\.xml#|[:/]++(?:[\d.]++[:/]++)?|\s)([\w.-]+)$", re.I)
#: Degrees around the area of use of a system in which coordinates of it are believed.
_MARGIN = 2.0

type Positions = list[list[float]]


class System(NamedTuple):
    """A reference system as it is named, and whether its axes are those of its authority."""

    code: str
    authority_axes: bool


@lru_cache(maxsize=1024)
def system(name: str) -> System:
    """Return the system that a ``srsName`` or the address before WKT names; CRS84 when it is
    blank.
    """
    name = name.strip()
    if not name or "CRS84" in name or name.endswith(":84"):
        return System("OGC:CRS84", authority_axes=False)
    found = _CODE.search(name[-200:])  # no name of a system is longer
    code = f"{found[1].upper()}:{found[2]}" if found else name
    return System(code, name.lower().startswith("urn:") or "/def/crs/" in name)


# Return what puts positions of a system in degrees, and the box of its area of use.
@lru_cache(maxsize=256)
def _transformed(named: System) -> tuple[Callable[..., Any], Sequence[float]]:
    import pyproj

    try:
        crs = pyproj.CRS.from_user_input(named.code)
        target = pyproj.CRS("OGC:CRS84")
        made = pyproj.Transformer.from_crs(crs, target, always_xy=not named.authority_axes)
    except pyproj.exceptions.ProjError as error:
        raise ValueError(
            _("le système de coordonnées « {code} » est inconnu", code=named.code)
        ) from error
    area = crs.area_of_use
    return made.transform, area.bounds if area else (-180.0, -90.0, 180.0, 90.0)


def to_degrees(positions: Positions, named: System) -> Positions:
    """Return positions in degrees, longitude first; ValueError when they are none of the system."""
    if named.code in _DEGREES:
        turned = _DEGREES[named.code] and named.authority_axes
        degrees = [position[1::-1] if turned else position[:2] for position in positions]
        if not all(abs(x) <= 180 and abs(y) <= 90 for x, y in degrees):
            raise ValueError(_("des degrés sont attendus ({code})", code=named.code))
        return degrees
    transform, (west, south, east, north) = _transformed(named)
    xs, ys = transform([position[0] for position in positions], [p[1] for p in positions])
    # A hundredth of a millimetre: the digits after it are those of the calculation.
    degrees = [[round(x, 10), round(y, 10)] for x, y in zip(xs, ys, strict=True)]
    for x, y in degrees:
        across = west > east and (x >= west - _MARGIN or x <= east + _MARGIN)
        if not (
            (across or west - _MARGIN <= x <= east + _MARGIN)
            and south - _MARGIN <= y <= north + _MARGIN
        ):
            raise ValueError(_("ces positions ne sont pas de {code}", code=named.code))
    return degrees


def box_in_degrees(sides: Sequence[float], systems: Sequence[str]) -> Extent:
    """Return in degrees a box whose sides are west, south, east and north in the one system of the
    document that it can be of; RecordError when it is in none.
    """
    west, south, east, north = sides
    edges = _edges([west, south], [east, north])
    found: dict[Extent, None] = {}
    for name in systems:
        try:
            degrees = to_degrees(edges, System(system(name).code, authority_axes=False))
        except ValueError:
            continue
        found[around(degrees)] = None
    if len(found) != 1:
        raise RecordError(
            _(
                "emprise hors des degrés, et d'aucun système de la fiche ({systems}).",
                systems=", ".join(systems) or "—",
            )
        )
    return next(iter(found))


# Return positions along the sides of a box between two corners: a side is no meridian and no
# parallel once it is turned.
def _edges(lower: Sequence[float], upper: Sequence[float]) -> Positions:
    steps = [part / 20 for part in range(21)]
    (west, south), (east, north) = lower, upper
    edges = [[west + (east - west) * at, side] for at in steps for side in (south, north)]
    return edges + [[side, south + (north - south) * at] for at in steps for side in (west, east)]


def between(lower: Sequence[float], upper: Sequence[float], name: str) -> Extent:
    """Return the box in degrees between two corners in a system, in the order of its axes; those
    in degrees are latitude first however they are named (OWS Common). ValueError when it is none.
    """
    named = system(name)
    if named.code in _DEGREES:
        named = named._replace(authority_axes=_DEGREES[named.code])
        return _box_of(to_degrees([list(lower), list(upper)], named))
    return around(to_degrees(_edges(lower, upper), named))


# Return the box between two corners, which may be across the antimeridian, or around its edges.
def _box_of(positions: Positions) -> Extent:
    if len(positions) > 2:
        return around(positions)
    (west, one), (east, other) = positions
    return Extent(west, min(one, other), east, max(one, other))


def around(positions: Positions) -> Extent:
    """Return the box around positions."""
    xs, ys = [position[0] for position in positions], [position[1] for position in positions]
    return Extent(min(xs), min(ys), max(xs), max(ys))


# --- GML ------------------------------------------------------------------------------------------

#: Elements of GML that are a shape here, and the elements of their positions.
SHAPES = ("Polygon", "PolygonPatch", "Envelope", "Box", "LineString", "Point")
_LISTS = ("posList", "pos", "coordinates", "lowerCorner", "upperCorner", "X", "Y")


def shapes_of(root: Element) -> list[Element]:
    """Return the shapes of GML under an element, itself among them."""
    return list(root.iter(*(f"{{*}}{kind}" for kind in SHAPES)))


def from_gml(
    shape: Element, *, beside: Sequence[Extent] = (), systems: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a shape of GML as GeoJSON; ValueError says why it is none.

    Its system is the nearest ``srsName`` within or above it, else degrees, else the one of
    ``systems`` that it can be of; where boxes stand ``beside`` and only the other order of the axes
    is within them, that one is meant.
    """
    kind = LOCAL[shape.tag]
    if kind not in ("Polygon", "PolygonPatch"):
        is_box = kind in ("Envelope", "Box")
        positions = _placed(shape, beside, systems, is_box=is_box)
        if is_box:
            return _box_of(positions).as_geometry()
        if len(positions) < (2 if kind == "LineString" else 1):
            raise ValueError(_("des positions sont attendues"))
        return {"type": kind, "coordinates": positions if kind == "LineString" else positions[0]}
    rings = [_placed(ring, beside, systems) for ring in shape.iter("{*}LinearRing", "{*}Ring")]
    if not rings or any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        raise ValueError(_("un polygone fermé d'au moins quatre positions est attendu"))
    return {"type": "Polygon", "coordinates": rings}


def _placed(
    holder: Element, beside: Sequence[Extent], systems: Sequence[str], *, is_box: bool = False
) -> Positions:
    lists = [f"{{*}}{name}" for name in _LISTS]
    around_it = [*holder.iter(*lists), holder, *holder.iterancestors()]
    name = next((text for node in around_it if (text := node.get("srsName", "").strip())), "")
    size = next((text for node in around_it if (text := node.get("srsDimension", "")).isdigit()), 2)
    positions = _positions(holder, lists, int(size) or 2)
    if is_box and len(positions) != 2:
        raise ValueError(_("deux coins sont attendus"))
    if not positions:
        return []
    named = system(name)
    if is_box and named.code not in _DEGREES:
        positions = _edges(*positions)
    orders = [named, System(named.code, not named.authority_axes)]
    tried = [_tried(positions, one) for one in orders] if beside else [_tried(positions, named)]
    for degrees in tried:
        if isinstance(degrees, list) and (not beside or _within(beside, degrees)):
            return degrees
    if not name:  # no system is named: those of the record are asked
        tried += [_tried(positions, system(one)._replace(authority_axes=False)) for one in systems]
    found = [degrees for degrees in tried if isinstance(degrees, list)]
    if not found:
        raise next(error for error in tried if isinstance(error, ValueError))
    return found[0]


def _tried(positions: Positions, named: System) -> Positions | ValueError:
    try:
        return to_degrees(positions, named)
    except ValueError as error:
        return error


# Return the positions of a list of coordinates; ValueError when one of them is no finite number.
def _positions(holder: Element, lists: Sequence[str], size: int) -> Positions:
    text = " ".join(node.text or "" for node in holder.iter(*lists)).replace(",", " ")
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError as error:
        raise ValueError(_("des nombres sont attendus ({text})", text=text[:40])) from error
    if not all(map(math.isfinite, numbers)):
        raise ValueError(_("des nombres finis sont attendus"))
    pairs = zip(numbers[::size], numbers[1::size], strict=False)
    return [list(pair) for pair in pairs]


# Say whether positions stand within a degree of the hull of boxes.
def _within(boxes: Sequence[Extent], positions: Positions, margin: float = 1.0) -> bool:
    west, south = min(box.west for box in boxes), min(box.south for box in boxes)
    east, north = max(box.east for box in boxes), max(box.north for box in boxes)
    return all(
        west - margin <= x <= east + margin and south - margin <= y <= north + margin
        for x, y in positions
    )


# --- WKT, and what is taken away --------------------------------------------------------------------


def from_wkt(text: str) -> dict[str, Any] | None:
    """Read WKT, after the address of its reference system or its SRID when it names one; None when
    it is empty, ValueError when it is none.
    """
    import shapely

    name = ""
    if text.startswith("<"):
        name, __, text = text[1:].partition(">")
    head, __, body = text.rpartition(";")
    if match := re.fullmatch(r"\s*SRID\s*=\s*(\d+)\s*", head, re.I):
        name = f"EPSG:{match[1]}"
    try:
        shape = shapely.from_wkt(body.strip())
    except shapely.errors.ShapelyError as error:
        raise ValueError(_("WKT illisible ({error})", error=error)) from error
    if shape is None or shape.is_empty:
        return None
    if system(name) != system(""):
        shape = shapely.transform(shape, lambda pairs: to_degrees(pairs.tolist(), system(name)))
    return cast(dict[str, Any], json.loads(shapely.to_geojson(shape)))


def without(geometry: dict[str, Any], excluded: dict[str, Any]) -> dict[str, Any] | None:
    """Return a geometry without the surface of another; None when nothing of it is left."""
    import shapely

    whole, taken = (shapely.from_geojson(json.dumps(one)) for one in (geometry, excluded))
    if not shapely.relate_pattern(whole, taken, "T********"):
        return geometry
    left = shapely.difference(shapely.make_valid(whole), shapely.make_valid(taken))
    return None if left.is_empty else cast(dict[str, Any], json.loads(shapely.to_geojson(left)))
