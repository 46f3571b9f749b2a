"""The few repairs that are safe: each is listed, applied on demand only, and recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import in_france, numbers, with_decimal_points
from geoguichet.referentials.directory.schema import damaged, mended
from geoguichet.referentials.territories.code_history import CommuneHistory

#: What ``check --fix`` may do, by rule.
SAFE: Mapping[str, str] = MappingProxyType(
    {
        "lost-decimal-point": (
            "remettre la virgule décimale, si le point tombe près des services de son département"
        ),
        "swapped-axes": "échanger longitude et latitude, sous la même condition",
        "damaged-encoding": "rétablir les lettres accentuées, quand aucune n'est perdue",
        "outdated-commune": (
            "remplacer un code de commune par celui de l'unique commune qui lui succède"
        ),
        "missing-zero": "remettre le zéro d'un code postal de quatre chiffres",
    }
)
#: A repaired point must be this near the median point of its département (about 150 to 220 km).
NEAR_DEG = 2.0


@dataclass(frozen=True, slots=True)
class Repair:
    """One value changed."""

    rule: str
    item: str
    row: int
    column: str
    before: str
    after: str

    def as_finding(self, layer: str) -> Finding:
        """Return the repair as a finding, for the table and the map."""
        return Finding(
            f"fixed-{self.rule}",
            layer,
            self.item,
            f"Réparé : « {self.before} » devient « {self.after} ».",
            "info",
            self.row,
            self.column,
        )


def repair(
    rows: gpd.GeoDataFrame, *, history: CommuneHistory | None = None
) -> tuple[gpd.GeoDataFrame, tuple[Repair, ...]]:
    """Return a directory with the repairs of `SAFE` made, and the list of them; `rows` is left as
    it is.
    """
    fixed = rows.copy()
    repairs = [*_points(fixed), *_spelling(fixed), *_postcodes(fixed)]
    if history is not None:
        repairs += _codes(fixed, history)
    return fixed, tuple(repairs)


# Put back lost decimal points and swapped axes (degrees), where the result is where it should be.
def _points(rows: gpd.GeoDataFrame) -> Iterator[Repair]:
    raw = rows["point_raw"].dropna().str.split(" ", n=1, expand=True).reindex(columns=[0, 1])
    x, y = numbers(raw[0]), numbers(raw[1])
    lost = (x.abs() > 180) | (y.abs() > 90)
    swapped = ~lost & in_france(y.to_numpy(), x.to_numpy()) & ~in_france(x.to_numpy(), y.to_numpy())
    good = rows[rows.geometry.notna() & ~rows.index.isin(raw.index[swapped])]
    middle = (
        pd.DataFrame({"x": good.geometry.x, "y": good.geometry.y})
        .groupby(good["departement"])
        .median()
    )
    centres: dict[str, tuple[float, float]] = dict(
        zip(middle.index, zip(middle["x"], middle["y"], strict=True), strict=True)
    )
    for index in raw.index[lost | swapped]:
        moved = (y[index], x[index]) if swapped[index] else with_decimal_points(x[index], y[index])
        place = rows.at[index, "departement"]
        if moved is None or place not in centres:
            continue
        centre = centres[place]
        if np.hypot(float(moved[0]) - centre[0], float(moved[1]) - centre[1]) > NEAR_DEG:
            continue
        yield _change(
            rows,
            index,
            "swapped-axes" if swapped[index] else "lost-decimal-point",
            "point_raw",
            f"{moved[0]:.7f} {moved[1]:.7f}",
        )
        rows.at[index, "geometry"] = shapely.Point(moved)


def _spelling(rows: gpd.GeoDataFrame) -> Iterator[Repair]:
    for column in ("name", "address", "commune_name", "stops"):
        for index in rows.index[damaged(rows[column])]:
            right = mended(str(rows.at[index, column]))
            if right is not None:
                yield _change(rows, index, "damaged-encoding", column, right)


def _postcodes(rows: gpd.GeoDataFrame) -> Iterator[Repair]:
    short = (
        rows["postcode"].astype("string").str.fullmatch(r"[1-9]\d{3}").fillna(False).astype(bool)
    )
    for index in rows.index[short]:
        yield _change(
            rows, index, "missing-zero", "postcode", "0" + str(rows.at[index, "postcode"])
        )


def _codes(rows: gpd.GeoDataFrame, history: CommuneHistory) -> Iterator[Repair]:
    codes = rows["commune"].dropna()
    now = {
        code: history.successors(code)
        for code in codes.unique()
        if history.status(code) == "outdated"
    }
    for index in codes.index[
        codes.isin([code for code, successors in now.items() if len(successors) == 1])
    ]:
        yield _change(rows, index, "outdated-commune", "commune", now[codes[index]][0])


def _change(rows: gpd.GeoDataFrame, index: object, rule: str, column: str, after: str) -> Repair:
    before = str(rows.at[index, column])
    rows.at[index, column] = after
    return Repair(
        rule, str(rows.at[index, "id"]), int(rows.at[index, "source_row"]), column, before, after
    )
