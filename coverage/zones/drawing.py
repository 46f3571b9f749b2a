"""The white zones of a study, drawn as it asks, exact or smooth; how they are drawn changes nobody's
answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from geoguichet.coverage.routers.impedance import CostMatrix, Positions, Router
from geoguichet.coverage.study.study import Study, ZoneChoice
from geoguichet.coverage.zones.surface import (
    FINER,
    Shapes,
    Slack,
    Surface,
    sign_faces,
    slack_surface,
)
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message, Unit
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.territories.territory import Territory, crossing


@dataclass(frozen=True, slots=True, eq=False)
class DrawnZones:
    """The zones, the zone of each demand row (empty when served), who cannot be drawn, the surface
    when asked for.
    """

    zones: gpd.GeoDataFrame
    zone_of: pd.Series
    findings: list[Finding]
    surface: Surface | None


def draw_zones(
    study: Study,
    territory: Territory,
    demand: gpd.GeoDataFrame,
    slack: Slack,
    router: Router,
    *,
    outlines: gpd.GeoSeries | None = None,
) -> DrawnZones:
    """Draw the zones of a measured demand, exact or smooth.

    ``slack`` answers the study's question at any points; ``outlines`` are the ground of each demand
    row where it is not that of the communes.

    Raises
    ------
    ZoneError
        The grid asked for is too fine for the territory.
    """
    choice, groups, surface = study.zones, study.demand.groups, None
    if choice.with_surface:
        surface = slack_surface(
            territory.boundary,
            slack,
            cell_m=choice.cell_m,
            router=router,
            probes=demand.geometry,
        )
    if surface is not None and choice.kind == "smooth":
        return DrawnZones(
            *find_smooth_zones(territory, demand, surface, choice=choice, groups=groups), surface
        )
    return DrawnZones(
        *find_zones(
            territory, demand, unit=study.unit, choice=choice, groups=groups, outlines=outlines
        ),
        surface,
    )


# Outlines that share borders, made to share them exactly: no overlap, and simplified all at once.
#
# Published outlines of communes overlap here and there by a few square metres, so that the areas
# of the parts do not add up to the area of the whole.


def partition(outlines: gpd.GeoSeries, known: pd.Series | None = None) -> gpd.GeoSeries:
    """Return the outlines with every overlap given to the first of those that claim it; gaps stay
    gaps. Which of them cross another is not looked for again where it is ``known``
    (:func:`~geoguichet.referentials.territories.territory.crossing`).

    Only the outlines that overlap, and those they touch, are drawn anew: their lines are cut where
    they cross and each face goes to the first outline (in order of the index) that holds it.
    Missing outlines stay missing.
    """
    order = outlines.sort_index()
    shapes = order.to_numpy().copy()
    drawn = np.flatnonzero(~(order.isna() | order.is_empty).to_numpy())
    if known is None:
        known = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes[drawn]))
    wrong = np.flatnonzero(known)
    if len(wrong):
        members = drawn[
            np.unique(
                np.append(
                    shapely.STRtree(shapes[drawn]).query(
                        shapes[drawn][wrong], predicate="intersects"
                    )[1],
                    wrong,
                )
            )
        ]
        shapes[members] = _faces_of_the_first(shapes[members])
    return gpd.GeoSeries(shapes, index=order.index, crs=outlines.crs).reindex(outlines.index)


# Cut the lines of all shapes where they cross, and give each face to the first shape that holds it.
def _faces_of_the_first(shapes: Shapes) -> Shapes:
    faces = shapely.get_parts(
        shapely.polygonize(shapely.get_parts(shapely.union_all(shapely.boundary(shapes))))
    )
    inside = shapely.STRtree(shapely.point_on_surface(faces))
    owner = np.full(len(faces), len(shapes), dtype=np.int64)
    shape, face = inside.query(shapes, predicate="intersects")
    np.minimum.at(owner, face, shape)
    redrawn = shapes.copy()
    for position in range(len(shapes)):
        redrawn[position] = polygonal(shapely.union_all(faces[owner == position]))
    return redrawn


def simplified(shapes: Shapes, tolerance: float, *, whole: bool = False) -> Shapes:
    """Return shapes that share borders with straighter ones, and still share them (Visvalingam &
    Whyatt 1993).

    ``tolerance`` is in the units of the coordinates: corners of a triangle smaller than its square
    go. The border of the whole stays as it is, unless ``whole``.
    """
    return np.asarray(shapely.coverage_simplify(shapes, tolerance, simplify_boundary=whole))


def polygonal(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return the valid multipolygon of a union: points and lines left aside."""
    return shapely.MultiPolygon(
        [
            part
            for part in shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
            if part.geom_type == "Polygon"
        ]
    )


