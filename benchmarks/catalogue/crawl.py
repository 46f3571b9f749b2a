"""A thousand data files of seven kinds, one in eight of them corrupt, crawled twice.

    python benchmarks/catalogue/crawl.py [FILES]

Prints seconds of the clock and of the processor, and what the crawl counted. The issue asks for
less than 300 s.
"""

import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import box

from geoguichet.catalogue.intake.crawl import crawl


def make(folder: Path, files: int) -> None:
    """Write as many files, of 200 squares or points or of 100 x 100 pixels each."""
    chance = np.random.default_rng(1)
    for number in range(files):
        stem, kind = folder / f"jeu_{number:04}", number % 8
        corners = (
            500_000 + chance.integers(0, 90_000, 200),
            6_200_000 + chance.integers(0, 90_000, 200),
        )
        squares = [box(x, y, x + 500, y + 500) for x, y in zip(*corners, strict=True)]
        columns = {
            "classe": chance.integers(0, 9, 200),
            "nom": [f"lieu {row}" for row in range(200)],
        }
        frame = gpd.GeoDataFrame(columns, geometry=squares, crs=2154)
        if kind < 3:
            frame.to_file(stem.with_suffix((".gpkg", ".shp", ".fgb")[kind]))
        elif kind == 3:
            frame.to_crs(4326).to_file(stem.with_suffix(".geojson"))
        elif kind == 4:
            frame.to_parquet(stem.with_suffix(".parquet"))
        elif kind == 5:
            form = {
                "driver": "GTiff",
                "width": 100,
                "height": 100,
                "count": 1,
                "dtype": "float32",
                "crs": "EPSG:2154",
            }
            place = from_origin(500_000, 6_300_000, 100, 100)
            with rasterio.open(stem.with_suffix(".tif"), "w", transform=place, **form) as raster:
                raster.write(chance.random((100, 100), dtype="float32"), 1)
        elif kind == 6:
            points = pd.DataFrame({"lon": chance.random(200), "lat": 43 + chance.random(200)})
            points.to_csv(stem.with_suffix(".csv"), index=False)
        else:
            stem.with_suffix(".gpkg").write_bytes(b"ceci n'est pas un GeoPackage " * number)


def main(files: int) -> None:
    """Crawl them twice."""
    with tempfile.TemporaryDirectory() as here:
        data, workspace = Path(here) / "data", Path(here) / "workspace"
        data.mkdir()
        make(data, files)
        for name in ("first", "second"):
            clock, cpu = time.perf_counter(), time.process_time()
            done = crawl(data, workspace)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            print(
                f"{name}: {clock:.1f} s ({cpu:.1f} s CPU), {done.counts()}, {len(done.findings)} "
                "findings"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
