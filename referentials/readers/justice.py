"""Courts and legal access points of 2023: a JavaScript file that wraps a GeoJSON collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geoguichet.referentials.directory.schema import Columns, Reading, departement_of, make_reading
from geoguichet.referentials.directory.taxonomy import OTHER
from geoguichet.referentials.readers.tables import geojson_table, json_document

SOURCE = "justice-2023"
TYPES: Mapping[str, tuple[str, str]] = {
    "TGI": ("court", "Tribunal judiciaire"),
    "TBRTJ": ("court", "Tribunal judiciaire ou de proximité"),
    "TPRX": ("court", "Tribunal de proximité"),
    "TE": ("court", "Tribunal pour enfants"),
    "CA": ("court", "Cour d'appel"),
    "CAS": ("court", "Cour d'assises"),
    "CASS": ("court", "Cour d'assises"),
    "CPH": ("labour_court", "Conseil de prud'hommes"),
    "TCO": ("commercial_court", "Tribunal de commerce"),
    "TA": ("administrative_court", "Tribunal administratif"),
    "CAA": ("administrative_court", "Cour administrative d'appel"),
    "CDAD": ("legal_access", "Conseil départemental de l'accès au droit"),
    "CCD": ("legal_access", "Commission de conciliation"),
}
"""Type and name of each code of the file, which explains none of them."""


def read(path: Path) -> Iterator[Reading]:
    """Yield the points of ``var point_justice = {...}`` (UTF-8, CRS84).

    Raises
    ------
    LayerError
        When no GeoJSON collection is found in the script.
    """
    document = json_document(path, start=b"{")
    table = geojson_table(document, columns=("TYPE", "CODE_INSEE", "NUM", "CODE_POSTAL"), path=path)
    postcode = table["CODE_POSTAL"].str.zfill(5)
    kind = table["TYPE"].map({code: key for code, (key, _) in TYPES.items()}).fillna(OTHER)
    label = (
        table["TYPE"].map({code: name for code, (_, name) in TYPES.items()}).fillna(table["TYPE"])
    )
    yield make_reading(
        Columns(
            source=SOURCE,
            table=table,
            values={
                "id": "justice-" + table["TYPE"].str.lower() + "-" + table["NUM"],
                "type": kind,
                "category": table["TYPE"],
                "name": label + " (" + table["CODE_INSEE"] + ")",
                "operator": pd.Series("Ministère de la Justice", index=table.index),
                "postcode": postcode,
                "commune": table["CODE_INSEE"],
                "departement": departement_of(table["CODE_INSEE"]),
            },
            x=table["longitude"],
            y=table["latitude"],
            notes=(
                "JavaScript enveloppant un GeoJSON, UTF-8, WGS 84 (CRS84) ; les points n'ont pas "
                "de nom.",
            ),
        )
    )
