"""The three files of one version of a referential, written chunk by chunk in bounded memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import geopandas as gpd
import numpy as np
import pyogrio

from geoguichet.referentials.directory import Reading
from geoguichet.referentials.errors import StoreError
from geoguichet.referentials.places import in_france
from geoguichet.referentials.quality import Finding, count_by_rule
from geoguichet.referentials.versions import DATA, FINDINGS, SERVICES


@dataclass(slots=True)
class Tally:
    """What was counted while a version was written."""

    kind: str = "services"
    rows_in: int = 0
    rows: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    bbox: tuple[float, float, float, float] | None = None

    def reach(self, rows: gpd.GeoDataFrame) -> None:
        """Extend the box to the geometries of a chunk; points out of France, which are findings, do not stretch it."""
        bounds = rows.total_bounds
        if self.kind == SERVICES:
            points = rows.geometry[rows.geometry.notna()]
            inside = points[in_france(points.x.to_numpy(), points.y.to_numpy())]
            bounds = inside.total_bounds if len(inside) else bounds
        if np.isfinite(bounds).all():
            west, south, east, north = (float(value) for value in bounds)
            old = self.bbox or (west, south, east, north)
            self.bbox = min(old[0], west), min(old[1], south), max(old[2], east), max(old[3], north)

    def count(self, findings: Iterable[Finding]) -> None:
        """Add findings to the counts by rule."""
        for rule, count in count_by_rule(findings).items():
            self.rules[rule] = self.rules.get(rule, 0) + count


def write_chunks(folder: Path, readings: Iterable[Reading]) -> Tally:
    """Write the data and the findings of a version; at no time is more than one chunk in memory.

    Rows of different chunks may bear one identifier: they are told apart at the end, in the file itself
    (rule ``duplicate-id``), since a set of all identifiers would grow with the file.

    Raises
    ------
    StoreError
        When there is no row at all.
    """
    tally, chunks = Tally(), 0
    with (folder / FINDINGS).open("w", encoding="utf-8") as journal:
        for reading in _not_empty(readings):
            chunks += 1
            tally.kind = reading.kind
            pyogrio.write_dataframe(
                reading.rows,
                folder / DATA,
                layer=reading.kind,
                driver="GPKG",
                append=chunks > 1,
                geometry_type=_geometry_type(reading),
                promote_to_multi=_geometry_type(reading) == "MultiPolygon",
                layer_options={"GEOMETRY_NAME": "geometry"},
            )
            _tell(journal, tally, reading.findings)
            tally.reach(reading.rows)
            tally.rows_in, tally.rows = tally.rows_in + reading.rows_in, tally.rows + len(reading.rows)
            tally.notes += [note for note in reading.notes if note not in tally.notes]
        if chunks > 1:
            _tell(journal, tally, list(_tell_apart(folder / DATA, tally.kind)))
    return tally


def _geometry_type(reading: Reading) -> str:
    """Return the type of the layer: rows without a geometry go with any."""
    kinds = set(reading.rows.geom_type.dropna())
    if kinds <= {"Point"}:
        return "Point"
    return "MultiPolygon" if kinds <= {"Polygon", "MultiPolygon"} else "Unknown"


def _tell(journal: IO[str], tally: Tally, findings: Iterable[Finding]) -> None:
    told = list(findings)
    journal.writelines(json.dumps(finding.as_dict(), ensure_ascii=False) + "\n" for finding in told)
    tally.count(told)


def _tell_apart(data: Path, layer: str) -> Iterator[Finding]:
    """Complete with its row the identifier of each row that another row, of an earlier chunk, already bears."""
    earlier = f'SELECT 1 FROM "{layer}" AS b WHERE b.id = a.id AND b.fid < a.fid'
    later = f'SELECT fid, id, source, source_row FROM "{layer}" AS a WHERE EXISTS ({earlier})'
    with closing(sqlite3.connect(data)) as database:
        for name in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):  # named by the layer's own triggers, never called
            database.create_function(f"ST_{name}", 1, lambda _: None)
        database.execute(f'CREATE INDEX "{layer}_id" ON "{layer}" (id)')
        found = database.execute(later).fetchall()
        for fid, identifier, source, row in found:
            own = f"{identifier}#{row}"
            database.execute(f'UPDATE "{layer}" SET id = ? WHERE fid = ?', (own, fid))
            message = f"L'identifiant « {identifier} » est déjà pris : cette ligne devient « {own} »."
            remedy = "Donnez à chaque ligne un identifiant qui ne change pas d'une livraison à l'autre."
            yield Finding("duplicate-id", source, own, message, "warning", row, remedy=remedy)
        database.execute(f'DROP INDEX "{layer}_id"')
        database.commit()


def _not_empty(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Yield the readings; refuse a file that gives none."""
    empty = True
    for reading in readings:
        empty = False
        yield reading
    if empty:
        raise StoreError("le fichier ne contient aucune ligne ; rien n'est importé.")
