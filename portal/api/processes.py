"""OGC API Processes: what can be asked, questions put, jobs followed, answers taken."""

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import Any
from urllib.parse import urlencode

from jsonschema import Draft202012Validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import Message, _
from geoguichet.portal import answers
from geoguichet.portal.answers import (
    BY_STATUS,
    HTML,
    JSON,
    TO_ANYONE,
    Refusal,
    answer,
    busy,
    link,
)
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.jobs import answering, asking
from geoguichet.portal.jobs.contract import STATES, Asked, Job, Result
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.jobs.kinds import KINDS, Kind, kinds_for
from geoguichet.portal.pages.workbench import held_by
from geoguichet.portal.people import accounts
from geoguichet.portal.people.store import People
from geoguichet.portal.site import PROCESSES_ERRORS, Site
from geoguichet.portal.viewing import viewer_of

_RELATIONS = "http://www.opengis.net/def/rel/ogc/1.0/"
#: Who waits for an answer waits so long, so many at once.
WAIT_S, MOST_WAITING = 60.0, 20
#: Jobs of a page.
MOST = 1_000
_CALLBACKS = ("successUri", "inProgressUri", "failedUri")
#: What the list of jobs is asked.
_ASKED_OF_JOBS = (
    "type", "processID", "status", "datetime", "minDuration", "maxDuration", "limit", "offset",
)  # fmt: skip


def routes(site: Site) -> list[Route]:
    """Return what answers about processes and jobs."""
    there = _Processes(site)
    return [
        Route("/processes", there.listed),
        Route("/processes/{process}", there.described),
        Route("/processes/{process}/execution", there.executed, methods=["POST"]),
        Route("/jobs", there.jobs),
        Route("/jobs/{job}", there.job, methods=["GET", "DELETE"]),
        Route("/jobs/{job}/results", there.results),
        Route("/jobs/{job}/results/{file}", there.file),
    ]


