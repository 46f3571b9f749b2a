"""The ranked list: what each kiosk adds and saves, how far any plan could go, where to stop, who is
left and why.
"""

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from geoguichet.coverage.access.rules import add_metres
from geoguichet.coverage.kiosks.programme import Phased, phased, settled
from geoguichet.coverage.kiosks.prospects import (
    Hosts,
    Prospect,
    costs_eur,
    first_serving,
    positions,
    prospect,
    served_by,
    solve,
)
from geoguichet.coverage.routers.impedance import CostMatrix, Floats, Router
from geoguichet.coverage.siting.bounds import coverage_bounds
from geoguichet.coverage.siting.problem import KioskPlan, SiteRules
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.coverage.study.hypotheses import Reference
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import Unit

# The table of the kiosks that a model opens.

KIOSK_COLUMNS = (
    "rank",
    "standing",
    "commune",
    "name",
    "departement",
    "host",
    "host_id",
    "type",
    "needs",
    "hours",
    "hours_per_week",
    "people_added",
    "people_cumulated",
    "share_cumulated",
    "access_hours_per_week",
    "gain",
    "cost_eur",
    # what every kiosk says of the plan it belongs to, so that the layer can be read alone
    "model",
    "status",
    "value",
    "bound",
    "gap",
)


def kiosk_table(prospect: Prospect, plan: KioskPlan, choice: KioskChoice) -> gpd.GeoDataFrame:
    """Return the kiosks, those that exist first (rank 0), then those of the plan in its order.

    People are counted once, with the first kiosk of the table that serves them, whatever the model
    counts; ``gain`` is what the plan says each adds in the model's own measure.
    """
    existing, opened = list(prospect.rules.existing), [*prospect.rules.existing, *plan.sites]
    hosts, old = prospect.hosts.iloc[opened], len(existing)
    people = prospect.white["people"].to_numpy(float)
    first = first_serving(prospect.serves, opened)
    added = pd.Series(
        np.bincount(first[first >= 0], weights=people[first >= 0], minlength=len(opened))
        .round()
        .astype(np.int64)
    )
    required = set(prospect.rules.required)
    standing = ["existing"] * old + [
        "required" if site in required else "proposed" for site in plan.sites
    ]
    gains = np.array([np.nan] * old + list(plan.gains), dtype=float)
    return gpd.GeoDataFrame(
        {
            "rank": [0] * old + list(range(1, len(plan.sites) + 1)),
            "standing": standing,
            "commune": hosts["commune"].to_numpy(),
            "name": hosts["commune_name"].to_numpy(),
            "departement": hosts["departement"].to_numpy(),
            "host": hosts["name"].to_numpy(),
            "host_id": hosts.index.to_numpy(),
            "type": hosts["type"].to_numpy(),
            "needs": [
                ",".join(key for key in choice.offers if key in prospect.opened[site])
                for site in opened
            ],
            "hours": hosts["hours"].to_numpy(),
            "hours_per_week": hosts["hours_per_week"].to_numpy(float),
            "people_added": added.to_numpy(),
            "people_cumulated": added.cumsum().to_numpy(),
            "share_cumulated": (
                added.cumsum() / people.sum() if people.sum() else added * 0.0
            ).to_numpy(),
            "access_hours_per_week": added.to_numpy()
            * hosts["hours_per_week"].fillna(0).to_numpy(),
            "gain": np.where(np.isfinite(gains), gains, np.nan),
            "cost_eur": np.where(np.arange(len(opened)) < old, 0.0, costs_eur(hosts, choice)),
            "model": choice.model,
            "status": plan.status,
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
        },
        geometry=hosts.geometry.to_numpy(),
        crs="EPSG:4326",
        index=pd.Index(
            [
                *(f"e-{number:03d}" for number in range(1, old + 1)),
                *(f"k-{number:03d}" for number in range(1, len(plan.sites) + 1)),
            ],
            name="id",
            dtype=object,
        ),
    )[[*KIOSK_COLUMNS, "geometry"]]


