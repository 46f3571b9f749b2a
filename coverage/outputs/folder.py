"""All the documents of a study, written beside the previous ones and put in their place only when
complete.
"""

import errno
import os
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from geoguichet.coverage import manifest
from geoguichet.coverage.errors import OutputError, OutputFolderError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import report, web_map
from geoguichet.coverage.outputs.style import layer_styles, leaflet_present
from geoguichet.coverage.study.study import Study
from geoguichet.coverage.zones.surface import Surface
from geoguichet.floor.files import DRAFTS
from geoguichet.floor.words import Message, _, speaking

# The result as layers: a GeoPackage with the styles that QGIS applies by itself, and GeoParquet.


#: Layers of ``result.gpkg``, in their order, with their geometry type.
LAYERS = {"demand": "Point", "services": "Point", "white_zones": "MultiPolygon", "kiosks": "Point"}

#: GeoPackage version: every GDAL and QGIS still in use reads this one without a warning.
_VERSION = "1.2"

#: The moment written in the file: a fixed one, since equal results must give equal bytes.
_WRITTEN_AT = "2000-01-01T00:00:00.000Z"


def write_geopackage(result: CoverageResult, path: Path) -> None:
    """Write ``demand``, ``services``, ``white_zones``, ``kiosks`` and ``layer_styles`` to a new
    file.

    The layer ``extensions`` (counters to open longer) and the tables ``legal`` and ``measures`` stand
    beside them when the study asks for them, and
    ``without_outline`` when white zones have no polygon: with the layer, it adds up to the unserved.

    Every layer is in EPSG:4326, has an R*Tree, and starts with the columns ``study`` and ``id``; a
    missing geometry is written as NULL, a missing number too.

    Raises
    ------
    OutputError
        The database could not be written whole (full disk, quota).
    """
    rows = {name: getattr(result, name) for name in LAYERS} | {"white_zones": result.drawn_zones}
    layers = {
        name: (_of_study(rows[name].reset_index(names="id"), result), kind)
        for name, kind in LAYERS.items()
    }
    longer = result.beside.extensions
    if longer is not None:
        layers["extensions"] = _of_study(longer.table.reset_index(names="id"), result), "Point"
    bare = result.without_outline.reset_index(names="id")
    asked = {
        "legal": result.beside.legal,
        "measures": result.beside.measures,
        "without_outline": None if bare.empty else bare,
    }
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
    _of_study(result.drawn_zones.reset_index(names="id"), result).to_parquet(
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


# Have GDAL write one fixed moment, and give the clock back afterwards.
@contextmanager
def _fixed_clock() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


# Create QGIS's table of styles, with one default style a layer, and declare it to the GeoPackage.
def _add_styles(study: Study, database: sqlite3.Connection) -> None:
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


# The slack over the ground as a Cloud Optimized GeoTIFF: tiled, with overviews, readable from a
# distance.


NODATA = -999_999.0


def write(result: CoverageResult, path: Path) -> None:
    """Write ``surface.tif`` (float32, the territory's own metres: EPSG:2154): band 1 the slack in
    seconds or metres, band 2 who is served.

    Band 1 has no data outside the territory and where the rule cannot be met at any threshold; band
    2 is 1 where the rule is met, 0 where it is not, with no data outside: a place out of reach of
    everything is unserved, not unknown.

    Raises
    ------
    OutputError
        The file could not be written.
    """
    surface = result.surface
    if surface is None:
        raise OutputError(
            Message(
                "{file} : l'étude n'a pas de surface ; demandez-la par zones.surface = true",
                file=path.name,
            )
        )
    slack = np.where(surface.inside & np.isfinite(surface.slack), surface.slack, NODATA)
    served = np.where(surface.inside, (surface.slack >= 0).astype(np.float32), NODATA)
    with speaking(result.study.language, typeset=True):
        bands = _("marge sous la règle, négative où elle manque"), _("règle tenue (1) ou non (0)")
        legend = _(
            "négatif : zone blanche ; 0 : au seuil, desservi ; positif : desservi ; sans valeur : "
            "hors du territoire ou hors d’atteinte (voir la bande 2)"
        )
    named = {"study": result.study.id, "title": result.study.title, "unit": surface.unit}
    write_raster(
        path,
        np.stack([slack, served]),
        surface,
        names=bands,
        units=(surface.unit, ""),
        tags=named,
        legend=legend,
    )


def write_raster(
    path: Path,
    bands: np.ndarray,
    surface: Surface,
    *,
    names: tuple[str, ...],
    units: tuple[str, ...],
    tags: Mapping[str, str],
    legend: str = "",
) -> None:
    """Write bands (bands x rows x columns, :data:`NODATA` where nothing is known) on the cells of a
    surface as a Cloud Optimized GeoTIFF of float32.

    Raises
    ------
    OutputError
        The file could not be written.
    """
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    profile = {
        "driver": "GTiff",
        "height": bands.shape[1],
        "width": bands.shape[2],
        "count": len(bands),
        "dtype": "float32",
        "crs": surface.crs,
        "transform": surface.transform,
        "nodata": NODATA,
    }
    try:
        with MemoryFile() as memory:
            with memory.open(**profile) as plain:
                plain.write(bands.astype(np.float32))
                plain.descriptions = names
                plain.units = units
                plain.update_tags(**tags)
                if legend:
                    plain.update_tags(1, legend=legend)
            with memory.open() as plain, warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                copy(
                    plain,
                    path,
                    driver="COG",
                    BLOCKSIZE=256,
                    COMPRESS="DEFLATE",
                    PREDICTOR="YES",
                    OVERVIEWS="IGNORE_EXISTING",
                    RESAMPLING="NEAREST",
                    NUM_THREADS=1,
                )
    except RasterioError as error:
        raise OutputError(
            Message("{file} : la surface n'a pas pu être écrite ({why})", file=path.name, why=error)
        ) from error


@dataclass(frozen=True, slots=True)
class Output:
    """A file of a study: what writes it, and what the study's record says of it."""

    write: Callable[[CoverageResult, Path], None]
    media_type: str
    #: In French, the language of the catalogue.
    title: str
    #: Whether a result has it.
    wanted: Callable[[CoverageResult], bool] = lambda _: True


def _write_manifest(result: CoverageResult, path: Path) -> None:
    manifest.write(
        result, path, [path.with_name(name) for name in outputs_of(result) if name != path.name]
    )


#: The files of a study, in the order in which they are written; the manifest comes last, since it
#: describes the others. Another output is one more entry.
OUTPUTS: dict[str, Output] = {
    "result.gpkg": Output(
        write_geopackage,
        "application/geopackage+sqlite3",
        "Couches de l'étude (GeoPackage)",
    ),
    "zones.parquet": Output(
        write_geoparquet,
        "application/vnd.apache.parquet",
        "Zones blanches (GeoParquet)",
    ),
    "map.html": Output(
        lambda result, path: write_text(path, web_map.render(result)),
        "text/html",
        "Carte",
        wanted=lambda _: leaflet_present(),
    ),
    "report.html": Output(
        lambda result, path: write_text(path, report.render(result)), "text/html", "Rapport"
    ),
    "surface.tif": Output(
        write,
        "image/tiff; application=geotiff; profile=cloud-optimized",
        "Marge en chaque lieu (GeoTIFF optimisé pour le nuage)",
        wanted=lambda result: result.surface is not None,
    ),
    "manifest.json": Output(
        _write_manifest, "application/json", "Manifeste : entrées, paramètres, versions"
    ),
}

#: Every file name that belongs to a result (``nearest.sqlite`` is the index that ``nearest`` keeps
#: beside it); a folder with any other is somebody else's.
RESULT_FILES = frozenset({*OUTPUTS, "report.pdf", "nearest.sqlite"})


def write_all(
    result: CoverageResult,
    folder: Path,
    *,
    more: Mapping[str, bytes] | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> tuple[Path, ...]:
    """Write every document of a result to ``folder`` (``workspace/studies/<id>``) and return their
    paths.

    They are written to a folder beside it, which then takes its name. Until that moment, and after
    any error or Ctrl-C, the previous result stands as it was. ``more`` files come with them, by their
    names; ``on_step`` is called with the name of each document as it starts.

    Raises
    ------
    OutputError
        Something could not be written (read-only folder, full disk, a file standing in the way).
    """
    place = folder.absolute()
    try:
        place = folder.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.parent):
            _recover(place)
            _refuse_foreign(place)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as beside:
            fresh = Path(beside) / place.name
            fresh.mkdir()
            for name, output in outputs_of(result).items():
                on_step(name)
                output.write(result, fresh / name)
            for name, content in (more or {}).items():
                (fresh / name).write_bytes(content)
            with _locked(place.parent):
                _refuse_foreign(place)
                _swap(fresh, place)
    except OutputFolderError:
        raise
    except (OSError, OutputError) as error:
        raise OutputError(
            Message(
                "{folder} : le résultat n'a pas été écrit ({why}) ; ce qui s'y trouvait est intact "
                "; vérifiez les droits et la place disponible, ou choisissez un autre dossier.",
                folder=folder,
                why=_reason(error),
            )
        ) from error
    return tuple(folder / name for name in outputs_of(result))


def write_together(
    folder: Path, writers: Mapping[str, Callable[[Path], Any]], refused: Message
) -> tuple[Path, ...]:
    """Write files beside a folder, made if need be, then rename them all into it; return their
    paths.

    Until then, and after any error, the previous files stand as they were.

    Raises
    ------
    OutputError
        The system refuses; ``refused`` says it, with the fields ``folder`` and ``why``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished.", dir=folder) as beside:
            for name, write in writers.items():
                write(Path(beside) / name)
            for name in writers:
                (Path(beside) / name).replace(folder / name)
    except OSError as error:
        raise OutputError(refused.format(folder=folder, why=error.strerror)) from error
    return tuple(folder / name for name in writers)


def write_text(path: Path, text: str) -> None:
    """Write a page as every system writes it: UTF-8, lines that end with a line feed."""
    path.write_text(text, encoding="utf-8", newline="\n")


def outputs_of(result: CoverageResult) -> dict[str, Output]:
    """Return the files of this result: no map where Leaflet is missing, a surface where asked."""
    return {name: output for name, output in OUTPUTS.items() if output.wanted(result)}


# Refuse a folder that holds anything else than a study's documents: it would be lost.
def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, str(_IN_THE_WAY), str(folder))
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    foreign = [each for each in names if each not in RESULT_FILES and not each.startswith(DRAFTS)]
    if foreign:
        raise OutputFolderError(
            Message(
                "{folder} contient autre chose qu'un résultat d'étude ({files}) et n'est pas "
                "touché ; donnez un dossier vide ou un nom nouveau.",
                folder=folder,
                files=", ".join(foreign[:3]),
            )
        )


# Keep other runs from moving results in this folder meanwhile (where the system has such locks).
@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _swap(fresh: Path, folder: Path) -> None:
    """Put ``fresh`` in the place of ``folder``; should the second move fail, undo the first.

    Between the two moves a reader may find no folder for an instant; never a half-written one.
    """
    previous = _previous(folder)
    if previous.exists():
        shutil.rmtree(previous, ignore_errors=True)
    if previous.exists():  # a leftover that cannot be removed must not stop this run
        previous = folder.with_name(f".{folder.name}.previous-{os.getpid()}")
    if not folder.exists():
        fresh.rename(folder)
        return
    folder.rename(previous)
    try:
        fresh.rename(folder)
    finally:
        if not folder.exists():
            previous.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


# Bring back a result that a killed run had set aside a moment before the new one took its name.
def _recover(folder: Path) -> None:
    previous = _previous(folder)
    if previous.is_dir() and not folder.exists():
        previous.rename(folder)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _reason(error: Exception) -> str:
    return (
        str(_REASONS.get(error.errno or 0, error.strerror))
        if isinstance(error, OSError) and error.strerror
        else str(error)
    )


_IN_THE_WAY = Message("un fichier tient la place du dossier")
#: What a reader understands of a system's error.
_REASONS = {
    errno.EACCES: Message("accès refusé"),
    errno.EPERM: Message("opération non permise"),
    errno.EROFS: Message("le disque est en lecture seule"),
    errno.ENOSPC: Message("le disque est plein"),
    errno.EDQUOT: Message("le quota de disque est atteint"),
    errno.EFBIG: Message("la taille permise est dépassée"),
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}
