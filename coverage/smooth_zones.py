"""Smooth white zones: the ground where the rule leaves less than no slack, whatever the communes."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rasterio.features import rasterize

from geoguichet.coverage.contours import sign_faces
from geoguichet.coverage.partition import polygonal, simplified
from geoguichet.coverage.surface import FINER, Surface
from geoguichet.coverage.white_zones import Labels, table_of
from geoguichet.coverage.zone_choice import ZoneChoice
from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.territories import Territory

type Shapes = npt.NDArray[np.object_]


def find_smooth_zones(
    territory: Territory,
    demand: gpd.GeoDataFrame,
    surface: Surface,
    *,
    choice: ZoneChoice,
    groups: Sequence[str] = (),
) -> tuple[gpd.GeoDataFrame, pd.Series, list[Finding]]:
    """Draw the zones along the line where the slack is 0; count their people from the demand points as ever.

    A zone is one connected piece of ground inside the territory, holes kept. An unserved demand point belongs to the
    zone it lies in, else to the nearest within a cell (the line is that true), else to a zone of its own that has no
    polygon, told by a finding. A piece of ground with no demand point is a zone with no people: its excess is that of
    its ground. Pieces smaller than a cell are minor, as are those under the study's own limits.

    Returns what :func:`~geoguichet.coverage.white_zones.find_zones` does, in the same contract.
    """
    pieces = _pieces(territory, surface)
    unserved = demand[~demand["served"]].sort_index()
    label = _piece_of(unserved.geometry, pieces, surface.cell_m)
    shapes = {number: polygonal(piece) for number, piece in enumerate(pieces)}
    least = max(choice.min_area_m2, surface.cell_m**2)
    limits = ZoneChoice(min_area_m2=least, min_people=choice.min_people)
    return table_of(unserved, label, shapes, demand, choice=limits, groups=groups, land=_land(pieces, surface))


def _pieces(territory: Territory, surface: Surface) -> Shapes:
    """Return the connected white ground of the territory, in EPSG:4326.

    The line's steps are straightened before it is cut by the territory's outline, all faces at once.
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
    """Return the piece each point lies in or within a cell of; where there is none, a number of its own after those."""
    label = len(pieces) + np.arange(len(points))
    located = np.flatnonzero(~(points.isna() | points.is_empty).to_numpy())
    if len(pieces) and len(located):
        metric = gpd.GeoSeries(pieces, crs=LONLAT).to_crs(METRIC).to_numpy()
        at = points.iloc[located].to_crs(METRIC).to_numpy()
        found, piece = shapely.STRtree(metric).query_nearest(at, max_distance=cell_m, all_matches=False)
        label[located[found]] = piece
    return np.asarray(label, dtype=np.int64)


def _land(pieces: Shapes, surface: Surface) -> dict[int, tuple[float, float]]:
    """Return the worst and the mean excess over the ground of each piece (NaN where nothing is known)."""
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
    return {i: (float(worst[i]), float(total[i] / count[i])) for i in np.flatnonzero(count).tolist()}
