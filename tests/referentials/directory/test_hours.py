"""A week is read from what a source wrote, or held to be unknown; never guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.referentials.directory.french_hours import french_day
from geoguichet.referentials.directory.hours import Week, joined, osm_week

SPANS = st.lists(
    st.tuples(st.integers(0, 1438), st.integers(1, 1440))
    .map(sorted)
    .filter(lambda span: span[0] < span[1])
    .map(tuple),
    max_size=3,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(SPANS, min_size=7, max_size=7))
def test_a_week_written_is_read_again(days: list[list[tuple[int, int]]]) -> None:
    week = Week.of_days(days)
    assert osm_week(week.osm or "off") == week
    assert week.minutes == sum(
        len({minute for a, b in spans for minute in range(a, b)}) for spans in days
    )


@pytest.mark.parametrize(
    ("text", "spans", "empty"),
    [
        ("09:00 - 12:00 / 13:30 - 17:00", ((540, 720), (810, 1020)), 0),
        ("9h-12h30 et 14h à 17h", ((540, 750), (840, 1020)), 0),
        ("00:00 - 00:00 / 09:00 - 12:00", ((540, 720),), 1),
        ("Fermé", (), 0),
        (" - ", (), 0),
        ("", (), 0),
        (None, (), 0),
        ("9:00 - 12:00 / \xa014:00 - 17:00", ((540, 720), (840, 1020)), 0),
    ],
)
def test_a_french_cell_is_read(
    text: str | None, spans: tuple[tuple[int, int], ...], empty: int
) -> None:
    read = french_day(text)
    assert read is not None
    assert (read.spans, read.empty_spans) == (spans, empty)


@pytest.mark.parametrize(
    "text",
    [
        "sur rendez-vous",
        "09:00 - 12:00 / après-midi sur RDV",
        "14:00 - 12:00",
        "9:75 - 10:00",
        "9h",
        "25:00 - 26:00",
    ],
)
def test_a_cell_not_understood_is_not_guessed(text: str) -> None:
    assert french_day(text) is None


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    day = french_day(text)
    assert day is None or all(0 <= opens < closes <= 1440 for opens, closes in day.spans)


def test_spans_that_touch_are_one() -> None:
    assert joined([(600, 720), (540, 600), (700, 710)]) == [(540, 720)]
