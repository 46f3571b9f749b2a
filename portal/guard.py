"""What stands between pygeoapi and the world: bodies are checked first, its errors told as ours."""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.portal import answers
from geoguichet.portal.answers import GEOJSON, Refusal

_FEATURES = re.compile(r"^/collections/[^/]+/items(/.*)?$")


class Guard:
    """An application before another: a JSON body is an object or is refused, GeoJSON is called so, errors are JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
                await answers.refused(error, answers.language(request))(scope, receive, send)
                return
        await self.app(scope, receive, _Told(request, send))


async def _checked_body(request: Request) -> Receive:
    """Read a body that has to be a JSON object; return what gives it again."""
    document = await answers.body_of(request)
    if not isinstance(document, dict):
        raise Refusal(400, "Le corps de la demande : un objet JSON est attendu.", "A JSON object is expected.")
    body = answers.to_json(document)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


class _Told:
    """Passes an answer on; features in JSON are GeoJSON, and an error in plain text is told as all others are."""

    def __init__(self, request: Request, send: Send) -> None:
        self.request = request
        self.send = send
        self.replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kind = headers.get("Content-Type", "").partition(";")[0]
            if message["status"] in (404, 405) and kind == "text/plain":
                await self._refuse(message["status"])
                return
            path = self.request.url.path
            if message["status"] == 200 and kind == "application/json" and _FEATURES.match(path):
                headers["Content-Type"] = GEOJSON
        if not self.replaced:
            await self.send(message)

    async def _refuse(self, status: int) -> None:
        self.replaced = True
        found = {404: ("Rien à cette adresse.", "Nothing at this address."),
                 405: ("Cette méthode n'est pas servie ici.", "This method is not served here.")}  # fmt: skip
        lang = answers.language(self.request)
        told = answers.refused(Refusal(status, *found[status]), lang)
        await told(self.request.scope, self.request.receive, self.send)
