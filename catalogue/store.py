"""Where records are kept and found again: the contract, and SQLite behind it.

One file, no server, no loadable extension: the JSON bytes ready to serve, a full-text index of French stems
(FTS5), an index of extents (R*Tree, refined exactly), and every earlier version of every record.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol, Self

from geoguichet.catalogue import text
from geoguichet.catalogue.errors import QueryError, RecordNotFoundError, StoreError
from geoguichet.catalogue.query import RecordQuery
from geoguichet.catalogue.record import Extent, Record

type Change = Literal["created", "updated", "deleted", "unchanged"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer: documents as JSON bytes ready to serve, and how many records match in all."""

    items: tuple[bytes, ...]
    number_matched: int

    @property
    def records(self) -> tuple[Record, ...]:
        """The same documents, read."""
        return tuple(Record.from_geojson(json.loads(item)) for item in self.items)


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a record: its number, when (RFC 3339, UTC), who, what happened; no record once deleted."""

    number: int
    at: str
    by: str
    change: Change
    record: Record | None


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What a bulk load did, in records."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    @property
    def total(self) -> int:
        """Records that were read."""
        return self.created + self.updated + self.unchanged


class RecordStore(Protocol):
    """What the catalogue asks of a store; SQLite is one, another engine must pass the same tests."""

    def search(self, query: RecordQuery) -> Page:
        """Return the page of matching records, and the exact number of matches."""

    def get(self, identifier: str) -> Record:
        """Return a record; RecordNotFoundError when there is none."""

    def document(self, identifier: str) -> bytes:
        """Return its JSON bytes as they are served; RecordNotFoundError when there is none."""

    def upsert(self, record: Record, *, by: str = "") -> Change:
        """Store a record under its identifier; the same content again writes nothing."""

    def bulk_upsert(self, records: Iterable[Record], *, by: str = "") -> LoadSummary:
        """Store many records in one go: readers see all of them or none."""

    def delete(self, identifier: str, *, by: str = "") -> None:
        """Delete a record, leaving a tombstone in its history; RecordNotFoundError when there is none."""

    def history(self, identifier: str) -> tuple[Version, ...]:
        """Return every version, the oldest first; RecordNotFoundError for an identifier never seen."""

    def generation(self) -> int:
        """Return a number that grows with every change: what an ETag is made from."""

    def close(self) -> None:
        """Give the resources back; the store can be used again afterwards."""


class SQLiteStore:
    """A `RecordStore` in one SQLite file. Safe to share between threads; several processes may use the file.

    Constructing it touches nothing. A reader of a file that does not exist yet finds an empty catalogue; the
    first write makes the file. A file replaced on disk is noticed and opened anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers: list[sqlite3.Connection] = []
        self._readers_of: tuple[int, int] | None = None
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, query: RecordQuery) -> Page:
        """Return the page of matching records, and the exact number of matches."""
        selection = _select(query)
        with self._read() as database:
            if database is None or selection is None:
                return Page((), 0)
            try:
                (matched,) = database.execute(*selection.count()).fetchone()
                rows = database.execute(*selection.page(query)).fetchall() if matched and query.limit else []
                return Page(tuple(_bodies(database, rows)), matched)
            except sqlite3.Error as error:
                raise StoreError(f"{self.path} : recherche impossible ({error}).") from error

    def get(self, identifier: str) -> Record:
        """Return a record; RecordNotFoundError when there is none."""
        return Record.from_geojson(json.loads(self.document(identifier)))

    def document(self, identifier: str) -> bytes:
        """Return its JSON bytes as they are served; RecordNotFoundError when there is none."""
        with self._read() as database:
            row = None if database is None else database.execute(_DOCUMENT, (identifier,)).fetchone()
        if row is None:
            raise RecordNotFoundError(f"Aucune fiche « {identifier} » dans le catalogue.")
        return bytes(row[0])

    def upsert(self, record: Record, *, by: str = "") -> Change:
        """Store a record under its identifier; the same content again writes nothing."""
        with self._write() as database:
            return _upsert(database, record, by)

    def bulk_upsert(self, records: Iterable[Record], *, by: str = "") -> LoadSummary:
        """Store many records in one transaction: readers see all of them or none."""
        counts: dict[str, int] = {}
        with self._write() as database:
            for record in records:
                change = _upsert(database, record, by)
                counts[change] = counts.get(change, 0) + 1
        return LoadSummary(**counts)

    def delete(self, identifier: str, *, by: str = "") -> None:
        """Delete a record, leaving a tombstone in its history; RecordNotFoundError when there is none."""
        with self._write() as database:
            row = database.execute(_CURRENT, (identifier,)).fetchone()
            if row is None:
                raise RecordNotFoundError(f"Aucune fiche « {identifier} » à supprimer dans le catalogue.")
            number, version = row[0], row[2]
            _archive(database, identifier)
            _remove(database, number)
            tombstone = (identifier, version + 1, _now(), by, "deleted", None)
            database.execute("INSERT INTO previous VALUES (?, ?, ?, ?, ?, ?)", tombstone)
            _bump(database)

    def history(self, identifier: str) -> tuple[Version, ...]:
        """Return every version, the oldest first; RecordNotFoundError for an identifier never seen."""
        with self._read() as database:
            rows = [] if database is None else database.execute(_HISTORY, (identifier, identifier)).fetchall()
        if not rows:
            raise RecordNotFoundError(f"Aucune fiche « {identifier} » dans l'historique du catalogue.")
        return tuple(Version(n, at, by, change, _read_body(body)) for n, at, by, change, body in rows)

    def generation(self) -> int:
        """Return a number that grows with every change; 0 while the file does not exist."""
        with self._read() as database:
            return 0 if database is None else int(_meta(database, "generation"))

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            self._close_readers()

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection | None]:
        """Lend a reading connection inside one snapshot; None when the file does not exist."""
        reader = self._reader()
        if reader is None:
            yield None
            return
        identity = self._readers_of
        try:
            reader.execute("BEGIN")
            yield reader
        finally:
            reader.rollback()
            self._give_back(reader, identity)

    def _reader(self) -> sqlite3.Connection | None:
        """Take an idle connection to the file that is there now, or open one."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.path} : catalogue illisible ({error.strerror}).") from error
        with self._lock:
            if self._readers_of != (status.st_dev, status.st_ino):
                self._close_readers()
                self._readers_of = (status.st_dev, status.st_ino)
            if self._readers:
                return self._readers.pop()
        return self._open("ro") if status.st_size else None

    def _give_back(self, reader: sqlite3.Connection, identity: tuple[int, int] | None) -> None:
        with self._lock:
            if identity is not None and identity == self._readers_of:
                self._readers.append(reader)
                return
        reader.close()

    def _close_readers(self) -> None:
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        self._readers_of = None

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Lend a writing connection inside one transaction: everything is kept, or nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = self._open("rwc")
        try:
            _prepare(database)
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.commit()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : écriture impossible ({error}) ; rien n'a été changé.") from error
        finally:
            if database.in_transaction:
                database.rollback()
            database.close()

    def _open(self, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            database = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : ouverture impossible ({error}).") from error
        try:
            (schema,) = database.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            database.close()
            message = f"{self.path} : ce fichier n'est pas un catalogue Géoguichet ({error})."
            raise StoreError(message) from error
        if schema != _SCHEMA_VERSION and not (mode == "rwc" and schema == 0):
            database.close()
            raise StoreError(
                f"{self.path} : schéma de catalogue {schema}, attendu {_SCHEMA_VERSION} ; "
                "ce fichier vient d'une autre version."
            )
        return database


# --- the file -------------------------------------------------------------------------------------

_SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL,
  version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, change TEXT NOT NULL,
  type TEXT, title TEXT, created TEXT, updated TEXT,
  first TEXT, last TEXT, west REAL, south REAL, east REAL, north REAL
);
CREATE INDEX record_title ON record (title, id);
CREATE INDEX record_updated ON record (updated, id);
CREATE INDEX record_type ON record (type, id);
CREATE TABLE document (n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE external_id (value TEXT NOT NULL, scheme TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (value, scheme, n)) WITHOUT ROWID;
CREATE INDEX external_scheme ON external_id (scheme, n);
CREATE INDEX external_record ON external_id (n);
CREATE TABLE previous (id TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL,
  change TEXT NOT NULL, body BLOB, PRIMARY KEY (id, version)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (title, keywords, abstract, tokens, content='', tokenize='ascii');
CREATE VIRTUAL TABLE extent USING rtree (piece, west, east, south, north);
"""
# words: stems, and tokens that stand for exact values. It holds no text, so taking a row out needs the same
# words again: `meta.analysis` remembers which analysis made them.
# extent: piece = 2 n, and 2 n + 1 for the second half of an extent across the antimeridian; its 32-bit
# numbers answer a superset, the doubles of `record` decide.

