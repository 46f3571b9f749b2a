"""The web map: one file that opens with no network, in the study's language."""

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from markupsafe import Markup

from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.outputs.page import (
    MapPage,
    Placed,
    area,
    collection,
    departement_outlines,
    for_map,
    gain_curve,
    ground,
    hosts,
    located,
    notes,
    rows_of,
    titled,
)
from geoguichet.coverage.outputs.plan_text import (
    ask_sentences,
    further_sentences,
    method_told,
    proved_sentences,
    reference_sentences,
    rule_sentences,
    unserved_sentences,
    use_sentences,
)
from geoguichet.coverage.outputs.report import need_sentences, rule_sentence
from geoguichet.coverage.outputs.style import (
    KIOSK,
    OTHER_SERVICE,
    SERVICE_COLOURS,
    STANDING_COLOURS,
    ZONE_EDGE,
    filled,
    first_of,
    how_measured,
    joined,
    n_communes,
    n_kiosks,
    n_people,
    nonempty,
    standing,
    standings,
    why_unreached,
    why_unserved,
    zone_class,
    zone_classes,
    zone_colour,
)
from geoguichet.coverage.study.study import Study
from geoguichet.floor.words import Unit, _, cost, distance, mass, measure, number, percent, speaking
from geoguichet.referentials.directory.hours import hours_told
from geoguichet.referentials.directory.services import service_name

#: What stands above what.
_PANES = {
    "ground": 350,
    "zones": 410,
    "reach": 415,
    "people": 420,
    "names": 425,
    "services": 610,
    "kiosks": 620,
}


def render(result: CoverageResult) -> str:
    """Return the map as HTML: white zones, communes by people, services, kiosks by rank and their
    reach.
    """
    with speaking(result.study.language, typeset=True):
        page = MapPage(
            result.study.title, panes=_PANES, panel=_panel(result), css=_service_colours(result)
        )
        outlines, people = departement_outlines(result), _people(result)
        page.add(*ground(outlines), _zones(result), people, *_services(result), *_kiosks(result))
        return page.render(outlines.total_bounds, people)


def _panel(result: CoverageResult) -> str:
    study, kiosks = result.study, len(result.kiosks) > 0
    said = standings(study)
    return filled(
        "map_panel.html",
        result=result,
        inputs=result.inputs,
        lead=_lead(result),
        rule=rule_sentence(study),
        needs=need_sentences(study),
        plan=_plan(result),
        curve=Markup(gain_curve(result, small=True)) if kiosks else None,  # noqa: S704  drawn here
        further=_further(result),
        around=_around(result),
        zones=notes(result),
        limits=how_measured(study),
        legend_demand=_("Commune (surface selon la population)")
        if study.demand.cells is None
        else _("Carreau de population (surface selon la population)"),
        zone_classes=[
            (zone_class(low, high, study.unit), colour)
            for low, high, colour in zone_classes(study.unit)
        ],
        standings=[
            (said[key], colour)
            for key, colour in STANDING_COLOURS.items()
            if (key != "kiosk" or kiosks)
            and (key != "undecided" or bool(result.demand["undecided"].any()))
        ],
        services=[
            (service_name(kind).capitalize(), colour) for kind, colour in _service_kinds(result)
        ],
    )


# Say the model, its rules, what the plan brings and its proof: what is printed with the map.
def _plan(result: CoverageResult) -> list[str]:
    if result.plan is None or result.study.kiosks is None:
        return []
    rules = joined(rule_sentences(result))
    return [
        ask_sentences(result.study, result.study.kiosks)[0],
        *([_("Règles : {rules}.", rules=rules)] if rules else []),
        *proved_sentences(result, result.plan),
    ]


# Say how the gain goes down the list, who is left, where to stop, and how the plan was found.
def _further(result: CoverageResult) -> list[str]:
    return (
        []
        if result.plan is None
        else [
            *further_sentences(result),
            _("Calcul : {method}.", method=method_told(result.plan.method)),
        ]
    )


