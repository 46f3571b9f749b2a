"""The report: one printable page that tells a decision-maker the question, the answer, its proof
and its limits.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd
from markupsafe import Markup

from geoguichet.coverage.access.supplements import NEIGHBOURS_M
from geoguichet.coverage.kiosks.ranking import SAVINGS
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs import page
from geoguichet.coverage.outputs.first_lines import (
    Table,
    baseline_parts,
    equity_parts,
    extension_parts,
    first_sentences,
    hypotheses_parts,
    lacking_parts,
    programme_parts,
    undecided_parts,
)
from geoguichet.coverage.outputs.page import gain_curve, map_picture
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
from geoguichet.coverage.outputs.style import (
    filled,
    first_of,
    how_measured,
    n_communes,
    n_people,
    why_unserved,
)
from geoguichet.coverage.study.study import MeasuresChoice, Need, Study
from geoguichet.floor.findings import count_by_rule
from geoguichet.floor.words import (
    Message,
    _,
    cost,
    cost_in_table,
    distance,
    number,
    percent,
    spaced,
    speaking,
)
from geoguichet.referentials.directory.hours import moment_told

# What stands beside the answer, as sections of sentences and tables that the report and the
# command line share.


@dataclass(frozen=True, slots=True)
class Section:
    """A title, sentences, and each table after the sentences that lead to it."""

    key: str
    title: str
    parts: tuple[str | Table, ...]


def sections(result: CoverageResult) -> list[Section]:
    """Return the sections the result has something to say in, in the order they are read."""
    told = ((key, str(title), tuple(build(result))) for key, (title, build) in _BUILDERS.items())
    return [Section(key, title, parts) for key, title, parts in told if parts]


#: Each rule of law: by what it is known, and what it demands.
_LAWS = {
    "la_poste": (
        Message("La Poste (loi du 2 juillet 1990, article 6)"),
        Message(
            "pas plus de 10 % des habitants d’un département à plus de 5 km et à plus de 20 "
            "minutes de voiture du point de contact le plus proche."
        ),
    ),
    "france_services_30": (
        Message("France services (circulaire du 1er juillet 2019)"),
        Message("tout habitant à moins de 30 minutes."),
    ),
    "france_services_20": (
        Message("France services, objectif de 20 minutes"),
        Message("tout habitant à moins de 20 minutes."),
    ),
}
_VERDICTS = {
    "pass": Message("respectée"),
    "fail": Message("non respectée"),
    "undecided": Message("non tranchée"),
}
_UNDECIDED = {
    "no_car_times": Message(
        "Non tranchée : il faut des temps de trajet en voiture, et l’étude n’en a pas (router.kind "
        "= « road »). Une distance à vol d’oiseau ne remplace pas des minutes ; elle ne prouve que "
        "les cas sûrs."
    ),
    "not_measured": Message(
        "Non tranchée là où trop d’habitants n’ont pas pu être placés sur le réseau routier."
    ),
    "nobody": Message("Non tranchée là où l’étude ne compte aucun habitant."),
    "partial": Message(
        "Non tranchée là où l’étude ne connaît qu’une partie du département : la règle compte le "
        "département entier."
    ),
}


def verdicts(result: CoverageResult) -> str:
    """Return the verdict of each rule of law in a few words, for a catalogue record; empty when
    none is asked.
    """
    table = result.beside.legal
    return " ; ".join(
        f"{_LAWS[row['rule']][0]} {_VERDICTS[row['verdict']]}"
        for row in ([] if table is None else table[table["code"] == ""].to_dict("records"))
    )


def _legal(result: CoverageResult) -> Iterator[str | Table]:
    table = result.beside.legal
    if table is None:
        return
    for rule, rows in table.groupby("rule", sort=False):
        name, demand = _LAWS[str(rule)]
        yield _("{rule} : {demand}", rule=name, demand=demand)
        for reason in dict.fromkeys(reason for reason in rows["reason"] if reason):
            yield str(_UNDECIDED[reason])
        need = result.study.need(str(rows["need"].iloc[0])).label
        yield Table(
            _("Habitants au-delà, par département ; services : « {need} »", need=need),
            (
                _("Département"),
                _("Habitants"),
                _("Au-delà, sûrement"),
                _("Part"),
                _("Non tranchés"),
                _("Part permise"),
                _("Règle"),
            ),
            tuple(
                (
                    f"{row['code']} {row['name']}".strip(),
                    number(row["people"]),
                    number(row["beyond"]),
                    percent(row["beyond_share"]),
                    number(row["undecided"]),
                    percent(row["allowed_share"], 0),
                    str(_VERDICTS[row["verdict"]]),
                )
                for row in rows.to_dict("records")
            ),
            totals=1,
        )


def _hours(result: CoverageResult) -> Iterator[str | Table]:
    for one in result.beside.hours:
        need = result.study.need(one.need)
        if need.open_at is not None:
            yield _(
                "« {need} », {moment} : {open} guichets ouverts, {closed} fermés (ou "
                "trop peu ouverts), {unknown} sans horaires connus.",
                need=need.label,
                moment=moment_told(need.open_at),
                open=one.counted,
                closed=one.closed,
                unknown=one.unknown,
            )
        else:
            yield _(
                "« {need} » : {open} guichets assez ouverts, {closed} trop peu, {unknown} sans "
                "horaires connus.",
                need=need.label,
                open=one.counted,
                closed=one.closed,
                unknown=one.unknown,
            )
    for one in result.beside.hours[:1]:
        counted = _COUNTED[result.study.need(one.need).unknown_hours]
        yield counted.format(people=n_people(one.people))


_COUNTED = {
    "closed": Message(
        "Les guichets sans horaires connus sont comptés comme fermés ; les compter comme ouverts "
        "changerait la réponse pour {people}."
    ),
    "open": Message(
        "Les guichets sans horaires connus sont comptés comme ouverts ; les compter comme fermés "
        "changerait la réponse pour {people}."
    ),
    "undecided": Message(
        "Les guichets sans horaires connus ne tranchent rien : les compter comme ouverts "
        "changerait la réponse pour {people}."
    ),
}


def _edge(result: CoverageResult) -> Iterator[str | Table]:
    edge = result.beside.edge
    if edge is None:
        return
    people = n_people(edge.people)
    exposed = n_people(edge.exposed)
    if edge.counted:
        yield _(
            "{people} ne sont desservis que grâce à un service situé hors du territoire.",
            people=people,
        )
        if edge.exposed:
            yield _(
                "{people} non desservis pourraient l’être par un service situé plus "
                "loin que ceux que l’étude compte.",
                people=exposed,
            )
    elif edge.known:
        yield _(
            "Aucun service n’est compté hors du territoire. Avec les {services} que"
            " les données y ont (à moins de {buffer}), {people} de plus seraient "
            "desservis.",
            services=edge.known,
            buffer=distance(NEIGHBOURS_M),
            people=people,
        )
    else:
        yield _(
            "Aucun service n’est compté hors du territoire, et les données n’en ont"
            " pas : {people} non desservis vivent assez près de la limite pour "
            "l’être peut-être par un voisin.",
            people=exposed,
        )
    yield Table(
        _("Habitants dont le service le plus proche est hors du territoire"),
        (_("Besoin"), _("Habitants"), _("Part")),
        tuple(
            (
                result.study.need(row["need"]).label,
                number(row["people_outside"]),
                percent(row["share"]),
            )
            for row in edge.by_need.to_dict("records")
        ),
    )


def _aggregation(result: CoverageResult) -> Iterator[str | Table]:
    error = result.beside.aggregation
    if error is None:
        return
    yield _(
        "{people} ({share}) changent de réponse selon que l’on compte par "
        "carreau ou par commune : {hidden} sont en zone blanche alors que leur "
        "commune ne l’est pas, {alarmed} sont desservis alors que leur commune "
        "ne l’est pas.",
        people=n_people(error.differently),
        share=percent(error.differently / error.people if error.people else 0.0),
        hidden=error.hidden,
        alarmed=error.alarmed,
    )
    yield _(
        "Les carreaux comptent {cells} habitants ; les communes où il y en a, {communes}.",
        cells=error.people,
        communes=error.people_of_communes,
    )
    outside = result.counters.get("people_outside_communes_at_the_border", 0)
    if outside:
        yield _(
            "{people} vivent dans des carreaux à cheval sur la limite dont le "
            "centre est hors du territoire : ils ne sont pas comptés.",
            people=n_people(outside),
        )
    bare = result.counters.get("communes_without_cells", 0)
    if bare:
        yield _(
            "{communes} sans aucun carreau habité ({people} d’après les communes) "
            "ne sont pas dans l’étude.",
            communes=n_communes(bare),
            people=n_people(result.counters["people_of_communes_without_cells"]),
        )
    yield Table(
        _("Écart entre le point de la commune et le carreau où vit l’habitant"),
        (
            _("Besoin"),
            _("Écart moyen, en valeur absolue"),
            _("Écart moyen (commune moins carreau)"),
        ),
        tuple(
            (
                result.study.need(row["need"]).label,
                cost(row["mean_absolute"], result.study.unit),
                cost(row["mean"], result.study.unit),
            )
            for row in error.by_need.to_dict("records")
        ),
    )


def _measures(result: CoverageResult) -> Iterator[str | Table]:
    table = result.beside.measures
    if table is None:
        return
    choice = result.study.measures or MeasuresChoice()
    yield _(
        "« À portée » compte les services sous le seuil ; le partage (2SFCA, E2SFCA) divise chacun "
        "entre les habitants qui l’ont à portée, pour 10 000 habitants, ceux d’au-delà de la "
        "limite n’étant pas comptés. Gini : 0 tous égaux, 1 un seul a tout. Palma : ce qu’a le "
        "dixième le mieux pourvu, sur ce qu’ont les quatre dixièmes les moins pourvus. Pauvreté : "
        "part des habitants sous {line} de la moyenne, et de combien en moyenne.",
        line=percent(choice.poverty_line, 0),
    )
    if choice.supply == "hours_per_week":
        yield _(
            "L’offre d’un service est ce qu’il ouvre d’heures par semaine ; sans "
            "horaires connus elle est nulle."
        )
    header = (
        _("Mesure"),
        _("Département"),
        _("Habitants"),
        _("Moyenne"),
        _("Habitants sans rien"),
        _("Gini"),
        _("Palma"),
        _("Pauvreté"),
        _("Profondeur"),
    )
    for need, rows in table.groupby("need", sort=False):
        yield Table(
            _("« {need} », par département", need=result.study.need(str(need)).label),
            header,
            _measured(rows),
            left=2,
        )


def _measured(rows: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            _("À portée") if row["kind"] == "cumulative" else row["kind"].upper(),
            f"{row['code']} {row['name']}".strip(),
            number(row["people"]),
            number(row["mean"], 2),
            number(row["nothing"]),
            number(row["gini"], 2),
            number(row["palma"], 1),
            percent(row["poverty"]),
            percent(row["poverty_depth"]),
        )
        for row in rows.to_dict("records")
    )


_BUILDERS: dict[str, tuple[Message, Callable[[CoverageResult], Iterator[str | Table]]]] = {
    "lacking": (Message("Ce qui manque, besoin par besoin"), lacking_parts),
    "undecided": (Message("Ce qui n’est pas tranché"), undecided_parts),
    "baseline": (Message("Ce que couvrent déjà les réseaux existants"), baseline_parts),
    "extensions": (Message("Ouvrir plus longtemps"), extension_parts),
    "programme": (Message("Programme"), programme_parts),
    "equity": (Message("Équité entre intercommunalités"), equity_parts),
    "hypotheses": (Message("Hypothèses"), hypotheses_parts),
    "legal": (Message("Ce que disent les règles"), _legal),
    "hours": (Message("Heures d’ouverture"), _hours),
    "edge": (Message("Ce que change la limite du territoire"), _edge),
    "aggregation": (Message("Ce que compter par commune aurait caché"), _aggregation),
    "measures": (Message("Mesures d’accessibilité"), _measures),
}


#: How many white zones the report lists; the GeoPackage has them all.
MAIN_ZONES = 15


def render(result: CoverageResult) -> str:
    """Return the report as HTML, self-contained (no script, no other file), in the study's
    language.
    """
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
        "map_caption": page.map_caption(result),
        "map": Markup(map_picture(result)),  # noqa: S704  drawn here, every name escaped
        "each": page.departement_maps(result),
        "zones": [
            {
                **zone,
                "communes_shown": first_of(zone["commune_names"].split(", ")),
                "mean_shown": cost_in_table(zone[unit.column("mean")], unit),
                "worst_shown": cost_in_table(zone[unit.column("worst")], unit),
                "hosts_shown": page.hosts(zone, result.study, brief=True),
            }
            for zone in zones
        ],
        "zones_total": len(inhabited),
        "zone_notes": page.notes(result),
        "kiosks": [
            {**kiosk, "host_shown": _host(kiosk)} for kiosk in result.kiosks.to_dict("records")
        ],
        "curve": Markup(gain_curve(result)) if len(result.kiosks) else None,  # noqa: S704
        "plan": [
            *first_sentences(result),
            *(plan_sentences(result, result.plan) if result.plan is not None else []),
        ],
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
    hours, at = need.min_hours_per_week, "" if need.open_at is None else moment_told(need.open_at)
    asks_hours = hours is not None and f"{hours:g} h" not in need.label
    asks_moment = at not in need.label
    return _NEEDS[asks_hours, asks_moment].format(
        label=need.label, distance=cost(need.within, need.within.unit), hours=hours, moment=at
    )


#: By whether a need's hours and its moment are said, which its label may have said already.
_NEEDS = {
    (True, True): Message(
        "{label}, à moins de {distance}, ouvert {moment} et au moins {hours} h par semaine"
    ),
    (True, False): Message("{label}, à moins de {distance}, ouvert au moins {hours} h par semaine"),
    (False, True): Message("{label}, à moins de {distance}, ouvert {moment}"),
    (False, False): Message("{label}, à moins de {distance}"),
}


def question_sentences(study: Study) -> list[str]:
    """Say what becomes of the others, and what is asked about the kiosks."""
    others = (
        _(
            "Tout autre habitant vit en zone blanche. Les services sont aussi cherchés jusqu’à "
            "{buffer} au-delà des limites du territoire.",
            buffer=distance(study.territory.buffer_m),
        )
        if study.territory.buffer_m
        else _("Tout autre habitant vit en zone blanche.")
    )
    others = f"{others} {how_measured(study)}"
    return [others, *(ask_sentences(study, study.kiosks) if study.kiosks is not None else [])]


# Return the model and the rules, where there is more to say than the most people with so many
# kiosks.
def _model_and_rules(result: CoverageResult) -> list[str]:
    choice, rules = result.study.kiosks, rule_sentences(result)
    return (
        []
        if choice is None or (choice.fills_count and choice.seeks == "people" and not rules)
        else [_("Modèle : {model}", model=model_told(choice)), *rules]
    )


# Return the host's name, cut to what it is (``Mairie``) when the rest only repeats the commune's
# name.
def _host(kiosk: dict[str, Any]) -> str:
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


# One row per rule: how many findings, and the first of them as an example.
def _findings(result: CoverageResult) -> list[dict[str, Any]]:
    examples = {one.rule: str(one.message) for one in sorted(result.findings, reverse=True)}
    return [
        {"rule": rule, "count": count, "example": spaced(examples[rule])}
        for rule, count in count_by_rule(result.findings).items()
    ]
