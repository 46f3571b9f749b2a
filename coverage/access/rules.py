"""What the costs mean: the nearest service of each need and the slack the rule leaves; the measures
of access and how unequal they are; the rules of law, decided or said not to be; what people lack.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.routers.impedance import CostMatrix, Floats, Router, StraightLine
from geoguichet.coverage.study.study import LegalChoice, MeasuresChoice, Need, Rule, Study
from geoguichet.floor.words import Unit
from geoguichet.referentials.territories.territory import Territory

# From distances to an answer: how much slack a rule leaves at each demand point, and so who is
# served.


def slack_under(rule: Rule, margins: dict[str, Floats]) -> Floats:
    """Return the slack of a rule at each demand point: the k-th largest margin among its needs, or,
    where it is smaller, the smallest margin of those required.

    ``margins[need]`` is the threshold minus the cost at each point (NaN when unreachable), so a
    point is served exactly when its slack is ``>= 0``. With "all" the slack is the smallest margin,
    with "any" the largest. The result is NaN where the rule cannot be met at any threshold (fewer
    than k needs reachable, or a required one not).
    """
    slack = _kth_largest([margins[need] for need in rule.needs], rule.k)
    if rule.required:
        slack = np.minimum(
            slack, _kth_largest([margins[need] for need in rule.required], len(rule.required))
        )
    slack[np.isneginf(slack)] = np.nan
    return slack


# Return the k-th largest of the margins at each point, what is missing counted below all others.
def _kth_largest(margins: list[Floats], k: int) -> Floats:
    table = np.column_stack(margins)
    ordered: Floats = np.sort(np.where(np.isnan(table), -np.inf, table), axis=1)[:, ::-1]
    return ordered[:, k - 1].copy()


def is_served(slack: Floats) -> np.ndarray:
    """Return True where the slack is known and not negative: a point exactly at its threshold is
    served.
    """
    return np.asarray(slack >= 0)


def white(demand: pd.DataFrame) -> pd.Series:
    """Return True for the points in a white zone: known to be unserved (the undecided are not)."""
    return ~(demand["served"] | demand["undecided"])


def met_with(rule: Rule, margins: dict[str, Floats], offered: frozenset[str]) -> np.ndarray:
    """Return the points where the rule would hold if the ``offered`` needs were met on the spot."""
    given = {
        need: np.full_like(margin, np.inf) if need in offered else margin
        for need, margin in margins.items()
    }
    return is_served(slack_under(rule, given))


def measure(
    demand: gpd.GeoDataFrame, services: gpd.GeoDataFrame, study: Study, router: Router
) -> gpd.GeoDataFrame:
    """Add to each demand point its nearest service per need, the slack the rule leaves, and whether
    it is served, or undecided.

    A point is undecided when it is not served by what is known, and would be if what is not known
    of it (:data:`UNKNOWN`) went its way.
    """
    table = demand.copy()
    located = demand.geometry.notna() & ~demand.geometry.is_empty
    for need in study.needs:
        able = able_services(services, need.key)
        nearest = router.nearest(demand.geometry, able.geometry)
        found = nearest.destination >= 0
        names = np.full(len(demand), "", dtype=object)
        names[found] = able.index.to_numpy()[nearest.destination[found]]
        table[study.unit.column(need.key)] = nearest.cost
        table[f"{need.key}_service"] = names
        table[f"{need.key}_reason"] = np.where(
            found,
            "",
            np.where(located, "no_service", "not_located")
            if nearest.reason is None
            else nearest.reason,
        )
        _tell_unknown_hours(table, services, need, router)
    margins = margins_of(table, study)
    slack = slack_under(study.rule, margins)
    table[study.unit.column("slack")], table["served"] = slack, is_served(slack)
    table["undecided"] = undecided_under(table, study, margins)
    return table


#: What is not known of a point: where it is, where it joins the roads, whether the roads that the
#: data lack would lead out of there, whether one may cross a private way that alone leads there, whether
#: a counter near enough is open.
UNKNOWN = ("not_located", "not_snapped", "cut_off", "private_way", "hours_unknown")


def undecided_under(
    demand: gpd.GeoDataFrame, study: Study, margins: dict[str, Floats], *, factor: float = 1.0
) -> np.ndarray:
    """Return the measured points that what is known does not serve, and that would be served if
    what is not known of them went their way; ``factor`` multiplies the thresholds of ``margins``.
    """
    at_best = {}
    for need in study.needs:
        unknown = demand[f"{need.key}_reason"].isin(UNKNOWN[:-1])
        perhaps = study.unit.column(f"{need.key}_perhaps")
        if perhaps in demand:
            unknown |= demand[perhaps] <= need.within * factor
        at_best[need.key] = np.where(unknown, np.inf, margins[need.key])
    return ~is_served(slack_under(study.rule, margins)) & is_served(
        slack_under(study.rule, at_best)
    )


# Add how far the nearest counter of unknown hours is, and say so where the need hangs on it.
def _tell_unknown_hours(
    table: gpd.GeoDataFrame, services: gpd.GeoDataFrame, need: Need, router: Router
) -> None:
    if "needs_perhaps" not in services:
        return
    unsure = able_services(services, need.key, column="needs_perhaps")
    if len(unsure):
        unit, reason = need.within.unit, table[f"{need.key}_reason"]
        near = router.nearest(table.geometry, unsure.geometry).cost
        table[unit.column(f"{need.key}_perhaps")] = near
        short = ~(table[unit.column(need.key)] <= need.within) & (near <= need.within)
        table[f"{need.key}_reason"] = reason.mask(short, "hours_unknown")


def add_metres(
    demand: gpd.GeoDataFrame, router: Router, places: gpd.GeoSeries, *, named: str, column: str
) -> gpd.GeoDataFrame:
    """Add the metres behind the minutes: those of the fastest way from each demand point to the
    place that its column ``named`` names, for what is counted in kilometres.

    Only where the router counts seconds and knows its ways; another study is returned as it is.
    NaN where no place is named. Each named place is the nearest to its point, so it is the nearest
    among those that are named.
    """
    if router.unit is Unit.METRES:
        return demand
    metres = router.metres(
        demand.geometry,
        gpd.GeoSeries(places.reindex(sorted(set(demand[named]) - {""})), crs=places.crs),
    )
    return (
        demand
        if metres is None
        else demand.assign(
            **{column: pd.Series(metres, index=demand.index).where(demand[named] != "")}
        )
    )


def slack_at(
    points: gpd.GeoSeries, *, services: gpd.GeoDataFrame, study: Study, router: Router
) -> Floats:
    """Return the slack at any points, by the very answer that demand points get."""
    known = services.drop(columns="needs_perhaps", errors="ignore")
    return measure(gpd.GeoDataFrame(geometry=points.reset_index(drop=True)), known, study, router)[
        study.unit.column("slack")
    ].to_numpy(dtype=np.float64)


def margins_of(demand: gpd.GeoDataFrame, study: Study) -> dict[str, Floats]:
    """Return, for each need, the threshold minus the cost at each point (NaN when unreachable)."""
    return {
        need.key: need.within - demand[study.unit.column(need.key)].to_numpy()
        for need in study.needs
    }


def able_services(
    services: gpd.GeoDataFrame, need: str, *, column: str = "needs"
) -> gpd.GeoDataFrame:
    """Return the services that meet a need (column ``needs`` of ``supply.supply_points``), or that
    may (``needs_perhaps``).
    """
    return services[
        np.array([need in str(keys).split(",") for keys in services[column]], dtype=bool)
    ]


# Measures of access beside who is served: what each place reaches, its fair share of it, and how
# unequal that is.


# How much each place can reach: opportunities within a limit, and services shared among those who
# compete for them.
#
# Every measure takes a :class:`CostMatrix` and gives one number per origin. Where nothing is in
# reach it is 0, never missing: a white zone has no access, and it counts as such in every mean.

#: Upper limits of cost, increasing, each with the weight of what lies within it (and beyond the one
#: before).
type Bands = Sequence[tuple[float, float]]

#: Luo & Qi (2009): 10, 20 and 30 minutes, slow decay.
LUO_QI_S: Bands = ((600.0, 1.0), (1_200.0, 0.68), (1_800.0, 0.22))


def cumulative(matrix: CostMatrix, opportunities: Floats, *, limit: float) -> Floats:
    """Return what each origin reaches at a cost ``<= limit``: the sum of the opportunities (Hansen
    1959, cut-off).
    """
    _check("opportunités", opportunities, matrix.shape[1])
    return np.asarray(_weights(matrix, ((limit, 1.0),)) @ opportunities)


def two_step(matrix: CostMatrix, people: Floats, supply: Floats, *, bands: Bands) -> Floats:
    """Return the supply per person within reach, by the two-step floating catchment area.

    One band of weight 1 is the 2SFCA (Luo & Wang 2003), several are the E2SFCA (Luo & Qi 2009).
    First each service divides its supply by the weighted people who reach it, then each origin adds
    the weighted ratios it reaches.

    The sum over origins of people times access is the supply of the services that anybody reaches:
    nothing is lost.

    Raises
    ------
    FrameError People or supply are missing, negative, or not as many as the matrix has; bands do
        not increase.
    """
    _check("habitants", people, matrix.shape[0])
    _check("offre", supply, matrix.shape[1])
    weight = _weights(matrix, bands)
    demanded = weight.T @ people
    ratio = np.divide(supply, demanded, out=np.zeros(len(supply)), where=demanded > 0)
    return np.asarray(weight @ ratio)


# Return the weight of each pair, 0 beyond the last band.
def _weights(matrix: CostMatrix, bands: Bands) -> sparse.csr_array:
    limits = np.array([limit for limit, _ in bands])
    if not len(limits) or (np.diff(limits) <= 0).any():
        raise FrameError(f"des limites croissantes sont attendues, {limits.tolist()} est donné.")
    band = np.searchsorted(limits, matrix.cost, side="left")  # a cost equal to a limit is within it
    value = np.append([weight for _, weight in bands], 0.0)[band]
    return sparse.csr_array((value, (matrix.origin, matrix.destination)), shape=matrix.shape)


def _check(what: str, values: Floats, length: int) -> None:
    if len(values) != length or not np.isfinite(values).all() or (values < 0).any():
        raise FrameError(f"{what} : {length} nombres finis et positifs ou nuls sont attendus.")


# How unequally access is shared among people: Gini, Palma, and the poverty of access.


def gini(access: Floats, people: Floats) -> float:
    """Return the Gini index (1912), each place weighted by its people: 0 all equal, near 1 one
    place has all.

    Half the mean absolute difference between two people, over the mean. 0 when nobody has any
    access.
    """
    access, people = _checked(access, people)
    order = np.argsort(access, kind="stable")
    held, share = (access * people)[order], people[order] / people.sum()
    total = held.sum()
    if total == 0:
        return 0.0
    before = np.append(0.0, np.cumsum(held)[:-1]) / total
    return float(1.0 - np.sum(share * (2 * before + held / total)))


def palma(access: Floats, people: Floats) -> float:
    """Return what the tenth of people with most access has, over what the four tenths with least
    have (Palma 2011).

    People of a place at a border are divided. Infinite when the four tenths have nothing and the
    tenth something; 1 when nobody has anything.
    """
    access, people = _checked(access, people)
    order = np.argsort(access, kind="stable")
    counted = np.append(0.0, np.cumsum(people[order])) / people.sum()
    held = np.append(0.0, np.cumsum((access * people)[order]))
    low = float(np.interp(0.4, counted, held))
    high = float(held[-1] - np.interp(0.9, counted, held))
    return high / low if low > 0 else (1.0 if high == 0 else np.inf)


def poverty(access: Floats, people: Floats, *, line: float, alpha: float = 0.0) -> float:
    """Return the poverty of access (Foster, Greer & Thorbecke 1984) under a line.

    ``alpha`` 0: the share of people whose access is below the line; 1: how far below on average, as
    a share of the line (0 for those above); 2: the same squared, so that the worst off count most.

    Raises
    ------
    FrameError
        The line is not positive.
    """
    access, people = _checked(access, people)
    if not line > 0:
        raise FrameError(f"un seuil positif est attendu, {line} est donné.")
    short = access < line
    gap = np.where(short, (line - access) / line, 0.0)
    return float(np.sum(people * np.where(short, gap**alpha, 0.0)) / people.sum())


def _checked(access: Floats, people: Floats) -> tuple[Floats, Floats]:
    access, people = np.asarray(access, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if len(access) != len(people) or not (np.isfinite(access).all() and np.isfinite(people).all()):
        raise FrameError(
            "un accès fini par lieu est attendu ; un lieu sans accès vaut 0, pas une valeur "
            "manquante."
        )
    if (access < 0).any() or (people < 0).any() or not people.sum() > 0:
        raise FrameError(
            "des accès et des habitants positifs ou nuls sont attendus, et au moins un habitant."
        )
    return access, people


#: The catchment measures are told for as many people.
PER_PEOPLE = 10_000

#: Of the table of :func:`measure_access`: ``mean`` weighted by people; ``nothing``: people who
#: reach nothing at all; ``palma`` missing when the four tenths of people with least reach nothing;
#: ``poverty`` and ``poverty_depth``: share of people under the poverty line, and how far under on
#: average (Foster, Greer & Thorbecke 1984, orders 0 and 1).
COLUMNS = (
    "need",
    "kind",
    "code",
    "name",
    "people",
    "mean",
    "nothing",
    "gini",
    "palma",
    "poverty",
    "poverty_depth",
)


def measure_access(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a column of access per need and kind at each demand point, and the table by
    département and in all.

    The catchment of a need is its threshold. ``cumulative`` counts what is within it; ``2sfca``
    shares each service among those within it (Luo & Wang 2003), ``e2sfca`` with the weights 1,
    0.68, 0.22 for its thirds (Luo & Qi 2009), both for :data:`PER_PEOPLE` people. The poverty line
    is a share of the territory's mean, the same everywhere.
    """
    choice = study.measures or MeasuresChoice()
    people = demand["people"].to_numpy(float)
    columns: dict[str, Floats] = {}
    rows: list[dict[str, object]] = []
    for need in study.needs:
        able = able_services(services, need.key)
        supply = _supply(able, choice)
        matrix = router.costs(demand.geometry, able.geometry, limit=need.within)
        for kind in choice.kinds:
            if kind == "cumulative":
                access = cumulative(matrix, supply, limit=need.within)
            else:
                access = two_step(matrix, people, supply, bands=bands(need, kind)) * PER_PEOPLE
            columns[f"{need.key}_{kind}"] = access
            rows += _rows(need.key, kind, access, demand, territory, choice)
    return pd.DataFrame(columns, index=demand.index), pd.DataFrame(rows, columns=list(COLUMNS))


