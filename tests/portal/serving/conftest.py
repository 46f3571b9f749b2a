"""A server in a process of its own, as it is served to strangers, that may be told to end or killed."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests

from geoguichet.portal.serving import watch

TOKEN = "jeton-des-essais"


class Served:
    """A server that lets records be edited by a token; each request has a connection of its own."""

    def __init__(self, workspace: Path, *words: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log = workspace / "log"
        told = ("--editable", "--port", str(self.port), "--workspace", str(workspace), *words)
        given = {"GEOGUICHET_TOKEN": TOKEN, watch.ASKED_BY: str(workspace / "a.jsonl")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "geoguichet.cli", "serve", *told],
                env=os.environ | given, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        assert str(self.port) in self.process.stdout.readline(), self.log.read_text()

    def ask(self, path: str, method: str = "GET", **told: object) -> requests.Response:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Content-Type": kind, "Authorization": f"Bearer {TOKEN}", "Connection": "close"}
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, headers=headers, timeout=60, **told)


@contextmanager
def _served(workspace: Path, *words: str) -> Iterator[Served]:
    made = Served(workspace, *words)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


@pytest.fixture(scope="session")
def serve_apart() -> Callable[..., AbstractContextManager[Served]]:
    return _served
