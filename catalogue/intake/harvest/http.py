"""Asking a server politely and safely: bounded in time and size, retried with back-off, never led
elsewhere.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import lru_cache

from geoguichet.catalogue.errors import HarvestError

AGENT = "geoguichet-harvest/1"
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 256 * 1024


class AnswerError(HarvestError):
    """The server answered, but not what was asked; asking for less may work."""


class UnreachableError(HarvestError):
    """The server does not answer at all."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: its status (200 or 304), headers in lower case, body and final address."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Client:
    """How one source is asked. ``authorization`` is sent to the host of the source and to no
    other.
    """

    authorization: str = field(default="", repr=False)
    timeout_s: float = 30.0
    total_s: float = 300.0
    largest: int = 64 * 1024 * 1024
    enough: int = 0
    """Bytes after which the rest is left unread: who only wants to know that something is there (0:
    read all).
    """
    tries: int = 3
    pause_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def get(
        self, address: str, *, accept: str = "*/*", validators: Mapping[str, str] | None = None
    ) -> Response:
        """Ask for an address; with the validators of an earlier answer the status may be 304."""
        headers = {"Accept": accept}
        if validators and validators.get("etag"):
            headers["If-None-Match"] = validators["etag"]
        if validators and validators.get("last-modified"):
            headers["If-Modified-Since"] = validators["last-modified"]
        return self._ask(address, headers, None)

    def post(self, address: str, body: bytes, *, content_type: str) -> Response:
        """Send a document and return the answer."""
        return self._ask(address, {"Content-Type": content_type, "Accept": "*/*"}, body)

    def _ask(self, address: str, headers: dict[str, str], body: bytes | None) -> Response:
        """Try several times, waiting longer each time, as long as waiting may help."""
        address = _checked(address)
        for attempt in range(self.tries):
            try:
                return self._follow(address, headers, body)
            except _RetryError as error:
                if attempt + 1 == self.tries:
                    raise error.reason from error
                self.sleep(min(60.0, error.after_s or self.pause_s * 2**attempt))
        raise UnreachableError(
            f"{address} : aucun essai n'a été permis.", f"{address}: no try was allowed."
        )

    def _follow(self, address: str, headers: dict[str, str], body: bytes | None) -> Response:
        """Ask, following redirections that stay on the same host."""
        here = address
        for _ in range(6):
            response = self._once(here, headers, body)
            if response.status not in _REDIRECTS:
                return response
            there = urllib.parse.urljoin(here, response.headers.get("location", ""))
            if not same_place(address, there):
                raise AnswerError(
                    f"{address} : redirection vers un autre hôte refusée ({there[:120]}).",
                    f"{address}: redirection to another host refused ({there[:120]}).",
                    kind="moved",
                )
            here = _checked(there)
        raise AnswerError(
            f"{address} : trop de redirections.", f"{address}: too many redirections."
        )

    def _once(self, address: str, headers: dict[str, str], body: bytes | None) -> Response:
        sent = {"User-Agent": AGENT, "Accept-Encoding": "gzip", **headers}
        if self.authorization:
            sent["Authorization"] = self.authorization
        method = "GET" if body is None else "POST"
        request = urllib.request.Request(address, data=body, headers=sent, method=method)  # noqa: S310 (see _checked)
        try:
            with _opener().open(request, timeout=self.timeout_s) as answer:
                return Response(
                    answer.status, _headers(answer.headers), self._read(answer, address), address
                )
        except urllib.error.HTTPError as error:
            return self._refused(error, address)
        except urllib.error.URLError as error:
            raise _of_connection(address, error.reason) from error
        except (TimeoutError, http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise _of_connection(address, error) from error

    def _refused(self, error: urllib.error.HTTPError, address: str) -> Response:
        with error:
            headers = _headers(error.headers)
            if error.code == 304 or error.code in _REDIRECTS:
                return Response(error.code, headers, b"", address)
            told = f"{error.code} ({error.reason})."
            french, english = (
                f"{address} : le serveur répond {told}",
                f"{address}: the server answers {told}",
            )
            reason = AnswerError(french, english, kind="404" if error.code == 404 else "")
            if error.code in _AGAIN:
                after = headers.get("retry-after", "")
                raise _RetryError(
                    reason, after_s=float(after) if after.isdigit() else 0.0
                ) from error
            raise reason from error

    def _read(self, answer: http.client.HTTPResponse, address: str) -> bytes:
        """Read the body piece by piece: no endless, no endlessly slow and no explosive answer."""
        unpack = (
            zlib.decompressobj(31) if answer.headers.get("Content-Encoding") == "gzip" else None
        )
        body = bytearray()
        end = time.monotonic() + self.total_s
        while chunk := answer.read1(_CHUNK):
            pieces = unpack.decompress(chunk, self.largest + 1 - len(body)) if unpack else chunk
            body += pieces
            if self.enough and len(body) >= self.enough:
                return bytes(body)
            if len(body) > self.largest:
                most = self.largest // 1024**2
                raise AnswerError(
                    f"{address} : réponse de plus de {most} Mo, abandonnée.",
                    f"{address}: an answer of more than {most} MB, given up.",
                )
            if time.monotonic() > end:
                raise AnswerError(
                    f"{address} : réponse trop lente, abandonnée après {self.total_s:.0f} s.",
                    f"{address}: too slow an answer, given up after {self.total_s:.0f} s.",
                )
        expected = answer.headers.get("Content-Length", "")
        if not unpack and expected.isdigit() and len(body) < int(expected):
            french = f"{address} : réponse tronquée ({len(body)} octets sur {expected})."
            raise _RetryError(
                AnswerError(
                    french, f"{address}: answer cut short ({len(body)} bytes of {expected})."
                )
            )
        return bytes(body)


class _RetryError(Exception):
    """Something that may be better in a moment."""

    def __init__(self, reason: HarvestError, *, after_s: float = 0.0) -> None:
        super().__init__(str(reason))
        self.reason, self.after_s = reason, after_s


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirections to `Client._follow`, which judges them."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


@lru_cache(maxsize=1)
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)


