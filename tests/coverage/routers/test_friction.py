"""Walking over relief, compared with a cell-by-cell twin and with times worked out by hand."""

import heapq
import math
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.coverage.errors import RoutingError
from geoguichet.coverage.routers.friction import (
    Ground,
    Relief,
    covered,
    langmuir_s,
    read_relief,
    tobler_s,
)

SIDE = 100.0  # metres
WEST, NORTH = 600_000.0, 6_500_000.0  # Lambert-93, where its scale is nearly 1


def ground(elevation: np.ndarray, factor: np.ndarray | None = None) -> Ground:
    transform = rasterio.Affine(SIDE, 0, WEST, 0, -SIDE, NORTH)
    return Ground(
        elevation, transform, "EPSG:2154", np.ones_like(elevation) if factor is None else factor
    )


def middles(*cells: tuple[float, float]) -> gpd.GeoSeries:
    x, y = [WEST + (c + 0.5) * SIDE for _, c in cells], [NORTH - (r + 0.5) * SIDE for r, _ in cells]
    return gpd.GeoSeries(shapely.points(x, y), crs="EPSG:2154").to_crs("EPSG:4326")


def seconds(relief: Relief, destinations: gpd.GeoSeries) -> np.ndarray:
    """Seconds from the middle of every cell to its nearest destination, as a raster."""
    shape = relief.ground.elevation_m.shape
    return relief.nearest(middles(*np.ndindex(shape)), destinations).cost.reshape(shape)


