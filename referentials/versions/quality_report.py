"""Check a stored directory against a territory: a table, a layer of findings for QGIS, the safe
repairs on demand.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geoguichet.floor.errors import UsageError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.quality import (
    directory_findings,
    ground_findings,
    table_findings,
    within_territory,
)
from geoguichet.referentials.directory.repairs import Repair, repair
from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers import cog
from geoguichet.referentials.readers.tables_by_code import TABLES
from geoguichet.referentials.regions.region import write_layers
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.territory import Territory, territory_of
from geoguichet.referentials.versions.store import SERVICES, ReferentialStore, Version

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
        INSEE's history of commune codes, in one of the forms of ``readers.cog``.
    fix
        Store a new version with the safe repairs made (``repairs.SAFE``).
    """
    version = store.find(name)
    rows = store.rows(version)
    if version.kind != SERVICES:
        return _check_table(
            store, version, rows, cog.read_any_history(history) if history else None, fix=fix
        )
    ground, codes = territory_of(territory), cog.read_any_history(history) if history else None
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
