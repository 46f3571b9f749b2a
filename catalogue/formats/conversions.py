"""How the values of other catalogues become members of records: the conversions that a mapping
table names.

A reader is given the document and the path of its row, and returns the value of the member (blank
when nothing is said). Those that need more than a path are made by a function: `contacts`, `links`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.formats import codes, coordinates, licences
from geoguichet.catalogue.formats.mapping import (
    TOPIC_CATEGORY,
    Distributed,
    Language,
    Part,
    Reader,
    Resolution,
    filled,
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
    Time,
)

# --- texts, codes and dates ---------------------------------------------------------------------


def always(value: str) -> Reader:
    """Make a reader of what a format says without writing it."""
    return lambda _part, _path: value


def coded(other: str = "", **known: str) -> Reader:
    """Make a reader of a code by its name here, ``other`` when it is not known."""
    return lambda part, path: known.get(part.text(path), other)


def when(value: str) -> Reader:
    """Make a reader of a member that is so as soon as its path says something."""
    return lambda part, path: value if part.at(path) else ""


def every(read: Reader) -> Reader:
    """Make a reader of an object whose every member is read."""
    return lambda part, path: read(part, f"{path}.*")


def whole(read: Reader) -> Reader:
    """Make a reader of what stands at several places of the document, not all at one path."""
    return lambda part, _path: read(part, "")


def joined(separator: str) -> Reader:
    """Make a reader of several texts as one, each once."""
    return lambda part, path: separator.join(dict.fromkeys(part.texts(path)))


lines, paragraphs = joined("\n"), joined("\n\n")


def line(part: Part, path: str) -> str:
    """Read a text as one line."""
    return " ".join(part.text(path).split())


def texts(part: Part, path: str) -> list[str]:
    """Read a list of texts."""
    return part.texts(path)


def words(name: str = "") -> Reader:
    """Make a reader of free keywords, each once: texts, or objects with a name."""
    return lambda part, path: tuple(dict.fromkeys(_names(part, path, name)))


def _names(part: Part, path: str, name: str) -> Iterator[str]:
    return filter(None, (item.text(name) or item.said() for item in part.at(path)))


def topics(part: Part, path: str) -> tuple[Theme, ...]:
    """Read topic categories of ISO 19115."""
    return topics_of(part.texts(path))


def topics_of(codes_told: Iterable[str]) -> tuple[Theme, ...]:
    """Return topic categories as the theme they are; none when there is none."""
    concepts = tuple(map(Concept, codes_told))
    return (Theme(concepts, TOPIC_CATEGORY),) if concepts else ()


def topic_codes(record: Record) -> list[str]:
    """Return the topic categories of ISO 19115 among the themes of a record."""
    topics = (theme for theme in record.themes if theme.scheme == TOPIC_CATEGORY)
    return [item.id for theme in topics for item in theme.concepts]


def stamp(part: Part, path: str) -> str:
    """Read when the record itself was made or changed."""
    return codes.timestamp(part.text(path))


def dates(kind: str) -> Reader:
    """Make a reader of the dates of the resource that are of one type."""
    return lambda part, path: [
        {"date": date, "type": kind} for date in map(codes.moment, part.texts(path)) if date
    ]


def language(part: Part, path: str) -> Language:
    """Read the language of the record."""
    text = part.text(path)
    return {"code": codes.language(text)} if text else {}


def languages(name: str = "") -> Reader:
    """Make a reader of the languages of the content, each once: codes, or objects with one."""
    return lambda part, path: [
        {"code": code} for code in dict.fromkeys(map(codes.language, _names(part, path, name)))
    ]


def licence(part: Part, path: str) -> str:
    """Read the licence that the texts name (see `licences.licence_of`), else ``other`` when there
    are some.
    """
    named = part.texts(path)
    return licences.licence_of(named) or ("other" if named else "")


def frequency(part: Part, path: str) -> dict[str, str]:
    """Read how often the content is updated."""
    return filled({"frequency": codes.frequency(part.text(path))})


def systems(part: Part, path: str) -> list[str]:
    """Read reference systems, each once."""
    return list(dict.fromkeys(map(codes.crs, part.texts(path))))


def formats(part: Part, path: str) -> list[Distributed]:
    """Read the names of the formats of distribution, each once."""
    return [{"name": text} for text in dict.fromkeys(part.texts(path))]


def places(name: str = "") -> Reader:
    """Make a reader of named places: texts, or objects with a name."""
    return lambda part, path: [{"code": text} for text in _names(part, path, name)]


def identifiers(scheme: str = "", *, value: str = "", by: str = "") -> Reader:
    """Make a reader of identifiers of the resource: texts, or objects with a ``value``, that one
    authority gives or the one that each says at ``by``.
    """
    return lambda part, path: tuple(
        ExternalId(text, item.text(by) if by else scheme)
        for item in part.at(path)
        if (text := item.text(value))
    )


def scales(part: Part, path: str) -> list[Resolution]:
    """Read scales, by their denominators."""
    return [{"scale": number} for number in map(codes.number, part.texts(path)) if number]


def distances(number: str = "", unit: str = "") -> Reader:
    """Make a reader of resolutions: numbers, in metres when no unit stands beside."""

    def read(part: Part, path: str) -> list[Resolution]:
        told = [(codes.number(item.text(number)), item.text(unit)) for item in part.at(path)]
        return [
            {"distance": value, "unit": beside if unit and beside else "m"}
            for value, beside in told
            if value
        ]

    return read


def objects(**paths: str) -> Reader:
    """Make a reader of objects of texts; one that says nothing under its first name is left out."""
    first = next(iter(paths))

    def read(part: Part, path: str) -> list[dict[str, str]]:
        told = [{name: item.text(way) for name, way in paths.items()} for item in part.at(path)]
        return [{name: text for name, text in one.items() if text} for one in told if one[first]]

    return read


# --- who ------------------------------------------------------------------------------------------


def contacts(
    role: str = "", extra: Callable[[Part], dict[str, Any]] = lambda _part: {}, **paths: str
) -> Reader:
    """Make a reader of contacts: where each says its members, and its role when it does not.

    ``paths`` lead to ``organization``, ``name`` (whose parts are joined), ``position``, ``roles``,
    ``emails``, ``phones`` and ``links``; ``extra`` reads what else one says. Who has neither a name
    nor an e-mail address is nobody.
    """

    def read(part: Part, path: str) -> tuple[Contact, ...]:
        found = (replace(_contact(item, role, paths), extra=extra(item)) for item in part.at(path))
        return tuple(one for one in found if one.organization or one.name or one.emails)

    return read


def _contact(part: Part, role: str, paths: dict[str, str]) -> Contact:
    told = {name: part.texts(way) for name, way in paths.items()}
    organization, position = (
        " ".join("".join(told.get(name, ())[:1]).split()) for name in ("organization", "position")
    )
    return Contact(
        organization=organization,
        name=" ".join(" ".join(told.get("name", ())).split()),
        position=position,
        roles=tuple(told.get("roles") or filter(None, [role])),
        emails=tuple(ContactPoint(text.removeprefix("mailto:")) for text in told.get("emails", ())),
        phones=tuple(map(ContactPoint, told.get("phones", ()))),
        links=tuple(Link(href, "related") for href in told.get("links", ())),
    )


# --- links ----------------------------------------------------------------------------------------


def by_format(part: Part) -> str:
    """Return the relation of a resource of an open data portal, which only says its format."""
    is_service = part.text("format").lower() in ("wms", "wfs", "wmts", "api")
    return "service" if is_service else "enclosure"


def links(rel: str | Callable[[Part], str] = "", *, href: str = "", **paths: str) -> Reader:
    """Make a reader of links: where each says its address and its other members.

    ``paths`` lead to ``type``, ``title`` and ``length``, all others to members of its own. Its
    relation is ``rel``; by default the ISO function and the protocol tell it.
    """

    return lambda part, path: tuple(
        _link(item, address, rel, paths) for item in part.at(path) for address in item.texts(href)
    )


def _link(part: Part, href: str, rel: str | Callable[[Part], str], paths: dict[str, str]) -> Link:
    told = {name: text for name, way in paths.items() if (text := part.text(way))}
    kind, title, length = (told.pop(name, "") for name in ("type", "title", "length"))
    return Link(
        href,
        (rel(part) if callable(rel) else rel) or codes.relation(told),
        kind,
        title,
        length=int(max(codes.number(length) or 0, 0)),
        extra=told,
    )


#: Links as the APIs of OGC and STAC write them.
OGC_LINKS = links(lambda part: part.text("rel"), href="href", type="type", title="title")


# --- where and when -------------------------------------------------------------------------------


def box(*sides: str, listed: str = "", crs: str = "") -> Reader:
    """Make a reader of boxes in degrees, one a part: west, south, east and north are at ``sides``,
    else in a list of numbers (with heights between, or not) or in the texts of two corners. Where
    a system is said at ``crs``, a box that is not in degrees is in that one, easting first.

    What is no box is noted as unreadable; a part that says no side at all says nothing.
    """

    def read(part: Part, path: str) -> dict[str, Any] | None:
        pieces: list[dict[str, Any]] = []
        for item in part.at(path):
            told = [item.text(side) for side in sides]
            if not any(told) and (listed or not sides):
                told = " ".join(item.texts(listed)).split()
            try:
                pieces += (
                    codes.as_pieces(_extent(told, item.texts(crs) if crs else []))
                    if any(told)
                    else ()
                )
            except RecordError as error:
                item.refuse(" ".join(told), str(error))
        return codes.gathered(pieces)

    return read


def _extent(sides: list[str], systems: list[str]) -> Extent:
    numbers = [float(number) for side in sides if (number := codes.number(side)) is not None]
    if len(numbers) not in (4, 6) or len(numbers) < len(sides):
        raise RecordError("emprise : quatre nombres sont attendus (ouest, sud, est, nord).")
    half = len(numbers) // 2
    if systems and max(map(abs, numbers)) > 180:
        corners = (numbers[0], numbers[1], numbers[half], numbers[half + 1])
        return coordinates.box_in_degrees(corners, systems)
    return Extent(numbers[0], numbers[1], numbers[half], numbers[half + 1])


def geojson(part: Part, path: str) -> dict[str, Any] | None:
    """Read a geometry of GeoJSON that an object is."""
    for item in part.at(path):
        try:
            return codes.checked(item.node)
        except RecordError as error:
            item.refuse(str(item.node), str(error))
    return None


def intervals(part: Part, path: str) -> Time | None:
    """Read intervals as OGC writes them: lists of two ends, null where one is open."""
    return time_of(
        [
            (codes.moment(str(start or "")) or "..", codes.moment(str(end or "")) or "..")
            for item in part.at(path)
            if isinstance(item.node, list) and len(item.node) == 2
            for start, end in [item.node]
        ]
    )


def periods(start: str, end: str) -> Reader:
    """Make a reader of periods, one a part; an end that is no date is noted."""
    return lambda part, path: time_of(
        [period(item, item.text(start), item.text(end)) for item in part.at(path)]
    )


def period(part: Part, start: str, end: str) -> tuple[str, str]:
    """Return the ends of a period, ``..`` for one that is open; what is no date is noted, and its
    end open.
    """
    first, last = codes.moment(start), codes.moment(end)
    if (start.strip(" .") and not first) or (end.strip(" .") and not last):
        part.refuse("/".join((start, end)), "ce n'est pas une période de dates AAAA-MM-JJ")
    return first or "..", last or ".."
