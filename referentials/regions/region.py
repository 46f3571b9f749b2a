"""The data of another region, or of any union of communes: the layers a study needs, in one
GeoPackage, and the study and the portal's identity beside them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import REGION_FILE, read_toml, refused, whole
from geoguichet.floor.words import Message
from geoguichet.referentials import directory
from geoguichet.referentials.layers import LONLAT, MENDED, METRIC, metric_of, read_layer
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

#: An island has no surroundings, and some communes are in no intercommunality.
MAY_BE_EMPTY = frozenset({"epci", "ring"})
SURFACES = frozenset({"communes", "epci", "departements"})

type Layers = dict[str, gpd.GeoDataFrame]


def read_layers(path: Path) -> Layers:
    """Return the layers of a territory's GeoPackage, such as the embedded sample.

    Raises
    ------
    LayerError
        When a layer is missing or unreadable.
    """
    return {name: read_layer(path, layer=name, empty=name in MAY_BE_EMPTY) for name in TITLES}


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
    ring = _ring(layers, chosen, departements, ring_m)
    services = layers["services"]
    services = services[services["commune"].isin({*inside["code"], *ring["code"]})]
    return {
        "communes": inside,
        "epci": completed(layers["epci"], dissolved(inside, "epci")),
        "departements": departements,
        "services": services.assign(
            inside=services["commune"].isin(set(inside["code"]))
        ).reset_index(drop=True),
        "ring": ring,
    }


# Return the communes around: those of the source left out, and those of its own ring, near enough.
def _ring(
    layers: Layers, chosen: pd.Series, departements: gpd.GeoDataFrame, ring_m: float
) -> gpd.GeoDataFrame:
    crs = metric_of(departements.total_bounds)
    border = shapely.union_all(departements.to_crs(crs).geometry.array)
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
    distance = around.geometry.to_crs(crs).distance(border)
    return around.assign(distance_m=distance.round().astype("Int32"))[
        distance <= ring_m
    ].sort_values("code", ignore_index=True)


def write_layers(layers: Layers, path: Path, *, titles: Mapping[str, str] = TITLES) -> None:
    """Write layers to one GeoPackage, put in place once it is whole.

    Raises
    ------
    LayerError
        When the folder cannot be written or the disk is full.
    """
    with (
        refused(
            OSError,
            pyogrio.errors.DataSourceError,
            pyogrio.errors.FeatureError,
            RuntimeError,
            say=lambda error: (
                f"{path} : écriture impossible ({error}) ; vérifiez le dossier et la place sur le "
                "disque."
            ),
        ),
        whole(path) as draft,
    ):
        for name, layer in layers.items():
            pyogrio.write_dataframe(
                layer,
                draft,
                layer=name,
                driver="GPKG",
                append=draft.exists(),
                use_arrow=True,
                geometry_type="MultiPolygon" if name in SURFACES else "Point",
                promote_to_multi=name in SURFACES,
                layer_options={
                    "GEOMETRY_NAME": "geometry",
                    "IDENTIFIER": name,
                    "DESCRIPTION": titles.get(name, name),
                },
            )


# -- geoguichet init

DATA_FILE, STUDY_FILE = "territoire.gpkg", "etude.toml"
#: The workspace that ``serve`` and ``coverage run`` take.
WORKSPACE = "workspace"

STUDY = """\
# Une étude Géoguichet, à compléter ; « geoguichet coverage run {study} » la calcule.

[study]
id = "{id}"
title = {title}
abstract = "Habitants éloignés d'un guichet de l'État ou d'une mairie assez ouverte."
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

[services.etat]
label = "Guichet de l'État (préfecture ou sous-préfecture)"
types = ["prefecture", "sous_prefecture"]
within = "25 km"

[services.mairie]
label = "{hall}"
types = ["town_hall"]
min_hours_per_week = {hours}
within = "8 km"

[rule]
all = ["etat", "mairie"]

