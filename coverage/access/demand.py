"""People finer than communes: squares of a grid, points or polygons with a weight, each in the
commune it lies in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geoguichet.coverage.access.inputs import InputLayer
from geoguichet.coverage.errors import FrameError
from geoguichet.coverage.study.study import CellsChoice, Study
from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import sha256
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Figure, Message, number
from geoguichet.referentials.directory.services import service_name
from geoguichet.referentials.layers import LONLAT, metric_of, read_layer, read_table
from geoguichet.referentials.territories.territory import Territory

# Where the people are: one point per commune, at its town hall where that point can be believed.

COLUMNS = ("name", "departement", "epci", "people", "point_source")


def check_demand(demand: gpd.GeoDataFrame) -> None:
    """Raise unless the frame is a demand table: EPSG:4326 points, unique ids, people finite and not
    negative.

    Raises
    ------
    FrameError
        Naming the first offending rows.
    """
    if demand.crs is None or not demand.crs.equals("EPSG:4326"):
        raise FrameError(
            f"la demande est attendue en EPSG:4326, elle est en {demand.crs or 'système inconnu'}."
        )
    missing = [column for column in COLUMNS if column not in demand.columns]
    if missing:
        raise FrameError(
            f"la demande n'a pas la colonne {missing[0]} ; colonnes présentes : "
            f"{', '.join(demand.columns)}."
        )
    for rows, what in (
        (demand.index[demand.index.duplicated()], "identifiant en double"),
        (
            demand.index[~np.isfinite(demand["people"].astype(float)) | (demand["people"] < 0)],
            "nombre d'habitants absent ou négatif",
        ),
    ):
        if len(rows):
            raise FrameError(f"demande, {what} : {', '.join(map(str, rows[:5]))}.")


def demand_points(
    territory: Territory, services: gpd.GeoDataFrame, study: Study
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return one demand point per commune of the territory, and what was noticed.

    The point is that of the service type the study names (the town hall) when it lies within
    ``demand.tolerance`` of the commune, else a representative point of the commune; a commune with
    neither keeps a missing point. The frame is in EPSG:4326, indexed by commune code in order, with
    :data:`COLUMNS` and the study's groups.

    Raises
    ------
    StudyError
        The weight or a group is not a column of the communes.
    """
    choice = study.demand
    communes = territory.communes.set_index("code").sort_index()
    groups = choice.groups if choice.cells is None else ()  # cells have their own
    for key, column in [("weight", choice.weight), *(("groups", group) for group in groups)]:
        _require_number(communes, column, key, study)
    points, source, findings = _points(communes, services, choice.at, choice.tolerance_m)
    people, odd = _counted(communes, choice.weight, choice.layer)
    findings += odd
    demand = gpd.GeoDataFrame(
        communes[["name", "departement", "epci", *groups]].assign(
            people=_whole(people, communes["departement"]), point_source=source
        ),
        geometry=points,
        crs="EPSG:4326",
    )
    demand.index.name = "id"
    check_demand(demand)
    return demand, findings


# Return the people of each commune, 0 where the number is missing, infinite or negative, and what
# was noticed.
def _counted(
    communes: gpd.GeoDataFrame, weight: str, layer: str
) -> tuple[pd.Series, list[Finding]]:
    people = communes[weight].astype(float)
    unknown, negative = ~np.isfinite(people), people < 0
    findings = [
        Finding(rule, layer, code, said.given(name=communes.at[code, "name"], column=weight))
        for rule, which, said in (
            (
                "no-population",
                unknown,
                Message(
                    "{name} : {column} n'est pas connue ; ses habitants ne sont dans aucun compte, la "
                    "commune est comptée à part."
                ),
            ),
            (
                "negative-population",
                negative & ~unknown,
                Message("{name} a un nombre négatif de {column} : comptée pour 0."),
            ),
            ("nobody", people == 0, Message("{name} n'a aucun habitant : elle ne pèse rien.")),
        )
        for code in people.index[which]
    ]
    return people.where(~unknown & ~negative, 0.0), findings


