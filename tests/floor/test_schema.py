"""A file of tables is made, brought up, or refused: all of it or nothing, with a copy of what it was."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.files import Schema, copies, nothing, run, state
from geoguichet.floor.words import Message

FIRST = "CREATE TABLE cat (name TEXT NOT NULL);\n"
SECOND = """
CREATE TABLE cat (name TEXT NOT NULL, age INTEGER);
CREATE TRIGGER cats_stay BEFORE DELETE ON cat  -- all; of them
  BEGIN SELECT raise(ABORT, 'cats stay'); END;
"""


class CatError(GeoguichetError):
    pass


def with_age(base: sqlite3.Connection) -> None:
    base.execute("ALTER TABLE cat ADD COLUMN age INTEGER")


def schema(tables: str = SECOND, steps=None) -> Schema:
    steps = {1: with_age} if steps is None else steps
    return Schema(Message("un fichier de chats"), tables, steps, CatError)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of the first version, that another connection writes in WAL."""
    path = tmp_path / "cats.sqlite"
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        schema(FIRST, {0: nothing}).prepare(base, path)
        base.execute("INSERT INTO cat VALUES ('Minou')")
        base.commit()
    path.chmod(0o640)
    return path


def prepared(path: Path, how: Schema) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as base:
        how.prepare(base, path)
        return base.execute("SELECT * FROM cat").fetchall()


def test_a_new_file_has_the_tables_of_this_version_and_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "cats.sqlite"
    assert prepared(path, schema()) == prepared(path, schema()) == []
    with closing(sqlite3.connect(path)) as base:
        assert state(base) == (2, 2)
        base.execute("INSERT INTO cat VALUES ('Minou', 3)")
        with pytest.raises(sqlite3.IntegrityError, match="cats stay"):
            base.execute("DELETE FROM cat")
    assert copies(path) == []


def test_a_file_of_an_earlier_version_is_brought_up_and_kept_as_it_was(old: Path) -> None:
    assert prepared(old, schema()) == [("Minou", None)]
    (copy,) = copies(old)
    assert copy.name == "cats.sqlite.v1" and copy.stat().st_mode & 0o777 == 0o640
    assert prepared(copy, schema(FIRST, {0: nothing})) == [("Minou",)]
    assert [one.name for one in old.parent.iterdir() if one.name.startswith(".")] == []


def test_a_step_that_fails_changes_nothing(old: Path) -> None:
    def failing(base: sqlite3.Connection) -> None:
        base.execute("DELETE FROM cat")
        base.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        prepared(old, schema(steps={1: with_age, 2: failing}))
    assert prepared(old, schema(FIRST, {0: nothing})) == [("Minou",)]


def test_tables_that_lack_something_in_the_end_are_refused_unchanged(old: Path) -> None:
    with pytest.raises(CatError, match="age manque à sa table cat ; rien n'a été changé"):
        prepared(old, schema(steps={1: nothing}))
    with closing(sqlite3.connect(old)) as base:
        assert state(base) == (1, 1)


def test_a_file_of_a_later_version_is_refused_in_a_sentence(old: Path) -> None:
    with closing(sqlite3.connect(old)) as base:
        base.execute("PRAGMA user_version = 9")
    with pytest.raises(CatError, match=r"cats\.sqlite vient d'une version plus récente.*9, 2 au"):
        prepared(old, schema())


def test_a_file_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cats.sqlite"
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE dog (name TEXT)")
    with pytest.raises(CatError, match=r"cats\.sqlite n'est pas un fichier de chats"):
        prepared(path, schema())


def test_a_copy_that_cannot_be_kept_stops_the_upgrade(old: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "geoguichet.floor.files.shutil.copymode",
        lambda *_: (_ for _ in ()).throw(OSError(28, "x")),
    )
    with pytest.raises(CatError, match="ne peut pas être gardé tel qu'il est"):
        prepared(old, schema())
    assert copies(old) == []
    assert prepared(old, schema(FIRST, {0: nothing})) == [("Minou",)]


def test_many_who_open_it_at_once_bring_it_up_once(old: Path) -> None:
    steps: list[int] = []

    def counted(base: sqlite3.Connection) -> None:
        steps.append(1)
        with_age(base)

    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(prepared(old, schema(steps={1: counted}))))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(steps) == 1 and seen == [[("Minou", None)]] * 8


def test_scripts_are_run_inside_the_open_transaction() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        base.execute("BEGIN")
        run(base, FIRST, "INSERT INTO cat VALUES ('a;b')")
        assert base.in_transaction and base.execute("SELECT * FROM cat").fetchall() == [("a;b",)]
        base.execute("ROLLBACK")
        assert state(base) == (0, 0)
