"""The region on its roads: town halls and post offices as candidates, communes and 1 km cells as
demand, 80 kiosks.

    python benchmarks/siting/region_roads.py ../shared/data [minutes of reach] [time limit in
    seconds]

Candidates are read by the project's own readers (DILA 2020, La Poste 2020); roads are all the A, N
and D roads of Midi-Pyrénées and of four neighbours. Reach is every pair within the minutes (15 when
not given).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from measure import Measured, machine, measured, peak_mb

from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.readers.registry import FORMATS
from geoguichet.referentials.roads.sources import make_network

KIOSKS = 80
TYPES = ("town_hall", "post_office", "post_agency", "post_relay")


def main(shared: Path, reach_s: float, limit_s: float) -> None:
    print(machine(), end="\n\n")
    print("| step | s CPU | s clock |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "region.roads"
        step("network file from the sources", lambda: network(shared, path))
        hosts = step("directories read", lambda: candidates(shared))
        points, people, communes = step("communes and cells read", lambda: demand(shared))
        router = RoadRouter(Network.open(path), access_kmh=20.0, max_access_m=3_000.0)
        before_mb = peak_mb()
        reach = measured(lambda: router.costs(points, hosts, limit=reach_s).within(reach_s))
        size = f"{len(points):,} x {len(hosts):,}, {reach.answer.nnz:,} pairs"
        print(f"| **reach: {size}** | {told(reach)} |", flush=True)
        plan = measured(
            lambda: maximal_covering(reach.answer, people, KIOSKS, gap=0.01, time_limit_s=limit_s)
        )
    print(f"| **solve: {KIOSKS} kiosks** | {told(plan)} |")
    print(
        f"| **reach + solve** | {reach.cpu_s + plan.cpu_s:.1f} | "
        f"{reach.clock_s + plan.clock_s:.1f} |\n"
    )
    best = plan.answer
    print(
        f"{communes:,} communes and {len(points) - communes:,} cells, {people.sum():,.0f} people; "
        f"{best.method}"
    )
    print(
        f"value {best.value:,.0f}, bound {best.bound:,.0f}, gap {100 * best.gap:.3f} %, "
        f"{best.status}"
    )
    print(f"peak memory {peak_mb():.0f} MB ({before_mb:.0f} MB before reach)")


def step[T](name: str, work: Callable[[], T]) -> T:
    done = measured(work)
    print(f"| {name} | {told(done)} |", flush=True)
    return done.answer


def told(done: Measured[Any]) -> str:
    return f"{done.cpu_s:.1f} | {done.clock_s:.1f}"


def network(shared: Path, path: Path) -> None:
    travel = shared / "network" / "travelmapping"
    mapping = {"geometry": "geom_wkt", "class": "classe", "name": "routes", "length_m": "length_m"}
    files = [travel / f"{part}-edges.csv.gz" for part in ("midi-pyrenees", "voisins-11-47-48-15")]
    make_network(files, path, mapping=mapping)


def candidates(shared: Path) -> gpd.GeoSeries:
    """Return every located town hall, post office, post agency and post relay whose commune is of
    the region.
    """
    services = shared / "services"
    readings = (
        *FORMATS["dila-2020"].read(services / "service-public-annuaire-local-2020-11.csv.bz2"),
        *FORMATS["laposte-2020"].read(services / "laposte_poincont2-2020.csv.gz"),
    )
    rows = pd.concat([reading.rows for reading in readings])
    region = set(gpd.read_file(sample_path(), layer="communes", ignore_geometry=True)["code"])
    kept = rows["type"].isin(TYPES) & rows["commune"].isin(region) & rows.geometry.notna()
    return gpd.GeoSeries(rows.loc[kept, "geometry"].to_numpy(), crs="EPSG:4326")


def demand(shared: Path) -> tuple[gpd.GeoSeries, np.ndarray, int]:
    """Return communes at their town hall then the middles of cells (Filosofi 2015), and their
    people.
    """
    with rasterio.open(shared / "population" / "filosofi2015-1km-lot50km.tif") as raster:
        values = raster.read(1)
        rows, columns = np.nonzero(np.isfinite(values))
        x, y = rasterio.transform.xy(raster.transform, rows, columns)
    middles = gpd.GeoSeries(shapely.points(np.asarray(x), np.asarray(y)), crs="EPSG:3035").to_crs(
        "EPSG:4326"
    )
    halls = gpd.read_file(sample_path(), layer="services")
    halls = halls[
        (halls["type"] == "town_hall") & halls["inside"].astype(bool) & halls.geometry.notna()
    ]
    counted = gpd.read_file(sample_path(), layer="communes", ignore_geometry=True).set_index(
        "code"
    )["population"]
    people = np.concatenate(
        [halls["commune"].map(counted).fillna(0).to_numpy(float), values[rows, columns]]
    )
    points = gpd.GeoSeries([*halls.geometry, *middles], crs="EPSG:4326")
    return points, np.round(people), len(halls)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        60.0 * float(sys.argv[2] if len(sys.argv) > 2 else 15),
        float(sys.argv[3] if len(sys.argv) > 3 else 60),
    )
