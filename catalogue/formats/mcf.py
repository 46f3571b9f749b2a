"""MCF, the metadata configuration of pygeometa, in YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from geoguichet.catalogue.errors import FormatError, RecordError
from geoguichet.catalogue.formats import codes, geometries
from geoguichet.catalogue.formats.mapping import (
    TOPIC_CATEGORY,
    Mapped,
    describe,
    made_identifier,
    said,
    time_of,
)
from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    Extent,
    ExternalId,
    Link,
    Record,
    Theme,
)

MAPPING = (
    Mapped("id", "metadata.identifier"),
    Mapped("externalIds", "metadata.additional_identifiers"),
    Mapped("language", "metadata.language"),
    Mapped("parent", "metadata.parentidentifier"),
    Mapped("type", "metadata.hierarchylevel"),
    Mapped("updated", "metadata.datestamp"),
    Mapped("created", "metadata.dates.creation"),
    Mapped("representation", "spatial.datatype", note="the first"),
    Mapped("resolution", "spatial.denominators", note="distances: spatial.resolution"),
    Mapped("crs", "spatial.crs", note="ours; MCF has it per extent"),
    Mapped("title", "identification.title", note="translations by language too"),
    Mapped("translations", "identification.title"),
    Mapped("description", "identification.abstract"),
    Mapped("alternateTitles", "identification.alternate_titles", note="ours"),
    Mapped("dates", "identification.dates", note="one per type"),
    Mapped("keywords", "identification.keywords", note="groups without a vocabulary"),
    Mapped("themes", "identification.keywords", note="groups with a vocabulary"),
    Mapped("themes.topicCategory", "identification.topiccategory"),
    Mapped("geometry", "identification.extents.spatial", note="boxes; other shapes as their box"),
    Mapped("time", "identification.extents.temporal"),
    Mapped("license", "identification.license"),
    Mapped("rights", "identification.rights"),
    Mapped("status", "identification.status", note="the first"),
    Mapped("maintenance", "identification.maintenancefrequency"),
    Mapped("resourceLanguages", "identification.language", note="the first"),
    Mapped("contacts", "contact"),
    Mapped("links", "distribution"),
    Mapped("links.preview", "identification.browsegraphic"),
    Mapped("lineage", "dataquality.lineage.statement"),
)


def claims(document: Any) -> bool:
    """Say whether a YAML document is an MCF."""
    return isinstance(document, Mapping) and "mcf" in document and "identification" in document


def read(document: bytes) -> Record:
    """Read an MCF; FormatError says where it stops being YAML."""
    try:
        said_there = yaml.safe_load(document)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise FormatError(f"YAML mal formé, ligne {line}.", line=line) from error
    if not claims(said_there):
        raise FormatError("MCF : les membres « mcf » et « identification » sont attendus.")
    return _read(said_there)


def _read(mcf: Mapping[str, Any]) -> Record:
    metadata, part = mcf.get("metadata") or {}, mcf.get("identification") or {}
    language = _text(metadata.get("language"))
    extents = part.get("extents") or {}
    unreadable: list[dict[str, Any]] = []
    periods = [
        (
            codes.moment(_text(item.get("begin"))) or "..",
            codes.moment(_text(item.get("end"))) or "..",
        )
        for item in extents.get("temporal") or ()
    ]
    licence = part.get("license") or {}
    named = (
        _text(licence.get("name")) or _text(licence.get("url"))
        if isinstance(licence, Mapping)
        else _text(licence)
    )
    members: dict[str, Any] = {
        "type": _text(metadata.get("hierarchylevel")),
        "externalIds": tuple(
            ExternalId(_text(item.get("identifier")), _text(item.get("scheme")))
            for item in metadata.get("additional_identifiers") or ()
        ),
        "language": {"code": codes.language(language)} if language else None,
        "parent": _text(metadata.get("parentidentifier")),
        "updated": codes.timestamp(_text(metadata.get("datestamp"))),
        "created": codes.timestamp(_text((metadata.get("dates") or {}).get("creation"))),
        "alternateTitles": [_text(text) for text in part.get("alternate_titles") or ()],
        "dates": [
            {"date": date, "type": str(kind)}
            for kind, text in (part.get("dates") or {}).items()
            if (date := codes.moment(_text(text)))
        ],
        "geometry": _geometry(extents.get("spatial") or (), unreadable),
        "time": time_of(periods),
        "license": codes.licence(named) or ("other" if named else ""),
        "rights": _text(part.get("rights")),
        "status": [_text(part["status"])] if part.get("status") else [],
        "maintenance": {"frequency": _text(part["maintenancefrequency"])}
        if part.get("maintenancefrequency")
        else {},
        "resourceLanguages": [{"code": codes.language(_text(part["language"]))}]
        if part.get("language")
        else [],
        "contacts": tuple(_contacts(mcf.get("contact") or {})),
        "links": tuple(_links(mcf.get("distribution") or {}, part.get("browsegraphic"))),
        "lineage": _text(((mcf.get("dataquality") or {}).get("lineage") or {}).get("statement")),
        "unreadable": unreadable,
    }
    members |= (
        _spatial(mcf.get("spatial") or {})
        | _words(part)
        | _texts(part, codes.language(language) if language else "")
    )
    members["id"] = _text(metadata.get("identifier")) or made_identifier(members)
    return describe(members)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return _text(value.get("fr") or next(iter(value.values()), ""))
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    return "" if value is None else str(value).strip()


def _texts(part: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return title and abstract, in the language of the record first; the other languages translate
    them.
    """
    found: dict[str, Any] = {}
    others: dict[str, dict[str, str]] = {}
    for member, name in (("title", "title"), ("description", "abstract")):
        value = part.get(name)
        by_language = (
            {str(code): str(text) for code, text in value.items()}
            if isinstance(value, Mapping)
            else {}
        )
        main = (
            language
            if language in by_language
            else "fr"
            if "fr" in by_language
            else next(iter(by_language), "")
        )
        found[member] = by_language.get(main) or _text(value)
        for code, text in by_language.items():
            if code != main:
                others.setdefault(code, {})[member] = text
    return found | {"translations": others}


