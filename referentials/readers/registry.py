"""The published formats we know by name, and which reader takes a file: the format asked for, else
the one that the names in its head tell, else the generic reader.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyogrio.errors

from geoguichet.floor.errors import LayerError, UsageError
from geoguichet.floor.files import read_toml
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.schema import Reading, join_readings
from geoguichet.referentials.directory.services import OTHER
from geoguichet.referentials.readers import column_tables
from geoguichet.referentials.readers.column_names import (
    NAMES,
    FileMapping,
    folded,
    read_mapping,
)
from geoguichet.referentials.readers.column_tables import SERVICES, ColumnTable
from geoguichet.referentials.readers.open_table import layer_file
from geoguichet.referentials.readers.text_tables import read_bytes, read_sheets

HEAD_BYTES = 65_536
#: Share of the columns of a format that a file of it has, whatever its year.
LEAST = 0.4
#: Folded names that any list may have.
COMMON_NAMES = frozenset(name for names in NAMES.values() for name in names)


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """A format that a source publishes: a table of ``formats/*.toml``."""

    key: str
    title_fr: str
    #: Yields the file by chunks, so that a file of any size can be stored as it is read.
    read: Callable[..., Iterator[Reading]]
    #: Names found in the head of such a file, that no other format has together.
    recognised_by: frozenset[str]
    #: Form that one of the names in its head has, beside them.
    named_like: str = ""
    #: What the values in its head hold: names alone may be another format's.
    holds: str = ""
    #: Form of the first line of a file that has no column names.
    first_line: str = ""
    #: What its rows are: ``services``, or a key of ``tables_by_code.TABLES``.
    kind: str = SERVICES
    publisher: str = ""
    licence: str = ""
    #: The edition of the files that it was written from.
    vintage: str = ""

    #: Columns that its reader asks for; none when the reader looks for them itself.
    asked: frozenset[str] = frozenset()

    def is_named(self, names: frozenset[str]) -> bool:
        """Return whether the names in the head of a file are those of this format.

        Names are compared folded, but for those that any list may have (``Localité``), which have
        to be written as the publisher does; `LEAST` of the columns have to be there.
        """
        form = re.compile(self.named_like)
        written = names | {folded(name) for name in names} - COMMON_NAMES
        return (
            bool(self.recognised_by)
            and all(name in written or folded(name) in written for name in self.recognised_by)
            and (not self.named_like or any(form.fullmatch(name) for name in names))
            and self.completeness(names) >= LEAST
        )

    def score(self, names: frozenset[str]) -> tuple[float, int, float]:
        """Return how sure it is that a file with these names is of this format: the share of what
        recognises it that is written as the publisher does, how many names that is, and the share
        of its columns.
        """
        exact = len(self.recognised_by & names) / len(self.recognised_by)
        return exact, len(self.recognised_by), self.completeness(names)

    def completeness(self, names: frozenset[str]) -> float:
        """Return the share of the columns of this format that are among the names of a file."""
        wanted = {folded(name.rpartition(".")[2]) for name in self.asked}
        present = wanted & {folded(name) for name in names}
        return len(present) / len(wanted) if wanted else 1.0


# Return the tables of ``formats/*.toml``, each completed by the one it is like.
def _declared() -> dict[str, dict[str, Any]]:
    folder = Path(__file__).with_name("formats")
    whole: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*.toml")):
        for key, table in read_toml(file).items():
            like = whole.get(table.pop("like", ""), {})
            merged = {
                name: {**like.get(name, {}), **value} if isinstance(value, dict) else value
                for name, value in table.items()
            }
            whole[key] = {**like, **merged}
    return whole


def _format(key: str, table: dict[str, Any]) -> PublishedFormat:
    title, reader = table.pop("title"), table.pop("reader", "")
    about = {
        name: table.pop(name)
        for name in sorted(
            {each.name for each in fields(PublishedFormat)} & table.keys() - {"kind"}
        )
    }
    about["recognised_by"] = frozenset(about.get("recognised_by", ()))
    kind = table.get("kind", SERVICES)
    if reader:
        return PublishedFormat(key, title, partial(_read_by, reader), kind=kind, **about)
    how = _columns(key, table)
    read = partial(column_tables.read_published, how)
    return PublishedFormat(key, title, read, kind=kind, asked=frozenset(how.published()), **about)


# Return a table of columns; ours are on the left in the file, theirs are in the lists.
def _columns(key: str, table: dict[str, Any]) -> ColumnTable:
    return ColumnTable(
        table.pop("layer", key),
        {name: said for name, said in table.pop("columns").items() if said},
        types=_inverted(table.pop("types", {})),
        words={name: _inverted(said) for name, said in table.pop("words", {}).items()},
        notes=tuple(table.pop("notes", ())),
        **table.pop("file", {}),
        **table,
    )


def _inverted(words: Mapping[str, list[str]]) -> dict[str, str]:
    return {theirs: ours for ours, several in words.items() for theirs in several}


# Read a file by the function named ``module.function``; its module is imported only then.
def _read_by(reader: str, path: Path, *, mapping: FileMapping | None = None) -> Iterator[Reading]:
    module, _, function = reader.partition(".")
    read = getattr(import_module(f"geoguichet.referentials.readers.{module}"), function)
    return read(path, mapping=mapping) if mapping else read(path)


#: The formats, by key.
FORMATS: Mapping[str, PublishedFormat] = MappingProxyType(
    {key: _format(key, table) for key, table in _declared().items()}
)


def read_published(path: str | Path, *, key: str) -> Reading:
    """Read the whole file at ``path``, of the known format ``key`` (docs/referentials.md), and return
    its rows (points in EPSG:4326, one a service) and findings.

    Raises
    ------
    LayerError
        When the key is unknown, or the file is not of that format.

    Examples
    --------
    >>> import pandas as pd
    >>> pd.DataFrame({
    ...     "id_fs": [1], "format_fs": ["Site fixe"], "type_fs": ["Siège"],
    ...     "lib_fs": ["France services"], "insee_com": ["09122"], "lib_com": ["Foix"],
    ...     "insee_dep": ["09"], "longitude": [1.605], "latitude": [42.966],
    ...     "h_lundi": ["09:00-12:00"]}).to_csv("fs.csv", index=False)
    >>> reading = read_published("fs.csv", key="france-services-2024")
    >>> reading.rows[["id", "type", "name", "commune", "hours"]].values.tolist()
    [['fs-1', 'france_services', 'France services', '09122', 'Mo 09:00-12:00']]
    >>> reading.rows_in, reading.findings
    (1, ())
    """
    if key not in FORMATS:
        raise LayerError(f"format « {key} » inconnu ; formats connus : {', '.join(FORMATS)}.")
    return join_readings(FORMATS[key].read(Path(path)))


# -- recognition


def recognise(path: Path) -> str | None:
    """Return the key of the published format of a file, by the names in its head; None when it is
    none of them.
    """
    try:
        head = b"" if path.is_dir() else read_bytes(path, HEAD_BYTES)
    except LayerError:
        return None
    if head[257:262] == b"ustar":  # the archive of a directory, whose members say what it is
        return "dila"
    names = head_names(path, head)
    found = [
        kind for kind in FORMATS.values() if kind.is_named(names) and kind.holds.encode() in head
    ]
    if found:
        return max(found, key=lambda kind: kind.score(names)).key
    first = head.split(b"\n", 1)[0].decode("utf-8", errors="replace").rstrip("\r")
    return next(
        (
            kind.key
            for kind in FORMATS.values()
            if kind.first_line and re.fullmatch(kind.first_line, first)
        ),
        None,
    )


def head_names(path: Path, head: bytes) -> frozenset[str]:
    """Return the names in the head of a file: CSV header, JSON keys, columns of a shapefile; none
    when it is unreadable.
    """
    if path.is_dir() or path.suffix.lower() == ".shp":
        return _shapefile_columns(path)
    encoding = "latin-1" if b"\xe9" in head[:4096] else "utf-8"
    if head.startswith(b"PK\x03\x04"):
        return _workbook_columns(path)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \r\n")
    if text[:1] in {"{", "["} or text.startswith("var "):
        return frozenset(_json_keys(text))
    line = text.splitlines()[:1]
    separator = max(",;\t|", key=line[0].count) if line else ","
    return frozenset(name for row in csv.reader(line, delimiter=separator) for name in row)


# Yield the texts followed by a colon: the keys, whatever the depth.
def _json_keys(text: str) -> Iterator[str]:
    position = 0
    decoder = json.JSONDecoder(strict=False)
    while (position := text.find('"', position)) >= 0:
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            return
        if text[position : position + 2].lstrip().startswith(":"):
            yield value


def _shapefile_columns(path: Path) -> frozenset[str]:
    try:
        return frozenset(pyogrio.read_info(layer_file(path), encoding="ISO-8859-1")["fields"])
    except (LayerError, OSError, pyogrio.errors.DataSourceError):
        return frozenset()


def _workbook_columns(path: Path) -> frozenset[str]:
    try:
        sheets = read_sheets(path, rows=1)
    except LayerError:
        return frozenset()
    return frozenset(name for sheet in sheets.values() for row in sheet for name in row)


# -- which reader takes a file

GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class ChosenReader:
    """A file and the way it is read."""

    key: str
    title: str
    #: What the referential is called unless told otherwise: the format, or the file.
    name: str
    read: Callable[[], Iterator[Reading]]
    #: Text of the mapping file; a change of it is a new version.
    mapping: str = ""
    kind: str = SERVICES

    def read_once(self) -> "ChosenReader":
        """Return the same, whose file is read when it is first asked for and then kept."""
        kept = cache(lambda: tuple(self.read()))
        return replace(self, read=lambda: iter(kept()))


#: Kind of rows -> format that reads any file of that kind; services go to the generic reader.
FALLBACK: Mapping[str, str] = {
    "territories": "limites",
    "populations": "populations",
    "broadband": "arcep",
    "equipment": "bpe",
}


#: Kinds of rows whose code and other columns a mapping may name.
MAPPED = ("territories", "populations")


def choose_reader(
    path: Path, *, key: str | None = None, mapping: Path | None = None, kind: str | None = None
) -> ChosenReader:
    """Return how a file is read. A mapping asks for the generic reader, or for that of its kind.

    Parameters
    ----------
    kind
        What the rows are (``services`` or a key of ``tables_by_code.TABLES``); what the file is
        recognised as, else services, by default.

    Raises
    ------
    UsageError
        The format is unknown or of another kind, or a mapping is given with another format than
        the generic one.
    """
    if key not in {None, GENERIC, *FORMATS}:
        raise UsageError(
            f"format « {key} » inconnu ; formats connus : {GENERIC}, {', '.join(FORMATS)}."
        )
    if mapping is not None and key not in {None, GENERIC}:
        raise UsageError(
            f"--mapping ne va qu'avec le lecteur général, pas avec « {key} » ; ôtez l'un des deux."
        )
    if mapping is not None and kind not in {None, SERVICES, *MAPPED}:
        raise UsageError(
            Message(
                "--mapping décrit {kinds}, pas « {kind} » ; ôtez --as ou --mapping.",
                kinds=", ".join([SERVICES, *MAPPED]),
                kind=kind,
            )
        )
    if kind and key and key in FORMATS and FORMATS[key].kind != kind:
        raise UsageError(
            f"le format « {key} » donne « {FORMATS[key].kind} », pas « {kind} » ; ôtez --as."
        )
    recognised = None if key or mapping is not None else recognise(path)
    chosen = key or recognised
    if chosen is None or (kind and chosen in FORMATS and FORMATS[chosen].kind != kind):
        chosen = FALLBACK.get(kind or "", GENERIC)
    generic = ChosenReader(
        GENERIC,
        f"{path.name} (lecteur général)",
        path.stem,
        partial(
            column_tables.read_chunks, path, mapping=read_mapping(mapping) if mapping else None
        ),
        mapping.read_text(encoding="utf-8") if mapping else "",
    )
    if chosen == GENERIC:
        return generic
    known = FORMATS[chosen]
    special = ChosenReader(
        chosen,
        known.title_fr,
        path.name.split(".")[0] if chosen in FALLBACK.values() else chosen,
        partial(known.read, path),
        kind=known.kind,
    )
    if mapping is not None:
        read = partial(known.read, path, mapping=read_mapping(mapping))
        return replace(special, read=read, mapping=mapping.read_text(encoding="utf-8"))
    return _better(special, generic) if recognised and known.kind == SERVICES else special


def _better(special: ChosenReader, generic: ChosenReader) -> ChosenReader:
    """Return the reader of a recognised format, or the generic one where the first gives no point
    or no type and the second does, or where the first refuses the file.
    """
    try:
        readings = special.read()
        first = next(readings)
    except LayerError as refusal:
        return (
            generic
            if _placed_and_typed(generic)
            else replace(special, read=partial(_raise, refusal))
        )
    done = _found(first)
    if 0 in done and _placed_and_typed(generic) > done:
        return generic
    return replace(special, read=lambda: chain([first], readings))


def _raise(refusal: LayerError) -> Iterator[Reading]:
    raise refusal


# Return how many rows of a reading have a point, and how many a type.
def _found(reading: Reading) -> tuple[int, int]:
    rows = reading.rows
    return int(rows.geometry.notna().sum()), int((rows["type"] != OTHER).sum())


# The same of the first chunk of a reader; none when it refuses the file.
def _placed_and_typed(reader: ChosenReader) -> tuple[int, ...]:
    try:
        return _found(next(reader.read()))
    except LayerError:
        return ()
