"""A territory is its départements, their communes, and what surrounds them."""

import geopandas as gpd
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories.sample import DEPARTEMENTS
from geoguichet.referentials.territories.territory import (
    Territory,
    check_within,
    crossing,
    read_territory,
    territory_of,
    united,
)


@pytest.fixture(scope="module")
def region() -> Territory:
    return read_territory(sample_path(), name="Midi-Pyrénées", departements=DEPARTEMENTS)


def points(*xy: tuple[float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.Point(*each) for each in xy], crs="EPSG:4326")


def test_it_has_the_communes_of_its_departements_only() -> None:
    gers = read_territory(sample_path(), name="Gers et Lot", departements=["46", "32", "46"])
    assert gers.departements["code"].tolist() == ["32", "46"]
    assert gers.communes["departement"].value_counts().to_dict() == {"32": 458, "46": 312}
    assert gers.communes["code"].is_monotonic_increasing
    assert gers.boundary.geom_type == "MultiPolygon"


def test_polygons_are_found_by_code(region: Territory) -> None:
    assert region.polygons.index.is_unique
    assert region.polygons["12218"] is None
    assert region.polygons["31555"].contains(shapely.Point(1.4437, 43.6044))


def test_the_boundary_is_whole(region: Territory) -> None:
    """One mainland and the two enclaves of the Hautes-Pyrénées; no hole where a commune has no
    outline.
    """
    assert len(region.boundary.geoms) == 3
    assert [len(part.interiors) for part in region.boundary.geoms] == [0, 0, 0]
    assert region.boundary.contains(shapely.Point(2.397, 44.599))  # Conques-en-Rouergue
    area_km2 = gpd.GeoSeries([region.boundary], crs=4326).to_crs(2154).area[0] / 1e6
    assert area_km2 == pytest.approx(45_348, rel=0.01)  # INSEE's figure


def test_what_is_near_is_measured_in_metres(region: Territory) -> None:
    border = gpd.GeoSeries([region.boundary], crs=4326).to_crs(2154).iloc[0]
    for distance_m, near in ((9_999, True), (10_001, False)):
        around = shapely.points(shapely.get_coordinates(border.buffer(distance_m, 64)))
        distances = shapely.distance(around, border)
        assert distances.max() == pytest.approx(distance_m, abs=1)
        spots = gpd.GeoSeries(around[distances > distance_m - 1], crs=2154).to_crs(4326)
        assert len(spots) > 1_000
        assert (region.near(spots, 10_000) == near).all()


@pytest.mark.parametrize(
    ("codes", "said"), [(["31", "75", "2A"], "département inconnu : 2A, 75"), ([], "aucun")]
)
def test_unknown_departements_are_refused_with_those_there_are(codes: list[str], said: str) -> None:
    with pytest.raises(
        LayerError, match=rf"{said}.*\. Départements présents : 09, 12, 31, 32, 46, 65, 81, 82\."
    ):
        read_territory(sample_path(), name="?", departements=codes)


def test_one_row_within_is_enough(region: Territory) -> None:
    check_within(points((1.44, 43.6), (2.35, 48.86)), region, buffer_m=0, where="ici")


def test_rows_all_elsewhere_are_refused(region: Territory) -> None:
    with pytest.raises(
        LayerError, match=r"ici : aucune ligne .* « Midi-Pyrénées » ni à moins de 40 km"
    ):
        check_within(points((2.35, 48.86)), region, buffer_m=40_000, where="ici")


def test_swapped_axes_are_told_from_another_place(region: Territory) -> None:
    with pytest.raises(LayerError, match="longitude et latitude sont inversées"):
        check_within(points((43.6, 1.44)), region, buffer_m=40_000, where="ici")


def test_what_is_near_a_territory_is_what_lies_within_that_distance_of_it() -> None:
    ground = territory_of("sample")
    border = gpd.GeoSeries([ground.boundary], crs=4326).to_crs(ground.metric).iloc[0]
    places = points(*[(x / 10, y / 10) for x in range(-10, 45) for y in range(415, 460)]).geometry
    missing = gpd.GeoSeries([None, shapely.Point()], crs=4326)
    for distance_m in (0, 5_000, 40_000):
        near = ground.near(places, distance_m)
        assert near.equals(places.to_crs(ground.metric).distance(border) <= distance_m)
        assert 0 < near.sum() < len(near)
        assert not ground.near(missing, distance_m).any()


def test_the_communes_united_are_what_their_outlines_cover() -> None:
    ground = territory_of("sample")
    outlines = ground.polygons.dropna()
    crossed = crossing(ground)
    assert list(crossed.index) == list(outlines.index) and 0 < crossed.sum() < 100
    naive = shapely.union_all(outlines.array)
    assert united(ground).symmetric_difference(naive).area < 1e-12  # square degrees
    assert len(shapely.get_parts(united(ground))) == len(shapely.get_parts(naive))
