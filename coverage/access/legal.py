"""Rules of law and public promises on distance, decided for each département, or said not to be
decided.

Straight lines never stand in for minutes: no car goes faster than the law allows nor by a shorter
way than the straight line, so a straight line can prove a person beyond a time, and being near can
prove the postal rule kept; what neither proves is *undecided* until a router of car times measures
it.

Sources: La Poste, law 90-568 of 2 July 1990, article 6, as changed by law 2005-516 of 20 May 2005
(at most 10 % of a département's people farther than 5 km and more than 20 minutes by car from the
nearest contact points, in the traffic conditions of the territory); France Services, circular of 1
July 2019 (everyone within 30 minutes) and the 20 minutes that the network is measured against (Cour
des comptes, September 2024: 95 % of people).
"""

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geoguichet.coverage.routers.impedance import Router, StraightLine
from geoguichet.coverage.study.study import LegalChoice, Study
from geoguichet.referentials.territories.territory import Territory

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
COLUMNS = (
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
        for row in _rows(choice, demand, services, territory, study, router)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
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
