"""One document of each format, made by hand: what is read in it, and that every format that is
registered is reached.
"""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from geoguichet.catalogue.errors import FormatError, RecordError
from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.iso import profile
from geoguichet.catalogue.formats.mapping import JsonPart, shaped
from geoguichet.catalogue.formats.registry import WRITERS
from geoguichet.catalogue.formats.xml import XmlPart, parse
from geoguichet.catalogue.quality.judging import check
from geoguichet.catalogue.record import Contact, Link, Record, Time, bounded
from geoguichet.cli import main
from geoguichet.floor.region import Limits
from geoguichet.portal.api.records import ENCODINGS

SAMPLES = Path(__file__).parent / "samples"
EXPECTED: dict[str, list[Any]] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_document_of_each_format_says_what_it_should(name: str) -> None:
    answer = registry.read_document((SAMPLES / name).read_bytes())
    assert not answer.findings
    assert [record.to_geojson() for record in answer.records] == EXPECTED[name]
    form = name.partition(".")[0].removesuffix("-dif")
    assert {item.format for item in answer.described} == {form}


def test_each_part_of_a_document_is_given_back_and_read_again() -> None:
    for name in EXPECTED:
        document = (SAMPLES / name).read_bytes()
        for item in registry.read_document(document).described:
            assert (
                item.source == document
                or item.record in registry.read_document(item.source).records
            )


