"""OGC API Processes: what can be asked, questions put, jobs followed, answers taken."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.viewer import Viewer
from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, TO_ANYONE, Refusal, answer, link
from geoguichet.portal.errors import ParameterError
from geoguichet.portal.jobs import answering, asking
from geoguichet.portal.jobs.contract import (
    STATES,
    Asked,
    Job,
    JobNotFoundError,
    Result,
    TooManyJobsError,
)
from geoguichet.portal.jobs.grounds import Ground
from geoguichet.portal.jobs.kinds import KINDS, Kind, kinds_for
from geoguichet.portal.pages.workbench import held_by
from geoguichet.portal.people import accounts
from geoguichet.portal.people.store import People
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

_ERRORS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
_RELATIONS = "http://www.opengis.net/def/rel/ogc/1.0/"
#: Who waits for an answer waits so long, so many at once.
WAIT_S, MOST_WAITING = 60.0, 20
#: Jobs of a page.
MOST = 1_000
_CALLBACKS = ("successUri", "inProgressUri", "failedUri")


def routes(site: Site) -> list[Route]:
    """Return what answers about processes and jobs."""
    there = _Processes(site)
    doors: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/processes": there.listed,
        "/processes/{process}": there.described,
        "/processes/{process}/execution": there.executed,
        "/jobs": there.jobs,
        "/jobs/{job}": there.job,
        "/jobs/{job}/results": there.results,
        "/jobs/{job}/results/{file}": there.file,
    }
    methods = {"/processes/{process}/execution": ["POST"], "/jobs/{job}": ["GET", "DELETE"]}
    return [Route(path, door, methods=methods.get(path)) for path, door in doors.items()]


class _Processes:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.people = People(site.workspace)
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
        with self.people.read() as base:
            known = accounts.organisations(base).values()
            return next((one.siren for one in known if one.host), "")

    async def _kind(self, request: Request) -> Kind:
        kinds = await run_in_threadpool(self._kinds, viewer_of(request))
        if (name := request.path_params["process"]) not in kinds:
            raise _missing("no-such-process", _("Rien ne porte cet identifiant."))
        return kinds[name]

    def _of_process(self, kind: Kind) -> list[dict[str, str]]:
        home = f"/processes/{kind.name}"
        execution = link(f"{_RELATIONS}execute", f"{self.site.url}{home}/execution", JSON)
        return [*self._forms(home), execution]

    def _forms(self, path: str) -> list[dict[str, str]]:
        home = f"{self.site.url}{path}"
        return [link("self", f"{home}?f=json", JSON), link("alternate", f"{home}?f=html", HTML)]

    async def listed(self, request: Request) -> Response:
        """Answer the list of processes."""
        kinds = await run_in_threadpool(self._kinds, viewer_of(request))
        given = {name: request.query_params.get(name, "") for name in ("limit", "offset")}
        limit, offset = _number(given, "limit", MOST, least=1), _number(given, "offset", 0)
        asked = [*kinds.values()][offset : offset + limit]
        told = [{**kind.summary(), "links": self._of_process(kind)} for kind in asked]
        links = self._forms("/processes")
        if offset + limit < len(kinds):
            more = f"limit={limit}&offset={offset + limit}"
            links.append(link("next", f"{self.site.url}/processes?{more}", JSON))
        return await self._told(
            request, "processes.html", {"processes": told, "links": links}, (*given,)
        )

    async def described(self, request: Request) -> Response:
        """Answer all that is told of a process."""
        kind = await self._kind(request)
        document = await run_in_threadpool(self._description, kind)
        document["links"] = self._of_process(kind)
        return await self._told(request, "process.html", document)

    # Tell a process; of one that asks a study, what the data of this portal hold is told too.
    def _description(self, kind: Kind) -> dict[str, Any]:
        document = kind.description()
        if "territory" not in document["inputs"]:
            return document
        try:
            held = held_by(self.site)
        except Refusal:  # what a portal without data can be asked of is told all the same
            return document
        schemas = held.told_in({name: one["schema"] for name, one in document["inputs"].items()})
        told = document["inputs"].items()
        return document | {"inputs": {name: {**one, "schema": schemas[name]} for name, one in told}}

    async def _told(
        self,
        request: Request,
        template: str,
        document: dict[str, Any],
        parameters: tuple[str, ...] = (),
    ) -> Response:
        answers.parameters(request, *parameters)
        if answers.wanted_form(request) == "html":
            return await self.site.page(template, document)
        return answer(answers.to_json(document), JSON)

    # --- questions put ---------------------------------------------------------------------------

    async def executed(self, request: Request) -> Response:
        """Put a question: answer it, or tell where its job is."""
        kind, viewer = await self._kind(request), viewer_of(request)
        answers.wanted_form(request, ("json",))
        document = await answers.body_of(request, (answers.GEOJSON, JSON), most=kind.longest)
        inputs, asked = _asked(document, kind)
        preferred = request.headers.get("Prefer", "")
        may_wait = kind.waits and not re.search(r"(^|[\s,;])respond-async\b", preferred)
        if may_wait and self.waiting >= MOST_WAITING:
            raise _later(_("Trop de calculs sont en cours ; réessayez dans quelques secondes."))
        put = partial(asking.ask, self.site, kind.name, inputs, viewer=viewer, asked=asked)
        try:
            if may_wait and kind.at_once and not asked.callbacks:
                result = await run_in_threadpool(self._answer, kind, inputs, viewer)
                return _result(result.wanted(asked.response, kind.name))
            job = await run_in_threadpool(put)
        except ParameterError as error:
            raise Refusal(400, str(error)) from error
        except TooManyJobsError as error:
            raise _later(str(error)) from error
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
            raise _later(
                _("Ce calcul dure : redemandez-le avec l'en-tête « Prefer: respond-async ».")
            )
        return await run_in_threadpool(self._answered, job, viewer)

    # --- jobs ------------------------------------------------------------------------------------

    async def _job(self, request: Request) -> Job:
        asked = self.site.jobs.job
        try:
            return await run_in_threadpool(
                asked, request.path_params["job"], viewer=viewer_of(request)
            )
        except JobNotFoundError as error:
            raise _missing("no-such-job", str(error)) from error

    def _status(self, job: Job) -> dict[str, Any]:
        links = self._forms(f"/jobs/{job.id}")
        if job.state == "successful":
            address, media = f"{self.site.url}/jobs/{job.id}/results", KINDS[job.process].media
            links.append(link(f"{_RELATIONS}results", address, media))
        return {**job.status(), "links": links}

    async def jobs(self, request: Request) -> Response:
        """Answer the jobs of who looks; nobody known has none but by their addresses."""
        names = (
            "type",
            "processID",
            "status",
            "datetime",
            "minDuration",
            "maxDuration",
            "limit",
            "offset",
        )
        given = {name: request.query_params.get(name, "") for name in names}
        limit, offset = _number(given, "limit", 100, least=1), _number(given, "offset", 0)
        states, processes = (
            tuple(filter(None, given[name].split(","))) for name in ("status", "processID")
        )
        if unknown := [state for state in states if state not in STATES]:
            known = ", ".join(STATES)
            raise Refusal(
                400,
                _(
                    "status : {state} est inconnu ; attendu {known}.",
                    state=unknown[0][:40],
                    known=known,
                ),
            )
        asking_for = partial(
            self.site.jobs.jobs,
            viewer=viewer_of(request),
            states=states,
            processes=processes,
            created=_interval(given["datetime"]),
            lasted=(_number(given, "minDuration", 0), _number(given, "maxDuration", 0) or inf),
            limit=min(limit, MOST),
            offset=offset,
        )
        found, count = await run_in_threadpool(asking_for)
        if given["type"] not in ("", "process"):
            found, count = [], 0
        links = self._forms("/jobs")
        if offset + len(found) < count:
            asked = [(n, v) for n, v in given.items() if v and n != "offset"]
            more = urlencode([*asked, ("offset", offset + len(found))])
            links.append(link("next", f"{self.site.url}/jobs?{more}", JSON))
        told = [self._status(job) for job in found]
        document = {"jobs": told, "numberMatched": count, "links": links}
        return await self._told(request, "jobs.html", document, names)

    async def job(self, request: Request) -> Response:
        """Answer where a job stands; end one that goes on, or forget one that has ended."""
        job = await self._job(request)
        if request.method == "DELETE":
            dismiss, viewer = self.site.jobs.dismiss, viewer_of(request)
            job = await run_in_threadpool(dismiss, job.id, viewer=viewer)
            return answer(answers.to_json(self._status(job)), JSON)
        document = self._status(job)
        if answers.wanted_form(request) == "html":
            viewer = viewer_of(request)
            document["log"] = await run_in_threadpool(self.site.jobs.log, job.id, viewer=viewer)
        told = await self._told(request, "job.html", document)
        told.headers["Cache-Control"] = "no-store"
        if not job.has_ended:
            told.headers["Retry-After"] = "2"
        return told

    async def results(self, request: Request) -> Response:
        """Answer what a job was asked."""
        return await run_in_threadpool(self._answered, await self._job(request), viewer_of(request))

    def _answered(self, job: Job, viewer: Viewer) -> Response:
        if job.state == "failed":
            raise Refusal(400, job.message)
        result = self.site.jobs.result(job.id, viewer=viewer)
        if result is None:
            told = _("Cette tâche n'a pas de résultat ({state}).", state=job.state)
            refusal = _missing("result-not-ready", told)
            refusal.headers = {} if job.has_ended else {"Retry-After": "2"}
            raise refusal
        return _result(result.wanted(job.response, job.process))

    async def file(self, request: Request) -> Response:
        """Answer a file of a study that is kept beside its job."""
        job, viewer = await self._job(request), viewer_of(request)
        question = await run_in_threadpool(self.site.jobs.question, job.id, viewer=viewer)
        name = request.path_params["file"]
        folder = self.site.workspace / "jobs" / question.digest
        there = await run_in_threadpool(_file, folder, name)
        if job.process != "study" or job.state != "successful" or there is None:
            raise Refusal(404, BY_STATUS[404])
        return FileResponse(
            there, headers={**TO_ANYONE, "Content-Disposition": f'attachment; filename="{name}"'}
        )


def _file(folder: Path, name: str) -> Path | None:
    try:
        return next((one for one in folder.iterdir() if one.name == name and one.is_file()), None)
    except OSError:
        return None


def _result(result: Result) -> Response:
    return answer(result.body, result.media)


# Return what is asked, and how the answer is wanted.
def _asked(document: object, kind: Kind) -> tuple[Mapping[str, Any], Asked]:
    if not isinstance(document, dict):
        raise Refusal(400, _("Le corps de la demande : un objet JSON est attendu."))
    inputs, wanted = document.get("inputs", {}), document.get("response", "raw")
    if not isinstance(inputs, dict):
        raise Refusal(400, _("inputs : un objet est attendu."))
    if wanted not in ("raw", "document"):
        raise Refusal(400, _("response : raw ou document est attendu."))
    outputs = document.get("outputs") or {kind.name: {}}
    if not isinstance(outputs, dict) or set(outputs) != {kind.name}:
        raise Refusal(400, _("outputs : {name} est attendu.", name=kind.name))
    told = outputs[kind.name]
    if isinstance(told, dict) and told.get("transmissionMode", "value") != "value":
        raise Refusal(400, _("transmissionMode : value est attendu."))
    called = document.get("subscriber", {})
    fits = isinstance(called, dict) and all(
        name in _CALLBACKS and isinstance(value, str) and len(value) <= 2_000
        for name, value in called.items()
    )
    if not fits:
        known = ", ".join(_CALLBACKS)
        raise Refusal(
            400, _("subscriber : des adresses sont attendues, sous {known}.", known=known)
        )
    return inputs, Asked(str(wanted), called)


def _missing(what: str, told: str) -> Refusal:
    return Refusal(404, told, code="NotFound", kind=f"{_ERRORS}{what}")


def _later(told: str) -> Refusal:
    return Refusal(503, told, headers={"Retry-After": "10"}, code="ServerBusy")


def _number(given: Mapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    text = given[name]
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least):
        raise Refusal(400, _("{name} : un nombre entier est attendu.", name=name))
    return int(text) if text else default


# Return the two ends of what ``datetime`` asks, in seconds since 1970.
def _interval(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    ends = text.split("/") if "/" in text else [text, text]
    try:
        since, until = (None if end in ("", "..") else _second(end) for end in ends)
    except ValueError as error:
        raise Refusal(400, _("datetime : un moment ou un intervalle est attendu.")) from error
    return since, until


def _second(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.timestamp()
