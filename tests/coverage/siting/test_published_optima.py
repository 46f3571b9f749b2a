"""Published problems with known optima: OR-Library (Beasley 1985, 1990), Swain (1971), San
Francisco (PySAL spopt).

The slower ones (pmed2, pmed6, pmed26) are in benchmarks/siting.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.siting.covering import maximal_covering, p_center, set_covering
from geoguichet.coverage.siting.median import p_median


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def all_pairs(distance: np.ndarray) -> CostMatrix:
    rows, columns = distance.shape
    return CostMatrix(
        np.repeat(np.arange(rows), columns),
        np.tile(np.arange(columns), rows),
        distance.ravel(),
        distance.shape,
    )


def pmed(folder: Path, name: str) -> tuple[CostMatrix, dict[str, str]]:
    known = next(row for row in table(folder / "optima.csv") if row["instance"] == name)
    nodes = int(known["nodes"])
    graph = np.zeros((nodes, nodes))
    for a, b, length in np.loadtxt(folder / f"{name}.txt", skiprows=1, dtype=int):
        graph[a - 1, b - 1] = graph[b - 1, a - 1] = length  # of repeated edges the last one holds
    return all_pairs(dijkstra(sparse.csr_array(graph), directed=False)), known


@pytest.mark.parametrize("name", ["pmed1", "pmed11"])
def test_pmed(shared_data: Path, name: str) -> None:
    costs, known = pmed(shared_data / "benchmarks" / "orlib_pmed", name)
    p = int(known["p"])
    center = p_center(costs, p)
    assert (center.status, center.value) == ("optimal", float(known["pcenter_opt"]))
    median = p_median(costs, np.ones(costs.shape[0]), p)
    assert (median.status, median.value) == ("optimal", float(known["pmedian_opt"]))


@pytest.mark.parametrize("name", ["scp41", "scp42", "scp51"])
def test_set_covers(shared_data: Path, name: str) -> None:
    folder = shared_data / "benchmarks" / "setcover"
    numbers = iter(
        [int(number) for number in (folder / f"{name}.txt").read_text(encoding="ascii").split()]
    )
    rows, columns = next(numbers), next(numbers)
    cost = [next(numbers) for _ in range(columns)]
    cover = np.zeros((rows, columns), dtype=bool)
    for row in range(rows):
        for _ in range(next(numbers)):
            cover[row, next(numbers) - 1] = True
    plan = set_covering(sparse.csr_array(cover), cost=cost)
    known = {row["instance"]: float(row["optimum"]) for row in table(folder / "optima.csv")}
    assert (plan.status, plan.value) == ("optimal", known[name])
    assert cover[:, list(plan.sites)].any(axis=1).all()


def swain(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    towns = np.loadtxt(folder / "swain.txt", skiprows=1)
    across, up = (towns[:, None, axis] - towns[None, :, axis] for axis in (1, 2))
    return np.hypot(across, up), towns[:, 3]


@pytest.mark.parametrize("p", range(1, 11))
def test_swain(shared_data: Path, p: int) -> None:
    folder = shared_data / "benchmarks" / "swain55"
    distance, weight = swain(folder)
    known = next(row for row in table(folder / "optima.csv") if int(row["p"]) == p)
    for radius in (10, 15, 20):
        plan = maximal_covering(sparse.csr_array(distance <= radius), weight, p)
        assert (plan.status, plan.value) == ("optimal", float(known[f"mclp_r{radius}"]))
    center = p_center(all_pairs(distance), p)
    assert center.status == "optimal" and center.value == pytest.approx(
        float(known["pcenter_opt"]), abs=1e-4
    )
    median = p_median(all_pairs(distance), weight, p)
    assert median.status == "optimal" and median.value == pytest.approx(
        float(known["pmedian_opt"]), abs=1e-3
    )


def test_swain_set_covers(shared_data: Path) -> None:
    folder = shared_data / "benchmarks" / "swain55"
    distance, _ = swain(folder)
    for known in table(folder / "lscp.csv"):
        plan = set_covering(sparse.csr_array(distance <= float(known["radius"])))
        assert (plan.status, plan.value) == ("optimal", float(known["min_sites"]))


def test_san_francisco(shared_data: Path) -> None:
    folder = shared_data / "benchmarks" / "sf_stores"
    pairs = pd.read_csv(folder / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    tracts = (
        pd.read_csv(folder / "SF_demand_205_centroid_uniform_weight.csv")
        .set_index("NAME")
        .sort_index()
    )
    wide = pairs.pivot_table(index="DestinationName", columns="name", values="distance").loc[
        tracts.index
    ]
    distance, people = wide.to_numpy(), tracts["POP2000"].to_numpy(dtype=float)
    for known in table(folder / "expected.csv"):
        radius = float(known["radius_m"] or 0)
        cover = sparse.csr_array(distance <= radius)
        match known["problem"]:
            case "lscp" if known["value"] == "infeasible":
                assert len(set_covering(cover).uncoverable) == 5
                continue
            case "lscp":
                plan = set_covering(cover)
            case "mclp":
                plan = maximal_covering(cover, people, int(known["p"]))
            case "pmedian":
                plan = p_median(all_pairs(distance), people, int(known["p"]))
            case _:
                plan = p_center(all_pairs(distance), int(known["p"]))
        assert plan.status == "optimal" and plan.value == pytest.approx(
            float(known["value"]), rel=1e-12
        )


# --- the same four questions on problems whose optimum is planted, for a clone without those files


@pytest.mark.parametrize("seed", range(3))
def test_planted_towns_are_found_by_median_and_center(seed: int) -> None:
    """Towns far apart, each a ring around a square: the best p sites are the p squares."""
    rng = np.random.default_rng(seed)
    towns, around = 6, 12
    squares = np.column_stack([np.arange(towns) * 1000.0, rng.uniform(0, 50, towns)])
    angle = np.arange(around) * 2 * np.pi / around
    ring = 10 * np.column_stack([np.cos(angle), np.sin(angle)])
    places = np.vstack([squares, *(square + ring for square in squares)])
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    order = rng.permutation(len(places))
    costs = all_pairs(distance[np.ix_(order, order)])
    center = p_center(costs, towns)
    assert center.status == "optimal" and center.value == pytest.approx(10)
    median = p_median(costs, np.ones(len(places)), towns)
    assert median.status == "optimal" and median.value == pytest.approx(10.0 * towns * around)
    assert sorted(order[list(median.sites)]) == list(range(towns))


@pytest.mark.parametrize("seed", range(3))
def test_planted_partitions_are_found_by_covering(seed: int) -> None:
    """Sites that share the people out among them, hidden among many that hold less for more."""
    rng = np.random.default_rng(seed)
    people, parts = 240, 8
    part = rng.permutation(np.arange(people) % parts)
    planted = part[:, None] == np.arange(parts)
    crumbs = np.zeros((people, 60), dtype=bool)
    for column in range(60):
        crumbs[rng.choice(people, 12, replace=False), column] = True
    cover = sparse.csr_array(np.hstack([planted, crumbs]))
    plan = set_covering(cover, cost=[1.0] * parts + [0.9] * 60)
    assert (plan.status, plan.value) == ("optimal", float(parts))
    weight = rng.integers(1, 9, people).astype(float)
    best = np.sort([weight[part == number].sum() for number in range(parts)])[::-1]
    for p in (1, 3, parts):
        found = maximal_covering(cover, weight, p)
        assert found.status == "optimal" and found.value >= best[:p].sum()
    assert found.value == weight.sum()
