"""A week is read from what a source wrote, or held to be unknown; never guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.floor.errors import UsageError
from geoguichet.referentials.directory.french_hours import french_day
from geoguichet.referentials.directory.hours import (
    Moment,
    Week,
    is_open,
    joined,
    next_opening,
    osm_week,
)

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


#: Text in OpenStreetMap's form, hours a week that are sure (None: none is), and whether some may be.
TEXTS = [
    ("Mo-Fr 09:00-17:00", 40, False),
    ("Mo-Fr 9:00-17:00", 40, False),
    ("mo-fr 09:00-17:00", 40, False),
    ("Mo,We,Fr 09:00-12:00", 9, False),
    ("Mo-We, Fr 09:00-12:00", 12, False),
    ("Sa-Mo 09:00-12:00", 9, False),
    ("09:00-12:00", 21, False),
    ("Mo-Fr 09:00-12:00,14:00-17:00", 30, False),
    ("Mo-Fr 09:00-12:00, 14:00-17:00", 30, False),
    ("Mo-Fr 09:00-12:00; We off", 12, False),
    ("Mo-Fr 09:00-12:00; We 14:00-16:00", 14, False),
    ("Mo-Fr 09:00-12:00, We 14:00-16:00", 17, False),
    ("24/7", 168, False),
    ("Mo-Su 00:00-24:00", 168, False),
    ("off", 0, False),
    ("Mo-Su closed", 0, False),
    ("Mo-Fr 09:00-12:00 open", 15, False),
    # nights
    ("Fr 22:00-04:00", 6, False),
    ("Fr 22:00-28:00", 6, False),
    ("Mo-Su 20:00-06:00", 70, False),
    ("Mo-Su 20:00-30:00", 70, False),
    ("Mo-Fr 20:00-30:00", 50, False),
    ("Su 22:00-02:00", 4, False),
    ("Su 22:00-02:00; Mo 00:00-08:00", 10, False),
    ("Fr 22:00-04:00; Sa 23:00-05:00; Su off", 12, False),
    ("Fr 22:00-04:00; Sa 02:00-10:00", 12, False),
    ("Mo 09:00-48:00", 39, False),
    # public holidays take no weekday away, and are no weekday
    ("PH,Mo-Fr 09:00-17:00", 40, False),
    ("Mo-Fr,PH 09:00-17:00", 40, False),
    ("Mo-Sa 09:00-12:00; Su,PH off", 18, False),
    ("Mo-Fr 09:00-17:00; PH,Sa 10:00-12:00", 42, False),
    ("Mo-Su 09:00-12:00; PH,Su off", 18, False),
    ("PH,Su off", 0, False),
    ("Mo-Fr 09:00-17:00; PH off", 40, False),
    ("PH off; Mo-Fr 09:00-17:00", 40, False),
    ("Mo-Fr 09:00-17:00; PH 10:00-12:00", 40, False),
    ("PH 10:00-12:00", 0, False),
    ("Mo-Fr 09:00-17:00; SH off", 40, False),
    ("Mo-Fr 09:00-17:00; SH Mo off", 40, False),
    ("Mo-Fr 09:00-17:00; SH Mo-Fr 10:00-12:00", 40, False),
    ("Mo-Fr 09:00-17:00; PH,SH off", 40, False),
    ("Mo-Fr 09:00-17:00, SH Sa 10:00-12:00", 40, False),
    # what is so in nine weeks of ten is ordinary
    ("Mo-Fr 09:00-12:00; Dec 25 off", 15, False),
    ("Mo-Fr 09:00-12:00; Aug 01-15 off", 15, False),
    ("Mo-Fr 09:00-12:00; 2024 Dec 24 off", 15, False),
    ("Mo-Fr 09:00-12:00; easter off", 15, False),
    # weeks that differ
    ("Jan-Mar 09:00-12:00", None, True),
    ("Apr-Sep Mo-Fr 09:00-18:00; Oct-Mar Mo-Fr 09:00-17:00", 40, True),
    ("Mo-Fr 09:00-17:00; Jul-Aug off", None, True),
    ("Mo-Fr 09:00-17:00; Jul-Aug Mo-Fr 08:00-14:00", 25, True),
    ("week 1-53/2 We 14:00-16:00", None, True),
    ("Mo-We 09:00-12:00, week 2-52/2 We 14:00-17:00", 9, True),
    ("We[1,3] 09:00-12:00", None, True),
    ("Mo-Fr 09:00-12:00; Sa[1] 09:00-12:00", 15, True),
    ("Fr[-1] 09:00-12:00", None, True),
    # what nobody can tell
    ("Mo-Fr 09:00-12:00; We unknown", 12, True),
    ("Mo-Fr 09:00-12:00, We 14:00-16:00 unknown", 15, True),
    ("We unknown, We 09:00-12:00; Th 09:00-10:00", 4, True),
    ('Mo 09:00-12:00 "sur rendez-vous"; Tu 10:00-11:00', 1, True),
    ('Mo-Fr 09:00-12:00 "accueil"', 15, False),
    ('Mo 09:00-12:00 "a; b"', 3, False),
    # rules that say no certain hour leave their own days unsure
    ("Mo-Fr 09:00-12:00; Sa sunrise-sunset", 15, True),
    ("Mo-Th 09:00-12:00; Fr 09:00+", 12, True),
    ("Mo-Th 09:00-12:00; Fr 9h", 12, True),
    ("Mo-Th 09:00-12:00; Fr", 12, True),
    ("Mo-Th 09:00-12:00; Fr 12:00-12:00", 12, True),
    ("Mo-Th 09:00-12:00; Fr 25:00-26:00", 12, True),
    ("Mo-Th 09:00-12:00; Fr,Sa bientôt", 12, True),
]


@pytest.mark.parametrize(("text", "hours", "unsure"), TEXTS)
def test_the_grammar_of_openstreetmap(text: str, hours: float | None, unsure: bool) -> None:
    week = osm_week(text)
    assert week is not None and (week.hours, bool(week.unsure)) == (hours, unsure)
    assert osm_week(week.osm or "off") == week


@pytest.mark.parametrize(
    "text", ["sur rendez-vous", "Lu 09:00-12:00", "2020-2023 Mo-Fr 09:00-12:00", "unknown"]
)
def test_a_text_that_tells_no_week_is_unknown(text: str) -> None:
    assert osm_week(text) is None


@settings(deadline=None, max_examples=50)
@given(st.lists(SPANS, min_size=7, max_size=7), st.lists(SPANS, min_size=7, max_size=7))
def test_a_week_half_known_is_read_again(sure, unsure) -> None:
    week = Week.of_days(sure, unsure)
    assert osm_week(week.osm or "off") == week
    known = {minute for a, b in week.spans for minute in range(a, b)}
    assert not known & {minute for a, b in week.unsure for minute in range(a, b)}


#: Hours, a moment, the département, and whether it is open then (None: nobody can tell).
MOMENTS = [
    ("Mo-Su 20:00-06:00", "samedi 23h", "", True),
    ("Mo-Su 20:00-06:00", "dimanche 5h59", "", True),
    ("Mo-Su 20:00-06:00", "dimanche 6h", "", False),
    ("Fr 22:00-04:00; Sa 23:00-05:00", "samedi 2h", "", True),
    ("Mo-Fr 09:00-12:00; We unknown", "mercredi 10h", "", None),
    ("Mo-Fr 09:00-12:00; We unknown", "mardi 10h", "", True),
    ("We unknown, We 09:00-12:00", "mercredi 10h", "", True),
    ("Jan-Mar 09:00-12:00", "mardi 13h", "", False),
    # public holidays: 14 July 2026 is a Tuesday, 25 May Whit Monday, 14 May Ascension Day
    ("Mo-Fr 09:00-17:00; PH off", "2026-07-14 10:30", "", False),
    ("Mo-Fr 09:00-17:00; PH off", "2026-07-15 10:30", "", True),
    ("Mo-Fr 09:00-17:00; PH off", "25/05/2026 10h30", "", False),
    ("Mo-Fr 09:00-17:00; PH off", "jeudi 14/05/2026 10h30", "", False),
    ("Mo-Fr 09:00-17:00", "2026-07-14 10:30", "", None),
    ("Mo-Fr 09:00-17:00", "2026-07-14 18:30", "", False),
    ("24/7", "2026-07-14 10:30", "", True),
    ("PH,Mo-Fr 09:00-17:00", "2026-07-14 10:30", "", True),
    ("Mo-Fr 09:00-17:00; PH 10:00-12:00", "2026-07-14 09:30", "", False),
    ("Mo-Fr 09:00-17:00; PH 10:00-12:00", "2026-07-14 10:30", "", True),
    ("Mo-Fr 09:00-17:00; PH off", "2199-07-15 10:30", "", None),
    # school holidays: on 24 February 2026 in zones B and C; on 17 in A and B
    ("Mo-Fr 09:00-17:00; SH off", "2026-02-24 10:00", "31", False),
    ("Mo-Fr 09:00-17:00; SH off", "2026-02-24 10:00", "69", True),
    ("Mo-Fr 09:00-17:00; SH off", "2026-02-24 10:00", "", None),
    ("Mo-Fr 09:00-17:00; SH off", "2026-02-24 10:00", "974", None),
    ("Mo-Fr 09:00-17:00; SH off", "2026-08-05 10:00", "", False),
    ("Mo-Fr 09:00-17:00; SH off", "2035-02-26 10:00", "31", None),
    ("Mo-Fr 09:00-17:00; SH Mo off", "2026-02-24 10:00", "31", True),
    ("Mo-Fr 09:00-17:00; SH Mo-Fr 10:00-12:00", "2026-02-24 09:30", "31", False),
    ("Mo-Fr 09:00-17:00, SH Sa 10:00-12:00", "2026-02-28 10:30", "31", True),
    ("Mo-Fr 09:00-17:00, SH Sa 10:00-12:00", "2026-03-14 10:30", "31", False),
    # weeks and seasons: 18 November 2026 is in week 47
    ("week 1-53/2 We 14:00-16:00", "2026-11-18 15:00", "", True),
    ("week 1-53/2 We 14:00-16:00", "2026-11-25 15:00", "", False),
    ("Mo-Fr 09:00-17:00; Aug off; PH off", "2026-08-05 10:00", "", False),
    ("Tu[1] 09:00-12:00; PH off", "2026-11-03 10:00", "", True),
    ("Tu[1] 09:00-12:00; PH off", "2026-11-10 10:00", "", False),
]


@pytest.mark.parametrize(("text", "at", "departement", "right"), MOMENTS)
def test_open_at_a_moment_or_at_a_date(text: str, at: str, departement: str, right: bool) -> None:
    assert is_open(text, Moment.parse(at), departement) is right


@pytest.mark.parametrize(
    ("text", "at", "right"),
    [
        ("Mo-Fr 09:00-17:00; PH off", "2026-07-13 18:00", "mercredi 15/07/2026 9 h"),
        ("Mo-Fr 09:00-17:00; PH off", "2026-07-13 16:59", "lundi 13/07/2026 16 h 59"),
        ("week 1-53/2 We 14:00-16:00", "2026-11-25 15:00", "mercredi 02/12/2026 14 h"),
        ("Mo-Fr 09:00-17:00; Aug off", "2026-07-31 18:00", ""),
    ],
)
def test_the_next_opening_after_a_date(text: str, at: str, right: str) -> None:
    assert str(next_opening(text, Moment.parse(at)) or "") == right


@pytest.mark.parametrize(
    "text",
    ["2026-02-30 10h", "31/04/2026 10h", "2026-07-14", "2026-07-14 25h", "9999-12-31 23:59"],
)
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="mardi 10h30"):
        Moment.parse(text)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    day = french_day(text)
    assert day is None or all(0 <= opens < closes <= 1440 for opens, closes in day.spans)


def test_spans_that_touch_are_one() -> None:
    assert joined([(600, 720), (540, 600), (700, 710)]) == [(540, 720)]
