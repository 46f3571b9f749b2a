"""The tables of ``geoguichet coverage``, and the same answers for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from geoguichet.commands.printing import columns, number, percent, signed

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame
    from pandas import DataFrame

    from geoguichet.coverage.compare import Comparison
    from geoguichet.coverage.kiosks.ranking import Ranking
    from geoguichet.coverage.outputs.sections import Table
    from geoguichet.coverage.result import CoverageResult
    from geoguichet.coverage.sensitivity import Sensitivity
    from geoguichet.coverage.siting.plan import KioskPlan


def print_result(result: CoverageResult, files: Sequence[Path]) -> None:
    """Print a study's answer: who is served by département, the plan and its proof, the files."""
    print(f"{result.study.title}\n\n{_summary_table(result)}\n")
    if result.plan is not None and result.ranking is not None:
        print(_proof(result, result.plan, result.ranking))
        print("\n".join(_around(result, result.plan, result.ranking)) + "\n")
        if len(result.kiosks):
            print(_kiosk_table(result.kiosks) + "\n")
    print_beside(result)
    print(f"{len(result.findings)} constats sur les données ; le rapport les détaille.\n")
    for file in files:
        print(file)


def print_beside(
    result: CoverageResult, *, only: Sequence[str] = ("legal", "hours", "aggregation", "measures")
) -> None:
    """Print what stands beside the answer; the border is told in the report, and here only when it
    needs a warning.
    """
    from geoguichet.coverage.outputs.sections import sections
    from geoguichet.coverage.outputs.wording import NARROW, NO_BREAK, Wording

    study = result.study
    say = Wording("fr", study.unit, cells=study.demand.cells is not None)
    for section in sections(result, say):
        if section.key not in only:
            continue
        told = [
            part if isinstance(part, str) else "\n" + _table_told(part) + "\n"
            for part in section.parts
        ]
        print(
            f"{section.title}\n\n"
            + "\n".join(told).replace(NARROW, " ").replace(NO_BREAK, " ")
            + "\n"
        )
    for finding in result.findings:
        if finding.rule in ("no-buffer", "short-buffer"):
            print(f"{finding.message}\n")


def _table_told(table: Table) -> str:
    *told, last = columns(table.header, table.rows, left=table.left).split("\n")
    return "\n".join([table.caption, *told, *([told[1]] if table.totals else []), last])


def _summary_table(result: CoverageResult) -> str:
    """Return one line per département then the territory; the share of its people stands beside
    each number.
    """
    header = (
        "Territoire",
        "Habitants",
        "En zone blanche",
        "%",
        "Après le plan",
        "%",
        "Zones",
        "Visioguichets",
    )
    lines = [
        (
            f"{row['code']} {row['name']}".strip(),
            number(row["people"]),
            number(row["white_before"]),
            percent(row["white_before_share"]),
            number(row["white_after"]),
            percent(row["white_after_share"]),
            number(row["zones"]),
            number(row["kiosks"]),
        )
        for row in result.summary.to_dict("records")
    ]
    *told, whole = columns(header, lines).split("\n")
    return "\n".join([*told, told[1], whole])


def _proof(result: CoverageResult, plan: KioskPlan, ranking: Ranking) -> str:
    """Say what no plan can do, what this one brings, its model and rules, and how good it is
    proved.
    """
    from geoguichet.coverage.outputs.plan_text import (
        before_plan,
        fewer_sentences,
        proof_sentences,
        rule_sentences,
    )
    from geoguichet.coverage.outputs.wording import Wording

    say, choice = Wording("fr", result.study.unit), result.study.kiosks
    if choice is None:
        return ""
    first = before_plan(result, say)
    if not plan.sites:
        return _plainly(
            "\n".join([*first, "Plan : aucun visioguichet n'ouvrirait : il n'ajouterait personne."])
        )
    kiosks = "1 visioguichet" if len(plan.sites) == 1 else f"{len(plan.sites)} visioguichets"
    added = result.kiosks.loc[result.kiosks["rank"] > 0, "people_added"].sum()
    said = f"Plan : {kiosks}, {number(added)} habitants desservis de plus ; "
    if plan.status == "optimal":
        said += "optimum prouvé (écart 0 %)."
    elif choice.question == "most" and not choice.weight:
        said += f"au plus {number(plan.bound)} possibles, écart prouvé {percent(plan.gap, 2)} %."
    else:
        said += f"écart prouvé {percent(plan.gap, 2)} %."
    told = [] if plan.status == "optimal" else [say(f"plan_{plan.status}")]
    if choice.question != "most" or choice.weight:
        told = proof_sentences(choice, plan, ranking, say)
        told.insert(0, f"Modèle : {say('model_' + choice.question)}.")
    told += fewer_sentences(choice, plan, say)
    rules = rule_sentences(result, say)
    return _plainly(
        "\n".join([*first, said, *told, *([f"Règles : {' ; '.join(rules)}."] if rules else [])])
    )


