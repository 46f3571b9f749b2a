"""Roads of any line layer (BD TOPO, ROUTE 500, a GeoPackage ...) or of a table of edges, by a
mapping of columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.referentials.layers import LONLAT, read_layer
from geoguichet.referentials.roads.network_file import (
    DEGREE,
    Floats,
    RoadLines,
    access_of,
    classes_of,
    coordinate_keys,
)

#: What a mapping may name: our field on the left, the source's column on the right.
FIELDS = ("class", "name", "speed_kmh", "seconds", "length_m", "oneway", "geometry", "from", "to")

#: Columns of ``TRONCON_DE_ROUTE`` in BD TOPO (IGN, version 3).
BDTOPO = {
    "class": "nature",
    "name": "numero",
    "speed_kmh": "vitesse_moyenne_vl",
    "oneway": "sens_de_circulation",
}

MAPPINGS: dict[str, dict[str, str]] = {"bdtopo": BDTOPO}

_ONEWAY = {
    **dict.fromkeys(("1", "1.0", "yes", "true", "oui", "sens direct", "direct"), 1),
    **dict.fromkeys(("-1", "-1.0", "reverse", "sens inverse", "inverse"), -1),
}


def parse_mapping(text: str) -> dict[str, str]:
    """Return a mapping written ``class=nature,name=numero``, or one known by name (``bdtopo``).

    Raises
    ------
    UsageError
        A field is unknown, or a pair is not written ``field=column``.
    """
    if text in MAPPINGS:
        return dict(MAPPINGS[text])
    mapping = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (part.strip() for part in pair.partition("="))
        if field not in FIELDS or not equals or not column:
            raise UsageError(
                f"{pair!r} : une correspondance champ=colonne est attendue, parmi "
                f"{', '.join(FIELDS)} ; "
                "par exemple class=nature,name=numero."
            )
        mapping[field] = column
    return mapping


def read_lines(
    path: Path, *, layer: str | None = None, mapping: Mapping[str, str] | None = None
) -> RoadLines:
    """Return the lines of a layer; they meet where the coordinates of their ends are equal (to 1
    cm).

    Raises
    ------
    LayerError
        The layer is unreadable, has no lines, or lacks a column of the mapping.
    """
    mapping = mapping or {}
    frame = read_layer(
        path,
        layer=layer,
        columns=[column for field, column in mapping.items() if field != "geometry"],
    )
    return from_frame(frame, mapping=mapping, where=str(path))


def read_edges(path: Path, *, mapping: Mapping[str, str], nodes: Path | None = None) -> RoadLines:
    """Return the lines of a table of edges (CSV, its separator guessed): WKT geometries, or two
    ends and a nodes table.

    The nodes table has a key, a longitude and a latitude in its first three columns. Lines with a
    WKT geometry meet where the coordinates of their ends are equal; lines with ``from`` and ``to``
    meet at equal keys.

    Raises
    ------
    LayerError
        A table is unreadable, a column is missing, or an edge names a node that does not exist.
    """
    table = _read_table(path)
    absent = [column for column in mapping.values() if column not in table.columns]
    if absent:
        raise LayerError(
            f"{path} : colonne absente : {absent[0]}. Colonnes présentes : "
            f"{', '.join(table.columns)}."
        )
    if "geometry" in mapping:
        geometry = shapely.from_wkt(
            table[mapping["geometry"]].to_numpy(dtype=object), on_invalid="ignore"
        )
        return from_frame(
            gpd.GeoDataFrame(table, geometry=geometry, crs=LONLAT), mapping=mapping, where=str(path)
        )
    if nodes is None or "from" not in mapping or "to" not in mapping:
        raise LayerError(
            f"{path} : une table d'arêtes sans géométrie demande les champs from et to et une "
            "table de nœuds."
        )
    return _between(table, _read_table(nodes), mapping, where=str(path))


def from_frame(frame: gpd.GeoDataFrame, *, mapping: Mapping[str, str], where: str) -> RoadLines:
    """Return the lines of a frame in EPSG:4326; multi-part lines are cut into their parts."""
    usable = (frame.geometry.notna() & ~frame.geometry.is_empty).to_numpy()
    kinds = frame.geometry.geom_type.isin(("LineString", "MultiLineString")).to_numpy()
    skipped = {"no_geometry": int((~usable).sum()), "not_a_line": int((usable & ~kinds).sum())}
    kept = frame[usable & kinds]
    if kept.empty:
        raise LayerError(
            f"{where} : aucune ligne dans cette couche ; une couche de routes est attendue."
        )
    parts, row = shapely.get_parts(kept.geometry.to_numpy(), return_index=True)
    coordinates, line = shapely.get_coordinates(parts, return_index=True)
    start = np.append(0, np.cumsum(np.bincount(line, minlength=len(parts))))
    lon, lat = _stored(coordinates[:, 0]), _stored(coordinates[:, 1])
    ends = coordinate_keys(lon, lat)
    whole = pd.Series(row).map(pd.Series(row).value_counts()).to_numpy() == 1
    columns = _columns(kept.iloc[row].reset_index(drop=True), mapping)
    for measured in ("length_m", "seconds"):  # the source's measure is of the whole, not of a part
        columns[measured] = np.where(whole, columns[measured], np.nan)
    return RoadLines(
        start=start,
        lon=lon,
        lat=lat,
        from_key=ends[start[:-1]],
        to_key=ends[start[1:] - 1],
        skipped=skipped,
        **columns,
    )


def _between(
    table: pd.DataFrame, nodes: pd.DataFrame, mapping: Mapping[str, str], *, where: str
) -> RoadLines:
    """Return straight lines between the nodes that the edges name."""
    key, lon, lat = (nodes.iloc[:, column] for column in range(3))
    position = pd.Series(np.arange(len(nodes)), index=key.to_numpy())
    ends = [position.reindex(table[mapping[end]].to_numpy()) for end in ("from", "to")]
    lost = ends[0].isna().to_numpy() | ends[1].isna().to_numpy()
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        raise LayerError(
            f"{where} : {int(lost.sum())} arête(s) nomment un nœud absent, dont la ligne "
            f"{first + 2}."
        )
    both = np.column_stack([end.to_numpy(dtype=np.int64) for end in ends])
    flat = both.ravel()
    return RoadLines(
        start=np.arange(0, 2 * len(table) + 1, 2, dtype=np.int64),
        lon=_stored(lon.to_numpy(dtype=float)[flat]),
        lat=_stored(lat.to_numpy(dtype=float)[flat]),
        from_key=key.to_numpy(dtype=np.int64)[both[:, 0]],
        to_key=key.to_numpy(dtype=np.int64)[both[:, 1]],
        **_columns(table, mapping),
    )


def _columns(table: pd.DataFrame, mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a RoadLines that the mapping names, their defaults elsewhere."""
    words = _words(table, mapping, "class", "unclassified")
    oneway = np.array(
        [_ONEWAY.get(word.strip().lower(), 0) for word in _words(table, mapping, "oneway", "")]
    )
    road_class = classes_of(words)
    return {
        "road_class": road_class,
        "access": access_of(road_class, oneway.astype(np.int8)),
        "speed_kmh": _numbers(table, mapping, "speed_kmh"),
        "seconds": _numbers(table, mapping, "seconds"),
        "length_m": _numbers(table, mapping, "length_m"),
        "name": np.array(_words(table, mapping, "name", ""), dtype=object),
    }


