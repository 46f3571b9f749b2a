"""Pôle emploi's partner points of 2018: communes given as polygons, where a point is expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Columns, Reading, departement_of, make_reading
from geoguichet.referentials.readers.tables import shapefile_table

SOURCE = "pole-emploi-2018"


def read(path: Path) -> Iterator[Reading]:
    """Yield one point a commune, inside its polygon, with the precision ``area``.

    Raises
    ------
    LayerError
        When the shapefile cannot be read.
    """
    table, geometry = shapefile_table(
        path, encoding="ISO-8859-1", columns=("DEPCOM", "TYPEQU", "LIB_MOD", "NOM_COM")
    )
    points = geometry.representative_point()
    polygons = int(geometry.geom_type.isin(["Polygon", "MultiPolygon"]).sum())
    finding = Finding(
        "polygon-as-point",
        SOURCE,
        "",
        f"{polygons} services ponctuels sont donnés comme des polygones de communes : placés à un "
        "point intérieur.",
        "warning",
        remedy="Cherchez l'adresse de chaque point partenaire.",
    )
    yield make_reading(
        Columns(
            source=SOURCE,
            table=table,
            values={
                "id": "pe-partenaire-" + table["DEPCOM"],
                "type": pd.Series("employment_partner", index=table.index),
                "category": table["TYPEQU"],
                "name": table["LIB_MOD"] + " - " + table["NOM_COM"],
                "operator": pd.Series("Pôle emploi", index=table.index),
                "commune": table["DEPCOM"],
                "commune_name": table["NOM_COM"],
                "departement": departement_of(table["DEPCOM"]),
                "point_precision": pd.Series("area", index=table.index),
            },
            x=points.x.astype(str),
            y=points.y.astype(str),
            crs=geometry.crs.to_wkt() if geometry.crs is not None else "EPSG:2154",
            point_columns=("x", "y"),
            findings=[finding] if polygons else [],
            notes=(
                "Shapefile Latin-1, Lambert-93 décrit sans code EPSG ; une commune par ligne, en "
                "polygone.",
            ),
        )
    )
