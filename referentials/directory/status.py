"""What a counter is at a moment, in the six words a citizen is told: never « ouvert » where that is not
certain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from geoguichet.floor.words import _, by_voice, weekdays
from geoguichet.referentials.directory.hours import (
    DAY_MINUTES,
    ON_APPOINTMENT,
    WEEK,
    Moment,
    clock_told,
    is_open,
    next_opening,
    osm_week,
)

type State = Literal["open", "closing", "closed", "appointment", "unknown", "uncertain"]

#: It closes soon when it does so within so many minutes.
SOON = 30
#: Minutes between two looks at hours that have dates: what an ordinary week does not tell.
_STEP = 5


@dataclass(frozen=True, slots=True)
class Status:
    """What a counter is at a moment: when it closes (open), or opens next (closed), if it is known."""

    state: State
    then: Moment | None = None
    #: Minutes until it closes.
    left: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is surely open."""
        return self.state in ("open", "closing")


def status(hours: str | None, at: Moment, departement: str = "") -> Status:
    """Return what a counter is at a moment, by its hours in OpenStreetMap's form."""
    told = is_open(hours, at, departement)
    if told is None:
        if isinstance(hours, str) and ON_APPOINTMENT.search(hours):
            return Status("appointment")
        return Status("unknown" if osm_week(hours) is None else "uncertain")
    if not told:
        return Status("closed", next_opening(hours, at, departement))
    for minutes in _looks(hours, at):
        later = _after(at, minutes)
        if not is_open(hours, later, departement):
            return Status("closing" if minutes <= SOON else "open", later, minutes)
    return Status("open")


# Yield how many minutes after a moment it may close: where the ordinary week changes and, of hours
# that tell dates, again and again; two days ahead at most.
def _looks(hours: str | None, at: Moment) -> Iterator[int]:
    week = osm_week(hours)
    if week is None:
        return
    ends = {
        (minute - at.minute) % WEEK for span in (*week.spans, *week.unsure) for minute in span
    } | {(minute - at.minute) % WEEK for minute in range(0, WEEK, DAY_MINUTES)}
    steps = range(_STEP - at.minute % _STEP, DAY_MINUTES, _STEP) if week.text else ()
    yield from sorted(each for each in {*ends, *steps} if 0 < each <= 2 * DAY_MINUTES)


def _after(at: Moment, minutes: int) -> Moment:
    days = (at.minute % DAY_MINUTES + minutes) // DAY_MINUTES
    return Moment((at.minute + minutes) % WEEK, at.on and at.on + timedelta(days=days))


def status_told(found: Status, at: Moment) -> str:
    """Say it: « Ouvert jusqu'à 12 h », « Ferme dans 20 min », « Fermé, ouvre lundi à 9 h 30 », « Sur
    rendez-vous », « Horaires inconnus », « Horaires incertains ce jour ».
    """
    if found.state == "open":
        then = found.then
        return _("Ouvert jusqu'à {hour}", hour=clock_told(then.minute)) if then else _("Ouvert")
    if found.state == "closing":
        return _("Ferme dans {n} min", n=found.left)
    if found.state == "closed":
        return (
            _("Fermé, ouvre {when}", when=when_told(found.then, at)) if found.then else _("Fermé")
        )
    if found.state == "appointment":
        return _("Sur rendez-vous")
    return _("Horaires inconnus") if found.state == "unknown" else _("Horaires incertains ce jour")


@by_voice(2048)
def when_told(then: Moment, at: Moment) -> str:
    """Say a moment seen from another: « à 14 h » the same day, « lundi à 9 h 30 » within six days,
    else with its date.
    """
    hour = clock_told(then.minute)
    apart = (then.on - at.on).days if then.on and at.on else (then.day - at.day) % 7
    if apart == 0:
        return _("à {hour}", hour=hour)
    day = weekdays()[then.day]
    if apart < 7 or then.on is None:
        return _("{day} à {hour}", day=day, hour=hour)
    return _("{day} {date} à {hour}", day=day, date=f"{then.on:%d/%m}", hour=hour)
