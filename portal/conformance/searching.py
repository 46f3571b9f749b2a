"""What records and catalogues are, and what a client may ask of them: query parameters, profiles,
records-api, sorting, filtering.
"""

import re
from itertools import pairwise
from typing import cast

import geoguichet.portal.conformance.client as ask
from geoguichet.catalogue.errors import RecordError
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.text import fold, instant_keys
from geoguichet.portal.conformance.client import (
    FailedError,
    Json,
    Server,
    applicable,
    declares_records,
    every,
    expect,
    follows,
    lists_texts,
)

# Records and catalogues as documents: record-core, record-collection.


# --- record-core ----------------------------------------------------------------------------------


def _has_one_catalog(server: Server) -> None:
    for record in ask.records(server):
        home = ask.links(record, "collection")
        expect(len(home) <= 1, f"{record['id']}: {len(home)} collection links")
        for item in home:
            ask.is_catalog(server.found(item["href"]).json())


def _templated(server: Server) -> list[Json]:
    templates = [item for record in ask.records(server) for item in record.get("linkTemplates", [])]
    applicable(templates, "no record has link templates")
    return templates


def _has_template(item: Json) -> None:
    expect("uriTemplate" in item, "a link template without uriTemplate")


def _tells_templates_in_its_header(server: Server) -> None:
    _templated(server)
    raise FailedError("link templates are not in the header")


def _licensed(server: Server) -> list[Json]:
    told = [record for record in ask.records(server) if record["properties"].get("license")]
    applicable(told, "no record has a license")
    return told


def _license_of(record: Json) -> None:
    ask.license_is_sound(record["properties"]["license"], record)


def _contacts_of(record: Json) -> None:
    ask.contacts_are_sound(record["properties"].get("contacts", []))


def _times(server: Server) -> list[Json]:
    times = [record["time"] for record in ask.records(server) if record.get("time")]
    applicable(times, "no record has a time")
    return times


def _instant_within_interval(time: Json) -> None:
    instants = [time[name] for name in ("date", "timestamp") if name in time]
    days = {instant[:10] for instant in instants}
    expect(len(days) <= 1, f"time: date and timestamp differ: {time}")
    if "interval" in time and days:
        (day,), (start, end) = days, time["interval"]
        within = (start == ".." or start[:10] <= day) and (end == ".." or day <= end[:10])
        expect(within, f"time: outside its interval: {time}")


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


def _instant(time: Json) -> None:
    for name, form in (("date", _DAY), ("timestamp", _MOMENT)):
        expect(name not in time or form.fullmatch(time[name]), f"time.{name}: {time.get(name)}")


def _interval(time: Json) -> None:
    ends = [end for end in time.get("interval", []) if end != ".."]
    expect(
        any(all(form.fullmatch(end) for end in ends) for form in (_DAY, _MOMENT)),
        f"time.interval: {time.get('interval')}: dates, timestamps in UTC or “..” are expected",
    )


def _in_utc(time: Json) -> None:
    told = [time.get("timestamp", ""), *time.get("interval", [])]
    expect(all(text.endswith("Z") for text in told if "T" in text), f"time: not in UTC: {time}")


def _record_is_geojson(server: Server) -> None:
    for record in ask.records_as_answered(server):
        ask.has_profile(record, "ogc-record")


# --- record-collection ----------------------------------------------------------------------------


def _contacts_of_catalog(catalog: Json) -> None:
    ask.contacts_are_sound(catalog.get("contacts", []))


def _license_of_catalog(catalog: Json) -> None:
    ask.license_is_sound(catalog.get("license"), catalog)


def _catalog_links_to_itself_and_its_forms(server: Server) -> None:
    for catalog in ask.catalogs(server):
        own = ask.links(catalog, "self")
        expect(len(own) == 1, f"{len(own)} self links")
        again = server.found(own[0]["href"]).json()
        expect(again == catalog, "the self link gives another document")
        for other in ask.links(catalog, "alternate"):
            ask.gives_what_it_announces(server, other)


