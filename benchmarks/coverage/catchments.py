"""Access shared among people by floating catchments, against PySAL's access: each engine in a process
of its own, on the same points, in the same run.

python benchmarks/coverage/catchments.py PEERS_PYTHON     (access, geopandas and pyarrow)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

ROUNDS = 3
ENGINES = ("geoguichet", "access", "access on our distances")
#: Luo & Qi's (2009) thirds of a threshold and their weights, by its name.
KINDS = {"2SFCA": ((1.0, 1.0),), "E2SFCA": ((1 / 3, 1.0), (2 / 3, 0.68), (1.0, 0.22))}


def frames(folder: Path) -> None:
    """Write the people of the communes and the weekly hours of the town halls, in EPSG:2154."""
    import geopandas as gpd

    sample = Path(str(files("geoguichet.data") / "midi-pyrenees.gpkg"))
    communes = gpd.read_file(sample, layer="communes").dropna(subset=["geometry"]).to_crs(2154)
    services = gpd.read_file(sample, layer="services").dropna(subset=["geometry"]).to_crs(2154)
    people = communes.set_geometry(communes.representative_point())[["population", "geometry"]]
    halls = services[(services["type"] == "town_hall") & (services["hours_per_week"] > 0)]
    people.reset_index(drop=True).to_parquet(folder / "people.parquet")
    halls[["hours_per_week", "geometry"]].reset_index(drop=True).to_parquet(
        folder / "halls.parquet"
    )


def ours(people, halls, bands, pairs):  # noqa: ANN001, ANN201
    import numpy as np

    from geoguichet.coverage.access.rules import two_step
    from geoguichet.coverage.routers.impedance import StraightLine

    points = people.geometry.to_crs(4326), halls.geometry.to_crs(4326)
    matrix = StraightLine().costs(*points, limit=bands[-1][0])
    np.save(pairs, np.array([matrix.origin, matrix.destination, matrix.cost]))
    weights, supply = people["population"].to_numpy(float), halls["hours_per_week"].to_numpy(float)
    return two_step(matrix, weights, supply, bands=bands)


def theirs(people, halls, bands, pairs):  # noqa: ANN001, ANN201
    import numpy as np
    import pandas as pd
    from access import Access, weights

    given: dict[str, object] = {}
    if pairs is not None:  # the very distances that ours found
        costs = pd.DataFrame(np.load(pairs).T, columns=["from", "to", "m"])
        given = {"cost_df": costs.astype({"from": int, "to": int}), "cost_name": "m"}
        given |= {"cost_origin": "from", "cost_dest": "to"}
    asked = Access(
        demand_df=people.reset_index(names="commune"),
        demand_index="commune",
        demand_value="population",
        supply_df=halls.reset_index(names="hall"),
        supply_index="hall",
        supply_value=["hours_per_week"],
        **given,
    )
    if pairs is None:
        asked.create_euclidean_distance(threshold=bands[-1][0])
    if len(bands) == 1:
        found = asked.two_stage_fca(name="a", max_cost=bands[-1][0])
    else:
        step = weights.step_fn(dict(bands))
        found = asked.enhanced_two_stage_fca(name="a", weight_fn=step, max_cost=bands[-1][0])
    return found["a_hours_per_week"].reindex(people.index).fillna(0.0).to_numpy()


def one(engine: str, folder: Path, kind: str, within_m: float) -> None:
    """Answer once and print what it gave and took."""
    import geopandas as gpd
    import numpy as np

    people, halls = (gpd.read_parquet(folder / f"{name}.parquet") for name in ("people", "halls"))
    bands = tuple((within_m * share, weight) for share, weight in KINDS[kind])
    started = time.process_time()
    ask = ours if engine == "geoguichet" else theirs
    found = ask(people, halls, bands, None if engine == "access" else folder / "pairs.npy")
    cpu = time.process_time() - started
    np.save(folder / f"{engine}.npy", found)
    shared = float((found * people["population"]).sum())
    print(json.dumps({"shared": shared, "nothing": int((found == 0).sum()), "cpu": cpu}))


def main(peers: str) -> None:
    """Print a table: each engine's best of three rounds, interleaved, and how far each is from ours
    in the commune where they differ most, as a share of it.
    """
    import numpy as np

    with tempfile.TemporaryDirectory() as made:
        frames(Path(made))
        print(
            "| within | measure | engine | hours shared | communes with none "
            "| apart at most | CPU s | ratio |"
        )
        print("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
        for within_m in (8_000, 20_000):
            for kind in KINDS:
                found: dict[str, list[dict[str, float]]] = {}
                for _ in range(ROUNDS):
                    for engine in ENGINES:
                        python = sys.executable if engine == "geoguichet" else peers
                        words = [python, __file__, engine, made, kind, str(within_m)]
                        done = subprocess.run(words, capture_output=True, text=True, check=True)
                        found.setdefault(engine, []).append(
                            json.loads(done.stdout.splitlines()[-1])
                        )
                best = {name: min(rows, key=lambda row: row["cpu"]) for name, rows in found.items()}
                answers = {name: np.load(Path(made) / f"{name}.npy") for name in ENGINES}
                here = answers["geoguichet"]
                for engine, row in best.items():
                    apart = np.max(np.abs(answers[engine] - here) / np.maximum(here, 1e-12))
                    ratio = row["cpu"] / best["geoguichet"]["cpu"]
                    print(
                        f"| {within_m / 1000:.0f} km | {kind} | {engine} | {row['shared']:,.0f} | "
                        f"{row['nothing']:,} | {apart:.1g} | {row['cpu']:.2f} | {ratio:.1f} |"
                    )


if __name__ == "__main__":
    if len(sys.argv) == 5:
        one(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    else:
        main(sys.argv[1])
