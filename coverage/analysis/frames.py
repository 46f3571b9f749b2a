"""The analyst's own frames, of any system of coordinates and any column names, made the tables that
the engine reads; what is mistaken in them is refused in one sentence.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.coverage.access.demand import ground_of
from geoguichet.coverage.errors import FrameError
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.hours import weekly_hours
from geoguichet.referentials.layers import LONLAT, METRIC_SYSTEMS, as_multipolygon, metric_of
from geoguichet.referentials.territories.territory import Territory

#: Columns that are recognised by their name when none is given, whatever their capitals.
KNOWN = {
    "weight": ("people", "population", "pop", "habitants", "nb_hab", "pmun", "ptot", "ind"),
    "name": ("name", "nom", "label", "libelle", "libellé", "nom_com", "libgeo"),
    "type": ("type", "kind", "nature", "categorie", "catégorie", "category"),
    "hours": ("hours", "opening_hours", "horaires"),
    "hours_per_week": ("hours_per_week", "heures_par_semaine"),
    "commune": ("commune", "insee", "code_insee", "codgeo"),
    "departement": ("departement", "département", "dep"),
    "epci": ("epci", "code_epci"),
}
_SHOWN = 5
#: Into how many lengths the longest line of an area is cut before it is put in degrees.
_SEGMENTS = 500
#: Ground around points whose area nobody gives: half their mean spacing, and so much at least.
_LEAST_AROUND_M = 500.0


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A frame of the analyst's, and what the engine reads of it.

    ``frame`` is theirs, untouched. ``table`` holds its points in EPSG:4326, indexed by the text of
    their labels, in the same order. ``shapes`` are its surfaces where it has any.
    """

    what: str
    frame: gpd.GeoDataFrame
    table: gpd.GeoDataFrame
    shapes: gpd.GeoSeries | None
    #: What was recognised, in sentences.
    told: tuple[str, ...] = ()

    @property
    def located(self) -> np.ndarray:
        """Which rows have a place (booleans, in their order)."""
        places = self.table.geometry
        return np.asarray(~(places.isna() | places.is_empty))

    def labels(self, ids: pd.Series) -> pd.Series:
        """Return the analyst's own labels of rows named by their text; missing where it is empty."""
        own = pd.Series(self.frame.index.to_numpy(), index=self.table.index)
        return ids.map(own).convert_dtypes().set_axis(ids.index)

    def with_columns(self, answer: pd.DataFrame, *names: str) -> gpd.GeoDataFrame:
        """Return their frame with columns of an answer on the same rows."""
        columns = {name: answer[name].reindex(self.table.index).to_numpy() for name in names}
        return self.frame.assign(**columns)

    def column(self, role: str, name: str | None) -> str:
        """Return the column of a role: the one named, else the only one whose name says it; empty
        when none does.

        Raises
        ------
        FrameError
            The column named is not there, or several have a name that says it.
        """
        columns = [str(column) for column in self.frame.columns]
        if name is not None:
            name = str(name)
            if name not in columns:
                close = difflib.get_close_matches(name, columns, n=3) or columns
                raise FrameError(
                    Message(
                        "{what} : la colonne {name} n'existe pas ; essayez {role}= avec l'une de "
                        "celles-ci : {columns}.",
                        what=self.what,
                        name=repr(name),
                        role=role,
                        columns=", ".join(close),
                    )
                )
            return name
        found = [column for column in columns if column.lower() in KNOWN[role]]
        exact = [column for column in found if column == KNOWN[role][0]]
        if len(found) > 1 and not exact:
            raise FrameError(
                Message(
                    "{what} : plusieurs colonnes conviennent ({columns}) ; choisissez-en une : "
                    '{role}="{first}".',
                    what=self.what,
                    columns=", ".join(found),
                    role=role,
                    first=found[0],
                )
            )
        return (exact or found or [""])[0]

    def refuse_rows(self, wrong: pd.Series | np.ndarray, why: Message) -> None:
        """Raise a FrameError that names the first rows of which a sentence is true."""
        rows = self.frame.index[np.asarray(wrong, dtype=bool)]
        if len(rows):
            more = ", …" if len(rows) > _SHOWN else ""
            told = ", ".join(map(str, rows[:_SHOWN])) + more
            raise FrameError(why.given(what=self.what, n=len(rows), rows=told))


