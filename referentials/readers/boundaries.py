"""Outlines of territories as IGN, INSEE and ANCT publish them: GeoJSON, shapefile (zipped or not),
GeoPackage.
"""

from __future__ import annotations

import json
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Reading, departement_of
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.tables import json_document, json_table
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

SOURCE = "limites"
CODES: Mapping[str, str] = {
    "code_iris": "iris",
    "siren_epci": "epci",
    "code_siren": "epci",
    "insee_com": "commune",
    "codgeo": "commune",
    "insee_can": "canton",
    "insee_arr": "arrondissement",
    "code_dept": "departement",
    "insee_dep": "departement",
    "code_reg": "region",
    "insee_reg": "region",
}
"""Published column of the code -> level, the finest first; a plain ``code`` says no level."""
NAMES = ("nom_iris", "lib_epci", "nom_com", "libgeo", "nom_dept", "nom_reg", "nom_region", "nom",
"nom_officiel",
         "libelle", "name")  # fmt: skip
BELONGS: Mapping[str, tuple[str, ...]] = {
    "commune": ("insee_com", "codgeo"),
    "departement": ("insee_dep", "code_dept", "departement"),
    "region": ("insee_reg", "code_reg", "region"),
    "epci": ("siren_epci", "code_siren", "epci"),
    "seat": ("code_chf",),
}
LEVEL_OF_WORD: Mapping[str, str] = {
    "commune": "commune",
    "iris": "iris",
    "canton": "canton",
    "arrondissement": "arrondissement",
    "epci": "epci",
    "departement": "departement",
    "region": "region",
}
"""A word of the file's name -> level, for the files whose columns do not say it."""
METROPOLE = (-6.0, 41.0, 10.5, 51.5)
"""West, south, east, north, in degrees."""


def read(path: Path, *, level: str = "") -> Iterator[Reading]:
    """Yield the territories of one layer of outlines, in EPSG:4326.

    Parameters
    ----------
    level What the rows are (a key of ``tables_by_code.LEVELS``); told by the columns, the file's
        name or the form of the codes when empty.

    Rules, beside those of ``tables_by_code.make_table``: ``assumed-encoding``,
    ``displaced-outline``.

    Raises
    ------
    LayerError
        When the file has no outlines, or nothing says which column is the code.
    """
    attributes, shapes, findings, notes = _opened(path)
    named = {str(name).lower(): attributes[name] for name in attributes.columns}
    column = next((name for name in [*CODES, "code"] if name in named), None)
    if column is None:
        raise LayerError(
            f"{path} : aucune colonne de code ({', '.join([*CODES, 'code'])}) ; colonnes : "
            f"{', '.join(named)}."
        )
    code = named[column]
    found = level or CODES.get(column) or _level_of(path, code)
    name = next((named[each] for each in NAMES if each in named), None)
    values = {"code": code, "level": pd.Series(found, index=code.index)}
    values |= {} if name is None else {"name": name}
    for belongs, columns in BELONGS.items():
        known = next((named[each] for each in columns if each in named), None)
        if known is not None:
            values[belongs] = known
    if "departement" not in values and found in {"commune", "iris", "canton", "arrondissement"}:
        values["departement"] = departement_of(code)
    values |= {found: code} if found in BELONGS else {}
    if "seat" in values:
        values["seat"] = values["departement"] + values["seat"]
    findings += _displaced(values, shapes)
    notes = (*notes, f"Niveau : {found} ; code = « {column} ».")
    yield make_table(
        CodedColumns(
            "territories", SOURCE, values, shapes, findings=findings, notes=notes, outlined=True
        )
    )


def _level_of(path: Path, code: pd.Series) -> str:
    """Return the level a file's name says, else the one its codes have the form of."""
    plain = unicodedata.normalize("NFKD", path.name).encode("ascii", "ignore").decode().lower()
    words = [word.rstrip("s") for word in re.findall(r"[a-z]+", plain)]
    said = next((LEVEL_OF_WORD[word] for word in words if word in LEVEL_OF_WORD), "")
    width = int(code.str.len().median()) if len(code) else 0
    return said or {9: "epci", 5: "commune", 3: "departement", 2: "departement"}.get(
        width, "commune"
    )


