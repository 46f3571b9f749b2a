"""Which communes a territory is made of: those of départements, EPCI, arrondissements and of a polygon, together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.referentials.errors import ChoiceError, LayerError
from geoguichet.referentials.layers import LONLAT, as_multipolygon, read_layer

_MOST_TOLD = 15


@dataclass(frozen=True, slots=True)
class Choice:
    """The communes of a territory: those of départements, EPCI, arrondissements and within a polygon, together."""

    name: str
    departements: tuple[str, ...] = ()
    epci: tuple[str, ...] = ()
    polygon: shapely.Geometry | None = field(default=None, compare=False)
    """In EPSG:4326; a commune is in when a point of its outline is."""
    arrondissements: tuple[str, ...] = ()
    """Codes of three or four characters: ``093`` for Saint-Girons."""

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
            inside = shapely.intersects(self.polygon, communes.geometry.representative_point().array)
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
                "un polygone, ou des données préparées par « geoguichet init » avec --codes, la liste d'Etalab",
            )
        known = sorted(set(communes[column].dropna()))
        missing = [code for code in codes if code not in set(known)]
        if missing:
            some = ", ".join(known[:_MOST_TOLD]) + (" et d'autres" if len(known) > _MOST_TOLD else "")
            raise ChoiceError(key, f"{column} inconnu : {', '.join(missing)}", f"l'un des codes présents : {some}")


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


def shaped(departements: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, chosen: pd.Series) -> gpd.GeoDataFrame:
    """Return the départements of the chosen communes, with their population and number of communes.

    A département taken whole keeps its outline; one taken in part has the union of its chosen communes.
    """
    members = communes[chosen].groupby("departement")
    partial = in_part(communes, chosen)
    kept = departements[departements["code"].isin(list(members.groups))].reset_index(drop=True)
    shapes = [
        as_multipolygon(shapely.union_all(members.get_group(code).geometry.dropna().array))
        if code in partial
        else outline
        for code, outline in zip(kept["code"], kept.geometry, strict=True)
    ]
    return kept.assign(
        population=kept["code"].map(members["population"].sum()), communes=kept["code"].map(members.size())
    ).set_geometry(gpd.GeoSeries(shapes, crs=LONLAT))
