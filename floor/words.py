"""Sentences and figures in the language of the moment, and the units of costs: the French sentence
stands where it is used.

>>> _("{place} est à {km} km", place="Figeac", km=1234.5)
'Figeac est à 1 234,5 km'

A msgid is the French sentence, with plain spaces and named fields; ``floor/locale`` has the others,
one folder a language (docs/decisions/110-words.md). ``make words`` finds again what is to be
translated. Numbers, shares, money, measures, days and lists are written by Babel, from Unicode's
locale data; the symbols of units are the same in every language, and a missing figure is a dash.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache, wraps
from gettext import NullTranslations, translation
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

# Babel is a third of the time a small command takes to start: its parts are imported where a figure
# is written.
if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern

#: The language of the sentences in the code.
SOURCE = "fr"
#: The name of our catalogues: ``fr/LC_MESSAGES/geoguichet.mo``.
DOMAIN = "geoguichet"
#: The catalogues, one folder a language.
LOCALE = Path(__file__).parent / "locale"

#: Narrow no-break space: between thousands, before ``%`` and units; in French before ``;?!``.
NARROW = "\u202f"
NO_BREAK = "\u00a0"
MISSING = "—"

#: Where a language is written in several ways, whose: dates and lists as Europe reads English.
_TERRITORY = {"en": "en_GB"}


# What costs are counted in: metres or seconds, which travel with the number.


class Unit(StrEnum):
    """The unit of a router's costs; its value ends the names of the columns that hold them."""

    METRES = "m"
    SECONDS = "s"

    def column(self, name: str) -> str:
        """Return the column that holds a cost in this unit: ``slack`` is ``slack_m`` or
        ``slack_s``.
        """
        return f"{name}_{self}"


class Cost(float):
    """A distance or a time: 8 km is ``Cost(8000, Unit.METRES)``, 20 minutes are
    ``Cost(1200, Unit.SECONDS)``.

    It is a float, so that arrays of costs compare with it as with any number; what is computed from
    it is a plain float. Two costs are equal when their units are too.
    """

    __slots__ = ("unit",)
    unit: Unit

    def __new__(cls, number: float, unit: Unit) -> Self:
        """Return so many metres, or so many seconds."""
        cost = super().__new__(cls, number)
        cost.unit = unit
        return cost

    def __getnewargs__(self) -> tuple[float, Unit]:  # type: ignore[override]  # for copies
        return float(self), self.unit

    def __eq__(self, other: object) -> bool:
        return (not isinstance(other, Cost) or other.unit is self.unit) and super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    @property
    def told(self) -> str:
        """The cost in words, in the units that people use: ``8 km``, ``20 min``."""
        return f"{self / 1000:g} km" if self.unit is Unit.METRES else f"{self / 60:g} min"

    def metres_at(self, metres_a_second: float) -> float:
        """Return how far it leads: itself when it is a distance, else at a speed."""
        return self * (1.0 if self.unit is Unit.METRES else metres_a_second)


# Sentences.

_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufffe\\uffff]+")


def one_line(text: str) -> str:
    """Return a text on one line, without what a file may hold that would break a sentence, an XML
    document or a terminal: control characters, and halves of letters.

    >>> one_line("a\\x1eb\\nc")
    'a b c'
    """
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()


# Which language is spoken at this moment, and with which spaces.


class Voice(NamedTuple):
    """A language, and whether its spaces are those of a page (no-break) or of a terminal."""

    language: str
    typeset: bool


_FIRST = Voice(SOURCE, typeset=False)
_VOICE = ContextVar("voice", default=_FIRST)


def language() -> str:
    """Return the code of the language spoken now, such as ``fr``."""
    return _VOICE.get().language


