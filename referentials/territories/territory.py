"""A territory: its départements, its communes, its outline and what lies around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.errors import ChoiceError, LayerError
from geoguichet.referentials.layers import LONLAT, METRIC, as_multipolygon, check_text, read_layer
from geoguichet.referentials.territories import sample
from geoguichet.referentials.territories.population import read_communes

# Which communes a territory is made of: those of départements, EPCI, arrondissements and of a
# polygon, together.

_MOST_TOLD = 15


@dataclass(frozen=True, slots=True)
class Choice:
    """The communes of a territory: those of départements, EPCI, arrondissements and within a
    polygon, together.
    """

    name: str
    departements: tuple[str, ...] = ()
    epci: tuple[str, ...] = ()
    #: In EPSG:4326; a commune is in when a point of its outline is.
    polygon: shapely.Geometry | None = field(default=None, compare=False)
    #: Codes of three or four characters: ``093`` for Saint-Girons.
    arrondissements: tuple[str, ...] = ()

    def communes(self, communes: gpd.GeoDataFrame) -> pd.Series:
        """Return which communes (columns code, departement, epci, geometry) are chosen.

        Raises
        ------
        ChoiceError
            When a code is not there, or nothing is chosen.
        """
        chosen = pd.Series(False, index=communes.index)
        for key, column, codes in (
            ("departements", "departement", self.departements),
            ("epci", "epci", self.epci),
            ("arrondissements", "arrondissement", self.arrondissements),
        ):
            if codes:
                self._check(key, column, codes, communes)
                chosen |= communes[column].isin(codes)
        if self.polygon is not None:
            shapely.prepare(self.polygon)
            inside = shapely.intersects(
                self.polygon, communes.geometry.representative_point().array
            )
            if not inside.any():
                raise ChoiceError(
                    "polygon",
                    "aucune commune n'est dans ce polygone",
                    "un polygone qui touche les communes",
                )
            chosen |= inside
        if not chosen.any():
            raise ChoiceError(
                "",
                f"le territoire « {self.name} » n'a aucune commune",
                "donnez des départements, des EPCI, des arrondissements ou un polygone",
            )
        return chosen

    @staticmethod
    def _check(key: str, column: str, codes: tuple[str, ...], communes: gpd.GeoDataFrame) -> None:
        if column not in communes.columns:
            raise ChoiceError(
                key,
                f"les communes ne disent pas leur {column}",
                "un polygone, ou des données préparées par « geoguichet init » avec --codes, la "
                "liste d'Etalab",
            )
        known = sorted(set(communes[column].dropna()))
        missing = [code for code in codes if code not in set(known)]
        if missing:
            some = ", ".join(known[:_MOST_TOLD]) + (
                " et d'autres" if len(known) > _MOST_TOLD else ""
            )
            raise ChoiceError(
                key, f"{column} inconnu : {', '.join(missing)}", f"l'un des codes présents : {some}"
            )


def read_polygon(path: Path) -> shapely.Geometry:
    """Return the union of the surfaces of a file, in EPSG:4326.

    Raises
    ------
    LayerError
        When the file cannot be read or has no surface.
    """
    frame = read_layer(path)
    surfaces = frame.geometry[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
    if surfaces.empty:
        raise LayerError(f"{path} : aucun polygone ; une couche de surfaces est attendue.")
    return shapely.union_all(shapely.make_valid(surfaces.array))


def in_part(communes: gpd.GeoDataFrame, chosen: pd.Series) -> frozenset[str]:
    """Return the codes of the départements of which some communes are chosen and some are not."""
    share = chosen.groupby(communes["departement"]).mean()
    return frozenset(str(code) for code in share.index[(share > 0) & (share < 1)])


def dissolved(
    communes: gpd.GeoDataFrame, by: str, *, outlines: Mapping[str, shapely.Geometry] | None = None
) -> gpd.GeoDataFrame:
    """Return what communes make together, by ascending code: code, population, communes (how many)
    and geometry, the union of their outlines.

    Parameters
    ----------
    by
        The column of the code they have in common.
    outlines
        Outlines to take rather than a union, by code.
    """
    members, known = communes.groupby(by), outlines or {}
    codes = list(members.groups)
    shapes = [
        known[code]
        if code in known
        else shapely.union_all(members.get_group(code).geometry.dropna().array)
        for code in codes
    ]
    return gpd.GeoDataFrame(
        {
            "code": pd.Series(codes, dtype=object),
            "population": members["population"].sum().array,
            "communes": members.size().array,
        },
        geometry=[as_multipolygon(shape) for shape in shapes],
        crs=LONLAT,
    )


def completed(layer: gpd.GeoDataFrame, made: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the rows of a layer that were made again, with what was made of them; its other columns
    and its order are kept.
    """
    kept = layer[layer["code"].isin(made["code"])].reset_index(drop=True)
    new = made.set_index("code").loc[kept["code"]].reset_index(drop=True)
    return kept.assign(population=new["population"], communes=new["communes"]).set_geometry(
        new.geometry
    )


def shaped(
    departements: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, chosen: pd.Series
) -> gpd.GeoDataFrame:
    """Return the départements of the chosen communes, with their population and number of communes.

    A département taken whole keeps its outline; one taken in part has the union of its chosen
    communes.
    """
    whole = departements[~departements["code"].isin(in_part(communes, chosen))]
    own = dict(zip(whole["code"], whole.geometry, strict=True))
    return completed(departements, dissolved(communes[chosen], "departement", outlines=own))


DEPARTEMENT_COLUMNS = ("code", "name")


