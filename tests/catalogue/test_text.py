import doctest
import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.catalogue import record, text
from geoguichet.catalogue.search import cql2, query, store
from geoguichet.floor.words import unheaped


@pytest.mark.parametrize("module", [text, record, query, store])
def test_docstrings_are_true(module) -> None:
    found = doctest.DocTestFinder().find(module)
    # Those that follow another name's example are run after it by tests/test_public.py.
    alone = [one for one in found if "After the example of" not in (one.docstring or "")]
    runner = doctest.DocTestRunner()
    assert not any(runner.run(one).failed for one in alone) and runner.tries


@given(st.text())
def test_folding_twice_changes_nothing(anything: str) -> None:
    assert text.fold(text.fold(anything)) == text.fold(anything)


@given(st.text())
def test_stems_ignore_accents_and_case(anything: str) -> None:
    assert text.stems(text.fold(anything)) == text.stems(anything)


@pytest.mark.parametrize(
    "unit",
    [
        "é",
        "é'",
        "d'",
        "_é",
        "qué",
        "a\u0301\u0327",
        "\u0301\u0327",
        "\uff9e\u0301",
        "\u0f73",
        "rivière ",
    ],
)
def test_the_time_of_a_text_grows_with_its_length_and_not_with_its_square(unit: str) -> None:
    hostile = (unit * 400_000)[:400_000]
    started = time.perf_counter()
    text.stems(hostile)
    cql2.accenti(hostile), cql2.casei(hostile)
    assert time.perf_counter() - started < 10  # minutes, if each letter walks the word again


def test_whatever_can_be_heaped_up_is_seen_as_a_mark() -> None:
    every = map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1)))
    heaping = [one for one in every if unicodedata.combining(unicodedata.normalize("NFKD", one)[0])]
    assert len(heaping) > 900
    assert not unheaped("".join(heaping))
    assert all(unheaped(f"e{one * 30}").startswith(f"e{one}") for one in heaping)


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("foret", "forêts"),
        ("FORÊT", "forets"),
        ("biodiversite", "biodiversité"),
        ("inondation", "Inondations"),
        ("riviere", "rivières"),
        ("securite", "sécurité"),
        ("eau", "l'eau"),
        ("eau", "l’eau"),
        ("Etat", "de l'État"),
        ("oeuvre", "œuvres"),
        ("ecole", "d'écoles"),
        ("communal", "communes"),
        ("commune", "Communaux"),
        ("forestière", "forêts"),
        ("emplois", "l'emploi"),
        ("vélo", "vélos"),
        ("loi", "Lois"),
        ("départementales", "départements"),
        ("tourisme", "touristiques"),
    ],
)
def test_what_an_officer_types_is_found(asked: str, written: str) -> None:
    assert text.stems(asked)[-1] == text.stems(written)[-1]


def test_a_token_stands_for_one_exact_value() -> None:
    assert (
        text.token("type", "dataset")
        != text.token("type", "Dataset")
        != text.token("keyword", "Dataset")
    )
    assert text.token("type", "un type — à part").isalnum()


def test_articles_and_prepositions_are_passed_over() -> None:
    assert (
        text.stems("qualité eau")
        == text.stems("la qualité de l'eau")
        == text.stems("qualite des eaux")
    )
    assert text.stems("de la") == ()
    assert text.stems("plus") != text.stems("PLU")


def test_derivations_join_no_stranger() -> None:
    nouns = [text.stems(noun)[-1] for noun in text.DERIVED]
    assert len(set(nouns)) == len(nouns)
    assert text.stems("communauté") != text.stems("commune")


@given(st.text(alphabet="aàâçéÈÊëîïôöùûüÿœŒæÆ'’l dqu°€…«»-_1"))
def test_words_folded_one_by_one_are_those_of_the_folded_text(anything: str) -> None:
    assert text.stems(anything) == tuple(filter(None, map(text._stem, text.words(anything))))
