"""The report: one printable page that tells a decision-maker the question, the answer, its proof
and its limits.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

from geoguichet.coverage.kiosks.ranking import SAVINGS
from geoguichet.coverage.outputs import charts
from geoguichet.coverage.outputs.charts import gain_curve, map_picture
from geoguichet.coverage.outputs.page import filled
from geoguichet.coverage.outputs.plan_text import (
    ask_sentences,
    cost_rows,
    curve_note,
    method_told,
    model_told,
    plan_sentences,
    proved_sentences,
    reference_sentences,
    rule_sentences,
    use_sentences,
)
from geoguichet.coverage.outputs.sections import sections
from geoguichet.coverage.outputs.wording import (
    cost_in_table,
    first_of,
    moment,
    why_unserved,
)
from geoguichet.coverage.result import CoverageResult
from geoguichet.coverage.study.study import Need, Study
from geoguichet.floor.findings import count_by_rule
from geoguichet.floor.words import Message, _, cost, distance, spaced, speaking

#: How many white zones the report lists; the GeoPackage has them all.
MAIN_ZONES = 15


def write(result: CoverageResult, path: Path) -> None:
    """Write the report, self-contained: no script, no other file."""
    path.write_text(render(result), encoding="utf-8", newline="\n")


def render(result: CoverageResult) -> str:
    """Return the report as HTML, in the study's language."""
    with speaking(result.study.language, typeset=True):
        return filled("report.html", **_content(result)) + "\n"


def _content(result: CoverageResult) -> dict[str, Any]:
    inhabited = result.white_zones[
        (result.white_zones["communes"] > 0) & ~result.white_zones["minor"]
    ]
    unit = result.study.unit
    zones = inhabited.reset_index(names="id").head(MAIN_ZONES).to_dict("records")
    return {
        "result": result,
        "study": result.study,
        "total": result.summary.iloc[-1].to_dict(),
        "rows": result.summary.to_dict("records"),
        "rule": rule_sentence(result.study),
        "needs": need_sentences(result.study),
        "question": question_sentences(result.study),
        "map_caption": charts.map_caption(result),
        "map": Markup(map_picture(result)),  # noqa: S704  drawn here, every name escaped
        "zones": [
            {
                **zone,
                "communes_shown": first_of(zone["commune_names"].split(", ")),
                "mean_shown": cost_in_table(zone[unit.column("mean")], unit),
                "worst_shown": cost_in_table(zone[unit.column("worst")], unit),
                "hosts_shown": charts.hosts(zone, result.study, brief=True),
            }
            for zone in zones
        ],
        "zones_total": len(inhabited),
        "zone_notes": charts.notes(result),
        "kiosks": [
            {**kiosk, "host_shown": _host(kiosk)} for kiosk in result.kiosks.to_dict("records")
        ],
        "curve": Markup(gain_curve(result)) if len(result.kiosks) else None,  # noqa: S704
        "plan": plan_sentences(result, result.plan) if result.plan is not None else [],
        "costs": cost_rows(result),
        "rules": _model_and_rules(result),
        "proof": proved_sentences(result, result.plan) if result.plan is not None else [],
        "saves": len(result.kiosks) > 0
        and bool(result.kiosks[list(SAVINGS[1:])].notna().any().any()),
        "curve_note": curve_note(result.ranking),
        "reference": reference_sentences(result.ranking),
        "use": use_sentences(result),
        "unserved": _unserved(result),
        "sections": sections(result),
        "straight": result.study.router.kind == "straight_line",
        "model": model_told(result.study.kiosks) if result.study.kiosks is not None else "",
        "method": method_told(result.plan.method) if result.plan is not None else "",
        "hours_asked": any(
            need.asks_hours and need.unknown_hours == "closed" for need in result.study.needs
        ),
        "lost": int(result.demand.loc[result.demand["point_source"] == "none", "people"].sum()),
        "findings": _findings(result),
        "version": version("geoguichet"),
    }


def rule_sentence(study: Study) -> str:
    """Say how the needs combine; the needs themselves follow as a list."""
    kind = "one" if len(study.rule.every) == 1 else study.rule.kind
    return _RULES[kind].format(k=study.rule.k)


_RULES = {
    "one": Message("Un habitant est desservi s’il trouve :"),
    "all": Message("Un habitant est desservi s’il trouve à la fois :"),
    "any": Message("Un habitant est desservi s’il trouve au moins l’un de ces services :"),
    "at_least": Message("Un habitant est desservi s’il trouve au moins {k} de ces services :"),
    "all_and_at_least": Message(
        "Un habitant est desservi s’il trouve tout ce qui est obligatoire, et au moins {k} des "
        "autres services :"
    ),
}


def need_sentences(study: Study) -> list[str]:
    """Say each need of the rule, those it requires marked as such."""
    told = [need_sentence(study.need(key)) for key in study.rule.every]
    required = len(study.rule.required)
    return [_("{need} (obligatoire)", need=need) for need in told[:required]] + told[required:]


def need_sentence(need: Need) -> str:
    """Say one need: what, how near, how long open, at what moment; what its label says already is
    not said again.
    """
    hours, at = need.min_hours_per_week, "" if need.open_at is None else moment(need.open_at)
    asks_hours = hours is not None and f"{hours:g} h" not in need.label
    asks_moment = at not in need.label
    if asks_hours and asks_moment:
        said = Message(
            "{label}, à moins de {distance}, ouvert {moment} et au moins {hours} h par semaine"
        )
    elif asks_hours:
        said = Message("{label}, à moins de {distance}, ouvert au moins {hours} h par semaine")
    elif asks_moment:
        said = Message("{label}, à moins de {distance}, ouvert {moment}")
    else:
        said = Message("{label}, à moins de {distance}")
    far = cost(need.within, need.within.unit)
    return said.format(label=need.label, distance=far, hours=hours, moment=at)


def question_sentences(study: Study) -> list[str]:
    """Say what becomes of the others, and what is asked about the kiosks."""
    if study.territory.buffer_m:
        others = _(
            "Tout autre habitant vit en zone blanche. Les services sont aussi cherchés jusqu’à "
            "{buffer} au-delà des limites du territoire.",
            buffer=distance(study.territory.buffer_m),
        )
    else:
        others = _("Tout autre habitant vit en zone blanche.")
    return [others, *(ask_sentences(study, study.kiosks) if study.kiosks is not None else [])]


def _model_and_rules(result: CoverageResult) -> list[str]:
    """Return the model and the rules, where there is more to say than the most people with so many
    kiosks.
    """
    choice, rules = result.study.kiosks, rule_sentences(result)
    if choice is None or (choice.fills_count and choice.seeks == "people" and not rules):
        return []
    return [_("Modèle : {model}", model=model_told(choice)), *rules]


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


def _unserved(result: CoverageResult) -> list[dict[str, Any]]:
    if result.ranking is None:
        return []
    told = [why_unserved(reason, result.study) for reason in result.ranking.unserved["reason"]]
    rows = result.ranking.unserved.assign(told=[text[0].upper() + text[1:] for text in told])
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _findings(result: CoverageResult) -> list[dict[str, Any]]:
    """One row per rule: how many findings, and the first of them as an example."""
    examples = {one.rule: str(one.message) for one in sorted(result.findings, reverse=True)}
    return [
        {"rule": rule, "count": count, "example": spaced(examples[rule])}
        for rule, count in count_by_rule(result.findings).items()
    ]
