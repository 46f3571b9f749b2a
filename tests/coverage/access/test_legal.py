"""The rules of law: decided by car times, proved by straight lines where they can be, never
guessed.
"""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pyproj import Geod

from geoguichet.coverage.access.rules import FASTEST_M_S, RULES, legal_table
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import folder, report
from geoguichet.coverage.outputs.report import sections, verdicts
from geoguichet.coverage.routers.impedance import CostMatrix, Nearest, Router, StraightLine
from geoguichet.coverage.run import run
from geoguichet.coverage.study.choices import RouterChoice
from geoguichet.coverage.study.study import LegalChoice, Study, parse_study, read_study
from geoguichet.floor.words import Unit, speaking
from geoguichet.referentials.territories.territory import Territory


class Clock(Router):
    """A router whose minutes by car are given, one for each origin."""

    unit = Unit.SECONDS

    def __init__(self, minutes: list[float]) -> None:
        self._seconds = np.array(minutes) * 60

    def nearest(self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Nearest:
        return Nearest(np.where(np.isnan(self._seconds), -1, 0), self._seconds.copy())

    def costs(
        self, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, limit: float
    ) -> CostMatrix:
        raise NotImplementedError


def territory() -> Territory:
    outline = shapely.MultiPolygon([shapely.box(1, 44, 2, 45)])
    places = gpd.GeoDataFrame(
        {"code": ["46", "82"], "name": ["Lot", "T&G"]}, geometry=[outline] * 2, crs="EPSG:4326"
    )
    return Territory("Deux", places, places.rename(columns={}), outline)


def people(*rows: tuple[str, int, float]) -> gpd.GeoDataFrame:
    """Département, people, kilometres east of the contact point (NaN: nowhere)."""
    geod = Geod(ellps="WGS84")
    points = [
        None if np.isnan(km) else shapely.Point(geod.fwd(1.5, 44.5, 90, km * 1000)[:2])
        for _, _, km in rows
    ]
    frame = pd.DataFrame(
        {"departement": [row[0] for row in rows], "people": [row[1] for row in rows]}
    )
    return gpd.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")


def contact(types: tuple[str, ...] = ("post_office",)) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"type": types}, geometry=[shapely.Point(1.5, 44.5)] * len(types), crs="EPSG:4326"
    )


def study(rule: str = "la_poste", *, unit: str = "s", mode: str = "car") -> Study:
    within = "20 min" if unit == "s" else "5 km"
    document = {
        "study": {"id": "e", "title": "E"},
        "territory": {"name": "Deux", "departements": ["46", "82"]},
        "services": {"poste": {"types": ["post_office", "post_agency"], "within": within}},
        "rule": {"all": ["poste"]},
        "router": {"kind": "road", "network": "x", "mode": mode} if unit == "s" else {},
        "legal": {rule: "poste"},
    }
    return parse_study(document)


def verdict(
    rule: str, demand: gpd.GeoDataFrame, minutes: list[float] | None, **options: str
) -> pd.DataFrame:
    asked = study(rule, unit="m" if minutes is None else "s", **options)
    router = StraightLine() if minutes is None else Clock(minutes)
    return legal_table(demand, contact(), territory(), asked, router).set_index("code")


def test_la_poste_is_five_kilometres_and_twenty_minutes() -> None:
    near_but_slow, far_but_quick, both, exactly = (
        (4.99, 25.0),
        (8.0, 19.0),
        (8.0, 21.0),
        (8.0, 20.0),
    )
    cases = [near_but_slow, far_but_quick, both, exactly]
    demand = people(*(("46", 10, km) for km, _ in cases), ("82", 60, 0.0))
    table = verdict("la_poste", demand, [*(minutes for _, minutes in cases), 1.0])
    assert table["beyond"].to_dict() == {"46": 10, "82": 0, "": 10}, "both, and strictly more"
    assert table["verdict"].to_dict() == {"46": "fail", "82": "pass", "": "fail"}, (
        "25 % of the Lot, 10 % of both"
    )


@pytest.mark.parametrize(("beyond", "said"), [(10, "pass"), (11, "fail")])
def test_a_tenth_is_allowed_and_no_more(beyond: int, said: str) -> None:
    demand = people(("46", 100 - beyond, 1.0), ("46", beyond, 9.0), ("82", 1, 0.0))
    assert verdict("la_poste", demand, [2.0, 30.0, 1.0]).at["46", "verdict"] == said


def test_france_services_is_everyone() -> None:
    demand = people(("46", 999, 1.0), ("46", 1, 20.0), ("82", 5, 1.0))
    minutes = [2.0, 25.0, 30.0]
    assert verdict("france_services_30", demand, minutes)["verdict"].to_dict() == {
        "46": "pass",
        "82": "pass",
        "": "pass",
    }
    assert verdict("france_services_20", demand, minutes).loc[
        "46", ["beyond", "verdict"]
    ].tolist() == [1, "fail"]


