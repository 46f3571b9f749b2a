"""Which old versions of a referential may go: never the newest, never one a study or another
version stands on.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.referentials.versions.store import Version, Versions


@dataclass(frozen=True, slots=True)
class Pruning:
    """What would be, or was, removed of a referential."""

    removed: tuple[Version, ...]
    kept: tuple[tuple[Version, str], ...]
    """Version and why it stays, in French."""


def plan_pruning(store: Versions, name: str, *, keep: int, studies: Path) -> Pruning:
    """Return which versions of a referential are neither among the `keep` newest nor cited.

    A version is cited when the manifest of a study names it, or the file it was exported to by its
    SHA-256; one from which a version that stays was derived is cited too.

    Raises
    ------
    UsageError
        `keep` is below 1.
    StoreError
        There is no such referential, or a manifest cannot be read: what it cites is unknown.
    """
    if keep < 1:
        raise UsageError(
            f"--keep {keep} : au moins la version la plus récente reste ; donnez 1 ou plus."
        )
    store.find(name)
    versions = store.versions(name)
    cited = _manifests(studies)
    exported = {
        digest for file, digests in store.exports().items() if file in cited for digest in digests
    }
    stays: dict[str, str] = {
        version.digest: f"l'une des {keep} plus récentes" for version in versions[-keep:]
    }
    stays[versions[-1].digest] = "la plus récente"
    for version in versions:
        if version.short in cited or version.digest in exported:
            stays.setdefault(version.digest, "citée par une étude")
    for version in reversed(versions):
        if version.digest in stays and version.derived_from:
            stays.setdefault(version.derived_from, f"d'elle est tirée {version.short}")
    removed = tuple(version for version in versions if version.digest not in stays)
    kept = tuple(
        (version, stays[version.digest]) for version in versions if version.digest in stays
    )
    return Pruning(removed, kept)


def prune(store: Versions, pruning: Pruning) -> None:
    """Remove the versions of a plan, each in one move out of sight before its files go.

    Raises
    ------
    StoreError
        A folder cannot be removed; those before it are gone.
    """
    for version in pruning.removed:
        folder = store.path(version).parent
        hidden = folder.with_name(f".removed-{folder.name}")
        try:
            folder.replace(hidden)
            shutil.rmtree(hidden)
        except OSError as error:
            raise StoreError(
                f"{folder} : suppression impossible ({error.strerror}) ; vérifiez les droits."
            ) from error


def _manifests(studies: Path) -> str:
    """Return the text of all manifests of studies."""
    texts = []
    for manifest in sorted(studies.glob("*/manifest.json")):
        try:
            text = manifest.read_text(encoding="utf-8")
            json.loads(text)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{manifest} : manifeste illisible ({error}) ; ce qu'il cite est inconnu, rien "
                "n'est supprimé."
            ) from error
        texts.append(text)
    return "\n".join(texts)