def _require_number(communes: gpd.GeoDataFrame, column: str, key: str, study: Study) -> None:
    numeric = [name for name in communes.columns if pd.api.types.is_numeric_dtype(communes[name])]
    if column not in numeric:
        what = f"la couche {study.demand.layer} n'a pas de colonne numérique {column!r}"
        raise study.refusal(f"demand.{key}", what, ", ".join(numeric))


def _points(
    communes: gpd.GeoDataFrame, services: gpd.GeoDataFrame, at: str, tolerance_m: float
) -> tuple[gpd.GeoSeries, pd.Series, list[Finding]]:
    inner = communes.geometry.representative_point()
    source = pd.Series(
        np.where(inner.isna() | inner.is_empty, "none", "representative_point"),
        index=communes.index,
    )
    if at == "representative_point":
        return inner, source, []
    located = services.geometry.notna() & ~services.geometry.is_empty  # POINT EMPTY is nowhere
    at_host = gpd.GeoSeries(
        services[(services["type"] == at) & located]
        .sort_index()
        .drop_duplicates("commune")
        .set_index("commune")
        .geometry.reindex(communes.index),
        crs=communes.crs,
    )
    crs = metric_of(communes.total_bounds)
    apart_m = communes.geometry.to_crs(crs).distance(at_host.to_crs(crs), align=False)
    believed = at_host.notna() & ~(apart_m > tolerance_m)
    source = pd.Series(np.where(believed, at, source), index=communes.index)
    findings = [
        Finding(
            "no-demand-point",
            "services",
            code,
            _why(communes.at[code, "name"], at, apart_m[code], source[code]),
        )
        for code in communes.index[~believed]
    ]
    return inner.where(~believed, at_host), source, findings


#: By whether the service has a point, and something else stands for the commune.
_NO_POINT = {
    (True, True): Message(
        "{name} : la {service} est située à {km} km de la commune ; un point intérieur au contour "
        "la remplace."
    ),
    (True, False): Message(
        "{name} : la {service} est située à {km} km de la commune ; la commune reste sans point."
    ),
    (False, True): Message(
        "{name} : la {service} n'a pas de point ; un point intérieur au contour la remplace."
    ),
    (False, False): Message(
        "{name} : la {service} n'a pas de point ; la commune reste sans point."
    ),
}


# Say why the service does not stand for its commune, and what does instead.
def _why(name: str, at: str, apart_m: float, source: str) -> Message:
    said = _NO_POINT[not np.isnan(apart_m), source != "none"]
    return said.given(
        name=name, service=Figure(service_name, at), km=Figure(number, apart_m / 1000, (1,))
    )


