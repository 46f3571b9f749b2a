"""The tables of a catalogue file: how they are made, and made anew when a new version keeps them otherwise."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from typing import Any
from uuid import uuid4

from geoguichet.catalogue import text
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.writing import INDEXES, Writer

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 3

_KEPT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE previous (id TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL,
  change TEXT NOT NULL, body BLOB, PRIMARY KEY (id, version)) WITHOUT ROWID;
"""
_DERIVED = """
CREATE TABLE record (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, change TEXT NOT NULL, stamp INTEGER NOT NULL,
  type TEXT, title TEXT, created TEXT, updated TEXT, created_last TEXT, updated_last TEXT,
  first TEXT, last TEXT, west REAL, south REAL, east REAL, north REAL,
  name TEXT, license TEXT, language TEXT, title_words INTEGER NOT NULL, terms BLOB NOT NULL
);
CREATE TABLE shape (n INTEGER PRIMARY KEY, wkb BLOB NOT NULL);
CREATE TABLE term (t INTEGER PRIMARY KEY, field TEXT NOT NULL, value TEXT NOT NULL, records INTEGER NOT NULL,
  UNIQUE (field, value));
CREATE TABLE tagged (t INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (t, n)) WITHOUT ROWID;
CREATE TABLE external_id (value TEXT NOT NULL, scheme TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (value, scheme, n)) WITHOUT ROWID;
CREATE INDEX external_scheme ON external_id (scheme, n);
CREATE INDEX external_record ON external_id (n);
CREATE TABLE removed (n INTEGER NOT NULL, stamp INTEGER NOT NULL, PRIMARY KEY (stamp, n)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (title, keywords, abstract, tokens, content='', tokenize='ascii');
CREATE VIRTUAL TABLE extent USING rtree (piece, west, east, south, north);
"""
# record: created, updated, first and last are sort keys (`record.instant_keys`), title is folded, name is not;
# stamp is the generation that wrote the row (removed: that took it out); terms are the numbers of its terms, 32-bit
# integers in a row.
# meta.numbering changes when the numbers of records or terms do (another file under the same name, indexes made anew).
# words: stems, and tokens that stand for exact values and places. It holds no text, so taking a row out needs the
# same words again: `meta.analysis` remembers which analysis made them.
# extent: piece = 2 n, and 2 n + 1 for the second half of an extent across the antimeridian; its 32-bit
# numbers answer a superset, the doubles of `record` decide.


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables of a new file, and anew those that an earlier version or another analysis of words made."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema == 0:
        _create(database)
    elif is_outdated(database):
        _derive_again(database)


def schema_of(database: sqlite3.Connection) -> tuple[int, int]:
    """Return the version of the tables of a file, 0 when none were made, and how many tables and indexes it holds.

    Both in one statement, so of one moment: another process may be making them.
    """
    asked = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)"
    schema, held = database.execute(asked).fetchone()
    return int(schema), int(held)


def is_unmade(database: sqlite3.Connection) -> bool:
    """Say whether a file is still without tables: its writer is making them, or was killed before they were kept."""
    return schema_of(database) == (0, 0)


def is_outdated(database: sqlite3.Connection) -> bool:
    """Say whether the indexes of a file were made by an earlier version, or with another analysis of words."""
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    return 0 < schema < SCHEMA_VERSION or (schema == SCHEMA_VERSION and meta(database, "analysis") != text.ANALYSIS)


def _create(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone() == (0,):  # nobody made them meanwhile
        _run(database, _KEPT + _DERIVED, *INDEXES.values())
        values = [("analysis", text.ANALYSIS), ("generation", "0"), ("numbering", uuid4().hex)]
        database.executemany("INSERT INTO meta VALUES (?, ?)", values)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.commit()


def _derive_again(database: sqlite3.Connection) -> None:
    """Make every table but the documents and the history again, in one transaction."""
    database.execute("BEGIN IMMEDIATE")
    if is_outdated(database):
        logger.info("Le catalogue est indexé de nouveau : une nouvelle version range autrement ses index.")
        versions = "SELECT n, version, at, by, change FROM record"
        database.execute(f"CREATE TEMP TABLE kept AS {versions}")
        for (name,) in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN "
            "('record', 'shape', 'term', 'tagged', 'external_id', 'removed', 'words', 'extent')"
        ).fetchall():
            database.execute(f"DROP TABLE {name}")
        _run(database, _DERIVED, *INDEXES.values())
        stamp = next_generation(database)
        remember_generation(database, stamp)
        writer = Writer(database, stamp)
        last = 0
        while rows := database.execute(_KEPT_ROWS, (last,)).fetchall():
            writer.write_again([(Record.from_geojson(_mended(body)), *row) for body, *row in rows])
            last = rows[-1][1]
        writer.flush()
        database.execute("DROP TABLE temp.kept")
        values = [("analysis", text.ANALYSIS), ("numbering", uuid4().hex)]
        database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.commit()


def _mended(body: bytes) -> dict[str, Any]:
    """Read a document of an earlier version, without the links to nowhere that it wrote and could not read."""
    document: dict[str, Any] = json.loads(body)
    if "links" in document:
        document["links"] = [link for link in document["links"] if link.get("href")]
    return document


_KEPT_ROWS = """
SELECT body, n, version, at, by, change FROM temp.kept JOIN document USING (n) WHERE n > ? ORDER BY n LIMIT 500
"""


def _run(database: sqlite3.Connection, *scripts: str) -> None:
    """Run the statements of scripts inside the transaction that is open (`executescript` would end it)."""
    for statement in ";\n".join(scripts).split(";\n"):
        if statement.strip():
            database.execute(statement)


def meta(database: sqlite3.Connection, key: str) -> str:
    """Return a value the file remembers about itself."""
    (value,) = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(value)


def next_generation(database: sqlite3.Connection) -> int:
    """Return the generation of a change made now: the time in milliseconds, or one more than the last if more."""
    return max(int(meta(database, "generation")) + 1, time.time_ns() // 1_000_000)


def remember_generation(database: sqlite3.Connection, generation: int) -> None:
    """Make the generation grow."""
    database.execute("UPDATE meta SET value = ? WHERE key = 'generation'", (str(generation),))
