"""Where a visioguichet may stand: the hosts of the study's types that are eligible, and the rules
on choosing them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from geoguichet.coverage.access.rules import margins_of, met_with
from geoguichet.coverage.access.rules import white as white_of
from geoguichet.coverage.access.supply import open_enough
from geoguichet.coverage.errors import SitingError, StudyError
from geoguichet.coverage.routers.impedance import CostMatrix, Floats, Positions, Router
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.problem import Capacity, KioskPlan, Quality, SiteRules, too_near
from geoguichet.coverage.study.choices import KioskChoice, Stakes, too_many_floors
from geoguichet.coverage.study.hypotheses import Broadband
from geoguichet.coverage.study.study import Study
from geoguichet.floor.declaration import BadKeyError
from geoguichet.floor.words import _
from geoguichet.referentials.directory.quality import distance_to_commune_m
from geoguichet.referentials.territories.territory import Territory

#: Hosts nearer than about a metre are one place: one of them is kept.
_SAME_PLACE_DEG = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Hosts:
    """The hosts of the study's types: those that are eligible, and those that one of its conditions
    turns down.
    """

    eligible: gpd.GeoDataFrame
    refused: gpd.GeoDataFrame
    #: How many are eligible (``hosts``), and how many each condition turns down.
    counters: dict[str, int]


def candidate_hosts(
    territory: Territory,
    services: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    study: Study,
    kiosks: KioskChoice,
) -> Hosts:
    """Return the candidate hosts, one per place, indexed by service id in order.

    A host is a located service of one of the study's candidate types, in a commune of the
    territory, whose point lies within the tolerance of its commune (for the type that stands for
    the demand, the very points that do), open and connected as the study asks. Kiosks that exist
    already are hosts whatever they are.

    Raises
    ------
    SitingError
        No host is left.
    StudyError A list names a host that is not there or not eligible, or a column is missing from
        the services.
    """
    located = services[
        services["inside"] & services.geometry.notna() & ~services.geometry.is_empty
    ].sort_index()
    hosts = located[located["type"].isin(kiosks.candidates) | located.index.isin(kiosks.existing)]
    hosts = _one_per_place(
        hosts[_believed(hosts, territory, demand, study) | hosts.index.isin(kiosks.existing)],
        kiosks,
    )
    _check_named(territory, hosts, kiosks, study)
    return eligible(hosts, kiosks, study)


def eligible(hosts: gpd.GeoDataFrame, kiosks: KioskChoice, study: Study) -> Hosts:
    """Tell the hosts that a study's conditions (hours, broadband, cost) keep from those they turn
    down.

    Raises
    ------
    SitingError
        No host is left.
    StudyError
        A host that must have a kiosk is turned down, or a column is missing from the hosts.
    """
    existing = np.isin(np.arange(len(hosts)), chosen(hosts, kiosks.existing))
    kept, counters = np.ones(len(hosts), dtype=bool), {"hosts": 0}
    for name, key, passes in _conditions(hosts, kiosks, study):
        refused = ~passes & ~existing
        for position in chosen(hosts, kiosks.required):
            if refused[position]:
                raise study.refusal(
                    "kiosks.required",
                    f"le lieu imposé {hosts['name'].iloc[position]!r} ne remplit pas la "
                    f"condition « {key} »",
                    f"retirez-le de la liste ou assouplissez {key}",
                )
        counters[name] = int((refused & kept).sum())
        kept &= ~refused
    counters["hosts"] = int(kept.sum())
    if not kept.any():
        raise _none_left(hosts, counters, study, kiosks)
    return Hosts(hosts[kept], hosts[~kept], counters)


def site_rules(
    hosts: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, territory: Territory, study: Study
) -> SiteRules:
    """Return the study's rules on the choice of hosts, by their positions.

    Raises
    ------
    StudyError A floor names a département that is not there, or the floors ask for more kiosks than
        there are.
    """
    choice = study.kiosks
    if choice is None:
        return SiteRules()
    labels = {
        "commune": hosts["commune"],
        "epci": hosts["commune"].map(communes["epci"]).fillna(""),
        "departement": hosts["departement"],
    }
    metres = hosts.geometry.to_crs(territory.metric).get_coordinates().to_numpy()
    level = "epci" if choice.floor_per_epci else "departement"
    floors = _floors(territory, study, choice, labels["epci"])
    return SiteRules(
        existing=chosen(hosts, choice.existing),
        required=chosen(hosts, choice.required),
        forbidden=excluded(hosts, choice),
        one_per=list(labels[choice.one_per].astype(str)) if choice.one_per else None,
        apart=() if choice.spacing_m is None else too_near(metres, choice.spacing_m),
        floor_of=list(labels[level].astype(str)) if floors else None,
        floors=floors,
    )


def chosen(hosts: gpd.GeoDataFrame, names: Iterable[str]) -> tuple[int, ...]:
    """Return the position of the host each name means: its id, or in a commune the one open
    longest, then first.
    """
    found = []
    weekly = hosts["hours_per_week"].fillna(-1.0).to_numpy()
    for name in names:
        places = _meant(hosts, name)
        found += [int(places[np.argmax(weekly[places])])] if len(places) else []
    return tuple(found)


def excluded(hosts: gpd.GeoDataFrame, choice: KioskChoice) -> tuple[int, ...]:
    """Return the positions of every host that the excluded names mean, save those the study
    requires by their id.
    """
    return tuple(
        sorted(
            {int(place) for name in choice.excluded for place in _meant(hosts, name)}
            - (set(chosen(hosts, choice.required)) | set(chosen(hosts, choice.existing)))
        )
    )


def costs_eur(hosts: gpd.GeoDataFrame, choice: KioskChoice) -> npt.NDArray[np.float64]:
    """Return what a kiosk costs in each host, in euros: its own column, its type's cost, else the
    study's.
    """
    if choice.site_cost_column:
        return hosts[choice.site_cost_column].to_numpy(float)
    return (
        hosts["type"].map(dict(choice.site_cost)).fillna(choice.user_side_cost_eur).to_numpy(float)
    )


def needs_opened(
    hosts: gpd.GeoDataFrame, study: Study, choice: KioskChoice
) -> list[frozenset[str]]:
    """Return what a kiosk in each host opens: the needs offered that its host is open enough for,
    or every one of them without ``hours_count``.

    Where needs ask for more or fewer hours a week, what two kiosks open together one of them opens
    alone. Where they ask for a moment, two that complete each other do not count together: what is
    told is a minimum.
    """
    opened = [set[str]() for _ in range(len(hosts))]
    for key in choice.offers:
        able = (
            open_enough(hosts, study.need(key)).to_numpy()
            if choice.hours_count
            else np.ones(len(hosts), dtype=bool)
        )
        for position in np.flatnonzero(able):
            opened[position].add(key)
    return [frozenset(keys) for keys in opened]


def _believed(
    hosts: gpd.GeoDataFrame, territory: Territory, demand: gpd.GeoDataFrame, study: Study
) -> npt.NDArray[np.bool_]:
    of_demand = (hosts["type"] == study.demand.at).to_numpy()
    standing = (
        hosts["commune"].isin(demand.index[demand["point_source"] == study.demand.at]).to_numpy()
    )
    near = ~of_demand
    near[near] = ~(
        distance_to_commune_m(hosts[~of_demand], territory) > study.demand.tolerance_m
    ).to_numpy()
    return np.where(of_demand, standing, near & hosts["commune"].isin(demand.index).to_numpy())


def _one_per_place(hosts: gpd.GeoDataFrame, choice: KioskChoice) -> gpd.GeoDataFrame:
    """Keep one host per point: one the study names, else of the type it lists first, else the first
    by id.

    Of the type that comes once a commune (the town hall), the first by id alone stands for it.
    """
    named = np.isin(hosts.index.to_numpy(object), (*choice.existing, *choice.required))
    kinds = {kind: number for number, kind in enumerate(choice.candidates)}
    kind = hosts["type"].map(kinds).fillna(-1).to_numpy(float)
    order = np.lexsort((kind, ~named))
    place = (hosts.geometry.get_coordinates() / _SAME_PLACE_DEG).round().astype("int64")
    first = ~place.iloc[order].duplicated().to_numpy()
    return hosts.iloc[np.sort(order[first])]


# Yield the counter, the key and who passes, for each condition the study sets.
def _conditions(
    hosts: gpd.GeoDataFrame, choice: KioskChoice, study: Study
) -> Iterable[tuple[str, str, npt.NDArray[np.bool_]]]:
    least = choice.min_hours_per_week
    if least is not None:
        yield "hosts_closed", "min_hours_per_week", (hosts["hours_per_week"] >= least).to_numpy()
    if choice.capacity is not None:
        yield "hosts_without_hours", "capacity", (hosts["hours_per_week"] > 0).to_numpy()
    if choice.broadband is not None:
        yield "hosts_not_connected", "broadband", _connected(hosts, choice.broadband, study)
    if choice.site_cost_column:
        _require_column(hosts, choice.site_cost_column, "kiosks.site_cost", study)
        prices = pd.to_numeric(hosts[choice.site_cost_column], errors="coerce")
        yield "hosts_without_cost", "site_cost", ((prices >= 0) & np.isfinite(prices)).to_numpy()


def _connected(
    hosts: gpd.GeoDataFrame, broadband: Broadband, study: Study
) -> npt.NDArray[np.bool_]:
    _require_column(hosts, broadband.column, "kiosks.broadband", study)
    values = hosts[broadband.column]
    if broadband.at_least is not None:
        return (pd.to_numeric(values, errors="coerce") >= broadband.at_least).to_numpy()
    return (
        values.astype(object)
        .where(values.notna(), False)
        .map(lambda value: str(value).strip().lower())
        .isin(("true", "1", "1.0", "oui", "yes"))
        .to_numpy()
    )


def _require_column(hosts: gpd.GeoDataFrame, column: str, key: str, study: Study) -> None:
    if column not in hosts.columns:
        raise study.refusal(
            key,
            f"la couche {study.services_layer} n'a pas de colonne {column!r}",
            ", ".join(name for name in hosts.columns if name != hosts.geometry.name),
        )


# Return the positions of the hosts a name means: the id of one, or the code of the commune of
# several.
def _meant(hosts: gpd.GeoDataFrame, name: str) -> npt.NDArray[np.int64]:
    return np.flatnonzero(
        (hosts.index == name) if name in hosts.index else (hosts["commune"] == name).to_numpy()
    )


# Return how many kiosks each group must have: départements, or the intercommunalities that have so
# many hosts.
def _floors(
    territory: Territory, study: Study, choice: KioskChoice, epci: pd.Series
) -> dict[str, int]:
    known = [str(code) for code in territory.departements["code"]]
    for code, _least in choice.floor:
        if code not in known:
            raise study.refusal(
                "kiosks.floor", f"le département {code!r} est inconnu", ", ".join(known)
            )
    least_of = dict.fromkeys(known, choice.floor_per_departement) | dict(choice.floor)
    floors = {code: least for code, least in least_of.items() if least}
    if least := choice.floor_per_epci:
        hosts = epci[epci != ""].value_counts()
        floors = {str(code): least for code in sorted(hosts.index[hosts >= least])}
    asked = sum(floors.values())
    if choice.count is not None and asked > choice.count:
        key = "floor_per_epci" if choice.floor_per_epci else "floor_per_departement"
        raise StudyError(too_many_floors(asked, choice.count).at(study.where, "kiosks", key))
    return floors


def _check_named(
    territory: Territory, hosts: gpd.GeoDataFrame, kiosks: KioskChoice, study: Study
) -> None:
    known = territory.polygons.index
    for key in ("required", "excluded", "existing"):
        for name in getattr(kiosks, key):
            if name not in known and name not in hosts.index:
                raise study.refusal(
                    f"kiosks.{key}",
                    f"la commune (ou l'identifiant de lieu) {name!r} est inconnue dans "
                    f"{territory.name}",
                    f'un code INSEE du territoire, comme "{known[0]}"',
                )
            if key != "excluded" and not len(_meant(hosts, name)):
                raise study.refusal(
                    f"kiosks.{key}",
                    f"la commune {name} n'a pas de lieu d'accueil localisé",
                    "retirez-la de la liste",
                )


def _none_left(
    hosts: gpd.GeoDataFrame, counters: dict[str, int], study: Study, kiosks: KioskChoice
) -> SitingError:
    kinds = ", ".join(kiosks.candidates)
    if hosts.empty:
        return SitingError(
            f"{study.where}, clé « kiosks.candidates » : aucun lieu {kinds} localisé dans le "
            "territoire ; "
            "essayez un autre type de lieu."
        )
    keys = {
        "hosts_closed": "min_hours_per_week",
        "hosts_without_hours": "capacity",
        "hosts_not_connected": "broadband",
        "hosts_without_cost": "site_cost",
    }
    worst = max(keys, key=lambda name: counters.get(name, 0))
    return SitingError(
        f"{study.where}, clé « kiosks.{keys[worst]} » : cette condition écarte "
        f"{counters[worst]} des "
        f"{len(hosts)} lieux {kinds} et il n'en reste aucun ; assouplissez-la ou ajoutez des "
        "types à candidates."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Prospect:
    """What a kiosk in each host could do for the points that counters leave unserved."""

    #: Rows of the demand that are not served.
    white: gpd.GeoDataFrame
    hosts: gpd.GeoDataFrame
    rules: SiteRules
    #: White points x hosts, the pairs within the limit of the model.
    costs: CostMatrix
    #: White points x hosts: within reach, whatever the host opens.
    near: sparse.csr_array
    #: White points x hosts: a kiosk there is within reach and would serve the point.
    serves: sparse.csr_array
    #: White points within reach of a host that a condition of the study turns down.
    refused: npt.NDArray[np.bool_]
    #: White points that a kiosk on the spot would serve, open as long as one likes.
    helps: npt.NDArray[np.bool_]
    #: Needs that a kiosk in each host opens.
    opened: list[frozenset[str]]
    #: ``serves`` as it was before the plan sent each point to one kiosk with room for it.
    unlimited: sparse.csr_array | None = None

    @property
    def reachable(self) -> npt.NDArray[np.bool_]:
        """White points that some host which may be opened would serve."""
        allowed = np.ones(len(self.hosts), dtype=np.int64)
        allowed[list(self.rules.forbidden)] = 0
        return np.asarray(self.serves.astype(np.int64) @ allowed > 0)


def prospect(
    study: Study,
    choice: KioskChoice,
    demand: gpd.GeoDataFrame,
    found: Hosts,
    rules: SiteRules,
    router: Router,
) -> Prospect:
    """Measure the way from every unserved point to every eligible host, and say which would serve
    which.
    """
    hosts = found.eligible
    white = demand[white_of(demand)]
    margins = margins_of(white, study)
    costs = router.costs(white.geometry, hosts.geometry, limit=choice.search_radius)
    opened = needs_opened(hosts, study, choice)
    kinds = {needs: met_with(study.rule, margins, needs) for needs in dict.fromkeys(opened)}
    number = {needs: code for code, needs in enumerate(kinds)}
    of_host = np.array([number[needs] for needs in opened], dtype=np.int64)
    useful = np.array(list(kinds.values()))[of_host[costs.destination], costs.origin]
    kept = replace(
        costs,
        origin=costs.origin[useful],
        destination=costs.destination[useful],
        cost=costs.cost[useful],
    )
    return Prospect(
        white=white,
        hosts=hosts,
        rules=rules,
        costs=kept,
        near=costs.within(choice.reach),
        serves=kept.within(choice.reach),
        refused=_reached(white, found.refused, choice, router),
        helps=met_with(study.rule, margins, frozenset(choice.offers)),
        opened=opened,
    )


# Say which points have one of the places within the reach of a kiosk.
def _reached(
    white: gpd.GeoDataFrame, places: gpd.GeoDataFrame, choice: KioskChoice, router: Router
) -> npt.NDArray[np.bool_]:
    if places.empty:
        return np.zeros(len(white), dtype=bool)
    return np.asarray(router.nearest(white.geometry, places.geometry).cost <= choice.reach)


def solve(
    study: Study, choice: KioskChoice, prospect: Prospect, demand: gpd.GeoDataFrame
) -> KioskPlan:
    """Choose the hosts by the study's model; positions are those of the hosts.

    ``uncoverable`` are positions in the prospect's white points.

    Raises
    ------
    SitingError
        The rules contradict each other or the model's wish; the message names the rule at fault.
    StudyError
        The share asked for is out of reach or reached already, or the budget pays for no kiosk.
    """
    rows = np.flatnonzero(prospect.helps)
    people = choice.weight or "people"
    everyone = demand[people].fillna(0).astype(float)
    weight = prospect.white[people].fillna(0).to_numpy(float)[rows]
    costs = _of_rows(prospect.costs, rows)
    stakes = Stakes(
        weight=weight,
        cover=sparse.csr_array(prospect.serves[rows]),
        costs=costs,
        prices_eur=costs_eur(prospect.hosts, choice),
        rules=prospect.rules,
        total=float(everyone.sum()),
        served=float(everyone[demand["served"]].sum()),
        reachable=float(weight[prospect.reachable[rows]].sum()),
        capacity=_capacity(prospect, choice, rows),
        quality=Quality(
            within=choice.host_quality_within,
            hours=prospect.hosts["hours_per_week"].fillna(0).to_numpy(float),
            size=people_of_commune(prospect.hosts, demand),
            costs=costs,
            weight=weight,
            existing=prospect.rules.existing,
        ),
    )
    try:
        plan = choice.solve(stakes)
    except BadKeyError as wrong:
        raise StudyError(wrong.at(study.where, "kiosks")) from wrong
    except SitingError as error:
        why = _fault(choice, prospect) or choice.impossible(_barring(choice)) or error
        raise SitingError(
            _("{file}, table « kiosks » : {why}", file=study.where, why=why)
        ) from error
    goes = np.full(len(prospect.white), -1)
    if stakes.capacity is not None:
        goes[rows] = plan.assigned
    return replace(
        plan,
        uncoverable=tuple(int(row) for row in rows[list(plan.uncoverable)]),
        assigned=() if stakes.capacity is None else tuple(goes.tolist()),
    )


# Return the uses a year of the points that kiosks may help, and those that hosts and desk can take.
def _capacity(prospect: Prospect, choice: KioskChoice, rows: Positions) -> Capacity | None:
    if choice.capacity is None:
        return None
    people = prospect.white["people"].to_numpy(float)[rows]
    return Capacity(
        load=people * choice.use.uses_per_person,
        room=choice.capacity.of_hosts(prospect.hosts["hours_per_week"]),
        together=choice.capacity.of_desk(choice.experts),
    )


def people_of_commune(hosts: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> Floats:
    """Return how many people live in the commune of each host, 0 where the study counts none."""
    commune = demand["commune"] if "commune" in demand.columns else demand.index.to_series()
    counted = demand["people"].groupby(commune.to_numpy()).sum()
    return hosts["commune"].map(counted).fillna(0).to_numpy(float)


# Return the costs from some rows only, numbered in their order.
def _of_rows(costs: CostMatrix, rows: Positions) -> CostMatrix:
    place = np.full(costs.shape[0], -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    kept = place[costs.origin] >= 0
    return CostMatrix(
        place[costs.origin[kept]],
        costs.destination[kept],
        costs.cost[kept],
        (len(rows), costs.shape[1]),
    )


def _fault(choice: KioskChoice, prospect: Prospect) -> str:
    """Name the rules without which a choice of hosts would exist; empty when the rules are not at
    fault.

    Each rule is dropped in turn, over a demand that any host serves.
    """
    rules, hosts = prospect.rules, len(prospect.hosts)
    if set(rules.forbidden) >= set(range(hosts)) or _possible(rules, choice.count, hosts):
        return ""
    without = {
        "floor": replace(rules, floors={}),
        "one_per": replace(rules, one_per=None),
        "spacing": replace(rules, apart=()),
        "required": replace(rules, required=()),
        "excluded": replace(rules, forbidden=()),
        "existing": replace(rules, existing=()),
    }
    found = [key for key, fewer in without.items() if _possible(fewer, choice.count, hosts)]
    if choice.count is not None and _possible(rules, hosts, hosts):
        found.append("count")
    if not found:
        return _(
            "les règles se contredisent de plusieurs façons à la fois ; retirez-les une à une."
        )
    return _(
        "aucun choix de lieux ne respecte toutes les règles ; il en existe un si l'on assouplit "
        "{rules}.",
        rules=_(" ou ").join(f"« {key} »" for key in found),
    )


# Name the rules that may keep a plan from serving as many as it must.
def _barring(choice: KioskChoice) -> str:
    given = {"one_per": bool(choice.one_per), "spacing": choice.spacing_m is not None}
    return _(" et ").join(f"« {key} »" for key, there in given.items() if there)


# Say whether some choice of hosts keeps the rules, whatever it covers.
def _possible(rules: SiteRules, count: int | None, hosts: int) -> bool:
    try:
        maximal_covering(
            sparse.csr_array(np.ones((1, hosts), dtype=bool)),
            [1.0],
            count or hosts,
            rules=rules,
            time_limit_s=10.0,
        )
    except SitingError:
        return False
    return True


def first_serving(serves: sparse.sparray, opened: list[int]) -> Positions:
    """Return for each row the first of the opened columns, in their order, that serves it; -1 where
    none does.
    """
    table = (
        sparse.csr_array(sparse.csr_array(serves)[:, opened])
        if opened
        else sparse.csr_array((serves.shape[0], 0))
    )
    table.sort_indices()
    first = np.full(table.shape[0], -1, dtype=np.int64)
    some = np.diff(table.indptr) > 0
    first[some] = table.indices[table.indptr[:-1][some]]
    return first


def served_by(prospect: Prospect, kiosks: gpd.GeoDataFrame) -> pd.Index:
    """Return the white points that some kiosk of the table serves."""
    return prospect.white.index[first_serving(prospect.serves, positions(prospect, kiosks)) >= 0]


def positions(prospect: Prospect, kiosks: gpd.GeoDataFrame) -> list[int]:
    """Return the positions in the hosts of the kiosks of the table, in its order."""
    return [int(place) for place in prospect.hosts.index.get_indexer(kiosks["host_id"])]
