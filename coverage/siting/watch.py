"""How long an answer may take, and whether the planner has changed their mind."""

from __future__ import annotations

import threading
import time


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
