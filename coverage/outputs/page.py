"""What every map page shares: one HTML file with Leaflet inside, plain data, a panel, and bytes
that do not vary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from importlib import resources
from typing import Any

import folium
import geopandas as gpd
import shapely
from branca.element import Element, Figure, MacroElement
from folium.map import CustomPane, Layer
from folium.template import Template
from jinja2 import Environment, FunctionLoader, StrictUndefined
from shapely.geometry import mapping

from geoguichet.coverage.outputs.leaflet import leaflet_css, leaflet_js
from geoguichet.coverage.outputs.style import BORDER, LAND
from geoguichet.coverage.outputs.wording import n_kiosks, n_people
from geoguichet.coverage.result import CoverageResult
from geoguichet.floor.words import (
    _,
    day,
    language,
    mass,
    ngettext,
    number,
    percent,
    pgettext,
    spaced,
)

# The templates of the pages, filled: one way for reports and for the panels of maps.

TEMPLATES = resources.files("geoguichet.coverage.outputs") / "templates"


def template_text(name: str) -> str:
    """Return a template as it stands."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def filled(name: str, **content: Any) -> str:
    """Return a template with its fields filled; what is told is escaped, and a field that is not
    given is an error.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(template_text),
    )
    environment.globals |= _WORDS
    environment.filters["tenth"] = "{:.1f}".format
    return environment.get_template(name).render(**content)


#: What the templates say words and figures with.
_WORDS: dict[str, Callable[..., str]] = {
    "_": _,
    "ngettext": ngettext,
    "pgettext": pgettext,
    "spaced": spaced,
    "n_kiosks": n_kiosks,
    "n_people": n_people,
    "day": day,
    "mass": mass,
    "number": number,
    "percent": percent,
}


# The outlines of the départements, which stand behind every map.


def departement_outlines(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return one row per département of the territory, by code: columns name, geometry in
    EPSG:4326.
    """
    return result.territory.departements.set_index("code")[["name", "geometry"]].sort_index()


