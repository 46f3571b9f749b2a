"""What a planner can ask of the data there are: services with their numbers, départements, hosts,
road networks, cells; and how many people a threshold would leave beyond it, before any study is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import demand_points
from geoguichet.coverage.access.rules import (
    is_served,
    margins_of,
    measure,
    slack_under,
    undecided_under,
)
from geoguichet.coverage.access.supply import hours_known, open_enough, supply_points
from geoguichet.coverage.study.choices import open_router
from geoguichet.coverage.study.study import Need, Rule, Study
from geoguichet.floor.words import Cost, Unit
from geoguichet.referentials.directory.services import SERVICE_TYPES
from geoguichet.referentials.layers import read_layer

#: How many bars the people of a need are counted in; the last threshold asked stands in their middle.
BARS = 20
#: The share of a threshold by which another, nearer and farther, is told beside it.
_ASIDE = 0.2
#: How the files end that a study may read beside its data, and those that a network is made of.
_NETWORKS, _CELLS, _EXTRACTS = (".roads",), (".tif",), (".pbf", ".osm", ".osm.gz", ".osm.bz2")


@dataclass(frozen=True, slots=True)
class Held:
    """The services of one type: how many there are, in the territory and around it."""

    type: str
    count: int
    inside: int


@dataclass(frozen=True, slots=True)
class Area:
    """A département that a study may be of."""

    code: str
    name: str
    communes: int
    people: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a study of a territory can be asked of; files are told from the folder of the study."""

    name: str
    source: str
    areas: tuple[Area, ...]
    #: Every type of the taxonomy, those that are not there too.
    services: tuple[Held, ...]
    networks: tuple[str, ...]
    cells: tuple[str, ...]
    #: Of OpenStreetMap: no network yet.
    extracts: tuple[str, ...] = ()

    @property
    def present(self) -> tuple[str, ...]:
        """The types of which there is a service somewhere."""
        return tuple(held.type for held in self.services if held.count)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The types of which a kiosk may be in one, inside the territory."""
        return tuple(held.type for held in self.services if held.inside)

    def told_in(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON Schemas of the tables of a study, by name, with what is here as examples of
        the keys that name it.
        """
        told = deepcopy(dict(inputs))
        for table, key, names in (
            ("services", "types", self.present),
            ("territory", "departements", tuple(area.code for area in self.areas)),
            ("router", "network", self.networks),
            ("kiosks", "candidates", self.hosts),
        ):
            for taken in _keys(told.get(table, {}), key) if names else ():
                taken.get("items", taken)["examples"] = [*names]
        return told


