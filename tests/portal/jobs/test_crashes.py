"""Jobs while everything that serves and works is killed (kill -9) at random: each ends once, its answer
has the bytes of an unbroken run, nothing is left behind, and readers hardly notice.

``GEOGUICHET_JOBS`` and ``GEOGUICHET_JOB_KILLS`` say how many studies are asked, by HTTP, of two servers
of two processes each and of two workers, and how many kills there are; without them a few questions go to
workers that are killed a few times. What is killed is started again at once, as systemd does; readers ask
the other server when one does not answer, as nginx does. Where jobs are in PostgreSQL, its server is killed
as the others are, with all of its processes.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.jobs.answering import answer
from geoguichet.portal.jobs.contract import Question
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.jobs.kinds import KINDS
from geoguichet.portal.jobs.stored import StoredJobs
from geoguichet.portal.jobs.stores import jobs_of
from geoguichet.portal.jobs.worker import sweep

JOBS, KILLS = (int(os.environ.get(f"GEOGUICHET_{name}", "0")) for name in ("JOBS", "JOB_KILLS"))
#: A worker whose leases run out sooner than those of a real one, for the few questions of `make test`.
HASTY = """
import os, sys
from pathlib import Path
from geoguichet.portal.jobs import embedded, worker
embedded.LEASE_S = 1.5
if "GEOGUICHET_DATABASE" in os.environ:
    from geoguichet.portal.jobs import postgres
    postgres.LEASE_S = 1.5
worker.work(Path(sys.argv[1]))
"""
GEOGUICHET = [sys.executable, "-P", "-m", "geoguichet.cli"]


def study(number: int) -> dict[str, Any]:
    return {
        "study": {"id": f"s{number:03d}", "title": f"Étude {number}"},
        "territory": {"name": "CC", "epci": ["200066231"], "buffer": "10 km"},
        "services": {
            "mairie": {
                "types": ["town_hall"],
                "min_hours_per_week": 20,
                "within": f"{4 + number / 1000} km",
            }
        },
        "rule": {"all": ["mairie"]},
    }


class Kept:
    """Programs, or a database, that are started again as soon as they end."""

    def __init__(self, log: Path, *programs: list[str], database: Any = None) -> None:
        self.programs, self.database, self.log = programs, database, log.open("wb")
        if database:
            self.programs = (database.program,)
        self.running = [self._start(program) for program in self.programs]
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._keep)
        self.thread.start()

    def _start(self, program: list[str]) -> subprocess.Popen[bytes]:
        if self.database:
            return self.database.start(self.log)
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        return subprocess.Popen(program, stdout=self.log, stderr=self.log, env=environment)

    def _keep(self) -> None:
        while not self.ended.wait(0.05):
            for at, process in enumerate(self.running):
                if process.poll() is not None:
                    self.running[at] = self._start(self.programs[at])

    def end(self) -> None:
        self.ended.set()
        self.thread.join()
        for process in self.running:
            process.send_signal(signal.SIGINT if self.database else signal.SIGTERM)
        for process in self.running:
            process.wait(timeout=30)
        self.log.close()


@contextmanager
def kept(log: Path, *programs: list[str], database: Any = None) -> Iterator[Kept]:
    crew = Kept(log, *programs, database=database)
    try:
        yield crew
    finally:
        crew.end()


def processes_of(workspace: Path) -> dict[int, str]:
    """All that serve, work or answer for a workspace, by their command lines, and who they started;
    each with what it does.
    """
    parents, found = dict[int, int](), dict[int, str]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if state != "Z":
            parents[int(folder.name)] = int(parent)
            if str(workspace).encode() in words:
                found[int(folder.name)] = "serves" if b"serve" in words else "works"
    for _depth in range(3):
        for process, parent in parents.items():
            if parent in found and process not in found:
                found[process] = found[parent]
    return found


def listening(port: int) -> int:
    """How many processes listen on a port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == "0A" for line in lines)