_CURRENT = "SELECT n, digest, version FROM record WHERE id = ?"
_DOCUMENT = "SELECT body FROM document JOIN record USING (n) WHERE id = ?"
_HISTORY = """
SELECT version, at, by, change, body FROM previous WHERE id = ? UNION ALL
SELECT version, at, by, change, body FROM record JOIN document USING (n) WHERE id = ? ORDER BY version
"""


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables of a new file, and index anew a file whose words another analysis made."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema == 0:
        _create(database)
    elif _meta(database, "analysis") != text.ANALYSIS:
        _reindex(database)


def _create(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone() == (0,):  # nobody made them meanwhile
        for statement in _SCHEMA.split(";\n"):
            if statement.strip():
                database.execute(statement)
        meta = [("analysis", text.ANALYSIS), ("generation", "0")]
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta)
        database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    database.commit()


def _reindex(database: sqlite3.Connection) -> None:
    logger.info("Le catalogue est indexé de nouveau : l'analyse des mots a changé.")
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO words (words) VALUES ('delete-all')")
    for number, body in database.execute("SELECT n, body FROM document"):
        _index_words(database, number, Record.from_geojson(json.loads(body)))
    database.execute("UPDATE meta SET value = ? WHERE key = 'analysis'", (text.ANALYSIS,))
    _bump(database)
    database.commit()


