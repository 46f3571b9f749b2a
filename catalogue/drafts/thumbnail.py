"""A picture of the data, small enough for the record to hold it itself."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from geoguichet.catalogue.record import Link

if TYPE_CHECKING:
    import geopandas as gpd


def thumbnail(frame: gpd.GeoDataFrame) -> tuple[Link, ...]:
    """Draw the shapes of a layer, as an SVG of a few kilobytes that the record holds itself."""
    import shapely

    shapes = frame.geometry.dropna()
    shapes = shapes[~shapes.is_empty]
    if shapes.empty:
        return ()
    west, south, east, north = map(float, shapes.total_bounds)
    if not all(map(math.isfinite, (west, south, east, north))):
        return ()
    scale = 200 / (max(east - west, north - south) or 1)
    if len(shapes) > 400:
        shapes = shapes.iloc[np.linspace(0, len(shapes) - 1, 400).astype(int)]
    drawn = shapely.transform(
        shapely.simplify(shapes.to_numpy(), 1 / scale, preserve_topology=False),
        lambda points: np.column_stack([(points[:, 0] - west) * scale, (north - points[:, 1]) * scale]),
    )
    paths = [part for shape in drawn for part in _as_path(shape)]
    if not paths:
        return ()
    width, height = (east - west) * scale + 8, (north - south) * scale + 8
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {width:.0f} {height:.0f}">'
        f'<path d="{"".join(paths)}" fill="#9ec9c9" stroke="#1f5f66" stroke-width="0.6"/></svg>'
    )
    return (picture("image/svg+xml", drawing.encode()),)


def picture(kind: str, content: bytes) -> Link:
    """Return the link that holds a picture of a media type."""
    return Link(
        f"data:{kind};base64,{base64.b64encode(content).decode()}",
        "preview",
        kind,
        "Aperçu dessiné d'après les données",
    )


def _as_path(shape: Any) -> Iterator[str]:
    import shapely

    for part in shapely.get_parts(shape):
        if part.geom_type == "Point":
            yield f"M{part.x - 1:.0f} {part.y:.0f}h2v2h-2z"
        elif not part.is_empty:
            line = part.exterior if part.geom_type == "Polygon" else part
            points = [f"{x:.0f} {y:.0f}" for x, y, *_ in line.coords]
            unique = [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]
            if len(unique) > 1:
                yield "M" + "L".join(unique)
