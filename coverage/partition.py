"""Outlines that share borders, made to share them exactly: no overlap, and simplified all at once.

Published outlines of communes overlap here and there by a few square metres, so that the areas of the parts do not add
up to the area of the whole.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

type Shapes = npt.NDArray[np.object_]


def partition(outlines: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the outlines with every overlap given to the first of those that claim it; gaps stay gaps.

    Only the outlines that overlap, and those they touch, are drawn anew: their lines are cut where they cross and each
    face goes to the first outline (in order of the index) that holds it. Missing outlines stay missing.
    """
    order = outlines.sort_index()
    shapes = order.to_numpy().copy()
    drawn = np.flatnonzero(~(order.isna() | order.is_empty).to_numpy())
    tree = shapely.STRtree(shapes[drawn])
    wrong = _overlapping(shapes[drawn], tree)
    if len(wrong):
        cluster = np.unique(np.append(tree.query(shapes[drawn][wrong], predicate="intersects")[1], wrong))
        members = drawn[cluster]
        shapes[members] = _faces_of_the_first(shapes[members])
    return gpd.GeoSeries(shapes, index=order.index, crs=outlines.crs).reindex(outlines.index)


def _overlapping(shapes: Shapes, tree: shapely.STRtree) -> npt.NDArray[np.int64]:
    """Return the positions of the shapes whose borders do not match those of their neighbours."""
    if not len(shapes):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(shapes)))


def _faces_of_the_first(shapes: Shapes) -> Shapes:
    """Cut the lines of all shapes where they cross, and give each face to the first shape that holds it."""
    lines = shapely.union_all(shapely.boundary(shapes))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.STRtree(shapely.point_on_surface(faces))
    owner = np.full(len(faces), len(shapes), dtype=np.int64)
    shape, face = inside.query(shapes, predicate="intersects")
    np.minimum.at(owner, face, shape)
    redrawn = shapes.copy()
    for position in range(len(shapes)):
        redrawn[position] = polygonal(shapely.union_all(faces[owner == position]))
    return redrawn


def simplified(shapes: Shapes, tolerance: float, *, whole: bool = False) -> Shapes:
    """Return shapes that share borders with straighter ones, and still share them (Visvalingam & Whyatt 1993).

    ``tolerance`` is in the units of the coordinates: corners of a triangle smaller than its square go. The border of
    the whole stays as it is, unless ``whole``.
    """
    return np.asarray(shapely.coverage_simplify(shapes, tolerance, simplify_boundary=whole))


def polygonal(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return the valid multipolygon of a union: points and lines left aside."""
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
