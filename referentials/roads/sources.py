"""From files of roads to one network file: OpenStreetMap, BD TOPO, any line layer, or a table of
edges.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError, UsageError, refused
from geoguichet.floor.files import sha256
from geoguichet.referentials.layers import LONLAT, read_layer
from geoguichet.referentials.roads.network_file import (
    DEGREE,
    FRANCE,
    ROAD_CLASSES,
    SYNONYMS,
    Floats,
    RoadLines,
    RoadSource,
    SpeedTable,
    access_of,
    assemble,
    classes_of,
    coordinate_keys,
    joined,
    write_network,
)

# Roads of any line layer (BD TOPO, ROUTE 500, a GeoPackage ...) or of a table of edges, by a
# mapping of columns.


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
    columns = [column for field, column in mapping.items() if field != "geometry"]
    return from_frame(
        read_layer(path, layer=layer, columns=columns), mapping=mapping, where=str(path)
    )


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
        skipped={"no_geometry": int((~usable).sum()), "not_a_line": int((usable & ~kinds).sum())},
        **columns,
    )


# Return straight lines between the nodes that the edges name.
def _between(
    table: pd.DataFrame, nodes: pd.DataFrame, mapping: Mapping[str, str], *, where: str
) -> RoadLines:
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


# Return the fields of a RoadLines that the mapping names, their defaults elsewhere.
def _columns(table: pd.DataFrame, mapping: Mapping[str, str]) -> dict[str, Any]:
    oneway = np.array(
        [_ONEWAY.get(word.strip().lower(), 0) for word in _words(table, mapping, "oneway", "")]
    )
    road_class = classes_of(_words(table, mapping, "class", "unclassified"))
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
    column = table[mapping[field]]
    return [
        default if missing else str(value)
        for value, missing in zip(column, column.isna(), strict=True)
    ]


# Return positive numbers, NaN where the source has none.
def _numbers(table: pd.DataFrame, mapping: Mapping[str, str], field: str) -> Floats:
    if field not in mapping:
        return np.full(len(table), np.nan)
    values = pd.to_numeric(table[mapping[field]], errors="coerce").to_numpy(
        dtype=np.float64, na_value=np.nan
    )
    return np.where(values > 0, values, np.nan)


def _stored(degrees: Floats) -> np.ndarray:
    return np.round(degrees * DEGREE).astype(np.int32)


def _read_table(path: Path) -> pd.DataFrame:
    with refused(
        OSError,
        ValueError,
        pd.errors.ParserError,
        say=lambda error: (
            f"{path} : table illisible ({error}) ; un fichier CSV en UTF-8 est attendu."
        ),
    ):
        header = pd.read_csv(path, sep="\x1f", nrows=1, header=None, encoding="utf-8-sig").iat[0, 0]
        return pd.read_csv(
            path, sep=max(";,\t", key=str(header).count), encoding="utf-8-sig", low_memory=False
        )


# Roads of an OpenStreetMap extract (``.osm.pbf``, ``.osm``, ``.osm.gz``), read with pyosmium.


SUFFIXES = (".pbf", ".osm", ".osm.gz", ".osm.bz2")
LICENCE = "ODbL 1.0, © les contributeurs d'OpenStreetMap"

_LIMITS = {
    "walk": 5.0,
    "none": 130.0,
    "urban": 50.0,
    "rural": 80.0,
    "motorway": 130.0,
    "zone30": 30.0,
    "trunk": 110.0,
}
_CLOSED = {"no", "private", "agricultural", "forestry", "military", "emergency"}
_CAR_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
_BICYCLE_KEYS = ("bicycle", "vehicle", "access")
_FOOT_KEYS = ("foot", "access")


def read_osm(path: Path, *, speeds: SpeedTable = FRANCE) -> RoadLines:
    """Return the highways of an extract, cut where they meet; nodes keep OpenStreetMap's
    identifiers as keys.

    A posted ``maxspeed`` counts for ``speeds.limit_share`` of itself. Turn restrictions, barriers
    on nodes, ferries and opening hours of roads are not read.

    Raises
    ------
    LayerError
        The file is missing or is no OpenStreetMap file.
    """
    refs, lon, lat, start, tags, skipped = _highways(path)
    cut = _cuts(refs, start)
    first, way = cut[:-1], np.searchsorted(start, cut[:-1], side="right") - 1
    inside = first + 1 < start[way + 1]  # a cut at a way's end opens no line
    first, last, way = first[inside], cut[1:][inside], way[inside]
    counts = last - first + 1
    offsets = np.append(0, np.cumsum(counts))
    vertices = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], counts)
    return RoadLines(
        start=offsets,
        lon=lon[vertices],
        lat=lat[vertices],
        from_key=refs[first],
        to_key=refs[last],
        seconds=np.full(len(first), np.nan),
        length_m=np.full(len(first), np.nan),
        skipped=skipped,
        **{column: values[way] for column, values in _described(tags, speeds).items()},
    )


# Return the nodes of every usable way end to end, where each way starts, and the ways' tags.
def _highways(
    path: Path,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[dict[str, str]], dict[str, int]]:
    if not path.is_file():
        raise LayerError(f"{path} : fichier introuvable ; vérifiez le chemin.")
    nodes: list[tuple[int, int, int]] = []
    start, tags, skipped = [0], [], {"highway_not_a_road": 0, "node_missing": 0}
    with refused(
        RuntimeError,
        say=lambda error: f"{path} : ce n'est pas un fichier OpenStreetMap lisible ({error}).",
    ):
        objects = osmium.FileProcessor(str(path)).with_locations()
        objects = objects.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        ways: Any = objects.with_filter(osmium.filter.KeyFilter("highway"))
        for way in ways:
            kind = way.tags["highway"]
            if SYNONYMS.get(kind, kind) not in ROAD_CLASSES or way.tags.get("area") == "yes":
                skipped["highway_not_a_road"] += 1
                continue
            found = [
                (node.ref, node.location.x, node.location.y)
                for node in way.nodes
                if node.location.valid()
            ]
            skipped["node_missing"] += len(way.nodes) - len(found)
            if len(found) >= 2:
                nodes += found
                start.append(len(nodes))
                tags.append({tag.k: tag.v for tag in way.tags})
    table = np.array(nodes, dtype=np.int64).reshape(-1, 3)
    lon, lat = table[:, 1].astype(np.int32), table[:, 2].astype(np.int32)
    return table[:, 0], lon, lat, np.array(start, dtype=np.int64), tags, skipped


# Return the places where lines begin or end: ends of ways, and nodes that several ways (or turns)
# share.
def _cuts(refs: np.ndarray, start: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(refs, return_inverse=True, return_counts=True)
    cut = counts[inverse] > 1
    cut[start[:-1]] = True
    cut[start[1:] - 1] = True
    return np.flatnonzero(cut)


def _described(tags: list[dict[str, str]], speeds: SpeedTable) -> dict[str, Any]:
    road_class = classes_of([way["highway"] for way in tags])
    access = access_of(road_class, np.array([_oneway(way) for way in tags], dtype=np.int8))
    return {
        "road_class": road_class,
        "access": np.array(
            [_allowed(way, int(bits)) for way, bits in zip(tags, access, strict=True)],
            dtype=np.uint8,
        ),
        "speed_kmh": np.array([_limit(way.get("maxspeed", "")) for way in tags])
        * speeds.limit_share,
        "name": np.array([way.get("ref") or way.get("name", "") for way in tags], dtype=object),
    }


# Return 1 as drawn, -1 against, 0 both ways; roundabouts and motorways are one-way unless told
# otherwise.
def _oneway(way: Mapping[str, str]) -> int:
    said = way.get("oneway", "")
    if said in ("-1", "reverse"):
        return -1
    if said in ("yes", "true", "1"):
        return 1
    implied = way.get("junction") in ("roundabout", "circular") or way["highway"] == "motorway"
    return int(implied and said not in ("no", "false", "0"))


# Return the access bits once the access tags are heard: the most precise key speaks for each mode.
def _allowed(way: Mapping[str, str], bits: int) -> int:
    for mode, keys in enumerate((_CAR_KEYS, _BICYCLE_KEYS, _FOOT_KEYS)):
        said = next((way[key] for key in keys if key in way), "")
        both = 0b001001 << mode
        if said in _CLOSED:
            bits &= ~both
        elif (
            keys[0] in way
            and not bits & both
            and said in ("yes", "designated", "permissive", "destination")
        ):
            bits |= both
    if way.get("oneway:bicycle") == "no" and bits & 0b010010:
        bits |= 0b010010
    return bits


# Return a ``maxspeed`` in km/h, NaN when it says nothing we understand.
def _limit(text: str) -> float:
    words = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh)?\s*", text.split(";")[0])
    if words:
        kmh = float(words[1]) * (1.609344 if words[2] == "mph" else 1.0)
        return kmh if kmh > 0 else np.nan
    return _LIMITS.get(text.rsplit(":", 1)[-1], np.nan)


_TABLES = (".csv", ".csv.gz", ".csv.bz2", ".tsv", ".txt")


def make_network(
    files: Sequence[Path],
    out: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    nodes: Path | None = None,
    layer: str | None = None,
    speeds: SpeedTable = FRANCE,
) -> dict[str, Any]:
    """Make a network file from one or several sources, and return its manifest.

    Parameters
    ----------
    files
        OpenStreetMap extracts, line layers, or tables of edges; several are joined where
        coordinates are equal.
    out
        The network file to write.
    mapping
        Our fields to the source's columns (:data:`geoguichet.referentials.roads.lines.FIELDS`).
    nodes
        The nodes of a table of edges without geometry.
    layer
        The layer to read in a file that has several.
    speeds
        Speeds where the source has none.

    Raises
    ------
    LayerError
        A file is unreadable, has no roads, or lacks a column.
    """
    parts = [
        read_roads(file, mapping=mapping or {}, nodes=nodes, layer=layer, speeds=speeds)
        for file in files
    ]
    sources = [
        RoadSource(file.name, sha256(file), reader, LICENCE if reader == "osm" else "")
        for file, reader in zip(files, map(_reader, files), strict=True)
    ]
    arrays, names, manifest = assemble(joined(parts), sources=sources, speeds=speeds)
    write_network(out, arrays, names, manifest)
    return manifest


def read_roads(
    file: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    nodes: Path | None = None,
    layer: str | None = None,
    speeds: SpeedTable = FRANCE,
) -> RoadLines:
    """Return the lines of one file, by the reader that its name calls for. Same errors as
    :func:`make_network`.
    """
    reader = _reader(file)
    if reader == "osm":
        return read_osm(file, speeds=speeds)
    if reader == "edges":
        return read_edges(file, mapping=mapping or {}, nodes=nodes)
    return read_lines(file, layer=layer, mapping=mapping)


def _reader(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(SUFFIXES):
        return "osm"
    return "edges" if name.endswith(_TABLES) else "lines"
