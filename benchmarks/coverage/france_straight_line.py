"""France in straight line: 2.3 million demand points against 50,000 services, geodesic; ours and
planar k-d trees.

python benchmarks/coverage/france_straight_line.py
"""

from __future__ import annotations

import resource
import time

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod, Transformer
from scipy.spatial import cKDTree

from geoguichet.coverage.routers.impedance import StraightLine

DEMAND, SERVICES = 2_300_000, 50_000


def main() -> None:
    """Measure each engine in CPU seconds and print a markdown table."""
    rng = np.random.default_rng(3)
    demand, services = scattered(DEMAND, rng), scattered(SERVICES, rng)
    origins = gpd.GeoSeries(shapely.points(demand), crs="EPSG:4326")
    destinations = gpd.GeoSeries(shapely.points(services), crs="EPSG:4326")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    clock, wall = time.process_time(), time.perf_counter()
    found = StraightLine().nearest(origins, destinations)
    rows = {
        "ours (geodesic winner, exact)": (time.process_time() - clock, time.perf_counter() - wall)
    }
    extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True)
    clock, wall = time.process_time(), time.perf_counter()
    tree = cKDTree(np.column_stack(to_metres.transform(*services.T)))
    _, planar = tree.query(np.column_stack(to_metres.transform(*demand.T)))
    rows["scipy k-d tree, planar (not geodesic)"] = (
        time.process_time() - clock,
        time.perf_counter() - wall,
    )
    clock, wall = time.process_time(), time.perf_counter()
    _, five = tree.query(np.column_stack(to_metres.transform(*demand.T)), k=5)
    ends = np.repeat(demand, 5, axis=0), services[five.ravel()]
    metres = np.asarray(Geod(ellps="WGS84").inv(*ends[0].T, *ends[1].T)[2]).reshape(-1, 5)
    rows["scipy k-d tree, 5 neighbours, geodesic on all"] = (
        time.process_time() - clock,
        time.perf_counter() - wall,
    )
    print("| engine | CPU s | wall s |\n| --- | ---: | ---: |")
    for name, (cpu, elapsed) in rows.items():
        print(f"| {name} | {cpu:.2f} | {elapsed:.2f} |")
    print(f"\nours: {extra:.0f} MB more than its input; total {np.nansum(found.cost) / 1e3:.3f} km")
    differ = int((planar != found.destination).sum())
    print(
        f"5 neighbours: total {metres.min(axis=1).sum() / 1e3:.3f} km; planar winner differs on "
        f"{differ} points"
    )


def scattered(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return longitudes and latitudes, two thirds of them gathered in towns."""
    towns = np.column_stack([rng.uniform(-1.5, 7.0, 2000), rng.uniform(43.0, 50.5, 2000)])
    near = towns[rng.integers(0, 2000, count * 2 // 3)] + rng.normal(0, 0.05, (count * 2 // 3, 2))
    far = np.column_stack(
        [rng.uniform(-1.5, 7.0, count - len(near)), rng.uniform(43.0, 50.5, count - len(near))]
    )
    return np.concatenate([near, far])


if __name__ == "__main__":
    main()
