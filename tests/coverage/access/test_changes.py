"""Counters opened, closed, and hours set before the question is asked."""

from dataclasses import replace

import geopandas as gpd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.supply import changed
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.study.study import Changes, Opening, Study, parse_study

FOIX = Opening("town_hall", 1.605, 42.966, "Mo-Fr 08:00-18:00", "Mairie bis")


def with_changes(study: Study, **changes: tuple) -> Study:
    return replace(study, changes=Changes(**changes))


@pytest.fixture(scope="module")
def services(small: CoverageResult) -> gpd.GeoDataFrame:
    return inputs.read(small.study).services


@settings(max_examples=8, deadline=None)
@given(
    lon=st.floats(1.3, 1.9),
    lat=st.floats(42.75, 43.1),
    kind=st.sampled_from(["town_hall", "prefecture"]),
    hours=st.sampled_from(["", "Mo-Fr 08:00-18:00", "24/7"]),
)
def test_opened_then_closed_leaves_the_table_as_it_was(
    small: CoverageResult, services: gpd.GeoDataFrame, lon: float, lat: float, kind: str, hours: str
) -> None:
    both = with_changes(small.study, open=(Opening(kind, lon, lat, hours),), close=("nouveau-1",))
    assert_frame_equal(changed(services, both, small.territory), services)
    alone = changed(services, with_changes(small.study, open=both.changes.open), small.territory)
    assert len(alone) == len(services) + 1
    assert_frame_equal(alone.drop(index="nouveau-1"), services)


def test_a_counter_opens_where_it_stands(small: CoverageResult) -> None:
    row = inputs.read(with_changes(small.study, open=(FOIX,))).services.loc["nouveau-1"]
    assert (row["commune"], row["commune_name"], row["departement"]) == ("09122", "Foix", "09")
    assert row["inside"] and row["hours_per_week"] == 50 and row["name"] == "Mairie bis"


def test_closing_what_serves_takes_it_away(small: CoverageResult) -> None:
    name = small.demand["etat_service"].mode()[0]
    closed = find_white_zones(with_changes(small.study, close=(name,)))
    assert name not in closed.services.index and not (closed.demand["etat_service"] == name).any()
    assert (closed.demand["etat_m"] >= small.demand["etat_m"]).all()


def test_hours_cut_below_the_least_stop_counting(small: CoverageResult) -> None:
    name = small.demand["mairie_service"].mode()[0]
    cut = find_white_zones(with_changes(small.study, hours=((name, "Mo 09:00-12:00"),)))
    assert name not in cut.services.index
    assert (
        cut.demand["people"][~cut.demand["served"]].sum()
        >= small.demand["people"][~small.demand["served"]].sum()
    )


def test_a_study_file_may_hold_them(small: CoverageResult) -> None:
    document = {
        "study": {"id": "a", "title": "A"},
        "territory": {"name": "Ariège", "departements": ["09"]},
        "services": {"etat": {"types": ["prefecture"], "within": "25 km"}},
        "rule": {"all": ["etat"]},
        "changes": {
            "close": ["x"],
            "hours": {"y": "off"},
            "open": [
                {
                    "type": "town_hall",
                    "lon": 1.605,
                    "lat": 42.966,
                    "hours": FOIX.hours,
                    "name": FOIX.name,
                }
            ],
        },
    }
    assert parse_study(document).changes == Changes((FOIX,), (("y", "off"),), ("x",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"close": ("mairie",)}, "changes.close.*'mairie'.*essayez : mairie-09"),
        ({"close": ("Mairie de Foix",)}, "mairie-09122"),
        (
            {"hours": (("mairie-09122", "quand on veut"),)},
            "changes.hours.*ne se lisent pas.*09:00-12:00",
        ),
        (
            {"open": (Opening("town_hall", 42.966, 1.605),)},
            "changes.open.*40 km.*longitude puis latitude",
        ),
    ],
)
def test_a_change_that_means_nothing_is_refused(
    small: CoverageResult, changes: dict, said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        inputs.read(with_changes(small.study, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"open": {"type": "town_hall"}}, "changes.open.*liste de tables"),
        ({"open": [{"type": "townhall", "lon": 1, "lat": 43}]}, "town_hall"),
        ({"open": [{"type": "town_hall", "lon": 200, "lat": 43}]}, "changes.open.lon"),
        ({"clos": []}, "changes.clos.*close"),
    ],
)
def test_a_change_badly_written_is_refused(changes: dict, said: str) -> None:
    document = {
        "study": {"id": "a", "title": "A"},
        "territory": {"name": "Ariège", "departements": ["09"]},
        "services": {"etat": {"types": ["prefecture"], "within": "25 km"}},
        "rule": {"all": ["etat"]},
        "changes": changes,
    }
    with pytest.raises(StudyError, match=said):
        parse_study(document)
