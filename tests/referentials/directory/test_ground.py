"""The coordinate system of a file is guessed against the codes of its rows."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geoguichet.referentials.directory.ground import (
    OVERSEAS,
    axes_by_ground,
    beyond_boxes,
    points_against_codes,
)
from geoguichet.referentials.territories.code_history import departement_of, departement_of_code

#: Town halls (longitude, latitude) and their département.
PLACES = {
    "971": (-61.7, 16.0),
    "972": (-61.07, 14.6),
    "973": (-52.33, 4.94),
    "974": (55.45, -20.88),
    "976": (45.23, -12.78),
    "29": (-4.1, 48.0),
    "31": (1.44, 43.6),
    "67": (7.75, 48.58),
    "2A": (8.74, 41.92),
}


def metres(departements: list[str], crs: str) -> tuple[np.ndarray, np.ndarray]:
    points = gpd.GeoSeries.from_xy(
        *zip(*(PLACES[each] for each in departements), strict=True), crs=4326
    )
    points = points.to_crs(crs)
    return points.x.to_numpy(), points.y.to_numpy()


@pytest.mark.parametrize("code", ["971", "972", "973", "974", "976"])
def test_metres_of_an_overseas_departement_are_read_in_its_legal_system(code: str) -> None:
    x, y = metres([code], OVERSEAS[code][0])
    axes, systems = axes_by_ground(x, y, pd.Series([code]))
    assert (axes.crs, axes.sure, axes.swapped, systems) == (OVERSEAS[code][0], True, False, {})


@pytest.mark.parametrize(
    ("code", "crs"),
    [("29", "EPSG:32630"), ("31", "EPSG:32631"), ("67", "EPSG:32632"), ("67", "EPSG:2154"),
     ("2A", "EPSG:3942"), ("29", "EPSG:27572"), ("31", "EPSG:3857")],
)  # fmt: skip
def test_zones_that_all_fall_in_france_are_told_apart_by_the_codes(code: str, crs: str) -> None:
    x, y = metres([code], crs)
    assert axes_by_ground(x, y, pd.Series([code]))[0].crs == crs
    assert axes_by_ground(y, x, pd.Series([code]))[0].swapped


def test_each_overseas_departement_of_a_file_has_its_own_system() -> None:
    codes = ["31", "67", "974", "971", "31"]
    parts = [metres([code], OVERSEAS.get(code, ("EPSG:2154", ""))[0]) for code in codes]
    x, y = (np.concatenate(axis) for axis in zip(*parts, strict=True))
    axes, systems = axes_by_ground(x, y, pd.Series(codes))
    assert (axes.crs, systems) == ("EPSG:2154", {"971": "EPSG:5490", "974": "EPSG:2975"})
    degrees = axes_by_ground(*metres(codes, "EPSG:4326"), pd.Series(codes))
    assert (degrees[0].crs, degrees[1]) == ("EPSG:4326", {})


def test_a_point_far_from_the_departement_of_its_row_is_told() -> None:
    points = gpd.GeoSeries.from_xy([1.44, 2.35, 1.44, 1.95], [43.6, 48.85, 43.6, 43.2], crs=4326)
    departements = pd.Series(["31", "31", "", "31"])
    away = beyond_boxes(points, departements)
    assert away[0] == 0
    assert np.isnan(away[2])
    told = points_against_codes(points, departements, pd.Series(list("abcd")), layer="liste")
    assert [(each.item, each.severity) for each in told] == [("b", "error")]


@pytest.mark.parametrize(
    ("code", "departement"),
    [("2a004", "2A"), ("20000", "2A"), ("20137", "2A"), ("20200", "2B"), ("20600", "2B"),
     ("97411", "974"), ("98818", "988"), ("09000", "09"), ("", "")],
)  # fmt: skip
def test_a_code_leads_to_its_departement(code: str, departement: str) -> None:
    assert departement_of_code(code) == departement
    assert departement_of(pd.Series([code, None])).tolist()[0] == departement
