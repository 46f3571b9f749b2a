"""Files written whole or not at all, told from one another by the digest of their content; what
cannot be read refused in one sentence, and what would become too much before it does; the tables of
our SQLite files, brought up from version to version.
"""

import bz2
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

from geoguichet.floor.errors import FileError, GeoguichetError, LayerError
from geoguichet.floor.words import Message, _

#: Who a region is, in its workspace; `floor.region` reads it.
REGION_FILE = "region.toml"
_BLOCK = 1 << 20


#: How the name of a folder of drafts begins, beside the files they are of.
DRAFTS = ".geoguichet-"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a place to write a draft of a file in; it takes the file's place at the end.

    The draft has the file's own name (a writer may choose its format by the ending), in a hidden
    folder beside it, so that the last step is one rename. After an error, or a kill, what was there
    is there still. OSError when the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=DRAFTS) as scratch:
        draft = Path(scratch) / path.name
        yield draft
        draft.replace(path)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. FileError when it cannot be."""
    try:
        with whole(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise FileError(f"{path} ne peut pas être écrit ({error.strerror}).") from error


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. FileError when it is, or cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        told = Message(
            "{file} existe déjà et n'est pas touché ; choisissez un autre nom.", file=path
        )
        raise FileError(told) from error
    except OSError as error:
        raise FileError(
            Message(
                "{file} ne peut pas être écrit ({why}) ; choisissez un autre dossier.",
                file=path,
                why=error.strerror,
            )
        ) from error


@contextmanager
def refused(
    *errors: type[Exception],
    say: Callable[[Any], str],
    kind: type[GeoguichetError] = LayerError,
) -> Iterator[None]:
    """Raise a `kind`, with the sentence that `say` makes of it, where one of `errors` is raised."""
    try:
        yield
    except errors as error:
        raise kind(say(error)) from error


# -- what a file may become once it is read


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a file may become, whoever wrote it: kilobytes can be made that fill a machine.

    A published list is thousands of times smaller, and text is packed 5 to 30 times.
    """

    #: Bytes that a compressed file may give, and how many times its own size beyond the first
    #: `packed_free`.
    unpacked: int = 4 << 30
    packed_times: int = 100
    packed_free: int = 64 << 20
    #: Bytes of a document that is held whole in memory, and of one object of a longer one.
    document: int = 1 << 30
    member: int = 64 << 20
    #: Bytes of a line of a table.
    line: int = 4 << 20
    #: Columns of a table; its cells, or the values of a document, that are held at once.
    columns: int = 16_384
    cells: int = 30_000_000


BUDGET = Budget()


def too_much(path: Path, what: Message) -> LayerError:
    """Return the refusal of a file that is over its budget."""
    return LayerError(
        _(
            "{path} : {what} ; rien n'est lu. Donnez le fichier en plusieurs, ou d'origine sûre.",
            path=path,
            what=what,
        )
    )


def check_cells(path: Path, rows: int, columns: int) -> None:
    """Raise LayerError for a table that would be too large to hold, or too wide."""
    if columns > BUDGET.columns:
        limit = Message("{n} colonnes, {most} au plus", n=columns, most=BUDGET.columns)
        raise too_much(path, limit)
    if rows * columns > BUDGET.cells:
        limit = Message(
            "{rows} lignes de {columns} colonnes, {most} cellules au plus",
            rows=rows,
            columns=columns,
            most=BUDGET.cells,
        )
        raise too_much(path, limit)


