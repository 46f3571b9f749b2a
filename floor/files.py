"""Files written whole or not at all, told from one another by the digest of their content; what
cannot be read refused in one sentence.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from geoguichet.floor.errors import FileError, GeoguichetError, LayerError
from geoguichet.floor.words import Message

_BLOCK = 1 << 20


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a place to write a draft of a file in; it takes the file's place at the end.

    The draft has the file's own name (a writer may choose its format by the ending), in a hidden
    folder beside it, so that the last step is one rename. After an error, or a kill, what was there
    is there still. OSError when the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".geoguichet-") as scratch:
        draft = Path(scratch) / path.name
        yield draft
        draft.replace(path)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. FileError when it cannot be."""
    try:
        with whole(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise FileError(f"{path} ne peut pas être écrit ({error.strerror}).") from error


@contextmanager
def refused(
    *errors: type[Exception],
    say: Callable[[Any], str],
    kind: type[GeoguichetError] = LayerError,
) -> Iterator[None]:
    """Raise a `kind`, with the sentence that `say` makes of it, where one of `errors` is raised."""
    try:
        yield
    except errors as error:
        raise kind(say(error)) from error


def read_toml(path: Path, *, kind: type[GeoguichetError]) -> dict[str, Any]:
    """Return the document of a TOML file.

    Raises
    ------
    FileNotFoundError
    kind
        It cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except tomllib.TOMLDecodeError as error:
        told = Message(
            "{file} : ce n'est pas du TOML valide ({error}) ; corrigez la ligne indiquée.",
            file=path,
            error=error,
        )
        raise kind(told) from error
    except (OSError, UnicodeDecodeError) as error:
        told = Message(
            "{file} : fichier illisible ({error}) ; un fichier texte TOML en UTF-8 est attendu.",
            file=path,
            error=error,
        )
        raise kind(told) from error


def sha256(*paths: Path) -> str:
    """Return the SHA-256 digest of the content of files one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file's content, with that of the files that go with a shapefile."""
    parts = [(part, part.stat()) for part in parts_of(file)]
    return _digest(tuple((part, status.st_size, status.st_mtime_ns) for part, status in parts))


# Read files once however many layers ask; their sizes and times are there to tell them from what
# they were.
@lru_cache(maxsize=8)
def _digest(parts: tuple[tuple[Path, int, int], ...]) -> str:
    return sha256(*(part for part, _, _ in parts))


def parts_of(file: Path) -> list[Path]:
    """Return the files that make a dataset: a shapefile is several; a sidecar counts too."""
    endings = (
        (".shp", ".dbf", ".shx", ".prj", ".cpg")
        if file.suffix.lower() == ".shp"
        else (file.suffix,)
    )
    found = [file.with_suffix(ending) for ending in endings]
    return [part for part in (*found, *sidecars_of(file)) if part.is_file()]


def sidecars_of(file: Path) -> list[Path]:
    """Return the metadata files that may stand beside a dataset."""
    return [Path(f"{file}.xml"), file.with_suffix(".xml"), file.with_suffix(".qmd")]
