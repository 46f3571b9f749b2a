"""Where to go from here: the nearest right counters, open when asked, the kiosks of a study among
them.

Hours that no source gives are said to be unknown: such a counter is neither promised nor hidden.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.coverage import manifest
from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import demand_points
from geoguichet.coverage.access.supply import needs_met
from geoguichet.coverage.errors import OrientationError
from geoguichet.coverage.nearest import (
    KIOSK,
    Candidate,
    Counter,
    Errand,
    Kept,
    Named,
    Vocabulary,
    chosen,
    degrees,
    keep,
    known_within,
    nearest_first,
    placed,
    the_commune,
)
from geoguichet.coverage.routers.impedance import Router, StraightLine
from geoguichet.coverage.study.choices import open_router
from geoguichet.coverage.study.study import Study, read_study
from geoguichet.floor.words import Unit
from geoguichet.referentials.directory.hours import Moment
from geoguichet.referentials.directory.services import NEEDS, SERVICE_TYPES, TAXONOMY
from geoguichet.referentials.layers import LONLAT, METRIC_SYSTEMS, read_layer
from geoguichet.referentials.territories.gazetteer import Commune, plain
from geoguichet.referentials.territories.territory import Territory


def find_errand(study: Study, what: str) -> Errand:
    """Return what the words mean: a need's key, a type's key, else words of a need, of a type or of
    an errand.

    Raises
    ------
    OrientationError
        Nothing is called so, or several things are; the message lists them.
    """
    return _vocabulary(study).find(what)


# Return all that can be asked for, by key; of one key the study's comes first, then the types'.
def _vocabulary(study: Study) -> Vocabulary:
    names = {key: (it.label_fr, it.label_en) for key, it in NEEDS.items()} | {
        key: (kind.label_fr, kind.plural_fr, kind.label_en, kind.plural_en)
        for key, kind in SERVICE_TYPES.items()
    }
    known = {}
    for key, told in names.items():
        citizen = key not in SERVICE_TYPES
        types, note = (NEEDS[key].types, NEEDS[key].note_fr) if citizen else ((key,), "")
        needs = tuple(need.key for need in study.needs if not set(need.types).isdisjoint(types))
        known[key] = Named(key, told, Errand(told[0], types, needs, note=note), citizen)
    for need in study.needs:
        key, at = need.key, need.open_at
        errand = Errand(need.label, need.types, (key,), need=key, open_at=at)
        known[key] = Named(key, (need.label,), errand, key in known and known[key].citizen)
    return Vocabulary(tuple(known.values()), tuple(need.key for need in study.needs))


@dataclass(frozen=True, slots=True)
class Place:
    """Where someone starts from."""

    name: str
    point: shapely.Point


@dataclass(frozen=True, slots=True)
class Directory:
    """What can be found around a territory: its counters, and the kiosks that a result of the study
    proposes.
    """

    study: Study
    territory: Territory
    services: gpd.GeoDataFrame
    kiosks: gpd.GeoDataFrame | None


def open_directory(study: Study, result: Path | None = None) -> Directory:
    """Read the counters of a study, and the kiosks of its result where that folder is there."""
    told = None
    if result is not None and (result / "result.gpkg").is_file():
        told = manifest.read(result)
    # what the result was made of was judged then
    judged = {layer["sha256"] for layer in told["inputs"]} if told else set()
    data = inputs.read(study, judged=judged)
    kiosks = None
    if result is not None and told is not None and told["plan"] is not None:
        kiosks = read_layer(
            result / "result.gpkg", layer="kiosks", columns=("id", "name", "host", "hours")
        )
    return Directory(
        study, data.territory, data.services, None if kiosks is None else kiosks.set_index("id")
    )


def find_place(directory: Directory, text: str) -> Place:
    """Return the place a text means: ``LON,LAT`` in degrees, or a commune's name, beginning of name
    or INSEE code.

    A commune stands where the study supposes its people: at its town hall, else inside its outline.

    Raises
    ------
    OrientationError
        No commune is called so, or several are: the message lists them.
    """
    given = degrees(text)
    if given is not None:
        return _at(directory, shapely.Point(given), text.strip())
    commune = the_commune(_communes(directory.territory), text)
    demand, _ = demand_points(directory.territory, directory.services, directory.study)
    here = placed(commune, _lonlat(demand.geometry[commune.code]))
    return Place(f"{commune.name} ({commune.departement})", shapely.Point(here))


def _communes(territory: Territory) -> list[Commune]:
    table = territory.communes
    columns = (table[name].tolist() for name in ("code", "name", "departement", "population"))
    return [
        Commune(code, name, departement, population, plain(name))
        for code, name, departement, population in zip(*columns, strict=True)
    ]


def _lonlat(point: shapely.Point | None) -> tuple[float, float] | None:
    return None if point is None or point.is_empty else (point.x, point.y)


# Return the place of coordinates, refused where the study knows no counter.
def _at(directory: Directory, point: shapely.Point, name: str) -> Place:
    territory = directory.territory
    here, ground = gpd.GeoSeries([point, territory.boundary], crs=LONLAT).to_crs(territory.metric)
    buffer_m = directory.study.territory.buffer_m
    if not here.distance(ground) <= buffer_m:
        raise OrientationError(
            f"le point {name} est à plus de {buffer_m / 1000:g} km du territoire "
            f"{territory.name}, dont on "
            "connaît les guichets ; essayez : longitude puis latitude en degrés, comme "
            "1.605,42.966."
        )
    return Place(name, point)


def nearest(
    study: Study,
    place: str,
    what: str,
    *,
    at: str = "",
    k: int = 3,
    result: Path | None = None,
) -> gpd.GeoDataFrame:
    """Return the ``k`` nearest counters from a place as people write it, at a moment if one is
    given.

    The same as :func:`nearest_counters`, by the study's own router, with the kiosks of ``result``
    (the folder of the study's documents) when there are any.

    Parameters
    ----------
    place
        A commune, half of its name or its INSEE code, or ``LON,LAT``.
    at
        A moment of the week, such as ``mardi 10h30``.
    """
    directory = open_directory(study, result)
    router = open_router(study.router, beside=study.path.parent if study.path else None)
    moment = Moment.parse(at) if at else None
    return nearest_counters(
        directory, find_place(directory, place), what, at=moment, k=k, router=router
    )


def nearest_counters(
    directory: Directory,
    place: Place,
    what: str,
    *,
    at: Moment | None = None,
    k: int = 3,
    router: Router | None = None,
) -> gpd.GeoDataFrame:
    """Return the ``k`` nearest counters that meet a need or are of a type, the nearest first.

    A need that asks to be open at a moment (``open_at``) is asked at that one unless another is
    given.

    With a moment, only those known to be open then count towards ``k`` and those closed are left
    out; up to ``k`` whose hours are unknown, or that are only proposed, are told too when they are
    nearer than the last.

    Parameters
    ----------
    what A need of the study (``[services.KEY]``: its types and least hours), a type of service, or
        what a citizen comes for (« carte d'identité »; see
        :mod:`~geoguichet.coverage.orientation`).
    router Measures the cost; straight line by default, in metres. The study's own counts as the
        study does.

    Returns
    -------
    GeoDataFrame Index ``id``; columns type (``kiosk`` for a visioguichet), name, commune_name,
        departement, hours, hours_per_week, opening (``open``, ``closed``, ``unknown``,
        ``proposed``; empty when no moment is asked), reopens (text), cost (in the router's unit).

    Raises
    ------
    OrientationError
        ``what`` is neither a need, a type nor an errand, or no counter of the data answers it.
    RoutingError
        The place is where the router cannot measure.
    """
    errand, measuring = find_errand(directory.study, what), router or StraightLine()
    at = at if at is not None else errand.open_at
    counters, origin = _counters(directory, errand), gpd.GeoSeries([place.point], crs=LONLAT)
    hours, planned = counters["hours"].tolist(), counters["planned"].tolist()
    departements = counters["departement"].tolist()

    def reach(limit: float) -> tuple[list[Candidate], bool]:
        found = measuring.costs(origin, counters.geometry, limit=limit)
        told = [
            Candidate(cost, row, hours[row], departements[row], planned[row])
            for row, cost in zip(found.destination.tolist(), found.cost.tolist(), strict=True)
        ]
        return told, len(told) == len(counters)

    told = chosen(nearest_first(reach, measuring.unit), at, k)
    return counters.iloc[[each.number for each, _ in told]][_COLUMNS].assign(
        opening=pd.Series([state for _, state in told], dtype=object).to_numpy(),
        reopens=pd.Series([each.reopens(at) for each, _ in told], dtype=object).to_numpy(),
        cost=np.array([each.cost for each, _ in told], dtype=float),
    )


_COLUMNS = ["type", "name", "commune_name", "departement", "hours", "hours_per_week", "geometry"]


# Return every counter that has a place, then the kiosks, with the needs that each meets whatever the
# moment (a kiosk: opens), comma-separated, and which are only planned.
def _everything(directory: Directory, more: Sequence[str] = ()) -> gpd.GeoDataFrame:
    study, kiosks = directory.study, directory.kiosks
    services = directory.services[directory.services.geometry.notna()]
    needs = tuple(replace(need, open_at=None) for need in study.needs)
    table = services[[*_COLUMNS, *more]].assign(needs=needs_met(services, needs), planned=False)
    if kiosks is None or study.kiosks is None:
        return table
    offers = study.kiosks.offers
    opened = kiosks.get("needs", pd.Series(",".join(offers), index=kiosks.index)).fillna("")
    existing = kiosks.get("standing", pd.Series("", index=kiosks.index)) == "existing"
    named = kiosks.assign(
        type=KIOSK,
        commune_name=kiosks["name"],
        name=np.where(existing, "Visioguichet existant, ", "Visioguichet proposé, ")
        + kiosks["host"],
        hours_per_week=kiosks.get("hours_per_week", np.nan),
        needs=[",".join(set(told.split(",")) & set(offers)) for told in opened],
        planned=~existing,
    )
    both = [each for each in (table, named.reindex(columns=table.columns)) if not each.empty]
    return gpd.GeoDataFrame(pd.concat(both), crs=LONLAT).rename_axis("id") if both else table


# Return what answers an errand.
def _counters(directory: Directory, errand: Errand) -> gpd.GeoDataFrame:
    table = _everything(directory)
    needs = table["needs"].str.split(",")
    met = [errand.met_by(*each) for each in zip(table["type"], needs, strict=True)]
    if not any(met):
        kinds = ", ".join(SERVICE_TYPES[kind].plural_fr for kind in errand.types)
        raise OrientationError(
            f"aucun guichet pour « {errand.label} » dans les données de l'étude ({kinds}) ; "
            "essayez une étude dont la "
            "couche de services en a (« geoguichet referentials »)."
        )
    return table[met]


def study_and_result(path: Path, workspace: Path) -> tuple[Study, Path]:
    """Return the study of a file or of a result's folder, and the folder where its result is, if it
    is anywhere.
    """
    if path.is_dir():
        return manifest.study_of(manifest.read(path)["study"], path=path / "manifest.json"), path
    study = read_study(path)
    return study, workspace / "studies" / study.id


def features(found: gpd.GeoDataFrame, unit: Unit) -> list[dict[str, Any]]:
    """Return counters as GeoJSON features, their cost named by its unit."""
    named = found.rename(columns={"cost": unit.column("cost")}).reset_index()
    told: list[dict[str, Any]] = json.loads(named.to_json(drop_id=True))["features"]
    return told


def keep_index(directory: Directory, asked: Path, workspace: Path, result: Path) -> None:
    """Keep beside the result of a study what answers for it (:func:`nearest.answer`); nothing where
    it has no result, or measures another way than by a straight line.
    """
    study = directory.study
    if study.router.kind != "straight_line" or not (result / "result.gpkg").is_file():
        return
    polygon = [inputs.polygon_path(study)] if study.territory.polygon else []
    keep_counters(
        directory,
        result,
        [
            asked / "manifest.json" if asked.is_dir() else asked,
            workspace / "types.toml",
            TAXONOMY,
            result / "manifest.json",
            result / "result.gpkg",
            inputs.source_path(study),
            *polygon,
        ],
    )


def keep_counters(
    directory: Directory, folder: Path, files: Iterable[Path], more: Sequence[str] = ()
) -> None:
    """Keep in a folder the index of what can be found around a territory (:func:`nearest.keep`), made
    of some files; ``more`` columns of its counters are kept too.
    """
    study, territory = directory.study, directory.territory
    table = _everything(directory, more)
    table = table.set_geometry(table.geometry)[~table.geometry.is_empty]
    demand, _ = demand_points(territory, directory.services, study)
    keep(
        folder,
        [file.resolve() for file in files],
        Kept(
            _vocabulary(study),
            detour=1.0 if study.router.detour is None else study.router.detour,
            known_within=known_within(study.territory.buffer_m, study.demand.tolerance_m),
            measured=tuple(METRIC_SYSTEMS.values()),
            with_kiosks=directory.kiosks is not None,
        ),
        [(each, _lonlat(demand.geometry[each.code])) for each in _communes(territory)],
        [
            Counter(needs, planned, point.x, point.y, feature)
            for needs, planned, point, feature in zip(
                table["needs"],
                table["planned"].tolist(),
                table.geometry,
                json.loads(table[[*_COLUMNS, *more]].reset_index().to_json(drop_id=True))[
                    "features"
                ],
                strict=True,
            )
        ],
    )
