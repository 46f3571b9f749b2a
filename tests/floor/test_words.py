"""Sentences, figures and catalogues: French in the code, English complete, a third is a file."""

import copy
import json
import pickle
import shutil
import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from babel.messages.mofile import read_mo

from geoguichet.data.source import translations
from geoguichet.floor import words
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import (
    MISSING,
    NARROW,
    NO_BREAK,
    Cost,
    Message,
    Unit,
    _,
    day,
    distance,
    duration,
    given,
    listed,
    mass,
    measure,
    money,
    ngettext,
    number,
    of_environment,
    percent,
    signed,
    spaced,
    speaking,
)


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
def test_numbers_are_written_as_each_language_writes_them(
    value: float, decimals: int, french: str, english: str
) -> None:
    with speaking("fr", typeset=True):
        assert number(value, decimals) == french
    with speaking("en", typeset=True):
        assert number(value, decimals) == english


def test_a_tie_is_rounded_as_python_rounds() -> None:
    for value in (0.15, 2.675, 12.35, 1.25, 2.5, 0.35):
        for decimals in (0, 1, 2):
            assert number(value, decimals).replace(",", ".") == f"{value:.{decimals}f}"


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
def test_a_share_is_never_rounded_to_none_nor_to_all(
    share: float, french: str, english: str
) -> None:
    with speaking("fr", typeset=True):
        assert percent(share) == french
    with speaking("en", typeset=True):
        assert percent(share) == english


def test_measures_and_money() -> None:
    with speaking("fr", typeset=True):
        assert distance(0) == f"0{NARROW}m"
        assert distance(849.6) == f"850{NARROW}m"
        assert distance(999.6) == f"1{NARROW}km"
        assert distance(8_000) == f"8{NARROW}km"
        assert distance(12_345) == f"12,3{NARROW}km"
        assert distance(float("nan")) == MISSING
        assert measure(8, "km", 1) == f"8,0{NARROW}km"
        assert money(2_400_000) == f"2{NARROW}400{NARROW}000{NARROW}€"
        assert money(2.396, 2) == f"2,40{NARROW}€"
        assert mass(999.6) == f"1,0{NARROW}t" and mass(12) == f"12{NARROW}kg"
    assert duration(90 * 60) == "90 min" and duration(91 * 60) == "1 h 31"
    assert [signed(value, 1) for value in (0.04, -0.04, 3, -3)] == ["0,0", "0,0", "+3,0", "-3,0"]
    assert given(0.015) == "0,015" and given(100) == "100"
    with speaking("en"):
        assert money(1_234.4) == "€1,234" and distance(12_345) == "12.3 km"


def test_lists_and_days_are_written_in_full() -> None:
    assert listed([]) == "" and listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b et c"
    assert day("2026-11-22") == "22 novembre 2026" and day("2027-03-01") == "1er mars 2027"
    with speaking("en", typeset=True):
        assert day("2027-03-01") == f"1{NO_BREAK}March 2027"
        assert listed(["a", "b", "c"]) == "a, b and c"


def test_french_punctuation_never_begins_a_line() -> None:
    text = "un ; deux : « trois » ? 1 234"
    assert spaced(text) == text
    with speaking("fr", typeset=True):
        assert spaced(text) == (
            f"un{NARROW}; deux{NO_BREAK}: «{NO_BREAK}trois{NO_BREAK}»{NARROW}? 1{NARROW}234"
        )
    with speaking("en", typeset=True):
        assert spaced("one ; two") == "one ; two"


def test_the_terminal_speaks_french_unless_its_locale_asks_for_another() -> None:
    asked = {
        "": "fr", "C": "fr", "POSIX": "fr", "C.UTF-8": "fr", "fr_FR.UTF-8": "fr",
        "en_GB.UTF-8": "en", "en": "en", "en_US@euro": "en", "de_DE.UTF-8": "fr",
    }  # fmt: skip
    for locale, expected in asked.items():
        assert of_environment({"LANG": locale}) == expected, locale
    assert of_environment({}) == "fr"
    assert of_environment({"LANG": "fr_FR", "LC_ALL": "en_GB.UTF-8"}) == "en"
    assert of_environment({"LC_MESSAGES": "C", "LANG": "en_GB.UTF-8"}) == "fr"


def test_a_message_is_said_in_the_language_of_who_reads_it() -> None:
    late = Message("{n} sur {file}", n=1234.5, file="a.toml")
    assert str(late) == f"{late}" == "1 234,5 sur a.toml"
    with speaking("en"):
        assert str(late) == "1,234.5 sur a.toml"
    assert late == Message("{n} sur {file}", n=1234.5, file="a.toml") != Message("autre")
    assert eval(repr(late)) == late and len({late, late}) == 1