def _names_the_array_of_records(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    name = listed.get("recordsArrayName")
    applicable(name, "no recordsArrayName")
    expect(isinstance(listed.get(name), list), f"recordsArrayName: no array called {name}")


def _inline_records(server: Server) -> list[Json]:
    catalog = ask.catalog(server)
    name = catalog.get("recordsArrayName", "records")
    applicable(name in catalog, "no inline records")
    return cast("list[Json]", catalog[name])


_CORE, _COLLECTION = "/conf/record-core", "/conf/record-collection"

ask.register({
    f"{_CORE}/mandatory-properties-record": every(ask.records, ask.is_record),
    f"{_CORE}/links": _has_one_catalog,
    f"{_CORE}/templated-link": every(_templated, _has_template),
    f"{_CORE}/templated-link-header": _tells_templates_in_its_header,
    f"{_CORE}/license": every(_licensed, _license_of),
    f"{_CORE}/contact": every(ask.records, _contacts_of),
    f"{_CORE}/time-instant-interval": every(_times, _instant_within_interval),
    f"{_CORE}/time-instant": every(_times, _instant),
    f"{_CORE}/time-interval": every(_times, _interval),
    f"{_CORE}/time-zone": every(_times, _in_utc),
    f"{_CORE}/default-mediatype": _record_is_geojson,
    f"{_COLLECTION}/mandatory-properties-collection": every(ask.catalogs, ask.is_catalog),
    f"{_COLLECTION}/itemType": every(ask.records, ask.is_record),
    f"{_COLLECTION}/contact": every(ask.catalogs, _contacts_of_catalog),
    f"{_COLLECTION}/license": every(ask.catalogs, _license_of_catalog),
    f"{_COLLECTION}/links": _catalog_links_to_itself_and_its_forms,
    f"{_COLLECTION}/links-catalog-hierarchy": follows("child", ask.is_catalog),
    f"{_COLLECTION}/links-catalog-related": follows("related", ask.is_catalog),
    f"{_COLLECTION}/links-catalog-series": follows("next", ask.is_catalog),
    f"{_COLLECTION}/links-record": follows("item", ask.is_record),
    f"{_COLLECTION}/links-records": follows("items", ask.are_records),
    f"{_COLLECTION}/records-array-name": _names_the_array_of_records,
    f"{_COLLECTION}/records": every(_inline_records, ask.is_record),
    f"{_COLLECTION}/default-mediatype": ask.check_catalog_type,
})  # fmt: skip


# --- record-core-query-parameters -----------------------------------------------------------------


def _bbox_finds_what_meets_it(server: Server) -> None:
    given = ask.parameters(server, ask.items_path(server)).get("bbox")
    is_list = given and given["schema"].get("type") == "array"
    expect(is_list, "bbox is not in the API document as a list of numbers")
    everything = _found(server, limit="200")
    placed = [
        (item["id"], Extent.from_geometry(item["geometry"]))
        for item in everything
        if item["geometry"]
    ]
    applicable(placed, "no record has a geometry")
    box = placed[0][1]
    expect(box, "an empty geometry")
    if box and len(everything) < 200:
        asked = f"{box.west},{box.south},{box.east},{box.north}"
        near = {identifier for identifier, extent in placed if extent and extent.intersects(box)}
        ask.same_ids(_found(server, bbox=asked, limit="200"), near, f"bbox={asked}")
    for wrong in ("1,2,3", "a,b,c,d", "1,2,3,4,5"):
        ask.refuses(server, bbox=wrong)


def _found(server: Server, **parameters: str) -> list[Json]:
    return cast("list[Json]", ask.items(server, **parameters)["features"])


def _ids(server: Server, **parameters: str) -> set[str]:
    return {item["id"] for item in _found(server, **parameters)}


def _datetime_finds_what_meets_it(server: Server) -> None:
    ask.has_parameter(server, "datetime")
    everything = _found(server, limit="200")
    dated = [(item["id"], _bounds(item["time"])) for item in everything if item.get("time")]
    for asked, (first, last) in (
        ("2019-06-01T00:00:00Z", instant_keys("2019-06-01T00:00:00Z")),
        ("../2020-01-01", ("", instant_keys("2020-01-01")[1])),
        ("2020-01-01/..", (instant_keys("2020-01-01")[0], "~")),
    ):
        found = _found(server, datetime=asked, limit="200")
        meeting = {
            identifier for identifier, (start, end) in dated if start <= last and end >= first
        }
        if len(everything) < 200:
            ask.same_ids(found, meeting, f"datetime={asked}")
    ask.refuses(server, datetime="yesterday")


def _bounds(time: Json) -> tuple[str, str]:
    ends = time.get("interval") or [time.get("date") or time.get("timestamp")] * 2
    try:
        start = "" if ends[0] == ".." else instant_keys(ends[0])[0]
        return start, "~" if ends[1] == ".." else instant_keys(ends[1])[1]
    except RecordError as error:
        raise FailedError(f"time: {time}") from error


def _limit_bounds_a_page(server: Server) -> None:
    schema = ask.parameters(server, ask.items_path(server)).get("limit", {}).get("schema", {})
    is_count = schema.get("type") == "integer" and schema.get("minimum") == 1
    expect(is_count, "limit: an integer of at least 1")
    page = ask.items(server, limit="1")
    expect(len(page["features"]) <= 1, "limit=1 gives more than one record")
    is_told = page.get("numberMatched", 0) <= 1 or ask.links(page, "next")
    expect(is_told, "no next link although more match")


def _external_ids_find_their_record(server: Server) -> None:
    for record in _found(server, limit="200"):
        for known in (record["properties"] or {}).get("externalIds", []):
            value = known["value"]
            # A comma separates the values of the parameter: one with a comma cannot be asked for.
            if "," not in value:
                found = _ids(server, externalIds=value)
                expect(record["id"] in found, f"externalIds={value}: {found}")
    unknown = _found(server, externalIds="no-such-identifier")
    expect(not unknown, "an unknown external identifier is found")


def _ids_find_their_records(server: Server) -> None:
    some = [str(item["id"]) for item in _found(server, limit="3")][:2]
    ask.same_ids(_found(server, ids=",".join(some)), set(some), "ids")
    expect(not _found(server, ids="no-such-record"), "an unknown id is found")


def _words_are_found_together_or_apart(server: Server) -> None:
    records = [item for item in _found(server, limit="50") if len(_words(item)) > 2]
    applicable(records, "no record has a title of three words")
    for record in records[:5]:
        first, second = _words(record)[:2]
        one, other, both, ordered, reverse = (
            _ids(server, q=q, limit="500")
            for q in (first, second, f"{first},{second}", f"{first} {second}", f"{second} {first}")
        )
        is_found = record["id"] in one & other & ordered
        expect(is_found, f"q={first} {second}: the record itself is not found")
        expect(both == one | other, f"q={first},{second} is not what one or the other finds")
        expect(ordered <= one & other, f"q={first} {second} finds records without both words")
        in_order = record["id"] not in reverse or first == second
        expect(in_order, f"q={second} {first}: the order of words is not kept")


# Return two words of content that follow each other in the title: a server may pass over articles
# and the like.
def _words(record: Json) -> list[str]:
    title = (record["properties"] or {}).get("title", "")
    found: list[str] = re.findall(r"(?<![\w'’])[^\W\d_]{5,}", title)
    pairs = [pair for pair in pairwise(found) if f"{pair[0]} {pair[1]}" in title]
    adjacent = [pair for pair in pairs if not {"cette", "leurs"} & {word.lower() for word in pair}]
    return [*adjacent[0], "", ""] if adjacent else []


def _types_find_their_records(server: Server) -> None:
    kinds = sorted(
        {item["properties"].get("type") for item in _found(server, limit="200")} - {None}
    )
    for asked in [*kinds, ",".join(kinds)]:
        found = {item["properties"].get("type") for item in _found(server, type=asked, limit="200")}
        is_right = found and found <= set(asked.split(","))
        expect(is_right, f"type={asked} gives {sorted(map(str, found))}")
    expect(not _found(server, type="no-such-type"), "an unknown type is found")


# --- query-param-profile, records-api -------------------------------------------------------------

_PROFILE = f"{ask.PROFILES}/ogc-record"


def _records_are_given_in_a_profile(server: Server) -> None:
    ask.are_records(ask.items(server, profile=_PROFILE))


def _is_a_features_api(server: Server) -> None:
    ask.declares(f"{ask.FEATURES}/core")(server)
    landing = server.found("/", f="json").json()
    for rel in ("service-desc", "conformance", "data"):
        for item in ask.links(landing, rel)[:1] or [{"href": f"{server.url}/no-{rel}-link"}]:
            server.found(item["href"], accept="*/*")
    ask.refuses(server, unknown="1")
    ask.refuses(server, limit="none")
    status = server.get(f"{ask.items_path(server)}/no-such-record-at-all").status
    expect(status == 404, f"an unknown record: status {status}, 404 expected")


def _catalogs_are_of_records(server: Server) -> None:
    for catalog in ask.catalogs(server):
        ask.is_catalog(catalog)
        expect(catalog["itemType"] == "record", "itemType is not record")


def _catalogs_are_listed(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    expect(isinstance(listed.get("links"), list), "collections without links")
    for catalog in listed["collections"]:
        if catalog.get("itemType") == "record":
            ask.is_catalog(catalog)


def _records_are_there(server: Server) -> None:
    ask.records(server)


def _record_is_whole(server: Server) -> None:
    for record in ask.records_as_answered(server, accept=ask.GEOJSON):
        ask.is_record(record)
        expect(all(item.get("rel") for item in record["links"]), "a link without rel")
        for rel in ("self", "alternate", "collection"):
            expect(ask.links(record, rel), f"{record['id']}: no link of rel {rel}")
        ask.has_profile(record, "ogc-record")


def _no_record_is_on_two_pages(server: Server) -> None:
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
    expect(not _found(server, ids=seen[0], type="no-such-type"), "ids and type do not add up")


def _mandatory_parameters_are_described(server: Server) -> None:
    for catalog in ask.catalogs(server):
        for name in ("bbox", "datetime", "externalIds", "ids", "limit", "q", "type"):
            ask.has_parameter(server, name, f"/collections/{catalog['id']}/items")


# --- sorting --------------------------------------------------------------------------------------


def _sortables(server: Server) -> Json:
    links = ask.links(ask.catalog(server), f"{ask.REL}/sortables")
    expect(links, "no sortables link on the catalogue")
    return cast("Json", server.found(links[0]["href"], accept=ask.SCHEMA).json())


def _default_order_is_sortable(server: Server) -> None:
    order = ask.catalog(server).get("defaultSortOrder")
    expect(order, "no defaultSortOrder")
    known = _sortables(server)["properties"]
    unknown = [name for name in order or () if name.lstrip("+-") not in known]
    expect(not unknown, f"defaultSortOrder: not sortable: {unknown}")


def _sortables_are_linked_to(server: Server) -> None:
    links = ask.links(ask.catalog(server), f"{ask.REL}/sortables")
    expect(links and links[0].get("type") == ask.SCHEMA, "no sortables link of type schema+json")
    _sortables(server)


def _sortables_are_a_schema(server: Server) -> None:
    document = _sortables(server)
    known = (
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
    )
    expect(document.get("$schema") in known, f"$schema: {document.get('$schema')}")
    is_object = document.get("$id") and document.get("type") == "object"
    expect(is_object, "$id and type object are expected")


def _sortby_is_described(server: Server) -> None:
    ask.has_parameter(server, "sortby")


def _records_are_sorted(server: Server) -> None:
    for name in _sortables(server)["properties"]:
        rising, implicit, falling = (
            [_sort_value(item, name) for item in _found(server, sortby=sign + name, limit="100")]
            for sign in ("+", "", "-")
        )
        expect(rising == implicit, f"sortby=+{name} and sortby={name} differ")
        expect(_is_rising(rising), f"sortby={name}: not in order: {rising[:5]}")
        expect(_is_rising(falling[::-1]), f"sortby=-{name}: not in order: {falling[:5]}")
    ask.refuses(server, sortby="no-such-property")


def _sort_value(record: Json, name: str) -> str:
    return str(record["id"] if name == "id" else (record["properties"] or {}).get(name) or "")


# Say whether texts are in order: by their characters, or as people sort, whatever their case and
# accents.
def _is_rising(values: list[str]) -> bool:
    told = [value for value in values if value]
    return told == sorted(told) or (folded := [fold(value) for value in told]) == sorted(folded)


# --- filtering ------------------------------------------------------------------------------------

_ANY = "title LIKE '%'"
_PLACE = "S_INTERSECTS(geometry, POINT(1 43))"


def _filter_is_taken(server: Server) -> None:
    ask.has_parameter(server, "filter")
    ask.items(server, filter=_ANY)


def _filter_lang_is_taken(server: Server) -> None:
    given = ask.parameters(server, ask.items_path(server)).get("filter-lang")
    is_listed = given and given["schema"].get("enum")
    expect(is_listed, "filter-lang is not in the API document with its values")
    ask.items(server, filter=_ANY, filter_lang="cql2-text")
    ask.refuses(server, filter=_ANY, filter_lang="no-such-language")


def _filter_crs_is_taken(server: Server) -> None:
    ask.has_parameter(server, "filter-crs")
    ask.items(server, filter=_PLACE, filter_crs="http://www.opengis.net/def/crs/OGC/1.3/CRS84")
    ask.refuses(server, filter=_PLACE, filter_crs="no-such-crs")


def _filter_finds_what_it_says(server: Server) -> None:
    everything = {str(item["id"]): item for item in _found(server, limit="200")}
    for identifier, record in list(everything.items())[:5]:
        title = record["properties"].get("title")
        quoted = str(title or "").replace("'", "''")
        found = set(map(str, _ids(server, filter=f"title = '{quoted}'", limit="200")))
        same = {i for i, r in everything.items() if r["properties"].get("title") == title}
        is_right = identifier in found and found & everything.keys() <= same
        expect(is_right, f"filter title = '{quoted}': {found}")
    expect(not _found(server, filter="title = 'no such title'"), "the filter does not filter")
    ask.refuses(server, filter="title = = 3")
    ask.refuses(server, filter="no_such_property = 3")


_PARAMETERS, _API = "/conf/record-core-query-parameters", "/conf/records-api"

ask.register({
    f"{_PARAMETERS}/bbox": _bbox_finds_what_meets_it,
    f"{_PARAMETERS}/datetime": _datetime_finds_what_meets_it,
    f"{_PARAMETERS}/limit": _limit_bounds_a_page,
    f"{_PARAMETERS}/externalIds-definition": lists_texts("externalIds"),
    f"{_PARAMETERS}/externalIds-response": _external_ids_find_their_record,
    f"{_PARAMETERS}/ids-definition": lists_texts("ids"),
    f"{_PARAMETERS}/ids-response": _ids_find_their_records,
    f"{_PARAMETERS}/q-definition": lists_texts("q"),
    f"{_PARAMETERS}/q-response": _words_are_found_together_or_apart,
    f"{_PARAMETERS}/type-definition": lists_texts("type", "dataset"),
    f"{_PARAMETERS}/type-response": _types_find_their_records,
    "/conf/query-param-profile/definition": lists_texts("profile", _PROFILE),
    "/conf/query-param-profile/response": _records_are_given_in_a_profile,
    f"{_API}/features-api": _is_a_features_api,
    f"{_API}/catalog-response": _catalogs_are_of_records,
    f"{_API}/catalogs-response": _catalogs_are_listed,
    f"{_API}/record-op": _records_are_there,
    f"{_API}/record-response": _record_is_whole,
    f"{_API}/records-op": _no_record_is_on_two_pages,
    f"{_API}/resource-name-mapping": _is_a_features_api,
    f"{_API}/mandatory-params": _mandatory_parameters_are_described,
    "/conf/sorting/conformance": declares_records("sorting"),
    "/conf/sorting/defaultSortOrder-definition": _default_order_is_sortable,
    "/conf/sorting/get-sortables-op": _sortables_are_linked_to,
    "/conf/sorting/get-sortables-success": _sortables_are_a_schema,
    "/conf/sorting/sortby-definition": _sortby_is_described,
    "/conf/sorting/sortby-response": _records_are_sorted,
    "/conf/record-filter/filter-param": _filter_is_taken,
    "/conf/record-filter/filter-lang-param": _filter_lang_is_taken,
    "/conf/record-filter/filter-crs-param": _filter_crs_is_taken,
    "/conf/record-filter/response": _filter_finds_what_it_says,
})  # fmt: skip
