"""The whole workspace, copied while it is written, proved whole, and put back elsewhere."""

import itertools
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import Catalogue
from geoguichet.cli import main
from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.serving import backup

STORES = ("catalogue.sqlite", "originals.sqlite")
OF_VERSION_0_1 = sorted((Path(__file__).parents[2] / "stores").glob("457aa99.*.sql"))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two stores, one of them in WAL, a study, a referential, a region, and what is not kept."""
    made = tmp_path / "w"
    for name in ("studies/essai", "referentials/mairies/abc", "cache/x", "studies/.geoguichet-1"):
        (made / name).mkdir(parents=True)
        (made / name / "zones.parquet").write_bytes(os.urandom(3000))
    (made / "region.toml").write_text('[region]\nname = "Essai"\n', encoding="utf-8")
    for name in STORES:
        with closing(sqlite3.connect(made / name)) as base:
            if name == "catalogue.sqlite":
                base.execute("PRAGMA journal_mode = WAL")
            base.execute("CREATE TABLE counted (n INTEGER, text TEXT)")
            base.executemany("INSERT INTO counted VALUES (0, ?)", [("x" * 500,)] * 200)
            base.commit()
    (made / "originals.sqlite").chmod(0o600)
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and one.name != backup.MANIFEST
    }


def test_a_workspace_is_put_back_as_it_was_saved(workspace: Path, tmp_path: Path) -> None:
    saved, again = tmp_path / "saved", tmp_path / "again"
    assert main(["backup", str(saved), "--workspace", str(workspace)]) == 0
    assert main(["verify", str(saved)]) == 0
    assert main(["restore", str(saved), "--workspace", str(again)]) == 0
    kept = content(again)
    assert kept == content(saved)
    assert set(kept) == {
        *STORES, "region.toml", "studies/essai/zones.parquet",
        "referentials/mairies/abc/zones.parquet",
    }  # fmt: skip
    for name in set(kept) - set(STORES):
        assert kept[name] == (workspace / name).read_bytes()
    for name in STORES:
        with closing(sqlite3.connect(again / name)) as base:
            assert base.execute("SELECT count(*) FROM counted").fetchone() == (200,)
    assert (again / "originals.sqlite").stat().st_mode & 0o777 == 0o600
    assert main(["verify", "--workspace", str(again)]) == 0


def test_nothing_that_is_there_is_overwritten(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "saved"
    backup.back_up(workspace, saved)
    before = content(saved), content(workspace)
    assert main(["backup", str(saved), "--workspace", str(workspace)]) == 1
    assert main(["restore", str(saved), "--workspace", str(workspace)]) == 1
    assert main(["backup", str(workspace / "b"), "--workspace", str(workspace)]) == 2
    assert main(["restore", str(workspace), "--workspace", str(tmp_path / "new")]) == 2
    assert (content(saved), content(workspace)) == before
    assert not (tmp_path / "new").exists()
    assert capsys.readouterr().err.count("\n") == 4


def test_every_flipped_byte_is_said_in_one_sentence(workspace: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    backup.back_up(workspace, saved)
    chance = random.Random(18)
    for file in sorted(one for one in saved.rglob("*") if one.is_file()):
        whole = file.read_bytes()
        for _ in range(6):
            broken = bytearray(whole)
            broken[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            file.write_bytes(broken)
            with pytest.raises(backup.BackupError, match="endommagé"):
                backup.verify(saved)
            with pytest.raises(backup.BackupError, match="endommagé"):
                backup.restore(saved, tmp_path / "again")
        file.write_bytes(whole)
    assert not (tmp_path / "again").exists()
    assert backup.verify(saved) == 5


def test_a_file_that_is_missing_or_too_many_is_said(workspace: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    backup.back_up(workspace, saved)
    (saved / "more").write_text("x")
    (saved / "region.toml").unlink()
    with pytest.raises(backup.BackupError, match=r"region\.toml est endommagé \(et 1 autres\)"):
        backup.verify(saved)


@pytest.mark.parametrize("store", STORES)
def test_a_damaged_store_is_not_saved_as_if_it_were_whole(
    store: str, workspace: Path, tmp_path: Path
) -> None:
    content = bytearray((workspace / store).read_bytes())
    content[4096:12288] = os.urandom(8192)
    (workspace / store).write_bytes(content)
    for refused in (
        lambda: backup.back_up(workspace, tmp_path / "saved"),
        lambda: backup.verify(workspace),
    ):
        with pytest.raises(backup.BackupError, match=f"{store} est endommagé"):
            refused()
    assert not (tmp_path / "saved").exists()


def test_a_folder_without_a_manifest_is_not_told_to_be_a_whole_backup(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "saved"
    assert main(["backup", str(saved), "--workspace", str(workspace)]) == 0
    (saved / backup.MANIFEST).unlink()
    for folder in (saved, tmp_path):
        capsys.readouterr()
        assert main(["verify", str(folder)]) == 2
        assert "n'est pas une sauvegarde : manifest.json n'y est pas" in capsys.readouterr().err


def test_stores_written_meanwhile_are_saved_at_one_instant(workspace: Path, tmp_path: Path) -> None:
    over = threading.Event()
    study, n = workspace / "studies" / "essai", 0

    def write() -> None:
        nonlocal n
        while not over.is_set():
            n += 1
            for name in STORES:  # the second is never ahead of the first, and one behind at most
                with closing(sqlite3.connect(workspace / name, timeout=30)) as base, base:
                    base.execute("UPDATE counted SET n = ?", (n,))
            (study / "new").write_text(str(n))
            (study / "new").replace(study / "zones.parquet")
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backup.back_up(workspace, tmp_path / f"saved-{number}")
    finally:
        over.set()
        writer.join()
    seen = []
    for number in range(5):
        backup.verify(tmp_path / f"saved-{number}")
        states = []
        for name in STORES:
            with closing(sqlite3.connect(tmp_path / f"saved-{number}" / name)) as base:
                states += base.execute("SELECT DISTINCT n FROM counted").fetchall()
        (first,), (second,) = states  # one state a store, whole
        assert first - 1 <= second <= first
        seen.append(first)
    assert seen == sorted(seen) and n > 1


def test_a_backup_that_is_killed_leaves_none(workspace: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    code = (
        "import os, shutil, sys\n"
        "from pathlib import Path\n"
        "from geoguichet.portal.serving import backup\n"
        "shutil.copy2 = lambda *given: os.kill(os.getpid(), 9)\n"
        "backup.back_up(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, workspace, saved], check=False)
    assert ended.returncode == -9
    assert not saved.exists()
    backup.back_up(workspace, saved)
    assert backup.verify(saved) == 5


def digests(store: Catalogue) -> dict[str, str]:
    return {
        one.id: one.digest()
        for one in store.search(RecordQuery(limit=1000), viewer=MACHINE).records
    }


def test_a_catalogue_that_is_edited_is_restored_elsewhere_as_it_was(tmp_path: Path) -> None:
    workspace, over = tmp_path / "w", threading.Event()
    workspace.mkdir()
    with Catalogue(workspace) as store:
        store.bulk_upsert(Record(id=f"r{n}", title="0") for n in range(50))

    def edit() -> None:
        with Catalogue(workspace) as own:
            for n in itertools.count():
                if over.is_set():
                    return
                own.upsert(Record(id=f"r{n % 50}", title=str(n)))

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for number in range(3):
            assert (
                main(["backup", str(tmp_path / f"b{number}"), "--workspace", str(workspace)]) == 0
            )
    finally:
        over.set()
        editor.join()
    assert main(["backup", str(tmp_path / "b3"), "--workspace", str(workspace)]) == 0
    generations = []
    with Catalogue(workspace) as store:
        past = {
            (one, version.record.digest())
            for one in digests(store)
            for version in store.history(one)
            if version.record
        }
        for number in range(4):
            saved, elsewhere = tmp_path / f"b{number}", tmp_path / f"w{number}"
            assert main(["restore", str(saved), "--workspace", str(elsewhere)]) == 0
            assert main(["verify", "--workspace", str(elsewhere)]) == 0
            with Catalogue(elsewhere) as restored:
                generations.append(restored.generation(viewer=MACHINE))
                assert digests(restored).items() <= past
        assert generations == sorted(generations)
        assert generations[-1] == store.generation(viewer=MACHINE)
        with Catalogue(tmp_path / "w3") as restored:
            assert digests(restored) == digests(store)


def test_a_backup_of_version_0_1_is_restored_and_brought_up(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    for written in OF_VERSION_0_1:
        with closing(sqlite3.connect(workspace / f"{written.name.split('.')[1]}.sqlite")) as base:
            base.executescript(written.read_text(encoding="utf-8"))
    assert main(["backup", str(tmp_path / "b"), "--workspace", str(workspace)]) == 0
    assert main(["restore", str(tmp_path / "b"), "--workspace", str(tmp_path / "again")]) == 0
    with Catalogue(tmp_path / "again") as restored:
        assert restored.get("mairies").title == "Mairies de l'Ariège"
        assert len(digests(restored)) == 4
    assert main(["verify", "--workspace", str(tmp_path / "again")]) == 0
