"""Findings: what was noticed in a row, said once, never silently repaired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

type Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing noticed in the data. It is reported beside the result and never stops the rest."""

    rule: str
    """Stable name of the rule, such as ``no-geometry``."""
    layer: str
    """The layer, file or source it was found in."""
    item: str
    """Identifier of the row or record; empty when it concerns the whole layer."""
    message: str
    """One sentence in French: what was found, and what is done about it."""
    severity: Severity = "warning"

    def as_dict(self) -> dict[str, str]:
        """Return the finding as a plain dictionary, ready for JSON."""
        return asdict(self)


def count_by_rule(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings each rule has, rules in alphabetical order."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return dict(sorted(counts.items()))
