"""Several processes on one port: what one is told the others know, and one that dies is replaced."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from geoguichet.cli import main
from geoguichet.portal.serving import watch
from geoguichet.portal.serving.admission import gates
from geoguichet.portal.serving.workers import Member

if not sys.platform.startswith("linux"):
    pytest.skip("only Linux deals out the connections of a port", allow_module_level=True)

ITEMS = "/collections/catalogue/items"


def children_of(pid: int) -> list[int]:
    """Those that answer: the processes that one began, but what multiprocessing has for itself."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    each = {int(one): Path(f"/proc/{one}/cmdline").read_bytes() for one in told.split()}
    return [one for one, line in each.items() if b"spawn_main" in line]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, records_of_the_tests, serve_apart):
    workspace = tmp_path_factory.mktemp("workers")
    records_of_the_tests(workspace)
    with serve_apart(workspace, "--workers", "2") as made:
        yield made


def test_an_edit_made_by_one_is_seen_by_all_at_once(served) -> None:
    path = f"{ITEMS}/forets?f=json"
    for turn in range(5):
        record = served.ask(path).json()
        record["properties"]["title"] = f"Forêts, {turn}"
        assert served.ask(f"{ITEMS}/forets", "PUT", json=record).status_code == 204
        read = [served.ask(path) for _time in range(8)]
        assert {one.json()["properties"]["title"] for one in read} == {f"Forêts, {turn}"}
        assert len({one.headers["ETag"] for one in read}) == 1
        found = {
            served.ask(f"{ITEMS}?f=json&q=forêts").text.count(f"Forêts, {turn}") for _ in "1234"
        }
        assert found == {1}


def test_metrics_are_those_of_all_and_each_has_an_access_log(served) -> None:
    def answered() -> int:
        told = served.ask("/metrics").text
        return sum(map(int, re.findall(r'requests_total\{.*status="404"\} (\d+)', told)))

    before = answered()
    for _time in range(12):
        assert served.ask("/nothing-is-here").status_code == 404
    time.sleep(1.5)  # the others are told each second
    assert {answered() - before for _time in range(6)} == {12}
    logs = [served.log.parent / f"a-{number}.jsonl" for number in (1, 2)]
    lines = [one.read_text().count("nothing-is-here") for one in logs]
    assert sum(lines) == 12


def test_one_that_is_killed_is_replaced_and_it_is_told(served) -> None:
    first, second = children_of(served.process.pid)
    merge = {"properties": {"title": "Tel qu'il a été dit"}}
    edited = [f"{ITEMS}/jeu-{number:02d}" for number in range(13)]
    assert {served.ask(one, "PATCH", json=merge).status_code for one in edited} == {204}
    began, failed = time.monotonic(), 0.0
    os.kill(first, signal.SIGKILL)
    while time.monotonic() < began + 60:
        there = children_of(served.process.pid)
        if first not in there and len(there) == 2:
            break
        try:
            assert served.ask(f"{ITEMS}/forets?f=json").status_code == 200  # by the other
        except requests.ConnectionError:  # the one that dies takes what it had with it
            failed = time.monotonic() - began
    assert failed < 2
    kept = {served.ask(f"{one}?f=json").json()["properties"]["title"] for one in edited}
    assert kept == {"Tel qu'il a été dit"}
    assert first not in children_of(served.process.pid) and second in children_of(
        served.process.pid
    )
    assert re.search(
        r"process \d+ of the server \(number \d\) ended \(-9\)", served.log.read_text()
    )


def test_tries_in_vain_are_counted_together(served) -> None:
    url = f"http://127.0.0.1:{served.port}{ITEMS}/forets"
    wrong = {"Authorization": "Bearer nobody", "Connection": "close"}
    codes = [requests.delete(url, headers=wrong, timeout=30).status_code for _try in range(24)]
    assert codes[:20] == [401] * 20 and 429 in codes[20:]


def test_a_port_that_processes_share_is_taken_for_others(
    served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["serve", "--workers", "2", "--port", str(served.port), "--workspace", str(tmp_path)]
    assert main(words) == 2
    assert f"Le port {served.port}" in capsys.readouterr().err


def test_all_end_within_five_seconds(served) -> None:
    children = children_of(served.process.pid)
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(10) == 0
    assert time.monotonic() - began < 5.5
    assert not any(Path(f"/proc/{one}").exists() for one in children)


SCRIPT = """
import sys, time
from geoguichet.floor.errors import GeoguichetError
from geoguichet.portal.serving.workers import serve_by_several

def answer(member, on_ready):
    if sys.argv[1] == "refused" and member.number == 2:
        raise GeoguichetError("what is wrong")
    if sys.argv[1] == "broken":
        sys.exit(3)
    on_ready()
    time.sleep(60)

if __name__ == "__main__":
    serve_by_several(answer, 2, lambda: print("ready", flush=True))
"""


def begun(folder: Path, how: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    words = [sys.executable, str(folder / "script.py"), how]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_they_end_when_who_began_them_is_killed(tmp_path: Path) -> None:
    with begun(tmp_path, "well") as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        children = children_of(process.pid)
        assert len(children) == 2
        process.kill()
        process.wait()
        end = time.monotonic() + 10
        while any(Path(f"/proc/{one}").exists() for one in children) and time.monotonic() < end:
            time.sleep(0.05)
        assert not [one for one in children if Path(f"/proc/{one}").exists()]


@pytest.mark.parametrize(
    ("how", "told"), [("refused", "what is wrong"), ("broken", "s'est arrêté avant de répondre")]
)
def test_when_one_cannot_begin_none_is_left(how: str, told: str, tmp_path: Path) -> None:
    with begun(tmp_path, how) as process:
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 1 and output == "" and told in errors


def test_a_successor_counts_on(tmp_path: Path) -> None:
    first = watch.Counts(gates(), Member(1, tmp_path))
    first.add("light", "GET", 200, 0.01)
    end, told = time.monotonic() + 10, tmp_path / "1.counts"
    while not (told.exists() and "'GET'" in told.read_text()) and time.monotonic() < end:
        time.sleep(0.1)
    assert 'status="200"} 1\n' in watch.Counts(gates(), Member(1, tmp_path)).text()
    assert 'status="200"} 1\n' in watch.Counts(gates(), Member(2, tmp_path)).text()
