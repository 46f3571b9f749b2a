"""Which reader takes a file: the format asked for, else the one its columns tell, else the generic one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from geoguichet.referentials.directory import Reading
from geoguichet.referentials.errors import UsageError
from geoguichet.referentials.readers import generic
from geoguichet.referentials.readers.column_names import read_mapping
from geoguichet.referentials.readers.formats import FORMATS, recognise

GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class ChosenReader:
    """A file and the way it is read."""

    key: str
    title: str
    name: str
    """What the referential is called unless told otherwise: the format, or the file."""
    read: Callable[[], Iterator[Reading]]
    mapping: str = ""
    """Text of the mapping file; a change of it is a new version."""


def choose_reader(path: Path, *, key: str | None = None, mapping: Path | None = None) -> ChosenReader:
    """Return how a file is read. A mapping asks for the generic reader.

    Raises
    ------
    UsageError
        The format is unknown, or a mapping is given with another format than the generic one.
    """
    if key not in {None, GENERIC, *FORMATS}:
        raise UsageError(f"format « {key} » inconnu ; formats connus : {GENERIC}, {', '.join(FORMATS)}.")
    if mapping is not None and key not in {None, GENERIC}:
        raise UsageError(f"--mapping ne va qu'avec le lecteur général, pas avec « {key} » ; ôtez l'un des deux.")
    chosen = key or (None if mapping is not None else recognise(path)) or GENERIC
    if chosen != GENERIC:
        kind = FORMATS[chosen]
        return ChosenReader(chosen, kind.title_fr, chosen, lambda: kind.read(path))
    said = read_mapping(mapping) if mapping is not None else None
    text = mapping.read_text(encoding="utf-8") if mapping is not None else ""
    return ChosenReader(
        GENERIC, f"{path.name} (lecteur général)", path.stem, lambda: generic.read_chunks(path, mapping=said), text
    )
