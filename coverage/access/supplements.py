"""What a study tells beside who is served: the edge effect, rules of law, measures, hours, the
error of communes; what existing networks already cover, and longer hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from scipy import sparse

from geoguichet.coverage.access import supply
from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.access.rules import (
    legal_table,
    margins_of,
    measure,
    measure_access,
    met_with,
    white,
)
from geoguichet.coverage.access.supply import HoursTold, meeting, near_services
from geoguichet.coverage.routers.impedance import Router
from geoguichet.coverage.siting.covering import budget_covering, maximal_covering
from geoguichet.coverage.study.study import Need, Study
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.services import stops_of
from geoguichet.referentials.territories.territory import Territory


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What is told beside the answer; what the study does not ask for is missing or empty."""

    edge: Edge | None = None
    hours: tuple[HoursTold, ...] = ()
    #: See :func:`~geoguichet.coverage.access.rules.legal_table`.
    legal: pd.DataFrame | None = None
    #: See :func:`~geoguichet.coverage.access.rules.measure_access`.
    measures: pd.DataFrame | None = None
    #: See :func:`~geoguichet.coverage.access.rules.lacking_table`.
    lacking: pd.DataFrame | None = None
    #: What networks that exist already cover.
    baseline: Baseline | None = None
    #: Counters that should open longer, when the study asks.
    extensions: Extensions | None = None
    #: Present when people are counted by cells.
    aggregation: AggregationError | None = None
    #: What was noticed at the edge and on the ways.
    findings: tuple[Finding, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON: what is missing is null."""
        edge, error = self.edge, self.aggregation
        told = {
            "extensions": None
            if self.extensions is None
            else {
                "lacking": self.extensions.lacking,
                "reachable": self.extensions.reachable,
                "counters": _records(
                    pd.DataFrame(self.extensions.table.drop(columns="geometry")).reset_index()
                ),
            },
            "edge": None
            if edge is None
            else {
                "by_need": _records(edge.by_need),
                "people": edge.people,
                "counted": edge.counted,
                "services_outside": edge.known,
                "people_exposed": edge.exposed,
            },
            "hours": [
                {
                    "need": one.need,
                    "open": one.counted,
                    "closed": one.closed,
                    "unknown": one.unknown,
                    "people_decided_by_unknown": one.people,
                }
                for one in self.hours
            ]
            or None,
            "lacking": None if self.lacking is None else _records(self.lacking),
            "baseline": None
            if self.baseline is None
            else {
                "networks": _records(self.baseline.table),
                "counted": list(self.baseline.counted),
                "missing": list(self.baseline.missing),
                "stops_known": self.baseline.knows_stops,
            },
            "legal": None if self.legal is None else _records(self.legal),
            "measures": None if self.measures is None else _records(self.measures),
            "aggregation": None
            if error is None
            else {
                one.name: _records(error.by_need)
                if one.name == "by_need"
                else getattr(error, one.name)
                for one in fields(error)
            },
        }
        return {name: one for name, one in told.items() if one is not None}


def beside(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    every: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame | None,
    territory: Territory,
    study: Study,
    router: Router,
) -> tuple[gpd.GeoDataFrame, Beside]:
    """Return the measured demand with the columns of the measures asked for, and what is told
    beside the answer.

    ``services`` are those that count, ``every`` all of the layer; ``communes`` are the communes
    measured like the demand, when that is finer.
    """
    near = (
        near_services(territory, every, study)[0] if study.legal or _asks_hours(study) else services
    )
    bare = demand.drop(columns=[study.unit.column("slack"), "served", "undecided"])

    def served(other: Study) -> pd.Series:
        answer: pd.Series = measure(bare, meeting(near, other), other, router)["served"]
        return answer

    measures = None
    if study.measures is not None:
        columns, measures = measure_access(demand, services, territory, study, router)
        demand = demand.join(columns)
    edge = edge_effect(demand, services, every, territory, study, router)
    strayed, counters = _strays(demand, services, router)
    told = Beside(
        edge=edge,
        hours=supply.told(near, study, demand, served) if _asks_hours(study) else (),
        legal=legal_table(demand, near, territory, study, router) if study.legal else None,
        measures=measures,
        extensions=extensions(demand, near, study, router),
        aggregation=None if communes is None else aggregation_error(demand, communes, study),
        findings=(*router.findings(), *strayed, *edge_findings(edge, study)),
        counters=counters,
    )
    return demand, told


# Name one by one the points and the services that the router measures badly, and count the people
# and the services.
def _strays(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, router: Router
) -> tuple[list[Finding], dict[str, int]]:
    findings, counters = [], {}
    for layer, who, frame in (("communes", "people", demand), ("services", "services", services)):
        for stray in router.strays(frame.geometry):
            strayed = frame[stray.which]
            counters[f"{who}_{stray.counted}"] = int(
                strayed["people"].sum() if frame is demand else len(strayed)
            )
            findings += [
                Finding(stray.rule, layer, str(item), stray.why.given(name=name))
                for item, name in strayed["name"].items()
            ]
    return findings, counters


def _asks_hours(study: Study) -> bool:
    return any(need.asks_hours for need in study.needs)


# Return the rows as plain values, missing numbers null.
def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]


# The edge effect: who depends on the services of neighbours, and who would, were they counted. A
# study that stops at its border takes those who live beside it for worse served than they are (or
# better, when neighbours share the services inside). Here that is measured instead of supposed.


#: How far beyond the border a study without a buffer looks for services, to say what it misses.
NEIGHBOURS_M = 40_000.0
#: 90 km/h, door to door: how far away a threshold in minutes can reach at most, for the warning on
#: a short buffer.
FASTEST_M_S = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """What the border of the territory does to the answer.

    ``by_need``: one row per need; columns need, people_outside (people whose nearest service lies
    outside the territory; without a buffer, would lie), share (of all people).
    """

    by_need: pd.DataFrame
    #: With a buffer: people served thanks to a service outside alone. Without: people who would be.
    people: int
    #: Whether the study counts services outside (it has a buffer).
    counted: bool
    #: Services outside that the data hold for the needs of the study.
    known: int
    #: Unserved people for whom a service could be near enough just beyond what the study counts.
    exposed: int


def edge_effect(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    every: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
) -> Edge:
    """Measure the edge effect.

    ``demand`` is measured against ``services`` (those counted); ``every`` are all services of the
    layer.
    """
    exposed = _exposed(demand, territory, study)
    if study.territory.buffer_m > 0:
        inside = services[services["inside"]]
        own = demand.drop(
            columns=[
                c for c in demand.columns if c.startswith("slack_") or c in ("served", "undecided")
            ]
        )
        abroad = _abroad(demand, services, study)
        served = demand["served"].to_numpy() & np.logical_or.reduce(list(abroad.values()))
        alone = (
            measure(own[served], inside, study, router)["served"]
            if served.any()
            else demand["served"][:0]
        )
        return Edge(
            _by_need(demand, abroad),
            int(demand.loc[alone.index[~alone], "people"].sum()),
            True,
            int((~services["inside"] & (services["needs"] != "")).sum()),
            exposed,
        )
    wider = replace(study, territory=replace(study.territory, buffer_m=NEIGHBOURS_M))
    wanted = every[
        every["type"].isin({kind for need in study.needs for kind in need.types}) & ~every["inside"]
    ]
    near, _ = near_services(territory, wanted, wider)
    outside = meeting(near, study)
    outside = outside[outside["needs"] != ""]
    if outside.empty:
        return Edge(
            _by_need(demand, {n.key: np.zeros(len(demand), bool) for n in study.needs}),
            0,
            False,
            0,
            exposed,
        )
    both = gpd.GeoDataFrame(
        pd.concat([services, outside]), geometry=services.geometry.name, crs=services.crs
    )
    with_them = measure(demand, both, study, router)
    gained = with_them["served"] & ~demand["served"]
    abroad = _abroad(with_them, both, study)
    return Edge(
        _by_need(demand, abroad),
        int(demand.loc[gained, "people"].sum()),
        False,
        len(outside),
        exposed,
    )


def edge_findings(edge: Edge, study: Study) -> list[Finding]:
    """Warn when the study does not look far enough beyond its border."""
    if edge.counted and not edge.exposed:
        return []
    if edge.counted:
        told = Message(
            "Les services ne sont comptés que jusqu'à {km} km au-delà de la limite : {people} "
            "habitants non desservis pourraient l'être par un service plus lointain.",
            km=f"{study.territory.buffer_m / 1000:g}",
            people=edge.exposed,
        )
    elif edge.known:
        told = Message(
            "Aucun service n'est compté au-delà de la limite : avec les {services} que les données "
            "ont à moins de {km} km, {people} habitants de plus seraient desservis ; ajoutez "
            'buffer = "{km} km" à [territory].',
            services=edge.known,
            km=f"{NEIGHBOURS_M / 1000:g}",
            people=edge.people,
        )
    else:
        told = Message(
            "Aucun service n'est compté au-delà de la limite et les données n'en ont pas : "
            "{people} habitants non desservis vivent assez près d'elle pour l'être par un voisin.",
            people=edge.exposed,
        )
    rule = "short-buffer" if edge.counted else "no-buffer"
    return [Finding(rule, study.services_layer, "", told)]


# Return, for each need, the points whose nearest service lies outside the territory.
def _abroad(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, study: Study
) -> dict[str, np.ndarray]:
    outside = set(services.index[~services["inside"]])
    return {
        need.key: demand[f"{need.key}_service"].isin(outside).to_numpy() for need in study.needs
    }


def _by_need(demand: gpd.GeoDataFrame, abroad: dict[str, np.ndarray]) -> pd.DataFrame:
    people = demand["people"].to_numpy()
    whole = max(int(people.sum()), 1)
    rows = [
        (key, int(people[which].sum()), float(people[which].sum() / whole))
        for key, which in abroad.items()
    ]
    return pd.DataFrame(rows, columns=["need", "people_outside", "share"])


def _exposed(demand: gpd.GeoDataFrame, territory: Territory, study: Study) -> int:
    """Count the unserved people whom something just beyond the services counted could still reach
    in time.

    A need that lacks nothing nearer can only be met from farther than the distance to the border
    plus the buffer.
    """
    unserved = demand[white(demand) & demand.geometry.notna() & ~demand.geometry.is_empty]
    if unserved.empty:
        return 0
    border = (
        gpd.GeoSeries([territory.boundary.boundary], crs=unserved.crs)
        .to_crs(territory.metric)
        .iloc[0]
    )
    beyond_m = (
        unserved.geometry.to_crs(territory.metric).distance(border) + study.territory.buffer_m
    )
    possible = pd.Series(False, index=unserved.index)
    for need in study.needs:
        lacking = ~(unserved[study.unit.column(need.key)] <= need.within)
        possible |= lacking & (beyond_m <= need.within.metres_at(FASTEST_M_S))
    return int(unserved.loc[possible, "people"].sum())


# What counting people by commune instead of by cell gets wrong (Hillsman & Rhoda 1978; Current &
# Schilling 1990).


@dataclass(frozen=True, slots=True, eq=False)
class AggregationError:
    """The answer by communes against the answer by cells, for the people of the cells.

    ``by_need``: one row per need; columns need, mean_absolute (of the difference of cost between a
    person's cell and the point of the commune, weighted by people), mean (commune minus cell:
    negative when communes flatter), people (of whom both are known); in the unit of the study.
    """

    people: int
    cells: int
    #: What the communes count, those that have a cell.
    people_of_communes: int
    #: People served by one answer and not by the other.
    differently: int
    #: People of those whom the communes call served, and their cell unserved.
    hidden: int
    #: People of those whom the communes call unserved, and their cell served.
    alarmed: int
    white_by_cells: int
    white_by_communes: int
    by_need: pd.DataFrame


def aggregation_error(
    cells: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, study: Study
) -> AggregationError:
    """Compare the cells (with their ``commune``) to the communes, both measured against the same
    services.
    """
    people = cells["people"].to_numpy(float)
    of = communes.reindex(cells["commune"])
    coarse, fine = ~white(of).to_numpy(bool), ~white(cells).to_numpy(bool)
    rows = []
    for need in study.needs:
        column = study.unit.column(need.key)
        apart = of[column].to_numpy(float) - cells[column].to_numpy(float)
        known = np.isfinite(apart) & (people > 0)
        weight = people[known]
        means = [
            float(np.average(value, weights=weight)) if weight.sum() else np.nan
            for value in (np.abs(apart[known]), apart[known])
        ]
        rows.append((need.key, *means, int(weight.sum())))
    return AggregationError(
        people=int(people.sum()),
        cells=len(cells),
        people_of_communes=int(communes.loc[cells["commune"].unique(), "people"].sum()),
        differently=int(people[coarse != fine].sum()),
        hidden=int(people[coarse & ~fine].sum()),
        alarmed=int(people[~coarse & fine].sum()),
        white_by_cells=int(people[~fine].sum()),
        white_by_communes=int(people[~coarse].sum()),
        by_need=pd.DataFrame(rows, columns=["need", "mean_absolute", "mean", "people"]),
    )


# The second remedy: for those who lack nothing but hours, which counters should open longer.


@dataclass(frozen=True, slots=True, eq=False)
class Extensions:
    """The counters to open longer, in the order in which each adds most, and the proof.

    ``table``: points, index ``id`` (``x-001`` ...); columns rank, service (its id), name, commune,
    commune_name, departement, hours_per_week (now), hours_to_add (to reach the need's), people_added
    (whom it is the first of the list to serve), people_cumulated, cost_eur_per_year (of the hours
    added), value, bound, gap, status (those of the choice as a whole).
    """

    table: gpd.GeoDataFrame
    #: People whom hours alone keep from being served, and those of them whom some counter could.
    lacking: int
    reachable: int


def extensions(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, study: Study, router: Router
) -> Extensions | None:
    """Choose the counters of the territory that should open as long as a need asks, so that the
    most people who lack nothing else are served (Church & ReVelle 1974; Khuller, Moss & Naor 1999).

    ``services`` are all those near enough. A counter of unknown hours is no candidate: nobody knows
    what it would have to add. None when the study does not ask.

    Raises
    ------
    StudyError
        The need asks for no hours a week, or no counter of the territory is open too little.
    """
    choice = study.extensions
    if choice is None:
        return None
    need = study.need(choice.need)
    least = need.min_hours_per_week
    if least is None:
        raise study.refusal(
            "extensions.need",
            Message("le besoin « {need} » ne demande pas d'heures par semaine", need=need.key),
            Message("un besoin avec min_hours_per_week"),
        )
    here = demand[white(demand)]
    here = here[met_with(study.rule, margins_of(here, study), frozenset({need.key}))]
    places = services[services["type"].isin(need.types) & services["inside"]]
    places = places[places["hours_per_week"] < least].sort_index()
    if places.empty:
        raise study.refusal(
            "extensions.need",
            Message(
                "aucun guichet du territoire n'est ouvert moins de {hours} h par semaine",
                hours=f"{least:g}",
            ),
            Message("retirez [extensions]"),
        )
    cover = router.costs(here.geometry, places.geometry, limit=need.within).within(need.within)
    people = here["people"].to_numpy(float)
    added = least - places["hours_per_week"].to_numpy(float)
    price = added * choice.hour_cost_eur
    if choice.budget_eur is None:
        plan = maximal_covering(cover, people, choice.count or 0, time_limit_s=choice.time_limit_s)
    else:
        plan = budget_covering(
            cover,
            people,
            price,
            choice.budget_eur,
            p=choice.count,
            time_limit_s=choice.time_limit_s,
        )
    sites = list(plan.sites)
    chosen = places.iloc[sites]
    gains = np.array(plan.gains).round().astype(np.int64)
    number = np.arange(1, len(sites) + 1)
    table = gpd.GeoDataFrame(
        {
            "rank": number,
            "service": chosen.index.to_numpy(),
            **{name: chosen[name].to_numpy() for name in ("name", "commune", "commune_name")},
            "departement": chosen["departement"].to_numpy(),
            "hours_per_week": chosen["hours_per_week"].to_numpy(float),
            "hours_to_add": added[sites],
            "people_added": gains,
            "people_cumulated": gains.cumsum(),
            "cost_eur_per_year": price[sites],
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
            "status": plan.status,
        },
        geometry=chosen.geometry.to_numpy(),
        crs="EPSG:4326",
        index=pd.Index([f"x-{one:03d}" for one in number], name="id", dtype=object),
    )
    reached = np.diff(sparse.csr_array(cover).indptr) > 0
    return Extensions(table, int(people.sum()), int(people[reached].sum()))


# What networks that exist already (France services, La Poste, what moves) would bring to the people
# of the white zones.


@dataclass(frozen=True, slots=True)
class Network:
    """Counters that exist in every region, which a study may not have counted."""

    key: str
    label: Message
    types: tuple[str, ...]
    #: The source that ``geoguichet referentials fetch`` knows.
    source: str


NETWORKS = (
    Network("france_services", Message("France services"), ("france_services",), "france-services"),
    Network(
        "la_poste",
        Message("La Poste"),
        ("post_office", "post_agency", "post_relay"),
        "laposte",
    ),
)
#: What moves: its stops, of whatever type, as France services publishes those of its buses.
ITINERANT = Network(
    "itinerant", Message("les arrêts des services itinérants"), (), "france-services"
)


def unknown_networks(missing: Iterable[str], *, knows_stops: bool) -> list[Network]:
    """Return the networks that an answer does not know, from what its baseline says."""
    absent = [network for network in NETWORKS if network.key in missing]
    return absent if knows_stops else [*absent, ITINERANT]


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What existing networks cover, before any kiosk.

    ``table``: one row per network that the data hold and that answers no need of the study, and per
    need; columns network, counters (within the buffer), source (``study`` or the referential),
    need, lacking (people of white zones who lack the need), near (those of them who have one of its
    counters within the need's threshold), white (people in white zones if its counters met the need
    too, whatever their hours), white_before.
    """

    table: pd.DataFrame
    #: Networks that a need of the study counts already, and those that nobody holds here.
    counted: tuple[str, ...]
    missing: tuple[str, ...]
    inputs: tuple[InputLayer, ...] = ()

    @property
    def knows_stops(self) -> bool:
        """Whether the stops of itinerant services are counted, by the study or beside it."""
        told = self.table["network"] if len(self.table) else ()
        return ITINERANT.key in {*self.counted, *told}


def baseline(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
    workspace: str | Path | None = None,
) -> Baseline:
    """Measure what the networks that exist already would change.

    ``demand`` is measured and ``services`` are all those of the study's layer; a network that is
    not among them is looked for in the referentials of the ``workspace``. An itinerant counter
    counts where it stops (:func:`~geoguichet.referentials.directory.services.stops_of`), whatever
    the day, and not at its own point.
    """
    asked = {kind for need in study.needs for kind in need.types}
    rows: list[dict[str, object]] = []
    counted, missing, inputs = list[str](), list[str](), list[InputLayer]()
    for network in (*NETWORKS, ITINERANT):
        if asked & {*network.types} or (network is ITINERANT and study.stops_layer):
            counted.append(network.key)
            continue
        found, source = (
            _points(network, services.reset_index(names="id"), services, territory),
            "study",
        )
        if found.empty and workspace is not None and Path(workspace, "referentials").is_dir():
            for held, one in _held(network, workspace, services, territory):
                found, source, inputs = held, one.name, [*inputs, one]
        found = found[territory.near(found, study.territory.buffer_m)]
        if found.empty:
            missing += [network.key] if network in NETWORKS else []
            continue
        cost = router.nearest(demand.geometry, found).cost
        rows += [
            {"network": network.key, "counters": len(found), "source": source}
            | _with_network(demand, study, need, cost)
            for need in study.needs
        ]
    return Baseline(pd.DataFrame(rows), tuple(counted), tuple(missing), tuple(inputs))


# Return where the counters of a network are among the rows of a directory: those that move at their
# stops, put at town halls.
def _points(
    network: Network, rows: gpd.GeoDataFrame, services: gpd.GeoDataFrame, territory: Territory
) -> gpd.GeoSeries:
    moves = rows.get("itinerant", pd.Series(False, rows.index)).fillna(False).to_numpy(bool)
    if network is not ITINERANT:
        return rows[rows["type"].isin(network.types) & ~moves].geometry
    if not moves.any():
        return rows.geometry[:0]
    halls = services[services["type"] == "town_hall"].drop_duplicates("commune")
    communes = territory.communes[["code", "name", "departement"]]
    return stops_of(rows[moves], communes, halls.set_index("commune").geometry).geometry


# Yield the counters of a network in the newest referential that has some, with what was read.
def _held(
    network: Network, workspace: str | Path, services: gpd.GeoDataFrame, territory: Territory
) -> Iterator[tuple[gpd.GeoSeries, InputLayer]]:
    from geoguichet.referentials.versions.store import SERVICES, ReferentialStore

    store = ReferentialStore(Path(workspace, "referentials"))
    versions = [store.find(name) for name in store.names()]
    kinds = ", ".join(f"'{kind}'" for kind in network.types)
    for version in sorted(versions, key=lambda version: version.imported, reverse=True):
        if version.kind != SERVICES:
            continue
        path = store.path(version)
        rows = pyogrio.read_dataframe(
            path, layer=SERVICES, columns=_READ, where=f"type IN ({kinds})" if kinds else None
        )
        points = _points(network, rows, services, territory)
        if points.notna().any():
            read = len(points) if network is ITINERANT else len(rows)
            yield (
                points,
                InputLayer(
                    version.name, path.name, SERVICES, read, version.digest, version.short, ""
                ),
            )
            return


#: What is read of a referential to know its counters and where they stop.
_READ = ["id", "name", "type", "departement", "itinerant", "stops"]


def _with_network(
    demand: gpd.GeoDataFrame, study: Study, need: Need, cost: np.ndarray
) -> dict[str, object]:
    people, unserved = demand["people"].to_numpy(), white(demand).to_numpy()
    margins = margins_of(demand, study)
    lacks, near = unserved & ~(margins[need.key] >= 0), cost <= need.within
    helped = unserved & near & met_with(study.rule, margins, frozenset((need.key,)))
    return {
        "need": need.key,
        "lacking": int(people[lacks].sum()),
        "near": int(people[lacks & near].sum()),
        "white": int(people[unserved & ~helped].sum()),
        "white_before": int(people[unserved].sum()),
    }
