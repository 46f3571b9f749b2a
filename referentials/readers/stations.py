"""Regional train stops of 2015, in the manner of GTFS; foreign stations are among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import REFUSED, Columns, Reading, make_reading
from geoguichet.referentials.readers.tables import csv_chunks

SOURCE = "gares-ter-2015"
COUNTRIES: Mapping[str, str] = {
    "71": "Espagne",
    "80": "Allemagne",
    "82": "Luxembourg",
    "83": "Italie",
    "85": "Suisse",
    "88": "Belgique",
}
"""UIC code of each neighbour's railways; France is 87."""


def read(path: Path) -> Iterator[Reading]:
    """Yield the stations (rows ``location_type`` 1); each platform row is told as part of its
    station.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(
        path, columns=("stop_id", "stop_name", "stop_lat", "stop_lon", "location_type")
    ):
        platform = table["location_type"] != "1"
        stations = table[~platform]
        foreign = stations["stop_id"].str.extract(r"(\d{2})\d{6}$", expand=False).map(COUNTRIES)
        reading = make_reading(
            Columns(
                source=SOURCE,
                table=stations,
                values={
                    "id": stations["stop_id"],
                    "type": pd.Series("rail_station", index=stations.index),
                    "category": pd.Series("gare TER", index=stations.index),
                    "name": stations["stop_name"],
                    "operator": pd.Series("SNCF", index=stations.index),
                    "point_precision": pd.Series("address", index=stations.index),
                },
                x=stations["stop_lon"],
                y=stations["stop_lat"],
                point_columns=("stop_lon", "stop_lat"),
                findings=list(_foreign(stations["stop_id"], foreign)),
                notes=("CSV « , » (GTFS stops.txt), UTF-8, WGS 84.",),
            )
        )
        parts = tuple(
            _platform(row, stop, table) for row, stop in table.loc[platform, "stop_id"].items()
        )
        yield Reading(reading.rows, (*reading.findings, *parts), len(table), reading.notes)


def _foreign(ids: pd.Series, country: pd.Series) -> Iterator[Finding]:
    for row in country.index[country.notna()].tolist():
        message = (
            f"Gare étrangère ({country[row]}, code UIC) : gardée, elle dessert aussi la frontière."
        )
        yield Finding("foreign-row", SOURCE, str(ids[row]), message, "info", row, "stop_id")


def _platform(row: object, stop: str, table: pd.DataFrame) -> Finding:
    parent = str(table.at[row, "parent_station"])
    message = f"Point d'arrêt de {parent} : la gare est déjà lue."
    return Finding(REFUSED, SOURCE, stop, message, "info", int(str(row)), "location_type")
