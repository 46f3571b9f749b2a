"""MCF, the metadata configuration of pygeometa, in YAML."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import yaml

from geoguichet.catalogue.formats import codes, licences
from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import (
    TOPIC_CATEGORY,
    Dated,
    Format,
    JsonPart,
    Mapped,
    Part,
    Written,
    beyond,
    filled,
    said,
    write_by,
)
from geoguichet.catalogue.record import Concept, Contact, Link, Record, Theme

# What MCF writes in ways of its own: texts by language, groups of keywords, contacts and links by
# name.


# Return the main language of a text, and the text in each; the language of the record is the main
# one, then French.
def _languages(part: Part, path: str) -> tuple[str, dict[str, Any]]:
    node = next((item.node for item in part.at(path)), None)
    if not isinstance(node, Mapping):
        return "", {}
    asked = (codes.language(part.text("metadata.language")), "fr")
    return next((code for code in asked if code in node), str(next(iter(node)))), dict(node)


def _main_text(part: Part, path: str) -> str:
    main, by_language = _languages(part, path)
    return str(by_language.get(main) or part.text(path))


_TRANSLATED = {"title": "identification.title", "description": "identification.abstract"}


def _translations(part: Part, _path: str) -> dict[str, dict[str, str]]:
    others: dict[str, dict[str, str]] = {}
    for member, path in _TRANSLATED.items():
        main, by_language = _languages(part, path)
        for code, text in by_language.items():
            if code != main:
                others.setdefault(str(code), {})[member] = str(text)
    return others


def _by_language(record: Record, member: str) -> str | dict[str, str]:
    told, text = beyond(record), str(said(record, member))
    others = {
        code: texts[member]
        for code, texts in told.get("translations", {}).items()
        if member in texts
    }
    main = told.get("language", {}).get("code", "fr")
    return {main: text} | others if others and text else text


def _dates(part: Part, path: str) -> list[Dated]:
    node = next((item.node for item in part.at(path)), None)
    dated = node.items() if isinstance(node, Mapping) else ()
    return [
        {"date": date, "type": str(kind)}
        for kind, text in dated
        if (date := codes.moment(JsonPart(text).text()))
    ]


def _keyword_types(part: Part, path: str) -> dict[str, str]:
    return {
        word: kind
        for group in part.at(f"{path}.*[vocabulary=]")
        if (kind := group.text("keywords_type"))
        for word in group.texts("keywords")
    }


def _themes(part: Part, path: str) -> tuple[Theme, ...]:
    found = []
    for group in part.at(f"{path}.*[vocabulary!=]"):
        kind = filled({"type": group.text("keywords_type")})
        extra = {"title": group.text("vocabulary.name")} | kind
        concepts = tuple(Concept(word, word) for word in group.texts("keywords"))
        if concepts:
            found.append(Theme(concepts, group.text("vocabulary.url"), extra))
    return tuple(found)


# Return the groups of keywords: one a type of free ones.
def _groups(record: Record) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    types = beyond(record).get("keywordTypes", {})
    for kind in dict.fromkeys(types.get(word, "") for word in record.keywords):
        words = [word for word in record.keywords if types.get(word, "") == kind]
        groups[kind or "default"] = {"keywords": words} | ({"keywords_type": kind} if kind else {})
    return groups


# Return the groups of keywords that have a vocabulary.
def _vocabularies(record: Record) -> dict[str, Any]:
    groups = {}
    for at, theme in enumerate(theme for theme in record.themes if theme.scheme != TOPIC_CATEGORY):
        name = theme.extra.get("title") or theme.scheme or "thesaurus"
        groups[f"vocabulary-{at}"] = {
            "keywords": [item.title or item.id for item in theme.concepts],
            "vocabulary": filled({"name": name, "url": theme.scheme}),
        } | filled({"keywords_type": theme.extra.get("type", "")})
    return groups


#: Lines of a postal address -> their names in a record.
_LINES = {
    "city": "city",
    "administrativearea": "administrativeArea",
    "postalcode": "postalCode",
    "country": "country",
}


def _address(part: Part) -> dict[str, Any]:
    lines: dict[str, Any] = {ours: part.text(theirs) for theirs, ours in _LINES.items()}
    address = filled({"deliveryPoint": part.texts("address")[:1]} | lines)
    return filled({"addresses": [address] if address else [], "about": part.text("about")})


def _as_contact(contact: Contact) -> dict[str, Any]:
    address = (contact.extra.get("addresses") or [{}])[0]
    return filled(
        {
            "organization": contact.organization,
            "individualname": contact.name,
            "positionname": contact.position,
            "role": "".join(contact.roles[:1]),
            "email": next((point.value for point in contact.emails), ""),
            "phone": next((point.value for point in contact.phones), ""),
            "url": next((link.href for link in contact.links), ""),
            "address": "\n".join(address.get("deliveryPoint", ())),
            **{theirs: address.get(ours, "") for theirs, ours in _LINES.items()},
            "about": contact.extra.get("about", ""),
        }
    )


def _as_link(link: Link) -> dict[str, Any]:
    return filled(
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


def _extents(record: Record) -> list[dict[str, Any]]:
    return [
        {"bbox": [box.west, box.south, box.east, box.north], "crs": 4326}
        for box in codes.boxes(record.geometry)
    ]


def _periods(record: Record) -> list[dict[str, str]]:
    return [
        {"begin": start.removeprefix(".."), "end": end.removeprefix("..")}
        for start, end in (record.time.periods() if record.time else ())
    ]


_CONTACTS = to.contacts(
    extra=_address,
    organization="organization",
    name="individualname",
    position="positionname",
    roles="role, @",
    emails="email",
    phones="phone",
    links="url",
)
_LINKS = to.links(
    lambda part: part.text("rel"),
    href="url",
    type="mimetype",
    title="name",
    protocol="type",
    function="function",
    description="description",
)

MAPPING = (
    Mapped("id", "metadata.identifier"),
    Mapped(
        "externalIds",
        "metadata.additional_identifiers",
        read=to.identifiers(value="identifier", by="scheme"),
        write=lambda record: [
            {"identifier": item.value, "scheme": item.scheme} for item in record.external_ids
        ],
    ),
    Mapped(
        "language",
        "metadata.language",
        read=to.language,
        write=lambda record: beyond(record).get("language", {}).get("code"),
    ),
    Mapped("parent", "metadata.parentidentifier"),
    Mapped("type", "metadata.hierarchylevel"),
    Mapped("updated", "metadata.datestamp", read=to.stamp),
    Mapped("created", "metadata.dates.creation", read=to.stamp),
    Mapped(
        "representation",
        "spatial.datatype",
        note="the first",
        read=to.texts,
        write=lambda record: next(iter(beyond(record).get("representation", ())), ""),
    ),
    Mapped(
        "resolution",
        "spatial.denominators",
        note="scales",
        read=to.scales,
        write=lambda record: [
            item["scale"] for item in beyond(record).get("resolution", ()) if "scale" in item
        ],
    ),
    Mapped(
        "resolution",
        "spatial.resolution, spatial.resolutions",
        note="distances",
        read=to.distances("distance", "uom"),
        write=lambda record: [
            {"distance": item["distance"], "uom": item.get("unit", "m")}
            for item in beyond(record).get("resolution", ())
            if "distance" in item
        ],
    ),
    Mapped("crs", "spatial.crs", note="ours; MCF has it per extent", read=to.texts),
    Mapped(
        "resourceLanguages",
        "identification.language",
        note="the first",
        read=to.languages(),
        write=lambda record: next(
            (item["code"] for item in beyond(record).get("resourceLanguages", ())), ""
        ),
    ),
    Mapped(
        "title",
        "identification.title",
        note="translations by language too",
        read=_main_text,
        write=lambda record: _by_language(record, "title"),
    ),
    Mapped(
        "translations", "identification.title", "in", "and those of the abstract", _translations
    ),
    Mapped("alternateTitles", "identification.alternate_titles", note="ours", read=to.texts),
    Mapped(
        "description",
        "identification.abstract",
        read=_main_text,
        write=lambda record: _by_language(record, "description"),
    ),
    Mapped(
        "dates",
        "identification.dates",
        note="one per type",
        read=_dates,
        write=lambda record: {
            item.get("type") or "creation": item["date"] for item in beyond(record).get("dates", ())
        },
    ),
    Mapped(
        "keywords",
        "identification.keywords",
        note="groups without a vocabulary",
        read=lambda part, path: tuple(dict.fromkeys(part.texts(f"{path}.*[vocabulary=].keywords"))),
        write=_groups,
    ),
    Mapped("keywordTypes", "identification.keywords", "in", read=_keyword_types),
    Mapped(
        "themes",
        "identification.keywords",
        note="groups with a vocabulary",
        read=_themes,
        write=_vocabularies,
    ),
    Mapped(
        "themes.topicCategory", "identification.topiccategory", read=to.topics, write=to.topic_codes
    ),
    Mapped(
        "geometry",
        "identification.extents.spatial",
        note="boxes; other shapes as their box",
        read=to.box(listed="bbox"),
        write=_extents,
    ),
    Mapped(
        "time",
        "identification.extents.temporal",
        read=to.periods("begin", "end"),
        write=_periods,
    ),
    Mapped(
        "license",
        "identification.license",
        read=lambda part, path: to.licence(part, f"{path}.name, {path}.url, {path}"),
        write=lambda record: filled(
            {
                "name": licences.asserted(record),
                "url": licences.address_of(licences.asserted(record)),
            }
        ),
    ),
    Mapped("rights", "identification.rights"),
    Mapped(
        "status",
        "identification.status",
        note="the first",
        read=to.texts,
        write=lambda record: next(iter(beyond(record).get("status", ())), ""),
    ),
    Mapped(
        "maintenance",
        "identification.maintenancefrequency",
        read=lambda part, path: filled({"frequency": part.text(path)}),
        write=lambda record: beyond(record).get("maintenance", {}).get("frequency"),
    ),
    Mapped(
        "contacts",
        "contact",
        read=to.every(_CONTACTS),
        write=lambda record: {
            f"contact-{at}": _as_contact(contact) for at, contact in enumerate(record.contacts)
        },
    ),
    Mapped(
        "links",
        "distribution",
        read=to.every(_LINKS),
        write=lambda record: {
            f"link-{at}": _as_link(link)
            for at, link in enumerate(record.links)
            if link.rel != "preview"
        },
    ),
    Mapped(
        "links.preview",
        "identification.browsegraphic",
        read=to.links("preview"),
        write=lambda record: next(
            (link.href for link in record.links if link.rel == "preview"), ""
        ),
    ),
    Mapped("lineage", "dataquality.lineage.statement"),
)

#: What every MCF says, in the order that its readers expect.
_FRAME: Mapping[str, Mapping[str, Any]] = {
    "mcf": {"version": 2.0},
    "metadata": dict.fromkeys(("identifier", "additional_identifiers", "language"))
    | {"charset": "utf8"},
    "spatial": {},
    "identification": {"language": None, "charset": "utf8"},
}


def write(record: Record) -> bytes:
    """Return the record as MCF 2.0, members that say nothing left out."""
    made = write_by(MAPPING, record, deepcopy(dict(_FRAME)))
    told = {name: filled(part) for name, part in made.items()}
    return str(yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=120)).encode()


FORMAT = Format(
    "mcf",
    "MCF (pygeometa)",
    MAPPING,
    "yaml",
    claims=lambda document: (
        isinstance(document, Mapping) and "mcf" in document and "identification" in document
    ),
    written=(
        Written(
            "mcf", "MCF (pygeometa)", "application/yaml", "yml", lambda record, **_: write(record)
        ),
    ),
)
