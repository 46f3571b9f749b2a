"""Where the people are: one point per commune, at its town hall where that point can be believed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.study import Study
from geoguichet.referentials.layers import METRIC
from geoguichet.referentials.quality import Finding
from geoguichet.referentials.services import SERVICE_TYPES
from geoguichet.referentials.territories import Territory

COLUMNS = ("name", "departement", "epci", "people", "point_source")


def check_demand(demand: gpd.GeoDataFrame) -> None:
    """Raise unless the frame is a demand table: EPSG:4326 points, unique ids, people finite and not negative.

    Raises
    ------
    FrameError
        Naming the first offending rows.
    """
    if demand.crs is None or not demand.crs.equals("EPSG:4326"):
        raise FrameError(f"la demande est attendue en EPSG:4326, elle est en {demand.crs or 'système inconnu'}.")
    missing = [column for column in COLUMNS if column not in demand.columns]
    if missing:
        raise FrameError(
            f"la demande n'a pas la colonne {missing[0]} ; colonnes présentes : {', '.join(demand.columns)}."
        )
    for rows, what in (
        (demand.index[demand.index.duplicated()], "identifiant en double"),
        (
            demand.index[~np.isfinite(demand["people"].astype(float)) | (demand["people"] < 0)],
            "nombre d'habitants absent ou négatif",
        ),
    ):
        if len(rows):
            raise FrameError(f"demande, {what} : {', '.join(map(str, rows[:5]))}.")


def demand_points(
    territory: Territory, services: gpd.GeoDataFrame, study: Study
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return one demand point per commune of the territory, and what was noticed.

    The point is that of the service type the study names (the town hall) when it lies within ``demand.tolerance`` of
    the commune, else a representative point of the commune; a commune with neither keeps a missing point. The frame
    is in EPSG:4326, indexed by commune code in order, with :data:`COLUMNS` and the study's groups.

    Raises
    ------
    StudyError
        The weight or a group is not a column of the communes.
    """
    choice = study.demand
    communes = territory.communes.set_index("code").sort_index()
    groups = choice.groups if choice.cells is None else ()  # cells have their own
    for key, column in [("weight", choice.weight), *(("groups", group) for group in groups)]:
        _require_number(communes, column, key, study)
    points, source, findings = _points(communes, services, choice.at, choice.tolerance_m)
    people, odd = _counted(communes, choice.weight, choice.layer)
    findings += odd
    demand = gpd.GeoDataFrame(
        communes[["name", "departement", "epci", *groups]].assign(
            people=people.round().astype(np.int64), point_source=source
        ),
        geometry=points,
        crs="EPSG:4326",
    )
    demand.index.name = "id"
    check_demand(demand)
    return demand, findings


def _counted(communes: gpd.GeoDataFrame, weight: str, layer: str) -> tuple[pd.Series, list[Finding]]:
    """Return the people of each commune, 0 where the number is missing, infinite or negative, and what was noticed."""
    people = communes[weight].astype(float)
    unknown, negative = ~np.isfinite(people), people < 0
    findings = [
        Finding(rule, layer, code, f"{communes.at[code, 'name']} {what}.")
        for rule, which, what in (
            ("no-population", unknown, f"n'a pas de {weight} : comptée pour 0"),
            ("negative-population", negative & ~unknown, f"a un nombre négatif de {weight} : comptée pour 0"),
            ("nobody", people == 0, "n'a aucun habitant : elle ne pèse rien"),
        )
        for code in people.index[which]
    ]
    return people.where(~unknown & ~negative, 0.0), findings


def _require_number(communes: gpd.GeoDataFrame, column: str, key: str, study: Study) -> None:
    numeric = [name for name in communes.columns if pd.api.types.is_numeric_dtype(communes[name])]
    if column not in numeric:
        what = f"la couche {study.demand.layer} n'a pas de colonne numérique {column!r}"
        raise study.refusal(f"demand.{key}", what, ", ".join(numeric))


def _points(
    communes: gpd.GeoDataFrame, services: gpd.GeoDataFrame, at: str, tolerance_m: float
) -> tuple[gpd.GeoSeries, pd.Series, list[Finding]]:
    inner = communes.geometry.representative_point()
    source = pd.Series(np.where(inner.isna() | inner.is_empty, "none", "representative_point"), index=communes.index)
    if at == "representative_point":
        return inner, source, []
    located = services.geometry.notna() & ~services.geometry.is_empty  # POINT EMPTY is nowhere
    hosts = services[(services["type"] == at) & located].sort_index().drop_duplicates("commune")
    at_host = gpd.GeoSeries(hosts.set_index("commune").geometry.reindex(communes.index), crs=communes.crs)
    apart_m = communes.geometry.to_crs(METRIC).distance(at_host.to_crs(METRIC), align=False)
    believed = at_host.notna() & ~(apart_m > tolerance_m)
    source = pd.Series(np.where(believed, at, source), index=communes.index)
    findings = [
        Finding("no-demand-point", "services", code, _why(communes.at[code, "name"], at, apart_m[code], source[code]))
        for code in communes.index[~believed]
    ]
    return inner.where(~believed, at_host), source, findings


def _why(name: str, at: str, apart_m: float, source: str) -> str:
    """Say why the service does not stand for its commune, and what does instead."""
    kilometres = f"{apart_m / 1000:.1f}".replace(".", ",")
    why = "n'a pas de point" if np.isnan(apart_m) else f"est située à {kilometres} km de la commune"
    instead = "la commune reste sans point" if source == "none" else "un point intérieur au contour la remplace"
    return f"{name} : la {SERVICE_TYPES[at].label_fr} {why} ; {instead}."
