"""The bounds of a server left open to strangers: time, connections, its log, its end.

uvicorn bounds neither the time that headers and bodies take nor the connections it keeps. Its own
protocol is kept, with a timer a connection beside it.
"""

import asyncio
import gc
import logging
import math
import os
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from geoguichet.portal.answers import BY_STATUS, JSON, Refusal, to_json


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a client may take (seconds), and how many are kept at once."""

    headers_s: float = 30
    body_s: float = 60
    #: To read `_LEAST_READ` of an answer: a client that reads less is not waited for.
    reading_s: float = 60
    connections: int = 2000
    #: From SIGTERM to the end of the process, whatever goes on; work in hand has a second less.
    stop_s: float = 4


#: Bytes: 800 a second with what `Bounds` says.
_LEAST_READ = 48_000


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, within bounds.

    When there are as many connections as may be, the one that has waited longest for a request to
    come in whole makes room: slow clients push each other out, and nobody else before them.
    """

    def __init__(self, *, bounds: Bounds, **told: Any) -> None:
        super().__init__(**told)
        self.bounds = bounds
        self.phase: object = None
        self.since_s = 0.0  # when the request that has not come whole began; 0 for none
        self.due_s = math.inf  # when it has to have come
        self.arriving: asyncio.TimerHandle | None = None
        self.unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, in the place of another if there has to be one."""
        if len(self.connections) >= self.bounds.connections and not self._make_room():
            self.transport = transport
            self._refuse(503, BY_STATUS[503], (b"retry-after", b"5"))
            return
        super().connection_made(cast("asyncio.Transport", _Joining(transport, self.loop)))
        self._follow()

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if not self.flow.write_paused:
            self._read()
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Wait for the next request, and for this answer to be read."""
        cast("_Joining", self.transport).flush()
        super().on_response_complete()
        if self._left():
            self._wait_for_reader()
        self._follow()

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._read()
        if self.arriving is not None:
            self.arriving.cancel()

    # Say until when what has not come of a request may come, each step of each anew. One timer a
    # connection looks at it: it is not set again while it would ring before.
    def _follow(self) -> None:
        state = self.conn.their_state
        phase = (state, self.cycle)
        if phase == self.phase:
            return
        self.phase = phase
        if state is not h11.IDLE and state is not h11.SEND_BODY:
            self.since_s, self.due_s = 0.0, math.inf
            return
        self.since_s = self.loop.time()
        wait_s = self.bounds.headers_s if state is h11.IDLE else self.bounds.body_s
        self.due_s = self.since_s + wait_s
        self._ring()

    def _ring(self) -> None:
        if self.arriving is not None:
            if self.arriving.when() <= self.due_s:
                return
            self.arriving.cancel()
        self.arriving = self.loop.call_at(self.due_s, self._is_late)

    def _is_late(self) -> None:
        self.arriving = None
        if self.transport.is_closing() or self.due_s == math.inf:
            return
        if self.loop.time() < self.due_s:
            self._ring()
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.SEND_RESPONSE:
            self._refuse(408, BY_STATUS[408])
        self.transport.close()

    def _make_room(self) -> bool:
        others = cast("set[BoundedProtocol]", self.connections)
        waiting = [one for one in others if one.since_s]
        if waiting:
            last = min(waiting, key=lambda one: (one._left() > 0, one.since_s))
            self.connections.discard(last)
            last.transport.abort()
        return bool(waiting)

    # Answer in the place of the application, and close.
    def _refuse(self, status: int, why: object, *headers: tuple[bytes, bytes]) -> None:
        body = to_json(Refusal(status, str(why)).document())
        told = (
            (b"content-type", JSON.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *headers,
        )
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in told)
        self.transport.write(b"HTTP/1.1 %d \r\n%b\r\n%b" % (status, lines, body))
        self.transport.close()

    # Return the bytes of answers that the client has not read.
    def _left(self) -> int:
        return self.transport.get_write_buffer_size()

    def _wait_for_reader(self) -> None:
        self._read()
        self.unread = self.loop.call_later(self.bounds.reading_s, self._has_read, self._left())

    def _has_read(self, before: int) -> None:
        if self._left() > max(0, before - _LEAST_READ):
            self.transport.abort()
        elif self._left():
            self._wait_for_reader()

    def _read(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None


class _Joining:
    """A transport that sends what is written to it in one step as one: the head of an answer with its
    body. The system is called once, not twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport, self.loop = transport, loop
        self.parts: list[bytes] = []
        self.size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Send it at the end of this step of the loop at the latest."""
        if not data:
            return
        if not self.parts:
            self.loop.call_soon(self.flush)
        self.parts.append(data)
        self.size += len(data)
        if self.size > _LEAST_READ:
            self.flush()

    def flush(self) -> None:
        """Send it now."""
        parts, size, self.parts, self.size = self.parts, self.size, [], 0
        if size > _LEAST_READ:  # it is not copied to be joined
            self.transport.writelines(parts)
        elif parts:
            self.transport.write(b"".join(parts))

    def close(self) -> None:
        """Close once it is sent."""
        self.flush()
        self.transport.close()


class BoundedServer(uvicorn.Server):
    """A server of an application that ends soon after it is told to, whatever it does then."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        protocol = cast("type[asyncio.Protocol]", partial(BoundedProtocol, bounds=bounds))
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=128,
                timeout_graceful_shutdown=max(1, int(bounds.stop_s) - 1),
            )
        )
        self.bounds = bounds
        self._told_to_end = threading.Event()

    def run(self, sockets: Any = None) -> None:
        """Serve until told to end."""
        # It waits from the start: no thread can be begun while a signal is handled.
        threading.Thread(target=self._end, daemon=True).start()
        super().run(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        super().handle_exit(sig, frame)
        self._told_to_end.set()

    # End the process when a computation of a stranger does not let it: the stores bear kill -9.
    def _end(self) -> None:
        self._told_to_end.wait()
        time.sleep(self.bounds.stop_s)
        os._exit(0)


class Sparing(logging.Filter):
    """Lets so many lines pass each minute, and says how many it held back: nobody fills a disk."""

    def __init__(self, most: int = 60) -> None:
        super().__init__()
        self.most, self.minute, self.lines = most, 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line passes."""
        minute = int(record.created // 60)
        if minute != self.minute:
            held_back = max(0, self.lines - self.most)
            self.minute, self.lines = minute, 0
            if held_back:
                record.msg = f"{record.getMessage()} ({held_back} lines were held back before)"
                record.args = ()
        self.lines += 1
        return self.lines <= self.most


def spare_logs() -> None:
    """Have asyncio and uvicorn say no more than a disk can bear."""
    for name in ("asyncio", "uvicorn.error"):
        logger = logging.getLogger(name)
        if not any(isinstance(one, Sparing) for one in logger.filters):
            logger.addFilter(Sparing())


def share_python() -> None:
    """Have this process interrupt its threads sooner (every millisecond), and never look over again
    what it was begun with: each time took all of them 100 to 300 ms.
    """
    sys.setswitchinterval(0.001)
    gc.collect()
    gc.freeze()


def connections_here(most: int = Bounds().connections) -> int:
    """Return how many connections this process may keep, half of its files at most, after it took
    what files the machine lets it have.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return most
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * most if hard == resource.RLIM_INFINITY else min(hard, 4 * most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return most if soft == resource.RLIM_INFINITY else min(most, soft // 2)
