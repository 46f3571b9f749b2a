"""Give referentials away: one layer for a study's GeoPackage, or a file in a format others read."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio.errors

from geoguichet.floor.errors import StoreError
from geoguichet.floor.files import refused, whole
from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.schema import DIRECTORY_COLUMNS
from geoguichet.referentials.directory.services import SERVICE_TYPES, check_services
from geoguichet.referentials.layers import LONLAT, check_columns, metric_of, path_of
from geoguichet.referentials.regions.region import Layers, read_layers, write_layers
from geoguichet.referentials.territories.standing import city_of, named_communes, standing_in

DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON"}
FORMATS = (*DRIVERS, ".parquet", ".csv")
#: A service of the surroundings farther than this from any commune kept is left out.
TOLERANCE_M = 5_000


def join_to(
    layers: Layers,
    directories: Sequence[gpd.GeoDataFrame],
    *,
    types: Sequence[str] = (),
    told: list[Finding] | None = None,
) -> Layers:
    """Return the layers of a territory with the services of directories added to its own.

    A service is placed in the commune its code names or, failing that, the one it stands in, else
    the only one of its name in its département; one without a point is put at the town hall of its
    commune (``point_source``: ``town_hall``). The
    base's own services of a type are kept only where no directory has that type, so that a town
    hall is not told twice: its own have hours.

    Parameters
    ----------
    types
        The only types to add; all those of the directories by default, but the base's own.
    told
        Is given a finding for each row that speaks of this territory and is left out
        (``not-placed``, ``duplicate-id``), and for those of elsewhere, together
        (``outside-territory``).
    """
    communes, ring, own = layers["communes"], layers["ring"], layers["services"]
    names = pd.concat(
        [communes[["code", "name", "departement"]], ring[["code", "name", "departement"]]]
    )
    names = names.drop_duplicates("code").set_index("code")
    rows = gpd.GeoDataFrame(pd.concat(directories, ignore_index=True), crs=LONLAT)
    check_columns(rows, ("id", "type", "name", "commune"), where="annuaire")
    wanted = set(types) if types else set(rows["type"]) - set(own["type"])
    rows = rows[rows["type"].isin(wanted)].reset_index(drop=True)
    rows = rows.assign(said=rows["commune"], commune=_communes(rows, communes, names))
    rows = rows.assign(commune=rows["commune"].where(rows["commune"].notna(), _nearest(rows, ring)))
    if told is not None:
        told += _left_out(rows, names)
    rows = rows[rows["commune"].notna()].drop(columns="said")
    rows = rows.drop_duplicates("id").reset_index(drop=True)
    halls = own[own["type"] == "town_hall"].drop_duplicates("commune").set_index("commune").geometry
    missing = rows.geometry.isna()
    rows = rows.set_geometry(
        rows.geometry.where(
            ~missing,
            gpd.GeoSeries(halls.reindex(rows["commune"]).array, index=rows.index, crs=LONLAT),
        )
    )
    rows = rows.assign(
        point_source=pd.Series("directory", index=rows.index).where(~missing, "town_hall"),
        inside=rows["commune"].isin(set(communes["code"])),
        commune_name=rows["commune"].map(names["name"]),
        departement=rows["commune"].map(names["departement"]),
        source_row=rows["source"] + ":" + rows["source_row"].astype(str),
        id=rows["source"] + "/" + rows["id"],
    )
    services = gpd.GeoDataFrame(
        pd.concat([own[~own["type"].isin(wanted)], rows], ignore_index=True)
        .reindex(
            columns=[
                *own.columns.drop("geometry"),
                *(name for name in rows.columns if name not in own.columns),
                "geometry",
            ]
        )
        .sort_values("id", ignore_index=True),
        crs=LONLAT,
    )
    services["inside"] = services["inside"].astype(bool)
    check_services(services)
    return {**layers, "services": services}


def join_figures(layers: Layers, figures: gpd.GeoDataFrame) -> tuple[Layers, tuple[str, ...]]:
    """Return the layers with the numbers of a table by commune on ``communes`` and on ``services``;
    and their names.

    A service has the figures of its commune: the share of fibre where a host stands. Figures the
    communes already have are left as they are.

    Raises
    ------
    StoreError
        When the table has no row by commune, or no number the communes lack.
    """
    rows = figures[figures["level"] == "commune"] if "level" in figures.columns else figures
    numeric = (
        rows.drop(columns=["source_row", "geometry"])
        .select_dtypes("number")
        .dropna(axis="columns", how="all")
    )
    names = tuple(str(name) for name in numeric.columns if name not in layers["communes"].columns)
    if rows.empty or not names:
        raise StoreError("cette table n'a aucun nombre par commune que le territoire n'ait déjà.")
    by_code = rows.drop_duplicates("code").set_index("code")[list(names)]
    joined = {
        "communes": layers["communes"].join(by_code, on="code"),
        "services": layers["services"].join(by_code, on="commune"),
    }
    return {**layers, **joined}, names


# Return the commune of each row: its own code when it is known here, else that of the city it is an
# arrondissement of, else the outline it stands in, else the only one of its name.
def _communes(rows: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, names: pd.DataFrame) -> pd.Series:
    city = rows["commune"].map(city_of, na_action="ignore")
    ways = (
        rows["commune"],
        city,
        standing_in(rows.geometry, communes.set_index("code").geometry),
        named_communes(rows, names.reset_index()).where(rows.geometry.isna()),
    )
    found = pd.Series(None, index=rows.index, dtype=object)
    for way in ways:
        found = found.where(found.notna(), way.where(way.isin(names.index)))
    return found


# Report the rows that no commune of the territory has, though they say they are of it: each with
# what it says; those of elsewhere together.
def _left_out(rows: gpd.GeoDataFrame, names: pd.DataFrame) -> Iterator[Finding]:
    lost = rows["commune"].isna()
    spoken = rows["departement"].isin(set(names["departement"])) | rows["departement"].isna()
    for row in rows[lost & spoken].itertuples():
        said = ", ".join(
            str(word)
            for word in (row.said, row.postcode, row.commune_name, row.departement)
            if isinstance(word, str)
        )
        yield Finding(
            "not-placed",
            row.source,
            row.id,
            Message(
                "{name} : ni son code, ni son point, ni son nom de commune ne sont d'une commune "
                "d'ici ({said}) : laissé de côté.",
                name=row.name,
                said=said or Message("rien de dit"),
            ),
            row=row.source_row,
            column="commune",
            remedy=Message("Donnez son code INSEE de commune, ou ses coordonnées."),
        )
    kept = rows[~lost]
    for row in kept[kept.duplicated("id")].itertuples():
        yield Finding(
            "duplicate-id",
            row.source,
            row.id,
            Message(
                "{name} : son identifiant est celui d'une ligne d'avant : laissé de côté.",
                name=row.name,
            ),
            row=row.source_row,
            column="id",
        )
    if others := int((lost & ~spoken).sum()):
        yield Finding(
            "outside-territory",
            "services",
            "",
            Message("{count} service(s) d'autres départements : laissés de côté.", count=others),
            "info",
        )


# Return the commune of the surroundings whose point is nearest, within `TOLERANCE_M`; missing
# elsewhere.
def _nearest(rows: gpd.GeoDataFrame, ring: gpd.GeoDataFrame) -> pd.Series:
    located = rows[rows.geometry.notna() & rows["commune"].isna()]
    if located.empty or ring.empty:
        return pd.Series(None, index=rows.index, dtype=object)
    crs = metric_of(ring.total_bounds)
    near = (
        located[["geometry"]]
        .to_crs(crs)
        .sjoin_nearest(ring[["code", "geometry"]].to_crs(crs), max_distance=TOLERANCE_M)["code"]
    )
    return near.groupby(level=0).first().reindex(rows.index)


def write_study_data(
    directories: gpd.GeoDataFrame | Sequence[gpd.GeoDataFrame],
    path: str | Path,
    *,
    base: str = "sample",
    types: Sequence[str] = (),
    figures: gpd.GeoDataFrame | None = None,
    told: list[Finding] | None = None,
) -> tuple[Layers, tuple[str, ...]]:
    """Write a study's GeoPackage: the layers of a territory joined with directories and figures.

    Parameters
    ----------
    directories
        Services to add (see :func:`join_to`); with none the territory keeps its own.
    path
        The GeoPackage to write, which a study names in its ``data.source``.
    base
        The territory: ``sample``, or the path of a GeoPackage with the sample's layers.
    types
        The only types of service to add.
    figures
        A table by commune (see :func:`join_figures`).
    told
        Is given what was left out (see :func:`join_to`).

    Returns
    -------
    The layers written, and the names of the figures that were joined.

    Raises
    ------
    LayerError
        The base is not there, or a layer or a table does not keep its contract.

    Examples
    --------
    After the example of :func:`~geoguichet.read_published`:

    >>> layers, figures = write_study_data(reading.rows, "mine.gpkg")
    >>> [*layers], figures, int((layers["services"]["type"] == "france_services").sum())
    (['communes', 'epci', 'departements', 'services', 'ring'], (), 1)
    """
    layers, names = read_layers(path_of(base)), tuple[str, ...]()
    if len(directories):
        layers = join_to(
            layers,
            [directories] if isinstance(directories, gpd.GeoDataFrame) else directories,
            types=types,
            told=told,
        )
    if figures is not None:
        layers, names = join_figures(layers, figures)
    write_layers(layers, Path(path))
    return layers, names


def write_rows(rows: gpd.GeoDataFrame, path: Path, *, layer: str = "") -> list[Path]:
    """Write a directory or a table by code in the format of the suffix, put in place once whole;
    return the files written. The layer is named after the file unless `layer` names it.

    ``.csv`` has longitude and latitude, and a Table Schema beside it (``.schema.json``).

    Raises
    ------
    StoreError
        When the suffix is none of `FORMATS`, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise StoreError(
            f"{path} : format inconnu « {suffix} » ; essayez l'un de {', '.join(FORMATS)}."
        )
    with (
        refused(
            OSError,
            pyogrio.errors.DataSourceError,
            pyogrio.errors.FeatureError,
            say=lambda error: (
                f"{path} : écriture impossible ({error}) ; vérifiez le dossier et la place."
            ),
            kind=StoreError,
        ),
        whole(path) as draft,
    ):
        if suffix == ".csv":
            pd.DataFrame(rows.drop(columns="geometry")).assign(
                longitude=rows.geometry.x, latitude=rows.geometry.y
            ).to_csv(draft, index=False, encoding="utf-8", lineterminator="\n")
            path.with_suffix(".schema.json").write_text(
                json.dumps(table_schema(), ensure_ascii=False, indent=2), encoding="utf-8"
            )
        elif suffix == ".parquet":
            rows.to_parquet(draft, index=False)
        else:
            shapes = set(rows.geom_type.dropna())
            surfaces = shapes and shapes <= {"Polygon", "MultiPolygon"}
            pyogrio.write_dataframe(
                rows,
                draft,
                driver=DRIVERS[suffix],
                layer=layer or None,
                geometry_type="MultiPolygon" if surfaces else "Point",
                promote_to_multi=bool(surfaces),
            )
    return [path, path.with_suffix(".schema.json")] if suffix == ".csv" else [path]


def table_schema() -> dict[str, Any]:
    """Return the Table Schema (specs.frictionlessdata.io) of the CSV export."""
    kinds = {
        "hours_per_week": "number",
        "itinerant": "boolean",
        "inside": "boolean",
        "source_row": "integer",
    }
    constraints: dict[str, dict[str, Any]] = {
        "id": {"constraints": {"required": True}},
        "type": {"constraints": {"required": True, "enum": list(SERVICE_TYPES)}},
        "name": {"constraints": {"required": True}},
    }
    fields = [
        {"name": name, "type": kinds.get(name, "string"), **constraints.get(name, {})}
        for name in DIRECTORY_COLUMNS
        if name != "geometry"
    ]
    fields += [{"name": name, "type": "number"} for name in ("longitude", "latitude")]
    return {"fields": fields, "primaryKey": "id", "missingValues": [""]}
