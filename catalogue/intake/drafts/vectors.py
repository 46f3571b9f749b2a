"""Vector data as drafts: what GDAL reads, and GeoParquet; one per layer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from geoguichet.catalogue.errors import DatasetError
from geoguichet.catalogue.intake.drafts.draft import SAMPLE_ROWS, of_frame
from geoguichet.catalogue.record import Record

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


def read_vector(file: Path) -> Iterator[Record]:
    """Yield a draft for each layer that has a geometry."""
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", RuntimeWarning
            )  # GDAL's remarks on a file that it reads all the same
            yield from _layers(file)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise DatasetError(
            f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]})."
        ) from error


def _layers(file: Path) -> Iterator[Record]:
    import pyogrio

    for name, kind in pyogrio.list_layers(file):
        if kind is None:
            continue
        told = pyogrio.read_info(
            file, layer=name, force_feature_count=True, force_total_bounds=True
        )
        frame = pyogrio.read_dataframe(file, layer=name, max_features=SAMPLE_ROWS)
        form, alone = VECTORS[file.suffix.lower()], _is_alone(file, str(name))
        bounds, count = told["total_bounds"], int(told["features"])
        words = (told.get("layer_metadata") or {}).get(
            "DESCRIPTION", ""
        )  # a GeoPackage may describe its layers
        yield of_frame(
            file,
            str(name),
            frame,
            form,
            count=count,
            bounds=bounds,
            alone=alone,
            description=words,
            declared=str(kind),
        )


def _is_alone(file: Path, layer: str) -> bool:
    return layer.casefold() == file.stem.casefold()


def read_parquet(file: Path) -> Record:
    """Return the draft of a GeoParquet file."""
    import geopandas as gpd
    import pyarrow as pa

    try:
        frame = gpd.read_parquet(file)
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise DatasetError(
            f"{file.name} : ce Parquet n'est pas géographique ou est abîmé ({str(error)[:200]})."
        ) from error
    return of_frame(
        file,
        file.stem,
        frame,
        PARQUET[file.suffix.lower()],
        count=len(frame),
        bounds=frame.total_bounds,
        alone=True,
    )
