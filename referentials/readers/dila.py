"""The local public directory of the DILA as it was: the CSV of 2020 and the TSV of 2013."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Columns, Reading, departement_of, make_reading
from geoguichet.referentials.directory.taxonomy import OTHER, TYPE_OF_CATEGORY
from geoguichet.referentials.readers.tables import csv_chunks

COLUMNS_2020 = (
    "id",
    "category",
    "name",
    "email",
    "phone",
    "wheelchair_access",
    "latitude",
    "longitude",
    "geoloc_precision",
    "address",
)
COLUMNS_2013 = (
    "id",
    "category",
    "address",
    "wheelchair_access",
    "name",
    "latitude",
    "longitude",
    "geoloc_precision",
)

PRECISION: Mapping[str, str] = {
    **dict.fromkeys(("8", "9", "10"), "address"),
    **dict.fromkeys(("6", "7"), "street"),
    "5": "place",
    **dict.fromkeys(("2", "3", "4"), "commune"),
    "1": "area",
}
"""Google's accuracy codes, which the directory keeps: 8 an address, 6 a street, 4 a town, 1 a
country.
"""
WHEELCHAIR: Mapping[str, str] = {"ACC": "yes", "NAC": "no", "DEM": "limited"}


def read_2020(path: Path) -> Iterator[Reading]:
    """Yield the directory of November 2020 (CSV, UTF-8, header) by chunks.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(path, columns=COLUMNS_2020):
        yield make_reading(_columns(table, "dila-2020", ("CSV « , », UTF-8, WGS 84.",)))


def read_2013(path: Path) -> Iterator[Reading]:
    """Yield the directory of June 2013 (TSV without header, quotes are ordinary characters) by
    chunks.
    """
    notes = (
        "Texte séparé par des tabulations, sans en-tête, UTF-8 ; les guillemets sont des "
        "caractères ordinaires.",
    )
    for table in csv_chunks(path, separator="\t", header=COLUMNS_2013, quoting=False):
        quoted = table["name"].str.contains('"', regex=False) | table["address"].str.contains(
            '"', regex=False
        )
        columns = _columns(table.assign(phone="", email=""), "dila-2013", notes)
        for row in table.index[quoted].tolist():
            message = "Des guillemets ne sont pas doublés : lus comme des caractères ordinaires."
            columns.findings.append(
                Finding(
                    "bare-quotes",
                    "dila-2013",
                    str(table.at[row, "id"]),
                    message,
                    "info",
                    row,
                    "name",
                )
            )
        yield make_reading(columns)


def _columns(table: pd.DataFrame, source: str, notes: tuple[str, ...]) -> Columns:
    """Return what the two tables have in common. An id is ``category-commune-rank``:
    ``mairie-31555-01``.
    """
    category = table["category"].where(
        table["category"] != "", table["id"].str.rsplit("-", n=2).str[0]
    )
    commune = table["id"].str.extract(r"-([0-9][0-9AB][0-9]{3})-[0-9]+$", expand=False).fillna("")
    parts = table["address"].str.rsplit(", ", n=2)
    full = table["address"].str.count(", ") >= 2
    return Columns(
        source=source,
        table=table,
        values={
            "id": table["id"],
            "type": category.map(TYPE_OF_CATEGORY).fillna(OTHER),
            "category": category,
            "name": table["name"],
            "operator": pd.Series("DILA", index=table.index),
            "address": parts.str[0].where(full, table["address"]),
            "postcode": parts.str[-2].where(full, "").fillna(""),
            "commune": commune,
            "commune_name": parts.str[-1].where(full, "").fillna(""),
            "departement": departement_of(commune),
            "point_precision": table["geoloc_precision"].map(PRECISION).fillna("unknown"),
            "wheelchair": table["wheelchair_access"].map(WHEELCHAIR).fillna("unknown"),
            "telephone": table["phone"],
            "email": table["email"].where(table["email"].str.contains("@", regex=False), ""),
            "site": table["email"].where(table["email"].str.startswith("http"), ""),
        },
        x=table["longitude"],
        y=table["latitude"],
        notes=notes,
    )
