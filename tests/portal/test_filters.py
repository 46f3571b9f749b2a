from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests

from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.words import speaking
from geoguichet.portal import filters


def test_numbers_and_days_are_written_as_in_the_language() -> None:
    with speaking("fr", typeset=True):
        assert filters.number(1234567) == "1\u202f234\u202f567"
        assert filters.number(12.5) == "12,5"
        assert filters.number("abc") == "abc"
    with speaking("en", typeset=True):
        assert filters.number(1234567) == "1,234,567"
        assert filters.number(19673.614) == "19,674"
        assert filters.day("2024-03-21") == "21\u00a0March 2024"
    assert filters.day("2024-03-01T08:00:00Z") == "1er mars 2024"
    assert filters.day("bientôt") == "bientôt"
    assert filters.size(2_500_000) == "2,5 Mo"
    assert filters.size(0) == ""


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (None, ""),
        ({"date": "2024-03-21"}, "21 mars 2024"),
        ({"interval": ["2019-01-02", ".."]}, "depuis le 2 janvier 2019"),
        ({"interval": ["..", "2019-01-02"]}, "jusqu'au 2 janvier 2019"),
        ({"interval": ["2017", "2026"]}, "de 2017 à 2026"),
        ({"interval": ["2018-01-02", "2019-01-02"]}, "du 2 janvier 2018 au 2 janvier 2019"),
    ],
)
def test_a_period_is_told(time: dict | None, words: str) -> None:
    assert filters.period(time) == words


def test_a_record_speaks_the_language_of_the_page_where_it_can() -> None:
    record = {
        "title": "Forêts",
        "description": "Les forêts.",
        "translations": {"en": {"title": "Forests"}},
    }
    with speaking("en"):
        words = filters.translated(record)
        assert (words["title"], words["description"], filters.spoken(words)) == (
            "Forests",
            "Les forêts.",
            "",
        )
        for other in (
            {},
            {"translations": None},
            {"translations": {"en": "Forests"}},
            {"translations": {"de": {"title": "Wald"}}},
        ):
            properties = {"title": "Forêts", **other}
            assert filters.translated(properties) is properties
    assert filters.translated(record) is record


@pytest.mark.parametrize(
    ("identifier", "french", "english"),
    [
        ("boundaries", "Limites administratives", "Boundaries"),
        ("au", "Unités administratives", "Administrative units"),
        ("http://inspire.ec.europa.eu/theme/au", "Unités administratives", "Administrative units"),
        ("http://publications.europa.eu/resource/authority/data-theme/REGI", "REGI", "REGI"),
        ("Bois et forêts", "Bois et forêts", "Bois et forêts"),
    ],
)
def test_a_theme_is_told_by_its_name(identifier: str, french: str, english: str) -> None:
    assert filters.theme(identifier) == french
    with speaking("en"):
        assert filters.theme(identifier) == english


def test_links_are_sorted_by_what_they_are_for() -> None:
    links = [
        {"href": "a", "rel": "enclosure"},
        {"href": "b", "rel": "http://www.w3.org/ns/prov#wasDerivedFrom"},
        {"href": "c", "rel": "item", "type": "text/html"},
        {"href": "d", "rel": "collection"},
        {"href": "e?f=jsonld", "rel": "alternate"},
    ]
    roles = filters.by_role(links)
    assert {name: [link["href"] for link in group] for name, group in roles.items()} == {
        "files": ["a"], "related": ["b"], "pages": ["c"],
    }  # fmt: skip


def test_an_address_is_changed_by_name() -> None:
    own = [{"rel": "self", "href": "http://x/items?f=html&q=a%20b&lang=en&limit=5"}]
    assert filters.asked(own) == {"q": "a b", "limit": "5"}
    assert filters.query({"q": "a b", "limit": "5"}, limit="", offset=10) == "?q=a+b&offset=10"
    assert filters.query({}) == "?"


@pytest.mark.parametrize(
    ("language", "page", "attribute"),
    [
        ({"code": "fr"}, "en", ' lang="fr"'), ({"code": "fr"}, "fr", ""), (None, "en",
        ' lang="fr"'), ("fre", "fr", ""),
        ({"code": "eng"}, "fr", ' lang="en"'),
        ({"code": '"><script>'}, "en", ""), ({"code": "de-CH"}, "fr", ' lang="de"'),
    ],
)  # fmt: skip
def test_the_language_of_a_record_is_told_where_it_is_not_the_pages(
    language: object, page: str, attribute: str
) -> None:
    with speaking(page):
        assert filters.spoken({"language": language}) == attribute


def test_what_a_record_says_besides_is_told_in_names_and_values(
    tmp_path: Path, serve: Callable[..., AbstractContextManager[str]], http: requests.Session
) -> None:
    deep: object = "au fond"
    for _ in range(190):
        deep = {"a": deep}
    more = {
        "dates": [{"date": "2020-02-01", "type": "création"}],
        "crs": ["EPSG:2154", "EPSG:4326"],
        "deep": deep,
    }
    more["fields"] = [{"name": name, "type": "string"} for name in "abc"] + [
        {"name": "d", "nullRate": 0.5}
    ]
    record = Record(
        id="jeu", type="dataset", title="Jeu", updated="2020-01-01T00:00:00Z", extra_properties=more
    )
    (tmp_path / "region.toml").write_text("[limits]\ndepth = 200\n", encoding="utf-8")
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.bulk_upsert([record])
    with serve(tmp_path) as url:
        page = http.get(f"{url}/collections/catalogue/items/jeu?f=html").text
    assert "<dd>2020-02-01</dd>" in page and "EPSG:2154, EPSG:4326" in page and "au fond" in page
    assert '<th scope="col">part de vides</th>' in page and page.count("<td>string</td>") == 3
    assert "[{" not in page.split("<h2>Compléments</h2>")[1].split("</table>")[0]
