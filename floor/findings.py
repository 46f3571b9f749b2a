"""Findings: what was noticed in a row, said once, never silently repaired."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from geoguichet.floor.words import Message

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
