"""A siting answer with its proof: the sites, what they cover, and the bound no plan can beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Status = Literal["optimal", "gap_reached", "time_limit", "interrupted"]


@dataclass(frozen=True, slots=True)
class KioskPlan:
    """Which candidates to open, in the order in which each adds most, and how good that is.

    ``sites`` are positions in the candidates; ``gains[i]`` is the weight that ``sites[i]`` adds after the ones before
    it, so that the gains sum to ``value``. No choice of as many sites covers more than ``bound``.
    """

    model: str
    sites: tuple[int, ...]
    gains: tuple[float, ...]
    value: float
    bound: float
    status: Status
    method: str
    """How the answer was obtained, in words: ``greedy, HiGHS 1.15 ...``."""
    seconds: float

    @property
    def gap(self) -> float:
        """Proven relative gap: what a perfect plan could still add, as a share of the bound (0 when proved optimal)."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.value) / self.bound)
