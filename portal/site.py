"""What the resources of the portal share: configuration, store, pygeoapi, templates; and its pages.

Refusals end here too: whoever refuses, and however, it is told in one way.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from geoguichet.catalogue.errors import QueryError, RecordNotFoundError, StoreError
from geoguichet.catalogue.search.contract import RecordStore
from geoguichet.catalogue.search.reviews import CHANGES
from geoguichet.floor.region import read_region
from geoguichet.floor.viewer import PUBLIC, Viewer
from geoguichet.floor.words import SOURCE, Message, _, language, ngettext, speaking
from geoguichet.portal import answers, filters
from geoguichet.portal.answers import BY_STATUS, HTML, JSON, SCHEMA, Refusal, answer, link
from geoguichet.portal.engine import Engine, configuration, in_language, resources, shown_to
from geoguichet.portal.errors import ParameterError, in_words
from geoguichet.portal.jobs.contract import JobError, JobNotFoundError, JobStore, TooManyJobsError
from geoguichet.portal.jobs.stores import jobs_of
from geoguichet.portal.jobs.worker import Tender
from geoguichet.portal.providers.records import store_of
from geoguichet.portal.territory import outlines, territory_of
from geoguichet.portal.viewing import viewer_of

# What the interface declares: conformance classes, each held by `portal.conformance` or by a
# client in the tests; and how its JSON schemas are written.


_OGC = "http://www.opengis.net/spec"
_RECORDS = f"{_OGC}/ogcapi-records-1/1.0/conf"
_FEATURES = f"{_OGC}/ogcapi-features"
#: Before each kind of error of OGC API Processes.
PROCESSES_ERRORS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"

#: OGC API Records Part 1. The standard spells some of its classes in two ways; both are given.
RECORDS = tuple(
    f"{_RECORDS}/{name}"
    for name in (
        "record-core", "record-collection", "record-core-query-parameters", "query-param-profile",
        "records-api",
        "sorting", "cql-filter", "json", "html", "oas30", "autodiscovery",
        "crawlable-catalog",
        "searchable-catalog", "searchable-catalog-filtering", "searchable-catalog-sorting",
        "searchable-catalog/filtering", "searchable-catalog/sorting",
        "local-resources-catalog", "local-resources-catalog-query-parameters",
        "local-resources-catalog-filtering",
        "local-resources-catalog-sorting", "local-resources-catalog/sorting",
        "local-resource-catalog/query-parameters",
    )
)  # fmt: skip

#: The draft of OGC API Records Part 2.
FACETS = tuple(f"{_OGC}/ogcapi-records-2/1.0/conf/{name}" for name in ("simple", "advanced"))

#: Declared only where records may be edited.
EDITING = tuple(f"{_FEATURES}-4/1.0/conf/{name}" for name in ("create-replace-delete", "update"))

OTHERS = (
    *(f"{_OGC}/ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "html",
    "oas30")),
    f"{_OGC}/ogcapi-common-2/1.0/conf/collections",
    *(f"{_FEATURES}-1/1.0/conf/{name}" for name in ("core", "geojson", "html", "oas30")),
    f"{_FEATURES}-2/1.0/conf/crs",
    *(
        f"{_FEATURES}-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_OGC}/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison", "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions", "temporal-functions", "array-functions", "property-property",
            "arithmetic",
        )
    ),
    *(
        f"{_OGC}/ogcapi-tiles-1/1.0/conf/{name}"
        for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30")
    ),
    *(f"{_OGC}/tms/2.0/conf/{name}" for name in ("tilematrixset", "json-tilematrixset")),
    *(f"{_OGC}/ogcapi-processes-1/1.0/conf/{name}" for name in ("core", "json", "html", "oas30", "job-list",
    "callback", "dismiss", "ogc-process-description")),
)  # fmt: skip


def classes(*, editable: bool = False) -> list[str]:
    """Return what the portal declares."""
    return sorted({*RECORDS, *FACETS, *OTHERS, *(EDITING if editable else ())})


def ref(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to a component of the OpenAPI document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def an_object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "required": list(required), "properties": properties}


type Endpoint = Callable[[Request], Awaitable[Response]]

ROOM = Path(__file__).resolve().parent
#: Bytes from which an answer is sent packed.
LEAST_PACKED = 2_000
#: The collection of records.
COLLECTION = "catalogue"

#: The name of who is signed in, which every page says; empty for nobody, None where there are no
#: accounts.
SIGNED_IN: ContextVar[str | None] = ContextVar("signed_in", default=None)


class Asked(NamedTuple):
    """What a page is asked: its own parameters, the form of the answer, and by whom."""

    given: Mapping[str, str]
    form: str
    viewer: Viewer


@dataclass(frozen=True)
class Page:
    """One address of the portal, declared: its route, its place in the OpenAPI document and in the
    navigation are made of this, and it speaks the reader's language.

    ``document`` makes its JSON for who looks, in a thread; ``template`` shows it. ``tables`` are its
    other forms, each with its media type and what writes it. What it says follows the store of
    records when it is ``of_records``: a client that has the answer of this state is told so.
    """

    path: str
    title: Message
    summary: str
    template: str
    document: Callable[[Site, Viewer], dict[str, Any]]
    tables: Mapping[str, tuple[str, Callable[[Site, Mapping[str, Any]], bytes]]] = field(
        default_factory=dict
    )
    of_records: bool = False
    #: ``main``, ``foot`` (of the portal), ``tools`` (for developers, in the foot), or nowhere.
    menu: str = ""
    tag: str = "portal"
    #: The name of its JSON among the schemas of the OpenAPI document; it adds ``schemas``.
    schema: str = ""
    schemas: Mapping[str, Any] = field(default_factory=dict)
    media: str = JSON
    parameters: tuple[str, ...] = ()
    #: Adds what depends on what is asked.
    more: Callable[[Site, Asked], dict[str, Any]] | None = None

    def route(self, site: Site) -> Route:
        """Return what answers at its address."""

        async def answered(request: Request) -> Response:
            form = answers.wanted_form(request, ("json", "html", *self.tables))
            given = answers.parameters(request, *self.parameters)
            given |= {name: str(value) for name, value in request.path_params.items()}
            viewer = viewer_of(request)
            state = site.store.generation(viewer=viewer) if self.of_records else None
            headers = {} if state is None else answers.validators(request, state, form)
            return await run_in_threadpool(self._made, site, Asked(given, form, viewer), headers)

        return Route(self.path, site.remembering(answered))

    # Make an answer, in one thread from what it tells to its bytes.
    def _made(self, site: Site, asked: Asked, headers: Mapping[str, str]) -> Response:
        document = self.document(site, asked.viewer)
        if self.more is not None:
            document |= self.more(site, asked)
        if asked.form == "html":
            seen = site.collections_of(asked.viewer)
            data = {"links": self.links(site, asked.given), "resources": seen, **document}
            return site.filled(self.template, data, headers=headers)
        if asked.form == "json":
            return answer(answers.to_json(document), self.media, headers=headers)
        kind, write = self.tables[asked.form]
        return answer(write(site, document), kind, headers=headers)

    def links(self, site: Site, given: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """Return the links to its forms, the page itself first, with the parameters it was given."""
        told = {**(given or {}), **({"lang": language()} if language() != SOURCE else {})}
        path = re.sub(r"\{(\w+)\}", lambda part: quote(told.pop(part[1], "")), self.path)
        kept = f"&{urlencode(told)}" if told else ""
        kinds = {"json": JSON, **{form: kind for form, (kind, _write) in self.tables.items()}}
        here = f"{site.url}{path}?f="
        return [
            link("self", f"{here}html{kept}", HTML),
            *(link("alternate", f"{here}{form}{kept}", kind) for form, kind in kinds.items()),
        ]


class _Environment(jinja2.Environment):
    """Ours, where a member of a mapping is found at once: jinja looks for an attribute first."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return what ``obj.attribute`` is in a template."""
        if type(obj) is dict and attribute in obj and attribute not in _METHODS:
            return obj[attribute]
        return super().getattr(obj, attribute)


