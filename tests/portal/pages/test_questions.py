"""The fields of a form write the study file that they were filled from, and what is wrong with one is
said beside it.
"""

import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest

from geoguichet.coverage.holdings import Holdings, holdings
from geoguichet.coverage.study.schema import document_of
from geoguichet.coverage.study.study import parse_study
from geoguichet.floor.files import toml_text
from geoguichet.portal.pages import questions
from geoguichet.referentials.layers import sample_path


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    folder = tmp_path_factory.mktemp("vide")
    return holdings(sample_path(), name="Midi-Pyrénées", source="sample", folder=folder)


@pytest.mark.parametrize("name", ["visioguichets", "par-la-route", "regles-de-droit"])
def test_a_form_filled_from_a_study_asks_the_same_study(name: str, held: Holdings) -> None:
    file = files("geoguichet.data") / "studies" / f"{name}.toml"
    base = document_of(parse_study(tomllib.loads(file.read_text("utf-8"))))
    asked = questions.asked_in(questions.fields_of(base), base, held)
    assert asked.errors == {}
    told = {**asked.document, "study": {**asked.document["study"], "id": name}}
    assert parse_study(tomllib.loads(toml_text(told))) == parse_study(base)


def test_a_study_that_was_run_elsewhere_finds_its_files_in_the_workspace(held: Holdings) -> None:
    here = replace(held, source="../territoire.gpkg", networks=("../r.roads",), cells=("c.tif",))
    told = {"data": {"source": "territoire.gpkg"}, "router": {"network": "/ailleurs/r.roads"}}
    found = questions.relocated({**told, "demand": {"cells": {"file": "autre.tif"}}}, here)
    assert found["data"] == {"source": "../territoire.gpkg"}
    assert found["router"] == {"network": "../r.roads"}
    assert found["demand"] == {"cells": {"file": "autre.tif"}}
    assert questions.relocated({}, here) == {"data": {"source": "sample"}}, (
        "its own, not the region's"
    )


def test_the_first_question_is_one_that_runs(held: Holdings) -> None:
    base = questions.first_question(held)
    asked = questions.asked_in(questions.fields_of(base), base, held)
    assert asked.study is not None and asked.errors == {}
    assert asked.study.id == "midi-pyrenees-guichet-de-l-etat-25-km-mairie-8-km"
    assert asked.study.kiosks is not None and asked.study.kiosks.count == 20


@pytest.mark.parametrize(
    ("field", "value", "where", "step"),
    [
        ("b2.seuil", "huit", "b2.seuil", 2),
        ("b2.seuil", "", "b2.seuil", 2),
        ("b2.seuil", "-3", "b2.seuil", 2),
        ("b1.types", None, "b1.types", 2),
        ("b2.heures", "200", "b2.heures", 2),
        ("dep", None, "dep", 1),
        ("dep", "99", "dep", 1),
        ("voisins", "1e3", "voisins", 1),
        ("reseau", "../ailleurs.roads", "reseau", 1),
        ("carreaux", "/etc/passwd", "carreaux", 1),
        ("k", "5", "regle", 2),
        ("k", "1,5", "regle", 2),
        ("nombre", "0", "nombre", 3),
        ("nombre", "2,7", "nombre", 3),
        ("hotes", None, "hotes", 3),
        ("budget", "1", "budget", 3),
        ("visibilite", "123", "visibilite", 4),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_kept(
    field: str, value: str | None, where: str, step: int, held: Holdings
) -> None:
    base = questions.first_question(held)
    fields = questions.fields_of(base) | {"cout": ["10000"]}
    fields |= {field: [] if value is None else [value]}
    if field == "k":
        fields["regle"] = ["at_least"]
    asked = questions.asked_in(fields, base, held)
    assert [*asked.errors] == [where], asked.errors
    assert len(asked.errors[where].split(" ; ")) <= 2 and asked.errors[where]
    assert asked.wrong_step == step
    assert asked.fields == fields


def test_figures_are_read_as_the_french_write_them(held: Holdings) -> None:
    base = questions.first_question(held)
    fields = questions.fields_of(base) | {
        "b2.seuil": ["7,5"],
        "cout": ["10\N{NARROW NO-BREAK SPACE}000"],
    }
    asked = questions.asked_in(fields, base, held)
    assert asked.document["services"]["mairie"]["within"] == "7.5 km"
    assert asked.document["kiosks"]["user_side_cost"] == "10000 EUR"


def test_what_spoke_of_a_need_leaves_with_it_and_it_is_said(held: Holdings) -> None:
    file = files("geoguichet.data") / "studies" / "visioguichets.toml"
    base = document_of(parse_study(tomllib.loads(file.read_text("utf-8"))))
    fields = {k: v for k, v in questions.fields_of(base).items() if not k.startswith("b2.")}
    asked = questions.asked_in(fields, base, held)
    assert asked.study is not None and asked.study.extensions is None
    assert len(asked.dropped) == 1


def test_needs_of_one_name_have_two_keys_and_there_are_twelve_at_most(held: Holdings) -> None:
    base = questions.first_question(held)
    fields = questions.fields_of(base) | {
        f"b{n}.{end}": [value]
        for n in range(3, 30)
        for end, value in (("nom", "Kiosk"), ("types", "town_hall"), ("seuil", "3"))
    }
    asked = questions.asked_in(fields, base, held)
    assert asked.study is not None
    assert len({need.key for need in asked.study.needs}) == questions.MOST_NEEDS


def test_a_part_of_the_territory_is_called_by_its_departements(held: Holdings) -> None:
    base = questions.first_question(held)
    asked = questions.asked_in(questions.fields_of(base) | {"dep": ["09", "65"]}, base, held)
    assert asked.document["territory"]["name"] == "Ariège, Hautes-Pyrénées"