def name_places(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return where to write each name: the centre of the widest circle that the outline holds."""
    rounds = outlines.geometry.maximum_inscribed_circle(tolerance=0.02)
    return gpd.GeoSeries(
        [shapely.Point(line.coords[0]) for line in rounds], index=outlines.index, crs=outlines.crs
    )


#: About one metre.
_DECIMALS = 5
#: Panes whose layers hear no mouse.
_STILL = ("ground", "reach", "borders", "names")


class MapPage:
    """A map that asks nothing of any other file: layers are added one by one, then it is
    rendered.
    """

    def __init__(self, title: str, *, panes: Mapping[str, int], panel: str, css: str = "") -> None:
        self._map = folium.Map(
            tiles=None, zoom_control=False, attribution_control=False, zoom_snap=0.25, min_zoom=5
        )
        self._map.default_js, self._map.default_css = [], []
        self._figure = Figure(title=escape(title))
        self._figure.add_child(self._map)
        _dress(self._figure, panel, css)
        for name, level in panes.items():
            self._map.add_child(CustomPane(name, z_index=level, pointer_events=name not in _STILL))

    def add(self, *layers: Layer) -> None:
        """Add layers, in the order of the panel."""
        for layer in layers:
            self._map.add_child(layer)

    def render(self, bounds: tuple[float, float, float, float], sized: Placed) -> str:
        """Return the page, first seen on ``bounds`` (west, south, east, north); ``sized`` grows
        with the zoom.
        """
        layers = folium.LayerControl(collapsed=False)
        self._map.add_child(layers)
        west, south, east, north = (float(value) for value in bounds)
        self._map.add_child(_Controls([[south, west], [north, east]], layers, sized))
        html = _renumbered(self._figure.render())
        return html.replace("<html>", f'<html lang="{language()}">', 1)


def borders(outlines: gpd.GeoDataFrame, pane: str) -> Layer:
    """Return the borders of the outlines alone, to stand above layers that cover the ground."""
    return folium.GeoJson(
        collection(outlines, [{} for _ in range(len(outlines))]),
        control=False,
        interactive=False,
        pane=pane,
        style_function=lambda _: {"fill": False, "color": BORDER, "weight": 1.4},
    )


class Placed(Layer):
    """A layer whose rows stand in the page as plain data and are drawn by a function of
    ``map.js``.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = geoguichet.{{ this.call }}({{ this.arguments }});
        {% if this.show %}{{ this.get_name() }}.addTo({{ this._parent.get_name() }});{% endif %}
        {% endmacro %}
        """
    )

    def __init__(
        self, call: str, *arguments: Any, name: str, show: bool = True, control: bool = True
    ) -> None:
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
            {{ this._parent.get_name() }}, {{ this.layers }}, [{{ this.sized }}],
            {{ this.bounds|tojson }}, {{ this.words|tojson }}
        );
        {% endmacro %}
        """
    )

    def __init__(
        self, bounds: list[list[float]], layers: folium.LayerControl, sized: Placed
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Controls"
        self.bounds, self.layers, self.sized = bounds, layers.get_name(), sized.get_name()
        self.words = {
            "zoom_in": _("Agrandir"),
            "zoom_out": _("Réduire"),
            "north": _("Nord"),
            "north_letter": pgettext("north", "N"),
            "map_aria": _("Carte interactive"),
        }


class _Text(Element):
    """An element that is this very text; folium would otherwise read it as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def _dress(figure: Figure, panel: str, css: str) -> None:
    """Put Leaflet, the style sheet, the shared functions and the panel into the page itself."""
    shared, js = (template_text(name) for name in ("map.css", "map.js"))
    for name, text in (
        ("leaflet_css", f"<style>{leaflet_css()}</style>"),
        ("leaflet_js", f"<script>{leaflet_js()}</script>"),
        ("map_css", f"<style>{shared}{css}</style>"),
        ("map_js", f"<script>{js}</script>"),
    ):
        figure.header.add_child(_Text(text), name=name)
    figure.html.add_child(_Text(panel), name="panel")


def ground(outlines: gpd.GeoDataFrame) -> list[Layer]:
    """Return the land and the names that stand under every map (rows of
    ``departement_outlines``).
    """
    land = folium.GeoJson(
        collection(outlines, [{} for _ in range(len(outlines))]),
        control=False,
        interactive=False,
        pane="ground",
        style_function=lambda _: {
            "fillColor": LAND,
            "fillOpacity": 1,
            "color": BORDER,
            "weight": 1.2,
        },
    )
    places = name_places(outlines)
    rows = [[*latlon(point), name] for point, name in zip(places, outlines["name"], strict=True)]
    return [land, Placed("names", rows, "names", name="names", control=False)]


def collection(frame: gpd.GeoDataFrame, properties: list[dict[str, Any]]) -> dict[str, Any]:
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


def rows_of(table: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table without their geometry."""
    rows: list[dict[str, Any]] = table.drop(columns=table.geometry.name).to_dict("records")
    return rows


def located(table: gpd.GeoDataFrame) -> Iterator[tuple[list[float], dict[str, Any]]]:
    """Yield where each row that has a point stands, as Leaflet takes it, and the row."""
    table = table[table.geometry.notna()]
    yield from zip(map(latlon, table.geometry), rows_of(table), strict=True)


def titled(row: dict[str, Any]) -> str:
    """Return the name of a row that stands in a département: ``Foix (09)``."""
    return f"{row['name']} ({row['departement']})"


def latlon(point: Any) -> list[float]:
    """Return a point as Leaflet takes it, to about one metre."""
    return [round(point.y, _DECIMALS), round(point.x, _DECIMALS)]


def _json(value: Any) -> str:
    """JSON that can stand inside a script element, and that the templates it goes through leave
    alone.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return re.sub(r"\{(?=[{%#])", r"\\u007b", text)


def _renumbered(html: str) -> str:
    """Replace folium's random identifiers by their order of appearance: equal results give equal
    bytes.
    """
    numbers: dict[str, int] = {}
    return re.sub(
        r"(?<=_)[0-9a-f]{32}(?![0-9a-f])",
        lambda match: str(numbers.setdefault(match[0], len(numbers) + 1)),
        html,
    )
