"""An answer in a few sentences and tables, as the terminal shows it (a study's, a comparison's, a
sensitivity's), and its documents in a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from geopandas import GeoDataFrame
from pandas import DataFrame

from geoguichet.coverage.manifest import CoverageResult, a_result
from geoguichet.coverage.outputs.first_lines import (
    Table,
    extension_parts,
    first_sentences,
    headline,
    lacking_parts,
)
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.outputs.page import titled
from geoguichet.coverage.outputs.plan_text import (
    access_sentences,
    before_plan,
    fewer_sentences,
    host_sentences,
    method_told,
    model_told,
    proof_sentences,
    reference_sentences,
    rule_sentences,
    stop_sentences,
    stopped_sentences,
    unserved_sentences,
    use_sentences,
)
from geoguichet.coverage.outputs.report import need_sentences, rule_sentence, sections
from geoguichet.coverage.outputs.style import (
    how_measured,
    joined,
    n_kiosks,
    n_people,
    nonempty,
)
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.floor.words import Unit, _, given, ngettext, number, percent, signed
from geoguichet.referentials.territories.territory import group_label

# A study says nothing of comparisons nor of sensitivity: what tells them is imported when it does.
if TYPE_CHECKING:
    from geoguichet.coverage.compare import Comparison
    from geoguichet.coverage.sensitivity import Sensitivity

#: Sentences, one a line, or a table; blank lines part them.
type Block = str | Table

#: How many rows of a list the terminal shows; the files have them all.
SHOWN = 10
#: The sections of the report that the terminal shows too.
BESIDE = (
    "extensions",
    "programme",
    "undecided",
    "baseline",
    "legal",
    "hours",
    "aggregation",
    "measures",
)


def of_study(result: CoverageResult) -> list[Block]:
    """Say who is served by département, the plan and its proof, and what stands beside."""
    study = result.study
    asked = (rule_sentence(study), f"{joined(need_sentences(study))}.", how_measured(study))
    first = f"{study.title}\n\n{headline(result)}\n{' '.join(asked)}"
    beside_it = "\n".join(first_sentences(result))
    blocks: list[Block] = [first, *nonempty(beside_it), _by_departement(result)]
    blocks += beside(result, only=("lacking",))
    if result.plan is not None and result.study.kiosks is not None:
        blocks.append("\n".join(_plan(result, result.plan, result.study.kiosks)))
        if len(result.kiosks):
            blocks.append(_kiosks(result.kiosks))
    blocks += beside(result)
    # The border is told in the report, and here only when it needs a warning.
    blocks += [str(f.message) for f in result.findings if f.rule in ("no-buffer", "short-buffer")]
    found = ngettext(
        "{n} constat sur les données ; le rapport le détaille.",
        "{n} constats sur les données ; le rapport les détaille.",
        len(result.findings),
    )
    return [*blocks, found]


def beside(result: CoverageResult, only: Sequence[str] = BESIDE) -> list[Block]:
    """Return these sections of the report, each under its title."""
    blocks: list[Block] = []
    for section in sections(result):
        if section.key in only:
            blocks.append(section.title)
            shown = {
                "lacking": lacking_parts(result, epci=False),
                "extensions": extension_parts(result, most=SHOWN),
            }.get(section.key, section.parts)
            for of_words, found in groupby(shown, lambda part: isinstance(part, str)):
                parts = list(found)
                blocks += ["\n".join(map(str, parts))] if of_words else parts
    return blocks


# One line a département, then the territory; the share of its people beside each number.
def _by_departement(result: CoverageResult) -> Table:
    header = (
        _("Territoire"), _("Habitants"), _("En zone blanche"), "%", _("Non tranchés"),
        _("Après le plan"), "%", _("Zones"), _("Visioguichets"),
    )  # fmt: skip
    rows = tuple(
        (
            f"{row['code']} {row['name']}".strip(),
            number(row["people"]),
            number(row["white_before"]),
            number(row["white_before_share"] * 100, 1),
            number(row["undecided"]),
            number(row["white_after"]),
            number(row["white_after_share"] * 100, 1),
            number(row["zones"]),
            number(row["kiosks"]),
        )
        for row in result.summary.to_dict("records")
    )
    return Table("", header, rows, totals=1)


# Say what no plan can do, what this one brings, its model and rules, how good it is proved and how
# it was found; then where to stop, what it avoids, what was done, and who is left.
def _plan(result: CoverageResult, plan: KioskPlan, choice: KioskChoice) -> list[str]:
    rules = joined(rule_sentences(result))
    found = [
        *before_plan(result),
        *_proof(result, plan, choice),
        *([_("Règles : {rules}.", rules=rules)] if rules and plan.sites else []),
    ]
    seconds = number(plan.seconds, 1) if plan.seconds >= 0.1 else _("moins de 0,1")
    return [
        *found,
        _("Calcul en {seconds} s : {method}.", seconds=seconds, method=method_told(plan.method)),
        *stop_sentences(result),
        *(_("Hypothèses : {told}", told=told) for told in use_sentences(result)[:1]),
        *reference_sentences(result.ranking),
        *(_("Encore sans accès : {who}", who=told) for told in unserved_sentences(result)),
    ]


def _proof(result: CoverageResult, plan: KioskPlan, choice: KioskChoice) -> list[str]:
    if not plan.sites:
        return [_("Plan : aucun visioguichet n'ouvrirait : il n'ajouterait personne.")]
    plain = choice.fills_count and choice.counts_people
    if plan.status == "optimal":
        proved = _("optimum prouvé (écart 0 %)")
    elif plain:
        proved = _(
            "au plus {bound} possibles, écart prouvé {gap}",
            bound=number(plan.bound),
            gap=percent(plan.gap, 2),
        )
    else:
        proved = _("écart prouvé {gap}", gap=percent(plan.gap, 2))
    said = _(
        "Plan : {kiosks}, {people} desservis de plus ; {proved}.",
        kiosks=n_kiosks(len(plan.sites)),
        people=n_people(int(result.kiosks.loc[result.kiosks["rank"] > 0, "people_added"].sum())),
        proved=proved,
    )
    more = (
        stopped_sentences(plan)
        if plain
        else [_("Modèle : {model}.", model=model_told(choice)), *proof_sentences(result, plan)]
    )
    hosts, fewer = host_sentences(result, plan), fewer_sentences(choice, plan)
    return [said, *access_sentences(result), *more, *hosts, *fewer]


# The first of the ranked list, with what each would save a year under the study's use.
def _kiosks(kiosks: GeoDataFrame) -> Table:
    header = (
        _("Rang"), _("Visioguichet"), _("Zone"), _("h/sem."), _("Habitants"), _("Cumul"), "%",
        _("km/an"), _("CO2 kg/an"),
    )  # fmt: skip
    rows = tuple(
        (
            str(row["rank"] or _("déjà")),
            titled(row) + (f", {_('imposé')}" if row["standing"] == "required" else ""),
            row["zones"].split(",")[0],
            given(float(f"{row['hours_per_week']:.3g}")),
            number(row["people_added"]),
            number(row["people_cumulated"]),
            number(row["share_cumulated"] * 100, 1),
            number(row["km_saved_per_year"]),
            number(row["co2_saved_kg_per_year"]),
        )
        for row in kiosks.head(SHOWN).to_dict("records")
    )
    return Table("", header, rows, left=3, note=_left(len(kiosks), _("dans le rapport")))


# Say how many rows are not shown, and where they are.
def _left(rows: int, where: str) -> str:
    left = rows - SHOWN
    return (
        ""
        if left <= 0
        else ngettext("... et {n} autre, {where}", "... et {n} autres, {where}", left, where=where)
    )


def of_comparison(comparison: Comparison) -> list[Block]:
    """Say who gains and who loses between two answers."""
    from geoguichet.coverage.outputs import comparison as changes

    told = [
        _("Avant : {title}", title=changes.side_told(comparison.before, among=comparison)),
        _("Après : {title}", title=changes.side_told(comparison.after, among=comparison)),
        *(f"  - {sentence}" for sentence in changes.changes_told(comparison)),
    ]
    tables = {
        _("Groupe"): comparison.by_group(),
        _("Département"): comparison.of("departement", changed_only=True),
        _("Intercommunalité"): comparison.of("epci", changed_only=True),
        _("Zone avant"): comparison.of("zone_before", changed_only=True),
        _("Zone après"): comparison.of("zone_after", changed_only=True),
    }
    found = [_changes(title, rows, comparison) for title, rows in tables.items() if len(rows)]
    return ["\n".join(told), changes.lead(comparison), *found]


def _changes(title: str, areas: DataFrame, comparison: Comparison) -> Table:
    unit = comparison.unit
    size, symbol, decimals = (60.0, "min", 1) if unit is Unit.SECONDS else (1.0, "m", 0)
    header = (
        title, _("Habitants"), _("Gagnent"), _("Perdent"), _("Plus près"), _("Plus loin"),
        *(f"{need} ({symbol})" for need in comparison.needs),
    )  # fmt: skip
    rows = tuple(
        (
            f"{row['code']} {row['name']}".strip() if row["code"] != row["name"] else row["name"],
            *(number(row[key]) for key in ("people", "gained", "lost", "nearer", "farther")),
            *(
                signed(row[unit.column(f"{need}_change")] / size, decimals)
                for need in comparison.needs
            ),
        )
        for row in areas.head(SHOWN).to_dict("records")
    )
    return Table("", header, rows, note=_left(len(areas), _("dans compare.gpkg et --json")))


def of_sensitivity(told: Sensitivity) -> list[Block]:
    """Say how sure the white zones are, and what each scenario counts."""
    from geoguichet.coverage.outputs import sensitivity as sureness

    groups = told.study.demand.groups
    kinds = tuple(
        (
            str(sureness.SURENESS_TOLD[row["sureness"]]),
            number(row["communes"]),
            number(row["people"]),
            number(row["share"] * 100, 1),
            *(number(row[group]) for group in groups),
        )
        for row in told.classes.to_dict("records")
    )
    header = (
        _("Zone blanche"),
        _("Points"),
        _("Habitants"),
        "%",
        *(group_label(group).capitalize() for group in groups),
    )
    return [
        "\n".join(sureness.said(told)),
        told.headline,
        Table("", header, kinds),
        _scenarios(told),
        *_sites(told),
    ]


#: How many sites the terminal shows; the GeoPackage has them all.
_SITES = 15


# Whether the sites of the plan hold: sentences, then those chosen most often.
def _sites(told: Sensitivity) -> list[Block]:
    from geoguichet.coverage.outputs import sensitivity as sureness

    if told.plan is None:
        return []
    rows = tuple(
        (
            f"{row['name']} ({row['departement']})",
            "" if row["rank"] != row["rank"] else number(row["rank"]),
            percent(row["chosen"], 0),
            _("oui") if row["robust"] else "",
            row["alternatives"].partition(",")[0],
        )
        for row in told.plan.sites.head(_SITES).to_dict("records")
    )
    header = (
        _("Lieu"),
        _("Rang au plan"),
        _("Choisi dans"),
        _("Plan qui tient le mieux"),
        _("À sa place"),
    )
    return ["\n".join(sureness.plan_said(told)), Table("", header, rows)]


# People in white zones, by threshold and, where roads are driven, by traffic.
def _scenarios(told: Sensitivity) -> Table:
    table = told.scenarios.assign(congestion=told.scenarios["congestion"].fillna(1.0)).pivot(
        index="thresholds", columns="congestion", values="people"
    )
    speeds = (
        [_("temps à {share}", share=_hundredths(float(slow))) for slow in table.columns]
        if told.scenarios["congestion"].notna().all()
        else [_("Habitants")]
    )
    rows = tuple(
        (_("à {share}", share=_hundredths(factor)), *map(number, people))
        for factor, people in zip(table.index, table.to_numpy(), strict=True)
    )
    return Table("", (_("Seuils"), *speeds), rows)


def _hundredths(factor: float) -> str:
    return percent(factor, 0 if round(factor * 100, 1).is_integer() else 1)


# One verb for whatever a study answers: its documents, in a folder.


def write(
    answer: CoverageResult | Comparison | Sensitivity, folder: str | Path
) -> tuple[Path, ...]:
    """Write the documents of an ``answer`` (a result, a comparison or a sensitivity) to a
    ``folder``, which is made; return their paths.

    They take their places together once all are whole: until then the previous ones stand.

    Raises
    ------
    OutputError
        Something could not be written.

    Examples
    --------
    After the example of :func:`~geoguichet.run`:

    >>> [path.name for path in write(result, "ariege")][:2]
    ['result.gpkg', 'zones.parquet']
    """
    from geoguichet.coverage.compare import Comparison
    from geoguichet.coverage.outputs import comparison, sensitivity
    from geoguichet.coverage.sensitivity import Sensitivity

    folder = Path(folder)
    match answer:
        case Comparison():
            return comparison.write(answer, folder)
        case Sensitivity():
            return sensitivity.write(answer, folder)
        case _:
            return write_all(a_result(answer), folder)