def bands(need: Need, kind: str) -> Bands:
    """Return the bands of a floating catchment: the whole threshold, or its thirds with Luo & Qi's
    weights.
    """
    if kind == "2sfca":
        return ((need.within, 1.0),)
    whole = LUO_QI_S[-1][0]
    return tuple((need.within * limit / whole, weight) for limit, weight in LUO_QI_S)


def _supply(services: gpd.GeoDataFrame, choice: MeasuresChoice) -> Floats:
    return (
        np.ones(len(services))
        if choice.supply == "count"
        else services["hours_per_week"].fillna(0.0).to_numpy(float)
    )


def _rows(
    need: str,
    kind: str,
    access: Floats,
    demand: gpd.GeoDataFrame,
    territory: Territory,
    choice: MeasuresChoice,
) -> Iterator[dict[str, object]]:
    people = demand["people"].to_numpy(float)
    if not people.sum() > 0:
        return
    line = choice.poverty_line * float(np.average(access, weights=people))
    places = [
        *territory.departements[["code", "name"]].itertuples(index=False),
        ("", territory.name),
    ]
    for code, name in places:
        here = (
            (demand["departement"] == code).to_numpy() if code else np.ones(len(demand), dtype=bool)
        )
        held, weight = access[here], people[here]
        if not weight.sum() > 0:
            continue
        share = palma(held, weight)
        yield {
            "need": need,
            "kind": kind,
            "code": str(code),
            "name": str(name),
            "people": int(weight.sum()),
            "mean": float(np.average(held, weights=weight)),
            "nothing": int(weight[held == 0].sum()),
            "gini": gini(held, weight),
            "palma": share if np.isfinite(share) else np.nan,
            "poverty": poverty(held, weight, line=line) if line > 0 else np.nan,
            "poverty_depth": poverty(held, weight, line=line, alpha=1.0) if line > 0 else np.nan,
        }


