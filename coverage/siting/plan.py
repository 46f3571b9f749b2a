"""A siting answer with its proof: the sites, what they bring, and the bound no plan can beat."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal

# How long an answer may take, and whether the planner has changed their mind.


class Watch:
    """A stopwatch with a limit, and the event by which the caller calls everything off.

    The loops of this folder ask :attr:`over` between two small pieces of work.
    """

    def __init__(self, time_limit_s: float, *cancel: threading.Event | None) -> None:
        self._started = time.monotonic()
        self.limit_s = time_limit_s
        self._cancel = tuple(event for event in cancel if event is not None)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left_s(self) -> float:
        """Seconds left before the limit, 0 when it is past."""
        return max(0.0, self.limit_s - self.seconds)

    @property
    def cancelled(self) -> bool:
        """Whether the caller has called it off."""
        return any(event.is_set() for event in self._cancel)

    @property
    def over(self) -> bool:
        """Whether the work must stop now."""
        return self.cancelled or self.left_s <= 0

    def slice(self, share: float) -> Watch:
        """Return a watch for a share of the time that is left."""
        return Watch(share * self.left_s, *self._cancel)

    def until(self, event: threading.Event) -> Watch:
        """Return a watch for all the time that is left, called off by this event too."""
        return Watch(self.left_s, *self._cancel, event)


#: How the search ended.
#:
#: ``optimal``: proved. ``gap_reached``: proved within the gap asked for. ``time_limit``: the clock
#: decided, so that another run may answer otherwise. ``work_limit``: every step did its fixed
#: amount of work and the gap is still open. ``interrupted``: the caller called it off.
#: ``solver_lost``: the solver's process died. In every case the plan is the best one known and the
#: bound is proved.
type Status = Literal[
    "optimal", "gap_reached", "time_limit", "work_limit", "interrupted", "solver_lost"
]

type Sense = Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class KioskPlan:
    """Which candidates to open, in the order in which each adds most, and how good that is.

    ``sites`` are positions in the candidates; ``gains[i]`` is the weight that ``sites[i]`` adds
    after the ones before it. When the model maximises, the gains sum to ``value`` and no plan under
    the same rules exceeds ``bound``; when it minimises (``sense`` is ``min``: fewest sites, least
    distance), none falls below ``bound``.
    """

    model: str
    sites: tuple[int, ...]
    gains: tuple[float, ...]
    value: float
    bound: float
    status: Status
    #: How the answer was obtained, in words: ``greedy, HiGHS 1.15 ...``.
    method: str
    seconds: float
    sense: Sense = "max"
    #: What the sites cost together, in the unit of the costs given (the number of sites when none
    #: were).
    cost: float = 0.0
    #: Weight that the existing sites cover before any is opened; not counted in ``value``.
    already: float = 0.0
    #: Demand that no existing or admissible site covers.
    uncoverable: tuple[int, ...] = ()
    #: For each demand point, the candidate that serves it (median and center); -1 when none does.
    assigned: tuple[int, ...] = ()

    @property
    def gap(self) -> float:
        """Proven relative gap: what a perfect plan could still better, as a share (0 when proved
        optimal).
        """
        large, small = (self.bound, self.value) if self.sense == "max" else (self.value, self.bound)
        return 0.0 if large <= 0 else max(0.0, (large - small) / large)
