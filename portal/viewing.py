"""Who looks at a request: the functions by which doors ask.

One middleware (`people.presence`) puts a `Viewer` into ``scope["viewer"]``, and nothing else does. A door that asks
where it did not stand is an error, never a request that sees everything. pygeoapi hands its
providers no viewer: `engine` says it to `across`, they ask `viewer_across`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.requests import Request

from geoguichet.floor.viewer import PUBLIC, Viewer


def viewer_of(request: Request) -> Viewer:
    """Return who looks at a request; KeyError where the middleware does not stand before the door."""
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
