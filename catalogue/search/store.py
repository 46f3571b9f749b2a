"""Where records are kept and found again: SQLite behind the contract (`contract`).

One file, no server, no loadable extension: the JSON bytes ready to serve, a full-text index of
French stems (FTS5), an index of extents (R*Tree, refined exactly), and every earlier version of
every record.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Self

from geoguichet.catalogue.errors import (
    RecordError,
    RecordNotFoundError,
    StaleRecordError,
    StoreError,
)
from geoguichet.catalogue.record import Record, bounded
from geoguichet.catalogue.search import audiences, reviews, tables, upgrade
from geoguichet.catalogue.search.audiences import Shown
from geoguichet.catalogue.search.contract import OnRefusal, Page, RecordStore, Stored, Version
from geoguichet.catalogue.search.query import (
    FacetCounts,
    RecordQuery,
    Selection,
    select,
    sort_keys,
    walks_an_index,
    write_cursor,
)
from geoguichet.catalogue.search.tables import Change, Indexed, LoadSummary, Step, Writer
from geoguichet.floor import files
from geoguichet.floor.viewer import MACHINE, Viewer

if TYPE_CHECKING:
    from geoguichet.catalogue.search.columns import Columns, Numbers
    from geoguichet.floor.region import Limits


class SQLiteStore:
    """A `RecordStore` in one SQLite file. Safe to share between threads; several processes may use
    the file.

    Constructing it touches nothing. A reader of a file that does not exist yet finds an empty
    catalogue; the first write makes the file. A file replaced on disk is noticed and opened anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers: list[sqlite3.Connection] = []
        self._readers_of: tuple[int, int] | None = None
        self._lock = Lock()
        self._columns: Columns | None = None
        self._columns_of = ""
        self._columns_lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, query: RecordQuery, *, viewer: Viewer) -> Page:
        """Return the page of matching records, the exact number of matches, and the facets asked
        for.
        """
        with self._read() as database:
            seen = None if database is None else audiences.seen_by(database, viewer)
            selection = select(query, seen)
            if database is None or selection is None:
                return Page(
                    (), 0, tuple(FacetCounts(asked.name, (), more=False) for asked in query.facets)
                )
            try:
                if query.filter:
                    from geoguichet.catalogue.search.cql2_sql import register

                    register(database)
                if selection.is_everything and not query.facets:
                    return _sorted_page(database, query, selection, selection.count(database))
                with self._fresh_columns(database) as columns:
                    return _page_with_columns(columns, database, query, selection)
            except sqlite3.Error as error:
                raise StoreError(f"{self.path} : recherche impossible ({error}).") from error

    def get(self, identifier: str, *, viewer: Viewer) -> Record:
        """Return a record; RecordNotFoundError when there is none."""
        return Record.from_geojson(json.loads(self.document(identifier, viewer=viewer)))

    def document(self, identifier: str, *, viewer: Viewer) -> bytes:
        """Return its JSON bytes as they are served; RecordNotFoundError when there is none."""
        return self.stored(identifier, viewer=viewer).document

    def stored(self, identifier: str, *, viewer: Viewer) -> Stored:
        """Return its current state; RecordNotFoundError when there is none."""
        with self._read(several=False) as database:
            row = (
                None if database is None else database.execute(_DOCUMENT, (identifier,)).fetchone()
            )
        if row is None or not viewer.sees(row[3]):
            raise RecordNotFoundError(f"Aucune fiche « {identifier} » dans le catalogue.")
        return Stored(bytes(row[0]), row[1], row[2] // 1000, Shown(*row[3:5]), bool(row[5]))

    def upsert(
        self,
        record: Record,
        *,
        by: str = "",
        instead_of: bytes | None = None,
        shown: Shown | None = None,
    ) -> Change:
        """Store a record under its identifier; the same content again writes nothing."""
        body = bounded(record, self.limits)
        with self._write() as database:
            _check_current(database, record.id, instead_of)
            writer = Writer(database, tables.next_generation(database), by=by)
            (change,) = writer.upsert([(record, body)], shown)
            if change != "unchanged":
                writer.flush()
                tables.remember_generation(database, writer.stamp)
            return change

    def bulk_upsert(
        self,
        records: Iterable[Record],
        *,
        by: str = "",
        refused: OnRefusal | None = None,
        shown: Shown | None = None,
    ) -> LoadSummary:
        """Store many records in one transaction: readers see all of them or none."""
        checked = _checked(records, self.limits, refused)
        return self.load(checked, by=by, shown=shown)

    def load(
        self, records: Iterable[Ready], *, by: str = "", shown: Shown | None = None
    ) -> LoadSummary:
        """Store records that were checked (`record.bounded`), as `bulk_upsert` does."""
        counts: Counter[str] = Counter()
        with self._write() as database:
            writer = Writer(database, tables.next_generation(database), by=by)
            database.execute(f"PRAGMA cache_size = -{_LOADING_CACHE_KB}")
            writer.drop_indexes()
            for batch in _batches(records):
                counts.update(writer.upsert(batch, shown))
            writer.flush()
            if counts.keys() - {"unchanged"}:
                tables.remember_generation(database, writer.stamp)
        return LoadSummary(**counts)

    def delete(self, identifier: str, *, by: str = "", instead_of: bytes | None = None) -> None:
        """Delete a record, leaving a tombstone in its history; RecordNotFoundError when there is
        none.
        """
        with self._write() as database:
            _check_current(database, identifier, instead_of)
            row = database.execute(
                "SELECT n, version, audience FROM record WHERE id = ?", (identifier,)
            ).fetchone()
            if row is None:
                raise RecordNotFoundError(
                    f"Aucune fiche « {identifier} » à supprimer dans le catalogue."
                )
            number, version, seen = row
            writer = Writer(database, tables.next_generation(database), by=by)
            tables.archive(database, identifier)
            writer.remove(number)
            database.execute("INSERT INTO removed VALUES (?, ?)", (number, writer.stamp))
            writer.flush()
            tombstone = (identifier, version + 1, tables.now(), by, "deleted", None, seen, "")
            database.execute("INSERT INTO previous VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tombstone)
            tables.remember_generation(database, writer.stamp)

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
        with self._write() as database:
            _check_current(database, identifier, instead_of)
            writer = Writer(database, tables.next_generation(database), by=by)
            reviews.take(writer, identifier, step, note, shown)
            writer.flush()
            tables.remember_generation(database, writer.stamp)

    def waiting(self, *, viewer: Viewer, most: int) -> tuple[bytes, ...]:
        """Return the documents of the records that were submitted and wait to be reviewed."""
        with self._read() as database:
            if database is None:
                return ()
            seen = audiences.seen_by(database, viewer)
            return _bodies(database, reviews.waiting(database, seen, most))

    def history(self, identifier: str, *, viewer: Viewer) -> tuple[Version, ...]:
        """Return every version that the viewer sees, the oldest first; RecordNotFoundError for an
        identifier never seen, or when the last is not shown to it.
        """
        with self._read() as database:
            rows = (
                []
                if database is None
                else database.execute(_HISTORY, (identifier, identifier)).fetchall()
            )
        if not rows or not viewer.sees(rows[-1][5]):
            raise RecordNotFoundError(
                f"Aucune fiche « {identifier} » dans l'historique du catalogue."
            )
        return tuple(_versions(row for row in rows if viewer.sees(row[5])))

    def restore(self, identifier: str, version: int, *, viewer: Viewer, by: str = "") -> Record:
        """Make an earlier version the current one again, shown to whom it was; RecordNotFoundError
        when there is no such version.
        """
        versions = self.history(identifier, viewer=viewer)
        kept = next((past for past in versions if past.number == version), None)
        if kept is None or kept.record is None:
            raise RecordNotFoundError(
                f"Pas de version {version} de la fiche « {identifier} » à rétablir ; "
                f"« geoguichet catalogue history {identifier} » les montre."
            )
        self.upsert(kept.record, by=by, shown=kept.shown)
        return kept.record

    def generation(self, *, viewer: Viewer) -> int:
        """Return a number that grows with every change that the viewer sees: the milliseconds since
        1970 of the last one, 0 without any.
        """
        with self._read(several=False) as database:
            return 0 if database is None else audiences.last_change(database, viewer)

    def sight(self, *, viewer: Viewer) -> tuple[int, ...] | None:
        """Return what stands for all that a viewer may see: who has the same is answered the
        same.
        """
        with self._read(several=False) as database:
            return None if database is None else audiences.seen_by(database, viewer)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            self._close_readers()

    @cached_property
    def limits(self) -> Limits:
        """What a record may hold, as the region.toml beside the file says."""
        from geoguichet.floor.region import FILE, Limits, read_region

        folder = self.path.parent
        return read_region(folder).limits if (folder / FILE).exists() else Limits()

    # Lend a reading connection, ``several`` questions of which are put to one snapshot; None when the
    # file does not exist.
    @contextmanager
    def _read(self, *, several: bool = True) -> Iterator[sqlite3.Connection | None]:
        reader = self._reader()
        if reader is None:
            yield None
            return
        identity = self._readers_of
        try:
            if several:
                reader.execute("BEGIN")
            yield reader
        finally:
            if several:
                reader.rollback()
            self._give_back(reader, identity)

    # Take an idle connection to the file that is there now, or open one.
    def _reader(self) -> sqlite3.Connection | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.path} : catalogue illisible ({error.strerror}).") from error
        with self._lock:
            if self._readers_of != (status.st_dev, status.st_ino):
                self._close_readers()
                self._readers_of = (status.st_dev, status.st_ino)
            if self._readers:
                return self._readers.pop()
        return self._opened_reader() if status.st_size else None

    def _opened_reader(self) -> sqlite3.Connection | None:
        """Open a reading connection; a file of an earlier version is brought up to this one first.

        None for a file whose tables were not made yet: its writer is at it, or was killed before it
        had.
        """
        reader = self._open("ro")
        if files.state(reader) == (0, 0):
            reader.close()
            return None
        is_current = upgrade.SCHEMA.is_current(reader, self.path)
        if not is_current or tables.is_made_otherwise(reader):
            reader.close()
            with self._write():
                pass
            reader = self._open("ro")
        return reader

    # Lend the columns as they stand in the snapshot of a reader; those that wait meanwhile take
    # turns.
    @contextmanager
    def _fresh_columns(self, database: sqlite3.Connection) -> Iterator[Columns]:
        # numpy is half the time that a command takes to start: only where there is a question.
        from geoguichet.catalogue.search.columns import Columns

        with self._columns_lock:
            numbering = tables.meta(database, "numbering")
            # an inode is no identity: it is used again for the next file
            if self._columns is None or self._columns_of != numbering:
                self._columns, self._columns_of = Columns(), numbering
            if not self._columns.refresh(
                database
            ):  # another thread read what was written since this one began
                database.rollback()
                database.execute("BEGIN")
                if not self._columns.refresh(
                    database
                ):  # the file went back in time: a backup was put in its place
                    self._columns = Columns()
                    self._columns.refresh(database)
            yield self._columns

    def _give_back(self, reader: sqlite3.Connection, identity: tuple[int, int] | None) -> None:
        with self._lock:
            if identity is not None and identity == self._readers_of:
                self._readers.append(reader)
                return
        reader.close()

    def _close_readers(self) -> None:
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        self._readers_of = None

    # Lend a writing connection inside one transaction: everything is kept, or nothing.
    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = self._open("rwc")
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")  # what is told is on the disk by then
            upgrade.SCHEMA.prepare(database, self.path)
            if tables.is_made_otherwise(database):
                upgrade.index_again(database)
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.commit()
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path} : écriture impossible ({error}) ; rien n'a été changé."
            ) from error
        finally:
            if database.in_transaction:
                database.rollback()
            database.close()

    def _open(self, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            database = sqlite3.connect(
                address, uri=True, timeout=30, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : ouverture impossible ({error}).") from error
        try:
            upgrade.SCHEMA.is_current(database, self.path)
        except StoreError:
            database.close()
            raise
        except sqlite3.Error as error:
            database.close()
            if (
                mode == "ro"
                and getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY_ROLLBACK"
            ):
                self._open(
                    "rwc"
                ).close()  # its maker was killed: only who may write can take its last step back
                return self._open(mode)
            raise StoreError(
                f"{self.path} : ce fichier n'est pas un catalogue Géoguichet ({error})."
            ) from error
        return database


#: Memory a bulk load may keep pages of the file in.
_LOADING_CACHE_KB = 200_000


# Refuse to write over another document than the one that was read.
def _check_current(database: sqlite3.Connection, identifier: str, document: bytes | None) -> None:
    if document is None:
        return
    row = database.execute(_DOCUMENT, (identifier,)).fetchone()
    if (row[0] if row else b"") != document:
        raise StaleRecordError(f"La fiche « {identifier} » a changé depuis qu'elle a été lue.")


#: A record, or what the tables are to hold of it, and its document.
type Ready = tuple[Record | Indexed, bytes]


# Yield the records that are within the bounds, with their documents.
def _checked(
    records: Iterable[Record],
    limits: Limits,
    refused: OnRefusal | None,
) -> Iterator[Ready]:
    for record in records:
        try:
            body = bounded(record, limits)
        except RecordError as error:
            if refused is None:
                raise
            refused(record, error)
            continue
        yield record, body


# Yield records by the hundred, no identifier twice in a batch.
def _batches(records: Iterable[Ready]) -> Iterator[list[Ready]]:
    batch: dict[str, Ready] = {}
    for record, body in records:
        if record.id in batch or len(batch) == tables.BATCH:
            yield list(batch.values())
            batch = {}
        batch[record.id] = record, body
    if batch:
        yield list(batch.values())


# --- reading --------------------------------------------------------------------------------------

_DOCUMENT = """
SELECT body, version, record.stamp, keys, owner, waiting FROM document JOIN record USING (n)
JOIN audience ON a = audience WHERE id = ?
"""
_HISTORY = """
SELECT version, at, by, change, body, keys, owner, note FROM previous JOIN audience ON a = audience WHERE id = ?
UNION ALL
SELECT version, at, by, change, body, keys, owner, note FROM record JOIN document USING (n)
JOIN audience ON a = audience WHERE id = ? ORDER BY version
"""


# Answer a search whose matches, order or facets are found on the numbers of all records.
def _page_with_columns(
    columns: Columns, database: sqlite3.Connection, query: RecordQuery, selection: Selection
) -> Page:
    ranks = bool(query.terms) and not query.sortby and query.limit > 0
    if selection.is_everything:
        facets = columns.facets(database, None, query.facets)
        return _sorted_page(database, query, selection, selection.count(database), facets)
    found = columns.found(database, query, selection)
    matched = len(found.numbers)
    facets = columns.facets(database, found.numbers, query.facets)
    if ranks:
        first = columns.ranked(database, found, query, selection).tolist()
        return Page(_bodies(database, first), matched, facets)
    return _sorted_page(database, query, selection, matched, facets, among=found.numbers)


# Read a page in the order of its sort keys; ``among`` are the numbers of all that match, where they
# are known.
def _sorted_page(
    database: sqlite3.Connection,
    query: RecordQuery,
    selection: Selection,
    matched: int,
    facets: tuple[FacetCounts, ...] = (),
    *,
    among: Numbers | None = None,
) -> Page:
    if not matched or not query.limit:
        rows = []
    elif among is None or not walks_an_index(query):
        rows = selection.page(database, query)
    else:
        rows = _walked(database, query, among)
    bodies = _bodies(database, (row[0] for row in rows))
    more = len(rows) == query.limit > 0 and (
        bool(query.cursor) or query.offset + len(rows) < matched
    )
    more |= len(bodies) < len(rows)
    following = write_cursor(sort_keys(query), rows[len(bodies) - 1][1:]) if more else ""
    return Page(bodies, matched, facets, following)


# Read the rows of a page: of the records that match if they are few, else those met along the
# index.
def _walked(
    database: sqlite3.Connection, query: RecordQuery, among: Numbers
) -> list[tuple[Any, ...]]:
    if len(among) <= _FEW:
        numbers = ", ".join(map(str, among.tolist()))
        return Selection("", (f"record.n IN ({numbers})",), ()).page(database, query)
    import numpy as np

    matching = np.zeros(int(among.max()) + 1, dtype=bool)
    matching[among] = True
    last = len(matching)
    met = (
        row
        for row in Selection("", (), ()).after(database, query)
        if row[0] < last and matching[row[0]]
    )
    skipped = 0 if query.cursor else query.offset
    return list(islice(met, skipped, skipped + query.limit))


#: Matches that are sorted rather than met along an index.
_FEW = 500


#: Bytes of documents in a page: beyond, it is shorter than was asked for, and the next one goes on.
PAGE_BYTES = 100_000_000


# Fetch the documents of one page, last and by number.
def _bodies(database: sqlite3.Connection, numbers: Iterable[object]) -> tuple[bytes, ...]:
    bodies: list[bytes] = []
    left = PAGE_BYTES
    for number in numbers:
        (body,) = database.execute("SELECT body FROM document WHERE n = ?", (number,)).fetchone()
        left -= len(body)
        if left < 0 and bodies:
            break
        bodies.append(bytes(body))
    return tuple(bodies)


def _versions(
    rows: Iterable[tuple[int, str, str, Change, bytes | None, str, str, str]],
) -> Iterator[Version]:
    before: dict[str, Any] = {}
    for number, at, by, change, body, keys, owner, note in rows:
        document = json.loads(body) if body else {}
        record = Record.from_geojson(document) if body else None
        members = differences(before, document) if before and body else ()
        yield Version(number, at, by, change, record, members, Shown(keys, owner), note)
        before = document


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the members of a record document that differ, those of its properties one
    by one.

    >>> differences({"properties": {"title": "a"}}, {"properties": {"title": "b"}, "links": []})
    ('links', 'properties.title')
    """
    flat = [
        {name: value for name, value in document.items() if name != "properties"}
        | {f"properties.{name}": value for name, value in document.get("properties", {}).items()}
        for document in (before, after)
    ]
    names = sorted(flat[0].keys() | flat[1].keys())
    return tuple(name for name in names if flat[0].get(name) != flat[1].get(name))


def search_as_people_do(
    store: RecordStore, query: RecordQuery, *, viewer: Viewer
) -> tuple[Page, RecordQuery]:
    """Search for words side by side, else anywhere; return the page and the question that it
    answers.

    The standard's ``q`` wants words side by side; who types "plu longueau" wants both, wherever
    they are.
    """
    page = store.search(query, viewer=viewer)
    wider = query.loosened() if not page.number_matched else None
    return (page, query) if wider is None else (store.search(wider, viewer=viewer), wider)


def store_path(workspace: str | Path) -> Path:
    """Return where a workspace keeps its records."""
    return Path(workspace, "catalogue.sqlite")


class Catalogue(SQLiteStore):
    """The records of a ``workspace`` (a folder), for who has its files, and so may see all of them;
    nothing is made before the first write.

    Words are found as French stems, the best first by BM25 (Robertson & Zaragoza 2009).

    Raises
    ------
    StoreError
        The file is no catalogue, or cannot be read or written.
    RecordNotFoundError
        No record has the identifier asked for.

    Examples
    --------
    After the example of :func:`~geoguichet.import_files`:

    >>> with Catalogue("catalogue") as catalogue:
    ...     page = catalogue.search("arret de bus")  # or a RecordQuery
    ...     catalogue.get("bus").title, page.number_matched, page.records[0].id
    ('Arrêts de bus', 1, 'bus')
    """

    def __init__(self, workspace: str | Path) -> None:
        super().__init__(store_path(workspace))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    def search(self, query: RecordQuery | str, *, viewer: Viewer = MACHINE) -> Page:
        """Return the page of matching records (see `RecordStore`); a text is its ``q``."""
        return super().search(
            RecordQuery(q=query) if isinstance(query, str) else query, viewer=viewer
        )

    def get(self, identifier: str, *, viewer: Viewer = MACHINE) -> Record:
        """Return a record; RecordNotFoundError when there is none."""
        return super().get(identifier, viewer=viewer)

    def history(self, identifier: str, *, viewer: Viewer = MACHINE) -> tuple[Version, ...]:
        """Return every version of a record, the oldest first."""
        return super().history(identifier, viewer=viewer)


# A record described anew, and what people wrote in it since: both are kept, member by member
# (decision 033).


def with_edits(fresh: Record, store: RecordStore, *, by: str) -> Record:
    """Return a record with the members that others than ``by`` ever changed, as they stand in the
    store.

    A member is one of the document or of its properties, whole; ``updated`` is the later of the
    two. A record that is not in the store comes back as it is.
    """
    try:
        current = store.get(fresh.id, viewer=MACHINE)
        edits = [
            version
            for version in store.history(fresh.id, viewer=MACHINE)
            if version.by != by and version.change == "updated"
        ]
    except RecordNotFoundError:
        return fresh
    if not edits:
        return fresh
    now, new = current.to_geojson(), fresh.to_geojson()
    for name in {name for version in edits for name in version.members}:
        holder, _, member = name.rpartition(".")
        _take(member, now[holder] if holder else now, new[holder] if holder else new)
    if updated := max(current.updated, fresh.updated):
        new["properties"]["updated"] = updated
    return Record.from_geojson(new)


# Give ``new`` the member as ``now`` has it, or take it away when ``now`` has none.
def _take(member: str, now: dict[str, Any], new: dict[str, Any]) -> None:
    if member in now:
        new[member] = now[member]
    else:
        new.pop(member, None)
