"""Maps drawn as SVG with the page: what is there before any script, and where there is none.

A map is the outlines of the territory, and what lies on them: surfaces by class, footprints, points.
Coordinates are whole pixels of a frame 700 wide, relative in the paths; shapes are simplified to the
pixel, neighbours together so that their borders stay shared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from markupsafe import Markup, escape

from geoguichet.portal.territory import Territory, outlines

WIDTH = 700
#: Around what is drawn, in pixels.
MARGIN = 12
#: The kilometres that a scale may tell.
_SCALES = (500, 200, 100, 50, 20, 10, 5, 2, 1)
_KM_OF_DEGREE = 111.32
#: Pixels that a letter of a name and its line take, on a phone.
_LETTER, _LINE = 12, 26
#: Bytes of the paths of a drawing, at the most where the coarsest of these grains allows it: pixels that
#: its lines are told to, or its dots set apart by (two at the least).
LIGHT, _GRAINS = 40_000, (1, 2, 3, 4, 6, 8)
#: More dots than which they are small.
_FEW = 300
#: Pixels across a numbered disc.
_DISC = 24
#: What each thing of a drawing is written as: its ground, which is told once, a path, a name, a number, a
#: rank, the scale.
_MODELS = (
    '<defs><path id="sol" d="{0}"/></defs>',
    '<path class="{}" d="{}"/>',
    '<text class="c-nom" x="{1}" y="{2}">{0}</text>',
    '<circle class="c-disque" cx="{1}" cy="{2}" r="12"/><text class="c-num" x="{1}" y="{3}">{0}</text>',
    '<g class="c-kio"><path d="M{2} {3}h14v12h-14z"/><text x="{1}" y="{4}">{0}</text></g>',
    '<path class="c-ech" d="M12 {3}v6h{1}v-6"/><text class="c-nom p" x="{2}" y="{4}">{0} km</text>',
)
_AGAIN = '<use class="{}" href="#sol"/>'


@dataclass(frozen=True)
class Drawing:
    """What a template draws: paths by class, names and numbers by place, a scale (km, pixels)."""

    width: int
    height: int
    paths: Sequence[tuple[str, str]]
    names: Sequence[tuple[str, int, int]]
    numbers: Sequence[tuple[str, int, int]]
    scale: tuple[int, int] | None
    #: What stands in a square: its rank, and where.
    squares: Sequence[tuple[str, int, int]] = ()

    @cached_property
    def svg(self) -> Markup:
        """What stands in the frame: written once, for a drawing is remembered longer than a page. Its
        ground is told once too, and comes again as a line.
        """
        ground, scales = self.paths[0][1], () if self.scale is None else (self.scale,)
        parts: Sequence[Iterable[tuple[object, ...]]] = (
            [(ground,)],
            self.paths,
            self.names,
            ((told, x, y, y + 5) for told, x, y in self.numbers),
            ((told, x, x - 7, y - 6, y + 3.5) for told, x, y in self.squares),
            ((km, w, 12 + w / 2, self.height - 16, self.height - 19) for km, w in scales),
        )
        told = (
            (_AGAIN if one[1:] == (ground,) else model).format(*map(escape, one))
            for model, some in zip(_MODELS, parts, strict=True)
            for one in some
        )
        return Markup("".join(told))  # noqa: S704  # each value is escaped


@dataclass(frozen=True, slots=True)
class Frame:
    """Where degrees fall in pixels: plate carrée, true to scale at the middle latitude."""

    west: float
    north: float
    #: Pixels a degree, eastward then northward.
    across: float
    down: float
    height: int
    #: Pixels that lines are told to.
    grain: int = 1

    @classmethod
    def around(cls, box: Sequence[float]) -> Frame:
        """Return the frame that holds a box of degrees with a margin."""
        west, south, east, north = box
        squeezed = max(math.cos(math.radians((south + north) / 2)), 0.01)
        inner = WIDTH - 2 * MARGIN
        # A box much higher than wide is held by its height, at most as high as the frame is wide.
        down = inner / max((east - west) * squeezed, north - south, 1e-6)
        across = down * squeezed
        spare = (inner - (east - west) * across) / 2
        height = round((north - south) * down) + 2 * MARGIN
        return cls(west - (MARGIN + spare) / across, north + MARGIN / down, across, down, height)

    def placed(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the pixels of coordinates (n x 2)."""
        return (coordinates - (self.west, self.north)) * (self.across, -self.down)

    def path(self, shapes: Iterable[shapely.Geometry]) -> str:
        """Return shapes of degrees as one path; one smaller than a pixel is a dot."""
        made = shapely.transform(np.array([*shapes], dtype=object), self.placed)
        parts = shapely.get_parts(shapely.simplify(made, 0.6 * self.grain))
        surfaces = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        return self._steps([*shapely.get_rings(parts[surfaces]), *parts[~surfaces]])

    def dots(self, places: np.ndarray) -> str:
        """Return pixels as a path of dots: those of one grain are one."""
        told = np.unique(np.rint(places / self.grain).astype(int) * self.grain, axis=0)
        steps = np.diff(told, axis=0, prepend=-1)[:, 1].tolist()
        columns = np.diff(told[:, 0], prepend=-1).astype(bool).tolist()
        return "".join(
            f"M{x} {y}h0" if begins else f"m0 {step}h0"
            for (x, y), begins, step in zip(told.tolist(), columns, steps, strict=True)
        )

    # Return lines as a path of whole relative steps; those that go nowhere are left out.
    def _steps(self, lines: Sequence[shapely.Geometry]) -> str:
        coordinates, line = shapely.get_coordinates(lines, return_index=True)
        places = np.rint(coordinates / self.grain).astype(int) * self.grain
        begins = np.diff(line, prepend=-1) != 0
        steps = np.where(begins[:, np.newaxis], places, places - np.roll(places, 1, axis=0))
        kept = begins | steps.any(axis=1)
        whole = steps[kept].tolist()
        told = [f"{'' if x < 0 else ' '}{x}{'' if y < 0 else ' '}{y}" for x, y in whole]
        made = []
        for first, end in pairwise([*np.flatnonzero(begins[kept]).tolist(), len(told)]):
            further = "".join(told[first + 1 : end]).strip()
            made.append(f"M{whole[first][0]} {whole[first][1]}{f'l{further}' if further else 'h0'}")
        return "".join(made)

    def scale(self) -> tuple[int, int] | None:
        """Return the length of a scale: its kilometres, and its pixels."""
        pixels = self.down / _KM_OF_DEGREE
        return next(((km, round(km * pixels)) for km in _SCALES if km * pixels < 160), None)


