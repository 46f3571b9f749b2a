"""All the documents of a study, written beside the previous ones and put in their place only when
complete.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoguichet.coverage import manifest
from geoguichet.coverage.errors import OutputError, OutputFolderError
from geoguichet.coverage.outputs import layers, leaflet, raster, report, web_map
from geoguichet.coverage.result import CoverageResult
from geoguichet.floor.words import Message


@dataclass(frozen=True, slots=True)
class Output:
    """A file of a study: what writes it, and what the study's record says of it."""

    write: Callable[[CoverageResult, Path], None]
    media_type: str
    #: In French, the language of the catalogue.
    title: str
    #: Whether a result has it.
    wanted: Callable[[CoverageResult], bool] = lambda _: True


def _write_manifest(result: CoverageResult, path: Path) -> None:
    others = [path.with_name(name) for name in outputs_of(result) if name != path.name]
    manifest.write(result, path, others)


#: The files of a study, in the order in which they are written; the manifest comes last, since it
#: describes the others. Another output is one more entry.
OUTPUTS: dict[str, Output] = {
    "result.gpkg": Output(
        layers.write_geopackage,
        "application/geopackage+sqlite3",
        "Couches de l'étude (GeoPackage)",
    ),
    "zones.parquet": Output(
        layers.write_geoparquet,
        "application/vnd.apache.parquet",
        "Zones blanches (GeoParquet)",
    ),
    "map.html": Output(web_map.write, "text/html", "Carte", wanted=lambda _: leaflet.present()),
    "report.html": Output(report.write, "text/html", "Rapport"),
    "surface.tif": Output(
        raster.write,
        "image/tiff; application=geotiff; profile=cloud-optimized",
        "Marge en chaque lieu (GeoTIFF optimisé pour le nuage)",
        wanted=lambda result: result.surface is not None,
    ),
    "manifest.json": Output(
        _write_manifest, "application/json", "Manifeste : entrées, paramètres, versions"
    ),
}

#: Every file name that belongs to a result; a folder with any other is somebody else's.
RESULT_FILES = frozenset({*OUTPUTS, "report.pdf"})


def write_all(
    result: CoverageResult, folder: Path, *, on_step: Callable[[str], None] = lambda _: None
) -> tuple[Path, ...]:
    """Write every document of a result to ``folder`` (``workspace/studies/<id>``) and return their
    paths.

    They are written to a folder beside it, which then takes its name. Until that moment, and after
    any error or Ctrl-C, the previous result stands as it was. ``on_step`` is called with the name
    of each file as it starts.

    Raises
    ------
    OutputError
        Something could not be written (read-only folder, full disk, a file standing in the way).
    """
    place = folder.absolute()
    try:
        place = folder.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.parent):
            _recover(place)
            _refuse_foreign(place)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as beside:
            fresh = Path(beside) / place.name
            fresh.mkdir()
            for name, output in outputs_of(result).items():
                on_step(name)
                output.write(result, fresh / name)
            with _locked(place.parent):
                _refuse_foreign(place)
                _swap(fresh, place)
    except OutputFolderError:
        raise
    except (OSError, OutputError) as error:
        raise OutputError(
            Message(
                "{folder} : le résultat n'a pas été écrit ({why}) ; ce qui s'y trouvait est intact "
                "; vérifiez les droits et la place disponible, ou choisissez un autre dossier.",
                folder=folder,
                why=_reason(error),
            )
        ) from error
    return tuple(folder / name for name in outputs_of(result))


def write_together(
    folder: Path, writers: Mapping[str, Callable[[Path], Any]], refused: Message
) -> tuple[Path, ...]:
    """Write files beside a folder, made if need be, then rename them all into it; return their
    paths.

    Until then, and after any error, the previous files stand as they were.

    Raises
    ------
    OutputError
        The system refuses; ``refused`` says it, with the fields ``folder`` and ``why``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished.", dir=folder) as beside:
            for name, write in writers.items():
                write(Path(beside) / name)
            for name in writers:
                (Path(beside) / name).replace(folder / name)
    except OSError as error:
        raise OutputError(refused.format(folder=folder, why=error.strerror)) from error
    return tuple(folder / name for name in writers)


def write_text(path: Path, text: str) -> None:
    """Write a page as every system writes it: UTF-8, lines that end with a line feed."""
    path.write_text(text, encoding="utf-8", newline="\n")


def outputs_of(result: CoverageResult) -> dict[str, Output]:
    """Return the files of this result: no map where Leaflet is missing, a surface where asked."""
    return {name: output for name, output in OUTPUTS.items() if output.wanted(result)}


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds anything else than a study's documents: it would be lost."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, str(_IN_THE_WAY), str(folder))
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in names if name not in RESULT_FILES]
    if foreign:
        raise OutputFolderError(
            Message(
                "{folder} contient autre chose qu'un résultat d'étude ({files}) et n'est pas "
                "touché ; donnez un dossier vide ou un nom nouveau.",
                folder=folder,
                files=", ".join(foreign[:3]),
            )
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs from moving results in this folder meanwhile (where the system has such
    locks).
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _swap(fresh: Path, folder: Path) -> None:
    """Put ``fresh`` in the place of ``folder``; should the second move fail, undo the first.

    Between the two moves a reader may find no folder for an instant; never a half-written one.
    """
    previous = _previous(folder)
    if previous.exists():
        shutil.rmtree(previous, ignore_errors=True)
    if previous.exists():  # a leftover that cannot be removed must not stop this run
        previous = folder.with_name(f".{folder.name}.previous-{os.getpid()}")
    if not folder.exists():
        fresh.rename(folder)
        return
    folder.rename(previous)
    try:
        fresh.rename(folder)
    finally:
        if not folder.exists():
            previous.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Bring back a result that a killed run had set aside a moment before the new one took its
    name.
    """
    previous = _previous(folder)
    if previous.is_dir() and not folder.exists():
        previous.rename(folder)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return str(_REASONS.get(error.errno or 0, error.strerror))
    return str(error)


_IN_THE_WAY = Message("un fichier tient la place du dossier")
#: What a reader understands of a system's error.
_REASONS = {
    errno.EACCES: Message("accès refusé"),
    errno.EPERM: Message("opération non permise"),
    errno.EROFS: Message("le disque est en lecture seule"),
    errno.ENOSPC: Message("le disque est plein"),
    errno.EDQUOT: Message("le quota de disque est atteint"),
    errno.EFBIG: Message("la taille permise est dépassée"),
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}
