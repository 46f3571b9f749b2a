"""Which language we speak at this moment, and with which spaces: a page's or a terminal's.

French unless told otherwise. A language is a folder of ``floor/locale``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NamedTuple

#: The language of the sentences in the code.
SOURCE = "fr"

#: Narrow no-break space: between thousands, before ``%`` and units; in French before ``;?!``.
NARROW = "\u202f"
NO_BREAK = "\u00a0"

#: The catalogues, one folder a language: ``fr/LC_MESSAGES/geoguichet.mo``.
LOCALE = Path(__file__).parent / "locale"


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


def spaced(text: str) -> str:
    """Return a text with the spaces of where it is read.

    On a French page no line begins with a semicolon nor cuts a number; a terminal has plain spaces.
    """
    voice = _VOICE.get()
    if not voice.typeset:
        return text.replace(NARROW, " ").replace(NO_BREAK, " ")
    if voice.language != SOURCE:  # a translator writes the spaces of other languages
        return text
    text = re.sub(r" (?=[;?!])", NARROW, text)
    text = re.sub(r" (?=[:»])|(?<=«) ", NO_BREAK, text)
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", NARROW, text)


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
