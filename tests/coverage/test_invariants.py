"""What must hold of any answer, whatever the services, the thresholds, the order of rows and the
number of threads.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.access.rules import measure
from geoguichet.coverage.access.supply import meeting
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.routers.impedance import StraightLine
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.study.study import Changes, Opening, Rule, Study, parse_study, read_study
from geoguichet.coverage.zones.drawing import find_zones
from geoguichet.floor.words import Cost, Unit
from geoguichet.referentials.territories.territory import Territory

SIDE = 6
CODES = [f"{row}{column}" for row in range(SIDE) for column in range(SIDE)]
TYPES = ("town_hall", "post_office", "prefecture")
STEP = 0.05


def cell(code: str) -> shapely.Polygon:
    x, y = 1 + int(code[1]) * STEP, 44 + int(code[0]) * STEP
    return shapely.box(x, y, x + STEP, y + STEP)


def ground() -> Territory:
    square = shapely.MultiPolygon([shapely.box(1, 44, 1 + SIDE * STEP, 44 + SIDE * STEP)])
    communes = gpd.GeoDataFrame(
        {"code": CODES, "name": CODES, "departement": "46"},
        geometry=[cell(code) for code in CODES],
        crs="EPSG:4326",
    )
    lot = gpd.GeoDataFrame({"code": ["46"], "name": ["Lot"]}, geometry=[square], crs="EPSG:4326")
    return Territory("Damier", lot, communes, square)


GROUND = ground()
DEMAND = gpd.GeoDataFrame(
    {
        "name": CODES,
        "departement": "46",
        "epci": "",
        "people": range(1, SIDE * SIDE + 1),
        "point_source": "town_hall",
    },
    index=pd.Index(CODES, name="id"),
    geometry=[cell(code).centroid for code in CODES],
    crs="EPSG:4326",
)
BASE = parse_study(
    {
        "study": {"id": "e", "title": "E"},
        "territory": {"name": "Damier", "departements": ["46"]},
        "services": {kind.replace("_", "-"): {"types": [kind], "within": "9 km"} for kind in TYPES},
        "rule": {"all": [kind.replace("_", "-") for kind in TYPES]},
    }
)

place = st.tuples(
    st.sampled_from(TYPES), st.floats(1, 1 + SIDE * STEP), st.floats(44, 44 + SIDE * STEP)
)
places = st.lists(place, min_size=0, max_size=9)
radius = st.floats(500, 25_000)
k_of = st.integers(1, len(TYPES))


def counters(rows: list) -> gpd.GeoDataFrame:
    frame = pd.DataFrame({"type": [row[0] for row in rows], "hours_per_week": 1.0, "hours": ""})
    points = [shapely.Point(x, y) for _, x, y in rows]
    index = pd.Index([f"s{n:02d}" for n in range(len(rows))], name="id", dtype=object)
    return gpd.GeoDataFrame(frame.set_axis(index), geometry=points, crs="EPSG:4326")


def study(k: int, within: float) -> Study:
    needs = tuple(replace(need, within=Cost(within, Unit.METRES)) for need in BASE.needs)
    return replace(BASE, needs=needs, rule=Rule("at_least", k, tuple(need.key for need in needs)))


def answer(rows: list, asked: Study, demand: gpd.GeoDataFrame = DEMAND) -> gpd.GeoDataFrame:
    return measure(demand, meeting(counters(rows), asked), asked, StraightLine())


def zone(table: gpd.GeoDataFrame) -> shapely.Geometry:
    zones, table["zone"], _ = find_zones(GROUND, table, unit=Unit.METRES)
    assert (table["zone"] != "").equals(~table["served"])
    return shapely.union_all(zones.geometry.to_numpy()) if len(zones) else shapely.MultiPolygon()


checked = settings(deadline=None, max_examples=12)


@checked
@given(places, places, k_of, radius)
def test_more_services_never_lengthen_nor_unserve(
    rows: list, more: list, k: int, within: float
) -> None:
    few, many = answer(rows, study(k, within)), answer(rows + more, study(k, within))
    for need in BASE.needs:
        before, after = few[f"{need.key}_m"].to_numpy(), many[f"{need.key}_m"].to_numpy()
        assert (np.nan_to_num(after, nan=np.inf) <= np.nan_to_num(before, nan=np.inf)).all()
    assert (many["served"] | ~few["served"]).all()


@checked
@given(places, k_of, radius, st.floats(0, 10_000))
def test_a_larger_threshold_never_enlarges_a_zone(
    rows: list, k: int, within: float, more: float
) -> None:
    strict, lax = answer(rows, study(k, within)), answer(rows, study(k, within + more))
    assert (lax["slack_m"].isna() == strict["slack_m"].isna()).all()
    assert not (strict["served"] & ~lax["served"]).any()
    assert zone(lax).difference(zone(strict)).area < 1e-12


@checked
@given(places, radius)
def test_asking_for_more_needs_never_shrinks_a_zone(rows: list, within: float) -> None:
    zones = [zone(answer(rows, study(k, within))) for k in (1, 2, 3)]
    slacks = [
        np.nan_to_num(answer(rows, study(k, within))["slack_m"], nan=-np.inf) for k in (1, 2, 3)
    ]
    for one, two in ((0, 1), (1, 2)):
        assert zones[one].difference(zones[two]).area < 1e-12 and (slacks[one] >= slacks[two]).all()


@checked
@given(places, k_of, radius, st.randoms())
def test_the_order_of_rows_changes_no_byte(rows: list, k: int, within: float, random) -> None:
    asked = study(k, within)
    services = meeting(counters(rows), asked)
    mixed = services.loc[random.sample(list(services.index), len(services))]
    turned = DEMAND.loc[random.sample(CODES, len(CODES))]
    one = measure(DEMAND, services, asked, StraightLine())
    other = measure(turned, meeting(mixed, asked), asked, StraightLine())
    columns = [
        c for c in one.columns if not c.endswith("_service")
    ]  # of two at one distance, either may be named
    assert other.loc[CODES, columns].to_csv() == one[columns].to_csv()
    assert (
        find_zones(GROUND, one, unit=Unit.METRES)[0].to_csv()
        == find_zones(GROUND, other, unit=Unit.METRES)[0].to_csv()
    )


@pytest.fixture(scope="module")
def ariege(small_path: Path) -> Study:
    return replace(read_study(small_path), kiosks=None)


def bytes_of(result: CoverageResult) -> str:
    return (
        result.demand.to_csv()
        + result.white_zones.to_csv()
        + result.services.to_csv()
        + result.summary.to_csv()
    )


def test_closed_then_opened_again_is_identity(ariege: Study, small: CoverageResult) -> None:
    """A counter closed and one like it opened in its place: every cost, every zone is as it was."""
    foix = small.demand.at["09122", "mairie_service"]
    row = small.services.loc[foix]
    shut = find_white_zones(replace(ariege, changes=Changes(close=(foix,))))
    again = Opening("town_hall", row.geometry.x, row.geometry.y, str(row["hours"]))
    both = find_white_zones(replace(ariege, changes=Changes(open=(again,), close=(foix,))))
    columns = ["etat_m", "mairie_m", "slack_m", "served", "zone"]
    assert both.demand[columns].equals(small.demand[columns]) and not shut.demand[columns].equals(
        small.demand[columns]
    )
    of_kiosks = ["people_after", "hosts", "host_names", "host_costs"]
    assert both.white_zones.drop(columns=of_kiosks).equals(
        small.white_zones.drop(columns=of_kiosks)
    )
    opened = find_white_zones(replace(ariege, changes=Changes(open=(again,), close=("nouveau-1",))))
    assert bytes_of(opened) == bytes_of(find_white_zones(ariege)), (
        "opened then closed: not a byte changes"
    )


def test_the_number_of_threads_changes_no_byte(ariege: Study) -> None:
    code = (
        "import sys, hashlib; from pathlib import Path; from dataclasses import replace\n"
        "from geoguichet.coverage.study.study import read_study; from geoguichet.coverage.run "
        "import find_white_zones\n"
        "r = find_white_zones(read_study(Path(sys.argv[1])))\n"
        "t = r.demand.to_csv() + r.white_zones.to_csv() + r.services.to_csv() + "
        "r.summary.to_csv()\n"
        "print(hashlib.sha256(t.encode()).hexdigest())"
    )
    digests = set()
    for threads in ("1", "2"):
        limits = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), threads
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(ariege.path)],
            env={**os.environ, **limits},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
