"""Versions of the referentials on disk: each whole, with its digest and origin; the previous one is
never touched.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import geopandas as gpd
import numpy as np
import pyogrio.errors
import shapely

from geoguichet.floor.errors import StoreError, UsageError
from geoguichet.floor.files import refused, sha256
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message, one_line
from geoguichet.referentials.directory.placing import in_france
from geoguichet.referentials.directory.schema import Reading, check_directory
from geoguichet.referentials.layers import read_layer
from geoguichet.referentials.readers.tables_by_code import check_table

# Which versions of which referentials there are: their manifests, read without opening the data.

SERVICES = "services"
#: Forms of the feed of changes of a directory: suffix, media type, label.
FEEDS = (
    ("atom", "application/atom+xml", "Atom"),
    ("json", "application/feed+json", "JSON Feed"),
    ("csv", "text/csv", "CSV"),
)
DATA, FINDINGS, MANIFEST = "data.gpkg", "findings.jsonl", "manifest.json"
#: Which versions each exported file holds, one a line.
EXPORTS = "exports.jsonl"
#: How the identifiers of the portal's collections of referentials begin.
COLLECTION_PREFIX = "referentiel-"


@dataclass(frozen=True, slots=True)
class Version:
    """One import of one referential."""

    name: str
    #: SHA-256 of the file it was read from and of the way it was read.
    digest: str
    #: When, in UTC: ``2026-03-09T10:00:00+00:00``.
    imported: str
    #: Name of the file.
    origin: str
    reader: str
    rows_in: int
    rows: int
    #: Findings by rule.
    rules: dict[str, int]
    notes: tuple[str, ...] = ()
    #: ``services``, or a key of ``tables_by_code.TABLES``: also the name of the layer.
    kind: str = SERVICES
    #: SHA-256 of the file alone; empty in the versions stored before it was kept.
    file_digest: str = ""
    #: Digest of the version this one was made from by safe repairs.
    derived_from: str = ""

    #: West, south, east, north of its geometries, in degrees; None when it has none or they were
    #: not measured.
    bbox: tuple[float, float, float, float] | None = None
    #: The official source that its file was fetched from, by name; empty when a person gave it.
    source: str = ""

    @property
    def short(self) -> str:
        """The first characters of its digest, that name its folder."""
        return self.digest[:12]


class Versions:
    """The versions under one folder: ``<name>/<digest>/data.gpkg, findings.jsonl,
    manifest.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return the referentials that have a version, in order."""
        homes = self.folder.glob("[!.]*")
        return sorted(home.name for home in homes if home.is_dir() and self.versions(home.name))

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a referential, the oldest import first."""
        folders = self._home(name).glob("[!.]*")
        return sorted(
            [version for version in map(self._read, folders) if version is not None],
            key=lambda version: (version.imported, version.digest),
        )

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
                f"référentiel « {name} » introuvable ; présents : {known}. « referentials import "
                "» en ajoute."
            )
        return found[-1]

    def findings(self, version: Version) -> list[Finding]:
        """Return what was noticed when a version was read."""
        return [
            Finding(**json.loads(line))
            for line in self.path(version)
            .with_name(FINDINGS)
            .read_text(encoding="utf-8")
            .splitlines()
        ]

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
        with refused(
            OSError,
            say=lambda error: f"{self.folder / EXPORTS} : écriture impossible ({error.strerror}).",
            kind=StoreError,
        ):
            digest = sha256(file)
            with (self.folder / EXPORTS).open("a", encoding="utf-8") as notes:
                notes.write(
                    json.dumps({"sha256": digest, "versions": [each.digest for each in versions]})
                    + "\n"
                )

    def exports(self) -> dict[str, tuple[str, ...]]:
        """Return the digests of the versions in each exported file, by its SHA-256."""
        try:
            lines = (self.folder / EXPORTS).read_text(encoding="utf-8").splitlines()
            return {note["sha256"]: tuple(note["versions"]) for note in map(json.loads, lines)}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.folder / EXPORTS} : notes des exports illisibles ({error})."
            ) from error

    def _home(self, name: str) -> Path:
        if (
            not name
            or name.startswith(".")
            or any(sign in name for sign in '/\\:@"')
            or name != name.strip()
        ):
            raise StoreError(
                f"« {name} » n'est pas un nom de référentiel ; lettres, chiffres et tirets sont "
                "attendus."
            )
        return self.folder / name

    def _read(self, folder: Path) -> Version | None:
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            box = manifest.get("bbox")
            return Version(
                **{
                    **manifest,
                    "notes": tuple(manifest["notes"]),
                    "bbox": tuple(box) if box else None,
                }
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None


def collection_id(name: str) -> str:
    """Return the identifier of a referential's collection.

    >>> collection_id("dila 2020")
    'referentiel-dila-2020'
    """
    return COLLECTION_PREFIX + re.sub(r"[^A-Za-z0-9_.-]+", "-", name)


# The three files of one version of a referential, written chunk by chunk in bounded memory.


@dataclass(slots=True)
class Tally:
    """What is counted of a version while it is written: fields of `Version`."""

    kind: str = SERVICES
    rows_in: int = 0
    rows: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None

    def add(self, reading: Reading) -> None:
        """Count a chunk; points out of France, which are findings, do not stretch the box."""
        self.kind = reading.kind
        self.rows_in += reading.rows_in
        self.rows += len(reading.rows)
        self.notes = tuple(dict.fromkeys((*self.notes, *map(one_line, reading.notes))))
        bounds = reading.rows.total_bounds
        if self.kind == SERVICES:
            points = reading.rows.geometry[reading.rows.geometry.notna()]
            inside = points[in_france(points.x.to_numpy(), points.y.to_numpy())]
            bounds = inside.total_bounds if len(inside) else bounds
        if np.isfinite(bounds).all():
            west, south, east, north = (float(value) for value in bounds)
            old = self.bbox or (west, south, east, north)
            self.bbox = min(old[0], west), min(old[1], south), max(old[2], east), max(old[3], north)

    def write(self, findings: Iterable[Finding], journal: IO[str]) -> None:
        """Write findings, a line each, and count them by rule."""
        for finding in findings:
            journal.write(json.dumps(finding.as_dict(), ensure_ascii=False) + "\n")
            self.rules[finding.rule] = self.rules.get(finding.rule, 0) + 1


def write_chunks(folder: Path, readings: Iterable[Reading]) -> Tally:
    """Write the data and the findings of a version; at no time is more than one chunk in memory.

    Rows of different chunks may bear one identifier: they are told apart at the end, in the file
    itself (rule ``duplicate-id``), since a set of all identifiers would grow with the file.

    Raises
    ------
    StoreError
        When there is no row at all.
    """
    tally, chunks = Tally(), 0
    with (folder / FINDINGS).open("w", encoding="utf-8") as journal:
        for reading in readings:
            chunks += 1
            kind = _geometry_type(reading)
            pyogrio.write_dataframe(
                reading.rows,
                folder / DATA,
                layer=reading.kind,
                driver="GPKG",
                append=chunks > 1,
                use_arrow=True,
                geometry_type=kind,
                promote_to_multi=kind == "MultiPolygon",
                layer_options={"GEOMETRY_NAME": "geometry"},
            )
            tally.write(reading.findings, journal)
            tally.add(reading)
        if not chunks:
            raise StoreError("le fichier ne contient aucune ligne ; rien n'est importé.")
        _index(folder / DATA, tally.kind)
        if chunks > 1:
            tally.write(_tell_apart(folder / DATA, tally.kind), journal)
    return tally


#: What rows are looked for and sorted by: an index each, where the layer has the column.
_SOUGHT = (
    *(("id",), ("code",), ("type", "name"), ("category",), ("name",), ("commune",)),
    *(("commune_name",), ("departement",), ("postcode",), ("hours_per_week",), ("population",)),
)


def _index(data: Path, layer: str) -> None:
    with closing(sqlite3.connect(data)) as database:
        columns = {row[1] for row in database.execute(f'PRAGMA table_info("{layer}")')}
        for names in _SOUGHT:
            if columns.issuperset(names):
                listed = ", ".join(names)
                database.execute(f'CREATE INDEX "{layer}_{names[0]}" ON "{layer}" ({listed})')
        database.commit()


# Return the type of the layer: rows without a geometry go with any.
def _geometry_type(reading: Reading) -> str:
    shapes = reading.rows.geometry.to_numpy()
    kinds = {*np.unique(shapely.get_type_id(shapes[~shapely.is_missing(shapes)]))}
    if kinds <= {shapely.GeometryType.POINT}:
        return "Point"
    surfaces = {shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON}
    return "MultiPolygon" if kinds <= surfaces else "Unknown"


# Complete with its row the identifier of each row that another row, of an earlier chunk, already
# bears.
def _tell_apart(data: Path, layer: str) -> Iterator[Finding]:
    later = (
        f'SELECT fid, id, source, source_row FROM "{layer}" AS a '
        f'WHERE EXISTS (SELECT 1 FROM "{layer}" AS b WHERE b.id = a.id AND b.fid < a.fid)'
    )
    repeated = f'SELECT 1 FROM "{layer}" GROUP BY id HAVING count(*) > 1 LIMIT 1'
    with closing(sqlite3.connect(data)) as database:
        if database.execute(repeated).fetchone() is None:
            return
        for name in (
            "IsEmpty",
            "MinX",
            "MaxX",
            "MinY",
            "MaxY",
        ):  # named by the layer's own triggers, never called
            database.create_function(f"ST_{name}", 1, lambda _: None)
        for fid, identifier, source, row in database.execute(later).fetchall():
            own = f"{identifier}#{row}"
            database.execute(f'UPDATE "{layer}" SET id = ? WHERE fid = ?', (own, fid))
            yield Finding(
                "duplicate-id",
                source,
                own,
                Message(
                    "L'identifiant « {old} » est déjà pris : cette ligne devient « {new} ».",
                    old=identifier,
                    new=own,
                ),
                "warning",
                row,
                remedy=Message(
                    "Donnez à chaque ligne un identifiant qui ne change pas d'une livraison à "
                    "l'autre."
                ),
            )
        database.commit()


class ReferentialStore(Versions):
    """The versions under one folder: ``<name>/<digest>/data.gpkg, findings.jsonl, manifest.json``.

    A version is written in a folder beside its own and renamed once whole, so that an import that
    is interrupted, refused or run twice at once leaves the others as they were.
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
        source: str = "",
    ) -> Version:
        """Store what a reader yields, chunk by chunk, and return its version; the one there is when
        nothing changed.

        `derived_from` is the digest of the version the rows were repaired from, if any; `source`
        the official source that the file was fetched from.

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
                origin=one_line(origin.name),
                reader=reader,
                file_digest=file_digest,
                derived_from=derived_from,
                source=source,
                **{**asdict(tally), "rules": dict(sorted(tally.rules.items()))},
            )
            (scratch / MANIFEST).write_text(
                json.dumps(asdict(version), ensure_ascii=False, indent=2), encoding="utf-8"
            )
            return self._placed(scratch, home / digest[:12], version)
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.FeatureError,
            pyogrio.errors.DataLayerError,
            sqlite3.Error,
        ) as error:
            raise StoreError(f"{home} : écriture impossible ({error}) ; {_room(home)}") from error
        except OSError as error:
            raise StoreError(
                f"{home} : écriture impossible ({error.strerror or error}) ; {_room(home)}"
            ) from error
        finally:
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)

    # Rename a whole version into place; the one there is when the same import, run at once, was
    # first.
    def _placed(self, scratch: Path, folder: Path, version: Version) -> Version:
        try:
            scratch.replace(folder)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return self._read(folder) or version
        return version

    def rows(self, version: Version) -> gpd.GeoDataFrame:
        """Return the rows of a version (contract: ``directory.check_directory``,
        ``tables_by_code.check_table``).
        """
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
    """Return two SHA-256 of a file, or of the files of a folder in order: with the words beside it,
    and alone.
    """
    digest, alone = hashlib.sha256("\x1f".join(ways).encode()), hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        try:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
                    alone.update(block)
        except OSError as error:
            raise StoreError(
                f"{file} : fichier illisible ({error.strerror}) ; vérifiez le chemin."
            ) from error
    return digest.hexdigest(), alone.hexdigest()


