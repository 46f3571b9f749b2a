"""Asking a server politely and safely: bounded in time and size, tried again, never led elsewhere.

Every request of the product goes through here: harvests, links, official files, routing servers.
urllib3 holds the connections; what is ours is where a redirection may lead, and when to give up
(docs/decisions/116-one-http-client.md).
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions
from urllib3.util import make_headers, parse_url

from geoguichet.floor.errors import GeoguichetError

AGENT = "geoguichet/1"
#: Statuses that may be better in a moment.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_FINE = frozenset({*range(200, 300), 304})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_BLOCK = 64 * 1024
_LONGEST_PAUSE_S = 60.0


class HttpError(GeoguichetError):
    """A server was asked in vain: ``french`` and ``english`` say why, the message where too.

    ``kind`` says which way when a reader may act on it: ``dns``, ``tls``, ``timeout``, ``404``,
    ``moved`` or ``too_large``; ``status`` is that of the answer, 0 without one. ``again`` says that asking once more
    may help, after ``after_s`` seconds when the server told.
    """

    def __init__(
        self,
        address: str,
        french: str,
        english: str = "",
        *,
        kind: str = "",
        status: int = 0,
        again: bool = False,
        after_s: float = 0.0,
    ) -> None:
        super().__init__(f"{address} : {french}")
        self.french, self.english = french, english or french
        self.kind, self.status, self.again, self.after_s = kind, status, again, after_s


class AnswerError(HttpError):
    """The server answered, but not what was asked; asking for less may work."""


class UnreachableError(HttpError):
    """The server does not answer at all."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: its status, its headers (whatever their case), its body, its final address."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str

    @property
    def media_type(self) -> str:
        """The kind of content that it says it is, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Return the JSON of the body; AnswerError when something else came."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            kind, cause = self.media_type, str(error)[:80]
            raise AnswerError(
                self.address,
                f"du JSON est attendu, reçu {kind or 'un contenu sans type'} ({cause}).",
                f"JSON is expected, received {kind or 'a content without type'} ({cause}).",
            ) from error


@dataclass(frozen=True, slots=True)
class Client:
    """How servers are asked. ``authorization`` is sent to the host of the address and to no
    other.
    """

    authorization: str = field(default="", repr=False)
    #: Silence after which a server is given up.
    timeout_s: float = 30.0
    total_s: float = 300.0
    #: Bytes above which an answer, or a download, is given up.
    largest: int = 64 * 1024 * 1024
    #: Bytes after which the rest is left unread: who only wants to know that something is there (0:
    #: read all).
    enough: int = 0
    tries: int = 3
    #: Seconds before the second try; doubled each time.
    pause_s: float = 1.0
    #: Whether a redirection may lead to another host.
    elsewhere: bool = False
    #: Whether an answer that says no is one to read, rather than an error.
    any_status: bool = False
    sleep: Callable[[float], None] = time.sleep

    def get(
        self, address: str, *, accept: str = "*/*", validators: Mapping[str, str] | None = None
    ) -> Response:
        """Ask for an address; with the validators of an earlier answer the status may be 304."""
        names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        since = {names[name]: value for name, value in (validators or {}).items() if value}
        return self._ask(address, {"Accept": accept, **since})

    def post(self, address: str, body: bytes, *, content_type: str, prefer: str = "") -> Response:
        """Send a document and return the answer; ``prefer`` says how it is wanted (RFC 7240)."""
        preferred = {"Prefer": prefer} if prefer else {}
        return self._ask(
            address, {"Content-Type": content_type, "Accept": "*/*", **preferred}, body
        )

    def delete(self, address: str) -> Response:
        """Ask for an end to what is at an address."""
        return self._ask(address, {"Accept": "*/*"}, method="DELETE")

    def download(self, address: str, part: Path) -> Iterator[tuple[int, int | None]]:
        """Receive a file into ``part``; yield the bytes on disk, and in all (None: not announced).

        What was received before a cut is kept and resumed, now or at the next call, if the server
        still has that content: ``part`` with the ending ``.json`` notes its ETag or date
        (``validator``), and its media type (``type``).
        """
        attempt, cut, end = 0, True, time.monotonic() + self.total_s
        while cut:
            try:
                yield from self._receive(address, part, end)
                cut = False
            except HttpError as error:
                attempt = self._pause(error, attempt)

    def _ask(
        self, address: str, headers: dict[str, str], body: bytes | None = None, method: str = ""
    ) -> Response:
        headers = {"Accept-Encoding": "gzip", **headers}
        attempt = 0
        while True:
            try:
                with self._answer(address, headers, body, method) as (answer, here):
                    return Response(answer.status, answer.headers, self._read(answer, here), here)
            except HttpError as error:
                attempt = self._pause(error, attempt)

    # Wait before the next try, longer each time; raise the error where waiting will not help.
    def _pause(self, error: HttpError, attempt: int) -> int:
        if not error.again or attempt + 1 >= self.tries:
            raise error
        self.sleep(min(_LONGEST_PAUSE_S, error.after_s or self.pause_s * 2**attempt))
        return attempt + 1

    # Lend an answer whose body is still to be read and where it came from, redirections followed.
    @contextmanager
    def _answer(
        self, address: str, headers: Mapping[str, str], body: bytes | None = None, method: str = ""
    ) -> Iterator[tuple[urllib3.BaseHTTPResponse, str]]:
        here = checked(address)
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                with closing(self._sent(address, here, headers, body, method)) as answer:
                    if answer.status not in _REDIRECTS:
                        if not (answer.status in _FINE or self.any_status):
                            raise _refusal(here, answer)
                        yield answer, here
                        return
                    there = urljoin(here, answer.headers.get("location", ""))
                if not self.elsewhere and not same_place(address, there):
                    raise AnswerError(
                        address,
                        f"redirection vers un autre hôte refusée ({there[:120]}).",
                        f"redirection to another host refused ({there[:120]}).",
                        kind="moved",
                    )
                here = checked(there)
        except exceptions.HTTPError as error:
            raise _failure(here, error) from error
        raise AnswerError(
            address, "trop de redirections.", "too many redirections.", status=answer.status
        )

    def _sent(
        self, address: str, here: str, headers: Mapping[str, str], body: bytes | None, method: str
    ) -> urllib3.BaseHTTPResponse:
        sent = {"User-Agent": AGENT, **headers}
        if self.authorization and same_place(address, here):
            sent["Authorization"] = self.authorization
        return _pool(here).request(
            method or ("GET" if body is None else "POST"),
            here,
            body=body,
            headers=sent,
            timeout=self.timeout_s,
            redirect=False,
            retries=False,
            preload_content=False,
        )

    # Read the body piece by piece: no endless, no endlessly slow and no explosive answer.
    def _read(self, answer: urllib3.BaseHTTPResponse, address: str) -> bytes:
        body, end = bytearray(), time.monotonic() + self.total_s
        while chunk := answer.read1(_BLOCK, decode_content=True):
            body += chunk
            if self.enough and len(body) >= self.enough:
                break
            self._bounded(len(body), end, address)
        return bytes(body)

    # Give up what is too large, or has lasted until the end of its time.
    def _bounded(self, size: int, end: float, address: str) -> None:
        if size > self.largest:
            most = self.largest // 1024**2
            raise AnswerError(
                address,
                f"réponse de plus de {most} Mo, abandonnée.",
                f"an answer of more than {most} MB, given up.",
                kind="too_large",
            )
        if time.monotonic() > end:
            raise AnswerError(
                address,
                f"réponse trop lente, abandonnée après {self.total_s:.0f} s.",
                f"too slow an answer, given up after {self.total_s:.0f} s.",
            )

    def _receive(self, address: str, part: Path, end: float) -> Iterator[tuple[int, int | None]]:
        note = part.with_suffix(".json")
        validator = _validator_in(note)
        start = part.stat().st_size if validator and part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        try:
            with self._answer(address, headers) as (answer, here):
                start = start if answer.status == 206 else 0
                length = answer.headers.get("content-length", "")
                total = start + int(length) if length.isdecimal() else None
                told = Response(answer.status, answer.headers, b"", here)
                validator = answer.headers.get("etag") or answer.headers.get("last-modified") or ""
                noted = {"validator": validator, "type": told.media_type}
                note.write_text(json.dumps(noted), encoding="utf-8")
                with part.open("r+b" if start else "wb") as file:
                    file.seek(start)
                    while block := answer.read1(_BLOCK, decode_content=False):
                        file.write(block)
                        self._bounded(max(file.tell(), total or 0), end, here)
                        yield file.tell(), total
        except HttpError as error:
            if error.status == 416:  # the part is longer than the file: begin again
                error.again = True
            if error.status == 416 or error.kind == "too_large":
                part.unlink(missing_ok=True)
            raise


# Return the ETag or date of what was received, that makes a resumption safe; empty if unknown.
def _validator_in(note: Path) -> str:
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["validator"])
    except (OSError, ValueError, KeyError):
        return ""


# Return what holds the connections to an address, through the proxy of the environment if it names
# one.
def _pool(address: str) -> urllib3.PoolManager:
    parts = urlsplit(address)
    proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
    return _pool_through(proxy)


@cache
def _pool_through(proxy: str) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager()
    told = parse_url(proxy)
    headers = make_headers(proxy_basic_auth=told.auth) if told.auth else None
    return urllib3.ProxyManager(told.url, proxy_headers=headers)


# Return what an answer that says no means.
def _refusal(address: str, answer: urllib3.BaseHTTPResponse) -> AnswerError:
    status, after = answer.status, answer.headers.get("retry-after", "")
    told = f"{status} ({answer.reason})."
    return AnswerError(
        address,
        f"le serveur répond {told}",
        f"the server answers {told}",
        kind="404" if status == 404 else "",
        status=status,
        again=status in _AGAIN,
        after_s=float(after) if after.isdecimal() else 0.0,
    )


# Return what the failure of a connection means: the first row of `_FAILURES` that fits.
def _failure(address: str, error: exceptions.HTTPError) -> HttpError:
    for kind, of, french, english, name in _FAILURES:
        for cause in (error.__cause__, error):
            if isinstance(cause, kind):
                return of(
                    address,
                    french.format(cause),
                    english.format(cause),
                    kind=name,
                    again=of is AnswerError,
                )
    raise error


#: What urllib3 raises, or what made it raise that; what it means, in both languages; its kind.
#:
#: What an `AnswerError` is made of may be better in a moment.
_FAILURES: tuple[tuple[type[BaseException], type[HttpError], str, str, str], ...] = (
    (
        exceptions.LocationValueError,
        HttpError,
        "ce n'est pas une adresse ({}).",
        "this is no address ({}).",
        "",
    ),
    (
        exceptions.NameResolutionError,
        UnreachableError,
        "ce nom de serveur n'existe pas (DNS).",
        "no server has this name (DNS).",
        "dns",
    ),
    (
        ConnectionRefusedError,
        UnreachableError,
        "le serveur refuse la connexion.",
        "the server refuses the connection.",
        "",
    ),
    (
        exceptions.SSLError,
        UnreachableError,
        "connexion sécurisée refusée (TLS : {}).",
        "secure connection refused (TLS: {}).",
        "tls",
    ),
    (
        exceptions.IncompleteRead,
        AnswerError,
        "réponse tronquée ({0.partial} octets reçus, {0.expected} manquent).",
        "answer cut short ({0.partial} bytes received, {0.expected} are missing).",
        "",
    ),
    (
        exceptions.NewConnectionError,  # before TimeoutError, which it derives from
        AnswerError,
        "connexion impossible ({}).",
        "connection impossible ({}).",
        "",
    ),
    (
        exceptions.TimeoutError,
        AnswerError,
        "pas de réponse dans le délai.",
        "no answer in time.",
        "timeout",
    ),
    (
        exceptions.HTTPError,
        AnswerError,
        "connexion interrompue ({}).",
        "connection lost ({}).",
        "",
    ),
)


def checked(address: str) -> str:
    """Return an address as it goes over the wire, its accents and spaces escaped; HttpError when it
    is none.
    """
    try:
        parts = parse_url(address)
    except exceptions.LocationValueError as error:
        raise _failure(f"« {address[:120]} »", error) from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise HttpError(
            f"« {address[:120]} »",
            "une adresse http ou https est attendue.",
            "an http or https address is expected.",
        )
    if parts.auth:
        raise HttpError(
            parts.host,
            "l'adresse contient un mot de passe, refusée ; il se donne par l'environnement "
            "(GEOGUICHET_HARVEST_<NOM>_AUTHORIZATION pour une moisson).",
            "the address holds a password, refused; it is given by the environment.",
        )
    return parts._replace(fragment=None).url


def same_place(one: str, other: str) -> bool:
    """Say whether an address leads to the same host and port, or to the secure port of the same
    host.
    """
    try:
        here, there = urlsplit(one), urlsplit(other)
        ports = here.port, there.port
    except ValueError:  # no address at all
        return False
    if there.scheme not in ("http", "https") or here.hostname != there.hostname:
        return False
    upgraded = here.scheme == "http" and there.scheme == "https" and ports == (None, None)
    return upgraded or (here.scheme == there.scheme and ports[0] == ports[1])


def with_query(address: str, **parameters: object) -> str:
    """Return an address with query parameters added or replaced."""
    parts = urlsplit(without_query(address, *parameters))
    added = urlencode({name: str(value) for name, value in parameters.items()})
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))


def without_query(address: str, *names: str) -> str:
    """Return an address without these query parameters, whatever their case, nor fragment."""
    parts, gone = urlsplit(address), {name.lower() for name in names}
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = urlencode([(name, value) for name, value in query if name.lower() not in gone])
    return urlunsplit(parts._replace(query=kept, fragment=""))
