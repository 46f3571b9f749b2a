"""Another territory is carved or built, and a study runs on it as on the sample."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.regions import region
from geoguichet.referentials.regions.official_files import with_arrondissements
from geoguichet.referentials.territories.territory import (
    Choice,
    read_polygon,
    read_territory,
)


@pytest.fixture(scope="module")
def sample() -> region.Layers:
    return region.read_layers(sample_path())


def test_an_intercommunality_is_carved_out_of_the_sample(
    sample: region.Layers, tmp_path: Path
) -> None:
    carved = region.carve(sample, Choice("Toulouse Métropole", epci=("243100518",)))
    assert {name: len(layer) for name, layer in carved.items()} == {
        "communes": 37,
        "epci": 1,
        "departements": 1,
        "services": len(carved["services"]),
        "ring": len(carved["ring"]),
    }
    assert carved["departements"].loc[0, "population"] == carved["communes"]["population"].sum()
    assert carved["services"]["inside"].sum() >= 37
    assert carved["ring"]["distance_m"].max() <= region.RING_M
    assert not set(carved["ring"]["code"]) & set(carved["communes"]["code"])
    written = region.start(
        tmp_path / "espace", carved, name="Toulouse Métropole", slug="tm", kiosks=2
    )
    territory = read_territory(written.data, name="Toulouse Métropole", departements=["31"])
    assert territory.boundary.area < sample["departements"].geometry.iloc[2].area / 5
    with pytest.raises(LayerError, match="existe déjà"):
        region.start(tmp_path / "espace", carved, name="x", slug="x")


def test_a_union_of_choices_is_the_union_of_their_communes(sample: region.Layers) -> None:
    communes = sample["communes"]
    by_code = Choice("a", departements=("09",)).communes(communes)
    by_epci = Choice("a", epci=("243100518",)).communes(communes)
    box = shapely.box(0.5, 43.5, 0.7, 43.8)
    by_shape = Choice("a", polygon=box).communes(communes)
    together = Choice("a", departements=("09",), epci=("243100518",), polygon=box).communes(
        communes
    )
    assert (together == (by_code | by_epci | by_shape)).all()
    whole = region.carve(sample, Choice("Ariège", departements=("09",)))
    assert whole["departements"].geometry.iloc[0].equals(sample["departements"].geometry.iloc[0])


def test_a_choice_of_nothing_or_of_unknown_codes_is_refused(sample: region.Layers) -> None:
    with pytest.raises(LayerError, match="aucune commune"):
        Choice("vide").communes(sample["communes"])
    with pytest.raises(LayerError, match="epci inconnu : 1"):
        Choice("x", epci=("1",)).communes(sample["communes"])


def test_a_polygon_is_read_from_a_file(tmp_path: Path) -> None:
    shapes = [shapely.box(0, 43, 1, 44), shapely.box(1, 43, 2, 44)]
    gpd.GeoDataFrame(geometry=shapes, crs=4326).to_crs(2154).to_file(tmp_path / "zone.gpkg")
    assert read_polygon(tmp_path / "zone.gpkg").bounds == pytest.approx((0, 43, 2, 44), abs=1e-6)
    gpd.GeoDataFrame(geometry=[shapely.Point(1, 43)], crs=4326).to_file(tmp_path / "point.gpkg")
    with pytest.raises(LayerError, match="aucun polygone"):
        read_polygon(tmp_path / "point.gpkg")


def test_an_arrondissement_is_chosen_by_its_code(data: Any) -> None:
    layers = region.read_layers(sample_path())
    with pytest.raises(LayerError, match="--codes"):
        region.carve(layers, Choice("Saint-Girons", arrondissements=("093",)))
    told = with_arrondissements(layers, data.folder / "cog" / "communes.json.gz")
    carved = region.carve(told, Choice("Saint-Girons et Foix", arrondissements=("093", "091")))
    assert set(carved["communes"]["arrondissement"]) == {"091", "093"}
    assert set(carved["departements"]["code"]) == {"09"}
    with pytest.raises(LayerError, match="arrondissement inconnu : 999"):
        region.carve(told, Choice("?", arrondissements=("999",)))
