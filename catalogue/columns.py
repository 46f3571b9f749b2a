"""What ranking and counting need of every record, in memory: a few numbers each, kept up with the file.

Row ``n`` of each array belongs to record ``n``: about 80 bytes a record and 4 more for each of its terms.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoguichet.catalogue.query import FacetRequest, RecordQuery
from geoguichet.catalogue.queryables import TERM_FACETS
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.selection import TEXT_COLUMNS, match_in, told_apart
from geoguichet.catalogue.tables import meta

type Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One value of a facet and how many records have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """The greatest buckets of a facet, and whether there are more."""

    name: str
    buckets: tuple[Bucket, ...]
    more: bool


class Columns:
    """The numbers of every record of one file. Not safe to share between threads: callers take turns."""

    def __init__(self) -> None:
        self.generation = -1
        self.boxes = np.zeros((0, 4))
        self.years = np.zeros(0, dtype=np.int16)
        self.title_words = np.zeros(0, dtype=np.int16)
        self.starts = np.zeros(0, dtype=np.int64)
        self.lengths = np.zeros(0, dtype=np.int32)
        self.terms = np.zeros(0, dtype=np.int32)
        self.fields = np.zeros(0, dtype=np.int8)

    def refresh(self, database: sqlite3.Connection) -> None:
        """Read the rows written since the last time (a reader of an older snapshot has nothing to add)."""
        generation = int(meta(database, "generation"))
        if generation <= self.generation:
            return
        rows = database.execute(_ROWS, (self.generation,)).fetchall()
        if rows:
            self._take(rows)
        (last,) = database.execute("SELECT max(t) FROM term").fetchone()
        if last is not None and last >= len(self.fields):
            self._take_fields(database, last)
        self.generation = generation

    def _take(self, rows: list[tuple[Any, ...]]) -> None:
        numbers = np.array([row[0] for row in rows])
        self._grow(int(numbers.max()) + 1)
        self.boxes[numbers] = np.array([row[1:5] for row in rows], dtype=float)  # None becomes NaN
        self.years[numbers] = [int(row[5][:4]) if row[5] else 0 for row in rows]
        self.title_words[numbers] = [min(row[6], 1000) for row in rows]
        lengths = np.array([len(row[7]) // 4 for row in rows])
        self.starts[numbers] = len(self.terms) + np.cumsum(lengths) - lengths
        self.lengths[numbers] = lengths
        self.terms = np.concatenate([self.terms, np.frombuffer(b"".join(row[7] for row in rows), dtype="<i4")])

    def _grow(self, size: int) -> None:
        missing = size - len(self.years)
        if missing > 0:
            for name in ("boxes", "years", "title_words", "starts", "lengths"):
                array = getattr(self, name)
                filling = np.zeros((missing, *array.shape[1:]), dtype=array.dtype)
                setattr(self, name, np.concatenate([array, filling]))

    def _take_fields(self, database: sqlite3.Connection, last: int) -> None:
        known = len(self.fields)
        self.fields = np.concatenate([self.fields, np.full(last + 1 - known, -1, dtype=np.int8)])
        for number, field in database.execute("SELECT t, field FROM term WHERE t >= ?", (known,)):
            self.fields[number] = TERM_FACETS.index(field)

    # --- asking -----------------------------------------------------------------------------------

    def touching(self, numbers: Numbers, bbox: Extent) -> Numbers:
        """Return those of the records whose extent touches a box."""
        west, south, east, north = self.boxes[numbers].T
        found = np.zeros(len(numbers), dtype=bool)
        for w, s, e, n in bbox.boxes():
            beside = np.where(west <= east, (west <= e) & (east >= w), (west <= e) | (east >= w))
            found |= beside & (south <= n) & (north >= s)
        return numbers[found]

    def ranked(self, database: sqlite3.Connection, numbers: Numbers, query: RecordQuery) -> Numbers:
        """Return the first records of a page, best match first.

        A word found in the title weighs twice one found in the keywords and ten times one of the abstract; short
        titles, rare words, extents that look like the box asked for, then recent records come first.
        """
        scores = self._text_scores(database, numbers, query)
        if query.bbox:
            scores *= 1 + self._likeness(numbers, query.bbox)
        scores *= 1 + np.clip(self.years[numbers] - 1990, 0, 60) / 200
        last = min(query.offset + query.limit, len(numbers))
        first = np.argpartition(-scores, last - 1)[:last] if 0 < last < len(numbers) else np.arange(len(numbers))
        edge = scores[first].min() if len(first) else 0.0
        first = np.flatnonzero(scores >= edge)  # ties at the edge too, so that pages never overlap
        order = first[np.lexsort((numbers[first], -scores[first]))]
        return numbers[order][query.offset : last]

    def _text_scores(self, database: sqlite3.Connection, numbers: Numbers, query: RecordQuery) -> NDArray[np.float64]:
        alternatives = told_apart(query)[:_TOLD_APART]
        columns = TEXT_COLUMNS if len(alternatives) > 1 else {"title": 10.0, "keywords": 5.0}
        scores = np.ones(len(self.years))
        for alternative in alternatives:
            found = {column: _matches(database, match_in(column, [alternative], query)) for column in columns}
            spread = sum(map(len, found.values()))
            rarity = 1 + np.log((len(self.years) + 1) / (spread + 1)) if len(alternatives) > 1 else 1.0
            for column, weight in columns.items():
                some = found[column]
                norm = 2 / (1 + self.title_words[some] / 8) if column == "title" else 1.0
                scores[some] += weight * rarity * norm
        return scores[numbers]

    def _likeness(self, numbers: Numbers, bbox: Extent) -> NDArray[np.float64]:
        """Return the share that a box and each extent have in common, of what they cover together (0 to 1)."""
        west, south, east, north = self.boxes[numbers].T
        wide = np.where(west <= east, east, east + 360)
        right = bbox.east if bbox.west <= bbox.east else bbox.east + 360
        common = np.clip(np.minimum(wide, right) - np.maximum(west, bbox.west), 0, None)
        common = common * np.clip(np.minimum(north, bbox.north) - np.maximum(south, bbox.south), 0, None)
        together = (wide - west) * (north - south) + (right - bbox.west) * (bbox.north - bbox.south) - common
        return np.nan_to_num(np.divide(common, together, out=np.zeros_like(common), where=together > 0))

    def facets(
        self, database: sqlite3.Connection, numbers: Numbers | None, asked: tuple[FacetRequest, ...]
    ) -> tuple[FacetCounts, ...]:
        """Count the values of properties among some records, or among all of them."""
        if not asked:
            return ()
        if numbers is None:
            counts = _all_counts(database, len(self.fields))
        else:
            counts = np.bincount(self._terms_of(numbers), minlength=len(self.fields))
        return tuple(
            self._years(database, numbers, one)
            if one.name == "updated"
            else _greatest(database, np.where(self.fields == TERM_FACETS.index(one.name), counts, 0), one)
            for one in asked
        )

    def _terms_of(self, numbers: Numbers) -> NDArray[np.int32]:
        """Return the terms of some records, one record after the other."""
        lengths = self.lengths[numbers].astype(np.int64)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        return self.terms[np.repeat(self.starts[numbers] - ends + lengths, lengths) + np.arange(total)]

    def _years(self, database: sqlite3.Connection, numbers: Numbers | None, asked: FacetRequest) -> FacetCounts:
        if numbers is None:
            numbers = numbers_of(database.execute("SELECT group_concat(n) FROM record").fetchone()[0] or "")
        counts = np.bincount(self.years[numbers][self.years[numbers] > 0], minlength=1)
        found = [Bucket(f"{year:04d}", int(counts[year])) for year in np.flatnonzero(counts)]
        return _cut(asked, found)


_TOLD_APART = 6
"""Alternatives of ``q``, or words, whose places are told apart when ranking."""

_ROWS = """
SELECT n, west, south, east, north, updated, title_words, terms FROM record WHERE stamp > ? ORDER BY n
"""


def numbers_of(told: str) -> Numbers:
    """Read record numbers separated by commas."""
    return np.fromstring(told, dtype=np.int64, sep=",") if told else np.zeros(0, dtype=np.int64)


def _matches(database: sqlite3.Connection, match: str) -> Numbers:
    (told,) = database.execute("SELECT group_concat(rowid) FROM words WHERE words MATCH ?", (match,)).fetchone()
    return numbers_of(told or "")


def _all_counts(database: sqlite3.Connection, size: int) -> NDArray[np.int64]:
    """Return how many records have each term, counted as they were written."""
    rows = np.array(database.execute("SELECT t, records FROM term").fetchall(), dtype=np.int64).reshape(-1, 2)
    counts = np.zeros(size, dtype=np.int64)
    counts[rows[:, 0]] = rows[:, 1]
    return counts


def _greatest(database: sqlite3.Connection, counts: NDArray[np.int64], asked: FacetRequest) -> FacetCounts:
    """Return the buckets of a facet in the order asked for, cut to the number asked for."""
    present = np.flatnonzero(counts)
    if asked.order == "count_desc" and len(present) > asked.buckets:
        edge = np.partition(counts[present], -asked.buckets - 1)[-asked.buckets - 1]
        above = present[counts[present] > edge]
        present = above if len(above) == asked.buckets else present[counts[present] >= edge]
    found = []
    for start in range(0, len(present), 900):
        some = present[start : start + 900].tolist()
        marks = ", ".join("?" * len(some))
        rows = database.execute(f"SELECT t, value FROM term WHERE t IN ({marks})", some)
        found += [Bucket(value, int(counts[number])) for number, value in rows]
    cut = _cut(asked, found)
    return FacetCounts(cut.name, cut.buckets, int(np.count_nonzero(counts)) > len(cut.buckets))


def _cut(asked: FacetRequest, found: list[Bucket]) -> FacetCounts:
    by, _, way = asked.order.partition("_")
    found = sorted(found, key=lambda bucket: bucket.value)
    if by == "count":
        found.sort(key=lambda bucket: bucket.count, reverse=way == "desc")
    elif way == "desc":
        found.reverse()
    return FacetCounts(asked.name, tuple(found[: asked.buckets]), len(found) > asked.buckets)
