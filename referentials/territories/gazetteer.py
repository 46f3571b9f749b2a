"""Communes found by their name as people type it: without accents, hyphens or capitals, and half
written.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple

from geoguichet.floor.words import bare

_SAINTS = {"st": "saint", "ste": "sainte", "sts": "saints"}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_SCOPED = re.compile(
    r"(?P<name>.*[^\s,(])\s*[,(]\s*(?P<departement>\d[\dab]\d?)\)?\s*", re.IGNORECASE
)


class Commune(NamedTuple):
    """A commune that can be asked for."""

    code: str
    name: str
    departement: str
    #: NaN when nobody knows.
    population: float
    #: Its name as names are compared (`plain`).
    plain: str


def plain(name: str) -> str:
    """Return a name as it is compared: folded, one space between words, saints in full.

    >>> plain("St-Lizier"), plain("L’Œuvre d'Ax")
    ('saint lizier', 'l oeuvre d ax')
    """
    words = re.findall(r"[^\W_]+", bare(name.casefold().translate(_LIGATURES)))
    return " ".join(_SAINTS.get(word, word) for word in words)


def find_communes(communes: Iterable[Commune], text: str) -> list[Commune]:
    """Return the communes a text may mean, the most populated first; one when there is no doubt.

    An INSEE code names one commune. Else names are tried from the strictest to the loosest, and the
    first that finds anything answers: the whole name, the name's beginning, the beginning of one of
    its words, the text anywhere. ``Name (09)`` or ``Name, 09`` looks in one département.
    """
    table = list(communes)
    coded = [each for each in table if each.code == text.strip().upper()]
    if coded:
        return coded
    match = _SCOPED.fullmatch(text)
    if match is not None:
        table = [each for each in table if each.departement == match["departement"].upper()]
    asked = plain(match["name"] if match else text)
    if not asked:
        return []
    for found in (
        [each for each in table if each.plain == asked],
        [each for each in table if each.plain.startswith(asked)],
        [each for each in table if " " + asked in " " + each.plain],
        [each for each in table if asked in each.plain],
    ):
        if found:
            return sorted(found, key=_most_people_first)
    return []


def _most_people_first(commune: Commune) -> tuple[float, str]:
    known = isfinite(commune.population)
    return -commune.population if known else float("inf"), commune.code


def resembling(communes: Sequence[Commune], text: str, *, most: int = 3) -> list[str]:
    """Return the names that look most like a text that found nothing."""
    names = {each.plain: each.name for each in communes}
    return [
        names[close]
        for close in difflib.get_close_matches(plain(text), list(names), n=most, cutoff=0.6)
    ]
