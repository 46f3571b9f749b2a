"""The report: one printable page that tells a decision-maker the question, the answer, its proof
and its limits.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

from geoguichet.coverage.kiosks.ranking import SAVINGS, Ranking
from geoguichet.coverage.outputs import charts
from geoguichet.coverage.outputs.charts import gain_curve, map_picture
from geoguichet.coverage.outputs.page import filled
from geoguichet.coverage.outputs.plan_text import (
    ask_sentences,
    cost_rows,
    curve_note,
    method_told,
    plan_sentences,
    proved_sentences,
    reference_sentences,
    rule_sentences,
    use_sentences,
)
from geoguichet.coverage.outputs.sections import sections
from geoguichet.coverage.outputs.wording import Wording
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.study.study import Need, Study
from geoguichet.floor.findings import count_by_rule

MAIN_ZONES = 15
"""How many white zones the report lists; the GeoPackage has them all."""
_NAMES_SHOWN = 5


def write(result: CoverageResult, path: Path) -> None:
    """Write the report, self-contained: no script, no other file."""
    path.write_text(render(result), encoding="utf-8", newline="\n")


def render(result: CoverageResult) -> str:
    """Return the report as HTML, in the study's language."""
    study = result.study
    say = Wording(study.language, study.unit, cells=study.demand.cells is not None)
    return filled("report.html", say=say, **_content(result, say)) + "\n"


def _content(result: CoverageResult, say: Wording) -> dict[str, Any]:
    inhabited = result.white_zones[
        (result.white_zones["communes"] > 0) & ~result.white_zones["minor"]
    ]
    zones = inhabited.reset_index(names="id").head(MAIN_ZONES).to_dict("records")
    return {
        "result": result,
        "study": result.study,
        "total": result.summary.iloc[-1].to_dict(),
        "rows": result.summary.to_dict("records"),
        "rule": rule_sentence(result.study, say),
        "needs": need_sentences(result.study, say),
        "question": question_sentences(result.study, say),
        "map": Markup(map_picture(result, say)),  # noqa: S704  drawn here, every name escaped
        "zones": [
            {
                **zone,
                "communes_shown": shortened(zone["commune_names"], say),
                "hosts_shown": charts.hosts(zone, say, key="host_brief"),
            }
            for zone in zones
        ],
        "zones_total": len(inhabited),
        "zone_notes": charts.notes(result, say),
        "kiosks": [
            {**kiosk, "host_shown": _host(kiosk)} for kiosk in result.kiosks.to_dict("records")
        ],
        "curve": Markup(gain_curve(result, say)) if len(result.kiosks) else None,  # noqa: S704
        "plan": plan_sentences(result, result.plan, say) if result.plan is not None else [],
        "costs": cost_rows(result, result.study.kiosks, say)
        if result.study.kiosks is not None
        else None,
        "rules": _model_and_rules(result, say),
        "kiosk_caption": say(
            "table_kiosks_model" if _is_of(result, "median", "center", "backup") else "table_kiosks"
        ),
        "proof": proved_sentences(result, result.plan, say) if result.plan is not None else [],
        "saves": len(result.kiosks) > 0
        and bool(result.kiosks[list(SAVINGS[1:])].notna().any().any()),
        "curve_note": curve_note(result.ranking, say) if result.ranking is not None else "",
        "reference": reference_sentences(result, result.ranking, say)
        if result.ranking is not None
        else [],
        "use": use_sentences(result, result.study.kiosks, say)
        if result.study.kiosks is not None
        else [],
        "unserved": _unserved(result.ranking, say) if result.ranking is not None else [],
        "sections": sections(result, say),
        "method": _method(result, say),
        "limits": _limits(result, say),
        "findings": _findings(result, say),
        "version": version("geoguichet"),
    }


def rule_sentence(study: Study, say: Wording) -> str:
    """Say how the needs combine; the needs themselves follow as a list."""
    if len(study.rule.every) == 1:
        return say("rule_one")
    return say(f"rule_{study.rule.kind}", k=study.rule.k)


def need_sentences(study: Study, say: Wording) -> list[str]:
    """Say each need of the rule, those it requires marked as such."""
    told = [need_sentence(study.need(key), say) for key in study.rule.every]
    required = len(study.rule.required)
    return [say("need_required", need=need) for need in told[:required]] + told[required:]