def _meta(database: sqlite3.Connection, key: str) -> str:
    (value,) = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(value)


def _bump(database: sqlite3.Connection) -> None:
    database.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_body(body: bytes | None) -> Record | None:
    return None if body is None else Record.from_geojson(json.loads(body))


# --- writing --------------------------------------------------------------------------------------


def _upsert(database: sqlite3.Connection, record: Record, by: str) -> Change:
    digest = record.digest()
    row = database.execute(_CURRENT, (record.id,)).fetchone()
    if row is None:
        (last,) = database.execute("SELECT max(version) FROM previous WHERE id = ?", (record.id,)).fetchone()
        _insert(database, record, None, digest, (last or 0) + 1, by, "created")
        return "created"
    number, known_digest, version = row
    if digest == known_digest:
        return "unchanged"
    _archive(database, record.id)
    _remove(database, number)
    _insert(database, record, number, digest, version + 1, by, "updated")
    return "updated"


def _insert(
    database: sqlite3.Connection,
    record: Record,
    number: int | None,
    digest: str,
    version: int,
    by: str,
    change: Change,
) -> None:
    first, last = (record.time.bounds() if record.time else None) or (None, None)
    extent = record.extent
    box = (extent.west, extent.south, extent.east, extent.north) if extent else (None,) * 4
    sortable = (
        record.type or None,
        text.fold(record.title) or None,
        record.created or None,
        record.updated or None,
    )
    row = (number, record.id, digest, version, _now(), by, change, *sortable, first, last, *box)
    cursor = database.execute(f"INSERT INTO record VALUES ({', '.join('?' * len(row))})", row)
    number = int(cursor.lastrowid or 0)
    database.execute("INSERT INTO document VALUES (?, ?)", (number, record.to_bytes()))
    identifiers = {(item.value, item.scheme, number) for item in record.external_ids}
    database.executemany("INSERT INTO external_id VALUES (?, ?, ?)", sorted(identifiers))
    _index_words(database, number, record)
    for piece, (west, south, east, north) in enumerate(extent.boxes() if extent else ()):
        database.execute("INSERT INTO extent VALUES (?, ?, ?, ?, ?)", (2 * number + piece, west, east, south, north))
    _bump(database)


