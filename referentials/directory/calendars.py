"""Days off: the public holidays of France, and the school holidays of its zones, as far as they are
known.
"""

from datetime import date, datetime, time
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import opening_hours

from geoguichet.floor.files import read_toml

#: The years whose public holidays are known.
PUBLIC_YEARS = range(2000, 2061)


#: Days off in a part of France only, in OpenStreetMap's grammar, and the départements they are kept
#: in: Good Friday and 26 December in Alsace and Moselle (ordinance of 16 August 1892), the abolition
#: of slavery overseas (decree 83-1003).
LOCAL = {
    "easter -2 days,Dec 26": ("57", "67", "68"),
    "May 27": ("971",),
    "May 22": ("972",),
    "Jun 10": ("973",),
    "Dec 20": ("974",),
    "Apr 27": ("976",),
}


@lru_cache(maxsize=1024)
def is_public_holiday(day: date, departement: str = "") -> bool | None:
    """Return whether a day is a public holiday: one of the eleven of France, or one of the
    département; None outside the years of the ``opening-hours-py`` library, and where some
    départements keep it and which one is asked about is not known.

    >>> is_public_holiday(date(2026, 12, 26), "67"), is_public_holiday(date(2026, 12, 26), "31")
    (True, False)
    """
    if day.year not in PUBLIC_YEARS:
        return None
    noon = datetime.combine(day, time(12))
    if _rule("PH").is_open(noon):
        return True
    keeping = [code for days, codes in LOCAL.items() if _rule(days).is_open(noon) for code in codes]
    return departement in keeping if departement or not keeping else None


@cache
def _rule(days: str) -> opening_hours.OpeningHours:
    return opening_hours.OpeningHours(
        f"{days} 00:00-24:00", country="FR", auto_country=False, auto_timezone=False
    )


@lru_cache(maxsize=1024)
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
    return read_toml(Path(__file__).with_name("school_holidays.toml"))
