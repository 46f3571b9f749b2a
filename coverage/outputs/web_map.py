"""The web map: one file that opens with no network, in the study's language."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from folium.map import Layer
from markupsafe import Markup

from geoguichet.coverage.outputs.charts import area, for_map, gain_curve, hosts, notes
from geoguichet.coverage.outputs.page import (
    MapPage,
    Placed,
    collection,
    departement_outlines,
    filled,
    ground,
    latlon,
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
from geoguichet.coverage.outputs.report import need_sentences, rule_sentence, shortened
from geoguichet.coverage.outputs.style import (
    KIOSK,
    OTHER_SERVICE,
    SERVICE_COLOURS,
    STANDING_COLOURS,
    ZONE_EDGE,
    standing,
    zone_classes,
    zone_colour,
)
from geoguichet.coverage.outputs.wording import NARROW, Wording
from geoguichet.coverage.result import CoverageResult

_PANES = {
    "ground": 350,
    "zones": 410,
    "reach": 415,
    "people": 420,
    "names": 425,
    "services": 610,
    "kiosks": 620,
}
"""What stands above what."""


def write(result: CoverageResult, path: Path) -> None:
    """Write the map to one HTML file that asks nothing of any other."""
    path.write_text(render(result), encoding="utf-8", newline="\n")


def render(result: CoverageResult) -> str:
    """Return the map as HTML: white zones, communes by people, services, kiosks by rank and their
    reach.
    """
    study = result.study
    say = Wording(study.language, study.unit, cells=study.demand.cells is not None)
    page = MapPage(
        result.study.title,
        say,
        panes=_PANES,
        panel=_panel(result, say),
        css=_service_colours(result),
    )
    outlines = departement_outlines(result)
    people = _people(result, say)
    page.add(
        *ground(outlines),
        _zones(result, say),
        people,
        *_services(result, say),
        *_kiosks(result, say),
    )
    return page.render(outlines.total_bounds, people)


def _panel(result: CoverageResult, say: Wording) -> str:
    standings = [
        item for item in STANDING_COLOURS.items() if item[0] != "kiosk" or len(result.kiosks)
    ]
    return filled(
        "map_panel.html",
        result=result,
        say=say,
        inputs=result.inputs,
        lead=_lead(result, say),
        rule=rule_sentence(result.study, say),
        needs=need_sentences(result.study, say),
        plan=_plan(result, say),
        curve=Markup(gain_curve(result, say, small=True)) if len(result.kiosks) else None,  # noqa: S704  drawn here
        further=_further(result, say),
        around=_around(result, say),
        zones=notes(result, say),
        limits=say(
            "map_limits" if result.study.router.kind == "straight_line" else "map_limits_router"
        ),
        zone_classes=zone_classes(say.unit),
        standings=standings,
        services=[
            (say.service(kind).capitalize(), colour) for kind, colour in _service_kinds(result)
        ],
    )


def _plan(result: CoverageResult, say: Wording) -> list[str]:
    """Say the model, its rules, what the plan brings and its proof: what is printed with the
    map.
    """
    if result.plan is None or result.study.kiosks is None:
        return []
    asked, _ = ask_sentences(result.study, result.study.kiosks, say)
    rules = say.joined(rule_sentences(result, say))
    return [
        asked,
        *([say("map_rules", rules=rules)] if rules else []),
        *proved_sentences(result, result.plan, say),
    ]


def _further(result: CoverageResult, say: Wording) -> list[str]:
    """Say how the gain goes down the list, who is left, where to stop, and how the plan was
    found.
    """
    if result.plan is None:
        return []
    return [
        *further_sentences(result, say),
        say("plan_method", method=method_told(result.plan.method, say)),
    ]


def _around(result: CoverageResult, say: Wording) -> list[tuple[str, list[str]]]:
    """Return what surrounds the plan, each under its title: what was done, what it avoids, who is
    left and why.
    """
    ranking, choice = result.ranking, result.study.kiosks
    if ranking is None or choice is None:
        return []
    parts = {
        "report_reference": [" ".join(reference_sentences(result, ranking, say))],
        "report_use": [" ".join(use_sentences(result, choice, say))],
        "report_unserved": unserved_sentences(ranking, say) or [say("unserved_none")],
    }
    return [(say(key), told) for key, told in parts.items() if any(told)]


def _lead(result: CoverageResult, say: Wording) -> str:
    total = result.summary.iloc[-1]
    figures = {
        "people": say("people", n=int(total["people"])),
        "before": say.number(total["white_before"]),
        "before_share": say.percent(total["white_before_share"]),
    }
    if not len(result.kiosks):
        return say("map_lead_no_kiosk", **figures)
    return say(
        "map_lead",
        **figures,
        after=say.number(total["white_after"]),
        after_share=say.percent(total["white_after_share"]),
        kiosks=say("kiosks", n=len(result.kiosks)),
    )


def _zones(result: CoverageResult, say: Wording) -> Layer:
    zones = for_map(result)
    told = [
        {
            "title": say("zone", id=zone["id"]),
            "colour": zone_colour(zone[f"mean_{say.unit}"], say.unit),
            "lines": _zone_lines(zone, result, say),
        }
        for zone in zones.drop(columns=zones.geometry.name)
        .reset_index(names="id")
        .to_dict("records")
    ]
    return Placed("areas", collection(zones, told), ZONE_EDGE, "zones", name=say("layer_zones"))


def _zone_lines(zone: dict[str, Any], result: CoverageResult, say: Wording) -> list[str]:
    excess = say(
        "popup_zone_excess",
        mean=say.cost(zone[f"mean_{say.unit}"]),
        worst=say.cost(zone[f"worst_{say.unit}"]),
    )
    if not zone["communes"]:
        return [say("popup_zone_land"), excess, area(zone, say)]
    placed = hosts(zone, say)
    return [
        f"{say('people', n=int(zone['people']))}, {say('communes', n=int(zone['communes']))}",
        say("popup_zone_communes", names=shortened(zone["commune_names"], say, shown=12)),
        excess,
        area(zone, say),
        *([say("popup_zone_hosts", hosts=placed)] if placed else []),
        *(
            [say("popup_zone_after", people=int(zone["people_after"]))]
            if len(result.kiosks)
            else []
        ),
    ]


def _people(result: CoverageResult, say: Wording) -> Placed:
    """One circle a commune, its area in proportion to its people; large ones first, so that none is
    hidden.
    """
    demand = result.demand[result.demand.geometry.notna()].sort_values(
        "people", ascending=False, kind="stable"
    )
    colours = list(STANDING_COLOURS)
    services = result.services["name"]
    kiosks = result.kiosks[["rank", "name"]]
    rows = []
    for point, row in zip(
        demand.geometry, demand.drop(columns=demand.geometry.name).to_dict("records"), strict=True
    ):
        where = standing(served=bool(row["served"]), served_after=bool(row["served_after"]))
        lines = [
            say("people", n=int(row["people"])),
            say(f"standing_{where}"),
            *_needs_told(row, result, services, say),
        ]
        if row["kiosk"]:
            rank, name = kiosks.loc[row["kiosk"]]
            key = "popup_kiosk_at" if rank else "popup_kiosk_at_existing"
            lines.append(
                say(key, rank=int(rank), name=name, distance=say.cost(row[f"kiosk_{say.unit}"]))
            )
        if row["unserved_reason"]:
            lines.append(say("popup_unserved", reason=say(f"unserved_{row['unserved_reason']}")))
        radius = round(max(1.7, 0.032 * math.sqrt(max(row["people"], 0))), 1)
        rows.append(
            [
                *latlon(point),
                radius,
                colours.index(where),
                f"{row['name']} ({row['departement']})",
                lines,
            ]
        )
    return Placed(
        "circles", rows, list(STANDING_COLOURS.values()), "people", name=say("layer_demand")
    )


def _needs_told(
    row: dict[str, Any], result: CoverageResult, services: Any, say: Wording
) -> Iterable[str]:
    for need in result.study.needs:
        reason = row[f"{need.key}_reason"]
        if reason:
            yield say("popup_nothing", need=need.label, reason=say(f"reason_{reason}"))
        else:
            name = services.get(row[f"{need.key}_service"], "")
            yield say(
                "popup_nearest",
                need=need.label,
                distance=say.cost(row[f"{need.key}_{say.unit}"]),
                service=name,
            )


def _service_kinds(result: CoverageResult) -> list[tuple[str, str]]:
    present = set(result.services["type"])
    known = [key for key in SERVICE_COLOURS if key in present]
    return [
        (key, SERVICE_COLOURS.get(key, OTHER_SERVICE))
        for key in (*known, *sorted(present - set(known)))
    ]


def _service_colours(result: CoverageResult) -> str:
    rules = (
        f".service.s{number}{{background:{colour}}}"
        for number, (_, colour) in enumerate(_service_kinds(result))
    )
    return "".join(rules)


def _services(result: CoverageResult, say: Wording) -> list[Layer]:
    """One layer a type; counters in number are hidden at first."""
    layers: list[Layer] = []
    for number, (kind, _) in enumerate(_service_kinds(result)):
        table = result.services[
            (result.services["type"] == kind) & result.services.geometry.notna()
        ]
        rows = [
            [*latlon(point), "", row["name"], _service_lines(row, say)]
            for point, row in zip(
                table.geometry,
                table.drop(columns=table.geometry.name).to_dict("records"),
                strict=True,
            )
        ]
        label = say("layer_services", type=say.service(kind, many=True))
        layers.append(
            Placed(
                "marks",
                rows,
                f"service s{number}",
                10,
                "services",
                name=label,
                show=len(rows) <= 100,
            )
        )
    return layers


def _service_lines(row: dict[str, Any], say: Wording) -> list[str]:
    weekly = row["hours_per_week"]
    known = weekly is not None and not math.isnan(weekly)
    lines = [
        f"{row['commune_name']} ({row['departement']})",
        say("popup_hours_week", hours=say.number(weekly, 1))
        if known
        else say("popup_hours_unknown"),
    ]
    if isinstance(row["hours"], str) and row["hours"]:
        lines.append(say.hours(row["hours"]))
    return lines if row["inside"] else [*lines, say("popup_outside")]


def _kiosks(result: CoverageResult, say: Wording) -> list[Layer]:
    choice = result.study.kiosks
    if choice is None or not len(result.kiosks):
        return []
    placed = result.kiosks[result.kiosks.geometry.notna()].iloc[::-1]
    rows = []
    for point, row in zip(
        placed.geometry, placed.drop(columns=placed.geometry.name).to_dict("records"), strict=True
    ):
        name, rank = f"{row['name']} ({row['departement']})", int(row["rank"])
        title = (
            say("popup_kiosk_title", rank=rank, name=name)
            if rank
            else say("popup_kiosk_existing", name=name)
        )
        rows.append(
            [*latlon(point), str(rank or say("mark_existing")), title, _kiosk_lines(row, say)]
        )
    marks = Placed("marks", rows, "kiosk", 22, "kiosks", name=say("layer_kiosks"))
    if result.study.router.kind != "straight_line":  # a reach by road is no circle
        return [marks]
    label = say("layer_reach", distance=say.distance(choice.reach))
    places = [row[:2] for row in rows]
    return [marks, Placed("rings", places, choice.reach, KIOSK, "reach", name=label, show=False)]


def _kiosk_lines(row: dict[str, Any], say: Wording) -> list[str]:
    added = say(
        "popup_kiosk_added",
        people=say("people", n=int(row["people_added"])),
        cumulated=say.number(row["people_cumulated"]),
        share=say.percent(row["share_cumulated"]),
    )
    lines = [added, say("popup_kiosk_host", host=row["host"])]
    if isinstance(row["hours"], str) and row["hours"]:
        lines.append(say("popup_kiosk_hours", hours=say.hours(row["hours"])))
    if row["zones"]:
        lines.append(say("popup_kiosk_zones", zones=row["zones"].replace(",", ", ")))
    saved = {
        "uses": say.number(row["uses_per_year"]),
        "km": f"{say.number(row['km_saved_per_year'])}{NARROW}km",
        "co2": say.mass(row["co2_saved_kg_per_year"]),
    }
    return (
        [*lines, say("popup_kiosk_saved", **saved)]
        if not math.isnan(row["km_saved_per_year"])
        else lines
    )