_AROUND_M = 100_000.0
#: What stands in ``point_source`` for a cell.
SOURCE = "cell"
_RASTERS = (".tif", ".tiff", ".vrt", ".asc")
_TABLES = (".csv", ".csv.gz", ".csv.bz2")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The rows of a file of people, as they stand in it.

    ``table``: index ``id`` (text, unique), columns people (float, NaN where unreadable) and the
    groups asked for; geometry: the point that stands for the people, in EPSG:4326. ``shapes``: what
    is drawn of each (a square, a polygon, or the point itself), in EPSG:4326.
    """

    table: gpd.GeoDataFrame
    shapes: gpd.GeoSeries


@dataclass(frozen=True, slots=True, eq=False)
class FineDemand:
    """The cells of a territory as a demand table (see ``CoverageResult.demand``), with a column
    ``commune``.
    """

    demand: gpd.GeoDataFrame
    #: What is drawn of each cell, cut at the territory's border.
    shapes: gpd.GeoSeries
    counters: dict[str, int]
    findings: tuple[Finding, ...]
    input: InputLayer


def people_of_cells(study: Study, territory: Territory) -> FineDemand | None:
    """Read the cells a study counts people by; None when it counts them by commune.

    Raises
    ------
    StudyError, LayerError, FrameError
        The file is not there, is not readable, or has nobody in the territory.
    """
    choice = study.demand.cells
    if choice is None:
        return None
    path = cells_path(study, choice)
    rows = read(path, choice, study.demand.groups)
    for group in study.demand.groups:
        if group not in rows.table.columns:
            what = (
                f"{path.name} n'a pas de colonne {group!r}, et les groupes sont ceux des carreaux"
            )
            raise study.refusal("demand.groups", what, "une colonne de ce fichier, ou groups = []")
    return fine_demand(rows, territory, study, path)


def cells_path(study: Study, choice: CellsChoice) -> Path:
    """Return the file of cells, relative to the study's file.

    Raises
    ------
    StudyError
        It is not there.
    """
    path = (study.path.parent if study.path else Path()) / choice.file
    if not path.is_file():
        raise study.refusal(
            "demand.cells.file",
            f"{path} n'existe pas",
            "un GeoTIFF, un CSV ou une couche de points",
        )
    return path


def read(path: Path, choice: CellsChoice, groups: Sequence[str] = ()) -> Cells:
    """Read the cells of a GeoTIFF, of a CSV of centres, or of a layer of points or polygons.

    Coordinates are used as the file gives them: the centres and the corners of squares are computed
    in the file's own system (EPSG:3035 for INSEE's grid) and transformed once, so that neighbours
    share their corners to the last bit.

    Raises
    ------
    LayerError
        The file is unreadable, has no known system, or lacks a column.
    """
    suffix = path.name.lower()
    if suffix.endswith(_RASTERS):
        return _read_raster(path, choice)
    if suffix.endswith(_TABLES):
        return _read_table(path, choice, groups)
    return _read_layer(path, choice, groups)


def fine_demand(cells: Cells, territory: Territory, study: Study, path: Path) -> FineDemand:
    """Return the inhabited cells of a territory, each in the commune that contains its point, and
    what was noticed.

    A cell outside every commune is not of the territory: its people are counted. So are those of
    the communes that no cell falls in. People are whole numbers, rounded so that each commune keeps
    its sum.

    Raises
    ------
    FrameError
        No inhabited cell lies in the territory.
    """
    layer = path.name
    table, findings = _inhabited(cells.table, layer)
    commune = _commune_of(table.geometry, territory)
    inside = commune != ""
    communes = territory.communes.set_index("code")
    cut = cells.shapes.loc[table.index[~inside]].intersects(territory.boundary)
    counters = {
        "cells": int(inside.sum()),
        "cells_outside_communes": int((~inside).sum()),
        "people_outside_communes": round(float(table.loc[~inside, "people"].sum())),
        "people_outside_communes_at_the_border": round(
            float(table.loc[cut.index[cut], "people"].sum())
        ),
    }
    table, commune = table[inside].sort_index(), commune[inside].sort_index()
    if table.empty:
        raise FrameError(
            f"{study.where}, clé « demand.cells.file » : aucun carreau habité de {layer} n'est "
            "dans le territoire ; "
            "vérifiez le fichier et son système de coordonnées."
        )
    lived_in = communes[study.demand.weight].fillna(0) > 0
    bare = communes[~communes.index.isin(commune) & lived_in].sort_values(
        study.demand.weight, ascending=False
    )
    counters["communes_without_cells"] = len(bare)
    counters["people_of_communes_without_cells"] = int(bare[study.demand.weight].sum())
    findings += _bare_communes(bare["name"], layer)
    demand = gpd.GeoDataFrame(
        communes.reindex(commune)[["name", "departement", "epci"]]
        .set_axis(table.index)
        .assign(
            **{group: table[group] for group in study.demand.groups},
            people=_whole(table["people"], commune),
            point_source=SOURCE,
            commune=commune,
        ),
        geometry=table.geometry,
        crs=LONLAT,
    ).rename_axis("id")
    check_demand(demand)
    source = InputLayer("cells", layer, layer, len(cells.table), sha256(path), "", "")
    return FineDemand(
        demand,
        ground_of(cells.shapes.loc[demand.index], territory.boundary),
        counters,
        tuple(findings),
        source,
    )


def name_by_commune(zones: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the zones with the number and the names of the communes of their cells, most people
    first.
    """
    people = (
        demand[demand["zone"] != ""]
        .groupby(["zone", "commune", "name"], as_index=False)["people"]
        .sum()
    )
    people = people.sort_values(["people", "commune"], ascending=[False, True], kind="stable")
    told = people.groupby("zone")["name"].agg(communes="size", names=", ".join).reindex(zones.index)
    counted = told["communes"].fillna(0).astype(np.int64)  # a smooth zone may hold no cell
    return zones.assign(communes=counted, commune_names=told["names"].fillna(""))


