"""An answer of ``geoguichet coverage`` as a terminal shows it, and the same for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from geoguichet.commands.printing import columns

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame

    from geoguichet.coverage.outputs.sections import Table
    from geoguichet.coverage.outputs.summary import Block
    from geoguichet.coverage.result import CoverageResult
    from geoguichet.coverage.siting.plan import KioskPlan


def print_blocks(blocks: Iterable[Block], files: Sequence[Path] = ()) -> None:
    """Print sentences and tables, a blank line between them, then the files that hold them all."""
    told = [block if isinstance(block, str) else _table(block) for block in blocks]
    print("\n\n".join([*told, "\n".join(map(str, files))] if files else told))


def _table(table: Table) -> str:
    lines = columns(table.header, table.rows, left=table.left).split("\n")
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
        "method": plan.method,
        "seconds": round(plan.seconds, 3),
        "cost_eur": float(result.kiosks["cost_eur"].sum()),
        "rules": rule_sentences(result),
        "out_of_every_reach": result.counters.get("demand_out_of_every_reach", 0),
    }


def _use(result: CoverageResult) -> dict[str, float | None] | None:
    """Return the use that is supposed and what all the kiosks avoid under it; None where a figure
    is not known.
    """
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
    rows: list[dict[str, Any]] = json.loads(plain.to_json(orient="records"))
    return rows
