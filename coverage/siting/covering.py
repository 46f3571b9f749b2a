"""Maximal covering: open p sites so that they cover as much weight as possible, and prove how much that is.

The maximal covering location problem (Church & ReVelle 1974): with a_ij = 1 when candidate j covers demand i,

    maximise  sum_i w_i z_i    subject to  z_i <= sum_j a_ij y_j,   sum_j y_j = p,   y binary, 0 <= z <= 1.
"""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting.plan import KioskPlan, Status


@dataclass(frozen=True, slots=True)
class _Reduced:
    """The same problem with fewer rows and columns: equal rows merged, candidates that another contains dropped."""

    cover: sparse.csc_array
    weight: npt.NDArray[np.float64]
    candidates: npt.NDArray[np.int64]
    """Original position of each kept column."""


def maximal_covering(
    cover: sparse.sparray,
    weight: npt.ArrayLike,
    p: int,
    *,
    required: tuple[int, ...] = (),
    excluded: tuple[int, ...] = (),
    time_limit_s: float = 60.0,
    gap: float = 0.0,
) -> KioskPlan:
    """Choose at most ``p`` candidates that cover the greatest weight.

    Parameters
    ----------
    cover
        Demand x candidates, true where the candidate covers the demand point.
    weight
        Weight of each demand point (people), not negative.
    p
        Number of sites. When fewer candidates add anything, fewer are opened.
    required, excluded
        Positions of candidates that must, or must not, be opened.
    time_limit_s, gap
        The solver stops at this wall-clock time or proven relative gap, whichever comes first.

    Raises
    ------
    SitingError
        There is no candidate, or more sites are required than ``p``.
    """
    started = time.monotonic()
    matrix = sparse.csc_array(cover, dtype=bool)
    people = np.asarray(weight, dtype=np.float64)
    if matrix.shape[1] == len(excluded):
        raise SitingError("aucun lieu d'accueil possible : élargissez les candidats ou réduisez les exclusions.")
    if len(required) > p:
        raise SitingError(f"{len(required)} lieux imposés pour {p} kiosques : augmentez le nombre de kiosques.")
    reduced = _reduce(
        matrix, people, keep=np.asarray(required, dtype=np.int64), drop=np.asarray(excluded, dtype=np.int64)
    )
    fixed = tuple(int(position) for position in np.flatnonzero(np.isin(reduced.candidates, required)))
    start = _greedy(reduced, p, fixed)
    opened, bound, status = _solve(reduced, p, fixed, start, time_limit_s=time_limit_s, gap=gap)
    sites, gains = _rank(reduced, opened, fixed)
    rows, columns = reduced.cover.shape
    return KioskPlan(
        model="maximal covering (Church & ReVelle 1974)",
        sites=tuple(int(reduced.candidates[site]) for site in sites),
        gains=gains,
        value=float(sum(gains)),
        bound=bound,
        status=status,
        method=(
            f"{matrix.shape[0]} x {matrix.shape[1]} reduced to {rows} x {columns}; "
            f"lazy greedy {_value(reduced, start):.0f}; HiGHS {highspy.Highs().version()}"
        ),
        seconds=time.monotonic() - started,
    )


def _reduce(
    cover: sparse.csc_array,
    weight: npt.NDArray[np.float64],
    *,
    keep: npt.NDArray[np.int64],
    drop: npt.NDArray[np.int64],
) -> _Reduced:
    """Drop what cannot matter: empty rows, equal rows (summed), excluded and dominated candidates. Exact."""
    columns = np.setdiff1d(np.arange(cover.shape[1]), drop)
    rows = sparse.csr_array(cover[:, columns])
    useful = np.flatnonzero((np.diff(rows.indptr) > 0) & (weight > 0))
    merged: dict[bytes, int] = {}
    group = np.empty(len(useful), dtype=np.int64)
    for position, row in enumerate(useful):
        key = np.sort(rows.indices[rows.indptr[row] : rows.indptr[row + 1]]).tobytes()
        group[position] = merged.setdefault(key, len(merged))
    first = useful[np.unique(group, return_index=True)[1]] if len(useful) else useful
    totals = np.bincount(group, weights=weight[useful], minlength=len(merged))
    small = sparse.csc_array(rows[first])
    dominated = _dominated(small) & ~np.isin(columns, keep)
    kept = np.flatnonzero(~dominated)
    return _Reduced(sparse.csc_array(small[:, kept]), totals, columns[kept])


def _dominated(cover: sparse.csc_array) -> npt.NDArray[np.bool_]:
    """Mark candidates whose rows all belong to one other candidate; of equal ones the first is kept."""
    counts = cover.astype(np.int32)
    shared = sparse.coo_array(counts.T @ counts)
    size = np.diff(cover.indptr)
    j, k, both = shared.row, shared.col, shared.data
    inside = (j != k) & (both == size[j]) & ((size[k] > size[j]) | (k < j))
    marked = np.zeros(cover.shape[1], dtype=bool)
    marked[j[inside]] = True
    marked[size == 0] = True
    return marked


