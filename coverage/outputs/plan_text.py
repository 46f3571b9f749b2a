"""How the plan of the kiosks is said: what was asked of which model, under which rules, and how
good it is proved.
"""

from __future__ import annotations

import re
from itertools import accumulate, groupby
from typing import Any

import geopandas as gpd

from geoguichet.coverage.kiosks.ranking import SAVINGS, TRANCHE_EUR, Ranking, commune_count
from geoguichet.coverage.outputs.plan_messages import PLAN_MESSAGES
from geoguichet.coverage.outputs.wording import NARROW, Wording
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.siting.plan import KioskPlan
from geoguichet.coverage.study.kiosks import KioskChoice, Use
from geoguichet.coverage.study.study import Study

# How the search for a plan is told: the steps of ``KioskPlan.method``, in the reader's words and
# numbers.

_NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
_STEPS = {
    "step_reduced": rf"{_NUMBER} x {_NUMBER} reduced to {_NUMBER} x {_NUMBER}",
    "step_pairs": rf"{_NUMBER} pairs",
    "step_pairs_left": rf"{_NUMBER} pairs left",
    "step_too_many": r"too many for the exact solver",
    "step_components": rf"{_NUMBER} components",
    "step_bisection": rf"bisection over {_NUMBER} distances",
    "step_coverings": rf"{_NUMBER} set coverings",
    "step_excluded": rf"{_NUMBER} candidates excluded",
    "step_relaxed": r"0 zero-half cuts in 0 rounds",
    "step_cuts": rf"{_NUMBER} zero-half (?:and disjunctive )?cuts in {_NUMBER} rounds",
    "step_greedy": rf"greedy {_NUMBER}",
    "step_swap": rf"swap {_NUMBER}",
    "step_search": rf"search {_NUMBER}",
    "step_together": rf"together {_NUMBER}",
    "step_bound": rf"bound {_NUMBER}",
    "step_exact": rf"exact {_NUMBER}",
    "step_infeasible": r"(.+): infeasible",
    "step_cancelled": r"(.+): cancelled",
    "step_died": r"(.+): its process died \(code .*\)",
    "step_stopped": r"(.+): stopped by the time limit",
}
"""Message and form of each step that ``siting`` writes; what has none (the name of a solver) is
told as it is.
"""


def method_told(method: str, say: Wording) -> str:
    """Return the steps of a search in the language of the page.

    A step repeated without a change is told once, a bound that bounds nothing not at all.
    """
    parts = [part for part in re.split("; |, ", method) if part not in ("bound inf", "bound -inf")]
    return say.joined(_step(part, say) for part, _ in groupby(parts))


def _step(part: str, say: Wording) -> str:
    for key, form in _STEPS.items():
        found = re.fullmatch(form, part)
        if found:
            return say(
                key,
                **{
                    f"n{place}": _number(told) for place, told in enumerate(found.groups(), start=1)
                },
            )
    return part


def _number(told: str) -> float | str:
    return float(told) if re.fullmatch(_NUMBER, told) else told


_NAMES_SHOWN = 5


def ask_sentences(study: Study, choice: KioskChoice, say: Wording) -> list[str]:
    """Say what is asked about the kiosks, and what one of them does."""
    asked = say(
        f"ask_{choice.question}",
        kiosks=say("kiosks", n=choice.count or 0),
        who=who(choice, say),
        of_who=_of_who(choice, say),
        budget=say.money(choice.sites_budget_eur or 0.0),
        share=say.percent(
            choice.share or 0.0, 0 if round((choice.share or 0.0) * 100, 6).is_integer() else 1
        ),
        second=say.percent(choice.second, 0),
        farthest=say.cost(choice.search_radius),
    )
    kiosk = say(
        "ask_kiosk",
        offers=_offers(study, choice, say),
        reach=say.cost(choice.reach),
        hosts=say.listed([say.service(kind, many=True) for kind in choice.candidates]),
    )
    return [asked, kiosk]


def who(choice: KioskChoice, say: Wording) -> str:
    """Return what the people who count are called."""
    group = choice.weight or "population"
    return say(f"group_{group}") if f"group_{group}" in PLAN_MESSAGES else f"« {group} »"


def _of_who(choice: KioskChoice, say: Wording) -> str:
    """Return them after « plus »: ``d’habitants``, ``de personnes de 65 ans et plus``."""
    name = who(choice, say)
    return say("of_group_vowel" if name[0].lower() in "aeiouyhé" else "of_group", who=name)


