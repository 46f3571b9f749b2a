"""Who does jobs: a worker, which borrows one at a time and has a child process answer it
(:func:`geoguichet.portal.jobs.child.main`).

A worker may be killed at any moment: its child ends with it, its lease runs out, another takes the job.
`Tender` starts one for a portal when jobs wait and nobody works; ``geoguichet worker`` is one beside it,
here or on another machine that has the same workspace.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from geoguichet.floor.http import Client, HttpError
from geoguichet.floor.viewer import MACHINE
from geoguichet.floor.words import _, speaking
from geoguichet.portal.jobs.contract import Call, JobError, JobStore, Lease, Result
from geoguichet.portal.jobs.stores import jobs_of

#: Seconds between two looks for a job, two signs of life, two sweeps.
_LOOK_S, _SIGN_S, _SWEEP_S = 0.1, 1.0, 3_600.0
#: Looks grow rarer when nothing comes, up to this.
_IDLE_S = 0.5
#: A draft that nobody wrote to for so long is nobody's.
_OLD_S = 86_400.0
#: A child that does nothing for so long is let go, and its memory with it.
_SPARE_S = 300.0
_CALL = Client(tries=2, timeout_s=5, total_s=10, largest=1 << 16)


class Child:
    """A process that answers, and what it says."""

    def __init__(self, program: Sequence[str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program, on our own workspace
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # it is killed with all that it started
        )
        self.said: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, lease: Lease) -> None:
        """Hand it a question."""
        told = {"question": lease.question.to_json(), "memory": lease.budget.memory}
        assert self.process.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(BrokenPipeError):  # it is dead: its silence will tell
            self.process.stdin.write(json.dumps(told).encode() + b"\n")
            self.process.stdin.flush()

    def _listen(self) -> None:
        out = self.process.stdout
        assert out is not None  # noqa: S101 - a pipe was asked for
        with suppress(ValueError):  # the last line was cut
            for line in out:
                told = json.loads(line)
                told["body"] = out.read(told.get("size", 0))
                if len(told["body"]) < told.get("size", 0):
                    break  # it was killed as it answered
                self.said.put(told)
        self.said.put(None)

    def kill(self) -> int:
        """End it, now; return how it ended."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return code


