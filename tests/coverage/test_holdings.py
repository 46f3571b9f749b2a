"""What a planner can ask of the data there are, and who a threshold leaves beyond it: what the study
itself finds.
"""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from geoguichet.coverage.holdings import BARS, can_count, head_count, holdings
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.study.study import Rule, Study, parse_study, read_study
from geoguichet.floor.words import Cost, Unit
from geoguichet.referentials.layers import sample_path


def asked(**tables: object) -> Study:
    return parse_study(
        {
            "study": {"id": "essai", "title": "Essai"},
            "territory": {"name": "Ici", "departements": ["09", "65"], "buffer": "40 km"},
            "services": {
                "etat": {"types": ["prefecture", "sous_prefecture"], "within": "25 km"},
                "mairie": {"types": ["town_hall"], "within": "5 km", "min_hours_per_week": 20},
            },
            "rule": {"all": ["etat", "mairie"]},
            **tables,
        }
    )


@pytest.mark.parametrize(
    "rule",
    [{"all": ["etat", "mairie"]}, {"any": ["etat", "mairie"]}, {"at_least": 1, "of": ["mairie"]}],
)
def test_who_is_counted_before_a_study_is_who_the_study_finds(rule: dict[str, object]) -> None:
    study = asked(rule=rule)
    found = find_white_zones(study).summary.to_dict("records")[-1]
    told = head_count(study)
    assert (told.people, told.unserved, told.undecided) == (
        found["people"], found["white_before"], found["undecided"],
    )  # fmt: skip
    assert told.points == 325 + 469


def test_a_threshold_that_changes_is_counted_from_the_same_distances() -> None:
    study = asked()
    mairie = study.need("mairie")
    wide = replace(study, needs=(study.needs[0], replace(mairie, within=Cost(6000.0, Unit.METRES))))
    near, far = head_count(study).needs[1], head_count(wide).needs[1]
    assert near.beyond > far.beyond > 0
    assert near.aside[1] == (6000.0, far.beyond)
    alone = replace(study, needs=(mairie,), rule=Rule("all", 1, ("mairie",)))
    assert near.beyond == head_count(alone).unserved + head_count(alone).undecided
    assert len(near.bars) == BARS and sum(near.bars[BARS // 2 :]) <= near.beyond
    assert 0 < near.counted < near.of


def test_what_is_there_is_told_with_its_numbers_and_what_is_not_with_none(tmp_path: Path) -> None:
    here, beyond = tmp_path / "ici", tmp_path / "ailleurs.roads"
    here.mkdir()
    for name in ("a.roads", "carreaux.tif", "autre.txt", "x.osm.pbf", "y.osm.bz2"):
        (here / name).touch()
    beyond.touch()
    (here / "lien.roads").symlink_to(beyond)
    held = holdings(sample_path(), name="MP", source="sample", folder=here)
    by_type = {one.type: one for one in held.services}
    assert (by_type["town_hall"].count, by_type["town_hall"].inside) == (5102, 2944)
    assert by_type["france_services"].count == 0
    assert held.present == ("town_hall", "town_hall_annex", "prefecture", "sous_prefecture")
    assert [area.code for area in held.areas] == ["09", "12", "31", "32", "46", "65", "81", "82"]
    assert sum(area.communes for area in held.areas) == 2944
    assert held.networks == ("a.roads",), "not what a link leads out to"
    assert held.extracts == ("x.osm.pbf", "y.osm.bz2")
    assert held.cells == ("carreaux.tif",)


def test_the_inputs_of_a_process_tell_what_is_there(tmp_path: Path) -> None:
    held = holdings(sample_path(), name="MP", source="sample", folder=tmp_path)
    need = {"properties": {"types": {"items": {"type": "string"}}, "label": {}}}
    inputs = {
        "services": {"patternProperties": {".*": need}},
        "kiosks": {"anyOf": [{"properties": {"candidates": {"items": {}}}}, {"properties": {}}]},
        "router": {"properties": {"network": {"type": "string"}}},
        "rule": {},
    }
    told = held.told_in(inputs)
    types = told["services"]["patternProperties"][".*"]["properties"]["types"]
    assert types["items"] == {"type": "string", "examples": [*held.present]}
    assert told["kiosks"]["anyOf"][0]["properties"]["candidates"]["items"]["examples"] == [
        *held.hosts
    ]
    assert told["router"] == inputs["router"], "there is no network"
    assert "examples" not in str(inputs)


def test_people_are_not_counted_by_road_nor_by_cells() -> None:
    by_road = asked(router={"kind": "road", "network": "r.roads", "metric": "length"})
    assert can_count(asked()) and not can_count(by_road)
    shipped = read_study(Path(str(files("geoguichet.data") / "studies" / "visioguichets.toml")))
    assert can_count(shipped)
