"""HiGHS, run on one mixed-integer program; also the program of the child process that runs it.

As a program (``python -m geoguichet.coverage.siting.highs solve model.npz``) it reads the model and
writes one JSON object per line: each better solution as it is found, and how it ended. It stops
when its standard input closes, so it never outlives its parent. It imports NumPy, HiGHS and the
cuts: a child starts in the time that these take to load.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import highspy
import numpy as np

from geoguichet.coverage.siting import separation

type Report = Callable[[dict[str, Any]], None]
type Model = Mapping[str, np.ndarray]
type Settings = Mapping[str, bool | int | float | str]

OPTIONS: Settings = {
    "output_flag": False,
    "random_seed": 0,
    "threads": 1,
    # Measured on covering problems (docs/decisions/002): presolve's probing alone can outlast the
    # time limit, and the
    # interior point solves the root relaxation where the simplex does not.
    "presolve": "off",
    "mip_lp_solver": "ipm",
}

BRANCH_ONLY: Mapping[str, bool] = {
    # In a small program the sub-problems of the heuristics take a third of the time, to find what
    # is found already.
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_rins": False,
    # What our prices could exclude is excluded: to start anew from fewer columns costs the tree that
    # there is.
    "mip_allow_restart": False,
}

#: For a program that no bound nor reduction of ours has made smaller, and where presolve ends soon:
#: the tree is a third smaller with it.
PRESOLVED: Settings = {"presolve": "on", "mip_lp_solver": "choose"}

#: For a program whose relaxation is nearly whole: a plan is soon met, and jumping at one before takes
#: more than half of the time.
UNHURRIED: Settings = {**PRESOLVED, "mip_heuristic_run_feasibility_jump": False}

_SIMPLEX: Settings = {"output_flag": False, "threads": 1, "presolve": "off", "solver": "simplex"}
#: Pivots times rows that the simplex gets for a first relaxation, about a second of them, before
#: the interior point takes over: it wins by ten times where few pivots do, and never ends elsewhere.
_PIVOTS_TIMES_ROWS = 60_000_000
#: Pivots at most in a small program that looks for a disjunctive cut: a few hundred do.
_PIVOTS = 5_000
#: Rounds of cuts at most, and entries gone through by all of them: a round of a large program
#: brings no more.
_ROUNDS, _ENTRIES = 200, 7_000_000
#: Rounds of zero-half cuts for which one of disjunctive cuts counts.
_DEAR = 2.5
#: Rounds that the largest programs get all the same.
_AT_LEAST = 5
#: Cuts end when so many rounds close less than this share of what is left to close.
_PATIENCE, _PROGRESS = 10, 0.02
#: Disjunctive cuts take over when a round of zero-half cuts closes less than this share of what is
#: left to close.
_LITTLE = 0.01


#: A variable that is whole when the integers are (``kImplicitInteger``, without a name in highspy's
#: stubs).
_IMPLIED = highspy.HighsVarType(4)


def never() -> bool:
    """Nobody calls it off."""
    return False


def version() -> str:
    """Return the version of HiGHS."""
    return str(highspy.Highs().version())


def solve(
    model: Model, settings: Settings, report: Report, off: Callable[[], bool] = never
) -> None:
    """Solve a model, reporting every better solution, then ``{"ended", "bound", "nodes"}``.

    ``model`` holds the arrays of :class:`geoguichet.coverage.siting.mixed_integer.Program` and may
    hold a ``start``.
    """
    solver = _solver({**OPTIONS, **settings}, off)
    solver.passModel(_lp(model, whole=True))
    if "start" in model:
        first = highspy.HighsSolution()
        first.col_value = _completed(model).tolist()
        solver.setSolution(first)
    integers = int(model["integers"])
    solver.cbMipImprovingSolution.subscribe(
        lambda event: report(
            {
                "value": float(event.data_out.objective_function_value),
                "bound": float(event.data_out.mip_dual_bound),
                "chosen": _chosen(event.data_out.mip_solution, integers),
            }
        )
    )
    solver.run()
    info = solver.getInfo()
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        report(
            {
                "value": info.objective_function_value,
                "chosen": _chosen(solver.getSolution().col_value, integers),
            }
        )
    report(
        {
            "ended": solver.modelStatusToString(solver.getModelStatus()),
            "bound": info.mip_dual_bound,
            "nodes": int(info.mip_node_count),
        }
    )


def relax(
    model: Model, settings: Settings, report: Report, off: Callable[[], bool] = never
) -> None:
    """Solve the linear relaxation, tightened by cuts round after round; report the bound of each
    round.

    The last report has ``{"ended", "x", "reduced", "cuts"}``: a fractional solution, what a unit of
    each column is worth more than the prices of its rows, and the cuts that hold it. Ends when the
    bound is ``enough``, when cuts bring little, after so many ``rounds``, or at ``time_limit``. A
    ``hard`` program gets disjunctive cuts as well.
    """
    until = time.monotonic() + float(settings["time_limit"])
    enough = float(settings["enough"])
    few = max(100, _PIVOTS_TIMES_ROWS // max(1, len(model["row_lower"])))
    solver = _solver({**_SIMPLEX, "simplex_iteration_limit": few}, off)
    solver.setOptionValue("time_limit", float(settings["time_limit"]))
    solver.passModel(_lp(model, whole=False))
    solver.run()
    solver.setOptionValue("simplex_iteration_limit", 2_000_000_000)
    if solver.getModelStatus() == highspy.HighsModelStatus.kIterationLimit:
        solver.clearSolver()
        solver.setOptionValue("solver", "ipm")
        solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        report({"ended": solver.modelStatusToString(solver.getModelStatus())})
        return
    solver.setOptionValue("solver", "simplex")
    search = _Separation(
        model,
        hard=bool(settings.get("hard", False)),
        off=lambda: off() or time.monotonic() >= until,
    )
    proof = _Proof.of(model, solver, [])
    bounds = [proof.bound]
    report({"bound": proof.bound})
    while (
        len(bounds) <= int(settings.get("rounds", _ROUNDS))
        and not search.over
        and _worth_going_on(bounds, enough, model)
    ):
        found = search.cuts(proof, bounds, enough)
        if not found:
            break
        _add(solver, found)
        solver.setOptionValue(
            "time_limit", solver.getRunTime() + max(0.0, until - time.monotonic())
        )
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            break
        proof = _Proof.of(model, solver, [*proof.tight, *found])
        # cuts that hold nothing any more would only slow the next relaxation
        loose = len(model["row_lower"]) + np.flatnonzero(~proof.holds)
        if len(loose):
            solver.deleteRows(len(loose), loose.astype(np.int32))
        bounds.append(proof.bound)
        report({"bound": proof.bound})
    report(
        {
            "ended": "relaxed",
            "rounds": len(bounds) - 1,
            "bound": proof.bound,
            "x": proof.x.tolist(),
            "reduced": proof.reduced.tolist(),
            "cuts": [[cut.indices.tolist(), cut.data.tolist(), cut.limit] for cut in proof.tight],
        }
    )


# Return a start of every column: where it is of the whole ones alone, the others as they are best. (Were
# HiGHS left to complete it, it would report the bound of that small question as one of this.)
def _completed(model: Model) -> np.ndarray:
    start = model["start"]
    if len(start) == len(model["cost"]):
        return start
    lower, upper = model["lower"].copy(), model["upper"].copy()
    lower[: len(start)] = upper[: len(start)] = start
    solver = _solver({**_SIMPLEX, "presolve": "on"}, never)
    solver.passModel(_lp({**model, "lower": lower, "upper": upper}, whole=False))
    solver.run()
    found = np.asarray(solver.getSolution().col_value)
    return found if len(found) == len(lower) else lower


class _Separation:
    """Where the cuts of each round come from, and how much work they have been."""

    def __init__(self, model: Model, *, hard: bool, off: Callable[[], bool]) -> None:
        self._rows = separation.whole_rows(model)
        self._integers, self._entries = int(model["integers"]), len(model["data"])
        self._random = np.random.default_rng(0)
        self._hard, self._off, self._choosing = hard, off, False
        self._rounds, self._work = 0, 0.0

    # What solves the small programs, made where there are any: Python never frees such an object.
    @cached_property
    def _windows(self) -> highspy.Highs:
        return _solver({**_SIMPLEX, "simplex_iteration_limit": _PIVOTS}, never)

    # Whether the work is done or the time is over.
    @property
    def over(self) -> bool:
        return (self._rounds >= _AT_LEAST and self._work >= _ENTRIES) or self._off()

    # Return zero-half cuts as long as they bring something; then, in a hard program, disjunctive
    # ones.
    def cuts(self, proof: _Proof, bounds: list[float], enough: float) -> list[separation.Cut]:
        self._choosing |= (
            self._hard
            and len(bounds) > 1
            and _progress(bounds, 1) < _LITTLE * _left(bounds, enough)
        )
        found = (
            [] if self._choosing else separation.zero_half_cuts(self._rows, proof.x, self._random)
        )
        self._choosing |= self._hard and not found
        if self._choosing:
            found = separation.disjunctive_cuts(
                self._rows,
                proof.tight,
                proof.x,
                self._integers,
                solver=self._windows,
                random=self._random,
                off=self._off,
            )
        self._rounds += 1
        self._work += self._entries * (_DEAR if self._choosing else 1.0)
        return found


# Return the integer columns that a solution has at one.
def _chosen(values: Any, integers: int) -> list[int]:
    return np.flatnonzero(np.asarray(values)[:integers] > 0.5).tolist()


def _solver(settings: Settings, off: Callable[[], bool]) -> highspy.Highs:
    solver = highspy.Highs()
    for option, setting in settings.items():
        solver.setOptionValue(option, setting)
    if off is not never:

        def stop(event: Any) -> None:
            if off():
                event.interrupt()

        for asked in (solver.cbMipInterrupt, solver.cbSimplexInterrupt, solver.cbIpmInterrupt):
            asked.subscribe(stop)
    return solver


def _lp(model: Model, *, whole: bool) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model["cost"]), len(model["row_lower"])
    lp.sense_ = highspy.ObjSense.kMaximize if model["maximise"] else highspy.ObjSense.kMinimize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model["cost"], model["lower"], model["upper"]
    lp.row_lower_, lp.row_upper_ = model["row_lower"], model["row_upper"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = model["indptr"], model["indices"]
    lp.a_matrix_.value_ = model["data"]
    if whole:  # what is covered comes whole when the sites do: HiGHS may use it in its cuts
        integers = int(model["integers"])
        kind = highspy.HighsVarType.kContinuous if model["plain"] else _IMPLIED
        others = [kind] * (lp.num_col_ - integers)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * integers + others
    return lp


@dataclass(frozen=True, slots=True, eq=False)
class _Proof:
    """A bound recomputed from the prices of the rows, whatever the solver's tolerances."""

    bound: float
    x: np.ndarray
    reduced: np.ndarray
    cuts: list[separation.Cut]
    #: Which of the cuts are tight.
    holds: np.ndarray

    @classmethod
    def of(cls, model: Model, solver: highspy.Highs, cuts: list[separation.Cut]) -> _Proof:
        # Whether HiGHS gives a price or its opposite depends on the sense and the method: both are
        # tried. Any prices prove a bound; the better of the two is right.
        sign = 1.0 if model["maximise"] else -1.0
        solution = solver.getSolution()
        x = np.clip(np.asarray(solution.col_value), model["lower"], model["upper"])
        told = np.asarray(solution.row_dual)
        price, paid = min(
            (cls._bound(model, sign, given, cuts) for given in (told, -told)),
            key=lambda both: both[0],
        )
        return cls(
            sign * price,
            x,
            sign * paid,
            cuts,
            np.asarray(solution.row_value)[len(model["row_lower"]) :]
            >= np.array([cut.limit for cut in cuts], dtype=np.float64) - 1e-6,
        )

    # The cuts that hold the solution.
    @property
    def tight(self) -> list[separation.Cut]:
        return [cut for cut, holds in zip(self.cuts, self.holds, strict=True) if holds]

    # Return the dual bound of a program to maximise at these prices, and the reduced costs.
    @staticmethod
    def _bound(
        model: Model, sign: float, told: np.ndarray, cuts: list[separation.Cut]
    ) -> tuple[float, np.ndarray]:
        lower = np.concatenate([model["row_lower"], np.full(len(cuts), -np.inf)])
        upper = np.concatenate([model["row_upper"], [cut.limit for cut in cuts]])
        # a price that leans on a limit that is not there would prove nothing: it is dropped
        price = np.where(
            told > 0,
            np.where(np.isfinite(upper), told, 0.0),
            np.where(np.isfinite(lower), told, 0.0),
        )
        count, rows = len(model["cost"]), len(model["row_lower"])
        paid = np.bincount(
            np.repeat(np.arange(count), np.diff(model["indptr"])),
            weights=model["data"] * price[model["indices"]],
            minlength=count,
        )
        for number, cut in enumerate(cuts):
            paid[cut.indices] += price[rows + number] * cut.data
        reduced = sign * model["cost"] - paid
        limit = np.where(price == 0, 0.0, np.where(price > 0, upper, lower))
        most = np.where(reduced > 0, reduced * model["upper"], reduced * model["lower"])
        return float((price * limit).sum()) + float(most.sum()), reduced