def given(frame: object, what: str, *, surfaces: bool = False) -> Given:
    """Check a frame of the analyst's and return it with its points in degrees.

    Parameters
    ----------
    frame
        A GeoDataFrame; a GeoSeries of points will do where no column is read.
    what
        What the argument is called, for the sentences.
    surfaces
        Whether polygons may stand for points: a point inside stands for each.

    Raises
    ------
    FrameError
        It is no GeoDataFrame, has no row, no system of coordinates, no place at all, labels that
        repeat, lines or surfaces or several points a row, or coordinates that cannot be theirs.
    """
    own = _frame(frame, what)
    kinds = own.geometry.geom_type
    several = kinds.eq("MultiPoint") & (shapely.get_num_geometries(own.geometry.array) > 1)
    index = pd.Index([str(label) for label in own.index], name="id").astype(object)
    bare = Given(what, own, own.set_axis(index).rename(columns=str), None)
    polygons, points = kinds.isin(["Polygon", "MultiPolygon"]), kinds.isin(["Point", "MultiPoint"])
    for wrong, why in (
        (
            own.index.duplicated(keep=False) | index.duplicated(keep=False),
            Message(
                "{what} : l'index répète {rows} ; essayez {what}.reset_index(drop=True), chaque "
                "ligne a besoin d'un nom à elle."
            ),
        ),
        (
            several,
            Message(
                "{what} : {n} ligne(s) sont des MultiPoint de plusieurs points ({rows}) ; essayez "
                "{what}.explode(ignore_index=True)."
            ),
        ),
        (
            polygons & (not surfaces),
            Message(
                "{what} : {n} ligne(s) sont des surfaces ({rows}), des points sont attendus ; "
                "essayez {what}.set_geometry({what}.representative_point())."
            ),
        ),
        (
            ~(kinds.isna() | polygons | points) | (points & bool(polygons.any())),
            Message(
                "{what} : {n} ligne(s) n'ont pas la géométrie des autres ou ne sont ni point ni "
                "surface ({rows}) ; donnez une seule sorte de géométrie."
            ),
        ),
    ):
        bare.refuse_rows(wrong, why)
    return _placed(bare, polygons.any())


# Return it as a GeoDataFrame that has rows, places and a system of coordinates.
def _frame(frame: object, what: str) -> gpd.GeoDataFrame:
    if isinstance(frame, gpd.GeoSeries):
        frame = gpd.GeoDataFrame(geometry=frame)
    if not isinstance(frame, gpd.GeoDataFrame):
        remedy = (
            'geopandas.GeoDataFrame(df, geometry=geopandas.points_from_xy(df["lon"], df["lat"]), '
            'crs="EPSG:4326")'
            if isinstance(frame, pd.DataFrame)
            else "geopandas.read_file(…)"
        )
        raise FrameError(
            Message(
                "{what} : un GeoDataFrame est attendu, un {came} est donné ; essayez {remedy}.",
                what=what,
                came=type(frame).__name__,
                remedy=remedy,
            )
        )
    if frame.empty or frame.active_geometry_name is None or frame.geometry.isna().all():
        raise FrameError(
            Message(
                "{what} : aucune ligne n'a de place (lignes : {n}) ; vérifiez le filtre ou la "
                'jointure d\'où il vient, et set_geometry("…").',
                what=what,
                n=len(frame),
            )
        )
    if frame.crs is None:
        raise FrameError(
            Message(
                "{what} : le système de coordonnées manque ; essayez {what}.set_crs({crs}), avec "
                "celui de ses nombres.",
                what=what,
                crs='"EPSG:4326"' if np.abs(frame.total_bounds).max() <= 180 else '"EPSG:2154"',
            )
        )
    return frame


