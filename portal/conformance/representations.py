"""The forms of answers (JSON, HTML, OpenAPI, autodiscovery) and the deployments of catalogues."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

import lxml.html

import geoguichet.portal.conformance.client as ask
from geoguichet.catalogue.text import fold
from geoguichet.portal.conformance.client import (
    Json,
    Server,
    declares,
    declares_records,
    depends,
    every,
    expect,
)


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


# The three deployments: crawlable, searchable, local resources.


# --- crawlable ------------------------------------------------------------------------------------


def _catalog_says_it_is_crawlable(server: Server) -> None:
    expect(
        f"{ask.RECORDS}/crawlable-catalog" in ask.catalog(server).get("conformsTo", []),
        "crawlable-catalog is not in the conformsTo of the catalogue",
    )


def _catalog(server: Server) -> list[Json]:
    return [ask.catalog(server)]


def _catalog_is_where_it_says(server: Server) -> None:
    server.found(f"/collections/{ask.catalog(server)['id']}", accept="*/*")


def _records_describe_what_is_there(server: Server) -> None:
    for record in ask.records(server):
        ask.is_record(record)
        for item in ask.links(record, "describes"):
            server.found(item["href"], accept="*/*")


def _records_are_where_they_say(server: Server) -> None:
    home = ask.items_path(server)
    for record in ask.records(server):
        server.found(ask.address(home, record), accept="*/*")


# --- searchable -----------------------------------------------------------------------------------


def _some_records(server: Server) -> list[Json]:
    return cast("list[Json]", ask.items(server, limit="50")["features"])


def _has_the_mandatory_queryables(server: Server) -> None:
    path = f"/collections/{ask.catalog(server)['id']}/queryables"
    known = server.found(path, f="json").json()["properties"]
    missing = [name for name in ("id", "type", "title", "geometry", "time") if name not in known]
    expect(not missing, f"not queryable: {', '.join(missing)}")


# --- local resources ------------------------------------------------------------------------------


def _collections(server: Server) -> Json:
    return cast("Json", server.found("/collections", f="json").json())


def _listed(server: Server, **parameters: str) -> list[Json]:
    return cast(
        "list[Json]", server.found("/collections", f="json", **parameters).json()["collections"]
    )


def _local_catalog_is_found(server: Server) -> None:
    paths = ask.openapi(server)["paths"]
    landing = server.found("/", f="json").json()
    hrefs = [item["href"] for item in ask.links(landing, f"{ask.REL}/ogc-catalog")]
    ends = {href.partition("?")[0].removeprefix(server.url) for href in hrefs}
    expect("/collections" in ends, "no ogc-catalog link to the collections")
    missing = [path for path in ends if path not in paths]
    expect(not missing, f"not in the API document: {missing}")


def _local_catalog_is_whole(server: Server) -> None:
    listed = _collections(server)
    for name in ("id", "type", "links"):
        expect(name in listed, f"the list of collections has no {name}")
    expect(listed["type"] == "Collection", "its type is not Collection")


def _is_entry(item: Json) -> None:
    for name in ("id", "type", "title", "links"):
        expect(item.get(name), f"a collection without {name}: {item.get('id')}")


def _local_catalog_has_parameters(server: Server) -> None:
    known = {"bbox", "datetime", "q", "type", "ids", "externalIds"}
    given = ask.parameters(server, "/collections")
    expect(given.keys() & known, "no query parameter on /collections")


def _local_catalog_is_searched(server: Server) -> None:
    given, everything = ask.parameters(server, "/collections"), _listed(server)
    one = everything[0]
    if "ids" in given:
        ask.same_ids(_listed(server, ids=one["id"]), {one["id"]}, "ids")
    if "q" in given:
        word = re.findall(r"[^\W\d_]{4,}", one["title"])[0]
        found = [item["id"] for item in _listed(server, q=word)]
        expect(one["id"] in found, f"q={word} does not find {one['id']}")
        expect(not _listed(server, q="nosuchwordatall"), "q does not filter")
    if "bbox" in given:
        expect(not _listed(server, bbox="-100,-60,-99,-59"), "bbox does not filter")


def _local_catalog_is_filtered(server: Server) -> None:
    ask.has_parameter(server, "filter", "/collections")
    title = _listed(server)[0]["title"]
    quoted = title.replace("'", "''")
    found = {item["title"] for item in _listed(server, filter=f"title = '{quoted}'")}
    expect(found == {title}, f"filter title = '{title}': {found}")


def _local_catalog_tells_its_queryables(server: Server) -> None:
    found = ask.links(_collections(server), f"{ask.REL}/queryables")
    expect(found, "no queryables link on the list of collections")
    server.found(found[0]["href"])


def _local_catalog_is_sorted(server: Server) -> None:
    ask.has_parameter(server, "sortby", "/collections")
    for sign in ("", "-"):
        titles = [fold(item["title"]) for item in _listed(server, sortby=f"{sign}title")]
        expect(titles == sorted(titles, reverse=sign == "-"), f"sortby={sign}title: {titles}")


_CRAWLABLE = "/conf/crawlable-catalog"
_SEARCHABLE = "/conf/searchable-catalog"
_LOCAL = "/conf/local-resources-catalog"

ask.register({
    f"{_CRAWLABLE}/conformance": _catalog_says_it_is_crawlable,
    f"{_CRAWLABLE}/catalog": every(_catalog, ask.is_catalog),
    f"{_CRAWLABLE}/location": _catalog_is_where_it_says,
    f"{_CRAWLABLE}/record": _records_describe_what_is_there,
    f"{_CRAWLABLE}/record-location": _records_are_where_they_say,
    f"{_SEARCHABLE}/conformance": declares(
        f"{ask.FEATURES}/core",
        *(f"{ask.RECORDS}/{name}" for name in ("searchable-catalog", "json", "html", "oas30")),
    ),
    f"{_SEARCHABLE}/building-blocks": depends(
        "/conf/records-api", "/conf/record-core", "/conf/record-collection",
        "/conf/record-core-query-parameters",
    ),
    f"{_SEARCHABLE}/mandatory-catalog-properties": every(ask.catalogs, ask.is_catalog),
    f"{_SEARCHABLE}/mandatory-record-properties": every(_some_records, ask.is_record),
    f"{_SEARCHABLE}/filtering-conformance": declares_records("searchable-catalog-filtering"),
    f"{_SEARCHABLE}/building-blocks/filtering": depends("/conf/record-filter"),
    f"{_SEARCHABLE}/mandatory-queryables": _has_the_mandatory_queryables,
    f"{_SEARCHABLE}/sorting-conformance": declares_records("searchable-catalog-sorting"),
    f"{_SEARCHABLE}/building-blocks/sorting": depends("/conf/sorting"),
    f"{_LOCAL}/conformance": declares_records("local-resources-catalog", "json", "html"),
    f"{_LOCAL}/building-blocks": depends(
        "/conf/record-core", "/conf/record-collection", "/conf/autodiscovery"
    ),
    f"{_LOCAL}/discovery": _local_catalog_is_found,
    f"{_LOCAL}/mandatory-catalog-properties": _local_catalog_is_whole,
    f"{_LOCAL}/mandatory-record-properties": every(_listed, _is_entry),
    f"{_LOCAL}/query-parameters/conformance": declares_records(
        "local-resources-catalog-query-parameters"
    ),
    f"{_LOCAL}/query-parameters/query-parameters": _local_catalog_has_parameters,
    f"{_LOCAL}/query-parameters/query-parameters-response": _local_catalog_is_searched,
    f"{_LOCAL}/filtering-conformance": declares_records("local-resources-catalog-filtering"),
    f"{_LOCAL}/building-blocks/filtering": _local_catalog_is_filtered,
    f"{_LOCAL}/filtering/queryables-link": _local_catalog_tells_its_queryables,
    f"{_LOCAL}/sorting-conformance": declares_records("local-resources-catalog-sorting"),
    f"{_LOCAL}/building-blocks/sorting": _local_catalog_is_sorted,
})  # fmt: skip
