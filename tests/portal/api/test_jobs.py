"""OGC API Processes over jobs: asked in the background, followed, dismissed, called back."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from owslib.ogcapi.processes import Processes

from geoguichet import cli
from geoguichet.catalogue.search.store import SQLiteStore
from geoguichet.floor.viewer import MACHINE
from geoguichet.portal.jobs.embedded import EmbeddedJobs

type Sessions = dict[str, requests.Session]
#: The organisation whose portal the fixture opens.
HOST = "200053791"
ASYNC = {"Prefer": "respond-async"}
TERRITORY = {"name": "Ariège", "departements": ["09"], "buffer": "10 km"}
STUDY: dict[str, Any] = {
    "study": {"id": "ariege", "title": "Mairies de l'Ariège", "date": "2026-11-29"},
    "territory": TERRITORY,
    "services": {"mairie": {"types": ["town_hall"], "min_hours_per_week": 20, "within": "8 km"}},
    "rule": {"all": ["mairie"]},
}
BY_ROAD = {**STUDY, "services": {"mairie": {"types": ["town_hall"], "within": "20 min"}}}
TOML = """
[study]
id = "ariege"
title = "Mairies de l'Ariège"
date = 2026-11-29
[territory]
name = "Ariège"
departements = ["09"]
buffer = "10 km"
[services.mairie]
types = ["town_hall"]
min_hours_per_week = 20
within = "8 km"
[rule]
all = ["mairie"]
"""


class Called(BaseHTTPRequestHandler):
    """Who is called back, and what it was sent."""

    bodies: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append((self.path, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_told: object) -> None:
        pass


@pytest.fixture(scope="module")
def called() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    Called.bodies = []
    with HTTPServer(("127.0.0.1", 0), Called) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", Called.bodies
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., AbstractContextManager[str]],
    open_accounts: Callable[[Path], Sessions],
    called: tuple[str, list[tuple[str, bytes]]],
) -> Iterator[tuple[str, Path, Sessions]]:
    workspace = tmp_path_factory.mktemp("jobs")
    told = f'[processes]\ncallbacks = ["{called[0]}"]\n'
    (workspace / "region.toml").write_text(told, encoding="utf-8")
    sessions = {**open_accounts(workspace), "nobody": requests.Session()}
    with serve(workspace, editable=True) as url:
        yield url, workspace, sessions


def put(session: requests.Session, url: str, process: str, **document: Any) -> requests.Response:
    return session.post(f"{url}/processes/{process}/execution", json=document, headers=ASYNC)


def ended(session: requests.Session, answer: requests.Response, seconds: float = 60) -> Any:
    assert answer.status_code == 201, answer.text
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = session.get(answer.headers["Location"]).json()
        if job["status"] not in ("accepted", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def results(session: requests.Session, url: str, job: dict[str, Any]) -> requests.Response:
    return session.get(f"{url}/jobs/{job['jobID']}/results")


def test_a_question_asked_in_the_background_has_the_answer_of_one_waited_for(
    place: tuple[str, Path, Sessions],
) -> None:
    url, _workspace, who = place
    nobody = who["nobody"]
    example = nobody.get(f"{url}/processes/white-zones").json()["example"]
    answer = put(nobody, url, "white-zones", **example)
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.json()["status"] == "accepted" and answer.json()["processID"] == "white-zones"
    job = ended(nobody, answer)
    assert job["status"] == "successful" and job["progress"] == 100, job
    told = results(nobody, url, job)
    waited = nobody.post(f"{url}/processes/white-zones/execution", json=example)
    assert told.content == waited.content and waited.status_code == 200
    assert told.headers["Content-Type"] == "application/geo+json"
    document = put(nobody, url, "white-zones", **example, response="document")
    assert document.json()["status"] == "successful"  # an equal question: at once
    assert results(nobody, url, document.json()).json() == {"white-zones": told.json()}


def test_a_study_by_the_process_and_by_the_command_gives_the_same_digests(
    place: tuple[str, Path, Sessions], tmp_path: Path
) -> None:
    url, workspace, who = place
    job = ended(who["editor"], put(who["editor"], url, "study", inputs=STUDY))
    assert job["status"] == "successful", job
    told = results(who["editor"], url, job).json()
    anonymous = ended(who["nobody"], put(who["nobody"], url, "study", inputs=STUDY))
    other = results(who["nobody"], url, anonymous).json()
    (tmp_path / "ariege.toml").write_text(TOML, encoding="utf-8")
    asked = [
        "coverage",
        "run",
        str(tmp_path / "ariege.toml"),
        "--workspace",
        str(tmp_path),
        "--quiet",
    ]
    assert cli.main(asked) == 0
    manifest = json.loads((tmp_path / "studies" / "ariege" / "manifest.json").read_bytes())
    assert told["outputs"] == manifest["outputs"] == other["outputs"]
    assert (told["kept"], other["kept"]) == (True, False)
    assert (workspace / "studies" / "ariege" / "manifest.json").is_file()
    assert who["nobody"].get(f"{url}/etudes/ariege").status_code == 200
    assert who["nobody"].get(f"{url}/collections/catalogue/items/study-ariege").status_code == 200
    file = who["nobody"].get(f"{url}/jobs/{anonymous['jobID']}/results/result.gpkg")
    assert file.status_code == 200 and file.content[:6] == b"SQLite"
    for name in ("absent", "..%2f..%2fregion.toml", "%2e%2e"):
        assert (
            who["nobody"].get(f"{url}/jobs/{anonymous['jobID']}/results/{name}").status_code == 404
        )


def test_a_draft_is_its_authors_and_its_name_is_taken(place: tuple[str, Path, Sessions]) -> None:
    url, _workspace, who = place
    draft = {**STUDY, "study": {**STUDY["study"], "id": "brouillon", "visibility": "draft"}}
    refused = put(who["contributor"], url, "study", inputs=STUDY)
    assert refused.status_code == 400 and "draft" in refused.text
    job = ended(who["contributor"], put(who["contributor"], url, "study", inputs=draft))
    assert job["status"] == "successful", job
    for name, status in {
        "contributor": 200,
        "editor": 200,
        "neighbour": 404,
        "nobody": 404,
    }.items():
        assert who[name].get(f"{url}/etudes/brouillon").status_code == status, name
        record = f"{url}/collections/catalogue/items/study-brouillon"
        assert who[name].get(record).status_code == status, name
    with SQLiteStore(_workspace / "catalogue.sqlite") as store:
        kept = store.stored("study-brouillon", viewer=MACHINE)
    assert kept is not None and kept.shown.owner == HOST  # whose editors alone may change it
    taken = put(who["editor"], url, "study", inputs=draft)
    assert taken.status_code == 400 and "brouillon" in taken.text


def test_a_job_is_who_asked_alones(place: tuple[str, Path, Sessions]) -> None:
    url, _workspace, who = place
    job = put(
        who["editor"], url, "isochrones", inputs={"points": [[1.6, 42.9]], "within": ["2 km"]}
    )
    address = job.headers["Location"]
    assert who["editor"].get(address).status_code == 200
    for name in ("contributor", "neighbour", "nobody"):
        for path in (address, f"{address}/results"):
            refused = who[name].get(path)
            assert refused.status_code == 404 and refused.json()["type"].endswith("/no-such-job")
        assert who[name].delete(address).status_code == 404
    listed = who["editor"].get(f"{url}/jobs?processID=isochrones&limit=1").json()
    assert [one["jobID"] for one in listed["jobs"]] == [job.json()["jobID"]]
    assert who["nobody"].get(f"{url}/jobs").json()["jobs"] == []
    assert ended(who["editor"], job)["status"] == "successful"
    assert results(who["editor"], url, job.json()).json()["features"]


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({**STUDY, "data": {"source": "../secret.gpkg"}}, "data.source"),
        ({**STUDY, "data": {"source": "people.sqlite"}}, "data.source"),
        ({**STUDY, "demand": {"cells": {"file": "/etc/passwd"}}}, "demand.cells.file"),
        ({**BY_ROAD, "router": {"kind": "osrm", "network": "http://127.0.0.1:1"}}, "router.kind"),
        ({**BY_ROAD, "router": {"kind": "road", "network": "/dev/zero"}}, "router.network"),
        ({**BY_ROAD, "router": {"kind": "road", "network": "../dehors.roads"}}, "router.network"),
        ({**BY_ROAD, "router": {"kind": "road", "network": "lien.roads"}}, "router.network"),
        ({**STUDY, "demand": {"cells": {"file": "lien.tif"}}}, "demand.cells.file"),
        ({**STUDY, "couleur": {}}, "couleur"),
        ({"services": STUDY["services"], "rule": STUDY["rule"]}, "study"),
    ],
)
def test_a_study_that_names_what_it_may_not_is_refused(
    place: tuple[str, Path, Sessions], inputs: dict[str, Any], named: str
) -> None:
    url, workspace, who = place
    for name in ("dehors.roads", "dehors.tif"):  # beside the workspace, to which links lead
        (workspace.parent / name).touch()
        link = workspace / name.replace("dehors", "lien")
        link.unlink(missing_ok=True)
        link.symlink_to(workspace.parent / name)
    answer = put(who["nobody"], url, "study", inputs=inputs)
    assert answer.status_code == 400 and named in answer.json()["description"], answer.text
    assert str(workspace) not in answer.text


def test_a_job_is_dismissed_then_forgotten(place: tuple[str, Path, Sessions]) -> None:
    url, workspace, who = place
    slow = {**STUDY, "thresholds": [round(0.5 + n / 10, 1) for n in range(10)]}
    answer = put(who["nobody"], url, "sensitivity", inputs=slow)
    address = answer.headers["Location"]
    not_ready = who["nobody"].get(f"{address}/results")
    assert not_ready.status_code == 404 and not_ready.headers["Retry-After"]
    assert not_ready.json()["type"].endswith("/result-not-ready")
    gone = who["nobody"].delete(address)
    assert gone.status_code == 200 and gone.json()["status"] == "dismissed"
    name = answer.json()["jobID"]
    log = [said for _at, said in EmbeddedJobs(workspace).log(name, viewer=MACHINE)]
    assert log.count("Abandonné.") == 1
    assert who["nobody"].delete(address).status_code == 200
    assert who["nobody"].get(address).status_code == 404


def test_who_waits_is_called_back_at_an_address_that_is_allowed(
    place: tuple[str, Path, Sessions], called: tuple[str, list[tuple[str, bytes]]]
) -> None:
    url, _workspace, who = place
    home, bodies = called
    inputs = {"points": [[1.6, 43.0]], "within": ["1 km"]}
    refused = put(
        who["nobody"], url, "isochrones", inputs=inputs, subscriber={"successUri": "http://[::1]/x"}
    )
    assert refused.status_code == 400 and "successUri" in refused.text
    subscriber = {"successUri": f"{home}ok", "failedUri": f"{home}failed"}
    answer = put(who["nobody"], url, "isochrones", inputs=inputs, subscriber=subscriber)
    job = ended(who["nobody"], answer)
    end = time.monotonic() + 10
    while not bodies and time.monotonic() < end:
        time.sleep(0.05)
    assert bodies == [("/ok", results(who["nobody"], url, job).content)]


def test_only_who_may_is_told_of_the_processes_that_write(
    place: tuple[str, Path, Sessions],
) -> None:
    url, _workspace, who = place
    document = '{"type": "dataset", "id": "fiche", "title": "Une fiche"}'
    for name, more in {
        "nobody": set(),
        "contributor": set(),
        "editor": {"check"},
        "neighbour": {"check"},
        "administrator": {"check", "harvest", "import"},
    }.items():
        told = who[name].get(f"{url}/processes").json()["processes"]
        assert {one["id"] for one in told} & {"check", "harvest", "import"} == more
        asked = put(who[name], url, "import", inputs={"name": "a.json", "document": document})
        assert asked.status_code == (201 if "import" in more else 404)
        if "check" in more:
            assert who[name].get(f"{url}/processes/check").json()["inputs"]["id"]["minOccurs"] == 0
    refused = ended(
        who["administrator"], put(who["administrator"], url, "harvest", inputs={"source": "zut"})
    )
    assert refused["status"] == "failed" and "harvest.toml" in refused["message"]


def test_equal_questions_that_wait_together_are_computed_once(
    place: tuple[str, Path, Sessions],
) -> None:
    url, workspace, who = place
    asked = {"inputs": {"points": [[1.7, 43.1]], "within": ["3 km"]}}
    answers = [put(who["nobody"], url, "isochrones", **asked) for _again in range(4)]
    jobs = [ended(who["nobody"], answer) for answer in answers]
    store = EmbeddedJobs(workspace)
    steps = [len(store.log(job["jobID"], viewer=MACHINE)) for job in jobs]
    assert {job["status"] for job in jobs} == {"successful"} and max(steps[1:]) <= 2
    assert len({results(who["nobody"], url, job).content for job in jobs}) == 1


def test_two_studies_are_compared(place: tuple[str, Path, Sessions]) -> None:
    url, _workspace, who = place
    near = {**STUDY, "services": {"mairie": {**STUDY["services"]["mairie"], "within": "5 km"}}}
    answer = who["nobody"].post(
        f"{url}/processes/compare/execution", json={"inputs": {"before": STUDY, "after": near}}
    )
    assert answer.status_code == 200 and answer.json()["needs"] == ["mairie"], answer.text
    hidden = {"before": "brouillon", "after": STUDY}
    assert put(who["nobody"], url, "compare", inputs=hidden).status_code == 400


def test_kiosks_are_sited(place: tuple[str, Path, Sessions]) -> None:
    url, _workspace, who = place
    example = who["nobody"].get(f"{url}/processes/site-kiosks").json()["example"]["inputs"]
    job = ended(
        who["nobody"],
        put(who["nobody"], url, "site-kiosks", inputs={**example, "territory": TERRITORY}),
    )
    told = results(who["nobody"], url, job).json()
    assert told["plan"]["status"] == "optimal" and len(told["features"]) == 9


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"inputs": []}, "inputs"),
        ({"response": "zip"}, "response"),
        ({"outputs": {"zut": {}}}, "outputs"),
        ({"outputs": {"isochrones": {"transmissionMode": "reference"}}}, "transmissionMode"),
        ({"subscriber": {"successUri": 3}}, "subscriber"),
        ({"inputs": {"points": [[1, 200]], "within": ["1 km"]}}, "points"),
        ({"inputs": {"points": [[1, 43]], "within": []}}, "within"),
        ({"inputs": {"within": ["1 km"]}}, "points"),
        ({"inputs": {"points": [[1, True]], "within": ["1 km"]}}, "points"),
        ({"inputs": {"points": [[1, 43]], "within": ["1 km"], "cell": 3}}, "cell"),
    ],
)
def test_a_malformed_execution_is_a_400_that_says_what_is_expected(
    place: tuple[str, Path, Sessions], document: dict[str, Any], named: str
) -> None:
    url, _workspace, who = place
    answer = put(who["nobody"], url, "isochrones", **document)
    assert answer.status_code == 400 and named in answer.json()["description"]


def test_the_pages_of_processes_and_jobs_are_shown(place: tuple[str, Path, Sessions]) -> None:
    url, _workspace, who = place
    listed = who["editor"].get(f"{url}/jobs?f=html&lang=en")
    assert "isochrones" in listed.text
    job = who["editor"].get(f"{url}/jobs").json()["jobs"][0]
    shown = who["editor"].get(f"{url}/jobs/{job['jobID']}?f=html").text
    assert job["processID"] in shown and "Journal" in shown
    assert "application/json" in who["nobody"].get(f"{url}/processes/study?f=html").text
    assert who["nobody"].get(f"{url}/jobs?status=zut").status_code == 400
    assert who["nobody"].get(f"{url}/jobs?datetime=hier").status_code == 400
    assert (
        who["editor"]
        .get(f"{url}/jobs?datetime=2020-01-01T00:00:00Z/..&minDuration=99")
        .json()["jobs"]
        == []
    )


def test_owslib_runs_a_job_to_its_end(place: tuple[str, Path, Sessions]) -> None:
    url, _workspace, _who = place
    client = Processes(url)
    assert "isochrones" in [one["id"] for one in client.processes()]
    inputs = client.process("isochrones")["example"]["inputs"]
    told = client.execute("isochrones", inputs, async_=True)
    job = client.response_headers["Location"].removeprefix(f"{url}/")
    end = time.monotonic() + 60
    while told["status"] in ("accepted", "running") and time.monotonic() < end:
        time.sleep(0.05)
        told = client._request(path=job)  # it has no public name for it
    assert told["status"] == "successful"
    waited = client.execute("isochrones", inputs)
    assert waited == client._request(path=f"{job}/results") and waited["isochrones"]["features"]
