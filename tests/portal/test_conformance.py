"""OGC API Records Part 1 as its abstract tests put it: one test here for each of the 95."""

from pathlib import Path

import pytest

from geoguichet.catalogue.intake.exchange import import_files
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.coverage.publish import sample_records
from geoguichet.portal.conformance import client
from geoguichet.portal.conformance.client import FailedError, Server, expect, report, run
from geoguichet.portal.conformance.suite import SUITES, TESTS
from geoguichet.portal.errors import PortalError
from geoguichet.portal.site import EDITING, classes


@pytest.fixture(scope="module")
def server(url: str) -> Server:
    return Server(url)


def test_there_are_as_many_as_in_the_standard() -> None:
    assert len(TESTS) == 95


@pytest.mark.parametrize("name", TESTS)
def test_the_abstract_test(server: Server, name: str) -> None:
    result = run(server, name, TESTS[name])
    assert result.outcome in ("pass", "not applicable"), result.reason


def test_few_are_not_applicable(url: str) -> None:
    results = client.check(url, TESTS)
    skipped = {
        result.test: result.reason for result in results if result.outcome == "not applicable"
    }
    assert len(skipped) <= 8 and all(skipped.values()), skipped
    told = report(results, url)
    assert "0 fail" in told and told.count("\n") == 96


LAYERS = [(title, name) for title, tests in SUITES.items() if tests is not TESTS for name in tests]


@pytest.mark.parametrize(("title", "name"), LAYERS)
def test_the_abstract_test_of_layers(server: Server, title: str, name: str) -> None:
    result = run(server, name, SUITES[title][name])
    assert result.outcome == "pass", result.reason
    assert title in report([result], server.url, title)


def test_what_fails_says_why(url: str) -> None:
    server = Server(url)
    assert run(server, "x", lambda s: s.found("/nowhere")).reason.endswith("200 expected")
    assert run(server, "x", lambda s: expect(False, "because")).reason == "because"
    assert (
        run(server, "x", lambda s: s.found("/static/icon.svg", accept="*/*").json()).outcome
        == "fail"
    )
    assert "unexpected form" in run(server, "x", lambda s: s.found("/").json()["nothing"]).reason
    with pytest.raises(FailedError):
        Server("http://127.0.0.1:9").get("/")
    for wrong in ("ftp://example.org", "http://127.0.0.1:9"):
        with pytest.raises(PortalError):
            client.check(wrong, TESTS)


def test_the_records_of_the_sample_conform(tmp_path: Path, serve) -> None:
    with SQLiteStore(tmp_path / "catalogue.sqlite") as store:
        store.bulk_upsert(sample_records())
    with serve(tmp_path) as url:
        failed = {r.test: r.reason for r in client.check(url, TESTS) if r.outcome == "fail"}
    assert not failed


def test_real_records_conform(tmp_path: Path, serve, metadata: Path) -> None:
    import_files(metadata / "iso19139", tmp_path)
    with serve(tmp_path) as url:
        failed = {r.test: r.reason for r in client.check(url, TESTS) if r.outcome == "fail"}
    assert not failed


def test_editing_is_declared_where_it_is_possible(tmp_path: Path, serve, http) -> None:
    assert set(EDITING) <= set(classes(editable=True)) - set(classes())
    with serve(tmp_path, editable=True) as url:
        assert set(EDITING) <= set(http.get(f"{url}/conformance").json()["conformsTo"])
