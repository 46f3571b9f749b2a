"""From files of roads to one network file: OpenStreetMap, BD TOPO, any line layer, or a table of
edges.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.files import refused, sha256
from geoguichet.floor.findings import MAX_UNKNOWN
from geoguichet.floor.words import _
from geoguichet.referentials.layers import LONLAT, read_layer, read_table
from geoguichet.referentials.roads.network_file import (
    DEGREE,
    FRANCE,
    ROAD_CLASSES,
    RoadLines,
    RoadSource,
    SpeedTable,
    access_of,
    assemble,
    coordinate_keys,
    joined,
    only_at_ends,
    write_network,
)
from geoguichet.referentials.roads.openstreetmap import LICENCE, SUFFIXES, read_osm
from geoguichet.referentials.roads.words import (
    MAPPINGS,
    UNSAID,
    Reading,
    at_ends,
    check_understood,
    quantities,
)

# Roads of any line layer (BD TOPO, ROUTE 500, a GeoPackage ...) or of a table of edges, by a
# mapping of columns.


#: What a mapping may name: our field on the left, the source's column on the right.
FIELDS = ("class", "importance", "urban", "name", "speed_kmh", "seconds", "length_m", "oneway",
    "access", "state", "geometry", "from", "to")  # fmt: skip

#: The classes that a column of importance ranks again: a layer calls them all « route ».
_RANKED = ("trunk", "primary", "secondary", "tertiary", "unclassified", "residential")


def parse_mapping(text: str) -> dict[str, str]:
    """Return a mapping written ``class=nature,name=numero``, or one known by name (``bdtopo``).

    A column may be several, ``cpx_numero|numero``: the first that is there; one that ends with
    ``|`` may be missing.

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


# Return the column of each field that the table has; capitals do not matter.
def _present(mapping: Mapping[str, str], columns: Sequence[str], *, where: str) -> dict[str, str]:
    by_name, found = {column.casefold(): column for column in reversed(columns)}, {}
    for field, wanted in mapping.items():
        names = wanted.split("|")
        column = next(
            (by_name[name.casefold()] for name in names if name.casefold() in by_name), ""
        )
        if not column and names[-1]:
            raise LayerError(
                f"{where} : colonne absente : {wanted}. Colonnes présentes : {', '.join(columns)}."
            )
        if column:
            found[field] = column
    return found


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
    wanted = mapping or {}

    def only(columns: list[str]) -> list[str]:
        return sorted({*_present(wanted, columns, where=str(path)).values()})

    frame = read_layer(path, layer=layer, only=only)
    return from_frame(frame, mapping=wanted, where=str(path))


def read_edges(path: Path, *, mapping: Mapping[str, str], nodes: Path | None = None) -> RoadLines:
    """Return the lines of a table of edges (CSV, its separator guessed): WKT geometries, or two
    ends and a nodes table.

    The nodes table has a key (number or text), a longitude and a latitude in its first three
    columns. Lines with a WKT geometry meet where the coordinates of their ends are equal; lines
    with ``from`` and ``to`` meet at equal keys.

    Raises
    ------
    LayerError
        A table is unreadable, a column is missing, a key stands at two places, or an edge names a
        node that does not exist.
    """
    table = _read_table(path)
    mapping = _present(mapping, list(table.columns), where=str(path))
    if "geometry" in mapping:
        with np.errstate(over="ignore"):  # degrees without end are refused as such
            geometry = shapely.from_wkt(
                table[mapping["geometry"]].to_numpy(dtype=object), on_invalid="ignore"
            )
        frame = gpd.GeoDataFrame(table, geometry=geometry, crs=LONLAT)
        return from_frame(frame, mapping=mapping, where=str(path), first_line=2)
    if nodes is None or "from" not in mapping or "to" not in mapping:
        raise LayerError(
            f"{path} : une table d'arêtes sans géométrie demande les champs from et to et une "
            "table de nœuds."
        )
    return _between(table, _Nodes.read(nodes), mapping, where=str(path))


