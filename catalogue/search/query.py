"""A question to the catalogue: the parameters of OGC API Records, checked once, and as SQL."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, Self

from geoguichet.catalogue import text
from geoguichet.catalogue.errors import QueryError, RecordError
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.search.tables import EXACT, FACETS, QUERYABLES, SORTABLES
from geoguichet.catalogue.text import instant_keys, interval_keys

if TYPE_CHECKING:
    from geoguichet.catalogue.search.cql2 import Filter, Property
    from geoguichet.catalogue.search.cql2_sql import Box


#: Names of the parameters that `RecordQuery.from_parameters` understands.
PARAMETERS = (
    "q", "q-words", "bbox", "datetime", "type", "ids", "externalIds", *EXACT, "filter",
    "filter-lang", "filter-crs",
    "sortby", "facets", "limit", "offset", "cursor",
)  # fmt: skip

MAXIMUM_LIMIT = 10_000
MAXIMUM_TERMS = 50
MAXIMUM_BUCKETS = 1000
ORDERS = ("count_desc", "count_asc", "value_asc", "value_desc")


@dataclass(frozen=True, slots=True)
class SortKey:
    """One property to sort by; records without it come last, both ways."""

    name: str
    descending: bool = False

    def __post_init__(self) -> None:
        if self.name not in SORTABLES:
            known = ", ".join(SORTABLES)
            raise QueryError(
                f"sortby : « {self.name[:60]} » n'est pas triable ; attendu {known}.",
                f"sortby: “{self.name[:60]}” cannot be sorted by; expected {known}.",
            )

    @property
    def sql(self) -> str:
        """What it is sorted by."""
        return QUERYABLES[self.name].sort


@dataclass(frozen=True, slots=True)
class FacetRequest:
    """A property whose values are counted, how many buckets at most, and their order."""

    name: str
    buckets: int = 10
    order: str = "count_desc"

    def __post_init__(self) -> None:
        if self.name not in FACETS:
            known = ", ".join(FACETS)
            raise QueryError(
                f"facets : « {self.name[:60]} » n'est pas une facette ; attendu {known}.",
                f"facets: “{self.name[:60]}” is no facet; expected {known}.",
            )
        if self.order not in ORDERS or not 0 < self.buckets <= MAXIMUM_BUCKETS:
            raise QueryError(
                f"facets : « nom:nombre:ordre » est attendu, nombre de 1 à {MAXIMUM_BUCKETS}, "
                "ordre parmi "
                f"{', '.join(ORDERS)}.",
                f"facets: “name:number:order” is expected, number from 1 to {MAXIMUM_BUCKETS}, "
                "order among "
                f"{', '.join(ORDERS)}.",
            )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Which records, in which order, which page of them, and what to count among them.

    Conditions add up (AND); a list (``type``, ``ids``, ``external_ids``) is any of its values (OR).
    ``bbox`` is in degrees; ``filter`` is a condition in CQL2 (OGC 21-065r2). ``q`` follows OGC API Records: commas
    separate alternatives, spaces words that stand side by side in that order; both sides are
    compared without accents and by French stems; an alternative of articles alone is in every
    record. With ``anywhere`` the words of an alternative may stand apart, in any order and member.
    ``datetime`` is a pair of keys of `text.interval_keys`; ``having`` pairs a property of `EXACT`
    with a value. Without ``sortby`` the best match comes first, or the most recent when there is no
    ``q``; ``facets`` are the properties whose values are counted. A page has ``limit`` records (0 to
    10,000) after ``offset`` others; ``cursor`` goes on after the last of another page (`Page.next`).

    Raises
    ------
    QueryError
        A value is out of its range, a property is unknown or named twice.

    Examples
    --------
    >>> RecordQuery(q="arrêts de bus, gares", type=("dataset",), limit=5).terms
    ('arrêts de bus', 'gares')
    >>> RecordQuery.from_parameters({"q": "bus", "sortby": "-updated"}).sortby[0].descending
    True
    """

    q: str = ""
    anywhere: bool = False
    bbox: Extent | None = None
    datetime: tuple[str, str] | None = None
    type: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    having: tuple[tuple[str, str], ...] = ()
    filter: Filter | None = None
    sortby: tuple[SortKey, ...] = ()
    facets: tuple[FacetRequest, ...] = ()
    limit: int = 10
    offset: int = 0
    cursor: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= MAXIMUM_LIMIT:
            raise _not_between("limit", self.limit, MAXIMUM_LIMIT)
        if not 0 <= self.offset < 2**62:
            raise _not_between("offset", self.offset, 2**62)
        if len(self.terms) > MAXIMUM_TERMS:
            raise QueryError(
                f"q : au plus {MAXIMUM_TERMS} expressions séparées par des virgules sont "
                "attendues.",
                f"q: at most {MAXIMUM_TERMS} alternatives separated by commas are expected.",
            )
        if len({key.name for key in self.sortby}) < len(self.sortby):
            raise QueryError(
                "sortby : une propriété est nommée deux fois.", "sortby: a property is named twice."
            )
        if any(text.words(term) and not text.stems(term) for term in self.terms):
            object.__setattr__(self, "q", "")

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Self:
        """Read the query from the texts of an address; QueryError names the parameter that is
        wrong.
        """
        _check_names(parameters)
        given = {name: text for name, text in parameters.items() if text}
        return cls(
            q=given.get("q", ""),
            anywhere=_anywhere(given.get("q-words", "")),
            bbox=parse_bbox(given["bbox"]) if "bbox" in given else None,
            datetime=parse_datetime(given["datetime"]) if "datetime" in given else None,
            type=_values(given.get("type", "")),
            ids=_values(given.get("ids", "")),
            external_ids=_values(given.get("externalIds", "")),
            having=tuple((name, given[name]) for name in EXACT if name in given),
            filter=filter_of(given),
            sortby=parse_sortby(given.get("sortby", "")),
            facets=parse_facets(given.get("facets", "")),
            limit=_integer(given.get("limit", "10"), "limit"),
            offset=_integer(given.get("offset", "0"), "offset"),
            cursor=given.get("cursor", ""),
        )

    @property
    def terms(self) -> tuple[str, ...]:
        """The alternatives of ``q``."""
        return _values(self.q)

    def loosened(self) -> Self | None:
        """Return the same question with its words anywhere; None when that asks nothing else."""
        return (
            None
            if self.anywhere or not any(len(text.stems(term)) > 1 for term in self.terms)
            else replace(self, anywhere=True)
        )


