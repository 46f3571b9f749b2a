"""The exact solver obeys: limits, cancellation, a child that dies, Ctrl-C, and it says what it
knew.
"""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from geoguichet.coverage.siting import bounds, mixed_integer, portfolio
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.problem import Problem, SiteRules, Watch, state


def scattered(count: int, radius: float) -> tuple[sparse.csr_array, np.ndarray]:
    rng = np.random.default_rng(7)
    points = rng.random((count, 2))
    near = np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1)) < radius
    return sparse.csr_array(near), rng.integers(1, 1000, count).astype(float)


def hard() -> Problem:
    """A problem that keeps the solver busy for minutes."""
    cover, weight = scattered(900, 0.12)
    return state(cover, weight, count=20, rules=SiteRules()).problem


def test_a_small_program_is_solved_in_a_child() -> None:
    cover, weight = scattered(90, 0.2)
    problem = state(cover, weight, count=4, rules=SiteRules()).problem
    assert problem.cover.nnz > mixed_integer.TINY
    outcome = mixed_integer.solve(mixed_integer.covering(problem), watch=Watch(60))
    assert outcome.ending == "solved" and outcome.chosen is not None
    assert problem.value(outcome.chosen) == pytest.approx(outcome.bound)


def small_but_hard() -> mixed_integer.Program:
    """A program solved in this process that would take minutes: who covers whom is drawn by lot."""
    rng = np.random.default_rng(7)
    cover = sparse.csr_array(rng.random((400, 150)) < 0.06)
    weight = rng.integers(1, 1000, 400).astype(float)
    program = mixed_integer.covering(state(cover, weight, count=20, rules=SiteRules()).problem)
    assert mixed_integer.TINY < program.matrix.nnz <= mixed_integer.SMALL
    return program


@pytest.mark.parametrize(
    "make", [small_but_hard, lambda: mixed_integer.covering(hard())], ids=["here", "child"]
)
def test_the_time_limit_is_overrun_by_little(make: Callable[[], mixed_integer.Program]) -> None:
    program, watch = make(), Watch(1.0)
    outcome = mixed_integer.solve(program, watch=watch)
    assert outcome.ending in {"stopped", "solved"}
    assert watch.seconds <= 1.1 + 1.0 + 2.0, (
        "10 % + 1 s, and 2 s for a loaded machine to start and end a process"
    )


def test_cancelling_stops_the_child_at_once() -> None:
    cancel = threading.Event()
    program = mixed_integer.covering(hard())
    threading.Timer(1.0, cancel.set).start()
    watch = Watch(60, cancel)
    outcome = mixed_integer.solve(program, watch=watch)
    assert outcome.ending == "cancelled" and watch.seconds < 1.0 + 2.0
    assert not children()


def test_cancelling_stops_the_solver_in_this_process() -> None:
    cancel = threading.Event()
    program = small_but_hard()
    threading.Timer(0.5, cancel.set).start()
    watch = Watch(60, cancel)
    outcome = mixed_integer.solve(program, watch=watch)
    assert outcome.ending == "cancelled" and watch.seconds < 0.5 + 2.0


def test_ctrl_c_stops_the_solver_in_this_process() -> None:
    program, before = small_but_hard(), signal.getsignal(signal.SIGINT)
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a job in a shell's background starts without it
    try:
        watch = Watch(60)
        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            mixed_integer.solve(program, watch=watch)
        assert (
            watch.seconds < 0.5 + 2.0
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_cancelled_plan_keeps_the_best_answer_known() -> None:
    cancel = threading.Event()
    cover, weight = scattered(900, 0.12)
    threading.Timer(1.5, cancel.set).start()
    plan = maximal_covering(cover, weight, 20, cancel=cancel)
    assert plan.status == "interrupted" and plan.seconds < 1.5 + 2.0
    assert 0 < plan.value <= plan.bound


class Killed(subprocess.Popen[bytes]):
    """A child that is killed as soon as it has said something."""

    def __init__(self, *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        assert isinstance(self.stdout, io.BufferedReader)
        self.stdout.peek(1)
        self.kill()


def test_a_killed_child_is_reported_and_the_best_answer_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cover, weight = scattered(900, 0.12)
    monkeypatch.setattr(subprocess, "Popen", Killed)
    plan = maximal_covering(cover, weight, 20, time_limit_s=60)
    assert plan.status == "solver_lost" and "died" in plan.method
    assert 0 < plan.value <= plan.bound and plan.gap < 0.1


def test_ctrl_c_leaves_no_child_behind(tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import numpy as np\nfrom scipy import sparse\n"
        "from geoguichet.coverage.siting.covering import maximal_covering\n"
        "points = np.random.default_rng(7).random((900, 2))\n"
        "near = np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1)) < 0.12\n"
        "print('ready', flush=True)\n"
        "maximal_covering(sparse.csr_array(near), np.arange(900.0), 20, time_limit_s=100)\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while not (grandchildren := children(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=5)
    assert b"KeyboardInterrupt" in said
    assert grandchildren
    # Caught while the child was being born, Ctrl-C leaves it to notice that its parent is gone:
    # soon, not at once.
    deadline = time.monotonic() + 2
    while any(map(runs, grandchildren)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, grandchildren))


def runs(process: int) -> bool:
    """Whether a process is there and still runs: an orphan that ended may wait to be reaped."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@pytest.fixture
def everything_is_vast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Relax in the child and search here at once, as for the largest problems."""
    monkeypatch.setattr(portfolio, "_MANY", 0)
    monkeypatch.setattr(portfolio, "_VAST", 0)


@pytest.mark.usefixtures("everything_is_vast")
def test_searching_while_the_child_relaxes_gives_equal_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "rounds", lambda problem, limit_s: 200)
    cover, weight = scattered(330, 0.17)
    plans = [maximal_covering(cover, weight, 10, time_limit_s=60) for _ in range(2)]
    assert (plans[0].sites, plans[0].bound, plans[0].status) == (
        plans[1].sites,
        plans[1].bound,
        "optimal",
    )


@pytest.mark.usefixtures("everything_is_vast")
def test_ctrl_c_while_searching_ends_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    cover, weight = scattered(900, 0.12)
    search = bounds.search

    def interrupted(*told: Any, **more: Any) -> list[int]:
        deadline = time.monotonic() + (2 if more["rounds"] > 600 else 0)
        while not children() and time.monotonic() < deadline:
            time.sleep(0.02)
        if children():
            raise KeyboardInterrupt
        return search(*told, **more)

    monkeypatch.setattr(bounds, "search", interrupted)
    with pytest.raises(KeyboardInterrupt):
        maximal_covering(cover, weight, 20, time_limit_s=60)
    assert not children()


def children(parent: int | None = None) -> list[int]:
    """Solver processes whose parent is this one (or the one named)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status, line = (folder / "stat").read_text(), (folder / "cmdline").read_text()
        except OSError:
            continue
        _, _, after = status.rpartition(") ")
        if (
            int(after.split()[1]) == (parent or os.getpid())
            and "siting.highs" in line
            and after[0] != "Z"
        ):
            found.append(int(folder.name))
    return found
