"""INSEE's BPE: how many pieces of equipment of each kind a commune has, whatever the shape it was
published in: a row a kind (``TYPEQU``, ``NB_EQUIP``), or a column a kind (``NB_D201``, or labels).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import (
    REFUSED,
    Reading,
    blank,
    departement_of,
    row_findings,
)
from geoguichet.referentials.directory.services import SERVICE_TYPES, TYPE_OF_BPE
from geoguichet.referentials.readers.column_names import FileMapping, find_column, folded
from geoguichet.referentials.readers.open_table import open_table
from geoguichet.referentials.readers.populations import CODE
from geoguichet.referentials.readers.tables_by_code import (
    CodedColumns,
    is_numeric,
    make_table,
    read_figure,
)
from geoguichet.referentials.readers.text_tables import EXTRA

SOURCE = "bpe"
#: Columns that repeat the sum of the others.
TOTALS = frozenset({"total", "total de nb equip"})
#: Type of the labels of the cross table of 2013, which has no codes.
TYPE_OF_LABEL_2013: Mapping[str, str] = {
    "Agence de proximité pôle emploi": "employment_agency",
    "Relais de proximité pôle emploi": "employment_agency",
    "Permanence pôle emploi": "employment_agency",
    "Agence spécialisée": "employment_agency",
    "Bureau de poste": "post_office",
    "Agence postale communale": "post_agency",
    "Relais poste commerçant": "post_relay",
    "Relais poste": "post_relay",
    "Gendarmerie": "gendarmerie",
    "Police": "police_station",
    "Maternité": "maternity",
    "Urgences": "emergency",
    "Médecin omnipraticien": "general_practitioner",
    "Pharmacie": "pharmacy",
    "Collège": "college",
}


def type_of_equipment(kind: str) -> str | None:
    """Return the service type that a code or a label of the BPE names; None when it is none of
    ours.
    """
    return TYPE_OF_BPE.get(kind) or TYPE_OF_LABEL_2013.get(kind)


def read(path: Path) -> Iterator[Reading]:
    """Yield the equipment of the communes: a row a commune, a number a kind of equipment.

    The rows of a commune (one an IRIS, one a kind) are summed: they are counted as gathered.

    Rules, beside those of ``tables_by_code.make_table``: ``unreadable-number``, ``refused-row`` (a
    row without a commune or a readable count).

    Raises
    ------
    LayerError
        When there is no row, no commune code or no count of equipment.
    """
    opened = open_table(path, FileMapping())
    parts: list[pd.DataFrame] = []
    places: list[pd.DataFrame] = []
    findings: list[Finding] = []
    rows_in = gathered = 0
    for table in opened.chunks:
        code = find_column(table, (*CODE, "cominsee"))
        if not code:
            raise LayerError(
                f"{path} : aucune colonne de codes de communes ; colonnes présentes : "
                f"{', '.join(map(str, table.columns))}."
            )
        codes = table[code].str.strip()
        counts = _counts(path, table.drop(columns=[code, EXTRA], errors="ignore"), codes, findings)
        readable = counts.notna().any(axis=1) & (codes != "")
        findings += row_findings(
            REFUSED,
            SOURCE,
            ~readable,
            codes,
            lambda row: "Ligne sans commune ou sans aucun équipement lisible : pas gardée.",
            "error",
        )
        rows_in, gathered = rows_in + len(table), gathered + int(readable.sum())
        parts.append(counts[readable].groupby(codes[readable]).sum(min_count=1))
        places.append(_places(table, codes)[readable])
    if not parts:
        raise LayerError(f"{path} : aucune ligne ; des équipements par commune sont attendus.")
    counts = pd.concat(parts).groupby(level=0).sum(min_count=1)
    gathered -= len(counts)
    yield _reading(
        counts, pd.concat(places), findings, tuple(opened.notes), rows_in=rows_in, gathered=gathered
    )


# Return a column of numbers a kind of equipment; NaN where nothing is said.
def _counts(
    path: Path, table: pd.DataFrame, codes: pd.Series, findings: list[Finding]
) -> pd.DataFrame:
    kind, count = find_column(table, ("typequ",)), find_column(table, ("nb equip",))
    if kind and count:
        numbers = read_figure(table[count], count, codes, SOURCE, findings)
        kinds = table[kind].str.strip().str.upper()
        kinds = kinds.where(kinds != "")
        return pd.get_dummies(kinds, dtype=float).replace(0, float("nan")).mul(numbers, axis=0)
    coded = [name for name in table.columns if re.fullmatch(r"NB_[A-G]\d{3}", str(name))]
    labelled = [name for name in table.columns if type_of_equipment(str(name)) is not None]
    if not coded and not labelled:
        raise LayerError(
            f"{path} : aucun compte d'équipements : « TYPEQU » et « NB_EQUIP », des colonnes "
            "« NB_<code> » ou les noms des équipements sont attendus ; colonnes présentes : "
            f"{', '.join(map(str, table.columns[:12]))}."
        )
    kept = coded or [
        name for name in table.columns if folded(name) not in TOTALS and is_numeric(table[name])
    ]
    return pd.DataFrame(
        {
            str(name).removeprefix("NB_"): read_figure(
                table[name], str(name), codes, SOURCE, findings
            )
            for name in kept
        }
    )


def _places(table: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    name = find_column(table, ("nom com", "libgeo", "nom commune"))
    year = find_column(table, ("an", "annee"))
    return pd.DataFrame(
        {
            "code": codes,
            "name": table[name] if name else blank(table.index),
            "year": table[year] if year else blank(table.index),
        }
    )


def _reading(
    counts: pd.DataFrame,
    places: pd.DataFrame,
    findings: list[Finding],
    notes: tuple[str, ...],
    *,
    rows_in: int,
    gathered: int,
) -> Reading:
    first = places[~places["code"].duplicated()]
    counts = counts.reindex(first["code"]).set_axis(first.index)
    ours = [
        f"{kind} = {SERVICE_TYPES[key].label_fr}"
        for kind in counts.columns
        if (key := type_of_equipment(str(kind))) is not None
    ]
    said = f"{len(counts.columns)} sortes d'équipements par commune"
    notes = (*notes, f"{said} ; de nos types : {', '.join(ours) or 'aucune'}.")
    values = {
        "code": first["code"],
        "name": first["name"],
        "departement": departement_of(first["code"]),
        "year": first["year"],
        "equipment_total": counts.sum(axis=1),
    }
    return make_table(
        CodedColumns(
            "equipment",
            SOURCE,
            values,
            others={str(kind): counts[kind] for kind in counts},
            findings=findings,
            notes=notes,
            rows_in=rows_in,
            gathered=gathered,
        )
    )
