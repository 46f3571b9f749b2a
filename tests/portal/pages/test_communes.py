"""A page for every commune."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import geopandas as gpd
import pandas as pd
import pytest
import requests
from shapely.geometry import Point

HTML = {"Accept": "text/html"}
NEEDS = [("etat", 25_000.0), ("mairie", 8_000.0)]


def _manifest() -> dict[str, object]:
    needs = [
        {"key": key, "label": f"Besoin {key}", "within_m": within, "within_s": None}
        for key, within in NEEDS
    ]
    study = {"id": "une", "title": "La une", "date": "2026-11-22", "needs": needs,
             "rule": {"kind": "all"}, "visibility": "public"}  # fmt: skip
    beside = {"lacking": [], "baseline": {"missing": []}}
    return {"study": study, "counters": {"people": 1, "people_undecided": 0}, "beside": beside}


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., AbstractContextManager[str]]
) -> Iterator[str]:
    """The address of a portal whose leading study tells of three communes, served, white and undecided."""
    workspace = tmp_path_factory.mktemp("communes")
    folder = workspace / "studies" / "une"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(_manifest()), encoding="utf-8")
    demand = pd.DataFrame(
        {
            "id": ["09122", "09032", "09261"],
            "people": [9000, 1267, 6000],
            "served": [True, False, False],
            "undecided": [False, False, True],
            "etat_m": [0.0, 33_100.0, 100.0],
            "etat_service": ["prefecture-09", "prefecture-09", "prefecture-09"],
            "mairie_m": [0.0, 4_600.0, 9_000.0],
            "mairie_service": "mairie-09122",
            "mairie_perhaps_m": [float("nan"), float("nan"), 5_000.0],
        }
    )
    kiosks = pd.DataFrame(
        {"id": ["k-1", "k-2"], "commune": ["09032", "09122"], "standing": ["proposed", "existing"],
         "name": "Ax", "host": "Mairie d'Ax", "hours": None, "rank": [45, 1], "people_added": [3395, 0]}
    )  # fmt: skip
    services = pd.DataFrame(
        {"id": ["prefecture-09", "mairie-09122"], "name": ["Préfecture", "Foix"]}
    )
    for layer, table in (("demand", demand), ("kiosks", kiosks), ("services", services)):
        places = [Point(1.6 + n / 10, 42.9) for n in range(len(table))]
        frame = gpd.GeoDataFrame(table, geometry=places, crs="EPSG:4326")
        frame.to_file(folder / "result.gpkg", layer=layer, engine="pyogrio")
    with serve(workspace) as address:
        yield address


@pytest.mark.parametrize(
    ("code", "state", "needs", "said"),
    [
        ("09122", "served", ["served", "served"], "Un visioguichet est ouvert ici"),
        ("09032", "unserved", ["unserved", "served"], "Un visioguichet est proposé ici"),
        ("09261", "undecided", ["served", "undecided"], "Pourquoi non tranché"),
    ],
)
def test_it_says_what_the_leading_study_says(
    told: str, http: requests.Session, code: str, state: str, needs: list[str], said: str
) -> None:
    document = http.get(f"{told}/communes/{code}", params={"f": "json"}).json()
    assert document["access"]["state"] == state
    assert [need["state"] for need in document["access"]["needs"]] == needs
    assert document["counters"][0]["week"] and document["counters"][0]["commune"] == code
    page = http.get(f"{told}/communes/{code}", headers=HTML)
    assert page.status_code == 200 and said in page.text
    assert 'src="http' not in page.text.replace(told, "")


def test_a_proposal_is_never_a_counter(told: str, http: requests.Session) -> None:
    document = http.get(f"{told}/communes/09032", params={"f": "json"}).json()
    assert document["access"]["kiosks"] == [
        {"open": False, "host": "Mairie d'Ax", "rank": 45, "people_added": 3395}
    ]
    assert [one["type"] for one in document["counters"]] == ["mairie"]
    page = http.get(f"{told}/communes/09032", headers=HTML).text
    assert "aucun visioguichet n" in page and "rang 45" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [("99999", "Aucune commune"), ("saint", "plusieurs communes"), ("x" * 3000, "Aucune commune")],
)
def test_what_is_no_commune_is_refused_in_one_sentence(
    told: str, http: requests.Session, text: str, said: str
) -> None:
    answer = http.get(f"{told}/communes/{text}", params={"f": "json"})
    assert answer.status_code == 404 and said in answer.json()["description"]
    assert len(answer.json()["description"]) < 600


MOVEMENTS = """\
MOD,DATE_EFF,TYPECOM_AV,COM_AV,TYPECOM_AP,COM_AP
32,2019-01-01,COM,09901,COM,09122
32,2019-01-01,COM,09122,COM,09122
33,2007-01-01,COM,09902,COM,09901
21,2010-01-01,COM,09903,COM,09032
21,2010-01-01,COM,09903,COM,09261
32,2011-01-01,COM,09904,COM,11069
"""


@pytest.fixture
def with_history(told: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same portal, whose workspace fetched the history of codes."""
    (workspace,) = tmp_path_factory.getbasetemp().glob("communes0")
    folder = workspace / "cache" / "cog" / ("a" * 12)
    folder.mkdir(parents=True)
    (folder / "v_mvt.csv").write_text(MOVEMENTS, encoding="utf-8")
    note = {"name": "cog", "digest": "a" * 64, "file": "v_mvt.csv", "bytes": 1, "fetched": "2026"}
    (folder / "fetched.json").write_text(json.dumps(note), encoding="utf-8")
    yield told
    shutil.rmtree(workspace / "cache")