# Rules of law and public promises on distance, decided for each département, or said not to be
# decided. Straight lines never stand in for minutes: no car goes faster than the law allows nor
# by a shorter way than the straight line, so a straight line can prove a person beyond a time,
# and being near can prove the postal rule kept; what neither proves is *undecided* until a router
# of car times measures it. Sources: La Poste, law 90-568 of 2 July 1990, article 6, as changed by
# law 2005-516 of 20 May 2005 (at most 10 % of a département's people farther than 5 km and more
# than 20 minutes by car from the nearest contact points, in the traffic conditions of the
# territory); France Services, circular of 1 July 2019 (everyone within 30 minutes) and the 20
# minutes that the network is measured against (Cour des comptes, September 2024: 95 % of people).


type Verdict = Literal["pass", "fail", "undecided"]
type Where = npt.NDArray[np.bool_]

#: The highest speed limit of French roads: no road time is shorter than the straight line at this
#: speed.
FASTEST_M_S = 130 / 3.6


@dataclass(frozen=True, slots=True)
class LegalRule:
    """A person is beyond who is farther than ``beyond_s`` by car and (when given) ``beyond_m`` in
    straight line.
    """

    beyond_s: float
    #: Share of a département's people who may be beyond.
    allowed_share: float
    beyond_m: float | None = None


