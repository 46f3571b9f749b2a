"""Outlines of territories as IGN, INSEE and ANCT publish them: GeoJSON, shapefile (zipped or not),
GeoPackage.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Reading, departement_of, row_findings
from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.readers.column_names import folded
from geoguichet.referentials.readers.open_table import (
    feature_properties,
    feature_shape,
    geojson_features,
    read_gdal_layer,
)
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table
from geoguichet.referentials.readers.text_tables import json_document, json_table

SOURCE = "limites"
#: Published column of the code -> level, the finest first; a plain ``code`` says no level.
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
NAMES = (
    "nom_iris",
    "lib_epci",
    "nom_com",
    "libgeo",
    "nom_dept",
    "nom_reg",
    "nom_region",
    "nom",
    "nom_officiel",
    "libelle",
    "name",
)
BELONGS: Mapping[str, tuple[str, ...]] = {
    "commune": ("insee_com", "codgeo"),
    "departement": ("insee_dep", "code_dept", "departement"),
    "region": ("insee_reg", "code_reg", "region"),
    "epci": ("siren_epci", "code_siren", "epci"),
    "seat": ("code_chf",),
}
#: Words of a file's name that say its level, where its columns do not.
LEVELS_IN_NAMES = frozenset(
    {"commune", "iris", "canton", "arrondissement", "epci", "departement", "region"}
)
#: Characters of a code -> level, where nothing else says it.
LEVEL_OF_WIDTH: Mapping[int, str] = {9: "epci", 5: "commune", 3: "departement", 2: "departement"}
#: West, south, east, north, in degrees.
METROPOLE = (-6.0, 41.0, 10.5, 51.5)


def read(path: Path, *, level: str = "") -> Iterator[Reading]:
    """Yield the territories of one layer of outlines, in EPSG:4326.

    Parameters
    ----------
    level
        What the rows are (a key of ``tables_by_code.LEVELS``); told by the columns, the file's
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
    values = {"code": code, "level": pd.Series(found, index=code.index)}
    for ours, published in {"name": NAMES, **BELONGS}.items():
        known = next((named[each] for each in published if each in named), None)
        if known is not None:
            values[ours] = known
    if "departement" not in values and found in {"commune", "iris", "canton", "arrondissement"}:
        values["departement"] = departement_of(code)
    if found in BELONGS:
        values[found] = code
    if "seat" in values:
        values["seat"] = values["departement"] + values["seat"]
    findings += _displaced(values, shapes)
    notes = (*notes, f"Niveau : {found} ; code = « {column} ».")
    yield make_table(
        CodedColumns(
            "territories", SOURCE, values, shapes, findings=findings, notes=notes, outlined=True
        )
    )


# Return the level a file's name says, else the one its codes have the form of.
def _level_of(path: Path, code: pd.Series) -> str:
    words = [word.rstrip("s") for word in re.findall(r"[a-z]+", folded(path.name))]
    said = next((word for word in words if word in LEVELS_IN_NAMES), "")
    width = int(code.str.len().median()) if len(code) else 0
    return said or LEVEL_OF_WIDTH.get(width, "commune")


# Return the attributes as text (index from 1), the shapes in EPSG:4326, and what was understood.
def _opened(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries, list[Finding], tuple[str, ...]]:
    if path.name.lower().endswith((".geojson", ".json", ".geojson.gz", ".json.gz")):
        return _of_geojson(path)
    frame, encoding, _, _ = read_gdal_layer(path)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(f"{path} : c'est une table sans géométrie ; des contours sont attendus.")
    findings = []
    if encoding:
        findings.append(
            Finding(
                "assumed-encoding",
                SOURCE,
                "",
                f"Rien ne dit le codage du texte (pas de .cpg) : lu en {encoding}.",
                "info",
                remedy="Ajoutez un fichier .cpg.",
            )
        )
    crs = "Lambert-93" if frame.crs is None else str(frame.crs.name)
    shapes = frame.geometry if frame.crs else frame.geometry.set_crs(METRIC)
    attributes = frame.drop(columns="geometry")
    return (
        attributes.astype(object).where(attributes.notna(), "").astype(str),
        shapes.to_crs(LONLAT),
        findings,
        (f"Couche, {len(frame)} entités, {crs}.",),
    )


def _of_geojson(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries, list[Finding], tuple[str, ...]]:
    document = json_document(path)
    features = (
        [document]
        if (isinstance(document, dict) and document.get("type") == "Feature")
        else geojson_features(document, path)
    )
    table = json_table([feature_properties(feature) for feature in features], path=path)
    return (
        table,
        gpd.GeoSeries(
            [feature_shape(feature) for feature in features], index=table.index, crs=LONLAT
        ),
        [],
        (f"GeoJSON, {len(table)} entités, WGS 84.",),
    )


# Report the overseas territories drawn beside metropolitan France, as small maps do.
def _displaced(values: Mapping[str, pd.Series], shapes: gpd.GeoSeries) -> list[Finding]:
    departement = values.get("departement")
    if departement is None:
        return []
    west, south, east, north = METROPOLE
    points = shapes.representative_point()
    near = points.x.between(west, east) & points.y.between(south, north)
    return row_findings(
        "displaced-outline",
        SOURCE,
        near & departement.str.startswith("97"),
        values["level"] + "-" + values["code"],
        lambda row: (
            f"Territoire du département {departement[row]} dessiné près de la métropole : ce "
            "n'est pas son lieu."
        ),
        "error",
        "geometry",
        "Prenez son contour dans Admin Express.",
    )