[kiosks]
count = {count}
candidates = ["town_hall"]
offers = ["etat"]                    # ce qu'un visioguichet ouvre : il n'allonge pas les horaires d'une mairie
reach = "8 km"
min_hours_per_week = 14              # il ouvre quand son lieu d'accueil ouvre : au moins autant par semaine
host_quality_within = 0.01           # au plus 1 % de l'optimum, cédé pour des lieux d'accueil plus ouverts
user_side_cost = "10000 EUR"
expert_side_cost = "7000 EUR"
experts = 5
time_limit = "40 s"
gap = 0

[extensions]                         # quelles mairies ouvrir plus longtemps, pour qui ne manque que d'heures
need = "mairie"
budget = "300000 EUR"                # ce que leurs heures peuvent coûter en un an
hour_cost = "1200 EUR"               # hypothèse, sans source : une heure de plus par semaine, en un an
"""

#: What `STUDY` asks of a town hall; its hours are left in a comment where none is known to be so.
MIN_HOURS, HALL = 28, "Mairie ouverte au moins 28 h par semaine"

#: Who the region is: the keys of `floor.region`.
IDENTITY = """\
# Le portail de la région : ce qu'il dit et ce qu'il montre. « geoguichet serve » le lit en démarrant.
# Chaque texte se donne une fois, ou par langue : title = {{ fr = "…", en = "…" }}. Une clé inconnue est refusée.

[region]
name = {name}

# [region.contact]                   # qui répond ; seul name est attendu
# name = "Service de l'information géographique"
# email = "sig@region.example"
# telephone = "05 00 00 00 00"
# url = "https://www.region.example/sig"

[portal]
title = {title}
description = {description}
# languages = ["fr", "en"]           # la première est celle de qui n'en demande aucune
flagship = {study}                   # l'étude à la une : son identifiant

[territory]
name = {name}
data = "../{data}"                   # relatif à ce fichier

# Les couches montrées : celles des données, par leur nom, ou une autre (layer = "…") ; et celles du portail
# (catalogue, white-zones, kiosks), que l'on retitre, ou que l'on cache par shown = false.
# columns : les colonnes montrées d'abord, et leur nom. colour = "#RRVVBB" : celle de la couche sur les cartes.

{collections}
# [theme]                            # une couleur trop pâle pour être lue est assombrie, et c'est dit
# principale = "#1D5C54"
# accent = "#A4452C"
# fond = "chaud"                     # chaud, neutre ou froid
# arrondi = 8                        # coins, de 0 à 12 pixels
# logo = "logo.svg"                  # relatif à ce fichier, SVG ou PNG

[licence]
name = "Licence Ouverte 2.0"
url = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"

[legal]                              # ce que la loi demande à un site : à compléter avant d'ouvrir
# publisher = "Région, adresse, téléphone"
# director = "Le président ou la présidente du conseil régional"
# host = "Hébergeur, adresse, téléphone"
# notice = "…"
accessibility = "non conforme"       # ou partiellement conforme, totalement conforme : ce qu'un audit a dit

[[sources]]                          # dites sous les cartes et en pied de page
name = "IGN et INSEE : contours simplifiés, populations"

