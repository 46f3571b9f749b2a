"""What a client may ask: query parameters, profiles, records-api, sorting, filtering."""

from __future__ import annotations

import re
from itertools import pairwise

import geoguichet.portal.conformance.asking as ask
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent, instant_keys
from geoguichet.catalogue.text import fold
from geoguichet.portal.conformance.asking import TESTS, Json, abstract_test
from geoguichet.portal.conformance.client import FailedError, NotApplicableError, Server, expect

# --- record-core-query-parameters -----------------------------------------------------------------


@abstract_test("/conf/record-core-query-parameters/bbox")
def _(server: Server) -> None:
    given = ask.parameters(server, ask.items_path(server)).get("bbox")
    expect(
        given and given["schema"].get("type") == "array",
        "bbox is not in the API document as a list of numbers",
    )
    everything = ask.items(server, limit="200")["features"]
    placed = [
        (item["id"], Extent.from_geometry(item["geometry"]))
        for item in everything
        if item["geometry"]
    ]
    if not placed:
        raise NotApplicableError("no record has a geometry")
    box = placed[0][1]
    expect(box, "an empty geometry")
    if box and len(everything) < 200:
        asked = f"{box.west},{box.south},{box.east},{box.north}"
        near = {identifier for identifier, extent in placed if extent and extent.intersects(box)}
        ask.same_ids(ask.items(server, bbox=asked, limit="200")["features"], near, f"bbox={asked}")
    for wrong in ("1,2,3", "a,b,c,d", "1,2,3,4,5"):
        _refuses(server, bbox=wrong)


def _refuses(server: Server, **parameters: str) -> None:
    status = server.get(ask.items_path(server), **parameters).status
    expect(status == 400, f"{parameters}: status {status}, 400 expected")


@abstract_test("/conf/record-core-query-parameters/datetime")
def _(server: Server) -> None:
    expect(
        "datetime" in ask.parameters(server, ask.items_path(server)),
        "datetime is not in the API document",
    )
    everything = ask.items(server, limit="200")["features"]
    dated = [(item["id"], _bounds(item["time"])) for item in everything if item.get("time")]
    for asked, (first, last) in (
        ("2019-06-01T00:00:00Z", instant_keys("2019-06-01T00:00:00Z")),
        ("../2020-01-01", ("", instant_keys("2020-01-01")[1])),
        ("2020-01-01/..", (instant_keys("2020-01-01")[0], "~")),
    ):
        found = ask.items(server, datetime=asked, limit="200")["features"]
        meeting = {
            identifier for identifier, (start, end) in dated if start <= last and end >= first
        }
        if len(everything) < 200:
            ask.same_ids(found, meeting, f"datetime={asked}")
    _refuses(server, datetime="yesterday")


def _bounds(time: Json) -> tuple[str, str]:
    ends = time.get("interval") or [time.get("date") or time.get("timestamp")] * 2
    try:
        start = "" if ends[0] == ".." else instant_keys(ends[0])[0]
        return start, "~" if ends[1] == ".." else instant_keys(ends[1])[1]
    except RecordError as error:
        raise FailedError(f"time: {time}") from error


@abstract_test("/conf/record-core-query-parameters/limit")
def _(server: Server) -> None:
    schema = ask.parameters(server, ask.items_path(server)).get("limit", {}).get("schema", {})
    expect(
        schema.get("type") == "integer" and schema.get("minimum") == 1,
        "limit: an integer of at least 1",
    )
    page = ask.items(server, limit="1")
    expect(len(page["features"]) <= 1, "limit=1 gives more than one record")
    expect(
        page.get("numberMatched", 0) <= 1 or ask.links(page, "next"),
        "no next link although more match",
    )


@abstract_test("/conf/record-core-query-parameters/externalIds-definition")
def _(server: Server) -> None:
    ask.is_list_of_texts(server, "externalIds")
    ask.items(server, externalIds="any")


