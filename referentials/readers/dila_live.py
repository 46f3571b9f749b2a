"""Today's directory of the DILA: the archive (``all_latest.tar.bz2``), its JSON alone, or the XML
it was before.
"""

from __future__ import annotations

import codecs
import itertools
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pandas as pd
from lxml import etree

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.hours import WEEKDAYS_FR, Span, Week
from geoguichet.referentials.directory.schema import (
    Columns,
    Reading,
    blank,
    departement_of,
    make_reading,
)
from geoguichet.referentials.directory.taxonomy import OTHER, TYPE_OF_CATEGORY
from geoguichet.referentials.readers import tables
from geoguichet.referentials.readers.dila import WHEELCHAIR
from geoguichet.referentials.readers.tables import json_table, open_bytes

JSON_KEYS = ("id", "nom", "pivot", "adresse")
_BLOCK = 1 << 20
_TAR_MAGIC = slice(257, 262)


def is_archive(head: bytes) -> bool:
    """Return whether the first bytes, decompressed, are those of a tar."""
    return head[_TAR_MAGIC] == b"ustar"


def read(path: Path) -> Iterator[Reading]:
    """Yield today's directory by chunks, whatever its size: a tar of JSON or XML files, or one JSON
    document.

    JSON: an object with ``service``, or an array of services. The address, the phones, the category
    (``pivot``) and the opening hours (``plage_ouverture``) are lists, which the publisher's flat
    exports write as JSON inside text: both are read. XML: an ``Organisme`` a file. Other members of
    the archive are told (``unread-layer``).

    Raises
    ------
    LayerError
        When the document is no directory, or is cut short.
    """
    unread: list[str] = []
    services, row = _services(path, unread), 1
    while chunk := list(itertools.islice(services, tables.CHUNK_ROWS)):
        table = json_table(chunk, columns=JSON_KEYS, path=path)
        yield _reading(table.set_axis(range(row, row + len(table))), unread)
        row += len(chunk)
        unread.clear()
    if row == 1:
        raise LayerError(
            f"{path} : aucun service ; une liste d'objets avec {', '.join(JSON_KEYS)} est attendue."
        )


def _services(path: Path, unread: list[str]) -> Iterator[dict[str, Any]]:
    try:
        with open_bytes(path) as file:
            is_tar = is_archive(file.read(512))
        with open_bytes(path) as file:
            if is_tar:
                yield from _of_archive(file, unread)
            else:
                yield from _objects(file)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise LayerError(f"{path} : archive abîmée ({error}) ; copiez-la de nouveau.") from error
    except (
        json.JSONDecodeError,
        UnicodeDecodeError,
        RecursionError,
        etree.XMLSyntaxError,
    ) as error:
        raise LayerError(
            f"{path} : ce n'est pas un annuaire valide ({error}) ; copiez-le de nouveau."
        ) from error


