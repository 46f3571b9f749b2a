"""The documents that records came from, kept beside the store and given back byte for byte.

A document stands for its record as long as the record still says what was read in it; once the
record is edited, the document is what the edited record is written into (`formats.rewrite`).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from geoguichet.catalogue.errors import RecordNotFoundError, StoreError
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.registry import Described
from geoguichet.catalogue.record import Record

_SCHEMA = """
CREATE TABLE IF NOT EXISTS original (
  id TEXT PRIMARY KEY, format TEXT NOT NULL, address TEXT NOT NULL, digest TEXT NOT NULL, document BLOB NOT NULL
) WITHOUT ROWID
"""

#: Of compression: half the time of the usual 6, for documents an eighth larger (15 % of what they
#: were, not 13 %).
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Original:
    """One kept document: its format, where it came from, its bytes, and the digest of the record
    read in it.
    """

    format: str
    address: str
    digest: str
    document: bytes


def originals_path(workspace: Path) -> Path:
    """Return where a workspace keeps the documents of its records."""
    return workspace / "originals.sqlite"


class Originals:
    """Kept documents, in one SQLite file. Constructing it touches nothing; the first document makes
    the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, items: Iterable[tuple[Described, str]]) -> None:
        """Keep the documents of records, each with its address, all of them or none."""
        rows = [
            (
                item.record.id,
                item.format,
                address,
                item.record.digest(),
                zlib.compress(item.source, _LEVEL),
            )
            for item, address in items
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.execute(_SCHEMA)
            database.executemany("INSERT OR REPLACE INTO original VALUES (?, ?, ?, ?, ?)", rows)

    def get(self, identifier: str) -> Original | None:
        """Return the document of a record; None when it was not read from one."""
        if not self.path.exists():
            return None
        with self._open() as database:
            query = "SELECT format, address, digest, document FROM original WHERE id = ?"
            row = database.execute(query, (identifier,)).fetchone()
        return None if row is None else Original(row[0], row[1], row[2], zlib.decompress(row[3]))

    def document(self, record: Record) -> bytes:
        """Return the document that a record came from, byte for byte; RecordNotFoundError when none
        stands for it.
        """
        original = self.get(record.id)
        if original is None:
            raise RecordNotFoundError(f"La fiche « {record.id} » n'a été lue dans aucun document.")
        if original.digest != record.digest():
            raise RecordNotFoundError(
                f"La fiche « {record.id} » a été modifiée depuis que son document "
                f"({original.address}) a été lu ; "
                f"exportez-la dans un format."
            )
        return original.document

    def export(self, record: Record, form: str, *, base: str = "") -> bytes:
        """Return a record in a format: its own document when it is of that format, rewritten where
        it was edited. The addresses of records begin with ``base``, in the formats that have some.
        """
        original = self.get(record.id)
        if original is None or original.format != form:
            return registry.rewrite(record, form, b"", base=base)
        if original.digest == record.digest():
            return original.document
        return registry.rewrite(record, form, original.document, base=base)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self.path, timeout=30)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : ouverture impossible ({error}).") from error
        try:
            with database:
                yield database
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : documents d'origine illisibles ({error}).") from error
        finally:
            database.close()
