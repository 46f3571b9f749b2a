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


def test_the_head_of_a_file_is_that_of_its_answer(url: str, http: requests.Session) -> None:
    asked = {"Accept-Encoding": "identity"}
    whole = http.get(url + STUDY, headers=asked)
    head = http.head(url + STUDY, headers=asked)
    assert whole.content.startswith(b"SQLite format 3")
    assert int(head.headers["Content-Length"]) == len(whole.content) > 0
    for header in ("ETag", "Last-Modified", "Content-Type", "Accept-Ranges", "Cache-Control"):
        assert head.headers[header] == whole.headers[header]


@pytest.mark.parametrize("path", ["/static/style.css", "/collections", STUDY])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_what_may_be_compressed_is_kept_by_coding(
    url: str, http: requests.Session, path: str, coding: str
) -> None:
    answer = http.get(url + path, headers={"Accept-Encoding": coding})
    assert answer.headers.get("Content-Encoding", "identity") == coding
    assert answer.headers["Vary"].split(", ").count("Accept-Encoding") == 1
    known = {"Accept-Encoding": coding, "If-None-Match": answer.headers["ETag"]}
    again = http.get(url + path, headers=known)
    assert again.status_code == 304 and again.headers["Vary"] == answer.headers["Vary"]