@abstract_test("/conf/record-core-query-parameters/externalIds-response")
def _(server: Server) -> None:
    for record in ask.items(server, limit="200")["features"]:
        for known in (record["properties"] or {}).get("externalIds", []):
            if (
                "," in known["value"]
            ):  # a comma separates the values of the parameter: this one cannot be asked for
                continue
            found = [
                item["id"] for item in ask.items(server, externalIds=known["value"])["features"]
            ]
            expect(
                found == [record["id"]] or record["id"] in found,
                f"externalIds={known['value']}: {found}",
            )
    expect(
        not ask.items(server, externalIds="no-such-identifier")["features"],
        "an unknown external identifier is found",
    )


@abstract_test("/conf/record-core-query-parameters/ids-definition")
def _(server: Server) -> None:
    ask.is_list_of_texts(server, "ids")
    ask.items(server, ids="any")


@abstract_test("/conf/record-core-query-parameters/ids-response")
def _(server: Server) -> None:
    some = [str(item["id"]) for item in ask.items(server, limit="3")["features"]][:2]
    ask.same_ids(ask.items(server, ids=",".join(some))["features"], set(some), "ids")
    expect(not ask.items(server, ids="no-such-record")["features"], "an unknown id is found")


@abstract_test("/conf/record-core-query-parameters/q-definition")
def _(server: Server) -> None:
    ask.is_list_of_texts(server, "q")
    ask.items(server, q="any")


@abstract_test("/conf/record-core-query-parameters/q-response")
def _(server: Server) -> None:
    records = [item for item in ask.items(server, limit="50")["features"] if len(_words(item)) > 2]
    if not records:
        raise NotApplicableError("no record has a title of three words")
    for record in records[:5]:
        first, second = _words(record)[:2]
        one, other, both, ordered, reverse = (
            {item["id"] for item in ask.items(server, q=q, limit="500")["features"]}
            for q in (first, second, f"{first},{second}", f"{first} {second}", f"{second} {first}")
        )
        expect(
            record["id"] in one & other & ordered,
            f"q={first} {second}: the record itself is not found",
        )
        expect(both == one | other, f"q={first},{second} is not what one or the other finds")
        expect(ordered <= one & other, f"q={first} {second} finds records without both words")
        expect(
            record["id"] not in reverse or first == second,
            f"q={second} {first}: the order of words is not kept",
        )


def _words(record: Json) -> list[str]:
    """Return two words of content that follow each other in the title: a server may pass over
    articles and the like.
    """
    title = (record["properties"] or {}).get("title", "")
    found: list[str] = re.findall(r"(?<![\w'’])[^\W\d_]{5,}", title)
    pairs = [pair for pair in pairwise(found) if f"{pair[0]} {pair[1]}" in title]
    adjacent = [pair for pair in pairs if not {"cette", "leurs"} & {word.lower() for word in pair}]
    return [*adjacent[0], "", ""] if adjacent else []


@abstract_test("/conf/record-core-query-parameters/type-definition")
def _(server: Server) -> None:
    ask.is_list_of_texts(server, "type")
    ask.items(server, type="dataset")


@abstract_test("/conf/record-core-query-parameters/type-response")
def _(server: Server) -> None:
    everything = ask.items(server, limit="200")["features"]
    kinds = sorted({item["properties"].get("type") for item in everything} - {None})
    for asked in [*kinds, ",".join(kinds)]:
        found = {
            item["properties"].get("type")
            for item in ask.items(server, type=asked, limit="200")["features"]
        }
        expect(
            found and found <= set(asked.split(",")),
            f"type={asked} gives {sorted(map(str, found))}",
        )
    expect(not ask.items(server, type="no-such-type")["features"], "an unknown type is found")


# --- query-param-profile --------------------------------------------------------------------------


@abstract_test("/conf/query-param-profile/definition")
def _(server: Server) -> None:
    ask.is_list_of_texts(server, "profile")
    ask.items(server, profile=f"{ask.PROFILES}/ogc-record")


