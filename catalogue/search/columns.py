"""What narrowing, ranking and counting need of every record, in memory: a few numbers each, kept up
with the file.

Row ``n`` of each array belongs to record ``n``: about 60 bytes a record and 8 more for each of its
terms.
"""

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.search.query import (
    TEXT_COLUMNS,
    Bucket,
    FacetCounts,
    FacetRequest,
    RecordQuery,
    Selection,
    exact_values,
    match_in,
    phrases,
    told_apart,
    with_values,
)
from geoguichet.catalogue.search.tables import QUERYABLES, TERMS, meta
from geoguichet.floor.words import language

type Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """The records that a search found, and what made the full-text index look at fewer of them."""

    numbers: Numbers
    narrowing: str = ""


class Columns:
    """The numbers of every record of one file. Not safe to share between threads: callers take
    turns.
    """

    def __init__(self) -> None:
        self.generation = -1
        self.boxes = np.zeros((4, 0))
        self.years = np.zeros(0, dtype=np.int16)
        self.title_words = np.zeros(0, dtype=np.int16)
        self.languages = np.zeros(0, dtype="U2")
        self.audiences = np.zeros(0, dtype=np.int32)
        self.starts = np.zeros(0, dtype=np.int64)
        self.lengths = np.zeros(0, dtype=np.int32)
        self.terms = np.zeros(0, dtype=np.int32)
        self.owners = np.zeros(0, dtype=np.int32)
        self.fields: dict[str, Numbers] = {}
        self._known_terms = 0
        self._counts: Numbers | None = None
        self._postings: OrderedDict[str, Numbers] = OrderedDict()

    def refresh(self, database: sqlite3.Connection) -> bool:
        """Read what was written since the last time; False for a reader of an older snapshot than
        these numbers.
        """
        generation = int(meta(database, "generation"))
        if generation <= self.generation:
            return generation == self.generation
        gone = [
            n
            for (n,) in database.execute(
                "SELECT n FROM removed WHERE stamp > ?", (self.generation,)
            )
        ]
        if gone:
            self._forget(np.array([n for n in gone if n < len(self.years)], dtype=np.int64))
        cursor = database.execute(_ROWS, (self.generation,))
        pieces = [(self.terms, self.owners)]
        while rows := cursor.fetchmany(50_000):
            pieces.append(self._take(rows, sum(len(terms) for terms, _ in pieces)))
        self.terms, self.owners = (np.concatenate(part) for part in zip(*pieces, strict=True))
        self._take_fields(database)
        self._counts = None
        self._postings.clear()
        self.generation = generation
        return True

    # Leave no trace of the extents and the terms of some records.
    def _forget(self, numbers: Numbers) -> None:
        self.boxes[:, numbers] = np.nan
        self.years[numbers] = 0
        self.audiences[numbers] = _NOBODY
        places = self._places_of(numbers)
        self.terms[places[places < len(self.terms)]] = -1
        self.lengths[numbers] = 0

    # Remember rows whose terms will stand from a place on; return those terms and whose they are.
    def _take(
        self, rows: list[tuple[Any, ...]], start: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        numbers = np.array([row[0] for row in rows])
        self._forget(numbers[numbers < len(self.years)])
        self._grow(int(numbers.max()) + 1)
        self.boxes[:, numbers] = np.array(
            [row[1:5] for row in rows], dtype=float
        ).T  # None becomes NaN
        self.years[numbers] = [int(row[5][:4]) if row[5] else 0 for row in rows]
        self.title_words[numbers] = [min(row[6], 1000) for row in rows]
        self.audiences[numbers] = [row[8] for row in rows]
        self.languages[numbers] = [(row[9] or "")[:2].lower() for row in rows]
        lengths = np.array([len(row[7]) // 4 for row in rows], dtype=np.int32)
        self.starts[numbers] = start + np.cumsum(lengths) - lengths
        self.lengths[numbers] = lengths
        terms = np.frombuffer(b"".join(row[7] for row in rows), dtype="<i4").astype(np.int32)
        return terms, np.repeat(numbers.astype(np.int32), lengths)

    def _grow(self, size: int) -> None:
        missing = size - len(self.years)
        if missing > 0:
            missing = max(
                missing, len(self.years) // 4
            )  # so that records written one by one are not copied each time
            self.boxes = np.concatenate([self.boxes, np.full((4, missing), np.nan)], axis=1)
            for name in ("years", "title_words", "languages", "starts", "lengths"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.zeros(missing, dtype=array.dtype)]))
            nobody = np.full(missing, _NOBODY, dtype=self.audiences.dtype)
            self.audiences = np.concatenate([self.audiences, nobody])

    # Remember the terms that are new, by property.
    def _take_fields(self, database: sqlite3.Connection) -> None:
        rows = database.execute(
            "SELECT t, field FROM term WHERE t > ?", (self._known_terms,)
        ).fetchall()
        if rows:
            numbers, named = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
            self._known_terms = int(numbers.max())
            for name in TERMS:
                self.fields[name] = np.concatenate(
                    [self.fields.get(name, np.zeros(0, dtype=np.int64)), numbers[named == name]]
                )

    # --- asking -----------------------------------------------------------------------------------

    def found(
        self, database: sqlite3.Connection, query: RecordQuery, selection: Selection
    ) -> Found:
        """Return the records that match a question, found here when it asks for words, exact values
        and a box alone, else by its SQL; those only that the selection's audiences may see.

        The full-text index is told the rare ones of those values: it then reads less.
        """
        if query.datetime or query.ids or query.external_ids or query.filter:
            return Found(numbers_of(selection.numbers(database)))
        few = len(self.years) // 20
        narrowing = ""
        kept = np.ones(len(self.years), dtype=bool)
        for field, values in exact_values(query):
            having = np.zeros(len(self.years), dtype=bool)
            having[self._having(database, field, values)] = True
            narrowing += with_values(field, values) if np.count_nonzero(having) < few else ""
            kept &= having
        if query.terms:
            numbers = self._matches(
                database, match_in(" ".join(TEXT_COLUMNS), phrases(query), narrowing)
            )
            numbers = numbers[kept[numbers]]
        else:
            numbers = np.flatnonzero(kept)
        numbers = self.seen(numbers, selection)
        return Found(self.touching(numbers, query.bbox) if query.bbox else numbers, narrowing)

    def seen(self, numbers: Numbers, selection: Selection) -> Numbers:
        """Return those of the records that are shown to who asks."""
        if selection.seen is None:
            return numbers
        return numbers[np.isin(self.audiences[numbers], selection.seen)]

    # Return the records that have one of the values of a property.
    def _having(self, database: sqlite3.Connection, field: str, values: tuple[str, ...]) -> Numbers:
        marks = ", ".join("?" * len(values))
        asked = f"SELECT t FROM term WHERE field = ? AND value IN ({marks})"
        numbers = [number for (number,) in database.execute(asked, (field, *values))]
        if len(numbers) == 1:
            return self.owners[np.flatnonzero(self.terms == numbers[0])].astype(np.int64)
        return (
            np.unique(self.owners[np.isin(self.terms, numbers)]).astype(np.int64)
            if numbers
            else _NONE
        )

    # Return the records that the full-text index finds: what was asked lately is not asked again.
    def _matches(self, database: sqlite3.Connection, match: str) -> Numbers:
        numbers = self._postings.pop(match, None)
        if numbers is None:
            statement = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"
            numbers = numbers_of(database.execute(statement, (match,)).fetchone()[0] or "")
        self._postings[match] = numbers
        while sum(map(len, self._postings.values())) > max(_REMEMBERED, len(numbers)):
            self._postings.popitem(last=False)
        return numbers

    def touching(self, numbers: Numbers, bbox: Extent) -> Numbers:
        """Return those of the records whose extent touches a box."""
        west, south, east, north = self.boxes[:, numbers]
        found = np.zeros(len(numbers), dtype=bool)
        for w, s, e, n in bbox.boxes():
            beside = (west <= e) & (east >= w)
            beside |= (west > east) & ((west <= e) | (east >= w))  # extents across the antimeridian
            found |= beside & (south <= n) & (north >= s)
        return numbers[found]

    def ranked(
        self,
        database: sqlite3.Connection,
        found: Found,
        query: RecordQuery,
        selection: Selection,
    ) -> Numbers:
        """Return the first records of a page, best match first.

        A word found in the title weighs twice one found in the keywords and ten times one of the
        abstract; short titles, rare words, extents that look like the box asked for, records that
        do not say they are in another language than the reader's, then recent ones come first.
        """
        numbers = found.numbers
        scores = self._text_scores(database, found, query, selection)
        if query.bbox:
            scores *= 1 + self._likeness(numbers, query.bbox)
        told = self.languages[numbers]  # "fre", "fra" and "fr" begin alike
        scores[(told != "") & (told != language())] *= _FOREIGN
        scores *= 1 + np.clip(self.years[numbers] - 1990, 0, 60) / 200
        last = min(query.offset + query.limit, len(numbers))
        first = (
            np.argpartition(-scores, last - 1)[:last]
            if 0 < last < len(numbers)
            else np.arange(len(numbers))
        )
        edge = scores[first].min() if len(first) else 0.0
        first = np.flatnonzero(scores >= edge)  # ties at the edge too, so that pages never overlap
        return numbers[first[np.lexsort((numbers[first], -scores[first]))]][query.offset : last]

    def _text_scores(
        self,
        database: sqlite3.Connection,
        found: Found,
        query: RecordQuery,
        selection: Selection,
    ) -> NDArray[np.float64]:
        alternatives = told_apart(query)[:_TOLD_APART]
        columns = TEXT_COLUMNS if len(alternatives) > 1 else {"title": 10.0, "keywords": 5.0}
        scores = np.ones(len(self.years))
        # How rare a word is tells nothing of what who asks may not see.
        known = len(scores)
        if selection.seen is not None:
            known = len(self.seen(np.arange(known), selection))
        for alternative in alternatives:
            places = {
                c: self.seen(
                    self._matches(database, match_in(c, [alternative], found.narrowing)), selection
                )
                for c in columns
            }
            spread = sum(map(len, places.values()))
            rarity = 1 + np.log((known + 1) / (spread + 1)) if len(alternatives) > 1 else 1.0
            for column, weight in columns.items():
                some = places[column]
                norm = 2 / (1 + self.title_words[some] / 8) if column == "title" else 1.0
                scores[some] += weight * rarity * norm
        return scores[found.numbers]

    # Return the share that a box and each extent have in common, of what they cover together (0 to
    # 1).
    def _likeness(self, numbers: Numbers, bbox: Extent) -> NDArray[np.float64]:
        west, south, east, north = self.boxes[:, numbers]
        wide = np.where(west <= east, east, east + 360)
        right = bbox.east if bbox.west <= bbox.east else bbox.east + 360
        common = np.clip(np.minimum(wide, right) - np.maximum(west, bbox.west), 0, None)
        common = common * np.clip(
            np.minimum(north, bbox.north) - np.maximum(south, bbox.south), 0, None
        )
        together = (
            (wide - west) * (north - south)
            + (right - bbox.west) * (bbox.north - bbox.south)
            - common
        )
        return np.nan_to_num(
            np.divide(common, together, out=np.zeros_like(common), where=together > 0)
        )

    def facets(
        self, database: sqlite3.Connection, numbers: Numbers | None, asked: tuple[FacetRequest, ...]
    ) -> tuple[FacetCounts, ...]:
        """Count the values of properties among some records, or among all of them."""
        if not asked:
            return ()
        if numbers is None:
            counts = self._all_counts()
        else:
            counts = np.bincount(
                self.terms[self._places_of(numbers)], minlength=self._known_terms + 1
            )
        return tuple(
            self._years(numbers, one)
            if QUERYABLES[one.name].facet == "histogram"
            else _greatest(database, self.fields.get(one.name, _NONE), counts, one)
            for one in asked
        )

    # Return how many records have each term, counted once a generation.
    def _all_counts(self) -> Numbers:
        if self._counts is None:
            self._counts = np.bincount(self.terms[self.terms >= 0], minlength=self._known_terms + 1)
        return self._counts

    # Return where the terms of some records stand, one record after the other.
    def _places_of(self, numbers: Numbers) -> Numbers:
        lengths = self.lengths[numbers].astype(np.int64)
        ends = np.cumsum(lengths)
        return np.repeat(self.starts[numbers] - ends + lengths, lengths) + np.arange(
            int(ends[-1]) if len(ends) else 0
        )

    def _years(self, numbers: Numbers | None, asked: FacetRequest) -> FacetCounts:
        years = self.years if numbers is None else self.years[numbers]
        counts = np.bincount(years[years > 0], minlength=1)
        return _cut(
            asked, [Bucket(f"{year:04d}", int(counts[year])) for year in np.flatnonzero(counts)]
        )


#: Record numbers of answers of the full-text index that are kept until the next change (8 bytes
#: each).
_REMEMBERED = 4_000_000

#: Alternatives of ``q``, or words, whose places are told apart when ranking.
_TOLD_APART = 6

#: What a record in another language than the reader's counts for, beside one in it.
_FOREIGN = 0.4

#: The audience of a number that no record has.
_NOBODY = -1

_NONE: Numbers = np.zeros(0, dtype=np.int64)

_ROWS = """
SELECT n, west, south, east, north, updated, title_words, terms, audience, language
FROM record WHERE stamp > ? ORDER BY n
"""


def numbers_of(told: str) -> Numbers:
    """Read record numbers separated by commas."""
    return np.fromstring(told, dtype=np.int64, sep=",") if told else np.zeros(0, dtype=np.int64)


# Return the buckets of a facet in the order asked for, cut to the number asked for.
def _greatest(
    database: sqlite3.Connection, terms: Numbers, counts: Numbers, asked: FacetRequest
) -> FacetCounts:
    present = terms[counts[terms] > 0]
    many = len(present)
    if asked.order == "count_desc" and many > asked.buckets:
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
    return FacetCounts(cut.name, cut.buckets, many > len(cut.buckets))


def _cut(asked: FacetRequest, found: list[Bucket]) -> FacetCounts:
    by, _, way = asked.order.partition("_")
    found = sorted(found, key=lambda bucket: bucket.value)
    if by == "count":
        found.sort(key=lambda bucket: bucket.count, reverse=way == "desc")
    elif way == "desc":
        found.reverse()
    return FacetCounts(asked.name, tuple(found[: asked.buckets]), len(found) > asked.buckets)
