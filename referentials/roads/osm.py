"""Roads of an OpenStreetMap extract (``.osm.pbf``, ``.osm``, ``.osm.gz``), read with pyosmium."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import osmium

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.roads.network_file import RoadLines, access_of, classes_of
from geoguichet.referentials.roads.speeds import FRANCE, ROAD_CLASSES, SYNONYMS, SpeedTable

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
    described = _described(tags, speeds)
    return RoadLines(
        start=offsets,
        lon=lon[vertices],
        lat=lat[vertices],
        from_key=refs[first],
        to_key=refs[last],
        seconds=np.full(len(first), np.nan),
        length_m=np.full(len(first), np.nan),
        skipped=skipped,
        **{column: values[way] for column, values in described.items()},
    )


def _highways(
    path: Path,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[dict[str, str]], dict[str, int]]:
    """Return the nodes of every usable way end to end, where each way starts, and the ways'
    tags.
    """
    if not path.is_file():
        raise LayerError(f"{path} : fichier introuvable ; vérifiez le chemin.")
    nodes: list[tuple[int, int, int]] = []
    start, tags, skipped = [0], [], {"highway_not_a_road": 0, "node_missing": 0}
    try:
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
    except RuntimeError as error:
        raise LayerError(
            f"{path} : ce n'est pas un fichier OpenStreetMap lisible ({error})."
        ) from error
    table = np.array(nodes, dtype=np.int64).reshape(-1, 3)
    lon, lat = table[:, 1].astype(np.int32), table[:, 2].astype(np.int32)
    return table[:, 0], lon, lat, np.array(start, dtype=np.int64), tags, skipped


def _cuts(refs: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the places where lines begin or end: ends of ways, and nodes that several ways (or
    turns) share.
    """
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


def _oneway(way: Mapping[str, str]) -> int:
    """Return 1 as drawn, -1 against, 0 both ways; roundabouts and motorways are one-way unless told
    otherwise.
    """
    said = way.get("oneway", "")
    if said in ("-1", "reverse"):
        return -1
    if said in ("yes", "true", "1"):
        return 1
    implied = way.get("junction") in ("roundabout", "circular") or way["highway"] == "motorway"
    return int(implied and said not in ("no", "false", "0"))


def _allowed(way: Mapping[str, str], bits: int) -> int:
    """Return the access bits once the access tags are heard: the most precise key speaks for each
    mode.
    """
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


def _limit(text: str) -> float:
    """Return a ``maxspeed`` in km/h, NaN when it says nothing we understand."""
    words = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh)?\s*", text.split(";")[0])
    if words:
        kmh = float(words[1]) * (1.609344 if words[2] == "mph" else 1.0)
        return kmh if kmh > 0 else np.nan
    return _LIMITS.get(text.rsplit(":", 1)[-1], np.nan)