_METHODS = frozenset(dir(dict))


class Site:
    """One workspace served at an address (as its readers see it, no slash at the end).

    When it is ``editable``, records can be edited over HTTP: by who has an account that contributes,
    or bears the ``token``.
    """

    def __init__(
        self,
        workspace: Path,
        *,
        url: str,
        pages: Sequence[Page] = (),
        editable: bool = False,
        token: str = "",
    ) -> None:
        self.workspace = workspace.absolute()
        self.url = url
        self.pages = pages
        self.editable = editable
        self.token = token
        self.home = f"{url}/collections/{COLLECTION}"
        self.region = read_region(self.workspace)
        self.territory = territory_of(self.workspace, self.region)
        self.config = configuration(self.workspace, self.region, url=url)
        self.engine = Engine(self.config)
        self.store: RecordStore = store_of(self.workspace)
        self.jobs: JobStore = jobs_of(self.workspace)
        self.tender = Tender(self.workspace, self.jobs)
        self.renewals = 0
        """How often the collections changed since the portal was started."""
        self._told: dict[str, dict[str, Any]] = {}
        self.remembered: answers.Recent[Response] = answers.Recent(5_000, 16_000_000)
        """Pages made for everybody."""
        self._shared: dict[str, object] = {}
        """What all templates share, by language (``_parts.html``)."""
        self._parts: answers.Recent[str] = answers.Recent(1_000, 8_000_000)

    def renew(self) -> None:
        """Serve the referentials there are now."""
        self.config["resources"] = resources(
            self.config, self.workspace, self.region.visibility, url=self.url
        )
        self.engine.replace_resources(self.config["resources"])
        self._told = {}
        self.renewals += 1

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the pages, that of who asks for none first."""
        return tuple(self.config["server"]["languages"])

    def layer(self, name: str) -> str:
        """Return the collection that shows a layer of the territory; empty where none does."""
        for collection, one in self.config["resources"].items():
            told = (one.get("providers") or [{}])[0]
            if told.get("table") == name and told.get("data") in (
                "sample",
                str(self.territory.data),
            ):
                return str(collection)
        return ""

    def door(self, path: str, other: str) -> str:
        """Return the address of a page, or of another where the portal has no such page."""
        return f"{self.url}{path if any(page.path == path for page in self.pages) else other}"

    @property
    def told(self) -> dict[str, Any]:
        """The configuration in the language of the moment."""
        spoken = language()
        if spoken not in self._told:
            self._told[spoken] = in_language(self.config, spoken, SOURCE)
        return self._told[spoken]

    def collections_of(self, viewer: Viewer) -> dict[str, Any]:
        """Return the resources that a viewer may see, in the language of the moment."""
        return shown_to(viewer, self.told["resources"])

    @property
    def contact(self) -> dict[str, str]:
        """Who answers for the catalogue: a name, an ``email`` and a ``url`` where they are told."""
        told = self.told["metadata"]["contact"]
        return {key: told[key] for key in ("name", "email", "telephone", "url") if key in told}

    def data_catalog(self, datasets: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """Return what the portal is, as schema.org, with datasets as it describes them."""
        about = self.told["metadata"]
        members = {
            "@context": "https://schema.org/",
            "@type": "DataCatalog",
            "@id": self.url,
            "url": self.url,
            "name": about["identification"]["title"],
            "description": about["identification"]["description"],
            "keywords": about["identification"]["keywords"],
            "license": about["license"]["url"],
            "publisher": {"@type": "Organization", **self.contact},
        }
        return {**members, "dataset": list(datasets)} if datasets else members

    # --- pages -----------------------------------------------------------------------------------

    @cached_property
    def _templates(self) -> jinja2.Environment:
        loader = jinja2.FileSystemLoader(ROOM / "templates")
        environment = _Environment(loader=loader, autoescape=True, auto_reload=False)
        areas = {code: name for code, name, _shape in outlines(self.territory)}
        environment.filters.update(filters.FILTERS, in_words=partial(filters.in_words, areas=areas))
        environment.globals.update(
            _=_,
            ngettext=ngettext,
            root=self.url,
            LANGUAGES={code: filters.LANGUAGES[code] for code in self.languages},
            PAGES=self.pages,
            REGION=self.region,
            TERRITORY=self.territory.name,
            door=self.door,
            layer=self.layer,
            CHANGES=CHANGES,
            RAW=filters.RAW,
            once=self._once,
        )
        return environment

    # Return a part of a page that says the same to everybody while what its key is of stands.
    def _once(self, *key: object, caller: Callable[[], str]) -> str:
        told = repr((language(), *key))
        if (made := self._parts.get(told)) is None:
            made = caller()
            self._parts.keep(told, made, len(made))
        return made

    def render(self, template: str, data: Mapping[str, Any]) -> bytes:
        """Fill one of our templates in the language of the moment.

        The links of the data are those of their JSON: the page itself takes the place of ``self``.
        """
        links = [
            {**one, "rel": "self" if str(one.get("type", "")).startswith(HTML) else "alternate"}
            if one.get("rel") in ("self", "alternate") and "f=" in one["href"]
            else one
            for one in data.get("links", ())
        ]
        spoken, templates = language(), self._templates
        other = spoken if spoken != SOURCE else ""
        said = {"lang": spoken, "keep_lang": other, "keep": f"?lang={other}" if other else ""}
        with speaking(spoken, typeset=True):
            if spoken not in self._shared:
                self._shared[spoken] = templates.get_template("_parts.html").make_module(said)
            page = templates.get_template(template).render(
                said,
                parts=self._shared[spoken],
                config=self.told,
                data={**data, "links": links},
                signed_in=SIGNED_IN.get(),
            )
        return page.encode("utf-8", "replace")

    def filled(
        self,
        template: str,
        data: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return one of our pages; in a thread, for it takes milliseconds."""
        return answer(self.render(template, data), HTML, status=status, headers=headers)

    async def page(self, template: str, data: Mapping[str, Any], **told: Any) -> Response:
        """Return one of our pages (`filled`)."""
        return await run_in_threadpool(partial(self.filled, template, data, **told))

    def remembering(self, endpoint: Endpoint) -> Endpoint:
        """Return what answers as an endpoint does, and remembers the pages it makes for everybody: while
        the data stand, and within a minute, for pages say what is open now.
        """

        async def answered(request: Request) -> Response:
            told, viewer = request.headers, viewer_of(request)
            asks = "html" in (request.query_params.get("f") or told.get("Accept", ""))
            conditions = any(name.startswith("if-") for name in told)
            for_all = viewer == PUBLIC and not SIGNED_IN.get()
            if not asks or conditions or not for_all or request.method != "GET":
                return await endpoint(request)
            packed = "gzip" in told.get("Accept-Encoding", "")
            asked = (request.scope["path"], request.scope["query_string"], told.get("Accept"))
            state = (SIGNED_IN.get(), self.renewals, *self._moment())
            key = answers.digest(repr((*asked, language(), packed, *state)).encode())
            if (page := self.remembered.get(key)) is None:
                page = await endpoint(request)
                is_page = page.status_code == 200 and page.media_type == HTML
                if not is_page or "Set-Cookie" in page.headers:
                    return page
                if "ETag" not in page.headers:  # of the page as it is, not as it is packed
                    page.headers.update(answers.tagged(request, answers.digest(bytes(page.body))))
                if packed and len(page.body) >= LEAST_PACKED:
                    page = _packed(page)
                self.remembered.keep(key, page, len(page.body))
            return Response(page.body, headers=page.headers)

        return answered

    # What tells that the data of the portal changed, and that a minute passed.
    def _moment(self) -> tuple[int, int, int]:
        data = self.territory.data
        changed = data.stat().st_mtime_ns if data is not None and data.exists() else 0
        return self.store.generation(viewer=PUBLIC), changed, int(time.time() // 60)

    async def properties(
        self, form: str, collection: str, kind: str, title: str, properties: Mapping[str, Any]
    ) -> Response:
        """Return the properties of a collection as a JSON schema or its page; ``kind`` says which of
        them, as the end of their address does (``queryables``, ``sortables``, ``schema``).
        """
        here = f"{self.url}/collections/{quote(collection)}/{kind}"
        document = {
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "$id": here,
            "type": "object",
            "title": title,
            "properties": properties,
            "additionalProperties": False,
        }
        if form == "json":
            return answer(answers.to_json(document), SCHEMA)
        links = [link("self", f"{here}?f=html", HTML), link("alternate", f"{here}?f=json", JSON)]
        data = {**document, "links": links, "collection": collection, "kind": kind}
        return await self.page("properties.html", data)

    # --- refusals --------------------------------------------------------------------------------

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Tell why a request is refused: as a page to who asks for pages, else as JSON."""
        if isinstance(error, HTTPException) and error.status_code == 304:
            return Response(status_code=304, headers=error.headers)
        with speaking(answers.wanted_language(request, self.languages)):
            refusal = _refusal(error)
            document, status = refusal.document(), refusal.status
            # What broke is told outside of what adds headers to the others.
            headers = {**answers.TO_ANYONE, **refusal.headers}
            if number := request.scope.get("request_number"):  # by which the logs are searched
                document["requestId"] = number
            try:
                form = answers.wanted_form(request, ("json", "html", "jsonld"))
            except Refusal:
                form = "json"
            if form == "html":
                return await self.page("exception.html", document, status=status, headers=headers)
            # ASCII: what is told may repeat a broken character of the request.
            body = json.dumps(document).encode()
            return answer(body, JSON, status=status, headers=headers)


def _packed(page: Response) -> Response:
    headers = {**page.headers, "content-encoding": "gzip"}
    del headers["content-length"]
    return Response(gzip.compress(bytes(page.body), compresslevel=4), headers=headers)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        said = BY_STATUS.get(error.status_code, error.detail)
        return Refusal(error.status_code, said, headers=error.headers)
    if isinstance(error, QueryError | RecordNotFoundError):
        return Refusal(400 if isinstance(error, QueryError) else 404, in_words(error))
    for kind, refused in _OF_JOBS.items():
        if isinstance(error, kind):
            return refused(error)
    if isinstance(error, JobError):
        told = _("Les calculs ne répondent pas en ce moment ; réessayez dans quelques secondes.")
        return Refusal(503, told, headers={"Retry-After": "2"})
    status = 503 if isinstance(error, StoreError) else 500
    if isinstance(error, ClientDisconnect):  # nobody reads it; the log says no failure of ours
        status = 408
    return Refusal(status, BY_STATUS[status])


#: How what is asked of processes and jobs is refused.
_OF_JOBS: Mapping[type[Exception], Callable[[Exception], Refusal]] = {
    ParameterError: partial(Refusal, 400),
    JobNotFoundError: partial(Refusal, 404, kind=f"{PROCESSES_ERRORS}no-such-job"),
    TooManyJobsError: answers.busy,
}
#: What becomes an answer wherever it is raised.
REFUSED = (
    Refusal, HTTPException, ClientDisconnect, QueryError, RecordNotFoundError, StoreError, JobError,
    ParameterError, Exception,
)  # fmt: skip
