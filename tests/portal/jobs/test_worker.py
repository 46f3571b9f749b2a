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
from typing import Any

import pytest

from geoguichet.floor.viewer import PUBLIC
from geoguichet.portal.jobs import stored
from geoguichet.portal.jobs.contract import Budget, Job, JobError, JobStore, Question, Result
from geoguichet.portal.jobs.stores import jobs_of
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
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\\n")
    if "cut" in inputs and not os.path.exists(inputs["cut"]):
        open(inputs["cut"], "w").close()
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdout.buffer.write(body)
    sys.stdout.flush()
"""


def put(store: JobStore, seconds: float = 60, **inputs: object) -> str:
    budget = Budget(seconds, 1 << 32)
    return store.submit(Question("nearest", inputs, PUBLIC), budget, viewer=PUBLIC).id


@contextmanager
def at_work(store: JobStore, workspace: Path) -> Iterator[Worker]:
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


def job(store: JobStore, name: str) -> Job:
    return store.job(name, viewer=PUBLIC)


def child_of(store: JobStore, name: str) -> int:
    """Wait for the child that answers a job, and return its number."""
    until(lambda: job(store, name).message.startswith("child"))
    return int(job(store, name).message.split()[1])


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_answers_one_job_after_the_other(store: JobStore, tmp_path: Path) -> None:
    names = [put(store, n=n) for n in range(3)]
    with at_work(store, tmp_path):
        until(lambda: store.waiting() == 0)
        results = [store.result(name, viewer=PUBLIC) for name in names]
    assert [result.body for result in results if result] == [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}']
    told = {line for name in names for _at, line in store.log(name, viewer=PUBLIC)}
    assert len([line for line in told if line.startswith("child")]) == 1  # one child for all


def test_an_answer_whose_end_was_lost_with_its_child_is_made_again(
    store: JobStore, tmp_path: Path
) -> None:
    name = put(store, cut=str(tmp_path / "once"))
    with at_work(store, tmp_path):
        until(lambda: job(store, name).has_ended)
    result = store.result(name, viewer=PUBLIC)
    assert result is not None and b'"cut"' in result.body
    assert (job(store, name).state, job(store, name).attempts) == ("successful", 2)


def test_a_dismissed_job_is_killed_within_two_seconds(store: JobStore, tmp_path: Path) -> None:
    name = put(store, sleeps=60)
    with at_work(store, tmp_path):
        child = child_of(store, name)
        store.dismiss(name, viewer=PUBLIC)
        until(lambda: not is_there(child), 2)
        after = put(store, n=1)
        until(lambda: job(store, after).state == "successful")
    assert job(store, name).state == "dismissed"


def test_a_job_that_takes_too_long_fails(store: JobStore, tmp_path: Path) -> None:
    name = put(store, seconds=0.5, sleeps=60)
    with at_work(store, tmp_path):
        child = child_of(store, name)
        until(lambda: job(store, name).has_ended)
    assert job(store, name).state == "failed" and "de calcul" in job(store, name).message
    assert not is_there(child)


def test_a_job_that_loses_its_child_each_time_fails(
    store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MOST_ATTEMPTS", 6)
    dies, breaks = put(store, dies=True), put(store, breaks=True)
    with at_work(store, tmp_path):
        until(lambda: store.waiting() == 0)
    assert (job(store, dies).state, job(store, dies).attempts) == ("failed", 6)
    assert (job(store, breaks).state, job(store, breaks).attempts) == ("failed", 1)


def test_a_worker_that_is_told_to_end_hands_its_job_back(store: JobStore, tmp_path: Path) -> None:
    name = put(store, sleeps=60)
    with at_work(store, tmp_path):
        child = child_of(store, name)
    assert job(store, name).state == "accepted" and not is_there(child)


def test_a_killed_worker_takes_its_child_along_and_another_ends_the_job(
    store: JobStore, tmp_path: Path, later: Callable[[float], None]
) -> None:
    name = put(store, sleeps=1)
    program = f"""
import sys
from pathlib import Path
from geoguichet.portal.jobs.stores import jobs_of
from geoguichet.portal.jobs.worker import Worker
here = Path({str(tmp_path)!r})
Worker(jobs_of(here), here, program=[sys.executable, "-c", {PROGRAM!r}]).run()
"""
    dead = subprocess.Popen([sys.executable, "-c", program])
    child = child_of(store, name)
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    until(lambda: not is_there(child), 5)
    later(11)
    with at_work(store, tmp_path):
        until(lambda: job(store, name).has_ended)
    ended = job(store, name)
    assert (ended.state, ended.attempts) == ("successful", 2)
    assert [said for _at, said in store.log(name, viewer=PUBLIC)].count("Terminé.") == 1


def test_a_portal_has_a_worker_when_jobs_wait_and_nobody_works(
    store: JobStore, tmp_path: Path
) -> None:
    tender = Tender(tmp_path, store)
    tender.look()
    assert tender._worker is None
    with_one = Tender(tmp_path / "elsewhere", jobs_of(tmp_path / "elsewhere"))
    put(with_one.store, ou="Foix")
    with_one.look()
    assert with_one._worker is not None and with_one._worker.poll() is None
    until(with_one.store.is_worked)
    with_one.end()
    assert with_one._worker is None
    put(store, ou="Foix")
    store.present("another")
    tender.look()
    assert tender._worker is None


def test_files_go_with_the_answer_they_are_of(
    store: JobStore, tmp_path: Path, later: Callable[[float], None]
) -> None:
    name = put(store, n=1)
    digest = store.job(name, viewer=PUBLIC).digest
    lease = store.lease("w")
    assert lease is not None and store.end(lease, "successful", result=Result("text/plain", b"1"))
    two_days_ago = (time.time() - 2 * 86_400,) * 2
    for folder in ("jobs/abc", f"jobs/{digest}", "jobs/.draft", "studies/.draft"):
        (tmp_path / folder).mkdir(parents=True)
        os.utime(tmp_path / folder, two_days_ago)
    (tmp_path / "jobs" / "def").mkdir()  # it is being written
    sweep(store, tmp_path)
    kept = {one.name for one in (tmp_path / "jobs").iterdir()}
    assert kept == {"def", digest}  # that of who dismissed a study that was written is gone
    assert list((tmp_path / "studies").iterdir()) == []
    later(8 * 86_400)
    sweep(store, tmp_path, older_s=0)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_worker_bears_that_its_jobs_are_out_of_reach_for_a_while(
    store: JobStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    name, is_away = put(store, sleeps=0.5), threading.Event()

    def away(of: str) -> Callable[..., Any]:
        asked = getattr(store, of)

        def answered(*given: Any) -> Any:
            if is_away.is_set():
                raise JobError("nobody answers")
            return asked(*given)

        return answered

    for of in ("present", "lease", "keep", "tell", "end", "give_back", "calls"):
        monkeypatch.setattr(store, of, away(of))
    with at_work(store, tmp_path):
        child_of(store, name)
        is_away.set()
        time.sleep(1)
        assert job(store, name).state == "running"
        is_away.clear()
        until(lambda: job(store, name).has_ended)
    assert (job(store, name).state, job(store, name).attempts) == ("successful", 1)
    assert capfd.readouterr().err.count("nobody answers") == 1


def test_a_child_has_no_more_memory_than_its_budget() -> None:
    asked = "from geoguichet.portal.jobs.child import _limit; _limit(1 << 29); bytearray(1 << 30)"
    ended = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1 and "MemoryError" in ended.stderr
