"""Versions of the referentials on disk: each whole, with its digest and origin; the previous one is never touched."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pyogrio
import pyogrio.errors

from geoguichet.referentials.directory import Reading, check_directory
from geoguichet.referentials.errors import StoreError
from geoguichet.referentials.layers import read_layer
from geoguichet.referentials.quality import Finding, count_by_rule

LAYER = "services"
DATA, FINDINGS, MANIFEST = "data.gpkg", "findings.jsonl", "manifest.json"


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


class ReferentialStore:
    """The versions under one folder: ``<name>/<digest>/data.gpkg, findings.jsonl, manifest.json``.

    A version is written in a folder beside its own and renamed once whole, so that an import that is interrupted,
    refused or run twice at once leaves the others as they were.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, readings: Iterable[Reading], *, origin: Path, reader: str, mapping: str = "") -> Version:
        """Store what a reader yields, chunk by chunk, and return its version; the one there is when nothing changed.

        Raises
        ------
        StoreError
            The name is no folder name, or the disk is full or cannot be written.
        LayerError
            As the reader does: nothing is kept then.
        """
        home = self._home(name)
        digest = digest_of(origin, reader, mapping)
        known = self._read(home / digest[:12])
        if known is not None:
            return known
        scratch: Path | None = None
        try:
            home.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=home, prefix=".import-"))
            version = _write(scratch, name, readings, digest=digest, origin=origin, reader=reader)
            return self._placed(scratch, home / digest[:12], version)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError, pyogrio.errors.DataLayerError) as error:
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
        """Return the rows of a version (contract: ``directory.check_directory``)."""
        path = self.path(version)
        rows = read_layer(path, layer=LAYER)
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


def digest_of(path: Path, *ways: str) -> str:
    """Return the SHA-256 of a file, or of the files of a folder in order, and of the words beside it."""
    digest = hashlib.sha256("\x1f".join(ways).encode())
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        try:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise StoreError(f"{file} : fichier illisible ({error.strerror}) ; vérifiez le chemin.") from error
    return digest.hexdigest()


def _write(folder: Path, name: str, readings: Iterable[Reading], *, digest: str, origin: Path, reader: str) -> Version:
    """Write the three files of a version, the manifest last."""
    rows_in = rows = 0
    rules: dict[str, int] = {}
    notes: list[str] = []
    with (folder / FINDINGS).open("w", encoding="utf-8") as journal:
        for reading in _not_empty(readings):
            pyogrio.write_dataframe(
                reading.rows,
                folder / DATA,
                layer=LAYER,
                driver="GPKG",
                append=(folder / DATA).exists(),
                geometry_type="Point",
                layer_options={"GEOMETRY_NAME": "geometry"},
            )
            journal.writelines(json.dumps(finding.as_dict(), ensure_ascii=False) + "\n" for finding in reading.findings)
            rows_in, rows = rows_in + reading.rows_in, rows + len(reading.rows)
            notes += [note for note in reading.notes if note not in notes]
            for rule, count in count_by_rule(reading.findings).items():
                rules[rule] = rules.get(rule, 0) + count
    version = Version(
        name=name,
        digest=digest,
        imported=datetime.now(UTC).isoformat(timespec="microseconds"),
        origin=origin.name,
        reader=reader,
        rows_in=rows_in,
        rows=rows,
        rules=dict(sorted(rules.items())),
        notes=tuple(notes),
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(version), ensure_ascii=False, indent=2), encoding="utf-8")
    return version


def _not_empty(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Yield the readings; refuse a file that gives none."""
    empty = True
    for reading in readings:
        empty = False
        yield reading
    if empty:
        raise StoreError("le fichier ne contient aucune ligne ; rien n'est importé.")


def _room(folder: Path) -> str:
    """Return how much room is left, in a sentence."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    return f"{shutil.disk_usage(there).free / 1e6:.0f} Mo libres ; la version précédente est intacte."
