"""How records are written into every table of a catalogue file, many at a time.

Rows go in by the hundred; the pairs of terms and records, whose B-tree is wide, go in sorted, at the end; a load into
an empty file makes the indexes last. All of it inside the caller's one transaction: no reader sees a half of it.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geoguichet.catalogue import places, text
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent, Record, instant_keys

type Change = Literal["created", "updated", "deleted", "unchanged"]
type Known = tuple[int, int, bytes]
"""The number of a record, its version, its document."""

INDEXES: Mapping[str, str] = MappingProxyType(
    {
        name: f"CREATE INDEX {name} ON {columns}"
        for name, columns in {
            "record_title": "record (title, id)",
            "record_type": "record (type, id)",
            "record_created": "record (created, id)",
            "record_updated": "record (updated, id)",
            "record_stamp": "record (stamp)",
            "tagged_record": "tagged (n, t)",
        }.items()
    }
)
"""The indexes that a load into an empty file makes last."""

BATCH = 500
"""Records written at once."""

_PENDING = 4_000_000
"""Pairs of terms and records that wait to be sorted (8 bytes each)."""


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
        database.executemany(f"INSERT INTO record VALUES ({', '.join('?' * 24)})", self.record)
        database.executemany("INSERT OR REPLACE INTO document VALUES (?, ?)", self.document)
        words = "INSERT INTO words (rowid, title, keywords, abstract, tokens) VALUES (?, ?, ?, ?, ?)"
        database.executemany(words, self.words)
        database.executemany("INSERT INTO extent VALUES (?, ?, ?, ?, ?)", self.extent)
        database.executemany("INSERT INTO shape VALUES (?, ?)", self.shape)
        database.executemany("INSERT INTO external_id VALUES (?, ?, ?)", self.external_id)


class Writer:
    """Writes records inside one transaction under one generation; all of it is in the tables after `flush`."""

    def __init__(self, database: sqlite3.Connection, stamp: int, *, by: str = "") -> None:
        self.database = database
        self.stamp = stamp
        self.by = by
        (self._last,) = database.execute("SELECT coalesce(max(n), 0) FROM record").fetchone()
        self._terms: dict[tuple[str, str], tuple[int, str]] = {}
        self._more: Counter[int] = Counter()
        self._tagged: list[NDArray[np.int64]] = []
        self._pending = 0
        self._without_indexes = False

    def drop_indexes(self) -> None:
        """Leave the indexes to the end, if nothing is stored yet."""
        if self._last == 0:
            self._without_indexes = True
            for name in INDEXES:
                self.database.execute(f"DROP INDEX {name}")

    def upsert(self, records: Sequence[Record]) -> list[Change]:
        """Store at most `BATCH` records of different identifiers, their previous versions in the history."""
        known, versions = self._known([record.id for record in records])
        rows, at = _Rows(), now()
        changes: list[Change] = []
        for record in records:
            body, before = record.to_bytes(), known.get(record.id)
            if before is None:
                self._last += 1
                number, version, change = self._last, versions.get(record.id, 0) + 1, "created"
            elif _same(before[2], body):
                changes.append("unchanged")
                continue
            else:
                number, version, change = before[0], before[1] + 1, "updated"
                archive(self.database, record.id)
                self.remove(number)
            changes.append("created" if change == "created" else "updated")
            self._add(rows, record, body, number, (version, at, self.by, change))
        rows.insert(self.database)
        return changes

    def write_again(self, kept: Iterable[tuple[Record, int, int, str, str, str]]) -> None:
        """Write records under the number, version, time, author and change that they had."""
        rows = _Rows()
        for record, number, *version in kept:
            self._add(rows, record, record.to_bytes(), number, tuple(version))
        rows.insert(self.database)

    def remove(self, number: int) -> None:
        """Take a record out of every table but the history."""
        self._write_tagged()
        database = self.database
        (body,) = database.execute("SELECT body FROM document WHERE n = ?", (number,)).fetchone()
        (terms,) = database.execute("SELECT terms FROM record WHERE n = ?", (number,)).fetchone()
        record = Record.from_geojson(json.loads(body))
        words = (*_words(record), _tokens(map(self._term, _terms(record)), record.extent))
        database.execute("INSERT INTO words (words, rowid, title, keywords, abstract, tokens) "
                         "VALUES ('delete', ?, ?, ?, ?, ?)", (number, *words))  # fmt: skip
        database.execute("DELETE FROM extent WHERE piece IN (?, ?)", (2 * number, 2 * number + 1))
        numbers = np.frombuffer(terms, dtype="<i4").tolist()
        self._more.subtract(numbers)
        database.executemany("DELETE FROM tagged WHERE t = ? AND n = ?", [(term, number) for term in numbers])
        for table in ("external_id", "shape", "document", "record"):
            database.execute(f"DELETE FROM {table} WHERE n = ?", (number,))

    def flush(self) -> None:
        """Write what was gathered: terms and how many records have each, then the indexes."""
        self._write_tagged()
        more = [(count, number) for number, count in self._more.items() if count]
        self.database.executemany("UPDATE term SET records = records + ? WHERE t = ?", more)
        self._more.clear()
        if self._without_indexes:
            for statement in INDEXES.values():
                self.database.execute(statement)
            self._without_indexes = False

    def _write_tagged(self) -> None:
        if not self._tagged:
            return
        pairs = np.sort(np.concatenate(self._tagged))
        self._tagged.clear()
        self._pending = 0
        for start in range(0, len(pairs), 100_000):
            some = pairs[start : start + 100_000]
            rows = zip((some >> 32).tolist(), (some & 0xFFFFFFFF).tolist(), strict=True)
            self.database.executemany("INSERT INTO tagged VALUES (?, ?)", rows)

    def _known(self, identifiers: Sequence[str]) -> tuple[dict[str, Known], dict[str, int]]:
        """Return the current rows of some records, and the last versions of those that were deleted."""
        marks = ", ".join("?" * len(identifiers))
        current = f"SELECT id, n, version, body FROM record JOIN document USING (n) WHERE id IN ({marks})"
        past = f"SELECT id, max(version) FROM previous WHERE id IN ({marks}) GROUP BY id"
        found = {name: (number, version, bytes(body)) for name, number, version, body in
                 self.database.execute(current, identifiers)}  # fmt: skip
        return found, dict(self.database.execute(past, identifiers).fetchall())

    def _add(self, rows: _Rows, record: Record, body: bytes, number: int, version: tuple[object, ...]) -> None:
        """Gather the rows of a record."""
        extent = record.extent
        named = [self._term(term) for term in _terms(record)]
        terms = sorted(number for number, _ in named)
        self._more.update(terms)
        self._tagged.append((np.array(terms, dtype=np.int64) << 32) | number)
        self._pending += len(terms)
        if self._pending > _PENDING:
            self._write_tagged()
        title, keywords, abstract = _words(record)
        rows.words.append((number, title, keywords, abstract, _tokens(named, extent)))
        rows.document.append((number, body))
        rows.record.append((
            number, record.id, *version, self.stamp, record.type or None, text.fold(record.title) or None,
            *_times(record), *((extent.west, extent.south, extent.east, extent.north) if extent else (None,) * 4),
            record.title or None, record.license or None, _language(record), title.count(" ") + bool(title),
            np.array(terms, dtype="<i4").tobytes(),
        ))  # fmt: skip
        rows.external_id += sorted({(item.value, item.scheme, number) for item in record.external_ids})
        if extent is not None:
            for piece, (west, south, east, north) in enumerate(extent.boxes()):
                rows.extent.append((2 * number + piece, west, east, south, north))
            if shape := _wkb(record, extent):
                rows.shape.append((number, shape))

    def _term(self, term: tuple[str, str]) -> tuple[int, str]:
        """Return the number of a term, and the word that stands for it in the index."""
        known = self._terms.get(term)
        if known is None:
            self.database.execute("INSERT OR IGNORE INTO term (field, value, records) VALUES (?, ?, 0)", term)
            (number,) = self.database.execute("SELECT t FROM term WHERE field = ? AND value = ?", term).fetchone()
            known = self._terms[term] = (int(number), text.token(*term))
        return known


def archive(database: sqlite3.Connection, identifier: str) -> None:
    """Copy the current version into the history."""
    database.execute(
        "INSERT INTO previous SELECT id, version, at, by, change, body FROM record JOIN document USING (n) "
        "WHERE id = ?",
        (identifier,),
    )


def now() -> str:
    """Return the time as the history tells it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(before: bytes, after: bytes) -> bool:
    """Say whether two documents have the same content, whatever the order of their members."""
    return before == after or _canonical(before) == _canonical(after)


