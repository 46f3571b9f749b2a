"""Read a layer of a geographic file, or say in one sentence why it cannot be used."""

import csv
import math
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio.errors
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import (
    BUDGET,
    absence_refused,
    check_cells,
    open_bytes,
    refused,
    rows_at_once,
)
from geoguichet.floor.words import _

#: The CRS of every layer we hand out: degrees, longitude first.
LONLAT = "EPSG:4326"

#: The legal systems of metres (décret 2019-165), and where each holds by EPSG's areas of use: west,
#: south, east, north. Lambert-93 first, then the Antilles, Guyane, La Réunion and Mayotte.
METRIC = "EPSG:2154"
METRIC_SYSTEMS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        METRIC: (-9.9, 41.1, 10.4, 51.6),
        "EPSG:5490": (-63.7, 14.0, -57.5, 18.6),
        "EPSG:2972": (-54.7, 2.0, -49.4, 8.9),
        "EPSG:2975": (51.8, -24.8, 58.3, -18.2),
        "EPSG:4471": (43.6, -14.6, 46.8, -11.3),
    }
)


#: The embedded sample, of which ``territories.sample`` says what it holds.
SAMPLE = "midi-pyrenees.gpkg"


def sample_path() -> Path:
    """Return the path of the sample's GeoPackage, in the checkout or in the installed package.

    Raises
    ------
    LayerError
        When the installation lacks the file.
    """
    path = Path(str(resources.files("geoguichet.data") / SAMPLE))
    if not path.is_file():
        raise LayerError(f"{path} : l'échantillon embarqué est absent ; réinstallez geoguichet.")
    return path


def path_of(where: str) -> Path:
    """Return the GeoPackage of a territory: ``sample``, or the path of a file."""
    return sample_path() if where == "sample" else Path(where)


def metric_of(bounds: Sequence[float]) -> str:
    """Return the system in which to measure metres on a ground: the legal one of its territory.

    Elsewhere than in France, it is the UTM zone of the middle; an empty ground (NaN) has Lambert-93.

    Parameters
    ----------
    bounds
        West, south, east, north of the ground, in degrees.
    """
    west, south, east, north = (float(value) for value in bounds)
    x, y = (west + east) / 2, (south + north) / 2
    if math.isnan(x):
        return METRIC
    for code, (left, bottom, right, top) in METRIC_SYSTEMS.items():
        if left <= x <= right and bottom <= y <= top:
            return code
    return f"EPSG:{(32600 if y >= 0 else 32700) + int(x // 6 + 31)}"


