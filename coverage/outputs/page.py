"""What every page shares: one HTML file with Leaflet inside, plain data, a panel, bytes that do not
vary; and the drawings of the report (SVG).
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup
from shapely.geometry import mapping

from geoguichet.coverage.access.rules import lacking_of
from geoguichet.coverage.manifest import CoverageResult, a_result
from geoguichet.coverage.outputs.style import (
    BORDER,
    INK,
    KIOSK,
    LACKING_COLOURS,
    LAND,
    ZONE_EDGE,
    filled,
    leaflet_css,
    leaflet_js,
    n_kiosks,
    n_people,
    nonempty,
    template_text,
    zone_class,
    zone_classes,
    zone_colour,
)
from geoguichet.coverage.shown import Picture
from geoguichet.coverage.study.study import Study
from geoguichet.coverage.zones.drawing import polygonal, simplified
from geoguichet.floor.words import (
    _,
    cost,
    distance,
    language,
    listed,
    measure,
    ngettext,
    number,
    pgettext,
)
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.territories.territory import united

# The outlines of the départements, which stand behind every map.


def departement_outlines(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return one row per département of the territory, by code: columns name, geometry in
    EPSG:4326.
    """
    return result.territory.departements.set_index("code")[["name", "geometry"]].sort_index()


def name_places(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return where to write each name: the centre of the widest circle that the outline holds."""
    return gpd.GeoSeries(
        [
            shapely.Point(line.coords[0])
            for line in outlines.geometry.maximum_inscribed_circle(tolerance=0.02)
        ],
        index=outlines.index,
        crs=outlines.crs,
    )


#: About one metre.
_DECIMALS = 5
#: Panes whose layers hear no mouse.
_STILL = ("ground", "reach", "borders", "names")


class Placed:
    """A layer whose rows stand in the page as plain data and are drawn by a function of
    ``map.js``; one without a ``name`` is no choice of the reader's.
    """

    def __init__(self, call: str, *arguments: Any, name: str = "", show: bool = True) -> None:
        self.call, self.name, self.show = call, name, show
        self.arguments = Markup(", ".join(map(_json, arguments)))  # noqa: S704  no "<" is left


class MapPage:
    """A map that asks nothing of any other file: layers are added one by one, then it is
    rendered.
    """

    def __init__(self, title: str, *, panes: Mapping[str, int], panel: str, css: str = "") -> None:
        self._title, self._panes, self._panel, self._css = title, panes, panel, css
        self._layers: list[Placed] = []

    def add(self, *layers: Placed) -> None:
        """Add layers, in the order of the panel."""
        self._layers += layers

    def render(self, bounds: tuple[float, float, float, float], sized: Placed) -> str:
        """Return the page, first seen on ``bounds`` (west, south, east, north); ``sized`` grows
        with the zoom.
        """
        west, south, east, north = (float(value) for value in bounds)
        view = {
            "shown": [layer.show for layer in self._layers],
            "names": [layer.name for layer in self._layers],
            "sized": self._layers.index(sized),
            "bounds": [[south, west], [north, east]],
            "zoom_in": _("Agrandir"),
            "zoom_out": _("Réduire"),
            "north": _("Nord"),
            "north_letter": pgettext("north", "N"),
            "map_aria": _("Carte interactive"),
        }
        parts = {
            "styles": (leaflet_css(), template_text("map.css"), self._css),
            "scripts": (leaflet_js(), template_text("map.js")),
            "panel": (self._panel,),
            "view": (_json(view),),
        }
        return filled(
            "map.html",
            language=language(),
            title=self._title,
            panes=[(name, level, name in _STILL) for name, level in self._panes.items()],
            layers=self._layers,
            **{name: Markup("\n".join(text)) for name, text in parts.items()},  # noqa: S704  ours
        )


def borders(outlines: gpd.GeoDataFrame, pane: str) -> Placed:
    """Return the borders of the outlines alone, to stand above layers that cover the ground."""
    return _outlined(outlines, {"fill": False, "color": BORDER, "weight": 1.4}, pane)


def _outlined(outlines: gpd.GeoDataFrame, style: dict[str, Any], pane: str) -> Placed:
    return Placed("outlines", collection(outlines, [{} for _ in outlines.index]), style, pane)


def ground(outlines: gpd.GeoDataFrame) -> list[Placed]:
    """Return the land and the names that stand under every map (rows of
    ``departement_outlines``).
    """
    land = {"fillColor": LAND, "fillOpacity": 1, "color": BORDER, "weight": 1.2}
    rows = [
        [round(point.y, _DECIMALS), round(point.x, _DECIMALS), name]
        for point, name in zip(name_places(outlines), outlines["name"], strict=True)
    ]
    return [_outlined(outlines, land, "ground"), Placed("names", rows, "names")]


def collection(frame: gpd.GeoDataFrame, properties: list[dict[str, Any]]) -> dict[str, Any]:
    """GeoJSON of a frame to about one metre."""
    precise = frame.geometry.set_precision(10.0**-_DECIMALS, mode="valid_output").to_numpy()
    # Written 1.4, not 1.4000000000000001.
    shapes = shapely.transform(precise, lambda places: np.round(places, _DECIMALS))
    features = [
        {"type": "Feature", "id": str(key), "properties": told, "geometry": mapping(shape)}
        for key, shape, told in zip(frame.index, shapes, properties, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def rows_of(table: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table without their geometry."""
    plain = table.drop(columns=table.geometry.name)
    names = [str(name) for name in plain.columns]
    columns = [plain[name].to_numpy(object) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def located(table: gpd.GeoDataFrame) -> Iterator[tuple[list[float], dict[str, Any]]]:
    """Yield where each row that has a point stands, as Leaflet takes it, and the row."""
    table = table[table.geometry.notna()]
    places = shapely.get_coordinates(table.geometry).tolist()
    for (x, y), row in zip(places, rows_of(table), strict=True):
        yield [round(y, _DECIMALS), round(x, _DECIMALS)], row


def titled(row: dict[str, Any]) -> str:
    """Return the name of a row that stands in a département: ``Foix (09)``."""
    return f"{row['name']} ({row['departement']})"


# JSON that can stand inside a script element.
def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


# The report's pictures, drawn as SVG from the result: the map, and the curve of people gained.


# White zones as the map and the report show them: which, how straight their borders, and what
# must be said of them.


def shown(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return the zones that map and report show: those that have a polygon and are not minor."""
    zones = result.white_zones
    return zones[zones.geometry.notna() & ~zones.geometry.is_empty & ~zones["minor"]]


def for_map(result: CoverageResult) -> gpd.GeoDataFrame:
    """Return the zones shown, their borders straightened if the study asks for it.

    All of the territory is simplified at once, served ground included, so that neither gap nor
    overlap appears.
    """
    zones, tolerance_m = shown(result), result.study.zones.simplify_m
    if not tolerance_m or zones.empty:
        return zones
    crs = result.territory.metric
    metric = zones.geometry.to_crs(crs).to_numpy()
    whole = gpd.GeoSeries([result.territory.boundary], crs=LONLAT).to_crs(crs).iloc[0]
    straight = simplified(
        np.concatenate(
            [metric, shapely.get_parts(shapely.difference(whole, shapely.union_all(metric)))]
        ),
        tolerance_m,
    )[: len(metric)]
    shapes = gpd.GeoSeries([polygonal(shape) for shape in straight], index=zones.index, crs=crs)
    return zones.set_geometry(shapes.to_crs(LONLAT))


def notes(result: CoverageResult) -> list[str]:
    """Say what a reader must know of the zones: how people are counted, and which zones rest on
    little.
    """
    zones, smooth = result.white_zones, result.study.zones.kind == "smooth"
    drawn, minor = zones.geometry.notna(), zones["minor"]
    single = zones[(zones["communes"] == 1) & drawn & ~minor & (not smooth)]
    small = zones[minor & (zones["communes"] > 0)]
    land = zones[(zones["communes"] == 0) & ~minor]
    return nonempty(
        _(
            "Les habitants d’une zone sont ceux des communes non desservies ; son dessin ne les "
            "compte pas."
        ),
        smooth
        and _(
            "Le contour est la ligne où la marge au seuil s’annule, calculée tous les {cell} et "
            "quatre fois plus finement là où elle passe. Il ne suit donc pas les limites des "
            "communes : une mairie desservie peut avoir autour d’elle des terres qui ne le sont "
            "pas, et l’inverse.",
            cell=distance(result.study.zones.cell_m),
        ),
        len(single)
        and ngettext(
            "{n} zone ({people}) tient à une seule commune, donc à un seul point : quelques "
            "centaines de mètres ou une minute peuvent la faire disparaître.",
            "{n} zones ({people}) tiennent chacune à une seule commune, donc à un seul point : "
            "quelques centaines de mètres ou une minute peuvent les faire disparaître.",
            len(single),
            people=n_people(int(single["people"].sum())),
        ),
        len(small)
        and ngettext(
            "{n} zone trop petite pour être montrée ({people}) reste dans les comptes et dans les "
            "fichiers.",
            "{n} zones trop petites pour être montrées ({people}) restent dans les comptes et dans "
            "les fichiers.",
            len(small),
            people=n_people(int(small["people"].sum())),
        ),
        len(land)
        and ngettext(
            "{n} étendue blanche ne contient aucun point de population : elle est dessinée, "
            "personne n’y est compté.",
            "{n} étendues blanches ne contiennent aucun point de population : elles sont "
            "dessinées, personne n’y est compté.",
            len(land),
        ),
        not drawn.all()
        and _(
            "{people} en zone blanche n’ont pas de contour à dessiner ; ils sont comptés.",
            people=n_people(int(zones.loc[~drawn, "people"].sum())),
        ),
    )


def hosts(zone: dict[str, Any], study: Study, *, brief: bool = False) -> str:
    """Say the candidate hosts best placed for a zone and how far each is on average; empty when
    there is none.
    """
    told = [
        (name, cost(float(far), study.unit))
        for name, far in zip(
            zone["host_names"].split(","), zone["host_costs"].split(","), strict=True
        )
        if name
    ]
    return (
        ", ".join(f"{name} ({far})" for name, far in told)
        if brief
        else ", ".join(_("{name} ({cost} en moyenne)", name=name, cost=far) for name, far in told)
    )


def area(zone: dict[str, Any]) -> str:
    """Say the extent of a zone."""
    decimals = 1 if zone["area_km2"] < 10 else 0
    return _("Étendue : {area}", area=measure(zone["area_km2"], "km²", decimals))


#: Width of a picture in its own units; the page scales it.
WIDTH = 1000.0
_MARGIN = 14.0
_LEGEND_HEIGHT = 100.0
#: Outlines are simplified to under half a unit, which no eye or printer tells apart.
_TOLERANCE = 0.4


class _Frame:
    """Turns longitudes and latitudes into picture units: equal-area, centred on the territory,
    north up; or in the metres of a system that is given, no taller than said.
    """

    def __init__(self, extent: gpd.GeoSeries, crs: str = "", tallest: float = math.inf) -> None:
        west, south, east, north = extent.total_bounds
        self._crs = crs or (
            f"+proj=laea +lon_0={(west + east) / 2:.3f} +lat_0={(south + north) / 2:.3f} "
            "+datum=WGS84 +units=m"
        )
        left, bottom, right, top = extent.to_crs(self._crs).total_bounds
        wide, tall = right - left, top - bottom
        self.units_per_m = min((WIDTH - 2 * _MARGIN) / wide, (tallest - 2 * _MARGIN) / tall)
        scale, aside = self.units_per_m, (WIDTH - wide * self.units_per_m) / 2
        self.height = tall * scale + 2 * _MARGIN
        self._matrix = [scale, 0, 0, -scale, aside - left * scale, _MARGIN + top * scale]

    # Return the shapes in picture units.
    def place(self, shapes: gpd.GeoSeries) -> gpd.GeoSeries:
        return shapes.to_crs(self._crs).affine_transform(self._matrix)


def map_picture(result: CoverageResult) -> Picture:
    """Return the map, as text (SVG) that notebooks show: départements, white zones by people,
    numbered kiosks, legend, scale bar and north, in Lambert's equal-area projection (1772) centred on the territory.
    A ``result`` is never refused.

    Examples
    --------
    After the example of :func:`~geoguichet.run`:

    >>> map_picture(result).startswith("<svg viewBox=")
    True
    """
    unit, zones, kiosks = a_result(result).study.unit, shown(result), result.kiosks
    departements = departement_outlines(result)
    frame = _Frame(departements.geometry)
    bar_km = _round_below(0.2 * WIDTH / frame.units_per_m / 1000)
    colours = [zone_colour(mean, unit) for mean in zones[unit.column("mean")]]
    ranked = zip(frame.place(kiosks.geometry), kiosks["rank"], strict=True)
    return picture(
        "map.svg",
        title=map_caption(result),
        words=15,
        height=frame.height + _LEGEND_HEIGHT,
        ground_height=frame.height,
        outlines=list(map(_path, frame.place(departements.geometry))),
        zones=list(zip(map(_path, frame.place(zones.geometry)), colours, strict=True)),
        names=list(zip(frame.place(name_places(departements)), departements["name"], strict=True)),
        # The first ranks on top.
        kiosks=[(spot, rank) for spot, rank in ranked if spot and not spot.is_empty][::-1],
        ranked=len(kiosks) > 0,
        classes=[(zone_class(low, high, unit), colour) for low, high, colour in zone_classes(unit)],
        bar=bar_km * 1000 * frame.units_per_m,
        bar_km=bar_km,
    )


def map_caption(result: CoverageResult) -> str:
    """Say what the picture of the map shows."""
    territory = result.territory.name
    return (
        _(
            "Zones blanches et visioguichets proposés : {territory}. Les numéros sont ceux du "
            "tableau des visioguichets.",
            territory=territory,
        )
        if len(result.kiosks)
        else _("Zones blanches : {territory}.", territory=territory)
    )


#: Départements drawn one by one at most, those with most people in white zones.
_MOST_MAPS = 30
#: The kind of those of whom nobody knows.
UNDECIDED = "?"
#: How tall the map of one may be, of a width of :data:`WIDTH`: discs and words are of one size.
_TALLEST = 680.0


@dataclass(frozen=True, slots=True)
class DepartementMaps:
    """The map of each département under its caption, by code, and what the colours of all of them
    mean.
    """

    maps: list[tuple[str, Markup]]
    legend: list[tuple[str, str]]
    undecided: bool
    #: Départements that are not drawn.
    left: int


def departement_maps(result: CoverageResult) -> DepartementMaps:
    """Draw what the communes of each département lack, need by need, those undecided, and its
    kiosks by rank. A result is never refused.
    """
    territory, kinds = result.territory, lacking_by_commune(result)
    outlines, maps = departement_outlines(result), list[tuple[str, Markup]]()
    outlines = outlines[outlines.geometry.notna() & ~outlines.geometry.is_empty]
    rows = result.summary[result.summary["code"].isin(outlines.index)]
    rows = rows.sort_values("white_before", ascending=False, kind="stable").head(_MOST_MAPS)
    most = kinds.groupby(kinds["kind"])["people"].sum().sort_values(ascending=False, kind="stable")
    lacking = [kind for kind in most.index if kind != UNDECIDED]
    colours = dict(
        zip_longest(lacking, LACKING_COLOURS[: len(lacking)], fillvalue=LACKING_COLOURS[-1])
    )
    labels = {need.key: _("« {name} »", name=need.label) for need in result.study.needs}
    grounds = gpd.GeoSeries(
        {
            place: united(territory, some.index)
            for place, some in kinds[kinds["departement"].isin(rows["code"])].groupby(
                ["departement", "kind"]
            )
        },
        crs=LONLAT,
    ).to_crs(territory.metric)
    outlines, spots = outlines.to_crs(territory.metric), result.kiosks.to_crs(territory.metric)
    for row in rows.sort_values("code").to_dict("records"):
        code, caption = row["code"], _departement_caption(row)
        here = grounds[[place[0] == code for place in grounds.index]]
        kiosks = spots[spots["departement"] == code].iloc[::-1]
        outline = outlines.geometry[[code]]
        frame = _Frame(outline, territory.metric, _TALLEST)
        bar_km = _round_below(0.25 * WIDTH / frame.units_per_m / 1000)
        drawn = picture(
            "departement.svg",
            title=caption,
            words=15,
            number_of=len(maps),
            height=frame.height + 60,
            ground_height=frame.height,
            outline=_path(frame.place(outline).iloc[0], coarse=True),
            grounds=[
                (_path(shape, coarse=True), colours.get(kind, ""))
                for (_code, kind), shape in frame.place(here).items()
            ],
            kiosks=list(zip(frame.place(kiosks.geometry), kiosks["rank"], strict=True)),
            bar=bar_km * 1000 * frame.units_per_m,
            bar_km=bar_km,
        )
        maps.append((caption, Markup(drawn)))  # noqa: S704  drawn here, every name escaped
    legend = [
        (
            _("Il manque {needs}", needs=listed(labels[key] for key in kind.split(","))),
            colours[kind],
        )
        for kind in lacking
    ]
    return DepartementMaps(maps, legend, UNDECIDED in most.index, len(outlines) - len(maps))


def _departement_caption(row: Mapping[Hashable, Any]) -> str:
    white, kiosks = n_people(int(row["white_before"])), int(row["kiosks"])
    told = _(
        "{code} {name} : {people} en zone blanche", code=row["code"], name=row["name"], people=white
    )
    return f"{told}, {n_kiosks(kiosks)}" if kiosks else told


def lacking_by_commune(result: CoverageResult) -> pd.DataFrame:
    """Return what most people of each commune lack, by code, those served left out: columns
    departement, kind (needs, comma-separated; :data:`UNDECIDED`), people.
    """
    demand = pd.DataFrame(result.demand.drop(columns="geometry"))
    kinds = pd.Series(lacking_of(result.demand, result.study), demand.index, dtype=object)
    kinds = kinds.mask(demand["served"], "").mask(demand["undecided"], UNDECIDED)
    code = demand["commune"] if "commune" in demand.columns else demand.index
    people = (
        demand.groupby([code, "departement", kinds.rename("kind")])["people"].sum().reset_index()
    )
    people = people.set_axis(["code", "departement", "kind", "people"], axis="columns")
    people = people.sort_values("people", ascending=False, kind="stable").drop_duplicates("code")
    return people[people["kind"] != ""].set_index("code").sort_index()


def gain_curve(result: CoverageResult, *, small: bool = False) -> Picture:
    """Return the curve of people gained against the number of kiosks, under its proved bound and
    the plan's maximum, as text (SVG) that notebooks show.

    A ``small`` one is meant for a quarter of the width: its words are larger and fewer. A
    ``result`` is never refused.

    Examples
    --------
    After the example of :func:`~geoguichet.run`:

    >>> gain_curve(result).count("<polyline")
    2
    """
    proposed = a_result(result).kiosks[result.kiosks["rank"] > 0]
    gained = [0.0, *proposed["people_added"].cumsum().astype(float)]
    bounds = [0.0, *(result.ranking.curve["bound"] if result.ranking is not None else [])]
    bound = bounds[-1] if len(bounds) > 1 else gained[-1]
    top = _round_above(max(bound, *gained, 1.0))
    left, right, upper, lower = (190, WIDTH - 40, 34, 480) if small else (104, WIDTH - 24, 34, 330)

    def x(kiosks: float) -> float:
        return left + (right - left) * kiosks / max(len(gained) - 1, 1)

    def y(people: float) -> float:
        return lower - (lower - upper) * people / top

    def line(people: Iterable[float]) -> str:
        return " ".join(f"{x(place):.1f},{y(many):.1f}" for place, many in enumerate(people))

    stop = result.ranking.stop_at if result.ranking is not None else None
    return picture(
        "gain.svg",
        title=_(
            "Habitants desservis en plus selon le nombre de visioguichets, ouverts dans l’ordre du "
            "tableau"
        ),
        words=40 if small else 15,
        height=lower + 66,
        small=small,
        left=left,
        right=right,
        lower=lower,
        levels=[(y(top * step / 4), number(top * step / 4)) for step in range(0, 5, 1 + small)],
        ticks=[(x(n), number(n)) for n in _ticks(len(gained) - 1)[:: 5 if small else 1]],
        gained=line(gained),
        proved=line(bounds),
        last_y=y(gained[-1]),
        stop=stop
        and (x(stop), y(gained[stop]), _("s’arrêter ici ? {kiosks}", kiosks=n_kiosks(stop))),
        bound_y=y(bound),
        bound=_(
            "maximum prouvé pour {kiosks} : {bound}",
            kiosks=n_kiosks(len(gained) - 1),
            bound=number(math.floor(bound + 1e-6)),
        ),
    )


def picture(template: str, **content: Any) -> Picture:
    """Return a picture drawn by its template, its elements one after the other."""
    colours = {"ink": INK, "kiosk": KIOSK, "land": LAND, "border": BORDER, "zone_edge": ZONE_EDGE}
    return Picture(filled(template, **colours, **content).replace("\n", ""))


# Return the outlines of a shape as the ``d`` of a path, slightly simplified; whole units do for a
# picture of half the width.
def _path(shape: shapely.Geometry | None, *, coarse: bool = False) -> str:
    polygons = [
        part
        for part in shapely.get_parts(shapely.simplify(shape, 1.5 if coarse else _TOLERANCE))
        if part.geom_type == "Polygon"
    ]
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    if coarse:
        return "".join(map(_steps, rings))
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings
    )


# Return a ring in whole units, each place told from the one before.
def _steps(ring: shapely.LinearRing) -> str:
    places = np.round(shapely.get_coordinates(ring)[:-1]).astype(int)
    steps = np.diff(places, axis=0)
    moves = " ".join(f"{x} {y}" for x, y in steps[steps.any(axis=1)].tolist())
    return f"M{places[0][0]} {places[0][1]}l{moves}z"


def _ticks(last: int) -> list[int]:
    return list(range(0, last + 1, max(1, math.ceil(_round_below(max(last, 1)) / 10))))


# Return the largest of 1, 2, 5, 10, 20, 50 ... that is not above the value (1 at least).
def _round_below(value: float) -> int:
    power = 10 ** max(0, math.floor(math.log10(max(value, 1.0))))
    return next(int(power * digit) for digit in (5, 2, 1) if power * digit <= max(value, 1.0))


# Return a round number, easily cut in four, that leaves room above the value.
def _round_above(value: float) -> float:
    power = 10.0 ** (math.floor(math.log10(value)) - 1)
    return next(
        power * digit
        for digit in (12, 16, 20, 24, 32, 40, 60, 80, 100, 120)
        if power * digit >= value * 1.04
    )
