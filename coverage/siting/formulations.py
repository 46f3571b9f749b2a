"""The covering problems written out as mixed-integer programs, all sparse."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.siting.exact import Program
from geoguichet.coverage.siting.problem import Floats, Problem


def covering(problem: Problem, *, must: sparse.csr_array | None = None) -> Program:
    """Return the maximal covering program: binary y per column, 0 <= z <= 1 per row, 0 <= s <= 1 per second weight.

    Maximise w z + v s subject to z_i + s_i <= sum_j a_ij y_j and the limits on y. As v_i <= w_i, s_i > 0 only when
    z_i = 1. Each row of ``must`` is a set of columns of which one at least is opened.
    """
    if must is None:
        must = sparse.csr_array((0, problem.columns))
    rows = problem.cover.shape[0]
    twice = np.flatnonzero(problem.second > 0)
    second = sparse.csr_array((np.ones(len(twice)), (twice, np.arange(len(twice)))), shape=(rows, len(twice)))
    linking = sparse.hstack([-problem.cover.astype(np.float64), sparse.eye_array(rows), second])
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
    """Return the rows on y alone, with their lower and upper limits: count, budget, exclusive sets, floors."""
    rules, columns = problem.rules, problem.columns
    counted = np.flatnonzero(rules.floor_of >= 0)
    floors = sparse.csr_array(
        (np.ones(len(counted)), (rules.floor_of[counted], counted)), shape=(len(rules.floor), columns)
    )
    blocks = [sparse.csr_array(np.ones((1, columns))), rules.packs.astype(np.float64), floors]
    lower: list[npt.ArrayLike] = [[-np.inf], np.full(rules.packs.shape[0], -np.inf), rules.floor.astype(np.float64)]
    upper: list[npt.ArrayLike] = [
        [float(problem.count)],
        np.ones(rules.packs.shape[0]),
        np.full(len(rules.floor), np.inf),
    ]
    if np.isfinite(problem.budget):
        blocks.append(sparse.csr_array(problem.cost[None, :]))
        lower.append([-np.inf])
        upper.append([problem.budget])
    return sparse.csr_array(sparse.vstack(blocks)), np.concatenate(lower), np.concatenate(upper)


def _must(problem: Problem) -> Floats:
    lower = np.zeros(problem.columns)
    lower[problem.rules.required] = 1.0
    return lower


def _wider(matrix: sparse.csr_array, extra: int) -> sparse.csr_array:
    return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], extra))]))


def _csc(matrix: sparse.sparray) -> sparse.csc_array:
    built = sparse.csc_array(matrix)
    built.eliminate_zeros()
    return built
