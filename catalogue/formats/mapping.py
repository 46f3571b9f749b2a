"""What a record says beyond OGC API Records, member by member, and how a format's mapping table is
written and read.

A record keeps the members of `Members` that the standard does not name in its
``extra_properties``, under these names. Every format has a ``MAPPING``, a tuple of `Mapped`:
``docs/formats.md`` is made from it, and it is what reads and writes the formats that name its
conversions (ISO 19115, a tree of objects, has a reader and writers of its own).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from hashlib import blake2b
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    TypedDict,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Contact, ExternalId, Json, Link, Record, Theme, Time

# ruff: noqa: UP013 (shapes are a table here; one of their members, `pass`, is a word of Python)


#: What follows a licence that is only proposed, by prose or by one of several that are named.
TO_CONFIRM = " (à confirmer)"

#: Scheme of the 34 INSPIRE themes.
INSPIRE_THEME = "http://inspire.ec.europa.eu/theme"

#: Scheme of the topic categories of ISO 19115 (``MD_TopicCategoryCode``).
TOPIC_CATEGORY = "http://inspire.ec.europa.eu/metadata-codelist/TopicCategory"

# What the members of a record are, a table of shapes: a member that is blank is left out.

Language = TypedDict("Language", {"code": str}, total=False)
Dated = TypedDict("Dated", {"date": str, "type": str}, total=False)
Place = TypedDict("Place", {"code": str, "href": str, "scheme": str}, total=False)
Words = TypedDict("Words", {"text": str, "href": str}, total=False)
Constraint = TypedDict(
    "Constraint",
    {
        "kind": Literal["legal", "security", "use"],
        "limitations": list[Words],
        "access": list[str],
        "use": list[str],
        "other": list[Words],
        "classification": str,
    },
    total=False,
)
Distributed = TypedDict("Distributed", {"name": str, "version": str, "mediaType": str}, total=False)
Step = TypedDict("Step", {"description": str, "rationale": str, "date": str}, total=False)
Source = TypedDict("Source", {"title": str, "description": str}, total=False)
Resolution = TypedDict("Resolution", {"scale": float, "distance": float, "unit": str}, total=False)
Conformity = TypedDict(
    "Conformity",
    {
        "title": str,
        "href": str,
        "date": str,
        "dateType": str,
        "explanation": str,
        "pass": bool | None,
    },
    total=False,
)
Measure = TypedDict(
    "Measure",
    {
        "element": str,
        "rule": str,
        "name": str,
        "description": str,
        "value": float | str,
        "rate": float | str,
    },
    total=False,
)
Maintenance = TypedDict("Maintenance", {"frequency": str, "note": str}, total=False)
FeatureCatalogue = TypedDict(
    "FeatureCatalogue",
    {"id": str, "title": str, "href": str, "featureTypes": list[str]},
    total=False,
)
Field = TypedDict("Field", {"name": str, "type": str, "definition": str}, total=False)
Unreadable = TypedDict(
    "Unreadable",
    {"member": str, "path": str, "line": int, "text": str, "reason": str},
    total=False,
)

#: Every member that at least one format maps: its shape, and its meaning.
Members = TypedDict(
    "Members",
    {
        "id": Annotated[str, "identifier of the record"],
        "type": Annotated[str, "dataset, series, service, ... (ISO scope code)"],
        "title": Annotated[str, "title"],
        "alternateTitles": Annotated[list[str], "other titles: list of texts"],
        "description": Annotated[str, "abstract"],
        "translations": Annotated[
            dict[str, dict[str, str]],
            "title and description in other languages: {code: {title, description}}",
        ],
        "contacts": Annotated[
            tuple[Contact, ...],
            "contacts with roles; `about` says metadata, citation or distribution, else the "
            "resource; `identifier` is an address (ORCID, ROR ...)",
        ],
        "geometry": Annotated[
            dict[str, Any] | None, "boxes and polygons, in WGS 84, longitude first"
        ],
        "places": Annotated[list[Place], "named places: list of {code, scheme}"],
        "extentDescription": Annotated[str, "the extent in words"],
        "time": Annotated[Time | None, "when the content is about"],
        "dates": Annotated[list[Dated], "dates of the resource: list of {date, type}"],
        "keywords": Annotated[tuple[str, ...], "free keywords"],
        "keywordTypes": Annotated[
            dict[str, str], "type of free keywords that have one: {keyword: type}"
        ],
        "themes": Annotated[
            tuple[Theme, ...], "keywords of a thesaurus, INSPIRE themes, topic categories"
        ],
        "license": Annotated[str, "licence: SPDX identifier, or other"],
        "licenseStatus": Annotated[
            str, "`à confirmer` while prose, or one of several licences, only proposes the licence"
        ],
        "rights": Annotated[str, "rights, in words"],
        "constraints": Annotated[
            list[Constraint],
            "access and use: list of {kind, limitations, access, use, other, classification}",
        ],
        "links": Annotated[tuple[Link, ...], "links with protocol, function and description"],
        "formats": Annotated[
            list[Distributed], "formats of distribution: list of {name, version, mediaType}"
        ],
        "lineage": Annotated[str, "where the content comes from"],
        "processSteps": Annotated[
            list[Step], "steps of its making: list of {description, rationale, date}"
        ],
        "sources": Annotated[list[Source], "what it was made from: list of {title, description}"],
        "resolution": Annotated[
            list[Resolution], "spatial resolution: list of {scale} or {distance, unit}"
        ],
        "crs": Annotated[list[str], "reference systems: list of EPSG:code, or texts"],
        "conformity": Annotated[
            list[Conformity],
            "conformity: list of {title, date, dateType, href, pass, explanation}",
        ],
        "quality": Annotated[
            list[Measure],
            "measures of quality: list of {element, rule, name, description, value, rate} "
            "(elements of ISO 19157)",
        ],
        "maintenance": Annotated[Maintenance, "maintenance: {frequency, note}"],
        "parent": Annotated[str, "identifier of the parent record"],
        "language": Annotated[Language, "language of the record: {code}"],
        "resourceLanguages": Annotated[list[Language], "languages of the content: list of {code}"],
        "featureCatalogue": Annotated[
            list[FeatureCatalogue], "feature catalogues: list of {id, title, href, featureTypes}"
        ],
        "fields": Annotated[list[Field], "fields of the data: list of {name, type, definition}"],
        "legislation": Annotated[
            list[str], "the law that asks for it: list of addresses (ELI), as HVD says it"
        ],
        "serviceType": Annotated[str, "type of a service: view, download, discovery, ..."],
        "purpose": Annotated[str, "why it was made"],
        "status": Annotated[list[str], "status of the resource: ISO progress codes"],
        "representation": Annotated[list[str], "vector, grid, table, ... (ISO codes)"],
        "created": Annotated[str, "when the record was made"],
        "updated": Annotated[str, "when the record last changed"],
        "externalIds": Annotated[tuple[ExternalId, ...], "identifiers of the resource"],
        "unreadable": Annotated[
            list[Unreadable],
            "parts of the source that say nothing readable: list of "
            "{member, path, line, text, reason}",
        ],
    },
    total=False,
)

#: What links, contacts, themes and times hold beyond the standard, where a format looks at it.
Extra = TypedDict(
    "Extra",
    {
        "protocol": str,
        "protocolAddress": str,
        "applicationProfile": str,
        "function": str,
        "description": str,
        "format": str,
        "fileType": str,
        "operation": str,
        "operatesOn": str,
        "about": str,
        "identifier": str,
        "organizationIdentifier": str,
        "hoursOfService": str,
        "contactInstructions": str,
        "addresses": list[dict[str, str | list[str]]],
        "title": str,
        "type": str,
        "address": str,
        "date": str,
        "dateType": str,
        "periods": list[tuple[str, str]],
        "reversed": bool,
    },
    total=False,
)


def filled[Shape: Mapping[str, Any]](shape: Shape) -> Shape:
    """Return an object without its blank members."""
    return cast(Shape, {name: told for name, told in shape.items() if told})


MEMBERS: Mapping[str, str] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Members, include_extras=True).items()
}

#: Members that the standard names -> fields of `Record`.
_FIELDS = {
    name: "external_ids" if name == "externalIds" else name
    for name in (
        *("id", "type", "title", "description", "keywords", "themes", "geometry", "time"),
        *("created", "updated", "contacts", "license", "rights", "externalIds", "links"),
    )
}

type Ways = Literal["in", "out", "both"]
#: Returns the value of a member, from the document and the path of its row; blank when unsaid.
type Reader = Callable[[Part, str], Any]


def text(part: Part, path: str) -> str:
    """Read the first text that a path leads to."""
    return part.text(path)


@dataclass(frozen=True, slots=True)
class Mapped:
    """One line of a format's table: a member of the record, where the format says it, which ways,
    and the conversions between the two.
    """

    member: str
    #: As `parts` understands it, in the formats that `read_by` and `write_by` read and write.
    path: str
    ways: Ways = "both"
    note: str = ""
    read: Reader = text
    #: What is written of a record; by default, the member as it is.
    write: Callable[[Record], Any] | None = None

    def written(self, record: Record) -> Any:
        """Return what the format says of a record there; blank when nothing."""
        return self.write(record) if self.write else said(record, self.member)


def read_by(mapping: Iterable[Mapped], part: Part, **given: Any) -> Record:
    """Read a record as a table says; without an identifier it gets one of its title and abstract.

    Of several rows for a member, lists are joined, and else the first that says something is kept;
    ``given`` members are told beside the document.
    """
    told: dict[str, Any] = {}
    unreadable: list[Unreadable] = []
    for row in mapping:
        if row.ways == "out":
            continue
        member = row.member.partition(".")[0]
        value = row.read(part, row.path)
        if isinstance(value, list | tuple) and value and member in told:
            told[member] += value
        elif value:
            told.setdefault(member, value)
        while part.refused:
            where, said_there, reason = part.refused.pop(0)
            unreadable.append(
                {"member": member, "path": where, "text": said_there, "reason": reason}
            )
    members = cast(Members, told | given | {"unreadable": unreadable})
    return describe(members | {"id": members.get("id") or made_identifier(members)})


def write_by(mapping: Iterable[Mapped], record: Record, document: dict[str, Any]) -> dict[str, Any]:
    """Put in a JSON document what a table writes of a record, and return it.

    Of several rows for a path, objects are joined; what is blank is left out.
    """
    for row in mapping:
        value = "" if row.ways == "in" else row.written(record)
        if value in (None, "", [], {}, ()):
            continue
        *steps, last = row.path.partition(",")[0].split(".")
        holder = document
        for step in steps:
            holder = holder.setdefault(step, {})
        if isinstance(value, dict):
            value = (holder.get(last) or {}) | value
        holder[last] = value
    return document


def said(record: Record, member: str) -> Any:
    """Return what the record says under a name of `MEMBERS`; None or something empty when it says
    nothing.
    """
    field = _FIELDS.get(member)
    return getattr(record, field) if field else record.extra_properties.get(member)


def beyond(record: Record) -> Members:
    """Return what the record says that the standard does not name, blank members left out."""
    return cast(Members, {name: told for name, told in record.extra_properties.items() if told})


def shaped(record: Record) -> Record:
    """Return the record as writers take it: what is not of the shape that `Members` or `Extra` says
    is left out of all forms but the record itself, which keeps it.
    """
    hints = _hints(Members)
    return replace(
        record,
        extra_properties=_fitting_members(record.extra_properties, hints),
        contacts=tuple(map(_shaped, record.contacts)),
        links=tuple(map(_shaped, record.links)),
        themes=tuple(map(_shaped, record.themes)),
        time=record.time and _shaped(record.time),
    )


def _shaped[Noun: (Contact, Link, Theme, Time)](noun: Noun) -> Noun:
    kept = _fitting_members(noun.extra, _hints(Extra)) if noun.extra else noun.extra
    made = noun if kept == noun.extra else replace(noun, extra=kept)
    # a contact has links of its own
    links = tuple(map(_shaped, made.links)) if isinstance(made, Contact) else ()
    return made if not links or links == made.links else replace(made, links=links)


@cache
def _hints(shape: Any) -> Mapping[str, Any]:
    return get_type_hints(shape)


def _fitting_members(told: Json, hints: Mapping[str, Any]) -> dict[str, Any]:
    kept = ((name, _fitting(held, hints.get(name, Any))) for name, held in told.items())
    return {name: held for name, held in kept if held is not None}


# Return what of a value is of a shape, None when nothing is. What a shape does not name stays: no
# writer looks at it.
def _fitting(told: Any, shape: Any) -> Any:
    kind, inside = get_origin(shape) or shape, get_args(shape)
    if is_typeddict(shape):
        kept = _fitting_members(told, _hints(shape)) if isinstance(told, Mapping) else None
        needed = _NEEDED.get(shape, ())
        if kept is None or not needed:
            return kept
        kept = {name: held for name, held in kept.items() if held or name not in needed}
        return kept if kept.keys() & set(needed) else None
    if kind in (dict, list, tuple) and not isinstance(
        told, Mapping if kind is dict else list | tuple
    ):
        return None
    if kind is dict:
        return _fitting_members(told, dict.fromkeys(told, inside[1]))
    if kind is list:
        return [one for one in (_fitting(one, inside[0]) for one in told) if one is not None]
    if kind is tuple:
        return told if [*map(type, told)] == [*inside] else None
    if kind is UnionType:
        fits = (_fitting(told, one) for one in inside)
        return next((held for held in fits if held is not None), None)
    if kind is float:
        return told if type(told) in (int, float) and abs(told) < _LARGEST else None
    if kind is Literal:
        return told if told in inside else None
    return told if kind is Any or isinstance(told, kind) else None


#: Of which an item has one at least, or it says nothing.
_NEEDED: Mapping[Any, tuple[str, ...]] = {
    Language: ("code",),
    Dated: ("date",),
    Place: ("code",),
    Distributed: ("name",),
    Resolution: ("scale", "distance"),
}
#: No quantity of a record is larger.
_LARGEST = 1e15


def describe(members: Members) -> Record:
    """Make a record from members named as in `MEMBERS`; blank ones are left out."""
    told: dict[str, Any] = {
        name: value for name, value in _confirmed(members).items() if value or value == 0
    }
    fields = {_FIELDS[name]: value for name, value in told.items() if name in _FIELDS}
    extra = {name: value for name, value in told.items() if name not in _FIELDS}
    return Record(**fields, extra_properties=extra)


# Say beside a licence whether it is only proposed.
def _confirmed(members: Mapping[str, Any]) -> Mapping[str, Any]:
    if "license" not in members:
        return members
    spdx = (members["license"] or "").removesuffix(TO_CONFIRM)
    status = TO_CONFIRM.strip(" ()") if spdx != members["license"] else ""
    return {**members, "license": spdx, "licenseStatus": status}


def with_members(record: Record, **members: Any) -> Record:
    """Return the record with some members changed; a blank value takes an added member away."""
    members = dict(_confirmed(members))
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
        rows = "\n".join(
            f"| {row.member} | {arrows[row.ways]} | {row.path and f'`{row.path}`'} | {row.note} |"
            for row in mapping
        )
        head = "| member | | in the format | note |\n| --- | --- | --- | --- |"
        sections.append(f"## {name}\n\n{head}\n{rows}")
    return "\n\n".join(sections) + "\n"


def made_identifier(said: Members) -> str:
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


# A document taken apart, whatever its syntax: what a path leads to there, and the text of it. A
# path is written in a format's mapping table. ``a.b`` (JSON, YAML) and ``a/b`` (XML) go from one
# member to the next, through every item of a list; ``*`` is every member; ``@name`` is an
# attribute (in JSON ``@`` is the name under which ``*`` met a member). ``a[b=c d]`` keeps the a
# whose b is c or d, ``!=`` those where it is neither, ``^=`` those where it begins so, and no
# value is a blank one. ``a, b`` is the first of the two that says something, ``a + b`` both, one
# after the other; the empty path is the part itself.


#: What could not be understood: where, its text, and why.
type Refusal = tuple[str, str, str]


class _Step(NamedTuple):
    """One step of a path: the member it goes to, and which of those it keeps."""

    name: str
    member: str = ""
    sign: str = ""
    values: tuple[str, ...] = ()

    def keeps(self, text: str) -> bool:
        return (
            text.startswith(self.values)
            if self.sign == "^="
            else ((text in self.values) == (self.sign == "="))
        )


_STEP = re.compile(r"([^\[]+)\[([^=!^]+)(!=|\^=|=)(.*)\]")


# Return a path as what it tries in turn, each as what it takes together, each as its steps.
@lru_cache(maxsize=4096)
def _choices(path: str, separator: str) -> list[list[list[_Step]]]:
    return [
        [[_step(step) for step in steps.split(separator) if step] for steps in choice.split(" + ")]
        for choice in path.split(", ")
    ]


def _step(text: str) -> _Step:
    if match := _STEP.fullmatch(text):
        return _Step(match[1], match[2], match[3], tuple(match[4].split()) or ("",))
    return _Step(text)


class Part:
    """A part of a document, and what in the whole document could not be understood."""

    __slots__ = ("node", "refused", "where")
    separator: ClassVar[str]

    def __init__(self, node: Any, where: str = "", refused: list[Refusal] | None = None) -> None:
        self.node = node
        self.where = where
        self.refused = [] if refused is None else refused

    def at(self, path: str) -> list[Self]:
        """Return the parts that a path leads to; none of them is blank."""
        return [
            self._child(node, self._place(node, path))
            for node in next(filter(None, self._tried(path)), [])
        ]

    def texts(self, path: str = "") -> list[str]:
        """Return the texts of the parts that a path leads to."""
        for found in self._tried(path):
            if texts := list(filter(None, map(self._said, found))):
                return texts
        return []

    def text(self, path: str = "") -> str:
        """Return the first text that a path leads to; empty when there is none."""
        return next(iter(self.texts(path)), "")

    def said(self) -> str:
        """Return the text of the part itself, trimmed."""
        return self._said(self.node)

    def refuse(self, text: str, reason: str) -> None:
        """Note that this part says nothing readable; the rest is read all the same."""
        self.refused.append((self.where, text[:200], reason))

    def _tried(self, path: str) -> Iterator[list[Any]]:
        for choice in _choices(path, self.separator):
            yield [node for steps in choice for node in self._follow(steps)]

    def _follow(self, steps: list[_Step]) -> list[Any]:
        nodes = self._items(self.node)
        for step in steps:
            nodes = [item for node in nodes for item in self._to(node, step.name)]
            if step.member:
                told = ((node, self._child(node, "").text(step.member)) for node in nodes)
                nodes = [node for node, text in told if step.keeps(text)]
        return nodes

    def _child(self, node: Any, where: str) -> Self:
        return type(self)(node, where, self.refused)

    # Return where a node stands, for who will look there.
    def _place(self, _node: Any, path: str) -> str:
        return path or self.where

    # Return what a node is a list of: itself, but in JSON.
    def _items(self, node: Any) -> list[Any]:
        return [node]

    # Return what a node has under a name.
    def _to(self, node: Any, name: str) -> Iterable[Any]:
        raise NotImplementedError

    # Return the text of a node, trimmed.
    def _said(self, node: Any) -> str:
        raise NotImplementedError


class JsonPart(Part):
    """A value of JSON or YAML; what is not of the kind that a path expects leads nowhere."""

    __slots__ = ()
    separator = "."

    def _items(self, node: Any) -> list[Any]:
        listed = node if isinstance(node, list) else [node]
        # 0 says something: a box may begin at Greenwich.
        return [item for item in listed if item or (item == 0 and item is not False)]

    def _to(self, node: Any, name: str) -> Iterable[Any]:
        if not isinstance(node, Mapping):
            return []
        if name == "*":
            return [item for value in _members(node) for item in self._items(value)]
        return self._items(node.get(name))

    # Return a text: itself, the French one of several languages, or the first of a list.
    def _said(self, node: Any) -> str:
        if isinstance(node, Mapping):
            return self._said(node.get("fr") or node.get("label") or next(iter(node.values()), ""))
        if isinstance(node, list):
            return self._said(node[0]) if node else ""
        return "" if node is None else str(node).strip()


def _members(value: Mapping[str, Any]) -> Iterator[Any]:
    for name, item in value.items():
        yield {**item, "@": name} if isinstance(item, Mapping) else item


# What makes a format: how its documents are known, read and written. One value says it all, and
# one line of `registry` makes every command and page know of it.


type Syntax = Literal["xml", "json", "yaml", "rdf", ""]


@dataclass(frozen=True, slots=True)
class Written:
    """A form that records are written in."""

    #: What ``--format`` and ``f`` call it.
    name: str
    label: str
    media: str
    suffix: str
    #: ``write(record, *, source, base)``: ``source`` is the document of that form that the record
    #: came from (empty when there is none), ``base`` what the addresses of records begin with
    #: (empty when they have none).
    write: Callable[..., bytes]
    #: ``together(records, *, title, publisher, ...)``: a page of a catalogue in one document.
    together: Callable[..., bytes] | None = None
    #: Whether an export of all records is that one document, where the form has it.
    one_file: bool = True


@dataclass(frozen=True, slots=True)
class Format:
    """A format of metadata. Without a ``syntax`` it is only written."""

    name: str
    title: str
    mapping: tuple[Mapped, ...] = ()
    syntax: Syntax = ""
    #: Says whether a document, opened as its syntax is, is of this format.
    claims: Callable[[Any], bool] = bool
    #: Reads one part of a document; by default, its mapping does.
    read: Callable[[Any], Record] | None = None
    #: The parts of a document that are a record each, or the records themselves; else it is one.
    parts: Callable[[Any], list[Any]] | None = None
    written: tuple[Written, ...] = ()
