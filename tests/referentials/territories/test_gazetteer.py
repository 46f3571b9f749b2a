"""Communes found by their names as people type them."""

import pytest

from geoguichet.referentials.territories.gazetteer import Commune, find_communes, plain, resembling

COMMUNES = [
    Commune(code, name, departement, population, plain(name))
    for code, name, departement, population in (
        ("09122", "Foix", "09", 9_600),
        ("09261", "Saint-Girons", "09", 6_200),
        ("09269", "Saint-Martin-de-Caralp", "09", 350),
        ("32389", "Saint-Martin", "32", 430),
        ("65392", "Saint-Martin", "65", 420),
        ("31106", "L'Œuvre-d'Ax", "31", 10),
        ("12202", "Rodez", "12", 24_000),
    )
]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("foix", ["09122"]),
        ("09122", ["09122"]),
        ("st girons", ["09261"]),
        ("SAINT-GIR", ["09261"]),
        ("saint martin", ["32389", "65392"]),
        ("Saint-Martin (65)", ["65392"]),
        ("saint-martin, 09", ["09269"]),
        ("caralp", ["09269"]),
        ("l’oeuvre d'ax", ["31106"]),
        ("ode", ["12202"]),
        ("paris", []),
        ("", []),
        ("?", []),
    ],
)
def test_from_the_strictest_to_the_loosest(text: str, codes: list[str]) -> None:
    assert [each.code for each in find_communes(COMMUNES, text)] == codes


def test_every_commune_answers_to_its_own_name() -> None:
    for name in (each.name for each in COMMUNES):
        assert name in {each.name for each in find_communes(COMMUNES, name)}
        assert name in {each.name for each in find_communes(COMMUNES, plain(name).upper())}


def test_a_slip_is_met_with_what_it_resembles() -> None:
    assert resembling(COMMUNES, "rodes") == ["Rodez"]
