"""What a rule is: what it looks at, what it weighs, and what it tells a person, in French and in
English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from geoguichet.catalogue.formats.mapping import said
from geoguichet.catalogue.record import Extent, Record
from geoguichet.floor.findings import Severity


class Words(NamedTuple):
    """One sentence in both languages."""

    fr: str
    en: str

    def said_in(self, language: str) -> str:
        """Return the sentence in English when the language is ``en``, else in French."""
        return self.en if language == "en" else self.fr


class Fault(NamedTuple):
    """What is wrong at a very place: its path in the document of the record, and in the XML it came
    from if known.
    """

    path: str
    words: Words
    xpath: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a check knows beside the record: the day, and the boxes of places a title may name."""

    today: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))
    places: Mapping[str, Extent] = field(default_factory=dict)
    """Folded names of communes and départements, and their boxes; a name borne by two places is
    left out.
    """


type Check = Callable[[Record, Context], Iterable[Words | Fault]]
"""Yields what it finds; a `Fault` when that is not about the whole member of its rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks at, for which types of records, what it weighs, and what a person
    should know.
    """

    name: str
    label: Words
    """What the rule wants, named as a list would: « la licence »."""
    member: str
    weight: int
    severity: Severity
    check: Check
    why: Words
    remedy: Words
    types: tuple[str, ...] = ()
    """Types of records it applies to; all when empty."""


DATA = ("dataset", "series")
"""The types that the rules of INSPIRE for data are about."""


def needs(member: str, fr: str, en: str) -> Check:
    """Make the check of a member that must say something."""
    words = Words(fr, en)
    return lambda record, _: [] if said(record, member) else [words]


def asked(requirement: str, fr: str = "", en: str = "") -> Words:
    """Return why a rule matters: the reason, if any, then the requirement of INSPIRE's technical
    guidance.
    """
    french = f"demandé par INSPIRE (guide technique 2.0, exigence {requirement})."
    english = f"asked for by INSPIRE (technical guidance 2.0, requirement {requirement})."
    if not fr:
        return Words(french[0].upper() + french[1:], english[0].upper() + english[1:])
    return Words(f"{fr} ; {french}", f"{en}; {english}")
