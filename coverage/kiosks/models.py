"""Which hosts become kiosks: the question of a study put to the model that answers it
(``siting``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
from scipy import sparse

from geoguichet.coverage.errors import SitingError
from geoguichet.coverage.kiosks import prospects
from geoguichet.coverage.kiosks.prospects import Prospect
from geoguichet.coverage.routers.impedance import CostMatrix, Floats, Positions
from geoguichet.coverage.siting.center import p_center
from geoguichet.coverage.siting.covering import (
    backup_covering,
    budget_covering,
    maximal_covering,
    partial_covering,
    set_covering,
)
from geoguichet.coverage.siting.median import p_median
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.siting.problem import SiteRules
from geoguichet.coverage.study.kiosks import KioskChoice, Question
from geoguichet.coverage.study.study import Study


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What a model is asked: which points count, for how much, what each host would do for them,
    how long to search.
    """

    study: Study
    choice: KioskChoice
    prospect: Prospect
    demand: gpd.GeoDataFrame
    rows: Positions
    """White points that some kiosk would serve, if near enough."""
    weight: Floats
    """People of those points, or of the group that counts."""

    @property
    def count(self) -> int:
        """Return how many kiosks are asked for."""
        return self.choice.count or 0

    @property
    def cover(self) -> sparse.csr_array:
        """Return points x hosts: who would serve whom."""
        return sparse.csr_array(self.prospect.serves[self.rows])

    @property
    def costs(self) -> CostMatrix:
        """Return the way from each point to each host, the points numbered as ``rows`` are."""
        whole = self.prospect.costs
        place = np.full(whole.shape[0], -1, dtype=np.int64)
        place[self.rows] = np.arange(len(self.rows))
        kept = place[whole.origin] >= 0
        return CostMatrix(
            place[whole.origin[kept]],
            whole.destination[kept],
            whole.cost[kept],
            (len(self.rows), whole.shape[1]),
        )

    @property
    def prices_eur(self) -> Floats:
        """Return what a kiosk costs in each host."""
        return prospects.costs_eur(self.prospect.hosts, self.choice)

    @property
    def within(self) -> dict[str, Any]:
        """Return the rules, and how long and how near the best the search goes."""
        return {
            "rules": self.prospect.rules,
            "time_limit_s": self.choice.time_limit_s,
            "gap": self.choice.gap,
        }


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
    weight = prospect.white[choice.weight or "people"].fillna(0).to_numpy(float)[rows]
    try:
        plan = _MODELS[choice.question](_Asked(study, choice, prospect, demand, rows, weight))
    except SitingError as error:
        raise SitingError(
            f"{study.where}, table « kiosks » : "
            f"{_fault(choice, prospect) or _beyond(choice) or error}"
        ) from error
    return replace(
        plan, uncoverable=tuple(int(row) for row in rows[list(plan.uncoverable)]), assigned=()
    )


def _most(asked: _Asked) -> KioskPlan:
    return maximal_covering(asked.cover, asked.weight, asked.count, **asked.within)


def _budget(asked: _Asked) -> KioskPlan:
    choice, budget, prices = asked.choice, asked.choice.sites_budget_eur or 0.0, asked.prices_eur
    least = float(np.delete(prices, list(asked.prospect.rules.forbidden)).min(initial=np.inf))
    if least > budget:
        what = (
            f"il reste {budget:.0f} EUR pour les visioguichets et le moins cher coûte "
            f"{least:.0f} EUR"
        )
        raise asked.study.refusal(
            "kiosks.budget", what, f'budget = "{least + choice.experts_eur:.0f} EUR" ou plus'
        )
    return budget_covering(
        asked.cover, asked.weight, prices, budget, p=choice.count, **asked.within
    )


