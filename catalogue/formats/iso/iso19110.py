"""ISO 19110 feature catalogues in XML: what the fields of a dataset mean."""

from __future__ import annotations

from typing import Any

from geoguichet.catalogue.formats import codes
from geoguichet.catalogue.formats.iso import values
from geoguichet.catalogue.formats.mapping import Mapped, describe, made_identifier
from geoguichet.catalogue.formats.xml import (
    Element,
    child,
    children,
    down,
    every,
    inner,
    name,
    parse,
)
from geoguichet.catalogue.record import Record

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
    title = values.value(child(root, "name"))
    date = codes.moment(values.value(child(root, "versionDate")))
    producer = values.contact(inner(child(root, "producer")), "")
    members: dict[str, Any] = {
        "type": "featureCatalogue",
        "title": title,
        "description": "\n".join(
            text for text in map(values.value, children(root, "scope")) if text
        ),
        "dates": [{"date": date, "type": "revision"}] if date else [],
        "contacts": (producer,) if producer else (),
        "featureCatalogue": [
            {
                "title": title,
                "featureTypes": [
                    text for kind in types if (text := values.value(child(kind, "typeName")))
                ],
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
            "name": values.value(child(node, "memberName")),
            "type": values.value(down(node, "valueType", "*", "aName")),
            "definition": values.value(child(node, "definition")),
        }
        if told["name"]:
            found.append({key: text for key, text in told.items() if text})
    return found
