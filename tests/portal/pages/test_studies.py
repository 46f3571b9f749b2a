"""The studies: the index, each with its map and tables, two side by side; each shown to whom it may be."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import lxml.html
import pytest
import requests
from pyogrio import read_dataframe

from geoguichet.coverage.compare import compare

DRAFT = "brouillon"


@pytest.fixture(scope="module")
def url(studies: str) -> str:
    return studies


def page(http: requests.Session, address: str) -> lxml.html.HtmlElement:
    answered = http.get(address, headers={"Accept": "text/html"})
    assert answered.status_code == 200, answered.text[:500]
    return lxml.html.fromstring(answered.text)


def test_the_index_lists_what_may_be_seen(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/etudes").json()["studies"]
    assert {one["id"] for one in told} == {"ariege", "plus-pres"}
    shown = page(http, f"{url}/etudes")
    assert shown.xpath("//nav//a[@aria-current='page']")[0].text_content() == "Études"
    assert len(shown.xpath("//main//li//h2/a")) == 2 and "secrète" not in shown.text_content()


def test_a_study_that_may_not_be_seen_is_not_there(url: str, http: requests.Session) -> None:
    absent = http.get(f"{url}/etudes/absente").json()
    for path in (DRAFT, f"ariege/comparer/{DRAFT}", f"{DRAFT}/comparer/ariege", "..%2f..", "A"):
        answered = http.get(f"{url}/etudes/{path}")
        assert answered.status_code == 404, path
        if "%2f" not in path:
            assert answered.json() == absent


def test_the_figures_are_those_of_the_result(
    url: str, http: requests.Session, studied: Path
) -> None:
    told = http.get(f"{url}/etudes/ariege").json()
    demand = read_dataframe(studied / "studies" / "ariege" / "result.gpkg", layer="demand")
    served, undecided = demand["served"].astype(bool), demand["undecided"].astype(bool)
    people = demand["people"]
    assert told["unserved"] == people[~served & ~undecided].sum() == told["total"]["white"]
    assert told["undecided"] == people[undecided].sum() == told["total"]["c-nt"]
    assert told["total"]["people"] == people.sum() == sum(r["people"] for r in told["departements"])
    after = demand["served_after"].astype(bool)
    assert told["total"]["after"] == people[~after & ~undecided].sum()
    of_map = {row["kind"]: row["people"] for row in told["lacking"]}
    assert of_map == {kind: told["total"][kind] for kind in of_map}


def test_the_page_holds_the_map_and_all_that_it_shows(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/etudes/ariege").json()
    shown = page(http, f"{url}/etudes/ariege")
    kiosks = [one for one in told["kiosk_rows"] if one["rank"]]
    assert kiosks and len(shown.xpath("//figure//*[@class='c-kio']")) == len(told["kiosk_rows"])
    assert len(shown.xpath("//tbody/tr[starts-with(@id, 'k-')]")) == len(kiosks)
    assert len(shown.xpath("//tbody/tr[starts-with(@id, 'zb-')]")) == len(told["zone_rows"])
    assert shown.xpath("//figure//*[@class='c-etat' or @class='c-mairie' or @class='c-deux']")
    codes = ("town_hall", "maximal_covering", "gap_reached", "Mo-Fr", "proposed")
    assert not [code for code in codes if code in shown.xpath("//main")[0].text_content()]
    for link in shown.xpath("//main//a[contains(@href, '/studies/')]/@href"):
        assert http.head(link).status_code == 200
    english = page(http, f"{url}/etudes/ariege?lang=en")
    assert "people in white zones" in english.text_content()


def test_the_map_that_moves_colours_who_lacks_what(
    url: str, http: requests.Session, studied: Path
) -> None:
    """Communes, from the tiles of their layer, by the class of their people; kiosks by rank."""
    told = http.get(f"{url}/etudes/ariege").json()
    (place,) = page(http, f"{url}/etudes/ariege").xpath("//div[@data-map]")
    communes, kiosks = json.loads(place.get("data-layers"))
    demand = read_dataframe(studied / "studies" / "ariege" / "result.gpkg", layer="demand")
    people = demand.set_index("id")["people"]
    found = {kind: int(people[codes].sum()) for kind, codes in communes["classes"].items()}
    assert found == {row["kind"]: row["people"] for row in told["lacking"] if row["people"]}
    for layer in (communes, kiosks):
        tile = layer["tiles"].replace("{z}", "5").replace("{y}", "11").replace("{x}", "16")
        assert http.get(tile).status_code == 200, tile
    some = communes["classes"]["c-etat"][0]
    assert http.get(communes["items"] + some).status_code == 200
    assert kiosks["rank"] == "rank" and kiosks["name"] == "ariege-kiosks"


def test_a_study_without_kiosks_asks_nothing_of_a_plan(url: str, http: requests.Session) -> None:
    text = page(http, f"{url}/etudes/plus-pres").xpath("//main")[0].text_content()
    assert "Le plan proposé" not in text and "Combien coûte" not in text
    assert "Où, et faute de quoi" in text


def test_each_need_has_a_map_of_its_own(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/etudes/ariege").json()
    paths = {}
    for need in told["needs"]:
        shown = page(http, f"{url}/etudes/ariege?besoin={need['key']}")
        assert (
            shown.xpath("//nav[@class='onglets']/a[@aria-current]")[0].text_content()
            == need["label"]
        )
        paths[need["key"]] = "".join(shown.xpath("//figure//*[@class='c-etat']/@d"))
    assert len(set(paths.values())) == len(paths)
    refused = http.get(f"{url}/etudes/ariege?besoin=poste")
    assert refused.status_code == 400 and "poste" not in refused.json()["description"]


def test_the_address_of_a_version_shows_no_other(url: str, http: requests.Session) -> None:
    version = http.get(f"{url}/etudes/ariege").json()["version"]
    same = page(http, f"{url}/etudes/ariege?version={version}")
    assert any(f"?version={version}" in code.text_content() for code in same.xpath("//code"))
    other = http.get(f"{url}/etudes/ariege?version=000000000000")
    assert other.status_code == 404 and version in other.json()["description"]


def test_two_studies_are_told_as_the_command_does(
    url: str, http: requests.Session, studied: Path
) -> None:
    told = http.get(f"{url}/etudes/ariege/comparer/plus-pres").json()
    folders = [studied / "studies" / name for name in ("ariege", "plus-pres")]
    total = compare(*folders).total
    assert told["total"] == {key: int(total[key]) for key in told["total"]}
    back = http.get(f"{url}/etudes/plus-pres/comparer/ariege").json()["total"]
    assert (back["gained"], back["lost"]) == (told["total"]["lost"], told["total"]["gained"])
    shown = page(http, f"{url}/etudes/ariege/comparer/plus-pres")
    kinds = set(shown.xpath("//figure//path/@class")) - {None}
    assert "c-perdu" in kinds and not kinds & {"c-etat", "c-mairie", "c-deux"}
    assert re.search(r"habitants le perdent", shown.text_content())


def test_the_map_of_a_comparison_moves(url: str, http: requests.Session, studied: Path) -> None:
    """Communes, from the tiles of their layer, by what becomes of them."""
    shown = page(http, f"{url}/etudes/ariege/comparer/plus-pres")
    folders = [studied / "studies" / name for name in ("ariege", "plus-pres")]
    (place,) = shown.xpath("//div[@data-map]")
    (layer,) = json.loads(place.get("data-layers"))
    changed = compare(*folders).communes["change"]
    kinds = {"c-gagne": "gained", "c-perdu": "lost", "c-nt": "undecided"}
    for kind, change in kinds.items():
        assert set(layer["classes"].get(kind, ())) == set(changed.index[changed == change])
    assert layer["classes"]["c-perdu"] and layer["name"] == "communes"
    ticks = shown.xpath("//input[@data-couche]/@data-couche")
    assert set(ticks) == set(kinds)


def test_a_result_of_another_version_says_so(
    serve: Callable[..., AbstractContextManager[str]], tmp_path: Path, http: requests.Session
) -> None:
    folder = tmp_path / "studies" / "ancienne"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"study": {"id": "ancienne"}}', encoding="utf-8")
    with serve(tmp_path) as url:
        assert http.get(f"{url}/etudes").json()["studies"] == []
        assert "Aucune étude" in page(http, f"{url}/etudes").text_content()
        answered = http.get(f"{url}/etudes/ancienne")
        assert answered.status_code == 404 and "autre version" in answered.json()["description"]


def test_each_layer_of_a_study_is_a_collection(
    url: str, http: requests.Session, studied: Path
) -> None:
    listed = {one["id"]: one for one in http.get(f"{url}/collections").json()["collections"]}
    layers = {"white-zones", "kiosks", "demand", "services"}
    assert {f"ariege-{layer}" for layer in layers} <= set(listed)
    assert not [name for name in listed if name.startswith(DRAFT)]
    assert http.get(f"{url}/collections/{DRAFT}-demand/items").status_code == 404
    rows = len(read_dataframe(studied / "studies" / "ariege" / "result.gpkg", layer="demand"))
    answered = http.get(f"{url}/collections/ariege-demand/items?limit=1").json()
    assert answered["numberMatched"] == rows and answered["features"][0]["properties"]["name"]
    assert http.get(f"{url}/collections/ariege-demand/tiles/WebMercatorQuad/0/0/0").content
    offered = {one["href"] for one in http.get(f"{url}/etudes/ariege").json()["layers"]}
    assert f"{url}/collections/ariege-demand/items" in offered


def test_a_layer_is_shown_as_soon_as_its_study_is(
    serve: Callable[..., AbstractContextManager[str]],
    write_study: Callable[..., Path],
    tmp_path: Path,
    http: requests.Session,
) -> None:
    with serve(tmp_path) as url:
        assert http.get(f"{url}/collections/neuve-kiosks").status_code == 404
        manifest = write_study(tmp_path, "neuve").with_name("manifest.json")
        for visibility, status in (("public", 200), ("draft", 404), ("public", 200)):
            told = {"study": {"id": "neuve", "title": "Neuve", "visibility": visibility}}
            fresh = manifest.with_suffix(".new")
            fresh.write_text(json.dumps(told), encoding="utf-8")
            fresh.replace(manifest)
            for path in ("", "/items", "/tiles"):
                assert http.get(f"{url}/collections/neuve-kiosks{path}").status_code == status
        title = http.get(f"{url}/collections/neuve-kiosks?lang=en").json()["title"]
        assert title == "Proposed kiosks: Neuve"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium (Debian: chromium) is not installed")
def test_the_layers_of_the_map_are_switched_without_a_script(url: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page(java_script_enabled=False, locale="fr-FR")
        page.goto(f"{url}/etudes/ariege")
        for kind in ("c-etat", "c-kio"):
            drawn = page.locator(f".cadre .{kind}").first
            assert drawn.is_visible()
            page.locator(f"[data-couche={kind}]").uncheck()
            assert not drawn.is_visible()
        assert page.locator(".cadre .c-deux").is_visible()
        browser.close()
