"""What each source gave, harvest after harvest: runs, documents by digest, where an interrupted run
had come to.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from geoguichet.catalogue.errors import HarvestError, StoreError
from geoguichet.floor.files import Schema, run
from geoguichet.floor.words import Message

_ALIASES = """
CREATE TABLE IF NOT EXISTS alias (
  value TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (value, source, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alias_of ON alias (source, id);
"""


# The journals of the first day of version 0.1 know no other identifiers of a record.
def _with_aliases(database: sqlite3.Connection) -> None:
    run(database, _ALIASES)


SCHEMA = Schema(
    Message("un journal des moissons"),
    """
CREATE TABLE source (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, address TEXT NOT NULL, validators TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE run (
  n INTEGER PRIMARY KEY, source TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, status TEXT NOT NULL,
  cursor TEXT NOT NULL DEFAULT '', clean INTEGER NOT NULL DEFAULT 1, counts TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE document (
  source TEXT NOT NULL, digest TEXT NOT NULL, address TEXT NOT NULL, ids TEXT NOT NULL, run INTEGER NOT NULL,
  PRIMARY KEY (source, digest)
) WITHOUT ROWID;
CREATE TABLE item (
  id TEXT NOT NULL, source TEXT NOT NULL, print TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (id, source)
) WITHOUT ROWID;
CREATE INDEX item_print ON item (print);
"""
    + _ALIASES,
    steps={0: _with_aliases},
    refusal=StoreError,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One harvest of a source: when, its status (running, complete, partial, interrupted, failed),
    its counts.
    """

    source: str
    started: str
    ended: str
    status: str
    counts: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "started": self.started,
            "ended": self.ended,
            "status": self.status,
            "counts": dict(self.counts),
        }


class Mark(NamedTuple):
    """What a record is known again by: its identifier, its print (title and extent), its resource's
    identifiers.
    """

    id: str
    print: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """One stored document: its digest and address, and the records in it."""

    digest: str
    address: str
    records: tuple[Mark, ...]
    #: False when something in it was refused, or is held by another: it is read again next time,
    #: and told again.
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands close to a record; blank where nothing does. Pairs are an identifier and its
    source.
    """

    #: Another source that already gave a record of this identifier.
    holder: str
    #: A record of another source about a resource of the same identifier.
    namesake: tuple[str, str]
    #: A record of the same print.
    lookalike: tuple[str, str]
    #: Whether this source gave it before.
    known: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """A run that begins or goes on: its number, where it had come to, whether it was clean so far,
    and its counts.
    """

    number: int
    cursor: str
    clean: bool
    counts: Mapping[str, int]


#: Age from which an interrupted run is not gone on with: its source may have moved on under its
#: cursor.
STALE = timedelta(days=1)

_UNFINISHED = ("running", "interrupted")


def journal_path(workspace: str | Path) -> Path:
    """Return where a workspace keeps the journal of its harvests."""
    return Path(workspace, "harvest.sqlite")


class Journal:
    """The journal, in one SQLite file; each method is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open_run(self, name: str, kind: str, address: str, *, moved: bool = False) -> Opened:
        """Start a run, or go on with one that was interrupted less than a day ago.

        HarvestError when the name is that of a source of another kind or address, unless ``moved``
        says that the source now stands there: what another source does not give must not be taken
        for gone.
        """
        with self._write() as database:
            known = database.execute(
                "SELECT kind, address FROM source WHERE name = ?", (name,)
            ).fetchone()
            if known not in (None, (kind, address)):
                if not moved:
                    raise HarvestError(
                        f"« {name} » nomme déjà la source {known[0]} {known[1]} ; donnez un autre "
                        "nom (--name), "
                        "ou --moved si c'est la même source, qui a changé d'adresse."
                    )
                database.execute(("UPDATE run SET status = 'abandoned' WHERE source = ? AND status "
                                 "IN (?, ?)"),
                                 (name, *_UNFINISHED))  # fmt: skip
            database.execute(
                "INSERT INTO source (name, kind, address) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, address = "
                "excluded.address, validators = '{}' "
                "WHERE kind != excluded.kind OR address != excluded.address",
                (name, kind, address),
            )
            database.execute(
                "UPDATE run SET status = 'abandoned' WHERE source = ? AND status IN (?, ?) "
                "AND started < ?",
                (name, *_UNFINISHED, _instant(datetime.now(UTC) - STALE)),
            )
            row = database.execute(
                "SELECT n, cursor, clean, counts FROM run WHERE source = ? AND status IN (?, "
                "?) ORDER BY n DESC",
                (name, *_UNFINISHED),
            ).fetchone()
            if row is not None:
                return Opened(row[0], row[1], bool(row[2]), json.loads(row[3]))
            cursor = database.execute(
                "INSERT INTO run (source, started, status) VALUES (?, ?, 'running')", (name, _now())
            )
            return Opened(int(cursor.lastrowid or 0), "", True, {})

    def known(self, name: str, digests: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the records of the documents that are known and were taken whole, by digest."""
        wanted = list(digests)
        with self._open() as database:
            marks = ", ".join("?" * len(wanted))
            query = f"SELECT digest, ids FROM document WHERE source = ? AND digest IN ({marks})"
            found = {
                digest: json.loads(ids) for digest, ids in database.execute(query, (name, *wanted))
            }
            return {digest: tuple(ids) for digest, ids in found.items() if None not in ids}

    def digests_at(self, name: str, address: str) -> list[str]:
        """Return the digests of the documents that an address gave last time."""
        with self._open() as database:
            rows = database.execute(
                "SELECT digest FROM document WHERE source = ? AND address = ?", (name, address)
            )
            return [digest for (digest,) in rows]

    def keep(
        self, run: int, name: str, kept: Iterable[Kept], seen: Iterable[str], cursor: str,
        *, clean: bool, counts: Mapping[str, int],
    ) -> None:  # fmt: skip
        """Note what was stored and what was seen unchanged, where the run has come to and what it
        counted.
        """
        with self._write() as database:
            for item in kept:
                ids = json.dumps(
                    [mark.id for mark in item.records] + ([] if item.whole else [None])
                )
                database.execute(
                    "INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)",
                    (name, item.digest, item.address, ids, run),
                )
                database.executemany(
                    "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?)",
                    [(mark.id, name, mark.print, run) for mark in item.records],
                )
                gone = [(name, mark.id) for mark in item.records]
                database.executemany("DELETE FROM alias WHERE source = ? AND id = ?", gone)
                rows = [(value, name, mark.id) for mark in item.records for value in mark.aliases]
                database.executemany("INSERT OR IGNORE INTO alias VALUES (?, ?, ?)", rows)
            for digest in seen:
                database.execute(
                    "UPDATE document SET run = ? WHERE source = ? AND digest = ?",
                    (run, name, digest),
                )
            database.execute(
                "UPDATE run SET cursor = ?, clean = min(clean, ?), counts = ? WHERE n = ?",
                (cursor, int(clean), json.dumps(dict(counts)), run),
            )

    def neighbours(self, name: str, records: Iterable[Mark]) -> dict[str, Neighbours]:
        """Return what other records stand close to those of a source."""
        ours = "SELECT 1 FROM item WHERE id = ? AND source = ?"
        holds = "SELECT source FROM item WHERE id = ? AND source != ?"
        shares = (
            "SELECT id, source FROM alias WHERE value = ? AND source != ? AND id != ? ORDER "
            "BY source, id LIMIT 1"
        )
        looks = (
            "SELECT id, source FROM item WHERE print = ? AND NOT (id = ? AND source = ?) "
            "ORDER BY source, id LIMIT 1"
        )
        found = {}
        with self._open() as database:
            for identifier, mark, aliases in records:
                holder = database.execute(holds, (identifier, name)).fetchone()
                alike = database.execute(looks, (mark, identifier, name)).fetchone()
                shared = (
                    database.execute(shares, (value, name, identifier)).fetchone()
                    for value in aliases
                )
                found[identifier] = Neighbours(
                    holder[0] if holder else "",
                    next((tuple(row) for row in shared if row), ("", "")),
                    tuple(alike) if alike else ("", ""),
                    database.execute(ours, (identifier, name)).fetchone() is not None,
                )
        return found

    def origins(self) -> dict[str, str]:
        """Return the source of each record that one gave; the first that gave it."""
        if not self.path.exists():
            return {}
        with self._open() as database:
            return dict(
                database.execute("SELECT id, source FROM item ORDER BY run DESC, source DESC")
            )

    def seen(self, run: int, name: str) -> set[str]:
        """Return the records that the documents of a run hold."""
        with self._open() as database:
            return {
                identifier
                for (ids,) in database.execute(
                    "SELECT ids FROM document WHERE source = ? AND run = ?", (name, run)
                )
                for identifier in json.loads(ids)
                if identifier is not None
            }

    def gone(self, run: int, name: str) -> list[str]:
        """Return the records of the source that no document of this run holds."""
        seen = self.seen(run, name)
        with self._open() as database:
            rows = database.execute("SELECT id FROM item WHERE source = ? ORDER BY id", (name,))
            return [identifier for (identifier,) in rows if identifier not in seen]

    def size(self, name: str) -> int:
        """Return how many records are the source's."""
        with self._open() as database:
            query = "SELECT count(*) FROM item WHERE source = ?"
            return int(database.execute(query, (name,)).fetchone()[0])

    def gave(self, name: str, identifier: str) -> bool:
        """Say whether a record is one that the source gave."""
        with self._open() as database:
            return bool(
                database.execute(
                    "SELECT 1 FROM item WHERE source = ? AND id = ?", (name, identifier)
                ).fetchone()
            )

    def forget(self, name: str, identifiers: Iterable[str]) -> None:
        """Take records out of the source."""
        with self._write() as database:
            gone = [(name, identifier) for identifier in identifiers]
            database.executemany("DELETE FROM item WHERE source = ? AND id = ?", gone)
            database.executemany("DELETE FROM alias WHERE source = ? AND id = ?", gone)

    def close_run(self, run: int, name: str, status: str, counts: Mapping[str, int] | None) -> None:
        """End a run; without counts, those last kept stand. A complete one forgets what it did not
        see.
        """
        with self._write() as database:
            database.execute(
                "UPDATE run SET status = ?, ended = ?, counts = coalesce(?, counts) WHERE n = ?",
                (status, _now(), None if counts is None else json.dumps(dict(counts)), run),
            )
            if status == "complete":
                database.execute("DELETE FROM document WHERE source = ? AND run != ?", (name, run))

    def validators(self, name: str) -> dict[str, str]:
        """Return what lets the server say that nothing changed."""
        with self._open() as database:
            row = database.execute(
                "SELECT validators FROM source WHERE name = ?", (name,)
            ).fetchone()
        return {} if row is None else dict(json.loads(row[0]))

    def keep_validators(self, name: str, validators: Mapping[str, str]) -> None:
        """Keep them, once all that they stand for is stored."""
        with self._write() as database:
            text = json.dumps(dict(validators), sort_keys=True)
            database.execute(
                "UPDATE source SET validators = ? WHERE name = ? AND validators != ?",
                (text, name, text),
            )

    def sources(self) -> list[tuple[str, str, str, tuple[Run, ...]]]:
        """Return every source (name, kind, address) with its runs, the latest first."""
        if not self.path.exists():
            return []
        with self._open() as database:
            listed = database.execute(
                "SELECT name, kind, address FROM source ORDER BY name"
            ).fetchall()
            query = (
                "SELECT source, started, coalesce(ended, ''), status, counts FROM run WHERE "
                "source = ? ORDER BY n DESC"
            )
            return [
                (
                    name,
                    kind,
                    address,
                    tuple(
                        Run(row[0], row[1], row[2], row[3], json.loads(row[4]))
                        for row in database.execute(query, (name,))
                    ),
                )
                for name, kind, address in listed
            ]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database, database:
            yield database

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as database:
                SCHEMA.prepare(database, self.path)
                yield database
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : journal des moissons illisible ({error}).") from error


def _now() -> str:
    return _instant(datetime.now(UTC))


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
