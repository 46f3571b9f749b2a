"""The whole workspace, copied while it serves, proved whole, and put back elsewhere.

A backup is a folder: every file of the workspace but the cache of what was fetched, and a manifest of
their digests. The stores are copied by SQLite's own backup, as they all stood at one instant.
"""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from geoguichet.floor.errors import UsageError
from geoguichet.floor.files import DRAFTS, sha256
from geoguichet.floor.words import Message, _
from geoguichet.portal.errors import PortalError

MANIFEST = "manifest.json"
_FORMAT = "geoguichet backup 1"
#: What can be fetched again.
_LEFT = ("cache",)
#: SQLite's own companions: what they hold is in the copy of their store.
_COMPANIONS = ("-wal", "-shm", "-journal")
#: How long the stores may be busy, and how often a study may be replaced while it is copied.
_PATIENCE_S, _TRIES = 60, 5


class BackupError(PortalError):
    """What is to be copied, or a copy, is not whole, or is in the way."""


def back_up(workspace: Path, folder: Path) -> dict[str, Any]:
    """Copy a workspace, that may be written meanwhile, to a new folder; return its manifest.

    BackupError for a store that is damaged or busy for a minute; nothing is there then.
    """
    if folder.absolute().resolve().is_relative_to(workspace.resolve()):
        told = Message(
            "{folder} est dans l'espace de travail ; donnez un dossier d'un autre disque.",
            folder=folder,
        )
        raise UsageError(told)
    with _made(folder) as draft:
        _copy_stores(workspace, draft)
        for part in sorted(workspace.iterdir()):
            if not _is_left(part) and not _is_store(part):
                _copy_still(part, workspace, draft)
        for store in sorted(draft.glob("*.sqlite")):
            check_store(store, workspace / store.name)
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        files = {str(one.relative_to(draft).as_posix()): _told(one) for one in _files(draft)}
        manifest = {"format": _FORMAT, "made": made, "files": files}
        (draft / MANIFEST).write_bytes(_written(manifest))
    return manifest


def verify(folder: Path) -> int:
    """Return how many files of a backup are as they were copied, or how many stores and layers of a
    workspace are sound. BackupError says what is not.
    """
    if not folder.is_dir():
        raise UsageError(Message("{folder} n'est pas un dossier.", folder=folder))
    if not (folder / MANIFEST).is_file():
        return _verify_workspace(folder)
    told = _manifest(folder)["files"]
    found = {str(one.relative_to(folder).as_posix()): one for one in _files(folder)}
    del found[MANIFEST]
    wrong = [name for name in told if name not in found or _told(found[name]) != told[name]]
    wrong += sorted(found.keys() - told)
    if wrong:
        raise _damaged(folder / wrong[0], len(wrong))
    return len(told)


def check_backup(folder: Path) -> None:
    """Raise UsageError for a folder that is no backup, of whose files nothing tells what they were."""
    if not (folder / MANIFEST).is_file():
        told = Message(
            "{folder} n'est pas une sauvegarde : {file} n'y est pas.", folder=folder, file=MANIFEST
        )
        raise UsageError(told)


def restore(folder: Path, workspace: Path) -> int:
    """Make a workspace of a backup, where there is none; return of how many files. BackupError for a
    damaged backup, or a workspace that is there.
    """
    check_backup(folder)
    with _made(workspace) as draft:
        verify(folder)
        for name, digest in _manifest(folder)["files"].items():
            _copy(folder / name, draft / name)
            if _told(draft / name) != digest:
                raise _damaged(folder / name, 1)
    return verify(folder)


# Lend a place to make a folder in, that takes its place at the end; whoever dies leaves nothing.
@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        told = _(
            "{folder} existe déjà et n'est pas touché ; donnez un dossier qui n'existe pas.",
            folder=folder,
        )
        raise BackupError(told)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=DRAFTS) as scratch:
            draft = Path(scratch) / "made"
            draft.mkdir(mode=0o700)
            yield draft
            draft.replace(folder)
    except OSError as error:
        told = _(
            "{file} ne se lit ou ne s'écrit pas ({why}) ; rien n'est laissé.",
            file=error.filename or folder,
            why=error.strerror,
        )
        raise BackupError(told) from error


# Copy all stores as they were at one instant: no one writes for the time it takes to begin to read
# each of them; what is read after that is what was there then.
def _copy_stores(workspace: Path, draft: Path) -> None:
    stores = [one for one in sorted(workspace.glob("*.sqlite")) if one.is_file()]
    with ExitStack() as open_stores:
        reading = _at_one_instant(stores, open_stores)
        for store, source in zip(stores, reading, strict=True):
            copy = draft / store.name
            try:
                with closing(sqlite3.connect(copy)) as target:
                    source.backup(target)
                    target.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.DatabaseError as error:
                raise _damaged(store, 1) from error
            shutil.copymode(store, copy)