def _share(asked: _Asked) -> KioskPlan:
    """Serve a share of the whole territory's people: counters already serve some of it."""
    choice, weight = asked.choice, asked.weight
    everyone = asked.demand[choice.weight or "people"].fillna(0).astype(float)
    share, total = choice.share or 0.0, float(everyone.sum())
    served = float(everyone[asked.demand["served"]].sum())
    reachable = float(weight[asked.prospect.reachable[asked.rows]].sum())
    if share * total <= served:
        what = f"{_percent(served, total)} des habitants sont déjà desservis par les guichets"
        raise asked.study.refusal("kiosks.share", what, "une part plus grande")
    if share * total > served + reachable:
        most = _percent(served + reachable, total)
        what = (
            f"guichets et lieux d'accueil possibles réunis desservent au plus {most} des habitants"
        )
        raise asked.study.refusal(
            "kiosks.share", what, "une part plus petite, ou d'autres types de lieux"
        )
    wanted = (share * total - served) / float(weight.sum())
    return partial_covering(
        asked.cover,
        weight,
        wanted,
        cost=asked.prices_eur if choice.priced else None,
        **asked.within,
    )


def _everyone(asked: _Asked) -> KioskPlan:
    cost = asked.prices_eur if asked.choice.priced else None
    return set_covering(asked.cover, weight=asked.weight, cost=cost, **asked.within)


def _backup(asked: _Asked) -> KioskPlan:
    return backup_covering(
        asked.cover, asked.weight, asked.count, second=asked.choice.second, **asked.within
    )


def _median(asked: _Asked) -> KioskPlan:
    return p_median(
        asked.costs, asked.weight, asked.count, beyond=asked.choice.search_radius, **asked.within
    )


def _center(asked: _Asked) -> KioskPlan:
    choice = asked.choice
    return p_center(
        asked.costs, asked.count, rules=asked.prospect.rules, time_limit_s=choice.time_limit_s
    )


_MODELS: dict[Question, Callable[[_Asked], KioskPlan]] = {
    "most": _most,
    "budget": _budget,
    "share": _share,
    "everyone": _everyone,
    "backup": _backup,
    "median": _median,
    "center": _center,
}


def _fault(choice: KioskChoice, prospect: Prospect) -> str:
    """Name the rules without which a choice of hosts would exist; empty when the rules are not at
    fault.

    Each rule is dropped in turn, over a demand that any host serves.
    """
    rules = prospect.rules
    if set(rules.forbidden) >= set(range(len(prospect.hosts))) or _possible(
        rules, choice.count, len(prospect.hosts)
    ):
        return ""
    without = {
        "floor": replace(rules, floors={}),
        "one_per": replace(rules, one_per=None),
        "spacing": replace(rules, apart=()),
        "required": replace(rules, required=()),
        "excluded": replace(rules, forbidden=()),
        "existing": replace(rules, existing=()),
    }
    found = [
        key for key, fewer in without.items() if _possible(fewer, choice.count, len(prospect.hosts))
    ]
    if choice.count is not None and _possible(rules, len(prospect.hosts), len(prospect.hosts)):
        found.append("count")
    told = " ou ".join(f"« {key} »" for key in found)
    if not told:
        return "les règles se contredisent de plusieurs façons à la fois ; retirez-les une à une."
    return (
        "aucun choix de lieux ne respecte toutes les règles ; il en existe un si l'on "
        f"assouplit {told}."
    )


def _beyond(choice: KioskChoice) -> str:
    """Say which rules keep a plan from serving as many as it must; empty when none could."""
    asked = {"one_per": bool(choice.one_per), "spacing": choice.spacing_m is not None}
    rules = " et ".join(f"« {key} »" for key, given in asked.items() if given)
    if choice.question == "center":
        far = choice.search_radius.told
        few = (
            "1 visioguichet ne suffit"
            if choice.count == 1
            else f"{choice.count} visioguichets ne suffisent"
        )
        return (
            f"{few} pas pour que toute commune en ait un à moins de {far} ; augmentez count ou "
            "farthest."
        )
    if choice.question not in ("everyone", "share") or not rules:
        return ""
    wish = (
        "tous ceux qui peuvent l'être"
        if choice.question == "everyone"
        else "cette part des habitants"
    )
    return (
        f"aucun choix de lieux qui respecte {rules} ne dessert {wish} ; assouplissez la règle, "
        "ou baissez share."
    )


def _possible(rules: SiteRules, count: int | None, hosts: int) -> bool:
    """Say whether some choice of hosts keeps the rules, whatever it covers."""
    anyone = sparse.csr_array(np.ones((1, hosts), dtype=bool))
    try:
        maximal_covering(anyone, [1.0], count or hosts, rules=rules, time_limit_s=10.0)
    except SitingError:
        return False
    return True


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %".replace(".", ",")
