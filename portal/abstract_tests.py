"""The 95 abstract tests of OGC API Records Part 1 (20-004r1, annex A), by their identifier in the standard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import lxml.html

from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent, instant_keys
from geoguichet.catalogue.text import fold
from geoguichet.portal.conformance import FailedError, NotApplicableError, Server, expect

TESTS: dict[str, Callable[[Server], None]] = {}
"""Every test by its identifier."""

_RECORDS = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf"
_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
_REL = "http://www.opengis.net/def/rel/ogc/1.0"
_PROFILES = "http://www.opengis.net/def/profile/OGC/0"
_CATALOG, _GEOJSON = "application/ogc-catalog+json", "application/geo+json"

type Json = dict[str, Any]


def abstract_test(name: str) -> Callable[[Callable[[Server], None]], Callable[[Server], None]]:
    """Register a test under its identifier."""

    def register(function: Callable[[Server], None]) -> Callable[[Server], None]:
        TESTS[name] = function
        return function

    return register


def _depends(name: str, *on: str) -> None:
    """Register a test that asks others to pass."""

    def test(server: Server) -> None:
        for other in on:
            for known, function in list(TESTS.items()):
                if (known == other or known.startswith(f"{other}/")) and known != name:
                    try:
                        function(server)
                    except NotApplicableError:
                        continue

    TESTS[name] = test


# --- what a server is asked -----------------------------------------------------------------------


def _catalogs(server: Server) -> list[Json]:
    listed = server.found("/collections", f="json").json()["collections"]
    catalogs = [item for item in listed if item.get("itemType") == "record"]
    expect(catalogs, "no collection whose itemType is record")
    return [server.found(f"/collections/{item['id']}").json() for item in catalogs]


def _catalog(server: Server) -> Json:
    return _catalogs(server)[0]


def _items(server: Server, **parameters: str) -> Json:
    answer = server.found(f"/collections/{_catalog(server)['id']}/items", **parameters)
    document: Json = answer.json()
    return document


def _records(server: Server) -> list[Json]:
    """Return some records, each from its own address."""
    home = f"/collections/{_catalog(server)['id']}/items"
    listed = _items(server, limit="20")["features"]
    if not listed:
        raise NotApplicableError("the catalogue is empty")
    return [server.found(_address(home, item)).json() for item in listed]


def _declared(server: Server) -> set[str]:
    return set(server.found("/conformance", f="json").json()["conformsTo"])


def _declares(server: Server, *classes: str) -> None:
    missing = [name for name in classes if name not in _declared(server)]
    expect(not missing, f"not declared: {', '.join(missing)}")


def _links(document: Json, rel: str) -> list[Json]:
    return [item for item in document.get("links", []) if item.get("rel") == rel]


def _openapi(server: Server) -> Json:
    landing = server.found("/", f="json").json()
    links = _links(landing, "service-desc")
    expect(links, "no service-desc link on the landing page")
    document: Json = server.found(links[0]["href"], accept="*/*").json()
    return document


def _parameters(server: Server, path: str) -> dict[str, Json]:
    """Return the parameters of the GET of a path in the API document, by name, references followed."""
    document = _openapi(server)
    described = [known for known in document["paths"] if _template(known).fullmatch(path)]
    expect(described, f"{path} is not in the API document")
    operation = document["paths"][path if path in described else described[0]]["get"]
    found = [_resolved(document, item) for item in operation.get("parameters", [])]
    return {item["name"]: item for item in found if "name" in item}


def _template(path: str) -> re.Pattern[str]:
    """Return what matches the paths that a path with ``{names}`` stands for."""
    parts = re.split(r"\{[^/}]*\}", path)
    return re.compile("[^/]+".join(map(re.escape, parts)))


def _resolved(document: Json, item: Json) -> Json:
    reference = item.get("$ref", "")
    if not reference.startswith("#/"):
        return {"name": reference.rpartition("/")[2], "schema": {}, **item} if reference else item
    node: Any = document
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return dict(node)


def _items_path(server: Server) -> str:
    return f"/collections/{_catalog(server)['id']}/items"


def _is_list_of_texts(server: Server, name: str) -> None:
    given = _parameters(server, _items_path(server))
    expect(name in given, f"the parameter {name} is not in the API document")
    schema = given[name].get("schema", {})
    texts = schema.get("type") == "array" and schema.get("items", {}).get("type") == "string"
    expect(texts and given[name].get("explode") is False, f"{name}: a list of texts, not exploded, is expected")


def _same_ids(documents: list[Json], ids: set[str], what: str) -> None:
    found = {item["id"] for item in documents}
    expect(found == ids, f"{what}: {sorted(found ^ ids)[:5]} should not differ")


# --- what documents look like ---------------------------------------------------------------------


def _is_record(document: Json) -> None:
    """Check a record against recordGeoJSON.yaml."""
    for name in ("id", "type", "geometry", "properties"):
        expect(name in document, f"a record without {name}")
    expect(document["type"] == "Feature", "a record whose type is not Feature")
    expect(isinstance(document["id"], str | int) and str(document["id"]), "a record whose id is empty")
    expect(isinstance(document["geometry"], dict | None), "geometry: an object or null")
    expect(isinstance(document.get("time"), dict | None), "time: an object or null")
    properties = document["properties"] or {}
    expect(isinstance(properties, dict), "properties: an object or null")
    for name in ("type", "title", "description", "license", "rights"):
        expect(isinstance(properties.get(name, ""), str), f"properties.{name}: a text")
    keywords = properties.get("keywords", [])
    expect(isinstance(keywords, list) and all(isinstance(k, str) for k in keywords), "keywords: a list of texts")
    for theme in properties.get("themes", []):
        expect(all("id" in concept for concept in theme["concepts"]), "a concept without id")
    for contact in properties.get("contacts", []):
        expect(contact.get("name") or contact.get("organization"), "a contact without name or organization")
    _have_href(document)


def _have_href(document: Json) -> None:
    for item in document.get("links", []):
        expect(isinstance(item.get("href"), str), f"a link without href: {item}")


def _is_catalog(document: Json) -> None:
    """Check a catalogue against catalog.yaml."""
    expect(isinstance(document.get("id"), str) and document["id"], "a catalogue without id")
    expect(document.get("type") == "Collection", f"type: Collection is expected, not {document.get('type')}")
    expect(isinstance(document.get("links"), list), "a catalogue without links")
    expect("itemType" not in document or document["itemType"], "an empty itemType")
    extent = document.get("extent", {})
    for box in extent.get("spatial", {}).get("bbox", []):
        expect(len(box) in (4, 6), "extent: a bbox of 4 or 6 numbers")
    _have_href(document)


def _is_page(body: bytes) -> None:
    expect(body.lstrip()[:15].lower() == b"<!doctype html>", "not an HTML 5 document")
    page = lxml.html.document_fromstring(body)
    expect(page.findtext(".//title") and page.get("lang"), "a page without title or language")


def _contacts_are_sound(contacts: list[Json]) -> None:
    for contact in contacts:
        if logo := contact.get("logo"):
            sound = logo.get("rel") == "icon" and str(logo.get("type", "")).startswith("image/")
            expect(sound, "contacts.logo: rel icon and an image are expected")
        for item in contact.get("links", []):
            expect(item.get("rel") == "about" and item.get("type"), "contacts.links: rel about and a type are expected")


def _license_is_sound(license_: object, document: Json) -> None:
    if not license_:
        raise NotApplicableError("no license member")
    expect(re.fullmatch(r"[A-Za-z0-9.+-]+", str(license_)), f"license: “{license_}” is no SPDX identifier")
    if license_ == "other":
        expect(_links(document, "license"), "license other without a link of rel license")


# --- record-core ----------------------------------------------------------------------------------


@abstract_test("/conf/record-core/mandatory-properties-record")
def _(server: Server) -> None:
    for record in _records(server):
        _is_record(record)


@abstract_test("/conf/record-core/links")
def _(server: Server) -> None:
    for record in _records(server):
        home = _links(record, "collection")
        expect(len(home) <= 1, f"{record['id']}: {len(home)} collection links")
        for item in home:
            _is_catalog(server.found(item["href"]).json())


@abstract_test("/conf/record-core/templated-link")
def _(server: Server) -> None:
    templates = [item for record in _records(server) for item in record.get("linkTemplates", [])]
    if not templates:
        raise NotApplicableError("no record has link templates")
    expect(all("uriTemplate" in item for item in templates), "a link template without uriTemplate")


@abstract_test("/conf/record-core/templated-link-header")
def _(server: Server) -> None:
    if not any("linkTemplates" in record for record in _records(server)):
        raise NotApplicableError("no record has link templates")
    raise FailedError("link templates are not in the header")


@abstract_test("/conf/record-core/license")
def _(server: Server) -> None:
    told = [record for record in _records(server) if record["properties"].get("license")]
    if not told:
        raise NotApplicableError("no record has a license")
    for record in told:
        _license_is_sound(record["properties"]["license"], record)


@abstract_test("/conf/record-core/contact")
def _(server: Server) -> None:
    for record in _records(server):
        _contacts_are_sound(record["properties"].get("contacts", []))


def _times(server: Server) -> list[Json]:
    times = [record["time"] for record in _records(server) if record.get("time")]
    if not times:
        raise NotApplicableError("no record has a time")
    return times


@abstract_test("/conf/record-core/time-instant-interval")
def _(server: Server) -> None:
    for time in _times(server):
        instants = [time[name] for name in ("date", "timestamp") if name in time]
        expect(len({instant[:10] for instant in instants}) <= 1, f"time: date and timestamp differ: {time}")
        if "interval" in time and instants:
            start, end = time["interval"]
            after = start == ".." or start[:10] <= instants[0][:10]
            expect(after and (end == ".." or instants[0][:10] <= end[:10]), f"time: outside its interval: {time}")


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


@abstract_test("/conf/record-core/time-instant")
def _(server: Server) -> None:
    for time in _times(server):
        expect("date" not in time or _DAY.fullmatch(time["date"]), f"time.date: {time.get('date')}")
        expect("timestamp" not in time or _MOMENT.fullmatch(time["timestamp"]), f"timestamp: {time.get('timestamp')}")


@abstract_test("/conf/record-core/time-interval")
def _(server: Server) -> None:
    for time in _times(server):
        ends = [end for end in time.get("interval", []) if end != ".."]
        days, moments = (all(form.fullmatch(end) for end in ends) for form in (_DAY, _MOMENT))
        expect(days or moments, f"time.interval: {time.get('interval')}: dates, timestamps in UTC or “..” are expected")


@abstract_test("/conf/record-core/time-zone")
def _(server: Server) -> None:
    for time in _times(server):
        told = [time.get("timestamp", ""), *time.get("interval", [])]
        expect(all(text.endswith("Z") for text in told if "T" in text), f"time: not in UTC: {time}")


@abstract_test("/conf/record-core/default-mediatype")
def _(server: Server) -> None:
    home = _items_path(server)
    for record in _records(server):
        answer = server.found(_address(home, record))
        expect(answer.media_type == _GEOJSON, f"media type {answer.media_type}, {_GEOJSON} expected")
        _has_profile(record, "ogc-record")


def _has_profile(document: Json, name: str) -> None:
    links = [item["href"] for item in _links(document, "profile")]
    expect(f"{_PROFILES}/{name}" in links, f"no profile link to {name}")


# --- record-collection ----------------------------------------------------------------------------


@abstract_test("/conf/record-collection/mandatory-properties-collection")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        _is_catalog(catalog)


@abstract_test("/conf/record-collection/itemType")
def _(server: Server) -> None:
    _catalog(server)
    for record in _records(server):
        _is_record(record)


@abstract_test("/conf/record-collection/contact")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        _contacts_are_sound(catalog.get("contacts", []))


@abstract_test("/conf/record-collection/license")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        _license_is_sound(catalog.get("license"), catalog)


@abstract_test("/conf/record-collection/links")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        own = _links(catalog, "self")
        expect(len(own) == 1, f"{len(own)} self links")
        expect(server.found(own[0]["href"]).json() == catalog, "the self link gives another document")
        for other in _links(catalog, "alternate"):
            given = server.found(other["href"], accept=other["type"]).media_type
            expect(given == other["type"].partition(";")[0], f"alternate: {given}, {other['type']} announced")


def _follow(server: Server, rel: str, check: Callable[[Json], None]) -> None:
    links = _links(_catalog(server), rel)
    if not links:
        raise NotApplicableError(f"the catalogue has no link of rel {rel}")
    for item in links:
        if "html" not in item.get("type", ""):
            check(server.found(item["href"]).json())


@abstract_test("/conf/record-collection/links-catalog-hierarchy")
def _(server: Server) -> None:
    _follow(server, "child", _is_catalog)


@abstract_test("/conf/record-collection/links-catalog-related")
def _(server: Server) -> None:
    _follow(server, "related", _is_catalog)


@abstract_test("/conf/record-collection/links-catalog-series")
def _(server: Server) -> None:
    _follow(server, "next", _is_catalog)


@abstract_test("/conf/record-collection/links-record")
def _(server: Server) -> None:
    _follow(server, "item", _is_record)


@abstract_test("/conf/record-collection/links-records")
def _(server: Server) -> None:
    _follow(server, "items", _are_records)


def _are_records(page: Json) -> None:
    expect(page.get("type") == "FeatureCollection", "not a FeatureCollection")
    for record in page["features"]:
        _is_record(record)


@abstract_test("/conf/record-collection/records-array-name")
def _(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    name = listed.get("recordsArrayName")
    if not name:
        raise NotApplicableError("no recordsArrayName")
    expect(isinstance(listed.get(name), list), f"recordsArrayName: no array called {name}")


@abstract_test("/conf/record-collection/records")
def _(server: Server) -> None:
    catalog = _catalog(server)
    name = catalog.get("recordsArrayName", "records")
    if name not in catalog:
        raise NotApplicableError("no inline records")
    for record in catalog[name]:
        _is_record(record)


@abstract_test("/conf/record-collection/default-mediatype")
def _(server: Server) -> None:
    _check_catalog_type(server)


def _check_catalog_type(server: Server) -> None:
    for catalog in _catalogs(server):
        kind = server.found(f"/collections/{catalog['id']}").media_type
        expect(kind == _CATALOG, f"media type {kind}, {_CATALOG} expected")


# --- record-core-query-parameters -----------------------------------------------------------------


@abstract_test("/conf/record-core-query-parameters/bbox")
def _(server: Server) -> None:
    given = _parameters(server, _items_path(server)).get("bbox")
    expect(given and given["schema"].get("type") == "array", "bbox is not in the API document as a list of numbers")
    everything = _items(server, limit="200")["features"]
    placed = [(item["id"], Extent.from_geometry(item["geometry"])) for item in everything if item["geometry"]]
    if not placed:
        raise NotApplicableError("no record has a geometry")
    box = placed[0][1]
    expect(box, "an empty geometry")
    if box and len(everything) < 200:
        asked = f"{box.west},{box.south},{box.east},{box.north}"
        near = {identifier for identifier, extent in placed if extent and extent.intersects(box)}
        _same_ids(_items(server, bbox=asked, limit="200")["features"], near, f"bbox={asked}")
    for wrong in ("1,2,3", "a,b,c,d", "1,2,3,4,5"):
        _refuses(server, bbox=wrong)


def _refuses(server: Server, **parameters: str) -> None:
    status = server.get(_items_path(server), **parameters).status
    expect(status == 400, f"{parameters}: status {status}, 400 expected")


@abstract_test("/conf/record-core-query-parameters/datetime")
def _(server: Server) -> None:
    expect("datetime" in _parameters(server, _items_path(server)), "datetime is not in the API document")
    everything = _items(server, limit="200")["features"]
    dated = [(item["id"], _bounds(item["time"])) for item in everything if item.get("time")]
    for asked, (first, last) in (
        ("2019-06-01T00:00:00Z", instant_keys("2019-06-01T00:00:00Z")),
        ("../2020-01-01", ("", instant_keys("2020-01-01")[1])),
        ("2020-01-01/..", (instant_keys("2020-01-01")[0], "~")),
    ):
        found = _items(server, datetime=asked, limit="200")["features"]
        meeting = {identifier for identifier, (start, end) in dated if start <= last and end >= first}
        if len(everything) < 200:
            _same_ids(found, meeting, f"datetime={asked}")
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
    schema = _parameters(server, _items_path(server)).get("limit", {}).get("schema", {})
    expect(schema.get("type") == "integer" and schema.get("minimum") == 1, "limit: an integer of at least 1")
    page = _items(server, limit="1")
    expect(len(page["features"]) <= 1, "limit=1 gives more than one record")
    expect(page.get("numberMatched", 0) <= 1 or _links(page, "next"), "no next link although more match")


@abstract_test("/conf/record-core-query-parameters/externalIds-definition")
def _(server: Server) -> None:
    _is_list_of_texts(server, "externalIds")
    _items(server, externalIds="any")


@abstract_test("/conf/record-core-query-parameters/externalIds-response")
def _(server: Server) -> None:
    for record in _items(server, limit="200")["features"]:
        for known in (record["properties"] or {}).get("externalIds", []):
            if "," in known["value"]:  # a comma separates the values of the parameter: this one cannot be asked for
                continue
            found = [item["id"] for item in _items(server, externalIds=known["value"])["features"]]
            expect(found == [record["id"]] or record["id"] in found, f"externalIds={known['value']}: {found}")
    expect(not _items(server, externalIds="no-such-identifier")["features"], "an unknown external identifier is found")


@abstract_test("/conf/record-core-query-parameters/ids-definition")
def _(server: Server) -> None:
    _is_list_of_texts(server, "ids")
    _items(server, ids="any")


@abstract_test("/conf/record-core-query-parameters/ids-response")
def _(server: Server) -> None:
    some = [str(item["id"]) for item in _items(server, limit="3")["features"]][:2]
    _same_ids(_items(server, ids=",".join(some))["features"], set(some), "ids")
    expect(not _items(server, ids="no-such-record")["features"], "an unknown id is found")


@abstract_test("/conf/record-core-query-parameters/q-definition")
def _(server: Server) -> None:
    _is_list_of_texts(server, "q")
    _items(server, q="any")


@abstract_test("/conf/record-core-query-parameters/q-response")
def _(server: Server) -> None:
    records = [item for item in _items(server, limit="50")["features"] if len(_words(item)) > 2]
    if not records:
        raise NotApplicableError("no record has a title of three words")
    for record in records[:5]:
        first, second = _words(record)[:2]
        one, other, both, ordered, reverse = (
            {item["id"] for item in _items(server, q=q, limit="500")["features"]}
            for q in (first, second, f"{first},{second}", f"{first} {second}", f"{second} {first}")
        )
        expect(record["id"] in one & other & ordered, f"q={first} {second}: the record itself is not found")
        expect(both == one | other, f"q={first},{second} is not what one or the other finds")
        expect(ordered <= one & other, f"q={first} {second} finds records without both words")
        expect(record["id"] not in reverse or first == second, f"q={second} {first}: the order of words is not kept")


def _address(home: str, record: Json) -> str:
    """Return the path of a record: an identifier may be an address itself."""
    return f"{home}/{quote(str(record['id']), safe='')}"


def _words(record: Json) -> list[str]:
    """Return two words of content that follow each other in the title: a server may pass over articles and the like."""
    title = (record["properties"] or {}).get("title", "")
    found: list[str] = re.findall(r"(?<![\w'’])[^\W\d_]{5,}", title)
    pairs = [pair for pair in pairwise(found) if f"{pair[0]} {pair[1]}" in title]
    adjacent = [pair for pair in pairs if not {"cette", "leurs"} & {word.lower() for word in pair}]
    return [*adjacent[0], "", ""] if adjacent else []


@abstract_test("/conf/record-core-query-parameters/type-definition")
def _(server: Server) -> None:
    _is_list_of_texts(server, "type")
    _items(server, type="dataset")


@abstract_test("/conf/record-core-query-parameters/type-response")
def _(server: Server) -> None:
    everything = _items(server, limit="200")["features"]
    kinds = sorted({item["properties"].get("type") for item in everything} - {None})
    for asked in [*kinds, ",".join(kinds)]:
        found = {item["properties"].get("type") for item in _items(server, type=asked, limit="200")["features"]}
        expect(found and found <= set(asked.split(",")), f"type={asked} gives {sorted(map(str, found))}")
    expect(not _items(server, type="no-such-type")["features"], "an unknown type is found")


# --- query-param-profile --------------------------------------------------------------------------


@abstract_test("/conf/query-param-profile/definition")
def _(server: Server) -> None:
    _is_list_of_texts(server, "profile")
    _items(server, profile=f"{_PROFILES}/ogc-record")


@abstract_test("/conf/query-param-profile/response")
def _(server: Server) -> None:
    for record in _items(server, profile=f"{_PROFILES}/ogc-record")["features"]:
        _is_record(record)


# --- records-api ----------------------------------------------------------------------------------


@abstract_test("/conf/records-api/features-api")
def _(server: Server) -> None:
    _declares(server, f"{_FEATURES}/core")
    landing = server.found("/", f="json").json()
    for rel in ("service-desc", "conformance", "data"):
        for item in _links(landing, rel)[:1] or [{"href": f"{server.url}/no-{rel}-link"}]:
            server.found(item["href"], accept="*/*")
    _refuses(server, unknown="1")
    _refuses(server, limit="none")
    status = server.get(f"{_items_path(server)}/no-such-record-at-all").status
    expect(status == 404, f"an unknown record: status {status}, 404 expected")


@abstract_test("/conf/records-api/catalog-response")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        _is_catalog(catalog)
        expect(catalog["itemType"] == "record", "itemType is not record")


@abstract_test("/conf/records-api/catalogs-response")
def _(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    expect(isinstance(listed.get("links"), list), "collections without links")
    for catalog in listed["collections"]:
        if catalog.get("itemType") == "record":
            _is_catalog(catalog)


@abstract_test("/conf/records-api/record-op")
def _(server: Server) -> None:
    _records(server)


@abstract_test("/conf/records-api/record-response")
def _(server: Server) -> None:
    home = _items_path(server)
    for listed in _records(server):
        answer = server.found(_address(home, listed), accept=_GEOJSON)
        record = answer.json()
        expect(answer.media_type == _GEOJSON, f"media type {answer.media_type}")
        _is_record(record)
        expect(all(item.get("rel") for item in record["links"]), "a link without rel")
        for rel in ("self", "alternate", "collection"):
            expect(_links(record, rel), f"{record['id']}: no link of rel {rel}")
        _has_profile(record, "ogc-record")


@abstract_test("/conf/records-api/records-op")
def _(server: Server) -> None:
    seen: list[str] = []
    page = _items(server, limit="5")
    for _ in range(5):
        _are_records(page)
        seen += [str(item["id"]) for item in page["features"]]
        further = _links(page, "next")
        if not further:
            break
        page = server.found(further[0]["href"]).json()
    expect(len(seen) == len(set(seen)), "a record is on two pages")
    record = _items(server, limit="1")["features"][0]
    both = _items(server, ids=str(record["id"]), type="no-such-type")["features"]
    expect(not both, "ids and type do not add up")


@abstract_test("/conf/records-api/resource-name-mapping")
def _(server: Server) -> None:
    TESTS["/conf/records-api/features-api"](server)


@abstract_test("/conf/records-api/mandatory-params")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        given = _parameters(server, f"/collections/{catalog['id']}/items")
        wanted = ("bbox", "datetime", "externalIds", "ids", "limit", "q", "type")
        missing = [name for name in wanted if name not in given]
        expect(not missing, f"not in the API document: {', '.join(missing)}")


# --- sorting --------------------------------------------------------------------------------------


@abstract_test("/conf/sorting/conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/sorting")


def _sortables(server: Server) -> Json:
    links = _links(_catalog(server), f"{_REL}/sortables")
    expect(links, "no sortables link on the catalogue")
    document: Json = server.found(links[0]["href"], accept="application/schema+json").json()
    return document


@abstract_test("/conf/sorting/defaultSortOrder-definition")
def _(server: Server) -> None:
    order = _catalog(server).get("defaultSortOrder")
    expect(order, "no defaultSortOrder")
    unknown = [name for name in order or () if name.lstrip("+-") not in _sortables(server)["properties"]]
    expect(not unknown, f"defaultSortOrder: not sortable: {unknown}")


@abstract_test("/conf/sorting/get-sortables-op")
def _(server: Server) -> None:
    links = _links(_catalog(server), f"{_REL}/sortables")
    expect(links and links[0].get("type") == "application/schema+json", "no sortables link of type schema+json")
    _sortables(server)


@abstract_test("/conf/sorting/get-sortables-success")
def _(server: Server) -> None:
    document = _sortables(server)
    known = ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema")
    expect(document.get("$schema") in known, f"$schema: {document.get('$schema')}")
    expect(document.get("$id") and document.get("type") == "object", "$id and type object are expected")


@abstract_test("/conf/sorting/sortby-definition")
def _(server: Server) -> None:
    expect("sortby" in _parameters(server, _items_path(server)), "sortby is not in the API document")


@abstract_test("/conf/sorting/sortby-response")
def _(server: Server) -> None:
    for name in _sortables(server)["properties"]:
        rising, implicit, falling = (
            [_sort_value(item, name) for item in _items(server, sortby=sign + name, limit="100")["features"]]
            for sign in ("+", "", "-")
        )
        expect(rising == implicit, f"sortby=+{name} and sortby={name} differ")
        expect(_is_rising(rising), f"sortby={name}: not in order: {rising[:5]}")
        expect(_is_rising(falling[::-1]), f"sortby=-{name}: not in order: {falling[:5]}")
    _refuses(server, sortby="no-such-property")


def _sort_value(record: Json, name: str) -> str:
    return str(record["id"] if name == "id" else (record["properties"] or {}).get(name) or "")


def _is_rising(values: list[str]) -> bool:
    """Say whether texts are in order: by their characters, or as people sort, whatever their case and accents."""
    told = [value for value in values if value]
    return told == sorted(told) or (folded := [fold(value) for value in told]) == sorted(folded)


# --- filtering ------------------------------------------------------------------------------------


@abstract_test("/conf/record-filter/filter-param")
def _(server: Server) -> None:
    expect("filter" in _parameters(server, _items_path(server)), "filter is not in the API document")
    _items(server, filter="title LIKE '%'")


@abstract_test("/conf/record-filter/filter-lang-param")
def _(server: Server) -> None:
    given = _parameters(server, _items_path(server)).get("filter-lang")
    expect(given and given["schema"].get("enum"), "filter-lang is not in the API document with its values")
    _items(server, filter="title LIKE '%'", filter_lang="cql2-text")
    _refuses(server, filter="title LIKE '%'", filter_lang="no-such-language")


@abstract_test("/conf/record-filter/filter-crs-param")
def _(server: Server) -> None:
    expect("filter-crs" in _parameters(server, _items_path(server)), "filter-crs is not in the API document")
    crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    _items(server, filter="S_INTERSECTS(geometry, POINT(1 43))", filter_crs=crs84)
    _refuses(server, filter="S_INTERSECTS(geometry, POINT(1 43))", filter_crs="no-such-crs")


@abstract_test("/conf/record-filter/response")
def _(server: Server) -> None:
    everything = {str(item["id"]): item for item in _items(server, limit="200")["features"]}
    for identifier, record in list(everything.items())[:5]:
        quoted = str(record["properties"].get("title", "")).replace("'", "''")
        found = {str(item["id"]) for item in _items(server, filter=f"title = '{quoted}'", limit="200")["features"]}
        same = {i for i, r in everything.items() if r["properties"].get("title") == record["properties"].get("title")}
        expect(
            identifier in found and found <= same | (found - everything.keys()), f"filter title = '{quoted}': {found}"
        )
    expect(not _items(server, filter="title = 'no such title'")["features"], "the filter does not filter")
    _refuses(server, filter="title = = 3")
    _refuses(server, filter="no_such_property = 3")


# --- json, html, oas30, autodiscovery -------------------------------------------------------------


@abstract_test("/conf/json/conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/json")


@abstract_test("/conf/json/catalog-content")
def _(server: Server) -> None:
    _check_catalog_type(server)
    for catalog in _catalogs(server):
        _is_catalog(catalog)
        _has_profile(catalog, "ogc-catalog")


@abstract_test("/conf/json/catalog-content-profile")
def _(server: Server) -> None:
    catalog = _catalog(server)
    asked = server.found(f"/collections/{catalog['id']}", profile=f"{_PROFILES}/ogc-catalog")
    expect(asked.media_type.endswith("json"), f"media type {asked.media_type}")
    _is_catalog(asked.json())
    _has_profile(asked.json(), "ogc-catalog")


@abstract_test("/conf/json/catalog-response")
def _(server: Server) -> None:
    _check_catalog_type(server)


@abstract_test("/conf/json/record-content")
def _(server: Server) -> None:
    page = server.found(_items_path(server))
    expect(page.media_type == _GEOJSON, f"media type {page.media_type}")
    _are_records(page.json())
    TESTS["/conf/json/record-response"](server)
    for record in _records(server):
        _has_profile(record, "ogc-record")


@abstract_test("/conf/json/record-content-profile")
def _(server: Server) -> None:
    page = server.found(_items_path(server), profile=f"{_PROFILES}/ogc-record")
    expect(page.media_type == _GEOJSON, f"media type {page.media_type}")
    _are_records(page.json())


@abstract_test("/conf/json/record-response")
def _(server: Server) -> None:
    home = _items_path(server)
    for record in _records(server):
        answer = server.found(_address(home, record))
        expect(answer.media_type == _GEOJSON, f"media type {answer.media_type}")
        _is_record(answer.json())


@abstract_test("/conf/html/conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/html")


@abstract_test("/conf/html/content")
def _(server: Server) -> None:
    home = _items_path(server)
    for path in (home, _address(home, _records(server)[0])):
        page = server.found(path, accept="text/html")
        expect(page.media_type == "text/html", f"{path}: {page.media_type}")
        _is_page(page.body)
    record = _records(server)[0]
    shown = lxml.html.document_fromstring(server.found(_address(home, record), accept="text/html").body)
    text = "".join(map(str, shown.itertext()))
    expect(str(record["properties"].get("title", "")) in text, "the page of a record does not show its title")


@abstract_test("/conf/html/definition")
def _(server: Server) -> None:
    home = _items_path(server)
    for path in ("/", "/conformance", "/collections", home.removesuffix("/items"), home):
        kind = server.found(path, accept="text/html").media_type
        expect(kind == "text/html", f"{path}: {kind}, text/html expected")


@abstract_test("/conf/oas30/conformance")
def _(server: Server) -> None:
    _declares(server, f"{_FEATURES}/oas30")


@abstract_test("/conf/oas30/oas-common")
def _(server: Server) -> None:
    document = _openapi(server)
    expect(str(document.get("openapi", "")).startswith("3.0"), "not an OpenAPI 3.0 document")
    expect("info" in document and document.get("paths"), "an API document without info or paths")
    outside = [item for item in _references(document) if not item.startswith("#/")]
    expect(not outside, f"the API document refers to {len(outside)} others, such as {outside[:1]}")
    for reference in _references(document):
        _resolved(document, {"$ref": reference})


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
    links = _links(server.found("/", f="json").json(), f"{_REL}/ogc-catalog")
    expect(links, "no ogc-catalog link on the landing page")
    for item in links:
        expect(item.get("type"), "an ogc-catalog link without type")
        kind = server.found(item["href"], accept=item["type"]).media_type
        expect(kind == item["type"].partition(";")[0], f"{item['href']}: {kind}, {item['type']} announced")


# --- deployments: crawlable -----------------------------------------------------------------------


@abstract_test("/conf/crawlable-catalog/conformance")
def _(server: Server) -> None:
    told = _catalog(server).get("conformsTo", [])
    expect(f"{_RECORDS}/crawlable-catalog" in told, "crawlable-catalog is not in the conformsTo of the catalogue")


@abstract_test("/conf/crawlable-catalog/catalog")
def _(server: Server) -> None:
    _is_catalog(_catalog(server))


@abstract_test("/conf/crawlable-catalog/location")
def _(server: Server) -> None:
    server.found(f"/collections/{_catalog(server)['id']}", accept="*/*")


@abstract_test("/conf/crawlable-catalog/record")
def _(server: Server) -> None:
    for record in _records(server):
        _is_record(record)
        for item in _links(record, "describes"):
            server.found(item["href"], accept="*/*")


@abstract_test("/conf/crawlable-catalog/record-location")
def _(server: Server) -> None:
    home = _items_path(server)
    for record in _records(server):
        server.found(_address(home, record), accept="*/*")


# --- deployments: searchable ----------------------------------------------------------------------


@abstract_test("/conf/searchable-catalog/conformance")
def _(server: Server) -> None:
    records = (f"{_RECORDS}/{name}" for name in ("searchable-catalog", "json", "html", "oas30"))
    _declares(server, f"{_FEATURES}/core", *records)


_depends(
    "/conf/searchable-catalog/building-blocks",
    "/conf/records-api",
    "/conf/record-core",
    "/conf/record-collection",
    "/conf/record-core-query-parameters",
)


@abstract_test("/conf/searchable-catalog/mandatory-catalog-properties")
def _(server: Server) -> None:
    for catalog in _catalogs(server):
        _is_catalog(catalog)


@abstract_test("/conf/searchable-catalog/mandatory-record-properties")
def _(server: Server) -> None:
    for record in _items(server, limit="50")["features"]:
        _is_record(record)


@abstract_test("/conf/searchable-catalog/filtering-conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/searchable-catalog-filtering")


_depends("/conf/searchable-catalog/building-blocks/filtering", "/conf/record-filter")


@abstract_test("/conf/searchable-catalog/mandatory-queryables")
def _(server: Server) -> None:
    document = server.found(f"/collections/{_catalog(server)['id']}/queryables", f="json").json()
    missing = [name for name in ("id", "type", "title", "geometry", "time") if name not in document["properties"]]
    expect(not missing, f"not queryable: {', '.join(missing)}")


@abstract_test("/conf/searchable-catalog/sorting-conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/searchable-catalog-sorting")


_depends("/conf/searchable-catalog/building-blocks/sorting", "/conf/sorting")


# --- deployments: local resources -----------------------------------------------------------------


def _listed(server: Server, **parameters: str) -> list[Json]:
    listed: list[Json] = server.found("/collections", f="json", **parameters).json()["collections"]
    return listed


@abstract_test("/conf/local-resources-catalog/conformance")
def _(server: Server) -> None:
    _declares(server, *(f"{_RECORDS}/{name}" for name in ("local-resources-catalog", "json", "html")))


_depends("/conf/local-resources-catalog/building-blocks", "/conf/record-core", "/conf/record-collection",
         "/conf/autodiscovery")  # fmt: skip


@abstract_test("/conf/local-resources-catalog/discovery")
def _(server: Server) -> None:
    paths = _openapi(server)["paths"]
    links = [item["href"] for item in _links(server.found("/", f="json").json(), f"{_REL}/ogc-catalog")]
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
    _declares(server, f"{_RECORDS}/local-resources-catalog-query-parameters")


@abstract_test("/conf/local-resources-catalog/query-parameters/query-parameters")
def _(server: Server) -> None:
    given = _parameters(server, "/collections")
    expect(given.keys() & {"bbox", "datetime", "q", "type", "ids", "externalIds"}, "no query parameter on /collections")


@abstract_test("/conf/local-resources-catalog/query-parameters/query-parameters-response")
def _(server: Server) -> None:
    given, everything = _parameters(server, "/collections"), _listed(server)
    one = everything[0]
    if "ids" in given:
        _same_ids(_listed(server, ids=one["id"]), {one["id"]}, "ids")
    if "q" in given:
        word = re.findall(r"[^\W\d_]{4,}", one["title"])[0]
        found = [item["id"] for item in _listed(server, q=word)]
        expect(one["id"] in found, f"q={word} does not find {one['id']}")
        expect(not _listed(server, q="nosuchwordatall"), "q does not filter")
    if "bbox" in given:
        expect(not _listed(server, bbox="-100,-60,-99,-59"), "bbox does not filter")


@abstract_test("/conf/local-resources-catalog/filtering-conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/local-resources-catalog-filtering")


@abstract_test("/conf/local-resources-catalog/building-blocks/filtering")
def _(server: Server) -> None:
    expect("filter" in _parameters(server, "/collections"), "no filter parameter on /collections")
    one = _listed(server)[0]
    title = one["title"].replace("'", "''")
    found = [item["title"] for item in _listed(server, filter=f"title = '{title}'")]
    expect(found and set(found) == {one["title"]}, f"filter title = '{title}': {found}")


@abstract_test("/conf/local-resources-catalog/filtering/queryables-link")
def _(server: Server) -> None:
    links = _links(server.found("/collections", f="json").json(), f"{_REL}/queryables")
    expect(links, "no queryables link on the list of collections")
    server.found(links[0]["href"])


@abstract_test("/conf/local-resources-catalog/sorting-conformance")
def _(server: Server) -> None:
    _declares(server, f"{_RECORDS}/local-resources-catalog-sorting")


@abstract_test("/conf/local-resources-catalog/building-blocks/sorting")
def _(server: Server) -> None:
    from geoguichet.catalogue.text import fold

    expect("sortby" in _parameters(server, "/collections"), "no sortby parameter on /collections")
    for sign in ("", "-"):
        titles = [fold(item["title"]) for item in _listed(server, sortby=f"{sign}title")]
        expect(titles == sorted(titles, reverse=sign == "-"), f"sortby={sign}title: {titles}")
