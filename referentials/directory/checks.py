"""Inspect a directory of services against the ground: where each should be, which code it bears,
who stands twice.
"""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import pandas as pd

from geoguichet.floor.findings import Finding, Severity
from geoguichet.referentials.directory.inspection import OUTLINE_TOLERANCE_M, distance_to_commune_m
from geoguichet.referentials.directory.schema import departement_of_code
from geoguichet.referentials.layers import LONLAT, METRIC
from geoguichet.referentials.territories.code_history import CommuneHistory
from geoguichet.referentials.territories.territory import Territory

SAME_PLACE_M = 50
"""Two services of one type and name this near each other are one service told twice."""


def within_territory(rows: gpd.GeoDataFrame, territory: Territory) -> pd.Series:
    """Return which rows say they are in the territory, by their commune or département, wherever
    their point is.

    A row that says neither is judged by its point.
    """
    departements = set(territory.departements["code"])
    said = rows["commune"].isin(territory.communes["code"]) | rows["departement"].isin(
        list(departements)
    )
    silent = rows["commune"].isna() & rows["departement"].isna()
    return said | (silent & rows.geometry.intersects(territory.boundary))


def directory_findings(
    rows: gpd.GeoDataFrame,
    *,
    territory: Territory | None = None,
    history: CommuneHistory | None = None,
    layer: str,
) -> list[Finding]:
    """Return what is wrong with the rows of a directory, beyond what its reader noticed.

    Parameters
    ----------
    rows
        Contract: ``directory.check_directory``.
    territory
        Where they should be: only the rows that say they are there are compared with it.
    history
        Commune codes; without it codes are not judged.

    Rules: ``shared-point``, ``duplicate``, ``code-against-postcode``; with a territory
    ``outside-territory``, ``outside-commune``; with a history ``outdated-commune``,
    ``unknown-commune``.
    """
    findings = [
        *_shared_points(rows, layer),
        *_duplicates(rows, layer),
        *_against_postcodes(rows, layer),
    ]
    if territory is not None:
        concerned = rows[within_territory(rows, territory)]
        findings += [
            *_outside_territory(concerned, territory, layer),
            *_outside_commune(concerned, territory, layer),
        ]
    if history is not None:
        findings += _commune_codes(rows, history, layer)
    return findings