def from_frame(
    frame: gpd.GeoDataFrame, *, mapping: Mapping[str, str], where: str, first_line: int = 1
) -> RoadLines:
    """Return the lines of a frame in EPSG:4326; multi-part lines are cut into their parts.

    ``first_line`` is the line of the file that the frame's first row stands on.
    """
    mapping = _present(mapping, [str(column) for column in frame.columns], where=where)
    usable = (frame.geometry.notna() & ~frame.geometry.is_empty).to_numpy()
    kinds = frame.geometry.geom_type.isin(("LineString", "MultiLineString")).to_numpy()
    kept = frame[usable & kinds]
    if kept.empty:
        raise LayerError(
            f"{where} : aucune ligne dans cette couche ; une couche de routes est attendue."
        )
    reading = Reading(Path(where).name, np.flatnonzero(usable & kinds) + first_line)
    skipped = {"no_geometry": int((~usable).sum()), "not_a_line": int((usable & ~kinds).sum())}
    with refused(
        pa.ArrowException,
        say=lambda error: _("{where} : texte illisible ({error}) ; de l'UTF-8 est attendu.",
                            where=where, error=error),
    ):  # fmt: skip
        columns, served = _described(kept, mapping, reading)
    if not served.all():
        skipped["not_in_service"] = int((~served).sum())
    parts, row = shapely.get_parts(kept.geometry.to_numpy()[served], return_index=True)
    coordinates, line = shapely.get_coordinates(parts, return_index=True)
    start = np.append(0, np.cumsum(np.bincount(line, minlength=len(parts))))
    lon, lat = _stored(*coordinates.T, where=where)
    ends = coordinate_keys(lon, lat)
    whole = np.bincount(row)[row] == 1
    columns = {field: values[served][row] for field, values in columns.items()}
    for measured in ("length_m", "seconds"):  # the source's measure is of the whole, not of a part
        columns[measured] = np.where(whole, columns[measured], np.nan)
    return RoadLines(
        start=start,
        lon=lon,
        lat=lat,
        from_key=ends[start[:-1]],
        to_key=ends[start[1:] - 1],
        skipped=skipped,
        unread=tuple(reading.unread),
        unsaid=reading.unsaid,
        **columns,
    )


class _Nodes:
    """The nodes of a table of edges: their keys as they are written, and as whole numbers."""

    def __init__(self, path: Path, table: pd.DataFrame) -> None:
        if len(table.columns) < 3:
            raise LayerError(
                _(
                    "{path} : une table de nœuds a trois colonnes, sa clé, sa longitude et sa "
                    "latitude ; celle-ci a {columns}.",
                    path=path,
                    columns=", ".join(table.columns),
                )
            )
        table = table.iloc[:, :3].drop_duplicates(ignore_index=False)
        written = _plain_keys(table.iloc[:, 0])
        twice = written.duplicated(keep=False)
        if twice.any():
            first = written[twice].iloc[0]
            lines = ", ".join(str(line + 2) for line in written.index[written == first])
            raise LayerError(
                _(
                    "{path}, colonne « {column} » : la clé « {key} » est celle de plusieurs nœuds "
                    "(lignes {lines}) ; chaque nœud a la sienne : gardez-en un.",
                    path=path,
                    column=table.columns[0],
                    key=first,
                    lines=lines,
                )
            )
        degrees = [quantities(table[column], "degrees") for column in table.columns[1:]]
        for column, values in zip(table.columns[1:], degrees, strict=True):
            if np.isnan(values).any():
                wrong = int(np.flatnonzero(np.isnan(values))[0])
                raise LayerError(
                    _(
                        "{path}, colonne « {column} », ligne {line} : « {word} » n'est pas un "
                        "nombre de degrés ; 1.4442 ou 1,4442 est attendu.",
                        path=path,
                        column=column,
                        line=str(table.index[wrong] + 2),
                        word=table[column].iloc[wrong],
                    )
                )
        numbered = written.str.fullmatch(r"-?\d{1,18}").all()
        self.position = pd.Series(np.arange(len(written)), index=written.to_numpy())
        rank = np.unique(written.to_numpy(dtype=str), return_inverse=True)[1]
        self.key = np.asarray(written.to_numpy() if numbered else rank, dtype=np.int64)
        self.lon, self.lat = _stored(*degrees, where=str(path))

    @classmethod
    def read(cls, path: Path) -> "_Nodes":
        return cls(path, _read_table(path))


# Write 1.0 as 1, so that a key is one word in both tables.
def _plain_keys(written: pd.Series) -> pd.Series:
    return written.str.strip().str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)


# Return straight lines between the nodes that the edges name.
def _between(
    table: pd.DataFrame, nodes: _Nodes, mapping: Mapping[str, str], *, where: str
) -> RoadLines:
    ends = np.column_stack(
        [nodes.position.reindex(_plain_keys(table[mapping[end]])) for end in ("from", "to")]
    )
    lost = np.isnan(ends).any(axis=1)
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        raise LayerError(
            f"{where} : {int(lost.sum())} arête(s) nomment un nœud absent, dont la ligne "
            f"{first + 2}."
        )
    reading = Reading(Path(where).name, np.arange(len(table)) + 2)
    columns, served = _described(table, mapping, reading)
    both = ends[served].astype(np.int64)
    return RoadLines(
        start=np.arange(0, 2 * len(both) + 1, 2, dtype=np.int64),
        lon=nodes.lon[both.ravel()],
        lat=nodes.lat[both.ravel()],
        from_key=nodes.key[both[:, 0]],
        to_key=nodes.key[both[:, 1]],
        skipped={} if served.all() else {"not_in_service": int((~served).sum())},
        unread=tuple(reading.unread),
        unsaid=reading.unsaid,
        **{field: values[served] for field, values in columns.items()},
    )


