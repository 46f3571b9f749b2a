"""The shipped study and a small one of the Ariège, each run once for all the tests that look at its
answer; and the ground that tests of roads, squares and relief stand on.

That ground is made by rule, in the forms of the published data: roads as edges with a WKT column, a
city's arcs, an OpenStreetMap extract, people by square, an elevation tile. Nothing of it is
measured; each file has the traits its tests look for (islands, one-ways, a pass over the mountains,
a sea of missing cells).
"""

import itertools
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyogrio
import pyproj
import pytest
import rasterio
from scipy import sparse, spatial
from scipy.sparse.csgraph import dijkstra

from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import Study, read_study
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.roads.sources import make_network


@pytest.fixture(scope="session")
def study() -> Study:
    return read_study(Path(str(files("geoguichet.data") / "studies" / "visioguichets.toml")))


@pytest.fixture(scope="session")
def result(study: Study) -> CoverageResult:
    return run(study)


@pytest.fixture(scope="session")
def best(study: Study) -> CoverageResult:
    """The shipped study when nothing is given up for its hosts: the most that its kiosks can do."""
    assert study.kiosks is not None
    return run(replace(study, kiosks=replace(study.kiosks, host_quality_within=0.0)))


@pytest.fixture(scope="session")
def small(small_path: Path) -> CoverageResult:
    return run(read_study(small_path))


@pytest.fixture(scope="session")
def ground(
    made_or_real: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of published data, or one made by rule that has the same names and columns."""
    if made_or_real == "real":
        return request.getfixturevalue("shared_data")
    return make_ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture(scope="session")
def region_roads(ground: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All A, N and D roads of Midi-Pyrénées and its neighbours, as a network file."""
    out = tmp_path_factory.mktemp("roads") / "regional.roads"
    mapping = {"geometry": "geom_wkt", "class": "classe", "name": "routes", "length_m": "length_m"}
    folder = ground / "network" / "travelmapping"
    parts = ("midi-pyrenees", "voisins-11-47-48-15")
    make_network([folder / f"{part}-edges.csv.gz" for part in parts], out, mapping=mapping)
    return out


KINDS = ("departementale", "departementale", "departementale", "nationale")
PASS = [(0.0642, 42.8966), (0.1, 42.9), (0.145, 42.908), (0.1795, 42.911), (0.23, 42.94)]
"""The Tourmalet, from Barèges to La Mongie and down to Campan: the only road over its ridge."""


def make_ground(folder: Path) -> Path:
    """Write all of it under a folder, with the names and columns of the published files."""
    for part in ("network/travelmapping", "network/insa", "network/osm", "population",
                 "elevation", "benchmarks/network_osm_sample"):  # fmt: skip
        (folder / part).mkdir(parents=True)
    _roads(folder / "network" / "travelmapping")
    _city(folder / "network" / "insa")
    _valley(folder / "network" / "osm" / "andorra-2025-01-19.osm.pbf")
    _people(folder / "population" / "filosofi2015-1km-lot50km.tif")
    _relief(folder / "elevation" / "N42E001.hgt.zip")
    _sample(folder / "benchmarks" / "network_osm_sample")
    return folder


def _towns() -> np.ndarray:
    """Where the town halls of the region and its ring are: the crossroads of the made roads."""
    services = pyogrio.read_dataframe(sample_path(), layer="services", columns=["type"])
    halls = services[services["type"].eq("town_hall") & ~services.geometry.isna()].geometry
    return np.unique(np.column_stack([halls.x, halls.y]).round(6), axis=0)


def _roads(folder: Path) -> None:
    """Write roads between neighbouring town halls, a fifth longer than straight, and an island.

    The ridge of the high Pyrenees is crossed by one pass only; the part beyond longitude 2 is the
    file of the neighbours.
    """
    towns = _towns()
    triangles = spatial.Delaunay(towns).simplices
    pairs = np.unique(np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]],
                                         triangles[:, [0, 2]]]), axis=1), axis=0)  # fmt: skip
    a, b = towns[pairs[:, 0]], towns[pairs[:, 1]]
    metres = pyproj.Geod(ellps="GRS80").inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2]
    ridge = ((a[:, 0] < 0.13) != (b[:, 0] < 0.13)) & (np.minimum(a[:, 1], b[:, 1]) < 43.05)
    kept = (metres < 15_000) & ~ridge
    rows = [
        (
            f"{x0:.6f} {y0:.6f}, {x1:.6f} {y1:.6f}",
            length * 1.2,
            KINDS[n % 4],
            f"D{n % 900}-{n % 90}",
        )
        for n, (x0, y0, x1, y1, length) in enumerate(np.column_stack([a, b, metres])[kept].tolist())
    ]
    nearest = towns[[np.argmin(np.hypot(*(towns - end).T)) for end in (PASS[0], PASS[-1])]]
    way = [tuple(nearest[0].tolist()), *PASS, tuple(nearest[1].tolist())]
    for (x0, y0), (x1, y1) in itertools.pairwise(way):
        length = pyproj.Geod(ellps="GRS80").inv(x0, y0, x1, y1)[2]
        if length > 1:
            rows.append(
                (f"{x0:.6f} {y0:.6f}, {x1:.6f} {y1:.6f}", length * 1.2, KINDS[0], "D918-65")
            )
    rows.append(
        ("1.900000 42.400000, 1.910000 42.410000", 1500.0, "metropolitaine", "M1")
    )  # island
    rows.append(("1.400000 43.610000, 1.480000 43.560000", 8600.0, "autoroute", "A61"))
    table = pd.DataFrame(rows, columns=["line", "length_m", "classe", "routes"])
    table["geom_wkt"] = "LINESTRING(" + table.pop("line") + ")"
    table["length_m"] = table["length_m"].round(1)
    east = table["geom_wkt"].str.extract(r"\((-?[\d.]+)")[0].astype(float) > 2.0
    for part, here in (("midi-pyrenees", ~east), ("voisins-11-47-48-15", east)):
        chosen = table[here].assign(**{"from": range(here.sum()), "to": range(here.sum())})
        chosen.to_csv(folder / f"{part}-edges.csv.gz", sep=";", index=False)