def _spatial(spatial: Mapping[str, Any]) -> dict[str, Any]:
    resolutions: list[dict[str, Any]] = [
        {"scale": scale}
        for text in spatial.get("denominators") or ()
        if (scale := codes.number(_text(text)))
    ]
    measures = [
        item
        for item in spatial.get("resolution") or spatial.get("resolutions") or ()
        if isinstance(item, Mapping)
    ]
    pairs = [
        (codes.number(_text(item.get("distance"))), _text(item.get("uom")) or "m")
        for item in measures
    ]
    resolutions += [{"distance": distance, "unit": unit} for distance, unit in pairs if distance]
    datatype = _text(spatial.get("datatype"))
    return {
        "resolution": resolutions,
        "representation": [datatype] if datatype else [],
        "crs": [_text(text) for text in spatial.get("crs") or ()],
    }


def _words(part: Mapping[str, Any]) -> dict[str, Any]:
    free: list[str] = []
    themes: list[Theme] = []
    types: dict[str, str] = {}
    for group in (part.get("keywords") or {}).values():
        words = [_text(word) for word in (group.get("keywords") or ()) if _text(word)]
        vocabulary = group.get("vocabulary") or {}
        kind = _text(group.get("keywords_type"))
        if vocabulary:
            extra = {"title": _text(vocabulary.get("name"))} | ({"type": kind} if kind else {})
            themes.append(
                Theme(
                    tuple(Concept(word, word) for word in words),
                    _text(vocabulary.get("url")),
                    extra,
                )
            )
        else:
            free += words
            types |= {word: kind for word in words if kind}
    topics = part.get("topiccategory") or ()
    topics = [topics] if isinstance(topics, str) else topics
    if topics:
        themes.append(Theme(tuple(Concept(str(code)) for code in topics), TOPIC_CATEGORY))
    return {
        "keywords": tuple(dict.fromkeys(free)),
        "keywordTypes": types,
        "themes": tuple(theme for theme in themes if theme.concepts),
    }


