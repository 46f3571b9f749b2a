import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.catalogue.errors import BoundError, RecordError
from geoguichet.catalogue.record import (
    Concept,
    Contact,
    ContactPoint,
    Extent,
    ExternalId,
    Link,
    Record,
    Theme,
    Time,
    bounded,
)
from geoguichet.catalogue.text import EARLIEST, LATEST, instant_keys, interval_keys
from geoguichet.floor.region import Limits

names = st.sampled_from(
    ["title", "href", "rel", "ogc:x", "properties2", "é", "length", "roles", "value", "id"]
)
texts = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(
    st.text("xyzé:", min_size=1, max_size=6).map(lambda name: f"x-{name}"), json_values, max_size=2
)


def described(**members: st.SearchStrategy) -> st.SearchStrategy:
    """An object with any of these members, and some that nobody knows."""
    known = st.fixed_dictionaries({}, optional=members)
    return st.builds(lambda a, b: a | b, known, unknown)


links = st.lists(
    st.builds(
        lambda href, rest: {"href": href} | rest,
        st.text(min_size=1, max_size=9),
        described(rel=texts, type=texts, title=texts, hreflang=texts, length=st.integers(0, 9)),
    ),
    max_size=2,
)
points = st.lists(
    st.builds(
        lambda v, rest: {"value": v} | rest,
        st.text(min_size=1, max_size=9),
        described(roles=st.lists(texts, max_size=2)),
    ),
    max_size=2,
)
# as the standard asks: a contact has a name, its links are about it and say their type
about = st.lists(
    st.builds(
        lambda href, kind, rest: {"href": href, "rel": "about", "type": kind} | rest,
        st.text(min_size=1, max_size=9),
        st.text(min_size=1, max_size=9),
        described(title=texts, hreflang=texts),
    ),
    max_size=2,
)
contacts = st.lists(
    st.builds(
        lambda name, rest: {"name": name} | rest,
        st.text(min_size=1, max_size=9),
        described(
            organization=texts,
            position=texts,
            roles=st.lists(texts, max_size=2),
            emails=points,
            phones=points,
            links=about,
        ),
    ),
    max_size=2,
)
longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
extents = st.builds(
    lambda w, e, s: Extent(w, min(s), e, max(s)),
    longitudes,
    longitudes,
    st.tuples(latitudes, latitudes),
)
times = st.sampled_from(
    [
        None,
        {"date": "2020-02-29"},
        {"timestamp": "2020-02-29T10:00:00Z"},
        {"interval": ["..", "2021"], "resolution": "P1Y"},
    ]
)
names_of_things = st.text(min_size=1, max_size=5)
external_ids = st.lists(
    st.builds(
        lambda value, rest: {"value": value} | rest, names_of_things, described(scheme=texts)
    ),
    max_size=2,
)
themes = st.lists(
    st.builds(
        lambda c, rest: {"concepts": [{"id": c}]} | rest, names_of_things, described(scheme=texts)
    ),
    max_size=2,
)
documents = st.builds(
    lambda identifier, geometry, time, links, properties, rest: {
        "id": identifier, "type": "Feature", "geometry": geometry, "time": time,
        "properties": properties,
    } | ({"links": links} if links is not None else {}) | rest,
    st.text(min_size=1, max_size=9).filter(str.strip),
    st.none() | extents.map(lambda extent: json.loads(json.dumps(extent.as_geometry()))),
    times,
    st.none() | links,
    described(
        type=texts, title=texts | st.none(), description=texts, contacts=contacts,
        keywords=st.lists(texts, max_size=3),
        license=texts, rights=texts, created=texts, updated=texts,
        externalIds=external_ids,
        themes=themes,
    ),
    unknown,
)  # fmt: skip


@given(documents)
def test_a_document_comes_out_as_it_came_in(document: dict) -> None:
    assert Record.from_geojson(document).to_geojson() == document


