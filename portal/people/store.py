"""``people.sqlite``: who has an account, in which organisation, what they hold and what they did.

The file is made by the first ``geoguichet admin create``: a workspace without it has no accounts,
and what must be remembered all the same (who guesses tokens) is kept in memory. Secrets are kept as
digests. The journal knows pseudonyms alone, and nothing changes a line of it: names stand beside, in
``person``, where they can be erased.
"""

import hashlib
import logging
import os
import secrets
import sqlite3
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from geoguichet.floor.files import Schema, copies, run
from geoguichet.floor.words import Message, _
from geoguichet.portal.errors import PortalError

FILE = "people.sqlite"

#: What was tried in vain; who runs the server reads it. It holds pseudonyms and addresses of
#: machines, never what was typed.
SECURITY_LOG = logging.getLogger("geoguichet.security")

_TABLES = """
CREATE TABLE organisation (
  siren TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, territory TEXT NOT NULL,
  host INTEGER NOT NULL  -- whose portal this is: its administrators look after everyone
) STRICT;
CREATE TABLE person (
  number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'erased')),
  name TEXT NOT NULL, email TEXT UNIQUE, password TEXT NOT NULL, made INTEGER NOT NULL
) STRICT;
CREATE TABLE membership (
  person INTEGER NOT NULL REFERENCES person, siren TEXT NOT NULL REFERENCES organisation,
  role TEXT NOT NULL, PRIMARY KEY (person, siren)
) STRICT, WITHOUT ROWID;
CREATE TABLE subject (
  issuer TEXT NOT NULL, subject TEXT NOT NULL, person INTEGER NOT NULL REFERENCES person,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE link (  -- an invitation (of an address), or a reset (of a person)
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, email TEXT, siren TEXT, role TEXT,
  person INTEGER REFERENCES person, made INTEGER NOT NULL, expires INTEGER NOT NULL,
  maker TEXT NOT NULL  -- who handed it out, with whose power it ends
) STRICT;
CREATE TABLE session (
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person INTEGER NOT NULL REFERENCES person,
  made INTEGER NOT NULL, seen INTEGER NOT NULL, expires INTEGER NOT NULL, client TEXT NOT NULL
) STRICT;
CREATE TABLE token (
  number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person INTEGER NOT NULL REFERENCES person,
  name TEXT NOT NULL, scope TEXT NOT NULL, made INTEGER NOT NULL, expires INTEGER NOT NULL,
  used INTEGER
) STRICT;
CREATE TABLE journal (
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, did TEXT NOT NULL,
  whom TEXT NOT NULL, siren TEXT NOT NULL, about TEXT NOT NULL
) STRICT;
CREATE TABLE tries (
  digest BLOB PRIMARY KEY, failures INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
_JOURNAL_STAYS = """
DROP TRIGGER IF EXISTS journal_stays;
DROP TRIGGER IF EXISTS journal_says;
DROP TRIGGER IF EXISTS journal_keeps;
CREATE TRIGGER journal_stays BEFORE DELETE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is only added to'); END;
CREATE TRIGGER journal_says BEFORE UPDATE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is only added to'); END;
CREATE TRIGGER journal_keeps BEFORE INSERT ON journal  -- INSERT OR REPLACE
  WHEN EXISTS (SELECT 1 FROM journal WHERE number = new.number)
  BEGIN SELECT raise(ABORT, 'the journal is only added to'); END;
