"""A layer is read whole in EPSG:4326, or refused in one sentence that says what to do."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.layers import (
    check_columns,
    list_layers,
    metric_of,
    read_layer,
    sample_path,
    squares_of,
)


def points(
    *xy: tuple[float, float], crs: str | None = "EPSG:4326", **columns: object
) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(*each) for each in xy], crs=crs)


def test_the_layers_of_the_sample_are_listed_in_order() -> None:
    assert list_layers(sample_path()) == ["communes", "epci", "departements", "services", "ring"]


def test_another_crs_becomes_degrees(tmp_path: Path) -> None:
    path = tmp_path / "toulouse.gpkg"
    points((574_357.8, 6_279_642.9), crs="EPSG:2154", name=["Toulouse"]).to_file(path)
    read = read_layer(path)
    assert read.crs.to_epsg() == 4326
    assert (read.geometry[0].x, read.geometry[0].y) == pytest.approx((1.4437, 43.6044), abs=1e-3)


def test_reading_leaves_the_file_and_its_folder_alone(tmp_path: Path) -> None:
    copy = tmp_path / "sample.gpkg"
    copy.write_bytes(sample_path().read_bytes())
    read_layer(copy, layer="ring")
    assert copy.read_bytes() == sample_path().read_bytes()
    assert list(tmp_path.iterdir()) == [copy]


@pytest.mark.parametrize("kept", [1, 50, 4096, 100_000, -4096, -1])
def test_a_truncated_geopackage_is_refused(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.gpkg"
    path.write_bytes(sample_path().read_bytes()[:kept])
    with pytest.raises(
        LayerError, match=r"cut\.gpkg : .*(tronqué|n'est pas un fichier géographique)"
    ):
        read_layer(path, layer="communes")


def test_a_damaged_geopackage_is_refused(tmp_path: Path) -> None:
    content = bytearray(sample_path().read_bytes())
    content[40_000:3_000_000] = bytes(2_960_000)
    path = tmp_path / "damaged.gpkg"
    path.write_bytes(content)
    with pytest.raises(LayerError, match=r"copiez-le de nouveau|n'est pas un fichier géographique"):
        read_layer(path, layer="communes")


def test_an_absent_empty_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="introuvable"):
        read_layer(tmp_path / "nowhere.gpkg")
    with pytest.raises(LayerError, match="illisible"):
        read_layer(tmp_path)
    empty = tmp_path / "empty.gpkg"
    empty.touch()
    with pytest.raises(LayerError, match="0 octet"):
        read_layer(empty)
    letter = tmp_path / "letter.gpkg"
    letter.write_text("Monsieur le Préfet,")
    with pytest.raises(LayerError, match="n'est pas un fichier géographique lisible"):
        read_layer(letter)


def test_an_unknown_layer_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        LayerError, match=r"« mairies » n'existe pas\. Couches présentes : communes, epci, dep"
    ):
        read_layer(sample_path(), layer="mairies")
    with pytest.raises(LayerError, match="précisez la couche"):
        read_layer(sample_path())


def test_a_missing_column_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        LayerError, match=r"colonne absente : loyer\. Colonnes présentes : code, name, kind"
    ):
        read_layer(sample_path(), layer="epci", columns=["code", "loyer"])


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_a_layer_without_crs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no_crs.shp"
    points((1.4, 43.6), crs=None, name=["Toulouse"]).to_file(path)
    with pytest.raises(LayerError, match="système de coordonnées"):
        read_layer(path)


def test_a_layer_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.gpkg"
    points(name=[]).to_file(path, geometry_type="Point")
    with pytest.raises(LayerError, match="aucune ligne"):
        read_layer(path)


def test_a_table_without_geometry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"code": ["31555"]}), path, layer="table")
    with pytest.raises(LayerError, match="sans géométrie"):
        read_layer(path)


def test_metres_passed_off_as_degrees_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "metres.gpkg"
    points((1.4, 43.6), (574_357.8, 6_279_642.9), name=["a", "b"]).to_file(path)
    with pytest.raises(LayerError, match=r"latitude au-delà de 90 degrés .*ligne 2"):
        read_layer(path)


def test_columns_are_checked_by_name() -> None:
    frame = points((1.4, 43.6), name=["Toulouse"])
    check_columns(frame, ["name", "geometry"], where="ici")
    with pytest.raises(LayerError, match=r"^ici : colonne absente : code, epci\."):
        check_columns(frame, ["code", "name", "epci"], where="ici")


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ((-5.2, 41.3, 9.6, 51.1), "EPSG:2154"),
        ((55.2, -21.4, 55.9, -20.8), "EPSG:2975"),
        ((-61.9, 15.8, -60.9, 16.6), "EPSG:5490"),
        ((-61.3, 14.3, -60.8, 14.9), "EPSG:5490"),
        ((-54.6, 2.1, -51.6, 5.8), "EPSG:2972"),
        ((45.0, -13.1, 45.4, -12.6), "EPSG:4471"),
        ((4.3, 50.7, 4.5, 50.9), "EPSG:2154"),
        ((-3.8, 40.3, -3.6, 40.5), "EPSG:32630"),
        ((-70.7, -33.6, -70.5, -33.3), "EPSG:32719"),
        ((float("nan"),) * 4, "EPSG:2154"),
    ],
)
def test_metres_are_those_of_the_legal_system_of_the_territory(
    bounds: tuple[float, ...], code: str
) -> None:
    assert metric_of(bounds) == code


@pytest.mark.parametrize(
    ("x", "y"), [(1.44, 43.6), (55.45, -20.9), (-61.5, 16.2), (-52.3, 4.9), (45.2, -12.8)]
)
def test_the_squares_of_a_grid_are_of_the_metres_of_their_ground(x: float, y: float) -> None:
    system = metric_of((x, y, x, y))
    corner = gpd.GeoSeries([shapely.Point(x, y)], crs=4326).to_crs(system)[0]
    east, north = corner.x // 50 * 50, corner.y // 50 * 50
    inside = [(east + 1, north + 1), (east + 49, north + 49), (east + 51, north + 1)]
    points = gpd.GeoSeries([shapely.Point(place) for place in inside], crs=system).to_crs(4326)
    first, same, beside = squares_of(points, 50)
    assert first == same != beside
