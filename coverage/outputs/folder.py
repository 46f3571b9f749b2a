"""All the documents of a study, written beside the previous ones and put in their place only when complete."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from geoguichet.coverage.errors import OutputError
from geoguichet.coverage.outputs import geopackage, geoparquet, manifest, report, web_map
from geoguichet.coverage.result import CoverageResult

type Writer = Callable[[CoverageResult, Path], None]

DOCUMENTS: dict[str, Writer] = {
    "result.gpkg": geopackage.write,
    "zones.parquet": geoparquet.write,
    "map.html": web_map.write,
    "report.html": report.write,
}
"""The files of a study and what writes each; ``manifest.json`` comes last and describes them."""


def write_all(
    result: CoverageResult, folder: Path, *, on_step: Callable[[str], None] = lambda _: None
) -> tuple[Path, ...]:
    """Write every document of a result to ``folder`` (``workspace/studies/<id>``) and return their paths.

    They are written to a folder beside it, which then takes its name. Until that moment, and after any error or
    Ctrl-C, the previous result stands as it was. ``on_step`` is called with the name of each file as it starts.

    Raises
    ------
    OutputError
        Something could not be written (read-only folder, full disk, a file standing in the way).
    """
    try:
        _recover(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
            fresh = Path(beside) / folder.name
            fresh.mkdir()
            _write_documents(result, fresh, on_step)
            _swap(fresh, folder)
    except (OSError, OutputError) as error:
        raise OutputError(
            f"{folder} : le résultat n'a pas été écrit ({_reason(error)}) ; ce qui s'y trouvait est intact ; "
            "vérifiez les droits et la place disponible, ou choisissez un autre dossier avec --workspace."
        ) from error
    return tuple(folder / name for name in (*DOCUMENTS, "manifest.json"))


def _write_documents(result: CoverageResult, folder: Path, on_step: Callable[[str], None]) -> None:
    for name, write in DOCUMENTS.items():
        on_step(name)
        write(result, folder / name)
    on_step("manifest.json")
    manifest.write(result, folder / "manifest.json", [folder / name for name in DOCUMENTS])


def _swap(fresh: Path, folder: Path) -> None:
    """Put ``fresh`` in the place of ``folder``; should the second move fail, undo the first."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "un fichier tient la place du dossier", str(folder))
    previous = _previous(folder)
    if previous.exists():
        shutil.rmtree(previous)
    if not folder.exists():
        fresh.rename(folder)
        return
    folder.rename(previous)
    try:
        fresh.rename(folder)
    except BaseException:
        previous.rename(folder)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Bring back a result that a killed run had set aside a moment before the new one took its name."""
    previous = _previous(folder)
    if previous.is_dir() and not folder.exists():
        previous.rename(folder)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return _IN_FRENCH.get(error.errno or 0, error.strerror)
    return str(error)


_IN_FRENCH = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération non permise",
    errno.EROFS: "le disque est en lecture seule",
    errno.ENOSPC: "le disque est plein",
    errno.EDQUOT: "le quota de disque est atteint",
    errno.EFBIG: "la taille permise est dépassée",
    errno.ENOTDIR: "un fichier tient la place d'un dossier",
    errno.EEXIST: "un fichier tient la place d'un dossier",
}
