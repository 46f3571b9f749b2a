"""The forms of answers: JSON, HTML, OpenAPI, autodiscovery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import lxml.html

import geoguichet.portal.conformance.asking as ask
from geoguichet.portal.conformance.asking import Json, declares, declares_records, every
from geoguichet.portal.conformance.client import Server, expect


def _catalog_is_json(server: Server) -> None:
    ask.check_catalog_type(server)
    for catalog in ask.catalogs(server):
        ask.is_catalog(catalog)
        ask.has_profile(catalog, "ogc-catalog")


def _catalog_is_given_in_its_profile(server: Server) -> None:
    home = ask.items_path(server).removesuffix("/items")
    asked = server.found(home, profile=f"{ask.PROFILES}/ogc-catalog")
    expect(asked.media_type.endswith("json"), f"media type {asked.media_type}")
    ask.is_catalog(asked.json())
    ask.has_profile(asked.json(), "ogc-catalog")


def _is_page_of_records(server: Server, **parameters: str) -> None:
    page = server.found(ask.items_path(server), **parameters)
    expect(page.media_type == ask.GEOJSON, f"media type {page.media_type}")
    ask.are_records(page.json())


def _records_are_geojson(server: Server) -> None:
    _is_page_of_records(server)
    for record in ask.records_as_answered(server):
        ask.is_record(record)
        ask.has_profile(record, "ogc-record")


def _records_are_given_in_their_profile(server: Server) -> None:
    _is_page_of_records(server, profile=f"{ask.PROFILES}/ogc-record")


def _pages_show_records(server: Server) -> None:
    home, record = ask.items_path(server), ask.records(server)[0]
    own = ask.address(home, record)
    for path in (home, own):
        page = _page(server, path)
        expect(page[:15].lower() == b"<!doctype html>", "not an HTML 5 document")
        shown = lxml.html.document_fromstring(page)
        expect(shown.findtext(".//title") and shown.get("lang"), "a page without title or language")
    text = "".join(map(str, lxml.html.document_fromstring(_page(server, own)).itertext()))
    title = str(record["properties"].get("title", ""))
    expect(title in text, "the page of a record does not show its title")


def _page(server: Server, path: str) -> bytes:
    answer = server.found(path, accept="text/html")
    expect(answer.media_type == "text/html", f"{path}: {answer.media_type}, text/html expected")
    return answer.body.lstrip()


def _every_resource_is_a_page(server: Server) -> None:
    home = ask.items_path(server)
    for path in ("/", "/conformance", "/collections", home.removesuffix("/items"), home):
        _page(server, path)


def _api_document_is_whole(server: Server) -> None:
    document = ask.openapi(server)
    expect(str(document.get("openapi", "")).startswith("3.0"), "not an OpenAPI 3.0 document")
    expect("info" in document and document.get("paths"), "an API document without info or paths")
    outside = [item for item in _references(document) if not item.startswith("#/")]
    expect(not outside, f"the API document refers to {len(outside)} others, such as {outside[:1]}")
    for reference in _references(document):
        ask.resolved(document, {"$ref": reference})


def _references(node: object) -> Iterator[str]:
    if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
        yield node["$ref"]
    parts = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for part in parts:
        yield from _references(part)


def _landing_page_leads_to_catalogs(server: Server) -> None:
    found = ask.links(server.found("/", f="json").json(), f"{ask.REL}/ogc-catalog")
    expect(found, "no ogc-catalog link on the landing page")
    for item in found:
        expect(item.get("type"), "an ogc-catalog link without type")
        ask.gives_what_it_announces(server, item)


def _as_answered(server: Server) -> list[Json]:
    return list(ask.records_as_answered(server))


ask.register({
    "/conf/json/conformance": declares_records("json"),
    "/conf/json/catalog-content": _catalog_is_json,
    "/conf/json/catalog-content-profile": _catalog_is_given_in_its_profile,
    "/conf/json/catalog-response": ask.check_catalog_type,
    "/conf/json/record-content": _records_are_geojson,
    "/conf/json/record-content-profile": _records_are_given_in_their_profile,
    "/conf/json/record-response": every(_as_answered, ask.is_record),
    "/conf/html/conformance": declares_records("html"),
    "/conf/html/content": _pages_show_records,
    "/conf/html/definition": _every_resource_is_a_page,
    "/conf/oas30/conformance": declares(f"{ask.FEATURES}/oas30"),
    "/conf/oas30/oas-common": _api_document_is_whole,
    "/conf/autodiscovery/links": _landing_page_leads_to_catalogs,
})  # fmt: skip
