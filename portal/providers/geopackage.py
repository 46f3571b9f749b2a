"""One layer of a GeoPackage, read through sqlite3: which rows match, and those rows as GeoJSON
features.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import _
from geoguichet.portal.errors import ParameterError

type Box = tuple[float, float, float, float]

_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
#: The JSON type of each type of GeoPackage that is no text.
_JSON_TYPES = {
    "BOOLEAN": "boolean",
    **dict.fromkeys(("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "REAL"), "number"),
}


@dataclass(frozen=True, slots=True)
class Schema:
    """What a layer is made of; ``columns`` gives the JSON type of each attribute (no key, no
    geometry).
    """

    table: str
    key: str
    geometry: str
    columns: Mapping[str, str]
    #: Whether the layer has its own R*Tree.
    indexed: bool


class Layer:
    """An open layer; see `open_layer`."""

    def __init__(self, database: sqlite3.Connection, schema: Schema) -> None:
        self.schema = schema
        self._database = database

    def matches(
        self,
        *,
        boxes: Sequence[Box] = (),
        equal: Mapping[str, object] | None = None,
        values: Sequence[str] = (),
    ) -> list[tuple[Any, ...]]:
        """Return (key, and these values) of the rows that meet one of the boxes and equal every
        given value.

        The rows come in the order of their key. A box is met by the geometry itself, not by its
        envelope.
        """
        conditions = [f'"{name}" IS ?' for name in equal or {}]
        parameters: list[object] = list((equal or {}).values())
        if boxes:
            conditions.append(f'"{self.schema.key}" IN (SELECT value FROM json_each(?))')
            parameters.append(json.dumps(self._within(boxes)))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        columns = ", ".join(f'"{name}"' for name in (self.schema.key, *values))
        sql = f'SELECT {columns} FROM "{self.schema.table}"{where} ORDER BY "{self.schema.key}"'
        return self._database.execute(sql, parameters).fetchall()

    def features(self, keys: Iterable[int]) -> list[dict[str, Any]]:
        """Return the rows of these keys as GeoJSON features without ``id``, in the order of the
        keys.
        """
        names = [self.schema.key, self.schema.geometry, *self.schema.columns]
        columns = ", ".join(f'"{name}"' for name in names)
        sql = f'SELECT {columns} FROM "{self.schema.table}" WHERE "{self.schema.key}" = ?'
        return [self._feature(self._database.execute(sql, (key,)).fetchone()) for key in keys]

    def _feature(self, row: Sequence[Any]) -> dict[str, Any]:
        geometry = read_geometry(row[1])
        properties = {
            name: bool(value) if kind == "boolean" and value is not None else value
            for (name, kind), value in zip(self.schema.columns.items(), row[2:], strict=True)
        }
        drawn = None if geometry is None else json.loads(shapely.to_geojson(geometry))
        return {"type": "Feature", "geometry": drawn, "properties": properties}

    # Return the keys of the rows whose geometry meets a box; only those on its edge are looked at.
    def _within(self, boxes: Sequence[Box]) -> list[int]:
        kept: set[int] = set()
        edge: set[int] = set()
        for box in boxes:
            for key, west, east, south, north in self._candidates(box):
                inside = box[0] <= west and east <= box[2] and box[1] <= south and north <= box[3]
                (kept if inside else edge).add(key)
        areas = shapely.union_all([shapely.box(*box) for box in boxes])
        shapely.prepare(areas)
        kept.update(
            key
            for key, geometry in self._geometries(edge - kept)
            if shapely.intersects(areas, geometry)
        )
        return sorted(kept)

    # Return key and envelope of the rows whose envelope may meet the box.
    def _candidates(self, box: Box) -> Iterable[tuple[int, float, float, float, float]]:
        if self.schema.indexed:
            index = f"rtree_{self.schema.table}_{self.schema.geometry}"
            sql = (
                f'SELECT id, minx, maxx, miny, maxy FROM "{index}" '
                "WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?"
            )
            return self._database.execute(sql, (box[2], box[0], box[3], box[1])).fetchall()
        everywhere = float("inf")
        sql = f'SELECT "{self.schema.key}" FROM "{self.schema.table}"'
        return [
            (key, -everywhere, everywhere, -everywhere, everywhere)
            for (key,) in self._database.execute(sql)
        ]

    def _geometries(self, keys: Iterable[int]) -> Iterator[tuple[int, shapely.Geometry]]:
        sql = (
            f'SELECT "{self.schema.key}", "{self.schema.geometry}" FROM "{self.schema.table}" '
            f'WHERE "{self.schema.key}" IN (SELECT value FROM json_each(?))'
        )
        for key, blob in self._database.execute(sql, (json.dumps(sorted(keys)),)).fetchall():
            geometry = read_geometry(blob)
            if geometry is not None:
                yield key, geometry


@contextmanager
def open_layer(path: Path, table: str) -> Iterator[Layer]:
    """Open one layer for reading; LayerError when the file or the layer is missing, cut or
    something else.
    """
    database = _connect(path)
    try:
        yield Layer(database, _schema(path, table, database))
    except sqlite3.Error as error:
        raise LayerError(f"{path}, couche « {table} » : lecture impossible ({error}).") from error
    finally:
        database.close()


def read_geometry(blob: bytes | None) -> shapely.Geometry | None:
    """Return the geometry of a GeoPackage blob; None when there is none or it is empty."""
    if blob is None:
        return None
    try:
        if blob[:2] != b"GP" or blob[3] & 0x10:
            return None
        geometry = shapely.from_wkb(blob[8 + _ENVELOPE_BYTES[blob[3] >> 1 & 7] :])
    except (IndexError, KeyError, shapely.errors.GEOSException) as error:
        raise LayerError(f"géométrie GeoPackage illisible ({error}).") from error
    return None if geometry.is_empty else geometry


def typed(name: str, text: str, kind: str) -> object:
    """Read a filter ``name=text`` as the column's type; ParameterError when it cannot be."""
    try:
        if kind == "integer":
            return _sqlite_integer(text)
        if kind == "number":
            return float(text)
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


