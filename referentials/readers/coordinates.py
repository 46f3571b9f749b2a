"""The published coordinates of a file whose columns are known, and the systems they are in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj

from geoguichet.floor.errors import UsageError
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.ground import OVERSEAS, axes_by_ground
from geoguichet.referentials.directory.placing import Axes, detect_axes, numbers
from geoguichet.referentials.directory.schema import blank
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.column_names import FileMapping
from geoguichet.referentials.readers.conversions import Expression, value_of
from geoguichet.referentials.readers.spreadsheet_cells import mended_code
from geoguichet.referentials.readers.text_tables import OpenedTable
from geoguichet.referentials.territories.code_history import departement_of


def coordinates(
    table: pd.DataFrame, columns: Mapping[str, Expression]
) -> tuple[pd.Series | None, pd.Series | None]:
    """Return the published coordinates: two columns, one column with both, or the point of a WKT
    geometry.
    """
    if "x" in columns and "y" in columns:
        return value_of(table, columns["x"]), value_of(table, columns["y"])
    if "xy" in columns:
        both = value_of(table, columns["xy"]).str.strip("()[] ")
        parts = both.str.extract(r"^([-+\d.]+)\s*[,; ]\s*([-+\d.]+)$").fillna("")
        decimal = both.str.extract(r"^([-+\d]+,\d+)\s*[; ]\s*([-+\d]+,\d+)$").fillna("")
        y, x = (parts[side].where(parts[side] != "", decimal[side]) for side in (0, 1))
        return x, y
    if "wkt" in columns:
        parts = (
            value_of(table, columns["wkt"])
            .str.extract(r"^\s*(?:SRID=\d+;)?POINT\s*Z?\s*\(\s*(\S+)\s+([^\s)]+)")
            .fillna("")
        )
        return parts[0], parts[1]
    return None, None


def departements_of(table: pd.DataFrame, columns: Mapping[str, Expression]) -> pd.Series:
    """Return the département that the codes of each row are of; blank where they say none."""
    found = blank(table.index)
    for name in ("commune", "postcode", "departement"):
        if name in columns:
            codes = value_of(table, columns[name])
            codes = codes.map({code: mended_code(code) for code in codes.unique()})
            codes = codes.where(~codes.str.fullmatch(r"\d{4}|\d"), "0" + codes)
            found = found.where(found != "", departement_of(codes))
    return found


def axes_of(
    x: pd.Series | None,
    y: pd.Series | None,
    departements: pd.Series,
    announced: str,
    mapping: FileMapping,
) -> tuple[Axes, Mapping[str, str]]:
    """Return what the coordinates of a file are, and the system of each overseas département whose
    rows are in another; a mapping speaks over what is announced or found.

    Raises
    ------
    UsageError
        The system of the mapping is not known.
    """
    if mapping.crs and not _crs_name(mapping.crs):
        raise UsageError(
            Message(
                "crs = « {crs} », dans [file] de --mapping : ce système n'est pas connu ; essayez "
                "EPSG:4326 ou EPSG:2154.",
                crs=mapping.crs,
            )
        )
    announced = announced if _crs_name(announced) else ""
    declared, systems = mapping.crs or announced, dict[str, str]()
    if x is None or y is None:
        axes = detect_axes(np.array([]), np.array([]), declared=declared)
    else:
        axes, systems = axes_by_ground(
            numbers(x).to_numpy(), numbers(y).to_numpy(), departements, declared=declared
        )
    if mapping.crs and mapping.crs != axes.crs:
        axes = Axes(mapping.crs, mapping.crs, share=axes.share)
    elif mapping.crs:
        axes = replace(axes, label_fr=mapping.crs)
    axes = replace(axes, swapped=mapping.axes == "yx") if mapping.axes else axes
    return axes, {} if mapping.crs else systems


def crs_findings(
    path: Path,
    opened: OpenedTable,
    mapping: FileMapping,
    axes: Axes,
    systems: Mapping[str, str],
    *,
    placed: bool,
) -> Iterator[Finding]:
    """Yield what has to be said of the coordinate systems: ``wrong-crs-declared``,
    ``assumed-crs``.
    """
    if opened.crs and axes.crs != opened.crs and not mapping.crs:
        yield Finding(
            "wrong-crs-declared",
            path.name,
            "",
            Message(
                "Le fichier annonce {said}, mais ses coordonnées sont en {found}.",
                said=_crs_name(opened.crs) or opened.crs,
                found=axes.label_fr,
            ),
            "error",
            remedy=Message("Corrigez le CRS."),
        )
    elif placed and not (mapping.crs or opened.crs) and axes.sure and axes.crs != LONLAT:
        yield Finding(
            "assumed-crs",
            path.name,
            "",
            Message(
                "Système de coordonnées non dit : {label} ({crs}) supposé.",
                label=axes.label_fr,
                crs=axes.crs,
            ),
            "info",
            remedy=Message("Dites-le : crs, dans [file] de --mapping."),
        )
    for code, crs in systems.items():
        yield Finding(
            "assumed-crs",
            path.name,
            "",
            Message(
                "{ground} : coordonnées d'un autre système que les autres lignes, {crs} supposé.",
                ground=OVERSEAS[code][1],
                crs=crs,
            ),
            "info",
            remedy=Message(
                "Donnez un fichier par territoire, et son crs dans [file] de --mapping."
            ),
        )


# Return the name of a coordinate system; empty when it is not known.
def _crs_name(crs: str) -> str:
    try:
        return str(pyproj.CRS.from_user_input(crs).name)
    except pyproj.exceptions.CRSError:
        return ""