def kill_at_random(
    workspace: Path, kills: int, pause: tuple[float, float], chance: random.Random,
    may: Callable[[], bool], *, ports: Sequence[int] = (), base: Kept | None = None,
) -> Counter[str]:  # fmt: skip
    """Kill processes of a workspace, and its database, until there were so many kills, or ``may`` says no
    more; return how many of each did what. What serves, or the database, is spared until what was killed
    of it before has come back: all would be down.
    """
    done, kinds = Counter[str](), ["works"] * 4
    kinds += (["serves"] if ports else []) + (["keeps"] if base else [])
    while done.total() < kills and may():
        time.sleep(chance.uniform(*pause))
        kind, victims = chance.choice(kinds), list[int]()
        while not victims and may():
            time.sleep(0.05)
            if base and kind == "keeps":
                victims = [base.running[0].pid] if base.database.is_ready() else []
            elif kind == "works" or all(listening(port) == 2 for port in ports):
                victims = [one for one, does in processes_of(workspace).items() if does == kind]
        for victim in chance.sample(victims, min(1, len(victims))):
            with suppress(ProcessLookupError):
                base.database.kill(victim) if base and kind == "keeps" else os.kill(victim, 9)
                done[kind] += 1
    return done


def wait_until(found: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.2)


def check_ends(store: StoredJobs[Any], names: dict[str, bytes]) -> None:
    """Each job ended once, well, with these bytes."""
    for name, body in names.items():
        job = store.job(name, viewer=MACHINE)
        said = [line for _at, line in store.log(name, viewer=MACHINE)]
        result = store.result(name, viewer=MACHINE)
        assert job.state == "successful", f"{job} {said}"
        assert said.count("Terminé.") == 1 and said[-1] == "Terminé."
        assert result is not None and result.body == body


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The server of a database that may be killed; None for jobs in the workspace."""
    if request.param == "sqlite":
        monkeypatch.delenv("GEOGUICHET_DATABASE", raising=False)
        return None
    made = request.getfixturevalue("a_server")()
    monkeypatch.setenv("GEOGUICHET_DATABASE", made.address())
    return made


@contextmanager
def based(folder: Path, database: Any) -> Iterator[Kept | None]:
    """Keep the server of a database."""
    if database is None:
        yield None
        return
    with kept(folder / "database.txt", database=database) as base:
        database.until_it_answers()
        yield base


def test_questions_end_once_while_workers_are_killed(tmp_path: Path, database: Any) -> None:
    with based(tmp_path, database) as base:
        store, expected = jobs_of(tmp_path), dict[str, bytes]()
        for number in range(5):
            inputs = {"points": [[1.6 + number / 100, 43.0]], "within": ["1 km"]}
            question = Question("isochrones", inputs, MACHINE)
            job = store.submit(question, KINDS["isochrones"].budget, viewer=MACHINE)
            made = answer(question, Ground.of(tmp_path), lambda _progress, _said: None)
            expected[job.id] = made.body
        with kept(tmp_path / "log.txt", [sys.executable, "-c", HASTY, str(tmp_path)]):
            wait_until(lambda: any(job.attempts for job in store.jobs(viewer=MACHINE)[0]), 30)
            if base:
                database.kill(base.running[0].pid)
                time.sleep(0.1)
                database.until_it_answers()
            kill_at_random(tmp_path, 2, (0.2, 2.0), random.Random(1), lambda: store.waiting() > 0)
            wait_until(lambda: store.waiting() == 0, 90)
        check_ends(store, expected)
        wait_until(lambda: not processes_of(tmp_path), 5)


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Reader:
    """Asks for pages all the time, of one server or else of the other, and measures for how long one of
    the pages is not answered, and what the slowest answer takes.
    """

    def __init__(
        self, headers: Mapping[str, str | bytes], servers: Sequence[str], *pages: str
    ) -> None:
        self.headers, self.servers, self.pages = headers, servers, pages
        self.ended, self.longest = threading.Event(), dict.fromkeys(pages, 0.0)
        self.asked = self.failed = 0
        self.slowest = 0.0
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        since = dict.fromkeys(self.pages, 0.0)
        while not self.ended.wait(0.1):
            for page in self.pages:
                began = time.monotonic()
                is_well = any(self._is_answered(f"{server}{page}") for server in self.servers)
                now = time.monotonic()
                self.asked += 1
                self.failed += not is_well
                self.slowest = max(self.slowest, now - began)
                since[page] = since[page] or (0.0 if is_well else began)
                lasted = now - since[page] if since[page] else 0.0
                self.longest[page] = max(self.longest[page], lasted)
                since[page] = 0.0 if is_well else since[page]

    def _is_answered(self, address: str) -> bool:
        try:
            return requests.get(address, timeout=20, headers=self.headers).status_code < 500
        except requests.RequestException:
            return False

    def end(self) -> None:
        self.ended.set()
        self.thread.join()


@pytest.mark.skipif(not JOBS, reason="GEOGUICHET_JOBS asks for them")
def test_studies_end_once_while_servers_and_workers_are_killed(
    tmp_path: Path, open_accounts: Callable[[Path], dict[str, requests.Session]], database: Any
) -> None:
    place, unbroken = tmp_path / "place", tmp_path / "unbroken"
    place.mkdir()
    editor, ports = open_accounts(place)["editor"], [free_port(), free_port()]
    servers = [f"http://127.0.0.1:{port}" for port in ports]
    serve = [*GEOGUICHET, "serve", "--workspace", str(place), "--workers", "2"]
    serving = [[*serve, "--port", str(port)] for port in ports]
    working = [*GEOGUICHET, "worker", "--workspace", str(place)]
    store, names = jobs_of(place), dict[int, str]()

    def answers() -> bool:
        return all(listening(port) == 2 for port in ports)

    with based(tmp_path, database) as base:
        with kept(tmp_path / "log.txt", *serving, working, working):
            wait_until(answers, 300)
            for number in range(JOBS):
                told = editor.post(
                    f"{servers[number % 2]}/processes/study/execution",
                    json={"inputs": study(number)},
                    headers={"Prefer": "respond-async"},
                )
                assert told.status_code == 201, told.text
                names[number] = told.json()["jobID"]
            time.sleep(5)
            pages = ("/jobs?limit=1", f"/jobs/{names[JOBS - 1]}?f=json", "/collections?f=json")
            reader = Reader(editor.headers, servers, *pages)
            chance = random.Random(18)
            done = kill_at_random(
                place, KILLS, (0.5, 4.0), chance, lambda: True, ports=ports, base=base
            )
            if base:
                database.until_it_answers()
            wait_until(lambda: store.waiting() == 0, 3_600)
            reader.end()
        wait_until(lambda: not processes_of(place), 60)
        sweep(store, place, older_s=0)
        left = [one.name for one in (place / "studies").iterdir() if one.name.startswith(".")]
        expected = {}
        viewer = store.question(names[0], viewer=MACHINE).viewer
        for number, name in names.items():
            question = Question("study", study(number), viewer)
            made = answer(question, Ground.of(unbroken), lambda _progress, _said: None)
            expected[name] = made.body
        check_ends(store, expected)
        for number, name in names.items():
            manifest = place / "studies" / f"s{number:03d}" / "manifest.json"
            told = json.loads(expected[name])["outputs"]
            assert json.loads(manifest.read_bytes())["outputs"] == told
        attempts = sum(store.job(name, viewer=MACHINE).attempts for name in names.values())
    print(
        f"\n{len(names)} studies, {done['serves']} kills of servers, {done['works']} of workers, "
        f"{done['keeps']} of the database, {attempts} attempts; {reader.asked} requests, "
        f"{reader.failed} failed, a page was not answered for {max(reader.longest.values()):.2f} s "
        f"at most, the slowest answer took {reader.slowest:.2f} s"
    )
    assert done.total() == KILLS and left == [] and max(reader.longest.values()) < 2
