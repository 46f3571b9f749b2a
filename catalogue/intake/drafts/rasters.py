"""Rasters as drafts: bands, size, resolution, and a picture in shades."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from geoguichet.catalogue.errors import DatasetError
from geoguichet.catalogue.intake.drafts.draft import crs_of, draft, extent_of, picture
from geoguichet.catalogue.record import Link, Record

RASTERS = {
    ".tif": ("GeoTIFF", "image/tiff; application=geotiff"),
    ".tiff": ("GeoTIFF", "image/tiff; application=geotiff"),
    ".nc": ("NetCDF", "application/x-netcdf"),
}


def read_raster(file: Path) -> Iterator[Record]:
    """Yield the draft of a raster, or one for each variable of a file that holds several
    (NetCDF).
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(file) as raster:
                inside = raster.subdatasets if not raster.count else []
                if not inside:
                    yield _of_raster(file, "", raster)
            for address in inside:
                with rasterio.open(address) as raster:
                    if (
                        raster.width > 1 and raster.height > 1
                    ):  # the others are bounds of axes, not maps
                        yield _of_raster(file, address.rpartition(":")[2], raster)
    except RasterioError as error:
        raise DatasetError(
            f"{file.name} : GDAL ne peut pas le lire ({str(error)[:200]})."
        ) from error


def _of_raster(file: Path, layer: str, raster: Any) -> Record:
    from pyproj import CRS

    crs = CRS.from_user_input(raster.crs.to_wkt()) if raster.crs else None
    bands = [
        {
            "name": raster.descriptions[at] or f"bande {at + 1}",
            "type": str(kind),
            "noData": _plain_number(raster.nodatavals[at]),
        }
        for at, kind in enumerate(raster.dtypes)
    ]
    cloud = bool(raster.count and raster.block_shapes[0][1] < raster.width and raster.overviews(1))
    return draft(
        file,
        layer,
        (
            "GeoTIFF (COG)" if cloud else RASTERS[file.suffix.lower()][0],
            RASTERS[file.suffix.lower()][1],
        ),
        geometry=None
        if crs is None and raster.transform.is_identity
        else extent_of(tuple(raster.bounds), crs),
        crs=crs_of(crs),
        representation=["grid"],
        fields=bands,
        size={"columns": raster.width, "rows": raster.height, "bands": raster.count},
        resolution=_resolution(raster.transform.a, crs),
        links=_raster_thumbnail(raster),
    )


def _resolution(step: float, crs: Any) -> list[dict[str, Any]]:
    """Return the size of a pixel: in metres whatever the unit of a projection, in degrees without
    one.
    """
    if crs is None or not step:
        return []
    if crs.is_projected:
        return [
            {"distance": round(abs(step) * crs.axis_info[0].unit_conversion_factor, 4), "unit": "m"}
        ]
    return [{"distance": round(abs(step), 10), "unit": "deg"}] if crs.is_geographic else []


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
        raise DatasetError(
            f"{Path(raster.name).name} : les pixels sont illisibles ({str(error)[:120]})."
        ) from error
    known = band[np.isfinite(band)]
    if not known.size:
        return ()
    low, high = np.percentile(known, [2, 98])
    shades = np.nan_to_num(np.clip((band - low) / ((high - low) or 1), 0, 1) * 255).astype("uint8")
    with MemoryFile() as memory:
        with memory.open(
            driver="PNG", width=shape[1], height=shape[0], count=1, dtype="uint8"
        ) as drawn:
            drawn.write(shades, 1)
        return (picture("image/png", memory.read()),)
