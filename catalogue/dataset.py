"""A file of geographic data read as records: where, what, how much, in which system; one record per layer.

A draft record says all that the data itself can tell. What only a person knows (the licence, the lineage, who answers
for it) is left to `validate.check` to ask for. A metadata file beside the data (``.xml``, ``.qmd``) is merged in.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from geoguichet.catalogue import formats
from geoguichet.catalogue.errors import DatasetError, RecordError
from geoguichet.catalogue.mapping import describe, with_members
from geoguichet.catalogue.record import Extent, ExternalId, Link, Record

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

VECTORS = {
    ".gpkg": ("GeoPackage", "application/geopackage+sqlite3"),
    ".shp": ("ESRI Shapefile", "application/vnd.shp"),
    ".geojson": ("GeoJSON", "application/geo+json"),
    ".fgb": ("FlatGeobuf", "application/vnd.flatgeobuf"),
    ".gml": ("GML", "application/gml+xml"),
    ".kml": ("KML", "application/vnd.google-earth.kml+xml"),
}
PARQUET = {
    ".parquet": ("GeoParquet", "application/vnd.apache.parquet"),
    ".geoparquet": ("GeoParquet", "application/vnd.apache.parquet"),
}
RASTERS = {
    ".tif": ("GeoTIFF", "image/tiff; application=geotiff"),
    ".tiff": ("GeoTIFF", "image/tiff; application=geotiff"),
    ".nc": ("NetCDF", "application/x-netcdf"),
}
TABLES = {
    ".csv": ("CSV", "text/csv"),
    ".xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
SUFFIXES = frozenset({*VECTORS, *PARQUET, *RASTERS, *TABLES})
"""Endings of the files that may hold geographic data."""

CONTENT = "sha256"
"""The scheme of `content_id`."""

_SAMPLE = 200_000
"""Rows above which fields are described from the first ones, and the record says so."""

_GEOMETRY = {"Point": "point", "LineString": "curve", "LinearRing": "curve", "Polygon": "surface"}


def read_datasets(file: Path) -> list[Record]:
    """Describe every layer of a file that has a place; DatasetError says why a file cannot be read."""
    suffix = file.suffix.lower()
    try:
        if suffix in RASTERS:
            drafts = [_raster(file)]
        elif suffix in TABLES:
            drafts = list(_table(file))
        elif suffix in PARQUET:
            drafts = [_parquet(file)]
        else:
            drafts = list(_vector(file))
    except OSError as error:
        raise DatasetError(f"{file.name} : fichier illisible ({error.strerror or error}).") from error
    except RecordError as error:
        raise DatasetError(f"{file.name} : {error}") from error
    return [_merged(file, record) for record in drafts]


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file's content, with that of the files that go with a shapefile."""
    digest = hashlib.sha256()
    for part in _parts(file):
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def content_id(digest: str, layer: str) -> ExternalId:
    """Return what identifies a layer by the content of its file; ``layer`` is empty when it is alone there."""
    return ExternalId(f"{digest}#{layer}" if layer else digest, CONTENT)


def media_type(file: Path) -> str:
    """Return the media type of a file that may hold geographic data."""
    return (VECTORS | PARQUET | RASTERS | TABLES)[file.suffix.lower()][1]


def _parts(file: Path) -> list[Path]:
    """Return the files that make a dataset: a shapefile is several; a sidecar counts too."""
    endings = (".shp", ".dbf", ".shx", ".prj", ".cpg") if file.suffix.lower() == ".shp" else (file.suffix,)
    found = [file.with_suffix(ending) for ending in endings]
    return [part for part in (*found, *_sidecars(file)) if part.is_file()]


# --- vectors ---------------------------------------------------------------------------------------------------------


def _vector(file: Path) -> Iterator[Record]:
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on a file that it reads all the same
            yield from _layers(file)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise DatasetError(f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]}).") from error


