"""What a record says beyond OGC API Records, member by member, and how a format's mapping table is
written.

A record keeps the members of `MEMBERS` that the standard does not name in its ``extra_properties``,
under these names. Every format has a ``MAPPING``, a tuple of `Mapped`; ``docs/formats.md`` is made
from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Literal

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Record, Time

type Ways = Literal["in", "out", "both"]

INSPIRE_THEME = "http://inspire.ec.europa.eu/theme"
"""Scheme of the 34 INSPIRE themes."""

TOPIC_CATEGORY = "http://inspire.ec.europa.eu/metadata-codelist/TopicCategory"
"""Scheme of the topic categories of ISO 19115 (``MD_TopicCategoryCode``)."""

MEMBERS: Mapping[str, str] = {
    "id": "identifier of the record",
    "type": "dataset, series, service, ... (ISO scope code)",
    "title": "title",
    "alternateTitles": "other titles: list of texts",
    "description": "abstract",
    "translations": "title and description in other languages: {code: {title, description}}",
    "contacts": "contacts with roles; `about` says metadata, citation or distribution, else the resource; "
    "`identifier` is an address (ORCID, ROR ...)",
    "geometry": "boxes and polygons, in WGS 84, longitude first",
    "places": "named places: list of {code, scheme}",
    "extentDescription": "the extent in words",
    "time": "when the content is about",
    "dates": "dates of the resource: list of {date, type}",
    "keywords": "free keywords",
    "keywordTypes": "type of free keywords that have one: {keyword: type}",
    "themes": "keywords of a thesaurus, INSPIRE themes, topic categories",
    "license": "licence: SPDX identifier, or other",
    "rights": "rights, in words",
    "constraints": (
        "access and use: list of {kind, limitations, access, use, other, classification}"
    ),
    "links": "links with protocol, function and description",
    "formats": "formats of distribution: list of {name, version, mediaType}",
    "lineage": "where the content comes from",
    "processSteps": "steps of its making: list of {description, rationale, date}",
    "sources": "what it was made from: list of {title, description}",
    "resolution": "spatial resolution: list of {scale} or {distance, unit}",
    "crs": "reference systems: list of EPSG:code, or texts",
    "conformity": "conformity: list of {title, date, dateType, href, pass, explanation}",
    "quality": (
        "measures of quality: list of {element, rule, name, description, value, rate} "
        "(elements of ISO 19157)"
    ),
    "maintenance": "maintenance: {frequency, note}",
    "parent": "identifier of the parent record",
    "language": "language of the record: {code}",
    "resourceLanguages": "languages of the content: list of {code}",
    "featureCatalogue": "feature catalogues: list of {id, title, href, featureTypes}",
    "serviceType": "type of a service: view, download, discovery, ...",
    "purpose": "why it was made",
    "status": "status of the resource: ISO progress codes",
    "representation": "vector, grid, table, ... (ISO codes)",
    "created": "when the record was made",
    "updated": "when the record last changed",
    "externalIds": "identifiers of the resource",
    "unreadable": (
        "parts of the source that say nothing readable: list of {member, path, line, text, reason}"
    ),
}
"""Every member that at least one format maps, with its meaning and, where it is ours, its shape."""

_FIELDS = {
    "id": "id",
    "type": "type",
    "title": "title",
    "description": "description",
    "keywords": "keywords",
    "themes": "themes",
    "geometry": "geometry",
    "time": "time",
    "created": "created",
    "updated": "updated",
    "contacts": "contacts",
    "license": "license",
    "rights": "rights",
    "externalIds": "external_ids",
    "links": "links",
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """One line of a format's table: a member of the record, where the format says it, and which
    ways.
    """

    member: str
    path: str
    ways: Ways = "both"
    note: str = ""


def said(record: Record, member: str) -> Any:
    """Return what the record says under a name of `MEMBERS`; None or something empty when it says
    nothing.
    """
    if member in _FIELDS:
        return getattr(record, _FIELDS[member])
    return record.extra_properties.get(member)


def describe(said_members: Mapping[str, Any]) -> Record:
    """Make a record from members named as in `MEMBERS`; blank ones are left out."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for member, value in said_members.items():
        if value is None or (not value and isinstance(value, (str, tuple, list, dict))):
            continue
        if member in _FIELDS:
            fields[_FIELDS[member]] = value
        else:
            extra[member] = value
    return Record(**fields, extra_properties=extra)


def with_members(record: Record, **members: Any) -> Record:
    """Return the record with some members changed; a blank value takes an added member away."""
    fields = {_FIELDS[name]: value for name, value in members.items() if name in _FIELDS}
    added = {name: value for name, value in members.items() if name not in _FIELDS}
    kept = {name: value for name, value in record.extra_properties.items() if name not in added}
    return replace(
        record,
        **fields,
        extra_properties=kept | {name: value for name, value in added.items() if value},
    )


def as_table(formats: Mapping[str, Iterable[Mapped]]) -> str:
    """Return, in Markdown, one table per format: member, way, where, note."""
    sections = []
    arrows = {"in": "→", "out": "←", "both": "↔"}
    for name, mapping in formats.items():
        lines = [
            f"## {name}",
            "",
            "| member | | in the format | note |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {row.member} | {arrows[row.ways]} | `{row.path}` | {row.note} |" for row in mapping
        ]
        sections.append("\n".join(lines))
    return "\n\n".join(sections) + "\n"


def made_identifier(said: Mapping[str, Any]) -> str:
    """Return the identifier of a record that has none: the same for the same title, abstract and
    identifiers.
    """
    parts = [said.get("title", ""), said.get("description", "")]
    parts += [item.value for item in said.get("externalIds", ())]
    return f"sans-identifiant-{blake2b('|'.join(parts).encode(), digest_size=8).hexdigest()}"


def time_of(periods: list[tuple[str, str]]) -> Time | None:
    """Return one interval around every period; the periods themselves are kept when there are
    several.
    """
    known = [period for period in dict.fromkeys(periods) if period != ("..", "..")]
    if not known:
        return None
    extra = {"periods": [list(period) for period in known]} if len(known) > 1 else {}
    start = min((first for first, _ in known), key=lambda text: "" if text == ".." else text)
    end = max((last for _, last in known), key=lambda text: "~" if text == ".." else text)
    try:
        if start == end:
            return (
                Time(timestamp=start, extra=extra)
                if "T" in start
                else Time(date=start, extra=extra)
            )
        return Time(interval=(start, end), extra=extra)
    except RecordError:
        return Time(interval=(end, start), extra=extra | {"reversed": True})
