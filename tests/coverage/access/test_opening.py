"""Counters open at the time asked: known hours decide, unknown ones are taken as the study says and
counted.
"""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.supply import hours_known, open_enough
from geoguichet.coverage.errors import FrameError, StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.orientation import find_place, nearest_counters, open_directory
from geoguichet.coverage.outputs import report, web_map
from geoguichet.coverage.outputs.report import sections
from geoguichet.coverage.publish import study_record
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import Need, Study, read_study
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Cost, Unit, speaking
from geoguichet.referentials.directory.hours import Moment, is_open, weekly_hours

SATURDAY = Moment.parse("samedi 10h")


def asking(study: Study, **changes: object) -> Study:
    etat, mairie = study.needs
    return replace(
        study, kiosks=None, needs=(etat, replace(mairie, min_hours_per_week=None, **changes))
    )


@pytest.fixture(scope="module")
def saturday(small_path: Path) -> CoverageResult:
    return run(asking(read_study(small_path), open_at=SATURDAY))


def services() -> gpd.GeoDataFrame:
    hours = [
        "Sa 09:00-12:00",
        "Sa 10:00-10:01",
        "Sa 08:00-10:00",
        "Mo-Fr 09:00-17:00",
        "",
        None,
        np.nan,
        "Jan-Mar",
    ]
    frame = pd.DataFrame(
        {"type": "town_hall", "hours": hours, "hours_per_week": [3.0, 0.1, 2, 40, *[np.nan] * 4]}
    )
    return gpd.GeoDataFrame(frame, geometry=[shapely.Point(1, 44)] * 8, crs="EPSG:4326")


def need(**changes: object) -> Need:
    return replace(
        Need(key="mairie", label="Mairie", types=("town_hall",), within=Cost(8000.0, Unit.METRES)),
        **changes,
    )


@pytest.mark.parametrize(
    ("moment", "states"),
    [
        # Good Friday is a day off in Alsace and Moselle: hours that say nothing of it do not tell
        ("03/04/2026 10h", {"67": None, "31": True, "": None}),
        # the holidays of a zone: A is off, B and C are not
        ("10/02/2026 10h", {"69": False, "31": True, "": None}),
    ],
)
def test_the_holidays_are_those_of_the_departement_of_each_row(
    moment: str, states: dict[str, bool | None]
) -> None:
    at = need(open_at=Moment.parse(moment))
    codes = list(states)
    rows = services().head(len(codes)).assign(hours="Mo-Fr 09:00-17:00; SH off")
    communes = rows.assign(commune=[f"{code}001" if code else None for code in codes])
    for known in (rows.assign(commune=None, departement=codes), communes):
        told = zip(open_enough(known, at), hours_known(known, at), strict=True)
        assert [enough if sure else None for enough, sure in told] == list(states.values())


def test_open_from_the_first_minute_to_before_the_last() -> None:
    assert open_enough(services(), need(open_at=SATURDAY)).tolist() == [True, True, *[False] * 6]
    assert hours_known(services(), need(open_at=SATURDAY)).tolist() == [True] * 4 + [False] * 4


def test_unknown_hours_are_what_the_study_says() -> None:
    taken = need(open_at=SATURDAY, unknown_hours="open")
    assert open_enough(services(), taken).tolist() == [
        True,
        True,
        False,
        False,
        True,
        True,
        True,
        True,
    ]
    both = need(open_at=SATURDAY, min_hours_per_week=1.0)
    assert open_enough(services(), both).tolist() == [True, *[False] * 7]
    assert open_enough(services(), replace(both, unknown_hours="open")).sum() == 5


def test_hours_that_may_reach_the_minimum_are_unknown_and_not_closed() -> None:
    hours = {
        "Mo-Th 09:00-12:00,14:00-17:00": False,  # 24 h
        "Mo-Th 09:00-12:00,14:00-17:00, Fr 09:00-12:00 unknown": False,  # 27 h at most
        "Mo-Th 09:00-12:00,14:00-17:00, Fr 09:00-13:00 unknown": None,  # 28 h at most
        "Mo-Th 09:00-12:00,14:00-17:00; Fr unknown": None,
        "Mo-Fr 09:00-15:00; Sa unknown": True,  # 30 h for sure
        "Tu 09:00-12:00 unknown": False,
        "Mo-Fr 09:00-17:00 unknown": None,
        'Mo-Fr 09:00-12:00; We 14:00-20:00 "sur rendez-vous"': False,
        'Mo-Fr 09:00-12:00; We 07:00-20:00 "sur rendez-vous"': False,  # instead of the morning
        "Mo-Fr 09:00-14:00; week 1-53/2 Sa 09:00-12:00": None,
    }
    weekly = [weekly_hours(text) for text in hours]
    frame = pd.DataFrame({"type": "town_hall", "hours": list(hours), "hours_per_week": weekly})
    rows = gpd.GeoDataFrame(frame, geometry=[shapely.Point(1, 44)] * len(frame), crs="EPSG:4326")
    asked = need(min_hours_per_week=28.0)
    known = hours_known(rows, asked)
    assert dict(zip(hours, known, strict=True)) == {
        text: enough is not None for text, enough in hours.items()
    }
    for taken in ("closed", "undecided", "open"):
        enough = open_enough(rows, replace(asked, unknown_hours=taken))
        assert enough.tolist() == [
            taken == "open" if one is None else one for one in hours.values()
        ]


