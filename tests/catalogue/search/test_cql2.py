"""CQL2: what is refused, what SQL finds, and a plain evaluator that random filters must agree
with.
"""

import doctest
import json
import math
import os
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import cql2 as reader
import pytest
import shapely
from shapely.geometry import box, mapping, shape

from geoguichet.catalogue.errors import QueryError
from geoguichet.catalogue.record import Concept, Contact, Extent, Record, Theme, Time
from geoguichet.catalogue.search import cql2, cql2_sql
from geoguichet.catalogue.search.cql2 import parse_filter
from geoguichet.catalogue.search.query import RecordQuery
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE

FILTERS = int(os.environ.get("GEOGUICHET_FILTERS", "1500"))
"""Random filters compared with the evaluator; `make check-api` asks for 20 000."""


@pytest.mark.parametrize("module", [cql2, cql2_sql])
def test_docstrings_are_true(module) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title LIKE 'Forêts%'", {"forets"}),
        ("title LIKE 'forêts%'", set()),
        ("CASEI(title) LIKE CASEI('FORÊTS%')", {"forets"}),
        ("ACCENTI(CASEI(title)) LIKE ACCENTI(CASEI('forets publiques de l''ariege'))", {"forets"}),
        (r"title LIKE 'Forêts publiques de l\'Ariège'", {"forets"}),
        (
            "type = 'study' OR type = 'dataset' AND title = 'Guichets de l''État'",
            {"etude", "guichets"},
        ),
        ("license IS NULL", {"guichets", "etude"}),
        ("NOT license = 'etalab-2.0'", set()),
        ("type IN ('study', 'service')", {"etude"}),
        ("updated BETWEEN '2024-01-01' AND '2025-01-01'", {"forets", "guichets"}),
        ("updated = DATE('2024-03-01')", {"forets"}),
        ("updated > TIMESTAMP('2024-03-01T08:00:00Z')", {"guichets", "etude"}),
        ("T_INTERSECTS(time, INTERVAL('2022-01-01', '..'))", {"forets"}),
        ("T_DURING(time, INTERVAL('2021-01-01', '2022-01-01'))", {"guichets"}),
        ("T_AFTER(updated, time)", {"guichets"}),
        ("S_WITHIN(geometry, BBOX(0, 42, 3, 44))", {"forets"}),
        ("S_INTERSECTS(geometry, POINT(3 45))", {"guichets"}),
        ("NOT S_INTERSECTS(geometry, POINT(3 45))", {"forets"}),
        ("S_DISJOINT(geometry, POINT(100 45))", {"forets", "guichets"}),
        ("geometry IS NULL", {"etude"}),
        ("east - west < 2", {"forets"}),
        ("(north - south) * 10 div 3 = 8", {"guichets"}),
        ("A_CONTAINS(keywords, ('forêt', 'environnement'))", {"forets"}),
        ("A_OVERLAPS(keywords, ('forêt', 'service public'))", {"forets", "guichets"}),
        ("A_CONTAINEDBY(organization, ('DREAL', 'DDT'))", {"forets"}),
        ("A_EQUALS(externalIds, ('fr-123'))", {"forets"}),
        ("TRUE", {"forets", "guichets", "etude"}),
        ("FALSE", set()),
        ("1 / 0 = 1 OR TRUE", {"forets", "guichets", "etude"}),
        ("description LIKE '%1:25_000.'", {"forets"}),
    ],
)
def test_a_filter_finds(
    store: SQLiteStore, forests, counters, study, text: str, expected: set[str]
) -> None:
    store.bulk_upsert([forests, counters, study])
    page = store.search(RecordQuery(filter=parse_filter(text)), viewer=MACHINE)
    assert {record.id for record in page.records} == expected
    assert page.number_matched == len(expected)


def test_a_filter_adds_to_the_other_conditions(
    store: SQLiteStore, forests, counters, study
) -> None:
    store.bulk_upsert([forests, counters, study])
    asked = {
        "q": "foret",
        "filter": "S_INTERSECTS(geometry, BBOX(0, 42, 3, 44))",
        "bbox": "0,42,1,43",
    }
    assert [
        r.id for r in store.search(RecordQuery.from_parameters(asked), viewer=MACHINE).records
    ] == ["forets"]


