"""What a record can be asked about, the tables of a catalogue file that answer, and how records are
written into them, many at a time.

Rows go in by the hundred; the pairs of terms and records, whose B-tree is wide, go in sorted, at
the end; a load into an empty file makes the indexes last. All of it inside the caller's one
transaction: no reader sees a half of it.
"""

import json
import os
import sqlite3
import struct
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from geoguichet.catalogue import text
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent, Record
from geoguichet.catalogue.search import audiences
from geoguichet.catalogue.search.audiences import EVERYONE, EVERYONE_NUMBER, Shown
from geoguichet.catalogue.text import instant_keys
from geoguichet.floor.files import run
from geoguichet.floor.words import Message

# What a record can be asked about: a row for each property, that says all there is to know of it.
# A filter, a sort, a facet, an exact value, the index and the pages read these rows: a property
# is added here and nowhere else.


#: The kinds of value of CQL2; an array holds texts.
type Kind = Literal["text", "number", "boolean", "instant", "interval", "geometry", "array"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queryable:
    """One property: its kind, its name for readers, where it is found, what it is good for."""

    kind: Kind
    title: Message
    #: Its value as SQL on the row ``record``: for an array, the query of its values; for an instant
    #: or an interval, the key of its start. By default its terms, for an array, else the member of
    #: the document's properties.
    sql: str = ""
    #: The key of its end, for an instant or an interval.
    sql_end: str = ""
    #: What a search is sorted by, as SQL; empty when none can be. An index makes it quick.
    sort: str = ""
    #: The values that a record is indexed by, one by one: what a facet counts, what a parameter of
    #: the property's name compares exactly. The store indexes itself anew when a property gains
    #: them.
    terms: Callable[[Record], Iterable[str]] | None = None
    #: How its values are counted: one by one, or by year.
    facet: Literal["", "term", "histogram"] = ""
    #: On the catalogue's page, the place of its facet and how many values are shown.
    page: tuple[int, int] | None = None
    #: Which list names its values for readers, where they are codes: ``type``, ``license`` ...
    labels: str = ""
    #: Whether records hold it under its name, rather than it being worked out of others.
    is_member: bool = True


# Yield the texts of an added member: itself, those of its list, or the names in it.
def _texts(record: Record, member: str) -> Iterator[str]:
    held = record.extra_properties.get(member)
    for item in held if isinstance(held, list) else [held]:
        told = item.get("name") if isinstance(item, dict) else item
        if isinstance(told, str):
            yield told


# Return the row of a side of the extent.
def _side(name: str, title: Message) -> Queryable:
    return Queryable(kind="number", title=title, sql=f"record.{name}", is_member=False)


#: ``themes`` are the identifiers of the concepts, ``organization`` the organisations of the
#: contacts.
QUERYABLES: Mapping[str, Queryable] = MappingProxyType(
    {
        "id": Queryable(
            kind="text", title=Message("Identifiant"), sql="record.id", sort="record.id"
        ),
        "type": Queryable(
            kind="text",
            title=Message("Type"),
            sql="record.type",
            sort="record.type",
            terms=lambda record: (record.type,),
            facet="term",
            page=(1, 10),
            labels="type",
        ),
        "title": Queryable(
            kind="text", title=Message("Titre"), sql="record.name", sort="record.title"
        ),
        "description": Queryable(kind="text", title=Message("Résumé")),
        "keywords": Queryable(
            kind="array",
            title=Message("Mots-clés"),
            terms=lambda record: record.keywords,
            facet="term",
            page=(3, 12),
        ),
        "themes": Queryable(
            kind="array",
            title=Message("Thèmes"),
            terms=lambda record: (item.id for theme in record.themes for item in theme.concepts),
            facet="term",
            page=(4, 8),
            labels="theme",
        ),
        "organization": Queryable(
            kind="array",
            title=Message("Organismes"),
            terms=lambda record: (contact.organization for contact in record.contacts),
            facet="term",
            page=(2, 8),
            is_member=False,
        ),
        "format": Queryable(
            kind="array",
            title=Message("Formats"),
            terms=lambda record: _texts(record, "formats"),
            facet="term",
            is_member=False,
        ),
        "license": Queryable(
            kind="text",
            title=Message("Licence"),
            sql="record.license",
            terms=lambda record: (record.license,),
            facet="term",
            page=(5, 8),
            labels="license",
        ),
        "rights": Queryable(kind="text", title=Message("Droits")),
        "language": Queryable(
            kind="text", title=Message("Langue"), sql="record.language", is_member=False
        ),
        "externalIds": Queryable(
            kind="array",
            title=Message("Autres identifiants"),
            sql="SELECT e.value FROM external_id AS e WHERE e.n = record.n",
        ),
        "created": Queryable(
            kind="instant",
            title=Message("Création de la fiche"),
            sql="record.created",
            sql_end="record.created_last",
            sort="record.created",
        ),
        "updated": Queryable(
            kind="instant",
            title=Message("Mise à jour de la fiche"),
            sql="record.updated",
            sql_end="record.updated_last",
            sort="record.updated",
            facet="histogram",
        ),
        "time": Queryable(
            kind="interval",
            title=Message("Période"),
            sql="record.first",
            sql_end="record.last",
        ),
        "geometry": Queryable(
            kind="geometry",
            title=Message("Géométrie"),
            sql="(SELECT wkb FROM shape WHERE shape.n = record.n)",
        ),
        "west": _side("west", Message("Longitude ouest (degrés)")),
        "south": _side("south", Message("Latitude sud (degrés)")),
        "east": _side("east", Message("Longitude est (degrés)")),
        "north": _side("north", Message("Latitude nord (degrés)")),
    }
)

#: Properties a search can be sorted by.
SORTABLES = tuple(name for name, queryable in QUERYABLES.items() if queryable.sort)

#: Properties whose values are indexed one by one, and what gives those of a record.
TERMS = {name: queryable.terms for name, queryable in QUERYABLES.items() if queryable.terms}

#: Properties whose values are counted.
FACETS = tuple(name for name, queryable in QUERYABLES.items() if queryable.facet)

#: Properties that a parameter of their name compares with one exact value (``type`` takes several).
EXACT = tuple(name for name in TERMS if name != "type")

_SHOWN = sorted((row.page, name) for name, row in QUERYABLES.items() if row.page)
#: The facets that the page of the catalogue shows, as its parameter ``facets`` asks for them.
PAGE_FACETS = ",".join(f"{name}:{most}" for (_, most), name in _SHOWN)


def sql_of(name: str) -> str:
    """Return the value of a property as SQL (see `Queryable.sql`)."""
    queryable = QUERYABLES[name]
    if queryable.sql:
        return queryable.sql
    if queryable.kind == "array":
        return (
            "SELECT term.value FROM tagged JOIN term USING (t) "
            f"WHERE tagged.n = record.n AND term.field = '{name}'"
        )
    return (
        f"(SELECT json_extract(CAST(body AS TEXT), '$.properties.{name}') "
        "FROM document WHERE document.n = record.n)"
    )


#: What people do about a record beside writing it; what waits is to be reviewed.
type Step = Literal["submitted", "commented", "sent_back", "published", "withdrawn"]
type Change = Literal["created", "updated", "deleted", "unchanged"] | Step


class Known(NamedTuple):
    """The row of a record; ``waiting`` to be reviewed."""

    number: int
    version: int
    document: bytes
    audience: int
    waiting: int


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


#: The indexes that a load into an empty file makes last.
INDEXES: Mapping[str, str] = MappingProxyType(
    {
        name: f"CREATE INDEX {name} ON {columns}"
        for name, columns in {
            "record_title": "record (title, id)",
            "record_type": "record (type, id)",
            "record_created": "record (created, id)",
            "record_updated": "record (updated, id)",
            "record_stamp": "record (stamp)",
            "record_waiting": "record (waiting) WHERE waiting",
            "tagged_record": "tagged (n, t)",
        }.items()
    }
)

#: Records written at once.
BATCH = 500

#: In the document of a record that says who sees it; few do.
_SAYS_WHO_SEES = f'"{audiences.MEMBER}":'.encode()

#: Pairs of terms and records that wait to be sorted (8 bytes each).
_PENDING = 4_000_000


class Indexed(NamedTuple):
    """What the tables hold of a record but its document and its numbers; made by `indexed`."""

    id: str
    terms: list[tuple[str, str]]
    words: tuple[str, str, str]
    extent: Extent | None
    columns: tuple[object, ...]
    external_ids: list[tuple[str, str]]
    shape: bytes | None


@dataclass(slots=True)
class _Rows:
    """The rows of some records, by table."""

    record: list[tuple[object, ...]] = field(default_factory=list)
    document: list[tuple[int, bytes]] = field(default_factory=list)
    words: list[tuple[object, ...]] = field(default_factory=list)
    extent: list[tuple[float, ...]] = field(default_factory=list)
    shape: list[tuple[int, bytes]] = field(default_factory=list)
    external_id: list[tuple[str, str, int]] = field(default_factory=list)

    def insert(self, database: sqlite3.Connection) -> None:
        for table, into in _INTO.items():
            database.executemany(f"INSERT {into}", getattr(self, table))


_INTO = {
    "record": f"INTO record VALUES ({', '.join('?' * 27)})",
    "document": "OR REPLACE INTO document VALUES (?, ?)",
    "words": "INTO words (rowid, title, keywords, abstract, tokens) VALUES (?, ?, ?, ?, ?)",
    "extent": "INTO extent VALUES (?, ?, ?, ?, ?)",
    "shape": "INTO shape VALUES (?, ?)",
    "external_id": "INTO external_id VALUES (?, ?, ?)",
}


class Writer:
    """Writes records inside one transaction under one generation; all of it is in the tables after
    `flush`.
    """

    def __init__(self, database: sqlite3.Connection, stamp: int, *, by: str = "") -> None:
        self.database = database
        self.stamp = stamp
        self.by = by
        (self._last,) = database.execute("SELECT coalesce(max(n), 0) FROM record").fetchone()
        self._terms: dict[tuple[str, str], tuple[int, str]] = {}
        self._more: Counter[int] = Counter()
        self._tagged: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
        self._waiting = 0
        self.changed: set[int] = set()
        """The audiences of which a record changed."""
        self._without_indexes = False

    def drop_indexes(self) -> None:
        """Leave the indexes to the end, if nothing is stored yet."""
        if self._last == 0:
            self._without_indexes = True
            for name in INDEXES:
                self.database.execute(f"DROP INDEX {name}")

    def upsert(
        self, records: Sequence[tuple[Record | Indexed, bytes]], shown: Shown | None = None
    ) -> list[Change]:
        """Store at most `BATCH` records of different identifiers, each with its document, their
        previous versions in the history.

        They are ``shown`` to whom they were before unless it says to whom, new ones to everyone.
        """
        known, versions = self.known([record.id for record, _ in records])
        rows, at = _Rows(), now()
        told = EVERYONE_NUMBER if shown == EVERYONE else None
        if shown is not None and told is None:
            told = audiences.number_of(self.database, shown)
        changes: list[Change] = []
        for record, body in records:
            before = known.get(record.id)
            seen = told if told is not None else before.audience if before else EVERYONE_NUMBER
            if seen != EVERYONE_NUMBER or _SAYS_WHO_SEES in body:
                whole = Record.from_geojson(json.loads(body))
                record = audiences.labelled(self.database, whole, seen)
                body = record.to_bytes()
            if before is None:
                self._last += 1
                number, version, change = self._last, versions.get(record.id, 0) + 1, "created"
            elif seen == before.audience and _same(before.document, body):
                changes.append("unchanged")
                continue
            else:
                number, version, change = before.number, before.version + 1, "updated"
                archive(self.database, record.id)
                self.remove(number)
            changes.append("created" if change == "created" else "updated")
            rights = (seen, "", before.waiting if before else 0)
            self._add(rows, record, body, number, (version, at, self.by, change), rights)
        rows.insert(self.database)
        return changes

    def write_again(self, kept: Iterable[tuple[Record, tuple[Any, ...]]]) -> None:
        """Write records with what their rows held."""
        rows = _Rows()
        for record, (number, *version, seen, note, left) in kept:
            self._add(rows, record, record.to_bytes(), number, tuple(version), (seen, note, left))
        rows.insert(self.database)

    def remove(self, number: int) -> None:
        """Take a record out of every table but the history."""
        self._write_tagged()
        database = self.database
        (body,) = database.execute("SELECT body FROM document WHERE n = ?", (number,)).fetchone()
        terms, seen = database.execute(
            "SELECT terms, audience FROM record WHERE n = ?", (number,)
        ).fetchone()
        self.changed.add(seen)
        record = Record.from_geojson(json.loads(body))
        database.execute(
            "INSERT INTO words (words, rowid, title, keywords, abstract, tokens) "
            "VALUES ('delete', ?, ?, ?, ?, ?)",
            (number, *_words(record), _tokens(map(self._term, _terms(record)), record.extent)),
        )
        database.execute("DELETE FROM extent WHERE piece IN (?, ?)", (2 * number, 2 * number + 1))
        numbers = struct.unpack(f"<{len(terms) // 4}i", terms)
        self._more.subtract(numbers)
        database.executemany(
            "DELETE FROM tagged WHERE t = ? AND n = ?", [(term, number) for term in numbers]
        )
        for table in ("external_id", "shape", "document", "record"):
            database.execute(f"DELETE FROM {table} WHERE n = ?", (number,))

    def flush(self) -> None:
        """Write what was gathered: terms and how many records have each, then the indexes."""
        self._write_tagged()
        more = [(count, number) for number, count in self._more.items() if count]
        self.database.executemany("UPDATE term SET records = records + ? WHERE t = ?", more)
        self._more.clear()
        marks = ", ".join(map(str, self.changed))
        self.database.execute(f"UPDATE audience SET stamp = ? WHERE a IN ({marks})", (self.stamp,))
        if self._without_indexes:
            for statement in INDEXES.values():
                self.database.execute(statement)
            self._without_indexes = False

    def _write_tagged(self) -> None:
        tagged = self._tagged
        pairs = ((term, number) for term in sorted(tagged) for number in sorted(tagged[term]))
        self.database.executemany("INSERT INTO tagged VALUES (?, ?)", pairs)
        self._tagged.clear()
        self._waiting = 0

    def known(self, identifiers: Sequence[str]) -> tuple[dict[str, Known], dict[str, int]]:
        """Return the current rows of some records, and the last versions of those deleted."""
        marks = ", ".join("?" * len(identifiers))
        current = (
            "SELECT id, n, version, body, audience, waiting FROM record JOIN document USING (n) "
            f"WHERE id IN ({marks})"
        )
        past = f"SELECT id, max(version) FROM previous WHERE id IN ({marks}) GROUP BY id"
        found = {name: Known(number, version, bytes(body), *rights) for
                 name, number, version, body, *rights in
                 self.database.execute(current, identifiers)}  # fmt: skip
        return found, dict(self.database.execute(past, identifiers).fetchall())

    # Gather the rows of a record.
    def _add(
        self, rows: _Rows, told: Record | Indexed, body: bytes, number: int,
        version: tuple[object, ...], rights: tuple[int, str, int],
    ) -> None:  # fmt: skip
        held = indexed(told) if isinstance(told, Record) else told
        extent = held.extent
        self.changed.add(rights[0])
        named = [self._term(term) for term in held.terms]
        terms = sorted(number for number, _ in named)
        self._more.update(terms)
        for term in terms:
            self._tagged[term].append(number)
        self._waiting += len(terms)
        if self._waiting > _PENDING:
            self._write_tagged()
        rows.words.append((number, *held.words, _tokens(named, extent)))
        rows.document.append((number, body))
        packed = struct.pack(f"<{len(terms)}i", *terms)
        rows.record.append((number, held.id, *version, self.stamp, *held.columns, packed, *rights))
        rows.external_id += [(*external, number) for external in held.external_ids]
        if extent is not None:
            for piece, (west, south, east, north) in enumerate(extent.boxes()):
                rows.extent.append((2 * number + piece, west, east, south, north))
        if held.shape:
            rows.shape.append((number, held.shape))

    # Return the number of a term, and the word that stands for it in the index.
    def _term(self, term: tuple[str, str]) -> tuple[int, str]:
        known = self._terms.get(term)
        if known is None:
            self.database.execute(
                "INSERT OR IGNORE INTO term (field, value, records) VALUES (?, ?, 0)", term
            )
            (number,) = self.database.execute(
                "SELECT t FROM term WHERE field = ? AND value = ?", term
            ).fetchone()
            known = self._terms[term] = (int(number), text.token(*term))
        return known


def archive(database: sqlite3.Connection, identifier: str) -> None:
    """Copy the current version into the history."""
    database.execute(
        "INSERT INTO previous SELECT id, version, at, by, change, body, audience, note FROM record "
        "JOIN document USING (n) WHERE id = ?",
        (identifier,),
    )


def now() -> str:
    """Return the time as the history tells it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Say whether two documents have the same content, whatever the order of their members.
def _same(before: bytes, after: bytes) -> bool:
    return before == after or _canonical(before) == _canonical(after)


def _canonical(body: bytes) -> str:
    return json.dumps(json.loads(body), sort_keys=True)


def indexed(record: Record) -> Indexed:
    """Return what the tables are to hold of a record."""
    extent, told = record.extent, _words(record)
    columns = (
        record.type or None, text.fold(record.title) or None, *_times(record),
        *((extent.west, extent.south, extent.east, extent.north) if extent else (None,) * 4),
        record.title or None, record.license or None, _language(record),
        told[0].count(" ") + bool(told[0]),
    )  # fmt: skip
    externals = sorted({(item.value, item.scheme) for item in record.external_ids})
    shape = _wkb(record, extent) if extent else None
    return Indexed(record.id, _terms(record), told, extent, columns, externals, shape)


# Return the keys of created and updated, first ones then last ones, and those of the time of the
# content.
def _times(record: Record) -> tuple[str | None, ...]:
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


# Return the geometry as stored for exact questions: flat, valid; None when it cannot be read so.
def _wkb(record: Record, extent: Extent) -> bytes | None:
    west, south, east, north = extent.west, extent.south, extent.east, extent.north
    if record.geometry and record.geometry["type"] == "Point":
        return struct.pack("<BI2d", 1, 1, west, south)
    if record.geometry == extent.as_geometry():  # a box, as most are, or two at the antimeridian
        if all(box[0] < box[2] for box in extent.boxes()) and south < north:
            boxes = [
                struct.pack("<BIII10d", 1, 3, 1, 5, w, s, e, s, e, n, w, n, w, s)
                for w, s, e, n in extent.boxes()
            ]
            return boxes[0] if len(boxes) == 1 else struct.pack("<BII", 1, 6, 2) + b"".join(boxes)
        if west == east and south == north:  # what is valid of it: a point, or a line
            return struct.pack("<BI2d", 1, 1, west, south)
        if west <= east:
            return struct.pack("<BII4d", 1, 2, 2, west, south, east, north)
    import shapely

    try:
        read = shapely.force_2d(shapely.from_geojson(json.dumps(record.geometry)))
        return bytes(shapely.to_wkb(read if read.is_valid else shapely.make_valid(read)))
    except (shapely.errors.GEOSException, TypeError, ValueError):
        return None


# Return the (property, value) pairs of the facets and of the arrays a filter can ask about.
def _terms(record: Record) -> list[tuple[str, str]]:
    pairs = ((name, value) for name, values in TERMS.items() for value in values(record))
    return list(dict.fromkeys(pair for pair in pairs if pair[1]))


# Return what the full-text index knows of a record's text: the stems of its title, keywords and
# abstract.
def _words(record: Record) -> tuple[str, str, str]:
    concepts = [
        concept.title or concept.id for theme in record.themes for concept in theme.concepts
    ]
    people = [f"{contact.organization} . {contact.name}" for contact in record.contacts]
    return (
        _stemmed(record.title),
        _apart(*record.keywords, *concepts),
        _apart(record.description, *people),
    )


def _stemmed(told: str) -> str:
    return " ".join(text.stems(told))


# Return the words of the index that stand for the exact values and the place of a record.
def _tokens(terms: Iterable[tuple[int, str]], extent: Extent | None) -> str:
    tokens = [token for _, token in terms]
    return " ".join(tokens + text.tokens_of(extent.boxes()) if extent else tokens)


# Return the stems of texts, so that no phrase runs from one into the next.
def _apart(*texts: str) -> str:
    return _BOUNDARY.join(_stemmed(told) for told in texts if told)


_BOUNDARY = " zzfrontierezz "


# The tables of a catalogue file (`upgrade.SCHEMA` has their versions).

#: The properties that files indexed before they told which (``meta.terms``).
_FIRST_TERMS = "format keywords license organization themes type"

KEPT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE document (n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE previous (id TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL,
  change TEXT NOT NULL, body BLOB, audience INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (id, version)) WITHOUT ROWID;
"""
DERIVED = """
CREATE TABLE record (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, change TEXT NOT NULL, stamp INTEGER NOT NULL,
  type TEXT, title TEXT, created TEXT, updated TEXT, created_last TEXT, updated_last TEXT,
  first TEXT, last TEXT, west REAL, south REAL, east REAL, north REAL,
  name TEXT, license TEXT, language TEXT, title_words INTEGER NOT NULL, terms BLOB NOT NULL,
  audience INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '', waiting INTEGER NOT NULL DEFAULT 0
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
# record: created, updated, first and last are sort keys (`text.instant_keys`), title is folded,
# name is not; stamp is the generation that wrote the row (removed: that took it out); terms are the
# numbers of its terms, 32-bit integers in a row; note is what was said of the version, waiting that
# the record is to be reviewed.
# meta.numbering changes when the numbers of records or terms do (another file under the same name,
# indexes made anew).
# words: stems, and tokens that stand for exact values and places. It holds no text, so taking a row
# out needs the same words again: `meta.analysis` remembers which analysis made them.
# extent: piece = 2 n, and 2 n + 1 for the second half of an extent across the antimeridian; its
# 32-bit numbers answer a superset, the doubles of `record` decide.


def fill(database: sqlite3.Connection) -> None:
    """Put into new tables what they hold from the start."""
    run(database, *INDEXES.values())
    database.execute("INSERT INTO audience VALUES (?, ?, ?, 0)", (EVERYONE_NUMBER, *EVERYONE))
    values = made_with() | {"generation": "0", "numbering": os.urandom(16).hex()}
    database.executemany("INSERT INTO meta VALUES (?, ?)", values.items())


def is_made_otherwise(database: sqlite3.Connection) -> bool:
    """Say whether the indexes of a file are of another analysis of words, or other properties."""
    made = dict(database.execute("SELECT key, value FROM meta WHERE key IN ('analysis', 'terms')"))
    return {"terms": _FIRST_TERMS} | made != made_with()


def made_with() -> dict[str, str]:
    """Return how the indexes of a file are made: one made otherwise is indexed anew."""
    return {"analysis": text.ANALYSIS, "terms": " ".join(sorted(TERMS))}


def meta(database: sqlite3.Connection, key: str) -> str:
    """Return a value the file remembers about itself."""
    (value,) = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(value)


def next_generation(database: sqlite3.Connection) -> int:
    """Return the generation of a change made now: the time in milliseconds, or one more than the
    last if more.
    """
    return max(int(meta(database, "generation")) + 1, time.time_ns() // 1_000_000)


def remember_generation(database: sqlite3.Connection, generation: int) -> None:
    """Make the generation grow."""
    database.execute("UPDATE meta SET value = ? WHERE key = 'generation'", (str(generation),))
