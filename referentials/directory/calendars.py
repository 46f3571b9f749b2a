"""Days off: the public holidays of France, and the school holidays of its zones, as far as they are
known.
"""

import tomllib
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from typing import Any

import opening_hours

#: The years whose public holidays are known.
PUBLIC_YEARS = range(2000, 2061)


def is_public_holiday(day: date) -> bool | None:
    """Return whether a day is one of the eleven public holidays of France; None outside the years
    of the ``opening-hours-py`` library. Those of a part of France only (Alsace and Moselle, the
    overseas départements) are not among them.
    """
    if day.year not in PUBLIC_YEARS:
        return None
    return _public().is_open(datetime.combine(day, time(12)))


@cache
def _public() -> opening_hours.OpeningHours:
    return opening_hours.OpeningHours(
        "PH 00:00-24:00", country="FR", auto_country=False, auto_timezone=False
    )


def is_school_holiday(day: date, departement: str = "") -> bool | None:
    """Return whether pupils of a département are on holiday; None outside the years of
    ``school_holidays.toml``, and where the zones differ and the département has none there.

    >>> is_school_holiday(date(2026, 2, 24), "31"), is_school_holiday(date(2026, 2, 24))
    (True, None)
    """
    table = _school()
    if not table["first"] <= day <= table["last"]:
        return None
    zones = [zone for zone, codes in table["departements"].items() if departement in codes.split()]
    if departement and not zones:
        return None
    off = {
        any(first <= day <= last for first, last in table["holidays"][zone])
        for zone in zones or table["holidays"]
    }
    return off.pop() if len(off) == 1 else None


@cache
def _school() -> dict[str, Any]:
    text = resources.files("geoguichet.referentials.directory") / "school_holidays.toml"
    return tomllib.loads(text.read_text("utf-8"))
