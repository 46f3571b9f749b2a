"""Today's directory of the DILA: the archive (``all_latest.tar.bz2``), its JSON alone, or the XML
it was before.
"""

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
from geoguichet.floor.files import BUDGET, check_size, open_bytes, refused
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.hours import DAY_MINUTES, WEEKDAYS_FR, Span, Week
from geoguichet.referentials.directory.schema import Columns, Reading, make_reading, unread_hours
from geoguichet.referentials.directory.services import OTHER, TYPE_OF_CATEGORY
from geoguichet.referentials.layers import check_columns
from geoguichet.referentials.readers import text_tables
from geoguichet.referentials.readers.conversions import Journal
from geoguichet.referentials.readers.service_words import VOCABULARIES, tell_unknown, translated
from geoguichet.referentials.readers.text_tables import json_text, writable
from geoguichet.referentials.territories.code_history import departement_of_code

JSON_KEYS = ("id", "nom", "pivot", "adresse")
_BLOCK = 1 << 20


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
    while chunk := list(itertools.islice(services, text_tables.CHUNK_ROWS)):
        check_columns(pd.DataFrame(columns=[*set().union(*chunk)]), JSON_KEYS, where=str(path))
        yield _reading(chunk, pd.RangeIndex(row, row + len(chunk)), unread)
        row += len(chunk)
        unread.clear()
    if row == 1:
        raise LayerError(
            f"{path} : aucun service ; une liste d'objets avec {', '.join(JSON_KEYS)} est attendue."
        )


def _services(path: Path, unread: list[str]) -> Iterator[dict[str, Any]]:
    with (
        refused(
            ValueError,  # a number of 5,000 digits too
            RecursionError,
            etree.XMLSyntaxError,
            say=lambda error: (
                f"{path} : ce n'est pas un annuaire valide ({error}) ; copiez-le de nouveau."
            ),
        ),
        refused(
            OSError,
            EOFError,
            zlib.error,
            tarfile.TarError,
            say=lambda error: f"{path} : archive abîmée ({error}) ; copiez-la de nouveau.",
        ),
    ):
        with open_bytes(path) as file:
            is_tar = file.read(512)[257:262] == b"ustar"
        with open_bytes(path) as file:
            if is_tar:
                yield from _of_archive(file, path, unread)
            else:
                yield from _objects(file, path)


# Yield the services of the members of a tar, read as it comes: nothing is unpacked on disk.
def _of_archive(file: IO[bytes], path: Path, unread: list[str]) -> Iterator[dict[str, Any]]:
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            name = member.name.lower()
            if content is not None and name.endswith((".json", ".xml")):
                # a sparse member says a size that it does not have, and gives zeros
                check_size(path, member.size * member.issparse(), 0)
            if content is not None and name.endswith(".json"):
                yield from _objects(content, path)
            elif content is not None and name.endswith(".xml"):
                check_size(path, member.size, BUDGET.member)
                yield from _of_xml(content.read())
            elif not member.isdir():
                unread.append(member.name)


def _objects(file: IO[bytes], path: Path) -> Iterator[dict[str, Any]]:
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
            value, ended_at = decoder.raw_decode(buffer, position)
        except json.JSONDecodeError:
            check_size(path, len(buffer) - position, BUDGET.member)
            more = read_text(max(_BLOCK, len(buffer) - position))
            if not more:
                raise
            buffer, position = buffer[position:] + more, 0
            continue
        if isinstance(value, dict):
            yield writable(value, buffer[position:ended_at])
        position = ended_at
        if position > _BLOCK:
            buffer, position = buffer[position:], 0


# Yield the ``Organisme`` elements of a file in the shape of the JSON.
def _of_xml(content: bytes) -> Iterator[dict[str, Any]]:
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