def _check_names(parameters: Mapping[str, str]) -> None:
    for name, told in parameters.items():
        if name not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            raise QueryError(
                f"{name[:60]} : paramètre inconnu ; attendu {known}.",
                f"{name[:60]}: unknown parameter; expected {known}.",
            )
        if any("\ud800" <= character <= "\udfff" for character in told):
            raise QueryError(
                f"{name} : un texte UTF-8 est attendu.", f"{name}: UTF-8 text is expected."
            )


def _anywhere(text: str) -> bool:
    if text not in ("", "together", "anywhere"):
        raise QueryError(
            "q-words : together (mots côte à côte) ou anywhere (n'importe où) est attendu, reçu "
            f"« {text[:40]} ».",
            "q-words: together (words side by side) or anywhere is expected, received "
            f"“{text[:40]}”.",
        )
    return text == "anywhere"


def filter_of(
    given: Mapping[str, str], properties: Mapping[str, Property] | None = None
) -> Filter | None:
    """Read ``filter``, ``filter-lang`` and ``filter-crs``; ``properties`` is what may be asked
    about: by default, what a record says.
    """
    if not {"filter", "filter-lang", "filter-crs"} & given.keys():
        return None
    # Geometry takes longer to import than most searches take: only where there is a filter.
    from geoguichet.catalogue.search.cql2 import RECORD, parse_filter

    known = RECORD if properties is None else properties
    lang, crs = given.get("filter-lang", ""), given.get("filter-crs", "")
    if "filter" in given:
        return parse_filter(given["filter"], lang=lang, crs=crs, properties=known)
    parse_filter("TRUE", lang=lang if lang != "cql2-json" else "", crs=crs)
    return None


