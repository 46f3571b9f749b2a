"""Findings: what was noticed in a row, said once, never silently repaired; and the words of a source
that we do not know, too many of which refuse it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Literal

from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import Message, _

type Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing noticed in the data. It is reported beside the result and never stops the rest."""

    #: Stable name of the rule, such as ``no-geometry``.
    rule: str
    #: The layer, file or source it was found in.
    layer: str
    #: Identifier of the row or record; empty when it concerns the whole layer.
    item: str
    #: One sentence: what was found, and what is done about it; a `Message` is told in the reader's
    #: language.
    message: str | Message
    severity: Severity = "warning"
    #: Row of the file it came from, the first data row being 1; 0 when it concerns no single row.
    row: int = 0
    #: Column of the file it was found in, by its published name; empty when several or none.
    column: str = ""
    #: What to do about it; empty when the message says enough.
    remedy: str | Message = ""

    def as_dict(self) -> dict[str, str | int]:
        """Return the finding as a plain dictionary, ready for JSON; row, column and remedy only
        where known.
        """
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            key: str(value) if isinstance(value, Message) else value
            for key, value in plain.items()
            if value or key not in {"row", "column", "remedy"}
        }


def count_by_rule(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings each rule has, rules in alphabetical order."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return dict(sorted(counts.items()))


#: The share of a column's rows that may hold words we do not know.
MAX_UNKNOWN = 0.05


@dataclass(frozen=True, slots=True)
class Unread:
    """A word of a source that we do not know; its rows have the default of the field."""

    where: str
    field: str
    column: str
    word: str
    rows: int
    #: Line of the file where it comes first; in OpenStreetMap, the number of the object.
    line: int
    #: Rows of the column.
    of: int

    def __str__(self) -> str:
        return _(
            "« {word} » ({rows}, dont la ligne {line})",
            word=self.word[:60],
            rows=self.rows,
            line=str(self.line),
        )


#: Words of a column that are named where there are more.
NAMED = 10


def named_words(unread: Iterable[Unread]) -> str:
    """Return words we do not know, the most frequent first, each with its rows."""
    by_rows = sorted(unread, key=lambda each: (-each.rows, each.word))
    return ", ".join([*map(str, by_rows[:NAMED]), *(["…"] if len(by_rows) > NAMED else [])])


def refuse_unread(
    every: Iterable[Unread], max_unknown: float, *, expected: Callable[[str], str]
) -> None:
    """Refuse a source of which a column holds too many words that we do not know; `expected` says
    what a field is.

    Raises
    ------
    LayerError
        More than `max_unknown` (a share of 1) of a column's rows.
    """
    columns: dict[tuple[str, str, str], list[Unread]] = {}
    for unread in every:
        columns.setdefault((unread.where, unread.field, unread.column), []).append(unread)
    for (where, field, column), words in columns.items():
        rows = sum(unread.rows for unread in words)
        if rows > max_unknown * words[0].of:
            raise LayerError(
                _(
                    "{where}, colonne « {column} » ({field}) : {rows} lignes sur {of} ne sont pas "
                    "comprises : {words}. Attendu : {expected} ; corrigez-les, ou acceptez-les à "
                    "l'import avec --max-unknown.",
                    where=where,
                    column=column,
                    field=field,
                    rows=rows,
                    of=words[0].of,
                    words=named_words(words),
                    expected=expected(field),
                )
            )
