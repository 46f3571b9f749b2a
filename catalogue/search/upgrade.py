"""Files of earlier versions brought up to this one: nothing that they hold is lost, and all of it
is shown to everyone, as it was.
"""

import json
import logging
import os
import sqlite3
from typing import Any

from geoguichet.catalogue.errors import StoreError
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search import audiences, tables
from geoguichet.floor.files import Schema, run
from geoguichet.floor.words import Message


def index_again(database: sqlite3.Connection) -> None:
    """Make the indexes of a file as this version does, in one transaction, unless another process
    just did.
    """
    database.execute("BEGIN IMMEDIATE")
    if tables.is_made_otherwise(database):
        _derive_again(database)
    database.commit()


# The indexes of the first versions are others: whatever they say, they are made again.
def _forget_indexes(database: sqlite3.Connection) -> None:
    database.execute("INSERT OR REPLACE INTO meta VALUES ('analysis', '')")


# Have each record say to whom it is shown; what is indexed otherwise is, while at it.
def _with_audiences(database: sqlite3.Connection) -> None:
    if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'audience'").fetchone():
        _add_audiences(database)
    if tables.is_made_otherwise(database):
        _derive_again(database)


def _add_audiences(database: sqlite3.Connection) -> None:
    run(database, audiences.TABLE)
    row = (audiences.EVERYONE_NUMBER, *audiences.EVERYONE, tables.meta(database, "generation"))
    database.execute("INSERT INTO audience VALUES (?, ?, ?, ?)", row)
    for table in ("previous", "record"):
        for column in ("audience INTEGER NOT NULL DEFAULT 0", "note TEXT NOT NULL DEFAULT ''"):
            database.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    database.execute("ALTER TABLE record ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0")
    database.execute(tables.INDEXES["record_waiting"])


# Make every table but the documents and the history again.
def _derive_again(database: sqlite3.Connection) -> None:
    logging.getLogger(__name__).info(
        "Le catalogue est indexé de nouveau : une nouvelle version range autrement ses index."
    )
    versions = "SELECT n, version, at, by, change, audience, note, waiting FROM record"
    database.execute(f"CREATE TEMP TABLE kept AS {versions}")
    for (name,) in database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN "
        "('record', 'shape', 'term', 'tagged', 'external_id', 'removed', 'words', 'extent')"
    ).fetchall():
        database.execute(f"DROP TABLE {name}")
    run(database, tables.DERIVED, *tables.INDEXES.values())
    stamp = tables.next_generation(database)
    tables.remember_generation(database, stamp)
    writer = tables.Writer(database, stamp)
    last = 0
    while rows := database.execute(_KEPT_ROWS, (last,)).fetchall():
        writer.write_again([(Record.from_geojson(_mended(body)), row) for body, *row in rows])
        last = rows[-1][1]
    writer.flush()
    database.execute("DROP TABLE temp.kept")
    values = tables.made_with() | {"numbering": os.urandom(16).hex()}
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())


# Read a document of an earlier version, without the links to nowhere that it wrote and could not
# read.
def _mended(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body)
    if "links" in document:
        document["links"] = [link for link in document["links"] if link.get("href")]
    return document


_KEPT_ROWS = """
SELECT body, n, version, at, by, change, audience, note, waiting FROM temp.kept JOIN document USING (n)
WHERE n > ? ORDER BY n LIMIT 500
"""

SCHEMA = Schema(
    Message("un catalogue Géoguichet"),
    tables.KEPT + audiences.TABLE + tables.DERIVED,
    steps={1: _forget_indexes, 2: _forget_indexes, 3: _with_audiences},
    refusal=StoreError,
    fill=tables.fill,
)
