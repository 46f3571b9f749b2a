"""What makes a format: how its documents are known, read and written. One value says it all, and
one line of `registry` makes every command and page know of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from geoguichet.catalogue.formats.mapping import Mapped
from geoguichet.catalogue.record import Record

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