def _at_one_instant(stores: list[Path], stack: ExitStack) -> list[sqlite3.Connection]:
    end = time.monotonic() + _PATIENCE_S
    store = Path()
    while True:
        with ExitStack() as held, ExitStack() as read:
            try:
                for store in stores:
                    held.enter_context(_transaction(store, "BEGIN IMMEDIATE"))
                reading = [read.enter_context(_transaction(store, "BEGIN")) for store in stores]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise _damaged(store, 1) from error
                if time.monotonic() > end:
                    told = _("{file} est occupé ; réessayez quand rien n'y écrit.", file=store)
                    raise BackupError(told) from error
                continue
            except sqlite3.DatabaseError as error:
                raise _damaged(store, 1) from error
            stack.push(read.pop_all())
            return reading


@contextmanager
def _transaction(store: Path, begin: str) -> Iterator[sqlite3.Connection]:
    address = f"{store.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=1)) as base:
        base.execute(begin)
        base.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # it begins to read here
        yield base
        base.execute("ROLLBACK")


# Copy what is written whole or not at all (a study, a version), again when it was replaced meanwhile.
def _copy_still(part: Path, workspace: Path, draft: Path) -> None:
    for _try in range(_TRIES):
        before = _state(part)
        try:
            for file in _files(part):
                _copy(file, draft / file.relative_to(workspace))
        except FileNotFoundError:
            before = None
        if before is not None and before == _state(part):
            return
        copied = draft / part.relative_to(workspace)
        if copied.is_dir():
            shutil.rmtree(copied)
        else:
            copied.unlink(missing_ok=True)
    told = _("{file} change sans cesse ; réessayez quand rien n'y écrit.", file=part)
    raise BackupError(told)


def _state(part: Path) -> dict[str, tuple[int, int, int]] | None:
    try:
        seen = {str(one): one.stat() for one in _files(part)}
    except FileNotFoundError:
        return None
    return {name: (one.st_ino, one.st_size, one.st_mtime_ns) for name, one in seen.items()}


def _files(part: Path) -> list[Path]:
    if part.is_file():
        return [part]
    found = []
    for folder, within, names in os.walk(part):
        for name in within:
            if Path(folder, name).is_symlink():
                told = _(
                    "{folder} est un lien : ce qui est derrière ne serait pas copié.",
                    folder=Path(folder, name),
                )
                raise BackupError(told)
        within[:] = sorted(name for name in within if not name.startswith(DRAFTS))
        found += [Path(folder, name) for name in names if not name.endswith(_COMPANIONS)]
    return sorted(found)


def _is_left(part: Path) -> bool:
    return part.name in _LEFT or part.name.startswith(DRAFTS) or part.name.endswith(_COMPANIONS)


def _is_store(part: Path) -> bool:
    return part.suffix == ".sqlite" and part.is_file()


def _copy(file: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, copy)


def _told(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": sha256(file)}


def _written(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()


# Return the manifest, whose own digest stands nowhere: it is as it is written, or it is damaged.
def _manifest(folder: Path) -> dict[str, Any]:
    content = (folder / MANIFEST).read_bytes()
    try:
        manifest: dict[str, Any] = json.loads(content)
        is_whole = manifest["format"] == _FORMAT and _written(manifest) == content
        is_whole &= all({"bytes", "sha256"} == one.keys() for one in manifest["files"].values())
        time.strptime(manifest["made"], "%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(folder / MANIFEST, 1) from error
    names = map(Path, manifest["files"])
    if not is_whole or any(name.is_absolute() or ".." in name.parts for name in names):
        raise _damaged(folder / MANIFEST, 1)
    return manifest


def _verify_workspace(workspace: Path) -> int:
    files = [one for part in workspace.iterdir() if not _is_left(part) for one in _files(part)]
    bases = [one for one in files if one.suffix in (".sqlite", ".gpkg")]
    for base in bases:
        check_store(base, base)
    return len(bases)


def check_store(base: Path, told: Path) -> None:
    """Raise BackupError, that names the file ``told``, when SQLite finds a base unsound."""
    try:
        with closing(sqlite3.connect(f"{base.absolute().as_uri()}?mode=ro", uri=True)) as read:
            is_sound = read.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _damaged(told, 1) from error
    if not is_sound:
        raise _damaged(told, 1)


def _damaged(file: Path, count: int) -> BackupError:
    more = _(" (et {n} autres)", n=count - 1) if count > 1 else ""
    told = _(
        "{file} est endommagé{more} ; reprenez-le d'une sauvegarde entière.", file=file, more=more
    )
    return BackupError(told)
