"""ARCEP's "Ma connexion internet": premises each technology or speed can reach, by commune."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import numbers
from geoguichet.referentials.directory.schema import Reading, departement_of
from geoguichet.referentials.readers.column_names import FileMapping
from geoguichet.referentials.readers.opening import open_source
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

SOURCE = "arcep"
COUNTS: Mapping[str, tuple[str, ...]] = {
    "fibre_share": ("elig_ftth", "ftth", "fibre"),
    "mbps_8_share": ("elig_bhd8", "elig_bhd", "bhd8"),
    "mbps_30_share": ("elig_thd30", "thd30"),
    "mbps_100_share": ("elig_thd100", "thd100"),
    "gbps_1_share": ("elig_thd1g", "thd1g"),
    "ineligible_share": ("inel_hd", "ineligible"),
}
"""Share -> published count of premises: ``commune_techno.csv`` has the first,
``commune_debit*.csv`` the others.
"""
PREMISES = ("nbr", "locaux", "nb_locaux", "nombre_de_locaux")
CODE = ("code_insee", "insee", "codgeo", "code_commune", "insee_com")


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
    source = open_source(path, FileMapping())
    for chunk in source.chunks:
        named = {str(name).strip().lower(): chunk[name] for name in chunk.columns}
        code, premises = (
            next((named[each] for each in words if each in named), None)
            for words in (CODE, PREMISES)
        )
        found = {
            share: next((named[each] for each in words if each in named), None)
            for share, words in COUNTS.items()
        }
        told = {share: column for share, column in found.items() if column is not None}
        if code is None or premises is None or not told:
            raise LayerError(
                f"{path} : « code_insee », « nbr » et une colonne « elig_... » sont attendues ; "
                f"colonnes présentes : {', '.join(named)}."
            )
        yield _reading(path, named, code.str.strip(), numbers(premises), told, tuple(source.notes))


def _reading(
    path: Path,
    named: Mapping[str, pd.Series],
    code: pd.Series,
    premises: pd.Series,
    told: Mapping[str, pd.Series],
    notes: tuple[str, ...],
) -> Reading:
    index = code.index
    code = code.where(code.str.len() != 4, "0" + code)
    empty = ~(premises > 0)
    findings = [
        Finding(
            "no-premises",
            SOURCE,
            str(code[row]),
            "Aucun local compté : parts inconnues.",
            "info",
            row,
            "nbr",
        )
        for row in index[empty].tolist()
    ]
    kinds = named.get("type", pd.Series("all", index=index)).str.strip()
    for row in index[~kinds.isin(["all", ""])].tolist():
        message = f"Comptage « {kinds[row]} », non « all » : gardé sous un autre identifiant."
        findings.append(
            Finding("other-count", SOURCE, str(code[row]), message, "info", row, "type")
        )
    shares: dict[str, pd.Series] = {}
    for share, column in told.items():
        part = numbers(column) / premises.where(~empty, np.nan)
        for row in index[(part > 1).to_numpy()].tolist():
            message = (
                f"{share} : plus de locaux desservis que de locaux ({part[row]:.3f}) ; ramené à 1."
            )
            findings.append(
                Finding(
                    "above-total", SOURCE, str(code[row]), message, "warning", row, str(column.name)
                )
            )
        shares[share] = part.clip(0, 1)
    blank = pd.Series("", index=index)
    basis = "wired" if "filaire" in path.name else "land" if "terrestre" in path.name else "all"
    suffix = ("-" + kinds).where(~kinds.isin(["all", ""]), "")
    values = {
        "id": code + suffix,
        "code": code,
        "name": named.get("nom_com", blank),
        "departement": named.get("code_dep", departement_of(code)),
        "basis": pd.Series(basis, index=index),
        "date": named.get("date", blank),
        "premises": premises,
        **shares,
    }
    said = ", ".join(shares)
    notes = (*notes, f"Parts des locaux : {said} ; base : {basis}.")
    return make_table(CodedColumns("broadband", SOURCE, values, findings=findings, notes=notes))
