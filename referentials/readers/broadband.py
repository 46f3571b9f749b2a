"""ARCEP's "Ma connexion internet": premises each technology or speed can reach, by commune."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.directory.schema import (
    Reading,
    blank,
    departement_of,
    row_findings,
)
from geoguichet.referentials.readers.column_names import FileMapping, find_column
from geoguichet.referentials.readers.open_table import open_table
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

SOURCE = "arcep"
#: Share -> published count of premises: ``commune_techno.csv`` has the first,
#: ``commune_debit*.csv`` the others.
COUNTS: Mapping[str, tuple[str, ...]] = {
    "fibre_share": ("elig ftth", "ftth", "fibre"),
    "mbps_8_share": ("elig bhd8", "elig bhd", "bhd8"),
    "mbps_30_share": ("elig thd30", "thd30"),
    "mbps_100_share": ("elig thd100", "thd100"),
    "gbps_1_share": ("elig thd1g", "thd1g"),
    "ineligible_share": ("inel hd", "ineligible"),
}
PREMISES = ("nbr", "locaux", "nb locaux", "nombre de locaux")
CODE = ("code insee", "insee", "codgeo", "code commune", "insee com")


def read(path: Path) -> Iterator[Reading]:
    """Yield the communes of one of ARCEP's tables (CSV ``;``: code_insee, nom_com, nbr, elig_...).

    A count over the premises becomes a share from 0 to 1; a column that already is a share or a
    percentage (``taux_...``) is taken as it is. The speeds count satellite unless the file is the
    wired (``filaire``) or land (``terrestre``) one: `basis` keeps which.

    Rules, beside those of ``tables_by_code.make_table``: ``above-total`` (more premises reached
    than there are), ``no-premises``, ``other-count`` (a ``type`` that is not ``all``).

    Raises
    ------
    LayerError
        When there is no code, no count of premises, or no column of coverage.
    """
    opened = open_table(path, FileMapping())
    basis = "wired" if "filaire" in path.name else "land" if "terrestre" in path.name else "all"
    for table in opened.chunks:
        code, premises = find_column(table, CODE), find_column(table, PREMISES)
        counts = {share: find_column(table, names) for share, names in COUNTS.items()}
        counts = {share: column for share, column in counts.items() if column}
        if not code or not premises or not counts:
            raise LayerError(
                f"{path} : « code_insee », « nbr » et une colonne « elig_... » sont attendues ; "
                f"colonnes présentes : {', '.join(map(str, table.columns))}."
            )
        notes = (*opened.notes, f"Parts des locaux : {', '.join(counts)} ; base : {basis}.")
        codes = table[code].str.strip()
        codes = codes.where(codes.str.len() != 4, "0" + codes)
        yield _reading(table, codes, numbers(table[premises]), counts, basis, notes)


def _reading(
    table: pd.DataFrame,
    code: pd.Series,
    premises: pd.Series,
    counts: Mapping[str, str],
    basis: str,
    notes: tuple[str, ...],
) -> Reading:
    kinds = _column(table, "type", "all").str.strip()
    other = ~kinds.isin(["all", ""])
    empty = ~(premises > 0)
    findings = [
        *row_findings(
            "no-premises",
            SOURCE,
            empty,
            code,
            lambda row: "Aucun local compté : parts inconnues.",
            "info",
            "nbr",
        ),
        *row_findings(
            "other-count",
            SOURCE,
            other,
            code,
            lambda row: (
                f"Comptage « {kinds[row]} », non « all » : gardé sous un autre identifiant."
            ),
            "info",
            "type",
        ),
    ]
    shares: dict[str, pd.Series] = {}
    for share, column in counts.items():
        part = numbers(table[column]) / premises.where(~empty, np.nan)
        findings += _above_total(share, part, code, column)
        shares[share] = part.clip(0, 1)
    values = {
        "id": code + ("-" + kinds).where(other, ""),
        "code": code,
        "name": _column(table, "nom com"),
        "departement": departement_of(code).where(
            _column(table, "code dep") == "", _column(table, "code dep")
        ),
        "basis": pd.Series(basis, index=code.index),
        "date": _column(table, "date"),
        "premises": premises,
        **shares,
    }
    return make_table(CodedColumns("broadband", SOURCE, values, findings=findings, notes=notes))


def _above_total(share: str, part: pd.Series, code: pd.Series, column: str) -> list[Finding]:
    return row_findings(
        "above-total",
        SOURCE,
        part > 1,
        code,
        lambda row: (
            f"{share} : plus de locaux desservis que de locaux ({part[row]:.3f}) ; ramené à 1."
        ),
        column=column,
    )


def _column(table: pd.DataFrame, name: str, default: str = "") -> pd.Series:
    column = find_column(table, (name,))
    return table[column] if column else blank(table.index).replace("", default)
