"""Records and catalogues as documents: record-core, record-collection."""

from __future__ import annotations

import re
from collections.abc import Callable

import geoguichet.portal.conformance.asking as ask
from geoguichet.portal.conformance.asking import Json, abstract_test
from geoguichet.portal.conformance.client import FailedError, NotApplicableError, Server, expect

# --- record-core ----------------------------------------------------------------------------------


@abstract_test("/conf/record-core/mandatory-properties-record")
def _(server: Server) -> None:
    for record in ask.records(server):
        ask.is_record(record)


@abstract_test("/conf/record-core/links")
def _(server: Server) -> None:
    for record in ask.records(server):
        home = ask.links(record, "collection")
        expect(len(home) <= 1, f"{record['id']}: {len(home)} collection links")
        for item in home:
            ask.is_catalog(server.found(item["href"]).json())


@abstract_test("/conf/record-core/templated-link")
def _(server: Server) -> None:
    templates = [item for record in ask.records(server) for item in record.get("linkTemplates", [])]
    if not templates:
        raise NotApplicableError("no record has link templates")
    expect(all("uriTemplate" in item for item in templates), "a link template without uriTemplate")


@abstract_test("/conf/record-core/templated-link-header")
def _(server: Server) -> None:
    if not any("linkTemplates" in record for record in ask.records(server)):
        raise NotApplicableError("no record has link templates")
    raise FailedError("link templates are not in the header")


@abstract_test("/conf/record-core/license")
def _(server: Server) -> None:
    told = [record for record in ask.records(server) if record["properties"].get("license")]
    if not told:
        raise NotApplicableError("no record has a license")
    for record in told:
        ask.license_is_sound(record["properties"]["license"], record)


@abstract_test("/conf/record-core/contact")
def _(server: Server) -> None:
    for record in ask.records(server):
        ask.contacts_are_sound(record["properties"].get("contacts", []))


def _times(server: Server) -> list[Json]:
    times = [record["time"] for record in ask.records(server) if record.get("time")]
    if not times:
        raise NotApplicableError("no record has a time")
    return times


@abstract_test("/conf/record-core/time-instant-interval")
def _(server: Server) -> None:
    for time in _times(server):
        instants = [time[name] for name in ("date", "timestamp") if name in time]
        expect(
            len({instant[:10] for instant in instants}) <= 1,
            f"time: date and timestamp differ: {time}",
        )
        if "interval" in time and instants:
            start, end = time["interval"]
            after = start == ".." or start[:10] <= instants[0][:10]
            expect(
                after and (end == ".." or instants[0][:10] <= end[:10]),
                f"time: outside its interval: {time}",
            )


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


@abstract_test("/conf/record-core/time-instant")
def _(server: Server) -> None:
    for time in _times(server):
        expect("date" not in time or _DAY.fullmatch(time["date"]), f"time.date: {time.get('date')}")
        expect(
            "timestamp" not in time or _MOMENT.fullmatch(time["timestamp"]),
            f"timestamp: {time.get('timestamp')}",
        )


@abstract_test("/conf/record-core/time-interval")
def _(server: Server) -> None:
    for time in _times(server):
        ends = [end for end in time.get("interval", []) if end != ".."]
        days, moments = (all(form.fullmatch(end) for end in ends) for form in (_DAY, _MOMENT))
        expect(
            days or moments,
            f"time.interval: {time.get('interval')}: dates, timestamps in UTC or “..” are expected",
        )


@abstract_test("/conf/record-core/time-zone")
def _(server: Server) -> None:
    for time in _times(server):
        told = [time.get("timestamp", ""), *time.get("interval", [])]
        expect(all(text.endswith("Z") for text in told if "T" in text), f"time: not in UTC: {time}")


@abstract_test("/conf/record-core/default-mediatype")
def _(server: Server) -> None:
    home = ask.items_path(server)
    for record in ask.records(server):
        answer = server.found(ask.address(home, record))
        expect(
            answer.media_type == ask.GEOJSON,
            f"media type {answer.media_type}, {ask.GEOJSON} expected",
        )
        ask.has_profile(record, "ogc-record")


# --- record-collection ----------------------------------------------------------------------------


@abstract_test("/conf/record-collection/mandatory-properties-collection")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        ask.is_catalog(catalog)


@abstract_test("/conf/record-collection/itemType")
def _(server: Server) -> None:
    ask.catalog(server)
    for record in ask.records(server):
        ask.is_record(record)


@abstract_test("/conf/record-collection/contact")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        ask.contacts_are_sound(catalog.get("contacts", []))


@abstract_test("/conf/record-collection/license")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        ask.license_is_sound(catalog.get("license"), catalog)


@abstract_test("/conf/record-collection/links")
def _(server: Server) -> None:
    for catalog in ask.catalogs(server):
        own = ask.links(catalog, "self")
        expect(len(own) == 1, f"{len(own)} self links")
        expect(
            server.found(own[0]["href"]).json() == catalog, "the self link gives another document"
        )
        for other in ask.links(catalog, "alternate"):
            given = server.found(other["href"], accept=other["type"]).media_type
            expect(
                given == other["type"].partition(";")[0],
                f"alternate: {given}, {other['type']} announced",
            )


def _follow(server: Server, rel: str, check: Callable[[Json], None]) -> None:
    links = ask.links(ask.catalog(server), rel)
    if not links:
        raise NotApplicableError(f"the catalogue has no link of rel {rel}")
    for item in links:
        if "html" not in item.get("type", ""):
            check(server.found(item["href"]).json())


@abstract_test("/conf/record-collection/links-catalog-hierarchy")
def _(server: Server) -> None:
    _follow(server, "child", ask.is_catalog)


@abstract_test("/conf/record-collection/links-catalog-related")
def _(server: Server) -> None:
    _follow(server, "related", ask.is_catalog)


@abstract_test("/conf/record-collection/links-catalog-series")
def _(server: Server) -> None:
    _follow(server, "next", ask.is_catalog)


@abstract_test("/conf/record-collection/links-record")
def _(server: Server) -> None:
    _follow(server, "item", ask.is_record)


@abstract_test("/conf/record-collection/links-records")
def _(server: Server) -> None:
    _follow(server, "items", ask.are_records)


@abstract_test("/conf/record-collection/records-array-name")
def _(server: Server) -> None:
    listed = server.found("/collections", f="json").json()
    name = listed.get("recordsArrayName")
    if not name:
        raise NotApplicableError("no recordsArrayName")
    expect(isinstance(listed.get(name), list), f"recordsArrayName: no array called {name}")


@abstract_test("/conf/record-collection/records")
def _(server: Server) -> None:
    catalog = ask.catalog(server)
    name = catalog.get("recordsArrayName", "records")
    if name not in catalog:
        raise NotApplicableError("no inline records")
    for record in catalog[name]:
        ask.is_record(record)


@abstract_test("/conf/record-collection/default-mediatype")
def _(server: Server) -> None:
    ask.check_catalog_type(server)
