"""How commands speak to a terminal: columns, French numbers, findings and the current step."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoguichet.floor.findings import Finding


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the current step on stderr when it is a terminal; otherwise stay silent."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
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
def counting(name: str, *, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Show on stderr, when it is a terminal, a bar that fills and goes when all is done; otherwise
    stay silent.

    What is yielded is called with how many are done, of how many (0 when nobody knows), and what to
    say beside.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total, _told: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    told = Column(
        ratio=1, no_wrap=True, overflow="ellipsis"
    )  # what does not fit on the line is what is said last
    shown = (
        TextColumn("{task.fields[name]}"),
        BarColumn(20),
        TimeElapsedColumn(),
        TextColumn("{task.description}", table_column=told),
    )
    with Progress(*shown, console=Console(stderr=True), transient=True, expand=True) as progress:
        task = progress.add_task("", total=None, name=shorten(name, 24))

        def on_progress(done: int, total: int, told: str) -> None:
            of = f"{number(done)} sur {number(total)}" if total else ""
            said = " ; ".join(part for part in (of, told) if part)
            progress.update(task, completed=done, total=total or None, description=said)

        yield on_progress


def columns(header: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return lines under a header and a rule; the first ``left`` columns to the left, the others to
    the right.
    """
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
    if isnan(change):
        return "-"
    told = (
        f"{change / 60:+.1f}".replace(".", ",")
        if unit == "s"
        else f"{change:+,.0f}".replace(",", " ")
    )
    return told if told.strip("+-0,") else told[1:]


def number(value: float) -> str:
    """Return a whole number with spaces between thousands, ``-`` when missing."""
    return "-" if isnan(value) else f"{value:,.0f}".replace(",", " ")


def percent(share: float, decimals: int = 1) -> str:
    """Return a share as a percentage with a decimal comma, without its sign."""
    return f"{share * 100:.{decimals}f}".replace(".", ",")


def print_findings(findings: Sequence[Finding], *, most: int = 0) -> None:
    """Show findings on stderr, one a line; with ``most``, that many of a rule and a count of the
    rest, errors all.
    """
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.rule] += finding.severity != "error"
        if not most or shown[finding.rule] <= most:
            place = " ".join(part for part in (finding.layer, finding.item) if part)
            print(f"{place} : {finding.message}", file=sys.stderr)
    for rule, found in shown.items():
        if most and found > most:
            print(
                f"... et {found - most} autres de la sorte « {rule} » ; --json les dit tous.",
                file=sys.stderr,
            )


def shorten(text: str, width: int) -> str:
    """Return a text that is no longer than a width, its middle left out when it was."""
    return (
        text if len(text) <= width else f"{text[: width - width // 3 - 1]}…{text[-(width // 3) :]}"
    )