# Return what surrounds the plan, each under its title: what was done, what it avoids, who is left
# and why.
def _around(result: CoverageResult) -> list[tuple[str, list[str]]]:
    if result.ranking is None:
        return []
    parts = {
        _("Face à ce qui a été fait"): [" ".join(reference_sentences(result.ranking))],
        _("Ce que cela évite en un an"): [" ".join(use_sentences(result))],
        _("Qui reste sans accès, et pourquoi"): unserved_sentences(result)
        or [_("Plus personne : le plan atteint toutes les communes.")],
    }
    return [(title, told) for title, told in parts.items() if any(told)]


def _lead(result: CoverageResult) -> str:
    total = result.summary.iloc[-1]
    figures = {
        "people": n_people(int(total["people"])),
        "before": number(total["white_before"]),
        "before_share": percent(total["white_before_share"]),
    }
    if not len(result.kiosks):
        return _("Sur {people}, {before} ({before_share}) vivent en zone blanche.", **figures)
    return _(
        "Sur {people}, {before} ({before_share}) vivent en zone blanche ; "
        "{after} ({after_share}) après l’ouverture de {kiosks}.",
        **figures,
        after=number(total["white_after"]),
        after_share=percent(total["white_after_share"]),
        kiosks=n_kiosks(len(result.kiosks)),
    )


def _zones(result: CoverageResult) -> Placed:
    zones, unit = for_map(result), result.study.unit
    told = [
        {
            "title": _("Zone blanche {id}", id=zone["id"]),
            "colour": zone_colour(zone[unit.column("mean")], unit),
            "lines": _zone_lines(zone, result),
        }
        for zone in rows_of(zones.reset_index(names="id"))
    ]
    return Placed("areas", collection(zones, told), ZONE_EDGE, "zones", name=_("Zones blanches"))


def _zone_lines(zone: dict[str, Any], result: CoverageResult) -> list[str]:
    unit = result.study.unit
    excess = _(
        "Au-delà des seuils : {mean} en moyenne, {worst} au pire",
        mean=cost(zone[unit.column("mean")], unit),
        worst=cost(zone[unit.column("worst")], unit),
    )
    if not zone["communes"]:
        return [
            _(
                "Aucun point de population n’y tombe : la terre est loin de tout, mais personne "
                "n’y est compté."
            ),
            excess,
            area(zone),
        ]
    placed = hosts(zone, result.study)
    return nonempty(
        f"{n_people(int(zone['people']))}, {n_communes(int(zone['communes']))}",
        _("Communes : {names}", names=first_of(zone["commune_names"].split(", "), shown=12)),
        excess,
        area(zone),
        placed and _("Lieux d’accueil les mieux placés : {hosts}", hosts=placed),
        len(result.kiosks)
        and _(
            "Encore non desservis une fois les visioguichets ouverts : {people}",
            people=int(zone["people_after"]),
        ),
    )


# One circle a commune, its area in proportion to its people; large ones first, so that none is
# hidden.
def _people(result: CoverageResult) -> Placed:
    demand = result.demand.sort_values("people", ascending=False, kind="stable")
    colours, said = list(STANDING_COLOURS), standings(result.study)
    kiosks = result.kiosks[["rank", "name"]].to_dict("index")
    services = result.services["name"].to_dict()
    rows = []
    for place, row in located(demand):
        where = standing(
            served=bool(row["served"]),
            served_after=bool(row["served_after"]),
            undecided=bool(row["undecided"]),
        )
        lines = nonempty(
            n_people(int(row["people"])),
            str(said[where]),
            *_needs_told(row, services, result.study),
            row["kiosk"] and _kiosk_told(row, kiosks[row["kiosk"]], result.study.unit),
            row["unserved_reason"]
            and _(
                "Reste non desservie : {reason}",
                reason=why_unserved(row["unserved_reason"], result.study),
            ),
        )
        radius = round(max(1.7, 0.032 * math.sqrt(max(row["people"], 0))), 1)
        rows.append([*place, radius, colours.index(where), titled(row), lines])
    name = (
        _("Communes, selon leur population")
        if result.study.demand.cells is None
        else _("Carreaux, selon leur population")
    )
    return Placed("circles", rows, list(STANDING_COLOURS.values()), "people", name=name)


def _kiosk_told(row: dict[str, Any], kiosk: Mapping[Hashable, Any], unit: Unit) -> str:
    rank, name = kiosk["rank"], kiosk["name"]
    far = cost(row[unit.column("kiosk")], unit)
    return (
        _("Visioguichet n° {rank} ({name}) à {distance}", rank=int(rank), name=name, distance=far)
        if rank
        else _("Visioguichet existant ({name}) à {distance}", name=name, distance=far)
    )


