"""How the plan of the kiosks is said: what was asked of which model, under which rules, and how
good it is proved.
"""

import re
from itertools import accumulate, groupby
from typing import Any

import geopandas as gpd

from geoguichet.coverage.kiosks.ranking import SAVINGS, TRANCHE_EUR, Ranking, commune_count
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.style import (
    first_of,
    joined,
    n_communes,
    n_kiosks,
    n_people,
    nonempty,
    why_unserved,
)
from geoguichet.coverage.siting.problem import KioskPlan
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.coverage.study.hypotheses import Use
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import (
    Message,
    _,
    cost,
    distance,
    given,
    listed,
    mass,
    measure,
    money,
    ngettext,
    number,
    percent,
)
from geoguichet.referentials.directory.services import service_name
from geoguichet.referentials.territories.territory import GROUPS, group_label

# How the search for a plan is told: the steps of ``KioskPlan.method``, in the reader's words and
# numbers.

_NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
#: What is said of each step that ``siting`` writes, by its form; the name of a solver has none and
#: is told as it is.
_STEPS = {
    "filled as far as any plan": Message("rempli autant qu’aucun plan le peut"),
    "no room for anyone": Message("aucune place pour personne"),
    rf"{_NUMBER} x {_NUMBER} reduced to {_NUMBER} x {_NUMBER}": Message(
        "{n1} points et {n2} lieux, réduits à {n3} et {n4}"
    ),
    rf"{_NUMBER} pairs": Message("{n1} trajets"),
    rf"{_NUMBER} pairs left": Message("il reste {n1} trajets"),
    r"too many for the exact solver": Message("trop pour le solveur exact"),
    rf"{_NUMBER} components": Message("{n1} problèmes indépendants"),
    rf"bisection over {_NUMBER} distances": Message("dichotomie sur {n1} distances"),
    rf"{_NUMBER} set coverings": Message("{n1} couvertures résolues"),
    rf"{_NUMBER} candidates excluded": Message("{n1} lieux exclus par la preuve"),
    r"0 zero-half cuts in 0 rounds": Message("relaxation linéaire"),
    rf"{_NUMBER} zero-half (?:and disjunctive )?cuts in {_NUMBER} rounds": Message(
        "{n1} coupes en {n2} tours"
    ),
    rf"greedy {_NUMBER}": Message("glouton {n1}"),
    rf"swap {_NUMBER}": Message("échanges {n1}"),
    rf"search {_NUMBER}": Message("recherche locale {n1}"),
    rf"together {_NUMBER}": Message("réunis {n1}"),
    rf"bound {_NUMBER}": Message("borne {n1}"),
    rf"exact {_NUMBER}": Message("solveur exact {n1}"),
    r"(.+): infeasible": Message("{n1}, rien de mieux"),
    r"(.+): cancelled": Message("{n1}, interrompu"),
    r"(.+): its process died \(code .*\)": Message("{n1}, arrêté avant la fin"),
    r"(.+): stopped by the time limit": Message("{n1}, arrêté au temps fixé"),
}


def method_told(method: str) -> str:
    """Return the steps of a search in the language of the page.

    A step repeated without a change is told once, a bound that bounds nothing not at all.
    """
    parts = [part for part in re.split("; |, ", method) if part not in ("bound inf", "bound -inf")]
    return joined(_step(part) for part, _ in groupby(parts))


def _step(part: str) -> str:
    for form, message in _STEPS.items():
        if found := re.fullmatch(form, part):
            told = (float(n) if re.fullmatch(_NUMBER, n) else n for n in found.groups())
            return message.format(**{f"n{place}": n for place, n in enumerate(told, start=1)})
    return part


_STOPPED = {
    "time_limit": Message("La recherche s’est arrêtée au temps fixé par l’étude."),
    "gap_reached": Message("La recherche s’est arrêtée à la précision demandée par l’étude."),
    "work_limit": Message("La recherche a fait tout le travail prévu sans refermer cet écart."),
    "solver_lost": Message(
        "Le solveur s’est arrêté avant la fin ; le meilleur choix trouvé est gardé."
    ),
    "interrupted": Message("La recherche a été interrompue ; le meilleur choix trouvé est gardé."),
    "given_up": Message(
        "Le meilleur choix est connu, et prouvé ; celui-ci lui est préféré pour ses lieux d’accueil."
    ),
}
_ONE_PER = {
    "commune": Message("un seul par commune"),
    "epci": Message("un seul par intercommunalité"),
    "departement": Message("un seul par département"),
}

