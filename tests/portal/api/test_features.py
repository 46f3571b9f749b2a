"""The routes of features, asked over HTTP: what they select, in which order, by which links."""

import json
from pathlib import Path

import pytest
import requests

KIOSKS = "/collections/kiosks/items"


def ids(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def test_the_links_of_pages_lead_through_all_rows(url: str, http: requests.Session) -> None:
    answer = http.get(url + KIOSKS, params={"limit": "5", "sortby": "-rank"})
    walked = ids(answer)
    while step := [one for one in answer.json()["links"] if one["rel"] == "next"]:
        assert "cursor=" in step[0]["href"] and "sortby=-rank" in step[0]["href"]
        answer = http.get(step[0]["href"])
        walked += ids(answer)
        assert answer.json()["numberMatched"] == 12
    assert walked == [f"essai.k-{n:03d}" for n in range(12, 0, -1)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"filter": "rank <= 2"}, ["k-001", "k-002"]),
        ({"filter": "study = 'essai' AND name LIKE '%n°3'"}, ["k-004"]),
        ({"filter": '{"op":"=","args":[{"property":"rank"},3]}', "filter-lang": "cql2-json"},
         ["k-003"]),
        ({"filter": "S_INTERSECTS(geometry, BBOX(0.9, 42.9, 1.15, 43.2))"}, ["k-001", "k-002"]),
        ({"filter": "rank > 2 AND rank < 9", "bbox": "1.5,43,3,44"}, ["k-006", "k-007", "k-008"]),
        ({"q": "hotel 11"}, ["k-012"]),
        ({"rank": "7", "q": "hôtel"}, ["k-007"]),
        ({"filter": "type IS NULL AND rank = 1"}, ["k-001"]),
    ],
)  # fmt: skip
def test_a_page_holds_what_is_asked_for(
    url: str, http: requests.Session, asked: dict[str, str], expected: list[str]
) -> None:
    answer = http.get(url + KIOSKS, params=asked)
    assert ids(answer) == [f"essai.{one}" for one in expected]
    assert answer.json()["numberMatched"] == len(expected)
    page = http.get(url + KIOSKS, params={**asked, "f": "html"})
    assert page.status_code == 200 and f"essai.{expected[0]}" in page.text


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"filter": "couleur = 1"}, "filter : propriété « couleur » inconnue"),
        ({"filter": "rank ="}, "filter : l'expression n'est pas du CQL2"),
        ({"filter": " OR ".join(["rank = 1"] * 700)}, "filter : "),
        ({"filter-lang": "sql"}, "filter-lang : "),
        ({"cursor": "zut"}, "cursor : "),
        ({"sortby": "rank,-rank"}, "sortby : une propriété est nommée deux fois"),
        ({"sortby": "couleur"}, "sortby : "),
        ({"offset": "-1"}, "offset : 0 ou plus"),
        ({"limit": "0"}, "limit : un nombre supérieur"),
        ({"resulttype": "hit"}, "resulttype : results ou hits est attendu"),
        ({"bbox": "a,b,c,d"}, "bbox : "),
        ({"bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/2154"}, "bbox-crs : "),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    url: str, http: requests.Session, asked: dict[str, str], sentence: str
) -> None:
    refused = http.get(url + KIOSKS, params=asked)
    assert refused.status_code == 400 and refused.json()["description"].startswith(sentence)


def test_a_box_in_another_crs_is_the_same_box(url: str, http: requests.Session) -> None:
    latitude_first = {
        "bbox": "42.9,0.9,43.15,1.15",
        "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4326",
    }
    found = ids(http.get(url + KIOSKS, params=latitude_first))
    assert found == ids(http.get(url + KIOSKS, params={"bbox": "0.9,42.9,1.15,43.15"})) != []


def test_an_answer_is_known_again_until_the_data_change(
    tmp_path: Path, serve, write_study, http: requests.Session
) -> None:
    write_study(tmp_path, "a")
    with serve(tmp_path) as url:
        tag = http.get(url + KIOSKS).headers["ETag"]
        known = http.get(url + KIOSKS, headers={"If-None-Match": tag})
        assert known.status_code == 304 and not known.content
        write_study(tmp_path, "b")
        assert http.get(url + KIOSKS, headers={"If-None-Match": tag}).status_code == 200


def test_queryables_are_what_a_filter_may_ask(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/collections/kiosks/queryables").json()
    assert told["properties"]["rank"] == {"title": "rang", "type": "integer"}
    assert told["properties"]["geometry"]["format"] == "geometry-point"
    assert told["additionalProperties"] is False
    for name, schema in told["properties"].items():
        assert ids(http.get(url + KIOSKS, params={"filter": f"{name} IS NULL OR TRUE"})), schema


def test_what_one_may_not_see_is_in_no_answer(
    tmp_path: Path, serve, write_study, http: requests.Session
) -> None:
    write_study(tmp_path, "ouverte", kiosks=2)
    hidden = write_study(tmp_path, "brouillon", kiosks=3)
    manifest = {"study": {"id": "brouillon", "visibility": "draft"}}
    (hidden.parent / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    seen = {"Authorization": "Bearer jeton"}
    with serve(tmp_path, editable=True, token="jeton") as url:
        for headers, many in (({}, 2), (seen, 5)):
            answer = http.get(url + KIOSKS, headers=headers)
            assert answer.json()["numberMatched"] == many == len(ids(answer))
            lines = http.get(f"{url}{KIOSKS}?f=csv", headers=headers).text.splitlines()
            assert len(lines) == many + 1
            tile = http.get(
                f"{url}/collections/kiosks/tiles/WebMercatorQuad/6/23/32", headers=headers
            )
            assert tile.headers["OGC-NumberMatched"] == str(many)
            one = http.get(f"{url}{KIOSKS}/brouillon.k-001", headers=headers)
            assert one.status_code == (200 if headers else 404)
            assert ("private" in answer.headers["Cache-Control"]) == bool(headers)
