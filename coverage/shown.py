"""How an answer shows itself to who works with it: one line, a table, a picture, a map, a file."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely
from pyogrio.errors import DataSourceError

from geoguichet.coverage.errors import OutputError
from geoguichet.floor.files import refused, whole
from geoguichet.floor.words import Message, number
from geoguichet.referentials.layers import LONLAT

if TYPE_CHECKING:
    import folium

#: How each layer is drawn: its fill, how opaque it is, and the radius of its points.
_DRAWN = {
    "ground": ("#eceae4", 1.0, 3),
    "isochrones": ("#2f6f8f", 0.35, 4),
    "catchments": ("#8fa8b8", 0.35, 4),
    "white_zones": ("#b4432f", 0.55, 4),
    "zones": ("#b4432f", 0.55, 4),
    "communes": ("#8fa8b8", 0.35, 3),
    "demand": ("#5b6470", 0.5, 1.5),
    "people": ("#5b6470", 0.5, 1.5),
    "services": ("#1d4f91", 0.9, 4),
    "counters": ("#1d4f91", 0.9, 4),
    "kiosks": ("#0d7f5f", 1.0, 6),
}
_USUAL = "#5b6470", 0.6, 4
#: Drawn by a point each, whatever their ground: there are many, and the zones tell the ground.
_BY_POINTS = ("demand", "people")
_WIDTH, _MARGIN = 1000.0, 12.0
#: What is left out of a drawing: about one of its units, which no eye tells apart.
_TOLERANCE = 0.8


class Picture(str):
    """A drawing (SVG) as text, which notebooks show."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


