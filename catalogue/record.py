"""A record: one dataset, service, map or study, described as OGC API Records (20-004r1) describes
it.

The GeoJSON document is the record: what these types do not name is kept in ``extra`` and comes out
as it came in.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from geoguichet.catalogue.errors import BoundError, RecordError
from geoguichet.catalogue.text import instant_keys, interval_keys
from geoguichet.floor.words import Message

if TYPE_CHECKING:
    from geoguichet.floor.region import Limits

type Json = Mapping[str, Any]


class _Member(NamedTuple):
    """One member of a JSON object: its name there, its field here, how it is read and written."""

    name: str
    field: str
    read: Callable[[Any, str], Any]
    #: None when the value is written as it is.
    write: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """A longitude/latitude box, ``west``, ``south``, ``east``, ``north`` in degrees (WGS 84); with
    ``west > east`` it crosses the antimeridian (RFC 7946).

    Raises
    ------
    RecordError
        They are no box: out of range, in metres ...

    Examples
    --------
    >>> box = Extent(0.8, 42.5, 2.2, 43.4)
    >>> box.intersects(Extent(2.0, 43.0, 3.0, 44.0)), Extent.from_geometry(box.as_geometry()) == box
    (True, True)
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.west, self.south, self.east, self.north))):
            raise RecordError(
                "emprise : quatre nombres finis sont attendus (ouest, sud, est, nord)."
            )
        if abs(self.west) > 180 or abs(self.east) > 180:
            raise RecordError(
                f"emprise : longitude hors de -180..180 (ouest {self.west:g}, est {self.east:g}) ; "
                "les coordonnées sont attendues en degrés WGS 84, pas dans une projection."
            )
        if not -90 <= self.south <= self.north <= 90:
            raise RecordError(
                f"emprise : -90 <= sud <= nord <= 90 est attendu, reçu {self.south:g} et "
                f"{self.north:g}."
            )

    @classmethod
    def from_geometry(cls, geometry: Json) -> Extent | None:
        """Return the box around a GeoJSON geometry; None when it has no position.

        A geometry cut at the antimeridian (one part up to 180, another from -180) gives one box
        across it.
        """
        parts = [part for part in map(_bounds, _parts(geometry)) if part is not None]
        if not parts:
            return None
        south, north = min(part[1] for part in parts), max(part[3] for part in parts)
        western = [part for part in parts if part[0] == -180.0]
        eastern = [part for part in parts if part[2] == 180.0]
        if len(parts) > 1 and western and eastern and len(western) + len(eastern) == len(parts):
            return cls(
                min(part[0] for part in eastern), south, max(part[2] for part in western), north
            )
        return cls(min(part[0] for part in parts), south, max(part[2] for part in parts), north)

    def boxes(self) -> tuple[tuple[float, float, float, float], ...]:
        """Return the one or two (west, south, east, north) boxes with west <= east that make it."""
        if self.west <= self.east:
            return ((self.west, self.south, self.east, self.north),)
        return (
            (self.west, self.south, 180.0, self.north),
            (-180.0, self.south, self.east, self.north),
        )

    def intersects(self, other: Extent) -> bool:
        """Say whether the two boxes share at least a point."""
        return any(
            a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
            for a in self.boxes()
            for b in other.boxes()
        )

    def as_geometry(self) -> dict[str, Any]:
        """Return it as a GeoJSON polygon (a multipolygon across the antimeridian)."""
        rings = [
            [[[west, south], [east, south], [east, north], [west, north], [west, south]]]
            for west, south, east, north in self.boxes()
        ]
        return (
            {"type": "Polygon", "coordinates": rings[0]}
            if len(rings) == 1
            else {"type": "MultiPolygon", "coordinates": rings}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """When the content is about: a ``date``, a ``timestamp`` or an ``interval`` (``..`` for an open
    end).
    """

    date: str = ""
    timestamp: str = ""
    interval: tuple[str, ...] = ()
    extra: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.interval and len(self.interval) != 2:
            raise RecordError(
                "time.interval : deux bornes sont attendues ([début, fin], « .. » si ouverte)."
            )
        self.bounds()

    def bounds(self) -> tuple[str, str] | None:
        """Return the sort keys of its first and last instant; None when it says nothing."""
        start, end = self.ends
        if self.interval:
            return interval_keys(start, end)
        return instant_keys(start) if start else None

    @property
    def ends(self) -> tuple[str, str]:
        """Its first and last instant, ``..`` for an open end; the same twice when it is one."""
        start, end = self.interval or (self.timestamp or self.date,) * 2
        return start, end

    def periods(self) -> list[tuple[str, str]]:
        """Return the ends of the periods that it is made of: its own, most often."""
        return [(start, end) for start, end in self.extra.get("periods") or [self.ends]]


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go from the record. A relative ``href`` is resolved from the root of the portal."""

    href: str
    rel: str = ""
    type: str = ""
    title: str = ""
    hreflang: str = ""
    length: int = 0
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One e-mail address or telephone number of a contact."""

    value: str
    roles: tuple[str, ...] = ()
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who answers for the content. ``roles`` are ISO 19115 roles (``pointOfContact``,
    ``publisher``, ...).
    """

    organization: str = ""
    name: str = ""
    position: str = ""
    roles: tuple[str, ...] = ()
    emails: tuple[ContactPoint, ...] = ()
    phones: tuple[ContactPoint, ...] = ()
    links: tuple[Link, ...] = ()
    extra: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say what the standard asks of a contact: a name (by default its position or address),
        kinds of links.
        """
        if not self.organization and not self.name:
            addresses = (point.value for point in (*self.emails, *self.phones))
            said = (self.position, *addresses, *(link.href for link in self.links))
            object.__setattr__(self, "name", next(filter(None, said), ""))
        if self.links and any(link.rel != "about" or not link.type for link in self.links):
            links = (
                replace(link, rel="about", type=link.type or "text/html") for link in self.links
            )
            object.__setattr__(self, "links", tuple(links))


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of a controlled vocabulary."""

    id: str
    title: str = ""
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Theme:
    """Concepts taken from one vocabulary, named by ``scheme`` (an address)."""

    concepts: tuple[Concept, ...]
    scheme: str = ""
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExternalId:
    """The identifier that another catalogue gives to the same content."""

    value: str
    scheme: str = ""
    extra: Json = field(default_factory=dict)


#: The scheme of `content_id`.
CONTENT = "sha256"


def content_id(digest: str, layer: str) -> ExternalId:
    """Return what identifies a layer by the content of its file; ``layer`` is empty when it is
    alone there.
    """
    return ExternalId(f"{digest}#{layer}" if layer else digest, CONTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One described resource, as OGC API Records has it (20-004r1). Only ``id`` is required there.

    ``type``, ``title``, ``description``, ``keywords``, ``themes``, ``contacts``, ``links``, ``rights``,
    ``conforms_to``, ``external_ids`` and ``time`` are those of the standard; ``geometry`` is GeoJSON in
    WGS 84, longitude first (see `Extent.as_geometry`); ``created`` and ``updated`` are RFC 3339 texts
    about the record itself; ``license`` is an SPDX identifier or ``other``. ``extra`` and
    ``extra_properties`` hold the other members of the document and of its ``properties``.

    Raises
    ------
    RecordError
        The identifier is empty, or the geometry is none.

    Examples
    --------
    >>> record = Record(id="bus", type="dataset", title="Arrêts de bus", license="etalab-2.0",
    ...     geometry={"type": "Point", "coordinates": [1.6, 42.97]})
    >>> record
    Record(id='bus', type='dataset', title='Arrêts de bus', updated='', license='etalab-2.0')
    >>> record.extent, Record.from_geojson(record.to_geojson()) == record
    (Extent(west=1.6, south=42.97, east=1.6, north=42.97), True)
    """

    id: str
    type: str = ""
    title: str = ""
    description: str = field(default="", repr=False)
    keywords: tuple[str, ...] = field(default=(), repr=False)
    themes: tuple[Theme, ...] = field(default=(), repr=False)
    geometry: Json | None = field(default=None, repr=False)
    time: Time | None = field(default=None, repr=False)
    created: str = field(default="", repr=False)
    updated: str = ""
    contacts: tuple[Contact, ...] = field(default=(), repr=False)
    license: str = ""
    rights: str = field(default="", repr=False)
    external_ids: tuple[ExternalId, ...] = field(default=(), repr=False)
    links: tuple[Link, ...] = field(default=(), repr=False)
    conforms_to: tuple[str, ...] = field(default=(), repr=False)
    extra: Json = field(default_factory=dict, repr=False)
    extra_properties: Json = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise RecordError("id : un identifiant non vide est attendu.")
        # the standard asks for a link to it; `rights` has its words
        if self.license == "other" and not any(link.rel == "license" for link in self.links):
            object.__setattr__(self, "license", "")
        if self.geometry is not None:
            _check_geometry(self.geometry)
            Extent.from_geometry(self.geometry)

    @property
    def extent(self) -> Extent | None:
        """The box around its geometry; None when it has none."""
        return None if self.geometry is None else Extent.from_geometry(self.geometry)

    @classmethod
    def from_geojson(cls, document: Json) -> Self:
        """Read a record document; unknown members are kept. RecordError names the member that is
        wrong.
        """
        if not isinstance(document, Mapping) or document.get("type") != "Feature":
            raise RecordError('type : un objet GeoJSON de type "Feature" est attendu.')
        properties = document.get("properties")
        if not isinstance(properties, Mapping):
            raise RecordError("properties : un objet est attendu.")
        fields, extra = _read_members(_structure(document), _RECORD)
        described, extra_properties = _read_members(properties, _PROPERTIES)
        if "id" not in fields:
            raise RecordError("id : un identifiant non vide est attendu.")
        return cls(**fields, **described, extra=extra, extra_properties=extra_properties)

    def to_geojson(self) -> dict[str, Any]:
        """Return the record document, ready for JSON; `from_geojson` gives the same record back."""
        document = {"id": self.id, "type": "Feature", "geometry": self.geometry, "time": None}
        document |= _WRITE_RECORD(self)
        document["properties"] = _WRITE_PROPERTIES(self) | dict(self.extra_properties)
        return document | dict(self.extra)

    def to_bytes(self) -> bytes:
        """Return the document as compact UTF-8 JSON that ends with its properties, then its links
        if it has any.
        """
        return _as_bytes(self.to_geojson())

    def digest(self) -> str:
        """Return the SHA-256 of the content, whatever the order of its members."""
        return digest_of(self.to_geojson())


def digest_of(document: Json) -> str:
    """Return the digest of a record from its document; who may see it is no part of it."""
    told = document["properties"]
    if "visibility" in told:
        told = {name: value for name, value in told.items() if name != "visibility"}
        document = {**document, "properties": told}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(canonical.encode()).hexdigest()


# --- what a record may hold -----------------------------------------------------------------------

#: What no XML document may hold, so no form but JSON.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: One of them is in the JSON of any text that holds it (and of some that do not). The byte that each
#: begins with is looked for first: most documents have none, and one byte is found ten times faster.
_DOUBTFUL = (rb"\u00", rb"\b", rb"\f", b"\xef\xbf")
#: Quotes stay, brackets become square ones, all else goes.
_BRACKETS = bytes.maketrans(b"{}", b"[]"), bytes(set(range(256)) - set(b'[]{}"'))


def bounded(record: Record, limits: Limits, document: Json | None = None) -> bytes:
    """Return the document of a record as it is stored, checked: every form can be written of it.
    Who has the document already gives it.

    BoundError when it is longer, has longer texts or lists, or is deeper than the region takes;
    RecordError when it holds what no XML document may hold, or a number that is none.
    """
    document = document or record.to_geojson()
    try:
        body = _as_bytes(dict(document))
    except UnicodeEncodeError:
        body = b""
    except (ValueError, RecursionError) as error:
        told = Message("fiche : des nombres finis et peu de niveaux sont attendus ({error}).")
        raise RecordError(told.given(error=error)) from error
    # No text and no list is longer than the whole.
    if (
        not body
        or len(body) > limits.text_length
        or body.count(b",") >= limits.items
        or any(mark[:1] in body and mark in body for mark in _DOUBTFUL)
        or not _is_shallow(body, limits.depth)
    ):
        _check_inside(document, "", limits, limits.depth)
    if len(body) > limits.record_bytes:
        told = Message("fiche de {size} octets : {most} sont attendus au plus.")
        raise BoundError(told.given(size=len(body), most=limits.record_bytes))
    return body


# Say whether no more objects and lists than so many stand inside each other in a document of JSON:
# without its texts it is brackets, of which the innermost pairs are taken away again and again.
def _is_shallow(body: bytes, most: int) -> bool:
    marks = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(*_BRACKETS)
    marks = marks.replace(b'""', b"")  # most texts hold no bracket
    inside = b"".join(marks.split(b'"')[::2])
    for _level in range(most):
        if not inside:
            break
        inside = inside.replace(b"[]", b"")
    return not inside


# Refuse the first text, list or object inside a value that is beyond a bound.
def _check_inside(value: Any, place: str, limits: Limits, left: int) -> None:
    if isinstance(value, str):
        if len(value) > limits.text_length:
            told = Message("{place} : texte de {size} caractères, {most} sont attendus au plus.")
            told = told.given(size=len(value), most=limits.text_length)
            raise BoundError(told.given(place=place))
        if found := UNWRITABLE.search(value):
            told = Message("{place} : le caractère U+{code} ne s'écrit pas en XML ; retirez-le.")
            raise RecordError(told.given(place=place, code=f"{ord(found[0]):04X}"))
    elif isinstance(value, dict | list | tuple):
        if not left:
            told = Message("{place} : {most} niveaux d'objets et de listes sont attendus au plus.")
            raise BoundError(told.given(place=place, most=limits.depth))
        listed = not isinstance(value, dict)
        if listed and len(value) > limits.items and not place.startswith("geometry.coordinates"):
            told = Message("{place} : liste de {size} éléments, {most} sont attendus au plus.")
            raise BoundError(told.given(place=place, size=len(value), most=limits.items))
        for name, held in value.items() if isinstance(value, dict) else enumerate(value):
            inner = f"{place}[{name}]" if listed else f"{place}.{str(name)[:60]}".lstrip(".")
            _check_inside(name, inner, limits, left)
            _check_inside(held, inner, limits, left - 1)


# --- reading and writing members ------------------------------------------------------------------


# Return a document as bytes, its links last.
def _as_bytes(document: dict[str, Any]) -> bytes:
    for last in ("properties", "links"):
        if last in document:
            document[last] = document.pop(last)
    told = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return told.encode()


# Return the document without the members that every record has and that no field needs to remember.
def _structure(document: Json) -> dict[str, Any]:
    return {
        name: value
        for name, value in document.items()
        if name not in ("type", "properties")
        and (name not in ("geometry", "time") or value is not None)
    }


# Return the fields a table knows, and the rest: members that are unknown, null or empty.
def _read_members(
    members: Json, table: tuple[_Member, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    known = {member.name: member for member in table}
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in members.items():
        if name in known and not _is_blank(value):
            fields[known[name].field] = known[name].read(value, name)
        else:
            extra[name] = value
    return fields, extra


# Return the writer of the members of a table: all fields are got at once.
def _members_of(table: tuple[_Member, ...]) -> Callable[[object], dict[str, Any]]:
    held = attrgetter(*(member.field for member in table))
    ways = [(member.name, member.write) for member in table]

    def write(noun: object) -> dict[str, Any]:
        return {
            name: value if to is None else to(value)
            for (name, to), value in zip(ways, held(noun), strict=True)
            if value
        }

    return write


def _is_blank(value: object) -> bool:
    return value is None or value in ("", [], {}) or (value == 0 and isinstance(value, int))


# Return the reader of a JSON value of one kind; no boolean is a number.
def _of(kind: type, wanted: str) -> Callable[[Any, str], Any]:
    def read(value: Any, name: str) -> Any:
        if not isinstance(value, kind) or isinstance(value, bool):
            told = json.dumps(value, ensure_ascii=False, default=str)[:60]
            raise RecordError(f"{name} : {wanted}, reçu {told}.")
        return value

    return read


_text: Callable[[Any, str], str] = _of(str, "un texte est attendu")
_number: Callable[[Any, str], int] = _of(int, "un nombre entier est attendu")
_list: Callable[[Any, str], list[Any]] = _of(list, "une liste est attendue")
_mapping: Callable[[Any, str], Json] = _of(Mapping, "un objet est attendu")


def _texts(value: Any, name: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{name}[{index}]") for index, item in enumerate(_list(value, name)))


# Return the reader of an object that is one of our nouns.
def _noun(
    kind: Callable[..., Any], table: tuple[_Member, ...], *required: str
) -> Callable[[Any, str], Any]:
    def read(value: Any, name: str) -> Any:
        fields, extra = _read_members(_mapping(value, name), table)
        for wanted in required:
            if wanted not in fields:
                raise RecordError(f"{name} : le membre « {wanted} » est attendu et manque.")
        return kind(**fields, extra=extra)

    return read


def _nouns(read: Callable[[Any, str], Any]) -> Callable[[Any, str], tuple[Any, ...]]:
    return lambda value, name: tuple(
        read(item, f"{name}[{index}]") for index, item in enumerate(_list(value, name))
    )


def _written(table: tuple[_Member, ...]) -> Callable[[Any], dict[str, Any]]:
    members = _members_of(table)

    def write(noun: Any) -> dict[str, Any]:
        told = members(noun)
        if noun.extra:
            told.update(noun.extra)
        return told

    return write


# Return the writer of a list; what lacks a required member (a link to nowhere) could not be read
# again.
def _all_written(
    table: tuple[_Member, ...], required: str = ""
) -> Callable[[Any], list[dict[str, Any]]]:
    write = _written(table)
    if not required:
        return lambda nouns: list(map(write, nouns))
    needed = attrgetter(required)
    return lambda nouns: [write(noun) for noun in nouns if needed(noun)]


_LINK = (
    _Member("href", "href", _text),
    _Member("rel", "rel", _text),
    _Member("type", "type", _text),
    _Member("title", "title", _text),
    _Member("hreflang", "hreflang", _text),
    _Member("length", "length", _number),
)
_links = _nouns(_noun(Link, _LINK, "href"))
_POINT = (_Member("value", "value", _text), _Member("roles", "roles", _texts, list))
_points = _nouns(_noun(ContactPoint, _POINT, "value"))
_CONTACT = (
    _Member("name", "name", _text),
    _Member("position", "position", _text),
    _Member("organization", "organization", _text),
    _Member("roles", "roles", _texts, list),
    _Member("emails", "emails", _points, _all_written(_POINT, "value")),
    _Member("phones", "phones", _points, _all_written(_POINT, "value")),
    _Member("links", "links", _links, _all_written(_LINK, "href")),
)
_CONCEPT = (_Member("id", "id", _text), _Member("title", "title", _text))
_THEME = (
    _Member(
        "concepts", "concepts", _nouns(_noun(Concept, _CONCEPT, "id")), _all_written(_CONCEPT, "id")
    ),
    _Member("scheme", "scheme", _text),
)
_EXTERNAL_ID = (_Member("scheme", "scheme", _text), _Member("value", "value", _text))
_TIME = (
    _Member("date", "date", _text),
    _Member("timestamp", "timestamp", _text),
    _Member("interval", "interval", _texts, list),
)
_RECORD = (
    _Member("id", "id", _text),
    _Member("conformsTo", "conforms_to", _texts, list),
    _Member("geometry", "geometry", _mapping),
    _Member("time", "time", _noun(Time, _TIME), _written(_TIME)),
    _Member("links", "links", _links, _all_written(_LINK, "href")),
)
_PROPERTIES = (
    _Member("type", "type", _text),
    _Member("title", "title", _text),
    _Member("description", "description", _text),
    _Member("created", "created", _text),
    _Member("updated", "updated", _text),
    _Member("keywords", "keywords", _texts, list),
    _Member("themes", "themes", _nouns(_noun(Theme, _THEME, "concepts")), _all_written(_THEME)),
    _Member(
        "externalIds",
        "external_ids",
        _nouns(_noun(ExternalId, _EXTERNAL_ID, "value")),
        _all_written(_EXTERNAL_ID, "value"),
    ),
    _Member("contacts", "contacts", _nouns(_noun(Contact, _CONTACT)), _all_written(_CONTACT)),
    _Member("license", "license", _text),
    _Member("rights", "rights", _text),
)
_WRITE_RECORD, _WRITE_PROPERTIES = _members_of(_RECORD), _members_of(_PROPERTIES)


# --- geometry -------------------------------------------------------------------------------------

_DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def _check_geometry(geometry: Json) -> None:
    kind = _mapping(geometry, "geometry").get("type")
    if kind == "GeometryCollection":
        for part in _list(geometry.get("geometries"), "geometry.geometries"):
            _check_geometry(_mapping(part, "geometry.geometries"))
    elif not isinstance(kind, str) or kind not in _DEPTH:
        raise RecordError(f"geometry.type : un type GeoJSON est attendu, reçu « {kind} ».")
    else:
        positions = list(_positions(geometry.get("coordinates"), _DEPTH[kind]))
        if not _are_positions(positions):
            for position in positions:
                _check_position(position)


# Say whether all are lists of two finite numbers or more: quicker than `_check_position`, which
# says what not.
def _are_positions(positions: list[Any]) -> bool:
    if (
        not {list, tuple}.issuperset(map(type, positions))
        or min(map(len, positions), default=2) < 2
    ):
        return False
    numbers = list(chain.from_iterable(positions))
    try:
        return {int, float}.issuperset(map(type, numbers)) and all(map(math.isfinite, numbers))
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _check_position(position: Any) -> None:
    if not (isinstance(position, list | tuple) and len(position) >= 2) or not all(
        isinstance(n, int | float) and not isinstance(n, bool) for n in position
    ):
        raise RecordError("geometry.coordinates : chaque position est [longitude, latitude].")
    if not all(abs(n) <= sys.float_info.max for n in position):
        raise RecordError(
            "geometry.coordinates : des nombres finis sont attendus, NaN ou l'infini est donné."
        )


# Yield the positions of nested coordinates; an empty list (an empty geometry) yields none.
def _positions(coordinates: Any, depth: int) -> Iterator[Any]:
    if not isinstance(coordinates, list | tuple):
        raise RecordError("geometry.coordinates : une liste de coordonnées est attendue.")
    if depth == 1:
        yield from coordinates
    elif depth:
        for part in coordinates:
            yield from _positions(part, depth - 1)
    elif coordinates:
        yield coordinates


# Yield the positions of each part (polygon, line or point) of a geometry.
def _parts(geometry: Json) -> Iterator[list[Any]]:
    kind = str(geometry.get("type"))
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _parts(part)
    elif kind.startswith("Multi"):
        for part in geometry["coordinates"]:
            yield list(_positions(part, _DEPTH[kind] - 1))
    else:
        yield list(_positions(geometry["coordinates"], _DEPTH[kind]))


def _bounds(positions: list[Any]) -> tuple[float, float, float, float] | None:
    if not positions:
        return None
    longitudes = [float(position[0]) for position in positions]
    latitudes = [float(position[1]) for position in positions]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)
