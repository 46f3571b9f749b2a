"""The inhabitants of the communes, in all and by group."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from geoguichet.floor.errors import LayerError
from geoguichet.floor.words import Message
from geoguichet.referentials.layers import check_columns, check_text, read_layer

#: What a layer of communes must have; other columns are carried along.
COMMUNE_COLUMNS = ("code", "name", "departement", "epci", "population")

#: The columns that count people, and their name in a sentence. A group may be unknown (NaN) for a
#: commune.
GROUPS: Mapping[str, Message] = MappingProxyType(
    {
        "population": Message("habitants"),
        "pop_65_plus": Message("personnes de 65 ans et plus"),
        "pop_under_20": Message("personnes de moins de 20 ans"),
    }
)


def group_label(column: str) -> str:
    """Return what a group of people is called; one of the reader's own is called by its column."""
    return str(GROUPS.get(column, column))


def read_communes(path: Path, *, layer: str = "communes") -> gpd.GeoDataFrame:
    """Read the communes and their inhabitants, in EPSG:4326, by ascending code.

    Raises
    ------
    LayerError
        When the layer cannot be read or does not keep the contract of `check_communes`.
    """
    communes = read_layer(path, layer=layer, columns=COMMUNE_COLUMNS)
    check_communes(communes, where=f"{path}, couche « {layer} »")
    return communes.sort_values("code", ignore_index=True)


def check_communes(communes: gpd.GeoDataFrame, *, where: str = "communes") -> None:
    """Raise LayerError, with the offending codes, unless `communes` keeps its contract.

    ``code``         INSEE code (text), unique
    ``name``         text
    ``departement``  code of its département (text)
    ``epci``         SIREN of its intercommunality (text); may be missing
    ``population``   inhabitants, a number >= 0, never missing
    ``geometry``     polygon or multipolygon; may be missing (a finding, not a refusal)

    Other columns of ``GROUPS`` are numbers >= 0 where they are there and known.
    """
    check_columns(communes, COMMUNE_COLUMNS, where=where)
    check_text(communes, ("code", "name", "departement"), where=where)
    codes = communes["code"]
    _refuse(
        codes[communes["name"].isna() | communes["departement"].isna()],
        "nom ou département absent",
        where=where,
    )
    if not pd.api.types.is_numeric_dtype(communes["population"]):
        raise LayerError(
            f"{where} : la colonne « population » contient du texte ; des nombres sont attendus."
        )
    _refuse(codes[codes.isna() | codes.duplicated()], "code absent ou répété", where=where)
    _refuse(codes[communes["population"].isna()], "population inconnue", where=where)
    for column in GROUPS:
        if column in communes.columns:
            _refuse(codes[communes[column] < 0], f"valeur négative dans « {column} »", where=where)
    kinds = communes.geom_type
    flat = kinds.isna() | kinds.isin(["Polygon", "MultiPolygon"])
    _refuse(codes[~flat], "géométrie qui n'est pas un polygone", where=where)


def _refuse(codes: pd.Series, problem: str, *, where: str) -> None:
    """Raise LayerError naming the first of `codes`, if there are any."""
    if len(codes):
        shown = ", ".join(str(code) for code in codes[:5]) + (", ..." if len(codes) > 5 else "")
        raise LayerError(f"{where} : {problem} pour {len(codes)} commune(s) : {shown}.")