@abstract_test("/conf/query-param-profile/response")
def _(server: Server) -> None:
    for record in ask.items(server, profile=f"{ask.PROFILES}/ogc-record")["features"]:
        ask.is_record(record)


# --- records-api ----------------------------------------------------------------------------------


@abstract_test("/conf/records-api/features-api")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.FEATURES}/core")
    landing = server.found("/", f="json").json()
    for rel in ("service-desc", "conformance", "data"):
        for item in ask.links(landing, rel)[:1] or [{"href": f"{server.url}/no-{rel}-link"}]:
            server.found(item["href"], accept="*/*")
    _refuses(server, unknown="1")
    _refuses(server, limit="none")
    status = server.get(f"{ask.items_path(server)}/no-such-record-at-all").status
    expect(status == 404, f"an unknown record: status {status}, 404 expected")


@abstract_test("/conf/records-api/catalog-response")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        ask.is_catalog(catalog)
        expect(catalog["itemType"] == "record", "itemType is not record")


@abstract_test("/conf/records-api/catalogs-response")
def _(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    expect(isinstance(listed.get("links"), list), "collections without links")
    for catalog in listed["collections"]:
        if catalog.get("itemType") == "record":
            ask.is_catalog(catalog)


@abstract_test("/conf/records-api/record-op")
def _(server: Server) -> None:
    ask.records(server)


@abstract_test("/conf/records-api/record-response")
def _(server: Server) -> None:
    home = ask.items_path(server)
    for listed in ask.records(server):
        answer = server.found(ask.address(home, listed), accept=ask.GEOJSON)
        record = answer.json()
        expect(answer.media_type == ask.GEOJSON, f"media type {answer.media_type}")
        ask.is_record(record)
        expect(all(item.get("rel") for item in record["links"]), "a link without rel")
        for rel in ("self", "alternate", "collection"):
            expect(ask.links(record, rel), f"{record['id']}: no link of rel {rel}")
        ask.has_profile(record, "ogc-record")


@abstract_test("/conf/records-api/records-op")
def _(server: Server) -> None:
    seen: list[str] = []
    page = ask.items(server, limit="5")
    for _ in range(5):
        ask.are_records(page)
        seen += [str(item["id"]) for item in page["features"]]
        further = ask.links(page, "next")
        if not further:
            break
        page = server.found(further[0]["href"]).json()
    expect(len(seen) == len(set(seen)), "a record is on two pages")
    record = ask.items(server, limit="1")["features"][0]
    both = ask.items(server, ids=str(record["id"]), type="no-such-type")["features"]
    expect(not both, "ids and type do not add up")


@abstract_test("/conf/records-api/resource-name-mapping")
def _(server: Server) -> None:
    TESTS["/conf/records-api/features-api"](server)


@abstract_test("/conf/records-api/mandatory-params")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        given = ask.parameters(server, f"/collections/{catalog['id']}/items")
        wanted = ("bbox", "datetime", "externalIds", "ids", "limit", "q", "type")
        missing = [name for name in wanted if name not in given]
        expect(not missing, f"not in the API document: {', '.join(missing)}")


# --- sorting --------------------------------------------------------------------------------------


@abstract_test("/conf/sorting/conformance")
def _(server: Server) -> None:
    ask.declares(server, f"{ask.RECORDS}/sorting")


def _sortables(server: Server) -> Json:
    links = ask.links(ask.catalog(server), f"{ask.REL}/sortables")
    expect(links, "no sortables link on the catalogue")
    document: Json = server.found(links[0]["href"], accept="application/schema+json").json()
    return document


@abstract_test("/conf/sorting/defaultSortOrder-definition")
def _(server: Server) -> None:
    order = ask.catalog(server).get("defaultSortOrder")
    expect(order, "no defaultSortOrder")
    unknown = [
        name for name in order or () if name.lstrip("+-") not in _sortables(server)["properties"]
    ]
    expect(not unknown, f"defaultSortOrder: not sortable: {unknown}")


@abstract_test("/conf/sorting/get-sortables-op")
def _(server: Server) -> None:
    links = ask.links(ask.catalog(server), f"{ask.REL}/sortables")
    expect(
        links and links[0].get("type") == "application/schema+json",
        "no sortables link of type schema+json",
    )
    _sortables(server)


@abstract_test("/conf/sorting/get-sortables-success")
def _(server: Server) -> None:
    document = _sortables(server)
    known = (
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
    )
    expect(document.get("$schema") in known, f"$schema: {document.get('$schema')}")
    expect(
        document.get("$id") and document.get("type") == "object", "$id and type object are expected"
    )


@abstract_test("/conf/sorting/sortby-definition")
def _(server: Server) -> None:
    expect(
        "sortby" in ask.parameters(server, ask.items_path(server)),
        "sortby is not in the API document",
    )


@abstract_test("/conf/sorting/sortby-response")
def _(server: Server) -> None:
    for name in _sortables(server)["properties"]:
        rising, implicit, falling = (
            [
                _sort_value(item, name)
                for item in ask.items(server, sortby=sign + name, limit="100")["features"]
            ]
            for sign in ("+", "", "-")
        )
        expect(rising == implicit, f"sortby=+{name} and sortby={name} differ")
        expect(_is_rising(rising), f"sortby={name}: not in order: {rising[:5]}")
        expect(_is_rising(falling[::-1]), f"sortby=-{name}: not in order: {falling[:5]}")
    _refuses(server, sortby="no-such-property")


def _sort_value(record: Json, name: str) -> str:
    return str(record["id"] if name == "id" else (record["properties"] or {}).get(name) or "")


def _is_rising(values: list[str]) -> bool:
    """Say whether texts are in order: by their characters, or as people sort, whatever their case
    and accents.
    """
    told = [value for value in values if value]
    return told == sorted(told) or (folded := [fold(value) for value in told]) == sorted(folded)


# --- filtering ------------------------------------------------------------------------------------


@abstract_test("/conf/record-filter/filter-param")
def _(server: Server) -> None:
    expect(
        "filter" in ask.parameters(server, ask.items_path(server)),
        "filter is not in the API document",
    )
    ask.items(server, filter="title LIKE '%'")


@abstract_test("/conf/record-filter/filter-lang-param")
def _(server: Server) -> None:
    given = ask.parameters(server, ask.items_path(server)).get("filter-lang")
    expect(
        given and given["schema"].get("enum"),
        "filter-lang is not in the API document with its values",
    )
    ask.items(server, filter="title LIKE '%'", filter_lang="cql2-text")
    _refuses(server, filter="title LIKE '%'", filter_lang="no-such-language")


@abstract_test("/conf/record-filter/filter-crs-param")
def _(server: Server) -> None:
    expect(
        "filter-crs" in ask.parameters(server, ask.items_path(server)),
        "filter-crs is not in the API document",
    )
    crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    ask.items(server, filter="S_INTERSECTS(geometry, POINT(1 43))", filter_crs=crs84)
    _refuses(server, filter="S_INTERSECTS(geometry, POINT(1 43))", filter_crs="no-such-crs")


@abstract_test("/conf/record-filter/response")
def _(server: Server) -> None:
    everything = {str(item["id"]): item for item in ask.items(server, limit="200")["features"]}
    for identifier, record in list(everything.items())[:5]:
        quoted = str(record["properties"].get("title", "")).replace("'", "''")
        found = {
            str(item["id"])
            for item in ask.items(server, filter=f"title = '{quoted}'", limit="200")["features"]
        }
        same = {
            i
            for i, r in everything.items()
            if r["properties"].get("title") == record["properties"].get("title")
        }
        expect(
            identifier in found and found <= same | (found - everything.keys()),
            f"filter title = '{quoted}': {found}",
        )
    expect(
        not ask.items(server, filter="title = 'no such title'")["features"],
        "the filter does not filter",
    )
    _refuses(server, filter="title = = 3")
    _refuses(server, filter="no_such_property = 3")
