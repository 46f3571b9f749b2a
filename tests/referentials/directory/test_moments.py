"""Moments of the week, against every minute of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.floor.errors import UsageError
from geoguichet.referentials.directory.hours import (
    DAYS,
    WEEK,
    Moment,
    is_open,
    next_opening,
    weekly_hours,
)

HOURS = [
    "Mo-Fr 09:00-12:00,14:00-17:30; We off",
    "24/7",
    "Su 22:00-02:00",
    "Tu 09:00-10:00,09:30-11:00",
    "Mo-Su off",
]


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("lundi 0h", 0),
        ("mardi 10h30", 2070),
        ("Mar. 10:30", 2070),
        ("Tu 10:30", 2070),
        ("tuesday 10", 2040),
        ("DIMANCHE à 23 h 59", WEEK - 1),
        ("jeu, 9h", 3 * 1440 + 540),
    ],
)
def test_a_moment_as_people_say_it(text: str, minute: int) -> None:
    assert Moment.parse(text).minute == minute


@pytest.mark.parametrize(
    "text", ["", "hier 10h", "m 10h", "mardi", "mardi 24h", "mardi 10h60", "10h30"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match="mardi 10h30"):
        Moment.parse(text)


@given(st.integers(0, WEEK - 1))
def test_a_moment_written_is_read_again(minute: int) -> None:
    assert Moment.parse(str(Moment(minute))) == Moment(minute)


@pytest.mark.parametrize("hours", HOURS)
def test_minutes_open_add_up_to_the_hours_of_the_week(hours: str) -> None:
    assert sum(
        is_open(hours, Moment(minute)) is True for minute in range(WEEK)
    ) / 60 == weekly_hours(hours)


@pytest.mark.parametrize("hours", HOURS)
def test_the_next_opening_is_the_first_minute_found_open(hours: str) -> None:
    for start in range(0, WEEK, 601):
        ahead = ((start + wait) % WEEK for wait in range(WEEK))
        expected = next((minute for minute in ahead if is_open(hours, Moment(minute))), None)
        found = next_opening(hours, Moment(start))
        assert (found.minute if found else None) == expected


@pytest.mark.parametrize(
    "hours", [None, "", "sur rendez-vous", "Jan-Mar 09:00-12:00", float("nan")]
)
def test_unknown_hours_are_neither_open_nor_closed(hours) -> None:
    assert is_open(hours, Moment(600)) is None and next_opening(hours, Moment(600)) is None


@given(st.sampled_from(DAYS), st.integers(0, 23), st.integers(1, 24))
def test_a_span_holds_its_first_minute_and_not_its_last(day: str, opens: int, closes: int) -> None:
    if closes <= opens:
        return
    hours, start = f"{day} {opens:02d}:00-{closes:02d}:00", DAYS.index(day) * 1440
    assert is_open(hours, Moment(start + opens * 60)) and is_open(
        hours, Moment(start + closes * 60 - 1)
    )
    assert not is_open(hours, Moment((start + closes * 60) % WEEK))