_HOURS_COUNT = Message(
    "un besoin qui demande des heures d’ouverture n’est offert que là où le lieu d’accueil est "
    "ouvert autant"
)
_HOURS_DO_NOT = Message(
    "par hypothèse, un besoin qui demande des heures d’ouverture est offert même là où le lieu "
    "d’accueil ne les ouvre pas"
)


def model_told(choice: KioskChoice) -> str:
    """Return the model by its name in the field."""
    return str(choice.named)


def ask_sentences(study: Study, choice: KioskChoice) -> list[str]:
    """Say what is asked about the kiosks, and what one of them does."""
    share = choice.share or 0.0
    asked = choice.asks.format(
        kiosks=n_kiosks(choice.count or 0),
        who=who(choice),
        of_who=_of_who(choice),
        budget=money(choice.sites_budget_eur or 0.0),
        share=percent(share, 0 if round(share * 100, 6).is_integer() else 1),
        second=percent(choice.second, 0),
        farthest=cost(choice.search_radius, study.unit),
    )
    kiosk = _(
        "Un visioguichet offre {offers} aux habitants situés à moins de {reach}. Lieux d’accueil "
        "possibles : {hosts}.",
        offers=_offers(study, choice),
        reach=cost(choice.reach, study.unit),
        hosts=listed(service_name(kind, many=True) for kind in choice.candidates),
    )
    return [asked, kiosk]


def who(choice: KioskChoice) -> str:
    """Return what the people who count are called."""
    group = choice.weight or "population"
    return group_label(group) if group in GROUPS else _("« {name} »", name=group)


# Return them after « plus »: ``d’habitants``, ``de personnes de 65 ans et plus``.
def _of_who(choice: KioskChoice) -> str:
    name = who(choice)
    return _("d’{who}", who=name) if name[0].lower() in "aeiouyhé" else _("de {who}", who=name)


def _offers(study: Study, choice: KioskChoice) -> str:
    return (
        _("tous ces services")
        if set(choice.offers) >= set(study.rule.every)
        else listed(_("« {name} »", name=study.need(key).label) for key in choice.offers)
    )


def plan_sentences(result: CoverageResult, plan: KioskPlan) -> list[str]:
    """Say what no plan can do, what this one brings, how far it is proved to be from the best, and
    what it leaves; not how its hosts were chosen among plans as good (:func:`host_sentences`).
    """
    return [*proved_sentences(result, plan, hosts=False), *further_sentences(result)]


def proved_sentences(result: CoverageResult, plan: KioskPlan, *, hosts: bool = True) -> list[str]:
    """Say what no plan can do, what this one brings, and its proof: the first of all that is said
    of a plan; ``hosts``: and how they were chosen among plans as good.
    """
    choice = result.study.kiosks
    if choice is None:
        return []
    white = result.summary.iloc[-1]["white_before"]
    proposed = result.kiosks[result.kiosks["rank"] > 0]
    added = int(proposed["people_added"].sum())
    gain = _(
        "Les {kiosks} proposés serviraient {people} de plus, soit {share} des habitants en zone "
        "blanche.",
        kiosks=n_kiosks(len(proposed)),
        people=n_people(added),
        share=percent(added / white if white else 0.0),
    )
    return [
        *before_plan(result),
        gain,
        *proof_sentences(result, plan),
        *(host_sentences(result, plan) if hosts else ()),
        *fewer_sentences(choice, plan),
    ]


def further_sentences(result: CoverageResult) -> list[str]:
    """Say how many hours are gained, how the gain goes down the list, who is left, and where to
    stop.
    """
    gains = result.kiosks.loc[result.kiosks["rank"] > 0, "people_added"].tolist()
    sentences = []
    if len(gains) > 1 and sum(gains):
        half = next(
            rank for rank, gain in enumerate(accumulate(gains), 1) if gain >= sum(gains) / 2
        )
        reached = ngettext(
            "La moitié de ce gain est atteinte avec le premier.",
            "La moitié de ce gain est atteinte avec les {n} premiers.",
            half,
        )
        first_and_last = _(
            "Le premier visioguichet sert {first} de plus, le dernier {last}.",
            first=n_people(gains[0]),
            last=n_people(gains[-1]),
        )
        sentences.append(f"{first_and_last} {reached}")
    return nonempty(
        *access_sentences(result),
        *sentences,
        *(
            _("Resteraient en zone blanche : {who}", who=told)
            for told in unserved_sentences(result)
        ),
        *stop_sentences(result),
    )


