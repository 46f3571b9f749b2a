"""Hours as French lists write them: each text with its right value, and what is left unsure."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.referentials.directory.french_hours import french_week, read_week
from geoguichet.referentials.directory.hours import Week, osm_week
from geoguichet.referentials.directory.schema import french_weeks

#: Text, the same in OpenStreetMap's form, hours a week; all of it is sure.
READ = [
    # one day, several days
    ("Mercredi de 14h à 16h", "We 14:00-16:00", 2),
    ("mercredi 14h-16h", "We 14:00-16:00", 2),
    ("MERCREDI : 14H00 - 16H00", "We 14:00-16:00", 2),
    ("le mercredi de 14 h à 16 h", "We 14:00-16:00", 2),
    ("les mercredis de 14 heures à 16 heures", "We 14:00-16:00", 2),
    ("mercredi de 14 à 16 heures", "We 14:00-16:00", 2),
    ("mer. 14:00-16:00", "We 14:00-16:00", 2),
    ("Mer 14h/16h", "We 14:00-16:00", 2),
    ("mercredi 14.00-16.30", "We 14:00-16:30", 2.5),
    ("mercredi 14:00:00-16:30:00", "We 14:00-16:30", 2.5),
    ("mercredi entre 14h et 16h", "We 14:00-16:00", 2),
    ("mercredi 9-12h", "We 09:00-12:00", 3),
    ("jeudi de 8h à midi", "Th 08:00-12:00", 4),
    ("samedi 18h-minuit", "Sa 18:00-24:00", 6),
    ("samedi 18h-00h", "Sa 18:00-24:00", 6),
    ("mardi de 10h à 12h, jeudi de 14h à 17h30", "Tu 10:00-12:00; Th 14:00-17:30", 5.5),
    ("mardi 10h-12h / jeudi 14h-17h", "Tu 10:00-12:00; Th 14:00-17:00", 5),
    ("mardi 10h-12h et jeudi 14h-17h", "Tu 10:00-12:00; Th 14:00-17:00", 5),
    ("Mardi 10h-12h Jeudi 14h-17h", "Tu 10:00-12:00; Th 14:00-17:00", 5),
    ("mardi et jeudi 10h-12h", "Tu 10:00-12:00; Th 10:00-12:00", 4),
    ("mardi & jeudi : 10h-12h", "Tu 10:00-12:00; Th 10:00-12:00", 4),
    ("lundi, mardi, jeudi : 8h30-12h", "Mo-Tu 08:30-12:00; Th 08:30-12:00", 10.5),
    ("lundi 9h-12h ; 14h-17h", "Mo 09:00-12:00,14:00-17:00", 6),
    ("lundi 9h-12h 14h-17h", "Mo 09:00-12:00,14:00-17:00", 6),
    ("lundi de 9h à 12h et de 14h à 17h", "Mo 09:00-12:00,14:00-17:00", 6),
    ("lundi le matin de 9h à 12h, l'après-midi de 14h à 17h", "Mo 09:00-12:00,14:00-17:00", 6),
    # ranges
    ("du lundi au vendredi 9h-12h et 14h-17h", "Mo-Fr 09:00-12:00,14:00-17:00", 30),
    ("Du lundi au vendredi : 9h00-12h00 / 14h00-17h00", "Mo-Fr 09:00-12:00,14:00-17:00", 30),
    ("lundi à vendredi : 09.00-12.30", "Mo-Fr 09:00-12:30", 17.5),
    ("lundi-vendredi 9h-12h", "Mo-Fr 09:00-12:00", 15),
    ("Lun-Ven 9h/12h 14h/17h", "Mo-Fr 09:00-12:00,14:00-17:00", 30),
    ("Lu-Ve 8h30-18h", "Mo-Fr 08:30-18:00", 47.5),
    ("du samedi au lundi 10h-12h", "Mo 10:00-12:00; Sa-Su 10:00-12:00", 6),
    ("du lundi au jeudi inclus 9h-12h", "Mo-Th 09:00-12:00", 12),
    ("9h-12h du lundi au vendredi", "Mo-Fr 09:00-12:00", 15),
    ("9h-12h le lundi, 14h-17h le mardi", "Mo 09:00-12:00; Tu 14:00-17:00", 6),
    ("tous les jours 9h-12h", "Mo-Su 09:00-12:00", 21),
    ("tous les matins de 9h à 12h", "Mo-Su 09:00-12:00", 21),
    ("7j/7 de 9h à 12h", "Mo-Su 09:00-12:00", 21),
    ("24h/24 7j/7", "Mo-Su 00:00-24:00", 168),
    ("24h/24 et 7 jours sur 7", "Mo-Su 00:00-24:00", 168),
    ("en semaine 9h-17h, week-end 10h-12h", "Mo-Fr 09:00-17:00; Sa-Su 10:00-12:00", 44),
    ("jours ouvrables : 9h-12h", "Mo-Sa 09:00-12:00", 18),
    ("jours ouvrés 9h-12h", "Mo-Fr 09:00-12:00", 15),
    (
        "lundi, mardi, jeudi et vendredi : 8h30 - 12h00 / 14h00 - 17h30 - mercredi : 9h-12h",
        "Mo-Tu 08:30-12:00,14:00-17:30; We 09:00-12:00; Th-Fr 08:30-12:00,14:00-17:30",
        31,
    ),
    (
        "du lundi au jeudi 9h-12h et 13h30-17h, le vendredi 9h-12h et 13h30-16h30",
        "Mo-Th 09:00-12:00,13:30-17:00; Fr 09:00-12:00,13:30-16:30",
        32,
    ),
    (
        "L'agence est ouverte du mardi au samedi de 9 h à 12 h et de 14 h à 17 h 30",
        "Tu-Sa 09:00-12:00,14:00-17:30",
        32.5,
    ),
    ("Lundi 8h30-12h00\nMardi 8h30-12h00", "Mo-Tu 08:30-12:00", 7),
    ("Horaires d'ouverture au public : lundi 9h-12h", "Mo 09:00-12:00", 3),
    ("lundi 9h-17h sans interruption", "Mo 09:00-17:00", 8),
    ("lundi 9h-12h avec ou sans rendez-vous", "Mo 09:00-12:00", 3),
    ("Permanence le mardi 9h-12h à la salle des fêtes", "Tu 09:00-12:00", 3),
    ("lundi 9h-12h. Tél. : 05 61 00 00 00", "Mo 09:00-12:00", 3),
    # closed
    ("Lundi : 9h-12h Mardi : fermé Mercredi : 14h-17h", "Mo 09:00-12:00; We 14:00-17:00", 6),
    ("Fermé le lundi, ouvert du mardi au vendredi 10h-18h", "Tu-Fr 10:00-18:00", 32),
    ("lundi au mercredi 8h-12h - Fermeture le jeudi", "Mo-We 08:00-12:00", 12),
    ("du lundi au vendredi 9h-12h sauf le mercredi", "Mo-Tu 09:00-12:00; Th-Fr 09:00-12:00", 12),
    ("tous les jours sauf le dimanche 9h-12h", "Mo-Sa 09:00-12:00", 18),
    ("tous les jours sauf samedi et dimanche : 9h-12h", "Mo-Fr 09:00-12:00", 15),
    (
        "du lundi au vendredi 9h-12h sauf mercredi 14h-16h",
        "Mo-Tu 09:00-12:00; We 14:00-16:00; Th-Fr 09:00-12:00",
        14,
    ),
    ("du lundi au vendredi 9h-17h, fermé de 12h à 14h", "Mo-Fr 09:00-12:00,14:00-17:00", 30),
    ("Lundi fermé le matin, 14h-17h", "Mo 14:00-17:00", 3),
    ("mercredi après-midi fermé, mercredi 9h-12h", "We 09:00-12:00", 3),
    # past midnight
    ("vendredi 20h-2h", "Fr 20:00-02:00", 6),
    ("vendredi et samedi de 22h à 4h", "Fr-Sa 22:00-04:00", 12),
    ("dimanche 23h-1h", "Su 23:00-01:00", 2),
    ("tous les jours 20h-6h", "Mo-Su 20:00-06:00", 70),
    # holidays
    ("du lundi au samedi 8h-20h, fermé les jours fériés", "Mo-Sa 08:00-20:00; PH off", 72),
    ("lundi au vendredi 9h-17h sauf jours fériés", "Mo-Fr 09:00-17:00; PH off", 40),
    (
        "lundi au samedi 9h-12h. Dimanche et jours fériés : fermé",
        "Mo-Sa 09:00-12:00; PH off",
        18,
    ),
    (
        "lundi au vendredi 9h-17h ; samedi et jours fériés 10h-12h",
        "Mo-Fr 09:00-17:00; Sa 10:00-12:00; PH 10:00-12:00",
        42,
    ),
    ("mercredi 14h-17h hors vacances scolaires", "We 14:00-17:00; SH We off", 3),
    ("en période scolaire : mercredi 14h-17h", "We 14:00-17:00; SH We off", 3),
    ("lundi 9h-12h. Fermé pendant les vacances scolaires", "Mo 09:00-12:00; SH off", 3),
    # seasons
    ("lundi au vendredi 9h-17h. Fermé en août", "Mo-Fr 09:00-17:00; Aug off", 40),
    ("lundi au vendredi 9h-17h sauf en août", "Mo-Fr 09:00-17:00; Aug off", 40),
    (
        "du 1er avril au 30 septembre : lundi-vendredi 9h-18h ; "
        "du 1er octobre au 31 mars : lundi-vendredi 9h-17h",
        "Apr 01-Sep 30 Mo-Fr 09:00-18:00; Oct 01-Mar 31 Mo-Fr 09:00-17:00",
        40,
    ),
]

#: Text, the same in OpenStreetMap's form, hours a week that are sure (None: none is).
HALF_READ = [
    # on appointment
    ("lundi 9h-12h sur rendez-vous", "Mo 09:00-12:00 unknown", None),
    ("lundi 9h-12h / sur RDV", "Mo unknown, Mo 09:00-12:00", 3),
    ("lundi 9h-12h et sur RDV l'après-midi", "Mo unknown, Mo 09:00-12:00", 3),
    ("lundi 9h-12h / sur RDV : 14h-17h", "Mo 09:00-12:00, Mo 14:00-17:00 unknown", 3),
    (
        "lundi sur RDV : 9h-12h / sans RDV : 14h-17h",
        "Mo 14:00-17:00, Mo 09:00-12:00 unknown",
        3,
    ),
    ("sur rendez-vous le lundi 9h-12h", "Mo 09:00-12:00 unknown", None),
    ("lundi 9h-12h, mardi sur rendez-vous", "Mo 09:00-12:00; Tu unknown", 3),
    ("lundi 9h-12h, mardi uniquement sur r.d.v.", "Mo 09:00-12:00; Tu unknown", 3),
    ("Sur RDV : lundi 9h-12h, mardi 9h-12h", "Mo-Tu 09:00-12:00 unknown", None),
    # not each week
    ("un mardi sur deux 14h-16h", "Tu 14:00-16:00 unknown", None),
    (
        "lundi 9h-12h, une semaine sur deux le mardi 9h-12h",
        "Mo 09:00-12:00; Tu 09:00-12:00 unknown",
        3,
    ),
    ("vendredi 14h-16h une semaine sur deux", "Fr 14:00-16:00 unknown", None),
    ("lundi 9h-12h ; 1 samedi sur 2 : 9h-12h30", "Mo 09:00-12:00; Sa 09:00-12:30 unknown", 3),
    ("jeudi 9h-12h tous les 15 jours", "Th 09:00-12:00 unknown", None),
    ("lundi 9h-12h, un samedi par mois 9h-12h", "Mo 09:00-12:00; Sa 09:00-12:00 unknown", 3),
    # words that are not known
    ("lundi 9h-12h (bibliothèque)", "Mo 09:00-12:00 unknown", None),
    ("lundi 9h-12h, mardi 9h-12h selon planning", "Mo 09:00-12:00; Tu 09:00-12:00 unknown", 3),
    ("lundi matin ; mardi 9h-12h", "Mo unknown; Tu 09:00-12:00", 3),
    ("lundi : 14h-12h, mardi : 9h-10h", "Mo unknown; Tu 09:00-10:00", 1),
    ("lundi 9h, mardi 9h-10h", "Mo unknown; Tu 09:00-10:00", 1),
    ("lundi 9h-12h, mardi 9h75-10h", "Mo 09:00-12:00; Tu unknown", 3),
    ("lundi 9h-12h (11h30 le vendredi)", "Mo unknown; Fr unknown", None),
    ("9h-12h 14h-17h", "Mo-Su 09:00-12:00,14:00-17:00 unknown", None),
    ("fermé lundi, mardi 9h-12h", "Mo-Tu unknown", None),
]

#: Text whose weeks are not alike, the same in OpenStreetMap's form.
DATED = [
    ("mercredi 9h-12h semaines impaires", "week 1-53/2 We 09:00-12:00"),
    ("samedi (semaines paires) : 9h-12h", "week 2-52/2 Sa 09:00-12:00"),
    ("1er et 3e mardi du mois de 14h à 16h", "Tu[1,3] 14:00-16:00"),
    ("le premier lundi du mois 9h-12h", "Mo[1] 09:00-12:00"),
    ("le 2ème jeudi de chaque mois 14h à 17h", "Th[2] 14:00-17:00"),
    ("deuxième et quatrième mercredi 9h-12h", "We[2,4] 09:00-12:00"),
    ("dernier vendredi du mois 9h-12h", "Fr[-1] 09:00-12:00"),
    ("juillet et août : du lundi au vendredi 8h-14h", "Jul,Aug Mo-Fr 08:00-14:00"),
    ("de juin à septembre, lundi 9h-12h", "Jun-Sep Mo 09:00-12:00"),
    ("du 15 juin au 15 septembre : samedi 9h-12h", "Jun 15-Sep 15 Sa 09:00-12:00"),
]

NOTHING = [
    "",
    "Horaires variables",
    "sur rendez-vous",
    "nous consulter",
    "Selon planning bus",
    "??",
]


@pytest.mark.parametrize(("text", "osm", "hours"), READ)
def test_a_week_in_french_words(text: str, osm: str, hours: float) -> None:
    read = french_week(text)
    assert read.week is not None
    assert (read.week.osm, read.week.hours, read.unsure) == (osm, hours, ())


@pytest.mark.parametrize(("text", "osm", "hours"), HALF_READ)
def test_what_is_not_sure_leaves_the_rest_as_read(text: str, osm: str, hours: float | None) -> None:
    read = french_week(text)
    assert read.week is not None and read.unsure
    assert (read.week.osm, read.week.hours) == (osm, hours)


@pytest.mark.parametrize(("text", "osm"), DATED)
def test_weeks_that_are_not_alike(text: str, osm: str) -> None:
    read = french_week(text)
    assert read.week is not None and (read.week.osm, read.week.hours) == (osm, None)


@pytest.mark.parametrize("osm", [row[1] for row in (*READ, *HALF_READ, *DATED)])
def test_what_is_written_is_read_back(osm: str) -> None:
    assert read_week(osm).week == osm_week(osm) and not read_week(osm).unsure


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_that_says_no_hour_is_unknown(text: str) -> None:
    assert french_week(text).week is None


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("fermé le lundi", "Tu-Su unknown"),
        ("Fermeture lundi et mardi", "We-Su unknown"),
        ("fermé samedi, fermé dimanche", "Mo-Fr unknown"),
    ],
)
def test_days_said_closed_leave_the_others_unknown(text: str, hours: str) -> None:
    found = french_week(text)
    assert found.week is not None
    assert (found.week.osm, found.week.hours) == (hours, None)
    assert found.unsure == (text,)


def test_a_cell_that_says_its_day_is_closed_closes_it() -> None:
    cells = pd.DataFrame(
        [["9h-12h", "fermé toute la journée", "fermé", "", "", "", ""]], columns=list("abcdefg")
    )
    ((week,), _) = french_weeks(cells, layer="a", items=pd.Series(["1"]))
    assert week is not None and week.hours == 3


@pytest.mark.parametrize("text", ["Fermé", "fermeture", "FERMÉE"])
def test_closed_all_week_is_known(text: str) -> None:
    assert french_week(text).week == Week(())


@pytest.mark.parametrize(
    ("text", "hours", "sure"),
    [
        ("Mo-Fr 9h-12h", 15, True),
        ("Mo-Fr 9h-12h30; Sa 10h-12h", 19.5, True),
        ("Mo-Fr 09:00-12:00; Sa 9h", 15, False),
        ("Mo-Fr 09:00-12:00; Sa sunset-23:00", 15, False),
        ("lundi 9h-12h", 3, True),
    ],
)
def test_a_cell_in_either_form(text: str, hours: float, sure: bool) -> None:
    read = read_week(text)
    assert read.week is not None and (read.week.hours, not read.unsure) == (hours, sure)


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="lundimardjeu 0123456789h-:/,;.sàétfr()", max_size=40))
def test_no_text_breaks_the_reader_of_prose(text: str) -> None:
    week = read_week(text).week
    assert week is None or osm_week(week.osm or "off") == week


def weeks_of(*rows: list[str]) -> tuple[list[Week | None], list[str]]:
    columns = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
    table = pd.DataFrame(rows, columns=columns[: len(rows[0])], index=range(1, len(rows) + 1))
    items = pd.Series("a", index=table.index)
    weeks, findings = french_weeks(table, layer="essai", items=items)
    return weeks, [f"{finding.row} {finding.rule} {finding.column}" for finding in findings]


@pytest.mark.parametrize(
    ("odd", "osm", "hours"),
    [
        ("non", "Mo-Tu 09:00-12:00; Th-Fr 09:00-12:00", 12),
        ("9h-12h / sur RDV", "Mo-Tu 09:00-12:00; We unknown, We 09:00-12:00; Th-Fr 09:00-12:00", 15),
        ("selon planning", "Mo-Tu 09:00-12:00; We unknown; Th-Fr 09:00-12:00", 12),
        ("14h-12h", "Mo-Tu 09:00-12:00; We unknown; Th-Fr 09:00-12:00", 12),
        ("9h-12h semaines paires",
         "Mo-Tu 09:00-12:00; Th-Fr 09:00-12:00; week 2-52/2 We 09:00-12:00", 12),
        ("20h-2h", "Mo-Tu 09:00-12:00; We 20:00-02:00; Th-Fr 09:00-12:00", 18),
    ],
)  # fmt: skip
def test_one_odd_day_leaves_the_other_six(odd: str, osm: str, hours: float) -> None:
    (week,), _ = weeks_of(["9h-12h", "9h-12h", odd, "9h-12h", "9h-12h", "", ""])
    assert week is not None and (week.osm, week.hours) == (osm, hours)
    assert osm_week(osm) == week


def test_the_odd_day_is_named() -> None:
    weeks, told = weeks_of(
        ["9h-12h", "sur RDV", "", "", "", "", ""],
        ["selon planning", "", "", "", "", "", ""],
        ["9h-12h", "non", "", "", "", "", ""],
    )
    assert told == ["1 unreadable-hours mardi", "2 unreadable-hours lundi"]
    assert weeks[1] is None and weeks[2] is not None
