"""White zones and kiosks from GeoDataFrames, against geopandas + spopt: each engine in a process of
its own, on the same frames, in the same run.

python benchmarks/coverage/own_data.py PEERS_PYTHON     (benchmarks/siting/requirements.txt, and pyarrow)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

WITHIN_M, REACH_M = 25_000.0, 10_000.0
ROUNDS = 3


def frames(folder: Path) -> None:
    """Write the people, the counters and the hosts once, as points in EPSG:2154."""
    import geopandas as gpd

    sample = Path(str(files("geoguichet.data") / "midi-pyrenees.gpkg"))
    communes = gpd.read_file(sample, layer="communes").dropna(subset=["geometry"]).to_crs(2154)
    services = gpd.read_file(sample, layer="services").dropna(subset=["geometry"]).to_crs(2154)
    people = communes.set_geometry(communes.representative_point())[["population", "geometry"]]
    kinds = services["type"]
    state = services[kinds.isin(["prefecture", "sous_prefecture"])][["geometry"]]
    halls = services[(kinds == "town_hall") & services["inside"]][["geometry"]]
    for name, frame in (("people", people), ("counters", state), ("hosts", halls)):
        frame.reset_index(drop=True).to_parquet(folder / f"{name}.parquet")


def ours(people, counters, hosts, count: int) -> tuple[float, float]:  # noqa: ANN001
    from geoguichet import site_kiosks, white_zones

    lacking = white_zones(people, counters, within="25 km", weight="population")
    plan = site_kiosks(lacking, hosts, reach="10 km", count=count)
    return float(lacking.table.loc["rule", "white"]), plan.plan.value


def theirs(people, counters, hosts, count: int) -> tuple[float, float]:  # noqa: ANN001
    import pulp
    from scipy.spatial.distance import cdist
    from spopt.locate import MCLP

    near = people.sjoin_nearest(counters, distance_col="m")
    white = near[~near.index.duplicated() & (near["m"] > WITHIN_M)]
    costs = cdist(white.get_coordinates(), hosts.get_coordinates())
    weights = white["population"].to_numpy()
    model = MCLP.from_cost_matrix(costs, weights, REACH_M, p_facilities=count)
    model.solve(pulp.HiGHS(msg=False))
    return float(weights.sum()), float(pulp.value(model.problem.objective))


def one(engine: str, folder: Path, count: int) -> None:
    """Answer once and print what it gave and took."""
    import geopandas as gpd

    data = [
        gpd.read_parquet(folder / f"{name}.parquet") for name in ("people", "counters", "hosts")
    ]
    ask = {"geoguichet": ours, "geopandas + spopt": theirs}[engine]
    started = time.process_time()
    white, gained = ask(*data, count)
    print(json.dumps({"white": white, "gained": gained, "cpu": time.process_time() - started}))


def main(peers: str) -> None:
    """Print a table: each engine's best of three rounds, interleaved."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        frames(folder)
        print("| kiosks | engine | people in white zones | gained | CPU s | ratio |")
        print("| ---: | --- | ---: | ---: | ---: | ---: |")
        for count in (20, 80):
            found: dict[str, list[dict[str, float]]] = {}
            for _ in range(ROUNDS):
                for engine, python in (
                    ("geoguichet", sys.executable),
                    ("geopandas + spopt", peers),
                ):
                    words = [python, __file__, engine, made, str(count)]
                    done = subprocess.run(words, capture_output=True, text=True, check=True)
                    found.setdefault(engine, []).append(json.loads(done.stdout.splitlines()[-1]))
            best = {engine: min(rows, key=lambda row: row["cpu"]) for engine, rows in found.items()}
            for engine, row in best.items():
                ratio = row["cpu"] / best["geoguichet"]["cpu"]
                print(
                    f"| {count} | {engine} | {row['white']:,.0f} | {row['gained']:,.0f} | "
                    f"{row['cpu']:.2f} | {ratio:.1f} |"
                )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        one(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(sys.argv[1])