def drawn(
    territory: Territory,
    layers: Mapping[str, Sequence[shapely.Geometry]],
    *,
    numbers: Mapping[str, shapely.Geometry] | None = None,
    squares: Sequence[tuple[str, shapely.Point]] = (),
    box: tuple[float, ...] = (),
    ground: Sequence[shapely.Geometry] | None = None,
) -> Drawing:
    """Return a map of a territory with layers above it, by class; ``numbers`` stand in a disc at the
    middle of theirs, ``squares`` where they are, each. It shows the territory, or the box that is given (degrees),
    on the outlines of its départements, or on a nearer ``ground``. It is told to the pixel, or as coarsely
    as makes it `LIGHT`.
    """
    for grain in _GRAINS:
        if ground is None:
            frame, outline, names = _ground(territory, box or territory.box(), grain)
        else:
            frame, names = replace(Frame.around(box), grain=grain), []
            outline = frame.path(ground)
        paths = [("c-sol", outline)]
        paths += [
            (kind, outline if some is ground else frame.path(some)) for kind, some in layers.items()
        ]
        paths += [("c-dep", outline)] if ground is None else []
        if _weight(paths) <= LIGHT:
            break
    discs: dict[tuple[int, int], str] = {}
    for told, place in (numbers or {}).items():
        x, y = _at(frame, place.centroid)
        near = next((at for at in discs if math.dist(at, (x, y)) < _DISC), (x, y))
        # Discs that would hide each other are one, which says that there are more.
        discs[near] = f"{discs[near].rstrip('+')}+" if near in discs else told
    found = [(told, x, y) for (x, y), told in discs.items()]
    ranked = [(told, *_at(frame, place)) for told, place in squares]
    return Drawing(WIDTH, frame.height, paths, names, found, frame.scale(), ranked)


