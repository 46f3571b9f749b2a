"""A small answer around Cahors, with what real data has: a commune without outline, missing hours,
a missing point.
"""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.kiosks.ranking import Ranking, ReferenceOutcome
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.hypotheses import Reference
from geoguichet.coverage.study.study import Study, parse_study
from geoguichet.floor.findings import Finding
from geoguichet.referentials.territories.territory import Territory

STUDY = {
    "study": {
        "id": "autour-de-cahors",
        "title": "Visioguichets autour de Cahors",
        "abstract": "Un <essai> & des accents.",
    },
    "territory": {"name": "Autour de Cahors", "departements": ["46", "82"], "buffer": "40 km"},
    "services": {
        "state": {
            "label": "Guichet de l’État",
            "types": ["prefecture", "sous_prefecture"],
            "within": "25 km",
        },
        "town_hall": {
            "label": "Mairie",
            "types": ["town_hall"],
            "within": "8 km",
            "min_hours_per_week": 28,
        },
    },
    "rule": {"all": ["state", "town_hall"]},
    "kiosks": {
        "count": 2,
        "reach": "8 km",
        "user_side_cost": "10000 EUR",
        "expert_side_cost": "7000 EUR",
        "experts": 3,
        "budget": "60000 EUR",
    },
}

# code, name, département, people, longitude, latitude, state_m, town_hall_m, hours a week
COMMUNES = [
    ("46042", "Cahors", "46", 20_141, 1.4404, 44.4475, 150.0, 0.0, 40.0),
    ("46044", "Calamane", "46", 466, 1.4019, 44.5089, 7_400.0, 7_410.5, 12.0),
    ("46201", "Montcuq-en-Quercy-Blanc", "46", 1_773, 1.2080, 44.3385, 22_100.0, 9_000.0, 21.0),
    ("46262", "Saint-Daunès", "46", 217, 1.2480, 44.3570, 18_500.0, 8_600.0, np.nan),
    ("46276", "Saint-Géry-Vers", "46", 850, 1.5600, 44.4790, 10_100.0, 10_090.0, 24.0),
    ("46999", "L'Ailleurs-Perdu", "46", 120, None, None, np.nan, np.nan, np.nan),
    ("82078", "Lauzerte", "82", 1_467, 1.1380, 44.2560, 26_000.0, 10_000.0, 30.0),
    ("82200", "Tréjouls", "82", 252, 1.2140, 44.2720, 27_900.0, 6_400.0, np.nan),
]
SERVED_BY = {"46201": ("k-001", 0.0), "46262": ("k-001", 3_785.0), "46276": ("k-002", 0.0)}


def _square(lon: float, lat: float) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.box(lon - 0.035, lat - 0.025, lon + 0.035, lat + 0.025)])


def _territory() -> Territory:
    communes = gpd.GeoDataFrame(
        {
            "code": [row[0] for row in COMMUNES],
            "name": [row[1] for row in COMMUNES],
            "departement": [row[2] for row in COMMUNES],
            "epci": "200023737",
            "population": [row[3] for row in COMMUNES],
        },
        geometry=[None if row[4] is None else _square(row[4], row[5]) for row in COMMUNES],
        crs="EPSG:4326",
    )
    departements = gpd.GeoDataFrame(
        {"code": ["46", "82"], "name": ["Lot", "Tarn-et-Garonne"]},
        geometry=[
            shapely.MultiPolygon([shapely.box(1.05, 44.3, 1.75, 44.6)]),
            shapely.MultiPolygon([shapely.box(1.05, 44.1, 1.75, 44.3)]),
        ],
        crs="EPSG:4326",
    )
    boundary = shapely.MultiPolygon([shapely.box(1.05, 44.1, 1.75, 44.6)])
    return Territory(
        name="Autour de Cahors", departements=departements, communes=communes, boundary=boundary
    )


