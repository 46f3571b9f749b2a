"""Jobs in PostgreSQL, for workers on several machines: their queue is procrastinate's.

Which job is next, who does it, who is alive, what is tried again and how it ended stand in procrastinate's
tables and change by its statements alone (`procrastinate.manager.JobManager`). Beside them, in the same
transactions, ours hold what it does not know: the question, its answer by the digest, what was said, who
is called back.
"""

import re
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, override

import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as Queued
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from psycopg.conninfo import conninfo_to_dict

from geoguichet.floor.words import _
from geoguichet.portal.jobs.contract import KEPT_S, LEASE_S, PATIENCE, JobError, Lease, State
from geoguichet.portal.jobs.embedded import GONE_S, PRESENT_S
from geoguichet.portal.jobs.stored import TABLES, StoredJobs, inserted

#: The version of our tables, and what brings those of an earlier one to the next: procrastinate's go by
#: its own migrations.
VERSION = 1
STEPS: Mapping[int, str] = {}
_TYPES = {
    "number": "BIGINT PRIMARY KEY REFERENCES procrastinate_jobs ON DELETE CASCADE",
    "real": "DOUBLE PRECISION",
    "whole": "BIGINT",
    "bytes": "BYTEA",
    "order": ", rowid BIGINT GENERATED ALWAYS AS IDENTITY",
}
_OWN = """
CREATE VIEW seen AS
  SELECT job.*, queued.attempts + (status = 'doing')::int AS attempts, status,
    CASE status WHEN 'todo' THEN 'accepted' WHEN 'doing' THEN 'running'
      WHEN 'succeeded' THEN 'successful' WHEN 'failed' THEN 'failed' ELSE 'dismissed' END AS state
  FROM job JOIN procrastinate_jobs queued ON queued.id = job.number;
CREATE TABLE version (ours INTEGER NOT NULL, queue TEXT NOT NULL);
"""
_SCHEMA = "geoguichet"
_OPTIONS = f"-c search_path={_SCHEMA} -c statement_timeout=20s"
_ENDS = {
    "successful": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "dismissed": Status.ABORTED,
}
#: For how long who asks waits for a database that just went: one that starts again takes some seconds.
PATIENCE_S = 5.0
#: When a job may be tried again: at once, by any clock.
_AT_ONCE = datetime.fromtimestamp(0, UTC)
#: A name and a password that hold a sign of addresses as it is would be read as a part of another.
_ADDRESS = re.compile(r"postgres(ql)?://([^:@/]*(:[^@/]*)?@)?[^@]*")


# A connection, whose statements mark values as ours do (``?``); and the queue, by the same connection.
class _Base:
    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.queue = JobManager(_Joined(connection))

    def execute(self, statement: str, given: Sequence[Any] | None = None, /) -> Any:
        marked = statement if given is None else statement.replace("?", "%s")
        return self.connection.execute(marked, given)

    def close(self) -> None:
        self.connection.close()


# procrastinate's statements by a connection that is open, so in the transaction that it is in.
class _Joined(SyncPsycopgConnector):
    def __init__(self, connection: psycopg.Connection) -> None:
        super().__init__()
        self.lent = connection
        self.open(self)  # type: ignore[arg-type] # a pool of one, that never ends it

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        yield self.lent

    # What it has no other way to ask is asked at once, too: nothing here awaits anything.
    async def execute_query_async(self, query: Any, **given: Any) -> None:
        self.execute_query(query, **given)

    async def execute_query_one_async(self, query: Any, **given: Any) -> dict[str, Any]:
        return self.execute_query_one(query, **given)

    async def execute_query_all_async(self, query: Any, **given: Any) -> list[dict[str, Any]]:
        return self.execute_query_all(query, **given)


# Return what is asked of a queue that awaits nothing.
def _asked[T](asked: Coroutine[Any, Any, T]) -> T:
    try:
        asked.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError


