"""Referentials that come, go or grow while the portal serves: their collections are there at the
next request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

type State = tuple[tuple[str, int], ...]


class Renewal:
    """An application before another: before each request it looks whether a referential changed,
    and if so renews.

    A look is one reading of a folder and one date a referential; a version is put in place by a
    rename in the folder of its name, whose date tells it.
    """

    def __init__(self, app: ASGIApp, workspace: Path, renew: Callable[[], None]) -> None:
        self.app = app
        self.folder = workspace.absolute() / "referentials"
        self.renew = renew
        self.seen = self._state()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (state := self._state()) != self.seen:
            self.seen = state
            await run_in_threadpool(self.renew)
        await self.app(scope, receive, send)

    def _state(self) -> State:
        try:
            with os.scandir(self.folder) as entries:
                return tuple(
                    sorted(
                        (each.name, each.stat().st_mtime_ns) for each in entries if each.is_dir()
                    )
                )
        except OSError:
            return ()
