"""The tables of a catalogue file: how they are made, and how a record is written into all of them at once."""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import shapely

from geoguichet.catalogue import text
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent, Record, instant_keys

type Change = Literal["created", "updated", "deleted", "unchanged"]

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2

_KEPT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE previous (id TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL,
  change TEXT NOT NULL, body BLOB, PRIMARY KEY (id, version)) WITHOUT ROWID;
"""
_DERIVED = """
CREATE TABLE record (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL,
  version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, change TEXT NOT NULL, stamp INTEGER NOT NULL,
  type TEXT, title TEXT, created TEXT, updated TEXT, created_last TEXT, updated_last TEXT,
  first TEXT, last TEXT, west REAL, south REAL, east REAL, north REAL,
  name TEXT, license TEXT, language TEXT, title_words INTEGER NOT NULL, terms BLOB NOT NULL
);
CREATE INDEX record_title ON record (title, id);
CREATE INDEX record_type ON record (type, id);
CREATE INDEX record_created ON record (created, id);
CREATE INDEX record_updated ON record (updated, id);
CREATE INDEX record_stamp ON record (stamp);
CREATE TABLE shape (n INTEGER PRIMARY KEY, wkb BLOB NOT NULL);
CREATE TABLE term (t INTEGER PRIMARY KEY, field TEXT NOT NULL, value TEXT NOT NULL, records INTEGER NOT NULL,
  UNIQUE (field, value));
CREATE TABLE tagged (t INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (t, n)) WITHOUT ROWID;
CREATE INDEX tagged_record ON tagged (n, t);
CREATE TABLE external_id (value TEXT NOT NULL, scheme TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (value, scheme, n)) WITHOUT ROWID;
CREATE INDEX external_scheme ON external_id (scheme, n);
CREATE INDEX external_record ON external_id (n);
CREATE VIRTUAL TABLE words USING fts5 (title, keywords, abstract, tokens, content='', tokenize='ascii');
CREATE VIRTUAL TABLE extent USING rtree (piece, west, east, south, north);
"""
# record: created, updated, first and last are sort keys (`record.instant_keys`), title is folded, name is not;
# stamp is the generation that wrote the row; terms are the numbers of its terms, 32-bit integers in a row.
# words: stems, and tokens that stand for exact values and places. It holds no text, so taking a row out needs the
# same words again: `meta.analysis` remembers which analysis made them.
# extent: piece = 2 n, and 2 n + 1 for the second half of an extent across the antimeridian; its 32-bit
# numbers answer a superset, the doubles of `record` decide.

CURRENT = "SELECT n, digest, version FROM record WHERE id = ?"


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables of a new file, and anew those that an earlier version or another analysis of words made."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema == 0:
        _create(database)
    elif is_outdated(database):
        _derive_again(database)


def is_outdated(database: sqlite3.Connection) -> bool:
    """Say whether the indexes of a file were made by an earlier version, or with another analysis of words."""
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    return 0 < schema < SCHEMA_VERSION or (schema == SCHEMA_VERSION and meta(database, "analysis") != text.ANALYSIS)


def _create(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone() == (0,):  # nobody made them meanwhile
        _run(database, _KEPT + _DERIVED)
        values = [("analysis", text.ANALYSIS), ("generation", "0")]
        database.executemany("INSERT INTO meta VALUES (?, ?)", values)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.commit()


def _derive_again(database: sqlite3.Connection) -> None:
    """Make every table but the documents and the history again, in one transaction."""
    database.execute("BEGIN IMMEDIATE")
    if is_outdated(database):
        logger.info("Le catalogue est indexé de nouveau : une nouvelle version range autrement ses index.")
        versions = "SELECT n, digest, version, at, by, change FROM record"
        database.execute(f"CREATE TEMP TABLE kept AS {versions}")
        for (name,) in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN "
            "('record', 'shape', 'term', 'tagged', 'external_id', 'words', 'extent')"
        ).fetchall():
            database.execute(f"DROP TABLE {name}")
        _run(database, _DERIVED)
        stamp = next_generation(database)
        remember_generation(database, stamp)
        kept = "SELECT body, n, digest, version, at, by, change FROM temp.kept JOIN document USING (n)"
        terms = TermNumbers(database)
        for body, *row in database.execute(kept).fetchall():
            record = Record.from_geojson(json.loads(body))
            _write_row(database, record, (*row, stamp), terms.of(record))
            database.execute("UPDATE document SET body = ? WHERE n = ?", (record.to_bytes(), row[0]))
        terms.flush()
        database.execute("DROP TABLE temp.kept")
        database.execute("UPDATE meta SET value = ? WHERE key = 'analysis'", (text.ANALYSIS,))
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.commit()


def _run(database: sqlite3.Connection, script: str) -> None:
    """Run the statements of a script inside the transaction that is open (`executescript` would end it)."""
    for statement in script.split(";\n"):
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


def now() -> str:
    """Return the time as the history tells it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- writing --------------------------------------------------------------------------------------


