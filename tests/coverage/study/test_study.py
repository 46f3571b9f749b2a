"""A study file is read once, checked, and refused in one sentence that names file and key."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from geoguichet.cli import main
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.study.schema import key_table, study_schema
from geoguichet.coverage.study.study import Study, parse_study, read_study
from geoguichet.floor.words import speaking

DEMO = tomllib.loads(
    (files("geoguichet.data") / "studies" / "visioguichets.toml").read_text(encoding="utf-8")
)


def changed(path: str, value: Any) -> dict[str, Any]:
    document = tomllib.loads(
        (files("geoguichet.data") / "studies" / "visioguichets.toml").read_text(encoding="utf-8")
    )
    *tables, key = path.split(".")
    table = document
    for name in tables:
        table = table[name]
    if value is None:
        del table[key]
    else:
        table[key] = value
    return document


def test_the_shipped_study_is_the_historical_deployment() -> None:
    study = parse_study(DEMO)
    assert isinstance(study, Study) and study.kiosks is not None
    assert study.territory.departements == ("09", "12", "31", "32", "46", "65", "81", "82")
    assert [(need.key, need.within, need.min_hours_per_week) for need in study.needs] == [
        ("etat", 25_000.0, None),
        ("mairie", 8_000.0, 28.0),
    ]
    assert (study.rule.kind, study.rule.k) == ("all", 2)
    assert (study.kiosks.count, study.kiosks.reach, study.kiosks.experts_eur) == (
        80,
        8_000.0,
        119_000.0,
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("services.etat.types", ["prefectures"], '"prefecture"'),
        ("services.etat.within", "0 km", "supérieure à zéro"),
        ("services.etat.within", "25", "suivi de son unité"),
        ("services.etat.within", 25, "suivi de son unité"),
        ("services.etat.within", "25 min", "suivi de son unité"),
        ("services.etat.within", None, "manque"),
        ("services.mairie.min_hours_per_week", 200, "de 0 à 168"),
        ("services.mairie.withing", "8 km", "inconnue ; essayez : within"),
        ("services", {}, "au moins un service"),
        ("rule.all", ["etat", "mairies"], '"mairie"'),
        ("rule", {"all": ["etat"], "any": ["etat"]}, "une seule clé"),
        ("rule", {"at_least": 3}, "de 1 à 2"),
        ("kiosks.count", 0, "de 1 à 100000"),
        ("kiosks.count", True, "un entier"),
        ("kiosks.budget", "1000 EUR", "plus que le budget"),
        ("kiosks.gap", 2, "de 0 à 1"),
        ("kiosks.required", ["09001", "09001"], "deux fois"),
        ("kiosks.excluded", "09001", "une liste"),
        ("kiosks.candidates", ["mairie"], "l'une des valeurs connues"),
        ("study.id", "Été 2026", "sans accent ni espace"),
        ("study.id", "../elsewhere", "sans accent ni espace"),
        ("study.language", "de", "inconnu"),
        ("study.title", "", "un texte"),
        ("demand", "communes", "une table"),
        ("territory.departements", [], "une liste"),
        ("routage", {}, "inconnue"),
        ("services.slack", {"types": ["town_hall"], "within": "8 km"}, "réservé"),
        ("territory.departements", 31, "une liste"),
        ("territory.departements", {"31": 1}, "une liste"),
        ("territory.buffer", "99999 km", "sur la Terre"),
        ("services.etat.within", "1" + " " * 60_000 + "!", "suivi de son unité"),
        ("rule", {"at_least": 1, "of": []}, "au moins un besoin"),
    ],
)
def test_a_wrong_key_is_named(key: str, value: Any, said: str) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study(changed(key, value), path=Path("etude.toml"))
    message = str(refused.value)
    assert message.startswith("etude.toml, clé « ") and said in message and "\n" not in message
    assert key.split(".")[0] in message


def test_required_and_excluded_may_not_meet() -> None:
    document = changed("kiosks.required", ["09001"])
    document["kiosks"]["excluded"] = ["09001"]
    with pytest.raises(StudyError, match="aussi dans required"):
        parse_study(document)


@pytest.mark.parametrize(
    ("text", "metres"),
    [("8 km", 8000.0), ("8km", 8000.0), ("8,5 km", 8500.0), ("1 200 m", 1200.0), ("0.5 km", 500.0)],
)
def test_lengths_are_read_as_people_write_them(text: str, metres: float) -> None:
    assert parse_study(changed("services.etat.within", text)).need("etat").within == metres


def test_kiosks_are_optional() -> None:
    document = dict(DEMO)
    del document["kiosks"]
    assert parse_study(document).kiosks is None


def test_files_that_are_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="n'existe pas ; « geoguichet coverage init"):
        read_study(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("[study\nid=", encoding="utf-8")
    with pytest.raises(StudyError, match="pas du TOML valide"):
        read_study(tmp_path / "bad.toml")
    (tmp_path / "latin1.toml").write_bytes("[study]\ntitle = 'Été'".encode("latin-1"))
    with pytest.raises(StudyError, match="UTF-8"):
        read_study(tmp_path / "latin1.toml")
    with pytest.raises(StudyError, match="illisible"):
        read_study(tmp_path)


def test_a_rule_may_be_mandatory_plus_optional() -> None:
    document = changed("rule", {"all": ["etat"], "at_least": 1, "of": ["mairie"]})
    rule = parse_study(document).rule
    assert (rule.kind, rule.k, rule.required, rule.needs) == (
        "all_and_at_least",
        1,
        ("etat",),
        ("mairie",),
    )
    assert rule.every == ("etat", "mairie")
    assert parse_study(changed("rule", {"all": ["etat"], "at_least": 1})).rule.needs == (
        "mairie",
    ), "of the others"
    for wrong, said in (
        ({"all": ["etat"], "at_least": 1, "of": ["etat"]}, "déjà dans all"),
        ({"all": ["etat", "mairie"], "at_least": 1}, "au moins un besoin"),
        ({"all": ["etat"], "at_least": 2}, "de 1 à 1"),
        ({"all": ["etat"], "any": ["mairie"], "at_least": 1}, "une seule clé"),
    ):
        with pytest.raises(StudyError, match=said):
            parse_study(changed("rule", wrong))


def test_what_a_manifest_holds_comes_back() -> None:
    from geoguichet.coverage.manifest import study_of, study_parameters

    document = changed("services.mairie.open_at", "samedi 10h")
    document["demand"]["cells"] = {"file": "grille.tif"}
    document["legal"] = {"la_poste": "mairie"}
    document["measures"] = {"kinds": ["2sfca"]}
    document["rule"] = {"all": ["etat"], "at_least": 1}
    study = parse_study(document)
    assert study_of(json.loads(json.dumps(study_parameters(study)))) == study


def test_the_study_of_the_rules_of_law_is_shipped() -> None:
    study = read_study(Path(str(files("geoguichet.data") / "studies" / "regles-de-droit.toml")))
    assert [(choice.rule, choice.need) for choice in study.legal] == [
        ("la_poste", "poste"),
        ("france_services_30", "france_services"),
        ("france_services_20", "france_services"),
    ]
    assert study.rule.kind == "all_and_at_least" and str(study.needs[2].open_at) == "samedi 10 h"
    assert study.measures is not None and study.unit == "s" and study.kiosks is None


def test_a_study_may_be_dated() -> None:
    dated = {**DEMO, "study": {**DEMO["study"], "date": "2026-11-22"}}
    assert parse_study(dated).date == "2026-11-22"
    with pytest.raises(StudyError, match=r"study.date.*'hier'"):
        parse_study({**DEMO, "study": {**DEMO["study"], "date": "hier"}})


def test_every_example_of_the_template_is_a_key() -> None:
    """A planner who takes the ``#`` away from an example has a study that reads."""
    text = (files("geoguichet.data") / "studies" / "visioguichets.toml").read_text(encoding="utf-8")
    examples = re.findall(r"^# ((?:\[[a-z.]+\]|[a-z_0-9]+ = \S.*))$", text, flags=re.MULTILINE)
    assert {"[demand.cells]", "[legal]", "[measures]"} <= set(examples) and len(examples) > 15
    other_question = ("share", "model")
    for example in examples:
        if example.startswith(other_question):
            continue
        text = text.replace(f"# {example}", example)
    study = parse_study(tomllib.loads(text))
    assert (
        study.demand.cells is not None
        and study.legal
        and study.measures is not None
        and study.kiosks is not None
    )
    assert (
        str(study.need("mairie").open_at)
        and study.kiosks.hours_count
        and study.kiosks.one_per == "epci"
    )
    fewest = re.sub(
        r"^count = 80$|^weight = \"pop_65_plus\".*$", "", text, count=2, flags=re.MULTILINE
    )
    fewest = fewest.replace("# share = ", "share = ")
    assert parse_study(tomllib.loads(fewest)).kiosks is not None


