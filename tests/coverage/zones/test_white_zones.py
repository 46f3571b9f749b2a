"""White zones on a checkerboard whose answer can be read by eye."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.zones.drawing import find_zones, writable
from geoguichet.floor.words import Unit
from geoguichet.referentials.territories.territory import Territory

SIDE = 5
CODES = [f"{row}{column}" for row in range(SIDE) for column in range(SIDE)]


def board(missing: tuple[str, ...] = ()) -> Territory:
    cells = [
        None
        if code in missing
        else shapely.box(int(code[1]), int(code[0]), int(code[1]) + 1, int(code[0]) + 1)
        for code in CODES
    ]
    communes = gpd.GeoDataFrame(
        {"code": CODES, "name": CODES, "departement": "46"}, geometry=cells, crs="EPSG:4326"
    )
    square = shapely.MultiPolygon([shapely.box(0, 0, SIDE, SIDE)])
    departements = gpd.GeoDataFrame(
        {"code": ["46"], "name": ["Lot"]}, geometry=[square], crs="EPSG:4326"
    )
    return Territory("board", departements, communes, square)


def demand(unserved: set[str], people: int = 10) -> gpd.GeoDataFrame:
    served = np.array([code not in unserved for code in CODES])
    frame = pd.DataFrame(
        {"name": CODES, "departement": "46", "people": people, "served": served},
        index=pd.Index(CODES, name="id"),
    )
    frame["slack_m"] = np.where(served, 100.0, [-float(code) - 1 for code in CODES])
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0] * 25, [0] * 25), crs="EPSG:4326")


def test_neighbours_join_and_corners_do_not() -> None:
    zones, zone_of, findings = find_zones(
        board(), demand({"00", "01", "12", "44"}), unit=Unit.METRES
    )
    assert zones["communes"].tolist() == [2, 1, 1] and not findings
    assert (
        zone_of["00"] == zone_of["01"] == "zb-001"
        and zone_of["12"] == "zb-002"
        and zone_of["44"] == "zb-003"
        and zone_of["33"] == ""
    )
    assert zones.loc["zb-001", "worst_m"] == 2.0 and zones.loc["zb-001", "mean_m"] == 1.5


def test_nobody_unserved_gives_an_empty_table_with_its_columns() -> None:
    zones, zone_of, _ = find_zones(board(), demand(set()), unit=Unit.METRES)
    assert (
        zones.empty
        and zones.crs == "EPSG:4326"
        and "people" in zones.columns
        and (zone_of == "").all()
    )


def test_a_commune_without_outline_keeps_its_people() -> None:
    zones, _, findings = find_zones(board(missing=("22",)), demand({"22", "23"}), unit=Unit.METRES)
    assert zones["people"].sum() == 20 and zones.geometry.isna().sum() == 1
    assert [(finding.rule, finding.item) for finding in findings] == [("undrawn-white-zone", "22")]


def test_what_is_unknown_of_a_zone_is_not_zero() -> None:
    table = demand({"22", "23"}).assign(old=np.nan)
    zones, _, _ = find_zones(board(missing=("22",)), table, unit=Unit.METRES, groups=("old",))
    bare = zones[zones.geometry.isna()].iloc[0]
    assert np.isnan(bare["area_km2"]) and np.isnan(bare["old"]) and bare["people"] == 10
    drawn = zones[zones.geometry.notna()].iloc[0]
    assert drawn["area_km2"] > 0 and np.isnan(drawn["old"])


def ring(*corners: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], [list(corners)])


@pytest.mark.parametrize(
    ("shape", "holes"),
    [
        (ring((0.5, 0.5), (0.50001, 0.5), (0.50001, 0.50001)), 0),
        (ring((0.5, 0.5), (0.51, 0.5), (0.51, 0.51)), 1),
        (ring((0.5, 0.5), (0.6, 0.5000002), (0.5, 0.5000004)), 0),
        (ring((0.0000004, 0.5), (0.5, 0.4), (0.5, 0.6)), 1),
    ],
)
def test_a_zone_stays_valid_once_rounded_to_six_decimals(
    shape: shapely.Polygon, holes: int
) -> None:
    zone = writable(shape)
    rounded = shapely.transform(zone, lambda c: c.round(6))
    assert zone.is_valid and rounded.is_valid
    assert sum(len(part.interiors) for part in zone.geoms) == holes
    assert abs(zone.area - shape.area) < 1e-6


def test_unreachable_is_missing_and_does_not_spoil_the_mean() -> None:
    table = demand({"00", "01"})
    table.loc["00", "slack_m"] = np.nan
    zones, _, _ = find_zones(board(), table, unit=Unit.METRES)
    assert zones.loc["zb-001", "worst_m"] == 2.0 and zones.loc["zb-001", "mean_m"] == 2.0


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(CODES)))
def test_zones_hold_exactly_the_unserved(unserved: set[str]) -> None:
    table = demand(unserved)
    zones, zone_of, _ = find_zones(board(), table, unit=Unit.METRES)
    assert zones["people"].sum() == 10 * len(unserved)
    assert set(zone_of.index[zone_of != ""]) == unserved
    assert zones.geometry.is_valid.all()
    assert abs(sum(shape.area for shape in zones.geometry) - len(unserved)) < 1e-9
    assert shapely.union_all(zones.geometry.to_numpy()).area == sum(
        shape.area for shape in zones.geometry
    )
    assert zones["people"].is_monotonic_decreasing


@settings(deadline=None, max_examples=30)
@given(st.sets(st.sampled_from(CODES), min_size=1), st.randoms())
def test_row_order_changes_nothing(unserved: set[str], random) -> None:
    table = demand(unserved)
    shuffled = table.loc[random.sample(CODES, len(CODES))]
    one, two = (
        find_zones(board(), table, unit=Unit.METRES)[0],
        find_zones(board(), shuffled, unit=Unit.METRES)[0],
    )
    assert one.to_csv() == two.to_csv()