# What is not awaited is answered in a thread.
class _Processes:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.waiting = 0

    # --- what can be asked -----------------------------------------------------------------------

    # Return the processes that who looks may ask.
    def _kinds(self, viewer: Viewer) -> dict[str, Kind]:
        has_territory = self.site.territory.data is not None
        return kinds_for(viewer, has_territory=has_territory, host=self._host(viewer))

    # Return the organisation whose portal this is, which decides for those alone who administer one.
    def _host(self, viewer: Viewer) -> str:
        if not viewer.may("administrator") or viewer.sees_all:
            return ""
        with People(self.site.workspace).read() as base:
            known = accounts.organisations(base).values()
            return next((one.siren for one in known if one.host), "")

    def _kind(self, request: Request) -> Kind:
        found = self._kinds(viewer_of(request)).get(request.path_params["process"])
        if found is None:
            raise _missing("no-such-process", _("Rien ne porte cet identifiant."))
        return found

    def _of_process(self, kind: Kind) -> list[dict[str, str]]:
        home = f"/processes/{kind.name}"
        execution = link(f"{_RELATIONS}execute", f"{self.site.url}{home}/execution", JSON)
        return [*self._forms(home), execution]

    def _forms(self, path: str) -> list[dict[str, str]]:
        home = f"{self.site.url}{path}"
        return [link("self", f"{home}?f=json", JSON), link("alternate", f"{home}?f=html", HTML)]

    # Return the links of a list: its forms, and what follows where it has more.
    def _of_list(
        self, path: str, given: Mapping[str, str], after: int, count: int
    ) -> list[dict[str, str]]:
        links = self._forms(path)
        if after < count:
            more = urlencode(
                {**{name: told for name, told in given.items() if told}, "offset": after}
            )
            links.append(link("next", f"{self.site.url}{path}?{more}", JSON))
        return links

    def listed(self, request: Request) -> Response:
        """Answer the list of processes."""
        kinds = self._kinds(viewer_of(request))
        given = {name: request.query_params.get(name, "") for name in ("limit", "offset")}
        limit, offset = _number(given, "limit", MOST, least=1), _number(given, "offset", 0)
        asked = [*kinds.values()][offset : offset + limit]
        document = {
            "processes": [{**kind.summary(), "links": self._of_process(kind)} for kind in asked],
            "links": self._of_list("/processes", given, offset + limit, len(kinds)),
        }
        return self._told(request, "processes.html", document, *given)

    def described(self, request: Request) -> Response:
        """Answer all that is told of a process; of one that asks a study, what the data of this portal
        hold too.
        """
        kind = self._kind(request)
        document = {**kind.description(), "links": self._of_process(kind)}
        told = document["inputs"]
        with suppress(Refusal):  # what a portal without data can be asked of is told all the same
            held = held_by(self.site) if "territory" in told else None
            schemas = {name: one["schema"] for name, one in told.items()}
            for name, schema in (held.told_in(schemas) if held else {}).items():
                told[name]["schema"] = schema
        return self._told(request, "process.html", document)

    def _told(
        self, request: Request, template: str, document: dict[str, Any], *parameters: str
    ) -> Response:
        answers.parameters(request, *parameters)
        if answers.wanted_form(request) == "html":
            return answer(self.site.render(template, document), HTML)
        return answer(answers.to_json(document), JSON)

    # --- questions put ---------------------------------------------------------------------------

    async def executed(self, request: Request) -> Response:
        """Put a question: answer it, or tell where its job is."""
        kind, viewer = await run_in_threadpool(self._kind, request), viewer_of(request)
        answers.wanted_form(request, ("json",))
        document = await answers.body_of(request, (answers.GEOJSON, JSON), most=kind.longest)
        inputs, asked = _asked(document, kind)
        preferred = request.headers.get("Prefer", "")
        may_wait = kind.waits and not re.search(r"(^|[\s,;])respond-async\b", preferred)
        if may_wait and self.waiting >= MOST_WAITING:
            raise busy(_("Trop de calculs sont en cours ; réessayez dans quelques secondes."))
        if may_wait and kind.at_once and not asked.callbacks:
            result = await run_in_threadpool(self._answer, kind, inputs, viewer)
            return _as_wanted(result, asked.response, kind.name)
        job = await run_in_threadpool(
            asking.ask, self.site, kind.name, inputs, viewer=viewer, asked=asked
        )
        if may_wait:
            return await self._awaited(request, job, viewer)
        headers = {"Location": f"{self.site.url}/jobs/{job.id}", "Retry-After": "2"}
        if not kind.waits or "respond-async" in preferred:
            headers["Preference-Applied"] = "respond-async"
        return answer(answers.to_json(self._status(job)), JSON, status=201, headers=headers)

    # Answer what is so short that no job is made of it.
    def _answer(self, kind: Kind, inputs: Mapping[str, Any], viewer: Viewer) -> Result:
        question = asking.question_of(self.site, kind.name, inputs, viewer=viewer)
        ground = Ground(self.site.workspace, self.site.region, self.site.territory)
        try:
            return answering.answer(question, ground, lambda _progress, _said: None)
        except GeoguichetError as error:
            raise ParameterError(ground.bare(str(error))) from error

    # Wait for a job; one whose client is gone, or that takes too long, is dismissed: nobody knows it.
    async def _awaited(self, request: Request, job: Job, viewer: Viewer) -> Response:
        end, pause, name = time.monotonic() + WAIT_S, 0.02, job.id
        self.waiting += 1
        try:
            while not job.has_ended and time.monotonic() < end:
                await asyncio.sleep(pause)
                pause = min(0.25, pause * 1.2)
                if await request.is_disconnected():
                    break
                job = await run_in_threadpool(self.site.jobs.job, name, viewer=viewer)
        finally:
            self.waiting -= 1
            if not job.has_ended:
                await run_in_threadpool(self.site.jobs.dismiss, name, viewer=viewer)
        if not job.has_ended:
            raise busy(
                _("Ce calcul dure : redemandez-le avec l'en-tête « Prefer: respond-async ».")
            )
        return await run_in_threadpool(self._answered, job, viewer)

    # --- jobs ------------------------------------------------------------------------------------

    def _job(self, request: Request) -> Job:
        return self.site.jobs.job(request.path_params["job"], viewer=viewer_of(request))

    def _status(self, job: Job) -> dict[str, Any]:
        links = self._forms(f"/jobs/{job.id}")
        if job.state == "successful":
            address, media = f"{self.site.url}/jobs/{job.id}/results", KINDS[job.process].media
            links.append(link(f"{_RELATIONS}results", address, media))
        return {**job.status(), "links": links}

    def jobs(self, request: Request) -> Response:
        """Answer the jobs of who looks; nobody known has none but by their addresses."""
        given = {name: request.query_params.get(name, "") for name in _ASKED_OF_JOBS}
        limit, offset = _number(given, "limit", 100, least=1), _number(given, "offset", 0)
        states, processes = (
            tuple(filter(None, given[name].split(","))) for name in ("status", "processID")
        )
        if unknown := [state for state in states if state not in STATES]:
            known, state = ", ".join(STATES), unknown[0][:40]
            raise Refusal(
                400, _("status : {state} est inconnu ; attendu {known}.", state=state, known=known)
            )
        found, count = self.site.jobs.jobs(
            viewer=viewer_of(request),
            states=states,
            processes=processes,
            created=_interval(given["datetime"]),
            lasted=(_number(given, "minDuration", 0), _number(given, "maxDuration", 0) or inf),
            limit=min(limit, MOST),
            offset=offset,
        )
        if given["type"] not in ("", "process"):
            found, count = [], 0
        document = {
            "jobs": [self._status(job) for job in found],
            "numberMatched": count,
            "links": self._of_list("/jobs", given, offset + len(found), count),
        }
        return self._told(request, "jobs.html", document, *_ASKED_OF_JOBS)

    def job(self, request: Request) -> Response:
        """Answer where a job stands; end one that goes on, or forget one that has ended."""
        job, viewer = self._job(request), viewer_of(request)
        if request.method == "DELETE":
            job = self.site.jobs.dismiss(job.id, viewer=viewer)
            return answer(answers.to_json(self._status(job)), JSON)
        document = self._status(job)
        if answers.wanted_form(request) == "html":
            document["log"] = self.site.jobs.log(job.id, viewer=viewer)
        told = self._told(request, "job.html", document)
        told.headers["Cache-Control"] = "no-store"
        if not job.has_ended:
            told.headers["Retry-After"] = "2"
        return told

    def results(self, request: Request) -> Response:
        """Answer what a job was asked."""
        return self._answered(self._job(request), viewer_of(request))

    def _answered(self, job: Job, viewer: Viewer) -> Response:
        if job.state == "failed":
            raise Refusal(400, job.message)
        result = self.site.jobs.result(job.id, viewer=viewer)
        if result is None:
            told = _("Cette tâche n'a pas de résultat ({state}).", state=job.state)
            soon = {} if job.has_ended else {"Retry-After": "2"}
            raise _missing("result-not-ready", told, soon)
        return _as_wanted(result, job.response, job.process)

    def file(self, request: Request) -> Response:
        """Answer a file of a study that is kept beside its job."""
        job, name = self._job(request), request.path_params["file"]
        question = self.site.jobs.question(job.id, viewer=viewer_of(request))
        folder = self.site.workspace / "jobs" / question.digest
        there = {one.name: one for one in folder.glob("*") if one.is_file()}
        if job.process != "study" or job.state != "successful" or name not in there:
            raise Refusal(404, BY_STATUS[404])
        sent = {**TO_ANYONE, "Content-Disposition": f'attachment; filename="{name}"'}
        return FileResponse(there[name], headers=sent)