def _layers(file: Path) -> Iterator[Record]:
    import pyogrio

    for name, kind in pyogrio.list_layers(file):
        if kind is None:
            continue
        told = pyogrio.read_info(file, layer=name, force_feature_count=True, force_total_bounds=True)
        frame = pyogrio.read_dataframe(file, layer=name, max_features=_SAMPLE)
        form, alone = VECTORS[file.suffix.lower()], _is_alone(file, str(name))
        bounds, count = told["total_bounds"], int(told["features"])
        words = (told.get("layer_metadata") or {}).get("DESCRIPTION", "")  # a GeoPackage may describe its layers
        yield _of_frame(file, str(name), frame, form, count=count, bounds=bounds, alone=alone, description=words)


def _is_alone(file: Path, layer: str) -> bool:
    return layer.casefold() == file.stem.casefold()


def _parquet(file: Path) -> Record:
    import geopandas as gpd
    import pyarrow as pa

    try:
        frame = gpd.read_parquet(file)
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise DatasetError(
            f"{file.name} : ce Parquet n'est pas géographique ou est abîmé ({str(error)[:200]})."
        ) from error
    return _of_frame(
        file, file.stem, frame, PARQUET[file.suffix.lower()], count=len(frame), bounds=frame.total_bounds, alone=True
    )


def _of_frame(
    file: Path,
    layer: str,
    frame: gpd.GeoDataFrame,
    form: tuple[str, str],
    *,
    count: int,
    bounds: Any,
    alone: bool,
    description: str = "",
) -> Record:
    """Describe a layer from its rows: ``bounds`` and ``count`` are of the whole layer, ``frame`` may be its start."""
    kinds = frame.geom_type.dropna().unique() if len(frame) else []
    kind = next((text.removeprefix("Multi") for text in kinds), "")
    geometry = _extent_of(bounds, frame.crs)
    return _draft(
        file,
        "" if alone else layer,
        form,
        description=description,
        geometry=geometry,
        crs=_crs_of(frame.crs),
        representation=["vector"],
        geometryType=_GEOMETRY.get(kind, "complex"),
        features=count,
        fields=_fields(frame.drop(columns=frame.geometry.name), sampled=count > len(frame)),
        emptyGeometries=int((frame.geometry.isna() | frame.geometry.is_empty).sum()),
        links=_thumbnail(frame),
    )


def _crs_of(crs: Any) -> list[str]:
    if crs is None:
        return []
    authority = crs.to_authority(min_confidence=70)
    return [":".join(authority) if authority else crs.name]


def _extent_of(bounds: Any, crs: Any) -> dict[str, Any] | None:
    """Return the box in degrees of bounds in a reference system; None when there are none or no system is known."""
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
            transformer = Transformer.from_crs(crs, 4326, always_xy=True)
            west, south, east, north = transformer.transform_bounds(west, south, east, north, densify_pts=21)
        except ProjError:
            return None
    sides = [round(side, 7) for side in (west, south, east, north)]
    if not all(map(math.isfinite, sides)):
        return None
    box = Extent(max(-180.0, sides[0]), max(-90.0, sides[1]), min(180.0, sides[2]), min(90.0, sides[3]))
    return {"type": "Point", "coordinates": sides[:2]} if sides[:2] == sides[2:] else box.as_geometry()


def _fields(frame: pd.DataFrame, *, sampled: bool) -> list[dict[str, Any]]:
    """Describe columns: name, type, a few examples, the share of rows that say nothing."""
    fields = []
    for name in frame.columns:
        column = frame[name]
        known = column.dropna()
        examples = [str(value)[:60] for value in known.drop_duplicates().head(3)] if _hashable(known) else []
        nulls = round(float(column.isna().mean()), 4) if len(column) else 0.0
        field = {"name": str(name), "type": _type_of(column), "examples": examples, "nullRate": nulls}
        fields.append(field | ({"sampled": True} if sampled else {}))
    return fields


def _hashable(column: pd.Series) -> bool:
    return not len(column) or not isinstance(column.iloc[0], list | dict | np.ndarray)


def _type_of(column: pd.Series) -> str:
    kinds = {"i": "integer", "u": "integer", "f": "number", "b": "boolean", "M": "datetime"}
    return kinds.get(column.dtype.kind, "string")


def _thumbnail(frame: gpd.GeoDataFrame) -> tuple[Link, ...]:
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
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {width:.0f} {height:.0f}">'
        f'<path d="{"".join(paths)}" fill="#9ec9c9" stroke="#1f5f66" stroke-width="0.6"/></svg>'
    )
    return (_picture("image/svg+xml", picture.encode()),)


