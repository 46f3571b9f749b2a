"""Files of text as tables, a chunk of rows at a time: CSV, JSON, workbooks, compressed or not.

Nothing is guessed where a format is declared (`csv_chunks`, `json_table`); for a file that nobody
described (`open_csv`, `open_workbook`) encoding, separator and header are detected, and told.
"""

import codecs
import csv
import io
import itertools
import json
import lzma
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any, cast
from xml.etree.ElementTree import ParseError

import openpyxl
import pandas as pd
from openpyxl.utils import column_index_from_string
from openpyxl.utils.exceptions import InvalidFileException

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import (
    BUDGET,
    check_archive,
    check_cells,
    check_size,
    open_bytes,
    refused,
    rows_at_once,
    texts_of,
    too_much,
)
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import check_columns
from geoguichet.referentials.readers.column_names import FileMapping, match_columns

#: Rows held in memory at once: a file of any size is streamed by chunks (decision 044).
CHUNK_ROWS = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class OpenedTable:
    """A file opened as a table of text."""

    #: Text, blank where there is nothing; index: the row number, from 1.
    chunks: Iterator[pd.DataFrame]
    #: Filled as chunks are read.
    findings: list[Finding] = field(default_factory=list)
    #: What was understood of the file, in French sentences.
    notes: list[str] = field(default_factory=list)
    #: Declared by the file; empty when it is not.
    crs: str = ""
    is_layer: bool = False


# -- bytes

#: What reading a file, compressed or not, raises when its content is cut short or altered.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Say in one sentence that the content of a file is damaged, where reading it says so."""
    with refused(
        *DAMAGED,
        say=lambda error: f"{path} : contenu compressé abîmé ({error}) ; copiez-le de nouveau.",
    ):
        yield


def read_bytes(path: Path, size: int = -1) -> bytes:
    """Return the content of a file, decompressed, or its first `size` bytes.

    Raises
    ------
    LayerError
        When the file is missing or its compressed content is cut short.
    """
    with damage_refused(path), open_bytes(path) as file:
        if size >= 0:
            return file.read(size)
        content = bytearray()
        while block := file.read(_BLOCK):
            content += block
            check_size(path, len(content), BUDGET.document)
        return bytes(content)


# -- declared formats


def csv_chunks(
    path: Path,
    *,
    separator: str = ",",
    encoding: str = "utf-8",
    columns: Sequence[str] = (),
    header: Sequence[str] = (),
    quoting: bool = True,
) -> Iterator[pd.DataFrame]:
    """Yield a delimited file as frames of text, blank where the source is; index: the row number,
    from 1.

    Parameters
    ----------
    columns
        Columns that must be there.
    header
        Names of the columns of a file that has none.
    quoting
        False when quotes are ordinary characters.

    Raises
    ------
    LayerError
        When the file is missing, cut short, not in that encoding, has uneven rows or lacks a
        column.
    """
    options: dict[str, Any] = {
        "sep": separator,
        "encoding": encoding,
        "dtype": object,
        "keep_default_na": False,
        "quoting": csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
        "skip_blank_lines": True,
    }
    if header:
        options |= {"header": None, "names": list(header)}
    start = 1
    with (
        refused(
            pd.errors.ParserError,
            pd.errors.EmptyDataError,
            *DAMAGED,
            say=lambda error: (
                f"{path} : table illisible ({error}) ; vérifiez le séparateur, ou copiez-le de "
                "nouveau."
            ),
        ),
        refused(
            UnicodeDecodeError,
            say=lambda error: (
                f"{path} : le texte n'est pas en {encoding} (octet {error.start}) ; essayez le "
                "lecteur général."
            ),
        ),
        open_bytes(path, line=BUDGET.line) as file,
    ):
        width = len(header) or _first_line(path, file).count(separator.encode()) + 1
        options["chunksize"] = rows_at_once(path, width, CHUNK_ROWS)
        with pd.read_csv(file, **options) as reader:
            for chunk in reader:
                check_columns(chunk, columns, where=str(path))
                if header and chunk[header[-1]].fillna("").eq("").all():
                    raise LayerError(
                        f"{path} : {len(header)} champs par ligne sont attendus ; ce n'est pas ce "
                        "format."
                    )
                yield chunk.fillna("").set_axis(range(start, start + len(chunk)))
                start += len(chunk)


# Return the first line of a file that nothing was read of, from what is decompressed of it at once; of
# one that is longer, the file is opened again.
def _first_line(path: Path, file: IO[bytes]) -> bytes:
    with damage_refused(path):
        line, end, _ = cast("io.BufferedReader", file).peek(1).partition(b"\n")
    return line if end else read_bytes(path, BUDGET.line).partition(b"\n")[0]


