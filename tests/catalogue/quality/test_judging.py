"""A catalogue judged as a whole: by organisation, by source, with the places that titles name."""

import csv
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geoguichet.catalogue.formats.iso.iso19139 import write
from geoguichet.catalogue.intake.harvest.run import harvest
from geoguichet.catalogue.intake.harvest.source import Folder
from geoguichet.catalogue.quality.judging import as_csv, judge, known_places, summaries
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.cli import main
from geoguichet.floor.viewer import MACHINE


@pytest.fixture
def workspace(tmp_path: Path, full_record: Record) -> Path:
    """One record that a person made, one that a source gave, and one whose title names a place it
    is not in.
    """
    (tmp_path / "fiches").mkdir()
    (tmp_path / "fiches" / "a.xml").write_bytes(write(replace(full_record, id="moissonnee")))
    folder = Folder(str(tmp_path / "fiches"))
    harvest(folder, tmp_path / "w", name="voisin", kind="folder")
    astray = replace(
        full_record,
        id="ailleurs",
        title="Carte communale de Rocamadour",
        geometry=Extent(0, 42.6, 0.2, 42.8).as_geometry(),
    )
    with SQLiteStore(store_path(tmp_path / "w")) as store:
        store.bulk_upsert([Record(id="saisie", title="Un jeu"), astray])
    return tmp_path / "w"


def test_totals_are_by_organisation_and_by_source(workspace: Path) -> None:
    told = summaries(list(judge(workspace, viewer=MACHINE)))
    assert [(row["group"], row["records"]) for row in told["organisation"]] == [
        ("", 1),
        ("DREAL", 2),
    ]
    assert [(row["group"], row["records"]) for row in told["source"]] == [("", 2), ("voisin", 1)]


def test_an_extent_away_from_the_commune_that_the_title_names_is_told(workspace: Path) -> None:
    [judged] = judge(workspace, ["ailleurs"], viewer=MACHINE)
    [finding] = [finding for finding in judged.checked.findings if finding.rule == "extent-place"]
    assert (
        "rocamadour" in str(finding.message)
        and finding.where == "geometry"
        and finding.xpath.endswith("geographicElement")
    )


def test_names_borne_by_two_places_are_left_out() -> None:
    places = known_places()
    assert len(places) > 2700 and {"toulouse", "ariege", "rocamadour"} <= set(places)
    assert "lherm" not in places  # in Haute-Garonne and in the Lot


def test_data_with_one_layer_of_places_or_none_are_no_failure(tmp_path: Path) -> None:
    alone, path = {"name": ["Foix"], "geometry": [shapely.box(1.5, 42.9, 1.7, 43.0)]}, tmp_path
    gpd.GeoDataFrame(alone, crs=4326).to_file(path / "a.gpkg", layer="communes")
    gpd.GeoDataFrame(alone, crs=4326).to_file(path / "b.gpkg", layer="autre")
    assert list(known_places(path / "a.gpkg")) == ["foix"] and not known_places(path / "b.gpkg")


def test_the_command_prints_both_tables_and_writes_them(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "qualite.csv"
    assert (
        main(["catalogue", "check", "--all", "--csv", str(table), "--workspace", str(workspace)])
        == 0
    )
    out = capsys.readouterr().out
    assert "Organisme" in out and "Source" in out and "voisin" in out
    assert table.read_bytes() == as_csv(summaries(list(judge(workspace, viewer=MACHINE))))
    assert (
        table.read_text(encoding="utf-8-sig").splitlines()[0]
        == "par;groupe;fiches;note;erreurs;avertissements"
    )
    assert (
        main(["catalogue", "check", "saisie", "--csv", str(table), "--workspace", str(workspace)])
        == 2
    )
    asked = [
        "catalogue",
        "check",
        "saisie",
        "--findings",
        str(table),
        "--lang",
        "en",
        "--workspace",
        str(workspace),
    ]
    assert main(asked) == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    assert {row["fiche"] for row in rows} == {"saisie"} and "the record has no abstract." in {
        r["constat"] for r in rows
    }
    assert "[error, 8 points] the record has no abstract." in capsys.readouterr().out
