"""Several processes that answer on one port: one that dies is replaced, and they end together.

Each listens on the port for itself (SO_REUSEPORT): Linux deals the connections out, and a process that
dies takes only those it had with it. They share the workspace, whose files several may use, and a
folder that lasts as long as they serve.
"""

import logging
import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.processes import end_with_parent
from geoguichet.floor.words import _
from geoguichet.portal.errors import PortalError

logger = logging.getLogger("geoguichet.serving")

#: One that lived no longer than this is not replaced at once: what kills it may be there still.
_SHORT_S = 5.0
#: How long after they are told to end those who have not ended are killed.
_END_S = 4.5


@dataclass(frozen=True, slots=True)
class Member:
    """One of the processes: its number, which its successor takes over, and the folder they share."""

    number: int
    folder: Path


#: What a process does, whoever it is; it calls what it is given when it begins to answer.
type Answer = Callable[[Member, Callable[[], None]], None]


def serve_by_several(answer: Answer, count: int, on_ready: Callable[[], None]) -> None:
    """Have processes answer until this one is told to end (SIGTERM, SIGINT); ``on_ready`` is called
    when all of them do. PortalError when one cannot begin.
    """
    context = multiprocessing.get_context("spawn")  # no thread of this process is copied
    is_told, tell = context.Pipe(duplex=False)
    with TemporaryDirectory(prefix="geoguichet-") as folder:
        members = [Member(number, Path(folder)) for number in range(1, count + 1)]
        crew: list[_Process] = []
        try:
            for member in members:
                crew.append(_Process(context, answer, member))
                if member.number == 1:  # it brings the stores up, if they are of another day
                    crew[0].wait_until_ready()
            for process in crew[1:]:
                process.wait_until_ready()
            for told in (signal.SIGTERM, signal.SIGINT):
                signal.signal(told, lambda *_told: tell.send(None))
            on_ready()
            while is_told not in wait([is_told, *(one.process.sentinel for one in crew)]):
                crew = [one if one.is_there(is_told) else one.successor() for one in crew]
        finally:
            _end(crew)


@dataclass(slots=True)
class _Process:
    context: SpawnContext
    answer: Answer
    member: Member
    process: SpawnProcess = field(init=False)
    said: Connection = field(init=False)
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_s = time.monotonic()
        self.said, says = self.context.Pipe(duplex=False)
        self.process = self.context.Process(target=_run, args=(self.answer, self.member, says))
        self.process.start()
        says.close()

    def wait_until_ready(self) -> None:
        try:
            refusal = self.said.recv()
        except EOFError:
            refusal = _("Un processus du serveur s'est arrêté avant de répondre.")
        if refusal:
            raise PortalError(refusal)

    # Say whether it lives; what tells us to end cuts the moment short in which it is not replaced.
    def is_there(self, is_told: Connection) -> bool:
        if self.process.is_alive():
            return True
        told = "process %d of the server (number %d) ended (%s); another takes its place"
        logger.warning(told, self.process.pid, self.member.number, self.process.exitcode)
        if time.monotonic() - self.began_s < _SHORT_S:
            is_told.poll(1)
        return False

    def successor(self) -> "_Process":
        return _Process(self.context, self.answer, self.member)


def _end(crew: list[_Process]) -> None:
    for one in crew:
        one.process.terminate()
    end = time.monotonic() + _END_S
    for one in crew:
        one.process.join(max(0.0, end - time.monotonic()))
        one.process.kill()
        one.process.join()


# Run in a process of its own; it ends when who began it does, however that ended.
def _run(answer: Answer, member: Member, says: Connection) -> None:
    end_with_parent()
    with suppress(KeyboardInterrupt):  # Ctrl-C is told to all processes of a terminal
        try:
            answer(member, lambda: _say(says, ""))
        except GeoguichetError as error:
            _say(says, str(error))
            sys.exit(1)


def _say(says: Connection, told: str) -> None:
    with suppress(BrokenPipeError):
        says.send(told)


@contextmanager
def claimed(host: str, port: int) -> Iterator[None]:
    """Keep a port for our processes while they come and go, without listening on it. PortalError
    where a port is nobody's to share.
    """
    if not sys.platform.startswith("linux"):
        told = _(
            "--workers : ce système ne distribue pas les connexions d'un port à plusieurs processus "
            "(Linux le fait) ; servez sans --workers."
        )
        raise PortalError(told)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
        yield
