"""What stands between pygeoapi and the world: bodies are checked first, its errors told as ours."""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.portal.api import answers, refusals
from geoguichet.portal.api.answers import GEOJSON, Refusal
from geoguichet.portal.api.refusals import Render

_FEATURES = re.compile(r"^/collections/[^/]+/items(/.*)?$")


class Guard:
    """An application before another: a JSON body is an object or is refused, GeoJSON is called so.

    What pygeoapi refuses is told as our own refusals are: in the reader's language, as a page or as
    JSON (``render`` fills a template).
    """

    def __init__(self, app: ASGIApp, render: Render) -> None:
        self.app = app
        self.render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        if scope["method"] == "POST":
            try:
                receive = await _checked_body(request)
            except Refusal as error:
                await (await refusals.told(error, request, self.render))(scope, receive, send)
                return
        await self.app(scope, receive, _Told(request, send, self.render))


async def _checked_body(request: Request) -> Receive:
    """Read a body that has to be a JSON object; return what gives it again."""
    document = await answers.body_of(request)
    if not isinstance(document, dict):
        raise Refusal(
            400, "Le corps de la demande : un objet JSON est attendu.", "A JSON object is expected."
        )
    body = answers.to_json(document)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


class _Told:
    """Passes an answer on; features in JSON are GeoJSON, and a refusal is told as all others
    are.
    """

    def __init__(self, request: Request, send: Send, render: Render) -> None:
        self.request = request
        self.send = send
        self.render = render
        self.refused: int | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kind = headers.get("Content-Type", "").partition(";")[0]
            if message["status"] >= 400 and kind in ("application/json", "text/plain"):
                self.refused = message["status"]
                return
            path = self.request.url.path
            if message["status"] == 200 and kind == "application/json" and _FEATURES.match(path):
                headers["Content-Type"] = GEOJSON
        elif self.refused is not None:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                refusal = refusals.of_pygeoapi(self.refused, self.body)
                answer = await refusals.told(refusal, self.request, self.render)
                await answer(self.request.scope, self.request.receive, self.send)
            return
        await self.send(message)
