"""Phrases that the map, the report and the terminal share."""

from geoguichet.coverage.outputs.style import (
    first_of,
    joined,
    n_kiosks,
    zone_class,
)
from geoguichet.floor.words import NARROW, Unit, listed, speaking
from geoguichet.referentials.directory.hours import Moment, hours_told, moment_told


def test_singular_and_plural():
    assert [n_kiosks(n) for n in (0, 1, 2)] == [
        "0 visioguichet",
        "1 visioguichet",
        "2 visioguichets",
    ]
    with speaking("en"):
        assert [n_kiosks(n) for n in (0, 1, 2)] == [
            "0 video kiosks",
            "1 video kiosk",
            "2 video kiosks",
        ]


def test_opening_hours_are_written_in_words():
    osm = "Mo-Tu 08:30-12:00,13:30-17:00; We,Sa 09:00-12:15; PH off"
    assert (
        hours_told(osm)
        == "lun.-mar. 8 h 30-12 h, 13 h 30-17 h ; mer., sam. 9 h-12 h 15 ; jours fériés fermé"
    )
    with speaking("fr", typeset=True):
        assert hours_told(osm).startswith(f"lun.-mar. 8{NARROW}h{NARROW}30-12{NARROW}h, ")
    with speaking("en"):
        assert (
            hours_told(osm)
            == "Mon-Tue 8:30-12:00, 13:30-17:00; Wed, Sat 9:00-12:15; public holidays closed"
        )
    assert hours_told("24/7") == "24/7" and hours_told("Montauban") == "Montauban"


def test_a_moment_is_written_in_words():
    at = Moment.parse("samedi 10h30")
    assert moment_told(at) == str(at) == "samedi 10 h 30"
    with speaking("en"):
        assert (
            moment_told(at) == "Saturday 10:30"
            and moment_told(Moment.parse("lundi 9h")) == "Monday 9:00"
        )
    assert moment_told(Moment.parse("2026-07-14 9h")) == "mardi 14/07/2026 9 h"


def test_lists():
    assert joined(["a", "b"]) == "a ; b"
    assert first_of("abcdef") == "a, b, c, d, e, f" and first_of("abcdefg").endswith(
        "e et 2 autres"
    )
    assert first_of("ab", whole=listed) == "a et b"
    with speaking("en"):
        assert joined(["a", "b"]) == "a; b" and first_of("abc", shown=1) == "a and 2 others"


def test_classes_of_zones():
    assert zone_class(0, 1000, Unit.METRES) == "moins de 1 km"
    assert zone_class(1000, 2500, Unit.METRES) == "de 1 km à 2,5 km"
    assert zone_class(1200, None, Unit.SECONDS) == "20 min et plus"
