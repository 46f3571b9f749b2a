"""What a reader must know before any figure: both ends of the answer, what it lacks need by need,
the networks that exist already, the hypotheses; sentences and tables that report and terminal share.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from geoguichet.coverage.access.rules import UNKNOWN
from geoguichet.coverage.access.supplements import ITINERANT, NETWORKS, unknown_networks
from geoguichet.coverage.kiosks.ranking import SAVINGS, commune_count, gini
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.style import first_of, n_people, nonempty, why_unreached
from geoguichet.coverage.study.choices import KioskChoice
from geoguichet.coverage.study.hypotheses import WEEKS_A_YEAR, Use
from geoguichet.floor.words import (
    Message,
    _,
    given,
    listed,
    mass,
    measure,
    money,
    ngettext,
    number,
    percent,
)

#: How many intercommunalities the report lists, those with most people in white zones.
MAIN_EPCI = 20
#: Years over which the equipment is paid: those of the budget of the plan carried out in 2008.
YEARS = 4


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header; the first ``left`` columns and the last ``words`` are words, the
    others numbers.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    #: How many of the last rows are totals.
    totals: int = 0
    #: What is said under the last row.
    note: str = ""
    words: int = 0

    def of_words(self, place: int) -> bool:
        """Return whether a column holds words, by its place."""
        return place < self.left or place >= len(self.header) - self.words


def first_sentences(result: CoverageResult) -> list[str]:
    """Say both ends of the headline, and what a plan is first asked: what existing networks change,
    how long the kiosks are open, what a use costs.
    """
    return [
        *undecided_sentences(result),
        *baseline_sentences(result),
        *open_sentences(result),
        *cost_sentences(result),
    ]


def headline(result: CoverageResult) -> str:
    """Say in one sentence who is in white zones, and who would be with the kiosks."""
    total, sites = result.summary.iloc[-1], int((result.kiosks["rank"] > 0).sum())
    before, after = int(total["white_before"]), int(total["white_after"])
    told = _(
        "{white} habitants sur {people} vivent en zone blanche, soit {share}.",
        white=number(before),
        people=number(int(total["people"])),
        share=percent(float(total["white_before_share"])),
    )
    if not sites:
        return told
    plan = ngettext(
        "{n} visioguichet en desservirait {gained}, s’il ouvre : il en resterait {after}.",
        "{n} visioguichets en desserviraient {gained}, s’ils ouvrent : il en resterait {after}.",
        sites,
        gained=number(before - after),
        after=number(after),
    )
    return f"{told} {plan}"


def open_sentences(result: CoverageResult) -> list[str]:
    """Say how many hours a week the hosts of the plan are open: no kiosk opens when its host is
    closed.
    """
    kiosks = result.kiosks[result.kiosks["rank"] > 0]
    hours = kiosks["hours_per_week"].dropna().astype(float)
    if not len(hours):
        return []
    unknown = len(kiosks) - len(hours)
    told = _(
        "Un visioguichet ouvre quand son lieu d’accueil ouvre : {median} h par semaine en médiane, "
        "de {least} à {most} ; il n’allonge aucun horaire.",
        median=given(float(hours.median())),
        least=given(float(hours.min())),
        most=given(float(hours.max())),
    )
    more = ngettext(
        "Les horaires de {n} lieu d’accueil sont inconnus.",
        "Les horaires de {n} lieux d’accueil sont inconnus.",
        unknown,
    )
    return [f"{told} {more}" if unknown else told]


def cost_sentences(result: CoverageResult) -> list[str]:
    """Say what a use would cost, under the use that is supposed, between its two ends."""
    choice, kiosks = result.study.kiosks, result.kiosks[result.kiosks["rank"] > 0]
    if choice is None or not len(kiosks) or not kiosks["uses_per_year"].sum():
        return []
    spent = float(kiosks["cost_eur"].sum()) + choice.experts_eur
    uses, fewest, most = _uses(kiosks, choice)
    told = [
        _(
            "{what} : {cost} par recours, de {least} à {most}.",
            what=what,
            cost=money(whole / YEARS / uses),
            least=money(whole / YEARS / most),
            most=money(whole / YEARS / fewest),
        )
        for what, whole in (
            (_("Équipement seul"), spent),
            (
                _("Au coût complet de « {label} »", label=choice.reference.label)
                if choice.reference is not None
                else "",
                choice.reference.cost_eur if choice.reference is not None else 0.0,
            ),
        )
        if whole
    ]
    hypothesis = _(
        "Hypothèse, et non mesure : {uses} recours par an, de {fewest} à {most}, sur {years} ans.",
        uses=number(uses),
        fewest=number(fewest),
        most=number(most),
        years=YEARS,
    )
    return [" ".join([hypothesis, *told])] if told else []


# Return the uses that kiosks would have in a year, and the fewest and the most of what is supposed.
def _uses(kiosks: pd.DataFrame, choice: KioskChoice) -> tuple[float, float, float]:
    uses, rate = float(kiosks["uses_per_year"].sum()), choice.use.uses_per_person
    low, high = _USE[0].ends(rate)
    return uses, uses / rate * low, uses / rate * high


def undecided_sentences(result: CoverageResult) -> list[str]:
    """Say how many people are in white zones at least and at most; nothing when all is decided."""
    total = result.summary.iloc[-1]
    unsure, least = int(total["undecided"]), int(total["white_before"])
    if not unsure:
        return []
    return [
        _(
            "{unsure} ne sont pas tranchés : de {least} habitants en zone blanche, s’ils sont "
            "desservis, à {most}, s’ils ne le sont pas.",
            unsure=n_people(unsure),
            least=least,
            most=least + unsure,
        )
    ]


def baseline_sentences(result: CoverageResult) -> list[str]:
    """Say what the networks that exist already would change, or that the answer changes with them
    and how to get them.
    """
    found = result.beside.baseline
    if found is None:
        return []
    told = []
    for network, rows in found.table.groupby("network", sort=False) if len(found.table) else ():
        best = rows.sort_values("white", kind="stable").to_dict("records")[0]
        told.append(
            _(
                "Réseau existant, {network} ({counters} guichets) : s’il répondait aussi à « {need} "
                "», {white} habitants seraient en zone blanche au lieu de {before}.",
                network=_LABELS[str(network)],
                counters=int(best["counters"]),
                need=result.study.need(best["need"]).label,
                white=int(best["white"]),
                before=int(best["white_before"]),
            )
        )
    absent = unknown_networks(found.missing, knows_stops=found.knows_stops)
    if absent:
        told.append(
            _(
                "Cette réponse ne connaît pas {networks}, qui existent et la changent : « "
                "geoguichet referentials fetch {sources} », « geoguichet referentials import "
                "FICHIER » pour chacun, puis relancez l’étude.",
                networks=listed(str(network.label) for network in absent),
                sources=" ".join(dict.fromkeys(network.source for network in absent)),
            )
        )
    return told


_LABELS = {network.key: network.label for network in (*NETWORKS, ITINERANT)}


def baseline_parts(result: CoverageResult) -> Iterator[str | Table]:
    """Tell network by network and need by need what exists already."""
    found = result.beside.baseline
    if found is None or not len(found.table):
        return
    yield Table(
        _("Si les guichets d’un réseau, quels que soient leurs horaires, répondaient à un besoin"),
        (
            _("Réseau"),
            _("Besoin"),
            _("Guichets"),
            _("Habitants à qui il manque"),
            _("dont à portée du réseau"),
            _("En zone blanche alors"),
        ),
        tuple(
            (
                str(_LABELS[row["network"]]),
                result.study.need(row["need"]).label,
                *(number(row[key]) for key in ("counters", "lacking", "near", "white")),
            )
            for row in found.table.to_dict("records")
        ),
        left=2,
    )


def lacking_parts(result: CoverageResult, *, epci: bool = True) -> Iterator[str | Table]:
    """Tell which needs the people of the white zones lack, by département and intercommunality."""
    table = result.beside.lacking
    if table is None or not len(table):
        return
    whole = table[table["level"] == "territory"].sort_values("people", ascending=False)
    kinds = list(whole["lacking"])
    for row in whole.to_dict("records"):
        keys = row["lacking"].split(",")
        labels = listed(
            _("« {name} »", name=need.label) + (f" ({need.key})" if need.key != need.label else "")
            for need in map(result.study.need, keys)
        )
        people = n_people(int(row["people"]))
        yield (
            _("À {people}, il ne manque que {need}.", people=people, need=labels)
            if len(keys) == 1
            else _("À {people}, il manque {needs}.", people=people, needs=labels)
        )
    levels = {"departement": _("Département")} | ({"epci": _("Intercommunalité")} if epci else {})
    for level, name in levels.items():
        rows = _places(table[table["level"] == level], kinds)
        shown = rows if level == "departement" else rows[:MAIN_EPCI]
        header = (name, _("En zone blanche"), *(" + ".join(kind.split(",")) for kind in kinds))
        more = len(rows) - len(shown)
        yield Table(
            _("Habitants des zones blanches, selon ce qui leur manque, et rien d’autre"),
            header,
            tuple(shown),
            note=_("... et {n} autres, dans --json et manifest.json", n=more) if more else "",
        )


# Return a row per place: its people in all and by what they lack; départements in their order,
# intercommunalities by people.
def _places(table: pd.DataFrame, kinds: list[str]) -> list[tuple[str, ...]]:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in table.to_dict("records"):
        counts.setdefault((row["code"], row["name"]), {})[row["lacking"]] = int(row["people"])
    places = list(counts.items())
    if (table["level"] == "epci").any():
        places.sort(key=lambda place: -sum(place[1].values()))
    return [
        (
            name if code == name or not code.isalnum() or len(code) > 3 else f"{code} {name}",
            *map(number, (sum(of.values()), *(of.get(kind, 0) for kind in kinds))),
        )
        for (code, name), of in places
    ]


def extension_parts(result: CoverageResult, *, most: int = 0) -> Iterator[str | Table]:
    """Tell which counters should open longer for those who lack nothing but hours, whom that
    serves, at what supposed cost, and the proof; ``most`` rows, or all.
    """
    found, choice = result.beside.extensions, result.study.extensions
    if found is None or choice is None:
        return
    table = found.table
    people, hours = int(table["people_added"].sum()), float(table["hours_to_add"].sum())
    yield _(
        "À {lacking}, il ne manque que des heures d’ouverture pour « {need} » ; des guichets du "
        "territoire ouverts plus longtemps serviraient {reachable} au plus.",
        lacking=n_people(found.lacking),
        need=result.study.need(choice.need).label,
        reachable=n_people(found.reachable),
    )
    if table.empty:
        return
    first = table.iloc[0]
    yield _(
        "{n} ouverts {hours} h de plus par semaine en tout serviraient {people} ; {proof}.",
        n=ngettext("{n} guichet", "{n} guichets", len(table)),
        hours=number(hours),
        people=n_people(people),
        proof=_("c’est prouvé optimal")
        if first["status"] == "optimal"
        else _("au plus {bound}, c’est prouvé", bound=n_people(round(first["bound"]))),
    )
    low, high = hours * choice.hour_cost_low_eur, hours * choice.hour_cost_high_eur
    yield _(
        "Hypothèse : {each} par an pour une heure de plus par semaine, soit {cost} par an, de {low} "
        "à {high} selon la plage écrite dans l’étude.",
        each=money(choice.hour_cost_eur),
        cost=money(hours * choice.hour_cost_eur),
        low=money(low),
        high=money(high),
    )
    shown = table.head(most) if most else table
    more = len(table) - len(shown)
    yield Table(
        _("Guichets à ouvrir plus longtemps"),
        (
            _("Guichet"),
            _("Commune"),
            _("h/sem."),
            _("Heures de plus"),
            _("Habitants"),
            _("Cumul"),
            _("Coût par an"),
        ),
        tuple(
            (
                str(row["name"]),
                f"{row['commune_name']} ({row['departement']})",
                given(row["hours_per_week"]),
                given(row["hours_to_add"]),
                number(row["people_added"]),
                number(row["people_cumulated"]),
                money(row["cost_eur_per_year"]),
            )
            for row in shown.to_dict("records")
        ),
        left=2,
        note=_("... et {n} autres, dans le rapport", n=more) if more else "",
    )


def undecided_parts(result: CoverageResult) -> Iterator[str | Table]:
    """Tell who is undecided, and why, by the reason of the first need that is not known."""
    unsure = result.demand[result.demand["undecided"]]
    unsure = unsure.sort_values("people", ascending=False, kind="stable")
    if unsure.empty:
        return
    yield from undecided_sentences(result)
    why = pd.Series("", index=unsure.index)
    for need in result.study.needs:
        reason = unsure[f"{need.key}_reason"]
        why = why.where(why != "", reason.where(reason.isin(UNKNOWN), ""))
    found = ((reason, unsure[why == reason]) for reason in UNKNOWN)
    yield Table(
        _("Habitants ni desservis ni en zone blanche, faute de savoir"),
        (_("Raison"), _("Habitants"), _("Communes"), _("Les plus peuplées")),
        tuple(
            (
                why_unreached(reason, result.study),
                number(int(members["people"].sum())),
                number(commune_count(members)),
                first_of(dict.fromkeys(members["name"])),
            )
            for reason, members in found
            if len(members)
        ),
        words=1,
    )


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """What is supposed of the use of kiosks: its words, where its usual value comes from, and
    between which values it may lie. The ends that no source tells are said to be supposed.
    """

    key: str
    told: Message
    low: float
    high: float
    source: Message

    def ends(self, value: float) -> tuple[float, float]:
        """Return the least and the most, a value that the study writes among them."""
        return min(self.low, value), max(self.high, value)


_USE = (
    _Hypothesis(
        "uses_per_person",
        Message("Recours par an et par habitant gagné"),
        0.005,
        0.043,
        Message(
            "Manche : 143 appels par an et par point de visio-relais, soit 0,043 pour les 3 312 "
            "habitants que gagne chacun au meilleur plan de l’étude livrée ; le bas de la plage est supposé, "
            "sans source"
        ),
    ),
    _Hypothesis(
        "trips_avoided",
        Message("Allers-retours évités par recours"),
        0.0,
        1.0,
        Message("supposé, sans source : d’aucun à un par recours"),
    ),
    _Hypothesis(
        "detour",
        Message("Longueur du trajet, en fois la distance mesurée"),
        1.0,
        1.4,
        Message("1 est un minimum ; le haut de la plage est supposé, sans source"),
    ),
    _Hypothesis(
        "co2_g_per_km",
        Message("CO₂ par kilomètre, en grammes"),
        20.0,
        220.0,
        Message(
            "Impact CO₂ (ADEME) : voiture thermique, usage seul ; la plage est supposée, sans source"
        ),
    ),
)


def hypotheses_parts(result: CoverageResult) -> Iterator[str | Table]:
    """Tell what is supposed, where it comes from and between which values, and what follows; a
    figure that follows from a supposition is told with its two ends.
    """
    choice, kiosks = result.study.kiosks, result.kiosks[result.kiosks["rank"] > 0]
    if choice is None or not len(kiosks):
        return
    use, rows = choice.use, list[tuple[str, ...]]()
    for one in _USE:
        value = float(getattr(use, one.key))
        low, high = one.ends(value)
        ends = _("de {low} à {high}", low=given(low), high=given(high))
        source = (
            str(one.source)
            if value == getattr(Use(), one.key)
            else _("écrit dans l’étude ; la plage est supposée, sans source")
        )
        rows.append((str(one.told), given(value), ends, source))
    spent = float(kiosks["cost_eur"].sum()) + choice.experts_eur
    if spent:
        rows += _money(result, spent)
    yield _("Rien de ceci n’est mesuré par l’étude ; changez-le dans [kiosks.use] et [kiosks].")
    yield Table(
        _("Hypothèses, leur source et leur plage"),
        (_("Hypothèse"), _("Valeur"), _("Plage"), _("Source")),
        tuple(rows),
        words=1,
    )
    yield from _follows(choice, kiosks, spent)


def _money(result: CoverageResult, spent: float) -> list[tuple[str, ...]]:
    reference = None if result.study.kiosks is None else result.study.kiosks.reference
    whole = "" if reference is None else money(reference.cost_eur)
    return [
        (
            _("Équipement, côté usager et côté expert"),
            money(spent),
            _("jusqu’à {cost}, tout compris", cost=whole) if whole else "",
            _("écrit dans l’étude")
            if reference is None
            else _("écrit dans l’étude ; {label}", label=reference.label),
        ),
        (
            _("Années sur lesquelles il est payé"),
            number(YEARS),
            _("de {low} à {high}", low=3, high=7),
            _(
                "le budget des 80 points de Midi-Pyrénées était de quatre ans, fonctionnement "
                "compris ; la plage est supposée, sans source"
            ),
        ),
    ]


def _follows(choice: KioskChoice, kiosks: pd.DataFrame, spent: float) -> Iterator[str | Table]:
    total = kiosks[list(SAVINGS)].sum()
    if not total["uses_per_year"]:
        return
    uses, fewest, most = _uses(kiosks, choice)
    weeks = WEEKS_A_YEAR if choice.capacity is None else choice.capacity.weeks_per_year
    hours = float(kiosks["hours_per_week"].fillna(0).sum())
    said = nonempty(
        _(
            "Recours : {uses} par an, de {fewest} à {most} selon la plage.",
            uses=number(uses),
            fewest=number(fewest),
            most=number(most),
        ),
        spent
        and _(
            "Coût d’équipement par recours : {cost}, de {low} à {high}.",
            cost=money(spent / YEARS / uses, 2),
            low=money(spent / YEARS / most, 2),
            high=money(spent / YEARS / fewest, 2),
        ),
        hours
        and _(
            "Les lieux d’accueil ouvrent {hours} h par semaine en tout : {load} recours par "
            "heure ouverte, sur {weeks} semaines, un nombre supposé.",
            hours=number(hours),
            load=number(uses / (hours * weeks), 2),
            weeks=given(weeks),
        ),
        kiosks["km_saved_per_year"].notna().any()
        and _(
            "Trajets évités : {km} et {co2} de CO₂ par an, en proportion de ces hypothèses.",
            km=measure(total["km_saved_per_year"], "km"),
            co2=mass(total["co2_saved_kg_per_year"]),
        ),
    )
    yield " ".join(said)


#: How many intercommunalities are shown; ``--json`` and the manifest have them all.
LEAST_SERVED = 8


def equity_parts(result: CoverageResult) -> Iterator[str | Table]:
    """Tell how evenly intercommunalities are served, before and after, and the least served."""
    ranking = result.ranking
    table = None if ranking is None else ranking.equity
    if table is None or len(table) < 2:
        return
    before, after = (gini(table[name], table["people"]) for name in ("before", "after"))
    yield _(
        "Part d’habitants desservis, d’une intercommunalité à l’autre : indice de Gini de {before} "
        "avant les visioguichets, {after} après (0 : partout la même part).",
        before=number(before, 3),
        after=number(after, 3),
    )
    lacking = result.beside.lacking
    names = {} if lacking is None else dict(zip(lacking["code"], lacking["name"], strict=True))
    yield Table(
        _("Les intercommunalités les moins bien desservies, visioguichets ouverts"),
        (_("Intercommunalité"), _("Habitants"), _("Desservis avant"), _("Desservis après")),
        tuple(
            (
                str(names.get(row["epci"], row["epci"])),
                number(row["people"]),
                percent(row["before"], 1),
                percent(row["after"], 1),
            )
            for row in table[table["before"] < 1].head(LEAST_SERVED).to_dict("records")
        ),
    )


def programme_parts(result: CoverageResult) -> Iterator[str | Table]:
    """Tell when each kiosk opens, what each phase costs to whom, and how good the order is."""
    ranking, choice = result.ranking, result.study.kiosks
    steps = None if ranking is None else ranking.programme
    if steps is None or choice is None or choice.programme is None:
        return
    group = choice.programme.priority
    yield (
        _("Cet ordre est prouvé le meilleur : aucun autre ne dessert plus tôt autant de personnes.")
        if steps.status == "optimal"
        else _(
            "Cet ordre est à {gap} au plus du meilleur, en personnes desservies de phase en phase.",
            gap=percent(steps.gap, 2),
        )
    )
    if group:
        yield _("La priorité va aux personnes du groupe « {group} ».", group=group)
    funders = [name for name, _share in choice.programme.shares]
    yield Table(
        _("Programme, phase par phase ; ce qu’une phase ne dépense pas, les suivantes le peuvent"),
        (
            _("Phase"),
            _("Visioguichets"),
            _("Budget"),
            _("Dépense"),
            *funders,
            _("Personnes gagnées à sa fin"),
        ),
        tuple(
            (
                row["phase"],
                number(row["kiosks"]),
                money(row["budget_eur"]),
                money(row["spent_eur"]),
                *(money(row["shares"][name]) for name in funders),
                number(row["people"]),
            )
            for row in steps.table.to_dict("records")
        ),
    )
