"""What changed between two versions of a directory: opened, closed, moved, renamed; a table, layers
and a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.readers.column_names import folded

MOVED_M = 500
"""A service whose point changed by less is where it was: geocoders differ by that much."""
CORRECTED_M = 5_000
"""A service that stays in its commune does not move by more: its point was wrong, before or after.
"""
KINDS: Mapping[str, str] = {
    "opened": "ouverts",
    "closed": "fermés",
    "moved": "déplacés",
    "changed": "changés de type",
    "corrected": "positions corrigées",
}
"""Kind of change: French plural."""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """The changes from a version to a later one.

    A service ``moved`` when its point did, and its commune or address with it or by no more than
    its commune is wide; it was ``corrected`` when its address is the same, or its point jumped out
    of the commune it says it is in.
    """

    changes: gpd.GeoDataFrame
    """id, kind (a key of ``KINDS``), type, type_before, name, commune, departement, distance_m,
    geometry (point).
    """
    moves: gpd.GeoDataFrame
    """id, name, type, distance_m, geometry: a line from the old point to the new, for what moved.
    """
    same: int
    """Services found in both and unchanged."""

    def counts(self) -> pd.DataFrame:
        """Return how many changes of each kind each type has: one row a type, one column a kind,
        most changed first.
        """
        table = pd.crosstab(self.changes["type"], self.changes["kind"]).reindex(
            columns=list(KINDS), fill_value=0
        )
        ordered: pd.DataFrame = table.loc[
            table.sum(axis=1).sort_values(ascending=False, kind="stable").index
        ]
        return ordered


def compare(
    before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, moved_m: float = MOVED_M
) -> Difference:
    """Return what changed between two versions of one directory, services matched by identifier.

    A service of the same type, name and commune under another identifier is the same one: it is
    matched too, so that a renumbering is not taken for a closure and an opening.

    Parameters
    ----------
    moved_m
        Metres below which a point has not changed.
    """
    pairs = _matched(before, after)
    old = before.set_index("id").loc[pairs.index]
    new = after.set_index("id").loc[pairs]
    distance = old.geometry.to_crs(METRIC).distance(
        new.geometry.to_crs(METRIC).set_axis(old.index), align=False
    )
    retyped = (old["type"].to_numpy() != new["type"].to_numpy()) & (
        new["type"] != "other_service"
    ).to_numpy()
    displaced = (distance > moved_m).to_numpy() & ~retyped
    settled = _same(old, new, "commune") & (
        _same(old, new, "address") | (distance > CORRECTED_M).to_numpy()
    )
    moved, corrected = displaced & ~settled, displaced & settled
    parts = [
        _rows(after[~after["id"].isin(pairs)].set_index("id"), "opened"),
        _rows(before[~before["id"].isin(pairs.index)].set_index("id"), "closed"),
        _rows(new[moved], "moved").assign(distance_m=distance[moved].to_numpy()),
        _rows(new[corrected], "corrected").assign(distance_m=distance[corrected].to_numpy()),
        _rows(new[retyped], "changed").assign(type_before=old.loc[retyped, "type"].to_numpy()),
    ]
    filled = [part for part in parts if len(part)] or parts[:1]
    changes = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=LONLAT).reindex(
        columns=COLUMNS
    )
    lines = [
        shapely.LineString([start, end])
        for start, end in zip(old.geometry[moved], new.geometry[moved], strict=True)
    ]
    moves = gpd.GeoDataFrame(
        new.loc[moved, ["name", "type"]]
        .assign(distance_m=distance[moved].to_numpy())
        .reset_index(),
        geometry=lines,
        crs=LONLAT,
    )
    return Difference(changes, moves, int((~displaced & ~retyped).sum()))


COLUMNS = (
    "id",
    "kind",
    "type",
    "type_before",
    "name",
    "commune",
    "departement",
    "distance_m",
    "geometry",
)


def _matched(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.Series:
    """Return the identifiers of `after` indexed by those of `before`, one to one."""
    same = before["id"][before["id"].isin(after["id"])]
    left = before[~before["id"].isin(same)]
    right = after[~after["id"].isin(same)]
    keyed = _keys(left).merge(
        _keys(right), on=["type", "name", "place"], suffixes=("_before", "_after")
    )
    ids = pd.concat([same, keyed["id_before"]], ignore_index=True)
    return pd.Series(pd.concat([same, keyed["id_after"]], ignore_index=True).to_numpy(), index=ids)


def _keys(rows: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return id, type, folded name and place of the rows that these three tell apart."""
    place = rows["commune"].fillna(rows["postcode"]).fillna(rows["commune_name"])
    keys = pd.DataFrame(
        {
            "id": rows["id"],
            "type": rows["type"],
            "name": rows["name"].str.casefold(),
            "place": place,
        }
    )
    return keys[keys["place"].notna() & ~keys.duplicated(["type", "name", "place"], keep=False)]


def _same(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, column: str) -> np.ndarray:
    """Return where a text is known and the same in both, capitals and punctuation aside."""
    before, after = (rows[column].fillna("").map(folded).to_numpy() for rows in (old, new))
    same: np.ndarray = (before == after) & (before != "")
    return same


def _rows(rows: gpd.GeoDataFrame, kind: str) -> gpd.GeoDataFrame:
    return (
        rows[["type", "name", "commune", "departement", "geometry"]]
        .reset_index(names="id")
        .assign(kind=kind)
    )
