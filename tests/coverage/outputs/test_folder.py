import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from geoguichet.coverage.errors import OutputError, OutputFolderError
from geoguichet.coverage.outputs import folder as outputs
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.floor.files import sha256

NAMES = ["manifest.json", "map.html", "report.html", "result.gpkg", "zones.parquet"]


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in folder.iterdir()}


@pytest.fixture
def written(result, tmp_path) -> Path:
    """A study's folder that already holds a result."""
    folder = tmp_path / "studies" / "autour-de-cahors"
    write_all(result, folder)
    return folder


def _only(folder: Path) -> bool:
    return [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_everything_is_written_and_announced(result, tmp_path):
    folder, steps = tmp_path / "deep" / "studies" / "essai", []
    paths = write_all(result, folder, on_step=steps.append)
    assert (
        sorted(path.name for path in paths)
        == NAMES
        == sorted(path.name for path in folder.iterdir())
    )
    assert sorted(steps) == NAMES
    assert _only(folder)


def test_the_folder_can_be_read_like_any_other(written):
    assert written.stat().st_mode == written.parent.stat().st_mode


def test_equal_results_give_equal_bytes_but_for_timings(result, written, tmp_path):
    slower = replace(
        result, timings={"distances": 9.9, "bilan": 9.9}, plan=replace(result.plan, seconds=77.0)
    )
    again = tmp_path / "again"
    write_all(slower, again)
    before, after = _digests(written), _digests(again)
    assert before.pop("manifest.json") != after.pop("manifest.json")
    assert before == after
    manifests = [
        json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        for folder in (written, again)
    ]
    assert manifests[0].pop("timings") == {"bilan": 0.2, "distances": 0.1, "plan_seconds": 1.234}
    assert manifests[1].pop("timings") == {"bilan": 9.9, "distances": 9.9, "plan_seconds": 77.0}
    assert manifests[0] == manifests[1]


def test_a_result_without_zone_or_plan_is_written_too(bare, tmp_path):
    write_all(bare, tmp_path / "essai")
    assert (
        json.loads((tmp_path / "essai" / "manifest.json").read_text(encoding="utf-8"))["plan"]
        is None
    )


def test_the_new_result_replaces_all_of_the_old(result, english, written):
    (written / "zones.parquet").write_text("old")
    write_all(english, written)
    assert sorted(path.name for path in written.iterdir()) == NAMES
    assert 'lang="en"' in (written / "map.html").read_text(encoding="utf-8")
    assert _only(written)


@pytest.mark.parametrize("name", ["thesis.txt", ".git"])
def test_a_folder_with_anything_else_is_not_touched(result, tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("precious")
    with pytest.raises(OutputFolderError, match=rf"{name}.*n'est pas touché"):
        write_all(result, tmp_path / "mine")
    assert [entry.name for entry in (tmp_path / "mine").iterdir()] == [name]


def test_the_current_folder_may_be_named_by_a_dot(result, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    write_all(result, Path())
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == NAMES


def test_a_leftover_that_cannot_be_removed_does_not_stop_a_run(result, written, monkeypatch):
    leftover = written.with_name(f".{written.name}.previous")
    leftover.mkdir()
    monkeypatch.setattr(outputs.shutil, "rmtree", lambda *_, **__: None)
    write_all(result, written)
    assert sorted(path.name for path in written.iterdir()) == NAMES


def test_runs_at_the_same_time_leave_one_whole_result(result, tmp_path, monkeypatch):
    for name in NAMES:
        written_by(monkeypatch, name, lambda _, path: path.write_text("x"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: write_all(result, tmp_path / "essai"), range(200)))
    assert sorted(path.name for path in (tmp_path / "essai").iterdir()) == NAMES
    assert [path.name for path in tmp_path.iterdir()] == ["essai"]


def written_by(monkeypatch, name, write):
    """Have a file of a study written by something else."""
    monkeypatch.setitem(outputs.OUTPUTS, name, replace(outputs.OUTPUTS[name], write=write))


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), OutputError("result.gpkg : coupé")]
)
def test_a_failure_half_way_leaves_the_previous_result(result, written, monkeypatch, error):
    def fail(*_):
        raise error

    before = _digests(written)
    written_by(monkeypatch, "report.html", fail)
    with pytest.raises(OutputError, match="intact") as caught:
        write_all(result, written)
    assert str(written) in str(caught.value)
    assert "disque est plein" in str(caught.value) or "coupé" in str(caught.value)
    assert _digests(written) == before
    assert _only(written)


def test_ctrl_c_leaves_the_previous_result(result, written, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = _digests(written)
    written_by(monkeypatch, "map.html", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_all(result, written)
    assert _digests(written) == before
    assert _only(written)


def test_a_failure_of_the_very_swap_is_undone(result, written, monkeypatch):
    rename = Path.rename

    def refuse_the_second(self, target):
        if self.name == written.name and self.parent != written.parent:
            raise PermissionError(13, "denied")
        return rename(self, target)

    before = _digests(written)
    monkeypatch.setattr(Path, "rename", refuse_the_second)
    with pytest.raises(OutputError, match="accès refusé"):
        write_all(result, written)
    assert _digests(written) == before
    assert _only(written)


def test_a_result_set_aside_by_a_killed_run_comes_back(result, written, monkeypatch):
    before = _digests(written)
    written.rename(written.with_name(f".{written.name}.previous"))
    written_by(monkeypatch, "map.html", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O")))
    with pytest.raises(OutputError):
        write_all(result, written)
    assert _digests(written) == before


def test_a_file_in_the_way_is_one_sentence(result, tmp_path):
    (tmp_path / "studies").write_text("a file")
    with pytest.raises(OutputError, match="un fichier tient la place"):
        write_all(result, tmp_path / "studies" / "essai")
    (tmp_path / "essai").write_text("a file")
    with pytest.raises(OutputError, match="un fichier tient la place"):
        write_all(result, tmp_path / "essai")
    assert (tmp_path / "essai").read_text() == "a file"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["essai", "studies"]


def test_a_read_only_folder_is_one_sentence(result, written):
    """As nobody when we are root, who writes everywhere; all is imported once ``written`` is."""
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        if me == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(OutputError, match="accès refusé"):
                write_all(result, Path(folder) / "essai")
        finally:
            os.seteuid(me)
            Path(folder).chmod(0o700)


def test_the_manifest_tells_what_was_asked_and_written(result, written):
    manifest = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["outputs"]) == set(NAMES) - {"manifest.json"}
    for name, told in manifest["outputs"].items():
        assert told == {"bytes": (written / name).stat().st_size, "sha256": sha256(written / name)}
    assert manifest["study"]["kiosks"]["count"] == 2
    assert "path" not in manifest["study"]
    assert manifest["findings"] == {"no-geometry": 1, "no-hours": 2}
    assert manifest["plan"]["status"] == "time_limit"
    assert manifest["plan"]["gap"] == pytest.approx(60 / 2_900)
    assert {
        "geoguichet",
        "geopandas",
        "shapely",
        "pyproj",
        "PROJ",
        "GDAL",
        "GEOS",
        "highspy",
    } <= set(manifest["versions"])
    assert manifest["inputs"][0]["vintage"] == "2026"
    assert list(manifest) == sorted(manifest)
