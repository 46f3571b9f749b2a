"""A version is written in bounded memory, told apart across chunks, and whole or not there whatever
happens.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.readers import text_tables
from geoguichet.referentials.readers.column_tables import read_chunks
from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.versions.store import ReferentialStore

HEADER = (
    "id,category,name,email,phone,wheelchair_access,latitude,longitude,geoloc_precision,address\n"
)
ROW = (
    '"mairie-09122-{0:05d}","mairie","Mairie - Foix {0}","","","",42.96,1.6{0:05d},"8","1 rue '
    'du Pont, 09000, Foix"\n'
)


def directory(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(ROW.format(number) for number in range(rows))
    return path


def peak_of_import(path: Path, store: ReferentialStore) -> int:
    """Return the most memory that Python held while a file was imported, in bytes."""
    tracemalloc.start()
    try:
        store.put(path.stem, FORMATS["dila-2020"].read(path), origin=path, reader="dila-2020")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_tables, "CHUNK_ROWS", 750)
    store = ReferentialStore(tmp_path / "store")
    first = directory(tmp_path / "first.csv", 100)
    store.put(
        "first", FORMATS["dila-2020"].read(first), origin=first, reader="x"
    )  # what is loaded once and for all
    few = peak_of_import(directory(tmp_path / "few.csv", 1500), store)
    many = peak_of_import(directory(tmp_path / "many.csv", 6000), store)
    assert store.find("many").rows == 6000
    assert many < 1.6 * few  # four times the rows


@pytest.mark.parametrize("reader", ["published", "generic"])
def test_one_identifier_in_two_chunks_is_told_apart(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_tables, "CHUNK_ROWS", 2)
    path = tmp_path / "twice.csv"
    path.write_text(
        HEADER + "".join(ROW.format(number) for number in (1, 2, 3, 1, 5, 1)), encoding="utf-8"
    )
    read = FORMATS["dila-2020"].read if reader == "published" else read_chunks
    store = ReferentialStore(tmp_path / "store")
    version = store.put("twice", read(path), origin=path, reader=reader)
    assert version.rules["duplicate-id"] == 2
    ids = store.rows(version)["id"].tolist()
    assert ids == [
        f"mairie-09122-{name}"
        for name in ("00001", "00002", "00003", "00001#4", "00005", "00001#6")
    ]
    told = [finding for finding in store.findings(version) if finding.rule == "duplicate-id"]
    assert [(finding.item, finding.row) for finding in told] == [(ids[3], 4), (ids[5], 6)]


COMMAND = [sys.executable, "-m", "geoguichet.cli", "referentials", "import"]


def imported(path: Path, workspace: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, str(path), "--name", "mairies", "--workspace", str(workspace)],
        capture_output=True, text=True, check=False, **options,  # type: ignore[call-overload]
    )  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = directory(tmp_path / "before.csv", 3)
    store = ReferentialStore(tmp_path / "ws" / "referentials")
    store.put("mairies", FORMATS["dila-2020"].read(path), origin=path, reader="dila-2020")
    return tmp_path / "ws"


def contents(workspace: Path) -> dict[str, bytes]:
    return {
        str(file): file.read_bytes()
        for file in (workspace / "referentials").rglob("*")
        if file.is_file()
    }


def test_a_killed_import_leaves_the_previous_version_whole(tmp_path: Path, workspace: Path) -> None:
    path, before = directory(tmp_path / "after.csv", 30000), contents(workspace)
    home = workspace / "referentials" / "mairies"
    command = [*COMMAND, str(path), "--name", "mairies", "--workspace", str(workspace)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and not any(home.glob(".import-*/data.gpkg*")):
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    store = ReferentialStore(workspace / "referentials")
    assert [version.rows for version in store.versions("mairies")] == [3]
    assert len(store.rows(store.find("mairies"))) == 3
    assert contents(workspace).items() >= before.items()
    assert (
        imported(path, workspace).returncode == 0
    )  # and the next one does as if nothing had happened
    assert [version.rows for version in store.versions("mairies")] == [3, 30000]
    assert not list(home.glob(".import-*"))


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's")
def test_a_full_disk_is_one_sentence(tmp_path: Path, workspace: Path) -> None:
    path, before = directory(tmp_path / "after.csv", 20000), contents(workspace)
    limit = (
        1_000_000  # bytes a file may have: the system refuses the next write, as a full disk does
    )

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    answer = imported(path, workspace, preexec_fn=small_disk)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "écriture impossible" in answer.stderr
    assert "la version précédente est intacte" in answer.stderr
    assert contents(workspace) == before


def test_a_manifest_of_before_is_still_read(tmp_path: Path, workspace: Path) -> None:
    store = ReferentialStore(workspace / "referentials")
    manifest = store.path(store.find("mairies")).with_name("manifest.json")
    said = json.loads(manifest.read_text(encoding="utf-8"))
    for name in ("kind", "file_digest", "derived_from"):
        del said[name]
    manifest.write_text(json.dumps(said), encoding="utf-8")
    assert (store.find("mairies").kind, len(store.rows(store.find("mairies")))) == ("services", 3)


def test_a_refused_file_leaves_no_trace(tmp_path: Path, workspace: Path) -> None:
    before, good = contents(workspace), directory(tmp_path / "good.csv", 5)

    def chunks() -> Iterator[Reading]:
        yield from FORMATS["dila-2020"].read(good)
        raise ValueError("le lecteur se trompe")

    with pytest.raises(ValueError, match="se trompe"):
        ReferentialStore(workspace / "referentials").put(
            "mairies", chunks(), origin=good, reader="x"
        )
    assert contents(workspace) == before
