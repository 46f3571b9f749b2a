"""What requests of CSW ask, as questions to the catalogue; whatever is sent, an answer or a refusal."""

import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from geoguichet.catalogue.formats import csw
from geoguichet.catalogue.formats.csw import CswError
from geoguichet.catalogue.record import Record
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE


def asked(condition: str) -> RecordQuery:
    body = f"<GetRecords><Query><Constraint><Filter>{condition}</Filter></Constraint></Query>"
    return csw.query_of(csw.of_body(f"{body}</GetRecords>".encode()), 10, 0)


def told(condition: str) -> str:
    found = asked(condition).filter
    assert found is not None
    return found.text


def like(literal: str, signs: str = 'wildCard="*" singleChar="#" escapeChar="!"') -> str:
    return (f"<PropertyIsLike {signs}><PropertyName>dc:title</PropertyName><Literal>{literal}"
            "</Literal></PropertyIsLike>")  # fmt: skip


@pytest.mark.parametrize(
    ("literal", "pattern"),
    [
        ("eau*", "eau%"),
        ("p#u", "p_u"),
        ("100%_*", r"100\\%\\_%"),
        ("a!*b*", "a*b%"),
        ("a!!*", "a!%"),
        ("a!", "a!"),
    ],
)
def test_a_pattern_keeps_the_signs_of_its_own(literal: str, pattern: str) -> None:
    assert f'"{pattern}"' in told(like(literal))


def test_a_search_of_anything_asks_for_all() -> None:
    query = asked(like("*").replace("dc:title", "AnyText"))
    assert (query.q, query.filter) == ("", None)


def test_words_that_all_records_must_meet_are_asked_of_the_index() -> None:
    words = like("*zones humides*").replace("dc:title", "csw:AnyText")
    assert (asked(words).q, asked(words).filter) == ("zones humides", None)
    query = asked(f"<And>{words}{like('Jeu*')}</And>")
    assert query.q == "zones humides" and query.filter is not None
    assert asked(f"<Or>{words}{like('Jeu*')}</Or>").q == ""


@pytest.mark.parametrize(
    ("system", "west"),
    [
        ("", 1.0),
        ("EPSG:4326", 1.0),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", 1.0),
        ("urn:ogc:def:crs:EPSG::4326", 43.0),
        ("urn:x-ogc:def:crs:EPSG:6.9:4326", 43.0),
        ("http://www.opengis.net/def/crs/EPSG/0/4258", 43.0),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 1.0),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", 1.0),
    ],
)
def test_the_axes_of_a_box_are_those_of_its_system(system: str, west: float) -> None:
    box = f"<Envelope srsName='{system}'><lowerCorner>1 43</lowerCorner><upperCorner>2 44"
    text = told(f"<BBOX><PropertyName>geometry</PropertyName>{box}</upperCorner></Envelope></BBOX>")
    assert f'"bbox": [{west}' in text


def test_the_address_and_the_body_ask_the_same() -> None:
    body = csw.of_body(
        b"<GetRecords maxRecords='5' outputSchema='x'><Query typeNames='csw:Record'>"
        b"<ElementSetName>full</ElementSetName><Constraint><CqlText>dc:title = 'a'</CqlText>"
        b"</Constraint><SortBy><SortProperty><PropertyName>dc:title</PropertyName>"
        b"<SortOrder>DESC</SortOrder></SortProperty></SortBy></Query></GetRecords>"
    )
    address = csw.of_address(
        {
            "SERVICE": "CSW", "Request": "GetRecords", "MAXRECORDS": "5", "outputschema": "x",
            "TypeNames": "csw:Record", "ElementSetName": "full", "sortby": "dc:title:D",
            "constraint": "dc:title = 'a'", "CONSTRAINTLANGUAGE": "CQL_TEXT",
        }
    )  # fmt: skip
    for name in ("maxrecords", "outputschema", "typenames", "elementsetname", "cql"):
        assert body.given[name] == address.given[name]
    assert (body.operation, body.sort) == (address.operation, address.sort)
    assert csw.query_of(body, 5, 0) == csw.query_of(address, 5, 0)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("dc:title = 'dc:type'", "'dc:type'"),
        ("dc:title = 'anytext like ' AND dc:type = 'x'", "'anytext like '"),
        ("dc:title = 'bbox(a, 1, 2, 3, 4)'", "'bbox(a, 1, 2, 3, 4)'"),
        ("dc:title = 'l''eau or csw:AnyText = ''a'''", "'l''eau or csw:AnyText = ''a'''"),
        ("AnyText like '%eau%' AND dc:title = 'vert or not'", "'vert or not'"),
    ],
)
def test_what_a_text_of_cql_quotes_is_left_as_it_is(told: str, kept: str) -> None:
    query = csw.query_of(csw.Asked("GetRecords", {"cql": told}), 10, 0)
    assert query.filter is not None and kept in query.filter.text
    assert query.q == ("eau" if told.startswith("AnyText") else "")


