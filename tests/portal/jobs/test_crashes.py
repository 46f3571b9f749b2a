"""Jobs while everything that serves and works is killed (kill -9) at random: each ends once, its answer
has the bytes of an unbroken run, nothing is left behind, and readers hardly notice.

``GEOGUICHET_JOBS`` and ``GEOGUICHET_JOB_KILLS`` say how many studies are asked, by HTTP, of two servers
of two processes each on one port and of two workers, and how many kills there are; without them a few
questions go to workers that are killed a few times. What is killed is started again at once, as systemd
does.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.jobs.answering import answer
from geoguichet.portal.jobs.contract import Question
from geoguichet.portal.jobs.embedded import EmbeddedJobs
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.jobs.kinds import KINDS
from geoguichet.portal.jobs.worker import sweep

JOBS, KILLS = (int(os.environ.get(f"GEOGUICHET_{name}", "0")) for name in ("JOBS", "JOB_KILLS"))
#: A worker whose leases run out sooner than those of a real one, for the few questions of `make test`.
HASTY = """
import sys
from pathlib import Path
from geoguichet.portal.jobs import embedded, worker
embedded.LEASE_S = 1.5
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
    """Programs that are started again as soon as they end."""

    def __init__(self, log: Path, *programs: list[str]) -> None:
        self.programs, self.log = programs, log.open("wb")
        self.running = [self._start(program) for program in programs]
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._keep)
        self.thread.start()

    def _start(self, program: list[str]) -> subprocess.Popen[bytes]:
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
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(timeout=30)
        self.log.close()


@contextmanager
def kept(log: Path, *programs: list[str]) -> Iterator[Kept]:
    crew = Kept(log, *programs)
    try:
        yield crew
    finally:
        crew.end()


def processes_of(workspace: Path) -> dict[int, bool]:
    """All that serve, work or answer for a workspace, by their command lines, and who they started;
    each with whether it serves.
    """
    parents, found = dict[int, int](), dict[int, bool]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if state != "Z":
            parents[int(folder.name)] = int(parent)
            if str(workspace).encode() in words:
                found[int(folder.name)] = b"serve" in words
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
    may: Callable[[], bool], *, port: int = 0,
) -> dict[bool, int]:  # fmt: skip
    """Kill processes of a workspace until there were so many kills, or ``may`` says no more; return how
    many served, and how many did not. What serves is spared while some of what was killed before has
    not come back: starting takes longer than the pause here, and all would be down.
    """
    done = {True: 0, False: 0}
    while sum(done.values()) < kills and may():
        time.sleep(chance.uniform(*pause))
        is_whole = not port or listening(port) == 4
        there = processes_of(workspace)
        victims = [one for one, serves in there.items() if is_whole or not serves]
        if victims:
            victim = chance.choice(victims)
            try:
                os.kill(victim, signal.SIGKILL)
                done[there[victim]] += 1
            except ProcessLookupError:
                continue
    return done


def wait_until(found: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.2)


def check_ends(store: EmbeddedJobs, names: dict[str, bytes]) -> None:
    """Each job ended once, well, with these bytes."""
    for name, body in names.items():
        job = store.job(name, viewer=MACHINE)
        said = [line for _at, line in store.log(name, viewer=MACHINE)]
        result = store.result(name, viewer=MACHINE)
        assert job.state == "successful", f"{job} {said}"
        assert said.count("Terminé.") == 1 and said[-1] == "Terminé."
        assert result is not None and result.body == body


