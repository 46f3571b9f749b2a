"""« Trouver un guichet »: one answer, held against a naive twin; proposed kiosks are nowhere in it."""

import json
import os
import random
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pytest
import requests
from pyproj import Geod
from shapely.geometry import LineString, Point

from geoguichet.coverage import orientation
from geoguichet.coverage.outputs.folder import write_all
from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import parse_study, read_study
from geoguichet.floor.region import Region
from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import speaking
from geoguichet.portal.counters import answered, places, when_asked
from geoguichet.portal.kept import Index, index_of
from geoguichet.portal.territory import Territory, territory_of
from geoguichet.portal.usual import usual_study
from geoguichet.referentials.directory.hours import Moment, is_open
from geoguichet.referentials.layers import read_layer, sample_path
from geoguichet.referentials.roads.network_file import RoadSource, assemble, write_network
from geoguichet.referentials.roads.sources import from_frame
from geoguichet.referentials.territories import sample

#: A Sunday, without a holiday in the week that follows.
CLOCK = datetime(2026, 11, 29, 16, 0)
WHOLE = bool(os.environ.get("GEOGUICHET_RIGHTS"))


def clock(_departement: str) -> datetime:
    return CLOCK


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    workspace = tmp_path_factory.mktemp("guichet")
    return index_of(workspace, Region(), Territory(sample.NAME, sample_path()), viewer=PUBLIC)


@pytest.fixture(scope="module")
def services() -> gpd.GeoDataFrame:
    return read_layer(sample_path(), layer="services")


def test_the_question_of_the_design_has_its_answer(index: Index) -> None:
    asked = {"ou": "Saint-Girons", "quoi": "mairie", "quand": "sam-10:30"}
    told = answered(index, asked, clock=clock)
    assert [one["name"] for one in told["open"]] == [
        "Mairie de Saint-Lizier", "Mairie de Rimont", "Mairie de Clermont",
    ]  # fmt: skip
    assert told["nearest"]["name"] == "Mairie de Saint-Girons"
    assert told["nearest"]["status"] == "closed"
    assert told["nearest"]["opens"].startswith("2026-12-07T08:30")
    assert told["open"][0]["hours"].replace("\u202f", " ") == "de 9 h à 12 h"


def test_where_nobody_knows_nothing_is_told_as_open(index: Index) -> None:
    asked = {"ou": "09261", "quoi": "etat", "quand": "mar-10:30"}
    told = answered(index, asked, clock=clock)
    assert not told["open"] and "téléphonez avant de partir" in told["message"]
    assert {one["status"] for one in told["uncertain"]} == {"unknown"}


def test_all_closed_says_which_opens_first(index: Index) -> None:
    told = answered(index, {"ou": "Foix", "quoi": "mairie", "quand": "dim-20:00"}, clock=clock)
    assert not told["open"] and "Le premier à rouvrir" in told["message"]
    first = min(one["opens"] for one in told["closed"])
    assert first.startswith("2026-11-30")


def test_an_hour_that_is_past_is_that_of_next_week() -> None:
    past, later = when_asked("dim-10:30", CLOCK), when_asked("dim-17:00", CLOCK)
    assert past.next_week and past.at.on is not None and past.at.on.day == 6
    assert not later.next_week and later.at.on is not None and later.at.on.day == 29
    assert when_asked("", CLOCK).now and when_asked("samedi 10h30", CLOCK).code == "sam-10:30"


def test_answers_are_those_of_a_naive_twin(index: Index, services: gpd.GeoDataFrame) -> None:
    dice, geod = random.Random(17), Geod(ellps="WGS84")
    known = [(one, at) for one, at in index.communes.items() if at is not None]
    halls = services[(services["type"] == "town_hall") & services.geometry.notna()]
    for _turn in range(12):
        (commune, (lon, lat)), n = dice.choice(known), dice.randrange(2, 6)
        text = f"{('lun', 'mar', 'mer', 'jeu', 'ven', 'sam')[n]}-{dice.randrange(8, 18):02d}:15"
        at = when_asked(text, CLOCK).at
        far = geod.inv([lon] * len(halls), [lat] * len(halls), halls.geometry.x, halls.geometry.y)[
            2
        ]
        told = zip(far, halls["id"], halls["hours"], halls["departement"], strict=True)
        order = sorted((metres, key, hours, dep or "") for metres, key, hours, dep in told)
        near = [row for row in order if row[0] <= 60_000]
        opened = [key for _, key, hours, dep in near if is_open(hours, at, dep)][:3]
        found = answered(index, {"ou": commune.code, "quoi": "mairie", "quand": text}, clock=clock)
        assert [one["id"] for one in found["open"]] == opened, (commune, text)


