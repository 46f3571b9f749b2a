"""Hospitals of the SAE 2023: identities, emergency departments, maternity wards; Latin-1, without
coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import (
    REFUSED,
    Columns,
    Reading,
    address_of,
    departement_of,
    make_reading,
)
from geoguichet.referentials.readers.tables import csv_chunks

SOURCE = "sae-2023"


def read(path: Path) -> Iterator[Reading]:
    """Yield the establishments (``ID_2023r.csv``: CSV ``;``, Latin-1), located by their commune
    code only.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(
        path, separator=";", encoding="latin-1", columns=("fi", "rs", "COMINSEE", "CPO")
    ):
        yield make_reading(
            Columns(
                source=SOURCE,
                table=table,
                values={
                    "id": "finess-" + table["fi"],
                    "type": pd.Series("hospital", index=table.index),
                    "category": table["cat"],
                    "name": table["rs"],
                    "operator": table["rscom"].where(table["rscom"] != "", table["rs"]),
                    "address": address_of(
                        table["NUMVOI"] + " " + table["TYPVOI"] + " " + table["NOMVOI"], table["BP"]
                    ),
                    "postcode": table["CPO"],
                    "commune": table["COMINSEE"],
                    "commune_name": table["NOMCOM"],
                    "departement": departement_of(table["COMINSEE"]),
                    "valid_from": table["an"] + "-01-01",
                    "valid_to": table["an"] + "-12-31",
                },
                findings=[_no_coordinates(len(table))],
                notes=("CSV « ; », Latin-1 ; pas de coordonnées, mais un code INSEE de commune.",),
            )
        )


def read_emergency(path: Path) -> Iterator[Reading]:
    """Yield the emergency departments (``URGENCES_P``: one row a profession, made one row an
    establishment).
    """
    yield from _units(path, "emergency", "Urgences")


def read_maternity(path: Path) -> Iterator[Reading]:
    """Yield the maternity wards (``PERINAT_P``: one row a profession, made one row an
    establishment).
    """
    yield from _units(path, "maternity", "Maternité")


def _units(path: Path, kind: str, title: str) -> Iterator[Reading]:
    seen: set[str] = set()
    for table in csv_chunks(path, separator=";", encoding="latin-1", columns=("FI", "RS", "PERSO")):
        repeated = table["FI"].duplicated() | table["FI"].isin(list(seen))
        seen.update(table["FI"])
        first = table[~repeated]
        reading = make_reading(
            Columns(
                source=SOURCE,
                table=first,
                values={
                    "id": f"{kind}-" + first["FI"],
                    "type": pd.Series(kind, index=first.index),
                    "category": first["BOR"],
                    "name": f"{title} - " + first["RS"],
                    "operator": first["RS"],
                    "departement": departement_of(first["FI"]),
                    "valid_from": first["AN"] + "-01-01",
                    "valid_to": first["AN"] + "-12-31",
                },
                findings=[_no_coordinates(len(first))],
                notes=(
                    "CSV « ; », Latin-1 ; une ligne par profession, réunies par établissement "
                    "(FINESS).",
                ),
            )
        )
        merged = tuple(_merged(row, fi) for row, fi in table.loc[repeated, "FI"].items())
        yield Reading(reading.rows, (*reading.findings, *merged), len(table), reading.notes)


def _merged(row: object, finess: str) -> Finding:
    message = (
        f"Autre profession de l'établissement {finess}, déjà lu : cette ligne n'est pas un "
        "service de plus."
    )
    return Finding(REFUSED, SOURCE, f"finess-{finess}", message, "info", int(str(row)), "PERSO")


def _no_coordinates(count: int) -> Finding:
    return Finding(
        "no-coordinates",
        SOURCE,
        "",
        f"{count} établissements sans coordonnées : le format n'en a pas.",
        "warning",
        remedy="« referentials export » place chacun à la mairie de sa commune.",
    )
