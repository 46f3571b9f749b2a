"""Check a stored directory against a territory: a table, a layer of findings for QGIS, the safe
repairs on demand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.errors import UsageError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.ground import within_territory
from geoguichet.referentials.directory.placing import in_france, numbers, with_decimal_points
from geoguichet.referentials.directory.quality import (
    directory_findings,
    table_findings,
)
from geoguichet.referentials.directory.schema import Reading, damaged, mended
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers import territories
from geoguichet.referentials.readers.tables_by_code import TABLES
from geoguichet.referentials.regions.region import write_layers
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.territory import Territory, ground_findings, territory_of
from geoguichet.referentials.versions.store import SERVICES, ReferentialStore, Version

# The few repairs that are safe: each is listed, applied on demand only, and recorded.


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
        centre = centres.get(rows.at[index, "departement"])
        if (
            moved is None
            or centre is None
            or np.hypot(float(moved[0]) - centre[0], float(moved[1]) - centre[1]) > NEAR_DEG
        ):
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


_GRAVITY = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True, eq=False)
class CheckReport:
    """What a check found."""

    version: Version
    #: The rows of the territory.
    rows: gpd.GeoDataFrame
    findings: tuple[Finding, ...]
    repairs: tuple[Repair, ...] = ()
    fixed: Version | None = None

    def table(self) -> Iterator[tuple[str, str, int, str]]:
        """Yield rule, severity, count and an example, the gravest and most frequent first."""
        frame = pd.DataFrame(
            [finding.as_dict() for finding in self.findings],
            columns=["rule", "severity", "message"],
        )
        grouped = (
            frame.groupby(["rule", "severity"])["message"].agg(["size", "first"]).reset_index()
        )
        grouped["gravity"] = grouped["severity"].map(_GRAVITY)
        for row in grouped.sort_values(["gravity", "size"], ascending=[True, False]).itertuples(
            index=False
        ):
            yield str(row.rule), str(row.severity), int(str(row.size)), str(row.first)

    def layer(self) -> gpd.GeoDataFrame:
        """Return the findings with the point of their row: rule, severity, item, row, column,
        message, remedy.
        """
        frame = pd.DataFrame(
            [finding.as_dict() for finding in self.findings],
            columns=["rule", "severity", "layer", "item", "row", "column", "message", "remedy"],
        )
        points = self.rows.drop_duplicates("id").set_index("id").geometry
        frame["row"] = frame["row"].fillna(0).astype(int)
        return gpd.GeoDataFrame(frame, geometry=points.reindex(frame["item"]).array, crs=LONLAT)

    def write(self, path: Path) -> None:
        """Write the layer of findings to a GeoPackage.

        Raises
        ------
        LayerError
            When it cannot be written.
        """
        write_layers({"findings": self.layer()}, path, titles={"findings": "Constats"})


def check_version(
    store: ReferentialStore,
    name: str,
    *,
    territory: str,
    history: Path | None = None,
    fix: bool = False,
) -> CheckReport:
    """Check the rows of a stored directory that belong to a territory.

    Parameters
    ----------
    territory
        ``sample``, or a GeoPackage with communes and départements.
    history
        INSEE's history of commune codes, in one of the forms of ``readers.territories``.
    fix
        Store a new version with the safe repairs made (`SAFE`).
    """
    version = store.find(name)
    rows = store.rows(version)
    if version.kind != SERVICES:
        return _check_table(
            store,
            version,
            rows,
            territories.read_any_history(history) if history else None,
            fix=fix,
        )
    ground, codes = (
        territory_of(territory),
        territories.read_any_history(history) if history else None,
    )
    repairs: tuple[Repair, ...] = ()
    fixed = None
    if fix:
        rows, repairs = repair(rows, history=codes)
        fixed = _store_repaired(store, version, rows, repairs) if repairs else None
    kept = rows[within_territory(rows, ground)].reset_index(drop=True)
    ids = set(kept["id"])
    noticed = [
        finding for finding in store.findings(version) if not finding.item or finding.item in ids
    ]
    found = [
        *directory_findings(kept, territory=ground, history=codes, layer=version.name),
        *_population_sums(ground),
    ]
    return CheckReport(version, kept, (*noticed, *found), repairs, fixed)


# Store the repaired rows as a version derived from another; which repairs were made is part of its
# digest.
def _store_repaired(
    store: ReferentialStore, version: Version, rows: gpd.GeoDataFrame, repairs: tuple[Repair, ...]
) -> Version:
    mended = {(each.rule, each.item) for each in repairs}
    left = [
        finding for finding in store.findings(version) if (finding.rule, finding.item) not in mended
    ]
    reading = Reading(
        rows,
        (*left, *(each.as_finding(version.name) for each in repairs)),
        version.rows_in,
        (f"{len(repairs)} réparations sûres sur {version.short}.",),
    )
    return store.put(
        version.name,
        [reading],
        origin=store.path(version),
        reader=version.reader,
        mapping="fix " + " ".join(f"{each.rule}/{each.item}/{each.after}" for each in repairs),
        derived_from=version.digest,
    )


# Check a table by code; nothing in it is safe to repair without its source.
def _check_table(
    store: ReferentialStore,
    version: Version,
    rows: gpd.GeoDataFrame,
    history: CommuneHistory | None,
    *,
    fix: bool,
) -> CheckReport:
    if fix:
        raise UsageError(
            f"{version.name} : --fix ne répare que des services, pas des "
            f"{TABLES[version.kind].label_fr}."
        )
    return CheckReport(
        version,
        rows,
        (*store.findings(version), *table_findings(rows, history=history, layer=version.name)),
    )


# Return the départements whose communes' inhabitants do not add up to theirs, where both are told.
def _population_sums(ground: Territory) -> list[Finding]:
    if "population" not in ground.departements.columns:
        return []
    return ground_findings(ground.communes, ground.departements, "departement", layer=ground.name)