def test_every_key_is_in_the_guide() -> None:
    """The planner's guide has the table of every key that a study reads, as the declaration has
    it; when this fails, put what ``geoguichet --lang en coverage schema --markdown`` writes there.
    """
    guide = (Path(__file__).parents[3] / "docs" / "planning.md").read_text(encoding="utf-8")
    with speaking("en"):
        assert key_table() in guide
    told: dict[str, set[str]] = {}
    for name, keys in re.findall(r"^\| `\[+([\w.]+)\]+` \| ([^|]*) \|", guide, flags=re.MULTILINE):
        told.setdefault(name, set()).update(re.findall(r"`(\w+)`", keys))
    assert told["services.NAME"] >= {"types", "within", "open_at"} and "lon" in told["changes.open"]
    assert told["kiosks"] >= {"count", "share", "second", "farthest", "site_cost", "broadband"}
    assert told["legal"] == {"la_poste", "france_services_30", "france_services_20"}


SHIPPED = sorted(Path(str(files("geoguichet.data") / "studies")).glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_takes_the_studies_that_are_shipped(path: Path) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    document["study"].pop("date", None)  # a day of TOML, which JSON has not
    schema = study_schema()
    jsonschema.validate(document, schema)
    for wrong in (
        {"within": "vite"},
        {"within": 25},
        {"withing": "8 km"},
        {"types": ["prefectures"]},
    ):
        need = next(iter(document["services"].values()))
        changed = {**document, "services": {"un": {**need, **wrong}}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed, schema)


def test_the_schema_tells_units_descriptions_and_models() -> None:
    schema = study_schema()
    demand = schema["$defs"]["DemandChoice"]["properties"]["tolerance"]
    assert demand["x-units"] == ["m", "km"] and demand["default"] == "3000 m"
    assert next(iter(schema["properties"])) == "study"

    def described(told: dict[str, Any]) -> bool:
        return all("description" in one for one in told.get("properties", {}).values())

    assert described(schema) and all(described(one) for one in schema["$defs"].values())
    models = {
        one["properties"]["model"]["const"]: set(one["properties"])
        for name, one in schema["$defs"].items()
        if "model" in one["properties"]
    }
    assert set(models) == {"maximal_covering", "set_covering", "backup", "p_median", "p_center"}
    assert {"count", "farthest"} <= models["p_center"] and "weight" not in models["p_center"]
    assert "second" in models["backup"] and "count" not in models["set_covering"]


@pytest.mark.parametrize(
    ("kiosks", "fits"),
    [
        ({"count": 3}, True),
        ({"model": "p_median", "count": 3, "farthest": "9 km"}, True),
        ({"share": "95 %"}, True),
        ({"budget": "9 kEUR", "site_cost": {"column": "price"}}, True),
        ({"budget": "9 kEUR", "site_cost": {"town_hall": "1 kEUR"}}, True),
        ({}, False),
        ({"count": 3, "second": 0.3}, False),
        ({"model": "p_median"}, False),
        ({"model": "set_covering", "count": 3}, False),
    ],
)
def test_the_schema_and_the_reader_agree_on_kiosks(kiosks: dict[str, Any], fits: bool) -> None:
    document = {**DEMO, "kiosks": {"reach": "8 km", **kiosks}}
    document["study"] = {key: value for key, value in DEMO["study"].items() if key != "date"}
    assert jsonschema.Draft202012Validator(study_schema()).is_valid(document) == fits
    if fits:
        assert parse_study(document).kiosks is not None
    else:
        with pytest.raises(StudyError, match="kiosks"):
            parse_study(document)


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == study_schema()
    assert main(["--lang", "en", "coverage", "schema", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| table | key | what it takes |")


def test_a_misspelt_key_is_told_before_the_one_it_stands_for() -> None:
    document = changed("study.title", None)
    document["study"]["titel"] = "Une étude"
    with pytest.raises(
        StudyError, match=r"« study\.titel » : cette clé est inconnue ; essayez : title"
    ):
        parse_study(document)


def test_a_key_that_the_root_of_the_file_lacks_is_asked_for_there() -> None:
    with pytest.raises(StudyError, match="ajoutez territory = … dans la racine du fichier"):
        parse_study({})
