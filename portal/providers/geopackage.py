"""One layer of a GeoPackage, asked in SQL through sqlite3: how many rows match, which they are in an
order, and those rows, their geometries written in bulk as GeoJSON.

Counts are kept for each state of a file; the words of a layer are indexed in memory when a text is
first looked for in it.
"""

import atexit
import math
import os
import re
import sqlite3
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import count as counting
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import shapely

from geoguichet.catalogue.search.cql2 import Property
from geoguichet.catalogue.search.cql2_sql import Sql, register
from geoguichet.catalogue.search.query import after_row
from geoguichet.catalogue.search.tables import Kind
from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError

type Box = tuple[float, float, float, float]
#: Which file, in which state: path, inode, time and size; and which of its layers.
type Stamp = tuple[str, int, int, int, str]

_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
#: The JSON type of each type of GeoPackage that is no text.
_JSON_TYPES = {
    "BOOLEAN": "boolean",
    **dict.fromkeys(("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "REAL"), "number"),
}
KINDS: Mapping[str, Kind] = {
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "string": "text",
}
#: How the first and the last instant of a date are told, as `cql2` compares them.
_INSTANTS = {
    "DATE": ("({0} || 'T00:00:00.000000Z')", "({0} || 'T23:59:59.999999Z')"),
    "DATETIME": ("strftime('%Y-%m-%dT%H:%M:%f000Z', {0})",) * 2,
}


@dataclass(frozen=True, slots=True)
class Schema:
    """What a layer is made of; ``columns`` gives the JSON type of each attribute (no key, no
    geometry, nothing binary).
    """

    table: str
    key: str
    geometry: str
    columns: Mapping[str, str]
    #: Whether the layer has its own R*Tree.
    indexed: bool
    #: ``POINT``, ``MULTIPOLYGON``...
    geometry_type: str = "GEOMETRY"
    #: The columns that are dates: ``DATE`` or ``DATETIME``.
    dates: Mapping[str, str] = field(default_factory=dict)
    #: The columns of each of its indexes of two or more.
    pairs: frozenset[tuple[str, ...]] = frozenset()

    @property
    def index(self) -> str:
        """The name of the R*Tree."""
        return f'"rtree_{self.table}_{self.geometry}"'

    def properties(self) -> dict[str, Property]:
        """Return what a filter may ask about, as it is asked of this layer."""
        made = {}
        for name, kind in self.columns.items():
            column = f"t.{quoted(name)}"
            if name in self.dates:
                first, last = (each.format(column) for each in _INSTANTS[self.dates[name]])
                made[name] = Property(name, "instant", first, last)
            else:
                made[name] = Property(name, KINDS[kind], column)
        apart = "t.{0} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {1} WHERE id = t.{2} AND {3})"
        near = "minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?"
        names = quoted(self.geometry), self.index, quoted(self.key), near
        made["geometry"] = Property(
            "geometry",
            "geometry",
            f"layer_wkb(t.{names[0]})",
            apart=apart.format(*names) if self.indexed else "? + ? + ? + ? IS NULL",
        )
        return made


class Key(NamedTuple):
    """One value that rows stand in order of (see `query.Ordered`)."""

    name: str
    sql: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the rows of an answer must meet: one of the boxes by their geometry itself, touch each
    of ``near`` by their envelope, and conditions.
    """

    boxes: tuple[Box, ...] = ()
    near: tuple[Box, ...] = ()
    where: tuple[Sql, ...] = ()
    #: Words, as FTS5 asks for them.
    words: str = ""


ALL = Chosen()
#: What more than one row in so many meets is asked row by row, in order, not before all else.
_WIDE = 20
#: Rows left aside, from which that costs more.
_FAR = 3_000


class Layer:
    """An open layer; see `open_layer`."""

    def __init__(self, database: sqlite3.Connection, schema: Schema, stamp: Stamp) -> None:
        self.schema = schema
        self._database = database
        self._stamp = stamp
        self._table = f"{quoted(schema.table)} AS t"
        self._key = f"t.{quoted(schema.key)}"

    @property
    def last_key(self) -> Key:
        """What tells rows apart that are equal in all else."""
        return Key("id", self._key)

    def count(self, chosen: Chosen = ALL) -> int:
        """Return how many rows match, remembered until the file changes."""
        asked = (self._stamp, chosen)
        if (known := _COUNTS.get(asked)) is None:
            condition = self._condition(chosen, is_wide=False)
            source = self._table
            if self._is_of_index(chosen):
                source, condition = f"{self.schema.index} AS r", self._meets(chosen.boxes)
            sql = f"SELECT count(*) FROM {source} WHERE {condition.text}"
            (known,) = self._database.execute(sql, condition.values).fetchone()
            _COUNTS[asked] = known
            while len(_COUNTS) > _MOST_COUNTS:
                _COUNTS.popitem(last=False)
        return int(known)

    def keys(
        self,
        chosen: Chosen = ALL,
        order: Sequence[Key] = (),
        *,
        after: tuple[Sequence[Key], Sequence[object]] | None = None,
        limit: int = -1,
        offset: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Return the key of rows in order, then their values to sort by; missing ones last, both
        ways.

        ``after`` is the row to go on from: what it is compared by, and its values.
        """
        if after is None:
            return self._keys(chosen, order, (), limit, offset)
        text, values = after_row(*after)
        first, value = after[0][0], after[1][0]
        missing = Sql(f"{first.sql} IS NULL")
        if value is None:
            return self._keys(chosen, order, (missing, Sql(text, values)), limit, offset)
        # so that the walk starts there in the index
        beside = Sql(f"{first.sql} {'<=' if first.descending else '>='} ?", (value,))
        found = self._keys(chosen, order, (beside, Sql(text, values)), limit, offset)
        if order and limit > len(found):
            found += self._keys(chosen, order, (missing,), limit - len(found), 0)
        return found

    def envelopes(self, chosen: Chosen) -> np.ndarray[Any, Any]:
        """Return the rows that match and have a geometry: key, west, south, east, north."""
        condition = self._condition(chosen, is_wide=True)
        source = f"{self._table} JOIN {self.schema.index} AS r ON r.id = {self._key}"
        if self._is_of_index(chosen):
            source, condition = f"{self.schema.index} AS r", self._meets(chosen.boxes)
        if self.schema.indexed:
            sql = f"SELECT r.id, minx, miny, maxx, maxy FROM {source} WHERE {condition.text}"
            found = self._database.execute(sql, condition.values).fetchall()
            return np.array(found, dtype=float).reshape(-1, 5)
        rows = self.rows([key for (key,) in self.keys(chosen)], ())
        bounds = shapely.bounds(geometries(row[1] for row in rows))
        made = np.column_stack([[row[0] for row in rows], bounds]).reshape(-1, 5)
        return made[~np.isnan(bounds[:, 0])]

    def values(self, name: str, most: int) -> list[tuple[object, int]]:
        """Return the values of a column, each with its rows, the most frequent first; none where there
        are more than ``most``.
        """
        column = quoted(name)
        sql = (
            f"SELECT {column}, count(*) FROM {quoted(self.schema.table)} WHERE {column} IS NOT NULL "
            f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most + 1}"
        )
        found = self._database.execute(sql).fetchall()
        return found if len(found) <= most else []

    def rows(
        self, keys: Iterable[int], names: Sequence[str] | None = None, *, geometry: bool = True
    ) -> list[tuple[Any, ...]]:
        """Return key, geometry (a blob, or None) and attributes of rows, in the order of the keys;
        ``names`` are the attributes, by default all.
        """
        own = self.schema.columns if names is None else names
        columns = ", ".join(
            [self._key, f"t.{quoted(self.schema.geometry)}" if geometry else "NULL"]
            + [f"t.{quoted(name)}" for name in own]
        )
        sql = (
            f"SELECT {columns} FROM json_each(?) AS asked CROSS JOIN {self._table} "
            f"WHERE {self._key} = asked.value"
        )
        listed = f"[{','.join(map(str, keys))}]"
        return self._database.execute(sql, (listed,)).fetchall()

    def properties(
        self, rows: Iterable[Sequence[Any]], names: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """Yield the attributes of rows by name, true and false where they are."""
        flags = [name for name in names if self.schema.columns.get(name) == "boolean"]
        for row in rows:
            made = dict(zip(names, row[2:], strict=True))
            for name in flags:
                if made[name] is not None:
                    made[name] = bool(made[name])
            yield made

    # --- in SQL ----------------------------------------------------------------------------------

    def _keys(
        self,
        chosen: Chosen,
        order: Sequence[Key],
        also: tuple[Sql, ...],
        limit: int,
        offset: int,
    ) -> list[tuple[Any, ...]]:
        is_wide = chosen != ALL and self.count(chosen) * _WIDE > self.count()
        is_wide = is_wide and not self._is_ordered(chosen, order)
        if not order and not also and self._is_of_index(chosen) and not (is_wide and offset < _FAR):
            meets = self._meets(chosen.boxes)
            sql = f"SELECT id FROM {self.schema.index} AS r WHERE {meets.text} ORDER BY id"
            return self._limited(sql, meets.values, limit, offset)
        if chosen == ALL and not order and not also and offset:
            first, is_whole = self._numbering()
            if is_whole:
                also, offset = (Sql(f"{self._key} >= ?", (first + offset,)),), 0
        condition = self._condition(chosen, is_wide=is_wide, also=also)
        down = bool(order) and order[-1].descending
        keys = [*order, self.last_key._replace(descending=down)]
        ordered = ", ".join(
            f"{key.sql} {'DESC' if key.descending else 'ASC'}{' NULLS LAST' * (key.name != 'id')}"
            for key in keys
        )
        columns = ", ".join([self._key, *(key.sql for key in order)])
        sql = f"SELECT {columns} FROM {self._table} WHERE {condition.text} ORDER BY {ordered}"
        return self._limited(sql, condition.values, limit, offset)

    def _limited(
        self, sql: str, values: tuple[object, ...], limit: int, offset: int
    ) -> list[tuple[Any, ...]]:
        return self._database.execute(
            f"{sql} LIMIT ? OFFSET ?", (*values, limit, offset)
        ).fetchall()

    # Return the smallest key, and whether keys follow one another with none left out.
    def _numbering(self) -> tuple[int, bool]:
        key = quoted(self.schema.key)
        table = quoted(self.schema.table)  # one by one: both at once would read every row
        sql = f"SELECT (SELECT min({key}) FROM {table}), (SELECT max({key}) FROM {table})"
        first, last = self._database.execute(sql).fetchone()
        return first or 0, first is not None and last - first + 1 == self.count()

    # Say whether an index has the rows that a value selects, and no box, in the order asked.
    def _is_ordered(self, chosen: Chosen, order: Sequence[Key]) -> bool:
        texts = {part.text for part in chosen.where}
        told = [key.sql for key in order]
        return chosen == Chosen(where=chosen.where) and any(
            f"t.{quoted(first)} IS ?" in texts and told == [f"t.{quoted(then)}"]
            for first, then, *_others in self.schema.pairs
        )

    # Say whether the R*Tree alone answers.
    def _is_of_index(self, chosen: Chosen) -> bool:
        return self.schema.indexed and bool(chosen.boxes) and chosen == Chosen(chosen.boxes)

    def _condition(self, chosen: Chosen, *, is_wide: bool, also: tuple[Sql, ...] = ()) -> Sql:
        plain = "+" if is_wide else ""  # such a condition leads to no index: the order's is walked
        parts = [Sql(f"{plain}({part.text})", part.values) for part in chosen.where]
        parts += also
        if chosen.boxes:
            parts.append(self._in_boxes(chosen.boxes, is_wide=is_wide))
        if self.schema.indexed and not is_wide:
            among = f"{self._key} IN (SELECT id FROM {self.schema.index} WHERE {_TOUCHES})"
            parts += [Sql(among, _touching(box)) for box in chosen.near]
        if chosen.words:
            self._attach_words()
            found = f"{plain}{self._key} IN (SELECT rowid FROM text.words WHERE words MATCH ?)"
            parts.append(Sql(found, (chosen.words,)))
        if not parts:
            return Sql("1")
        text = " AND ".join(f"({part.text})" for part in parts)
        return Sql(text, tuple(value for part in parts for value in part.values))

    def _in_boxes(self, boxes: tuple[Box, ...], *, is_wide: bool) -> Sql:
        if not self.schema.indexed:
            column = f"t.{quoted(self.schema.geometry)}"
            either = " OR ".join([f"layer_meets({column}, ?, ?, ?, ?)"] * len(boxes))
            return Sql(either, tuple(number for box in boxes for number in box))
        meets = self._meets(boxes)
        if is_wide:
            one = f"SELECT 1 FROM {self.schema.index} AS r WHERE id = {self._key}"
            return Sql(f"EXISTS ({one} AND ({meets.text}))", meets.values)
        some = f"SELECT id FROM {self.schema.index} AS r WHERE {meets.text}"
        return Sql(f"{self._key} IN ({some})", meets.values)

    # Return the condition of the rows of the R*Tree whose geometry meets a box; only those on its
    # edge are read.
    def _meets(self, boxes: tuple[Box, ...]) -> Sql:
        geometry, table = quoted(self.schema.geometry), quoted(self.schema.table)
        own = f"(SELECT {geometry} FROM {table} WHERE {quoted(self.schema.key)} = r.id)"
        one = (
            f"({_TOUCHES} AND ((minx >= ? AND maxx <= ? AND miny >= ? AND maxy <= ?) "
            f"OR layer_meets({own}, ?, ?, ?, ?)))"
        )
        values = ((*_touching(box), box[0], box[2], box[1], box[3], *box) for box in boxes)
        return Sql(" OR ".join([one] * len(boxes)), tuple(n for each in values for n in each))

    def _attach_words(self) -> None:
        attached = [row[1] for row in self._database.execute("PRAGMA database_list")]
        if "text" not in attached:
            self._database.execute("ATTACH ? AS text", (_words_of(self._stamp, self.schema),))


_TOUCHES = "maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?"


def _touching(box: Box) -> tuple[float, ...]:
    return box[0], box[2], box[1], box[3]


def quoted(name: str) -> str:
    """Return a name of a table or a column as SQL."""
    return '"' + name.replace('"', '""') + '"'


def words_asked(text: str) -> str:
    """Return a text looked for as FTS5 asks for it: every word of it, or of one of its alternatives
    (separated by commas); a word may be the start of one. Empty when there is no word.
    """
    alternatives = [re.findall(r"\w+", one) for one in text.split(",")]
    return " OR ".join(
        "(" + " AND ".join(f'"{word}"*' for word in words) + ")" for words in alternatives if words
    )


# --- files ----------------------------------------------------------------------------------------

_COUNTS: OrderedDict[tuple[Stamp, Chosen], int] = OrderedDict()
_MOST_COUNTS = 1000
_IDLE: OrderedDict[int, tuple[Stamp, sqlite3.Connection]] = OrderedDict()
_MOST_IDLE = 16
_LOCK, _NUMBERS = Lock(), counting()


@contextmanager
def open_layer(path: Path, table: str) -> Iterator[Layer]:
    """Open one layer for reading; LayerError when the file or the layer is missing, cut or
    something else.

    A connection is kept for the next that asks for the same file, as long as it is the same.
    """
    stamp = stamp_of(path, table)
    database = _idle(stamp) or _connect(path)
    try:
        yield Layer(database, _schema(stamp, table, database), stamp)
    except sqlite3.Error as error:
        database.close()
        told = _(
            "{file}, couche « {layer} » : lecture impossible ({error}).",
            file=path,
            layer=table,
            error=error,
        )
        raise LayerError(told) from error
    except BaseException:
        database.close()
        raise
    _keep(stamp, database)


def stamp_of(path: Path, table: str) -> Stamp:
    """Return the state of a file that has a layer; LayerError when it is not there."""
    try:
        status = path.stat()
    except OSError as error:
        told = _("{file} : ce fichier GeoPackage n'est plus là.", file=path)
        raise LayerError(told) from error
    return str(path.absolute()), status.st_ino, status.st_mtime_ns, status.st_size, table


def _idle(stamp: Stamp) -> sqlite3.Connection | None:
    with _LOCK:
        for number, (known, database) in _IDLE.items():
            if known == stamp:
                del _IDLE[number]
                return database
    return None


# Keep a connection; an open file cannot be replaced on Windows, where none is kept.
def _keep(stamp: Stamp, database: sqlite3.Connection) -> None:
    if os.name != "posix":
        database.close()
        return
    atexit.unregister(_close_all)
    atexit.register(_close_all)
    with _LOCK:
        _IDLE[next(_NUMBERS)] = stamp, database
        left = [_IDLE.popitem(last=False)[1][1] for _ in range(len(_IDLE) - _MOST_IDLE)]
    for one in left:
        one.close()


def _close_all() -> None:
    for database in (*(one for _stamp, one in _IDLE.values()), *_WORDS.values()):
        database.close()


def _connect(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        database = sqlite3.connect(address, uri=True, timeout=5, check_same_thread=False)
    except sqlite3.Error as error:
        told = _("{file} : ce fichier GeoPackage ne s'ouvre pas ({error}).", file=path, error=error)
        raise LayerError(told) from error
    register(database)
    database.create_function("layer_wkb", 1, _wkb, deterministic=True)
    database.create_function("layer_meets", 5, _meets_box, deterministic=True)
    return database


def layer_schema(path: Path, table: str) -> Schema:
    """Return what a layer is made of, remembered until the file changes."""
    if known := _schemas().get(stamp_of(path, table)):
        return known
    with open_layer(path, table) as layer:
        return layer.schema


def _schema(stamp: Stamp, table: str, database: sqlite3.Connection) -> Schema:
    if stamp not in _schemas():
        _schemas()[stamp] = _read_schema(stamp[0], table, database)
    return _schemas()[stamp]


@lru_cache(maxsize=1)
def _schemas() -> dict[Stamp, Schema]:
    return {}


def _read_schema(path: str, table: str, database: sqlite3.Connection) -> Schema:
    found = database.execute(
        "SELECT column_name, geometry_type_name FROM gpkg_geometry_columns WHERE table_name = ?",
        (table,),
    ).fetchone()
    if found is None:
        told = _(
            "{file} : la couche « {layer} » est attendue et n'y est pas.", file=path, layer=table
        )
        raise LayerError(told)
    rows = database.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
    key = next((row[1] for row in rows if row[5]), "rowid")
    declared = {
        row[1]: row[2].upper().partition("(")[0]
        for row in rows
        if row[1] not in (key, found[0]) and not row[2].upper().startswith("BLOB")
    }
    index = f"rtree_{table}_{found[0]}"
    indexed = (
        database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        is not None
    )
    columns = {name: _JSON_TYPES.get(kind, "string") for name, kind in declared.items()}
    dates = {name: kind for name, kind in declared.items() if kind in _INSTANTS}
    listed = database.execute(f"PRAGMA index_list({quoted(table)})").fetchall()
    indexes = [
        database.execute(f"PRAGMA index_info({quoted(one[1])})").fetchall() for one in listed
    ]
    pairs = frozenset(tuple(row[2] for row in rows) for rows in indexes if len(rows) > 1)
    return Schema(table, key, found[0], columns, indexed, str(found[1]).upper(), dates, pairs)


# The words of layers in memory: the connection that keeps each alive, by its address.
_WORDS: OrderedDict[str, sqlite3.Connection] = OrderedDict()
_MOST_WORDS = 8


# Return the address of the index of the words of a layer, made when it is first asked for.
def _words_of(stamp: Stamp, schema: Schema) -> str:
    name = blake2b(repr(stamp).encode(), digest_size=12).hexdigest()
    address = f"file:words-{name}?mode=memory&cache=shared"
    with _LOCK:
        if address not in _WORDS:
            _WORDS[address] = _index_words(address, stamp[0], schema)
            while len(_WORDS) > _MOST_WORDS:
                _WORDS.popitem(last=False)[1].close()
    return address


def _index_words(address: str, path: str, schema: Schema) -> sqlite3.Connection:
    texts = [quoted(name) for name, kind in schema.columns.items() if kind == "string"]
    joined = " || ' ' || ".join(f"coalesce({text}, '')" for text in texts) or "''"
    database = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
    database.execute(
        "CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, columnsize=0, "
        "tokenize='unicode61 remove_diacritics 2')"
    )
    with closing(_connect(Path(path))) as source:
        rows = source.execute(f"SELECT {quoted(schema.key)}, {joined} FROM {quoted(schema.table)}")
        database.execute("BEGIN")
        database.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", rows)
        database.execute("COMMIT")
    return database


# --- geometries -----------------------------------------------------------------------------------


def read_geometry(blob: bytes | None) -> shapely.Geometry | None:
    """Return the geometry of a GeoPackage blob; None when there is none or it is empty."""
    wkb = _wkb(blob)
    try:
        geometry = None if wkb is None else shapely.from_wkb(wkb)
    except shapely.errors.GEOSException as error:
        raise _unreadable(error) from error
    return None if geometry is None or geometry.is_empty else geometry


def geometries(blobs: Iterable[bytes | None]) -> np.ndarray[Any, Any]:
    """Return the geometries of GeoPackage blobs; None where there is none or it is empty."""
    try:
        made = shapely.from_wkb(np.array([*map(_wkb, blobs), None], dtype=object)[:-1])
    except shapely.errors.GEOSException as error:
        raise _unreadable(error) from error
    made[shapely.is_empty(made)] = None
    return made


# Return the WKB of a GeoPackage blob; None when there is none or it is told to be empty.
def _wkb(blob: bytes | None) -> bytes | None:
    if blob is None:
        return None
    try:
        if blob[:2] != b"GP" or blob[3] & 0x10:
            return None
        return blob[8 + _ENVELOPE_BYTES[blob[3] >> 1 & 7] :]
    except (IndexError, KeyError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> LayerError:
    return LayerError(_("géométrie GeoPackage illisible ({error}).", error=error))


def _meets_box(blob: bytes | None, west: float, south: float, east: float, north: float) -> bool:
    geometry = read_geometry(blob)
    return geometry is not None and bool(
        shapely.intersects(shapely.box(west, south, east, north), geometry)
    )


#: A point of two coordinates, as GDAL writes it: a header without envelope, then its WKB.
_POINT = struct.Struct("<8sBIdd")

type Move = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def geojson_texts(blobs: Sequence[bytes | None], move: Move | None = None) -> list[str]:
    """Return GeoPackage blobs as GeoJSON, ``null`` where there is no geometry; ``move`` puts the
    geometries elsewhere before.
    """
    if move is None and all(blob is None or len(blob) == _POINT.size for blob in blobs):
        points = [None if blob is None else _POINT.unpack(blob) for blob in blobs]
        if all(one is None or (one[1:3] == (1, 1) and one[3] - one[3] == 0) for one in points):
            return [
                "null"
                if one is None
                else f'{{"type":"Point","coordinates":[{one[3]!r},{one[4]!r}]}}'
                for one in points
            ]
    made = geometries(blobs)
    drawn = shapely.to_geojson(made if move is None else move(made))
    return ["null" if text is None else text for text in drawn]


def typed(name: str, text: str, kind: str) -> object:
    """Read a filter ``name=text`` as the column's type; ParameterError when it cannot be."""
    try:
        if kind == "integer":
            return _sqlite_integer(text)
        if kind == "number":
            return _finite(text)
    except ValueError as error:
        raise ParameterError(
            _("{name} : un nombre est attendu, reçu « {text} ».", name=name, text=text[:40])
        ) from error
    if kind == "boolean":
        if text.lower() not in ("true", "false", "1", "0"):
            raise ParameterError(
                _("{name} : true ou false est attendu, reçu « {text} ».", name=name, text=text[:40])
            )
        return text.lower() in ("true", "1")
    return text


# Read a number that is one: SQLite takes what is none for a missing value. ValueError otherwise.
def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text[:21])
    return number


# Read an integer that SQLite can hold; ValueError otherwise.
def _sqlite_integer(text: str) -> int:
    number = int(text[:21])
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{text[:21]} exceeds 64 bits")
    return number