#: What a hole between published outlines is when no map has it: about 100 m², in square degrees.
_SPECK_DEG2 = 1e-8
#: What those who write to the web round to: 0.1 m.
_WRITTEN_DEG = 1e-6


def writable(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return a union as a valid multipolygon that stays valid once rounded to 6 decimals.

    Specks of holes between outlines are filled; what still crosses itself when rounded is drawn on
    the grid of 6 decimals.
    """
    parts = shapely.get_parts(polygonal(shape))
    filled = shapely.MultiPolygon(
        [
            shapely.Polygon(
                part.exterior,
                [hole for hole in part.interiors if shapely.Polygon(hole).area >= _SPECK_DEG2],
            )
            for part in parts
        ]
    )
    if shapely.set_precision(filled, _WRITTEN_DEG, mode="pointwise").is_valid:
        return filled
    return polygonal(shapely.set_precision(filled, _WRITTEN_DEG))


def find_zones(
    territory: Territory,
    demand: gpd.GeoDataFrame,
    *,
    unit: Unit,
    choice: ZoneChoice | None = None,
    groups: Sequence[str] = (),
    outlines: gpd.GeoSeries | None = None,
) -> tuple[gpd.GeoDataFrame, pd.Series, list[Finding]]:
    """Group the unserved communes (or cells) that share a border into zones.

    ``demand`` has the columns ``served``, the slack in its unit, ``people`` and the
    ``groups``; ``outlines`` are the ground of each demand row (those of the communes by default),
    made to share borders exactly (:func:`partition`), so that the
    zones and the ground of those who are served add up to the whole. Returns the zones (polygons in
    EPSG:4326, valid and disjoint but for their borders, most people first; columns in
    :class:`~geoguichet.coverage.manifest.CoverageResult`), the zone id of each demand row (empty when
    served), and a finding for each unserved row that cannot be drawn: it belongs to a zone of its
    own with no polygon, so that its people are never lost.
    """
    unserved = demand[~demand["served"]].sort_index()  # the order of the rows changes no byte
    whole = territory.polygons if outlines is None else outlines
    known = crossing(territory) if outlines is None else None
    polygons = partition(whole, known).reindex(unserved.index)
    label = _touching(polygons)[_firsts(whole.reindex(unserved.index))]
    drawn = ~(polygons.isna() | polygons.is_empty).to_numpy()
    shapes = {
        int(group): writable(shapely.union_all(polygons.to_numpy()[drawn & (label == group)]))
        for group in np.unique(label[drawn])
    }
    return table_of(
        unserved, label, shapes, demand, unit=unit, choice=choice or ZoneChoice(), groups=groups
    )


def table_of(
    unserved: gpd.GeoDataFrame,
    label: Positions,
    shapes: Mapping[int, shapely.MultiPolygon],
    demand: gpd.GeoDataFrame,
    *,
    unit: Unit,
    choice: ZoneChoice,
    groups: Sequence[str] = (),
    land: Mapping[int, tuple[float, float]] | None = None,
) -> tuple[gpd.GeoDataFrame, pd.Series, list[Finding]]:
    """Return the table of the zones, the zone of each row of ``demand``, and who cannot be drawn.

    ``label`` says to which zone each unserved row belongs, ``shapes`` what ground each zone has; a
    zone may have no ground, or no row (``land`` then holds its worst and mean excess, measured on
    the ground).
    """
    named = _named(label, shapes, unserved)
    geod = Geod(ellps="WGS84")
    counted = ["people", *groups, "name", "departement", unit.column("slack")]
    rows, plain = [], pd.DataFrame(unserved[list(dict.fromkeys(counted))])
    for group, name in named.items():
        members, shape = plain[label == group], shapes.get(group)
        excess = (
            (land or {}).get(group, (np.nan, np.nan))
            if members.empty
            else _excess(members, unit.column("slack"))
        )
        people = int(members["people"].sum())
        area_m2 = np.nan if shape is None else abs(geod.geometry_area_perimeter(shape)[0])
        rows.append(
            (
                name,
                people,
                *(float(members[column].sum(min_count=1)) for column in groups),
                len(members),
                ", ".join(members.sort_values("people", ascending=False, kind="stable")["name"]),
                ",".join(sorted(set(members["departement"]))),
                *excess,
                area_m2 / 1e6,
                people < choice.min_people or area_m2 < choice.min_area_m2,
                shape,
            )
        )
    columns = [
        "id",
        "people",
        *groups,
        "communes",
        "commune_names",
        "departements",
        unit.column("worst"),
        unit.column("mean"),
        "area_km2",
        "minor",
        "geometry",
    ]
    zones = (
        gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=LONLAT)
        .astype({"minor": bool})
        .set_index("id")
    )
    zone_of = pd.Series([named[int(group)] for group in label], index=unserved.index, dtype=object)
    findings = [
        Finding(
            "undrawn-white-zone",
            "communes",
            str(code),
            Message(
                "{name} est en zone blanche mais n'a pas de contour à dessiner.",
                name=unserved.at[code, "name"],
            ),
        )
        for code, group in zip(unserved.index, label, strict=True)
        if int(group) not in shapes
    ]
    return zones, zone_of.reindex(demand.index, fill_value=""), findings


# Name the zones: most people first; equal ones by their first row, those without any by their
# ground.
def _named(
    label: Positions, shapes: Mapping[int, shapely.MultiPolygon], unserved: gpd.GeoDataFrame
) -> dict[int, str]:
    table = (
        pd.DataFrame(
            {
                "label": label,
                "people": unserved["people"].to_numpy(),
                "code": unserved.index.astype(str),
            }
        )
        .groupby("label")
        .agg(people=("people", "sum"), code=("code", "min"))
    )
    order = [
        (-people, code, group)
        for group, people, code in zip(table.index, table["people"], table["code"], strict=True)
    ]
    empty = sorted(
        set(shapes) - set(table.index),
        key=lambda group: (-shapes[group].area, shapes[group].bounds),
    )
    return {
        group: f"zb-{rank:03d}"
        for rank, group in enumerate([int(group) for *_, group in sorted(order)] + empty, start=1)
    }


# Return how far beyond the thresholds the people are: at worst, and on average (NaN where nothing
# is known).
def _excess(members: pd.DataFrame, slack: str) -> tuple[float, float]:
    excess = -members[slack]
    known = excess.notna()
    weights = members.loc[known, "people"]
    mean = np.average(excess[known], weights=weights) if weights.sum() > 0 else excess.mean()
    return float(excess.max()), float(mean)


def with_hosts(
    zones: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    hosts: gpd.GeoDataFrame | None,
    matrix: CostMatrix | None,
) -> gpd.GeoDataFrame:
    """Add the candidate hosts that are nearest to the people of each zone.

    ``matrix`` holds the costs from the unserved rows of ``demand``, in their order, to the
    ``hosts`` within reach. Of a zone's hosts those come first that have most of its people within
    reach, then those nearest to them on average. The columns hold up to three, comma-separated:
    ``hosts`` (ids), ``host_names`` (their communes), ``host_costs`` (mean cost to the people within
    reach, whole seconds or metres).
    """
    told: dict[str, tuple[list[str], list[str], list[str]]] = {}
    if hosts is not None and matrix is not None and len(matrix.origin):
        white = demand[~demand["served"]]
        people = white["people"].to_numpy(float)[matrix.origin]
        table = pd.DataFrame(
            {
                "zone": white["zone"].to_numpy()[matrix.origin],
                "host": matrix.destination,
                "people": people,
                "cost": matrix.cost * people,
            }
        )
        sums = table.groupby(["zone", "host"], as_index=False)[["people", "cost"]].sum()
        sums["mean"] = sums["cost"] / sums["people"].where(sums["people"] > 0)
        sums = sums.sort_values(
            ["zone", "people", "mean", "host"], ascending=[True, False, True, True]
        )
        for zone, few in sums.groupby("zone"):
            few = few[few["people"] > 0].head(_HOSTS)
            names = hosts["commune_name"].iloc[few["host"]].astype(str).str.replace(",", "")
            told[str(zone)] = (
                list(hosts.index[few["host"]].astype(str)),
                list(names),
                [f"{mean:.0f}" for mean in few["mean"]],
            )
    return zones.assign(
        **(
            {
                name: [",".join(told[zone][place]) if zone in told else "" for zone in zones.index]
                for place, name in enumerate(("hosts", "host_names", "host_costs"))
            }
        )
    )


_HOSTS = 3


# Return for each outline the position of the first that is the same: points at one place share their
# ground, and a partition gives it to one of them. What is missing is only itself.
def _firsts(outlines: gpd.GeoSeries) -> Positions:
    seen: dict[bytes, int] = {}
    shapes = enumerate(shapely.to_wkb(outlines.to_numpy()))
    return np.array([n if shape is None else seen.setdefault(shape, n) for n, shape in shapes], int)


# Label the polygons so that those joined by a shared border (not a mere corner) have the same
# label.
def _touching(polygons: gpd.GeoSeries) -> Positions:
    shapes = polygons.to_numpy()
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    border = shapely.get_dimensions(shapely.intersection(shapes[i], shapes[j])) >= 1
    return np.asarray(
        connected_components(
            sparse.coo_array(
                (border[border], (i[border], j[border])), shape=(len(shapes), len(shapes))
            ),
            directed=False,
        )[1],
        dtype=np.int64,
    )


def find_smooth_zones(
    territory: Territory,
    demand: gpd.GeoDataFrame,
    surface: Surface,
    *,
    choice: ZoneChoice,
    groups: Sequence[str] = (),
) -> tuple[gpd.GeoDataFrame, pd.Series, list[Finding]]:
    """Draw the zones along the line where the slack is 0; count their people from the demand points
    as ever.

    A zone is one connected piece of ground inside the territory, holes kept. An unserved demand
    point belongs to the zone it lies in, else to the nearest within a cell (the line is that true),
    else to a zone of its own that has no polygon, told by a finding. A piece of ground with no
    demand point is a zone with no people: its excess is that of its ground. Pieces smaller than a
    cell are minor, as are those under the study's own limits.

    Returns what :func:`find_zones` does, in the same contract.
    """
    pieces = _pieces(territory, surface)
    unserved = demand[~demand["served"]].sort_index()
    return table_of(
        unserved,
        _piece_of(unserved.geometry, pieces, surface),
        {number: writable(piece) for number, piece in enumerate(pieces)},
        demand,
        unit=surface.unit,
        choice=replace(choice, min_area_m2=max(choice.min_area_m2, surface.cell_m**2)),
        groups=groups,
        land=_land(pieces, surface),
    )


def ground_below(surface: Surface) -> Shapes:
    """Return the faces where a surface is below 0, in EPSG:4326, holes kept, their steps
    straightened.
    """
    step = surface.cell_m / FINER
    faces, below = sign_faces(surface.fine, left=surface.left, top=surface.top, step=step)
    if not len(faces):
        return faces
    straight = simplified(faces, step, whole=True)[below]
    lonlat = gpd.GeoSeries(straight, crs=surface.crs).to_crs(LONLAT).make_valid()
    return np.asarray(lonlat.to_numpy())


def _pieces(territory: Territory, surface: Surface) -> Shapes:
    """Return the connected white ground of the territory, in EPSG:4326.

    The line's steps are straightened before it is cut by the territory's outline, all faces at
    once.
    """
    lonlat = ground_below(surface)
    if not len(lonlat):
        return lonlat
    shapely.prepare(territory.boundary)
    within = shapely.contains_properly(territory.boundary, lonlat)
    pieces = shapely.get_parts(
        np.concatenate(
            [
                lonlat[within],
                shapely.get_parts(shapely.intersection(lonlat[~within], territory.boundary)),
            ]
        )
    )
    pieces = pieces[(shapely.get_dimensions(pieces) == 2) & ~shapely.is_empty(pieces)]
    return np.asarray(pieces[np.lexsort(shapely.bounds(pieces).T)])


# Return the piece each point lies in or within a cell of; where there is none, a number of its own
# after those.
def _piece_of(points: gpd.GeoSeries, pieces: Shapes, surface: Surface) -> Positions:
    label = len(pieces) + np.arange(len(points))
    located = np.flatnonzero(~(points.isna() | points.is_empty).to_numpy())
    if len(pieces) and len(located):
        found, piece = shapely.STRtree(
            gpd.GeoSeries(pieces, crs=LONLAT).to_crs(surface.crs).to_numpy()
        ).query_nearest(
            points.iloc[located].to_crs(surface.crs).to_numpy(),
            max_distance=surface.cell_m,
            all_matches=False,
        )
        label[located[found]] = piece
    return np.asarray(label, dtype=np.int64)


# Return the worst and the mean excess over the ground of each piece (NaN where nothing is known).
def _land(pieces: Shapes, surface: Surface) -> dict[int, tuple[float, float]]:
    if not len(pieces):
        return {}
    from rasterio.features import rasterize

    burnt = rasterize(
        [
            (shape, number + 1)
            for number, shape in enumerate(gpd.GeoSeries(pieces, crs=LONLAT).to_crs(surface.crs))
        ],
        surface.slack.shape,
        transform=surface.transform,
        dtype="int32",
    )
    excess = -surface.slack[burnt > 0].astype(np.float64)
    number, known = burnt[burnt > 0] - 1, ~np.isnan(excess)
    count = np.bincount(number[known], minlength=len(pieces))
    total = np.bincount(number[known], weights=excess[known], minlength=len(pieces))
    worst = np.full(len(pieces), -np.inf)
    np.maximum.at(worst, number[known], excess[known])
    return {
        i: (float(worst[i]), float(total[i] / count[i])) for i in np.flatnonzero(count).tolist()
    }
