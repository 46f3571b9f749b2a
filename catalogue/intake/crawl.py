"""A folder of data turned into records, again and again: only what changed is read anew, what moved
keeps its record.

A file is known by its size and time, then by the digest of its content: a touched file is not read
again, a moved or renamed one is recognised, an edited one keeps its record's identifier. A layer
that is published already gets no second record: its own is filled in (decision 036). A record tells
where its file is in the folder, never where on the machine.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from geoguichet.catalogue.errors import (
    CatalogueError,
    DatasetError,
    RecordNotFoundError,
    StoreError,
)
from geoguichet.catalogue.formats.mapping import with_members
from geoguichet.catalogue.intake.drafts.dataset import (
    SUFFIXES,
    media_type,
    read_datasets,
    sidecar_findings,
)
from geoguichet.catalogue.intake.drafts.draft import layer_of
from geoguichet.catalogue.intake.exchange import refusal
from geoguichet.catalogue.record import CONTENT, Link, Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore, store_path, with_edits
from geoguichet.floor.files import Schema, digest_of, leads_out, nothing, parts_of
from geoguichet.floor.findings import Finding
from geoguichet.floor.viewer import MACHINE
from geoguichet.floor.words import Message

SCHEMA = Schema(
    Message("un registre de fichiers décrits"),
    """
CREATE TABLE file (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, digest TEXT NOT NULL, ids TEXT NOT NULL
) WITHOUT ROWID;
""",
    steps={0: nothing},
    refusal=StoreError,
)


#: Called before each file with how many are done, of how many, and its name.
type OnProgress = Callable[[int, int, str], None]


@dataclass(slots=True)
class Crawled:
    """What a crawl did, in datasets, and what it noticed."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    moved: int = 0
    #: Those that had a record already, of another hand than a crawl's.
    published: int = 0
    findings: list[Finding] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            name: getattr(self, name)
            for name in ("read", "created", "updated", "unchanged", "moved", "published")
        }


