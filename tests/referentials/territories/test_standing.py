"""Each row is placed for itself: by its code, its point or its name; none is counted twice unsaid."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoguichet.referentials.territories.standing import (
    city_of,
    counted_twice,
    named_communes,
    plain_place,
    standing_in,
)

#: Two communes side by side, and one without outline.
OUTLINES = gpd.GeoSeries(
    {
        "31002": shapely.box(1.5, 43.5, 1.6, 43.6),
        "31001": shapely.box(1.4, 43.5, 1.5, 43.6),
        "31003": None,
    },
    crs=4326,
)


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (1.45, 43.55, "31001"),
        (1.5, 43.55, "31001"),  # on the common border: the first by code
        (1.6003, 43.55, "31002"),  # 24 m outside
        (1.3997, 43.55, "31001"),
        (1.602, 43.55, None),  # 160 m outside
    ],
)
def test_a_point_is_of_one_commune(x: float, y: float, code: str | None) -> None:
    found = standing_in(gpd.GeoSeries([shapely.Point(x, y), None], crs=4326), OUTLINES)
    assert found.fillna("").tolist() == [code or "", ""]


# Lambert-93 makes 85 m of the 45 m of La Réunion.
@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (55.5, -21.1 - 45 / 110_720, "97401"),
        (55.5, -21.1 - 55 / 110_720, ""),
        (55.6 + 45 / 103_870, -21.05, "97401"),
        (55.6 + 55 / 103_870, -21.05, ""),
    ],
)
def test_fifty_metres_are_so_overseas_too(lon: float, lat: float, code: str) -> None:
    outline = gpd.GeoSeries(
        {"97401": shapely.box(55.4, -21.1, 55.6, -21.0), **OUTLINES.to_dict()}, crs=4326
    )
    points = gpd.GeoSeries([shapely.Point(lon, lat), shapely.Point(1.6003, 43.55)], crs=4326)
    assert standing_in(points, outline).fillna("").tolist() == [code, "31002"]


def test_a_point_that_is_nowhere_on_earth_stands_nowhere() -> None:
    points = gpd.GeoSeries([shapely.Point(500.0, 43.5), shapely.Point(1.45, 43.55)], crs=4326)
    assert standing_in(points, OUTLINES).fillna("").tolist() == ["", "31001"]


def test_a_name_is_looked_for_in_its_departement() -> None:
    communes = pd.DataFrame(
        {
            "code": ["31555", "09122", "65100", "32100", "75056"],
            "name": ["Toulouse", "Foix", "Castelnau", "Castelnau", "Paris"],
            "departement": ["31", "09", "65", "32", "75"],
        }
    )
    rows = pd.DataFrame(
        {
            "commune_name": [
                "TOULOUSE CEDEX 9",
                "foix",
                "Castelnau",
                "Castelnau",
                "PARIS 12",
                "Foix",
                None,
            ],
            "departement": ["31", None, "32", None, "75", "31", "31"],
        }
    )
    found = named_communes(rows, communes)
    assert found.fillna("").tolist() == [
        "31555", "09122", "32100", "", "75056", "", ""
    ]  # fmt: skip
    assert plain_place("Marseille 1er Arrondissement") == "marseille"
    assert plain_place("ST LYS CEDEX") == "saint lys"


def test_a_city_beside_its_arrondissements_is_told() -> None:
    codes = pd.Series(["13055", "13201", "13216", "69381", "75056", "31555", None])
    told = counted_twice(codes, layer="table")
    assert [each.item for each in told] == ["13055"]
    assert "13201, 13216" in str(told[0].message)
    assert [city_of(code) for code in ("69389", "69390", "75120", "13101")] == [
        "69123",
        "",
        "75056",
        "",
    ]
