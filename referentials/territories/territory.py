"""A territory: its départements, its communes and their people, its outline and what lies around
it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geoguichet.floor.errors import ChoiceError, LayerError
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import (
    LONLAT,
    as_multipolygon,
    check_columns,
    check_text,
    mended,
    metric_of,
    path_of,
    read_layer,
)
from geoguichet.referentials.territories import sample

# The inhabitants of the communes, in all and by group.


#: What a layer of communes must have; other columns are carried along.
COMMUNE_COLUMNS = ("code", "name", "departement", "epci", "population")

#: The columns that count people, and their name in a sentence. A group may be unknown (NaN) for a
#: commune.
GROUPS: Mapping[str, Message] = MappingProxyType(
    {
        "population": Message("habitants"),
        "pop_65_plus": Message("personnes de 65 ans et plus"),
        "pop_under_20": Message("personnes de moins de 20 ans"),
    }
)


def group_label(column: str) -> str:
    """Return what a group of people is called; one of the reader's own is called by its column."""
    return str(GROUPS.get(column, column))


def read_communes(path: Path, *, layer: str = "communes") -> gpd.GeoDataFrame:
    """Read the communes and their inhabitants, in EPSG:4326, by ascending code.

    Raises
    ------
    LayerError
        When the layer cannot be read or does not keep the contract of `check_communes`.
    """
    communes = read_layer(path, layer=layer, columns=COMMUNE_COLUMNS)
    check_communes(communes, where=f"{path}, couche « {layer} »")
    return mended(communes).sort_values("code", ignore_index=True)


def check_communes(communes: gpd.GeoDataFrame, *, where: str = "communes") -> None:
    """Raise LayerError, with the offending codes, unless `communes` keeps its contract.

    ``code``         INSEE code (text), unique
    ``name``         text
    ``departement``  code of its département (text)
    ``epci``         SIREN of its intercommunality (text); may be missing
    ``population``   inhabitants, a number >= 0; unknown for some communes (a finding), not for all
    ``geometry``     polygon or multipolygon; may be missing, or cross itself (a finding: `mended`)

    Other columns of ``GROUPS`` are numbers >= 0 where they are there and known.
    """
    check_columns(communes, COMMUNE_COLUMNS, where=where)
    check_text(communes, ("code", "name", "departement"), where=where)
    codes = communes["code"]
    _refuse(
        codes[communes["name"].isna() | communes["departement"].isna()],
        "nom ou département absent",
        where=where,
    )
    if not pd.api.types.is_numeric_dtype(communes["population"]):
        raise LayerError(
            f"{where} : la colonne « population » contient du texte ; des nombres sont attendus."
        )
    _refuse(codes[codes.isna() | codes.duplicated()], "code absent ou répété", where=where)
    if communes["population"].isna().all():
        _refuse(codes, "population inconnue", where=where)
    for column in GROUPS:
        if column in communes.columns:
            _refuse(codes[communes[column] < 0], f"valeur négative dans « {column} »", where=where)
    kinds = communes.geom_type
    _refuse(
        codes[~(kinds.isna() | kinds.isin(["Polygon", "MultiPolygon"]))],
        "géométrie qui n'est pas un polygone",
        where=where,
    )