def parse_bbox(text: str) -> Extent:
    """Read ``west,south,east,north``, or six numbers whose heights are left aside.

    west > east crosses the antimeridian.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise QueryError(
            f"bbox : des nombres séparés par des virgules sont attendus, reçu « {text[:80]} ».",
            f"bbox: numbers separated by commas are expected, received “{text[:80]}”.",
        ) from error
    if len(numbers) not in (4, 6):
        raise QueryError(
            f"bbox : 4 ou 6 nombres sont attendus (ouest,sud,est,nord), reçu {len(numbers)}.",
            f"bbox: 4 or 6 numbers are expected (west,south,east,north), received {len(numbers)}.",
        )
    half = len(numbers) // 2
    try:
        return Extent(numbers[0], numbers[1], numbers[half], numbers[half + 1])
    except RecordError as error:
        raise QueryError(
            f"bbox : {error}",
            "bbox: longitudes from -180 to 180, latitudes from -90 to 90, south <= north "
            "are expected.",
        ) from error


def parse_datetime(text: str) -> tuple[str, str]:
    """Read an instant or an interval ``start/end`` (``..`` or nothing for an open end)."""
    try:
        if "/" not in text:
            return instant_keys(text)
        start, _, end = text.partition("/")
        return interval_keys(start, end)
    except RecordError as error:
        raise QueryError(
            f"datetime : {error}",
            "datetime: YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ssZ or start/end (.. if "
            "open) is expected.",
        ) from error


def parse_sortby(text: str) -> tuple[SortKey, ...]:
    """Read ``title,-updated``; a minus sign sorts from the greatest."""
    return tuple(
        SortKey(re.sub(r"^[+-]", "", name), name.startswith("-")) for name in _values(text)
    )


def parse_facets(text: str) -> tuple[FacetRequest, ...]:
    """Read ``keywords:20:value_asc,type``: names, at most how many buckets, in which order.

    >>> parse_facets("keywords:20,updated::value_desc")[1]
    FacetRequest(name='updated', buckets=10, order='value_desc')
    """
    requests = []
    for told in _values(text):
        name, number, order, *_ = [*told.split(":"), "", ""]
        if not order:
            by_year = name in FACETS and QUERYABLES[name].facet == "histogram"
            order = "value_asc" if by_year else "count_desc"
        requests.append(FacetRequest(name, _integer(number or "10", "facets"), order))
        if told.count(":") > 2:
            raise QueryError(
                f"facets : « {told[:60]} » a trop de « : » ; attendu nom:nombre:ordre.",
                f"facets: “{told[:60]}” has too many colons; expected name:number:order.",
            )
    return tuple(requests)


def _values(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _integer(text: str, name: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        raise QueryError(
            f"{name} : un nombre entier est attendu, reçu « {text[:40]} ».",
            f"{name}: a whole number is expected, received “{text[:40]}”.",
        )
    return int(text)


def _not_between(name: str, value: int, greatest: int) -> QueryError:
    return QueryError(
        f"{name} : un entier de 0 à {greatest} est attendu, reçu {value}.",
        f"{name}: a whole number from 0 to {greatest} is expected, received {value}.",
    )


# A question to the catalogue as SQL on its tables.


#: Values one SQL statement may carry (old SQLite libraries refuse 1000).
MAXIMUM_VALUES = 900

#: What the index holds of a record's text, and what a word found there weighs.
TEXT_COLUMNS = {"title": 10.0, "keywords": 5.0, "abstract": 1.0}


@dataclass(frozen=True, slots=True)
class Selection:
    """A question as SQL.

    ``match`` is the full-text part; beside it, no other condition may be a subquery that SQLite
    would run for every matching row, so extents are then compared on the narrow ``record`` rows
    alone. ``seen`` are the audiences of who asks, where it may not see all there are; the
    conditions hold it too.
    """

    match: str
    conditions: tuple[str, ...]
    parameters: tuple[object, ...]
    seen: tuple[int, ...] | None = None

    @property
    def is_everything(self) -> bool:
        """Nothing is asked: every record matches."""
        return not self.match and not self.conditions

    def count(self, database: sqlite3.Connection) -> int:
        """Return how many records match."""
        (matched,) = database.execute(f"SELECT count(*) {self._body}", self._values).fetchone()
        return int(matched)

    def numbers(self, database: sqlite3.Connection) -> str:
        """Return the numbers of the records that match, separated by commas."""
        column = "words.rowid" if self.match else "record.n"
        (numbers,) = database.execute(
            f"SELECT group_concat({column}) {self._body}", self._values
        ).fetchone()
        return numbers or ""

    def page(self, database: sqlite3.Connection, query: RecordQuery) -> list[tuple[Any, ...]]:
        """Return the number, then the sort keys, of the records of a page."""
        keys = sort_keys(query)
        return (
            list(self._rows(database, keys, (), (), query.limit, query.offset))
            if not query.cursor
            else list(islice(self.after(database, query), query.limit))
        )

    def after(self, database: sqlite3.Connection, query: RecordQuery) -> Iterator[tuple[Any, ...]]:
        """Yield the number, then the sort keys, of the records in order, those up to the cursor
        left out.
        """
        keys = sort_keys(query)
        if not query.cursor:
            yield from self._rows(database, keys, (), ())
            return
        values = read_cursor(query.cursor, keys)
        column = keys[0].sql
        missing = f"{column} IS NULL"
        after, given = after_row(keys, values)
        if values[0] is None:
            yield from self._rows(database, keys, (missing, after), given)
            return
        # so that the walk starts there in the index
        beside = f"{column} {'<=' if keys[0].descending else '>='} ?"
        yield from self._rows(database, keys, (beside, after), (values[0], *given))
        yield from self._rows(database, keys, (missing,), ())

    # Return rows in order, with further conditions.
    def _rows(
        self,
        database: sqlite3.Connection,
        keys: tuple[SortKey, ...],
        conditions: tuple[str, ...],
        values: tuple[object, ...],
        limit: int = -1,
        offset: int = 0,
    ) -> sqlite3.Cursor:
        body = self._body.replace(
            "FROM words WHERE", "FROM words JOIN record ON record.n = words.rowid WHERE"
        )
        for condition in conditions:
            body += (" AND " if "WHERE" in body else " WHERE ") + condition
        order = ", ".join(
            f"{key.sql} {'DESC' if key.descending else 'ASC'} NULLS LAST" for key in keys
        )
        columns = ", ".join(key.sql for key in keys)
        statement = f"SELECT record.n, {columns} {body} ORDER BY {order} LIMIT ? OFFSET ?"
        return database.execute(statement, (*self._values, *values, limit, offset))

    @property
    def _body(self) -> str:
        if self.match and not self.conditions:
            return "FROM words WHERE words MATCH ?"
        source = "words JOIN record ON record.n = words.rowid" if self.match else "record"
        where = ("words MATCH ?",) * bool(self.match) + self.conditions
        return f"FROM {source}" + (f" WHERE {' AND '.join(where)}" if where else "")

    @property
    def _values(self) -> tuple[object, ...]:
        return (self.match, *self.parameters) if self.match else self.parameters


def select(query: RecordQuery, seen: tuple[int, ...] | None) -> Selection | None:
    """Translate a question of who sees some audiences (None: all there are); None when no record
    can match (a ``q`` without any word).
    """
    match = _match(query)
    if match is None:
        return None
    parts = _Parts([], [])
    if seen is not None:
        parts.add(f"record.audience IN ({', '.join(map(str, seen))})")
    if query.bbox:
        parts.extent(query.bbox, indexed=not match)
    if query.datetime:
        parts.add("record.first <= ? AND record.last >= ?", query.datetime[1], query.datetime[0])
    if query.ids:
        parts.add(f"record.id IN ({', '.join('?' * len(query.ids))})", *query.ids)
    if query.external_ids:
        parts.external(query.external_ids)
    if not match:
        for field, values in exact_values(query):
            parts.term(field, values)
    if query.filter:
        parts.filter(query, narrowed=not match)
    if len(parts.values) > MAXIMUM_VALUES:
        raise QueryError(
            f"ids, externalIds, type, filter : moins de {MAXIMUM_VALUES} valeurs sont attendues "
            "dans une même requête.",
            f"ids, externalIds, type, filter: fewer than {MAXIMUM_VALUES} values are expected in "
            "one request.",
        )
    return Selection(match, tuple(parts.conditions), tuple(parts.values), seen)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The conditions of a selection as they are gathered, and the values of their question
    marks.
    """

    conditions: list[str]
    values: list[object]

    def add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    # Ask for extents that touch the box: by the R*Tree when it leads, and always on the stored
    # doubles.
    def extent(self, bbox: Extent, *, indexed: bool) -> None:
        boxes = bbox.boxes()
        if indexed:
            self.touching(boxes)
        exact = (
            "(record.south <= ? AND record.north >= ? AND CASE WHEN record.west <= record.east "
            "THEN record.west <= ? AND record.east >= ? ELSE record.west <= ? OR record.east >= "
            "? END)"
        )
        values = [value for w, s, e, n in boxes for value in (n, s, e, w, e, w)]
        self.add("(" + " OR ".join([exact] * len(boxes)) + ")", *values)

    # Ask the R*Tree for records that touch one of the boxes (a superset).
    def touching(self, boxes: tuple[Box, ...]) -> None:
        piece = "(west <= ? AND east >= ? AND south <= ? AND north >= ?)"
        pieces = " OR ".join([piece] * len(boxes))
        values = [value for w, s, e, n in boxes for value in (e, w, n, s)]
        self.add(f"record.n IN (SELECT piece >> 1 FROM extent WHERE {pieces})", *values)

    # Ask for ``value``, ``scheme:value`` or a whole ``scheme``.
    def external(self, identifiers: tuple[str, ...]) -> None:
        one = "(e.value = ? OR e.scheme = ? OR e.scheme || ':' || e.value = ?)"
        any_of = " OR ".join([one] * len(identifiers))
        self.add(
            f"EXISTS (SELECT 1 FROM external_id AS e WHERE e.n = record.n AND ({any_of}))",
            *[identifier for identifier in identifiers for _ in range(3)],
        )

    # Ask for records that have one of the values.
    def term(self, field: str, values: tuple[str, ...]) -> None:
        marks = ", ".join("?" * len(values))
        numbers = f"SELECT t FROM term WHERE field = ? AND value IN ({marks})"
        self.add(f"record.n IN (SELECT n FROM tagged WHERE t IN ({numbers}))", field, *values)

    # Ask for the CQL2 filter, an index before it where one can narrow the search.
    def filter(self, query: RecordQuery, *, narrowed: bool) -> None:
        if query.filter is None:
            return
        from geoguichet.catalogue.search.cql2_sql import translate

        condition = translate(query.filter)
        if narrowed:
            for box in condition.boxes:
                self.touching((box,))
            for field, values in condition.terms:
                self.term(field, values)
        self.add(condition.where.text, *condition.where.values)


