"""Schools of 2015: Latin-1, coordinates in metres of a projection that changes overseas and is not
said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    address_of,
    departement_of,
    make_reading,
)
from geoguichet.referentials.directory.taxonomy import OTHER
from geoguichet.referentials.readers.tables import csv_chunks

SOURCE = "ecoles-2015"
COLUMNS = (
    "numero_uai",
    "appellation_officielle_uai",
    "code_postal_uai",
    "X",
    "Y",
    "nature_uai",
    "loc",
)
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("101", "102", "103", "111"), "nursery_school"),
    **dict.fromkeys(("151", "152", "153", "160", "162", "169", "170"), "primary_school"),
    **dict.fromkeys(("340", "349", "350", "352", "370", "390"), "college"),
    **dict.fromkeys(
        ("300", "301", "302", "306", "310", "312", "315", "320", "332", "334", "335"), "lycee"
    ),
    **dict.fromkeys(("802", "803", "804", "805", "806"), "education_office"),
}
"""Type of each nature of establishment (``nature_uai``)."""
PRECISION: Mapping[str, str] = {
    **dict.fromkeys(("BATIMENT", "PLAQUE_ADRESSE", "CENTRE_PARCELLE_PROJETE"), "address"),
    **dict.fromkeys(("INTERPOLATION", "DEFAUT_DE_NUMERO"), "street"),
    **dict.fromkeys(("ZONE_ADRESSAGE", "DEFAUT_DE_TRONCON"), "place"),
    "COMMUNE": "commune",
}
OVERSEAS: Mapping[str, tuple[str, str]] = {
    "971": ("EPSG:5490", "Guadeloupe"),
    "972": ("EPSG:5490", "Martinique"),
    "973": ("EPSG:2972", "Guyane"),
    "974": ("EPSG:2975", "La Réunion"),
    "975": ("EPSG:4467", "Saint-Pierre-et-Miquelon"),
    "976": ("EPSG:4471", "Mayotte"),
}
"""Legal projection of each overseas département: the file does not say it."""


def read(path: Path) -> Iterator[Reading]:
    """Yield the schools by chunks (CSV ``,``, Latin-1, X and Y in Lambert-93 or the local legal
    projection).

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(path, encoding="latin-1", columns=COLUMNS):
        place = table["numero_uai"].str[:3]
        crs = place.map({code: system for code, (system, _) in OVERSEAS.items()}).fillna(
            "EPSG:2154"
        )
        published = table["code_postal_uai"]
        postcode = published.str.zfill(5).where(published != "", "")
        yield make_reading(
            Columns(
                source=SOURCE,
                table=table,
                values={
                    "id": "uai-" + table["numero_uai"],
                    "type": table["nature_uai"].map(TYPES).fillna(OTHER),
                    "category": table["lib_nature"],
                    "name": table["appellation_officielle_uai"],
                    "operator": table["secteur_public_prive"].map({"PU": "public", "PR": "privé"}),
                    "address": address_of(table["adresse_uai"], table["lieu_dit_uai"]),
                    "postcode": postcode,
                    "commune_name": table["localite_acheminement_uai"],
                    "departement": departement_of(postcode),
                    "point_precision": table["loc"].map(PRECISION).fillna("unknown"),
                },
                x=table["X"],
                y=table["Y"],
                crs=crs,
                point_columns=("X", "Y"),
                findings=[*_lost_zeros(table), *_assumed_projections(place)],
                notes=("CSV « , », Latin-1 ; X et Y en mètres, Lambert-93 en métropole.",),
            )
        )


def _lost_zeros(table: pd.DataFrame) -> Iterator[Finding]:
    short = table[table["code_postal_uai"].str.len() == 4]
    for row, code, uai in zip(
        short.index.tolist(), short["code_postal_uai"], short["numero_uai"], strict=True
    ):
        message = f"Code postal « {code} » sans son zéro : lu « 0{code} »."
        yield Finding("lost-zero", SOURCE, f"uai-{uai}", message, "info", row, "code_postal_uai")


def _assumed_projections(place: pd.Series) -> Iterator[Finding]:
    for code, (system, name) in OVERSEAS.items():
        count = int((place == code).sum())
        if count:
            message = f"{count} établissements de {name} : projection non dite, {system} supposée."
            yield Finding("assumed-crs", SOURCE, "", message, "info", column="X Y")