@dataclass(frozen=True, slots=True, eq=False)
class Territory:
    """The ground of a study."""

    name: str
    #: Its départements (code, name, outline in EPSG:4326), by ascending code; of one taken in part,
    #: only that part.
    departements: gpd.GeoDataFrame
    #: Its communes, by ascending code (contract: ``population.check_communes``).
    communes: gpd.GeoDataFrame
    #: Union of the départements, in EPSG:4326.
    boundary: shapely.MultiPolygon
    #: Codes of the départements of which only some communes are in the territory; their name says
    #: it.
    partial: frozenset[str] = frozenset()

    @property
    def polygons(self) -> gpd.GeoSeries:
        """The outlines of the communes by code, in EPSG:4326; missing where the source has none."""
        outlines: gpd.GeoSeries = self.communes.set_index("code").geometry
        return outlines

    def buffer(self, distance_m: float) -> shapely.Polygon | shapely.MultiPolygon:
        """Return the territory and what lies within `distance_m` metres of it, in EPSG:4326.

        The distance is measured in EPSG:2154; arcs have 16 segments a quarter, so that the outline
        is at most 0.2 % of `distance_m` too near.
        """
        metric = gpd.GeoSeries([self.boundary], crs=LONLAT).to_crs(METRIC).buffer(distance_m)
        outline: shapely.Polygon | shapely.MultiPolygon = metric.to_crs(LONLAT).iloc[0]
        return outline


def read_territory(
    path: Path,
    *,
    name: str,
    departements: Sequence[str] = (),
    choice: Choice | None = None,
    communes_layer: str = "communes",
    departements_layer: str = "departements",
) -> Territory:
    """Read a territory from a file that has a layer of communes and a layer of départements.

    Parameters
    ----------
    path
        A GeoPackage such as the embedded sample.
    name
        What the territory is called in titles.
    departements
        Codes of its départements: ``["09", "12"]``.
    choice
        Any other union of communes, instead of ``departements``.

    Raises
    ------
    ChoiceError
        The choice names what is not in the file, or no commune with an outline.
    LayerError
        When no code is given, a code is not in the file or a layer does not keep its contract.
    """
    outlines = read_layer(path, layer=departements_layer, columns=DEPARTEMENT_COLUMNS)
    check_text(outlines, DEPARTEMENT_COLUMNS, where=f"{path}, couche « {departements_layer} »")
    if choice is None:
        _check_departements(departements, outlines, path)
    communes = read_communes(path, layer=communes_layer)
    if choice is not None:
        return _chosen(replace(choice, name=name), communes, outlines)
    kept = communes[communes["departement"].isin(list(departements))].reset_index(drop=True)
    outlines = outlines[outlines["code"].isin(list(departements))].sort_values(
        "code", ignore_index=True
    )
    return Territory(name, outlines, kept, _border(outlines))


def territory_of(where: str) -> Territory:
    """Return all the départements of a GeoPackage: ``sample``, or the path of a file.

    Raises
    ------
    LayerError
        When a layer is missing or does not keep its contract.
    """
    path = sample.path_of(where)
    codes = read_layer(path, layer="departements", columns=("code",))["code"].tolist()
    return read_territory(
        path, name=sample.NAME if where == "sample" else path.stem, departements=codes
    )


def _check_departements(wanted: Sequence[str], outlines: gpd.GeoDataFrame, path: Path) -> None:
    known = sorted(outlines["code"])
    unknown = sorted({code for code in wanted if code not in known})
    if unknown or not wanted:
        problem = (
            f"département inconnu : {', '.join(unknown)}"
            if unknown
            else "aucun département demandé"
        )
        raise LayerError(f"{path} : {problem}. Départements présents : {', '.join(known)}.")


def _chosen(choice: Choice, communes: gpd.GeoDataFrame, outlines: gpd.GeoDataFrame) -> Territory:
    chosen = choice.communes(communes)
    partial = in_part(communes, chosen)
    kept = shaped(outlines, communes, chosen).sort_values("code", ignore_index=True)
    names = kept["name"].where(~kept["code"].isin(partial), kept["name"] + " (partie)")
    border = _border(kept)
    if border.is_empty:
        raise ChoiceError(
            "",
            f"aucune commune du territoire « {choice.name} » n'a de contour",
            "d'autres communes",
        )
    return Territory(
        choice.name,
        kept.assign(name=names),
        communes[chosen].reset_index(drop=True),
        border,
        partial,
    )


def _border(outlines: gpd.GeoDataFrame) -> shapely.MultiPolygon:
    return as_multipolygon(shapely.union_all(outlines.geometry.array))


def check_within(
    frame: gpd.GeoDataFrame, territory: Territory, *, buffer_m: float, where: str
) -> None:
    """Raise LayerError when no geometry of `frame` (EPSG:4326) touches the territory or its
    surroundings.

    A few rows elsewhere are findings (``quality``); all of them elsewhere is another file, or
    swapped axes.
    """
    area = territory.buffer(buffer_m)
    points = shapely.centroid(frame.geometry.array[~frame.geometry.isna()])
    if shapely.intersects(area, points).any():
        return
    swapped = shapely.transform(points, lambda xy: np.ascontiguousarray(xy[:, ::-1]))
    if shapely.intersects(area, swapped).any():
        raise LayerError(
            f"{where} : longitude et latitude sont inversées ; la longitude (x) vient d'abord en "
            "EPSG:4326."
        )
    raise LayerError(
        f"{where} : aucune ligne n'est située dans le territoire « {territory.name} » ni à "
        "moins de "
        f"{buffer_m / 1000:g} km ; vérifiez le fichier et son système de coordonnées."
    )
