"""Smooth zones and the surface: what they draw is what a person standing there is told."""

import tomllib
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.supply import supply_points
from geoguichet.coverage.errors import StudyError, ZoneError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import folder
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.outputs.page import for_map, notes, shown
from geoguichet.coverage.routers.impedance import StraightLine
from geoguichet.coverage.run import find_white_zones, measure
from geoguichet.coverage.study.choices import open_router
from geoguichet.coverage.study.study import Study, ZoneChoice, parse_study, read_study
from geoguichet.coverage.zones.drawing import find_smooth_zones
from geoguichet.coverage.zones.surface import slack_surface
from geoguichet.referentials.territories.territory import Territory


@pytest.fixture(scope="module")
def smooth(small_path: Path) -> CoverageResult:
    """The small study of the Ariège, its zones smooth."""
    return find_white_zones(
        replace(read_study(small_path), zones=ZoneChoice("smooth", min_people=1))
    )


@pytest.fixture(scope="module")
def by_road(small_path: Path, region_roads: Path) -> CoverageResult:
    """The same in minutes on all its A, N and D roads."""
    document = tomllib.loads(small_path.read_text(encoding="utf-8"))
    document["router"] = {
        "kind": "road",
        "network": str(region_roads),
        "access_speed_kmh": 20,
        "max_access": "3 km",
    }
    document["zones"] = {"kind": "smooth", "cell": "500 m"}
    for need in document["services"].values():
        need["within"] = "25 min"
    del document["kiosks"]
    return find_white_zones(parse_study(document, path=small_path))


def white_at(result: CoverageResult, points: gpd.GeoSeries) -> np.ndarray:
    """The direct answer at points, asked as for any demand point."""
    study = result.study
    data = inputs.read(study)
    services, _, _ = supply_points(data.territory, data.services, study)
    router = open_router(study.router, beside=study.path.parent if study.path else None)
    frame = gpd.GeoDataFrame(geometry=points.reset_index(drop=True))
    return ~measure(frame, services, study, router)["served"].to_numpy()


def somewhere(territory: Territory, count: int) -> gpd.GeoSeries:
    rng = np.random.default_rng(11)
    west, south, east, north = territory.boundary.bounds
    shapely.prepare(territory.boundary)
    points = shapely.points(
        rng.uniform(west, east, 4 * count), rng.uniform(south, north, 4 * count)
    )
    return gpd.GeoSeries(points[shapely.contains(territory.boundary, points)][:count], crs=4326)


def strays_m(result: CoverageResult, count: int) -> tuple[np.ndarray, int]:
    """How far from the border the points are that a smooth zone draws on the wrong side."""
    points = somewhere(result.territory, count)
    zones = result.white_zones.geometry.dropna()
    drawn = np.zeros(len(points), dtype=bool)
    drawn[shapely.STRtree(zones.to_numpy()).query(points.to_numpy(), predicate="within")[0]] = True
    wrong = points[drawn != white_at(result, points)].to_crs(2154).to_numpy()
    border = shapely.get_parts(zones.to_crs(2154).boundary.to_numpy())
    return shapely.STRtree(border).query_nearest(wrong, return_distance=True)[1], len(points)


def check_ground(result: CoverageResult) -> None:
    shapes = result.white_zones.geometry.dropna().to_numpy()
    whole = result.territory.boundary
    assert shapely.is_valid(shapes).all()
    white = shapely.union_all(shapes)
    assert abs(shapely.area(shapes).sum() - white.area) < 1e-9 * whole.area, "no overlap"
    assert abs(white.area + shapely.difference(whole, white).area - whole.area) < 1e-9 * whole.area
    assert shapely.difference(white, whole).area < 1e-9 * whole.area


def test_ten_thousand_points_agree_in_a_straight_line(smooth: CoverageResult) -> None:
    far, count = strays_m(smooth, 10_000)
    assert count == 10_000 and (far < 500.0).all() and len(far) < 30


def test_ten_thousand_points_agree_by_road(by_road: CoverageResult) -> None:
    far, count = strays_m(by_road, 10_000)
    assert count == 10_000 and (far < 500.0).all() and len(far) < 60
    check_ground(by_road)