def test_every_commune_is_found_by_its_code_and_answers(index: Index) -> None:
    communes = list(index.communes)
    for one in communes:
        assert [place.commune for place in places(index, one.code)] == [one.code]
    for one in communes if WHOLE else communes[::60]:
        told = answered(index, {"ou": one.code, "quand": "mar-10:30"}, clock=clock)
        assert told["open"] and told["question"]["commune"] == one.code


def test_a_place_may_be_several_or_none_or_an_address(index: Index) -> None:
    several = answered(index, {"ou": "saint"}, clock=clock)
    assert len(several["choices"]) == 12 and not several["open"]
    none = answered(index, {"ou": "Saint-Gironz"}, clock=clock)
    assert "Aucune commune" in none["message"] and none["choices"][0]["ou"] == "Saint-Girons"
    (address,) = places(index, "place Jean Ibanès, 09200")
    assert address.commune == "09261" and "," in address.asked
    assert answered(index, {"ou": "2.35,48.85"}, clock=clock)["message"]
    assert answered(index, {"ou": "Foix", "quoi": "zzz"}, clock=clock)["message"]
    assert answered(index, {"ou": "Foix", "quand": "hier"}, clock=clock)["message"]
    assert not answered(index, {"ou": "x" * 100_000, "quoi": "mairie"}, clock=clock)["open"]


def test_an_open_kiosk_is_an_answer_and_a_proposed_one_never(
    tmp_path: Path, write_study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"model": "maximal_covering", "reach": "8 km", "count": 2, "user_side_cost": "1 EUR"}
    study = parse_study(usual_study(territory_of(Path(), Region()), "") | {"kiosks": table})
    result = write_study(tmp_path, "essai").parent
    (result / "manifest.json").write_text(json.dumps({"study": {"visibility": "public"}}))
    place = Point(1.607, 42.966)
    kiosks = {"id": ["k-1", "k-2"], "name": "Foix", "host": "Gare", "standing": ["existing", "proposed"],
              "hours": "24/7", "needs": "etat", "departement": "09", "commune": "09122"}  # fmt: skip
    frame = gpd.GeoDataFrame(kiosks, geometry=[place, place], crs="EPSG:4326")
    frame.to_file(result / "result.gpkg", layer="kiosks", engine="pyogrio", mode="w")
    monkeypatch.setattr(orientation, "study_and_result", lambda *_: (study, result))
    ground = Territory(sample.NAME, sample_path())
    found = index_of(tmp_path, Region(), ground, viewer=PUBLIC)
    asked = {"ou": "Foix", "quoi": "etat", "quand": "mar-10:30"}
    told = answered(found, asked, clock=clock)
    assert [one["id"] for one in told["open"]] == ["k-1"]
    assert told["open"][0]["type"] == "Visioguichet"
    assert "k-2" not in json.dumps(told)


