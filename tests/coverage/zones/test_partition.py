"""Outlines that overlap are made to share their borders; simplified, they still do."""

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.zones.drawing import partition, simplified
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories.sample import DEPARTEMENTS, NAME
from geoguichet.referentials.territories.territory import read_territory


def test_an_overlap_goes_to_the_first() -> None:
    shapes = gpd.GeoSeries(
        [shapely.box(0.9, 0, 2, 1), None, shapely.box(0, 0, 1, 1)], index=["b", "c", "a"], crs=4326
    )
    cut = partition(shapes)
    assert cut.index.tolist() == ["b", "c", "a"] and cut["c"] is None
    assert abs(cut["a"].area - 1.0) < 1e-12 and abs(cut["b"].area - 1.0) < 1e-12
    assert shapely.coverage_is_valid(cut.dropna().to_numpy())


def test_what_is_already_a_partition_is_left_as_it_is() -> None:
    shapes = gpd.GeoSeries(
        [shapely.box(x, y, x + 1, y + 1) for x in range(4) for y in range(4)], crs=4326
    )
    assert partition(shapes).equals(shapes)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 4)] * 2), min_size=1, max_size=7)
)
def test_any_boxes_become_a_partition_of_their_union(
    boxes: list[tuple[int, int, int, int]],
) -> None:
    shapes = gpd.GeoSeries([shapely.box(x, y, x + w, y + h) for x, y, w, h in boxes], crs=4326)
    cut = partition(shapes)
    whole = shapely.union_all(shapes.to_numpy())
    assert abs(cut.to_numpy().tolist()[0].area - boxes[0][2] * boxes[0][3]) < 1e-9, (
        "the first keeps all it claims"
    )
    assert abs(sum(shape.area for shape in cut) - whole.area) < 1e-9
    assert shapely.is_valid(cut.to_numpy()).all()


def test_the_communes_of_the_region_add_up() -> None:
    """The published outlines overlap on eleven borders; after partition, any two sides of them add
    up to 1e-9.
    """
    region = read_territory(sample_path(), name=NAME, departements=DEPARTEMENTS)
    outlines = region.polygons.dropna()
    assert not shapely.coverage_is_valid(outlines.to_numpy())
    shapes = partition(outlines).to_numpy()
    assert shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes)
    assert np.abs(shapely.area(shapes) - shapely.area(outlines.to_numpy())).max() < 1e-6
    some = np.random.default_rng(3).random(len(shapes)) < 0.3
    parts = [shapely.union_all(shapes[which]) for which in (some, ~some)]
    whole = shapely.union_all(shapes).area
    assert abs(parts[0].area + parts[1].area - whole) < 1e-9 * whole
    assert shapely.intersection(*parts).area < 1e-9 * whole
    straight = simplified(shapes, 0.01)
    assert (
        shapely.coverage_is_valid(straight)
        and abs(shapely.area(straight).sum() - whole) < 1e-9 * whole
    )
    assert (
        shapely.get_num_coordinates(straight).sum()
        < 0.95 * shapely.get_num_coordinates(shapes).sum()
    )