# -------------------------------------------------------------------------------------------------
# files


def _read_raster(path: Path, choice: CellsChoice) -> Cells:
    import rasterio
    import rasterio.errors

    try:
        with rasterio.open(path) as raster:
            if choice.band > raster.count:
                raise LayerError(
                    f"{path} : bande {choice.band} demandée, ce raster en a {raster.count}."
                )
            band = raster.read(choice.band, masked=True)
            people = _unscaled(band, raster, choice.band)
            transform, crs = raster.transform, raster.crs
    except rasterio.errors.RasterioIOError as error:
        raise LayerError(
            f"{path} : raster illisible ({error}) ; un GeoTIFF est attendu."
        ) from error
    if crs is None or transform.b or transform.d:
        raise LayerError(f"{path} : un raster géoréférencé, au nord en haut, est attendu.")
    rows, columns = np.nonzero(~np.ma.getmaskarray(band) & np.isfinite(band.data))
    x, y = transform.c + (columns + 0.5) * transform.a, transform.f + (rows + 0.5) * transform.e
    return _squares(
        pd.DataFrame({"people": people[rows, columns]}),
        x,
        y,
        pyproj.CRS.from_wkt(crs.to_wkt()),
        (abs(transform.a), abs(transform.e)),
    )


# Return a band in people: its scale and offset applied, and the fillers of unsigned numbers unknown
# (the largest, and the negative "no data" that such numbers wrap around).
def _unscaled(band: np.ma.MaskedArray, raster: Any, number: int) -> np.ndarray:
    people = band.data * raster.scales[number - 1] + raster.offsets[number - 1]
    people = np.asarray(people, dtype=np.float64)
    if band.dtype.kind == "u" and band.dtype.itemsize > 1:
        largest = np.iinfo(band.dtype).max
        fillers = {int(largest)}
        if raster.nodata is not None and np.isfinite(raster.nodata):
            fillers.add(int(raster.nodata) % (int(largest) + 1))
        people[np.isin(band.data, sorted(fillers))] = np.nan
    return people


def _read_table(path: Path, choice: CellsChoice, groups: Sequence[str]) -> Cells:
    raw = read_table(path, engine="python")
    try:
        crs = pyproj.CRS.from_user_input(choice.crs)
    except pyproj.exceptions.CRSError as error:
        raise LayerError(
            f"système de coordonnées {choice.crs!r} inconnu ; essayez : EPSG:3035."
        ) from error
    _require(raw, (choice.x, choice.y, choice.weight), path)
    number = {
        name: _number(raw[name])
        for name in (choice.x, choice.y, choice.weight, *_present(raw, groups))
    }
    values = pd.DataFrame(
        {
            "people": number[choice.weight],
            **{group: number[group] for group in _present(raw, groups)},
        }
    )
    x, y = number[choice.x].to_numpy(), number[choice.y].to_numpy()
    if choice.side_m is not None:
        return _squares(values, x, y, crs, (choice.side_m, choice.side_m))
    points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=crs)
    points = points.where(np.isfinite(x) & np.isfinite(y), None).to_crs(LONLAT)
    return _as_cells(values, points, points, None)