# Return the bytes of paths; one that is drawn again is told once.
def _weight(paths: Sequence[tuple[str, str]]) -> int:
    return sum(map(len, {path for _kind, path in paths}))


def crowd(territory: Territory, envelopes: np.ndarray) -> Drawing:
    """Return all the objects of a layer on a map of the territory, each a dot where the middle of its
    envelope (west, south, east, north) is; those of one grain are one dot.
    """
    frame, ground, names = _ground(territory, territory.box(), 2)
    middles = np.column_stack(
        [envelopes[:, 0] + envelopes[:, 2], envelopes[:, 1] + envelopes[:, 3]]
    )
    places = frame.placed(middles / 2)
    places = places[(places >= 0).all(axis=1) & (places <= (WIDTH, frame.height)).all(axis=1)]
    kind = "c-pt c-petit" if len(envelopes) > _FEW else "c-pt"
    for grain in _GRAINS[1:]:
        dots = replace(frame, grain=grain).dots(places)
        paths = [("c-sol", ground), ("c-dep", ground), (kind, dots)]
        if _weight(paths) <= LIGHT:
            break
    return Drawing(WIDTH, frame.height, paths, names, [], frame.scale())


def footprints(territory: Territory, records: Sequence[Mapping[str, Any]], first: int) -> Drawing:
    """Return the extents of records on a map, numbered from ``first``: it shows the territory, and what
    lies around it when some are beyond.
    """
    told = [json.dumps(one["geometry"]) if one.get("geometry") else None for one in records]
    found = shapely.from_geojson(np.array(told, dtype=object), on_invalid="ignore")
    boxes = enumerate(shapely.bounds(found).tolist(), first)
    return _extents(
        territory, tuple((str(n), (*box,)) for n, box in boxes if not math.isnan(box[0]))
    )


@lru_cache(maxsize=128)
def _extents(territory: Territory, boxes: tuple[tuple[str, tuple[float, ...]], ...]) -> Drawing:
    shapes = {told: shapely.box(*box) for told, box in boxes}
    own = territory.box()
    west, south, east, north = own
    reach = max(east - west, north - south)
    around = shapely.box(west - reach, south - reach, east + reach, north + reach)
    seen = shapely.union_all([shapely.box(*own), *shapes.values()]).intersection(around).bounds
    numbers = {told: shape.intersection(around) for told, shape in shapes.items()}
    numbers = {told: shape for told, shape in numbers.items() if not shape.is_empty}
    return drawn(territory, {"c-emp": [*shapes.values()]}, numbers=numbers, box=tuple(seen))


# Return the frame of a box, and what of the territory is in it: its ground and its names.
@lru_cache(maxsize=64)
def _ground(
    territory: Territory, box: tuple[float, ...], grain: int = 1
) -> tuple[Frame, str, list[tuple[str, int, int]]]:
    frame = replace(Frame.around(box), grain=grain)
    inside = visible(box)
    known = [(name, shape) for _code, name, shape in outlines(territory)]
    shapes = [shape for _name, shape in known if shape.intersects(inside)]
    names: list[tuple[str, int, int]] = []
    for name, shape in sorted(known, key=lambda one: -one[1].area):
        middle = shape.representative_point()
        x, y = _at(frame, middle)
        # A name that would lie on another is left out, the smaller ground's.
        free = all(
            abs(x - at) > _LETTER * (len(name) + len(other)) / 2 or abs(y - line) > _LINE
            for other, at, line in names
        )
        if free and middle.within(inside):
            names.append((name, x, y))
    return frame, frame.path(shapes), names


def visible(box: Sequence[float]) -> shapely.Polygon:
    """Return the ground that a map of a box shows (degrees)."""
    frame = Frame.around(box)
    east, south = frame.west + WIDTH / frame.across, frame.north - frame.height / frame.down
    return shapely.box(frame.west, south, east, frame.north)


def _at(frame: Frame, point: shapely.Point) -> tuple[int, int]:
    x, y = np.rint(frame.placed(shapely.get_coordinates(point))[0]).astype(int)
    return int(x), int(y)
