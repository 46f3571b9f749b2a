"""One search over communes, counters, needs, records and studies."""

from pathlib import Path

import lxml.html
import pytest
import requests

from geoguichet.portal.pages.finding import Place, communes, counters, folded, matching, ranked
from geoguichet.portal.territory import Territory
from geoguichet.referentials.layers import sample_path
from geoguichet.referentials.territories import sample

GROUND = Territory(sample.NAME, sample_path())


def lines(url: str, http: requests.Session, words: str, **more: str) -> list[dict[str, str]]:
    answered = http.get(f"{url}/suggestions", params={"q": words, **more})
    assert answered.status_code == 200 and answered.headers["Content-Type"] == "application/json"
    return answered.json()["suggestions"]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("saint-gir", "Saint-Girons"),
        ("ST GIRONS", "Saint-Girons"),
        ("aix l", None),
        ("l hospitalet", "L'Hospitalet-du-Larzac"),
        ("toulouse", "Toulouse"),
        ("ax", "Ax-les-Thermes"),
    ],
)
def test_places_are_found_as_they_are_typed(words: str, first: str | None) -> None:
    found = matching(communes(GROUND), words, 3)
    assert (found[0].name if found else None) == first


def test_matching_agrees_with_looking_at_every_place() -> None:
    places = communes(GROUND)
    for words in ("saint", "la", "mont de", "e"):
        asked = folded(words).split()
        naive = {
            place.code
            for place in places
            if all(any(word.startswith(one) for word in place.folded.split()) for one in asked)
        }
        assert {place.code for place in matching(places, words, 10_000)} == naive


def test_the_most_peopled_comes_first_among_those_that_begin_so() -> None:
    small, big, inside = (
        Place(f" {folded(name)}", name, "", code, people)
        for name, code, people in (("Monta", "1", 5), ("Montb", "2", 50), ("Le Mont", "3", 500))
    )
    assert [one.name for one in matching(ranked([small, inside, big]), "mont", 5)] == [
        "Montb", "Monta", "Le Mont",
    ]  # fmt: skip


def test_counters_of_peopled_communes_come_first() -> None:
    assert [one.name for one in matching(counters(GROUND), "mairie", 2)] == [
        "Mairie de Toulouse", "Mairie de Montauban",
    ]  # fmt: skip


def test_at_most_eight_lines_each_with_its_group(url: str, http: requests.Session) -> None:
    found = lines(url, http, "saint")
    assert 0 < len(found) <= 8
    for line in found:
        assert line["group"] and line["title"] and line["href"].startswith(f"{url}/")
        assert http.get(line["href"], headers={"Accept": "text/html"}).status_code == 200
    groups = [line["group"] for line in found]
    assert groups == sorted(groups, key=groups.index)


def test_each_kind_is_found_in_both_languages(url: str, http: requests.Session) -> None:
    groups = {
        line["group"]
        for words in ("toulouse", "carte d'identité", "forêts", "zones blanches")
        for line in lines(url, http, words)
    }
    assert groups == {"Communes", "Guichets", "Démarches", "Données", "Études"}
    english = lines(url, http, "forêts", lang="en")
    assert english[0]["group"] == "Data" and english[0]["href"].endswith("?lang=en")


@pytest.mark.parametrize("words", ["", " ", "%", '"', "a" * 5000, "<script>", "\x00", "' OR 1=1"])
def test_odd_words_are_an_answer(url: str, http: requests.Session, words: str) -> None:
    assert len(lines(url, http, words)) <= 8
    page = http.get(f"{url}/recherche", params={"q": words, "f": "html"})
    assert page.status_code == 200 and "<script>alert" not in page.text


def test_it_works_as_a_plain_form(url: str, http: requests.Session) -> None:
    home = lxml.html.fromstring(http.get(f"{url}/?f=html").text)
    (form,) = home.xpath("//main//form[@role='search']")
    assert form.get("action") == f"{url}/recherche"
    page = http.get(form.get("action"), params={"q": "foix"}, headers={"Accept": "text/html"})
    found = lxml.html.fromstring(page.text)
    assert "Foix" in found.xpath("string(//main//li/a)")
    assert found.xpath("//main//h2/text()")[:2] == ["Communes", "Guichets"]


def test_counters_of_the_surroundings_are_left_out() -> None:
    assert len(counters(GROUND)) < 5187
    assert communes(Territory("x", Path("absent.gpkg"))) == ()
