"""A question to the catalogue: the parameters of OGC API Records, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from geoguichet.catalogue.errors import QueryError, RecordError
from geoguichet.catalogue.record import Extent, instant_keys, interval_keys
from geoguichet.catalogue.search.tables import EXACT, FACETS, QUERYABLES, SORTABLES
from geoguichet.catalogue.text import stems, words

if TYPE_CHECKING:
    from geoguichet.catalogue.search.cql2 import Filter

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

    Conditions add up (AND); a list is any of its values (OR). ``q`` follows OGC API Records: commas
    separate alternatives, spaces words that stand side by side in that order; both sides are
    compared without accents and by French stems; an alternative of articles alone is in every
    record. With ``anywhere`` the words of an alternative may stand apart, in any order and member.
    ``datetime`` is a pair of keys of `record.interval_keys`; ``having`` pairs a property of `EXACT`
    with a value. Without ``sortby`` the best match comes first, or the most recent when there is no
    ``q``. ``cursor`` goes on after the last record of another page (`Page.next`).
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
        if any(words(term) and not stems(term) for term in self.terms):
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
            filter=_filter(given),
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
            if self.anywhere or not any(len(stems(term)) > 1 for term in self.terms)
            else replace(self, anywhere=True)
        )


def _check_names(parameters: Mapping[str, str]) -> None:
    for name, text in parameters.items():
        if name not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            raise QueryError(
                f"{name[:60]} : paramètre inconnu ; attendu {known}.",
                f"{name[:60]}: unknown parameter; expected {known}.",
            )
        if any("\ud800" <= character <= "\udfff" for character in text):
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


def _filter(given: Mapping[str, str]) -> Filter | None:
    if not {"filter", "filter-lang", "filter-crs"} & given.keys():
        return None
    # Geometry takes longer to import than most searches take: only where there is a filter.
    from geoguichet.catalogue.search.cql2 import parse_filter

    lang, crs = given.get("filter-lang", ""), given.get("filter-crs", "")
    if "filter" in given:
        return parse_filter(given["filter"], lang=lang, crs=crs)
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
