"""INSEE's BPE: how many pieces of equipment of each kind a commune has, in the shapes it was
published in.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.taxonomy import TYPE_OF_BPE
from geoguichet.referentials.readers.tables import csv_chunks

LABELS_2013: Mapping[str, str] = {
    "Agence de proximité pôle emploi": "employment_agency",
    "Relais de proximité pôle emploi": "employment_agency",
    "Permanence pôle emploi": "employment_agency",
    "Agence spécialisée": "employment_agency",
    "Bureau de poste": "post_office",
    "Agence postale communale": "post_agency",
    "Relais poste commerçant": "post_relay",
    "Relais poste": "post_relay",
    "Gendarmerie": "gendarmerie",
    "Police": "police_station",
    "Maternité": "maternity",
    "Urgences": "emergency",
    "Médecin omnipraticien": "general_practitioner",
    "Pharmacie": "pharmacy",
    "Collège": "college",
}
"""Type of the labels of the 2013 cross table, which has no codes."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Pieces of equipment by commune."""

    rows: pd.DataFrame
    """commune, iris (missing when by commune), equipment (code or label), type (missing when not
    one of ours), count, year, source_row; one row a commune and kind that has any."""
    findings: tuple[Finding, ...]
    rows_in: int
    """Rows of the file; equal to the distinct ``source_row`` plus the ``empty-row`` findings."""


def read_cross_table(path: Path, *, year: int = 2013) -> Counts:
    """Read the 2013 workbook: a row a commune, a column a kind of equipment.

    Raises
    ------
    LayerError
        When the file is missing or is no such workbook.
    """
    try:
        book = openpyxl.load_workbook(path, read_only=True)
        lines = book.worksheets[0].iter_rows(values_only=True)
        header = [str(name) for name in next(lines)]
        found = [
            (str(line[0]), header[column], float(value), number)
            for number, line in enumerate(lines, start=1)
            for column, value in enumerate(line)
            if value is not None and column > 1 and isinstance(value, int | float)
        ]
        total = (book.worksheets[0].max_row or 1) - 1
        book.close()
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError, StopIteration) as error:
        raise LayerError(
            f"{path} : classeur illisible ({error}) ; un fichier .xlsx est attendu."
        ) from error
    if header[0] != "depcom":
        raise LayerError(
            f"{path} : la première colonne est « {header[0]} », « depcom » est attendue."
        )
    rows = pd.DataFrame(found, columns=["commune", "equipment", "count", "source_row"])
    rows["type"] = rows["equipment"].map(LABELS_2013)
    return _counts(rows.assign(year=year, iris=None), total, path)


def read_by_iris(path: Path) -> Counts:
    """Read a detail file (``bpe18_enseignement``: DEPCOM, DCIRIS, TYPEQU, NB_EQUIP; CSV ``;``)."""
    tables = list(
        csv_chunks(path, separator=";", columns=("DEPCOM", "DCIRIS", "AN", "TYPEQU", "NB_EQUIP"))
    )
    table = pd.concat(tables)
    rows = pd.DataFrame(
        {
            "commune": table["DEPCOM"],
            "iris": table["DCIRIS"].where(table["DCIRIS"] != table["DEPCOM"], None),
            "equipment": table["TYPEQU"],
            "type": table["TYPEQU"].map(TYPE_OF_BPE),
            "count": pd.to_numeric(table["NB_EQUIP"], errors="coerce"),
            "year": pd.to_numeric(table["AN"], errors="coerce"),
            "source_row": table.index,
        }
    )
    return _counts(rows, len(table), path)


def read_by_commune(path: Path, *, year: int = 2017) -> Counts:
    """Read an extract with a column ``NB_<code>`` a kind of equipment (``CODGEO``, ``NB_D201``; CSV
    ``,``).
    """
    table = pd.concat(list(csv_chunks(path, columns=("CODGEO",))))
    codes = [name.removeprefix("NB_") for name in table.columns if name.startswith("NB_")]
    parts = [
        pd.DataFrame(
            {
                "commune": table["CODGEO"],
                "iris": None,
                "equipment": code,
                "type": TYPE_OF_BPE.get(code),
                "count": pd.to_numeric(table[f"NB_{code}"], errors="coerce"),
                "year": year,
                "source_row": table.index,
            }
        )
        for code in codes
    ]
    if not parts:
        raise LayerError(
            f"{path} : aucune colonne NB_<code BPE> ; colonnes présentes : "
            f"{', '.join(table.columns)}."
        )
    return _counts(pd.concat(parts), len(table), path)


COLUMNS: Sequence[str] = ("commune", "iris", "equipment", "type", "count", "year", "source_row")


def _counts(rows: pd.DataFrame, rows_in: int, path: Path) -> Counts:
    kept = rows[rows["count"].notna()]
    empty = sorted(set(range(1, rows_in + 1)) - set(kept["source_row"]))
    findings = tuple(
        Finding(
            "empty-row", path.name, "", "Cette ligne n'a aucun équipement lisible.", "info", row
        )
        for row in empty
    )
    return Counts(kept[list(COLUMNS)].reset_index(drop=True), findings, rows_in)
