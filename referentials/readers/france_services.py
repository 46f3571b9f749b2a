"""France services: the list of 2024 (buses, multisite counters, hours a weekday) and the GeoJSON of
its first year.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.hours import WEEKDAYS_FR
from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    address_of,
    departement_of,
    french_weeks,
    make_reading,
    mended,
)
from geoguichet.referentials.readers.tables import csv_chunks, geojson_table, json_document

DAYS = [f"h_{day}" for day in WEEKDAYS_FR[:6]]
MOVING = frozenset({"Bus_équivalent", "Itinérante", "Multisites"})
"""Formats whose one point stands for several places."""
COLUMNS_2024 = (
    "id_fs",
    "lib_fs",
    "adresse",
    "insee_com",
    "code_postal",
    "latitude",
    "longitude",
    "format_fs",
    *DAYS,
)
COLUMNS_2020 = (
    "MATRICULE",
    "lib_france_services",
    "ADRESSE",
    "insee_com",
    "DEPARTEMENT",
    "ITINERANCE",
    *DAYS,
)


def read_2024(path: Path) -> Iterator[Reading]:
    """Yield the list of August 2024 (CSV ``,`` quoted, UTF-8).

    An itinerant counter has one nominal point: it is kept, marked ``itinerant``, and told; what the
    source says of its stops stays in ``stops``.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(path, columns=COLUMNS_2024):
        ids = "fs-" + table["id_fs"]
        weeks, findings = french_weeks(table[DAYS], layer="france-services-2024", items=ids)
        moving = table["format_fs"].isin(list(MOVING))
        comment = pd.Series(
            [mended(text) or text for text in table["commentaire"]], index=table.index
        )
        escaped = comment != table["commentaire"]
        findings += _nominal_points(moving, ids, table["format_fs"], "france-services-2024")
        findings += _escaped_comments(escaped, ids)
        yield make_reading(
            Columns(
                source="france-services-2024",
                table=table,
                values={
                    "id": ids,
                    "type": pd.Series("france_services", index=table.index),
                    "category": address_of(table["type_fs"], table["format_fs"]),
                    "name": table["lib_fs"],
                    "operator": table["groupe_fs"].where(
                        table["groupe_fs"] != "", "France services"
                    ),
                    "address": address_of(table["adresse"], table["complement_adresse"]),
                    "postcode": table["code_postal"],
                    "commune": table["insee_com"],
                    "commune_name": table["lib_com"],
                    "departement": table["insee_dep"],
                    "point_precision": pd.Series("address", index=table.index).where(
                        ~moving, "commune"
                    ),
                    "telephone": table["telephone"],
                    "email": table["mail"],
                    "hours_raw": _as_published(table),
                    "stops": comment.where(moving, ""),
                    "itinerant": moving,
                    "valid_from": _iso_date(table["labellisation_fs"]),
                },
                x=table["longitude"],
                y=table["latitude"],
                weeks=weeks,
                findings=findings,
                notes=("CSV « , », UTF-8, WGS 84 ; horaires par jour de la semaine.",),
            )
        )


def read_2020(path: Path) -> Iterator[Reading]:
    """Yield the GeoJSON of October 2020; département codes that lost their zero are mended from the
    INSEE code.
    """
    table = geojson_table(json_document(path), columns=COLUMNS_2020, path=path)
    ids = "fs-" + table["MATRICULE"]
    days = table[DAYS].replace({"Horaires non communiqués": "", "Horaires non communiqués ": ""})
    weeks, findings = french_weeks(days, layer="france-services-2020", items=ids)
    moving = table["ITINERANCE"] == "Oui"
    departement = departement_of(table["insee_com"])
    findings += _nominal_points(moving, ids, table["categorie"], "france-services-2020")
    for row in table.index[table["DEPARTEMENT"].str.len() == 1].tolist():
        code = str(table.at[row, "DEPARTEMENT"])
        message = f"Code de département « {code} » sans son zéro : lu « {departement[row]} »."
        findings.append(
            Finding(
                "lost-zero",
                "france-services-2020",
                str(ids[row]),
                message,
                "info",
                row,
                "DEPARTEMENT",
            )
        )
    yield make_reading(
        Columns(
            source="france-services-2020",
            table=table,
            values={
                "id": ids,
                "type": pd.Series("france_services", index=table.index),
                "category": table["categorie"],
                "name": "France services " + table["lib_france_services"],
                "operator": pd.Series("France services", index=table.index),
                "address": address_of(table["ADRESSE"], table["COMPLEMENT.D.ADRESSE"]),
                "postcode": table["code_postal"],
                "commune": table["insee_com"],
                "commune_name": table["lib_com"],
                "departement": departement,
                "point_precision": pd.Series("address", index=table.index).where(
                    ~moving, "commune"
                ),
                "telephone": table["TELEPHONE"],
                "email": table["CONTACT.MAIL"],
                "hours_raw": _as_published(table),
                "stops": table["Commentaire.horaires"].where(moving, ""),
                "itinerant": moving,
                "valid_from": _iso_date(table["Labellisation"]),
            },
            x=table["longitude"],
            y=table["latitude"],
            weeks=weeks,
            findings=findings,
            notes=("GeoJSON, UTF-8, WGS 84 (CRS84) ; horaires par jour de la semaine.",),
        )
    )


def _nominal_points(
    moving: pd.Series, ids: pd.Series, kinds: pd.Series, layer: str
) -> list[Finding]:
    return [
        Finding(
            "nominal-point",
            layer,
            str(ids[row]),
            f"Service itinérant ou multisite ({kinds[row]}) : son seul point est nominal.",
            "info",
            row,
            remedy="Remplacez-le par un point à chaque arrêt, avec ses horaires.",
        )
        for row in moving.index[moving].tolist()
    ]


def _escaped_comments(escaped: pd.Series, ids: pd.Series) -> list[Finding]:
    message = "Le commentaire contient des codes d'échappement (« \\x20 ») : il est lu en clair."
    return [
        Finding(
            "damaged-encoding",
            "france-services-2024",
            str(ids[row]),
            message,
            "info",
            row,
            "commentaire",
        )
        for row in escaped.index[escaped].tolist()
    ]


def _as_published(table: pd.DataFrame) -> pd.Series:
    """Return the week as published: ``lundi 09:00 - 12:00; mardi ...``, days with nothing left
    out.
    """
    return pd.Series(
        [
            "; ".join(
                f"{day} {text.strip()}"
                for day, text in zip(WEEKDAYS_FR, cells, strict=False)
                if text.strip()
            )
            for cells in table[DAYS].itertuples(index=False, name=None)
        ],
        index=table.index,
        dtype=object,
    )


def _iso_date(text: pd.Series) -> pd.Series:
    """Return the date at the end of a text (``01/02/2020``, ``02/2020``) as ``2020-02-01``; else
    blank.
    """
    parts = text.str.extract(r"(?:(\d{2})/)?(\d{2})/(\d{4})\s*$")
    date: pd.Series = parts[2] + "-" + parts[1] + "-" + parts[0].fillna("01")
    return date.fillna("")
