"""The lists of the official geographic code as Etalab publishes them (JSON): communes, EPCI,
arrondissements ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.schema import Reading
from geoguichet.referentials.readers.cog import read_current
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

SOURCE = "cog-etalab"
LEVEL_OF_TYPE: Mapping[str, str] = {
    "commune-actuelle": "commune",
    "commune-deleguee": "delegated_commune",
    "commune-associee": "associated_commune",
    "arrondissement-municipal": "municipal_arrondissement",
}

OTHER_NAMES: Mapping[str, str] = {
    "codeDepartement": "departement",
    "codeRegion": "region",
    "codeEpci": "epci",
    "siren": "siren_commune",
}
"""Keys of geo.api.gouv.fr -> keys of the published lists."""


def read(path: Path) -> Iterator[Reading]:
    """Yield the territories of one list: its keys say which.

    Rules, beside those of ``tables_by_code.make_table``: ``no-population`` (a commune without
    inhabitants told), ``sum-mismatch`` (an EPCI whose members do not add up to its population).

    Raises
    ------
    LayerError
        When the file is missing or is no array of objects with ``code``.
    """
    rows = read_current(path)
    index = pd.RangeIndex(1, len(rows) + 1)
    level = pd.Series([_level(row) for row in rows], index=index, dtype=object)
    table = pd.DataFrame(
        [{key: _plain(value) for key, value in row.items()} for row in rows],
        index=index,
        dtype=object,
    )
    table = table.rename(columns=OTHER_NAMES)
    code = table["code"]
    found = {
        "level": level,
        "code": code,
        "name": table.get("nom"),
        "category": table.get("type"),
        "commune": table.get("commune", pd.Series(None, index=index, dtype=object)).where(
            level != "commune", code
        ),
        "departement": table.get("departement", pd.Series(None, index=index, dtype=object)).where(
            level != "departement", code
        ),
        "region": table.get("region", pd.Series(None, index=index, dtype=object)).where(
            level != "region", code
        ),
        "epci": code.where(level == "epci", table.get("epci")),
        "arrondissement": table.get("arrondissement"),
        "seat": table.get("chefLieu"),
        "postcode": table.get("codesPostaux"),
        "former_codes": table.get("anciensCodes"),
        "population": table.get("population", table.get("populationMunicipale")),
    }
    values = {name: series for name, series in found.items() if series is not None}
    findings = [*_without_people(values), *_sums(rows)]
    notes = (
        f"JSON, {len(rows)} lignes : "
        f"{', '.join(f'{count} {kind}' for kind, count in level.value_counts().items())}.",
    )
    yield make_table(CodedColumns("territories", SOURCE, values, findings=findings, notes=notes))


def _level(row: Mapping[str, Any]) -> str:
    if "membres" in row:
        return "epci"
    if row.get("type") in LEVEL_OF_TYPE:
        return LEVEL_OF_TYPE[str(row["type"])]
    if "codeDepartement" in row:
        return "commune"
    if "departement" in row:
        return "arrondissement"
    return "departement" if "region" in row else "region"


def _plain(value: Any) -> Any:
    """Return a value of one cell: a list of codes with spaces between; members apart."""
    if isinstance(value, list):
        return " ".join(map(str, value)) if all(isinstance(each, str) for each in value) else None
    return value


def _without_people(values: Mapping[str, pd.Series]) -> Iterator[Finding]:
    population = values.get("population")
    if population is None:
        return
    for row in population.index[population.isna() & (values["level"] == "commune")].tolist():
        message = f"{values['name'][row]} : pas de population."
        yield Finding(
            "no-population",
            SOURCE,
            f"commune-{values['code'][row]}",
            message,
            "warning",
            row,
            "population",
        )


def _sums(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Report the EPCI whose members' inhabitants do not add up to the total it is given."""
    for number, row in enumerate(rows, start=1):
        members, total = row.get("membres"), row.get("populationMunicipale")
        if not isinstance(members, list) or total is None:
            continue
        found = sum(member.get("populationMunicipale") or 0 for member in members)
        if found != total:
            message = (
                f"{row.get('nom')} : ses communes font {found} habitants, {total} sont annoncés."
            )
            remedy = "Vérifiez le millésime et les communes membres."
            yield Finding(
                "sum-mismatch",
                SOURCE,
                f"epci-{row['code']}",
                message,
                "error",
                number,
                "populationMunicipale",
                remedy,
            )
