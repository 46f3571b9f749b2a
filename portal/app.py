"""The web application: pygeoapi's, with our pages, our files and the headers a public site owes its
readers.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.catalogue.intake.publish_referentials import share_referentials
from geoguichet.coverage.outputs.style import VENDOR
from geoguichet.floor.viewer import PUBLIC
from geoguichet.floor.words import _, speaking
from geoguichet.portal import answers, theme
from geoguichet.portal.answers import Refusal
from geoguichet.portal.api import csw, feeds, openapi, processes, reviewing, sitemap
from geoguichet.portal.api.collections import Collections
from geoguichet.portal.api.features import FeaturesApi
from geoguichet.portal.api.records import RecordsApi
from geoguichet.portal.api.tiles import TilesApi
from geoguichet.portal.cross_origin import CrossOrigin
from geoguichet.portal.engine import Renewal
from geoguichet.portal.errors import PortalError, PortInUseError
from geoguichet.portal.pages.registry import PAGES
from geoguichet.portal.pages.workbench import Workbench
from geoguichet.portal.people.account import Account
from geoguichet.portal.people.administration import Administration
from geoguichet.portal.people.presence import Knowing
from geoguichet.portal.people.signing_in import SigningIn
from geoguichet.portal.people.store import People, tell_security
from geoguichet.portal.providers.referentials import versions_of
from geoguichet.portal.providers.studies import sees_study
from geoguichet.portal.serving import bounds, watch
from geoguichet.portal.serving.admission import Admission, gates
from geoguichet.portal.serving.workers import Member, claimed, serve_by_several
from geoguichet.portal.site import LEAST_PACKED, REFUSED, ROOM, Site
from geoguichet.portal.territory import background
from geoguichet.portal.viewing import viewer_of

DEFAULT_URL = "http://127.0.0.1:5000"

_PAGES_POLICY = (
    b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action "
    b"'self'; "
    b"frame-ancestors 'none'"
)
_STUDY_POLICY = (
    b"default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    b"form-action 'none'; sandbox allow-scripts allow-popups allow-downloads"
)
#: The page that may ask where its reader is, and what other sites' pages may frame.
_WHERE, _FRAMED = "/guichet", "/widget"
_ASKS = b"geolocation=%b, camera=(), microphone=()"
#: What every answer says that says nothing else of it.
_ALWAYS = {
    **answers.TO_ANYONE,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
#: By TLS, browsers come back by TLS alone for half a year.
_BY_TLS = {"Strict-Transport-Security": "max-age=15724800"}
#: Files of studies that are read whole, in bytes.
_READ_AT_ONCE = 1_000_000
_HTML = b"text/html; charset=utf-8"


def create_app(
    workspace: Path,
    *,
    url: str = DEFAULT_URL,
    editable: bool = False,
    token: str = "",
    member: Member | None = None,
) -> Starlette:
    """Return the application that serves a workspace at an address (as its readers see it, no slash
    at the end).

    When it is ``editable``, records can be created, replaced, changed and deleted over HTTP: by who
    has an account that contributes, or bears the ``token``. A ``member`` is one of several processes
    that serve it.
    """
    site = Site(
        workspace,
        url=url.rstrip("/"),
        pages=(*PAGES, openapi.PAGE),
        editable=editable,
        token=token,
    )
    share_referentials(versions_of(site.workspace), site.workspace)
    records = RecordsApi(site)
    features = FeaturesApi(site)
    collections = Collections(site, records)
    people = People(site.workspace, member.folder if member else None)
    door = SigningIn(site, people)
    let_through = gates()
    counts = watch.Counts(let_through, member)
    made = Starlette(
        routes=[
            # What is asked most is looked for first: a route costs a microsecond to pass by.
            Mount("/studies", _Studies(directory=site.workspace / "studies", check_dir=False)),
            *records.routes(),
            *reviewing.routes(site),
            Mount("/static/maplibre-gl", _Files(directory=VENDOR / "maplibre-gl", check_dir=False)),
            Mount("/static", StaticFiles(directory=ROOM / "static")),
            *(Route(path, _moved(site, home)) for path, home in _ALIASES.items()),
            _furniture("/theme.css", "text/css", lambda: theme.stylesheet(site.region.theme)),
            _furniture("/widget.js", "text/javascript", _WIDGET.read_bytes),
            Route("/favicon.ico", _logo(site)),
            Route("/logo", _logo(site)),
            _furniture("/background.geojson", answers.GEOJSON, lambda: background(site.territory)),
            *watch.routes(site, counts),
            feeds.route(site),
            *sitemap.routes(site),
            csw.route(site),
            *door.routes(),
            *_elsewhere(door),
            *Account(door).routes(),
            *Administration(door).routes(),
            *Workbench(site).routes(),
            *(page.route(site) for page in site.pages),
            *collections.routes(),
            *features.routes(),
            *TilesApi(features).routes(),
            *processes.routes(site),
        ],
        middleware=[
            Middleware(_careful, languages=site.languages, by_tls=url.startswith("https:")),
            Middleware(Admission, site=site, gates=let_through),
            Middleware(_Compressing, minimum_size=LEAST_PACKED, compresslevel=4),
            Middleware(CrossOrigin),
            Middleware(Renewal, workspace=workspace, renew=site.renew),
            Middleware(Knowing, site=site, people=people),
        ],
        exception_handlers=dict.fromkeys(REFUSED, site.refuse),
        lifespan=partial(_served, site, collections),
    )
    made.state.counts = counts
    return made


# Return the routes to where people of the region sign in already, which an extra goes to.
def _elsewhere(door: SigningIn) -> list[Route]:
    if not door.elsewhere:
        return []
    try:
        from geoguichet.portal.people.single_sign_on import SingleSignOn
    except ImportError as error:
        told = _("[sign_in] demande authlib : pip install 'geoguichet[oidc]'.")
        raise PortalError(told) from error
    return SingleSignOn(door).routes()


# Close what is open of the catalogue and of the list of collections when the server ends.
@asynccontextmanager
async def _served(site: Site, collections: Collections, _app: Starlette) -> AsyncIterator[None]:
    tending = asyncio.create_task(_tended(site))
    try:
        yield
    finally:
        tending.cancel()
        await run_in_threadpool(site.tender.end)
        collections.close()
        site.store.close()


# See each second that somebody does the jobs that wait.
async def _tended(site: Site) -> None:
    while True:
        # It is said where it is asked; or no process can begin now: the next second may be better.
        with suppress(PortalError, OSError):
            await run_in_threadpool(site.tender.look)
        await asyncio.sleep(1)


class _Files(StaticFiles):
    """The files of a folder, which may be made later, or never: nothing is there until then."""

    async def check_config(self) -> None:
        """Ask nothing of the folder."""


class _Studies(_Files):
    """The files of the studies that who asks may see; the others are not there."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; 404 for what is not there."""
        # Hidden names are what a run writes or sets aside, and whose a study is; and ``..``, which in
        # a normal path stands first, even of one that comes back.
        parts = Path(path).parts or (".",)
        folder = Path(str(self.directory), parts[0])
        is_hidden = any(part.startswith(".") for part in parts)
        if is_hidden or not sees_study(viewer_of(Request(scope)), folder):
            raise HTTPException(404)
        found = await super().get_response(path, scope)
        is_part = scope["method"] == "HEAD" or "range" in Request(scope).headers
        if not isinstance(found, FileResponse) or is_part:
            return found
        if found.stat_result is None or found.stat_result.st_size > _READ_AT_ONCE:
            return found
        # A thread is asked once: to open, to read piece by piece and to close asks each time.
        body = await run_in_threadpool(Path(found.path).read_bytes)
        found.headers["Content-Length"] = str(len(body))
        return Response(body, headers=found.headers)


