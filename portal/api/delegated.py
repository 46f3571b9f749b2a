"""What pygeoapi answers: features and processes, in the forms we say, its pages filled by us."""

import json
from typing import Any, NamedTuple

from pygeoapi.api import get_collection_schema, itemtypes, processes
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from geoguichet.floor.words import _
from geoguichet.portal import answers
from geoguichet.portal.answers import GEOJSON, JSON, SCHEMA, Refusal
from geoguichet.portal.engine import Function
from geoguichet.portal.site import Site


# A resource of pygeoapi: its address, the function that answers, and how we show it.
class _Delegated(NamedTuple):
    path: str
    function: Function
    template: str
    media: str = JSON
    forms: tuple[str, ...] = ("json", "html")
    #: Which of its templates' kinds it is, where one template shows several.
    kind: str = ""


_HOME = "/collections/{collection}"
_FEATURES = ("json", "html", "jsonld", "csv")
DELEGATED = (
    _Delegated(f"{_HOME}/items", itemtypes.get_collection_items, "features.html", GEOJSON,
               _FEATURES),
    _Delegated(f"{_HOME}/items/{{identifier:path}}", itemtypes.get_collection_item, "feature.html",
               GEOJSON, _FEATURES[:3]),
    _Delegated(f"{_HOME}/queryables", itemtypes.get_collection_queryables, "properties.html",
               SCHEMA, kind="queryables"),
    _Delegated(f"{_HOME}/schema", get_collection_schema, "properties.html", SCHEMA, kind="schema"),
    _Delegated("/processes", processes.describe_processes, "processes.html"),
    _Delegated("/processes/{process}", processes.describe_processes, "process.html"),
    _Delegated("/jobs", processes.get_jobs, "jobs.html"),
    _Delegated("/jobs/{job}", processes.get_jobs, "jobs.html"),
)  # fmt: skip


def mount(site: Site) -> Mount:
    """Return the resources that pygeoapi answers, which pages of other sites may ask for."""
    anyone = Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], expose_headers=["*"]
    )
    routes = [_route(site, one) for one in DELEGATED]
    execution = Route("/processes/{process}/execution", _execution(site), methods=["POST"])
    return Mount("/", routes=[*routes, execution], middleware=[anyone])


def _route(site: Site, one: _Delegated) -> Route:
    async def answered(request: Request) -> Response:
        form = answers.wanted_form(request, one.forms)
        asked = "json" if form == "html" else form
        names = request.path_params.values()
        headers, status, content = await site.engine.ask(request, asked, one.function, *names)
        if form == "html":
            data = json.loads(content) | request.path_params | {"kind": one.kind}
            data["links"] = [
                told
                for told in data.get("links", ())
                if "jsonld" in one.forms or "f=jsonld" not in told["href"]
            ]
            data["offset"] = int(request.query_params.get("offset", "0"))
            return await site.page(one.template, data)
        if form == "json":
            headers["Content-Type"] = one.media
        return Response(content, status, headers)

    return Route(one.path, answered)


def _execution(site: Site) -> Any:
    async def answered(request: Request) -> Response:
        answers.wanted_form(request, ("json",))
        document = await answers.body_of(request)
        if not isinstance(document, dict):
            raise Refusal(400, _("Le corps de la demande : un objet JSON est attendu."))
        process = request.path_params["process"]
        headers, status, content = await site.engine.ask(
            request, "json", processes.execute_process, process, body=answers.to_json(document)
        )
        return Response(content, status, headers)

    return answered