def _demand(kiosks: bool) -> gpd.GeoDataFrame:
    codes = [row[0] for row in COMMUNES]
    located = np.array([row[4] is not None for row in COMMUNES])
    state, town_hall = (
        np.array([row[column] for row in COMMUNES], dtype=float) for column in (6, 7)
    )
    slack = np.minimum(25_000 - state, 8_000 - town_hall)
    served = slack >= 0
    zone = [
        "" if fine or not here else "zb-001" if code != "46276" else "zb-002"
        for code, fine, here in zip(codes, served, located, strict=True)
    ]
    reached = [SERVED_BY.get(code, ("", np.nan)) if kiosks else ("", np.nan) for code in codes]
    reason = np.where(located, "", "not_located")
    return gpd.GeoDataFrame(
        {
            "name": [row[1] for row in COMMUNES],
            "departement": [row[2] for row in COMMUNES],
            "epci": "200023737",
            "people": [row[3] for row in COMMUNES],
            "point_source": ["town_hall" if here else "none" for here in located],
            "state_m": state,
            "state_service": np.where(located, "prefecture-46", ""),
            "state_reason": reason,
            "town_hall_m": town_hall,
            "town_hall_service": np.where(located, "mairie-46042", ""),
            "town_hall_reason": reason,
            "slack_m": slack,
            "served": served,
            "undecided": ~located,
            "zone": zone,
            "kiosk": [key for key, _ in reached],
            "kiosk_m": [metres for _, metres in reached],
            "served_after": served | np.array([key != "" for key, _ in reached]),
            "unserved_reason": np.where(
                served | np.array([key != "" for key, _ in reached]) | (not kiosks),
                "",
                np.where(located, "not_chosen", ""),
            ),
        },
        geometry=[None if row[4] is None else shapely.Point(row[4], row[5]) for row in COMMUNES],
        index=pd.Index(codes, name="id"),
        crs="EPSG:4326",
    )


def _services() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "type": ["town_hall", "town_hall", "prefecture"],
            "name": ["Mairie de Cahors", "Mairie de Fumel", "Préfecture du Lot"],
            "commune": ["46042", "47106", "46042"],
            "commune_name": ["Cahors", "Fumel", "Cahors"],
            "departement": ["46", "47", "46"],
            "hours": ["Mo-Fr 08:30-17:00", "Mo-Fr 08:30-17:30", ""],
            "hours_per_week": [42.5, 45.0, np.nan],
            "inside": [True, False, True],
            "needs": ["town_hall", "town_hall", "state"],
        },
        geometry=gpd.points_from_xy([1.4404, 0.9680, 1.4418], [44.4475, 44.4990, 44.4489]),
        index=pd.Index(["mairie-46042", "mairie-47106", "prefecture-46"], name="id"),
        crs="EPSG:4326",
    )


def _white_zones(kiosks: bool) -> gpd.GeoDataFrame:
    west = shapely.union_all(
        [
            _square(1.208, 44.3385),
            _square(1.248, 44.357),
            _square(1.138, 44.256),
            _square(1.214, 44.272),
        ]
    )
    return gpd.GeoDataFrame(
        {
            "people": [3_709, 850],
            "communes": [4, 1],
            "commune_names": [
                "Lauzerte,Montcuq-en-Quercy-Blanc,Saint-Daunès,Tréjouls",
                "Saint-Géry-Vers",
            ],
            "departements": ["46,82", "46"],
            "worst_m": [2_900.0, 2_090.0],
            "mean_m": [1_601.4, 2_090.0],
            "area_km2": [121.3, 31.0],
            "minor": [False, False],
            "hosts": ["mairie-46201,mairie-46262", "mairie-46276"] if kiosks else ["", ""],
            "host_names": ["Montcuq-en-Quercy-Blanc,Saint-Daunès", "Saint-Géry-Vers"]
            if kiosks
            else ["", ""],
            "host_costs": ["4100,4180", "0"] if kiosks else ["", ""],
            "people_after": [1_719, 0] if kiosks else [3_709, 850],
        },
        geometry=[west, _square(1.56, 44.479)],
        index=pd.Index(["zb-001", "zb-002"], name="id"),
        crs="EPSG:4326",
    )


def _kiosks() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "rank": [1, 2],
            "standing": ["required", "proposed"],
            "commune": ["46201", "46276"],
            "name": ["Montcuq-en-Quercy-Blanc", "Saint-Géry-Vers"],
            "departement": ["46", "46"],
            "host": ["Mairie de Montcuq-en-Quercy-Blanc", "Mairie de Saint-Géry-Vers"],
            "host_id": ["mairie-46201", "mairie-46276"],
            "type": ["town_hall", "town_hall"],
            "needs": ["state,town_hall", "state,town_hall"],
            "hours": ["Mo-Fr 09:00-12:00", None],
            "hours_per_week": [15.0, np.nan],
            "zones": ["zb-001", "zb-002"],
            "people_added": [1_990, 850],
            "people_cumulated": [1_990, 2_840],
            "share_cumulated": [1_990 / 4_559, 2_840 / 4_559],
            "gain": [1_990.0, 850.0],
            "cost_eur": [10_000.0, 10_000.0],
            "model": ["maximal_covering", "maximal_covering"],
            "status": ["gap_reached", "gap_reached"],
            "value": [2_840.0, 2_840.0],
            "bound": [2_900.0, 2_900.0],
            "gap": [0.0207, 0.0207],
            "uses_per_year": [59.7, 25.5],
            "km_saved_per_year": [2_345.6, 510.0],
            "co2_saved_kg_per_year": [1_450.4, 97.9],
        },
        geometry=gpd.points_from_xy([1.208, 1.56], [44.3385, 44.479]),
        index=pd.Index(["k-001", "k-002"], name="id"),
        crs="EPSG:4326",
    )


