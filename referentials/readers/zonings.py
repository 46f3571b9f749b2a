"""Policy zonings (ANCT): which communes, intercommunalities or areas are in which programme."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.readers.tables import csv_chunks
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

COLUMNS = ("id", "lib", "perimetre", "nbcom", "layer", "info1")
SOURCE = "zonages-anct"


def read(path: Path) -> Iterator[Reading]:
    """Yield the zonings of 2022 (CSV ``,``, UTF-8): a row an area of a programme.

    The table names areas, not commune codes; the paths of the publisher's own disk it carries are
    told (``private-path``) and left out.
    """
    for table in csv_chunks(path, columns=COLUMNS):
        private = int(
            table.get("path", pd.Series("", index=table.index))
            .str.contains(r"^[A-Z]:/", regex=True)
            .sum()
        )
        message = (
            f"{private} ligne(s) disent un chemin du disque de l'éditeur : il n'est pas gardé."
        )
        findings = (
            [Finding("private-path", SOURCE, "", message, "info", column="path")] if private else []
        )
        programme = table["layer"].str.removesuffix(" zonage")
        yield make_table(
            CodedColumns(
                "territories",
                SOURCE,
                {
                    "id": "zoning-" + table["id"],
                    "level": pd.Series("zoning", index=table.index),
                    "code": programme,
                    "name": table["lib"],
                    "category": table["perimetre"].str.lower()
                    + (" ; " + table["info1"]).where(table["info1"] != "", ""),
                },
                others={"communes": table["nbcom"]},
                findings=findings,
                notes=("CSV « , », UTF-8.",),
            )
        )
