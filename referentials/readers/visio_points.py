"""Dated facts on the first visio-public points (2006-2010): a handful of rows, by commune, without
coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Columns, Reading, make_reading, stable_id
from geoguichet.referentials.readers.tables import csv_chunks

SOURCE = "points-visio-2010"


def read(path: Path) -> Iterator[Reading]:
    """Yield one row a fact (CSV ``;`` quoted, UTF-8); it is no full list of the points.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(path, separator=";", columns=("commune", "insee_dep", "date", "fait")):
        ids = [
            f"visio-{stable_id(*row)}"
            for row in zip(table["commune"], table["date"], table["fait"], strict=True)
        ]
        message = (
            f"{len(table)} faits datés, sans coordonnées ; ce n'est pas une liste complète "
            "des points."
        )
        yield make_reading(
            Columns(
                source=SOURCE,
                table=table,
                values={
                    "id": pd.Series(ids, index=table.index),
                    "type": pd.Series("visio_point", index=table.index),
                    "category": table["fait"],
                    "name": "Point visio-public " + table["commune"],
                    "commune_name": table["commune"],
                    "departement": table["insee_dep"],
                    "valid_from": table["date"],
                },
                findings=[Finding("no-coordinates", SOURCE, "", message, "warning")],
                notes=("CSV « ; », UTF-8, sans coordonnées.",),
            )
        )
