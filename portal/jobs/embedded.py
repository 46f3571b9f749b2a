"""``jobs.sqlite``: jobs kept in a file of the workspace, with no server to install.

Workers and web processes write it one at a time. What is acknowledged is on the disk.
"""

import os
import sqlite3
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, override

from geoguichet.floor.files import Schema, nothing
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, _
from geoguichet.portal.jobs.contract import (
    IN_ANY_WAY,
    KEPT_S,
    LEASE_S,
    MOST_ANONYMOUS,
    MOST_ATTEMPTS,
    MOST_WAITING,
    PATIENCE,
    Asked,
    Budget,
    Call,
    Job,
    JobError,
    JobNotFoundError,
    JobStore,
    Lease,
    Question,
    Result,
    State,
    TooManyJobsError,
    owner_of,
    sees,
)

FILE = "jobs.sqlite"

_TABLES = """
CREATE TABLE job (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, question TEXT NOT NULL, digest TEXT NOT NULL,
  owner TEXT NOT NULL, response TEXT NOT NULL, seconds REAL NOT NULL, memory INTEGER NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
  progress INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL, updated REAL NOT NULL, started REAL, finished REAL,
  attempts INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0, lease REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_waiting ON job (number) WHERE state IN ('accepted', 'running');
CREATE INDEX job_owner ON job (owner, number);
CREATE INDEX job_digest ON job (digest);
CREATE TABLE line (
  job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, at REAL NOT NULL, said TEXT NOT NULL
) STRICT;
CREATE INDEX line_job ON line (job);
CREATE TABLE result (
  digest TEXT PRIMARY KEY, media TEXT NOT NULL, body BLOB NOT NULL, made REAL NOT NULL
) STRICT;
CREATE TABLE callback (
  job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, kind TEXT NOT NULL, address TEXT NOT NULL,
  lease REAL NOT NULL DEFAULT 0, PRIMARY KEY (job, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker (name TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
"""


SCHEMA = Schema(
    Message("un fichier de travaux de Géoguichet"),
    _TABLES,
    steps={0: nothing},
    refusal=JobError,
    application=0x67676A6F,  # "ggjo"
)

_JOB = "id, process, digest, owner, response, state, progress, message, created, updated, started, finished, attempts"
_GOES_ON = "state IN ('accepted', 'running')"
#: A worker says that it is there each second.
_PRESENT_S = 5.0
#: How long a worker that calls somebody back may take, before another does.
_CALLING_S = 60.0
#: When who is called back is told: at which states.
_CALLED_AT = {
    "inProgressUri": ("running",),
    "successUri": ("successful",),
    "failedUri": ("failed", "dismissed"),
}