# Yield what is told of a key of a table, or of the tables inside it.
def _keys(table: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    if key in table.get("properties", {}):
        yield table["properties"][key]
    for inside in (*table.get("patternProperties", {}).values(), *table.get("anyOf", ())):
        yield from _keys(inside, key)


def holdings(data: Path, *, name: str, source: str, folder: Path) -> Holdings:
    """Return what can be asked of the data of a territory: a GeoPackage, which a study calls
    ``source``; road networks and grids of people are those of the ``folder`` of the study, a link out
    of it apart.

    Raises
    ------
    LayerError
        The data cannot be read, or lack communes or services.
    """
    state = data.stat()
    areas, services = _read(data, state.st_mtime_ns, state.st_size)
    home = folder.resolve()
    inside = [path for path in folder.glob("*.*") if path.resolve().is_relative_to(home)]
    files = (
        tuple(sorted(path.name for path in inside if path.name.endswith(ends)))
        for ends in (_NETWORKS, _CELLS, _EXTRACTS)
    )
    return Holdings(name, source, areas, services, *files)


@lru_cache(maxsize=4)
def _read(data: Path, *_state: int) -> tuple[tuple[Area, ...], tuple[Held, ...]]:
    communes = pd.DataFrame(read_layer(data, layer="communes").drop(columns="geometry"))
    outlines = read_layer(data, layer="departements", columns=("code", "name"))
    counted = communes.groupby("departement")["population"].agg(["size", "sum"])
    areas = tuple(
        Area(code, name, int(counted["size"].get(code, 0)), int(counted["sum"].get(code, 0)))
        for code, name in sorted(zip(outlines["code"], outlines["name"], strict=True))
    )
    services = pd.DataFrame(read_layer(data, layer="services").drop(columns="geometry"))
    inside = services["inside"].astype(bool) if "inside" in services else services["type"].notna()
    kinds = services["type"]
    held = tuple(
        Held(
            key,
            int((kinds == key).sum()),
            int((inside & (kinds == key)).sum()),
        )
        for key in SERVICE_TYPES
    )
    return areas, held


# How many people are how far: what the study itself would measure, for thresholds that change.


@dataclass(frozen=True, slots=True)
class Reached:
    """The people of a need by how far they are from what answers it, and those beyond a threshold."""

    need: str
    within_m: float
    beyond: int
    undecided: int
    #: People in each of `BARS` steps of ``step_m``; those farther are in none.
    bars: tuple[int, ...]
    step_m: float
    #: Of the counters of its types in the territory: how many count, and how many nobody knows.
    counted: int
    unknown: int
    of: int
    #: People beyond a nearer and a farther threshold: (metres, people).
    aside: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class HeadCount:
    """Who is beyond the thresholds of a study, need by need and under its rule."""

    people: int
    unserved: int
    undecided: int
    points: int
    needs: tuple[Reached, ...]


#: One count at a time: what is not kept yet takes a core for a second.
_counting = Lock()


def can_count(study: Study) -> bool:
    """Say whether people can be counted before a study is run: as the crow flies, by communes."""
    return study.router.kind == "straight_line" and study.demand.cells is None


def head_count(study: Study) -> HeadCount:
    """Return who is beyond the thresholds of a study, as the study itself would find (no kiosk).

    Raises
    ------
    GeoguichetError
        The study's data are refused.
    """
    path = inputs.source_path(study)
    state = path.stat()
    with _counting:
        asked, changed = _without_thresholds(study), (state.st_mtime_ns, state.st_size)
        demand, services = _measured(asked, study.path, *changed)
    people = demand["people"].to_numpy(np.int64)
    served, undecided = _told(demand, study)
    return HeadCount(
        int(people.sum()),
        int(people[~served & ~undecided].sum()),
        int(people[undecided].sum()),
        len(demand),
        tuple(_reached(demand, services, study, need, people) for need in study.needs),
    )


def _reached(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, study: Study, need: Need, people: Any
) -> Reached:
    def beyond(within_m: float) -> tuple[int, int]:
        asked = replace(need, within=Cost(within_m, Unit.METRES))
        alone = replace(study, needs=(asked,), rule=Rule("all", 1, (need.key,)))
        served, undecided = _told(demand, alone)
        return int(people[~served].sum()), int(people[undecided].sum())

    far = demand[study.unit.column(need.key)].to_numpy(float)
    step = float(need.within) * 2 / BARS
    bars, _edges = np.histogram(far, bins=BARS, range=(0.0, step * BARS), weights=people)
    kept = services[services["inside"] & services["type"].isin(need.types)]
    known = hours_known(kept, need) if need.asks_hours else pd.Series(True, kept.index)
    aside = tuple(
        (far_m, beyond(far_m)[0])
        for far_m in (float(need.within) * (1 - _ASIDE), float(need.within) * (1 + _ASIDE))
    )
    return Reached(
        need.key,
        float(need.within),
        *beyond(float(need.within)),
        tuple(int(bar) for bar in bars),
        step,
        int(open_enough(kept, need).sum()),
        int((~known).sum()),
        len(kept),
        aside,
    )


# Return who is served, and who is not decided upon, of measured people.
def _told(demand: gpd.GeoDataFrame, study: Study) -> tuple[Any, Any]:
    margins = margins_of(demand, study)
    return is_served(slack_under(study.rule, margins)), undecided_under(demand, study, margins)


# Return the question without what its distances do not depend on: the same for every threshold.
def _without_thresholds(study: Study) -> Study:
    needs = tuple(
        replace(need, label="", within=Cost(1.0, need.within.unit)) for need in study.needs
    )
    return replace(
        _without_needs(study),
        needs=needs,
        rule=Rule("all", len(needs), tuple(need.key for need in needs)),
        router=study.router,
    )


# Return the question without what the data read for it do not depend on.
def _without_needs(study: Study) -> Study:
    return Study(
        id="",
        title="",
        territory=replace(study.territory, name=""),
        source=study.source,
        services_layer=study.services_layer,
        stops_layer=study.stops_layer,
        demand=replace(study.demand, groups=()),
        needs=(),
        rule=Rule("all", 0, ()),
        changes=study.changes,
        path=study.path,
    )


# The place of a study's file does not tell it from another: it is told beside.
@lru_cache(maxsize=8)
def _measured(
    study: Study, path: Path | None, *state: int
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    data = _data(_without_needs(study), path, *state)
    communes, _noticed = demand_points(data.territory, data.services, study)
    services, _counters, _more = supply_points(data.territory, data.services, study)
    return measure(communes, services, study, open_router(study.router)), data.services


@lru_cache(maxsize=2)
def _data(study: Study, _path: Path | None, *_state: int) -> inputs.StudyData:
    return inputs.read(study)
