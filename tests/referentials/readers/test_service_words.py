"""Words that say nothing, yes and no, and those that nobody knows."""

from pathlib import Path

import pandas as pd
import pytest

from geoguichet.floor.words import speaking
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.readers.column_names import parse_mapping, type_of_label
from geoguichet.referentials.readers.column_tables import read_chunks
from geoguichet.referentials.readers.service_words import VOCABULARIES, translated


def read(path: Path, text: str, mapping: dict | None = None) -> Reading:
    path.write_text(text, encoding="utf-8")
    return join_readings(read_chunks(path, mapping=parse_mapping(mapping or {})))


def told(reading: Reading, rule: str) -> list[tuple[str, str]]:
    return [(each.column, str(each.message)) for each in reading.findings if each.rule == rule]


@pytest.mark.parametrize("word", ["null", "NULL", "Null", "NaN", "nan", "None", "#N/A", "(null)"])
def test_a_word_for_nothing_is_nothing_and_told(tmp_path: Path, word: str) -> None:
    reading = read(
        tmp_path / "a.csv",
        "id;nom;type;adresse;telephone;lat;lon\n"
        f"1;Poste A;{word};{word};{word};42.9661;1.6051\n"
        "2;Null Part;bureau de poste;1 rue Nan;0500000000;42.9671;1.6061\n",
    )
    first, second = reading.rows.itertuples()
    assert (first.address, first.telephone, first.category) == (None, None, None)
    assert (second.name, second.address, second.type) == ("Null Part", "1 rue Nan", "post_office")
    assert [column for column, _ in told(reading, "null-word")] == ["type", "adresse", "telephone"]
    assert all(
        f"1 cellule(s) où est écrit « {word} »" in text for _, text in told(reading, "null-word")
    )


def test_a_word_for_nothing_among_hours_is_a_closed_day(tmp_path: Path) -> None:
    reading = read(
        tmp_path / "a.csv",
        "id;nom;type;lat;lon;lundi;mardi;mercredi;jeudi;vendredi;samedi;dimanche\n"
        "1;A;mairie;42.9;1.6;9h-12h;NaN;9h-12h;NaN;NaN;NaN;NaN\n",
    )
    assert reading.rows["hours"].tolist() == ["Mo 09:00-12:00; We 09:00-12:00"]
    assert not told(reading, "unreadable-hours")


def test_what_is_told_of_words_is_told_in_english_too(tmp_path: Path) -> None:
    reading = read(
        tmp_path / "a.csv",
        "id;nom;type;accessibilite;adresse;lat;lon\n1;A;mairie;rampe;null;42.9;1.6\n",
    )
    with speaking("en"):
        assert told(reading, "unknown-word") == [
            (
                "accessibilite",
                "1 row(s) of a word that is not known: « rampe » (1); taken as unknown.",
            )
        ]
        assert told(reading, "null-word") == [
            ("adresse", "1 cell(s) where “null” is written: read as empty.")
        ]


def test_a_default_is_for_the_rows_that_say_nothing(tmp_path: Path) -> None:
    mapping = {"columns": {"category": "nature"}, "defaults": {"type": "post_office"}}
    reading = read(
        tmp_path / "a.csv",
        "id;nom;nature;lat;lon\n1;A;AGENCE POSTALE COMMUNALE;42.9;1.6\n2;B;RELAIS COMMERCANT;42.9;1.6\n"
        "3;C;;42.9;1.6\n4;D;null;42.9;1.6\n5;E;Piscine;42.9;1.6\n",
        mapping,
    )
    types = ["post_agency", "post_relay", "post_office", "post_office", "other_service"]
    assert reading.rows["type"].tolist() == types
    ((_, message),) = told(reading, "unknown-type")
    assert "1 ligne(s) de la catégorie « Piscine »" in message


@pytest.mark.parametrize(
    "column",
    ["CARACTERISTIQUE DU SITE", "Caractéristique_du_site", "Nature du site", "Type de structure"],
)
def test_the_kind_of_a_counter_in_a_column_of_its_own(tmp_path: Path, column: str) -> None:
    reading = read(
        tmp_path / "a.csv",
        f"id;nom;{column};Latitude;Longitude\n1;A;Bureau de poste;42.9;1.6\n2;B;Agence postale;42.9;1.6\n",
    )
    assert reading.rows["type"].tolist() == ["post_office", "post_agency"]


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("oui", "yes"), ("OUI", "yes"), ("X", "yes"), ("Vrai", "yes"), ("1", "yes"), ("T", "yes"),
        ("non", "no"), ("Faux", "no"), ("0", "no"), ("non accessible", "no"), ("F", "no"),
        ("partiel", "limited"), ("Partiellement", "limited"), ("", "unknown"), ("rampe", "unknown"),
    ],
)  # fmt: skip
def test_yes_and_no_as_lists_write_them(word: str, ours: str) -> None:
    assert translated(pd.Series([word]), VOCABULARIES["wheelchair"]).tolist() == [ours]


def test_words_that_are_not_known_are_counted_and_named(tmp_path: Path) -> None:
    reading = read(
        tmp_path / "a.csv",
        "id;nom;type;accessibilite;lat;lon\n1;A;mairie;rampe;42.9;1.6\n2;B;mairie;rampe;42.9;1.6\n"
        "3;C;mairie;oui;42.9;1.6\n4;D;mairie;selon les jours;42.9;1.6\n5;E;mairie;;42.9;1.6\n",
    )
    assert reading.rows["wheelchair"].tolist() == [
        "unknown",
        "unknown",
        "yes",
        "unknown",
        "unknown",
    ]
    ((column, message),) = told(reading, "unknown-word")
    assert column == "accessibilite"
    assert message.startswith("3 ligne(s)") and "« rampe » (2), « selon les jours » (1)" in message


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("RELAIS COMMERCANT", "post_relay"),
        ("Relais Poste Commerçant", "post_relay"),
        ("AGENCE POSTALE COMMNUNALE", "post_agency"),
        ("A.P.C", None),
    ],
)
def test_words_of_posts(word: str, key: str | None) -> None:
    assert type_of_label(word) == key
