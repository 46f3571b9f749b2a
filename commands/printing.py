"""How commands speak to a terminal: columns, JSON, findings and the current step."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from geoguichet.floor.words import _

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
            of = _("{done} sur {total}", done=done, total=total) if total else ""
            said = _(" ; ").join(part for part in (of, told) if part)
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


def print_json(value: Any) -> None:
    """Print a value for machines."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_rules(rules: Mapping[str, int]) -> None:
    """Print how many findings each rule has, those of most first."""
    from geoguichet.floor.words import number

    for rule, count in sorted(rules.items(), key=lambda entry: -entry[1]):
        print(f"  {number(count):>8}  {rule}")


def print_findings(findings: Sequence[Finding], *, most: int = 0) -> None:
    """Show findings on stderr, one a line; with ``most``, that many of a rule and a count of the
    rest, errors all.
    """
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.rule] += finding.severity != "error"
        if not most or shown[finding.rule] <= most:
            place = " ".join(part for part in (finding.layer, finding.item) if part)
            told = _("{place} : {what}", place=place, what=finding.message)
            print(told, file=sys.stderr)
    for rule, found in shown.items():
        if most and found > most:
            rest = _(
                "... et {n} autres de la sorte « {rule} » ; --json les dit tous.",
                n=found - most,
                rule=rule,
            )
            print(rest, file=sys.stderr)


def shorten(text: str, width: int) -> str:
    """Return a text that is no longer than a width, its middle left out when it was."""
    return (
        text if len(text) <= width else f"{text[: width - width // 3 - 1]}…{text[-(width // 3) :]}"
    )
