"""What search engines read: the pages of all records, in parts where there are many."""

from xml.etree import ElementTree

import pytest
import requests

from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.portal.api import sitemap

_NAME = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def _locations(url: str, http: requests.Session) -> list[str]:
    tree = ElementTree.fromstring(http.get(url).content)
    return [found.text or "" for found in tree.iter(f"{_NAME}loc")]


def test_the_pages_of_all_records_are_told(url: str, http: requests.Session) -> None:
    told = _locations(f"{url}/sitemap.xml", http)
    assert len(told) == 15 and f"{url}/collections/catalogue/items/forets" in told
    dates = ElementTree.fromstring(http.get(f"{url}/sitemap.xml").content).iter(f"{_NAME}lastmod")
    assert "2024-03-01T08:00:00Z" in [date.text for date in dates]
    robots = http.get(f"{url}/robots.txt")
    assert robots.headers["Content-Type"].startswith("text/plain")
    assert f"Sitemap: {url}/sitemap.xml" in robots.text.splitlines()
    described = http.get(f"{url}/openapi?f=json").json()["paths"]
    for path, answer in (("/sitemap.xml", "application/xml"), ("/robots.txt", "text/plain")):
        assert answer in described[path]["get"]["responses"]["200"]["content"]


def test_a_large_catalogue_is_told_in_parts(
    tmp_path, serve, http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap, "PART", 2)
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.bulk_upsert(Record(id=f"a/{n} & b", type="dataset", title="A") for n in range(5))
    with serve(tmp_path) as url:
        parts = _locations(f"{url}/sitemap.xml", http)
        assert len(parts) == 3
        pages = [page for part in parts for page in _locations(part, http)]
        assert len(set(pages)) == 5 and all(http.get(page).status_code == 200 for page in pages)
        for wrong in ("0", "deux", "-1"):
            assert http.get(f"{url}/sitemap.xml?part={wrong}").status_code == 400


@pytest.mark.parametrize("form", ["csv", "dcat-ttl"])
def test_a_page_that_is_not_the_last_says_so_in_every_form(
    url: str, http: requests.Session, form: str
) -> None:
    items = f"{url}/collections/catalogue/items"
    first = http.get(items, params={"f": form, "limit": 9})
    following = first.links["next"]["url"]
    last = http.get(following)
    assert last.status_code == 200 and "next" not in last.links
    assert last.headers["Content-Type"] == first.headers["Content-Type"]


def test_a_table_holds_all_records_unless_asked_for_fewer(url: str, http: requests.Session) -> None:
    table = http.get(f"{url}/collections/catalogue/items?f=csv")
    assert len(table.content.decode("utf-8-sig").splitlines()) == 16 and "next" not in table.links