"""


class PeopleError(PortalError):
    """The accounts cannot be read or written; or what is asked of them is refused, in a sentence."""


# The files of the first days of version 1 do not say who handed a link out: with whose power it would
# end is not known, so it has ended.
def _with_makers(base: sqlite3.Connection) -> None:
    if "maker" not in {row[1] for row in base.execute("PRAGMA table_info (link)")}:
        base.execute("DELETE FROM link")
        base.execute("ALTER TABLE link ADD COLUMN maker TEXT NOT NULL DEFAULT ''")
    run(base, _JOURNAL_STAYS)


SCHEMA = Schema(
    Message("un fichier de comptes de Géoguichet"),
    _TABLES + _JOURNAL_STAYS,
    steps={1: _with_makers},
    refusal=PeopleError,
    application=0x67677065,  # "ggpe"
)


class People:
    """The accounts of a workspace, there or not."""

    def __init__(self, workspace: Path, scratch: Path | None = None) -> None:
        """``scratch`` is a folder that the processes of a server share while they serve."""
        self.path = workspace / FILE
        self._scratch = scratch
        self._memory: sqlite3.Connection | None = None
        self._lock = Lock()
        self._idle: deque[tuple[int, sqlite3.Connection]] = deque()  # with the file it is of
        weakref.finalize(self, _close, self._idle)

    @property
    def exist(self) -> bool:
        """Whether there are accounts; a server is told as soon as the first is made."""
        return self.path.is_file()

    def in_the_clear(self, url: str) -> bool:
        """Say whether passwords would be sent in the clear to an address of the portal."""
        where = urlsplit(url)
        is_here = where.hostname in ("localhost", "127.0.0.1", "::1")
        return self.exist and where.scheme == "http" and not is_here

    def create(self) -> None:
        """Make the file where there is none, for its owner alone."""
        if self.exist:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".new")
            draft.unlink(missing_ok=True)
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(draft)) as base:
                base.execute("PRAGMA journal_mode = WAL")
                SCHEMA.prepare(base, draft)
            draft.rename(self.path)
        except (OSError, sqlite3.Error) as error:
            told = _("{file} ne s'écrit pas ({error}).", file=self.path, error=error)
            raise PeopleError(told) from error

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend one state of the accounts."""
        with self._lent("BEGIN") as base:
            yield base

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend the accounts for one change: the whole of it is kept, or nothing."""
        with self._lent("BEGIN IMMEDIATE") as base:
            yield base

    @contextmanager
    def _lent(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            if not self.exist:
                with self._lock:
                    if self._memory is None:
                        self._memory = _forgetful(self._scratch)
                        weakref.finalize(self, self._memory.close)
                    yield from _changed(self._memory, begin)
                return
            file, base = self._open()
            try:
                yield from _changed(base, begin)
            finally:
                self._idle.append((file, base))
        except (OSError, sqlite3.Error) as error:
            told = _("{file} ne se lit pas ({error}).", file=self.path, error=error)
            raise PeopleError(told) from error

    # Return a connection that waits, or another: to open one takes longer than to ask it.
    def _open(self) -> tuple[int, sqlite3.Connection]:
        file = self.path.stat().st_ino
        while self._idle:
            known, base = self._idle.pop()
            if known == file:
                return file, base
            base.close()
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        base = _connected(address)
        try:
            _check(base, self.path)
        except (sqlite3.Error, PeopleError):
            base.close()
            raise
        return file, base

    def forget(self) -> None:
        """Leave nothing of what was erased in the file's own journal (of SQLite), nor in what was kept
        of the file before it was brought up.
        """
        for copy in copies(self.path):
            copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.path, timeout=10)) as base:
            base.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connected(address: str) -> sqlite3.Connection:
    base = sqlite3.connect(
        address, uri=True, timeout=10, isolation_level=None, check_same_thread=False
    )
    base.row_factory = sqlite3.Row
    return base


# Return what remembers as long as a server serves: in memory, or where all of its processes look.
def _forgetful(scratch: Path | None) -> sqlite3.Connection:
    if scratch is None:
        base = _connected("file::memory:")
        SCHEMA.make(base)
        return base
    base = _connected((scratch / FILE).as_uri())
    base.execute("PRAGMA synchronous = OFF")
    SCHEMA.prepare(base, scratch / FILE)
    return base


def _close(idle: deque[tuple[int, sqlite3.Connection]]) -> None:
    for _file, base in idle:
        base.close()


# Refuse a file of another form; prepare what is asked of ours.
def _check(base: sqlite3.Connection, path: Path) -> None:
    SCHEMA.prepare(base, path)
    base.execute("PRAGMA foreign_keys = ON")
    base.execute("PRAGMA secure_delete = ON")


def _changed(base: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    base.execute(begin)
    try:
        yield base
        base.execute("COMMIT")
    finally:
        if base.in_transaction:
            base.execute("ROLLBACK")


def tell_security() -> None:
    """Have the security log said on the standard error, with the time: a server without it is deaf."""
    if not SECURITY_LOG.handlers:
        told = logging.StreamHandler()
        told.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        SECURITY_LOG.addHandler(told)
    SECURITY_LOG.setLevel(logging.WARNING)
    SECURITY_LOG.propagate = False  # pygeoapi says in its own way whatever passes by


def now() -> int:
    """Return the second that it is, since 1970."""
    return int(time.time())


def instant(second: int) -> str:
    """Return a second as documents tell it (ISO 8601, UTC)."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def secret() -> str:
    """Return what nobody guesses: 256 bits, as text."""
    return secrets.token_urlsafe(32)


def digest(given: str) -> bytes:
    """Return what is kept of a secret, or of who tries: enough to know it again, not to say it."""
    return hashlib.sha256(given.encode("utf-8", "replace")).digest()


def note(
    base: sqlite3.Connection,
    who: str,
    did: str,
    *,
    whom: str = "",
    siren: str = "",
    about: str = "",
) -> None:
    """Add a line to the journal: who (a pseudonym) did what, to whom, in which organisation."""
    line = (now(), who, did, whom, siren, about[:200])
    base.execute(
        "INSERT INTO journal (at, who, did, whom, siren, about) VALUES (?, ?, ?, ?, ?, ?)", line
    )