def _picture(kind: str, content: bytes) -> Link:
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


# --- rasters ---------------------------------------------------------------------------------------------------------


def _raster(file: Path) -> Record:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(file) as raster:
                return _of_raster(file, raster)
    except RasterioError as error:
        raise DatasetError(f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]}).") from error


def _of_raster(file: Path, raster: Any) -> Record:
    from pyproj import CRS

    crs = CRS.from_user_input(raster.crs.to_wkt()) if raster.crs else None
    metres = crs is not None and crs.is_projected and raster.transform.a
    bands = [
        {
            "name": raster.descriptions[at] or f"bande {at + 1}",
            "type": str(kind),
            "noData": _plain_number(raster.nodatavals[at]),
        }
        for at, kind in enumerate(raster.dtypes)
    ]
    cloud = bool(raster.count and raster.block_shapes[0][1] < raster.width and raster.overviews(1))
    return _draft(
        file,
        "",
        ("GeoTIFF (COG)" if cloud else RASTERS[file.suffix.lower()][0], RASTERS[file.suffix.lower()][1]),
        geometry=None if crs is None and raster.transform.is_identity else _extent_of(tuple(raster.bounds), crs),
        crs=_crs_of(crs),
        representation=["grid"],
        fields=bands,
        size={"columns": raster.width, "rows": raster.height, "bands": raster.count},
        resolution=[{"distance": round(abs(raster.transform.a), 4), "unit": "m"}] if metres else [],
        links=_raster_thumbnail(raster),
    )


def _plain_number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _raster_thumbnail(raster: Any) -> tuple[Link, ...]:
    """Draw the first band in shades, read small."""
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    scale = max(raster.width, raster.height) / 160
    shape = (
        (max(1, round(raster.height / scale)), max(1, round(raster.width / scale)))
        if scale > 1
        else (raster.height, raster.width)
    )
    try:
        band = raster.read(1, out_shape=shape, masked=True).astype("float64").filled(np.nan)
    except RasterioError as error:
        raise DatasetError(f"{Path(raster.name).name} : les pixels sont illisibles ({str(error)[:120]}).") from error
    known = band[np.isfinite(band)]
    if not known.size:
        return ()
    low, high = np.percentile(known, [2, 98])
    shades = np.nan_to_num(np.clip((band - low) / ((high - low) or 1), 0, 1) * 255).astype("uint8")
    with MemoryFile() as memory:
        with memory.open(driver="PNG", width=shape[1], height=shape[0], count=1, dtype="uint8") as picture:
            picture.write(shades, 1)
        return (_picture("image/png", memory.read()),)


# --- tables ----------------------------------------------------------------------------------------------------------

_LONGITUDES = ("longitude", "lon", "lng", "long", "x", "x_wgs84", "longitude_wgs84", "coord_x", "x_l93")
_LATITUDES = ("latitude", "lat", "lat", "lat", "y", "y_wgs84", "latitude_wgs84", "coord_y", "y_l93")


def _table(file: Path) -> Iterator[Record]:
    """Describe a table that has coordinates in two columns; a table without is no geographic data."""
    import pandas as pd

    for sheet, frame in _sheets(file):
        pair = _coordinates(frame.columns)
        if pair is None:
            continue
        numbers = [pd.to_numeric(frame[name].astype(str).str.replace(",", "."), errors="coerce") for name in pair]
        placed = numbers[0].notna() & numbers[1].notna()
        if not placed.any():
            continue
        crs = _crs_of_columns(numbers, placed)
        yield _of_frame(
            file,
            sheet,
            _as_points(frame, numbers, placed, crs),
            TABLES[file.suffix.lower()],
            count=len(frame),
            bounds=(numbers[0].min(), numbers[1].min(), numbers[0].max(), numbers[1].max()),
            alone=not sheet,
        )


def _as_points(frame: pd.DataFrame, numbers: list[pd.Series], placed: pd.Series, crs: str | None) -> gpd.GeoDataFrame:
    import geopandas as gpd

    points = gpd.points_from_xy(numbers[0].where(placed), numbers[1].where(placed), crs=crs)
    return gpd.GeoDataFrame(frame.astype(object).where(frame.notna(), None).infer_objects(), geometry=points)