class TermNumbers:
    """The numbers of the terms met inside one transaction, and how many records more each has until `flush`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self._known: dict[tuple[str, str], int] = {}
        self._more: Counter[int] = Counter()

    def of(self, record: Record) -> list[int]:
        """Return the numbers of the values a record is counted and found under."""
        numbers = sorted(map(self._number, _terms(record)))
        self._more.update(numbers)
        return numbers

    def _number(self, term: tuple[str, str]) -> int:
        number = self._known.get(term)
        if number is None:
            self.database.execute("INSERT OR IGNORE INTO term (field, value, records) VALUES (?, ?, 0)", term)
            (number,) = self.database.execute("SELECT t FROM term WHERE field = ? AND value = ?", term).fetchone()
            self._known[term] = number
        return int(number)

    def flush(self) -> None:
        """Write the counts."""
        more = [(count, number) for number, count in self._more.items()]
        self.database.executemany("UPDATE term SET records = records + ? WHERE t = ?", more)
        self._more.clear()


def upsert(database: sqlite3.Connection, record: Record, by: str, stamp: int, terms: TermNumbers) -> Change:
    """Store a record under its identifier, its previous version in the history."""
    digest = record.digest()
    row = database.execute(CURRENT, (record.id,)).fetchone()
    if row is None:
        (last,) = database.execute("SELECT max(version) FROM previous WHERE id = ?", (record.id,)).fetchone()
        _insert(database, record, (None, digest, (last or 0) + 1, now(), by, "created", stamp), terms)
        return "created"
    number, known_digest, version = row
    if digest == known_digest:
        return "unchanged"
    archive(database, record.id)
    remove(database, number)
    _insert(database, record, (number, digest, version + 1, now(), by, "updated", stamp), terms)
    return "updated"


def archive(database: sqlite3.Connection, identifier: str) -> None:
    """Copy the current version into the history."""
    database.execute(
        "INSERT INTO previous SELECT id, version, at, by, change, body FROM record JOIN document USING (n) "
        "WHERE id = ?",
        (identifier,),
    )


def remove(database: sqlite3.Connection, number: int) -> None:
    """Take a record out of every table but the history."""
    (body,) = database.execute("SELECT body FROM document WHERE n = ?", (number,)).fetchone()
    words = _indexed(Record.from_geojson(json.loads(body)))
    database.execute("INSERT INTO words (words, rowid, title, keywords, abstract, tokens) "
                     "VALUES ('delete', ?, ?, ?, ?, ?)", (number, *words))  # fmt: skip
    database.execute("DELETE FROM extent WHERE piece IN (?, ?)", (2 * number, 2 * number + 1))
    database.execute("UPDATE term SET records = records - 1 WHERE t IN (SELECT t FROM tagged WHERE n = ?)", (number,))
    for table in ("tagged", "external_id", "shape", "document", "record"):
        database.execute(f"DELETE FROM {table} WHERE n = ?", (number,))


type _Row = tuple[int | None, str, int, str, str, str, int]
"""The number of a record (None for a new one), its digest, version, at, by, change and stamp."""


def _insert(database: sqlite3.Connection, record: Record, row: _Row, terms: TermNumbers) -> None:
    number = _write_row(database, record, row, terms.of(record))
    database.execute("INSERT INTO document VALUES (?, ?)", (number, record.to_bytes()))


def _write_row(database: sqlite3.Connection, record: Record, row: _Row, terms: list[int]) -> int:
    """Write a record into every table but its document; return its number."""
    number, digest, *version = row
    extent = record.extent
    values = (
        number, record.id, digest, *version, record.type or None, text.fold(record.title) or None,
        *_times(record), *((extent.west, extent.south, extent.east, extent.north) if extent else (None,) * 4),
        record.title or None, record.license or None, _language(record), len(text.words(record.title)),
        np.array(terms, dtype="<i4").tobytes(),
    )  # fmt: skip
    number = int(database.execute(_INSERT_RECORD, values).lastrowid or 0)
    database.executemany("INSERT INTO tagged VALUES (?, ?)", [(term, number) for term in terms])
    identifiers = {(item.value, item.scheme, number) for item in record.external_ids}
    database.executemany("INSERT INTO external_id VALUES (?, ?, ?)", sorted(identifiers))
    database.execute("INSERT INTO words (rowid, title, keywords, abstract, tokens) VALUES (?, ?, ?, ?, ?)",
                     (number, *_indexed(record)))  # fmt: skip
    for piece, (west, south, east, north) in enumerate(extent.boxes() if extent else ()):
        database.execute("INSERT INTO extent VALUES (?, ?, ?, ?, ?)", (2 * number + piece, west, east, south, north))
    if extent and (shape := _wkb(record)):
        database.execute("INSERT INTO shape VALUES (?, ?)", (number, shape))
    return number


_INSERT_RECORD = f"INSERT INTO record VALUES ({', '.join('?' * 25)})"


def _times(record: Record) -> tuple[str | None, ...]:
    """Return the keys of created and updated, first ones then last ones, and those of the time of the content."""
    created, updated = _instant(record.created), _instant(record.updated)
    first, last = (record.time.bounds() if record.time else None) or (None, None)
    return created[0], updated[0], created[1], updated[1], first, last


def _instant(told: str) -> tuple[str | None, str | None]:
    try:
        return instant_keys(told) if told else (None, None)
    except RecordError:
        return None, None


def _language(record: Record) -> str | None:
    language = record.extra_properties.get("language")
    code = language.get("code") if isinstance(language, dict) else language
    return code if isinstance(code, str) else None


def _wkb(record: Record) -> bytes | None:
    """Return the geometry as stored for exact questions: flat, valid; None when it cannot be read as one."""
    try:
        geometry = shapely.force_2d(shapely.from_geojson(json.dumps(record.geometry)))
        return bytes(shapely.to_wkb(geometry if geometry.is_valid else shapely.make_valid(geometry)))
    except (shapely.errors.GEOSException, TypeError, ValueError):
        return None


# --- terms and words ------------------------------------------------------------------------------


def _terms(record: Record) -> list[tuple[str, str]]:
    """Return the (property, value) pairs of the facets and of the arrays a filter can ask about."""
    formats = (item.get("name") if isinstance(item, dict) else item for item in _list(record, "formats"))
    pairs = [
        ("type", record.type),
        ("license", record.license),
        *(("keywords", keyword) for keyword in record.keywords),
        *(("themes", concept.id) for theme in record.themes for concept in theme.concepts),
        *(("organization", contact.organization) for contact in record.contacts),
        *(("format", name) for name in formats if isinstance(name, str)),
    ]
    return list(dict.fromkeys(pair for pair in pairs if pair[1]))


def _list(record: Record, name: str) -> Sequence[object]:
    value = record.extra_properties.get(name)
    return value if isinstance(value, list) else ()


def _indexed(record: Record) -> tuple[str, str, str, str]:
    """Return what the full-text index knows of a record: three fields of stems, and the tokens."""
    concepts = [concept.title or concept.id for theme in record.themes for concept in theme.concepts]
    people = [f"{contact.organization} . {contact.name}" for contact in record.contacts]
    fields = (record.title, _apart(*record.keywords, *concepts), _apart(record.description, *people))
    tokens = [text.token(field, value) for field, value in _terms(record)]
    tokens += _places(record.extent) if record.extent else []
    title, keywords, abstract = (" ".join(text.stems(field)) for field in fields)
    return title, keywords, abstract, " ".join(tokens)


def _apart(*texts: str) -> str:
    """Join texts so that no phrase runs from one into the next."""
    return f" {_BOUNDARY} ".join(filter(None, texts))


_BOUNDARY = "zzfrontierezz"


# --- places: cells of a quadtree of the globe ------------------------------------------------------

_DEEPEST = 10
"""Level 10 has 1024 x 1024 cells, 0.35 by 0.18 degrees."""


def _places(extent: Extent) -> list[str]:
    """Return the tokens of a record's place: the few cells that cover it, and the cells those lie in."""
    cells = {cell for box in extent.boxes() for cell in _cover(box, 4)}
    around = {above for cell in cells for above in _ancestors(cell)}
    return [_cell_token("c", cell) for cell in sorted(cells)] + [_cell_token("i", cell) for cell in sorted(around)]


