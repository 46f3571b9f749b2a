"""Pages of other sites may read every answer: one middleware says so, answers what browsers ask
before they do, and gives a tag to every answer that has none.
"""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.portal import answers
from geoguichet.portal.answers import TO_ANYONE

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
#: What a page of another site may send beside what browsers let it.
_SENT = (
    "Accept, Accept-Language, Authorization, Content-Type, Content-Crs, If-Match, If-None-Match, "
    "If-Modified-Since, If-Range, Prefer, Range"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": _METHODS,
    "Access-Control-Allow-Headers": _SENT,
    "Access-Control-Max-Age": "86400",
}


class CrossOrigin:
    """An application before another: its answers may be read from anywhere, and kept by their tag.

    No cookie goes with a request of another site: what it may read is what everybody may, or what
    a token it has opens.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        told = request.headers if scope["method"] == "OPTIONS" else {}
        if told.get("Access-Control-Request-Method") and "Origin" in told:
            headers = {**TO_ANYONE, **_PREFLIGHT, "Allow": _METHODS}
            await Response(status_code=204, headers=headers)(scope, receive, send)
            return
        await self.app(scope, receive, _Tagging(request, send))


# What sends an answer on: one without a tag waits for its body, which makes it.
class _Tagging:
    def __init__(self, request: Request, send: Send) -> None:
        self.request = request
        self.send = send
        self.waits: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, told in TO_ANYONE.items():
                headers.setdefault(name, told)
            is_read = self.request.method in ("GET", "HEAD") and message["status"] == 200
            if is_read and "ETag" not in headers:
                self.waits = message
                return
        elif self.waits is not None:
            start, self.waits = self.waits, None
            if not message.get("more_body") and message.get("body"):
                headers = MutableHeaders(scope=start)
                try:
                    tag = answers.tagged(self.request, answers.digest(message["body"]))
                except HTTPException as known:
                    kept = {**(known.headers or {}), "Vary": headers.get("Vary", "Accept")}
                    start = {**start, "status": 304, "headers": []}
                    MutableHeaders(scope=start).update(kept)
                    message = {**message, "body": b""}
                else:
                    for name, value in tag.items():
                        headers.setdefault(name, value)
            await self.send(start)
        await self.send(message)