def before_plan(result: CoverageResult) -> list[str]:
    """Say what no plan can do, when everyone was to be served, and what kiosks that exist already
    do.
    """
    choice = result.study.kiosks
    out = result.demand[
        result.demand["unserved_reason"].isin(
            ("no_candidate", "host_closed", "host_refused", "excluded")
        )
    ]
    names = dict.fromkeys(out.sort_values("people", ascending=False, kind="stable")["name"])
    old = result.kiosks[result.kiosks["rank"] == 0]
    return nonempty(
        choice is not None
        and choice.seeks == "sites"
        and len(out)
        and _(
            "D’abord, ce qu’aucun plan ne peut : {people}, dans {communes}, n’ont à portée aucun "
            "lieu d’accueil qui puisse les servir ({names}).",
            people=n_people(int(out["people"].sum())),
            communes=n_communes(commune_count(out)),
            names=first_of(names, whole=listed),
        ),
        len(old)
        and ngettext(
            "{kiosks} existe déjà et sert {people} en zone blanche.",
            "{kiosks} existent déjà et servent {people} en zone blanche.",
            len(old),
            kiosks=n_kiosks(len(old)),
            people=n_people(int(old["people_added"].sum())),
        ),
    )


def proof_sentences(result: CoverageResult, plan: KioskPlan) -> list[str]:
    """Say what the plan is worth in its model's own measure, the bound, and how the search
    ended.
    """
    choice = result.study.kiosks
    if choice is None:
        return []
    told = (choice.optimal if plan.status == "optimal" else choice.bounded).format(
        who=who(choice),
        of_who=_of_who(choice),
        value=_worth(plan.value, choice, result),
        bound=_worth(plan.bound, choice, result),
        told=money(plan.value) if choice.priced else n_kiosks(len(plan.sites)),
        missing=number(max(0, round(plan.bound) - round(plan.value))),
        twice=number(1 + choice.second, 1),
        gap=percent(plan.gap, 2),
    )
    return nonempty(
        choice.weight
        and choice.seeks == "people"
        and _("Parmi eux, {value} {who}.", value=number(plan.value), who=who(choice)),
        told,
        *stopped_sentences(plan),
    )


def stopped_sentences(plan: KioskPlan) -> list[str]:
    """Say why a plan is not proved to be the best; nothing when it is."""
    ended = "given_up" if plan.given_up else plan.status
    return [] if ended == "optimal" else [str(_STOPPED[ended])]


def host_sentences(result: CoverageResult, plan: KioskPlan) -> list[str]:
    """Say how the hosts were chosen among the plans that are good enough, what that gave up, and
    how far it is proved.
    """
    choice, hosts = result.study.kiosks, plan.hosts
    if choice is None or hosts is None or not plan.sites:
        return []
    if not hosts.criteria:
        return [
            _(
                "Le problème est trop grand pour que les plans qui se valent soient départagés par "
                "leurs lieux d’accueil."
            )
        ]
    first, sites = hosts.criteria[0], len(plan.sites)
    before, after = number(first.before / hosts.sites, 1), number(first.after / sites, 1)
    share = percent(hosts.within, 0 if round(hosts.within * 100, 6).is_integer() else 1)
    lost = round(hosts.best - plan.value)
    if round(abs(plan.value - hosts.best), 6) and choice.seeks == "people":
        told = _(
            "À {share} près, les lieux d’accueil les plus ouverts : {after} h par semaine en "
            "moyenne au lieu de {before} ; {lost} sont laissés pour cela.",
            share=share,
            after=after,
            before=before,
            lost=n_people(lost) if not choice.weight else f"{number(lost)} {who(choice)}",
        )
    elif round(abs(plan.value - hosts.best), 6):
        told = _(
            "À {share} près, les lieux d’accueil les plus ouverts : {after} h par semaine en "
            "moyenne au lieu de {before} ; le plan vaut {value} au lieu de {best}.",
            share=share,
            after=after,
            before=before,
            value=_worth(plan.value, choice, result),
            best=_worth(hosts.best, choice, result),
        )
    else:
        told = _(
            "À égalité, les lieux d’accueil les plus ouverts : {after} h par semaine en moyenne au "
            "lieu de {before}.",
            after=after,
            before=before,
        )
    proof = (
        _("C’est prouvé, comme l’est ensuite le choix des plus grandes communes.")
        if hosts.proved
        else _("Il est prouvé qu’aucun ne dépasse {bound} h.", bound=number(first.bound / sites, 1))
    )
    return [f"{told} {proof}"]