def test_a_finding_keeps_its_message_until_it_is_told() -> None:
    one = Finding("rule", "layer", "a", Message("{n} ici", n=1234))
    with speaking("en"):
        assert one.as_dict()["message"] == "1,234 ici"
    assert one.as_dict()["message"] == "1 234 ici"
    assert sorted([one, Finding("rule", "layer", "a", "0")])[1] == one


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_catalogue_is_stale_or_incomplete(language: str) -> None:
    def told(catalogue: translations.Catalog) -> dict[object, object]:
        plain = [(m.id, m.string) if isinstance(m.id, str) else (tuple(m.id), tuple(m.string))
                 for m in catalogue if m.id]  # fmt: skip
        return dict(plain)

    for domain in (
        (translations.PRODUCT, translations.ARGPARSE)
        if language == "fr"
        else (translations.PRODUCT,)
    ):
        standing = translations.read(language, domain)
        assert told(standing) == told(translations.updated(language, domain)), "stale: make words"
        assert [message.id for message in translations.lacking(standing)] == []
        with translations.place(language, domain).with_suffix(".mo").open("rb") as compiled:
            assert told(read_mo(compiled)) == told(standing), "stale: make words"


def test_a_translation_has_the_fields_of_its_sentence() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    def forms(texts: str | tuple[str, ...]) -> tuple[str, ...]:
        return (texts,) if isinstance(texts, str) else texts

    for message in translations.read("en", translations.PRODUCT):
        if message.id:
            expected = set().union(*map(fields, forms(message.id)))
            for text in forms(message.string):  # a singular may leave its number out
                assert expected - {"n"} <= fields(text) <= expected, message.id


@pytest.fixture
def occitan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the catalogues with a third language, which knows one sentence."""
    shutil.copytree(words.LOCALE, tmp_path / "locale", ignore=shutil.ignore_patterns("_*"))
    catalogue = translations.Catalog("oc")
    catalogue.add(("{n} ici", "{n} là"), string=("{n} aicí", "{n} ailà"))
    file = tmp_path / "locale" / "oc" / "LC_MESSAGES" / "geoguichet.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(translations.compiled(catalogue))
    monkeypatch.setattr(words, "LOCALE", tmp_path / "locale")
    for cache in (words.languages, words._catalogue):
        cache.cache_clear()
    yield file
    for cache in (words.languages, words._catalogue):
        cache.cache_clear()


def test_a_third_language_is_a_file(occitan: Path) -> None:
    assert words.languages() == ("fr", "en", "oc")
    assert of_environment({"LANG": "oc_FR.UTF-8"}) == "oc"
    with speaking("oc"):
        assert ngettext("{n} ici", "{n} là", 1) == "1 aicí"
        assert ngettext("{n} ici", "{n} là", 1234) == "1,234 ailà"
        assert _("rien encore") == "rien encore"
        assert day("2026-11-22").startswith("22") and listed(["a", "b"]) == "a e b"


# Costs carry their unit wherever they go.

EIGHT_KM, TWENTY_MIN = Cost(8000, Unit.METRES), Cost(1200, Unit.SECONDS)


def test_a_cost_is_a_number_among_numbers() -> None:
    assert EIGHT_KM == 8000 and EIGHT_KM / 1000 == 8.0 and hash(EIGHT_KM) == hash(8000.0)
    assert (np.array([7999.0, 8000.0, 8001.0]) <= EIGHT_KM).tolist() == [True, True, False]
    assert json.dumps(EIGHT_KM) == "8000.0"


def test_two_costs_are_equal_when_their_units_are_too() -> None:
    assert Cost(1200, Unit.SECONDS) == TWENTY_MIN != Cost(1200, Unit.METRES)
    assert Cost(1200, Unit.METRES) in {EIGHT_KM, Cost(1200, Unit.METRES)}


def test_a_copy_keeps_the_unit() -> None:
    for twin in (copy.deepcopy(TWENTY_MIN), pickle.loads(pickle.dumps(TWENTY_MIN))):
        assert twin == TWENTY_MIN and twin.unit is Unit.SECONDS


def test_the_unit_names_the_columns_and_the_words() -> None:
    assert [unit.column("slack") for unit in Unit] == ["slack_m", "slack_s"]
    assert (EIGHT_KM.told, TWENTY_MIN.told) == ("8 km", "20 min")


def test_a_time_leads_as_far_as_the_speed_allows() -> None:
    assert EIGHT_KM.metres_at(25.0) == 8000.0 and TWENTY_MIN.metres_at(25.0) == 30_000.0
