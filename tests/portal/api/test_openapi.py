"""The description of the interface is whole: every address that a client may use is in it, and it tells
of none that is not there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.routing import BaseRoute, Mount, Route

from geoguichet.floor.viewer import PUBLIC
from geoguichet.portal.api import openapi
from geoguichet.portal.app import create_app
from geoguichet.portal.pages.registry import PAGES
from geoguichet.portal.site import Site

#: Forms of pages, which take the token that their page holds: a client has a bearer token, and says who
#: sees a study as it asks for it.
FORMS = {
    "/connexion", "/deconnexion", "/acces/{key}", "/compte", "/administration",
    "/etudes/{study}/visibilite", "POST /etudes/nouvelle", "POST /etudes/calcul/{job}",
}  # fmt: skip
#: What pages are made of, and the short addresses that lead to one.
FURNITURE = {
    "/static", "/static/maplibre-gl", "/theme.css", "/widget.js", "/favicon.ico", "/logo",
    "/donnees", "/catalogue",
}  # fmt: skip


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    site = Site(
        tmp_path_factory.mktemp("openapi"), url="http://portail.example",
        pages=(*PAGES, openapi.PAGE), editable=True,
    )  # fmt: skip
    try:
        return openapi.document(site, PUBLIC)
    finally:
        site.store.close()


def answered(folder: Path) -> Iterator[tuple[BaseRoute, str]]:
    """Every route of the application, with each of its methods."""
    for route in create_app(folder, editable=True).routes:
        methods = route.methods if isinstance(route, Route) else None
        for method in sorted((methods or {"GET"}) - {"HEAD", "OPTIONS"}):
            yield route, method


def fits(route: BaseRoute, path: str) -> bool:
    """Say whether a route answers at a path of the document."""
    assert isinstance(route, Route | Mount)
    return route.path_regex.fullmatch(re.sub(r"{\w+}", "x", path)) is not None


def test_every_route_that_a_client_may_use_is_described(
    described: dict[str, Any], tmp_path: Path
) -> None:
    told = [(path, method.upper()) for path, one in described["paths"].items() for method in one]
    beside = set()
    for route, method in answered(tmp_path):
        if not any(fits(route, path) and method == known for path, known in told):
            path = route.path  # type: ignore[attr-defined]
            beside.add(path if path in FORMS | FURNITURE else f"{method} {path}")
    assert beside == FORMS | FURNITURE


def test_every_path_that_is_described_is_answered(
    described: dict[str, Any], tmp_path: Path
) -> None:
    routes = [*answered(tmp_path)]
    for path, one in described["paths"].items():
        for method in one:
            here = any(fits(route, path) and known == method.upper() for route, known in routes)
            assert here, (method, path)


def test_every_operation_has_a_name_of_its_own_and_tells_what_stands_in_its_path(
    described: dict[str, Any],
) -> None:
    names = []
    for path, one in described["paths"].items():
        for operation in one.values():
            names.append(operation["operationId"])
            given = [
                described["components"]["parameters"][each["$ref"].rpartition("/")[2]]
                if "$ref" in each
                else each
                for each in operation.get("parameters", ())
            ]
            inside = {each["name"] for each in given if each["in"] == "path"}
            assert inside == {*re.findall(r"{(\w+)}", path)}, path
    assert len(names) == len(set(names))


def test_what_has_one_form_is_told_as_the_object_or_the_text_that_it_is(
    described: dict[str, Any], url: str, http: requests.Session
) -> None:
    for path in ("/health", "/background.geojson", "/metrics", "/robots.txt"):
        answer = http.get(url + path)
        told = described["paths"][path]["get"]["responses"]["200"]["content"]
        kind = answer.headers["Content-Type"].partition(";")[0]
        is_json = kind.endswith("json")
        assert told[kind]["schema"] == {"type": "object" if is_json else "string"}
        assert not is_json or isinstance(answer.json(), dict)
