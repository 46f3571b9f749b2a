"""The generic reader: whatever list of services a commune sends, with what was understood of it
told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.hours import Week, osm_week
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    blank,
    departement_of,
    french_weeks,
    join_readings,
    make_reading,
)
from geoguichet.referentials.directory.taxonomy import OTHER, SERVICE_TYPES
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.column_names import (
    DAY_FIELDS,
    FileMapping,
    match_columns,
    type_of_label,
)
from geoguichet.referentials.readers.detection import Axes, detect_axes
from geoguichet.referentials.readers.opening import GEOMETRY_X, GEOMETRY_Y, Source, open_source


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was understood of a file, before any row is read for good."""

    columns: dict[str, str]
    """Field of ``column_names.NAMES`` -> column of the file."""
    unused: tuple[str, ...]
    axes: Axes
    notes: tuple[str, ...]
    """French sentences, one a thing understood."""
    mapping: FileMapping = field(default_factory=FileMapping)


def read_file(path: Path, *, mapping: FileMapping | None = None) -> Reading:
    """Read a whole file of services; see `read_chunks`."""
    return join_readings(read_chunks(path, mapping=mapping))


def read_chunks(path: Path, *, mapping: FileMapping | None = None) -> Iterator[Reading]:
    """Yield the services of a CSV, workbook, GeoPackage, shapefile or GeoJSON file, a chunk of rows
    at a time.

    Every row comes out, or has a ``refused-row`` finding. What was understood is in the first
    reading's notes.

    Rules, beside those of ``directory.make_reading``: ``ragged-row``, ``lost-zero``,
    ``unreadable-hours``, ``assumed-crs``, ``wrong-crs-declared``, ``no-type``, ``no-name``,
    ``polygon-as-point``, ``unread-layer``, ``invalid-geometry``, ``gdal-warning``.

    Raises
    ------
    LayerError When the file is missing, damaged, of another kind, or has no row or no column that
        names or places a service.
    """
    mapping = mapping or FileMapping()
    source = open_source(path, mapping)
    first = next(source.chunks, None)
    if first is None:
        raise LayerError(
            f"{path} : aucune ligne de données ; une ligne de noms de colonnes puis des lignes "
            "sont attendues."
        )
    understood = understand(path, first, source, mapping)
    notes = understood.notes
    for chunk in itertools.chain([first], source.chunks):
        told = [*source.findings]
        source.findings.clear()
        yield _reading(path, chunk, understood, told, notes)
        notes = ()


def understand(
    path: Path, table: pd.DataFrame, source: Source, mapping: FileMapping
) -> Understanding:
    """Return what each column is, and what the coordinates are, from the first chunk.

    Raises
    ------
    LayerError When the mapping names a column the file does not have, or nothing in the file names
        or places a service.
    """
    missing = [name for name in mapping.columns.values() if name not in table.columns]
    if missing:
        raise LayerError(
            f"{path} : colonne absente : {missing[0]}. Colonnes présentes : "
            f"{', '.join(table.columns)}."
        )
    free = [name for name in table.columns if name not in mapping.columns.values()]
    columns = {**match_columns(free), **mapping.columns}
    columns = _told_apart(table, columns)
    if source.is_layer:
        columns |= {"x": GEOMETRY_X, "y": GEOMETRY_Y}
    if not columns and "type" not in mapping.defaults:
        raise LayerError(
            f"{path} : aucune colonne reconnue parmi {', '.join(map(str, table.columns[:12]))} ; "
            "nommez-les dans un fichier --mapping, ou partez du modèle (« geoguichet referentials "
            "template »)."
        )
    x, y = _coordinates(table, columns)
    declared = mapping.crs or source.crs
    axes = _axes(x, y, declared, mapping)
    if source.crs and axes.crs != source.crs and not mapping.crs:
        message = (
            f"Le fichier annonce {_crs_name(source.crs)}, mais ses coordonnées sont en "
            f"{axes.label_fr}."
        )
        source.findings.append(
            Finding(
                "wrong-crs-declared", path.name, "", message, "error", remedy="Corrigez le CRS."
            )
        )
    elif x is not None and not declared and axes.sure and axes.crs != LONLAT:
        message = f"Système de coordonnées non dit : {axes.label_fr} ({axes.crs}) supposé."
        source.findings.append(
            Finding(
                "assumed-crs",
                path.name,
                "",
                message,
                "info",
                remedy="Dites-le : crs, dans [file] de --mapping.",
            )
        )
    unused = tuple(str(name) for name in table.columns if name not in columns.values())
    return Understanding(columns, unused, axes, _notes(source, columns, unused, axes, x), mapping)