def access_sentences(result: CoverageResult) -> list[str]:
    """Say the weekly hours of access gained, each person's being those of the host that serves
    them, in all and by need where kiosks open several.
    """
    told = result.access_hours
    gained = int(result.kiosks.loc[result.kiosks["rank"] > 0, "people_added"].sum())
    if not gained or not told["all"]:
        return []
    by_need = {key: hours for key, hours in told.items() if key != "all"}
    return nonempty(
        _(
            "Heures d’accès gagnées par semaine : {hours} heures-habitants, soit {mean} h en moyenne "
            "pour chacun des {people}.",
            hours=number(told["all"]),
            mean=number(told["all"] / gained, 1),
            people=n_people(gained),
        ),
        *(
            _(
                "Dont « {need} » : {hours} heures-habitants.",
                need=result.study.need(key).label,
                hours=number(hours),
            )
            for key, hours in by_need.items()
            if len(by_need) > 1
        ),
    )


def fewer_sentences(choice: KioskChoice, plan: KioskPlan) -> list[str]:
    """Say that the plan opens fewer kiosks than were asked for, where the others would serve nobody
    more.
    """
    if not choice.fills_count or len(plan.sites) >= (choice.count or 0):
        return []
    told = ngettext(
        "{asked} étaient demandés : au-delà du premier, aucun lieu permis n’ajoute personne.",
        "{asked} étaient demandés : au-delà de {n}, aucun lieu permis n’ajoute personne.",
        len(plan.sites),
        asked=n_kiosks(choice.count or 0),
    )
    return [told]


# Write a value of the plan in the unit of its model.
def _worth(value: float, choice: KioskChoice, result: CoverageResult) -> str:
    if choice.seeks == "mean_way":  # the model sums the ways of all whom the plan concerns
        concerned = result.ranking.concerned if result.ranking is not None else 0.0
        return cost(value / concerned if concerned else 0.0, result.study.unit)
    if choice.seeks == "way":
        return cost(value, result.study.unit)
    return money(value) if choice.seeks == "sites" and choice.priced else number(round(value))


def rule_sentences(result: CoverageResult) -> list[str]:
    """Say the rules on the choice of hosts, those that the study sets."""
    choice, refused = result.study.kiosks, result.counters.get
    if choice is None:
        return []
    return nonempty(
        choice.existing
        and ngettext("{n} lieu existe déjà", "{n} lieux existent déjà", len(choice.existing)),
        choice.required
        and ngettext("{n} lieu est imposé", "{n} lieux sont imposés", len(choice.required)),
        choice.excluded
        and ngettext(
            "{n} lieu ou commune est exclu",
            "{n} lieux ou communes sont exclus",
            len(choice.excluded),
        ),
        choice.min_hours_per_week is not None
        and ngettext(
            "lieu d’accueil ouvert au moins {hours} h par semaine ({n} écarté)",
            "lieu d’accueil ouvert au moins {hours} h par semaine ({n} écartés)",
            refused("hosts_closed", 0),
            hours=choice.min_hours_per_week,
        ),
        choice.capacity is not None and _capacity(choice, refused("hosts_without_hours", 0)),
        choice.broadband is not None
        and ngettext(
            "lieu d’accueil assez bien raccordé, d’après la colonne « {column} » ({n} écarté)",
            "lieu d’accueil assez bien raccordé, d’après la colonne « {column} » ({n} écartés)",
            refused("hosts_not_connected", 0),
            column=choice.broadband.column,
        ),
        choice.one_per and str(_ONE_PER[choice.one_per]),
        choice.spacing_m is not None
        and _(
            "au moins {distance} à vol d’oiseau entre deux visioguichets",
            distance=distance(choice.spacing_m),
        ),
        choice.floor_per_departement
        and _("au moins {n} par département", n=choice.floor_per_departement),
        *(_("au moins {n} dans le {code}", n=least, code=code) for code, least in choice.floor),
        choice.floor_per_epci
        and _(
            "au moins {n} dans chaque intercommunalité qui a autant de lieux possibles",
            n=choice.floor_per_epci,
        ),
        any(result.study.need(key).asks_hours for key in choice.offers)
        and str(_HOURS_COUNT if choice.hours_count else _HOURS_DO_NOT),
        choice.priced and _own_cost(refused("hosts_without_cost", 0)),
    )


