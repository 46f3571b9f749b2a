"""Who looks at a request."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer
from geoguichet.portal.viewing import Viewing, across, viewer_across, viewer_of


def looked(token: str, *, bearing: bytes = b"") -> Viewer:
    seen = []

    async def door(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(viewer_of(Request(scope)))

    headers = [(b"authorization", bearing)] if bearing else []
    scope = {"type": "http", "headers": headers}
    asyncio.run(Viewing(door, token=token)(scope, None, None))  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_who_bears_the_token_is_the_machine_and_accents_do_not_matter(coding: str) -> None:
    assert looked("secret é", bearing="Bearer secret é".encode(coding)) == MACHINE


@pytest.mark.parametrize("bearing", [b"", b"Bearer", b"Bearer ?", b"Basic secret"])
def test_anyone_else_sees_what_is_public(bearing: bytes) -> None:
    for token in ("secret", "€"):
        assert looked(token, bearing=bearing) == PUBLIC
    assert looked("", bearing=bearing) == PUBLIC


def test_a_door_without_the_middleware_is_an_error() -> None:
    with pytest.raises(KeyError, match="viewer"):
        viewer_of(Request({"type": "http"}))


def test_a_provider_of_pygeoapi_is_told_who_looks_while_it_answers() -> None:
    assert viewer_across() == PUBLIC
    with across(MACHINE):
        assert viewer_across() == MACHINE
    assert viewer_across() == PUBLIC
