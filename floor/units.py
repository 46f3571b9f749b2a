"""What costs are counted in: metres or seconds, which travel with the number."""

from enum import StrEnum
from typing import Self


class Unit(StrEnum):
    """The unit of a router's costs; its value ends the names of the columns that hold them."""

    METRES = "m"
    SECONDS = "s"

    def column(self, name: str) -> str:
        """Return the column that holds a cost in this unit: ``slack`` is ``slack_m`` or
        ``slack_s``.
        """
        return f"{name}_{self}"


class Cost(float):
    """A distance or a time: 8 km is ``Cost(8000, Unit.METRES)``, 20 minutes are
    ``Cost(1200, Unit.SECONDS)``.

    It is a float, so that arrays of costs compare with it as with any number; what is computed from
    it is a plain float. Two costs are equal when their units are too.
    """

    __slots__ = ("unit",)
    unit: Unit

    def __new__(cls, number: float, unit: Unit) -> Self:
        """Return so many metres, or so many seconds."""
        cost = super().__new__(cls, number)
        cost.unit = unit
        return cost

    def __getnewargs__(self) -> tuple[float, Unit]:  # type: ignore[override]  # for copies
        return float(self), self.unit

    def __eq__(self, other: object) -> bool:
        return (not isinstance(other, Cost) or other.unit is self.unit) and super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    @property
    def told(self) -> str:
        """The cost in words, in the units that people use: ``8 km``, ``20 min``."""
        return f"{self / 1000:g} km" if self.unit is Unit.METRES else f"{self / 60:g} min"

    def metres_at(self, metres_a_second: float) -> float:
        """Return how far it leads: itself when it is a distance, else at a speed."""
        return self * (1.0 if self.unit is Unit.METRES else metres_a_second)
