"""What is noticed in a record, how it is scored, and which links are dead."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from geoguichet.catalogue import formats
from geoguichet.catalogue.harvest.http import Client
from geoguichet.catalogue.links import dead_links
from geoguichet.catalogue.mapping import INSPIRE_THEME, TOPIC_CATEGORY, with_members
from geoguichet.catalogue.record import Concept, Contact, ContactPoint, Extent, ExternalId, Link, Record, Theme, Time
from geoguichet.catalogue.validate import RULES, Context, check, organisation_of, totals


@pytest.fixture
def good(full_record: Record) -> Record:
    """A record with nothing to say about."""
    mail = (ContactPoint("sig@example.org"),)
    record = with_members(
        full_record,
        type="dataset",
        contacts=(
            Contact(organization="DREAL", roles=("publisher",), emails=mail),
            Contact(organization="DREAL", roles=("pointOfContact",), emails=mail, extra={"about": "metadata"}),
        ),
        themes=(
            Theme((Concept(f"{INSPIRE_THEME}/lc", "Occupation des terres"),), INSPIRE_THEME),
            Theme((Concept("biota"),), TOPIC_CATEGORY),
        ),
        formats=[{"name": "GeoPackage", "version": "1.3"}],
        constraints=[{"kind": "legal", "access": ["otherRestrictions"], "other": [{"text": "Pas de restriction"}]}],
        dates=[{"date": "2026-02-01", "type": "revision"}],
        externalIds=(ExternalId("forets-09"),),
    )
    assert check(record, context=Context(today="2026-06-01")).findings == ()
    return record


def rules_of(record: Record, **context: object) -> set[str]:
    return {finding.rule for finding in check(record, context=Context(**{"today": "2026-06-01", **context})).findings}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "members"),
    [
        ("title", {"title": ""}),
        ("title-readable", {"title": "N_ZONE_REG_PPRN_S_007"}),
        ("placeholder", {"description": "-- Courte description narrative du contenu de la ressource --"}),
        ("abstract", {"description": ""}),
        ("abstract-long", {"description": "Forêts."}),
        ("topic-category", {"themes": ()}),
        ("inspire-theme", {"themes": (Theme((Concept("x", "Marmottes"),), INSPIRE_THEME),), "keywords": ("x",)}),
        ("extent", {"geometry": None}),
        ("extent-plausible", {"geometry": Extent(-180, -90, 180, 90).as_geometry()}),
        ("date", {"dates": []}),
        ("dates-order", {"dates": [{"date": "2027-01-01", "type": "revision"}]}),
        (
            "dates-order",
            {"dates": [{"date": "2026-01-02", "type": "creation"}, {"date": "2026-01-01", "type": "revision"}]},
        ),
        ("dates-order", {"time": Time(interval=("2019-01-01", "2020-01-01"), extra={"reversed": True})}),
        ("lineage", {"lineage": ""}),
        ("conformity", {"conformity": []}),
        ("licence", {"license": "other"}),
        ("responsible", {"contacts": ()}),
        (
            "responsible",
            {"contacts": (Contact(organization="DREAL", roles=("owner",), emails=(ContactPoint("sig"),)),)},
        ),
        ("crs", {"crs": ["EPSG:999999"]}),
        ("location", {"links": ()}),
        ("ogc-links", {"links": (Link("voir le site", "related"),)}),
        ("freshness", {"dates": [{"date": "2019-01-01", "type": "revision"}]}),
        (
            "unreadable",
            {"unreadable": [{"member": "time", "path": "/a", "line": 12, "text": "hier", "reason": "pas une date"}]},
        ),
        ("service-type", {"type": "service"}),
    ],
)
def test_a_rule_sees_what_it_is_for(rule: str, members: dict[str, object], good: Record) -> None:
    spoiled = with_members(good, **members)
    findings = [
        finding for finding in check(spoiled, context=Context(today="2026-06-01")).findings if finding.rule == rule
    ]
    assert findings and all(f.message and f.where and f.why and f.remedy and f.item == good.id for f in findings)


def test_the_extent_is_compared_with_the_place_that_the_title_names(good: Record) -> None:
    places = {"ariege": Extent(0.8, 42.5, 2.2, 43.3), "tarn": Extent(1.5, 43.4, 2.9, 44.2)}
    assert "extent-place" not in rules_of(good, places=places)
    assert "extent-place" in rules_of(replace(good, title="Forêts du Tarn"), places=places)


def test_a_score_is_an_explained_sum(good: Record) -> None:
    whole = check(good, context=Context(today="2026-06-01")).score
    assert whole.value == 100 and sum(possible for _, _, possible in whole.parts) == sum(
        given for _, given, _ in whole.parts
    )
    poor = check(Record(id="vide"), context=Context(today="2026-06-01")).score
    lost = [(rule, possible) for rule, given, possible in poor.parts if not given]
    assert poor.value < 30 and ("title", 10) in lost


def test_totals_are_by_group(good: Record) -> None:
    rows = totals((organisation_of(record), check(record)) for record in (good, Record(id="a"), Record(id="b")))
    assert [(row["group"], row["records"]) for row in rows] == [("", 2), ("DREAL", 1)]


def test_every_real_record_is_judged(shared_data: Path) -> None:
    scores = []
    for name in ("iso19139", "iso19115-3"):
        for file in sorted((shared_data / "metadata" / name).glob("*.xml")):
            for record in formats.read(file.read_bytes()).records:
                checked = check(record)
                scores.append(checked.score.value)
                assert all(finding.where and finding.message for finding in checked.findings)
    assert min(scores) > 0 and max(scores) > 90


def test_rules_have_distinct_names() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 404 if self.path == "/absent" else 200
            kind = "text/html" if self.path == "/page.zip" else "application/zip"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_dead_links_say_why(site: str) -> None:
    hrefs = {
        f"{site}/bon.zip": "enclosure",
        f"{site}/absent": "enclosure",
        f"{site}/page.zip": "enclosure",
        f"{site}/wfs": "service",
        "http://127.0.0.1:9/": "related",
    }
    record = Record(id="a", links=tuple(Link(href, rel) for href, rel in hrefs.items()))
    hasty = Client(timeout_s=2, tries=1)
    rules = {finding.where: finding.rule for finding in dead_links(record, client=hasty, inner=True)}
    assert rules == {
        "links[1].href": "link-404",
        "links[2].href": "link-content",
        "links[3].href": "link-cors",
        "links[4].href": "link-dead",
    }
    assert {finding.rule for finding in dead_links(record, client=hasty)} == {"link-inner"}
