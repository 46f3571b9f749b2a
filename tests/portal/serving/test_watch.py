"""What is served, told to who runs the portal."""

import asyncio
import json
import logging.handlers
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from geoguichet.portal.app import create_app
from geoguichet.portal.errors import PortalError
from geoguichet.portal.serving import watch
from geoguichet.portal.serving.admission import gates


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The file of the access log, asked for."""
    file = tmp_path / "access.jsonl"
    monkeypatch.setenv(watch.ASKED_BY, str(file))
    watch.tell_access()
    handler = rotating()
    yield file
    watch.ACCESS_LOG.removeHandler(handler)
    handler.close()
    watch.ACCESS_LOG.propagate = True


def rotating() -> logging.handlers.RotatingFileHandler:
    kind = logging.handlers.RotatingFileHandler
    (found,) = (one for one in watch.ACCESS_LOG.handlers if isinstance(one, kind))
    return found


def asked(app, address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "root_path": "", "scheme": "http", "http_version": "1.1",
        "headers": [(name.replace("_", "-").encode(), told.encode()) for name, told in headers.items()],
        "client": ("192.0.2.7", 1), "server": ("portail.example", 80),
    }  # fmt: skip
    sent = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    told = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(one.get("body", b"") for one in sent)


@pytest.fixture
def watched(tmp_path: Path) -> watch.Watch:
    app = create_app(tmp_path / "w", url="http://portail.example")
    return watch.Watch(app, app.state.counts)


def test_health_says_that_the_catalogue_is_read(url: str, http: requests.Session) -> None:
    answer = http.get(f"{url}/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "pass"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_health_says_that_the_catalogue_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    app = create_app(tmp_path / "w", url="http://portail.example")
    (tmp_path / "w" / "catalogue.sqlite").write_bytes(b"not a store at all" * 1000)
    assert asked(app, "/health")[0] == 503


def test_metrics_are_of_the_text_format_of_prometheus(watched: watch.Watch) -> None:
    asked(watched, "/")
    asked(watched, "/nowhere")
    status, headers, body = asked(watched, "/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = body.decode().splitlines()
    sample = re.compile(r'[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.e+-]+')
    assert all(line.startswith("# TYPE ") or sample.fullmatch(line) for line in lines)
    for name, status in (("light", 200), ("light", 404)):
        assert (
            f'geoguichet_requests_total{{class="{name}",method="GET",status="{status}"}} 1' in lines
        )
    assert 'geoguichet_request_seconds_bucket{class="light",le="+Inf"} 2' in lines
    assert 'geoguichet_request_seconds_count{class="light"} 2' in lines


def test_a_strangers_method_makes_no_series_of_its_own() -> None:
    counts = watch.Counts(gates())
    for method in ("BREW", 'X"} 1\n', "PROPFIND"):
        counts.add("light", method, 405, 0.01)
    assert counts.text().count("geoguichet_requests_total{") == 1


def test_an_error_repeats_the_number_of_its_request(watched: watch.Watch) -> None:
    status, headers, body = asked(watched, "/nowhere")
    assert status == 404 and json.loads(body)["requestId"] == headers["x-request-id"]
    _status, headers, body = asked(watched, "/nowhere", accept="text/html")
    assert headers["x-request-id"] in body.decode()
    given = asked(watched, "/nowhere", x_request_id="0123456789abcdef")[1]
    assert given["x-request-id"] == "0123456789abcdef"
    forged = asked(watched, "/nowhere", x_request_id="<script>alert(1)")[1]
    assert re.fullmatch(r"[0-9a-f]{16}", forged["x-request-id"])


def test_a_request_is_a_line_without_what_was_searched(log: Path, watched: watch.Watch) -> None:
    number = asked(watched, "/nowhere\n{}?q=secret")[1]["x-request-id"]
    asked(watched, "/acces/dont-tell-it")
    first, second = map(json.loads, log.read_text("utf-8").splitlines())
    assert first["request"] == number and first["client"] == "192.0.2.7"
    assert (first["path"], first["status"], first["class"]) == ("/nowhere\n{}", 404, "light")
    assert second["path"] == "/acces/…"
    assert "secret" not in log.read_text("utf-8") and "dont-tell-it" not in log.read_text("utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_the_access_log_takes_50_mb_at_most(log: Path) -> None:
    handler = rotating()
    assert handler.maxBytes * (handler.backupCount + 1) == 50_000_000


def test_an_access_log_that_cannot_be_written_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(watch.ASKED_BY, str(tmp_path / "nowhere" / "log"))
    with pytest.raises(PortalError, match="ne peut pas être écrit"):
        watch.tell_access()