def phrases(query: RecordQuery) -> list[str]:
    """Return the alternatives of ``q`` as FTS5 expressions: phrases of stems, or words that may
    stand apart.
    """
    joint = '" AND "' if query.anywhere else " "
    return [f'("{joint.join(stemmed)}")' for stemmed in map(text.stems, query.terms) if stemmed]


def told_apart(query: RecordQuery) -> list[str]:
    """Return the expressions whose places in a record make its rank: the alternatives, or their
    words.
    """
    if not query.anywhere:
        return phrases(query)
    return [
        f'"{stem}"'
        for stem in dict.fromkeys(stem for term in query.terms for stem in text.stems(term))
    ]


def match_in(columns: str, alternatives: list[str], narrowing: str = "") -> str:
    """Return the FTS5 expression: one of the phrases in the columns, and what narrows the
    search.
    """
    return f"{{{columns}}} : (" + " OR ".join(alternatives) + ")" + narrowing


def with_values(field: str, values: tuple[str, ...]) -> str:
    """Return what narrows an FTS5 expression to the records that have one of the values."""
    return (
        " AND tokens : (" + " OR ".join(f'"{text.token(field, value)}"' for value in values) + ")"
    )


def near(bbox: Extent) -> str:
    """Return what narrows an FTS5 expression to the records that may touch a box (a superset)."""
    return (
        " AND tokens : ("
        + " OR ".join(f'"{place}"' for place in text.tokens_touching(bbox.boxes()))
        + ")"
    )


