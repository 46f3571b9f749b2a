"""Opening hours: a week read from what a source wrote, held as minutes, written in OpenStreetMap's
form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geoguichet.floor.errors import UsageError

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
WEEKDAYS_FR = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
DAY_MINUTES = 24 * 60

#: From and to, in minutes; to is after from.
type Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Week:
    """When a counter is open in an ordinary week.

    >>> week = Week.of_days([[(540, 720)], [(540, 720), (840, 1020)]])
    >>> week.osm, week.minutes, str(week)
    ('Mo 09:00-12:00; Tu 09:00-12:00,14:00-17:00', 480, '540-720 1980-2160 2280-2460')
    """

    #: Minutes since Monday 00:00, in order, without overlap; a span past midnight stays whole.
    spans: tuple[Span, ...]

    @classmethod
    def of_days(cls, days: Iterable[Sequence[Span]]) -> Week:
        """Return the week whose days, from Monday, are open during these spans (minutes of the
        day).
        """
        return cls(
            tuple(
                (day * DAY_MINUTES + opens, day * DAY_MINUTES + closes)
                for day, spans in enumerate(days)
                for opens, closes in joined(spans)
            )
        )

    @property
    def minutes(self) -> int:
        """Minutes open in the week."""
        return sum(closes - opens for opens, closes in self.spans)

    @property
    def hours(self) -> float:
        """Hours open in the week, rounded to four decimals as in the sample."""
        return round(self.minutes / 60, 4)

    @property
    def osm(self) -> str:
        """The week in OpenStreetMap's ``opening_hours`` form; days in a row with equal spans make
        one rule.
        """
        rules: list[tuple[int, int, str]] = []
        for day in range(7):
            text = ",".join(
                f"{_clock(opens - day * DAY_MINUTES)}-{_clock(closes - day * DAY_MINUTES)}"
                for opens, closes in self.spans
                if opens // DAY_MINUTES == day
            )
            if rules and rules[-1][2] == text and rules[-1][1] == day - 1:
                rules[-1] = (rules[-1][0], day, text)
            elif text:
                rules.append((day, day, text))
        return "; ".join(
            f"{DAYS[first] if first == last else f'{DAYS[first]}-{DAYS[last]}'} {text}"
            for first, last, text in rules
        )

    def __str__(self) -> str:
        return " ".join(f"{opens}-{closes}" for opens, closes in self.spans)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap or touch made one."""
    result: list[Span] = []
    for opens, closes in sorted(spans):
        if result and opens <= result[-1][1]:
            result[-1] = (result[-1][0], max(closes, result[-1][1]))
        else:
            result.append((opens, closes))
    return result


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


# -- OpenStreetMap's form

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_RULE = re.compile(r"(?P<days>[A-Za-z]{2}(?:\s*[-,]\s*[A-Za-z]{2})*)?\s*(?P<times>.*)", re.DOTALL)


def osm_week(text: str | None) -> Week | None:
    """Return the week a text in OpenStreetMap's ``opening_hours`` form describes.

    Understood: weekdays, ranges of weekdays, several spans a day, spans past midnight, ``off`` and
    ``24/7``; a later rule replaces an earlier one for its days, overlapping spans count once,
    holidays are left aside. Anything else (months, weeks, dates, sunset ...) is not guessed: None,
    as for a missing or blank text.
    """
    if not isinstance(text, str) or not text.strip():
        return None
    if text.strip() in {"off", "closed"}:
        return Week(())
    if text.strip() == "24/7":
        return Week.of_days([[(0, DAY_MINUTES)]] * 7)
    days: list[list[Span]] = [[] for _ in DAYS]
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        if rule.startswith(("PH", "SH")):
            continue
        match = _RULE.fullmatch(rule)
        numbers = _days(match["days"]) if match else None
        spans = _osm_spans(match["times"]) if match else None
        if numbers is None or spans is None:
            return None
        for number in numbers:
            days[number] = spans
    return Week.of_days(days)


def weekly_hours(text: str | None) -> float | None:
    """Return how many hours a week a text in OpenStreetMap's ``opening_hours`` form is open; None
    when unknown.

    >>> weekly_hours("Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00")
    27.0
    """
    week = osm_week(text)
    return None if week is None else week.minutes / 60


# Return the numbers of the weekdays of ``Mo-We,Fr`` (all when nothing is said); None when one is
# unknown.
def _days(text: str | None) -> list[int] | None:
    if not text:
        return list(range(7))
    chosen: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            return None
        start, end = DAYS.index(first), DAYS.index(last or first)
        chosen.extend(
            range(start, end + 1) if start <= end else [*range(start, 7), *range(end + 1)]
        )
    return chosen