RULES: dict[str, LegalRule] = {
    "la_poste": LegalRule(1_200.0, 0.10, beyond_m=5_000.0),
    "france_services_30": LegalRule(1_800.0, 0.0),
    "france_services_20": LegalRule(1_200.0, 0.0),
}

#: Of :func:`legal_table`. ``beyond``: people proved to be beyond; ``undecided``: people of whom
#: nothing is proved; ``most_share``: the share if all of those were beyond; ``reason``: why there
#: is no verdict (``no_car_times``: the study has no router of car times; ``not_measured``: some
#: people could not be placed on the roads; ``nobody``: the study counts no one there; ``partial``:
#: the rule counts the people of a whole département and the study only knows a part), else empty.
LEGAL_COLUMNS = (
    "rule",
    "need",
    "code",
    "name",
    "people",
    "beyond",
    "beyond_share",
    "undecided",
    "most_share",
    "allowed_share",
    "verdict",
    "reason",
)


def legal_table(
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
) -> pd.DataFrame:
    """Return the verdict of each rule of the study for each département, then for the territory
    (code empty).

    ``services`` are all those near enough, whatever their hours: the rules speak of contact points.
    The territory passes when each of its départements does.
    """
    rows = [
        row
        for choice in study.legal
        for row in _verdicts(choice, demand, services, territory, study, router)
    ]
    return pd.DataFrame(rows, columns=list(LEGAL_COLUMNS))


