import string

import pytest

from geoguichet.coverage.outputs.wording import MESSAGES, MISSING, NARROW, NO_BREAK, Wording

FR, EN = Wording("fr"), Wording("en")


@pytest.mark.parametrize(
    ("value", "decimals", "french", "english"),
    [
        (0, 0, "0", "0"),
        (999, 0, "999", "999"),
        (3_034_719, 0, f"3{NARROW}034{NARROW}719", "3,034,719"),
        (1234.56, 1, f"1{NARROW}234,6", "1,234.6"),
        (-0.2, 0, "0", "0"),
        (-12.5, 1, "-12,5", "-12.5"),
        (float("nan"), 0, MISSING, MISSING),
    ],
)
def test_numbers_are_written_as_each_language_writes_them(value, decimals, french, english):
    assert FR.number(value, decimals) == french
    assert EN.number(value, decimals) == english


@pytest.mark.parametrize(
    ("share", "french", "english"),
    [
        (0.0, f"0,0{NARROW}%", "0.0%"),
        (0.1409, f"14,1{NARROW}%", "14.1%"),
        (1.0, f"100,0{NARROW}%", "100.0%"),
        (0.0001, f"<{NARROW}0,1{NARROW}%", f"<{NARROW}0.1%"),
        (0.9999, f">{NARROW}99,9{NARROW}%", f">{NARROW}99.9%"),
        (float("nan"), MISSING, MISSING),
    ],
)
def test_a_share_is_never_rounded_to_none_nor_to_all(share, french, english):
    assert FR.percent(share) == french
    assert EN.percent(share) == english


def test_distances_and_money():
    assert FR.distance(0) == f"0{NARROW}m"
    assert FR.distance(849.6) == f"850{NARROW}m"
    assert FR.distance(999.6) == f"1{NARROW}km"
    assert FR.distance(8_000) == f"8{NARROW}km"
    assert FR.distance(12_345) == f"12,3{NARROW}km"
    assert FR.distance(float("nan")) == MISSING
    assert FR.kilometres(8_000) == f"8,0{NARROW}km"
    assert FR.money(2_400_000) == f"2{NARROW}400{NARROW}000{NARROW}€"
    assert FR.money(2.396, 2) == f"2,40{NARROW}€"
    assert EN.money(1_234.4) == "€1,234"


def test_singular_and_plural():
    assert [FR("kiosks", n=n) for n in (0, 1, 2)] == [
        "0 visioguichet",
        "1 visioguichet",
        "2 visioguichets",
    ]
    assert [EN("kiosks", n=n) for n in (0, 1, 2)] == [
        "0 video kiosks",
        "1 video kiosk",
        "2 video kiosks",
    ]


def test_french_punctuation_never_begins_a_line():
    assert FR.typeset("un ; deux : « trois » ? 1 234") == (
        f"un{NARROW}; deux{NO_BREAK}: «{NO_BREAK}trois{NO_BREAK}»{NARROW}? 1{NARROW}234"
    )
    assert EN.typeset("one ; two") == "one ; two"


def test_both_languages_say_everything_with_the_same_fields():
    def fields(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, (french, english) in MESSAGES.items():
        assert french.strip(), key
        assert english.strip(), key
        assert fields(french) == fields(english), key
        assert french.count(" | ") == english.count(" | ") <= 1, key


def test_lists():
    assert FR.listed([]) == ""
    assert FR.listed(["a"]) == "a"
    assert FR.listed(["a", "b", "c"]) == "a, b et c"


def test_days_are_written_in_full():
    assert FR.day("2026-11-22").replace("\u00a0", " ") == "22 novembre 2026"
    assert FR.day("2027-03-01").replace("\u00a0", " ") == "1er mars 2027"
    assert EN.day("2027-03-01").replace("\u00a0", " ") == "1 March 2027"


def test_opening_hours_are_written_in_words():
    osm = "Mo-Tu 08:30-12:00,13:30-17:00; We,Sa 09:00-12:15; PH off"
    told = FR.hours(osm).replace(NARROW, " ").replace(NO_BREAK, " ")
    assert (
        told == "lun.-mar. 8 h 30-12 h, 13 h 30-17 h ; mer., sam. 9 h-12 h 15 ; jours fériés fermé"
    )
    assert (
        EN.hours(osm)
        == "Mon-Tue 8:30-12:00, 13:30-17:00; Wed, Sat 9:00-12:15; public holidays closed"
    )
    assert FR.hours("24/7") == "24/7" and FR.hours("Montauban") == "Montauban"