class Worker:
    """Does the jobs of a store, one at a time, until it is told to ``stop``; ``program`` answers (that
    of `child`).
    """

    def __init__(
        self, store: JobStore, workspace: Path, *, program: Sequence[str] | None = None
    ) -> None:
        self.store, self.workspace = store, workspace.absolute()
        own = [sys.executable, "-P", "-m", "geoguichet.portal.jobs.child", str(self.workspace)]
        self.program = program or own
        self.name = f"{platform.node()}-{os.getpid()}"
        self.stop = threading.Event()
        self.child: Child | None = None
        self.used = self.signed = self.swept = 0.0
        self.is_without = False

    def run(self) -> None:
        """Work until told to stop."""
        pause = _LOOK_S
        threading.Thread(target=self._call, daemon=True).start()
        try:
            while not self.stop.is_set():
                lease = None
                with self._bearing():
                    self._sign()
                    lease = self.store.lease(self.name)
                if lease:
                    self._do(lease)
                    pause = _LOOK_S
                else:
                    with self._bearing():
                        self._rest()
                    self.stop.wait(pause)
                    pause = min(_IDLE_S, pause * 1.1)
        finally:
            self._drop()

    # Bear that the jobs cannot be read or written for a while, and say so once.
    @contextmanager
    def _bearing(self) -> Iterator[None]:
        try:
            yield
            self.is_without = False
        except JobError as error:
            if not self.is_without:
                print(_("geoguichet : {message}", message=error), file=sys.stderr, flush=True)
            self.is_without = True

    # Have something said of a job, as soon as it can be.
    def _surely(self, said: Callable[..., object], *given: object) -> None:
        is_said = False
        while not is_said:
            with self._bearing():
                said(*given)
                is_said = True
            is_said |= not is_said and self.stop.wait(_LOOK_S)

    # Say that it is there.
    def _sign(self) -> None:
        if time.monotonic() - self.signed >= _SIGN_S:
            self.signed = time.monotonic()
            self.store.present(self.name)

    # Call back who waits for it, apart: a server that is slow keeps no job from being done.
    def _call(self) -> None:
        while not self.stop.wait(_SIGN_S):
            with suppress(JobError):  # it is said where jobs are borrowed
                for call in self.store.calls():
                    call_back(call, self.store)

    # Do what can wait: forget what is old, let a child go that has nothing to do.
    def _rest(self) -> None:
        now = time.monotonic()
        if self.child is not None and now - self.used > _SPARE_S:
            self._drop()
        if now - self.swept > _SWEEP_S or not self.swept:
            self.swept = now
            sweep(self.store, self.workspace)

    def _drop(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child = None

    def _do(self, lease: Lease) -> None:
        with speaking(lease.question.language):
            known = None
            with self._bearing():
                known = self.store.kept(lease.job.digest)  # an equal question waited before it
            if known is not None and self._holds(lease, known):
                self._surely(self.store.end, lease, "successful", "", known)
                return
            if self.child is None or self.child.process.poll() is not None:
                self._drop()
                self.child = Child(self.program)
            self.child.ask(lease)
            self._follow(lease, self.child)
            self.used = time.monotonic()

    def _holds(self, lease: Lease, known: Result) -> bool:
        from geoguichet.portal.jobs.answering import holds
        from geoguichet.portal.jobs.grounds import Ground

        return holds(lease.question, Ground.of(self.workspace), known)

    # Follow a job to its end: its own, that of its time, or that of its worker.
    def _follow(self, lease: Lease, child: Child) -> None:
        end = time.monotonic() + lease.budget.seconds
        kept = time.monotonic()
        while True:
            try:
                told = child.said.get(timeout=0.25)
            except Empty:
                told = {}
            if told is None:
                self._lost(lease)
                return
            if "ended" in told:
                result = Result(told["media"], told["body"]) if told["media"] else None
                self._surely(self.store.end, lease, told["ended"], told["message"], result)
                return
            if self.stop.is_set():
                self._drop()
                self._surely(self.store.give_back, lease)
                return
            if time.monotonic() > end:
                self._drop()
                late = _("Interrompu : plus de {n} s de calcul.", n=round(lease.budget.seconds))
                self._surely(self.store.end, lease, "failed", late)
                return
            is_ours = True
            with self._bearing():
                if told:
                    is_ours = self.store.tell(lease, told["progress"], told["said"])
                elif time.monotonic() - kept > 2 * _LOOK_S:
                    kept, is_ours = time.monotonic(), self.store.keep(lease)
                self._sign()
            if not is_ours:
                self._drop()
                return

    # What was killed from outside is done again; a fault of ours, or of a library, would come again.
    def _lost(self, lease: Lease) -> None:
        child, self.child = self.child, None
        if child and child.kill() == -signal.SIGKILL:
            self._surely(self.store.give_back, lease)
        else:
            told = _("Le calcul s'est arrêté avant sa fin.")
            self._surely(self.store.end, lease, "failed", told)


def call_back(call: Call, store: JobStore) -> None:
    """Tell somebody that a job began or ended: the answer of one that was answered, else its state.

    A server that does not answer is not called again: a client asks for the job when it hears nothing.
    """
    job = call.job
    result = store.result(job.id, viewer=MACHINE) if call.kind == "successUri" else None
    told = Result("application/json", json.dumps(job.status()).encode())
    sent = result.wanted(job.response, job.process) if result else told
    with suppress(HttpError):
        _CALL.post(call.address, sent.body, content_type=sent.media)
    store.was_called(call)


def sweep(store: JobStore, workspace: Path, *, older_s: float = _OLD_S) -> None:
    """Forget what ended long ago, the files beside jobs whose answer is not kept, and the drafts of studies
    that who was killed left.
    """
    store.sweep()
    for folder in (*(workspace / "studies").glob(".*"), *(workspace / "jobs").glob("*")):
        with suppress(OSError):
            is_draft = folder.name.startswith(".")
            if is_draft and folder.name.endswith(".previous"):
                continue
            is_old = time.time() - folder.stat().st_mtime >= older_s
            if is_old and (is_draft or store.kept(folder.name) is None):
                shutil.rmtree(folder, ignore_errors=True)


class Tender:
    """Sees that somebody works when jobs wait: starts a worker when nobody does."""

    def __init__(self, workspace: Path, store: JobStore) -> None:
        self.workspace, self.store = workspace, store
        self._worker: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def look(self) -> None:
        """Start a worker if jobs wait and none was there a moment ago."""
        with self._lock:
            is_alive = self._worker is not None and self._worker.poll() is None
            if is_alive or not self.store.waiting():
                return
            if self._worker is None and self.store.is_worked():
                return
            self._end()
            self._worker = subprocess.Popen(  # noqa: S603 - our own program, on our own workspace
                [sys.executable, "-P", "-m", "geoguichet.portal.jobs.worker", str(self.workspace)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    def end(self) -> None:
        """Have the worker hand back what it does, and end."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        assert worker.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(OSError):
            worker.stdin.close()
        try:
            worker.wait(timeout=2)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def work(workspace: Path, *, attached: bool = False) -> None:
    """Do the jobs of a workspace until told to end (SIGTERM, SIGINT); ``attached``, until its standard
    input closes too: whoever started it is gone.
    """
    worker = Worker(jobs_of(workspace), workspace)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_told: worker.stop.set())
    if attached:
        threading.Thread(target=_await_end, args=(worker.stop,), daemon=True).start()
    worker.run()


def _await_end(stop: threading.Event) -> None:
    while sys.stdin.read(1):
        pass
    stop.set()


if __name__ == "__main__":
    work(Path(sys.argv[1]), attached=True)
