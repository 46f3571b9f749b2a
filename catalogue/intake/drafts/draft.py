"""A draft record: what any data can tell, its content's digest, its name, its extent, its
fields.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geoguichet.catalogue.formats.codes import NOT_EVALUATED
from geoguichet.catalogue.formats.mapping import Members, describe
from geoguichet.catalogue.record import CONTENT, Extent, Link, Record, content_id
from geoguichet.floor.files import digest_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

# A picture of the data, small enough for the record to hold it itself.


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
        lambda points: np.column_stack(
            [(points[:, 0] - west) * scale, (north - points[:, 1]) * scale]
        ),
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
            unique = [
                point for at, point in enumerate(points) if at == 0 or point != points[at - 1]
            ]
            if len(unique) > 1:
                yield "M" + "L".join(unique)


#: Rows above which fields are described from the first ones, and the record says so.
SAMPLE_ROWS = 200_000

#: The name of a format and its media type.
type Form = tuple[str, str]

_GEOMETRY = {"Point": "point", "LineString": "curve", "LinearRing": "curve", "Polygon": "surface"}


def layer_of(record: Record) -> str:
    """Return the layer that the content of a draft names; empty when it is alone in its file."""
    return next(
        item.value for item in reversed(record.external_ids) if item.scheme == CONTENT
    ).partition("#")[2]


def of_frame(
    file: Path,
    layer: str,
    frame: gpd.GeoDataFrame,
    form: Form,
    *,
    count: int,
    bounds: Any,
    alone: bool,
    description: str = "",
    declared: str = "",
) -> Record:
    """Describe a layer from its rows: ``bounds`` and ``count`` are of the whole layer, ``frame``
    may be its start.

    ``declared`` is the type of geometry that the file says, for a layer without any row.
    """
    return draft(
        file,
        "" if alone else layer,
        form,
        description=description,
        geometry=extent_of(bounds, frame.crs),
        crs=crs_of(frame.crs),
        representation=["vector"],
        geometryType=_geometry_type(
            frame.geom_type.dropna().unique() if len(frame) else [declared]
        ),
        features=count,
        fields=fields_of(frame.drop(columns=frame.geometry.name), sampled=count > len(frame)),
        emptyGeometries=int((frame.geometry.isna() | frame.geometry.is_empty).sum()),
        links=thumbnail(frame),
    )


# Return ``point``, ``curve`` or ``surface`` when all are of one kind, single or multiple, else
# ``complex``.
def _geometry_type(names: Iterable[str]) -> str:
    kinds = {
        _GEOMETRY.get(name.partition(" ")[0].removeprefix("Multi"), "complex") for name in names
    }
    return kinds.pop() if len(kinds) == 1 else "complex"


def crs_of(crs: Any) -> list[str]:
    """Return a reference system as a record writes it: its EPSG code, else its name."""
    if crs is None:
        return []
    authority = crs.to_authority(min_confidence=70)
    return [":".join(authority) if authority else crs.name]


def extent_of(bounds: Any, crs: Any) -> dict[str, Any] | None:
    """Return the box in degrees of bounds in a reference system; None when there are none or no
    system is known.
    """
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    if bounds is None or not all(math.isfinite(side) for side in bounds):
        return None
    west, south, east, north = map(float, bounds)
    if crs is None:
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            return None
    else:
        try:
            west, south, east, north = Transformer.from_crs(
                crs, 4326, always_xy=True
            ).transform_bounds(west, south, east, north, densify_pts=21)
        except ProjError:
            return None
    sides = [round(side, 7) for side in (west, south, east, north)]
    if not all(map(math.isfinite, sides)):
        return None
    box = Extent(
        max(-180.0, sides[0]), max(-90.0, sides[1]), min(180.0, sides[2]), min(90.0, sides[3])
    )
    return (
        {"type": "Point", "coordinates": sides[:2]} if sides[:2] == sides[2:] else box.as_geometry()
    )


def fields_of(frame: pd.DataFrame, *, sampled: bool) -> list[dict[str, Any]]:
    """Describe columns: name, type, a few examples, the share of rows that say nothing."""
    fields = []
    for name in frame.columns:
        column = frame[name]
        known = column.dropna()
        field = {
            "name": str(name),
            "type": _type_of(column),
            "examples": [str(value)[:60] for value in known.drop_duplicates().head(3)]
            if known.empty or not isinstance(known.iloc[0], list | dict | np.ndarray)
            else [],
            "nullRate": round(float(column.isna().mean()), 4) if len(column) else 0.0,
        }
        fields.append(field | ({"sampled": True} if sampled else {}))
    return fields


def _type_of(column: pd.Series) -> str:
    return {"i": "integer", "u": "integer", "f": "number", "b": "boolean", "M": "datetime"}.get(
        column.dtype.kind, "string"
    )


def draft(file: Path, layer: str, form: Form, **members: Any) -> Record:
    """Make the record of a layer from what its data said."""
    name, media = form
    digest = digest_of(file)
    slug = re.sub(r"[^a-z0-9]+", "-", layer.casefold()).strip("-")
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    told: Members = {
        "id": f"jeu-{digest[:16]}" + (f"-{slug}" if layer else ""),
        "type": "dataset",
        "title": _title(file.stem, layer),
        "dates": [{"date": changed.strftime("%Y-%m-%d"), "type": "revision"}],
        "updated": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "language": {"code": "fr"},
        "conformity": [NOT_EVALUATED],
        "formats": [{"name": name, "mediaType": media}],
        "links": tuple(members.pop("links", ())),
        "externalIds": (content_id(digest, layer),),
    }
    return describe(told | cast(Members, members))


# Make words of file and layer names: ``bati_commune-2020`` is « Bati commune 2020 ».
def _title(stem: str, layer: str) -> str:
    parts = [
        re.sub(r"[_\-.]+", " ", re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", part)).strip()
        for part in (stem, layer)
        if part
    ]
    title = " : ".join(parts) or "Sans nom"
    return title[0].upper() + title[1:]
