"""A file is written whole or not at all, and its digest is that of its bytes."""

import hashlib
from pathlib import Path

import pytest

from geoguichet.floor.errors import FileError
from geoguichet.floor.files import sha256, whole, write_whole


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "dossier" / "a.csv"
    write_whole(path, b"avant")
    with pytest.raises(RuntimeError), whole(path) as draft:
        assert draft.suffix == ".csv"
        draft.write_bytes(b"a moi")
        raise RuntimeError
    assert path.read_bytes() == b"avant"
    write_whole(path, "après".encode())
    assert path.read_text(encoding="utf-8") == "après"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_bytes(b"")
    with pytest.raises(FileError, match="ne peut pas être écrit"):
        write_whole(tmp_path / "fichier" / "a.csv", b"")


def test_the_digest_of_several_files_is_that_of_their_bytes_in_a_row(tmp_path: Path) -> None:
    one, other = tmp_path / "1", tmp_path / "2"
    one.write_bytes(b"a" * 3_000_000)
    other.write_bytes(b"b")
    assert sha256(one, other) == hashlib.sha256(b"a" * 3_000_000 + b"b").hexdigest()
