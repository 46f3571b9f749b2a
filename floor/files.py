"""Files written whole or not at all, and told from one another by the digest of their content."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from geoguichet.floor.errors import FileError

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