class Shown(ABC):
    """An answer made of layers.

    Its ``layers`` are GeoDataFrames by name, in the order they are drawn; its ``table`` tells the
    main figures.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """The layers, by name, in the order they are drawn: each in its own CRS."""

    @property
    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The main figures, as a table."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """The answer in one sentence."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} : {self.headline}>"

    def _repr_html_(self) -> str:
        table = self.table.head(20).to_html(float_format=_figure)
        return f"<p>{escape(self.headline)}</p>{table}{self.plot()}"

    def plot(self, *layers: str) -> Picture:
        """Draw the layers (all of them, or those named) as one picture, north up, in an equal-area
        projection: text (SVG), which a notebook shows and a page can hold.
        """
        frames = {name: _located(frame) for name, frame in self._chosen(layers).items()}
        for name in {*frames} & {*_BY_POINTS}:
            frames[name] = frames[name].set_geometry(frames[name].representative_point())
        extent = pd.concat([frame.geometry for frame in frames.values()])
        if extent.empty:
            return Picture("<svg xmlns='http://www.w3.org/2000/svg'/>")
        west, south, east, north = extent.total_bounds
        crs = f"+proj=laea +lon_0={(west + east) / 2:.3f} +lat_0={(south + north) / 2:.3f}"
        left, bottom, right, top = extent.to_crs(crs).total_bounds
        scale = (_WIDTH - 2 * _MARGIN) / max(right - left, top - bottom, 1.0)
        matrix = [scale, 0, 0, -scale, _MARGIN - left * scale, _MARGIN + top * scale]
        size = f"{(right - left) * scale + 2 * _MARGIN:.0f} {(top - bottom) * scale + 24:.0f}"
        drawn = [
            f'<g fill="{fill}" fill-opacity="{opacity}" stroke="{fill}" fill-rule="evenodd">'
            f"<title>{escape(name)}</title>{''.join(dict.fromkeys(_drawn(frame, crs, matrix, radius)))}</g>"
            for name, frame in frames.items()
            for fill, opacity, radius in [_DRAWN.get(name, _USUAL)]
        ]
        drawn += [
            f'<text x="12" y="{24 + 18 * row}" fill="{_DRAWN.get(name, _USUAL)[0]}" '
            f'font-size="15" font-family="sans-serif">{escape(name)} ({len(frame)})</text>'
            for row, (name, frame) in enumerate(frames.items())
        ]
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" '
            f'style="max-width:{_WIDTH:.0f}px"><title>{escape(self.headline)}</title>'
            f"{''.join(drawn)}</svg>"
        )

    def explore(self, *layers: str, tiles: str | None = "OpenStreetMap") -> "folium.Map":
        """Return the layers (all of them, or those named) as an interactive map (folium): each can
        be shown or hidden, each row tells its columns.

        ``tiles`` is the background that the browser fetches when the map is looked at, as folium
        names it; None for none.
        """
        import folium

        page = folium.Map(tiles=tiles)
        bounds = []
        for name, frame in self._chosen(layers).items():
            frame = _located(frame)
            if frame.empty:
                continue
            fill, opacity, radius = _DRAWN.get(name, _USUAL)
            look = {"color": fill, "weight": 1, "fillOpacity": opacity}
            rows = frame.reset_index(names="label" if "id" in frame.columns else "id")
            columns = [column for column in rows.columns if column != rows.geometry.name]
            rows = rows.astype(dict.fromkeys(columns, str))
            folium.GeoJson(
                rows.to_json(),
                name=name,
                style_function=lambda _, look=look: look,
                marker=folium.CircleMarker(radius=radius, fill=True),
                tooltip=folium.GeoJsonTooltip(columns),
            ).add_to(page)
            bounds.append(frame.total_bounds)
        folium.LayerControl().add_to(page)
        if bounds:
            west, south, east, north = (list(column) for column in zip(*bounds, strict=True))
            page.fit_bounds([[min(south), min(west)], [max(north), max(east)]])
        return page

    def to_file(self, path: str | Path) -> Path:
        """Write the layers to a GeoPackage, each under its name with its labels as the column
        ``id`` (``label`` where there is one already), and return its path: whole, or not at all.

        Raises
        ------
        OutputError
            The name does not end in ``.gpkg``, or the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".gpkg":
            raise OutputError(
                Message(
                    "{file} : plusieurs couches tiennent dans un GeoPackage ; essayez : {other}.",
                    file=path.name,
                    other=path.with_suffix(".gpkg").name,
                )
            )
        with written(path) as draft:
            for name, frame in self.layers.items():
                labels = "label" if "id" in frame.columns else "id"
                rows = frame.reset_index(names=labels)
                rows.to_file(draft, layer=name, driver="GPKG")
        return path

    def _chosen(self, names: tuple[str, ...]) -> dict[str, gpd.GeoDataFrame]:
        unknown = [name for name in names if name not in self.layers]
        if unknown:
            raise OutputError(
                Message(
                    "aucune couche ne s'appelle {name} ; essayez : {known}.",
                    name=repr(unknown[0]),
                    known=", ".join(self.layers),
                )
            )
        return {name: frame for name, frame in self.layers.items() if not names or name in names}


def _figure(value: float) -> str:
    return number(value, 0 if float(value).is_integer() else 3)


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Lend a place to write a file in; it takes the file's place once it is whole.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    why = Message("{file} : le fichier n'a pas pu être écrit ({why}).", file=path)
    errors = DataSourceError, OSError
    with (
        refused(*errors, kind=OutputError, say=lambda error: str(why.given(why=error))),
        whole(path) as draft,
    ):
        yield draft


# Return the rows that have a place, in degrees.
def _located(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    return frame[[*frame.columns]].to_crs(LONLAT)


# Yield the elements of a layer: circles for points, paths for surfaces, holes kept. What falls on
# one unit of the drawing is the same text, and is drawn once.
def _drawn(frame: gpd.GeoDataFrame, crs: str, matrix: list[float], radius: float) -> Iterator[str]:
    shapes = frame.geometry.to_crs(crs).affine_transform(matrix)
    for part in shapely.get_parts(shapely.simplify(shapes.to_numpy(), _TOLERANCE)):
        if part.geom_type == "Point":
            yield f'<circle cx="{part.x:.0f}" cy="{part.y:.0f}" r="{radius}"/>'
        elif part.geom_type == "Polygon":
            rings = (part.exterior, *part.interiors)
            lines = ["L".join(f"{x:.0f} {y:.0f}" for x, y in ring.coords[:-1]) for ring in rings]
            yield '<path d="' + "".join(f"M{line}Z" for line in lines) + '"/>'
