"""A question to the catalogue: the parameters of OGC API Records, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from geoguichet.catalogue.errors import QueryError, RecordError
from geoguichet.catalogue.record import Extent, instant_keys, interval_keys

SORTABLES = ("id", "title", "type", "created", "updated")
"""Properties a search can be sorted by."""

PARAMETERS = ("q", "bbox", "datetime", "type", "ids", "externalIds", "sortby", "limit", "offset")
"""Names of the parameters that `RecordQuery.from_parameters` understands."""

MAXIMUM_LIMIT = 10_000
MAXIMUM_TERMS = 50


@dataclass(frozen=True, slots=True)
class SortKey:
    """One property to sort by; records without it come last, both ways."""

    name: str
    descending: bool = False

    def __post_init__(self) -> None:
        if self.name not in SORTABLES:
            raise QueryError(f"sortby : « {self.name} » n'est pas triable ; attendu {', '.join(SORTABLES)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Which records, in which order, which page of them.

    Conditions add up (AND); a list is any of its values (OR). ``q`` follows OGC API Records: commas separate
    alternatives, spaces words that stand side by side in that order; both sides are compared without accents
    and by French stems. ``datetime`` is a pair of keys of `record.interval_keys`. Without ``sortby`` the best
    match comes first, or the most recent when there is no ``q``.
    """

    q: str = ""
    bbox: Extent | None = None
    datetime: tuple[str, str] | None = None
    type: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    sortby: tuple[SortKey, ...] = ()
    limit: int = 10
    offset: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= MAXIMUM_LIMIT:
            raise QueryError(f"limit : un entier de 0 à {MAXIMUM_LIMIT} est attendu, reçu {self.limit}.")
        if not 0 <= self.offset < 2**62:
            raise QueryError(f"offset : un entier positif ou nul est attendu, reçu {self.offset}.")
        if len(self.terms) > MAXIMUM_TERMS:
            raise QueryError(f"q : au plus {MAXIMUM_TERMS} expressions séparées par des virgules sont attendues.")

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Self:
        """Read the query from the texts of an address; QueryError names the parameter that is wrong."""
        for name in parameters:
            if name not in PARAMETERS:
                raise QueryError(f"{name} : paramètre inconnu ; attendu {', '.join(PARAMETERS)}.")
        given = {name: text for name, text in parameters.items() if text}
        return cls(
            q=given.get("q", ""),
            bbox=parse_bbox(given["bbox"]) if "bbox" in given else None,
            datetime=parse_datetime(given["datetime"]) if "datetime" in given else None,
            type=_values(given.get("type", "")),
            ids=_values(given.get("ids", "")),
            external_ids=_values(given.get("externalIds", "")),
            sortby=parse_sortby(given.get("sortby", "")),
            limit=_integer(given.get("limit", "10"), "limit"),
            offset=_integer(given.get("offset", "0"), "offset"),
        )

    @property
    def terms(self) -> tuple[str, ...]:
        """The alternatives of ``q``."""
        return _values(self.q)


def parse_bbox(text: str) -> Extent:
    """Read ``west,south,east,north``, or six numbers whose heights are left aside.

    west > east crosses the antimeridian.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise QueryError(f"bbox : des nombres séparés par des virgules sont attendus, reçu « {text} ».") from error
    if len(numbers) not in (4, 6):
        raise QueryError(f"bbox : 4 ou 6 nombres sont attendus (ouest,sud,est,nord), reçu {len(numbers)}.")
    half = len(numbers) // 2
    try:
        return Extent(numbers[0], numbers[1], numbers[half], numbers[half + 1])
    except RecordError as error:
        raise QueryError(f"bbox : {error}") from error


def parse_datetime(text: str) -> tuple[str, str]:
    """Read an instant or an interval ``start/end`` (``..`` or nothing for an open end)."""
    try:
        if "/" not in text:
            return instant_keys(text)
        start, _, end = text.partition("/")
        return interval_keys(start, end)
    except RecordError as error:
        raise QueryError(f"datetime : {error}") from error


def parse_sortby(text: str) -> tuple[SortKey, ...]:
    """Read ``title,-updated``; a minus sign sorts from the greatest."""
    return tuple(SortKey(name.lstrip("+-"), name.startswith("-")) for name in _values(text))


def _values(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _integer(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise QueryError(f"{name} : un nombre entier est attendu, reçu « {text[:40]} ».") from error
