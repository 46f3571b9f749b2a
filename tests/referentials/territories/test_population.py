"""The layer of communes keeps its contract, or the offending communes are named."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories.territory import GROUPS, check_communes, read_communes

SQUARE = shapely.box(1, 43, 1.1, 43.1)


def communes() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "code": ["31001", "31002"],
            "name": ["Agassac", "Aignes"],
            "departement": ["31", "31"],
            "epci": ["200068807", None],
            "population": [130, 0],
            "pop_65_plus": [None, 3.0],
        },
        geometry=[SQUARE, None],
        crs="EPSG:4326",
    )


def test_the_sample_is_read_by_code() -> None:
    read = read_communes(sample_path())
    assert read["code"].is_monotonic_increasing
    assert read["population"].sum() == 3_034_719
    assert set(GROUPS) <= set(read.columns)


def test_unknown_groups_and_outlines_are_accepted() -> None:
    check_communes(communes())
    check_communes(communes().assign(population=[130, None]))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda frame: frame.assign(code="31001"),
            r"code absent ou répété pour 1 commune\(s\) : 31001",
        ),
        (
            lambda frame: frame.assign(population=[np.nan, np.nan]),
            r"population inconnue pour .* : 31001, 31002",
        ),
        (
            lambda frame: frame.assign(population=[-1, 2]),
            "valeur négative dans « population » .* : 31001",
        ),
        (
            lambda frame: frame.assign(pop_65_plus=[3, -2]),
            "valeur négative dans « pop_65_plus » .* : 31002",
        ),
        (
            lambda frame: frame.set_geometry([None, shapely.Point(1, 43)]),
            "pas un polygone .* : 31002",
        ),
        (lambda frame: frame.drop(columns="epci"), "colonne absente : epci"),
    ],
)
def test_a_broken_contract_names_the_communes(
    spoil: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame], said: str
) -> None:
    with pytest.raises(LayerError, match=said):
        check_communes(spoil(communes()))