def _needs_told(
    row: dict[str, Any], services: Mapping[Hashable, str], study: Study
) -> Iterable[str]:
    for need in study.needs:
        if reason := row[f"{need.key}_reason"]:
            yield _("{need} : {reason}", need=need.label, reason=why_unreached(reason, study))
        else:
            yield _(
                "{need} : {distance} ({service})",
                need=need.label,
                distance=cost(row[study.unit.column(need.key)], study.unit),
                service=services.get(row[f"{need.key}_service"], ""),
            )


def _service_kinds(result: CoverageResult) -> list[tuple[str, str]]:
    present = set(result.services["type"])
    known = [key for key in SERVICE_COLOURS if key in present]
    return [
        (key, SERVICE_COLOURS.get(key, OTHER_SERVICE))
        for key in (*known, *sorted(present - set(known)))
    ]


def _service_colours(result: CoverageResult) -> str:
    colours = enumerate(colour for kind, colour in _service_kinds(result))
    return "".join(f".service.s{place}{{background:{colour}}}" for place, colour in colours)


# One layer a type; counters in number are hidden at first.
def _services(result: CoverageResult) -> list[Placed]:
    layers: list[Placed] = []
    for place, (kind, _colour) in enumerate(_service_kinds(result)):
        rows = [
            [*spot, "", row["name"], _service_lines(row)]
            for spot, row in located(result.services[result.services["type"] == kind])
        ]
        label, shown = _("Services : {type}", type=service_name(kind, many=True)), len(rows) <= 100
        layers.append(
            Placed("marks", rows, f"service s{place}", 10, "services", name=label, show=shown)
        )
    return layers


def _service_lines(row: dict[str, Any]) -> list[str]:
    weekly = row["hours_per_week"]
    known = weekly is not None and not math.isnan(weekly)
    return nonempty(
        f"{row['commune_name']} ({row['departement']})",
        _("{hours} h par semaine", hours=number(weekly, 1)) if known else _("horaires non publiés"),
        isinstance(row["hours"], str) and hours_told(row["hours"]),
        not row["inside"] and _("hors du territoire étudié"),
    )


def _kiosks(result: CoverageResult) -> list[Placed]:
    choice = result.study.kiosks
    if choice is None or not len(result.kiosks):
        return []
    rows = []
    for place, row in located(result.kiosks.iloc[::-1]):
        name, rank = titled(row), int(row["rank"])
        title = (
            _("Visioguichet n° {rank} : {name}", rank=rank, name=name)
            if rank
            else _("Visioguichet existant : {name}", name=name)
        )
        rows.append([*place, str(rank or "•"), title, _kiosk_lines(row)])
    marks = Placed("marks", rows, "kiosk", 22, "kiosks", name=_("Visioguichets, par rang"))
    if result.study.router.kind != "straight_line":  # a reach by road is no circle
        return [marks]
    label = _("Rayon d’action des visioguichets ({distance})", distance=distance(choice.reach))
    return [
        marks,
        Placed(
            "rings", [row[:2] for row in rows], choice.reach, KIOSK, "reach", name=label, show=False
        ),
    ]


def _kiosk_lines(row: dict[str, Any]) -> list[str]:
    return nonempty(
        _(
            "{people} de plus desservis ({cumulated} avec les précédents, soit "
            "{share} des habitants en zone blanche)",
            people=n_people(int(row["people_added"])),
            cumulated=number(row["people_cumulated"]),
            share=percent(row["share_cumulated"]),
        ),
        _("Lieu d’accueil : {host}", host=row["host"]),
        isinstance(row["hours"], str)
        and row["hours"]
        and _("Ouverture : {hours}", hours=hours_told(row["hours"])),
        row["zones"] and _("Zones desservies : {zones}", zones=row["zones"].replace(",", ", ")),
        not math.isnan(row["km_saved_per_year"])
        and _(
            "Un an, selon l’usage supposé : {uses} recours, {km} évités, {co2} de CO₂",
            uses=number(row["uses_per_year"]),
            km=measure(row["km_saved_per_year"], "km"),
            co2=mass(row["co2_saved_kg_per_year"]),
        ),
    )
