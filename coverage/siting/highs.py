"""HiGHS, run on one mixed-integer program; also the program of the child process that runs it.

As a program (``python highs.py model.npz``) it reads the model and writes one JSON object per line: each better
solution as it is found, and how it ended. It stops when its standard input closes, so it never outlives its parent.
It imports nothing of ours: a child starts in the time that NumPy and HiGHS take to load.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import highspy
import numpy as np

type Report = Callable[[dict[str, Any]], None]

OPTIONS: Mapping[str, bool | int | float | str] = {
    "output_flag": False,
    "random_seed": 0,
    "threads": 1,
    # Measured on covering problems (docs/decisions/002): presolve's probing alone can outlast the time limit, and the
    # interior point solves the root relaxation where the simplex does not.
    "presolve": "off",
    "mip_lp_solver": "ipm",
}


def version() -> str:
    """Return the version of HiGHS."""
    return str(highspy.Highs().version())


def run(model: Mapping[str, np.ndarray], settings: Mapping[str, bool | int | float | str], report: Report) -> None:
    """Solve a model, reporting every better solution, then ``{"ended", "bound", "value", "nodes"}``.

    ``model`` holds the arrays of :class:`geoguichet.coverage.siting.exact.Program` and may hold a ``start``.
    """
    solver = highspy.Highs()
    for option, setting in {**OPTIONS, **settings}.items():
        solver.setOptionValue(option, setting)
    solver.passModel(_lp(model))
    if "start" in model:
        first = highspy.HighsSolution()
        first.col_value = model["start"].tolist()
        solver.setSolution(first)
    solver.cbMipImprovingSolution.subscribe(lambda event: report(_solution(event, int(model["integers"]))))
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if found:
        values = np.asarray(solver.getSolution().col_value[: int(model["integers"])])
        report({"value": info.objective_function_value, "chosen": np.flatnonzero(values > 0.5).tolist()})
    report(
        {
            "ended": solver.modelStatusToString(solver.getModelStatus()),
            "bound": info.mip_dual_bound,
            "nodes": int(info.mip_node_count),
        }
    )


def _solution(event: Any, integers: int) -> dict[str, Any]:
    values = np.asarray(event.data_out.mip_solution)[:integers]
    return {
        "value": float(event.data_out.objective_function_value),
        "bound": float(event.data_out.mip_dual_bound),
        "chosen": np.flatnonzero(values > 0.5).tolist(),
    }


def _lp(model: Mapping[str, np.ndarray]) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    columns, rows = len(model["cost"]), len(model["row_lower"])
    lp.num_col_, lp.num_row_ = columns, rows
    lp.sense_ = highspy.ObjSense.kMaximize if model["maximise"] else highspy.ObjSense.kMinimize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model["cost"], model["lower"], model["upper"]
    lp.row_lower_, lp.row_upper_ = model["row_lower"], model["row_upper"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = model["indptr"], model["indices"]
    lp.a_matrix_.value_ = model["data"]
    integers = int(model["integers"])
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger] * integers + [kinds.kContinuous] * (columns - integers)
    return lp


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _die_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main(path: str) -> None:
    """Solve the model of a file written by the parent."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with np.load(path) as arrays:
        model = dict(arrays)
    settings = json.loads(str(model.pop("settings")))
    run(model, settings, _say)


if __name__ == "__main__":
    main(sys.argv[1])
