"""Postal codes and the communes they serve: La Poste's table (hexasmal) and the list of the
national address base.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.schema import Reading, departement_of
from geoguichet.referentials.readers.tables import csv_chunks, json_document, json_table
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

HEXASMAL = ("#Code_commune_INSEE", "Nom_de_la_commune", "Code_postal", "Libellé_d_acheminement")
LISTED = ("codePostal", "codeCommune", "nomCommune")


def read_hexasmal(path: Path) -> Iterator[Reading]:
    """Yield La Poste's table (CSV ``;``, Latin-1): a row a postal code, commune and place
    (``Ligne_5``).
    """
    for table in csv_chunks(path, separator=";", encoding="latin-1", columns=HEXASMAL):
        place = table.get("Ligne_5", pd.Series("", index=table.index))
        notes = ("CSV « ; », latin-1.",)
        yield _reading("laposte-hexasmal", table[list(HEXASMAL[:3])], place, notes)


def read_listed(path: Path) -> Iterator[Reading]:
    """Yield the list of the national address base (JSON array: codePostal, codeCommune,
    nomCommune).

    Raises
    ------
    LayerError
        When the file is missing or is no such array.
    """
    rows = json_document(path)
    if not isinstance(rows, list):
        raise LayerError(f"{path} : une liste d'objets avec « codePostal » est attendue.")
    table = json_table(rows, columns=LISTED, path=path)
    place = table.get("libelleAcheminement", pd.Series("", index=table.index))
    yield _reading(
        "codes-postaux",
        table[["codeCommune", "nomCommune", "codePostal"]],
        place,
        ("JSON, UTF-8.",),
    )


def _reading(source: str, table: pd.DataFrame, place: pd.Series, notes: tuple[str, ...]) -> Reading:
    commune, name, postcode = (table.iloc[:, column] for column in range(3))
    suffix = (
        ("-" + place.str.strip()).where(place.str.strip() != "", "")
        if source == "laposte-hexasmal"
        else ""
    )
    return make_table(
        CodedColumns(
            "territories",
            source,
            {
                "id": "postcode-" + postcode + "-" + commune + suffix,
                "level": pd.Series("postcode", index=table.index),
                "code": postcode,
                "name": name,
                "category": place,
                "commune": commune,
                "departement": departement_of(commune),
                "postcode": postcode,
            },
            notes=notes,
        )
    )
