"""INSEE's Filosofi grid: inhabitants by square cell, as a table of cell centres or as a raster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.tables import csv_chunks

EUROPE = "EPSG:3035"
"""ETRS89-LAEA, in which the cells are squares."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Inhabited cells."""

    cells: gpd.GeoDataFrame
    """id (INSPIRE name ``CRS3035RES1000mN2383000E3630000``), inhabitants (float), geometry: centre
    in EPSG:4326.
    """
    size_m: int
    findings: tuple[Finding, ...]
    rows_in: int
    """Rows, or raster cells with a value; equal to the cells plus the ``unreadable-cell`` findings.
    """


def read_table(path: Path, *, size_m: int = 1000) -> Grid:
    """Read cell centres (``x``, ``y`` in EPSG:3035, ``Ind`` inhabitants; CSV ``,``).

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    table = pd.concat(list(csv_chunks(path, columns=("x", "y", "Ind")))).apply(
        pd.to_numeric, errors="coerce"
    )
    return _grid(table["x"], table["y"], table["Ind"], size_m, path.name)


def read_raster(path: Path) -> Grid:
    """Read a GeoTIFF of inhabitants a cell; cells without a value are empty ground, and left out.

    Raises
    ------
    LayerError
        When the file is missing or is no raster in metres.
    """
    import rasterio
    import rasterio.errors

    try:
        with rasterio.open(path) as raster:
            people, transform, crs = raster.read(1, masked=True), raster.transform, raster.crs
    except rasterio.errors.RasterioIOError as error:
        raise LayerError(
            f"{path} : raster illisible ({error}) ; un GeoTIFF est attendu."
        ) from error
    if crs is None or crs.to_epsg() != 3035:
        raise LayerError(f"{path} : un raster en EPSG:3035 est attendu, celui-ci est en {crs}.")
    known = np.isfinite(np.ma.filled(people.astype(float), np.nan))
    lines, columns = np.nonzero(known)
    index = pd.RangeIndex(1, len(lines) + 1)
    return _grid(
        pd.Series(transform.c + (columns + 0.5) * transform.a, index),
        pd.Series(transform.f + (lines + 0.5) * transform.e, index),
        pd.Series(np.asarray(people)[known].astype(float), index),
        round(transform.a),
        path.name,
    )


def _grid(x: pd.Series, y: pd.Series, people: pd.Series, size_m: int, layer: str) -> Grid:
    right = x.notna() & y.notna() & people.notna() & (people >= 0)
    findings = tuple(
        Finding(
            "unreadable-cell", layer, "", "Carreau sans position ou sans population.", "error", row
        )
        for row in right.index[~right].tolist()
    )
    x, y, people = x[right], y[right], people[right]
    south = (y - size_m / 2).round().astype(int).astype(str)
    west = (x - size_m / 2).round().astype(int).astype(str)
    cells = gpd.GeoDataFrame(
        {"id": f"CRS3035RES{size_m}mN" + south + "E" + west, "inhabitants": people},
        geometry=gpd.points_from_xy(x, y, crs=EUROPE),
    ).to_crs(LONLAT)
    return Grid(cells.reset_index(drop=True), size_m, findings, len(right))