def _offers(study: Study, choice: KioskChoice, say: Wording) -> str:
    if set(choice.offers) >= set(study.rule.every):
        return say("offers_all")
    return say.listed([f"« {study.need(key).label} »" for key in choice.offers])


def plan_sentences(result: CoverageResult, plan: KioskPlan, say: Wording) -> list[str]:
    """Say what no plan can do, what this one brings, how far it is proved to be from the best, and
    what it leaves.
    """
    return [*proved_sentences(result, plan, say), *further_sentences(result, say)]


def proved_sentences(result: CoverageResult, plan: KioskPlan, say: Wording) -> list[str]:
    """Say what no plan can do, what this one brings, and its proof: the first of all that is said
    of a plan.
    """
    choice = result.study.kiosks
    if choice is None:
        return []
    white = result.summary.iloc[-1]["white_before"]
    proposed = result.kiosks[result.kiosks["rank"] > 0]
    added = int(proposed["people_added"].sum())
    gain = say(
        "plan_gain",
        kiosks=say("kiosks", n=len(proposed)),
        people=say("people", n=added),
        share=say.percent(added / white if white else 0.0),
    )
    proof = proof_sentences(choice, plan, result.ranking, say)
    return [*before_plan(result, say), gain, *proof, *fewer_sentences(choice, plan, say)]


def further_sentences(result: CoverageResult, say: Wording) -> list[str]:
    """Say how the gain goes down the list, who is left, and where to stop."""
    gains, left = (
        result.kiosks.loc[result.kiosks["rank"] > 0, "people_added"].tolist(),
        result.demand,
    )
    left, sentences = left[~left["served_after"]], []
    if len(gains) > 1 and sum(gains):
        first, last = (say("people", n=gains[place]) for place in (0, -1))
        half = next(
            rank for rank, sum_ in enumerate(accumulate(gains), 1) if sum_ >= sum(gains) / 2
        )
        sentences.append(f"{say('plan_last', first=first, last=last)} {say('plan_half', n=half)}")
    if len(left):
        people, communes = (
            say("people", n=int(left["people"].sum())),
            say("communes", n=commune_count(left)),
        )
        sentences.append(say("plan_left", people=people, communes=communes))
    if result.ranking is not None and result.study.kiosks is not None:
        sentences.append(stop_sentence(result.ranking, result.study.kiosks, say))
    return [sentence for sentence in sentences if sentence]


def before_plan(result: CoverageResult, say: Wording) -> list[str]:
    """Say what no plan can do, when everyone was to be served, and what kiosks that exist already
    do.
    """
    sentences, choice = [], result.study.kiosks
    out = result.demand[
        result.demand["unserved_reason"].isin(
            ("no_candidate", "host_closed", "host_refused", "excluded")
        )
    ]
    if choice is not None and choice.question in ("everyone", "share") and len(out):
        names = list(
            dict.fromkeys(out.sort_values("people", ascending=False, kind="stable")["name"])
        )
        told = say.listed(names) if len(names) <= _NAMES_SHOWN + 1 else ""
        shown = told or say(
            "popup_more", names=", ".join(names[:_NAMES_SHOWN]), n=len(names) - _NAMES_SHOWN
        )
        people, communes = (
            say("people", n=int(out["people"].sum())),
            say("communes", n=commune_count(out)),
        )
        sentences.append(say("plan_uncoverable", people=people, communes=communes, names=shown))
    old = result.kiosks[result.kiosks["rank"] == 0]
    if len(old):
        people = say("people", n=int(old["people_added"].sum()))
        sentences.append(
            say("plan_already", n=len(old), kiosks=say("kiosks", n=len(old)), people=people)
        )
    return sentences