def _read_layer(path: Path, choice: CellsChoice, groups: Sequence[str]) -> Cells:
    frame = read_layer(path, layer=choice.layer or None)
    _require(frame, (choice.weight,), path)
    values = pd.DataFrame(
        {
            "people": _number(frame[choice.weight]),
            **{group: _number(frame[group]) for group in _present(frame, groups)},
        }
    )
    return _as_cells(
        values,
        frame.geometry.where(frame.geom_type == "Point", frame.geometry.representative_point()),
        frame.geometry,
        frame["id"].astype(str) if "id" in frame.columns else None,
    )


# Return squares around their centres: centres and corners computed in ``crs``, then transformed
# once each.
def _squares(
    values: pd.DataFrame, x: np.ndarray, y: np.ndarray, crs: pyproj.CRS, side: tuple[float, float]
) -> Cells:
    known = np.isfinite(x) & np.isfinite(y)
    half = np.array(side) / 2
    west, south = np.where(known, x - half[0], np.nan), np.where(known, y - half[1], np.nan)
    to = pyproj.Transformer.from_crs(crs, LONLAT, always_xy=True)
    centres = shapely.points(*to.transform(x, y))
    ring = np.stack(
        to.transform(
            np.column_stack([west, west + side[0], west + side[0], west, west]),
            np.column_stack([south, south, south + side[1], south + side[1], south]),
        ),
        axis=-1,
    )
    shapes = np.full(len(values), None, dtype=object)
    shapes[known] = shapely.polygons(ring[known])
    centres[~known] = None
    name = crs.to_epsg() or "?"
    metres = f"{side[0]:g}"
    ids = pd.Series(
        [f"CRS{name}RES{metres}mN{b:.12g}E{a:.12g}" for a, b in zip(west, south, strict=True)],
        index=values.index,
    )
    return _as_cells(
        values, gpd.GeoSeries(centres, crs=LONLAT), gpd.GeoSeries(shapes, crs=LONLAT), ids
    )


def _as_cells(
    values: pd.DataFrame, points: gpd.GeoSeries, shapes: gpd.GeoSeries, ids: pd.Series | None
) -> Cells:
    rows = pd.Series([f"c-{n:06d}" for n in range(1, len(values) + 1)], index=values.index)
    ids = rows if ids is None else ids.where(~ids.duplicated(keep=False), ids + "#" + rows)
    table = gpd.GeoDataFrame(values.reset_index(drop=True), geometry=points.to_numpy(), crs=LONLAT)
    index = pd.Index(ids.to_numpy(), name="id", dtype=object)
    return Cells(table.set_axis(index), gpd.GeoSeries(shapes.to_numpy(), index=index, crs=LONLAT))