def test_coordinates_are_those_of_the_reference_system(store: SQLiteStore, forests) -> None:
    store.upsert(forests)
    inside = "S_INTERSECTS(geometry, {})"
    for crs, point in [
        ("", "POINT(1 43)"),
        (cql2.CRS84, "POINT(1 43)"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", "POINT(43 1)"),
        ("http://www.opengis.net/def/crs/EPSG/0/4258", "BBOX(42.9,0.9,43.1,1.1)"),
        ("http://www.opengis.net/def/crs/EPSG/0/2154", "POINT(537000 6212000)"),
        ("http://www.opengis.net/def/crs/EPSG/0/2154", "BBOX(530000,6210000,540000,6220000)"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", "POINT(111319 5311971)"),
    ]:
        asked = parse_filter(inside.format(point), crs=crs)
        assert store.search(RecordQuery(filter=asked), viewer=MACHINE).number_matched == 1, crs
    with pytest.raises(QueryError, match="filter-crs"):
        parse_filter("TRUE", crs="EPSG:9999")


@pytest.mark.parametrize(
    "text",
    [
        "", "title", "title =", "couleur = 'rouge'", "title = 3", "title = updated", "NOT title",
        "f(title) = 1",
        "title LIKE type", "title IN ()", "updated > 'hier'", "updated = DATE('2020-02-31')",
        "S_INTERSECTS(geometry, title)", ("S_INTERSECTS(geometry, "
                                         "BBOX(1,2,3))"), "S_INTERSECTS(geometry)",
        "S_INTERSECTS(geometry, POLYGON((0 0, "
        "1 1)))", "T_DURING(title, time)", ("A_CONTAINS(keywords, "
                                                                                "(1, 2))"),
        "T_AFTER(time, INTERVAL('2021', "
        "'2020'))", "west = 1e400", "keywords = 'eau'", "time > DATE('2020-01-01')",
        "(" * 120 + "TRUE" + ")" * 120, "NOT " * 100 + "TRUE", "NOT " * 30_000 + "TRUE",
        "west = " + "-" * 3000 + "1",
        "west = " + "^".join(["2"] * 200), "(" * 7000, "title = '\x00'", "title = 'x' AND",
        '{"op": "="}', '{"op": "and", "args": [true]}', ('{"op": "in", "args": [{"property": '
                                                        '"type"}, []]}'),
        '{"op": "not", '
        '"args": []}', "{", "{}", '{"op": 3, "args": 4}', '{"op":"not","args":[' * 400,
        '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", '
        '"coordinates": []}]}',
        '{"op": "t_after", "args": [{"property": "time"}, {"interval": ["2020"]}]}',
        '{"op": "=", "args": [{"property": "title"}, {"timestamp": 5}]}',
    ],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(QueryError, match=r"^filter : ") as refusal:
        parse_filter(text)
    assert refusal.value.english.startswith("filter: ")
    assert not re.search(r"attend|reçu|expression trop|au plus", refusal.value.english)


def test_the_languages() -> None:
    as_json = '{"op": "=", "args": [{"property": "type"}, "study"]}'
    assert parse_filter(as_json).condition == parse_filter("type = 'study'").condition
    with pytest.raises(QueryError, match="filter"):
        parse_filter(as_json, lang="cql2-text")
    with pytest.raises(QueryError, match="filter-lang"):
        parse_filter("TRUE", lang="ecql")


# --- a plain evaluator ----------------------------------------------------------------------------
# It reads the JSON form and the record itself, and knows nothing of the tables, of keys or of SQL.
# Missing is None.

Truth = bool | None


def evaluate(node: Any, record: Record) -> Any:
    if isinstance(node, list):
        return [evaluate(item, record) for item in node]
    if not isinstance(node, dict):
        return float(node) if isinstance(node, int) and not isinstance(node, bool) else node
    if "property" in node:
        return PROPERTIES[node["property"]](record)
    if "date" in node or "timestamp" in node:
        return moments(node.get("date") or node["timestamp"])
    if "interval" in node:
        ends = [
            FOREVER if end == ".." else evaluate(end, record)
            for end in map(dated, node["interval"])
        ]
        return None if None in ends else (ends[0][0], ends[1][1])
    if "op" in node:
        return OPERATORS[node["op"].lower()](node["args"], record)
    return box(*node["bbox"]) if "bbox" in node else shape(node)


def dated(end: Any) -> Any:
    return {"date": end} if isinstance(end, str) and end != ".." else end


FOREVER = (datetime.min, datetime.max)


def moments(text: str) -> tuple[datetime, datetime]:
    if "T" in text:
        moment = datetime.fromisoformat(text.replace("Z", ""))
        return moment, moment
    day = date.fromisoformat(text)
    start = datetime(day.year, day.month, day.day)
    return start, start + timedelta(days=1) - timedelta(microseconds=1)


def period(record: Record) -> tuple[datetime, datetime] | None:
    if record.time is None:
        return None
    if record.time.date:
        return moments(record.time.date)
    start, end = record.time.interval
    return (
        FOREVER[0] if start == ".." else moments(start)[0],
        FOREVER[1] if end == ".." else moments(end)[1],
    )


PROPERTIES: dict[str, Callable[[Record], Any]] = {
    "id": lambda r: r.id,
    "type": lambda r: r.type or None,
    "title": lambda r: r.title or None,
    "description": lambda r: r.description or None,
    "license": lambda r: r.license or None,
    "created": lambda r: moments(r.created) if r.created else None,
    "updated": lambda r: moments(r.updated) if r.updated else None,
    "time": period,
    "keywords": lambda r: list(r.keywords) or None,
    "themes": lambda r: [c.id for t in r.themes for c in t.concepts] or None,
    "organization": lambda r: [c.organization for c in r.contacts] or None,
    "geometry": lambda r: shape(r.geometry) if r.geometry else None,
    "west": lambda r: r.extent.west if r.extent else None,
    "north": lambda r: r.extent.north if r.extent else None,
}


def both(function: Callable[[Any, Any], Any]) -> Callable[[list[Any], Record], Any]:
    """An operator of two values that is unknown when one of them is."""

    def operator(arguments: list[Any], record: Record) -> Any:
        left, right = (evaluate(argument, record) for argument in arguments)
        return None if left is None or right is None else function(left, right)

    return operator


def everything(arguments: list[Any], record: Record) -> Truth:
    values = [evaluate(argument, record) for argument in arguments]
    return False if False in values else None if None in values else True


def anything(arguments: list[Any], record: Record) -> Truth:
    values = [evaluate(argument, record) for argument in arguments]
    return True if True in values else None if None in values else False


def opposite(arguments: list[Any], record: Record) -> Truth:
    value = evaluate(arguments[0], record)
    return None if value is None else not value


def comparison(name: str) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if isinstance(left, tuple) or isinstance(right, tuple):  # instants, as long as they last
            left, right = (moments(v) if isinstance(v, str) else v for v in (left, right))
            order = -1 if left[1] < right[0] else 1 if left[0] > right[1] else 0
        else:
            order = (left > right) - (left < right)
        return {
            "=": order == 0,
            "<>": order != 0,
            "<": order < 0,
            "<=": order <= 0,
            ">": order > 0,
            ">=": order >= 0,
        }[name]

    return compare


def between(arguments: list[Any], record: Record) -> Truth:
    low = both(comparison(">="))([arguments[0], arguments[1]], record)
    high = both(comparison("<="))([arguments[0], arguments[2]], record)
    return False if False in (low, high) else None if None in (low, high) else True


def within_list(arguments: list[Any], record: Record) -> Truth:
    return anything([{"op": "=", "args": [arguments[0], item]} for item in arguments[1]], record)


def like(text: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|.", pattern, flags=re.DOTALL)
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(regex, text, flags=re.DOTALL) is not None


def calculation(name: str) -> Callable[[float, float], float | None]:
    def compute(a: float, b: float) -> float | None:
        if name in "/%div" and b == 0:
            return None
        try:
            value = {
                "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b,
                "%": lambda: math.fmod(a, b), "div": lambda: float(int(a / b)),
                "^": lambda: math.pow(a, b),
            }[name]()  # fmt: skip
        except (OverflowError, ValueError):
            return None
        return value if math.isfinite(value) else None

    return compute


def day_of(end: datetime) -> datetime:
    return end if end.microsecond != 999999 else datetime(end.year, end.month, end.day)


STANDS: dict[str, Callable[..., bool]] = {
    "t_after": lambda a1, a2, b1, b2: a1 > b2,
    "t_before": lambda a1, a2, b1, b2: b1 > a2,
    "t_contains": lambda a1, a2, b1, b2: a1 < b1 and b2 < a2,
    "t_disjoint": lambda a1, a2, b1, b2: b1 > a2 or a1 > b2,
    "t_during": lambda a1, a2, b1, b2: b1 < a1 and a2 < b2,
    "t_equals": lambda a1, a2, b1, b2: (a1, a2) == (b1, b2),
    "t_finishedby": lambda a1, a2, b1, b2: a1 < b1 and a2 == b2,
    "t_finishes": lambda a1, a2, b1, b2: b1 < a1 and a2 == b2,
    "t_intersects": lambda a1, a2, b1, b2: not (b1 > a2 or a1 > b2),
    "t_meets": lambda a1, a2, b1, b2: day_of(a2) <= b1 <= a2,
    "t_metby": lambda a1, a2, b1, b2: day_of(b2) <= a1 <= b2,
    "t_overlappedby": lambda a1, a2, b1, b2: b1 < a1 < b2 < a2,
    "t_overlaps": lambda a1, a2, b1, b2: a1 < b1 < a2 < b2,
    "t_startedby": lambda a1, a2, b1, b2: a1 == b1 and b2 < a2,
    "t_starts": lambda a1, a2, b1, b2: a1 == b1 and a2 < b2,
}


OPERATORS: dict[str, Callable[[list[Any], Record], Any]] = {
    "and": everything,
    "or": anything,
    "not": opposite,
    "between": between,
    "in": within_list,
    "like": both(like),
    "isnull": lambda arguments, record: evaluate(arguments[0], record) is None,
    "casei": lambda a, r: (
        None if (v := evaluate(a[0], r)) is None else unicodedata.normalize("NFC", v.casefold())
    ),
    "accenti": lambda a, r: None if (v := evaluate(a[0], r)) is None else unaccented(v),
    **{name: both(comparison(name)) for name in cql2.COMPARISONS},
    **{name: both(calculation(name)) for name in cql2.ARITHMETIC},
    **{name: both(lambda a, b, stands=stands: stands(*a, *b)) for name, stands in STANDS.items()},
    **{name: both(lambda a, b, name=name: bool(getattr(a, name[2:])(b))) for name in cql2.SPATIAL},
    "a_contains": both(lambda a, b: set(a) >= set(b)),
    "a_containedby": both(lambda a, b: set(a) <= set(b)),
    "a_equals": both(lambda a, b: set(a) == set(b)),
    "a_overlaps": both(lambda a, b: bool(set(a) & set(b))),
}


def unaccented(text: str) -> str:
    for ligature, letters in (("œ", "oe"), ("Œ", "OE")):
        text = text.replace(ligature, letters)
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


# --- random records and filters -------------------------------------------------------------------

TITLES = ("Forêt", "forêts", "Cœur d'eau", "100 %", "a_b", "[x]*?", "Été", "ÉTÉ", "eau\\", "")
DAYS = ("2019-12-31", "2020-01-01", "2020-06-30", "2020-07-01", "2021-01-01")
STAMPS = ("2020-01-01T00:00:00Z", "2020-06-30T12:00:00Z", "2020-06-30T23:59:59.999999Z")
TAGS = ("eau", "forêt", "air", "sol")
GRID = (0.0, 1.0, 2.0, 2.5, 4.0)


def some_records(dice: random.Random, count: int) -> list[Record]:
    return [
        Record(
            id=f"r{number}",
            type=dice.choice(("", "dataset", "study")),
            title=dice.choice(TITLES),
            description=dice.choice(TITLES),
            license=dice.choice(("", "other")),
            keywords=tuple(dice.sample(TAGS, dice.randrange(4))),
            themes=(Theme(tuple(Concept(tag) for tag in dice.sample(TAGS, dice.randrange(1, 3)))),)
            if dice.random() < 0.7
            else (),
            contacts=(Contact(organization=dice.choice(TAGS)),) if dice.random() < 0.7 else (),
            created=dice.choice(("", *DAYS, *STAMPS)),
            updated=dice.choice(("", *DAYS, *STAMPS)),
            time=some_time(dice),
            geometry=mapping(some_geometry(dice)) if dice.random() < 0.85 else None,
        )
        for number in range(count)
    ]


def some_time(dice: random.Random) -> Time | None:
    kind = dice.randrange(4)
    if kind == 0:
        return None
    if kind == 1:
        return Time(date=dice.choice(DAYS))
    start, end = sorted(dice.choices((*DAYS, *STAMPS), k=2), key=moments)
    return Time(interval=(dice.choice((start, "..")), dice.choice((end, ".."))))


def some_geometry(dice: random.Random) -> shapely.Geometry:
    x, y = dice.choice(GRID), dice.choice(GRID)
    wide, high = dice.choice((1.0, 2.0, 0.5)), dice.choice((1.0, 2.0))
    kind = dice.randrange(5)
    if kind == 0:
        return shapely.Point(x, y)
    if kind == 1:
        return shapely.LineString([(x, y), (x + wide, y + high)])
    if kind == 2:
        return shapely.Polygon([(x, y), (x + wide, y), (x, y + high)])
    if kind == 3:
        return shapely.MultiPoint([(x, y), (x + wide, y + high)])
    return box(x, y, x + wide, y + high)


def some_filter(dice: random.Random, depth: int) -> Any:
    kind = dice.randrange(12)
    if depth and kind < 5:
        count = 1 if kind == 0 else dice.randrange(2, 4)
        arguments = [some_filter(dice, depth - 1) for _ in range(count)]
        return {"op": "not" if kind == 0 else dice.choice(("and", "or")), "args": arguments}
    return dice.choice(CONDITIONS)(dice)


def call(name: str, *arguments: Any) -> dict[str, Any]:
    return {"op": name, "args": list(arguments)}


def named(name: str) -> dict[str, str]:
    return {"property": name}


def some_text(dice: random.Random) -> Any:
    value = named(dice.choice(("title", "description", "type", "license", "id")))
    value = value if dice.random() < 0.6 else dice.choice(TITLES)
    for name in ("casei", "accenti"):
        value = call(name, value) if dice.random() < 0.2 else value
    return value


def some_number(dice: random.Random, depth: int = 2) -> Any:
    if depth and dice.random() < 0.4:
        names = ("+", "-", "*", "/", "%", "div", "^")
        return call(dice.choice(names), some_number(dice, depth - 1), some_number(dice, depth - 1))
    return (
        named(dice.choice(("west", "north")))
        if dice.random() < 0.5
        else dice.choice((-1.0, 0.0, 0.5, 1.0, 2.0, 3.0))
    )


def some_instant(dice: random.Random) -> Any:
    literals = [{"date": dice.choice(DAYS)}, {"timestamp": dice.choice(STAMPS)}]
    return dice.choice((named("created"), named("updated"), *literals))


def some_period(dice: random.Random) -> Any:
    kind = dice.randrange(4)
    if kind == 0:
        return some_instant(dice)
    if kind == 1:
        start, end = sorted(dice.choices(DAYS, k=2))
        return {"interval": [dice.choice((start, "..")), dice.choice((end, ".."))]}
    return (
        named("time")
        if kind == 2
        else {"interval": [named(dice.choice(("created", "updated"))), ".."]}
    )


def some_array(dice: random.Random) -> Any:
    literal = dice.sample(TAGS, dice.randrange(1, 4))
    return (
        named(dice.choice(("keywords", "themes", "organization")))
        if dice.random() < 0.6
        else literal
    )


def some_place(dice: random.Random) -> Any:
    if dice.random() < 0.6:
        return named("geometry")
    geometry = some_geometry(dice)
    return (
        {"bbox": list(geometry.bounds)}
        if geometry.geom_type == "Polygon" and dice.random() < 0.3
        else mapping(geometry)
    )


def some_pattern(dice: random.Random) -> str:
    return "".join(
        dice.choice(("%", "_", "\\%", "\\_", "e", "For", "ê", "*", "[", "a", "t", "s"))
        for _ in range(4)
    )


def some_null(dice: random.Random) -> Any:
    return call("isNull", named(dice.choice(sorted(PROPERTIES))))


def some_range(dice: random.Random) -> Any:
    kind = dice.choice((some_number, some_instant))
    return call("between", kind(dice), kind(dice), kind(dice))


def some_list(dice: random.Random) -> Any:
    kind = dice.choice((some_text, some_number, some_instant))
    return call("in", kind(dice), [kind(dice) for _ in range(dice.randrange(1, 4))])


CONDITIONS: tuple[Callable[[random.Random], Any], ...] = (
    lambda d: call(d.choice(cql2.COMPARISONS), some_text(d), some_text(d)),
    lambda d: call(d.choice(cql2.COMPARISONS), some_number(d), some_number(d)),
    lambda d: call(d.choice(cql2.COMPARISONS), some_instant(d), some_instant(d)),
    lambda d: call("like", some_text(d), some_pattern(d)),
    lambda d: call(d.choice(cql2.TEMPORAL), some_period(d), some_period(d)),
    lambda d: call(d.choice(cql2.SPATIAL), some_place(d), some_place(d)),
    lambda d: call(d.choice(cql2.ARRAY), some_array(d), some_array(d)),
    some_null,
    some_range,
    some_list,
    lambda d: d.random() < 0.5,
)


def told(node: Any) -> tuple[str, str]:
    """The filter as text where the package's own writer is right about it, as JSON otherwise."""
    document = json.dumps(node)
    try:
        text = reader.parse_json(document).to_text()
        if reader.parse_text(text).to_json() == reader.parse_json(document).to_json():
            return text, "cql2-text"
    except (reader.ParseError, ValueError):
        pass
    return document, "cql2-json"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SQLiteStore, list[Record]]]:
    described = some_records(random.Random(7), 60)
    path: Path = tmp_path_factory.mktemp("cql2") / "catalogue.sqlite"
    with SQLiteStore(path) as store:
        store.bulk_upsert(described)
        yield store, described


@pytest.mark.parametrize("seed", range(10))
def test_random_filters_find_what_the_evaluator_finds(
    many: tuple[SQLiteStore, list[Record]], seed: int
) -> None:
    store, described = many
    dice = random.Random(seed)
    texts = 0
    for _ in range(FILTERS // 10):
        node = some_filter(dice, 3)
        text, lang = told(node)
        texts += lang == "cql2-text"
        expected = {record.id for record in described if evaluate(node, record) is True}
        page = store.search(
            RecordQuery(filter=parse_filter(text, lang=lang), limit=100), viewer=MACHINE
        )
        assert {record["id"] for record in map(json.loads, page.items)} == expected, text
        assert page.number_matched == len(expected)
    assert texts > FILTERS // 30


def test_boxes_that_cross_the_antimeridian(store: SQLiteStore) -> None:
    store.upsert(Record(id="fidji", geometry=Extent(177, -20, -178, -15).as_geometry()))
    for text, found in [("BBOX(179,-18,-179,-17)", 1), ("POINT(0 -17)", 0), ("POINT(-179 -17)", 1)]:
        asked = parse_filter(f"S_INTERSECTS(geometry, {text})")
        assert store.search(RecordQuery(filter=asked), viewer=MACHINE).number_matched == found
