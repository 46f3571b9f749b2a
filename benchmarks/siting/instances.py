"""Covering problems made from the embedded sample."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

SAMPLE = Path(__file__).parents[2] / "data" / "midi-pyrenees.gpkg"


def towns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Town halls in Lambert-93 metres, inhabitants and département of their communes, by commune
    code.
    """
    communes = (
        gpd.read_file(SAMPLE, layer="communes", ignore_geometry=True).set_index("code").sort_index()
    )
    halls = gpd.read_file(SAMPLE, layer="services")
    halls = halls[(halls["type"] == "town_hall") & halls["inside"] & halls.geometry.notna()]
    halls = halls.drop_duplicates("commune").set_index("commune").to_crs(2154)
    communes = communes[communes.index.isin(halls.index)]
    halls = halls.loc[communes.index]
    place = np.c_[halls.geometry.x, halls.geometry.y]
    return place, communes["population"].to_numpy(float), communes["departement"].to_numpy(str)


def cells(count: int = 190_000) -> tuple[np.ndarray, np.ndarray]:
    """Inhabited 200 m cells (about four fifths of ``count``) and their inhabitants, scattered
    around the town halls.
    """
    place, people, _ = towns()
    rng = np.random.default_rng(0)
    share = people**0.6
    own = np.repeat(
        np.arange(len(people)), np.maximum(1, np.floor(count * share / share.sum()).astype(int))
    )
    spread = (
        0.6
        * np.sqrt(45_000e6 / len(people) / np.pi)
        * np.clip((people / people.mean()) ** 0.2, 0.5, 2)
    )
    point = place[own] + rng.normal(size=(len(own), 2)) * spread[own, None]
    metres = np.hypot(*(point - place[own]).T)
    drawn = rng.lognormal(0, 1, len(own)) * np.exp(-((metres / spread[own]) ** 2) / 5.5)
    shared = drawn / np.bincount(own, drawn)[own] * people[own]
    grid, cell = np.unique(np.round(point / 200).astype(np.int64), axis=0, return_inverse=True)
    inhabitants = np.round(np.bincount(cell, shared))
    return grid[inhabitants > 0] * 200.0, inhabitants[inhabitants > 0]


def within(demand: np.ndarray, candidates: np.ndarray, radius_m: float) -> sparse.csc_array:
    """Who is within the radius of whom."""
    pairs = cKDTree(demand).sparse_distance_matrix(
        cKDTree(candidates), radius_m, output_type="coo_matrix"
    )
    return sparse.csc_array(
        (np.ones(len(pairs.data), dtype=bool), (pairs.row, pairs.col)),
        shape=(len(demand), len(candidates)),
    )
