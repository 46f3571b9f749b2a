"""A position is a point, or the reason why it is none; nothing is repaired in silence."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.referentials.directory.placing import Placed, place_points, with_decimal_points


def place(x: str, y: str, crs: str = "EPSG:4326") -> Placed:
    index = pd.RangeIndex(1, 2)
    texts = (pd.Series([text], index=index) for text in (x, y))
    return place_points(*texts, crs, items=pd.Series(["a"], index=index), layer="essai")


@pytest.mark.parametrize(
    ("x", "y", "rule", "placed"),
    [
        ("", "43.6", "no-point", False),
        ("1.44", "nord", "unreadable-coordinates", False),
        ("9" * 400, "43.6", "unreadable-coordinates", False),
        ("43.6", "1.44", "swapped-axes", True),
        ("-744648", "45.196099", "lost-decimal-point", False),
        ("2.274296", "48926098", "lost-decimal-point", False),
        ("574357.8", "6279642.9", "wrong-crs", False),
        ("14.6", "661.068855", "impossible-point", False),
        ("11.64", "52.15", "outside-france", True),
    ],
)
def test_what_is_wrong_is_named(x: str, y: str, rule: str, placed: bool) -> None:
    result = place(x, y)
    assert [finding.rule for finding in result.findings] == [rule]
    assert result.points.notna().tolist() == [placed]
    assert result.findings[0].row == 1


@pytest.mark.parametrize(
    ("x", "y"), [("1.44", "43.6"), ("1,44", "43,6"), ("55.5", "-21.1"), ("-61.0", "14.6")]
)
def test_a_position_in_france_is_a_point(x: str, y: str) -> None:
    result = place(x, y)
    assert result.findings == ()
    assert result.raw.tolist() == [f"{x} {y}"]


def test_metres_become_degrees() -> None:
    point = place("574 357,8", "6 279 642,9", "EPSG:2154").points.iloc[0]
    assert (point.x, point.y) == pytest.approx((1.4437, 43.6044), abs=1e-3)


def test_a_number_with_decimals_did_not_lose_its_point() -> None:
    assert with_decimal_points(661.5, 43.6) is None


@settings(deadline=None, max_examples=50)
@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(["EPSG:4326", "EPSG:2154", "EPSG:3857"]),
)
def test_no_text_breaks_it(x: str, y: str, crs: str) -> None:
    result = place(x, y, crs)
    assert len(result.points) == 1
    assert result.points.notna().all() or result.findings