def proof_sentences(
    choice: KioskChoice, plan: KioskPlan, ranking: Ranking | None, say: Wording
) -> list[str]:
    """Say what the plan is worth in its model's own measure, the bound, and how the search
    ended.
    """
    question, concerned = choice.question, ranking.concerned if ranking is not None else 0.0
    optimal = plan.status == "optimal"
    told = say(
        f"proof_{question}_{'optimal' if optimal else 'bound'}",
        who=who(choice, say),
        of_who=_of_who(choice, say),
        value=_worth(plan.value, choice, concerned, say),
        bound=_worth(plan.bound, choice, concerned, say),
        told=say.money(plan.value) if choice.priced else say("kiosks", n=len(plan.sites)),
        missing=say.number(max(0, round(plan.bound) - round(plan.value))),
        twice=say.number(1 + choice.second, 1),
        gap=say.percent(plan.gap, 2),
    )
    sentences = [] if optimal else [say(f"plan_{plan.status}")]
    counted = choice.weight and question in ("most", "budget")
    group = (
        [say("proof_group", value=say.number(plan.value), who=who(choice, say))] if counted else []
    )
    return [*group, told, *sentences]


def fewer_sentences(choice: KioskChoice, plan: KioskPlan, say: Wording) -> list[str]:
    """Say that the plan opens fewer kiosks than were asked for, where the others would serve nobody
    more.
    """
    if choice.question not in ("most", "backup") or len(plan.sites) >= (choice.count or 0):
        return []
    return [say("plan_fewer", asked=say("kiosks", n=choice.count or 0), n=len(plan.sites))]


def _worth(value: float, choice: KioskChoice, concerned: float, say: Wording) -> str:
    """Write a value of the plan in the unit of its model."""
    if choice.question == "median":
        return say.cost(value / concerned if concerned else 0.0)
    if choice.question == "center":
        return say.cost(value)
    return (
        say.money(value)
        if choice.question in ("share", "everyone") and choice.priced
        else say.number(round(value))
    )


def rule_sentences(result: CoverageResult, say: Wording) -> list[str]:
    """Say the rules on the choice of hosts, those that the study sets."""
    choice, counters = result.study.kiosks, result.counters
    if choice is None:
        return []
    told = [
        say(f"rule_{key}", n=len(getattr(choice, key)))
        for key in ("existing", "required", "excluded")
        if getattr(choice, key)
    ]
    if choice.min_hours_per_week is not None:
        told.append(
            say("rule_hours", hours=choice.min_hours_per_week, n=counters.get("hosts_closed", 0))
        )
    if choice.broadband is not None:
        refused = counters.get("hosts_not_connected", 0)
        told.append(say("rule_broadband", column=choice.broadband.column, n=refused))
    if choice.one_per:
        told.append(say(f"rule_one_per_{choice.one_per}"))
    if choice.spacing_m is not None:
        told.append(say("rule_spacing", distance=say.distance(choice.spacing_m)))
    if choice.floor_per_departement:
        told.append(say("rule_floor_all", n=choice.floor_per_departement))
    told += [say("rule_floor", n=least, code=code) for code, least in choice.floor]
    told += [say("rule_hours_count")] * choice.hours_count
    if choice.priced:
        refused = counters.get("hosts_without_cost", 0)
        told.append(say("rule_costs_known", n=refused) if refused else say("rule_costs"))
    return told


def curve_note(ranking: Ranking, say: Wording) -> str:
    """Say how near its bound the curve is proved to be."""
    if not len(ranking.curve):
        return ""
    worst = float(ranking.curve["gap"].max())
    return say("curve_note", gap=say.percent(worst)) if worst else say("curve_note_reached")


def stop_sentence(ranking: Ranking, choice: KioskChoice, say: Wording) -> str:
    """Say where the next 10,000 EUR brings too few people; empty when the study does not ask."""
    if choice.stop_below is None or not (choice.user_side_cost_eur or choice.priced):
        return ""
    told = {"tranche": say.money(TRANCHE_EUR), "people": say("people", n=round(choice.stop_below))}
    if ranking.stop_at is None:
        return say("stop_never", **told)
    return say("stop_at", kiosks=say("kiosks", n=ranking.stop_at), **told)


