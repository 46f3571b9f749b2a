"""How sure the sites of a plan are: which are chosen again when thresholds, speeds or data change, and
the plan that serves most over all of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.demand import demand_points
from geoguichet.coverage.access.rules import is_served, margins_of, slack_under, undecided_under
from geoguichet.coverage.errors import SensitivityError
from geoguichet.coverage.kiosks.programme import settled
from geoguichet.coverage.kiosks.prospects import (
    Prospect,
    candidate_hosts,
    chosen,
    costs_eur,
    first_serving,
    prospect,
    site_rules,
    solve,
)
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.run import find_white_zones
from geoguichet.coverage.siting.covering import maximal_covering
from geoguichet.coverage.siting.problem import KioskPlan, admissible, state
from geoguichet.coverage.study.choices import KioskChoice, open_router
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import Cost, Message, _

#: What an alternative to a site may lose, as a share of the people that the plan gains.
WITHIN = 0.01
#: How many alternatives are told, and how many hosts are tried for it, those that lose least first.
_TOLD, _TRIED = 3, 40


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """What other assumptions would choose.

    ``sites``: points, one row for each commune where some plan opens a kiosk, those chosen most
    often first; columns commune (code), name, departement, rank (in the study's own plan, missing
    where it opens none), chosen (share of the scenarios whose own plan opens one there, 0..1),
    robust (bool: whether the robust plan does), and for the sites of the study's own plan alternatives
    (names of the communes, the best three at most, where a host that serves some of the same people
    could stand for this one alone, under the rules and within :data:`WITHIN` of the people that the plan
    gains) and alternative_loss (people that the best of them loses; missing where there is none).

    ``scenarios``: one row each; columns thresholds, congestion (factors), data (empty for those of
    the study, else a file or a column of the communes), best (people that the scenario's own plan
    gains), own (that the study's plan does), robust (that the robust plan does; missing where it was
    not sought, or in another file), unknown (communes whose people the data do not know).

    Where kiosks fill (``[kiosks.capacity]``) only the scenario's own plan tells who has room: there
    are no alternatives, and own is missing elsewhere.

    The robust plan gains the most people over the scenarios of the study's own file, each counting
    as much: maximal covering over all of their rows together (expected covering; Daskin, Hopp &
    Medina 1992). It is sought for the models that count people, without capacities.
    """

    sites: gpd.GeoDataFrame
    scenarios: pd.DataFrame
    #: What the robust plan gains on average, what none can exceed, and how it was proved.
    plan: KioskPlan | None

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables ``sites`` (without their places) and ``plans`` (a row per scenario)."""
        return {
            "sites": pd.DataFrame(self.sites.drop(columns="geometry")),
            "plans": self.scenarios,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Scenario:
    """One set of assumptions: who would be served by which host, and the plan that it asks for."""

    factor: float
    slow: float
    data: str
    prospect: Prospect
    plan: KioskPlan
    #: Communes whose people its data do not know.
    unknown: int

    # People whom a kiosk in each of these communes gains here.
    def gained(self, communes: set[str]) -> float:
        return self.by(chosen(self.prospect.hosts, communes))

    # People whom these sites gain here; where kiosks fill, nobody knows but for the plan asked for.
    def by(self, sites: Sequence[int]) -> float:
        here = self.prospect
        if self.plan.assigned:
            if sites != self.plan.sites:
                return np.nan
            here = settled(here, self.plan)
        old, people = list(here.rules.existing), here.white["people"].to_numpy(float)
        before = first_serving(here.serves, old) >= 0
        after = first_serving(here.serves, [*old, *sites]) >= 0
        return float(people[after & ~before].sum())

    # Codes of the communes where the plan opens.
    @property
    def communes(self) -> set[str]:
        return {*self.prospect.hosts["commune"].iloc[list(self.plan.sites)]}


def robustness(
    study: Study,
    choice: KioskChoice,
    results: dict[float, CoverageResult],
    factors: Sequence[float],
    *,
    vintages: Sequence[Path] = (),
    on_step: Callable[[str], None] = lambda _: None,
) -> Robustness:
    """Ask for the plan of a study (its ``choice`` of kiosks) again in every scenario, and for the one
    that holds best.

    ``results`` are the study without kiosks, by factor of car times; every one of ``factors``
    multiplies all thresholds and the reach of kiosks. Each of ``vintages`` is other data under the
    study's own assumptions: another column of people of its communes (``population_2021``), or a
    GeoPackage as ``data.source``, whose sites are told by commune.

    Raises
    ------
    GeoguichetError
        A plan is refused in one of the scenarios, or a column of people is not there.
    """
    columns = [path.name for path in vintages if not path.suffix and not path.exists()]
    if columns and study.demand.cells is not None:
        raise SensitivityError(
            Message(
                "--data {column} : l'étude compte les habitants par carreaux, non par une colonne des "
                "communes ; donnez un fichier.",
                column=columns[0],
            )
        )
    found = []
    for slow, result in results.items():
        on_step(_("plans"))
        router = replace(study.router, congestion=study.router.congestion * slow)
        found += list(_asked(replace(study, router=router), result, factors, slow, ""))
    for column in columns:
        on_step(column)
        counted = replace(study, demand=replace(study.demand, weight=column))
        found += list(_asked(counted, results[1.0], [1.0], 1.0, column))
    for path in vintages:
        if path.name in columns:
            continue
        on_step(path.name)
        other = replace(study, source=str(path.absolute()))
        bare = find_white_zones(replace(other, kiosks=None))
        found += list(_asked(other, bare, [1.0], 1.0, path.name))
    own = next(one for one in found if (one.factor, one.slow, one.data) == (1.0, 1.0, ""))
    alike = [one for one in found if one.data in ("", *columns)]
    plan = _robust(choice, alike)
    opened = () if plan is None else plan.sites
    hosts = own.prospect.hosts["commune"]
    held = {*hosts.iloc[list(opened)]}
    scenarios = pd.DataFrame(
        [
            {
                "thresholds": one.factor,
                "congestion": one.slow,
                "data": one.data,
                "best": one.by(one.plan.sites),
                "own": one.by(own.plan.sites) if one in alike else one.gained(own.communes),
                "robust": np.nan if plan is None or one not in alike else one.by(opened),
                "unknown": one.unknown,
            }
            for one in found
        ]
    )
    return Robustness(_sites(choice, found, own, held), scenarios, plan)


# Yield each scenario of a study and of what it measured, the thresholds multiplied.
def _asked(
    study: Study, result: CoverageResult, factors: Sequence[float], slow: float, data: str
) -> Iterator[_Scenario]:
    router = open_router(study.router, beside=study.path.parent if study.path else None)
    read = inputs.read(study)
    communes = demand_points(read.territory, read.services, study)[0]
    unknown, measured = read.territory.communes[study.demand.weight].isna(), result.demand
    if study.demand.cells is None:
        measured = measured.assign(people=communes["people"])
    for factor in factors:
        asked = _under(study, factor)
        choice = asked.kiosks
        if choice is None:
            continue
        margins = margins_of(measured, asked)
        demand = measured.assign(
            served=is_served(slack_under(asked.rule, margins)),
            undecided=undecided_under(measured, asked, margins),
        )
        hosts = candidate_hosts(read.territory, read.services, communes, asked, choice)
        rules = site_rules(hosts.eligible, communes, read.territory, asked)
        here = prospect(asked, choice, demand, hosts, rules, router)
        plan = solve(asked, choice, here, demand)
        yield _Scenario(factor, slow, data, here, plan, int(unknown.sum()))


# Return the study with all its thresholds, and the reach of its kiosks, multiplied.
def _under(study: Study, factor: float) -> Study:
    def times(cost: Cost | None) -> Cost | None:
        return None if cost is None else Cost(cost * factor, cost.unit)

    choice = study.kiosks
    if factor == 1.0 or choice is None:
        return study
    farther: dict[str, Any] = {"reach": times(choice.reach)}
    if hasattr(choice, "farthest"):
        farther["farthest"] = times(choice.farthest)
    needs = tuple(
        replace(need, within=Cost(need.within * factor, need.within.unit)) for need in study.needs
    )
    return replace(study, needs=needs, kiosks=replace(choice, **farther))


# Return the plan that gains the most people over the scenarios; None for a model that counts others.
def _robust(choice: KioskChoice, scenarios: Sequence[_Scenario]) -> KioskPlan | None:
    if not (choice.counts_people and choice.fills_count) or choice.capacity is not None:
        return None
    rows = [np.flatnonzero(one.prospect.helps) for one in scenarios]
    people = [
        one.prospect.white["people"].to_numpy(float)[row]
        for one, row in zip(scenarios, rows, strict=True)
    ]
    covers = [one.prospect.serves[row] for one, row in zip(scenarios, rows, strict=True)]
    return maximal_covering(
        sparse.csr_array(sparse.vstack(covers)),
        np.concatenate(people) / len(scenarios),
        choice.count or 0,
        rules=scenarios[0].prospect.rules,
        time_limit_s=choice.time_limit_s,
        gap=choice.gap,
    )


def _sites(
    choice: KioskChoice, found: Sequence[_Scenario], own: _Scenario, held: set[str]
) -> gpd.GeoDataFrame:
    ranks = {code: rank for rank, code in reversed([*enumerate(_ordered(own), start=1)])}
    places = pd.concat(
        [one.prospect.hosts.iloc[list(one.plan.sites)] for one in found]
        + [own.prospect.hosts[own.prospect.hosts["commune"].isin(held)]]
    ).drop_duplicates("commune")
    table = gpd.GeoDataFrame(
        {
            "commune": places["commune"].to_numpy(),
            "name": places["commune_name"].to_numpy(),
            "departement": places["departement"].to_numpy(),
            "rank": places["commune"].map(ranks).to_numpy(float),
            "chosen": [
                np.mean([code in one.communes for one in found]) for code in places["commune"]
            ],
            "robust": places["commune"].isin(held).to_numpy(),
            **_alternatives(choice, own, places["commune"]),
        },
        geometry=places.geometry.to_numpy(),
        crs="EPSG:4326",
    )
    return table.sort_values(
        ["chosen", "robust", "rank", "commune"], ascending=[False, False, True, True]
    ).reset_index(drop=True)


# Name the hosts that could stand for each site of the plan alone, those that lose least first.
def _alternatives(
    choice: KioskChoice, own: _Scenario, communes: pd.Series
) -> dict[str, list[object]]:
    here, sites = own.prospect, () if own.plan.assigned else own.plan.sites
    people, money = here.white["people"].to_numpy(float), choice.sites_budget_eur
    stated = state(
        here.serves,
        people,
        cost=costs_eur(here.hosts, choice),
        count=len(sites),
        budget=np.inf if money is None else money,
        rules=here.rules,
    ).problem
    place = {int(column): number for number, column in enumerate(stated.rules.column)}
    served, whole = here.serves.astype(np.float64), own.by(own.plan.sites)
    found: dict[str, tuple[str, float]] = {}
    for site in sites:
        others = [*here.rules.existing, *(one for one in sites if one != site)]
        left = np.where(first_serving(here.serves, others) < 0, people, 0.0)
        gain = served.T @ left
        loss = gain[site] - gain
        # a host that serves none of the same people would be another site, not this one elsewhere
        same = served.T @ (left * served[:, [site]].toarray().ravel()) > 0
        near = [int(one) for one in np.argsort(loss, kind="stable") if same[one] and one in place]
        names = here.hosts["commune_name"]
        told = [
            one
            for one in [one for one in near if one not in sites][:_TRIED]
            if loss[one] <= WITHIN * whole
            and admissible(stated, [place[two] for two in (*sites, one) if two != site])
        ][:_TOLD]
        if told:
            code = str(here.hosts["commune"].iloc[site])
            found[code] = ", ".join(dict.fromkeys(names.iloc[told])), float(loss[told[0]])
    return {
        "alternatives": [found.get(code, ("", 0.0))[0] for code in communes],
        "alternative_loss": [found[code][1] if code in found else np.nan for code in communes],
    }


# Communes of the plan's sites, in its order.
def _ordered(one: _Scenario) -> list[str]:
    return list(one.prospect.hosts["commune"].iloc[list(one.plan.sites)])