def _verdicts(
    choice: LegalChoice,
    demand: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    territory: Territory,
    study: Study,
    router: Router,
) -> list[dict[str, object]]:
    rule = RULES[choice.rule]
    near, far = _proved(
        rule,
        demand,
        services[services["type"].isin(study.need(choice.need).types)].sort_index(),
        study,
        router,
    )
    people = demand["people"].to_numpy(float)
    lacking = "not_measured" if study.router.by_car else "no_car_times"
    head = {"rule": choice.rule, "need": choice.need}
    rows = [
        head
        | {"code": str(code), "name": str(name)}
        | _verdict(rule, people, near, far, (demand["departement"] == code).to_numpy(), lacking)
        for code, name in zip(
            territory.departements["code"], territory.departements["name"], strict=True
        )
    ]
    for row in rows:
        if (
            row["code"] in territory.partial
            and rule.allowed_share > 0
            and row["reason"] != "nobody"
        ):
            row |= {
                "verdict": "undecided",
                "reason": "partial",
            }  # a share of the whole cannot be known from a part
    verdicts = [row["verdict"] for row in rows]
    reasons = [str(row["reason"]) for row in rows if row["reason"]]
    whole = _verdict(rule, people, near, far, np.ones(len(people), dtype=bool), lacking)
    whole["verdict"] = next((kind for kind in ("fail", "undecided") if kind in verdicts), "pass")
    whole["reason"] = reasons[0] if whole["verdict"] == "undecided" else ""
    return [*rows, head | {"code": "", "name": territory.name} | whole]