def _canonical(body: bytes) -> str:
    return json.dumps(json.loads(body), sort_keys=True)


# --- what a row holds ------------------------------------------------------------------------------


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


def _wkb(record: Record, extent: Extent) -> bytes | None:
    """Return the geometry as stored for exact questions: flat, valid; None when it cannot be read as one."""
    west, south, east, north = extent.west, extent.south, extent.east, extent.north
    if west < east and south < north and record.geometry == extent.as_geometry():  # a box, as most are
        ring = (west, south, east, south, east, north, west, north, west, south)
        return struct.pack("<BIII10d", 1, 3, 1, 5, *ring)
    try:
        geometry = shapely.force_2d(shapely.from_geojson(json.dumps(record.geometry)))
        return bytes(shapely.to_wkb(geometry if geometry.is_valid else shapely.make_valid(geometry)))
    except (shapely.errors.GEOSException, TypeError, ValueError):
        return None


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


def _words(record: Record) -> tuple[str, str, str]:
    """Return what the full-text index knows of a record's text: the stems of its title, keywords and abstract."""
    concepts = [concept.title or concept.id for theme in record.themes for concept in theme.concepts]
    people = [f"{contact.organization} . {contact.name}" for contact in record.contacts]
    return _stemmed(record.title), _apart(*record.keywords, *concepts), _apart(record.description, *people)


def _stemmed(told: str) -> str:
    return " ".join(text.stems(told))


def _tokens(terms: Iterable[tuple[int, str]], extent: Extent | None) -> str:
    """Return the words of the index that stand for the exact values and the place of a record."""
    tokens = [token for _, token in terms]
    return " ".join(tokens + places.tokens_of(extent) if extent else tokens)


def _apart(*texts: str) -> str:
    """Return the stems of texts, so that no phrase runs from one into the next."""
    return _BOUNDARY.join(_stemmed(told) for told in texts if told)


_BOUNDARY = " zzfrontierezz "