def _headers(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _of_connection(address: str, cause: object) -> Exception:
    def told(french: str, english: str) -> tuple[str, str]:
        return f"{address} : {french}", f"{address}: {english}"

    if isinstance(cause, TimeoutError):
        return _RetryError(
            AnswerError(
                *told("pas de réponse dans le délai.", "no answer in time."), kind="timeout"
            )
        )
    if isinstance(cause, socket.gaierror):
        french, english = told(
            "ce nom de serveur n'existe pas (DNS).", "no server has this name (DNS)."
        )
        return UnreachableError(french, english, kind="dns")
    if isinstance(cause, ssl.SSLError):
        reason = f"(TLS : {getattr(cause, 'reason', None) or cause})"
        french, english = told(
            f"connexion sécurisée refusée {reason}.", f"secure connection refused {reason}."
        )
        return UnreachableError(french, english, kind="tls")
    if isinstance(cause, ConnectionRefusedError):
        return UnreachableError(
            *told("le serveur refuse la connexion.", "the server refuses the connection.")
        )
    return _RetryError(
        AnswerError(*told(f"connexion interrompue ({cause}).", f"connection lost ({cause})."))
    )


def _checked(address: str) -> str:
    """Return an address as it goes over the wire, its accents and spaces escaped; HarvestError when
    it is none.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode()
        place = (f"[{host}]" if ":" in host else host) + (
            f":{parts.port}" if parts.port is not None else ""
        )
    except (
        ValueError
    ) as error:  # a port that is no number, a bracket alone, a label that is too long
        french, english = (
            f"« {address[:120]} » n'est pas une adresse",
            f"“{address[:120]}” is no address",
        )
        raise HarvestError(f"{french} ({error}).", f"{english} ({error}).") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HarvestError(f"« {address} » : une adresse http ou https est attendue.")
    if parts.username or parts.password:
        raise HarvestError(
            "l'adresse contient un mot de passe ; mettez-le dans la variable "
            "GEOGUICHET_HARVEST_<NOM>_AUTHORIZATION."
        )
    path, query = (
        urllib.parse.quote(part, safe="/%:;,@&=+$!*'()~?[]|") for part in (parts.path, parts.query)
    )
    return urllib.parse.urlunsplit((parts.scheme, place, path, query, ""))


def same_place(one: str, other: str) -> bool:
    """Say whether an address leads to the same host and port, or to the secure port of the same
    host.
    """
    try:
        here, there = urllib.parse.urlsplit(one), urllib.parse.urlsplit(other)
        ports = here.port, there.port
    except ValueError:  # no address at all
        return False
    if there.scheme not in ("http", "https") or here.hostname != there.hostname:
        return False
    upgraded = here.scheme == "http" and there.scheme == "https" and ports == (None, None)
    return upgraded or (here.scheme == there.scheme and ports[0] == ports[1])


def client_for(name: str) -> Client:
    """Return the client of a source, with the credentials that the environment holds under its
    name.
    """
    key = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    return Client(authorization=os.environ.get(f"GEOGUICHET_HARVEST_{key}_AUTHORIZATION", ""))


def with_query(address: str, **parameters: object) -> str:
    """Return an address with query parameters added or replaced."""
    parts = urllib.parse.urlsplit(address)
    names = {name.lower() for name in parameters}
    kept = [
        (name, value)
        for name, value in urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in names
    ]
    query = urllib.parse.urlencode(
        [*kept, *((name, str(value)) for name, value in parameters.items())]
    )
    return urllib.parse.urlunsplit(parts._replace(query=query, fragment=""))
