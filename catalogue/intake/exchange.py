"""Records in from files and out to files: what `catalogue import` and `export` do. The documents
they came from are kept, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sqlite3
import unicodedata
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from geoguichet.catalogue.errors import (
    BoundError,
    CatalogueError,
    FormatError,
    RecordError,
    RecordNotFoundError,
    StoreError,
)
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.links import with_whole_links
from geoguichet.catalogue.formats.registry import Described
from geoguichet.catalogue.record import Extent, Record, bounded, digest_of
from geoguichet.catalogue.search.contract import RecordStore
from geoguichet.catalogue.search.query import RecordQuery, SortKey
from geoguichet.catalogue.search.store import SQLiteStore, store_path
from geoguichet.catalogue.search.tables import Indexed, LoadSummary, indexed
from geoguichet.catalogue.text import words
from geoguichet.floor.files import Schema, nothing, read_toml, write_whole
from geoguichet.floor.findings import Finding
from geoguichet.floor.viewer import MACHINE, Viewer
from geoguichet.floor.words import Message
from geoguichet.referentials import directory

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

    from geoguichet.floor.region import Limits

# The documents that records came from, kept beside the store and given back byte for byte. A
# document stands for its record as long as the record still says what was read in it; once the
# record is edited, the document is what the edited record is written into (`formats.rewrite`).


SCHEMA = Schema(
    Message("un fichier de documents d'origine"),
    """
CREATE TABLE original (
  id TEXT PRIMARY KEY, format TEXT NOT NULL, address TEXT NOT NULL, digest TEXT NOT NULL, document BLOB NOT NULL
) WITHOUT ROWID;
""",
    steps={0: nothing},
    refusal=StoreError,
)

#: Of compression, the level (half the time of the usual 6, for documents an eighth larger) and the
#: sizes, as powers of two, of what is looked back at and of its table: a document is short, and a
#: fifth of the time was to clear theirs.
_LEVEL, _WINDOW, _TABLE = 3, 14, 6


def _compressed(document: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _TABLE)
    return packer.compress(document) + packer.flush()


@dataclass(frozen=True, slots=True)
class Original:
    """One kept document: its format, where it came from, its bytes, and the digest of the record
    read in it.
    """

    format: str
    address: str
    digest: str
    document: bytes


class KeptDocument(NamedTuple):
    """The row of a kept document."""

    id: str
    format: str
    address: str
    digest: str
    packed: bytes

    @classmethod
    def of(cls, item: Described, address: str, digest: str) -> Self:
        """Return that of a record of this digest, read there."""
        return cls(item.record.id, item.format, address, digest, _compressed(item.source))


def originals_path(workspace: str | Path) -> Path:
    """Return where a workspace keeps the documents of its records."""
    return Path(workspace, "originals.sqlite")


class Originals:
    """Kept documents, in one SQLite file. Constructing it touches nothing; the first document makes
    the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, documents: Iterable[KeptDocument]) -> None:
        """Keep the documents of records, all of them or none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            SCHEMA.prepare(database, self.path)
            database.executemany(
                "INSERT OR REPLACE INTO original VALUES (?, ?, ?, ?, ?)", documents
            )

    def get(self, identifier: str) -> Original | None:
        """Return the document of a record; None when it was not read from one."""
        if not self.path.exists():
            return None
        with self._open() as database:
            row = database.execute(
                "SELECT format, address, digest, document FROM original WHERE id = ?", (identifier,)
            ).fetchone()
        return None if row is None else Original(row[0], row[1], row[2], zlib.decompress(row[3]))

    def addresses(self, identifiers: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return where the documents of records came from and the digests of what was read in
        them, by identifier.
        """
        if not self.path.exists():
            return {}
        query = "SELECT address, digest FROM original WHERE id = ?"
        with self._open() as database:
            found = {one: database.execute(query, (one,)).fetchone() for one in identifiers}
        return {one: (row[0], row[1]) for one, row in found.items() if row}

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
        return (
            original.document
            if original.digest == record.digest()
            else registry.rewrite(record, form, original.document, base=base)
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self.path, timeout=30)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : ouverture impossible ({error}).") from error
        try:
            SCHEMA.is_current(database, self.path)
            with database:
                yield database
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} : documents d'origine illisibles ({error}).") from error
        finally:
            database.close()


