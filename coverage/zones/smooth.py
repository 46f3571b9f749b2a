"""Smooth white zones: the ground where the rule leaves less than no slack, whatever the
communes.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rasterio.features import rasterize

from geoguichet.coverage.study.study import ZoneChoice
from geoguichet.coverage.zones.exact import Labels, polygonal, simplified, table_of
from geoguichet.coverage.zones.surface import FINER, Surface
from geoguichet.floor.findings import Finding
from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.territories.territory import Territory

# The line where a field on a grid changes sign, as polygons (marching squares, Lorensen & Cline
# 1987).

type Field = npt.NDArray[np.float32]
type Nodes = npt.NDArray[np.int64]
type Shapes = npt.NDArray[np.object_]

#: The line keeps away from the nodes by this share of a step, so that no two of its corners meet
#: there.
_NEAREST_TO_A_NODE = 0.02

#: Sides of a square (top 0, right 1, bottom 2, left 3) that the line joins, by its negative
#: corners: north-west 1, north-east 2, south-east 4, south-west 8. Two opposite negative corners
#: are kept apart.
_CROSSED: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 0), (1, 2)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((0, 1), (2, 3)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}


def sign_faces(
    field: Field, *, left: float, top: float, step: float
) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Return the faces that the line where the field is 0 encloses, and which of them are negative.

    The field is linear between neighbouring nodes; row 0 is the northernmost, node (0, 0) stands at
    ``left``, ``top``. A node at 0 is positive, and so is everything beyond the grid. The faces are
    valid and share their borders exactly; those that are positive are the holes of the others. Each
    holds a node, so it has one sign.
    """
    field = np.pad(field, 1, constant_values=1.0)
    left, top = left - step, top + step
    negative = field < 0
    ends = _segments(negative)
    if not len(ends):
        return np.empty(0, dtype=object), np.empty(0, dtype=bool)
    lines = shapely.linestrings(_placed(ends, field, left, top, step))
    faces = shapely.get_parts(shapely.polygonize(lines))
    beside = np.flatnonzero(_beside_a_crossing(negative))
    columns = field.shape[1]
    nodes = shapely.points(left + beside % columns * step, top - beside // columns * step)
    below = np.zeros(len(faces), dtype=bool)
    below[shapely.STRtree(nodes).query(faces, predicate="contains")[0]] = True
    return faces, below


def _segments(negative: npt.NDArray[np.bool_]) -> Nodes:
    """Return the segments of the line as pairs of grid sides, each by its two nodes: an array (n,
    2, 2).
    """
    columns = negative.shape[1]
    corner = [negative[:-1, :-1], negative[:-1, 1:], negative[1:, 1:], negative[1:, :-1]]
    case = sum(
        (part.astype(np.uint8) << bit for bit, part in enumerate(corner)),
        np.zeros((), dtype=np.uint8),
    )
    squares = np.flatnonzero((case > 0) & (case < 15))
    kind = np.asarray(case).ravel()[squares]
    north_west = squares // (columns - 1) * columns + squares % (columns - 1)
    sides = np.array([[0, 1], [1, columns + 1], [columns, columns + 1], [0, columns]])
    parts = [
        north_west[kind == number, None, None] + sides[list(joined)]
        for number, segments in _CROSSED.items()
        for joined in segments
    ]
    return np.concatenate(parts).astype(np.int64)


def _placed(
    ends: Nodes, field: Field, left: float, top: float, step: float
) -> npt.NDArray[np.float64]:
    """Return where the line crosses each side: computed from the side alone, so alike from both
    squares beside it.
    """
    values = field.ravel().astype(np.float64)
    first, second = values[ends[..., 0]], values[ends[..., 1]]
    share = np.clip(first / (first - second), _NEAREST_TO_A_NODE, 1 - _NEAREST_TO_A_NODE)
    column, row = ends % field.shape[1], ends // field.shape[1]
    x = left + (column[..., 0] + share * (column[..., 1] - column[..., 0])) * step
    y = top - (row[..., 0] + share * (row[..., 1] - row[..., 0])) * step
    return np.stack([x, y], axis=-1)


def _beside_a_crossing(negative: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the negative nodes that have a positive neighbour (the pad guarantees that no node is
    on the rim).
    """
    around = np.ones_like(negative)
    around[1:-1, 1:-1] = (
        negative[:-2, 1:-1] & negative[2:, 1:-1] & negative[1:-1, :-2] & negative[1:-1, 2:]
    )
    return np.asarray(negative & ~around)


def find_smooth_zones(
    territory: Territory,
    demand: gpd.GeoDataFrame,
    surface: Surface,
    *,
    choice: ZoneChoice,
    groups: Sequence[str] = (),
) -> tuple[gpd.GeoDataFrame, pd.Series, list[Finding]]:
    """Draw the zones along the line where the slack is 0; count their people from the demand points
    as ever.

    A zone is one connected piece of ground inside the territory, holes kept. An unserved demand
    point belongs to the zone it lies in, else to the nearest within a cell (the line is that true),
    else to a zone of its own that has no polygon, told by a finding. A piece of ground with no
    demand point is a zone with no people: its excess is that of its ground. Pieces smaller than a
    cell are minor, as are those under the study's own limits.

    Returns what :func:`~geoguichet.coverage.zones.exact.find_zones` does, in the same contract.
    """
    pieces = _pieces(territory, surface)
    unserved = demand[~demand["served"]].sort_index()
    label = _piece_of(unserved.geometry, pieces, surface.cell_m)
    shapes = {number: polygonal(piece) for number, piece in enumerate(pieces)}
    least = max(choice.min_area_m2, surface.cell_m**2)
    limits = ZoneChoice(min_area_m2=least, min_people=choice.min_people)
    return table_of(
        unserved,
        label,
        shapes,
        demand,
        unit=surface.unit,
        choice=limits,
        groups=groups,
        land=_land(pieces, surface),
    )


def _pieces(territory: Territory, surface: Surface) -> Shapes:
    """Return the connected white ground of the territory, in EPSG:4326.

    The line's steps are straightened before it is cut by the territory's outline, all faces at
    once.
    """
    step = surface.cell_m / FINER
    faces, below = sign_faces(surface.fine, left=surface.left, top=surface.top, step=step)
    if not len(faces):
        return faces
    shapes = simplified(faces, step, whole=True)[below]
    lonlat = gpd.GeoSeries(shapes, crs=METRIC).to_crs(LONLAT).make_valid().to_numpy()
    shapely.prepare(territory.boundary)
    within = shapely.contains_properly(territory.boundary, lonlat)
    cut = shapely.intersection(lonlat[~within], territory.boundary)
    pieces = shapely.get_parts(np.concatenate([lonlat[within], shapely.get_parts(cut)]))
    pieces = pieces[(shapely.get_dimensions(pieces) == 2) & ~shapely.is_empty(pieces)]
    return np.asarray(pieces[np.lexsort(shapely.bounds(pieces).T)])


def _piece_of(points: gpd.GeoSeries, pieces: Shapes, cell_m: float) -> Labels:
    """Return the piece each point lies in or within a cell of; where there is none, a number of its
    own after those.
    """
    label = len(pieces) + np.arange(len(points))
    located = np.flatnonzero(~(points.isna() | points.is_empty).to_numpy())
    if len(pieces) and len(located):
        metric = gpd.GeoSeries(pieces, crs=LONLAT).to_crs(METRIC).to_numpy()
        at = points.iloc[located].to_crs(METRIC).to_numpy()
        found, piece = shapely.STRtree(metric).query_nearest(
            at, max_distance=cell_m, all_matches=False
        )
        label[located[found]] = piece
    return np.asarray(label, dtype=np.int64)


def _land(pieces: Shapes, surface: Surface) -> dict[int, tuple[float, float]]:
    """Return the worst and the mean excess over the ground of each piece (NaN where nothing is
    known).
    """
    if not len(pieces):
        return {}
    metric = gpd.GeoSeries(pieces, crs=LONLAT).to_crs(METRIC)
    burnt = rasterize(
        [(shape, number + 1) for number, shape in enumerate(metric)],
        surface.slack.shape,
        transform=surface.transform,
        dtype="int32",
    )
    excess = -surface.slack[burnt > 0].astype(np.float64)
    number, known = burnt[burnt > 0] - 1, ~np.isnan(excess)
    count = np.bincount(number[known], minlength=len(pieces))
    total = np.bincount(number[known], weights=excess[known], minlength=len(pieces))
    worst = np.full(len(pieces), -np.inf)
    np.maximum.at(worst, number[known], excess[known])
    return {
        i: (float(worst[i]), float(total[i] / count[i])) for i in np.flatnonzero(count).tolist()
    }
