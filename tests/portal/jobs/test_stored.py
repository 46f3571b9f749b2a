"""What any store of jobs keeps: states, who sees what, leases that a dead worker loses."""

import threading
import time
from collections.abc import Callable

import pytest

from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer
from geoguichet.portal.jobs import contract, stored
from geoguichet.portal.jobs.contract import (
    Asked,
    Budget,
    JobNotFoundError,
    JobStore,
    Question,
    Result,
    TooManyJobsError,
)

ANNE, BOB = Viewer("p1"), Viewer("p2", frozenset({("200053791", "editor")}))
BUDGET = Budget(60, 1 << 30)
ANSWER = Result("application/json", b'{"zones": 3}')


def asked(viewer: Viewer = ANNE, **inputs: object) -> Question:
    return Question("white-zones", inputs, viewer)


def put(store: JobStore, viewer: Viewer = ANNE, **inputs: object) -> contract.Job:
    return store.submit(asked(viewer, **inputs), BUDGET, viewer=viewer)


def lend(store: JobStore, worker: str = "w") -> contract.Lease:
    lease = store.lease(worker)
    assert lease is not None
    return lease


def test_a_job_goes_from_accepted_to_its_answer(store: JobStore) -> None:
    job = put(store, size=3)
    assert (job.state, job.owner, job.attempts, job.has_ended) == ("accepted", "p1", 0, False)
    lease = lend(store)
    assert lease.job.id == job.id and lease.job.state == "running" and lease.budget == BUDGET
    assert lease.question == asked(size=3) and store.lease("another") is None
    assert store.tell(lease, 40, "distances") and store.result(job.id, viewer=ANNE) is None
    told = store.job(job.id, viewer=ANNE)
    assert (told.progress, told.message, told.state) == (40, "distances", "running")
    assert store.end(lease, "successful", result=ANSWER)
    ended = store.job(job.id, viewer=ANNE)
    assert (ended.state, ended.progress, ended.attempts) == ("successful", 100, 1)
    assert ended.started is not None and ended.finished is not None
    assert store.result(job.id, viewer=ANNE) == ANSWER and store.waiting() == 0
    said = [line for _at, line in store.log(job.id, viewer=ANNE)]
    assert said[1:] == ["distances", "Terminé."]


def test_who_works_speaks_the_language_of_who_asked(store: JobStore) -> None:
    question = Question("study", {}, ANNE, "en")
    job = store.submit(question, BUDGET, viewer=ANNE)
    assert store.end(lend(store), "successful", result=ANSWER)
    said = [line for _at, line in store.log(job.id, viewer=ANNE)]
    assert said == ["Taken up.", "Done."] and store.job(job.id, viewer=ANNE).message == "Done."


def test_a_question_is_read_as_it_was_put(store: JobStore) -> None:
    question = Question("study", {"a": ["é", 1.5, None]}, BOB, "en", "ground")
    job = store.submit(question, BUDGET, viewer=BOB)
    assert store.question(job.id, viewer=BOB) == question
    assert Question.from_json(question.to_json()).digest == question.digest


def test_equal_questions_are_answered_at_once_while_the_answer_holds(store: JobStore) -> None:
    put(store, size=3)
    store.end(lend(store), "successful", result=ANSWER)
    again = put(store, size=3)
    assert again.state == "successful" and store.result(again.id, viewer=ANNE) == ANSWER
    assert put(store, size=4).state == "accepted"
    assert put(store, BOB, size=3).state == "accepted"  # who sees other things
    lost = store.submit(asked(size=3), BUDGET, viewer=ANNE, holds=lambda _result: False)
    assert lost.state == "accepted"


def test_a_job_is_seen_by_who_asked_and_an_anonymous_one_by_its_address(store: JobStore) -> None:
    mine, anonymous = put(store), put(store, PUBLIC)
    for ask in (store.job, store.log, store.result, store.question, store.dismiss):
        for viewer in (BOB, PUBLIC):
            with pytest.raises(JobNotFoundError):
                ask(mine.id, viewer=viewer)
    with pytest.raises(JobNotFoundError):
        store.job("nothing", viewer=ANNE)
    assert store.job(anonymous.id, viewer=PUBLIC).owner == ""
    assert [job.id for job in store.jobs(viewer=ANNE)[0]] == [mine.id]
    assert store.jobs(viewer=PUBLIC) == ([], 0)
    everything, count = store.jobs(viewer=MACHINE, limit=1)
    assert [job.id for job in everything] == [anonymous.id] and count == 2
    assert store.jobs(viewer=MACHINE, processes=("nothing",)) == ([], 0)
    assert store.jobs(viewer=ANNE, states=("accepted",))[1] == 1
    assert store.jobs(viewer=ANNE, created=(time.time() + 60, None))[1] == 0
    assert store.jobs(viewer=ANNE, created=(time.time() - 60, time.time()))[1] == 1
    assert store.jobs(viewer=ANNE, lasted=(3, 4))[1] == 0  # it has not begun


def test_a_worker_that_dies_loses_its_job_and_can_say_nothing_more(
    store: JobStore, later: Callable[[float], None]
) -> None:
    job = put(store)
    dead = lend(store, "dead")
    assert store.lease("alive") is None
    later(contract.LEASE_S + 1)
    alive = lend(store, "alive")
    assert alive.job.id == job.id and alive.job.attempts == 2
    assert not store.keep(dead) and not store.tell(dead, 90, "presque")
    assert not store.end(dead, "failed", "perdu")
    assert store.keep(alive) and store.end(alive, "successful", result=ANSWER)
    assert not store.end(alive, "failed")
    assert store.job(job.id, viewer=ANNE).state == "successful"
    said = [line for _at, line in store.log(job.id, viewer=ANNE)]
    assert said.count("Terminé.") == 1 and "perdu" not in said


