"""Which versions of which referentials there are: their manifests, read without opening the data."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoguichet.referentials.errors import StoreError
from geoguichet.referentials.quality import Finding

SERVICES = "services"
FEEDS = (
    ("atom", "application/atom+xml", "Atom"),
    ("json", "application/feed+json", "JSON Feed"),
    ("csv", "text/csv", "CSV"),
)
"""Forms of the feed of changes of a directory: suffix, media type, label."""
DATA, FINDINGS, MANIFEST = "data.gpkg", "findings.jsonl", "manifest.json"
EXPORTS = "exports.jsonl"
"""Which versions each exported file holds, one a line."""
COLLECTION_PREFIX = "referentiel-"
"""How the identifiers of the portal's collections of referentials begin."""


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

    bbox: tuple[float, float, float, float] | None = None
    """West, south, east, north of its geometries, in degrees; None when it has none or they were not measured."""

    @property
    def short(self) -> str:
        """The first characters of its digest, that name its folder."""
        return self.digest[:12]


class Versions:
    """The versions under one folder: ``<name>/<digest>/data.gpkg, findings.jsonl, manifest.json``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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

    def findings(self, version: Version) -> list[Finding]:
        """Return what was noticed when a version was read."""
        path = self.path(version).with_name(FINDINGS)
        return [Finding(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]

    def path(self, version: Version) -> Path:
        """Return the GeoPackage of a version."""
        return self._home(version.name) / version.digest[:12] / DATA

    def remember_export(self, file: Path, versions: Sequence[Version]) -> None:
        """Note which versions a file was made of, so that a study that reads the file cites them.

        Raises
        ------
        StoreError
            The note cannot be written.
        """
        try:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            with (self.folder / EXPORTS).open("a", encoding="utf-8") as notes:
                notes.write(json.dumps({"sha256": digest, "versions": [each.digest for each in versions]}) + "\n")
        except OSError as error:
            raise StoreError(f"{self.folder / EXPORTS} : écriture impossible ({error.strerror}).") from error

    def exports(self) -> dict[str, tuple[str, ...]]:
        """Return the digests of the versions in each exported file, by its SHA-256."""
        try:
            lines = (self.folder / EXPORTS).read_text(encoding="utf-8").splitlines()
            return {said["sha256"]: tuple(said["versions"]) for said in map(json.loads, lines)}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.folder / EXPORTS} : notes des exports illisibles ({error}).") from error

    def _home(self, name: str) -> Path:
        if not name or name.startswith(".") or any(sign in name for sign in '/\\:@"') or name != name.strip():
            raise StoreError(f"« {name} » n'est pas un nom de référentiel ; lettres, chiffres et tirets sont attendus.")
        return self.folder / name

    def _read(self, folder: Path) -> Version | None:
        try:
            said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            box = said.get("bbox")
            return Version(**{**said, "notes": tuple(said["notes"]), "bbox": None if box is None else tuple(box)})
        except (OSError, ValueError, TypeError, KeyError):
            return None


def collection_id(name: str) -> str:
    """Return the identifier of a referential's collection.

    >>> collection_id("dila 2020")
    'referentiel-dila-2020'
    """
    return COLLECTION_PREFIX + re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
