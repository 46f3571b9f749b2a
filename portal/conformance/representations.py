"""The forms of answers: JSON, HTML, OpenAPI, autodiscovery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import lxml.html

import geoguichet.portal.conformance.asking as ask
from geoguichet.portal.conformance.asking import TESTS, abstract_test
from geoguichet.portal.conformance.client import Server, expect

# --- json, html, oas30, autodiscovery -------------------------------------------------------------


@abstract_test("/conf/json/conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/json")


@abstract_test("/conf/json/catalog-content")
def _(server: Server) -> None:
    ask.check_catalog_type(server)
    for catalog in ask.catalogs(server):
        ask.is_catalog(catalog)
        ask.has_profile(catalog, "ogc-catalog")


@abstract_test("/conf/json/catalog-content-profile")
def _(server: Server) -> None:
    catalog = ask.catalog(server)
    asked = server.found(f"/collections/{catalog['id']}", profile=f"{ask.PROFILES}/ogc-catalog")
    expect(asked.media_type.endswith("json"), f"media type {asked.media_type}")
    ask.is_catalog(asked.json())
    ask.has_profile(asked.json(), "ogc-catalog")


@abstract_test("/conf/json/catalog-response")
def _(server: Server) -> None:
    ask.check_catalog_type(server)


@abstract_test("/conf/json/record-content")
def _(server: Server) -> None:
    page = server.found(ask.items_path(server))
    expect(page.media_type == ask.GEOJSON, f"media type {page.media_type}")
    ask.are_records(page.json())
    TESTS["/conf/json/record-response"](server)
    for record in ask.records(server):
        ask.has_profile(record, "ogc-record")


@abstract_test("/conf/json/record-content-profile")
def _(server: Server) -> None:
    page = server.found(ask.items_path(server), profile=f"{ask.PROFILES}/ogc-record")
    expect(page.media_type == ask.GEOJSON, f"media type {page.media_type}")
    ask.are_records(page.json())


@abstract_test("/conf/json/record-response")
def _(server: Server) -> None:
    home = ask.items_path(server)
    for record in ask.records(server):
        answer = server.found(ask.address(home, record))
        expect(answer.media_type == ask.GEOJSON, f"media type {answer.media_type}")
        ask.is_record(answer.json())


@abstract_test("/conf/html/conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/html")


@abstract_test("/conf/html/content")
def _(server: Server) -> None:
    home = ask.items_path(server)
    for path in (home, ask.address(home, ask.records(server)[0])):
        page = server.found(path, accept="text/html")
        expect(page.media_type == "text/html", f"{path}: {page.media_type}")
        ask.is_page(page.body)
    record = ask.records(server)[0]
    shown = lxml.html.document_fromstring(
        server.found(ask.address(home, record), accept="text/html").body
    )
    text = "".join(map(str, shown.itertext()))
    expect(
        str(record["properties"].get("title", "")) in text,
        "the page of a record does not show its title",
    )


@abstract_test("/conf/html/definition")
def _(server: Server) -> None:
    home = ask.items_path(server)
    for path in ("/", "/conformance", "/collections", home.removesuffix("/items"), home):
        kind = server.found(path, accept="text/html").media_type
        expect(kind == "text/html", f"{path}: {kind}, text/html expected")


@abstract_test("/conf/oas30/conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.FEATURES}/oas30")


@abstract_test("/conf/oas30/oas-common")
def _(server: Server) -> None:
    document = ask.openapi(server)
    expect(str(document.get("openapi", "")).startswith("3.0"), "not an OpenAPI 3.0 document")
    expect("info" in document and document.get("paths"), "an API document without info or paths")
    outside = [item for item in _references(document) if not item.startswith("#/")]
    expect(not outside, f"the API document refers to {len(outside)} others, such as {outside[:1]}")
    for reference in _references(document):
        ask.resolved(document, {"$ref": reference})


def _references(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


@abstract_test("/conf/autodiscovery/links")
def _(server: Server) -> None:
    links = ask.links(server.found("/", f="json").json(), f"{ask.REL}/ogc-catalog")
    expect(links, "no ogc-catalog link on the landing page")
    for item in links:
        expect(item.get("type"), "an ogc-catalog link without type")
        kind = server.found(item["href"], accept=item["type"]).media_type
        expect(
            kind == item["type"].partition(";")[0],
            f"{item['href']}: {kind}, {item['type']} announced",
        )