@pytest.fixture(scope="module")
def by_road(
    tmp_path_factory: pytest.TempPathFactory, small_path: Path, services: gpd.GeoDataFrame
) -> Path:
    """A workspace whose leading study measures by the roads there are around Foix: a straight one to
    Vernajoul, one by far to Ferrières, which is nearer as the crow flies.
    """
    workspace = tmp_path_factory.mktemp("roads")
    foix, vernajoul, ferrieres = (
        services.set_index("id").geometry[f"mairie-{code}"] for code in ("09122", "09329", "09121")
    )
    away = Point(foix.x + 0.2, foix.y)
    lines = [LineString([foix, vernajoul]), LineString([foix, away]), LineString([away, ferrieres])]
    frame = gpd.GeoDataFrame({"class": ["primary"] * 3}, geometry=lines, crs="EPSG:4326")
    told = from_frame(frame, mapping={"class": "class"}, where="test")
    write_network(workspace / "pays.roads", *assemble(told, sources=[RoadSource("a", "", "a")]))
    folder = workspace / "studies" / "ariege"
    write_all(run(replace(read_study(small_path), id="ariege")), folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["study"]["router"] |= {"kind": "road", "network": "pays.roads"}
    for need in manifest["study"]["needs"]:
        need |= {"within_m": None, "within_s": 1200.0}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return workspace


def test_by_road_the_nearest_is_the_one_that_is_soon_reached(
    by_road: Path, serve: Callable[..., AbstractContextManager[str]], http: requests.Session
) -> None:
    index = index_of(by_road, Region(), Territory(sample.NAME, sample_path()), viewer=PUBLIC)
    asked = {"ou": "09122", "quoi": "mairie", "quand": "lun-10:30"}
    told = answered(index, asked, clock=clock)
    names = ["Mairie de Foix", "Mairie de Vernajoul", "Mairie de Ferrières-sur-Ariège"]
    assert [one["name"] for one in told["open"]] == names and told["by_road"]
    assert told["nearest"]["name"] == names[0]
    soon, late = (one["minutes"] for one in told["open"][1:])
    assert soon <= 5 and late >= 20
    assert told["open"][2]["distance_m"] < told["open"][1]["distance_m"]
    assert told["open"][2]["duration"] == f"{late} min"
    assert "30" in told["title"] and "min" in told["title"]
    with serve(by_road) as address:
        page = http.get(f"{address}/guichet", params=asked, headers={"Accept": "text/html"}).text
    assert "Minutes en voiture" in page and re.search(rf"{late}\s?min", page)


def test_where_no_road_leads_distances_are_told_as_the_crow_flies(by_road: Path) -> None:
    ground = Territory(sample.NAME, sample_path())
    asked = {"ou": "Cahors (46)", "quoi": "mairie", "quand": "lun-10:30"}
    far = answered(index_of(by_road, Region(), ground, viewer=PUBLIC), asked, clock=clock)
    assert not far["by_road"] and len(far["open"]) == 3
    assert all("minutes" not in one and one["distance"] for one in far["open"])
    (by_road / "pays.roads").rename(by_road / "ailleurs.roads")
    os.utime(by_road / "studies" / "ariege" / "manifest.json")  # another index is made
    without = answered(
        index_of(by_road, Region(), ground, viewer=PUBLIC), {**asked, "ou": "09122"}, clock=clock
    )
    assert not without["by_road"] and without["open"][1]["name"] == "Mairie de Ferrières-sur-Ariège"


def test_page_json_and_process_say_the_same(url: str, http: requests.Session) -> None:
    asked = {"ou": "Saint-Girons", "quoi": "mairie", "quand": "sam-10:30"}
    document = http.get(f"{url}/guichet", params={**asked, "f": "json"}).json()
    made = http.post(f"{url}/processes/nearest/execution", json={"inputs": asked})
    assert made.json() == document and len(document["open"]) == 3
    page = http.get(f"{url}/guichet", params=asked, headers={"Accept": "text/html"}).text
    for one in document["open"]:
        assert one["name"] in page
    english = http.get(
        f"{url}/guichet", params={**asked, "lang": "en"}, headers={"Accept": "text/html"}
    )
    assert "Find a counter" in english.text and "Open until" in english.text


@pytest.mark.parametrize("inputs", [{"zut": "x"}, {"ou": 3}, {"ou": ["Foix"]}])
def test_the_process_refuses_what_is_no_text(
    url: str, http: requests.Session, inputs: dict[str, object]
) -> None:
    answer = http.post(f"{url}/processes/nearest/execution", json={"inputs": inputs})
    assert answer.status_code == 400 and "texte" in answer.json()["description"]


def test_only_the_widget_may_be_framed_and_only_the_page_asks_where_one_is(
    url: str, http: requests.Session
) -> None:
    def headers(path: str) -> tuple[bool, bool]:
        told = http.get(f"{url}{path}", headers={"Accept": "text/html"}).headers
        framed = "frame-ancestors *" in told["Content-Security-Policy"]
        return framed, "geolocation=(self)" in told["Permissions-Policy"]

    assert headers("/guichet?ou=Foix") == (False, True)
    assert headers("/guichet/widget?ou=Foix") == (True, False)
    assert headers("/") == headers("/recherche?q=widget") == (False, False)


def test_who_may_not_see_the_counters_is_told_that_there_are_none(
    tmp_path: Path, serve: Callable[..., AbstractContextManager[str]], http: requests.Session
) -> None:
    (tmp_path / "region.toml").write_text(
        "[collections.services]\nshown = false\n", encoding="utf-8"
    )
    with serve(tmp_path) as address:
        answer = http.get(f"{address}/guichet", params={"ou": "Foix", "f": "json"})
        assert answer.status_code == 404
        made = http.post(f"{address}/processes/nearest/execution", json={"inputs": {"ou": "Foix"}})
        assert made.status_code == 400


def test_hours_of_the_islands_are_theirs() -> None:
    from geoguichet.portal.counters import now_in

    apart = now_in("974").replace(tzinfo=None) - now_in("31").replace(tzinfo=None)
    assert 1.9 < apart.total_seconds() / 3600 < 3.1


def test_sentences_are_in_the_language_of_the_moment(index: Index) -> None:
    with speaking("en"):
        told = answered(index, {"ou": "Foix", "quoi": "mairie", "quand": "mar-10:30"}, clock=clock)
    assert told["open"][0]["status_told"].startswith("Open until")
    assert told["question"]["need"] == "Town hall"


def test_a_moment_of_a_date_is_read(index: Index) -> None:
    told = answered(
        index, {"ou": "Foix", "quoi": "mairie", "quand": "14/07/2026 10h30"}, clock=clock
    )
    assert not told["open"] and told["uncertain"][0]["status"] == "uncertain"
    assert Moment.parse("14/07/2026 10h30").on is not None
