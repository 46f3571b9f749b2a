"""``/etudes/nouvelle`` over HTTP: each step works without a script, loses nothing, and tells what the
study would find.
"""

import re
import threading
import tomllib
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
import requests

from geoguichet.coverage.run import run
from geoguichet.coverage.study.study import parse_study
from geoguichet.portal.pages import workbench

HERE = "/etudes/nouvelle"
HTML = {"Accept": "text/html", "Accept-Language": "fr"}


def filled(page: str) -> list[tuple[str, str]]:
    """The fields that a browser would send of the form of a step, none touched."""
    form = page.partition("<form ")[2].partition("</form>")[0]
    pairs = []
    for tag in re.findall(r"<(?:input|select)\b[^>]*>", form):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" not in told or " disabled" in tag:
            continue
        if told.get("type") in ("checkbox", "radio") and " checked" not in tag:
            continue
        pairs.append((told["name"], unescape(told.get("value", ""))))
    return pairs


def step(http: requests.Session, url: str, pairs: list[tuple[str, str]], **given: str) -> str:
    kept = [pair for pair in pairs if pair[0] not in given]
    answer = http.get(f"{url}{HERE}?{urlencode([*kept, *given.items()])}", headers=HTML)
    assert answer.status_code == 200, answer.text[:400]
    return answer.text


def test_four_steps_without_a_script_lead_from_the_first_question_to_the_last(
    url: str, http: requests.Session
) -> None:
    page = http.get(url + HERE, headers=HTML).text
    assert "Sur quel territoire" in page and "425" in page
    page = step(http, url, filled(page), etape="2")
    assert "De quoi un habitant doit-il être près" in page
    page = step(http, url, [*filled(page), ("b2.seuil", "10")], etape="3", **{"b2.seuil": "10"})
    assert "visioguichets" in page
    page = step(http, url, filled(page), etape="4", nombre="7")
    assert "Lancer le calcul" in page or "Run the study" in page
    question = unescape(re.search(r'name="question" value="([^"]*)"', page)[1])  # type: ignore[index]
    told = http.get(f"{url}{HERE}?{question}&etape=4&f=json").json()
    assert told["study"]["services"]["mairie"]["within"] == "10 km"
    assert told["study"]["kiosks"]["count"] == 7
    assert told["errors"] == {}
    assert {"people": 3034719, "unserved": 362353, "undecided": 1092}.items() <= told[
        "count"
    ].items()


def test_what_is_wrong_keeps_the_reader_on_its_step_with_what_was_typed(
    url: str, http: requests.Session
) -> None:
    page = step(http, url, filled(http.get(url + HERE, headers=HTML).text), etape="2")
    wrong = step(http, url, filled(page), etape="4", **{"b2.seuil": "<huit>"})
    assert 'aria-current="step">Besoins' in wrong
    assert 'value="&lt;huit&gt;"' in wrong
    assert 'aria-invalid="true" aria-describedby="e-b2.seuil"' in wrong
    assert "un nombre est attendu" in wrong
    relief = step(http, url, filled(page), etape="1", reseau="mnt.tif")
    assert '<option value="mnt.tif" selected>' in relief, "not here, and kept"