def _of_archive(file: IO[bytes], unread: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the services of the members of a tar, read as it comes: nothing is unpacked on disk."""
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            name = member.name.lower()
            if name.endswith(".json"):
                yield from _objects(content)
            elif name.endswith(".xml"):
                yield from _of_xml(content.read())
            else:
                unread.append(member.name)


def _objects(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the objects of the first array of a JSON document, holding one block and one object in
    memory.

    Raises json.JSONDecodeError when the document has no array, or is cut short.
    """
    letters, decoder = codecs.getincrementaldecoder("utf-8-sig")(), json.JSONDecoder()

    def read_text(size: int) -> str:
        block = file.read(size)
        return letters.decode(block, final=not block)

    buffer, ended = read_text(_BLOCK), False
    start = buffer.find("[")
    head = buffer[:start].strip() if start >= 0 else buffer
    if start < 0 or (head and not head.startswith("{")):
        raise json.JSONDecodeError("un tableau de services est attendu", buffer[:80], 0)
    position = start + 1
    while not ended:
        while position < len(buffer) and buffer[position] in " ,\r\n\t":
            position += 1
        if position < len(buffer) and buffer[position] == "]":
            ended = True
            continue
        try:
            value, position = decoder.raw_decode(buffer, position)
        except json.JSONDecodeError:
            more = read_text(max(_BLOCK, len(buffer) - position))
            if not more:
                raise
            buffer, position = buffer[position:] + more, 0
            continue
        if isinstance(value, dict):
            yield value
        if position > _BLOCK:
            buffer, position = buffer[position:], 0


def _of_xml(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the ``Organisme`` elements of a file in the shape of the JSON."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for node in etree.fromstring(content, parser).iter("Organisme"):
        address = node.find("Adresse")
        lines = (
            []
            if address is None
            else [line.text.strip() for line in address.findall("Ligne") if line.text]
        )
        place = {
            "numero_voie": ", ".join(lines),
            "code_postal": node.findtext("Adresse/CodePostal", ""),
            "nom_commune": node.findtext("Adresse/NomCommune", ""),
            "longitude": node.findtext("Adresse/Localisation/Longitude", ""),
            "latitude": node.findtext("Adresse/Localisation/Latitude", ""),
            "accessibilite": next(
                (each.get("type", "") for each in node.iterfind("Adresse/Accessibilité")), ""
            ),
        }
        yield {
            "id": node.get("id", ""),
            "nom": node.findtext("Nom", ""),
            "pivot": [
                {
                    "type_service_local": node.get("pivotLocal", ""),
                    "code_insee_commune": [node.get("codeInsee", "")],
                }
            ],
            "adresse": [place],
            "telephone": [{"valeur": node.findtext("CoordonnéesNum/Téléphone", "")}],
            "adresse_courriel": [node.findtext("CoordonnéesNum/Email", "")],
            "site_internet": [{"valeur": node.findtext("CoordonnéesNum/Url", "")}],
            "plage_ouverture": [_span_of(each) for each in node.iterfind("Ouverture/PlageJ")],
        }


def _span_of(node: etree._Element) -> dict[str, str]:
    spans = {"nom_jour_debut": node.get("début", ""), "nom_jour_fin": node.get("fin", "")}
    for number, hours in enumerate(node.findall("PlageH"), start=1):
        spans |= {
            f"valeur_heure_debut_{number}": hours.get("début", ""),
            f"valeur_heure_fin_{number}": hours.get("fin", ""),
        }
    return spans


def _reading(table: pd.DataFrame, unread: list[str]) -> Reading:
    address = pd.DataFrame([_first(text) for text in table["adresse"]], index=table.index).reindex(
        columns=[
            "numero_voie",
            "code_postal",
            "nom_commune",
            "longitude",
            "latitude",
            "accessibilite",
        ]
    )
    address = address.fillna("").astype(str)
    pivot = [_first(text) for text in table["pivot"]]
    category = pd.Series(
        [str(entry.get("type_service_local", "")) for entry in pivot], index=table.index
    )
    commune = pd.Series([_first_code(entry) for entry in pivot], index=table.index)
    optional = {
        name: table.get(name, blank(table.index))
        for name in ("telephone", "adresse_courriel", "site_internet")
    }
    hours = table.get("plage_ouverture", blank(table.index))
    weeks, findings = _weeks(hours, table["id"])
    told = [
        Finding("unread-layer", "dila", "", f"« {name} » n'est pas lu.", "info") for name in unread
    ]
    return make_reading(
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
                "commune": table.get("code_insee_commune", commune).where(
                    lambda code: code != "", commune
                ),
                "commune_name": address["nom_commune"],
                "departement": departement_of(commune),
                "point_precision": pd.Series("address", index=table.index),
                "wheelchair": address["accessibilite"].map(WHEELCHAIR).fillna("unknown"),
                "telephone": pd.Series(
                    [_first(text).get("valeur", "") for text in optional["telephone"]], table.index
                ),
                "email": pd.Series(
                    [_first_text(text) for text in optional["adresse_courriel"]], table.index
                ),
                "site": pd.Series(
                    [_first(text).get("valeur", "") for text in optional["site_internet"]],
                    table.index,
                ),
                "hours_raw": hours,
            },
            x=address["longitude"],
            y=address["latitude"],
            weeks=weeks,
            findings=[*told, *findings],
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
    """Return the weeks of ``plage_ouverture``: entries with a first and last day and up to two
    spans.
    """
    weeks: list[Week | None] = []
    findings: list[Finding] = []
    for row, text in zip(hours.index.tolist(), hours, strict=True):
        entries = _loaded(text)
        week = _week(entries)
        if entries and week is None:
            message = (
                f"Horaires illisibles (« {str(text)[:60]} »), tenus pour inconnus ; le "
                "texte publié est gardé."
            )
            findings.append(
                Finding(
                    "unreadable-hours",
                    "dila",
                    str(ids[row]),
                    message,
                    "warning",
                    row,
                    "plage_ouverture",
                )
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
                (
                    _minutes(entry[f"valeur_heure_debut_{number}"]),
                    _minutes(entry[f"valeur_heure_fin_{number}"]),
                )
                for number in range(1, 5)
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