# Put the points of a frame in degrees, those of its surfaces inside them.
def _placed(bare: Given, surfaces: bool) -> Given:
    degrees = bare.frame.geometry.to_crs(LONLAT).set_axis(bare.table.index)
    x, y = (degrees.bounds[["minx", "miny"]].to_numpy()).T
    empty = (degrees.isna() | degrees.is_empty).to_numpy()
    swapped = ~empty & ~_in_france(x, y) & _in_france(y, x)
    bare.refuse_rows(
        swapped,
        Message(
            "{what} : longitude et latitude sont inversées pour {n} ligne(s) ({rows}) ; la longitude "
            'vient d\'abord : points_from_xy(df["lon"], df["lat"]).'
        ),
    )
    bare.refuse_rows(
        ~empty & ~((np.abs(x) <= 180) & (np.abs(y) <= 90)),
        Message(
            "{what} : {n} ligne(s) ont des coordonnées qui ne sont pas celles du système déclaré "
            '({rows}) ; essayez set_crs("EPSG:2154", allow_override=True) si ce sont des mètres.'
        ),
    )
    shapes = degrees.make_valid() if surfaces else None
    points = _single(degrees) if shapes is None else shapes.representative_point()
    columns = pd.DataFrame(bare.table.drop(columns=bare.table.geometry.name))
    table = gpd.GeoDataFrame(columns, geometry=points, crs=LONLAT)
    return Given(bare.what, bare.frame, table, shapes)


# Return the only point of each row.
def _single(points: gpd.GeoSeries) -> gpd.GeoSeries:
    first = shapely.get_geometry(points.to_numpy(), 0)
    first[shapely.is_empty(first)] = None
    return gpd.GeoSeries(first, index=points.index, crs=points.crs)