def _city(folder: Path) -> None:
    """Write a chequered city of 30 streets by 30, a third of them one-way, and a closed estate."""
    side, step = 30, 0.0012
    place = {(i, j): i * side + j for i in range(side) for j in range(side)}
    nodes = [(n, 1.40 + i * step, 43.58 + j * step) for (i, j), n in place.items()]
    arcs = []
    for (i, j), n in place.items():
        for to, oneway in (((i + 1, j), j % 3 == 0), ((i, j + 1), i % 3 == 1)):
            if to in place:
                ends = (n, place[to]) if (i + j) % 2 else (place[to], n)
                arcs.append((*ends, 96.0 + (n * 7) % 40, int(oneway), 30 if n % 5 else 50))
    nodes += [(9001, 1.50, 43.70), (9002, 1.501, 43.70)]
    arcs.append((9001, 9002, 81.0, 0, 30))
    pd.DataFrame(nodes, columns=["node", "lon", "lat"]).to_csv(
        folder / "toulouse-nodes.csv.gz", sep=";", index=False
    )
    frame = pd.DataFrame(arcs, columns=["from", "to", "length_m", "oneway", "vmax_kmh"])
    frame.assign(name="rue").to_csv(folder / "toulouse-arcs.csv.gz", sep=";", index=False)


