"""The local public directory of the DILA: the CSV of 2020, the TSV of 2013 and the JSON published today."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from geoguichet.referentials.directory import Columns, Reading, blank, departement_of, make_reading
from geoguichet.referentials.hours import WEEKDAYS_FR, Span, Week
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.readers.tables import csv_chunks, json_document, json_table
from geoguichet.referentials.taxonomy import OTHER, TYPE_OF_CATEGORY

COLUMNS_2020 = (
    "id",
    "category",
    "name",
    "email",
    "phone",
    "wheelchair_access",
    "latitude",
    "longitude",
    "geoloc_precision",
    "address",
)
COLUMNS_2013 = ("id", "category", "address", "wheelchair_access", "name", "latitude", "longitude", "geoloc_precision")

PRECISION: Mapping[str, str] = {
    **dict.fromkeys(("8", "9", "10"), "address"),
    **dict.fromkeys(("6", "7"), "street"),
    "5": "place",
    **dict.fromkeys(("2", "3", "4"), "commune"),
    "1": "area",
}
"""Google's accuracy codes, which the directory keeps: 8 an address, 6 a street, 4 a town, 1 a country."""
WHEELCHAIR: Mapping[str, str] = {"ACC": "yes", "NAC": "no", "DEM": "limited"}


def read_2020(path: Path) -> Iterator[Reading]:
    """Yield the directory of November 2020 (CSV, UTF-8, header) by chunks.

    Raises
    ------
    LayerError
        When the file is missing or is not that table.
    """
    for table in csv_chunks(path, columns=COLUMNS_2020):
        yield make_reading(_columns(table, "dila-2020", ("CSV « , », UTF-8, WGS 84.",)))


def read_2013(path: Path) -> Iterator[Reading]:
    """Yield the directory of June 2013 (TSV without header, quotes are ordinary characters) by chunks."""
    notes = ("Texte séparé par des tabulations, sans en-tête, UTF-8 ; les guillemets sont des caractères ordinaires.",)
    for table in csv_chunks(path, separator="\t", header=COLUMNS_2013, quoting=False):
        quoted = table["name"].str.contains('"', regex=False) | table["address"].str.contains('"', regex=False)
        columns = _columns(table.assign(phone="", email=""), "dila-2013", notes)
        for row in table.index[quoted].tolist():
            message = "Des guillemets ne sont pas doublés : lus comme des caractères ordinaires."
            columns.findings.append(
                Finding("bare-quotes", "dila-2013", str(table.at[row, "id"]), message, "info", row, "name")
            )
        yield make_reading(columns)


def _columns(table: pd.DataFrame, source: str, notes: tuple[str, ...]) -> Columns:
    """Return what the two tables have in common. An id is ``category-commune-rank``: ``mairie-31555-01``."""
    category = table["category"].where(table["category"] != "", table["id"].str.rsplit("-", n=2).str[0])
    commune = table["id"].str.extract(r"-([0-9][0-9AB][0-9]{3})-[0-9]+$", expand=False).fillna("")
    parts = table["address"].str.rsplit(", ", n=2)
    full = table["address"].str.count(", ") >= 2
    return Columns(
        source=source,
        table=table,
        values={
            "id": table["id"],
            "type": category.map(TYPE_OF_CATEGORY).fillna(OTHER),
            "category": category,
            "name": table["name"],
            "operator": pd.Series("DILA", index=table.index),
            "address": parts.str[0].where(full, table["address"]),
            "postcode": parts.str[-2].where(full, "").fillna(""),
            "commune": commune,
            "commune_name": parts.str[-1].where(full, "").fillna(""),
            "departement": departement_of(commune),
            "point_precision": table["geoloc_precision"].map(PRECISION).fillna("unknown"),
            "wheelchair": table["wheelchair_access"].map(WHEELCHAIR).fillna("unknown"),
            "telephone": table["phone"],
            "email": table["email"].where(table["email"].str.contains("@", regex=False), ""),
            "site": table["email"].where(table["email"].str.startswith("http"), ""),
        },
        x=table["longitude"],
        y=table["latitude"],
        notes=notes,
    )


# ------------------------------------------------------------------------------------ the JSON of today

JSON_KEYS = ("id", "nom", "pivot", "adresse")