def _in_france(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(x), dtype=bool)
    for west, south, east, north in METRIC_SYSTEMS.values():
        inside |= (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return inside


# What the engine reads of them.


def people_of(frame: object, *, weight: str | None = None, name: str | None = None) -> Given:
    """Return where people are: points, or surfaces with a point inside each; the table has the
    columns of :data:`~geoguichet.coverage.access.demand.COLUMNS`.

    Raises
    ------
    FrameError
        As :func:`given`; or no column counts people, or one counts them as text, not at all, or
        below zero.
    """
    found = given(frame, "people", surfaces=True)
    column = found.column("weight", weight)
    numbers = [
        one for one in found.table.columns if pd.api.types.is_numeric_dtype(found.table[one])
    ]
    if column not in numbers:
        raise FrameError(
            Message(
                "people : aucune colonne de nombres n'est reconnue pour les habitants ({came}) ; "
                'dites laquelle : weight="{first}".',
                came=", ".join(map(str, found.frame.columns)),
                first=numbers[0] if numbers else "population",
            )
        )
    people = found.table[column].astype(float)
    found.refuse_rows(
        ~(np.isfinite(people) & (people >= 0)),
        Message(
            "people : {column} est négatif ou manque pour {n} ligne(s) ({rows}) ; corrigez-les, ou "
            "essayez people[people[{column}] >= 0].",
            column=repr(column),
        ),
    )
    table = found.table[["geometry"]].assign(
        name=_names(found, name), departement="", epci="", people=people, point_source="given"
    )
    told = Message("habitants : colonne {column}", column=repr(column))
    return replace(found, table=table, told=(str(told),) if weight is None else ())


def counters_of(
    frame: object,
    what: str = "counters",
    *,
    type: str | None = None,
    kinds: Collection[str] = (),
    name: str | None = None,
    hours: str | None = None,
    asks_hours: bool = False,
) -> Given:
    """Return counters (or hosts), points, with the columns of services that the engine reads.

    ``kinds`` are the values of the column ``type`` that are asked for; without any, all counters are
    of one kind.

    Raises
    ------
    FrameError
        As :func:`given`; or there is no column of types or of hours where one is asked for, or no
        counter is of a type.
    """
    found = given(frame, what)
    columns = {role: found.column(role, None) for role in ("commune", "departement", "epci")}
    columns["type"] = found.column("type", type) if kinds else ""
    hosts = what != "counters"  # theirs are told with the kiosks, whatever is asked
    columns["hours"] = found.column("hours", hours) if asks_hours or hours or hosts else ""
    columns["hours_per_week"] = found.column("hours_per_week", None)
    if kinds:
        _check_types(found, columns["type"], kinds)
    if asks_hours and not (columns["hours"] or columns["hours_per_week"]):
        raise FrameError(
            Message(
                "{what} : aucune colonne d'horaires n'est reconnue ({came}) ; dites laquelle : "
                'hours="…", en texte comme « Mo-Fr 09:00-12:00 ».',
                what=what,
                came=", ".join(map(str, found.frame.columns)),
            )
        )
    used = {"type": kinds and type is None, "hours": asks_hours and hours is None}
    told = [
        str(_READ.given(what=what, role=role, column=repr(columns[role])))
        for role, silent in (used | {"hours_per_week": asks_hours}).items()
        if silent and columns[role]
    ]
    text = {role: _text(found, column) for role, column in columns.items()}
    opened = text["hours"].where(text["hours"] != "", None)
    weekly = (
        pd.to_numeric(found.table[columns["hours_per_week"]], errors="coerce")
        if columns["hours_per_week"]
        else opened.map(weekly_hours, na_action="ignore")
    )
    labels = _names(found, name)
    table = found.table.assign(
        **{role: text[role].astype(str) for role in ("type", "commune", "departement", "epci")},
        name=labels,
        commune_name=labels,
        hours=opened,
        hours_per_week=pd.to_numeric(weekly).astype(float),
        inside=True,
    )
    return replace(found, table=table, told=tuple(told))


# Return a column as text, empty where it is missing or there is none.
def _text(found: Given, column: str) -> pd.Series:
    if not column:
        return pd.Series("", found.table.index, dtype=object)
    values = found.table[column].astype(object)
    return values.where(values.notna(), "")


_READ = Message("{what} : {role} lu dans la colonne {column}")


# Refuse types that no counter has.
def _check_types(found: Given, column: str, kinds: Collection[str]) -> None:
    if not column:
        raise FrameError(
            Message(
                "{what} : aucune colonne de types n'est reconnue ({came}) ; dites laquelle : "
                'type="…", ou donnez un seul seuil : within="{within}".',
                what=found.what,
                came=", ".join(map(str, found.frame.columns)),
                within="8 km",
            )
        )
    present = sorted(set(found.table[column].dropna().astype(str)))
    for kind in kinds:
        if kind not in present:
            raise FrameError(
                Message(
                    "{what} : aucune ligne n'a {kind} dans la colonne {column} ; essayez : {known}.",
                    what=found.what,
                    kind=repr(kind),
                    column=repr(column),
                    known=", ".join(difflib.get_close_matches(kind, present, n=3) or present[:9]),
                )
            )


def _names(found: Given, name: str | None) -> pd.Series:
    column = found.column("name", name)
    ids = found.table.index.to_series()
    return ids if not column else found.table[column].astype(object).fillna(ids).astype(str)


# The ground they stand on.


def ground_under(people: Given, area: object = None) -> Territory:
    """Return the ground of people as a territory: one commune a row, one département in all.

    Surfaces are their own ground. Points share the ``area``, each having what is nearer to it than
    to any other; without an area, the hull of the points and half their mean spacing around it.

    Raises
    ------
    FrameError
        The area is no surface.
    """
    if people.shapes is None:
        located = people.table.geometry[people.located]
        border = _hull(located) if area is None else surface_of(area)
        shapes = ground_of(located, border).reindex(people.table.index)
    else:
        shapes = people.shapes
        border = as_multipolygon(shapely.union_all(shapes.dropna().to_numpy()))
    communes = gpd.GeoDataFrame(
        pd.DataFrame(people.table[["name", "departement", "epci"]]).assign(
            code=people.table.index, population=people.table["people"]
        ),
        geometry=[as_multipolygon(shape) if shape else None for shape in shapes],
        crs=LONLAT,
    )
    whole = gpd.GeoDataFrame({"code": [""], "name": [""]}, geometry=[border], crs=LONLAT)
    return Territory("", whole, communes.reset_index(drop=True), as_multipolygon(border))


def _hull(points: gpd.GeoSeries) -> shapely.Geometry:
    metres = points.to_crs(metric_of(points.total_bounds))
    hull = metres.union_all().convex_hull
    around = max(float(np.sqrt(hull.area / len(points))) / 2, _LEAST_AROUND_M)
    return gpd.GeoSeries([hull.buffer(around)], crs=metres.crs).to_crs(LONLAT).iloc[0]


def surface_of(area: object) -> shapely.Geometry:
    """Return the union of the surfaces of a frame, in EPSG:4326.

    Raises
    ------
    FrameError
        It has none.
    """
    found = given(area, "area", surfaces=True)
    step = float(np.ptp(found.frame.total_bounds[[0, 2]])) / _SEGMENTS
    lines = found.frame.geometry.segmentize(
        step
    )  # what is straight in its system is not in degrees
    found = given(lines, "area", surfaces=True)
    if found.shapes is None:
        raise FrameError(
            Message("area : une surface est attendue ; essayez area.buffer(…) ou des contours.")
        )
    return shapely.union_all(found.shapes.dropna().to_numpy())