def test_an_old_code_leads_to_the_commune_that_took_it(
    with_history: str, http: requests.Session
) -> None:
    moved = {"09901": "", "09902": "", "09901/widget": "/widget"}
    for code, ending in moved.items():
        asked = f"{with_history}/communes/{code}?lang=en"
        answer = http.get(asked, headers=HTML, allow_redirects=False)
        assert answer.status_code == 301
        goal = f"{with_history}/communes/09122{ending}?lang=en"
        assert answer.headers["Location"] == goal
        assert http.get(asked, headers=HTML).status_code == 200
    for shared_or_beyond in ("09903", "09904", "09905"):
        assert http.get(f"{with_history}/communes/{shared_or_beyond}").status_code == 404


def test_a_commune_without_a_study_has_its_counters(url: str, http: requests.Session) -> None:
    document = http.get(f"{url}/communes/09122", params={"f": "json"}).json()
    assert document["access"] is None and document["counters"]
    assert "Sur place" in http.get(f"{url}/communes/09122", headers=HTML).text


def test_communes_are_listed_and_in_the_sitemap(url: str, http: requests.Session) -> None:
    whole = http.get(f"{url}/communes", params={"f": "json"}).json()["communes"]
    assert len(whole) == 2944
    some = http.get(f"{url}/communes", params={"f": "json", "departement": "09", "q": "ax"}).json()
    assert some["communes"][0]["code"] == "09032"
    page = http.get(f"{url}/communes", params={"departement": "09"}, headers=HTML).text
    assert f'href="{url}/communes/09032"' in page
    assert f"{url}/communes/09032</loc>" in http.get(f"{url}/sitemap-communes.xml").text
    assert "/sitemap-communes.xml" in http.get(f"{url}/robots.txt").text


def test_the_frame_of_a_commune_may_be_put_anywhere(told: str, http: requests.Session) -> None:
    answer = http.get(f"{told}/communes/09032/widget", headers=HTML)
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "<form" not in answer.text and "En zone blanche" in answer.text


def test_the_page_speaks_english(told: str, http: requests.Session) -> None:
    page = http.get(f"{told}/communes/09032", params={"lang": "en"}, headers=HTML).text
    assert "In a white zone" in page and "A video counter is proposed here" in page