# Raise LayerError naming the first of `codes`, if there are any.
def _refuse(codes: pd.Series, problem: str, *, where: str) -> None:
    if len(codes):
        shown = ", ".join(str(code) for code in codes[:5]) + (", ..." if len(codes) > 5 else "")
        raise LayerError(f"{where} : {problem} pour {len(codes)} commune(s) : {shown}.")


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
    """Return the rows of a layer that were made again, with what was made of them; its other
    columns and its order are kept.
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
    return completed(
        departements,
        dissolved(
            communes[chosen],
            "departement",
            outlines=dict(zip(whole["code"], whole.geometry, strict=True)),
        ),
    )


DEPARTEMENT_COLUMNS = ("code", "name")


@dataclass(frozen=True, slots=True, eq=False)
class Territory:
    """The ground of a study, as :func:`~geoguichet.territory_of` gives it (its errors are there):
    ``name``, ``departements``, ``communes``, ``boundary`` (degrees, EPSG:4326) and ``partial``.

    Examples
    --------
    After the example of :func:`~geoguichet.territory_of`:

    >>> region
    Territory(name='Midi-Pyrénées', partial=frozenset())
    >>> region.metric, len(region.polygons), region.has(["09122", "75056"]).tolist()
    ('EPSG:2154', 2944, [True, False])
    """

    name: str
    #: Its départements (code, name, outline in EPSG:4326), by ascending code; of one taken in part,
    #: only that part.
    departements: gpd.GeoDataFrame = field(repr=False)
    #: Its communes, by ascending code (contract: ``population.check_communes``).
    communes: gpd.GeoDataFrame = field(repr=False)
    #: Union of the départements, in EPSG:4326.
    boundary: shapely.MultiPolygon = field(repr=False)
    #: Codes of the départements of which only some communes are in the territory; their name says
    #: it.
    partial: frozenset[str] = frozenset()

    @property
    def polygons(self) -> gpd.GeoSeries:
        """The outlines of the communes by code, in EPSG:4326; missing where the source has none."""
        return _by_code(self)

    @property
    def metric(self) -> str:
        """The system in which lengths are measured here: ``EPSG:2975`` at La Réunion."""
        return metric_of(self.boundary.bounds)

    def has(self, codes: pd.Series) -> npt.NDArray[np.bool_]:
        """Return which codes are those of its communes (``Series.isin`` makes thousands of scalars
        for as many communes).
        """
        return np.asarray(self.polygons.index.get_indexer(codes) >= 0)

    def near(self, points: gpd.GeoSeries, distance_m: float) -> pd.Series:
        """Return which points (EPSG:4326) are within `distance_m` metres of the territory, measured
        in its own system; a missing one is not.
        """
        ground = _in_metres(self.boundary, self.metric)
        found = shapely.dwithin(ground, points.to_crs(self.metric).array, distance_m)
        return pd.Series(found, points.index)


# Return the outlines by code, under one index: to make it anew at each question costs more than all
# the questions of a country.
@lru_cache(maxsize=1)
def _by_code(territory: Territory) -> gpd.GeoSeries:
    return territory.communes.set_index("code").geometry


# Return a ground in metres, ready to be asked; a study asks of the same one several times.
@lru_cache(maxsize=4)
def _in_metres(ground: shapely.MultiPolygon, metric: str) -> shapely.Geometry:
    (metres,) = gpd.GeoSeries([ground], crs=LONLAT).to_crs(metric)
    shapely.prepare(metres)
    return metres


@lru_cache(maxsize=1)
def outlines_in_metres(territory: Territory) -> gpd.GeoSeries:
    """Return the outlines of the communes by code, in the system in which lengths are measured."""
    return territory.polygons.to_crs(territory.metric)


# Which outlines (drawn ones, by code) cross a neighbour's: few do, and all the others can be united
# by dropping the borders they share.
@lru_cache(maxsize=1)
def crossing(territory: Territory) -> pd.Series:
    """Return which of the outlines of a territory, by code, overlap another's or leave the border
    they share; those that are not drawn are left out.
    """
    drawn = territory.polygons.dropna()
    drawn = drawn[~drawn.is_empty].sort_index()
    edges = shapely.coverage_invalid_edges(drawn.to_numpy())
    return pd.Series(~shapely.is_empty(edges), drawn.index)


def united(territory: Territory, codes: Iterable[str] | None = None) -> shapely.Geometry:
    """Return the ground that the communes of a territory cover, or those of these codes."""
    wrong = crossing(territory)
    wrong = wrong if codes is None else wrong.reindex(pd.Index(codes)).dropna().astype(bool)
    shapes = territory.polygons[wrong.index].to_numpy()
    shared = shapely.coverage_union_all(shapes[~wrong.to_numpy()])
    return shapely.union_all([shared, *shapes[wrong.to_numpy()]]) if wrong.any() else shared


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
    outlines = mended(outlines)
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
    """Return all the départements of a GeoPackage, which stands at ``where``: ``sample``, or the path
    of a file. Outlines are in EPSG:4326.

    Raises
    ------
    LayerError
        When a layer is missing or does not keep its contract.

    Examples
    --------
    >>> region = territory_of("sample")
    >>> region.departements["code"].tolist(), int(region.communes["population"].sum())
    (['09', '12', '31', '32', '46', '65', '81', '82'], 3034719)
    """
    path = path_of(where)
    return read_territory(
        path,
        name=sample.NAME if where == "sample" else path.stem,
        departements=read_layer(path, layer="departements", columns=("code",))["code"].tolist(),
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
    points = shapely.centroid(frame.geometry.array[~frame.geometry.isna()])
    if territory.near(gpd.GeoSeries(points, crs=LONLAT), buffer_m).any():
        return
    swapped = shapely.transform(points, lambda xy: np.ascontiguousarray(xy[:, ::-1]))
    if territory.near(gpd.GeoSeries(swapped, crs=LONLAT), buffer_m).any():
        raise LayerError(
            f"{where} : longitude et latitude sont inversées ; la longitude (x) vient d'abord en "
            "EPSG:4326."
        )
    raise LayerError(
        f"{where} : aucune ligne n'est située dans le territoire « {territory.name} » ni à "
        "moins de "
        f"{buffer_m / 1000:g} km ; vérifiez le fichier et son système de coordonnées."
    )


# -- people counted by part, against a known total


def ground_findings(
    communes: gpd.GeoDataFrame, wholes: gpd.GeoDataFrame, column: str, *, layer: str
) -> list[Finding]:
    """Return the territories (code, name, population) whose communes do not add up to them
    (``sum-mismatch``).
    """
    people = communes.groupby(column)["population"]
    return [
        finding
        for row in wholes[
            wholes["code"].isin(list(people.groups)) & wholes["population"].notna()
        ].itertuples()
        for finding in population_findings(
            people.get_group(row.code), row.population, what=str(row.name), layer=layer
        )
    ]


def population_findings(
    people: pd.Series, total: float, *, what: str, layer: str, tolerance: float = 0.01
) -> list[Finding]:
    """Return a finding when people counted by part do not add up to a known total (rule
    ``sum-mismatch``).
    """
    found = float(people.sum())
    gap = found - total
    if abs(gap) <= tolerance * max(total, 1):
        return []
    return [
        Finding(
            "sum-mismatch",
            layer,
            "",
            (
                f"{what} : la somme des parties fait {found:.0f}, le total annoncé {total:.0f} "
                f"(écart {gap:+.0f})."
            ),
            "error",
            remedy="Vérifiez le millésime et les parties absentes.",
        )
    ]
