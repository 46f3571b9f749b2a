"""A moment of an ordinary week, as people say it, and whether a counter is open then."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from geoguichet.referentials.errors import UsageError
from geoguichet.referentials.hours import WEEKDAYS_FR, osm_week

DAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEK = 7 * 24 * 60
"""Minutes in a week."""
_MOMENT = re.compile(r"(?P<day>[a-z]{2,9})\.?[\s,]+(?:a\s+)?(?P<hour>\d{1,2})\s*(?:[:h]\s*(?P<minute>\d{2})?)?")


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A minute of an ordinary week: ``minute`` counts from Monday 00:00.

    >>> str(Moment.parse("Mar. 10h30")), Moment.parse("Tu 10:30").minute
    ('mardi 10 h 30', 2070)
    """

    minute: int

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read a weekday and an hour, in French or in OpenStreetMap's days: ``mardi 10h30``, ``Tu 10:30``.

        Raises
        ------
        UsageError
            It is not a weekday followed by an hour from 0:00 to 23:59.
        """
        match = _MOMENT.fullmatch(_plain(text))
        day = _day(match["day"]) if match else None
        hour, minute = (int(match["hour"]), int(match["minute"] or 0)) if match else (24, 0)
        if day is None or hour > 23 or minute > 59:
            raise UsageError(
                f'un jour de la semaine et une heure sont attendus, {text!r} est donné ; essayez : "mardi 10h30".'
            )
        return cls((day * 24 + hour) * 60 + minute)

    @property
    def day(self) -> int:
        """The weekday, 0 for Monday."""
        return self.minute // (24 * 60)

    def __str__(self) -> str:
        hour, minute = divmod(self.minute % (24 * 60), 60)
        return f"{WEEKDAYS_FR[self.day]} {hour} h {minute:02d}" if minute else f"{WEEKDAYS_FR[self.day]} {hour} h"


def is_open(hours: str | None, at: Moment) -> bool | None:
    """Return whether a counter is open at a moment; None when its hours are missing or not understood.

    ``hours`` is text in OpenStreetMap's ``opening_hours`` form. It opens at the first minute of a span and is closed
    at the last: at 12:00, ``09:00-12:00`` is closed.
    """
    week = osm_week(hours)
    if week is None:
        return None
    return any(opens <= minute < closes for opens, closes in week.spans for minute in (at.minute, at.minute + WEEK))


def next_opening(hours: str | None, at: Moment) -> Moment | None:
    """Return when it opens next, at this moment or after; None when it never does or the hours are unknown."""
    week = osm_week(hours)
    if week is None or not week.spans:
        return None
    if is_open(hours, at):
        return at
    return Moment(min(week.spans, key=lambda span: (span[0] - at.minute) % WEEK)[0] % WEEK)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _day(word: str) -> int | None:
    """Return the number of the one weekday that begins with the word, in French, else in English."""
    for names in (WEEKDAYS_FR, DAYS_EN):
        found = [number for number, name in enumerate(names) if name.startswith(word)]
        if len(found) == 1:
            return found[0]
    return None
