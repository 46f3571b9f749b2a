"""How far one gets: isochrones and catchments as polygons, drawn from the surface of costs, and that
surface as a Cloud Optimized GeoTIFF.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod
from rasterio.features import shapes as raster_shapes

from geoguichet.coverage.analysis.frames import given, surface_of
from geoguichet.coverage.analysis.questions import Routing, router_of, threshold
from geoguichet.coverage.outputs.folder import NODATA, write_raster
from geoguichet.coverage.routers.impedance import Floats, Router
from geoguichet.coverage.shown import Shown, written
from geoguichet.coverage.zones.drawing import ground_below, polygonal, simplified
from geoguichet.coverage.zones.surface import Grid, Surface, grid_over, masks, slack_surface
from geoguichet.floor.words import Cost, Unit, _
from geoguichet.referentials.layers import LONLAT, metric_of

#: No way is faster than this (the highest speed limit of French roads): how far to look.
_FASTEST_M_S = 130 / 3.6


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Isochrones(Shown):
    """The ground from which a place is reached within each threshold, as
    :func:`~geoguichet.isochrones` gives it (its errors are there).

    ``polygons``: one row per place and threshold (one per threshold for the nearest of them all), the
    smallest first; columns point (label of the place), within (text), limit_m or limit_s, area_km2;
    polygons in the CRS of the places, holes kept, empty where no ground is that near. ``points``: the
    places; ``surface``: the cost on a grid, up to ``limit``, the largest threshold.

    Examples
    --------
    After the example of :func:`~geoguichet.isochrones`:

    >>> rings
    <Isochrones : 50 km² à 4 km au plus de l'un des 1 lieux>
    >>> rings.table.round(1).values.tolist()
    [[0, '2 km', 2000.0, 12.4], [0, '4 km', 4000.0, 50.0]]
    >>> rings.to_cog("cost.tif").name
    'cost.tif'
    """

    polygons: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    #: Of the nearest place, under the largest threshold.
    surface: Surface
    limit: Cost

    @property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The polygons, the largest beneath, and the places."""
        return {"isochrones": self.polygons.iloc[::-1], "counters": self.points}

    @property
    def table(self) -> pd.DataFrame:
        """The polygons without their geometry."""
        return pd.DataFrame(self.polygons.drop(columns=self.polygons.geometry.name))

    @property
    def headline(self) -> str:
        """How much ground is within the largest threshold of any place."""
        surface = self.surface
        inside = np.isfinite(surface.slack) & (surface.slack <= 0)
        return _(
            "{area} km² à {within} au plus de l'un des {n} lieux",
            area=round(float(inside.sum()) * surface.cell_m**2 / 1e6),
            within=self.limit.told,
            n=len(self.points),
        )

    def to_cog(self, path: str | Path) -> Path:
        """Write the cost to the nearest place as a Cloud Optimized GeoTIFF (float32, one band, in
        the metres of its ground): metres or seconds, no data beyond the largest threshold.

        Raises
        ------
        OutputError
            The file could not be written.
        """
        surface, path = self.surface, Path(path)
        known = np.isfinite(surface.slack) & (surface.slack <= 0)
        cost = np.where(known, surface.slack + float(self.limit), NODATA)
        with written(path) as draft:
            write_raster(
                draft,
                cost[None],
                surface,
                names=(_("coût jusqu'au lieu le plus proche"),),
                units=(surface.unit,),
                tags={"unit": surface.unit, "limit": f"{float(self.limit):g}"},
            )
        return path


def isochrones(
    points: gpd.GeoDataFrame | gpd.GeoSeries,
    within: str | Cost | Sequence[str | Cost],
    *,
    router: Routing = None,
    cell: str = "500 m",
    together: bool = False,
) -> Isochrones:
    """Return the ground from which each point is reached within each of some thresholds.

    The cost is asked at the middles of a grid, four times more finely where the line passes; the
    line is that where it equals the threshold (marching squares, Lorensen & Cline 1987).

    Parameters
    ----------
    points
        Points of any CRS, such as counters.
    within
        One distance or time, or several: ``["10 min", "20 min"]``.
    router
        As for :func:`~geoguichet.white_zones`; of distances, isochrones are then isodistances.
    cell
        The step of the grid.
    together
        The ground from which any of them is reached, instead of each.

    Returns
    -------
    Isochrones
        In the CRS of the points.

    Raises
    ------
    FrameError, RoutingError, StudyError
        The points, or a threshold, are mistaken.
    ZoneError
        The grid would have more than 4 million cells: a larger ``cell`` is named.

    Examples
    --------
    >>> import geopandas as gpd
    >>> foix = gpd.GeoSeries(gpd.points_from_xy([1.605], [42.966]), crs="EPSG:4326")
    >>> rings = isochrones(foix, ["2 km", "4 km"])
    >>> rings.polygons[["within", "area_km2"]].round(1).values.tolist()
    [['2 km', 12.4], ['4 km', 50.0]]
    """
    measuring = router_of(router)
    several = [within] if isinstance(within, str | Cost) else list(within) or [""]
    limits = sorted(threshold("isochrones", "within", one, measuring.unit) for one in several)
    them = given(points, "points")
    step = threshold("isochrones", "cell", cell, Unit.METRES)
    located = them.table.geometry[them.located]
    groups = [located] if together else [located.iloc[[row]] for row in range(len(located))]
    rows, shapes = [], []
    for group in groups:
        for limit in limits:
            surface = _beyond(group, limit, step, measuring)
            shape = polygonal(shapely.union_all(ground_below(surface)))
            label = None if together else them.frame.index[them.table.index.get_loc(group.index[0])]
            rows.append((label, limit.told, float(limit), _km2(shape)))
            shapes.append(shape)
    columns = ["point", "within", measuring.unit.column("limit"), "area_km2"]
    polygons = gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry=shapes, crs=LONLAT)
    whole = surface if len(groups) == 1 else _beyond(located, limits[-1], step, measuring)
    return Isochrones(
        polygons.drop(columns=["point"] if together else []).to_crs(them.frame.crs),
        them.frame,
        whole,
        limits[-1],
    )