def _axes(x: pd.Series | None, y: pd.Series | None, declared: str, mapping: FileMapping) -> Axes:
    nothing = np.array([])
    given = (
        (nothing, nothing)
        if x is None or y is None
        else (numbers(x).to_numpy(float), numbers(y).to_numpy(float))
    )
    axes = detect_axes(*given, declared=declared)
    if mapping.crs or mapping.axes:
        swapped = mapping.axes == "yx" if mapping.axes else axes.swapped and axes.crs == mapping.crs
        return Axes(mapping.crs or axes.crs, mapping.crs or axes.label_fr, swapped, axes.share)
    return axes


def _notes(
    source: Source, columns: dict[str, str], unused: Sequence[str], axes: Axes, x: pd.Series | None
) -> tuple[str, ...]:
    notes = [
        *source.notes,
        "Colonnes : "
        + ", ".join(f"{name} = « {column} »" for name, column in columns.items())
        + ".",
    ]
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
    comma = x is not None and x.astype(str).str.contains(r"\d,\d", regex=True).any()
    if comma:
        notes.append("Virgule décimale.")
    return tuple(notes)


# ------------------------------------------------------------------------------------- from a chunk
# to rows


def _reading(
    path: Path,
    table: pd.DataFrame,
    understood: Understanding,
    told: list[Finding],
    notes: tuple[str, ...],
) -> Reading:
    mapping, columns, index = understood.mapping, understood.columns, table.index
    values = {name: table[column] for name, column in columns.items()}
    for name, value in mapping.defaults.items():
        given = values.get(name, blank(index))
        values[name] = given.where(given.str.strip() != "", value)
    ids = values.get("id", blank(index)).str.strip()
    shown = ids.where(ids != "", "ligne " + pd.Series(index.astype(str), index=index))
    for code in ("postcode", "commune"):
        if code in values:
            values[code], lost = _with_zeros(
                values[code].str.strip(), columns.get(code, code), shown, path.name
            )
            told += lost
    if "departement" not in values:
        known = values.get("commune", blank(index))
        values["departement"] = departement_of(
            known.where(known != "", values.get("postcode", blank(index)))
        )
    values["type"], type_findings = _types(values, mapping, path.name)
    values["name"], name_findings = _named(values, path.name, index)
    weeks, hour_findings = _weeks(table, columns, values, shown, path.name)
    told += [*type_findings, *name_findings, *hour_findings]
    if "wheelchair" in values:
        values["wheelchair"] = (
            values["wheelchair"].str.strip().str.lower().map(_YES_NO).fillna("unknown")
        )
    if "itinerant" in values:
        values["itinerant"] = values["itinerant"].str.strip().str.lower().map(_YES_NO) == "yes"
    x, y = _coordinates(table, columns)
    if understood.axes.swapped:
        x, y = y, x
    named = (
        columns.get("x") or columns.get("xy") or "x",
        columns.get("y") or columns.get("xy") or "y",
    )
    return make_reading(
        Columns(
            source=path.name,
            table=table,
            values={
                name: series
                for name, series in values.items()
                if name not in {"x", "y", "xy", "wkt", *DAY_FIELDS}
            },
            x=x,
            y=y,
            crs=understood.axes.crs,
            point_columns=(named[1], named[0]) if understood.axes.swapped else named,
            weeks=weeks,
            findings=told,
            notes=notes,
        )
    )


_YES_NO = {
    **dict.fromkeys(("oui", "yes", "o", "true", "1", "vrai", "acc", "accessible", "totale"), "yes"),
    **dict.fromkeys(("non", "no", "n", "false", "0", "faux", "nac"), "no"),
    **dict.fromkeys(("partiel", "partielle", "limited", "dem", "avec aide"), "limited"),
}


def _told_apart(table: pd.DataFrame, columns: dict[str, str]) -> dict[str, str]:
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


def _coordinates(
    table: pd.DataFrame, columns: dict[str, str]
) -> tuple[pd.Series | None, pd.Series | None]:
    """Return the published coordinates: two columns, one column with both, or the point of a WKT
    geometry.
    """
    if "x" in columns and "y" in columns:
        return table[columns["x"]], table[columns["y"]]
    if "xy" in columns:
        both = table[columns["xy"]].str.strip("()[] ")
        parts = both.str.extract(r"^([-+\d.]+)\s*[,; ]\s*([-+\d.]+)$").fillna("")
        decimal = both.str.extract(r"^([-+\d]+,\d+)\s*[; ]\s*([-+\d]+,\d+)$").fillna("")
        y, x = (parts[side].where(parts[side] != "", decimal[side]) for side in (0, 1))
        return x, y
    if "wkt" in columns:
        parts = (
            table[columns["wkt"]]
            .str.extract(r"^\s*(?:SRID=\d+;)?POINT\s*Z?\s*\(\s*(\S+)\s+([^\s)]+)")
            .fillna("")
        )
        return parts[0], parts[1]
    return None, None


