"""White zones: neighbouring unserved communes drawn together, with the people who live there and
who could host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Geod
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from geoguichet.coverage.routers.impedance import CostMatrix
from geoguichet.coverage.study.study import ZoneChoice
from geoguichet.floor.findings import Finding
from geoguichet.floor.units import Unit
from geoguichet.floor.words import Message
from geoguichet.referentials.territories.territory import Territory

# Outlines that share borders, made to share them exactly: no overlap, and simplified all at once.
#
# Published outlines of communes overlap here and there by a few square metres, so that the areas
# of the parts do not add up to the area of the whole.

type Shapes = npt.NDArray[np.object_]


def partition(outlines: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the outlines with every overlap given to the first of those that claim it; gaps stay
    gaps.

    Only the outlines that overlap, and those they touch, are drawn anew: their lines are cut where
    they cross and each face goes to the first outline (in order of the index) that holds it.
    Missing outlines stay missing.
    """
    order = outlines.sort_index()
    shapes = order.to_numpy().copy()
    drawn = np.flatnonzero(~(order.isna() | order.is_empty).to_numpy())
    tree = shapely.STRtree(shapes[drawn])
    wrong = _overlapping(shapes[drawn], tree)
    if len(wrong):
        cluster = np.unique(
            np.append(tree.query(shapes[drawn][wrong], predicate="intersects")[1], wrong)
        )
        members = drawn[cluster]
        shapes[members] = _faces_of_the_first(shapes[members])
    return gpd.GeoSeries(shapes, index=order.index, crs=outlines.crs).reindex(outlines.index)


def _overlapping(shapes: Shapes, tree: shapely.STRtree) -> npt.NDArray[np.int64]:
    """Return the positions of the shapes whose borders do not match those of their neighbours."""
    if not len(shapes):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(shapes)))


def _faces_of_the_first(shapes: Shapes) -> Shapes:
    """Cut the lines of all shapes where they cross, and give each face to the first shape that
    holds it.
    """
    lines = shapely.union_all(shapely.boundary(shapes))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
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
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])