def test_a_planner_is_told_which_roads_and_squares_there_are_or_how_to_get_some(
    serve, tmp_path: Path  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    workspace = tmp_path / "ici"
    workspace.mkdir()
    (tmp_path / "dehors.roads").touch()
    (workspace / "lien.roads").symlink_to(tmp_path / "dehors.roads")

    def plain(page: str) -> str:
        return re.sub("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", unescape(page))

    with serve(workspace) as url, requests.Session() as http:
        first = http.get(url + HERE, headers=HTML).text
        assert "prépare un d'un extrait d'OpenStreetMap" in plain(first)
        assert "Aucune grille d'habitants (.tif)" in plain(first) and "lien.roads" not in first
        (workspace / "ariege.osm.pbf").touch()
        there = plain(http.get(url + HERE, headers=HTML).text)
        assert "« ariege.osm.pbf » est dans l'espace de travail" in there
        for name in ("r.roads", "carreaux.tif"):
            (workspace / name).touch()
        held = http.get(url + HERE, headers=HTML).text
        assert "Par la route, en minutes (r.roads)" in held and "(carreaux.tif)" in held
        page = step(http, url, filled(held), etape="2")
        by_road = step(http, url, filled(page), etape="2", reseau="r.roads", **{"b2.seuil": "huit"})
        assert "À moins de (minutes, par la route)" in by_road, "whatever is wrong"
        assert "au calcul" in step(http, url, filled(page), etape="2", reseau="r.roads")
        for name in ("../dehors.roads", "lien.roads", "/etc/passwd"):
            refused = plain(step(http, url, filled(page), etape="4", reseau=name))
            assert 'aria-current="step">Territoire' in refused
            assert f"« {name} » n'est pas un fichier" in refused, name
            assert "attendu : r.roads." in refused and str(tmp_path) not in refused


def test_a_need_is_added_and_taken_away(url: str, http: requests.Session) -> None:
    page = step(http, url, filled(http.get(url + HERE, headers=HTML).text), etape="2")
    more = step(http, url, filled(page), ajouter="1", etape="2")
    assert 'name="b3.nom"' in more and "b3.seuil" in more
    fewer = step(http, url, filled(more), retirer="b1", etape="2")
    assert 'name="b1.nom"' not in fewer and 'name="b3.nom"' in fewer


def test_the_study_file_that_is_downloaded_is_the_one_that_is_shown_and_it_runs(
    url: str, http: requests.Session
) -> None:
    asked = [
        ("etape", "4"),
        ("dep", "09"),
        ("voisins", "10"),
        ("b1.cle", "mairie"),
        ("regle", "all"),
    ]
    asked += [
        ("b1.nom", "Mairie"),
        ("b1.types", "town_hall"),
        ("b1.seuil", "4"),
        ("b1.heures", "24"),
    ]
    asked += [("kiosques", "non"), ("titre", "L'Ariège à 4 km")]
    query = urlencode(asked)
    told = http.get(f"{url}{HERE}?{query}&f=json").json()
    file = http.get(f"{url}{HERE}/etude.toml?{query}")
    assert file.headers["content-type"].startswith("application/toml")
    assert 'filename="l-ariege-a-4-km.toml"' in file.headers["content-disposition"]
    assert file.text == told["toml"]
    described = http.get(f"{url}/openapi?f=json").json()["paths"]
    for path in (f"{HERE}/etude.toml", "/etudes/{study}/etude.toml"):
        assert [*described[path]["get"]["responses"]["200"]["content"]] == ["application/toml"]
    assert {HERE, "/etudes/calcul/{job}"} <= {*described}
    study = parse_study(tomllib.loads(file.text))
    summary = run(study).summary.to_dict("records")[-1]
    assert summary["white_before"] == told["count"]["unserved"] > 0
    assert summary["undecided"] == told["count"]["undecided"]


@pytest.mark.parametrize(
    "query",
    ["etape=4&b1.seuil=8", "etape=9&dep=00&b1.types=rien", "etape=2&k=" + "9" * 5000, "depuis=../x",
     "etape=4&" + "&".join(f"b{n}.nom=x" for n in range(700)), "b999999.nom=x&etape=2", "calcul=x"],
)  # fmt: skip
def test_odd_addresses_are_answered_in_a_sentence(
    query: str, url: str, http: requests.Session
) -> None:
    answer = http.get(f"{url}{HERE}?{query}", headers=HTML)
    assert answer.status_code in (200, 400, 404)
    assert "Traceback" not in answer.text


def test_a_crowd_that_counts_leaves_the_form_to_everybody(
    url: str, http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench, "_counting", threading.BoundedSemaphore(1))
    assert workbench._counting.acquire(blocking=False)
    told = http.get(f"{url}{HERE}?f=json").json()
    assert told["count"] is None and told["errors"] == {} and told["toml"]
    workbench._counting.release()
    assert http.get(f"{url}{HERE}?f=json").json()["count"]["unserved"] == 425093


def test_a_computation_is_asked_from_a_page_of_ours_alone(url: str, http: requests.Session) -> None:
    page = step(http, url, filled(http.get(url + HERE, headers=HTML).text), etape="4")
    sent = dict(filled(page))
    assert dict(parse_qsl(sent["question"]))["kiosques"] == "oui"
    with requests.Session() as other:
        refused = other.post(url + HERE, data=sent, headers=HTML)
    assert refused.status_code == 403
    looked = http.head(f"{url}{HERE}?etape=4", headers=HTML)
    assert looked.status_code == 200 and "Location" not in looked.headers


def test_a_computation_is_asked_looked_at_and_stopped_by_who_has_no_account(
    serve, tmp_path: Path  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    with serve(tmp_path) as url, requests.Session() as nobody:
        nobody.headers.update(HTML)
        sent = dict(filled(nobody.get(f"{url}{HERE}?etape=4").text))
        assert "limité à 2 minutes" in nobody.get(f"{url}{HERE}?etape=4").text
        asked = nobody.post(url + HERE, data=sent, headers={"Origin": url}, allow_redirects=False)
        here = url + asked.headers["Location"]
        assert asked.status_code == 303 and "/etudes/calcul/" in here
        page = nobody.get(here).text
        assert '<noscript><meta http-equiv="refresh" content="5">' in page
        assert 'role="progressbar"' in page and "Guichet de l" in page
        assert "De vous seul" in page and "Publique" not in page
        token = re.search(r'name="form" value="([^"]*)"', page)[1]  # type: ignore[index]
        nobody.post(here, data={"form": token}, headers={"Origin": url})
        told = nobody.get(here, params={"f": "json"}).json()
        assert (told["state"], told["study"], told["files"]) == ("dismissed", "", [])
        assert all(step["told"] != "Abandonné." for step in told["steps"]), "it is no step"
        assert "fait" not in [step["state"] for step in told["steps"][-1:]]
        assert "Vous avez arrêté" in nobody.get(here).text
        again = nobody.get(f"{url}{HERE}?calcul={told['job']}&f=json").json()
        assert (
            again["study"]["services"]
            == dict(nobody.get(f"{url}{HERE}?f=json").json())["study"]["services"]
        )
        assert nobody.get(f"{url}/etudes/calcul/absent").status_code == 404


def test_a_study_gives_its_file_and_fills_the_form(
    serve, tmp_path: Path, http: requests.Session  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    from geoguichet.coverage.outputs.folder import write_all

    study = parse_study(
        {
            "study": {"id": "mairies", "title": "Mairies"},
            "territory": {"name": "Ariège", "departements": ["09"], "buffer": "10 km"},
            "services": {"mairie": {"types": ["town_hall"], "within": "4 km"}},
            "rule": {"all": ["mairie"]},
            "measures": {"kinds": ["2sfca"]},
        }
    )
    write_all(run(study), tmp_path / "studies" / "mairies")
    (tmp_path / "studies" / "mairies" / ".geoguichet-owner.json").write_text(
        '{"person": "", "organisation": ""}'
    )
    with serve(tmp_path) as url:
        assert http.get(f"{url}/studies/mairies/manifest.json").status_code == 200
        assert http.get(f"{url}/studies/mairies/.geoguichet-owner.json").status_code == 404
        text = http.get(f"{url}/etudes/mairies/etude.toml").text
        assert parse_study(tomllib.loads(text)) == study
        told = http.get(f"{url}{HERE}?depuis=mairies&f=json").json()["study"]
        assert told["study"]["id"] != "mairies" and told["measures"] == {"kinds": ["2sfca"]}
        page = http.get(f"{url}{HERE}?depuis=mairies&etape=2", headers=HTML).text
        assert "/etudes/mairies" in page
        same = dict(told["study"])
        assert same["title"] == "Mairies (variante)"
