"""The JSON schema of OGC API Records, restated: each rule tells where a document does not keep
it.
"""

from typing import Any

import pytest

from geoguichet.catalogue.quality.judging import RULES, check
from geoguichet.catalogue.quality.rules.use import SCHEMA
from geoguichet.catalogue.record import Record

GOOD: dict[str, Any] = {
    "id": "a",
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [1.0, 43.0]},
    "time": {"interval": ["2020-01-01", ".."]},
    "links": [{"href": "https://example.org/", "rel": "about", "type": "text/html; charset=utf-8"}],
    "properties": {
        "type": "dataset", "title": "Un jeu", "keywords": ["a", "b"], "language": {"code": "fr"},
        "themes": [{"concepts": [{"id": "c"}], "scheme": "https://example.org/v"}],
        "contacts": [{"name": "Anne", "roles": ["pointOfContact"],
        "emails": [{"value": "a@example.org"}]}],
        "formats": [{"name": "CSV"}], "externalIds": [{"value": "x"}],
    },
}  # fmt: skip


def faults(document: dict[str, Any]) -> dict[str, list[str]]:
    found = {name: [fault.path for fault in rule(document)] for name, rule in SCHEMA.items()}
    return {name: paths for name, paths in found.items() if paths}


def test_a_document_that_keeps_the_schema_has_no_fault(full_record: Record) -> None:
    assert faults(GOOD) == {}
    assert faults({**GOOD, "geometry": None, "time": None}) == {}
    assert not [
        found
        for found in check(Record.from_geojson(GOOD)).findings
        if found.rule.startswith("ogc-")
    ]
    assert faults(full_record.to_geojson()) == {}


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        ({"type": "Record"}, "ogc-core", "type"),
        ({"id": 3}, "ogc-core", "id"),
        ({"geometry": {"type": "Circle"}}, "ogc-geometry", "geometry.type"),
        ({"geometry": {"type": "Point", "coordinates": [570000, 6270000]}}, "ogc-geometry",
        "geometry.coordinates"),
        ({"geometry": {"type": "GeometryCollection", "geometries": [{"type": "x"}]}},
        "ogc-geometry",
         "geometry.geometries[0].type"),
        ({"time": {"date": "2020"}}, "ogc-time", "time.date"),
        ({"time": {"timestamp": "2020-01-01T00:00:00+02:00"}}, "ogc-time", "time.timestamp"),
        ({"time": {"interval": ["2020-00-01", ".."]}}, "ogc-time", "time.interval[0]"),
        ({"time": {"interval": [".."]}}, "ogc-time", "time.interval"),
        ({"links": [{"href": "https://example.org/"}]}, "ogc-link-members", "links[0].rel"),
        ({"links": [{"href": "a/b", "rel": "x", "type": "page web"}]}, "ogc-link-members",
        "links[0].type"),
    ],
)  # fmt: skip
def test_a_member_is_told(change: dict[str, Any], rule: str, path: str) -> None:
    assert faults({**GOOD, **change}) == {rule: [path]}


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        ({"title": 3}, "ogc-core", "properties.title"),
        ({"type": None}, "ogc-core", "properties.type"),
        ({"keywords": ["a", "a"]}, "ogc-keywords", "properties.keywords[1]"),
        ({"keywords": [1]}, "ogc-keywords", "properties.keywords[0]"),
        ({"keywords": "a"}, "ogc-keywords", "properties.keywords"),
        ({"themes": [{"concepts": [{"id": "c"}]}]}, "ogc-themes", "properties.themes[0].scheme"),
        ({"themes": [{"concepts": [], "scheme": "s"}]}, "ogc-themes",
        "properties.themes[0].concepts"),
        ({"themes": [{"concepts": [{}], "scheme": "s"}]}, "ogc-themes",
        "properties.themes[0].concepts[0].id"),
        ({"contacts": [{"roles": ["a"]}]}, "ogc-contacts", "properties.contacts[0]"),
        ({"contacts": [{"name": "Anne"}]}, "ogc-contacts", "properties.contacts[0].roles"),
        ({"contacts": [{"name": "A", "roles": ["a"], "phones": [{}]}]}, "ogc-contacts",
         "properties.contacts[0].phones[0].value"),
        ({"contacts": [{"name": "A", "roles": ["a"], "phones": [{"value": "05 61 00 00 00"}]}]},
        "ogc-contacts",
         "properties.contacts[0].phones[0].value"),
        ({"formats": [{}]}, "ogc-formats", "properties.formats[0]"),
        ({"externalIds": [{"scheme": "s"}]}, "ogc-identifiers", "properties.externalIds[0].value"),
        ({"language": "fr"}, "ogc-identifiers", "properties.language.code"),
    ],
)  # fmt: skip
def test_a_property_is_told(change: dict[str, Any], rule: str, path: str) -> None:
    assert faults({**GOOD, "properties": {**GOOD["properties"], **change}}) == {rule: [path]}


def test_a_finding_says_where_why_and_how_to_mend_it() -> None:
    document = {
        **GOOD,
        "properties": {**GOOD["properties"], "themes": [{"concepts": [{"id": "c"}]}]},
    }
    (finding,) = [
        item for item in check(Record.from_geojson(document)).findings if item.rule == "ogc-themes"
    ]
    assert (
        finding.where == "properties.themes[0].scheme"
        and "20-004r1" in str(finding.why)
        and finding.remedy
    )
    assert set(SCHEMA) <= {rule.name for rule in RULES}
