"""Counters that should open longer: the best choice of all, counted again, and what is refused."""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
from pyproj import Geod

from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.outputs.summary import of_study
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import ExtensionChoice, parse_study, read_study
from geoguichet.coverage.verify import verify
from geoguichet.floor.files import read_toml

#: Hours that may be added in all.
HOURS = 12.0


@pytest.fixture(scope="module")
def longer(small_path: Path) -> CoverageResult:
    choice = ExtensionChoice(need="mairie", count=2, budget_eur=HOURS * 1000, hour_cost_eur=1000.0)
    return run(replace(read_study(small_path), kiosks=None, extensions=choice))


def test_no_other_choice_of_counters_serves_more(longer: CoverageResult, small_path: Path) -> None:
    """Every pair of town halls that the budget pays for, from the raw layer and every distance."""
    found, demand = longer.beside.extensions, longer.demand
    assert found is not None
    need = longer.study.need("mairie")
    least = need.min_hours_per_week or 0.0
    only = demand[
        ~demand["served"]
        & ~demand["undecided"]
        & (demand["etat_m"] <= longer.study.need("etat").within)
    ]
    assert found.lacking == only["people"].sum() > 0
    halls = pyogrio.read_dataframe(small_path.parent / "ariege.gpkg", layer="services")
    halls = halls[halls["inside"] & (halls["type"] == "town_hall") & halls.geometry.notna()]
    halls = halls[halls["hours_per_week"] < least].reset_index(drop=True)
    near = distances(only.geometry, halls.geometry) <= need.within
    people, hours = only["people"].to_numpy(), least - halls["hours_per_week"].to_numpy()
    assert found.reachable == people[near.any(axis=1)].sum()
    useful = [j for j in range(len(halls)) if near[:, j].any() and hours[j] <= HOURS]
    best = max(
        people[near[:, list(pair)].any(axis=1)].sum()
        for pair in [*((j,) for j in useful), *combinations(useful, 2)]
        if hours[list(pair)].sum() <= HOURS
    )
    told = found.table
    assert told["people_added"].sum() == best == told["value"].iloc[0] == told["bound"].iloc[0]
    assert (told["status"] == "optimal").all() and len(told) <= 2
    assert told["hours_to_add"].sum() <= HOURS
    assert (told["hours_per_week"] + told["hours_to_add"] == least).all()


def distances(origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> np.ndarray:
    x0, x1 = np.meshgrid(origins.x, destinations.x, indexing="ij")
    y0, y1 = np.meshgrid(origins.y, destinations.y, indexing="ij")
    return np.asarray(Geod(ellps="WGS84").inv(x0, y0, x1, y1)[2])


def test_it_is_a_layer_that_is_told_and_counted_again(
    longer: CoverageResult, small_path: Path, tmp_path: Path
) -> None:
    write_all(longer, tmp_path / "etude")
    told = "\n".join(block for block in of_study(longer) if isinstance(block, str))
    assert "il ne manque que des heures d’ouverture" in told and "Hypothèse" in told
    layer = pyogrio.read_dataframe(tmp_path / "etude" / "result.gpkg", layer="extensions")
    assert len(layer) == len(longer.beside.extensions.table) and layer.crs == "EPSG:4326"
    source = small_path.parent / "ariege.gpkg"
    assert verify(tmp_path / "etude", source=source).disagreements == ()
    for column in ("people_added", "hours_to_add", "cost_eur_per_year"):
        with closing(sqlite3.connect(tmp_path / "etude" / "result.gpkg")) as database:
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f'DROP TRIGGER "{name}"')
            database.execute(f"UPDATE extensions SET {column} = {column} + 1 WHERE id = 'x-001'")
            database.commit()
        path = tmp_path / "etude" / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        content = (tmp_path / "etude" / "result.gpkg").read_bytes()
        manifest["outputs"]["result.gpkg"]["sha256"] = hashlib.sha256(content).hexdigest()
        path.write_text(json.dumps(manifest), encoding="utf-8")
        wrong = verify(tmp_path / "etude", source=source).disagreements
        assert ("extensions", "x-001", column) in {(w.layer, w.row, w.figure) for w in wrong}


@pytest.mark.parametrize(
    ("table", "refused"),
    [
        ({"need": "mairie"}, "extensions.count.*ni count ni budget"),
        ({"need": "poste", "count": 3}, "extensions.need.*mairie"),
        ({"need": "etat", "count": 3}, "extensions.need.*ne demande pas d'heures"),
        ({"need": "mairie", "count": 3, "hour_cost": "10 EUR"}, "extensions.hour_cost.*plage"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(
    small_path: Path, table: dict, refused: str
) -> None:
    with pytest.raises(StudyError, match=refused):
        run(
            parse_study(
                {**read_toml(small_path, kind=StudyError), "extensions": table}, path=small_path
            )
        )
