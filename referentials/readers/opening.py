"""Open a file as a table of text by what its first bytes are: text, workbook, JSON, geographic
layer.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import ParseError

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pyogrio.errors
import shapely
from openpyxl.utils.exceptions import InvalidFileException

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.column_names import FileMapping
from geoguichet.referentials.readers.detection import (
    detect_encoding,
    detect_header,
    detect_separator,
)
from geoguichet.referentials.readers.tables import CHUNK_ROWS, json_document, json_table, open_bytes

GEOMETRY_X, GEOMETRY_Y = "géométrie x", "géométrie y"
"""Columns that hold the point of a geographic layer."""
EXTRA = "cellules en trop"
OWN_SHEETS = frozenset({"Notice", "Types"})
"""Sheets of our template that hold no services."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file opened as a table of text."""

    chunks: Iterator[pd.DataFrame]
    """Text, blank where there is nothing; index: the row number, from 1."""
    findings: list[Finding]
    """Filled as chunks are read."""
    notes: list[str]
    crs: str = ""
    """Declared by the file; empty when it is not."""
    is_layer: bool = False


# ----------------------------------------------------------------------------------- from bytes to
# a table


def open_source(path: Path, mapping: FileMapping) -> Source:
    """Open a file as a table of text, by what its first bytes are.

    Raises
    ------
    LayerError
        When it is missing, empty, damaged or of a kind nobody reads.
    """
    if path.is_dir() or path.suffix.lower() == ".shp":
        return _layer(path, mapping)
    with open_bytes(path) as file:
        try:
            head = file.read(4096)
        except (OSError, EOFError, zlib.error) as error:
            raise LayerError(
                f"{path} : contenu compressé abîmé ({error}) ; copiez-le de nouveau."
            ) from error
    if not head:
        raise LayerError(f"{path} : le fichier est vide (0 octet) ; copiez-le de nouveau.")
    if head.startswith(b"PK\x03\x04"):
        return _workbook(path, mapping)
    if head.startswith((b"SQLite format 3\0", b"fgb")):
        return _layer(path, mapping)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise LayerError(f"{path} : classeur d'un ancien format (.xls) ; enregistrez-le en .xlsx.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return _json(path)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LayerError(
            f"{path} : ce n'est ni du texte, ni un classeur .xlsx, ni une couche géographique "
            "connue."
        )
    return _csv(path, mapping)


def _csv(path: Path, mapping: FileMapping) -> Source:
    try:
        with open_bytes(path) as file:
            encoding, why = detect_encoding(file)
        encoding = mapping.encoding or encoding
        with (
            open_bytes(path) as raw,
            io.TextIOWrapper(cast("io.BufferedReader", raw), encoding, newline="") as text,
        ):
            sample = text.read(200_000)
    except (UnicodeDecodeError, LookupError) as error:
        raise LayerError(
            f"{path} : le texte n'est pas en {encoding} ({error}) ; dites son codage dans [file]."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise LayerError(f"{path} : contenu illisible ({error}) ; copiez-le de nouveau.") from error
    separator = mapping.separator or detect_separator(sample)
    notes = [
        f"Texte en {encoding} ({'dit par la correspondance' if mapping.encoding else why}), "
        f"séparé par « {separator if separator != chr(9) else 'tabulation'} »."
    ]
    findings: list[Finding] = []
    return Source(
        _table(_lines(path, encoding, separator), path, mapping, findings, notes), findings, notes
    )


def _lines(path: Path, encoding: str, separator: str) -> Iterator[list[str]]:
    """Yield the cells of each line; the file stays open only while it is read."""
    try:
        with (
            open_bytes(path) as raw,
            io.TextIOWrapper(cast("io.BufferedReader", raw), encoding, newline="") as text,
        ):
            yield from csv.reader(text, delimiter=separator)
    except csv.Error as error:
        raise LayerError(
            f"{path} : table illisible ({error}) ; un guillemet n'est sans doute pas refermé."
        ) from error
    except UnicodeDecodeError as error:
        raise LayerError(f"{path} : le texte n'est pas en {encoding} ({error}).") from error
    except (OSError, EOFError, zlib.error) as error:
        raise LayerError(f"{path} : contenu illisible ({error}) ; copiez-le de nouveau.") from error


def _workbook(path: Path, mapping: FileMapping) -> Source:
    try:
        names = zipfile.ZipFile(path).namelist()
        if any(name.lower().endswith(".shp") for name in names):
            return _layer(path, mapping)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # openpyxl warns of styles and validations it does not keep
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {
            str(sheet.title): [
                [_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)
            ]
            for sheet in book.worksheets
        }
        book.close()
    except (*_WORKBOOK_ERRORS,) as error:
        raise LayerError(
            f"{path} : classeur illisible ({error}) ; enregistrez-le de nouveau en .xlsx."
        ) from error
    candidates = {name: rows for name, rows in sheets.items() if any(any(row) for row in rows)}
    if mapping.layer and mapping.layer not in sheets:
        raise LayerError(
            f"{path} : la feuille « {mapping.layer} » n'existe pas. Feuilles présentes : "
            f"{', '.join(sheets)}."
        )
    if not candidates:
        raise LayerError(f"{path} : le classeur ne contient aucune cellule remplie.")
    chosen = mapping.layer or next(
        (name for name in candidates if name not in OWN_SHEETS), next(iter(candidates))
    )
    notes = [f"Classeur .xlsx, feuille « {chosen} »."]
    findings = [
        Finding(
            "unread-layer",
            path.name,
            "",
            f"La feuille « {name} » ({len(rows)} lignes) n'est pas lue.",
            "warning",
            remedy=f'Pour la lire, écrivez layer = "{name}" dans [file] de --mapping.',
        )
        for name, rows in candidates.items()
        if name != chosen and name not in OWN_SHEETS
    ]
    return Source(_table(iter(sheets[chosen]), path, mapping, findings, notes), findings, notes)


_WORKBOOK_ERRORS = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    NotImplementedError,
    RuntimeError,
)
"""What openpyxl and zipfile raise on a damaged workbook: they promise no one error."""


