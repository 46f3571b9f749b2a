"""CKAN packages in JSON, as ``package_show`` and ``package_search`` answer them."""

import json
from collections.abc import Mapping
from typing import Any

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats import licences
from geoguichet.catalogue.formats.mapping import Format, JsonPart, Mapped, Part, read_by
from geoguichet.catalogue.record import ExternalId, Record


# Return the packages of a document: one, a list, or the result of an answer.
def _packages(document: Any) -> list[Mapping[str, Any]]:
    if isinstance(document, list):
        return [package for item in document for package in _packages(item)]
    if not isinstance(document, Mapping):
        return []
    held = document.get("result", document.get("results"))
    return _packages(held) if isinstance(held, Mapping | list) else [document]


# Read a package, its extras as if they were members.
def _read(package: Mapping[str, Any]) -> Record:
    extras = {
        item["key"]: _opened(item.get("value"))
        for item in package.get("extras") or ()
        if isinstance(item, Mapping) and "key" in item
    }
    opened = {name: _opened(package[name]) for name in ("language", "spatial") if name in package}
    return read_by(MAPPING, JsonPart({**extras, **package, **opened}))


# Return what a text of JSON says: an extra has no other way to hold a list or a geometry.
def _opened(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _rights(part: Part, path: str) -> str:
    title = part.text(path)
    return "" if licences.exact(title) else title


def _identifiers(part: Part, path: str) -> tuple[ExternalId, ...]:
    return tuple(ExternalId(text) for text in part.texts(path) if text != part.text("id"))


_SIDES = ("bbox-west-long", "bbox-south-lat", "bbox-east-long", "bbox-north-lat")
_START = "temporal_start, temporal-extent-begin"
_END = "temporal_end, temporal-extent-end"

_LINKS = to.links(
    to.by_format,
    href="url, download_url, access_url",
    type="mimetype",
    title="name",
    length="size",
    description="description",
    protocol="resource_locator_protocol",
)

#: Members of a package, or of its extras.
MAPPING = (
    Mapped("id", "id, name", "in"),
    Mapped("type", "type", "in", "service, else dataset", to.coded("dataset", service="service")),
    Mapped("title", "title, name", "in", "in French first, when there are several languages"),
    Mapped("description", "notes, description", "in"),
    Mapped("keywords", "tags", "in", read=to.words("display_name, name")),
    Mapped(
        "contacts",
        "organization",
        "in",
        "publisher",
        to.contacts("publisher", organization="title, name"),
    ),
    Mapped(
        "contacts",
        "author",
        "in",
        "and author_email",
        to.whole(to.contacts("author", organization="author", emails="author_email")),
    ),
    Mapped(
        "contacts",
        "maintainer",
        "in",
        "and maintainer_email",
        to.whole(
            to.contacts("pointOfContact", organization="maintainer", emails="maintainer_email")
        ),
    ),
    Mapped(
        "contacts",
        "contact_point, contact",
        "in",
        read=to.contacts("pointOfContact", organization="name", emails="email"),
    ),
    Mapped(
        "license",
        "license_id + license_url + license_title + license",
        "in",
        "the first that is known",
        to.licence,
    ),
    Mapped("rights", "license_title", "in", "when it names no known licence", _rights),
    Mapped("links", "resources", "in", read=_LINKS),
    Mapped("formats", "resources.format", "in", read=to.formats),
    Mapped("geometry", "spatial", "in", "GeoJSON", to.geojson),
    Mapped("geometry", " + ".join(_SIDES), "in", read=to.whole(to.box(*_SIDES))),
    Mapped("time", f"{_START}, {_END}", "in", read=to.whole(to.periods(_START, _END))),
    Mapped("dates", "created", "in", "creation", to.dates("creation")),
    Mapped("dates", "issued", "in", "publication", to.dates("publication")),
    Mapped("dates", "modified", "in", "revision", to.dates("revision")),
    Mapped("lineage", "provenance", "in"),
    Mapped("resourceLanguages", "language", "in", read=to.languages("uri")),
    Mapped("created", "metadata_created", "in", read=to.stamp),
    Mapped("updated", "metadata_modified", "in", read=to.stamp),
    Mapped("externalIds", "identifier + name", "in", read=_identifiers),
    Mapped("maintenance", "frequency, accrual_periodicity", "in", read=to.frequency),
)

FORMAT = Format(
    "ckan",
    "CKAN",
    MAPPING,
    "json",
    claims=lambda document: any(
        "resources" in item and ("notes" in item or "name" in item) for item in _packages(document)
    ),
    read=_read,
    parts=_packages,
)
