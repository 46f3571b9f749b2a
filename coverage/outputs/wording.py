"""How the map, the report and the styles say things, in French and in English: sentences, numbers,
distances, money.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date

from geoguichet.coverage.outputs import (
    change_messages,
    messages,
    messages_beside,
    plan_messages,
    zone_messages,
)
from geoguichet.referentials.directory.hours import DAY_MINUTES, DAYS, DAYS_EN, WEEKDAYS_FR, Moment
from geoguichet.referentials.directory.services import SERVICE_TYPES

NARROW = "\u202f"
"""Narrow no-break space: between thousands, and before ``%`` and units in French."""
NO_BREAK = "\u00a0"
MISSING = "—"
MESSAGES = (
    messages.MESSAGES
    | plan_messages.PLAN_MESSAGES
    | change_messages.CHANGE_MESSAGES
    | messages_beside.MESSAGES
    | zone_messages.ZONE_MESSAGES
)
"""Every sentence, in French then English; ``one | many`` goes by ``n``."""


class Wording:
    """The words of one language (``fr`` or ``en``): call it with the key of a message and its
    fields.

    >>> Wording("fr")("zones", n=1234).replace(NARROW, " ")
    '1 234 zones blanches'
    >>> Wording("en").percent(0.1234)
    '12.3%'
    """

    def __init__(self, language: str, unit: str = "m", *, cells: bool = False) -> None:
        self.language = language
        self.cells = cells
        """Whether people are counted by cells: a message of the same name with ``_cells`` then
        stands for it.
        """
        self.unit = unit
        """``m`` or ``s``: what the study measures, and the end of its columns' names."""
        self._column = 1 if language == "en" else 0

    def __call__(self, key: str, **fields: object) -> str:
        """Return the message with its fields filled; numbers are written as the language writes
        them.

        A message of two forms, ``one | many``, is chosen by its field ``n``.
        """
        of_cells = f"{key}_cells"
        text = MESSAGES[of_cells if self.cells and of_cells in MESSAGES else key][self._column]
        if " | " in text:
            one, many = text.split(" | ")
            text = one if self._is_singular(fields.get("n", 0)) else many
        return self.typeset(
            text.format(**{name: self._written(value) for name, value in fields.items()})
        )

    def typeset(self, text: str) -> str:
        """Put French no-break spaces around double punctuation, so that no line begins with a
        semicolon.
        """
        if self.language == "en":
            return text
        text = re.sub(r" (?=[;?!])", NARROW, text)
        text = re.sub(r" (?=[:»])|(?<=«) ", NO_BREAK, text)
        return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", NARROW, text)

    def _is_singular(self, n: object) -> bool:
        amount = abs(float(str(n)))
        return amount == 1 if self.language == "en" else amount < 2

    def _written(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        return self.number(value, 0 if float(value).is_integer() else 1)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number: ``1 234,5`` in French with narrow spaces, ``1,234.5`` in English; a dash
        when missing.
        """
        if value is None or not math.isfinite(value):
            return MISSING
        text = f"{value:,.{decimals}f}"
        if float(text.replace(",", "")) == 0:
            text = text.lstrip("-")
        if self.language == "en":
            return text
        return text.replace(",", NARROW).replace(".", ",")

    def percent(self, share: float, decimals: int = 1) -> str:
        """Write a share between 0 and 1 as a percentage; what is neither none nor all is never
        rounded to it.
        """
        if share is None or not math.isfinite(share):
            return MISSING
        step = 10.0**-decimals
        sign = "" if self.language == "en" else NARROW
        if 0 < share * 100 < step / 2:
            return f"<{NARROW}{self.number(step, decimals)}{sign}%"
        if 100 - step / 2 < share * 100 < 100:
            return f">{NARROW}{self.number(100 - step, decimals)}{sign}%"
        return f"{self.number(share * 100, decimals)}{sign}%"

    def distance(self, metres: float) -> str:
        """Write a distance: metres under one kilometre, kilometres to one decimal beyond (none when
        round).
        """
        if metres is None or not math.isfinite(metres):
            return MISSING
        if abs(metres) < 999.5:
            return f"{self.number(round(metres))}{NARROW}m"
        kilometres = metres / 1000
        return f"{self.number(kilometres, 0 if float(f'{kilometres:.1f}').is_integer() else 1)}{NARROW}km"

    def kilometres(self, metres: float) -> str:
        """Write a distance in kilometres to one decimal, for the columns of a table."""
        return (
            MISSING if not math.isfinite(metres) else f"{self.number(metres / 1000, 1)}{NARROW}km"
        )

    def minutes(self, seconds: float) -> str:
        """Write a time in whole minutes, hours beyond 90 minutes; rounded for display only."""
        if seconds is None or not math.isfinite(seconds):
            return MISSING
        minutes = round(seconds / 60)
        if abs(minutes) <= 90:
            return f"{self.number(minutes)}{NARROW}min"
        return f"{minutes // 60}{NARROW}h{NARROW}{minutes % 60:02d}"

    def cost(self, value: float) -> str:
        """Write a cost of the study: a distance or a time."""
        return self.minutes(value) if self.unit == "s" else self.distance(value)

    def column(self, value: float) -> str:
        """Write a cost of the study for the columns of a table."""
        return self.minutes(value) if self.unit == "s" else self.kilometres(value)

    def moment(self, at: Moment) -> str:
        """Write a moment of the week: ``samedi 10 h``, ``Saturday 10:00``."""
        if self.language != "en":
            return str(at)
        hour, minute = divmod(at.minute % DAY_MINUTES, 60)
        return f"{DAYS_EN[at.day].capitalize()} {hour}:{minute:02d}"

    def hours(self, text: str) -> str:
        """Write opening hours given in OpenStreetMap's form: ``lun.-ven. 8 h 30-12 h``, ``Mon-Fri
        8:30-12:00``.
        """
        english = self.language == "en"
        names = (
            [day[:3].capitalize() for day in DAYS_EN]
            if english
            else [f"{day[:3]}." for day in WEEKDAYS_FR]
        )
        told = dict(zip(DAYS, names, strict=True))
        told |= (
            {"PH": "public holidays", "off": "closed"}
            if english
            else {"PH": "jours fériés", "off": "fermé"}
        )

        def clock(found: re.Match[str]) -> str:
            hour, minute = int(found[1]), found[2]
            if english:
                return f"{hour}:{minute}"
            return f"{hour}{NARROW}h" + (f"{NARROW}{minute}" if minute != "00" else "")

        written = re.sub(rf"\b({'|'.join(told)})\b", lambda found: told[found[1]], text)
        written = re.sub(r"\b(\d\d?):(\d\d)\b", clock, written)
        return self.typeset(
            re.sub(r",(?=\S)", ", ", written if english else written.replace(";", " ;"))
        )

    def money(self, euros: float, decimals: int = 0) -> str:
        """Write an amount in euros, whole unless asked otherwise."""
        amount = self.number(euros, decimals)
        return f"€{amount}" if self.language == "en" else f"{amount}{NARROW}€"

    def day(self, iso: str) -> str:
        """Write a day given as ``2026-11-22``: ``22 novembre 2026``, ``22 November 2026``."""
        day = date.fromisoformat(iso)
        month = self("months").split()[day.month - 1]
        number = "1er" if day.day == 1 and self.language != "en" else str(day.day)
        return f"{number}{NO_BREAK}{month} {day.year}"

    def mass(self, kilograms: float) -> str:
        """Write a mass: kilograms under one tonne, tonnes to one decimal beyond."""
        if kilograms is None or not math.isfinite(kilograms):
            return MISSING
        if kilograms < 999.5:
            return f"{self.number(kilograms)}{NARROW}kg"
        return f"{self.number(kilograms / 1000, 1)}{NARROW}t"

    def zone_class(self, low: int, high: int | None) -> str:
        """Write a class of costs beyond the thresholds: under, from to, and over."""
        if high is None:
            return self("class_over", low=self.cost(low))
        if low == 0:
            return self("class_under", high=self.cost(high))
        return self("class_between", low=self.cost(low), high=self.cost(high))

    def service(self, key: str, *, many: bool = False) -> str:
        """Return what a type of service is called."""
        kind = SERVICE_TYPES.get(key)
        if kind is None:
            return self("service_other")
        if self.language == "en":
            return kind.plural_en if many else kind.label_en
        return kind.plural_fr if many else kind.label_fr

    def joined(self, parts: Iterable[str]) -> str:
        """Write parts of a sentence one after the other, as semicolons part them."""
        return ("; " if self.language == "en" else f"{NARROW}; ").join(parts)

    def listed(self, names: list[str]) -> str:
        """Write names as a list that a sentence can hold: ``a, b et c``."""
        if len(names) < 2:
            return "".join(names)
        return f"{', '.join(names[:-1])} {self('and')} {names[-1]}"
