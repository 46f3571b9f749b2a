"""Find a commune by its name as people type it: without accents, hyphens or capitals, and half
written.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

import pandas as pd

_SAINTS = {"st": "saint", "ste": "sainte", "sts": "saints"}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_SCOPED = re.compile(
    r"(?P<name>.+?)\s*(?:,\s*|\()(?P<departement>\d[\dab]\d?)\)?\s*", re.IGNORECASE
)


def plain(name: str) -> str:
    """Return a name as it is compared: folded, one space between words, saints in full.

    >>> plain("St-Lizier"), plain("L’Œuvre d'Ax")
    ('saint lizier', 'l oeuvre d ax')
    """
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_LIGATURES))
    words = re.findall(
        r"[^\W_]+", "".join(one for one in letters if not unicodedata.combining(one))
    )
    return " ".join(_SAINTS.get(word, word) for word in words)


def find_communes(communes: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return the communes a text may mean, the most populated first; one row when there is no
    doubt.

    An INSEE code names one commune. Else names are tried from the strictest to the loosest, and the
    first that finds anything answers: the whole name, the name's beginning, the beginning of one of
    its words, the text anywhere. ``Name (09)`` or ``Name, 09`` looks in one département. Columns
    code, name, departement, population are read.
    """
    if (communes["code"] == text.strip().upper()).any():
        return communes[communes["code"] == text.strip().upper()]
    match = _SCOPED.fullmatch(text)
    table = (
        communes
        if match is None
        else communes[communes["departement"] == match["departement"].upper()]
    )
    asked = plain(match["name"] if match else text)
    if not asked:
        return communes.iloc[:0]
    names = table["name"].map(plain)
    for found in (
        names == asked,
        names.str.startswith(asked),
        (" " + names).str.contains(" " + asked, regex=False),
        names.str.contains(asked, regex=False),
    ):
        if found.any():
            return table[found].sort_values(["population", "code"], ascending=[False, True])
    return communes.iloc[:0]


def resembling(communes: pd.DataFrame, text: str, *, most: int = 3) -> list[str]:
    """Return the names that look most like a text that found nothing."""
    names = dict(zip(communes["name"].map(plain), communes["name"], strict=True))
    return [
        names[close]
        for close in difflib.get_close_matches(plain(text), list(names), n=most, cutoff=0.6)
    ]
