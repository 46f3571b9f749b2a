"""Inhabitants by commune (any table with a code and numbers) and by grid cell, in the populations
schema.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.directory.schema import REFUSED, Reading, departement_of
from geoguichet.referentials.readers import filosofi
from geoguichet.referentials.readers.column_names import FileMapping, folded
from geoguichet.referentials.readers.opening import EXTRA, open_source
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

CODE = (
    "code",
    "codgeo",
    "code insee",
    "insee com",
    "insee",
    "depcom",
    "com",
    "code commune",
    "commune",
    "citycode",
)
NAME = ("nom", "libgeo", "libelle", "nom commune", "nom com", "lib com", "name")
POPULATION = (
    "population",
    "pmun",
    "population municipale",
    "ptot",
    "population totale",
    "pop",
    "habitants",
)
YEAR = ("annee", "millesime", "year", "an")


def read_table(path: Path, *, mapping: FileMapping | None = None) -> Iterator[Reading]:
    """Yield figures by commune: CSV, workbook or JSON with a commune code; every number column is
    kept.

    Rules, beside those of ``tables_by_code.make_table``: ``lost-zero``, ``unreadable-number``,
    ``negative-number``.

    Raises
    ------
    LayerError
        When there is no row, no column of commune codes or no number.
    """
    source = open_source(path, mapping or FileMapping())
    first = next(source.chunks, None)
    if first is None:
        raise LayerError(
            f"{path} : aucune ligne ; une colonne de codes de communes et des nombres sont "
            "attendus."
        )
    by_name = {folded(name): str(name) for name in first.columns}
    sought = {"code": CODE, "name": NAME, "population": POPULATION, "year": YEAR}
    found = {
        field: next((by_name[word] for word in words if word in by_name), "")
        for field, words in sought.items()
    }
    if (
        not found["code"]
        or not first[found["code"]].str.strip().str.fullmatch(r"\d?[\dAB]?\d{3,4}").mean() > 0.8
    ):
        raise LayerError(
            f"{path} : aucune colonne de codes de communes ; colonnes présentes : "
            f"{', '.join(map(str, first.columns))}."
        )
    others = [
        str(name)
        for name in first.columns
        if name not in {*found.values(), EXTRA} and _is_numeric(first[name])
    ]
    if not others and not found["population"]:
        raise LayerError(f"{path} : aucune colonne de nombres à côté du code des communes.")
    notes = (*source.notes,
    f"Code = « {found['code']} », population = « {found['population'] or 'absente'} » ; "
             f"autres nombres : {', '.join(others) or 'aucun'}.")  # fmt: skip
    for chunk in itertools.chain([first], source.chunks):
        yield _reading(path.name, chunk, found, others, [*source.findings], notes)
        source.findings.clear()
        notes = ()


def _reading(layer: str, table: pd.DataFrame, found: Mapping[str, str], others: list[str],
told: list[Finding],
             notes: tuple[str, ...]) -> Reading:  # fmt: skip
    code = table[found["code"]].str.strip()
    short = code.str.fullmatch(r"\d{4}")
    for row in code.index[short].tolist():
        message = f"Code « {code[row]} » sans son zéro : lu « 0{code[row]} »."
        told.append(
            Finding(
                "lost-zero", layer, f"commune-0{code[row]}", message, "info", row, found["code"]
            )
        )
    code = code.where(~short, "0" + code)
    values = {
        "code": code,
        "level": pd.Series("commune", index=table.index),
        "departement": departement_of(code),
    }
    values |= {field: table[found[field]] for field in ("name", "year") if found[field]}
    counted = {name: table[name] for name in others}
    if found["population"]:
        counted["population"] = table[found["population"]]
    read = {
        name: numbers(text.str.strip().where(text.str.strip() != "", None))
        for name, text in counted.items()
    }
    for name, text in counted.items():
        for row in text.index[read[name].isna() & (text.str.strip() != "")].tolist():
            message = f"« {text[row]} » n'est pas un nombre : tenu pour inconnu."
            told.append(
                Finding(
                    "unreadable-number",
                    layer,
                    f"commune-{code[row]}",
                    message,
                    "warning",
                    row,
                    name,
                )
            )
    negative = read.get("population", pd.Series(dtype=float)) < 0
    told += [
        Finding(
            "negative-number",
            layer,
            f"commune-{code[row]}",
            "Population négative.",
            "error",
            row,
            "population",
        )
        for row in negative.index[negative].tolist()
    ]
    values |= {"population": read.pop("population")} if "population" in read else {}
    return make_table(
        CodedColumns("populations", layer, values, others=read, findings=told, notes=notes)
    )


def _is_numeric(text: pd.Series) -> bool:
    filled = text[text.str.strip() != ""]
    return bool(len(filled)) and bool(numbers(filled).notna().mean() > 0.8)


def read_grid(path: Path) -> Iterator[Reading]:
    """Yield the inhabited cells of a Filosofi grid, a table of centres or a raster.

    Rules: ``refused-row`` (a cell without a position or a number), ``fractional-population``
    (fractions of inhabitants, an imputation of the publisher).
    """
    grid = (
        filosofi.read_raster(path)
        if path.suffix.lower() in {".tif", ".tiff"}
        else filosofi.read_table(path)
    )
    cells = grid.cells.set_axis(range(1, len(grid.cells) + 1))
    fractions = int((cells["inhabitants"] % 1 != 0).sum())
    message = (
        f"{fractions} carreau(x) ont une fraction d'habitant : valeurs imputées par "
        "l'INSEE, gardées telles quelles."
    )
    findings = (
        [Finding("fractional-population", "filosofi", "", message, "info")] if fractions else []
    )
    refused = tuple(replace(finding, rule=REFUSED) for finding in grid.findings)
    reading = make_table(
        CodedColumns(
            "populations",
            "filosofi",
            {
                "code": cells["id"],
                "level": pd.Series("cell", index=cells.index),
                "population": cells["inhabitants"],
            },
            cells.geometry,
            findings=findings,
            notes=(f"Carreaux de {grid.size_m} m, EPSG:3035.",),
        )
    )
    yield replace(reading, rows_in=grid.rows_in, findings=(*reading.findings, *refused))