# Return the fields of a RoadLines that the mapping names, their defaults elsewhere, and which rows
# are in service. No car drives at 0 km/h: a road where a source says so is closed to cars.
def _described(
    table: pd.DataFrame, mapping: Mapping[str, str], reading: Reading
) -> tuple[dict[str, Any], npt.NDArray[np.bool_]]:
    def read(field: str) -> np.ndarray:
        if field not in mapping:
            return np.full(len(table), np.nan if field in _MEASURES else UNSAID)
        take = reading.numbers if field in _MEASURES else reading.words
        return take(field, mapping[field], table[mapping[field]])

    ranks = {name: rank for rank, name in enumerate(ROAD_CLASSES)}
    unclassified = ranks["unclassified"]
    road_class = np.array(
        [
            ranks.get(rank if sense in _RANKED and rank in _RANKED else sense, unclassified)
            for sense, rank in zip(read("class"), read("importance"), strict=True)
        ],
        np.uint8,
    )
    way, speed = read("oneway"), read("speed_kmh")
    access = access_of(road_class, (way == "forward").astype(np.int8) - (way == "backward"))
    let = read("access")
    held = at_ends(table[mapping["access"]]) if "access" in mapping else np.zeros(len(table), bool)
    shut = (let == "closed") | (speed == 0)
    # where only residents drive, a source has no speed: that does not close the road to them
    ends = np.where(only_at_ends(road_class, let, held) & (held | ~shut), access & 0b001001, 0)
    access = np.where(shut, access & 0b110110, access)
    measures = {field: read(field) for field in ("seconds", "length_m")} | {"speed_kmh": speed}
    names = table[mapping["name"]] if "name" in mapping else [""] * len(table)
    return {
        "road_class": road_class,
        "town": np.asarray(read("urban") == "town"),
        "access": np.where(way == "closed", access & 0b100100, access).astype(np.uint8),
        "ends": np.where(way == "closed", 0, ends).astype(np.uint8),
        "name": reading.names(names),
        **{field: np.where(values > 0, values, np.nan) for field, values in measures.items()},
    }, read("state") != "closed"


_MEASURES = ("speed_kmh", "seconds", "length_m")


# Return degrees as they are stored.
def _stored(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], *, where: str
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    beyond = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if beyond.any():
        raise LayerError(
            _(
                "{where} : la position {position} n'est pas en degrés ; une longitude puis une "
                "latitude WGS 84 sont attendues.",
                where=where,
                position=f"{lon[beyond][0]:g} {lat[beyond][0]:g}",
            )
        )
    return np.round(lon * DEGREE).astype(np.int32), np.round(lat * DEGREE).astype(np.int32)


# Return a table as it is written, every cell as text.
def _read_table(path: Path) -> pd.DataFrame:
    table = read_table(path, separators=";,\t", keep_default_na=False)
    if not isinstance(table.index, pd.RangeIndex):
        raise LayerError(
            _(
                "{path} : chaque ligne a plus de cellules que l'en-tête ; un nom par colonne est attendu.",
                path=path,
            )
        )
    return table


_TABLES = (".csv", ".csv.gz", ".csv.bz2", ".tsv", ".txt")


def make_network(
    files: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    mapping: Mapping[str, str] | None = None,
    nodes: str | Path | None = None,
    layer: str | None = None,
    speeds: SpeedTable = FRANCE,
    max_unknown: float = MAX_UNKNOWN,
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
        Our fields to the source's columns (:data:`FIELDS`).
    nodes
        The nodes of a table of edges without geometry.
    layer
        The layer to read in a file that has several.
    speeds
        Speeds where the source has none, in km/h (decision 024).
    max_unknown
        The share of a column's rows that may hold words we do not know; they are named in the
        manifest.

    Raises
    ------
    LayerError
        A file is unreadable, has no roads, lacks a column, or is not understood.

    Examples
    --------
    >>> import pandas as pd
    >>> road = {"geom_wkt": ["LINESTRING (1.60 42.96, 1.61 42.97)"], "classe": ["departementale"]}
    >>> pd.DataFrame(road).to_csv("roads.csv", index=False)
    >>> told = make_network(["roads.csv"], "mine.roads",
    ...     mapping={"geometry": "geom_wkt", "class": "classe"})
    >>> told["counts"]["arcs"], told["counts"]["length_km"]
    (2, 1.378)
    """
    several = [*map(Path, [files] if isinstance(files, str | Path) else files)]
    parts = [
        read_roads(
            file,
            mapping=mapping or {},
            nodes=Path(nodes) if nodes else None,
            layer=layer,
            speeds=speeds,
        )
        for file in several
    ]
    check_understood(parts, max_unknown)
    sources = [
        RoadSource(file.name, sha256(file), reader, LICENCE if reader == "osm" else "")
        for file, reader in zip(several, map(_reader, several), strict=True)
    ]
    arrays, names, manifest = assemble(joined(parts), sources=sources, speeds=speeds)
    write_network(Path(out), arrays, names, manifest)
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
