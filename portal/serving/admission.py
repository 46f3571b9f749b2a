"""Who is answered now, who waits, who is asked to come back: nobody starves the others.

A request is light or heavy. Heavy ones (records of a whole page written in RDF or ISO, layers taken
away, CSW) are made a few at once and wait in a short queue; what is beyond is answered 503 with
`Retry-After`. Computations are jobs (`portal.jobs`).
"""

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.floor.words import _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.site import Site

#: What who runs the portal looks at, let through however many wait.
WATCHING = ("/health", "/metrics")
_LIGHT_FORMS = ("json", "html", "jsonld")
_HEAVY_KINDS = re.compile(r"rdf|turtle|19139|csv|geopackage|parquet|flatgeobuf|spreadsheet")


@dataclass(slots=True)
class Gate:
    """What is let through of one class: so many at once, so many waiting, so long at most."""

    at_once: int
    waiting: int
    patience_s: float
    turns: asyncio.Semaphore = field(init=False)
    in_hand: int = 0

    def __post_init__(self) -> None:
        self.turns = asyncio.Semaphore(self.at_once)

    async def enter(self) -> bool:
        """Wait for a turn; False when there are too many, or none came in time."""
        if self.in_hand >= self.at_once + self.waiting:
            return False
        self.in_hand += 1
        if not self.turns.locked():  # a turn is free, as it mostly is: no time to be kept
            return await self.turns.acquire()
        try:
            async with asyncio.timeout(self.patience_s):
                await self.turns.acquire()
        except TimeoutError:
            self.in_hand -= 1
            return False
        except asyncio.CancelledError:
            self.in_hand -= 1
            raise
        return True

    def leave(self) -> None:
        """Give the turn to the next."""
        self.in_hand -= 1
        self.turns.release()


def gates() -> dict[str, Gate]:
    """Return the gates of a process."""
    return {"light": Gate(100, 200, 30), "heavy": Gate(2, 48, 30)}


class Admission:
    """An application before another: it lets requests through by class."""

    def __init__(self, app: ASGIApp, *, site: Site, gates: dict[str, Gate]) -> None:
        self.app, self.site, self.gates = app, site, gates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, now, in a moment or not."""
        if scope["type"] != "http" or scope["path"] in WATCHING:
            await self.app(scope, receive, send)
            return
        gate = self.gates[scope.get("class") or kind_of(scope)]
        if not await gate.enter():
            told = _("Trop de demandes à la fois : réessayez dans quelques secondes.")
            refusal = Refusal(503, told, headers={"Retry-After": "5"}, code="ServerBusy")
            answer = await self.site.refuse(Request(scope), refusal)
            await answer(scope, receive, send)
            return
        is_in = True

        # The turn is over once the answer is made: how fast it is read is not the others' affair.
        async def sent(message: Message) -> None:
            nonlocal is_in
            if is_in and message["type"] == "http.response.start":
                is_in = False
                gate.leave()
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            if is_in:
                gate.leave()


def kind_of(scope: Scope) -> str:
    """Return the class of a request: ``light`` or ``heavy``."""
    path = scope["path"]
    if path == "/csw":
        return "heavy"
    if not path.endswith("/items"):
        return "light"
    asked = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("f")
    if asked is not None:
        return "light" if asked in _LIGHT_FORMS else "heavy"
    accepted = dict(scope["headers"]).get(b"accept", b"").decode("latin-1").lower()
    return "heavy" if _HEAVY_KINDS.search(accepted) else "light"
