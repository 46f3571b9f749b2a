"""In which phase to open each site of a plan, when every phase has a budget: as many as may be,
as early as may be.

The sites are decided; what is left is their order (a multi-period covering problem, Gunawardane
1982). With u_jt = 1 when j is open by the end of phase t, and B_t the budgets of the first t phases:

    maximise  sum_t sum_i w_i z_it    subject to  z_it <= sum_j a_ij u_jt,   u_jt <= u_j,t+1,
    sum_j c_j u_jt <= B_t.

What a phase does not spend the next ones may. The last phase opens what is left, so that it is a
constant: the program has one phase fewer than the planner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.routers.impedance import Positions
from geoguichet.coverage.siting import mixed_integer
from geoguichet.coverage.siting.problem import Floats, Status, Watch, amounts, weights
from geoguichet.floor.words import Message


@dataclass(frozen=True, slots=True, eq=False)
class Phasing:
    """The phase of each site (from 0), and how good that order is."""

    phase: Positions
    #: Weight reached by the end of each phase.
    reached: Floats
    #: The sum of ``reached``, and what no other order can exceed.
    value: float
    bound: float
    status: Status

    @property
    def gap(self) -> float:
        """What a perfect order could still better, as a share; 0 when proved the best."""
        return max(0.0, self.bound - self.value) / self.bound if self.bound else 0.0


def phases(
    cover: sparse.sparray,
    weight: npt.ArrayLike,
    cost: npt.ArrayLike,
    budgets: npt.ArrayLike,
    *,
    time_limit_s: float = 60.0,
) -> Phasing:
    """Share the sites of a plan among phases so that the weight reached, summed over the phases, is
    the greatest.

    Parameters
    ----------
    cover
        Demand x sites, true where a site covers a demand point.
    weight
        Weight of each demand point (people), not negative.
    cost, budgets
        Of each site and of each phase, in one unit, not negative; all sites are to be paid for.

    Raises
    ------
    SitingError
        The budgets together do not pay for the sites.
    """
    watch = Watch(time_limit_s)
    matrix = sparse.csr_array(cover, dtype=bool)
    rows, sites = matrix.shape
    people = weights(weight, rows)
    price = amounts(cost, sites, f"un coût est attendu pour chacun des {sites} lieux.")
    given = np.asarray(budgets, dtype=np.float64)
    paid = np.cumsum(amounts(given, len(given), "un budget est attendu pour chaque phase."))
    if price.sum() > paid[-1] * (1 + 1e-12):
        raise SitingError(
            Message(
                "les phases paient {paid} EUR et les lieux du plan en coûtent {cost} ; "
                "augmentez le budget d'une phase ou ouvrez moins de lieux.",
                paid=f"{paid[-1]:.0f}",
                cost=f"{price.sum():.0f}",
            )
        )
    first = _greedy(matrix, people, price, paid)
    if len(paid) == 1 or not sites:
        reached = _reached(matrix, people, first, len(paid))
        total = float(reached.sum())
        return Phasing(first, reached, total, total, "optimal")
    program, start = _program(matrix, people, price, paid, first)
    outcome = mixed_integer.solve(program, start=start, watch=watch)
    phase = first
    if outcome.chosen is not None:
        opened = np.zeros((len(paid) - 1) * sites)
        opened[list(outcome.chosen)] = 1.0
        phase = len(paid) - 1 - opened.reshape(-1, sites).sum(axis=0).astype(np.int64)
    best = max((first, phase), key=lambda one: _reached(matrix, people, one, len(paid)).sum())
    reached = _reached(matrix, people, best, len(paid))
    value = float(reached.sum())
    everything = float(people[np.diff(matrix.indptr) > 0].sum())
    bound = max(value, min(outcome.bound + reached[-1], everything * len(paid)))
    return Phasing(best, reached, value, bound, outcome.status)


# Return the weight reached by the end of each phase.
def _reached(cover: sparse.csr_array, people: Floats, phase: Positions, count: int) -> Floats:
    first = np.full(cover.shape[0], count)
    row = np.repeat(np.arange(cover.shape[0]), np.diff(cover.indptr))
    np.minimum.at(first, row, phase[cover.indices])
    added = np.bincount(first, weights=people, minlength=count + 1)[:count]
    return np.cumsum(added).astype(np.float64)


# Open what adds most for its cost, again and again, as soon as there is money for it.
def _greedy(cover: sparse.csr_array, people: Floats, price: Floats, paid: Floats) -> Positions:
    columns, left = sparse.csr_array(cover.T, dtype=np.float64), people.copy()
    phase, spent = np.full(cover.shape[1], -1), 0.0
    for number, money in enumerate(paid):
        last = number == len(paid) - 1
        while (phase < 0).any():
            may = (phase < 0) & (last | (spent + price <= money))
            if not may.any():
                break
            gain = columns @ left
            rate = np.divide(gain, price, out=np.where(gain > 0, np.inf, 0.0), where=price > 0)
            site = int(np.where(may, rate, -1.0).argmax())
            phase[site], spent = number, spent + price[site]
            left[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = 0.0
    return phase


# Write the program out, and the greedy order as its start.
def _program(
    cover: sparse.csr_array, people: Floats, price: Floats, paid: Floats, first: Positions
) -> tuple[mixed_integer.Program, Floats]:
    rows, sites = cover.shape
    count = len(paid) - 1
    each = sparse.eye_array(count)
    opened, reached = count * sites, count * rows
    linking = sparse.hstack(
        [-sparse.kron(each, cover.astype(np.float64)), sparse.eye_array(reached)]
    )
    later = sparse.kron(sparse.diags_array([np.ones(count - 1)], offsets=[1], shape=(count, count)),
                        sparse.eye_array(sites))  # fmt: skip
    follows = sparse.csr_array(sparse.eye_array(opened) - later)[: (count - 1) * sites]
    money = sparse.kron(each, price[None, :])
    wider = sparse.block_array(
        [[follows, sparse.csr_array((follows.shape[0], reached))],
         [money, sparse.csr_array((count, reached))]]
    )  # fmt: skip
    above = np.concatenate([np.zeros(reached + follows.shape[0]), paid[:-1]])
    program = mixed_integer.Program(
        matrix=sparse.csc_array(sparse.vstack([linking, wider])),
        cost=np.concatenate([np.zeros(opened), np.tile(people, count)]),
        lower=np.zeros(opened + reached),
        upper=np.ones(opened + reached),
        row_lower=np.full(len(above), -np.inf),
        row_upper=above,
        integers=opened,
        maximise=True,
    )
    is_open = first[None, :] <= np.arange(count)[:, None]
    covered = (cover.astype(np.int64) @ is_open.T.astype(np.int64)).T > 0
    return program, np.concatenate([is_open.ravel(), covered.ravel()]).astype(np.float64)
