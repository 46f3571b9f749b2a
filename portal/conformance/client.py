"""The abstract test suite of OGC API Records Part 1 (20-004r1) put to a server, ours or another's.

Each of its 95 tests answers pass, fail with a reason, or not applicable with one. No certification:
OGC gives none for this standard yet.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, Literal

from geoguichet.portal.errors import PortalError

ANY_JSON = (
    "application/geo+json, application/ogc-catalog+json, application/schema+json, "
    "application/json;q=0.9"
)
_TIMEOUT_S = 30

type Outcome = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one abstract test found."""

    test: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server."""

    status: int
    media_type: str
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Return the document; FailedError when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise FailedError(f"not JSON: {self.body[:60]!r}") from error


class FailedError(Exception):
    """A test failed; the message says why."""


class NotApplicableError(Exception):
    """A test has nothing to test on this server; the message says why."""


class Server:
    """A server under test. It is asked the same thing once."""

    def __init__(self, url: str) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise PortalError(f"« {url} » : une adresse http ou https est attendue.")
        self.url = url.rstrip("/")
        self._kept: dict[tuple[str, str], Answer] = {}

    def get(self, address: str, *, accept: str = ANY_JSON, **parameters: str) -> Answer:
        """Ask for a path of the server, or a whole address, with query parameters."""
        address = address if "://" in address else f"{self.url}{address}"
        if parameters:
            joint = "&" if "?" in address else "?"
            address += joint + urllib.parse.urlencode(
                {name.replace("_", "-"): v for name, v in parameters.items()}
            )
        key = (address, accept)
        if key not in self._kept:
            self._kept[key] = _asked(address, accept)
        return self._kept[key]

    def found(self, address: str, *, accept: str = ANY_JSON, **parameters: str) -> Answer:
        """Ask, and fail unless the status is 200."""
        answer = self.get(address, accept=accept, **parameters)
        expect(
            answer.status == 200,
            f"{address} {parameters or ''}: status {answer.status}, 200 expected",
        )
        return answer


def _asked(address: str, accept: str) -> Answer:
    request = urllib.request.Request(address, headers={"Accept": accept})  # noqa: S310 (the scheme is checked)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return Answer(
                answer.status, answer.headers.get_content_type(), answer.headers, answer.read()
            )
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get_content_type(), error.headers, error.read())
    except (OSError, ValueError) as error:
        raise FailedError(f"{address}: no answer ({error})") from error


def expect(condition: object, reason: str) -> None:
    """Fail with this reason unless the condition holds."""
    if not condition:
        raise FailedError(reason)


def check(url: str, tests: Mapping[str, Callable[[Server], None]]) -> list[Result]:
    """Put tests to a server; PortalError when nothing answers there."""
    server = Server(url)
    try:
        server.get("/")
    except FailedError as error:
        raise PortalError(
            f"{url} ne répond pas ({error}) ; démarrez le serveur ou corrigez l'adresse."
        ) from error
    return [run(server, name, test) for name, test in tests.items()]


def run(server: Server, name: str, test: Callable[[Server], None]) -> Result:
    """Run one test."""
    try:
        test(server)
    except NotApplicableError as error:
        return Result(name, "not applicable", str(error))
    except FailedError as error:
        return Result(name, "fail", str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Result(
            name, "fail", f"a document of an unexpected form ({type(error).__name__}: {error})"
        )
    return Result(name, "pass")


def report(results: list[Result], url: str) -> str:
    """Return a report to read: the counts, then a line for each test."""
    counts: Mapping[str, int] = {
        kind: sum(result.outcome == kind for result in results)
        for kind in ("pass", "fail", "not applicable")
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    lines = [
        f"{result.outcome:<14}  {result.test}{'  ' + result.reason if result.reason else ''}"
        for result in results
    ]
    return "\n".join([f"OGC API Records Part 1 (20-004r1), {url}: {told}", "", *lines])
