"""Sentences in the language of the moment, by gettext: the French one stands where it is used.

>>> _("{place} est à {km} km", place="Figeac", km=1234.5)
'Figeac est à 1 234,5 km'

A msgid is the French sentence, with plain spaces and named fields; ``floor/locale`` has the others
(docs/decisions/110-words.md). ``make words`` finds again what is to be translated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations, translation
from numbers import Real

from geoguichet.floor.language import LOCALE, SOURCE, language, languages, spaced, speaking

DOMAIN = "geoguichet"


@cache
def _catalogue(language: str) -> NullTranslations:
    """Return the sentences of a language; those it lacks are said in French."""
    found = translation(DOMAIN, LOCALE, [language], fallback=True)
    if language != SOURCE:
        found.add_fallback(_catalogue(SOURCE))
    return found


def _(text: str, /, **values: object) -> str:
    """Say a sentence, its fields filled; numbers are written as the language writes them."""
    return _filled(_catalogue(language()).gettext(text), values)


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """Say the sentence that goes with a number, which is its field ``n`` (0 is French singular)."""
    return _filled(_catalogue(language()).ngettext(one, many, int(n)), {"n": n} | values)


def pgettext(context: str, text: str, /, **values: object) -> str:
    """Say a sentence whose French has two meanings, told apart by a word of context."""
    return _filled(_catalogue(language()).pgettext(context, text), values)


def _filled(text: str, values: dict[str, object]) -> str:
    return spaced(text.format(**{name: _written(value) for name, value in values.items()}))


def _written(value: object) -> str:
    small = isinstance(value, int) and 0 <= value < 1000  # no language groups three digits
    if small or isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    # Babel is a third of the time a small command takes to start: only where there is a number.
    from geoguichet.floor.figures import number

    return number(float(value), 0 if float(value).is_integer() else 1)


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of a `Message` that is written when it is said: ``Figure(distance, 850.0)``."""

    write: Callable[..., str]
    value: object
    more: tuple[object, ...] = ()

    def __str__(self) -> str:
        return self.write(self.value, *self.more)


class Message:
    """A sentence said when it is read, in the reader's language: for refusals and findings.

    >>> str(Message("{name} n'existe pas", name="etude.toml"))
    "etude.toml n'existe pas"
    """

    __slots__ = ("text", "values")

    def __init__(self, text: str, /, **values: object) -> None:
        self.text, self.values = text, values

    def __str__(self) -> str:
        return _(self.text, **self.values)

    def given(self, **values: object) -> Message:
        """Return it with these values for its fields."""
        return Message(self.text, **self.values | values)

    def format(self, **values: object) -> str:
        """Say it with these values for its fields."""
        return _(self.text, **self.values | values)

    def by_language(self) -> dict[str, str]:
        """Return what it says in each language, by its code."""
        told = {}
        for code in languages():
            with speaking(code):
                told[code] = str(self)
        return told

    def __repr__(self) -> str:
        told = "".join(f", {name}={value!r}" for name, value in self.values.items())
        return f"Message({self.text!r}{told})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (self.text, self.values) == (other.text, other.values)

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Message | str) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: Message | str) -> bool:
        return str(self) > str(other)
