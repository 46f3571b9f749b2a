"""Jobs in PostgreSQL: what an operator meets."""

import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests

from geoguichet.cli import main
from geoguichet.floor.viewer import MACHINE, PUBLIC
from geoguichet.portal.jobs.contract import Budget, JobError, Question, Result
from geoguichet.portal.jobs.stores import jobs_of

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytest.importorskip("procrastinate", reason="procrastinate is not installed")

from procrastinate.schema import SchemaManager  # noqa: E402

from geoguichet.portal.jobs import postgres  # noqa: E402
from geoguichet.portal.jobs.postgres import PostgresJobs  # noqa: E402


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a database that is not there."""
    monkeypatch.setattr(postgres, "PATIENCE_S", 0.2)


NOBODY = "postgresql://anne:s3cret@/jobs?host=/nowhere"
BUDGET = Budget(60, 1 << 30)


def put(store: PostgresJobs, **inputs: object) -> str:
    return store.submit(Question("nearest", inputs, PUBLIC), BUDGET, viewer=PUBLIC).id


def answered(store: PostgresJobs, n: int = 1) -> None:
    """A job goes to its end."""
    name = put(store, n=n)
    lease = store.lease("w")
    assert lease is not None and store.end(lease, "successful", result=Result("text/plain", b"1"))
    assert store.result(name, viewer=PUBLIC) == Result("text/plain", b"1")


@pytest.mark.parametrize(
    "address",
    [
        "mysql://anne:s3cret@host/jobs",
        "postgresql://anne:s3@cret@host/jobs",
        "postgresql://anne:s3/cret@host/jobs",
        "postgresql://anne:s3%cret@host/jobs",
        "postgresql://host/jobs?passwrd=s3cret",
        "host=here password=s3cret",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("GEOGUICHET_DATABASE", address)
    for command in ("worker", "serve"):
        assert main([command, "--workspace", str(tmp_path)]) == 1
        said = capsys.readouterr()
        assert "postgresql://" in said.err and said.err.count("\n") == 1
        assert "cret" not in said.err + said.out


def test_a_database_that_is_not_there_is_one_sentence_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOGUICHET_DATABASE", NOBODY)
    store = jobs_of(tmp_path)
    with pytest.raises(JobError, match=r"ne répond pas") as refused:
        store.jobs(viewer=MACHINE)
    assert "s3cret" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_server_without_its_database_says_so_and_serves_the_rest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[..., AbstractContextManager[str]],
    http: requests.Session,
) -> None:
    monkeypatch.setenv("GEOGUICHET_DATABASE", NOBODY)
    asked = {"inputs": {"points": [[1.6, 43.0]], "within": ["1 km"]}}
    with serve(tmp_path) as url:
        answers = [
            http.get(f"{url}/jobs/abc"),
            http.get(f"{url}/jobs/abc", headers={"Accept": "text/html", "Accept-Language": "fr"}),
            http.post(f"{url}/processes/isochrones/execution", json=asked),
        ]
        assert http.get(f"{url}/collections?f=json").status_code == 200
        assert http.get(f"{url}/processes/nearest?f=json").status_code == 200
    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert "s3cret" not in answer.text and "nowhere" not in answer.text
    assert "Les calculs ne répondent pas en ce moment" in answers[1].text


def test_what_is_not_installed_is_said_with_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("GEOGUICHET_DATABASE", NOBODY)
    monkeypatch.setitem(__import__("sys").modules, "geoguichet.portal.jobs.postgres", None)
    assert main(["worker", "--workspace", str(tmp_path)]) == 1
    assert "pip install 'geoguichet[postgres]'" in capsys.readouterr().err


def test_a_backup_says_that_jobs_in_a_database_are_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("GEOGUICHET_DATABASE", NOBODY)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for words in (["backup", str(tmp_path / "copy")], ["verify"]):
        assert main([*words, "--workspace", str(workspace)]) == 0
        said = capsys.readouterr().out
        assert "pg_dump" in said and "s3cret" not in said


def test_a_connection_that_the_server_ended_is_made_again(database: Any) -> None:
    store = PostgresJobs(database.new())
    answered(store)
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND application_name = 'geoguichet'"
    )
    answered(store, 2)


def test_who_asks_waits_for_a_database_that_starts_again(
    a_server: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE_S", 20.0)
    server = a_server()
    running = server.start()
    store = PostgresJobs(server.address())
    answered(store)
    server.kill(running.pid)
    running.wait()
    threading.Timer(0.5, lambda: began.append(server.start())).start()
    began = list[Any]()
    answered(store, 2)
    began[0].send_signal(signal.SIGINT)
    assert began[0].wait(20) == 0


def test_jobs_that_pg_dump_saved_go_on_in_another_database(database: Any) -> None:
    store, other = PostgresJobs(database.new()), database.new()
    answered(store)
    waiting = put(store, n=2)
    dumped = [database.programs / "pg_dump", "--schema", "geoguichet", store.address]
    saved = subprocess.run(dumped, check=True, capture_output=True).stdout
    restored = [database.programs / "psql", "--quiet", "--set", "ON_ERROR_STOP=1", other]
    subprocess.run(restored, input=saved, check=True, stdout=subprocess.DEVNULL)
    again = PostgresJobs(other)
    assert [job.state for job in again.jobs(viewer=MACHINE)[0]] == ["accepted", "successful"]
    lease = again.lease("w")
    assert lease is not None and lease.job.id == waiting
    assert again.end(lease, "failed") and again.waiting() == 0
    answered(again, 3)


def test_tables_of_an_earlier_queue_are_brought_up(database: Any) -> None:
    address = database.new()
    migrations = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    then = [file for file in migrations if file.name < "03.03"]
    assert then != migrations
    with psycopg.connect(address, autocommit=True, options="-c search_path=geoguichet") as base:
        base.execute("CREATE SCHEMA geoguichet")
        for file in then:
            base.execute(file.read_text())
        types = postgres._TYPES
        base.execute(postgres.TABLES.format(**types, queue="", strict="") + postgres._OWN)
        base.execute("INSERT INTO version VALUES (1, %s)", (then[-1].name,))
    store = PostgresJobs(address)
    answered(store)
    with store._lent() as base:
        assert postgres._version(base) == (postgres.VERSION, migrations[-1].name)


def test_tables_of_a_later_version_are_refused_in_a_sentence(database: Any) -> None:
    store = PostgresJobs(database.new())
    with store._lent(writes=True) as base:
        base.execute("UPDATE version SET ours = 7")
    with pytest.raises(JobError, match=r"version plus récente de Géoguichet \(tables 7, 1 au"):
        PostgresJobs(store.address).waiting()


def test_processes_that_come_at_once_make_the_tables_once(database: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    address = database.new()
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _n: PostgresJobs(address).waiting(), range(4))
    assert [*found] == [0] * 4


def test_the_queue_is_procrastinates(database: Any) -> None:
    store = PostgresJobs(database.new())
    put(store, n=1)
    with store._lent() as base:
        (queued,) = base.queue.list_jobs(queue="geoguichet")
    assert (queued.task_name, queued.status, queued.priority) == ("nearest", "todo", -2)