def test_whatever_is_registered_is_reached(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Every format that is read by `catalogue import`, and every one that is written by `catalogue
    export` and by the portal.
    """
    read = {name for name, form in registry.FORMATS.items() if form.syntax}
    sampled = {name.partition(".")[0].removesuffix("-dif") for name in EXPECTED}
    assert read == sampled, "a format that is read needs a document in tests"
    main(["catalogue", "import", str(SAMPLES / "ckan.json"), "--workspace", str(tmp_path)])
    for form, written in registry.WRITERS.items():
        capfdbinary.readouterr()
        asked = ["catalogue", "export", "p1", "--format", form, "--workspace", str(tmp_path)]
        assert main(asked) == 0
        assert b"Mairies" in capfdbinary.readouterr().out
        served = {"geojson": "json", "schema-org": "jsonld"}.get(form)
        assert served or ENCODINGS[form] == (written.media, written.label)
    assert set(registry.FORMATS) == read | {
        name for name, form in registry.FORMATS.items() if form.written
    }


def test_what_is_not_written_is_refused_with_what_is() -> None:
    with pytest.raises(FormatError, match=r"udata.*iso19139.*csv"):
        registry.rewrite(Record(id="a"), "udata", b"")


NOTHING = ("", 0, -1, True, None, [], {}, "texte", [["a"], {}], {"fr": "x"}, "2020-01-01", 3.5)
VALUES = [name for name in EXPECTED if name.endswith((".json", ".yml"))]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and item of a document: what holds it, and its name or number there."""
    for key in range(len(value)) if isinstance(value, list) else value:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@pytest.mark.parametrize("name", VALUES)
def test_no_shape_of_a_document_stops_a_reading(name: str) -> None:
    """A value of a kind that nobody expects is read around, or told in a finding."""
    told = yaml.safe_load((SAMPLES / name).read_bytes())  # JSON is YAML
    for seed in range(300):
        chance, document = random.Random(seed), deepcopy(told)
        for _ in range(3):
            holder, key = chance.choice(list(places(document)))
            holder[key] = deepcopy(chance.choice(NOTHING))
        written = yaml.safe_dump(document) if name.endswith(".yml") else json.dumps(document)
        answer = registry.read_document(written.encode())
        assert answer.described or answer.findings
        for record in answer.records:
            assert Record.from_geojson(json.loads(record.to_bytes())) == record, seed


def test_the_paths_of_a_mapping() -> None:
    document = {
        "a": [{"b": "1", "kind": "x"}, {"b": ["2", "3"], "kind": "y"}, "4"],
        "title": {"en": "Town", "fr": " Ville "},
        "zero": 0,
        "blank": "",
    }
    part = JsonPart(document)
    assert part.texts("a.b") == ["1", "2", "3"]
    assert part.texts("a[kind=x z].b") == ["1"] and part.texts("a[kind!=x].b") == ["2", "3"]
    assert part.texts("a[kind^=y].b") == ["2", "3"] and part.texts("a[kind=].b") == []
    assert part.texts("blank, title + zero") == ["Ville", "0"]
    assert part.texts("title.*") == ["Town", "Ville"] and part.texts("title.b.c") == []
    assert [held.text("@") for held in JsonPart({"o": {"one": {"p": 1}}}).at("o.*")] == ["one"]
    element = XmlPart(parse(b'<r><a n="1"> x </a><a n="2">y</a><b><c/></b></r>'))
    assert element.texts("a") == ["x", "y"] and element.texts("a/@n") == ["1", "2"]
    assert element.texts("a[@n=2]") == ["y"] and element.texts("b/c, */@n") == ["1", "2"]


ODD_SHAPES: dict[str, Any] = {
    "dates": ["2020", {"type": "creation"}, {"date": "2021-02-01", "type": "revision"}],
    "formats": "CSV",
    "language": "fr",
    "crs": {"code": 2154},
    "lineage": True,
    "resolution": [{"scale": 0}, {"unit": "m"}, {"distance": 5, "unit": "m"}],
    "maintenance": ["annually"],
    "ailleurs": {"a": [1]},
}


def test_what_has_not_the_shape_of_a_member_is_kept_and_written_nowhere_else() -> None:
    record = Record(
        id="a",
        title="Un jeu",
        links=(Link("https://example.org/a", extra={"protocol": 3, "function": "download"}),),
        contacts=(
            Contact(
                name="Anne",
                links=(
                    Link("https://example.org/b", extra={"protocol": [2], "function": "search"}),
                ),
                extra={"addresses": [{"city": 3.5}, {"city": "Foix"}]},
            ),
        ),
        time=Time(date="2020", extra={"periods": [["2020"], ["2020", "2021"]]}),
        extra_properties=ODD_SHAPES,
    )
    plain = shaped(record)
    assert plain.extra_properties == {
        "dates": [{"date": "2021-02-01", "type": "revision"}],
        "resolution": [{"distance": 5, "unit": "m"}],
        "ailleurs": {"a": [1]},
    }
    assert plain.links[0].extra == {"function": "download"}
    assert plain.contacts[0].extra == {"addresses": [{}, {"city": "Foix"}]}
    assert plain.contacts[0].links[0].extra == {"function": "search"}
    assert plain.time is not None and plain.time.periods() == [("2020", "2021")]
    assert Record.from_geojson(json.loads(WRITERS["geojson"].write(record))) == record
    for form in WRITERS:
        assert WRITERS[form].write(record, source=b"", base="")
    assert check(record).findings
    whole = registry.read_document((SAMPLES / "iso19139.xml").read_bytes()).records[0]
    assert shaped(whole) == whole


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "MultiPolygon", "coordinates": [[[[0, 42], [1, 42], [1, 43], [0, 42]]], []]},
        {"type": "MultiPolygon", "coordinates": [[[[0, 42], [1, 42], [1, 43], [0, 42]], []]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": []}]},
        {"type": "LineString", "coordinates": []},
    ],
    ids=["part", "ring", "collection", "line"],
)
def test_a_geometry_with_an_empty_part_is_written_in_every_form(geometry: dict[str, Any]) -> None:
    record = Record(id="a", title="Un jeu", type="dataset", geometry=geometry)
    for form in WRITERS:
        assert WRITERS[form].write(record, source=b"", base="")


def test_a_noun_with_an_odd_member_is_refused_or_written_in_every_form(
    metadata: Path,
    odd_nouns: Callable[[list[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]],
) -> None:
    """Contacts' links, concepts, parts of geometries: each kind of noun that records hold."""
    files = sorted(file for file in metadata.rglob("*") if file.is_file())
    items = [one for file in files for one in registry.read_document(file.read_bytes()).described]
    refused = written = 0
    for at, document in odd_nouns([item.record.to_geojson() for item in items]):
        try:
            record = Record.from_geojson(document)
            bounded(record, Limits())
        except RecordError:
            refused += 1
            continue
        for name, form in WRITERS.items():
            source = items[at].source if items[at].format == name else b""
            assert form.write(record, source=source, base="https://a.fr/"), (name, document)
            if form.together:
                page = {"title": "T", "publisher": "P", "base": "https://a.fr/"}
                assert form.together([record], address="https://a.fr/a", **page), (name, document)
        assert profile.profiled(WRITERS["iso19139"].write(record), record)
        written += check(record) is not None
    assert refused and written