def _index_words(database: sqlite3.Connection, number: int, record: Record) -> None:
    database.execute("INSERT INTO words (rowid, title, keywords, abstract, tokens) VALUES (?, ?, ?, ?, ?)",
                     (number, *_indexed(record)))  # fmt: skip


def _indexed(record: Record) -> tuple[str, str, str, str]:
    """Return what the full-text index knows of a record: three fields of stems, and the tokens."""
    concepts = [concept.title or concept.id for theme in record.themes for concept in theme.concepts]
    people = [f"{contact.organization} . {contact.name}" for contact in record.contacts]
    fields = (record.title, _apart(*record.keywords, *concepts), _apart(record.description, *people))
    tokens = [text.token("type", record.type)] if record.type else []
    tokens += [text.token("keyword", keyword) for keyword in record.keywords]
    title, keywords, abstract = (" ".join(text.stems(field)) for field in fields)
    return title, keywords, abstract, " ".join(tokens)


def _apart(*texts: str) -> str:
    """Join texts so that no phrase runs from one into the next."""
    return f" {_BOUNDARY} ".join(filter(None, texts))


_BOUNDARY = "zzfrontierezz"


def _archive(database: sqlite3.Connection, identifier: str) -> None:
    """Copy the current version into the history."""
    database.execute(
        "INSERT INTO previous SELECT id, version, at, by, change, body FROM record JOIN document USING (n) "
        "WHERE id = ?",
        (identifier,),
    )


def _remove(database: sqlite3.Connection, number: int) -> None:
    """Take a record out of every table but the history."""
    (body,) = database.execute("SELECT body FROM document WHERE n = ?", (number,)).fetchone()
    words = _indexed(Record.from_geojson(json.loads(body)))
    database.execute("INSERT INTO words (words, rowid, title, keywords, abstract, tokens) "
                     "VALUES ('delete', ?, ?, ?, ?, ?)", (number, *words))  # fmt: skip
    database.execute("DELETE FROM extent WHERE piece IN (?, ?)", (2 * number, 2 * number + 1))
    for table in ("external_id", "document", "record"):
        database.execute(f"DELETE FROM {table} WHERE n = ?", (number,))


# --- searching ------------------------------------------------------------------------------------

_WEIGHTS = "10.0, 5.0, 1.0, 0.0"
"""bm25 weights of title, keywords, abstract and tokens."""

_RANKED = f"bm25(words, {_WEIGHTS}), record.updated DESC, record.id"
_RECENT = "record.updated DESC, record.id"


@dataclass(frozen=True, slots=True)
class _Selection:
    """A query as SQL.

    ``match`` is the full-text part; beside it, no other condition may be a subquery that SQLite would run for
    every matching row, so extents are then compared on the narrow ``record`` rows alone.
    """

    match: str
    conditions: tuple[str, ...]
    parameters: tuple[object, ...]

    @property
    def body(self) -> str:
        if self.match and not self.conditions:
            return "FROM words WHERE words MATCH ?"
        source = "words JOIN record ON record.n = words.rowid" if self.match else "record"
        where = ("words MATCH ?",) * bool(self.match) + self.conditions
        return f"FROM {source}" + (f" WHERE {' AND '.join(where)}" if where else "")

    def count(self) -> tuple[str, tuple[object, ...]]:
        return f"SELECT count(*) {self.body}", self._values

    def page(self, query: RecordQuery) -> tuple[str, tuple[object, ...]]:
        body = self.body.replace("FROM words WHERE", "FROM words JOIN record ON record.n = words.rowid WHERE")
        order = _order(query)
        return f"SELECT record.n {body} ORDER BY {order} LIMIT ? OFFSET ?", (
            *self._values,
            query.limit,
            query.offset,
        )

    @property
    def _values(self) -> tuple[object, ...]:
        return (self.match, *self.parameters) if self.match else self.parameters


