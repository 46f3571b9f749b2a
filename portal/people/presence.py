"""Who is there: a session's cookie, a personal token or the catalogue's, told to every door.

One middleware reads what a request brings, puts the viewer into ``scope["viewer"]``, and refuses
what no door has to think of: a token that is none, an edit by one that only reads, a page of another
site that acts by the cookie of who reads it. What is answered to a session is kept by no cache.
"""

import base64
import binascii
import hmac
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoguichet.floor.viewer import MACHINE, PUBLIC, Viewer
from geoguichet.floor.words import _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.jobs.kinds import KINDS
from geoguichet.portal.people import sessions, slowing, tokens
from geoguichet.portal.people.accounts import Person
from geoguichet.portal.people.store import SECURITY_LOG, People, PeopleError, now
from geoguichet.portal.site import SIGNED_IN, Site

_READING = ("GET", "HEAD", "OPTIONS")
#: What asks by POST and changes nothing: a token that only reads may.
_WRITING = "|".join(kind.name for kind in KINDS.values() if kind.writes)
_ASKED_BY_POST = re.compile(rf"/csw|/processes/(?!({_WRITING})/)[^/]+/execution")


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is there, by a session (its number) or by a token; nobody known has no ``person``."""

    viewer: Viewer = PUBLIC
    person: Person | None = None
    session: int = 0


_NOBODY = Presence()


def presence_of(request: Request) -> Presence:
    """Return who is there."""
    there: Presence = request.scope["presence"]
    return there


class Knowing:
    """An application before another: it says who is there at each request."""

    def __init__(self, app: ASGIApp, *, site: Site, people: People) -> None:
        self.app, self.site, self.people = app, site, people
        self.cookie = cookie_name(site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, there = Request(scope), _NOBODY
        try:
            brought = {name for name, _value in scope["headers"]}
            if b"authorization" in brought or (
                b"cookie" in brought and self.cookie in request.cookies
            ):
                there = await run_in_threadpool(self._known, request)
        except (Refusal, PeopleError) as error:
            answer = await self.site.refuse(request, error)
            await answer(scope, receive, send)
            return
        has_accounts = self.people.exist
        scope.update(viewer=there.viewer, presence=there)
        name = there.person.name if there.person else ""
        said = SIGNED_IN.set(name if has_accounts else None)
        try:
            if there.session:
                scope["headers"] = _unconditional(scope)
                send = _kept_by_no_cache(send)
            await self.app(scope, receive, send)
        finally:
            SIGNED_IN.reset(said)

    def _known(self, request: Request) -> Presence:
        kind, _space, told = request.headers.get("authorization", "").partition(" ")
        brought = _secrets(kind.lower(), told.strip(), has_accounts=self.people.exist)
        if brought and (self.people.exist or self.site.token):
            return self._by_token(request, brought)
        return self._by_session(request)

    def _by_token(self, request: Request, brought: list[str]) -> Presence:
        tried = ("address", slowing.address_of(request))
        with self.people.read() as base:
            found = next(filter(None, (tokens.known(base, one) for one in brought)), None)
            is_slowed = slowing.left_s(base, tried) > 0
        if found is not None:
            return self._by_personal_token(request, *found)
        if not is_slowed and _is_one(self.site.token, brought):
            return Presence(MACHINE)
        with self.people.write() as base:
            wait_s = slowing.wait_s(base, tried)
        if wait_s:
            raise slow_down(wait_s)
        SECURITY_LOG.warning("token refused: address=%s", tried[1])
        told = _("Ce jeton n'est pas connu, ou ne sert plus.")
        by_password = request.headers["authorization"].lower().startswith("basic")
        asked = 'Basic realm="geoguichet"' if by_password else "Bearer"
        raise Refusal(401, told, headers={"WWW-Authenticate": asked})

    def _by_personal_token(self, request: Request, person: Person, token: sqlite3.Row) -> Presence:
        reads = request.method in _READING or _ASKED_BY_POST.fullmatch(request.url.path)
        if token["scope"] == "read" and not reads:
            SECURITY_LOG.warning("scope refused: person=%s", person.pseudonym)
            raise Refusal(403, _("Ce jeton ne fait que lire."))
        if (token["used"] or 0) + 60 < now():
            with self.people.write() as base:
                tokens.mark(base, token["number"])
        return Presence(person.viewer, person)

    def _by_session(self, request: Request) -> Presence:
        given = request.cookies.get(self.cookie, "")
        if not given or not self.people.exist:
            return Presence()
        with self.people.read() as base:
            found = sessions.known(base, given)
        if found is None:
            return Presence()
        person, number, unmarked = found
        if request.method not in _READING and not is_from_here(request, self.site.url):
            SECURITY_LOG.warning("other site refused: person=%s", person.pseudonym)
            raise other_site()
        if unmarked:
            with self.people.write() as base:
                sessions.mark(base, number)
        return Presence(person.viewer, person, number)


def cookie_name(site: Site, of: str = "") -> str:
    """Return the name of our cookie, that of the session or another: by TLS, one that no other host
    can set (``__Host-``).
    """
    return f"{'__Host-' if site.url.startswith('https:') else ''}geoguichet{of}"


def is_from_here(request: Request, url: str) -> bool:
    """Say whether a browser tells that the request comes from a page of ours."""
    if told := request.headers.get("sec-fetch-site"):
        return told == "same-origin"
    here = urlsplit(url)
    return request.headers.get("origin") == f"{here.scheme}://{here.netloc}"


def other_site() -> Refusal:
    """Return the refusal of what a page of another site asks."""
    return Refusal(403, _("Cette demande ne vient pas d'une page de ce portail : rechargez-la."))


def slow_down(wait_s: int) -> Refusal:
    """Return the refusal of who tries too often."""
    told = _("Trop d'essais : réessayez dans {seconds} s.", seconds=wait_s)
    return Refusal(429, told, headers={"Retry-After": str(wait_s)})


# Return what the header may have meant as a secret: it is bytes, and clients write é in one or two.
# The name beside a password is not looked at. Without accounts a password is for whoever else asked.
def _secrets(kind: str, told: str, *, has_accounts: bool) -> list[str]:
    raw = told.encode("latin-1", "replace")
    if kind == "basic" and has_accounts:
        try:
            raw = base64.b64decode(raw, validate=True).partition(b":")[2]
        except binascii.Error:
            raw = b""
    elif kind != "bearer":
        return []
    return [*_meant(raw)]


def _meant(raw: bytes) -> Iterator[str]:
    for coding in ("utf-8", "latin-1"):
        try:
            yield unicodedata.normalize("NFC", raw.decode(coding))
        except UnicodeDecodeError:
            continue


def _is_one(token: str, brought: list[str]) -> bool:
    known = unicodedata.normalize("NFC", token).encode()
    found = [hmac.compare_digest(one.encode(), known) for one in brought]
    return bool(token) and any(found)


# Return the headers without those that ask for what is new alone: a page that the browser kept from
# before says another name.
def _unconditional(scope: Scope) -> list[tuple[bytes, bytes]]:
    dropped = (b"if-none-match", b"if-modified-since") if scope["method"] in _READING else ()
    return [(name, value) for name, value in scope["headers"] if name not in dropped]


def _kept_by_no_cache(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Cache-Control"] = "private, no-store"
        await send(message)

    return sent
