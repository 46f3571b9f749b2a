"""The web map: one file that opens with no network, in the study's language."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
from branca.element import Element, Figure, MacroElement
from folium.map import CustomPane, Layer
from folium.template import Template
from jinja2 import Environment, StrictUndefined
from shapely.geometry import mapping

from geoguichet.coverage.outputs.leaflet import leaflet_css, leaflet_js
from geoguichet.coverage.outputs.outlines import departement_outlines, name_places
from geoguichet.coverage.outputs.palette import (
    BORDER,
    KIOSK,
    LAND,
    OTHER_SERVICE,
    SERVICE_COLOURS,
    STANDING_COLOURS,
    ZONE_EDGE,
    standing,
    zone_classes,
    zone_colour,
)
from geoguichet.coverage.outputs.report import need_sentence, rule_sentence, shortened
from geoguichet.coverage.outputs.wording import Wording
from geoguichet.coverage.result import CoverageResult

_TEMPLATES = resources.files("geoguichet.coverage.outputs") / "templates"
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
_DECIMALS = 5
"""About one metre."""


def write(result: CoverageResult, path: Path) -> None:
    """Write the map to one HTML file that asks nothing of any other."""
    path.write_text(render(result), encoding="utf-8", newline="\n")


def render(result: CoverageResult) -> str:
    """Return the map as HTML: white zones, communes by people, services, kiosks by rank and their reach."""
    say = Wording(result.study.language)
    page = folium.Map(tiles=None, zoom_control=False, attribution_control=False, zoom_snap=0.25, min_zoom=5)
    page.default_js, page.default_css = [], []
    figure = Figure(title=escape(result.study.title))
    figure.add_child(page)
    _dress(figure, result, say)
    for name, level in _PANES.items():
        page.add_child(CustomPane(name, z_index=level, pointer_events=name not in ("ground", "reach", "names")))
    people = _people(result, say)
    for layer in (
        *_ground(result),
        _zones(result, say),
        people,
        *_services(result, say),
        *_kiosks(result, say),
    ):
        page.add_child(layer)
    layers = folium.LayerControl(collapsed=False)
    page.add_child(layers)
    west, south, east, north = (float(value) for value in departement_outlines(result).total_bounds)
    page.add_child(_Controls(say, [[south, west], [north, east]], layers, people))
    return _renumbered(figure.render()).replace("<html>", f'<html lang="{result.study.language}">', 1)


class _Placed(Layer):
    """A layer whose rows stand in the page as plain data and are drawn by a function of ``map.js``."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = geoguichet.{{ this.call }}({{ this.arguments }});
        {% if this.show %}{{ this.get_name() }}.addTo({{ this._parent.get_name() }});{% endif %}
        {% endmacro %}
        """
    )

    def __init__(self, call: str, *arguments: Any, name: str, show: bool = True, control: bool = True) -> None:
        super().__init__(name=name, overlay=True, control=control, show=True)
        self._name = "Placed"
        self.show = show
        self.call = call
        self.arguments = ", ".join(_json(argument) for argument in arguments)

    def render(self, **kwargs: Any) -> str:
        """Render without folium's own way of hiding a layer; the template shows it or not."""
        MacroElement.render(self, **kwargs)
        return ""


class _Controls(MacroElement):
    """Zoom, scale bar, north, the choice of layers moved into the panel, and the first view."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        geoguichet.furnish(
            {{ this._parent.get_name() }}, {{ this.layers.get_name() }}, [{{ this.sized.get_name() }}],
            {{ this.bounds|tojson }}, {{ this.words|tojson }}
        );
        {% endmacro %}
        """
    )

    def __init__(self, say: Wording, bounds: list[list[float]], layers: folium.LayerControl, sized: _Placed) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Controls"
        self.bounds, self.layers, self.sized = bounds, layers, sized
        self.words = {key: say(key) for key in ("zoom_in", "zoom_out", "north", "north_letter", "map_aria")}