def _plainly(text: str) -> str:
    """Return the text with the spaces of a terminal."""
    from geoguichet.coverage.outputs.wording import NARROW, NO_BREAK

    return text.replace(NARROW, " ").replace(NO_BREAK, " ")


def _around(result: CoverageResult, plan: KioskPlan, ranking: Ranking) -> list[str]:
    """Say how the plan was found, where to stop, what it avoids, what the plan carried out reaches,
    and who is left.
    """
    from geoguichet.coverage.outputs.plan_text import (
        method_told,
        reference_sentences,
        stop_sentence,
        unserved_sentences,
        use_sentences,
    )
    from geoguichet.coverage.outputs.wording import Wording

    study = result.study
    say, choice = Wording("fr", study.unit, cells=study.demand.cells is not None), study.kiosks
    spent = f"{say.number(plan.seconds, 1)} s" if plan.seconds >= 0.1 else "moins de 0,1 s"
    lines = [f"Calcul en {spent} : {method_told(plan.method, say)}."]
    lines += (
        []
        if choice is None
        else [stop_sentence(ranking, choice, say), *use_sentences(result, choice, say)[:1]]
    )
    lines += reference_sentences(result, ranking, say)
    lines += [f"Encore sans accès : {told}" for told in unserved_sentences(ranking, say)]
    return [_plainly(line) for line in lines if line]


def _kiosk_table(kiosks: GeoDataFrame, most: int = 10) -> str:
    """Return the first of the ranked list, with what each would save a year under the study's
    use.
    """
    header = (
        "Rang",
        "Visioguichet",
        "Zone",
        "h/sem.",
        "Habitants",
        "Cumul",
        "%",
        "km/an",
        "CO2 kg/an",
    )
    lines = [
        (
            str(row["rank"] or "déjà"),
            f"{row['name']} ({row['departement']})"
            + (", imposé" if row["standing"] == "required" else ""),
            row["zones"].split(",")[0],
            "-"
            if isnan(row["hours_per_week"])
            else f"{row['hours_per_week']:.3g}".replace(".", ","),
            *(number(row[key]) for key in ("people_added", "people_cumulated")),
            percent(row["share_cumulated"]),
            *(number(row[key]) for key in ("km_saved_per_year", "co2_saved_kg_per_year")),
        )
        for row in kiosks.head(most).to_dict("records")
    ]
    left = len(kiosks) - most
    rest = f"{left} autre" if left == 1 else f"{left} autres"
    return columns(header, lines, left=3) + (
        f"\n... et {rest}, dans le rapport" if left > 0 else ""
    )


def as_json(result: CoverageResult, files: Sequence[Path]) -> dict[str, Any]:
    """Return a study's answer for machines."""
    plan = result.plan
    return {
        "study": result.study.id,
        "summary": result.summary.to_dict("records"),
        "plan": None if plan is None else _plan(result, plan),
        "kiosks": _records(result.kiosks),
        "use": _use(result),
        "ranking": None if result.ranking is None else result.ranking.as_dict(),
        "beside": result.beside.as_dict(),
        "counters": result.counters,
        "findings": [finding.as_dict() for finding in result.findings],
        "files": [str(file) for file in files],
    }


def _plan(result: CoverageResult, plan: KioskPlan) -> dict[str, Any]:
    from geoguichet.coverage.outputs.plan_text import rule_sentences
    from geoguichet.coverage.outputs.wording import Wording

    choice = result.study.kiosks
    return {
        "kiosks": len(plan.sites),
        "model": choice.model if choice is not None else "",
        "formulation": plan.model,
        "sense": plan.sense,
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
        "method": plan.method,
        "seconds": round(plan.seconds, 3),
        "cost_eur": float(result.kiosks["cost_eur"].sum()),
        "rules": [_plainly(rule) for rule in rule_sentences(result, Wording("fr"))],
        "out_of_every_reach": result.counters.get("demand_out_of_every_reach", 0),
    }


def _use(result: CoverageResult) -> dict[str, float | None] | None:
    """Return the use that is supposed and what all the kiosks avoid under it; None where a figure
    is not known.
    """
    from dataclasses import asdict

    from geoguichet.coverage.kiosks.ranking import SAVINGS

    if result.study.kiosks is None:
        return None
    totals = result.kiosks[list(SAVINGS)].astype(float).sum(min_count=1)
    return asdict(result.study.kiosks.use) | {
        key: None if isnan(totals[key]) else totals[key] for key in SAVINGS
    }


def _records(table: GeoDataFrame) -> list[dict[str, Any]]:
    plain = table.drop(columns=table.geometry.name).reset_index()
    rows: list[dict[str, Any]] = json.loads(plain.to_json(orient="records"))
    return rows