def json_document(path: Path, *, wrapped: bool = False) -> Any:
    """Return a JSON document; when it is `wrapped` in a script, what stands from the first brace to
    the last.

    Raises
    ------
    LayerError
        When the file is missing or is not JSON.
    """
    content = read_bytes(path)
    if wrapped:
        content = content[content.find(b"{") : content.rfind(b"}") + 1]
    values = content.count(b",") + content.count(b"{")
    if values > BUDGET.cells:
        limit = Message("{n} valeurs, {most} au plus", n=values, most=BUDGET.cells)
        raise too_much(path, limit)
    with refused(
        ValueError,  # a number of 5,000 digits too
        RecursionError,
        say=lambda error: f"{path} : ce n'est pas du JSON valide ({error}) ; copiez-le de nouveau.",
    ):
        text = content.decode("utf-8-sig")
        return writable(json.loads(text), text)


def writable(value: Any, text: str) -> Any:
    """Return what was read of a JSON text without the halves of letters (``\\ud800``) that no file
    can hold: a question mark stands for each.
    """
    if "\\ud" not in text and "\\uD" not in text:
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def json_table(
    rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str] = (), path: Path
) -> pd.DataFrame:
    """Return records as a frame of text, blank where absent or null; index: the row number,
    from 1. What an object in a record says has columns of its own: ``adresse.code``.
    """
    if any(isinstance(value, dict) for row in rows[:100] for value in row.values()):
        rows = [{**row, **_inside(row)} for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    check_cells(path, len(rows), len(names))
    table = pd.DataFrame(
        {name: [json_text(row.get(name)) for row in rows] for name in names},
        index=range(1, len(rows) + 1),
        dtype=object,
    )
    check_columns(table, columns, where=str(path))
    return table


def _inside(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{name}.{key}": said
        for name, value in row.items()
        if isinstance(value, dict)
        for key, said in value.items()
    }


def json_text(value: Any) -> str:
    """Return a JSON or attribute value as text; a whole float loses its ``.0``."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# -- what a file does not say of itself

SEPARATORS = (";", ",", "\t", "|")
SAMPLE_LINES = 100
_BLOCK = 1 << 20
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
#: Bytes that Windows-1252 has no letter for.
_NOT_CP1252 = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})


def detect_encoding(file: IO[bytes]) -> tuple[str, str]:
    """Return the encoding of a whole text, read by blocks, and how it was known (a French phrase).

    A byte-order mark decides; else UTF-8 if every byte agrees; else Windows-1252, or Latin-1 where
    it has no letter.
    """
    head = file.read(4)
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding, "annoncé par sa marque d'ordre des octets"
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, holes, block = True, False, head
    while block:
        holes |= not _NOT_CP1252.isdisjoint(block)
        if utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                utf8 = False
        block = file.read(_BLOCK)
    if utf8 and not decoder.getstate()[0]:
        return "utf-8", "vérifié sur tout le fichier"
    return ("latin-1" if holes else "cp1252"), "supposé : des octets ne sont pas de l'UTF-8"


def detect_separator(text: str) -> str:
    """Return the separator that cuts the first lines into the most columns, evenly."""

    def score(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in _first_rows(text, separator) if row]
        if not widths:
            return (0.0, 0)
        width, count = Counter(widths).most_common(1)[0]
        return (count / len(widths) if width > 1 else 0.0, width)

    best = max(SEPARATORS, key=score)
    return best if score(best)[0] > 0 else ","


# Return the first rows of a text; those before a row that cannot be cut.
def _first_rows(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            rows.append(row)
            if len(rows) >= SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return rows


def detect_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the position of the line of column names among the first rows; None when there is
    none.

    It is the line that holds the most names we know; failing that the first full line, unless it
    has a number in it.
    """
    filled = [[cell.strip() for cell in row if cell.strip()] for row in rows[:20]]
    known = [len(match_columns(cells)) for cells in filled]
    if max(known, default=0) >= 2:
        return known.index(max(known))
    width = max(map(len, filled), default=0)
    position = next((rank for rank, cells in enumerate(filled) if len(cells) == width > 0), None)
    if position is None or known[position]:
        return position
    return None if any(_NUMBER.fullmatch(cell) for cell in filled[position]) else position


def open_csv(path: Path, mapping: FileMapping) -> OpenedTable:
    """Open a delimited text, what `mapping` does not say of it being detected.

    Raises
    ------
    LayerError
        When it is not in the encoding it is said to be in, or is damaged.
    """
    with damage_refused(path), open_bytes(path, line=BUDGET.line) as file:
        detected, why = detect_encoding(file)
    encoding = mapping.encoding or detected
    with _text_of(path, encoding) as text:
        sample = text.read(200_000)
    separator = mapping.separator or detect_separator(sample)
    notes = [
        f"Texte en {encoding} ({'dit par la correspondance' if mapping.encoding else why}), "
        f"séparé par « {separator if separator != chr(9) else 'tabulation'} »."
    ]
    findings = unread_texts(path)
    return OpenedTable(
        _table(_csv_lines(path, encoding, separator), path, mapping, findings, notes),
        findings,
        notes,
    )


# Open a text; what cannot be read of it is said in one sentence.
@contextmanager
def _text_of(path: Path, encoding: str) -> Iterator[IO[str]]:
    with (
        refused(
            UnicodeError,
            LookupError,
            say=lambda error: (
                f"{path} : le texte n'est pas en {encoding} ({error}) ; dites son codage dans "
                "[file]."
            ),
        ),
        refused(
            csv.Error,
            say=lambda error: (
                f"{path} : table illisible ({error}) ; un guillemet n'est sans doute pas refermé."
            ),
        ),
        damage_refused(path),
        open_bytes(path, line=BUDGET.line) as raw,
        io.TextIOWrapper(cast("io.BufferedReader", raw), encoding, newline="") as text,
    ):
        yield text


# Yield the cells of each line; the file stays open only while it is read.
def _csv_lines(path: Path, encoding: str, separator: str) -> Iterator[list[str]]:
    with _text_of(path, encoding) as text:
        yield from csv.reader(text, delimiter=separator)


# -- workbooks

#: Sheets of our template that hold no services.
OWN_SHEETS = frozenset({"Notice", "Types"})
#: What openpyxl and zipfile raise on a damaged workbook: they promise no one error.
_WORKBOOK_ERRORS = (
    *DAMAGED,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    SyntaxError,
    InvalidFileException,
    ParseError,
    NotImplementedError,
    RuntimeError,
)


def read_sheets(path: Path, *, rows: int | None = None) -> dict[str, list[list[str]]]:
    """Return the cells of each sheet of a workbook, as text; of their first `rows` only.

    Raises
    ------
    LayerError
        When it is no workbook, or a damaged one.
    """
    check_archive(path)
    with refused(
        *_WORKBOOK_ERRORS,
        say=lambda error: (
            f"{path} : classeur illisible ({error}) ; enregistrez-le de nouveau en .xlsx."
        ),
    ):
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations it does not keep
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {str(sheet.title): _cells(path, sheet, rows) for sheet in book.worksheets}
        book.close()
    return sheets


_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')


# Write the text of a cell in the rows that it was merged over, in its own column, and return how many
# rows that is. The parts of the workbook say what was merged, sheet by sheet in their order.
def _unmerged(path: Path, sheet: int, cells: list[list[str]]) -> int:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if re.search(r"worksheets/\w+\.xml$", name)]
        names.sort(key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
        found = _MERGED.findall(archive.read(names[sheet])) if sheet < len(names) else []
    filled = 0
    for left, top, right, bottom in found:
        column = column_index_from_string(left.decode()) - 1
        rows = range(int(top), min(int(bottom), len(cells)))
        if left == right and rows and column < len(cells[0]):
            text = cells[int(top) - 1][column]
            for row in rows:
                cells[row][column] = cells[row][column] or text
            filled += len(rows) if text else 0
    return filled


# Return the cells of a sheet: as wide as its longest row, whatever size it says that it has.
def _cells(path: Path, sheet: Any, rows: int | None) -> list[list[str]]:
    sheet.reset_dimensions()
    cells: list[list[str]] = []
    width = 1
    for row in itertools.islice(sheet.iter_rows(values_only=True), rows):
        texts = [cell_text(value) for value in row]
        while texts and not texts[-1]:
            texts.pop()
        cells.append(texts)
        width = max(width, len(texts))
        check_cells(path, len(cells), width)
    return [[*texts, *[""] * (width - len(texts))] for texts in cells]


def open_workbook(path: Path, mapping: FileMapping) -> OpenedTable:
    """Open the first sheet that holds something, or the one that `mapping` names; the others are
    told.

    Raises
    ------
    LayerError
        When it is no workbook, a damaged or an empty one, or has no such sheet.
    """
    sheets = read_sheets(path)
    filled = {name: rows for name, rows in sheets.items() if any(any(row) for row in rows)}
    if mapping.layer and mapping.layer not in sheets:
        raise LayerError(
            f"{path} : la feuille « {mapping.layer} » n'existe pas. Feuilles présentes : "
            f"{', '.join(sheets)}."
        )
    if not filled:
        raise LayerError(f"{path} : le classeur ne contient aucune cellule remplie.")
    chosen = mapping.layer or next(
        (name for name in filled if name not in OWN_SHEETS), next(iter(filled))
    )
    notes = [f"Classeur .xlsx, feuille « {chosen} »."]
    findings = [
        unread_layer(
            path,
            name,
            Message("La feuille « {name} » ({n} lignes) n'est pas lue.", name=name, n=len(rows)),
        )
        for name, rows in filled.items()
        if name != chosen and name not in OWN_SHEETS
    ]
    if merged := _unmerged(path, list(sheets).index(chosen), sheets[chosen]):
        told = Message("{n} cellule(s) fusionnées : leur texte vaut pour chaque ligne.", n=merged)
        remedy = Message("Défusionnez ces cellules, et répétez leur texte.")
        findings.append(Finding("merged-cells", path.name, "", told, "info", remedy=remedy))
    rows = _table(iter(sheets[chosen]), path, mapping, findings, notes)
    return OpenedTable(rows, findings, notes)


def unread_texts(path: Path) -> list[Finding]:
    """Return the findings that the other texts of a zip were left aside."""
    return [
        Finding(
            "unread-layer",
            path.name,
            "",
            Message("« {name} » n'est pas lu : le plus grand fichier du zip l'est.", name=name),
            remedy=Message("Décompressez-le, et importez-le à part."),
        )
        for name in texts_of(path)[1:]
    ]


def unread_layer(path: Path, name: str, message: Message) -> Finding:
    """Return the finding that a layer or a sheet of a file was left aside."""
    return Finding(
        "unread-layer",
        path.name,
        "",
        message,
        remedy=Message(
            'Pour la lire, écrivez layer = "{name}" dans [file] de --mapping.', name=name
        ),
    )


def cell_text(value: object) -> str:
    """Return a cell as text: whole numbers without decimals, dates in ISO form, booleans in
    French.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


# -- from lines of cells to frames

#: Column for the cells beyond the last named one.
EXTRA = "cellules en trop"


# Yield the lines under the header as frames; a blank line is no row, an uneven one is completed and
# told.
def _table(
    lines: Iterable[list[str]],
    path: Path,
    mapping: FileMapping,
    findings: list[Finding],
    notes: list[str],
) -> Iterator[pd.DataFrame]:
    lines = iter(lines)
    head = list(itertools.islice(lines, SAMPLE_LINES))
    filled = [position for position, row in enumerate(head) if _is_filled(row)]
    if not filled:
        return
    if mapping.header_row:
        position = mapping.header_row - 1 if mapping.header_row <= len(head) else None
    else:
        found = detect_header([head[position] for position in filled])
        position = None if found is None else filled[found]
    if position is None:
        names = [f"colonne {number}" for number in range(1, max(map(len, head)) + 1)]
        notes.append("Pas de ligne de noms de colonnes.")
    else:
        names = _unique(head[position])
        titles = [" ".join(filter(None, row)) for row in head[:position] if _is_filled(row)]
        if titles:
            notes.append(f"{len(titles)} ligne(s) de titre avant l'en-tête : « {titles[0][:60]} ».")
    held = rows_at_once(path, len(names), CHUNK_ROWS)
    rows = enumerate(
        filter(_is_filled, itertools.chain(head[0 if position is None else position + 1 :], lines)),
        start=1,
    )
    while part := list(itertools.islice(rows, held)):
        yield pd.DataFrame(
            [_evened(row, names, number, path.name, findings) for number, row in part],
            columns=[*names, EXTRA],
            index=range(part[0][0], part[-1][0] + 1),
            dtype=object,
        )


def _is_filled(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


_MORE = Message("{n} cellules, {width} sont attendues : le surplus est gardé à part.")
_LESS = Message("{n} cellules, {width} sont attendues : les dernières sont vides.")


# Return the cells of a row, one a column and one for what is beyond.
def _evened(
    row: list[str], names: list[str], number: int, layer: str, findings: list[Finding]
) -> list[str]:
    width = len(names)
    beyond = [cell for cell in row[width:] if cell.strip()]
    if beyond or len(row) < width:
        findings.append(
            Finding(
                "ragged-row",
                layer,
                f"ligne {number}",
                (_MORE if beyond else _LESS).given(n=len(row), width=width),
                "warning" if beyond else "info",
                number,
            )
        )
    return [*row[:width], *[""] * (width - len(row)), " | ".join(beyond)]


# Return column names that are there and distinct.
def _unique(header: Sequence[str]) -> list[str]:
    names: dict[str, None] = {}
    for position, cell in enumerate(header, start=1):
        name = cell.strip().lstrip("\ufeff") or f"colonne {position}"
        while name in names or name == EXTRA:
            name += f" ({position})"
        names[name] = None
    return list(names)