def read_json(path: Path) -> Iterator[Reading]:
    """Yield today's directory (JSON: an object with ``service``, or an array of services).

    The address, the phones, the category (``pivot``) and the opening hours (``plage_ouverture``) are lists, which
    the publisher's flat exports write as JSON inside text: both are read.

    Raises
    ------
    LayerError
        When the document is no directory.
    """
    document = json_document(path)
    rows = document.get("service") if isinstance(document, dict) else document
    table = json_table(rows if isinstance(rows, list) else [], columns=JSON_KEYS, path=path)
    address = pd.DataFrame([_first(text) for text in table["adresse"]], index=table.index).reindex(
        columns=["numero_voie", "code_postal", "nom_commune", "longitude", "latitude", "accessibilite"]
    )
    address = address.fillna("").astype(str)
    pivot = [_first(text) for text in table["pivot"]]
    category = pd.Series([str(entry.get("type_service_local", "")) for entry in pivot], index=table.index)
    commune = pd.Series([_first_code(entry) for entry in pivot], index=table.index)
    optional = {
        name: table.get(name, blank(table.index)) for name in ("telephone", "adresse_courriel", "site_internet")
    }
    hours = table.get("plage_ouverture", blank(table.index))
    weeks, findings = _weeks(hours, table["id"])
    yield make_reading(
        Columns(
            source="dila",
            table=table,
            values={
                "id": table["id"],
                "type": category.map(TYPE_OF_CATEGORY).fillna(OTHER),
                "category": category,
                "name": table["nom"],
                "operator": pd.Series("DILA", index=table.index),
                "address": address["numero_voie"],
                "postcode": address["code_postal"],
                "commune": table.get("code_insee_commune", commune).where(lambda code: code != "", commune),
                "commune_name": address["nom_commune"],
                "departement": departement_of(commune),
                "point_precision": pd.Series("address", index=table.index),
                "wheelchair": address["accessibilite"].map(WHEELCHAIR).fillna("unknown"),
                "telephone": pd.Series([_first(text).get("valeur", "") for text in optional["telephone"]], table.index),
                "email": pd.Series([_first_text(text) for text in optional["adresse_courriel"]], table.index),
                "site": pd.Series([_first(text).get("valeur", "") for text in optional["site_internet"]], table.index),
                "hours_raw": hours,
            },
            x=address["longitude"],
            y=address["latitude"],
            weeks=weeks,
            findings=findings,
            notes=("JSON, UTF-8, WGS 84 ; horaires structurés par jour.",),
        )
    )


def _loaded(text: str) -> list[Any]:
    """Return a list written in JSON, or a list of the bare text; empty when blank."""
    if not text.strip():
        return []
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    return value if isinstance(value, list) else [value]


def _first(text: str) -> dict[str, Any]:
    found: Any = next(iter(_loaded(text)), {})
    return found if isinstance(found, dict) else {"valeur": found}


def _first_text(text: str) -> str:
    return str(_first(text).get("valeur", ""))


def _first_code(pivot: Mapping[str, Any]) -> str:
    codes = pivot.get("code_insee_commune") or ""
    return str(codes[0] if isinstance(codes, list) and codes else codes or "")


def _weeks(hours: pd.Series, ids: pd.Series) -> tuple[list[Week | None], list[Finding]]:
    """Return the weeks of ``plage_ouverture``: entries with a first and last day and up to two spans."""
    weeks: list[Week | None] = []
    findings: list[Finding] = []
    for row, text in zip(hours.index.tolist(), hours, strict=True):
        entries = _loaded(text)
        week = _week(entries)
        if entries and week is None:
            message = f"Horaires illisibles (« {str(text)[:60]} »), tenus pour inconnus ; le texte publié est gardé."
            findings.append(
                Finding("unreadable-hours", "dila", str(ids[row]), message, "warning", row, "plage_ouverture")
            )
        weeks.append(week)
    return weeks, findings


def _week(entries: list[Any]) -> Week | None:
    days: list[list[Span]] = [[] for _ in WEEKDAYS_FR]
    for entry in entries:
        try:
            first = WEEKDAYS_FR.index(entry["nom_jour_debut"].lower())
            last = WEEKDAYS_FR.index((entry.get("nom_jour_fin") or entry["nom_jour_debut"]).lower())
            spans = [
                (_minutes(entry[f"valeur_heure_debut_{number}"]), _minutes(entry[f"valeur_heure_fin_{number}"]))
                for number in (1, 2)
                if entry.get(f"valeur_heure_debut_{number}")
            ]
        except (KeyError, ValueError, AttributeError, TypeError):
            return None
        if any(opens >= closes for opens, closes in spans) or last < first:
            return None
        for day in range(first, last + 1):
            days[day].extend(spans)
    return Week.of_days(days) if entries else None


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")[:2]
    return int(hours) * 60 + int(minutes)
