"""The exact solver at arm's length: a program goes to HiGHS in a process of its own and can be
stopped at any moment.

A MIP solver looks at the clock between relaxations, and one relaxation may take minutes. A child
process can be killed: limits and cancellations are obeyed whatever it is doing, and what it had
found by then is kept.
"""

import json
import math
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.siting import highs
from geoguichet.coverage.siting.problem import (
    Floats,
    Problem,
    Status,
    Watch,
)

type Ending = Literal["solved", "gap", "infeasible", "stopped", "cancelled", "lost"]

#: A program of so few entries is solved at once, without asking for bounds or searching first.
TINY = 400
#: A program of so few entries is solved in this process, where it can be called off between two
#: pivots; starting another process would take as long, and as much memory as the whole problem.
SMALL = 20_000
#: How long after its limit the child is killed.
_GRACE_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A mixed-integer program: rows between two limits, columns between two limits, the first
    ``integers`` whole.
    """

    matrix: sparse.csc_array
    cost: Floats
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    integers: int
    maximise: bool
    #: Whether it is the textbook's own, to be put to the solver as it comes.
    plain: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the solver left behind."""

    ending: Ending
    #: Integer columns at one in the best solution, or none found.
    chosen: tuple[int, ...] | None
    #: Proved bound on the objective; infinite when nothing is proved.
    bound: float
    how: str

    @property
    def status(self) -> Status:
        """How a search that is this solver alone has ended."""
        return _STATUS.get(self.ending, "time_limit")


_STATUS: dict[Ending, Status] = {
    "solved": "optimal",
    "gap": "gap_reached",
    "cancelled": "interrupted",
    "lost": "solver_lost",
}


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """What the linear relaxation of a program says, tightened by cuts."""

    #: ``solved`` when there is a relaxation to speak of, whether or not cutting was cut short.
    ending: Ending
    bound: float
    #: A fractional solution: nothing when there is none.
    x: Floats
    #: What one unit of each column is worth beyond the prices of its rows.
    reduced: Floats
    cuts: sparse.csr_array
    #: Each row of ``cuts`` times the columns is at most this.
    limit: Floats
    how: str


def solve(
    program: Program,
    *,
    start: Floats | None = None,
    gap: float = 0.0,
    absolute_gap: float = 1e-6,
    nodes: int | None = None,
    presolved: bool = False,
    watch: Watch,
) -> Outcome:
    """Solve a program with HiGHS, within the time that the watch leaves and at most so many nodes,
    ``presolved`` where nothing made it smaller before. ``start`` is of every column, or of the whole
    ones alone.

    Ctrl-C kills the child and goes on to the caller. A child that dies is reported as ``lost``.
    """
    settings: dict[str, float | str] = {
        "mip_rel_gap": gap,
        "mip_abs_gap": absolute_gap,
        "time_limit": max(0.01, watch.left_s),
    }
    if nodes is not None:
        settings["mip_max_nodes"] = nodes
    moderate = program.matrix.nnz <= 3 * SMALL
    if presolved or moderate or program.plain:
        settings |= highs.UNHURRIED if presolved else highs.PRESOLVED
    if moderate and not (presolved or program.plain):
        settings |= highs.BRANCH_ONLY
    messages, died = _ask("solve", program, _arrays(program, start), settings, watch)
    return _outcome(messages, program, died=died, watch=watch)


def relax(
    program: Program, *, enough: float, rounds: int | None = None, hard: bool = False, watch: Watch
) -> Relaxed:
    """Bound a program by its relaxation and cuts (:func:`highs.relax`), until it is ``enough``.

    ``hard`` says that branching would take long, so that dear cuts are worth their while.
    """
    settings: dict[str, float] = {
        "enough": enough,
        "hard": hard,
        "time_limit": max(0.01, watch.left_s),
    }
    if rounds is not None:
        settings["rounds"] = rounds
    messages, died = _ask("relax", program, _arrays(program, None), settings, watch)
    sign = 1 if program.maximise else -1
    bound = min(
        (message["bound"] for message in messages if "bound" in message),
        key=lambda value: sign * value,
        default=sign * math.inf,
    )
    last = next((message for message in messages if message.get("ended") == "relaxed"), None)
    columns = len(program.cost)
    if last is None:
        ending, how = _ending(
            next((message["ended"] for message in messages if "ended" in message), None),
            died,
            None,
            bound,
            watch,
        )
        nothing, none = np.zeros(0), sparse.csr_array((0, columns))
        return Relaxed(ending, bound, nothing, nothing, none, nothing, how)
    indices, data = ([number for cut in last["cuts"] for number in cut[part]] for part in (0, 1))
    kind = "zero-half and disjunctive" if hard else "zero-half"
    return Relaxed(
        ending="solved",
        bound=bound,
        x=np.array(last["x"]),
        reduced=np.array(last["reduced"]),
        cuts=sparse.csr_array(
            (
                np.array(data, dtype=np.float64),
                np.array(indices, dtype=np.int64),
                np.cumsum([0, *(len(cut[0]) for cut in last["cuts"])]),
            ),
            shape=(len(last["cuts"]), columns),
        ),
        limit=np.array([float(cut[2]) for cut in last["cuts"]]),
        how=f"{len(last['cuts'])} {kind} cuts in {last['rounds']} rounds",
    )