def _cell(value: object) -> str:
    """Return a cell as text: whole numbers without decimals, dates in ISO form, booleans in
    French.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _table(
    lines: Iterable[list[str]],
    path: Path,
    mapping: FileMapping,
    findings: list[Finding],
    notes: list[str],
) -> Iterator[pd.DataFrame]:
    """Yield the lines under the header as frames; a blank line is no row, an uneven one is
    completed and told.
    """
    lines = iter(lines)
    head = list(itertools.islice(lines, 100))
    filled = [position for position, row in enumerate(head) if any(cell.strip() for cell in row)]
    if not filled:
        return
    found = (
        mapping.header_row - 1
        if mapping.header_row
        else detect_header([head[position] for position in filled])
    )
    position = None if found is None else (found if mapping.header_row else filled[found])
    if position is None or position >= len(head):
        width = max(len(row) for row in head)
        names, start = [f"colonne {number}" for number in range(1, width + 1)], 0
        notes.append("Pas de ligne de noms de colonnes.")
    else:
        names, start = _unique(head[position]), position + 1
        titles = [
            " ".join(filter(None, row))
            for row in head[:position]
            if any(cell.strip() for cell in row)
        ]
        if titles:
            notes.append(f"{len(titles)} ligne(s) de titre avant l'en-tête : « {titles[0][:60]} ».")
    rows = itertools.chain(head[start:], lines)
    number = 0
    while part := list(
        itertools.islice((row for row in rows if any(cell.strip() for cell in row)), CHUNK_ROWS)
    ):
        cells = [
            _evened(row, names, number + rank, path.name, findings)
            for rank, row in enumerate(part, start=1)
        ]
        yield pd.DataFrame(
            cells,
            columns=[*names, EXTRA],
            index=range(number + 1, number + len(part) + 1),
            dtype=object,
        )
        number += len(part)


def _evened(
    row: list[str], names: list[str], number: int, layer: str, findings: list[Finding]
) -> list[str]:
    """Return the cells of a row, one a column and one for what is beyond."""
    width = len(names)
    beyond = [cell for cell in row[width:] if cell.strip()]
    if beyond or len(row) < width:
        message = f"{len(row)} cellules, {width} sont attendues : " + (
            "le surplus est gardé à part." if beyond else "les dernières sont vides."
        )
        findings.append(
            Finding(
                "ragged-row",
                layer,
                f"ligne {number}",
                message,
                "warning" if beyond else "info",
                number,
            )
        )
    return [*row[:width], *[""] * (width - len(row)), " | ".join(beyond)]


def _unique(header: Sequence[str]) -> list[str]:
    """Return column names that are there and distinct."""
    names: list[str] = []
    for position, cell in enumerate(header, start=1):
        name = cell.strip().lstrip("\ufeff") or f"colonne {position}"
        while name in names or name == EXTRA:
            name += f" ({position})"
        names.append(name)
    return names


# ------------------------------------------------------------------------------------------
# geographic layers


def _json(path: Path) -> Source:
    document = json_document(path)
    if isinstance(document, list):
        rows = [row if isinstance(row, dict) else {"valeur": row} for row in document]
        return Source(_only(json_table(rows, path=path)), [], ["JSON, un tableau d'objets, UTF-8."])
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise LayerError(
            f"{path} : un tableau d'objets ou une collection GeoJSON (« features ») est attendu."
        )
    rows = [_properties(feature) for feature in features]
    table = json_table(rows, path=path)
    shapes = [_shape(feature) for feature in features]
    findings: list[Finding] = []
    table = _with_points(table, shapes, path.name, findings)
    crs = _geojson_crs(document)
    notes = [f"GeoJSON, UTF-8, {len(features)} entités."]
    return Source(_only(table), findings, notes, crs=crs, is_layer=True)


def _properties(feature: Any) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return (
        {str(key): value for key, value in properties.items()}
        if isinstance(properties, dict)
        else {}
    )


def _shape(feature: Any) -> Any:
    """Return the geometry of a feature; None when it has none or a broken one."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if geometry is None:
        return None
    return shapely.from_geojson(json.dumps(geometry, allow_nan=True), on_invalid="ignore")


