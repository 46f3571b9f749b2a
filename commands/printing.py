"""How commands speak to a terminal: columns, JSON, findings and the current step."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING, Any, cast

from geoguichet.floor.words import _

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame

    from geoguichet.coverage.manifest import CoverageResult
    from geoguichet.coverage.outputs.first_lines import Table
    from geoguichet.coverage.outputs.summary import Block
    from geoguichet.coverage.siting.problem import KioskPlan
    from geoguichet.floor.findings import Finding
    from geoguichet.floor.words import Unit
    from geoguichet.referentials.directory.hours import Moment


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
    progress = Progress(*shown, console=Console(stderr=True), transient=True, expand=True)
    task = progress.add_task("", total=None, name=shorten(name, 24))

    def on_progress(done: int, total: int, told: str) -> None:
        progress.start()  # a thread, which who counts can start processes before
        of = _("{done} sur {total}", done=done, total=total) if total else ""
        said = _(" ; ").join(part for part in (of, told) if part)
        progress.update(task, completed=done, total=total or None, description=said)

    try:
        yield on_progress
    finally:
        progress.stop()


def columns(
    header: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1, words: int = 0
) -> str:
    """Return lines under a header and a rule; the first ``left`` columns and the last ``words`` to
    the left, the others to the right.
    """
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    told = [
        "  ".join(
            cell.ljust(width) if place < left or place >= len(header) - words else cell.rjust(width)
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
            print(_("{place} : {what}", place=place, what=finding.message), file=sys.stderr)
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


# An answer of ``geoguichet coverage`` as a terminal shows it, and the same for machines.


def print_blocks(blocks: Iterable[Block], files: Sequence[Path] = ()) -> None:
    """Print sentences and tables, a blank line between them, then the files that hold them all."""
    told = [block if isinstance(block, str) else _table(block) for block in blocks]
    print("\n\n".join([*told, "\n".join(map(str, files))] if files else told))


def counters_told(
    features: Sequence[Mapping[str, Any]], unit: Unit, at: Moment | None = None
) -> str:
    """Say the counters found, nearest first, and what each is at a moment; costs in the study's
    unit.
    """
    from geoguichet.floor.words import cost_in_table
    from geoguichet.referentials.directory.hours import hours_told
    from geoguichet.referentials.directory.status import status, status_told

    told = [feature["properties"] for feature in features]
    if not told:
        return _("Aucun guichet n'est ouvert alors.")
    timed = any(row["opening"] for row in told)
    unknown = _("horaires inconnus")
    proposed = _("proposé, pas encore ouvert")

    def state(row: Mapping[str, Any]) -> str:
        if row["opening"] == "proposed":
            return proposed
        departement = row["departement"] or ""
        return "" if at is None else status_told(status(row["hours"], at, departement), at)

    rows = [
        (
            cost_in_table(row[unit.column("cost")], unit),
            str(row["name"]),
            f"{row['commune_name']} ({row['departement']})",
            *([state(row)] if timed else []),
            hours_told(row["hours"]) if row["hours"] else unknown,
            str(row["id"]),
        )
        for row in told
    ]
    header = (
        _("Trajet") if unit == "s" else _("Distance"),
        _("Guichet"),
        _("Commune"),
        *([_("Alors")] if timed else []),
        _("Horaires"),
        _("Identifiant"),
    )
    return columns(header, rows, left=len(header))


def _table(table: Table) -> str:
    lines = columns(table.header, table.rows, left=table.left, words=table.words).split("\n")
    if table.totals:
        lines.insert(-1, lines[1])
    return "\n".join(filter(None, [table.caption, *lines, table.note]))


def as_json(result: CoverageResult, files: Sequence[Path]) -> dict[str, Any]:
    """Return a study's answer for machines."""
    plan = result.plan
    return {
        "study": result.study.id,
        "summary": result.summary.to_dict("records"),
        "plan": None if plan is None else _plan(result, plan),
        "kiosks": _records(result.kiosks),
        "access_hours": None if plan is None else result.access_hours,
        "use": _use(result),
        "ranking": None if result.ranking is None else result.ranking.as_dict(),
        "beside": result.beside.as_dict(),
        "counters": result.counters,
        "findings": [finding.as_dict() for finding in result.findings],
        "files": [str(file) for file in files],
    }


def _plan(result: CoverageResult, plan: KioskPlan) -> dict[str, Any]:
    from geoguichet.coverage.outputs.plan_text import rule_sentences

    choice = result.study.kiosks
    return {
        "kiosks": len(plan.sites),
        "model": choice.model if choice is not None else "",
        "formulation": plan.model,
        "sense": plan.sense,
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
        "hosts": None if plan.hosts is None else plan.hosts.as_dict(),
        "method": plan.method,
        "seconds": round(plan.seconds, 3),
        "cost_eur": float(result.kiosks["cost_eur"].sum()),
        "rules": rule_sentences(result),
        "out_of_every_reach": result.counters.get("demand_out_of_every_reach", 0),
    }


# Return the use that is supposed and what all the kiosks avoid under it; None where a figure is not
# known.
def _use(result: CoverageResult) -> dict[str, float | None] | None:
    from dataclasses import asdict

    from geoguichet.coverage.kiosks.ranking import SAVINGS

    if result.study.kiosks is None:
        return None
    totals = result.kiosks[list(SAVINGS)].astype(float).sum(min_count=1)
    return asdict(result.study.kiosks.use) | {
        key: None if isnan(totals[key]) else totals[key] for key in SAVINGS
    }


def _records(table: GeoDataFrame) -> list[dict[str, Any]]:
    plain = table.drop(columns=table.geometry.name).reset_index()
    return cast("list[dict[str, Any]]", json.loads(plain.to_json(orient="records")))