def test_a_search_of_a_whole_book_and_a_list_without_end_are_refused() -> None:
    with pytest.raises(CswError, match="au plus"):
        asked(like(f"*{'mot ' * 3000}*").replace("dc:title", "AnyText"))
    names = csw.Asked("GetDomain", {"propertyname": ",".join(map(str, range(99)))})
    with pytest.raises(CswError, match="99"):
        names.names("PropertyName", 20)
    assert csw.Asked("GetDomain", {"propertyname": "a,a,,b"}).names("PropertyName", 2) == ["a", "b"]


@pytest.mark.parametrize("operator", ["=", "<>"])
@pytest.mark.parametrize("name", ["type", "dc:type", '"apiso:type"', "Type"])
def test_a_text_and_a_filter_ask_the_same_of_what_a_dataset_is(
    operator: str, name: str, tmp_path: Path
) -> None:
    """Whatever is of no other level of ISO 19139: a study, what tells no type."""
    element = {"=": "PropertyIsEqualTo", "<>": "PropertyIsNotEqualTo"}[operator]
    literal = "<Literal>dataset</Literal>"
    queries = (
        asked(f"<{element}><PropertyName>dc:type</PropertyName>{literal}</{element}>"),
        csw.query_of(csw.Asked("GetRecords", {"cql": f"{name} {operator} 'dataset'"}), 10, 0),
    )
    kinds = ("", "application", "dataset", "series", "service", "study")
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.bulk_upsert(Record(id=kind or "none", title="A", type=kind) for kind in kinds)
        for query in queries:
            found = [record.id for record in store.search(query, viewer=MACHINE).records]
            datasets = ["application", "dataset", "none", "study"]
            assert found == (datasets if operator == "=" else ["series", "service"])


def test_a_shape_that_is_no_box_is_refused_by_what_is_expected() -> None:
    with pytest.raises(CswError, match="gml:Envelope"):
        asked("<Intersects><PropertyName>geometry</PropertyName><Polygon/></Intersects>")


NAMES = ("dc:title", "AnyText", "dc:subject", "dct:modified", "geometry", "BoundingBox", "x", "")
LITERALS = ("%", "eau%", "2020", "2020-02-31", "", "'", "a,b", "\\", "é" * 50, "1e999", "3")
OPERATORS = (
    *csw.COMPARISONS,
    *csw.LIKE_THINGS,
    *csw.SPATIAL,
    "And",
    "Or",
    "Not",
    "Filter",
    "FeatureId",
)
TEXTS = (
    "AnyText like '%a%'", "dc:title = 'a'", " and ", " or ", "(", ")", "bbox(x,1,2,3,4)", "BBOX(",
    "dc:nothing", "''", "é", "apiso:modified > DATE('2020-01-01')", "not ", "\x00", "1", "csw:",
)  # fmt: skip


def tree(chance: random.Random, depth: int) -> str:
    operator = chance.choice(OPERATORS)
    inside = [f"<PropertyName>{chance.choice(NAMES)}</PropertyName>"] * chance.choice((1, 1, 1, 0))
    inside += [f"<Literal>{chance.choice(LITERALS)}</Literal>"] * chance.choice((1, 1, 1, 0, 2))
    if operator in csw.SPATIAL and chance.random() < 0.8:
        corners = " ".join(chance.choices(("1", "43", "-200", "4e999", "x"), k=4))
        inside = [f"<Envelope><lowerCorner>{corners}</lowerCorner></Envelope>"]
    if operator in ("And", "Or", "Not", "Filter") and depth:
        inside = [tree(chance, depth - 1) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    return f"<{operator}>{''.join(inside)}</{operator}>"


def test_whatever_is_sent_is_a_question_or_a_refusal() -> None:
    chance, outcomes = random.Random(14), Counter[str]()
    for depth in range(3000):
        given = "".join(chance.choices(TEXTS, k=chance.randrange(1, 6)))
        address = {"service": "CSW", "request": "GetRecords", "constraint": given}
        for kind, ask in (
            ("tree", partial(asked, tree(chance, depth % 4))),
            ("text", lambda address=address: csw.query_of(csw.of_address(address), 1, 0)),
        ):
            try:
                ask()
                outcomes[kind] += 1
            except CswError as error:
                assert str(error)
                outcomes["refused"] += 1
    assert min(outcomes["tree"], outcomes["text"]) > 150 and outcomes["refused"] > 1000


@pytest.mark.parametrize("unit", ["a", "a:", "csw:", "anytext", "anytext ", "'", "bbox(a,", "a="])
def test_a_long_text_of_cql_is_refused_at_once(unit: str) -> None:
    long = csw.Asked("GetRecords", {"cql": (unit * 300_000)[:300_000]})
    started = time.perf_counter()
    with pytest.raises(CswError):
        csw.query_of(long, 1, 0)
    assert time.perf_counter() - started < 5  # minutes, if each letter is where a name may begin
