"""Published text tables, compressed or not, as chunks of rows in text; nothing is guessed, nothing
is dropped.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd
import pyogrio
import pyogrio.errors

from geoguichet.floor.errors import LayerError

CHUNK_ROWS = 50_000
"""Rows held in memory at once: a file of any size is streamed by chunks (decision 044)."""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed when it is bzip2 or gzip (told by its first bytes, not
    its name).

    Raises
    ------
    LayerError
        When there is no such file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(3)
        if head == b"BZh":
            return cast("IO[bytes]", bz2.open(path, "rb"))
        if head[:2] == b"\x1f\x8b":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        return path.open("rb")
    except FileNotFoundError as error:
        raise LayerError(f"{path} : fichier introuvable ; vérifiez le chemin.") from error
    except OSError as error:
        raise LayerError(f"{path} : fichier illisible ({error.strerror}).") from error


def read_bytes(path: Path) -> bytes:
    """Return the whole content of a file, decompressed.

    Raises
    ------
    LayerError
        When the file is missing or its compressed content is cut short.
    """
    try:
        with open_bytes(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise LayerError(
            f"{path} : contenu compressé abîmé ({error}) ; copiez-le de nouveau."
        ) from error


def csv_chunks(
    path: Path,
    *,
    separator: str = ",",
    encoding: str = "utf-8",
    columns: Sequence[str] = (),
    header: Sequence[str] | None = None,
    quoting: bool = True,
) -> Iterator[pd.DataFrame]:
    """Yield a delimited file as frames of text, blank where the source is; index: the row number,
    from 1.

    Parameters
    ----------
    columns
        Columns that must be there.
    header
        Names of the columns of a file that has none.
    quoting
        False when quotes are ordinary characters.

    Raises
    ------
    LayerError When the file is missing, cut short, not in that encoding, has uneven rows or lacks a
        column.
    """
    options: dict[str, Any] = {
        "sep": separator,
        "encoding": encoding,
        "dtype": str,
        "keep_default_na": False,
        "chunksize": CHUNK_ROWS,
        "quoting": 0 if quoting else 3,
        "skip_blank_lines": True,
    }
    if header is not None:
        options |= {"header": None, "names": list(header)}
    start = 1
    try:
        with open_bytes(path) as file, pd.read_csv(file, **options) as reader:
            for chunk in reader:
                _require(chunk, columns, path)
                if header is not None and chunk[header[-1]].fillna("").eq("").all():
                    raise LayerError(
                        f"{path} : {len(header)} champs par ligne sont attendus ; ce n'est pas ce "
                        "format."
                    )
                yield chunk.fillna("").set_axis(range(start, start + len(chunk)))
                start += len(chunk)
    except UnicodeDecodeError as error:
        raise LayerError(
            f"{path} : le texte n'est pas en {encoding} (octet {error.start}) ; essayez le "
            "lecteur général."
        ) from error
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        OSError,
        EOFError,
        zlib.error,
    ) as error:
        raise LayerError(
            f"{path} : table illisible ({error}) ; vérifiez le séparateur, ou copiez-le de nouveau."
        ) from error


def json_document(path: Path, *, start: bytes = b"") -> Any:
    """Return a JSON document; with `start`, what follows the first of those bytes, up to the last
    bracket.

    Raises
    ------
    LayerError
        When the file is missing or is not JSON.
    """
    content = read_bytes(path)
    if start:
        begin = content.find(start)
        content = content[begin : content.rfind(b"}") + 1]
    try:
        return json.load(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LayerError(
            f"{path} : ce n'est pas du JSON valide ({error}) ; copiez-le de nouveau."
        ) from error


def json_table(
    rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str] = (), path: Path
) -> pd.DataFrame:
    """Return records as a frame of text, blank where absent or null; index: the row number,
    from 1.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    table = pd.DataFrame(
        {name: [_text(row.get(name)) for row in rows] for name in names},
        index=range(1, len(rows) + 1),
        dtype=object,
    )
    _require(table, columns, path)
    return table


def geojson_table(document: Any, *, columns: Sequence[str] = (), path: Path) -> pd.DataFrame:
    """Return the point features of a GeoJSON collection as text, with ``longitude`` and
    ``latitude`` in front.

    Raises
    ------
    LayerError
        When it is no feature collection, or lacks a column.
    """
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise LayerError(f"{path} : une collection GeoJSON (« features ») est attendue.")
    rows = [
        {
            **(feature.get("properties") or {}),
            "longitude": _axis(feature, 0),
            "latitude": _axis(feature, 1),
        }
        for feature in features
    ]
    return json_table(rows, columns=columns, path=path)


def shapefile_table(
    path: Path, *, encoding: str, columns: Sequence[str] = ()
) -> tuple[pd.DataFrame, Any]:
    """Return a shapefile's attributes as text (index from 1) and its geometries as they are (a
    GeoSeries).

    `path` is the .shp, or the folder that holds it.

    Raises
    ------
    LayerError
        When it cannot be read or lacks a column.
    """
    shapes = sorted(path.glob("*.shp")) if path.is_dir() else [path]
    if not shapes or shapes[0].suffix.lower() != ".shp":
        raise LayerError(f"{path} : un fichier .shp, ou le dossier qui le contient, est attendu.")
    try:
        frame = pyogrio.read_dataframe(shapes[0], encoding=encoding)
    except (pyogrio.errors.DataSourceError, UnicodeDecodeError, OSError) as error:
        raise LayerError(
            f"{shapes[0]} : shapefile illisible ({error}) ; les fichiers .dbf et .shx sont-ils là ?"
        ) from error
    frame.index = range(1, len(frame) + 1)
    attributes = frame.drop(columns="geometry")
    table = pd.DataFrame(
        {name: attributes[name].map(_text) for name in attributes}, index=frame.index, dtype=object
    )
    _require(table, columns, shapes[0])
    return table, frame.geometry


def _axis(feature: Mapping[str, Any], axis: int) -> Any:
    coordinates = (feature.get("geometry") or {}).get("coordinates") or []
    return coordinates[axis] if len(coordinates) > axis else None


def _text(value: Any) -> str:
    """Return a JSON or attribute value as text; a whole float loses its ``.0``."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _require(table: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        present = ", ".join(str(column) for column in table.columns)
        raise LayerError(
            f"{path} : colonne absente : {', '.join(missing)}. Colonnes présentes : {present}."
        )