# Have a task done, here or in a child; return what it said, and the exit code of a child that ended
# by itself.
def _ask(
    task: str,
    program: Program,
    model: dict[str, np.ndarray],
    settings: Mapping[str, float | str],
    watch: Watch,
) -> tuple[list[dict[str, Any]], int | None]:
    # a pair is one entry of a covering program, three of the plain one
    if program.matrix.nnz <= (3 * SMALL if program.plain else SMALL):
        messages: list[dict[str, Any]] = []
        highs.TASKS[task](model, settings, messages.append, lambda: watch.over)
        return messages, None
    with tempfile.TemporaryDirectory(prefix="geoguichet-") as folder:
        path = Path(folder) / "model.npz"
        np.savez(path, settings=np.array(json.dumps(settings)), **model)  # type: ignore[arg-type]
        child = subprocess.Popen(  # noqa: S603 - our own program, on our own file
            [sys.executable, "-P", "-m", highs.__name__, task, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            messages = _listen(child, watch)
        finally:
            died = _end(child)
    return messages, died


# Gather what the child says until it has ended, the time is over, or the caller calls it off.
def _listen(child: subprocess.Popen[bytes], watch: Watch) -> list[dict[str, Any]]:
    said: queue.Queue[dict[str, Any] | None] = queue.Queue()
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    threading.Thread(target=_read, args=(child.stdout, said), daemon=True).start()
    messages: list[dict[str, Any]] = []
    late = Watch(watch.left_s + _GRACE_S)
    while not watch.cancelled and not late.over:
        try:
            message = said.get(timeout=0.05)
        except queue.Empty:
            continue
        if message is None:
            break
        messages.append(message)
    return messages


def _read(stream: IO[bytes], said: queue.Queue[dict[str, Any] | None]) -> None:
    for line in stream:
        if line.endswith(b"\n"):
            said.put(json.loads(line))
    stream.close()
    said.put(None)


# Make sure that the child is gone; return its exit code when it had ended by itself.
def _end(child: subprocess.Popen[bytes]) -> int | None:
    try:
        code = child.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        code = None
    if child.stdin is not None:
        child.stdin.close()
    return code


def _outcome(
    messages: list[dict[str, Any]], program: Program, *, died: int | None, watch: Watch
) -> Outcome:
    sign = 1 if program.maximise else -1
    best = max(
        (message for message in messages if "chosen" in message),
        key=lambda message: sign * message["value"],
        default=None,
    )
    bound = min(
        (message["bound"] for message in messages if math.isfinite(message.get("bound", math.inf))),
        key=lambda value: sign * value,
        default=sign * math.inf,
    )
    ending, how = _ending(
        next((message["ended"] for message in messages if "ended" in message), None),
        died,
        best,
        bound,
        watch,
    )
    return Outcome(ending, None if best is None else tuple(best["chosen"]), bound, how)


def _ending(
    ended: str | None, died: int | None, best: dict[str, Any] | None, bound: float, watch: Watch
) -> tuple[Ending, str]:
    name = f"HiGHS {highs.version()}"
    if ended == "Optimal" and best is not None:
        closed = abs(bound - best["value"]) <= 1e-6 * max(1.0, abs(bound))
        return ("solved" if closed else "gap"), name
    if ended in {"Infeasible", "Primal infeasible or unbounded"}:
        return "infeasible", f"{name}: infeasible"
    if watch.cancelled:
        return "cancelled", f"{name}: cancelled"
    if ended is None and died is not None:
        return "lost", f"{name}: its process died (code {died})"
    return "stopped", f"{name}: stopped by the time limit"


def with_cuts(program: Program, cuts: sparse.csr_array, limit: Floats) -> Program:
    """Return the program with rows ``cuts`` times the columns <= ``limit``."""
    return replace(
        program,
        matrix=sparse.csc_array(sparse.vstack([program.matrix, cuts])),
        row_lower=np.concatenate([program.row_lower, np.full(len(limit), -np.inf)]),
        row_upper=np.concatenate([program.row_upper, limit]),
    )


def _arrays(program: Program, start: Floats | None) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {
        "indptr": program.matrix.indptr,
        "indices": program.matrix.indices,
        "data": program.matrix.data,
        "cost": program.cost,
        "lower": program.lower,
        "upper": program.upper,
        "row_lower": program.row_lower,
        "row_upper": program.row_upper,
        "integers": np.array(program.integers),
        "maximise": np.array(program.maximise),
        "plain": np.array(program.plain),
    }
    return arrays if start is None else arrays | {"start": start}


# The covering problems written out as mixed-integer programs, all sparse.


def covering(problem: Problem, *, must: sparse.csr_array | None = None) -> Program:
    """Return the maximal covering program: binary y per column, 0 <= z <= 1 per row, 0 <= s <= 1
    per second weight.

    Maximise w z + v s subject to z_i + s_i <= sum_j a_ij y_j and the limits on y. As v_i <= w_i,
    s_i > 0 only when z_i = 1. Each row of ``must`` is a set of columns of which one at least is
    opened.
    """
    if must is None:
        must = sparse.csr_array((0, problem.columns))
    rows = problem.cover.shape[0]
    twice = np.flatnonzero(problem.second > 0)
    linking = sparse.hstack(
        [
            -problem.cover.astype(np.float64),
            sparse.eye_array(rows),
            sparse.csr_array(
                (np.ones(len(twice)), (twice, np.arange(len(twice)))), shape=(rows, len(twice))
            ),
        ]
    )
    limits, lower, upper = limits_on_sites(problem)
    extra = rows + len(twice)
    return Program(
        matrix=_csc(sparse.vstack([linking, _wider(must, extra), _wider(limits, extra)])),
        cost=np.concatenate([np.zeros(problem.columns), problem.first, problem.second[twice]]),
        lower=np.concatenate([_must(problem), np.zeros(extra)]),
        upper=np.ones(problem.columns + extra),
        row_lower=np.concatenate([np.full(rows, -np.inf), np.ones(must.shape[0]), lower]),
        row_upper=np.concatenate([np.zeros(rows), np.full(must.shape[0], np.inf), upper]),
        integers=problem.columns,
        maximise=True,
    )


def partial_covering(problem: Problem, wanted: float) -> Program:
    """Return the cheapest choice whose rows weigh at least ``wanted`` (partial set covering)."""
    rows = problem.cover.shape[0]
    linking = sparse.hstack([-problem.cover.astype(np.float64), sparse.eye_array(rows)])
    weighing = sparse.csr_array(np.concatenate([np.zeros(problem.columns), problem.first])[None, :])
    limits, lower, upper = limits_on_sites(problem)
    return Program(
        matrix=_csc(sparse.vstack([linking, weighing, _wider(limits, rows)])),
        cost=np.concatenate([problem.cost, np.zeros(rows)]),
        lower=np.concatenate([_must(problem), np.zeros(rows)]),
        upper=np.ones(problem.columns + rows),
        row_lower=np.concatenate([np.full(rows, -np.inf), [wanted], lower]),
        row_upper=np.concatenate([np.zeros(rows), [np.inf], upper]),
        integers=problem.columns,
        maximise=False,
    )


def set_covering(problem: Problem) -> Program:
    """Return the cheapest choice that covers every row (set covering)."""
    limits, lower, upper = limits_on_sites(problem)
    rows = problem.cover.shape[0]
    return Program(
        matrix=_csc(sparse.vstack([problem.cover.astype(np.float64), limits])),
        cost=problem.cost,
        lower=_must(problem),
        upper=np.ones(problem.columns),
        row_lower=np.concatenate([np.ones(rows), lower]),
        row_upper=np.concatenate([np.full(rows, np.inf), upper]),
        integers=problem.columns,
        maximise=False,
    )


def limits_on_sites(problem: Problem) -> tuple[sparse.csr_array, Floats, Floats]:
    """Return the rows on y alone, with their limits: count, budget, exclusive sets, floors."""
    rules, columns = problem.rules, problem.columns
    counted = np.flatnonzero(rules.floor_of >= 0)
    parts: list[tuple[sparse.csr_array, npt.ArrayLike, npt.ArrayLike]] = [
        (
            rules.packs.astype(np.float64),
            np.full(rules.packs.shape[0], -np.inf),
            np.ones(rules.packs.shape[0]),
        ),
        (
            sparse.csr_array(
                (np.ones(len(counted)), (rules.floor_of[counted], counted)),
                shape=(len(rules.floor), columns),
            ),
            rules.floor.astype(np.float64),
            np.full(len(rules.floor), np.inf),
        ),
    ]
    if problem.count < columns:  # a row of ones that says nothing would only be in the way
        parts.append((sparse.csr_array(np.ones((1, columns))), [-np.inf], [float(problem.count)]))
    if np.isfinite(problem.budget):
        parts.append((sparse.csr_array(problem.cost[None, :]), [-np.inf], [problem.budget]))
    blocks, lower, upper = zip(*parts, strict=True)
    return sparse.csr_array(sparse.vstack(blocks)), np.concatenate(lower), np.concatenate(upper)


def _must(problem: Problem) -> Floats:
    return np.isin(np.arange(problem.columns), problem.rules.required).astype(np.float64)


def _wider(matrix: sparse.csr_array, extra: int) -> sparse.csr_array:
    return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], extra))]))


def _csc(matrix: sparse.sparray) -> sparse.csc_array:
    built = sparse.csc_array(matrix)
    built.eliminate_zeros()
    return built


def at_least(program: Program, row: Floats, least: float) -> Program:
    """Return the program with one more row, which must come to so much."""
    return with_cuts(program, sparse.csr_array(-row[None, :]), np.array([-least]))
