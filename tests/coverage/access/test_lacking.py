"""What people lack, need by need; what existing networks change; who is undecided, and why."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geoguichet.commands.printing import as_json
from geoguichet.coverage.access.rules import measure, white
from geoguichet.coverage.access.supplements import baseline
from geoguichet.coverage.access.supply import meeting
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import report
from geoguichet.coverage.outputs.first_lines import Table, first_sentences, hypotheses_parts
from geoguichet.coverage.outputs.summary import of_study
from geoguichet.coverage.routers.impedance import Nearest, StraightLine
from geoguichet.coverage.study.study import Study, parse_study


def asking(unknown: str = "undecided", rule: str = "all") -> Study:
    return parse_study(
        {
            "study": {"id": "essai", "title": "Essai"},
            "territory": {"name": "Ici", "departements": ["46"]},
            "services": {
                "etat": {"types": ["prefecture"], "within": "20 km"},
                "mairie": {
                    "types": ["town_hall"],
                    "within": "5 km",
                    "min_hours_per_week": 20,
                    "unknown_hours": unknown,
                },
            },
            "rule": {rule: ["etat", "mairie"]},
        }
    )


#: A préfecture, a hall open enough, one that is not, one of unknown hours; every 10 km eastwards.
SERVICES = gpd.GeoDataFrame(
    {
        "type": ["prefecture", "town_hall", "town_hall", "town_hall"],
        "hours_per_week": [np.nan, 30.0, 4.0, np.nan],
        "hours": ["", "", "", ""],
    },
    geometry=gpd.points_from_xy([1.0, 1.0, 1.125, 1.25], [44.5] * 4),
    index=["p", "open", "short", "unknown"],
    crs="EPSG:4326",
)
DEMAND = gpd.GeoDataFrame(
    {"people": [1, 10, 100, 1000, 10_000]},
    geometry=[*gpd.points_from_xy([1.0, 1.125, 1.24, 1.26], [44.5] * 4), None],
    index=["served", "short", "unknown", "far", "nowhere"],
    crs="EPSG:4326",
)


def answered(study: Study, services: gpd.GeoDataFrame = SERVICES) -> pd.DataFrame:
    return measure(DEMAND, meeting(services, study), study, StraightLine())


def test_unknown_hours_leave_undecided_those_whom_they_decide_for() -> None:
    table = answered(asking())
    assert list(table["served"]) == [True, False, False, False, False]
    # the préfecture is 19 km from "unknown" and 20.7 from "far", who lacks it whatever the hours
    assert list(table["undecided"]) == [False, False, True, False, True]
    assert table.at["unknown", "mairie_reason"] == table.at["far", "mairie_reason"]
    assert table.at["unknown", "mairie_reason"] == "hours_unknown"
    assert table.at["nowhere", "etat_reason"] == "not_located"
    assert list(white(table)) == [False, True, False, True, False]


@pytest.mark.parametrize(("unknown", "served"), [("closed", False), ("open", True)])
def test_written_words_keep_their_meaning(unknown: str, served: bool) -> None:
    table = answered(asking(unknown))
    assert table.at["unknown", "served"] == served
    assert list(table["undecided"]) == [False, False, False, False, True]


def test_with_any_one_unknown_need_is_enough_to_doubt() -> None:
    table = answered(asking(rule="any"))
    assert table.at["far", "undecided"] and table.at["unknown", "served"]


def test_no_path_on_complete_roads_is_white_and_a_point_cut_off_is_not() -> None:
    class Broken(StraightLine):
        def nearest(self, origins, destinations):  # type: ignore[no-untyped-def]
            reasons = np.array(["", "no_path", "cut_off", "not_snapped", "not_located"])
            none = np.where(reasons == "", 0, -1)
            return Nearest(none, np.where(reasons == "", 0.0, np.nan), reasons)

    study = asking("closed")
    table = measure(DEMAND, meeting(SERVICES, study), study, Broken())
    assert list(table["served"]) == [True, False, False, False, False]
    assert list(table["undecided"]) == [False, False, True, True, True]


def test_the_optimiser_does_not_chase_the_undecided(result: CoverageResult) -> None:
    unsure = result.demand[result.demand["undecided"]]
    assert unsure["people"].sum() == 2_754
    assert not unsure["served_after"].any() and (unsure["zone"] == "").all()
    assert (unsure["unserved_reason"] == "").all()


def test_each_person_of_a_white_zone_is_counted_once_by_what_they_lack(
    result: CoverageResult,
) -> None:
    table = result.beside.lacking
    assert table is not None
    for level in ("territory", "departement", "epci"):
        assert table.loc[table["level"] == level, "people"].sum() == 425_093
    whole = table[table["level"] == "territory"].set_index("lacking")["people"]
    assert whole.to_dict() == {"etat": 264_974, "mairie": 107_554, "etat,mairie": 52_565}
    demand = result.demand[white(result.demand)]
    lacks = (demand["etat_m"] > 25_000) & (demand["mairie_m"] <= 8_000)
    for level, column in (("departement", "departement"), ("epci", "epci")):
        told = table[(table["level"] == level) & (table["lacking"] == "etat")]
        naive = demand[lacks].groupby(column)["people"].sum()
        assert told.set_index("code")["people"].to_dict() == naive.to_dict()
    assert as_json(result, [])["beside"]["lacking"][0]["level"] == "territory"


def test_terminal_and_report_say_it_first(result: CoverageResult) -> None:
    blocks = of_study(result)
    assert str(blocks[1]).startswith("2 754 habitants ne sont pas tranchés : de 425 093 habitants")
    assert "à 427 847" in str(blocks[1]) and "fetch france-services laposte" in str(blocks[1])
    page = report.render(result)
    assert page.index("ne sont pas tranchés") < page.index("Par département")
    assert "Ce qui manque, besoin par besoin" in page and "Hypothèses, leur source" in page
    assert "Coût d’équipement par recours" in page
    assert page.count("sans source") == 5, "every range that no source tells says so"


def test_the_range_of_a_hypothesis_holds_the_value_of_the_study(result: CoverageResult) -> None:
    choice = result.study.kiosks
    assert choice is not None
    much = replace(result.study, kiosks=replace(choice, use=replace(choice.use, detour=2.5)))
    table = next(
        part for part in hypotheses_parts(replace(result, study=much)) if isinstance(part, Table)
    )
    detour = next(row for row in table.rows if row[0].startswith("Longueur du trajet"))
    assert detour[1:] == (
        "2,5",
        "de 1 à 2,5",
        "écrit dans l’étude ; la plage est supposée, sans source",
    )


def test_a_network_in_the_layer_is_told_before_any_kiosk(result: CoverageResult) -> None:
    study = result.study
    post = result.services.iloc[:2].assign(type="france_services")
    post = post.set_geometry(result.demand.geometry[white(result.demand)].iloc[:2].to_numpy())
    every = gpd.GeoDataFrame(pd.concat([result.services, post.set_crs("EPSG:4326")]))
    told = baseline(result.demand, every, result.territory, study, StraightLine())
    assert told.missing == ("la_poste",) and set(told.table["network"]) == {"france_services"}
    row = told.table.set_index("need").loc["etat"]
    assert row["counters"] == 2 and row["white_before"] == 425_093 > row["white"]
    near = (
        StraightLine().nearest(result.demand.geometry, post.geometry.set_crs("EPSG:4326")).cost
        <= 25_000
    )
    helped = near & (result.demand["mairie_m"] <= 8_000) & (result.demand["etat_m"] > 25_000)
    assert row["white_before"] - row["white"] == result.demand.loc[helped, "people"].sum()
    said = first_sentences(replace(result, beside=replace(result.beside, baseline=told)))
    assert said[1].startswith("Réseau existant, France services (2 guichets)")
    assert "ne connaît pas La Poste" in said[2]


def test_a_bus_counts_where_it_stops_and_not_where_it_is_kept(result: CoverageResult) -> None:
    """A France services bus of the Aveyron, kept elsewhere, that stops at two of its town halls."""
    halls = result.services[result.services["type"] == "town_hall"]
    halls = halls[halls["commune"].isin(["12176", "12145"])]
    first, second = halls["commune_name"]
    bus = result.services.iloc[:1].assign(
        type="france_services",
        departement="12",
        itinerant=True,
        stops=f"lundi à {first} ; jeudi 14h à {second}",
    )
    every = gpd.GeoDataFrame(pd.concat([result.services, bus.set_axis(["bus"])]))
    told = baseline(result.demand, every, result.territory, result.study, StraightLine())
    assert told.knows_stops and told.missing == ("france_services", "la_poste")
    row = told.table.set_index(["network", "need"]).loc[("itinerant", "etat")]
    near = StraightLine().nearest(result.demand.geometry, halls.geometry).cost <= 25_000
    helped = near & (result.demand["mairie_m"] <= 8_000) & (result.demand["etat_m"] > 25_000)
    assert row["counters"] == 2
    assert row["white_before"] - row["white"] == result.demand.loc[helped, "people"].sum()
    said = first_sentences(replace(result, beside=replace(result.beside, baseline=told)))
    assert "les arrêts des services itinérants (2 guichets)" in said[1]
    assert "itinérants" in " ".join(first_sentences(result)), "said where nobody knows them"
    assert "itinérants" not in said[2]


def test_a_network_of_the_workspace_is_found(
    result: CoverageResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    class Store:
        def __init__(self, folder: Path) -> None:
            self.folder = folder

        def names(self) -> list[str]:
            return ["france-services-2024"]

        def find(self, name: str) -> object:
            told = {"name": name, "imported": "2026", "kind": "services", "digest": "ab" * 32}
            return type("Version", (), told | {"short": "abababababab"})()

        def path(self, version: object) -> Path:
            return self.folder / "data.gpkg"

    (tmp_path / "referentials").mkdir()
    point = result.demand.geometry[white(result.demand)].iloc[:1].to_numpy()
    held = gpd.GeoDataFrame({"type": ["france_services"]}, geometry=point, crs="EPSG:4326")
    held.to_file(tmp_path / "referentials" / "data.gpkg", layer="services")
    monkeypatch.setattr("geoguichet.referentials.versions.store.ReferentialStore", Store)
    told = baseline(
        result.demand, result.services, result.territory, result.study, StraightLine(), tmp_path
    )
    assert set(told.table["source"]) == {"france-services-2024"}
    assert [one.name for one in told.inputs] == ["france-services-2024"]
    assert not told.knows_stops

    bus = held.assign(id="bus", name="Bus", departement="12", itinerant=True, stops="à Millau")
    bus.to_file(tmp_path / "referentials" / "data.gpkg", layer="services")
    told = baseline(
        result.demand, result.services, result.territory, result.study, StraightLine(), tmp_path
    )
    assert set(told.table["network"]) == {"itinerant"} and told.knows_stops
    assert [(one.name, one.rows) for one in told.inputs] == [("france-services-2024", 1)]