# Read an integer that SQLite can hold; ValueError otherwise.
def _sqlite_integer(text: str) -> int:
    number = int(text[:21])
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{text[:21]} exceeds 64 bits")
    return number


def layer_schema(path: Path, table: str) -> Schema:
    """Return what a layer is made of, remembered until the file changes."""
    with open_layer(path, table) as layer:
        return layer.schema


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error as error:
        raise LayerError(f"{path} : ce fichier GeoPackage ne s'ouvre pas ({error}).") from error


def _schema(path: Path, table: str, database: sqlite3.Connection) -> Schema:
    try:
        status = path.stat()
    except OSError as error:
        raise LayerError(f"{path} : ce fichier GeoPackage n'est plus là.") from error
    stamp = (str(path), table, status.st_ino, status.st_mtime_ns, status.st_size)
    if stamp not in _schemas():
        _schemas()[stamp] = _read_schema(path, table, database)
    return _schemas()[stamp]


@lru_cache(maxsize=1)
def _schemas() -> dict[tuple[str, str, int, int, int], Schema]:
    return {}


def _read_schema(path: Path, table: str, database: sqlite3.Connection) -> Schema:
    found = database.execute(
        "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (table,)
    ).fetchone()
    if found is None:
        raise LayerError(f"{path} : la couche « {table} » est attendue et n'y est pas.")
    rows = database.execute(f'PRAGMA table_info("{table}")').fetchall()
    key = next((row[1] for row in rows if row[5]), "rowid")
    columns = {row[1]: _json_type(row[2]) for row in rows if row[1] not in (key, found[0])}
    index = f"rtree_{table}_{found[0]}"
    indexed = (
        database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        is not None
    )
    return Schema(table, key, found[0], columns, indexed)


def _json_type(declared: str) -> str:
    return _JSON_TYPES.get(declared.upper().partition("(")[0], "string")