def test_questions_end_once_while_workers_are_killed(tmp_path: Path) -> None:
    store, expected = EmbeddedJobs(tmp_path), dict[str, bytes]()
    for number in range(5):
        inputs = {"points": [[1.6 + number / 100, 43.0]], "within": ["1 km"]}
        question = Question("isochrones", inputs, MACHINE)
        job = store.submit(question, KINDS["isochrones"].budget, viewer=MACHINE)
        made = answer(question, Ground.of(tmp_path), lambda _progress, _said: None)
        expected[job.id] = made.body
    with kept(tmp_path / "log.txt", [sys.executable, "-c", HASTY, str(tmp_path)]):
        wait_until(lambda: any(job.attempts for job in store.jobs(viewer=MACHINE)[0]), 30)
        kill_at_random(tmp_path, 2, (0.2, 2.0), random.Random(1), lambda: store.waiting() > 0)
        wait_until(lambda: store.waiting() == 0, 90)
    check_ends(store, expected)
    wait_until(lambda: not processes_of(tmp_path), 5)


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Reader:
    """Asks for a page all the time, and measures for how long nothing answers."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.ended = addresses, threading.Event()
        self.longest = self.asked = self.failed = 0.0
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        since = 0.0
        while not self.ended.wait(0.1):
            for address in self.addresses:
                began = time.monotonic()
                try:
                    is_well = requests.get(address, timeout=20).status_code < 500
                except requests.RequestException:
                    is_well = False
                self.asked += 1
                self.failed += not is_well
                since = since or (0.0 if is_well else began)
                self.longest = max(self.longest, time.monotonic() - since if since else 0.0)
                since = 0.0 if is_well else since

    def end(self) -> None:
        self.ended.set()
        self.thread.join()


@pytest.mark.skipif(not JOBS, reason="GEOGUICHET_JOBS asks for them")
def test_studies_end_once_while_servers_and_workers_are_killed(
    tmp_path: Path, open_accounts: Callable[[Path], dict[str, requests.Session]]
) -> None:
    place, unbroken = tmp_path / "place", tmp_path / "unbroken"
    place.mkdir()
    editor, port = open_accounts(place)["editor"], free_port()
    url = f"http://127.0.0.1:{port}"
    serving = [
        *GEOGUICHET,
        "serve",
        "--workspace",
        str(place),
        "--port",
        str(port),
        "--workers",
        "2",
    ]
    working = [*GEOGUICHET, "worker", "--workspace", str(place)]
    store, names = EmbeddedJobs(place), dict[int, str]()

    def answers() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    with kept(tmp_path / "log.txt", serving, serving, working, working) as crew:
        wait_until(answers, 300)
        for number in range(JOBS):
            told = editor.post(
                f"{url}/processes/study/execution",
                json={"inputs": study(number)},
                headers={"Prefer": "respond-async"},
            )
            assert told.status_code == 201, told.text
            names[number] = told.json()["jobID"]
        time.sleep(5)
        reader = Reader(f"{url}/jobs?limit=1", f"{url}/collections?f=json")
        wait_until(lambda: listening(port) == 4, 300)
        chance = random.Random(18)
        done = kill_at_random(place, KILLS, (0.5, 4.0), chance, lambda: True, port=port)
        wait_until(lambda: store.waiting() == 0, 3_600)
        reader.end()
        crew.ended.set()
    wait_until(lambda: not processes_of(place), 60)
    sweep(store, place, older_s=0)
    left = [one.name for one in (place / "studies").iterdir() if one.name.startswith(".")]
    expected = {}
    viewer = store.question(names[0], viewer=MACHINE).viewer
    for number, name in names.items():
        question = Question("study", study(number), viewer)
        expected[name] = answer(question, Ground.of(unbroken), lambda _progress, _said: None).body
    check_ends(store, expected)
    for number, name in names.items():
        manifest = place / "studies" / f"s{number:03d}" / "manifest.json"
        told = json.loads(expected[name])["outputs"]
        assert json.loads(manifest.read_bytes())["outputs"] == told
    attempts = sum(store.job(name, viewer=MACHINE).attempts for name in names.values())
    print(
        f"\n{len(names)} studies, {done[True]} kills of servers, {done[False]} of workers, "
        f"{attempts} attempts; {reader.asked:.0f} requests, "
        f"{reader.failed:.0f} failed, nothing answered for {reader.longest:.2f} s at most"
    )
    assert sum(done.values()) == KILLS and left == [] and reader.longest < 2
