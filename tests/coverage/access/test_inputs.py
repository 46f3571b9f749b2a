"""A study's territory is any union of communes: départements, intercommunalities, arrondissements,
a polygon.
"""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geoguichet.coverage.access import inputs
from geoguichet.coverage.access.rules import legal_table
from geoguichet.coverage.errors import StudyError
from geoguichet.coverage.manifest import CoverageResult
from geoguichet.coverage.routers.impedance import StraightLine
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import Study, parse_study, read_study
from geoguichet.referentials.layers import read_layer, sample_path
from geoguichet.referentials.territories.territory import Choice

EPCI = "200066231"  # Couserans-Pyrénées, in the Ariège
WEST = shapely.box(0.8, 42.7, 1.1, 43.1)


def asking(small_path: Path, territory: str, *, more: str = "") -> Study:
    """Return the small study of another territory."""
    text = small_path.read_text(encoding="utf-8").replace('departements = ["09"]', territory) + more
    path = small_path.with_name("ailleurs.toml")
    path.write_text(text, encoding="utf-8")
    return read_study(path)


@pytest.fixture(scope="module")
def part(small_path: Path) -> CoverageResult:
    """A polygon of western Ariège, drawn in Lambert-93 beside the study."""
    gpd.GeoDataFrame(geometry=[WEST], crs=4326).to_crs(2154).to_file(
        small_path.with_name("ouest.gpkg")
    )
    legal = '[legal]\nla_poste = "mairie"\nfrance_services_30 = "mairie"\n'
    return run(asking(small_path, 'polygon = "ouest.gpkg"', more=legal))


def test_the_communes_are_those_that_init_would_choose(
    part: CoverageResult, small_path: Path
) -> None:
    communes = read_layer(small_path.with_name("ariege.gpkg"), layer="communes")
    chosen = communes[Choice("x", polygon=WEST).communes(communes)]
    assert 10 < len(chosen) < len(communes) / 2
    assert sorted(part.demand.index) == sorted(chosen["code"])
    together = inputs.territory_of(
        asking(small_path, f'polygon = "ouest.gpkg"\nepci = ["{EPCI}"]'),
        small_path.with_name("ariege.gpkg"),
    )
    assert set(together.communes["code"]) == set(chosen["code"]) | set(
        communes.loc[communes["epci"] == EPCI, "code"]
    )


def test_a_part_of_a_departement_is_told_as_a_part(part: CoverageResult) -> None:
    assert part.summary[["code", "name"]].to_numpy().tolist() == [
        ["09", "Ariège (partie)"],
        ["", "Ariège"],
    ]
    assert part.summary["people"].tolist() == [part.demand["people"].sum()] * 2
    assert part.territory.boundary.area < 0.5 and part.territory.partial == {"09"}
    assert (
        len(part.kiosks) <= 3
        and part.ranking is not None
        and len(part.ranking.curve) == len(part.kiosks)
    )
    assert set(part.kiosks["commune"]) <= set(part.demand.index), "no host outside the territory"
    assert part.inputs[-1].file == "ouest.gpkg" and part.inputs[-1].rows == 1


def test_neighbours_of_the_same_departement_still_serve(part: CoverageResult) -> None:
    assert not part.services["inside"].all(), (
        "the prefecture of Foix is beyond the polygon, within 40 km"
    )


def test_a_share_of_a_whole_departement_is_not_decided_from_a_part(part: CoverageResult) -> None:
    study, near = part.study, part.services.assign(type="town_hall")
    table = legal_table(part.demand, near, part.territory, study, StraightLine()).set_index(
        ["rule", "code"]
    )
    assert table.loc[("la_poste", "09"), ["verdict", "reason"]].tolist() == ["undecided", "partial"]
    assert table.at[("la_poste", ""), "reason"] == "partial"
    assert table.at[("france_services_30", "09"), "reason"] == "no_car_times", (
        "that rule speaks of each person"
    )


def test_whole_departements_by_another_key_are_the_same_territory(small_path: Path) -> None:
    source = small_path.with_name("ariege.gpkg")
    plain = inputs.territory_of(read_study(small_path), source)
    united = inputs.territory_of(
        asking(small_path, f'departements = ["09"]\nepci = ["{EPCI}"]'), source
    )
    assert united.partial == frozenset() and united.boundary.equals(plain.boundary)
    assert list(united.communes["code"]) == list(plain.communes["code"])


def test_two_intercommunalities_of_the_sample_keep_their_departements_apart() -> None:
    study = parse_study(
        {
            "study": {"id": "x", "title": "x"},
            "territory": {"name": "x", "epci": ["200069383"]},
            "services": {"a": {"types": ["town_hall"], "within": "8 km"}},
            "rule": {"all": ["a"]},
        }
    )
    territory = inputs.territory_of(study, sample_path())
    assert list(territory.departements["name"]) == ["Aveyron (partie)", "Lot (partie)"]
    assert territory.departements["communes"].sum() == len(territory.communes)


@pytest.mark.parametrize(
    ("territory", "key", "said"),
    [
        ('epci = ["999"]', "territory.epci", "epci inconnu : 999"),
        (
            'arrondissements = ["093"]',
            "territory.arrondissements",
            "ne disent pas leur arrondissement",
        ),
        ('polygon = "absent.gpkg"', "territory.polygon", "n'existe pas"),
        ('polygon = "loin.gpkg"', "territory.polygon", "aucune commune n'est dans ce polygone"),
        ("epci = []", "territory.epci", "une liste de textes"),
        ("", "territory.departements", "manque"),
    ],
)
def test_a_territory_of_nothing_is_one_sentence(
    small_path: Path, territory: str, key: str, said: str
) -> None:
    gpd.GeoDataFrame(geometry=[shapely.box(5, 47, 6, 48)], crs=4326).to_file(
        small_path.with_name("loin.gpkg")
    )
    with pytest.raises(StudyError) as refused:
        inputs.read(asking(small_path, territory))
    message = str(refused.value)
    assert f"« {key} »" in message and said in message and "\n" not in message
