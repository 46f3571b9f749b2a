"""What may be given to a comparison, as written on the command line."""

from pathlib import Path

import pytest

from geoguichet.coverage.compare import compare, opening
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.floor.words import Cost, Unit


def test_one_study_and_what_changes(small_path: Path) -> None:
    found = compare(
        small_path,
        None,
        close=["sous-prefecture-092"],
        hours=["mairie-09122=off"],
        within=["etat=30 km"],
    )
    assert not found.before.kiosks and not found.after.kiosks
    assert found.after.study.need("etat").within == Cost(
        30_000, Unit.METRES
    ) and found.before.study.need("etat").within == Cost(25_000, Unit.METRES)
    assert found.total["farther"] > 0


def test_a_folder_against_its_study(
    small_path: Path, small: CoverageResult, tmp_path: Path
) -> None:
    write_all(small, tmp_path / "petite")
    found = compare(tmp_path / "petite", small_path)
    assert (
        found.before.kiosks
        and found.after.kiosks
        and found.total["gained"] == found.total["lost"] == 0
    )
    assert small.plan is not None
    assert (
        compare(tmp_path / "petite", small_path, kiosks="after").total["gained"] == small.plan.value
    )


def test_kiosks_stay_where_they_are_when_a_counter_closes(
    small_path: Path, small: CoverageResult
) -> None:
    found = compare(small_path, None, close=["sous-prefecture-092"], kiosks="both")
    assert (
        set(found.after.plan_hosts) == set(small.kiosks["host_id"]) and found.total["gained"] == 0
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "rien à quoi comparer.*--close"),
        ({"within": ["etat"]}, "--within : NOM=VALEUR"),
        (
            {"within": ["etat=loin"]},
            '--within, clé « etat » : un nombre suivi de son unité.*essayez : etat = "8 km"',
        ),
        ({"within": ["poste=8 km"]}, "besoin 'poste' est inconnu"),
        ({"open_": ["mairie,1,43"]}, "'mairie' est inconnu ; essayez : "),
        ({"open_": ["town_hall,ici,43"]}, "TYPE,LON,LAT"),
        ({"open_": ["town_hall"]}, "TYPE,LON,LAT"),
    ],
)
def test_what_cannot_be_read_is_refused(small_path: Path, options: dict, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        compare(small_path, None, **options)


def test_a_result_is_not_changed(small: CoverageResult, tmp_path: Path) -> None:
    write_all(small, tmp_path / "petite")
    with pytest.raises(StudyError, match=r"donnez le fichier \.toml"):
        compare(tmp_path / "petite", None, close=["x"])


def test_hours_may_hold_commas() -> None:
    assert (
        opening("town_hall,1.6,43,Mo 09:00-12:00,14:00-17:00").hours == "Mo 09:00-12:00,14:00-17:00"
    )
    assert opening("town_hall,1.6,43").hours == ""


def test_kiosks_of_any_model_are_kept_where_they_are(small_path: Path, tmp_path: Path) -> None:
    text = small_path.read_text(encoding="utf-8").replace(
        "count = 3\n", 'model = "set_covering"\nspacing = "1 km"\n'
    )
    study = tmp_path / "tous.toml"
    study.write_text(
        text.replace('"ariege.gpkg"', f'"{small_path.parent / "ariege.gpkg"}"'), encoding="utf-8"
    )
    change = compare(study, None, close=["sous-prefecture-092"], kiosks="both")
    kept = change.after.study.kiosks
    assert (
        kept is not None
        and kept.required == change.before.plan_hosts
        and kept.count == len(kept.required)
    )
    assert change.after.plan_hosts and set(change.after.plan_hosts) == set(kept.required)
