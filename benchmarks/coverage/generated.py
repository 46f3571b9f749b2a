"""A road network of any size that looks like one: a thinned Gabriel graph with speed classes, and
services on it.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import Delaunay

from geoguichet.referentials.roads.network_file import (
    DEGREE,
    ROAD_CLASSES,
    RoadLines,
    access_of,
    coordinate_keys,
)

CLASSES = ("primary", "secondary", "tertiary", "unclassified", "residential")
SHARES = (0.03, 0.07, 0.15, 0.35, 0.40)


def road_lines(nodes: int, edges: int, *, seed: int = 1) -> RoadLines:
    """Return two-way straight roads between random points of a box around Midi-Pyrénées,
    connected.
    """
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 250_000, nodes), rng.uniform(0, 180_000, nodes)
    start, stop = _gabriel(np.column_stack([x, y]))
    start, stop = _thinned(
        start, stop, np.hypot(x[start] - x[stop], y[start] - y[stop]), nodes, edges, rng
    )
    lon = np.round((0.0 + x / 80_000) * DEGREE).astype(np.int32)
    lat = np.round((43.0 + y / 111_000) * DEGREE).astype(np.int32)
    both = np.column_stack([start, stop]).ravel()
    keys = coordinate_keys(lon, lat)
    ranks = [ROAD_CLASSES.index(name) for name in CLASSES]
    road_class = rng.choice(np.array(ranks, dtype=np.uint8), len(start), p=SHARES)
    missing = np.full(len(start), np.nan)
    return RoadLines(
        start=np.arange(0, len(both) + 1, 2),
        lon=lon[both],
        lat=lat[both],
        from_key=keys[start],
        to_key=keys[stop],
        road_class=road_class,
        town=np.zeros(len(start), dtype=bool),
        access=access_of(road_class, np.zeros(len(start), dtype=np.int8)),
        ends=np.zeros(len(start), dtype=np.uint8),
        speed_kmh=missing,
        seconds=missing,
        length_m=missing,
        name=np.full(len(start), "", dtype=object),
    )


def _gabriel(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep a Delaunay edge when no third corner of its triangles lies within its circle (Gabriel &
    Sokal 1969).
    """
    corners = Delaunay(points).simplices
    first = np.concatenate([corners[:, 0], corners[:, 1], corners[:, 2]]).astype(np.int64)
    second = np.concatenate([corners[:, 1], corners[:, 2], corners[:, 0]]).astype(np.int64)
    third = np.concatenate([corners[:, 2], corners[:, 0], corners[:, 1]])
    middle = (points[first] + points[second]) / 2
    radius = np.sum((points[first] - middle) ** 2, axis=1)
    bad = np.sum((points[third] - middle) ** 2, axis=1) < radius
    key = np.minimum(first, second) * len(points) + np.maximum(first, second)
    key, inverse = np.unique(key, return_inverse=True)
    kept = key[np.bincount(inverse, weights=bad) == 0]
    return kept // len(points), kept % len(points)


def _thinned(
    start: np.ndarray,
    stop: np.ndarray,
    length: np.ndarray,
    nodes: int,
    edges: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the minimum spanning tree and random others, up to a number of edges."""
    graph = sparse.csr_array((length, (start, stop)), shape=(nodes, nodes))
    tree = csgraph.minimum_spanning_tree(graph).tocoo()
    in_tree = np.isin(start * nodes + stop, tree.row.astype(np.int64) * nodes + tree.col)
    others = rng.permutation(np.flatnonzero(~in_tree))[: max(0, edges - int(in_tree.sum()))]
    kept = np.sort(np.concatenate([np.flatnonzero(in_tree), others]))
    return start[kept], stop[kept]
