"""Opening hours: a week read from what a source wrote, held as minutes, written in OpenStreetMap's
form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import opening_hours

from geoguichet.floor.errors import UsageError
from geoguichet.floor.words import _, bare, by_voice, weekdays
from geoguichet.referentials.directory.calendars import is_public_holiday, is_school_holiday

# numpy is half of the time that « coverage nearest » takes, and few texts have dates: it is imported
# where one is read.
if TYPE_CHECKING:
    import numpy as np

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
WEEKDAYS_FR = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
DAY_MINUTES = 24 * 60
#: Minutes in a week.
WEEK = 7 * DAY_MINUTES

#: From and to, in minutes; to is after from.
type Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Week:
    """When a counter is open in an ordinary week: outside holidays.

    >>> week = Week.of_days([[(540, 720)], [(540, 720), (840, 1020)]])
    >>> week.osm, week.minutes, str(week)
    ('Mo 09:00-12:00; Tu 09:00-12:00,14:00-17:00', 480, '540-720 1980-2160 2280-2460')
    """

    #: Minutes since Monday 00:00, in order, without overlap; a span past midnight stays whole
    #: (that of Sunday night ends after the week), one of 24 hours or more is cut at midnights.
    spans: tuple[Span, ...]
    #: When nobody can tell (on appointment, one week in two, not understood), cut at midnights.
    unsure: tuple[Span, ...] = ()
    #: What was written, where it says more than an ordinary week (holidays, seasons, odd weeks).
    text: str = field(default="", compare=False)

    @classmethod
    def of_days(cls, days: Iterable[Sequence[Span]], unsure: Iterable[Sequence[Span]] = ()) -> Week:
        """Return the week whose days, from Monday, are open during these spans (minutes of the
        day), and may be during the `unsure` ones.
        """
        return cls.of_spans(_since_monday(days), _since_monday(unsure))

    @classmethod
    def of_spans(cls, spans: Iterable[Span], unsure: Iterable[Span] = (), text: str = "") -> Week:
        """Return the week open during spans in any order (minutes since Monday 00:00)."""
        sure = _round_the_week(spans)
        nights = [span for span in sure if span[1] - span[0] < DAY_MINUTES]
        cut = _by_day(span for span in sure if span[1] - span[0] >= DAY_MINUTES)
        doubtful = _by_day(_round_the_week(unsure)) if unsure else []
        return cls(tuple(sorted([*nights, *cut])), tuple(without(doubtful, _by_day(sure))), text)

    @property
    def minutes(self) -> int:
        """Minutes surely open in the week."""
        return sum(closes - opens for opens, closes in self.spans)

    @property
    def hours(self) -> float | None:
        """Hours surely open in the week, rounded to four decimals as in the sample; None when it
        may be open and nothing is sure.
        """
        return None if self.unsure and not self.spans else round(self.minutes / 60, 4)

    @property
    def osm(self) -> str:
        """The week in OpenStreetMap's ``opening_hours`` form, as `osm_week` reads it back; days in
        a row with equal spans make one rule.
        """
        if self.text:
            return self.text
        rules: list[tuple[int, int, str]] = []
        for day in range(7):
            sure, doubtful = of_day(self.spans, day), of_day(self.unsure, day)
            text = f"{{day}} {clocks(sure)}" if sure else ""
            if doubtful and joined([*sure, *doubtful]) == [(0, DAY_MINUTES)]:
                text = ", ".join(filter(None, ["{day} unknown", text]))
            elif doubtful:
                text = ", ".join(filter(None, [text, f"{{day}} {clocks(doubtful)} unknown"]))
            if rules and rules[-1][2] == text and rules[-1][1] == day - 1:
                rules[-1] = (rules[-1][0], day, text)
            elif text:
                rules.append((day, day, text))
        # The library cuts a night where a rule for the next day begins, unless that is an addition.
        separator = (
            ", "
            if self.unsure
            and any(b > WEEK or b % DAY_MINUTES < a % DAY_MINUTES for a, b in self.spans)
            else "; "
        )
        return separator.join(
            text.replace("{day}", DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}")
            for first, last, text in rules
        )

    def __str__(self) -> str:
        return " ".join(f"{opens}-{closes}" for opens, closes in self.spans)


# Count the spans of days from Monday 00:00.
def _since_monday(days: Iterable[Sequence[Span]]) -> Iterator[Span]:
    for day, spans in enumerate(days):
        for opens, closes in spans:
            yield day * DAY_MINUTES + opens, day * DAY_MINUTES + closes


# Join the spans of a week that comes again and again: each begins in the week, and the last may end
# in the next.
def _round_the_week(spans: Iterable[Span]) -> list[Span]:
    result = joined(spans)
    if result and result[-1][1] > WEEK:
        opens, closes = result.pop()
        result = joined([*result, (opens, WEEK), (0, min(closes - WEEK, opens))])
    if len(result) > 1 and result[0][0] == 0 and result[-1][1] == WEEK:
        result = [*result[1:-1], (result[-1][0], WEEK + result[0][1])]
    return result


# Cut spans at midnights, each piece within the week.
def _by_day(spans: Iterable[Span]) -> list[Span]:
    pieces = []
    for opens, closes in spans:
        while opens < closes:
            midnight = (opens // DAY_MINUTES + 1) * DAY_MINUTES
            start = opens % WEEK
            pieces.append((start, start + min(closes, midnight) - opens))
            opens = midnight
    return sorted(pieces)


def of_day(spans: Iterable[Span], day: int) -> list[Span]:
    """Return the spans of a week that begin on a day, in minutes of that day."""
    start = day * DAY_MINUTES
    return [(a - start, b - start) for a, b in spans if a // DAY_MINUTES == day]


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of spans when others are taken away."""
    left = list(spans)
    for start, end in taken:
        left = [
            piece
            for opens, closes in left
            for piece in ((opens, min(closes, start)), (max(opens, end), closes))
            if piece[0] < piece[1]
        ]
    return left


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap or touch made one."""
    result: list[Span] = []
    for opens, closes in sorted(spans):
        if result and opens <= result[-1][1]:
            result[-1] = (result[-1][0], max(closes, result[-1][1]))
        else:
            result.append((opens, closes))
    return result


def clocks(spans: Iterable[Span]) -> str:
    """Write the spans of a day: ``09:00-12:00,22:00-04:00``."""
    return ",".join(
        f"{_clock(opens)}-{_clock(closes if closes <= DAY_MINUTES else closes - DAY_MINUTES)}"
        for opens, closes in spans
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


# -- OpenStreetMap's form

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY_WORD = rf"(?:{'|'.join((*DAYS, 'PH', 'SH'))})"
_RULE = re.compile(
    rf"(?P<days>{_DAY_WORD}(?:\s*[-,]\s*{_DAY_WORD})*)?\s*(?P<times>[^A-Za-z]*|off|closed)"
)
_HOLIDAY = re.compile(r"\b(?:PH|SH)\b")
_WEEKDAYS = re.compile(rf"\b(?:{'|'.join(DAYS)})\b(?:\s*-\s*(?:{'|'.join(DAYS)})\b)?")
_DATED = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|week|easter|(?:19|20)\d\d(?!:))|\["
)
#: Rules that say no certain hour: hours of the sun, no end, an end that is the beginning.
_VAGUE = re.compile(r"sunrise|sunset|dawn|dusk|\d\+|\b(\d?\d:\d\d)\s*-\s*\1\b")
_SAYS_WHEN = re.compile(r"\d:\d\d|\boff\b|\bclosed\b|\bunknown\b|24/7|\bopen\b")
#: What says that one comes on appointment.
ON_APPOINTMENT = re.compile(r"rendez|rdv|appointment", re.IGNORECASE)
#: The year whose weeks are looked at for what is ordinary in a text with dates: 52 weeks from a
#: Monday. Fixed, so that a file read again next year says the same.
_FIRST_MONDAY, _WEEKS = datetime(2026, 1, 5), 52
#: Share of those weeks that must be alike for them to be the ordinary ones.
_ORDINARY = 0.9


@lru_cache(maxsize=1 << 16)
def osm_week(text: str | None) -> Week | None:
    """Return the ordinary week of a text in OpenStreetMap's ``opening_hours`` form.

    Weekdays, several spans a day, spans past midnight, ``off`` and ``24/7`` are read here: a later
    rule replaces an earlier one for its days, and holidays take no weekday away. The rest of the
    grammar (months, weeks, dates, comments) is that of the ``opening-hours-py`` library: what is so
    in nine weeks of ten is ordinary; where they differ more, what is open in every week is sure
    and the rest unsure. A rule that is not understood, or says no hour (``sunset``, ``09:00+``),
    leaves its own days unsure and the others as read. None for a missing or blank text, or one
    that is no such text at all.
    """
    if not isinstance(text, str) or not text.strip():
        return None
    text = text.strip()
    if text in {"off", "closed"}:
        return Week(())
    if text == "24/7":
        return Week.of_days([[(0, DAY_MINUTES)]] * 7)
    plain_week = _plain_week(text)
    if plain_week is not None:
        return replace(plain_week, text=text if _HOLIDAY.search(text) else "")
    readable = _readable(text)
    if readable is None:
        return None
    weeks = _WEEKS if _DATED.search(readable) else 1
    table = _minutes(_on_day(readable, PH=False, SH=False), weeks)
    ((kind, count),) = Counter(week.tobytes() for week in table).most_common(1)
    if count >= _ORDINARY * weeks:
        import numpy as np

        usual = np.frombuffer(kind, dtype=table.dtype)
        sure, doubtful = usual == _OPEN, usual == _UNSURE
    else:
        sure = (table == _OPEN).all(axis=0)
        doubtful = (table != _CLOSED).any(axis=0) & ~sure
    if not sure.any() and (doubtful.all() or (weeks > 1 and not doubtful.any())):
        return None
    return Week.of_spans(_spans_where(sure), _spans_where(doubtful), readable)


def weekly_hours(text: str | None) -> float | None:
    """Return how many hours a week a text in OpenStreetMap's ``opening_hours`` form is open; None
    when unknown.

    >>> weekly_hours("Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00")
    27.0
    """
    week = osm_week(text)
    return None if week is None or week.hours is None else week.minutes / 60


# Return the week of a text of weekdays, hours and ``off``, holidays aside; None when it says
# anything else.
def _plain_week(text: str) -> Week | None:
    days: list[list[Span]] = [[] for _ in DAYS]
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        match = _RULE.fullmatch(rule)
        spans = _osm_spans(match["times"]) if match else None
        if match is None or spans is None:
            return None
        for number in _days(match["days"]):
            days[number] = spans
    return Week.of_days(days)


# Return the numbers of the weekdays of ``Mo-We,Fr``, all when nothing is said; holidays are none.
def _days(text: str | None) -> list[int]:
    if not text:
        return list(range(7))
    chosen: list[int] = []
    for part in _HOLIDAY.sub("", text).replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first in DAYS:
            start, end = DAYS.index(first), DAYS.index(last or first)
            chosen += range(start, end + 1) if start <= end else [*range(start, 7), *range(end + 1)]
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
            or closes > 2 * DAY_MINUTES
            or opens == closes
        ):
            return None
        spans.append((opens, closes if closes > opens else closes + DAY_MINUTES))
    return spans


# Return a text that the library reads: a rule that it cannot, or that says no certain hour, becomes
# ``unknown`` on its days; None when some such rule names no day.
def _readable(text: str) -> str | None:
    rules = []
    for rule in _rules(text):
        if _VAGUE.search(rule) or not _SAYS_WHEN.search(rule) or not opening_hours.validate(rule):
            days = _WEEKDAYS.findall(rule)
            if not days:
                return None
            rule = f"{','.join(days)} unknown"
        rules.append(rule)
    return "; ".join(rules) or None


# Split a text at its semicolons, those within quotes aside.
def _rules(text: str) -> list[str]:
    parts: list[str] = []
    within = False
    for part in reversed(text.split(";")):
        if within:
            parts[-1] = f"{part};{parts[-1]}"
        else:
            parts.append(part)
        within ^= part.count('"') % 2 == 1
    return [part.strip() for part in reversed(parts) if part.strip()]


# Return the text for a day that is or is not a holiday (PH, SH): the library knows no school
# holiday, and takes ``SH Mo`` for every Monday.
@lru_cache(maxsize=1 << 12)
def _on_day(text: str, **holidays: bool) -> str:
    for word, today in holidays.items():
        kept = []
        for rule in _rules(re.sub(rf"(?<=\d),\s*(?={word}\b)", "; ", text)):
            if today:
                rule = re.sub(rf"\b{word}\s+(?={_DAY_WORD}\b)", "", rule)
                rule = re.sub(rf"\b{word}\b", "Mo-Su", rule)
            else:
                rule = re.sub(rf"\b{word}\s*,\s*|\s*,\s*{word}\b", "", rule)
            if not re.search(rf"\b{word}\b", rule):
                kept.append(rule)
        text = "; ".join(kept) or "off"
    return text


_CLOSED, _UNSURE, _OPEN = 0, 1, 2


# Return whether each minute of each week is open, in an array of a row a week.
def _minutes(text: str, weeks: int) -> np.ndarray:
    import numpy as np

    minutes = np.zeros(weeks * WEEK, dtype=np.int8)
    for start, end, state, comment in _calendar(text).intervals(
        _FIRST_MONDAY, _FIRST_MONDAY + timedelta(weeks=weeks)
    ):
        first, last = ((each - _FIRST_MONDAY) // timedelta(minutes=1) for each in (start, end))
        minutes[first:last] = _certainty(state, comment)
    return minutes.reshape(weeks, WEEK)


@lru_cache(maxsize=1 << 12)
def _calendar(text: str, country: str | None = None) -> opening_hours.OpeningHours:
    return opening_hours.OpeningHours(
        text, country=country, auto_country=False, auto_timezone=False
    )


def _certainty(state: opening_hours.State, comment: str) -> int:
    if state == opening_hours.State.CLOSED:
        return _CLOSED
    known = state == opening_hours.State.OPEN and not ON_APPOINTMENT.search(comment)
    return _OPEN if known else _UNSURE


def _spans_where(marks: np.ndarray) -> list[Span]:
    import numpy as np

    edges = np.flatnonzero(np.diff(marks.astype(np.int8), prepend=0, append=0))
    return [(int(opens), int(closes)) for opens, closes in edges.reshape(-1, 2)]


# A moment of an ordinary week or of a date, as people say it, and whether a counter is open then.

DAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR = r"(?:a\s+)?(?P<hour>\d{1,2})\s*(?:[:h]\s*(?P<minute>\d{2})?)?"
_MOMENT = re.compile(rf"(?P<day>[a-z]{{2,9}})\.?[\s,]+{_HOUR}")
_DATE = re.compile(
    r"(?:[a-z]{2,9}\.?[\s,]+)?(?:(?P<d>\d\d?)/(?P<m>\d\d?)/(?P<y>\d{4})"
    rf"|(?P<iso>\d{{4}}-\d\d-\d\d))[\st,]+{_HOUR}"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A minute of an ordinary week (``minute`` counts from Monday 00:00), or that of a date.

    >>> str(Moment.parse("Mar. 10h30")), Moment.parse("Tu 10:30").minute
    ('mardi 10 h 30', 2070)
    >>> str(Moment.parse("2026-07-14 9h"))
    'mardi 14/07/2026 9 h'
    """

    minute: int
    #: The day meant; None for that of an ordinary week.
    on: date | None = None

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read a weekday and an hour, in French or in OpenStreetMap's days: ``mardi 10h30``, ``Tu
        10:30``; or a date and an hour: ``14/07/2026 10h30``, ``2026-07-14 10:30``.

        Raises
        ------
        UsageError
            It is neither, or the hour is not one from 0:00 to 23:59.
        """
        told = bare(text.strip())
        match = _DATE.fullmatch(told) or _MOMENT.fullmatch(told)
        when = _date(match) if match and match.re is _DATE else None
        day = (
            when.weekday()
            if when
            else _day(match["day"])
            if match and match.re is _MOMENT
            else None
        )
        hour, minute = (int(match["hour"]), int(match["minute"] or 0)) if match else (24, 0)
        if day is None or hour > 23 or minute > 59:
            raise UsageError(
                f"un jour de la semaine et une heure sont attendus, {text!r} est donné ; essayez "
                ': "mardi 10h30".'
            )
        return cls((day * 24 + hour) * 60 + minute, when)

    @property
    def day(self) -> int:
        """The weekday, 0 for Monday."""
        return self.minute // DAY_MINUTES

    def __str__(self) -> str:
        hour, minute = divmod(self.minute % DAY_MINUTES, 60)
        day = WEEKDAYS_FR[self.day] + (f" {self.on:%d/%m/%Y}" if self.on else "")
        return f"{day} {hour} h {minute:02d}" if minute else f"{day} {hour} h"


# Return the date that was written; None when the calendar has none such.
def _date(match: re.Match[str]) -> date | None:
    try:
        if match["iso"]:
            told = date.fromisoformat(match["iso"])
        else:
            told = date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    return told if told.year < date.max.year else None  # days ahead of it are looked at


def is_open(hours: str | None, at: Moment, departement: str = "") -> bool | None:
    """Return whether a counter is open at a moment; None when its hours are missing, not
    understood, or do not tell.

    ``hours`` is text in OpenStreetMap's ``opening_hours`` form. It opens at the first minute of a
    span and is closed at the last: at 12:00, ``09:00-12:00`` is closed. At a date, the public and
    the school holidays of the `departement` count, unknown where it is not known and matters; hours that say nothing
    of public holidays do not tell whether one is kept, unless they never close.
    """
    week = osm_week(hours)
    if week is not None and at.on is not None:
        return _is_open_on(week, at, at.on, departement)
    if week is None or _holds(week.unsure, at):
        return None
    return _holds(week.spans, at)


def _holds(spans: Iterable[Span], at: Moment) -> bool:
    now, again = at.minute, at.minute + WEEK
    return any(opens <= now < closes or opens <= again < closes for opens, closes in spans)


def _is_open_on(week: Week, at: Moment, day: date, departement: str) -> bool | None:
    public = is_public_holiday(day, departement)
    school = is_school_holiday(day, departement)
    hour = datetime.combine(day, time(*divmod(at.minute % DAY_MINUTES, 60)))
    if week.text:
        seen = {
            _certainty(*_calendar(_on_day(week.text, PH=of_public, SH=of_school)).state(hour))
            for of_public in ((True, False) if public is None else (public,))
            for of_school in ((True, False) if school is None else (school,))
        }
    else:
        seen = {
            _UNSURE if _holds(week.unsure, at) else _OPEN if _holds(week.spans, at) else _CLOSED
        }
    if len(seen) > 1 or _UNSURE in seen:
        return None
    silent = public is not False and "PH" not in week.text and week.minutes < WEEK
    return None if silent and seen == {_OPEN} else seen == {_OPEN}


@lru_cache(maxsize=1 << 12)
def next_opening(hours: str | None, at: Moment, departement: str = "") -> Moment | None:
    """Return when it opens next for sure, at this moment or after; None when it never does or the
    hours are unknown. At a date, the next fortnight is looked at.
    """
    week = osm_week(hours)
    if week is None or (not week.spans and at.on is None):
        return None
    if is_open(hours, at, departement):
        return at
    if at.on is None:
        return Moment(min(week.spans, key=lambda span: (span[0] - at.minute) % WEEK)[0] % WEEK)
    for ahead in range(15):
        day = at.on + timedelta(days=ahead)
        changes = {
            minute
            for opens, closes in [*week.spans, *week.unsure]
            for minute in (opens % DAY_MINUTES, closes % DAY_MINUTES)
        }
        for minute in sorted(changes):
            later = Moment(day.weekday() * DAY_MINUTES + minute, day)
            if (ahead or minute > at.minute % DAY_MINUTES) and is_open(hours, later, departement):
                return later
    return None


# Return the number of the one weekday that begins with the word, in French, else in English.
def _day(word: str) -> int | None:
    for names in (WEEKDAYS_FR, DAYS_EN):
        found = [number for number, name in enumerate(names) if name.startswith(word)]
        if len(found) == 1:
            return found[0]
    return None


# The same as people read it, in the language of the moment.


def moment_told(at: Moment) -> str:
    """Write a moment of the week or of a date: ``samedi 10 h``, ``Saturday 10:00``, ``mardi
    14/07/2026 10 h``.
    """
    day, (hour, minute) = weekdays()[at.day], divmod(at.minute % DAY_MINUTES, 60)
    day += f" {at.on:%d/%m/%Y}" if at.on else ""
    return (
        _("{day} {hour} h {minute}", day=day, hour=hour, minute=f"{minute:02d}")
        if minute
        else _("{day} {hour} h", day=day, hour=hour)
    )


@by_voice(4096)
def hours_told(text: str) -> str:
    """Write opening hours given in OpenStreetMap's form: ``lun.-ven. 8 h 30-12 h``."""
    names = dict(zip(DAYS, weekdays(short=True), strict=True))
    names |= {"PH": _("jours fériés"), "off": _("fermé")}
    told = re.sub(rf"\b({'|'.join(names)})\b", lambda found: names[found[1]], text)
    told = re.sub(r"\b(\d\d?):(\d\d)\b", _clock_told, told)
    return re.sub(r",(?=\S)", ", ", re.sub(r"; ?", _(" ; "), told))


def _clock_told(found: re.Match[str]) -> str:
    return clock_told(int(found[1]) * 60 + int(found[2]))


@by_voice(2048)
def clock_told(minutes: int) -> str:
    """Write an hour of the day, in minutes: ``12 h``, ``9 h 30``."""
    hour, minute = divmod(minutes % DAY_MINUTES if minutes != DAY_MINUTES else minutes, 60)
    return (
        _("{hour}\u202fh\u202f{minute}", hour=hour, minute=f"{minute:02d}")
        if minute
        else _("{hour}\u202fh", hour=hour)
    )
