"""Seconds of Valhalla and OSRM (stock profiles) between pairs of points, for ``minutes.py``.

python minutes_peers.py EXTRACT.osm.pbf PAIRS.npy FOLDER, by a Python that has pyvalhalla and osrm-bindings.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np


def valhalla_seconds(extract: Path, pairs: np.ndarray, folder: Path) -> list[float]:
    """Build tiles, then ask for each way."""
    import valhalla

    tiles = folder / "tiles"
    tiles.mkdir(exist_ok=True)
    config = valhalla.get_config(tile_extract="", tile_dir=str(tiles))
    config["mjolnir"]["logging"] = {"type": ""}
    for part in ("loki", "thor", "odin", "meili"):
        config.get(part, {}).get("logging", {}).update(type="")
    (folder / "valhalla.json").write_text(json.dumps(config), encoding="utf-8")
    program = Path(valhalla.__file__).parent / "bin" / "valhalla_build_tiles"
    command = [program, "-c", folder / "valhalla.json", extract]
    subprocess.run(command, check=True, capture_output=True)
    actor, seconds = valhalla.Actor(config), []
    for a, b in pairs:
        places = [{"lon": float(x), "lat": float(y)} for x, y in (a, b)]
        try:
            answer = actor.route({"locations": places, "costing": "auto"})
            seconds.append(float(answer["trip"]["summary"]["time"]))
        except RuntimeError:
            seconds.append(float("nan"))
    return seconds


def osrm_seconds(extract: Path, pairs: np.ndarray, folder: Path) -> list[float]:
    """Prepare the graph of the stock car, then ask for each way."""
    import osrm

    home, copy = Path(osrm.__file__).parent, folder / "graph.osm.pbf"
    shutil.copy(extract, copy)
    (profile,) = list(home.rglob("car.lua"))[:1]
    graph = folder / "graph.osrm"
    for command in (
        ["osrm-extract", "-p", profile, copy],
        ["osrm-partition", graph],
        ["osrm-customize", graph],
    ):
        subprocess.run([home / "bin" / command[0], *command[1:]], check=True, capture_output=True)
    engine = osrm.OSRM(algorithm="MLD", storage_config=str(graph), use_shared_memory=False)
    seconds = []
    for a, b in pairs:
        try:
            asked = osrm.RouteParameters(coordinates=[tuple(map(float, x)) for x in (a, b)])
            seconds.append(float(engine.Route(asked)["routes"][0]["duration"]))
        except RuntimeError:
            seconds.append(float("nan"))
    return seconds


if __name__ == "__main__":
    source, given, where = Path(sys.argv[1]), np.load(sys.argv[2]), Path(sys.argv[3])
    told = {"valhalla": valhalla_seconds, "osrm": osrm_seconds}
    answers = {name: ask(source, given, where) for name, ask in told.items()}
    (where / "seconds.json").write_text(json.dumps(answers), encoding="utf-8")