def _summary(kiosks: bool) -> pd.DataFrame:
    lot_after, tarn_after = (0, 1_719) if kiosks else (2_840, 1_719)
    rows = [
        ("46", "Lot", 23_567, 2_840, lot_after, 2, 2 * kiosks),
        ("82", "Tarn-et-Garonne", 1_719, 1_719, tarn_after, 1, 0),
        ("", "Autour de Cahors", 25_286, 4_559, lot_after + tarn_after, 2, 2 * kiosks),
    ]
    table = pd.DataFrame(
        rows, columns=["code", "name", "people", "white_before", "white_after", "zones", "kiosks"]
    )
    table.insert(4, "white_before_share", table["white_before"] / table["people"])
    table.insert(6, "white_after_share", table["white_after"] / table["people"])
    table.insert(7, "undecided", [120, 0, 120])
    return table


def _none_of(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.iloc[:0]


FINDINGS = (
    Finding(
        "no-geometry",
        "communes",
        "46999",
        "L'Ailleurs-Perdu n'a pas de contour ; <elle> n'est pas dessinée.",
    ),
    Finding(
        "no-hours",
        "services",
        "mairie-1",
        "Mairie A : horaires absents ; elle n'est pas réputée ouverte.",
        "info",
    ),
    Finding(
        "no-hours",
        "services",
        "mairie-2",
        "Mairie B : horaires absents ; elle n'est pas réputée ouverte.",
        "info",
    ),
)


RANKING = Ranking(
    curve=pd.DataFrame(
        {
            "kiosks": [1, 2],
            "people": [1_990.0, 2_840.0],
            "best_known": [1_990.0, 2_840.0],
            "bound": [2_000.0, 2_900.0],
            "gap": [0.005, 0.0207],
        }
    ),
    unserved=pd.DataFrame(
        [("not_chosen", 1, 1_719, "Là-bas")],
        columns=["reason", "communes", "people", "names"],
    ),
    stop_at=1,
    reference=ReferenceOutcome(
        Reference("Le plan <d'avant>", 2, 60_000.0), people=None, most_populated=1_900.0,
        best=2_840.0, bound=2_900.0,
        enough=1,
    ),
)  # fmt: skip


@pytest.fixture
def result() -> CoverageResult:
    """Two white zones, two kiosks, a plan proved to within a gap."""
    return CoverageResult(
        study=parse_study(STUDY),
        territory=_territory(),
        demand=_demand(True),
        services=_services(),
        white_zones=_white_zones(True),
        kiosks=_kiosks(),
        summary=_summary(True),
        plan=KioskPlan(
            "covering",
            (0, 1),
            (1_990.0, 850.0),
            2_840.0,
            2_900.0,
            "time_limit",
            "glouton, HiGHS 1.15",
            1.234,
        ),
        inputs=(
            InputLayer(
                "communes", "essai.gpkg", "communes", 8, "ab" * 32, "2026", "Licence Ouverte 2.0"
            ),
            InputLayer("services", "essai.gpkg", "services", 3, "cd" * 32, "", ""),
        ),
        findings=FINDINGS,
        counters={"communes": 8, "people": 25_286},
        timings={"distances": 0.1, "bilan": 0.2},
        ranking=RANKING,
    )


@pytest.fixture
def bare(result: CoverageResult) -> CoverageResult:
    """The same question without kiosks, everyone served: no zone, no kiosk, no plan, nothing
    noticed.
    """
    demand = _demand(False).assign(zone="")
    demand["served"] = demand["served_after"] = True
    demand["undecided"] = False
    summary = _summary(False)
    for column in (
        "white_before",
        "white_before_share",
        "white_after",
        "white_after_share",
        "undecided",
        "zones",
        "kiosks",
    ):
        summary[column] = summary[column] * 0
    return replace(
        result,
        study=replace(result.study, kiosks=None),
        demand=demand,
        white_zones=_none_of(_white_zones(False)),
        kiosks=_none_of(_kiosks()),
        summary=summary,
        plan=None,
        ranking=None,
        findings=(),
    )


@pytest.fixture
def english(result: CoverageResult) -> CoverageResult:
    study: Study = replace(result.study, language="en")
    return replace(result, study=study)