# Return the spans of ``09:00-12:00,14:00-17:00`` or ``off``; None when not understood.
def _osm_spans(text: str) -> list[Span] | None:
    if text.strip() in {"off", "closed"}:
        return []
    spans: list[Span] = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            return None
        opens = int(match[1]) * 60 + int(match[2])
        closes = int(match[3]) * 60 + int(match[4])
        if (
            max(int(match[2]), int(match[4])) > 59
            or opens >= DAY_MINUTES
            or closes > 26 * 60
            or opens == closes
        ):
            return None
        spans.append((opens, closes if closes > opens else closes + DAY_MINUTES))
    return spans


# -- what French files write

_TIME = r"(\d{1,2})\s*(?:[:hH]\s*(\d{2})?)"
_FRENCH_SPAN = re.compile(rf"{_TIME}\s*(?:-|–|à|a|/)\s*{_TIME}")
_BETWEEN = re.compile(r"(?:\s|/|,|;|et|puis|\u00a0)*")
_CLOSED = frozenset({"", "-", "fermé", "ferme", "fermée", "néant", "x", "off"})


@dataclass(frozen=True, slots=True)
class DayHours:
    """What one weekday's cell says."""

    spans: tuple[Span, ...]
    #: Spans whose two ends are equal, such as ``00:00 - 00:00``: left out, and told.
    empty_spans: int


def french_day(text: str | None) -> DayHours | None:
    """Return what a cell such as ``09:00 - 12:00 / 13h30 à 17h`` says; None when any part is not
    understood.

    Blank, ``-`` and ``fermé`` are a closed day.

    >>> french_day("9h-12h30 / 14:00 - 17:00").spans
    ((540, 750), (840, 1020))
    """
    cell = (text or "").replace("\u00a0", " ").strip().lower()
    if cell in _CLOSED:
        return DayHours((), 0)
    spans: list[Span] = []
    empty = position = 0
    while position < len(cell):
        match = _FRENCH_SPAN.match(cell, position)
        if match is None:
            return None
        hours = [int(part or 0) for part in match.groups()]
        opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if max(hours[1], hours[3]) > 59 or closes > DAY_MINUTES or opens > closes:
            return None
        if opens == closes:
            empty += 1
        else:
            spans.append((opens, closes))
        between = _BETWEEN.match(cell, match.end())
        position = between.end() if between else len(cell)
    return DayHours(tuple(spans), empty)


# A moment of an ordinary week, as people say it, and whether a counter is open then.

DAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Minutes in a week.
WEEK = 7 * 24 * 60
_MOMENT = re.compile(
    r"(?P<day>[a-z]{2,9})\.?[\s,]+(?:a\s+)?(?P<hour>\d{1,2})\s*(?:[:h]\s*(?P<minute>\d{2})?)?"
)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A minute of an ordinary week: ``minute`` counts from Monday 00:00.

    >>> str(Moment.parse("Mar. 10h30")), Moment.parse("Tu 10:30").minute
    ('mardi 10 h 30', 2070)
    """

    minute: int

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read a weekday and an hour, in French or in OpenStreetMap's days: ``mardi 10h30``, ``Tu
        10:30``.

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
                f"un jour de la semaine et une heure sont attendus, {text!r} est donné ; essayez "
                ': "mardi 10h30".'
            )
        return cls((day * 24 + hour) * 60 + minute)

    @property
    def day(self) -> int:
        """The weekday, 0 for Monday."""
        return self.minute // (24 * 60)

    def __str__(self) -> str:
        hour, minute = divmod(self.minute % (24 * 60), 60)
        return (
            f"{WEEKDAYS_FR[self.day]} {hour} h {minute:02d}"
            if minute
            else f"{WEEKDAYS_FR[self.day]} {hour} h"
        )


def is_open(hours: str | None, at: Moment) -> bool | None:
    """Return whether a counter is open at a moment; None when its hours are missing or not
    understood.

    ``hours`` is text in OpenStreetMap's ``opening_hours`` form. It opens at the first minute of a
    span and is closed at the last: at 12:00, ``09:00-12:00`` is closed.
    """
    week = osm_week(hours)
    if week is None:
        return None
    return any(
        opens <= minute < closes
        for opens, closes in week.spans
        for minute in (at.minute, at.minute + WEEK)
    )


def next_opening(hours: str | None, at: Moment) -> Moment | None:
    """Return when it opens next, at this moment or after; None when it never does or the hours are
    unknown.
    """
    week = osm_week(hours)
    if week is None or not week.spans:
        return None
    if is_open(hours, at):
        return at
    return Moment(min(week.spans, key=lambda span: (span[0] - at.minute) % WEEK)[0] % WEEK)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


# Return the number of the one weekday that begins with the word, in French, else in English.
def _day(word: str) -> int | None:
    for names in (WEEKDAYS_FR, DAYS_EN):
        found = [number for number, name in enumerate(names) if name.startswith(word)]
        if len(found) == 1:
            return found[0]
    return None
