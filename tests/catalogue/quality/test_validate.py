"""What is noticed in a record, how it is scored, and which links are dead."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from geoguichet.catalogue.formats import registry
from geoguichet.catalogue.formats.mapping import INSPIRE_THEME, TOPIC_CATEGORY, with_members
from geoguichet.catalogue.quality.judging import (
    PATIENCE,
    RULES,
    Reason,
    Target,
    check,
    dead_links,
    organisation_of,
    totals,
)
from geoguichet.catalogue.quality.rules.description import Context
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
)
from geoguichet.floor.words import speaking


@pytest.fixture
def good(full_record: Record) -> Record:
    """A record with nothing to say about."""
    mail = (ContactPoint("sig@example.org"),)
    record = with_members(
        full_record,
        type="dataset",
        contacts=(
            Contact(organization="DREAL", roles=("publisher",), emails=mail),
            Contact(
                organization="DREAL",
                roles=("pointOfContact",),
                emails=mail,
                extra={"about": "metadata"},
            ),
        ),
        themes=(
            Theme((Concept(f"{INSPIRE_THEME}/lc", "Occupation des terres"),), INSPIRE_THEME),
            Theme((Concept("biota"),), TOPIC_CATEGORY),
        ),
        formats=[{"name": "GeoPackage", "version": "1.3"}],
        constraints=[
            {
                "kind": "legal",
                "access": ["otherRestrictions"],
                "other": [{"text": "Pas de restriction"}],
            }
        ],
        dates=[{"date": "2026-02-01", "type": "revision"}],
        externalIds=(ExternalId("forets-09"),),
    )
    assert check(record, context=Context(today="2026-06-01")).findings == ()
    return record


def rules_of(record: Record, **context: object) -> set[str]:
    return {
        finding.rule
        for finding in check(record, context=Context(**{"today": "2026-06-01", **context})).findings
    }  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "members"),
    [
        ("title", {"title": ""}),
        ("title-readable", {"title": "N_ZONE_REG_PPRN_S_007"}),
        (
            "placeholder",
            {"description": "-- Courte description narrative du contenu de la ressource --"},
        ),
        ("abstract", {"description": ""}),
        ("abstract-long", {"description": "Forêts."}),
        ("topic-category", {"themes": ()}),
        (
            "inspire-theme",
            {"themes": (Theme((Concept("x", "Marmottes"),), INSPIRE_THEME),), "keywords": ("x",)},
        ),
        ("extent", {"geometry": None}),
        ("extent-plausible", {"geometry": Extent(-180, -90, 180, 90).as_geometry()}),
        ("date", {"dates": []}),
        ("dates-order", {"dates": [{"date": "2027-01-01", "type": "revision"}]}),
        (
            "dates-order",
            {
                "dates": [
                    {"date": "2026-01-02", "type": "creation"},
                    {"date": "2026-01-01", "type": "revision"},
                ]
            },
        ),
        (
            "dates-order",
            {"time": Time(interval=("2019-01-01", "2020-01-01"), extra={"reversed": True})},
        ),
        ("lineage", {"lineage": ""}),
        ("conformity", {"conformity": []}),
        ("licence", {"license": "other"}),
        ("responsible", {"contacts": ()}),
        (
            "responsible",
            {
                "contacts": (
                    Contact(organization="DREAL", roles=("owner",), emails=(ContactPoint("sig"),)),
                )
            },
        ),
        ("crs", {"crs": ["EPSG:999999"]}),
        ("location", {"links": ()}),
        ("ogc-links", {"links": (Link("voir le site", "related"),)}),
        ("freshness", {"dates": [{"date": "2019-01-01", "type": "revision"}]}),
        (
            "unreadable",
            {
                "unreadable": [
                    {
                        "member": "time",
                        "path": "/a",
                        "line": 12,
                        "text": "hier",
                        "reason": "pas une date",
                    }
                ]
            },
        ),
        ("service-type", {"type": "service"}),
    ],
)
def test_a_rule_sees_what_it_is_for(rule: str, members: dict[str, object], good: Record) -> None:
    spoiled = with_members(good, **members)
    findings = [
        finding
        for finding in check(spoiled, context=Context(today="2026-06-01")).findings
        if finding.rule == rule
    ]
    assert findings and all(f.where and f.item == good.id for f in findings)
    for finding in findings:
        here = [str(told) for told in (finding.message, finding.why, finding.remedy)]
        with speaking("en"):
            there = [str(told) for told in (finding.message, finding.why, finding.remedy)]
        assert all(here) and not set("«»àéèêç") & set("".join(there))
        assert all(french != english for french, english in zip(here, there, strict=True))


def test_the_extent_is_compared_with_the_place_that_the_title_names(good: Record) -> None:
    places = {"ariege": Extent(0.8, 42.5, 2.2, 43.3), "tarn": Extent(1.5, 43.4, 2.9, 44.2)}
    assert "extent-place" not in rules_of(good, places=places)
    assert "extent-place" in rules_of(replace(good, title="Forêts du Tarn"), places=places)
    france = replace(good, geometry=Extent(-5, 42, 8, 51).as_geometry())
    around = replace(good, geometry=Extent(0.5, 42.3, 2.5, 43.6).as_geometry())
    issus = {"issus": Extent(1.4, 43.4, 1.5, 43.5)}
    assert "extent-place" not in rules_of(
        replace(good, title="Données issus de l'IGN"), places=issus
    )
    assert "extent-place" in rules_of(replace(good, title="Données d'Issus"), places=issus)
    assert "extent-place" in rules_of(
        france, places=places
    )  # it touches the place, and is no extent of it
    assert "extent-place" not in rules_of(around, places=places)


def test_a_score_is_an_explained_sum(good: Record) -> None:
    whole = check(good, context=Context(today="2026-06-01")).score
    assert whole.value == 100 and sum(possible for _, _, possible in whole.parts) == sum(
        given for _, given, _ in whole.parts
    )
    poor = check(Record(id="vide"), context=Context(today="2026-06-01")).score
    lost = [(rule, possible) for rule, given, possible in poor.parts if not given]
    assert poor.value < 30 and ("title", 10) in lost


def test_totals_are_by_group(good: Record) -> None:
    rows = totals(
        (organisation_of(record), check(record))
        for record in (good, Record(id="a"), Record(id="b"))
    )
    assert [(row["group"], row["records"]) for row in rows] == [("", 2), ("DREAL", 1)]


def test_every_real_record_is_judged(made_or_real: str, metadata: Path) -> None:
    scores = []
    for name in ("iso19139", "iso19115-3"):
        for file in sorted((metadata / name).glob("*.xml")):
            for record in registry.read_document(file.read_bytes()).records:
                checked = check(record)
                scores.append(checked.score.value)
                assert all(finding.where and finding.message for finding in checked.findings)
    assert min(scores) > 0 and max(scores) > (90 if made_or_real == "real" else 80)


def test_rules_have_distinct_names_and_speak_both_languages() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        for words in (rule.why, rule.remedy):
            french = str(words)
            with speaking("en"):
                english = str(words)
            assert french.endswith(".") and english.endswith(".") and french != english
            assert not set("«»éèêàç") & set(english), rule.name


def test_findings_tell_the_very_place(good: Record) -> None:
    spoiled = with_members(
        good,
        crs=["EPSG:2154", "NTF"],
        links=(*good.links, Link("www.exemple.fr", "related")),
        unreadable=[
            {"member": "dates", "path": "/a/b", "line": 3, "text": "hier", "reason": "pas une date"}
        ],
        contacts=(
            *good.contacts,
            Contact(organization="A", roles=("owner",), emails=(ContactPoint("a@"),)),
        ),
    )
    places = {finding.rule: (finding.where, finding.xpath) for finding in check(spoiled).findings}
    assert places["crs"] == ("properties.crs[1]", "/MD_Metadata/referenceSystemInfo")
    assert places["ogc-links"][0] == f"links[{len(good.links)}].href"
    assert places["unreadable"] == ("properties.dates", "/a/b")
    assert places["responsible"][0] == "properties.contacts[2].emails[0].value"


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("sig@region.example", False), ("a@b.c.d", False), ("a@.b.c", False), ("sig", True),
        ("a@", True), ("a@b", True), ("a@.b", True), ("a@b.", True), ("a@b@c.d", True),
        ("a b@c.d", True), ("a@" + "." * 300_000 + "@", True), ("a@" + "a." * 150_000 + " ", True),
    ],
    ids=lambda told: told[:12] if isinstance(told, str) else None,
)  # fmt: skip
def test_an_address_of_mail_is_judged_however_long(good: Record, address: str, wrong: bool) -> None:
    owner = Contact(organization="A", roles=("owner",), emails=(ContactPoint(address),))
    started = time.perf_counter()
    findings = check(with_members(good, contacts=(*good.contacts, owner))).findings
    assert time.perf_counter() - started < 5  # minutes, if each dot is tried with each end
    assert any(finding.where.endswith("emails[0].value") for finding in findings) == wrong


@pytest.mark.parametrize(
    ("licence", "rights", "told"),
    [
        ("etalab-2.0", "", False), ("CC-BY-4.0", "", False), ("", "Licence Ouverte", True),
        ("fais-ce-que-tu-veux", "", True), ("", "", True),
    ],
)  # fmt: skip
def test_a_licence_is_one_that_is_known(
    licence: str, rights: str, told: bool, good: Record
) -> None:
    record = replace(good, license=licence, rights=rights)
    assert ("licence" in rules_of(record)) is told


def test_the_text_of_a_check_explains_the_score(good: Record) -> None:
    poor = replace(good, title="")
    judged = check(poor)
    lost = sum(possible - given for _, given, possible in judged.score.parts)
    french = judged.as_text()
    with speaking("en"):
        english = judged.as_text()
    assert "[erreur, 10 points] la fiche n'a pas de titre." in french and "remède : " in french
    assert "[error, 10 points] the record has no title." in english and "how to mend: " in english
    assert sum({finding.rule: finding.weight for finding in judged.findings}.values()) == lost


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, why = {"/absent": (404, None), "/relais": (530, "Origin DNS Error")}.get(
                self.path, (200, None)
            )
            size = 50_000_000 if self.path == "/gros.zip" else 2
            kind = "text/html" if self.path == "/page.zip" else "application/zip"
            self.send_response(status, why)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            with suppress(ConnectionError):  # who only wants to know leaves before the end
                self.wfile.write(b"o" * size)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("cause", "rule", "said"),
    [
        (socket.gaierror(-2, "x"), "link-dns", "no server has this name"),
        (ssl.SSLError(1, "certificat expiré"), "link-tls", "secure connection refused"),
        (TimeoutError(), "link-timeout", "no answer in time"),
        (ConnectionRefusedError(), "link-dead", "refuses the connection"),
    ],
)
def test_a_connection_that_fails_has_its_rule(
    cause: Exception, rule: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise cause

    handshake = isinstance(cause, ssl.SSLError)
    monkeypatch.setattr(
        "urllib3.connection.HTTPSConnection.connect"
        if handshake
        else "urllib3.util.connection.create_connection",
        fail,
    )
    record = Record(id="a", links=(Link("https://exemple.fr/a", "enclosure"),))
    [finding] = dead_links(record, client=PATIENCE, inner=True)
    assert finding.rule == rule and finding.severity == "warning"
    for language in ("fr", "en"):
        with speaking(language):
            assert str(finding.remedy)
            told = str(finding.message)
    assert said in told


def test_dead_links_say_why(site: str) -> None:
    hrefs = {
        f"{site}/bon.zip": "enclosure",
        f"{site}/absent": "enclosure",
        f"{site}/page.zip": "enclosure",
        f"{site}/wfs": "service",
        "http://127.0.0.1:9/": "related",
        f"{site}/gros.zip": "enclosure",
        "http://a.fr:port/": "related",
        f"{site}/relais": "related",
    }
    record = Record(id="a", links=tuple(Link(href, rel) for href, rel in hrefs.items()))
    hasty = replace(PATIENCE, timeout_s=2)
    rules = {
        finding.where: finding.rule for finding in dead_links(record, client=hasty, inner=True)
    }
    assert rules == {
        "links[1].href": "link-404",
        "links[2].href": "link-content",
        "links[3].href": "link-cors",
        "links[4].href": "link-dead",
        "links[6].href": "link-dead",
        "links[7].href": "link-dead",  # its words name the DNS, but a server did answer
    }
    tried: dict[Target, Reason | None] = {}
    found = dead_links(record, client=hasty, inner=True, tried=tried)
    assert {finding.where: finding.rule for finding in found} == rules and len(tried) == len(hrefs)
    with speaking("en"):
        assert str(found[0].message) == f"{site}/absent: the server answers 404 (Not Found)."
    again = dead_links(record, client=replace(hasty, timeout_s=0), inner=True, tried=tried)
    assert again == found
    assert {finding.rule for finding in dead_links(record, client=hasty)} == {
        "link-inner",
        "link-dead",
    }