def _crs_of_columns(numbers: list[pd.Series], placed: pd.Series) -> str | None:
    """Degrees when all are in range; Lambert-93 when all fall in its rectangle over France; else unknown."""
    xs, ys = numbers[0][placed], numbers[1][placed]
    if xs.between(-180, 180).all() and ys.between(-90, 90).all():
        return "EPSG:4326"
    if xs.between(0, 1_300_000).all() and ys.between(6_000_000, 7_200_000).all():
        return "EPSG:2154"
    return None


def _sheets(file: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    import pandas as pd

    try:
        if file.suffix.lower() == ".xlsx":
            yield from (
                (str(name), frame) for name, frame in pd.read_excel(file, sheet_name=None, nrows=_SAMPLE).items()
            )
            return
        yield (
            "",
            pd.read_csv(io.StringIO(_decoded(file)), sep=_separator(_decoded(file)), nrows=_SAMPLE, low_memory=False),
        )
    except (ValueError, KeyError, BadZipFile, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DatasetError(f"{file.name} : table illisible ({str(error)[:200]}).") from error


def _decoded(file: Path) -> str:
    content = file.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _separator(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text[:20_000], delimiters=";,\t|").delimiter
    except csv.Error:
        return ","


def _coordinates(columns: Iterable[Any]) -> tuple[str, str] | None:
    names = {str(name).strip().casefold(): name for name in columns}
    for longitude, latitude in zip(_LONGITUDES, _LATITUDES, strict=True):
        if longitude in names and latitude in names:
            return names[longitude], names[latitude]
    return None


# --- the draft -------------------------------------------------------------------------------------------------------


def _draft(file: Path, layer: str, form: tuple[str, str], **members: Any) -> Record:
    """Make the record of a layer from what its data said."""
    name, media = form
    digest = digest_of(file)
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    links = tuple(members.pop("links", ()))
    told = {
        "id": f"jeu-{digest[:16]}" + (f"-{_slug(layer)}" if layer else ""),
        "type": "dataset",
        "title": _title(file.stem, layer),
        "dates": [{"date": changed.strftime("%Y-%m-%d"), "type": "revision"}],
        "updated": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "language": {"code": "fr"},
        "formats": [{"name": name, "mediaType": media}],
        "links": links,
        "externalIds": (content_id(digest, layer),),
    }
    return describe(told | members)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")


def _title(stem: str, layer: str) -> str:
    """Make words of file and layer names: ``bati_commune-2020`` is « Bati commune 2020 »."""
    parts = [
        re.sub(r"[_\-.]+", " ", re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", part)).strip() for part in (stem, layer) if part
    ]
    title = " : ".join(parts) or "Sans nom"
    return title[0].upper() + title[1:]


def _sidecars(file: Path) -> list[Path]:
    """Return the metadata files that may stand beside a dataset."""
    return [Path(f"{file}.xml"), file.with_suffix(".xml"), file.with_suffix(".qmd")]


def _merged(file: Path, draft: Record) -> Record:
    """Fill a draft with what a metadata file beside it says; what the data itself tells is kept from the data."""
    for sidecar in _sidecars(file):
        if not sidecar.is_file():
            continue
        found = formats.read(sidecar.read_bytes(), address=str(sidecar)).records
        if found:
            return _filled(draft, found[0])
    return draft


_FROM_DATA = frozenset({"crs", "fields", "features", "geometryType", "representation", "size", "emptyGeometries"})


def _filled(draft: Record, written: Record) -> Record:
    measured: Mapping[str, Any] = {name: value for name, value in draft.extra_properties.items() if name in _FROM_DATA}
    both = {**draft.extra_properties, **written.extra_properties, **measured}
    merged = replace(
        written,
        geometry=draft.geometry or written.geometry,
        links=(*draft.links, *written.links),
        external_ids=(*written.external_ids, *draft.external_ids),
        updated=written.updated or draft.updated,
        title=written.title or draft.title,
        type=written.type or "dataset",
        extra_properties=both,
    )
    return with_members(merged, unreadable=written.extra_properties.get("unreadable"))
