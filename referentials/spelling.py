"""Text that an encoding mishap has damaged: recognised, mended where nothing is lost, said in any case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pandas as pd

from geoguichet.referentials.quality import Finding

_CP1252 = (
    "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
)
_DOUBLE = f"[\u00c2\u00c3\u00c5][\u0080-\u00bf?{_CP1252}]"
"""A UTF-8 lead byte of a French letter read as Latin-1, followed by a continuation byte read the same way."""
_TAG = r"<[0-9a-f]{2}>"
_ESCAPE = r"\\x[0-9A-F]{2}"
_CONTROL = "[\u0080-\u009f]"
_LOST = "\ufffd"
_ANY = re.compile("|".join((_DOUBLE, _TAG, _ESCAPE, _CONTROL, _LOST)))
_WORDS = {
    "double": "lettres accentuées codées deux fois (« Ã© » pour « é »)",
    "tag": "codes entre chevrons à la place d'accents (« <e9> » pour « é »)",
    "escape": "codes d'échappement à la place de caractères (« \\x20 » pour l'espace)",
    "control": "lettres de Windows-1252 lues comme des caractères de commande",
    "lost": "caractères perdus",
}


def mended(text: str) -> str | None:
    """Return `text` as it was before the mishap, or None when that cannot be known for sure.

    >>> mended("CrÃ¨vecoeur"), mended("Ren<e9>"), mended("le\\\\x20bus"), mended("Crèvecœur")
    ('Crèvecoeur', 'René', 'le bus', 'Crèvecœur')
    """
    if re.search(_ESCAPE, text):
        text = re.sub(_ESCAPE, lambda match: chr(int(match[0][2:], 16)), text)
    if re.search(_TAG, text):
        text = re.sub(_TAG, lambda match: bytes([int(match[0][1:3], 16)]).decode("latin-1"), text)
    if re.search(_DOUBLE, text):
        text = _undoubled(text) or text
    if re.search(_CONTROL, text):
        text = _from_cp1252(text) or text
    return None if _ANY.search(text) else text


def _undoubled(text: str) -> str | None:
    """Return a text that was UTF-8 read as Latin-1 or Windows-1252, read rightly."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return None


def _from_cp1252(text: str) -> str | None:
    """Return a text whose control characters are the letters Windows-1252 has at their place (« œ » at 9C)."""
    try:
        return re.sub(_CONTROL, lambda match: match[0].encode("latin-1").decode("cp1252"), text)
    except UnicodeDecodeError:
        return None


def damaged(series: pd.Series) -> pd.Series:
    """Return which texts are damaged; a missing one is not."""
    text = series.astype("string")
    suspect = text.str.contains(r"[\u0080-\u009f\u00c2\u00c3\u00c5\ufffd]|<[0-9a-f]{2}>|\\x", regex=True).fillna(False)
    marks = zip(series, suspect.astype(bool), strict=True)
    return pd.Series([mark and bool(_ANY.search(value)) for value, mark in marks], index=series.index, dtype=bool)


def damage_findings(rows: pd.DataFrame, columns: Iterable[str], *, layer: str) -> Iterator[Finding]:
    """Report the damaged texts of `columns`, one finding a cell, with what it should be where that is sure.

    `rows` has ``id`` and ``source_row``. Rule: ``damaged-encoding``.
    """
    for column in columns:
        bad = rows[damaged(rows[column])]
        for text, item, number in zip(bad[column], bad["id"], bad["source_row"], strict=True):
            right = mended(text)
            kind = _WORDS[_kind(text)]
            yield Finding(
                "damaged-encoding",
                layer,
                item,
                f"« {_short(text)} » : {kind}.",
                "warning",
                int(number),
                column,
                f"Remplacez par « {_short(right)} »."
                if right
                else "Des caractères sont perdus : reprenez le fichier d'origine.",
            )


def _kind(text: str) -> str:
    return next(
        kind
        for kind, pattern in (
            ("tag", _TAG),
            ("escape", _ESCAPE),
            ("double", _DOUBLE),
            ("control", _CONTROL),
            ("lost", _LOST),
        )
        if re.search(pattern, text)
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