def _geometry(listed: Any, unreadable: list[dict[str, Any]]) -> dict[str, Any] | None:
    pieces: list[dict[str, Any]] = []
    for item in listed:
        sides = item.get("bbox") if isinstance(item, Mapping) else None
        if not sides:
            continue
        try:
            west, south, east, north = (float(side) for side in sides)
            pieces += geometries.as_pieces(Extent(west, south, east, north))
        except (ValueError, TypeError, RecordError) as error:
            unreadable.append(
                {
                    "member": "geometry",
                    "path": "extents.spatial",
                    "text": str(sides),
                    "reason": str(error),
                }
            )
    return geometries.gathered(pieces)


def _contacts(contacts: Mapping[str, Any]) -> Iterator[Contact]:
    for key, item in contacts.items():
        if not isinstance(item, Mapping):
            continue
        role = _text(item.get("role")) or str(key)
        email, phone, url = (_text(item.get(name)) for name in ("email", "phone", "url"))
        address: dict[str, Any] = (
            {"deliveryPoint": [_text(item["address"])]} if item.get("address") else {}
        )
        address |= {
            ours: _text(item[theirs]) for theirs, ours in _ADDRESS.items() if item.get(theirs)
        }
        yield Contact(
            organization=_text(item.get("organization")),
            name=_text(item.get("individualname")),
            position=_text(item.get("positionname")),
            roles=(role,),
            emails=(ContactPoint(email),) if email else (),
            phones=(ContactPoint(phone),) if phone else (),
            links=(Link(url, "related"),) if url else (),
            extra=({"addresses": [address]} if address else {})
            | ({"about": item["about"]} if item.get("about") else {}),
        )


_ADDRESS = {
    "city": "city",
    "administrativearea": "administrativeArea",
    "postalcode": "postalCode",
    "country": "country",
}


def _links(distribution: Mapping[str, Any], graphic: Any) -> Iterator[Link]:
    for item in distribution.values():
        if isinstance(item, Mapping) and (href := _text(item.get("url"))):
            extra = {
                "protocol": _text(item.get("type")),
                "function": _text(item.get("function")),
                "description": _text(item.get("description")),
            }
            extra = {name: text for name, text in extra.items() if text}
            relation = _text(item.get("rel")) or codes.relation(extra)
            yield Link(
                href, relation, _text(item.get("mimetype")), _text(item.get("name")), extra=extra
            )
    if href := _text(graphic):
        yield Link(href, "preview")


def write(record: Record, *, source: bytes = b"") -> bytes:
    """Return the record as MCF 2.0; its source when that still says the same."""
    if source and read(source) == record:
        return source
    return str(
        yaml.safe_dump(build(record), allow_unicode=True, sort_keys=False, width=120)
    ).encode()


def build(record: Record) -> dict[str, Any]:
    """Make the MCF of a record, members that say nothing left out."""
    language = (said(record, "language") or {}).get("code", "")
    extents = {
        "spatial": [
            {"bbox": [box.west, box.south, box.east, box.north], "crs": 4326}
            for box in _boxes(record)
        ],
        "temporal": _periods(record),
    }
    licence: dict[str, str] = {}
    if record.license:
        licence = {"name": record.license}
        licence |= (
            {"url": codes.licence_address(record.license)} if record.license != "other" else {}
        )
    mcf: dict[str, Any] = {
        "mcf": {"version": 2.0},
        "metadata": {
            "identifier": record.id,
            "additional_identifiers": [
                {"identifier": item.value, "scheme": item.scheme} for item in record.external_ids
            ],
            "language": language,
            "charset": "utf8",
            "parentidentifier": said(record, "parent"),
            "hierarchylevel": record.type,
            "datestamp": record.updated,
            "dates": {"creation": record.created} if record.created else {},
        },
        "spatial": {
            "datatype": next(iter(said(record, "representation") or ()), ""),
            "denominators": [
                item["scale"] for item in said(record, "resolution") or () if "scale" in item
            ],
            "resolution": [
                {"distance": item["distance"], "uom": item.get("unit", "m")}
                for item in said(record, "resolution") or ()
                if "distance" in item
            ],
            "crs": said(record, "crs"),
        },
        "identification": {
            "language": next(
                (item["code"] for item in said(record, "resourceLanguages") or ()), ""
            ),
            "charset": "utf8",
            "title": _by_language(record, "title", language),
            "alternate_titles": said(record, "alternateTitles"),
            "abstract": _by_language(record, "description", language),
            "dates": {
                item["type"] or "creation": item["date"] for item in said(record, "dates") or ()
            },
            "keywords": _groups(record),
            "topiccategory": [
                item.id
                for theme in record.themes
                if theme.scheme == TOPIC_CATEGORY
                for item in theme.concepts
            ],
            "extents": {name: listed for name, listed in extents.items() if listed},
            "license": licence,
            "rights": record.rights,
            "status": next(iter(said(record, "status") or ()), ""),
            "maintenancefrequency": (said(record, "maintenance") or {}).get("frequency", ""),
            "browsegraphic": next(
                (link.href for link in record.links if link.rel == "preview"), ""
            ),
        },
        "contact": {
            f"contact-{at}": _as_contact(contact) for at, contact in enumerate(record.contacts)
        },
        "distribution": {
            f"link-{at}": _as_link(link)
            for at, link in enumerate(record.links)
            if link.rel != "preview"
        },
        "dataquality": {"lineage": {"statement": said(record, "lineage")}}
        if said(record, "lineage")
        else {},
    }
    return {name: _filled(part) for name, part in mcf.items() if part}