def test_the_ground_adds_up_and_people_are_counted_from_points(
    smooth: CoverageResult, small: CoverageResult
) -> None:
    check_ground(smooth)
    assert smooth.demand["served"].equals(small.demand["served"]), (
        "how zones are drawn changes nobody's answer"
    )
    assert smooth.white_zones["people"].sum() == small.white_zones["people"].sum()
    assert smooth.white_zones["pop_65_plus"].sum() == pytest.approx(
        small.white_zones["pop_65_plus"].sum()
    )
    land = smooth.white_zones[smooth.white_zones["communes"] == 0]
    assert land["minor"].all() and (land["people"] == 0).all(), (
        "min_people = 1 leaves empty land out of the map"
    )


def test_exact_zones_agree_with_ten_thousand_points(small: CoverageResult) -> None:
    """A point is in a zone exactly when the commune it lies in is unserved."""
    points = somewhere(small.territory, 10_000)
    outlines = small.territory.polygons.dropna()
    at, commune = shapely.STRtree(outlines.to_numpy()).query(points.to_numpy(), predicate="within")
    at, first = np.unique(at, return_index=True)
    white = ~small.demand["served"] & ~small.demand["undecided"]
    unserved = white.reindex(outlines.index).to_numpy()[commune[first]]
    zones = small.white_zones.geometry.dropna().to_numpy()
    drawn = np.zeros(len(points), dtype=bool)
    drawn[shapely.STRtree(zones).query(points.to_numpy(), predicate="within")[0]] = True
    assert len(at) > 9_900 and (drawn[at] == unserved).all()


def test_each_zone_names_its_best_hosts(small: CoverageResult) -> None:
    zone = small.white_zones.iloc[0]
    ids, costs = zone["hosts"].split(","), [float(cost) for cost in zone["host_costs"].split(",")]
    assert 1 <= len(ids) == len(costs) == len(zone["host_names"].split(",")) <= 3
    members = small.demand[small.demand["zone"] == zone.name]
    host = inputs.read(small.study).services.loc[[ids[0]]].geometry
    assert small.study.kiosks is not None
    reached = StraightLine().costs(members.geometry, host, limit=small.study.kiosks.reach)
    people = members["people"].to_numpy(float)[reached.origin]
    assert costs[0] == round(float(np.average(reached.cost, weights=people)))


@settings(deadline=None, max_examples=10)
@given(st.floats(5_000, 30_000), st.integers(0, 50))
def test_a_disc_is_drawn_as_a_disc(radius_m: float, seed: int) -> None:
    """Unserved is farther than a radius from one place: the zone is the territory less a disc,
    whatever the grid.
    """
    rng = np.random.default_rng(seed)
    centre = gpd.GeoSeries.from_xy(
        [1.4 + rng.uniform(0, 0.1)], [43.5 + rng.uniform(0, 0.1)], crs=4326
    )
    square = shapely.MultiPolygon([shapely.box(0.9, 43.1, 2.0, 44.0)])
    router = StraightLine()
    surface = slack_surface(
        square,
        lambda points: radius_m - router.nearest(points, centre).cost,
        cell_m=1_000.0,
        router=router,
    )
    ground = gpd.GeoDataFrame({"code": ["31"], "name": ["x"]}, geometry=[square], crs=4326)
    territory = Territory("square", ground, ground, square)
    columns = {name: [] for name in ("name", "departement", "people", "slack_m")}
    demand = gpd.GeoDataFrame(columns | {"served": np.empty(0, dtype=bool)}, geometry=[], crs=4326)
    zones, _, _ = find_smooth_zones(territory, demand, surface, choice=ZoneChoice("smooth"))
    (zone,) = zones.geometry
    exact = (
        gpd.GeoSeries([square], crs=4326)
        .to_crs(2154)
        .iloc[0]
        .difference(centre.to_crs(2154).buffer(radius_m, 128).iloc[0])
    )
    apart = gpd.GeoSeries([zone], crs=4326).to_crs(2154).iloc[0].symmetric_difference(exact).area
    assert apart < 2 * np.pi * radius_m * 100 and len(zone.geoms[0].interiors) == 1


