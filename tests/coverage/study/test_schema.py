"""A study goes to the text of a file and back without losing a key."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from geoguichet.coverage.study.schema import document_of
from geoguichet.coverage.study.study import parse_study, read_study
from geoguichet.floor.files import toml_text

ASKED: dict[str, Any] = {
    "study": {"id": "tout", "title": 'Dire « tout », "entre guillemets" \x7f\n\\', "visibility": ["200053791"]},
    "contact": {"email": "sig@region.example"},
    "territory": {"name": "Ici", "departements": ["09"], "epci": ["243100518"], "buffer": "12.5 km"},
    "data": {"source": "region.gpkg", "services": "guichets", "stops": "arrets"},
    "demand": {
        "groups": ["pop_65_plus"],
        "tolerance": "1234567 m",
        "cells": {"file": "c.csv", "crs": "EPSG:3035", "side": "200 m", "weight": "Ind"},
    },
    "router": {
        "kind": "road",
        "network": "r.roads",
        "closed": ["D918", {"road": "D1", "at": [0.145, 42.908], "within_m": 1500.0}],
    },
    "services": {
        "a": {"types": ["town_hall"], "within": "20 min", "open_at": "samedi 10h30"},
        "b": {"types": ["prefecture"], "within": "95 s", "open_at": "14/07/2026 9h", "label": "B"},
        "c": {"types": ["town_hall"], "within": "1.5 h", "unknown_hours": "open", "min_hours_per_week": 3},
    },
    "rule": {"all": ["a"], "at_least": 1, "of": ["b", "c"]},
    "legal": {"la_poste": "a"},
    "measures": {"kinds": ["2sfca"]},
    "zones": {"kind": "smooth", "min_area": "5 km2"},
    "extensions": {"need": "c", "budget": "1000000 EUR"},
    "changes": {"open": [{"type": "town_hall", "lon": 1.5, "lat": 43.0}], "hours": {"x y": "off"}, "close": ["z"]},
}  # fmt: skip
KIOSKS: list[dict[str, Any]] = [
    {"count": 3, "reach": "10 min", "floor": {"09": 1}, "weight": "pop_65_plus"},
    {"share": "95.5 %", "reach": "10 min", "site_cost": {"town_hall": "3000 EUR"}},
    {"budget": "2400000 EUR", "reach": "10 min", "site_cost": {"column": "prix"}},
    {"model": "p_median", "count": 3, "reach": "10 min", "use": {"uses_per_person": 0.00001}},
    {
        "model": "set_covering",
        "reach": "10 min",
        "user_side_cost": "10000 EUR",
        "programme": {
            "phases": [{"name": "2027", "budget": "80000 EUR"}],
            "shares": {"Région": "40 %", "État": "60 %"},
        },
        "reference": {"label": "Avant", "count": 8, "cost": "1 EUR"},
    },
]


@pytest.mark.parametrize("kiosks", [None, *KIOSKS])
def test_a_study_of_every_table_is_the_same_written_and_read_again(kiosks: Any) -> None:
    study = parse_study(ASKED | ({"kiosks": kiosks} if kiosks else {}))
    written = toml_text(document_of(study))
    assert parse_study(tomllib.loads(written)) == study
    assert toml_text(document_of(parse_study(tomllib.loads(written)))) == written


def test_the_shipped_studies_are_the_same_written_and_read_again() -> None:
    shipped = [
        one
        for one in (files("geoguichet.data") / "studies").iterdir()
        if one.name.endswith(".toml")
    ]
    assert len(shipped) == 3
    for one in shipped:
        study = read_study(one)  # type: ignore[arg-type]
        assert parse_study(tomllib.loads(toml_text(document_of(study)))) == study


def test_what_a_study_says_by_default_is_not_written_and_costs_are_as_people_say_them() -> None:
    told = document_of(parse_study(ASKED))
    needed = {"types": ["town_hall"], "within": "20 min", "open_at": "samedi 10 h 30"}
    assert told["services"]["a"] == {"label": "a", **needed}
    assert told["services"]["b"]["within"] == "95 s"
    assert "contact" in told and "at" not in told["demand"]
    assert next(iter(told)) == "study"
