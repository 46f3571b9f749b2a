"""What the catalogue asks of a store of records, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.audiences import EVERYONE, Shown
from geoguichet.catalogue.search.query import FacetCounts, RecordQuery
from geoguichet.catalogue.search.tables import Change, LoadSummary, Step
from geoguichet.floor.viewer import Viewer

#: Told of each record that is not stored, and why.
type OnRefusal = Callable[[Record, RecordError], None]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer: documents as JSON bytes ready to serve (`PAGE_BYTES` at most, one at
    least), how many records match in all, their facets.

    ``next`` is the cursor of the following page of a sorted answer; empty on the last page, and for
    an answer in the order of relevance (``offset`` goes on there).
    """

    items: tuple[bytes, ...] = field(repr=False)
    number_matched: int
    facets: tuple[FacetCounts, ...] = ()
    next: str = ""

    @property
    def records(self) -> tuple[Record, ...]:
        """The same documents, read."""
        return tuple(self.each())

    def each(self) -> Iterator[Record]:
        """Yield the same documents, read one at a time."""
        return (Record.from_geojson(json.loads(item)) for item in self.items)


class Stored(NamedTuple):
    """The current state of a record: its document, its version, when it was written (seconds since
    1970), to whom it is shown, whether it waits to be reviewed.
    """

    document: bytes
    version: int
    written_s: int
    shown: Shown
    waiting: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a record: its number, when (RFC 3339, UTC), who, what happened; no record once
    deleted.

    ``members`` names what changed since the version before that the viewer sees, as in
    ``properties.title``; ``note`` is what was said of a step.
    """

    number: int
    at: str
    by: str
    change: Change
    record: Record | None
    members: tuple[str, ...] = ()
    shown: Shown = EVERYONE
    note: str = ""


class RecordStore(Protocol):
    """What the catalogue asks of a store; SQLite is one, another engine must pass the same
    tests.

    Every question says who asks, ``viewer``: what that one may not see does not exist in the answer.
    Records are ``shown`` to whom they were before unless it says to whom, new ones to everyone; a
    record that not everyone sees says so, in its property ``visibility``.
    """

    def search(self, query: RecordQuery, *, viewer: Viewer) -> Page:
        """Return the page of matching records, and the exact number of matches."""

    def get(self, identifier: str, *, viewer: Viewer) -> Record:
        """Return a record; RecordNotFoundError when there is none."""

    def document(self, identifier: str, *, viewer: Viewer) -> bytes:
        """Return its JSON bytes as they are served; RecordNotFoundError when there is none."""

    def stored(self, identifier: str, *, viewer: Viewer) -> Stored:
        """Return its current state; RecordNotFoundError when there is none."""

    def upsert(
        self,
        record: Record,
        *,
        by: str = "",
        instead_of: bytes | None = None,
        shown: Shown | None = None,
    ) -> Change:
        """Store a record under its identifier; the same content again writes nothing.

        RecordError when it is beyond the bounds of the region (`record.bounded`). With
        ``instead_of``, StaleRecordError unless that is its current document (empty: it has none).
        """

    def bulk_upsert(
        self,
        records: Iterable[Record],
        *,
        by: str = "",
        refused: OnRefusal | None = None,
        shown: Shown | None = None,
    ) -> LoadSummary:
        """Store many records in one go: readers see all of them or none.

        One that is beyond the bounds is told to ``refused`` and left out; without it, RecordError.
        """

    def delete(self, identifier: str, *, by: str = "", instead_of: bytes | None = None) -> None:
        """Delete a record, leaving a tombstone in its history; RecordNotFoundError when there is
        none.

        With ``instead_of``, StaleRecordError unless that is its current document.
        """

    def take_step(
        self,
        identifier: str,
        step: Step,
        *,
        by: str,
        note: str = "",
        instead_of: bytes,
        shown: Shown | None = None,
    ) -> None:
        """Note what was done about a record, as a version of its own; StaleRecordError unless
        ``instead_of`` is its current document.
        """

    def waiting(self, *, viewer: Viewer, most: int) -> tuple[bytes, ...]:
        """Return the documents of the records that were submitted and wait to be reviewed."""

    def history(self, identifier: str, *, viewer: Viewer) -> tuple[Version, ...]:
        """Return every version that the viewer sees, the oldest first; RecordNotFoundError for an
        identifier never seen, or when the last is not shown to it.
        """

    def restore(self, identifier: str, version: int, *, viewer: Viewer, by: str = "") -> Record:
        """Make an earlier version the current one again; RecordNotFoundError when there is no such
        version.
        """

    def generation(self, *, viewer: Viewer) -> int:
        """Return a number that grows with every change that the viewer sees: the milliseconds since
        1970 of the last one, 0 without any.
        """

    def sight(self, *, viewer: Viewer) -> tuple[int, ...] | None:
        """Return what stands for all that a viewer may see: who has the same is answered the
        same.
        """

    def close(self) -> None:
        """Give the resources back; the store can be used again afterwards."""
