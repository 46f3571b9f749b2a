"""Dates as XML Schema writes them, licences as their lists name them."""

import pytest

from geoguichet.catalogue.formats import codes


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2019-05-02+02:00", "2019-05-02"),
        ("2019-05-02Z", "2019-05-02"),
        ("2020-01-05:00", "2020-01"),  # January 2020, five hours west
        ("1998+01:00", "1998"),
        ("2021-06-07T24:00:00", "2021-06-08T00:00:00Z"),
        ("2020-02-28T24:00:00.0+01:00", "2020-02-29T00:00:00.0+01:00"),
        ("2021-12-31T24:00Z", "2022-01-01T00:00:00Z"),
        ("2021-06-07T24:00:01", ""),
        ("2021-06-07T25:00:00", ""),
        ("2021-06-07T10:00:00+02", "2021-06-07T10:00:00+02:00"),
        ("2021-06-07T10:00:00+0530", "2021-06-07T10:00:00+05:30"),
        ("2019-02-30+02:00", ""),
        ("2019-05-02+2:00", ""),
    ],
)
def test_a_date_is_read_as_xml_schema_writes_it(text: str, right: str) -> None:
    assert codes.moment(text) == right