def _valley(path: Path) -> None:
    """Write an OpenStreetMap extract of a valley: main roads, one-way streets, an island."""
    side, step = 24, 0.01
    with osmium.SimpleWriter(str(path)) as out:
        for n in range(side * side):
            location = (1.4 + (n // side) * step, 42.4 + (n % side) * step)
            out.add_node(osmium.osm.mutable.Node(id=n + 1, location=location, version=1))
        for n, location in ((9001, (1.75, 42.70)), (9002, (1.76, 42.70))):
            out.add_node(osmium.osm.mutable.Node(id=n, location=location, version=1))
        lines = [[i * side + j + 1 for j in range(side)] for i in range(side)]
        lines += [[i * side + j + 1 for i in range(side)] for j in range(side)]
        kinds = ("primary", "secondary", "residential", "tertiary", "trunk")
        for number, refs in enumerate([*lines, [9001, 9002]]):
            tags = {"highway": kinds[number % 5]}
            if number % 5 == 2:
                tags["oneway"] = "yes" if number % 2 else "-1"
            if number % 5 == 4:
                tags["maxspeed"] = "70"
            out.add_way(osmium.osm.mutable.Way(id=number + 1, nodes=refs, tags=tags, version=1))


def _people(path: Path) -> None:
    """Write the people of the Lot's communes by squares of one kilometre: three squares each."""
    communes = pyogrio.read_dataframe(sample_path(), layer="communes")
    around = communes[communes["departement"].isin(["46", "82", "12"])]
    around = around.dropna(subset=["population", "geometry"])
    middles = gpd.GeoSeries(around.geometry.representative_point(), crs=4326).to_crs(3035)
    west, north, width, height = 3_554_000, 2_526_000, 199, 193
    grid = np.full((height, width), np.nan, dtype=np.float32)
    shifts = ((0, 0, 0.6), (1_500, -900, 0.25), (-1_200, 1_700, 0.15))
    for x, y, people in zip(middles.x, middles.y, around["population"], strict=True):
        for east, up, share in shifts:
            row, column = int((north - y - up) // 1000), int((x + east - west) // 1000)
            if 0 <= row < height and 0 <= column < width:
                grid[row, column] = np.nan_to_num(grid[row, column]) + people * share
    transform = rasterio.Affine(1000, 0, west, 0, -1000, north)
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1,
                       dtype="float32", nodata=np.nan, crs="EPSG:3035",
                       transform=transform) as raster:  # fmt: skip
        raster.write(grid, 1)


def _relief(path: Path) -> None:
    """Write a tile of SRTM 3'': one summit above a valley, and a corner that no cell covers."""
    up, east = np.mgrid[1201:0:-1, 0:1201] / 1200
    summit = 2000 * np.exp(-((east - 0.57) ** 2 + (up - 0.69) ** 2) / 0.004)
    z = (900 + summit + 60 * np.sin(east * 90) * np.cos(up * 70)).astype(">i2")
    z[:300, :300] = -32768
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("N42E001.hgt", z.tobytes())


def _sample(folder: Path) -> None:
    """Write a graph of whole lengths with islands, and the exact way to the nearest of three."""
    rng = np.random.default_rng(20)
    count, lone = 400, 30
    ends = np.column_stack([np.arange(1, count), rng.integers(0, np.arange(1, count))])
    ends = np.vstack([ends, rng.integers(0, count, (300, 2))])
    ends = np.vstack([ends[ends[:, 0] != ends[:, 1]],
                      count + np.column_stack([np.arange(lone - 1), np.arange(1, lone)])])  # fmt: skip
    ends = np.unique(np.sort(ends, axis=1), axis=0)
    weight = rng.integers(1, 400, len(ends)).astype(float)
    ids = 53_000_000 + 17 * np.arange(count + lone)
    graph = sparse.coo_array((weight, (ends[:, 0], ends[:, 1])), shape=(len(ids), len(ids))).tocsr()
    sources = np.array([3, 77, 250])
    best = dijkstra(graph, directed=False, indices=sources).min(axis=0)
    place = {"x": rng.uniform(-1, 1, len(ids)), "y": rng.uniform(43, 44, len(ids))}
    pd.DataFrame({"id": ids, **place}).to_csv(folder / "nodes.csv", index=False)
    pd.DataFrame({"from": ids[ends[:, 0]], "to": ids[ends[:, 1]], "weight": weight}).to_csv(
        folder / "edges.csv", index=False
    )
    pd.DataFrame({"source_id": ids[sources]}).to_csv(folder / "sources.csv", index=False)
    pd.DataFrame({"id": ids, "dist": best}).to_csv(folder / "expected_nearest.csv", index=False)
