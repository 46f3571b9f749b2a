"""White zones: neighbouring unserved communes drawn together, with the people who live there."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from geoguichet.referentials.quality import Finding
from geoguichet.referentials.territories import Territory


def find_zones(
    territory: Territory, demand: gpd.GeoDataFrame, *, outlines: gpd.GeoSeries | None = None
) -> tuple[gpd.GeoDataFrame, pd.Series, list[Finding]]:
    """Group the unserved communes (or cells, whose ground is ``outlines``) that share a border into zones.

    ``demand`` has the columns ``served``, ``slack_m`` (or ``slack_s``) and ``people``. Returns the zones (polygons in
    EPSG:4326, valid and disjoint but for their borders, most people first; columns in
    :class:`~geoguichet.coverage.result.CoverageResult`), the zone id of each demand row (empty when served), and a
    finding for each unserved commune that cannot be drawn: it belongs to a zone of its own with no polygon, so that
    its people are never lost.
    """
    unit = "s" if "slack_s" in demand.columns else "m"
    unserved = demand[~demand["served"]].sort_index()  # so that the order of the rows changes no byte
    polygons = (territory.polygons if outlines is None else outlines).reindex(unserved.index)
    label = _touching(polygons)
    order = _by_people(label, unserved["people"])
    rank = pd.Series([order[group] for group in label], index=unserved.index, dtype=np.int64)
    zone_of = pd.Series([_zone_id(number) for number in rank], index=rank.index, dtype=object)
    zone_of = zone_of.reindex(demand.index, fill_value="")
    rows = [
        _describe(_zone_id(number), unserved.loc[members.index], polygons.loc[members.index], unit)
        for number, members in rank.groupby(rank)
    ]
    worst, mean = f"worst_{unit}", f"mean_{unit}"
    columns = ["id", "people", "communes", "commune_names", "departements", worst, mean, "geometry"]
    zones = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs="EPSG:4326").set_index("id")
    findings = [
        Finding(
            "undrawn-white-zone",
            "communes",
            code,
            f"{demand.at[code, 'name']} est en zone blanche mais n'a pas de contour à dessiner.",
        )
        for code in polygons.index[polygons.isna()]
    ]
    return zones, zone_of, findings


def _zone_id(rank: int) -> str:
    return f"zb-{rank + 1:03d}"


def _touching(polygons: gpd.GeoSeries) -> np.ndarray:
    """Label the polygons so that those joined by a shared border (not a mere corner) have the same label."""
    shapes = polygons.to_numpy()
    tree = shapely.STRtree(shapes)
    i, j = tree.query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    border = shapely.get_dimensions(shapely.intersection(shapes[i], shapes[j])) >= 1
    links = sparse.coo_array((np.ones(int(border.sum())), (i[border], j[border])), shape=(len(shapes), len(shapes)))
    return np.asarray(connected_components(links, directed=False)[1]) if len(shapes) else np.empty(0, dtype=int)


def _by_people(label: np.ndarray, people: pd.Series) -> dict[int, int]:
    """Rank the labels by people, most first; equal ones by the first commune code."""
    totals = pd.DataFrame({"label": label, "people": people.to_numpy(), "code": people.index.astype(str)})
    table = totals.groupby("label").agg(people=("people", "sum"), code=("code", "min"))
    ordered = table.sort_values(["people", "code"], ascending=[False, True]).index
    return {int(group): rank for rank, group in enumerate(ordered)}


def _describe(name: str, members: gpd.GeoDataFrame, polygons: gpd.GeoSeries, unit: str) -> dict[str, object]:
    excess = -members[f"slack_{unit}"]
    known = excess.notna()
    weights = members.loc[known, "people"]
    mean = np.average(excess[known], weights=weights) if weights.sum() > 0 else excess.mean()
    shapes = polygons.dropna()
    return {
        "id": name,
        "people": int(members["people"].sum()),
        "communes": len(members),
        "commune_names": ", ".join(members.sort_values("people", ascending=False, kind="stable")["name"]),
        "departements": ",".join(sorted(set(members["departement"]))),
        f"worst_{unit}": float(excess.max()),
        f"mean_{unit}": float(mean),
        "geometry": _polygonal(shapely.union_all(shapes.to_numpy())) if len(shapes) else None,
    }


def _polygonal(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return the valid multipolygon of a union."""
    parts = shapely.get_parts(shapely.make_valid(shape))
    return shapely.MultiPolygon([part for part in shapely.get_parts(parts) if part.geom_type == "Polygon"])
