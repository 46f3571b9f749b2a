"""What stands beside the answer, as sections of sentences and tables that the report and the
command line share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from geoguichet.coverage.access.edge import NEIGHBOURS_M
from geoguichet.coverage.outputs.wording import MISSING, Wording
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.study.options import MeasuresChoice


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header; the first ``left`` columns are words, the others numbers."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    totals: int = 0
    """How many of the last rows are totals."""


@dataclass(frozen=True, slots=True)
class Section:
    """A title, sentences, and each table after the sentences that lead to it."""

    key: str
    title: str
    parts: tuple[str | Table, ...]


def sections(result: CoverageResult, say: Wording) -> list[Section]:
    """Return the sections the result has something to say in, in the order they are read."""
    builders = {
        "legal": _legal,
        "hours": _hours,
        "edge": _edge,
        "aggregation": _aggregation,
        "measures": _measures,
    }
    told = ((key, tuple(build(result, say))) for key, build in builders.items())
    return [Section(key, say(f"beside_{key}"), parts) for key, parts in told if parts]


def verdicts(result: CoverageResult, say: Wording) -> str:
    """Return the verdict of each rule of law in a few words, for a catalogue record; empty when
    none is asked.
    """
    table = result.beside.legal
    if table is None:
        return ""
    whole = table[table["code"] == ""]
    told = [
        f"{say('legal_' + str(row['rule'])).split(' : ')[0].split(': ')[0]} "
        f"{say('legal_' + str(row['verdict']))}"
        for row in whole.to_dict("records")
    ]
    return " ; ".join(told)


def _legal(result: CoverageResult, say: Wording) -> Iterator[str | Table]:
    table = result.beside.legal
    if table is None:
        return
    for rule, rows in table.groupby("rule", sort=False):
        yield say(f"legal_{rule}")
        for reason in dict.fromkeys(reason for reason in rows["reason"] if reason):
            yield say(f"legal_{reason}")
        need = result.study.need(str(rows["need"].iloc[0])).label
        yield Table(
            say("table_legal", need=need),
            (
                say("col_departement"),
                say("col_people"),
                say("col_beyond"),
                say("col_beyond_share"),
                say("col_undecided"),
                say("col_allowed"),
                say("col_verdict"),
            ),
            tuple(
                (
                    f"{row['code']} {row['name']}".strip(),
                    say.number(row["people"]),
                    say.number(row["beyond"]),
                    say.percent(row["beyond_share"]),
                    say.number(row["undecided"]),
                    say.percent(row["allowed_share"], 0),
                    say(f"legal_{row['verdict']}"),
                )
                for row in rows.to_dict("records")
            ),
            totals=1,
        )


def _hours(result: CoverageResult, say: Wording) -> Iterator[str | Table]:
    for one in result.beside.hours:
        need = result.study.need(one.need)
        if need.open_at is not None:
            yield say(
                "hours_told",
                need=need.label,
                moment=say.moment(need.open_at),
                open=one.counted,
                closed=one.closed,
                unknown=one.unknown,
            )
    for one in result.beside.hours[:1]:
        yield say(
            f"hours_{result.study.need(one.need).unknown_hours}", people=say("people", n=one.people)
        )


def _edge(result: CoverageResult, say: Wording) -> Iterator[str | Table]:
    edge = result.beside.edge
    if edge is None:
        return
    people = say("people", n=edge.people)
    exposed = say("people", n=edge.exposed)
    if edge.counted:
        yield say("edge_counted", people=people)
        if edge.exposed:
            yield say("edge_exposed", people=exposed)
    elif edge.known:
        yield say(
            "edge_not_counted",
            services=edge.known,
            buffer=say.distance(NEIGHBOURS_M),
            people=people,
        )
    else:
        yield say("edge_unknown", people=exposed)
    rows = tuple(
        (
            result.study.need(row["need"]).label,
            say.number(row["people_outside"]),
            say.percent(row["share"]),
        )
        for row in edge.by_need.to_dict("records")
    )
    yield Table(
        say("table_edge"), (say("col_need"), say("col_people"), say("col_beyond_share")), rows
    )


def _aggregation(result: CoverageResult, say: Wording) -> Iterator[str | Table]:
    error = result.beside.aggregation
    if error is None:
        return
    yield say(
        "aggregation_told",
        people=say("people", n=error.differently),
        share=say.percent(error.differently / error.people if error.people else 0.0),
        hidden=error.hidden,
        alarmed=error.alarmed,
    )
    yield say("aggregation_people", cells=error.people, communes=error.people_of_communes)
    outside = result.counters.get("people_outside_communes_at_the_border", 0)
    if outside:
        yield say("cells_outside", people=say("people", n=outside))
    bare = result.counters.get("communes_without_cells", 0)
    if bare:
        lost = result.counters["people_of_communes_without_cells"]
        yield say("cells_missing", communes=say("communes", n=bare), people=say("people", n=lost))
    rows = tuple(
        (
            result.study.need(row["need"]).label,
            say.cost(row["mean_absolute"]),
            say.cost(row["mean"]),
        )
        for row in error.by_need.to_dict("records")
    )
    header = (say("col_need"), say("col_mean_absolute"), say("col_mean_signed"))
    yield Table(say("table_aggregation"), header, rows)


def _measures(result: CoverageResult, say: Wording) -> Iterator[str | Table]:
    table = result.beside.measures
    if table is None:
        return
    choice = result.study.measures or MeasuresChoice()
    yield say("measures_told", line=say.percent(choice.poverty_line, 0))
    if choice.supply == "hours_per_week":
        yield say("measures_hours")
    keys = ("mean_access", "nothing", "gini", "palma", "poverty", "poverty_depth")
    header = (
        say("col_kind"),
        say("col_departement"),
        say("col_people"),
        *(say(f"col_{key}") for key in keys),
    )
    for need, rows in table.groupby("need", sort=False):
        yield Table(
            say("table_measures", need=result.study.need(str(need)).label),
            header,
            _measured(rows, say),
            left=2,
        )


def _measured(rows: pd.DataFrame, say: Wording) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            say(f"kind_{row['kind']}"),
            f"{row['code']} {row['name']}".strip(),
            say.number(row["people"]),
            say.number(row["mean"], 2),
            say.number(row["nothing"]),
            say.number(row["gini"], 2),
            say.number(row["palma"], 1) if row["palma"] == row["palma"] else MISSING,
            say.percent(row["poverty"]),
            say.percent(row["poverty_depth"]),
        )
        for row in rows.to_dict("records")
    )
