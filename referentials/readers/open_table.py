"""Any file as a table of text, by what its first bytes are: text, workbook, JSON, or a geographic
layer, which gives the attributes of its features and a point for each.
"""

import json
import re
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio.errors
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import check_archive, leads_out, refused
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message, _
from geoguichet.referentials.layers import LONLAT, check_stored
from geoguichet.referentials.readers.column_names import FileMapping
from geoguichet.referentials.readers.text_tables import (
    OpenedTable,
    cell_text,
    json_document,
    json_table,
    open_csv,
    open_workbook,
    read_bytes,
    unread_layer,
)

#: Columns that hold the point of a geographic layer.
GEOMETRY_X, GEOMETRY_Y = "géométrie x", "géométrie y"


def open_table(path: Path, mapping: FileMapping) -> OpenedTable:
    """Open a file as a table of text, by what its first bytes are.

    Raises
    ------
    LayerError
        When it is missing, empty, damaged or of a kind nobody reads.
    """
    if path.is_dir() or path.suffix.lower() == ".shp":
        return _open_layer(path, mapping)
    head = read_bytes(path, 4096)
    if not head:
        raise LayerError(f"{path} : le fichier est vide (0 octet) ; copiez-le de nouveau.")
    if head.startswith(b"PK\x03\x04"):
        return _open_zip(path, mapping)
    if head.startswith((b"SQLite format 3\0", b"fgb")):
        return _open_layer(path, mapping)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise LayerError(f"{path} : classeur d'un ancien format (.xls) ; enregistrez-le en .xlsx.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return _open_json(path)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LayerError(
            f"{path} : ce n'est ni du texte, ni un classeur .xlsx, ni une couche géographique "
            "connue."
        )
    return open_csv(path, mapping)


# Open a zip that holds no text: a workbook, or a shapefile.
def _open_zip(path: Path, mapping: FileMapping) -> OpenedTable:
    if shapefiles_in(path):
        return _open_layer(path, mapping)
    names = [each.filename for each in check_archive(path)]
    if names and "[Content_Types].xml" not in names:
        raise LayerError(
            _(
                "{path} : ce zip ne contient ni texte (CSV, JSON), ni classeur, ni shapefile, mais "
                "{names} ; décompressez-le.",
                path=path,
                names=", ".join(names[:5]),
            )
        )
    return open_workbook(path, mapping)


def shapefiles_in(path: Path) -> list[str]:
    """Return the shapefiles in a zip, by their names in it."""
    return [each.filename for each in check_archive(path) if each.filename.lower().endswith(".shp")]


# -- GeoJSON


def geojson_features(document: Any, path: Path) -> list[Any]:
    """Return the features of a GeoJSON document.

    Raises
    ------
    LayerError
        When it is no feature collection.
    """
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise LayerError(
            f"{path} : un tableau d'objets ou une collection GeoJSON (« features ») est attendu."
        )
    return features


def geojson_table(document: Any, *, columns: Sequence[str] = (), path: Path) -> pd.DataFrame:
    """Return the point features of a GeoJSON collection as text, with ``longitude`` and
    ``latitude``.

    Raises
    ------
    LayerError
        When it is no feature collection, or lacks a column.
    """
    rows = []
    for feature in geojson_features(document, path):
        point = (feature.get("geometry") or {}).get("coordinates") or []
        longitude, latitude = [*point, None, None][:2]
        properties = feature.get("properties") or {}
        rows.append({**properties, "longitude": longitude, "latitude": latitude})
    return json_table(rows, columns=columns, path=path)


def feature_properties(feature: Any) -> dict[str, Any]:
    """Return the properties of a feature by name; none when it has none, or is no feature."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    known = properties if isinstance(properties, dict) else {}
    return {str(key): value for key, value in known.items()}


def feature_shape(feature: Any) -> shapely.Geometry | None:
    """Return the geometry of a feature; None when it has none or a broken one."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    text = None if geometry is None else json.dumps(geometry, allow_nan=True)
    return shapely.from_geojson(text, on_invalid="ignore")


def _open_json(path: Path) -> OpenedTable:
    document = json_document(path)
    if isinstance(document, list):
        return _of_one(
            json_table(
                [row if isinstance(row, dict) else {"valeur": row} for row in document], path=path
            ),
            [],
            ["JSON, un tableau d'objets, UTF-8."],
        )
    features = geojson_features(document, path)
    table = json_table([feature_properties(feature) for feature in features], path=path)
    findings: list[Finding] = []
    table = _with_points(table, [feature_shape(each) for each in features], path.name, findings)
    return _of_one(
        table, findings, [f"GeoJSON, UTF-8, {len(features)} entités."], crs=_geojson_crs(document)
    )


def _geojson_crs(document: dict[str, Any]) -> str:
    named = document.get("crs")
    properties = named.get("properties") if isinstance(named, dict) else None
    code = re.search(
        r"EPSG:+(\d+)$", str(properties.get("name", "")) if isinstance(properties, dict) else ""
    )
    return f"EPSG:{code[1]}" if code and code[1] != "4326" else LONLAT


# -- layers that GDAL reads