# Return the FTS5 expression of the question: empty without ``q``, None when it has no word.
def _match(query: RecordQuery) -> str | None:
    if not query.terms:
        return None if query.q.strip() else ""
    alternatives = phrases(query)
    narrowing = "".join(with_values(field, values) for field, values in exact_values(query))
    narrowing += near(query.bbox) if query.bbox else ""
    return match_in(" ".join(TEXT_COLUMNS), alternatives, narrowing) if alternatives else None


def exact_values(query: RecordQuery) -> list[tuple[str, tuple[str, ...]]]:
    """Return the properties that are compared exactly, each with the values of which one is
    enough.
    """
    wanted: list[tuple[str, tuple[str, ...]]] = [("type", query.type)] if query.type else []
    return wanted + [(field, (value,)) for field, value in query.having]


# --- order and paging -----------------------------------------------------------------------------


def walks_an_index(query: RecordQuery) -> bool:
    """Say whether an index gives the order asked for, so that walking it costs what is read."""
    first, *rest = sort_keys(query)
    return all(key.descending == first.descending for key in rest) and (
        first.name == "id" or [key.name for key in rest] == ["id"]
    )


def sort_keys(query: RecordQuery) -> tuple[SortKey, ...]:
    """Return the keys of the order asked for (the most recent first by default), made total by the
    identifier.
    """
    keys = query.sortby or (SortKey("updated", descending=True),)
    return (
        keys
        if any(key.name == "id" for key in keys)
        else (*keys, SortKey("id", descending=keys[-1].descending))
    )