def _filled(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value not in (None, "", [], {}, ())}


def _by_language(record: Record, member: str, language: str) -> Any:
    others = {
        code: texts[member]
        for code, texts in (said(record, "translations") or {}).items()
        if member in texts
    }
    text = said(record, member)
    return {language or "fr": text} | others if others and text else text


def _boxes(record: Record) -> list[Extent]:
    parts = geometries.boxes_and_shapes(record.geometry)
    boxes = [part if isinstance(part, Extent) else Extent.from_geometry(part) for part in parts]
    return [box for box in boxes if box is not None]


def _periods(record: Record) -> list[dict[str, str]]:
    if record.time is None:
        return []
    time = record.time
    periods = time.extra.get("periods") or [time.interval or (time.timestamp or time.date,) * 2]
    return [
        {"begin": start if start != ".." else "", "end": end if end != ".." else ""}
        for start, end in periods
    ]


def _groups(record: Record) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    types = said(record, "keywordTypes") or {}
    for kind in dict.fromkeys(types.get(word, "") for word in record.keywords):
        words = [word for word in record.keywords if types.get(word, "") == kind]
        groups[kind or "default"] = {"keywords": words} | ({"keywords_type": kind} if kind else {})
    for at, theme in enumerate(theme for theme in record.themes if theme.scheme != TOPIC_CATEGORY):
        name = theme.extra.get("title") or theme.scheme or "thesaurus"
        kind = theme.extra.get("type", "")
        vocabulary = {"name": name} | ({"url": theme.scheme} if theme.scheme else {})
        words = [item.title or item.id for item in theme.concepts]
        groups[f"vocabulary-{at}"] = {"keywords": words, "vocabulary": vocabulary} | (
            {"keywords_type": kind} if kind else {}
        )
    return groups


def _as_contact(contact: Contact) -> dict[str, Any]:
    address = (contact.extra.get("addresses") or [{}])[0]
    return _filled(
        {
            "organization": contact.organization,
            "individualname": contact.name,
            "positionname": contact.position,
            "role": "".join(contact.roles[:1]),
            "email": next((point.value for point in contact.emails), ""),
            "phone": next((point.value for point in contact.phones), ""),
            "url": next((link.href for link in contact.links), ""),
            "address": "\n".join(address.get("deliveryPoint", ())),
            **{theirs: address.get(ours, "") for theirs, ours in _ADDRESS.items()},
            "about": contact.extra.get("about", ""),
        }
    )


def _as_link(link: Link) -> dict[str, Any]:
    return _filled(
        {
            "url": link.href,
            "rel": link.rel,
            "type": link.extra.get("protocol", ""),
            "mimetype": link.type,
            "name": link.title,
            "description": link.extra.get("description", ""),
            "function": link.extra.get("function", ""),
        }
    )
