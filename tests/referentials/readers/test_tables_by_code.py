"""Territories, populations and broadband: every published file reads whole, in one schema; those
made by hand, and the real ones where they are present.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.directory.quality import absent_communes, table_findings
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers import territories
from geoguichet.referentials.readers.registry import choose_reader, recognise
from geoguichet.referentials.readers.tables_by_code import check_table
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.sample import DEPARTEMENTS
from geoguichet.referentials.versions.store import ReferentialStore

ADMIN = "admin/ign-2018"
SHARED: list[tuple[str, str | None, int, int, str, dict[str, int]]] = [
    ("admin/epci-anct-simplifie.geojson", None, 1357, 1354, "epci",
     {"displaced-outline": 23, "duplicate-id": 101, "no-code": 1, "refused-row": 3}),
    *((f"{ADMIN}/communes-{name}.geojson", None, count, count, "commune", {})
      for name, count in (("09-ariege", 331), ("12-aveyron", 285), ("31-haute-garonne", 587),
      ("32-gers", 462),
                          ("46-lot", 320), ("65-hautes-pyrenees", 470), ("81-tarn", 319),
                          ("82-tarn-et-garonne", 195))),
    *((f"{ADMIN}/{level}s-{name}.geojson", None, count, count, level, {})
      for level, counts in (("canton", (13, 23, 27, 17, 17, 17, 23, 15)), ("arrondissement", (3, 3,
      3, 3, 3, 3, 2, 2)))
      for name, count in zip(("09-ariege", "12-aveyron", "31-haute-garonne", "32-gers", "46-lot",
      "65-hautes-pyrenees",
                              "81-tarn", "82-tarn-et-garonne"), counts, strict=True)),
    *((f"{ADMIN}/departement-{name}.geojson", None, 1, 1, "departement", {})
      for name in ("09-ariege", "12-aveyron", "31-haute-garonne", "32-gers", "46-lot",
      "65-hautes-pyrenees", "81-tarn",
                   "82-tarn-et-garonne")),
    (f"{ADMIN}/region-occitanie.geojson", None, 1, 1, "region", {}),
    (f"{ADMIN}/departements-occitanie.geojson", None, 13, 13, "departement", {}),
    (f"{ADMIN}/departements-version-simplifiee.geojson", None, 96, 96, "departement", {}),
    ("admin/regions-avant-redecoupage-2015.geojson", None, 22, 22, "region", {}),
    ("admin/region73-avant-2016/communes.geojson", None, 3020, 3020, "commune", {}),
    ("admin/region73-avant-2016/departements.geojson", None, 8, 8, "departement", {}),
    ("admin/region73-avant-2016/region.geojson", None, 1, 1, "region", {}),
    ("admin/region73-avant-2016/iris-09.geojson.gz", None, 346, 346, "iris",
    {"damaged-encoding": 58}),
    ("admin/region73-avant-2016/iris-46.geojson.gz", None, 351, 351, "iris",
    {"damaged-encoding": 63}),
    ("admin/ign-departement-shp/DEPARTEMENT.zip", None, 96, 96, "departement",
    {"assumed-encoding": 1}),
    ("cog/communes.json.gz", "cog-etalab", 37590, 37590, "commune", {"no-population": 6}),
    ("cog/epci.json.gz", "epci-etalab", 1255, 1255, "epci", {}),
    ("cog/arrondissements.json", "cog-etalab", 333, 333, "arrondissement", {}),
    ("cog/departements.json", "cog-etalab", 109, 109, "departement", {}),
    ("cog/regions.json", "cog-etalab", 26, 26, "region", {}),
    ("cog/codes-postaux.json.gz", "codes-postaux", 35684, 35684, "postcode", {}),
    ("cog/laposte-hexasmal.csv.gz", "laposte-hexasmal", 39193, 39193, "postcode",
    {"duplicate-id": 108}),
    ("cog/cheflieuwp.yaml.gz", "chefs-lieux!", 11828, 11828, "seat",
     {"no-code": 1, "no-point": 544, "percent-encoded": 1}),
    ("cog/cheflieugp.yaml", "chefs-lieux!", 294, 294, "seat", {"no-code": 1, "percent-encoded": 1}),
    ("cog/cheflieux-anct.geojson", "chefs-lieux-anct", 1676, 1676, "seat", {}),
    ("cog/zonages-anct.csv.gz", "zonages-anct", 24535, 24535, "zoning", {"duplicate-id": 20,
    "private-path": 1}),
    ("population/filosofi2015-1km-lot.csv", "filosofi", 4595, 4595, "cell",
    {"fractional-population": 1}),
    ("population/filosofi2015-1km-lot50km.tif", "filosofi!", 33603, 33603, "cell",
    {"fractional-population": 1}),
    ("population/lot46-actifs-communes.csv", None, 313, 313, "commune", {}),
]  # fmt: skip
"""File, format it is recognised as (``!``: only when named), rows in, rows out, level of the first
row, findings.
"""
SMALL: list[tuple[str, str | None, int, int, str, dict[str, int]]] = [
    (
        "admin/epci-anct-simplifie.geojson",
        None,
        5,
        4,
        "epci",
        {
            "displaced-outline": 1,
            "duplicate-id": 1,
            "invalid-geometry": 1,
            "no-code": 1,
            "no-geometry": 1,
            "refused-row": 1,
        },
    ),
    (f"{ADMIN}/communes-09-ariege.geojson", None, 2, 2, "commune", {}),
    (f"{ADMIN}/communes-12-aveyron.geojson", None, 2, 2, "commune", {}),
    (f"{ADMIN}/communes-32-gers.geojson", None, 1, 1, "commune", {}),
    (f"{ADMIN}/cantons-09-ariege.geojson", None, 1, 1, "canton", {}),
    (f"{ADMIN}/arrondissements-09-ariege.geojson", None, 1, 1, "arrondissement", {}),
    (f"{ADMIN}/departement-09-ariege.geojson", None, 1, 1, "departement", {}),
    ("admin/regions-avant-redecoupage-2015.geojson", None, 1, 1, "region", {}),
    ("admin/region73-avant-2016/communes.geojson", None, 5, 5, "commune", {}),
    ("admin/region73-avant-2016/departements.geojson", None, 3, 3, "departement", {}),
    ("admin/region73-avant-2016/iris-09.geojson.gz", None, 1, 1, "iris", {"damaged-encoding": 1}),
    (
        "admin/ign-departement-shp/DEPARTEMENT.zip",
        None,
        2,
        2,
        "departement",
        {"assumed-encoding": 1},
    ),
    ("cog/communes.json.gz", "cog-etalab", 17, 17, "commune", {"no-population": 1}),
    ("cog/epci.json.gz", "epci-etalab", 2, 2, "epci", {"sum-mismatch": 1}),
    ("cog/arrondissements.json", "cog-etalab", 1, 1, "arrondissement", {}),
    ("cog/departements.json", "cog-etalab", 3, 3, "departement", {}),
    ("cog/regions.json", "cog-etalab", 3, 3, "region", {}),
    ("cog/codes-postaux.json.gz", "codes-postaux", 2, 2, "postcode", {}),
    ("cog/laposte-hexasmal.csv.gz", "laposte-hexasmal", 4, 4, "postcode", {"duplicate-id": 1}),
    (
        "cog/cheflieuwp.yaml.gz",
        "chefs-lieux!",
        4,
        4,
        "seat",
        {"no-code": 1, "no-point": 1, "percent-encoded": 1},
    ),
    ("cog/cheflieux-anct.geojson", "chefs-lieux-anct", 2, 2, "seat", {}),
    (
        "cog/zonages-anct.csv.gz",
        "zonages-anct",
        3,
        3,
        "zoning",
        {"duplicate-id": 1, "private-path": 1},
    ),
    (
        "population/filosofi2015-1km-lot.csv",
        "filosofi",
        2,
        2,
        "cell",
        {"fractional-population": 1},
    ),
    (
        "population/filosofi2015-1km-lot50km.tif",
        "filosofi!",
        3,
        3,
        "cell",
        {"fractional-population": 1},
    ),
    ("population/lot46-actifs-communes.csv", None, 2, 2, "commune", {}),
]
"""The same of the files made by hand."""
CASES = {"small": SMALL, "shared": SHARED}


def read(path: Path, kind: str, key: str | None = None) -> Reading:
    return join_readings(choose_reader(path, kind=kind, key=key).read())


@cache
def read_history(path: Path) -> CommuneHistory:
    return territories.read_history(path)


@pytest.fixture
def history(data: Any) -> CommuneHistory:
    return read_history(data.folder / "cog" / "histo-communes-insee.yaml.gz")


def test_a_file_is_read_whole(
    case: tuple[str, str | None, int, int, str, dict[str, int]], data: Any
) -> None:
    file, key, rows_in, rows_out, level, rules = case
    path = data.folder / file
    kind = "populations" if file.startswith("population") else "territories"
    asked = key.rstrip("!") if key and key.endswith("!") else None
    if asked is None:
        assert recognise(path) == key
    reading = read(path, kind, asked)
    check_table(reading.rows, kind)
    assert (reading.rows_in, len(reading.rows), reading.rows["level"].iloc[0]) == (
        rows_in,
        rows_out,
        level,
    )
    assert count_by_rule(reading.findings) == rules


def test_every_territory_and_population_file_is_in_the_table(data: Any) -> None:
    there = {
        str(file.relative_to(data.folder))
        for part in ("admin", "cog", "population")
        for file in (data.folder / part).rglob("*")
        if file.is_file()
    }
    assert there - {row[0] for row in CASES[data.edition]} == {
        "cog/histo-communes-insee.yaml.gz"
    }  # see cog.read_history


def test_levels_and_seats_are_told(data: Any) -> None:
    communes = read(data.folder / "cog" / "communes.json.gz", "territories").rows
    levels, in_the_region = {
        "small": (
            {
                "commune": 14,
                "delegated_commune": 1,
                "associated_commune": 1,
                "municipal_arrondissement": 1,
            },
            (9, 555400),
        ),
        "shared": (
            {
                "commune": 34969,
                "delegated_commune": 2105,
                "associated_commune": 471,
                "municipal_arrondissement": 45,
            },
            (2944, 3170435),
        ),
    }[data.edition]
    assert communes["level"].value_counts().to_dict() == levels
    region = communes[
        (communes["level"] == "commune") & communes["departement"].isin(list(DEPARTEMENTS))
    ]
    assert (len(region), region["population"].sum()) == in_the_region
    shape = read(
        data.folder / "admin" / "ign-departement-shp" / "DEPARTEMENT.zip", "territories"
    ).rows
    assert shape.loc[shape["code"] == "31", "seat"].item() == "31555"
    west = {"small": 0, "shared": -5}[data.edition]
    assert west - 1 < shape.total_bounds[0] < west + 1  # degrees, from Lambert-93


def test_old_commune_lists_are_told_from_today_s(data: Any, history: CommuneHistory) -> None:
    old = read(
        data.folder / "admin" / "region73-avant-2016" / "communes.geojson", "territories"
    ).rows
    found = count_by_rule(table_findings(old, history=history, date="2015-01-01", layer="communes"))
    # every commune of 2015 of the real list is there; the hand-made one leaves three out
    expected = {
        "small": {"absent-commune": 1, "outdated-commune": 1},
        "shared": {"outdated-commune": 70},
    }
    assert found == expected[data.edition]


def test_communes_without_equipment_are_absent_from_the_bpe(
    data: Any, equipment_2013: Reading, history: CommuneHistory
) -> None:
    codes = equipment_2013.rows["code"]
    found = absent_communes(codes, history, date="2013-01-01", layer="bpe2013")
    departements, communes = {"small": (1, 3), "shared": (84, 1536)}[data.edition]
    assert len(found) == departements
    absent = sum(int(finding.message.split(" : ")[1].split()[0]) for finding in found)
    assert absent == communes


def test_an_epci_that_does_not_add_up_is_told(tmp_path: Path) -> None:
    members = [
        {"code": "09001", "populationMunicipale": 10},
        {"code": "09002", "populationMunicipale": 5},
    ]
    rows = [
        {
            "code": "200",
            "nom": "CC",
            "modeFinancement": "FPU",
            "populationMunicipale": 16,
            "membres": members,
        }
    ]
    path = tmp_path / "epci.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert count_by_rule(read(path, "territories").findings) == {"sum-mismatch": 1}


def test_a_broken_outline_is_mended_and_a_missing_one_told(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 43], [1, 44], [1, 43], [0, 44], [0, 43]]]}
    features = [{"type": "Feature", "properties": {"code": code, "nom": "x"}, "geometry": shape}
                for code, shape in (("09001", bow), ("09002", None))]  # fmt: skip
    path = tmp_path / "communes.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8"
    )
    reading = read(path, "territories")
    assert count_by_rule(reading.findings) == {"invalid-geometry": 1, "no-geometry": 1}
    assert reading.rows.geometry.iloc[0].is_valid
    store = ReferentialStore(tmp_path / "store")
    version = store.put("communes", [reading], origin=path, reader="limites")
    assert (version.kind, store.rows(version)["code"].tolist()) == (
        "territories",
        ["09001", "09002"],
    )


ARCEP = """code_insee;nom_com;code_dep;nbr;type;date;inel_hd;elig_thd30;elig_thd100;elig_thd1g
09001;Aigues-Juntes;09;40;all;2025-09-30;4;30;20;10
9002;Aigues-Vives;09;0;all;2025-09-30;0;0;0;0
09003;L'Aiguillon;09;200;all;2025-09-30;0;210;100;50
"""


def test_broadband_counts_become_shares(tmp_path: Path) -> None:
    path = tmp_path / "commune_debit_filaire.csv"
    path.write_text(ARCEP, encoding="utf-8")
    assert recognise(path) == "arcep"
    reading = read(path, "broadband")
    assert count_by_rule(reading.findings) == {"above-total": 1, "no-premises": 1}
    rows = reading.rows.set_index("code")
    assert rows.loc["09001", ["mbps_30_share", "gbps_1_share", "ineligible_share"]].tolist() == [
        0.75,
        0.25,
        0.1,
    ]
    assert (rows.at["09003", "mbps_30_share"], rows.at["09001", "basis"]) == (1.0, "wired")
    assert pd.isna(rows.at["09002", "mbps_30_share"])
    assert rows["fibre_share"].isna().all()  # another of ARCEP's tables says it


def test_a_population_table_keeps_its_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "pop.csv"
    path.write_text(
        "CODGEO;LIBGEO;PMUN;ménages\n9001;Aigues-Juntes;62;30\n09002;Aigues-Vives;x;\n",
        encoding="utf-8",
    )
    reading = read(path, "populations")
    assert count_by_rule(reading.findings) == {"lost-zero": 1, "unreadable-number": 1}
    assert reading.rows["population"].iloc[0] == 62
    assert reading.rows["ménages"].iloc[0] == 30


def test_what_a_file_is_not_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Monsieur le Préfet,\nveuillez agréer\n", encoding="utf-8")
    for kind in ("territories", "populations", "broadband"):
        with pytest.raises(LayerError, match="letter"):
            read(path, kind)
    with pytest.raises(UsageError, match="--as"):
        choose_reader(path, key="arcep", kind="territories")
    with pytest.raises(UsageError, match="--mapping"):
        choose_reader(path, mapping=path, kind="broadband")


@pytest.mark.parametrize(
    ("code", "place", "system"),
    [
        ("97411", (55.45, -20.9), 2975),
        ("97120", (-61.55, 16.2), 5490),
        ("97302", (-52.3, 4.9), 2972),
        ("97608", (45.2, -12.8), 4471),
        ("31555", (1.44, 43.6), 2154),
        ("31555", (1.44, 43.6), 27572),
    ],
)
def test_outlines_that_do_not_say_their_system_are_in_that_of_their_codes(
    code: str, place: tuple[float, float], system: int, tmp_path: Path
) -> None:
    x, y = place
    square = shapely.box(x - 0.01, y - 0.01, x + 0.01, y + 0.01)
    frame = gpd.GeoDataFrame({"insee_com": [code]}, geometry=[square], crs=4326).to_crs(system)
    frame.to_file(tmp_path / "communes.shp", encoding="utf-8")
    (tmp_path / "communes.prj").unlink()
    reading = join_readings(territories.read_outlines(tmp_path / "communes.shp"))
    middle = reading.rows.geometry[0].centroid
    assert (middle.x, middle.y) == pytest.approx(place, abs=1e-3)
    assert [each.rule for each in reading.findings] == ["assumed-crs"]
    assert f"EPSG:{system}" in str(reading.findings[0].message)