@contextmanager
def speaking(language: str, *, typeset: bool = False) -> Iterator[None]:
    """Speak a language meanwhile; ``typeset`` keeps the no-break spaces that a page needs."""
    token = _VOICE.set(Voice(language, typeset))
    try:
        yield
    finally:
        _VOICE.reset(token)


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that have a catalogue, the one of the code first."""
    found = sorted(place.name for place in LOCALE.iterdir() if (place / "LC_MESSAGES").is_dir())
    return tuple(sorted(found, key=lambda name: name != SOURCE))


def of_environment(environment: Mapping[str, str]) -> str:
    """Return the language a terminal asks for by ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``.

    The first of them that is set decides; the code's language where it is ``C``, ``POSIX`` or one
    that has no catalogue.
    """
    names = (environment.get(key) for key in ("LC_ALL", "LC_MESSAGES", "LANG"))
    asked = re.split(r"[_.@]", next(filter(None, names), SOURCE))[0]
    return asked if asked in languages() else SOURCE


def by_voice[*Given, Told](
    most: int,
) -> Callable[[Callable[[*Given], Told]], Callable[[*Given], Told]]:
    """Return what remembers the last ``most`` answers of a function of plain values, by who speaks: a page
    says the same few hundred things again and again.
    """

    def remembering(say: Callable[[*Given], Told]) -> Callable[[*Given], Told]:
        @lru_cache(most)
        def said(_voice: Voice, *given: *Given) -> Told:
            return say(*given)

        @wraps(say)
        def told(*given: *Given) -> Told:
            return said(_VOICE.get(), *given)

        return told

    return remembering


# The spaces that a French page keeps: those beside a sign, and those of a number.
_BESIDE = {
    **{f" {sign}": f"{NARROW}{sign}" for sign in ";?!"},
    **{f" {sign}": f"{NO_BREAK}{sign}" for sign in ":»"},
    "« ": f"«{NO_BREAK}",
}
_THOUSANDS = re.compile(r" (?<=\d )(?=\d{3}(?!\d))")


@by_voice(4096)
def spaced(text: str) -> str:
    """Return a text with the spaces of where it is read.

    On a French page no line begins with a semicolon nor cuts a number; a terminal has plain spaces.
    """
    voice = _VOICE.get()
    if not voice.typeset:
        return text.replace(NARROW, " ").replace(NO_BREAK, " ")
    if voice.language != SOURCE:  # a translator writes the spaces of other languages
        return text
    for beside, kept in _BESIDE.items():
        text = text.replace(beside, kept)
    return _THOUSANDS.sub(NARROW, text)


# Sentences, by gettext.


# Return the sentences of a language; those it lacks are said in French.
@cache
def _catalogue(language: str) -> NullTranslations:
    found = translation(DOMAIN, LOCALE, [language], fallback=True)
    if language != SOURCE:
        found.add_fallback(_catalogue(SOURCE))
    return found


# Say a sentence, its fields filled; numbers are written as the language writes them.
def _(text: str, /, **values: object) -> str:
    return _filled(_catalogue(language()).gettext(text), values) if values else _plain(text)


@by_voice(4096)
def _plain(text: str) -> str:
    return _filled(_catalogue(language()).gettext(text), {})


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


# Figures, by Babel.


@cache
def _locale(language: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(_TERRITORY.get(language, language))
    except (UnknownLocaleError, ValueError):  # a language that Unicode has no data of
        return Locale.parse(SOURCE)


@cache
def _pattern(language: str, decimals: int, *, money: bool = False) -> NumberPattern:
    locale = _locale(language)
    pattern = copy(locale.currency_formats["standard"] if money else locale.decimal_formats[None])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def number(value: float, decimals: int = 0) -> str:
    """Write a number: ``1 234,5`` in French, ``1,234.5`` in English; a dash when missing.

    >>> number(1234.56, 1)
    '1 234,6'
    """
    if value is None or not isfinite(value):
        return MISSING
    # Rounded here, as Python rounds, and without the sign of a zero: Babel rounds decimal text.
    return _figure(round(float(value), decimals) + 0.0, decimals)


# Write a rounded number; a map writes the same few thousand times over.
@by_voice(4096)
def _figure(rounded: float, decimals: int) -> str:
    return spaced(_pattern(language(), decimals).apply(rounded, _locale(language())))


def given(value: float, most: int = 4) -> str:
    """Write a number with the decimals it was given with, ``most`` of them at most."""
    return number(
        value, next((places for places in range(most) if round(value, places) == value), most)
    )


def signed(value: float, decimals: int = 0) -> str:
    """Write a change, with its sign unless it is none."""
    told = number(value, decimals)
    return f"+{told}" if round(value, decimals) > 0 else told


def percent(share: float, decimals: int = 1) -> str:
    """Write a share of 1 as a percentage; what is neither none nor all is never rounded to it."""
    if share is None or not isfinite(share):
        return MISSING
    step, hundredths = 10.0**-decimals, share * 100
    beyond = ""
    if 0 < hundredths < step / 2:
        beyond, hundredths = f"<{NARROW}", step
    elif 100 - step / 2 < hundredths < 100:
        beyond, hundredths = f">{NARROW}", 100 - step
    sign = _locale(language()).percent_formats[None].suffix[1].replace(NO_BREAK, NARROW)
    return spaced(f"{beyond}{number(hundredths, decimals)}{sign}")


def measure(value: float, unit: str, decimals: int = 0) -> str:
    """Write a number and the symbol of its unit, which stay on one line: ``12 km``."""
    told = number(value, decimals)
    return told if told == MISSING else spaced(f"{told}{NARROW}{unit}")


def distance(metres: float) -> str:
    """Write a distance: metres under one kilometre, then kilometres to one decimal (none if 0)."""
    if metres is None or not isfinite(metres) or abs(metres) < 999.5:
        return measure(metres, "m")
    kilometres = metres / 1000
    return measure(kilometres, "km", 0 if float(f"{kilometres:.1f}").is_integer() else 1)


def duration(seconds: float) -> str:
    """Write a time in whole minutes, hours beyond 90 minutes; rounded for display only."""
    if seconds is None or not isfinite(seconds):
        return MISSING
    minutes = round(seconds / 60)
    hours = f"{minutes // 60}{NARROW}h{NARROW}{minutes % 60:02d}"
    return measure(minutes, "min") if abs(minutes) <= 90 else spaced(hours)


def mass(kilograms: float) -> str:
    """Write a mass: kilograms under one tonne, tonnes to one decimal beyond."""
    small = kilograms is None or not isfinite(kilograms) or kilograms < 999.5
    return measure(kilograms, "kg") if small else measure(kilograms / 1000, "t", 1)


@by_voice(1024)
def size(length: int) -> str:
    """Write a number of bytes as people read it: ``12 octets``, ``2,5 Mo``."""
    from babel.units import format_unit

    power = min((len(str(length)) - 1) // 3, 3)
    unit = ("byte", "kilobyte", "megabyte", "gigabyte")[power]
    amount = round(length / 1000**power, 1 if power else 0)
    form: Literal["short", "long"] = "short" if power else "long"
    return spaced(format_unit(amount, f"digital-{unit}", form, locale=_locale(language())))


def money(euros: float, decimals: int = 0) -> str:
    """Write an amount in euros, whole unless asked otherwise: ``1 234 €``, ``€1,234``."""
    return spaced(
        _pattern(language(), decimals, money=True)
        .apply(round(euros, decimals), _locale(language()), currency="EUR", currency_digits=False)
        .replace(NO_BREAK, NARROW)
    )


@by_voice(1024)
def day(iso: str) -> str:
    """Write a day given as ``2026-11-22``: ``22 novembre 2026``, ``22 November 2026``."""
    from babel.dates import format_date

    when = date.fromisoformat(iso)
    told = format_date(when, "long", _locale(language()))
    if language() == SOURCE and when.day == 1:  # Unicode's data have no French ordinal
        told = f"1er{told[1:]}"
    return spaced(told.replace(" ", NO_BREAK, 1))


def weekdays(*, short: bool = False) -> list[str]:
    """Return the names of the days from Monday on: ``lundi`` or ``lun.``."""
    names = _locale(language()).days["format"]["abbreviated" if short else "wide"]
    return [str(names[place]) for place in range(7)]


def listed(names: Iterable[str]) -> str:
    """Write names as a list that a sentence can hold: ``a, b et c``."""
    from babel.lists import format_list

    every = list(names)
    return format_list(every, locale=_locale(language())) if every else ""


def cost_in_table(value: float, unit: Unit) -> str:
    """Write a cost for the columns of a table: minutes, or kilometres to one decimal."""
    return duration(value) if unit is Unit.SECONDS else measure(value / 1000, "km", 1)


def cost(value: float, unit: Unit) -> str:
    """Write a cost in its unit: a distance or a time."""
    return duration(value) if unit is Unit.SECONDS else distance(value)


# Letters, whatever their accents.


#: More marks in a row than any writing has (UAX 15 bounds a run at 30): they are taken away first,
#: since to order them takes the square of their number.
_HEAPED = re.compile(r"(?:[^\w\s\x00-\x7f]|[\uff9e\uff9f]){31,}")


def unheaped(text: str) -> str:
    r"""Return the text without the marks that no writing heaps up: it takes linear time to normalize.

    >>> unheaped("e" + "\u0301\u0327" * 20)
    'e'
    """
    return _HEAPED.sub(_unmarked, text)


# A heap holds marks (M), signs, and no letter (L) but the two marks of half-width Japanese.
def _unmarked(heap: re.Match[str]) -> str:
    return "".join(one for one in heap[0] if unicodedata.category(one)[0] not in "ML")


def bare(text: str) -> str:
    """Return the text without capitals and accents.

    >>> bare("Forêts de l'Ariège")
    "forets de l'ariege"
    """
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", unheaped(text).casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
