"""Service points keep their contract, and opening hours are read without guessing."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.services import (
    SERVICE_TYPES,
    check_services,
    read_services,
    weekly_hours,
)
from geoguichet.referentials.layers import sample_path


def services() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "id": ["a", "b"],
            "type": ["town_hall", "prefecture"],
            "name": ["Mairie d'Auch", "Préfecture du Gers"],
            "commune": ["32013", "32013"],
            "inside": [True, True],
            "hours": ["Mo-Fr 08:30-17:00", None],
            "hours_per_week": [42.5, None],
        },
        geometry=[shapely.Point(0.586, 43.646), None],
        crs="EPSG:4326",
    )


def test_every_type_has_its_words() -> None:
    for key, kind in SERVICE_TYPES.items():
        assert kind.key == key
        assert all((kind.label_fr, kind.plural_fr, kind.label_en, kind.plural_en))


def test_the_sample_keeps_the_contract() -> None:
    read = read_services(sample_path())
    assert set(read["type"]) == {"town_hall", "town_hall_annex", "prefecture", "sous_prefecture"}
    assert read["inside"].dtype == bool


def test_a_thin_file_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "mine.geojson"
    services()[["id", "type", "name", "hours", "geometry"]].to_file(path)
    read = read_services(path, layer="mine")
    assert read["hours_per_week"].tolist() == pytest.approx([42.5, float("nan")], nan_ok=True)
    assert read["inside"].all()
    assert read["commune"].isna().all()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda frame: frame.assign(id="a"), r"identifiant absent ou répété : ligne 2 \(a\)"),
        (
            lambda frame: frame.assign(type=["town_hall", "poste"]),
            r"type inconnu \(connus : town_hall, .*\) : ligne 2 \(poste\)",
        ),
        (
            lambda frame: frame.assign(hours_per_week=[200, 1]),
            r"hours_per_week hors de 0 à 168 : ligne 1 \(a\)",
        ),
        (lambda frame: frame.set_geometry(frame.buffer(0.1)), r"pas un point : ligne 1 \(a\)"),
        (lambda frame: frame.drop(columns="name"), "colonne absente : name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Geometry is in a geographic CRS:UserWarning")
def test_a_broken_contract_names_the_rows(
    spoil: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame], said: str
) -> None:
    with pytest.raises(LayerError, match=said):
        check_services(spoil(services()))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00", 27),
        ("Mo,We 9:00-12:00", 6),
        ("Sa-Mo 10:00-11:00", 3),
        ("08:00-18:00", 70),
        ("24/7", 168),
        ("Mo-Su 00:00-24:00", 168),
        ("Fr 22:00-02:00", 4),
        ("Mo-Fr 09:00-12:00; We off", 12),
        ("Mo-Fr 09:00-12:00; PH off", 15),
        ("Mo 09:00-12:00,11:00-13:00", 4),  # an hour told twice counts once
        ("Mo-Fr 09:00-12:00; Mo 14:00-15:00", 13),  # a later rule replaces an earlier one
    ],
)
def test_weekly_hours(text: str, hours: float) -> None:
    assert weekly_hours(text) == hours


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "  ",
        "sur rendez-vous",
        "Lu 09:00-12:00",
        "Mo 9h-12h",
        "week 1-53/2 Mo 09:00-12:00",
        "Jan-Mar Mo 09:00-12:00",
        "Mo 09:00-09:00",
        "Mo 25:00-26:00",
        "Mo 09:75-10:00",
    ],
)
def test_what_is_not_understood_is_unknown(text: str | None) -> None:
    assert weekly_hours(text) is None
