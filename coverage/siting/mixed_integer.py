"""The exact solver at arm's length: a program goes to HiGHS in a process of its own and can be
stopped at any moment.

A MIP solver looks at the clock between relaxations, and one relaxation may take minutes. A child
process can be killed: limits and cancellations are obeyed whatever it is doing, and what it had
found by then is kept. Of plans that are as good, it also chooses the best hosts.
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

from geoguichet.coverage.routers.impedance import Positions
from geoguichet.coverage.siting import highs
from geoguichet.coverage.siting.problem import (
    Criterion,
    Floats,
    HostChoice,
    Mask,
    Problem,
    Quality,
    Status,
    Watch,
    meetings,
    rings,
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
    ``presolved`` where nothing made it smaller before.

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


# The second objective: of all plans that are good enough, the one whose hosts are open longest, then
# stand in the largest communes, then are nearest to people.
#
# Lexicographic (Isermann 1982): the first objective becomes a constraint, within a share of the best
# value known; each criterion in turn is the objective of a program, then a constraint of the next.
# No plan opens more sites than the best one did, and none opens a site that adds nothing, which may
# be open only because its hours are long: a site whose demand other open sites cover as often as
# counts is cut off as it is met (Dantzig, Fulkerson & Johnson 1954). Sites that must open, or that
# count for a floor, may add nothing.

#: Above so many entries the plans that are good enough are not compared: a relaxation takes a minute.
_COMPARED = 200_000
#: Rounds of cuts at most for a criterion.
_CUTS = 200
#: What a sum of criteria, each at most one a site, may miss for the numbers of the solver.
_SLACK = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Enough:
    """The plans that are good enough, as a program whose first columns are those of the problem."""

    problem: Problem
    program: Program
    #: Demand x columns, and how many open sites count for each row of it.
    rows: sparse.csr_array
    times: Positions


def choose(
    enough: Enough, quality: Quality, columns: list[int], best: float, watch: Watch
) -> tuple[list[int], HostChoice]:
    """Return the plan of the best hosts among those that are good enough, and how it was chosen.

    ``columns`` are a plan that is, of the value ``best``; none has more sites.
    """
    if enough.program.matrix.nnz > _COMPARED or not columns:
        return columns, HostChoice(quality.within, best, len(columns), ())
    asked = _Asked(enough)
    count = np.concatenate(
        [np.ones(asked.columns), np.zeros(len(enough.program.cost) - asked.columns)]
    )
    program = asked.without_useless_pairs(at_least(enough.program, -count, -len(columns)))
    first, fixed, found = columns, list[tuple[_Merit, float]](), list[Criterion]()
    column = enough.problem.rules.column
    columns = asked.pruned(columns, quality.hours[column])
    merits: dict[Literal["hours", "size", "nearness"], _Merit] = {
        "hours": _Merit(quality.hours[column], _unit(quality.hours[column][~asked.idle])),
        "size": _Merit(quality.size[column], _unit(quality.size[column][~asked.idle])),
        "nearness": _near(quality, column),
    }
    for name, merit in merits.items():
        if name == "nearness" and asked.alone(program, columns, watch):
            value = merit.worth(columns)
            found.append(Criterion(name, merit.worth(first), value, value))
            break
        wider, objective = merit.over(program)
        chosen, bound, program = asked.best(wider, objective, watch)
        kept = all(one.worth(chosen) >= least for one, least in fixed)
        if chosen and kept and merit.worth(chosen) > merit.worth(columns):
            columns = chosen
        value = merit.worth(columns)
        most = min(bound * merit.unit, merit.most(len(first)))
        # what the solver leaves itself is no better plan
        most = value if most - value <= 1e-6 * max(1.0, abs(value)) else most
        found.append(Criterion(name, merit.worth(first), value, most))
        if not found[-1].proved:
            break
        fixed.append((merit, value - _SLACK * merit.unit))
        program = at_least(program, objective, value / merit.unit - _SLACK)
    return columns, HostChoice(quality.within, best, len(first), tuple(found))


@dataclass(frozen=True, slots=True, eq=False)
class _Merit:
    """What is to be had most of: of the open sites, or of the rows that they cover."""

    gain: Floats
    #: What stands for one in a program, whose numbers are then alike.
    unit: float
    cover: sparse.csr_array | None = None

    def worth(self, columns: list[int]) -> float:
        if self.cover is None:
            return float(self.gain[columns].sum())
        chosen = np.zeros(self.cover.shape[1])
        chosen[columns] = 1.0
        return float(self.gain[self.cover @ chosen > 0].sum())

    # What so many sites can be worth, whatever they are.
    def most(self, sites: int) -> float:
        return float(
            self.gain.sum() if self.cover is not None else np.sort(self.gain)[::-1][:sites].sum()
        )

    # Return the program with what this merit needs, and its objective.
    def over(self, program: Program) -> tuple[Program, Floats]:
        gain = self.gain / self.unit
        if self.cover is None:
            return program, np.concatenate([gain, np.zeros(len(program.cost) - len(gain))])
        rows, columns = self.cover.shape
        before = len(program.cost)
        wide = sparse.csr_array((rows, before - columns))
        linking = sparse.hstack([-self.cover.astype(np.float64), wide, sparse.eye_array(rows)])
        widened = sparse.hstack([program.matrix, sparse.csr_array((program.matrix.shape[0], rows))])
        return replace(
            program,
            matrix=sparse.csc_array(sparse.vstack([widened, linking])),
            cost=np.concatenate([program.cost, np.zeros(rows)]),
            lower=np.concatenate([program.lower, np.zeros(rows)]),
            upper=np.concatenate([program.upper, np.ones(rows)]),
            row_lower=np.concatenate([program.row_lower, np.full(rows, -np.inf)]),
            row_upper=np.concatenate([program.row_upper, np.zeros(rows)]),
        ), np.concatenate([np.zeros(before), gain])


# Return the ways saved by being near: of everyone, those unserved too, beside the longest there is.
def _near(quality: Quality, column: Positions) -> _Merit:
    costs, place = quality.costs, np.full(quality.costs.shape[1], -1)
    place[column] = np.arange(len(column))
    paid = costs.cost * quality.weight[costs.origin]
    there = np.isin(costs.destination, quality.existing)
    alone = quality.weight * float(costs.cost.max(initial=0.0))
    np.minimum.at(alone, costs.origin[there], paid[there])
    kept = (place[costs.destination] >= 0) & (paid < alone[costs.origin])
    cover, step, _most = rings(
        costs.origin[kept], place[costs.destination[kept]], paid[kept], alone, len(column)
    )
    return _Merit(step, _unit(step), cover)


def _unit(gain: Floats) -> float:
    return max(1e-9, float(gain.max(initial=0.0)))


class _Asked:
    """The plans that are good enough, and what keeps a site of them from adding nothing."""

    def __init__(self, enough: Enough) -> None:
        self.columns = enough.problem.columns
        self._rows, self._times = enough.rows, enough.times
        self._turned = sparse.csc_array(enough.rows.astype(np.int64))
        self._free: Mask = enough.problem.rules.floor_of < 0
        self._free[enough.problem.rules.required] = False
        #: What covers nothing and need not open.
        self.idle: Mask = self._free & (np.diff(self._turned.indptr) == 0)

    # Solve again and again, until no site of the plan adds nothing.
    def best(
        self, program: Program, objective: Floats, watch: Watch
    ) -> tuple[list[int], float, Program]:
        bound, program = np.inf, replace(program, cost=objective, maximise=True)
        for _round in range(_CUTS):
            outcome = solve(program, presolved=True, watch=watch)
            bound = min(bound, outcome.bound)
            if outcome.chosen is None:
                return [], bound, program
            chosen = list(outcome.chosen)
            cuts = self._useless(chosen)
            if outcome.ending != "solved":
                break
            if not cuts:
                return chosen, bound, self._as_good(program, bound, watch)
            program = self._without(program, cuts)
        return self.pruned(chosen, objective[: self.columns]), bound, program

    # Keep the plans that a relaxation does not prove worse than the best: few are left (``portfolio``).
    def _as_good(self, program: Program, best: float, watch: Watch) -> Program:
        relaxed = relax(program, enough=best, watch=watch)
        if relaxed.ending != "solved":
            return program
        here, gain = slice(self.columns), relaxed.reduced[: self.columns]
        room = relaxed.bound - best + 20 * _SLACK * max(1.0, abs(best))
        lower, upper = program.lower.copy(), program.upper.copy()
        undecided = lower[here] < upper[here]
        upper[here][undecided & (gain < -room)] = 0.0
        lower[here][undecided & (gain > room)] = 1.0
        return replace(program, lower=lower, upper=upper)

    # Say whether a program is proved to have no plan but this one: nothing is left to choose then.
    def alone(self, program: Program, columns: list[int], watch: Watch) -> bool:
        other = np.zeros(len(program.cost))
        other[: self.columns] = 1.0
        other[columns] = -1.0
        asked = replace(program, cost=0.0 * other, maximise=True)
        asked = at_least(asked, other, 1.0 - len(columns))
        outcome = solve(asked, presolved=True, watch=watch)
        return outcome.ending == "infeasible"

    # Close the sites that add nothing, those of least merit first.
    def pruned(self, columns: list[int], merit: Floats) -> list[int]:
        left = list(columns)
        while useless := self._useless(left):
            left.remove(min((column for column, _others in useless), key=lambda c: (merit[c], c)))
        return left

    # Return each site that adds nothing to the others, with some others that make it so.
    def _useless(self, columns: list[int]) -> list[tuple[int, list[int]]]:
        table = sparse.csr_array(self._turned[:, columns])
        left = table.sum(axis=1) - self._times
        found = []
        for place, column in enumerate(columns):
            rows = self._of(column)
            if self._free[column] and (left[rows] >= 1).all():
                found.append((column, self._others(table, rows, columns, place)))
        return found

    # Return the rows that a column covers.
    def _of(self, column: int) -> Positions:
        start, stop = self._turned.indptr[column : column + 2]
        return np.asarray(self._turned.indices[start:stop], dtype=np.int64)

    # Return few of the other open sites that cover these rows as often as counts, those of most
    # rows first.
    def _others(
        self, table: sparse.csr_array, rows: Positions, columns: list[int], place: int
    ) -> list[int]:
        among = np.asarray(table[rows].todense()) > 0
        among[:, place] = False
        owed, others = self._times[rows].copy(), list[int]()
        while (owed > 0).any():
            best = int((among & (owed > 0)[:, None]).sum(axis=0).argmax())
            others.append(columns[best])
            owed -= among[:, best]
            among[:, best] = False
        return others

    def _without(self, program: Program, cuts: list[tuple[int, list[int]]]) -> Program:
        lengths = [1 + len(others) for _column, others in cuts]
        rows = sparse.csr_array(
            (
                np.ones(sum(lengths)),
                np.concatenate([[column, *others] for column, others in cuts]).astype(np.int64),
                np.cumsum([0, *lengths]),
            ),
            shape=(len(cuts), len(program.cost)),
        )
        return with_cuts(program, rows, np.array(lengths, dtype=np.float64) - 1.0)

    # Forbid what covers nothing, and a site beside one that covers all that it does.
    def without_useless_pairs(self, program: Program) -> Program:
        size = np.diff(self._turned.indptr)
        upper = program.upper.copy()
        upper[: self.columns][self.idle] = 0.0
        program = replace(program, upper=upper)
        if self._times.max(initial=1) > 1:
            return program
        one, other, both = meetings(sparse.csc_array(self._rows))
        inside = (one != other) & (both == size[one]) & self._free[one]
        pairs = [(int(j), [int(k)]) for j, k in zip(one[inside], other[inside], strict=True)]
        return self._without(program, pairs) if pairs else program


def at_least(program: Program, row: Floats, least: float) -> Program:
    """Return the program with one more row, which must come to so much."""
    return with_cuts(program, sparse.csr_array(-row[None, :]), np.array([-least]))