def test_what_kills_every_worker_fails_in_the_end(
    store: JobStore, later: Callable[[float], None]
) -> None:
    job = put(store)
    for _attempt in range(contract.MOST_ATTEMPTS):
        lend(store)
        later(20)
    assert store.lease("w") is None
    ended = store.job(job.id, viewer=ANNE)
    assert ended.state == "failed" and str(contract.MOST_ATTEMPTS) in ended.message


def test_those_of_people_are_done_before_those_of_nobody_known(store: JobStore) -> None:
    put(store, PUBLIC, n=1)
    later = put(store, ANNE, n=2)
    assert lend(store).job.id == later.id


def test_what_is_interrupted_again_and_again_waits_behind_the_others(store: JobStore) -> None:
    first, second = put(store, n=1), put(store, n=2)
    lent = []
    for _attempt in range(contract.PATIENCE + 2):
        lease = lend(store)
        lent.append(lease.job.id)
        store.give_back(lease)
    assert lent == [first.id] * (contract.PATIENCE + 1) + [second.id]


def test_a_worker_that_stops_hands_its_job_back(store: JobStore) -> None:
    job = put(store)
    lease = lend(store)
    store.give_back(lease)
    assert not store.keep(lease)
    again = lend(store)
    assert (again.job.id, again.job.attempts) == (job.id, 2)
    store.give_back(again)
    assert lend(store).job.attempts == 3 and not store.keep(again)


def test_a_dismissed_job_is_the_workers_no_longer(store: JobStore) -> None:
    job = put(store)
    lease = lend(store)
    assert store.dismiss(job.id, viewer=ANNE).state == "dismissed"
    assert not store.keep(lease) and not store.end(lease, "successful", result=ANSWER)
    assert [line for _at, line in store.log(job.id, viewer=ANNE)].count("Abandonné.") == 1
    assert store.dismiss(job.id, viewer=ANNE).state == "dismissed"  # and is forgotten
    with pytest.raises(JobNotFoundError):
        store.job(job.id, viewer=ANNE)


def test_so_many_wait_at_most(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MOST_ANONYMOUS", 2)
    put(store, PUBLIC, n=1)
    put(store, PUBLIC, n=2)
    with pytest.raises(TooManyJobsError):
        put(store, PUBLIC, n=3)
    put(store, ANNE, n=3)


def test_who_is_called_back_is_told_until_it_was(store: JobStore) -> None:
    called = {
        "successUri": "https://a.example/ok",
        "inProgressUri": "https://a.example/begun",
        "failedUri": "https://a.example/no",
    }
    store.submit(asked(), BUDGET, Asked("document", called), viewer=ANNE)
    assert store.calls() == []
    lease = lend(store)
    (begun,) = store.calls()
    assert store.calls() == []  # another worker does it
    assert (begun.kind, begun.address) == ("inProgressUri", "https://a.example/begun")
    store.was_called(begun)
    store.end(lease, "successful", result=ANSWER)
    (ended,) = store.calls()
    assert ended.kind == "successUri" and ended.job.response == "document"
    store.was_called(ended)
    assert store.calls() == []


def test_a_worker_says_that_it_is_there(store: JobStore) -> None:
    put(store)
    assert not store.is_worked()
    store.present("w")
    assert store.is_worked()


def test_what_ended_long_ago_is_forgotten(store: JobStore, later: Callable[[float], None]) -> None:
    old = put(store, n=1)
    store.end(lend(store), "successful", result=ANSWER)
    waiting = put(store, n=2)
    store.sweep()
    assert store.kept(old.digest) == ANSWER
    later(contract.KEPT_S + 60)
    store.sweep()
    assert store.kept(old.digest) is None
    with pytest.raises(JobNotFoundError):
        store.job(old.id, viewer=ANNE)
    assert store.job(waiting.id, viewer=ANNE).state == "accepted"


def at_once(work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_each_job_is_lent_once_to_workers_that_ask_at_once(store: JobStore) -> None:
    jobs = {put(store, n=n).id for n in range(20)}
    lent: list[str] = []

    def work() -> None:
        while lease := store.lease("w"):
            lent.append(lease.job.id)
            store.end(lease, "successful", result=ANSWER)

    at_once(work)
    assert sorted(lent) == sorted(jobs)


def test_jobs_of_the_dead_are_lent_once_more_to_workers_that_ask_at_once(
    store: JobStore, later: Callable[[float], None]
) -> None:
    jobs = {put(store, n=n).id for n in range(20)}
    dead = [lend(store, "dead") for _job in jobs]
    later(contract.LEASE_S + 1)
    lent: list[contract.Job] = []

    def work() -> None:
        while lease := store.lease(f"alive {threading.get_ident()}"):
            lent.append(lease.job)

    at_once(work)
    assert sorted(job.id for job in lent) == sorted(jobs)
    assert {job.attempts for job in lent} == {2} and not any(map(store.keep, dead))


def test_what_is_said_may_hold_any_character(store: JobStore) -> None:
    job = put(store, name="\x00 \ud800")
    lease = lend(store)
    assert lease.question.inputs == {"name": "\x00 \ud800"}
    assert store.tell(lease, 1, "a\x00b \ud800") and store.end(lease, "failed", "\ud800\x00")
    assert store.job(job.id, viewer=ANNE).message == "??"
    with pytest.raises(JobNotFoundError):
        store.job("\x00\ud800", viewer=ANNE)
