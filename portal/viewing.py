"""Who looks at a request: one middleware that says, and the functions by which doors ask.

The middleware puts a `Viewer` into ``scope["viewer"]``, and nothing else does. A door that asks
where it did not stand is an error, never a request that sees everything. pygeoapi hands its
providers no viewer: `engine` says it to `across`, they ask `viewer_across`.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer


class Viewing:
    """An application before another: it says who looks at each request.

    ``token`` is that of the whole catalogue (GEOGUICHET_TOKEN); empty, nobody bears it.
    """

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            scope["viewer"] = self._viewer(Request(scope))
        await self.app(scope, receive, send)

    def _viewer(self, request: Request) -> Viewer:
        return MACHINE if self.token and _bears(request, self.token) else PUBLIC


# Say whether a request brings a token; headers are bytes, and clients write é in one or in two.
def _bears(request: Request, token: str) -> bool:
    kind, _space, told = request.headers.get("Authorization", "").partition(" ")
    known = (
        hmac.compare_digest(told.strip().encode(coding), token.encode())
        for coding in ("latin-1", "utf-8")
    )
    return kind.lower() == "bearer" and any(known)


def viewer_of(request: Request) -> Viewer:
    """Return who looks at a request; KeyError where `Viewing` does not stand before the door."""
    viewer: Viewer = request.scope["viewer"]
    return viewer


_ACROSS: ContextVar[Viewer] = ContextVar("viewer")


@contextmanager
def across(viewer: Viewer) -> Iterator[None]:
    """Tell the providers of pygeoapi who looks, while it answers."""
    said = _ACROSS.set(viewer)
    try:
        yield
    finally:
        _ACROSS.reset(said)


def viewer_across() -> Viewer:
    """Return who looks, to a provider of pygeoapi: nobody known where pygeoapi serves by itself."""
    return _ACROSS.get(PUBLIC)
