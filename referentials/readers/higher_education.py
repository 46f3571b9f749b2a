"""Higher education of 2013: ``GPS_X`` holds the latitude, and the decimals follow a comma."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Columns, Reading, make_reading, stable_id
from geoguichet.referentials.readers.tables import csv_chunks

SOURCE = "enseignement-superieur-2013"


def read(path: Path) -> Iterator[Reading]:
    """Yield the establishments (CSV ``,``, UTF-8); they have no code, so their identifier is drawn
    from their text.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    misnamed = Finding(
        "misnamed-axes",
        SOURCE,
        "",
        "La colonne GPS_X contient la latitude et GPS_Y la longitude : elles sont lues ainsi.",
        "warning",
        column="GPS_X GPS_Y",
        remedy="Renommez ces colonnes.",
    )
    for table in csv_chunks(
        path, columns=("NOM_ETABLISSEMENT", "GPS_X", "GPS_Y", "STATUT_ETABLISSEMENT")
    ):
        rank = table.groupby(list(table.columns)).cumcount()
        keys = zip(
            table["NOM_ETABLISSEMENT"],
            table["GPS_X"],
            table["GPS_Y"],
            rank.astype(str),
            strict=True,
        )
        yield make_reading(
            Columns(
                source=SOURCE,
                table=table,
                values={
                    "id": pd.Series(["sup-" + stable_id(*key) for key in keys], index=table.index),
                    "type": pd.Series("higher_education", index=table.index),
                    "category": table["STATUT_ETABLISSEMENT"],
                    "name": table["NOM_ETABLISSEMENT"],
                    "operator": table["STATUT_ETABLISSEMENT"],
                },
                x=table["GPS_Y"],
                y=table["GPS_X"],
                point_columns=("GPS_Y", "GPS_X"),
                findings=[misnamed],
                notes=("CSV « , », UTF-8, WGS 84, virgule décimale entre guillemets.",),
            )
        )