# Return who is proved to be within, and who is proved to be beyond; the others are undecided.
def _proved(
    rule: LegalRule,
    demand: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    study: Study,
    router: Router,
) -> tuple[Where, Where]:
    located = (demand.geometry.notna() & ~demand.geometry.is_empty).to_numpy()
    straight_m = StraightLine().nearest(demand.geometry, points.geometry).cost
    straight_m = np.where(
        located & np.isnan(straight_m), np.inf, straight_m
    )  # no contact point at all
    within, beyond = np.zeros(len(demand), dtype=bool), straight_m / FASTEST_M_S > rule.beyond_s
    if study.router.by_car:
        seconds = router.nearest(demand.geometry, points.geometry).cost
        within, beyond = seconds <= rule.beyond_s, beyond | (seconds > rule.beyond_s)
        beyond &= ~within
    if rule.beyond_m is not None:
        within, beyond = (
            within | (straight_m <= rule.beyond_m),
            beyond & (straight_m > rule.beyond_m),
        )
    return within, beyond


def _verdict(
    rule: LegalRule,
    people: npt.NDArray[np.float64],
    within: Where,
    beyond: Where,
    here: Where,
    lacking: str,
) -> dict[str, object]:
    total, far = people[here].sum(), people[here & beyond].sum()
    unsure = people[here & ~within & ~beyond].sum()
    least, most = (float(n / total) if total else 0.0 for n in (far, far + unsure))
    verdict: Verdict = (
        "fail"
        if least > rule.allowed_share
        else "pass"
        if most <= rule.allowed_share
        else "undecided"
    )
    if not total:
        verdict, lacking = (
            "undecided",
            "nobody",
        )  # nothing is kept nor broken where nobody is counted
    return {
        "people": int(total),
        "beyond": int(far),
        "beyond_share": least,
        "undecided": int(unsure),
        "most_share": most,
        "allowed_share": rule.allowed_share,
        "verdict": verdict,
        "reason": lacking if verdict == "undecided" else "",
    }


# What the people of the white zones lack, need by need.

#: Columns of the table of :func:`lacking_table`. ``level``: ``territory``, ``departement``,
#: ``epci``; ``lacking``: the needs that these people lack, they and no other, comma-separated.
LACKING_COLUMNS = ("level", "code", "name", "lacking", "people")


def lacking_of(demand: gpd.GeoDataFrame, study: Study) -> list[str]:
    """Return the needs that each row of a measured demand lacks, comma-separated."""
    short = {key: ~(margin >= 0) for key, margin in margins_of(demand, study).items()}
    return [",".join(compress(short, row)) for row in zip(*short.values(), strict=True)]


def lacking_table(
    demand: gpd.GeoDataFrame, territory: Territory, study: Study, epci: Mapping[str, str]
) -> pd.DataFrame:
    """Return the people of the white zones by what they lack: one row per place and combination of
    needs.

    ``demand`` is measured; ``epci`` names the intercommunalities by code. Each person of a white
    zone is counted once a level, so that the rows of a place add up to its white zones; people of
    no known intercommunality are under the code "".
    """
    here = demand[white(demand)]
    labels = lacking_of(here, study)
    names = dict(zip(territory.departements["code"], territory.departements["name"], strict=True))
    places = {
        "territory": (pd.Series("", index=here.index), {"": territory.name}),
        "departement": (here["departement"], names),
        "epci": (here["epci"].fillna(""), epci),
    }
    rows = [
        (level, str(code), str(known.get(code, code)), lacking, int(people))
        for level, (codes, known) in places.items()
        for (code, lacking), people in here["people"]
        .groupby([codes.to_numpy(), np.array(labels, dtype=object)])
        .sum()
        .items()
    ]
    return pd.DataFrame(rows, columns=list(LACKING_COLUMNS))