#: Not a format: the document that a record came from, whatever its format, byte for byte.
ORIGINAL = "original"

#: Bytes above which a metadata file is refused unread.
LARGEST_FILE = 64 * 1024 * 1024

_ENDINGS = (".xml", ".rdf", ".ttl", ".n3", ".json", ".jsonld", ".geojson", ".yml", ".yaml")


#: Called with how many files are read, and of how many.
type OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, in records, and what it could not read."""

    summary: LoadSummary
    findings: tuple[Finding, ...]


def metadata_files(path: Path) -> list[Path]:
    """Return the metadata files under a folder in the order of their names; the file itself when it
    is one.
    """
    if not path.exists():
        raise CatalogueError(
            f"{path} n'existe pas ; un fichier ou un dossier de fiches est attendu."
        )
    if path.is_file():
        return [path]
    files = (
        Path(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if name.lower().endswith(_ENDINGS)
    )
    found = sorted(filter(Path.is_file, files), key=Path.as_posix)
    if not found:
        raise CatalogueError(
            f"{path} ne contient aucun fichier de fiche ({', '.join(_ENDINGS)}) ; donnez le "
            "fichier lui-même, ou le "
            "dossier où les archives sont ouvertes."
        )
    return found


def _answer(file: Path) -> registry.Answer:
    try:
        with file.open("rb", buffering=0) as opened:
            size = os.fstat(opened.fileno()).st_size
            document = opened.read() if size <= LARGEST_FILE else b""
        if size > LARGEST_FILE:
            message = (
                f"{size // 1024**2} Mo : une fiche ne dépasse pas {LARGEST_FILE // 1024**2} Mo."
            )
            return registry.Answer((), (Finding("too-large", str(file), "", message, "error"),))
        return registry.read_document(document, address=str(file))
    except OSError as error:
        return registry.Answer(
            (),
            (
                Finding(
                    "unreadable", str(file), "", f"fichier illisible ({error.strerror}).", "error"
                ),
            ),
        )


def import_files(
    path: str | Path,
    workspace: str | Path,
    *,
    by: str = "import",
    on_progress: OnProgress = lambda _done, _total: None,
) -> Imported:
    """Put every record of a file or folder in the catalogue, and keep the documents they came
    from.

    Of two records of one identifier the first stays, and the second is told; so is a record that
    takes the place of one read elsewhere before, and one far from the region that it names.

    Parameters
    ----------
    path, workspace
        The file or folder of metadata, of any known format; the folder of the catalogue, made where
        it is not.
    by
        Who is told to have written, in the history of each record.
    on_progress
        Called with how many files are read, and of how many.

    Returns
    -------
    Imported
        How many records are new, changed and unchanged, and the findings: what cannot be read is
        one of them.

    Raises
    ------
    CatalogueError
        There is no such file or folder, or the workspace cannot be written.

    Examples
    --------
    After the example of :func:`~geoguichet.Record`:

    >>> from pathlib import Path
    >>> Path("bus.json").write_bytes(record.to_bytes()) > 0
    True
    >>> import_files("bus.json", "catalogue").summary
    LoadSummary(created=1, updated=0, unchanged=0)
    """
    findings: list[Finding] = []
    counts = [0, 0, 0]
    originals = Originals(originals_path(workspace))
    with (
        SQLiteStore(store_path(workspace)) as store,
        closing(_read_all(metadata_files(Path(path)), store.limits, findings, on_progress)) as read,
    ):
        for batch in batched(_first_of_each(read, findings), 500):
            findings += _replacing(batch, originals)
            done = store.load((one.ready for one in batch if one.ready), by=by)
            originals.keep(one.kept for one in batch if one.ready)
            findings += (finding for one in batch for finding in one.findings)
            counts = [
                sum(pair)
                for pair in zip(counts, (done.created, done.updated, done.unchanged), strict=True)
            ]
    return Imported(LoadSummary(*counts), tuple(findings))


class Prepared(NamedTuple):
    """A record that was read, as the catalogue and the documents take it: all that another process
    can work out.
    """

    title: str
    #: Stands for its document.
    source: int
    kept: KeptDocument
    #: None when it is refused.
    ready: tuple[Indexed, bytes] | None
    #: What is to be told of it; why it is refused.
    findings: tuple[Finding, ...]


def prepared(item: Described, address: str, limits: Limits) -> Prepared:
    """Return what is stored of a record that was read at an address, checked."""
    record = item.record
    document, ready = record.to_geojson(), None
    try:
        body = bounded(record, limits, document)
        ready, findings = (indexed(record), body), tuple(_elsewhere(record, address))
    except RecordError as error:
        findings = (refusal(record, error, address),)
    kept = KeptDocument.of(item, address, digest_of(document) if ready else "")
    return Prepared(record.title, hash(item.source), kept, ready, findings)


#: What a file holds: its records, and what in it could not be read.
type _Held = tuple[list[Prepared], tuple[Finding, ...]]


def _read_files(files: Iterable[Path], limits: Limits) -> list[_Held]:
    answers = [(file.absolute().as_uri(), _answer(file)) for file in files]
    return [
        ([prepared(item, address, limits) for item in answer.described], answer.findings)
        for address, answer in answers
    ]


# Yield the records of files in their order, and tell what could not be read. Many files are read by
# processes beside this one, as many as cores have nothing to do (on a busy machine it only takes
# longer), and where it has one thread: nothing else is then at work that a fork would leave half done.
def _read_all(
    files: list[Path], limits: Limits, findings: list[Finding], on_progress: OnProgress
) -> Generator[Prepared]:
    cores = len(os.sched_getaffinity(0)) - int(os.getloadavg()[0]) if _THREADS.exists() else 1
    alone = cores > 1 and sum(1 for _ in _THREADS.iterdir()) == 1
    held = (
        _read_beside(files, limits, cores)
        if alone and len(files) >= _MANY
        else (one for file in files for one in _read_files([file], limits))
    )
    with closing(held):
        for number, (records, told) in enumerate(held, start=1):
            on_progress(number, len(files))
            findings += told
            yield from records


#: Where Linux lists the threads of a process.
_THREADS = Path("/proc/self/task")
#: Files that are worth starting processes for, and those that one is given at a time.
_MANY, _AT_A_TIME = 200, 20


# Each process has a pipe of its own: one that is killed, even as it writes, ends it. (A pool's processes
# share one, which its other ends keep open: who reads half an answer would wait for ever.)
def _read_beside(files: list[Path], limits: Limits, cores: int) -> Generator[_Held]:
    from multiprocessing import get_context

    context = get_context("fork")
    shares = [*batched(files, _AT_A_TIME)]
    readers: list[tuple[ForkProcess, Connection]] = []
    try:
        for number in range(cores):
            heard, says = context.Pipe(duplex=False)
            given = shares[number::cores], limits, says
            reader = context.Process(target=_read_shares, args=given, daemon=True)
            reader.start()
            says.close()
            readers.append((reader, heard))
        for number in range(len(shares)):
            yield from _heard(readers[number % cores][1])
    finally:
        for reader, heard in readers:
            heard.close()
            reader.kill()
            reader.join()


def _heard(reader: Connection) -> list[_Held]:
    try:
        held: list[_Held] = reader.recv()
    except (EOFError, OSError) as error:
        told = Message(
            "un des processus qui lisaient les fichiers s'est arrêté (mémoire ?) ; importez-les "
            "en plusieurs fois."
        )
        raise CatalogueError(told) from error
    return held


# An interruption is the business of who writes; a reader ends with it, even killed.
def _read_shares(shares: list[tuple[Path, ...]], limits: Limits, says: Connection) -> None:
    from geoguichet.floor.processes import end_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    for some in shares:
        says.send(_read_files(some, limits))


type Box = tuple[float, float, float, float]


# Return the box of the départements of each region, since 2016 and before, by its name as
# `text.words` writes it.
def _regions() -> Iterator[tuple[str, Box]]:
    told = read_toml(Path(*directory.__path__) / "departements.toml")
    for name, codes in (*told["regions"].items(), *told["former_regions"].values()):
        west, south, east, north = zip(*(told["boxes"][code] for code in codes), strict=True)
        yield " ".join(words(name)), (min(west), min(south), max(east), max(north))


REGIONS: Mapping[str, Box] = dict(_regions())
_REGION = re.compile(rf"\b(?:{'|'.join(sorted(REGIONS, key=len, reverse=True))})\b")
#: Degrees around a region that may still be its own: a sea, a neighbour's border.
_AROUND = 1.0


# Yield a finding where a record lies in none of the regions that its keywords, its organisations or
# its places name.
def _elsewhere(record: Record, address: str) -> Iterator[Finding]:
    box = record.extent
    named = _regions_of(record) if box else set()
    if box and named and not any(box.intersects(_around(region)) for region in named):
        sides = ", ".join(f"{side:g}" for side in (box.west, box.south, box.east, box.north))
        message = Message(
            "l'emprise ({box}) est loin de « {regions} », que nomment les mots-clés, les "
            "organismes ou les lieux de la fiche.",
            box=sides,
            regions=", ".join(sorted(named)),
        )
        yield Finding("elsewhere", address, record.id, message)


def _regions_of(record: Record) -> set[str]:
    listed = record.extra_properties.get("places")
    places = [one.get("code") for one in listed if isinstance(one, dict)] if listed else []
    texts = [*record.keywords, *(contact.organization for contact in record.contacts), *places]
    return {name for text in texts if text and len(text) < 200 for name in _regions_in(text)}


# Texts of few words, which many records share.
@lru_cache(maxsize=1 << 14)
def _regions_in(text: str) -> tuple[str, ...]:
    return tuple(_REGION.findall(" ".join(words(text))))


def _around(region: str) -> Extent:
    west, south, east, north = REGIONS[region]
    return Extent(west - _AROUND, south - _AROUND, east + _AROUND, north + _AROUND)


def refusal(record: Record, error: RecordError, address: str) -> Finding:
    """Return why a record that was read there is not stored."""
    rule = "too-large" if isinstance(error, BoundError) else "unwritable"
    return Finding(rule, address, record.id, error.args[0], "error")


# Yield the first record of each identifier; tell the others, but those that say the same, byte for
# byte.
def _first_of_each(read: Iterable[Prepared], findings: list[Finding]) -> Iterator[Prepared]:
    taken: dict[str, tuple[str, int]] = {}
    for one in read:
        kept = one.kept
        if kept.id not in taken:
            taken[kept.id] = kept.address, one.source
            yield one
        elif taken[kept.id][1] != one.source:
            message = Message(
                "deux fiches ont l'identifiant « {id} » ; celle de {first} est gardée, celle-ci "
                "(« {title} ») ne l'est pas : donnez-lui un identifiant à elle.",
                id=kept.id,
                first=taken[kept.id][0],
                title=one.title,
            )
            findings.append(Finding("duplicate-id", kept.address, kept.id, message))


# Tell the records that say something else than a record of the same identifier read elsewhere.
def _replacing(batch: Iterable[Prepared], originals: Originals) -> Iterator[Finding]:
    read = {one.kept.id: one.kept for one in batch if one.ready}
    for identifier, (before, said) in originals.addresses(read).items():
        kept = read[identifier]
        if kept.address != before and kept.digest != said:
            message = Message(
                "remplace la fiche « {id} » qui avait été lue dans {before} ; l'histoire de la "
                "fiche garde ce qu'elle disait.",
                id=identifier,
                before=before,
            )
            yield Finding("replaced", kept.address, identifier, message)


def every_record(
    store: RecordStore, identifiers: Iterable[str] = (), *, viewer: Viewer
) -> Iterator[Record]:
    """Yield the records asked for, or all that the viewer sees in the order of their identifiers."""
    wanted = list(identifiers)
    if wanted:
        yield from (store.get(identifier, viewer=viewer) for identifier in wanted)
        return
    offset, order = 0, (SortKey("id"),)
    while page := store.search(
        RecordQuery(sortby=order, limit=500, offset=offset), viewer=viewer
    ).records:
        yield from page
        offset += len(page)


def export_one(identifier: str, workspace: Path, form: str, *, url: str = "") -> bytes:
    """Return one record in a format: its own document when that still says it, or nothing else
    (``original``). Its relative links begin with ``url``, where the portal is.
    """
    with SQLiteStore(store_path(workspace)) as store:
        originals = Originals(originals_path(workspace))
        return (
            originals.document(store.get(identifier, viewer=MACHINE))
            if form == ORIGINAL
            else originals.export(
                with_whole_links(store.get(identifier, viewer=MACHINE), url), _known(form)
            )
        )


def export_all(
    workspace: str | Path, form: str, folder: str | Path, *, url: str = ""
) -> list[Path]:
    """Write every record of a ``workspace`` to a ``folder``, in a ``form`` (``iso19139``, ``dcat-ap``,
    ``csv`` ...): one catalogue for DCAT, one table for CSV, else one file a record; return the files
    written. Relative links begin with ``url``, where the portal is.

    Raises
    ------
    FormatError
        Nothing is written in a form of that name.
    RecordNotFoundError
        The catalogue is empty.
    FileError
        A file cannot be written.

    Examples
    --------
    After the example of :func:`~geoguichet.import_files`:

    >>> [file.as_posix() for file in export_all("catalogue", "iso19139", "iso")]
    ['iso/bus.xml']
    """
    written = registry.WRITERS[_known(form)]
    with SQLiteStore(store_path(workspace)) as store:
        if written.together and written.one_file:
            target = Path(folder, f"catalogue.{written.suffix}")
            titles = {"title": "Catalogue géographique", "publisher": "Géoguichet"}
            records = (
                with_whole_links(record, url) for record in every_record(store, viewer=MACHINE)
            )
            write_whole(target, written.together(records, **titles))
            return [target]
        originals = Originals(originals_path(workspace))
        targets: dict[str, Path] = {}
        for record in every_record(store, viewer=MACHINE):
            stem = _file_name(record.id)
            if _folded(stem) in targets:  # two names are one where case or accents do not count
                stem = _shortened(stem, record.id)
            target = targets[_folded(stem)] = Path(folder, f"{stem}.{written.suffix}")
            write_whole(target, originals.export(with_whole_links(record, url), form))
    if not targets:
        raise RecordNotFoundError("Le catalogue est vide : il n'y a rien à exporter.")
    return list(targets.values())


def _known(form: str) -> str:
    if form not in registry.WRITERS:
        raise FormatError(
            f"format : « {form} » est inconnu ; attendu {', '.join(registry.WRITERS)}, {ORIGINAL}."
        )
    return form


#: Bytes of a file name that is written whole; file systems take 255, with the ending.
_LONGEST_NAME = 180


# Return a file name that no identifier can lead out of the folder, and no two identifiers share.
def _file_name(identifier: str) -> str:
    safe = "".join(
        letter
        if letter.isalnum() or letter in "-_" or (letter == "." and at)
        else "".join(f"%{byte:02x}" for byte in letter.encode())
        for at, letter in enumerate(identifier)
    )
    return safe if 0 < len(safe.encode()) <= _LONGEST_NAME else _shortened(safe, identifier)


# Return the beginning of a name, then what tells its identifier from others; no name written whole
# has a tilde.
def _shortened(name: str, identifier: str) -> str:
    start = name.encode()[: _LONGEST_NAME - 17].decode(errors="ignore") or "fiche"
    return f"{start}~{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
