import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import get_args

import pytest

from geoguichet.coverage.outputs import report, web_map
from geoguichet.coverage.outputs.page import (
    UNDECIDED,
    departement_maps,
    gain_curve,
    lacking_by_commune,
    map_picture,
)
from geoguichet.coverage.outputs.style import zone_classes, zone_colour
from geoguichet.coverage.siting.problem import Criterion, HostChoice, KioskPlan, Status
from geoguichet.floor.words import NARROW, speaking

PAGES = {"map": web_map.render, "report": report.render}


class _Loads(HTMLParser):
    """Collects what a browser would fetch by itself."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        wanted = {
            "script": "src",
            "img": "src",
            "link": "href",
            "iframe": "src",
            "source": "src",
            "image": "href",
            "use": "href",
        }
        self.found += [value for name, value in attrs if name == wanted.get(tag)]


def _text(html: str) -> str:
    html = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace(NARROW, " ").replace("\u00a0", " ")
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nothing_of_any_other_file(page, result):
    html = PAGES[page](result)
    loads = _Loads()
    loads.feed(html)
    assert loads.found == []
    assert all(url.startswith(("data:", "#")) for url in re.findall(r"url\(([^)]*)\)", html))
    assert "@import" not in html
    for host in ("cdn", "jsdelivr", "unpkg", "googleapis", "openstreetmap.org"):
        assert host not in html


@pytest.mark.parametrize("page", PAGES)
def test_the_same_result_gives_the_same_page(page, result):
    assert PAGES[page](result) == PAGES[page](result)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_says_its_language_and_title(page, language, result):
    html = PAGES[page](replace(result, study=replace(result.study, language=language)))
    assert f'<html lang="{language}">' in html
    assert html.count("<title>Visioguichets autour de Cahors</title>") == 1


@pytest.mark.parametrize("page", PAGES)
def test_names_cannot_break_the_page(page, result):
    nasty = "</script><script>alert(1)</script>{{ 7 * 7 }}{% endraw %}"
    study = replace(
        result.study, title=nasty, territory=replace(result.study.territory, name=nasty)
    )
    demand, zones, kiosks = result.demand.copy(), result.white_zones.copy(), result.kiosks.copy()
    demand["name"] = zones["commune_names"] = kiosks["name"] = kiosks["host"] = nasty
    html = PAGES[page](
        replace(result, study=study, demand=demand, white_zones=zones, kiosks=kiosks)
    )
    assert "<script>alert" not in html
    assert "{{ 7 * 7 }}" in html.replace("\\u007b", "{")


def test_the_report_tells_the_figures(result):
    text = _text(report.render(result))
    for said in (
        "vivent en zone blanche, soit 18,0 % 4 559",
        "resteraient en zone blanche, soit 6,8 %, une fois 2 visioguichets en service 1 719",
        "Les 2 visioguichets proposés serviraient 2 840 habitants de plus, soit 62,3 % des "
        "habitants en zone blanche.",
        "plus de 2 900 habitants de plus, soit au mieux 60 habitants de mieux (2,07 %)",
        "La recherche s’est arrêtée au temps fixé par l’étude.",
        "Un habitant est desservi s’il trouve à la fois :",
        "Mairie, à moins de 8 km, ouvert au moins 28 h par semaine",
        "2 visioguichets côté usager, à 10 000 € l’un 20 000 €",
        "Total 41 000 €",
        "120 habitants ne sont pas localisés",
        "Montcuq-en-Quercy-Blanc",
        "Saint-Géry-Vers",
        "environ 143 chacun",
        "no-hours 2 Mairie A",
        "Licence Ouverte 2.0",
        "geoguichet coverage run autour-de-cahors.toml",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("status", "bound", "said"),
    [
        ("optimal", 2_840.0, "prouvé optimal"),
        ("gap_reached", 2_850.0, "précision demandée"),
        ("interrupted", 2_900.0, "interrompue"),
    ],
)
def test_the_proof_is_said_in_plain_words(result, status, bound, said):
    plan = KioskPlan("covering", (0, 1), (1_990.0, 850.0), 2_840.0, bound, status, "glouton", 1.0)
    assert said in _text(report.render(replace(result, plan=plan)))


def test_a_best_plan_that_was_given_up_is_said_to_be_known(result):
    hosts = HostChoice(0.01, 2_850.0, 2, (Criterion("hours", 50.0, 60.0, 60.0),))
    plan = KioskPlan("covering", (0, 1), (1_990.0, 850.0), 2_840.0, 2_850.0, "gap_reached", "", 1.0)
    chosen = replace(result, plan=replace(plan, hosts=hosts))
    for text in (report.render(chosen), web_map.render(chosen)):
        assert "Le meilleur choix est connu, et prouvé" in _text(text)
        assert "précision demandée" not in _text(text)


def test_nothing_to_show_is_said_too(bare):
    text = _text(report.render(bare))
    assert "Aucune zone blanche" in text
    assert "L’étude ne demande pas de visioguichet" in text
    assert "Rien n’a été remarqué" in text
    assert "Zones blanches" in _text(web_map.render(bare))


def test_the_report_can_be_read_aloud(result):
    """Headings in order, every table captioned, every header cell scoped."""
    html = report.render(result)
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert html.count("<table") == html.count("<caption")
    assert all('scope="' in cell for cell in re.findall(r"<th\b[^>]*>", html))
    assert all('role="img" aria-label="' in svg for svg in re.findall(r"<svg[^>]*>", html))
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_pictures_are_well_formed(result, bare):
    from xml.etree import ElementTree

    for answer in (result, bare):
        picture = ElementTree.fromstring(map_picture(answer))
        texts = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
        assert {"Lot", "Tarn-et-Garonne", "N"} <= set(texts)
        assert ("2" in texts) == bool(len(answer.kiosks))
    with speaking("en", typeset=True):
        ElementTree.fromstring(gain_curve(result))


def test_each_departement_has_a_map_of_what_is_lacking(small, result, bare):
    from xml.etree import ElementTree

    counted = lacking_by_commune(small).groupby("kind")["people"].sum()
    table = small.beside.lacking
    whole = table[table["level"] == "territory"].set_index("lacking")["people"]
    assert counted.drop(UNDECIDED).to_dict() == whole.to_dict()
    assert counted[UNDECIDED] == small.demand.loc[small.demand["undecided"], "people"].sum()
    with speaking("fr", typeset=True):
        told = departement_maps(small)
        ((caption, drawn),) = told.maps
    assert caption.startswith("09 Ariège") and told.undecided and told.left == 0
    assert len(told.legend) == len(whole)
    texts = [
        node.text for node in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert set(map(str, small.kiosks["rank"])) <= set(texts)
    assert all(colour in drawn for _, colour in told.legend) and "url(#undecided-0)" in drawn
    assert len(drawn) < 40_000  # a region of thirteen stays light
    for answer in (result, bare):
        for _caption, one in departement_maps(answer).maps:
            ElementTree.fromstring(one)


def test_the_map_of_one_departement_that_lacks_one_thing_is_drawn_once(small, monkeypatch):
    told, kinds = _text(report.render(small)), lacking_by_commune(small)
    assert "Ce qui manque, et où" in told and "Carte de chaque département" not in told
    alone = kinds[kinds["kind"] == kinds["kind"].iloc[0]]
    monkeypatch.setattr("geoguichet.coverage.outputs.page.lacking_by_commune", lambda _: alone)
    assert "Ce qui manque, et où" not in _text(report.render(small))


def test_no_more_than_thirty_departements_are_drawn(small, monkeypatch):
    monkeypatch.setattr("geoguichet.coverage.outputs.page._MOST_MAPS", 0)
    told = departement_maps(small)
    assert (told.maps, told.left) == ([], 1)
    assert "1 autre département" in _text(report.render(small))


def test_zone_colours_follow_their_classes():
    assert [zone_colour(low) for low, _, _ in zone_classes()] == [
        colour for _, _, colour in zone_classes()
    ]
    assert zone_colour(float("nan")) == zone_classes()[-1][2]


@pytest.mark.parametrize("status", [one for one in get_args(Status.__value__) if one != "optimal"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_way_a_search_ends_has_its_sentence(status, language, result):
    study = replace(result.study, language=language)
    text = _text(
        report.render(replace(result, study=study, plan=replace(result.plan, status=status)))
    )
    assert "2 900" in text.replace(",", " ")