# Whether the bound is not settled, and the last rounds closed enough of what was left to close.
def _worth_going_on(bounds: list[float], enough: float, model: Model) -> bool:
    settled = bounds[-1] <= enough if model["maximise"] else bounds[-1] >= enough
    slow = len(bounds) > _PATIENCE and _progress(bounds, _PATIENCE) < _PROGRESS * _left(
        bounds, enough
    )
    return not settled and not slow


def _progress(bounds: list[float], rounds: int) -> float:
    return abs(bounds[-1] - bounds[-1 - rounds])


# What is left to close; a thousandth of the bound when nobody knows.
def _left(bounds: list[float], enough: float) -> float:
    return abs(bounds[-1] - enough) if np.isfinite(enough) else 1e-3 * abs(bounds[-1])


def _add(solver: highspy.Highs, cuts: list[separation.Cut]) -> None:
    starts = np.concatenate([[0], np.cumsum([len(cut.indices) for cut in cuts])]).astype(np.int32)
    solver.addRows(
        len(cuts),
        np.full(len(cuts), -np.inf),
        np.array([float(cut.limit) for cut in cuts]),
        int(starts[-1]),
        starts[:-1],
        np.concatenate([cut.indices for cut in cuts]).astype(np.int32),
        np.concatenate([cut.data for cut in cuts]).astype(np.float64),
    )


def _die_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main(task: str, path: str) -> None:
    """Solve or relax the model of a file written by the parent."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with np.load(path) as arrays:
        model = dict(arrays)
    TASKS[task](
        model,
        json.loads(str(model.pop("settings"))),
        lambda message: print(json.dumps(message), flush=True),
    )


TASKS: Mapping[str, Callable[..., None]] = {"solve": solve, "relax": relax}

if __name__ == "__main__":
    main(*sys.argv[1:])
