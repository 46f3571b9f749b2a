"""Random studies, run and verified: does a second count of every figure agree?

python benchmarks/coverage/verify.py [studies, 200] [first seed, 0]

Each is a seeded draw of models, thresholds, needs, rules, hours, kiosks and budgets, on one
département of the sample as it is or with its counters moved, closed and made uncertain.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio

from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import read_study
from geoguichet.coverage.verify import Verification, verify
from geoguichet.floor.errors import GeoguichetError
from geoguichet.referentials.layers import sample_path

DEPARTEMENTS = ("09", "46", "65", "82")
#: Weeks as people write them, some of them unsure, and one that nothing says.
WEEKS = (
    ("Mo-Fr 09:00-12:00,14:00-18:00", 35.0),
    ("Tu,Th 14:00-17:00", 6.0),
    ("Mo-Fr 09:00-12:00; Sa 10:00-12:00 unknown", 15.0),
    ("Mo-Th 09:00-15:00; Fr 09:00-13:00 unknown", 24.0),
    (None, None),
)


def write_study(seed: int, folder: Path) -> Path:
    """Write a random study and its region to a folder; return the study's path."""
    random = np.random.default_rng(seed)
    code = str(random.choice(DEPARTEMENTS))
    _write_region(code, folder / "region.gpkg", random, made=bool(seed % 2))
    path = folder / "etude.toml"
    path.write_text(_study(seed, code, random), encoding="utf-8")
    return path


# Write a département of the sample; ``made``: with its counters moved, closed and made uncertain.
def _write_region(code: str, path: Path, random: np.random.Generator, *, made: bool) -> None:
    for layer in ("communes", "departements", "services"):
        frame: gpd.GeoDataFrame = pyogrio.read_dataframe(sample_path(), layer=layer)
        frame = frame[frame["code" if layer == "departements" else "departement"] == code]
        if made and layer == "communes":
            frame = frame.assign(population=random.permutation(frame["population"].to_numpy()))
        if made and layer == "services":
            frame = _changed(frame[random.random(len(frame)) < 0.9], random)
        kind = "Point" if layer == "services" else None
        pyogrio.write_dataframe(frame, path, layer=layer, geometry_type=kind)


def _changed(services: gpd.GeoDataFrame, random: np.random.Generator) -> gpd.GeoDataFrame:
    changed, count = services.copy(), len(services)
    moved = changed.geometry.translate(0, 0).to_list()
    for row in np.flatnonzero(random.random(count) < 0.3):
        if moved[row] is not None and not moved[row].is_empty:
            away = random.normal(0, 0.01, 2)
            moved[row] = gpd.GeoSeries([moved[row]]).translate(*away).iloc[0]
    for row in np.flatnonzero(random.random(count) < 0.03):
        moved[row] = None
    changed = changed.set_geometry(gpd.GeoSeries(moved, index=changed.index, crs=services.crs))
    drawn = random.integers(0, len(WEEKS), count)
    given = random.random(count) < 0.5
    hours = [WEEKS[week][0] for week in drawn]
    weekly = [WEEKS[week][1] for week in drawn]
    changed["hours"] = np.where(given, np.array(hours, dtype=object), changed["hours"])
    changed["hours_per_week"] = np.where(
        given, np.array(weekly, dtype=float), changed["hours_per_week"].astype(float)
    )
    return changed


def _study(seed: int, code: str, random: np.random.Generator) -> str:
    def pick(*choices: str) -> str:
        return str(random.choice(choices))

    unknown = pick(
        'unknown_hours = "undecided"', 'unknown_hours = "closed"', 'unknown_hours = "open"'
    )
    needs = f"""
[services.etat]
label = "Guichet de l'État"
types = ["prefecture", "sous_prefecture"]
within = "{pick("10", "15", "25", "40")} km"
[services.mairie]
label = "Mairie ouverte"
types = ["town_hall"{pick("", ', "town_hall_annex"')}]
min_hours_per_week = {pick("6", "14", "24", "28")}
within = "{pick("3", "5", "8", "12")} km"
{unknown}
[services.proche]
label = "Mairie"
types = ["town_hall"]
within = "{pick("2", "3", "4")} km"
[rule]
{
        pick(
            'all = ["etat", "mairie"]',
            'all = ["etat", "mairie", "proche"]',
            'any = ["etat", "mairie"]',
            'at_least = 2\nof = ["etat", "mairie", "proche"]',
        )
    }
"""
    count = f"count = {random.integers(1, 9)}"
    asked = pick(
        count,
        f'{count}\nweight = "pop_65_plus"',
        f'budget = "{random.integers(60, 200)}000 EUR"\nuser_side_cost = "10000 EUR"',
        f'budget = "150000 EUR"\nuser_side_cost = "9000 EUR"\n{count}',
        'model = "set_covering"',
        f'model = "backup"\n{count}\nsecond = 0.5',
        f'model = "p_median"\n{count}\nfarthest = "40 km"',
        f'model = "p_center"\n{count}\nfarthest = "150 km"',
    )
    rules = pick("", "", 'spacing = "6 km"', 'one_per = "epci"', "floor_per_departement = 1")
    hours = pick("", "min_hours_per_week = 14", "hours_count = true", "hours_count = false")
    offers = pick('offers = ["etat"]', 'offers = ["etat", "mairie"]', 'offers = ["mairie"]')
    kiosks = f"""
[kiosks]
{asked}
{offers}
{rules}
{hours}
reach = "{pick("4", "6", "8", "12")} km"
time_limit = "20 s"
"""
    return f"""
[study]
id = "hasard-{seed}"
title = "Étude tirée au sort, graine {seed}"
[territory]
name = "Département {code}"
departements = ["{code}"]
buffer = "40 km"
[data]
source = "region.gpkg"
[demand]
groups = ["pop_65_plus"]
{needs}{kiosks if random.random() < 0.9 else ""}"""


def verified(seed: int, folder: Path) -> Verification:
    """Run and verify a random study; what asks the impossible is drawn again."""
    for again in range(20):
        here = folder / str(again)
        here.mkdir()
        try:
            result = run(read_study(write_study(seed + 10_000 * again, here)))
        except GeoguichetError as refused:
            print(f"{seed}: drawn again, {refused}", flush=True)
            continue
        write_all(result, here / "result")
        return verify(here / "result", source=here / "region.gpkg")
    raise RuntimeError(f"twenty impossible studies in a row from seed {seed}")


def main(studies: int, first: int) -> None:
    figures, differ = 0, 0
    for seed in range(first, first + studies):
        with tempfile.TemporaryDirectory() as folder:
            told = verified(seed, Path(folder))
        figures += told.figures
        differ += bool(told.disagreements)
        for one in told.disagreements[:5]:
            print(f"{seed}: {one}", flush=True)
    print(f"{studies} studies, {figures:,} figures, {differ} studies with a difference")
    if differ:
        raise SystemExit(1)


if __name__ == "__main__":
    main(*(int(each) for each in (*sys.argv[1:], *("200", "0")[len(sys.argv) - 1 :])))