def _words(table: pd.DataFrame, mapping: Mapping[str, str], field: str, default: str) -> list[str]:
    if field not in mapping:
        return [default] * len(table)
    return [default if missing else str(value) for value, missing in _cells(table[mapping[field]])]


def _cells(column: pd.Series) -> list[tuple[object, bool]]:
    return list(zip(column, column.isna(), strict=True))


def _numbers(table: pd.DataFrame, mapping: Mapping[str, str], field: str) -> Floats:
    """Return positive numbers, NaN where the source has none."""
    if field not in mapping:
        return np.full(len(table), np.nan)
    values = pd.to_numeric(table[mapping[field]], errors="coerce").to_numpy(
        dtype=np.float64, na_value=np.nan
    )
    return np.where(values > 0, values, np.nan)


def _stored(degrees: Floats) -> np.ndarray:
    return np.round(degrees * DEGREE).astype(np.int32)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        header = pd.read_csv(path, sep="\x1f", nrows=1, header=None, encoding="utf-8-sig").iat[0, 0]
        return pd.read_csv(
            path, sep=max(";,\t", key=str(header).count), encoding="utf-8-sig", low_memory=False
        )
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise LayerError(
            f"{path} : table illisible ({error}) ; un fichier CSV en UTF-8 est attendu."
        ) from error