def rows_at_once(path: Path, columns: int, most: int) -> int:
    """Return how many rows of a table, `most` at most, may be held; LayerError when it is too wide."""
    check_cells(path, 1, columns)
    return min(most, max(1, BUDGET.cells // columns))


def check_size(path: Path, size: int, most: int) -> None:
    """Raise LayerError for bytes that are more than the most there may be."""
    if size > most:
        limit = Message("plus de {most} Mo d'un seul tenant", most=max(1, most >> 20))
        raise too_much(path, limit)


def check_archive(path: Path) -> list[zipfile.ZipInfo]:
    """Return the files in a zip, none where it is none; LayerError when they are too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return []
    _check_unpacked(path, sum(each.file_size for each in members))
    return members


def _check_unpacked(path: Path, size: int) -> None:
    packed = path.stat().st_size
    if size > min(BUDGET.unpacked, max(BUDGET.packed_free, BUDGET.packed_times * packed)):
        limit = Message(
            "{packed} ko compressés donnent plus de {unpacked} Mo",
            packed=-(-packed >> 10),
            unpacked=max(1, size >> 20),
        )
        raise too_much(path, limit)


class _Within(io.RawIOBase):
    """The content of a file, refused where it is more, or has a longer line, than it may."""

    def __init__(self, inner: IO[bytes], path: Path, *, packed: bool, line: int) -> None:
        self.inner, self.path, self.packed, self.line = inner, path, packed, line
        self.given = self.run = 0

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; LayerError over the budget."""
        size = cast("io.BufferedReader", self.inner).readinto(buffer)
        self.given += size
        if self.packed:
            _check_unpacked(self.path, self.given)
        if self.line:
            block = bytes(buffer[:size])
            last = max(block.rfind(b"\n"), block.rfind(b"\r"))
            self.run = self.run + size if last < 0 else size - last - 1
            check_size(self.path, self.run, self.line)
        return size

    def close(self) -> None:
        """Close the file too."""
        self.inner.close()
        super().close()


#: Endings of the texts that are read out of a zip.
TEXTS = (".csv", ".tsv", ".txt", ".json", ".geojson", ".js", ".xml")
_LINES = 1 << 20


def open_bytes(path: Path, *, line: int = 0) -> IO[bytes]:
    """Open a file for reading, decompressed when it is bzip2, gzip or a zip of texts (told by its
    first bytes, not its name), within its budget; no line is longer than `line` bytes, unless 0.

    Raises
    ------
    LayerError
        When there is no such file, or, as it is read, when it is over its budget.
    """
    with absence_refused(path):
        with path.open("rb") as file:
            head = file.read(4)
        inner, packed = _unpacked(path, head)
        return io.BufferedReader(_Within(inner, path, packed=packed, line=line), _LINES)


@contextmanager
def absence_refused(path: Path) -> Iterator[None]:
    """Say in one sentence that a file is not there, or cannot be opened."""
    with (
        refused(OSError, say=lambda error: f"{path} : fichier illisible ({error.strerror})."),
        refused(
            FileNotFoundError,
            say=lambda error: f"{path} : fichier introuvable ; vérifiez le chemin.",
        ),
    ):
        yield


def _unpacked(path: Path, head: bytes) -> tuple[IO[bytes], bool]:
    if head[:3] == b"BZh":
        return cast("IO[bytes]", bz2.open(path, "rb")), True
    if head[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.open(path, "rb")), True
    texts = texts_of(path) if head == b"PK\x03\x04" else []
    if not texts:
        return path.open("rb"), False
    with (
        refused(
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            say=lambda error: _(
                "{path} : « {member} » ne peut pas être décompressé ({error}) ; décompressez-le "
                "vous-même.",
                path=path,
                member=texts[0],
                error=error,
            ),
        ),
        zipfile.ZipFile(path) as archive,  # the member keeps the file open after it
    ):
        return archive.open(texts[0]), True


def texts_of(path: Path) -> list[str]:
    """Return the texts in a zip, the largest first; none in a workbook or beside a shapefile."""
    members = check_archive(path)
    names = [each.filename.lower() for each in members]
    if "[content_types].xml" in names or any(name.endswith(".shp") for name in names):
        return []
    texts = [
        each
        for each in members
        if each.filename.lower().endswith(TEXTS) and not each.filename.startswith("__MACOSX/")
    ]
    return [each.filename for each in sorted(texts, key=lambda each: -each.file_size)]


def leads_out(file: Path, folder: Path) -> bool:
    """Return whether a file, or one that goes with it, is a link to what is not in a folder."""
    home = Path(os.path.realpath(folder))
    return not all(
        Path(os.path.realpath(part)).is_relative_to(home) for part in (file, *parts_of(file))
    )


def toml_text(document: Mapping[str, Any]) -> str:
    """Return a document as TOML: its values, then its tables, in their order; what a list holds in a
    line. A text is between double quotes, as JSON writes it.
    """
    return "\n\n".join(_toml_tables(document, ())) + "\n"


def _toml_tables(table: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    inside = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in table.items()
             if key not in inside]  # fmt: skip
    if lines or not inside:
        head = [f"[{'.'.join(map(_toml_key, place))}]"] if place else []
        yield "\n".join([*head, *lines])
    for key, value in inside.items():
        yield from _toml_tables(value, (*place, key))


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml_value(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        told = ", ".join(f"{_toml_key(key)} = {_toml_value(one)}" for key, one in value.items())
        return f"{{ {told} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    # JSON leaves U+007F as it is, which TOML does not take.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_toml(path: Path, *, kind: type[GeoguichetError] = FileError) -> dict[str, Any]:
    """Return the document of a TOML file.

    Raises
    ------
    FileNotFoundError
    kind
        It cannot be read, or is not TOML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(BUDGET.line + 1)
        check_size(path, len(content), BUDGET.line)
        return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        told = Message(
            "{file} : fichier illisible ({error}) ; un fichier texte TOML en UTF-8 est attendu.",
            file=path,
            error=error,
        )
        raise kind(told) from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError
        told = Message(
            "{file} : ce n'est pas du TOML valide ({error}) ; corrigez la ligne indiquée.",
            file=path,
            error=error,
        )
        raise kind(told) from error


def sha256(*paths: Path) -> str:
    """Return the SHA-256 digest of the content of files one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file's content, with that of the files that go with a shapefile."""
    parts = [(part, part.stat()) for part in parts_of(file)]
    return _digest(tuple((part, status.st_size, status.st_mtime_ns) for part, status in parts))


# Read files once however many layers ask; their sizes and times are there to tell them from what
# they were.
@lru_cache(maxsize=8)
def _digest(parts: tuple[tuple[Path, int, int], ...]) -> str:
    return sha256(*(part for part, _, _ in parts))


def parts_of(file: Path) -> list[Path]:
    """Return the files that make a dataset: a shapefile is several; a sidecar counts too."""
    endings = (
        (".shp", ".dbf", ".shx", ".prj", ".cpg")
        if file.suffix.lower() == ".shp"
        else (file.suffix,)
    )
    found = [file.with_suffix(ending) for ending in endings]
    return [part for part in (*found, *sidecars_of(file)) if part.is_file()]


def sidecars_of(file: Path) -> list[Path]:
    """Return the metadata files that may stand beside a dataset."""
    return [Path(f"{file}.xml"), file.with_suffix(".xml"), file.with_suffix(".qmd")]


# The tables of the SQLite files that we keep, by version: a file of an earlier one is brought up to this
# one, a file of a later one is refused. The version stands in the file (``PRAGMA user_version``). Steps
# go forward alone, from each version to the next, all of them in one transaction, after a copy of the
# file as it was, which is kept beside it (``people.sqlite.v1``).

type Step = Callable[[sqlite3.Connection], None]


def nothing(_database: sqlite3.Connection) -> None:
    """Change nothing: the version alone was not written."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one kind of file."""

    #: What they are called where another file is refused: « un catalogue Géoguichet ».
    what: Message
    #: The script that makes them.
    tables: str
    #: By version, what brings a file to the next one; version 0 is of a file that tells none.
    steps: Mapping[int, Step]
    refusal: type[GeoguichetError]
    #: Puts into new tables what they hold from the start.
    fill: Step = nothing
    #: What the file says it is of (``PRAGMA application_id``), 0 for nothing.
    application: int = 0
    #: The version of the tables.
    version: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", max(self.steps, default=0) + 1)

    def is_current(self, database: sqlite3.Connection, path: Path) -> bool:
        """Say whether a file has the tables of this version; not when it is new, or of an earlier
        one. One of a later version, or whose tables are others, is refused.
        """
        version, held = state(database)
        if version > self.version:
            told = _(
                "{path} vient d'une version plus récente de Géoguichet (tables {version}, {here} au "
                "plus ici) : mettez ce programme à jour, ou rétablissez une sauvegarde.",
                path=path,
                version=version,
                here=self.version,
            )
            raise self.refusal(told)
        (application,) = database.execute("PRAGMA application_id").fetchone()
        is_other = application != self.application or version not in {*self.steps, self.version}
        if held and is_other:
            raise self.refusal(_("{path} n'est pas {what}.", path=path, what=self.what))
        return version == self.version

    def prepare(self, database: sqlite3.Connection, path: Path) -> None:
        """Make the tables of a new file, or bring those of an earlier version up to this one: all of
        it is done, or nothing.
        """
        if self.is_current(database, path):
            return
        database.execute("BEGIN IMMEDIATE")
        try:
            if not self.is_current(database, path):  # no other process did it meanwhile
                self._bring_up(database, path)
            database.execute("COMMIT")
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")

    def make(self, database: sqlite3.Connection) -> None:
        """Make the tables in an empty database."""
        run(database, self.tables)
        self.fill(database)
        database.execute(f"PRAGMA application_id = {self.application}")
        database.execute(f"PRAGMA user_version = {self.version}")

    def _bring_up(self, database: sqlite3.Connection, path: Path) -> None:
        version, held = state(database)
        if not held:
            self.make(database)
            return
        steps = [self.steps[number] for number in range(version, self.version)]
        try:
            if any(step is not nothing for step in steps):
                _keep_copy(path, version)
        except OSError as error:
            told = _(
                "{path} ne peut pas être gardé tel qu'il est avant sa mise à niveau ({why}) ; rien "
                "n'a été changé.",
                path=path,
                why=error.strerror,
            )
            raise self.refusal(told) from error
        for step in steps:
            step(database)
        with closing(sqlite3.connect(":memory:")) as empty:
            self.make(empty)
            wanted = _columns(empty)
        found = _columns(database)
        for table, columns in wanted.items():
            if missing := columns - found.get(table, set()):
                told = _(
                    "{path} n'est pas {what} : {column} manque à sa table {table} ; rien n'a été "
                    "changé.",
                    path=path,
                    what=self.what,
                    column=min(missing),
                    table=table,
                )
                raise self.refusal(told)
        database.execute(f"PRAGMA user_version = {self.version}")


def state(database: sqlite3.Connection) -> tuple[int, int]:
    """Return the version that a file tells, 0 when it tells none, and how many tables and indexes it
    holds.

    Both in one statement, so of one moment: another process may be making them.
    """
    version, held = database.execute(
        "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
    ).fetchone()
    return int(version), int(held)


def run(database: sqlite3.Connection, *scripts: str) -> None:
    """Run the statements of scripts inside the transaction that is open (`executescript` would end
    it).
    """
    statement = ""
    for line in "\n".join(f"{script};" for script in scripts).splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""


def copies(path: Path) -> list[Path]:
    """Return the copies of a file that were kept before it was brought up."""
    return sorted(path.parent.glob(f"{path.name}.v[0-9]*"))


# Keep a file as it is, from a transaction that lets nobody write it meanwhile.
def _keep_copy(path: Path, version: int) -> None:
    with whole(path.with_name(f"{path.name}.v{version}")) as draft:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        address = f"{path.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True)) as held,
            closing(sqlite3.connect(draft)) as copy,
        ):
            held.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # no companion that could be left behind
        shutil.copymode(path, draft)


def _columns(database: sqlite3.Connection) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for table, column in database.execute(
        "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table'"
    ):
        told.setdefault(table, set()).add(column)
    return told