def squares_of(points: gpd.GeoSeries, side_m: float) -> pd.Series:
    """Return the square of a grid that each point (EPSG:4326, none missing) is in, as text: a grid of
    metres in each territory's own system.
    """
    systems = [metric_of(bounds) for bounds in shapely.bounds(points.array)]
    squares = pd.Series("", points.index, dtype=object)
    for system, some in points.groupby(pd.Series(systems, points.index, dtype=object)):
        metres = some.to_crs(system)
        east, north = (metres.x // side_m).astype(str), (metres.y // side_m).astype(str)
        squares[some.index] = f"{system}/" + east + "/" + north
    return squares


def list_layers(path: Path) -> list[str]:
    """Return the names of the layers of a GeoPackage, GeoJSON, Shapefile or other file GDAL reads.

    Raises
    ------
    LayerError
        When the file is missing, cut short, or no geographic file.
    """
    with absence_refused(path):
        status = path.stat()
    return list(_layers(path, status.st_size, status.st_mtime_ns))


# Look once into a file, however many of its layers are read; its size and time tell it from what it was.
@lru_cache(maxsize=8)
def _layers(path: Path, _size: int, _time: int) -> tuple[str, ...]:
    _check_file(path)
    check_stored(path)
    with refused(
        pyogrio.errors.DataSourceError,
        say=lambda error: (
            f"{path} : ce n'est pas un fichier géographique lisible ; "
            "un GeoPackage, un GeoJSON ou un Shapefile est attendu."
        ),
    ):
        return tuple(str(name) for name in pyogrio.list_layers(path)[:, 0])


def read_layer(
    path: Path,
    *,
    layer: str | None = None,
    columns: Sequence[str] = (),
    empty: bool = False,
    only: Callable[[list[str]], list[str]] | None = None,
) -> gpd.GeoDataFrame:
    """Read one layer, in EPSG:4326, rows in the order of the file and index 0..n-1.

    Parameters
    ----------
    path
        The file; it is opened for reading only.
    layer
        Name of the layer; may be left out when the file has only one.
    columns
        Columns that must be there; the others are read too.
    empty
        Whether it may have no row.
    only
        Which of the columns that are there are read, all when left out.

    Raises
    ------
    LayerError When the file is missing, cut short or unreadable, the layer unknown, without
        geometry, without CRS or empty, a column missing, or a latitude beyond 90 degrees.
    """
    layer = _choose_layer(path, layer)
    where = f"{path}, couche « {layer} »"
    with refused(
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        OSError,
        UnicodeDecodeError,
        say=lambda error: (
            f"{where} : la lecture échoue ({error}) ; le fichier est abîmé, copiez-le de nouveau."
        ),
    ):
        check_stored(path, layer, whole=only is None)
        kept = None
        if only:
            info = pyogrio.read_info(path, layer=layer)
            kept = only([str(column) for column in info["fields"]])
            check_cells(path, max(0, info["features"]), len(kept) + 1)
        frame = pyogrio.read_dataframe(path, layer=layer, use_arrow=True, columns=kept)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(
            f"{where} : c'est une table sans géométrie ; une couche géographique est attendue."
        )
    if frame.crs is None:
        raise LayerError(
            f"{where} : le système de coordonnées (CRS) n'est pas indiqué ; "
            "définissez-le dans QGIS (« Définir la projection ») ou exportez la couche en "
            "EPSG:4326."
        )
    if frame.empty and not empty:
        raise LayerError(f"{where} : la couche ne contient aucune ligne.")
    check_columns(frame, columns, where=where)
    frame = frame.to_crs(LONLAT)
    _check_latitudes(frame, where=where)
    return frame


#: Rows of a table that are read before what it holds is counted.
_ROWS = 50_000


def read_table(path: Path, *, separators: str = "", **options: Any) -> pd.DataFrame:
    """Return a delimited text in UTF-8, compressed or not, whole and as text, within the budget of
    `floor.files`.

    Parameters
    ----------
    separators
        Those it may have: the one of which the header has most; without any, pandas finds it.
    options
        Of ``pandas.read_csv``.

    Raises
    ------
    LayerError
        It is missing, unreadable, or over the budget.
    """
    with refused(
        OSError,
        EOFError,
        zlib.error,
        csv.Error,
        ValueError,  # pandas' own errors too
        say=lambda error: _(
            "{path} : table illisible ({error}) ; un CSV en UTF-8 est attendu.",
            path=path,
            error=error,
        ),
    ):
        with open_bytes(path, line=BUDGET.line) as file:
            header = file.readline().decode("utf-8-sig")
        width = 1 + max(map(header.count, separators or ";,\t|"))
        options |= {"sep": max(separators, key=header.count)} if separators else {"sep": None}
        options["chunksize"] = rows_at_once(path, width, _ROWS)
        parts: list[pd.DataFrame] = []
        rows = 0
        with (
            open_bytes(path, line=BUDGET.line) as file,
            pd.read_csv(file, encoding="utf-8-sig", dtype=str, **options) as reader,
        ):
            for part in reader:
                rows += len(part)
                check_cells(path, rows, part.shape[1])
                parts.append(part)
        return parts[0] if len(parts) == 1 else pd.concat(parts)


def check_columns(frame: pd.DataFrame, columns: Iterable[str], *, where: str) -> None:
    """Raise LayerError, naming the columns there are, when `frame` lacks one of `columns`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise LayerError(
            f"{where} : colonne absente : {', '.join(missing)}. Colonnes présentes : "
            f"{', '.join(map(str, frame.columns))}."
        )


#: The views, virtual tables and made columns by which a file of SQLite gives more than it holds; a view
#: that recurs or fills memory is run as soon as GDAL opens the file.
_NOT_STORED = """
SELECT name FROM sqlite_master WHERE type = 'view' AND (name = :layer
  OR sql LIKE '%recursive%' OR sql LIKE '%zeroblob%' OR sql LIKE '%randomblob%')
UNION SELECT name FROM sqlite_master WHERE name = :layer AND sql LIKE 'create virtual%'
UNION SELECT name FROM pragma_table_xinfo(:layer) WHERE hidden > 1
"""


def check_stored(file: Path | str, layer: str = "", *, whole: bool = True) -> None:
    """Raise LayerError for what a layer computes instead of holding it, and for one too large to
    be read whole; without a layer, for what is computed, or leads GDAL to another file, as soon as
    this one is opened.
    """
    path = Path(file)
    _check_own(file)
    if path.is_file() and path.suffix.lower() not in {".shp", ".fgb"}:
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as base:
                made = base.execute(_NOT_STORED, {"layer": layer}).fetchone()
        except sqlite3.DatabaseError:
            made = None  # no file of SQLite, or a damaged one: GDAL says so
        if made:
            raise LayerError(
                _(
                    "{path} : « {name} » est calculé à la lecture (une vue, une table virtuelle ou "
                    "une colonne) ; enregistrez la couche comme une table (QGIS : Exporter).",
                    path=path,
                    name=made[0],
                )
            )
    if layer and whole:
        info = pyogrio.read_info(file, layer=layer)
        check_cells(path, max(0, info["features"]), len(info["fields"]) + 1)


# Raise LayerError for a file that GDAL would follow to what it names: one called a shapefile that is
# something else, or the description of another source (``<OGRVRTDataSource>``).
def _check_own(file: Path | str) -> None:
    archive, _brace, member = str(file).removeprefix("/vsizip/{").partition("}/")
    if not (member or Path(file).is_file()):
        return
    with (
        absence_refused(Path(file)),
        zipfile.ZipFile(archive).open(member) if member else Path(file).open("rb") as content,
    ):
        head = content.read(1024)
    if str(file).lower().endswith(".shp") and head[:4] != b"\0\0\x27\x0a":
        raise LayerError(
            _("{file} : ce n'est pas un shapefile ; un .shp complet est attendu.", file=file)
        )
    if b"<OGR" in head:
        raise LayerError(
            _(
                "{file} : ce fichier en décrit un autre, qui n'est pas suivi ; donnez celui-là.",
                file=file,
            )
        )


# Return the layer asked for, or the only one; raise LayerError with the names there are.
def _choose_layer(path: Path, layer: str | None) -> str:
    names = list_layers(path)
    if layer is None and len(names) == 1:
        return names[0]
    if layer in names:
        return layer
    known = ", ".join(names) or "aucune"
    if layer is None:
        raise LayerError(f"{path} : précisez la couche à lire. Couches présentes : {known}.")
    raise LayerError(f"{path} : la couche « {layer} » n'existe pas. Couches présentes : {known}.")


# Raise LayerError when there is no file, or when it is a GeoPackage whose end is missing.
def _check_file(path: Path) -> None:
    with absence_refused(path):
        with path.open("rb") as file:
            header = file.read(100)
        size = path.stat().st_size
    if size == 0:
        raise LayerError(f"{path} : le fichier est vide (0 octet) ; copiez-le de nouveau.")
    if header.startswith(b"SQLite format 3\0"):
        expected = _sqlite_size(header)
        if size < expected:
            raise LayerError(
                f"{path} : fichier tronqué ({size} octets, {expected} attendus) ; copiez-le de "
                "nouveau."
            )


# Return the bytes an SQLite file must have by its header (sqlite.org/fileformat.html, section 1.3).
def _sqlite_size(header: bytes) -> int:
    if len(header) < 100:
        return 100
    page_size, page_count = struct.unpack(">16xH10xI68x", header)
    return int(page_count) * (65536 if page_size == 1 else int(page_size))


# Raise LayerError when a latitude passes 90 degrees: metres taken for degrees, or axes swapped.
def _check_latitudes(frame: gpd.GeoDataFrame, *, where: str) -> None:
    bounds = shapely.bounds(frame.geometry.array)
    wrong = frame.index[(bounds[:, 1] < -90) | (bounds[:, 3] > 90)]
    if len(wrong):
        raise LayerError(
            f"{where} : {len(wrong)} ligne(s) ont une latitude au-delà de 90 degrés (la première "
            ": ligne "
            f"{wrong[0] + 1}) ; le système de coordonnées déclaré n'est pas le bon, ou longitude "
            "et latitude "
            "sont inversées."
        )


def check_text(frame: gpd.GeoDataFrame, columns: Iterable[str], *, where: str) -> None:
    """Raise LayerError when a value of one of these columns is neither text nor missing (INSEE
    codes as numbers).
    """
    for column in columns:
        wrong = [value for value in frame[column].dropna() if not isinstance(value, str)]
        if wrong:
            raise LayerError(
                f"{where} : la colonne « {column} » contient {wrong[0]!r} ; du texte est attendu "
                "(un code INSEE garde son zéro initial) : changez le type de la colonne."
            )


def as_multipolygon(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return the polygons of any shape as a multipolygon: a layer holds one type."""
    return shapely.MultiPolygon(
        [
            part
            for part in shapely.get_parts(shapely.get_parts(shape))
            if part.geom_type == "Polygon"
        ]
    )


#: The column that says which outlines were mended; it is there only when some were.
MENDED = "mended_outline"


def mended(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return surfaces with those that cross themselves made valid, and told in :data:`MENDED`."""
    shapes = frame.geometry.to_numpy().copy()
    wrong = ~(shapely.is_valid(shapes) | shapely.is_missing(shapes))
    if not wrong.any():
        return frame
    whole = shapely.make_valid(shapes[wrong], method="structure", keep_collapsed=False)
    shapes[wrong] = [as_multipolygon(shape) for shape in whole]
    return frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs)).assign(
        **{MENDED: wrong}
    )
