"""Chief places as points: the lists of B. David (YAML, from Wikipédia and the Géoportail) and
ANCT's layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import geopandas as gpd
import pandas as pd
import shapely
import yaml

from geoguichet.floor.errors import LayerError
from geoguichet.floor.findings import Finding
from geoguichet.referentials.directory.placing import place_points
from geoguichet.referentials.directory.schema import Reading, departement_of
from geoguichet.referentials.layers import LONLAT
from geoguichet.referentials.readers.tables import geojson_table, json_document, read_bytes
from geoguichet.referentials.readers.tables_by_code import CodedColumns, make_table

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The compiled loader is ten times faster, and not everywhere."""


def read_yaml(path: Path) -> Iterator[Reading]:
    """Yield the chief places of former and current communes (YAML: ``d09:`` then a name and its
    ``geo`` a line).

    Keys are names percent-encoded as in an address; they are decoded, and it is told
    (``percent-encoded``).

    Raises
    ------
    LayerError
        When the file is missing or is not such a list.
    """
    try:
        document = yaml.load(read_bytes(path).decode("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LayerError(
            f"{path} : ce n'est pas du YAML valide ({error}) ; copiez-le de nouveau."
        ) from error
    places = list(_places(document))
    if not places:
        raise LayerError(
            f"{path} : aucun chef-lieu ; une table par département (« d09: ») est attendue."
        )
    index = pd.RangeIndex(1, len(places) + 1)
    table = pd.DataFrame(places, columns=["departement", "key", "name", "x", "y"], index=index)
    encoded = int(table["key"].str.contains("%", regex=False).sum())
    findings = (
        [
            Finding(
                "percent-encoded",
                "chefs-lieux",
                "",
                f"{encoded} nom(s) écrits comme dans une adresse (« %C3%A9 ») : décodés.",
                "info",
            )
        ]
        if encoded
        else []
    )
    ids = "seat-" + table["departement"] + "-" + table["key"]
    placed = place_points(
        table["x"], table["y"], LONLAT, items=ids, layer="chefs-lieux", columns=("geo", "geo")
    )
    yield make_table(
        CodedColumns(
            "territories",
            "chefs-lieux",
            {
                "id": ids,
                "level": pd.Series("seat", index=index),
                "code": pd.Series("", index=index),
                "name": table["name"],
                "category": table["key"].map(unquote),
                "departement": table["departement"],
            },
            placed.points,
            findings=(*findings, *placed.findings),
            notes=(f"YAML, {len(places)} chefs-lieux, WGS 84.",),
        )
    )


def _places(document: Any) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield département, key, name and coordinates as text of each place."""
    for departement, places in (document if isinstance(document, Mapping) else {}).items():
        if not isinstance(places, Mapping):
            continue
        for key, place in places.items():
            told = place if isinstance(place, Mapping) else {}
            names, geo = told.get("names") or [], told.get("geo") or ["", ""]
            name = str(names[0]) if names else unquote(str(key)).replace("_", " ")
            yield str(departement).removeprefix("d"), str(key), name, str(geo[0]), str(geo[1])


def read_layer(path: Path) -> Iterator[Reading]:
    """Yield ANCT's layer (GeoJSON points: CODGEO, STATUT, libgeom)."""
    table = geojson_table(json_document(path), columns=("CODGEO", "STATUT", "libgeom"), path=path)
    points = [
        shapely.Point(float(x), float(y)) if x and y else None
        for x, y in zip(table["longitude"], table["latitude"], strict=True)
    ]
    yield make_table(
        CodedColumns(
            "territories",
            "chefs-lieux-anct",
            {
                "level": pd.Series("seat", index=table.index),
                "code": table["CODGEO"],
                "name": table["libgeom"],
                "category": table["STATUT"],
                "commune": table["CODGEO"],
                "departement": departement_of(table["CODGEO"]),
            },
            gpd.GeoSeries(points, index=table.index, crs=LONLAT),
            notes=("GeoJSON, WGS 84 (CRS84).",),
            outlined=True,
        )
    )
