"""What every store of jobs that speaks SQL does: questions, answers by their digests, what is said of a
job, who is called back; and that each loan ends once.

What differs is for `embedded` and `postgres`: how a connection is made, and what moves a job from one
state to the next.
"""

import time
import uuid
import weakref
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import inf
from typing import Any, ClassVar, Protocol, override

from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _, speaking
from geoguichet.portal.jobs.contract import (
    IN_ANY_WAY,
    KEPT_S,
    MOST_ANONYMOUS,
    MOST_ATTEMPTS,
    MOST_WAITING,
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

#: The tables of both, whose types each names in its own way, and adds to what is told of a ``job`` what
#: its queue does not tell.
TABLES = """
CREATE TABLE job (
  number {number},
  id TEXT NOT NULL UNIQUE, process TEXT NOT NULL, question TEXT NOT NULL, digest TEXT NOT NULL,
  owner TEXT NOT NULL, response TEXT NOT NULL, seconds {real} NOT NULL, memory {whole} NOT NULL,
  progress {whole} NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
  created {real} NOT NULL, updated {real} NOT NULL, started {real}, finished {real}{queue}
){strict};
CREATE INDEX job_owner ON job (owner, number);
CREATE INDEX job_digest ON job (digest);
CREATE TABLE line (
  job {whole} NOT NULL REFERENCES job ON DELETE CASCADE, at {real} NOT NULL, said TEXT NOT NULL{order}
){strict};
CREATE INDEX line_job ON line (job);
CREATE TABLE result (
  digest TEXT PRIMARY KEY, media TEXT NOT NULL, body {bytes} NOT NULL, made {real} NOT NULL
){strict};
CREATE TABLE callback (
  job {whole} NOT NULL REFERENCES job ON DELETE CASCADE, kind TEXT NOT NULL, address TEXT NOT NULL,
  lease {real} NOT NULL DEFAULT 0, PRIMARY KEY (job, kind)
){strict};
"""

_JOB = "id, process, digest, owner, response, state, progress, message, created, updated, started, finished, attempts"
#: How long a worker that calls somebody back may take, before another does.
_CALLING_S = 60.0
#: When who is called back is told: at which states.
_DUE = (
    "kind = 'inProgressUri' AND state = 'running' OR kind = 'successUri' AND state = 'successful' "
    "OR kind = 'failedUri' AND state IN ('failed', 'dismissed')"
)


# A connection, whose transactions are begun and ended by statements; values are marked by ``?``.
class _Connection(Protocol):
    def execute(self, statement: str, given: Sequence[Any] = ..., /) -> Any: ...
    def close(self) -> None: ...


class StoredJobs[Base: _Connection](JobStore):
    """Jobs in tables."""

    #: What tells jobs and where they stand; which of them go on; how a job that is read is held still.
    _jobs: ClassVar[str] = "job"
    _goes_on: ClassVar[str] = "state IN ('accepted', 'running')"
    _held: ClassVar[str] = ""
    #: How a transaction that writes begins; what its refusals are; which of them say that a connection
    #: that was kept is lost.
    _begins: ClassVar[str] = "BEGIN"
    _errors: ClassVar[tuple[type[Exception], ...]]
    _lost_by: ClassVar[tuple[type[Exception], ...]] = ()

    def __init__(self) -> None:
        self._idle: deque[Base] = deque()
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
        known = self.kept(question.digest)
        is_answered = known is not None and holds(known)
        name, owner = str(uuid.uuid4()), owner_of(viewer)
        with self._lent(makes=True) as base:
            now = self._now(base)
            row = {
                "id": name,
                "process": question.process,
                "question": question.to_json(),
                "digest": question.digest,
                "owner": owner,
                "response": asked.response,
                "seconds": budget.seconds,
                "memory": budget.memory,
                "created": now,
                "updated": now,
            }
            number = self._put(base, row)
            going_on = f"SELECT count(*) FROM {self._jobs} WHERE {self._goes_on} AND owner = ?"
            ((count,),) = base.execute(going_on, (owner,))
            if not is_answered and count > (MOST_WAITING if owner else MOST_ANONYMOUS):
                raise TooManyJobsError(
                    _("Trop de calculs attendent déjà ; réessayez dans une minute.")
                )
            for kind, address in asked.callbacks.items():
                base.execute(
                    "INSERT INTO callback (job, kind, address) VALUES (?, ?, ?)",
                    (number, kind, address),
                )
            if known is not None and is_answered:
                base.execute("UPDATE job SET started = created WHERE number = ?", (number,))
                _keep(base, question.digest, known, now)
                self._end(base, number, "successful", _("Réponse gardée d'une question égale."))
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
        since, until = created
        clauses = ["created BETWEEN ? AND ?"]
        given: list[object] = [
            0.0 if since is None else since,
            inf if until is None else until + 0.001,
        ]
        asked = (() if viewer.sees_all else (viewer.person,), states, processes)
        for column, values in zip(("owner", "state", "process"), asked, strict=True):
            if values:
                clauses.append(f"{column} IN ({', '.join('?' * len(values))})")
                given += values
        with self._lent() as base:
            if lasted != (0, inf):
                clauses.append("coalesce(finished, ?) - started BETWEEN ? AND ?")
                given += [self._now(base), *lasted]
            where = " AND ".join(clauses)
            ((count,),) = base.execute(f"SELECT count(*) FROM {self._jobs} WHERE {where}", given)
            found = base.execute(
                f"SELECT {_JOB} FROM {self._jobs} WHERE {where} "
                "ORDER BY number DESC LIMIT ? OFFSET ?",
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
            asked = f"SELECT number FROM {self._jobs} WHERE id = ? AND {self._goes_on}{self._held}"
            if found := base.execute(asked, (name,)).fetchone():
                self._end(base, found[0], "dismissed", _("Abandonné."))
            else:
                base.execute("DELETE FROM job WHERE id = ?", (name,))
        return self.job(name, viewer=viewer) if found else replace(job, state="dismissed")

    # --- who works -------------------------------------------------------------------------------

    @override
    def lease(self, worker: str) -> Lease | None:
        with self._lent(writes=True) as base:
            now = self._now(base)
            for lost in self._lost(base, worker, now):
                self._back(base, *lost)
            number = self._take(base, worker, now)
            if number is None:
                return None
            changed = "UPDATE job SET started = coalesce(started, ?), updated = ? WHERE number = ?"
            base.execute(changed, (now, now, number))
            *told, question, seconds, memory = base.execute(
                f"SELECT {_JOB}, question, seconds, memory FROM {self._jobs} WHERE number = ?",
                (number,),
            ).fetchone()
            asked = Question.from_json(question)
            with speaking(asked.language):
                _say(base, number, _("Pris en charge."), now)
        return Lease(Job(*told), asked, Budget(seconds, memory), number, worker)

    @override
    def keep(self, lease: Lease) -> bool:
        with self._still(lease) as base:
            return base is not None

    @override
    def tell(self, lease: Lease, progress: int, message: str) -> bool:
        with self._still(lease) as base:
            if base is not None:
                now, told = self._now(base), _clean(message)
                further = "CASE WHEN progress < ? THEN ? ELSE progress END"
                base.execute(
                    f"UPDATE job SET progress = {further}, message = ?, updated = ? WHERE number = ?",
                    (progress, progress, told, now, lease.number),
                )
                _say(base, lease.number, told, now)
            return base is not None

    @override
    def end(
        self, lease: Lease, state: State, message: str = "", result: Result | None = None
    ) -> bool:
        with self._still(lease) as base:
            if base is not None:
                if result is not None:
                    _keep(base, lease.job.digest, result, self._now(base))
                with speaking(lease.question.language):
                    self._end(base, lease.number, state, message or _("Terminé."))
            return base is not None

    @override
    def give_back(self, lease: Lease) -> None:
        with self._still(lease) as base:
            if base is not None:
                self._back(base, lease.number, lease.job.owner, lease.job.attempts)

    @override
    def kept(self, digest: str) -> Result | None:
        with self._lent() as base:
            asked = "SELECT media, body FROM result WHERE digest = ?"
            row = base.execute(asked, (digest,)).fetchone()
        return Result(*row) if row else None

    @override
    def calls(self) -> list[Call]:
        with self._lent() as base:  # most often there are none, and nothing is written
            if base.execute("SELECT count(*) FROM callback").fetchone() == (0,):
                return []
        with self._lent(writes=True) as base:
            now = self._now(base)
            due = f"SELECT 1 FROM {self._jobs} WHERE number = callback.job AND ({_DUE})"
            found = base.execute(
                f"UPDATE callback SET lease = ? WHERE lease < ? AND EXISTS ({due}) "
                "RETURNING job, kind, address",
                (now + _CALLING_S, now),
            ).fetchall()
            asked = f"SELECT {_JOB} FROM {self._jobs} WHERE number = ?"
            return [
                Call(Job(*base.execute(asked, (number,)).fetchone()), kind, address)
                for number, kind, address in found
            ]

    @override
    def was_called(self, call: Call) -> None:
        with self._lent(writes=True) as base:
            base.execute(
                "DELETE FROM callback WHERE kind = ? AND job = (SELECT number FROM job WHERE id = ?)",
                (call.kind, call.job.id),
            )

    @override
    def waiting(self) -> int:
        with self._lent() as base:
            ((count,),) = base.execute(f"SELECT count(*) FROM {self._jobs} WHERE {self._goes_on}")
        return int(count)

    @override
    def sweep(self) -> None:
        with self._lent(writes=True) as base:
            long_ago = self._now(base) - KEPT_S
            base.execute("DELETE FROM job WHERE finished < ?", (long_ago,))
            old = "made < ? AND digest NOT IN (SELECT digest FROM job)"
            base.execute(f"DELETE FROM result WHERE {old}", (long_ago,))

    # --- what differs ----------------------------------------------------------------------------

    @abstractmethod
    def _open(self, *, is_there: bool) -> Base:
        """Make a connection to tables of this version, or to none where there are none."""

    @abstractmethod
    def _refused(self, error: Exception) -> str:
        """Say what one of ``_errors`` means."""

    @abstractmethod
    def _put(self, base: Base, row: Mapping[str, Any]) -> int:
        """Queue a job behind the others, keep what is told of it, and return its number."""

    @abstractmethod
    def _lost(self, base: Base, worker: str, now: float) -> list[tuple[int, str, int]]:
        """Return the jobs whose workers are dead: number, owner, attempts."""

    @abstractmethod
    def _take(self, base: Base, worker: str, now: float) -> int | None:
        """Lend the first job of the queue and return its number."""

    @abstractmethod
    def _sign(self, base: Base, lease: Lease) -> None:
        """Say that who borrowed a job is alive."""

    @abstractmethod
    def _again(self, base: Base, number: int, owner: str, attempts: int) -> None:
        """Queue a job that was lent again."""

    @abstractmethod
    def _finish(self, base: Base, number: int, state: State) -> None:
        """Take a job that goes on out of the queue."""

    # The moment, by the clock that all who share the jobs have.
    def _now(self, _base: Base) -> float:
        return time.time()

    # Say whether there are tables, which a first question ``makes``.
    def _is_there(self, *, makes: bool) -> bool:
        return True

    # --- what is common --------------------------------------------------------------------------

    # Lend a connection in a transaction.
    @contextmanager
    def _lent(self, *, writes: bool = False, makes: bool = False) -> Iterator[Base]:
        try:
            with ExitStack() as undone:
                is_there = self._is_there(makes=makes)
                begins, ends = self._begins if writes or makes else "BEGIN", "ROLLBACK"
                base = self._begun(begins, is_there=is_there)
                undone.callback(base.close)
                try:
                    yield base
                    ends = "COMMIT"
                finally:
                    base.execute(ends)
                    if is_there:
                        undone.pop_all()
                        self._idle.append(base)
        except self._errors as error:
            raise JobError(self._refused(error)) from error

    def _begun(self, begins: str, *, is_there: bool) -> Base:
        while self._idle:
            base = self._idle.pop()
            try:
                base.execute(begins)
            except self._lost_by:
                base.close()
            else:
                return base
        base = self._open(is_there=is_there)
        base.execute(begins)
        return base

    # Lend a connection to change a job that is lent; None when it is not the worker's any longer. Each
    # loan is counted: the count tells one from another.
    @contextmanager
    def _still(self, lease: Lease) -> Iterator[Base | None]:
        with self._lent(writes=True) as base:
            ours = f"number = ? AND attempts = ? AND state = 'running'{self._held}"
            asked = f"SELECT 1 FROM {self._jobs} WHERE {ours}"
            if base.execute(asked, (lease.number, lease.job.attempts)).fetchone() is None:
                yield None
            else:
                self._sign(base, lease)
                yield base

    def _found(self, name: str, viewer: Viewer) -> tuple[Job, int, Question]:
        asked = f"SELECT {_JOB}, number, question FROM {self._jobs} WHERE id = ?"
        with self._lent() as base:
            row = base.execute(asked, (_clean(name),)).fetchone()
        if row is None or not sees(viewer, row[3]):
            raise JobNotFoundError(_("Aucune tâche de ce nom."))
        *told, number, question = row
        return Job(*told), number, Question.from_json(question)

    # Have a job that was lent done again, unless that was so too often.
    def _back(self, base: Base, number: int, owner: str, attempts: int) -> None:
        if attempts >= MOST_ATTEMPTS:
            self._end(base, number, "failed", _("Interrompu {n} fois de suite.", n=attempts))
        else:
            self._again(base, number, owner, attempts)
            base.execute("UPDATE job SET progress = 0 WHERE number = ?", (number,))

    # End a job that goes on.
    def _end(self, base: Base, number: int, state: State, message: str) -> None:
        self._finish(base, number, state)
        now, told = self._now(base), _clean(message)
        base.execute(
            "UPDATE job SET message = ?, finished = ?, updated = ?, "
            "progress = CASE ? WHEN 'successful' THEN 100 ELSE progress END WHERE number = ?",
            (told, now, now, state, number),
        )
        _say(base, number, told, now)


def inserted(base: _Connection, row: Mapping[str, Any]) -> int:
    """Keep what is told of a job, and return its number."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    asked = f"INSERT INTO job ({names}) VALUES ({marks}) RETURNING number"
    ((number,),) = base.execute(asked, tuple(row.values()))
    return int(number)


def _close(idle: Iterable[_Connection]) -> None:
    for base in idle:
        base.close()


# Return a sentence that any database keeps: it may repeat a broken character of what was asked.
def _clean(said: str) -> str:
    return said.encode("utf-8", "replace").decode().replace("\0", "?")


def _say(base: _Connection, number: int, said: str, now: float) -> None:
    base.execute("INSERT INTO line (job, at, said) VALUES (?, ?, ?)", (number, now, said))


# Keep an answer, from now on: another to the same question would be equal.
def _keep(base: _Connection, digest: str, result: Result, now: float) -> None:
    base.execute(
        "INSERT INTO result (digest, media, body, made) VALUES (?, ?, ?, ?) ON CONFLICT (digest) "
        "DO UPDATE SET media = excluded.media, body = excluded.body, made = excluded.made",
        (digest, result.media, result.body, now),
    )