def reference_sentences(result: CoverageResult, ranking: Ranking, say: Wording) -> list[str]:
    """Set the plan that was really carried out against the best one, and against what no plan can
    exceed.
    """
    outcome = ranking.reference
    if outcome is None:
        return []
    reference, kiosks, opened = (
        outcome.reference,
        say("kiosks", n=outcome.reference.count),
        len(ranking.curve),
    )
    each = say.money(reference.cost_eur / reference.count)
    known = outcome.people is not None
    told = say.number(outcome.bound)
    best = say("people", n=round(outcome.best))
    sentences = [
        say(
            "reference_cost",
            label=reference.label,
            kiosks=kiosks,
            cost=say.money(reference.cost_eur),
            each=each,
        ),
        say(
            "reference_known" if known else "reference_unknown",
            kiosks=kiosks,
            people=say(
                "people",
                n=round(outcome.people if outcome.people is not None else outcome.most_populated),
            ),
        ),
    ]
    if outcome.enough is not None:
        sentences.append(say("reference_enough", n=outcome.enough))
    if reference.count > opened:
        fewer = say("kiosks", n=opened)
        sentences.append(
            say("reference_fewer", kiosks=fewer, people=best, count=reference.count, bound=told)
        )
    else:
        key = (
            "reference_proved" if round(outcome.best) >= round(outcome.bound) else "reference_best"
        )
        sentences.append(say(key, kiosks=kiosks, people=best, bound=told))
    if opened == reference.count and outcome.best:
        sentences.append(
            say("reference_per_head", cost=say.money(reference.cost_eur / outcome.best, 2))
        )
    return sentences


def unserved_sentences(ranking: Ranking, say: Wording) -> list[str]:
    """Say who stays unserved, one sentence a reason."""
    return [
        say(
            "unserved_row",
            people=say("people", n=int(row["people"])),
            communes=say("communes", n=int(row["communes"])),
            reason=say(f"unserved_{row['reason']}"),
        )
        for row in ranking.unserved.to_dict("records")
    ]


def use_sentences(result: CoverageResult, choice: KioskChoice, say: Wording) -> list[str]:
    """Say what the kiosks avoid in a year, under which supposed use, and where that use comes from.

    Empty when nobody gains, or when the kilometres are not known.
    """
    kiosks, use, usual = result.kiosks, choice.use, Use()
    total = kiosks[list(SAVINGS)].sum()
    if not total["uses_per_year"] or not kiosks["km_saved_per_year"].notna().any():
        return []
    sources = [
        say(f"use_source_{key}")
        for key, name in (("rate", "uses_per_person"), ("co2", "co2_g_per_km"))
        if getattr(use, name) == getattr(usual, name)
    ]
    return [
        say(
            "use_saved",
            uses=say.number(total["uses_per_year"]),
            km=f"{say.number(total['km_saved_per_year'])}{NARROW}km",
            co2=say.mass(total["co2_saved_kg_per_year"]),
        ),
        say(
            "use_stated",
            rate=say.number(use.uses_per_person, _decimals(use.uses_per_person)),
            trips=use.trips_avoided,
            detour=use.detour,
            co2=f"{say.number(use.co2_g_per_km)}{NARROW}g",
        ),
        *([say("use_sources", sources=say.joined(sources))] if sources else []),
    ]


def _decimals(value: float) -> int:
    """Return how many decimals tell the value as it was given, four at most."""
    return next((places for places in range(4) if round(value, places) == value), 4)


def cost_rows(result: CoverageResult, choice: KioskChoice, say: Wording) -> dict[str, Any]:
    """Return what the equipment costs, line by line, and per inhabitant gained."""
    proposed = result.kiosks[result.kiosks["rank"] > 0]
    sites, total = (
        _user_side(proposed, choice, say),
        float(proposed["cost_eur"].sum()) + choice.experts_eur,
    )
    rows = [sites]
    if choice.experts:
        each = say.money(choice.expert_side_cost_eur)
        rows.append(
            (say("cost_expert", n=choice.experts, cost=each), say.money(choice.experts_eur))
        )
    rows.append((say("cost_total"), say.money(total)))
    if choice.budget_eur is not None:
        rows += [
            (say("cost_budget"), say.money(choice.budget_eur)),
            (say("cost_left"), say.money(choice.budget_eur - total)),
        ]
    gained = int(proposed["people_added"].sum())
    return {
        "rows": rows if total else [],
        "note": say("cost_per_head", cost=say.money(total / gained, 2)) if gained and total else "",
    }


def _user_side(proposed: gpd.GeoDataFrame, choice: KioskChoice, say: Wording) -> tuple[str, str]:
    kiosks, cost = say("kiosks", n=len(proposed)), say.money(float(proposed["cost_eur"].sum()))
    if choice.priced:
        return say("cost_sites", kiosks=kiosks), cost
    return say("cost_user", kiosks=kiosks, cost=say.money(choice.user_side_cost_eur)), cost
