"""The tables of the SQLite files that we keep, by version: a file of an earlier one is brought up to
this one, a file of a later one is refused.

The version stands in the file (``PRAGMA user_version``). Steps go forward alone, from each version to
the next, all of them in one transaction, after a copy of the file as it was, which is kept beside it
(``people.sqlite.v1``).
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.words import Message, _

type Step = Callable[[sqlite3.Connection], None]


def nothing(_database: sqlite3.Connection) -> None:
    """Change nothing: the version alone was not written."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one kind of file."""

    #: What they are called where another file is refused: « un catalogue Géoguichet ».
    what: Message
    #: The script that makes them.
    tables: str
    #: By version, what brings a file to the next one; version 0 is of a file that tells none.
    steps: Mapping[int, Step]
    refusal: type[GeoguichetError]
    #: Puts into new tables what they hold from the start.
    fill: Step = nothing
    #: The version of the tables.
    version: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", max(self.steps, default=0) + 1)

    def is_current(self, database: sqlite3.Connection, path: Path) -> bool:
        """Say whether a file has the tables of this version; not when it is new, or of an earlier
        one. One of a later version, or whose tables are others, is refused.
        """
        version, held = state(database)
        if version > self.version:
            told = _(
                "{path} vient d'une version plus récente de Géoguichet (tables {version}, {here} au "
                "plus ici) : mettez ce programme à jour, ou rétablissez une sauvegarde.",
                path=path,
                version=version,
                here=self.version,
            )
            raise self.refusal(told)
        if held and version < self.version and version not in self.steps:
            raise self.refusal(_("{path} n'est pas {what}.", path=path, what=self.what))
        return version == self.version

    def prepare(self, database: sqlite3.Connection, path: Path) -> None:
        """Make the tables of a new file, or bring those of an earlier version up to this one: all of
        it is done, or nothing.
        """
        if self.is_current(database, path):
            return
        database.execute("BEGIN IMMEDIATE")
        try:
            if not self.is_current(database, path):  # no other process did it meanwhile
                self._bring_up(database, path)
            database.execute("COMMIT")
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")

    def make(self, database: sqlite3.Connection) -> None:
        """Make the tables in an empty database."""
        run(database, self.tables)
        self.fill(database)
        database.execute(f"PRAGMA user_version = {self.version}")

    def _bring_up(self, database: sqlite3.Connection, path: Path) -> None:
        version, held = state(database)
        if not held:
            self.make(database)
            return
        steps = [self.steps[number] for number in range(version, self.version)]
        try:
            if any(step is not nothing for step in steps):
                _keep_copy(path, version)
        except OSError as error:
            told = _(
                "{path} ne peut pas être gardé tel qu'il est avant sa mise à niveau ({why}) ; rien "
                "n'a été changé.",
                path=path,
                why=error.strerror,
            )
            raise self.refusal(told) from error
        for step in steps:
            step(database)
        with closing(sqlite3.connect(":memory:")) as empty:
            self.make(empty)
            wanted = _columns(empty)
        found = _columns(database)
        for table, columns in wanted.items():
            if missing := columns - found.get(table, set()):
                told = _(
                    "{path} n'est pas {what} : {column} manque à sa table {table} ; rien n'a été "
                    "changé.",
                    path=path,
                    what=self.what,
                    column=min(missing),
                    table=table,
                )
                raise self.refusal(told)
        database.execute(f"PRAGMA user_version = {self.version}")


def state(database: sqlite3.Connection) -> tuple[int, int]:
    """Return the version that a file tells, 0 when it tells none, and how many tables and indexes it
    holds.

    Both in one statement, so of one moment: another process may be making them.
    """
    version, held = database.execute(
        "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
    ).fetchone()
    return int(version), int(held)


def run(database: sqlite3.Connection, *scripts: str) -> None:
    """Run the statements of scripts inside the transaction that is open (`executescript` would end
    it).
    """
    statement = ""
    for line in "\n".join(f"{script};" for script in scripts).splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""


def copies(path: Path) -> list[Path]:
    """Return the copies of a file that were kept before it was brought up."""
    return sorted(path.parent.glob(f"{path.name}.v[0-9]*"))


# Keep a file as it is, from a transaction that lets nobody write it meanwhile.
def _keep_copy(path: Path, version: int) -> None:
    from geoguichet.floor.files import whole  # no command that finds its files in order needs it

    with whole(path.with_name(f"{path.name}.v{version}")) as draft:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        address = f"{path.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True)) as held,
            closing(sqlite3.connect(draft)) as copy,
        ):
            held.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # no companion that could be left behind
        shutil.copymode(path, draft)


def _columns(database: sqlite3.Connection) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for table, column in database.execute(
        "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table'"
    ):
        told.setdefault(table, set()).add(column)
    return told
