import json
from urllib.parse import quote

import pytest

from geoguichet.catalogue.record import Link, Record, Time
from geoguichet.portal.api.served import spliced, unserved


@pytest.mark.parametrize(
    ("told", "served"),
    [
        (Time(date="2009"), {"interval": ["2009-01-01", "2009-12-31"], "resolution": "P1Y"}),
        (Time(date="2024-02"), {"interval": ["2024-02-01", "2024-02-29"], "resolution": "P1M"}),
        (Time(interval=("2017", "..")), {"interval": ["2017-01-01", ".."], "resolution": "P1Y"}),
        (Time(interval=("..", "2017-11")), {"interval": ["..", "2017-11-30"], "resolution": "P1M"}),
        (
            Time(interval=("2001-02-03", "2017"), extra={"resolution": "P1D"}),
            {"interval": ["2001-02-03", "2017-12-31"], "resolution": "P1D"},
        ),
        (Time(date="2009-01-02"), {"date": "2009-01-02"}),
        (Time(timestamp="2009-01-02T03:04:05Z"), {"timestamp": "2009-01-02T03:04:05Z"}),
    ],
)
def test_years_and_months_are_served_as_whole_days(told: Time, served: dict[str, object]) -> None:
    record = Record(id="a", type="dataset", title="A", time=told)
    assert json.loads(spliced(record.to_bytes(), b"{}", "http://here"))["time"] == served


def test_what_needs_no_change_keeps_its_bytes() -> None:
    record = Record(
        id="a",
        type="dataset",
        title="A",
        time=Time(date="2009-01-02"),
        links=(Link("http://there/x"),),
    )
    assert spliced(record.to_bytes(), b"{}", "http://here").startswith(record.to_bytes()[:-2])


def test_relative_links_are_the_portal_s() -> None:
    record = Record(
        id="a", type="dataset", title="A", links=(Link("studies/x/map.html", rel="preview"),)
    )
    links = json.loads(spliced(record.to_bytes(), b"{}", "http://here"))["links"]
    assert links[0]["href"] == "http://here/studies/x/map.html"


@pytest.mark.parametrize(
    "record",
    [
        Record(id="a", title="A"),
        Record(id="a/b c", links=(Link("studies/x/map.html"), Link("http://here/y"))),
        Record(id="é", time=Time(date="2009"), links=(Link("http://there/x", "alternate"),)),
        Record(id="a", time=Time(interval=("..", "2017-11")), links=(Link("../up"), Link("/x"))),
        Record(id="a", links=(Link("b"), Link("http://there/c", "collection"), Link("d", "self"))),
    ],
)
def test_what_is_read_and_written_again_is_what_was_stored(record: Record) -> None:
    home = "http://here/collections/catalogue"
    made = [
        {"rel": "self", "href": f"{home}/items/{quote(record.id, safe='')}?f=json"},
        {"rel": "alternate", "href": f"{home}/items/{quote(record.id, safe='')}?f=html"},
        {"rel": "collection", "href": home},
        {"rel": "profile", "href": "http://www.opengis.net/def/profile/OGC/0/ogc-record"},
    ]
    links = b",".join(json.dumps(one).encode() for one in made)
    served = json.loads(spliced(record.to_bytes(), links, "http://here"))
    again = unserved(served, record.to_bytes(), "http://here")
    assert Record.from_geojson(again) == record
    assert unserved(again, record.to_bytes(), "http://here") == again


def test_a_new_link_to_a_file_of_the_portal_moves_with_it() -> None:
    brought = {"id": "a", "links": [{"href": "http://here/studies/x/map.html"}, {"href": 3}, 4]}
    told = unserved(brought, b"{}", "http://here")["links"]
    assert told == [{"href": "studies/x/map.html"}, {"href": 3}, 4]
