"""A territory: its départements, its communes, its outline and what lies around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from geoguichet.referentials.errors import LayerError
from geoguichet.referentials.layers import LONLAT, METRIC, check_text, read_layer
from geoguichet.referentials.population import read_communes

DEPARTEMENT_COLUMNS = ("code", "name")


@dataclass(frozen=True, slots=True, eq=False)
class Territory:
    """The ground of a study."""

    name: str
    departements: gpd.GeoDataFrame
    """Its départements (code, name, outline in EPSG:4326), by ascending code."""
    communes: gpd.GeoDataFrame
    """The communes of these départements, by ascending code (contract: ``population.check_communes``)."""
    boundary: shapely.MultiPolygon
    """Union of the départements, in EPSG:4326."""

    @property
    def polygons(self) -> gpd.GeoSeries:
        """The outlines of the communes by code, in EPSG:4326; missing where the source has none."""
        outlines: gpd.GeoSeries = self.communes.set_index("code").geometry
        return outlines

    def buffer(self, distance_m: float) -> shapely.Polygon | shapely.MultiPolygon:
        """Return the territory and what lies within `distance_m` metres of it, in EPSG:4326.

        The distance is measured in EPSG:2154; arcs have 16 segments a quarter, so that the outline is at most
        0.2 % of `distance_m` too near.
        """
        metric = gpd.GeoSeries([self.boundary], crs=LONLAT).to_crs(METRIC).buffer(distance_m)
        outline: shapely.Polygon | shapely.MultiPolygon = metric.to_crs(LONLAT).iloc[0]
        return outline


def read_territory(
    path: Path,
    *,
    name: str,
    departements: Sequence[str],
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

    Raises
    ------
    LayerError
        When no code is given, a code is not in the file or a layer does not keep its contract.
    """
    wanted = sorted(set(departements))
    outlines = read_layer(path, layer=departements_layer, columns=DEPARTEMENT_COLUMNS)
    check_text(outlines, DEPARTEMENT_COLUMNS, where=f"{path}, couche « {departements_layer} »")
    known = sorted(outlines["code"])
    unknown = [code for code in wanted if code not in known]
    if unknown or not wanted:
        problem = f"département inconnu : {', '.join(unknown)}" if unknown else "aucun département demandé"
        raise LayerError(f"{path} : {problem}. Départements présents : {', '.join(known)}.")
    communes = read_communes(path, layer=communes_layer)
    kept = communes[communes["departement"].isin(wanted)].reset_index(drop=True)
    outlines = outlines[outlines["code"].isin(wanted)].sort_values("code", ignore_index=True)
    union = shapely.union_all(outlines.geometry.array)
    boundary = shapely.MultiPolygon([part for part in shapely.get_parts(union) if part.geom_type == "Polygon"])
    return Territory(name=name, departements=outlines, communes=kept, boundary=boundary)


def check_within(frame: gpd.GeoDataFrame, territory: Territory, *, buffer_m: float, where: str) -> None:
    """Raise LayerError when no geometry of `frame` (EPSG:4326) touches the territory or its surroundings.

    A few rows elsewhere are findings (``quality``); all of them elsewhere is another file, or swapped axes.
    """
    area = territory.buffer(buffer_m)
    points = shapely.centroid(frame.geometry.array[~frame.geometry.isna()])
    if shapely.intersects(area, points).any():
        return
    swapped = shapely.transform(points, lambda xy: np.ascontiguousarray(xy[:, ::-1]))
    if shapely.intersects(area, swapped).any():
        raise LayerError(
            f"{where} : longitude et latitude sont inversées ; la longitude (x) vient d'abord en EPSG:4326."
        )
    raise LayerError(
        f"{where} : aucune ligne n'est située dans le territoire « {territory.name} » ni à moins de "
        f"{buffer_m / 1000:g} km ; vérifiez le fichier et son système de coordonnées."
    )