def layer_file(path: Path) -> Path | str:
    """Return what GDAL may open of a layer: the shapefile of a folder or of a zip, else the file itself.

    Raises
    ------
    LayerError
        When a folder has no shapefile, or one that is a link to elsewhere; as `check_stored`.
    """
    file: Path | str = path
    if path.is_dir():
        shapes = sorted(each for each in path.iterdir() if each.suffix.lower() == ".shp")
        if not shapes:
            raise LayerError(f"{path} : ce dossier n'a pas de fichier .shp.")
        file = shapes[0]
        if leads_out(file, path):
            raise LayerError(
                _(
                    "{file} : c'est un lien vers un fichier d'un autre dossier ; donnez ce fichier "
                    "lui-même.",
                    file=file,
                )
            )
    elif inside := shapefiles_in(path):
        file = f"/vsizip/{{{path}}}/{inside[0]}"
    check_stored(file)
    return file


def read_gdal_layer(
    path: Path, layer: str = "", *, encoding: str = ""
) -> tuple[Any, str, list[str], list[str]]:
    """Read a layer of a GeoPackage, a shapefile (alone, in a folder, zipped) or a FlatGeobuf.

    A shapefile that does not say its encoding is tried in UTF-8, then in Latin-1.

    Returns
    -------
    The frame, as it is; its encoding when it had to be tried; the names of the layers of the file,
    that which was read being the first; what GDAL warned of.

    Raises
    ------
    LayerError
        When it cannot be read.
    """
    with (
        refused(
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            OSError,
            ValueError,
            RuntimeError,
            shapely.errors.ShapelyError,
            zipfile.BadZipFile,
            say=lambda error: (
                f"{path} : couche illisible ({error}) ; un GeoPackage, un GeoJSON ou un shapefile "
                "complet est attendu."
            ),
        ),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        file = layer_file(path)
        names = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
        layer = layer or next(iter(names), "")
        check_stored(file, layer if layer in names else "")
        frame, tried = _read_decoded(file, layer, encoding)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return (
        frame,
        tried,
        sorted(names, key=lambda name: name != layer),
        list(dict.fromkeys(str(warning.message) for warning in warned)),
    )


def _read_decoded(file: Path | str, layer: str, encoding: str) -> tuple[Any, str]:
    if encoding or _says_its_encoding(str(file)):
        return pyogrio.read_dataframe(file, layer=layer, encoding=encoding or None), ""
    try:
        return pyogrio.read_dataframe(file, layer=layer, encoding="UTF-8"), "UTF-8"
    except UnicodeDecodeError:
        return pyogrio.read_dataframe(file, layer=layer, encoding="ISO-8859-1"), "ISO-8859-1"


# Return whether a layer says in what encoding its text is: all do but shapefiles without a
# ``.cpg``.
def _says_its_encoding(file: str) -> bool:
    archive, _brace, member = file.removeprefix("/vsizip/{").partition("}/")
    if member:
        with zipfile.ZipFile(archive) as opened:
            return member.lower()[:-4] + ".cpg" in {name.lower() for name in opened.namelist()}
    path = Path(file)
    if path.suffix.lower() != ".shp":
        return True
    return any(path.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG"))


def _open_layer(path: Path, mapping: FileMapping) -> OpenedTable:
    frame, encoding, (layer, *others), warned = read_gdal_layer(
        path, mapping.layer, encoding=mapping.encoding
    )
    findings = [
        Finding("gdal-warning", path.name, "", Message("GDAL signale : {message}", message=message))
        for message in warned
    ]
    findings += [
        unread_layer(path, name, Message("La couche « {name} » n'est pas lue.", name=name))
        for name in others
    ]
    attributes = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    table = pd.DataFrame(
        {name: [_attribute_text(value) for value in attributes[name]] for name in attributes},
        frame.index,
        dtype=object,
    )
    said = f", texte en {encoding} (supposé)" if encoding else ""
    notes = [f"Couche « {layer} », {len(frame)} entités{said}."]
    if not isinstance(frame, gpd.GeoDataFrame):
        return _of_one(table, findings, [*notes, "Table sans géométrie."])
    table = _with_points(table, list(frame.geometry), path.name, findings)
    return _of_one(table, findings, notes, crs=crs_text(frame.crs))


def crs_text(crs: Any) -> str:
    """Return a CRS as its EPSG code, else its WKT; empty when there is none."""
    if crs is None:
        return ""
    return f"EPSG:{crs.to_epsg()}" if crs.to_epsg() else str(crs.to_wkt())


def _attribute_text(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    return value.decode("latin-1") if isinstance(value, bytes) else cell_text(value)


# Add the point of each geometry as text; a surface or line gives a point of its own, and it is
# told.
def _with_points(
    table: pd.DataFrame, shapes: Sequence[Any], layer: str, findings: list[Finding]
) -> pd.DataFrame:
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
        findings.append(
            Finding(
                "polygon-as-point",
                layer,
                "",
                Message(
                    "{n} service(s) sont des lignes ou des surfaces : placés à un point intérieur.",
                    n=other,
                ),
                remedy=Message("Donnez un point à chaque service."),
            )
        )
    message = Message("Géométrie invalide (elle se recoupe) : réparée pour y trouver un point.")
    findings += [
        Finding("invalid-geometry", layer, f"ligne {number}", message, row=number)
        for number in broken
    ]
    return table.assign(
        **{
            name: pd.Series(text, table.index, dtype=object)
            for name, text in {GEOMETRY_X: x, GEOMETRY_Y: y}.items()
        }
    )


# Return a table of one chunk, or of none when it has no row.
def _of_one(
    table: pd.DataFrame, findings: list[Finding], notes: list[str], *, crs: str = ""
) -> OpenedTable:
    return OpenedTable(
        iter([table] if len(table) else []),
        findings,
        notes,
        crs,
        is_layer=GEOMETRY_X in table.columns,
    )