def _geojson_crs(document: dict[str, Any]) -> str:
    named = document.get("crs")
    properties = named.get("properties") if isinstance(named, dict) else None
    name = str(properties.get("name", "")) if isinstance(properties, dict) else ""
    code = re.search(r"EPSG:+(\d+)$", name)
    return f"EPSG:{code[1]}" if code and code[1] != "4326" else LONLAT


def _layer(path: Path, mapping: FileMapping) -> Source:
    """Open a GeoPackage, a shapefile (alone, in a folder, zipped) or a FlatGeobuf through GDAL."""
    findings: list[Finding] = []
    file: Path | str = path
    if path.is_dir():
        shapes = sorted(each for each in path.iterdir() if each.suffix.lower() == ".shp")
        if not shapes:
            raise LayerError(f"{path} : ce dossier n'a pas de fichier .shp.")
        file = shapes[0]
    elif path.suffix.lower() == ".zip":
        file = f"/vsizip/{path}"
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            names = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
            layer = mapping.layer or next(iter(names), "")
            frame, encoding = _read_layer(file, layer)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        raise LayerError(
            f"{path} : couche illisible ({error}) ; un GeoPackage ou un shapefile complet est "
            "attendu."
        ) from error
    messages = dict.fromkeys(str(warning.message) for warning in said)
    findings += [
        Finding("gdal-warning", path.name, "", f"GDAL signale : {message}") for message in messages
    ]
    for name in names:
        if name != layer:
            remedy = f'Pour la lire, écrivez layer = "{name}" dans [file] de --mapping.'
            findings.append(
                Finding(
                    "unread-layer",
                    path.name,
                    "",
                    f"La couche « {name} » n'est pas lue.",
                    remedy=remedy,
                )
            )
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    attributes = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    table = pd.DataFrame(
        {name: [_attribute(value) for value in attributes[name]] for name in attributes},
        frame.index,
    )
    notes = [
        f"Couche « {layer} », {len(frame)} entités{f', texte en {encoding}' if encoding else ''}."
    ]
    if not isinstance(frame, gpd.GeoDataFrame):
        return Source(_only(table.astype(object)), findings, [*notes, "Table sans géométrie."])
    crs = (
        ""
        if frame.crs is None
        else f"EPSG:{frame.crs.to_epsg()}"
        if frame.crs.to_epsg()
        else str(frame.crs.to_wkt())
    )
    table = _with_points(table, list(frame.geometry), path.name, findings)
    return Source(_only(table), findings, notes, crs=crs, is_layer=True)


def _read_layer(file: Path | str, layer: str) -> tuple[Any, str]:
    """Return a layer, and the encoding it was read in when the file did not say it (a shapefile
    without .cpg).
    """
    path = Path(str(file))
    silent = path.suffix.lower() == ".shp" and not any(
        path.with_suffix(end).exists() for end in (".cpg", ".CPG")
    )
    if not silent:
        return pyogrio.read_dataframe(file, layer=layer), ""
    for encoding in ("UTF-8", "ISO-8859-1"):
        try:
            return pyogrio.read_dataframe(
                file, layer=layer, encoding=encoding
            ), f"{encoding} (supposé)"
        except UnicodeDecodeError:
            continue
    raise OSError("texte indéchiffrable")


def _with_points(
    table: pd.DataFrame, shapes: list[Any], layer: str, findings: list[Finding]
) -> pd.DataFrame:
    """Add the point of each geometry as text; a surface or line gives a point of its own, and it is
    told.
    """
    x, y, other, broken = [], [], 0, []
    for number, shape in enumerate(shapes, start=1):
        point = shape
        if shape is not None and not shape.is_empty and shape.geom_type != "Point":
            other += 1
            if not shape.is_valid:
                broken.append(number)
                shape = shapely.make_valid(shape)
            point = shape.representative_point() if not shape.is_empty else None
        placed = point is not None and not point.is_empty
        x.append(repr(point.x) if placed else "")
        y.append(repr(point.y) if placed else "")
    if other:
        message = (
            f"{other} service(s) sont des lignes ou des surfaces : placés à un point intérieur."
        )
        findings.append(
            Finding(
                "polygon-as-point", layer, "", message, remedy="Donnez un point à chaque service."
            )
        )
    for number in broken:
        message = "Géométrie invalide (elle se recoupe) : réparée pour y trouver un point."
        findings.append(Finding("invalid-geometry", layer, f"ligne {number}", message, row=number))
    return table.assign(
        **{
            GEOMETRY_X: pd.Series(x, table.index, dtype=object),
            GEOMETRY_Y: pd.Series(y, table.index, dtype=object),
        }
    )


def _attribute(value: Any) -> str:
    if (
        value is None
        or value is pd.NaT
        or (isinstance(value, float) and np.isnan(value))
        or value is pd.NA
    ):
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return _cell(value)


def _only(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return iter([table] if len(table) else [])
