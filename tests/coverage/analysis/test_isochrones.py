"""Isochrones hold just the ground that is near enough, holes kept; catchments share out an area."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from pyproj import Geod

from geoguichet import catchments, isochrones
from geoguichet.coverage.analysis.questions import router_of
from geoguichet.coverage.routers.impedance import Floats, Nearest, StraightLine

GEOD = Geod(ellps="WGS84")
TOWNS = gpd.GeoDataFrame(
    {"nom": ["Foix", "Pamiers"]},
    index=["f", "p"],
    geometry=gpd.points_from_xy([1.605, 1.611], [42.966, 43.116]),
    crs=4326,
).to_crs(2154)


class Ringed(StraightLine):
    """Straight lines, and a mountain: what is from 1 to 2 km away costs 10 km more."""

    def nearest(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float = np.inf
    ) -> Nearest:
        found = super().nearest(origins, destinations)
        cost: Floats = found.cost + np.where((found.cost > 1000) & (found.cost < 2000), 10_000, 0)
        return Nearest(found.destination, cost, found.reason)


def test_a_place_is_in_an_isochrone_when_it_is_near_enough() -> None:
    found = isochrones(TOWNS, ["3 km", "6 km"], cell="500 m")
    assert found.polygons[["point", "within", "limit_m"]].values.tolist() == [
        ["f", "3 km", 3000.0],
        ["f", "6 km", 6000.0],
        ["p", "3 km", 3000.0],
        ["p", "6 km", 6000.0],
    ]
    assert found.polygons.crs.to_epsg() == 2154
    there = np.random.default_rng(4).uniform([1.5, 42.9], [1.7, 43.2], (400, 2))
    places = gpd.GeoSeries(gpd.points_from_xy(*there.T), crs=4326)
    for row in found.polygons.itertuples():
        town = TOWNS.to_crs(4326).geometry[row.point]
        apart = np.array(GEOD.inv(*there.T, *(np.full(400, c) for c in (town.x, town.y)))[2])
        sure = np.abs(apart - row.limit_m) > 150  # the line is true to a quarter of a cell
        inside = places.to_crs(2154).within(row.geometry)
        assert (inside[sure] == (apart <= row.limit_m)[sure]).all()


def test_what_cannot_be_reached_in_time_is_a_hole() -> None:
    one = isochrones(TOWNS.iloc[[0]], "3 km", router=Ringed(), cell="200 m").polygons
    (shape,) = one.geometry
    assert any(len(part.interiors) for part in shape.geoms)
    assert shape.area == pytest.approx(np.pi * (3000**2 - 2000**2 + 1000**2), rel=0.03)


@pytest.mark.parametrize("made_or_real", ["made"], indirect=True)
def test_by_road_a_place_is_in_an_isochrone_when_the_router_says_so(region_roads: Path) -> None:
    router = router_of(region_roads)
    seat = gpd.GeoSeries(gpd.points_from_xy([1.605], [42.966]), crs=4326)
    found = isochrones(seat, "15 min", router=router, cell="500 m").polygons.geometry.iloc[0]
    west, south, east, north = found.bounds
    there = np.random.default_rng(7).uniform([west, south], [east, north], (1500, 2))
    places = gpd.GeoSeries(gpd.points_from_xy(*there.T), crs=4326)
    near = router.nearest(places, seat).cost <= 900
    border = gpd.GeoSeries([found.boundary], crs=4326).to_crs(2154).iloc[0]
    sure = places.to_crs(2154).distance(border).to_numpy() > 125  # a step of the fine grid
    assert near.any() and sure.sum() > 1000
    wrong = places.within(found).to_numpy()[sure] != near[sure]
    assert wrong.mean() < 0.005


def test_together_they_are_the_union_of_each() -> None:
    each, every = (isochrones(TOWNS, "9 km", together=way).polygons for way in (False, True))
    assert len(every) == 1 and "point" not in every
    apart = each.union_all().symmetric_difference(every.union_all())
    assert apart.area < 0.01 * every.area.sum()


def test_the_surface_of_costs_is_a_cog_that_holds_the_cost(tmp_path: Path) -> None:
    path = isochrones(TOWNS.iloc[[0]], "5 km").to_cog(tmp_path / "cout.tif")
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (raster.count, raster.dtypes, raster.units) == (1, ("float32",), ("m",))
        band = raster.read(1, masked=True)
        town = TOWNS.to_crs(raster.crs).geometry.iloc[0]
        rows, columns = np.nonzero(~np.ma.getmaskarray(band))
        x, y = raster.xy(rows, columns)
    np.testing.assert_allclose(
        band[rows, columns], np.hypot(np.array(x) - town.x, np.array(y) - town.y), rtol=2e-3
    )
    assert band.max() <= 5000


def test_catchments_share_out_an_area_and_hold_what_is_nearest() -> None:
    ground = TOWNS.union_all().convex_hull.buffer(8000)
    area = gpd.GeoSeries([ground], crs=2154)
    found = catchments(TOWNS, area, cell="500 m")
    assert found.index.tolist() == ["f", "p"] and found["nom"].tolist() == ["Foix", "Pamiers"]
    assert found.geometry.area.sum() == pytest.approx(ground.area, rel=1e-3)
    first, second = found.geometry
    assert first.intersection(second).area == pytest.approx(0, abs=1.0)
    voronoi = TOWNS.geometry.iloc[0].buffer(0.1)
    assert first.contains(voronoi) and not second.contains(voronoi)
    cut = catchments(TOWNS, area, within="3 km", cell="200 m")
    assert cut["area_km2"].to_numpy() == pytest.approx(np.pi * 9, rel=0.03)
