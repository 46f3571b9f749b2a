"""Days off, against the public calendars."""

from datetime import date

import pytest

from geoguichet.referentials.directory.calendars import is_public_holiday, is_school_holiday


def test_the_eleven_public_holidays_of_2027() -> None:
    days = [date(2027, month, day) for month in range(1, 13) for day in range(1, 29)]
    days += [date(2027, month, 29) for month in range(3, 13)]
    off = [f"{day:%d/%m}" for day in days if is_public_holiday(day)]
    assert off == [
        "01/01", "01/05", "06/05", "08/05", "17/05", "14/07", "15/08", "01/11", "11/11", "25/12",
        "29/03",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "kept_in"),
    [
        (date(2026, 4, 3), {"57", "67", "68"}),  # Good Friday
        (date(2027, 3, 26), {"57", "67", "68"}),
        (date(2025, 12, 26), {"57", "67", "68"}),
        (date(2026, 5, 27), {"971"}),
        (date(2026, 5, 22), {"972"}),
        (date(2026, 6, 10), {"973"}),
        (date(2026, 12, 20), {"974"}),
        (date(2026, 4, 27), {"976"}),
        (date(2026, 4, 2), set[str]()),
    ],
)
def test_a_day_off_of_some_departements_is_unknown_where_none_is_said(
    day: date, kept_in: set[str]
) -> None:
    asked = ("57", "67", "68", "971", "972", "973", "974", "976", "54", "31", "2A")
    assert {code for code in asked if is_public_holiday(day, code)} == kept_in
    assert is_public_holiday(day) is (None if kept_in else False)


@pytest.mark.parametrize("departement", ["", "67", "974", "31"])
def test_the_holidays_of_all_of_france_need_no_departement(departement: str) -> None:
    assert is_public_holiday(date(2026, 7, 14), departement) is True


@pytest.mark.parametrize("year", [1950, 1999, 2061, 2199])
def test_years_without_a_calendar_are_unknown(year: int) -> None:
    assert is_public_holiday(date(year, 7, 14)) is None


@pytest.mark.parametrize(
    ("day", "off"),
    [
        (date(2025, 10, 18), "ABC"),
        (date(2025, 11, 2), "ABC"),
        (date(2025, 11, 3), ""),
        (date(2026, 2, 7), "A"),
        (date(2026, 2, 17), "AB"),
        (date(2026, 2, 24), "BC"),
        (date(2026, 3, 2), "C"),
        (date(2026, 4, 8), "A"),
        (date(2027, 5, 7), "ABC"),
        # the bridge of each Ascension, whose week is not one of holidays
        (date(2023, 5, 19), "ABC"),
        (date(2024, 5, 11), "ABC"),
        (date(2025, 5, 30), "ABC"),
        (date(2026, 5, 15), "ABC"),
        (date(2026, 5, 13), ""),
    ],
)
def test_school_holidays_by_zone(day: date, off: str) -> None:
    zones = {"A": "69", "B": "13", "C": "31"}
    assert {zone: is_school_holiday(day, code) for zone, code in zones.items()} == {
        zone: zone in off for zone in zones
    }
    assert is_school_holiday(day) is {"": False, "ABC": True}.get(off)


@pytest.mark.parametrize("departement", ["2A", "974", "987"])
def test_departements_with_a_calendar_of_their_own_are_unknown(departement: str) -> None:
    assert is_school_holiday(date(2026, 8, 5), departement) is None


@pytest.mark.parametrize(
    "day", [date(2022, 8, 31), date(2027, 9, 1), date(2027, 10, 25), date(2028, 9, 1)]
)
def test_outside_the_table_nobody_knows(day: date) -> None:
    assert is_school_holiday(day, "31") is None
