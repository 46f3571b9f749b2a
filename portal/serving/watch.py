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
import threading
import time
from ast import literal_eval
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.catalogue.errors import StoreError
from geoguichet.floor.errors import FileError
from geoguichet.floor.files import write_whole
from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import _
from geoguichet.portal.answers import now
from geoguichet.portal.errors import PortalError
from geoguichet.portal.serving.admission import WATCHING, Gate, kind_of
from geoguichet.portal.serving.workers import Member
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


#: When a process began, its answers, those within each bound, their seconds, the requests in hand.
type _State = tuple[
    float,
    dict[tuple[str, str, int], int],
    dict[tuple[str, int], int],
    dict[str, float],
    dict[str, int],
]


class Counts:
    """What was answered since a server began, by one process or by several, as Prometheus reads it."""

    def __init__(self, gates: Mapping[str, Gate], member: Member | None = None) -> None:
        self.gates = gates
        self.began_s = time.time()
        self.answers: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        #: By the place of the first bound of `_SECONDS` that an answer did not pass.
        self.within: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.member = member
        if member is not None:
            own = member.folder / f"{member.number}.counts"
            if own.exists():  # the process before this one has ended
                self._take(literal_eval(own.read_text("utf-8")))
            threading.Thread(target=self._share, args=(own,), daemon=True).start()

    def add(self, kind: str, method: str, status: int, took_s: float) -> None:
        """Count an answer."""
        self.answers[kind, method if method in _METHODS else "other", status] += 1
        self.within[kind, bisect_left(_SECONDS, took_s)] += 1
        self.seconds[kind] += took_s

    # Have the others know what is counted here, to the second, until their folder is gone.
    def _share(self, own: Path) -> None:
        with suppress(FileError):
            while own.parent.is_dir():
                write_whole(own, repr(self._state()).encode())
                time.sleep(1)

    def _state(self) -> _State:
        in_hand = {kind: gate.in_hand for kind, gate in self.gates.items()}
        return self.began_s, dict(self.answers), dict(self.within), dict(self.seconds), in_hand

    def _take(self, state: _State) -> None:
        began_s, answers, within, seconds, _in_hand = state
        self.began_s = min(self.began_s, began_s)
        for key, count in answers.items():
            self.answers[key] += count
        for place, count in within.items():
            self.within[place] += count
        for kind, spent in seconds.items():
            self.seconds[kind] += spent

    def text(self) -> str:
        """Return it in Prometheus' text format (0.0.4), what the other processes answered included."""
        states = [self._state()]
        if self.member is not None:
            own = f"{self.member.number}.counts"
            others = (one for one in self.member.folder.glob("*.counts") if one.name != own)
            states += [literal_eval(one.read_text("utf-8")) for one in others]
        all_of_us = Counts(self.gates)
        for state in states:
            all_of_us._take(state)
        in_hand = {kind: sum(state[4][kind] for state in states) for kind in self.gates}
        return all_of_us._text(in_hand)

    def _text(self, in_hand: Mapping[str, int]) -> str:
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
        for kind, count in in_hand.items():
            lines.append(f'geoguichet_requests_in_hand{{class="{kind}"}} {count}')
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
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        number = given if _NUMBER.fullmatch(given) else secrets.token_hex(8)
        scope["request_number"] = number
        kind = scope["class"] = kind_of(scope)
        began_s, status, size = time.perf_counter(), 500, 0

        async def sent(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            took_s = time.perf_counter() - began_s
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


def tell_access(member: Member | None = None) -> None:
    """Have a line said of each request, where the environment asks for it; each of several processes
    has a file of its own, ``access-2.jsonl``. PortalError when the file cannot be written.
    """
    asked = os.environ.get(ASKED_BY, "").strip()
    if not asked:
        return
    if asked == "-":
        told: logging.Handler = logging.StreamHandler(sys.stdout)
    else:
        if member is not None:
            asked = str(Path(asked).with_stem(f"{Path(asked).stem}-{member.number}"))
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
