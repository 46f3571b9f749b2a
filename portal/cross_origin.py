"""Pages of other sites may read every answer: one middleware answers what browsers ask before they
do, and gives a tag to every answer that has none.
"""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.portal import answers

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
        told = Request(scope).headers if scope["method"] == "OPTIONS" else {}
        if told.get("Access-Control-Request-Method") and "Origin" in told:
            headers = {**_PREFLIGHT, "Allow": _METHODS}
            await Response(status_code=204, headers=headers)(scope, receive, send)
            return
        is_read = scope["method"] in ("GET", "HEAD")
        await self.app(scope, receive, _Tagging(scope, send) if is_read else send)


# What sends an answer on: one without a tag waits for its body, which makes it.
class _Tagging:
    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.send = send
        self.waits: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            has_tag = any(name == b"etag" for name, _value in message["headers"])
            if message["status"] == 200 and not has_tag:
                self.waits = message
                return
        elif self.waits is not None:
            start, self.waits = self.waits, None
            if not message.get("more_body") and message.get("body"):
                headers = MutableHeaders(scope=start)
                try:
                    tag = answers.tagged(Request(self.scope), answers.digest(message["body"]))
                except HTTPException as known:
                    start = {**start, "status": 304, "headers": []}
                    MutableHeaders(scope=start).update(known.headers or {})
                    message = {**message, "body": b""}
                else:
                    for name, value in tag.items():
                        headers.setdefault(name, value)
            await self.send(start)
        await self.send(message)
