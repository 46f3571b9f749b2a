"""What is served, told to who runs the portal: `/health`, `/metrics`, an access log, and a number to
each request, which its errors repeat.

What was searched is in no line: addresses are told without their question, links that open an account
without their secret.
"""

import asyncio
import json
import logging
import os
import re
import secrets
import sys
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import RotatingFileHandler
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.catalogue.errors import StoreError
from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import _
from geoguichet.portal.answers import now
from geoguichet.portal.errors import PortalError
from geoguichet.portal.serving.admission import WATCHING, Gate, kind_of
from geoguichet.portal.site import Site

ACCESS_LOG = logging.getLogger("geoguichet.access")
#: Where the access log goes: a file, or ``-`` for the standard output.
ASKED_BY = "GEOGUICHET_ACCESS_LOG"
_FILE_BYTES, _FILES = 10_000_000, 5
#: Upper bounds of the seconds that answers took (Prometheus' histogram).
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_NUMBER = re.compile(r"[0-9A-Za-z-]{8,64}")
_SECRET = re.compile(r"^/acces/[^/]+")


class Counts:
    """What a process answered since it began, as Prometheus reads it."""

    def __init__(self, gates: Mapping[str, Gate]) -> None:
        self.gates = gates
        self.began_s = time.time()
        self.answers: Counter[tuple[str, str, int]] = Counter()
        #: By the place of the first bound of `_SECONDS` that an answer did not pass.
        self.within: Counter[tuple[str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, kind: str, method: str, status: int, took_s: float) -> None:
        """Count an answer."""
        self.answers[kind, method if method in _METHODS else "other", status] += 1
        self.within[kind, bisect_left(_SECONDS, took_s)] += 1
        self.seconds[kind] += took_s

    def text(self) -> str:
        """Return it in Prometheus' text format (0.0.4)."""
        lines = ["# TYPE geoguichet_requests_total counter"]
        for (kind, method, status), count in sorted(self.answers.items()):
            named = f'class="{kind}",method="{method}",status="{status}"'
            lines.append(f"geoguichet_requests_total{{{named}}} {count}")
        lines.append("# TYPE geoguichet_request_seconds histogram")
        for kind, spent in sorted(self.seconds.items()):
            count = 0
            for at, most in enumerate((*_SECONDS, "+Inf")):
                count += self.within[kind, at]
                told = f'geoguichet_request_seconds_bucket{{class="{kind}",le="{most}"}}'
                lines.append(f"{told} {count}")
            lines.append(f'geoguichet_request_seconds_sum{{class="{kind}"}} {spent:.6f}')
            lines.append(f'geoguichet_request_seconds_count{{class="{kind}"}} {count}')
        lines.append("# TYPE geoguichet_requests_in_hand gauge")
        for kind, gate in self.gates.items():
            lines.append(f'geoguichet_requests_in_hand{{class="{kind}"}} {gate.in_hand}')
        lines.append("# TYPE process_start_time_seconds gauge")
        lines.append(f"process_start_time_seconds {self.began_s:.3f}")
        return "\n".join(lines) + "\n"


class Watch:
    """An application before another: each request has a number, is counted, and is a line."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self.app, self.counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        number = given if _NUMBER.fullmatch(given) else secrets.token_hex(8)
        scope["request_number"] = number
        began_s, status, size = time.perf_counter(), 500, 0

        async def sent(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = number
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            took_s = time.perf_counter() - began_s
            kind = kind_of(scope)
            self.counts.add(kind, scope["method"], status, took_s)
            if ACCESS_LOG.handlers:
                client = scope.get("client") or ("",)
                line = {
                    "time": now(), "request": number, "client": client[0],
                    "method": scope["method"], "path": _SECRET.sub("/acces/…", scope["path"]),
                    "status": status, "bytes": size, "seconds": round(took_s, 4), "class": kind,
                }  # fmt: skip
                ACCESS_LOG.info(json.dumps(line))


def routes(site: Site, counts: Counts) -> list[Route]:
    """Return where who runs the portal looks."""
    # A thread apart: pages that wait for one of theirs do not keep it from answering.
    apart = ThreadPoolExecutor(1, "health")

    async def health(_request: Request) -> Response:
        try:
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().run_in_executor(apart, _read)
        except (StoreError, TimeoutError):
            return JSONResponse({"status": "fail"}, 503, {"Cache-Control": "no-store"})
        return JSONResponse({"status": "pass"}, headers={"Cache-Control": "no-store"})

    def _read() -> None:
        site.store.generation(viewer=PUBLIC)

    async def metrics(_request: Request) -> Response:
        told = "text/plain; version=0.0.4; charset=utf-8"
        headers = {"Cache-Control": "no-store", "Content-Type": told}
        return PlainTextResponse(counts.text(), headers=headers)

    return [Route(path, answer) for path, answer in zip(WATCHING, (health, metrics), strict=True)]


def tell_access() -> None:
    """Have a line said of each request, where the environment asks for it. PortalError when the file
    cannot be written.
    """
    asked = os.environ.get(ASKED_BY, "").strip()
    if not asked:
        return
    if asked == "-":
        told: logging.Handler = logging.StreamHandler(sys.stdout)
    else:
        try:
            Path(asked).touch(mode=0o600)
            told = RotatingFileHandler(asked, "a", _FILE_BYTES, _FILES - 1, encoding="utf-8")
        except OSError as error:
            why = _("{file} ne peut pas être écrit ({why}).", file=asked, why=error.strerror)
            raise PortalError(why) from error
    told.setFormatter(logging.Formatter("%(message)s"))
    ACCESS_LOG.addHandler(told)
    ACCESS_LOG.setLevel(logging.INFO)
    ACCESS_LOG.propagate = False
