"""The best plan and the best bound known while a question is being worked on, and how they came
about.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.siting import bounds, mixed_integer
from geoguichet.coverage.siting.plan import Sense, Status, Watch
from geoguichet.coverage.siting.problem import Problem, admissible


class Best:
    """The best plan and the best bound known, and how they came about."""

    def __init__(
        self,
        problem: Problem,
        gap: float,
        *,
        sense: Sense,
        measure: Callable[[list[int]], float],
        whole: bool,
        bound: float,
    ) -> None:
        self.problem, self.gap, self.sense, self.measure = problem, gap, sense, measure
        self.bound = bound
        self.columns: list[int] | None = None
        self.proof: bounds.Bound | None = None
        self.ending: mixed_integer.Ending | None = None
        self.steps: list[str] = []
        self._sign = 1.0 if sense == "max" else -1.0
        self.value = -self._sign * np.inf
        self.grain = 0.999 if whole else 1e-6
        """How much better a plan must at least be, to be better: people, metres and sites often
        come whole.
        """

    @property
    def found(self) -> bool:
        """Whether any plan is known."""
        return self.columns is not None

    @property
    def start(self) -> list[int]:
        """The columns of the best plan, none when no plan is known."""
        return self.columns or []

    @property
    def settling(self) -> float:
        """The upper bound that would settle a question that maximises."""
        return (
            max(self.value + self.grain, self.value / max(1e-9, 1.0 - self.gap))
            if self.found
            else -np.inf
        )

    @property
    def closed(self) -> bool:
        """Whether the plan is as good as was asked for."""
        room = self._sign * (self.bound - self.value)
        large = max(abs(self.bound), abs(self.value))
        return self.found and room <= max(1e-6, 1e-9 * large, self.gap * large)

    @property
    def proved(self) -> bool:
        """Whether the plan is proved optimal."""
        return self.found and self._sign * (self.bound - self.value) <= 1e-6 * max(
            1.0, abs(self.value)
        )

    def offer(self, step: str, columns: list[int]) -> None:
        """Keep the columns if they obey the rules and are better than those known."""
        if not admissible(self.problem, columns):
            return
        value = self.measure(columns)
        self.steps.append(f"{step} {value:.10g}")
        if self._sign * value > self._sign * self.value or not self.found:
            self.columns, self.value = list(columns), value

    def tighten(self, proof: bounds.Bound) -> None:
        """Keep a bound if it is better than the one known."""
        self.steps.append(f"bound {proof.value:.10g}")
        if self.proof is None or proof.value <= self.proof.value:
            self.proof = proof
        self.limit(proof.value)

    def hear(self, outcome: mixed_integer.Outcome, where: npt.NDArray[np.int64]) -> None:
        """Take what the exact solver found and proved on the columns ``where``."""
        self._refuse_contradiction(outcome.ending)
        self.steps.append(outcome.how)
        self.ending = outcome.ending
        if outcome.chosen is not None:
            self.offer("exact", [int(column) for column in where[list(outcome.chosen)]])
        self.limit(outcome.bound)
        if outcome.ending == "solved" and self.found:
            self.bound = self.value

    def cut(self, relaxed: mixed_integer.Relaxed) -> None:
        """Take the bound of a relaxation of what is left to be decided."""
        self._refuse_contradiction(relaxed.ending)
        self.steps.append(f"{relaxed.how}, bound {relaxed.bound:.10g}")
        if relaxed.ending != "solved":
            self.ending = relaxed.ending
        self.limit(relaxed.bound)

    def _refuse_contradiction(self, ending: mixed_integer.Ending) -> None:
        if ending == "infeasible" and not self.found:
            raise SitingError(
                "les règles se contredisent : aucun choix de lieux ne respecte à la fois le "
                "nombre ou le budget, les "
                "lieux imposés, un lieu par groupe, l'espacement et les minimums ; assouplissez "
                "l'une d'elles."
            )

    def limit(self, bound: float) -> None:
        """Keep the number that no plan can better, if it says more than the one known."""
        if self.grain > 0.5:
            bound = np.floor(bound + 1e-6) if self.sense == "max" else np.ceil(bound - 1e-6)
        better = self._sign * min(self._sign * bound, self._sign * self.bound)
        self.bound = self._sign * max(self._sign * better, self._sign * self.value)


def status(best: Best, watch: Watch) -> Status:
    """Say how the search ended."""
    if best.proved:
        return "optimal"
    if best.closed:
        return "gap_reached"
    if watch.cancelled:
        return "interrupted"
    if best.ending == "lost":
        return "solver_lost"
    return "time_limit" if watch.over or best.ending == "stopped" else "work_limit"