class PostgresJobs(StoredJobs[_Base]):
    """The jobs of a portal in a database, at an address ``postgresql://…``. JobError for another."""

    _jobs = "seen"
    _goes_on = "status IN ('todo', 'doing')"
    _held = " FOR UPDATE"
    _errors = (psycopg.Error, ConnectorException)
    _lost_by = (psycopg.OperationalError,)

    def __init__(self, address: str) -> None:
        super().__init__()
        try:
            is_one = bool(_ADDRESS.fullmatch(address) and conninfo_to_dict(address))
        except psycopg.Error:
            is_one = False
        if not is_one:  # it is not repeated: it may hold a password
            raise JobError(
                _(
                    "GEOGUICHET_DATABASE : une adresse postgresql://NOM:MOT_DE_PASSE@HOTE/BASE est "
                    "attendue ; les @ et / d'un mot de passe s'y codent comme dans toute adresse."
                )
            )
        self.address = address
        #: When nobody answered there for the first time; 0 while it does.
        self.away_since = 0.0
        #: The numbers by which the queue knows the workers of this process.
        self.workers: dict[str, int] = {}

    @override
    def lease(self, worker: str) -> Lease | None:
        try:
            return super().lease(worker)
        except JobError:  # a job may have been lent all the same: nobody signs for it any longer
            self.workers.pop(worker, None)
            raise

    @override
    def present(self, worker: str) -> None:
        with self._lent(writes=True) as base:
            self._worker(base, worker)
            _asked(base.queue.prune_stalled_workers(GONE_S))

    @override
    def is_worked(self) -> bool:
        with self._lent() as base:
            since = "last_heartbeat > now() - make_interval(secs => ?)"
            asked = f"SELECT count(*) FROM procrastinate_workers WHERE {since}"
            return base.execute(asked, (PRESENT_S,)).fetchone() != (0,)

    @override
    def sweep(self) -> None:
        super().sweep()
        with self._lent(writes=True) as base:
            ended = base.queue.delete_old_jobs(
                round(KEPT_S / 3600),
                include_failed=True,
                include_cancelled=True,
                include_aborted=True,
            )
            _asked(ended)

    # --- the queue -------------------------------------------------------------------------------

    @override
    def _put(self, base: _Base, row: Mapping[str, Any]) -> int:
        # Those of one person are put one after the other: they are counted.
        base.execute("SELECT pg_advisory_xact_lock(hashtext(?))", (row["owner"],))
        queued = base.queue.defer_job(
            Queued(
                queue=_SCHEMA,
                task_name=row["process"],
                task_kwargs={"job": row["id"]},
                priority=_priority(row["owner"], 0),
                lock=None,
                queueing_lock=None,
            )
        )
        return inserted(base, {"number": queued.id, **row})

    @override
    def _lost(self, base: _Base, worker: str, now: float) -> list[tuple[int, str, int]]:
        stalled = _asked(base.queue.get_stalled_jobs(seconds_since_heartbeat=LEASE_S))
        # Another that looks at once may have lent it again: then it is at a later attempt.
        still = f"number = ? AND attempts = ? AND status = 'doing'{self._held}"
        asked = f"SELECT number, owner, attempts FROM seen WHERE {still}"
        loans = sorted((job.id or 0, job.attempts + 1) for job in stalled)
        rows = [base.execute(asked, loan).fetchone() for loan in loans]
        return [row for row in rows if row is not None]

    @override
    def _take(self, base: _Base, worker: str, now: float) -> int | None:
        job = _asked(base.queue.fetch_job([_SCHEMA], self._worker(base, worker)))
        return job.id if job else None

    @override
    def _sign(self, base: _Base, lease: Lease) -> None:
        self._worker(base, lease.worker)

    @override
    def _again(self, base: _Base, number: int, owner: str, attempts: int) -> None:
        base.queue.retry_job_by_id(number, _AT_ONCE, priority=_priority(owner, attempts))

    @override
    def _finish(self, base: _Base, number: int, state: State) -> None:
        _asked(base.queue.finish_job_by_id_async(number, _ENDS[state], delete_job=False))

    # Say that a worker is alive, and return its number; one that was forgotten is registered anew.
    def _worker(self, base: _Base, name: str) -> int:
        known = self.workers.get(name, 0)
        asked = "SELECT count(*) FROM procrastinate_workers WHERE id = ?"
        if base.execute(asked, (known,)).fetchone() == (0,):
            self.workers[name] = known = _asked(base.queue.register_worker())
        else:
            _asked(base.queue.update_heartbeat(known))
        return known

    # The clock of the database: that of who asks may be another.
    @override
    def _now(self, base: _Base) -> float:
        ((now,),) = base.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(now)

    # --- the database ----------------------------------------------------------------------------

    @override
    def _refused(self, error: Exception) -> str:
        told = [*str(error.__cause__ or error).splitlines(), type(error).__name__]
        return _("La base de données des calculs ne répond pas ({error}).", error=told[0])

    @override
    def _open(self, *, is_there: bool) -> _Base:
        base = _Base(self._connected())
        try:
            _prepare(base)
        except (psycopg.Error, ConnectorException, JobError):
            base.close()
            raise
        return base

    # Connect; whoever asks while the database has been away for long waits for nothing.
    def _connected(self) -> psycopg.Connection:
        while True:
            try:
                made = psycopg.connect(
                    self.address,
                    autocommit=True,
                    options=_OPTIONS,
                    application_name=_SCHEMA,
                    connect_timeout=5,
                    tcp_user_timeout=10_000,
                )
            except psycopg.OperationalError:
                now = time.monotonic()
                self.away_since = self.away_since or now
                if now - self.away_since >= PATIENCE_S:
                    raise
                time.sleep(0.25)  # each try is a process of the database, which has enough to do
            else:
                self.away_since = 0.0
                return made


