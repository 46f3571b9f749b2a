"""The abstract tests of OGC API Processes Part 1 (18-062r2: core, OGC process description, job list,
dismiss, callback), for any server one of whose processes gives an example of its inputs.

Tests of inputs by reference, of binary ones and of several outputs have nothing to test on ours.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import geoguichet.portal.conformance.client as ask
from geoguichet.floor.http import Response
from geoguichet.portal.conformance.client import Json, Server, applicable, expect

_CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
_ERRORS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
_RELATIONS = "http://www.opengis.net/def/rel/ogc/1.0/"
_STATES = ("accepted", "running", "successful", "failed", "dismissed")
_ASYNC, _SYNC = "async-execute", "sync-execute"
#: How long a job of an example may take, in seconds.
_PATIENCE_S = 120.0


def _listed(server: Server) -> list[Json]:
    document = server.found("/processes", accept="application/json").json()
    expect(isinstance(document.get("processes"), list), "no list of processes")
    return cast("list[Json]", document["processes"])


def _described(server: Server) -> list[Json]:
    return [
        server.found(f"/processes/{one['id']}", accept="application/json").json()
        for one in _listed(server)
    ]


# Return a process that is asked in some ways and gives an example, and that example.
def _example(server: Server, *modes: str) -> tuple[Json, Json]:
    found = [
        one
        for one in _described(server)
        if set(modes) <= set(one["jobControlOptions"]) and one.get("example")
    ]
    applicable(found, f"no process gives an example and is asked by {', '.join(modes)}")
    return found[0], found[0]["example"]


def _execute(server: Server, *modes: str, prefer: str = "", **more: Any) -> tuple[Json, Response]:
    process, example = _example(server, *modes)
    path = f"/processes/{process['id']}/execution"
    return process, server.put(path, {**example, **more}, prefer=prefer)


# Ask a process in the background, and return its description and where its job is.
def _started(server: Server, *modes: str, **more: Any) -> tuple[Json, str]:
    process, answer = _execute(server, _ASYNC, *modes, prefer="respond-async", **more)
    expect(answer.status == 201, f"status {answer.status}, 201 expected")
    location = answer.headers.get("location", "")
    expect("/jobs/" in location, f"Location: {location}")
    _check_status(answer.json())
    return process, location


def _check_status(told: Json) -> None:
    for name in ("jobID", "status", "type"):
        expect(told.get(name), f"no {name}")
    expect(told["status"] in _STATES, f"status: {told['status']}")
    expect(told["type"] == "process", f"type: {told['type']}")
    expect(0 <= told.get("progress", 0) <= 100, f"progress: {told.get('progress')}")


def _ended(server: Server, location: str) -> Json:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        answer = server.again(location)
        expect(answer.status == 200, f"{location}: status {answer.status}, 200 expected")
        told = cast("Json", answer.json())
        _check_status(told)
        if told["status"] in _STATES[2:]:
            return told
        time.sleep(0.1)
    expect(False, f"{location}: not ended in {_PATIENCE_S:.0f} s")
    return {}


def _results(server: Server, location: str) -> Response:
    told = _ended(server, location)
    expect(told["status"] == "successful", f"{told['status']}: {told.get('message')}")
    answer = server.again(f"{location}/results")
    expect(answer.status == 200, f"results: status {answer.status}, 200 expected")
    return answer


def _is_error(answer: Response, kind: str) -> None:
    expect(answer.status == 404, f"status {answer.status}, 404 expected")
    expect(answer.json().get("type") == f"{_ERRORS}{kind}", f"type: {answer.json().get('type')}")


# --- core ----------------------------------------------------------------------------------------


def _landing(server: Server) -> None:
    document = server.found("/", accept="application/json").json()
    for relation in ("service-desc", f"{_RELATIONS}conformance", f"{_RELATIONS}processes"):
        expect(ask.links(document, relation), f"no link of rel {relation}")


def _declared(name: str) -> ask.Test:
    def test(server: Server) -> None:
        told = server.found("/conformance", accept="application/json").json()["conformsTo"]
        expect(f"{_CONF}/{name}" in told, f"{name} is not declared")

    return test


def _list_is_told(server: Server) -> None:
    for one in _listed(server):
        for name in ("id", "version", "jobControlOptions", "outputTransmission"):
            expect(one.get(name), f"{one.get('id')}: no {name}")
        expect(ask.links(one, "self"), f"{one['id']}: no link to itself")
    expect(ask.links(server.found("/processes").json(), "self"), "no link to itself")


def _list_is_limited(server: Server) -> None:
    asked = server.found("/processes", accept="application/json", limit="1").json()
    expect(len(asked["processes"]) == 1, f"{len(asked['processes'])} processes for limit=1")
    expect(len(_listed(server)) == 1 or ask.links(asked, "next"), "no link to the next")
    expect(server.get("/processes", limit="none").status == 400, "limit=none is not refused")


def _no_such_process(server: Server) -> None:
    _is_error(
        server.get("/processes/none-of-this-name", accept="application/json"), "no-such-process"
    )


def _creation_of_no_such_process(server: Server) -> None:
    answer = server.put("/processes/none-of-this-name/execution", {"inputs": {}})
    _is_error(answer, "no-such-process")


def _inputs_are_validated(server: Server) -> None:
    process, example = _example(server)
    wrong = {**example, "inputs": {"this_is_not_an_input": 1}}
    answer = server.put(f"/processes/{process['id']}/execution", wrong)
    expect(answer.status == 400, f"an unknown input: status {answer.status}, 400 expected")


def _default_mode(server: Server) -> None:
    process, answer = _execute(server)
    expected = 200 if _SYNC in process["jobControlOptions"] else 201
    expect(answer.status == expected, f"status {answer.status}, {expected} expected")


def _auto_mode(server: Server) -> None:
    _process, answer = _execute(server, _ASYNC, _SYNC, prefer="respond-async")
    expect(answer.status in (200, 201), f"status {answer.status}, 200 or 201 expected")
    if answer.status == 201:
        applied = answer.headers.get("preference-applied", "")
        expect("respond-async" in applied, f"Preference-Applied: {applied}")


# Test an answer, of a process asked in a mode, by itself (``raw``) or in a document.
def _answers(mode: str, response: str) -> ask.Test:
    def test(server: Server) -> None:
        if mode == _SYNC:
            process, answer = _execute(server, mode, response=response)
        else:
            process, location = _started(server, response=response)
            answer = _results(server, location)
        expect(answer.status == 200, f"status {answer.status}, 200 expected")
        names = sorted(process["outputs"])
        if response == "document":
            told = sorted(answer.json())
            expect(told == names, f"outputs {told}, {names} expected")
        else:
            schema = process["outputs"][names[0]]["schema"]
            kind = schema.get("contentMediaType", answer.media_type)
            expect(answer.media_type == kind, f"media type {answer.media_type}, {kind} expected")
            expect(answer.body, "no result")

    return test


def _job_succeeds(server: Server) -> None:
    _process, location = _started(server)
    told = _ended(server, location)
    expect(told["status"] == "successful", f"{told['status']}: {told.get('message')}")
    expect(ask.links(told, f"{_RELATIONS}results"), "no link to the results")


def _no_such_job(path: str) -> ask.Test:
    def test(server: Server) -> None:
        _is_error(server.again(f"{server.url}/jobs/none-of-this-name{path}"), "no-such-job")

    return test


def _not_ready(server: Server) -> None:
    _process, location = _started(server, "dismiss")
    server.again(location, end=True)
    answer = server.again(f"{location}/results")
    if answer.status != 200:  # it had ended already
        kind = answer.json().get("type", "")
        known = [f"{_ERRORS}{name}" for name in ("result-not-ready", "no-such-job")]
        expect(answer.status == 404 and kind in known, f"{answer.status} {kind}")


# --- descriptions --------------------------------------------------------------------------------


def _puts(kind: str) -> ask.Test:
    def test(server: Server) -> None:
        for one in _described(server):
            puts = one.get(kind)
            expect(isinstance(puts, Mapping), f"{one['id']}: {kind} is no object")
            for name, told in cast("Json", puts).items():
                expect(isinstance(told.get("schema"), Mapping), f"{one['id']}.{name}: no schema")
                most = told.get("maxOccurs", 1)
                expect(most == "unbounded" or most >= told.get("minOccurs", 1), f"{name}: occurs")

    return test


def _encoded(server: Server) -> None:
    for one in _listed(server):
        found = server.found(f"/processes/{one['id']}", accept="application/json")
        expect(found.media_type == "application/json", f"media type {found.media_type}")
        expect(found.json()["id"] == one["id"], f"id: {found.json()['id']}")


# --- jobs ----------------------------------------------------------------------------------------


def _jobs(server: Server, **asked: str) -> Json:
    told = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = server.again(f"{server.url}/jobs?{told}")
    expect(answer.status == 200, f"{asked}: status {answer.status}, 200 expected")
    document = cast("Json", answer.json())
    expect(isinstance(document.get("jobs"), list), "no list of jobs")
    for job in document["jobs"]:
        _check_status(job)
    return document


def _jobs_are_listed(server: Server) -> None:
    expect(ask.links(_jobs(server), "self"), "no link to itself")


def _narrowed(name: str, value: str, holds: Callable[[Json], bool]) -> ask.Test:
    def test(server: Server) -> None:
        found = _jobs(server, **{name: value})["jobs"]
        expect(all(map(holds, found)), f"{name}={value}: other jobs are listed")
        if name in ("limit", "datetime", "minDuration", "maxDuration"):
            status = server.again(f"{server.url}/jobs?{name}=nothing").status
            expect(status == 400, f"{name}=nothing: status {status}, 400 expected")

    return test


def _limited(server: Server) -> None:
    expect(len(_jobs(server, limit="1")["jobs"]) <= 1, "more jobs than limit=1")


def _dismissed(server: Server) -> None:
    _process, location = _started(server, "dismiss")
    answer = server.again(location, end=True)
    expect(answer.status == 200, f"DELETE: status {answer.status}, 200 expected")
    _check_status(answer.json())
    expect(answer.json()["status"] == "dismissed", f"status: {answer.json()['status']}")
    after = server.again(location)
    is_gone = after.status in (404, 410)
    expect(is_gone or after.json()["status"] == "dismissed", "it goes on")


def _callback(server: Server) -> None:
    """A server answers who may be called back, or says in words that this address may not."""
    subscriber = {"successUri": "http://127.0.0.1:9/success"}
    _process, answer = _execute(server, _ASYNC, prefer="respond-async", subscriber=subscriber)
    expect(answer.status in (201, 400), f"status {answer.status}, 201 or 400 expected")
    if answer.status == 400:
        expect("subscriber" in str(answer.json()), "the refusal does not say what is refused")


PROCESSES: dict[str, ask.Test] = {
    "/conf/core/landingpage-success": _landing,
    "/conf/core/conformance-success": _declared("core"),
    "/conf/core/process-list-success": _list_is_told,
    "/conf/core/pl-limit-response": _list_is_limited,
    "/conf/core/process-exception-no-such-process": _no_such_process,
    "/conf/core/job-creation-op": _creation_of_no_such_process,
    "/conf/core/job-creation-input-validation": _inputs_are_validated,
    "/conf/core/job-creation-default-execution-mode": _default_mode,
    "/conf/core/job-creation-auto-execution-mode": _auto_mode,
    "/conf/core/job-creation-sync-raw-value-one": _answers(_SYNC, "raw"),
    "/conf/core/job-creation-sync-document": _answers(_SYNC, "document"),
    "/conf/core/job-creation-success-async": _job_succeeds,
    "/conf/core/job-exception-no-such-job": _no_such_job(""),
    "/conf/core/job-results-no-such-job": _no_such_job("/results"),
    "/conf/core/job-results-exception-results-not-ready": _not_ready,
    "/conf/core/job-results-async-raw-value-one": _answers(_ASYNC, "raw"),
    "/conf/core/job-results-async-document": _answers(_ASYNC, "document"),
    "/conf/ogc-process-description/json-encoding": _encoded,
    "/conf/ogc-process-description/inputs-def": _puts("inputs"),
    "/conf/ogc-process-description/outputs-def": _puts("outputs"),
    "/conf/job-list/job-list-success": _jobs_are_listed,
    "/conf/job-list/limit-response": _limited,
    "/conf/job-list/type-response": _narrowed("type", "process", lambda one: one["type"] == "process"),
    "/conf/job-list/processID-response": _narrowed("processID", "none", lambda _one: False),
    "/conf/job-list/status-response": _narrowed("status", "failed", lambda one: one["status"] == "failed"),
    "/conf/job-list/datetime-response": _narrowed("datetime", "../1990-01-01T00:00:00Z", lambda _one: False),
    "/conf/job-list/duration-response": _narrowed("minDuration", "99999999", lambda _one: False),
    "/conf/dismiss/job-dismiss-success": _dismissed,
    "/conf/dismiss/job-dismiss-op": _declared("dismiss"),
    "/conf/callback/job-callback": _callback,
}  # fmt: skip