def _select(query: RecordQuery) -> _Selection | None:
    """Translate a query; None when no record can match (a ``q`` without any word)."""
    match = _match(query)
    if match is None:
        return None
    conditions: list[str] = []
    parameters: list[object] = []
    if query.bbox:
        _where_extent(query.bbox, conditions, parameters, indexed=not match)
    if query.datetime:
        conditions.append("record.first <= ? AND record.last >= ?")
        parameters += [query.datetime[1], query.datetime[0]]
    if query.ids:
        conditions.append(f"record.id IN ({', '.join('?' * len(query.ids))})")
        parameters += query.ids
    if query.type and not match:
        conditions.append(f"record.type IN ({', '.join('?' * len(query.type))})")
        parameters += query.type
    if query.external_ids:
        _where_external(query.external_ids, conditions, parameters)
    if len(parameters) > 900:
        raise QueryError("ids, externalIds, type : moins de 900 valeurs sont attendues dans une même requête.")
    return _Selection(match, tuple(conditions), tuple(parameters))


def _match(query: RecordQuery) -> str | None:
    """Return the FTS5 expression of ``q`` and ``type``: empty without ``q``, None when it has no word."""
    if not query.terms:
        return None if query.q.strip() else ""
    phrases = [" ".join(stems) for stems in map(text.stems, query.terms) if stems]
    if not phrases:
        return None
    match = "{title keywords abstract} : (" + " OR ".join(f'"{phrase}"' for phrase in phrases) + ")"
    if query.type:
        match += " AND tokens : (" + " OR ".join(f'"{text.token("type", kind)}"' for kind in query.type) + ")"
    return match


def _where_extent(bbox: Extent, conditions: list[str], parameters: list[object], *, indexed: bool) -> None:
    """Ask for extents that touch the box: by the R*Tree when it leads, and always on the stored doubles."""
    boxes = bbox.boxes()
    if indexed:
        piece = "(west <= ? AND east >= ? AND south <= ? AND north >= ?)"
        pieces = " OR ".join([piece] * len(boxes))
        conditions.append(f"record.n IN (SELECT piece >> 1 FROM extent WHERE {pieces})")
        for west, south, east, north in boxes:
            parameters += [east, west, north, south]
    exact = (
        "(record.south <= ? AND record.north >= ? AND CASE WHEN record.west <= record.east "
        "THEN record.west <= ? AND record.east >= ? ELSE record.west <= ? OR record.east >= ? END)"
    )
    conditions.append("(" + " OR ".join([exact] * len(boxes)) + ")")
    for west, south, east, north in boxes:
        parameters += [north, south, east, west, east, west]


def _where_external(identifiers: tuple[str, ...], conditions: list[str], parameters: list[object]) -> None:
    """Ask for ``value``, ``scheme:value`` or a whole ``scheme``."""
    one = "(e.value = ? OR e.scheme = ? OR e.scheme || ':' || e.value = ?)"
    any_of = " OR ".join([one] * len(identifiers))
    conditions.append(f"EXISTS (SELECT 1 FROM external_id AS e WHERE e.n = record.n AND ({any_of}))")
    for identifier in identifiers:
        parameters += [identifier] * 3


def _order(query: RecordQuery) -> str:
    if query.sortby:
        keys = [f"record.{key.name} {'DESC' if key.descending else 'ASC'} NULLS LAST" for key in query.sortby]
        return ", ".join([*keys, "record.id"])
    return _RANKED if query.terms else _RECENT


def _bodies(database: sqlite3.Connection, rows: list[tuple[int]]) -> Iterator[bytes]:
    """Fetch the documents of one page, last and by number."""
    for row in rows:
        (body,) = database.execute("SELECT body FROM document WHERE n = ?", row).fetchone()
        yield bytes(body)


def remove_store(path: Path) -> None:
    """Remove a store with its log: a ``-wal`` left beside a new file would be replayed into it, silently."""
    for suffix in ("-wal", "-shm", ""):
        name = f"{path}{suffix}"
        if os.path.lexists(name):
            Path(name).unlink()


def store_path(workspace: Path) -> Path:
    """Return where a workspace keeps its records."""
    return workspace / "catalogue.sqlite"
