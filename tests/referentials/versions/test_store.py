"""A version is whole or is not there, and an import that fails leaves the others as they were."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from geoguichet import cli
from geoguichet.floor.errors import LayerError, StoreError
from geoguichet.referentials.directory.schema import Columns, Reading, make_reading
from geoguichet.referentials.readers.registry import choose_reader
from geoguichet.referentials.versions.exports import FORMATS, write_rows
from geoguichet.referentials.versions.store import ReferentialStore


def reading(*names: str, start: int = 1) -> Reading:
    table = pd.DataFrame({"nom": names}, index=range(start, start + len(names)), dtype=object)
    point = (
        pd.Series("1.44", index=table.index, dtype=object),
        pd.Series("43.6", index=table.index, dtype=object),
    )
    values = {"id": "s" + pd.Series(table.index.astype(str), table.index), "name": table["nom"]}
    values |= {"type": pd.Series("town_hall", index=table.index)}
    return make_reading(Columns(source="essai", table=table, values=values, x=point[0], y=point[1]))


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    path = tmp_path / "liste.csv"
    path.write_text("nom\nA\n", encoding="utf-8")
    return path


def test_what_is_put_is_read_again(tmp_path: Path, origin: Path) -> None:
    store = ReferentialStore(tmp_path / "store")
    version = store.put(
        "mairies", iter([reading("A", "B"), reading("C", start=3)]), origin=origin, reader="essai"
    )
    assert (version.rows, version.rows_in, store.names()) == (3, 3, ["mairies"])
    rows = store.rows(store.find("mairies"))
    assert rows["name"].tolist() == ["A", "B", "C"]
    assert store.findings(version) == []
    assert (
        store.put("mairies", iter([]), origin=origin, reader="essai") == version
    )  # nothing changed, nothing done
    origin.write_text("nom\nA\nB\n", encoding="utf-8")
    newer = store.put("mairies", [reading("Z")], origin=origin, reader="essai")
    assert [each.digest for each in store.versions("mairies")] == [version.digest, newer.digest]
    assert store.find("mairies") == newer
    assert store.find(f"mairies@{version.digest[:8]}") == version


class BrokenReaderError(Exception):
    """The power fails."""


@pytest.mark.parametrize(
    "error",
    [BrokenReaderError(), KeyboardInterrupt(), LayerError("refusé"), OSError(28, "No space left")],
)
def test_an_import_that_fails_leaves_the_previous_version_whole(
    error: BaseException, tmp_path: Path, origin: Path
) -> None:
    store = ReferentialStore(tmp_path / "store")
    version = store.put("mairies", [reading("A")], origin=origin, reader="essai")
    before = store.path(version).read_bytes()

    def failing() -> Iterator[Reading]:
        yield reading("B")
        raise error

    origin.write_text("autre", encoding="utf-8")
    expected = StoreError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised:
        store.put("mairies", failing(), origin=origin, reader="essai")
    if isinstance(error, OSError):
        assert "No space left" in str(raised.value)
        assert "la version précédente est intacte" in str(raised.value)
    assert store.versions("mairies") == [version]
    assert store.path(version).read_bytes() == before
    assert [each.name for each in (tmp_path / "store" / "mairies").iterdir()] == [
        version.digest[:12]
    ]


def test_the_same_import_run_twice_at_once_is_kept_once(tmp_path: Path, origin: Path) -> None:
    store = ReferentialStore(tmp_path / "store")
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(store.put, "mairies", [reading("A")], origin=origin, reader="essai")
            for _ in range(4)
        ]
    assert len({run.result().digest for run in runs}) == 1
    assert len(store.versions("mairies")) == 1
    assert len(list((tmp_path / "store" / "mairies").iterdir())) == 1


def test_names_and_missing_versions_are_refused(tmp_path: Path, origin: Path) -> None:
    store = ReferentialStore(tmp_path / "store")
    with pytest.raises(StoreError, match="n'est pas un nom"):
        store.put("../ailleurs", [reading("A")], origin=origin, reader="essai")
    with pytest.raises(StoreError, match="présents : aucun"):
        store.find("mairies")
    with pytest.raises(StoreError, match="aucune ligne"):
        store.put("vide", [], origin=origin, reader="essai")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_directory_is_given_in_every_format(suffix: str, tmp_path: Path) -> None:
    files = write_rows(reading("A", "B").rows, tmp_path / f"sortie{suffix}")
    assert all(file.stat().st_size for file in files)
    if suffix == ".csv":
        schema = json.loads(files[1].read_text(encoding="utf-8"))
        columns = files[0].read_text(encoding="utf-8").splitlines()[0].split(",")
        assert [field["name"] for field in schema["fields"]] == columns
    with pytest.raises(StoreError, match="format inconnu"):
        write_rows(reading("A").rows, tmp_path / "sortie.xyz")


def test_a_file_of_nobody_s_goes_to_the_generic_reader(tmp_path: Path, origin: Path) -> None:
    chosen = choose_reader(origin)
    assert (chosen.key, chosen.name) == ("generic", "liste")
    assert len(next(chosen.read()).rows) == 1


@pytest.mark.parametrize("odd", ["\x1e", "\x00", "\n", "\u2028"])
def test_a_column_whose_name_no_document_can_hold_is_imported_whole(
    odd: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "liste.json"
    row = {"nom": "A", "type": "mairie", f"co{odd}lonne": "x"}
    path.write_text(json.dumps([row]), encoding="utf-8")
    assert cli.main(["referentials", "import", str(path), "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
