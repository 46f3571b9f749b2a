"""Who a region is and how its portal speaks for it: ``region.toml`` in the workspace, declared.

Every key has something that reads it; a new one is a field here. A key that is left out, or the
whole file, is what the embedded sample's configuration says (``pygeoapi-config.yml``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from geoguichet.floor.declaration import (
    BadKeyError,
    Table,
    Taken,
    known,
    read,
    shortened,
    text,
    texts,
    whole,
)
from geoguichet.floor.errors import UsageError
from geoguichet.floor.files import REGION_FILE, read_toml
from geoguichet.floor.words import SOURCE, Message, languages

FILE = REGION_FILE


# Take what ``taken`` does, for every reader, or a table of it by language, French at least.
def _spoken(taken: Taken) -> Taken:
    def by_language(value: Any, asked: object) -> dict[str, Any]:
        told = value if isinstance(value, Mapping) else {SOURCE: value}
        if SOURCE not in told:
            raise BadKeyError("le français est attendu et manque", '{key} = { fr = "…", en = "…" }')
        return {known(code, languages()): taken.read(one, asked) for code, one in told.items()}

    by_code = {"type": "object", "properties": dict.fromkeys(languages(), taken.schema)}
    return Taken(by_language, {"anyOf": [taken.schema, {**by_code, "required": [SOURCE]}]})


# Take a text of a form, ``wanted`` as a sentence names it.
def _like(form: str, wanted: Message, example: str) -> Taken:
    def fitting(value: Any, asked: object) -> str:
        if not re.fullmatch(form, text().read(value, asked)):
            raise BadKeyError(
                "{wanted} est attendue, {value} est donné",
                f'{{key}} = "{example}"',
                wanted=wanted,
                value=shortened(value),
            )
        return str(value)

    return Taken(fitting, {"type": "string", "pattern": f"^{form}$"})


#: A text by language.
type Spoken = Annotated[dict[str, str], _spoken(text())]
type Email = Annotated[
    str, _like(r"[^@\s]+@[^@\s]+", Message("une adresse électronique"), "sig@region.example")
]
type Address = Annotated[
    str, _like(r"https?://\S+", Message("une adresse web"), "https://www.region.example")
]


@dataclass(frozen=True, kw_only=True)
class Contact(Table):
    """``[region.contact]``: who answers for the catalogue, whole: nothing of the sample's is left."""

    name: Spoken
    position: Spoken | None = None
    email: Email | None = None
    url: Address | None = None


@dataclass(frozen=True, kw_only=True)
class Identity(Table):
    """``[region]``: who publishes."""

    name: Annotated[str, text()] | None = None
    contact: Contact | None = None


@dataclass(frozen=True, kw_only=True)
class Portal(Table):
    """``[portal]``: what its pages and its API say of themselves."""

    title: Spoken | None = None
    description: Spoken | None = None
    keywords: Annotated[dict[str, tuple[str, ...]], _spoken(texts())] | None = None


@dataclass(frozen=True, kw_only=True)
class Limits(Table):
    """``[limits]``: what a record may hold, by whatever door it comes."""

    #: The document of a record, as it is stored or sent over HTTP.
    record_bytes: Annotated[int, whole(1_000, 1_000_000_000)] = 5_000_000
    #: One text of a record, in characters.
    text_length: Annotated[int, whole(100, 1_000_000_000)] = 1_000_000
    #: Its keywords, its links, or what any other list but coordinates has.
    items: Annotated[int, whole(10, 1_000_000)] = 10_000
    #: Lists and objects inside each other.
    depth: Annotated[int, whole(10, 200)] = 50


@dataclass(frozen=True, kw_only=True)
class Visibility(Table):
    """``[visibility]``: what is shown to whom; for now everything is, to everyone."""


@dataclass(frozen=True, kw_only=True)
class Region(Table):
    """The whole file."""

    region: Identity = field(default_factory=Identity)
    portal: Portal = field(default_factory=Portal)
    limits: Limits = field(default_factory=Limits)
    visibility: Visibility = field(default_factory=Visibility)


def read_region(workspace: Path) -> Region:
    """Return what a workspace says of its region; nothing where it has no ``region.toml``.

    Raises
    ------
    UsageError
        The file cannot be read, is not TOML, or a key is unknown or of the wrong kind: in one
        sentence.
    """
    path = workspace / FILE
    try:
        document = read_toml(path, kind=UsageError)
    except FileNotFoundError:
        return Region()
    # No key depends on another: there is nothing to hand them.
    return read(Region, document, (), str(path), refused=UsageError)
