"""What a file does not say of itself: its encoding, separator, header line and coordinate
system.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyproj

from geoguichet.referentials.directory.placing import in_france
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.column_names import match_columns

SEPARATORS = (";", ",", "\t", "|")
SAMPLE_LINES = 100
_BLOCK = 1 << 20
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")


def detect_encoding(file: IO[bytes]) -> tuple[str, str]:
    """Return the encoding of a whole text, read by blocks, and how it was known (a French phrase).

    A byte-order mark decides; else UTF-8 if every byte agrees; else Windows-1252, or Latin-1 where
    it has no letter.
    """
    head = file.read(4)
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding, "annoncé par sa marque d'ordre des octets"
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, holes, block = True, False, head
    while block:
        holes |= bool(set(block) & {0x81, 0x8D, 0x8F, 0x90, 0x9D})
        if utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                utf8 = False
        block = file.read(_BLOCK)
    if utf8 and not decoder.getstate()[0]:
        return "utf-8", "vérifié sur tout le fichier"
    return ("latin-1" if holes else "cp1252"), "supposé : des octets ne sont pas de l'UTF-8"


def detect_separator(text: str) -> str:
    """Return the separator that cuts the first lines into the most columns, evenly."""

    def score(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows(text, separator) if row]
        if not widths:
            return (0.0, 0)
        width, count = Counter(widths).most_common(1)[0]
        return (count / len(widths) if width > 1 else 0.0, width)

    best = max(SEPARATORS, key=score)
    return best if score(best)[0] > 0 else ","


def _rows(text: str, separator: str) -> list[list[str]]:
    """Return the first rows of a text; those before a row that cannot be cut."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            rows.append(row)
            if len(rows) >= SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return rows


def detect_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the position of the line of column names among the first rows; None when there is
    none.

    It is the line that holds the most names we know; failing that the first full line, unless it
    has a number in it.
    """
    first = rows[:20]
    known = [len(match_columns([cell for cell in row if cell.strip()])) for row in first]
    if known and max(known) >= 2:
        return known.index(max(known))
    width = max((len([cell for cell in row if cell.strip()]) for row in first), default=0)
    for position, row in enumerate(first):
        filled = [cell.strip() for cell in row if cell.strip()]
        if filled and len(filled) == width:
            numeric = any(_NUMBER.fullmatch(cell) for cell in filled)
            return None if numeric and known[position] == 0 else position
    return None


# --------------------------------------------------------------------------------------------
# coordinates

CANDIDATES: Sequence[tuple[str, str]] = (
    (LONLAT, "degrés (WGS 84)"),
    ("EPSG:2154", "Lambert-93"),
    ("EPSG:27572", "Lambert II étendu"),
    *((f"EPSG:{3900 + zone}", f"conique conforme zone {zone}") for zone in range(42, 51)),
    ("EPSG:3857", "Web Mercator"),
    ("EPSG:32631", "UTM 31 Nord"),
    ("EPSG:32630", "UTM 30 Nord"),
    ("EPSG:32632", "UTM 32 Nord"),
    ("EPSG:2975", "RGR92 / UTM 40 Sud (La Réunion)"),
    ("EPSG:5490", "RGAF09 / UTM 20 Nord (Antilles)"),
    ("EPSG:2972", "RGFG95 / UTM 22 Nord (Guyane)"),
    ("EPSG:4471", "RGM04 / UTM 38 Sud (Mayotte)"),
)
"""Coordinate systems met in France, in the order they are tried."""
ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Axes:
    """What the coordinates of a file are."""

    crs: str
    label_fr: str
    swapped: bool
    """True when the columns called x and y hold y and x."""
    share: float
    """Part of the rows that this reading puts in France."""

    @property
    def sure(self) -> bool:
        """Whether most rows fall in France that way."""
        return self.share >= ENOUGH


def detect_axes(x: np.ndarray, y: np.ndarray, *, declared: str = "") -> Axes:
    """Return the coordinate system and axis order that put the most rows in France; the first that
    is enough wins.

    A declared system is tried first. When none is enough the declared one (or degrees) is kept, and
    `Axes.sure` is false.
    """
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite][:5000], y[finite][:5000]
    labels = dict(CANDIDATES)
    tried = [declared] if declared else []
    best = Axes(
        declared or LONLAT, labels.get(declared or LONLAT, declared), swapped=False, share=0.0
    )
    if not len(x):
        return best
    for crs in [*tried, *(crs for crs, _ in CANDIDATES if crs != declared)]:
        for swapped in (False, True):
            share = _share_in_france(*((y, x) if swapped else (x, y)), crs)
            if share >= ENOUGH:
                return Axes(crs, labels.get(crs, crs), swapped, share)
    return best


def _share_in_france(x: np.ndarray, y: np.ndarray, crs: str) -> float:
    if crs == LONLAT:
        return float(in_france(x, y).mean())
    try:
        transformer = pyproj.Transformer.from_crs(crs, LONLAT, always_xy=True)
    except pyproj.exceptions.CRSError:
        return 0.0
    longitude, latitude = transformer.transform(x, y)
    return float(in_france(np.asarray(longitude), np.asarray(latitude)).mean())
