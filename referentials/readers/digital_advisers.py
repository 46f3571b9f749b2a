"""Digital advisers' hosts of 2022: JSON with literal ``<e9>`` in place of accents, postal codes as
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    blank,
    damage_findings,
    make_reading,
)
from geoguichet.referentials.readers.tables import json_document, json_table

SOURCE = "conseillers-numeriques-2022"
COLUMNS = (
    "id",
    "raison_sociale",
    "commune_insee",
    "code_postal",
    "insee_com",
    "latitude",
    "longitude",
    "result_label",
)


def read(path: Path) -> Iterator[Reading]:
    """Yield the structures that employ digital advisers (JSON array, UTF-8).

    Raises
    ------
    LayerError
        When the file is missing or is not that array.
    """
    document = json_document(path)
    table = json_table(document if isinstance(document, list) else [], columns=COLUMNS, path=path)
    ids = "cnfs-" + table["id"]
    postcode = table["code_postal"].str.zfill(5).where(table["code_postal"] != "", "")
    labels = pd.DataFrame(
        {"id": ids, "source_row": table.index, "result_label": table["result_label"]}
    )
    yield make_reading(
        Columns(
            source=SOURCE,
            table=table,
            values={
                "id": ids,
                "type": pd.Series("digital_adviser", index=table.index),
                "category": table["type"],
                "name": table["raison_sociale"],
                "operator": table["raison_sociale"],
                "address": table["adresse"]
                .str.rsplit("\n", n=1)
                .str[0]
                .str.replace("\n", ", ", regex=False),
                "postcode": postcode,
                "commune": table["insee_com"],
                "commune_name": table["commune_insee"],
                "departement": table.get("insee_dep", blank(table.index)),
                "point_precision": _precision(table["result_score"]),
                "valid_from": table["date_de_validation_en_comité_de_sélection"],
            },
            x=table["longitude"],
            y=table["latitude"],
            findings=[
                *damage_findings(labels, ["result_label"], layer=SOURCE),
                *_lost_zeros(table, ids),
            ],
            notes=("JSON, UTF-8, WGS 84 ; les points viennent d'un géocodeur.",),
        )
    )


def _precision(score: pd.Series) -> pd.Series:
    """Return the precision a geocoder's score stands for: an address from 0.7 up, else its street;
    unknown without.
    """
    number = pd.to_numeric(score, errors="coerce")
    precision: pd.Series = (
        pd.Series("unknown", index=score.index)
        .mask(number >= 0.7, "address")
        .mask(number < 0.7, "street")
    )
    return precision


def _lost_zeros(table: pd.DataFrame, ids: pd.Series) -> Iterator[Finding]:
    for row in table.index[table["code_postal"].str.len() == 4].tolist():
        code = str(table.at[row, "code_postal"])
        message = f"Code postal écrit comme un nombre (« {code} ») : lu « 0{code} »."
        yield Finding("lost-zero", SOURCE, str(ids[row]), message, "info", row, "code_postal")