#: The zone of each row, as a number.
type Labels = npt.NDArray[np.int64]


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
    made to share borders exactly (:func:`~geoguichet.coverage.zones.exact.partition`), so that the
    zones and the ground of those who are served add up to the whole. Returns the zones (polygons in
    EPSG:4326, valid and disjoint but for their borders, most people first; columns in
    :class:`~geoguichet.coverage.result.CoverageResult`), the zone id of each demand row (empty when
    served), and a finding for each unserved row that cannot be drawn: it belongs to a zone of its
    own with no polygon, so that its people are never lost.
    """
    unserved = demand[
        ~demand["served"]
    ].sort_index()  # so that the order of the rows changes no byte
    ground = partition(territory.polygons if outlines is None else outlines)
    polygons = ground.reindex(unserved.index)
    label = _touching(polygons)
    drawn = polygons.notna().to_numpy()
    shapes = {
        int(group): polygonal(shapely.union_all(polygons.to_numpy()[drawn & (label == group)]))
        for group in np.unique(label[drawn])
    }
    return table_of(
        unserved, label, shapes, demand, unit=unit, choice=choice or ZoneChoice(), groups=groups
    )


def table_of(
    unserved: gpd.GeoDataFrame,
    label: Labels,
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
    area_m2 = {group: _area_m2(shape) for group, shape in shapes.items()}
    rows = []
    for group, name in named.items():
        members = unserved[label == group]
        excess = (
            (land or {}).get(group, (np.nan, np.nan))
            if members.empty
            else _excess(members, unit.column("slack"))
        )
        people, area = int(members["people"].sum()), area_m2.get(group, 0.0)
        rows.append(
            {
                "id": name,
                "people": people,
                **{column: float(members[column].sum()) for column in groups},
                "communes": len(members),
                "commune_names": ", ".join(
                    members.sort_values("people", ascending=False, kind="stable")["name"]
                ),
                "departements": ",".join(sorted(set(members["departement"]))),
                unit.column("worst"): excess[0],
                unit.column("mean"): excess[1],
                "area_km2": area / 1e6,
                "minor": people < choice.min_people or area < choice.min_area_m2,
                "geometry": shapes.get(group),
            }
        )
    columns = ["id", "people", *groups, "communes", "commune_names", "departements"]
    columns += [unit.column("worst"), unit.column("mean"), "area_km2", "minor", "geometry"]
    zones = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs="EPSG:4326").set_index(
        "id"
    )
    zones["minor"] = zones["minor"].astype(bool)
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


def _named(
    label: Labels, shapes: Mapping[int, shapely.MultiPolygon], unserved: gpd.GeoDataFrame
) -> dict[int, str]:
    """Name the zones: most people first; equal ones by their first row, those without any by their
    ground.
    """
    totals = pd.DataFrame(
        {
            "label": label,
            "people": unserved["people"].to_numpy(),
            "code": unserved.index.astype(str),
        }
    )
    table = totals.groupby("label").agg(people=("people", "sum"), code=("code", "min"))
    order = [
        (-people, code, group)
        for group, people, code in zip(table.index, table["people"], table["code"], strict=True)
    ]
    empty = sorted(
        set(shapes) - set(table.index),
        key=lambda group: (-shapes[group].area, shapes[group].bounds),
    )
    names = [int(group) for *_, group in sorted(order)] + empty
    return {group: _zone_id(rank) for rank, group in enumerate(names)}


def _excess(members: gpd.GeoDataFrame, slack: str) -> tuple[float, float]:
    """Return how far beyond the thresholds the people are: at worst, and on average (NaN where
    nothing is known).
    """
    excess = -members[slack]
    known = excess.notna()
    weights = members.loc[known, "people"]
    mean = np.average(excess[known], weights=weights) if weights.sum() > 0 else excess.mean()
    return float(excess.max()), float(mean)


def _area_m2(shape: shapely.Geometry) -> float:
    return abs(_GEOD.geometry_area_perimeter(shape)[0])


_GEOD = Geod(ellps="WGS84")


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
        table = pd.DataFrame(
            {"zone": white["zone"].to_numpy()[matrix.origin], "host": matrix.destination}
        )
        table["people"] = white["people"].to_numpy(float)[matrix.origin]
        table["cost"] = matrix.cost * table["people"]
        sums = table.groupby(["zone", "host"], as_index=False)[["people", "cost"]].sum()
        sums["mean"] = sums["cost"] / sums["people"].where(sums["people"] > 0)
        sums = sums.sort_values(
            ["zone", "people", "mean", "host"], ascending=[True, False, True, True]
        )
        for zone, few in sums.groupby("zone"):
            few = few[few["people"] > 0].head(_HOSTS)
            names = hosts["commune_name"].iloc[few["host"]].astype(str).str.replace(",", "")
            costs = [f"{mean:.0f}" for mean in few["mean"]]
            told[str(zone)] = (list(hosts.index[few["host"]].astype(str)), list(names), costs)
    added = {
        name: [",".join(told[zone][place]) if zone in told else "" for zone in zones.index]
        for place, name in enumerate(("hosts", "host_names", "host_costs"))
    }
    return zones.assign(**added)


_HOSTS = 3


def _zone_id(rank: int) -> str:
    return f"zb-{rank + 1:03d}"


def _touching(polygons: gpd.GeoSeries) -> Labels:
    """Label the polygons so that those joined by a shared border (not a mere corner) have the same
    label.
    """
    shapes = polygons.to_numpy()
    tree = shapely.STRtree(shapes)
    i, j = tree.query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    border = shapely.get_dimensions(shapely.intersection(shapes[i], shapes[j])) >= 1
    links = sparse.coo_array(
        (np.ones(int(border.sum())), (i[border], j[border])), shape=(len(shapes), len(shapes))
    )
    if not len(shapes):
        return np.empty(0, dtype=np.int64)
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