class EmbeddedJobs(JobStore):
    """The jobs of a workspace. The file is made by the first question."""

    def __init__(self, workspace: Path) -> None:
        self.path = workspace / FILE
        self._idle: deque[sqlite3.Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    # --- who asks --------------------------------------------------------------------------------

    @override
    def submit(
        self,
        question: Question,
        budget: Budget,
        asked: Asked = IN_ANY_WAY,
        *,
        viewer: Viewer,
        holds: Callable[[Result], bool] = lambda _result: True,
    ) -> Job:
        self._create()
        known = self.kept(question.digest)
        is_answered = known is not None and holds(known)
        name, now, owner = str(uuid.uuid4()), time.time(), owner_of(viewer)
        with self._lent(writes=True) as base:
            ((waiting,),) = base.execute(
                f"SELECT count(*) FROM job WHERE {_GOES_ON} AND owner = ?", (owner,)
            )
            if not is_answered and waiting >= (MOST_WAITING if owner else MOST_ANONYMOUS):
                raise TooManyJobsError(
                    _("Trop de calculs attendent déjà ; réessayez dans une minute.")
                )
            told = (name, question.process, question.to_json(), question.digest, owner)
            row = (*told, asked.response, budget.seconds, budget.memory, "accepted", now, now)
            columns = "id, process, question, digest, owner, response, seconds, memory, state"
            number = base.execute(
                f"INSERT INTO job ({columns}, created, updated) VALUES ({', '.join('?' * 11)})", row
            ).lastrowid
            base.executemany(
                "INSERT INTO callback (job, kind, address) VALUES (?, ?, ?)",
                [(number, kind, address) for kind, address in asked.callbacks.items()],
            )
            if known is not None and is_answered:
                base.execute("UPDATE job SET started = created WHERE number = ?", (number,))
                _keep(base, question.digest, known)
                _end(base, name, "successful", _("Réponse gardée d'une question égale."))
        return self.job(name, viewer=viewer)

    @override
    def job(self, name: str, *, viewer: Viewer) -> Job:
        return self._found(name, viewer)[0]

    @override
    def jobs(
        self,
        *,
        viewer: Viewer,
        states: Sequence[str] = (),
        processes: Sequence[str] = (),
        created: tuple[float | None, float | None] = (None, None),
        lasted: tuple[float, float] = (0, inf),
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[Job], int]:
        if not (viewer.sees_all or viewer.person):
            return [], 0
        clauses: list[str] = []
        given: list[object] = []
        asked = (() if viewer.sees_all else (viewer.person,), states, processes)
        for column, values in zip(("owner", "state", "process"), asked, strict=True):
            if values:
                clauses.append(f"{column} IN ({', '.join('?' * len(values))})")
                given += values
        since, until = created
        clauses.append("created BETWEEN ? AND ?")
        given += [0.0 if since is None else since, inf if until is None else until + 0.001]
        if lasted != (0, inf):
            clauses.append("coalesce(finished, ?) - started BETWEEN ? AND ?")
            given += [time.time(), *lasted]
        where = " AND ".join(clauses) or "1"
        with self._lent() as base:
            ((count,),) = base.execute(f"SELECT count(*) FROM job WHERE {where}", given)
            found = base.execute(
                f"SELECT {_JOB} FROM job WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?",
                (*given, limit, offset),
            ).fetchall()
        return [Job(*row) for row in found], count

    @override
    def question(self, name: str, *, viewer: Viewer) -> Question:
        return self._found(name, viewer)[2]

    @override
    def log(self, name: str, *, viewer: Viewer) -> list[tuple[float, str]]:
        _job, number, _question = self._found(name, viewer)
        with self._lent() as base:
            asked = "SELECT at, said FROM line WHERE job = ? ORDER BY rowid"
            return [(at, said) for at, said in base.execute(asked, (number,))]

    @override
    def result(self, name: str, *, viewer: Viewer) -> Result | None:
        job = self.job(name, viewer=viewer)
        return self.kept(job.digest) if job.state == "successful" else None

    @override
    def dismiss(self, name: str, *, viewer: Viewer) -> Job:
        job = self.job(name, viewer=viewer)
        with self._lent(writes=True) as base:
            if _end(base, name, "dismissed", _("Abandonné.")):
                asked = f"SELECT {_JOB} FROM job WHERE id = ?"
                return Job(*base.execute(asked, (name,)).fetchone())
            base.execute("DELETE FROM job WHERE id = ?", (name,))
        return replace(job, state="dismissed")

    # --- who works -------------------------------------------------------------------------------

    @override
    def lease(self, worker: str) -> Lease | None:
        now = time.time()
        with self._lent(writes=True) as base:
            due = (
                f"{_GOES_ON} AND (state = 'accepted' OR lease < ?) "
                f"ORDER BY owner = '', attempts > {PATIENCE}, number LIMIT 1"
            )
            while row := base.execute(
                f"SELECT id, attempts FROM job WHERE {due}", (now,)
            ).fetchone():
                name, attempts = row
                if attempts < MOST_ATTEMPTS:
                    break
                _end(base, name, "failed", _("Interrompu {n} fois de suite.", n=attempts))
            else:
                return None
            base.execute(
                "UPDATE job SET state = 'running', attempts = attempts + 1, fence = fence + 1, "
                "lease = ?, started = coalesce(started, ?), updated = ? WHERE id = ?",
                (now + LEASE_S, now, now, name),
            )
            _say(base, name, _("Pris en charge."), now)
            *told, question, seconds, memory, fence = base.execute(
                f"SELECT {_JOB}, question, seconds, memory, fence FROM job WHERE id = ?", (name,)
            ).fetchone()
        return Lease(Job(*told), Question.from_json(question), Budget(seconds, memory), fence)

    @override
    def keep(self, lease: Lease) -> bool:
        return self._changed(lease, "lease = ?", time.time() + LEASE_S)

    @override
    def tell(self, lease: Lease, progress: int, message: str) -> bool:
        now = time.time()
        told = (now + LEASE_S, progress, message, now)
        changed = "lease = ?, progress = max(progress, ?), message = ?, updated = ?"
        return self._changed(lease, changed, *told, said=message)

    @override
    def end(
        self, lease: Lease, state: State, message: str = "", result: Result | None = None
    ) -> bool:
        with self._lent(writes=True) as base:
            if not _is_lent(base, lease):
                return False
            if result is not None:
                _keep(base, lease.job.digest, result)
            _end(base, lease.job.id, state, message or _("Terminé."))
        return True

    @override
    def give_back(self, lease: Lease) -> None:
        self._changed(lease, "state = 'accepted', progress = 0")

    @override
    def kept(self, digest: str) -> Result | None:
        with self._lent() as base:
            asked = "SELECT media, body FROM result WHERE digest = ?"
            row = base.execute(asked, (digest,)).fetchone()
        return Result(*row) if row else None

    @override
    def calls(self) -> list[Call]:
        now = time.time()
        due = " OR ".join(
            f"kind = '{kind}' AND state IN ({', '.join(map(repr, states))})"
            for kind, states in _CALLED_AT.items()
        )
        asked = f"SELECT kind, address, {_JOB} FROM callback JOIN job ON job = number"
        with self._lent() as base:  # most often there are none, and nothing is written
            waiting = base.execute("SELECT count(*) FROM callback").fetchone() != (0,)
        if not waiting:
            return []
        with self._lent(writes=True) as base:
            rows = base.execute(f"{asked} WHERE callback.lease < ? AND ({due})", (now,)).fetchall()
            called = [Call(Job(*told), kind, address) for kind, address, *told in rows]
            base.executemany(
                "UPDATE callback SET lease = ? "
                "WHERE kind = ? AND job = (SELECT number FROM job WHERE id = ?)",
                [(now + _CALLING_S, call.kind, call.job.id) for call in called],
            )
        return called

    @override
    def was_called(self, call: Call) -> None:
        with self._lent(writes=True) as base:
            base.execute(
                "DELETE FROM callback WHERE kind = ? AND job = (SELECT number FROM job WHERE id = ?)",
                (call.kind, call.job.id),
            )

    @override
    def present(self, worker: str) -> None:
        now = time.time()
        with self._lent(writes=True) as base:
            base.execute("DELETE FROM worker WHERE seen < ?", (now - 60,))
            base.execute("INSERT OR REPLACE INTO worker VALUES (?, ?)", (worker, now))

    @override
    def is_worked(self) -> bool:
        with self._lent() as base:
            asked = "SELECT count(*) FROM worker WHERE seen > ?"
            ((count,),) = base.execute(asked, (time.time() - _PRESENT_S,))
        return bool(count)

    @override
    def waiting(self) -> int:
        with self._lent() as base:
            ((count,),) = base.execute(f"SELECT count(*) FROM job WHERE {_GOES_ON}")
        return int(count)

    @override
    def sweep(self) -> list[str]:
        long_ago = time.time() - KEPT_S
        with self._lent(writes=True) as base:
            base.execute("DELETE FROM job WHERE finished < ?", (long_ago,))
            old = "made < ? AND digest NOT IN (SELECT digest FROM job)"
            asked = f"DELETE FROM result WHERE {old} RETURNING digest"
            return [digest for (digest,) in base.execute(asked, (long_ago,)).fetchall()]

    # --- the file --------------------------------------------------------------------------------

    def _found(self, name: str, viewer: Viewer) -> tuple[Job, int, Question]:
        asked = f"SELECT {_JOB}, number, question FROM job WHERE id = ?"
        with self._lent() as base:
            row = base.execute(asked, (name,)).fetchone()
        if row is None or not sees(viewer, row[3]):
            raise JobNotFoundError(_("Aucune tâche de ce nom."))
        *told, number, question = row
        return Job(*told), number, Question.from_json(question)

    # Change a job that is lent; say whether it still is.
    def _changed(self, lease: Lease, changes: str, *given: object, said: str = "") -> bool:
        with self._lent(writes=True) as base:
            if not _is_lent(base, lease):
                return False
            base.execute(f"UPDATE job SET {changes} WHERE id = ?", (*given, lease.job.id))
            if said:
                _say(base, lease.job.id, said, time.time())
        return True

    # Make the file where there is none, for its owner alone.
    def _create(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            told = _("{file} ne s'écrit pas ({error}).", file=FILE, error=error.strerror)
            raise JobError(told) from error

    @contextmanager
    def _lent(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            is_there = self.path.is_file()
            try:
                base = self._idle.pop()
            except IndexError:
                base = self._open(is_there)
            try:
                base.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                yield base
                base.execute("COMMIT")
            finally:
                if base.in_transaction:
                    base.execute("ROLLBACK")
                if is_there:
                    self._idle.append(base)
                else:
                    base.close()
        except (OSError, sqlite3.Error) as error:
            told = _("{file} ne se lit pas ({error}).", file=FILE, error=error)
            raise JobError(told) from error

    # Open the file; where there is none, one in memory, where there are no jobs.
    def _open(self, is_there: bool) -> sqlite3.Connection:
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


def _close(idle: deque[sqlite3.Connection]) -> None:
    for base in idle:
        base.close()


def _say(base: sqlite3.Connection, name: str, said: str, now: float) -> None:
    line = "INSERT INTO line SELECT number, ?, ? FROM job WHERE id = ?"
    base.execute(line, (now, said, name))


def _is_lent(base: sqlite3.Connection, lease: Lease) -> bool:
    asked = "SELECT 1 FROM job WHERE id = ? AND fence = ? AND state = 'running'"
    return base.execute(asked, (lease.job.id, lease.fence)).fetchone() is not None


# Keep an answer, from now on: another to the same question would be equal.
def _keep(base: sqlite3.Connection, digest: str, result: Result) -> None:
    row: tuple[Any, ...] = (digest, result.media, result.body, time.time())
    base.execute(
        "INSERT INTO result VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET media = excluded.media, body = excluded.body, made = excluded.made",
        row,
    )


# End a job that goes on, once; nothing is said of one that has ended.
def _end(base: sqlite3.Connection, name: str, state: State, message: str) -> bool:
    now = time.time()
    changed = base.execute(
        "UPDATE job SET state = ?, message = ?, finished = ?, updated = ?, fence = fence + 1, "
        "progress = CASE ? WHEN 'successful' THEN 100 ELSE progress END "
        f"WHERE id = ? AND {_GOES_ON}",
        (state, message, now, now, state, name),
    )
    if changed.rowcount:
        _say(base, name, message, now)
    return bool(changed.rowcount)
