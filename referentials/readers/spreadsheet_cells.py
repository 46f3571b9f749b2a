"""Cells as spreadsheets leave them, put right row by row: codes, dates and telephones; what is put
right is told, and so is what cannot be.
"""

from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd

from geoguichet.floor.words import Message
from geoguichet.referentials.readers.conversions import Journal, lost_zeros

#: The day that spreadsheets count from.
EPOCH = date(1899, 12, 30)
#: Serial numbers that are taken for days: from 1954 to 2064.
SERIALS = range(20_000, 60_000)
_AS_TEXT = Message("Mettez la colonne au format texte.")


def mended_code(text: str) -> str:
    """Return a code of commune or postal code without what is written around it.

    >>> mended_code("2a041"), mended_code("31068 CEDEX 7"), mended_code("9122.0")
    ('2A041', '31068', '9122')
    """
    plain = text.strip().upper().removesuffix(".0").removeprefix("F-")
    plain = plain.partition(" CEDEX")[0].replace(" ", "").replace("\u00a0", "")
    return plain if plain.isalnum() and len(plain) <= 5 else text.strip()


def mended_date(text: str) -> str | None:
    """Return a day as ``2024-03-01``: written so, ``01/03/2024`` or as a spreadsheet's number; None
    when it is no day, or its year has no century.

    >>> mended_date("45352"), mended_date("01/03/2024"), mended_date("2024-03-01 00:00:00")
    ('2024-03-01', '2024-03-01', '2024-03-01')
    """
    plain = text.strip().split(" ")[0].split("T")[0]
    if plain.isdecimal() and int(plain) in SERIALS:
        return (EPOCH + timedelta(days=int(plain))).isoformat()
    parts = plain.replace(".", "/").replace("-", "/").split("/")
    if len(parts[-1]) == 4:
        parts.reverse()
    if len(parts[0]) != 4:
        return None
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def mended_phone(text: str) -> str | None:
    """Return a telephone number whose zero a spreadsheet ate with its zero; None for a number in
    powers of ten, whose last digits are lost.

    >>> mended_phone("561222222"), mended_phone("5,61E+08"), mended_phone("05 61 22 22 22")
    ('0561222222', None, '05 61 22 22 22')
    """
    plain = text.strip().removesuffix(".0")
    if "E+" in plain.upper():
        return None
    return f"0{plain}" if plain.isdecimal() and len(plain) == 9 else text.strip()


def with_right_codes(codes: pd.Series, journal: Journal, ids: pd.Series, column: str) -> pd.Series:
    """Return five-character codes; a zero that a spreadsheet ate is put back (``lost-zero``)."""
    codes = codes.map({code: mended_code(code) for code in codes.unique()})
    short = codes.str.fullmatch(r"\d{4}")
    lost_zeros(
        pd.DataFrame({"id": ids, "code": codes.where(short, "")}),
        journal,
        column="code",
        what="code",
        told_in=column,
        remedy=_AS_TEXT,
    )
    return codes.where(~short, "0" + codes)


def with_right_cells(
    cells: pd.Series,
    mended: Callable[[str], str | None],
    journal: Journal,
    ids: pd.Series,
    column: str,
) -> pd.Series:
    """Return cells put right, blank where they cannot be.

    Rules: ``mended-cell`` (once a column), ``unreadable-cell`` (each row).
    """
    right = cells.map({text: mended(text) if text.strip() else "" for text in cells.unique()})
    changed = right.notna() & (right != cells.str.strip())
    if changed.any():
        text = cells[changed].iloc[0]
        journal.tell_once(
            "mended-cell",
            Message(
                "{count} cellule(s) qu'un tableur a changées : « {text} » lu « {right} ».",
                count=int(changed.sum()),
                text=text,
                right=mended(text),
            ),
            "info",
            column,
            _AS_TEXT,
        )
    journal.tell(
        pd.DataFrame({"id": ids}),
        right.isna(),
        "unreadable-cell",
        lambda row: Message("« {text} » n'est pas lisible : tenu pour inconnu.", text=cells[row]),
        "warning",
        column,
        Message("Mettez la colonne au format texte, et la date en AAAA-MM-JJ."),
    )
    return right.fillna("")