@dataclass(frozen=True, slots=True)
class _Known:
    path: str
    size: int
    changed: int
    digest: str
    ids: tuple[str, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Folder:
    """What is crawled, and the address where others find it (empty when they do not)."""

    path: Path
    url: str


def crawl(
    folder: str | Path,
    workspace: str | Path,
    *,
    url: str = "",
    on_progress: OnProgress = lambda _done, _total, _file: None,
) -> Crawled:
    """Describe every dataset under a folder in the catalogue; a file that cannot be read is one
    finding.

    Parameters
    ----------
    folder, workspace
        What is read, with all that is under it; the folder of the catalogue, made where it is not.
    url
        The address where the folder is served: with one, every file is read and its record links to
        it.
    on_progress
        Called before each file with how many are done, of how many, and its name.

    Returns
    -------
    Crawled
        How many files were read, how many records are new, changed and gone, and the findings.

    Raises
    ------
    CatalogueError
        The folder is not there.

    Examples
    --------
    After the example of :func:`~geoguichet.white_zones`:

    >>> found.to_file("donnees/zones.gpkg").name
    'zones.gpkg'
    >>> crawl("donnees", "workspace").counts()["created"]  # zones, people, counters
    3
    """
    folder, workspace = Path(folder), Path(workspace)
    if not folder.is_dir():
        raise CatalogueError(f"{folder} : un dossier existant est attendu.")
    done = Crawled()
    with _ledger(workspace) as ledger, SQLiteStore(store_path(workspace)) as store:
        rows = ledger.execute("SELECT path, size, changed, digest, ids FROM file")
        known = {row[0]: _Known(row[0], row[1], row[2], row[3], *_noted(row[4])) for row in rows}
        files = list(_files(folder, workspace))
        missing: dict[str, list[_Known]] = {}
        for path, item in known.items():
            if not os.path.lexists(path):
                missing.setdefault(item.digest, []).append(item)
        done.findings += _passed_over(folder, workspace, files)
        for number, file in enumerate(files):
            on_progress(number, len(files), file.name)
            _one(file, _Folder(folder.absolute(), url), known, missing, ledger, store, done)
        for item in chain.from_iterable(missing.values()):
            if Path(item.path).is_relative_to(folder.absolute()):
                done.findings.append(
                    Finding(
                        "gone",
                        item.path,
                        "",
                        "ce fichier n'est plus là ; sa fiche est gardée.",
                        "info",
                    )
                )
    return done


def described_files(workspace: Path) -> list[str]:
    """Return the identifiers of the records that crawls made."""
    if not (workspace / "crawl.sqlite").exists():
        return []
    with _ledger(workspace) as ledger:
        return [
            identifier
            for (told,) in ledger.execute("SELECT ids FROM file")
            for identifier in _noted(told)[0]
        ]


# Yield the data files under a folder in order, the workspace itself and links that lead out of the
# folder left out.
def _files(folder: Path, workspace: Path) -> Iterator[Path]:
    ours = workspace.absolute()
    for file in sorted(folder.absolute().rglob("*")):
        if (
            file.suffix.lower() in SUFFIXES
            and file.is_file()
            and not file.is_relative_to(ours)
            and not leads_out(file, folder)
        ):
            yield file


#: Suffixes of what is no data: words, programs, what machines keep.
_NO_DATA = frozenset(
    {"", ".md", ".txt", ".pdf", ".doc", ".docx", ".odt", ".html", ".htm", ".py", ".toml", ".ini"}
    | {".qgz", ".qgs", ".qml", ".qmd", ".sld", ".lyr", ".png", ".jpg", ".jpeg", ".svg", ".db"}
)


# Report the files that are no part of a dataset that is read, each with what to do.
def _passed_over(folder: Path, workspace: Path, files: list[Path]) -> Iterator[Finding]:
    ours = workspace.absolute()
    read = {part for file in files for part in parts_of(file)}
    stems = {file.with_suffix("") for file in files}
    for file in sorted(folder.absolute().rglob("*")):
        suffix = file.suffix.lower()
        if file.is_symlink() and leads_out(file, folder):
            told = Message(
                "{name} n'est pas lu : c'est un lien vers ce qui n'est pas dans ce dossier.",
                name=file.name,
            )
            yield Finding("passed-over", str(file), "", told, "warning")
            continue
        if (
            file.is_dir()
            or file in read
            or suffix in _NO_DATA
            or file.name.startswith(".")
            or file.is_relative_to(ours)
            or (suffix in _BESIDE and file.with_suffix("") in stems)
        ):
            continue
        packed = suffix in {".gz", ".bz2", ".zip", ".7z", ".rar", ".tar"}
        message = (
            Message("{name} n'est pas lu ({suffix}) : décompressez-le à côté.")
            if packed
            else Message("{name} n'est pas lu ({suffix}) : aucune fiche n'en est faite.")
        )
        told = message.given(name=file.name, suffix=suffix)
        yield Finding("passed-over", str(file), "", told, "info")


#: Suffixes of what stands beside a file and says more of it.
_BESIDE = frozenset(
    {".cpg", ".prj", ".dbf", ".shx", ".sbn", ".sbx", ".qpj", ".xml", ".csvt", ".vrt", ".tfw"}
    | {".ovr", ".aux", ".wkt", ".json"}
)


# Take one file: known and untouched, touched but the same, moved, changed, or new.
def _one(
    file: Path,
    folder: _Folder,
    known: dict[str, _Known],
    missing: dict[str, list[_Known]],
    ledger: sqlite3.Connection,
    store: SQLiteStore,
    done: Crawled,
) -> None:
    before = known.get(str(file))
    try:
        seen = _seen(file)
        if before and (before.size, before.changed) == seen and not folder.url:
            done.read += len(before.ids)
            done.unchanged += len(before.ids)
            return
        digest = digest_of(file)
        moved = missing[digest].pop() if before is None and missing.get(digest) else None
        if before and before.digest == digest and not folder.url:
            done.read += len(before.ids)
            done.unchanged += len(before.ids)
            _note(ledger, replace(before, size=seen[0], changed=seen[1]))
            return
        taken = {
            identifier
            for item in known.values()
            if item.path != str(file)
            for identifier in item.ids
        }
        drafts = [_located(record, file, folder) for record in read_datasets(file)]
        records, left = _with_identifiers(drafts, before or moved, file, taken)
        done.findings += sidecar_findings(file)
    except (DatasetError, OSError) as error:
        reason = str(error).removeprefix(f"{file.name} : ")
        done.findings.append(Finding("unreadable", str(file), "", reason, "error"))
        return
    if moved:
        ledger.execute("DELETE FROM file WHERE path = ?", (moved.path,))
        done.moved += len(records)
    if not records:
        done.findings.append(
            Finding(
                "no-place", str(file), "", "aucune couche géographique dans ce fichier.", "info"
            )
        )
    done.findings += [
        Finding(
            "gone",
            str(file),
            identifier,
            "cette couche n'est plus dans le fichier ; sa fiche est gardée.",
            "info",
        )
        for identifier in left
    ]
    crawled = taken | {record.id for record in records}
    published = [_published(record, store, crawled) for record in records]
    summary = store.bulk_upsert(
        [_filled(theirs, record) if theirs else with_edits(record, store, by="crawl")
         for theirs, record in zip(published, records, strict=True)],
        by="crawl",
        refused=lambda record, error: done.findings.append(refusal(record, error, str(file))),
    )  # fmt: skip
    done.published += sum(theirs is not None for theirs in published)
    ids, layers = tuple(record.id for record in records), tuple(map(layer_of, records))
    known[str(file)] = _Known(str(file), *seen, digest, ids, layers)
    done.read += summary.total
    done.created += summary.created
    done.updated += 0 if moved else summary.updated
    done.unchanged += summary.unchanged
    _note(ledger, known[str(file)])


# Tell where the file is in the folder that was crawled, and link to it where the folder is served.
def _located(record: Record, file: Path, folder: _Folder) -> Record:
    place, length = file.relative_to(folder.path).as_posix(), file.stat().st_size
    record = with_members(record, file={"path": place, "length": length})
    if not folder.url:
        return record
    link = Link(
        f"{folder.url.rstrip('/')}/{quote(place)}", "enclosure", media_type(file), file.name,
        length=length
    )  # fmt: skip
    return replace(record, links=(link, *record.links))


# Return the record that others than a crawl made of the same content, or under a sidecar's
# identifier.
def _published(draft: Record, store: SQLiteStore, crawled: set[str]) -> Record | None:
    with suppress(RecordNotFoundError):
        if store.history(draft.id, viewer=MACHINE)[0].by != "crawl":
            return store.get(draft.id, viewer=MACHINE)
    contents = tuple(item.value for item in draft.external_ids if item.scheme == CONTENT)
    asked = RecordQuery(external_ids=contents, limit=100)
    found = store.search(asked, viewer=MACHINE).records if contents else ()
    return next((record for record in found if record.id not in crawled), None)


#: What a draft knows of the file on this disk, not of the data.
_OF_THE_COPY = frozenset({"dates", "language"})


# Return a published record with what the data tells and it does not.
def _filled(published: Record, draft: Record) -> Record:
    told = {
        name: value for name, value in draft.extra_properties.items() if name not in _OF_THE_COPY
    }
    return replace(published, extra_properties={**told, **published.extra_properties})


def _with_identifiers(
    records: list[Record], before: _Known | None, file: Path, taken: set[str]
) -> tuple[list[Record], list[str]]:
    """Give the layers the identifiers they had, by name; return with them the identifiers that no
    layer has any more.

    As many layers under new names as there were under old ones are the same, renamed; a copy gets
    its own.
    """
    known = dict(zip(before.layers, before.ids, strict=True)) if before else {}
    layers = [layer_of(record) for record in records]
    left = [identifier for layer, identifier in known.items() if layer not in layers]
    strange = [layer for layer in layers if layer not in known]
    if len(left) == len(strange):
        known |= dict(zip(strange, left, strict=True))
        left = []
    copy = blake2b(str(file).encode(), digest_size=4).hexdigest()
    named = []
    for layer, record in zip(layers, records, strict=True):
        own = record.id if record.id not in taken else f"{record.id}-{copy}"
        named.append(replace(record, id=known.get(layer, own)))
    return named, left


# Return the size of a dataset, all its files together (a shapefile's table, a sidecar), and its
# latest change.
def _seen(file: Path) -> tuple[int, int]:
    parts = [part.stat() for part in parts_of(file)]
    return sum(part.st_size for part in parts), max(part.st_mtime_ns for part in parts)


def _note(ledger: sqlite3.Connection, file: _Known) -> None:
    told = json.dumps([list(pair) for pair in zip(file.ids, file.layers, strict=True)])
    row = (file.path, file.size, file.changed, file.digest, told)
    ledger.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", row)
    ledger.commit()


# Return the identifiers and layers that `_note` wrote; an older crawl wrote no layers.
def _noted(told: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pairs = [
        pair if isinstance(pair, list) else [pair, f"?{at}"]
        for at, pair in enumerate(json.loads(told))
    ]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


@contextmanager
def _ledger(workspace: Path) -> Iterator[sqlite3.Connection]:
    workspace.mkdir(parents=True, exist_ok=True)
    path = workspace / "crawl.sqlite"
    try:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            SCHEMA.prepare(database, path)
            yield database
    except sqlite3.Error as error:
        raise StoreError(f"{path} : registre des fichiers illisible ({error}).") from error
