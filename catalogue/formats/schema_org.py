"""schema.org ``Dataset`` in JSON-LD: what search engines read on the page of a record."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from geoguichet.catalogue.formats import codes, licences
from geoguichet.catalogue.formats.mapping import (
    INSPIRE_THEME,
    Format,
    Mapped,
    Written,
    filled,
    said,
)
from geoguichet.catalogue.record import Contact, Link, Record, Time

MAPPING = (
    Mapped("id", "identifier", "out"),
    Mapped("externalIds", "identifier", "out"),
    Mapped("type", "@type", "out", "WebAPI for a service, else Dataset"),
    Mapped("title", "name", "out"),
    Mapped("alternateTitles", "alternateName", "out"),
    Mapped("description", "description", "out"),
    Mapped("keywords", "keywords", "out"),
    Mapped("themes", "keywords", "out", "DefinedTerm for concepts with an address"),
    Mapped("contacts", "creator", "out", "author, owner"),
    Mapped("contacts", "publisher", "out"),
    Mapped("contacts", "contactPoint", "out", "the others"),
    Mapped("license", "license", "out"),
    Mapped("rights", "conditionsOfAccess", "out"),
    Mapped("geometry", "spatialCoverage", "out", "a GeoShape box per part"),
    Mapped("places", "spatialCoverage", "out"),
    Mapped("time", "temporalCoverage", "out"),
    Mapped("dates", "datePublished", "out", "dateCreated and dateModified too"),
    Mapped("updated", "sdDatePublished", "out"),
    Mapped("links", "distribution", "out", "downloads; the others in url and subjectOf"),
    Mapped("links.preview", "thumbnailUrl", "out"),
    Mapped("lineage", "isBasedOn", "out"),
    Mapped("parent", "isPartOf", "out"),
    Mapped("resourceLanguages", "inLanguage", "out"),
)
_DATES = {"publication": "datePublished", "creation": "dateCreated", "revision": "dateModified"}


def write(record: Record, *, base: str = "", **_source: object) -> bytes:
    """Return the record as JSON-LD; the address of its page begins with ``base``."""
    return _bytes(build(record, address=_address(record, base)))


def write_catalogue(
    records: Iterable[Record], *, title: str, address: str, base: str, **_page: object
) -> bytes:
    """Return a page of a catalogue as a schema.org ``DataCatalog``."""
    return _bytes(
        {
            "@context": "https://schema.org/",
            "@type": "DataCatalog",
            "@id": address,
            "url": address,
            "name": title,
            "dataset": [build(record, address=_address(record, base)) for record in records],
        }
    )


def _address(record: Record, base: str) -> str:
    return f"{base}{quote(record.id, safe='')}" if base else ""


def _bytes(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def build(record: Record, *, address: str = "") -> dict[str, Any]:
    """Make the JSON-LD object of a record as writers take it (`mapping.shaped`), members that say
    nothing left out.
    """
    members: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "WebAPI" if record.type == "service" else "Dataset",
        "@id": address,
        "url": address,
        "identifier": [record.id, *(item.value for item in record.external_ids)],
        "name": record.title,
        "alternateName": said(record, "alternateTitles"),
        "description": record.description,
        "keywords": [
            *record.keywords,
            *(
                _term(item.id, item.title, theme.scheme)
                for theme in record.themes
                for item in theme.concepts
            ),
        ],
        "license": licences.address_of(licences.asserted(record)),
        "conditionsOfAccess": record.rights,
        **_people(record.contacts),
        "spatialCoverage": _places(record),
        "temporalCoverage": _period(record.time) if record.time else "",
        **{
            _DATES[item["type"]]: item["date"]
            for item in said(record, "dates") or ()
            if item.get("type") in _DATES
        },
        "sdDatePublished": record.updated,
        "distribution": [
            _download(link) for link in record.links if link.rel in ("enclosure", "item", "data")
        ],
        "subjectOf": [
            {"@type": "WebPage", "url": link.href} | filled({"name": link.title})
            for link in record.links
            if link.rel in ("about", "related")
        ],
        "thumbnailUrl": next(
            (link.href for link in record.links if link.rel in ("preview", "icon")), ""
        ),
        "isBasedOn": said(record, "lineage"),
        "isPartOf": {"@type": "Dataset", "identifier": parent}
        if (parent := said(record, "parent"))
        else None,
        "inLanguage": [item["code"] for item in said(record, "resourceLanguages") or ()],
        "isAccessibleForFree": True if licences.asserted(record) not in ("", "other") else None,
    }
    return filled(members)


def _term(identifier: str, label: str, scheme: str) -> Any:
    if not identifier.startswith("http"):
        return label or identifier
    if scheme == INSPIRE_THEME and not label:
        label = codes.INSPIRE_THEMES.get(identifier.rpartition("/")[2], ("",))[0]
    term = {"@type": "DefinedTerm", "name": label or identifier, "url": identifier}
    return filled(term | {"inDefinedTermSet": scheme})


def _people(contacts: tuple[Contact, ...]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for contact in contacts:
        role = "".join(contact.roles[:1])
        name = {"publisher": "publisher", "author": "creator", "owner": "creator"}.get(
            role, "contactPoint"
        )
        found.setdefault(name, []).append(_person(contact, contact_point=name == "contactPoint"))
    return found


def _person(contact: Contact, *, contact_point: bool) -> dict[str, Any]:
    person = contact.name and not contact.organization
    return filled(
        {
            "@type": "ContactPoint" if contact_point else "Person" if person else "Organization",
            "name": contact.organization or contact.name,
            "email": next((point.value for point in contact.emails), ""),
            "telephone": next(
                (point.value for point in contact.phones if "fax" not in point.roles), ""
            ),
            "url": next((link.href for link in contact.links), ""),
            "contactType": "".join(contact.roles[:1]) if contact_point else "",
        }
    )


def _places(record: Record) -> list[dict[str, Any]]:
    sides = (
        f"{box.south!r} {box.west!r} {box.north!r} {box.east!r}"
        for box in codes.boxes(record.geometry)
    )
    return [
        *({"@type": "Place", "geo": {"@type": "GeoShape", "box": box}} for box in sides),
        *({"@type": "Place", "name": item["code"]} for item in said(record, "places") or ()),
    ]


def _period(time: Time) -> str:
    return "/".join(time.interval) if time.interval else time.timestamp or time.date


def _download(link: Link) -> dict[str, Any]:
    told = {"@type": "DataDownload", "contentUrl": link.href}
    return told | filled({"name": link.title, "encodingFormat": link.type})


FORMAT = Format(
    "schema-org",
    "schema.org",
    MAPPING,
    written=(
        Written(
            "schema-org",
            "schema.org",
            "application/ld+json",
            "jsonld",
            write,
            write_catalogue,
            one_file=False,
        ),
    ),
)