def test_a_straight_line_proves_what_it_can_and_decides_nothing_else() -> None:
    limit_km = FASTEST_M_S * RULES["la_poste"].beyond_s / 1000
    demand = people(("46", 95, 1.0), ("46", 5, 12.0), ("82", 50, 12.0), ("82", 50, limit_km + 0.1))
    table = verdict("la_poste", demand, None)
    assert table["verdict"].to_dict() == {"46": "pass", "82": "fail", "": "fail"}, (
        "5 % at most; surely 50 %"
    )
    nearer = people(("46", 50, 1.0), ("46", 50, limit_km - 0.1), ("82", 1, 0.0))
    table = verdict("la_poste", nearer, None)
    assert table.loc["46", ["verdict", "reason", "undecided", "beyond"]].tolist() == [
        "undecided",
        "no_car_times",
        50,
        0,
    ]
    minutes = verdict("france_services_30", people(("46", 9, 0.5), ("82", 1, 66.0)), None)[
        "verdict"
    ]
    assert minutes.to_dict() == {"46": "undecided", "82": "fail", "": "fail"}, (
        "half a kilometre is not minutes"
    )


def test_minutes_on_foot_are_not_minutes_by_car() -> None:
    table = verdict(
        "france_services_30", people(("46", 9, 2.0), ("82", 9, 2.0)), [10.0, 10.0], mode="foot"
    )
    assert (table["verdict"] == "undecided").all() and (table["reason"] == "no_car_times").all()
    relief = replace(study("france_services_30"), router=RouterChoice(kind="relief", network="x"))
    told = legal_table(people(("46", 9, 2.0)), contact(), territory(), relief, Clock([1.0]))
    assert told.set_index("code").at["46", "verdict"] == "undecided"


def test_people_who_could_not_be_measured_decide_nothing_unless_too_few_to_matter() -> None:
    few = people(("46", 95, 1.0), ("46", 5, 9.0), ("82", 80, 1.0), ("82", 20, np.nan))
    table = verdict("la_poste", few, [2.0, np.nan, 2.0, np.nan])
    assert table["verdict"].to_dict() == {"46": "pass", "82": "undecided", "": "undecided"}
    assert table.at["82", "reason"] == "not_measured" and table.at["82", "undecided"] == 20


def test_where_nobody_is_counted_nothing_is_kept() -> None:
    table = verdict("la_poste", people(("46", 10, 1.0)), [2.0])
    assert table["verdict"].to_dict() == {"46": "pass", "82": "undecided", "": "undecided"}
    assert table["reason"].to_dict() == {"46": "", "82": "nobody", "": "nobody"}


def test_no_contact_point_at_all_is_beyond() -> None:
    demand = people(("46", 10, 1.0), ("82", 10, 1.0))
    empty = contact()[:0]
    table = legal_table(demand, empty, territory(), study("la_poste", unit="m"), StraightLine())
    assert (table["verdict"] == "fail").all() and (table["beyond_share"] == 1.0).all()


@pytest.fixture(scope="module")
def ariege(small_path: Path) -> CoverageResult:
    rules = tuple(
        LegalChoice(rule, need)
        for rule, need in (("la_poste", "mairie"), ("france_services_30", "etat"))
    )
    return run(replace(read_study(small_path), kiosks=None, legal=rules))


def test_it_is_told_in_the_report_the_layers_and_the_record(
    ariege: CoverageResult, tmp_path: Path
) -> None:
    table = ariege.beside.legal
    assert (
        table is not None
        and table["rule"].tolist() == ["la_poste"] * 2 + ["france_services_30"] * 2
    )
    assert table["verdict"].tolist() == ["pass", "pass", "undecided", "undecided"]
    page = report.render(ariege)
    assert (
        "Non tranchée" in page
        and "il faut des temps de trajet en voiture" in page
        and "respectée" in page
    )
    with speaking("en"):
        assert "not decided" in str(next(s for s in sections(ariege) if s.key == "legal").parts)
    assert "La Poste" in verdicts(ariege) and "respectée" in verdicts(ariege)
    folder.write_geopackage(ariege, tmp_path / "result.gpkg")
    written = pyogrio.read_dataframe(tmp_path / "result.gpkg", layer="legal")
    assert (
        written["verdict"].tolist() == table["verdict"].tolist()
        and (written["study"] == "petite").all()
    )
    again = tmp_path / "again.gpkg"
    folder.write_geopackage(ariege, again)
    assert again.read_bytes() == (tmp_path / "result.gpkg").read_bytes()


def test_town_halls_count_whatever_their_hours(
    ariege: CoverageResult, small: CoverageResult
) -> None:
    """The need asks for 28 h a week; the rule of law speaks of contact points."""
    table = ariege.beside.legal
    assert table is not None
    far = small.demand["mairie_m"] > 5000
    undecided = table[table["rule"] == "la_poste"]["undecided"].iloc[0]
    assert undecided < small.demand.loc[far, "people"].sum()


@pytest.mark.parametrize(
    ("legal", "said"),
    [
        ({"la_post": "poste"}, '"la_poste"'),
        ({"la_poste": "postes"}, '"poste"'),
        ({"la_poste": 3}, "un texte"),
    ],
)
def test_a_rule_nobody_knows(legal: dict, said: str) -> None:
    document = {
        "study": {"id": "e", "title": "E"},
        "territory": {"name": "Deux", "departements": ["46"]},
        "services": {"poste": {"types": ["post_office"], "within": "5 km"}},
        "rule": {"all": ["poste"]},
        "legal": legal,
    }
    with pytest.raises(StudyError, match=f"legal.*{said}"):
        parse_study(document)
