"""Records and catalogues as documents: record-core, record-collection."""

import re

import geoguichet.portal.conformance.client as ask
from geoguichet.portal.conformance.client import (
    FailedError,
    Json,
    Server,
    applicable,
    every,
    expect,
    follows,
)

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
    inline: list[Json] = catalog[name]
    return inline


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