#: An import that has written nothing for that long was killed: its folder is removed.
ABANDONED_S = 24 * 3600.0


# Remove what killed imports left: those whose process is gone, or that have been still for a day.
def _forget_abandoned(home: Path) -> None:
    for folder in home.glob(".import-*"):
        try:
            if os.name == "posix":  # elsewhere, a signal 0 is not a question
                os.kill(int(folder.name.split("-")[1]), 0)
            still = (
                time.time() - max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
                > ABANDONED_S
            )
        except ProcessLookupError:
            still = True
        except (OSError, ValueError):
            still = False
        if still:
            shutil.rmtree(folder, ignore_errors=True)


# Return how much room is left, in a sentence.
def _room(folder: Path) -> str:
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    return (
        f"{shutil.disk_usage(there).free / 1e6:.0f} Mo libres ; la version précédente est intacte."
    )


# -- which old versions may go: never the newest, never one a study or another version stands on


@dataclass(frozen=True, slots=True)
class Pruning:
    """What would be, or was, removed of a referential."""

    removed: tuple[Version, ...]
    #: Version and why it stays, in French.
    kept: tuple[tuple[Version, str], ...]


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
    return Pruning(
        tuple(version for version in versions if version.digest not in stays),
        tuple((version, stays[version.digest]) for version in versions if version.digest in stays),
    )


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


# Return the text of all manifests of studies.
def _manifests(studies: Path) -> str:
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
