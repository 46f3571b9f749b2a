"""Numbers, shares, money, measures, days and lists, as the language of the moment writes them.

By Babel, from Unicode's locale data; the symbols of units are the same in every language. A missing
figure is a dash.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import date
from functools import cache
from math import isfinite
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, get_day_names
from babel.lists import format_list
from babel.numbers import NumberPattern, format_currency
from babel.units import format_unit

from geoguichet.floor.language import NARROW, NO_BREAK, SOURCE, language, spaced
from geoguichet.floor.units import Unit

MISSING = "—"

#: Where a language is written in several ways, whose: dates and lists as Europe reads English.
_TERRITORY = {"en": "en_GB"}


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(_TERRITORY.get(language, language))
    except (UnknownLocaleError, ValueError):  # a language that Unicode has no data of
        return Locale.parse(SOURCE)


@cache
def _pattern(language: str, decimals: int) -> NumberPattern:
    pattern = copy(_locale(language).decimal_formats[None])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def number(value: float, decimals: int = 0) -> str:
    """Write a number: ``1 234,5`` in French, ``1,234.5`` in English; a dash when missing.

    >>> number(1234.56, 1)
    '1 234,6'
    """
    if value is None or not isfinite(value):
        return MISSING
    # Rounded here, as Python rounds, and without the sign of a zero: Babel rounds decimal text.
    rounded = round(float(value), decimals) + 0.0
    return spaced(_pattern(language(), decimals).apply(rounded, _locale(language())))


def given(value: float, most: int = 4) -> str:
    """Write a number with the decimals it was given with, ``most`` of them at most."""
    return number(
        value, next((places for places in range(most) if round(value, places) == value), most)
    )


def signed(value: float, decimals: int = 0) -> str:
    """Write a change, with its sign unless it is none."""
    told = number(value, decimals)
    return f"+{told}" if round(value, decimals) > 0 else told


def percent(share: float, decimals: int = 1) -> str:
    """Write a share of 1 as a percentage; what is neither none nor all is never rounded to it."""
    if share is None or not isfinite(share):
        return MISSING
    step, hundredths = 10.0**-decimals, share * 100
    beyond = ""
    if 0 < hundredths < step / 2:
        beyond, hundredths = f"<{NARROW}", step
    elif 100 - step / 2 < hundredths < 100:
        beyond, hundredths = f">{NARROW}", 100 - step
    sign = _locale(language()).percent_formats[None].suffix[1].replace(NO_BREAK, NARROW)
    return spaced(f"{beyond}{number(hundredths, decimals)}{sign}")


def measure(value: float, unit: str, decimals: int = 0) -> str:
    """Write a number and the symbol of its unit, which stay on one line: ``12 km``."""
    told = number(value, decimals)
    return told if told == MISSING else spaced(f"{told}{NARROW}{unit}")


def distance(metres: float) -> str:
    """Write a distance: metres under one kilometre, then kilometres to one decimal (none if 0)."""
    if metres is None or not isfinite(metres) or abs(metres) < 999.5:
        return measure(metres, "m")
    kilometres = metres / 1000
    return measure(kilometres, "km", 0 if float(f"{kilometres:.1f}").is_integer() else 1)


def duration(seconds: float) -> str:
    """Write a time in whole minutes, hours beyond 90 minutes; rounded for display only."""
    if seconds is None or not isfinite(seconds):
        return MISSING
    minutes = round(seconds / 60)
    if abs(minutes) <= 90:
        return measure(minutes, "min")
    return spaced(f"{minutes // 60}{NARROW}h{NARROW}{minutes % 60:02d}")


def mass(kilograms: float) -> str:
    """Write a mass: kilograms under one tonne, tonnes to one decimal beyond."""
    if kilograms is None or not isfinite(kilograms) or kilograms < 999.5:
        return measure(kilograms, "kg")
    return measure(kilograms / 1000, "t", 1)


def size(length: int) -> str:
    """Write a number of bytes as people read it: ``12 octets``, ``2,5 Mo``."""
    power = min((len(str(length)) - 1) // 3, 3)
    unit = ("byte", "kilobyte", "megabyte", "gigabyte")[power]
    amount = round(length / 1000**power, 1 if power else 0)
    form: Literal["short", "long"] = "short" if power else "long"
    return spaced(format_unit(amount, f"digital-{unit}", form, locale=_locale(language())))


def money(euros: float, decimals: int = 0) -> str:
    """Write an amount in euros, whole unless asked otherwise: ``1 234 €``, ``€1,234``."""
    pattern = _locale(language()).currency_formats["standard"].pattern
    whole = pattern.replace("0.00", f"0.{'0' * decimals}" if decimals else "0")
    told = format_currency(
        round(euros, decimals), "EUR", whole, _locale(language()), currency_digits=False
    )
    return spaced(told.replace(NO_BREAK, NARROW))


def day(iso: str) -> str:
    """Write a day given as ``2026-11-22``: ``22 novembre 2026``, ``22 November 2026``."""
    when = date.fromisoformat(iso)
    told = format_date(when, "long", _locale(language()))
    if language() == SOURCE and when.day == 1:  # Unicode's data have no French ordinal
        told = f"1er{told[1:]}"
    return spaced(told.replace(" ", NO_BREAK, 1))


def weekdays(*, short: bool = False) -> list[str]:
    """Return the names of the days from Monday on: ``lundi`` or ``lun.``."""
    names = get_day_names("abbreviated" if short else "wide", "format", _locale(language()))
    return [str(names[place]) for place in range(7)]


def listed(names: Iterable[str]) -> str:
    """Write names as a list that a sentence can hold: ``a, b et c``."""
    every = list(names)
    return format_list(every, locale=_locale(language())) if every else ""


def cost(value: float, unit: Unit) -> str:
    """Write a cost in its unit: a distance or a time."""
    return duration(value) if unit is Unit.SECONDS else distance(value)
