"""What every answer says to browsers, and what no address of files gives."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from geoguichet.portal.app import create_app


def raw(url: str, path: str, method: str = "GET") -> bytes:
    """What is answered to a path as it stands, which no client has tidied."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as line:
        line.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize(
    "path",
    [
        "/studies/../people.sqlite", "/studies/%2e%2e/people.sqlite", "/studies/..%2fpeople.sqlite",
        "/studies/essai/../../people.sqlite", "/studies/%2e%2e%2fpeople.sqlite", "/people.sqlite",
        "/studies//people.sqlite", "/studies/..\\people.sqlite", "/static/../people.sqlite",
        "/static/%2e%2e/templates/account.html", "/studies/%00people.sqlite", "//people.sqlite",
        "/studies/....//people.sqlite", "/studies/", "/studies/.", "/static/",
    ],
)  # fmt: skip
def test_no_guess_of_a_path_gives_the_accounts_nor_a_list_of_files(portal, path: str) -> None:
    answer = raw(portal.url, path)
    assert answer.split(b" ")[1] in (b"400", b"404", b"405")
    assert b"SQLite format" not in answer and b'people.sqlite"' not in answer


def test_by_tls_browsers_are_told_to_come_back_by_tls_alone(tmp_path: Path, portal) -> None:
    import asyncio

    async def headers_of(url: str) -> dict[bytes, bytes]:
        sent: list[dict] = []

        async def send(message) -> None:
            sent.append(message)

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http", "method": "GET", "path": "/favicon.ico", "raw_path": b"/favicon.ico",
            "root_path": "", "query_string": b"", "headers": [], "scheme": "http",
            "server": ("x", 80), "client": ("192.0.2.1", 1),
        }  # fmt: skip
        await create_app(tmp_path, url=url)(scope, receive, send)
        return dict(sent[0]["headers"])

    told = asyncio.run(headers_of("https://sig.region.example"))
    assert told[b"strict-transport-security"] == b"max-age=15724800"
    assert "Strict-Transport-Security" not in requests.get(portal.url).headers


def test_what_a_study_holds_runs_apart_from_who_is_signed_in(portal) -> None:
    policy = requests.get(f"{portal.url}/studies/rien/map.html").headers["Content-Security-Policy"]
    sandbox = next(part for part in policy.split("; ") if part.startswith("sandbox"))
    assert "allow-scripts" in sandbox and "allow-same-origin" not in sandbox


@pytest.mark.parametrize("path", ["/connexion", "/compte", "/administration", "/"])
def test_pages_of_people_are_careful(portal, path: str) -> None:
    told = portal.browser("chef@essai.example", "administrator").show(path).headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
    assert "unsafe" not in told["Content-Security-Policy"]
    assert told["Content-Type"] == "text/html; charset=utf-8"
    assert told["Cache-Control"] == "private, no-store"
    assert "max-age" not in told.get("Set-Cookie", "").casefold()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "DELETE", "PUT", "FOO"])
def test_a_method_that_is_not_served_is_told_so(portal, method: str) -> None:
    for path in ("/connexion", "/compte", "/administration", "/"):
        assert raw(portal.url, path, method).split(b" ")[1] in (b"400", b"404", b"405")


def test_no_version_is_told(portal) -> None:
    import pygeoapi

    answer = requests.get(portal.url, headers={"Accept": "text/html"})
    assert pygeoapi.__version__ not in answer.text
    assert not any(character.isdigit() for character in answer.headers.get("Server", ""))


def test_the_pages_work_without_their_script(portal) -> None:
    """A password is asked for by a field of the browser: it is pasted, kept and shown by it."""
    for path in ("/connexion", "/compte"):
        page = portal.browser("chef@essai.example", "administrator").show(path).text
        assert 'autocomplete="current-password"' in page and "onpaste" not in page
        assert page.count('/static/passwords.js"></script>') == 1


def test_the_page_on_personal_data_tells_of_accounts_where_there_are_some(portal, url) -> None:
    told = requests.get(f"{portal.url}/donnees-personnelles", headers={"Accept": "text/html"}).text
    assert "un cookie le reconnaît" in told
    without = requests.get(f"{url}/donnees-personnelles", headers={"Accept": "text/html"}).text
    assert "un cookie" not in without and "aucun compte" in without