def serve(
    workspace: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 5000,
    url: str | None = None,
    on_ready: Callable[[str], None] = lambda _address: None,
    editable: bool = False,
    token: str = "",
    workers: int = 1,
) -> None:
    """Serve a workspace by so many processes until interrupted; ``on_ready`` is told the address.
    PortInUseError when the port is taken. Told to end (SIGTERM, SIGINT), they end within 5 seconds.
    """
    with listen(host, port) as listener:
        port = listener.getsockname()[1]
        address = url.rstrip("/") if url else f"http://{_bracketed(host)}:{port}"
        made = partial(create_app, workspace, url=address, editable=editable, token=token)
        if workers == 1:
            _serve_on(lambda: listener, made(), lambda: on_ready(address))
            return
    with claimed(host, port):
        answer = partial(_serve_beside, made, host, port)
        serve_by_several(answer, workers, lambda: on_ready(address))


# Serve as one of several processes; it listens once it can answer.
def _serve_beside(
    made: Callable[..., Starlette],
    host: str,
    port: int,
    member: Member,
    on_ready: Callable[[], None],
) -> None:
    _serve_on(partial(listen, host, port, shared=True), made(member=member), on_ready, member)


def _serve_on(
    listening: Callable[[], socket.socket],
    app: Starlette,
    on_ready: Callable[[], None],
    member: Member | None = None,
) -> None:
    watched = watch.Watch(app, app.state.counts)
    server = bounds.BoundedServer(watched, bounds.Bounds(connections=bounds.connections_here()))
    tell_security()
    watch.tell_access(member)
    bounds.spare_logs()
    bounds.share_python()
    with listening() as listener:
        on_ready()
        server.run(sockets=[listener])


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens, alone unless ``shared`` by our processes; PortInUseError or
    PortalError when it cannot.
    """
    if not 0 <= port <= 65535:
        told = _(
            "Port {port} : un nombre de 0 à 65535 est attendu, par exemple 5000.", port=str(port)
        )
        raise PortalError(told)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128, reuse_port=shared)
    except OSError as error:
        if error.errno in _IN_USE:
            told = _(
                "Le port {port} de {host} est déjà utilisé par un autre programme ; "
                "arrêtez-le ou choisissez un autre port, par exemple --port {other}.",
                port=str(port),
                host=host,
                other=str(port + 1),
            )
            raise PortInUseError(told) from error
        told = _(
            "Impossible d'écouter sur {host}, port {port} ({error}).",
            host=host,
            port=str(port),
            error=error,
        )
        raise PortalError(told) from error
    listener.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # else each answer waits 40 ms for an ACK
    return listener


#: EADDRINUSE on macOS, Linux and Windows.
_IN_USE = (48, 98, 10048)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


#: The addresses that people are told, and where what they show stands.
_ALIASES = {"/donnees": "/collections", "/catalogue": "/collections/catalogue/items"}


# Lead to where a page stands, with what was asked.
def _moved(site: Site, home: str) -> Callable[[Request], Response]:
    def answered(request: Request) -> Response:
        asked = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{site.url}{home}{asked}", 308)

    return answered


#: What puts the counters of a commune on its site: one line of script.
_WIDGET = ROOM / "static" / "widget.js"


# Serve what pages are made of beside their files: the colours of the region, which each has before its
# sheet, the outlines of the territory, which maps show beneath the data instead of tiles.
def _furniture(path: str, media: str, made: Callable[[], str | bytes]) -> Route:
    def answered(_request: Request) -> Response:
        return Response(made(), media_type=media, headers=_AN_HOUR)

    return Route(path, answered)


_AN_HOUR = {"Cache-Control": "public, max-age=3600"}


# Serve the logo of the region; ours where it has none.
def _logo(site: Site) -> Callable[[Request], Response]:
    def answered(_request: Request) -> Response:
        logo = site.region.theme.logo
        path = site.workspace / logo if logo else ROOM / "static" / "icon.svg"
        kind = "image/png" if path.suffix.lower() == ".png" else "image/svg+xml"
        if not path.is_file():
            raise Refusal(404, _("Le logo de la région ne se lit pas."))
        return Response(path.read_bytes(), media_type=kind, headers=_AN_HOUR)

    return answered


# Speak the reader's language while a request is answered, and add to every answer what tells
# browsers to be careful with it.
def _careful(app: ASGIApp, *, languages: Sequence[str], by_tls: bool) -> ASGIApp:
    always = dict(Headers(_ALWAYS | (_BY_TLS if by_tls else {})).raw)

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(scope, message, always)
            await send(message)

        with speaking(answers.wanted_language(Request(scope), languages)):
            await app(scope, receive, sent)

    return answered


# It is done at every answer: headers are looked for as they stand, in bytes, each once.
def _add_headers(scope: Scope, message: Message, always: Mapping[bytes, bytes]) -> None:
    path, given = scope["path"], dict(message["headers"])
    policy = _STUDY_POLICY if path.startswith("/studies/") else _PAGES_POLICY
    if path.endswith(_FRAMED):
        policy = policy.replace(b"frame-ancestors 'none'", b"frame-ancestors *")
    asks = _ASKS % (b"(self)" if path == _WHERE else b"()")
    told = {**always, b"content-security-policy": policy, b"permissions-policy": asks}
    # Those that may be compressed depend on what is asked, though they were not this time.
    vary = given.pop(b"vary", b"Accept-Encoding")
    if path.startswith("/static/"):
        told |= {b"vary": vary, b"cache-control": b"public, max-age=3600"}
    else:
        told[b"vary"] = vary + b", Accept, Accept-Language, Authorization, Cookie"
        if scope.get("viewer", PUBLIC) != PUBLIC:  # what is made for one is kept for no other
            told[b"cache-control"] = b"private, no-cache"
        elif b"etag" in given:
            told[b"cache-control"] = b"public, max-age=0, must-revalidate"
    message["headers"] = [
        *((name, _HTML if value == b"text/html" else value)
          for name, value in message["headers"] if name != b"vary"),
        *(one for one in told.items() if one[0] not in given),
    ]  # fmt: skip


class _Compressing(GZipMiddleware):
    """Compresses answers to who takes them so; to others they go as they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope.get("headers", ()))
        is_taken = b"gzip" in headers.get(b"accept-encoding", b"")
        await (super().__call__ if is_taken else self.app)(scope, receive, send)