def _opened(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries, list[Finding], tuple[str, ...]]:
    """Return the attributes as text (index from 1), the shapes in EPSG:4326, and what was
    understood.
    """
    if path.name.lower().endswith((".geojson", ".json", ".geojson.gz", ".json.gz")):
        return _of_geojson(path)
    file = f"/vsizip/{path}" if path.suffix.lower() == ".zip" else str(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL tells of rings it reorders
            frame, findings = _of_layer(file)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError,
    RuntimeError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise LayerError(
            f"{path} : couche illisible ({error}) ; un GeoJSON, un GeoPackage ou un shapefile est "
            "attendu."
        ) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(f"{path} : c'est une table sans géométrie ; des contours sont attendus.")
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    crs = "Lambert-93" if frame.crs is None else str(frame.crs.name)
    shapes = (
        frame.geometry if frame.crs is not None else frame.geometry.set_crs("EPSG:2154")
    ).to_crs(LONLAT)
    attributes = (
        frame.drop(columns="geometry")
        .astype(object)
        .where(frame.drop(columns="geometry").notna(), "")
    )
    return attributes.astype(str), shapes, findings, (f"Couche, {len(frame)} entités, {crs}.",)


def _of_layer(file: str) -> tuple[Any, list[Finding]]:
    """Read a layer; a shapefile that does not say its encoding is tried in UTF-8, then in Latin-1,
    and it is told.
    """
    names = (
        [name.lower() for name in pyogrio.list_layers(file)[:, 0]]
        if file.startswith("/vsizip/")
        else []
    )
    if not file.lower().endswith(".shp") and not names:
        return pyogrio.read_dataframe(file), []
    said = Path(file).with_suffix(".cpg").exists() or Path(file).with_suffix(".CPG").exists()
    if said or (names and _cpg_within(Path(file.removeprefix("/vsizip/")))):
        return pyogrio.read_dataframe(file), []
    try:
        frame, encoding = pyogrio.read_dataframe(file, encoding="UTF-8"), "UTF-8"
    except UnicodeDecodeError:
        frame, encoding = pyogrio.read_dataframe(file, encoding="ISO-8859-1"), "latin-1"
    message = f"Rien ne dit le codage du texte (pas de .cpg) : lu en {encoding}."
    return frame, [
        Finding("assumed-encoding", SOURCE, "", message, "info", remedy="Ajoutez un fichier .cpg.")
    ]


def _cpg_within(archive: Path) -> bool:
    with zipfile.ZipFile(archive) as content:
        return any(name.lower().endswith(".cpg") for name in content.namelist())


def _of_geojson(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries, list[Finding], tuple[str, ...]]:
    document = json_document(path)
    features = document.get("features") if isinstance(document, dict) else None
    if isinstance(document, dict) and document.get("type") == "Feature":
        features = [document]
    if not isinstance(features, list):
        raise LayerError(f"{path} : une collection GeoJSON (« features ») est attendue.")
    rows = [feature.get("properties") or {} for feature in features if isinstance(feature, dict)]
    table = json_table(rows, path=path)
    return (
        table,
        gpd.GeoSeries(_shapes(features), index=table.index, crs=LONLAT),
        [],
        (f"GeoJSON, {len(table)} entités, WGS 84.",),
    )


def _shapes(features: list[Any]) -> list[shapely.Geometry | None]:
    texts = [
        json.dumps(feature["geometry"]) if feature.get("geometry") else None for feature in features
    ]
    return list(shapely.from_geojson(np.array(texts, dtype=object), on_invalid="ignore"))


def _displaced(values: Mapping[str, pd.Series], shapes: gpd.GeoSeries) -> Iterator[Finding]:
    """Report the overseas territories drawn beside metropolitan France, as small maps do."""
    departement = values.get("departement")
    if departement is None:
        return
    west, south, east, north = METROPOLE
    points = shapes.representative_point()
    near = (
        points.x.between(west, east)
        & points.y.between(south, north)
        & departement.str.startswith("97")
    )
    for row in shapes.index[near].tolist():
        message = (
            f"Territoire du département {departement[row]} dessiné près de la métropole : "
            "ce n'est pas son lieu."
        )
        remedy = "Prenez son contour dans Admin Express."
        item = f"{values['level'][row]}-{values['code'][row]}"
        yield Finding("displaced-outline", SOURCE, item, message, "error", row, "geometry", remedy)
