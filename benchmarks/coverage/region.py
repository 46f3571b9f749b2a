"""Midi-Pyrénées on all its A, N and D roads and its neighbours': 12 types, communes and 1 km cells,
in one process.

    python benchmarks/coverage/region.py ../shared/data

Reading, network file, snapping, travel, a rule (8 of 12 within 25 minutes), the exact zones of
unserved cells, and the smooth ones with the surface on a grid of 500 m.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely

from geoguichet.coverage.access.rules import is_served, slack_under
from geoguichet.coverage.routers.impedance import Floats
from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.coverage.study.study import Rule, ZoneChoice
from geoguichet.coverage.zones.drawing import find_smooth_zones, partition
from geoguichet.coverage.zones.surface import Surface, slack_surface
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.roads.sources import make_network
from geoguichet.referentials.territories.sample import DEPARTEMENTS, NAME
from geoguichet.referentials.territories.territory import read_territory

TYPES = (
    "mairie", "gendarmerie", "tresorerie", "msap", "clic", "pmi", "caf", "mission_locale", "cpam",
    "pole_emploi",
    "sip", "sous_pref",
)  # fmt: skip
WITHIN_S = 25 * 60.0


def main(shared: Path) -> None:
    """Run the chain once and print a markdown table of its steps."""
    steps: list[tuple[str, float, float]] = []
    clock = [time.process_time(), time.perf_counter()]

    def step(name: str) -> None:
        steps.append((name, time.process_time() - clock[0], time.perf_counter() - clock[1]))
        clock[:] = [time.process_time(), time.perf_counter()]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "region.roads"
        travel = shared / "network" / "travelmapping"
        mapping = {
            "geometry": "geom_wkt",
            "class": "classe",
            "name": "routes",
            "length_m": "length_m",
        }
        files = [
            travel / f"{part}-edges.csv.gz" for part in ("midi-pyrenees", "voisins-11-47-48-15")
        ]
        make_network(files, path, mapping=mapping)
        step("network file from the sources")
        services, demand, cells = directory(shared), *people(shared)
        step("services, communes and cells read")
        router = RoadRouter(Network.open(path), access_kmh=20.0, max_access_m=3_000.0)
        router.snap(demand)
        step(f"{len(demand)} demand points snapped")
        costs = {
            kind: router.nearest(demand, services[services["category"] == kind].geometry).cost
            for kind in TYPES
        }
        step(f"travel to 12 types ({len(services)} services)")
        served = is_served(rule(costs))
        step("rule")
        zones = exact(cells, served[-len(cells) :])
        step(f"exact zones: {len(zones)} of {int((~served[-len(cells) :]).sum())} unserved cells")
        surface, drawn = smooth(services, router, demand)
        step(
            f"smooth zones: {len(drawn)}, {surface.asked} points asked on {surface.slack.size} "
            "cells of 500 m"
        )
    print("| step | CPU s | wall s |\n| --- | ---: | ---: |")
    for name, cpu, wall in [*steps, ("all", sum(s[1] for s in steps), sum(s[2] for s in steps))]:
        print(f"| {name} | {cpu:.2f} | {wall:.2f} |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    valid = shapely.is_valid([*zones, *drawn]).all()
    print(f"{int((~served).sum())} of {len(served)} points unserved, zones valid: {valid}")


def rule(costs: dict[str, Floats]) -> Floats:
    """Return the slack under « 8 of 12 within 25 minutes »."""
    return slack_under(
        Rule("at_least", 8, TYPES), {kind: WITHIN_S - cost for kind, cost in costs.items()}
    )


def exact(cells: np.ndarray, served: np.ndarray) -> np.ndarray:
    """Return the zones of the unserved cells: a partition first, then the union of those that share
    a border.
    """
    ground = partition(gpd.GeoSeries(cells, crs="EPSG:3035")).to_numpy()
    return shapely.get_parts(shapely.coverage_union_all(ground[~served]))


def smooth(
    services: gpd.GeoDataFrame, router: RoadRouter, demand: gpd.GeoSeries
) -> tuple[Surface, np.ndarray]:
    """Return the slack of the rule over the region and the smooth zones."""
    region = read_territory(sample_path(), name=NAME, departements=DEPARTEMENTS)

    counters = {kind: services[services["category"] == kind].geometry for kind in TYPES}

    def slack(points: gpd.GeoSeries) -> Floats:
        return rule({kind: router.nearest(points, there).cost for kind, there in counters.items()})

    surface = slack_surface(region.boundary, slack, cell_m=500.0, router=router, probes=demand)
    columns = {"name": "", "departement": "", "people": 0, "slack_s": 0.0, "served": True}
    table = gpd.GeoDataFrame(
        columns, index=range(1), geometry=demand.iloc[:1].to_numpy(), crs="EPSG:4326"
    )
    zones, _, _ = find_smooth_zones(region, table, surface, choice=ZoneChoice("smooth"))
    return surface, zones.geometry.to_numpy()


def directory(shared: Path) -> gpd.GeoDataFrame:
    """Return the services of the 12 types within the region and 40 km around (DILA 2020)."""
    table = pd.read_csv(
        shared / "services" / "service-public-annuaire-local-2020-11.csv.bz2", low_memory=False
    )
    inside = table["longitude"].between(-0.8, 4.0) & table["latitude"].between(42.2, 45.4)
    table = table[inside & table["category"].isin(TYPES)].sort_values("id")
    points = gpd.points_from_xy(table["longitude"], table["latitude"], crs="EPSG:4326")
    return gpd.GeoDataFrame(table, geometry=points)


def people(shared: Path) -> tuple[gpd.GeoSeries, np.ndarray]:
    """Return the demand, communes then cells, and the squares of the cells (Filosofi 2015,
    EPSG:3035).
    """
    with rasterio.open(shared / "population" / "filosofi2015-1km-lot50km.tif") as raster:
        values = raster.read(1)
        rows, columns = np.nonzero(np.isfinite(values))
        x, y = rasterio.transform.xy(raster.transform, rows, columns)
    x, y = np.asarray(x), np.asarray(y)
    middles = gpd.GeoSeries(shapely.points(x, y), crs="EPSG:3035").to_crs("EPSG:4326")
    communes = gpd.read_file(sample_path(), layer="services")
    communes = communes[
        (communes["type"] == "town_hall") & communes["inside"].astype(bool)
    ].geometry
    both = gpd.GeoSeries([*communes, *middles], crs="EPSG:4326")
    return both, shapely.box(x - 500, y - 500, x + 500, y + 500)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