# Make the tables in a new database, or bring those of an earlier version up to this one: all of it is
# done, or nothing. JobError for those of a later one.
def _prepare(base: _Base) -> None:
    migrations = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    if _version(base) == (VERSION, migrations[-1].name):
        return
    base.execute("BEGIN")
    base.execute("SELECT pg_advisory_xact_lock(hashtext(?))", (_SCHEMA,))  # one does it
    ours, queue = _version(base)
    if not ours:
        base.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        base.execute(SchemaManager.get_schema())
        base.execute(TABLES.format(**_TYPES, queue="", strict="") + _OWN)
        base.execute("INSERT INTO version VALUES (?, ?)", (VERSION, migrations[-1].name))
    else:
        for file in migrations:
            if file.name > queue:
                base.execute(file.read_text(encoding="utf-8"))
        for number in range(ours, VERSION):
            base.execute(STEPS[number])
        base.execute(
            "UPDATE version SET ours = ?, queue = ?", (VERSION, max(queue, migrations[-1].name))
        )
    base.execute("COMMIT")


# Return the version of our tables and the last migration of the queue's; 0 in a database without them.
def _version(base: _Base) -> tuple[int, str]:
    asked = "SELECT count(*) FROM pg_tables WHERE schemaname = ? AND tablename = 'version'"
    if base.execute(asked, (_SCHEMA,)).fetchone() == (0,):
        return 0, ""
    ours, queue = base.execute("SELECT ours, queue FROM version").fetchone()
    if ours > VERSION:
        told = _(
            "{path} vient d'une version plus récente de Géoguichet (tables {version}, {here} au "
            "plus ici) : mettez ce programme à jour, ou rétablissez une sauvegarde.",
            path=_("La base de données des calculs"),
            version=ours,
            here=VERSION,
        )
        raise JobError(told)
    return ours, queue


# Return what comes first, the greatest: people before nobody known, and in each what was not interrupted
# again and again.
def _priority(owner: str, attempts: int) -> int:
    return -2 * (not owner) - (attempts > PATIENCE)