def print_comparison(comparison: Comparison, files: Sequence[Path]) -> None:
    """Print who gains and who loses between two answers."""
    from geoguichet.coverage.outputs.comparison import changes_told, lead, side_told
    from geoguichet.coverage.outputs.wording import NARROW, NO_BREAK, Wording

    say = Wording("fr", comparison.unit)
    sentences = [
        say("compare_before", title=side_told(comparison.before, say, among=comparison)),
        say("compare_after", title=side_told(comparison.after, say, among=comparison)),
        *(f"  - {sentence}" for sentence in changes_told(comparison, say)),
        "",
        lead(comparison, say),
    ]
    print("\n".join(sentences).replace(NARROW, " ").replace(NO_BREAK, " "))
    for title, rows in (
        ("Groupe", comparison.by_group()),
        ("Département", comparison.of("departement", changed_only=True)),
        ("Intercommunalité", comparison.of("epci", changed_only=True)),
        ("Zone avant", comparison.of("zone_before", changed_only=True)),
        ("Zone après", comparison.of("zone_after", changed_only=True)),
    ):
        if len(rows):
            print(f"\n{_comparison_table(title, rows, comparison.needs, comparison.unit)}")
    print()
    for file in files:
        print(file)


def _comparison_table(
    title: str, rows: DataFrame, needs: Sequence[str], unit: str, most: int = 10
) -> str:
    column = "min" if unit == "s" else "m"
    header = (
        title,
        "Habitants",
        "Gagnent",
        "Perdent",
        "Plus près",
        "Plus loin",
        *(f"{need} ({column})" for need in needs),
    )
    lines = [
        (
            f"{row['code']} {row['name']}".strip() if row["code"] != row["name"] else row["name"],
            *(number(row[key]) for key in ("people", "gained", "lost", "nearer", "farther")),
            *(signed(row[f"{need}_change_{unit}"], unit) for need in needs),
        )
        for row in rows.head(most).to_dict("records")
    ]
    left = len(rows) - most
    rest = f"{left} autre" if left == 1 else f"{left} autres"
    return columns(header, lines) + (
        f"\n... et {rest}, dans compare.gpkg et --json" if left > 0 else ""
    )


def print_sensitivity(told: Sensitivity, files: Sequence[Path]) -> None:
    """Print how sure the white zones are, and what each scenario counts."""
    from geoguichet.coverage.outputs.sensitivity import lead, said
    from geoguichet.coverage.outputs.wording import NARROW, NO_BREAK, Wording
    from geoguichet.referentials.territories.population import group_label

    say = Wording("fr", told.study.unit)
    print(
        "\n".join([*said(told, say), "", lead(told, say)])
        .replace(NARROW, " ")
        .replace(NO_BREAK, " ")
        + "\n"
    )
    groups = told.study.demand.groups
    labels = [group_label(group).capitalize() for group in groups]
    kinds = [
        (
            say(f"sure_{row['sureness']}"),
            *(number(row[key]) for key in ("communes", "people")),
            percent(row["share"]),
            *(number(row[key]) for key in groups),
        )
        for row in told.classes.to_dict("records")
    ]
    print(columns(("Zone blanche", "Points", "Habitants", "%", *labels), kinds) + "\n")
    cells = told.scenarios.assign(congestion=told.scenarios["congestion"].fillna(1.0))
    table = cells.pivot(index="thresholds", columns="congestion", values="people")
    driven = told.scenarios["congestion"].notna().all()
    header = (
        "Seuils",
        *(
            f"temps à {_hundredths(float(slow))}" if driven else "Habitants"
            for slow in table.columns
        ),
    )
    print(
        columns(
            header,
            [
                (f"à {_hundredths(factor)}", *map(number, row))
                for factor, row in zip(table.index, table.to_numpy(), strict=True)
            ],
        )
    )
    print()
    for file in files:
        print(file)


def _hundredths(factor: float) -> str:
    return f"{factor * 100:.3g} %".replace(".", ",")


def nearest_table(found: GeoDataFrame, unit: str) -> str:
    """Return the counters found, nearest first; costs in the study's unit."""
    from geoguichet.coverage.outputs.wording import Wording

    say = Wording("fr", unit)
    opening = {"open": "ouvert", "unknown": "horaires inconnus", "": ""}
    timed = bool((found["opening"] != "").any())
    lines = [
        (
            _plainly(say.column(row["cost"])),
            str(row["name"]),
            f"{row['commune_name']} ({row['departement']})",
            *([opening[row["opening"]]] if timed else []),
            _plainly(say.hours(row["hours"]))
            if isinstance(row["hours"], str) and row["hours"]
            else "horaires inconnus",
            str(key),
        )
        for key, row in zip(found.index, found.to_dict("records"), strict=True)
    ]
    header = (
        "Trajet" if unit == "s" else "Distance",
        "Guichet",
        "Commune",
        *(["Alors"] if timed else []),
        "Horaires",
        "Identifiant",
    )
    return (
        columns(header, lines, left=len(header)) if lines else "Aucun guichet n'est ouvert alors."
    )
