"""The result as a GeoPackage: four layers, and the styles that QGIS applies by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs.style import layer_styles
from geoguichet.coverage.result import CoverageResult
from geoguichet.floor.units import Unit

LAYERS = {"demand": "Point", "services": "Point", "white_zones": "MultiPolygon", "kiosks": "Point"}
"""Layers of ``result.gpkg``, in their order, with their geometry type."""

_VERSION = "1.2"
"""GeoPackage version: every GDAL and QGIS still in use reads this one without a warning."""

_WRITTEN_AT = "2000-01-01T00:00:00.000Z"
"""The moment written in the file: a fixed one, since equal results must give equal bytes."""


def write(result: CoverageResult, path: Path) -> None:
    """Write ``demand``, ``services``, ``white_zones``, ``kiosks`` and ``layer_styles`` to a new
    file.

    The tables ``legal`` and ``measures`` stand beside them when the study asks for them.

    Every layer is in EPSG:4326, has an R*Tree, and starts with the columns ``study`` and ``id``; a
    missing geometry is written as NULL, a missing number too.

    Raises
    ------
    OutputError
        The database could not be written whole (full disk, quota).
    """
    frames = {name: _frame(result, name) for name in LAYERS}
    try:
        with fixed_clock():
            for name, frame in frames.items():
                _write_layer(frame, path, name)
            for name, table in _tables(result).items():
                pyogrio.write_dataframe(
                    table, path, layer=name, driver="GPKG", append=True, VERSION=_VERSION
                )
        with closing(sqlite3.connect(path)) as database:
            _add_styles(database, result.study.language, result.study.unit)
            check_whole(database, {name: len(frame) for name, frame in frames.items()}, path)
    except (DataSourceError, DataLayerError, FeatureError, sqlite3.Error) as error:
        raise OutputError(f"{path.name} : la base n'a pas pu être écrite ({error})") from error


def _frame(result: CoverageResult, name: str) -> gpd.GeoDataFrame:
    layer: gpd.GeoDataFrame = getattr(result, name)
    frame = layer.reset_index(names="id")
    frame.insert(0, "study", result.study.id)
    return frame


def _tables(result: CoverageResult) -> dict[str, pd.DataFrame]:
    """Return the tables without geometry that the study asks for, by name."""
    asked = {"legal": result.beside.legal, "measures": result.beside.measures}
    tables = {name: table.copy() for name, table in asked.items() if table is not None}
    for table in tables.values():
        table.insert(0, "study", result.study.id)
    return tables


def _write_layer(frame: gpd.GeoDataFrame, path: Path, name: str) -> None:
    pyogrio.write_dataframe(
        frame,
        path,
        layer=name,
        driver="GPKG",
        geometry_type=LAYERS[name],
        promote_to_multi=LAYERS[name].startswith("Multi"),
        append=path.exists(),
        SPATIAL_INDEX="YES",
        VERSION=_VERSION,
    )


@contextmanager
def fixed_clock() -> Iterator[None]:
    """Have GDAL write one fixed moment, and give the clock back afterwards."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _add_styles(database: sqlite3.Connection, language: str, unit: Unit) -> None:
    """Create QGIS's table of styles, with one default style a layer, and declare it to the
    GeoPackage.
    """
    database.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
        "f_table_catalog TEXT(256), "
        "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName "
        "TEXT(30), "
        "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui "
        "TEXT(30), "
        "update_time DATETIME DEFAULT CURRENT_TIMESTAMP)"
    )
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
        "f_geometry_column, styleName, "
        "styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
        "VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', NULL, ?)",
        [
            (name, f"{name} (geoguichet)", qml, _WRITTEN_AT)
            for name, qml in layer_styles(language, unit).items()
        ],
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
        (_WRITTEN_AT,),
    )
    database.commit()


def check_whole(database: sqlite3.Connection, rows: dict[str, int], path: Path) -> None:
    """GDAL may only warn when the disk is full: count what was written."""
    for name, expected in rows.items():
        (found,) = database.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        if found != expected:
            raise OutputError(
                f"{path.name} : {found} lignes écrites sur {expected} dans la couche {name}"
            )
