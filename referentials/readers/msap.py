"""Maisons de services au public of 2018: a shapefile geocoded by machine, whose text was encoded
twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import LAMBERT_93_BOX
from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    departement_of,
    make_reading,
    mended,
    stable_id,
)
from geoguichet.referentials.readers.tables import shapefile_table

SOURCE = "msap-2018"
PRECISION: Mapping[str, str] = {
    "highway": "street",
    "place": "commune",
    "boundary": "commune",
    "landuse": "place",
    "waterway": "place",
    "junction": "street",
}
"""What the geocoder found (its ``osm_key``); anything else is a building."""


def read(path: Path) -> Iterator[Reading]:
    """Yield the MSAP of 27 June 2018 (shapefile, Lambert-93 without an EPSG code, no .cpg).

    The text is read as Latin-1 and decoded a second time; what stays damaged has lost characters,
    and is told.

    Raises
    ------
    LayerError
        When the shapefile cannot be read.
    """
    table, geometry = shapefile_table(
        path, encoding="ISO-8859-1", columns=("locatin", "city", "osm_key")
    )
    asked = table["locatin"].str.replace(", France", "", regex=False)
    parts = asked.str.extract(r"^(?P<address>.*?),?\s*(?P<postcode>\d{4,5})\s+(?P<city>[^,]*)$")
    postcode = parts["postcode"].fillna("").str.zfill(5).where(parts["postcode"].notna(), "")
    ids = pd.Series([f"msap-{stable_id(text)}" for text in asked], index=table.index)
    city = pd.Series([mended(text) or text for text in table["city"]], index=table.index)
    name = parts["city"].fillna("").where(lambda text: text != "", city)
    crs = geometry.crs.to_wkt() if geometry.crs is not None else "EPSG:2154"
    yield make_reading(
        Columns(
            source=SOURCE,
            table=table,
            values={
                "id": ids,
                "type": pd.Series("msap", index=table.index),
                "category": pd.Series("msap", index=table.index),
                "name": "Maison de services au public " + name,
                "operator": pd.Series("MSAP", index=table.index),
                "address": parts["address"].fillna(asked),
                "postcode": postcode,
                "commune_name": city,
                "departement": departement_of(postcode),
                "point_precision": table["osm_key"].map(PRECISION).fillna("address"),
            },
            x=geometry.x.astype(str),
            y=geometry.y.astype(str),
            crs=crs,
            point_columns=("x", "y"),
            findings=[
                *_lost_zeros(parts["postcode"].fillna(""), ids),
                *_encoded_twice(table, city, ids),
                *_outside_projection(geometry, ids),
                *_elsewhere(parts["city"].fillna(""), table["city"], table["country"], ids),
            ],
            notes=(
                "Shapefile sans .cpg, texte UTF-8 codé deux fois ; projection Lambert-93 décrite "
                "sans code EPSG.",
                "Points trouvés par un géocodeur : la précision est celle de l'objet trouvé.",
            ),
        )
    )


def _lost_zeros(postcodes: pd.Series, ids: pd.Series) -> list[Finding]:
    return [
        Finding(
            "lost-zero",
            SOURCE,
            str(ids[row]),
            f"Code postal « {postcodes[row]} » sans son zéro : lu « {postcodes[row].zfill(5)} ».",
            "info",
            row,
            "locatin",
        )
        for row in postcodes.index[postcodes.str.len() == 4].tolist()
    ]


def _encoded_twice(table: pd.DataFrame, city: pd.Series, ids: pd.Series) -> list[Finding]:
    """Tell the names decoded a second time without loss; those that lost letters are told by their
    spelling.
    """
    changed = table.index[(city != table["city"])].tolist()
    return [
        Finding(
            "damaged-encoding",
            SOURCE,
            str(ids[row]),
            f"« {table['city'].loc[row]!s} » est codé deux fois : lu « {city[row]} ».",
            "info",
            row,
            "city",
        )
        for row in changed
    ]


def _outside_projection(geometry: Any, ids: pd.Series) -> list[Finding]:
    """Tell the points that Lambert-93 was not made for: overseas, its metres are hundreds of metres
    wrong or worse.
    """
    west, south, east, north = LAMBERT_93_BOX
    inside = geometry.x.between(west, east) & geometry.y.between(south, north)
    return [
        Finding(
            "outside-projection",
            SOURCE,
            str(ids[row]),
            f"Point en Lambert-93 hors de la métropole (x = {geometry.x[row]:.0f}) : converti, "
            "mais sans précision.",
            "warning",
            row,
            "x y",
            "Demandez ce point en degrés ou dans la projection locale.",
        )
        for row in inside.index[~inside].tolist()
    ]


def _elsewhere(
    asked: pd.Series, found: pd.Series, country: pd.Series, ids: pd.Series
) -> list[Finding]:
    return [
        Finding(
            "wrong-geocoding",
            SOURCE,
            str(ids[row]),
            f"« {asked[row]} » a été cherché, « {found[row]} » ({country[row]}) a été trouvé.",
            "error",
            row,
            "country",
            "Géocodez de nouveau l'adresse.",
        )
        for row in country.index[~country.isin(["France", ""])].tolist()
    ]
