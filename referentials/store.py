"""Versions of the referentials on disk: each whole, with its digest and origin; the previous one is never touched."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pyogrio
import pyogrio.errors

from geoguichet.referentials.directory import Reading, check_directory
from geoguichet.referentials.errors import StoreError
from geoguichet.referentials.layers import read_layer
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.tables_by_code import check_table
from geoguichet.referentials.version_files import DATA, FINDINGS, MANIFEST, write_chunks

SERVICES = "services"


@dataclass(frozen=True, slots=True)
class Version:
    """One import of one referential."""

    name: str
    digest: str
    """SHA-256 of the file it was read from and of the way it was read."""
    imported: str
    """When, in UTC: ``2026-03-09T10:00:00+00:00``."""
    origin: str
    """Name of the file."""
    reader: str
    rows_in: int
    rows: int
    rules: dict[str, int]
    """Findings by rule."""
    notes: tuple[str, ...] = ()
    kind: str = SERVICES
    """``services``, or a key of ``tables_by_code.TABLES``: also the name of the layer."""
    file_digest: str = ""
    """SHA-256 of the file alone; empty in the versions stored before it was kept."""
    derived_from: str = ""
    """Digest of the version this one was made from by safe repairs."""

    @property
    def short(self) -> str:
        """The first characters of its digest, that name its folder."""
        return self.digest[:12]


class ReferentialStore:
    """The versions under one folder: ``<name>/<digest>/data.gpkg, findings.jsonl, manifest.json``.

    A version is written in a folder beside its own and renamed once whole, so that an import that is interrupted,
    refused or run twice at once leaves the others as they were.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self,
        name: str,
        readings: Iterable[Reading],
        *,
        origin: Path,
        reader: str,
        mapping: str = "",
        derived_from: str = "",
    ) -> Version:
        """Store what a reader yields, chunk by chunk, and return its version; the one there is when nothing changed.

        `derived_from` is the digest of the version the rows were repaired from, if any.

        Raises
        ------
        StoreError
            The name is no folder name, or the disk is full or cannot be written.
        LayerError
            As the reader does: nothing is kept then.
        """
        home = self._home(name)
        digest, file_digest = digests_of(origin, reader, mapping)
        known = self._read(home / digest[:12])
        if known is not None:
            return known
        scratch: Path | None = None
        try:
            home.mkdir(parents=True, exist_ok=True)
            _forget_abandoned(home)
            scratch = Path(tempfile.mkdtemp(dir=home, prefix=f".import-{os.getpid()}-"))
            tally = write_chunks(scratch, readings)
            version = Version(
                name=name,
                digest=digest,
                imported=datetime.now(UTC).isoformat(timespec="microseconds"),
                origin=origin.name,
                reader=reader,
                rows_in=tally.rows_in,
                rows=tally.rows,
                rules=dict(sorted(tally.rules.items())),
                notes=tuple(tally.notes),
                kind=tally.kind,
                file_digest=file_digest,
                derived_from=derived_from,
            )
            said = json.dumps(asdict(version), ensure_ascii=False, indent=2)
            (scratch / MANIFEST).write_text(said, encoding="utf-8")
            return self._placed(scratch, home / digest[:12], version)
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.FeatureError,
            pyogrio.errors.DataLayerError,
            sqlite3.Error,
        ) as error:
            raise StoreError(f"{home} : écriture impossible ({error}) ; {_room(home)}") from error
        except OSError as error:
            raise StoreError(f"{home} : écriture impossible ({error.strerror or error}) ; {_room(home)}") from error
        finally:
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)

    def _placed(self, scratch: Path, folder: Path, version: Version) -> Version:
        """Rename a whole version into place; the one there is when the same import, run at once, was first."""
        try:
            scratch.replace(folder)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return self._read(folder) or version
        return version

    def names(self) -> list[str]:
        """Return the referentials that have a version, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(home.name for home in self.folder.iterdir() if home.is_dir() and self.versions(home.name))

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a referential, the oldest import first."""
        home = self._home(name)
        folders = (folder for folder in home.iterdir() if not folder.name.startswith(".")) if home.is_dir() else ()
        found = [version for version in map(self._read, folders) if version is not None]
        return sorted(found, key=lambda version: (version.imported, version.digest))

    def find(self, name: str) -> Version:
        """Return the version of ``name``, the newest, or of ``name@digest`` (its first characters).

        Raises
        ------
        StoreError
            When there is none.
        """
        plain, _, digest = name.partition("@")
        found = [version for version in self.versions(plain) if version.digest.startswith(digest)]
        if not found:
            known = ", ".join(self.names()) or "aucun"
            raise StoreError(
                f"référentiel « {name} » introuvable ; présents : {known}. « referentials import » en ajoute."
            )
        return found[-1]

    def rows(self, version: Version) -> gpd.GeoDataFrame:
        """Return the rows of a version (contract: ``directory.check_directory``, ``tables_by_code.check_table``)."""
        path = self.path(version)
        rows = read_layer(path, layer=version.kind)
        if version.kind != SERVICES:
            check_table(rows, version.kind, where=str(path))
            return rows
        for column in ("itinerant", "inside"):
            rows[column] = rows[column].astype(bool)
        check_directory(rows, where=str(path))
        return rows

    def findings(self, version: Version) -> list[Finding]:
        """Return what was noticed when a version was read."""
        path = self.path(version).with_name(FINDINGS)
        return [Finding(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]

    def path(self, version: Version) -> Path:
        """Return the GeoPackage of a version."""
        return self._home(version.name) / version.digest[:12] / DATA

    def _home(self, name: str) -> Path:
        if not name or name.startswith(".") or any(sign in name for sign in '/\\:@"') or name != name.strip():
            raise StoreError(f"« {name} » n'est pas un nom de référentiel ; lettres, chiffres et tirets sont attendus.")
        return self.folder / name

    def _read(self, folder: Path) -> Version | None:
        try:
            said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            return Version(**{**said, "notes": tuple(said["notes"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None


def digests_of(path: Path, *ways: str) -> tuple[str, str]:
    """Return two SHA-256 of a file, or of the files of a folder in order: with the words beside it, and alone."""
    digest, alone = hashlib.sha256("\x1f".join(ways).encode()), hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        try:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
                    alone.update(block)
        except OSError as error:
            raise StoreError(f"{file} : fichier illisible ({error.strerror}) ; vérifiez le chemin.") from error
    return digest.hexdigest(), alone.hexdigest()


ABANDONED_S = 24 * 3600.0
"""An import that has written nothing for that long was killed: its folder is removed."""


def _forget_abandoned(home: Path) -> None:
    """Remove what killed imports left: those whose process is gone, or that have been still for a day."""
    for folder in home.glob(".import-*"):
        try:
            if os.name == "posix":  # elsewhere, a signal 0 is not a question
                os.kill(int(folder.name.split("-")[1]), 0)
            still = time.time() - max(file.stat().st_mtime for file in (folder, *folder.iterdir())) > ABANDONED_S
        except ProcessLookupError:
            still = True
        except (OSError, ValueError):
            still = False
        if still:
            shutil.rmtree(folder, ignore_errors=True)


def _room(folder: Path) -> str:
    """Return how much room is left, in a sentence."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    return f"{shutil.disk_usage(there).free / 1e6:.0f} Mo libres ; la version précédente est intacte."