class Ordered(Protocol):
    """One value that rows stand in order of, as SQL; ``id`` is the one that no two rows share."""

    @property
    def name(self) -> str:
        """What the order calls it."""
        ...

    @property
    def sql(self) -> str:
        """Its value."""
        ...

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        ...


def write_cursor(keys: Sequence[Ordered], values: Sequence[object]) -> str:
    """Return the place of a row in an order: what a ``next`` link carries."""
    order = ",".join(f"{'-' * key.descending}{key.name}" for key in keys)
    document = json.dumps([order, *values], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def read_cursor(cursor: str, keys: Sequence[Ordered]) -> tuple[Any, ...]:
    """Return the sort keys of the last row of the page before: texts, numbers or None."""
    order = ",".join(f"{'-' * key.descending}{key.name}" for key in keys)
    try:
        told, *values = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise _bad_cursor() from error
    if told != order or len(values) != len(keys) or not all(map(_is_sound, values)):
        raise _bad_cursor()
    return tuple(values)


# Say whether SQLite can be given a value.
def _is_sound(value: object) -> bool:
    if isinstance(value, str):
        return not any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in value)
    return value is None or (isinstance(value, int | float) and abs(value) < 2**63)


def _bad_cursor() -> QueryError:
    return QueryError(
        "cursor : suivez le lien « next » de la page précédente, sans changer le tri.",
        "cursor: follow the “next” link of the previous page, with the same order.",
    )


def after_row(keys: Sequence[Ordered], values: Sequence[object]) -> tuple[str, tuple[object, ...]]:
    """Return the condition of the rows that come after one; missing values come last, both ways."""
    alternatives: list[str] = []
    given: list[object] = []
    for position, (key, value) in enumerate(zip(keys, values, strict=True)):
        if value is None:
            continue  # only the next keys tell what comes after a missing value
        equal = [f"{before.sql} IS ?" for before in keys[:position]]
        further = f"{key.sql} {'<' if key.descending else '>'} ?"
        later = (
            further if position == 0 or key.name == "id" else f"({further} OR {key.sql} IS NULL)"
        )
        alternatives.append("(" + " AND ".join([*equal, later]) + ")")
        given += [*values[:position], value]
    return "(" + " OR ".join(alternatives) + ")", tuple(given)