def _shared_points(rows: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Report the services that stand at the very same coordinates as a service of another
    address.
    """
    located = rows[rows.geometry.notna()]
    places = pd.Series(located.geometry.to_wkb(), index=located.index)
    grouped = located.assign(place=places).groupby("place")
    address = located["address"].fillna(located["id"]) + "|" + located["commune"].fillna("")
    several = grouped["id"].transform("size")
    differ = address.groupby(places).transform("nunique") > 1
    shared = (several > 1) & differ
    for row, count in zip(located[shared].itertuples(), several[shared].tolist(), strict=True):
        message = (
            f"{row.name} : mêmes coordonnées que {count - 1} autre(s) service(s), pas tous "
            "à son adresse."
        )
        remedy = (
            "Géocodez son adresse : ce point est sans doute celui de la commune, ou un point "
            "par défaut."
        )
        yield Finding(
            "shared-point", layer, row.id, message, "warning", row.source_row, "geometry", remedy
        )


def _duplicates(rows: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Report the services told twice: same type, name and commune, at the same place."""
    located = rows[rows.geometry.notna()]
    metric = located.geometry.to_crs(METRIC)
    cell = (metric.x // SAME_PLACE_M).astype(str) + "/" + (metric.y // SAME_PLACE_M).astype(str)
    keys = [located["type"], located["name"].str.lower(), located["commune"].fillna(""), cell]
    rank = located.groupby(keys).cumcount()
    for row in located[rank > 0].itertuples():
        message = f"{row.name} : même type, même nom et même lieu qu'une ligne précédente."
        yield Finding(
            "duplicate",
            layer,
            row.id,
            message,
            "warning",
            row.source_row,
            remedy="Gardez une seule ligne.",
        )


def _against_postcodes(rows: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Report the services whose commune and postal code are not of one département: one of them is
    a namesake's.

    A few communes near a border are served by the next département's post; the remedy says so.
    Islands and Monaco, whose postal codes follow no département, are not judged.
    """
    code, postcode = rows["commune"].fillna("").astype(str), rows["postcode"].fillna("").astype(str)
    judged = (
        postcode.str.fullmatch(r"\d{5}")
        & ~code.str.match(r"$|9[89]|97[578]")
        & ~postcode.str.startswith("98")
    )
    said, posted = code.map(departement_of_code), postcode.map(departement_of_code)
    said = said.where(~said.isin(["2A", "2B"]), "20")
    odd = judged & (said != posted)
    for row, own, other in zip(rows[odd].itertuples(), said[odd], posted[odd], strict=True):
        message = (
            f"{row.name} : le code de commune {row.commune} est du département {own}, "
            f"le code postal {row.postcode} du {other}."
        )
        remedy = (
            "L'un des deux est sans doute celui d'un homonyme ; seules quelques communes "
            "limitrophes sont ainsi."
        )
        yield Finding(
            "code-against-postcode",
            layer,
            row.id,
            message,
            "warning",
            row.source_row,
            "commune",
            remedy,
        )


def _outside_territory(
    rows: gpd.GeoDataFrame, territory: Territory, layer: str
) -> Iterator[Finding]:
    boundary = gpd.GeoSeries([territory.boundary], crs=LONLAT).to_crs(METRIC).iloc[0]
    away = rows[rows.geometry.notna() & ~rows.geometry.intersects(territory.boundary)]
    for row, metres in zip(
        away.itertuples(), away.geometry.to_crs(METRIC).distance(boundary), strict=True
    ):
        message = (
            f"{row.name} : déclaré dans le territoire, mais son point est à "
            f"{_length(metres)} au-delà de la limite."
        )
        remedy = "Corrigez les coordonnées ou le code de la commune."
        yield Finding(
            "outside-territory", layer, row.id, message, "error", row.source_row, "geometry", remedy
        )


def _outside_commune(rows: gpd.GeoDataFrame, territory: Territory, layer: str) -> Iterator[Finding]:
    distance_m = distance_to_commune_m(rows, territory)
    away = rows[distance_m > 0]
    for row, metres in zip(away.itertuples(), distance_m[distance_m > 0], strict=True):
        severity: Severity = "warning" if metres > OUTLINE_TOLERANCE_M else "info"
        message = (
            f"{row.name} : point à {_length(metres)} du contour (simplifié) de sa commune, "
            f"{row.commune}."
        )
        remedy = (
            "Corrigez les coordonnées ou le code de la commune." if severity == "warning" else ""
        )
        yield Finding(
            "outside-commune", layer, row.id, message, severity, row.source_row, "geometry", remedy
        )


def _commune_codes(
    rows: gpd.GeoDataFrame, history: CommuneHistory, layer: str
) -> Iterator[Finding]:
    status = {code: history.status(code) for code in rows["commune"].dropna().unique()}
    for row in rows[rows["commune"].map(status).isin(["outdated", "unknown"])].itertuples():
        if status[row.commune] == "outdated":
            now = ", ".join(history.successors(row.commune))
            message = (
                f"{row.name} : le code de commune {row.commune} n'a plus cours ; aujourd'hui {now}."
            )
            remedy = f"Écrivez {now}."
            yield Finding(
                "outdated-commune",
                layer,
                row.id,
                message,
                "warning",
                row.source_row,
                "commune",
                remedy,
            )
        else:
            message = f"{row.name} : le code {row.commune} n'a jamais été celui d'une commune."
            yield Finding(
                "unknown-commune",
                layer,
                row.id,
                message,
                "error",
                row.source_row,
                "commune",
                "Corrigez-le.",
            )


def table_findings(
    rows: gpd.GeoDataFrame, *, history: CommuneHistory | None = None, date: str = "", layer: str
) -> list[Finding]:
    """Return what is wrong with a table by code (``tables_by_code``), beyond what its reader
    noticed.

    Parameters
    ----------
    history
        Commune codes; without it codes are not judged.
    date
        The day the table is of: the communes in force that day are expected; not judged when empty.

    Rules: ``outdated-commune``, ``unknown-commune``, ``absent-commune``, ``sum-mismatch`` (communes
    against the intercommunality or département of the same table, within 1 %).
    """
    level = rows["level"] if "level" in rows.columns else pd.Series("commune", index=rows.index)
    communes = gpd.GeoDataFrame(rows[level == "commune"])
    findings = list(_sums_by_level(rows, level, layer)) if "population" in rows.columns else []
    if history is None or communes.empty:
        return findings
    findings += _commune_codes(
        gpd.GeoDataFrame(communes.assign(commune=communes["code"])), history, layer
    )
    if date:
        findings += absent_communes(communes["code"], history, date=date, layer=layer)
    return findings


def absent_communes(
    codes: pd.Series, history: CommuneHistory, *, date: str, layer: str
) -> list[Finding]:
    """Return one finding a département with communes in force on `date` that a table leaves out
    (``absent-commune``).

    Only the départements the table speaks of are judged.
    """
    present = set(codes)
    spoken = {departement_of_code(code) for code in present}
    expected = [
        code
        for code in history.lives
        if history.in_force(code, date) and departement_of_code(code) in spoken
    ]
    missing = pd.Series(sorted(set(expected) - present), dtype=object)
    findings = []
    for departement, rows in missing.groupby(missing.map(departement_of_code)):
        shown = ", ".join(rows.iloc[:5]) + (" ..." if len(rows) > 5 else "")
        message = (
            f"Département {departement} : {len(rows)} commune(s) en vigueur au {date} "
            f"absentes ({shown})."
        )
        remedy = (
            "Tenez-les pour nulles si la source ne cite que les communes pourvues, sinon "
            "complétez la table."
        )
        findings.append(
            Finding("absent-commune", layer, str(departement), message, "info", remedy=remedy)
        )
    return findings


def _sums_by_level(rows: gpd.GeoDataFrame, level: pd.Series, layer: str) -> Iterator[Finding]:
    communes = rows[level == "commune"]
    for parent in ("epci", "departement"):
        if parent not in rows.columns:
            continue
        parts = communes.groupby(parent)["population"]
        for row in rows[
            (level == parent) & rows["population"].notna() & rows["code"].isin(list(parts.groups))
        ].itertuples():
            yield from population_findings(
                parts.get_group(row.code), row.population, what=str(row.name), layer=layer
            )


def ground_findings(
    communes: gpd.GeoDataFrame, wholes: gpd.GeoDataFrame, column: str, *, layer: str
) -> list[Finding]:
    """Return the territories (code, name, population) whose communes do not add up to them
    (``sum-mismatch``).
    """
    people = communes.groupby(column)["population"]
    told = wholes[wholes["code"].isin(list(people.groups)) & wholes["population"].notna()]
    return [
        finding
        for row in told.itertuples()
        for finding in population_findings(
            people.get_group(row.code), row.population, what=str(row.name), layer=layer
        )
    ]


def population_findings(
    people: pd.Series, total: float, *, what: str, layer: str, tolerance: float = 0.01
) -> list[Finding]:
    """Return a finding when people counted by part do not add up to a known total (rule
    ``sum-mismatch``).
    """
    found = float(people.sum())
    gap = found - total
    if abs(gap) <= tolerance * max(total, 1):
        return []
    message = (
        f"{what} : la somme des parties fait {found:.0f}, le total annoncé {total:.0f} "
        f"(écart {gap:+.0f})."
    )
    return [
        Finding(
            "sum-mismatch",
            layer,
            "",
            message,
            "error",
            remedy="Vérifiez le millésime et les parties absentes.",
        )
    ]


def _length(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km".replace(".", ",")
