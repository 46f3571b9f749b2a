"""La Poste's contact points: the Latin-1 file of 2015 and the one of 2020 with INSEE codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    address_of,
    blank,
    departement_of,
    make_reading,
)
from geoguichet.referentials.directory.taxonomy import OTHER
from geoguichet.referentials.readers.tables import csv_chunks

TYPES: Mapping[str, str] = {
    "bureau de poste": "post_office",
    "agence postale communale": "post_agency",
    "agence postale commnunale": "post_agency",  # as the 2015 file spells it
    "agence postale intercommunale": "post_agency",
    "agence postale militaire": "post_agency",
    "relais poste commerçant": "post_relay",
}
PRECISION: Mapping[str, str] = {
    "Géocodé au numéro": "address",
    "Géocodé au milieu de la rue": "street",
    "Géocodé au milieu d un îlot": "place",
    "Géocodé au centre de la commune": "commune",
}
WHEELCHAIR = "Accessibilité_Entrée_autonome_en_fauteuil_roulant_possible"
NAMED = (
    "Libellé_du_site",
    "Caractéristique_du_site",
    "Adresse",
    "Code_postal",
    "Localité",
    "Latitude",
    "Longitude",
)


def read_2015(path: Path) -> Iterator[Reading]:
    """Yield the contact points of July 2015 (CSV ``;``, Latin-1, first name after ``#``), with
    accessibility.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    notes = ("CSV « ; », Latin-1, WGS 84 ; l'en-tête commence par « # ».",)
    for table in csv_chunks(
        path, separator=";", encoding="latin-1", columns=("#Identifiant", WHEELCHAIR, *NAMED)
    ):
        access = table[WHEELCHAIR].map({"Oui": "yes", "Non": "no"}).fillna("unknown")
        yield make_reading(
            _columns(table, "#Identifiant", "laposte-2015", access, blank(table.index), notes)
        )


def read_2020(path: Path) -> Iterator[Reading]:
    """Yield the contact points of 2020 (CSV ``;``, UTF-8, with ``Code_INSEE``)."""
    notes = ("CSV « ; », UTF-8, WGS 84 ; l'en-tête commence par « # ».",)
    for table in csv_chunks(
        path, separator=";", columns=("#Identifiant_du_site", "Code_INSEE", *NAMED)
    ):
        unknown = blank(table.index)
        yield make_reading(
            _columns(
                table, "#Identifiant_du_site", "laposte-2020", unknown, table["Code_INSEE"], notes
            )
        )


def _columns(
    table: pd.DataFrame,
    identifier: str,
    source: str,
    access: pd.Series,
    commune: pd.Series,
    notes: tuple[str, ...],
) -> Columns:
    kind = table["Caractéristique_du_site"]
    return Columns(
        source=source,
        table=table,
        values={
            "id": table[identifier],
            "type": kind.str.lower().map(TYPES).fillna(OTHER),
            "category": kind,
            "name": table["Libellé_du_site"],
            "operator": pd.Series("La Poste", index=table.index),
            "address": address_of(
                table["Adresse"], table["Complément_d_adresse"], table["Lieu_dit"]
            ),
            "postcode": table["Code_postal"],
            "commune": commune,
            "commune_name": table["Localité"],
            "departement": departement_of(commune.where(commune != "", table["Code_postal"])),
            "point_precision": table["Précision_du_géocodage"].map(PRECISION).fillna("unknown"),
            "wheelchair": access,
            "telephone": table["Numéro_de_téléphone"],
        },
        x=table["Longitude"],
        y=table["Latitude"],
        point_columns=("Longitude", "Latitude"),
        notes=notes,
    )
