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
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pyogrio
import pyogrio.errors

from geoguichet.referentials.directory import Reading, check_directory
from geoguichet.referentials.errors import StoreError
from geoguichet.referentials.layers import read_layer
from geoguichet.referentials.tables_by_code import check_table
from geoguichet.referentials.version_files import write_chunks
from geoguichet.referentials.versions import MANIFEST, SERVICES, Version, Versions


class ReferentialStore(Versions):
    """The versions under one folder: ``<name>/<digest>/data.gpkg, findings.jsonl, manifest.json``.

    A version is written in a folder beside its own and renamed once whole, so that an import that is interrupted,
    refused or run twice at once leaves the others as they were.
    """

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
                bbox=tally.bbox,
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
