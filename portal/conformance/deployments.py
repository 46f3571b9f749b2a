"""The three deployments: crawlable, searchable, local resources."""

from __future__ import annotations

import re

import geoguichet.portal.conformance.asking as ask
from geoguichet.catalogue.text import fold
from geoguichet.portal.conformance.asking import Json, abstract_test, depends
from geoguichet.portal.conformance.client import Server, expect

# --- deployments: crawlable -----------------------------------------------------------------------


@abstract_test("/conf/crawlable-catalog/conformance")
def _(server: Server) -> None:
    told = ask.catalog(server).get("conformsTo", [])
    expect(
        f"{ask.RECORDS}/crawlable-catalog" in told,
        "crawlable-catalog is not in the conformsTo of the catalogue",
    )


@abstract_test("/conf/crawlable-catalog/catalog")
def _(server: Server) -> None:
    ask.is_catalog(ask.catalog(server))


@abstract_test("/conf/crawlable-catalog/location")
def _(server: Server) -> None:
    server.found(f"/collections/{ask.catalog(server)['id']}", accept="*/*")


@abstract_test("/conf/crawlable-catalog/record")
def _(server: Server) -> None:
    for record in ask.records(server):
        ask.is_record(record)
        for item in ask.links(record, "describes"):
            server.found(item["href"], accept="*/*")


@abstract_test("/conf/crawlable-catalog/record-location")
def _(server: Server) -> None:
    home = ask.items_path(server)
    for record in ask.records(server):
        server.found(ask.address(home, record), accept="*/*")


# --- deployments: searchable ----------------------------------------------------------------------


@abstract_test("/conf/searchable-catalog/conformance")
def _(server: Server) -> None:
    records = (f"{ask.RECORDS}/{name}" for name in ("searchable-catalog", "json", "html", "oas30"))
    ask.declares(server, f"{ask.FEATURES}/core", *records)


depends(
    "/conf/searchable-catalog/building-blocks",
    "/conf/records-api",
    "/conf/record-core",
    "/conf/record-collection",
    "/conf/record-core-query-parameters",
)


@abstract_test("/conf/searchable-catalog/mandatory-catalog-properties")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        ask.is_catalog(catalog)


@abstract_test("/conf/searchable-catalog/mandatory-record-properties")
def _(server: Server) -> None:
    for record in ask.items(server, limit="50")["features"]:
        ask.is_record(record)


@abstract_test("/conf/searchable-catalog/filtering-conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/searchable-catalog-filtering")


depends("/conf/searchable-catalog/building-blocks/filtering", "/conf/record-filter")


@abstract_test("/conf/searchable-catalog/mandatory-queryables")
def _(server: Server) -> None:
    document = server.found(f"/collections/{ask.catalog(server)['id']}/queryables", f="json").json()
    missing = [
        name
        for name in ("id", "type", "title", "geometry", "time")
        if name not in document["properties"]
    ]
    expect(not missing, f"not queryable: {', '.join(missing)}")


@abstract_test("/conf/searchable-catalog/sorting-conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/searchable-catalog-sorting")


depends("/conf/searchable-catalog/building-blocks/sorting", "/conf/sorting")


# --- deployments: local resources -----------------------------------------------------------------


def _listed(server: Server, **parameters: str) -> list[Json]:
    listed: list[Json] = server.found("/collections", f="json", **parameters).json()["collections"]
    return listed


@abstract_test("/conf/local-resources-catalog/conformance")
def _(server: Server) -> None:
    ask.declares(
        server, *(f"{ask.RECORDS}/{name}" for name in ("local-resources-catalog", "json", "html"))
    )


depends("/conf/local-resources-catalog/building-blocks", "/conf/record-core",
"/conf/record-collection",
         "/conf/autodiscovery")  # fmt: skip


@abstract_test("/conf/local-resources-catalog/discovery")
def _(server: Server) -> None:
    paths = ask.openapi(server)["paths"]
    links = [
        item["href"]
        for item in ask.links(server.found("/", f="json").json(), f"{ask.REL}/ogc-catalog")
    ]
    ends = {href.partition("?")[0].removeprefix(server.url) for href in links}
    expect("/collections" in ends, "no ogc-catalog link to the collections")
    missing = [path for path in ends if path not in paths]
    expect(not missing, f"not in the API document: {missing}")


@abstract_test("/conf/local-resources-catalog/mandatory-catalog-properties")
def _(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    for name in ("id", "type", "links"):
        expect(name in listed, f"the list of collections has no {name}")
    expect(listed["type"] == "Collection", "its type is not Collection")


@abstract_test("/conf/local-resources-catalog/mandatory-record-properties")
def _(server: Server) -> None:
    for item in _listed(server):
        for name in ("id", "type", "title", "links"):
            expect(item.get(name), f"a collection without {name}: {item.get('id')}")


@abstract_test("/conf/local-resources-catalog/query-parameters/conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/local-resources-catalog-query-parameters")


@abstract_test("/conf/local-resources-catalog/query-parameters/query-parameters")
def _(server: Server) -> None:
    given = ask.parameters(server, "/collections")
    expect(
        given.keys() & {"bbox", "datetime", "q", "type", "ids", "externalIds"},
        "no query parameter on /collections",
    )


@abstract_test("/conf/local-resources-catalog/query-parameters/query-parameters-response")
def _(server: Server) -> None:
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


@abstract_test("/conf/local-resources-catalog/filtering-conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/local-resources-catalog-filtering")


@abstract_test("/conf/local-resources-catalog/building-blocks/filtering")
def _(server: Server) -> None:
    expect(
        "filter" in ask.parameters(server, "/collections"), "no filter parameter on /collections"
    )
    one = _listed(server)[0]
    title = one["title"].replace("'", "''")
    found = [item["title"] for item in _listed(server, filter=f"title = '{title}'")]
    expect(found and set(found) == {one["title"]}, f"filter title = '{title}': {found}")


@abstract_test("/conf/local-resources-catalog/filtering/queryables-link")
def _(server: Server) -> None:
    links = ask.links(server.found("/collections", f="json").json(), f"{ask.REL}/queryables")
    expect(links, "no queryables link on the list of collections")
    server.found(links[0]["href"])


@abstract_test("/conf/local-resources-catalog/sorting-conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/local-resources-catalog-sorting")


@abstract_test("/conf/local-resources-catalog/building-blocks/sorting")
def _(server: Server) -> None:

    expect(
        "sortby" in ask.parameters(server, "/collections"), "no sortby parameter on /collections"
    )
    for sign in ("", "-"):
        titles = [fold(item["title"]) for item in _listed(server, sortby=f"{sign}title")]
        expect(titles == sorted(titles, reverse=sign == "-"), f"sortby={sign}title: {titles}")
