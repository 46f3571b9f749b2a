"""One client for every server: it waits as it is told, goes where it may, stops where it must."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from geoguichet.floor.http import AnswerError, Client, HttpError, checked, same_place, with_query

BODY = bytes(range(256)) * 800


class Handler(BaseHTTPRequestHandler):
    """What it does is told by the path."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        place = self.path.partition("?")[0]
        self.asked.append((place, self.headers.get("Authorization", "")))
        again = sum(path == place for path, _ in self.asked) > 1
        status, headers, body = 200, {"ETag": '"1"'}, BODY
        if place == "/busy" and not again:
            status, headers = 503, {"Retry-After": "7"}
        elif place == "/down":
            status = 503
        elif place == "/away":
            name = "localhost" if "127" in self.headers["Host"] else "127.0.0.1"
            status, headers = 302, {"Location": f"http://{name}:{self.server.server_port}/there"}
        elif place == "/no":
            status, body = 422, b'{"code": "NoSegment"}'
        elif place.startswith("/Donn"):
            body = self.path.encode()
        elif place == "/shrunk" and "Range" in self.headers:
            status = 416
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if place == "/cut" and not again else body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked = []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_it_waits_as_long_as_the_server_says_then_longer_and_longer(server: str) -> None:
    waited: list[float] = []
    client = Client(pause_s=2, tries=4, sleep=waited.append)
    assert client.get(f"{server}/busy").body == BODY
    assert waited == [7.0]
    with pytest.raises(AnswerError, match="répond 503"):
        client.get(f"{server}/down")
    assert waited[1:] == [2.0, 4.0, 8.0]


def test_credentials_and_redirections_stay_on_the_host_but_where_allowed(server: str) -> None:
    client = Client(authorization="Basic x", tries=1)
    with pytest.raises(AnswerError, match="autre hôte") as refusal:
        client.get(f"{server}/away")
    assert refusal.value.kind == "moved" and refusal.value.english.startswith("redirection to")
    replace(client, elsewhere=True).get(f"{server}/away")
    assert Handler.asked == [("/away", "Basic x"), ("/away", "Basic x"), ("/there", "")]


def test_a_refusal_is_read_by_who_wants_to(server: str) -> None:
    with pytest.raises(AnswerError, match=r"répond 422 \(Unprocessable"):
        Client(tries=1).get(f"{server}/no")
    answer = Client(tries=1, any_status=True).get(f"{server}/no")
    assert (answer.status, answer.json()) == (422, {"code": "NoSegment"})
    with pytest.raises(AnswerError, match="du JSON est attendu, reçu un contenu sans type"):
        Client().get(f"{server}/ok").json()


def test_a_connection_is_kept_from_one_request_to_the_next(server: str) -> None:
    Handler.protocol_version = "HTTP/1.1"
    try:
        before = threading.active_count()
        for _ in range(5):
            assert Client().get(f"{server}/ok").body == BODY
        assert threading.active_count() <= before + 1  # a thread of the server a connection
    finally:
        Handler.protocol_version = "HTTP/1.0"


@pytest.mark.parametrize("path", ["cut", "shrunk"])
def test_a_download_is_resumed_or_begun_again(path: str, server: str, tmp_path: Path) -> None:
    part = tmp_path / "part"
    note = part.with_suffix(".json")
    if path == "shrunk":
        part.write_bytes(BODY + b"of before")
        note.write_text(json.dumps({"validator": '"1"'}), encoding="utf-8")
    *_, last = Client(pause_s=0).download(f"{server}/{path}", part)
    assert last == (len(BODY), len(BODY)) and part.read_bytes() == BODY
    assert json.loads(note.read_text(encoding="utf-8"))["validator"] == '"1"'
    assert len(Handler.asked) == 2


def test_the_proxy_of_the_environment_is_asked(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.replace("://", "://anne:secret@"))
    assert Client(tries=1).get("http://exemple.invalid/through").body == BODY
    assert Handler.asked[0][0] == "http://exemple.invalid/through"


def test_an_address_is_escaped_refused_or_given_parameters() -> None:
    assert checked("http://a.fr/é a?b=c d#e") == "http://a.fr/%C3%A9%20a?b=c%20d"
    assert with_query("http://a.fr/?F=xml&q=1", f="json") == "http://a.fr/?q=1&f=json"
    for address in ("http://a.fr:port/", "a.fr", "file:///etc/passwd", "http://u:p@a.fr/"):
        with pytest.raises(HttpError, match="adresse"):
            checked(address)


def test_the_same_host_is_of_one_port_and_no_less_secret() -> None:
    assert same_place("http://a.fr/x", "https://a.fr/y")
    assert not same_place("https://a.fr/x", "http://a.fr/y")
    assert not same_place("http://a.fr:8080/x", "http://a.fr/x")
    assert not same_place("http://a.fr/", "http://b.fr/")
    assert not same_place("http://a.fr/", "http://a.fr:port/")


def test_an_address_is_escaped_or_refused_in_a_sentence(server: str) -> None:
    client = Client(tries=1)
    asked = client.get(f"{server}/Données 2026.zip?a=é%20b").body
    assert asked == b"/Donn%C3%A9es%202026.zip?a=%C3%A9%20b"
    for address in ("http://a.fr:port/", "http://[a/", f"http://{'a' * 70}.fr/", "ftp://a.fr/"):
        with pytest.raises(HttpError, match="adresse"):
            client.get(address)