def test_the_surface_is_a_cloud_optimized_geotiff(smooth: CoverageResult, tmp_path: Path) -> None:
    path = tmp_path / "surface.tif"
    folder.write(smooth, path)
    with rasterio.open(path) as tif:
        assert tif.crs == "EPSG:2154" and tif.count == 2 and tif.res == (500.0, 500.0)
        assert (
            tif.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            and tif.tags()["unit"] == "m" == tif.units[0]
        )
        assert (
            tif.profile["tiled"]
            and tif.profile["blockxsize"] == 256
            and "zone blanche" in tif.tags(1)["legend"]
        )
        slack, served = tif.read(masked=True)
        places = smooth.demand[smooth.demand.geometry.notna()]
        values = np.array(list(tif.sample([(p.x, p.y) for p in places.geometry.to_crs(2154)])))
    known = values[:, 0] != folder.NODATA
    assert (
        known.mean() > 0.97
        and np.abs(values[known, 0] - places["slack_m"].to_numpy()[known]).max() < 360.0
    )
    assert ((slack >= 0) == (served == 1)).all() and served.count() >= slack.count()
    assert abs(served.count() * 0.25 - 4_890) < 60, "one cell in four for each km² of the Ariège"
    head = path.read_bytes()[:400]
    assert b"LAYOUT=IFDS_BEFORE_DATA" in head and b"BLOCK_ORDER=ROW_MAJOR" in head


def test_a_wide_surface_has_overviews(smooth: CoverageResult, tmp_path: Path) -> None:
    assert smooth.surface is not None
    wide = replace(
        smooth.surface,
        slack=np.tile(smooth.surface.slack, (3, 3)),
        inside=np.tile(smooth.surface.inside, (3, 3)),
    )
    folder.write(replace(smooth, surface=wide), tmp_path / "wide.tif")
    with rasterio.open(tmp_path / "wide.tif") as tif:
        assert tif.overviews(1) and tif.overviews(1) == tif.overviews(2)


def test_the_folder_holds_the_surface_when_asked(smooth: CoverageResult, tmp_path: Path) -> None:
    files = write_all(smooth, tmp_path / "out")
    assert "surface.tif" in {file.name for file in files}
    again = write_all(smooth, tmp_path / "again")
    same = [one.read_bytes() == two.read_bytes() for one, two in zip(files, again, strict=True)]
    assert all(same), "equal results give equal bytes"
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "la ligne où la marge au seuil s’annule" in report


def asked(**zones: object) -> Study:
    return parse_study(
        {
            "study": {"id": "x", "title": "x"},
            "territory": {"name": "x", "departements": ["09"]},
            "services": {"mairie": {"types": ["town_hall"], "within": "8 km"}},
            "rule": {"all": ["mairie"]},
            "zones": zones,
        }
    )


def test_the_table_is_read_and_refused() -> None:
    zones = asked(
        kind="smooth", cell="250 m", min_area="2,5 km2", min_people=50, simplify="100 m"
    ).zones
    assert zones == ZoneChoice("smooth", 250.0, False, 100.0, 2.5e6, 50) and zones.with_surface
    assert asked().zones == ZoneChoice() and asked(surface=True).zones.with_surface
    for wrong, said in (
        ({"kind": "smoth"}, '"smooth"'),
        ({"cell": "5 m"}, "20 m à 20000 m"),
        ({"min_area": "5 km"}, '"5 km2"'),
        ({"surface": "yes"}, "true ou false"),
        ({"cel": "5 km"}, "cell"),
    ):
        with pytest.raises(StudyError, match=said):
            asked(**wrong)


def test_too_fine_a_grid_is_refused_in_one_sentence(small: CoverageResult) -> None:
    with pytest.raises(ZoneError, match="4 millions au plus"):
        slack_surface(
            small.territory.boundary,
            lambda points: np.zeros(len(points)),
            cell_m=20.0,
            router=StraightLine(),
        )


def test_the_map_is_simplified_all_at_once(small: CoverageResult) -> None:
    """Straighter borders on the map, no gap nor overlap between zones, and the layers as they
    were.
    """
    told = replace(small, study=replace(small.study, zones=ZoneChoice(simplify_m=1_000.0)))
    straight, before = for_map(told).geometry, small.white_zones.geometry.dropna()
    count = shapely.get_num_coordinates
    assert (
        count(straight.to_numpy()).sum() < 0.9 * count(before.to_numpy()).sum()
        and straight.is_valid.all()
    )
    shapes = straight.to_crs(2154).to_numpy()
    assert shapely.area(shapes).sum() - shapely.union_all(shapes).area < 1.0
    assert for_map(small).geometry.equals(before)


def test_minor_zones_are_counted_and_not_shown(small: CoverageResult) -> None:
    minor = small.white_zones.assign(minor=small.white_zones["people"] < 100)
    told = replace(small, white_zones=minor)
    assert len(shown(told)) == (~minor["minor"]).sum() < len(minor)
    said = " ".join(notes(told))
    assert "restent dans les comptes" in said and "à une seule commune" in said
