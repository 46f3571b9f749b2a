"""What pygeoapi answers: processes, in the forms we say, its pages filled by us."""

import json
from typing import Any, NamedTuple

from pygeoapi.api import processes
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import Refusal
from geoguichet.portal.engine import Function
from geoguichet.portal.site import Site


# A resource of pygeoapi: its address, the function that answers, and how we show it.
class _Delegated(NamedTuple):
    path: str
    function: Function
    template: str


DELEGATED = (
    _Delegated("/processes", processes.describe_processes, "processes.html"),
    _Delegated("/processes/{process}", processes.describe_processes, "process.html"),
    _Delegated("/jobs", processes.get_jobs, "jobs.html"),
    _Delegated("/jobs/{job}", processes.get_jobs, "jobs.html"),
)  # fmt: skip


#: Bytes of the inputs of a process: twelve services with all their types take a tenth of it.
_LONGEST_QUESTION = 100_000


def mount(site: Site) -> Mount:
    """Return the resources that pygeoapi answers."""
    routes = [_route(site, one) for one in DELEGATED]
    execution = Route("/processes/{process}/execution", _execution(site), methods=["POST"])
    return Mount("/", routes=[*routes, execution])


def _route(site: Site, one: _Delegated) -> Route:
    async def answered(request: Request) -> Response:
        form = answers.wanted_form(request)
        names = request.path_params.values()
        headers, status, content = await site.engine.ask(request, "json", one.function, *names)
        if form == "html":
            data = json.loads(content) | request.path_params
            data["links"] = [
                told for told in data.get("links", ()) if "f=jsonld" not in told["href"]
            ]
            return await site.page(one.template, data)
        return Response(content, status, headers)

    return Route(one.path, answered)


def _execution(site: Site) -> Any:
    async def answered(request: Request) -> Response:
        answers.wanted_form(request, ("json",))
        document = await answers.body_of(
            request, (answers.GEOJSON, answers.JSON), most=_LONGEST_QUESTION
        )
        if not isinstance(document, dict):
            raise Refusal(400, _("Le corps de la demande : un objet JSON est attendu."))
        process = request.path_params["process"]
        headers, status, content = await site.engine.ask(
            request, "json", processes.execute_process, process, body=answers.to_json(document)
        )
        if status == 503:
            headers["Retry-After"] = "10"
        return Response(content, status, headers)

    return answered
