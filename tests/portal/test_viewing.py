"""Who looks at a request."""

import pytest
from starlette.requests import Request

from geoguichet.floor.viewer import MACHINE, PUBLIC
from geoguichet.portal.viewing import across, viewer_across, viewer_of


def test_a_door_without_the_middleware_is_an_error() -> None:
    with pytest.raises(KeyError, match="viewer"):
        viewer_of(Request({"type": "http"}))


def test_a_provider_of_pygeoapi_is_told_who_looks_while_it_answers() -> None:
    assert viewer_across() == PUBLIC
    with across(MACHINE):
        assert viewer_across() == MACHINE
    assert viewer_across() == PUBLIC
