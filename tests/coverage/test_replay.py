"""A study done again from its manifest: the same bytes, or the very thing that differs."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest

from geoguichet.cli import main
from geoguichet.coverage.errors import ManifestError, StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.replay import replay


@pytest.fixture
def folder(small: CoverageResult, small_path: Path, tmp_path: Path) -> Path:
    write_all(small, tmp_path / "petite")
    shutil.copy(small_path.parent / "ariege.gpkg", tmp_path / "ailleurs.gpkg")
    return tmp_path / "petite"


def kinds(told) -> set[str]:
    return {difference.kind for difference in told.differences}


def edit(folder: Path, change) -> None:
    path = folder / "manifest.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    change(found)
    path.write_text(json.dumps(found), encoding="utf-8")


def test_the_same_data_give_the_same_bytes(folder: Path, small_path: Path) -> None:
    told = replay(folder / "manifest.json", source=small_path.parent / "ariege.gpkg")
    assert told.same and told.differences == ()
    assert set(told.outputs) == {"map.html", "report.html", "result.gpkg", "zones.parquet"}


def test_other_data_are_named_and_so_are_the_columns(folder: Path) -> None:
    path = folder.parent / "ailleurs.gpkg"
    services = pyogrio.read_dataframe(path, layer="services")
    closed: gpd.GeoDataFrame = services[services["id"] != "sous-prefecture-092"]
    pyogrio.write_dataframe(closed, path, layer="services", geometry_type="Point")
    told = replay(folder, source=path)
    assert not told.same and {"input", "answer", "output"} <= kinds(told)
    assert "services.rows" in {difference.name for difference in told.differences}
    (layers,) = [one for one in told.differences if one.name == "result.gpkg"]
    assert "demand : etat_m" in layers.found and "services : " in layers.found


def test_another_version_that_gives_the_same_bytes_is_told_and_forgiven(
    folder: Path, small_path: Path
) -> None:
    edit(folder, lambda found: found["versions"].update(numpy="1.0"))
    told = replay(folder, source=small_path.parent / "ariege.gpkg")
    assert told.same and kinds(told) == {"version"} and told.differences[0].expected == "1.0"


def test_a_key_of_another_version_is_told(folder: Path, small_path: Path) -> None:
    def older(found: dict) -> None:
        del found["study"]["changes"]
        found["study"]["ancienne"] = 1

    edit(folder, older)
    told = replay(folder, source=small_path.parent / "ariege.gpkg")
    assert {one.name for one in told.differences} == {"changes", "ancienne"} and told.same


def test_a_parameter_changed_by_hand_changes_the_answer(folder: Path, small_path: Path) -> None:
    edit(folder, lambda found: found["study"]["kiosks"].update(count=2))
    told = replay(folder, source=small_path.parent / "ariege.gpkg")
    assert not told.same and "plan.sites" in {one.name for one in told.differences}


def test_a_file_altered_since_is_told(folder: Path, small_path: Path) -> None:
    (folder / "report.html").write_text("autre", encoding="utf-8")
    told = replay(folder, source=small_path.parent / "ariege.gpkg")
    assert told.same and kinds(told) == {"file"}


def test_a_source_that_is_not_here(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"ariege\.gpkg, n'est pas ici ; essayez : --source"):
        replay(folder)
    with pytest.raises(ManifestError, match="JSON"):
        (folder / "manifest.json").write_text("{", encoding="utf-8")
        replay(folder)


def test_the_command_says_it_and_exits_accordingly(
    folder: Path, small_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ["--source", str(small_path.parent / "ariege.gpkg")]
    assert main(["coverage", "replay", str(folder), *source]) == 0
    assert capsys.readouterr().out.count("identique") == 4
    edit(folder, lambda found: found["study"]["kiosks"].update(count=2))
    assert main(["coverage", "replay", str(folder), *source]) == 1
    out, err = capsys.readouterr()
    assert "réponse     plan.sites : 3 attendu, 2 obtenu" in out and err.count("\n") == 1
    assert main(["coverage", "replay", str(folder), "--json", *source]) == 1
    assert json.loads(capsys.readouterr().out)["same"] is False
