"""The French stemmer of Snowball, for words already folded to plain letters and figures.

Source: M. Porter, the French stemming algorithm (Snowball, 2001, as revised in its version 3). Without accents its
rules are few enough for tables, and a word costs a tenth of what the generated program asks: a catalogue that fills
itself meets ten new words a record. `tests/catalogue/test_stemming.py` holds it to Snowball, word by word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_VOWELS = frozenset("aeiouy")
_CONSONANT_U_I_Y = re.compile(r"[aeiouy][ui](?=[aeiouy])|[aeiouy]y|y(?=[aeiouy])|qu")
"""Where the last letter counts as a consonant: it is then written in capitals."""
_TO_RV = re.compile(r"[aeiouy]{2}.|col|par|tap|ni[aeiouy]|.[^aeiouy]*[aeiouy]")
_TO_R1 = re.compile(r"[^aeiouy]*[aeiouy]+[^aeiouy]")


class _Regions(NamedTuple):
    """Where the regions of a word begin: RV for the endings of verbs, R1 and R2 after the first vowels."""

    rv: int
    r1: int
    r2: int


def _table(**endings: str) -> dict[str, str]:
    return {ending: rule for rule, told in endings.items() for ending in told.split()}


_NOUNS = _table(
    delete="iqUe iqUes ance ances able ables isme ismes iste istes eux",
    ic="atrice atrices ation ations ateur ateurs",
    log="logie logies",
    u="usion usions ution utions",
    ent="ence ences",
    adverb="ement ements",
    if_="if ifs ive ives",
    eau="eaux",
    al="aux",
    ou="oux",
    eux="euse euses",
    iss="issement issements",
    amment="amment",
    emment="emment",
    ment="ment ments",
)
_VERBS_IN_I = _table(
    i="i ie ies ir ira irai iraIent irais irait iras irent irez iriez irions irons iront is it",
    iss="issaIent issais issait issant issante issantes issants isse issent isses issez issiez issions issons",
)
_VERBS = _table(
    ions="ions",
    delete="eais er era erai eraIent erais erait eras erez eriez erions erons eront ez iez",
    a="a ai aIent ait ant ante antes ants as asse assent asses assiez assions",
    ais="ais aise aises",
)
_LAST = frozenset(ending[-1] for table in (_NOUNS, _VERBS, _VERBS_IN_I) for ending in table)
_DOUBLED = ("ell", "eill", "enn", "onn", "ett")


def stem(word: str) -> str:
    """Return the stem of a word of ``a`` to ``z`` and ``0`` to ``9``, as Snowball gives it.

    >>> [stem(word) for word in ("communes", "continuellement", "quantites")]
    ['commun', 'continuel', 'quantit']
    """
    told = _CONSONANT_U_I_Y.sub(_in_capitals, word)
    regions = _regions(told)
    told, done = _without_noun_ending(told, regions)
    if not done:
        told, done = _without_verb_ending(told, regions)
    if not done:
        told = _without_residue(told, regions)
    elif told.endswith("Y"):
        told = told[:-1] + "i"
    return (told[:-1] if told.endswith(_DOUBLED) else told).lower()


def _in_capitals(match: re.Match[str]) -> str:
    return match[0][:-1] + match[0][-1].upper()


def _regions(letters: str) -> _Regions:
    verbs, first, end = _TO_RV.match(letters), _TO_R1.match(letters), len(letters)
    second = first and _TO_R1.match(letters, first.end())
    return _Regions(verbs.end() if verbs else end, first.end() if first else end, second.end() if second else end)


def _longest(letters: str, table: Mapping[str, str], least: int = 0) -> str:
    """Return the longest ending of a table that begins at ``least`` or after; empty when there is none."""
    if letters[-1:] not in _LAST:
        return ""
    for start in range(max(least, len(letters) - 9), len(letters)):
        if letters[start:] in table:
            return letters[start:]
    return ""


def _without_noun_ending(letters: str, regions: _Regions) -> tuple[str, bool]:
    """Take off the ending of a noun, an adjective or an adverb; say whether that ends the search."""
    ending = _longest(letters, _NOUNS)
    if not ending:
        return letters, False
    rule, left = _NOUNS[ending], letters[: -len(ending)]
    at = len(left)
    if rule == "eau":
        return left + "eau", True
    if rule == "ou":
        return (left + "ou", True) if left[-1:] in tuple("bhjlnp") else (letters, False)
    if rule == "al":
        return (left + "al", True) if at >= regions.r1 else (letters, False)
    if rule == "iss":
        return (left, True) if at >= regions.r1 and left and left[-1] not in _VOWELS else (letters, False)
    if rule in ("amment", "emment"):
        return (left + rule[0] + "nt" if at >= regions.rv else letters), False
    if rule == "ment":
        return (left if left and left[-1] in _VOWELS and at > regions.rv else letters), False
    if rule == "adverb":
        return (_without_adjective(left, regions), True) if at >= regions.rv else (letters, False)
    if rule == "eux" and regions.r1 <= at < regions.r2:
        return left + "eux", True
    if at < regions.r2:
        return letters, False
    if rule in ("log", "u", "ent"):
        return left + rule, True
    if rule == "if_" and left.endswith("at") and at - 2 >= regions.r2:
        return _without_ic(left[:-2], regions), True
    return (_without_ic(left, regions) if rule == "ic" else left), True


def _without_ic(left: str, regions: _Regions) -> str:
    if not left.endswith("ic"):
        return left
    return left[:-2] if len(left) - 2 >= regions.r2 else left[:-2] + "iqU"


def _without_adjective(left: str, regions: _Regions) -> str:
    """Take off what an adverb in -ement kept of its adjective."""
    if left.endswith(("iqU", "abl")):
        return left[:-3] if len(left) - 3 >= regions.r2 else left
    if left.endswith("eus"):
        at = len(left) - 3
        return left[:-3] if at >= regions.r2 else left[:-3] + "eux" if at >= regions.r1 else left
    if left.endswith("iv") and len(left) - 2 >= regions.r2:
        return left[:-4] if left.endswith("ativ") and len(left) - 4 >= regions.r2 else left[:-2]
    return left


def _without_verb_ending(letters: str, regions: _Regions) -> tuple[str, bool]:
    """Take off the ending of a verb; say whether there was one."""
    ending = _longest(letters, _VERBS_IN_I, regions.rv)
    if ending and len(letters) - len(ending) > regions.rv and letters[-len(ending) - 1] not in _VOWELS:
        return letters[: -len(ending)], True
    ending = _longest(letters, _VERBS, regions.rv)
    if not ending:
        return letters, False
    rule, left = _VERBS[ending], letters[: -len(ending)]
    if rule == "ions" and len(left) < regions.r2:
        return letters, False
    if rule == "ais" and (left.endswith("auv") or (len(left) == 3 and left.endswith("al"))):
        return letters, False
    if rule == "a" and left.endswith("e") and len(left) > regions.rv:
        return left[:-1], True
    return left, True


def _without_residue(letters: str, regions: _Regions) -> str:
    """Take off a plural, then what the other rules left."""
    if letters.endswith("s") and len(letters) > 1 and letters[-2] not in "aiosu":
        letters = letters[:-1]
    in_verbs = letters[regions.rv :]
    if in_verbs.endswith("ion"):
        return letters[:-3] if len(letters) - 3 >= regions.r2 and in_verbs[-4:-3] in ("s", "t") else letters
    if in_verbs.endswith(("Ier", "ier")):
        return letters[:-3] + "i"
    return letters[:-1] if in_verbs.endswith("e") else letters