def place_tokens(extent: Extent) -> list[str]:
    """Return the tokens of which a record has at least one if it touches the box (and of some that do not)."""
    cells = {cell for box in extent.boxes() for cell in _cover(box, 12)}
    around = {above for cell in cells for above in _ancestors(cell)}
    return [_cell_token("c", cell) for cell in sorted(cells | around)] + [_cell_token("i", c) for c in sorted(cells)]


type _Cell = tuple[int, int, int]
"""Level, column from the west, row from the south."""


def _cover(box: tuple[float, float, float, float], most: int) -> list[_Cell]:
    """Return the cells of the deepest level at which no more than ``most`` are needed to cover a box."""
    for level in range(_DEEPEST, 0, -1):
        west, south, east, north = _grid(box, level)
        if (east - west + 1) * (north - south + 1) <= most:
            return [(level, x, y) for x in range(west, east + 1) for y in range(south, north + 1)]
    return [(0, 0, 0)]


def _grid(box: tuple[float, float, float, float], level: int) -> tuple[int, int, int, int]:
    """Return the cells of the corners of a box, west, south, east and north."""
    side = 1 << level
    west, east = ((longitude + 180.0) / 360.0 * side for longitude in (box[0], box[2]))
    south, north = ((latitude + 90.0) / 180.0 * side for latitude in (box[1], box[3]))
    # a corner on a line between cells belongs to both, so that boxes that only touch meet in a cell
    low = (max(0, math.ceil(edge) - 1) for edge in (west, south))
    high = (min(side - 1, math.floor(edge)) for edge in (east, north))
    (first, second), (third, fourth) = low, high
    return first, second, third, fourth


def _ancestors(cell: _Cell) -> Iterator[_Cell]:
    level, x, y = cell
    while level:
        level, x, y = level - 1, x >> 1, y >> 1
        yield level, x, y


def _cell_token(kind: str, cell: _Cell) -> str:
    return f"q{kind}{cell[0]}x{cell[1]}x{cell[2]}"
