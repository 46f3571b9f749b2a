"""What a rule is: what it looks at, what it weighs, and what it tells a person."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from geoguichet.catalogue.formats.mapping import said
from geoguichet.catalogue.record import Extent, Record
from geoguichet.floor.findings import Severity
from geoguichet.floor.words import SOURCE, Message, language


class Told(NamedTuple):
    """What something outside told in French alone, and what we say of it in any other language."""

    french: str
    otherwise: str | Message

    def __str__(self) -> str:
        return self.french if language() == SOURCE else str(self.otherwise)


class Fault(NamedTuple):
    """What is wrong at a very place: its path in the document of the record, and in the XML it came
    from if known.
    """

    path: str
    message: Message
    xpath: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a check knows beside the record: the day, and the boxes of places a title may name."""

    today: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))
    #: Folded names of communes and départements, and their boxes; a name borne by two places is
    #: left out.
    places: Mapping[str, Extent] = field(default_factory=dict)


#: Yields what it finds; a `Fault` when that is not about the whole member of its rule.
type Check = Callable[[Record, Context], Iterable[Message | Fault]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks at, for which types of records, what it weighs, and what a person
    should know.
    """

    name: str
    #: What the rule wants, named as a list would: « la licence ».
    label: Message
    member: str
    weight: int
    severity: Severity
    check: Check
    why: Message
    remedy: Message
    #: Types of records it applies to; all when empty.
    types: tuple[str, ...] = ()


#: The types that the rules of INSPIRE for data are about.
DATA = ("dataset", "series")


def needs(member: str, missing: Message) -> Check:
    """Make the check of a member that must say something."""
    return lambda record, _: [] if said(record, member) else [missing]


def asked(requirement: str, reason: Message | None = None) -> Message:
    """Return why a rule matters: the reason, if any, then the requirement of INSPIRE's technical
    guidance.
    """
    if reason is None:
        return Message(
            "Demandé par INSPIRE (guide technique 2.0, exigence {requirement}).",
            requirement=requirement,
        )
    return Message(
        "{reason} ; demandé par INSPIRE (guide technique 2.0, exigence {requirement}).",
        reason=reason,
        requirement=requirement,
    )
