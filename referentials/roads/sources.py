"""From files of roads to one network file: OpenStreetMap, BD TOPO, any line layer, or a table of
edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geoguichet.floor.files import sha256
from geoguichet.referentials.roads import lines, osm
from geoguichet.referentials.roads.network_file import (
    RoadLines,
    RoadSource,
    assemble,
    joined,
    write_network,
)
from geoguichet.referentials.roads.speeds import FRANCE, SpeedTable

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
    sources = [RoadSource(file.name, sha256(file), _reader(file), _licence(file)) for file in files]
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
        return osm.read_osm(file, speeds=speeds)
    if reader == "edges":
        return lines.read_edges(file, mapping=mapping or {}, nodes=nodes)
    return lines.read_lines(file, layer=layer, mapping=mapping)


def _reader(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(osm.SUFFIXES):
        return "osm"
    return "edges" if name.endswith(_TABLES) else "lines"


def _licence(file: Path) -> str:
    return osm.LICENCE if _reader(file) == "osm" else ""
