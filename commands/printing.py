"""How commands speak to a terminal: columns, French numbers, findings and the current step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoguichet.referentials.quality import Finding


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the current step on stderr when it is a terminal; otherwise stay silent."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True)
    ) as progress:
        tasks: list[Any] = []

        def on_step(name: str) -> None:
            for task in tasks:
                progress.update(task, total=1, completed=1)
            tasks.append(progress.add_task(name, total=None))

        yield on_step
        for task in tasks:
            progress.update(task, total=1, completed=1)


@contextmanager
def counting(name: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show counts that grow on stderr when it is a terminal; otherwise stay silent."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    shown = (TextColumn("{task.fields[name]}"), BarColumn(20), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, name=name)
        yield lambda told: progress.update(task, description=told)


def columns(header: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return lines under a header and a rule; the first ``left`` columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    told = [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (header, *lines)
    ]
    return "\n".join([told[0], "  ".join("-" * width for width in widths), *told[1:]])


def signed(change: float, unit: str = "m") -> str:
    """Return metres, or seconds as minutes to one decimal, with their sign, ``-`` when missing."""
    if unit == "s":
        return (
            "-"
            if change != change
            else f"{change / 60:+.1f}".replace("+0.0", "0,0").replace("-0.0", "0,0").replace(".", ",")
        )
    metres = change
    return "-" if metres != metres else f"{metres:+,.0f}".replace(",", " ").replace("+0", "0").replace("-0", "0")


def number(value: float) -> str:
    """Return a whole number with spaces between thousands, ``-`` when missing."""
    return "-" if isnan(value) else f"{value:,.0f}".replace(",", " ")


def percent(share: float, decimals: int = 1) -> str:
    """Return a share as a percentage with a decimal comma, without its sign."""
    return f"{share * 100:.{decimals}f}".replace(".", ",")


def print_findings(findings: Sequence[Finding]) -> None:
    """Show findings on stderr, one a line."""
    for finding in findings:
        place = " ".join(part for part in (finding.layer, finding.item) if part)
        print(f"{place} : {finding.message}", file=sys.stderr)
