"""The result as layers: a GeoPackage with the styles that QGIS applies by itself, and GeoParquet."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs.style import layer_styles
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import Message

#: Layers of ``result.gpkg``, in their order, with their geometry type.
LAYERS = {"demand": "Point", "services": "Point", "white_zones": "MultiPolygon", "kiosks": "Point"}

#: GeoPackage version: every GDAL and QGIS still in use reads this one without a warning.
_VERSION = "1.2"

#: The moment written in the file: a fixed one, since equal results must give equal bytes.
_WRITTEN_AT = "2000-01-01T00:00:00.000Z"


def write_geopackage(result: CoverageResult, path: Path) -> None:
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
    layers = {
        name: (_of_study(getattr(result, name).reset_index(names="id"), result), kind)
        for name, kind in LAYERS.items()
    }
    asked = {"legal": result.beside.legal, "measures": result.beside.measures}
    tables = {
        name: (_of_study(table, result), "") for name, table in asked.items() if table is not None
    }
    write_database(
        path, layers | tables, finish=partial(_add_styles, result.study), VERSION=_VERSION
    )


def write_geoparquet(result: CoverageResult, path: Path) -> None:
    """Write the white zones to a GeoParquet 1.1 file: columns study, id, those of the result,
    geometry, bbox.
    """
    _of_study(result.white_zones.reset_index(names="id"), result).to_parquet(
        path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )


def write_database(
    path: Path,
    tables: Mapping[str, tuple[pd.DataFrame, str]],
    *,
    finish: Callable[[sqlite3.Connection], None] = lambda _: None,
    **options: str,
) -> None:
    """Write tables to a new GeoPackage, each with the type of its geometry (empty when it has
    none); then let ``finish`` add to it, and count what was written: GDAL may only warn when the
    disk is full.

    Raises
    ------
    OutputError
        The database could not be written whole.
    """
    try:
        with _fixed_clock():
            for name, (table, kind) in tables.items():
                drawn: dict[str, Any] = {
                    "geometry_type": kind,
                    "promote_to_multi": kind.startswith("Multi"),
                }
                pyogrio.write_dataframe(
                    table,
                    path,
                    layer=name,
                    driver="GPKG",
                    append=path.exists(),
                    **(drawn if kind else {}),
                    **options,
                )
        with closing(sqlite3.connect(path)) as database:
            finish(database)
            for name, (table, _kind) in tables.items():
                (found,) = database.execute(f'SELECT count(*) FROM "{name}"').fetchone()
                if found != len(table):
                    raise OutputError(
                        Message(
                            "{file} : {found} lignes écrites sur {expected} dans la couche {layer}",
                            file=path.name,
                            found=found,
                            expected=len(table),
                            layer=name,
                        )
                    )
    except (DataSourceError, DataLayerError, FeatureError, sqlite3.Error) as error:
        raise OutputError(
            Message("{file} : la base n'a pas pu être écrite ({why})", file=path.name, why=error)
        ) from error


def _of_study[Table: pd.DataFrame](table: Table, result: CoverageResult) -> Table:
    named = table.copy()
    named.insert(0, "study", result.study.id)
    return named


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Have GDAL write one fixed moment, and give the clock back afterwards."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _add_styles(study: Study, database: sqlite3.Connection) -> None:
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
            for name, qml in layer_styles(study.language, study.unit).items()
        ],
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
        (_WRITTEN_AT,),
    )
    database.commit()
