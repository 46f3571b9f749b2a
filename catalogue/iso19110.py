"""ISO 19110 feature catalogues in XML: what the fields of a dataset mean."""

from __future__ import annotations

from typing import Any

from geoguichet.catalogue import codes, iso_contacts, iso_values
from geoguichet.catalogue.mapping import Mapped, describe, made_identifier
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.xml import Element, child, children, down, every, inner, name, parse

MAPPING = (
    Mapped("id", "@uuid", "in", "or @id"),
    Mapped("title", "name", "in"),
    Mapped("description", "scope", "in"),
    Mapped("dates", "versionDate", "in"),
    Mapped("contacts", "producer", "in"),
    Mapped("featureCatalogue", "featureType", "in"),
    Mapped("fields", "featureType/*/carrierOfCharacteristics", "in", "name, type, definition"),
)


def claims(root: Element) -> bool:
    """Say whether an element is a feature catalogue."""
    return name(root) == "FC_FeatureCatalogue"


def read(document: bytes) -> Record:
    """Read one feature catalogue; FormatError when it is not XML."""
    return read_element(parse(document))


def read_element(root: Element) -> Record:
    """Read one feature catalogue."""
    types = [inner(holder) for holder in children(root, "featureType")]
    title = iso_values.value(child(root, "name"))
    date = codes.moment(iso_values.value(child(root, "versionDate")))
    producer = iso_contacts.contact(inner(child(root, "producer")), "")
    members: dict[str, Any] = {
        "type": "featureCatalogue",
        "title": title,
        "description": "\n".join(text for text in map(iso_values.value, children(root, "scope")) if text),
        "dates": [{"date": date, "type": "revision"}] if date else [],
        "contacts": (producer,) if producer else (),
        "featureCatalogue": [
            {
                "title": title,
                "featureTypes": [text for kind in types if (text := iso_values.value(child(kind, "typeName")))],
            }
        ],
        "fields": [field for kind in types for field in _fields(kind)],
    }
    members["id"] = root.get("uuid", "") or made_identifier(members)
    return describe(members)


def _fields(kind: Element | None) -> list[dict[str, str]]:
    found = []
    for node in every(kind, "carrierOfCharacteristics", "*"):
        told = {
            "name": iso_values.value(child(node, "memberName")),
            "type": iso_values.value(down(node, "valueType", "*", "aName")),
            "definition": iso_values.value(child(node, "definition")),
        }
        if told["name"]:
            found.append({key: text for key, text in told.items() if text})
    return found