def _capacity(choice: KioskChoice, refused: int) -> str:
    limit = choice.capacity
    if limit is None:
        return ""
    rate = {"uses": given(limit.uses_per_hour), "weeks": given(limit.weeks_per_year)}
    host = _(
        "au plus {uses} recours par heure d’ouverture du lieu d’accueil, {weeks} semaines par an, "
        "chaque commune allant à un seul visioguichet (lieux écartés, d’horaires inconnus : {n})",
        **rate,
        n=refused,
    )
    if limit.desk_uses_per_hour is None:
        return host
    desk = ngettext(
        "{n} poste d’experts prend au plus {uses} recours par heure, {hours} h par semaine",
        "{n} postes d’experts prennent chacun au plus {uses} recours par heure, {hours} h par "
        "semaine",
        choice.experts,
        uses=given(limit.desk_uses_per_hour),
        hours=given(limit.desk_hours_per_week),
    )
    return f"{host} ; {desk}"


def _own_cost(refused: int) -> str:
    return (
        ngettext(
            "coût propre à chaque lieu d’accueil ({n} écarté, de coût inconnu)",
            "coût propre à chaque lieu d’accueil ({n} écartés, de coût inconnu)",
            refused,
        )
        if refused
        else _("coût propre à chaque lieu d’accueil")
    )


def curve_note(ranking: Ranking | None) -> str:
    """Say how near its bound the curve is proved to be."""
    if ranking is None or not len(ranking.curve):
        return ""
    if worst := float(ranking.curve["gap"].max()):
        return _(
            "En pointillé, ce qu’aucun choix d’autant de lieux ne peut dépasser : c’est prouvé "
            "pour chaque nombre, et le meilleur choix connu en approche à {gap} au pire.",
            gap=percent(worst),
        )
    return _(
        "En pointillé, ce qu’aucun choix d’autant de lieux ne peut dépasser : c’est prouvé, et "
        "atteint, pour chaque nombre."
    )


def stop_sentences(result: CoverageResult) -> list[str]:
    """Say where the next 10,000 EUR brings too few people; nothing when the study does not ask."""
    choice, ranking = result.study.kiosks, result.ranking
    if choice is None or ranking is None or choice.stop_below is None:
        return []
    if not (choice.user_side_cost_eur or choice.priced):
        return []
    tranche, people = money(TRANCHE_EUR), n_people(round(choice.stop_below))
    return [
        _(
            "Jusqu’au dernier, chaque tranche de {tranche} gagne au moins {people}.",
            tranche=tranche,
            people=people,
        )
        if ranking.stop_at is None
        else _(
            "Au-delà de {kiosks}, les {tranche} suivants gagnent moins de {people}.",
            kiosks=n_kiosks(ranking.stop_at),
            tranche=tranche,
            people=people,
        )
    ]


def reference_sentences(ranking: Ranking | None) -> list[str]:
    """Set the plan that was really carried out against the best one, and against what no plan can
    exceed.
    """
    outcome = None if ranking is None else ranking.reference
    if ranking is None or outcome is None:
        return []
    reference, opened = outcome.reference, len(ranking.curve)
    kiosks, best = n_kiosks(reference.count), n_people(round(outcome.best))
    if reference.count > opened:
        told = _(
            "Le plan n’ouvre que {kiosks} et dessert {people} ; il est prouvé qu’avec {count} on "
            "ne peut dépasser {bound}.",
            kiosks=n_kiosks(opened),
            people=best,
            count=reference.count,
            bound=number(outcome.bound),
        )
    elif round(outcome.best) >= round(outcome.bound):
        told = _(
            "{kiosks} bien placés desservent {people} : c’est le maximum, prouvé.",
            kiosks=kiosks,
            people=best,
        )
    else:
        told = _(
            "{kiosks} bien placés desservent {people} ; il est prouvé qu’on ne peut dépasser "
            "{bound}.",
            kiosks=kiosks,
            people=best,
            bound=number(outcome.bound),
        )
    return nonempty(
        _(
            "{label} : {kiosks} pour {cost}, soit {each} par visioguichet tout compris.",
            label=reference.label,
            kiosks=kiosks,
            cost=money(reference.cost_eur),
            each=money(reference.cost_eur / reference.count),
        ),
        _(
            "Leurs emplacements ne sont pas dans les données. À défaut, {kiosks} placés dans les "
            "communes les plus peuplées des zones blanches desserviraient {people}.",
            kiosks=kiosks,
            people=n_people(round(outcome.most_populated)),
        )
        if outcome.people is None
        else _("Ils desservent {people} en zone blanche.", people=n_people(round(outcome.people))),
        outcome.enough is not None
        and ngettext(
            "Le premier du plan en fait autant.",
            "Les {n} premiers du plan en font autant.",
            outcome.enough,
        ),
        told,
        opened == reference.count
        and outcome.best
        and _(
            "Au même coût complet, le plan revient à {cost} par habitant gagné.",
            cost=money(reference.cost_eur / outcome.best, 2),
        ),
    )