def no_kiosks() -> gpd.GeoDataFrame:
    """Return the table of a study that asks for none."""
    return gpd.GeoDataFrame(
        columns=list(KIOSK_COLUMNS),
        geometry=[],
        crs="EPSG:4326",
        index=pd.Index([], name="id", dtype=object),
    )


# The demand once the kiosks are open: which one reaches each point, and who is served then.


def once_open(
    demand: gpd.GeoDataFrame,
    kiosks: gpd.GeoDataFrame,
    prospects: Prospect | None,
    study: Study,
    router: Router,
) -> gpd.GeoDataFrame:
    """Add the kiosk that reaches each point, the way to it, and whether the point is served once
    the kiosks are open.

    The kiosk is the nearest within reach; for a point that kiosks serve, the nearest that serves
    it: where hours count (``hours_count``), a nearer one may not open what the point lacks.
    """
    table = demand.copy()
    name, cost = np.full(len(demand), "", dtype=object), np.full(len(demand), np.nan)
    if study.kiosks is not None and len(kiosks):
        nearest = router.nearest(demand.geometry, kiosks.geometry)
        reached = nearest.cost <= study.kiosks.reach
        name[reached] = kiosks.index.to_numpy()[nearest.destination[reached]]
        cost[reached] = nearest.cost[reached]
    table["kiosk"], table[study.unit.column("kiosk")] = name, cost
    table["served_after"] = demand["served"] | demand.index.isin(
        demand.index[:0] if prospects is None else served_by(prospects, kiosks)
    )
    table["unserved_reason"] = ""
    table = add_metres(table, router, kiosks.geometry, named="kiosk", column="kiosk_m")
    if (
        prospects is not None
        and study.kiosks is not None
        and (study.kiosks.hours_count or prospects.unlimited is not None)
    ):
        table = _beyond_the_nearest(table, kiosks, prospects, study, router)
    return table


# Name the nearest kiosk that serves each point gained, where the nearest of all opens too little
# for it or is full.
def _beyond_the_nearest(
    table: gpd.GeoDataFrame,
    kiosks: gpd.GeoDataFrame,
    prospects: Prospect,
    study: Study,
    router: Router,
) -> gpd.GeoDataFrame:
    place = np.full(len(prospects.hosts), -1, dtype=np.int64)
    place[positions(prospects, kiosks)] = np.arange(len(kiosks))
    ways, within = prospects.costs, study.kiosks.reach if study.kiosks is not None else 0.0
    pairs = pd.DataFrame(
        {"origin": ways.origin, "kiosk": place[ways.destination], "cost": ways.cost}
    )
    best = (
        pairs[(pairs["kiosk"] >= 0) & (pairs["cost"] <= within)]
        .sort_values(["origin", "cost", "kiosk"])
        .drop_duplicates("origin")
    )
    serving = pd.DataFrame(
        {"kiosk": kiosks.index.to_numpy()[best["kiosk"]], "cost": best["cost"].to_numpy()},
        index=prospects.white.index[best["origin"]],
    )
    moved = serving[serving["cost"] > table.loc[serving.index, study.unit.column("kiosk")]]
    table.loc[moved.index, "kiosk"] = moved["kiosk"]
    table.loc[moved.index, study.unit.column("kiosk")] = moved["cost"]
    if study.unit is Unit.SECONDS and "kiosk_m" in table.columns:
        for kiosk, members in moved.groupby("kiosk"):
            table.loc[members.index, "kiosk_m"] = router.metres(
                table.loc[members.index].geometry, kiosks.geometry.loc[[kiosk]]
            )
    return table


#: Why a commune stays unserved: a host within reach was not chosen; none is within reach; only
#: excluded ones are; those within reach are not open long enough; the kiosks within reach have no
#: room left; a condition of the study turns
#: those within reach down; a need it lacks is one the kiosks do not offer. The undecided are none
#: of these.
REASONS = (
    "full",
    "not_chosen",
    "no_candidate",
    "excluded",
    "host_closed",
    "host_refused",
    "need_not_offered",
)