[[sources]]
name = "DILA : annuaire des guichets"
"""

type Pair = tuple[str, str]

#: How each layer of `TITLES` is shown, in French and in English: its title, what it holds; the
#: column that tells its rows apart; those shown first.
COLLECTIONS: Mapping[str, tuple[Pair, Pair, str, Mapping[str, Pair]]] = {
    "communes": (
        ("Communes", "Communes"),
        (
            "Les communes, leur contour simplifié et leur population",
            "The communes, their simplified outline and population",
        ),
        "code",
        {
            "name": ("Commune", "Commune"),
            "departement": ("Département", "Département"),
            "population": ("Habitants", "People"),
        },
    ),
    "services": (
        ("Services publics", "Public services"),
        (
            "Les guichets du territoire et de ses abords, avec leurs horaires",
            "The counters of the territory and its surroundings, with their hours",
        ),
        "id",
        {
            "name": ("Guichet", "Counter"),
            "type": ("Type", "Type"),
            "commune_name": ("Commune", "Commune"),
            "hours": ("Horaires", "Hours"),
        },
    ),
    "epci": (
        ("Intercommunalités", "Intercommunalities"),
        (
            "Les intercommunalités, pour la part qui est dans le territoire",
            "The intercommunalities, for the part that is in the territory",
        ),
        "code",
        {
            "name": ("Intercommunalité", "Intercommunality"),
            "population": ("Habitants", "People"),
            "communes": ("Communes", "Communes"),
        },
    ),
    "departements": (
        ("Départements", "Départements"),
        (
            "Les départements, leur contour simplifié et leur population",
            "The départements, their simplified outline and population",
        ),
        "code",
        {
            "name": ("Département", "Département"),
            "population": ("Habitants", "People"),
            "communes": ("Communes", "Communes"),
        },
    ),
}


# Return the tables of `region.toml` for the layers of a territory that hold something.
def _collections(layers: Layers, name: str) -> str:
    tables = []
    for key, (title, about, identifier, columns) in COLLECTIONS.items():
        if len(layers[key]):
            lines = [
                f"[collections.{key}]",
                f"title = {_both(title)}",
                f"description = {_both((f'{about[0]} : {name}.', f'{about[1]}: {name}.'))}",
                f"id = {_quoted(identifier)}",
                f"[collections.{key}.columns]",
                *(f"{column} = {_both(told)}" for column, told in columns.items()),
            ]
            tables.append("\n".join((*lines, "")))
    return "\n".join(tables)


def _both(told: Pair) -> str:
    return f"{{ fr = {_quoted(told[0])}, en = {_quoted(told[1])} }}"


@dataclass(frozen=True, slots=True)
class Workspace:
    """What `start` wrote."""

    data: Path
    study: Path
    #: ``region.toml``, in the workspace of its own.
    region: Path
    communes: int
    services: int
    population: int
    #: Communes whose people nobody knows: they are in no count.
    unknown: tuple[str, ...]
    #: Communes whose people the source left out, and INSEE tells.
    completed: tuple[str, ...]
    #: Communes whose outline crossed itself.
    mended: tuple[str, ...]
    #: Whether the study asks for hours: some town hall is known to be open enough.
    hours: bool


def free_files(folder: Path) -> tuple[Path, Path, Path]:
    """Return where `start` writes the data, the study and who the region is.

    Raises
    ------
    LayerError
        When one of them is there already.
    """
    files = folder / DATA_FILE, folder / STUDY_FILE, folder / WORKSPACE / REGION_FILE
    for path in files:
        if path.exists():
            raise LayerError(
                f"{path} : ce fichier existe déjà ; choisissez un autre dossier, rien n'est écrasé."
            )
    return files


def start(folder: Path, layers: Layers, *, name: str, slug: str, kiosks: int = 20) -> Workspace:
    """Write the data of a territory, a study ready to run and who the region is in a folder.

    Raises
    ------
    LayerError
        When the folder already has one of the files, or cannot be written.
    """
    data, study, identity = free_files(folder)
    write_layers(layers, data)
    identity.parent.mkdir(exist_ok=True)
    title = f"Zones blanches de services - {name}"
    identity.write_text(
        IDENTITY.format(
            name=_quoted(name),
            title=_quoted(f"Géoguichet - {name}"),
            description=_both(
                (
                    f"Catalogue de données et études d'accès aux services : {name}.",
                    f"Catalogue of data and studies of access to services: {name}.",
                )
            ),
            study=_quoted(slug),
            data=data.name,
            collections=_collections(layers, name),
        ),
        encoding="utf-8",
    )
    services = layers["services"]
    weekly = services.loc[services["type"] == "town_hall", "hours_per_week"]
    asked = weekly >= MIN_HOURS
    text = STUDY.format(
        study=study.name,
        id=slug,
        title=_quoted(title),
        name=_quoted(name),
        departements=json.dumps(list(layers["departements"]["code"])),
        data=data.name,
        count=kiosks,
        hours=MIN_HOURS,
        hall=HALL if asked.any() else "Mairie",
    )
    if not asked.any():
        text = re.sub(r"(?m)^(min_hours_per_week = .*)", r"# \1", text)
    if not asked.any() or not (weekly < MIN_HOURS).any():  # no hour is asked, or none is lacking
        text, mark, longer = text.partition("[extensions]")
        text += re.sub(r"(?m)^(?=.)", "# ", mark + longer)
    study.write_text(text, encoding="utf-8")
    communes = layers["communes"]

    def named(which: pd.Series) -> tuple[str, ...]:
        return tuple(communes.loc[which, "name"])

    nothing = pd.Series(False, index=communes.index)
    return Workspace(
        data,
        study,
        identity,
        len(communes),
        len(layers["services"]),
        int(communes["population"].sum()),
        unknown=named(communes["population"].isna()),
        completed=named(communes.get("population_source", nothing) == "insee"),
        mended=named(communes.get(MENDED, nothing)),
        hours=bool(asked.any()),
    )


# Write a text as TOML does: as JSON, but for its accents.
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


#: A ring commune whose town hall is farther than this from its polygon is put inside it.
MISPLACED_M = 3_000

PRECISION_DEG = 1e-6
FRANCE = "France métropolitaine"

#: Regions until 2015 whose code no region has today, and their départements.
FORMER_REGIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    code: (name, tuple(held))
    for code, (name, held) in read_toml(Path(*directory.__path__) / "departements.toml")[
        "former_regions"
    ].items()
}


@dataclass(frozen=True, slots=True)
class Region:
    """A region, of today or until 2015."""

    code: str
    name: str
    departements: tuple[str, ...]


def united(regions: Sequence[Region]) -> Region:
    """Return regions as one.

    Raises
    ------
    LayerError
        When they have no metric system in common: lengths could not be measured in one.
    """
    apart = {overseas(one) for one in regions}
    if len(apart) > 1:
        raise LayerError(
            Message(
                "{regions} : ces régions ne se mesurent pas dans le même système de coordonnées ; "
                "faites une étude pour chacune, par --region.",
                regions=", ".join(one.name for one in regions),
            )
        )
    return Region(
        "+".join(one.code for one in regions),
        ", ".join(one.name for one in regions),
        tuple(sorted({code for one in regions for code in one.departements})),
    )


def overseas(region: Region) -> str:
    """Return the territory of an overseas region, both Antilles together; empty in Europe."""
    first = region.departements[0]
    return first.replace("972", "971") if first.startswith("97") else ""


def box_around(bounds: Sequence[float], distance_m: float) -> tuple[float, float, float, float]:
    """Return the box with what lies within a distance of bounds, in degrees, generously."""
    degrees = distance_m / 60_000
    west, south, east, north = (float(value) for value in bounds)
    return west - degrees, south - degrees, east + degrees, north + degrees


def ring_layer(
    others: pd.DataFrame, border: shapely.Geometry, *, ring_m: float, crs: str = METRIC
) -> gpd.GeoDataFrame:
    """Return the communes of `others` whose point is at most `ring_m` beyond `border` (in the
    metres `crs`), by code.

    Their point is their town hall, or a point of their polygon when it is missing or plainly
    elsewhere.
    """
    polygons = gpd.GeoSeries(others["polygon"], crs=LONLAT).to_crs(crs)
    town_halls = gpd.GeoSeries(others["point"], crs=LONLAT).to_crs(crs)
    usable = shapely.dwithin(polygons.array, town_halls.array, MISPLACED_M)
    points = town_halls.where(usable, polygons.representative_point())
    shapely.prepare(border)
    near = shapely.dwithin(points.array, border, ring_m)
    distance = points[near].distance(border)
    return (
        gpd.GeoDataFrame(
            {
                "code": others["code"][near],
                "name": others["name"][near],
                "departement": others["departement"][near],
                "population": others["population"][near],
                "distance_m": distance.round().astype("Int32"),
                "point_source": np.where(usable[near], "town_hall", "polygon"),
            },
            geometry=shapely.set_precision(points[near].to_crs(4326).array, PRECISION_DEG),
            crs=4326,
        )
        .sort_index()
        .reset_index(drop=True)
    )