def test_what_is_surely_short_of_one_condition_is_known() -> None:
    both = need(open_at=SATURDAY, min_hours_per_week=28.0)
    rows = services().assign(hours=["Sa unknown"] * 8, hours_per_week=[5.0] * 3 + [30.0] * 5)
    assert hours_known(rows, both).tolist() == [False] * 8
    rows = rows.assign(hours=["Sa 09:00-12:00", "Mo unknown", *["Sa unknown"] * 6])
    assert hours_known(rows, both).tolist() == [True, True, *[False] * 6]


def test_only_counters_open_then_serve(saturday: CoverageResult) -> None:
    halls = saturday.services[saturday.services["needs"].str.contains("mairie")]
    assert len(halls) and all(is_open(hours, SATURDAY) for hours in halls["hours"])
    raw = pyogrio.read_dataframe(
        Path(saturday.study.path or "").parent / "ariege.gpkg", layer="services"
    )
    open_then = {
        row.id
        for row in raw.itertuples()
        if row.type == "town_hall" and is_open(row.hours, SATURDAY)
    }
    assert set(saturday.demand["mairie_service"]) <= open_then


def test_what_is_unknown_is_counted_and_said(saturday: CoverageResult, small_path: Path) -> None:
    told = saturday.beside.hours[0]
    assert (told.need, told.counted) == (
        "mairie",
        saturday.services["needs"].str.contains("mairie").sum(),
    )
    assert told.unknown > 0 and told.closed > 0
    other = run(asking(read_study(small_path), open_at=SATURDAY, unknown_hours="open"))
    changed = saturday.demand["served"] != other.demand["served"]
    assert (
        told.people == saturday.demand.loc[changed, "people"].sum() == other.beside.hours[0].people
    )
    page = report.render(saturday)
    assert "ouvert samedi 10\u00a0h" in page.replace("\u202f", "\u00a0").replace(
        "10 h", "10\u00a0h"
    )
    assert "sans horaires connus ne tranchent rien" in page
    closed = asking(read_study(small_path), open_at=SATURDAY, unknown_hours="closed")
    assert "horaires connus sont comptés comme fermés" in report.render(run(closed))
    assert (
        "samedi 10 h" in web_map.render(saturday)
        and "samedi 10 h" in study_record(saturday).description
    )
    with speaking("en"):
        assert "Saturday 10:00" in str(
            next(s for s in sections(saturday) if s.key == "hours").parts[0]
        )


def test_nearest_asks_at_the_moment_of_the_need(saturday: CoverageResult) -> None:
    directory = open_directory(saturday.study)
    place = find_place(directory, "Foix")
    found = nearest_counters(directory, place, "mairie")
    assert set(found["opening"]) <= {"open", "unknown"} and (found["opening"] == "open").sum() == 3
    monday = nearest_counters(directory, place, "mairie", at=Moment.parse("lundi 10h"))
    assert any(is_open(hours, SATURDAY) is False for hours in monday["hours"]), (
        "the moment given goes first"
    )


