"""A second count of a result: it agrees with sound ones, and names each error that is planted."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from geoguichet.benchmarks.coverage.verify import verified
from geoguichet.cli import main
from geoguichet.coverage.errors import ManifestError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import run
from geoguichet.coverage.study.hypotheses import Phase, Programme, Throughput
from geoguichet.coverage.study.study import Changes, Opening, read_study
from geoguichet.coverage.verify import Verification, verify


@pytest.fixture(scope="module")
def written(small: CoverageResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify") / "petite"
    write_all(small, folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "petite"))


@pytest.fixture
def source(small_path: Path) -> Path:
    return small_path.parent / "ariege.gpkg"


def rewrite(folder: Path, change: Callable[[dict], None] = lambda _: None) -> None:
    """Change the manifest, and have it describe the files as they are now."""
    path = folder / "manifest.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    change(found)
    content = (folder / "result.gpkg").read_bytes()
    found["outputs"]["result.gpkg"]["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(found), encoding="utf-8")


def planted(folder: Path, sql: str) -> None:
    """Change one figure of a layer; the triggers of its R*Tree want functions that SQLite lacks."""
    with closing(sqlite3.connect(folder / "result.gpkg")) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        assert database.execute(sql).rowcount == 1
        database.commit()
    rewrite(folder)


def named(told: Verification) -> set[tuple[str, str, str]]:
    return {(one.layer, one.row, one.figure) for one in told.disagreements}


def test_sound_results_agree_to_the_last_figure(
    folder: Path, source: Path, result: CoverageResult, tmp_path: Path
) -> None:
    told = verify(folder, source=source)
    assert told.disagreements == () and told.unverified == () and told.figures > 3_000
    write_all(result, tmp_path / "region")
    whole = verify(tmp_path / "region")
    assert whole.disagreements == () and whole.figures > 35_000


@pytest.mark.parametrize("seed", range(int(os.environ.get("GEOGUICHET_STUDIES", "5"))))
def test_random_studies_agree_to_the_last_figure(seed: int, tmp_path: Path) -> None:
    told = verified(seed, tmp_path)
    assert told.disagreements == () and told.figures > 1_000


@pytest.mark.parametrize(
    ("hours", "meets", "unverified"),
    [
        ("Mo-Th 09:00-15:00; Fr 09:00-13:00 unknown", True, ()),  # 28 h at most
        ("Mo-Th 09:00-15:00; Fr 09:00-12:00 unknown", False, ()),
        ("Mo-Th 09:00-15:00; Fr unknown; PH off", True, ()),
        ('Mo-Th 09:00-15:00; Fr 09:00-13:00 "sur rendez-vous"', True, ("hours",)),
    ],
)
def test_unsure_hours_are_counted_again(
    small_path: Path, source: Path, tmp_path: Path, hours: str, meets: bool, unverified: tuple
) -> None:
    study = read_study(small_path)
    etat, mairie = study.needs
    study = replace(
        study,
        kiosks=None,
        needs=(etat, replace(mairie, min_hours_per_week=28.0, unknown_hours="open")),
        changes=Changes(open=(Opening("town_hall", 1.605, 42.966, hours=hours),)),
    )
    found = run(study)
    assert ("nouveau-1" in found.services.index) == meets
    write_all(found, tmp_path / "etude")
    told = verify(tmp_path / "etude", source=source)
    assert told.disagreements == () and told.unverified == unverified


#: One altered figure each: what is written, and the layer, row and figure that must be named.
ERRORS = {
    "people": (
        "UPDATE demand SET people = people + 1 WHERE id = '09122'",
        ("demand", "09122", "people"),
    ),
    "distance": (
        "UPDATE demand SET etat_m = etat_m + 5 WHERE id = '09003'",
        ("demand", "09003", "etat_m"),
    ),
    "slack": (
        "UPDATE demand SET slack_m = slack_m - 1 WHERE id = '09003'",
        ("demand", "09003", "slack_m"),
    ),
    "served": (
        "UPDATE demand SET served = NOT served WHERE id = '09003'",
        ("demand", "09003", "served"),
    ),
    "undecided": (
        "UPDATE demand SET undecided = NOT undecided WHERE id = '09122'",
        ("demand", "09122", "undecided"),
    ),
    "zone people": (
        "UPDATE white_zones SET people = people + 7 WHERE id = 'zb-001'",
        ("white_zones", "zb-001", "people"),
    ),
    "zone area": (
        "UPDATE white_zones SET area_km2 = area_km2 * 1.001 WHERE id = 'zb-001'",
        ("white_zones", "zb-001", "area_km2"),
    ),
    "zone mean": (
        "UPDATE white_zones SET mean_m = mean_m + 1 WHERE id = 'zb-001'",
        ("white_zones", "zb-001", "mean_m"),
    ),
    "kiosk people": (
        "UPDATE kiosks SET people_added = people_added + 1 WHERE id = 'k-002'",
        ("kiosks", "k-002", "people_added"),
    ),
    "kiosk hours": (
        "UPDATE kiosks SET access_hours_per_week = access_hours_per_week + 9 WHERE id = 'k-001'",
        ("kiosks", "k-001", "access_hours_per_week"),
    ),
    "kiosk kilometres": (
        "UPDATE kiosks SET km_saved_per_year = km_saved_per_year * 1.01 WHERE id = 'k-001'",
        ("kiosks", "k-001", "km_saved_per_year"),
    ),
    "kiosk way": (
        "UPDATE demand SET kiosk_m = kiosk_m + 30 WHERE id = "
        "(SELECT min(id) FROM demand WHERE kiosk <> '')",
        ("demand", "", "kiosk_m"),
    ),
    "needs": (
        "UPDATE services SET needs = 'etat' WHERE id = "
        "(SELECT min(id) FROM services WHERE needs = 'mairie')",
        ("services", "", "needs"),
    ),
}


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_planted_in_a_layer_is_named(error: str, folder: Path, source: Path) -> None:
    sql, (layer, row, figure) = ERRORS[error]
    planted(folder, sql)
    told = verify(folder, source=source)
    found = [one for one in told.disagreements if (one.layer, one.figure) == (layer, figure)]
    assert len(found) == 1 and found[0].row == (row or found[0].row), told.disagreements[:5]
    assert found[0].expected != found[0].found


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda told: told["plan"].update(value=1.0), ("manifest", "plan", "value")),
        (lambda told: told["counters"].update(people=1), ("manifest", "counters", "people")),
        (
            lambda told: told["counters"].update(people_undecided=9),
            ("manifest", "counters", "people_undecided"),
        ),
        (
            lambda told: told["beside"]["lacking"][0].update(people=3),
            ("lacking", "territory", "etat"),
        ),
        (
            lambda told: told["ranking"]["curve"][1].update(people=2.0),
            ("ranking", "k-002", "people"),
        ),
        (
            lambda told: told["ranking"]["curve"][1].update(bound=2.0),
            ("ranking", "k-002", "bound"),
        ),
        (lambda told: told["ranking"]["curve"][0].update(gap=0.9), ("ranking", "k-001", "gap")),
        (lambda told: told["ranking"]["curve"].pop(), ("ranking", "", "kiosks")),
        (lambda told: told["ranking"]["equity"]["epci"].pop(), ("equity", "", "epci")),
    ],
)
def test_an_error_planted_in_the_manifest_is_named(
    change: Callable[[dict], None], where: tuple[str, str, str], folder: Path, source: Path
) -> None:
    rewrite(folder, change)
    assert where in named(verify(folder, source=source))


def test_a_file_altered_behind_the_manifest_is_named(folder: Path, source: Path) -> None:
    with (folder / "map.html").open("a", encoding="utf-8") as page:
        page.write(" ")
    assert named(verify(folder, source=source)) == {("manifest", "map.html", "sha256")}


def test_without_the_data_it_says_what_it_cannot_reach(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["coverage", "verify", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "0 diffère." in told and "Non recompté : les habitants de chaque commune" in told
    planted(folder, "UPDATE demand SET slack_m = slack_m - 1 WHERE id = '09003'")
    assert main(["coverage", "verify", str(folder)]) == 1
    told = capsys.readouterr().out
    assert "demand, 09003, slack_m : " in told
    assert main(["coverage", "verify", str(folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differ"][0]["figure"] == "slack_m"


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="le manifeste d'un résultat est attendu"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ManifestError, match="ne se vérifie pas"):
        verify(tmp_path)


def test_it_shares_no_code_with_the_engine() -> None:
    code = (
        "import sys, geoguichet.coverage.verify; "
        "print([name for name in sys.modules if name.startswith('geoguichet.coverage.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['geoguichet.coverage.errors', 'geoguichet.coverage.verify']"


def test_kiosks_that_fill_are_counted_again(
    small: CoverageResult, source: Path, tmp_path: Path
) -> None:
    assert small.study.kiosks is not None
    limit = Throughput(uses_per_hour=0.02, desk_uses_per_hour=0.02)
    found = run(replace(small.study, kiosks=replace(small.study.kiosks, capacity=limit, experts=3)))
    folder = tmp_path / "petite"
    write_all(found, folder)
    told = verify(folder, source=source)
    assert told.disagreements == () and told.unverified == ()
    full = found.demand.index[found.demand["unserved_reason"] == "full"][0]
    planted(folder, f"UPDATE demand SET served_after = 1 WHERE id = '{full}'")
    assert ("demand", full, "served_after") in named(verify(folder, source=source))
    rewrite(folder, lambda one: one["study"]["kiosks"]["capacity"].update(uses_per_hour=0.001))
    kiosk = found.kiosks.index[found.kiosks["uses_per_year"] > 0][0]
    assert ("kiosks", kiosk, "capacity") in named(verify(folder, source=source))


def test_phases_and_equity_are_counted_again(
    small: CoverageResult, source: Path, tmp_path: Path
) -> None:
    phases = (Phase("2027", 27_000.0), Phase("2028", 30_000.0))
    assert small.study.kiosks is not None
    choice = replace(
        small.study.kiosks,
        user_side_cost_eur=10_000.0,
        experts=1,
        expert_side_cost_eur=7_000.0,
        programme=Programme(phases, (("Région", 1.0),)),
    )
    folder = tmp_path / "petite"
    write_all(run(replace(small.study, kiosks=choice)), folder)
    assert verify(folder, source=source).disagreements == ()
    rewrite(folder, lambda one: one["ranking"]["programme"]["phases"][0].update(people=1.0))
    rewrite(folder, lambda one: one["ranking"]["programme"]["phases"][1].update(spent_eur=1.0))
    rewrite(folder, lambda one: one["ranking"]["equity"].update(gini_after=0.5))
    assert named(verify(folder, source=source)) == {
        ("programme", "2027", "people"),
        ("programme", "2028", "spent_eur"),
        ("equity", "", "gini_after"),
    }
