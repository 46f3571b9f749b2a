import pytest

from geoguichet.catalogue.errors import QueryError
from geoguichet.catalogue.record import Extent
from geoguichet.catalogue.search.query import RecordQuery, SortKey


def test_the_parameters_of_the_standard_are_read() -> None:
    query = RecordQuery.from_parameters(
        {
            "q": "forêt publique,eau",
            "bbox": "170,-10,0,-170,10,9", "datetime": "2020/..", "type": "dataset,service",
            "ids": "a,b", "externalIds": "siren:1", "sortby": "-updated,title", "limit": "5",
            "offset": "10",
        }
    )  # fmt: skip
    assert query.terms == ("forêt publique", "eau")
    assert query.bbox == Extent(170, -10, -170, 10)
    assert query.datetime == ("2020-01-01T00:00:00.000000Z", "~")
    assert query.type == ("dataset", "service")
    assert query.sortby == (SortKey("updated", True), SortKey("title"))
    assert (query.limit, query.offset) == (5, 10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bbox", "1,2,3"),
        ("bbox", "a,b,c,d"),
        ("bbox", "nan,0,1,1"),
        ("bbox", "0,50,1,40"),
        ("bbox", "0,0,574000,6279000"),
        ("datetime", "hier"),
        ("datetime", "2021/2020"),
        ("datetime", "2020/2021/2022"),
        ("sortby", "couleur"),
        ("limit", "dix"),
        ("limit", "-1"),
        ("limit", "999999999999999999999"),
        ("offset", "-1"),
        ("q", ",".join("a" * 60)),
        ("couleur", "rouge"),
    ],
)
def test_a_malformed_parameter_is_named(name: str, value: str) -> None:
    with pytest.raises(QueryError, match=f"^{name}"):
        RecordQuery.from_parameters({name: value})
