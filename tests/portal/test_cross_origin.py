"""Pages of other sites may read every address, and ask again only for what changed."""

import pytest
import requests

STUDY = "/studies/essai/result.gpkg"
ADDRESSES = [
    "/", "/collections", "/collections/kiosks", "/collections/kiosks/items",
    "/collections/kiosks/items/essai.k-001", "/collections/catalogue/items", "/processes",
    "/openapi", "/conformance", "/background.geojson", "/static/style.css", STUDY, "/zut",
]  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
def test_another_site_may_read_it(url: str, http: requests.Session, path: str) -> None:
    answer = http.get(url + path, headers={"Origin": "https://carte.example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", [*ADDRESSES, "/processes/white-zones/execution"])
@pytest.mark.parametrize("header", ["prefer", "authorization", "if-match", "range"])
def test_a_browser_is_told_what_it_may_send(
    url: str, http: requests.Session, path: str, header: str
) -> None:
    asked = {
        "Origin": "https://carte.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": header,
    }
    told = http.options(url + path, headers=asked)
    assert told.status_code == 204
    assert header in told.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in told.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", [path for path in ADDRESSES if path != "/zut"])
def test_what_did_not_change_is_not_sent_again(url: str, http: requests.Session, path: str) -> None:
    first = http.get(url + path)
    assert first.status_code == 200 and first.headers["Cache-Control"]
    again = http.get(url + path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_a_part_of_a_file_of_a_study_is_read(url: str, http: requests.Session) -> None:
    part = http.get(url + STUDY, headers={"Range": "bytes=0-15", "Accept-Encoding": "identity"})
    assert part.status_code == 206 and part.content == b"SQLite format 3\x00"
    assert part.headers["Content-Range"].startswith("bytes 0-15/")
    assert "Content-Range" in part.headers["Access-Control-Expose-Headers"]
    assert part.headers["Last-Modified"]
