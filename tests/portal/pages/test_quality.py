"""The page of quality and the findings on the page of a record."""

from pathlib import Path

import lxml.html
import pytest
import requests

from geoguichet.catalogue.quality import judging
from geoguichet.catalogue.record import Contact, Record
from geoguichet.catalogue.search.store import SQLiteStore, store_path


def test_totals_are_told_by_organisation_source_and_rule(url: str, http: requests.Session) -> None:
    told = http.get(f"{url}/quality?f=json").json()
    assert told["records"] == 15 and 0 < told["score"] < 100
    assert sum(row["records"] for row in told["byOrganization"]) == 15
    assert [(row["group"], row["records"]) for row in told["bySource"]] == [("", 15)]
    assert {"rule", "records", "why", "remedy"} <= told["byRule"][0].keys()
    for row in told["byOrganization"]:
        if row["group"]:
            assert (
                http.get(row["href"], params={"f": "json"}).json()["numberMatched"]
                == row["records"]
            )


@pytest.mark.parametrize(("lang", "heading", "mend"), [("fr", "Qualité des fiches",
"Comment corriger"),
                                                       ("en", "Quality of the records",
                                                       "How to mend")])  # fmt: skip
def test_the_page_speaks_both_languages(
    url: str, http: requests.Session, lang: str, heading: str, mend: str
) -> None:
    page = lxml.html.fromstring(http.get(f"{url}/quality?f=html&lang={lang}").text)
    assert page.findtext(".//h1") == heading
    assert mend in page.text_content() and "DREAL" in page.text_content()
    listed = lxml.html.fromstring(
        http.get(f"{url}/collections/catalogue/items?f=html&lang={lang}").text
    )
    assert any(link.get("href").startswith(f"{url}/quality") for link in listed.iter("a"))
    one = lxml.html.fromstring(
        http.get(f"{url}/collections/catalogue/items/forets?f=html&lang={lang}").text
    )
    (fold,) = one.findall(".//section[@id='quality']")
    assert "/100" in fold.findtext("h2") and mend in fold.text_content()
    told = {"fr": "la généalogie n'est pas dite.", "en": "the lineage is not given."}
    assert told[lang] in fold.text_content() and "properties.lineage" in fold.text_content()
    assert not (
        (page.text_content() + fold.text_content()).count("Demandé par INSPIRE") and lang == "en"
    )
    assert (
        page.findall(".//main//*[@lang]") == fold.findall(".//*[@lang]") == []
    )  # nothing in another language
    table = http.get(f"{url}/quality?f=csv&lang={lang}")
    assert table.headers["Content-Type"].startswith("text/csv") and "DREAL" in table.text
    assert ("fiches" in table.text.splitlines()[0]) is (lang == "fr")


def test_the_catalogue_is_judged_once_for_each_of_its_states(
    tmp_path: Path, serve, http, monkeypatch
) -> None:
    judged = []
    original = judging.judge
    monkeypatch.setattr(
        judging, "judge", lambda *given, **more: judged.append(1) or original(*given, **more)
    )
    with serve(tmp_path) as url, SQLiteStore(store_path(tmp_path)) as store:
        assert http.get(f"{url}/quality").json()["score"] is None
        store.upsert(Record(id="a", title="Un jeu", contacts=(Contact(organization="A & B, <C>"),)))
        first = http.get(f"{url}/quality")
        http.get(f"{url}/quality?lang=en&f=html")
        assert first.json()["records"] == 1 and len(judged) == 2
        again = http.get(f"{url}/quality", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        (row,) = first.json()["byOrganization"]
        assert [item["id"] for item in http.get(row["href"]).json()["features"]] == ["a"]
        store.delete("a")
        assert http.get(f"{url}/quality").json()["records"] == 0 and len(judged) == 3
