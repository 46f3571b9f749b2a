"""The generic reader: whatever list of services a commune sends, with what was understood of it
told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import Axes, detect_axes, numbers
from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.column_names import FileMapping, match_columns
from geoguichet.referentials.readers.column_tables import ColumnTable, coordinates, read_chunk
from geoguichet.referentials.readers.conversions import columns_in
from geoguichet.referentials.readers.open_table import GEOMETRY_X, GEOMETRY_Y, open_table
from geoguichet.referentials.readers.text_tables import OpenedTable, require_columns


def read_chunks(path: Path, *, mapping: FileMapping | None = None) -> Iterator[Reading]:
    """Yield the services of a CSV, workbook, GeoPackage, shapefile or GeoJSON file, a chunk of rows
    at a time.

    Every row comes out, or has a ``refused-row`` finding. What was understood is in the first
    reading's notes.

    Rules, beside those of ``column_tables``: ``ragged-row``, ``assumed-crs``,
    ``wrong-crs-declared``, ``polygon-as-point``, ``unread-layer``, ``invalid-geometry``,
    ``gdal-warning``.

    Raises
    ------
    LayerError
        When the file is missing, damaged, of another kind, or has no row or no column that names
        or places a service.
    """
    mapping = mapping or FileMapping()
    opened = open_table(path, mapping)
    first = next(opened.chunks, None)
    if first is None:
        raise LayerError(
            f"{path} : aucune ligne de données ; une ligne de noms de colonnes puis des lignes "
            "sont attendues."
        )
    how = understand(path, first, opened, mapping)
    notes = how.notes
    for chunk in itertools.chain([first], opened.chunks):
        findings = [*opened.findings]
        opened.findings.clear()
        yield read_chunk(chunk, how, findings, notes)
        notes = ()


def understand(
    path: Path, table: pd.DataFrame, opened: OpenedTable, mapping: FileMapping
) -> ColumnTable:
    """Return what each column is, and what the coordinates are, from the first chunk.

    Raises
    ------
    LayerError
        When the mapping names a column the file does not have, or nothing in the file names or
        places a service.
    """
    given = [column for said in mapping.columns.values() for column in columns_in(said)]
    require_columns(table, given, path)
    free = [name for name in table.columns if name not in given]
    columns = _codes_told_from_names(table, {**match_columns(free), **mapping.columns})
    if opened.is_layer:
        columns |= {"x": GEOMETRY_X, "y": GEOMETRY_Y}
    if not columns and "type" not in mapping.defaults:
        raise LayerError(
            f"{path} : aucune colonne reconnue parmi {', '.join(map(str, table.columns[:12]))} ; "
            "nommez-les dans un fichier --mapping, ou partez du modèle (« geoguichet referentials "
            "template »)."
        )
    x, y = coordinates(table, columns)
    axes = _axes(x, y, mapping.crs or opened.crs, mapping)
    opened.findings.extend(_crs_findings(path, opened, mapping, axes, placed=x is not None))
    return ColumnTable(
        path.name,
        columns,
        types=mapping.types,
        labels=True,
        completed=True,
        defaults=mapping.defaults,
        crs=axes.crs,
        swapped=axes.swapped,
        notes=_notes(table, opened, columns, axes, x),
    )


def _codes_told_from_names(table: pd.DataFrame, columns: dict[str, str]) -> dict[str, str]:
    """Take a column called ``commune`` for the INSEE code when that is what it holds."""
    named = columns.get("commune_name")
    if named is None or "commune" in columns:
        return columns
    text = table[named].str.strip()
    filled = text[text != ""]
    if len(filled) and filled.str.fullmatch(r"\d[\dAB]\d{3}").mean() > 0.8:
        return {key: value for key, value in columns.items() if key != "commune_name"} | {
            "commune": named
        }
    return columns


def _axes(x: pd.Series | None, y: pd.Series | None, declared: str, mapping: FileMapping) -> Axes:
    if x is None or y is None:
        axes = detect_axes(np.array([]), np.array([]), declared=declared)
    else:
        axes = detect_axes(numbers(x).to_numpy(), numbers(y).to_numpy(), declared=declared)
    if mapping.crs and mapping.crs != axes.crs:
        axes = Axes(mapping.crs, mapping.crs, share=axes.share)
    elif mapping.crs:
        axes = replace(axes, label_fr=mapping.crs)
    return replace(axes, swapped=mapping.axes == "yx") if mapping.axes else axes


def _crs_findings(
    path: Path, opened: OpenedTable, mapping: FileMapping, axes: Axes, *, placed: bool
) -> Iterator[Finding]:
    if opened.crs and axes.crs != opened.crs and not mapping.crs:
        message = (
            f"Le fichier annonce {_crs_name(opened.crs)}, mais ses coordonnées sont en "
            f"{axes.label_fr}."
        )
        remedy = "Corrigez le CRS."
        yield Finding("wrong-crs-declared", path.name, "", message, "error", remedy=remedy)
    elif placed and not (mapping.crs or opened.crs) and axes.sure and axes.crs != LONLAT:
        message = f"Système de coordonnées non dit : {axes.label_fr} ({axes.crs}) supposé."
        remedy = "Dites-le : crs, dans [file] de --mapping."
        yield Finding("assumed-crs", path.name, "", message, "info", remedy=remedy)


def _crs_name(crs: str) -> str:
    try:
        return str(pyproj.CRS.from_user_input(crs).name)
    except pyproj.exceptions.CRSError:
        return crs


def _notes(
    table: pd.DataFrame,
    opened: OpenedTable,
    columns: dict[str, str],
    axes: Axes,
    x: pd.Series | None,
) -> tuple[str, ...]:
    said = ", ".join(f"{name} = « {column} »" for name, column in columns.items())
    used = {column for expression in columns.values() for column in columns_in(expression)}
    unused = [str(name) for name in table.columns if name not in used]
    notes = [*opened.notes, f"Colonnes : {said}."]
    if unused:
        notes.append(f"Colonnes laissées de côté : {', '.join(unused)}.")
    if x is None:
        notes.append("Aucune coordonnée : les services seront placés à la mairie de leur commune.")
    elif not axes.sure:
        notes.append(
            f"Coordonnées lues en {axes.label_fr}, sans certitude : peu de points tombent en "
            "France."
        )
    else:
        order = "latitude d'abord" if axes.swapped else "longitude (x) d'abord"
        notes.append(
            f"Coordonnées en {axes.label_fr}, {order} ; {axes.share:.0%} des points en France."
        )
    if x is not None and x.astype(str).str.contains(r"\d,\d", regex=True).any():
        notes.append("Virgule décimale.")
    return tuple(notes)