def unserved_sentences(result: CoverageResult) -> list[str]:
    """Say who stays unserved, one sentence a reason."""
    if result.ranking is None:
        return []
    return [
        _(
            "{people}, {communes} : {reason}.",
            people=n_people(int(row["people"])),
            communes=n_communes(int(row["communes"])),
            reason=why_unserved(row["reason"], result.study),
        )
        for row in result.ranking.unserved.to_dict("records")
    ]


def use_sentences(result: CoverageResult) -> list[str]:
    """Say what the kiosks avoid in a year, under which supposed use, and where that use comes from.

    Empty when nobody gains, or when the kilometres are not known.
    """
    kiosks, choice, usual = result.kiosks, result.study.kiosks, Use()
    total = kiosks[list(SAVINGS)].sum()
    unknown = not total["uses_per_year"] or not kiosks["km_saved_per_year"].notna().any()
    if choice is None or unknown:
        return []
    use = choice.use
    told = joined(
        nonempty(
            use.uses_per_person == usual.uses_per_person
            and _("recours, les 143 appels par an et par point de visio-relais de la Manche"),
            use.co2_g_per_km == usual.co2_g_per_km
            and _("CO₂, voiture thermique, usage seul (Impact CO₂, ADEME)"),
        )
    )
    return [
        _(
            "Sous l’usage supposé, {uses} recours par an éviteraient {km} de trajet et {co2} de "
            "CO₂.",
            uses=number(total["uses_per_year"]),
            km=measure(total["km_saved_per_year"], "km"),
            co2=mass(total["co2_saved_kg_per_year"]),
        ),
        _(
            "Usage supposé : {rate} recours par an et par habitant gagné, {trips} aller-retour "
            "évité par recours, {detour} fois la distance mesurée, {co2} de CO₂ par kilomètre. La "
            "distance évitée est celle du guichet manquant moins celle du visioguichet. Ce sont "
            "des hypothèses : elles sont dans l’étude, changez-les.",
            rate=given(use.uses_per_person),
            trips=use.trips_avoided,
            detour=use.detour,
            co2=measure(use.co2_g_per_km, "g"),
        ),
        *([_("Sources : {sources}.", sources=told)] if told else []),
    ]


def cost_rows(result: CoverageResult) -> dict[str, Any]:
    """Return what the equipment costs, line by line, and per inhabitant gained."""
    choice = result.study.kiosks
    proposed = result.kiosks[result.kiosks["rank"] > 0]
    total = float(proposed["cost_eur"].sum()) + (choice.experts_eur if choice is not None else 0.0)
    if choice is None or not total:
        return {"rows": [], "note": ""}
    experts = ngettext(
        "{n} poste côté expert, à {cost} l’un",
        "{n} postes côté expert, à {cost} l’un",
        choice.experts,
        cost=money(choice.expert_side_cost_eur),
    )
    rows = [
        _user_side(proposed, choice),
        *([(experts, money(choice.experts_eur))] if choice.experts else []),
        (_("Total"), money(total)),
    ]
    if choice.budget_eur is not None:
        rows += [
            (_("Budget de l’étude"), money(choice.budget_eur)),
            (_("Reste"), money(choice.budget_eur - total)),
        ]
    gained = int(proposed["people_added"].sum())
    note = (
        _(
            "Soit {cost} par habitant desservi en plus. L’entretien, les agents et les liaisons ne "
            "sont pas comptés.",
            cost=money(total / gained, 2),
        )
        if gained
        else ""
    )
    return {"rows": rows, "note": note}


def _user_side(proposed: gpd.GeoDataFrame, choice: KioskChoice) -> tuple[str, str]:
    kiosks, total = n_kiosks(len(proposed)), money(float(proposed["cost_eur"].sum()))
    each = money(choice.user_side_cost_eur)
    line = (
        _("{kiosks} côté usager, selon le lieu d’accueil", kiosks=kiosks)
        if choice.priced
        else _("{kiosks} côté usager, à {cost} l’un", kiosks=kiosks, cost=each)
    )
    return line, total
