"""Maps drawn as SVG: in the right place, no bigger than they need be, their numbers legible."""

import re
from pathlib import Path

import pytest
import shapely

from geoguichet.portal.drawn import MARGIN, WIDTH, Frame, drawn, footprints
from geoguichet.portal.territory import FRANCE, Territory
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories import sample

GROUND = Territory(sample.NAME, sample_path())


def absolute(path: str) -> list[list[tuple[int, int]]]:
    """The points of a path of ours, by a reader of its own."""
    lines = []
    for line in path.split("M")[1:]:
        first, _, rest = line.partition("l")
        x, y = map(int, first.removesuffix("h0").split())
        points = [(x, y)]
        steps = [int(step) for step in re.findall(r"-?\d+", rest)]
        for dx, dy in zip(steps[::2], steps[1::2], strict=True):
            x, y = x + dx, y + dy
            points.append((x, y))
        lines.append(points)
    return lines


def test_a_shape_lies_where_its_degrees_say() -> None:
    frame = Frame.around((0, 44, 2, 45))
    (ring,) = absolute(frame.path([shapely.box(0, 44, 2, 45)]))
    assert {min(x for x, _ in ring), max(x for x, _ in ring)} == {MARGIN, WIDTH - MARGIN}
    assert {min(y for _, y in ring), max(y for _, y in ring)} == {MARGIN, frame.height - MARGIN}
    # as wide as it is on the ground: 2 degrees at 44.5 N are 1.43 of latitude
    assert (WIDTH - 2 * MARGIN) / (frame.height - 2 * MARGIN) == pytest.approx(1.4265, rel=0.01)
    kilometres, pixels = frame.scale()
    assert pixels / kilometres == pytest.approx((frame.height - 2 * MARGIN) / 111.32, rel=0.02)


def test_a_high_ground_is_no_higher_than_the_frame_is_wide() -> None:
    frame = Frame.around((8.5, 41.3, 9.6, 43.1))
    assert frame.height == WIDTH
    (ring,) = absolute(frame.path([shapely.box(8.5, 41.3, 9.6, 43.1)]))
    left, right = min(x for x, _ in ring), max(x for x, _ in ring)
    assert left - 0 == pytest.approx(WIDTH - right, abs=1)


def test_a_point_is_a_dot_and_a_hole_stays_a_hole() -> None:
    frame = Frame.around((0, 44, 2, 45))
    assert re.fullmatch(r"M\d+ \d+h0", frame.path([shapely.Point(1, 44.5)]))
    holed = shapely.box(0, 44, 2, 45).difference(shapely.box(0.5, 44.2, 1, 44.5))
    assert len(absolute(frame.path([holed]))) == 2
    assert frame.path([shapely.Polygon()]) == ""


def test_the_map_of_a_territory_is_light_and_named() -> None:
    made = drawn(GROUND, {"c-etat": [shapely.box(1, 43, 1.5, 43.5)]})
    kinds = [kind for kind, _path in made.paths]
    assert kinds == ["c-sol", "c-etat", "c-dep"]
    assert sum(len(path) for _kind, path in made.paths) < 60_000
    assert {"Ariège", "Lot"} <= {name for name, _x, _y in made.names}
    nothing = drawn(Territory("Île", None), {})
    assert nothing.names == [] and nothing.paths[0] == ("c-sol", "")
    assert Territory("Île", None).box() == FRANCE


def test_footprints_are_numbered_and_those_that_hide_each_other_are_one() -> None:
    far = {"type": "Polygon", "coordinates": [[[4, 47], [5, 47], [5, 48], [4, 48], [4, 47]]]}
    here = shapely.box(1, 43, 2, 44).__geo_interface__
    records = [{"geometry": here}, {"geometry": None}, {"geometry": here}, {"geometry": far}]
    made = footprints(GROUND, records, 11)
    assert [told for told, _x, _y in made.numbers] == ["11+", "14"]
    assert made.names and all(0 <= x <= WIDTH for _n, x, _y in made.numbers)
    odd = {"type": "Polygon", "coordinates": []}
    assert footprints(GROUND, [{"geometry": odd}], 1).numbers == []


def test_names_do_not_lie_on_each_other() -> None:
    names = drawn(GROUND, {}, box=(-10.0, 36.0, 14.0, 52.0)).names
    assert 0 < len(names) < 8


def test_a_file_that_is_gone_draws_nothing(tmp_path: Path) -> None:
    assert drawn(Territory("x", tmp_path / "a.gpkg"), {}, box=FRANCE).names == []