def need_sentence(need: Need, say: Wording) -> str:
    """Say one need: what, how near, how long open, at what moment."""
    fields: dict[str, object] = {"label": need.label, "distance": say.cost(need.within)}
    key, hours = "need", need.min_hours_per_week
    if hours is not None and f"{hours:g} h" not in need.label:
        key, fields["hours"] = "need_hours", hours
    if need.open_at is not None and say.moment(need.open_at) not in need.label:
        key, fields["moment"] = f"{key}_open", say.moment(need.open_at)
    return say(key, **fields)


def question_sentences(study: Study, say: Wording) -> list[str]:
    """Say what becomes of the others, and what is asked about the kiosks."""
    buffer_m = study.territory.buffer_m
    key = "report_question_else" if buffer_m else "report_question_else_no_buffer"
    sentences = [say(key, buffer=say.distance(buffer_m))]
    if study.kiosks is not None:
        sentences += ask_sentences(study, study.kiosks, say)
    return sentences


def shortened(names: str, say: Wording, shown: int = _NAMES_SHOWN) -> str:
    """Return the first of comma-separated names and how many more there are."""
    every = [name.strip() for name in str(names).split(",") if name.strip()]
    if len(every) <= shown + 1:
        return ", ".join(every)
    return say("popup_more", names=", ".join(every[:shown]), n=len(every) - shown)


def _model_and_rules(result: CoverageResult, say: Wording) -> list[str]:
    """Return the model and the rules, where there is more to say than the most people with so many
    kiosks.
    """
    choice, rules = result.study.kiosks, rule_sentences(result, say)
    if choice is None or (choice.question == "most" and not rules):
        return []
    return [say("report_model", model=say(f"model_{choice.question}")), *rules]


def _is_of(result: CoverageResult, *questions: str) -> bool:
    return result.study.kiosks is not None and result.study.kiosks.question in questions


def _host(kiosk: dict[str, Any]) -> str:
    """Return the host's name, cut to what it is (``Mairie``) when the rest only repeats the
    commune's name.
    """
    host, name = str(kiosk["host"]), str(kiosk["name"])
    return (
        host.split()[0]
        if host.endswith(name.removeprefix("Le ").removeprefix("Les ")) and host.split()
        else host
    )


def _unserved(ranking: Ranking, say: Wording) -> list[dict[str, Any]]:
    table = ranking.unserved
    told = [say(f"unserved_{reason}") for reason in table["reason"]]
    rows = table.assign(told=[text[0].upper() + text[1:] for text in told]).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _method(result: CoverageResult, say: Wording) -> list[str]:
    at_host = result.study.demand.at != "representative_point"
    measured = "method_2" if result.study.router.kind == "straight_line" else "method_2_router"
    drawn = "method_3_smooth" if result.study.zones.kind == "smooth" else "method_3"
    steps = [say("method_1" if at_host else "method_1_inside"), say(measured), say(drawn)]
    if result.plan is not None:
        model = result.study.kiosks.question if result.study.kiosks is not None else "most"
        steps += [
            say("method_4", model=say(f"model_{model}")),
            say("plan_method", method=method_told(result.plan.method, say)),
        ]
    return steps


def _limits(result: CoverageResult, say: Wording) -> list[str]:
    limits = [
        say("limit_straight" if result.study.router.kind == "straight_line" else "limit_router"),
        say("limit_point_smooth" if result.study.zones.kind == "smooth" else "limit_point"),
    ]
    if any(need.asks_hours and need.unknown_hours == "closed" for need in result.study.needs):
        limits.append(say("limit_hours"))
    if len(result.kiosks):
        limits += [say("limit_place"), say("limit_use")]
    lost = int(result.demand.loc[result.demand["point_source"] == "none", "people"].sum())
    if lost:
        limits.append(say("limit_missing", people=say("people", n=lost)))
    return limits


def _findings(result: CoverageResult, say: Wording) -> list[dict[str, Any]]:
    """One row per rule: how many findings, and the first of them as an example."""
    examples = {one.rule: str(one.message) for one in sorted(result.findings, reverse=True)}
    return [
        {"rule": rule, "count": count, "example": say.typeset(examples[rule])}
        for rule, count in count_by_rule(result.findings).items()
    ]
