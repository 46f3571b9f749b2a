"""The commonest mistakes in a frame, each refused in one sentence that says what to try; and what is
no mistake: other systems of coordinates, other names of columns, other labels.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, MultiPoint, Point

from geoguichet import GeoguichetError, white_zones
from geoguichet.coverage.analysis.frames import given, people_of


def villages() -> gpd.GeoDataFrame:
    """Five villages of the Ariège, in degrees."""
    return gpd.GeoDataFrame(
        {
            "nom": ["Foix", "Pamiers", "Ax", "Luzenac", "Seix"],
            "pmun": [9_500, 15_600, 1_200, 500, 700],
            "genre": ["mairie", "mairie", "poste", "poste", "mairie"],
        },
        geometry=gpd.points_from_xy(
            [1.605, 1.611, 1.838, 1.763, 1.201], [42.966, 43.116, 42.719, 42.763, 42.864]
        ),
        crs="EPSG:4326",
    )


def with_geometry(*shapes: object) -> gpd.GeoDataFrame:
    frame = villages()
    return frame.set_geometry([*shapes, *frame.geometry[len(shapes) :]], crs=frame.crs)


def swapped() -> gpd.GeoDataFrame:
    frame = villages()
    return frame.set_geometry(
        gpd.points_from_xy(frame.geometry.y, frame.geometry.x, crs="EPSG:4326")
    )


PLAIN = pd.DataFrame({"pmun": [1], "lon": [1.6], "lat": [42.9]})

#: What is mistaken, and words of the sentence that says so and what to try.
MISTAKES = {
    "no CRS": ({"people": villages().set_crs(None, allow_override=True)}, 'set_crs("EPSG:4326")'),
    "latitude first": ({"people": swapped()}, "longitude et latitude sont inversées pour 5"),
    "metres said to be degrees": (
        {"people": villages().to_crs(2154).set_crs(4326, allow_override=True)},
        "ne sont pas celles du système déclaré",
    ),
    "several points a row": (
        {"counters": with_geometry(MultiPoint([(1.6, 42.9), (1.7, 42.9)]))},
        "counters.explode(ignore_index=True)",
    ),
    "surfaces for counters": (
        {"counters": with_geometry(Point(1.6, 42.9).buffer(0.1))},
        "counters.representative_point()",
    ),
    "lines": (
        {"people": with_geometry(LineString([(1.6, 42.9), (1.7, 42.9)]))},
        "ni point ni surface (0)",
    ),
    "no row left": ({"counters": villages().iloc[:0]}, "aucune ligne n'a de place (lignes : 0)"),
    "no place": (
        {"people": villages().set_geometry([None] * 5, crs="EPSG:4326")},
        "aucune ligne n'a de place (lignes : 5)",
    ),
    "no column of types": (
        {"within": {"mairie": "8 km"}, "counters": villages()},
        'dites laquelle : type="…"',
    ),
    "a type that no counter has": (
        {"within": {"mairi": "8 km"}, "type": "genre"},
        "aucune ligne n'a 'mairi' dans la colonne 'genre' ; essayez : mairie",
    ),
    "a column that is not there": ({"weight": "pmum"}, "'pmum' n'existe pas"),
    "no unit": ({"within": 8}, 'essayez : within = "8 km"'),
    "minutes without a router": ({"within": "20 min"}, 'essayez router="region.roads"'),
    "people below zero": (
        {"people": villages().assign(pmun=[1, -2, 3, 4, 5])},
        "'pmun' est négatif ou manque pour 1 ligne(s) (1)",
    ),
    "people unknown": (
        {"people": villages().assign(pmun=[1, np.nan, 3, np.nan, 5])},
        "manque pour 2 ligne(s) (1, 3)",
    ),
    "no column of people": (
        {"people": villages().rename(columns={"pmun": "x2021"})},
        'dites laquelle : weight="x2021"',
    ),
    "several columns of people": (
        {"people": villages().assign(ptot=1)},
        'plusieurs colonnes conviennent (pmun, ptot) ; choisissez-en une : weight="pmun"',
    ),
    "people as text": ({"people": villages().astype({"pmun": str})}, "aucune colonne de nombres"),
    "a table without geometry": ({"people": PLAIN}, "points_from_xy"),
    "a path": ({"people": "villages.gpkg"}, "geopandas.read_file"),
    "labels that repeat": (
        {"people": villages().set_axis([0, 1, 1, 2, 3])},
        "l'index répète 1, 1 ; essayez people.reset_index(drop=True)",
    ),
    "a rule of nothing": ({"rule": 2}, "de 1 à 1"),
    "no column of hours": ({"open_at": "samedi 10h"}, "aucune colonne d'horaires"),
    "a reserved type": ({"within": {"kiosk": "8 km"}}, "réservé"),
    "an area of points": ({"area": villages()}, "une surface est attendue"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_that_says_what_to_try(mistake: str) -> None:
    wrong, words = MISTAKES[mistake]
    asked = {"people": villages(), "counters": villages(), "within": "8 km"} | wrong
    with pytest.raises(GeoguichetError) as refused:
        white_zones(asked.pop("people"), asked.pop("counters"), **asked)
    said = str(refused.value)
    assert words in said
    assert said.endswith(".") and "\n" not in said and len(said) < 330


def test_frames_of_any_system_labels_and_columns_give_the_same_answer() -> None:
    degrees, theirs = villages(), villages().iloc[[0, 4]]
    metres = degrees.rename(columns={"nom": "toponyme", "pmun": "habitants", "geometry": "lieu"})
    metres = metres.set_geometry("lieu").to_crs(2154).set_axis(list("abcde"))
    one = white_zones(degrees, theirs, within="10 km")
    other = white_zones(metres, theirs.to_crs(3857).geometry, within="10 km", name="toponyme")
    assert other.people.crs.to_epsg() == other.zones.crs.to_epsg() == 2154
    assert one.people["served"].tolist() == other.people["served"].tolist()
    assert one.people["counter_service"].tolist() == other.people["counter_service"].tolist()
    assert other.people.index.tolist() == list("abcde")
    np.testing.assert_allclose(one.people["counter_m"], other.people["counter_m"], atol=1e-3)
    assert one.table.equals(other.table)


def test_what_was_recognised_is_told_and_what_was_said_is_not() -> None:
    assert people_of(villages()).told == ("habitants : colonne 'pmun'",)
    assert people_of(villages(), weight="pmun").told == ()


def test_a_multipoint_of_one_point_is_that_point_and_a_missing_place_is_kept() -> None:
    shapes = [MultiPoint([(1.6, 42.9)]), None]
    found = given(with_geometry(*shapes), "people")
    assert found.table.geometry.iloc[0] == Point(1.6, 42.9)
    assert found.table.geometry.isna().tolist() == [False, True, False, False, False]


def test_the_frame_given_is_not_changed() -> None:
    frame = villages()
    white_zones(frame, frame, within="8 km")
    assert frame.equals(villages())