# Return how far beyond a limit each place of the ground around some points is from the nearest of
# them: negative within it.
def _beyond(points: gpd.GeoSeries, limit: Cost, cell_m: float, router: Router) -> Surface:
    def beyond(places: gpd.GeoSeries) -> Floats:
        cost = router.nearest(places, points).cost - float(limit)
        return np.where(np.isnan(cost), np.inf, cost)

    return slack_surface(_around(points, limit, cell_m), beyond, cell_m=cell_m, router=router)


# Return the ground that can be within a limit of some points at all.
def _around(points: gpd.GeoSeries, limit: Cost, cell_m: float) -> shapely.MultiPolygon:
    metres = points.to_crs(metric_of(points.total_bounds))
    ground = metres.buffer(limit.metres_at(_FASTEST_M_S) + 2 * cell_m).union_all()
    return polygonal(gpd.GeoSeries([ground], crs=metres.crs).to_crs(LONLAT).iloc[0])


def catchments(
    counters: gpd.GeoDataFrame | gpd.GeoSeries,
    area: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    within: str | Cost | None = None,
    router: Routing = None,
    cell: str = "500 m",
) -> gpd.GeoDataFrame:
    """Return the ground that each counter is the nearest to, cut at a threshold if one is given.

    The nearest counter is asked at the middles of a grid; borders are straightened by less than a
    cell, all at once, so that catchments share them and neither gap nor overlap appears.

    Parameters
    ----------
    counters
        Points of any CRS.
    area
        The ground to share out: surfaces.
    within, router, cell
        As for :func:`isochrones`.

    Returns
    -------
    GeoDataFrame
        The counters in their order, in their CRS: their own columns, area_km2, and polygons in place
        of the points, empty for a counter that is nearest to nothing.

    Raises
    ------
    FrameError, RoutingError, StudyError, ZoneError
        As for :func:`isochrones`; or the area is no surface.

    Examples
    --------
    >>> import geopandas as gpd
    >>> halls = gpd.GeoSeries(gpd.points_from_xy([1.60, 1.64], [42.96, 42.96]), crs="EPSG:4326")
    >>> ground = halls.to_crs(2154).buffer(3000).union_all()
    >>> area = gpd.GeoSeries([ground], crs=2154)
    >>> catchments(halls, area, cell="200 m")["area_km2"].round().tolist()
    [23.0, 23.0]
    """
    measuring = router_of(router)
    step = threshold("catchments", "cell", cell, Unit.METRES)
    limit = threshold("catchments", "within", within, measuring.unit) if within else np.inf
    them, ground = given(counters, "counters"), surface_of(area)
    grid = grid_over(polygonal(ground), step)
    rows, columns = np.nonzero(masks(polygonal(ground), grid)[0])
    nearest = measuring.nearest(grid.points(rows, columns), them.table.geometry)
    found = np.full(grid.shape, -1, dtype=np.int32)
    found[rows, columns] = np.where(nearest.cost <= limit, nearest.destination, -1)
    shapes = _shared(found, grid, len(them.frame), ground)
    own = them.frame.drop(columns=them.frame.geometry.name)
    return gpd.GeoDataFrame(
        own.assign(area_km2=[_km2(shape) for shape in shapes]), geometry=shapes, crs=LONLAT
    ).to_crs(them.frame.crs)


# Return the ground of each number of a grid in EPSG:4326, within the area.
def _shared(
    numbers: np.ndarray, grid: Grid, count: int, area: shapely.Geometry
) -> list[shapely.MultiPolygon]:
    parts = [
        (int(number), shapely.geometry.shape(shape))
        for shape, number in raster_shapes(numbers, transform=grid.transform)
    ]
    straight = simplified(np.array([part for _number, part in parts], dtype=object), grid.step)
    degrees = gpd.GeoSeries(straight, crs=grid.crs).to_crs(LONLAT).make_valid().to_numpy()
    within = shapely.intersection(degrees, area)
    owner = np.array([number for number, _part in parts])
    return [polygonal(shapely.union_all(within[owner == number])) for number in range(count)]


def _km2(shape: shapely.Geometry) -> float:
    return abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) / 1e6