def _with_zeros(
    codes: pd.Series, column: str, shown: pd.Series, layer: str
) -> tuple[pd.Series, list[Finding]]:
    """Return five-character codes: a zero a spreadsheet ate is put back, and told; ``.0`` is
    dropped.
    """
    codes = codes.str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    short = codes.str.fullmatch(r"\d{4}")
    findings = [
        Finding(
            "lost-zero",
            layer,
            str(shown[row]),
            f"Code « {codes[row]} » sans son zéro : lu « 0{codes[row]} ».",
            "info",
            row,
            column,
            "Mettez la colonne au format texte.",
        )
        for row in codes.index[short].tolist()
    ]
    return codes.where(~short, "0" + codes), findings


def _types(
    values: dict[str, pd.Series], mapping: FileMapping, layer: str
) -> tuple[pd.Series, list[Finding]]:
    index = values["departement"].index
    category = values.get("category", blank(index)).str.strip()
    known = {
        label: mapping.types.get(label) or type_of_label(label) for label in pd.unique(category)
    }
    kinds = category.map(known)
    if "type" in mapping.defaults:
        kinds = kinds.fillna(mapping.defaults["type"])
    if "category" in values or "type" in mapping.defaults:
        return kinds.fillna(""), []
    message = (
        "Aucune colonne ne dit le type des services : gardés comme « "
        f"{SERVICE_TYPES[OTHER].label_fr} »."
    )
    remedy = 'Ajoutez une colonne « type », ou type = "..." dans [defaults] de --mapping.'
    return pd.Series(OTHER, index=index), [Finding("no-type", layer, "", message, remedy=remedy)]


def _named(
    values: dict[str, pd.Series], layer: str, index: pd.Index
) -> tuple[pd.Series, list[Finding]]:
    """Return names: the type and commune stand in for a missing one, and it is told once."""
    name = values.get("name", blank(index)).str.strip()
    missing = name == ""
    if not missing.any():
        return name, []
    label = values["type"].map(
        {key: kind.label_fr.capitalize() for key, kind in SERVICE_TYPES.items()}
    )
    place = values.get("commune_name", values.get("commune", blank(index))).str.strip()
    instead = (label.fillna("Service") + " - " + place).str.removesuffix(" - ")
    message = (
        f"{int(missing.sum())} service(s) sans nom : nommés d'après leur type et leur commune."
    )
    return name.where(~missing, instead), [Finding("no-name", layer, "", message, "info")]


def _weeks(
    table: pd.DataFrame,
    columns: dict[str, str],
    values: dict[str, pd.Series],
    shown: pd.Series,
    layer: str,
) -> tuple[list[Week | None] | None, list[Finding]]:
    """Return the weeks of seven day columns, or of one column of hours; what is not understood is
    told.
    """
    days = [columns.get(day) for day in DAY_FIELDS]
    if sum(day is not None for day in days) >= 5:
        cells = pd.DataFrame(
            {
                day: table[column] if column else blank(table.index)
                for day, column in zip(DAY_FIELDS, days, strict=True)
            }
        )
        values["hours_raw"] = cells.apply(
            lambda row: "; ".join(
                f"{day} {text.strip()}" for day, text in row.items() if text.strip()
            ),
            axis=1,
        )
        weeks, findings = french_weeks(cells, layer=layer, items=shown)
        return weeks, findings
    if "hours" not in values:
        return None, []
    values["hours_raw"] = values["hours"]
    read = [osm_week(text) for text in values["hours"]]
    odd = [
        row
        for row, week, text in zip(table.index.tolist(), read, values["hours"], strict=True)
        if text.strip() and week is None
    ]
    return read, [
        Finding(
            "unreadable-hours",
            layer,
            str(shown[row]),
            f"Horaires illisibles (« {values['hours'].loc[row][:60]!s} »), tenus pour inconnus ; "
            "le texte est gardé.",
            "warning",
            row,
            columns.get("hours", "hours"),
            "Écrivez « Mo-Fr 09:00-12:00,14:00-17:00 », ou une colonne par jour.",
        )
        for row in odd
    ]


def _crs_name(crs: str) -> str:
    try:
        return str(pyproj.CRS.from_user_input(crs).name)
    except pyproj.exceptions.CRSError:
        return crs
