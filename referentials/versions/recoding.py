"""Figures by commune of one year brought to the communes of another, their sums conserved."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding, count_by_rule
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.readers.column_names import FileMapping, find_column
from geoguichet.referentials.readers.figures import CODE, POPULATION, read_table
from geoguichet.referentials.readers.open_table import open_table
from geoguichet.referentials.readers.text_tables import EXTRA
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.standing import counted_twice


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """A table on the communes of another day."""

    #: Index: code; one float column a figure.
    table: pd.DataFrame
    #: One row a figure: ``before``, ``after``, ``unplaced`` (of codes that never existed).
    sums: pd.DataFrame
    #: Codes of departure that land on another code.
    merged: int
    findings: tuple[Finding, ...]
    #: Codes shared between several: in proportion to the weights, and in equal parts for want of
    #: them.
    split: tuple[int, int] = (0, 0)


def read_weights(path: Path) -> pd.Series:
    """Return the population of each commune of a table, by code: what the shares of a split follow.

    Raises
    ------
    LayerError
        The file has no commune code, or no column of population.
    """
    people = (
        pd.concat([reading.rows for reading in read_table(path)], ignore_index=True)
        .groupby("code")["population"]
        .sum(min_count=1)
        .dropna()
    )
    if people.empty:
        raise LayerError(
            f"{path} : aucune population de commune ; une colonne {', '.join(POPULATION)} est "
            "attendue."
        )
    return people


def recode_file(
    path: Path,
    history: CommuneHistory,
    *,
    since: str,
    until: str = "",
    columns: tuple[str, ...] = (),
    weights: pd.Series | None = None,
) -> Recoded:
    """Bring the counts of a table (CSV, workbook, JSON with a commune code) to the communes of a
    day.

    Only figures that add up (people, dwellings, premises) may be asked for: a rate has no sum to
    conserve. Splits are told (``split-share``).

    Parameters
    ----------
    since, until Days the codes are of and are wanted at, ``2012-01-01``; the last day known when
        `until` is empty.
    columns
        Figures to bring; every column of numbers by default.
    weights Population of the new communes by code, which the shares of a split follow; else they
        are equal parts.

    Raises
    ------
    LayerError
        No column of codes, a column that is not there, or none of numbers.
    """
    chunks = list(open_table(path, FileMapping()).chunks)
    if not chunks:
        raise LayerError(
            f"{path} : aucune ligne ; une colonne de codes de communes et des nombres sont "
            "attendus."
        )
    table = pd.concat(chunks)
    code = find_column(table, CODE)
    if not code:
        raise LayerError(
            f"{path} : aucune colonne de codes de communes parmi "
            f"{', '.join(map(str, table.columns))}."
        )
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise LayerError(
            f"{path} : colonne absente : {missing[0]}. Présentes : "
            f"{', '.join(map(str, table.columns))}."
        )
    read = {
        str(name): numbers(table[name].str.strip())
        for name in columns or table.columns
        if name not in {code, EXTRA}
    }
    figures = {
        name: series for name, series in read.items() if columns or series.notna().mean() > 0.5
    }
    if not figures:
        raise LayerError(f"{path} : aucune colonne de nombres à recoder.")
    codes = table[code].str.strip().str.upper()
    codes = codes.where(codes.str.len() != 4, "0" + codes)
    landed, sums, findings = {}, {}, list[Finding]()
    moved = equal = 0
    for name, series in figures.items():
        values = series.fillna(0).groupby(codes).sum()
        landing = history.land(values, since=since, until=until or None, weights=weights)
        landed[name] = landing.values
        sums[name] = {
            "before": values.sum(),
            "after": landing.values.sum(),
            "unplaced": landing.unplaced.sum(),
        }
        moved = int((landing.shares["code"] != landing.shares["into"]).sum())
        findings, equal = [*landing.findings], len(landing.guessed)
    findings += counted_twice(codes, layer=path.name)
    shared = count_by_rule(findings).get("split-share", 0)
    table = pd.DataFrame(landed).sort_index()
    return Recoded(table, pd.DataFrame(sums).T, moved, tuple(findings), (shared - equal, equal))
