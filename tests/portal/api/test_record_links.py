import json

import pytest

from geoguichet.catalogue.record import Link, Record, Time
from geoguichet.portal.api.records import spliced


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
