"""``jobs.sqlite``: jobs kept in a file of the workspace, with no server to install.

Workers and web processes write it one at a time. What is acknowledged is on the disk.
"""

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, override

from geoguichet.floor.files import Schema, nothing
from geoguichet.floor.words import Message, _
from geoguichet.portal.jobs.contract import LEASE_S, PATIENCE, JobError, Lease, State
from geoguichet.portal.jobs.stored import TABLES, StoredJobs, inserted

FILE = "jobs.sqlite"

_QUEUE = """,
  state TEXT NOT NULL
    CHECK (state IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
  attempts INTEGER NOT NULL DEFAULT 0, lease REAL NOT NULL DEFAULT 0"""
_TYPES = {"number": "INTEGER PRIMARY KEY AUTOINCREMENT", "real": "REAL", "whole": "INTEGER"}
_OWN = """
CREATE INDEX job_waiting ON job (number) WHERE state IN ('accepted', 'running');
CREATE TABLE worker (name TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
"""


# A loan was numbered apart from the attempt that it is.
def _without_fences(base: sqlite3.Connection) -> None:
    base.execute("ALTER TABLE job DROP COLUMN fence")


SCHEMA = Schema(
    Message("un fichier de travaux de Géoguichet"),
    TABLES.format(**_TYPES, bytes="BLOB", order="", strict=" STRICT", queue=_QUEUE) + _OWN,
    steps={0: nothing, 1: _without_fences},
    refusal=JobError,
    application=0x67676A6F,  # "ggjo"
)

#: A worker says that it is there each second.
PRESENT_S, GONE_S = 5.0, 60.0


class EmbeddedJobs(StoredJobs[sqlite3.Connection]):
    """The jobs of a workspace. The file is made by the first question, or the first worker."""

    _begins = "BEGIN IMMEDIATE"
    _errors = (OSError, sqlite3.Error)

    def __init__(self, workspace: Path) -> None:
        super().__init__()
        self.path = workspace / FILE

    @override
    def present(self, worker: str) -> None:
        with self._lent(makes=True) as base:
            now = self._now(base)
            base.execute("DELETE FROM worker WHERE seen < ?", (now - GONE_S,))
            base.execute("INSERT OR REPLACE INTO worker VALUES (?, ?)", (worker, now))

    @override
    def is_worked(self) -> bool:
        with self._lent() as base:
            asked = "SELECT count(*) FROM worker WHERE seen > ?"
            ((count,),) = base.execute(asked, (time.time() - PRESENT_S,))
        return bool(count)

    @override
    def _put(self, base: sqlite3.Connection, row: Mapping[str, Any]) -> int:
        return inserted(base, {**row, "state": "accepted"})

    @override
    def _lost(
        self, base: sqlite3.Connection, worker: str, now: float
    ) -> list[tuple[int, str, int]]:
        running = f"{self._goes_on} AND state = 'running'"  # by the index of those that go on
        asked = f"SELECT number, owner, attempts FROM job WHERE {running} AND lease < ?"
        return base.execute(asked, (now,)).fetchall()

    @override
    def _take(self, base: sqlite3.Connection, worker: str, now: float) -> int | None:
        first = f"owner = '', attempts > {PATIENCE}, number LIMIT 1"
        row = base.execute(
            "UPDATE job SET state = 'running', attempts = attempts + 1, lease = ? WHERE number = "
            f"(SELECT number FROM job WHERE {self._goes_on} AND state = 'accepted' ORDER BY {first}) "
            "RETURNING number",
            (now + LEASE_S,),
        ).fetchall()
        return row[0][0] if row else None

    @override
    def _sign(self, base: sqlite3.Connection, lease: Lease) -> None:
        changed = "UPDATE job SET lease = ? WHERE number = ?"
        base.execute(changed, (time.time() + LEASE_S, lease.number))

    @override
    def _again(self, base: sqlite3.Connection, number: int, owner: str, attempts: int) -> None:
        self._finish(base, number, "accepted")

    @override
    def _finish(self, base: sqlite3.Connection, number: int, state: State) -> None:
        base.execute("UPDATE job SET state = ? WHERE number = ?", (state, number))

    # --- the file --------------------------------------------------------------------------------

    # Say whether there is a file; make it for its owner alone.
    @override
    def _is_there(self, *, makes: bool) -> bool:
        if makes:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # To close a file that is there would drop the locks that this process holds on it, and who
            # closes it last elsewhere would then take the journal away from under it.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return self.path.is_file()

    @override
    def _refused(self, error: Exception) -> str:
        told = error.strerror if isinstance(error, OSError) else error
        return _("{file} ne se lit pas ({error}).", file=FILE, error=told)

    # Open the file; where there is none, one in memory, where there are no jobs.
    @override
    def _open(self, *, is_there: bool) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode=rw" if is_there else ":memory:"
        base = sqlite3.connect(
            address, uri=True, timeout=20, isolation_level=None, check_same_thread=False
        )
        try:
            base.execute("PRAGMA foreign_keys = ON")
            base.execute("PRAGMA synchronous = FULL")
            base.execute("PRAGMA journal_mode = WAL")
            SCHEMA.prepare(base, self.path)
        except (sqlite3.Error, JobError):
            base.close()
            raise
        return base