def _as_wanted(result: Result, response: str, process: str) -> Response:
    told = result.wanted(response, process)
    return answer(told.body, told.media)


#: What is wrong with each part of a demand.
_EXPECTED: Mapping[str, Message] = {
    "": Message("Le corps de la demande : un objet JSON est attendu."),
    "inputs": Message("inputs : un objet est attendu."),
    "response": Message("response : raw ou document est attendu."),
    "outputs": Message("outputs : {name} est attendu."),
    "transmissionMode": Message("transmissionMode : value est attendu."),
    "subscriber": Message("subscriber : des adresses sont attendues, sous {known}."),
}


# Return what is asked, and how the answer is wanted.
def _asked(document: Any, kind: Kind) -> tuple[Mapping[str, Any], Asked]:
    by_value = {"properties": {"transmissionMode": {"const": "value"}}}
    address = {"type": "string", "maxLength": 2_000}
    told = {
        "inputs": {"type": "object"},
        "response": {"enum": ["raw", "document"]},
        "outputs": {
            "type": ["object", "null"],
            "properties": {kind.name: by_value},
            "additionalProperties": False,
        },
        "subscriber": {
            "type": "object",
            "properties": dict.fromkeys(_CALLBACKS, address),
            "additionalProperties": False,
        },
    }
    shape = Draft202012Validator({"type": "object", "properties": told})
    for wrong in shape.iter_errors(document):
        where = [str(part) for part in wrong.absolute_path] or [""]
        part = where[-1] if where[-1] in _EXPECTED else where[0]
        known = {"name": kind.name, "known": ", ".join(_CALLBACKS)}
        raise Refusal(400, _EXPECTED[part].format(**known))
    return document.get("inputs", {}), Asked(
        document.get("response", "raw"), document.get("subscriber", {})
    )


def _missing(what: str, told: str, headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(404, told, kind=f"{PROCESSES_ERRORS}{what}", headers=headers)


def _number(given: Mapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    text = given[name]
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least):
        raise Refusal(400, _("{name} : un nombre entier est attendu.", name=name))
    return int(text) if text else default


# Return the two ends of what ``datetime`` asks, in seconds since 1970; None where it is open.
def _interval(text: str) -> tuple[float | None, float | None]:
    try:
        since, until = map(_second, text.split("/") if "/" in text else (text, text))
    except ValueError as error:
        raise Refusal(400, _("datetime : un moment ou un intervalle est attendu.")) from error
    return since, until


def _second(text: str) -> float | None:
    if text in ("", ".."):
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.timestamp()
