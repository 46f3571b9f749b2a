"""The directory of the region is checked against the ground, repaired where that is safe, and
compared in time.
"""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoguichet.floor.findings import count_by_rule
from geoguichet.referentials.directory.ground import within_territory
from geoguichet.referentials.directory.quality import (
    directory_findings,
)
from geoguichet.referentials.directory.schema import Columns, Reading, make_reading
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.regions.region import read_layers
from geoguichet.referentials.territories.sample import DEPARTEMENTS
from geoguichet.referentials.territories.territory import (
    Territory,
    population_findings,
    read_territory,
)
from geoguichet.referentials.versions.differences import compare_directories, draw_changes
from geoguichet.referentials.versions.exports import join_to
from geoguichet.referentials.versions.quality_report import SAFE, repair

DILA = {
    "dila-2013": "service-public-co-marquage-2013-06.tsv.bz2",
    "dila-2020": "service-public-annuaire-local-2020-11.csv.bz2",
    "laposte-2015": "laposte-points-de-contact-2015-07.csv.bz2",
    "laposte-2020": "laposte_poincont2-2020.csv.gz",
    "justice-2023": "point_justice.js",
}


@pytest.fixture(scope="module")
def region() -> Territory:
    return read_territory(sample_path(), name="Midi-Pyrénées", departements=DEPARTEMENTS)


@pytest.fixture(scope="module")
def worked_out() -> dict[str, dict[str, gpd.GeoDataFrame]]:
    """The rows of the region of each edition of the data, once they have been asked for."""
    return {}


@pytest.fixture
def directories(
    data: Any,
    published: Callable[[str, str], Reading],
    region: Territory,
    worked_out: dict[str, dict[str, gpd.GeoDataFrame]],
) -> dict[str, gpd.GeoDataFrame]:
    if data.edition not in worked_out:
        read = {key: published(key, file).rows for key, file in DILA.items()}
        worked_out[data.edition] = {
            key: rows[within_territory(rows, region)].reset_index(drop=True)
            for key, rows in read.items()
        }
    return worked_out[data.edition]


def directory(*rows: dict[str, str]) -> gpd.GeoDataFrame:
    table = pd.DataFrame(list(rows), index=range(1, len(rows) + 1), dtype=object).fillna("")
    values = {name: table[name] for name in table.columns if name not in {"x", "y"}}
    values.setdefault("type", pd.Series("town_hall", index=table.index))
    return make_reading(
        Columns(source="essai", table=table, values=values, x=table["x"], y=table["y"])
    ).rows


CASES = {
    "small": [
        (
            "dila-2020",
            10,
            {"duplicate": 1, "outside-commune": 3, "outside-territory": 2, "shared-point": 3},
        ),
        (
            "dila-2013",
            6,
            {"duplicate": 0, "outside-commune": 2, "outside-territory": 1, "shared-point": 2},
        ),
        ("laposte-2015", 6, {"outside-territory": 1}),
        ("justice-2023", 4, {"duplicate": 1, "outside-territory": 0, "shared-point": 4}),
    ],
    "shared": [
        (
            "dila-2020",
            4627,
            {"duplicate": 3, "outside-commune": 331, "outside-territory": 31, "shared-point": 218},
        ),
        (
            "dila-2013",
            4463,
            {"duplicate": 5, "outside-commune": 726, "outside-territory": 295, "shared-point": 536},
        ),
        ("laposte-2015", 1064, {"outside-territory": 7}),
        ("justice-2023", 90, {"duplicate": 2, "outside-territory": 0, "shared-point": 71}),
    ],
}


def test_the_region_s_defects_are_found(
    case: tuple[str, int, dict[str, int]],
    directories: dict[str, gpd.GeoDataFrame],
    region: Territory,
) -> None:
    key, rows, rules = case
    found = count_by_rule(directory_findings(directories[key], territory=region, layer=key))
    assert len(directories[key]) == rows
    assert {rule: found.get(rule, 0) for rule in rules} == rules


def test_populations_that_do_not_add_up_are_told() -> None:
    people = pd.Series([100, 200])
    assert population_findings(people, 301, what="Lot", layer="x") == []
    assert population_findings(people, 400, what="Lot", layer="x")[0].rule == "sum-mismatch"


def test_only_safe_repairs_are_made_and_each_is_recorded() -> None:
    good = [
        {"id": f"g{n}", "name": "a", "departement": "33", "x": "-0.6", "y": "44.9"}
        for n in range(3)
    ]
    rows = directory(
        *good,
        {"id": "lost", "name": "b", "departement": "33", "x": "-744648", "y": "45.196099"},
        {"id": "swap", "name": "c", "departement": "33", "x": "44.8", "y": "-0.6"},
        {"id": "far", "name": "d", "departement": "33", "x": "48.5", "y": "7.5"},
        {
            "id": "text",
            "name": "NÃ©rac",
            "departement": "33",
            "postcode": "9240",
            "x": "-0.6",
            "y": "44.8",
        },
        {"id": "gone", "name": "Ã?pinac", "departement": "33", "x": "-0.6", "y": "44.8"},
    )
    fixed, repairs = repair(rows)
    assert {(each.item, each.rule) for each in repairs} == {
        ("lost", "lost-decimal-point"),
        ("swap", "swapped-axes"),
        ("text", "damaged-encoding"),
        ("text", "missing-zero"),
    }
    assert {each.rule for each in repairs} <= set(SAFE)
    by_id = fixed.set_index("id")
    assert (by_id.at["lost", "geometry"].x, by_id.at["swap", "geometry"].y) == (-0.744648, 44.8)
    assert (by_id.at["text", "name"], by_id.at["gone", "name"]) == ("Nérac", "Ã?pinac")
    assert rows.loc[3, "geometry"] is None  # what was given is left as it was


