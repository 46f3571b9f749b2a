"""A twin that shares no code with the import nor the search, on extracts drawn at random."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from geoguichet.referentials.roads.network_file import read_network
from geoguichet.referentials.roads.sources import make_network

SIDE = 7


@pytest.fixture(scope="module")
def twin() -> ModuleType:
    """``benchmarks/coverage/twin.py``, which compares 48,000 pairs of Andorra."""
    path = Path(__file__).parents[3] / "benchmarks" / "coverage" / "twin.py"
    spec = importlib.util.spec_from_file_location("twin", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["twin"] = module
    spec.loader.exec_module(module)
    return module


def town(path: Path, seed: int) -> Path:
    """Write a town of streets at right angles: one-ways, private ways, tracks, bollards, gates, lights,
    a ferry, turn restrictions.
    """
    rng = np.random.default_rng(seed)

    def drawn(choices: dict[str, float]) -> str:
        return str(
            rng.choice(list(choices), p=np.array(list(choices.values())) / sum(choices.values()))
        )

    def tagged(tags: dict[str, str]) -> str:
        return "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items() if v)

    parts = []
    for n in range(SIDE * SIDE):
        lon = 1.0 + (n % SIDE) * 0.003 + rng.uniform(0, 0.001)
        lat = 44.0 + (n // SIDE) * 0.002 + rng.uniform(0, 0.0007)
        light = {"highway": drawn({"": 9, "traffic_signals": 1})}
        barrier = {"barrier": drawn({"": 30, "bollard": 1, "gate": 2, "lift_gate": 1})}
        may = (
            {"access": drawn({"": 2, "private": 1, "no": 1, "destination": 1})}
            if barrier["barrier"]
            else {}
        )
        parts.append(
            f'<node id="{n + 1}" lon="{lon:.7f}" lat="{lat:.7f}">{tagged(light | barrier | may)}</node>'
        )
    ways: dict[int, list[int]] = {}
    for n in range(SIDE * SIDE):
        for other in (n + 1, n + SIDE):
            if other < SIDE * SIDE and (other != n + 1 or other % SIDE) and rng.random() < 0.92:
                ways[len(ways) + 1] = [n + 1, other + 1]
    ways[len(ways) + 1] = [1, SIDE * SIDE]
    for number, refs in ways.items():
        tags = {
            "highway": drawn(
                {"tertiary": 3, "residential": 4, "service": 2, "track": 1, "primary": 1}
            ),
            "oneway": drawn({"": 6, "yes": 1, "-1": 1}),
            "access": drawn({"": 12, "private": 2, "destination": 1, "yes": 1}),
            "maxspeed": drawn({"": 2, "30": 1, "FR:rural": 1}),
            "junction": drawn({"": 20, "roundabout": 1}),
        }
        if number == len(ways):
            tags = {"route": "ferry", "duration": "00:07"}
        inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        parts.append(f'<way id="{number}">{inside}{tagged(tags)}</way>')
    for number in range(1, 15):
        via = int(rng.integers(1, SIDE * SIDE + 1))
        meet = [way for way, refs in ways.items() if via in refs]
        if len(meet) < 2:
            continue
        come, go = (int(way) for way in rng.choice(meet, 2))
        kind = drawn({"no_left_turn": 3, "only_straight_on": 2, "no_u_turn": 1})
        members = "".join(
            f'<member type="{t}" ref="{ref}" role="{role}"/>'
            for role, t, ref in (("from", "way", come), ("via", "node", via), ("to", "way", go))
        )
        parts.append(f'<relation id="{number}">{members}{tagged({"restriction": kind})}</relation>')
    path.write_text(f'<osm version="0.6">{"".join(parts)}</osm>', encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", range(6))
def test_every_second_is_that_of_the_twin(twin: ModuleType, tmp_path: Path, seed: int) -> None:
    extract = town(tmp_path / "town.osm", seed)
    same, of, apart, ways = twin.compare(extract, tmp_path / "n.roads", pairs=900, seed=seed)
    assert (same, apart) == (of, 0.0) and 200 < ways <= of


def test_the_order_of_the_ways_in_a_file_changes_nothing(tmp_path: Path) -> None:
    """Which two roads of a junction are a street, when several might be, is by their numbers."""
    extract = town(tmp_path / "town.osm", 3)
    make_network([extract], tmp_path / "n.roads", max_unknown=1.0)
    before = read_network(tmp_path / "n.roads")[0]
    head, *ways = extract.read_text(encoding="utf-8").split("<way ")
    last, tail = ways[-1].split("</way>")
    ways = [*ways[:-1], last + "</way>"]
    shuffled = "".join("<way " + way for way in reversed(ways))
    extract.write_text(head + shuffled + tail, encoding="utf-8")
    make_network([extract], tmp_path / "o.roads", max_unknown=1.0)
    after = read_network(tmp_path / "o.roads")[0]
    assert {name for name in after if not np.array_equal(after[name], before[name])} == set()