def twin(relief: Relief, goal: tuple[int, int]) -> dict[tuple[int, int], float]:
    """Seconds from every cell to a goal, a heap and no numpy; moves and barriers written out one by
    one.
    """
    z, factor = relief.ground.elevation_m, relief.ground.factor
    rows, columns = z.shape
    scale = {move: relief._runs(*move)[rows // 2] for move in _moves(relief.neighbours)}

    def free(r: int, c: int) -> bool:
        return (
            0 <= r < rows
            and 0 <= c < columns
            and math.isfinite(z[r, c])
            and math.isfinite(factor[r, c])
        )

    def step(r: int, c: int, move: tuple[int, int]) -> float | None:
        """Seconds from (r, c) by a move, None where it is barred."""
        dr, dc = move
        to = (r + dr, c + dc)
        if not free(r, c) or not free(*to):
            return None
        crossed = [(r, c), to]
        sign = (1 if dr > 0 else -1, 1 if dc > 0 else -1)
        if abs(dr) == abs(dc) == 1 and not (free(r + dr, c) or free(r, c + dc)):
            return None
        if abs(dr) == 2:
            crossed += [(r + sign[0], c), (r + sign[0], c + sign[1])]
        if abs(dc) == 2:
            crossed += [(r, c + sign[1]), (r + sign[0], c + sign[1])]
        if not all(free(*cell) for cell in crossed):
            return None
        rule = {"tobler": tobler_s, "langmuir": langmuir_s}[relief.rule]
        mean = sum(factor[cell] for cell in crossed) / len(crossed)
        return float(rule(np.array(scale[move]), np.array(z[to] - z[r, c]))) * mean

    done: dict[tuple[int, int], float] = {}
    heap = [(0.0, goal)]
    while heap:
        cost, cell = heapq.heappop(heap)
        if cell in done:
            continue
        done[cell] = cost
        for move in scale:
            before = (cell[0] - move[0], cell[1] - move[1])
            more = step(*before, move) if free(*before) and before not in done else None
            if more is not None:
                heapq.heappush(heap, (cost + more, before))
    return done


def _moves(neighbours: int) -> list[tuple[int, int]]:
    reach = 1 if neighbours == 8 else 2
    around = [(r, c) for r in range(-reach, reach + 1) for c in range(-reach, reach + 1)]
    return [(r, c) for r, c in around if {abs(r), abs(c)} in ({0, 1}, {1}, {1, 2})]


heights = st.lists(st.one_of(st.floats(0, 300), st.just(float("nan"))), min_size=30, max_size=30)
factors = st.lists(st.sampled_from([1.0, 1.0, 1.5, 3.0, float("inf")]), min_size=30, max_size=30)


@settings(deadline=None, max_examples=40)
@given(heights, factors, st.sampled_from([8, 16]), st.sampled_from(["tobler", "langmuir"]))
def test_every_cell_is_that_of_a_naive_twin(z: list, f: list, neighbours: int, rule: str) -> None:
    surface = ground(np.array(z).reshape(5, 6), np.array(f).reshape(5, 6))
    relief = Relief(surface, rule=rule, neighbours=neighbours)
    found = seconds(relief, middles((2, 3)))
    if not (math.isfinite(z[15]) and math.isfinite(f[15])):
        assert np.isnan(found).all()
        return
    expected = twin(relief, (2, 3))
    for cell in np.ndindex(5, 6):
        if cell in expected:
            assert found[cell] == pytest.approx(
                expected[cell], rel=1e-4, abs=1e-3
            )  # runs vary by row in the twin
        else:
            assert np.isnan(found[cell]), "no finite time across a barrier"


def test_up_is_slower_than_down() -> None:
    slope = Relief(ground(np.tile(np.arange(9) * 10.0, (3, 1))))  # 10 % up to the east
    low, high = middles((1, 0)), middles((1, 8))
    up, down = slope.nearest(low, high).cost[0], slope.nearest(high, low).cost[0]
    assert up == pytest.approx(800 * 0.6 * math.exp(3.5 * 0.15), rel=1e-3)
    assert down == pytest.approx(800 * 0.6 * math.exp(3.5 * 0.05), rel=1e-3)


def test_the_rules_are_the_published_ones() -> None:
    run, flat, rise = np.array([1000.0]), np.array([0.0]), np.array([100.0])
    assert tobler_s(run, flat)[0] == pytest.approx(3600 / 5.0367, rel=1e-4), "5.04 km/h on the flat"
    assert tobler_s(run, np.array([-50.0]))[0] == pytest.approx(600.0), "6 km/h on a slope of -5 %"
    assert langmuir_s(run, flat)[0] == 720.0 and langmuir_s(run, rise)[0] == 1320.0
    assert langmuir_s(run, -rise)[0] == pytest.approx(720 - 199.98)
    assert langmuir_s(run, -3 * rise)[0] == pytest.approx(720 + 599.94), (
        "steep descents are slow again"
    )


@pytest.mark.parametrize(("neighbours", "longest"), [(8, 1.083), (16, 1.028)])
def test_sixteen_neighbours_are_true_to_three_per_cent(neighbours: int, longest: float) -> None:
    relief = Relief(ground(np.zeros((41, 41))), neighbours=neighbours)
    found = seconds(relief, middles((20, 20)))
    r, c = np.indices(found.shape)
    straight = np.hypot(r - 20, c - 20) * SIDE * 0.6 * math.exp(3.5 * 0.05)
    ratio = found[straight > 0] / straight[straight > 0]
    assert ratio.min() > 0.999 and ratio.max() <= longest * 1.001
    assert (ratio.max() > 1.05) == (neighbours == 8)


def test_nobody_squeezes_through_a_diagonal_river() -> None:
    river = np.ones((7, 7))
    river[np.arange(7), np.arange(7)] = np.inf
    found = seconds(Relief(ground(np.zeros((7, 7)), river)), middles((0, 6)))
    upper = np.triu(np.ones((7, 7), dtype=bool), 1)
    assert np.isfinite(found[upper]).all() and np.isnan(found[~upper]).all()


def test_land_cover_multiplies_and_bars() -> None:
    kinds = np.tile([1.0, 2.0, 2.0, 1.0], (1, 1))
    slow = Relief(covered(ground(np.zeros((1, 4))), kinds, {1: 1.0, 2: 2.0}))
    quick = Relief(ground(np.zeros((1, 4))))
    ends = middles((0, 0)), middles((0, 3))
    assert slow.nearest(*ends).cost[0] == pytest.approx(
        quick.nearest(*ends).cost[0] * (1.5 + 2 + 1.5) / 3, rel=1e-6
    )
    barred = Relief(covered(ground(np.zeros((1, 4))), kinds, {1: 1.0})).nearest(*ends)
    assert (
        barred.reason is not None
        and barred.reason.tolist() == ["no_path"]
        and np.isnan(barred.cost[0])
    )
    with pytest.raises(RoutingError, match="rééchantillonnez"):
        covered(ground(np.zeros((1, 4))), np.zeros((2, 4)), {})


def test_pairs_limits_and_reasons() -> None:
    relief = Relief(ground(np.zeros((5, 5))))
    origins = gpd.GeoSeries(
        [*middles((0, 0), (4, 4), (2, 2)), None, shapely.Point(0, 0)], crs="EPSG:4326"
    )
    services = middles((0, 1), (4, 3))
    found = relief.nearest(origins, services, limit=80.0)
    assert found.reason is not None
    assert found.reason.tolist() == ["", "", "beyond_limit", "not_located", "not_snapped"]
    assert found.destination.tolist() == [0, 1, -1, -1, -1]
    matrix = relief.costs(origins, services, limit=1e9)
    whole = relief.nearest(origins, services).cost
    assert (
        matrix.origin.tolist() == [0, 0, 1, 1, 2, 2]
        and matrix.cost[[0, 3]].tolist() == whole[:2].tolist()
    )
    assert len(relief.costs(origins, services, limit=80.0).cost) == 2


def test_the_pyrenees(ground: Path, tmp_path: Path) -> None:
    """SRTM 3'': up to the Port de Siguer side is slower than down, and the sea of missing cells is
    not crossed.
    """
    path = ground / "elevation" / "N42E001.hgt.zip"
    with rasterio.open(path) as raster:
        window = rasterio.windows.from_bounds(1.45, 42.60, 1.60, 42.72, raster.transform)
        z = raster.read(1, window=window).astype(float)
        transform = raster.window_transform(window)
    z[z == -32768] = np.nan
    relief = Relief(Ground(z, transform, "EPSG:4326", np.ones_like(z)))
    low, high = (
        np.unravel_index(np.nanargmin(z), z.shape),
        np.unravel_index(np.nanargmax(z), z.shape),
    )
    place = [shapely.Point(rasterio.transform.xy(transform, r, c)) for r, c in (low, high)]
    valley, summit = (gpd.GeoSeries([point], crs="EPSG:4326") for point in place)
    up, down = relief.nearest(valley, summit).cost[0], relief.nearest(summit, valley).cost[0]
    assert 3600 < down < up < 12 * 3600


def test_a_relief_is_read_or_refused(tmp_path: Path, lab: SimpleNamespace) -> None:
    path = tmp_path / "mnt.tif"
    z = np.array([[1.0, -9999.0]], dtype=np.float32)
    profile = {
        "driver": "GTiff",
        "width": 2,
        "height": 1,
        "count": 1,
        "dtype": "float32",
        "nodata": -9999.0,
    }
    transform = rasterio.Affine(SIDE, 0, WEST, 0, -SIDE, NORTH)
    with rasterio.open(path, "w", crs="EPSG:2154", transform=transform, **profile) as raster:
        raster.write(z, 1)
    assert read_relief(path).elevation_m.tolist()[0][0] == 1.0 and np.isnan(
        read_relief(path).elevation_m[0, 1]
    )
    with pytest.raises(RoutingError, match="illisible"):
        read_relief(tmp_path / "absent.tif")
    with pytest.raises(RoutingError, match="8 ou 16"):
        Relief(read_relief(path), neighbours=4)


@pytest.mark.parametrize(("scale", "offset"), [(0.1, 0.0), (1.0, 500.0), (0.5, -100.0)])
def test_the_scale_and_the_offset_of_a_relief_are_heard(
    tmp_path: Path, scale: float, offset: float
) -> None:
    stored = np.array([[1000, 1200], [-9999, 2000]], dtype=np.int16)
    path = tmp_path / "relief.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=2,
        width=2,
        count=1,
        dtype="int16",
        nodata=-9999,
        crs="EPSG:2154",
        transform=rasterio.Affine(25, 0, 570_000, 0, -25, 6_280_000),
    ) as raster:
        raster.write(stored, 1)
        raster.scales, raster.offsets = (scale,), (offset,)
    read = read_relief(path).elevation_m
    assert np.isnan(read[1, 0])
    assert read[0].tolist() == pytest.approx([1000 * scale + offset, 1200 * scale + offset])