def test_changes_are_opened_closed_moved_and_retyped() -> None:
    before = directory(
        {"id": "1", "name": "stays", "x": "1.4", "y": "43.6"},
        {"id": "2", "name": "closes", "x": "1.4", "y": "43.6"},
        {"id": "3", "name": "moves", "x": "1.4", "y": "43.6"},
        {"id": "4", "name": "becomes", "type": "post_office", "x": "1.4", "y": "43.6"},
        {"id": "5", "name": "renumbered", "commune": "31555", "x": "1.4", "y": "43.6"},
    ).assign(type=["town_hall"] * 3 + ["post_office", "town_hall"])
    after = directory(
        {"id": "1", "name": "stays", "x": "1.4", "y": "43.6001"},
        {"id": "3", "name": "moves", "x": "1.5", "y": "43.6"},
        {"id": "4", "name": "becomes", "x": "1.4", "y": "43.6"},
        {"id": "6", "name": "Renumbered", "commune": "31555", "x": "1.4", "y": "43.6"},
        {"id": "7", "name": "opens", "x": "1.4", "y": "43.6"},
    ).assign(type=["town_hall", "town_hall", "post_agency", "town_hall", "town_hall"])
    found = compare_directories(before, after)
    assert dict(zip(found.changes["id"], found.changes["kind"], strict=True)) == {
        "7": "opened",
        "2": "closed",
        "3": "moved",
        "4": "changed",
    }
    assert found.same == 2
    assert found.moves["distance_m"].iloc[0] == pytest.approx(8_070, abs=30)
    ground = gpd.GeoSeries([shapely.box(1, 43, 2, 44)], index=["Haute-Garonne"], crs=4326)
    page = draw_changes(found, title="Essai & test", outlines=ground)
    assert page.count("<title>") == 5  # the page's, and one a mark
    assert page.count("<line") == 1
    assert ">Haute-Garonne</text>" in page
    assert "Essai &amp; test" in page


KINDS: dict[str, dict[tuple[str, str], dict[str, int]]] = {
    "small": {
        ("dila-2013", "dila-2020"): {"closed": 2, "corrected": 1, "moved": 1, "opened": 6},
        ("laposte-2015", "laposte-2020"): {"changed": 1, "closed": 3, "moved": 1, "opened": 2},
    },
    "shared": {
        ("dila-2013", "dila-2020"): {"closed": 377, "corrected": 588, "moved": 262, "opened": 541},
        ("laposte-2015", "laposte-2020"): {
            "changed": 84,
            "closed": 56,
            "moved": 24,
            "opened": 122,
        },
    },
}


@pytest.mark.parametrize("vintages", KINDS["small"])
def test_real_vintages_are_compared(
    vintages: tuple[str, str], data: Any, directories: dict[str, gpd.GeoDataFrame]
) -> None:
    before, after = vintages
    found = compare_directories(directories[before], directories[after])
    kinds = found.changes["kind"].value_counts().sort_index().to_dict()
    assert kinds == KINDS[data.edition][vintages]


def test_the_services_of_directories_join_those_of_the_sample(
    data: Any, directories: dict[str, gpd.GeoDataFrame]
) -> None:
    base = read_layers(sample_path())
    joined = join_to(base, [directories["laposte-2020"], directories["dila-2020"]])["services"]
    counts = joined["type"].value_counts()
    assert counts["town_hall"] == 5102  # the sample's own, with their hours
    assert counts["gendarmerie"] >= {"small": 1, "shared": 201}[data.edition]
    assert joined["id"].is_unique
    assert joined.loc[joined["type"] == "post_office", "commune"].notna().all()


def test_a_postal_code_of_another_departement_is_told() -> None:
    rows = directory(
        *(
            {"id": str(number), "name": "Tribunal", "commune": commune, "postcode": postcode,
            "x": "", "y": ""}
            for number, (commune, postcode) in enumerate(
                [("55545", "09310"), ("55545", "55100"), ("2A004", "20000"), ("97411", "97400"),
                ("97411", "97100"),
                 ("97701", "97133"), ("06083", "98000"), ("", "09310"), ("55545", "")]
            )
        )
    )  # fmt: skip
    found = [
        each
        for each in directory_findings(rows, layer="essai")
        if each.rule == "code-against-postcode"
    ]
    assert [each.item for each in found] == ["0", "4"]
    assert (
        found[0].message
        == "Tribunal : le code de commune 55545 est du département 55, le code postal 09310 du 09."
    )