class _Text(Element):
    """An element that is this very text; folium would otherwise read it as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def _dress(figure: Figure, result: CoverageResult, say: Wording) -> None:
    """Put Leaflet, the style sheet, the shared functions and the panel into the page itself."""
    css, js = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("map.css", "map.js"))
    for name, text in (
        ("leaflet_css", f"<style>{leaflet_css()}</style>"),
        ("leaflet_js", f"<script>{leaflet_js()}</script>"),
        ("map_css", f"<style>{css}{_service_colours(result)}</style>"),
        ("map_js", f"<script>{js}</script>"),
    ):
        figure.header.add_child(_Text(text), name=name)
    figure.html.add_child(_Text(_panel(result, say)), name="panel")


def _panel(result: CoverageResult, say: Wording) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((_TEMPLATES / "map_panel.html").read_text(encoding="utf-8"))
    standings = [item for item in STANDING_COLOURS.items() if item[0] != "kiosk" or len(result.kiosks)]
    return template.render(
        result=result,
        say=say,
        lead=_lead(result, say),
        rule=rule_sentence(result.study, say),
        needs=[need_sentence(result.study.need(key), say) for key in result.study.rule.needs],
        zone_classes=zone_classes(),
        standings=standings,
        services=[(say.service(kind).capitalize(), colour) for kind, colour in _service_kinds(result)],
    )


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


def _ground(result: CoverageResult) -> list[Layer]:
    outlines = departement_outlines(result)
    ground = folium.GeoJson(
        _collection(outlines, [{} for _ in range(len(outlines))]),
        control=False,
        interactive=False,
        pane="ground",
        style_function=lambda _: {"fillColor": LAND, "fillOpacity": 1, "color": BORDER, "weight": 1.2},
    )
    places = name_places(outlines)
    rows = [[*_latlon(point), name] for point, name in zip(places, outlines["name"], strict=True)]
    return [ground, _Placed("names", rows, "names", name="names", control=False)]


def _zones(result: CoverageResult, say: Wording) -> Layer:
    zones = result.white_zones[result.white_zones.geometry.notna()]
    told = [
        {
            "title": say("zone", id=zone["id"]),
            "colour": zone_colour(zone["mean_m"]),
            "lines": [
                f"{say('people', n=int(zone['people']))}, {say('communes', n=int(zone['communes']))}",
                say("popup_zone_communes", names=shortened(zone["commune_names"], say, shown=12)),
                say(
                    "popup_zone_excess",
                    mean=say.distance(zone["mean_m"]),
                    worst=say.distance(zone["worst_m"]),
                ),
                *([say("popup_zone_after", people=int(zone["people_after"]))] if len(result.kiosks) else []),
            ],
        }
        for zone in zones.drop(columns=zones.geometry.name).reset_index(names="id").to_dict("records")
    ]
    return _Placed("areas", _collection(zones, told), ZONE_EDGE, "zones", name=say("layer_zones"))


def _people(result: CoverageResult, say: Wording) -> _Placed:
    """One circle a commune, its area in proportion to its people; large ones first, so that none is hidden."""
    demand = result.demand[result.demand.geometry.notna()].sort_values("people", ascending=False, kind="stable")
    colours = list(STANDING_COLOURS)
    services = result.services["name"]
    kiosks = result.kiosks[["rank", "name"]]
    rows = []
    for point, row in zip(demand.geometry, demand.drop(columns=demand.geometry.name).to_dict("records"), strict=True):
        where = standing(served=bool(row["served"]), served_after=bool(row["served_after"]))
        lines = [
            say("people", n=int(row["people"])),
            say(f"standing_{where}"),
            *_needs_told(row, result, services, say),
        ]
        if row["kiosk"]:
            rank, name = kiosks.loc[row["kiosk"]]
            lines.append(say("popup_kiosk_at", rank=int(rank), name=name, distance=say.distance(row["kiosk_m"])))
        radius = round(max(1.7, 0.032 * math.sqrt(max(row["people"], 0))), 1)
        rows.append([*_latlon(point), radius, colours.index(where), f"{row['name']} ({row['departement']})", lines])
    return _Placed("circles", rows, list(STANDING_COLOURS.values()), "people", name=say("layer_demand"))


def _needs_told(row: dict[str, Any], result: CoverageResult, services: Any, say: Wording) -> Iterable[str]:
    for need in result.study.needs:
        reason = row[f"{need.key}_reason"]
        if reason:
            yield say("popup_nothing", need=need.label, reason=say(f"reason_{reason}"))
        else:
            name = services.get(row[f"{need.key}_service"], "")
            yield say("popup_nearest", need=need.label, distance=say.distance(row[f"{need.key}_m"]), service=name)


def _service_kinds(result: CoverageResult) -> list[tuple[str, str]]:
    present = set(result.services["type"])
    known = [key for key in SERVICE_COLOURS if key in present]
    return [(key, SERVICE_COLOURS.get(key, OTHER_SERVICE)) for key in (*known, *sorted(present - set(known)))]


def _service_colours(result: CoverageResult) -> str:
    rules = (f".service.s{number}{{background:{colour}}}" for number, (_, colour) in enumerate(_service_kinds(result)))
    return "".join(rules)


def _services(result: CoverageResult, say: Wording) -> list[Layer]:
    """One layer a type; counters in number are hidden at first."""
    layers: list[Layer] = []
    for number, (kind, _) in enumerate(_service_kinds(result)):
        table = result.services[(result.services["type"] == kind) & result.services.geometry.notna()]
        rows = [
            [*_latlon(point), "", row["name"], _service_lines(row, say)]
            for point, row in zip(
                table.geometry, table.drop(columns=table.geometry.name).to_dict("records"), strict=True
            )
        ]
        label = say("layer_services", type=say.service(kind, many=True))
        layers.append(_Placed("marks", rows, f"service s{number}", 10, "services", name=label, show=len(rows) <= 100))
    return layers


def _service_lines(row: dict[str, Any], say: Wording) -> list[str]:
    weekly = row["hours_per_week"]
    known = weekly is not None and not math.isnan(weekly)
    lines = [
        f"{row['commune_name']} ({row['departement']})",
        say("popup_hours_week", hours=say.number(weekly, 1)) if known else say("popup_hours_unknown"),
    ]
    if isinstance(row["hours"], str) and row["hours"]:
        lines.append(row["hours"])
    return lines if row["inside"] else [*lines, say("popup_outside")]


def _kiosks(result: CoverageResult, say: Wording) -> list[Layer]:
    choice = result.study.kiosks
    if choice is None or not len(result.kiosks):
        return []
    placed = result.kiosks[result.kiosks.geometry.notna()].iloc[::-1]
    rows = []
    for point, row in zip(placed.geometry, placed.drop(columns=placed.geometry.name).to_dict("records"), strict=True):
        title = say("popup_kiosk_title", rank=int(row["rank"]), name=f"{row['name']} ({row['departement']})")
        rows.append([*_latlon(point), str(row["rank"]), title, _kiosk_lines(row, say)])
    label = say("layer_reach", distance=say.distance(choice.reach_m))
    places = [row[:2] for row in rows]
    return [
        _Placed("marks", rows, "kiosk", 22, "kiosks", name=say("layer_kiosks")),
        _Placed("rings", places, choice.reach_m, KIOSK, "reach", name=label, show=False),
    ]


def _kiosk_lines(row: dict[str, Any], say: Wording) -> list[str]:
    added = say(
        "popup_kiosk_added",
        people=say("people", n=int(row["people_added"])),
        cumulated=say.number(row["people_cumulated"]),
        share=say.percent(row["share_cumulated"]),
    )
    lines = [added, say("popup_kiosk_host", host=row["host"])]
    if isinstance(row["hours"], str) and row["hours"]:
        lines.append(say("popup_kiosk_hours", hours=row["hours"]))
    return lines


def _collection(frame: gpd.GeoDataFrame, properties: list[dict[str, Any]]) -> dict[str, Any]:
    """GeoJSON of a frame to about one metre."""
    shapes = frame.geometry.set_precision(10.0**-_DECIMALS, mode="valid_output")
    features = [
        {"type": "Feature", "id": str(key), "properties": told, "geometry": mapping(shape)}
        for key, shape, told in zip(frame.index, shapes, properties, strict=True)
    ]
    return _rounded({"type": "FeatureCollection", "features": features})


def _rounded(value: Any) -> Any:
    """Write 1.4000000000000001 as 1.4, at any depth."""
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value


def _latlon(point: Any) -> list[float]:
    return [round(point.y, _DECIMALS), round(point.x, _DECIMALS)]


def _json(value: Any) -> str:
    """JSON that can stand inside a script element, and that the templates it goes through leave alone."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return re.sub(r"\{(?=[{%#])", r"\\u007b", text)


def _renumbered(html: str) -> str:
    """Replace folium's random identifiers by their order of appearance: equal results give equal bytes."""
    numbers: dict[str, int] = {}
    return re.sub(
        r"(?<=_)[0-9a-f]{32}(?![0-9a-f])",
        lambda match: str(numbers.setdefault(match[0], len(numbers) + 1)),
        html,
    )
