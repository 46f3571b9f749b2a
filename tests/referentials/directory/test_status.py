"""The six words for what a counter is at a moment."""

import pytest

from geoguichet.floor.words import bare, speaking
from geoguichet.referentials.directory.hours import DAY_MINUTES, Moment, is_open
from geoguichet.referentials.directory.status import status, status_told

WEEK = "Mo-Fr 09:00-12:00,14:00-18:00; Sa 09:00-11:45"


@pytest.mark.parametrize(
    ("hours", "at", "said"),
    [
        (WEEK, "samedi 10h30", "Ouvert jusqu'à 11 h 45"),
        (WEEK, "samedi 11h25", "Ferme dans 20 min"),
        (WEEK, "samedi 11h45", "Fermé, ouvre lundi à 9 h"),
        (WEEK, "mardi 13h", "Fermé, ouvre à 14 h"),
        ("off", "mardi 13h", "Fermé"),
        ("24/7", "mardi 13h", "Ouvert"),
        (None, "mardi 13h", "Horaires inconnus"),
        ("quand il fait beau", "mardi 13h", "Horaires inconnus"),
        ('Mo-Fr 09:00-12:00 "sur rendez-vous"', "mardi 10h", "Sur rendez-vous"),
        (WEEK, "14/07/2026 10h", "Horaires incertains ce jour"),
        (WEEK, "13/07/2026 19h", "Fermé, ouvre mercredi à 9 h"),
        (f"{WEEK}; PH 10:00-11:00", "14/07/2026 10h10", "Ouvert jusqu'à 11 h"),
        ("Mo 23:00-02:00", "lundi 23h30", "Ouvert jusqu'à 2 h"),
    ],
)
def test_it_is_said_as_a_citizen_is_told(hours: str | None, at: str, said: str) -> None:
    then = Moment.parse(at)
    with speaking("fr"):
        assert bare(status_told(status(hours, then, "31"), then)) == bare(said)


def test_it_is_open_up_to_the_minute_that_is_said() -> None:
    for hours in (WEEK, "Mo-Su 22:00-03:00", f"{WEEK}; PH off", "Jul-Aug Mo-Fr 08:00-12:00"):
        for minute in range(0, 7 * DAY_MINUTES, 37):
            found = status(hours, Moment(minute))
            assert found.is_open == bool(is_open(hours, Moment(minute)))
            if found.then is not None and found.is_open:
                end = (minute + found.left) % (7 * DAY_MINUTES)
                assert found.then.minute == end and not is_open(hours, Moment(end))
                assert is_open(hours, Moment((end - 1) % (7 * DAY_MINUTES)))


def test_it_is_said_in_english() -> None:
    then = Moment.parse("samedi 11h25")
    with speaking("en"):
        assert status_told(status(WEEK, then), then) == "Closes in 20 min"
        assert "Monday at 9:00" in status_told(status(WEEK, Moment.parse("samedi 12h")), then)