def _require(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise LayerError(
            f"{path} : colonne absente : {', '.join(missing)}. Colonnes présentes : "
            f"{', '.join(map(str, frame))}."
        )


def _present(frame: pd.DataFrame, groups: Sequence[str]) -> list[str]:
    return [group for group in groups if group in frame.columns]


def _number(values: pd.Series) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(values):
        values = values.astype(str).str.strip().str.replace(",", ".", regex=False)
    return pd.to_numeric(values, errors="coerce").astype(float)


# -------------------------------------------------------------------------------------------------
# people

#: How many rows of a kind are named one by one; the rest are counted.
_NAMED = 20


# Return the rows with a place and people, and a finding for what the others are.
def _inhabited(table: gpd.GeoDataFrame, layer: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    people = table["people"]
    unplaced = table.geometry.isna() | table.geometry.is_empty
    findings = []
    for rule, which, one, others in (
        (
            "unreadable-weight",
            ~np.isfinite(people),
            Message("{item} : nombre d'habitants absent ou illisible."),
            Message("{n} autres : nombre d'habitants absent ou illisible."),
        ),
        (
            "negative-weight",
            people < 0,
            Message("{item} : nombre d'habitants négatif."),
            Message("{n} autres : nombre d'habitants négatif."),
        ),
        (
            "no-demand-point",
            unplaced & (people > 0),
            Message("{item} : sans position : ses habitants ne sont pas comptés."),
            Message("{n} autres : sans position : ses habitants ne sont pas comptés."),
        ),
    ):
        rows = table.index[which.to_numpy()]
        findings += [
            Finding(rule, layer, str(item), one.given(item=str(item)), "error")
            for item in rows[:_NAMED]
        ]
        if len(rows) > _NAMED:
            findings.append(Finding(rule, layer, "", others.given(n=len(rows) - _NAMED), "error"))
    empty = int((people == 0).sum())
    if empty:
        told = Message("{n} carreau(x) sans aucun habitant.", n=empty)
        findings.append(Finding("empty-cell", layer, "", told, "info"))
    return table[np.isfinite(people) & (people > 0) & ~unplaced], findings


# Name the most populated communes that no inhabited cell falls in, and count the others.
def _bare_communes(names: pd.Series, layer: str) -> list[Finding]:
    told = [
        Finding(
            "no-cell",
            layer,
            str(code),
            Message("{name} : aucun carreau habité n'a son centre dedans.", name=name),
        )
        for code, name in names[:_NAMED].items()
    ]
    left = len(names) - len(told)
    return [
        *told,
        *(
            [
                Finding(
                    "no-cell",
                    layer,
                    "",
                    Message("{n} autres communes sans carreau habité.", n=left),
                )
            ]
            if left
            else []
        ),
    ]


# Return the code of the commune that contains each point, the first code on a shared border, else
# empty.
def _commune_of(points: gpd.GeoSeries, territory: Territory) -> pd.Series:
    outlines = territory.polygons.dropna().sort_index()
    point, outline = shapely.STRtree(outlines.to_numpy()).query(
        points.to_numpy(), predicate="intersects"
    )
    order = np.lexsort((outline, point))
    first, place = np.unique(point[order], return_index=True)
    commune = np.full(len(points), "", dtype=object)
    commune[first] = outlines.index.to_numpy()[outline[order][place]]
    return pd.Series(commune, index=points.index)


# Round people to whole numbers so that the sum of each area is kept, to less than one: what a row's
# number leaves over goes to the next.
def _whole(people: pd.Series, area: pd.Series) -> pd.Series:
    running = people.groupby(area.to_numpy()).cumsum().round()
    return (running - running.groupby(area.to_numpy()).shift(fill_value=0.0)).astype(np.int64)


def ground_of(shapes: gpd.GeoSeries, boundary: shapely.Geometry) -> gpd.GeoSeries:
    """Return the ground of each cell, what crosses the border cut at it.

    Points have no ground: each is given the part within the border nearer to it than to any other.
    """
    areas = shapes.to_numpy().copy()
    if (shapely.get_dimensions(areas) < 2).all():
        areas = _nearest_ground(shapes)
    shapely.prepare(boundary)
    crossing = (shapely.get_dimensions(areas) == 2) & ~shapely.contains_properly(boundary, areas)
    areas[crossing] = shapely.intersection(areas[crossing], boundary)
    return gpd.GeoSeries(areas, index=shapes.index, crs=LONLAT)


# Return the Voronoi polygon of each point, in metres, the same for points at one place.
def _nearest_ground(points: gpd.GeoSeries) -> np.ndarray:
    crs = metric_of(points.total_bounds)
    flat = points.to_crs(crs).to_numpy()
    places, which = np.unique(shapely.get_coordinates(flat), axis=0, return_inverse=True)
    around = shapely.box(*(shapely.total_bounds(flat) + np.array([-1, -1, 1, 1]) * _AROUND_M))
    parts = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(places), extend_to=around, ordered=True)
    )
    return np.asarray(gpd.GeoSeries(parts[which], crs=crs).to_crs(LONLAT).to_numpy())