def _greedy(problem: _Reduced, p: int, fixed: tuple[int, ...] = ()) -> list[int]:
    """Open the site that adds most, again and again (lazily, Minoux 1978); ties go to the first candidate."""
    covered = np.zeros(problem.cover.shape[0], dtype=bool)
    opened: list[int] = []

    def gain(site: int) -> float:
        rows = _rows(problem, site)
        return float(problem.weight[rows[~covered[rows]]].sum())

    for site in fixed:
        opened.append(site)
        covered[_rows(problem, site)] = True
    queue = [(-gain(site), site, len(opened)) for site in range(problem.cover.shape[1]) if site not in fixed]
    heapq.heapify(queue)
    while queue and len(opened) < p:
        negative, site, known_at = heapq.heappop(queue)
        if known_at < len(opened):
            heapq.heappush(queue, (-gain(site), site, len(opened)))
            continue
        if negative == 0:
            break
        opened.append(site)
        covered[_rows(problem, site)] = True
    return opened


def _solve(
    problem: _Reduced, p: int, fixed: tuple[int, ...], start: list[int], *, time_limit_s: float, gap: float
) -> tuple[list[int], float, Status]:
    """Improve a first answer with HiGHS and return the sites, the proven bound and how it ended."""
    columns = problem.cover.shape[1]
    everything = float(problem.weight.sum())
    if columns <= p or _value(problem, start) >= everything:
        return start if columns > p else list(range(columns)), _value(problem, start), "optimal"
    solver = highspy.Highs()
    for option, setting in (
        ("output_flag", False),
        ("time_limit", time_limit_s),
        ("mip_rel_gap", gap),
        ("mip_abs_gap", 0.999 if _whole(problem) else 1e-6),
        ("random_seed", 0),
        ("threads", 1),
        # Measured on covering problems: presolve's probing alone can outlast the time limit, and the interior point
        # solves the root relaxation where the simplex does not.
        ("presolve", "off"),
        ("mip_lp_solver", "ipm"),
    ):
        solver.setOptionValue(option, setting)
    solver.passModel(_model(problem, p, fixed))
    first = highspy.HighsSolution()
    opened = np.zeros(columns)
    opened[start] = 1.0
    first.col_value = list(np.concatenate([opened, (problem.cover @ opened > 0).astype(float)]))
    solver.setSolution(first)
    _run_interruptibly(solver)
    ended = solver.getModelStatus()
    info = solver.getInfo()
    found = np.flatnonzero(np.asarray(solver.getSolution().col_value[:columns]) > 0.5)
    sites = (
        [int(site) for site in found]
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        else start
    )
    if _value(problem, sites) < _value(problem, start):
        sites = start
    value = _value(problem, sites)
    bound = min(everything, max(float(info.mip_dual_bound), value))
    if _whole(problem):  # people come whole, so does the best possible plan
        bound = max(value, np.floor(bound + 1e-6))
    if bound - value <= 1e-6 * max(1.0, value):
        return sites, value, "optimal"
    return sites, bound, "gap_reached" if ended == highspy.HighsModelStatus.kOptimal else "time_limit"


def _run_interruptibly(solver: highspy.Highs) -> None:
    """Run HiGHS beside the main thread, so that Ctrl-C is heard at once and stops it."""
    solver.HandleUserInterrupt = True
    worker = threading.Thread(target=solver.run, daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(0.05)
    except KeyboardInterrupt:
        solver.cancelSolve()
        raise


def _model(problem: _Reduced, p: int, fixed: tuple[int, ...]) -> highspy.HighsLp:
    """Return the compact formulation: binary y per candidate, continuous z per merged row."""
    rows, columns = problem.cover.shape
    linking = sparse.hstack([-problem.cover.astype(np.float64), sparse.eye_array(rows)])
    budget = sparse.csr_array(np.concatenate([np.ones(columns), np.zeros(rows)])[None, :])
    matrix = sparse.csc_array(sparse.vstack([linking, budget]))
    lower = np.zeros(columns + rows)
    lower[list(fixed)] = 1.0
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns + rows, rows + 1
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.concatenate([np.zeros(columns), problem.weight])
    model.col_lower_, model.col_upper_ = lower, np.ones(columns + rows)
    model.row_lower_ = np.full(rows + 1, -highspy.kHighsInf)
    model.row_upper_ = np.concatenate([np.zeros(rows), [float(p)]])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    integer, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    model.integrality_ = [integer] * columns + [continuous] * rows
    return model


def _rank(problem: _Reduced, opened: list[int], fixed: tuple[int, ...]) -> tuple[list[int], tuple[float, ...]]:
    """Order the opened sites, each adding as much as it can after the ones before it; drop those that add nothing."""
    chosen = _Reduced(sparse.csc_array(problem.cover[:, opened]), problem.weight, np.asarray(opened))
    order = _greedy(chosen, len(opened))
    order += [position for position, site in enumerate(opened) if site in fixed and position not in order]
    covered = np.zeros(problem.cover.shape[0], dtype=bool)
    gains = []
    for position in order:
        rows = _rows(chosen, position)
        gains.append(float(problem.weight[rows[~covered[rows]]].sum()))
        covered[rows] = True
    return [opened[position] for position in order], tuple(gains)


def _rows(problem: _Reduced, site: int) -> npt.NDArray[np.int32]:
    rows: npt.NDArray[np.int32] = problem.cover.indices[problem.cover.indptr[site] : problem.cover.indptr[site + 1]]
    return rows


def _whole(problem: _Reduced) -> bool:
    return bool(np.all(problem.weight == np.round(problem.weight)))


def _value(problem: _Reduced, sites: list[int]) -> float:
    covered = np.zeros(problem.cover.shape[0], dtype=bool)
    for site in sites:
        covered[_rows(problem, site)] = True
    return float(problem.weight[covered].sum())