def _reading(services: list[dict[str, Any]], index: pd.Index, unread: list[str]) -> Reading:
    told = [service.get("plage_ouverture") for service in services]
    texts = [json_text(entries) for entries in told]
    of = dict(zip(texts, told, strict=True))  # hours are the same in many places
    known = {text: _week(_loaded(entries)) for text, entries in of.items()}
    read = [known[text] for text in texts]
    odd = pd.Series([bool(each) for _, each in read], index)
    flat = pd.DataFrame([_flat(service) for service in services], index, dtype=object)
    table = flat[["id"]]
    journal = Journal("dila", "id")
    for name in unread:
        journal.tell_once("unread-layer", Message("« {name} » n'est pas lu.", name=name), "info")
    journal.tell(
        table,
        odd,
        "unreadable-hours",
        lambda row: _unread(*read[index.get_loc(row)]),
        "warning",
        "plage_ouverture",
    )
    category, wheelchair = flat.pop("category"), flat.pop("accessibilite")
    tell_unknown(wheelchair, VOCABULARIES["wheelchair"], journal, "accessibilite")
    x, y = flat.pop("longitude"), flat.pop("latitude")
    values = {str(name): flat[name] for name in flat}
    values |= {
        "type": category.map(TYPE_OF_CATEGORY).fillna(OTHER),
        "category": category,
        "operator": pd.Series("DILA", index=index),
        "point_precision": pd.Series("address", index=index),
        "wheelchair": translated(wheelchair, VOCABULARIES["wheelchair"]),
        "hours_raw": pd.Series(texts, index, dtype=object),
    }
    return make_reading(
        Columns(
            source="dila",
            table=table,
            values=values,
            x=x,
            y=y,
            weeks=[week for week, _ in read],
            findings=journal.findings,
            notes=("JSON, UTF-8, WGS 84 ; horaires structurés par jour.",),
        )
    )


def _unread(week: Week | None, odd: list[Any]) -> Message:
    return unread_hours(json.dumps(odd, ensure_ascii=False).strip("[]"), week)


# Return the columns of a service: the first of each of its lists.
def _flat(service: Mapping[str, Any]) -> dict[str, str]:
    pivot, address = _first(service.get("pivot")), _first(service.get("adresse"))
    codes = pivot.get("code_insee_commune") or ""
    commune = str(codes[0] if isinstance(codes, list) and codes else codes or "")
    return {
        "id": json_text(service.get("id")),
        "name": json_text(service.get("nom")),
        "category": str(pivot.get("type_service_local", "")),
        "address": _text(address, "numero_voie"),
        "postcode": _text(address, "code_postal"),
        "commune": json_text(service.get("code_insee_commune")) or commune,
        "commune_name": _text(address, "nom_commune"),
        "departement": departement_of_code(commune),
        "longitude": _text(address, "longitude"),
        "latitude": _text(address, "latitude"),
        "accessibilite": _text(address, "accessibilite"),
        "telephone": _text(_first(service.get("telephone")), "valeur"),
        "email": _text(_first(service.get("adresse_courriel")), "valeur"),
        "site": _text(_first(service.get("site_internet")), "valeur"),
    }


# Return a list, written in JSON or not, or a list of the bare value; empty when blank.
def _loaded(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    text = json_text(value)
    if not text.strip():
        return []
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    return value if isinstance(value, list) else [value]


def _first(value: Any) -> dict[str, Any]:
    found: Any = next(iter(_loaded(value)), {})
    return found if isinstance(found, dict) else {"valeur": found}


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return "" if value is None else str(value)


# Return the week of ``plage_ouverture``, entries with a first and last day and up to four spans,
# and the entries that are not understood: their days, all where they name none, are unsure; no week
# when nothing is understood.
def _week(entries: list[Any]) -> tuple[Week | None, list[Any]]:
    sure: list[list[Span]] = [[] for _ in WEEKDAYS_FR]
    unsure: list[list[Span]] = [[] for _ in WEEKDAYS_FR]
    odd = []
    for entry in entries:
        days, spans = _days(entry), _spans(entry)
        if not days or spans is None:
            odd.append(entry)
        for day in days or range(7):
            if days and spans is not None:
                sure[day] += spans
            else:
                unsure[day].append((0, DAY_MINUTES))
    return Week.of_days(sure, unsure) if len(entries) > len(odd) else None, odd


# Return the numbers of the days of an entry; none when they are not understood.
def _days(entry: Any) -> range:
    try:
        named = entry["nom_jour_debut"], entry.get("nom_jour_fin") or entry["nom_jour_debut"]
        first, last = (WEEKDAYS_FR.index(name.lower()) for name in named)
    except (KeyError, ValueError, AttributeError, TypeError):
        return range(0)
    return range(first, last + 1)


# Return the spans of an entry; None when one of them is not understood.
def _spans(entry: Any) -> list[Span] | None:
    try:
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
    return spans if all(opens < closes for opens, closes in spans) else None


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")[:2]
    return int(hours) * 60 + int(minutes)