SAVINGS = ("uses_per_year", "km_saved_per_year", "co2_saved_kg_per_year")
#: Money the stopping point is told for.
TRANCHE_EUR = 10_000.0
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ReferenceOutcome:
    """A plan really carried out against the best of as many kiosks."""

    reference: Reference
    #: People it gains; None when nobody says where its kiosks stood.
    people: float | None
    #: People gained by as many kiosks put in the most populated communes in white zones: what one
    #: does unaided.
    most_populated: float
    #: People gained by as many of the plan's kiosks.
    best: float
    #: People no plan of as many kiosks can exceed.
    bound: float
    #: How many of the plan's kiosks gain as much as ``people``, else as ``most_populated``; None
    #: when none do.
    enough: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """What surrounds the list of kiosks.

    ``curve``: one row per number of kiosks 1..p; columns kiosks, people (gained by the first of the
    list), best_known (by the best choice found for that number alone: the list, a greedy one, or
    the plan that was given up for better hosts), bound (no choice of as many gains more: proved),
    gap (between those two, as a share of the bound).

    ``unserved``: one row per reason (:data:`REASONS`) in that order; columns reason, communes,
    people, names (the most populated).
    """

    curve: pd.DataFrame
    unserved: pd.DataFrame
    #: Kiosks after which the next 10,000 EUR brings fewer people than the study asks; None when it
    #: always does.
    stop_at: int | None
    reference: ReferenceOutcome | None
    #: Weight of the unserved people whom kiosks could help, in the group that counts: what a mean
    #: is taken over.
    concerned: float = 0.0
    #: When each kiosk opens, where the study asks.
    programme: Phased | None = None
    #: See :func:`equity`.
    equity: pd.DataFrame | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        outcome = self.reference
        even = self.equity
        more = {
            "programme": None if self.programme is None else self.programme.as_dict(),
            "equity": None
            if even is None
            else {
                "gini_before": gini(even["before"], even["people"]),
                "gini_after": gini(even["after"], even["people"]),
                "epci": even.to_dict("records"),
            },
        }
        return {name: told for name, told in more.items() if told is not None} | {
            "curve": self.curve.to_dict("records"),
            "unserved": self.unserved.to_dict("records"),
            "stop_at": self.stop_at,
            "concerned": self.concerned,
            "reference": None
            if outcome is None
            else {
                "label": outcome.reference.label,
                "kiosks": outcome.reference.count,
                "cost_eur": outcome.reference.cost_eur,
                "people": outcome.people,
                "most_populated": outcome.most_populated,
                "best": outcome.best,
                "bound": outcome.bound,
                "enough": outcome.enough,
            },
        }


