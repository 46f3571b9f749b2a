"""Which reader takes a file: the format asked for, else the one its columns tell, else the generic one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    kind: str = "services"


FALLBACK: Mapping[str, str] = {"territories": "limites", "populations": "populations", "broadband": "arcep"}
"""Kind of rows -> format that reads any file of that kind; services go to the generic reader."""


def choose_reader(
    path: Path, *, key: str | None = None, mapping: Path | None = None, kind: str | None = None
) -> ChosenReader:
    """Return how a file is read. A mapping asks for the generic reader.

    Parameters
    ----------
    kind
        What the rows are (``services`` or a key of ``tables_by_code.TABLES``); what the file is recognised as, else
        services, by default.

    Raises
    ------
    UsageError
        The format is unknown or of another kind, or a mapping is given with another format than the generic one.
    """
    if key not in {None, GENERIC, *FORMATS}:
        raise UsageError(f"format « {key} » inconnu ; formats connus : {GENERIC}, {', '.join(FORMATS)}.")
    if mapping is not None and key not in {None, GENERIC}:
        raise UsageError(f"--mapping ne va qu'avec le lecteur général, pas avec « {key} » ; ôtez l'un des deux.")
    if mapping is not None and kind not in {None, "services"}:
        raise UsageError(f"--mapping décrit des services, pas « {kind} » ; ôtez --as ou --mapping.")
    chosen = key or (None if mapping is not None else recognise(path))
    if kind is not None and chosen is not None and chosen in FORMATS and FORMATS[chosen].kind != kind:
        if key is not None:
            raise UsageError(f"le format « {key} » donne « {FORMATS[key].kind} », pas « {kind} » ; ôtez --as.")
        chosen = None
    chosen = chosen or FALLBACK.get(kind or "", GENERIC)
    if chosen != GENERIC:
        known = FORMATS[chosen]
        name = path.name.split(".")[0] if chosen in FALLBACK.values() else chosen
        return ChosenReader(chosen, known.title_fr, name, lambda: known.read(path), kind=known.kind)
    said = read_mapping(mapping) if mapping is not None else None
    text = mapping.read_text(encoding="utf-8") if mapping is not None else ""
    return ChosenReader(
        GENERIC, f"{path.name} (lecteur général)", path.stem, lambda: generic.read_chunks(path, mapping=said), text
    )