def test_a_moment_nobody_can_read(small_path: Path, tmp_path: Path) -> None:
    text = small_path.read_text(encoding="utf-8").replace(
        "min_hours_per_week = 28", 'open_at = "samdi"'
    )
    (tmp_path / "etude.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"services\.mairie\.open_at.*samedi 10h"):
        read_study(tmp_path / "etude.toml")


def test_a_moment_when_nothing_is_open(small_path: Path) -> None:
    with pytest.raises(FrameError, match="ouvert dimanche 3 h"):
        run(asking(read_study(small_path), open_at=Moment.parse("dimanche 3h")))


# ----------------------------------------------------------------------------------------------
# itinerant


@pytest.fixture(scope="module")
def stopping(small_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A town hall of the Ariège that goes about: a stop with a point, one by its commune, three
    that are wrong.
    """
    folder = tmp_path_factory.mktemp("arrets")
    gpkg = folder / "ariege.gpkg"
    gpkg.write_bytes((small_path.parent / "ariege.gpkg").read_bytes())
    halls = (
        pyogrio.read_dataframe(gpkg, layer="services")
        .query("type == 'town_hall'")
        .set_index("commune")
    )
    bus = halls.loc["09122", "id"]
    rows = [
        (bus, "place du marché", None, "Sa 09:00-12:00", halls.loc["09261"].geometry),
        (bus, None, "09194", "We 14:00-16:00", None),
        (bus, "nulle part", None, "Mo 09:00-10:00", None),
        (bus, "un jour sur deux", "09194", "week 2-52/2 Mo 09:00-12:00", None),
        ("inconnu", None, None, "Mo 09:00-10:00", None),
    ]
    stops = gpd.GeoDataFrame(
        rows, columns=["service", "name", "commune", "hours", "geometry"], crs="EPSG:4326"
    )
    pyogrio.write_dataframe(stops, gpkg, layer="arrets", geometry_type="Point")
    study = (folder / "etude.toml").with_suffix(".toml")
    text = small_path.read_text(encoding="utf-8").replace("[demand]", 'stops = "arrets"\n[demand]')
    study.write_text(text, encoding="utf-8")
    return read_study(study)


def test_an_itinerant_service_counts_where_it_stops_and_then_only(stopping: Study) -> None:
    data = inputs.read(stopping)
    rows = data.services[data.services.index.str.contains("@")]
    assert rows["commune"].tolist() == ["09261", "09194", "", "09194"] and rows[
        "inside"
    ].tolist() == [
        True,
        True,
        False,
        True,
    ]
    assert rows["hours_per_week"].tolist()[:2] == [3.0, 2.0] and np.isnan(
        rows["hours_per_week"].iloc[3]
    )
    assert "arrêt place du marché" in rows["name"].iloc[0] and rows.geometry.isna().tolist() == [
        False,
        False,
        True,
        False,
    ]
    bus = rows.index[0].split("@")[0]
    assert bus not in data.services.index, "where its seat is it serves nobody"
    assert open_enough(rows, need(open_at=SATURDAY)).tolist() == [True, False, False, False]
    assert open_enough(rows, need(open_at=Moment.parse("mercredi 15h"))).tolist() == [
        False,
        True,
        False,
        False,
    ]
    rules = {finding.rule for finding in data.findings if finding.layer == "arrets"}
    assert rules == {"stop-without-service", "stop-without-point", "unreadable-hours"}
    assert ("arrets", 5) in {(layer.layer, layer.rows) for layer in data.layers}
    assert all(isinstance(finding, Finding) for finding in data.findings)


def test_stops_told_by_their_days_open_in_the_hours_of_their_service(stopping: Study) -> None:
    """What ``referentials export`` writes of a directory: the communes and weekdays, not the
    hours.
    """
    path = (stopping.path or Path()).parent / "ariege.gpkg"
    halls = (
        pyogrio.read_dataframe(path, layer="services")
        .query("type == 'town_hall'")
        .set_index("commune")
    )
    bus = halls.loc["09122"]
    days = [("mercredi samedi", "09261"), ("", "09194")]
    rows = [
        (bus["id"], bus["name"], commune, told, halls.loc[commune].geometry)
        for told, commune in days
    ]
    stops = gpd.GeoDataFrame(
        rows, columns=["service", "name", "commune", "days", "geometry"], crs="EPSG:4326"
    )
    pyogrio.write_dataframe(stops, path, layer="jours", geometry_type="Point")
    table = inputs.read(replace(stopping, stops_layer="jours")).services
    first, second = table.loc[f"{bus['id']}@1"], table.loc[f"{bus['id']}@2"]
    assert first["name"] == f"{bus['name']}, arrêt Saint-Girons"
    moments = [
        Moment.parse(f"{day} {hour}h")
        for day in ("lundi", "mercredi", "samedi")
        for hour in range(24)
    ]
    told = [is_open(first["hours"], moment) for moment in moments]
    assert told == [
        moment.day in (2, 5) and is_open(bus["hours"], moment) for moment in moments
    ] and any(told)
    assert not isinstance(second["hours"], str) and np.isnan(second["hours_per_week"])


def test_stops_that_are_not_there(stopping: Study) -> None:
    with pytest.raises(StudyError, match=r"data\.stops.*arrets"):
        inputs.read(replace(stopping, stops_layer="arretes"))