def test_a_contact_has_a_name_and_links_about_it() -> None:
    mail = ContactPoint("sig@region.example")
    assert Contact(position="Géomaticien", emails=(mail,)).name == "Géomaticien"
    assert Contact(emails=(mail,)).name == "sig@region.example"
    assert Contact(organization="Région", emails=(mail,)).name == ""
    assert Contact(name="A", links=(Link("http://a", rel="service"),)).links == (
        Link("http://a", "about", "text/html"),
    )


def test_an_unknown_licence_is_said_only_with_a_link_to_it() -> None:
    assert Record(id="a", license="other").license == ""
    assert (
        Record(id="a", license="other", links=(Link("http://a", rel="license"),)).license == "other"
    )


@given(documents)
def test_the_digest_ignores_the_order_of_members(document: dict) -> None:
    record = Record.from_geojson(document)
    turned = dict(reversed(document.items())) | {
        "properties": dict(reversed(document["properties"].items()))
    }
    assert Record.from_geojson(turned).digest() == record.digest()
    assert Record.from_geojson(json.loads(record.to_bytes())) == record


def test_fields_are_read(forests: Record) -> None:
    again = Record.from_geojson(json.loads(forests.to_bytes()))
    assert again == forests
    assert again.contacts[0].emails[0].value == "sig@example.org"
    assert again.themes[0].concepts[0].title == "Biologie"
    assert again.extent == Extent(0.8, 42.5, 2.2, 43.3)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": " "}, "id"),
        ({"type": "Record"}, "type"),
        ({"properties": None}, "properties"),
        ({"properties": {"title": 3}}, "title"),
        ({"properties": {"keywords": "eau"}}, "keywords"),
        ({"properties": {"keywords": ["eau", 2]}}, r"keywords\[1\]"),
        ({"properties": {"externalIds": [{"scheme": "s"}]}}, r"externalIds\[0\].*value"),
        ({"links": [{"rel": "item"}]}, r"links\[0\].*href"),
        ({"links": [{"href": "x", "length": 1.5}]}, "length"),
        ({"geometry": {"type": "Cercle", "coordinates": []}}, "geometry.type"),
        ({"geometry": {"type": "Point", "coordinates": ["1", 2]}}, "coordinates"),
        ({"geometry": {"type": "Point", "coordinates": [574000.0, 6279000.0]}}, "WGS 84"),
        ({"geometry": {"type": "Point", "coordinates": [1.0, 92.0]}}, "-90"),
        ({"time": {"date": "2021-02-30"}}, "2021-02-30"),
        ({"time": {"interval": ["2021", "2020"]}}, "début"),
        ({"time": {"interval": ["2021"]}}, "interval"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(forests: Record, change: dict, named: str) -> None:
    with pytest.raises(RecordError, match=named) as refused:
        Record.from_geojson(forests.to_geojson() | change)
    assert "\n" not in str(refused.value)


def test_geometry_gives_its_box() -> None:
    point = {"type": "Point", "coordinates": [1.44, 43.6]}
    assert Extent.from_geometry(point) == Extent(1.44, 43.6, 1.44, 43.6)
    collection = {
        "type": "GeometryCollection",
        "geometries": [point, {"type": "LineString", "coordinates": [[0, 0], [2, 1]]}],
    }
    assert Extent.from_geometry(collection) == Extent(0, 0, 2, 43.6)
    assert Extent.from_geometry({"type": "Polygon", "coordinates": []}) is None


@given(extents)
def test_an_extent_survives_its_geometry(extent: Extent) -> None:
    found = Extent.from_geometry(extent.as_geometry())
    if extent.west > extent.east and (extent.west, extent.east) in ((180.0, -180.0),):
        return
    assert found == extent or (found is not None and set(found.boxes()) >= set(extent.boxes()))


@given(extents, extents)
def test_boxes_meet_both_ways(one: Extent, other: Extent) -> None:
    assert one.intersects(other) == other.intersects(one)
    assert one.intersects(one)


def test_an_extent_has_finite_degrees() -> None:
    with pytest.raises(RecordError):
        Extent(math.nan, 0, 1, 1)


def test_instants_and_intervals_sort_as_text() -> None:
    assert instant_keys("2021") == ("2021-01-01T00:00:00.000000Z", "2021-12-31T23:59:59.999999Z")
    assert instant_keys("2021-06-01T12:00:00+02:00") == ("2021-06-01T10:00:00.000000Z",) * 2
    assert interval_keys("..", "") == (EARLIEST, LATEST)
    assert EARLIEST < instant_keys("0001")[0] < instant_keys("9999")[1] < LATEST
    assert Time().bounds() is None
    for wrong in (
        "bogus",
        "2021-13",
        "2009-00",
        "2009-00-00",
        "2009-01-00",
        "2021-06-01T12:00:00",
        "0000",
        "20210601T120000Z",
        "0001-01-01T00:00:00+23:00",
    ):
        with pytest.raises(RecordError):
            instant_keys(wrong)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_coordinate_that_json_cannot_hold_is_refused(number: float) -> None:
    with pytest.raises(RecordError, match="nombres finis"):
        Record(id="x", geometry={"type": "Point", "coordinates": [number, 43.6]})


def test_what_points_nowhere_is_not_written() -> None:
    """A record made by a reader of another format may hold such things; what is written must be
    readable.
    """
    nowhere = Record(
        id="x",
        links=(Link("", "about"), Link("https://example.org")),
        external_ids=(ExternalId("", "siren"),),
        contacts=(Contact(name="Anne", emails=(ContactPoint(""),)),),
        themes=(Theme((Concept(""), Concept("eau"))),),
    )
    again = Record.from_geojson(json.loads(nowhere.to_bytes()))
    assert [link.href for link in again.links] == ["https://example.org"]
    assert again.external_ids == () and again.themes[0].concepts == (Concept("eau"),)
    assert Record.from_geojson(json.loads(again.to_bytes())) == again


def nested(levels: int) -> Any:
    held: Any = "fond"
    for _ in range(levels):
        held = [held]
    return held


SMALL = Limits(record_bytes=5_000, text_length=1_000, items=50, depth=12)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"description": "é" * 1_001}, "properties.description : texte de 1 001 caractères, 1 000"),
        ({"extra_properties": {"x": [{"y": "z" * 2_000}]}}, "properties.x[0].y : texte"),
        ({"keywords": ("a",) * 51}, "properties.keywords : liste de 51 éléments, 50"),
        ({"links": (Link("a"),) * 51}, "links : liste de 51"),
        ({"extra_properties": {"x": nested(20)}}, "properties.x[0][0]"),
        ({"extra_properties": {str(n): "z" * 900 for n in range(6)}}, "fiche de 6 "),
    ],
)
def test_a_record_is_bounded(forests: Record, change: dict[str, Any], told: str) -> None:
    record = replace(forests, **change)
    with pytest.raises(BoundError) as refused:
        bounded(record, SMALL)
    assert told in str(refused.value).replace("\u202f", " ").replace("\xa0", " ")
    assert bounded(record, Limits()) == record.to_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": "a\x0bb"}, "properties.title : le caractère U+000B"),
        ({"description": "\ud800"}, "properties.description : le caractère U+D800"),
        ({"keywords": ("a", "\ufffe")}, "properties.keywords[1] : le caractère U+FFFE"),
        ({"extra": {"x": {"\x00": 1}}}, "le caractère U+0000"),
        ({"extra_properties": {"x": math.nan}}, "des nombres finis"),
    ],
)
def test_what_no_form_but_json_can_hold_is_refused(
    forests: Record, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(RecordError, match=r"fiche|caractère") as refused:
        bounded(replace(forests, **change), Limits())
    assert told in str(refused.value) and not isinstance(refused.value, BoundError)


def test_what_only_looks_like_it_is_taken(forests: Record) -> None:
    """A path of Windows in JSON has what looks like a control character; coordinates are a list."""
    line = {"type": "MultiPoint", "coordinates": [[1.0, 43.0]] * 60}
    record = replace(forests, rights="C:\\base\\u0000 \t\n", geometry=line)
    assert bounded(record, SMALL) == record.to_bytes()
