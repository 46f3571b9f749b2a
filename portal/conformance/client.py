"""The abstract test suite of OGC API Records Part 1 (20-004r1) put to a server, ours or another's.

Each of its 95 tests answers pass, fail with a reason, or not applicable with one. No certification:
OGC gives none for this standard yet.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from geoguichet.floor.http import Client, HttpError, Response
from geoguichet.portal.errors import PortalError

ANY_JSON = (
    "application/geo+json, application/ogc-catalog+json, application/schema+json, "
    "application/json;q=0.9"
)
_CLIENT = Client(tries=1, elsewhere=True, any_status=True)

type Outcome = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one abstract test found."""

    test: str
    outcome: Outcome
    reason: str = ""


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
        self._kept: dict[tuple[str, str], Response] = {}

    def get(self, address: str, *, accept: str = ANY_JSON, **parameters: str) -> Response:
        """Ask for a path of the server, or a whole address, with query parameters."""
        address = address if "://" in address else f"{self.url}{address}"
        if parameters:
            joint = "&" if "?" in address else "?"
            address += joint + urllib.parse.urlencode(
                {name.replace("_", "-"): v for name, v in parameters.items()}
            )
        key = (address, accept)
        if key not in self._kept:
            try:
                self._kept[key] = _CLIENT.get(address, accept=accept)
            except HttpError as error:
                raise FailedError(f"{address}: no answer ({error.english})") from error
        return self._kept[key]

    def found(self, address: str, *, accept: str = ANY_JSON, **parameters: str) -> Response:
        """Ask, and fail unless the status is 200."""
        answer = self.get(address, accept=accept, **parameters)
        expect(
            answer.status == 200,
            f"{address} {parameters or ''}: status {answer.status}, 200 expected",
        )
        return answer


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
    except HttpError as error:  # a body that is not the JSON that was asked
        return Result(name, "fail", error.english)
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