def rank(
    study: Study,
    choice: KioskChoice,
    demand: gpd.GeoDataFrame,
    prospect: Prospect,
    kiosks: gpd.GeoDataFrame,
    plan: KioskPlan,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, Ranking]:
    """Return the kiosks with what they save, the demand with why it stays unserved, and the ranking
    around them.

    ``demand`` and ``kiosks`` are those of :class:`~geoguichet.coverage.manifest.CoverageResult` once
    the kiosks are open; the plan's sites are positions of the prospect's hosts.
    """
    white = demand.loc[prospect.white.index]
    kiosks = _with_savings(kiosks, white, prospect, study, choice)
    demand = demand.assign(unserved_reason=_reasons(demand, white, prospect, plan))
    curve = _curve(plan, choice, prospect, kiosks)
    return (
        kiosks,
        demand,
        Ranking(
            curve=curve,
            unserved=_unserved(demand),
            stop_at=_stop_at(kiosks, choice),
            reference=_reference(choice, white, prospect, curve),
            equity=equity(demand),
            concerned=float(
                prospect.white[choice.weight or "people"].fillna(0)[prospect.helps].sum()
            ),
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sited:
    """The demand once the kiosks are open, the kiosks, and what surrounds them."""

    demand: gpd.GeoDataFrame
    kiosks: gpd.GeoDataFrame
    plan: KioskPlan | None = None
    ranking: Ranking | None = None
    hosts: gpd.GeoDataFrame | None = None
    #: Unserved points x hosts that would serve them.
    near: CostMatrix | None = None


def site(
    study: Study,
    choice: KioskChoice,
    demand: gpd.GeoDataFrame,
    found: Hosts,
    rules: SiteRules,
    router: Router,
) -> Sited:
    """Choose the hosts of the kiosks for a measured demand, open them there, and rank them.

    Same errors as :func:`~geoguichet.coverage.kiosks.prospects.solve`.
    """
    prospects = prospect(study, choice, demand, found, rules, router)
    plan = solve(study, choice, prospects, demand)
    near = prospects.costs.up_to(choice.reach)
    prospects = settled(prospects, plan) if plan.assigned else prospects
    kiosks = kiosk_table(prospects, plan, choice)
    demand = once_open(demand, kiosks, prospects, study, router)
    kiosks, demand, ranking = rank(study, choice, demand, prospects, kiosks, plan)
    if choice.programme is not None:
        kiosks, steps = phased(study, choice, choice.programme, prospects.white, prospects, kiosks)
        ranking = replace(ranking, programme=steps)
    return Sited(demand, kiosks, plan, ranking, found.eligible, near)


# Give each commune gained to the first kiosk of the list that serves it, and add up what that saves
# a year.
def _with_savings(
    kiosks: gpd.GeoDataFrame,
    white: gpd.GeoDataFrame,
    prospect: Prospect,
    study: Study,
    choice: KioskChoice,
) -> gpd.GeoDataFrame:
    first = first_serving(prospect.serves, positions(prospect, kiosks))
    gained, first = white[first >= 0], first[first >= 0]
    use = choice.use
    uses = gained["people"].to_numpy(float) * use.uses_per_person
    kilometres = uses * use.trips_avoided * use.detour * 2 * _nearer_m(gained, study, choice) / 1000

    def per_kiosk(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(first, weights=values, minlength=len(kiosks))

    saved = per_kiosk(kilometres)
    zones = _zones(gained, first)
    added = {
        "zones": [",".join(zones.get(position, ())) for position in range(len(kiosks))],
        "uses_per_year": per_kiosk(uses),
        "km_saved_per_year": saved,
        "co2_saved_kg_per_year": saved * use.co2_g_per_km / 1000,
    }
    known = [name for name in kiosks.columns if name not in (*added, kiosks.geometry.name)]
    place = known.index("hours_per_week") + 1
    return kiosks.assign(**added)[
        [*known[:place], "zones", *known[place:], *SAVINGS, kiosks.geometry.name]
    ]


def _nearer_m(gained: gpd.GeoDataFrame, study: Study, choice: KioskChoice) -> Floats:
    """Metres nearer, one way: the mean over the needs offered that the commune lacked, of counter
    minus kiosk.

    A need no counter meets at all saves a trip nobody made: it counts for nothing. A study of times
    measures kilometres where it knows the roads (:mod:`~geoguichet.coverage.routers.road`); else
    its savings are missing.
    """
    if "kiosk_m" not in gained.columns:
        return np.full(len(gained), np.nan)
    lacking = [
        (gained[f"{need.key}_m"] - gained["kiosk_m"])
        .clip(lower=0)
        .where(~(gained[study.unit.column(need.key)] <= need.within))
        .to_numpy(float)
        for need in study.needs
        if need.key in choice.offers
    ]
    table = np.column_stack(lacking) if lacking else np.zeros((len(gained), 1))
    known = ~np.isnan(table)
    return np.where(known, table, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


# Return the zones of the communes gained by each kiosk, those with most of their people first.
def _zones(gained: gpd.GeoDataFrame, first: npt.NDArray[np.int64]) -> dict[int, list[str]]:
    people = gained.groupby([first, gained["zone"].to_numpy()])["people"].sum().sort_index()
    zones: dict[int, list[str]] = {}
    for position, zone in people.sort_values(ascending=False, kind="stable").index:
        zones.setdefault(position, []).extend([zone] if zone else [])
    return zones


# Return why each commune is still unserved; empty where it is served.
def _reasons(
    demand: gpd.GeoDataFrame, white: gpd.GeoDataFrame, prospect: Prospect, plan: KioskPlan
) -> pd.Series:
    why = np.select(
        [
            ~prospect.helps,
            first_serving(prospect.unlimited, [*prospect.rules.existing, *plan.sites]) >= 0
            if prospect.unlimited is not None
            else np.zeros(len(white), dtype=bool),
            prospect.reachable,
            prospect.serves.astype(np.int64).sum(axis=1) > 0,
            prospect.near.sum(axis=1) > 0,
            prospect.refused,
        ],
        [
            "need_not_offered",
            "full",
            "not_chosen",
            "excluded",
            "host_closed",
            "host_refused",
        ],
        default="no_candidate",
    )
    return (
        pd.Series(why, index=white.index, dtype=object)
        .reindex(demand.index, fill_value="")
        .where(~demand["served_after"], "")
    )


def commune_count(demand: gpd.GeoDataFrame) -> int:
    """Return how many communes the rows are of: one each, unless they are cells."""
    return int(demand["commune"].nunique()) if "commune" in demand.columns else len(demand)


def _unserved(demand: gpd.GeoDataFrame) -> pd.DataFrame:
    left = demand[demand["unserved_reason"] != ""].sort_values(
        "people", ascending=False, kind="stable"
    )
    return pd.DataFrame(
        [
            {
                "reason": reason,
                "communes": commune_count(members),
                "people": int(members["people"].sum()),
                "names": ", ".join(list(dict.fromkeys(members["name"]))[:_EXAMPLES]),
            }
            for reason in REASONS
            if len(members := left[left["unserved_reason"] == reason])
        ],
        columns=["reason", "communes", "people", "names"],
    )


def _curve(
    plan: KioskPlan, choice: KioskChoice, prospect: Prospect, kiosks: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the curve of the kiosks to open, people being those that existing kiosks leave.

    Where rules or capacities bind the choice the greedy list would break them: only the plan's own
    list is then known to be possible.
    """
    rules = prospect.rules
    gained = kiosks.loc[kiosks["rank"] > 0, "people_added"].cumsum().to_numpy(float)
    left = first_serving(prospect.serves, list(rules.existing)) < 0
    unlimited = prospect.serves if prospect.unlimited is None else prospect.unlimited
    cover = sparse.csr_array(
        unlimited[left][
            :, np.setdiff1d(np.arange(len(prospect.hosts)), [*rules.forbidden, *rules.existing])
        ]
    )
    people = prospect.white["people"].to_numpy(float)[left]
    bound_by = (
        bool(rules.required or rules.one_per is not None or len(rules.apart) or rules.floors)
        or prospect.unlimited is not None
    )
    best = (
        gained
        if bound_by or not len(gained)
        else np.maximum(gained, _greedy(cover, people, len(gained)))
    )
    bound = coverage_bounds(cover, people, best)
    if choice.fills_count and choice.counts_people and len(gained):
        best = np.minimum(best, plan.bound)
        if plan.hosts is not None and plan.hosts.sites == len(gained):
            best[-1] = max(best[-1], plan.hosts.best)
        fewer = slice(None) if not rules.required and not rules.floors else slice(-1, None)
        bound[fewer] = np.minimum(bound[fewer], plan.bound)  # proved for p, it holds for fewer too
        bound = np.maximum(bound, best)
    return pd.DataFrame(
        {
            "kiosks": np.arange(1, len(gained) + 1),
            "people": gained,
            "best_known": best,
            "bound": bound,
            "gap": np.divide(bound - best, bound, out=np.zeros_like(bound), where=bound > 0),
        }
    )


# Return the weight covered by 1..p sites, each opened where it adds most.
def _greedy(cover: sparse.sparray, people: npt.NDArray[np.float64], p: int) -> Floats:
    columns, left = sparse.csr_array(sparse.csr_array(cover, dtype=np.float64).T), people.copy()
    reached = np.zeros(p)
    for k in range(p):
        site = int(np.argmax(columns @ left))
        left[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = 0.0
        reached[k] = people.sum() - left.sum()
    return reached


def gini(share: npt.ArrayLike, people: npt.ArrayLike) -> float:
    """Return how unevenly a share is spread among groups of people: 0 when every group has the
    same, near 1 when one has all (Gini 1912), each group counting for its people.

    >>> gini([0.5, 0.5], [10, 90]), round(gini([1.0, 0.0], [50, 50]), 2)
    (0.0, 0.5)
    """
    value, weight = np.asarray(share, float), np.asarray(people, float)
    order = np.argsort(value, kind="stable")
    value, weight = value[order], weight[order]
    got, whole = float(value @ weight), float(weight.sum())
    if not got:
        return 0.0
    lorenz = np.concatenate([[0.0], np.cumsum(value * weight) / got])
    return max(0.0, 1.0 - float(((lorenz[1:] + lorenz[:-1]) * weight).sum() / whole))


def equity(demand: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the share of people served in each intercommunality, before and after the kiosks.

    Columns epci (code, those of no intercommunality aside), people, before, after; the least served
    after come first.
    """
    served = {"before": demand["served"], "after": demand["served_after"]}
    sums = pd.DataFrame(
        {
            "epci": demand["epci"].fillna(""),
            "people": demand["people"],
            **{name: demand["people"].where(yes, 0) for name, yes in served.items()},
        }
    )
    table = sums[sums["epci"] != ""].groupby("epci").sum()
    table = table[table["people"] > 0]
    for name in served:
        table[name] = table[name] / table["people"]
    return table.sort_values(["after", "people"], ascending=[True, False]).reset_index()


# Return the kiosks after which every other brings too few people for its cost (gains may rise
# again).
def _stop_at(kiosks: gpd.GeoDataFrame, choice: KioskChoice) -> int | None:
    proposed = kiosks[kiosks["rank"] > 0]
    if choice.stop_below is None or not (proposed["cost_eur"] > 0).all():
        return None
    enough = np.flatnonzero(
        (proposed["people_added"] * TRANCHE_EUR / proposed["cost_eur"]).to_numpy()
        >= choice.stop_below
    )
    stop = int(enough[-1]) + 1 if len(enough) else 0
    return stop if stop < len(proposed) else None


def _reference(
    choice: KioskChoice, white: gpd.GeoDataFrame, prospect: Prospect, curve: pd.DataFrame
) -> ReferenceOutcome | None:
    reference = choice.reference
    if reference is None or curve.empty:
        return None
    people, hosts = white["people"].to_numpy(float), prospect.hosts
    new = first_serving(prospect.serves, list(prospect.rules.existing)) < 0

    def gained(communes: list[str]) -> float:
        opened = hosts["commune"].isin(communes).to_numpy().astype(np.int64)
        return float(people[new & (prospect.serves.astype(np.int64) @ opened > 0)].sum())

    crowded = (
        white["people"]
        .groupby(
            white["commune"] if "commune" in white.columns else white.index.to_series(), sort=False
        )
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    naive = gained(list(crowded.index[crowded.index.isin(hosts["commune"])][: reference.count]))
    known = gained(list(reference.communes)) if reference.communes else None
    row = curve.iloc[min(reference.count, len(curve)) - 1]
    enough = curve.loc[curve["people"] >= (naive if known is None else known), "kiosks"]
    return ReferenceOutcome(
        reference=reference,
        people=known,
        most_populated=naive,
        best=float(row["people"]),
        bound=float(row["bound"])
        if reference.count <= len(curve)
        else float(people[new & prospect.reachable].sum()),
        enough=int(enough.iloc[0]) if len(enough) else None,
    )
