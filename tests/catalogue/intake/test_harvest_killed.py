"""A harvest that is killed, at any step or any moment, and run again: it ends as if it had not been."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geoguichet.catalogue.formats.iso import iso19139
from geoguichet.catalogue.intake.exchange import Originals, every_record, originals_path
from geoguichet.catalogue.intake.harvest import run as harvest_run
from geoguichet.catalogue.intake.harvest.journal import Journal, journal_path
from geoguichet.catalogue.intake.harvest.run import Summary, harvest
from geoguichet.catalogue.intake.harvest.source import Folder
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.floor.viewer import MACHINE

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="a child that can be killed is made by fork"
)


def folder_of(count: int, folder: Path) -> Folder:
    """Write so many records, and return what reads them."""
    folder.mkdir()
    for number in range(count):
        record = Record(id=f"jeu-{number:03}", type="dataset", title=f"Jeu {number}")
        (folder / f"{number:03}.xml").write_bytes(iso19139.write(record))
    return Folder(str(folder))


def run(source: Folder, workspace: Path) -> Summary:
    return harvest(source, workspace, name="essai", kind="folder")


def stored(workspace: Path) -> dict[str, str]:
    with SQLiteStore(store_path(workspace)) as store:
        return {record.id: record.title for record in every_record(store, viewer=MACHINE)}


def harvest_and_die(
    source: Folder, workspace: Path, monkeypatch: pytest.MonkeyPatch, *, after: int
) -> bool:
    """Harvest in a child that is gone, without a word, after so many steps; say whether it was
    killed.
    """
    child = os.fork()
    if child == 0:
        left = [after]

        def stepping(method: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **options: Any) -> Any:
                left[0] -= 1
                if left[0] <= 0:
                    os._exit(9)
                return method(*arguments, **options)

            return step

        monkeypatch.setattr(harvest_run, "BATCH", 5)
        for owner, name in (
            (Journal, "keep"),
            (Journal, "known"),
            (Originals, "keep"),
            (SQLiteStore, "bulk_upsert"),
            (Journal, "close_run"),
        ):
            monkeypatch.setattr(owner, name, stepping(getattr(owner, name)))
        run(source, workspace)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_harvest_killed_anywhere_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder_of(23, tmp_path / "fiches")
    chance = random.Random(7)
    killed = 0
    for trial in range(5):
        workspace = tmp_path / f"w{trial}"
        killed += sum(
            harvest_and_die(source, workspace, monkeypatch, after=chance.randrange(1, 12))
            for _ in range(5)
        )
        done = run(source, workspace)
        assert done.status == "complete"
        assert stored(workspace) == {f"jeu-{n:03}": f"Jeu {n}" for n in range(23)}
        with SQLiteStore(store_path(workspace)) as store:
            assert all(len(store.history(f"jeu-{n:03}", viewer=MACHINE)) == 1 for n in range(23))
    assert killed >= 20


def kept_by(workspace: Path) -> dict[str, Any]:
    """What a harvest leaves, but for moments: records, how many versions, their documents, what the
    journal knows.
    """
    with SQLiteStore(store_path(workspace)) as store:
        records = list(every_record(store, viewer=MACHINE))
        versions = {record.id: len(store.history(record.id, viewer=MACHINE)) for record in records}
    originals = Originals(originals_path(workspace))
    journal = Journal(journal_path(workspace))
    return {
        "records": {record.id: record.to_bytes() for record in records},
        "versions": versions,
        "documents": {record.id: originals.document(record) for record in records},
        "journal": journal.seen(max(1, len(journal.sources()[0][3])), "essai"),
    }


def test_a_harvest_killed_by_the_system_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``kill -9`` at random moments of a harvest, then resumed; GEOGUICHET_HARVEST_KILLS says how
    many times (3).
    """
    source = folder_of(150, tmp_path / "fiches")
    monkeypatch.setattr(harvest_run, "BATCH", 10)
    start = time.perf_counter()
    run(source, tmp_path / "whole")
    lasts_s = time.perf_counter() - start
    wanted, chance, midway = kept_by(tmp_path / "whole"), random.Random(9), 0
    for trial in range(int(os.environ.get("GEOGUICHET_HARVEST_KILLS", "3"))):
        workspace = tmp_path / f"killed-{trial}"
        child = os.fork()
        if child == 0:
            run(source, workspace)
            os._exit(0)
        time.sleep(chance.uniform(0.05, 0.95) * lasts_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        midway += 0 < len(stored(workspace)) < 150
        assert run(source, workspace).status == "complete"
        assert kept_by(workspace) == wanted, trial
    assert midway or trial < 19  # of twenty, some were in the middle
