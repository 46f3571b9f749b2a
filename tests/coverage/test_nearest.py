"""The index beside a result, against the study asked again."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from geoguichet.coverage import nearest, orientation
from geoguichet.coverage.errors import OrientationError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.orientation import KIOSK, Directory
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.referentials.directory.hours import Moment
from geoguichet.referentials.directory.services import NEEDS, SERVICE_TYPES

MOMENTS = [None, "mardi 10h30", "samedi 10h", "dimanche 3h", "14/07/2026 10h"]


@pytest.fixture(scope="module")
def workspace(small: CoverageResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("ws")
    write_all(small, workspace / "studies" / small.study.id)
    return workspace


@pytest.fixture(scope="module")
def directory(small: CoverageResult, small_path: Path, workspace: Path) -> Directory:
    folder = workspace / "studies" / small.study.id
    directory = orientation.open_directory(small.study, folder)
    orientation.keep_index(directory, small_path, workspace, folder)
    return directory


def by_study(directory: Directory, place: str, what: str, at: Moment | None, k: int) -> object:
    try:
        here = orientation.find_place(directory, place)
        found = orientation.nearest_counters(directory, here, what, at=at, k=k)
    except OrientationError as error:
        return str(error)
    return here.name, orientation.features(found, directory.study.unit)


def by_index(
    study: Path, workspace: Path, place: str, what: str, at: Moment | None, k: int
) -> object:
    try:
        told = nearest.answer(study, workspace, place, what, at=at, k=k)
    except OrientationError as error:
        return str(error)
    return None if told is None else (told.place, told.features)


def test_fifty_places_are_told_the_same(
    directory: Directory, small_path: Path, workspace: Path
) -> None:
    dice = random.Random(15)
    communes = directory.territory.communes
    west, south, east, north = directory.territory.boundary.bounds
    whats = ["etat", "mairie", "town_hall", "prefecture", "mairi", "carte d'identité", "gendarmes"]
    silent = 0
    for number in range(50):
        place = (
            f"{dice.uniform(west, east):.5f},{dice.uniform(south, north):.5f}"
            if number % 3 == 0
            else dice.choice([*communes["name"], *communes["code"]])
        )
        text = dice.choice(MOMENTS)
        asked = place, dice.choice(whats), text and Moment.parse(text), dice.choice([1, 3, 7, 500])
        told = by_index(small_path, workspace, *asked)
        silent += told is None
        assert told is None or told == by_study(directory, *asked), asked
    assert silent < 15


def test_each_errand_is_told_the_same(
    directory: Directory, small_path: Path, workspace: Path
) -> None:
    for what in [
        *NEEDS,
        *SERVICE_TYPES,
        *(need.label_fr for need in NEEDS.values()),
        "carte",
        "xx",
    ]:
        asked = "Foix", what, None, 3
        told, right = by_index(small_path, workspace, *asked), by_study(directory, *asked)
        assert told == right or (told is None and str(right).startswith("aucun guichet")), what


@pytest.mark.parametrize("place", ["saint", "Fox", "xxxxxxxx", "st girons", "Foix (09)", " "])
def test_places_are_understood_the_same(
    directory: Directory, small_path: Path, workspace: Path, place: str
) -> None:
    asked = place, "mairie", None, 3
    assert by_index(small_path, workspace, *asked) == by_study(directory, *asked)


def test_a_proposed_kiosk_is_never_told_as_open(
    directory: Directory, small_path: Path, workspace: Path
) -> None:
    at = Moment.parse("mardi 10h")
    told = nearest.answer(small_path, workspace, "Foix", "etat", at=at, k=400)
    assert told is not None and told.with_kiosks
    rows = [each["properties"] for each in told.features]
    assert {row["opening"] for row in rows if row["type"] == KIOSK} == {"proposed"}


@pytest.mark.parametrize("file", ["manifest.json", "result.gpkg", "nearest.sqlite", "types.toml"])
def test_an_index_of_other_files_is_silent_and_made_again(
    directory: Directory, small_path: Path, workspace: Path, file: str
) -> None:
    folder = workspace / "studies" / directory.study.id
    path = workspace / file if file == "types.toml" else folder / file
    written = path.read_bytes() if path.exists() else None
    try:
        path.write_bytes(b"# " + (written or b""))
        assert nearest.answer(small_path, workspace, "Foix", "mairie") is None
    finally:
        if written is None:
            path.unlink()
        else:
            path.write_bytes(written)
    assert nearest.answer(small_path, workspace, "Foix", "mairie") is not None
    assert nearest.answer(folder, workspace, "Foix", "mairie") is None, "of another file"
    with closing(sqlite3.connect(folder / nearest.KEPT)) as base, base:
        base.execute("PRAGMA user_version = 0")
    assert nearest.answer(small_path, workspace, "Foix", "mairie") is None
    orientation.keep_index(directory, small_path, workspace, folder)
    assert nearest.answer(small_path, workspace, "Foix", "mairie") is not None


def test_a_result_with_its_index_is_written_again_without_it(
    small: CoverageResult, small_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "studies" / small.study.id
    write_all(small, folder)
    directory = orientation.open_directory(small.study, folder)
    orientation.keep_index(directory, small_path, tmp_path, folder)
    assert (folder / nearest.KEPT).is_file()
    (folder / ".geoguichet-killed").mkdir()  # what an index that was never finished leaves
    write_all(small, folder)
    assert not (folder / nearest.KEPT).exists()
    assert nearest.answer(small_path, tmp_path, "Foix", "mairie") is None


def test_what_is_no_study_has_no_index(tmp_path: Path) -> None:
    (tmp_path / "rien.toml").write_text("[study]", encoding="utf-8")
    for path in (tmp_path, tmp_path / "rien.toml", tmp_path / "absent.toml"):
        assert nearest.answer(path, tmp_path, "Foix", "mairie") is None
