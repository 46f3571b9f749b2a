"""Workers that die, are stopped, or whose job is dismissed, too long or too large."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geoguichet.floor.viewer import PUBLIC
from geoguichet.portal.jobs import embedded
from geoguichet.portal.jobs.contract import Budget, Job, Question
from geoguichet.portal.jobs.embedded import EmbeddedJobs
from geoguichet.portal.jobs.worker import Tender, Worker, sweep

#: What answers in the place of the real child: it does as the inputs say.
PROGRAM = """
import json, os, signal, sys, time
for line in sys.stdin:
    inputs = json.loads(json.loads(line)["question"])["inputs"]
    print(json.dumps({"progress": 10, "said": f"child {os.getpid()}"}), flush=True)
    if inputs.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if inputs.get("breaks"):
        sys.exit(1)
    time.sleep(inputs.get("sleeps", 0))
    body = json.dumps(inputs).encode()
    told = {"ended": "successful", "message": "", "media": "application/json", "size": len(body)}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\\n" + body)
    sys.stdout.flush()
"""


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedJobs:
    return EmbeddedJobs(tmp_path)


def put(store: EmbeddedJobs, seconds: float = 60, **inputs: object) -> str:
    budget = Budget(seconds, 1 << 32)
    return store.submit(Question("nearest", inputs, PUBLIC), budget, viewer=PUBLIC).id


@contextmanager
def at_work(store: EmbeddedJobs, workspace: Path) -> Iterator[Worker]:
    worker = Worker(store, workspace, program=[sys.executable, "-c", PROGRAM])
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop.set()
        thread.join()


def until(found: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def job(store: EmbeddedJobs, name: str) -> Job:
    return store.job(name, viewer=PUBLIC)


def child_of(store: EmbeddedJobs, name: str) -> int:
    """Wait for the child that answers a job, and return its number."""
    until(lambda: job(store, name).message.startswith("child"))
    return int(job(store, name).message.split()[1])


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_answers_one_job_after_the_other(store: EmbeddedJobs, tmp_path: Path) -> None:
    names = [put(store, n=n) for n in range(3)]
    with at_work(store, tmp_path):
        until(lambda: store.waiting() == 0)
        results = [store.result(name, viewer=PUBLIC) for name in names]
    assert [result.body for result in results if result] == [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}']
    told = {line for name in names for _at, line in store.log(name, viewer=PUBLIC)}
    assert len([line for line in told if line.startswith("child")]) == 1  # one child for all


def test_a_dismissed_job_is_killed_within_two_seconds(store: EmbeddedJobs, tmp_path: Path) -> None:
    name = put(store, sleeps=60)
    with at_work(store, tmp_path):
        child = child_of(store, name)
        store.dismiss(name, viewer=PUBLIC)
        until(lambda: not is_there(child), 2)
        after = put(store, n=1)
        until(lambda: job(store, after).state == "successful")
    assert job(store, name).state == "dismissed"


def test_a_job_that_takes_too_long_fails(store: EmbeddedJobs, tmp_path: Path) -> None:
    name = put(store, seconds=0.5, sleeps=60)
    with at_work(store, tmp_path):
        child = child_of(store, name)
        until(lambda: job(store, name).has_ended)
    assert job(store, name).state == "failed" and "de calcul" in job(store, name).message
    assert not is_there(child)


def test_a_job_that_loses_its_child_each_time_fails(
    store: EmbeddedJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MOST_ATTEMPTS", 6)
    dies, breaks = put(store, dies=True), put(store, breaks=True)
    with at_work(store, tmp_path):
        until(lambda: store.waiting() == 0)
    assert (job(store, dies).state, job(store, dies).attempts) == ("failed", 6)
    assert (job(store, breaks).state, job(store, breaks).attempts) == ("failed", 1)


def test_a_worker_that_is_told_to_end_hands_its_job_back(
    store: EmbeddedJobs, tmp_path: Path
) -> None:
    name = put(store, sleeps=60)
    with at_work(store, tmp_path):
        child = child_of(store, name)
    assert job(store, name).state == "accepted" and not is_there(child)


def test_a_killed_worker_takes_its_child_along_and_another_ends_the_job(
    store: EmbeddedJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(store, sleeps=1)
    program = f"""
import sys
from pathlib import Path
from geoguichet.portal.jobs.embedded import EmbeddedJobs
from geoguichet.portal.jobs.worker import Worker
here = Path({str(tmp_path)!r})
Worker(EmbeddedJobs(here), here, program=[sys.executable, "-c", {PROGRAM!r}]).run()
"""
    dead = subprocess.Popen([sys.executable, "-c", program])
    child = child_of(store, name)
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    until(lambda: not is_there(child), 5)
    monkeypatch.setattr(
        "geoguichet.portal.jobs.embedded.time.time", lambda now=time.time: now() + 11
    )
    with at_work(store, tmp_path):
        until(lambda: job(store, name).has_ended)
    ended = job(store, name)
    assert (ended.state, ended.attempts) == ("successful", 2)
    assert [said for _at, said in store.log(name, viewer=PUBLIC)].count("Terminé.") == 1


def test_a_portal_has_a_worker_when_jobs_wait_and_nobody_works(
    store: EmbeddedJobs, tmp_path: Path
) -> None:
    tender = Tender(tmp_path, store)
    tender.look()
    assert tender._worker is None
    put(store, ou="Foix")
    store.present("another")
    tender.look()
    assert tender._worker is None
    with_one = Tender(tmp_path / "elsewhere", EmbeddedJobs(tmp_path / "elsewhere"))
    put(with_one.store, ou="Foix")
    with_one.look()
    assert with_one._worker is not None and with_one._worker.poll() is None
    until(with_one.store.is_worked)
    with_one.end()
    assert with_one._worker is None


def test_files_go_with_the_answer_they_are_of(
    store: EmbeddedJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmbeddedJobs, "sweep", lambda _store: ["abc"])
    (tmp_path / "jobs" / "abc").mkdir(parents=True)
    (tmp_path / "jobs" / "def").mkdir()
    for folder in ("jobs", "studies"):  # drafts of who was killed, two days ago
        draft = tmp_path / folder / ".draft"
        draft.mkdir(parents=True)
        os.utime(draft, (time.time() - 2 * 86_400,) * 2)
    sweep(store, tmp_path)
    assert [one.name for one in (tmp_path / "jobs").iterdir()] == ["def"]
    assert list((tmp_path / "studies").iterdir()) == []


def test_a_child_has_no_more_memory_than_its_budget() -> None:
    asked = "from geoguichet.portal.jobs.child import _limit; _limit(1 << 29); bytearray(1 << 30)"
    ended = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1 and "MemoryError" in ended.stderr
