"""A directory of the DILA read, judged and stored, against pyarrow and a GeoPackage alone: the same
file decompressed, parsed and written with its points, nothing looked at. CPU seconds, best of
several turns in one run, and their ratio.

python benchmarks/referentials/directory.py service-public-annuaire-local-2020-11.csv.bz2
"""

from __future__ import annotations

import argparse
import bz2
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyarrow import csv

from geoguichet.referentials.readers.registry import choose_reader
from geoguichet.referentials.versions.store import ReferentialStore

TURNS = 5


def ours(file: Path, folder: Path) -> int:
    """Read, judge and store the file; what its points prove of its rows is left aside."""
    reader = choose_reader(file)
    version = ReferentialStore(folder).put(
        reader.name, reader.read(), origin=file, reader=reader.key
    )
    return version.rows


def alone(file: Path, folder: Path) -> int:
    """Decompress, parse and write the file, its columns as they are."""
    with bz2.open(file) as content:
        table = csv.read_csv(pa.BufferReader(content.read()))
    x, y = (table[name].to_numpy() for name in ("longitude", "latitude"))
    known = np.isfinite(x) & np.isfinite(y)
    points = np.full(len(table), None, dtype=object)
    points[known] = shapely.points(x[known], y[known])
    frame = gpd.GeoDataFrame(table.to_pandas(), geometry=points, crs="EPSG:4326")
    pyogrio.write_dataframe(frame, folder / "alone.gpkg", use_arrow=True, geometry_type="Point")
    return len(frame)


def cpu(work: Callable[[Path, Path], int], file: Path) -> tuple[float, int]:
    """Return the CPU seconds of a turn in a folder of its own, and the rows written."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        rows = work(file, Path(folder))
        return time.process_time() - began, rows


def main() -> None:
    """Measure in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    file = parser.parse_args().directory
    turns = [(cpu(ours, file), cpu(alone, file)) for _ in range(TURNS)]
    (our, rows), (their, _) = (min(one) for one in zip(*turns, strict=True))
    print("| DILA 2020 | rows | CPU s | ratio |\n| --- | ---: | ---: | ---: |")
    print(f"| read, judged and stored | {rows:,} | {our:.2f} | {our / their:.2f} |")
    print(f"| pyarrow and GeoPackage alone | {rows:,} | {their:.2f} | 1 |")


if __name__ == "__main__":
    main()
